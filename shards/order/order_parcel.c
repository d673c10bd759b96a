/* order_parcel: fulfilment: what goes into which parcel, and when it leaves and arrives.
 *
 *      PLANNED --ship--> LEAVING --all shards: OK--> SHIPPED --deliver--> DELIVERED
 *         |    <--------/   |
 *         |                 \--some: not there--> SHORT --ship--> LEAVING
 *         \--cancel--> CANCELLED <--cancel--------/
 *
 * A ship asks every shard of the parcel's SKUs by mail, under a ticket of its own. Units that were
 * taken out of stock for a parcel that cannot leave as a whole are put back (unship): at once where
 * the answer says that others of the same shard were short, at the end on the shards that had all of
 * theirs. Mail of a pair is in order, so whatever the order asks of that stock next comes after it.
 *
 * Money does not wait here: order_settle captures for what has left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/order/order_work.h"
#include "shards/shard_handlers.h"

/* May the warehouse work on this order? */
static u16 judge_ready(const struct order_step *step)
{
    const struct order *order = step->order;
    const u16 status = step_placed(step);
    if (status != STATUS_OK)
        return status;
    if (order->state == SAGA_STATE_VOID_PENDING || order->state == SAGA_STATE_NEEDS_OPERATOR)
        return STATUS_INVALID_STATE;
    if (order->capture == CAPTURE_POLICY_NOW && !order_is_paid(order))
        return STATUS_INVALID_STATE;
    return step_has_room(step);
}

/* ---- planning ---- */

/* wanted[line]: what goes into the new parcel. */
static u16 judge_contents(struct order_step *step, bool is_all)
{
    const struct row_order_line *lines = order_lines(step->order);
    struct order_work *work = step->work;
    i64 sum = 0;
    work_parcels(step, PARCELS_LIVE);
    for (u32 i = 0; i < step->order->lines.count; i++) {
        const i64 free = lines[i].allocated - work->busy[i];
        MUST(free >= 0);
        if (is_all)
            work->wanted[i] = free;
        sum += work->wanted[i];
        step->line = i;
        if (work->wanted[i] > free)
            return STATUS_EXCEEDS;
    }
    step->line = LINE_NONE;
    return sum != 0 ? STATUS_OK : STATUS_EXCEEDS;
}

static void plan(struct order_step *step, u32 number, u64 fingerprint)
{
    step_change(step);
    struct order_parcel *parcel = order_table_push(step->turn.room->arena, &step->order->parcels,
                                                   sizeof(struct order_parcel));
    parcel->row.created_at_ns = step->now_ns;
    parcel->row.number = number;
    parcel->row.state = PARCEL_STATE_PLANNED;
    parcel->fingerprint = fingerprint;
    work_push_parts(step, PART_KIND_PARCEL, number);
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_PARCEL_PLANNED, .what = number});
}

static u16 create_parcel(struct order_step *step, const struct span *rows, u32 number)
{
    u16 status = work_read(step, rows, WORK_ROWS_PLAIN);
    if (status != STATUS_OK)
        return status;
    const u64 fingerprint = work_fingerprint(step, 0);
    const u32 at = parcel_find(step->order, number);
    if (at < step->order->parcels.count) {
        if (order_parcels(step->order)[at].fingerprint != fingerprint)
            return STATUS_ID_MISMATCH;
        step->flags = RECORD_FLAG_REPLAYED;
        return STATUS_OK;
    }
    status = judge_ready(step);
    if (status == STATUS_OK)
        status = judge_contents(step, rows->bytes == 0);
    if (status == STATUS_OK)
        status = step->order->parcels.count < ORDER_PARCELS_MAX && work_parts_fit(step)
                     ? STATUS_OK
                     : STATUS_TOO_MANY;
    if (status == STATUS_OK)
        plan(step, number, fingerprint);
    return status;
}

void shard_apply_fulfil_create(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_fulfil_create_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    u16 status = step_begin(&step, shard, call, ask.order, 0, ask.number != 0);
    if (status == STATUS_OK)
        status = create_parcel(&step, &call->spans[SPAN_OF(fulfil_create_req, lines)], ask.number);
    step_answer(&step, status, reply);
}

/* ---- leaving ---- */

/* The next ticket of a parcel: its number, and which try it is. */
static u64 next_ticket(const struct order_parcel *parcel)
{
    const u64 tries = (parcel->ticket & ~ORDER_TICKET_PARCEL) >> 32;
    return ORDER_TICKET_PARCEL | (tries + 1) << 32 | parcel->row.number;
}

