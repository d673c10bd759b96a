/* Returns: docs/orders.md, "Cancel, parcels, returns".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/order_fixture.h"

#define ELSEWHERE 5
#define HOUR_NS   (3600 * NS_PER_S)

/* Paid, shipped and delivered as a whole. */
static struct id128 delivered(struct of *of, struct of_want want)
{
    const struct id128 order = of_buy_and_pay(of, want);
    of_send_all(of, order, 1);
    assert_int_equal(of_state(of, order), SAGA_STATE_DELIVERED);
    return order;
}

static struct msg_sku_get_rsp sums_of(struct of *of, u32 sku)
{
    const struct msg_sku_get_req ask = {.resource = of_sku(sku)};
    struct msg_sku_get_rsp answer;
    town_read(of->town, OPCODE_SKU_GET, 0, &ask, NULL, &answer, NULL);
    return answer;
}

static void a_return_goes_from_request_to_refund(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order =
        delivered(&of, (struct of_want){.lines = 2, .units = {3, 2}, .shipping = 450});
    OF_DONE(of_return(&of, order, 4, OF_UNITS({0, 2}, {1, 2})));
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->returns[0].number, 4);
    assert_int_equal(now->returns[0].state, RETURN_STATE_REQUESTED);
    assert_int_equal(now->returns[0].reason, 3);
    assert_int_equal(now->head.returned, 1);
    OF_DONE(of_decide(&of, order, 4, 1));
    assert_int_equal(of_get(&of, order)->returns[0].state, RETURN_STATE_APPROVED);
    OF_DONE(of_receive(&of, order, 4, OF_UNITS({0, 2, 1}, {1, 1})));
    town_carry_all(of.town);
    now = of_get(&of, order);
    assert_int_equal(now->returns[0].state, RETURN_STATE_RECEIVED);
    assert_int_equal(now->lines[0].returned_sellable, 1);
    assert_int_equal(now->lines[0].returned_damaged, 1);
    assert_int_equal(now->lines[1].returned_sellable, 1);
    assert_int_equal(now->head.returned, 2);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_DELIVERED);
    assert_int_equal(of_levels(&of, 0).on_hand, OF_STOCK - 1);
    assert_int_equal(of_levels(&of, 0).unavailable, 1);
    assert_int_equal(sums_of(&of, 0).returned_sellable, 1);
    assert_int_equal(sums_of(&of, 0).returned_damaged, 1);
    const i64 worth = 2 * OF_PRICE(0) + OF_PRICE(1);
    const struct msg_order_cancel_rsp refund = of_refund(&of, order, 4, -1);
    OF_DONE(refund);
    assert_int_equal(refund.refund, worth);
    assert_int_equal(refund.state, SAGA_STATE_REFUND_PENDING);
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->returns[0].state, RETURN_STATE_REFUNDED);
    assert_int_equal(now->returns[0].refund, worth);
    assert_int_equal(now->returns[0].closed_at_ns, of.town->now_ns);
    assert_int_equal(now->head.refunded, worth);
    assert_int_equal(now->head.state, SAGA_STATE_DELIVERED);
    assert_int_equal(now->lines[0].refunded, 2 * OF_PRICE(0));
    for (u16 kind = ORDER_EVENT_RETURN_REQUESTED; kind <= ORDER_EVENT_RETURN_REFUNDED; kind++)
        assert_int_equal(of_events(&of, order, kind), 1);
    /* The rest: all that arrived has come back. Charges of the whole order stay. */
    OF_DONE(of_return(&of, order, 5, OF_UNITS({0, 1}, {1, 1})));
    OF_DONE(of_decide(&of, order, 5, 1));
    OF_DONE(of_receive(&of, order, 5, OF_UNITS({0, 1}, {1, 1})));
    OF_DONE(of_refund(&of, order, 5, -1));
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_RETURNED);
    assert_int_equal(now->head.returned, 3);
    assert_int_equal(now->head.refunded, now->head.total - 450);
    assert_int_equal(now->head.owed, 450);
    of_close(&of);
}

