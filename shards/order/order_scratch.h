/* order_scratch: room to work in, for the step of one order; nothing in it lives longer than that.
 *
 * The shard's own scratch will not do: the stock works in it when it answers a message to itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_SCRATCH_H
#define SOUK_SHARDS_ORDER_ORDER_SCRATCH_H

#include "shards/order/order_demand.h"
#include "shards/settings/pricing.h"
#include "shards/settings/spread.h"

struct order_scratch {
    struct order_demand demands[ORDER_ITEMS_MAX];
    struct spread_pair pairs[ORDER_LINES_MAX];
    union {
        struct row_hold_item hold_items[ORDER_ITEMS_MAX];
        struct row_change_item change_items[ORDER_ITEMS_MAX];
        struct row_cart_line bought[ORDER_LINES_MAX];
        struct pricing_line lines[ORDER_LINES_MAX];
    };
    struct row_amount amounts[ORDER_AMOUNTS_MAX];
};
STATIC_CHECK(sizeof(struct order_scratch) <= ARENA_BYTES_MAX);

struct order_scratch *order_scratch_of(struct order_room *room);

#endif
