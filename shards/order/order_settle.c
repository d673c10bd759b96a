/* order_settle: what should be captured, refunded, voided: one rule, and the state that follows from it.
 * Declared in shards/order/order.h; docs/orders.md, "Payment", is the contract.
 *
 *      due = order_due    what should be captured and not refunded now
 *      net = captured - refunded - refunds under way
 *
 *      spend      gift cards and credit, when all else is captured, or with the first shipment
 *      take back  captures that are not wanted any more and that no worker has seen
 *      capture    up to due, tender by tender in their order
 *      refund     down to due, in reverse order; gift cards and credit at once
 *      void       what is authorised when nothing is owed
 *      follow     the state that these commands, and the quantities, stand for
 *
 * Called after every change. It looks at what there is and emits what is missing, so calling it twice
 * changes nothing.
 *
 * Invariants: I2 of shards/order/order.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_parts.h"
#include "shards/shard_state.h"

/* The commands of an order that move money, by what is the matter with them. */
struct under_way {
    bool capture, capture_unknown;
    bool refund;
    bool void_;
    bool dead;
};

static struct under_way look_at_commands(const struct order_turn *turn)
{
    struct under_way way = {0};
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        const bool is_open = order_command_is_open(command);
        index = command->next;
        if (command->kind != COMMAND_KIND_CAPTURE && command->kind != COMMAND_KIND_REFUND &&
            command->kind != COMMAND_KIND_VOID)
            continue;
        way.dead |= command->state == COMMAND_STATE_DEAD;
        if (!is_open)
            continue;
        way.capture |= command->kind == COMMAND_KIND_CAPTURE;
        way.capture_unknown |=
            command->kind == COMMAND_KIND_CAPTURE && (command->flags & ORDER_COMMAND_UNKNOWN) != 0;
        way.refund |= command->kind == COMMAND_KIND_REFUND;
        way.void_ |= command->kind == COMMAND_KIND_VOID;
    }
    return way;
}

/* The open or dead command of a tender and kind, 0 = there is none: one at a time. */
static u32 pending(const struct order_turn *turn, u32 tender, enum command_kind kind)
{
    const u32 index = order_command_last(turn, tender, kind);
    if (index == 0)
        return 0;
    const struct order_command *command = order_command_at(turn->room, index);
    return order_command_is_open(command) || command->state == COMMAND_STATE_DEAD ? index : 0;
}

/* The sums that decide, kept up to date while settling. */
struct balance {
    i64 due;
    i64 net;       /* captured and not refunded, refunds under way counted as done */
    i64 capturing; /* under way */
    i64 held;      /* on gift cards and accounts, not spent yet */
};

static struct balance balance_of(const struct order *order)
{
    const struct order_tender *tenders = order_tenders(order);
    struct balance balance = {.due = order_due(order, order->capture_asked)};
    for (u32 i = 0; i < order->tenders.count; i++) {
        balance.net += tenders[i].captured + tenders[i].forced - tenders[i].forced_back -
                       tenders[i].refunded - tenders[i].refunding;
        balance.capturing += tenders[i].capturing;
        balance.held += tenders[i].state == TENDER_STATE_HELD ? tenders[i].amount : 0;
    }
    return balance;
}

/* What is left to be captured outside, captures under way not counted; negative: too much. */
static i64 need_of(const struct balance *balance)
{
    return MAX(balance->due - balance->held, 0) - balance->net - balance->capturing;
}

i64 order_capture_need(const struct order *order)
{
    const struct balance balance = balance_of(order);
    return need_of(&balance);
}

/* ---- spend ---- */

static bool is_time_to_spend(const struct order *order, const struct balance *balance)
{
    if (order->capture == CAPTURE_POLICY_ON_SHIP)
        return balance->due > 0 || order_units_of(order).shipped != 0 ||
               order_is_cancelled_whole(order);
    return balance->capturing == 0 && balance->net >= balance->due - balance->held
               ? true
               : order_is_cancelled_whole(order);
}

/* When shipped, all that is owed may come from them at once: what is spent beyond what is due now is
 * asked for, so that it is not given back. */
static void spend(const struct order_turn *turn, struct balance *balance)
{
    struct order *order = turn->order;
    if ((order->flags & ORDER_FLAG_SPENT) != 0 || !is_time_to_spend(order, balance))
        return;
    const bool is_on_ship = order->capture == CAPTURE_POLICY_ON_SHIP;
    const i64 wanted = is_on_ship ? order_owed(order) : balance->due;
    order_spend(turn, MAX(wanted - balance->net, 0));
    if (balance->held == 0)
        return;
    if (is_on_ship)
        order->capture_asked = MAX(order->capture_asked, order_sums_of(order).captured);
    *balance = balance_of(order);
}

/* ---- capture ---- */

