/* test_stock_mail_sold: what orders release, sell, ship and take back by mail.
 *
 * The shard under test is number 0 of 2; the order lives on number 1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/stock_mail_case.h"

/* ---- asking ---- */

static struct id128 sold_order(u64 sku, i64 quantity)
{
    const struct id128 order = held_order(sku, quantity);
    assert_int_equal(CHANGE(order, sku, CONFIRM, 0), STATUS_OK);
    return order;
}

/* ---- change ---- */

static void a_release_gives_back_and_may_come_again(void **state)
{
    (void)state;
    const struct id128 order = held_order(skus[0], 4);
    assert_int_equal(CHANGE(order, skus[0], RELEASE, 3), STATUS_EXCEEDS);
    assert_int_equal(CHANGE(order, skus[0], RELEASE, 0), STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], RELEASE, 0), STATUS_OK);
    assert_levels(skus[0], 10, 0, 0);
    assert_int_equal(CHANGE(order, skus[0], CONFIRM, 0), STATUS_INVALID_STATE);
    assert_int_equal(CHANGE(new_order(), skus[0], RELEASE, 0), STATUS_OK); /* never was */
}

static void a_confirm_sells_all_or_a_part(void **state)
{
    (void)state;
    const struct id128 all = held_order(skus[0], 4), part = held_order(skus[0], 5);
    assert_int_equal(CHANGE(all, skus[0], CONFIRM, 0), STATUS_OK);
    assert_levels(skus[0], 10, 5, 4);
    assert_int_equal(CHANGE(part, skus[0], CONFIRM, 6), STATUS_EXCEEDS);
    assert_int_equal(CHANGE(part, skus[0], CONFIRM, 2), STATUS_OK);
    assert_levels(skus[0], 10, 0, 6);
    assert_int_equal(CHANGE(all, skus[0], CONFIRM, 0), STATUS_INVALID_STATE);
    assert_int_equal(CHANGE(all, skus[0], RELEASE, 0), STATUS_INVALID_STATE);
    assert_int_equal(CHANGE(new_order(), skus[0], CONFIRM, 0), STATUS_NOT_FOUND);
    assert_int_equal(CHANGE(held_order(skus[1], 1), skus[1], SHIP, 1), STATUS_INVALID_STATE);
    assert_int_equal(CHANGE(held_order(skus[1], 1), skus[1], CANCEL, 1), STATUS_INVALID_STATE);
}

static void units_are_shipped_and_cancelled_by_differences(void **state)
{
    (void)state;
    const struct id128 order = sold_order(skus[0], 5);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 2), STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 2), STATUS_OK); /* once more: a difference */
    assert_levels(skus[0], 6, 0, 1);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 2), STATUS_EXCEEDS);
    assert_int_equal(CHANGE(order, skus[0], CANCEL, 2), STATUS_EXCEEDS);
    assert_int_equal(CHANGE(order, skus[0], CANCEL, 1), STATUS_OK);
    assert_levels(skus[0], 6, 0, 0);
    const struct msg_hold_get_rsp grant = grant_of(order, skus[0]);
    assert_int_equal(grant.state, GRANT_STATE_FINISHED);
    assert_int_equal(grant.shipped, 4);
    assert_int_equal(grant.cancelled, 1);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 1), STATUS_EXCEEDS);
    assert_int_equal(CHANGE(order, skus[0], CANCEL, 1), STATUS_EXCEEDS);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(CHANGE(order, skus[0], CONFIRM, -1), STATUS_BAD_ARGUMENT);
}

static void what_is_not_in_the_warehouse_is_not_shipped(void **state)
{
    (void)state;
    const u64 sku = next_own(skus[3] + 1, RESOURCE_KIND_SKU);
    put_resource(fx_sku(sku), "LATER", 1, 5);
    const struct id128 order = sold_order(sku, 3);
    assert_int_equal(CHANGE(order, sku, SHIP, 2), STATUS_SHORT_STOCK);
    assert_levels(sku, 1, 0, 3);
    assert_int_equal(CHANGE(order, sku, SHIP, 1), STATUS_OK);
    assert_levels(sku, 0, 0, 2);
}

static void a_return_goes_back_to_the_shelf_or_aside(void **state)
{
    (void)state;
    const struct id128 order = sold_order(skus[0], 4);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 3), STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], RETURN_SELLABLE, 1), STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], RETURN_DAMAGED, 1), STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], RETURN_DAMAGED, 2), STATUS_EXCEEDS);
    const struct msg_stock_get_rsp levels = levels_of(fx_sku(skus[0]));
    assert_int_equal(levels.on_hand, 9);
    assert_int_equal(levels.unavailable, 1);
    assert_int_equal(levels.allocated, 1);
    assert_int_equal(levels.sellable, 7);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 1), STATUS_OK); /* FINISHED now */
    assert_int_equal(CHANGE(order, skus[0], RETURN_SELLABLE, 2), STATUS_OK);
    assert_int_equal(grant_of(order, skus[0]).returned_sellable, 3);
    assert_int_equal(CHANGE(held_order(skus[0], 1), skus[0], RETURN_SELLABLE, 1),
                     STATUS_INVALID_STATE);
}