static void only_delivered_units_that_are_in_no_other_return_come_back(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {4, 1}});
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 1})), STATUS_NOT_DELIVERED);
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 3})));
    OF_DONE(of_ship(&of, order, 1));
    of_pay(&of);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 1})), STATUS_NOT_DELIVERED);
    OF_DONE(of_deliver(&of, order, 1));
    of_remember(&of, order);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 4})), STATUS_NOT_DELIVERED);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 5})), STATUS_EXCEEDS);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 3}, {1, 1})), STATUS_NOT_DELIVERED);
    of_assert_unchanged(&of, order);
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 2})));
    OF_REFUSED(of_return(&of, order, 2, OF_UNITS({0, 2})), STATUS_NOT_DELIVERED);
    OF_DONE(of_return(&of, order, 2, OF_UNITS({0, 1})));
    /* Rejected: its units may be asked for again. */
    OF_DONE(of_decide(&of, order, 1, 0));
    assert_int_equal(of_get(&of, order)->returns[0].closed_at_ns, of.town->now_ns);
    OF_DONE(of_return(&of, order, 3, OF_UNITS({0, 2})));
    /* Closed with fewer than were asked for: so may the missing ones. */
    OF_DONE(of_decide(&of, order, 3, 1));
    OF_DONE(of_receive(&of, order, 3, OF_UNITS({0, 1})));
    OF_REFUSED(of_return(&of, order, 4, OF_UNITS({0, 1})), STATUS_NOT_DELIVERED);
    OF_DONE(of_refund(&of, order, 3, -1));
    OF_DONE(of_return(&of, order, 4, OF_UNITS({0, 1})));
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 1})));
    OF_REFUSED(of_return(&of, order, 5, OF_UNITS({0, 1})), STATUS_EXCEEDS);
    of_pay(&of);
    of_close(&of);
}

static void repeating_a_step_of_a_return_is_harmless(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order = delivered(&of, (struct of_want){.lines = 2, .units = {3, 2}});
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 3}, {1, 1})));
    OF_REPLAYED(of_return(&of, order, 1, OF_UNITS({1, 1}, {0, 3})));
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 3})), STATUS_ID_MISMATCH);
    const struct msg_return_open_req other = {.order = order, .number = 1, .reason = 4};
    OF_REFUSED(of_send(&of, OPCODE_RETURN_OPEN, &other, OF_UNITS({0, 3}, {1, 1})),
               STATUS_ID_MISMATCH);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 1})), STATUS_INVALID_STATE);
    OF_REFUSED(of_refund(&of, order, 1, -1), STATUS_INVALID_STATE);
    OF_DONE(of_decide(&of, order, 1, 1));
    OF_REPLAYED(of_decide(&of, order, 1, 1));
    OF_REFUSED(of_decide(&of, order, 1, 0), STATUS_INVALID_STATE);
    OF_REFUSED(of_refund(&of, order, 1, -1), STATUS_INVALID_STATE);
    OF_DONE(of_receive(&of, order, 1, OF_UNITS({0, 2, 1})));
    OF_REPLAYED(of_receive(&of, order, 1, OF_UNITS({0, 2, 1})));
    OF_REPLAYED(of_receive(&of, order, 1, OF_UNITS({0, 1, 1})));
    OF_REPLAYED(of_receive(&of, order, 1, OF_UNITS({0, 1})));
    of_remember(&of, order);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 2, 2})), STATUS_ID_MISMATCH);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 3, 1}, {1, 2})), STATUS_EXCEEDS);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 4, 1})), STATUS_EXCEEDS);
    of_assert_unchanged(&of, order);
    OF_DONE(of_receive(&of, order, 1, OF_UNITS({0, 3, 2}, {1, 1})));
    town_carry_all(of.town);
    assert_int_equal(of_levels(&of, 0).unavailable, 2);
    assert_int_equal(of_levels(&of, 0).on_hand, OF_STOCK);
    assert_int_equal(of_levels(&of, 1).on_hand, OF_STOCK - 1);
    OF_REPLAYED(of_decide(&of, order, 1, 1));
    const struct msg_order_cancel_rsp refund = of_refund(&of, order, 1, -1);
    OF_DONE(refund);
    of_remember(&of, order);
    const struct msg_order_cancel_rsp again = of_refund(&of, order, 1, -1);
    OF_REPLAYED(again);
    assert_int_equal(again.refund, refund.refund);
    OF_REFUSED(of_refund(&of, order, 1, refund.refund), STATUS_ID_MISMATCH);
    OF_REPLAYED(of_receive(&of, order, 1, OF_UNITS({0, 3, 2}, {1, 1})));
    OF_REPLAYED(of_return(&of, order, 1, OF_UNITS({0, 3}, {1, 1})));
    of_assert_unchanged(&of, order);
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.refunded, refund.refund);
    of_close(&of);
}