/* No worker has seen it under this attempt, and earlier attempts have failed for sure. */
static bool is_unseen(const struct order_command *command)
{
    return command->state == COMMAND_STATE_READY && command->deliveries == 0;
}

static void take_back_captures(const struct order_turn *turn, struct balance *balance)
{
    for (u32 i = turn->order->tenders.count; i > 0 && need_of(balance) < 0; i--) {
        struct order_tender *tender = &order_tenders(turn->order)[i - 1];
        const u32 index = pending(turn, i - 1, COMMAND_KIND_CAPTURE);
        if (index == 0 || !is_unseen(order_command_at(turn->room, index)))
            continue;
        tender->capturing -= order_command_at(turn->room, index)->amount;
        balance->capturing -= order_command_at(turn->room, index)->amount;
        MUST(tender->capturing >= 0);
        order_command_close(turn, index, COMMAND_STATE_TAKEN_BACK);
    }
}

void order_emit_capture(const struct order_turn *turn, u32 index, i64 amount)
{
    struct order_tender *tender = &order_tenders(turn->order)[index];
    const u32 authorization = order_command_last(turn, index, COMMAND_KIND_AUTHORIZE);
    MUST(amount > 0);
    MUST(authorization != 0);
    tender->capturing += amount;
    MUST(tender->captured + tender->forced + tender->capturing <= tender->authorized); /* I2 */
    (void)order_emit(turn,
                     &(struct order_emission){
                         .kind = COMMAND_KIND_CAPTURE,
                         .tender = index,
                         .amount = amount,
                         .subject = order_command_at(turn->room, authorization)->step,
                         .subject_attempt = order_command_at(turn->room, authorization)->attempt});
}

i64 order_capture_room(const struct order_tender *tender)
{
    if (tender->kind != TENDER_KIND_OUTSIDE || tender->state != TENDER_STATE_AUTHORIZED)
        return 0;
    return tender->authorized - tender->captured - tender->forced - tender->capturing;
}

static void capture(const struct order_turn *turn, const struct balance *balance)
{
    i64 need = need_of(balance);
    for (u32 i = 0; i < turn->order->tenders.count && need > 0; i++) {
        const i64 amount = MIN(order_capture_room(&order_tenders(turn->order)[i]), need);
        if (amount <= 0 || pending(turn, i, COMMAND_KIND_CAPTURE) != 0)
            continue;
        order_emit_capture(turn, i, amount);
        need -= amount;
    }
}

/* ---- refund ---- */

static void emit_refund(const struct order_turn *turn, u32 index, i64 amount, u8 flags)
{
    const u32 of = order_command_last(turn, index, COMMAND_KIND_CAPTURE);
    const struct order_command *captured = of != 0 ? order_command_at(turn->room, of) : NULL;
    (void)order_emit(
        turn, &(struct order_emission){.kind = COMMAND_KIND_REFUND,
                                       .tender = index,
                                       .amount = amount,
                                       .subject = captured != NULL ? captured->step : 0,
                                       .subject_attempt = captured != NULL ? captured->attempt : 0,
                                       .flags = flags});
}

static void refund(const struct order_turn *turn, const struct balance *balance)
{
    struct order *order = turn->order;
    i64 excess = balance->net - balance->due;
    for (u32 i = order->tenders.count; i > 0 && excess > 0; i--) {
        struct order_tender *tender = &order_tenders(order)[i - 1];
        const i64 amount = MIN(
            tender->captured - tender->refunded - tender->refunding - tender->forced_back, excess);
        if (amount <= 0)
            continue;
        if (tender->kind != TENDER_KIND_OUTSIDE) {
            order_give_back(turn, i - 1, amount);
        } else if (pending(turn, i - 1, COMMAND_KIND_REFUND) == 0) {
            tender->refunding += amount;
            MUST(tender->refunded + tender->refunding <= tender->captured); /* I2 */
            emit_refund(turn, i - 1, amount, 0);
        } else {
            continue;
        }
        excess -= amount;
    }
}

/* What the provider took beyond what was asked for goes back, whatever became of the order. */
static void refund_overcharges(const struct order_turn *turn)
{
    for (u32 i = 0; i < turn->order->tenders.count; i++) {
        struct order_tender *tender = &order_tenders(turn->order)[i];
        const i64 amount = tender->overcharged - tender->overcharge_back;
        if (amount <= 0 || pending(turn, i, COMMAND_KIND_REFUND) != 0)
            continue;
        tender->overcharge_back += amount;
        emit_refund(turn, i, amount, ORDER_COMMAND_EXCESS);
    }
}

/* ---- void ---- */

static void void_rest(const struct order_turn *turn)
{
    if (order_owed(turn->order) > 0)
        return;
    for (u32 i = 0; i < turn->order->tenders.count; i++) {
        const struct order_tender *tender = &order_tenders(turn->order)[i];
        if (tender->capturing == 0 && order_capture_room(tender) > 0 &&
            pending(turn, i, COMMAND_KIND_VOID) == 0)
            order_emit_void(turn, i);
    }
}

