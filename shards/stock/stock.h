/* stock: what can run out, who holds some of it, and what was sold. docs/stock.md is the contract.
 *
 *      map resources --> hot (64 B) --> cold (256 B) --> heap of leases --> grants (128 B)
 *      map grants ----------------------------------------------------------^
 *      heap deadlines    resources by their earliest lease: who expires next
 *      heap retentions   remembered grants by the time at which they are forgotten
 *
 * Invariants (verify walks them)
 *   I1  on_hand = received + returned + adjusted - shipped - written_off; 0 <= unavailable <= on_hand
 *   I2  held = sum over HELD grants; allocated = anonymous + sum over named allocations
 *   I3  a HELD grant with a lease is in its resource's heap, a finished one in `retentions`,
 *       any other in none; `timer` and `position` say where
 *   I4  a resource is in `deadlines` exactly if its heap of leases is not empty, under the key of
 *       its top
 *   I5  resources are never deleted; grants only when their retention is over, or by an undo
 * Ownership  records are named by pool indexes; pointers are borrowed until the next acquire at
 *            most... pool records do not move, so until the record is released. One core.
 * Happy path the shard looks the resource up, a handler (stock_take.c, stock_hold.c, stock_alloc.c,
 *            stock_levels.c, stock_policy.c) judges in the order of docs/stock.md and then changes.
 *            Every change is announced by stock_*_before_change: snapshots and linked frames
 *            depend on it; it costs one test of a byte when neither is under way.
 * Failure    refusals are answers; a lack of memory is a panic (admission has kept the reserve).
 * Not here   routing, sessions, time: the call brings them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STOCK_STOCK_H
#define SOUK_SHARDS_STOCK_STOCK_H

#include "proto/base.h"
#include "proto/id.h"
#include "proto/messages.h"
#include "proto/route.h"
#include "shards/dump.h"
#include "shards/stock/stock_types.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"
#include "shards/undo.h"

enum stock_watch { STOCK_WATCH_DUMP = 1 << 0, STOCK_WATCH_UNDO = 1 << 1 };

/* Soft counts; they follow from the state or count answers since the start. */
struct stock_counts {
    u64 holds, allocations, tombstones;
    u64 granted_records, refused_sold_out, refused_all_held, replayed_records, expired_holds;
    u64 placeholders; /* resources that a load still waits for */
};

struct stock {
    struct pool hots;
    struct pool colds;
    struct pool grants;
    struct map resources;
    struct map grant_map;
    struct heap deadlines;
    struct heap retentions;
    u64 tell_count;        /* (soft) resources that a product is told of */
    struct heap marked[2]; /* (soft) SKUs and budgets that have something to tell, by id */
    struct arena *arena;
    struct undo *undo;
    u64 retention_ms;
    struct stock_counts counts;
    u8 watch; /* enum stock_watch: somebody must hear of changes beforehand */
};

void stock_init(struct stock *stock, struct store_memory *memory, struct arena *arena,
                struct undo *undo, u64 retention_ms);
void stock_deinit(struct stock *stock);

/* A new resource with version 0 and no stock; the caller fills in the rest. */
u32 stock_resource_create(struct stock *stock, struct resource key, u64 hash);

/* To be called before any field that is not (soft) changes. */
void stock_resource_watched_change(struct stock *stock, u32 index);
void stock_grant_watched_change(struct stock *stock, u32 index);
void stock_watched_create(struct stock *stock, enum undo_kind kind, u32 index);

/* Takes one change of a linked frame back. */
void stock_undo(struct stock *stock, struct undo_entry entry, const void *image);

/* ---- Expiry (stock_expiry.c) ---- */

/* Lets at most `*budget` objects expire or be forgotten; true when nothing due is left. */
NODISCARD bool stock_expire(struct stock *stock, u64 stamp_ns, u32 *budget);
u64 stock_next_deadline_ns(const struct stock *stock);
/* Earliest lease of a resource, UINT64_MAX when no hold of it has one. */
u64 stock_earliest_lease_ns(const struct stock *stock, const struct stock_hot *hot);

/* ---- Verify (stock_verify.c) ---- */

