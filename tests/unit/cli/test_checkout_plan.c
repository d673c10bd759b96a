/* Tests of client/cli/checkout_plan, cli_terms: what the options of a checkout become.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "client/cli/checkout_plan.h"

#define GBP       826u
#define JPY       392u
#define WORDS_MAX 300

static void lines_have_a_quantity_and_may_have_a_price(void **state)
{
    (void)state;
    struct souk_row_checkout_line line;
    assert_null(checkout_line_parse("MUG=2", GBP, &line));
    assert_true(line.sku_id == souk_id("MUG", 3));
    assert_int_equal(line.quantity, 2);
    assert_int_equal(line.agreed_price, -1);
    assert_int_equal(line.reason, 0);
    assert_null(checkout_line_parse("MUG=2@4.50:broken box", GBP, &line));
    assert_int_equal(line.agreed_price, 450);
    assert_true(line.reason == souk_id("broken box", 10));
    assert_null(checkout_line_parse("MUG=2@0", GBP, &line));
    assert_int_equal(line.agreed_price, 0);
    assert_true(line.reason == souk_id("agreed", 6));
    assert_null(checkout_line_parse("MUG=1@4", JPY, &line));
    assert_int_equal(line.agreed_price, 4);
    /* The last '=' counts, and '@' and ':' may be in a code. */
    assert_null(checkout_line_parse("a=b@c:d=7", GBP, &line));
    assert_true(line.sku_id == souk_id("a=b@c:d", 7));
    assert_int_equal(line.quantity, 7);
}

static void wrong_lines_are_explained(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "MUG",
                                      "MUG=",
                                      "=2",
                                      "MUG=0",
                                      "MUG=-1",
                                      "MUG=1.5",
                                      "MUG=2147483649",
                                      "MUG=2@",
                                      "MUG=2@-1",
                                      "MUG=2@1.234",
                                      "MUG=2@1:",
                                      "MUG=2@x",
                                      "MUG=2@4.50:a=b",
                                      "MUG=11111111111111111111111111"};
    struct souk_row_checkout_line line = {.quantity = 77};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *reason = checkout_line_parse(bad[i], GBP, &line);
        assert_non_null(reason);
        assert_true(strlen(reason) > 5);
        assert_int_equal(line.quantity, 77);
    }
}

/* ---- whole command lines ---- */

struct parsed {
    char text[8192];
    char *argv[WORDS_MAX + 1];
    struct verb_args args;
    char error[VERB_ERROR_BYTES];
    struct checkout_plan plan;
    struct cli cli;
};

/* Usage errors are expected here, and go nowhere. */
static int hush(void)
{
    const int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)close(nowhere);
    return kept;
}

static void unhush(int kept)
{
    (void)fflush(stderr);
    (void)dup2(kept, STDERR_FILENO);
    (void)close(kept);
}

static bool read_hushed(struct parsed *parsed)
{
    const int kept = hush();
    const bool is_good = checkout_plan_read(&parsed->cli, &parsed->args, &parsed->plan);
    unhush(kept);
    return is_good;
}

static bool lines_hushed(struct parsed *parsed, bool has_damaged, struct cli_lines *lines)
{
    const int kept = hush();
    const bool is_good = cli_option_lines(&parsed->cli, &parsed->args, has_damaged, lines);
    unhush(kept);
    return is_good;
}

