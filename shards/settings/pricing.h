/* pricing: what lines cost, from prices, promotions and charges: a pure calculation. docs/prices.md is
 * the contract.
 *
 *      lines with base prices -> unit prices (lists, tiers, agreed) -> promotions in order, spread over
 *      lines by largest remainder -> charges -> total
 *
 * Used by cart_quote and by checkout alike, so that what the shopper saw is what is charged.
 *
 * The status, and what the figures are with it:
 *
 *      OK                 everything adds up
 *      COUPON_INVALID     a coupon belongs to no promotion that is a candidate; all figures are good
 *      CURRENCY_MISMATCH, NOT_FOUND, EXCEEDS of a line: that line costs nothing and promotions do not
 *                         see it; the figures are those of the others. The status is the first such
 *                         line's, and line->status says which they are
 *      EXCEEDS of a sum, TOO_MANY amounts, SUM_MISMATCH (a charge names a line that is not there),
 *      BAD_ARGUMENT (kind or amount of a charge): no figures at all, amount_count is 0
 *
 * A coupon whose promotion is a candidate and gives nothing leaves the status OK and its bit of
 * coupons_used 0: a quote reports a problem, a checkout refuses it (COUPON_INVALID).
 *
 * Invariants
 *   I1  the amounts add up to the total; those of a line (goods, shares, charges) to the line's total.
 *   I2  0 <= line->discount <= quantity x unit price; no sum passes 2^53.
 *   I3  an order without coupons, in a shop without promotions, pays for none.
 * Ownership  all arrays are the caller's. No allocation; some 80 KiB of stack for 2,000 lines.
 * Failure    statuses, as above. Quantities out of range are a bug of the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_PRICING_H
#define SOUK_SHARDS_SETTINGS_PRICING_H

#include "shards/settings/settings.h"

struct pricing_line {
    /* in */
    u64 sku_id;
    i64 quantity;     /* 1 to 2^31 */
    i64 base_price;   /* -1 = there is no such SKU */
    i64 agreed_price; /* -1 = none */
    u64 agreed_reason;
    u64 base_version; /* of the SKU */
    u16 currency;     /* of base_price */
    /* out */
    u16 price_kind;    /* enum amount_kind: BASE, LIST, AGREED */
    u16 status;        /* OK, CURRENCY_MISMATCH, NOT_FOUND, EXCEEDS */
    u64 price_rule;    /* 0; the list; the agreed reason */
    u64 price_version; /* of the SKU; of the price in the list; 0 */
    i64 unit_price;
    i64 discount; /* its shares of promotions, positive */
    i64 charges;  /* of the caller, for this line */
    i64 total;    /* quantity x unit_price - discount + charges */
};

struct pricing {
    /* in */
    u64 user_id;
    u64 group_id;
    u64 now_ns;
    u16 currency;
    struct pricing_line *lines;
    u32 line_count; /* up to ORDER_LINES_MAX */
    const struct row_coupon *coupons;
    u32 coupon_count; /* up to ORDER_COUPONS_MAX */
    const struct row_charge *charges;
    u32 charge_count;
    struct row_amount *amounts; /* out: room for ORDER_AMOUNTS_MAX */
    /* out */
    u32 amount_count;
    u16 status;
    u16 free_shipping; /* 1 = a promotion pays for it, whatever the charges are */
    u32 coupons_used;  /* bit i: coupon i gave something */
    i64 goods;         /* sum of quantity x unit_price */
    i64 discount;      /* sum of the lines' discounts */
    i64 charge_sum;    /* as the caller gave them, of lines and of the whole order */
    i64 shipping_off;  /* what free shipping takes off */
    i64 total;         /* goods - discount + charge_sum - shipping_off */
};

void pricing_run(const struct settings *settings, struct pricing *pricing);

/* What a coupon of the list needs to be held for: the first promotion in order that wants it. False if
 * no valid one does at this time for this group and currency (COUPON_INVALID). Asked of `pricing` are
 * only group_id, now_ns and currency. */
struct pricing_coupon {
    u64 promotion_id;
    u64 version;
    i64 per_customer; /* the least of all its candidates; 0 = no limit */
    bool is_limited;  /* some candidate's uses are */
};
bool pricing_coupon_find(const struct settings *settings, const struct pricing *pricing,
                         u64 coupon_id, struct pricing_coupon *to);

/* The resource in which the uses of a coupon by one customer are counted. */
struct resource pricing_allowance(u64 coupon_id, u64 user_id);

#endif
