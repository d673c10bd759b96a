/* order_effect: what an event of the payment provider does: the table in docs/orders.md, "Payment", line
 * by line. Declared in shards/order/order_payment.h.
 *
 * Ledger and commands are changed here; states of placed orders follow by order_settle, those before
 * that are gone along here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_outbox.h"
#include "shards/order/order_parts.h"
#include "shards/order/order_payment.h"
#include "shards/shard_state.h"

static struct order_command *command_of(const struct payment *payment)
{
    return payment->command != 0 ? order_command_at(payment->turn->room, payment->command) : NULL;
}

/* Its result is not known yet: open, or given up without an answer. */
static bool is_undecided(const struct order_command *command)
{
    return command != NULL &&
           (order_command_is_open(command) || command->state == COMMAND_STATE_DEAD);
}

static void act_stale(struct payment *payment)
{
    payment_note(payment, ORDER_EVENT_STALE, payment->event->amount);
    payment->effect = PAYMENT_EFFECT_STALE;
}

static bool is_paying(u16 state)
{
    return state == SAGA_STATE_AUTHORIZING || state == SAGA_STATE_AUTH_UNKNOWN ||
           state == SAGA_STATE_ACTION_REQUIRED;
}

static void close_authorization(const struct payment *payment)
{
    const u32 index =
        order_command_last(payment->turn, payment->tender_index, COMMAND_KIND_AUTHORIZE);
    MUST(index != 0);
    if (is_undecided(order_command_at(payment->turn->room, index)))
        order_command_close(payment->turn, index, COMMAND_STATE_DONE);
}

static u32 open_void(const struct payment *payment)
{
    const u32 index = order_command_last(payment->turn, payment->tender_index, COMMAND_KIND_VOID);
    return index != 0 && is_undecided(order_command_at(payment->turn->room, index)) ? index : 0;
}

/* ---- authorised ---- */

static bool all_authorized(const struct order *order)
{
    for (u32 i = 0; i < order->tenders.count; i++)
        if (order_tenders(order)[i].kind == TENDER_KIND_OUTSIDE &&
            order_tenders(order)[i].state != TENDER_STATE_AUTHORIZED)
            return false;
    return true;
}

static void note_authorized(struct payment *payment, enum order_event_kind kind)
{
    payment_note(payment, kind, payment->event->amount);
    payment->tender->state = TENDER_STATE_AUTHORIZED;
    payment->tender->authorized = payment->tender->amount;
    payment->effect = PAYMENT_EFFECT_APPLIED;
    close_authorization(payment);
}

/* In time. Less than the tender is as good as nothing, but has to be voided. */
static void authorize_paying(struct payment *payment)
{
    const struct order_turn *turn = payment->turn;
    if (payment->event->amount < payment->tender->amount) {
        payment_note(payment, ORDER_EVENT_DECLINED, payment->event->amount);
        payment->tender->state = TENDER_STATE_DECLINED;
        payment->tender->dangling = ORDER_DANGLING_SURELY;
        payment->effect = PAYMENT_EFFECT_FLAGGED;
        close_authorization(payment);
        order_fail(turn, SAGA_EVENT_DECLINED, STATUS_PAYMENT_DECLINED);
        return;
    }
    note_authorized(payment, ORDER_EVENT_AUTHORIZED);
    if (!all_authorized(turn->order))
        return;
    order_go(turn, SAGA_EVENT_AUTHORIZED);
    order_place(turn);
}

static bool is_any_void_leased(const struct order_turn *turn)
{
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        if (command->kind == COMMAND_KIND_VOID && command->deliveries != 0)
            return true;
        index = command->next;
    }
    return false;
}

/* Everything is asked for again; the cart too, unless somebody else has it. */
static void retake(struct payment *payment)
{
    const struct order_turn *turn = payment->turn;
    struct order *order = turn->order;
    struct cart_view cart;
    note_authorized(payment, ORDER_EVENT_LATE);
    order_command_close_all(turn, COMMAND_KIND_VOID, COMMAND_STATE_TAKEN_BACK);
    for (u32 i = 0; i < order->tenders.count; i++)
        order_tenders(order)[i].dangling = ORDER_DANGLING_NOT;
    order->flags = (u8)((order->flags | ORDER_FLAG_LATE) & ~ORDER_FLAG_UNPAID);
    payment->effect = PAYMENT_EFFECT_LATE_RETAKE;
    order_go(turn, SAGA_EVENT_LATE);
    if ((order->flags & ORDER_FLAG_FROM_CART) != 0 &&
        cart_look(turn->shard, order_user(order->id), &cart) && cart.state == CART_STATE_ACTIVE)
        cart_claim(turn->shard, order_user(order->id), order->id);
    order_table_release(turn->room->arena, &order->failed, sizeof(struct row_failed_line));
    order_hold_begin(turn, 0);
}

