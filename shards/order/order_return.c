/* order_return: what comes back.
 *
 *      REQUESTED --decide--> APPROVED --receive--> RECEIVED --refund--> REFUNDED
 *          \-------decide--> REJECTED    \--------refund of an amount--/
 *
 * Units asked for are taken up until the return is rejected or closed; from then on only those that
 * were received count. Received units go back to the stock as they come, each once: totals are stated,
 * differences are sent. The refund is the worth of the units received, or an amount that somebody
 * decides; it lowers what is owed, and settling gives the money back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_work.h"
#include "shards/shard_handlers.h"

#define REFUND_BY_WORTH (-1)

/* ---- asking ---- */

/* busy[line]: delivered units that are on their way back or have come back. */
static void work_returns(struct order_step *step)
{
    const struct order *order = step->order;
    const struct row_part *parts = order_parts(order);
    i64 *busy = step->work->busy;
    u32 number = 0;
    u16 state = 0;
    memset(busy, 0, order->lines.count * sizeof busy[0]);
    for (u32 i = 0; i < order->parts.count; i++) {
        const struct row_part *part = &parts[i];
        if (part->kind != PART_KIND_RETURN)
            continue;
        if (part->of != number) {
            number = part->of;
            const u32 at = return_find(order, number);
            MUST(at < order->returns.count);
            state = order_returns(order)[at].row.state;
        }
        if (state == RETURN_STATE_REFUNDED)
            busy[part->line] += part->sellable + part->damaged;
        else if (state != RETURN_STATE_REJECTED)
            busy[part->line] += part->quantity;
    }
}

static bool is_window_closed(const struct order_step *step)
{
    const u64 window_ms = settings_policy(&step->shard->settings)->return_window_ms;
    return window_ms != 0 && step->now_ns > step->order->delivered_ns &&
           (step->now_ns - step->order->delivered_ns) / NS_PER_MS >= window_ms;
}

/* wanted[line] at most what was delivered and is not on its way back. */
static u16 judge_wanted(struct order_step *step)
{
    const struct row_order_line *lines = order_lines(step->order);
    const struct order_work *work = step->work;
    work_returns(step);
    for (u32 i = 0; i < step->order->lines.count; i++) {
        const i64 there = lines[i].delivered - work->busy[i];
        const i64 coming = lines[i].quantity - lines[i].cancelled - lines[i].delivered;
        MUST(there >= 0 && coming >= 0);
        step->line = i;
        if (work->wanted[i] > there + coming)
            return STATUS_EXCEEDS;
        if (work->wanted[i] > there)
            return STATUS_NOT_DELIVERED;
    }
    step->line = LINE_NONE;
    return is_window_closed(step) ? STATUS_WINDOW_CLOSED : STATUS_OK;
}

static void open_new(struct order_step *step, const struct msg_return_open_req *ask,
                     u64 fingerprint)
{
    step_change(step);
    struct order_return *back = order_table_push(step->turn.room->arena, &step->order->returns,
                                                 sizeof(struct order_return));
    back->row.opened_at_ns = step->now_ns;
    back->row.number = ask->number;
    back->row.state = RETURN_STATE_REQUESTED;
    back->row.reason = ask->reason;
    back->fingerprint = fingerprint;
    work_push_parts(step, PART_KIND_RETURN, ask->number);
    step_tell(step,
              (struct order_event){.kind = ORDER_EVENT_RETURN_REQUESTED, .what = ask->number});
}

static u16 open_return(struct order_step *step, const struct msg_return_open_req *ask,
                       const struct span *rows)
{
    u16 status = work_read(step, rows, WORK_ROWS_PLAIN);
    if (status != STATUS_OK)
        return status;
    const u64 fingerprint = work_fingerprint(step, ask->reason);
    const u32 at = return_find(step->order, ask->number);
    if (at < step->order->returns.count) {
        if (order_returns(step->order)[at].fingerprint != fingerprint)
            return STATUS_ID_MISMATCH;
        step->flags = RECORD_FLAG_REPLAYED;
        return STATUS_OK;
    }
    status = step_placed(step);
    if (status == STATUS_OK)
        status = judge_wanted(step);
    if (status == STATUS_OK)
        status = step_has_room(step);
    if (status == STATUS_OK &&
        (step->order->returns.count == ORDER_PARCELS_MAX || !work_parts_fit(step)))
        status = STATUS_TOO_MANY;
    if (status == STATUS_OK)
        open_new(step, ask, fingerprint);
    return status;
}

void shard_apply_return_open(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct msg_return_open_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    const struct span *rows = &call->spans[SPAN_OF(return_open_req, lines)];
    const bool is_good = ask.number != 0 && rows->bytes != 0;
    u16 status = step_begin(&step, shard, call, ask.order, ask.user_id, is_good);
    if (status == STATUS_OK)
        status = open_return(&step, &ask, rows);
    step_answer(&step, status, reply);
}

