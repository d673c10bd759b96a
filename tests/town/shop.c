/* shop: see tests/town/shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/town/shop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/saga.h"
#include "proto/text.h"

#define GBP           826
#define LINES_MAX     4u
#define CARDS         16u
#define CARD_UNITS    5000
#define PRICE_STEP    125
#define SHIPPING      399
#define FINISH_ROUNDS 2000000u

/* An order as the shopper knows it. */
struct purchase {
    struct id128 order;
    u64 user;
    u32 lines;
    u32 parcels;
    u32 returns;
    u32 skus[LINES_MAX];
    i64 quantities[LINES_MAX];
    u32 card; /* gift card used, CARDS = none */
};

struct shop {
    struct shop_options options;
    struct town *town;
    struct bank *bank;
    struct purchase *purchases;
    u32 made;
    u32 first_open; /* all before have been left alone for long */
    u64 operator_calls;
};

static u64 sku_id(u32 index)
{
    char code[16];
    return id_from_code(code, (size_t)snprintf(code, sizeof code, "SKU-%u", index));
}

static i64 sku_price(u32 index)
{
    return PRICE_STEP * (1 + (i64)index % 7);
}

static struct resource sku_key(u32 index)
{
    return (struct resource){.id = sku_id(index), .kind = RESOURCE_KIND_SKU};
}

static struct resource card_key(u32 index)
{
    return (struct resource){.id = 9000 + index, .kind = RESOURCE_KIND_GIFT_CARD};
}

static void put_resource(struct town *town, struct resource key, i64 price, i64 units)
{
    char code[32];
    const int bytes = key.kind == RESOURCE_KIND_SKU
                          ? snprintf(code, sizeof code, "sku %llx", (unsigned long long)key.id)
                          : snprintf(code, sizeof code, "card %llu", (unsigned long long)key.id);
    const struct msg_sku_put_req put = {.resource = key, .price = price, .currency = GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)code, (u32)bytes}};
    struct msg_sku_put_rsp reply;
    town_write(town, OPCODE_SKU_PUT, 0, &put, spans, &reply);
    MUST(reply.head.status == STATUS_OK);
    const struct msg_stock_receive_req receive = {.resource = key, .quantity = units};
    struct msg_stock_receive_rsp received;
    town_write(town, OPCODE_STOCK_RECEIVE, 0, &receive, NULL, &received);
    MUST(received.head.status == STATUS_OK);
}

struct shop *shop_open(const struct shop_options *options)
{
    struct shop *shop = calloc(1, sizeof *shop);
    MUST(shop != NULL);
    shop->options = *options;
    shop->town = town_open(&options->town);
    shop->bank = bank_open(&options->bank);
    shop->purchases = calloc(options->orders, sizeof *shop->purchases);
    MUST(shop->purchases != NULL);
    for (u32 i = 0; i < options->skus; i++)
        put_resource(shop->town, sku_key(i), sku_price(i), options->stock);
    for (u32 i = 0; i < CARDS; i++)
        put_resource(shop->town, card_key(i), 0, CARD_UNITS);
    town_carry_all(shop->town);
    return shop;
}

void shop_close(struct shop *shop)
{
    town_close(shop->town);
    bank_close(shop->bank);
    free(shop->purchases);
    free(shop);
}

struct town *shop_town(struct shop *shop)
{
    return shop->town;
}

/* ---- shoppers -------------------------------------------------------------------------------- */

static struct id128 new_order(struct shop *shop, u64 user)
{
    return (struct id128){.high = user,
                          .low = (shop->town->now_ns / NS_PER_MS) << 16 | (shop->made & 0xFFFF)};
}

