/* order_fixture: a town of shards, goods, and a provider that does at once what it is asked for.
 *
 *      struct of of;
 *      of_open(&of, 3);
 *      const struct id128 order = of_buy(&of, (struct of_want){.lines = 2, .units = {3, 1}});
 *      of_pay(&of);                       mail, commands, events, until nothing moves
 *      of_get(&of, order)->lines[0].shipped
 *
 * SKU i (from 0) costs OF_PRICE(i) and lies where its id routes to; there are OF_STOCK of each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_ORDER_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_ORDER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/saga.h"
#include "proto/text.h"
#include "tests/town/town.h"

#define OF_GBP       826u
#define OF_USER      77ull
#define OF_STOCK     100000
#define OF_SKUS      8u
#define OF_PRICE(i)  (333 + 100 * (i64)(i))
#define OF_LINES_MAX 8u
#define OF_ROWS_MAX  80u

/* An order as order_get told it last. */
struct of_order {
    struct msg_order_get_rsp head;
    struct row_order_line lines[OF_ROWS_MAX];
    struct row_order_tender tenders[ORDER_TENDERS_MAX];
    struct row_parcel parcels[OF_ROWS_MAX];
    struct row_return returns[OF_ROWS_MAX];
    struct row_part parts[OF_ROWS_MAX * 4];
    u32 line_count, tender_count, parcel_count, return_count, part_count;
};

struct of {
    struct town *town;
    u32 made;
    u64 references;
    bool is_shy;         /* the provider leaves captures and refunds alone */
    bool fails_captures; /* each of them, for sure */
    struct of_order order;
    struct of_order before; /* for of_assert_unchanged */
};

/* What to buy: SKU i in line i, unless said otherwise. */
struct of_want {
    u32 lines;
    i64 units[OF_LINES_MAX];
    u32 skus[OF_LINES_MAX]; /* with has_skus */
    bool has_skus;
    u16 capture;
    i64 shipping;
    i64 tax;  /* of the first line */
    i64 card; /* of the total, paid by gift card */
    u64 user; /* 0 = OF_USER */
};

static inline u64 of_sku_id(u32 i)
{
    return 1000 + 17 * (u64)i;
}

static inline struct resource of_sku(u32 i)
{
    return (struct resource){.id = of_sku_id(i)};
}

#define OF_CARD ((struct resource){.id = 5000, .kind = RESOURCE_KIND_GIFT_CARD})

static inline void of_put(struct of *of, struct resource key, i64 price, i64 units)
{
    char code[24] = "x";
    for (u32 i = 0; i < 12; i++)
        code[1 + i] = (char)('a' + (key.id >> 4 * i & 15));
    const struct msg_sku_put_req put = {.resource = key, .price = price, .currency = OF_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)code, (u32)strlen(code)}};
    const struct msg_stock_receive_req receive = {.resource = key, .quantity = units};
    assert_int_equal(town_ask(of->town, OPCODE_SKU_PUT, 0, &put, spans, NULL, NULL), STATUS_OK);
    assert_int_equal(town_ask(of->town, OPCODE_STOCK_RECEIVE, 0, &receive, NULL, NULL, NULL),
                     STATUS_OK);
}

static inline void of_open(struct of *of, u16 shards)
{
    memset(of, 0, sizeof *of);
    of->town = town_open(
        &(const struct town_options){.shard_count = shards, .seed = shards, .keeps_log = true});
    for (u32 i = 0; i < OF_SKUS; i++)
        of_put(of, of_sku(i), OF_PRICE(i), OF_STOCK);
    of_put(of, OF_CARD, 0, 1000000);
}

/* Every run ends with the sums of all shards, and with each of them made again from its log and from a
 * dump of itself. */
static inline void of_close(struct of *of)
{
    town_carry_all(of->town);
    town_verify(of->town);
    for (u16 i = 0; i < of->town->options.shard_count; i++) {
        town_restart(of->town, i);
        town_thaw(of->town, i);
    }
    town_close(of->town);
}

/* ---- buying ---- */

static inline u32 of_sku_of(const struct of_want *want, u32 line)
{
    return want->has_skus ? want->skus[line] : line;
}

