/* bench_histogram: latencies in log-linear buckets, exact to three digits.
 *
 * Values below 2,048 ns have a bucket each; above, every power of two is divided into 1,024
 * buckets, so a bucket is at most 0.1 % wide. Recording is an increment; nothing is ever dropped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_COMMON_BENCH_HISTOGRAM_H
#define SOUK_BENCH_COMMON_BENCH_HISTOGRAM_H

#include "proto/base.h"

#define BENCH_HISTOGRAM_SUB     1024u
#define BENCH_HISTOGRAM_BUCKETS (BENCH_HISTOGRAM_SUB * 42) /* up to 2^51 ns */

struct bench_histogram {
    u64 count;
    u64 max;
    u64 buckets[BENCH_HISTOGRAM_BUCKETS];
};

static inline u32 bench_histogram_index(u64 value)
{
    if (value < 2 * BENCH_HISTOGRAM_SUB)
        return (u32)value;
    const u32 shift = 63u - (u32)__builtin_clzll(value) - 10u;
    const u64 index = (u64)shift * BENCH_HISTOGRAM_SUB + (value >> shift);
    return (u32)MIN(index, BENCH_HISTOGRAM_BUCKETS - 1u);
}

static inline void bench_histogram_add(struct bench_histogram *histogram, u64 value)
{
    histogram->count++;
    if (value > histogram->max)
        histogram->max = value;
    histogram->buckets[bench_histogram_index(value)]++;
}

/* The value below which `part` (0 to 1) of the recordings lie: the upper end of its bucket, at most
 * the largest value recorded. 0 when nothing was recorded. */
u64 bench_histogram_at(const struct bench_histogram *histogram, double part);
void bench_histogram_clear(struct bench_histogram *histogram);

#endif