static i64 draw_lines(struct shop *shop, struct purchase *purchase, struct row_checkout_line *rows)
{
    i64 goods = 0;
    purchase->lines = 1 + (u32)town_below(shop->town, LINES_MAX);
    for (u32 i = 0; i < purchase->lines; i++) {
        const u32 sku = (u32)town_below(shop->town, shop->options.skus);
        const i64 quantity = 1 + (i64)town_below(shop->town, 3);
        purchase->skus[i] = sku;
        purchase->quantities[i] = quantity;
        rows[i] = (struct row_checkout_line){
            .sku_id = sku_id(sku), .options = i, .quantity = quantity, .agreed_price = -1};
        goods += quantity * sku_price(sku);
    }
    return goods;
}

/* One or two cards, now and then a gift card first. */
static u32 draw_tenders(struct shop *shop, struct purchase *purchase, i64 total,
                        struct row_tender *rows)
{
    u32 count = 0;
    i64 left = total;
    purchase->card = CARDS;
    if (town_chance(shop->town, 20)) {
        const i64 amount = MIN(left, 1 + (i64)town_below(shop->town, 600));
        purchase->card = (u32)town_below(shop->town, CARDS);
        rows[count++] = (struct row_tender){.account = card_key(purchase->card).id,
                                            .amount = amount,
                                            .kind = TENDER_KIND_GIFT_CARD};
        left -= amount;
    }
    if (left > 1 && town_chance(shop->town, 10)) {
        rows[count] = (struct row_tender){.amount = left / 3 + 1};
        rows[count].token = text64_of("tok_first", 9);
        left -= rows[count++].amount;
    }
    if (left > 0) {
        rows[count] = (struct row_tender){.amount = left};
        rows[count++].token = text64_of("tok_card", 8);
    }
    return count;
}

static void make_order(struct shop *shop)
{
    struct purchase *purchase = &shop->purchases[shop->made];
    struct row_checkout_line lines[LINES_MAX];
    struct row_tender tenders[3];
    const struct row_charge shipping = {
        .amount = SHIPPING, .code = 11, .line = LINE_NONE, .kind = AMOUNT_KIND_SHIPPING};
    purchase->user = 100 + town_below(shop->town, 64);
    purchase->order = new_order(shop, purchase->user);
    const i64 total = draw_lines(shop, purchase, lines) + SHIPPING;
    const u32 tender_count = draw_tenders(shop, purchase, total, tenders);
    /* One in a hundred saw another price. */
    const bool is_wrong = town_chance(shop->town, 1);
    if (is_wrong)
        tenders[tender_count - 1].amount += 1;
    const struct msg_checkout_req ask = {
        .order = purchase->order,
        .expected_total = total + (is_wrong ? 1 : 0),
        .currency = GBP,
        .capture = town_chance(shop->town, 30) ? CAPTURE_POLICY_ON_SHIP : CAPTURE_POLICY_NOW};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines, purchase->lines * (u32)sizeof *lines},
        [SPAN_OF(checkout_req, charges)] = {(const u8 *)&shipping, sizeof shipping},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)tenders,
                                            tender_count * (u32)sizeof *tenders},
        [SPAN_OF(checkout_req, address)] = {(const u8 *)"1 Market Street", 15},
    };
    struct msg_checkout_rsp reply;
    town_write(shop->town, OPCODE_CHECKOUT, 0, &ask, spans, &reply);
    if (reply.head.status != STATUS_OK)
        PANIC(status_name(reply.head.status));
    if (town_chance(shop->town, 5)) { /* a nervous finger */
        struct msg_checkout_rsp again;
        town_write(shop->town, OPCODE_CHECKOUT, 0, &ask, spans, &again);
        MUST(again.head.status == STATUS_OK && (again.head.flags & RECORD_FLAG_REPLAYED) != 0);
    }
    shop->made++;
}

static struct purchase *draw_purchase(struct shop *shop)
{
    const u32 window = MIN(shop->made, shop->options.open_max);
    if (window == 0)
        return NULL;
    return &shop->purchases[shop->made - 1 - town_below(shop->town, window)];
}

