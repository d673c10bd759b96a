/* Tests of client/cli/cli_value: what people write, to the last digit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "client/cli/cli_value.h"

static void counts_are_whole_and_in_range(void **state)
{
    (void)state;
    i64 count = 77;
    assert_null(value_parse_count("0", 0, 5, &count));
    assert_int_equal(count, 0);
    assert_null(value_parse_count("-5", -5, 5, &count));
    assert_int_equal(count, -5);
    assert_null(value_parse_count("9223372036854775807", 0, INT64_MAX, &count));
    assert_true(count == INT64_MAX);
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "6",
                                      "-6",
                                      "9223372036854775808",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        count = 77;
        assert_non_null(value_parse_count(bad[i], -5, 5, &count));
        assert_int_equal(count, 77);
    }
}

static void durations_have_units_and_a_bare_number_is_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u64 ms;
    } good[] = {{"600s", 600000}, {"600", 600000},  {"500ms", 500},      {"10m", 600000},
                {"2h", 7200000},  {"1d", 86400000}, {"31d", 2678400000}, {"0", 0}};
    static const char *const bad[] = {"", "s", "1.5s", "-1s", "10 s", "5w", "400d", "1msx"};
    u64 ms;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_null(value_parse_duration(good[i].text, &ms));
        assert_true(ms == good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_non_null(value_parse_duration(bad[i], &ms));
}

static void tokens_split_at_the_last_at_sign(void **state)
{
    (void)state;
    struct value_token token;
    char text[VALUE_ID_DIGITS + 1];
    assert_null(value_parse_token("a@b@0123456789abcdefFEDCBA9876543210", &token));
    assert_string_equal(token.code, "a@b");
    assert_true(token.id.high == 0x0123456789abcdefull);
    assert_true(token.id.low == 0xfedcba9876543210ull);
    assert_string_equal(value_print_id(token.id, text), "0123456789abcdeffedcba9876543210");
    static const char *const bad[] = {"",
                                      "85123A",
                                      "@0123456789abcdef0123456789abcdef",
                                      "x@0123456789abcdef0123456789abcde",
                                      "x@0123456789abcdef0123456789abcdeg",
                                      "x@00000000000000000000000000000000",
                                      "x 0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_non_null(value_parse_token(bad[i], &token));
    assert_true(value_looks_like_token("x@0123456789abcdef0123456789abcdef"));
    assert_false(value_looks_like_token("85123A"));
    char long_code[CODE_BYTES_MAX + 2 + VALUE_ID_DIGITS + 1];
    memset(long_code, 'c', sizeof long_code);
    memcpy(long_code + CODE_BYTES_MAX + 1, "@0123456789abcdef0123456789abcdef", 34);
    assert_non_null(value_parse_token(long_code, &token));
}

static void users_are_codes_or_raw_numbers(void **state)
{
    (void)state;
    u64 user;
    char text[18];
    assert_null(value_parse_user("alice", &user));
    assert_true(user == id_from_code("alice", 5));
    assert_null(value_parse_user(value_print_user(user, text), &user));
    assert_true(user == id_from_code("alice", 5));
    assert_null(value_parse_user("guest:t0ken", &user));
    assert_true(user == (id_from_code("t0ken", 5) | ID_GUEST_BIT));
    assert_null(value_parse_user(value_print_user(user, text), &user));
    assert_true(user == (id_from_code("t0ken", 5) | ID_GUEST_BIT));
    assert_non_null(value_parse_user("guest:", &user));
    assert_non_null(value_parse_user("", &user));
    assert_non_null(value_parse_user("#12", &user));
}

static void moments_are_dates_or_so_long_ago(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u64 s;
    } good[] = {{"1970-01-01", 0},
                {"2011-12-09", 1323388800},
                {"2011-12-09T12:50:00", 1323435000},
                {"2011-12-09T12:50Z", 1323435000},
                {"2011-12-09 12:50", 1323435000},
                {"2000-02-29", 951782400},
                {"2261-12-31T23:59:59", 9214646399}};
    static const char *const bad[] = {"",
                                      "2011-",
                                      "2011-13-01",
                                      "2011-00-01",
                                      "2011-02-29",
                                      "1900-02-29",
                                      "2011-1-1",
                                      "2011-12-09T",
                                      "2011-12-9",
                                      "2262-01-01",
                                      "2011-12-09T24:00:00",
                                      "1969-12-31",
                                      "2011-12-09T12:60",
                                      "2011-12-09T12:50:00+01:00",
                                      "-1d",
                                      "tomorrow"};
    char text[VALUE_TIME_BYTES];
    u64 ns = 7;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_null(value_parse_time(good[i].text, 0, &ns));
        assert_true(ns == good[i].s * NS_PER_S);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        ns = 7;
        assert_non_null(value_parse_time(bad[i], 0, &ns));
        assert_int_equal(ns, 7);
    }
    assert_null(value_parse_time("2d", 1323388800 * NS_PER_S, &ns));
    assert_true(ns == (1323388800ull - 2 * 86400) * NS_PER_S);
    assert_null(value_parse_time("2d", 5, &ns));
    assert_int_equal(ns, 0);
    assert_string_equal(value_print_time(1323435000 * NS_PER_S + 123 * NS_PER_MS, text),
                        "2011-12-09 12:50:00.123");
}

static void factors_are_exact(void **state)
{
    (void)state;
    u64 factor;
    assert_null(value_parse_factor("0.8", &factor));
    assert_true(factor == 800000);
    assert_null(value_parse_factor("2.000001", &factor));
    assert_true(factor == 2000001);
    assert_null(value_parse_factor("inf", &factor));
    assert_true(factor == VALUE_FACTOR_INF);
    static const char *const bad[] = {"", ".8", "-1", "0.1234567", "1e3", "0.8x", "9999999"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_non_null(value_parse_factor(bad[i], &factor));
}

static void prices_too_large_for_their_currency_are_refused(void **state)
{
    (void)state;
    i64 minor = 0;
    bool is_positive;
    static const char largest[] = "9007199254740992", too_large[] = "9007199254740993";
    assert_null(value_parse_price(largest, sizeof largest - 1, 0, &minor, &is_positive));
    assert_int_equal(minor, PRICE_MAX);
    assert_non_null(value_parse_price(too_large, sizeof too_large - 1, 0, &minor, &is_positive));
    /* With four decimals the minor units would need more than 64 bits. */
    for (u32 digits = 1; digits <= 4; digits++)
        assert_non_null(
            value_parse_price(largest, sizeof largest - 1, digits, &minor, &is_positive));
    static const char wraps[] = "1844674407370956";
    assert_non_null(value_parse_price(wraps, sizeof wraps - 1, 4, &minor, &is_positive));
}

