/* pricing_promotions: which promotions apply to an order, in order, and what each gives.
 *
 * Candidates come from two places, each in the order of precedence: the automatic promotions that are
 * valid at the moment (settings_index.h), and a chain per listed coupon. They are merged as they are
 * taken, so that nothing has to be collected and an order without any pays nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/price_find.h"
#include "shards/settings/pricing_work.h"
#include "shards/settings/settings_index.h"

#define COUPON_NONE UINT32_MAX

static bool is_candidate(const struct pricing *pricing, const struct setting *setting)
{
    const struct msg_promotion_put_req *put = setting_promotion(setting);
    const struct setting_scope scope = {.group_id = put->group_id,
                                        .from_ns = put->valid_from_ns,
                                        .until_ns = put->valid_until_ns,
                                        .currency = put->currency,
                                        .is_off = put->is_off};
    return scope_holds(&scope, pricing->group_id, pricing->currency, pricing->now_ns);
}

static u32 chain_of(const struct settings *settings, u64 coupon_id)
{
    const struct settings_index *is =
        coupon_id != 0 ? settings_index_find(settings, SETTINGS_INDEX_COUPON, coupon_id) : NULL;
    return is != NULL ? is->items[0] : 0;
}

bool pricing_coupon_find(const struct settings *settings, const struct pricing *pricing,
                         u64 coupon_id, struct pricing_coupon *to)
{
    *to = (struct pricing_coupon){0};
    for (u32 at = chain_of(settings, coupon_id); at != 0; at = setting_at(settings, at)->next) {
        const struct setting *setting = setting_at(settings, at);
        if (!is_candidate(pricing, setting))
            continue;
        const struct msg_promotion_put_req *put = setting_promotion(setting);
        if (to->promotion_id == 0) {
            to->promotion_id = setting->home_id;
            to->version = setting->version;
        }
        to->is_limited |= put->is_limited != 0;
        if (put->per_customer != 0 &&
            (to->per_customer == 0 || put->per_customer < to->per_customer))
            to->per_customer = put->per_customer;
    }
    return to->promotion_id != 0;
}

/* ---- the next candidate ---- */

struct candidates {
    const struct settings *settings;
    const struct promotion_window *window;
    u32 window_at;
    u32 heads[ORDER_COUPONS_MAX]; /* what is left of each coupon's chain */
};

static bool is_listed_before(const struct pricing *pricing, u32 coupon)
{
    for (u32 i = 0; i < coupon; i++)
        if (pricing->coupons[i].coupon_id == pricing->coupons[coupon].coupon_id)
            return true;
    return false;
}

/* False: there are none, as in most orders. */
static bool begin(struct candidates *from, const struct settings *settings,
                  const struct pricing *pricing)
{
    *from = (struct candidates){.settings = settings};
    from->window = settings_window(settings, pricing->now_ns);
    bool has_some = from->window->count != 0;
    for (u32 i = 0; i < pricing->coupon_count; i++) {
        if (is_listed_before(pricing, i))
            continue; /* a promotion applies once, however often its coupon is listed */
        from->heads[i] = chain_of(settings, pricing->coupons[i].coupon_id);
        has_some |= from->heads[i] != 0;
    }
    return has_some;
}

/* The first of what is left, or NULL; *coupon says which coupon it wants. */
static const struct setting *take_next(struct candidates *from, u32 coupon_count, u32 *coupon)
{
    const struct setting *best = NULL;
    *coupon = COUPON_NONE;
    if (from->window_at < from->window->count)
        best = setting_at(from->settings, from->window->promotions[from->window_at]);
    for (u32 i = 0; i < coupon_count; i++) {
        if (from->heads[i] == 0)
            continue;
        const struct setting *head = setting_at(from->settings, from->heads[i]);
        if (best == NULL || setting_precedes(head, best)) {
            best = head;
            *coupon = i;
        }
    }
    if (*coupon != COUPON_NONE)
        from->heads[*coupon] = best->next;
    else if (best != NULL)
        from->window_at++;
    return best;
}

/* ---- what a promotion is about, and what it gives ---- */

/* Lines that a promotion looks at. */
struct line_range {
    const u32 *lines;
    u32 count;
    i64 rest; /* what they still cost */
};

