/* cart: what shoppers mean to buy. docs/carts.md is the contract.
 *
 *      map users -> cart (64 B) -> block of lines in the arena: the rows as they are on the wire, and, of
 *                                  large carts, an index of them
 *                            \--> cart_more (96 B), only where there are coupons, an order, a merge
 *      heap deadlines   carts by a time at which they may have to be forgotten
 *
 * What a cart goes through:
 *
 *      (none) --first line or coupon--> ACTIVE --claim--> CLAIMED <--freeze--> FROZEN
 *                                        ^  ^------------- let go -------------/
 *              target frozen, stays -----|--- MERGING --poured--> MERGED      (guests only)
 *                                        \-- merge --^
 *      ACTIVE and MERGED are forgotten when their time is over, the others never.
 *
 * Files
 *      cart.c         life, time, finding
 *      cart_lines.c   the block of lines
 *      cart_ops.c     add, set, remove, clear, save, coupon
 *      cart_merge.c   merge: the guest's side          cart_pour.c   the user's side
 *      cart_order.c   what a checkout does to the cart of its user
 *      cart_read.c    get, merge_status                cart_quote.c  what it costs now
 *      cart_dump.c    snapshots and digest             cart_verify.c
 *
 * Invariants
 *   I1  a key (sku, options) is in a cart once; quantities are 1 to 2^31; at most CART_LINES_MAX lines.
 *   I2  `order` is not 0 exactly in CLAIMED and FROZEN; MERGING and MERGED name their target.
 *   I3  an ACTIVE or MERGED cart is in `deadlines`, under a key not above its expires_at_ns: a change
 *       moves the end of its time in the cart alone, and the heap hears of it when the old time comes.
 *   I4  a MERGED cart has neither lines nor coupons.
 *   I5  cart_more exists exactly where something is in it.
 * Memory     a cart of 5 lines takes 369 bytes (bench/micro/micro_cart.c): record 64 and the pool's room,
 *            index 24, deadline 16, block 256; a cart of 2,000 lines 131 KB.
 * Ownership  carts are named by pool indexes, blocks belong to their cart; pointers are borrowed until
 *            the next change of the cart. One core.
 * Happy path look the user up, ask the questions of docs/carts.md, cart_before_change, change, cart_touch.
 * Failure    refusals are answers; a lack of memory is a panic (admission has kept the reserve).
 * Not here   stock and prices of SKUs: they live elsewhere, and a cart is never trusted with them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CART_CART_H
#define SOUK_SHARDS_CART_CART_H

#include "proto/messages.h"
#include "proto/route.h"
#include "shards/dump.h"
#include "shards/store/arena.h"
#include "shards/store/heap.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

struct shard;

struct cart {
    u64 user_id;
    u64 version;
    u64 created_at_ns;
    u64 changed_at_ns;
    u64 expires_at_ns; /* in ACTIVE and MERGED */
    u8 *block;         /* rows of lines, then their index; NULL: no line */
    struct cart_more *more;
    u32 position; /* (soft) in deadlines, 0 = not in it */
    u16 line_count;
    u8 block_class; /* (soft) of the arena */
    u8 state;       /* enum cart_state, never NONE */
};
STATIC_CHECK(sizeof(struct cart) == 64);
STATIC_CHECK(CART_LINES_MAX <= UINT16_MAX);

/* What few carts have. */
struct cart_more {
    struct id128 order;       /* that has claimed the cart */
    struct id128 merge_order; /* that had frozen the target of the last merge */
    u64 merge_target;         /* of the last merge; 0 = there was none */
    u64 merge_version;        /* of the surviving cart after it */
    struct row_coupon *coupons;
    struct row_pour_line *report; /* what became of the lines */
    u32 report_count;
    u16 merge_status; /* of the last merge that has ended: OK or CART_FROZEN */
    u8 coupon_count;
    u8 coupons_claimed; /* bit i: coupon i was there when the order claimed the cart */
};
STATIC_CHECK(ORDER_COUPONS_MAX <= 8);

struct cart_quote_work;

struct cart_counts { /* soft */
    u64 lines;
    u64 block_bytes; /* of all blocks, as the arena counts them */
    u64 expired;
};

struct cart_room {
    struct pool pool;
    struct map map;
    struct heap deadlines;
    struct arena *arena;
    struct store_memory *memory;
    struct cart_quote_work *quote_work; /* made by the first quote */
    struct cart_counts counts;
    bool is_dumped; /* a snapshot must hear of changes beforehand */
};

void cart_room_init(struct cart_room *room, struct store_memory *memory, struct arena *arena);
void cart_room_deinit(struct cart_room *room);

NODISCARD bool cart_expire(struct shard *shard, u64 stamp_ns, u32 *budget);
u64 cart_next_deadline_ns(const struct cart_room *room);

static inline struct cart *cart_at(const struct cart_room *room, u32 index)
{
    return pool_at_sized(&room->pool, index, sizeof(struct cart));
}

static inline bool cart_equal(const void *context, u32 index, const void *key)
{
    return cart_at(context, index)->user_id == *(const u64 *)key;
}

/* Its index, 0 = there is none. `hash` is route_hash_u64(user_id). */
static inline u32 cart_find(const struct cart_room *room, u64 hash, u64 user_id)
{
    return map_find(&room->map, hash, cart_equal, room, &user_id);
}

/* Brings the carts of a group of records near, so that their misses overlap: buckets, then records, then
 * lines. `hashes` are those of their users, at most CART_PREFETCH_MAX. */
#define CART_PREFETCH_MAX 32u
void cart_prefetch(const struct cart_room *room, const u64 *hashes, u32 count);

/* ---- for the order room: what a checkout does to the cart of its user ---- */

/* What is to be ordered, borrowed until the next change of the cart. */
struct cart_view {
    u64 version;
    struct id128 order; /* that has claimed it, 0 = none */
    u64 moved_to;       /* the user whose cart has the lines, in MERGING and MERGED */
    const struct row_cart_line *lines; /* those saved for later too, in the cart's order */
    const struct row_coupon *coupons;
    u32 line_count;
    u32 coupon_count;
    u16 state; /* enum cart_state */
};
/* False: there is no cart. */
bool cart_look(const struct shard *shard, u64 user_id, struct cart_view *to);
/* The cart belongs to an order under way: no other may have it, and it is not forgotten. It must be
 * ACTIVE. Its version stays. */
void cart_claim(struct shard *shard, u64 user_id, struct id128 order);
/* Edits are refused from now on, or allowed again. Nothing if the order has not claimed it. */
void cart_freeze(struct shard *shard, u64 user_id, struct id128 order, bool is_frozen);
/* The order failed (count 0), or was placed: then the cart loses `bought` of its lines, so far as they
 * are still there, by SKU and options, and those coupons that it had when it was claimed. Its time to
 * live begins anew. Nothing if the order has not claimed it. */
void cart_let_go(struct shard *shard, u64 user_id, struct id128 order,
                 const struct row_cart_line *bought, u32 count, u64 now_ns);

/* ---- dump and load (cart_dump.c) ---- */
void cart_dump_bucket(struct cart_room *room, u32 bucket, struct dump_sink *sink);
const char *cart_load(struct cart_room *room, const u8 *body, u32 bytes);
const char *cart_load_lines(struct cart_room *room, const u8 *body, u32 bytes);
const char *cart_load_report(struct cart_room *room, const u8 *body, u32 bytes);
const char *cart_load_finish(struct cart_room *room);

/* Adds violations; `text` has room for ATTRIBUTES_BYTES_MAX bytes, of which *text_bytes are used. */
void cart_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

#endif
