/* order_payment: what the payment provider says, and what the shop asks of it.
 *
 *      payment_event    arguments -> order -> which command, which tender -> seen before? -> effect
 *      payment_capture  up to a total, beyond what settling would do by itself
 *      payment_refund   up to a total: what is owed gets less, settling does the rest
 *
 * Events come in any order and any number of times, from workers and from webhooks. An event names its
 * command by step, or only its tender; whatever it names, it is brought to the command of its own kind:
 * a webhook that carries the key of the authorisation may tell of the capture.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_payment.h"

#include <string.h>

#include "proto/checksum.h"
#include "proto/money.h"
#include "proto/text.h"
#include "shards/order/order_parts.h"
#include "shards/shard_handlers.h"

/* ---- references ---- */

struct reference_key {
    const u8 *bytes;
    u32 count;
};

static bool text_is(const struct order_event *event, const struct reference_key *key)
{
    return event->text_bytes == key->count && memcmp(event->text, key->bytes, key->count) == 0;
}

/* The first payment event with this reference: where it is, and its step; false: there is none. */
static bool find_reference(const struct order *order, const struct reference_key *key, u32 *at,
                           u64 *step)
{
    struct order_event event;
    u32 place = order->last_payment;
    *at = 0;
    for (u32 here = place; order_payment_before(order, &place, &event); here = place)
        if (text_is(&event, key)) {
            *at = here;
            *step = event.what;
        }
    return *at != 0;
}

static bool reference_equal(const void *context, u32 index, const void *key)
{
    u32 at;
    u64 step;
    return find_reference(order_at(context, index), key, &at, &step);
}

static void reference_enter(struct order_room *room, u32 index, const u8 *bytes, u32 count)
{
    map_insert(&room->references, checksum64(bytes, count), index);
}

/* A reference is entered with the first event of the order that has it. */
void order_references_enter(struct order_room *room, u32 index)
{
    const struct order *order = order_at(room, index);
    struct order_event event;
    u32 place = order->last_payment;
    for (u32 here = place; order_payment_before(order, &place, &event); here = place) {
        const struct reference_key key = {.bytes = event.text, .count = event.text_bytes};
        u32 first;
        u64 step;
        if (key.count != 0 && find_reference(order, &key, &first, &step) && first == here)
            reference_enter(room, index, key.bytes, key.count);
    }
}

bool shard_read_payment_find(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    struct msg_payment_find_req ask;
    struct msg_payment_find_rsp *answer = reply;
    struct order_room *room = &shard->orders;
    (void)call;
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    const struct reference_key key = {.bytes = ask.reference.bytes,
                                      .count = text64_bytes(&ask.reference)};
    if (key.count == 0 || text64_invalid(&ask.reference) != NULL) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    const u32 index =
        map_find(&room->references, checksum64(key.bytes, key.count), reference_equal, room, &key);
    if (index == 0) {
        answer->head.status = STATUS_NOT_FOUND;
        return true;
    }
    const struct order *order = order_at(room, index);
    u32 at;
    u64 step = 0;
    (void)find_reference(order, &key, &at, &step);
    const u32 command = order_command_find(room, order, (u32)step);
    answer->order = order->id;
    answer->tender = command != 0 ? order_command_at(room, command)->tender : 0;
    return true;
}

/* ---- noting ---- */

static void keep_reference(struct payment *payment, u32 place, u32 bytes)
{
    const u16 kind = payment->event->kind;
    struct order_tender *tender = payment->tender;
    const bool is_of_payment = kind == PAYMENT_EVENT_AUTHORIZED || kind == PAYMENT_EVENT_ACTION;
    if (!is_of_payment && tender->reference_bytes != 0)
        return;
    tender->reference = place;
    tender->reference_bytes = (u8)bytes;
}

void payment_note(struct payment *payment, enum order_event_kind kind, i64 value)
{
    const struct order_turn *turn = payment->turn;
    const struct msg_payment_event_req *event = payment->event;
    const u32 bytes = text64_bytes(&event->reference);
    const u32 place = order_event_add(
        turn,
        &(struct order_event){.kind = (u16)kind,
                              .value = value,
                              .what = payment->command != 0
                                          ? order_command_at(turn->room, payment->command)->step
                                          : 0,
                              .status = event->reason,
                              .text = event->reference.bytes,
                              .text_bytes = (u8)bytes,
                              .payment = (u8)event->kind,
                              .attempt = (u8)payment->attempt});
    if (place == 0)
        return; /* without a reference, or noise in a long history */
    keep_reference(payment, place, bytes);
    if (!payment->is_reference_known)
        reference_enter(turn->room, turn->index, turn->order->events.rows + place, bytes);
    payment->is_reference_known = true;
}

