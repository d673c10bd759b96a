/* test_pricing_promotions: the sentences of docs/prices.md about promotions and coupons, one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/pricing_case.h"

/* ---- promotions: who is a candidate ---- */

/* What a promotion takes off 1,000. */
static i64 off_1000(struct msg_promotion_put_req put, u64 group_id, u64 now_ns)
{
    put.home_id = 50;
    put.kind = PROMOTION_KIND_FIXED;
    put.value = 100;
    put.currency = put.currency == 0 ? GBP : put.currency;
    shop_promotion(&shop, put);
    basket_begin(&basket);
    basket.pricing.group_id = group_id;
    basket.pricing.now_ns = now_ns;
    (void)basket_line(&basket, 1, 2, 500);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    return basket.pricing.discount;
}

static void candidates_are_on_valid_and_for_the_group_and_currency(void **state)
{
    typedef struct msg_promotion_put_req put;
    (void)state;
    assert_int_equal(off_1000((put){0}, 0, NOW), 100);
    assert_int_equal(off_1000((put){.is_off = 1}, 0, NOW), 0);
    assert_int_equal(off_1000((put){.currency = EUR}, 0, NOW), 0);
    assert_int_equal(off_1000((put){.group_id = 7}, 0, NOW), 0);
    assert_int_equal(off_1000((put){.group_id = 7}, 8, NOW), 0);
    assert_int_equal(off_1000((put){.group_id = 7}, 7, NOW), 100);
    assert_int_equal(off_1000((put){.valid_from_ns = 100, .valid_until_ns = 200}, 0, 99), 0);
    assert_int_equal(off_1000((put){.valid_from_ns = 100, .valid_until_ns = 200}, 0, 100), 100);
    assert_int_equal(off_1000((put){.valid_from_ns = 100, .valid_until_ns = 200}, 0, 199), 100);
    assert_int_equal(off_1000((put){.valid_from_ns = 100, .valid_until_ns = 200}, 0, 200), 0);
    assert_int_equal(off_1000((put){.sku_id = 2}, 0, NOW), 0);
    assert_int_equal(off_1000((put){.sku_id = 1}, 0, NOW), 100);
    assert_int_equal(off_1000((put){.threshold = 1001}, 0, NOW), 0);
    assert_int_equal(off_1000((put){.threshold = 1000}, 0, NOW), 100);
}

/* The window of valid promotions follows the clock in both directions, as tests and reads may ask. */
static void promotions_come_and_go_with_time(void **state)
{
    (void)state;
    for (u64 i = 0; i < 40; i++)
        shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 50 + i,
                                                             .kind = PROMOTION_KIND_FIXED,
                                                             .value = 1,
                                                             .currency = GBP,
                                                             .valid_from_ns = 100 + i * 10,
                                                             .valid_until_ns = 135 + i * 10});
    for (u64 round = 0; round < 2; round++)
        for (u64 t = 0; t < 600; t++) {
            const u64 now = round == 0 ? t : 599 - t;
            i64 wanted = 0;
            for (u64 i = 0; i < 40; i++)
                wanted += now >= 100 + i * 10 && now < 135 + i * 10 ? 1 : 0;
            basket_begin(&basket);
            basket.pricing.now_ns = now;
            (void)basket_line(&basket, 1, 1, 500);
            assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
            assert_int_equal(basket.pricing.discount, wanted);
        }
}

static void the_order_is_by_priority_then_by_id(void **state)
{
    (void)state;
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 52, .kind = PROMOTION_KIND_PERCENT, .value = 1000});
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 51, .kind = PROMOTION_KIND_PERCENT, .value = 5000});
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 53,
                                                         .kind = PROMOTION_KIND_FIXED,
                                                         .value = 200,
                                                         .currency = GBP,
                                                         .coupon_id = 9,
                                                         .priority = 1});
    (void)basket_line(&basket, 1, 2, 500);
    basket_coupon(&basket, 9);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    /* 1,000 - 200 = 800; half of it off: 400; a tenth of it off: 360. */
    assert_int_equal(basket.pricing.total, 360);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 0)->rule, 53);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 1)->rule, 51);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 1)->amount, -400);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 2)->rule, 52);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 2)->version, 1);
    shop_promotion(
        &shop, (struct msg_promotion_put_req){
                   .home_id = 52, .kind = PROMOTION_KIND_PERCENT, .value = 1000, .priority = 2});
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 0)->rule, 52);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 0)->version, 2);
    assert_int_equal(basket.pricing.total, 350);
}

