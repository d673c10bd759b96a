/* order_command: commands for the outside world: how they come, wait, and end. Workers: order_outbox.c.
 *
 *      emit -> READY --poll--> LEASED --ack--> WAITING --result--> DONE
 *                ^               |  nack, or the lease ends           \--or nothing: a QUERY about it
 *                |<--- pause ----|
 *                                \--too often--> DEAD
 *      a failure that is proven: READY again as the next attempt, under another key
 *      what is not wanted any more: TAKEN_BACK
 *
 * A command that is ready stands in the queue of its kind, and, if its tender has a group, in that of
 * kind and group: lists, since the time at which commands become ready only grows. Their tickets say
 * which of two queues has the older one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_outbox.h"

#include "proto/text.h"
#include "shards/order/order_timer.h"
#include "shards/shard_state.h"

/* ---- the chain of an order ---- */

u32 order_command_find(const struct order_room *room, const struct order *order, u32 step)
{
    if (step == 0 || step > order->last_step)
        return 0;
    u32 index = order->first_command;
    while (index != 0 && order_command_at(room, index)->step != step)
        index = order_command_at(room, index)->next;
    return index;
}

u32 order_command_last(const struct order_turn *turn, u32 tender, enum command_kind kind)
{
    u32 found = 0;
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        if (command->kind == kind && command->tender == tender)
            found = index;
        index = command->next;
    }
    return found;
}

void order_command_chain(struct order_room *room, struct order *order, u32 index)
{
    if (order->last_command != 0)
        order_command_at(room, order->last_command)->next = index;
    else
        order->first_command = index;
    order->last_command = index;
}

bool order_command_is_open(const struct order_command *command)
{
    return command->state == COMMAND_STATE_READY || command->state == COMMAND_STATE_LEASED ||
           command->state == COMMAND_STATE_WAITING;
}

/* ---- queues ---- */

struct group_key {
    u32 group;
    u32 kind;
};

static u64 group_hash(struct group_key key)
{
    const u64 mixed = ((u64)key.group << 8 ^ key.kind) * 0x9E3779B97F4A7C15ull;
    return mixed ^ mixed >> 32;
}

static bool group_equal(const void *context, u32 index, const void *key)
{
    const struct order_room *room = context;
    const struct order_group_queue *queue = pool_at(&room->group_queues, index);
    const struct group_key *wanted = key;
    return queue->group == wanted->group && queue->kind == wanted->kind;
}

struct order_queue *order_group_queue(const struct order_room *room, u32 group, u32 kind)
{
    const struct group_key key = {.group = group, .kind = kind};
    const u32 index = map_find(&room->groups, group_hash(key), group_equal, room, &key);
    return index != 0 ? &((struct order_group_queue *)pool_at(&room->group_queues, index))->queue
                      : NULL;
}

static struct order_queue *make_group_queue(struct order_room *room, u32 group, u32 kind)
{
    struct order_queue *queue = order_group_queue(room, group, kind);
    if (queue != NULL)
        return queue;
    const u32 index = pool_acquire(&room->group_queues);
    struct order_group_queue *made = pool_at(&room->group_queues, index);
    made->group = group;
    made->kind = kind;
    map_insert(&room->groups, group_hash((struct group_key){.group = group, .kind = kind}), index);
    return &made->queue;
}

void order_command_queue(struct order_room *room, u32 index)
{
    struct order_command *command = order_command_at(room, index);
    struct order_queue *queue = &room->ready[command->kind];
    MUST(command->state == COMMAND_STATE_READY);
    MUST((command->flags & ORDER_COMMAND_PLACED) == 0); /* I4 */
    command->flags |= ORDER_COMMAND_QUEUED;
    command->newer = 0;
    command->older = queue->newest;
    *(queue->newest != 0 ? &order_command_at(room, queue->newest)->newer : &queue->oldest) = index;
    queue->newest = index;
    queue->count++;
    room->counts.ready_commands++;
    command->group_newer = 0;
    command->group_older = 0;
    if (command->group == 0)
        return;
    queue = make_group_queue(room, command->group, command->kind);
    command->group_older = queue->newest;
    *(queue->newest != 0 ? &order_command_at(room, queue->newest)->group_newer : &queue->oldest) =
        index;
    queue->newest = index;
    queue->count++;
}

