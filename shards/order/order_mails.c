/* order_mails: see shards/order/order_mails.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_mails.h"

#include <string.h>

#include "shards/order/order_parts.h"
#include "shards/order/order_scratch.h"
#include "shards/shard_handlers.h"

struct order_hold *order_hold_of(const struct order *order, u16 shard)
{
    for (u32 i = 0; i < order->holds.count; i++)
        if (order_holds(order)[i].shard == shard)
            return &order_holds(order)[i];
    return NULL;
}

static void post_items(const struct order_turn *turn, u16 shard, u64 ticket, u32 count)
{
    const struct order_scratch *scratch = order_scratch_of(turn->room);
    const struct msg_mail_change_req ask = {.order = turn->order->id, .ticket = ticket};
    const struct span items = {.data = (const u8 *)scratch->change_items,
                               .bytes = count * (u32)sizeof scratch->change_items[0]};
    if (count != 0)
        mail_post(turn->shard, shard, OPCODE_MAIL_CHANGE, &ask, &items);
}

static struct row_change_item item_of(const struct order_demand *demand, u16 action)
{
    return (struct row_change_item){.resource = demand->resource, .action = action};
}

/* ---- release ---- */

u32 order_release_holds(const struct order_turn *turn, u64 ticket)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    struct order_hold *holds = order_holds(turn->order);
    const u32 demand_count = order_demand_all(turn, 0);
    u32 told = 0;
    for (u32 h = 0; h < turn->order->holds.count; h++) {
        if (holds[h].state != ORDER_HOLD_ASKED && holds[h].state != ORDER_HOLD_GRANTED)
            continue;
        u32 count = 0;
        for (u32 i = 0; i < demand_count; i++)
            if (scratch->demands[i].shard == holds[h].shard)
                scratch->change_items[count++] =
                    item_of(&scratch->demands[i], CHANGE_ACTION_RELEASE);
        post_items(turn, holds[h].shard, ticket, count);
        holds[h].state = ticket != 0 ? ORDER_HOLD_RELEASING : ORDER_HOLD_RELEASED;
        told++;
    }
    return told;
}

/* ---- confirm ---- */

void order_confirm_lines(const struct order_turn *turn)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    const struct order_hold *holds = order_holds(turn->order);
    const u32 demand_count = order_demand_all(turn, 0);
    for (u32 h = 0; h < turn->order->holds.count; h++) {
        u32 count = 0;
        for (u32 i = 0; i < demand_count; i++)
            if (scratch->demands[i].shard == holds[h].shard &&
                scratch->demands[i].resource.kind == RESOURCE_KIND_SKU)
                scratch->change_items[count++] =
                    item_of(&scratch->demands[i], CHANGE_ACTION_CONFIRM);
        post_items(turn, holds[h].shard, 0, count);
    }
}

/* ---- what is spent with the order ---- */

/* A gift card or account pays `amount` of what it holds; the rest of it is released. */
static void spend_tender(const struct order_turn *turn, u32 index, i64 amount)
{
    struct order_tender *tender = &order_tenders(turn->order)[index];
    MUST(tender->state == TENDER_STATE_HELD);
    MUST(amount >= 0 && amount <= tender->amount);
    tender->state = amount != 0 ? TENDER_STATE_SPENT : TENDER_STATE_RELEASED;
    if (amount == 0)
        return;
    tender->captured += amount;
    MUST(tender->captured <= tender->authorized);
    (void)order_event_add(turn, &(struct order_event){.kind = ORDER_EVENT_SPENT, .value = amount});
}

/* What becomes of a demand that is no SKU. `spend` is what money has still to pay. */
static struct row_change_item spend_demand(const struct order_turn *turn,
                                           const struct order_demand *demand, bool is_used,
                                           i64 *spend)
{
    if (demand->resource.kind != RESOURCE_KIND_GIFT_CARD &&
        demand->resource.kind != RESOURCE_KIND_CREDIT)
        return item_of(demand, is_used ? CHANGE_ACTION_CONSUME : CHANGE_ACTION_RELEASE);
    const i64 amount = MIN(demand->quantity, *spend);
    struct row_change_item item =
        item_of(demand, amount != 0 ? CHANGE_ACTION_CONSUME : CHANGE_ACTION_RELEASE);
    item.quantity = amount;
    *spend -= amount;
    spend_tender(turn, demand->line, amount);
    return item;
}

/* The items are worked out in the order of tenders, and then sorted by shard. */
void order_spend(const struct order_turn *turn, i64 spend)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    struct order *order = turn->order;
    MUST((order->flags & ORDER_FLAG_SPENT) == 0);
    order->flags |= ORDER_FLAG_SPENT;
    if (order->coupons.count == 0 && order_is_paid_outside(order))
        return;
    struct row_change_item items[2 * ORDER_COUPONS_MAX + ORDER_TENDERS_MAX];
    const u32 demand_count = order_demand_all(turn, 0);
    const bool is_used = !order_is_cancelled_whole(order);
    u32 first = 0;
    while (first < demand_count && scratch->demands[first].resource.kind == RESOURCE_KIND_SKU)
        first++;
    MUST(demand_count - first <= ARRAY_COUNT(items));
    for (u32 i = first; i < demand_count; i++)
        items[i - first] = spend_demand(turn, &scratch->demands[i], is_used, &spend);
    for (u32 h = 0; h < order->holds.count; h++) {
        u32 count = 0;
        for (u32 i = first; i < demand_count; i++)
            if (scratch->demands[i].shard == order_holds(order)[h].shard)
                scratch->change_items[count++] = items[i - first];
        post_items(turn, order_holds(order)[h].shard, 0, count);
    }
}

