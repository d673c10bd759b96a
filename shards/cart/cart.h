/* cart: what shoppers mean to buy. docs/carts.md is the contract.
 *
 *      map -> cart -> lines and coupons in the arena
 *      heap deadlines   carts by the time at which they are forgotten
 *
 * Ownership  carts are named by pool indexes. One core.
 * Failure    refusals are answers; a lack of memory is a panic.
 * Not here   stock and prices of SKUs: they live elsewhere, and a cart is never trusted with them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CART_CART_H
#define SOUK_SHARDS_CART_CART_H

#include "proto/messages.h"
#include "shards/dump.h"
#include "shards/store/arena.h"
#include "shards/store/heap.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

struct shard;

struct cart_room {
    struct pool pool;
    struct map map;
    struct heap deadlines;
    struct arena *arena;
    bool is_dumped; /* a snapshot must hear of changes beforehand */
};

void cart_room_init(struct cart_room *room, struct store_memory *memory, struct arena *arena);
void cart_room_deinit(struct cart_room *room);

NODISCARD bool cart_expire(struct shard *shard, u64 stamp_ns, u32 *budget);
u64 cart_next_deadline_ns(const struct cart_room *room);

/* ---- for the order room: what a checkout does to the cart of its user ---- */

/* What is to be ordered, borrowed until the next change of the cart. */
struct cart_view {
    u64 version;
    struct id128 order;                /* that has claimed it, 0 = none */
    const struct row_cart_line *lines; /* those saved for later too */
    const struct row_coupon *coupons;
    u32 line_count;
    u32 coupon_count;
    u16 state; /* enum cart_state */
};
/* False: there is no cart. */
bool cart_look(const struct shard *shard, u64 user_id, struct cart_view *to);
/* The cart belongs to an order under way: no other may have it, and it is not forgotten. */
void cart_claim(struct shard *shard, u64 user_id, struct id128 order);
/* Edits are refused from now on, or allowed again. Nothing if the order has not claimed it. */
void cart_freeze(struct shard *shard, u64 user_id, struct id128 order, bool is_frozen);
/* The order failed, or was placed: then the cart loses `bought` of its lines, so far as they are
 * still there. Nothing if the order has not claimed it. */
void cart_let_go(struct shard *shard, u64 user_id, struct id128 order,
                 const struct row_cart_line *bought, u32 count, u64 now_ns);

/* ---- dump and load ---- */
void cart_dump_bucket(struct cart_room *room, u32 bucket, struct dump_sink *sink);
const char *cart_load(struct cart_room *room, u16 kind, const u8 *body, u32 bytes);
const char *cart_load_finish(struct cart_room *room);

/* Adds violations. */
void cart_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

#endif
