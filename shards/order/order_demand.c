/* order_demand: see shards/order/order_demand.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_demand.h"

#include <string.h>

#include "shards/order/order_scratch.h"
#include "shards/shard_state.h"

STATIC_CHECK(offsetof(struct row_checkout_line, sku_id) == 0);
STATIC_CHECK(offsetof(struct row_cart_line, sku_id) == 0);
STATIC_CHECK(offsetof(struct row_order_line, sku_id) == 0);

/* A line of a source. */
struct source_line {
    u64 sku_id;
    i64 quantity;
    struct id128 hold;
};

static struct source_line line_at(const struct order_lines_source *source, u32 i)
{
    const u8 *row = source->rows + (size_t)i * source->stride;
    struct source_line line = {0};
    memcpy(&line.sku_id, row, sizeof line.sku_id);
    memcpy(&line.quantity, row + source->quantity_offset, sizeof line.quantity);
    if (source->hold_offset != 0)
        memcpy(&line.hold, row + source->hold_offset, sizeof line.hold);
    return line;
}

/* A line of a SKU that has a demand already. */
static u16 add_line(struct order_demand *demand, const struct source_line *line)
{
    demand->quantity += line->quantity;
    if (demand->quantity > QUANTITY_MAX)
        return STATUS_EXCEEDS;
    if (id128_is_none(line->hold))
        return STATUS_OK;
    if (!id128_is_none(demand->replaces) && !id128_equal(demand->replaces, line->hold))
        return STATUS_BAD_ARGUMENT;
    demand->replaces = line->hold;
    return STATUS_OK;
}

static struct order_demand demand_of(const struct source_line *line, u32 index)
{
    return (struct order_demand){.resource = {.id = line->sku_id, .kind = RESOURCE_KIND_SKU},
                                 .quantity = line->quantity,
                                 .allowance = -1,
                                 .replaces = line->hold,
                                 .line = index};
}

/* Adds a line to the demand at `at`, which is the one after the last if its SKU is new. */
static u16 take_line(struct order_scratch *scratch, const struct source_line *line, u32 index,
                     u32 at, u32 *count)
{
    if (at != *count)
        return add_line(&scratch->demands[at], line);
    scratch->demands[(*count)++] = demand_of(line, index);
    return STATUS_OK;
}