/* Too late, and not to be made good: it is voided. */
static void give_back_late(struct payment *payment)
{
    struct order *order = payment->turn->order;
    payment_note(payment, ORDER_EVENT_LATE, payment->event->amount);
    payment->tender->state = TENDER_STATE_AUTHORIZED;
    payment->tender->authorized = MIN(payment->event->amount, payment->tender->amount);
    payment->tender->dangling = ORDER_DANGLING_SURELY;
    payment->effect = PAYMENT_EFFECT_LATE_VOID;
    close_authorization(payment);
    if (order->reason != STATUS_GIVEN_UP)
        order->reason = STATUS_LATE_PAYMENT;
    if (order->state == SAGA_STATE_COMPENSATING || open_void(payment) != 0)
        return; /* a void follows, or is there */
    order_emit_void(payment->turn, payment->tender_index);
    if (order->state == SAGA_STATE_CANCELLED)
        order_go(payment->turn, SAGA_EVENT_LATE);
}

/* Could the order still be sold? Not if somebody has given it up, a tender is missing, or a worker has
 * had a void in hand. */
static bool may_retake(struct payment *payment)
{
    const struct order *order = payment->turn->order;
    const u16 before = payment->tender->state;
    if (order->state != SAGA_STATE_VOID_PENDING || (order->flags & ORDER_FLAG_UNPAID) == 0 ||
        payment->event->amount < payment->tender->amount || is_any_void_leased(payment->turn))
        return false;
    payment->tender->state = TENDER_STATE_AUTHORIZED;
    const bool is_complete = all_authorized(order);
    payment->tender->state = before;
    return is_complete;
}

static void act_authorized(struct payment *payment)
{
    const struct order *order = payment->turn->order;
    if (payment->tender->state == TENDER_STATE_AUTHORIZED || order->placed_ns != 0 ||
        order->state == SAGA_STATE_HOLDING)
        act_stale(payment);
    else if (is_paying(order->state))
        authorize_paying(payment);
    else if (may_retake(payment))
        retake(payment);
    else
        give_back_late(payment);
}

/* ---- not authorised ---- */

/* A tender that is not there (any more): the order fails, or has one void less to wait for. */
static void lose_tender(struct payment *payment, enum order_event_kind kind, u16 state)
{
    const struct order_turn *turn = payment->turn;
    const u32 void_ = open_void(payment);
    payment_note(payment, kind, 0);
    payment->tender->state = state;
    payment->tender->dangling = ORDER_DANGLING_NOT;
    payment->effect = PAYMENT_EFFECT_APPLIED;
    close_authorization(payment);
    if (void_ != 0)
        order_command_close(turn, void_, COMMAND_STATE_DONE);
    if (is_paying(turn->order->state))
        order_fail(turn, SAGA_EVENT_DECLINED, STATUS_PAYMENT_DECLINED);
}

static bool may_lose_tender(const struct order *order)
{
    return is_paying(order->state) || order->state == SAGA_STATE_COMPENSATING ||
           (order->placed_ns == 0 &&
            (order->state == SAGA_STATE_VOID_PENDING || order->state == SAGA_STATE_NEEDS_OPERATOR));
}

static void act_declined(struct payment *payment)
{
    if (payment->tender->state == TENDER_STATE_AUTHORIZED || !may_lose_tender(payment->turn->order))
        act_stale(payment);
    else
        lose_tender(payment, ORDER_EVENT_DECLINED, TENDER_STATE_DECLINED);
}

/* Of a placed order an operator has to see to what is not captured yet (order_settle). */
static void act_expired(struct payment *payment)
{
    struct order_tender *tender = payment->tender;
    if (tender->state != TENDER_STATE_AUTHORIZED) {
        act_stale(payment);
    } else if (may_lose_tender(payment->turn->order)) {
        lose_tender(payment, ORDER_EVENT_AUTH_EXPIRED, TENDER_STATE_EXPIRED);
    } else if (payment->turn->order->placed_ns != 0 &&
               tender->captured + tender->forced < tender->authorized) {
        payment_note(payment, ORDER_EVENT_AUTH_EXPIRED, 0);
        tender->state = TENDER_STATE_EXPIRED;
        payment->effect = PAYMENT_EFFECT_APPLIED;
    } else {
        act_stale(payment);
    }
}

