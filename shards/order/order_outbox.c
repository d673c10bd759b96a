/* order_outbox: what workers ask of the outbox: a command, more time, an end; and lists of commands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_outbox.h"

#include <string.h>

#include "proto/text.h"
#include "shards/order/order_parts.h"
#include "shards/order/order_timer.h"
#include "shards/shard_handlers.h"

#define LEASE_MS_IF_NOT_SAID 60000u
#define KINDS_ALL            (((1u << COMMAND_KIND_COUNT) - 1) & ~1u)
#define STATES_ALL           ((2u << COMMAND_STATE_TAKEN_BACK) - 2)
#define STATES_NOT_DONE                                                                     \
    (1u << COMMAND_STATE_READY | 1u << COMMAND_STATE_LEASED | 1u << COMMAND_STATE_WAITING | \
     1u << COMMAND_STATE_DEAD)

/* ---- rows ---- */

struct row_command order_command_row(const struct order_room *room, const struct order *order,
                                     const struct order_command *command)
{
    (void)room;
    return (struct row_command){.order = order->id,
                                .amount = command->amount,
                                .since_ns = command->since_ns,
                                .due_ns = command->due_ns,
                                .step = command->step,
                                .attempt = command->attempt,
                                .deliveries = command->deliveries,
                                .group = command->group,
                                .reason = command->reason,
                                .kind = command->kind,
                                .state = command->state,
                                .tender = command->tender,
                                .currency = order->currency};
}

static struct text64 text_at(const struct order_table *table, u32 place, u32 bytes)
{
    MUST(place + bytes <= table->count);
    return text64_of(bytes != 0 ? (const char *)table->rows + place : "", bytes);
}

struct row_order_tender order_tender_row(const struct order *order,
                                         const struct order_tender *tender)
{
    return (struct row_order_tender){
        .account = tender->account,
        .amount = tender->amount,
        .authorized = tender->authorized,
        .captured = tender->captured,
        .refunded = tender->refunded,
        .charged_back = tender->charged_back,
        .overcharged = tender->overcharged,
        .group = tender->group,
        .kind = tender->kind,
        .state = tender->state,
        .token = text_at(&order->texts, tender->token, tender->token_bytes),
        .reference = text_at(&order->events, tender->reference, tender->reference_bytes)};
}

/* ---- poll ---- */

/* Which queues a request is about. */
struct filter {
    u32 group;
    u32 kinds;
};

static bool filter_good(const struct filter *filter)
{
    return (filter->kinds & ~KINDS_ALL) == 0;
}

static const struct order_queue *queue_of(const struct order_room *room,
                                          const struct filter *filter, u32 kind)
{
    if (filter->kinds != 0 && (filter->kinds >> kind & 1) == 0)
        return NULL;
    return filter->group != 0 ? order_group_queue(room, filter->group, kind) : &room->ready[kind];
}

/* The oldest command that is ready, 0 = none: one look per kind. */
static u32 find_ready(const struct order_room *room, const struct filter *filter)
{
    u32 found = 0;
    u64 ticket = UINT64_MAX;
    for (u32 kind = 1; kind < COMMAND_KIND_COUNT; kind++) {
        const struct order_queue *queue = queue_of(room, filter, kind);
        if (queue == NULL || queue->oldest == 0)
            continue;
        const struct order_command *command = order_command_at(room, queue->oldest);
        if (command->ticket < ticket) {
            ticket = command->ticket;
            found = queue->oldest;
        }
    }
    return found;
}

static void answer_subject(const struct order_turn *turn, const struct order_command *command,
                           struct msg_command_poll_rsp *answer)
{
    answer->subject = command->subject;
    answer->subject_attempt = command->subject_attempt;
    const u32 subject = order_command_find(turn->room, turn->order, command->subject);
    if (command->kind == COMMAND_KIND_QUERY && subject != 0)
        answer->subject_kind = order_command_at(turn->room, subject)->kind;
}

