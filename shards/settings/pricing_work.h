/* pricing_work: one calculation under way; for pricing.c and pricing_promotions.c only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_PRICING_WORK_H
#define SOUK_SHARDS_SETTINGS_PRICING_WORK_H

#include "shards/settings/pricing.h"
#include "shards/settings/spread.h"

struct pricing_work {
    const struct settings *settings;
    struct pricing *pricing;
    const struct setting *shipping; /* the promotion that pays for it, NULL = none */
    i64 rest;                       /* what all lines below still cost */
    u32 line_count;                 /* of those that promotions may touch */
    u32 by_sku[ORDER_LINES_MAX];    /* them by SKU, then by line */
    u32 in_order[ORDER_LINES_MAX];  /* them by line */
    i64 values[ORDER_LINES_MAX];
    struct spread_pair pairs[ORDER_LINES_MAX];
};

/* Adds an amount; false: there is no room for it. */
static inline bool pricing_put(struct pricing *pricing, struct row_amount amount)
{
    if (pricing->amount_count == ORDER_AMOUNTS_MAX)
        return false;
    pricing->amounts[pricing->amount_count++] = amount;
    return true;
}

/* What a line costs before charges. */
static inline i64 pricing_line_rest(const struct pricing_line *line)
{
    return line->quantity * line->unit_price - line->discount;
}

/* Applies the promotions in order. OK or TOO_MANY. */
u16 pricing_promotions(struct pricing_work *work);

#endif
