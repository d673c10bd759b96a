/* test_order_holding: what a checkout holds, what it does when it cannot, and what becomes of the cart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/shard_state.h"
#include "tests/unit/shards/order_fixture.h"

#define COUPON    8001ull
#define PROMOTION 8100ull
#define MANY      600u

/* A checkout in the making. */
struct basket {
    struct msg_checkout_req ask;
    struct row_checkout_line lines[ORDER_LINES_MAX];
    struct row_tender tenders[ORDER_TENDERS_MAX];
    struct row_coupon coupons[ORDER_COUPONS_MAX];
    u32 line_count, tender_count, coupon_count;
};
static struct basket basket;

static void basket_begin(struct of *of, u64 user)
{
    memset(&basket.ask, 0, sizeof basket.ask);
    basket.ask.order = (struct id128){
        .high = user, .low = of->town->now_ns / NS_PER_MS << 16 | (of->made++ & 0xFFFF)};
    basket.ask.currency = OF_GBP;
    basket.line_count = 0;
    basket.tender_count = 0;
    basket.coupon_count = 0;
}

static void basket_line(u32 sku, i64 units)
{
    basket.lines[basket.line_count] = (struct row_checkout_line){.sku_id = of_sku_id(sku),
                                                                 .options = basket.line_count,
                                                                 .quantity = units,
                                                                 .agreed_price = -1};
    basket.line_count++;
    basket.ask.expected_total += units * OF_PRICE(sku);
}

static void basket_tender(u16 kind, u64 account, i64 amount)
{
    basket.tenders[basket.tender_count++] =
        (struct row_tender){.account = account, .amount = amount, .kind = kind};
}

static u16 basket_send(struct of *of, struct msg_checkout_rsp *answer)
{
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)basket.lines,
                                          basket.line_count * (u32)sizeof basket.lines[0]},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)basket.tenders,
                                            basket.tender_count * (u32)sizeof basket.tenders[0]},
        [SPAN_OF(checkout_req, coupons)] = {(const u8 *)basket.coupons,
                                            basket.coupon_count * (u32)sizeof basket.coupons[0]}};
    return town_ask(of->town, OPCODE_CHECKOUT, 0, &basket.ask, spans, answer, NULL);
}

/* Paid outside, all of it. */
static struct id128 basket_place(struct of *of)
{
    struct msg_checkout_rsp answer;
    if (basket.tender_count == 0 && basket.ask.expected_total != 0)
        basket_tender(TENDER_KIND_OUTSIDE, 0, basket.ask.expected_total);
    assert_int_equal(basket_send(of, &answer), STATUS_OK);
    return basket.ask.order;
}

/* What checkout_status says; the rows of failed lines, and how many. */
static struct msg_checkout_status_rsp status_of(struct of *of, struct id128 order,
                                                struct row_failed_line *rows, u32 *count)
{
    const struct msg_checkout_status_req ask = {.order = order};
    struct msg_checkout_status_rsp answer;
    struct record_view view;
    town_read(of->town, OPCODE_CHECKOUT_STATUS, 0, &ask, NULL, &answer, &view);
    const struct span span = view.spans[SPAN_OF(checkout_status_rsp, failed)];
    *count = span.bytes / (u32)sizeof *rows;
    memcpy(rows, span.data, span.bytes);
    return answer;
}

static void expect_failed(struct of *of, struct id128 order, u16 reason, u32 count)
{
    struct row_failed_line rows[8];
    u32 is;
    const struct msg_checkout_status_rsp answer = status_of(of, order, rows, &is);
    assert_int_equal(answer.state, SAGA_STATE_CANCELLED);
    assert_int_equal(answer.reason, reason);
    assert_int_equal(answer.is_settled, 1);
    assert_int_equal(is, count);
}

