/* shop_audit: the audit; see tests/town/shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/print.h"
#include "proto/saga.h"
#include "tests/town/shop_parts.h"

/* Of a SKU, as the orders say. */
struct sums {
    i64 sold, shipped, sellable, damaged;
};
/* Of a customer. */
struct customer {
    u64 orders, coupons;
};

struct audit {
    struct shop *shop;
    struct shop_counts counts;
    struct sums *skus;
    i64 purses[SHOP_PURSES];      /* spent and not given back */
    i64 purses_held[SHOP_PURSES]; /* by orders that are placed, and captured when they ship */
    /* Of the limited one: placed orders that have consumed it, that hold it, and where a decision or
     * money by hand leaves it open. */
    u64 coupons, coupons_held, coupons_open;
    struct customer users[SHOP_USERS];
    struct customer guests[SHOP_USERS];
    const struct purchase *purchase;
    struct msg_order_get_rsp order;
    /* Of its history. */
    bool was_spent;
    bool is_voided_afterwards;
};

NORETURN static void fail(const struct audit *audit, const char *why)
{
    const struct purchase *purchase = audit->purchase;
    (void)fprintf(stderr,
                  "order %016llx-%016llx (number %ld), state %s, reason %s: %s\n"
                  "expected %lld total %lld owed %lld captured %lld refunded %lld\n",
                  (unsigned long long)purchase->order.high, (unsigned long long)purchase->order.low,
                  (long)(purchase - audit->shop->purchases), saga_state_name(audit->order.state),
                  status_name(audit->order.reason), why, (long long)purchase->expected_total,
                  (long long)audit->order.total, (long long)audit->order.owed,
                  (long long)audit->order.captured, (long long)audit->order.refunded);
    for (u16 i = 0; i < 3; i++) {
        const struct books_account books =
            books_account(bank_books(audit->shop->bank), purchase->order, i);
        (void)fprintf(
            stderr,
            "bank, tender %u: authorized %lld captured %lld overcharged %lld refunded %lld%s%s\n",
            i, (long long)books.authorized, (long long)books.captured, (long long)books.overcharged,
            (long long)books.refunded, books.is_voided ? " voided" : "",
            books.is_expired ? " expired" : "");
    }
    town_tell_order(audit->shop->town, purchase->order);
    PANIC("the audit found something");
}

/* ---- one order ------------------------------------------------------------------------------- */

/* Purses and coupons are consumed when an order is paid; where it is captured when shipped, with the
 * first parcel or the first capture by hand. And an order that is over waits for nothing. */
static void read_history(struct audit *audit)
{
    const struct msg_order_events_req ask = {.order = audit->purchase->order};
    struct record_view view;
    audit->was_spent = audit->is_voided_afterwards = false;
    town_read(audit->shop->town, OPCODE_ORDER_EVENTS, 0, &ask, NULL, NULL, &view);
    for (u32 at = 0; at < view.spans[0].bytes; at += (u32)sizeof(struct row_order_event)) {
        struct row_order_event row;
        memcpy(&row, view.spans[0].data + at, sizeof row);
        audit->was_spent |=
            (row.kind == ORDER_EVENT_STATE_CHANGED && row.state == SAGA_STATE_PAID) ||
            row.kind == ORDER_EVENT_PARCEL_SHIPPED || row.kind == ORDER_EVENT_CAPTURE_ASKED;
        audit->is_voided_afterwards |=
            row.kind == ORDER_EVENT_VOIDED && row.state == SAGA_STATE_CANCELLED;
    }
}

static void audit_purse(struct audit *audit, const struct row_order_tender *row, bool is_placed)
{
    const i64 spent = row->captured - row->refunded;
    if (audit->purchase->purse == SHOP_NONE ||
        row->account != shop_purse(audit->purchase->purse).id)
        fail(audit, "another purse than the shopper's");
    if (!is_placed && spent != 0)
        fail(audit, "spent without an order (A2)");
    audit->purses[audit->purchase->purse] += spent;
    if (is_placed && row->state == TENDER_STATE_HELD)
        audit->purses_held[audit->purchase->purse] += row->amount;
    if (is_placed && row->state == TENDER_STATE_HELD &&
        (audit->order.state == SAGA_STATE_CANCELLED ||
         (audit->was_spent && !audit->purchase->is_forced)))
        fail(audit, "a purse is still held (A1)");
}

