/* order_verify: what the order room promises, looked at order by order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_parts.h"
#include "shards/shard_state.h"

/* Where violations are told, and of which order. */
struct verdict {
    struct msg_verify_rsp *to;
    u8 *text; /* NULL: only counted */
    u32 *text_bytes;
    struct id128 order;
};

static void put_hex(u8 *to, u64 number)
{
    for (u32 i = 0; i < 16; i++)
        to[i] = (u8) "0123456789abcdef"[number >> (60 - 4 * i) & 15];
}

/* "order 000000000000004d-018bcfe568000001: reason" */
static void tell(const struct verdict *verdict, const char *reason, u32 bytes)
{
    static const u8 words[6] = {'o', 'r', 'd', 'e', 'r', ' '};
    verdict->to->violations++;
    if (verdict->text == NULL || ATTRIBUTES_BYTES_MAX - *verdict->text_bytes < bytes + 42)
        return;
    u8 *to = verdict->text + *verdict->text_bytes;
    memcpy(to, words, sizeof words);
    put_hex(to + 6, verdict->order.high);
    to[22] = '-';
    put_hex(to + 23, verdict->order.low);
    to[39] = ':';
    to[40] = ' ';
    memcpy(to + 41, reason, bytes);
    to[41 + bytes] = '\n';
    *verdict->text_bytes += bytes + 42;
}

#define EXPECT(condition, reason)                           \
    do {                                                    \
        if (UNLIKELY(!(condition)))                         \
            tell(verdict, reason, (u32)sizeof(reason) - 1); \
    } while (0)

/* What the commands of a tender come to. */
struct command_sums {
    i64 capturing, refunding;
    u32 open[COMMAND_KIND_COUNT];
};

static bool is_undecided(const struct order_command *command)
{
    return order_command_is_open(command) || command->state == COMMAND_STATE_DEAD;
}

static void verify_place(const struct order_room *room, u32 index, const struct verdict *verdict)
{
    const struct order_command *command = order_command_at(room, index);
    const bool is_queued = (command->flags & ORDER_COMMAND_QUEUED) != 0;
    const bool is_timed = (command->flags & ORDER_COMMAND_TIMED) != 0;
    EXPECT(!(is_queued && is_timed), "a command is in a queue and in a heap");
    EXPECT(is_queued || is_timed || command->state != COMMAND_STATE_READY,
           "a command is ready, and nobody gets it");
    EXPECT(is_timed || command->state != COMMAND_STATE_LEASED, "a lease that never ends");
    EXPECT(!is_timed || order_command_is_open(command), "a command that is over has a time");
    EXPECT(command->ticket <= room->last_ticket, "a ticket that was not given yet");
    if (!is_timed)
        return;
    const struct heap *heap =
        (command->flags & ORDER_COMMAND_DUE) != 0 ? &room->due_commands : &room->waiting;
    EXPECT(heap_has(heap, command->position) &&
               heap_entry_at(heap, command->position).item == index,
           "a command is not where its heap has it");
}

static void verify_commands(const struct order_room *room, const struct order *order,
                            struct command_sums *sums, const struct verdict *verdict)
{
    u32 step = 0;
    for (u32 index = order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(room, index);
        EXPECT(command->step == ++step, "steps have a gap");
        EXPECT(order_at(room, command->order) == order, "a command of another order");
        verify_place(room, index, verdict);
        index = command->next;
        if (!is_undecided(command) || command->kind == COMMAND_KIND_NOTIFY_SHIPPED ||
            command->kind == COMMAND_KIND_QUERY)
            continue;
        if (command->tender >= order->tenders.count) {
            EXPECT(false, "a command of no tender");
            continue;
        }
        struct command_sums *of = &sums[command->tender];
        of->open[command->kind]++;
        of->capturing += command->kind == COMMAND_KIND_CAPTURE ? command->amount : 0;
        of->refunding +=
            command->kind == COMMAND_KIND_REFUND && (command->flags & ORDER_COMMAND_EXCESS) == 0
                ? command->amount
                : 0;
    }
    EXPECT(step == order->last_step, "steps are counted wrongly");
}

static void verify_tender(const struct order_tender *tender, const struct command_sums *sums,
                          const struct verdict *verdict)
{
    EXPECT(tender->capturing == sums->capturing, "captures under way do not add up");
    EXPECT(tender->refunding == sums->refunding, "refunds under way do not add up");
    for (u32 kind = 1; kind < COMMAND_KIND_COUNT; kind++)
        EXPECT(sums->open[kind] <= 1, "two commands of one kind under way for a tender");
    EXPECT(tender->captured >= 0 && tender->refunded >= 0 && tender->authorized >= 0 &&
               tender->forced >= 0 && tender->forced_back >= 0 && tender->capturing >= 0 &&
               tender->refunding >= 0,
           "an amount below 0");
    EXPECT(tender->captured + tender->capturing + tender->forced <= tender->authorized,
           "captured more than authorised");
    EXPECT(tender->authorized <= tender->amount, "authorised more than the tender");
    EXPECT(tender->refunded + tender->refunding <= tender->captured, "refunded more than captured");
    EXPECT(tender->overcharge_back <= tender->overcharged, "more than an overcharge given back");
}

