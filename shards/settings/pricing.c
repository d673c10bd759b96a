/* pricing: lines, charges, totals: see shards/settings/pricing.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/pricing.h"

#include "proto/checksum.h"
#include "shards/settings/price_find.h"
#include "shards/settings/pricing_work.h"

/* No figures at all. */
static void give_up(struct pricing *pricing, u16 status)
{
    MUST(status != STATUS_OK);
    for (u32 i = 0; i < pricing->line_count; i++) {
        pricing->lines[i].discount = 0;
        pricing->lines[i].charges = 0;
        pricing->lines[i].total = 0;
    }
    pricing->amount_count = 0;
    pricing->status = status;
    pricing->free_shipping = 0;
    pricing->coupons_used = 0;
    pricing->goods = 0;
    pricing->discount = 0;
    pricing->charge_sum = 0;
    pricing->shipping_off = 0;
    pricing->total = 0;
}

/* Adds up to 2^53; false: it would pass that. */
static bool add(i64 *sum, i64 amount)
{
    MUST(*sum >= 0 && *sum <= PRICE_MAX);
    MUST(amount >= 0 && amount <= PRICE_MAX);
    *sum += amount;
    return *sum <= PRICE_MAX;
}

static bool is_agreed(const struct pricing_line *line)
{
    return line->agreed_price >= 0;
}

/* ---- unit prices ---- */

/* A line without an agreed price, of a SKU of which `quantity` are ordered in all. */
static void price_line(struct pricing_line *line, u16 currency, const struct price_found *found)
{
    if (line->base_price < 0) {
        line->status = STATUS_NOT_FOUND;
    } else if (found != NULL) {
        line->price_kind = AMOUNT_KIND_LIST;
        line->price_rule = found->list_id;
        line->price_version = found->version;
        line->unit_price = found->price;
    } else if (line->currency != currency) {
        line->status = STATUS_CURRENCY_MISMATCH;
    } else {
        line->price_kind = AMOUNT_KIND_BASE;
        line->price_version = line->base_version;
        line->unit_price = line->base_price;
    }
}

static void price_agreed_line(struct pricing_line *line)
{
    line->price_kind = AMOUNT_KIND_AGREED;
    line->price_rule = line->agreed_reason;
    line->unit_price = line->agreed_price;
}

/* Lines of one SKU, without agreed prices: all get the price of their sum. */
static void price_sku(const struct pricing_work *work, const u32 *lines, u32 count)
{
    const struct pricing *pricing = work->pricing;
    struct price_ask ask = {.sku_id = pricing->lines[lines[0]].sku_id,
                            .group_id = pricing->group_id,
                            .now_ns = pricing->now_ns,
                            .currency = pricing->currency};
    for (u32 i = 0; i < count; i++)
        ask.quantity += pricing->lines[lines[i]].quantity;
    struct price_found found;
    const bool is_found = price_find(work->settings, &ask, &found);
    for (u32 i = 0; i < count; i++)
        price_line(&pricing->lines[lines[i]], pricing->currency, is_found ? &found : NULL);
}

static void clear_line(struct pricing_line *line)
{
    MUST(line->quantity >= 1 && line->quantity <= QUANTITY_MAX);
    line->price_kind = 0;
    line->status = STATUS_OK;
    line->price_rule = 0;
    line->price_version = 0;
    line->unit_price = 0;
    line->discount = 0;
    line->charges = 0;
    line->total = 0;
}

static void price_lines(struct pricing_work *work)
{
    struct pricing *pricing = work->pricing;
    u32 count = 0;
    for (u32 i = 0; i < pricing->line_count; i++) {
        struct pricing_line *line = &pricing->lines[i];
        clear_line(line);
        if (is_agreed(line))
            price_agreed_line(line);
        else
            work->pairs[count++] = (struct spread_pair){.key = line->sku_id, .index = i};
    }
    work->line_count = count;
    spread_heapify(work->pairs, count);
    for (u32 i = 0; i < work->line_count; i++)
        work->by_sku[i] = spread_pop(work->pairs, &count).index;
    for (u32 first = 0, end; first < work->line_count; first = end) { /* ends: a SKU each time */
        const u64 sku_id = pricing->lines[work->by_sku[first]].sku_id;
        for (end = first + 1; end < work->line_count; end++)
            if (pricing->lines[work->by_sku[end]].sku_id != sku_id)
                break;
        price_sku(work, work->by_sku + first, end - first);
    }
}

/* ---- goods ---- */

static bool put_goods(struct pricing *pricing, u32 i)
{
    struct pricing_line *line = &pricing->lines[i];
    i64 cost = 0;
    if (line->status == STATUS_OK &&
        (__builtin_mul_overflow(line->quantity, line->unit_price, &cost) || cost > PRICE_MAX))
        line->status = STATUS_EXCEEDS;
    if (line->status != STATUS_OK) {
        if (pricing->status == STATUS_OK)
            pricing->status = line->status;
        line->unit_price = 0;
        return true;
    }
    const struct row_amount amount = {.rule = line->price_rule,
                                      .version = line->price_version,
                                      .amount = cost,
                                      .line = i,
                                      .kind = line->price_kind};
    const bool has_room = pricing_put(pricing, amount);
    MUST(has_room);
    return add(&pricing->goods, cost);
}
STATIC_CHECK(ORDER_AMOUNTS_MAX >= ORDER_LINES_MAX);

