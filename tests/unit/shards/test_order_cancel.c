/* Cancelling units of placed orders: docs/orders.md, "Cancel, parcels, returns" and "Payment".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/order_fixture.h"

#define ELSEWHERE 5

static void cancelled_units_go_back_and_so_does_their_worth(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {3, 2}, .shipping = 450});
    const i64 total = 3 * OF_PRICE(0) + 2 * OF_PRICE(1) + 450;
    assert_int_equal(of_get(&of, order)->head.captured, total);
    const struct msg_order_cancel_rsp part = of_cancel(&of, order, OF_UNITS({0, 1}, {1, 2}));
    OF_DONE(part);
    const i64 worth = OF_PRICE(0) + 2 * OF_PRICE(1);
    assert_int_equal(part.refund, worth);
    assert_int_equal(part.state, SAGA_STATE_REFUND_PENDING);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->lines[0].cancelled, 1);
    assert_int_equal(now->lines[0].allocated, 2);
    assert_int_equal(now->lines[0].refunded, OF_PRICE(0));
    assert_int_equal(now->lines[1].cancelled, 2);
    assert_int_equal(now->head.owed, total - worth);
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_PAID);
    assert_int_equal(now->head.refunded, worth);
    assert_int_equal(of_levels(&of, 0).allocated, 2);
    assert_int_equal(of_levels(&of, 1).allocated, 0);
    assert_int_equal(of_levels(&of, 1).sellable, OF_STOCK);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_CANCEL_ASKED), 1);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_CANCELLED_UNITS), 2);
    /* The rest: charges of the whole order too, for nothing has left. */
    OF_DONE(of_cancel(&of, order, OF_NONE));
    assert_int_equal(of_state(&of, order), SAGA_STATE_REFUND_PENDING);
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_CANCELLED);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_CANCELLED);
    assert_int_equal(now->head.refunded, total);
    assert_int_equal(now->head.owed, 0);
    assert_int_equal(of_levels(&of, 0).allocated, 0);
    of_close(&of);
}

static void what_is_cancelled_before_capture_is_never_charged(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct of_want want = {
        .lines = 2, .units = {3, 2}, .shipping = 450, .capture = CAPTURE_POLICY_ON_SHIP};
    struct id128 order = of_buy_and_pay(&of, want);
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 2})));
    of_send_all(&of, order, 1);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_DELIVERED);
    assert_int_equal(now->head.captured, OF_PRICE(0) + 2 * OF_PRICE(1) + 450);
    assert_int_equal(now->head.refunded, 0);
    /* All of it: voided, and nothing ever captured. */
    order = of_buy_and_pay(&of, want);
    assert_int_equal(of_cancel(&of, order, OF_NONE).state, SAGA_STATE_VOID_PENDING);
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_CANCELLED);
    assert_int_equal(now->head.captured, 0);
    assert_int_equal(now->tenders[0].state, TENDER_STATE_VOIDED);
    of_close(&of);
}

static void a_cancel_during_capture_is_settled_after_it(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    of.is_shy = true;
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {1, 1}, .shipping = 100});
    assert_int_equal(of_state(&of, order), SAGA_STATE_CAPTURING);
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 1})));
    assert_int_equal(of_state(&of, order), SAGA_STATE_CAPTURING);
    OF_DONE(of_cancel(&of, order, OF_NONE));
    of.is_shy = false;
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_CANCELLED);
    assert_int_equal(now->head.captured, now->head.refunded);
    assert_int_equal(of_levels(&of, 0).allocated, 0);
    of_close(&of);
}