static void set_stock(struct of *of, u32 sku, i64 units)
{
    const struct msg_stock_get_rsp level = of_levels(of, sku);
    const struct msg_stock_adjust_req adjust = {
        .resource = of_sku(sku), .delta = units - level.on_hand, .reason = 1};
    if (adjust.delta != 0)
        assert_int_equal(town_ask(of->town, OPCODE_STOCK_ADJUST, 0, &adjust, NULL, NULL, NULL),
                         STATUS_OK);
}

static u16 shard_of_sku(const struct of *of, u32 sku)
{
    return route_shard(route_hash_resource(of_sku(sku)), of->town->options.shard_count);
}

/* Two SKUs on different shards. */
static void find_apart(const struct of *of, u32 *a, u32 *b)
{
    *a = 0;
    *b = 1;
    while (shard_of_sku(of, *b) == shard_of_sku(of, *a))
        (*b)++;
    assert_true(*b < OF_SKUS);
}

/* ---- shortages ---- */

static void every_line_that_is_short_is_named(void **state)
{
    (void)state;
    struct of of;
    for (u16 shards = 1; shards <= 3; shards += 2) {
        struct row_failed_line rows[8];
        u32 count;
        of_open(&of, shards);
        set_stock(&of, 0, 4);
        set_stock(&of, 2, 1);
        basket_begin(&of, OF_USER);
        basket_line(0, 3);
        basket_line(1, 1);
        basket_line(2, 2);
        basket_line(0, 2); /* five in all */
        const struct id128 order = basket_place(&of);
        town_carry_all(of.town);
        expect_failed(&of, order, STATUS_OUT_OF_STOCK, 3);
        (void)status_of(&of, order, rows, &count);
        u32 seen = 0;
        for (u32 i = 0; i < count; i++) {
            assert_int_equal(rows[i].status, STATUS_SOLD_OUT);
            assert_int_equal(rows[i].sku_id, of_sku_id(rows[i].line == 2 ? 2 : 0));
            assert_int_equal(rows[i].wanted, rows[i].line == 2 ? 2 : 5);
            assert_int_equal(rows[i].sellable, rows[i].line == 2 ? 1 : 4);
            seen |= 1u << rows[i].line;
        }
        assert_int_equal(seen, 1 << 0 | 1 << 2 | 1 << 3);
        for (u32 i = 0; i < 3; i++)
            assert_int_equal(of_levels(&of, i).held, 0);
        of_close(&of);
    }
}

static void lines_of_one_sku_are_held_together(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    set_stock(&of, 0, 5);
    basket_begin(&of, OF_USER);
    basket_line(0, 3);
    basket_line(0, 2);
    const struct id128 order = basket_place(&of);
    assert_int_equal(of_levels(&of, 0).held, 5);
    assert_int_equal(of_state(&of, order), SAGA_STATE_AUTHORIZING);
    of_pay(&of);
    assert_int_equal(of_state(&of, order), SAGA_STATE_PAID);
    assert_int_equal(of_levels(&of, 0).allocated, 5);
    of_close(&of);
}

static void what_does_not_exist_fails_as_that(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    basket_begin(&of, OF_USER);
    basket_line(0, 1);
    basket_line(OF_SKUS + 1, 1);
    set_stock(&of, 0, 0);
    const struct id128 order = basket_place(&of);
    town_carry_all(of.town);
    expect_failed(&of, order, STATUS_NOT_FOUND, 2);
    of_close(&of);
}