static inline u16 of_checkout(struct of *of, struct id128 order, const struct of_want *want)
{
    struct row_checkout_line lines[OF_LINES_MAX];
    struct row_tender tenders[2];
    u32 tender_count = 0;
    i64 total = want->shipping + want->tax;
    for (u32 i = 0; i < want->lines; i++) {
        const u32 sku = of_sku_of(want, i);
        lines[i] = (struct row_checkout_line){
            .sku_id = of_sku_id(sku), .options = i, .quantity = want->units[i], .agreed_price = -1};
        total += want->units[i] * OF_PRICE(sku);
    }
    if (want->card != 0)
        tenders[tender_count++] = (struct row_tender){
            .account = OF_CARD.id, .amount = want->card, .kind = TENDER_KIND_GIFT_CARD};
    if (total != want->card) {
        tenders[tender_count] = (struct row_tender){.amount = total - want->card};
        tenders[tender_count++].token = text64_of("tok", 3);
    }
    struct row_charge charges[2];
    u32 charge_count = 0;
    if (want->shipping != 0)
        charges[charge_count++] = (struct row_charge){
            .amount = want->shipping, .code = 11, .line = LINE_NONE, .kind = AMOUNT_KIND_SHIPPING};
    if (want->tax != 0)
        charges[charge_count++] =
            (struct row_charge){.amount = want->tax, .code = 12, .kind = AMOUNT_KIND_TAX};
    const struct msg_checkout_req ask = {
        .order = order, .expected_total = total, .currency = OF_GBP, .capture = want->capture};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines, want->lines * (u32)sizeof lines[0]},
        [SPAN_OF(checkout_req, charges)] = {(const u8 *)charges,
                                            charge_count * (u32)sizeof charges[0]},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)tenders,
                                            tender_count * (u32)sizeof tenders[0]},
        [SPAN_OF(checkout_req, address)] = {(const u8 *)"1 Market Street", 15},
    };
    return town_ask(of->town, OPCODE_CHECKOUT, 0, &ask, spans, NULL, NULL);
}

/* A new order; its id is of the time. */
static inline struct id128 of_buy(struct of *of, struct of_want want)
{
    const u64 user = want.user != 0 ? want.user : OF_USER;
    const struct id128 order = {.high = user,
                                .low = of->town->now_ns / NS_PER_MS << 16 | (of->made++ & 0xFFFF)};
    assert_int_equal(of_checkout(of, order, &want), STATUS_OK);
    return order;
}

/* ---- the provider ---- */

static inline u16 of_result_kind(u16 kind)
{
    switch (kind) {
    case COMMAND_KIND_AUTHORIZE: return PAYMENT_EVENT_AUTHORIZED;
    case COMMAND_KIND_CAPTURE: return PAYMENT_EVENT_CAPTURED;
    case COMMAND_KIND_VOID: return PAYMENT_EVENT_VOIDED;
    case COMMAND_KIND_REFUND: return PAYMENT_EVENT_REFUNDED;
    default: return 0;
    }
}

/* Executes one leased command. */
static inline void of_answer(struct of *of, const struct msg_command_poll_rsp *command)
{
    const u16 result = command->kind == COMMAND_KIND_CAPTURE && of->fails_captures
                           ? PAYMENT_EVENT_CAPTURE_FAILED
                           : of_result_kind(command->kind);
    if (result == 0) {
        const struct msg_command_ack_req ack = {.order = command->order,
                                                .lease = command->lease,
                                                .step = command->step,
                                                .attempt = command->attempt};
        assert_int_equal(town_ask(of->town, OPCODE_COMMAND_ACK, 0, &ack, NULL, NULL, NULL),
                         STATUS_OK);
        return;
    }
    u8 name[6] = "ref";
    struct msg_payment_event_req event = {.order = command->order,
                                          .lease = command->lease,
                                          .amount = command->amount,
                                          .step = command->step,
                                          .attempt = command->attempt,
                                          .kind = result,
                                          .currency = OF_GBP};
    of->references++;
    for (u32 i = 0; i < 3; i++)
        name[3 + i] = (u8)('0' + of->references / (i == 0 ? 100 : i == 1 ? 10 : 1) % 10);
    event.reference = text64_of((const char *)name, sizeof name);
    assert_int_equal(town_ask(of->town, OPCODE_PAYMENT_EVENT, 0, &event, NULL, NULL, NULL),
                     STATUS_OK);
}

/* One command of any shard. False: none is ready. */
static inline bool of_work(struct of *of)
{
    u32 kinds = 0;
    if (of->is_shy)
        kinds = 1u << COMMAND_KIND_AUTHORIZE | 1u << COMMAND_KIND_VOID;
    for (u16 i = 0; i < of->town->options.shard_count; i++) {
        const struct msg_command_poll_req poll = {.kinds = kinds};
        struct msg_command_poll_rsp command;
        if (town_ask(of->town, OPCODE_COMMAND_POLL, i, &poll, NULL, &command, NULL) == STATUS_OK) {
            of_answer(of, &command);
            return true;
        }
    }
    return false;
}

