/* bench_report: medians, the table, the gates, JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static double metric_of(const struct run_sample *sample, enum bench_metric metric)
{
    switch (metric) {
    case BENCH_METRIC_OPS_PER_S: return sample->ops_per_s;
    case BENCH_METRIC_CPU_NS_PER_OP: return sample->cpu_ns_per_op;
    case BENCH_METRIC_ALLOCS_PER_OP: return sample->allocs_per_op;
    case BENCH_METRIC_FAULTS_PER_OP: return sample->faults_per_op;
    case BENCH_METRIC_P50_US: return sample->p50_us;
    }
    return 0;
}

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static struct run_spread spread_of(double *values, u32 count)
{
    if (count == 0)
        return (struct run_spread){0};
    qsort(values, count, sizeof *values, compare_reals);
    const double middle = values[count / 2];
    return (struct run_spread){.median =
                                   count % 2 == 1 ? middle : (middle + values[count / 2 - 1]) / 2,
                               .low = values[0],
                               .high = values[count - 1]};
}

struct run_spread run_spread(const struct run_entry *entry, enum bench_metric metric)
{
    double values[RUN_ROUNDS_MAX];
    for (u32 i = 0; i < entry->count; i++)
        values[i] = metric_of(&entry->samples[i], metric);
    return spread_of(values, entry->count);
}

/* Median of a field that is no metric. */
static double median_at(const struct run_entry *entry, size_t offset)
{
    double values[RUN_ROUNDS_MAX];
    for (u32 i = 0; i < entry->count; i++)
        memcpy(&values[i], (const char *)&entry->samples[i] + offset, sizeof(double));
    return spread_of(values, entry->count).median;
}

static double worst_at(const struct run_entry *entry, size_t offset)
{
    double values[RUN_ROUNDS_MAX];
    for (u32 i = 0; i < entry->count; i++)
        memcpy(&values[i], (const char *)&entry->samples[i] + offset, sizeof(double));
    return spread_of(values, entry->count).high;
}

static void print_machine(const struct run *run, FILE *to)
{
    struct utsname name = {0};
    (void)uname(&name);
    char line[256] = "", *model = NULL;
    FILE *info = fopen("/proc/cpuinfo", "re");
    while (info != NULL && model == NULL && fgets(line, sizeof line, info) != NULL)
        if (strncmp(line, "model name", 10) == 0)
            model = strchr(line, ':');
    if (info != NULL)
        (void)fclose(info);
    (void)fprintf(to, "Souk %s, Linux %s,%s", SOUK_VERSION, name.release,
                  model == NULL ? " processor unknown\n" : model + 1);
    (void)fprintf(to, "transport %s", run->transport);
    if (run->congestion != NULL)
        (void)fprintf(to, " in a network namespace of its own (cubic; default of peers %s)",
                      run->congestion);
    (void)fprintf(to, "\n%u rounds of %.3g s after %.3g s; server on processor 0, load on 1\n\n",
                  run->rounds, run->seconds, run->warmup);
}

#define FIELD(name) offsetof(struct run_sample, name)

void run_print(const struct run *run, FILE *to)
{
    print_machine(run, to);
    if (run->entry_count == 0)
        return;
    (void)fprintf(to, "%-18s %12s %25s %10s %9s %9s %7s %6s %7s %8s\n", "case", "ops/s",
                  "lowest - highest", "cpu ns/op", "p50 us", "p99 us", "client", "steal", "others",
                  "hiccup");
    for (u32 i = 0; i < run->entry_count; i++) {
        const struct run_entry *entry = &run->entries[i];
        if (entry->count == 0) {
            (void)fprintf(to, "%-18s %s\n", entry->label, entry->reason);
            continue;
        }
        const struct run_spread ops = run_spread(entry, BENCH_METRIC_OPS_PER_S);
        const double steal = worst_at(entry, FIELD(steal_percent));
        const double client = median_at(entry, FIELD(client_cores));
        (void)fprintf(
            to,
            "%-18s %12.0f %12.0f - %10.0f %10.1f %9.1f %9.1f %5.0f %% %5.1f%s %5.0f %% %7.0f%s\n",
            entry->label, ops.median, ops.low, ops.high,
            run_spread(entry, BENCH_METRIC_CPU_NS_PER_OP).median, median_at(entry, FIELD(p50_us)),
            median_at(entry, FIELD(p99_us)), 100 * client, steal,
            steal > RUN_STEAL_PERCENT ? "!" : " ", worst_at(entry, FIELD(others_percent)),
            median_at(entry, FIELD(hiccup_us)),
            client > 0.95 ? "  the load generator was the limit" : "");
    }
    (void)fprintf(
        to,
        "\nops/s: median over the rounds. cpu ns/op: of the server, its io workers included.\n"
        "steal: the highest in %%, ! = above 2 %% even when repeated. hiccup: p99.9 in us.\n"
        "others: the most that neither server nor load used of both processors (workers of the\n"
        "kernel are in it; much of it means that the machine was not ours).\n");
}