/* ---- deciding ---- */

/* The return of a number, NULL where there is none. */
static struct order_return *return_of(const struct order_step *step, u32 number)
{
    const u32 at = return_find(step->order, number);
    return at < step->order->returns.count ? &order_returns(step->order)[at] : NULL;
}

static u16 decide_return(struct order_step *step, u32 number, bool is_approved)
{
    static const char approved[] = "approved", rejected[] = "rejected";
    struct order_return *back = return_of(step, number);
    if (back == NULL)
        return STATUS_NOT_FOUND;
    if (back->row.state != RETURN_STATE_REQUESTED) {
        if (is_approved == (back->row.state == RETURN_STATE_REJECTED))
            return STATUS_INVALID_STATE;
        step->flags = RECORD_FLAG_REPLAYED;
        return STATUS_OK;
    }
    step_change(step);
    back->row.state = is_approved ? RETURN_STATE_APPROVED : RETURN_STATE_REJECTED;
    back->row.closed_at_ns = is_approved ? 0 : step->now_ns;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_RETURN_DECIDED,
                                         .what = number,
                                         .text = (const u8 *)(is_approved ? approved : rejected),
                                         .text_bytes = sizeof approved - 1});
    return STATUS_OK;
}
STATIC_CHECK(sizeof "approved" == sizeof "rejected");

void shard_apply_return_decide(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_return_decide_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    u16 status = step_begin(&step, shard, call, ask.order, 0, ask.number != 0 && ask.approved <= 1);
    if (status == STATUS_OK)
        status = decide_return(&step, ask.number, ask.approved == 1);
    step_answer(&step, status, reply);
}

/* ---- receiving ---- */

/* One part of the return against what is said to have come of its line in total: the new units of
 * either kind go to wanted[] (sellable) and damaged[]. */
static u16 judge_part(struct order_step *step, const struct row_part *part)
{
    i64 *sellable = &step->work->wanted[part->line];
    i64 *damaged = &step->work->damaged[part->line];
    if (*sellable == 0)
        return STATUS_OK; /* nothing said of it */
    if (*sellable > part->quantity)
        return STATUS_EXCEEDS;
    *sellable -= *damaged;
    const bool is_less = *sellable < part->sellable || *damaged < part->damaged;
    const bool is_more = *sellable > part->sellable || *damaged > part->damaged;
    if (is_less && is_more)
        return STATUS_ID_MISMATCH; /* what came sellable does not become damaged */
    *sellable = is_more ? *sellable - part->sellable : 0;
    *damaged = is_more ? *damaged - part->damaged : 0;
    return STATUS_OK;
}

/* Turns totals into differences. other[line] marks the lines of the return. */
static u16 judge_totals(struct order_step *step, u32 number, i64 *sum)
{
    const struct order *order = step->order;
    struct order_work *work = step->work;
    *sum = 0;
    for (u32 i = 0; i < order->parts.count; i++) {
        const struct row_part *part = &order_parts(order)[i];
        if (part->kind != PART_KIND_RETURN || part->of != number)
            continue;
        step->line = part->line;
        work->other[part->line] = 1;
        const u16 status = judge_part(step, part);
        if (status != STATUS_OK)
            return status;
        *sum += work->wanted[part->line] + work->damaged[part->line];
    }
    for (u32 i = 0; i < order->lines.count; i++) {
        step->line = i;
        if (work->wanted[i] != 0 && work->other[i] == 0)
            return STATUS_EXCEEDS; /* it was not asked for */
    }
    step->line = LINE_NONE;
    return STATUS_OK;
}

static void take_in(struct order_step *step, struct order_return *back, i64 sum)
{
    struct row_order_line *lines = order_lines(step->order);
    struct order_work *work = step->work;
    step_change(step);
    for (u32 i = 0; i < step->order->parts.count; i++) {
        struct row_part *part = &order_parts(step->order)[i];
        if (part->kind != PART_KIND_RETURN || part->of != back->row.number)
            continue;
        part->sellable += work->wanted[part->line];
        part->damaged += work->damaged[part->line];
        MUST(part->sellable + part->damaged <= part->quantity);
    }
    for (u32 i = 0; i < step->order->lines.count; i++) {
        lines[i].returned_sellable += work->wanted[i];
        lines[i].returned_damaged += work->damaged[i];
        work->other[i] = work->wanted[i] + work->damaged[i];
        MUST(lines[i].returned_sellable + lines[i].returned_damaged <= lines[i].delivered);
    }
    back->row.state = RETURN_STATE_RECEIVED;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_RETURN_RECEIVED,
                                         .what = back->row.number,
                                         .value = sum});
    order_tell_received(step, work->other, true);
    (void)work_stock(step, work->wanted, CHANGE_ACTION_RETURN_SELLABLE, 0, WORK_ALL_SHARDS);
    (void)work_stock(step, work->damaged, CHANGE_ACTION_RETURN_DAMAGED, 0, WORK_ALL_SHARDS);
    order_basket(&step->turn);
}