/* Until nothing moves. */
static inline void of_pay(struct of *of)
{
    do {
        town_carry_all(of->town);
    } while (of_work(of));
}

static inline struct id128 of_buy_and_pay(struct of *of, struct of_want want)
{
    const struct id128 order = of_buy(of, want);
    of_pay(of);
    return order;
}

/* ---- reading ---- */

#define OF_TAKE(to, view, name, span_name)                                        \
    do {                                                                          \
        const struct span span = (view).spans[SPAN_OF(order_get_rsp, span_name)]; \
        assert_true(span.bytes <= sizeof((to)->span_name));                       \
        assert_int_equal(span.bytes % sizeof((to)->span_name[0]), 0);             \
        memcpy((to)->span_name, span.data, span.bytes);                           \
        (to)->name = span.bytes / (u32)sizeof((to)->span_name[0]);                \
    } while (0)

static inline struct of_order *of_get(struct of *of, struct id128 order)
{
    const struct msg_order_get_req ask = {.order = order};
    struct record_view view;
    struct of_order *to = &of->order;
    memset(to, 0, sizeof *to);
    town_read(of->town, OPCODE_ORDER_GET, 0, &ask, NULL, &to->head, &view);
    assert_int_equal(to->head.head.status, STATUS_OK);
    OF_TAKE(to, view, line_count, lines);
    OF_TAKE(to, view, tender_count, tenders);
    OF_TAKE(to, view, parcel_count, parcels);
    OF_TAKE(to, view, return_count, returns);
    OF_TAKE(to, view, part_count, parts);
    return to;
}

static inline u16 of_state(struct of *of, struct id128 order)
{
    return of_get(of, order)->head.state;
}

static inline struct msg_stock_get_rsp of_levels(struct of *of, u32 sku)
{
    const struct msg_stock_get_req ask = {.resource = of_sku(sku)};
    struct msg_stock_get_rsp answer;
    town_read(of->town, OPCODE_STOCK_GET, 0, &ask, NULL, &answer, NULL);
    return answer;
}

/* Counts events of a kind in an order's history. */
static inline u32 of_events(struct of *of, struct id128 order, u16 kind)
{
    u32 found = 0;
    struct msg_order_events_req ask = {.order = order};
    struct msg_order_events_rsp answer;
    do {
        struct record_view view;
        town_read(of->town, OPCODE_ORDER_EVENTS, 0, &ask, NULL, &answer, &view);
        const struct span span = view.spans[SPAN_OF(order_events_rsp, events)];
        for (u32 at = 0; at < span.bytes; at += (u32)sizeof(struct row_order_event)) {
            struct row_order_event row;
            memcpy(&row, span.data + at, sizeof row);
            assert_int_equal(row.number, ++ask.after);
            found += row.kind == kind ? 1 : 0;
        }
    } while (answer.more != 0);
    return found;
}

/* ---- changes ---- */

/* Line, quantity, damaged. */
typedef const i64 of_units[3];

#define OF_NONE ((of_units[]){{0, 0, 0}}), 0
#define OF_UNITS(...) \
    ((of_units[]){__VA_ARGS__}), (u32)(sizeof((of_units[]){__VA_ARGS__}) / sizeof(of_units))

/* What the last change answered. */
static inline struct msg_order_cancel_rsp of_send(struct of *of, u16 opcode, const void *fixed,
                                                  of_units *units, u32 count)
{
    struct row_line_quantity rows[OF_ROWS_MAX];
    struct msg_order_cancel_rsp answer;
    assert_true(count <= OF_ROWS_MAX);
    for (u32 i = 0; i < count; i++)
        rows[i] = (struct row_line_quantity){
            .line = (u32)units[i][0], .quantity = units[i][1], .damaged = units[i][2]};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)rows, count * (u32)sizeof rows[0]}};
    (void)town_ask(of->town, opcode, 0, fixed, spans, &answer, NULL);
    return answer;
}

static inline struct msg_order_cancel_rsp of_cancel(struct of *of, struct id128 order,
                                                    of_units *units, u32 count)
{
    const struct msg_order_cancel_req ask = {.order = order, .reason = 1};
    return of_send(of, OPCODE_ORDER_CANCEL, &ask, units, count);
}

