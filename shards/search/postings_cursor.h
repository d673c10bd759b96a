/* postings_cursor: reads the postings of a term in order of documents.
 *
 *      postings_seek        the first posting at or after a document: cursor->doc, cursor->impact
 *      postings_window      all postings of 4,096 documents at once: the fast path, about 1 ns each
 *      postings_window_max  no impact in this window is greater: what need not be read is not
 *      postings_block_max   the same for the block of a document, and where that block ends
 *      postings_next_above  the next posting of an impact that is great enough: blocks without one are not
 *                           read, and in a block 16 impacts are compared at once
 *
 * A cursor may be kept between slices: when postings have moved meanwhile it finds its place again, by
 * its document. What is added after the question began comes too: the caller leaves documents out that
 * index_sees or index_window_seen does not show, as it must for dead ones, which come until they are
 * purged.
 *
 * Happy path  open; for each window in order: window_max (skip?), window; or seek, next, ...
 * Ownership   the caller's memory, nothing is acquired, nothing must be closed.
 * Failure     none: a term without postings is at POSTINGS_DOC_END at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_POSTINGS_CURSOR_H
#define SOUK_SHARDS_SEARCH_POSTINGS_CURSOR_H

#include "shards/search/postings.h"

struct index;

struct postings_cursor {
    const struct postings_list *list; /* NULL: the term has no postings */
    u32 doc;     /* the posting it stands at; POSTINGS_DOC_END: behind the last */
    u32 version; /* of the list, when it was looked at last */
    u32 segment; /* segment_count: in the tail */
    u32 block;
    u32 slot;  /* in docs[] */
    u32 count; /* of docs[] */
    u8 impact; /* of the posting it stands at */
    u8 impacts[POSTINGS_BLOCK];
    u32 docs[POSTINGS_BLOCK];
};

/* Stands at the first posting. */
void postings_open(struct postings_cursor *cursor, const struct index *index, u32 term);

/* Goes to the first posting at or after `doc`, forwards only; returns cursor->doc. */
u32 postings_seek(struct postings_cursor *cursor, u32 doc);

/* Goes to the next posting; returns cursor->doc. */
u32 postings_next(struct postings_cursor *cursor);

/* What postings_next_above has done. */
struct postings_walk {
    u32 work;         /* nanoseconds, about; added to */
    bool has_skipped; /* set when a posting was left out */
};
/* Goes to the next posting of an impact of at least `least`, or, after looking at many blocks, to one that
 * may have less; returns cursor->doc. */
u32 postings_next_above(struct postings_cursor *cursor, u8 least, struct postings_walk *walk);

/* What the posting of a document says; 0: the term is not there. */
u8 postings_impact_of(const struct index *index, u32 term, u32 doc);

/* No posting from `doc` to *last_doc has a greater impact; *last_doc >= doc, POSTINGS_DOC_END when
 * no posting comes. Postings before the cursor do not count. Reads no block. */
u8 postings_block_max(const struct postings_cursor *cursor, u32 doc, u32 *last_doc);

/* The same for all documents of a window (doc / INDEX_WINDOW_DOCS) that is not before the cursor's. */
u8 postings_window_max(const struct postings_cursor *cursor, u32 window);

/* As postings_window, for one that has postings in it, or may have. */
u32 postings_window_read(struct postings_cursor *cursor, u32 window, u16 *docs, u8 *impacts);

/* Writes the postings of a window, at most 4,096: docs[] = document % 4,096, growing. Windows in growing
 * order only; what is before the window is skipped. Stands at the first posting after it. */
static inline u32 postings_window(struct postings_cursor *cursor, u32 window, u16 *docs,
                                  u8 *impacts)
{
    /* Most terms are in few windows. (What it stands at may be gone; nothing before it came.) */
    if (LIKELY(cursor->doc >= (window + 1) * INDEX_WINDOW_DOCS))
        return 0;
    return postings_window_read(cursor, window, docs, impacts);
}

#endif
