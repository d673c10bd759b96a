/* shop_goods: SKUs, purses, coupons; see tests/town/shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"
#include "tests/town/shop_parts.h"

#define PRICE_STEP  125
#define FIRST_PURSE 9000u

u64 shop_sku_id(u32 index)
{
    char code[16];
    return id_from_code(code, (size_t)snprintf(code, sizeof code, "SKU-%u", index));
}

struct resource shop_sku(u32 index)
{
    return (struct resource){.id = shop_sku_id(index), .kind = RESOURCE_KIND_SKU};
}

struct resource shop_purse(u32 index)
{
    return (struct resource){.id = FIRST_PURSE + index,
                             .kind = index < SHOP_PURSES / 2 ? RESOURCE_KIND_GIFT_CARD
                                                             : RESOURCE_KIND_CREDIT};
}

struct resource shop_coupon_key(enum shop_coupon coupon)
{
    return (struct resource){.id = 7000 + coupon, .kind = RESOURCE_KIND_COUPON};
}

struct row_coupon shop_coupon_row(enum shop_coupon coupon)
{
    return (struct row_coupon){.coupon_id = shop_coupon_key(coupon).id,
                               .code = coupon == SHOP_COUPON_OFF ? text64_of("FIFTY OFF", 9)
                                                                 : text64_of("FREE SHIPPING", 13)};
}

struct msg_sku_get_rsp shop_resource(struct shop *shop, struct resource key)
{
    const struct msg_sku_get_req ask = {.resource = key};
    struct msg_sku_get_rsp reply;
    town_read(shop->town, OPCODE_SKU_GET, 0, &ask, NULL, &reply, NULL);
    return reply;
}

static void put_resource(struct town *town, struct resource key, i64 price, i64 oversell_cap)
{
    char code[32];
    const int bytes =
        snprintf(code, sizeof code, "thing %u %llx", key.kind, (unsigned long long)key.id);
    const struct msg_sku_put_req put = {
        .resource = key, .price = price, .oversell_cap = oversell_cap, .currency = SHOP_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)code, (u32)bytes}};
    struct msg_sku_put_rsp reply;
    town_write(town, OPCODE_SKU_PUT, 0, &put, spans, &reply);
    MUST(reply.head.status == STATUS_OK);
}

static void receive(struct town *town, struct resource key, i64 units)
{
    const struct msg_stock_receive_req ask = {.resource = key, .quantity = units};
    struct msg_stock_receive_rsp reply;
    town_write(town, OPCODE_STOCK_RECEIVE, 0, &ask, NULL, &reply);
    MUST(reply.head.status == STATUS_OK);
}

static void put_promotion(struct town *town, enum shop_coupon coupon)
{
    const bool is_off = coupon == SHOP_COUPON_OFF;
    const struct msg_promotion_put_req put = {
        .home_id = 500 + coupon,
        .value = is_off ? SHOP_OFF : 0,
        .coupon_id = shop_coupon_key(coupon).id,
        .per_customer = is_off ? SHOP_PER_CUSTOMER : 0,
        .kind = is_off ? PROMOTION_KIND_FIXED : PROMOTION_KIND_FREE_SHIPPING,
        .currency = SHOP_GBP,
        .is_limited = is_off,
        .name = is_off ? text64_of("fifty off", 9) : text64_of("free shipping", 13)};
    struct msg_promotion_put_rsp reply;
    town_write(town, OPCODE_PROMOTION_PUT, 0, &put, NULL, &reply);
    MUST(reply.head.status == STATUS_OK);
}

/* Nothing is tried often, so that operators have something to do. */
static void put_policy(struct town *town)
{
    const struct msg_policy_get_req ask = {.home_id = POLICY_HOME_ID};
    struct msg_policy_get_rsp now;
    town_read(town, OPCODE_POLICY_GET, 0, &ask, NULL, &now, NULL);
    const struct msg_policy_put_req put = {.home_id = POLICY_HOME_ID,
                                           .cart_guest_ms = now.cart_guest_ms,
                                           .cart_user_ms = now.cart_user_ms,
                                           .payment_lease_ms = now.payment_lease_ms,
                                           .unpaid_ms = now.unpaid_ms,
                                           .answer_ms = now.answer_ms,
                                           .backoff_ms = now.backoff_ms,
                                           .backoff_max_ms = now.backoff_max_ms,
                                           .return_window_ms = now.return_window_ms,
                                           .deliveries_max = 3,
                                           .attempts_max = 1};
    struct msg_policy_put_rsp reply;
    town_write(town, OPCODE_POLICY_PUT, 0, &put, NULL, &reply);
    MUST(reply.head.status == STATUS_OK);
}

void shop_stock_up(struct shop *shop)
{
    const struct shop_options *options = &shop->options;
    shop->prices = calloc(options->skus, sizeof *shop->prices);
    MUST(shop->prices != NULL);
    for (u32 i = 0; i < options->skus; i++) {
        shop->prices[i] = PRICE_STEP * (1 + (i64)i % 7);
        put_resource(shop->town, shop_sku(i), shop->prices[i], i % 4 == 3 ? options->early : 0);
        receive(shop->town, shop_sku(i), options->stock);
    }
    for (u32 i = 0; i < SHOP_PURSES; i++) {
        put_resource(shop->town, shop_purse(i), 0, 0);
        receive(shop->town, shop_purse(i), SHOP_PURSE_UNITS);
    }
    if (!options->is_plain) {
        put_resource(shop->town, shop_coupon_key(SHOP_COUPON_OFF), 0, 0);
        receive(shop->town, shop_coupon_key(SHOP_COUPON_OFF), MAX(options->orders / 20, 1));
        for (u32 i = 0; i < SHOP_COUPONS; i++)
            put_promotion(shop->town, (enum shop_coupon)i);
    }
    if (options->has_operators)
        put_policy(shop->town);
    town_carry_all(shop->town);
}

void shop_reprice(struct shop *shop)
{
    const u32 sku = (u32)town_below(shop->town, shop->options.skus);
    shop->prices[sku] = PRICE_STEP * (1 + (i64)town_below(shop->town, 9));
    put_resource(shop->town, shop_sku(sku), shop->prices[sku],
                 sku % 4 == 3 ? shop->options.early : 0);
}

void shop_receive(struct shop *shop)
{
    receive(shop->town, shop_sku((u32)town_below(shop->town, shop->options.skus)),
            1 + (i64)town_below(shop->town, 3));
}
