/* order_resolve: orders that wait for the outside world, and people who decide about them: shoppers who
 * give up, operators who go on where nobody else can.
 *
 *      stuck_list       orders of each WAITING state stand in a list, the longest waiting first
 *      checkout_cancel  before the order is placed: everything is released and voided
 *      order_resolve    retry what is dead, take it for done, or cancel what is left
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/order/order_parts.h"
#include "shards/shard_handlers.h"

#define CANCEL_REASON_MAX 7u

/* ---- lists of those that wait: states are entered in the order of time, so each list is sorted ---- */

void order_stuck_enter(struct order_room *room, u32 index)
{
    struct order *order = order_at(room, index);
    struct order_queue *list = &room->stuck[order->state];
    order->stuck_newer = 0;
    order->stuck_older = list->newest;
    if (list->newest != 0)
        order_at(room, list->newest)->stuck_newer = index;
    else
        list->oldest = index;
    list->newest = index;
    list->count++;
}

void order_stuck_leave(struct order_room *room, u32 index)
{
    struct order *order = order_at(room, index);
    struct order_queue *list = &room->stuck[order->state];
    MUST(list->count != 0);
    if (order->stuck_newer != 0)
        order_at(room, order->stuck_newer)->stuck_older = order->stuck_older;
    else
        list->newest = order->stuck_older;
    if (order->stuck_older != 0)
        order_at(room, order->stuck_older)->stuck_newer = order->stuck_newer;
    else
        list->oldest = order->stuck_newer;
    order->stuck_newer = 0;
    order->stuck_older = 0;
    list->count--;
}

/* A page on its way: the next one of each list. */
struct page {
    const struct order_room *room;
    u32 next[SAGA_STATE_COUNT];
    struct row_stuck *rows;
    u32 count;
};
STATIC_CHECK(LIST_PAGE_ROWS * sizeof(struct row_stuck) <= SHARD_SCRATCH_BYTES);

/* Where a list goes on after the cursor: after this very order if it still waits there, else with the
 * first that waits no longer than it did. A row may come twice then, and none is left out. */
static u32 seek_list(const struct order_room *room, u16 state, const struct msg_stuck_list_req *ask)
{
    u32 index = room->stuck[state].oldest;
    if (id128_is_none(ask->after))
        return index;
    const u32 last = order_find(room, ask->after);
    if (last != 0 && order_at(room, last)->state == state &&
        order_at(room, last)->since_ns == ask->after_since_ns)
        return order_at(room, last)->stuck_newer;
    while (index != 0 && order_at(room, index)->since_ns < ask->after_since_ns)
        index = order_at(room, index)->stuck_newer; /* ends: one further each time */
    return index;
}

/* The state whose list has the one that waits longest; NONE: all are at their ends. */
static u16 longest_of(const struct page *page)
{
    u16 found = SAGA_STATE_NONE;
    for (u16 state = 1; state < SAGA_STATE_COUNT; state++) {
        if (page->next[state] == 0)
            continue;
        if (found == SAGA_STATE_NONE || order_at(page->room, page->next[state])->since_ns <
                                            order_at(page->room, page->next[found])->since_ns)
            found = state;
    }
    return found;
}

/* True: there are more. */
static bool fill_page(struct page *page, u64 until_ns)
{
    for (;;) { /* ends: a list gets shorter each time */
        const u16 state = longest_of(page);
        if (state == SAGA_STATE_NONE)
            return false;
        const struct order *order = order_at(page->room, page->next[state]);
        if (order->since_ns > until_ns)
            return false;
        if (page->count == LIST_PAGE_ROWS)
            return true;
        page->rows[page->count++] = (struct row_stuck){.order = order->id,
                                                       .user_id = order->owner,
                                                       .since_ns = order->since_ns,
                                                       .total = order->total,
                                                       .state = order->state,
                                                       .reason = order->reason,
                                                       .currency = order->currency};
        page->next[state] = order->stuck_newer;
    }
}

bool shard_read_stuck_list(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply, struct span *spans)
{
    struct msg_stuck_list_req ask;
    struct msg_stuck_list_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    if (ask.older_ms > UINT64_MAX / NS_PER_MS / 2 || ask.states >> SAGA_STATE_COUNT != 0) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    if (shard->expiring_ns != 0)
        return false;
    struct page page = {.room = &shard->orders, .rows = (struct row_stuck *)(void *)shard->scratch};
    for (u16 state = 1; state < SAGA_STATE_COUNT; state++)
        if (ask.states == 0 || (ask.states >> state & 1) != 0)
            page.next[state] = seek_list(&shard->orders, state, &ask);
    const u64 older_ns = ask.older_ms * NS_PER_MS;
    answer->more = fill_page(&page, call->now_ns - MIN(older_ns, call->now_ns));
    spans[SPAN_OF(stuck_list_rsp, orders)] =
        (struct span){.data = shard->scratch, .bytes = page.count * (u32)sizeof(struct row_stuck)};
    return true;
}

