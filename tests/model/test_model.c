/* test_model: the shard and the model, compared over many generated worlds.
 *
 *      model-test [--seed S] [--ops N] [--shards K] [--mutate NAME|all | --counters yes]
 *
 * Prints the seed first; every world has its own seed, printed when it fails. With --mutate the
 * model is wrong in one rule, and the run succeeds when the comparison notices it. With --counters one SKU
 * is driven to the end of its counters instead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/trial.h"

#define WORLD_RECORDS 20000u

struct run_options {
    u64 seed;
    u64 ops;
    u16 shards;
    const char *mutate;
};

struct run_totals {
    u64 records, granted, refused, answered, worlds;
};

static double seconds_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Runs worlds until `ops` records are done. False when one differs; the text is printed unless a
 * mutation is meant to be found. */
static bool run_worlds(struct trial *trial, const struct run_options *run,
                       enum model_mutation mutation, struct run_totals *totals)
{
    for (u64 world = 0; totals->records < run->ops; world++) {
        const struct trial_options options = {
            .seed = run->seed + world * 1000003u,
            .records = MIN(WORLD_RECORDS, run->ops),
            .shards = run->shards,
            .is_admission = world % 4 == 3,
            .mutation = mutation,
        };
        const char *failure = trial_run(trial, &options);
        totals->records += trial->records;
        totals->granted += trial->granted;
        totals->refused += trial->refused;
        totals->answered += trial->answered;
        totals->worlds++;
        if (failure == NULL)
            continue;
        if (mutation == MODEL_MUTATION_NONE)
            (void)fprintf(stderr, "world %llu (seed %llu, %s, %u shards), record %llu\n%s\n",
                          (unsigned long long)world, (unsigned long long)options.seed,
                          options.is_admission ? "admission" : "plain", options.shards,
                          (unsigned long long)trial->records, failure);
        return false;
    }
    return true;
}

/* Every wrong model must be noticed. */
static int run_mutations(struct trial *trial, const struct run_options *run)
{
    int failed = 0, tried = 0;
    for (u32 i = MODEL_MUTATION_NONE + 1; i < MODEL_MUTATION_COUNT; i++) {
        const char *name = model_mutation_name((enum model_mutation)i);
        struct run_totals totals = {0};
        if (strcmp(run->mutate, "all") != 0 && strcmp(run->mutate, name) != 0)
            continue;
        tried++;
        const bool is_missed = run_worlds(trial, run, (enum model_mutation)i, &totals);
        (void)printf("model: %-18s %s after %llu records\n", name,
                     is_missed ? "NOT NOTICED" : "noticed", (unsigned long long)totals.records);
        failed += is_missed;
    }
    if (tried == 0)
        (void)fprintf(stderr, "no mutation is called %s\n", run->mutate);
    return failed != 0 || tried == 0;
}

static int run_counters(struct trial *trial)
{
    const struct trial_options options = {.seed = 1, .shards = 1, .is_counters = true};
    const char *failure = trial_run(trial, &options);
    (void)printf("model: %llu records to the end of the counters, %s\n",
                 (unsigned long long)trial->records, failure == NULL ? "all equal" : failure);
    return failure != NULL;
}

static const char *value_of(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

static u64 number_of(int argc, char **argv, const char *name, u64 otherwise)
{
    const char *text = value_of(argc, argv, name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const struct run_options run = {
        .seed = number_of(argc, argv, "--seed", (u64)time(NULL)),
        .ops = number_of(argc, argv, "--ops", 1000000),
        .shards = (u16)number_of(argc, argv, "--shards", 1),
        .mutate = value_of(argc, argv, "--mutate"),
    };
    if (argc % 2 == 0 || run.shards < 1 || run.shards > SHARDS_MAX) {
        (void)fprintf(stderr, "usage: model-test [--seed S] [--ops N] [--shards K] "
                              "[--mutate NAME|all | --counters yes]\n");
        return 2;
    }
    struct trial *trial = malloc(sizeof *trial);
    if (trial == NULL)
        return 1;
    (void)printf("model: seed %llu, %llu records, %u shards\n", (unsigned long long)run.seed,
                 (unsigned long long)run.ops, run.shards);
    (void)fflush(stdout);
    int code;
    if (value_of(argc, argv, "--counters") != NULL) {
        code = run_counters(trial);
    } else if (run.mutate != NULL) {
        code = run_mutations(trial, &run);
    } else {
        struct run_totals totals = {0};
        const double begin = seconds_now();
        code = run_worlds(trial, &run, MODEL_MUTATION_NONE, &totals) ? 0 : 1;
        (void)printf("model: %llu worlds, %llu records (%llu granted, %llu refused, %llu frames "
                     "answered on arrival) %s, %.1f s\n",
                     (unsigned long long)totals.worlds, (unsigned long long)totals.records,
                     (unsigned long long)totals.granted, (unsigned long long)totals.refused,
                     (unsigned long long)totals.answered,
                     code == 0 ? "all equal" : "and a difference", seconds_now() - begin);
    }
    free(trial);
    return code;
}
