/* order: see shards/order/order.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order.h"

#include <string.h>

#include "shards/order/order_parts.h"
#include "shards/order/order_scratch.h"
#include "shards/shard_state.h"

/* ---- life ---- */

/* As in stock_grant_hash: a wide multiplication mixes both halves. */
u64 order_hash(struct id128 id)
{
    const u64 left = id.low ^ 0x1CAD21F72C81017Cull;
    const u64 right = id.high ^ 0xDB979083E96DD4DEull;
    const route_u128 product = (route_u128)left * right;
    const u64 folded = (u64)product ^ (u64)(product >> 64);
    const u64 mixed = (folded ^ folded >> 32 ^ id.low) * 0xD6E8FEB86659FD93ull;
    return mixed ^ mixed >> 32;
}

static u64 hash_of_order(const void *context, u32 index)
{
    return order_hash(order_at(context, index)->id);
}

static bool order_equal(const void *context, u32 index, const void *key)
{
    const struct id128 *id = key;
    return id128_equal(order_at(context, index)->id, *id);
}

u32 order_find(const struct order_room *room, struct id128 id)
{
    return map_find(&room->map, order_hash(id), order_equal, room, &id);
}

/* Of references and queues nobody asks: several references name one order, queues are soft. */
static u64 hash_of_nothing(const void *context, u32 index)
{
    (void)context;
    (void)index;
    PANIC("records of this map do not know their hash");
}

void order_room_init(struct order_room *room, struct store_memory *memory, struct arena *arena)
{
    *room = (struct order_room){.arena = arena};
    pool_init(&room->pool, memory, sizeof(struct order));
    pool_init(&room->commands, memory, sizeof(struct order_command));
    pool_init(&room->group_queues, memory, sizeof(struct order_group_queue));
    map_init(&room->map, memory, (struct map_records){.context = room, .hash_of = hash_of_order});
    map_init(&room->groups, memory, (struct map_records){.hash_of = hash_of_nothing});
    map_init(&room->references, memory, (struct map_records){.hash_of = hash_of_nothing});
    history_init(room, memory);
}

/* The tables of orders lie in the arena, which goes as a whole; but a load that failed may have left
 * orders in pieces. */
void order_room_deinit(struct order_room *room)
{
    for (u32 i = 1; room->counts.placeholders != 0 && i < room->pool.next_fresh; i++) {
        struct order *order = order_at(room, i);
        if (order->state == SAGA_STATE_NONE && order->body != NULL)
            store_memory_release(room->arena->memory, order->body, order->body_bytes);
    }
    history_deinit(room);
    map_deinit(&room->references);
    map_deinit(&room->groups);
    map_deinit(&room->map);
    pool_deinit(&room->group_queues);
    pool_deinit(&room->commands);
    pool_deinit(&room->pool);
}

u32 order_create(struct order_room *room, struct id128 id)
{
    const u32 index = pool_acquire(&room->pool);
    struct order *order = order_at(room, index);
    order->id = id;
    map_insert(&room->map, order_hash(id), index);
    return index;
}

struct order_scratch *order_scratch_of(struct order_room *room)
{
    if (UNLIKELY(room->scratch == NULL))
        room->scratch = arena_acquire(room->arena, sizeof *room->scratch);
    return room->scratch;
}

/* ---- turns ---- */

struct order_turn order_turn_begin(struct shard *shard, u32 index, u64 now_ns)
{
    struct order_room *room = &shard->orders;
    struct order *order = order_at(room, index);
    if (UNLIKELY(room->is_dumped))
        map_before_change(&room->map, order_hash(order->id));
    return (struct order_turn){
        .shard = shard, .room = room, .order = order, .now_ns = now_ns, .index = index};
}

void order_turn_end(const struct order_turn *turn)
{
    if (turn->shard->mail.own_count != 0)
        mail_apply_own(turn->shard, turn->now_ns);
}

bool order_is_linked(const struct shard_call *call)
{
    return (call->entry->flags & FRAME_FLAG_LINKED) != 0;
}

/* ---- tables ---- */

static void move_table(struct arena *arena, struct order_table *table, u32 row_bytes, u32 capacity)
{
    const u32 bytes = arena_capacity((size_t)capacity * row_bytes);
    u8 *rows = arena_acquire(arena, bytes);
    if (table->count != 0)
        memcpy(rows, table->rows, (size_t)table->count * row_bytes);
    if (table->capacity != 0)
        arena_release(arena, table->rows, (size_t)table->capacity * row_bytes);
    table->rows = rows;
    table->capacity = bytes / row_bytes;
    MUST(table->capacity >= capacity);
}