/* Two baskets want the last unit of each of two SKUs, whose shards hear of them in another order. */
static void of_two_baskets_never_both_win(void **state)
{
    (void)state;
    u32 won = 0, rounds = 0;
    for (u32 seed = 0; seed < 60; seed++) {
        struct of of;
        u32 a, b;
        of_open(&of, 3);
        find_apart(&of, &a, &b);
        set_stock(&of, a, 1);
        set_stock(&of, b, 1);
        for (u32 i = 0; i < seed; i++)
            (void)town_below(of.town, 2);
        struct id128 orders[2];
        for (u32 i = 0; i < 2; i++) {
            basket_begin(&of, 1000 + seed * 7 + i * 3);
            basket_line(a, 1);
            basket_line(b, 1);
            orders[i] = basket_place(&of);
        }
        town_carry_all(of.town);
        const u16 states[2] = {of_state(&of, orders[0]), of_state(&of, orders[1])};
        assert_false(states[0] == SAGA_STATE_AUTHORIZING && states[1] == SAGA_STATE_AUTHORIZING);
        for (u32 i = 0; i < 2; i++)
            assert_true(states[i] == SAGA_STATE_AUTHORIZING || states[i] == SAGA_STATE_CANCELLED);
        const bool has_winner = states[0] != states[1];
        won += has_winner ? 1 : 0;
        assert_int_equal(of_levels(&of, a).held, has_winner ? 1 : 0);
        assert_int_equal(of_levels(&of, b).held, has_winner ? 1 : 0);
        for (u16 i = 0; i < 3; i++)
            rounds += (u32)order_line_count(&of.town->shards[i].shard->orders,
                                            SAGA_LINE_HOLDING_REFUSED - 1);
        of_close(&of);
    }
    assert_true(won >= 55); /* both may lose to each other's release that is on its way */
    assert_true(rounds >= 10);
}

/* ---- coupons, gift cards, credit ---- */

static void put_coupon(struct of *of, i64 uses, i64 per_customer)
{
    const struct resource key = {.id = COUPON, .kind = RESOURCE_KIND_COUPON};
    const struct msg_promotion_put_req put = {.home_id = PROMOTION,
                                              .value = 1000,
                                              .coupon_id = COUPON,
                                              .per_customer = per_customer,
                                              .kind = PROMOTION_KIND_PERCENT,
                                              .is_limited = 1,
                                              .name = text64_of("ten", 3)};
    of_put(of, key, 0, uses);
    assert_int_equal(town_ask(of->town, OPCODE_PROMOTION_PUT, 0, &put, NULL, NULL, NULL),
                     STATUS_OK);
    town_carry_all(of->town);
}

static struct id128 buy_with_coupon(struct of *of, u64 user)
{
    basket_begin(of, user);
    basket_line(0, 10);
    basket.coupons[basket.coupon_count++] = (struct row_coupon){.coupon_id = COUPON};
    basket.ask.expected_total = 9 * OF_PRICE(0);
    const struct id128 order = basket_place(of);
    town_carry_all(of->town);
    return order;
}

static void a_coupon_is_used_so_often_and_no_more(void **state)
{
    (void)state;
    struct of of;
    for (u16 shards = 1; shards <= 3; shards += 2) {
        of_open(&of, shards);
        put_coupon(&of, 2, 0);
        const struct id128 first = buy_with_coupon(&of, 5);
        const struct id128 second = buy_with_coupon(&of, 6);
        expect_failed(&of, buy_with_coupon(&of, 7), STATUS_COUPON_EXHAUSTED, 1);
        /* One is given back with its order. */
        const struct msg_checkout_cancel_req cancel = {.order = first, .reason = 1};
        assert_int_equal(town_ask(of.town, OPCODE_CHECKOUT_CANCEL, 0, &cancel, NULL, NULL, NULL),
                         STATUS_OK);
        town_carry_all(of.town);
        const struct id128 third = buy_with_coupon(&of, 7);
        of_pay(&of);
        assert_int_equal(of_state(&of, second), SAGA_STATE_PAID);
        assert_int_equal(of_state(&of, third), SAGA_STATE_PAID);
        assert_int_equal(of_get(&of, third)->head.discount, OF_PRICE(0));
        expect_failed(&of, buy_with_coupon(&of, 8), STATUS_COUPON_EXHAUSTED, 1);
        of_close(&of);
    }
}