static void the_threshold_looks_at_what_is_left(void **state)
{
    (void)state;
    shop_promotion(
        &shop, (struct msg_promotion_put_req){
                   .home_id = 51, .kind = PROMOTION_KIND_PERCENT, .value = 1000, .priority = 1});
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 52,
                                                         .kind = PROMOTION_KIND_FIXED,
                                                         .value = 50,
                                                         .currency = GBP,
                                                         .threshold = 901});
    (void)basket_line(&basket, 1, 2, 500);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 900);
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 52,
                                                         .kind = PROMOTION_KIND_FIXED,
                                                         .value = 50,
                                                         .currency = GBP,
                                                         .threshold = 900});
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 850);
}

static void an_exclusive_one_ends_the_list_only_where_it_applies(void **state)
{
    (void)state;
    const struct msg_promotion_put_req late = {
        .home_id = 52, .kind = PROMOTION_KIND_PERCENT, .value = 1000};
    struct msg_promotion_put_req first = {.home_id = 51,
                                          .kind = PROMOTION_KIND_FIXED,
                                          .value = 100,
                                          .currency = GBP,
                                          .priority = 1,
                                          .is_exclusive = 1};
    shop_promotion(&shop, late);
    shop_promotion(&shop, first);
    (void)basket_line(&basket, 1, 2, 500);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 900);
    first.threshold = 1001;
    shop_promotion(&shop, first);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 900); /* the other one: a tenth */
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 0)->rule, 52);
    first = (struct msg_promotion_put_req){.home_id = 51,
                                           .kind = PROMOTION_KIND_PERCENT,
                                           .value = 1,
                                           .priority = 1,
                                           .sku_id = 2,
                                           .is_exclusive = 1};
    shop_promotion(&shop, first);
    (void)basket_line(&basket, 2, 1, 9999); /* floor of 0.9999: nothing, so it did not apply */
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 1099);
    assert_null(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 2));
}

static void exclusive_leaves_what_came_before_it(void **state)
{
    (void)state;
    for (u64 i = 0; i < 3; i++)
        shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 51 + i,
                                                             .kind = PROMOTION_KIND_FIXED,
                                                             .value = 100,
                                                             .currency = GBP,
                                                             .is_exclusive = i == 1});
    (void)basket_line(&basket, 1, 2, 500);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 200);
}

/* ---- promotions: what they give ---- */

static void percent_is_rounded_down_once_and_spread(void **state)
{
    (void)state;
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 50, .kind = PROMOTION_KIND_PERCENT, .value = 1250});
    (void)basket_line(&basket, 1, 1, 333);
    (void)basket_line(&basket, 2, 1, 333);
    (void)basket_line(&basket, 3, 1, 333);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 124); /* 12.5 % of 999 = 124.875 */
    assert_int_equal(basket.lines[0].discount, 42);
    assert_int_equal(basket.lines[1].discount, 41);
    assert_int_equal(basket.lines[2].discount, 41);
}

static void fixed_takes_no_more_than_there_is(void **state)
{
    (void)state;
    shop_promotion(
        &shop, (struct msg_promotion_put_req){
                   .home_id = 50, .kind = PROMOTION_KIND_FIXED, .value = 1500, .currency = GBP});
    (void)basket_line(&basket, 1, 1, 400);
    (void)basket_line(&basket, 2, 1, 0);
    (void)basket_line(&basket, 3, 1, 600);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 1000);
    assert_int_equal(basket.pricing.total, 0);
    assert_null(basket_amount(&basket, AMOUNT_KIND_PROMOTION, 2)); /* the gift has no share */
}

