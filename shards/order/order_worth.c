/* order_worth: what an order is worth after cancels, parcels and returns. Declared in
 * shards/order/order_parts.h, which says the rule.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_parts.h"
#include "shards/settings/spread.h"

/* Sums over the lines. */
struct line_sums {
    i64 lines;     /* of their totals */
    i64 cancelled; /* worth of cancelled units */
    i64 left;      /* worth of what has left */
    bool is_anything_left;
    bool is_all_cancelled;
};

static struct line_sums sum_lines(const struct order *order)
{
    const struct row_order_line *lines = order_lines(order);
    struct line_sums sums = {.is_all_cancelled = true};
    for (u32 i = 0; i < order->lines.count; i++) {
        const struct row_order_line *line = &lines[i];
        sums.lines += line->total;
        sums.cancelled += spread_part(line->total, line->cancelled, line->quantity);
        sums.left +=
            line->total - spread_part(line->total, line->quantity - line->shipped, line->quantity);
        sums.is_anything_left |= line->shipped != 0;
        sums.is_all_cancelled &= line->cancelled == line->quantity;
    }
    return sums;
}

i64 order_whole_charges(const struct order *order)
{
    i64 lines = 0;
    for (u32 i = 0; i < order->lines.count; i++)
        lines += order_lines(order)[i].total;
    MUST(lines <= order->total);
    return order->total - lines;
}

i64 order_owed(const struct order *order)
{
    MUST(order->given_up >= 0);
    return MAX(order->total - order->given_up, 0);
}

i64 order_due(const struct order *order, i64 asked)
{
    const struct line_sums sums = sum_lines(order);
    const i64 whole = order->total - sums.lines;
    MUST(whole >= 0);
    const i64 cancelled = sums.cancelled + (sums.is_all_cancelled ? whole : 0);
    i64 kept = order->total - cancelled;
    if (order->capture == CAPTURE_POLICY_ON_SHIP) {
        const i64 left = sums.left + (sums.is_anything_left ? whole : 0);
        kept = MIN(kept, MAX(left, asked));
    }
    MUST(cancelled <= order->given_up);
    return MAX(kept - (order->given_up - cancelled), 0);
}