/* ---- which command ---- */

/* The kind of command that an event is the result of; 0: of any. */
static u16 command_kind_of(u16 event)
{
    switch ((enum payment_event_kind)event) {
    case PAYMENT_EVENT_AUTHORIZED:
    case PAYMENT_EVENT_DECLINED:
    case PAYMENT_EVENT_ACTION:
    case PAYMENT_EVENT_AUTH_EXPIRED: return COMMAND_KIND_AUTHORIZE;
    case PAYMENT_EVENT_CAPTURED:
    case PAYMENT_EVENT_CAPTURE_FAILED: return COMMAND_KIND_CAPTURE;
    case PAYMENT_EVENT_VOIDED:
    case PAYMENT_EVENT_VOID_FAILED: return COMMAND_KIND_VOID;
    case PAYMENT_EVENT_REFUNDED:
    case PAYMENT_EVENT_REFUND_FAILED: return COMMAND_KIND_REFUND;
    case PAYMENT_EVENT_CHARGED_BACK:
    case PAYMENT_EVENT_UNKNOWN:
    case PAYMENT_EVENT_NO_SUCH_PAYMENT: break;
    }
    return 0;
}

/* The attempt that a round of a QUERY asked about, 0 = not said. That of an earlier round is not kept: as
 * if it had been the first, so that nothing is proven about a later one. */
static u32 subject_attempt(const struct order_command *query, u32 round)
{
    if (round == query->attempt)
        return query->subject_attempt;
    return round != 0 ? 1 : 0;
}

/* What a step says: the command, or, of a QUERY, what it asks about. */
static u16 find_step(struct payment *payment)
{
    const struct order_turn *turn = payment->turn;
    u32 attempt = payment->event->attempt;
    u32 index = order_command_find(turn->room, turn->order, payment->event->step);
    if (index == 0 || attempt > order_command_at(turn->room, index)->attempt)
        return STATUS_NOT_FOUND;
    payment->named = index;
    const struct order_command *command = order_command_at(turn->room, index);
    if (command->kind == COMMAND_KIND_QUERY) {
        attempt = subject_attempt(command, attempt);
        index = order_command_find(turn->room, turn->order, command->subject);
    }
    if (index == 0 || order_command_at(turn->room, index)->kind == COMMAND_KIND_NOTIFY_SHIPPED)
        return STATUS_NOT_FOUND;
    payment->command = index;
    payment->attempt = attempt;
    payment->tender_index = order_command_at(turn->room, index)->tender;
    return STATUS_OK;
}

/* A failure ends an attempt. Where it does not say of which, it is the first one, and without a step, of
 * the tender's first command of the kind: told late, it is not to end a later one, which may have been
 * executed. */
static bool is_failure(u16 event)
{
    return event == PAYMENT_EVENT_CAPTURE_FAILED || event == PAYMENT_EVENT_VOID_FAILED ||
           event == PAYMENT_EVENT_REFUND_FAILED;
}

static u32 find_first(const struct payment *payment, u16 kind)
{
    const struct order_turn *turn = payment->turn;
    u32 index = turn->order->first_command;
    while (index != 0 && (order_command_at(turn->room, index)->kind != kind ||
                          order_command_at(turn->room, index)->tender != payment->tender_index))
        index = order_command_at(turn->room, index)->next; /* ends: with the chain */
    return index;
}

/* The tender's latest command: of the event's kind; else the open one that makes the most sense. */
static u32 find_latest(const struct payment *payment, u16 kind)
{
    static const u8 unsure[] = {COMMAND_KIND_VOID, COMMAND_KIND_REFUND, COMMAND_KIND_CAPTURE};
    const struct order_turn *turn = payment->turn;
    if (kind != 0)
        return order_command_last(turn, payment->tender_index, (enum command_kind)kind);
    if (payment->event->kind == PAYMENT_EVENT_NO_SUCH_PAYMENT ||
        payment->event->kind == PAYMENT_EVENT_CHARGED_BACK)
        return order_command_last(turn, payment->tender_index, COMMAND_KIND_AUTHORIZE);
    for (u32 i = 0; i < ARRAY_COUNT(unsure); i++) {
        const u32 index =
            order_command_last(turn, payment->tender_index, (enum command_kind)unsure[i]);
        if (index != 0 && order_command_is_open(order_command_at(turn->room, index)))
            return index;
    }
    return order_command_last(turn, payment->tender_index, COMMAND_KIND_AUTHORIZE);
}

