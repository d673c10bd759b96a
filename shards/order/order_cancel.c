/* order_cancel: units of placed orders that are not wanted any more, before they have left.
 *
 *      ask: units cancelled in total, per line  ->  what is new of it
 *      first units in no parcel, then those of parcels that are planned or short, the highest number
 *      first; a parcel LEAVING has left, as far as this is concerned: whoever reaches the order's
 *      writer first wins
 *      -> allocated - q, cancelled + q, the stock is told, given_up grows by what they are worth
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_work.h"
#include "shards/shard_handlers.h"

/* Reasons of checkout_cancel. */
#define CANCEL_REASON_MAX 7u

/* units[line]: how much of wanted[line], a total, is new; of lines that are not named: nothing. */
static u16 judge_totals(struct order_step *step, i64 *units)
{
    const struct row_order_line *lines = order_lines(step->order);
    const struct order_work *work = step->work;
    for (u32 i = 0; i < step->order->lines.count; i++) {
        const i64 wanted = work->wanted[i];
        units[i] = wanted > lines[i].cancelled ? wanted - lines[i].cancelled : 0;
        step->line = i;
        if (wanted > lines[i].quantity)
            return STATUS_EXCEEDS;
        if (units[i] > lines[i].allocated - work->busy[i])
            return STATUS_ALREADY_SHIPPED;
    }
    step->line = LINE_NONE;
    return STATUS_OK;
}

/* All that has not left. */
static void take_all(struct order_step *step, i64 *units)
{
    const struct row_order_line *lines = order_lines(step->order);
    for (u32 i = 0; i < step->order->lines.count; i++) {
        units[i] = lines[i].allocated - step->work->busy[i];
        MUST(units[i] >= 0);
    }
}

static i64 sum_units(const struct order_step *step, const i64 *units)
{
    i64 sum = 0;
    for (u32 i = 0; i < step->order->lines.count; i++)
        sum += units[i];
    return sum;
}

/* Takes up to `units[line]` out of one parcel; what was taken is subtracted. */
static void take_from_parcel(struct order_step *step, u32 at, i64 *units)
{
    struct order_parcel *parcel = &order_parcels(step->order)[at];
    struct row_part *parts = order_parts(step->order);
    i64 left = 0;
    bool is_touched = false;
    for (u32 i = 0; i < step->order->parts.count; i++) {
        struct row_part *part = &parts[i];
        if (part->kind != PART_KIND_PARCEL || part->of != parcel->row.number)
            continue;
        const i64 taken = MIN(part->quantity, units[part->line]);
        part->quantity -= taken;
        units[part->line] -= taken;
        left += part->quantity;
        is_touched |= taken != 0;
    }
    if (!is_touched || left != 0)
        return;
    parcel->row.state = PARCEL_STATE_CANCELLED;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_PARCEL_CANCELLED,
                                         .what = parcel->row.number});
}

/* The highest number below `number` of a parcel that gives way; its place, or the count. */
static u32 next_giving(const struct order *order, u64 number)
{
    const struct order_parcel *parcels = order_parcels(order);
    u32 found = order->parcels.count;
    for (u32 i = 0; i < order->parcels.count; i++)
        if ((PARCELS_GIVING >> parcels[i].row.state & 1) != 0 && parcels[i].row.number < number &&
            (found == order->parcels.count || parcels[found].row.number < parcels[i].row.number))
            found = i;
    return found;
}

/* What planned and short parcels have to give for `units`: what no parcel has goes first. */
static void empty_parcels(struct order_step *step, const i64 *units)
{
    const struct row_order_line *lines = order_lines(step->order);
    struct order_work *work = step->work;
    i64 *taken = work->damaged; /* not asked for in a cancel */
    work_parcels(step, PARCELS_LIVE);
    i64 sum = 0;
    for (u32 i = 0; i < step->order->lines.count; i++) {
        const i64 free = lines[i].allocated - work->busy[i];
        MUST(free >= 0);
        taken[i] = units[i] > free ? units[i] - free : 0;
        sum += taken[i];
    }
    u64 number = 1ull << 32;
    while (sum != 0) { /* ends: a lower number each time */
        const u32 at = next_giving(step->order, number);
        MUST(at < step->order->parcels.count);
        number = order_parcels(step->order)[at].row.number;
        take_from_parcel(step, at, taken);
        sum = sum_units(step, taken);
    }
}

