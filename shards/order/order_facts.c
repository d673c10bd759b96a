/* order_facts: what may be said about an order, derived from its quantities and its ledger. Declared
 * in shards/order/order_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_parts.h"

struct order_sums order_sums_of(const struct order *order)
{
    const struct order_tender *tenders = order_tenders(order);
    struct order_sums sums = {0};
    for (u32 i = 0; i < order->tenders.count; i++) {
        sums.authorized += tenders[i].authorized;
        sums.captured += tenders[i].captured;
        sums.refunded += tenders[i].refunded;
        sums.charged_back += tenders[i].charged_back;
        sums.capturing += tenders[i].capturing;
        sums.refunding += tenders[i].refunding;
        sums.forced += tenders[i].forced - tenders[i].forced_back;
    }
    return sums;
}

struct order_units order_units_of(const struct order *order)
{
    const struct row_order_line *lines = order_lines(order);
    struct order_units units = {0};
    for (u32 i = 0; i < order->lines.count; i++) {
        units.ordered += lines[i].quantity;
        units.allocated += lines[i].allocated;
        units.shipped += lines[i].shipped;
        units.delivered += lines[i].delivered;
        units.cancelled += lines[i].cancelled;
        units.returned += lines[i].returned_sellable + lines[i].returned_damaged;
    }
    return units;
}

bool order_is_cancelled_whole(const struct order *order)
{
    const struct row_order_line *lines = order_lines(order);
    for (u32 i = 0; i < order->lines.count; i++)
        if (lines[i].cancelled != lines[i].quantity)
            return false;
    return true;
}

/* Is the order sold, as far as its quantities go? Before that a line has no allocated units. */
bool order_has_left(const struct order *order)
{
    const struct order_units units = order_units_of(order);
    return order->placed_ns != 0 && units.shipped != 0 && units.allocated == 0;
}

bool order_has_arrived(const struct order *order)
{
    const struct order_units units = order_units_of(order);
    return order->placed_ns != 0 && units.shipped != 0 && units.allocated == 0 &&
           units.delivered == units.shipped;
}

/* All that is owed is there, and nothing that should go back. */
bool order_is_paid(const struct order *order)
{
    const struct order_sums sums = order_sums_of(order);
    if (order->state == SAGA_STATE_PAID || order->state == SAGA_STATE_SHIPPED ||
        order->state == SAGA_STATE_DELIVERED)
        return true;
    return sums.captured - sums.refunded + sums.forced >= order_owed(order);
}

u16 order_summary_of(const struct order *order)
{
    const struct order_units units = order_units_of(order);
    if (order->state == SAGA_STATE_CANCELLED)
        return ORDER_SUMMARY_CANCELLED;
    if (order->placed_ns == 0)
        return ORDER_SUMMARY_OPEN;
    if (units.cancelled == units.ordered)
        return ORDER_SUMMARY_CANCELLED;
    if (units.allocated != 0)
        return order_is_paid(order) ? ORDER_SUMMARY_PAID : ORDER_SUMMARY_PLACED;
    if (units.delivered != units.shipped)
        return ORDER_SUMMARY_SHIPPED;
    return units.returned == units.delivered ? ORDER_SUMMARY_RETURNED : ORDER_SUMMARY_DELIVERED;
}

static bool is_unknown(const struct order *order)
{
    if (order->state == SAGA_STATE_AUTH_UNKNOWN || order->state == SAGA_STATE_CAPTURE_UNKNOWN)
        return true;
    for (u32 i = 0; i < order->tenders.count; i++)
        if (order_tenders(order)[i].state == TENDER_STATE_UNKNOWN)
            return true;
    return false;
}

u16 order_payment_of(const struct order *order)
{
    const struct order_sums sums = order_sums_of(order);
    if (sums.charged_back != 0)
        return PAYMENT_SUMMARY_CHARGED_BACK;
    if (is_unknown(order))
        return PAYMENT_SUMMARY_UNKNOWN;
    if (sums.refunding != 0 || order->state == SAGA_STATE_REFUND_PENDING)
        return PAYMENT_SUMMARY_REFUNDING;
    if (sums.captured != 0 && sums.refunded == sums.captured)
        return PAYMENT_SUMMARY_REFUNDED;
    if (order->placed_ns != 0 && order->state != SAGA_STATE_CANCELLED && order_is_paid(order))
        return PAYMENT_SUMMARY_PAID;
    if (sums.captured != 0)
        return PAYMENT_SUMMARY_PART_PAID;
    if (sums.authorized == 0)
        return PAYMENT_SUMMARY_NONE;
    return sums.authorized < order->total ? PAYMENT_SUMMARY_PART_AUTHORIZED
                                          : PAYMENT_SUMMARY_AUTHORIZED;
}

u16 order_fulfilment_of(const struct order *order)
{
    const struct order_units units = order_units_of(order);
    if (units.shipped == 0)
        return ORDER_FULFILMENT_NONE;
    if (units.allocated != 0)
        return ORDER_FULFILMENT_PART;
    return units.delivered != units.shipped ? ORDER_FULFILMENT_SHIPPED : ORDER_FULFILMENT_DELIVERED;
}

u16 order_returned_of(const struct order *order)
{
    const struct order_units units = order_units_of(order);
    const struct order_return *returns = order_returns(order);
    if (units.returned != 0)
        return units.returned == units.shipped ? ORDER_RETURNED_ALL : ORDER_RETURNED_PART;
    for (u32 i = 0; i < order->returns.count; i++)
        if (returns[i].row.state == RETURN_STATE_REQUESTED ||
            returns[i].row.state == RETURN_STATE_APPROVED)
            return ORDER_RETURNED_REQUESTED;
    return ORDER_RETURNED_NONE;
}

bool order_is_settled(u16 state)
{
    const struct saga_state_info *info = saga_state_find(state);
    MUST(info != NULL);
    return info->kind == SAGA_KIND_RESTING ||
           (info->kind == SAGA_KIND_WAITING && state != SAGA_STATE_AUTHORIZING &&
            state != SAGA_STATE_CAPTURING);
}