static void leave(struct order_step *step, struct order_parcel *parcel)
{
    step_change(step);
    parcel->row.state = PARCEL_STATE_LEAVING;
    parcel->ticket = next_ticket(parcel);
    parcel->answered = 0;
    parcel->is_short = 0;
    memset(parcel->shipped, 0, sizeof parcel->shipped);
    work_parcel_units(step, parcel->row.number, step->work->other);
    parcel->asked =
        work_stock(step, step->work->other, CHANGE_ACTION_SHIP, parcel->ticket, WORK_ALL_SHARDS);
    MUST(parcel->asked != 0);
}

static bool texts_equal(const struct text64 *a, const struct text64 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static u16 ship_parcel(struct order_step *step, const struct msg_fulfil_ship_req *ask)
{
    const u32 at = parcel_find(step->order, ask->number);
    if (at == step->order->parcels.count)
        return STATUS_NOT_FOUND;
    struct order_parcel *parcel = &order_parcels(step->order)[at];
    const u16 state = parcel->row.state;
    if (state == PARCEL_STATE_CANCELLED)
        return STATUS_INVALID_STATE;
    if (state == PARCEL_STATE_PLANNED || state == PARCEL_STATE_SHORT) {
        const u16 status = judge_ready(step);
        if (status != STATUS_OK)
            return status;
        leave(step, parcel);
        parcel->row.carrier = ask->carrier;
        parcel->row.tracking = ask->tracking;
        return STATUS_OK;
    }
    if (!texts_equal(&parcel->row.carrier, &ask->carrier) ||
        !texts_equal(&parcel->row.tracking, &ask->tracking))
        return STATUS_ID_MISMATCH;
    step->flags = RECORD_FLAG_REPLAYED;
    return STATUS_OK;
}

void shard_apply_fulfil_ship(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct msg_fulfil_ship_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.number != 0 && text64_invalid(&ask.carrier) == NULL &&
                         text64_invalid(&ask.tracking) == NULL;
    u16 status = step_begin(&step, shard, call, ask.order, 0, is_good);
    if (status == STATUS_OK)
        status = ship_parcel(&step, &ask);
    step_answer(&step, status, reply);
}

/* ---- what the stock says ---- */

static void enter_shipped(struct order_step *step, struct order_parcel *parcel)
{
    struct row_order_line *lines = order_lines(step->order);
    const i64 *units = step->work->other;
    work_parcel_units(step, parcel->row.number, step->work->other);
    for (u32 i = 0; i < step->order->lines.count; i++) {
        MUST(units[i] <= lines[i].allocated);
        lines[i].allocated -= units[i];
        lines[i].shipped += units[i];
        MUST(lines[i].allocated + lines[i].shipped + lines[i].cancelled == lines[i].quantity);
    }
    parcel->row.state = PARCEL_STATE_SHIPPED;
    parcel->row.shipped_at_ns = step->now_ns;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_PARCEL_SHIPPED,
                                         .what = parcel->row.number,
                                         .text = parcel->row.tracking.bytes,
                                         .text_bytes = (u8)text64_bytes(&parcel->row.tracking)});
}

/* Back to the shards that had all of theirs. */
static void enter_short(struct order_step *step, struct order_parcel *parcel)
{
    work_parcel_units(step, parcel->row.number, step->work->other);
    (void)work_stock(step, step->work->other, CHANGE_ACTION_UNSHIP, 0, parcel->shipped);
    memset(parcel->shipped, 0, sizeof parcel->shipped);
    parcel->row.state = PARCEL_STATE_SHORT;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_PARCEL_SHORT,
                                         .what = parcel->row.number,
                                         .status = parcel->reason});
}

/* One shard's answer: notes it, and puts back what it took if it had not all. */
static void take_answer(struct order_step *step, struct order_parcel *parcel,
                        const struct mail_call *call)
{
    const struct span *rows = &call->spans[SPAN_OF(mail_change_answer_req, items)];
    const u32 count = rows->bytes / (u32)sizeof(struct row_change_item);
    struct row_change_item *back = step->work->items;
    u32 back_count = 0;
    MUST(count != 0 && count <= ORDER_LINES_MAX);
    parcel->answered++;
    for (u32 i = 0; i < count; i++) {
        struct row_change_item item;
        memcpy(&item, rows->data + (size_t)i * sizeof item, sizeof item);
        MUST(item.action == CHANGE_ACTION_SHIP);
        if (item.status != STATUS_OK) {
            parcel->reason = item.status;
            continue;
        }
        item.action = CHANGE_ACTION_UNSHIP;
        back[back_count++] = item;
    }
    if (back_count == count) {
        parcel->shipped[call->source / 64] |= 1ull << call->source % 64;
        return;
    }
    parcel->is_short = 1;
    const struct msg_mail_change_req ask = {.order = step->order->id};
    const struct span items = {.data = (const u8 *)back, .bytes = back_count * (u32)sizeof back[0]};
    if (back_count != 0)
        mail_post(step->shard, call->source, OPCODE_MAIL_CHANGE, &ask, &items);
}