static void leave_queues(struct order_room *room, u32 index)
{
    struct order_command *command = order_command_at(room, index);
    if ((command->flags & ORDER_COMMAND_QUEUED) == 0)
        return;
    struct order_queue *queue = &room->ready[command->kind];
    command->flags &= (u8)~ORDER_COMMAND_QUEUED;
    *(command->newer != 0 ? &order_command_at(room, command->newer)->older : &queue->newest) =
        command->older;
    *(command->older != 0 ? &order_command_at(room, command->older)->newer : &queue->oldest) =
        command->newer;
    MUST(queue->count != 0);
    queue->count--;
    room->counts.ready_commands--;
    if (command->group == 0)
        return;
    queue = order_group_queue(room, command->group, command->kind);
    *(command->group_newer != 0 ? &order_command_at(room, command->group_newer)->group_older
                                : &queue->newest) = command->group_older;
    *(command->group_older != 0 ? &order_command_at(room, command->group_older)->group_newer
                                : &queue->oldest) = command->group_newer;
    MUST(queue->count != 0);
    queue->count--;
}

/* Everything but what is DONE or TAKEN_BACK is in one list, which operators read. */
void order_command_list_up(struct order_room *room, u32 index)
{
    struct order_command *command = order_command_at(room, index);
    struct order_queue *list = &room->unfinished;
    const bool is_finished =
        command->state == COMMAND_STATE_DONE || command->state == COMMAND_STATE_TAKEN_BACK;
    if (is_finished == ((command->flags & ORDER_COMMAND_LISTED) == 0))
        return;
    command->flags ^= ORDER_COMMAND_LISTED;
    if (!is_finished) {
        command->unfinished_newer = 0;
        command->unfinished_older = list->newest;
        *(list->newest != 0 ? &order_command_at(room, list->newest)->unfinished_newer
                            : &list->oldest) = index;
        list->newest = index;
        list->count++;
        return;
    }
    const u32 newer = command->unfinished_newer;
    const u32 older = command->unfinished_older;
    *(newer != 0 ? &order_command_at(room, newer)->unfinished_older : &list->newest) = older;
    *(older != 0 ? &order_command_at(room, older)->unfinished_newer : &list->oldest) = newer;
    MUST(list->count != 0);
    list->count--;
}

/* Out of the queues and out of the heaps, whatever it was in. */
static void detach(const struct order_turn *turn, u32 index)
{
    struct order_command *command = order_command_at(turn->room, index);
    leave_queues(turn->room, index);
    order_command_untime(turn->room, index);
    if (command->state == COMMAND_STATE_DEAD)
        turn->room->counts.dead_commands--;
    command->due_ns = 0;
}

/* ---- states ---- */

static void make_ready(const struct order_turn *turn, u32 index)
{
    struct order_command *command = order_command_at(turn->room, index);
    detach(turn, index);
    command->state = COMMAND_STATE_READY;
    command->due_ns = turn->now_ns;
    command->ticket = order_ticket(turn->room);
    order_command_list_up(turn->room, index);
    order_command_queue(turn->room, index);
    notice_raise(&turn->shard->notices, NOTICE_TOKEN_COMMANDS);
}

void order_command_pause(const struct order_turn *turn, u32 index, u64 until_ns)
{
    struct order_command *command = order_command_at(turn->room, index);
    detach(turn, index);
    command->state = COMMAND_STATE_READY;
    command->due_ns = until_ns;
    command->ticket = order_ticket(turn->room);
    order_command_time(turn->room, index);
}

void order_command_lease(const struct order_turn *turn, u32 index, u64 until_ns)
{
    struct order_command *command = order_command_at(turn->room, index);
    MUST(command->state == COMMAND_STATE_READY);
    detach(turn, index);
    command->state = COMMAND_STATE_LEASED;
    command->due_ns = until_ns;
    command->ticket = order_ticket(turn->room);
    command->deliveries += command->deliveries != UINT32_MAX ? 1 : 0;
    order_command_time(turn->room, index);
}

void order_command_wait(const struct order_turn *turn, u32 index, u64 until_ns)
{
    struct order_command *command = order_command_at(turn->room, index);
    detach(turn, index);
    command->state = COMMAND_STATE_WAITING;
    command->due_ns = until_ns;
    if (until_ns != 0)
        order_command_time(turn->room, index); /* under the ticket of its lease */
}

/* The QUERY about a step, 0 = there never was one. */
static u32 query_about(const struct order_turn *turn, u32 step)
{
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        if (command->kind == COMMAND_KIND_QUERY && command->subject == step)
            return index;
        index = command->next;
    }
    return 0;
}

