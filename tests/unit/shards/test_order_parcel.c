/* Parcels: docs/orders.md, "Cancel, parcels, returns".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/order_fixture.h"

#define ELSEWHERE 5 /* shards: enough for the SKUs of an order to be spread */

static void a_parcel_is_planned_shipped_and_delivered(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 3, .units = {3, 1, 2}, .shipping = 500});
    assert_int_equal(of_state(&of, order), SAGA_STATE_PAID);
    OF_DONE(of_plan(&of, order, 7, OF_UNITS({0, 2}, {2, 2})));
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->parcel_count, 1);
    assert_int_equal(now->parcels[0].number, 7);
    assert_int_equal(now->parcels[0].state, PARCEL_STATE_PLANNED);
    assert_int_equal(now->part_count, 2);
    assert_int_equal(now->lines[0].allocated, 3);
    OF_DONE(of_ship(&of, order, 7));
    town_carry_all(of.town);
    now = of_get(&of, order);
    assert_int_equal(now->parcels[0].state, PARCEL_STATE_SHIPPED);
    assert_int_equal(now->parcels[0].shipped_at_ns, of.town->now_ns);
    assert_memory_equal(now->parcels[0].tracking.bytes, "TRACK-1", 8);
    assert_memory_equal(now->parcels[0].carrier.bytes, "Post", 5);
    assert_int_equal(now->lines[0].allocated, 1);
    assert_int_equal(now->lines[0].shipped, 2);
    assert_int_equal(now->lines[2].shipped, 2);
    assert_int_equal(now->head.fulfilment, 1);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_PAID);
    assert_int_equal(of_levels(&of, 0).on_hand, OF_STOCK - 2);
    assert_int_equal(of_levels(&of, 0).allocated, 1);
    OF_DONE(of_deliver(&of, order, 7));
    now = of_get(&of, order);
    assert_int_equal(now->parcels[0].state, PARCEL_STATE_DELIVERED);
    assert_int_equal(now->lines[0].delivered, 2);
    assert_int_equal(now->head.state, SAGA_STATE_PAID);
    of_send_all(&of, order, 8);
    now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_DELIVERED);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_DELIVERED);
    assert_int_equal(now->head.fulfilment, 3);
    assert_int_equal(now->lines[0].shipped, 3);
    assert_int_equal(now->lines[1].delivered, 1);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_PARCEL_PLANNED), 2);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_PARCEL_SHIPPED), 2);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_PARCEL_DELIVERED), 2);
    of_close(&of);
}

static void a_shipped_parcel_asks_for_a_notification(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {1}});
    OF_DONE(of_plan(&of, order, 1, OF_NONE));
    OF_DONE(of_ship(&of, order, 1));
    const struct msg_command_poll_req poll = {.kinds = 1u << COMMAND_KIND_NOTIFY_SHIPPED};
    struct msg_command_poll_rsp command;
    assert_int_equal(town_ask(of.town, OPCODE_COMMAND_POLL, 0, &poll, NULL, &command, NULL),
                     STATUS_OK);
    assert_true(id128_equal(command.order, order));
    assert_int_equal(command.subject, 1);
    assert_memory_equal(command.token.bytes, "TRACK-1", 8);
    assert_memory_equal(command.reference.bytes, "Post", 5);
    of_answer(&of, &command);
    assert_int_equal(town_ask(of.town, OPCODE_COMMAND_POLL, 0, &poll, NULL, &command, NULL),
                     STATUS_NONE_READY);
    of_close(&of);
}

static void the_same_number_and_lines_are_the_same_parcel(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {3, 1}});
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 2}, {1, 1})));
    of_remember(&of, order);
    OF_REPLAYED(of_plan(&of, order, 1, OF_UNITS({0, 2}, {1, 1})));
    OF_REPLAYED(of_plan(&of, order, 1, OF_UNITS({1, 1}, {0, 2})));
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, 2})), STATUS_ID_MISMATCH);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, 1}, {1, 1})), STATUS_ID_MISMATCH);
    OF_REFUSED(of_plan(&of, order, 1, OF_NONE), STATUS_ID_MISMATCH);
    of_assert_unchanged(&of, order);
    /* All the rest, asked for twice: the second time there is none, but it is the same parcel. */
    OF_DONE(of_plan(&of, order, 2, OF_NONE));
    OF_REPLAYED(of_plan(&of, order, 2, OF_NONE));
    assert_int_equal(of_get(&of, order)->parts[2].quantity, 1);
    /* Whatever becomes of it. */
    OF_DONE(of_drop(&of, order, 1));
    OF_REPLAYED(of_plan(&of, order, 1, OF_UNITS({0, 2}, {1, 1})));
    of_close(&of);
}

