/* test_pricing_random: random shops and baskets, against a second, naive implementation of
 * docs/prices.md that knows nothing of indexes, heaps or orders of evaluation: it looks at everything
 * every time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "tests/unit/shards/pricing_fixture.h"

#define LISTS      16u /* so that a SKU may be in more lists than its index holds */
#define SKUS       6u
#define PROMOTIONS 10u
#define GROUPS     3u
#define COUPONS    4u

__extension__ typedef __int128 wide;

/* ---- randomness ---- */

static u64 random_state;

static u64 draw(u64 limit)
{
    random_state += 0x9E3779B97F4A7C15ull;
    u64 mixed = (random_state ^ random_state >> 30) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
    return (mixed ^ mixed >> 31) % limit;
}

/* Prices are small, sometimes 0, sometimes near the limit. */
static i64 draw_price(void)
{
    const u64 choice = draw(20);
    if (choice == 0)
        return 0;
    if (choice == 1)
        return (i64)(((u64)PRICE_MAX >> draw(12)) - draw(3));
    return (i64)draw(choice < 12 ? 30 : 5000);
}

/* ---- the world, as it was put ---- */

struct world {
    struct msg_price_list_put_req lists[LISTS];
    struct row_price_tier tiers[LISTS][SKUS][PRICE_TIERS_MAX];
    u32 tier_counts[LISTS][SKUS];
    u64 price_versions[LISTS][SKUS];
    struct msg_promotion_put_req promotions[PROMOTIONS];
    u64 promotion_versions[PROMOTIONS];
};

static void draw_times(u64 *from_ns, u64 *until_ns)
{
    *from_ns = draw(3) == 0 ? NOW - 2 + draw(5) : 0;
    *until_ns = draw(3) == 0 ? *from_ns + NOW + draw(5) - *from_ns : 0;
    if (*until_ns != 0 && *until_ns <= *from_ns)
        *until_ns = *from_ns + 1;
}

static void put_list(struct shop *shop, struct world *world, u32 i)
{
    struct msg_price_list_put_req *put = &world->lists[i];
    *put = (struct msg_price_list_put_req){.home_id = i + 1,
                                           .group_id = draw(GROUPS),
                                           .priority = (u32)draw(3),
                                           .currency = draw(4) == 0 ? EUR : GBP,
                                           .is_off = draw(5) == 0};
    draw_times(&put->valid_from_ns, &put->valid_until_ns);
    shop_list(shop, *put);
}

static void put_price(struct shop *shop, struct world *world, u32 list, u32 sku)
{
    const u32 count = (u32)draw(4);
    struct row_price_tier *tiers = world->tiers[list][sku];
    for (u32 i = 0; i < count; i++)
        tiers[i] = (struct row_price_tier){
            .quantity = i == 0 ? 1 : tiers[i - 1].quantity + 1 + (i64)draw(4),
            .price = draw_price()};
    world->tier_counts[list][sku] = count;
    world->price_versions[list][sku]++;
    shop_tiers(shop, list + 1, sku + 1, tiers, count);
}

static void put_promotion(struct shop *shop, struct world *world, u32 i)
{
    struct msg_promotion_put_req *put = &world->promotions[i];
    *put = (struct msg_promotion_put_req){.home_id = 100 + i,
                                          .kind = (u16)(1 + draw(4)),
                                          .priority = (u32)draw(4),
                                          .group_id = draw(3) == 0 ? draw(GROUPS) : 0,
                                          .coupon_id = draw(2) == 0 ? draw(COUPONS) : 0,
                                          .sku_id = draw(2) == 0 ? 1 + draw(SKUS) : 0,
                                          .is_exclusive = draw(6) == 0,
                                          .is_off = draw(8) == 0};
    draw_times(&put->valid_from_ns, &put->valid_until_ns);
    put->currency = draw(4) == 0 ? EUR : GBP;
    if (draw(3) == 0)
        put->threshold = draw_price();
    if (put->kind == PROMOTION_KIND_PERCENT)
        put->value = 1 + (i64)draw(PERCENT_MAX);
    if (put->kind == PROMOTION_KIND_FIXED) {
        const i64 price = draw_price();
        put->value = price == PRICE_MAX ? price : price + 1;
    }
    if (put->kind == PROMOTION_KIND_N_FOR_M) {
        put->sku_id = 1 + draw(SKUS);
        put->buy = 2 + (u32)draw(3);
        put->pay = 1 + (u32)draw(put->buy - 1);
    }
    if (put->threshold == 0 && put->kind != PROMOTION_KIND_FIXED && draw(2) == 0)
        put->currency = 0;
    world->promotion_versions[i]++;
    shop_promotion(shop, *put);
}