static void act_action(struct payment *payment)
{
    const struct order_turn *turn = payment->turn;
    struct order *order = turn->order;
    if (!is_paying(order->state) || payment->tender->state == TENDER_STATE_AUTHORIZED) {
        act_stale(payment);
        return;
    }
    payment_note(payment, ORDER_EVENT_ACTION, 0);
    payment->tender->state = TENDER_STATE_ACTION;
    payment->effect = PAYMENT_EFFECT_APPLIED;
    order_command_settle_query(turn, payment->command);
    if (order_command_is_open(command_of(payment)))
        order_command_wait(turn, payment->command, 0); /* the shopper has the word */
    order_table_release(turn->room->arena, &order->action, 1);
    if (payment->action.bytes != 0)
        memcpy(order_table_extend(turn->room->arena, &order->action, 1, payment->action.bytes),
               payment->action.data, payment->action.bytes);
    if (order->state != SAGA_STATE_ACTION_REQUIRED)
        order_go(turn, SAGA_EVENT_ACTION);
}

/* ---- captured ---- */

static void overcharge(struct payment *payment, i64 amount)
{
    if (payment->tender->overcharged > COUNTER_MAX - amount) {
        payment->status = STATUS_EXCEEDS;
        return;
    }
    payment->tender->overcharged += amount;
    payment_note(payment, ORDER_EVENT_OVERCHARGED, amount);
    payment->effect = PAYMENT_EFFECT_FLAGGED;
}

static void act_captured(struct payment *payment)
{
    struct order_command *command = command_of(payment);
    struct order_tender *tender = payment->tender;
    const i64 amount = payment->event->amount;
    const bool is_forced = command != NULL && (command->flags & ORDER_COMMAND_FORCED) != 0;
    if (!is_undecided(command) && !is_forced) {
        overcharge(payment, amount);
        return;
    }
    const i64 counted = MIN(amount, command->amount);
    *(is_forced ? &tender->forced : &tender->capturing) -= command->amount;
    tender->captured += counted;
    MUST(tender->captured + tender->capturing <= tender->authorized); /* I2 */
    payment->effect = PAYMENT_EFFECT_APPLIED;
    payment_note(payment, ORDER_EVENT_CAPTURED, counted);
    command->flags &= (u8)~ORDER_COMMAND_FORCED;
    if (!is_forced)
        order_command_close(payment->turn, payment->command, COMMAND_STATE_DONE);
    if (amount > command->amount)
        overcharge(payment, amount - command->amount);
    else if (amount < command->amount)
        payment->effect = PAYMENT_EFFECT_FLAGGED;
}

/* ---- refunded ---- */

static void act_refunded(struct payment *payment)
{
    struct order_command *command = command_of(payment);
    struct order_tender *tender = payment->tender;
    const bool is_forced = command != NULL && (command->flags & ORDER_COMMAND_FORCED) != 0;
    if (!is_undecided(command) && !is_forced) {
        act_stale(payment); /* nobody has asked for it: it is told, and counts for nothing */
        payment->effect = PAYMENT_EFFECT_FLAGGED;
        return;
    }
    payment->effect =
        payment->event->amount == command->amount ? PAYMENT_EFFECT_APPLIED : PAYMENT_EFFECT_FLAGGED;
    payment_note(payment, ORDER_EVENT_REFUNDED, command->amount);
    if ((command->flags & ORDER_COMMAND_EXCESS) == 0) {
        *(is_forced ? &tender->forced_back : &tender->refunding) -= command->amount;
        tender->refunded += command->amount;
        MUST(tender->refunded + tender->refunding <= tender->captured); /* I2 */
    }
    command->flags &= (u8)~ORDER_COMMAND_FORCED;
    if (!is_forced)
        order_command_close(payment->turn, payment->command, COMMAND_STATE_DONE);
}

/* ---- voided ---- */

/* A void that nobody has asked for is an authorisation that is gone. */
static void act_voided(struct payment *payment)
{
    if (payment->command == 0 && payment->tender->state == TENDER_STATE_AUTHORIZED &&
        payment->turn->order->placed_ns != 0) {
        act_expired(payment);
        return;
    }
    if (!is_undecided(command_of(payment))) {
        act_stale(payment);
        return;
    }
    payment_note(payment, ORDER_EVENT_VOIDED, 0);
    payment->tender->state = TENDER_STATE_VOIDED;
    payment->tender->dangling = ORDER_DANGLING_NOT;
    payment->effect = PAYMENT_EFFECT_APPLIED;
    order_command_close(payment->turn, payment->command, COMMAND_STATE_DONE);
}

