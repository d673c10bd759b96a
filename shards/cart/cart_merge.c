/* cart_merge: a guest's cart is poured into a user's: the guest's side.
 *
 *      cart_merge: ACTIVE -> MERGING, the lines are mailed   --mail_cart_pour-->   cart_pour.c
 *      mail_cart_poured: MERGED, a tombstone with the report <--                    the user's shard
 *                        ACTIVE again, if the user's cart was frozen
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"
#include "shards/shard_handlers.h"

static u16 shard_of_user(const struct shard *shard, u64 user_id)
{
    return route_shard(route_hash_u64(user_id), shard->options.count);
}

static void answer_cart(const struct cart *cart, struct msg_cart_merge_rsp *to)
{
    to->target_id = cart_merge_target(cart);
    to->version = cart->state == CART_STATE_MERGED ? cart->more->merge_version : 0;
    to->state = cart->state;
}

static void send_lines(struct shard *shard, const struct cart *cart, u16 strategy)
{
    const struct msg_mail_cart_pour_req ask = {
        .guest_id = cart->user_id, .user_id = cart->more->merge_target, .strategy = strategy};
    const struct span spans[] = {
        {.data = cart->block, .bytes = cart->line_count * (u32)sizeof(struct row_cart_line)},
        {.data = (const u8 *)cart->more->coupons,
         .bytes = cart->more->coupon_count * (u32)sizeof(struct row_coupon)},
    };
    mail_post(shard, shard_of_user(shard, ask.user_id), OPCODE_MAIL_CART_POUR, &ask, spans);
}

/* The merge begins, or is over at once because there is nothing to pour. */
static void begin_merge(struct shard *shard, u32 index, const struct msg_cart_merge_req *ask,
                        u64 now_ns)
{
    struct cart_room *room = &shard->carts;
    struct cart *cart = cart_at(room, index);
    cart_before_change(room, cart);
    struct cart_more *more = cart_more_make(room, cart);
    more->merge_target = ask->target_id;
    more->merge_version = 0;
    more->merge_order = (struct id128){0, 0};
    more->merge_status = STATUS_OK;
    if (cart->line_count != 0 || more->coupon_count != 0) {
        cart->state = CART_STATE_MERGING;
        send_lines(shard, cart, ask->strategy);
        return;
    }
    cart->state = CART_STATE_MERGED;
    cart_touch(shard, index, now_ns);
}

void shard_apply_cart_merge(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply)
{
    struct cart_room *room = &shard->carts;
    struct msg_cart_merge_req ask;
    struct msg_cart_merge_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = cart_is_guest(ask.user_id) && ask.target_id != 0 &&
                         !cart_is_guest(ask.target_id) && ask.strategy >= MERGE_SUM &&
                         ask.strategy <= MERGE_GUEST_IF_USER_EMPTY;
    answer->head.status = shard_call_refusal(call, is_good);
    if (answer->head.status != STATUS_OK)
        return;
    u32 index = cart_find(room, call->hash, ask.user_id);
    if (index == 0)
        index = cart_create(room, ask.user_id, call->now_ns);
    const struct cart *cart = cart_at(room, index);
    switch ((enum cart_state)cart->state) {
    case CART_STATE_ACTIVE: begin_merge(shard, index, &ask, call->now_ns); break;
    case CART_STATE_MERGING:
    case CART_STATE_MERGED: answer->head.flags = RECORD_FLAG_REPLAYED; break;
    case CART_STATE_CLAIMED:
    case CART_STATE_FROZEN:
        answer->head.status = STATUS_CART_FROZEN;
        answer->order = cart_order(cart);
        answer->state = cart->state;
        return;
    case CART_STATE_NONE: PANIC("a cart in no state");
    }
    answer_cart(cart, answer);
}

/* What became of each line is kept as long as the tombstone. */
static void keep_report(struct cart_room *room, struct cart_more *more, struct span rows)
{
    MUST(more->report == NULL);
    MUST(rows.bytes % sizeof *more->report == 0);
    if (rows.bytes == 0)
        return;
    more->report = arena_acquire(room->arena, rows.bytes);
    more->report_count = rows.bytes / (u32)sizeof *more->report;
    memcpy(more->report, rows.data, rows.bytes);
}

void shard_mail_cart_poured(struct shard *shard, const struct mail_call *call)
{
    struct cart_room *room = &shard->carts;
    struct msg_mail_cart_poured_req said;
    memcpy(&said, call->fixed, sizeof said);
    const u32 index = cart_find(room, route_hash_u64(said.guest_id), said.guest_id);
    MUST(index != 0); /* a cart that is MERGING is not forgotten */
    struct cart *cart = cart_at(room, index);
    MUST(cart->state == CART_STATE_MERGING);
    MUST(cart->more->merge_target == said.user_id);
    cart_before_change(room, cart);
    struct cart_more *more = cart->more;
    more->merge_status = said.status;
    more->merge_version = said.version;
    more->merge_order = said.order;
    if (said.status == STATUS_OK) {
        cart->state = CART_STATE_MERGED;
        keep_report(room, more, call->spans[SPAN_OF(mail_cart_poured_req, lines)]);
        cart_lines_release(room, cart);
        cart_coupons_keep(room, cart, 0);
        cart_touch(shard, index, call->now_ns);
    } else {
        MUST(said.status == STATUS_CART_FROZEN);
        cart->state = CART_STATE_ACTIVE;
        cart_renew(shard, index, call->now_ns); /* its version is what it was */
    }
    notice_raise(&shard->notices, notice_token_cart(said.guest_id));
}