/* ---- the naive implementation ---- */

struct naive_line {
    i64 unit_price;
    i64 discount;
    u64 rule, version;
    u16 kind, status;
};

struct naive {
    const struct world *world;
    const struct pricing *ask;
    struct naive_line lines[BASKET_LINES];
    struct row_amount amounts[512];
    u32 amount_count;
    u32 coupons_used;
    bool free_shipping;
    u64 shipping_rule, shipping_version;
};

static bool holds(const struct pricing *ask, u16 is_off, u16 currency, u64 group_id, u64 from_ns,
                  u64 until_ns)
{
    if (is_off != 0 || (currency != 0 && currency != ask->currency))
        return false;
    if (group_id != 0 && group_id != ask->group_id)
        return false;
    return ask->now_ns >= from_ns && (until_ns == 0 || ask->now_ns < until_ns);
}

static void naive_price(struct naive *naive, u32 i)
{
    const struct pricing_line *ask = &naive->ask->lines[i];
    struct naive_line *line = &naive->lines[i];
    if (ask->agreed_price >= 0) {
        *line = (struct naive_line){.unit_price = ask->agreed_price,
                                    .rule = ask->agreed_reason,
                                    .kind = AMOUNT_KIND_AGREED};
        return;
    }
    i64 quantity = 0;
    for (u32 other = 0; other < naive->ask->line_count; other++)
        if (naive->ask->lines[other].sku_id == ask->sku_id &&
            naive->ask->lines[other].agreed_price < 0)
            quantity += naive->ask->lines[other].quantity;
    *line = (struct naive_line){
        .unit_price = ask->base_price, .version = ask->base_version, .kind = AMOUNT_KIND_BASE};
    if (ask->currency != naive->ask->currency)
        line->status = STATUS_CURRENCY_MISMATCH;
    i64 best_priority = -1;
    for (u32 l = 0; l < LISTS; l++) { /* ascending ids: of equals, the first stays */
        const struct msg_price_list_put_req *list = &naive->world->lists[l];
        const u32 sku = (u32)ask->sku_id - 1;
        if (!holds(naive->ask, list->is_off, list->currency, list->group_id, list->valid_from_ns,
                   list->valid_until_ns) ||
            list->priority <= best_priority || naive->world->tier_counts[l][sku] == 0)
            continue;
        best_priority = list->priority;
        *line = (struct naive_line){.rule = l + 1,
                                    .version = naive->world->price_versions[l][sku],
                                    .kind = AMOUNT_KIND_LIST};
        for (u32 t = 0; t < naive->world->tier_counts[l][sku]; t++)
            if (naive->world->tiers[l][sku][t].quantity <= quantity)
                line->unit_price = naive->world->tiers[l][sku][t].price;
    }
    if (ask->base_price < 0)
        line->status = STATUS_NOT_FOUND;
}

static i64 rest_of(const struct naive *naive, u32 i)
{
    return naive->ask->lines[i].quantity * naive->lines[i].unit_price - naive->lines[i].discount;
}

static void naive_put(struct naive *naive, struct row_amount amount)
{
    assert_true(naive->amount_count < ARRAY_COUNT(naive->amounts));
    naive->amounts[naive->amount_count++] = amount;
}