/* Cancels `units`: quantities, worth, stock. The caller settles. */
static void cancel_units(struct order_step *step, i64 *units)
{
    struct order *order = step->order;
    empty_parcels(step, units);
    work_given(step);
    struct row_order_line *lines = order_lines(order);
    i64 sum = 0;
    for (u32 i = 0; i < order->lines.count; i++) {
        if (units[i] == 0)
            continue;
        MUST(units[i] > 0 && units[i] <= lines[i].allocated);
        const i64 worth = work_worth(step, i, units[i]);
        lines[i].refunded += worth;
        sum += worth;
        lines[i].allocated -= units[i];
        lines[i].cancelled += units[i];
        MUST(lines[i].allocated + lines[i].shipped + lines[i].cancelled == lines[i].quantity);
        step_tell(step, (struct order_event){
                            .kind = ORDER_EVENT_CANCELLED_UNITS, .value = units[i], .what = i});
    }
    if (order_is_cancelled_whole(order))
        sum += order_whole_charges(order);
    order->given_up += sum;
    order->cancelled_worth += sum;
    step->refund = sum;
    (void)work_stock(step, units, CHANGE_ACTION_CANCEL, 0, WORK_ALL_SHARDS);
    order_basket(&step->turn);
}

static u16 judge_cancel(struct order_step *step, const struct span *rows, i64 *units)
{
    work_parcels(step, 1u << PARCEL_STATE_LEAVING);
    u16 status = work_read(step, rows, WORK_ROWS_PLAIN);
    if (status != STATUS_OK)
        return status;
    if (step->order->placed_ns == 0)
        return step_placed(step);
    if (rows->bytes == 0)
        take_all(step, units);
    else
        status = judge_totals(step, units);
    if (status != STATUS_OK)
        return status;
    if (sum_units(step, units) == 0) {
        /* All of it was cancelled before; or there is nothing left to cancel. */
        if (rows->bytes == 0 && !order_is_cancelled_whole(step->order))
            return step->order->state == SAGA_STATE_CANCELLED ? STATUS_ORDER_CANCELLED
                                                              : STATUS_ALREADY_SHIPPED;
        step->flags = RECORD_FLAG_REPLAYED;
        return STATUS_OK;
    }
    status = step_movable(step);
    return status == STATUS_OK ? step_has_room(step) : status;
}

void shard_apply_order_cancel(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_order_cancel_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    const struct span *rows = &call->spans[SPAN_OF(order_cancel_req, lines)];
    const bool is_good = ask.reason >= 1 && ask.reason <= CANCEL_REASON_MAX;
    u16 status = step_begin(&step, shard, call, ask.order, ask.user_id, is_good);
    i64 *units = step.work->other;
    if (status == STATUS_OK)
        status = judge_cancel(&step, rows, units);
    if (status == STATUS_OK && step.flags == 0) {
        step_change(&step);
        step_tell(&step,
                  (struct order_event){.kind = ORDER_EVENT_CANCEL_ASKED, .what = ask.reason});
        cancel_units(&step, units);
        order_settle(&step.turn);
    }
    step_answer(&step, status, reply);
}

void order_cancel_rest(const struct order_turn *turn)
{
    struct order_step step;
    step_join(&step, turn);
    work_parcels(&step, 1u << PARCEL_STATE_LEAVING);
    take_all(&step, step.work->other);
    if (sum_units(&step, step.work->other) != 0)
        cancel_units(&step, step.work->other);
}