static void three_for_two_counts_the_units_of_all_lines_of_the_sku(void **state)
{
    (void)state;
    shop_promotion(
        &shop, (struct msg_promotion_put_req){
                   .home_id = 50, .kind = PROMOTION_KIND_N_FOR_M, .sku_id = 1, .buy = 3, .pay = 2});
    (void)basket_line(&basket, 1, 2, 100);
    (void)basket_line(&basket, 2, 9, 100);
    (void)basket_line(&basket, 1, 5, 100);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 200); /* 7 units: two groups */
    assert_int_equal(basket.lines[0].discount, 57); /* 200 x 2/7 = 57.14 */
    assert_int_equal(basket.lines[1].discount, 0);
    assert_int_equal(basket.lines[2].discount, 143); /* 142.86 */
    basket.lines[2].quantity = 1;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 100);
    basket.lines[2].quantity = 0x7fffffff;
    basket.lines[0].quantity = 1;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 71582788200);
}

static void n_for_m_takes_at_most_what_is_left(void **state)
{
    (void)state;
    shop_promotion(
        &shop, (struct msg_promotion_put_req){
                   .home_id = 49, .kind = PROMOTION_KIND_PERCENT, .value = 9000, .priority = 1});
    shop_promotion(
        &shop, (struct msg_promotion_put_req){
                   .home_id = 50, .kind = PROMOTION_KIND_N_FOR_M, .sku_id = 1, .buy = 2, .pay = 1});
    (void)basket_line(&basket, 1, 2, 100);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 0);
}

static void free_shipping_takes_off_the_orders_shipping_charges_and_no_other(void **state)
{
    (void)state;
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 50,
                                                         .kind = PROMOTION_KIND_FREE_SHIPPING,
                                                         .currency = GBP,
                                                         .threshold = 1000});
    (void)basket_line(&basket, 1, 2, 500);
    basket_charge(&basket, AMOUNT_KIND_SHIPPING, LINE_NONE, 399);
    basket_charge(&basket, AMOUNT_KIND_SHIPPING, 0, 55); /* the surcharge of a bulky line stays */
    basket_charge(&basket, AMOUNT_KIND_TAX, LINE_NONE, 200);
    basket_charge(&basket, AMOUNT_KIND_SHIPPING, LINE_NONE, 101);
    basket_charge(&basket, AMOUNT_KIND_FEE, 0, 30);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.free_shipping, 1);
    assert_int_equal(basket.pricing.charge_sum, 785);
    assert_int_equal(basket.pricing.shipping_off, 500);
    assert_int_equal(basket.pricing.total, 1285);
    assert_int_equal(basket.lines[0].charges, 85);
    const struct row_amount *off = basket_amount(&basket, AMOUNT_KIND_FREE_SHIPPING, 0);
    assert_non_null(off);
    assert_int_equal(off->amount, -500);
    assert_int_equal(off->rule, 50);
    assert_int_equal(off->version, 1);
    assert_int_equal(off->line, LINE_NONE);
    basket.lines[0].quantity = 1;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.free_shipping, 0);
    assert_int_equal(basket.pricing.total, 1285);
}

/* A quote does not know the shipping charges yet; what follows must be the same as at checkout. */
static void free_shipping_applies_without_charges_too(void **state)
{
    (void)state;
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 50,
                                                         .kind = PROMOTION_KIND_FREE_SHIPPING,
                                                         .coupon_id = 9,
                                                         .priority = 1,
                                                         .is_exclusive = 1});
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 51, .kind = PROMOTION_KIND_PERCENT, .value = 1000});
    (void)basket_line(&basket, 1, 2, 500);
    basket_coupon(&basket, 9);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.free_shipping, 1);
    assert_int_equal(basket.pricing.coupons_used, 1);
    assert_int_equal(basket.pricing.total, 1000);
    assert_null(basket_amount(&basket, AMOUNT_KIND_FREE_SHIPPING, 0));
    basket_charge(&basket, AMOUNT_KIND_SHIPPING, LINE_NONE, 399);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 1000);
}