/* Things that a provider does by itself; a reference has to tell one from the other. */
static bool may_be_unasked(const struct msg_payment_event_req *event)
{
    return (event->kind == PAYMENT_EVENT_CAPTURED || event->kind == PAYMENT_EVENT_VOIDED ||
            event->kind == PAYMENT_EVENT_REFUNDED || event->kind == PAYMENT_EVENT_CHARGED_BACK) &&
           !text64_is_empty(&event->reference);
}

static u16 find_command(struct payment *payment)
{
    const struct order_turn *turn = payment->turn;
    const u16 kind = command_kind_of(payment->event->kind);
    if (payment->event->step != 0) {
        const u16 status = find_step(payment);
        if (status != STATUS_OK)
            return status;
    } else {
        payment->tender_index = payment->event->tender;
        if (payment->tender_index >= turn->order->tenders.count)
            return STATUS_NOT_FOUND;
    }
    payment->tender = &order_tenders(turn->order)[payment->tender_index];
    if (payment->tender->kind != TENDER_KIND_OUTSIDE)
        return STATUS_NOT_FOUND;
    const bool is_ending = is_failure(payment->event->kind);
    payment->is_told_which =
        payment->command != 0 &&
        (kind == 0 || order_command_at(turn->room, payment->command)->kind == kind);
    if (!payment->is_told_which) {
        payment->command = is_ending ? find_first(payment, kind) : find_latest(payment, kind);
        payment->attempt = 0;
    }
    if (payment->command == 0)
        return may_be_unasked(payment->event) ? STATUS_OK : STATUS_NOT_FOUND;
    if (payment->attempt == 0)
        payment->attempt = is_ending ? 1 : order_command_at(turn->room, payment->command)->attempt;
    return STATUS_OK;
}

/* ---- seen before? ---- */

/* The same kind; and the same reference, unless they name two different commands, or, where one of them
 * has no reference, the same attempt of the same command. */
static bool is_same(const struct payment *payment, const struct order_event *before)
{
    const struct order_command *command =
        payment->command != 0 ? order_command_at(payment->turn->room, payment->command) : NULL;
    const struct reference_key key = {.bytes = payment->event->reference.bytes,
                                      .count = text64_bytes(&payment->event->reference)};
    if (before->payment != payment->event->kind)
        return false;
    if (key.count != 0 && before->text_bytes != 0)
        return text_is(before, &key) && (!payment->is_told_which || command == NULL ||
                                         before->what == 0 || before->what == command->step);
    return command != NULL && before->what == command->step &&
           before->attempt == (u8)payment->attempt;
}

static bool look_back(struct payment *payment)
{
    const struct reference_key key = {.bytes = payment->event->reference.bytes,
                                      .count = text64_bytes(&payment->event->reference)};
    struct order_event before;
    u32 place = payment->turn->order->last_payment;
    bool is_seen = false;
    while (order_payment_before(payment->turn->order, &place, &before)) {
        payment->is_reference_known |= key.count != 0 && text_is(&before, &key);
        is_seen |= is_same(payment, &before);
    }
    return is_seen;
}

/* These may be true again after something else was: they are seen only while they are true. A capture or
 * refund that the provider did not know was brought there again; whoever asks anew may hear the same. */
static bool is_news_again(const struct payment *payment)
{
    const u16 kind = payment->event->kind;
    if (kind == PAYMENT_EVENT_ACTION)
        return payment->tender->state != TENDER_STATE_ACTION;
    if (payment->command == 0)
        return false;
    const struct order_command *command = order_command_at(payment->turn->room, payment->command);
    const bool is_asked = (command->flags & ORDER_COMMAND_UNKNOWN) != 0;
    if (kind == PAYMENT_EVENT_NO_SUCH_PAYMENT)
        return is_asked &&
               (command->kind == COMMAND_KIND_CAPTURE || command->kind == COMMAND_KIND_REFUND);
    return kind == PAYMENT_EVENT_UNKNOWN && !is_asked;
}

/* ---- the operation ---- */

static bool is_money(u16 kind)
{
    return kind == PAYMENT_EVENT_AUTHORIZED || kind == PAYMENT_EVENT_CAPTURED ||
           kind == PAYMENT_EVENT_REFUNDED || kind == PAYMENT_EVENT_CHARGED_BACK;
}

