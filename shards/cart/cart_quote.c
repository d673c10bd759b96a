/* cart_quote: see shards/cart/cart_quote.h.
 *
 *      SKU rows -> a table by SKU -> the cart's lines with base prices -> pricing -> rows, problems
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/cart/cart_quote.h"

#include <string.h>

#include "proto/money.h"
#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"
#include "shards/settings/pricing.h"
#include "shards/shard_handlers.h"

#define SKU_SLOTS 4096u

STATIC_CHECK(SKU_SLOTS >= 2 * CART_LINES_MAX);
STATIC_CHECK(IS_POWER_OF_TWO(SKU_SLOTS));

struct cart_quote_work {
    struct pricing_line lines[CART_LINES_MAX];
    struct row_quote_line rows[CART_LINES_MAX];
    struct row_amount amounts[ORDER_AMOUNTS_MAX];
    struct row_sku_now skus[CART_LINES_MAX];
    i64 wanted[CART_LINES_MAX]; /* of that SKU, all lines together */
    u16 slots[SKU_SLOTS];       /* 0, or the number of a SKU row + 1 */
};

void cart_quote_deinit(struct cart_room *room)
{
    if (room->quote_work != NULL)
        store_memory_release(room->memory, room->quote_work, sizeof *room->quote_work);
    room->quote_work = NULL;
}

static struct cart_quote_work *work_of(struct cart_room *room)
{
    if (room->quote_work == NULL)
        room->quote_work = store_memory_acquire(room->memory, sizeof *room->quote_work);
    return room->quote_work;
}

static bool sku_good(const struct row_sku_now *sku)
{
    return sku->sku_id != 0 && sku->price >= -1 && sku->price <= PRICE_MAX &&
           sku->sellable >= -COUNTER_MAX && sku->sellable <= COUNTER_MAX &&
           (sku->price == -1 || currency_find(sku->currency) != NULL);
}

/* The row of a SKU, or the free slot for it. */
static u32 slot_of(const struct cart_quote_work *work, u64 sku_id)
{
    u32 slot = (u32)(sku_id * 0xD6E8FEB86659FD93ull >> 40) & (SKU_SLOTS - 1);
    while (work->slots[slot] != 0 && work->skus[work->slots[slot] - 1].sku_id != sku_id)
        slot = (slot + 1) & (SKU_SLOTS - 1); /* ends: at most half of the slots are in use */
    return slot;
}

/* Takes the caller's rows in; the first of a SKU counts. */
static bool read_skus(struct cart_quote_work *work, struct span rows)
{
    const u32 count = rows.bytes / (u32)sizeof(struct row_sku_now);
    MUST(count <= CART_LINES_MAX);
    memset(work->slots, 0, sizeof work->slots);
    memset(work->wanted, 0, sizeof work->wanted);
    if (count != 0)
        memcpy(work->skus, rows.data, count * sizeof *work->skus);
    for (u32 i = 0; i < count; i++) {
        if (!sku_good(&work->skus[i]))
            return false;
        const u32 slot = slot_of(work, work->skus[i].sku_id);
        if (work->slots[slot] == 0)
            work->slots[slot] = (u16)(i + 1);
    }
    return true;
}

/* Of the SKU of a line; NULL where the caller has said nothing of it. */
static const struct row_sku_now *sku_of(const struct cart_quote_work *work, u64 sku_id)
{
    const u32 row = work->slots[slot_of(work, sku_id)];
    return row != 0 ? &work->skus[row - 1] : NULL;
}

/* The cart's lines as pricing wants them, and as they are answered. Returns how many. */
static u32 take_lines(struct cart_quote_work *work, const struct cart *cart)
{
    u32 count = 0;
    for (u32 i = 0; i < cart->line_count; i++) {
        const struct row_cart_line *line = &cart_lines(cart)[i];
        const struct row_sku_now *sku = sku_of(work, line->sku_id);
        if (line->saved != 0)
            continue;
        work->lines[count] = (struct pricing_line){.sku_id = line->sku_id,
                                                   .quantity = line->quantity,
                                                   .base_price = sku != NULL ? sku->price : -1,
                                                   .agreed_price = -1,
                                                   .currency = sku != NULL ? sku->currency : 0};
        work->rows[count] = (struct row_quote_line){.sku_id = line->sku_id,
                                                    .options = line->options,
                                                    .quantity = line->quantity,
                                                    .price_seen = line->price_seen,
                                                    .sellable = sku != NULL ? sku->sellable : 0};
        if (sku != NULL)
            work->wanted[sku - work->skus] += line->quantity;
        count++;
    }
    return count;
}