static void give_up(struct shop *shop, const struct purchase *purchase)
{
    const struct msg_checkout_cancel_req ask = {
        .order = purchase->order, .user_id = purchase->user, .reason = 1};
    struct msg_checkout_cancel_rsp reply;
    town_write(shop->town, OPCODE_CHECKOUT_CANCEL, 0, &ask, NULL, &reply);
}

/* ---- the shop's own work --------------------------------------------------------------------- */

static void cancel_units(struct shop *shop, const struct purchase *purchase)
{
    const u32 line = (u32)town_below(shop->town, purchase->lines);
    const struct row_line_quantity row = {
        .line = line, .quantity = 1 + (i64)town_below(shop->town, (u64)purchase->quantities[line])};
    const bool is_all = town_chance(shop->town, 40);
    const struct msg_order_cancel_req ask = {.order = purchase->order, .reason = 1};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&row, is_all ? 0 : sizeof row}};
    struct msg_order_cancel_rsp reply;
    town_write(shop->town, OPCODE_ORDER_CANCEL, 0, &ask, spans, &reply);
}

static void move_parcel(struct shop *shop, struct purchase *purchase)
{
    struct town *town = shop->town;
    const u32 number = 1 + (u32)town_below(town, purchase->parcels + 1);
    const u64 what = town_below(town, 10);
    if (what < 3 && purchase->parcels < 4) {
        const u32 line = (u32)town_below(town, purchase->lines);
        const struct row_line_quantity row = {.line = line, .quantity = 1};
        const struct msg_fulfil_create_req ask = {.order = purchase->order,
                                                  .number = purchase->parcels + 1};
        const bool is_all = town_chance(town, 50);
        const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&row, is_all ? 0 : sizeof row}};
        struct msg_fulfil_create_rsp reply;
        town_write(town, OPCODE_FULFIL_CREATE, 0, &ask, spans, &reply);
        purchase->parcels += reply.head.status == STATUS_OK ? 1 : 0;
    } else if (what < 6) {
        struct msg_fulfil_ship_req ask = {.order = purchase->order, .number = number};
        ask.tracking = text64_of("TRACK", 5);
        struct msg_fulfil_ship_rsp reply;
        town_write(town, OPCODE_FULFIL_SHIP, 0, &ask, NULL, &reply);
    } else if (what < 9) {
        const struct msg_fulfil_deliver_req ask = {.order = purchase->order, .number = number};
        struct msg_fulfil_deliver_rsp reply;
        town_write(town, OPCODE_FULFIL_DELIVER, 0, &ask, NULL, &reply);
    } else {
        const struct msg_fulfil_cancel_req ask = {.order = purchase->order, .number = number};
        struct msg_fulfil_cancel_rsp reply;
        town_write(town, OPCODE_FULFIL_CANCEL, 0, &ask, NULL, &reply);
    }
}

static void move_return(struct shop *shop, struct purchase *purchase)
{
    struct town *town = shop->town;
    const u32 line = (u32)town_below(town, purchase->lines);
    const struct row_line_quantity row = {
        .line = line, .quantity = 1, .damaged = (i64)town_below(town, 2)};
    const struct row_line_quantity plain = {.line = line, .quantity = 1};
    const u32 number = 1 + (u32)town_below(town, purchase->returns + 1);
    const u64 what = town_below(town, 8);
    if (what < 2 && purchase->returns < 4) {
        const struct msg_return_open_req ask = {.order = purchase->order,
                                                .user_id = purchase->user,
                                                .number = purchase->returns + 1,
                                                .reason = 2};
        const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&plain, sizeof plain}};
        struct msg_return_open_rsp reply;
        town_write(town, OPCODE_RETURN_OPEN, 0, &ask, spans, &reply);
        purchase->returns += reply.head.status == STATUS_OK ? 1 : 0;
    } else if (what < 4) {
        const struct msg_return_decide_req ask = {
            .order = purchase->order, .number = number, .approved = town_chance(town, 90)};
        struct msg_return_decide_rsp reply;
        town_write(town, OPCODE_RETURN_DECIDE, 0, &ask, NULL, &reply);
    } else if (what < 6) {
        const struct msg_return_receive_req ask = {.order = purchase->order, .number = number};
        const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&row, sizeof row}};
        struct msg_return_receive_rsp reply;
        town_write(town, OPCODE_RETURN_RECEIVE, 0, &ask, spans, &reply);
    } else {
        const struct msg_return_refund_req ask = {
            .order = purchase->order, .number = number, .amount = -1};
        struct msg_return_refund_rsp reply;
        town_write(town, OPCODE_RETURN_REFUND, 0, &ask, NULL, &reply);
    }
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void work_on_orders(struct shop *shop)
{
    struct purchase *purchase = draw_purchase(shop);
    if (purchase == NULL)
        return;
    const u64 what = town_below(shop->town, 100);
    if (what < 6)
        give_up(shop, purchase);
    else if (!shop->options.has_aftermath)
        return;
    else if (what < 10)
        cancel_units(shop, purchase);
    else if (what < 70)
        move_parcel(shop, purchase);
    else
        move_return(shop, purchase);
}