static void totals_of_a_cancel_make_repeats_harmless(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {5, 2}});
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 3})));
    of_pay(&of);
    of_remember(&of, order);
    OF_REPLAYED(of_cancel(&of, order, OF_UNITS({0, 3})));
    OF_REPLAYED(of_cancel(&of, order, OF_UNITS({0, 2})));
    of_assert_unchanged(&of, order);
    /* One more of one line, the other as it is. */
    const struct msg_order_cancel_rsp more = of_cancel(&of, order, OF_UNITS({0, 4}, {1, 1}));
    OF_DONE(more);
    assert_int_equal(more.refund, OF_PRICE(0) + OF_PRICE(1));
    OF_DONE(of_cancel(&of, order, OF_NONE));
    OF_REPLAYED(of_cancel(&of, order, OF_NONE));
    of_pay(&of);
    OF_REPLAYED(of_cancel(&of, order, OF_NONE));
    OF_REPLAYED(of_cancel(&of, order, OF_UNITS({0, 5})));
    assert_int_equal(of_levels(&of, 0).allocated, 0);
    of_close(&of);
}

static void planned_parcels_give_way_the_highest_number_first(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {7, 1}});
    OF_DONE(of_plan(&of, order, 3, OF_UNITS({0, 2}, {1, 1})));
    OF_DONE(of_plan(&of, order, 9, OF_UNITS({0, 2})));
    OF_DONE(of_plan(&of, order, 5, OF_UNITS({0, 2})));
    /* One is in no parcel, so it goes first; then one of parcel 9. */
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 2})));
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->parts[0].quantity, 2);
    assert_int_equal(now->parts[2].of, 9);
    assert_int_equal(now->parts[2].quantity, 1);
    assert_int_equal(now->parts[3].quantity, 2);
    /* 9 becomes empty, so it is not sent; 5 has one left. */
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 4})));
    now = of_get(&of, order);
    assert_int_equal(now->parcels[1].number, 9);
    assert_int_equal(now->parcels[1].state, PARCEL_STATE_CANCELLED);
    assert_int_equal(now->parcels[2].state, PARCEL_STATE_PLANNED);
    assert_int_equal(now->parts[3].quantity, 1);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_PARCEL_CANCELLED), 1);
    /* What is left of them is still a plan. */
    OF_DONE(of_ship(&of, order, 5));
    OF_DONE(of_ship(&of, order, 3));
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->lines[0].shipped, 3);
    assert_int_equal(now->lines[0].cancelled, 4);
    assert_int_equal(now->head.state, SAGA_STATE_SHIPPED);
    of_close(&of);
}

static void what_is_leaving_has_left(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 3, .units = {2, 2, 2}});
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 2}, {1, 1})));
    OF_DONE(of_ship(&of, order, 1)); /* the answers are under way */
    of_remember(&of, order);
    const struct msg_order_cancel_rsp late = of_cancel(&of, order, OF_UNITS({2, 1}, {0, 1}));
    OF_REFUSED(late, STATUS_ALREADY_SHIPPED);
    assert_int_equal(late.line, 0);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({1, 2})), STATUS_ALREADY_SHIPPED);
    of_assert_unchanged(&of, order);
    /* All that has not left. */
    const struct msg_order_cancel_rsp rest = of_cancel(&of, order, OF_NONE);
    OF_DONE(rest);
    assert_int_equal(rest.refund, OF_PRICE(1) + 2 * OF_PRICE(2));
    OF_REFUSED(of_cancel(&of, order, OF_NONE), STATUS_ALREADY_SHIPPED);
    of_pay(&of);
    OF_REFUSED(of_cancel(&of, order, OF_NONE), STATUS_ALREADY_SHIPPED);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_SHIPPED);
    assert_int_equal(now->lines[0].shipped, 2);
    assert_int_equal(now->lines[1].shipped, 1);
    assert_int_equal(now->lines[1].cancelled, 1);
    of_close(&of);
}

