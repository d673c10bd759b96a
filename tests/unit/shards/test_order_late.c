/* test_order_late: what becomes of a payment that comes when the order has given its stock back: the rule
 * of docs/orders.md, "Expiry while a payment is in flight", timeline by timeline.
 *
 *      0          15 min          60 min
 *      |-- lease --|-- unknown ----|-- void, until it is answered --|
 *      authorised: placed          taken again, or voided           voided
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/order_script.h"

#define ALL 1099

#define A          COMMAND_KIND_AUTHORIZE
#define C          COMMAND_KIND_CAPTURE
#define V          COMMAND_KIND_VOID
#define Q          COMMAND_KIND_QUERY
#define E(kind)    PAYMENT_EVENT_##kind
#define IS(name)   .state = SAGA_STATE_##name
#define BUT(name)  .reason = STATUS_##name
#define DOES(name) .effect = PAYMENT_EFFECT_##name

/* A worker has the authorisation and is never heard of again; an hour goes by. */
#define UNPAID                                                                        \
    {BUY, IS(AUTHORIZING)}, {LEASE, A}, {WAIT, 0, 15 * MINUTE - 1, IS(AUTHORIZING)},  \
        {WAIT, 0, 1, IS(AUTH_UNKNOWN)}, {WAIT, 0, 45 * MINUTE - 1, IS(AUTH_UNKNOWN)}, \
    {                                                                                 \
        WAIT, 0, 1, IS(VOID_PENDING), BUT(PAYMENT_EXPIRED)                            \
    }
#define PAY                         \
    {LEASE, C},                     \
    {                               \
        TELL, E(CAPTURED), IS(PAID) \
    }
#define VOIDED_AS(name)                                          \
    {LEASE, V},                                                  \
    {                                                            \
        TELL, E(VOIDED), IS(CANCELLED), BUT(name), DOES(APPLIED) \
    }

static const struct line in_time[] = {{BUY},
                                      {LEASE, A},
                                      {WAIT, 0, 60 * MINUTE - 1, IS(AUTH_UNKNOWN)},
                                      {HOOK, E(AUTHORIZED), IS(CAPTURING), DOES(APPLIED)},
                                      {AGAIN, DOES(SEEN), IS(CAPTURING)},
                                      PAY,
                                      {END}};
static const struct line taken_again[] = {
    UNPAID,        {HOOK, E(AUTHORIZED), IS(CAPTURING), DOES(LATE_RETAKE)},
    {NO_LEASE, V}, {AGAIN, DOES(SEEN), IS(CAPTURING)},
    PAY,           {END}};
static const struct line stock_is_gone[] = {
    UNPAID,
    {STEAL},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), BUT(LATE_PAYMENT), DOES(LATE_RETAKE)},
    {AGAIN, DOES(SEEN), IS(VOID_PENDING)},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
static const struct line void_is_leased[] = {
    UNPAID,
    {LEASE, V},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), BUT(LATE_PAYMENT), DOES(LATE_VOID)},
    {TELL, E(VOIDED), IS(CANCELLED), BUT(LATE_PAYMENT)},
    {END}};
static const struct line void_was_leased[] = {
    UNPAID,
    {LEASE, V, 1000},
    {WAIT, 0, 1000, IS(VOID_PENDING)},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), BUT(LATE_PAYMENT), DOES(LATE_VOID)},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
static const struct line after_the_end[] = {
    UNPAID,
    VOIDED_AS(PAYMENT_EXPIRED),
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), BUT(LATE_PAYMENT), DOES(LATE_VOID)},
    {AGAIN, DOES(SEEN), IS(VOID_PENDING)},
    VOIDED_AS(LATE_PAYMENT),
    {AGAIN, DOES(SEEN), IS(CANCELLED)},
    {END}};
static const struct line while_releasing[] = {
    {BUY},
    {LEASE, A},
    {WAIT, 0, 15 * MINUTE},
    {WAIT, 0, 45 * MINUTE, IS(COMPENSATING), .is_held_back = true},
    {HOOK, E(AUTHORIZED), IS(COMPENSATING), BUT(LATE_PAYMENT), DOES(LATE_VOID),
     .is_held_back = true},
    {CARRY, IS(VOID_PENDING), BUT(LATE_PAYMENT)},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
static const struct line given_up_first[] = {
    {BUY},
    {LEASE, A},
    {GIVE_UP, IS(VOID_PENDING), BUT(GIVEN_UP)},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), BUT(GIVEN_UP), DOES(LATE_VOID)},
    VOIDED_AS(GIVEN_UP),
    {END}};
static const struct line given_up_then[] = {
    UNPAID,
    {GIVE_UP, IS(VOID_PENDING), BUT(GIVEN_UP)},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), BUT(GIVEN_UP), DOES(LATE_VOID)},
    VOIDED_AS(GIVEN_UP),
    {END}};
static const struct line declined_first[] = {
    {BUY},
    {LEASE, A},
    {TELL, E(DECLINED), IS(CANCELLED), BUT(PAYMENT_DECLINED)},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), BUT(LATE_PAYMENT), DOES(LATE_VOID)},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
static const struct line too_little[] = {
    UNPAID,
    {HOOK, E(AUTHORIZED), ALL - 1, IS(VOID_PENDING), BUT(LATE_PAYMENT), DOES(LATE_VOID)},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
static const struct line declined_late[] = {
    UNPAID, {HOOK, E(DECLINED), IS(CANCELLED), DOES(APPLIED)}, {NO_LEASE, V}, {END}};
static const struct line nothing_to_void[] = {
    UNPAID, {LEASE, V}, {TELL, E(NO_SUCH_PAYMENT), IS(CANCELLED), .of = V}, {END}};

/* The provider said that there is nothing to void before it authorised: said again, it proves nothing. */
static const struct line voided_too_early[] = {
    UNPAID,
    {LEASE, V},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), DOES(LATE_VOID)},
    {TELL, E(NO_SUCH_PAYMENT), IS(VOID_PENDING), DOES(APPLIED), .of = V},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
