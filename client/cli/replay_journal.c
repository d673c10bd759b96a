/* replay_journal: see client/cli/replay_journal.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/cli_value.h"
#include "proto/checksum.h"

#define MARK_BYTES 10u /* " #" and eight digits */

static const char *const mode_names[] = {"takes", "orders"};

static u32 mark_of(const char *text, size_t bytes)
{
    return (u32)checksum64(text, bytes);
}

static bool is_marked(const char *line, size_t bytes)
{
    char mark[MARK_BYTES + 1];
    if (bytes < MARK_BYTES)
        return false;
    const size_t body = bytes - MARK_BYTES;
    (void)snprintf(mark, sizeof mark, " #%08" PRIx32, mark_of(line, body));
    return memcmp(line + body, mark, MARK_BYTES) == 0;
}

/* Checks every line's mark and turns the marks into ends of strings. Returns NULL or what is wrong;
 * *bytes loses a torn tail. */
static const char *check_marks(char *text, size_t *bytes)
{
    size_t at = 0;
    while (at < *bytes) {
        char *end = memchr(text + at, '\n', *bytes - at);
        const size_t line_bytes = end == NULL ? *bytes - at : (size_t)(end - text) - at;
        if (end == NULL || !is_marked(text + at, line_bytes)) {
            if (end != NULL && (size_t)(end - text) + 1 < *bytes)
                return "is damaged: a line in it does not match its checksum";
            *bytes = at;
            return NULL;
        }
        end[-(int)MARK_BYTES] = '\0';
        at = (size_t)(end - text) + 1;
    }
    return NULL;
}

const char *journal_open(struct journal *journal, const char *path, struct journal_reader *reader)
{
    struct stat status;
    memset(journal, 0, sizeof *journal);
    memset(reader, 0, sizeof *reader);
    journal->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (journal->fd < 0)
        return strerror(errno);
    if (flock(journal->fd, LOCK_EX | LOCK_NB) != 0)
        return "is in use by another replay";
    if (fstat(journal->fd, &status) != 0)
        return strerror(errno);
    const size_t size = (size_t)status.st_size;
    reader->text = malloc(size + 1);
    MUST(reader->text != NULL);
    while (reader->bytes < size) {
        const ssize_t got = read(journal->fd, reader->text + reader->bytes, size - reader->bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? strerror(errno) : "changes while it is read";
        reader->bytes += (size_t)got;
    }
    reader->text[size] = '\0';
    const char *reason = check_marks(reader->text, &reader->bytes);
    if (reason != NULL)
        return reason;
    if (reader->bytes < size && ftruncate(journal->fd, (off_t)reader->bytes) != 0)
        return strerror(errno);
    reader->line = 1;
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (journal->fd >= 0)
        (void)close(journal->fd);
    free(journal->buffer);
    memset(journal, 0, sizeof *journal);
    journal->fd = -1;
}

void journal_reader_close(struct journal_reader *reader)
{
    free(reader->text);
    memset(reader, 0, sizeof *reader);
}

/* ---- reading ---- */

/* The next line as a string, or NULL at the end. */
static char *next_line(struct journal_reader *reader)
{
    if (reader->at >= reader->bytes)
        return NULL;
    char *line = reader->text + reader->at;
    reader->at += strlen(line) + MARK_BYTES + 1;
    reader->line++;
    return line;
}

static bool read_id(const char **at, struct souk_id128 *id)
{
    char text[SOUK_ID_TEXT_MAX];
    if (strlen(*at) < SOUK_ID_TEXT_MAX - 1)
        return false;
    memcpy(text, *at, SOUK_ID_TEXT_MAX - 1);
    text[SOUK_ID_TEXT_MAX - 1] = '\0';
    *at += SOUK_ID_TEXT_MAX - 1;
    return souk_id_parse(text, id) == 0;
}

const char *journal_read_identity(struct journal_reader *reader, struct journal_identity *identity)
{
    static const char no_journal[] = "is not a journal of souk replay";
    char mode[8];
    int used = 0;
    const char *at = next_line(reader);
    if (at == NULL ||
        sscanf(at,
               "souk-replay 2 as=%7[a-z] start=%" SCNu64 " file=%16" SCNx64 " bytes=%" SCNu64
               " stock=%" SCNu64 " clients=%" SCNu32 " batch=%" SCNu32 " shards=%" SCNu32
               " data=%n",
               mode, &identity->start_ms, &identity->digest, &identity->bytes, &identity->factor,
               &identity->clients, &identity->batch, &identity->shards, &used) != 8 ||
        used == 0)
        return no_journal;
    at += used;
    const bool is_orders = strcmp(mode, mode_names[JOURNAL_MODE_ORDERS]) == 0;
    if (!is_orders && strcmp(mode, mode_names[JOURNAL_MODE_TAKES]) != 0)
        return no_journal;
    identity->mode = is_orders ? JOURNAL_MODE_ORDERS : JOURNAL_MODE_TAKES;
    if (identity->clients == 0 || identity->clients > JOURNAL_SESSIONS_MAX ||
        !read_id(&at, &identity->data_id) || strncmp(at, " sessions=", 10) != 0)
        return no_journal;
    at += 10;
    for (u32 i = 0; i < identity->clients; i++) {
        if (!read_id(&at, &identity->sessions[i]) ||
            *at != (i + 1 == identity->clients ? '\0' : ','))
            return no_journal;
        at++;
    }
    return NULL;
}

/* "A:B" with A from 0; moves *at behind it and the space. */
static bool read_pair(char **at, u64 *left, i64 *right)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *left = strtoull(*at, &end, 10);
    if (*end != ':')
        return false;
    *right = strtoll(end + 1, &end, 10);
    if (*end != ' ' && *end != '\0')
        return false;
    *at = end + (*end == ' ' ? 1 : 0);
    return true;
}

