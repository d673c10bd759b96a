/* test_pricing: the sentences of docs/prices.md about unit prices and amounts, one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/pricing_case.h"

/* The unit price of one unit of SKU 1, whose own price is 500. */
static i64 price_of(u64 group_id, u64 now_ns, i64 quantity)
{
    basket_begin(&basket);
    basket.pricing.group_id = group_id;
    basket.pricing.now_ns = now_ns;
    (void)basket_line(&basket, 1, quantity, 500);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    return basket.lines[0].unit_price;
}

/* ---- unit price ---- */

static void a_sku_in_no_list_costs_its_own_price(void **state)
{
    (void)state;
    assert_int_equal(price_of(0, NOW, 3), 500);
    assert_int_equal(basket.pricing.total, 1500);
    assert_int_equal(basket.lines[0].price_kind, AMOUNT_KIND_BASE);
    assert_int_equal(basket.lines[0].price_rule, 0);
    assert_int_equal(basket.lines[0].price_version, 71);
    assert_int_equal(basket.amounts[0].version, 71);
    assert_int_equal(basket.pricing.amount_count, 1);
}

static void a_list_gives_its_price_with_its_version(void **state)
{
    (void)state;
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10});
    shop_price(&shop, 10, 1, 440);
    shop_price(&shop, 10, 1, 450);
    shop_price(&shop, 10, 2, 1);
    assert_int_equal(price_of(0, NOW, 1), 450);
    assert_int_equal(basket.lines[0].price_kind, AMOUNT_KIND_LIST);
    assert_int_equal(basket.lines[0].price_rule, 10);
    assert_int_equal(basket.lines[0].price_version, 2);
    assert_int_equal(basket.amounts[0].rule, 10);
    assert_int_equal(basket.amounts[0].version, 2);
    assert_int_equal(basket.amounts[0].kind, AMOUNT_KIND_LIST);
}

static void a_list_that_is_off_of_another_currency_or_group_is_not_asked(void **state)
{
    (void)state;
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10, .is_off = 1});
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 11, .currency = EUR});
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 12, .group_id = 7});
    for (u64 list = 10; list <= 12; list++)
        shop_price(&shop, list, 1, 100 + (i64)list);
    assert_int_equal(price_of(0, NOW, 1), 500);
    assert_int_equal(price_of(8, NOW, 1), 500);
    assert_int_equal(price_of(7, NOW, 1), 112);
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10, .priority = 1});
    assert_int_equal(price_of(0, NOW, 1), 110);
    assert_int_equal(price_of(7, NOW, 1), 110);
}

static void a_list_is_valid_from_its_begin_until_before_its_end(void **state)
{
    (void)state;
    shop_list(&shop, (struct msg_price_list_put_req){
                         .home_id = 10, .valid_from_ns = 100, .valid_until_ns = 200});
    shop_price(&shop, 10, 1, 450);
    assert_int_equal(price_of(0, 99, 1), 500);
    assert_int_equal(price_of(0, 100, 1), 450);
    assert_int_equal(price_of(0, 199, 1), 450);
    assert_int_equal(price_of(0, 200, 1), 500);
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10, .valid_from_ns = 100});
    assert_int_equal(price_of(0, UINT64_MAX, 1), 450);
}

static void the_highest_priority_wins_then_the_lowest_id(void **state)
{
    (void)state;
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 12});
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10});
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 11, .priority = 1, .group_id = 7});
    for (u64 list = 10; list <= 12; list++)
        shop_price(&shop, list, 1, 100 + (i64)list);
    assert_int_equal(price_of(0, NOW, 1), 110);
    assert_int_equal(price_of(7, NOW, 1), 111);
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 12, .priority = 1, .group_id = 7});
    assert_int_equal(price_of(7, NOW, 1), 111);
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 12, .priority = 2});
    assert_int_equal(price_of(0, NOW, 1), 112);
}

static void the_tier_is_the_last_one_not_above_the_quantity(void **state)
{
    (void)state;
    const struct row_price_tier tiers[] = {{1, 500}, {10, 450}, {100, 400}};
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10});
    shop_tiers(&shop, 10, 1, tiers, 3);
    static const struct {
        i64 quantity, price;
    } wanted[] = {{1, 500}, {9, 500}, {10, 450}, {99, 450}, {100, 400}, {QUANTITY_MAX, 400}};
    for (u32 i = 0; i < ARRAY_COUNT(wanted); i++)
        assert_int_equal(price_of(0, NOW, wanted[i].quantity), wanted[i].price);
}

