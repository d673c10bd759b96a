/* stock_grant: see shards/stock/stock_grant.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/stock/stock_grant.h"

static void on_grant_moved(void *context, u32 item, u32 position)
{
    stock_grant_at(context, item)->position = position;
}

static void on_resource_moved(void *context, u32 item, u32 position)
{
    const struct stock *stock = context;
    stock_cold_of(stock, stock_hot_at(stock, item))->deadline_position = position;
}

static struct heap_owner grant_owner(struct stock *stock)
{
    return (struct heap_owner){.arena = stock->arena, .context = stock, .moved = on_grant_moved};
}

/* Keeps I4: the resource stands in `deadlines` under its earliest lease. */
static void sync_deadline(struct stock *stock, struct stock_cold *cold)
{
    const struct heap_owner owner = {
        .arena = stock->arena, .context = stock, .moved = on_resource_moved};
    if (heap_count(&cold->leases) == 0) {
        if (cold->deadline_position != 0)
            heap_remove(&stock->deadlines, &owner, cold->deadline_position);
        MUST(cold->deadline_position == 0);
        return;
    }
    const u64 key = heap_top(&cold->leases).key;
    if (cold->deadline_position == 0)
        heap_push(&stock->deadlines, &owner, key, cold->hot);
    else if (heap_entry_at(&stock->deadlines, cold->deadline_position).key != key)
        heap_update(&stock->deadlines, &owner, cold->deadline_position, key);
    MUST(cold->deadline_position != 0);
}

u64 stock_grant_forget_ns(const struct stock *stock, const struct stock_grant *grant)
{
    if (grant->origin == STOCK_ORIGIN_ORDER)
        return grant->end_ns +
               stock->retention_ms * NS_PER_MS; /* where others have a time, it has a user */
    /* An id was judged against the clock when it came, so its time fits. */
    return MAX(grant->end_ns, id128_ms(grant->id) * NS_PER_MS) + stock->retention_ms * NS_PER_MS;
}

static enum stock_timer timer_of(const struct stock_grant *grant)
{
    if (grant->state == GRANT_STATE_ALLOCATED)
        return STOCK_TIMER_NONE;
    if (grant->state != GRANT_STATE_HELD)
        return STOCK_TIMER_RETENTION;
    return grant->expires_at_ns != 0 ? STOCK_TIMER_LEASE : STOCK_TIMER_NONE;
}

static void stop_timer(struct stock *stock, struct stock_grant *grant)
{
    const struct heap_owner owner = grant_owner(stock);
    if (grant->timer == STOCK_TIMER_LEASE) {
        struct stock_cold *cold = stock_cold_of(stock, stock_hot_at(stock, grant->resource));
        heap_remove(&cold->leases, &owner, grant->position);
        sync_deadline(stock, cold);
    } else if (grant->timer == STOCK_TIMER_RETENTION) {
        heap_remove(&stock->retentions, &owner, grant->position);
    }
    grant->timer = STOCK_TIMER_NONE;
    MUST(grant->position == 0);
}

static u64 *count_of(struct stock *stock, u8 state)
{
    if (state == GRANT_STATE_HELD)
        return &stock->counts.holds;
    return state == GRANT_STATE_ALLOCATED ? &stock->counts.allocations : &stock->counts.tombstones;
}

static void count_down(struct stock *stock, u8 state)
{
    u64 *count = count_of(stock, state);
    MUST(*count != 0);
    *count -= 1;
}

/* The timer of a grant that has none yet. */
HEAP_INLINE void start_timer(struct stock *stock, struct stock_grant *grant, u32 index,
                             struct stock_cold *cold)
{
    const struct heap_owner owner = grant_owner(stock);
    const enum stock_timer timer = timer_of(grant);
    if (timer == STOCK_TIMER_NONE)
        return;
    grant->timer = (u8)timer;
    if (timer == STOCK_TIMER_RETENTION) {
        heap_push(&stock->retentions, &owner, stock_grant_forget_ns(stock, grant), index);
        return;
    }
    grant->position = heap_push_last(&cold->leases, grant->expires_at_ns, index);
    if (LIKELY(grant->position != 0)) /* the earliest lease is what it was */
        return;
    heap_push(&cold->leases, &owner, grant->expires_at_ns, index);
    MUST(grant->position != 0);
    if (grant->position == HEAP_ROOT)
        sync_deadline(stock, cold);
}

