/* order_dump: orders on their way into a snapshot and back.
 *
 *      scalars   the last ticket
 *      piece     order id, length of the whole, offset, bytes
 *
 *      the whole of an order: struct dump_order, then its tables one after the other, each padded to 8
 *                             bytes, then its commands as struct dump_command
 *
 * Most orders are one piece. Pieces come back in any order: the first one of an order makes it, with
 * room for the whole; when all of them are there it is taken apart and judged. What is soft (heaps,
 * queues, lists, references) is made when everything is there: entries that are sorted by tickets, and
 * lists by time, are sorted first, so that they are as they were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/checksum.h"
#include "proto/money.h"
#include "shards/order/order_outbox.h"
#include "shards/order/order_parts.h"
#include "shards/order/order_timer.h"
#include "shards/shard_state.h"

struct dump_order {
    u64 owner;
    u64 group_id;
    u64 fingerprint;
    u64 created_ns;
    u64 placed_ns;
    u64 delivered_ns;
    u64 changed_ns;
    u64 since_ns;
    u64 timer_ns;
    u64 timer_ticket;
    u64 unpaid_ns;
    u64 basket_ns;
    i64 expected_total;
    i64 goods, discount, charges, total;
    i64 given_up;
    i64 cancelled_worth;
    i64 capture_asked;
    u64 cart_version;
    u32 lines, charge_rows, tenders, coupons, holds, texts, address, asked, amounts, failed,
        parcels, returns, parts, events, action;
    u32 commands;
    u32 event_count;
    u32 last_payment;
    u32 round;
    u32 last_step;
    u32 basket;
    u32 zero0;
    u16 state;
    u16 reason;
    u16 currency;
    u8 capture;
    u8 flags;
};
STATIC_CHECK(sizeof(struct dump_order) == 264);

struct dump_command {
    u64 since_ns;
    u64 due_ns;
    u64 ticket;
    i64 amount;
    u32 step;
    u32 attempt;
    u32 deliveries;
    u32 reason;
    u32 group;
    u32 subject;
    u32 subject_attempt;
    u8 kind;
    u8 state;
    u8 tender;
    u8 flags; /* with ORDER_COMMAND_TIMED: it has a due time, also if it is READY */
};
STATIC_CHECK(sizeof(struct dump_command) == 64);

struct dump_piece {
    struct id128 order;
    u32 total_bytes;
    u32 offset;
    u32 piece_bytes;
    u32 zero0;
};
STATIC_CHECK(sizeof(struct dump_piece) == 32);
#define PIECE_BYTES (32u << 10)
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_piece) + PIECE_BYTES <=
             DUMP_RECORD_BYTES_MAX);

struct dump_scalars {
    u64 last_ticket;
};

/* The tables in the order in which they are written. */
struct table_info {
    u32 table; /* offset of the struct order_table in struct order */
    u32 count; /* offset of the count in struct dump_order */
    u32 row_bytes;
    u32 count_max;
};
#define TABLE(name, type, most)                                                                    \
    {                                                                                              \
        offsetof(struct order, name), offsetof(struct dump_order, name), (u32)sizeof(type), (most) \
    }
static const struct table_info tables[] = {
    TABLE(lines, struct row_order_line, ORDER_LINES_MAX),
    TABLE(charge_rows, struct row_charge, ORDER_CHARGES_MAX),
    TABLE(tenders, struct order_tender, ORDER_TENDERS_MAX),
    TABLE(coupons, struct order_coupon, ORDER_COUPONS_MAX),
    TABLE(holds, struct order_hold, SHARDS_MAX),
    TABLE(texts, u8, ORDER_TENDERS_MAX *TEXT64_BYTES),
    TABLE(address, u8, ADDRESS_BYTES_MAX),
    TABLE(asked, struct order_asked, ORDER_LINES_MAX),
    TABLE(amounts, struct row_amount, ORDER_AMOUNTS_MAX),
    TABLE(failed, struct row_failed_line, ORDER_LINES_MAX + ORDER_ITEMS_MAX),
    TABLE(parcels, struct order_parcel, ORDER_PARCELS_MAX),
    TABLE(returns, struct order_return, ORDER_PARCELS_MAX),
    TABLE(parts, struct row_part, ORDER_PARTS_MAX),
    TABLE(events, u8, ARENA_BYTES_MAX),
    TABLE(action, u8, ACTION_BYTES_MAX),
};
#undef TABLE