static void lines_of_a_sku_are_summed_those_with_an_agreed_price_are_not(void **state)
{
    (void)state;
    const struct row_price_tier tiers[] = {{1, 500}, {10, 450}};
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10});
    shop_tiers(&shop, 10, 1, tiers, 2);
    (void)basket_line(&basket, 1, 4, 500);
    (void)basket_line(&basket, 2, 1, 90);
    (void)basket_line(&basket, 1, 6, 500);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.lines[0].unit_price, 450);
    assert_int_equal(basket.lines[1].unit_price, 90);
    assert_int_equal(basket.lines[2].unit_price, 450);
    basket.lines[2].agreed_price = 1;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.lines[0].unit_price, 500);
    assert_int_equal(basket.lines[2].unit_price, 1);
}

static void an_emptied_price_is_none(void **state)
{
    (void)state;
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10, .priority = 9});
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 11});
    shop_price(&shop, 10, 1, 110);
    shop_price(&shop, 11, 1, 111);
    assert_int_equal(price_of(0, NOW, 1), 110);
    shop_tiers(&shop, 10, 1, NULL, 0);
    assert_int_equal(price_of(0, NOW, 1), 111);
    shop_tiers(&shop, 11, 1, NULL, 0);
    assert_int_equal(price_of(0, NOW, 1), 500);
    shop_price(&shop, 10, 1, 112);
    assert_int_equal(price_of(0, NOW, 1), 112);
}

/* More lists than lie in the line of the SKU's index: then the lists of the group are walked. */
static void a_sku_of_many_lists_finds_its_price_too(void **state)
{
    (void)state;
    for (u64 group = 1; group <= 3 * SETTINGS_INDEX_ITEMS; group++) {
        shop_list(&shop,
                  (struct msg_price_list_put_req){.home_id = 100 + group, .group_id = group});
        shop_price(&shop, 100 + group, 1, (i64)(1000 + group));
    }
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 9, .priority = 4, .group_id = 20});
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10, .valid_until_ns = 50});
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 11, .currency = EUR});
    shop_price(&shop, 10, 1, 10);
    shop_price(&shop, 11, 1, 11);
    for (u64 group = 1; group <= 3 * SETTINGS_INDEX_ITEMS; group++)
        assert_int_equal(price_of(group, NOW, 1), 1000 + group);
    assert_int_equal(price_of(0, NOW, 1), 500);
    assert_int_equal(price_of(0, 49, 1), 10);
    assert_int_equal(price_of(3, 49, 1), 10); /* of equal priority, the lower id */
    shop_price(&shop, 9, 1, 9);
    assert_int_equal(price_of(20, 49, 1), 9);
    shop_tiers(&shop, 9, 1, NULL, 0);
    assert_int_equal(price_of(20, NOW, 1), 1020);
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 120, .group_id = 21});
    assert_int_equal(price_of(20, NOW, 1), 500);
    assert_int_equal(price_of(21, NOW, 1), 1020);
}

static void another_currency_is_a_mismatch_unless_a_list_or_an_agreement_has_a_price(void **state)
{
    (void)state;
    basket_line(&basket, 1, 2, 500)->currency = EUR;
    (void)basket_line(&basket, 2, 1, 90);
    assert_int_equal(basket_run(&shop, &basket), STATUS_CURRENCY_MISMATCH);
    assert_int_equal(basket.lines[0].status, STATUS_CURRENCY_MISMATCH);
    assert_int_equal(basket.lines[0].total, 0);
    assert_int_equal(basket.lines[1].status, STATUS_OK);
    assert_int_equal(basket.pricing.total, 90);
    basket.lines[0].agreed_price = 450;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 990);
    basket.lines[0].agreed_price = -1;
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10});
    shop_price(&shop, 10, 1, 440);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 970);
}