static void close_query(const struct order_turn *turn, u32 step, enum command_state state)
{
    const u32 query = query_about(turn, step);
    if (query != 0 && (order_command_is_open(order_command_at(turn->room, query)) ||
                       order_command_at(turn->room, query)->state == COMMAND_STATE_DEAD))
        order_command_close(turn, query, state);
}

void order_command_settle_query(const struct order_turn *turn, u32 index)
{
    struct order_command *command = order_command_at(turn->room, index);
    if ((command->flags & ORDER_COMMAND_UNKNOWN) != 0)
        close_query(turn, command->step, COMMAND_STATE_DONE);
    command->flags &= (u8)~ORDER_COMMAND_UNKNOWN;
}

void order_command_close(const struct order_turn *turn, u32 index, enum command_state state)
{
    struct order_command *command = order_command_at(turn->room, index);
    detach(turn, index);
    command->state = (u8)state;
    order_command_list_up(turn->room, index);
    if (state == COMMAND_STATE_DEAD)
        turn->room->counts.dead_commands++;
    else
        order_command_settle_query(turn, index);
}

void order_command_close_all(const struct order_turn *turn, enum command_kind kind,
                             enum command_state state)
{
    for (u32 index = turn->order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(turn->room, index);
        const u32 next = command->next;
        if (command->kind == kind && order_command_is_open(command))
            order_command_close(turn, index, state);
        index = next;
    }
}

void order_command_retry(const struct order_turn *turn, u32 index, bool is_new_attempt)
{
    struct order_command *command = order_command_at(turn->room, index);
    order_command_settle_query(turn, index);
    command->flags &= (u8)~ORDER_COMMAND_FAILED;
    command->attempt += is_new_attempt ? 1 : 0;
    command->deliveries = is_new_attempt ? 0 : MIN(command->deliveries, 1u); /* still seen */
    make_ready(turn, index);
}

/* ---- coming ---- */

u32 order_emit(const struct order_turn *turn, const struct order_emission *emission)
{
    struct order *order = turn->order;
    const u32 index = pool_acquire(&turn->room->commands);
    struct order_command *command = order_command_at(turn->room, index);
    const bool has_tender = emission->kind != COMMAND_KIND_NOTIFY_SHIPPED;
    MUST(IMPLIES(has_tender, emission->tender < order->tenders.count));
    MUST(emission->amount >= 0);
    *command = (struct order_command){
        .since_ns = turn->now_ns,
        .amount = emission->amount,
        .order = turn->index,
        .step = ++order->last_step, /* I5 */
        .attempt = 1,
        .group = has_tender ? order_tenders(order)[emission->tender].group : 0,
        .subject = emission->subject,
        .subject_attempt = emission->subject_attempt,
        .kind = (u8)emission->kind,
        .tender = (u8)emission->tender,
        .flags = emission->flags};
    order_command_chain(turn->room, order, index);
    (void)order_event_add(turn, &(struct order_event){.kind = ORDER_EVENT_COMMAND,
                                                      .value = emission->amount,
                                                      .what = command->step,
                                                      .status = (u16)emission->kind});
    make_ready(turn, index);
    return index;
}

void order_emit_void(const struct order_turn *turn, u32 tender)
{
    const struct order_tender *of = &order_tenders(turn->order)[tender];
    const u32 authorization = order_command_last(turn, tender, COMMAND_KIND_AUTHORIZE);
    const i64 left = of->authorized - of->captured - of->forced;
    MUST(authorization != 0);
    (void)order_emit(turn,
                     &(struct order_emission){
                         .kind = COMMAND_KIND_VOID,
                         .tender = tender,
                         .amount = of->authorized != 0 ? MAX(left, 0) : of->amount,
                         .subject = order_command_at(turn->room, authorization)->step,
                         .subject_attempt = order_command_at(turn->room, authorization)->attempt});
}

void order_notify_shipped(const struct order_turn *turn, u32 parcel)
{
    (void)order_emit(
        turn, &(struct order_emission){.kind = COMMAND_KIND_NOTIFY_SHIPPED, .subject = parcel});
}

/* ---- asking ---- */