static struct order_table *table_of(struct order *order, u32 i)
{
    return (struct order_table *)(void *)((u8 *)order + tables[i].table);
}

static u32 count_in(const struct dump_order *fixed, u32 i)
{
    u32 count;
    memcpy(&count, (const u8 *)fixed + tables[i].count, sizeof count);
    return count;
}

static u32 table_bytes(u32 i, u32 count)
{
    return ROUND_UP(count * tables[i].row_bytes, 8u);
}

/* ---- out ---- */

/* The whole of an order on its way into pieces. */
struct stream {
    struct dump_sink *sink;
    struct dump_piece piece;
    u32 used;
    u8 bytes[PIECE_BYTES];
};

static void flush(struct stream *stream)
{
    stream->piece.piece_bytes = stream->used;
    dump_put(stream->sink, DUMP_KIND_ORDER, &stream->piece, sizeof stream->piece, stream->bytes,
             stream->used);
    stream->piece.offset += stream->used;
    stream->used = 0;
}

static void put_bytes(struct stream *stream, const void *from, u32 bytes)
{
    const u8 *at = from;
    while (bytes != 0) { /* ends: some less each time */
        if (stream->used == PIECE_BYTES)
            flush(stream);
        const u32 count = MIN(bytes, PIECE_BYTES - stream->used);
        memcpy(stream->bytes + stream->used, at, count);
        stream->used += count;
        at += count;
        bytes -= count;
    }
}

static void put_table(struct stream *stream, const struct order *order, u32 i)
{
    static const u8 zeros[8];
    const struct order_table *table =
        (const struct order_table *)(const void *)((const u8 *)order + tables[i].table);
    const u32 bytes = table->count * tables[i].row_bytes;
    if (bytes == 0)
        return;
    put_bytes(stream, table->rows, bytes);
    put_bytes(stream, zeros, table_bytes(i, table->count) - bytes);
}

static struct dump_order head_of(const struct order *order)
{
    struct dump_order fixed = {.owner = order->owner,
                               .group_id = order->group_id,
                               .fingerprint = order->fingerprint,
                               .created_ns = order->created_ns,
                               .placed_ns = order->placed_ns,
                               .delivered_ns = order->delivered_ns,
                               .changed_ns = order->changed_ns,
                               .since_ns = order->since_ns,
                               .timer_ns = order->timer_ns,
                               .timer_ticket = order->timer_ticket,
                               .unpaid_ns = order->unpaid_ns,
                               .basket_ns = order->basket_ns,
                               .expected_total = order->expected_total,
                               .goods = order->goods,
                               .discount = order->discount,
                               .charges = order->charges,
                               .total = order->total,
                               .given_up = order->given_up,
                               .cancelled_worth = order->cancelled_worth,
                               .capture_asked = order->capture_asked,
                               .cart_version = order->cart_version,
                               .event_count = order->event_count,
                               .last_payment = order->last_payment,
                               .round = order->round,
                               .last_step = order->last_step,
                               .basket = order->basket,
                               .state = order->state,
                               .reason = order->reason,
                               .currency = order->currency,
                               .capture = order->capture,
                               .flags = order->flags};
    for (u32 i = 0; i < ARRAY_COUNT(tables); i++) {
        const struct order_table *table =
            (const struct order_table *)(const void *)((const u8 *)order + tables[i].table);
        memcpy((u8 *)&fixed + tables[i].count, &table->count, sizeof table->count);
    }
    return fixed;
}

static struct dump_command command_head(const struct order_command *command)
{
    const u8 flags = command->flags;
    return (struct dump_command){
        .since_ns = command->since_ns,
        .due_ns = command->due_ns,
        .ticket = command->ticket,
        .amount = command->amount,
        .step = command->step,
        .attempt = command->attempt,
        .deliveries = command->deliveries,
        .reason = command->reason,
        .group = command->group,
        .subject = command->subject,
        .subject_attempt = command->subject_attempt,
        .kind = command->kind,
        .state = command->state,
        .tender = command->tender,
        .flags = (u8)((flags & ~ORDER_COMMAND_SOFT) | (flags & ORDER_COMMAND_TIMED))};
}