static u32 first_line_of(const struct pricing_work *work, u64 sku_id, u32 from)
{
    u32 low = from, high = work->line_count;
    while (low < high) { /* ends: the range halves each time */
        const u32 middle = low + (high - low) / 2;
        if (work->pricing->lines[work->by_sku[middle]].sku_id < sku_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct line_range range_of(const struct pricing_work *work, u64 sku_id)
{
    if (sku_id == 0)
        return (struct line_range){
            .lines = work->in_order, .count = work->line_count, .rest = work->rest};
    const u32 first = first_line_of(work, sku_id, 0);
    struct line_range range = {.lines = work->by_sku + first};
    while (first + range.count < work->line_count) { /* ends: a line further each time */
        const struct pricing_line *line = &work->pricing->lines[range.lines[range.count]];
        if (line->sku_id != sku_id)
            break;
        range.rest += pricing_line_rest(line);
        range.count++;
    }
    return range;
}

static i64 percent_of(i64 rest, i64 value)
{
    u64 remainder;
    MUST(value >= 0 && value <= PERCENT_MAX);
    return (i64)spread_floor((u64)value, (u64)rest, PERCENT_MAX, &remainder);
}

/* All lines of the SKU have one unit price: they got the price of their sum. */
static i64 free_units_of(const struct pricing_work *work, const struct line_range *range,
                         const struct msg_promotion_put_req *put)
{
    const i64 unit_price = work->pricing->lines[range->lines[0]].unit_price;
    i64 units = 0, amount;
    for (u32 i = 0; i < range->count; i++)
        units += work->pricing->lines[range->lines[i]].quantity;
    const i64 free_units = units / (i64)put->buy * (i64)(put->buy - put->pay);
    /* Not more than the goods, which are below 2^53, unless a caller gave a SKU two prices. */
    const bool is_huge = __builtin_mul_overflow(free_units, unit_price, &amount);
    return is_huge ? range->rest : MIN(amount, range->rest);
}

static i64 discount_of(const struct pricing_work *work, const struct line_range *range,
                       const struct msg_promotion_put_req *put)
{
    switch ((enum promotion_kind)put->kind) {
    case PROMOTION_KIND_PERCENT: return percent_of(range->rest, put->value);
    case PROMOTION_KIND_FIXED: return MIN(put->value, range->rest);
    case PROMOTION_KIND_N_FOR_M: return free_units_of(work, range, put);
    case PROMOTION_KIND_FREE_SHIPPING: break;
    }
    PANIC("no such kind of promotion");
}

/* Takes `discount` off the lines. False: there is no room for the amounts. */
static bool spread_over(struct pricing_work *work, const struct line_range *range, i64 discount,
                        const struct setting *setting)
{
    struct pricing *pricing = work->pricing;
    for (u32 i = 0; i < range->count; i++)
        work->values[i] = pricing_line_rest(&pricing->lines[range->lines[i]]);
    spread_amount(work->values, range->count, discount, range->rest, work->pairs);
    for (u32 i = 0; i < range->count; i++) {
        if (work->values[i] == 0)
            continue;
        const struct row_amount amount = {.rule = setting->home_id,
                                          .version = setting->version,
                                          .amount = -work->values[i],
                                          .line = range->lines[i],
                                          .kind = AMOUNT_KIND_PROMOTION};
        struct pricing_line *line = &pricing->lines[range->lines[i]];
        line->discount += work->values[i];
        MUST(pricing_line_rest(line) >= 0);
        if (!pricing_put(pricing, amount))
            return false;
    }
    work->rest -= discount;
    MUST(work->rest >= 0);
    return true;
}

enum outcome { OUTCOME_NOTHING, OUTCOME_APPLIED, OUTCOME_NO_ROOM };

static enum outcome apply(struct pricing_work *work, const struct setting *setting)
{
    const struct msg_promotion_put_req *put = setting_promotion(setting);
    const struct line_range range = range_of(work, put->sku_id);
    if (range.count == 0 || put->threshold > range.rest)
        return OUTCOME_NOTHING;
    if (put->kind == PROMOTION_KIND_FREE_SHIPPING) {
        if (work->shipping != NULL)
            return OUTCOME_NOTHING;
        work->shipping = setting;
        work->pricing->free_shipping = 1;
        return OUTCOME_APPLIED;
    }
    const i64 discount = discount_of(work, &range, put);
    if (discount == 0)
        return OUTCOME_NOTHING;
    return spread_over(work, &range, discount, setting) ? OUTCOME_APPLIED : OUTCOME_NO_ROOM;
}

/* Which lines promotions may touch: good ones, without an agreed price. */
static void open_lines(struct pricing_work *work)
{
    const struct pricing *pricing = work->pricing;
    u32 count = 0;
    for (u32 i = 0; i < work->line_count; i++)
        if (pricing->lines[work->by_sku[i]].status == STATUS_OK)
            work->by_sku[count++] = work->by_sku[i];
    work->line_count = count;
    work->rest = 0;
    count = 0;
    for (u32 i = 0; i < pricing->line_count; i++) {
        const struct pricing_line *line = &pricing->lines[i];
        if (line->status != STATUS_OK || line->price_kind == AMOUNT_KIND_AGREED)
            continue;
        work->in_order[count++] = i;
        work->rest += pricing_line_rest(line);
    }
    MUST(count == work->line_count);
}

u16 pricing_promotions(struct pricing_work *work)
{
    struct pricing *pricing = work->pricing;
    struct candidates from;
    if (!begin(&from, work->settings, pricing))
        return STATUS_OK;
    open_lines(work);
    u32 coupon;
    const struct setting *setting;
    while ((setting = take_next(&from, pricing->coupon_count, &coupon)) != NULL) {
        /* ends: a promotion less each time */
        if (!is_candidate(pricing, setting))
            continue;
        const enum outcome outcome = apply(work, setting);
        if (outcome == OUTCOME_NO_ROOM)
            return STATUS_TOO_MANY;
        if (outcome == OUTCOME_NOTHING)
            continue;
        for (u32 i = 0; coupon != COUPON_NONE && i < pricing->coupon_count; i++)
            if (pricing->coupons[i].coupon_id == pricing->coupons[coupon].coupon_id)
                pricing->coupons_used |= 1u << i;
        if (setting_promotion(setting)->is_exclusive != 0)
            break;
    }
    return STATUS_OK;
}
