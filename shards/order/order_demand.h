/* order_demand: what an order needs of each shard: its lines summed by SKU, limited coupons, customers'
 * allowances, gift cards and credit.
 *
 *      lines, coupons, tenders -> demands -> [shard] hold items, change items
 *
 * Demands are worked out anew for each message from what the order has written down, and live in the
 * scratch. Invariants: no resource twice; SKUs come first, in the order of their first lines, or, if
 * there are more than DEMAND_SEARCH_MAX lines, in ascending order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_DEMAND_H
#define SOUK_SHARDS_ORDER_ORDER_DEMAND_H

#include "shards/order/order.h"

/* Up to so many lines are searched one by one instead of being sorted. */
#define DEMAND_SEARCH_MAX 16u

/* A resource that an order needs. */
struct order_demand {
    struct resource resource;
    i64 quantity;
    i64 allowance;         /* as in row_hold_item: -1, or how much there is in all */
    struct id128 replaces; /* likewise */
    u32 line;              /* the first line of the SKU; the index of the coupon, of the tender */
    u16 shard;
    u16 zero0;
};

/* Rows that begin with a SKU and have a quantity, wherever they lie. */
struct order_lines_source {
    const u8 *rows;
    u32 count;
    u32 stride;
    u32 quantity_offset;
    u32 hold_offset; /* of an id128; 0 = they have none */
};

struct order_scratch;

/* Demands of SKUs alone. EXCEEDS: a sum is too large; BAD_ARGUMENT: two holds for one SKU. Needs no
 * order: a checkout asks before there is one. */
u16 order_demand_lines(struct order_scratch *scratch, const struct order_lines_source *source,
                       u32 *count);
/* All demands of an order; `line_demands`: those of its SKUs are there already, 0 = they are not.
 * Returns how many there are. */
u32 order_demand_all(const struct order_turn *turn, u32 line_demands);
/* The demand of a SKU, among the first `count`; `count` if there is none. */
u32 order_demand_find(const struct order_scratch *scratch, u32 count, u64 sku_id);

/* The shards of the first `count` demands, ascending, into the order's holds. */
void order_demand_shards(const struct order_turn *turn, u32 count);

#endif