/* floor(amount x weight / sum) each, then one more for the largest fraction, again and again. */
static void naive_spread(struct naive *naive, const bool *is_in, i64 amount, u32 promotion)
{
    i64 shares[BASKET_LINES] = {0}, sum = 0, left = amount;
    wide fractions[BASKET_LINES];
    for (u32 i = 0; i < naive->ask->line_count; i++)
        sum += is_in[i] ? rest_of(naive, i) : 0;
    for (u32 i = 0; i < naive->ask->line_count; i++) {
        const wide product = (wide)amount * (is_in[i] ? rest_of(naive, i) : 0);
        shares[i] = (i64)(product / sum);
        fractions[i] = product % sum;
        left -= shares[i];
    }
    for (; left > 0; left--) {
        u32 best = 0;
        for (u32 i = 1; i < naive->ask->line_count; i++)
            best = fractions[i] > fractions[best] ? i : best;
        fractions[best] = -1;
        shares[best]++;
    }
    for (u32 i = 0; i < naive->ask->line_count; i++) {
        if (shares[i] == 0)
            continue;
        assert_true(is_in[i] && shares[i] <= rest_of(naive, i));
        naive->lines[i].discount += shares[i];
        naive_put(naive, (struct row_amount){.rule = 100 + promotion,
                                             .version = naive->world->promotion_versions[promotion],
                                             .amount = -shares[i],
                                             .line = i,
                                             .kind = AMOUNT_KIND_PROMOTION});
    }
}

/* Does it apply? */
static bool naive_apply(struct naive *naive, u32 promotion)
{
    const struct msg_promotion_put_req *put = &naive->world->promotions[promotion];
    bool is_in[BASKET_LINES];
    i64 rest = 0, units = 0, unit_price = 0;
    u32 count = 0;
    for (u32 i = 0; i < naive->ask->line_count; i++) {
        const struct pricing_line *line = &naive->ask->lines[i];
        is_in[i] = naive->lines[i].status == STATUS_OK && line->agreed_price < 0 &&
                   (put->sku_id == 0 || put->sku_id == line->sku_id);
        if (!is_in[i])
            continue;
        rest += rest_of(naive, i);
        units += line->quantity;
        unit_price = naive->lines[i].unit_price;
        count++;
    }
    if (count == 0 || put->threshold > rest)
        return false;
    wide amount = 0;
    if (put->kind == PROMOTION_KIND_PERCENT)
        amount = (wide)rest * put->value / 10000;
    else if (put->kind == PROMOTION_KIND_FIXED)
        amount = put->value;
    else if (put->kind == PROMOTION_KIND_N_FOR_M)
        amount = (wide)(units / put->buy) * (put->buy - put->pay) * unit_price;
    else if (naive->free_shipping)
        return false;
    if (put->kind == PROMOTION_KIND_FREE_SHIPPING) {
        naive->free_shipping = true;
        naive->shipping_rule = 100 + promotion;
        naive->shipping_version = naive->world->promotion_versions[promotion];
        return true;
    }
    amount = MIN(amount, rest);
    if (amount == 0)
        return false;
    naive_spread(naive, is_in, (i64)amount, promotion);
    return true;
}

static bool is_listed(const struct pricing *ask, u64 coupon_id)
{
    for (u32 i = 0; i < ask->coupon_count; i++)
        if (ask->coupons[i].coupon_id == coupon_id)
            return true;
    return false;
}

static bool is_candidate(const struct naive *naive, u32 promotion)
{
    const struct msg_promotion_put_req *put = &naive->world->promotions[promotion];
    return holds(naive->ask, put->is_off, put->currency, put->group_id, put->valid_from_ns,
                 put->valid_until_ns) &&
           (put->coupon_id == 0 || is_listed(naive->ask, put->coupon_id));
}