static void shipping_is_free_once(void **state)
{
    (void)state;
    for (u64 i = 0; i < 2; i++)
        shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 50 + i,
                                                             .kind = PROMOTION_KIND_FREE_SHIPPING,
                                                             .coupon_id = 9 + i});
    (void)basket_line(&basket, 1, 2, 500);
    basket_coupon(&basket, 9);
    basket_coupon(&basket, 10);
    basket_charge(&basket, AMOUNT_KIND_SHIPPING, LINE_NONE, 399);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 1000);
    assert_int_equal(basket.pricing.coupons_used, 1);
}

static void a_promotion_without_lines_does_not_apply(void **state)
{
    (void)state;
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 50, .kind = PROMOTION_KIND_FREE_SHIPPING, .sku_id = 3});
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 51, .kind = PROMOTION_KIND_FREE_SHIPPING, .group_id = 7});
    (void)basket_line(&basket, 1, 2, 500);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.free_shipping, 0);
    basket.pricing.group_id = 7;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.free_shipping, 1);
    basket.lines[0].agreed_price = 500;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.free_shipping, 0);
}

/* ---- coupons ---- */

static void a_coupon_of_no_candidate_is_invalid_and_the_figures_are_good(void **state)
{
    (void)state;
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 50,
                                                         .kind = PROMOTION_KIND_FIXED,
                                                         .value = 100,
                                                         .currency = GBP,
                                                         .coupon_id = 9,
                                                         .valid_until_ns = NOW});
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 51,
                                                         .kind = PROMOTION_KIND_FIXED,
                                                         .value = 10,
                                                         .currency = GBP,
                                                         .coupon_id = 10});
    (void)basket_line(&basket, 1, 2, 500);
    basket_coupon(&basket, 10);
    basket_coupon(&basket, 9);
    assert_int_equal(basket_run(&shop, &basket), STATUS_COUPON_INVALID);
    assert_int_equal(basket.pricing.total, 990);
    assert_int_equal(basket.pricing.coupons_used, 1);
    basket.pricing.now_ns = NOW - 1;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 890);
    assert_int_equal(basket.pricing.coupons_used, 3);
    basket_coupon(&basket, 0); /* no coupon: those that need none are not reached by it */
    assert_int_equal(basket_run(&shop, &basket), STATUS_COUPON_INVALID);
}

static void a_coupon_that_is_not_listed_gives_nothing(void **state)
{
    (void)state;
    assert_int_equal(off_1000((struct msg_promotion_put_req){.coupon_id = 9}, 0, NOW), 0);
}

static void a_coupon_that_gives_nothing_is_told_by_its_bit(void **state)
{
    (void)state;
    shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 50,
                                                         .kind = PROMOTION_KIND_FIXED,
                                                         .value = 100,
                                                         .currency = GBP,
                                                         .threshold = 1001,
                                                         .coupon_id = 9});
    (void)basket_line(&basket, 1, 2, 500);
    basket_coupon(&basket, 9);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.coupons_used, 0);
    basket.lines[0].quantity = 3;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.coupons_used, 1);
}

static void a_coupon_listed_twice_counts_once(void **state)
{
    (void)state;
    (void)off_1000((struct msg_promotion_put_req){.coupon_id = 9}, 0, NOW);
    basket_coupon(&basket, 9);
    basket_coupon(&basket, 9);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 100);
    assert_int_equal(basket.pricing.coupons_used, 3);
}