static void what_could_not_leave_can_be_cancelled(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {2, 2}});
    const struct msg_stock_adjust_req lost = {
        .resource = of_sku(1), .delta = -OF_STOCK, .reason = 1};
    assert_int_equal(town_ask(of.town, OPCODE_STOCK_ADJUST, 0, &lost, NULL, NULL, NULL), STATUS_OK);
    OF_DONE(of_plan(&of, order, 1, OF_NONE));
    OF_DONE(of_ship(&of, order, 1));
    OF_REFUSED(of_cancel(&of, order, OF_NONE), STATUS_ALREADY_SHIPPED);
    town_carry_all(of.town);
    OF_DONE(of_cancel(&of, order, OF_NONE));
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.state, SAGA_STATE_CANCELLED);
    assert_int_equal(now->parcels[0].state, PARCEL_STATE_CANCELLED);
    assert_int_equal(now->head.refunded, now->head.total);
    assert_int_equal(of_levels(&of, 0).allocated, 0);
    assert_int_equal(of_levels(&of, 0).on_hand, OF_STOCK);
    of_close(&of);
}

static void worth_in_parts_adds_up_to_the_cent(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    /* A tax on the line makes its total no multiple of its units. */
    const i64 total = 7 * OF_PRICE(0) + 3;
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {7}, .tax = 3});
    i64 given = 0;
    for (i64 units = 1; units <= 7; units++) {
        const struct msg_order_cancel_rsp step = of_cancel(&of, order, OF_UNITS({0, units}));
        given += step.refund;
        assert_int_equal(given, total * units / 7);
        of_pay(&of);
        assert_int_equal(of_get(&of, order)->head.refunded, given);
    }
    assert_int_equal(given, total);
    assert_int_equal(of_state(&of, order), SAGA_STATE_CANCELLED);
    of_close(&of);
}

static void charges_of_the_whole_order_stay_if_anything_left(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {1, 1}, .shipping = 999});
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_ship(&of, order, 1));
    of_pay(&of);
    OF_DONE(of_cancel(&of, order, OF_NONE));
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->head.refunded, OF_PRICE(1));
    assert_int_equal(now->head.owed, OF_PRICE(0) + 999);
    assert_int_equal(now->head.state, SAGA_STATE_SHIPPED);
    of_close(&of);
}

static void a_gift_card_gets_its_part_back(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    const struct msg_stock_get_req look = {.resource = OF_CARD};
    struct msg_stock_get_rsp card;
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {3}, .card = 300});
    town_read(of.town, OPCODE_STOCK_GET, 0, &look, NULL, &card, NULL);
    assert_int_equal(card.sellable, 1000000 - 300);
    /* Tenders in reverse order: the card paid outside first. */
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 2})));
    of_pay(&of);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->tenders[1].refunded, 2 * OF_PRICE(0));
    assert_int_equal(now->tenders[0].refunded, 0);
    OF_DONE(of_cancel(&of, order, OF_NONE));
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->tenders[0].refunded, 300);
    assert_int_equal(now->head.refunded, now->head.total);
    assert_int_equal(now->head.state, SAGA_STATE_CANCELLED);
    town_read(of.town, OPCODE_STOCK_GET, 0, &look, NULL, &card, NULL);
    assert_int_equal(card.sellable, 1000000);
    of_close(&of);
}

static void bad_cancels_are_refused_precisely(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {3, 1}});
    of_remember(&of, order);
    OF_REFUSED(of_cancel(&of, (struct id128){.high = OF_USER, .low = 3}, OF_NONE),
               STATUS_NOT_FOUND);
    OF_REFUSED(of_cancel(&of, (struct id128){.low = 3}, OF_NONE), STATUS_BAD_ARGUMENT);
    struct msg_order_cancel_req ask = {.order = order, .user_id = OF_USER + 1, .reason = 1};
    const struct msg_order_cancel_rsp foreign = of_send(&of, OPCODE_ORDER_CANCEL, &ask, OF_NONE);
    OF_REFUSED(foreign, STATUS_FORBIDDEN);
    assert_int_equal(foreign.state, 0); /* it is told nothing of it */
    ask.user_id = OF_USER;
    for (u16 reason = 0; reason <= 8; reason += 8) {
        ask.reason = reason;
        OF_REFUSED(of_send(&of, OPCODE_ORDER_CANCEL, &ask, OF_NONE), STATUS_BAD_ARGUMENT);
    }
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({0, -1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({0, 0})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({0, 1, 1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({1, 1}, {1, 1})), STATUS_BAD_ARGUMENT);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({0, 1}, {2, 1})), STATUS_NOT_FOUND);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({UINT32_MAX, 1})), STATUS_NOT_FOUND);
    const struct msg_order_cancel_rsp over = of_cancel(&of, order, OF_UNITS({0, 1}, {1, 2}));
    OF_REFUSED(over, STATUS_EXCEEDS);
    assert_int_equal(over.line, 1);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({0, QUANTITY_MAX})), STATUS_EXCEEDS);
    of_assert_unchanged(&of, order);
    ask.reason = 1;
    OF_DONE(of_send(&of, OPCODE_ORDER_CANCEL, &ask, OF_NONE));
    of_close(&of);
}

