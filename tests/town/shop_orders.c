/* shop_orders: shoppers; see tests/town/shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/print.h"
#include "proto/text.h"
#include "tests/town/shop_parts.h"

#define TENDERS_MAX 3u

/* What a checkout says, while it is put together. */
struct basket {
    struct row_checkout_line lines[SHOP_LINES_MAX];
    struct row_tender tenders[TENDERS_MAX];
    struct row_coupon coupon;
    u32 tender_count;
};

static struct id128 new_order(struct shop *shop, u64 user)
{
    return (struct id128){.high = user,
                          .low = (shop->town->now_ns / NS_PER_MS) << 16 | (shop->made & 0xFFFF)};
}

/* What the shopper has to pay, shipping aside. */
static i64 draw_lines(struct shop *shop, struct purchase *purchase, struct basket *basket)
{
    i64 goods = 0;
    purchase->line_count = 1 + (u32)town_below(shop->town, SHOP_LINES_MAX);
    for (u32 i = 0; i < purchase->line_count; i++) {
        const u32 sku = (u32)town_below(shop->town, shop->options.skus);
        const i64 quantity = 1 + (i64)town_below(shop->town, 3);
        purchase->skus[i] = sku;
        purchase->quantities[i] = quantity;
        basket->lines[i] = (struct row_checkout_line){
            .sku_id = shop_sku_id(sku), .options = i, .quantity = quantity, .agreed_price = -1};
        goods += quantity * shop->prices[sku];
    }
    return goods;
}

static i64 draw_coupon(struct shop *shop, struct purchase *purchase, i64 goods)
{
    purchase->coupon = SHOP_COUPON_NONE;
    if (shop->options.is_plain || !town_chance(shop->town, 15))
        return 0;
    purchase->coupon = (enum shop_coupon)town_below(shop->town, SHOP_COUPONS);
    return purchase->coupon == SHOP_COUPON_OFF ? MIN(goods, SHOP_OFF) : SHOP_SHIPPING;
}

/* One or two cards, now and then a purse first, which may pay for all of it. */
static void draw_tenders(struct shop *shop, struct purchase *purchase, struct basket *basket,
                         i64 total)
{
    struct town *town = shop->town;
    struct row_tender *rows = basket->tenders;
    i64 left = total;
    u32 count = 0;
    purchase->purse = SHOP_NONE;
    if (town_chance(town, 20)) {
        const bool is_all = town_chance(town, 30);
        const i64 part = 1 + (i64)town_below(town, 600);
        const i64 amount = is_all ? left : MIN(left, part);
        purchase->purse = (u32)town_below(town, SHOP_PURSES);
        rows[count++] = (struct row_tender){
            .account = shop_purse(purchase->purse).id,
            .amount = amount,
            .kind = purchase->purse < SHOP_PURSES / 2 ? TENDER_KIND_GIFT_CARD : TENDER_KIND_CREDIT};
        left -= amount;
    }
    if (left > 3 && town_chance(town, 10)) {
        rows[count] = (struct row_tender){.amount = left / 3 + 1};
        rows[count].token = text64_of("tok_first", 9);
        left -= rows[count++].amount;
    }
    if (left > 0) {
        rows[count] = (struct row_tender){.amount = left};
        rows[count++].token = text64_of("tok_card", 8);
    }
    basket->tender_count = count;
}

static void fill_cart(struct shop *shop, const struct purchase *purchase,
                      const struct basket *basket)
{
    for (u32 i = 0; i < purchase->line_count; i++) {
        const struct msg_cart_add_req ask = {.user_id = purchase->user,
                                             .sku_id = basket->lines[i].sku_id,
                                             .options = basket->lines[i].options,
                                             .quantity = basket->lines[i].quantity,
                                             .price_seen = shop->prices[purchase->skus[i]],
                                             .currency = SHOP_GBP};
        struct msg_cart_add_rsp reply;
        town_write(shop->town, OPCODE_CART_ADD, 0, &ask, NULL, &reply);
        MUST(reply.head.status == STATUS_OK);
    }
    if (purchase->coupon == SHOP_COUPON_NONE)
        return;
    const struct msg_cart_coupon_req ask = {.user_id = purchase->user,
                                            .coupon_id = basket->coupon.coupon_id,
                                            .listed = 1,
                                            .code = basket->coupon.code};
    struct msg_cart_coupon_rsp reply;
    town_write(shop->town, OPCODE_CART_COUPON, 0, &ask, NULL, &reply);
    MUST(reply.head.status == STATUS_OK);
}

