/* stock_expiry: leases that end, and finished grants that are forgotten.
 *
 * The shard's heap of deadlines names the resource whose lease ends first, and that resource's own
 * heap names the grant. Nothing here depends on the order among equal deadlines: each expiry
 * changes its own grant and subtracts from its resource.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/stock/stock_grant.h"
#include "shards/stock/stock_tell.h"

static void expire_first_of(struct stock *stock, u32 resource, u64 stamp_ns)
{
    struct stock_hot *hot = stock_hot_at(stock, resource);
    struct stock_cold *cold = stock_cold_of(stock, hot);
    const struct heap_entry first = heap_top(&cold->leases);
    MUST(first.key <= stamp_ns);
    stock_resource_before_change(stock, resource);
    stock_grant_before_change(stock, first.item);
    struct stock_grant *grant = stock_grant_at(stock, first.item);
    MUST(grant->resource == resource);
    MUST(grant->state == GRANT_STATE_HELD);
    MUST(grant->expires_at_ns == first.key);
    MUST(hot->held >= grant->held);
    hot->held -= grant->held;
    grant->held = 0;
    stock_notice_edge(stock, resource);
    stock->counts.expired_holds++;
    /* It ended when its lease did, however late that is noticed. */
    stock_grant_enter(stock, first.item, GRANT_STATE_EXPIRED, grant->expires_at_ns);
}

bool stock_expire(struct stock *stock, u64 stamp_ns, u32 *budget)
{
    MUST((stock->watch & STOCK_WATCH_UNDO) == 0);
    while (heap_count(&stock->deadlines) != 0) { /* ends: a lease less each time */
        const struct heap_entry next = heap_top(&stock->deadlines);
        if (next.key > stamp_ns)
            break;
        if (*budget == 0)
            return false;
        *budget -= 1;
        expire_first_of(stock, next.item, stamp_ns);
    }
    while (heap_count(&stock->retentions) != 0) { /* ends: a grant less each time */
        const struct heap_entry next = heap_top(&stock->retentions);
        if (next.key > stamp_ns)
            break;
        if (*budget == 0)
            return false;
        *budget -= 1;
        stock_grant_drop(stock, next.item);
    }
    return true;
}

u64 stock_next_deadline_ns(const struct stock *stock)
{
    const u64 lease =
        heap_count(&stock->deadlines) != 0 ? heap_top(&stock->deadlines).key : UINT64_MAX;
    const u64 retention =
        heap_count(&stock->retentions) != 0 ? heap_top(&stock->retentions).key : UINT64_MAX;
    return MIN(lease, retention);
}

u64 stock_earliest_lease_ns(const struct stock *stock, const struct stock_hot *hot)
{
    const struct stock_cold *cold = stock_cold_of(stock, hot);
    return heap_count(&cold->leases) != 0 ? heap_top(&cold->leases).key : UINT64_MAX;
}