static bool event_good(const struct msg_payment_event_req *event, const struct span *action)
{
    if (event->kind < PAYMENT_EVENT_AUTHORIZED || event->kind > PAYMENT_EVENT_NO_SUCH_PAYMENT ||
        event->amount < (is_money(event->kind) ? 1 : 0) || event->amount > PRICE_MAX)
        return false;
    if (text64_invalid(&event->reference) != NULL ||
        (event->currency != 0 && currency_find(event->currency) == NULL) ||
        (event->currency == 0 && is_money(event->kind)))
        return false;
    if (action->bytes == 0)
        return true;
    return event->kind == PAYMENT_EVENT_ACTION &&
           text_invalid(action->data, action->bytes, true) == NULL;
}

/* The lease belongs to somebody else, or is over; what ended it may have been this very event. */
static bool is_lease_lost(const struct payment *payment)
{
    const u32 index = payment->named != 0 ? payment->named : payment->command;
    if (payment->event->lease == 0)
        return false;
    if (index == 0)
        return true;
    const struct order_command *command = order_command_at(payment->turn->room, index);
    return command->ticket != payment->event->lease ||
           (command->state != COMMAND_STATE_LEASED && command->state != COMMAND_STATE_WAITING &&
            command->state != COMMAND_STATE_DONE);
}

/* Which command and tender, or why not. */
static u16 take_in(struct payment *payment)
{
    const struct order *order = payment->turn->order;
    if (payment->event->currency != 0 && payment->event->currency != order->currency)
        return STATUS_CURRENCY_MISMATCH;
    const u16 status = find_command(payment);
    if (status != STATUS_OK)
        return status;
    return order_is_full(order) ? STATUS_TOO_MANY : STATUS_OK;
}

static void answer_payment(const struct order_turn *turn, const struct payment *payment,
                           struct msg_payment_event_rsp *answer)
{
    const struct order_sums sums = order_sums_of(turn->order);
    answer->state = turn->order->state;
    answer->effect = payment->effect;
    ORDER_SUMS_ANSWER(answer, turn->order, sums);
}

void shard_apply_payment_event(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_payment_event_req event;
    struct msg_payment_event_rsp *answer = reply;
    u32 index;
    memcpy(&event, request, sizeof event);
    struct payment payment = {.event = &event,
                              .action = call->spans[SPAN_OF(payment_event_req, action)]};
    answer->head.status = STATUS_BAD_ARGUMENT;
    if (!order_is_linked(call) && event_good(&event, &payment.action))
        answer->head.status = order_named(shard, call, event.order, 0, &index);
    if (answer->head.status != STATUS_OK)
        return;
    const struct order_turn turn = order_turn_begin(shard, index, call->now_ns);
    payment.turn = &turn;
    answer->head.status = take_in(&payment);
    if (answer->head.status != STATUS_OK)
        return;
    const bool is_lost = is_lease_lost(&payment);
    if (look_back(&payment) && !is_news_again(&payment)) {
        payment.effect = PAYMENT_EFFECT_SEEN;
        answer->head.flags = RECORD_FLAG_REPLAYED;
    } else {
        payment_act(&payment);
        order_settle(&turn);
        order_turn_end(&turn);
        answer->head.status =
            payment.status == STATUS_OK && is_lost ? STATUS_LEASE_LOST : payment.status;
    }
    answer_payment(&turn, &payment, answer);
}

/* ---- what the shop asks ---- */

/* An order whose money may be moved by hand. */
static u16 find_placed(struct shard *shard, const struct shard_call *call, struct id128 order,
                       bool is_argument_good, struct order_turn *turn)
{
    u32 index;
    u16 status = STATUS_BAD_ARGUMENT;
    turn->order = NULL;
    if (is_argument_good && !order_is_linked(call))
        status = order_named(shard, call, order, 0, &index);
    if (status != STATUS_OK)
        return status;
    *turn = order_turn_begin(shard, index, call->now_ns);
    if (turn->order->state == SAGA_STATE_CANCELLED)
        return STATUS_ORDER_CANCELLED;
    if (turn->order->placed_ns == 0)
        return STATUS_INVALID_STATE;
    if (order_is_full(turn->order))
        return STATUS_TOO_MANY;
    return (turn->order->flags & ORDER_FLAG_ABANDONED) != 0 ? STATUS_INVALID_STATE : STATUS_OK;
}

/* The step of an open command of this kind that was emitted after `before`; 0 = none. */
static u32 step_after(const struct order_turn *turn, u32 before, enum command_kind kind)
{
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        if (command->step > before && command->kind == kind)
            return command->step;
        index = command->next;
    }
    return 0;
}