static void a_sku_that_is_not_there_costs_nothing(void **state)
{
    (void)state;
    shop_list(&shop, (struct msg_price_list_put_req){.home_id = 10});
    shop_price(&shop, 10, 1, 440);
    (void)basket_line(&basket, 1, 2, -1);
    (void)basket_line(&basket, 2, 1, 90);
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 50, .kind = PROMOTION_KIND_PERCENT, .value = 1000});
    assert_int_equal(basket_run(&shop, &basket), STATUS_NOT_FOUND);
    assert_int_equal(basket.lines[0].status, STATUS_NOT_FOUND);
    assert_int_equal(basket.pricing.total, 81);
}

static void an_agreed_price_has_its_reason_as_rule_and_no_promotion(void **state)
{
    (void)state;
    struct pricing_line *line = basket_line(&basket, 1, 2, 500);
    line->agreed_price = 0;
    line->agreed_reason = 77;
    (void)basket_line(&basket, 1, 1, 500);
    shop_promotion(&shop, (struct msg_promotion_put_req){
                              .home_id = 50, .kind = PROMOTION_KIND_PERCENT, .value = 5000});
    shop_promotion(
        &shop, (struct msg_promotion_put_req){
                   .home_id = 51, .kind = PROMOTION_KIND_N_FOR_M, .sku_id = 1, .buy = 2, .pay = 1});
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.lines[0].discount, 0);
    assert_int_equal(basket.lines[0].price_kind, AMOUNT_KIND_AGREED);
    assert_int_equal(basket.amounts[0].kind, AMOUNT_KIND_AGREED);
    assert_int_equal(basket.amounts[0].rule, 77);
    assert_int_equal(basket.amounts[0].version, 0);
    assert_int_equal(basket.lines[1].discount, 250);
    assert_int_equal(basket.pricing.total, 250);
}

/* ---- amounts and limits ---- */

static void charges_are_stored_as_given(void **state)
{
    (void)state;
    (void)basket_line(&basket, 1, 2, 500);
    basket_charge(&basket, AMOUNT_KIND_TAX, 0, 190);
    basket_charge(&basket, AMOUNT_KIND_FEE, LINE_NONE, 25);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 1215);
    assert_int_equal(basket.lines[0].total, 1190);
    const struct row_amount *tax = basket_amount(&basket, AMOUNT_KIND_TAX, 0);
    assert_int_equal(tax->rule, 905);
    assert_int_equal(tax->version, 0);
    assert_int_equal(tax->line, 0);
    assert_int_equal(basket_amount(&basket, AMOUNT_KIND_FEE, 0)->line, LINE_NONE);
}

static void bad_charges_are_refused(void **state)
{
    (void)state;
    (void)basket_line(&basket, 1, 2, 500);
    basket_charge(&basket, AMOUNT_KIND_TAX, 1, 190);
    assert_int_equal(basket_run(&shop, &basket), STATUS_SUM_MISMATCH);
    assert_int_equal(basket.pricing.amount_count, 0);
    static const struct row_charge bad[] = {{.amount = -1, .kind = AMOUNT_KIND_TAX},
                                            {.amount = PRICE_MAX + 1, .kind = AMOUNT_KIND_TAX},
                                            {.amount = 1, .kind = AMOUNT_KIND_PROMOTION},
                                            {.amount = 1, .kind = AMOUNT_KIND_FREE_SHIPPING}};
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
        basket.charges[0] = bad[i];
        assert_int_equal(basket_run(&shop, &basket), STATUS_BAD_ARGUMENT);
        assert_int_equal(basket.pricing.total, 0);
    }
}

static void nothing_passes_two_to_the_53(void **state)
{
    (void)state;
    (void)basket_line(&basket, 1, 1ll << 30, 1ll << 23);
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, PRICE_MAX);
    basket.lines[0].quantity++;
    assert_int_equal(basket_run(&shop, &basket), STATUS_EXCEEDS); /* a product */
    assert_int_equal(basket.lines[0].status, STATUS_EXCEEDS);
    assert_int_equal(basket.pricing.total, 0);
    basket.lines[0].base_price = PRICE_MAX;
    basket.lines[0].quantity = QUANTITY_MAX;
    assert_int_equal(basket_run(&shop, &basket), STATUS_EXCEEDS);
    basket.lines[0].quantity = 1;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    (void)basket_line(&basket, 2, 1, 1);
    assert_int_equal(basket_run(&shop, &basket), STATUS_EXCEEDS); /* the sum of goods */
    assert_int_equal(basket.lines[0].status, STATUS_OK);
    assert_int_equal(basket.pricing.amount_count, 0);
    assert_int_equal(basket.lines[1].total, 0);
    basket.pricing.line_count = 1;
    basket_charge(&basket, AMOUNT_KIND_TAX, 0, 1);
    assert_int_equal(basket_run(&shop, &basket), STATUS_EXCEEDS); /* goods and charges */
    shop_promotion(&shop,
                   (struct msg_promotion_put_req){
                       .home_id = 50, .kind = PROMOTION_KIND_FIXED, .value = 1, .currency = GBP});
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, PRICE_MAX);
    basket.charges[0].amount = PRICE_MAX;
    basket_charge(&basket, AMOUNT_KIND_TAX, 0, 1);
    assert_int_equal(basket_run(&shop, &basket), STATUS_EXCEEDS); /* the sum of charges */
}

