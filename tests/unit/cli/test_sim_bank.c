/* Tests of client/cli/sim_bank: a bank that does each thing once, and notices who asks twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "client/cli/sim_bank.h"

/* A command of order `n`. Step 1 is the authorisation. */
static struct souk_command_poll_reply command_of(u64 n, u16 kind, u32 step, u32 attempt, i64 amount)
{
    return (struct souk_command_poll_reply){.order = {.low = n << 16, .high = n},
                                            .amount = amount,
                                            .step = step,
                                            .attempt = attempt,
                                            .subject = kind == SOUK_COMMAND_AUTHORIZE ? 0 : 1,
                                            .kind = kind,
                                            .currency = 826};
}

static u16 ask(struct sim_bank *bank, u64 n, u16 kind, u32 step, u32 attempt, i64 amount)
{
    const struct souk_command_poll_reply command = command_of(n, kind, step, attempt, amount);
    return sim_bank_execute(bank, &command, SIM_MOOD_WILLING)->result;
}

static u64 violations(const struct sim_bank *bank)
{
    const struct sim_totals totals = sim_bank_totals(bank);
    return sim_bank_violations(&totals);
}

static void a_key_is_executed_once(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(ask(bank, 1, SOUK_COMMAND_AUTHORIZE, 1, 1, 100), SOUK_EVENT_AUTHORIZED);
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(ask(bank, 1, SOUK_COMMAND_CAPTURE, 2, 1, 60), SOUK_EVENT_CAPTURED);
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_CAPTURE, 3, 1, 40), SOUK_EVENT_CAPTURED);
    for (u32 i = 0; i < 2; i++)
        assert_int_equal(ask(bank, 1, SOUK_COMMAND_REFUND, 4, 1, 100), SOUK_EVENT_REFUNDED);
    const struct sim_totals totals = sim_bank_totals(bank);
    assert_int_equal(totals.captures, 2);
    assert_int_equal(totals.captured_amount, 100);
    assert_int_equal(totals.refunded_amount, 100);
    assert_int_equal(totals.deeds, 4);
    assert_int_equal(totals.asked_again, 5);
    assert_int_equal(violations(bank), 0);
    sim_bank_close(bank);
}

static void who_charges_twice_is_noticed(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    (void)ask(bank, 1, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    (void)ask(bank, 1, SOUK_COMMAND_CAPTURE, 2, 1, 40);
    /* A new key without proof that the first one failed. */
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_CAPTURE, 2, 2, 40), SOUK_EVENT_CAPTURE_FAILED);
    assert_int_equal(sim_bank_totals(bank).charged_twice, 1);
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_CAPTURE, 3, 1, 61), SOUK_EVENT_CAPTURE_FAILED);
    assert_int_equal(sim_bank_totals(bank).beyond_authorized, 1);
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_REFUND, 4, 1, 41), SOUK_EVENT_REFUND_FAILED);
    assert_int_equal(sim_bank_totals(bank).beyond_captured, 1);
    assert_int_equal(ask(bank, 2, SOUK_COMMAND_CAPTURE, 2, 1, 1), SOUK_EVENT_CAPTURE_FAILED);
    assert_int_equal(sim_bank_totals(bank).beyond_authorized, 2);
    (void)ask(bank, 1, SOUK_COMMAND_CAPTURE, 2, 1, 41); /* a known key with another amount */
    assert_int_equal(sim_bank_totals(bank).changed_keys, 1);
    assert_int_equal(sim_bank_totals(bank).captured_amount, 40);
    assert_int_equal(violations(bank), 5);
    sim_bank_close(bank);
}

static void a_proven_failure_allows_a_new_key(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    (void)ask(bank, 1, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    const struct souk_command_poll_reply first = command_of(1, SOUK_COMMAND_CAPTURE, 2, 1, 100);
    assert_int_equal(sim_bank_execute(bank, &first, SIM_MOOD_FAILS)->result,
                     SOUK_EVENT_CAPTURE_FAILED);
    assert_int_equal(sim_bank_execute(bank, &first, SIM_MOOD_WILLING)->result,
                     SOUK_EVENT_CAPTURE_FAILED); /* for good, under that key */
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_CAPTURE, 2, 2, 100), SOUK_EVENT_CAPTURED);
    assert_int_equal(violations(bank), 0);
    sim_bank_close(bank);
}