/* Token and reference of the tender; of a parcel, where it is. */
static void answer_texts(const struct order_turn *turn, const struct order_command *command,
                         struct msg_command_poll_rsp *answer)
{
    const struct order *order = turn->order;
    if (command->kind != COMMAND_KIND_NOTIFY_SHIPPED) {
        const struct order_tender *tender = &order_tenders(order)[command->tender];
        answer->token = text_at(&order->texts, tender->token, tender->token_bytes);
        answer->reference = text_at(&order->events, tender->reference, tender->reference_bytes);
        return;
    }
    for (u32 i = 0; i < order->parcels.count; i++)
        if (order_parcels(order)[i].row.number == command->subject) {
            answer->token = order_parcels(order)[i].row.tracking;
            answer->reference = order_parcels(order)[i].row.carrier;
        }
}

static void answer_command(const struct order_turn *turn, const struct order_command *command,
                           struct msg_command_poll_rsp *answer)
{
    answer->order = turn->order->id;
    answer->lease = command->ticket;
    answer->leased_until_ns = command->due_ns;
    answer->amount = command->amount;
    answer->user_id = turn->order->owner;
    answer->step = command->step;
    answer->attempt = command->attempt;
    answer->delivery = command->deliveries;
    answer->group = command->group;
    answer->kind = command->kind;
    answer->tender = command->tender;
    answer->currency = turn->order->currency;
    answer_subject(turn, command, answer);
    answer_texts(turn, command, answer);
}

void shard_apply_command_poll(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_command_poll_req ask;
    struct msg_command_poll_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct filter filter = {.group = ask.group, .kinds = ask.kinds};
    if (order_is_linked(call) || !filter_good(&filter) || ask.lease_ms > COMMAND_LEASE_MS_MAX) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return;
    }
    const u32 index = find_ready(&shard->orders, &filter);
    if (index == 0) {
        answer->head.status = STATUS_NONE_READY;
        return;
    }
    const struct order_command *command = order_command_at(&shard->orders, index);
    const struct order_turn turn = order_turn_begin(shard, command->order, call->now_ns);
    const u64 lease_ms = ask.lease_ms != 0 ? ask.lease_ms : LEASE_MS_IF_NOT_SAID;
    order_command_lease(&turn, index, call->now_ns + lease_ms * NS_PER_MS);
    (void)order_event_add(&turn,
                          &(struct order_event){.kind = ORDER_EVENT_LEASED, .what = command->step});
    answer_command(&turn, command, answer);
}

/* ---- ack and nack ---- */

/* A command that a request names. */
struct named {
    struct order_turn turn;
    u32 index;
};

struct command_name {
    struct id128 order;
    u64 lease;
    u32 step;
    u32 attempt;
};
STATIC_CHECK(sizeof(struct command_name) == sizeof(struct msg_command_ack_req));
STATIC_CHECK(offsetof(struct msg_command_nack_req, delay_ms) == sizeof(struct command_name));

/* Does the lease still hold, for this attempt? */
static bool is_leased(const struct named *named, const struct command_name *name)
{
    const struct order_command *command = order_command_at(named->turn.room, named->index);
    return command->state == COMMAND_STATE_LEASED && command->ticket == name->lease &&
           command->attempt == name->attempt;
}