static void an_empty_order_costs_nothing(void **state)
{
    (void)state;
    assert_int_equal(basket_run(&shop, &basket), STATUS_OK);
    assert_int_equal(basket.pricing.total, 0);
    assert_int_equal(basket.pricing.amount_count, 0);
}

/* 2,000 lines, each a SKU of its own. */
static struct pricing_line many_lines[ORDER_LINES_MAX];

static struct pricing pricing_of_many(i64 price)
{
    for (u32 i = 0; i < ORDER_LINES_MAX; i++)
        many_lines[i] = (struct pricing_line){.sku_id = 5000 - i,
                                              .quantity = 1,
                                              .base_price = price,
                                              .agreed_price = -1,
                                              .currency = GBP};
    return (struct pricing){.now_ns = NOW,
                            .currency = GBP,
                            .lines = many_lines,
                            .line_count = ORDER_LINES_MAX,
                            .amounts = basket.amounts};
}

static void an_order_of_2000_lines_has_room_for_three_discounts_each(void **state)
{
    (void)state;
    struct pricing pricing = pricing_of_many(1000);
    for (u64 i = 0; i < 4; i++) {
        pricing_run(&shop.settings, &pricing);
        pricing_check(&pricing);
        assert_int_equal(pricing.status, STATUS_OK);
        assert_int_equal(pricing.amount_count, ORDER_LINES_MAX * (i + 1));
        shop_promotion(&shop, (struct msg_promotion_put_req){
                                  .home_id = 50 + i, .kind = PROMOTION_KIND_PERCENT, .value = 100});
    }
    pricing_run(&shop.settings, &pricing);
    pricing_check(&pricing);
    assert_int_equal(pricing.status, STATUS_TOO_MANY);
    assert_int_equal(pricing.total, 0);
    assert_int_equal(pricing.amount_count, 0);
}

/* As many promotions as there may be, each worth a penny. */
static void an_order_of_2000_lines_takes_1024_promotions(void **state)
{
    (void)state;
    struct pricing pricing = pricing_of_many(1000);
    for (u64 i = 0; i < PROMOTIONS_MAX; i++)
        shop_promotion(&shop, (struct msg_promotion_put_req){.home_id = 9000 - i,
                                                             .kind = PROMOTION_KIND_FIXED,
                                                             .value = 1,
                                                             .currency = GBP,
                                                             .sku_id = i % 2 == 0 ? 0 : 5000 - i,
                                                             .valid_until_ns = NOW + 1 + i});
    pricing_run(&shop.settings, &pricing);
    pricing_check(&pricing);
    assert_int_equal(pricing.status, STATUS_OK);
    assert_int_equal(pricing.discount, PROMOTIONS_MAX);
    assert_int_equal(pricing.amount_count, ORDER_LINES_MAX + PROMOTIONS_MAX);
    /* The penny goes to what costs most; of equals, to the first. */
    assert_int_equal(many_lines[0].discount, 1);
}

/* ---- spreading ---- */

static void spread(i64 *values, u32 count, i64 amount)
{
    static struct spread_pair scratch[64];
    i64 sum = 0, shares = 0;
    for (u32 i = 0; i < count; i++)
        sum += values[i];
    spread_amount(values, count, amount, sum, scratch);
    for (u32 i = 0; i < count; i++)
        shares += values[i];
    assert_int_equal(shares, amount);
}

