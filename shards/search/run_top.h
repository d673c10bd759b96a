/* run_top: the best hits seen so far.
 *
 *      run_top_offer(top, entry)   ... for every match
 *      run_top_sort(top)           entries[0] is the best
 *
 * A heap with the worst of the best at its root, so that most offers end with one compare.
 *
 * Invariants
 *   I1  the order is total: key from the greatest, then product id from the least.
 *   I2  what is kept does not depend on the order of the offers.
 * Ownership  the entries are the caller's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_RUN_TOP_H
#define SOUK_SHARDS_SEARCH_RUN_TOP_H

#include "proto/base.h"

struct run_hit {
    u64 key; /* greater is earlier */
    u64 product_id;
    u32 doc;
    u32 text_score;
    u32 rank_score;
    u32 words; /* bits: slots that it has */
    u32 flags; /* enum hit_flag */
    u32 place; /* of a pin, from 1; else 0 */
};
STATIC_CHECK(sizeof(struct run_hit) == 40);

struct run_top {
    struct run_hit *entries;
    u32 count;
    u32 capacity;
    u32 sorted; /* the last ones, from the end, once it is being sorted */
};

static inline bool run_hit_precedes(const struct run_hit *a, const struct run_hit *b)
{
    return a->key != b->key ? a->key > b->key : a->product_id < b->product_id;
}

/* Must an entry of this key be offered? False: it would not stay. */
static inline bool run_top_wants(const struct run_top *top, u64 key)
{
    return top->count < top->capacity || (top->capacity != 0 && key >= top->entries[0].key);
}

void run_top_offer(struct run_top *top, const struct run_hit *entry);
/* The first entry first, when all are offered; `most` entries are put in their places. True: all are. */
bool run_top_sort(struct run_top *top, u32 most);

#endif
