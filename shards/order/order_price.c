/* order_price: all is held: what does it cost, is that what the shopper saw, who pays? Declared in
 * shards/order/order_mails.h and shards/order/order.h.
 *
 * Prices are worked out at this moment and written down with their rules and versions; nothing is looked
 * up again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_mails.h"
#include "shards/order/order_parts.h"
#include "shards/order/order_scratch.h"
#include "shards/shard_state.h"

static void fill_lines(const struct order *order, struct pricing_line *to)
{
    const struct row_order_line *lines = order_lines(order);
    const struct order_asked *asked = order_asked(order);
    MUST(order->asked.count == order->lines.count);
    for (u32 i = 0; i < order->lines.count; i++)
        to[i] = (struct pricing_line){.sku_id = lines[i].sku_id,
                                      .quantity = lines[i].quantity,
                                      .base_price = lines[i].base_price,
                                      .agreed_price = asked[i].agreed_price,
                                      .agreed_reason = asked[i].reason,
                                      .base_version = asked[i].version,
                                      .currency = asked[i].currency};
}

static void run_pricing(const struct order_turn *turn, struct pricing *pricing)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    const struct order *order = turn->order;
    struct row_coupon coupons[ORDER_COUPONS_MAX];
    for (u32 i = 0; i < order->coupons.count; i++)
        coupons[i] = (struct row_coupon){.coupon_id = order_coupons(order)[i].coupon_id};
    fill_lines(order, scratch->lines);
    *pricing = (struct pricing){.user_id = order_user(order->id),
                                .group_id = order->group_id,
                                .now_ns = turn->now_ns,
                                .currency = order->currency,
                                .lines = scratch->lines,
                                .line_count = order->lines.count,
                                .coupons = coupons,
                                .coupon_count = order->coupons.count,
                                .charges = order_charges(order),
                                .charge_count = order->charge_rows.count,
                                .amounts = scratch->amounts};
    pricing_run(&turn->shard->settings, pricing);
    pricing->coupons = NULL; /* they were ours */
}

static void write_prices(const struct order_turn *turn, const struct pricing *pricing)
{
    struct order *order = turn->order;
    struct row_order_line *lines = order_lines(order);
    for (u32 i = 0; i < order->lines.count; i++) {
        lines[i].unit_price = pricing->lines[i].unit_price;
        lines[i].discount = pricing->lines[i].discount;
        lines[i].charges = pricing->lines[i].charges;
        lines[i].total = pricing->lines[i].total;
    }
    order->goods = pricing->goods;
    order->discount = pricing->discount;
    order->charges = pricing->charge_sum - pricing->shipping_off;
    order->total = pricing->total;
    if (pricing->free_shipping != 0)
        order->flags |= ORDER_FLAG_FREE_SHIPPING;
    const u32 bytes = pricing->amount_count * (u32)sizeof(struct row_amount);
    order_table_release(turn->room->arena, &order->asked, sizeof(struct order_asked));
    void *amounts = order_table_fit(turn->room->arena, &order->amounts, sizeof(struct row_amount),
                                    pricing->amount_count);
    if (bytes != 0)
        memcpy(amounts, pricing->amounts, bytes);
}

static struct row_failed_line *name_line(const struct order_turn *turn, u32 line, u16 status)
{
    const struct row_order_line *row = &order_lines(turn->order)[line];
    struct row_failed_line *failed =
        order_table_push(turn->room->arena, &turn->order->failed, sizeof *failed);
    *failed = (struct row_failed_line){.sku_id = row->sku_id,
                                       .wanted = row->quantity,
                                       .sellable = row->quantity, /* it was held */
                                       .price = row->unit_price,
                                       .line = line,
                                       .status = status};
    return failed;
}

/* Lines that the shopper saw at another price. The cart is claimed, but not frozen yet: what is not in
 * it any more is not named. */
static void name_changed_lines(const struct order_turn *turn)
{
    const struct order *order = turn->order;
    const struct row_order_line *lines = order_lines(order);
    struct cart_view cart;
    if ((order->flags & ORDER_FLAG_FROM_CART) == 0 ||
        !cart_look(turn->shard, order_user(order->id), &cart))
        return;
    for (u32 i = 0; i < order->lines.count; i++) {
        u32 at = 0;
        while (at < cart.line_count && (cart.lines[at].sku_id != lines[i].sku_id ||
                                        cart.lines[at].options != lines[i].options))
            at++;
        if (at < cart.line_count && cart.lines[at].price_seen != -1 &&
            (cart.lines[at].price_seen != lines[i].unit_price ||
             cart.lines[at].currency != order->currency))
            (void)name_line(turn, i, STATUS_PRICE_CHANGED);
    }
}

