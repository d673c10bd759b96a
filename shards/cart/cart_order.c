/* cart_order: what a checkout does to the cart of its user.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"

static u32 find(const struct shard *shard, u64 user_id)
{
    return cart_find(&shard->carts, route_hash_u64(user_id), user_id);
}

/* The cart of a user if this order has claimed it, else 0. */
static u32 find_claimed(const struct shard *shard, u64 user_id, struct id128 order)
{
    const u32 index = find(shard, user_id);
    MUST(!id128_is_none(order));
    if (index == 0 || !id128_equal(cart_order(cart_at(&shard->carts, index)), order))
        return 0;
    const u8 state = cart_at(&shard->carts, index)->state;
    MUST(state == CART_STATE_CLAIMED || state == CART_STATE_FROZEN); /* I2 */
    return index;
}

bool cart_look(const struct shard *shard, u64 user_id, struct cart_view *to)
{
    const u32 index = find(shard, user_id);
    if (index == 0)
        return false;
    const struct cart *cart = cart_at(&shard->carts, index);
    *to = (struct cart_view){.version = cart->version,
                             .order = cart_order(cart),
                             .moved_to =
                                 cart->state >= CART_STATE_MERGING ? cart_merge_target(cart) : 0,
                             .lines = cart_lines(cart),
                             .coupons = cart_coupon_count(cart) != 0 ? cart->more->coupons : NULL,
                             .line_count = cart->line_count,
                             .coupon_count = cart_coupon_count(cart),
                             .state = cart->state};
    return true;
}

void cart_claim(struct shard *shard, u64 user_id, struct id128 order)
{
    struct cart_room *room = &shard->carts;
    const u32 index = find(shard, user_id);
    MUST(index != 0);
    MUST(!id128_is_none(order));
    struct cart *cart = cart_at(room, index);
    MUST(cart->state == CART_STATE_ACTIVE);
    cart_before_change(room, cart);
    struct cart_more *more = cart_more_make(room, cart);
    more->order = order;
    more->coupons_claimed = (u8)((1u << more->coupon_count) - 1);
    cart->state = CART_STATE_CLAIMED; /* in the heap it stays until its old time comes */
}

void cart_freeze(struct shard *shard, u64 user_id, struct id128 order, bool is_frozen)
{
    const u32 index = find_claimed(shard, user_id, order);
    if (index == 0)
        return;
    struct cart *cart = cart_at(&shard->carts, index);
    cart_before_change(&shard->carts, cart);
    cart->state = is_frozen ? CART_STATE_FROZEN : CART_STATE_CLAIMED;
}

/* True if anything was taken off. */
static bool take_off(struct cart_room *room, struct cart *cart, const struct row_cart_line *bought,
                     u32 count)
{
    bool is_changed = false;
    for (u32 i = 0; i < count; i++) {
        const u32 at = cart_line_find(cart, bought[i].sku_id, bought[i].options);
        if (at == CART_LINE_NONE)
            continue;
        struct row_cart_line *line = &cart_lines(cart)[at];
        const i64 taken = MIN(line->quantity, bought[i].quantity);
        line->quantity -= taken;
        is_changed |= taken != 0;
    }
    cart_lines_sweep(room, cart);
    return is_changed;
}

void cart_let_go(struct shard *shard, u64 user_id, struct id128 order,
                 const struct row_cart_line *bought, u32 count, u64 now_ns)
{
    struct cart_room *room = &shard->carts;
    const u32 index = find_claimed(shard, user_id, order);
    if (index == 0)
        return;
    struct cart *cart = cart_at(room, index);
    cart_before_change(room, cart);
    const u32 claimed = cart->more->coupons_claimed;
    cart->state = CART_STATE_ACTIVE;
    cart->more->order = (struct id128){0, 0};
    cart->more->coupons_claimed = 0;
    bool is_changed = false;
    if (count != 0) {
        is_changed = take_off(room, cart, bought, count) || claimed != 0;
        cart_coupons_keep(room, cart, ~claimed);
    }
    cart_more_settle(room, cart);
    if (is_changed)
        cart_touch(shard, index, now_ns);
    else
        cart_renew(shard, index, now_ns);
}
