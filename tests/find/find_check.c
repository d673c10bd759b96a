/* find_check: searches against an oracle that looks at every document: hits, order, totals, facets, pages,
 * ads, explanations; on one and on several shards, after changes, with other policies, after restarts,
 * and while products change.
 *
 *      find_check [--queries N] [--seed S] [--docs N] [--only Q] [--catalog C] [--failures N]
 *
 * Exit 1 at the first difference: it is printed with its catalog and the seed of the question. The same
 * call with `--only Q` makes the same catalog and the same changes, and asks that question alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/status.h"
#include "tests/find/find_compare.h"

#define ROUNDS 6u

struct options {
    u64 seed;
    u64 only; /* the only question that is asked; 0 = all */
    u32 queries;
    u32 docs;
    u32 limit_failures;
    int only_catalog;
};

static const char *const catalog_names[] = {"random", "gifts", "clothes", "offers"};
/* Those that a search is said to be proven by, in at least 5 % of the questions; the rest in 2 %. */
#define FORMS_NAMED FIND_FORM_JOINED
static const char *const form_names[] = {"typo",    "prefix",  "phrase",     "minus",
                                         "synonym", "filter",  "facet",      "sort",
                                         "joined",  "stop",    "dropped",    "curated",
                                         "empty",   "ad",      "collection", "only",
                                         "recent",  "profile", "policy",     "curated category",
                                         "moment",  "edge",    "explained",  "at least"};
static const u16 shard_counts[] = {1, 2, 3, 5};

/* ---- many questions ---- */

/* What world 0 must answer goes for all, unless the sort is by what each knows itself. */
static void make_answer(struct find_check *check)
{
    if (check->world == 0 || check->question->ask.sort == SEARCH_SORT_NEWEST)
        find_answer_make(&check->worlds->shop, check->question, check->world, check->now_ns,
                         &check->answer);
}

/* True: all worlds answer as they must. */
static bool check_one(struct find_worlds *worlds, u64 seed, struct find_tally *tally)
{
    static struct find_question question;
    static struct find_check check;
    find_question_make(&worlds->shop, seed, &question);
    tally->asked++;
    for (u32 i = 0; i < FIND_FORMS; i++)
        tally->forms[i] += question.forms >> i & 1;
    check = (struct find_check){.worlds = worlds, .question = &question, .tally = tally};
    check.now_ns = question.at_ns != 0 ? question.at_ns : find_worlds_now(worlds);
    for (; check.world < worlds->count; check.world++) {
        make_answer(&check);
        if (check.world == 0) {
            tally->with_hits += check.answer.total != 0;
            tally->refused += check.answer.status != STATUS_OK;
        }
        find_check_pages(&check, seed % 4 == 0 || question.ask.limit <= 3 ? 300 : 1);
        if (check.is_wrong) {
            find_question_print(&check, seed);
            return false;
        }
    }
    return true;
}

static bool check_round(struct find_worlds *worlds, const struct options *options, u64 *seed,
                        u32 queries, struct find_tally *tally, u32 *failures)
{
    for (u32 i = 0; i < queries; i++, ++*seed)
        if ((options->only == 0 || options->only == *seed) && !check_one(worlds, *seed, tally) &&
            ++*failures >= options->limit_failures)
            return false;
    return true;
}

/* What happens after a round. */
static void go_on(struct find_worlds *worlds, u32 docs, u32 round)
{
    const bool is_restart = round == 2 || round == 4;
    for (u32 i = 0; i < docs / 4 && !is_restart; i++)
        (void)find_worlds_change(worlds);
    if (round == 1 || round == 3)
        find_settings_policy(worlds);
    if (!is_restart) {
        find_settings_change_ads(worlds);
        find_worlds_pass(worlds, 40 * 60 * NS_PER_S);
    }
    find_worlds_settle(worlds);
    if (is_restart)
        find_worlds_restart(worlds);
    find_worlds_settle(worlds);
    if (round != 2)
        find_worlds_track(worlds);
}

static void watch(struct find_worlds *worlds, struct find_tally *tally)
{
    for (u32 i = 0; i < worlds->count; i++)
        find_ways_watch(worlds->worlds[i].loop, &tally->ways);
}

static bool check_catalog(const struct options *options, enum find_catalog catalog, u32 queries,
                          u64 seed, struct find_tally *tally)
{
    static struct find_worlds worlds;
    u32 failures = 0;
    if (!find_worlds_open(&worlds, catalog, options->docs, seed + catalog, shard_counts,
                          ARRAY_COUNT(shard_counts))) {
        (void)printf("find: %s SKIPPED, its data is not in SOUK_DATA\n", catalog_names[catalog]);
        return true;
    }
    u64 next = seed + catalog * 1000003ull; /* other questions for each */
    watch(&worlds, tally);
    for (u32 round = 0; round < ROUNDS; round++) {
        if (!check_round(&worlds, options, &next, (queries + ROUNDS - 1) / ROUNDS, tally,
                         &failures))
            break;
        go_on(&worlds, options->docs, round);
    }
    if (failures != 0)
        (void)printf("find: %s, catalog seed %llu: %u questions answered wrongly\n",
                     catalog_names[catalog], (unsigned long long)seed, failures);
    find_worlds_close(&worlds);
    return failures == 0;
}