void order_parcel_answer(const struct order_turn *turn, const struct mail_call *call)
{
    struct msg_mail_change_answer_req told;
    struct order_step step;
    memcpy(&told, call->fixed, sizeof told);
    step_join(&step, turn);
    const u32 at = parcel_find(step.order, (u32)told.ticket);
    MUST(at < step.order->parcels.count);
    struct order_parcel *parcel = &order_parcels(step.order)[at];
    MUST(parcel->row.state == PARCEL_STATE_LEAVING && parcel->ticket == told.ticket);
    MUST(parcel->answered < parcel->asked);
    take_answer(&step, parcel, call);
    if (parcel->answered != parcel->asked)
        return;
    if (parcel->is_short == 0) {
        enter_shipped(&step, parcel);
        order_notify_shipped(turn, parcel->row.number);
        order_settle(turn);
        return;
    }
    enter_short(&step, parcel);
    /* What an operator gave up while it was leaving is given up now. */
    if ((step.order->flags & ORDER_FLAG_ABANDONED) != 0)
        order_cancel_rest(turn);
}

/* ---- arriving, and not being sent ---- */

static u16 deliver_parcel(struct order_step *step, struct order_parcel *parcel)
{
    if (parcel->row.state == PARCEL_STATE_DELIVERED) {
        step->flags = RECORD_FLAG_REPLAYED;
        return STATUS_OK;
    }
    if (parcel->row.state != PARCEL_STATE_SHIPPED)
        return STATUS_INVALID_STATE;
    step_change(step);
    struct row_order_line *lines = order_lines(step->order);
    const i64 *units = step->work->other;
    work_parcel_units(step, parcel->row.number, step->work->other);
    for (u32 i = 0; i < step->order->lines.count; i++) {
        lines[i].delivered += units[i];
        MUST(lines[i].delivered <= lines[i].shipped);
    }
    parcel->row.state = PARCEL_STATE_DELIVERED;
    parcel->row.delivered_at_ns = step->now_ns;
    step->order->delivered_ns = step->now_ns;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_PARCEL_DELIVERED,
                                         .what = parcel->row.number});
    order_tell_received(step, units, false);
    order_settle(&step->turn);
    return STATUS_OK;
}

static u16 cancel_parcel(struct order_step *step, struct order_parcel *parcel)
{
    const u16 state = parcel->row.state;
    if (state == PARCEL_STATE_CANCELLED) {
        step->flags = RECORD_FLAG_REPLAYED;
        return STATUS_OK;
    }
    if (state != PARCEL_STATE_PLANNED && state != PARCEL_STATE_SHORT)
        return STATUS_ALREADY_SHIPPED;
    step_change(step);
    parcel->row.state = PARCEL_STATE_CANCELLED;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_PARCEL_CANCELLED,
                                         .what = parcel->row.number});
    return STATUS_OK;
}

/* Both name a parcel and say nothing else. */
STATIC_CHECK(sizeof(struct msg_fulfil_deliver_req) == sizeof(struct msg_fulfil_cancel_req));

static void apply_to_parcel(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply,
                            u16 (*change)(struct order_step *step, struct order_parcel *parcel))
{
    struct msg_fulfil_deliver_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    u16 status = step_begin(&step, shard, call, ask.order, 0, ask.number != 0);
    if (status == STATUS_OK) {
        const u32 at = parcel_find(step.order, ask.number);
        status = at < step.order->parcels.count ? change(&step, &order_parcels(step.order)[at])
                                                : STATUS_NOT_FOUND;
    }
    step_answer(&step, status, reply);
}

void shard_apply_fulfil_deliver(struct shard *shard, const struct shard_call *call,
                                const void *request, void *reply)
{
    apply_to_parcel(shard, call, request, reply, deliver_parcel);
}

void shard_apply_fulfil_cancel(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    apply_to_parcel(shard, call, request, reply, cancel_parcel);
}