/* Splits at blanks and reads. */
static bool read_plan(struct parsed *parsed, const char *text)
{
    char *rest = NULL;
    int argc = 0;
    (void)snprintf(parsed->text, sizeof parsed->text, "%s", text);
    for (char *word = strtok_r(parsed->text, " ", &rest); word != NULL && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        parsed->argv[argc++] = word;
    parsed->argv[argc] = NULL;
    if (verb_parse(argc, parsed->argv, &parsed->args, parsed->error, sizeof parsed->error) == NULL)
        return false;
    return read_hushed(parsed);
}

static struct parsed *parsed_new(void)
{
    struct parsed *parsed = calloc(1, sizeof *parsed);
    MUST(parsed != NULL);
    return parsed;
}

static void options_become_a_record(void **state)
{
    (void)state;
    struct parsed *parsed = parsed_new();
    const struct checkout_plan *plan = &parsed->plan;
    assert_true(read_plan(parsed,
                          "checkout alice --line A=1@10 --line B=2@5 --tax 4 --shipping 3 "
                          "--fee wrap=1 --total 28 --gift-card G=5 --card tok_1 --capture ship "
                          "--coupon XMAS --workers 9"));
    assert_true(plan->record.order.high == souk_id("alice", 5));
    assert_int_equal(plan->record.currency, GBP);
    assert_int_equal(plan->record.capture, SOUK_CAPTURE_ON_SHIP);
    assert_int_equal(plan->record.from_cart, 0);
    assert_int_equal(plan->line_count, 2);
    assert_int_equal(plan->charge_count, 3);
    assert_int_equal(plan->charged, 800);
    assert_int_equal(plan->charges[0].kind, SOUK_AMOUNT_TAX);
    assert_true(plan->charges[2].line == SOUK_LINE_NONE);
    assert_true(plan->charges[2].code == souk_id("wrap", 4));
    assert_int_equal(plan->coupon_count, 1);
    assert_true(plan->coupons[0].coupon_id == souk_id("XMAS", 4));
    assert_int_equal(plan->tender_count, 2);
    assert_int_equal(plan->tenders[0].kind, SOUK_TENDER_GIFT_CARD);
    assert_int_equal(plan->tenders[0].amount, 500);
    assert_int_equal(plan->tenders[1].group, 9);
    assert_int_equal(plan->open_card, 1);
    /* The card pays what is left; nothing is sent for that. */
    assert_int_equal(checkout_plan_price(&parsed->cli, &parsed->plan), CLI_EXIT_DONE);
    assert_int_equal(plan->tenders[1].amount, 2300);
    assert_int_equal(plan->record.tenders.bytes, 2 * sizeof plan->tenders[0]);
    free(parsed);
}

static void agreed_prices_and_charges_make_the_total(void **state)
{
    (void)state;
    struct parsed *parsed = parsed_new();
    assert_true(
        read_plan(parsed, "checkout guest:t --line A=3@10 --line A=1@0.50 --tax 1 --card t"));
    assert_true(parsed->plan.record.order.high == souk_guest("t"));
    assert_int_equal(checkout_plan_price(&parsed->cli, &parsed->plan), CLI_EXIT_DONE);
    assert_int_equal(parsed->plan.record.expected_total, 3150);
    assert_int_equal(parsed->plan.tenders[0].amount, 3150);
    /* What others pay leaves nothing for the card: it is no tender. */
    assert_true(read_plan(parsed, "checkout bob --line A=1@10 --card t --credit bob=10"));
    assert_int_equal(checkout_plan_price(&parsed->cli, &parsed->plan), CLI_EXIT_DONE);
    assert_int_equal(parsed->plan.tender_count, 1);
    assert_int_equal(parsed->plan.tenders[0].kind, SOUK_TENDER_CREDIT);
    assert_true(parsed->plan.tenders[0].account == souk_id("bob", 3));
    /* Nothing to pay, nothing to pay with. */
    assert_true(read_plan(parsed, "checkout bob --line A=1@0 --card t"));
    assert_int_equal(checkout_plan_price(&parsed->cli, &parsed->plan), CLI_EXIT_DONE);
    assert_int_equal(parsed->plan.record.tenders.bytes, 0);
    assert_true(read_plan(parsed, "checkout bob --line A=2147483648@90000000000 --card t"));
    const int kept = hush();
    const int exit_code = checkout_plan_price(&parsed->cli, &parsed->plan);
    unhush(kept);
    assert_int_equal(exit_code, CLI_EXIT_USAGE);
    free(parsed);
}

static void wrong_options_are_usage_errors(void **state)
{
    (void)state;
    static const char nine_cards[] =
        "checkout alice --line A=1 --card a=1 --card b=1 --card c=1 --card d=1 --card e=1 "
        "--card f=1 --card g=1 --card h=1 --card i=1";
    static const char *const bad[] = {
        "checkout alice",
        "checkout alice --cart --line A=1",
        "checkout alice --cart --coupon X",
        "checkout alice --line A=1 --card a --card b",
        "checkout alice --line A=1 --gift-card G",
        "checkout alice --line A=1 --gift-card G=-1",
        "checkout alice --line A=1 --credit =5",
        "checkout alice --line A=1 --capture later",
        "checkout alice --line A=1 --currency XXX",
        "checkout alice --line A=1 --total 1.234",
        "checkout alice --line A=1 --fee 5",
        "checkout alice --line A=1 --order 0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE", /* of another */
        "checkout alice --line A=1 --order 0FXQ",
        "checkout alice --line A=1 --address /nowhere/at/all",
        "checkout alice --cart --cart-version 0",
        "checkout alice --line A=1 --card a=1 --card b --card c=1 --card d=1 --gift-card e",
        nine_cards,
    };
    struct parsed *parsed = parsed_new();
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        if (read_plan(parsed, bad[i]))
            fail_msg("was taken: %s", bad[i]);
    free(parsed);
}

static void an_address_is_a_file(void **state)
{
    (void)state;
    struct parsed *parsed = parsed_new();
    char path[] = "/tmp/souk-address-XXXXXX", line[200], bytes[ADDRESS_BYTES_MAX + 1];
    const int fd = mkstemp(path);
    memset(bytes, 'a', sizeof bytes);
    assert_int_equal(write(fd, bytes, ADDRESS_BYTES_MAX), ADDRESS_BYTES_MAX);
    (void)snprintf(line, sizeof line, "checkout alice --line A=1@1 --address %s", path);
    assert_true(read_plan(parsed, line));
    assert_int_equal(parsed->plan.record.address.bytes, ADDRESS_BYTES_MAX);
    assert_int_equal(write(fd, bytes, 1), 1);
    assert_false(read_plan(parsed, line));
    (void)close(fd);
    (void)unlink(path);
    free(parsed);
}

/* ---- lines of orders ---- */

static void order_lines_are_indexes_with_quantities(void **state)
{
    (void)state;
    struct parsed *parsed = parsed_new();
    struct cli_lines lines = {0};
    static const char number[] = "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE";
    char text[200];
    (void)snprintf(text, sizeof text, "return receive %s 1 --line 0=2 --line 7=3:1", number);
    (void)read_plan(parsed, text);
    assert_true(lines_hushed(parsed, true, &lines));
    assert_int_equal(lines.count, 2);
    assert_int_equal(lines.rows[0].quantity, 2);
    assert_int_equal(lines.rows[0].damaged, 0);
    assert_int_equal(lines.rows[1].line, 7);
    assert_int_equal(lines.rows[1].damaged, 1);
    free(lines.rows);
    /* Only what comes in can be damaged. */
    assert_false(lines_hushed(parsed, false, &lines));
    free(lines.rows);
    static const char *const bad[] = {"0", "=1", "0=", "x=1", "0=1:2:3", "2000=1", "0=1=2", "0=-1"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        (void)snprintf(text, sizeof text, "return receive %s 1 --line %s", number, bad[i]);
        (void)read_plan(parsed, text);
        assert_false(lines_hushed(parsed, true, &lines));
        free(lines.rows);
    }
    free(parsed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_a_quantity_and_may_have_a_price),
        cmocka_unit_test(wrong_lines_are_explained),
        cmocka_unit_test(options_become_a_record),
        cmocka_unit_test(agreed_prices_and_charges_make_the_total),
        cmocka_unit_test(wrong_options_are_usage_errors),
        cmocka_unit_test(an_address_is_a_file),
        cmocka_unit_test(order_lines_are_indexes_with_quantities),
    };
    return cmocka_run_group_tests_name("checkout_plan", tests, NULL, NULL);
}
