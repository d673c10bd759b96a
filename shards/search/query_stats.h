/* query_stats: which queries are asked most, and which find nothing, in bounded memory.
 *
 *      query_stats_see(query, total)  ->  popular   counts every query
 *                                     ->  hopeless  counts those without a hit
 *
 * Each table has QUERY_STATS_ROWS counters (space-saving: a query that has none takes the smallest one
 * over and inherits its count as its error). A query that makes up more than 1/QUERY_STATS_ROWS of all
 * is surely there. What is told is the count without the error: it was asked at least that often.
 *
 * Invariants
 *   I1  counters[heap[i]] is not greater than those of its children; slots name each used counter once.
 *   I2  sum of the counts == queries seen by the table.
 * Ownership  the shard's core; soft: lost with a restart, neither logged nor digested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_QUERY_STATS_H
#define SOUK_SHARDS_SEARCH_QUERY_STATS_H

#include "proto/base.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/store/store_memory.h"

#define QUERY_STATS_ROWS  512u
#define QUERY_STATS_SLOTS (4 * QUERY_STATS_ROWS)

struct query_counter {
    struct text64 query;
    u64 hash;
    u64 count;
    u64 error;
    u64 empty;
    u64 last_ns;
    u32 place; /* in the heap */
    u32 zero0;
};

struct query_table {
    u32 count;
    u32 heap[QUERY_STATS_ROWS];   /* counter, the smallest count first */
    u16 slots[QUERY_STATS_SLOTS]; /* by hash: counter + 1, 0 = free */
    struct query_counter counters[QUERY_STATS_ROWS];
};

struct query_stats {
    struct store_memory *memory;
    struct query_table *tables; /* popular, hopeless; NULL before the first query */
    u64 asked;
    u64 empty;
};

void query_stats_init(struct query_stats *stats, struct store_memory *memory);
void query_stats_deinit(struct query_stats *stats);
/* `query` is folded text, cut if it is long. */
void query_stats_see(struct query_stats *stats, struct span query, u64 total, u64 now_ns);
/* The rows of the popular or of the hopeless, most first, then by text; how many. */
u32 query_stats_rows(const struct query_stats *stats, bool hopeless, struct row_query_count *rows,
                     u32 limit);
bool query_stats_valid(const struct query_stats *stats);

#endif