static void only_placed_orders_have_units_to_cancel(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order = of_buy(&of, (struct of_want){.lines = 1, .units = {2}});
    OF_REFUSED(of_cancel(&of, order, OF_NONE), STATUS_INVALID_STATE);
    town_carry_all(of.town);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({0, 1})), STATUS_INVALID_STATE);
    const struct msg_checkout_cancel_req give_up = {.order = order, .reason = 1};
    assert_int_equal(town_ask(of.town, OPCODE_CHECKOUT_CANCEL, 0, &give_up, NULL, NULL, NULL),
                     STATUS_OK);
    of_pay(&of);
    assert_int_equal(of_state(&of, order), SAGA_STATE_CANCELLED);
    OF_REFUSED(of_cancel(&of, order, OF_NONE), STATUS_ORDER_CANCELLED);
    of_close(&of);
}

static u16 resolve(struct of *of, struct id128 order, u16 decision)
{
    struct msg_order_resolve_req ask = {.order = order, .decision = decision};
    ask.actor = text64_of("Ada", 3);
    ask.reason = text64_of("the card is gone", 16);
    return town_ask(of->town, OPCODE_ORDER_RESOLVE, 0, &ask, NULL, NULL, NULL);
}

/* PLACED, captured when shipped; parcel 1 has left and its capture failed for good, parcel 2 is
 * leaving, line 2 is in none. */
static struct id128 order_for_an_operator(struct of *of)
{
    const struct id128 order = of_buy_and_pay(
        of, (struct of_want){.lines = 3, .units = {1, 2, 3}, .capture = CAPTURE_POLICY_ON_SHIP});
    OF_DONE(of_plan(of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_plan(of, order, 2, OF_UNITS({1, 2})));
    OF_DONE(of_ship(of, order, 1));
    town_carry_all(of->town);
    OF_DONE(of_ship(of, order, 2));
    of->fails_captures = true;
    while (of_work(of)) {}
    assert_int_equal(of_state(of, order), SAGA_STATE_NEEDS_OPERATOR);
    return order;
}

static void nothing_is_changed_while_an_operator_is_needed(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order = order_for_an_operator(&of);
    of_remember(&of, order);
    OF_REFUSED(of_cancel(&of, order, OF_UNITS({2, 1})), STATUS_INVALID_STATE);
    OF_REFUSED(of_plan(&of, order, 3, OF_UNITS({2, 1})), STATUS_INVALID_STATE);
    of_assert_unchanged(&of, order);
    /* What has left arrives all the same. */
    OF_DONE(of_deliver(&of, order, 1));
    OF_DONE(of_return(&of, order, 1, OF_UNITS({0, 1})));
    OF_DONE(of_decide(&of, order, 1, 1));
    OF_DONE(of_receive(&of, order, 1, OF_UNITS({0, 1})));
    OF_REFUSED(of_refund(&of, order, 1, -1), STATUS_INVALID_STATE);
    of.fails_captures = false;
    assert_int_equal(resolve(&of, order, RESOLVE_RETRY), STATUS_OK);
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.captured, OF_PRICE(0) + 2 * OF_PRICE(1));
    OF_DONE(of_refund(&of, order, 1, -1));
    OF_DONE(of_cancel(&of, order, OF_NONE));
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.captured - of_get(&of, order)->head.refunded,
                     2 * OF_PRICE(1));
    of_close(&of);
}