static u16 search_lines(struct order_scratch *scratch, const struct order_lines_source *source,
                        u32 *count)
{
    for (u32 i = 0; i < source->count; i++) {
        const struct source_line line = line_at(source, i);
        u32 at = 0;
        while (at < *count && scratch->demands[at].resource.id != line.sku_id)
            at++;
        const u16 status = take_line(scratch, &line, i, at, count);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static u16 sort_lines(struct order_scratch *scratch, const struct order_lines_source *source,
                      u32 *count)
{
    u32 left = source->count;
    for (u32 i = 0; i < left; i++)
        scratch->pairs[i] = (struct spread_pair){.key = line_at(source, i).sku_id, .index = i};
    spread_heapify(scratch->pairs, left);
    while (left != 0) { /* ends: one less each time */
        const struct spread_pair pair = spread_pop(scratch->pairs, &left);
        const struct source_line line = line_at(source, pair.index);
        const bool is_known =
            *count != 0 && scratch->demands[*count - 1].resource.id == line.sku_id;
        const u16 status =
            take_line(scratch, &line, pair.index, is_known ? *count - 1 : *count, count);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

u16 order_demand_lines(struct order_scratch *scratch, const struct order_lines_source *source,
                       u32 *count)
{
    MUST(source->count <= ORDER_LINES_MAX);
    *count = 0;
    return source->count <= DEMAND_SEARCH_MAX ? search_lines(scratch, source, count)
                                              : sort_lines(scratch, source, count);
}

u32 order_demand_find(const struct order_scratch *scratch, u32 count, u64 sku_id)
{
    const struct order_demand *demands = scratch->demands;
    if (count <= DEMAND_SEARCH_MAX) {
        u32 at = 0;
        while (at < count && demands[at].resource.id != sku_id)
            at++;
        return at;
    }
    u32 low = 0;
    u32 high = count;
    while (low < high) { /* ends: half of it each time */
        const u32 middle = low + (high - low) / 2;
        if (demands[middle].resource.id < sku_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && demands[low].resource.id == sku_id ? low : count;
}

/* ---- of an order ---- */

/* Holds of the shopper that end when the order's begin, as long as nothing is held. */
static void add_replaced(const struct order *order, struct order_scratch *scratch, u32 count)
{
    const struct order_asked *asked = order_asked(order);
    for (u32 i = 0; i < order->asked.count; i++) {
        if (id128_is_none(asked[i].hold))
            continue;
        const u32 at = order_demand_find(scratch, count, order_lines(order)[i].sku_id);
        MUST(at < count);
        scratch->demands[at].replaces = asked[i].hold;
    }
}

static u32 demand_order_lines(const struct order *order, struct order_scratch *scratch)
{
    const struct order_lines_source source = {.rows = order->lines.rows,
                                              .count = order->lines.count,
                                              .stride = sizeof(struct row_order_line),
                                              .quantity_offset =
                                                  offsetof(struct row_order_line, quantity)};
    u32 count;
    const u16 status = order_demand_lines(scratch, &source, &count);
    MUST(status == STATUS_OK); /* the checkout has asked */
    add_replaced(order, scratch, count);
    return count;
}

static u32 demand_coupons(const struct order *order, struct order_demand *demands, u32 count)
{
    const struct order_coupon *coupons = order_coupons(order);
    for (u32 i = 0; i < order->coupons.count; i++) {
        if (coupons[i].is_limited != 0)
            demands[count++] = (struct order_demand){
                .resource = {.id = coupons[i].coupon_id, .kind = RESOURCE_KIND_COUPON},
                .quantity = 1,
                .allowance = -1,
                .line = i};
        if (coupons[i].allowance != 0)
            demands[count++] = (struct order_demand){
                .resource = pricing_allowance(coupons[i].coupon_id, order_user(order->id)),
                .quantity = 1,
                .allowance = coupons[i].allowance,
                .line = i};
    }
    return count;
}

static u32 demand_tenders(const struct order *order, struct order_demand *demands, u32 count)
{
    const struct order_tender *tenders = order_tenders(order);
    for (u32 i = 0; i < order->tenders.count; i++) {
        if (tenders[i].kind == TENDER_KIND_OUTSIDE)
            continue;
        const u16 kind = tenders[i].kind == TENDER_KIND_GIFT_CARD ? RESOURCE_KIND_GIFT_CARD
                                                                  : RESOURCE_KIND_CREDIT;
        demands[count++] =
            (struct order_demand){.resource = {.id = tenders[i].account, .kind = kind},
                                  .quantity = tenders[i].amount,
                                  .allowance = -1,
                                  .line = i};
    }
    return count;
}

u32 order_demand_all(const struct order_turn *turn, u32 line_demands)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    const u16 shards = turn->shard->options.count;
    u32 count = line_demands != 0 ? line_demands : demand_order_lines(turn->order, scratch);
    count = demand_coupons(turn->order, scratch->demands, count);
    count = demand_tenders(turn->order, scratch->demands, count);
    MUST(count <= ORDER_ITEMS_MAX);
    for (u32 i = 0; shards != 1 && i < count; i++)
        scratch->demands[i].shard =
            route_shard(route_hash_resource(scratch->demands[i].resource), shards);
    return count;
}

void order_demand_shards(const struct order_turn *turn, u32 count)
{
    const struct order_demand *demands = order_scratch_of(turn->room)->demands;
    struct order_table *holds = &turn->order->holds;
    u64 shards[SHARDS_MAX / 64] = {0};
    for (u32 i = 0; i < count; i++)
        shards[demands[i].shard / 64] |= 1ull << demands[i].shard % 64;
    holds->count = 0;
    for (u32 word = 0; word < SHARDS_MAX / 64; word++)
        for (u64 left = shards[word]; left != 0; left &= left - 1) /* ends: a bit less each time */
            order_holds(turn->order)[holds->count++] =
                (struct order_hold){.shard = (u16)(word * 64 + (u32)__builtin_ctzll(left))};
}