static void a_closed_return_takes_nothing_more(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = delivered(&of, (struct of_want){.lines = 1, .units = {3}});
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 2})));
    OF_DONE(of_decide(&of, order, 1, 1));
    OF_DONE(of_receive(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_refund(&of, order, 1, -1));
    of_remember(&of, order);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 2})), STATUS_INVALID_STATE);
    OF_REFUSED(of_decide(&of, order, 1, 0), STATUS_INVALID_STATE);
    of_assert_unchanged(&of, order);
    OF_DONE(of_return(&of, order, 2, OF_UNITS({0, 1})));
    OF_DONE(of_decide(&of, order, 2, 0));
    OF_REPLAYED(of_decide(&of, order, 2, 0));
    OF_REFUSED(of_decide(&of, order, 2, 1), STATUS_INVALID_STATE);
    OF_REFUSED(of_receive(&of, order, 2, OF_UNITS({0, 1})), STATUS_INVALID_STATE);
    OF_REFUSED(of_refund(&of, order, 2, 10), STATUS_INVALID_STATE);
    of_pay(&of);
    of_close(&of);
}

static void an_amount_of_ones_own_is_at_most_what_is_captured_and_not_refunded(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order =
        delivered(&of, (struct of_want){.lines = 1, .units = {3}, .shipping = 1});
    const i64 total = 3 * OF_PRICE(0) + 1;
    for (u32 i = 1; i <= 3; i++) {
        OF_DONE(of_return(&of, order, i, OF_UNITS({0, 1})));
        OF_DONE(of_decide(&of, order, i, 1));
    }
    of_remember(&of, order);
    OF_REFUSED(of_refund(&of, order, 1, total + 1), STATUS_EXCEEDS_CAPTURED);
    OF_REFUSED(of_refund(&of, order, 1, -2), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_refund(&of, order, 1, PRICE_MAX + 1), STATUS_BAD_ARGUMENT);
    of_assert_unchanged(&of, order);
    /* Without the goods, more than their worth; the second right after it, before it is refunded. */
    OF_DONE(of_refund(&of, order, 1, OF_PRICE(0) + 100));
    OF_REFUSED(of_refund(&of, order, 2, total - OF_PRICE(0) - 99), STATUS_EXCEEDS_CAPTURED);
    OF_DONE(of_receive(&of, order, 2, OF_UNITS({0, 1})));
    OF_DONE(of_refund(&of, order, 2, 0));
    OF_DONE(of_receive(&of, order, 3, OF_UNITS({0, 1})));
    const struct msg_order_cancel_rsp worth = of_refund(&of, order, 3, -1);
    OF_DONE(worth);
    assert_int_equal(worth.refund, OF_PRICE(0));
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.refunded, 2 * OF_PRICE(0) + 100);
    assert_int_equal(now->head.owed, total - 2 * OF_PRICE(0) - 100);
    assert_int_equal(now->head.state, SAGA_STATE_DELIVERED);
    of_close(&of);
}