static void audit_card(struct audit *audit, const struct row_order_tender *row, u16 index,
                       bool is_placed)
{
    const struct books_account books =
        books_account(bank_books(audit->shop->bank), audit->purchase->order, index);
    const i64 kept = books.captured + books.overcharged - books.refunded;
    if (!audit->purchase->is_forced && row->captured - row->refunded != kept)
        fail(audit, "the bank has other books (A3)");
    if (!is_placed && kept != 0)
        fail(audit, "charged without an order (A2)");
    if (!audit->purchase->is_forced && books.overcharged != row->overcharged)
        fail(audit, "charged by mistake, and not noted (A6)");
    if (books.authorized > books.captured && !books.is_voided && !books.is_expired &&
        audit->order.state == SAGA_STATE_CANCELLED && !audit->purchase->is_forced)
        fail(audit, "an authorisation was left open (A2)");
    audit->counts.captured += books.captured;
    audit->counts.refunded += books.refunded;
}

static void audit_tenders(struct audit *audit, struct span rows, bool is_placed)
{
    const u32 count = rows.bytes / (u32)sizeof(struct row_order_tender);
    i64 captured = 0, refunded = 0;
    for (u32 i = 0; i < count; i++) {
        struct row_order_tender row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        if (row.captured > row.authorized || row.refunded > row.captured)
            fail(audit, "a tender beyond its limits");
        if (row.kind == TENDER_KIND_OUTSIDE)
            audit_card(audit, &row, (u16)i, is_placed);
        else
            audit_purse(audit, &row, is_placed);
        captured += row.captured;
        refunded += row.refunded;
    }
    if (captured != audit->order.captured || refunded != audit->order.refunded)
        fail(audit, "tenders are not the order's sums");
}

/* What cancelled and returned units were worth, to the cent. */
static i64 audit_lines(struct audit *audit, struct span rows, bool is_placed)
{
    const u32 count = rows.bytes / (u32)sizeof(struct row_order_line);
    i64 given_up = 0;
    if (count != audit->purchase->line_count)
        fail(audit, "another number of lines");
    for (u32 i = 0; i < count; i++) {
        struct row_order_line row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        if (row.quantity != audit->purchase->quantities[i])
            fail(audit, "another quantity than ordered");
        if (!is_placed)
            continue;
        if (row.allocated + row.shipped + row.cancelled != row.quantity ||
            row.delivered > row.shipped ||
            row.returned_sellable + row.returned_damaged > row.delivered)
            fail(audit, "units are not conserved (A4)");
        struct sums *sums = &audit->skus[audit->purchase->skus[i]];
        sums->sold += row.quantity - row.cancelled;
        sums->shipped += row.shipped;
        sums->sellable += row.returned_sellable;
        sums->damaged += row.returned_damaged;
        if (row.refunded > row.total || row.refunded < row.total * row.cancelled / row.quantity)
            fail(audit, "a line's worth was given back wrongly (A3)");
        given_up += row.refunded;
    }
    return given_up;
}

static void audit_money(struct audit *audit, i64 given_up)
{
    const struct msg_order_get_rsp *order = &audit->order;
    const struct purchase *purchase = audit->purchase;
    const bool is_gone = order->state == SAGA_STATE_CANCELLED;
    const bool is_open =
        order->capture == CAPTURE_POLICY_ON_SHIP && order->state == SAGA_STATE_PLACED;
    if (order->total != purchase->expected_total)
        fail(audit, "another total than the shopper saw (A3)");
    if (!purchase->is_forced && !is_open && order->captured - order->refunded != order->owed)
        fail(audit, "what was paid is not what is owed (A3)");
    if (is_gone && !purchase->is_forced && order->captured != order->refunded)
        fail(audit, "cancelled, and not given back (A3)");
    if (!purchase->has_extras && !is_gone && order->total - given_up != order->owed)
        fail(audit, "owed is not what is left of the lines (A3)");
}

static void count_reason(struct shop_counts *counts, u16 reason)
{
    switch (reason) {
    case STATUS_OUT_OF_STOCK:
    case STATUS_CREDIT_SHORT:
    case STATUS_COUPON_EXHAUSTED:
    case STATUS_LIMIT_EXCEEDED:
    case STATUS_PRICE_CHANGED: counts->refused++; break;
    case STATUS_PAYMENT_DECLINED: counts->declined++; break;
    case STATUS_PAYMENT_EXPIRED: counts->expired++; break;
    case STATUS_LATE_PAYMENT: counts->late++; break;
    case STATUS_GIVEN_UP: counts->cancelled++; break;
    default: counts->other++;
    }
}