static u16 find_named(struct shard *shard, const struct shard_call *call,
                      const struct command_name *name, bool is_argument_good, struct named *named)
{
    u32 index;
    u16 status = STATUS_BAD_ARGUMENT;
    *named = (struct named){.turn = {.shard = NULL}};
    if (is_argument_good && !order_is_linked(call))
        status = order_named(shard, call, name->order, 0, &index);
    if (status != STATUS_OK)
        return status;
    named->turn = order_turn_begin(shard, index, call->now_ns);
    named->index = order_command_find(named->turn.room, named->turn.order, name->step);
    return named->index != 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

/* It was acknowledged under this very lease: the answer was lost. */
static bool is_acked(const struct order_command *command, const struct command_name *name)
{
    return (command->state == COMMAND_STATE_WAITING || command->state == COMMAND_STATE_DONE) &&
           command->ticket == name->lease && command->attempt == name->attempt;
}

void shard_apply_command_ack(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct command_name name;
    struct named named;
    struct msg_command_ack_rsp *answer = reply;
    memcpy(&name, request, sizeof name);
    answer->head.status = find_named(shard, call, &name, true, &named);
    if (named.turn.order != NULL)
        answer->state = named.turn.order->state;
    if (answer->head.status != STATUS_OK)
        return;
    const struct order_command *command = order_command_at(named.turn.room, named.index);
    if (is_acked(command, &name)) {
        answer->head.flags = RECORD_FLAG_REPLAYED;
        return;
    }
    if (!is_leased(&named, &name)) {
        answer->head.status = STATUS_LEASE_LOST;
        return;
    }
    const struct policy *policy = settings_policy(&shard->settings);
    if (command->kind == COMMAND_KIND_NOTIFY_SHIPPED)
        order_command_close(&named.turn, named.index, COMMAND_STATE_DONE);
    else
        order_command_wait(&named.turn, named.index, call->now_ns + policy->answer_ms * NS_PER_MS);
}

/* The first pause, doubled with each delivery. */
static u64 pause_ms(const struct policy *policy, u32 deliveries)
{
    u64 pause = policy->backoff_ms;
    for (u32 i = 1; i < deliveries && pause < policy->backoff_max_ms; i++)
        pause *= 2; /* ends: it has a maximum */
    return MIN(pause, policy->backoff_max_ms);
}

void shard_apply_command_nack(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_command_nack_req ask;
    struct command_name name;
    struct named named;
    struct msg_command_nack_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    memcpy(&name, request, sizeof name);
    answer->head.status = find_named(shard, call, &name, ask.delay_ms <= LEASE_MS_MAX, &named);
    if (answer->head.status == STATUS_OK && !is_leased(&named, &name))
        answer->head.status = STATUS_LEASE_LOST;
    if (named.turn.order != NULL)
        answer->state = named.turn.order->state;
    if (answer->head.status != STATUS_OK)
        return;
    const struct order_turn *turn = &named.turn;
    struct order_command *command = order_command_at(turn->room, named.index);
    const struct policy *policy = settings_policy(&shard->settings);
    const u64 wait_ms = ask.delay_ms != 0 ? ask.delay_ms : pause_ms(policy, command->deliveries);
    command->reason = ask.reason;
    (void)order_event_add(turn, &(struct order_event){.kind = ORDER_EVENT_NACKED,
                                                      .value = ask.reason,
                                                      .what = command->step});
    if (order_command_try_again(turn, named.index, call->now_ns + wait_ms * NS_PER_MS))
        answer->due_ns = command->due_ns;
    order_turn_end(turn);
    answer->state = turn->order->state;
}

/* ---- waiting, and lists ---- */

bool shard_read_command_wait(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    struct msg_command_wait_req ask;
    struct msg_command_wait_rsp *answer = reply;
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    const struct filter filter = {.group = ask.group, .kinds = ask.kinds};
    if (!filter_good(&filter) || ask.wait_ms > WAIT_MS_MAX) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    for (u32 kind = 1; kind < COMMAND_KIND_COUNT; kind++) {
        const struct order_queue *queue = queue_of(&shard->orders, &filter, kind);
        answer->ready += queue != NULL ? queue->count : 0;
    }
    answer->dead = shard->orders.counts.dead_commands;
    if (answer->ready == 0)
        (void)shard_read_park(shard, call, NOTICE_TOKEN_COMMANDS, ask.wait_ms);
    return true;
}

/* The smallest names after a cursor, as they are found: a heap with the largest at its top. */
struct page {
    const struct order_room *room;
    u32 *indexes; /* of commands */
    u32 count;
    struct id128 after;
    u32 after_step;
    bool has_cursor;
    bool has_more;
};

static bool name_less(struct id128 a, u32 a_step, struct id128 b, u32 b_step)
{
    if (a.high != b.high)
        return a.high < b.high;
    if (a.low != b.low)
        return a.low < b.low;
    return a_step < b_step;
}

static bool command_less(const struct page *page, u32 a, u32 b)
{
    const struct order_command *left = order_command_at(page->room, a);
    const struct order_command *right = order_command_at(page->room, b);
    return name_less(order_at(page->room, left->order)->id, left->step,
                     order_at(page->room, right->order)->id, right->step);
}

/* The entry at `at` may be smaller than those below it. */
static void sink(struct page *page, u32 at)
{
    const u32 entry = page->indexes[at];
    for (;;) { /* ends: a level further down each time */
        u32 child = 2 * at + 1;
        if (child >= page->count)
            break;
        if (child + 1 < page->count &&
            command_less(page, page->indexes[child], page->indexes[child + 1]))
            child++;
        if (!command_less(page, entry, page->indexes[child]))
            break;
        page->indexes[at] = page->indexes[child];
        at = child;
    }
    page->indexes[at] = entry;
}

static void offer(struct page *page, u32 index)
{
    const struct order_command *command = order_command_at(page->room, index);
    if (page->has_cursor && !name_less(page->after, page->after_step,
                                       order_at(page->room, command->order)->id, command->step))
        return;
    if (page->count < LIST_PAGE_ROWS) {
        u32 at = page->count++;
        while (at != 0 && command_less(page, page->indexes[(at - 1) / 2], index)) {
            page->indexes[at] = page->indexes[(at - 1) / 2];
            at = (at - 1) / 2; /* ends: upwards */
        }
        page->indexes[at] = index;
        return;
    }
    page->has_more = true;
    if (!command_less(page, index, page->indexes[0]))
        return;
    page->indexes[0] = index;
    sink(page, 0);
}

/* Those that are finished are many, and nobody but this question looks for them: a walk over all. */
static void offer_all(struct page *page, u32 states)
{
    const struct order_room *room = page->room;
    if ((states & ~STATES_NOT_DONE) == 0) {
        for (u32 index = room->unfinished.oldest; index != 0;) {
            const struct order_command *command = order_command_at(room, index);
            if ((states >> command->state & 1) != 0)
                offer(page, index);
            index = command->unfinished_newer;
        }
        return;
    }
    for (u32 index = 1; index < room->commands.next_fresh; index++) /* none is ever given back */
        if ((states >> order_command_at(room, index)->state & 1) != 0)
            offer(page, index);
}

static u32 write_page(struct page *page, u8 *to)
{
    const u32 count = page->count;
    while (page->count != 0) { /* ends: one less each time, the largest first */
        const struct order_command *command = order_command_at(page->room, page->indexes[0]);
        const struct row_command row =
            order_command_row(page->room, order_at(page->room, command->order), command);
        page->count--;
        memcpy(to + (size_t)page->count * sizeof row, &row, sizeof row);
        page->indexes[0] = page->indexes[page->count];
        if (page->count != 0)
            sink(page, 0);
    }
    return count * (u32)sizeof(struct row_command);
}
STATIC_CHECK(LIST_PAGE_ROWS *(sizeof(struct row_command) + sizeof(u32)) <= SHARD_SCRATCH_BYTES);

bool shard_read_command_list(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    struct msg_command_list_req ask;
    struct msg_command_list_rsp *answer = reply;
    (void)call;
    memcpy(&ask, request, sizeof ask);
    if ((ask.states & ~STATES_ALL) != 0) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    if (shard->expiring_ns != 0)
        return false;
    u8 *rows = shard->scratch + LIST_PAGE_ROWS * sizeof(u32);
    struct page page = {.room = &shard->orders,
                        .indexes = (u32 *)(void *)shard->scratch,
                        .after = ask.after,
                        .after_step = ask.after_step,
                        .has_cursor = !id128_is_none(ask.after)};
    offer_all(&page, ask.states != 0 ? ask.states : STATES_NOT_DONE);
    answer->more = page.has_more;
    spans[SPAN_OF(command_list_rsp, commands)] =
        (struct span){.data = rows, .bytes = write_page(&page, rows)};
    return true;
}