static void worth_is_never_more_than_what_is_owed(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order = delivered(&of, (struct of_want){.lines = 1, .units = {2}});
    const i64 total = 2 * OF_PRICE(0);
    const struct msg_payment_refund_req by_hand = {
        .order = order, .refunded_total = total - 100, .reason = 9};
    assert_int_equal(town_ask(of.town, OPCODE_PAYMENT_REFUND, 0, &by_hand, NULL, NULL, NULL),
                     STATUS_OK);
    of_pay(&of);
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 2})));
    OF_DONE(of_decide(&of, order, 1, 1));
    OF_DONE(of_receive(&of, order, 1, OF_UNITS({0, 2})));
    const struct msg_order_cancel_rsp rest = of_refund(&of, order, 1, -1);
    OF_DONE(rest);
    assert_int_equal(rest.refund, 100);
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.refunded, total);
    assert_int_equal(now->head.owed, 0);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_RETURNED);
    of_close(&of);
}

static void a_return_of_what_was_captured_when_shipped_is_refunded(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    const struct id128 order = of_buy_and_pay(
        &of, (struct of_want){.lines = 1, .units = {2}, .capture = CAPTURE_POLICY_ON_SHIP});
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_ship(&of, order, 1));
    of_pay(&of);
    OF_DONE(of_deliver(&of, order, 1));
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_decide(&of, order, 1, 1));
    OF_DONE(of_receive(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_refund(&of, order, 1, -1));
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.captured, OF_PRICE(0));
    assert_int_equal(of_get(&of, order)->head.refunded, OF_PRICE(0));
    of_send_all(&of, order, 2);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.captured, 2 * OF_PRICE(0));
    assert_int_equal(now->head.refunded, OF_PRICE(0));
    assert_int_equal(now->head.state, SAGA_STATE_DELIVERED);
    of_close(&of);
}

static void cancelled_and_returned_units_of_a_line_add_up_to_the_cent(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {7}, .tax = 3});
    const i64 total = 7 * OF_PRICE(0) + 3;
    i64 given = of_cancel(&of, order, OF_UNITS({0, 2})).refund;
    assert_int_equal(given, total * 2 / 7);
    of_send_all(&of, order, 1);
    for (u32 number = 1; number <= 5; number++) {
        OF_DONE(of_return(&of, order, number, OF_UNITS({0, 1})));
        OF_DONE(of_decide(&of, order, number, 1));
        OF_DONE(of_receive(&of, order, number, OF_UNITS({0, 1})));
        given += of_refund(&of, order, number, -1).refund;
        assert_int_equal(given, total * (2 + number) / 7);
    }
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.refunded, total);
    assert_int_equal(now->lines[0].refunded, total);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_RETURNED);
    of_close(&of);
}

static void the_window_for_returns_is_the_policys(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct msg_policy_get_req look = {.home_id = POLICY_HOME_ID};
    struct msg_policy_get_rsp policy;
    town_read(of.town, OPCODE_POLICY_GET, 0, &look, NULL, &policy, NULL);
    const struct msg_policy_put_req put = {.home_id = POLICY_HOME_ID,
                                           .cart_guest_ms = policy.cart_guest_ms,
                                           .cart_user_ms = policy.cart_user_ms,
                                           .payment_lease_ms = policy.payment_lease_ms,
                                           .unpaid_ms = policy.unpaid_ms,
                                           .answer_ms = policy.answer_ms,
                                           .backoff_ms = policy.backoff_ms,
                                           .backoff_max_ms = policy.backoff_max_ms,
                                           .return_window_ms = 2 * HOUR_NS / NS_PER_MS,
                                           .deliveries_max = policy.deliveries_max,
                                           .attempts_max = policy.attempts_max};
    assert_int_equal(town_ask(of.town, OPCODE_POLICY_PUT, 0, &put, NULL, NULL, NULL), STATUS_OK);
    town_carry_all(of.town);
    const struct id128 order = delivered(&of, (struct of_want){.lines = 1, .units = {3}});
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 1})));
    town_wait(of.town, 2 * HOUR_NS - 1);
    OF_DONE(of_return(&of, order, 2, OF_UNITS({0, 1})));
    town_wait(of.town, 1);
    of_remember(&of, order);
    OF_REFUSED(of_return(&of, order, 3, OF_UNITS({0, 1})), STATUS_WINDOW_CLOSED);
    of_assert_unchanged(&of, order);
    OF_REPLAYED(of_return(&of, order, 2, OF_UNITS({0, 1})));
    OF_DONE(of_decide(&of, order, 2, 1)); /* what was asked for in time goes on */
    of_close(&of);
}

