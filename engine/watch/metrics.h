/* metrics: counters and latency histograms that anybody may read while one core writes.
 *
 * A value has one writer, its reactor; others read it for `stats`. So relaxed loads and stores are
 * enough and an increment is no locked instruction. Two values read together may be of different
 * moments.
 *
 *      histogram: log-linear, 16 steps per power of two, so a percentile is off by at most 6.25 %
 *      bucket of v:  v < 16: v;   else with e = position of the highest bit: (e-3)*16 + next 4 bits
 *
 * Ownership  the server has the arrays; struct metrics [i] is written by reactor i, struct
 *            shard_metrics [s] by the reactor of shard s.
 * Not here   the text of `stats` (stats_text.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_WATCH_METRICS_H
#define SOUK_ENGINE_WATCH_METRICS_H

#include <stdatomic.h>

#include "proto/base.h"

#define HISTOGRAM_EXPONENT_MAX 40u /* about 18 minutes in ns; longer counts as that */
#define HISTOGRAM_BUCKETS      ((HISTOGRAM_EXPONENT_MAX - 3u) * 16u + 16u)

/* One value: set by its writer, read by anybody. For those that pass one on. */
typedef _Atomic u64 metric_counter;

/* What a frame was, for its latency from arrival to reply. */
enum latency_class {
    LATENCY_CLASS_CONTROL,
    LATENCY_CLASS_READ,
    LATENCY_CLASS_WRITE,   /* through the log */
    LATENCY_CLASS_REFUSED, /* a write answered without the log: refusal or replay */
    LATENCY_CLASS_GATHER,  /* a read that several shards answer */
    LATENCY_CLASS_COUNT
};

struct histogram {
    _Atomic u64 count;
    _Atomic u64 sum_ns;
    _Atomic u64 max_ns;
    _Atomic u64 buckets[HISTOGRAM_BUCKETS];
};

struct metrics {
#define METRIC(name, text) _Atomic u64 name;
#include "engine/watch/metrics.def"
#undef METRIC
    /* what the ring and the reactor know, published once in a turn */
    _Atomic u64 connections_open;
    _Atomic u64 buffer_bytes; /* of connections and mail, idle ones included */
    _Atomic u64 ring_enters, ring_submissions, ring_completions, ring_wakes, ring_overflows,
        ring_starved, ring_stalls;
    struct histogram latency[LATENCY_CLASS_COUNT];
};

/* Of one shard, published by its reactor in each turn that changed something. */
struct shard_metrics {
#define METRIC(name, text) _Atomic u64 name;
#include "engine/watch/shard_metrics.def"
#undef METRIC
};

static inline u64 metric_read(const _Atomic u64 *metric)
{
    return atomic_load_explicit(metric, memory_order_relaxed);
}

static inline void metric_set(_Atomic u64 *metric, u64 value)
{
    atomic_store_explicit(metric, value, memory_order_relaxed);
}

static inline void metric_add(_Atomic u64 *metric, u64 value)
{
    metric_set(metric, metric_read(metric) + value);
}

static inline u32 histogram_bucket(u64 value)
{
    if (value < 16)
        return (u32)value;
    const u32 exponent = 63u - (u32)__builtin_clzll(value);
    if (exponent > HISTOGRAM_EXPONENT_MAX)
        return HISTOGRAM_BUCKETS - 1;
    return (exponent - 3) * 16 + (u32)((value >> (exponent - 4)) & 15);
}

/* Counts `times` events of the same duration. */
static inline void histogram_add(struct histogram *histogram, u64 ns, u64 times)
{
    metric_add(&histogram->count, times);
    metric_add(&histogram->sum_ns, ns * times);
    if (ns > metric_read(&histogram->max_ns))
        metric_set(&histogram->max_ns, ns);
    metric_add(&histogram->buckets[histogram_bucket(ns)], times);
}

/* The highest value of the bucket in which the given part (0 to 1000 per mille) of all lies; never
 * above the longest seen. 0 when nothing was counted. */
u64 histogram_percentile(const struct histogram *histogram, u32 per_mille);
/* The highest value that falls into a bucket. */
u64 histogram_bucket_top(u32 bucket);

#endif