/* What was ordered from a cart is gone if the order was placed, and only then. */
static void audit_cart(struct audit *audit, bool is_placed)
{
    const struct msg_cart_get_req ask = {.user_id = audit->purchase->user};
    struct msg_cart_get_rsp cart;
    struct record_view view;
    town_read(audit->shop->town, OPCODE_CART_GET, 0, &ask, NULL, &cart, &view);
    const u32 lines = view.spans[SPAN_OF(cart_get_rsp, lines)].bytes / sizeof(struct row_cart_line);
    if (cart.state != CART_STATE_ACTIVE || !id128_is_none(cart.order))
        fail(audit, "the cart is still claimed (A8)");
    if (lines != (is_placed ? 0 : audit->purchase->line_count))
        fail(audit, "the cart lost other lines than those ordered (A8)");
    audit->counts.carts++;
}

/* Of an order that was cancelled before it was consumed, it is released. Where money was given back by hand,
 * all that was due may have been captured without a word of it in the history (PAID). */
static bool note_coupon(struct audit *audit)
{
    const bool is_cancelled = audit->order.state == SAGA_STATE_CANCELLED;
    if (audit->purchase->coupon != SHOP_COUPON_OFF || audit->order.placed_at_ns == 0)
        return false;
    if (audit->purchase->is_forced ||
        (audit->purchase->has_extras && is_cancelled && !audit->was_spent))
        audit->coupons_open++;
    else if (audit->was_spent)
        audit->coupons++;
    else if (!is_cancelled)
        audit->coupons_held++;
    return !is_cancelled;
}

static void note_customer(struct audit *audit)
{
    const struct purchase *purchase = audit->purchase;
    const bool has_coupon = note_coupon(audit);
    if (purchase->has_cart)
        return;
    const u64 index = (purchase->user & ~ID_GUEST_BIT) - SHOP_FIRST_USER;
    struct customer *customer =
        (purchase->user & ID_GUEST_BIT) != 0 ? &audit->guests[index] : &audit->users[index];
    customer->orders++;
    customer->coupons += has_coupon ? 1 : 0;
    if (purchase->account != 0)
        audit->users[purchase->account - SHOP_FIRST_USER].orders++;
}

static void audit_order(struct audit *audit)
{
    const struct msg_order_get_req ask = {.order = audit->purchase->order};
    struct record_view view;
    read_history(audit);
    town_read(audit->shop->town, OPCODE_ORDER_GET, 0, &ask, NULL, &audit->order, &view);
    const struct msg_order_get_rsp *order = &audit->order;
    MUST(order->head.status == STATUS_OK);
    const struct saga_state_info *state = saga_state_find(order->state);
    if (state == NULL || state->kind != SAGA_KIND_RESTING)
        fail(audit, "it does not rest (A1)");
    const bool is_placed = order->placed_at_ns != 0;
    if (!is_placed && order->state != SAGA_STATE_CANCELLED)
        fail(audit, "neither placed nor cancelled (A1)");
    if (is_placed && audit->purchase->is_wrong)
        fail(audit, "placed at another total than the shopper saw");
    if (audit->is_voided_afterwards && !audit->purchase->is_forced)
        fail(audit, "it was over while a void was under way (A1)");
    audit->counts.placed += is_placed ? 1 : 0;
    if (!is_placed)
        count_reason(&audit->counts, order->reason);
    audit_tenders(audit, view.spans[SPAN_OF(order_get_rsp, tenders)], is_placed);
    const i64 given_up = audit_lines(audit, view.spans[SPAN_OF(order_get_rsp, lines)], is_placed);
    if (is_placed)
        audit_money(audit, given_up);
    audit->counts.parcels +=
        view.spans[SPAN_OF(order_get_rsp, parcels)].bytes / sizeof(struct row_parcel);
    audit->counts.returns +=
        view.spans[SPAN_OF(order_get_rsp, returns)].bytes / sizeof(struct row_return);
    if (audit->purchase->has_cart)
        audit_cart(audit, is_placed);
    note_customer(audit);
}

/* ---- everything ------------------------------------------------------------------------------ */