static bool put_all_goods(struct pricing *pricing)
{
    for (u32 i = 0; i < pricing->line_count; i++)
        if (!put_goods(pricing, i))
            return false;
    return true;
}

/* ---- charges ---- */

static u16 judge_charges(const struct pricing *pricing)
{
    for (u32 i = 0; i < pricing->charge_count; i++) {
        const struct row_charge *charge = &pricing->charges[i];
        if (charge->kind < AMOUNT_KIND_TAX || charge->kind > AMOUNT_KIND_FEE ||
            charge->amount < 0 || charge->amount > PRICE_MAX)
            return STATUS_BAD_ARGUMENT;
        if (charge->line != LINE_NONE && charge->line >= pricing->line_count)
            return STATUS_SUM_MISMATCH;
    }
    return STATUS_OK;
}

static u16 put_charges(const struct pricing_work *work)
{
    struct pricing *pricing = work->pricing;
    i64 shipping = 0;
    for (u32 i = 0; i < pricing->charge_count; i++) {
        const struct row_charge *charge = &pricing->charges[i];
        const struct row_amount amount = {.rule = charge->code,
                                          .amount = charge->amount,
                                          .line = charge->line,
                                          .kind = charge->kind};
        if (!pricing_put(pricing, amount))
            return STATUS_TOO_MANY;
        if (!add(&pricing->charge_sum, charge->amount))
            return STATUS_EXCEEDS;
        if (charge->line != LINE_NONE)
            pricing->lines[charge->line].charges += charge->amount;
        else if (charge->kind == AMOUNT_KIND_SHIPPING)
            shipping += charge->amount;
    }
    if (work->shipping == NULL || shipping == 0)
        return STATUS_OK;
    pricing->shipping_off = shipping;
    const struct row_amount off = {.rule = work->shipping->home_id,
                                   .version = work->shipping->version,
                                   .amount = -shipping,
                                   .line = LINE_NONE,
                                   .kind = AMOUNT_KIND_FREE_SHIPPING};
    return pricing_put(pricing, off) ? STATUS_OK : STATUS_TOO_MANY;
}

/* ---- all of it ---- */

static u16 put_totals(struct pricing *pricing)
{
    for (u32 i = 0; i < pricing->line_count; i++)
        pricing->discount += pricing->lines[i].discount;
    MUST(pricing->discount <= pricing->goods);
    i64 sum = pricing->goods - pricing->discount;
    if (!add(&sum, pricing->charge_sum))
        return STATUS_EXCEEDS;
    for (u32 i = 0; i < pricing->line_count; i++) {
        struct pricing_line *line = &pricing->lines[i];
        line->total = pricing_line_rest(line) + line->charges;
        MUST(line->total >= 0 && line->total <= sum);
    }
    pricing->total = sum - pricing->shipping_off;
    MUST(pricing->total >= 0);
    return STATUS_OK;
}

static u16 judge_coupons(const struct settings *settings, const struct pricing *pricing)
{
    struct pricing_coupon unused;
    for (u32 i = 0; i < pricing->coupon_count; i++)
        if (!pricing_coupon_find(settings, pricing, pricing->coupons[i].coupon_id, &unused))
            return STATUS_COUPON_INVALID;
    return STATUS_OK;
}

void pricing_run(const struct settings *settings, struct pricing *pricing)
{
    struct pricing_work work; /* large: nothing of it is set that is not used */
    MUST(pricing->line_count <= ORDER_LINES_MAX);
    MUST(pricing->coupon_count <= ORDER_COUPONS_MAX);
    work.settings = settings;
    work.pricing = pricing;
    work.shipping = NULL;
    give_up(pricing, STATUS_EXCEEDS);
    pricing->status = STATUS_OK;
    u16 status = judge_charges(pricing);
    if (status == STATUS_OK) {
        price_lines(&work);
        status = put_all_goods(pricing) ? STATUS_OK : STATUS_EXCEEDS;
    }
    if (status == STATUS_OK)
        status = pricing_promotions(&work);
    if (status == STATUS_OK)
        status = put_charges(&work);
    if (status == STATUS_OK)
        status = put_totals(pricing);
    if (status != STATUS_OK)
        give_up(pricing, status);
    else if (pricing->status == STATUS_OK)
        pricing->status = judge_coupons(settings, pricing);
}

/* A hash of both: two pairs of one hash would share their allowance, which for a thousand million pairs
 * happens once in forty shops, and then costs a customer a coupon. */
struct resource pricing_allowance(u64 coupon_id, u64 user_id)
{
    const u64 pair[2] = {coupon_id, user_id};
    const u64 id = checksum64(pair, sizeof pair);
    return (struct resource){.id = id != 0 ? id : 1, .kind = RESOURCE_KIND_ALLOWANCE};
}
