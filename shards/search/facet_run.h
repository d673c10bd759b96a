/* facet_run: what is counted for a question on a shard; private to facet_run.c (begin, windows),
 * facet_count.c (the loops) and facet_finish.c (order, findings).
 *
 * Values are counted by their ordinals in an array, or, where a field has very many, in a hash table.
 * Numbers of attributes too: which number an ordinal stands for is looked up once, at the end. Price and
 * popularity have their cell in a column; rating and discount have few numbers, each with its count.
 *
 * Where fewer than half of a window match, their positions are written out once and every facet with the
 * same matches walks along that list: loops over the bits of words that have none, one or two of them
 * cost 12 ns a match, most of it branches that were predicted wrongly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_FACET_RUN_H
#define SOUK_SHARDS_SEARCH_FACET_RUN_H

#include "shards/search/facet.h"
#include "shards/search/facet_cell.h"

#define FACET_HASH_SLOTS (1u << 16)
#define FACET_CELL_SLOTS (2u * FACET_CELLS)
#define FACET_NO_CELLS   0u
/* Few values: one match counts for what the one before it has counted for, and would wait for that. So
 * matches count in turn in the counts and in these. */
#define FACET_LANES     3u
#define FACET_LANES_END 1024u
#define FACET_MANY      UINT32_MAX /* as position_count: there is no list */

STATIC_CHECK(FACET_KEYS_MAX < FACET_HASH_SLOTS);

enum count_mode { COUNT_ARRAY, COUNT_HASH, COUNT_TRUTH, COUNT_CELLS, COUNT_NUMBERS };

struct facet_count {
    u8 mode;
    u8 column; /* of numbers */
    u8 cells;  /* the column of their cells */
    u8 bit;    /* what a document needs, or COLUMN_BIT_COUNT */
    u32 field; /* 0: this shard has no such field */
    u32 end;   /* of the counts */
    u32 distinct;
    u32 *counts;
    u32 *lanes; /* counts that are added to these at the end, FACET_LANES times `end`; NULL: none */
    u32 *keys;  /* of COUNT_HASH: ordinals, 0 = free */
    i64 least;
    i64 greatest;
    u64 total;
    struct facet_row *rows;
    u32 row_count;
};

struct facet_run {
    const struct facets *facets;
    const struct columns *columns;
    struct bump *bump;
    u64 now_ns;
    u32 doc_end; /* documents from here on came later */
    u32 position_count;
    u16 *positions; /* of the matches in the window */
    bool has_list;  /* they are those of the facet that is being counted */
    u32 keys;       /* rows of all facets so far */
    u32 written;    /* of them */
    bool is_too_many;
    /* finish */
    bool has_begun; /* the phase */
    u32 facet;
    u32 phase;
    u32 at;
    u32 used;
    struct facet_row *scattered;
    u32 *buckets; /* where each begins, while it is filled: where its next row comes */
    u32 bucket_bits;
    struct facet_count counts[FACETS_MAX];
};

/* After the last window: all is in the counts. */
void facet_count_end(struct facet_count *count);
/* Adds the matches of a window to a facet's counts. False: too many values. */
bool facet_count_window(struct facet_run *run, u32 facet, u32 window,
                        const struct window_bits *bits);

#endif