/* ---- while products change ---- */

/* A catalog of several windows, or of several shards; then, after a restart, as others. */
static bool check_changing(const struct options *options, u16 shards, u32 queries,
                           struct find_changes *changes, struct find_tally *tally)
{
    static struct find_worlds worlds;
    struct find_tally after = {0};
    bool is_good = find_worlds_open(&worlds, FIND_RANDOM, 10000, options->seed, &shards, 1);
    watch(&worlds, tally);
    for (u32 i = 0; i < 4 * queries && is_good; i++)
        is_good = find_check_at_least(&worlds, options->seed + i, tally);
    for (u32 i = 0; i < queries && is_good; i++)
        is_good = find_check_during(&worlds, options->seed + i, changes);
    find_worlds_settle(&worlds);
    find_worlds_restart(&worlds);
    for (u32 i = 0; i < queries / 4 && is_good; i++)
        is_good = check_one(&worlds, options->seed + i, &after);
    find_worlds_close(&worlds);
    return is_good;
}

static bool check_changes(const struct options *options, u32 queries, struct find_tally *tally)
{
    struct find_changes changes = {0};
    const bool is_good = check_changing(options, 1, queries, &changes, tally) &&
                         check_changing(options, 3, queries, &changes, tally);
    (void)printf(
        "find: %u questions while products change, %u changes between slices; %u facets, %u "
        "sorts; %u totals that are lower bounds, %u questions with hardly enough hits\n",
        changes.questions, changes.changes, changes.facets, changes.sorted, tally->lower_bounds,
        tally->edges);
    return is_good && ((changes.changes != 0 && tally->lower_bounds != 0 && tally->edges != 0) ||
                       queries < 20);
}

static bool print_tally(const struct find_tally *tally)
{
    bool is_good = true;
    const u32 asked = MAX(tally->asked, 1u);
    (void)printf(
        "find: %u questions on 1, 2, 3 and 5 shards, %u pages; hits %u %%, refused %u; %u ads, "
        "%u explanations\n",
        tally->asked, tally->pages, tally->with_hits * 100 / asked, tally->refused, tally->ads,
        tally->explained);
    for (u32 i = 0; i < FIND_FORMS; i++) {
        const u32 percent = tally->forms[i] * 100 / asked;
        (void)printf("  %s %u %%%s", form_names[i], percent, i % 12 == 11 ? "\n" : ",");
        is_good = is_good && (percent >= (i <= FORMS_NAMED ? 5u : 2u) || asked < 1900);
    }
    is_good = is_good && (tally->with_hits * 100 >= tally->asked * 80 || asked < 1900);
    if (!is_good)
        (void)printf("find: a form is in too few, or fewer than 80 %% have hits\n");
    (void)printf("find: %u highlights, %u hits by a guess, %u corrected queries\n",
                 tally->highlights, tally->inexact, tally->corrected);
    const bool has_all = find_ways_print(&tally->ways) && tally->highlights != 0 &&
                         tally->inexact != 0 && tally->corrected != 0;
    return is_good && (has_all || asked < 1900);
}

int main(int argc, char **argv)
{
    struct options options = {
        .seed = 1, .queries = 2000, .docs = 400, .limit_failures = 1, .only_catalog = -1};
    struct find_tally tally = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        const u64 value = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--queries") == 0)
            options.queries = (u32)value;
        else if (strcmp(argv[i], "--seed") == 0)
            options.seed = value;
        else if (strcmp(argv[i], "--only") == 0)
            options.only = value;
        else if (strcmp(argv[i], "--docs") == 0)
            options.docs = (u32)value;
        else if (strcmp(argv[i], "--failures") == 0)
            options.limit_failures = (u32)value;
        else if (strcmp(argv[i], "--catalog") == 0)
            options.only_catalog = (int)value;
    }
    bool is_good = true;
    for (u32 catalog = 0; catalog < FIND_CATALOGS; catalog++)
        if (options.only_catalog < 0 || options.only_catalog == (int)catalog)
            is_good = check_catalog(&options, (enum find_catalog)catalog, options.queries / 4,
                                    options.seed, &tally) &&
                      is_good;
    if (options.only_catalog < 0 && options.only == 0)
        is_good = check_changes(&options, MIN(options.queries / 50, 1000u), &tally) && is_good;
    is_good = print_tally(&tally) && is_good;
    return is_good ? 0 : 1;
}