static void a_customer_has_so_many_uses(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    put_coupon(&of, 100, 2);
    for (u32 i = 0; i < 2; i++)
        assert_int_equal(of_state(&of, buy_with_coupon(&of, 5)), SAGA_STATE_AUTHORIZING);
    expect_failed(&of, buy_with_coupon(&of, 5), STATUS_LIMIT_EXCEEDED, 1);
    of_pay(&of);
    expect_failed(&of, buy_with_coupon(&of, 5), STATUS_LIMIT_EXCEEDED, 1);
    assert_int_equal(of_state(&of, buy_with_coupon(&of, 6)), SAGA_STATE_AUTHORIZING);
    of_pay(&of);
    of_close(&of);
}

static void a_coupon_that_nobody_wants_holds_nothing(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    basket_begin(&of, OF_USER);
    basket_line(0, 1);
    basket.coupons[basket.coupon_count++] = (struct row_coupon){.coupon_id = COUPON};
    const struct id128 order = basket_place(&of);
    /* At once: no shard was asked. */
    expect_failed(&of, order, STATUS_COUPON_INVALID, 0);
    assert_false(town_carry(of.town));
    of_close(&of);
}

static void a_gift_card_is_not_spent_twice(void **state)
{
    (void)state;
    struct of of;
    const struct resource card = {.id = 7001, .kind = RESOURCE_KIND_GIFT_CARD};
    for (u16 shards = 1; shards <= 3; shards += 2) {
        of_open(&of, shards);
        of_put(&of, card, 0, 500);
        struct id128 orders[2];
        for (u32 i = 0; i < 2; i++) {
            basket_begin(&of, 20 + i);
            basket_line(0, 1);
            basket_tender(TENDER_KIND_GIFT_CARD, card.id, 300);
            basket_tender(TENDER_KIND_OUTSIDE, 0, OF_PRICE(0) - 300);
            orders[i] = basket_place(&of);
            town_carry_all(of.town);
        }
        expect_failed(&of, orders[1], STATUS_CREDIT_SHORT, 1);
        of_pay(&of);
        const struct of_order *order = of_get(&of, orders[0]);
        assert_int_equal(order->head.state, SAGA_STATE_PAID);
        assert_int_equal(order->tenders[0].state, TENDER_STATE_SPENT);
        assert_int_equal(order->tenders[0].captured, 300);
        of_close(&of);
    }
}

static void a_gift_card_of_another_currency_is_given_back(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    const struct msg_sku_put_req put = {.resource = {.id = 7002, .kind = RESOURCE_KIND_CREDIT},
                                        .currency = 978};
    const struct msg_stock_receive_req receive = {.resource = put.resource, .quantity = 1000};
    const struct span code[MESSAGE_SPANS_MAX] = {{(const u8 *)"euros", 5}};
    assert_int_equal(town_ask(of.town, OPCODE_SKU_PUT, 0, &put, code, NULL, NULL), STATUS_OK);
    assert_int_equal(town_ask(of.town, OPCODE_STOCK_RECEIVE, 0, &receive, NULL, NULL, NULL),
                     STATUS_OK);
    basket_begin(&of, OF_USER);
    basket_line(0, 1);
    basket_tender(TENDER_KIND_CREDIT, put.resource.id, OF_PRICE(0));
    const struct id128 order = basket_place(&of);
    town_carry_all(of.town);
    expect_failed(&of, order, STATUS_CURRENCY_MISMATCH, 1);
    const struct msg_stock_get_req get = {.resource = put.resource};
    struct msg_stock_get_rsp level;
    town_read(of.town, OPCODE_STOCK_GET, 0, &get, NULL, &level, NULL);
    assert_int_equal(level.held, 0);
    of_close(&of);
}

/* ---- prices, and the cart ---- */

static void cart_add(struct of *of, u32 sku, i64 units, i64 seen)
{
    const struct msg_cart_add_req add = {.user_id = OF_USER,
                                         .sku_id = of_sku_id(sku),
                                         .quantity = units,
                                         .price_seen = seen,
                                         .currency = OF_GBP};
    assert_int_equal(town_ask(of->town, OPCODE_CART_ADD, 0, &add, NULL, NULL, NULL), STATUS_OK);
}

