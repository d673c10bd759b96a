/* bench_histogram: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_histogram.h"

#include <string.h>

static u64 upper_end(u32 index)
{
    if (index < 2 * BENCH_HISTOGRAM_SUB)
        return index;
    const u32 shift = index / BENCH_HISTOGRAM_SUB - 1;
    const u64 base = index - (u64)shift * BENCH_HISTOGRAM_SUB;
    return ((base + 1) << shift) - 1;
}

u64 bench_histogram_at(const struct bench_histogram *histogram, double part)
{
    const u64 wanted = (u64)(part * (double)histogram->count + 0.5);
    u64 seen = 0;
    for (u32 i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted && seen != 0) {
            const u64 end = upper_end(i);
            return MIN(end, histogram->max);
        }
    }
    return histogram->max;
}

void bench_histogram_clear(struct bench_histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}