/* One QUERY per command, which is opened again when it is needed again. */
static void open_query(const struct order_turn *turn, const struct order_command *about)
{
    const u32 index = query_about(turn, about->step);
    if (index == 0) {
        (void)order_emit(turn, &(struct order_emission){.kind = COMMAND_KIND_QUERY,
                                                        .tender = about->tender,
                                                        .amount = about->amount,
                                                        .subject = about->step,
                                                        .subject_attempt = about->attempt});
        return;
    }
    struct order_command *query = order_command_at(turn->room, index);
    if (order_command_is_open(query) && query->subject_attempt == about->attempt)
        return;
    query->subject_attempt = about->attempt;
    order_command_retry(turn, index, true);
}

void order_command_ask(const struct order_turn *turn, u32 index)
{
    struct order_command *command = order_command_at(turn->room, index);
    const u16 state = turn->order->state;
    MUST(command->kind != COMMAND_KIND_QUERY && command->kind != COMMAND_KIND_NOTIFY_SHIPPED);
    command->flags |= ORDER_COMMAND_UNKNOWN;
    if (command->state == COMMAND_STATE_WAITING)
        order_command_wait(turn, index, 0);
    if (command->kind == COMMAND_KIND_AUTHORIZE) {
        order_tenders(turn->order)[command->tender].state = TENDER_STATE_UNKNOWN;
        if (state == SAGA_STATE_AUTHORIZING || state == SAGA_STATE_ACTION_REQUIRED)
            order_go(turn, SAGA_EVENT_NO_ANSWER);
    } else if (command->kind == COMMAND_KIND_CAPTURE && state == SAGA_STATE_CAPTURING) {
        order_go(turn, SAGA_EVENT_NO_ANSWER);
    }
    open_query(turn, command);
}

void order_no_answer(const struct order_turn *turn)
{
    for (u32 i = 0; i < turn->order->tenders.count; i++) {
        const struct order_tender *tender = &order_tenders(turn->order)[i];
        if (tender->kind == TENDER_KIND_OUTSIDE &&
            (tender->state == TENDER_STATE_WAITING || tender->state == TENDER_STATE_ACTION ||
             tender->state == TENDER_STATE_UNKNOWN))
            order_command_ask(turn, order_command_last(turn, i, COMMAND_KIND_AUTHORIZE));
    }
    MUST(turn->order->state == SAGA_STATE_AUTH_UNKNOWN);
}

/* ---- times ---- */

/* The provider could not be asked: an operator has to. An authorisation waits for its time. */
static void give_up_subject(const struct order_turn *turn, const struct order_command *query)
{
    const u32 index = order_command_find(turn->room, turn->order, query->subject);
    const struct order_command *subject = order_command_at(turn->room, index);
    MUST(index != 0);
    if (subject->kind != COMMAND_KIND_AUTHORIZE && order_command_is_open(subject))
        order_command_close(turn, index, COMMAND_STATE_DEAD);
}

/* Delivered too often without success. */
static void give_up(const struct order_turn *turn, u32 index)
{
    struct order_command *command = order_command_at(turn->room, index);
    order_command_close(turn, index, COMMAND_STATE_DEAD);
    (void)order_event_add(turn,
                          &(struct order_event){.kind = ORDER_EVENT_DEAD, .what = command->step});
    if (command->kind == COMMAND_KIND_AUTHORIZE) {
        order_command_ask(turn, index);
        return;
    }
    if (command->kind == COMMAND_KIND_QUERY)
        give_up_subject(turn, command);
    order_settle(turn);
}

bool order_command_try_again(const struct order_turn *turn, u32 index, u64 at_ns)
{
    const struct order_command *command = order_command_at(turn->room, index);
    if (command->deliveries >= settings_policy(&turn->shard->settings)->deliveries_max) {
        give_up(turn, index);
        return false;
    }
    if (at_ns <= turn->now_ns)
        make_ready(turn, index);
    else
        order_command_pause(turn, index, at_ns);
    return true;
}

void order_command_due(const struct order_turn *turn, u32 index)
{
    const struct order_command *command = order_command_at(turn->room, index);
    switch ((enum command_state)command->state) {
    case COMMAND_STATE_READY: make_ready(turn, index); return;
    case COMMAND_STATE_LEASED: (void)order_command_try_again(turn, index, turn->now_ns); return;
    case COMMAND_STATE_WAITING:
        if (command->kind == COMMAND_KIND_QUERY)
            (void)order_command_try_again(turn, index, turn->now_ns);
        else
            order_command_ask(turn, index);
        return;
    case COMMAND_STATE_DONE:
    case COMMAND_STATE_DEAD:
    case COMMAND_STATE_TAKEN_BACK: break;
    }
    PANIC("a command that is over has no time");
}