/* ---- follow ---- */

static u16 rest_of(const struct order *order)
{
    const struct order_sums sums = order_sums_of(order);
    if (order_is_cancelled_whole(order))
        return SAGA_STATE_CANCELLED;
    if (sums.captured + sums.forced - sums.refunded - sums.refunding < order_owed(order))
        return SAGA_STATE_PLACED;
    if (order_has_arrived(order))
        return SAGA_STATE_DELIVERED;
    return order_has_left(order) ? SAGA_STATE_SHIPPED : SAGA_STATE_PAID;
}

/* An authorisation has ended that something of what is owed was still to come from. */
static bool has_expired_tender(const struct order *order)
{
    for (u32 i = 0; i < order->tenders.count; i++)
        if (order_tenders(order)[i].state == TENDER_STATE_EXPIRED)
            return order_owed(order) > 0 && rest_of(order) == SAGA_STATE_PLACED;
    return false;
}

static u16 wanted_state(const struct order_turn *turn)
{
    const struct under_way way = look_at_commands(turn);
    if (way.dead || (has_expired_tender(turn->order) && !way.capture))
        return SAGA_STATE_NEEDS_OPERATOR;
    if (way.capture)
        return way.capture_unknown ? SAGA_STATE_CAPTURE_UNKNOWN : SAGA_STATE_CAPTURING;
    const bool is_voiding = way.void_ && order_is_cancelled_whole(turn->order);
    /* What is charged by mistake meanwhile does not end a void: from there the way leads to the end. */
    if (is_voiding && (!way.refund || turn->order->state == SAGA_STATE_VOID_PENDING))
        return SAGA_STATE_VOID_PENDING;
    if (way.refund)
        return SAGA_STATE_REFUND_PENDING;
    return rest_of(turn->order);
}

/* The event that ends waiting, by the state of rest that it leads to. */
static enum saga_event event_to_rest(u16 from, u16 rest)
{
    static const u8 events[SAGA_STATE_COUNT][SAGA_STATE_COUNT] = {
        [SAGA_STATE_CAPTURING] = {[SAGA_STATE_PLACED] = SAGA_EVENT_CAPTURED_PART,
                                  [SAGA_STATE_PAID] = SAGA_EVENT_CAPTURED,
                                  [SAGA_STATE_SHIPPED] = SAGA_EVENT_CAPTURED_SHIPPED,
                                  [SAGA_STATE_DELIVERED] = SAGA_EVENT_CAPTURED_DELIVERED},
        [SAGA_STATE_CAPTURE_UNKNOWN] = {[SAGA_STATE_PLACED] = SAGA_EVENT_CAPTURED_PART,
                                        [SAGA_STATE_PAID] = SAGA_EVENT_CAPTURED,
                                        [SAGA_STATE_SHIPPED] = SAGA_EVENT_CAPTURED_SHIPPED,
                                        [SAGA_STATE_DELIVERED] = SAGA_EVENT_CAPTURED_DELIVERED},
        [SAGA_STATE_REFUND_PENDING] = {[SAGA_STATE_PLACED] = SAGA_EVENT_REFUNDED_PART,
                                       [SAGA_STATE_PAID] = SAGA_EVENT_REFUNDED,
                                       [SAGA_STATE_SHIPPED] = SAGA_EVENT_REFUNDED_SHIPPED,
                                       [SAGA_STATE_DELIVERED] = SAGA_EVENT_REFUNDED_DELIVERED,
                                       [SAGA_STATE_CANCELLED] = SAGA_EVENT_REFUNDED_ALL},
        [SAGA_STATE_VOID_PENDING] = {[SAGA_STATE_CANCELLED] = SAGA_EVENT_VOIDED},
        [SAGA_STATE_NEEDS_OPERATOR] = {[SAGA_STATE_PLACED] = SAGA_EVENT_FORCED_PART,
                                       [SAGA_STATE_PAID] = SAGA_EVENT_FORCED,
                                       [SAGA_STATE_SHIPPED] = SAGA_EVENT_FORCED_SHIPPED,
                                       [SAGA_STATE_DELIVERED] = SAGA_EVENT_FORCED_DELIVERED,
                                       [SAGA_STATE_CANCELLED] = SAGA_EVENT_FORCED_CANCEL},
        [SAGA_STATE_PLACED] = {[SAGA_STATE_PAID] = SAGA_EVENT_SETTLED,
                               [SAGA_STATE_SHIPPED] = SAGA_EVENT_SHIPPED_ALL,
                               [SAGA_STATE_DELIVERED] = SAGA_EVENT_SHIPPED_ALL,
                               [SAGA_STATE_CANCELLED] = SAGA_EVENT_CANCELLED_FREE},
        [SAGA_STATE_PAID] = {[SAGA_STATE_SHIPPED] = SAGA_EVENT_SHIPPED_ALL,
                             [SAGA_STATE_DELIVERED] = SAGA_EVENT_SHIPPED_ALL,
                             [SAGA_STATE_CANCELLED] = SAGA_EVENT_CANCELLED_FREE},
        [SAGA_STATE_SHIPPED] = {[SAGA_STATE_DELIVERED] = SAGA_EVENT_DELIVERED_ALL},
    };
    return (enum saga_event)events[from][rest];
}