static void units_of_one_parcel_are_in_no_other(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {3, 1}});
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 2})));
    of_remember(&of, order);
    const struct msg_order_cancel_rsp over = of_plan(&of, order, 2, OF_UNITS({1, 1}, {0, 2}));
    OF_REFUSED(over, STATUS_EXCEEDS);
    assert_int_equal(over.line, 0);
    of_assert_unchanged(&of, order);
    OF_DONE(of_plan(&of, order, 2, OF_UNITS({0, 1}, {1, 1})));
    OF_REFUSED(of_plan(&of, order, 3, OF_NONE), STATUS_EXCEEDS);
    /* A parcel that is not sent gives them back. */
    OF_DONE(of_drop(&of, order, 1));
    OF_DONE(of_plan(&of, order, 3, OF_UNITS({0, 2})));
    of_close(&of);
}

static void planning_needs_an_order_that_is_sold_and_paid(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order = of_buy(&of, (struct of_want){.lines = 1, .units = {2}});
    town_carry_all(of.town);
    assert_int_equal(of_state(&of, order), SAGA_STATE_AUTHORIZING);
    of_remember(&of, order);
    OF_REFUSED(of_plan(&of, order, 1, OF_NONE), STATUS_INVALID_STATE);
    of_assert_unchanged(&of, order);
    of.is_shy = true;
    of_pay(&of);
    assert_int_equal(of_state(&of, order), SAGA_STATE_CAPTURING);
    OF_REFUSED(of_plan(&of, order, 1, OF_NONE), STATUS_INVALID_STATE);
    of.is_shy = false;
    of_pay(&of);
    OF_DONE(of_plan(&of, order, 1, OF_NONE));
    /* Captured when shipped: sold is enough. */
    of.is_shy = true;
    const struct id128 later = of_buy_and_pay(
        &of, (struct of_want){.lines = 1, .units = {2}, .capture = CAPTURE_POLICY_ON_SHIP});
    assert_int_equal(of_state(&of, later), SAGA_STATE_PLACED);
    OF_DONE(of_plan(&of, later, 1, OF_NONE));
    OF_DONE(of_cancel(&of, later, OF_NONE));
    of_pay(&of);
    assert_int_equal(of_state(&of, later), SAGA_STATE_CANCELLED);
    OF_REFUSED(of_plan(&of, later, 2, OF_NONE), STATUS_ORDER_CANCELLED);
    of_close(&of);
}

/* Takes units out of the warehouse that are sold already. */
static void lose(struct of *of, u32 sku, i64 units)
{
    const struct msg_stock_adjust_req ask = {.resource = of_sku(sku), .delta = -units, .reason = 1};
    assert_int_equal(town_ask(of->town, OPCODE_STOCK_ADJUST, 0, &ask, NULL, NULL, NULL), STATUS_OK);
}

static void a_parcel_of_which_something_is_missing_is_put_back(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct of_want want = {.lines = 8, .units = {3, 1, 2, 1, 1, 1, 1, 1}};
    const struct id128 order = of_buy_and_pay(&of, want);
    OF_DONE(of_plan(&of, order, 1, OF_NONE));
    lose(&of, 2, OF_STOCK - 1); /* one of two is there */
    struct msg_stock_get_rsp before[OF_SKUS];
    for (u32 i = 0; i < OF_SKUS; i++)
        before[i] = of_levels(&of, i);
    OF_DONE(of_ship(&of, order, 1));
    town_carry_all(of.town);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->parcels[0].state, PARCEL_STATE_SHORT);
    assert_int_equal(now->parcels[0].shipped_at_ns, 0);
    for (u32 i = 0; i < OF_SKUS; i++) {
        const struct msg_stock_get_rsp level = of_levels(&of, i);
        assert_memory_equal(&level, &before[i], sizeof level);
        assert_int_equal(now->lines[i].allocated, want.units[i]);
        assert_int_equal(now->lines[i].shipped, 0);
    }
    assert_int_equal(of_events(&of, order, ORDER_EVENT_PARCEL_SHORT), 1);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_PARCEL_SHIPPED), 0);
    town_verify(of.town);
    /* Tried again in vain, then with what was missing. */
    OF_DONE(of_ship(&of, order, 1));
    town_carry_all(of.town);
    assert_int_equal(of_get(&of, order)->parcels[0].state, PARCEL_STATE_SHORT);
    const struct msg_stock_receive_req found = {.resource = of_sku(2), .quantity = 1};
    assert_int_equal(town_ask(of.town, OPCODE_STOCK_RECEIVE, 0, &found, NULL, NULL, NULL),
                     STATUS_OK);
    OF_DONE(of_ship(&of, order, 1));
    town_carry_all(of.town);
    now = of_get(&of, order);
    assert_int_equal(now->parcels[0].state, PARCEL_STATE_SHIPPED);
    assert_int_equal(now->head.state, SAGA_STATE_SHIPPED);
    for (u32 i = 0; i < OF_SKUS; i++) {
        assert_int_equal(now->lines[i].shipped, want.units[i]);
        assert_int_equal(of_levels(&of, i).allocated, 0);
    }
    assert_int_equal(of_levels(&of, 2).on_hand, 0);
    of_close(&of);
}