static void what_is_voided_is_not_captured(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_VOID, 2, 1, 100), SOUK_EVENT_NO_SUCH_PAYMENT);
    (void)ask(bank, 2, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    assert_int_equal(ask(bank, 2, SOUK_COMMAND_VOID, 2, 1, 100), SOUK_EVENT_VOIDED);
    assert_int_equal(violations(bank), 0);
    assert_int_equal(ask(bank, 2, SOUK_COMMAND_CAPTURE, 3, 1, 100), SOUK_EVENT_CAPTURE_FAILED);
    assert_int_equal(sim_bank_totals(bank).after_void, 1);
    sim_bank_close(bank);
}

/* What a QUERY about step 2 of an order hears. */
static u16 query(const struct sim_bank *bank, u64 n, u16 kind, const char *reference)
{
    struct souk_command_poll_reply about = command_of(n, SOUK_COMMAND_QUERY, 3, 1, 100);
    about.subject = 2;
    about.subject_attempt = 1;
    about.subject_kind = kind;
    about.reference = souk_text64_of(reference);
    return sim_bank_missing(bank, &about);
}

/* "No such payment" is about the payment: what is there and was not voided has to be. */
static void a_void_that_never_came_has_failed(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    const struct souk_command_poll_reply asked = command_of(3, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    assert_int_equal(query(bank, 1, SOUK_COMMAND_VOID, ""), SOUK_EVENT_NO_SUCH_PAYMENT);
    (void)ask(bank, 1, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    assert_int_equal(query(bank, 1, SOUK_COMMAND_VOID, ""), SOUK_EVENT_VOID_FAILED);
    assert_int_equal(query(bank, 1, SOUK_COMMAND_CAPTURE, ""), SOUK_EVENT_NO_SUCH_PAYMENT);
    assert_int_equal(query(bank, 2, SOUK_COMMAND_VOID, ""), SOUK_EVENT_NO_SUCH_PAYMENT);
    assert_int_equal(query(bank, 2, SOUK_COMMAND_VOID, "sim-of-yesterday"), SOUK_EVENT_VOID_FAILED);
    assert_int_equal(query(bank, 2, SOUK_COMMAND_AUTHORIZE, ""), SOUK_EVENT_NO_SUCH_PAYMENT);
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_VOID, 2, 2, 100), SOUK_EVENT_VOIDED);
    assert_int_equal(query(bank, 1, SOUK_COMMAND_VOID, ""), SOUK_EVENT_VOIDED);
    /* The shopper is being asked: that is a payment, and it can be voided. */
    (void)sim_bank_execute(bank, &asked, SIM_MOOD_ASKS);
    assert_int_equal(query(bank, 3, SOUK_COMMAND_VOID, ""), SOUK_EVENT_VOID_FAILED);
    assert_int_equal(ask(bank, 3, SOUK_COMMAND_VOID, 2, 2, 100), SOUK_EVENT_VOIDED);
    assert_null(sim_bank_act(bank, asked.order, 1, 1, false));
    /* What was declined is none. */
    const struct souk_command_poll_reply poor = command_of(4, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    (void)sim_bank_execute(bank, &poor, SIM_MOOD_DECLINES);
    assert_int_equal(query(bank, 4, SOUK_COMMAND_VOID, ""), SOUK_EVENT_NO_SUCH_PAYMENT);
    sim_bank_close(bank);
}

static void a_shopper_acts_once(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    const struct souk_command_poll_reply asked = command_of(1, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    assert_int_equal(sim_bank_execute(bank, &asked, SIM_MOOD_ASKS)->result, SOUK_EVENT_ACTION);
    assert_int_equal(sim_bank_totals(bank).authorized_amount, 0);
    assert_int_equal(sim_bank_act(bank, asked.order, 1, 1, false)->result, SOUK_EVENT_AUTHORIZED);
    assert_null(sim_bank_act(bank, asked.order, 1, 1, false));
    assert_int_equal(ask(bank, 1, SOUK_COMMAND_AUTHORIZE, 1, 1, 100), SOUK_EVENT_AUTHORIZED);
    assert_int_equal(sim_bank_totals(bank).authorized_amount, 100);
    /* Given up before the shopper came. */
    const struct souk_command_poll_reply late = command_of(2, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    (void)sim_bank_execute(bank, &late, SIM_MOOD_ASKS);
    (void)ask(bank, 2, SOUK_COMMAND_VOID, 2, 1, 100);
    assert_null(sim_bank_act(bank, late.order, 1, 1, false));
    assert_int_equal(sim_bank_totals(bank).authorized_amount, 100);
    sim_bank_close(bank);
}

static void payments_of_earlier_books_are_adopted(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    struct souk_command_poll_reply capture = command_of(1, SOUK_COMMAND_CAPTURE, 2, 1, 100);
    capture.reference = souk_text64_of("sim-of-yesterday");
    assert_int_equal(sim_bank_execute(bank, &capture, SIM_MOOD_WILLING)->result,
                     SOUK_EVENT_CAPTURED);
    assert_int_equal(sim_bank_totals(bank).adopted, 1);
    assert_int_equal(violations(bank), 0);
    /* What these books know is judged, whatever the engine believes. */
    (void)ask(bank, 2, SOUK_COMMAND_AUTHORIZE, 1, 1, 100);
    capture = command_of(2, SOUK_COMMAND_CAPTURE, 2, 1, 101);
    capture.reference = souk_text64_of("sim-x");
    (void)sim_bank_execute(bank, &capture, SIM_MOOD_WILLING);
    assert_int_equal(violations(bank), 1);
    sim_bank_close(bank);
}

static void books_grow(void **state)
{
    (void)state;
    enum { ORDERS = 20000 };
    struct sim_bank *bank = sim_bank_open();
    struct sim_account account;
    u64 at = 0, seen = 0;
    i64 captured = 0;
    for (u64 n = 1; n <= ORDERS; n++) {
        (void)ask(bank, n, SOUK_COMMAND_AUTHORIZE, 1, 1, (i64)n);
        (void)ask(bank, n, SOUK_COMMAND_CAPTURE, 2, 1, (i64)n);
    }
    for (u64 n = 1; n <= ORDERS; n++) {
        const struct souk_command_poll_reply command =
            command_of(n, SOUK_COMMAND_CAPTURE, 2, 1, (i64)n);
        const struct sim_deed *deed = sim_bank_find(bank, command.order, 2, 1);
        assert_non_null(deed);
        assert_int_equal(deed->amount, n);
        assert_null(sim_bank_find(bank, command.order, 2, 2));
    }
    while (sim_bank_next(bank, &at, &account)) {
        assert_int_equal(account.captured, account.authorized);
        captured += account.captured;
        seen++;
    }
    assert_int_equal(seen, ORDERS);
    assert_int_equal(captured, (i64)ORDERS * (ORDERS + 1) / 2);
    assert_int_equal(violations(bank), 0);
    sim_bank_close(bank);
}

static void references_name_their_command(void **state)
{
    (void)state;
    struct sim_bank *bank = sim_bank_open();
    const struct souk_command_poll_reply command =
        command_of(UINT64_MAX, SOUK_COMMAND_AUTHORIZE, UINT32_MAX, UINT32_MAX, 1);
    const struct souk_text64 reference =
        sim_reference(sim_bank_execute(bank, &command, SIM_MOOD_WILLING));
    char text[SOUK_TEXT64_MAX];
    struct souk_id128 order;
    u32 step, attempt;
    souk_text64_print(&reference, text);
    assert_memory_equal(text, "sim-", 4);
    assert_int_equal(souk_command_key_parse(text + 4, &order, &step, &attempt), 0);
    assert_true(order.high == command.order.high && step == UINT32_MAX && attempt == UINT32_MAX);
    sim_bank_close(bank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_executed_once),
        cmocka_unit_test(who_charges_twice_is_noticed),
        cmocka_unit_test(a_proven_failure_allows_a_new_key),
        cmocka_unit_test(what_is_voided_is_not_captured),
        cmocka_unit_test(a_void_that_never_came_has_failed),
        cmocka_unit_test(a_shopper_acts_once),
        cmocka_unit_test(payments_of_earlier_books_are_adopted),
        cmocka_unit_test(books_grow),
        cmocka_unit_test(references_name_their_command),
    };
    return cmocka_run_group_tests_name("sim_bank", tests, NULL, NULL);
}
