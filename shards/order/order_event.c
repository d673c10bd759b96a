/* order_event: the history of an order, a few bytes per event. Declared in shards/order/order.h.
 *
 *      offset size
 *           0    1  kind     enum order_event_kind
 *           1    1  marks    which of the optional fields there are
 *           2    1  state    enum saga_state
 *           3  1-10 time     since the event before it, or since the order was created, in ns
 *              1-10 value    zigzag                             if marked
 *              1-10 what                                        if marked
 *               1-3 status                                      if marked
 *             3-7 payment  kind of payment event, attempt,    if marked
 *                          how far back the one before begins, 0 = it is the first
 *             1 + n text     its length, its bytes              if marked
 *
 * Numbers are little-endian groups of 7 bits, the top bit of a byte says that more follow. A paid order
 * has a dozen events in about 120 bytes; fixed records of 40 bytes would be four times that. Events of
 * payments are chained, the last one first: each new one is compared with all before it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/order/order.h"

#define NUMBER_BYTES_MAX   10u
#define NOISE_BYTES_MAX    (256u << 10)
#define EVENTS_BYTES_FIRST 192u /* enough for most orders */

/* Whatever happens by itself after clients are refused must still fit. */
STATIC_CHECK(ORDER_HISTORY_BYTES_MAX + (256u << 10) <= ARENA_BYTES_MAX);

enum mark {
    MARK_VALUE = 1 << 0,
    MARK_WHAT = 1 << 1,
    MARK_STATUS = 1 << 2,
    MARK_PAYMENT = 1 << 3,
    MARK_TEXT = 1 << 4
};

static inline u8 *put_number(u8 *to, u64 number)
{
    while (UNLIKELY(number >= 128)) { /* ends: 7 bits less each time */
        *to++ = (u8)(number | 128);
        number >>= 7;
    }
    *to++ = (u8)number;
    return to;
}