static u32 problems_of(const struct cart_quote_work *work, const struct pricing_line *line,
                       const struct row_quote_line *row, bool is_seen_comparable)
{
    const struct row_sku_now *sku = sku_of(work, row->sku_id);
    if (sku == NULL || line->status == STATUS_NOT_FOUND)
        return QUOTE_PROBLEM_NO_SKU;
    if (line->status == STATUS_CURRENCY_MISMATCH)
        return QUOTE_PROBLEM_CURRENCY;
    u32 problems = line->status == STATUS_EXCEEDS ? QUOTE_PROBLEM_TOO_MANY : 0;
    if (is_seen_comparable && line->status == STATUS_OK && row->price_seen != line->unit_price)
        problems |= QUOTE_PROBLEM_PRICE;
    if (row->sellable <= 0)
        problems |= QUOTE_PROBLEM_OUT_OF_STOCK;
    else if (row->sellable < work->wanted[sku - work->skus])
        problems |= QUOTE_PROBLEM_FEWER;
    return problems;
}

/* Prices and problems into the rows; the sum of the problems' bits. */
static u32 fill_rows(struct cart_quote_work *work, const struct cart *cart, u16 currency)
{
    u32 at = 0, problems = 0;
    for (u32 i = 0; i < cart->line_count; i++) {
        const struct row_cart_line *own = &cart_lines(cart)[i];
        if (own->saved != 0)
            continue;
        const struct pricing_line *line = &work->lines[at];
        struct row_quote_line *row = &work->rows[at++];
        row->unit_price = line->unit_price;
        row->discount = line->discount;
        row->total = line->total;
        row->price_rule = line->price_rule;
        row->price_version = line->price_version;
        row->problems = problems_of(work, line, row, own->currency == currency);
        problems |= row->problems;
    }
    return problems;
}

/* Has pricing figures, apart from lines that cost nothing because something is wrong with them? */
static bool has_figures(const struct pricing *pricing)
{
    if (pricing->amount_count != 0 || pricing->status == STATUS_OK ||
        pricing->status == STATUS_COUPON_INVALID)
        return true;
    for (u32 i = 0; i < pricing->line_count; i++)
        if (pricing->lines[i].status == STATUS_OK)
            return false;
    return true;
}

static void quote(struct shard *shard, const struct cart *cart, struct pricing *pricing,
                  struct msg_cart_quote_rsp *answer, struct span *spans)
{
    struct cart_quote_work *work = shard->carts.quote_work;
    pricing->lines = work->lines;
    pricing->amounts = work->amounts;
    pricing->line_count = take_lines(work, cart);
    pricing->coupon_count = cart_coupon_count(cart);
    pricing->coupons = pricing->coupon_count != 0 ? cart->more->coupons : NULL;
    pricing_run(&shard->settings, pricing);
    if (!has_figures(pricing)) {
        answer->head.status = pricing->status;
        return;
    }
    answer->goods = pricing->goods;
    answer->discount = pricing->discount;
    answer->total = pricing->goods - pricing->discount;
    answer->free_shipping = pricing->free_shipping;
    answer->problems = fill_rows(work, cart, pricing->currency);
    if (pricing->status == STATUS_COUPON_INVALID ||
        pricing->coupons_used != (1u << pricing->coupon_count) - 1)
        answer->problems |= QUOTE_PROBLEM_COUPON;
    spans[SPAN_OF(cart_quote_rsp, lines)] = (struct span){
        .data = (const u8 *)work->rows, .bytes = pricing->line_count * (u32)sizeof *work->rows};
    spans[SPAN_OF(cart_quote_rsp, amounts)] =
        (struct span){.data = (const u8 *)work->amounts,
                      .bytes = pricing->amount_count * (u32)sizeof *work->amounts};
}

bool shard_read_cart_quote(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply, struct span *spans)
{
    struct cart_room *room = &shard->carts;
    struct msg_cart_quote_req ask;
    struct msg_cart_quote_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = currency_find(ask.currency) != NULL &&
                         read_skus(work_of(room), call->spans[SPAN_OF(cart_quote_req, skus)]);
    answer->head.status = shard_call_refusal(call, is_good);
    answer->currency = ask.currency;
    if (answer->head.status != STATUS_OK)
        return true;
    const u32 index = cart_find(room, call->hash, ask.user_id);
    if (index == 0)
        return true;
    const struct cart *cart = cart_at(room, index);
    if (cart_is_expiring(shard, cart))
        return false;
    answer->version = cart->version;
    struct pricing pricing = {.user_id = ask.user_id,
                              .group_id = ask.group_id,
                              .now_ns = call->now_ns,
                              .currency = ask.currency};
    if (cart->state == CART_STATE_MERGED)
        answer->head.status = STATUS_CART_MERGED;
    else
        quote(shard, cart, &pricing, answer, spans);
    return true;
}
