/* metrics: see metrics.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/watch/metrics.h"

STATIC_CHECK(HISTOGRAM_BUCKETS == (HISTOGRAM_EXPONENT_MAX - 3) * 16 + 16);

u64 histogram_bucket_top(u32 bucket)
{
    MUST(bucket < HISTOGRAM_BUCKETS);
    if (bucket < 16)
        return bucket;
    const u32 exponent = bucket / 16 + 3;
    const u64 step = 1ull << (exponent - 4);
    return (16 + bucket % 16) * step + step - 1;
}

u64 histogram_percentile(const struct histogram *histogram, u32 per_mille)
{
    MUST(per_mille <= 1000);
    const u64 count = metric_read(&histogram->count);
    if (count == 0)
        return 0;
    const u64 part = count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
    const u64 wanted = MAX(1, part);
    u64 seen = 0;
    for (u32 bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += metric_read(&histogram->buckets[bucket]);
        if (seen >= wanted)
            return MIN(histogram_bucket_top(bucket), metric_read(&histogram->max_ns));
    }
    return metric_read(&histogram->max_ns);
}