/* Mostly short times; now and then long enough for leases and policies to end. */
static u64 draw_wait_ns(struct shop *shop)
{
    const u64 what = town_below(shop->town, 1000);
    if (what < 900)
        return town_below(shop->town, 200) * NS_PER_MS;
    if (what < 990)
        return town_below(shop->town, 40) * NS_PER_S;
    return town_below(shop->town, 1500) * NS_PER_S;
}

bool shop_step(struct shop *shop)
{
    struct town *town = shop->town;
    const u64 what = town_below(town, 100);
    if (what < 15) {
        if (shop->made == shop->options.orders)
            return false;
        make_order(shop);
    } else if (what < 30) {
        work_on_orders(shop);
    } else if (what < 55) {
        (void)bank_work(shop->bank, town, (u16)town_below(town, town->options.shard_count),
                        1 + (u32)town_below(town, 16));
    } else if (what < 85) {
        for (u32 i = 0; i < 8 && town_carry(town); i++) {}
    } else {
        town_wait(town, draw_wait_ns(shop));
    }
    (void)bank_deliver(shop->bank, town);
    return true;
}

/* An operator looks at what nobody can go on with. */
static void call_operator(struct shop *shop)
{
    struct town *town = shop->town;
    for (u16 shard = 0; shard < town->options.shard_count; shard++) {
        const struct msg_stuck_list_req ask = {.states = 1u << SAGA_STATE_NEEDS_OPERATOR};
        struct msg_stuck_list_rsp reply;
        struct record_view view;
        town_read(town, OPCODE_STUCK_LIST, shard, &ask, NULL, &reply, &view);
        const u32 count = view.spans[0].bytes / (u32)sizeof(struct row_stuck);
        if (count == 0)
            continue;
        struct row_stuck row;
        memcpy(&row, view.spans[0].data, sizeof row);
        struct msg_order_resolve_req resolve = {.order = row.order, .decision = RESOLVE_RETRY};
        resolve.actor = text64_of("alice", 5);
        resolve.reason = text64_of("the bank is back", 16);
        struct msg_order_resolve_rsp resolved;
        town_write(town, OPCODE_ORDER_RESOLVE, 0, &resolve, NULL, &resolved);
        MUST(resolved.head.status == STATUS_OK);
        shop->operator_calls++;
    }
}

void shop_finish(struct shop *shop)
{
    struct town *town = shop->town;
    bank_calm(shop->bank);
    for (u32 rounds = 0;; rounds++) { /* ends: time goes on, and nothing new begins */
        MUST(rounds < FINISH_ROUNDS);
        town_carry_all(town);
        u32 done = bank_deliver(shop->bank, town);
        for (u16 shard = 0; shard < town->options.shard_count; shard++)
            done += bank_work(shop->bank, town, shard, 16);
        call_operator(shop);
        if (done != 0)
            continue;
        const u64 next_ns = MIN(town_next_deadline_ns(town), bank_next_ns(shop->bank));
        /* Carts and tombstones have deadlines for days; orders and the bank only for hours. */
        if (next_ns > town->now_ns + 6ull * 3600 * NS_PER_S)
            break;
        town_wait(town, next_ns > town->now_ns ? next_ns - town->now_ns : 1);
    }
    town_carry_all(town);
}

