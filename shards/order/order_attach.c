/* order_attach: a guest's order becomes an account's.
 *
 * The order stays where its id routes to; its owner decides who may see it. The account's history is
 * told by mail, which may be to this very shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_history.h"
#include "shards/order/order_work.h"
#include "shards/shard_handlers.h"

static void attach(struct order_step *step, u64 user_id)
{
    struct order *order = step->order;
    const u64 guest = order->owner;
    step_change(step);
    history_drop(step->shard, step->index);
    order->owner = user_id;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_ATTACHED, .what = user_id});
    const struct msg_mail_attach_req told = {.user_id = user_id,
                                             .order = order->id,
                                             .created_at_ns = order->created_ns,
                                             .total = order->total,
                                             .line_count = order->lines.count,
                                             .currency = order->currency};
    const u16 home = route_shard(route_hash_u64(user_id), step->shard->options.count);
    mail_post(step->shard, home, OPCODE_MAIL_ATTACH, &told, NULL);
    order_tell_new_owner(step, guest);
}

static u16 judge_attach(struct order_step *step, u64 user_id)
{
    const struct order *order = step->order;
    const u64 guest = order_user(order->id);
    if ((guest & ID_GUEST_BIT) == 0)
        return STATUS_INVALID_STATE;
    if (order->owner == guest)
        return STATUS_OK;
    if (order->owner != user_id)
        return STATUS_FORBIDDEN;
    step->flags = RECORD_FLAG_REPLAYED;
    return STATUS_OK;
}

void shard_apply_order_attach(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_order_attach_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.user_id != 0 && (ask.user_id & ID_GUEST_BIT) == 0;
    u16 status = step_begin(&step, shard, call, ask.order, 0, is_good);
    if (status == STATUS_OK)
        status = judge_attach(&step, ask.user_id);
    if (status == STATUS_OK && step.flags == 0)
        attach(&step, ask.user_id);
    step_answer(&step, status, reply);
}

void shard_mail_attach(struct shard *shard, const struct mail_call *call)
{
    struct order_room *room = &shard->orders;
    struct msg_mail_attach_req told;
    memcpy(&told, call->fixed, sizeof told);
    const u32 index = order_find(room, told.order);
    const struct history_entry entry = {.order = told.order,
                                        .created_ns = told.created_at_ns,
                                        .total = told.total,
                                        .line_count = told.line_count,
                                        .currency = told.currency};
    if (index != 0) {
        history_add(shard, index);
        return;
    }
    const bool is_entered = history_enter(room, told.user_id, &entry);
    MUST(is_entered); /* an order is attached once */
}