static void a_return_long_after_the_grant_was_forgotten_changes_the_sums(void **state)
{
    (void)state;
    const struct id128 order = sold_order(skus[0], 4);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 4), STATUS_OK);
    fx_later(&fx, GRANT_RETENTION_MS + 1000);
    assert_int_not_equal(grant_of(order, skus[0]).head.status, STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], RETURN_SELLABLE, 1), STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], RETURN_DAMAGED, 2), STATUS_OK);
    const struct msg_stock_get_rsp levels = levels_of(fx_sku(skus[0]));
    assert_int_equal(levels.on_hand, 9);
    assert_int_equal(levels.unavailable, 2);
    assert_int_equal(levels.sellable, 7);
}

static void a_ship_can_be_taken_back(void **state)
{
    (void)state;
    const struct id128 order = sold_order(skus[0], 4);
    assert_int_equal(CHANGE(order, skus[0], UNSHIP, 1), STATUS_EXCEEDS);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 4), STATUS_OK);
    assert_int_equal(grant_of(order, skus[0]).state, GRANT_STATE_FINISHED);
    assert_int_equal(CHANGE(order, skus[0], UNSHIP, 3), STATUS_OK);
    assert_levels(skus[0], 9, 0, 3);
    assert_int_equal(grant_of(order, skus[0]).state, GRANT_STATE_ALLOCATED);
    fx_later(&fx, GRANT_RETENTION_MS + 1000); /* it is not forgotten */
    assert_int_equal(grant_of(order, skus[0]).shipped, 1);
    assert_int_equal(CHANGE(order, skus[0], SHIP, 3), STATUS_OK);
    assert_levels(skus[0], 6, 0, 0);
    fx_later(&fx,
             GRANT_RETENTION_MS + 1000); /* now it is, and the ship is taken back all the same */
    assert_int_not_equal(grant_of(order, skus[0]).head.status, STATUS_OK);
    assert_int_equal(CHANGE(order, skus[0], UNSHIP, 2), STATUS_OK);
    assert_levels(skus[0], 8, 0, 2);
    assert_int_equal(grant_of(order, skus[0]).owner, USER);
    assert_int_equal(CHANGE(order, skus[0], CANCEL, 2), STATUS_OK);
    assert_levels(skus[0], 8, 0, 0);
}

static void a_gift_card_is_consumed_and_refunded(void **state)
{
    (void)state;
    const struct resource card = {.id = next_own(300, RESOURCE_KIND_GIFT_CARD),
                                  .kind = RESOURCE_KIND_GIFT_CARD};
    put_resource(card, "CARD", 5000, 0);
    const struct row_hold_item item = {.resource = card, .quantity = 1500, .allowance = -1};
    const struct id128 order = new_order();
    assert_int_equal(hold(order, &item, 1), STATUS_OK);
    assert_int_equal(held_row(0).currency, FX_GBP);
    assert_int_equal(held_row(0).price, 0);
    assert_int_equal(change(order, card, CHANGE_ACTION_CONSUME, 0), STATUS_OK);
    assert_int_equal(levels_of(card).on_hand, 3500);
    assert_int_equal(levels_of(card).sellable, 3500);
    assert_int_equal(change(order, card, CHANGE_ACTION_RETURN_SELLABLE, 500), STATUS_OK);
    fx_later(&fx, GRANT_RETENTION_MS + 1000);
    assert_int_equal(change(order, card, CHANGE_ACTION_RETURN_SELLABLE, 1000), STATUS_OK);
    assert_int_equal(levels_of(card).sellable, 5000);
}

static void credit_beyond_what_is_there_stays_allocated_until_it_is_given_back(void **state)
{
    (void)state;
    const struct resource credit = {.id = next_own(300, RESOURCE_KIND_CREDIT),
                                    .kind = RESOURCE_KIND_CREDIT};
    put_resource(credit, "ACCOUNT", 100, 1000);
    const struct row_hold_item item = {.resource = credit, .quantity = 600, .allowance = -1};
    const struct id128 order = new_order();
    assert_int_equal(hold(order, &item, 1), STATUS_OK);
    assert_int_equal(change(order, credit, CHANGE_ACTION_CONSUME, 0), STATUS_SHORT_STOCK);
    assert_int_equal(levels_of(credit).allocated, 600);
    assert_int_equal(levels_of(credit).sellable, 500);
    assert_int_equal(change(order, credit, CHANGE_ACTION_RETURN_SELLABLE, 200), STATUS_OK);
    assert_int_equal(levels_of(credit).sellable, 700);
    assert_int_equal(levels_of(credit).on_hand, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_release_gives_back_and_may_come_again),
        TEST(a_confirm_sells_all_or_a_part),
        TEST(units_are_shipped_and_cancelled_by_differences),
        TEST(what_is_not_in_the_warehouse_is_not_shipped),
        TEST(a_return_goes_back_to_the_shelf_or_aside),
        TEST(a_return_long_after_the_grant_was_forgotten_changes_the_sums),
        TEST(a_ship_can_be_taken_back),
        TEST(a_gift_card_is_consumed_and_refunded),
        TEST(credit_beyond_what_is_there_stays_allocated_until_it_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