static void dump_order(const struct order_room *room, const struct order *order,
                       struct dump_sink *sink)
{
    struct stream stream;
    stream.sink = sink;
    stream.used = 0;
    struct dump_order fixed = head_of(order);
    u32 total = (u32)sizeof fixed;
    for (u32 i = 0; i < ARRAY_COUNT(tables); i++)
        total += table_bytes(i, count_in(&fixed, i));
    for (u32 index = order->first_command; index != 0;) {
        fixed.commands++;
        index = order_command_at(room, index)->next;
    }
    total += fixed.commands * (u32)sizeof(struct dump_command);
    stream.piece = (struct dump_piece){.order = order->id, .total_bytes = total};
    put_bytes(&stream, &fixed, sizeof fixed);
    for (u32 i = 0; i < ARRAY_COUNT(tables); i++)
        put_table(&stream, order, i);
    for (u32 index = order->first_command; index != 0;) {
        const struct order_command *command = order_command_at(room, index);
        const struct dump_command head = command_head(command);
        put_bytes(&stream, &head, sizeof head);
        index = command->next;
    }
    flush(&stream);
    MUST(stream.piece.offset == total);
}

void order_dump_bucket(struct order_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++)
        dump_order(room, order_at(room, indexes[i]), sink);
}

void order_dump_scalars(const struct order_room *room, struct dump_sink *sink)
{
    const struct dump_scalars scalars = {.last_ticket = room->last_ticket};
    dump_put(sink, DUMP_KIND_ORDER_SCALARS, &scalars, sizeof scalars, NULL, 0);
}

/* ---- in: judging ---- */

static bool amount_good(i64 amount)
{
    return amount >= 0 && amount <= COUNTER_MAX;
}

static bool head_good(const struct dump_order *fixed)
{
    return saga_state_find(fixed->state) != NULL && fixed->owner != 0 &&
           currency_find(fixed->currency) != NULL && fixed->capture <= CAPTURE_POLICY_ON_SHIP &&
           fixed->lines != 0 && amount_good(fixed->expected_total) && amount_good(fixed->goods) &&
           amount_good(fixed->discount) && amount_good(fixed->total) &&
           fixed->charges <= COUNTER_MAX && fixed->charges >= -COUNTER_MAX &&
           amount_good(fixed->given_up) && amount_good(fixed->cancelled_worth) &&
           fixed->cancelled_worth <= fixed->given_up && amount_good(fixed->capture_asked) &&
           (fixed->asked == 0 || fixed->asked == fixed->lines) &&
           fixed->commands == fixed->last_step && fixed->zero0 == 0 &&
           fixed->basket < 1u << BASKET_PRODUCTS_MAX &&
           (fixed->basket == 0 || fixed->basket_ns != 0);
}

/* The length of the whole, 0 if there are more rows than there can be. */
static u64 whole_bytes(const struct dump_order *fixed)
{
    u64 bytes = sizeof *fixed + (u64)fixed->commands * sizeof(struct dump_command);
    for (u32 i = 0; i < ARRAY_COUNT(tables); i++) {
        if (count_in(fixed, i) > tables[i].count_max)
            return 0;
        bytes += table_bytes(i, count_in(fixed, i));
    }
    return bytes;
}

/* More than any order has: what comes in pieces gets its room before it is judged. Each command is at
 * least an event of some bytes. */
static u64 whole_bytes_max(void)
{
    u64 bytes = sizeof(struct dump_order) + ARENA_BYTES_MAX / 4 * sizeof(struct dump_command);
    for (u32 i = 0; i < ARRAY_COUNT(tables); i++)
        bytes += ROUND_UP((u64)tables[i].count_max * tables[i].row_bytes, 8u);
    return bytes;
}

static bool lines_good(const struct order *order)
{
    for (u32 i = 0; i < order->lines.count; i++) {
        const struct row_order_line *line = &order_lines(order)[i];
        const i64 returned = line->returned_sellable + line->returned_damaged;
        if (line->sku_id == 0 || line->quantity < 1 || line->quantity > QUANTITY_MAX ||
            !amount_good(line->total) || !amount_good(line->discount) || line->allocated < 0 ||
            line->shipped < 0 || line->cancelled < 0 || line->delivered < 0 || returned < 0 ||
            line->delivered > line->shipped || returned > line->delivered)
            return false;
        if (order->placed_ns != 0 &&
            line->allocated + line->shipped + line->cancelled != line->quantity)
            return false;
    }
    return true;
}