/* Walks everything, adds to the sums and counts of `to`, and writes the first violations as lines
 * of text into `text`; *text_bytes is its capacity before and its length after. */
void stock_verify(struct stock *stock, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

/* ---- Dump and load (stock_dump.c) ---- */

void stock_dump_resource_bucket(struct stock *stock, u32 bucket, struct dump_sink *sink);
void stock_dump_grant_bucket(struct stock *stock, u32 bucket, struct dump_sink *sink);
/* NULL or the reason why the record is not good. */
const char *stock_load_resource(struct stock *stock, const u8 *body, u32 bytes);
const char *stock_load_grant(struct stock *stock, const u8 *body, u32 bytes);
const char *stock_load_finish(struct stock *stock);

/* ---- Small helpers of the hot path ---- */

static inline struct stock_hot *stock_hot_at(const struct stock *stock, u32 index)
{
    return pool_at_sized(&stock->hots, index, sizeof(struct stock_hot));
}

static inline struct stock_cold *stock_cold_of(const struct stock *stock,
                                               const struct stock_hot *hot)
{
    return pool_at_sized(&stock->colds, hot->cold, sizeof(struct stock_cold));
}

static inline struct stock_grant *stock_grant_at(const struct stock *stock, u32 index)
{
    return pool_at_sized(&stock->grants, index, sizeof(struct stock_grant));
}

static inline struct resource stock_key_of(const struct stock_hot *hot)
{
    return (struct resource){.id = hot->id, .kind = hot->kind};
}

static inline bool stock_resource_equal(const void *context, u32 index, const void *key)
{
    const struct stock_hot *hot = stock_hot_at(context, index);
    const struct resource *wanted = key;
    return hot->id == wanted->id && hot->kind == wanted->kind;
}

/* The index of a resource, 0 when there is none. The key has been judged (tenant, location 0). */
static inline u32 stock_resource_find(const struct stock *stock, u64 hash,
                                      const struct resource *key)
{
    return map_find(&stock->resources, hash, stock_resource_equal, stock, key);
}

/* Grants are found under their id mixed with their resource's: one id may name a hold of each of
 * many SKUs. A wide multiplication instead of XXH3: a split of the map computes it again for all
 * grants that it moves. */
static inline u64 stock_grant_hash(u64 resource_id, struct id128 id)
{
    const u64 left = id.low ^ 0x1CAD21F72C81017Cull;
    const u64 right = id.high ^ 0xDB979083E96DD4DEull ^ resource_id * 0x9E3779B97F4A7C15ull;
    const route_u128 product = (route_u128)left * right;
    const u64 folded = (u64)product ^ (u64)(product >> 64);
    const u64 mixed = (folded ^ folded >> 32 ^ id.low) * 0xD6E8FEB86659FD93ull;
    return mixed ^ mixed >> 32;
}

static inline i64 stock_sellable(const struct stock_hot *hot)
{
    return hot->on_hand - hot->unavailable - hot->held - hot->allocated + hot->margin;
}

static inline i64 stock_granted(const struct stock_hot *hot, const struct stock_cold *cold)
{
    return cold->granted_named + hot->taken_anonymous;
}

static inline i64 stock_allocated_anonymous(const struct stock_hot *hot,
                                            const struct stock_cold *cold)
{
    return hot->taken_anonymous - cold->shipped_anonymous - cold->cancelled_anonymous;
}

static inline void stock_resource_before_change(struct stock *stock, u32 index)
{
    if (UNLIKELY(stock->watch != 0))
        stock_resource_watched_change(stock, index);
}

static inline void stock_grant_before_change(struct stock *stock, u32 index)
{
    if (UNLIKELY(stock->watch != 0))
        stock_grant_watched_change(stock, index);
}

static inline bool stock_quantity_good(i64 quantity)
{
    return quantity >= 1 && quantity <= QUANTITY_MAX;
}

/* May `quantity` be added to a counter or sum? Both are in range, so nothing overflows. */
static inline bool stock_sum_fits(i64 sum, i64 quantity)
{
    return sum + quantity <= COUNTER_MAX && sum + quantity >= -COUNTER_MAX;
}

#endif
