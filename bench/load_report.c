/* load_report: one measurement as text and as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load.h"
#include "proto/status.h"

#include <jansson.h>
#include <stdio.h>

static double per(u64 amount, u64 of)
{
    return of == 0 ? 0 : (double)amount / (double)of;
}

static const struct {
    const char *name;
    double part;
} points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"max", 1}};

void load_print(const struct load_options *options, const struct load_result *result)
{
    const double seconds = (double)result->wall_ns / (double)NS_PER_S;
    (void)printf("%s, %u connections x %u frames x %u records, %s\n",
                 options->peer == NULL ? load_op_name(options->op) : options->peer,
                 options->connections, options->inflight, options->records,
                 options->peer == NULL ? load_pattern_name(options->pattern) : "peer");
    (void)printf("  ops/s            %14.0f   frames/s %.0f\n", (double)result->ops / seconds,
                 (double)result->frames / seconds);
    if (result->server.cpu_ns != 0)
        (void)printf("  ops/server-cpu-s %14.0f   server %.0f %% of a core, %.1f ns/op\n",
                     per(result->ops, result->server.cpu_ns) * (double)NS_PER_S,
                     100 * per(result->server.cpu_ns, result->wall_ns),
                     per(result->server.cpu_ns, result->ops));
    (void)printf("  client           %14.1f ns/op, %.0f %% of a core, %.1f frames/turn\n",
                 per(result->client_cpu_ns, result->ops),
                 100 * per(result->client_cpu_ns, result->wall_ns),
                 per(result->frames, result->turns));
    (void)printf("  latency us      ");
    for (size_t i = 0; i < ARRAY_COUNT(points); i++)
        (void)printf(" %s %.1f", points[i].name,
                     (double)bench_histogram_at(&result->latency, points[i].part) / 1000);
    (void)printf("\n  statuses        ");
    for (u16 s = 0; s < LOAD_STATUS_MAX; s++)
        if (result->statuses[s] != 0)
            (void)printf(" %s %llu", status_name(s), (unsigned long long)result->statuses[s]);
    (void)printf("\n  steal %.2f %%, server faults %llu, switches %llu, rss %.1f MB\n",
                 result->steal_percent, (unsigned long long)result->server.minor_faults,
                 (unsigned long long)result->server.context_switches,
                 (double)result->server.rss_bytes / 1e6);
    if (options->rate > 0)
        (void)printf("  open loop: %.0f frames/s asked for, longest wait for a slot %.1f us\n",
                     options->rate, (double)result->late_ns_max / 1000);
}

static json_t *statuses_json(const struct load_result *result)
{
    json_t *json = json_object();
    for (u16 s = 0; s < LOAD_STATUS_MAX; s++)
        if (result->statuses[s] != 0)
            (void)json_object_set_new(json, status_name(s),
                                      json_integer((json_int_t)result->statuses[s]));
    return json;
}

json_t *load_json(const struct load_options *options, const struct load_result *result)
{
    json_t *latency = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(points); i++)
        (void)json_object_set_new(
            latency, points[i].name,
            json_integer((json_int_t)bench_histogram_at(&result->latency, points[i].part)));
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:f,"
        " s:I, s:I, s:I, s:I, s:I, s:I}",
        "protocol", options->peer == NULL ? "souk" : options->peer, "op", load_op_name(options->op),
        "pattern", load_pattern_name(options->pattern), "connections", (int)options->connections,
        "inflight", (int)options->inflight, "records", (int)options->records, "rate_asked",
        options->rate, "ops", (json_int_t)result->ops, "frames", (json_int_t)result->frames,
        "ops_per_s", per(result->ops, result->wall_ns) * (double)NS_PER_S, "ops_per_server_cpu_s",
        per(result->ops, result->server.cpu_ns) * (double)NS_PER_S, "server_cores",
        per(result->server.cpu_ns, result->wall_ns), "client_ns_per_op",
        per(result->client_cpu_ns, result->ops), "client_cores",
        per(result->client_cpu_ns, result->wall_ns), "latency_ns", latency, "statuses",
        statuses_json(result), "steal_percent", result->steal_percent, "server_minor_faults",
        (json_int_t)result->server.minor_faults, "server_major_faults",
        (json_int_t)result->server.major_faults, "server_switches",
        (json_int_t)result->server.context_switches, "server_rss_bytes",
        (json_int_t)result->server.rss_bytes, "cpu0_busy_ns", (json_int_t)result->cpu_busy_ns[0],
        "cpu1_busy_ns", (json_int_t)result->cpu_busy_ns[1]);
}