static bool tenders_good(const struct order *order)
{
    for (u32 i = 0; i < order->tenders.count; i++) {
        const struct order_tender *tender = &order_tenders(order)[i];
        if (tender->kind > TENDER_KIND_CREDIT || tender->state < TENDER_STATE_WAITING ||
            tender->state > TENDER_STATE_RELEASED ||
            (u64)tender->token + tender->token_bytes > order->texts.count ||
            (u64)tender->reference + tender->reference_bytes > order->events.count ||
            tender->token_bytes > TEXT64_BYTES || tender->reference_bytes > TEXT64_BYTES ||
            !amount_good(tender->amount) || !amount_good(tender->authorized) ||
            !amount_good(tender->captured) || !amount_good(tender->refunded) ||
            !amount_good(tender->capturing) || !amount_good(tender->refunding) ||
            !amount_good(tender->overcharged) || !amount_good(tender->overcharge_back) ||
            !amount_good(tender->charged_back) || !amount_good(tender->forced) ||
            !amount_good(tender->forced_back))
            return false;
    }
    return true;
}

static bool holds_good(const struct order *order, u16 shard_count)
{
    for (u32 i = 0; i < order->holds.count; i++)
        if (order_holds(order)[i].shard >= shard_count ||
            order_holds(order)[i].state > ORDER_HOLD_RELEASED)
            return false;
    return true;
}

/* A question is about something that moves money, and came before it. */
static bool subject_good(const struct order_room *room, const struct order *order,
                         const struct dump_command *query)
{
    const u32 index = order_command_find(room, order, query->subject);
    return index != 0 && order_command_at(room, index)->kind < COMMAND_KIND_QUERY;
}

static bool command_good(const struct order *order, const struct dump_command *command, u32 step)
{
    const bool has_tender = command->kind != COMMAND_KIND_NOTIFY_SHIPPED;
    const bool is_timed = (command->flags & ORDER_COMMAND_TIMED) != 0;
    if (command->kind < COMMAND_KIND_AUTHORIZE || command->kind >= COMMAND_KIND_COUNT ||
        command->state < COMMAND_STATE_READY || command->state > COMMAND_STATE_TAKEN_BACK ||
        command->step != step || command->attempt == 0 || !amount_good(command->amount))
        return false;
    if (is_timed && (command->due_ns == 0 || command->state > COMMAND_STATE_WAITING))
        return false;
    if (command->state == COMMAND_STATE_LEASED && !is_timed)
        return false;
    return !has_tender || (command->tender < order->tenders.count &&
                           order_tenders(order)[command->tender].kind == TENDER_KIND_OUTSIDE);
}

/* ---- in: taking apart ---- */

/* The whole of an order that was loaded, before it is one. */
struct whole {
    const u8 *bytes;
    u32 count;
    u32 offset;
};

static void take_head(struct order *order, const struct dump_order *fixed)
{
    order->owner = fixed->owner;
    order->group_id = fixed->group_id;
    order->fingerprint = fixed->fingerprint;
    order->created_ns = fixed->created_ns;
    order->placed_ns = fixed->placed_ns;
    order->delivered_ns = fixed->delivered_ns;
    order->changed_ns = fixed->changed_ns;
    order->since_ns = fixed->since_ns;
    order->timer_ns = fixed->timer_ns;
    order->timer_ticket = fixed->timer_ticket;
    order->unpaid_ns = fixed->unpaid_ns;
    order->expected_total = fixed->expected_total;
    order->goods = fixed->goods;
    order->discount = fixed->discount;
    order->charges = fixed->charges;
    order->total = fixed->total;
    order->given_up = fixed->given_up;
    order->cancelled_worth = fixed->cancelled_worth;
    order->capture_asked = fixed->capture_asked;
    order->cart_version = fixed->cart_version;
    order->event_count = fixed->event_count;
    order->last_payment = fixed->last_payment;
    order->round = fixed->round;
    order->last_step = fixed->last_step;
    order->basket_ns = fixed->basket_ns;
    order->basket = fixed->basket;
    order->state = fixed->state;
    order->reason = fixed->reason;
    order->currency = fixed->currency;
    order->capture = fixed->capture;
    order->flags = fixed->flags;
}