static void print_json(FILE *to, const char *name, const json_t *json)
{
    char *text = json_dumps(json, JSON_REAL_PRECISION(6) | JSON_PRESERVE_ORDER);
    (void)fprintf(to, "%-18s %s\n", name, text == NULL ? "?" : text);
    free(text);
}

void run_print_tools(const struct run *run, FILE *to)
{
    const char *name;
    json_t *json;
    if (json_object_size(run->tools) != 0)
        (void)fprintf(to, "\nlimits of the machine, and the state machine in-core\n");
    json_object_foreach(run->tools, name, json)
    {
        const json_t *results = json_object_get(json, "results");
        if (json_is_null(json))
            (void)fprintf(to, "%-18s ABSENT\n", name);
        else if (results == NULL)
            print_json(to, name, json);
        for (size_t i = 0; i < json_array_size(results); i++)
            print_json(to, i == 0 ? name : "", json_array_get(results, i));
    }
}

static const struct run_entry *find_entry(const struct run *run, const char *name)
{
    for (u32 i = 0; i < run->entry_count; i++)
        if (strcmp(run->entries[i].label, name) == 0)
            return &run->entries[i];
    return NULL;
}

struct verdict {
    double value;
    double by_cpu; /* the same ratio in ops per server CPU-second; 0 = says nothing */
    const char *word;
};

static struct verdict judge(const struct bench_gate *gate, const struct run_entry *over,
                            const struct run_entry *under)
{
    struct verdict verdict = {.word = "ABSENT"};
    if (over->count == 0 || (gate->under != NULL && (under == NULL || under->count == 0)))
        return verdict;
    verdict.value = run_spread(over, gate->metric).median;
    if (under != NULL) {
        verdict.value /= run_spread(under, gate->metric).median;
        if (gate->metric == BENCH_METRIC_OPS_PER_S)
            verdict.by_cpu = run_spread(under, BENCH_METRIC_CPU_NS_PER_OP).median /
                             run_spread(over, BENCH_METRIC_CPU_NS_PER_OP).median;
    }
    const bool is_met =
        gate->is_at_most ? verdict.value <= gate->limit : verdict.value >= gate->limit;
    verdict.word = is_met ? "pass" : "MISS";
    return verdict;
}

static void print_gate(FILE *to, const struct bench_gate *gate, const struct verdict *verdict)
{
    (void)fprintf(to, "%-6s %8.3g  %s %.3g", verdict->word, verdict->value,
                  gate->is_at_most ? "at most " : "at least", gate->limit);
    if (verdict->by_cpu != 0)
        (void)fprintf(to, "  (by cpu %.3g)", verdict->by_cpu);
    (void)fprintf(to, "  %s\n", gate->text);
}

/* The gates on what the tools printed. */
static u32 judge_tools(const struct run *run, FILE *to, json_t *gates)
{
    u32 missed = 0;
    for (const struct bench_tool_gate *gate = bench_tool_gates; gate->tool != NULL; gate++) {
        const json_t *tool = json_object_get(run->tools, gate->tool);
        if (tool == NULL)
            continue; /* not asked for */
        struct verdict verdict = {.word = "ABSENT"};
        if (bench_tool_number(tool, gate->field, &verdict.value))
            verdict.word =
                (gate->is_at_most ? verdict.value <= gate->limit : verdict.value >= gate->limit)
                    ? "pass"
                    : "MISS";
        missed += strcmp(verdict.word, "pass") != 0;
        if (to != NULL)
            (void)fprintf(to, "%-6s %8.3g  %s %.3g  %s\n", verdict.word, verdict.value,
                          gate->is_at_most ? "at most " : "at least", gate->limit, gate->text);
        (void)json_array_append_new(
            gates, json_pack("{s:s, s:s, s:s, s:f, s:f, s:s, s:s}", "verdict", verdict.word, "over",
                             gate->tool, "field", gate->field, "value", verdict.value, "limit",
                             gate->limit, "is", gate->is_at_most ? "at most" : "at least", "text",
                             gate->text));
    }
    return missed;
}