/* An operator gives the order up while parcel 2 is leaving: if it leaves, it has left; if it cannot,
 * its units are given up when that is known. */
static void give_up_while_leaving(bool is_there)
{
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct msg_stock_adjust_req lost = {
        .resource = of_sku(1), .delta = -OF_STOCK, .reason = 1};
    const struct id128 order = order_for_an_operator(&of);
    if (!is_there)
        assert_int_equal(town_ask(of.town, OPCODE_STOCK_ADJUST, 0, &lost, NULL, NULL, NULL),
                         STATUS_OK);
    assert_int_equal(resolve(&of, order, RESOLVE_CANCEL), STATUS_OK);
    const struct of_order *now = of_get(&of, order);
    assert_int_equal(now->lines[2].cancelled, 3);
    assert_int_equal(now->lines[1].cancelled, 0);
    of_pay(&of);
    now = of_get(&of, order);
    assert_int_equal(now->lines[1].shipped, is_there ? 2 : 0);
    assert_int_equal(now->lines[1].cancelled, is_there ? 0 : 2);
    assert_int_equal(now->lines[0].shipped, 1);
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(of_levels(&of, i).allocated, 0);
    of_close(&of);
}

static void what_an_operator_gives_up_while_it_leaves_is_cancelled_if_it_cannot(void **state)
{
    (void)state;
    give_up_while_leaving(true);
    give_up_while_leaving(false);
}

static void a_history_that_is_full_takes_no_more_cancels(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {4000, 1}});
    OF_DONE(of_plan(&of, order, 1, OF_UNITS({1, 1})));
    OF_DONE(of_ship(&of, order, 1));
    of.is_shy = true;
    i64 units = 1;
    struct msg_order_cancel_rsp answer;
    while ((answer = of_cancel(&of, order, OF_UNITS({0, units}))).head.status == STATUS_OK)
        units++;
    OF_REFUSED(answer, STATUS_TOO_MANY);
    assert_in_range(units, 1000, 3000);
    of_remember(&of, order);
    OF_REFUSED(of_cancel(&of, order, OF_NONE), STATUS_TOO_MANY);
    OF_REFUSED(of_plan(&of, order, 2, OF_NONE), STATUS_TOO_MANY);
    OF_REPLAYED(of_cancel(&of, order, OF_UNITS({0, units - 1})));
    of_assert_unchanged(&of, order);
    /* What has happened outside is always written down. */
    OF_DONE(of_deliver(&of, order, 1));
    of.is_shy = false;
    of_pay(&of);
    assert_int_equal(of_get(&of, order)->head.refunded, (units - 1) * OF_PRICE(0));
    of_close(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelled_units_go_back_and_so_does_their_worth),
        cmocka_unit_test(what_is_cancelled_before_capture_is_never_charged),
        cmocka_unit_test(a_cancel_during_capture_is_settled_after_it),
        cmocka_unit_test(totals_of_a_cancel_make_repeats_harmless),
        cmocka_unit_test(planned_parcels_give_way_the_highest_number_first),
        cmocka_unit_test(what_is_leaving_has_left),
        cmocka_unit_test(what_could_not_leave_can_be_cancelled),
        cmocka_unit_test(worth_in_parts_adds_up_to_the_cent),
        cmocka_unit_test(charges_of_the_whole_order_stay_if_anything_left),
        cmocka_unit_test(a_gift_card_gets_its_part_back),
        cmocka_unit_test(bad_cancels_are_refused_precisely),
        cmocka_unit_test(only_placed_orders_have_units_to_cancel),
        cmocka_unit_test(nothing_is_changed_while_an_operator_is_needed),
        cmocka_unit_test(what_an_operator_gives_up_while_it_leaves_is_cancelled_if_it_cannot),
        cmocka_unit_test(a_history_that_is_full_takes_no_more_cancels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
