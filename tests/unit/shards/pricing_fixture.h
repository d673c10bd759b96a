/* pricing_fixture: the settings of a shop without a shard around them, and baskets to be priced.
 *
 * Every basket that is priced (basket_run) is held to the promises of shards/settings/pricing.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_PRICING_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_PRICING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/text.h"
#include "shards/settings/pricing.h"
#include "shards/settings/settings_judge.h"

#define GBP 826u
#define EUR 978u
#define NOW 1000000u /* a time like any other */

struct shop {
    struct store_memory memory;
    struct arena arena;
    struct settings settings;
};

static inline void shop_open(struct shop *shop)
{
    store_memory_init(&shop->memory);
    arena_init(&shop->arena, &shop->memory);
    settings_init(&shop->settings, &shop->memory, &shop->arena);
}

static inline void shop_close(struct shop *shop)
{
    settings_deinit(&shop->settings);
    arena_deinit(&shop->arena);
    assert_int_equal(shop->memory.used_bytes, 0);
}

/* Puts the next version of a setting in force. */
static inline void shop_put(struct shop *shop, struct setting_name name, const void *body,
                            u32 bytes)
{
    const struct span span = {.data = body, .bytes = bytes};
    const u32 index = settings_find(&shop->settings, name);
    const u64 version = index != 0 ? setting_at(&shop->settings, index)->version : 0;
    const char *reason = setting_invalid(name, span);
    if (reason != NULL)
        fail_msg("%s", reason);
    (void)settings_apply(&shop->settings, name, version + 1, span);
}

static inline void shop_list(struct shop *shop, struct msg_price_list_put_req put)
{
    put.name = text64_of("a list", 6);
    if (put.currency == 0)
        put.currency = GBP;
    shop_put(shop, (struct setting_name){.home_id = put.home_id, .kind = SETTING_KIND_PRICE_LIST},
             &put, sizeof put);
}

static inline void shop_tiers(struct shop *shop, u64 list_id, u64 sku_id,
                              const struct row_price_tier *tiers, u32 count)
{
    struct {
        struct msg_price_put_req put;
        struct row_price_tier tiers[PRICE_TIERS_MAX];
    } body = {.put = {.home_id = list_id, .sku_id = sku_id}};
    if (count != 0)
        memcpy(body.tiers, tiers, count * sizeof *tiers);
    shop_put(shop,
             (struct setting_name){.home_id = list_id, .key = sku_id, .kind = SETTING_KIND_PRICE},
             &body, (u32)(sizeof body.put + count * sizeof *tiers));
}

/* A price from one unit on. */
static inline void shop_price(struct shop *shop, u64 list_id, u64 sku_id, i64 price)
{
    shop_tiers(shop, list_id, sku_id, &(const struct row_price_tier){1, price}, 1);
}

static inline void shop_promotion(struct shop *shop, struct msg_promotion_put_req put)
{
    put.name = text64_of("a promotion", 11);
    shop_put(shop, (struct setting_name){.home_id = put.home_id, .kind = SETTING_KIND_PROMOTION},
             &put, sizeof put);
}

/* ---- baskets ---- */

#define BASKET_LINES 12u

struct basket {
    struct pricing pricing;
    struct pricing_line lines[BASKET_LINES];
    struct row_coupon coupons[ORDER_COUPONS_MAX];
    struct row_charge charges[BASKET_LINES];
    struct row_amount amounts[ORDER_AMOUNTS_MAX];
};

static inline void basket_begin(struct basket *basket)
{
    memset(basket, 0, sizeof *basket);
    basket->pricing = (struct pricing){.user_id = 5,
                                       .now_ns = NOW,
                                       .currency = GBP,
                                       .lines = basket->lines,
                                       .coupons = basket->coupons,
                                       .charges = basket->charges,
                                       .amounts = basket->amounts};
}

static inline struct pricing_line *basket_line(struct basket *basket, u64 sku_id, i64 quantity,
                                               i64 base_price)
{
    assert_true(basket->pricing.line_count < BASKET_LINES);
    struct pricing_line *line = &basket->lines[basket->pricing.line_count++];
    *line = (struct pricing_line){.sku_id = sku_id,
                                  .quantity = quantity,
                                  .base_price = base_price,
                                  .base_version = 70 + sku_id,
                                  .agreed_price = -1,
                                  .currency = GBP};
    return line;
}

static inline void basket_coupon(struct basket *basket, u64 coupon_id)
{
    assert_true(basket->pricing.coupon_count < ORDER_COUPONS_MAX);
    basket->coupons[basket->pricing.coupon_count++].coupon_id = coupon_id;
}

static inline void basket_charge(struct basket *basket, u16 kind, u32 line, i64 amount)
{
    assert_true(basket->pricing.charge_count < BASKET_LINES);
    basket->charges[basket->pricing.charge_count++] =
        (struct row_charge){.amount = amount, .code = 900 + kind, .line = line, .kind = kind};
}

/* What holds of every result, whatever the settings. */
static inline void pricing_check(const struct pricing *pricing)
{
    i64 total = 0, goods = 0, discount = 0, off = 0;
    assert_true(pricing->amount_count <= ORDER_AMOUNTS_MAX);
    for (u32 i = 0; i < pricing->amount_count; i++) {
        const struct row_amount *amount = &pricing->amounts[i];
        assert_true(amount->line == LINE_NONE || amount->line < pricing->line_count);
        assert_int_equal(amount->zero0, 0);
        total += amount->amount;
        off -= amount->kind == AMOUNT_KIND_FREE_SHIPPING ? amount->amount : 0;
    }
    assert_int_equal(total, pricing->total);
    assert_int_equal(off, pricing->shipping_off);
    for (u32 i = 0; i < pricing->line_count; i++) {
        const struct pricing_line *line = &pricing->lines[i];
        i64 sum = 0;
        for (u32 a = 0; a < pricing->amount_count; a++)
            sum += pricing->amounts[a].line == i ? pricing->amounts[a].amount : 0;
        assert_int_equal(sum, line->total);
        assert_true(line->discount >= 0 && line->charges >= 0);
        if (pricing->amount_count == 0)
            continue;
        assert_true(line->discount <= line->quantity * line->unit_price);
        assert_int_equal(line->total,
                         line->quantity * line->unit_price - line->discount + line->charges);
        goods += line->quantity * line->unit_price;
        discount += line->discount;
    }
    assert_int_equal(goods, pricing->goods);
    assert_int_equal(discount, pricing->discount);
    assert_int_equal(pricing->total,
                     goods - discount + pricing->charge_sum - pricing->shipping_off);
    assert_true(pricing->total >= 0 && pricing->total <= PRICE_MAX);
}

static inline u16 basket_run(const struct shop *shop, struct basket *basket)
{
    pricing_run(&shop->settings, &basket->pricing);
    pricing_check(&basket->pricing);
    return basket->pricing.status;
}

/* The i-th amount of a kind, or NULL. */
static inline const struct row_amount *basket_amount(const struct basket *basket, u16 kind, u32 i)
{
    for (u32 a = 0; a < basket->pricing.amount_count; a++)
        if (basket->amounts[a].kind == kind && i-- == 0)
            return &basket->amounts[a];
    return NULL;
}

#endif
