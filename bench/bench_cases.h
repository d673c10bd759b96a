/* bench_cases: what `souk-bench run` measures, and what must come out.
 *
 * A case is one workload against one server. Cases of a group are measured in turn, round after
 * round, so that a slow minute of the machine hits all of them alike. A gate compares the medians of
 * two cases, or one case with a constant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_BENCH_CASES_H
#define SOUK_BENCH_BENCH_CASES_H

#include "bench/bench_server.h"
#include "bench/load.h"

struct bench_case {
    const char *name;
    const char *group;
    enum bench_server_kind kind;
    const char *mode; /* of the server */
    const char *peer; /* of the load generator */
    enum load_op op;
    enum load_pattern pattern;
    u32 connections;
    u32 inflight;
    u32 records;
    u32 sku_count;
    u32 seconds;         /* 0 = as the command line says */
    u32 log_mb_per_s;    /* reserve so much per second of the run */
    u32 memory_mb_per_s; /* prepare so much memory per second of the run */
    u32 spin_us;         /* the server's --spin-us */
    bool is_unix;        /* over a Unix socket, whatever the transport of the run */
    bool counts_memory;  /* with the hooked allocator */
    const char *text;
};

enum bench_metric {
    BENCH_METRIC_OPS_PER_S,
    BENCH_METRIC_CPU_NS_PER_OP,
    BENCH_METRIC_ALLOCS_PER_OP,
    BENCH_METRIC_FAULTS_PER_OP,
    BENCH_METRIC_P50_US
};

struct bench_gate {
    const char *over;  /* case */
    const char *under; /* case; NULL: the metric itself */
    enum bench_metric metric;
    bool is_at_most; /* else at least */
    double limit;
    const char *text;
};

/* Both end with a NULL name. */
extern const struct bench_case bench_cases[];
extern const struct bench_gate bench_gates[];

#endif