static void audit_stock(const struct audit *audit)
{
    for (u32 i = 0; i < audit->shop->options.skus; i++) {
        const struct msg_sku_get_rsp sku = shop_resource(audit->shop, shop_sku(i));
        const struct sums *sums = &audit->skus[i];
        if (sku.held == 0 && sku.granted - sku.cancelled == sums->sold &&
            sku.shipped == sums->shipped && sku.returned_sellable == sums->sellable &&
            sku.returned_damaged == sums->damaged && sku.sellable >= 0)
            continue;
        (void)fprintf(
            stderr,
            "SKU %u: held %lld, granted %lld, cancelled %lld, shipped %lld, returned %lld "
            "and %lld; orders say sold %lld, shipped %lld, returned %lld and %lld\n",
            i, (long long)sku.held, (long long)sku.granted, (long long)sku.cancelled,
            (long long)sku.shipped, (long long)sku.returned_sellable,
            (long long)sku.returned_damaged, (long long)sums->sold, (long long)sums->shipped,
            (long long)sums->sellable, (long long)sums->damaged);
        PANIC("stock and orders do not agree (A1, A4)");
    }
}

static void audit_purses(const struct audit *audit)
{
    for (u32 i = 0; i < SHOP_PURSES; i++) {
        const struct msg_sku_get_rsp purse = shop_resource(audit->shop, shop_purse(i));
        if (purse.held == audit->purses_held[i] && purse.allocated == 0 &&
            purse.sellable == SHOP_PURSE_UNITS - audit->purses[i] - purse.held)
            continue;
        (void)fprintf(stderr, "purse %u: held %lld, sellable %lld, allocated %lld, spent %lld\n", i,
                      (long long)purse.held, (long long)purse.sellable, (long long)purse.allocated,
                      (long long)audit->purses[i]);
        PANIC("purses and orders do not agree (A5)");
    }
}

static void audit_coupons(struct audit *audit)
{
    if (audit->shop->options.is_plain)
        return;
    const struct msg_sku_get_rsp coupon =
        shop_resource(audit->shop, shop_coupon_key(SHOP_COUPON_OFF));
    const u64 used = (u64)(coupon.received - coupon.sellable - coupon.held);
    const u64 held = (u64)coupon.held;
    audit->counts.coupons = used;
    bool is_good = coupon.sellable >= 0 && used >= audit->coupons && held >= audit->coupons_held &&
                   used + held <= audit->coupons + audit->coupons_held + audit->coupons_open;
    for (u32 i = 0; i < SHOP_USERS; i++)
        is_good = is_good && audit->users[i].coupons <= SHOP_PER_CUSTOMER &&
                  audit->guests[i].coupons <= SHOP_PER_CUSTOMER;
    if (is_good)
        return;
    (void)fprintf(
        stderr, "coupon: %llu used and %llu held; orders say %llu and %llu, and %llu unsure\n",
        (unsigned long long)used, (unsigned long long)held, (unsigned long long)audit->coupons,
        (unsigned long long)audit->coupons_held, (unsigned long long)audit->coupons_open);
    for (u32 i = 0; i < audit->shop->made; i++)
        if (audit->shop->purchases[i].coupon == SHOP_COUPON_OFF)
            town_tell_order(audit->shop->town, audit->shop->purchases[i].order);
    PANIC("coupons and orders do not agree (A7)");
}

static void audit_histories(const struct audit *audit)
{
    for (u32 i = 0; i < SHOP_USERS; i++) {
        const struct msg_order_list_req ask = {.user_id = SHOP_FIRST_USER + i};
        struct msg_order_list_rsp reply;
        town_read(audit->shop->town, OPCODE_ORDER_LIST, 0, &ask, NULL, &reply, NULL);
        MUST(reply.head.status == STATUS_OK);
        if (reply.count == audit->users[i].orders)
            continue;
        (void)fprintf(stderr, "customer %u: %llu orders in the history, %llu made\n", i,
                      (unsigned long long)reply.count, (unsigned long long)audit->users[i].orders);
        PANIC("a history is not what was ordered (A8)");
    }
}

void shop_audit(struct shop *shop, struct shop_counts *counts)
{
    struct audit audit = {.shop = shop, .counts = {.orders = shop->made}};
    audit.skus = calloc(shop->options.skus, sizeof *audit.skus);
    MUST(audit.skus != NULL);
    for (u32 i = 0; i < shop->made; i++) {
        audit.purchase = &shop->purchases[i];
        audit_order(&audit);
    }
    audit_stock(&audit);
    audit_purses(&audit);
    audit_coupons(&audit);
    audit_histories(&audit);
    town_verify(shop->town);
    audit.counts.operator_calls = shop->operator_calls;
    audit.counts.retakes = bank_effect_count(shop->bank, PAYMENT_EFFECT_LATE_RETAKE);
    *counts = audit.counts;
    free(audit.skus);
}
