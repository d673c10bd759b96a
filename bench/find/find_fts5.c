/* find_fts5: SQLite's FTS5 as a peer: in memory, a prepared statement, ORDER BY rank LIMIT 10.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/find/find_peer.h"

struct find_peer {
    sqlite3 *db;
    sqlite3_stmt *insert;
    sqlite3_stmt *select;
};

static void complain(struct find_peer *peer, const char *what)
{
    (void)fprintf(stderr, "fts5: %s: %s\n", what, sqlite3_errmsg(peer->db));
}

static void fts5_close(struct find_peer *peer)
{
    (void)sqlite3_finalize(peer->insert);
    (void)sqlite3_finalize(peer->select);
    (void)sqlite3_close(peer->db);
    free(peer);
}

static struct find_peer *fts5_open(void)
{
    struct find_peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        return NULL;
    if (sqlite3_open(":memory:", &peer->db) != SQLITE_OK ||
        sqlite3_exec(peer->db,
                     "PRAGMA cache_size=-4000000; CREATE VIRTUAL TABLE p USING fts5(title, "
                     "content='', tokenize='porter unicode61', prefix='3 4'); BEGIN",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(peer->db, "INSERT INTO p(rowid, title) VALUES(?, ?)", -1, &peer->insert,
                           NULL) != SQLITE_OK) {
        complain(peer, "cannot be opened");
        fts5_close(peer);
        return NULL;
    }
    return peer;
}

static int fts5_add(struct find_peer *peer, uint32_t i, const char *title)
{
    (void)sqlite3_bind_int64(peer->insert, 1, (sqlite3_int64)i + 1);
    (void)sqlite3_bind_text(peer->insert, 2, title, -1, SQLITE_STATIC);
    const int result = sqlite3_step(peer->insert);
    (void)sqlite3_reset(peer->insert);
    return result == SQLITE_DONE ? 0 : -1;
}

static int fts5_finish(struct find_peer *peer)
{
    if (sqlite3_exec(peer->db, "COMMIT; INSERT INTO p(p) VALUES('optimize')", NULL, NULL, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(peer->db, "SELECT rowid FROM p WHERE p MATCH ? ORDER BY rank LIMIT 10",
                           -1, &peer->select, NULL) != SQLITE_OK) {
        complain(peer, "cannot be finished");
        return -1;
    }
    return 0;
}

static int fts5_search(struct find_peer *peer, const char *const *words, uint32_t count,
                       bool is_prefix, bool is_phrase, uint32_t hits[10])
{
    char text[512];
    size_t used = 0;
    int found = 0;
    for (uint32_t i = 0; i < count && used + 64 < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s%s",
                                 !is_phrase || i == 0 ? "\"" : " ", words[i],
                                 !is_phrase || i + 1 == count ? "\"" : "",
                                 is_phrase                     ? ""
                                 : is_prefix && i + 1 == count ? "*"
                                                               : " ");
    (void)sqlite3_bind_text(peer->select, 1, text, -1, SQLITE_TRANSIENT);
    int result;
    while ((result = sqlite3_step(peer->select)) == SQLITE_ROW && found < 10)
        hits[found++] = (uint32_t)(sqlite3_column_int64(peer->select, 0) - 1);
    if (result != SQLITE_DONE && result != SQLITE_ROW) {
        complain(peer, text);
        found = -1;
    }
    (void)sqlite3_reset(peer->select);
    return found;
}

const struct find_peer_calls *find_peer_fts5(void)
{
    static const struct find_peer_calls calls = {
        .name = "SQLite FTS5",
        .open = fts5_open,
        .close = fts5_close,
        .add = fts5_add,
        .finish = fts5_finish,
        .search = fts5_search,
    };
    return &calls;
}