static bool read_pairs(char *at, struct journal_entry *entry)
{
    for (entry->count = 0; *at != '\0'; entry->count++) {
        u64 left;
        i64 right;
        if (entry->count == JOURNAL_ITEMS_MAX || !read_pair(&at, &left, &right))
            return false;
        if (entry->kind == JOURNAL_ENTRY_INTENT) {
            if (left >= REPLAY_NONE)
                return false;
            entry->items[entry->count] = (struct shop_item){(u32)left, right};
        } else {
            if (left > UINT16_MAX)
                return false;
            entry->answers[entry->count] = (struct shop_answer){(u16)left, right};
        }
    }
    return entry->count > 0;
}

/* ". EVENT STATUS VALUE": whether the line is one. */
static bool read_end(const char *line, struct journal_entry *entry)
{
    u32 status;
    int used = 0;
    if (sscanf(line, ". %" SCNu32 " %" SCNu32 " %" SCNd64 "%n", &entry->event, &status,
               &entry->answers[0].value, &used) != 3 ||
        line[used] != '\0' || status > UINT16_MAX)
        return false;
    entry->kind = JOURNAL_ENTRY_END;
    entry->answers[0].status = (u16)status;
    entry->count = 1;
    return true;
}

int journal_read_entry(struct journal_reader *reader, struct journal_entry *entry)
{
    char *line = next_line(reader);
    u32 step = 0;
    int used = 0;
    if (line == NULL)
        return 0;
    if (strcmp(line, "= opened") == 0) {
        entry->kind = JOURNAL_ENTRY_OPENED;
        return 1;
    }
    if (line[0] == '.')
        return read_end(line, entry) ? 1 : -1;
    if (sscanf(line, "> %" SCNu32 " %" SCNu64 " %" SCNu32 " %n", &entry->lane, &entry->seq, &step,
               &used) == 3 &&
        used > 0) {
        if (step == SHOP_STEP_NONE || step >= SHOP_STEP_COUNT)
            return -1;
        entry->kind = JOURNAL_ENTRY_INTENT;
        entry->step = (enum shop_step)step;
    } else if (sscanf(line, "< %" SCNu32 " %" SCNu64 " %n", &entry->lane, &entry->seq, &used) ==
                   2 &&
               used > 0) {
        entry->kind = JOURNAL_ENTRY_ANSWER;
    } else {
        return -1;
    }
    return read_pairs(line + used, entry) ? 1 : -1;
}