u32 run_judge(const struct run *run, FILE *to, json_t *json)
{
    json_t *gates = json_array();
    if (to != NULL)
        (void)fprintf(to, "\ngates\n");
    u32 missed = judge_tools(run, to, gates);
    for (const struct bench_gate *gate = bench_gates; gate->over != NULL; gate++) {
        const struct run_entry *over = find_entry(run, gate->over);
        const struct run_entry *under = gate->under == NULL ? NULL : find_entry(run, gate->under);
        if (over == NULL || (gate->under != NULL && under == NULL))
            continue; /* not asked for */
        const struct verdict verdict = judge(gate, over, under);
        missed += strcmp(verdict.word, "pass") != 0;
        if (to != NULL)
            print_gate(to, gate, &verdict);
        (void)json_array_append_new(
            gates, json_pack("{s:s, s:s, s:s?, s:f, s:f, s:f, s:s, s:s}", "verdict", verdict.word,
                             "over", gate->over, "under", gate->under, "value", verdict.value,
                             "limit", gate->limit, "value_by_cpu", verdict.by_cpu, "is",
                             gate->is_at_most ? "at most" : "at least", "text", gate->text));
    }
    (void)json_object_set_new(json, "gates", gates);
    return missed;
}

void run_print_comparison(const struct run *run, FILE *to, json_t *json)
{
    json_t *ratios = json_object();
    (void)fprintf(to, "\n%-18s %12s %12s\n", "b : a", "ops/s", "cpu ns/op");
    for (u32 i = 0; i + 1 < run->entry_count; i += 2) {
        const struct run_entry *a = &run->entries[i], *b = &run->entries[i + 1];
        if (a->count == 0 || b->count == 0)
            continue;
        const double ops = run_spread(b, BENCH_METRIC_OPS_PER_S).median /
                           run_spread(a, BENCH_METRIC_OPS_PER_S).median;
        const double cpu = run_spread(b, BENCH_METRIC_CPU_NS_PER_OP).median /
                           run_spread(a, BENCH_METRIC_CPU_NS_PER_OP).median;
        (void)fprintf(to, "%-18s %12.3f %12.3f\n", a->scenario->name, ops, cpu);
        (void)json_object_set_new(ratios, a->scenario->name,
                                  json_pack("{s:f, s:f}", "ops_per_s", ops, "cpu_ns_per_op", cpu));
    }
    (void)json_object_set_new(json, "ratios_b_to_a", ratios);
}

static json_t *spread_json(struct run_spread spread)
{
    return json_pack("{s:f, s:f, s:f}", "median", spread.median, "low", spread.low, "high",
                     spread.high);
}

static json_t *entry_json(const struct run_entry *entry)
{
    json_t *runs = json_array();
    for (u32 i = 0; i < entry->count; i++)
        (void)json_array_append(runs, entry->samples[i].json);
    json_t *json = json_pack("{s:s, s:s, s:s, s:o}", "group", entry->scenario->group, "mode",
                             entry->scenario->mode, "text", entry->scenario->text, "runs", runs);
    if (entry->count == 0) {
        (void)json_object_set_new(json, "absent", json_string(entry->reason));
        return json;
    }
    (void)json_object_set_new(json, "ops_per_s",
                              spread_json(run_spread(entry, BENCH_METRIC_OPS_PER_S)));
    (void)json_object_set_new(json, "cpu_ns_per_op",
                              spread_json(run_spread(entry, BENCH_METRIC_CPU_NS_PER_OP)));
    (void)json_object_set_new(json, "faults_per_op",
                              spread_json(run_spread(entry, BENCH_METRIC_FAULTS_PER_OP)));
    return json;
}

json_t *run_json(const struct run *run)
{
    struct utsname name = {0};
    (void)uname(&name);
    json_t *cases = json_object();
    for (u32 i = 0; i < run->entry_count; i++)
        (void)json_object_set_new(cases, run->entries[i].label, entry_json(&run->entries[i]));
    return json_pack("{s:s, s:s, s:I, s:s, s:i, s:f, s:f, s:O?, s:o}", "souk", SOUK_VERSION,
                     "kernel", name.release, "time", (json_int_t)time(NULL), "transport",
                     run->transport, "rounds", (int)run->rounds, "seconds", run->seconds, "warmup",
                     run->warmup, "tools", run->tools, "cases", cases);
}