/* The event that leads right to a state of waiting. */
static enum saga_event event_to_wait(u16 from, u16 to)
{
    const bool is_operator = from == SAGA_STATE_NEEDS_OPERATOR;
    switch (to) {
    case SAGA_STATE_CAPTURING: return is_operator ? SAGA_EVENT_RETRY_CAPTURE : SAGA_EVENT_CAPTURE;
    case SAGA_STATE_CAPTURE_UNKNOWN: return SAGA_EVENT_NO_ANSWER;
    case SAGA_STATE_REFUND_PENDING:
        return is_operator ? SAGA_EVENT_RETRY_REFUND : SAGA_EVENT_REFUND;
    case SAGA_STATE_VOID_PENDING: return is_operator ? SAGA_EVENT_RETRY_VOID : SAGA_EVENT_VOID;
    case SAGA_STATE_NEEDS_OPERATOR:
        return from == SAGA_STATE_PLACED ? SAGA_EVENT_AUTH_EXPIRED : SAGA_EVENT_FAILED_FOR_GOOD;
    default: return SAGA_EVENT_NONE;
    }
}

/* The next event on the way to a state: right there, or by way of another one. NONE: the table has no
 * way; then the commands go on in the background. */
static enum saga_event next_event(const struct order *order, u16 wanted)
{
    const bool is_from_rest = saga_state_is(order->state, SAGA_KIND_RESTING);
    const bool is_to_rest = saga_state_is(wanted, SAGA_KIND_RESTING);
    const u16 to = wanted == SAGA_STATE_CAPTURE_UNKNOWN && order->state != SAGA_STATE_CAPTURING
                       ? SAGA_STATE_CAPTURING
                       : wanted;
    /* Only PLACED leads to VOID_PENDING. */
    const u16 by = to == SAGA_STATE_VOID_PENDING ? SAGA_STATE_PLACED : rest_of(order);
    const u16 rest = is_to_rest ? to : by;
    const enum saga_event events[3] = {
        is_to_rest ? SAGA_EVENT_NONE : event_to_wait(order->state, to),
        is_to_rest || !is_from_rest ? event_to_rest(order->state, rest) : SAGA_EVENT_NONE,
        is_from_rest ? SAGA_EVENT_NONE : event_to_rest(order->state, SAGA_STATE_PLACED)};
    for (u32 i = 0; i < ARRAY_COUNT(events); i++)
        if (events[i] != SAGA_EVENT_NONE && order_may(order, events[i]))
            return events[i];
    return SAGA_EVENT_NONE;
}

static void follow(const struct order_turn *turn, u16 wanted)
{
    u32 steps = 0;
    while (turn->order->state != wanted) { /* ends: no way is longer than from wait to wait */
        const enum saga_event event = next_event(turn->order, wanted);
        if (event == SAGA_EVENT_NONE)
            return;
        MUST(++steps <= 6);
        order_go(turn, event);
    }
}

/* An order that was never placed has nothing but voids, and what was charged by mistake. */
static void settle_unplaced(const struct order_turn *turn)
{
    const u16 state = turn->order->state;
    refund_overcharges(turn);
    if (state != SAGA_STATE_VOID_PENDING && state != SAGA_STATE_NEEDS_OPERATOR &&
        state != SAGA_STATE_CANCELLED)
        return;
    const struct under_way way = look_at_commands(turn);
    if (way.dead)
        follow(turn, SAGA_STATE_NEEDS_OPERATOR);
    else
        follow(turn, way.void_ ? SAGA_STATE_VOID_PENDING : SAGA_STATE_CANCELLED);
}

void order_settle(const struct order_turn *turn)
{
    if (turn->order->placed_ns == 0) {
        settle_unplaced(turn);
        return;
    }
    if ((turn->order->flags & ORDER_FLAG_ABANDONED) != 0) {
        follow(turn, rest_of(turn->order));
        return;
    }
    struct balance balance = balance_of(turn->order);
    spend(turn, &balance);
    take_back_captures(turn, &balance);
    spend(turn, &balance); /* it may have waited for what was taken back */
    capture(turn, &balance);
    refund(turn, &balance);
    refund_overcharges(turn);
    void_rest(turn);
    follow(turn, wanted_state(turn));
}
