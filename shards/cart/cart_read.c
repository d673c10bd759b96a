/* cart_read: a cart as it is, and what became of a merge.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"
#include "shards/shard_handlers.h"

bool shard_read_cart_get(struct shard *shard, const struct shard_call *call, const void *request,
                         void *reply, struct span *spans)
{
    const struct cart_room *room = &shard->carts;
    struct msg_cart_get_req ask;
    struct msg_cart_get_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = shard_call_refusal(call, true);
    if (UNLIKELY(answer->head.status != STATUS_OK))
        return true;
    const u32 index = cart_find(room, call->hash, ask.user_id);
    if (index == 0)
        return true; /* state NONE, version 0 */
    const struct cart *cart = cart_at(room, index);
    if (UNLIKELY(cart_is_expiring(shard, cart)))
        return false;
    answer->version = cart->version;
    answer->created_at_ns = cart->created_at_ns;
    answer->changed_at_ns = cart->changed_at_ns;
    answer->expires_at_ns = cart_is_mortal(cart) ? cart->expires_at_ns : 0;
    answer->state = cart->state;
    spans[SPAN_OF(cart_get_rsp, lines)] = (struct span){
        .data = cart->block, .bytes = cart->line_count * (u32)sizeof(struct row_cart_line)};
    if (cart->more == NULL)
        return true;
    answer->order = cart->more->order;
    if (cart->state >= CART_STATE_MERGING)
        answer->moved_to = cart->more->merge_target;
    spans[SPAN_OF(cart_get_rsp, coupons)] =
        (struct span){.data = (const u8 *)cart->more->coupons,
                      .bytes = cart->more->coupon_count * (u32)sizeof(struct row_coupon)};
    return true;
}

bool shard_read_cart_merge_status(struct shard *shard, const struct shard_call *call,
                                  const void *request, void *reply, struct span *spans)
{
    const struct cart_room *room = &shard->carts;
    struct msg_cart_merge_status_req ask;
    struct msg_cart_merge_status_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = shard_call_refusal(call, ask.wait_ms <= WAIT_MS_MAX);
    if (answer->head.status != STATUS_OK)
        return true;
    const u32 index = cart_find(room, call->hash, ask.user_id);
    if (index == 0)
        return true;
    const struct cart *cart = cart_at(room, index);
    if (cart_is_expiring(shard, cart))
        return false;
    if (cart->state == CART_STATE_MERGING &&
        shard_read_park(shard, call, notice_token_cart(ask.user_id), ask.wait_ms))
        return true;
    answer->state = cart->state;
    if (cart->more == NULL)
        return true;
    answer->target_id = cart->more->merge_target;
    answer->version = cart->more->merge_version;
    answer->order = cart->more->merge_order;
    answer->outcome = cart->more->merge_status;
    spans[SPAN_OF(cart_merge_status_rsp, lines)] =
        (struct span){.data = (const u8 *)cart->more->report,
                      .bytes = cart->more->report_count * (u32)sizeof(struct row_pour_line)};
    return true;
}