static void a_coupon_may_belong_to_several_promotions(void **state)
{
    (void)state;
    for (u64 i = 0; i < 3; i++)
        shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 52 - i,
                                                             .kind = PROMOTION_KIND_FIXED,
                                                             .value = 100,
                                                             .currency = GBP,
                                                             .coupon_id = 9,
                                                             .group_id = i == 2 ? 7 : 0,
                                                             .per_customer = 3 - (i64)i,
                                                             .is_limited = i == 1});
    struct pricing_coupon coupon;
    (void)basket_line(&basket, 1, 2, 500);
    basket_coupon(&basket, 9);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.discount, 200);
    assert_true(pricing_coupon_find(&shop.settings, &basket.pricing, 9, &coupon));
    assert_int_equal(coupon.promotion_id, 51);
    assert_int_equal(coupon.version, 1);
    assert_int_equal(coupon.per_customer, 2);
    assert_true(coupon.is_limited);
    basket.pricing.group_id = 7;
    assert_true(pricing_coupon_find(&shop.settings, &basket.pricing, 9, &coupon));
    assert_int_equal(coupon.promotion_id, 50);
    assert_int_equal(coupon.per_customer, 1);
    assert_false(pricing_coupon_find(&shop.settings, &basket.pricing, 8, &coupon));
    assert_false(pricing_coupon_find(&shop.settings, &basket.pricing, 0, &coupon));
    basket.pricing.currency = EUR;
    assert_false(pricing_coupon_find(&shop.settings, &basket.pricing, 9, &coupon));
}

static void a_promotion_that_changes_its_coupon_is_found_by_the_new_one_only(void **state)
{
    struct pricing_coupon coupon;
    (void)state;
    (void)off_1000((struct msg_promotion_put_req){.coupon_id = 9}, 0, NOW);
    (void)off_1000((struct msg_promotion_put_req){.coupon_id = 10}, 0, NOW);
    assert_false(pricing_coupon_find(&shop.settings, &basket.pricing, 9, &coupon));
    assert_true(pricing_coupon_find(&shop.settings, &basket.pricing, 10, &coupon));
    assert_int_equal(off_1000((struct msg_promotion_put_req){0}, 0, NOW), 100);
    assert_false(pricing_coupon_find(&shop.settings, &basket.pricing, 10, &coupon));
    assert_int_equal(shop.settings.promotions_on, 1);
    (void)off_1000((struct msg_promotion_put_req){.is_off = 1}, 0, NOW);
    assert_int_equal(shop.settings.promotions_on, 0);
}

static void an_allowance_is_a_resource_of_coupon_and_user(void **state)
{
    (void)state;
    const struct resource a = pricing_allowance(1, 2), b = pricing_allowance(2, 1);
    assert_int_equal(a.kind, RESOURCE_KIND_ALLOWANCE);
    assert_int_not_equal(a.id, 0);
    assert_int_not_equal(a.id, b.id);
    assert_true(resource_equal(a, pricing_allowance(1, 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(candidates_are_on_valid_and_for_the_group_and_currency),
        TEST(promotions_come_and_go_with_time),
        TEST(the_order_is_by_priority_then_by_id),
        TEST(the_threshold_looks_at_what_is_left),
        TEST(an_exclusive_one_ends_the_list_only_where_it_applies),
        TEST(exclusive_leaves_what_came_before_it),
        TEST(percent_is_rounded_down_once_and_spread),
        TEST(fixed_takes_no_more_than_there_is),
        TEST(three_for_two_counts_the_units_of_all_lines_of_the_sku),
        TEST(n_for_m_takes_at_most_what_is_left),
        TEST(free_shipping_takes_off_the_orders_shipping_charges_and_no_other),
        TEST(free_shipping_applies_without_charges_too),
        TEST(shipping_is_free_once),
        TEST(a_promotion_without_lines_does_not_apply),
        TEST(a_coupon_of_no_candidate_is_invalid_and_the_figures_are_good),
        TEST(a_coupon_that_is_not_listed_gives_nothing),
        TEST(a_coupon_that_gives_nothing_is_told_by_its_bit),
        TEST(a_coupon_listed_twice_counts_once),
        TEST(a_coupon_may_belong_to_several_promotions),
        TEST(a_promotion_that_changes_its_coupon_is_found_by_the_new_one_only),
        TEST(an_allowance_is_a_resource_of_coupon_and_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