static struct msg_cart_get_rsp cart_get(struct of *of, struct row_cart_line *rows, u32 *count)
{
    const struct msg_cart_get_req ask = {.user_id = OF_USER};
    struct msg_cart_get_rsp answer;
    struct record_view view;
    town_read(of->town, OPCODE_CART_GET, 0, &ask, NULL, &answer, &view);
    const struct span span = view.spans[SPAN_OF(cart_get_rsp, lines)];
    *count = span.bytes / (u32)sizeof *rows;
    memcpy(rows, span.data, span.bytes);
    return answer;
}

static struct id128 buy_cart(struct of *of, i64 total)
{
    basket_begin(of, OF_USER);
    basket.ask.from_cart = 1;
    basket.ask.expected_total = total;
    return basket_place(of);
}

static void a_changed_price_names_its_lines_and_frees_the_cart(void **state)
{
    (void)state;
    struct of of;
    for (u16 shards = 1; shards <= 3; shards += 2) {
        struct row_failed_line failed[8];
        struct row_cart_line rows[8];
        u32 count;
        of_open(&of, shards);
        cart_add(&of, 0, 2, OF_PRICE(0));
        cart_add(&of, 1, 1, OF_PRICE(1) - 5);
        const i64 seen = 2 * OF_PRICE(0) + OF_PRICE(1) - 5;
        const struct id128 order = buy_cart(&of, seen);
        town_carry_all(of.town);
        expect_failed(&of, order, STATUS_PRICE_CHANGED, 1);
        const struct msg_checkout_status_rsp status = status_of(&of, order, failed, &count);
        assert_int_equal(status.total, seen + 5);
        assert_int_equal(failed[0].line, 1);
        assert_int_equal(failed[0].price, OF_PRICE(1));
        assert_int_equal(failed[0].status, STATUS_PRICE_CHANGED);
        const struct msg_cart_get_rsp cart = cart_get(&of, rows, &count);
        assert_int_equal(cart.state, CART_STATE_ACTIVE);
        assert_int_equal(count, 2);
        assert_int_equal(rows[0].quantity, 2);
        /* A new attempt with a new id. */
        const struct id128 again = buy_cart(&of, seen + 5);
        of_pay(&of);
        assert_int_equal(of_state(&of, again), SAGA_STATE_PAID);
        of_close(&of);
    }
}

static void a_cart_is_claimed_frozen_and_loses_what_was_bought(void **state)
{
    (void)state;
    struct of of;
    struct row_cart_line rows[8];
    u32 count;
    of_open(&of, 3);
    cart_add(&of, 0, 2, -1);
    cart_add(&of, 1, 1, -1);
    const i64 total = 2 * OF_PRICE(0) + OF_PRICE(1);
    const struct id128 order = buy_cart(&of, total);
    assert_int_equal(of_state(&of, order), SAGA_STATE_HOLDING);
    assert_int_equal(cart_get(&of, rows, &count).state, CART_STATE_CLAIMED);
    cart_add(&of, 0, 3, -1); /* another device */
    struct msg_checkout_rsp other;
    basket_begin(&of, OF_USER);
    basket.ask.from_cart = 1;
    assert_int_equal(basket_send(&of, &other), STATUS_CART_FROZEN);
    assert_true(id128_equal(other.frozen_by, order));
    town_carry_all(of.town);
    assert_int_equal(of_state(&of, order), SAGA_STATE_AUTHORIZING);
    assert_int_equal(cart_get(&of, rows, &count).state, CART_STATE_FROZEN);
    const struct msg_cart_clear_req clear = {.user_id = OF_USER};
    assert_int_equal(town_ask(of.town, OPCODE_CART_CLEAR, 0, &clear, NULL, NULL, NULL),
                     STATUS_CART_FROZEN);
    of_pay(&of);
    assert_int_equal(of_state(&of, order), SAGA_STATE_PAID);
    const struct msg_cart_get_rsp cart = cart_get(&of, rows, &count);
    assert_int_equal(cart.state, CART_STATE_ACTIVE);
    assert_true(id128_is_none(cart.order));
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].quantity, 3);
    of_close(&of);
}

