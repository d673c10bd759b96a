/* order_worth: what an order is worth after cancels, parcels and returns. Declared in
 * shards/order/order_parts.h, which says the rule.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_parts.h"
#include "shards/settings/spread.h"

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

/* The worth of what has left: of each line what the rest is not worth, so that cancelled and shipped
 * units of a line add up to its total. */
static i64 worth_left(const struct order *order)
{
    const struct row_order_line *lines = order_lines(order);
    i64 left = 0;
    bool is_anything_left = false;
    for (u32 i = 0; i < order->lines.count; i++) {
        const i64 stays = lines[i].quantity - lines[i].shipped;
        left += lines[i].total - spread_part(lines[i].total, stays, lines[i].quantity);
        is_anything_left |= lines[i].shipped != 0;
    }
    return is_anything_left ? left + order_whole_charges(order) : 0;
}

static bool is_anything_allocated(const struct order *order)
{
    const struct row_order_line *lines = order_lines(order);
    for (u32 i = 0; i < order->lines.count; i++)
        if (lines[i].allocated != 0)
            return true;
    return false;
}

i64 order_due(const struct order *order, i64 asked)
{
    MUST(order->cancelled_worth >= 0 && order->cancelled_worth <= order->given_up);
    i64 kept = order->total - order->cancelled_worth;
    if (order->capture == CAPTURE_POLICY_ON_SHIP && is_anything_allocated(order))
        kept = MIN(kept, MAX(worth_left(order), asked));
    return MAX(kept - (order->given_up - order->cancelled_worth), 0);
}
