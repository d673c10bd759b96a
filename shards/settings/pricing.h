/* pricing: what lines cost, from prices, promotions and charges: a pure calculation. docs/prices.md is
 * the contract.
 *
 *      lines with base prices -> unit prices (lists, tiers, agreed) -> promotions in order, spread over
 *      lines by largest remainder -> charges -> total
 *
 * Used by cart_quote and by checkout alike, so that what the shopper saw is what is charged.
 * Ownership  all arrays are the caller's. No allocation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_PRICING_H
#define SOUK_SHARDS_SETTINGS_PRICING_H

#include "shards/settings/settings.h"

struct pricing_line {
    /* in */
    u64 sku_id;
    i64 quantity;
    i64 base_price;
    i64 agreed_price; /* -1 = none */
    u64 agreed_reason;
    u64 base_version; /* of the SKU */
    u16 currency;     /* of base_price */
    /* out */
    u16 price_kind; /* enum amount_kind: BASE, LIST, AGREED */
    u16 status;     /* OK, CURRENCY_MISMATCH, EXCEEDS */
    u64 price_rule;
    u64 price_version;
    i64 unit_price;
    i64 discount;
    i64 charges;
    i64 total; /* quantity x unit_price - discount + charges */
};

struct pricing {
    /* in */
    u64 user_id;
    u64 group_id;
    u64 now_ns;
    u16 currency;
    struct pricing_line *lines;
    u32 line_count;
    const struct row_coupon *coupons;
    u32 coupon_count;
    const struct row_charge *charges;
    u32 charge_count;
    struct row_amount *amounts; /* out: room for ORDER_AMOUNTS_MAX */
    /* out */
    u32 amount_count;
    u16 status; /* OK; EXCEEDS, CURRENCY_MISMATCH, COUPON_INVALID (TOO_MANY amounts: TOO_MANY) */
    u16 free_shipping;
    u32 coupons_used; /* bit i: coupon i gave something */
    i64 goods, discount, charge_sum, total;
};

void pricing_run(const struct settings *settings, struct pricing *pricing);

/* What a coupon of the list needs to be held for: its promotion, NULL if no valid one wants it at
 * this time for this group and currency (COUPON_INVALID). */
struct pricing_coupon {
    u64 promotion_id;
    u64 version;
    i64 per_customer; /* 0 = no limit */
    bool is_limited;
};
bool pricing_coupon_find(const struct settings *settings, const struct pricing *pricing,
                         u64 coupon_id, struct pricing_coupon *to);

/* The resource in which the uses of a coupon by one customer are counted. */
struct resource pricing_allowance(u64 coupon_id, u64 user_id);

#endif
