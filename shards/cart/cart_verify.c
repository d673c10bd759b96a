/* cart_verify: what the cart room promises, looked at cart by cart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"

/* Where violations are told. */
struct verdict {
    struct msg_verify_rsp *to;
    u8 *text;
    u32 *text_bytes;
};

static void tell(const struct verdict *verdict, const char *reason, u32 bytes)
{
    verdict->to->violations++;
    if (ATTRIBUTES_BYTES_MAX - *verdict->text_bytes < bytes)
        return;
    memcpy(verdict->text + *verdict->text_bytes, reason, bytes);
    *verdict->text_bytes += bytes;
}
#define EXPECT(condition, reason)                                                         \
    do {                                                                                  \
        if (UNLIKELY(!(condition)))                                                       \
            tell(verdict, "carts: " reason "\n", (u32)sizeof("carts: " reason "\n") - 1); \
    } while (0)

static void verify_more(const struct cart *cart, const struct verdict *verdict)
{
    const struct cart_more *more = cart->more;
    const bool is_claimed = cart->state == CART_STATE_CLAIMED || cart->state == CART_STATE_FROZEN;
    EXPECT(is_claimed == !id128_is_none(cart_order(cart)), "claimed, or not, by an order");
    EXPECT(cart->state < CART_STATE_MERGING || cart_merge_target(cart) != 0, "poured into nothing");
    if (more == NULL)
        return;
    EXPECT(is_claimed || more->merge_target != 0 || more->coupon_count != 0,
           "has more than it needs");
    EXPECT((more->coupons != NULL) == (more->coupon_count != 0), "coupons are not where they are");
    EXPECT(more->coupon_count <= ORDER_COUPONS_MAX, "too many coupons");
    EXPECT(more->coupons_claimed >> more->coupon_count == 0, "claims coupons that are not there");
    EXPECT(is_claimed || more->coupons_claimed == 0, "claims coupons for no order");
    EXPECT((more->report != NULL) == (more->report_count != 0), "a report is not where it is");
    EXPECT(more->report == NULL || cart->state == CART_STATE_MERGED, "a report of no tombstone");
    for (u32 i = 0; i < more->coupon_count; i++)
        EXPECT(cart_coupon_find(cart, more->coupons[i].coupon_id) == i, "a coupon is there twice");
}

static void verify_cart(const struct shard *shard, u32 index, const struct verdict *verdict)
{
    const struct cart_room *room = &shard->carts;
    const struct cart *cart = cart_at(room, index);
    EXPECT(shard_owns(shard, route_hash_u64(cart->user_id)), "belongs to another shard");
    EXPECT(cart->state >= CART_STATE_ACTIVE && cart->state <= CART_STATE_MERGED, "in no state");
    EXPECT(cart->version != 0, "without a version");
    EXPECT(cart_lines_valid(cart), "lines are not where their keys say");
    EXPECT(cart->state != CART_STATE_MERGED ||
               (cart->line_count == 0 && cart_coupon_count(cart) == 0),
           "a tombstone has lines or coupons");
    EXPECT(cart->position != 0 || !cart_is_mortal(cart), "never forgotten");
    if (cart->position != 0) {
        const struct heap_entry entry = heap_entry_at(&room->deadlines, cart->position);
        EXPECT(entry.item == index && entry.key <= cart->expires_at_ns, "forgotten too late");
    }
    verify_more(cart, verdict);
}

void cart_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes)
{
    const struct cart_room *room = &shard->carts;
    const struct verdict own = {.to = to, .text = text, .text_bytes = text_bytes};
    const struct verdict *verdict = &own;
    u32 indexes[DUMP_BUCKET_MAX];
    u64 lines = 0;
    for (u32 b = 0; b < map_bucket_count(&room->map); b++) {
        const u32 count = map_bucket_read(&room->map, b, indexes, DUMP_BUCKET_MAX);
        MUST(count <= DUMP_BUCKET_MAX);
        for (u32 i = 0; i < count; i++) {
            verify_cart(shard, indexes[i], verdict);
            lines += cart_at(room, indexes[i])->line_count;
        }
    }
    EXPECT(lines == room->counts.lines, "lines are counted wrongly");
}
