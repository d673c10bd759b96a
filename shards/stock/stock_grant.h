/* stock_grant: the life of one hold or allocation, and its timer.
 *
 * Handlers change quantities and call stock_grant_enter for a new state; everything that follows
 * from the state (which heap it is in, the counts, the end) is done here, in one place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STOCK_STOCK_GRANT_H
#define SOUK_SHARDS_STOCK_STOCK_GRANT_H

#include "proto/status.h"
#include "shards/stock/stock.h"

struct stock_grant_key {
    struct id128 id;
    u32 resource;
};

static inline bool stock_grant_equal(const void *context, u32 index, const void *key)
{
    const struct stock_grant *grant = stock_grant_at(context, index);
    const struct stock_grant_key *wanted = key;
    return id128_equal(grant->id, wanted->id) && grant->resource == wanted->resource;
}

/* Finds by id, 0 when there is none. `hash` by stock_grant_hash. */
static inline u32 stock_grant_find(const struct stock *stock, u64 hash, u32 resource,
                                   struct id128 id)
{
    const struct stock_grant_key key = {.id = id, .resource = resource};
    return map_find(&stock->grant_map, hash, stock_grant_equal, stock, &key);
}

/* Is an id that no grant has old enough to have been forgotten? */
static inline bool stock_id_too_old(const struct stock *stock, struct id128 id, u64 now_ms)
{
    return id128_ms(id) + stock->retention_ms <= now_ms;
}

/* Why an id that no grant has may not be used for a new one; STATUS_OK when it may. */
static inline u16 stock_id_refusal(const struct stock *stock, struct id128 id, u64 now_ms)
{
    if (stock_id_too_old(stock, id, now_ms))
        return STATUS_TOO_OLD;
    return id128_ms(id) > now_ms + ID_FUTURE_MS_MAX ? STATUS_ID_IN_FUTURE : STATUS_OK;
}

/* A new grant: acquire gives a zeroed record, the caller fills it in, insert makes it exist: in the
 * map, in the counts, and its timer begins. `grant` is the record, `cold` that of its resource: the
 * caller has both at hand. */
static inline u32 stock_grant_acquire(struct stock *stock)
{
    return pool_acquire(&stock->grants);
}
void stock_grant_insert(struct stock *stock, u64 hash, u32 index, struct stock_grant *grant,
                        struct stock_cold *cold);

/* After stock_grant_before_change and a change of state or times: counts and timer follow. */
void stock_grant_enter(struct stock *stock, u32 index, enum grant_state state, u64 end_ns);
/* The way back, which only orders go: RELEASED -> HELD, without a lease, and FINISHED -> ALLOCATED. The
 * caller has set the quantities. */
void stock_grant_revive(struct stock *stock, u32 index, enum grant_state state);
void stock_grant_timer_sync(struct stock *stock, u32 index);

/* Removes a grant for good: its retention is over, or its creation is undone. */
void stock_grant_drop(struct stock *stock, u32 index);

/* Undo: puts an earlier image in its place. */
void stock_grant_restore(struct stock *stock, u32 index, const struct stock_grant *image);

/* A grant whose units are all shipped or cancelled is FINISHED. */
static inline bool stock_grant_is_spent(const struct stock_grant *grant)
{
    return grant->state == GRANT_STATE_ALLOCATED &&
           grant->shipped + grant->cancelled == grant->allocated;
}

static inline u64 stock_grant_max_life_ns(const struct stock_grant *grant)
{
    return grant->origin == STOCK_ORIGIN_HOLD ? grant->created_at_ns + grant->life_ms * NS_PER_MS
                                              : 0;
}

u64 stock_grant_forget_ns(const struct stock *stock, const struct stock_grant *grant);

#endif
