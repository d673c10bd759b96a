/* index_documents: which documents there are, whose they are, and who may still see the dead ones.
 *
 * Numbers of documents begin with 1, grow by 1 and are never used again. 4,096 of them are a window:
 *
 *      windows[w] -> live      1 bit each: alive
 *                    present   1 bit each: alive, or dead and a question may still want it
 *                    details   48 KiB: 4,096 x u64 forward words or grave, 4,096 x u32 product
 *
 *      add -> live + present -> kill -> present, with a grave -> bury -> neither
 *      graves: oldest -> ... -> newest   (a list in order of death; its head is buried first)
 *
 * A document that dies while questions are open lies in state: those that began before its death see
 * it until the last of them has ended. With no question open it is buried at once. A window whose
 * documents are all buried gives its memory back; what is asked about them is "dead".
 *
 * Invariants
 *   I1  live is a subset of present; present and not live is exactly what is in the list of graves.
 *   I2  `death` grows along the list of graves: it numbers the deaths of the index. (Not the lsn: a
 *       question may begin between two commands of a batch, which share one.)
 *   I3  details are there exactly as long as a document of the window is present or to come.
 * Ownership  windows are arena objects; the forward words belong to index.c. One core.
 * Not here   the words of documents (forward.h) and where they stand (postings.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_INDEX_DOCUMENTS_H
#define SOUK_SHARDS_SEARCH_INDEX_DOCUMENTS_H

#include "proto/base.h"
#include "shards/store/arena.h"
#include "shards/store/pool.h"

#define INDEX_WINDOW_DOCS  4096u
#define INDEX_WINDOW_WORDS (INDEX_WINDOW_DOCS / 64)
#define INDEX_DOC_MAX      (1u << 31)

struct index_details {
    u64 places[INDEX_WINDOW_DOCS]; /* of a live one: address of its words; else its grave */
    u32 products[INDEX_WINDOW_DOCS];
};
STATIC_CHECK(sizeof(struct index_details) == 48u << 10); /* a class of the arena */

struct index_window {
    u64 live[INDEX_WINDOW_WORDS];
    u64 present[INDEX_WINDOW_WORDS];
    struct index_details *details;
    u32 live_count;
    u32 present_count;
};

struct index_grave {
    u32 *words;
    u64 death; /* its number: 1, 2, ... */
    u32 doc;
    u32 next;
};

struct index_documents {
    struct pool windows; /* record w + 1: address of window w; NULL: all its documents are buried */
    struct pool graves;
    struct arena *arena;
    u64 live_count;
    u64 death_count;
    u64 window_bytes;
    u32 end; /* the number of the next document */
    u32 oldest_grave;
    u32 newest_grave; /* if there is an oldest one */
    u32 reserved;
};

void index_documents_init(struct index_documents *documents, struct store_memory *memory,
                          struct arena *arena);
void index_documents_deinit(struct index_documents *documents);
/* Leaves what is in the arena to who owns that. */
void index_documents_drop(struct index_documents *documents);

/* A new live document. */
NODISCARD u32 index_documents_add(struct index_documents *documents, u32 product, u32 *words);

/* A live document dies and goes to the end of the list of graves. */
void index_documents_kill(struct index_documents *documents, u32 doc);

/* Takes the oldest grave out, if the number of its death is at most `horizon`. The caller then owns
 * grave->words. */
NODISCARD bool index_documents_bury(struct index_documents *documents, u64 horizon,
                                    struct index_grave *grave);

/* A document that dies unseen: as kill and bury in one. Returns its words. */
NODISCARD u32 *index_documents_remove(struct index_documents *documents, u32 doc);

/* Walks everything. */
bool index_documents_valid(const struct index_documents *documents);

/* NULL if there is no such window, or all its documents are buried. */
static inline struct index_window *index_documents_window(const struct index_documents *documents,
                                                          u32 window)
{
    if (UNLIKELY(window + 1 >= documents->windows.next_fresh))
        return NULL;
    return *(struct index_window **)pool_at_sized(&documents->windows, window + 1, sizeof(void *));
}

static inline bool index_documents_has(const u64 *bits, u32 doc)
{
    return (bits[doc % INDEX_WINDOW_DOCS / 64] >> (doc % 64) & 1) != 0;
}

static inline bool index_documents_is_live(const struct index_documents *documents, u32 doc)
{
    const struct index_window *window = index_documents_window(documents, doc / INDEX_WINDOW_DOCS);
    return window != NULL && index_documents_has(window->live, doc);
}

/* Alive, or dead and not buried. */
static inline bool index_documents_is_present(const struct index_documents *documents, u32 doc)
{
    const struct index_window *window = index_documents_window(documents, doc / INDEX_WINDOW_DOCS);
    return window != NULL && index_documents_has(window->present, doc);
}

/* Of a document that is present. */
static inline const struct index_grave *
index_documents_grave(const struct index_documents *documents, const struct index_window *window,
                      u32 doc)
{
    CHECK(index_documents_has(window->present, doc) && !index_documents_has(window->live, doc));
    return pool_at(&documents->graves, (u32)window->details->places[doc % INDEX_WINDOW_DOCS]);
}

/* Of a document that is present. */
static inline const u32 *index_documents_words(const struct index_documents *documents,
                                               const struct index_window *window, u32 doc)
{
    if (LIKELY(index_documents_has(window->live, doc)))
        return (const u32 *)(uintptr_t)window->details->places[doc % INDEX_WINDOW_DOCS];
    return index_documents_grave(documents, window, doc)->words;
}

#endif