static void a_short_parcel_can_be_given_up(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {2, 2}});
    lose(&of, 1, OF_STOCK);
    OF_DONE(of_plan(&of, order, 1, OF_NONE));
    OF_DONE(of_ship(&of, order, 1));
    town_carry_all(of.town);
    OF_DONE(of_drop(&of, order, 1));
    OF_REPLAYED(of_drop(&of, order, 1));
    OF_REFUSED(of_ship(&of, order, 1), STATUS_INVALID_STATE);
    OF_DONE(of_cancel(&of, order, OF_UNITS({1, 2})));
    of_pay(&of);
    OF_DONE(of_plan(&of, order, 2, OF_NONE));
    OF_DONE(of_ship(&of, order, 2));
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_SHIPPED);
    assert_int_equal(now->lines[0].shipped, 2);
    assert_int_equal(now->lines[1].cancelled, 2);
    assert_int_equal(now->head.refunded, 2 * OF_PRICE(1));
    assert_int_equal(of_levels(&of, 1).allocated, 0);
    of_close(&of);
}

static void repeating_a_step_of_a_parcel_is_harmless(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 3, .units = {1, 1, 1}});
    OF_DONE(of_plan(&of, order, 1, OF_NONE));
    OF_REFUSED(of_deliver(&of, order, 1), STATUS_INVALID_STATE);
    OF_DONE(of_ship(&of, order, 1));
    OF_REPLAYED(of_ship(&of, order, 1)); /* leaving */
    OF_REFUSED(of_deliver(&of, order, 1), STATUS_INVALID_STATE);
    OF_REFUSED(of_drop(&of, order, 1), STATUS_ALREADY_SHIPPED);
    town_carry_all(of.town);
    of_remember(&of, order);
    OF_REPLAYED(of_ship(&of, order, 1));
    struct msg_fulfil_ship_req other = {.order = order, .number = 1};
    OF_REFUSED(of_send(&of, OPCODE_FULFIL_SHIP, &other, OF_NONE), STATUS_ID_MISMATCH);
    OF_REFUSED(of_drop(&of, order, 1), STATUS_ALREADY_SHIPPED);
    town_carry_all(of.town);
    of_assert_unchanged(&of, order);
    OF_DONE(of_deliver(&of, order, 1));
    of_remember(&of, order);
    OF_REPLAYED(of_deliver(&of, order, 1));
    OF_REPLAYED(of_ship(&of, order, 1));
    of_assert_unchanged(&of, order);
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(of_levels(&of, i).on_hand, OF_STOCK - 1);
    of_close(&of);
}

static void lines_of_one_sku_are_shipped_together(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    const struct id128 order = of_buy_and_pay(
        &of, (struct of_want){.lines = 3, .units = {2, 3, 4}, .has_skus = true, .skus = {1, 0, 1}});
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 1}, {2, 4})));
    OF_DONE(of_ship(&of, order, 1));
    of_pay(&of);
    assert_int_equal(of_levels(&of, 1).on_hand, OF_STOCK - 5);
    assert_int_equal(of_levels(&of, 1).allocated, 1);
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 1}, {1, 3})));
    of_pay(&of);
    assert_int_equal(of_levels(&of, 1).allocated, 0);
    assert_int_equal(of_levels(&of, 0).allocated, 0);
    assert_int_equal(of_levels(&of, 0).on_hand, OF_STOCK);
    assert_int_equal(of_state(&of, order), SAGA_STATE_SHIPPED);
    of_close(&of);
}