static void naive_promotions(struct naive *naive)
{
    bool is_done[PROMOTIONS] = {false};
    for (;;) { /* ends: one more is done each time */
        u32 next = PROMOTIONS;
        for (u32 i = 0; i < PROMOTIONS; i++)
            if (!is_done[i] && is_candidate(naive, i) &&
                (next == PROMOTIONS ||
                 naive->world->promotions[i].priority > naive->world->promotions[next].priority))
                next = i;
        if (next == PROMOTIONS)
            return;
        is_done[next] = true;
        const struct msg_promotion_put_req *put = &naive->world->promotions[next];
        if (!naive_apply(naive, next))
            continue;
        for (u32 i = 0; i < naive->ask->coupon_count; i++)
            if (put->coupon_id != 0 && naive->ask->coupons[i].coupon_id == put->coupon_id)
                naive->coupons_used |= 1u << i;
        if (put->is_exclusive != 0)
            return;
    }
}

static bool has_candidate(const struct naive *naive, u64 coupon_id)
{
    for (u32 i = 0; i < PROMOTIONS; i++)
        if (naive->world->promotions[i].coupon_id == coupon_id && coupon_id != 0 &&
            is_candidate(naive, i))
            return true;
    return false;
}

/* The status, and everything else in `naive`, for baskets whose sums stay in range. */
static u16 naive_run(struct naive *naive, wide *total)
{
    const struct pricing *ask = naive->ask;
    u16 status = STATUS_OK;
    wide goods = 0, charges = 0, shipping = 0, discount = 0;
    for (u32 i = 0; i < ask->line_count; i++) {
        struct naive_line *line = &naive->lines[i];
        naive_price(naive, i);
        const wide cost = (wide)ask->lines[i].quantity * line->unit_price;
        if (line->status == STATUS_OK && cost > PRICE_MAX)
            line->status = STATUS_EXCEEDS;
        if (line->status != STATUS_OK) {
            line->unit_price = 0;
            status = status == STATUS_OK ? line->status : status;
            continue;
        }
        goods += cost;
        naive_put(naive, (struct row_amount){.rule = line->rule,
                                             .version = line->version,
                                             .amount = (i64)cost,
                                             .line = i,
                                             .kind = line->kind});
    }
    if (goods > PRICE_MAX)
        return STATUS_EXCEEDS;
    naive_promotions(naive);
    for (u32 i = 0; i < ask->line_count; i++)
        discount += naive->lines[i].discount;
    for (u32 i = 0; i < ask->charge_count; i++) {
        const struct row_charge *charge = &ask->charges[i];
        charges += charge->amount;
        if (charge->kind == AMOUNT_KIND_SHIPPING && charge->line == LINE_NONE)
            shipping += charge->amount;
        naive_put(naive, (struct row_amount){.rule = charge->code,
                                             .amount = charge->amount,
                                             .line = charge->line,
                                             .kind = charge->kind});
    }
    if (charges > PRICE_MAX || goods - discount + charges > PRICE_MAX)
        return STATUS_EXCEEDS;
    if (naive->free_shipping && shipping != 0)
        naive_put(naive, (struct row_amount){.rule = naive->shipping_rule,
                                             .version = naive->shipping_version,
                                             .amount = -(i64)shipping,
                                             .line = LINE_NONE,
                                             .kind = AMOUNT_KIND_FREE_SHIPPING});
    *total = goods - discount + charges - (naive->free_shipping ? shipping : 0);
    for (u32 i = 0; status == STATUS_OK && i < ask->coupon_count; i++)
        if (!has_candidate(naive, ask->coupons[i].coupon_id))
            status = STATUS_COUPON_INVALID;
    return status;
}

/* ---- one against the other ---- */

