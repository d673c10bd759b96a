/* test_money: currencies, parsing and printing of amounts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/limits.h"
#include "proto/money.h"

static void currencies_are_found_by_number_and_letters(void **state)
{
    (void)state;
    const struct currency_info *pound = currency_find(826);
    assert_non_null(pound);
    assert_string_equal(pound->letters, "GBP");
    assert_ptr_equal(currency_find_letters("GBP"), pound);
    assert_int_equal(currency_find(392)->digits, 0);
    assert_int_equal(currency_find(414)->digits, 3);
    assert_null(currency_find(0));
    assert_null(currency_find(1));
    assert_null(currency_find_letters("gbp"));
    assert_null(currency_find_letters(""));
    for (u32 number = 0; number <= UINT16_MAX; number++) {
        const struct currency_info *info = currency_find((u16)number);
        if (info == NULL)
            continue;
        assert_int_equal(strlen(info->letters), 3);
        assert_ptr_equal(currency_find_letters(info->letters), info);
        assert_true(info->digits <= 3);
    }
}

static void check_parse(const char *text, u16 currency, i64 expected)
{
    i64 minor = 0;
    const char *reason = money_parse(text, currency_find(currency), &minor);
    if (reason != NULL)
        fail_msg("%s: %s", text, reason);
    assert_true(minor == expected);
}

static void amounts_are_parsed(void **state)
{
    (void)state;
    check_parse("2.55", 826, 255);
    check_parse("2.5", 826, 250);
    check_parse("2.", 826, 200);
    check_parse(".5", 826, 50);
    check_parse("7", 826, 700);
    check_parse("0", 826, 0);
    check_parse("-0.5", 826, -50);
    check_parse("0007", 826, 700);
    check_parse("120", 392, 120);
    check_parse("1.234", 414, 1234);
    check_parse("90071992547409.92", 826, PRICE_MAX);
    check_parse("-90071992547409.92", 826, -PRICE_MAX);
}

static void what_is_no_amount_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      ".",
                                      "-.",
                                      "1.2.3",
                                      "1,5",
                                      " 1",
                                      "1 ",
                                      "1e5",
                                      "+1",
                                      "--1",
                                      "0x10",
                                      "a",
                                      "2.555",
                                      "90071992547409.93",
                                      "99999999999999999999999999999999"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        i64 minor = 42;
        assert_non_null(money_parse(bad[i], currency_find(826), &minor));
        assert_true(minor == 42);
    }
    i64 minor;
    assert_non_null(money_parse("1.0", currency_find(392), &minor));
}

static void check_print(i64 minor, u16 currency, const char *expected)
{
    char text[40];
    assert_string_equal(money_print((struct money){minor, currency}, text, sizeof text), expected);
}

static void amounts_are_printed(void **state)
{
    (void)state;
    check_print(255, 826, "2.55 GBP");
    check_print(5, 826, "0.05 GBP");
    check_print(-5, 826, "-0.05 GBP");
    check_print(0, 978, "0.00 EUR");
    check_print(120, 392, "120 JPY");
    check_print(-120, 392, "-120 JPY");
    check_print(1234, 414, "1.234 KWD");
    check_print(INT64_MIN, 826, "-92233720368547758.08 GBP");
    check_print(7, 1, "7 (currency 1)");
    check_print(INT64_MIN, UINT16_MAX, "-9223372036854775808 (currency 65535)");
}

static void what_is_printed_is_parsed_again(void **state)
{
    (void)state;
    const struct currency_info *currency = currency_find(826);
    for (i64 minor = -100000; minor <= 100000; minor += 37) {
        char text[40];
        i64 again = 0;
        money_print((struct money){minor, 826}, text, sizeof text);
        *strchr(text, ' ') = '\0';
        assert_null(money_parse(text, currency, &again));
        assert_true(again == minor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currencies_are_found_by_number_and_letters),
        cmocka_unit_test(amounts_are_parsed),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(amounts_are_printed),
        cmocka_unit_test(what_is_printed_is_parsed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