static void the_units_that_remain_go_to_the_largest_remainders(void **state)
{
    (void)state;
    i64 equal[] = {1, 1, 1};
    spread(equal, 3, 2);
    assert_int_equal(equal[0], 1); /* of equal remainders, the first lines */
    assert_int_equal(equal[1], 1);
    assert_int_equal(equal[2], 0);
    i64 three[] = {100, 300, 200};
    spread(three, 3, 100); /* 16.67 50 33.33 */
    assert_int_equal(three[0], 17);
    assert_int_equal(three[1], 50);
    assert_int_equal(three[2], 33);
    i64 zeros[] = {0, 7, 0};
    spread(zeros, 3, 7);
    assert_int_equal(zeros[1], 7);
    i64 none[] = {0, 0};
    spread(none, 2, 0);
    assert_int_equal(none[0] + none[1], 0);
    i64 huge[] = {PRICE_MAX - 2, 1, 1};
    spread(huge, 3, PRICE_MAX - 1); /* products of 106 bits */
    assert_int_equal(huge[0], PRICE_MAX - 3);
    assert_int_equal(huge[1], 1);
    assert_int_equal(huge[2], 1);
}

__extension__ typedef unsigned __int128 wide;

static void products_beyond_64_bits_are_divided_exactly(void **state)
{
    u64 random = 88172645463325252ull;
    (void)state;
    for (u32 i = 0; i < 200000; i++) {
        u64 draw[3];
        for (u32 d = 0; d < 3; d++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            draw[d] = random >> (11 + random % 50);
        }
        const u64 c = MAX(draw[0], 1), a = draw[1] % (c + 1), b = draw[2];
        u64 remainder;
        const u64 quotient = spread_floor(a, b, c, &remainder);
        assert_true((wide)quotient * c + remainder == (wide)a * b);
        assert_true(remainder < c);
    }
    u64 remainder;
    assert_int_equal(spread_floor(1ull << 53, 1ull << 53, 1ull << 53, &remainder), 1ull << 53);
    assert_int_equal(remainder, 0);
}

static void cumulative_parts_add_up_to_the_line(void **state)
{
    u64 random = 1;
    (void)state;
    assert_int_equal(spread_part(1000, 1, 3), 333);
    assert_int_equal(spread_part(1000, 2, 3), 666);
    assert_int_equal(spread_part(1000, 3, 3), 1000);
    for (u32 round = 0; round < 2000; round++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        const i64 total = (i64)(random >> 11) >> (random % 53);
        const i64 whole = 1 + (i64)((random >> 20) % 97);
        i64 refunded = 0;
        for (i64 part = 1; part <= whole; part++) {
            const i64 step = spread_part(total, part, whole) - refunded;
            assert_true(step >= total / whole && step <= total / whole + 1);
            refunded += step;
        }
        assert_int_equal(refunded, total);
    }
    assert_int_equal(spread_part(PRICE_MAX, QUANTITY_MAX, QUANTITY_MAX), PRICE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sku_in_no_list_costs_its_own_price),
        TEST(a_list_gives_its_price_with_its_version),
        TEST(a_list_that_is_off_of_another_currency_or_group_is_not_asked),
        TEST(a_list_is_valid_from_its_begin_until_before_its_end),
        TEST(the_highest_priority_wins_then_the_lowest_id),
        TEST(the_tier_is_the_last_one_not_above_the_quantity),
        TEST(lines_of_a_sku_are_summed_those_with_an_agreed_price_are_not),
        TEST(an_emptied_price_is_none),
        TEST(a_sku_of_many_lists_finds_its_price_too),
        TEST(another_currency_is_a_mismatch_unless_a_list_or_an_agreement_has_a_price),
        TEST(a_sku_that_is_not_there_costs_nothing),
        TEST(an_agreed_price_has_its_reason_as_rule_and_no_promotion),
        TEST(charges_are_stored_as_given),
        TEST(bad_charges_are_refused),
        TEST(nothing_passes_two_to_the_53),
        TEST(an_empty_order_costs_nothing),
        TEST(an_order_of_2000_lines_has_room_for_three_discounts_each),
        TEST(an_order_of_2000_lines_takes_1024_promotions),
        TEST(the_units_that_remain_go_to_the_largest_remainders),
        TEST(products_beyond_64_bits_are_divided_exactly),
        TEST(cumulative_parts_add_up_to_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