void order_table_reserve(struct arena *arena, struct order_table *table, u32 row_bytes, u32 count)
{
    if (table->capacity < count)
        move_table(arena, table, row_bytes, MAX(count, table->count));
}

void *order_table_extend(struct arena *arena, struct order_table *table, u32 row_bytes, u32 count)
{
    const u32 needed = table->count + count;
    MUST(needed >= count);
    if (needed > table->capacity)
        move_table(arena, table, row_bytes, MAX(needed, table->capacity * 2));
    u8 *row = table->rows + (size_t)table->count * row_bytes;
    table->count = needed;
    return row;
}

void *order_table_push(struct arena *arena, struct order_table *table, u32 row_bytes)
{
    return memset(order_table_extend(arena, table, row_bytes, 1), 0, row_bytes);
}

void order_table_release(struct arena *arena, struct order_table *table, u32 row_bytes)
{
    if (table->capacity != 0)
        arena_release(arena, table->rows, (size_t)table->capacity * row_bytes);
    *table = (struct order_table){0};
}

void *order_table_fit(struct arena *arena, struct order_table *table, u32 row_bytes, u32 count)
{
    if (count == 0 || count > table->capacity)
        order_table_release(arena, table, row_bytes);
    table->count = 0;
    return count != 0 ? order_table_extend(arena, table, row_bytes, count) : NULL;
}

/* ---- states ---- */

static bool is_frozen_in(u16 state)
{
    return state == SAGA_STATE_AUTHORIZING || state == SAGA_STATE_AUTH_UNKNOWN ||
           state == SAGA_STATE_ACTION_REQUIRED || state == SAGA_STATE_CONFIRMING;
}

/* When somebody must look after an order in this state; 0 = its commands have times of their own. */
static u64 timer_of(const struct order_turn *turn)
{
    const struct policy *policy = settings_policy(&turn->shard->settings);
    const struct order *order = turn->order;
    switch (order->state) {
    case SAGA_STATE_AUTHORIZING:
    case SAGA_STATE_ACTION_REQUIRED:
        return MIN(turn->now_ns + policy->payment_lease_ms * NS_PER_MS, order->unpaid_ns);
    case SAGA_STATE_AUTH_UNKNOWN: return order->unpaid_ns;
    default: return 0;
    }
}

static void leave_state(const struct order_turn *turn)
{
    const u8 kind = saga_kinds[turn->order->state];
    if (kind == SAGA_KIND_WAITING) {
        order_stuck_leave(turn->room, turn->index);
        turn->room->counts.waiting_orders--;
    }
    if (kind != SAGA_KIND_RESTING)
        turn->room->counts.open_orders--;
    if (turn->order->timer_ns != 0)
        order_timer_set(turn, 0);
}

static void enter_state(const struct order_turn *turn)
{
    const u8 kind = saga_kinds[turn->order->state];
    turn->order->since_ns = turn->now_ns;
    if (kind != SAGA_KIND_RESTING)
        turn->room->counts.open_orders++;
    if (kind != SAGA_KIND_WAITING)
        return;
    order_stuck_enter(turn->room, turn->index);
    turn->room->counts.waiting_orders++;
    const u64 timer_ns = timer_of(turn);
    if (timer_ns != 0)
        order_timer_set(turn, timer_ns);
}

bool order_may(const struct order *order, enum saga_event event)
{
    return saga_way(order->state, (u16)event) != SAGA_LINE_NONE;
}

void order_go(const struct order_turn *turn, enum saga_event event)
{
    struct order *order = turn->order;
    const u16 from = order->state;
    const u16 line = saga_way(from, (u16)event);
    MUST(line != SAGA_LINE_NONE); /* I1 */
    turn->room->lines[line]++;
    notice_raise(&turn->shard->notices, notice_token_order(order->id.low, order->id.high));
    const u16 to = saga_target(line);
    if (to == from)
        return;
    leave_state(turn);
    order->state = to;
    enter_state(turn);
    order_event_add(turn, &(struct order_event){.kind = ORDER_EVENT_STATE_CHANGED});
    if ((order->flags & ORDER_FLAG_FROM_CART) != 0 && is_frozen_in(from) != is_frozen_in(to))
        cart_freeze(turn->shard, order_user(order->id), order->id, is_frozen_in(to));
    if (order->basket_ns == 0)
        order_basket(turn);
}

u64 order_line_count(const struct order_room *room, size_t index)
{
    MUST(index < SAGA_LINE_COUNT - 1);
    return room->lines[index + 1];
}