static void draw_basket(struct basket *basket)
{
    basket_begin(basket);
    basket->pricing.group_id = draw(GROUPS);
    basket->pricing.now_ns = NOW - 2 + draw(5);
    const u32 lines = (u32)draw(BASKET_LINES + 1);
    i64 prices[SKUS];
    u16 currencies[SKUS];
    for (u32 s = 0; s < SKUS; s++) {
        prices[s] = draw(40) == 0 ? -1 : draw_price();
        currencies[s] = draw(30) == 0 ? EUR : GBP;
    }
    for (u32 i = 0; i < lines; i++) {
        const u64 sku = draw(SKUS);
        const i64 quantity = draw(30) == 0 ? 1 + (i64)draw(QUANTITY_MAX) : 1 + (i64)draw(6);
        struct pricing_line *line = basket_line(basket, sku + 1, quantity, prices[sku]);
        line->currency = currencies[sku];
        if (draw(8) == 0) {
            line->agreed_price = draw_price();
            line->agreed_reason = draw(5);
        }
    }
    for (u64 i = draw(5); i > 0; i--)
        basket_coupon(basket, draw(COUPONS));
    for (u64 i = draw(4); i > 0; i--)
        basket_charge(basket, (u16)(AMOUNT_KIND_TAX + draw(3)),
                      lines != 0 && draw(2) == 0 ? (u32)draw(lines) : LINE_NONE, draw_price());
}

static u64 seen[300]; /* statuses */

static void compare(const struct shop *shop, const struct world *world)
{
    static struct basket basket;
    draw_basket(&basket);
    struct naive naive = {.world = world, .ask = &basket.pricing};
    wide total = 0;
    const u16 status = naive_run(&naive, &total);
    assert_int_equal(basket_run(shop, &basket), status);
    seen[status]++;
    if (basket.pricing.amount_count == 0 && status == STATUS_EXCEEDS)
        return;
    assert_int_equal(basket.pricing.total, (i64)total);
    assert_int_equal(basket.pricing.coupons_used, naive.coupons_used);
    assert_int_equal(basket.pricing.free_shipping, naive.free_shipping);
    assert_int_equal(basket.pricing.amount_count, naive.amount_count);
    assert_memory_equal(basket.amounts, naive.amounts,
                        naive.amount_count * sizeof(struct row_amount));
    for (u32 i = 0; i < basket.pricing.line_count; i++) {
        assert_int_equal(basket.lines[i].status, naive.lines[i].status);
        assert_int_equal(basket.lines[i].unit_price, naive.lines[i].unit_price);
        assert_int_equal(basket.lines[i].discount, naive.lines[i].discount);
    }
}

static void run_world(u64 seed)
{
    static struct shop shop;
    static struct world world;
    random_state = seed;
    memset(&world, 0, sizeof world);
    shop_open(&shop);
    for (u32 i = 0; i < LISTS; i++)
        put_list(&shop, &world, i);
    for (u32 i = 0; i < LISTS * SKUS; i++)
        if (draw(3) != 0)
            put_price(&shop, &world, i / SKUS, i % SKUS);
    for (u32 i = 0; i < PROMOTIONS; i++)
        put_promotion(&shop, &world, i);
    for (u32 round = 0; round < 60; round++) {
        compare(&shop, &world);
        const u64 change = draw(6);
        if (change == 0)
            put_list(&shop, &world, (u32)draw(LISTS));
        else if (change == 1)
            put_price(&shop, &world, (u32)draw(LISTS), (u32)draw(SKUS));
        else if (change == 2)
            put_promotion(&shop, &world, (u32)draw(PROMOTIONS));
    }
    shop_close(&shop);
}

static void random_baskets_cost_what_the_naive_implementation_says(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 1500; seed++)
        run_world(seed * 1000003);
    /* All kinds of answers were among them. */
    const u16 wanted[] = {STATUS_OK, STATUS_EXCEEDS, STATUS_CURRENCY_MISMATCH, STATUS_NOT_FOUND,
                          STATUS_COUPON_INVALID};
    for (u32 i = 0; i < ARRAY_COUNT(wanted); i++)
        assert_true(seen[wanted[i]] > 500);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_baskets_cost_what_the_naive_implementation_says)};
    for (int i = 1; i < argc; i++)
        run_world(strtoull(argv[i], NULL, 10));
    return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
