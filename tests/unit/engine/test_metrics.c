/* Histograms: every value lands in a bucket whose top is at most 6.25 % above it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/watch/metrics.h"

static void small_values_are_exact(void **state)
{
    (void)state;
    for (u64 v = 0; v < 32; v++)
        assert_int_equal(histogram_bucket_top(histogram_bucket(v)), v);
}

static void a_bucket_is_never_below_its_value_nor_far_above(void **state)
{
    (void)state;
    for (u64 v = 1; v < 1ull << HISTOGRAM_EXPONENT_MAX; v = v * 5 / 4 + 1) {
        const u64 top = histogram_bucket_top(histogram_bucket(v));
        assert_true(top >= v);
        assert_true(top - v <= v / 16);
    }
}

static void buckets_grow_with_the_value(void **state)
{
    (void)state;
    for (u32 i = 1; i < HISTOGRAM_BUCKETS; i++) {
        assert_true(histogram_bucket_top(i) > histogram_bucket_top(i - 1));
        assert_int_equal(histogram_bucket(histogram_bucket_top(i)), i);
        assert_int_equal(histogram_bucket(histogram_bucket_top(i - 1) + 1), i);
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void percentiles_of_a_known_distribution(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    assert_int_equal(histogram_percentile(&histogram, 500), 0);
    for (u64 v = 1; v <= 1000; v++)
        histogram_add(&histogram, v * 1000, 1);
    histogram_add(&histogram, 5000000, 1);
    const u64 p50 = histogram_percentile(&histogram, 500);
    const u64 p99 = histogram_percentile(&histogram, 990);
    assert_in_range(p50, 500000, 535000);
    assert_in_range(p99, 990000, 1060000);
    assert_int_equal(histogram_percentile(&histogram, 1000), 5000000);
    assert_int_equal(metric_read(&histogram.max_ns), 5000000);
}

static void many_at_once_count_as_many(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    histogram_add(&histogram, 10, 99);
    histogram_add(&histogram, 1000, 1);
    assert_int_equal(metric_read(&histogram.count), 100);
    assert_int_equal(metric_read(&histogram.sum_ns), 1990);
    assert_int_equal(histogram_percentile(&histogram, 990), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(a_bucket_is_never_below_its_value_nor_far_above),
        cmocka_unit_test(buckets_grow_with_the_value),
        cmocka_unit_test(percentiles_of_a_known_distribution),
        cmocka_unit_test(many_at_once_count_as_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
