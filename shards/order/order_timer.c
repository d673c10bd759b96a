/* order_timer: what happens when nothing happens. Declared in shards/order/order.h.
 *
 *      heap waiting  --due at the stamp-->  heap due_commands  --by ticket-->  order_command_due
 *      heap timers   --due at the stamp-->  heap due_orders    --by ticket-->  the state's time is over
 *
 * Everything that is due at a stamp is first moved over, then done in the order of tickets. A heap alone
 * would do what is due at one and the same time in an order that depends on its past, and that is
 * another one after a restart from a snapshot. Tickets are given once and are part of the state.
 * Acting on one thing may end another one that is due too; it is then taken out of either heap.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_timer.h"

#include "shards/mail/mail.h"
#include "shards/shard_state.h"

static void order_moved(void *context, u32 item, u32 position)
{
    order_at(context, item)->timer_position = position;
}

static void command_moved(void *context, u32 item, u32 position)
{
    order_command_at(context, item)->position = position;
}

static struct heap_owner owner_of_orders(struct order_room *room)
{
    return (struct heap_owner){.arena = room->arena, .context = room, .moved = order_moved};
}

static struct heap_owner owner_of_commands(struct order_room *room)
{
    return (struct heap_owner){.arena = room->arena, .context = room, .moved = command_moved};
}

u64 order_ticket(struct order_room *room)
{
    return ++room->last_ticket;
}

/* ---- setting ---- */

void order_timer_set(const struct order_turn *turn, u64 at_ns)
{
    struct order_room *room = turn->room;
    struct order *order = turn->order;
    const struct heap_owner owner = owner_of_orders(room);
    if (order->timer_ns != 0)
        heap_remove(order->is_due != 0 ? &room->due_orders : &room->timers, &owner,
                    order->timer_position);
    order->is_due = 0;
    order->timer_ns = at_ns;
    if (at_ns == 0)
        return;
    order->timer_ticket = order_ticket(room);
    order_timer_enlist(room, turn->index);
}

void order_timer_enlist(struct order_room *room, u32 index)
{
    const struct heap_owner owner = owner_of_orders(room);
    MUST(order_at(room, index)->timer_ns != 0);
    heap_push(&room->timers, &owner, order_at(room, index)->timer_ns, index);
}

void order_command_time(struct order_room *room, u32 index)
{
    struct order_command *command = order_command_at(room, index);
    const struct heap_owner owner = owner_of_commands(room);
    MUST(command->due_ns != 0 && (command->flags & ORDER_COMMAND_PLACED) == 0); /* I4 */
    command->flags |= ORDER_COMMAND_TIMED;
    heap_push(&room->waiting, &owner, command->due_ns, index);
}

void order_command_untime(struct order_room *room, u32 index)
{
    struct order_command *command = order_command_at(room, index);
    const struct heap_owner owner = owner_of_commands(room);
    if ((command->flags & ORDER_COMMAND_TIMED) == 0)
        return;
    const bool is_due = (command->flags & ORDER_COMMAND_DUE) != 0;
    heap_remove(is_due ? &room->due_commands : &room->waiting, &owner, command->position);
    command->flags &= (u8) ~(ORDER_COMMAND_TIMED | ORDER_COMMAND_DUE);
}

/* ---- ringing ---- */

static bool spend(u32 *budget)
{
    if (*budget == 0)
        return false;
    *budget -= 1;
    return true;
}

/* Moves over what is due. False: the budget is spent first. */
static bool gather_due(struct order_room *room, u64 stamp_ns, u32 *budget)
{
    const struct heap_owner commands = owner_of_commands(room);
    while (heap_count(&room->waiting) != 0 && heap_top(&room->waiting).key <= stamp_ns) {
        if (!spend(budget)) /* ends: one less each time */
            return false;
        const u32 index = heap_top(&room->waiting).item;
        heap_pop(&room->waiting, &commands);
        order_command_at(room, index)->flags |= ORDER_COMMAND_DUE;
        heap_push(&room->due_commands, &commands, order_command_at(room, index)->ticket, index);
    }
    const struct heap_owner orders = owner_of_orders(room);
    while (heap_count(&room->timers) != 0 && heap_top(&room->timers).key <= stamp_ns) {
        if (!spend(budget)) /* ends: one less each time */
            return false;
        const u32 index = heap_top(&room->timers).item;
        heap_pop(&room->timers, &orders);
        order_at(room, index)->is_due = 1;
        heap_push(&room->due_orders, &orders, order_at(room, index)->timer_ticket, index);
    }
    return true;
}

/* The time of the order's state is over. */
static void order_due(const struct order_turn *turn)
{
    const u16 state = turn->order->state;
    order_timer_set(turn, 0);
    if (state == SAGA_STATE_AUTHORIZING) {
        order_no_answer(turn);
        return;
    }
    MUST(state == SAGA_STATE_ACTION_REQUIRED || state == SAGA_STATE_AUTH_UNKNOWN);
    if (turn->now_ns < turn->order->unpaid_ns) {
        order_no_answer(turn);
        return;
    }
    order_event_add(turn, &(struct order_event){.kind = ORDER_EVENT_EXPIRED});
    order_fail(turn, SAGA_EVENT_UNPAID, STATUS_PAYMENT_EXPIRED);
}

/* What is due has been told apart by now, so each can change the other: an order that gives up takes
 * its commands back. */
static bool act_on_due(struct shard *shard, u64 stamp_ns, u32 *budget)
{
    struct order_room *room = &shard->orders;
    while (heap_count(&room->due_commands) != 0) { /* ends: one less each time */
        if (!spend(budget))
            return false;
        const u32 index = heap_top(&room->due_commands).item;
        const struct order_turn turn =
            order_turn_begin(shard, order_command_at(room, index)->order, stamp_ns);
        order_command_untime(room, index);
        order_command_due(&turn, index);
        order_turn_end(&turn);
    }
    while (heap_count(&room->due_orders) != 0) { /* ends: one less each time */
        if (!spend(budget))
            return false;
        const struct order_turn turn =
            order_turn_begin(shard, heap_top(&room->due_orders).item, stamp_ns);
        order_due(&turn);
        order_turn_end(&turn);
    }
    return true;
}

/* The two halves take turns as wholes, however the budget cuts them, so that the order of things does
 * not depend on it. */
bool order_expire(struct shard *shard, u64 stamp_ns, u32 *budget)
{
    struct order_room *room = &shard->orders;
    for (;;) { /* ends: a saga has no way around that takes no time */
        if (!room->is_acting) {
            if (!gather_due(room, stamp_ns, budget))
                return false;
            if (heap_count(&room->due_commands) == 0 && heap_count(&room->due_orders) == 0)
                return true;
            room->is_acting = true;
        }
        if (!act_on_due(shard, stamp_ns, budget))
            return false;
        room->is_acting = false;
    }
}

u64 order_next_deadline_ns(const struct order_room *room)
{
    const u64 timer = heap_count(&room->timers) != 0 ? heap_top(&room->timers).key : UINT64_MAX;
    const u64 waiting = heap_count(&room->waiting) != 0 ? heap_top(&room->waiting).key : UINT64_MAX;
    return MIN(timer, waiting);
}