/* ---- audit ----------------------------------------------------------------------------------- */

struct audit {
    struct shop *shop;
    struct shop_counts counts;
    i64 *sold;        /* by SKU: granted and not cancelled, as orders say */
    i64 cards[CARDS]; /* spent and not refunded */
    const struct purchase *purchase;
    struct msg_order_get_rsp order;
};

static void fail(const struct audit *audit, const char *why)
{
    const struct purchase *purchase = audit->purchase;
    (void)fprintf(stderr,
                  "order %016llx-%016llx (number %ld), state %s, reason %s: %s\n"
                  "total %lld owed %lld captured %lld refunded %lld\n",
                  (unsigned long long)purchase->order.high, (unsigned long long)purchase->order.low,
                  (long)(purchase - audit->shop->purchases), saga_state_name(audit->order.state),
                  status_name(audit->order.reason), why, (long long)audit->order.total,
                  (long long)audit->order.owed, (long long)audit->order.captured,
                  (long long)audit->order.refunded);
    PANIC("the audit found something");
}

static void audit_tenders(struct audit *audit, struct span rows, bool is_placed)
{
    const u32 count = rows.bytes / (u32)sizeof(struct row_order_tender);
    for (u32 i = 0; i < count; i++) {
        struct row_order_tender row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        const struct bank_account books =
            bank_account(audit->shop->bank, audit->purchase->order, (u16)i);
        if (row.captured > row.authorized || row.refunded > row.captured)
            fail(audit, "a tender beyond its limits");
        if (row.kind != TENDER_KIND_OUTSIDE) {
            if (row.kind == TENDER_KIND_GIFT_CARD)
                audit->cards[audit->purchase->card] += row.captured - row.refunded;
            continue;
        }
        if (row.captured + row.overcharged != books.captured || row.refunded != books.refunded)
            fail(audit, "the bank has other books (A3)");
        if (!is_placed && books.captured != books.refunded)
            fail(audit, "charged without an order (A2)");
        if (books.authorized != 0 && books.captured == 0 && !books.is_voided &&
            audit->order.state == SAGA_STATE_CANCELLED)
            fail(audit, "an authorisation was left open (A2)");
        audit->counts.captured += books.captured;
        audit->counts.refunded += books.refunded;
    }
}

static void audit_lines(struct audit *audit, struct span rows, bool is_placed)
{
    const u32 count = rows.bytes / (u32)sizeof(struct row_order_line);
    if (count != audit->purchase->lines)
        fail(audit, "another number of lines");
    for (u32 i = 0; i < count; i++) {
        struct row_order_line row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        if (row.quantity != audit->purchase->quantities[i])
            fail(audit, "another quantity than ordered");
        if (!is_placed)
            continue;
        if (row.allocated + row.shipped + row.cancelled != row.quantity)
            fail(audit, "units are not conserved (A4)");
        audit->sold[audit->purchase->skus[i]] += row.quantity - row.cancelled;
    }
}

static void count_reason(struct shop_counts *counts, u16 reason)
{
    switch (reason) {
    case STATUS_OUT_OF_STOCK:
    case STATUS_CREDIT_SHORT:
    case STATUS_PRICE_CHANGED: counts->refused++; break;
    case STATUS_PAYMENT_DECLINED: counts->declined++; break;
    case STATUS_PAYMENT_EXPIRED: counts->expired++; break;
    case STATUS_LATE_PAYMENT: counts->late++; break;
    case STATUS_GIVEN_UP: counts->cancelled++; break;
    default: counts->other++;
    }
}

