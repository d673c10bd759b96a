/* The watchdog: a turn that took too long is counted, and reported with the step that took longest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/watch/stall.h"
#include "proto/messages.h"

static struct metrics metrics;
static char line[4096];

/* A turn that spends `admit` and `apply` ms in those steps; what was logged is in `line`. */
static bool run_turn(struct stall *stall, u64 begin_ms, u64 admit, u64 apply, u16 heavy)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    const struct log_out out = {.fd = fds[1]};
    const u64 begin = begin_ms * NS_PER_MS;
    stall_begin(stall, begin);
    stall_enter(stall, TURN_STEP_ADMIT, begin, 0);
    stall->heavy_opcode = heavy;
    stall_enter(stall, TURN_STEP_APPLY, begin + admit * NS_PER_MS, OPCODE_VERIFY);
    const bool is_slow =
        stall_end(stall, begin + (admit + apply) * NS_PER_MS, OPCODE_TAKE, 3, &metrics, &out);
    (void)close(fds[1]);
    const ssize_t count = read(fds[0], line, sizeof line - 1);
    line[count < 0 ? 0 : count] = '\0';
    (void)close(fds[0]);
    return is_slow;
}

static void a_short_turn_says_nothing(void **state)
{
    (void)state;
    struct stall stall = {0};
    memset(&metrics, 0, sizeof metrics);
    assert_false(run_turn(&stall, 1000, 4, 5, 0));
    assert_string_equal(line, "");
    assert_int_equal(metric_read(&metrics.turns), 1);
    assert_int_equal(metric_read(&metrics.turns_slow), 0);
    assert_int_equal(metric_read(&metrics.turn_ns_max), 9 * NS_PER_MS);
}

static void a_long_turn_names_step_and_operation(void **state)
{
    (void)state;
    struct stall stall = {0};
    memset(&metrics, 0, sizeof metrics);
    assert_true(run_turn(&stall, 1000, 2, 20, 0));
    assert_non_null(strstr(line, "event=slow_turn"));
    assert_non_null(strstr(line, "reactor=3"));
    assert_non_null(strstr(line, "step=apply"));
    assert_non_null(strstr(line, "operation=take"));
    assert_non_null(strstr(line, "took_us=22000"));
    assert_int_equal(metric_read(&metrics.turns_slow), 1);
}

static void a_heavy_operation_is_named_whatever_came_last(void **state)
{
    (void)state;
    struct stall stall = {0};
    assert_true(run_turn(&stall, 1000, 50, 1, OPCODE_STATS));
    assert_non_null(strstr(line, "step=admit"));
    assert_non_null(strstr(line, "operation=stats"));
}

static void reports_are_at_most_one_a_second(void **state)
{
    (void)state;
    struct stall stall = {0};
    memset(&metrics, 0, sizeof metrics);
    assert_true(run_turn(&stall, 1000, 0, 11, 0));
    assert_true(strlen(line) > 0);
    assert_true(run_turn(&stall, 1100, 0, 11, 0));
    assert_string_equal(line, "");
    assert_true(run_turn(&stall, 2100, 0, 11, 0));
    assert_true(strlen(line) > 0);
    assert_int_equal(metric_read(&metrics.turns_slow), 3);
}

static void a_quoted_text_stays_one_value(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(log_quote(text, sizeof text, "a \"b\"\n\\c"), "\"a \\\"b\\\" \\\\c\"");
    assert_string_equal(log_quote(text, 8, "abcdefghijk"), "\"abcd\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_turn_says_nothing),
        cmocka_unit_test(a_long_turn_names_step_and_operation),
        cmocka_unit_test(a_heavy_operation_is_named_whatever_came_last),
        cmocka_unit_test(reports_are_at_most_one_a_second),
        cmocka_unit_test(a_quoted_text_stays_one_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