static inline struct msg_order_cancel_rsp of_plan(struct of *of, struct id128 order, u32 number,
                                                  of_units *units, u32 count)
{
    const struct msg_fulfil_create_req ask = {.order = order, .number = number};
    return of_send(of, OPCODE_FULFIL_CREATE, &ask, units, count);
}

static inline struct msg_order_cancel_rsp of_ship(struct of *of, struct id128 order, u32 number)
{
    struct msg_fulfil_ship_req ask = {.order = order, .number = number};
    ask.carrier = text64_of("Post", 4);
    ask.tracking = text64_of("TRACK-1", 7);
    return of_send(of, OPCODE_FULFIL_SHIP, &ask, OF_NONE);
}

static inline struct msg_order_cancel_rsp of_deliver(struct of *of, struct id128 order, u32 number)
{
    const struct msg_fulfil_deliver_req ask = {.order = order, .number = number};
    return of_send(of, OPCODE_FULFIL_DELIVER, &ask, OF_NONE);
}

static inline struct msg_order_cancel_rsp of_drop(struct of *of, struct id128 order, u32 number)
{
    const struct msg_fulfil_cancel_req ask = {.order = order, .number = number};
    return of_send(of, OPCODE_FULFIL_CANCEL, &ask, OF_NONE);
}

static inline struct msg_order_cancel_rsp of_return(struct of *of, struct id128 order, u32 number,
                                                    of_units *units, u32 count)
{
    const struct msg_return_open_req ask = {.order = order, .number = number, .reason = 3};
    return of_send(of, OPCODE_RETURN_OPEN, &ask, units, count);
}

static inline struct msg_order_cancel_rsp of_decide(struct of *of, struct id128 order, u32 number,
                                                    u16 approved)
{
    const struct msg_return_decide_req ask = {
        .order = order, .number = number, .approved = approved};
    return of_send(of, OPCODE_RETURN_DECIDE, &ask, OF_NONE);
}

static inline struct msg_order_cancel_rsp of_receive(struct of *of, struct id128 order, u32 number,
                                                     of_units *units, u32 count)
{
    const struct msg_return_receive_req ask = {.order = order, .number = number};
    return of_send(of, OPCODE_RETURN_RECEIVE, &ask, units, count);
}

static inline struct msg_order_cancel_rsp of_refund(struct of *of, struct id128 order, u32 number,
                                                    i64 amount)
{
    const struct msg_return_refund_req ask = {.order = order, .number = number, .amount = amount};
    return of_send(of, OPCODE_RETURN_REFUND, &ask, OF_NONE);
}

/* Everything in one parcel, shipped and delivered. */
static inline void of_send_all(struct of *of, struct id128 order, u32 number)
{
    assert_int_equal(of_plan(of, order, number, OF_NONE).head.status, STATUS_OK);
    assert_int_equal(of_ship(of, order, number).head.status, STATUS_OK);
    of_pay(of);
    assert_int_equal(of_deliver(of, order, number).head.status, STATUS_OK);
    of_pay(of);
}

/* ---- refusals ---- */

/* What order_get says of an order; afterwards of_assert_unchanged holds it against the present. */
static inline void of_remember(struct of *of, struct id128 order)
{
    of->before = *of_get(of, order);
}

static inline void of_assert_unchanged(struct of *of, struct id128 order)
{
    assert_memory_equal(of_get(of, order), &of->before, sizeof of->before);
}

#define OF_REFUSED(answer, wanted)                             \
    do {                                                       \
        const struct msg_order_cancel_rsp of_heard = (answer); \
        assert_int_equal(of_heard.head.status, (wanted));      \
        assert_int_equal(of_heard.head.flags, 0);              \
        assert_int_equal(of_heard.refund, 0);                  \
    } while (0)
#define OF_DONE(answer)                                        \
    do {                                                       \
        const struct msg_order_cancel_rsp of_heard = (answer); \
        assert_int_equal(of_heard.head.status, STATUS_OK);     \
        assert_int_equal(of_heard.head.flags, 0);              \
    } while (0)
#define OF_REPLAYED(answer)                                          \
    do {                                                             \
        const struct msg_order_cancel_rsp of_heard = (answer);       \
        assert_int_equal(of_heard.head.status, STATUS_OK);           \
        assert_int_equal(of_heard.head.flags, RECORD_FLAG_REPLAYED); \
    } while (0)

#endif