static void verify_money(const struct order_room *room, const struct order *order,
                         const struct verdict *verdict)
{
    struct command_sums sums[ORDER_TENDERS_MAX];
    memset(sums, 0, sizeof sums);
    verify_commands(room, order, sums, verdict);
    for (u32 i = 0; i < order->tenders.count; i++)
        verify_tender(&order_tenders(order)[i], &sums[i], verdict);
    EXPECT(order->total == order->goods - order->discount + order->charges,
           "the total is not the sum of its parts");
}

static void verify_lines(const struct order *order, const struct verdict *verdict)
{
    i64 total = 0;
    for (u32 i = 0; i < order->lines.count; i++) {
        const struct row_order_line *line = &order_lines(order)[i];
        EXPECT(order->placed_ns == 0 ||
                   line->quantity == line->allocated + line->shipped + line->cancelled,
               "units of a line do not add up");
        EXPECT(line->delivered <= line->shipped, "more delivered than shipped");
        EXPECT(line->returned_sellable + line->returned_damaged <= line->delivered,
               "more returned than delivered");
        total += line->total;
    }
    EXPECT(total <= order->total, "lines cost more than the order");
}

static void verify_state(const struct order_room *room, u32 index, const struct verdict *verdict)
{
    const struct order *order = order_at(room, index);
    const bool is_waiting = saga_state_is(order->state, SAGA_KIND_WAITING);
    EXPECT(saga_state_find(order->state) != NULL, "in no state");
    EXPECT(order->changed_ns >= order->since_ns, "in its state before it changed");
    EXPECT(order_events_valid(order), "a history that cannot be read");
    EXPECT(order->timer_ns == 0 ||
               (heap_has(&room->timers, order->timer_position) &&
                heap_entry_at(&room->timers, order->timer_position).item == index &&
                heap_entry_at(&room->timers, order->timer_position).key == order->timer_ns),
           "its timer is not where the heap has it");
    const bool is_last = room->stuck[order->state].newest == index;
    EXPECT(!is_waiting || is_last || order->stuck_newer != 0, "waits, and is in no list");
}

static void verify_order(const struct shard *shard, u32 index, struct verdict *verdict)
{
    const struct order_room *room = &shard->orders;
    const struct order *order = order_at(room, index);
    verdict->order = order->id;
    verify_state(room, index, verdict);
    verify_lines(order, verdict);
    verify_money(room, order, verdict);
    EXPECT(order_parts_valid(order), "its parcels and returns do not agree with its lines");
    EXPECT(history_has(shard, index), "its owner does not have it");
}

/* Lists and queues have as many members as there are orders and commands that belong there. */
static void verify_counts(const struct order_room *room, const struct verdict *verdict)
{
    u64 waiting = 0, ready = 0, dead = 0, unfinished = 0;
    for (u32 index = 1; index < room->pool.next_fresh; index++)
        waiting += saga_state_is(order_at(room, index)->state, SAGA_KIND_WAITING) ? 1 : 0;
    for (u32 index = 1; index < room->commands.next_fresh; index++) {
        const struct order_command *command = order_command_at(room, index);
        ready += (command->flags & ORDER_COMMAND_QUEUED) != 0 ? 1 : 0;
        dead += command->state == COMMAND_STATE_DEAD ? 1 : 0;
        unfinished += is_undecided(command) ? 1 : 0;
    }
    u64 listed = 0, queued = 0;
    for (u32 state = 0; state < SAGA_STATE_COUNT; state++)
        listed += room->stuck[state].count;
    for (u32 kind = 0; kind < COMMAND_KIND_COUNT; kind++)
        queued += room->ready[kind].count;
    EXPECT(listed == waiting && room->counts.waiting_orders == waiting,
           "orders that wait are counted wrongly");
    EXPECT(queued == ready && room->counts.ready_commands == ready,
           "commands that are ready are counted wrongly");
    EXPECT(room->counts.dead_commands == dead, "commands that are dead are counted wrongly");
    EXPECT(room->unfinished.count == unfinished, "commands under way are counted wrongly");
}

void order_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes)
{
    const struct order_room *room = &shard->orders;
    struct verdict verdict = {.to = to, .text = text, .text_bytes = text_bytes};
    for (u32 index = 1; index < room->pool.next_fresh; index++)
        verify_order(shard, index, &verdict);
    verdict.order = (struct id128){0};
    verify_counts(room, &verdict);
}
