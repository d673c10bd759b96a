/* stock_tell: what a SKU tells its product: price, and whether it is to be had.
 *
 *      levels change --> stock_notice_edge: none, low or some, as told?     a compare of one line
 *                             | no
 *      price, product ------> stock_mark: into a heap by id
 *                             v
 *      end of the entry (or of an expiry): stock_tell_marked --mail_sku_fact--> the product's shard
 *
 * The state is none without a sellable unit, low from low_at on, else some. It is told when the entry is
 * done (a linked frame may be taken back) and only if it is another one than was told, so that a SKU that
 * sells out costs one message and not one for each sale. Budgets of ads tell their product the same way.
 *
 * Invariants
 *   I1  between entries nothing is marked, and what was told is what is: so it follows from the levels,
 *       and is neither dumped nor digested.
 *   I2  marked resources are told in the order of their ids: the order in which leases of one moment end
 *       is not known.
 * Ownership  one core; the heap lies in the arena.
 * Happy path most changes cross no edge: nothing but the compare.
 * Failure    none.
 * Not here   what the product's shard makes of it: catalog_live.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STOCK_STOCK_TELL_H
#define SOUK_SHARDS_STOCK_STOCK_TELL_H

#include "shards/stock/stock.h"

struct shard;

static inline enum stock_state stock_state_of(const struct stock_hot *hot)
{
    const i64 sellable = stock_sellable(hot);
    if (sellable < 1)
        return STOCK_STATE_NONE;
    return sellable <= hot->low_at ? STOCK_STATE_LOW : STOCK_STATE_SOME;
}

static inline enum stock_state stock_told_state(const struct stock_hot *hot)
{
    return (enum stock_state)(hot->flags >> STOCK_HOT_TOLD_SHIFT & 3u);
}

/* It has something to tell: price or product are others, or levels that no handler notices. */
void stock_mark(struct stock *stock, u32 index);
/* The same, and it is told in any case. */
void stock_mark_changed(struct stock *stock, u32 index);

/* After a change of levels. */
static inline void stock_notice_edge(struct stock *stock, u32 index)
{
    const struct stock_hot *hot = stock_hot_at(stock, index);
    if ((hot->flags & STOCK_HOT_TELLS) != 0 &&
        UNLIKELY(stock_state_of(hot) != stock_told_state(hot)))
        stock_mark(stock, index);
}

static inline bool stock_has_marked(const struct stock *stock)
{
    return (heap_count(&stock->marked[0]) | heap_count(&stock->marked[1])) != 0;
}

/* The entry is done: tells. False: the budget was spent first. */
NODISCARD bool stock_tell_marked(struct shard *shard, u64 now_ns, u32 *budget);
/* The linked frame was taken back, and the marks in the records with it. */
void stock_forget_marked(struct stock *stock);
/* As loaded: everything has been told. */
void stock_set_told(struct stock *stock, struct stock_hot *hot);

#endif