static void a_shoppers_own_hold_is_used_up(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    set_stock(&of, 0, 5);
    const struct id128 hold = {.low = 77, .high = of.town->now_ns / NS_PER_MS << 16};
    const struct msg_hold_req ask = {
        .resource = of_sku(0), .quantity = 5, .owner = OF_USER, .id = hold, .lease_ms = 60000};
    assert_int_equal(town_ask(of.town, OPCODE_HOLD, 0, &ask, NULL, NULL, NULL), STATUS_OK);
    basket_begin(&of, OF_USER);
    basket_line(0, 5);
    const struct id128 without = basket_place(&of);
    expect_failed(&of, without, STATUS_OUT_OF_STOCK, 1);
    basket_begin(&of, OF_USER);
    basket_line(0, 3);
    basket_line(0, 2);
    basket.lines[1].hold = hold;
    const struct id128 with = basket_place(&of);
    assert_int_equal(of_state(&of, with), SAGA_STATE_AUTHORIZING);
    assert_int_equal(of_levels(&of, 0).held, 5);
    of_pay(&of);
    of_close(&of);
}

/* ---- many lines ---- */

static void many_lines_are_sorted_and_found_again(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 3);
    for (u32 i = 0; i < MANY; i++)
        if (i >= OF_SKUS)
            of_put(&of, of_sku(i), OF_PRICE(i), 10);
    set_stock(&of, 500, 1);
    for (u32 turn = 0; turn < 2; turn++) {
        basket_begin(&of, OF_USER);
        for (u32 i = 0; i < 1200; i++)
            basket_line(i * 7 % MANY, 1); /* each SKU twice */
        const struct id128 order = basket_place(&of);
        town_carry_all(of.town);
        if (turn == 0) {
            struct row_failed_line rows[8];
            u32 count;
            expect_failed(&of, order, STATUS_OUT_OF_STOCK, 2);
            (void)status_of(&of, order, rows, &count);
            for (u32 i = 0; i < count; i++) {
                assert_int_equal(rows[i].line * 7 % MANY, 500);
                assert_int_equal(rows[i].wanted, 2);
                assert_int_equal(rows[i].sellable, 1);
            }
            set_stock(&of, 500, 2);
            continue;
        }
        of_pay(&of);
        const struct msg_checkout_status_req ask = {.order = order};
        struct msg_checkout_status_rsp answer;
        town_read(of.town, OPCODE_CHECKOUT_STATUS, 0, &ask, NULL, &answer, NULL);
        assert_int_equal(answer.state, SAGA_STATE_PAID);
        assert_int_equal(of_levels(&of, 500).allocated, 2);
        assert_int_equal(of_levels(&of, 599).allocated, 2);
    }
    of_close(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_that_is_short_is_named),
        cmocka_unit_test(lines_of_one_sku_are_held_together),
        cmocka_unit_test(what_does_not_exist_fails_as_that),
        cmocka_unit_test(of_two_baskets_never_both_win),
        cmocka_unit_test(a_coupon_is_used_so_often_and_no_more),
        cmocka_unit_test(a_customer_has_so_many_uses),
        cmocka_unit_test(a_coupon_that_nobody_wants_holds_nothing),
        cmocka_unit_test(a_gift_card_is_not_spent_twice),
        cmocka_unit_test(a_gift_card_of_another_currency_is_given_back),
        cmocka_unit_test(a_changed_price_names_its_lines_and_frees_the_cart),
        cmocka_unit_test(a_cart_is_claimed_frozen_and_loses_what_was_bought),
        cmocka_unit_test(a_shoppers_own_hold_is_used_up),
        cmocka_unit_test(many_lines_are_sorted_and_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