static u16 judge_capture(const struct order *order, const struct msg_payment_capture_req *ask)
{
    if (ask->tender >= order->tenders.count ||
        order_tenders(order)[ask->tender].kind != TENDER_KIND_OUTSIDE)
        return STATUS_NOT_FOUND;
    const struct order_tender *tender = &order_tenders(order)[ask->tender];
    const struct order_sums sums = order_sums_of(order);
    const i64 present = tender->captured + tender->forced + tender->capturing;
    if (ask->captured_total <= present)
        return STATUS_OK; /* nothing to do */
    if (ask->captured_total > tender->authorized)
        return STATUS_EXCEEDS_AUTHORIZED;
    if (order_capture_room(tender) < ask->captured_total - present)
        return STATUS_INVALID_STATE; /* the authorisation has expired or is voided */
    const i64 net = sums.captured + sums.forced + sums.capturing - sums.refunded - sums.refunding;
    return net + ask->captured_total - present > order_owed(order) ? STATUS_EXCEEDS : STATUS_OK;
}

void shard_apply_payment_capture(struct shard *shard, const struct shard_call *call,
                                 const void *request, void *reply)
{
    struct msg_payment_capture_req ask;
    struct msg_payment_capture_rsp *answer = reply;
    struct order_turn turn;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.captured_total >= 0 && ask.captured_total <= PRICE_MAX;
    answer->head.status = find_placed(shard, call, ask.order, is_good, &turn);
    if (answer->head.status == STATUS_OK)
        answer->head.status = judge_capture(turn.order, &ask);
    if (turn.order == NULL)
        return;
    if (answer->head.status == STATUS_OK) {
        const struct order_tender *tender = &order_tenders(turn.order)[ask.tender];
        const i64 more = ask.captured_total - tender->captured - tender->forced - tender->capturing;
        const struct order_sums sums = order_sums_of(turn.order);
        const u32 before = turn.order->last_step;
        if (more > 0) {
            (void)order_event_add(
                &turn, &(struct order_event){.kind = ORDER_EVENT_CAPTURE_ASKED, .value = more});
            turn.order->capture_asked =
                MAX(turn.order->capture_asked, sums.captured + sums.forced + sums.capturing + more);
            if (tender->capturing == 0)
                order_emit_capture(&turn, ask.tender, more);
            order_settle(&turn);
            order_turn_end(&turn);
        }
        answer->step = step_after(&turn, before, COMMAND_KIND_CAPTURE);
    }
    const struct order_sums sums = order_sums_of(turn.order);
    answer->state = turn.order->state;
    ORDER_SUMS_ANSWER(answer, turn.order, sums);
}

/* What is to be given up so that so much is refunded in all: less what is on its way. */
static i64 refund_more(const struct order *order, i64 refunded_total)
{
    const struct order_sums sums = order_sums_of(order);
    const i64 net = sums.captured + sums.forced - sums.refunded - sums.refunding;
    const i64 coming = MAX(net - order_due(order, order->capture_asked), 0);
    return refunded_total - sums.refunded - sums.refunding - coming;
}

void shard_apply_payment_refund(struct shard *shard, const struct shard_call *call,
                                const void *request, void *reply)
{
    struct msg_payment_refund_req ask;
    struct msg_payment_refund_rsp *answer = reply;
    struct order_turn turn;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.refunded_total >= 0 && ask.refunded_total <= PRICE_MAX;
    answer->head.status = find_placed(shard, call, ask.order, is_good, &turn);
    if (turn.order == NULL)
        return;
    if (answer->head.status == STATUS_OK && ask.refunded_total > order_sums_of(turn.order).captured)
        answer->head.status = STATUS_EXCEEDS_CAPTURED;
    if (answer->head.status == STATUS_OK) {
        const i64 more = refund_more(turn.order, ask.refunded_total);
        const u32 before = turn.order->last_step;
        if (more > 0) {
            (void)order_event_add(&turn, &(struct order_event){.kind = ORDER_EVENT_REFUND_ASKED,
                                                               .value = more,
                                                               .what = ask.reason});
            turn.order->given_up += more;
            order_settle(&turn);
            order_turn_end(&turn);
        }
        answer->step = step_after(&turn, before, COMMAND_KIND_REFUND);
    }
    const struct order_sums sums = order_sums_of(turn.order);
    answer->state = turn.order->state;
    ORDER_SUMS_ANSWER(answer, turn.order, sums);
}