static void stock_comes_back_however_late(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order = delivered(&of, (struct of_want){.lines = 2, .units = {2, 2}});
    town_wait(of.town, 60 * 24 * HOUR_NS); /* the stock has forgotten the order */
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 2}, {1, 2})));
    OF_DONE(of_decide(&of, order, 1, 1));
    OF_DONE(of_receive(&of, order, 1, OF_UNITS({0, 2, 1}, {1, 2})));
    town_carry_all(of.town);
    assert_int_equal(of_levels(&of, 0).on_hand, OF_STOCK);
    assert_int_equal(of_levels(&of, 0).unavailable, 1);
    assert_int_equal(of_levels(&of, 1).sellable, OF_STOCK);
    OF_DONE(of_refund(&of, order, 1, -1));
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.refunded, of_get(&of, order)->head.total);
    of_close(&of);
}

static void bad_returns_are_refused_precisely(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = delivered(&of, (struct of_want){.lines = 2, .units = {3, 1}});
    const struct id128 unknown = {.high = OF_USER, .low = 4};
    of_remember(&of, order);
    OF_REFUSED(of_return(&of, unknown, 1, OF_UNITS({0, 1})), STATUS_NOT_FOUND);
    OF_REFUSED(of_return(&of, order, 0, OF_UNITS({0, 1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_return(&of, order, 1, OF_NONE), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, -2})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 1, 1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({0, 1}, {0, 1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_return(&of, order, 1, OF_UNITS({2, 1})), STATUS_NOT_FOUND);
    const struct msg_return_open_req foreign = {
        .order = order, .user_id = OF_USER + 5, .number = 1};
    OF_REFUSED(of_send(&of, OPCODE_RETURN_OPEN, &foreign, OF_UNITS({0, 1})), STATUS_FORBIDDEN);
    OF_REFUSED(of_decide(&of, order, 1, 1), STATUS_NOT_FOUND);
    OF_REFUSED(of_decide(&of, order, 0, 1), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_decide(&of, order, 1, 2), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 1})), STATUS_NOT_FOUND);
    OF_REFUSED(of_refund(&of, order, 1, -1), STATUS_NOT_FOUND);
    of_assert_unchanged(&of, order);
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_decide(&of, order, 1, 1));
    of_remember(&of, order);
    OF_REFUSED(of_receive(&of, order, 1, OF_NONE), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 1, 2})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 1, -1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({0, 1}, {1, 1})), STATUS_EXCEEDS);
    OF_REFUSED(of_receive(&of, order, 1, OF_UNITS({5, 1})), STATUS_NOT_FOUND);
    of_assert_unchanged(&of, order);
    of_close(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_return_goes_from_request_to_refund),
        cmocka_unit_test(only_delivered_units_that_are_in_no_other_return_come_back),
        cmocka_unit_test(repeating_a_step_of_a_return_is_harmless),
        cmocka_unit_test(a_closed_return_takes_nothing_more),
        cmocka_unit_test(an_amount_of_ones_own_is_at_most_what_is_captured_and_not_refunded),
        cmocka_unit_test(worth_is_never_more_than_what_is_owed),
        cmocka_unit_test(a_return_of_what_was_captured_when_shipped_is_refunded),
        cmocka_unit_test(cancelled_and_returned_units_of_a_line_add_up_to_the_cent),
        cmocka_unit_test(the_window_for_returns_is_the_policys),
        cmocka_unit_test(stock_comes_back_however_late),
        cmocka_unit_test(bad_returns_are_refused_precisely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