static void audit_order(struct audit *audit)
{
    const struct msg_order_get_req ask = {.order = audit->purchase->order};
    struct record_view view;
    town_read(audit->shop->town, OPCODE_ORDER_GET, 0, &ask, NULL, &audit->order, &view);
    const struct msg_order_get_rsp *order = &audit->order;
    MUST(order->head.status == STATUS_OK);
    const struct saga_state_info *state = saga_state_find(order->state);
    if (state == NULL || state->kind != SAGA_KIND_RESTING)
        fail(audit, "it does not rest (A1)");
    const bool is_placed = order->placed_at_ns != 0;
    if (is_placed && order->captured - order->refunded != order->owed &&
        !(order->capture == CAPTURE_POLICY_ON_SHIP && order->state == SAGA_STATE_PLACED))
        fail(audit, "what was paid is not what is owed (A3)");
    audit->counts.placed += is_placed ? 1 : 0;
    if (!is_placed)
        count_reason(&audit->counts, order->reason);
    audit_tenders(audit, view.spans[SPAN_OF(order_get_rsp, tenders)], is_placed);
    audit_lines(audit, view.spans[SPAN_OF(order_get_rsp, lines)], is_placed);
    audit->counts.parcels +=
        view.spans[SPAN_OF(order_get_rsp, parcels)].bytes / sizeof(struct row_parcel);
    audit->counts.returns +=
        view.spans[SPAN_OF(order_get_rsp, returns)].bytes / sizeof(struct row_return);
}

static struct msg_sku_get_rsp get_resource(struct shop *shop, struct resource key)
{
    const struct msg_sku_get_req ask = {.resource = key};
    struct msg_sku_get_rsp reply;
    town_read(shop->town, OPCODE_SKU_GET, 0, &ask, NULL, &reply, NULL);
    MUST(reply.head.status == STATUS_OK);
    return reply;
}

static void audit_stock(const struct audit *audit)
{
    for (u32 i = 0; i < audit->shop->options.skus; i++) {
        const struct msg_sku_get_rsp sku = get_resource(audit->shop, sku_key(i));
        if (sku.held == 0 && sku.granted - sku.cancelled == audit->sold[i] && sku.sellable >= 0)
            continue;
        (void)fprintf(stderr, "SKU %u: held %lld, granted %lld, cancelled %lld, orders say %lld\n",
                      i, (long long)sku.held, (long long)sku.granted, (long long)sku.cancelled,
                      (long long)audit->sold[i]);
        PANIC("stock and orders do not agree (A1, A4)");
    }
    for (u32 i = 0; i < CARDS; i++) {
        const struct msg_sku_get_rsp card = get_resource(audit->shop, card_key(i));
        if (card.held == 0 && card.on_hand - card.allocated == CARD_UNITS - audit->cards[i])
            continue;
        (void)fprintf(stderr, "card %u: held %lld, on hand %lld, allocated %lld, spent %lld\n", i,
                      (long long)card.held, (long long)card.on_hand, (long long)card.allocated,
                      (long long)audit->cards[i]);
        PANIC("gift cards and orders do not agree (A5)");
    }
}

void shop_audit(struct shop *shop, struct shop_counts *counts)
{
    struct audit audit = {.shop = shop, .counts = {.orders = shop->made}};
    audit.sold = calloc(shop->options.skus, sizeof *audit.sold);
    MUST(audit.sold != NULL);
    for (u32 i = 0; i < shop->made; i++) {
        audit.purchase = &shop->purchases[i];
        audit_order(&audit);
    }
    audit_stock(&audit);
    town_verify(shop->town);
    audit.counts.operator_calls = shop->operator_calls;
    audit.counts.retakes = bank_effect_count(shop->bank, PAYMENT_EFFECT_LATE_RETAKE);
    *counts = audit.counts;
    free(audit.sold);
}