static void take_table(struct order_room *room, struct order *order, u32 i, u32 count,
                       struct whole *whole)
{
    if (count == 0)
        return;
    struct order_table *table = table_of(order, i);
    memcpy(order_table_fit(room->arena, table, tables[i].row_bytes, count),
           whole->bytes + whole->offset, (size_t)count * tables[i].row_bytes);
    whole->offset += table_bytes(i, count);
}

static void take_command(struct order_room *room, u32 order, const struct dump_command *from)
{
    const u32 index = pool_acquire(&room->commands);
    struct order_command *command = order_command_at(room, index);
    *command = (struct order_command){.since_ns = from->since_ns,
                                      .due_ns = from->due_ns,
                                      .ticket = from->ticket,
                                      .amount = from->amount,
                                      .order = order,
                                      .step = from->step,
                                      .attempt = from->attempt,
                                      .deliveries = from->deliveries,
                                      .reason = from->reason,
                                      .group = from->group,
                                      .subject = from->subject,
                                      .subject_attempt = from->subject_attempt,
                                      .kind = from->kind,
                                      .state = from->state,
                                      .tender = from->tender,
                                      .flags = from->flags}; /* TIMED: until it is (load_finish) */
    order_command_chain(room, order_at(room, order), index);
}

static const char *take_apart(struct order_room *room, u32 index, struct whole *whole)
{
    struct order *order = order_at(room, index);
    struct dump_order fixed;
    if (whole->count < sizeof fixed)
        return "an order is too short";
    memcpy(&fixed, whole->bytes, sizeof fixed);
    whole->offset = (u32)sizeof fixed;
    if (whole_bytes(&fixed) != whole->count)
        return "an order has a length that does not fit its tables";
    if (!head_good(&fixed))
        return "an order has a field that cannot be";
    take_head(order, &fixed);
    for (u32 i = 0; i < ARRAY_COUNT(tables); i++)
        take_table(room, order, i, count_in(&fixed, i), whole);
    if (!order_events_valid(order))
        return "an order has a history that cannot be read";
    if (!lines_good(order) || !tenders_good(order))
        return "an order has lines or tenders that cannot be";
    for (u32 i = 0; i < fixed.commands; i++) {
        struct dump_command command;
        memcpy(&command, whole->bytes + whole->offset, sizeof command);
        whole->offset += (u32)sizeof command;
        if (!command_good(order, &command, i + 1) ||
            (command.kind == COMMAND_KIND_QUERY && !subject_good(room, order, &command)))
            return "an order has a command that cannot be";
        take_command(room, index, &command);
    }
    return NULL;
}

/* Until all pieces are there, an order is in no state and lends its body to them. */
static const char *take_piece(struct order_room *room, const struct dump_piece *piece,
                              const u8 *bytes)
{
    u32 index = order_find(room, piece->order);
    if (index == 0) {
        index = order_create(room, piece->order);
        struct order *order = order_at(room, index);
        order->body_bytes = piece->total_bytes;
        order->body = store_memory_acquire(room->arena->memory, piece->total_bytes);
        room->counts.placeholders++;
    }
    struct order *order = order_at(room, index);
    if (order->state != SAGA_STATE_NONE || order->body_bytes != piece->total_bytes)
        return "pieces of an order do not fit";
    memcpy(order->body + piece->offset, bytes, piece->piece_bytes);
    order->event_count += piece->piece_bytes; /* what has come so far */
    if (order->event_count < order->body_bytes)
        return NULL;
    if (order->event_count > order->body_bytes)
        return "pieces of an order overlap";
    struct whole whole = {.bytes = order->body, .count = order->body_bytes};
    u8 *lent = order->body;
    order->body = NULL;
    order->body_bytes = 0;
    order->event_count = 0;
    room->counts.placeholders--;
    const char *reason = take_apart(room, index, &whole);
    store_memory_release(room->arena->memory, lent, whole.count);
    return reason;
}

/* An order in one piece needs no room in between. */
static const char *take_whole(struct order_room *room, const struct dump_piece *piece,
                              const u8 *bytes)
{
    if (order_find(room, piece->order) != 0)
        return "an order comes twice";
    struct whole whole = {.bytes = bytes, .count = piece->piece_bytes};
    return take_apart(room, order_create(room, piece->order), &whole);
}