/* Stops and starts: what changes a running timer is rare. */
void stock_grant_timer_sync(struct stock *stock, u32 index)
{
    struct stock_grant *grant = stock_grant_at(stock, index);
    if (grant->timer != STOCK_TIMER_NONE)
        stop_timer(stock, grant);
    start_timer(stock, grant, index, stock_cold_of(stock, stock_hot_at(stock, grant->resource)));
    MUST(grant->timer == timer_of(grant));
    MUST((grant->position != 0) == (grant->timer != STOCK_TIMER_NONE));
}

void stock_grant_insert(struct stock *stock, u64 hash, u32 index, struct stock_grant *grant,
                        struct stock_cold *cold)
{
    CHECK(grant == stock_grant_at(stock, index));
    CHECK(cold == stock_cold_of(stock, stock_hot_at(stock, grant->resource)));
    MUST(!id128_is_none(grant->id));
    MUST(grant->resource != 0);
    MUST(grant->position == 0 && grant->timer == STOCK_TIMER_NONE);
    map_insert(&stock->grant_map, hash, index);
    if (UNLIKELY(stock->watch != 0))
        stock_watched_create(stock, UNDO_KIND_GRANT_NEW, index);
    *count_of(stock, grant->state) += 1;
    start_timer(stock, grant, index, cold);
}

void stock_grant_enter(struct stock *stock, u32 index, enum grant_state state, u64 end_ns)
{
    struct stock_grant *grant = stock_grant_at(stock, index);
    MUST(grant->state == GRANT_STATE_HELD || grant->state == GRANT_STATE_ALLOCATED);
    MUST(state != GRANT_STATE_HELD);
    MUST(IMPLIES(state != GRANT_STATE_ALLOCATED, end_ns != 0));
    MUST(grant->held == 0);
    count_down(stock, grant->state);
    grant->state = (u8)state;
    grant->end_ns = end_ns;
    *count_of(stock, grant->state) += 1;
    stock_grant_timer_sync(stock, index);
}

void stock_grant_revive(struct stock *stock, u32 index, enum grant_state state)
{
    struct stock_grant *grant = stock_grant_at(stock, index);
    MUST(grant->origin == STOCK_ORIGIN_ORDER);
    MUST(grant->expires_at_ns == 0);
    MUST(state == GRANT_STATE_HELD ? grant->state == GRANT_STATE_RELEASED
                                   : grant->state == GRANT_STATE_FINISHED);
    MUST((grant->held != 0) == (state == GRANT_STATE_HELD));
    count_down(stock, grant->state);
    grant->state = (u8)state;
    grant->end_ns = 0;
    *count_of(stock, grant->state) += 1;
    stock_grant_timer_sync(stock, index);
}

void stock_grant_drop(struct stock *stock, u32 index)
{
    struct stock_grant *grant = stock_grant_at(stock, index);
    const u64 hash = stock_grant_hash(stock_hot_at(stock, grant->resource)->id, grant->id);
    stop_timer(stock, grant);
    count_down(stock, grant->state);
    map_remove(&stock->grant_map, hash, index);
    pool_release(&stock->grants, &index);
}

void stock_grant_restore(struct stock *stock, u32 index, const struct stock_grant *image)
{
    struct stock_grant *grant = stock_grant_at(stock, index);
    MUST(id128_equal(grant->id, image->id));
    MUST(grant->resource == image->resource);
    const u32 position = grant->position;
    const u8 timer = grant->timer;
    count_down(stock, grant->state);
    *grant = *image;
    grant->position = position;
    grant->timer = timer;
    *count_of(stock, grant->state) += 1;
    stock_grant_timer_sync(stock, index);
}