/* Asked too early: a worker has the authorisation in hand. */
static const struct line asked_too_early[] = {
    {BUY},
    {LEASE, A},
    {WAIT, 0, 15 * MINUTE, IS(AUTH_UNKNOWN)},
    {LEASE, Q},
    {TELL, E(NO_SUCH_PAYMENT), IS(VOID_PENDING), BUT(PAYMENT_DECLINED), DOES(APPLIED), .of = Q},
    {TELL, E(AUTHORIZED), IS(VOID_PENDING), DOES(LATE_VOID)},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
/* The second event of a payment that was given back once is not taken for another one. */
static const struct line refused_twice[] = {
    UNPAID,
    {STEAL},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), DOES(LATE_RETAKE)},
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), DOES(STALE)},
    VOIDED_AS(LATE_PAYMENT),
    {HOOK, E(AUTHORIZED), IS(VOID_PENDING), DOES(LATE_VOID)},
    VOIDED_AS(LATE_PAYMENT),
    {END}};
static const struct line unheard_of[] = {/* no worker ever asked: a void all the same */
                                         {BUY},
                                         {WAIT, 0, 15 * MINUTE, IS(AUTH_UNKNOWN)},
                                         {WAIT, 0, 45 * MINUTE, IS(VOID_PENDING)},
                                         {NO_LEASE, A},
                                         VOIDED_AS(PAYMENT_EXPIRED),
                                         {END}};

static const struct script scripts[] = {
    {"in time", in_time, ALL},
    {"taken again", taken_again, ALL},
    {"taken again with a gift card", taken_again, ALL, .card = 500},
    {"stock is gone", stock_is_gone},
    {"void is leased", void_is_leased},
    {"void was leased", void_was_leased},
    {"after the end", after_the_end},
    {"while releasing", while_releasing, .is_spread = true},
    {"given up first", given_up_first},
    {"given up then", given_up_then},
    {"declined first", declined_first},
    {"too little", too_little},
    {"declined late", declined_late},
    {"nothing to void", nothing_to_void},
    {"voided too early", voided_too_early},
    {"asked too early", asked_too_early},
    {"refused twice", refused_twice},
    {"unheard of", unheard_of},
};

static struct run run;

static void every_timeline_ends_as_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++)
        run_script(&run, &scripts[i]);
    static const u8 lines[] = {SAGA_LINE_HOLDING_RETAKEN, SAGA_LINE_HOLDING_RETAKE_REFUSED,
                               SAGA_LINE_VOID_PENDING_LATE, SAGA_LINE_CANCELLED_LATE,
                               SAGA_LINE_AUTH_UNKNOWN_UNPAID};
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
        assert_int_not_equal(run.taken[lines[i]], 0);
}

/* Two cards: the order is complete, and taken again, only when both have authorised. */
static void pay_late(bool is_second)
{
    struct of of;
    of_open(&of, 1);
    const struct row_checkout_line line = {
        .sku_id = of_sku_id(0), .quantity = 1, .agreed_price = -1};
    const struct row_tender tenders[2] = {{.amount = 100}, {.amount = OF_PRICE(0) - 100}};
    const struct id128 order = {.high = OF_USER, .low = of.town->now_ns / NS_PER_MS << 16};
    const struct msg_checkout_req ask = {
        .order = order, .expected_total = OF_PRICE(0), .currency = OF_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)&line, sizeof line},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)tenders, sizeof tenders}};
    assert_int_equal(town_ask(of.town, OPCODE_CHECKOUT, 0, &ask, spans, NULL, NULL), STATUS_OK);
    town_wait(of.town, 61 * MINUTE * NS_PER_MS); /* at once: the lease, then the hard maximum */
    assert_int_equal(of_state(&of, order), SAGA_STATE_VOID_PENDING);
    struct msg_payment_event_req event = {
        .order = order, .amount = 100, .kind = PAYMENT_EVENT_AUTHORIZED, .currency = OF_GBP};
    event.reference = text64_of("first", 5);
    struct msg_payment_event_rsp answer;
    (void)town_ask(of.town, OPCODE_PAYMENT_EVENT, 0, &event, NULL, &answer, NULL);
    assert_int_equal(answer.effect, PAYMENT_EFFECT_LATE_VOID);
    assert_int_equal(answer.state, SAGA_STATE_VOID_PENDING);
    event.tender = is_second ? 1 : 0;
    event.amount = OF_PRICE(0) - 100;
    event.reference = text64_of("second", 6);
    if (is_second) {
        (void)town_ask(of.town, OPCODE_PAYMENT_EVENT, 0, &event, NULL, &answer, NULL);
        assert_int_equal(answer.effect, PAYMENT_EFFECT_LATE_RETAKE);
        assert_int_equal(answer.state, SAGA_STATE_CAPTURING);
    }
    of_pay(&of);
    assert_int_equal(of_state(&of, order), is_second ? SAGA_STATE_PAID : SAGA_STATE_CANCELLED);
    assert_int_equal(of_get(&of, order)->head.reason, is_second ? 0 : STATUS_LATE_PAYMENT);
    of_close(&of);
}

static void one_of_two_tenders_is_not_enough(void **state)
{
    (void)state;
    pay_late(false);
}

static void both_of_two_tenders_are(void **state)
{
    (void)state;
    pay_late(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_timeline_ends_as_it_says),
        cmocka_unit_test(one_of_two_tenders_is_not_enough),
        cmocka_unit_test(both_of_two_tenders_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