static void check_out(struct shop *shop, const struct purchase *purchase,
                      const struct basket *basket)
{
    const struct row_charge shipping = {
        .amount = SHOP_SHIPPING, .code = 11, .line = LINE_NONE, .kind = AMOUNT_KIND_SHIPPING};
    const struct msg_checkout_req ask = {
        .order = purchase->order,
        .expected_total = purchase->expected_total,
        .currency = SHOP_GBP,
        .from_cart = purchase->has_cart,
        .capture = town_chance(shop->town, 30) ? CAPTURE_POLICY_ON_SHIP : CAPTURE_POLICY_NOW};
    const u32 lines = purchase->has_cart ? 0 : purchase->line_count;
    const bool has_coupon = !purchase->has_cart && purchase->coupon != SHOP_COUPON_NONE;
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)basket->lines,
                                          lines * (u32)sizeof *basket->lines},
        [SPAN_OF(checkout_req, charges)] = {(const u8 *)&shipping, sizeof shipping},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)basket->tenders,
                                            basket->tender_count * (u32)sizeof *basket->tenders},
        [SPAN_OF(checkout_req, coupons)] = {(const u8 *)&basket->coupon,
                                            has_coupon ? sizeof basket->coupon : 0},
        [SPAN_OF(checkout_req, address)] = {(const u8 *)"1 Market Street", 15},
    };
    struct msg_checkout_rsp reply;
    town_write(shop->town, OPCODE_CHECKOUT, 0, &ask, spans, &reply);
    if (reply.head.status != STATUS_OK)
        PANIC(status_name(reply.head.status));
    if (!town_chance(shop->town, 5))
        return;
    struct msg_checkout_rsp again; /* a nervous finger */
    town_write(shop->town, OPCODE_CHECKOUT, 0, &ask, spans, &again);
    MUST(again.head.status == STATUS_OK && (again.head.flags & RECORD_FLAG_REPLAYED) != 0);
}

void shop_order(struct shop *shop)
{
    struct town *town = shop->town;
    struct purchase *purchase = &shop->purchases[shop->made];
    struct basket basket = {.tender_count = 0};
    purchase->has_cart = !shop->options.is_plain && town_chance(town, 15);
    purchase->user = SHOP_FIRST_USER + town_below(town, SHOP_USERS);
    if (!shop->options.is_plain && town_chance(town, 10))
        purchase->user |= ID_GUEST_BIT;
    if (purchase->has_cart)
        purchase->user = SHOP_CART_USER + shop->made;
    purchase->order = new_order(shop, purchase->user);
    const i64 goods = draw_lines(shop, purchase, &basket);
    const i64 off = draw_coupon(shop, purchase, goods);
    if (purchase->coupon != SHOP_COUPON_NONE)
        basket.coupon = shop_coupon_row(purchase->coupon);
    purchase->is_wrong = town_chance(town, 1); /* saw another price */
    purchase->expected_total = goods - off + SHOP_SHIPPING + (purchase->is_wrong ? 1 : 0);
    draw_tenders(shop, purchase, &basket, purchase->expected_total);
    if (purchase->has_cart)
        fill_cart(shop, purchase, &basket);
    check_out(shop, purchase, &basket);
    shop->made++;
}

struct purchase *shop_draw(struct shop *shop)
{
    const u32 window = MIN(shop->made, shop->options.open_max);
    if (window == 0)
        return NULL;
    return &shop->purchases[shop->made - 1 - town_below(shop->town, window)];
}

void shop_give_up(struct shop *shop, const struct purchase *purchase)
{
    const struct msg_checkout_cancel_req ask = {
        .order = purchase->order, .user_id = purchase->user, .reason = 1};
    struct msg_checkout_cancel_rsp reply;
    town_write(shop->town, OPCODE_CHECKOUT_CANCEL, 0, &ask, NULL, &reply);
}