static void prices_round_half_away_from_zero_but_know_their_sign(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        i64 minor;
        bool is_positive;
    } good[] = {{"2.55", 255, true},
                {"2.1", 210, true},
                {"15", 1500, true},
                {"0.001", 0, true},
                {"0.005", 1, true},
                {"0.0049", 0, true},
                {"-11062.06", -1106206, false},
                {"0.0", 0, false},
                {"-0.005", -1, false},
                {"7.", 700, true},
                {"1.995", 200, true}};
    static const char *const bad[] = {"", "-", ".", "1,5", "1.2.3", " 1", "99999999999999999999"};
    i64 minor;
    bool is_positive;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_null(value_parse_price(good[i].text, strlen(good[i].text), 2, &minor, &is_positive));
        assert_true(minor == good[i].minor);
        assert_int_equal(is_positive, good[i].is_positive);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_non_null(value_parse_price(bad[i], strlen(bad[i]), 2, &minor, &is_positive));
}

static void numbers_are_printed_for_people(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(value_print_grouped(0, text), "0");
    assert_string_equal(value_print_grouped(-131227, text), "-131,227");
    assert_string_equal(value_print_grouped(606066708, text), "606,066,708");
    assert_string_equal(value_print_grouped(INT64_MIN, text), "-9,223,372,036,854,775,808");
    assert_string_equal(value_print_duration(600000, text), "10m 0s");
    assert_string_equal(value_print_duration(1250, text), "1.250 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_whole_and_in_range),
        cmocka_unit_test(durations_have_units_and_a_bare_number_is_seconds),
        cmocka_unit_test(tokens_split_at_the_last_at_sign),
        cmocka_unit_test(users_are_codes_or_raw_numbers),
        cmocka_unit_test(moments_are_dates_or_so_long_ago),
        cmocka_unit_test(factors_are_exact),
        cmocka_unit_test(prices_too_large_for_their_currency_are_refused),
        cmocka_unit_test(prices_round_half_away_from_zero_but_know_their_sign),
        cmocka_unit_test(numbers_are_printed_for_people),
    };
    return cmocka_run_group_tests_name("cli_value", tests, NULL, NULL);
}