void order_give_back(const struct order_turn *turn, u32 index, i64 amount)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    struct order_tender *tender = &order_tenders(turn->order)[index];
    MUST(tender->kind != TENDER_KIND_OUTSIDE);
    MUST(amount > 0 && amount <= tender->captured - tender->refunded);
    const struct resource account = {.id = tender->account,
                                     .kind = tender->kind == TENDER_KIND_GIFT_CARD
                                                 ? RESOURCE_KIND_GIFT_CARD
                                                 : RESOURCE_KIND_CREDIT};
    scratch->change_items[0] = (struct row_change_item){
        .resource = account, .quantity = amount, .action = CHANGE_ACTION_RETURN_SELLABLE};
    post_items(turn, route_shard(route_hash_resource(account), turn->shard->options.count), 0, 1);
    tender->refunded += amount;
    (void)order_event_add(turn,
                          &(struct order_event){.kind = ORDER_EVENT_REFUNDED, .value = amount});
}

/* ---- the end before the sale ---- */

/* A tender of an order that fails. What no worker has ever seen cannot be authorised; but who has
 * waited to the hard maximum voids all the same. */
static void fail_tender(const struct order_turn *turn, u32 index, u16 reason)
{
    struct order_tender *tender = &order_tenders(turn->order)[index];
    if (tender->kind != TENDER_KIND_OUTSIDE) {
        tender->authorized = 0;
        tender->state = TENDER_STATE_RELEASED;
        return;
    }
    const u32 step = order_command_last(turn, index, COMMAND_KIND_AUTHORIZE);
    if (step == 0) {
        tender->state = TENDER_STATE_RELEASED;
        return;
    }
    struct order_command *command = order_command_at(turn->room, step);
    if (order_command_is_open(command))
        order_command_close(turn, step, COMMAND_STATE_TAKEN_BACK);
    if (command->deliveries == 0 && tender->state == TENDER_STATE_WAITING &&
        reason != STATUS_PAYMENT_EXPIRED)
        tender->state = TENDER_STATE_RELEASED;
}

void order_fail(const struct order_turn *turn, enum saga_event event, u16 reason)
{
    struct order *order = turn->order;
    MUST(order->placed_ns == 0);
    order->reason = reason;
    order_table_release(turn->room->arena, &order->asked, sizeof(struct order_asked));
    (void)order_event_add(turn,
                          &(struct order_event){.kind = ORDER_EVENT_REFUSED, .status = reason});
    for (u32 i = 0; i < order->tenders.count; i++)
        fail_tender(turn, i, reason);
    order_command_close_all(turn, COMMAND_KIND_QUERY, COMMAND_STATE_TAKEN_BACK);
    order->flags &= (u8)~ORDER_FLAG_LATE;
    if (reason == STATUS_PAYMENT_EXPIRED)
        order->flags |= ORDER_FLAG_UNPAID;
    order_go(turn, event);
    if (order_release_holds(turn, order->round) == 0)
        order_released(turn);
}

/* The provider has, or may have, authorised it. */
static bool needs_void(const struct order_tender *tender)
{
    if (tender->kind != TENDER_KIND_OUTSIDE)
        return false;
    return tender->dangling != ORDER_DANGLING_NOT ||
           (tender->state != TENDER_STATE_DECLINED && tender->state != TENDER_STATE_RELEASED &&
            tender->state != TENDER_STATE_EXPIRED && tender->state != TENDER_STATE_VOIDED);
}

void order_released(const struct order_turn *turn)
{
    struct order *order = turn->order;
    u32 voids = 0;
    if ((order->flags & ORDER_FLAG_FROM_CART) != 0)
        cart_let_go(turn->shard, order_user(order->id), order->id, NULL, 0, turn->now_ns);
    for (u32 i = 0; i < order->tenders.count; i++) {
        if (!needs_void(&order_tenders(order)[i]))
            continue;
        order_emit_void(turn, i);
        voids++;
    }
    order_go(turn, voids != 0 ? SAGA_EVENT_RELEASED_VOID : SAGA_EVENT_RELEASED);
    order_settle(turn); /* a command may have died meanwhile */
}

void shard_mail_change_answer(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_change_answer_req answer;
    memcpy(&answer, call->fixed, sizeof answer);
    const u32 index = order_find(&shard->orders, answer.order);
    MUST(index != 0); /* orders live for ever */
    const struct order_turn turn = order_turn_begin(shard, index, call->now_ns);
    if ((answer.ticket & ORDER_TICKET_PARCEL) != 0) {
        order_parcel_answer(&turn, call);
        return;
    }
    struct order_hold *hold = order_hold_of(turn.order, call->source);
    MUST(turn.order->state == SAGA_STATE_COMPENSATING && answer.ticket == turn.order->round);
    MUST(hold != NULL && hold->state == ORDER_HOLD_RELEASING);
    hold->state = ORDER_HOLD_RELEASED;
    for (u32 i = 0; i < turn.order->holds.count; i++)
        if (order_holds(turn.order)[i].state == ORDER_HOLD_RELEASING)
            return;
    order_released(&turn);
}