static u64 zigzag(i64 number)
{
    return (u64)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static i64 zigzag_back(u64 number)
{
    return (i64)(number >> 1 ^ ((number & 1) != 0 ? UINT64_MAX : 0));
}

static u8 marks_of(const struct order_event *event)
{
    return (u8)((event->value != 0 ? MARK_VALUE : 0) | (event->what != 0 ? MARK_WHAT : 0) |
                (event->status != 0 ? MARK_STATUS : 0) | (event->payment != 0 ? MARK_PAYMENT : 0) |
                (event->text_bytes != 0 ? MARK_TEXT : 0));
}

/* What comes often, and is not missed in a history that has become long. */
static bool is_noise(u16 kind)
{
    return kind == ORDER_EVENT_LEASED || kind == ORDER_EVENT_NACKED || kind == ORDER_EVENT_STALE;
}

bool order_is_full(const struct order *order)
{
    return order->events.count >= ORDER_HISTORY_BYTES_MAX;
}

/* Room for this event, and perhaps for more than it takes. */
static u8 *make_room(const struct order_turn *turn, const struct order_event *event, u8 marks)
{
    struct order_table *events = &turn->order->events;
    u32 numbers = 1;
    for (u32 rest = marks & ~(u32)MARK_TEXT; rest != 0; rest &= rest - 1) /* ends: a bit less */
        numbers++;
    const u32 most = 3 + numbers * NUMBER_BYTES_MAX + 1 + event->text_bytes;
    if (UNLIKELY(events->capacity - events->count < most))
        order_table_reserve(turn->room->arena, events, 1,
                            events->capacity == 0
                                ? EVENTS_BYTES_FIRST
                                : MAX(events->count + most, events->capacity * 2));
    return events->rows + events->count;
}

u32 order_event_add(const struct order_turn *turn, const struct order_event *event)
{
    struct order *order = turn->order;
    struct order_table *events = &order->events;
    const u8 marks = marks_of(event);
    MUST(event->kind != 0 && event->kind < ORDER_EVENT_COUNT);
    MUST(event->text_bytes <= TEXT64_BYTES);
    MUST(turn->now_ns >= order->changed_ns);
    if (UNLIKELY(events->count >= NOISE_BYTES_MAX) && is_noise(event->kind))
        return 0;
    u8 *const begin = make_room(turn, event, marks);
    u8 *to = begin;
    u32 text = 0;
    to[0] = (u8)event->kind;
    to[1] = marks;
    to[2] = (u8)order->state;
    to = put_number(to + 3, turn->now_ns - order->changed_ns);
    if ((marks & MARK_VALUE) != 0)
        to = put_number(to, zigzag(event->value));
    if ((marks & MARK_WHAT) != 0)
        to = put_number(to, event->what);
    if ((marks & MARK_STATUS) != 0)
        to = put_number(to, event->status);
    if ((marks & MARK_PAYMENT) != 0) {
        const u32 before = order->last_payment;
        to[0] = event->payment;
        to[1] = event->attempt;
        to = put_number(to + 2, before != 0 ? events->count + 1 - before : 0);
        order->last_payment = events->count + 1;
    }
    if ((marks & MARK_TEXT) != 0) {
        *to++ = event->text_bytes;
        text = events->count + (u32)(to - begin);
        memcpy(to, event->text, event->text_bytes);
        to += event->text_bytes;
    }
    events->count += (u32)(to - begin);
    MUST(events->count <= events->capacity);
    order->changed_ns = turn->now_ns;
    order->event_count++;
    return text;
}

/* ---- reading ---- */

/* Bytes of a history, which have passed order_events_invalid if they came from a snapshot. */
struct reader {
    const u8 *bytes;
    u32 offset;
    u32 end;
    bool is_bad; /* it ends in the middle, or a number is too long */
};

static u8 take_byte(struct reader *from)
{
    if (UNLIKELY(from->offset >= from->end)) {
        from->is_bad = true;
        return 0;
    }
    return from->bytes[from->offset++];
}

static u64 take_number(struct reader *from)
{
    u64 number = 0;
    for (u32 i = 0; i < NUMBER_BYTES_MAX; i++) {
        const u8 byte = take_byte(from);
        number |= (u64)(byte & 127) << 7 * i;
        if (byte < 128)
            return number;
    }
    from->is_bad = true;
    return 0;
}

/* The next event; `to` has the number and time of the one before it. */
static void take_event(struct reader *from, struct order_event *to)
{
    *to = (struct order_event){.number = to->number + 1, .time_ns = to->time_ns};
    to->kind = take_byte(from);
    const u8 marks = take_byte(from);
    to->state = take_byte(from);
    to->time_ns += take_number(from);
    if ((marks & MARK_VALUE) != 0)
        to->value = zigzag_back(take_number(from));
    if ((marks & MARK_WHAT) != 0)
        to->what = take_number(from);
    if ((marks & MARK_STATUS) != 0)
        to->status = (u16)take_number(from);
    if ((marks & MARK_PAYMENT) != 0) {
        to->payment = take_byte(from);
        to->attempt = take_byte(from);
        to->back = (u32)take_number(from);
    }
    if ((marks & MARK_TEXT) == 0)
        return;
    to->text_bytes = take_byte(from);
    if (to->text_bytes > TEXT64_BYTES || to->text_bytes > from->end - from->offset) {
        from->is_bad = true;
        return;
    }
    to->text = from->bytes + from->offset;
    from->offset += to->text_bytes;
}

bool order_event_next(const struct order *order, u32 *offset, struct order_event *to)
{
    struct reader from = {
        .bytes = order->events.rows, .offset = *offset, .end = order->events.count};
    if (*offset == order->events.count)
        return false;
    if (*offset == 0)
        *to = (struct order_event){.time_ns = order->created_ns};
    take_event(&from, to);
    MUST(!from.is_bad);
    *offset = from.offset;
    return true;
}

bool order_payment_before(const struct order *order, u32 *place, struct order_event *to)
{
    if (*place == 0)
        return false;
    struct reader from = {
        .bytes = order->events.rows, .offset = *place - 1, .end = order->events.count};
    *to = (struct order_event){0};
    take_event(&from, to);
    MUST(!from.is_bad && to->payment != 0 && to->back < *place);
    *place = to->back != 0 ? *place - to->back : 0;
    return true;
}

bool order_events_valid(const struct order *order)
{
    struct reader from = {.bytes = order->events.rows, .end = order->events.count};
    struct order_event event = {.time_ns = order->created_ns};
    u32 last_payment = 0;
    while (from.offset < from.end && !from.is_bad) { /* ends: a byte further each time */
        const u32 place = from.offset + 1;
        take_event(&from, &event);
        if (event.kind == 0 || event.kind >= ORDER_EVENT_COUNT)
            return false;
        if (event.payment == 0)
            continue;
        if (event.back != (last_payment != 0 ? place - last_payment : 0))
            return false;
        last_payment = place;
    }
    return !from.is_bad && last_payment == order->last_payment &&
           event.number == order->event_count && event.time_ns == order->changed_ns;
}

static const char *command_kind_name(u16 kind)
{
    static const char *const names[COMMAND_KIND_COUNT] = {
        [COMMAND_KIND_AUTHORIZE] = "AUTHORIZE", [COMMAND_KIND_CAPTURE] = "CAPTURE",
        [COMMAND_KIND_VOID] = "VOID",           [COMMAND_KIND_REFUND] = "REFUND",
        [COMMAND_KIND_QUERY] = "QUERY",         [COMMAND_KIND_NOTIFY_SHIPPED] = "NOTIFY_SHIPPED",
    };
    return kind != 0 && kind < COMMAND_KIND_COUNT ? names[kind] : "?";
}

void order_event_row(const struct order_event *event, struct row_order_event *to)
{
    *to = (struct row_order_event){.time_ns = event->time_ns,
                                   .value = event->value,
                                   .what = event->what,
                                   .number = event->number,
                                   .kind = event->kind,
                                   .state = event->state,
                                   .status = event->status};
    const char *words = NULL;
    if (event->kind == ORDER_EVENT_STATE_CHANGED) {
        words = saga_state_name(event->state);
    } else if (event->kind == ORDER_EVENT_COMMAND) {
        words = command_kind_name(event->status); /* where its kind is kept */
        to->status = 0;
    }
    if (words != NULL)
        for (u32 i = 0; i < TEXT64_BYTES && words[i] != 0; i++)
            to->text.bytes[i] = (u8)words[i];
    else if (event->text_bytes != 0)
        memcpy(to->text.bytes, event->text, event->text_bytes);
}