static u16 receive_return(struct order_step *step, u32 number, const struct span *rows)
{
    i64 sum;
    struct order_return *back = return_of(step, number);
    if (back == NULL)
        return STATUS_NOT_FOUND;
    u16 status = work_read(step, rows, WORK_ROWS_DAMAGED);
    if (status != STATUS_OK)
        return status;
    if (back->row.state == RETURN_STATE_REQUESTED || back->row.state == RETURN_STATE_REJECTED)
        return STATUS_INVALID_STATE;
    status = judge_totals(step, number, &sum);
    if (status != STATUS_OK)
        return status;
    if (sum == 0) {
        step->flags = RECORD_FLAG_REPLAYED;
        return STATUS_OK;
    }
    if (back->row.state == RETURN_STATE_REFUNDED)
        return STATUS_INVALID_STATE;
    status = step_has_room(step);
    if (status == STATUS_OK)
        take_in(step, back, sum);
    return status;
}

void shard_apply_return_receive(struct shard *shard, const struct shard_call *call,
                                const void *request, void *reply)
{
    struct msg_return_receive_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    const struct span *rows = &call->spans[SPAN_OF(return_receive_req, lines)];
    u16 status = step_begin(&step, shard, call, ask.order, 0, ask.number != 0 && rows->bytes != 0);
    if (status == STATUS_OK)
        status = receive_return(&step, ask.number, rows);
    step_answer(&step, status, reply);
}

/* ---- refunding ---- */

/* What an amount may be: captured and neither given back nor going to be. */
static i64 refundable(const struct order *order)
{
    const struct order_sums sums = order_sums_of(order);
    /* What an operator gave back elsewhere is not there either. */
    const i64 there = sums.captured - sums.refunded - sums.refunding + MIN(sums.forced, 0);
    return MAX(MIN(there, order_owed(order)), 0);
}

/* The worth of the units received, at most what is still owed; refunded[line] grows by its part. */
static i64 refund_worth(struct order_step *step, u32 number, i64 most)
{
    struct row_order_line *lines = order_lines(step->order);
    i64 sum = 0;
    for (u32 i = 0; i < step->order->parts.count; i++) {
        const struct row_part *part = &order_parts(step->order)[i];
        if (part->kind != PART_KIND_RETURN || part->of != number)
            continue;
        const i64 worth =
            MIN(work_worth(step, part->line, part->sellable + part->damaged), most - sum);
        lines[part->line].refunded += worth;
        sum += worth;
    }
    return sum;
}

static u16 judge_refund(struct order_step *step, const struct order_return *back, i64 amount)
{
    if (back->row.state == RETURN_STATE_REFUNDED) {
        if (back->asked != amount)
            return STATUS_ID_MISMATCH;
        step->flags = RECORD_FLAG_REPLAYED;
        step->refund = back->row.refund;
        return STATUS_OK;
    }
    if (back->row.state != RETURN_STATE_RECEIVED &&
        (back->row.state != RETURN_STATE_APPROVED || amount == REFUND_BY_WORTH))
        return STATUS_INVALID_STATE;
    const u16 status = step_movable(step);
    if (status != STATUS_OK)
        return status;
    return amount != REFUND_BY_WORTH && amount > refundable(step->order) ? STATUS_EXCEEDS_CAPTURED
                                                                         : STATUS_OK;
}

static void refund_return(struct order_step *step, struct order_return *back, i64 amount)
{
    step_change(step);
    work_given(step);
    const i64 most = amount == REFUND_BY_WORTH ? order_owed(step->order) : amount;
    const i64 worth = refund_worth(step, back->row.number, most);
    back->asked = amount;
    back->row.refund = amount == REFUND_BY_WORTH ? worth : amount;
    back->row.state = RETURN_STATE_REFUNDED;
    back->row.closed_at_ns = step->now_ns;
    step->order->given_up += back->row.refund;
    step->refund = back->row.refund;
    step_tell(step, (struct order_event){.kind = ORDER_EVENT_RETURN_REFUNDED,
                                         .what = back->row.number,
                                         .value = back->row.refund});
    order_settle(&step->turn);
}

void shard_apply_return_refund(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_return_refund_req ask;
    struct order_step step;
    memcpy(&ask, request, sizeof ask);
    const bool is_good =
        ask.number != 0 && ask.amount >= REFUND_BY_WORTH && ask.amount <= PRICE_MAX;
    u16 status = step_begin(&step, shard, call, ask.order, 0, is_good);
    struct order_return *back = NULL;
    if (status == STATUS_OK) {
        back = return_of(&step, ask.number);
        status = back != NULL ? judge_refund(&step, back, ask.amount) : STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK && step.flags == 0)
        refund_return(&step, back, ask.amount);
    step_answer(&step, status, reply);
}