static void name_bad_lines(const struct order_turn *turn, const struct pricing *pricing)
{
    for (u32 i = 0; i < pricing->line_count; i++)
        if (pricing->lines[i].status != STATUS_OK)
            name_line(turn, i, pricing->lines[i].status)->price = pricing->lines[i].base_price;
}

/* OK, or why the order cannot be sold at these prices. */
static u16 judge_prices(const struct order *order, const struct pricing *pricing)
{
    const u32 all_coupons = (1u << order->coupons.count) - 1;
    if (pricing->status != STATUS_OK)
        return pricing->status;
    if (pricing->coupons_used != all_coupons)
        return STATUS_COUPON_INVALID;
    return pricing->total == order->expected_total ? STATUS_OK : STATUS_PRICE_CHANGED;
}

bool order_is_paid_outside(const struct order *order)
{
    for (u32 i = 0; i < order->tenders.count; i++)
        if (order_tenders(order)[i].kind != TENDER_KIND_OUTSIDE)
            return false;
    return true;
}

/* AUTHORIZE for every tender outside; if there is none, it is paid for already. */
static void ask_for_payment(const struct order_turn *turn)
{
    struct order *order = turn->order;
    const struct policy *policy = settings_policy(&turn->shard->settings);
    u32 outside = 0;
    for (u32 i = 0; i < order->tenders.count; i++)
        outside += order_tenders(order)[i].kind == TENDER_KIND_OUTSIDE ? 1 : 0;
    if (outside == 0) {
        order_go(turn, SAGA_EVENT_GRANTED_PAID);
        order_place(turn);
        return;
    }
    order->unpaid_ns = turn->now_ns + policy->unpaid_ms * NS_PER_MS;
    order_go(turn, SAGA_EVENT_GRANTED);
    for (u32 i = 0; i < order->tenders.count; i++)
        if (order_tenders(order)[i].kind == TENDER_KIND_OUTSIDE)
            (void)order_emit(turn,
                             &(struct order_emission){.kind = COMMAND_KIND_AUTHORIZE,
                                                      .tender = i,
                                                      .amount = order_tenders(order)[i].amount});
}

void order_price(const struct order_turn *turn)
{
    struct order *order = turn->order;
    struct pricing pricing;
    run_pricing(turn, &pricing);
    const u16 reason = judge_prices(order, &pricing);
    if (pricing.status == STATUS_OK || pricing.status == STATUS_COUPON_INVALID)
        write_prices(turn, &pricing);
    if (reason == STATUS_OK) {
        ask_for_payment(turn);
        return;
    }
    if (reason == STATUS_PRICE_CHANGED)
        name_changed_lines(turn);
    else
        name_bad_lines(turn, &pricing);
    order_fail(turn, SAGA_EVENT_MISPRICED, reason);
}

/* ---- sold ---- */

static void let_cart_go(const struct order_turn *turn)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    const struct order *order = turn->order;
    const struct row_order_line *lines = order_lines(order);
    if ((order->flags & ORDER_FLAG_FROM_CART) == 0)
        return;
    for (u32 i = 0; i < order->lines.count; i++)
        scratch->bought[i] = (struct row_cart_line){
            .sku_id = lines[i].sku_id, .options = lines[i].options, .quantity = lines[i].quantity};
    cart_let_go(turn->shard, order_user(order->id), order->id, scratch->bought, order->lines.count,
                turn->now_ns);
}

void order_place(const struct order_turn *turn)
{
    struct order *order = turn->order;
    struct row_order_line *lines = order_lines(order);
    MUST(order->state == SAGA_STATE_CONFIRMING);
    MUST(order->placed_ns == 0);
    order->placed_ns = turn->now_ns;
    for (u32 i = 0; i < order->lines.count; i++)
        lines[i].allocated = lines[i].quantity;
    order_confirm_lines(turn);
    order_go(turn, SAGA_EVENT_CONFIRMED);
    let_cart_go(turn);
    order_settle(turn);
}