/* ---- a shopper gives up ---- */

static void give_up(const struct order_turn *turn, u16 reason)
{
    (void)order_event_add(turn,
                          &(struct order_event){.kind = ORDER_EVENT_CANCEL_ASKED, .what = reason});
    if (order_may(turn->order, SAGA_EVENT_GIVEN_UP))
        order_fail(turn, SAGA_EVENT_GIVEN_UP, STATUS_GIVEN_UP);
    else
        turn->order->reason = STATUS_GIVEN_UP; /* it is over: but no late payment revives it */
    turn->order->flags &= (u8)~ORDER_FLAG_UNPAID;
}

void shard_apply_checkout_cancel(struct shard *shard, const struct shard_call *call,
                                 const void *request, void *reply)
{
    struct msg_checkout_cancel_req ask;
    struct msg_checkout_cancel_rsp *answer = reply;
    u32 index;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = STATUS_BAD_ARGUMENT;
    if (!order_is_linked(call) && ask.reason >= 1 && ask.reason <= CANCEL_REASON_MAX)
        answer->head.status = order_named(shard, call, ask.order, ask.user_id, &index);
    if (answer->head.status != STATUS_OK)
        return;
    const struct order_turn turn = order_turn_begin(shard, index, call->now_ns);
    const struct order *order = turn.order;
    const bool is_waiting_in_vain =
        order->reason == STATUS_PAYMENT_EXPIRED &&
        (order->state == SAGA_STATE_COMPENSATING || order->state == SAGA_STATE_VOID_PENDING);
    if (order->placed_ns != 0) {
        answer->head.status = STATUS_ALREADY_PLACED;
    } else if (order_may(order, SAGA_EVENT_GIVEN_UP) || is_waiting_in_vain) {
        give_up(&turn, ask.reason);
        order_turn_end(&turn);
    } else {
        answer->head.flags = RECORD_FLAG_REPLAYED; /* it was over before */
    }
    answer->state = order->state;
}

/* ---- an operator decides ---- */

static bool is_dead(const struct order_command *command)
{
    return command->state == COMMAND_STATE_DEAD;
}

static bool is_undecided(const struct order_command *command)
{
    return order_command_is_open(command) || is_dead(command);
}

/* What failed for sure gets a new key, what was never answered keeps its own. Queries last: reviving
 * what they ask about has ended them. */
static bool retry_dead(const struct order_turn *turn, bool is_query)
{
    bool is_any = false;
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        const u32 next = command->next;
        if (is_dead(command) && (command->kind == COMMAND_KIND_QUERY) == is_query) {
            order_command_retry(turn, index, (command->flags & ORDER_COMMAND_FAILED) != 0);
            is_any = true;
        }
        index = next;
    }
    return is_any;
}

/* An authorisation that has expired was renewed with the provider. */
static bool retry_expired(const struct order *order)
{
    bool is_any = false;
    for (u32 i = 0; i < order->tenders.count; i++)
        if (order_tenders(order)[i].state == TENDER_STATE_EXPIRED) {
            order_tenders(order)[i].state = TENDER_STATE_AUTHORIZED;
            is_any = true;
        }
    return is_any;
}

static u16 resolve_retry(const struct order_turn *turn)
{
    const bool is_any = retry_dead(turn, false);
    const bool is_any_query = retry_dead(turn, true);
    const bool is_any_tender = turn->order->placed_ns != 0 && retry_expired(turn->order);
    if (!is_any && !is_any_query && !is_any_tender)
        return STATUS_INVALID_STATE;
    order_settle(turn);
    return STATUS_OK;
}

static void force_command(const struct order_turn *turn, u32 index)
{
    struct order_command *command = order_command_at(turn->room, index);
    struct order_tender *tender = &order_tenders(turn->order)[command->tender];
    if (command->kind == COMMAND_KIND_CAPTURE) {
        tender->capturing -= command->amount;
        tender->forced += command->amount;
    } else if ((command->flags & ORDER_COMMAND_EXCESS) == 0) {
        tender->refunding -= command->amount;
        tender->forced_back += command->amount;
    }
    command->flags |= ORDER_COMMAND_FORCED;
    order_command_close(turn, index, COMMAND_STATE_DONE);
}