/* ---- writing ---- */

static void put(struct journal *journal, const char *format, ...) PRINTF(2, 3);
static void put(struct journal *journal, const char *format, ...)
{
    va_list list;
    for (;;) {
        const size_t room = journal->buffer_capacity - journal->buffer_bytes;
        va_start(list, format);
        const int wanted = vsnprintf(room == 0 ? NULL : journal->buffer + journal->buffer_bytes,
                                     room, format, list);
        va_end(list);
        MUST(wanted >= 0);
        if ((size_t)wanted < room) {
            journal->buffer_bytes += (size_t)wanted;
            return;
        }
        journal->buffer_capacity = (journal->buffer_capacity + (size_t)wanted) * 2 + 4096;
        journal->buffer = realloc(journal->buffer, journal->buffer_capacity);
        MUST(journal->buffer != NULL);
    }
}

static void end_line(struct journal *journal)
{
    const char *line = journal->buffer + journal->line_start;
    const u32 mark = mark_of(line, journal->buffer_bytes - journal->line_start);
    put(journal, " #%08" PRIx32 "\n", mark);
    journal->line_start = journal->buffer_bytes;
}

void journal_put_identity(struct journal *journal, const struct journal_identity *identity)
{
    char id[SOUK_ID_TEXT_MAX];
    if (journal->fd < 0)
        return;
    put(journal,
        "souk-replay 2 as=%s start=%" PRIu64 " file=%016" PRIx64 " bytes=%" PRIu64 " stock=%" PRIu64
        " clients=%" PRIu32 " batch=%" PRIu32 " shards=%" PRIu32 " data=%s sessions=",
        mode_names[identity->mode], identity->start_ms, identity->digest, identity->bytes,
        identity->factor, identity->clients, identity->batch, identity->shards,
        souk_id_print(identity->data_id, id));
    for (u32 i = 0; i < identity->clients; i++)
        put(journal, "%s%s", i == 0 ? "" : ",", souk_id_print(identity->sessions[i], id));
    end_line(journal);
}

void journal_put_opened(struct journal *journal)
{
    if (journal->fd < 0)
        return;
    put(journal, "= opened");
    end_line(journal);
}

void journal_put_intent(struct journal *journal, u32 lane, u64 seq, enum shop_step step,
                        const struct shop_item *items, u32 count)
{
    MUST(count > 0 && count <= JOURNAL_ITEMS_MAX);
    if (journal->fd < 0)
        return;
    put(journal, "> %" PRIu32 " %" PRIu64 " %d", lane, seq, (int)step);
    for (u32 i = 0; i < count; i++)
        put(journal, " %" PRIu32 ":%" PRId64, items[i].index, items[i].quantity);
    end_line(journal);
}

void journal_put_answer(struct journal *journal, u32 lane, u64 seq,
                        const struct shop_answer *answers, u32 count)
{
    MUST(count > 0 && count <= JOURNAL_ITEMS_MAX);
    if (journal->fd < 0)
        return;
    put(journal, "< %" PRIu32 " %" PRIu64, lane, seq);
    for (u32 i = 0; i < count; i++)
        put(journal, " %u:%" PRId64, answers[i].status, answers[i].value);
    end_line(journal);
}

void journal_put_end(struct journal *journal, u32 event, struct shop_answer answer)
{
    if (journal->fd < 0)
        return;
    put(journal, ". %" PRIu32 " %u %" PRId64, event, answer.status, answer.value);
    end_line(journal);
}

int journal_flush(struct journal *journal)
{
    size_t done = 0;
    if (journal->fd < 0)
        return 0;
    while (done < journal->buffer_bytes) {
        const ssize_t wrote =
            write(journal->fd, journal->buffer + done, journal->buffer_bytes - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -errno;
        done += (size_t)wrote;
    }
    journal->buffer_bytes = journal->line_start = 0;
    return 0;
}
