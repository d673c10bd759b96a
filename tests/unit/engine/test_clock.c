/* The log clock: advances with the monotonic clock, slewed towards wall time, never back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/clock.h"

static void clock_starts_at_wall_time(void **state)
{
    (void)state;
    struct log_clock clock;
    log_clock_init(&clock, 1000 * NS_PER_S, 5, 0);
    assert_int_equal(clock.log_ns, 1000 * NS_PER_S);
}

static void clock_never_starts_before_the_last_stamp(void **state)
{
    (void)state;
    struct log_clock clock;
    log_clock_init(&clock, 1000 * NS_PER_S, 5, 2000 * NS_PER_S);
    assert_int_equal(clock.log_ns, 2000 * NS_PER_S);
    assert_true(log_clock_advance(&clock, 1000 * NS_PER_S, 5 + NS_PER_S) > 2000 * NS_PER_S);
}

static void clock_follows_a_true_wall_clock_exactly(void **state)
{
    (void)state;
    struct log_clock clock;
    log_clock_init(&clock, 1000, 0, 0);
    for (u64 t = 1; t < 100; t++)
        assert_int_equal(log_clock_advance(&clock, 1000 + t * NS_PER_MS, t * NS_PER_MS),
                         1000 + t * NS_PER_MS);
}

static void wall_jump_forward_moves_the_clock_by_the_slew_only(void **state)
{
    (void)state;
    struct log_clock clock;
    log_clock_init(&clock, 0, 0, 0);
    const u64 jump = 3600 * NS_PER_S;
    const u64 now = log_clock_advance(&clock, jump + NS_PER_S, NS_PER_S);
    assert_int_equal(now, NS_PER_S + NS_PER_S / LOG_CLOCK_SLEW);
}

static void wall_jump_back_slows_the_clock_and_does_not_turn_it(void **state)
{
    (void)state;
    struct log_clock clock;
    log_clock_init(&clock, 7200 * NS_PER_S, 0, 0);
    u64 last = clock.log_ns;
    for (u64 t = 1; t <= 1000; t++) {
        const u64 now = log_clock_advance(&clock, 0, t * NS_PER_MS);
        assert_int_equal(now - last, NS_PER_MS - NS_PER_MS / LOG_CLOCK_SLEW);
        last = now;
    }
}

static void clock_catches_up_and_then_stays(void **state)
{
    (void)state;
    struct log_clock clock;
    log_clock_init(&clock, 0, 0, 0);
    u64 monotonic = 0;
    for (u32 i = 0; i < 250; i++) {
        monotonic += NS_PER_S;
        (void)log_clock_advance(&clock, monotonic + NS_PER_S, monotonic);
    }
    assert_int_equal(clock.log_ns, monotonic + NS_PER_S);
}

static void a_monotonic_clock_that_stands_changes_nothing(void **state)
{
    (void)state;
    struct log_clock clock;
    log_clock_init(&clock, 50, 10, 0);
    assert_int_equal(log_clock_advance(&clock, 9999, 10), 50);
    assert_int_equal(log_clock_advance(&clock, 9999, 9), 50);
}

static void machine_clocks_advance(void **state)
{
    (void)state;
    const u64 a = clock_monotonic_ns();
    assert_true(clock_monotonic_ns() >= a);
    assert_true(clock_wall_ns() > 1600000000ull * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_starts_at_wall_time),
        cmocka_unit_test(clock_never_starts_before_the_last_stamp),
        cmocka_unit_test(clock_follows_a_true_wall_clock_exactly),
        cmocka_unit_test(wall_jump_forward_moves_the_clock_by_the_slew_only),
        cmocka_unit_test(wall_jump_back_slows_the_clock_and_does_not_turn_it),
        cmocka_unit_test(clock_catches_up_and_then_stays),
        cmocka_unit_test(a_monotonic_clock_that_stands_changes_nothing),
        cmocka_unit_test(machine_clocks_advance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