static u16 resolve_force(const struct order_turn *turn)
{
    const struct order *order = turn->order;
    bool is_any = false;
    if (order->placed_ns == 0)
        return STATUS_INVALID_STATE;
    for (u32 index = order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        const u32 next = command->next;
        if (is_undecided(command) &&
            (command->kind == COMMAND_KIND_CAPTURE || command->kind == COMMAND_KIND_REFUND)) {
            force_command(turn, index);
            is_any = true;
        }
        index = next;
    }
    for (u32 i = 0; i < order->tenders.count; i++) {
        struct order_tender *tender = &order_tenders(order)[i];
        if (tender->state != TENDER_STATE_EXPIRED)
            continue;
        tender->forced += tender->authorized - tender->captured - tender->forced;
        tender->state = TENDER_STATE_VOIDED;
        is_any = true;
    }
    if (!is_any)
        return STATUS_INVALID_STATE;
    order_settle(turn);
    return STATUS_OK;
}

/* Nothing more is asked of the provider; what it does all the same is only written down. */
static void take_all_back(const struct order_turn *turn)
{
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        const u32 next = command->next;
        struct order_tender *tender = &order_tenders(turn->order)[command->tender];
        if (is_undecided(command) && command->kind != COMMAND_KIND_NOTIFY_SHIPPED) {
            if (command->kind == COMMAND_KIND_CAPTURE)
                tender->capturing -= command->amount;
            else if (command->kind == COMMAND_KIND_REFUND &&
                     (command->flags & ORDER_COMMAND_EXCESS) == 0)
                tender->refunding -= command->amount;
            else if (command->kind == COMMAND_KIND_VOID)
                tender->state = TENDER_STATE_VOIDED;
            order_command_close(turn, index, COMMAND_STATE_TAKEN_BACK);
        }
        index = next;
    }
}

static u16 resolve_cancel(const struct order_turn *turn)
{
    struct order *order = turn->order;
    if (order->placed_ns == 0 && order_may(order, SAGA_EVENT_GIVEN_UP)) {
        order_fail(turn, SAGA_EVENT_GIVEN_UP, STATUS_GIVEN_UP);
        return STATUS_OK;
    }
    take_all_back(turn);
    if (order->placed_ns != 0) {
        order->flags |= ORDER_FLAG_ABANDONED;
        order_cancel_rest(turn);
        if ((order->flags & ORDER_FLAG_SPENT) == 0)
            order_spend(turn, order_is_cancelled_whole(order) ? 0 : order_owed(order));
    }
    order_settle(turn);
    return STATUS_OK;
}

static u16 resolve(const struct order_turn *turn, const struct msg_order_resolve_req *ask)
{
    if (turn->order->state == SAGA_STATE_CANCELLED)
        return STATUS_ORDER_CANCELLED;
    if (!saga_state_is(turn->order->state, SAGA_KIND_WAITING))
        return STATUS_INVALID_STATE;
    switch ((enum resolve_decision)ask->decision) {
    case RESOLVE_RETRY: return resolve_retry(turn);
    case RESOLVE_FORCE_PAID: return resolve_force(turn);
    case RESOLVE_CANCEL: return resolve_cancel(turn);
    }
    PANIC("no such decision"); /* the arguments were judged */
}

static bool resolve_good(const struct msg_order_resolve_req *ask)
{
    return ask->decision >= RESOLVE_RETRY && ask->decision <= RESOLVE_CANCEL &&
           !text64_is_empty(&ask->actor) && text64_invalid(&ask->actor) == NULL &&
           !text64_is_empty(&ask->reason) && text64_invalid(&ask->reason) == NULL;
}

/* Who and why come after what happened: a decision that nothing comes of leaves no trace. */
static void note_decision(const struct order_turn *turn, const struct msg_order_resolve_req *ask)
{
    (void)order_event_add(turn, &(struct order_event){.kind = ORDER_EVENT_RESOLVED,
                                                      .what = ask->decision,
                                                      .text = ask->actor.bytes,
                                                      .text_bytes = (u8)text64_bytes(&ask->actor)});
    (void)order_event_add(turn,
                          &(struct order_event){.kind = ORDER_EVENT_RESOLVE_REASON,
                                                .text = ask->reason.bytes,
                                                .text_bytes = (u8)text64_bytes(&ask->reason)});
}

void shard_apply_order_resolve(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_order_resolve_req ask;
    struct msg_order_resolve_rsp *answer = reply;
    u32 index;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = STATUS_BAD_ARGUMENT;
    if (!order_is_linked(call) && resolve_good(&ask))
        answer->head.status = order_named(shard, call, ask.order, 0, &index);
    if (answer->head.status != STATUS_OK)
        return;
    const struct order_turn turn = order_turn_begin(shard, index, call->now_ns);
    answer->head.status = order_is_full(turn.order) ? STATUS_TOO_MANY : resolve(&turn, &ask);
    if (answer->head.status == STATUS_OK) {
        note_decision(&turn, &ask);
        order_turn_end(&turn);
    }
    answer->state = turn.order->state;
}
