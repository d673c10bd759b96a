/* bench_run: the benchmark: cases in interleaved rounds, medians, gates, a report.
 *
 *      run_main:      options -> tools -> entries -> groups -> report -> exit code (1: a gate was
 *                     missed)
 *      a group:       round 1: A B C, round 2: A B C, ...
 *      a measurement: fresh server, pinned; load on the other processor; hiccup meter; stop
 *
 * A measurement during which the hypervisor took more than 2 % of the machine is repeated, at most
 * twice; the one with the least is kept, and marked if it is still above. A measurement whose answers
 * are not those that the case expects is an error, never a figure.
 *
 * A peer that is not installed is reported in the table and in the gates that need it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_BENCH_RUN_H
#define SOUK_BENCH_BENCH_RUN_H

#include "bench/bench_cases.h"
#include "bench/bench_hiccup.h"
#include "bench/bench_tool.h"

#include <stdio.h>

#define RUN_ROUNDS_MAX    15u
#define RUN_ENTRIES_MAX   64u
#define RUN_STEAL_PERCENT 2.0
#define RUN_REPEATS_MAX   2u

struct run_sample {
    double ops_per_s;
    double cpu_ns_per_op; /* of the server */
    double allocs_per_op;
    double faults_per_op;
    double p50_us;
    double p99_us;
    double client_cores; /* near 1: the load generator was the limit */
    double steal_percent;
    double hiccup_us;      /* p99.9 */
    double others_percent; /* of both processors: neither server nor load generator */
    json_t *json;
};

struct run_entry {
    const struct bench_case *scenario;
    const char *label; /* name of the case; of a comparison with ":a" or ":b" */
    const char *soukd;
    struct run_sample samples[RUN_ROUNDS_MAX];
    u32 count;
    char reason[LOAD_REASON_BYTES]; /* why there are no samples */
};

struct run {
    const char *soukd;
    const char *soukd_b; /* of `compare` */
    const char *limit_loop;
    const char *hook;
    const char *dir;
    const char *out; /* directory of bench.txt and bench.json; NULL: stdout alone */
    const char *only;
    const char *transport;  /* as asked for, then as found: "tcp" or "unix" */
    const char *congestion; /* of the peers' sockets; NULL: the system's default */
    u32 rounds;
    double seconds;
    double warmup;
    bool is_json;
    struct run_entry *entries;
    u32 entry_count;
    struct load_result *result; /* of the measurement under way */
    struct bench_hiccup *hiccup;
    json_t *tools; /* what limits and micro printed, by name; null where absent */
};

int run_main(int argc, char **argv);
int compare_main(int argc, char **argv);
int list_main(void);

/* bench_report.c */
struct run_spread {
    double median;
    double low;
    double high;
};
struct run_spread run_spread(const struct run_entry *entry, enum bench_metric metric);
void run_print(const struct run *run, FILE *to);
/* The limits of the machine and the micro benchmarks, as they were printed. */
void run_print_tools(const struct run *run, FILE *to);
/* Prints the gates whose cases were asked for; returns how many were missed or could not be judged.
 * `json` gets an array "gates". */
u32 run_judge(const struct run *run, FILE *to, json_t *json);
void run_print_comparison(const struct run *run, FILE *to, json_t *json);
json_t *run_json(const struct run *run);

#endif
