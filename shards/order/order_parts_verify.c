/* order_parts_verify: what shards/order/order_parts.h promises, looked at for one order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_work.h"

/* Units of one line in parcels and returns. */
struct line_parts {
    i64 live;    /* in parcels that are planned, leaving or short */
    i64 shipped; /* in parcels that have left */
    i64 arrived;
    i64 sellable, damaged; /* received in returns */
};

static bool is_one_of(u32 states, u16 state)
{
    return (states >> state & 1) != 0;
}

/* False: a part of no parcel or return, or of more than there is. */
static bool add_part(const struct order *order, const struct row_part *part, struct line_parts *to)
{
    const bool is_parcel = part->kind == PART_KIND_PARCEL;
    const u32 at = is_parcel ? parcel_find(order, part->of) : return_find(order, part->of);
    if (at == (is_parcel ? order->parcels.count : order->returns.count) || part->quantity < 0 ||
        part->sellable < 0 || part->damaged < 0 || part->sellable + part->damaged > part->quantity)
        return false;
    if (!is_parcel) {
        to->sellable += part->sellable;
        to->damaged += part->damaged;
        return part->kind == PART_KIND_RETURN;
    }
    const u16 state = order_parcels(order)[at].row.state;
    to->live += is_one_of(PARCELS_LIVE, state) ? part->quantity : 0;
    to->shipped += is_one_of(PARCELS_GONE, state) ? part->quantity : 0;
    to->arrived += state == PARCEL_STATE_DELIVERED ? part->quantity : 0;
    return part->sellable + part->damaged == 0;
}

static bool line_valid(const struct order *order, u32 index)
{
    const struct row_order_line *line = &order_lines(order)[index];
    struct line_parts sums = {0};
    for (u32 i = 0; i < order->parts.count; i++)
        if (order_parts(order)[i].line == index && !add_part(order, &order_parts(order)[i], &sums))
            return false;
    return sums.live <= line->allocated && sums.shipped == line->shipped &&
           sums.arrived == line->delivered && sums.sellable == line->returned_sellable &&
           sums.damaged == line->returned_damaged;
}

static bool parcel_valid(const struct order_parcel *parcel)
{
    if (parcel->row.state == PARCEL_STATE_LEAVING)
        return parcel->answered < parcel->asked && (parcel->ticket & ORDER_TICKET_PARCEL) != 0;
    return parcel->answered == parcel->asked;
}

bool order_parts_valid(const struct order *order)
{
    for (u32 i = 0; i < order->parts.count; i++)
        if (order_parts(order)[i].line >= order->lines.count)
            return false;
    for (u32 i = 0; i < order->lines.count; i++)
        if (!line_valid(order, i))
            return false;
    for (u32 i = 0; i < order->parcels.count; i++)
        if (!parcel_valid(&order_parcels(order)[i]))
            return false;
    return order->cancelled_worth >= 0 && order->cancelled_worth <= order->given_up;
}