static void bad_plans_are_refused_precisely(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {3, 1}});
    const struct id128 unknown = {.high = OF_USER, .low = 5};
    of_remember(&of, order);
    OF_REFUSED(of_plan(&of, unknown, 1, OF_NONE), STATUS_NOT_FOUND);
    OF_REFUSED(of_plan(&of, (struct id128){.low = 5}, 1, OF_NONE), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_plan(&of, order, 0, OF_NONE), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, 0})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, -1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, QUANTITY_MAX + 1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, 1, 1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, 1}, {1, 1}, {0, 1})), STATUS_BAD_ARGUMENT);
    const struct msg_order_cancel_rsp missing = of_plan(&of, order, 1, OF_UNITS({0, 1}, {2, 1}));
    OF_REFUSED(missing, STATUS_NOT_FOUND);
    assert_int_equal(missing.line, 2);
    assert_int_equal(missing.state, SAGA_STATE_PAID);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, 4})), STATUS_EXCEEDS);
    OF_REFUSED(of_ship(&of, order, 1), STATUS_NOT_FOUND);
    OF_REFUSED(of_ship(&of, order, 0), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_ship(&of, unknown, 1), STATUS_NOT_FOUND);
    OF_REFUSED(of_deliver(&of, order, 1), STATUS_NOT_FOUND);
    OF_REFUSED(of_deliver(&of, order, 0), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_drop(&of, order, 1), STATUS_NOT_FOUND);
    OF_REFUSED(of_drop(&of, order, 0), STATUS_BAD_ARGUMENT);
    struct msg_fulfil_ship_req ugly = {.order = order, .number = 1};
    ugly.tracking.bytes[0] = 7;
    OF_REFUSED(of_send(&of, OPCODE_FULFIL_SHIP, &ugly, OF_NONE), STATUS_BAD_ARGUMENT);
    of_assert_unchanged(&of, order);
    of_close(&of);
}

static void an_order_has_so_many_parcels_and_no_more(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {100}});
    for (u32 i = 1; i <= ORDER_PARCELS_MAX; i++)
        OF_DONE(of_plan(&of, order, i * 1000000007u, OF_UNITS({0, 1})));
    of_remember(&of, order);
    OF_REFUSED(of_plan(&of, order, 1, OF_UNITS({0, 1})), STATUS_TOO_MANY);
    of_assert_unchanged(&of, order);
    OF_REPLAYED(of_plan(&of, order, 1000000007u, OF_UNITS({0, 1})));
    of_close(&of);
}

static void what_has_left_is_captured_when_shipped(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    const struct id128 order = of_buy_and_pay(
        &of, (struct of_want){
                 .lines = 2, .units = {3, 1}, .shipping = 500, .capture = CAPTURE_POLICY_ON_SHIP});
    const i64 total = 3 * OF_PRICE(0) + OF_PRICE(1) + 500;
    assert_int_equal(of_get(&of, order)->head.captured, 0);
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_ship(&of, order, 1));
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.captured, OF_PRICE(0) + 500);
    assert_int_equal(of_state(&of, order), SAGA_STATE_PLACED);
    OF_DONE(of_plan(&of, order, 2, OF_NONE));
    OF_DONE(of_ship(&of, order, 2));
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.captured, total);
    assert_int_equal(of_state(&of, order), SAGA_STATE_SHIPPED);
    of_close(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parcel_is_planned_shipped_and_delivered),
        cmocka_unit_test(a_shipped_parcel_asks_for_a_notification),
        cmocka_unit_test(the_same_number_and_lines_are_the_same_parcel),
        cmocka_unit_test(units_of_one_parcel_are_in_no_other),
        cmocka_unit_test(planning_needs_an_order_that_is_sold_and_paid),
        cmocka_unit_test(a_parcel_of_which_something_is_missing_is_put_back),
        cmocka_unit_test(a_short_parcel_can_be_given_up),
        cmocka_unit_test(repeating_a_step_of_a_parcel_is_harmless),
        cmocka_unit_test(lines_of_one_sku_are_shipped_together),
        cmocka_unit_test(bad_plans_are_refused_precisely),
        cmocka_unit_test(an_order_has_so_many_parcels_and_no_more),
        cmocka_unit_test(what_has_left_is_captured_when_shipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
