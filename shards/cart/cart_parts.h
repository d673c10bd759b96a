/* cart_parts: what the files of the cart room share.
 *
 * A change of a cart is always: cart_before_change, the change itself, cart_touch (a new version, and
 * its time to live begins anew).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CART_CART_PARTS_H
#define SOUK_SHARDS_CART_CART_PARTS_H

#include "shards/shard_state.h"

/* ---- cart.c ---- */

/* A cart without lines, in its first version when it is touched. */
u32 cart_create(struct cart_room *room, u64 user_id, u64 now_ns);
/* A new version, at this time. */
void cart_touch(struct shard *shard, u32 index, u64 now_ns);
/* The time to live begins anew. */
void cart_renew(struct shard *shard, u32 index, u64 now_ns);

/* Of a cart that was loaded: its end is known. */
void cart_restart_timer(struct cart_room *room, u32 index);

/* Of a cart that has none, an empty one. */
struct cart_more *cart_more_make(struct cart_room *room, struct cart *cart);
/* Gives it back if nothing is in it any more. */
void cart_more_settle(struct cart_room *room, struct cart *cart);
void cart_more_release(struct cart_room *room, struct cart *cart);

static inline void cart_before_change(struct cart_room *room, const struct cart *cart)
{
    if (UNLIKELY(room->is_dumped))
        map_before_change(&room->map, route_hash_u64(cart->user_id));
}

static inline bool cart_is_guest(u64 user_id)
{
    return (user_id & ID_GUEST_BIT) != 0;
}

static inline struct id128 cart_order(const struct cart *cart)
{
    return cart->more != NULL ? cart->more->order : (struct id128){0, 0};
}

static inline u64 cart_merge_target(const struct cart *cart)
{
    return cart->more != NULL ? cart->more->merge_target : 0;
}

/* Does its time run? */
static inline bool cart_is_mortal(const struct cart *cart)
{
    return cart->state == CART_STATE_ACTIVE || cart->state == CART_STATE_MERGED;
}

/* Is it being forgotten just now? Then a read has to wait. */
static inline bool cart_is_expiring(const struct shard *shard, const struct cart *cart)
{
    return shard->expiring_ns != 0 && cart_is_mortal(cart) &&
           cart->expires_at_ns <= shard->expiring_ns;
}

static inline u32 cart_coupon_count(const struct cart *cart)
{
    return cart->more != NULL ? cart->more->coupon_count : 0;
}

/* ---- coupons, in cart.c ---- */

/* Position of a coupon, or cart_coupon_count. */
u32 cart_coupon_find(const struct cart *cart, u64 coupon_id);
/* There must be room. */
void cart_coupon_add(struct cart_room *room, struct cart *cart, const struct row_coupon *coupon);
/* Keeps those whose bit is set. */
void cart_coupons_keep(struct cart_room *room, struct cart *cart, u32 bits);

#endif