const char *order_load(struct order_room *room, u16 kind, const u8 *body, u32 bytes)
{
    if (kind == DUMP_KIND_ORDER_SCALARS) {
        struct dump_scalars scalars;
        if (bytes != sizeof scalars)
            return "the scalars of orders have a wrong length";
        memcpy(&scalars, body, sizeof scalars);
        room->last_ticket = scalars.last_ticket;
        return NULL;
    }
    struct dump_piece piece;
    if (bytes < sizeof piece)
        return "a piece of an order is too short";
    memcpy(&piece, body, sizeof piece);
    if (order_user(piece.order) == 0 || piece.piece_bytes == 0 || piece.zero0 != 0 ||
        piece.piece_bytes > PIECE_BYTES || piece.total_bytes > whole_bytes_max() ||
        piece.offset > piece.total_bytes || piece.piece_bytes > piece.total_bytes - piece.offset ||
        bytes != sizeof piece + ROUND_UP(piece.piece_bytes, 8u))
        return "a piece of an order has a length that cannot be";
    if (piece.piece_bytes == piece.total_bytes)
        return take_whole(room, &piece, body + sizeof piece);
    return take_piece(room, &piece, body + sizeof piece);
}

/* ---- in: what is soft ---- */

static void forget_position(void *context, u32 item, u32 position)
{
    (void)context;
    (void)item;
    (void)position;
}

/* Things in the order of their numbers: a heap that is filled and emptied. */
struct sorter {
    struct heap heap;
    struct heap_owner owner;
};

static struct sorter sorter_of(struct order_room *room)
{
    return (struct sorter){.owner = {.arena = room->arena, .moved = forget_position}};
}

static u32 sorter_next(struct sorter *sorter)
{
    if (heap_count(&sorter->heap) == 0)
        return 0;
    const u32 index = heap_top(&sorter->heap).item;
    heap_pop(&sorter->heap, &sorter->owner);
    return index;
}

static void queue_commands(struct order_room *room)
{
    struct sorter ready = sorter_of(room);
    for (u32 index = 1; index < room->commands.next_fresh; index++) {
        struct order_command *command = order_command_at(room, index);
        const bool is_timed = (command->flags & ORDER_COMMAND_TIMED) != 0;
        command->flags &= (u8)~ORDER_COMMAND_SOFT;
        order_command_list_up(room, index);
        room->counts.dead_commands += command->state == COMMAND_STATE_DEAD ? 1 : 0;
        if (is_timed)
            order_command_time(room, index);
        else if (command->state == COMMAND_STATE_READY)
            heap_push(&ready.heap, &ready.owner, command->ticket, index);
    }
    for (u32 index; (index = sorter_next(&ready)) != 0;) /* ends: one less each time */
        order_command_queue(room, index);
}

static void list_orders(struct order_room *room)
{
    struct sorter waiting = sorter_of(room);
    for (u32 index = 1; index < room->pool.next_fresh; index++) {
        const struct order *order = order_at(room, index);
        if (order->timer_ns != 0)
            order_timer_enlist(room, index);
        if (!saga_state_is(order->state, SAGA_KIND_RESTING))
            room->counts.open_orders++;
        if (!saga_state_is(order->state, SAGA_KIND_WAITING))
            continue;
        room->counts.waiting_orders++;
        heap_push(&waiting.heap, &waiting.owner, order->since_ns, index);
    }
    for (u32 index; (index = sorter_next(&waiting)) != 0;) /* ends: one less each time */
        order_stuck_enter(room, index);
}

const char *order_load_finish(struct shard *shard)
{
    struct order_room *room = &shard->orders;
    if (room->counts.placeholders != 0)
        return "an order lacks a piece";
    for (u32 index = 1; index < room->pool.next_fresh; index++) {
        const struct order *order = order_at(room, index);
        if (!holds_good(order, shard->options.count) ||
            !shard_owns(shard, route_hash_u64(order_user(order->id))))
            return "an order has a shard that cannot be";
        order_references_enter(room, index);
    }
    queue_commands(room);
    list_orders(room);
    const char *reason = history_load_finish(shard);
    if (reason != NULL)
        return reason;
    struct msg_verify_rsp sums;
    memset(&sums, 0, sizeof sums);
    u32 text_bytes = 0;
    order_verify(shard, &sums, NULL, &text_bytes);
    return sums.violations != 0 ? "the sums of an order do not agree" : NULL;
}
