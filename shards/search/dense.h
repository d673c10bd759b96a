/* dense: words that stand in many documents, as a bit and a byte for each document.
 *
 *      windows[w] -> bits      1 bit for each of 4,096 documents: has it the word?
 *                    impacts   a byte each, 0 where the bit is not set
 *
 * Lists of postings are short and slow to intersect when both are long; with these 64 documents are met
 * by one instruction. A table is made when a question wants it for the first time: by that question, a window at
 * a time. From then on each posting that is added is added here too. Dead documents stay: a question
 * leaves them out, as it must for postings.
 *
 * A word is worth it when one of 32 documents has it; so there are never more than 32 x the words of a
 * document, and at most DENSE_TABLES of them. Another one takes the place of the one that was not used
 * for the longest time, if that was long ago.
 *
 * Invariants
 *   I1  all postings of windows before `filled` are in the table, and those that came since it was begun.
 *   I2  list->dense of a term is the number of its table + 1, 0 = it has none.
 *   I3  a table whose question is open (`users`) keeps its word.
 *   I4  a window whose documents are all buried has no memory here.
 * Ownership  the index's arena. `windows` moves when documents are added: it is looked up in each slice.
 * Failure    no memory is a panic, as in the index.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DENSE_H
#define SOUK_SHARDS_SEARCH_DENSE_H

#include "shards/search/index_documents.h"
#include "shards/search/postings.h"

#define DENSE_TABLES      64u
#define DENSE_SHARE       32u   /* one of so many documents has the word */
#define DENSE_DF_MIN      128u  /* and so many of them */
#define DENSE_USES_UNUSED 1000u /* a table that was not used by so many questions may go */

struct dense_window {
    u64 *bits;
    u8 *impacts; /* NULL: no bit is set */
};

struct dense_table {
    struct dense_window *windows;
    u32 window_count;
    u32 capacity;
    u32 filled; /* windows */
    u32 term;   /* 0: the table is free */
    u32 users;  /* bits of the slots of questions */
    u32 last_use;
};

struct dense_room {
    struct dense_table tables[DENSE_TABLES];
    u64 bytes;
    u32 use_count;
    u32 reserved;
};

struct index;
struct index_question;
struct postings_cursor;

/* Is it so frequent? */
bool dense_is_worth(const struct index *index, u32 term);

/* The number of the term's table for a question, which may have to be filled; DENSE_TABLES: the word is rare, or
 * there is no room. */
u32 dense_want(struct index *index, const struct index_question *question, u32 term);

static inline bool dense_is_filled(const struct dense_room *room, u32 number, u32 end)
{
    return room->tables[number].filled * INDEX_WINDOW_DOCS >= end;
}
/* Fills a window of a table that is not filled. `cursor` is one of its term, at the first posting or as the call
 * before left it; `work` grows by nanoseconds, about. */
void dense_fill(struct index *index, u32 number, struct postings_cursor *cursor, u32 *work);

/* A posting has been added whose term has table `number`. */
void dense_add(struct index *index, u32 number, u32 doc, u8 impact);

/* All documents of a window are buried. */
void dense_drop_window(struct index *index, u32 window);

/* The question has ended. */
void dense_leave(struct index *index, const struct index_question *question);

void dense_deinit(struct index *index);

/* Walks the tables. */
bool dense_valid(const struct index *index);

/* 0: the document does not have the word. */
static inline u8 dense_get(const struct dense_window *windows, u32 doc)
{
    const struct dense_window *window = &windows[doc / INDEX_WINDOW_DOCS];
    const u32 at = doc % INDEX_WINDOW_DOCS;
    return (window->bits[at / 64] >> at % 64 & 1) != 0 ? window->impacts[at] : 0;
}

/* The first document from `doc` on, before `end`, that has one; POSTINGS_DOC_END: none. */
u32 dense_next(const struct dense_window *windows, u32 doc, u32 end);

/* The bits of a window without any. */
extern const u64 dense_no_bits[INDEX_WINDOW_WORDS];

#endif