/* ---- failed ---- */

/* The state's own line for it, where the order is in the state that this command stands for. */
static void go_failed(const struct order_turn *turn, u16 kind)
{
    const u16 state = turn->order->state;
    if ((kind == COMMAND_KIND_CAPTURE &&
         (state == SAGA_STATE_CAPTURING || state == SAGA_STATE_CAPTURE_UNKNOWN)) ||
        (kind == COMMAND_KIND_REFUND && state == SAGA_STATE_REFUND_PENDING) ||
        (kind == COMMAND_KIND_VOID && state == SAGA_STATE_VOID_PENDING))
        order_go(turn, SAGA_EVENT_FAILED);
}

/* A capture that is not wanted any more, because units were cancelled meanwhile. */
static bool is_wanted(const struct payment *payment)
{
    const struct order_command *command = command_of(payment);
    return command->kind != COMMAND_KIND_CAPTURE ||
           order_capture_need(payment->turn->order) + command->amount > 0;
}

static void let_capture_go(struct payment *payment)
{
    payment->tender->capturing -= command_of(payment)->amount;
    order_command_close(payment->turn, payment->command, COMMAND_STATE_TAKEN_BACK);
}

/* It is about the present attempt of its command, and that is not over: open, or dead without proof. */
static bool is_about_attempt(const struct payment *payment)
{
    const struct order_command *command = command_of(payment);
    return is_undecided(command) && payment->attempt == command->attempt &&
           (command->flags & ORDER_COMMAND_FAILED) == 0;
}

static void give_up_failed(const struct payment *payment)
{
    const struct order_turn *turn = payment->turn;
    struct order_command *command = command_of(payment);
    command->flags |= ORDER_COMMAND_FAILED;
    order_command_settle_query(turn, payment->command);
    order_command_close(turn, payment->command, COMMAND_STATE_DEAD);
    (void)order_event_add(turn,
                          &(struct order_event){.kind = ORDER_EVENT_DEAD, .what = command->step});
}

/* Notes the event, if it is about the command's present attempt; else it is stale. */
static bool note_of_attempt(struct payment *payment, enum order_event_kind kind)
{
    if (!is_about_attempt(payment)) {
        act_stale(payment);
        return false;
    }
    payment_note(payment, kind, command_of(payment)->amount);
    payment->effect = PAYMENT_EFFECT_APPLIED;
    return true;
}

/* The attempt is over, for sure: no worker that still has it in hand can bring it to anything. The next
 * one has another key, up to the policy's number of them. */
static void act_failed(struct payment *payment, enum order_event_kind kind)
{
    const struct order_turn *turn = payment->turn;
    const struct order_command *command = command_of(payment);
    if (!note_of_attempt(payment, kind))
        return;
    if (!is_wanted(payment)) {
        let_capture_go(payment);
    } else if (command->attempt < settings_policy(&turn->shard->settings)->attempts_max) {
        go_failed(turn, command->kind);
        order_command_retry(turn, payment->command, true);
    } else {
        give_up_failed(payment);
    }
}

/* ---- no such payment ----
 *
 * True when the provider was asked, and no proof: a worker that has the command in hand, or had, may have
 * brought it there since. So nothing ends by it but what no worker has seen, and what is as good as done
 * (docs/orders.md, "What proves nothing"). */

/* A capture or refund: brought again, under the same key, which is harmless if it was done; also a capture
 * that nobody wants any more, for only its result tells whether there is something to give back. */
static void bring_again(struct payment *payment, enum order_event_kind kind)
{
    const struct order_turn *turn = payment->turn;
    const struct order_command *command = command_of(payment);
    if (!note_of_attempt(payment, kind))
        return;
    go_failed(turn, command->kind);
    order_command_settle_query(turn, payment->command);
    (void)order_command_try_again(turn, payment->command, turn->now_ns);
}

/* An authorisation that a worker has had in hand: the order fails, and a void follows; where one is under
 * way, its own result decides. */
static void lose_unsure(struct payment *payment)
{
    if (payment->tender->state == TENDER_STATE_AUTHORIZED ||
        !is_paying(payment->turn->order->state)) {
        act_stale(payment);
        return;
    }
    payment_note(payment, ORDER_EVENT_DECLINED, 0);
    payment->tender->state = TENDER_STATE_DECLINED;
    payment->tender->dangling = ORDER_DANGLING_PERHAPS;
    payment->effect = PAYMENT_EFFECT_APPLIED;
    close_authorization(payment);
    order_fail(payment->turn, SAGA_EVENT_DECLINED, STATUS_PAYMENT_DECLINED);
}

/* A void: what is not there needs none. But what is known to be authorised cannot be voided by an answer
 * that was given before it was: the void has failed, and is asked for under another key, since a provider
 * repeats itself; and an answer to an earlier attempt was given before the payment was seen to be there. */
static void act_nothing_to_void(struct payment *payment)
{
    if (!is_about_attempt(payment))
        act_stale(payment);
    else if (payment->tender->state == TENDER_STATE_AUTHORIZED ||
             payment->tender->dangling == ORDER_DANGLING_SURELY)
        act_failed(payment, ORDER_EVENT_VOID_FAILED);
    else
        act_voided(payment);
}

static void act_no_such_payment(struct payment *payment)
{
    const struct order_command *command = command_of(payment);
    switch ((enum command_kind)command->kind) {
    case COMMAND_KIND_CAPTURE: bring_again(payment, ORDER_EVENT_CAPTURE_FAILED); return;
    case COMMAND_KIND_REFUND: bring_again(payment, ORDER_EVENT_REFUND_FAILED); return;
    case COMMAND_KIND_VOID: act_nothing_to_void(payment); return;
    case COMMAND_KIND_AUTHORIZE:
        if (command->deliveries != 0)
            lose_unsure(payment);
        else
            act_declined(payment);
        return;
    case COMMAND_KIND_QUERY:
    case COMMAND_KIND_NOTIFY_SHIPPED:
    case COMMAND_KIND_COUNT: break;
    }
    PANIC("no payment of such a command"); /* find_command has found one that moves money */
}

/* ---- others ---- */

static void act_charged_back(struct payment *payment)
{
    if (payment->tender->charged_back > COUNTER_MAX - payment->event->amount) {
        payment->status = STATUS_EXCEEDS;
        return;
    }
    payment->tender->charged_back += payment->event->amount;
    payment_note(payment, ORDER_EVENT_CHARGED_BACK, payment->event->amount);
    payment->effect = PAYMENT_EFFECT_APPLIED;
}

/* The worker does not know: its lease is over, and the provider is asked. */
static void act_unknown(struct payment *payment)
{
    struct order_command *command = command_of(payment);
    if (command == NULL || !order_command_is_open(command)) {
        act_stale(payment);
        return;
    }
    payment_note(payment, ORDER_EVENT_UNKNOWN, 0);
    payment->effect = PAYMENT_EFFECT_APPLIED;
    order_command_wait(payment->turn, payment->command, 0);
    order_command_ask(payment->turn, payment->command);
}

void payment_act(struct payment *payment)
{
    switch ((enum payment_event_kind)payment->event->kind) {
    case PAYMENT_EVENT_AUTHORIZED: act_authorized(payment); return;
    case PAYMENT_EVENT_DECLINED: act_declined(payment); return;
    case PAYMENT_EVENT_ACTION: act_action(payment); return;
    case PAYMENT_EVENT_CAPTURED: act_captured(payment); return;
    case PAYMENT_EVENT_CAPTURE_FAILED: act_failed(payment, ORDER_EVENT_CAPTURE_FAILED); return;
    case PAYMENT_EVENT_VOIDED: act_voided(payment); return;
    case PAYMENT_EVENT_VOID_FAILED: act_failed(payment, ORDER_EVENT_VOID_FAILED); return;
    case PAYMENT_EVENT_REFUNDED: act_refunded(payment); return;
    case PAYMENT_EVENT_REFUND_FAILED: act_failed(payment, ORDER_EVENT_REFUND_FAILED); return;
    case PAYMENT_EVENT_CHARGED_BACK: act_charged_back(payment); return;
    case PAYMENT_EVENT_AUTH_EXPIRED: act_expired(payment); return;
    case PAYMENT_EVENT_UNKNOWN: act_unknown(payment); return;
    case PAYMENT_EVENT_NO_SUCH_PAYMENT: act_no_such_payment(payment); return;
    }
    PANIC("no such event"); /* the arguments were judged */
}
