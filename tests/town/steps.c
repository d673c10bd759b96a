/* steps: a crash at every step of the saga.
 *
 *      steps [--seeds FILE] [--write FILE] [--limit N] [--per-line N] [--line FROM:EVENT]
 *      steps --shops N [--seed N]
 *
 * Each line of proto/saga.def is a step. For each there is a seed, kept in FILE ("FROM EVENT SEED"), of a
 * small random shop (tests/town/shop.h) in which an order goes along it. The shop is run once to see in
 * which batch that happens first, and then again
 *      before   with the power cut right before that batch is durable
 *      after    with the power cut right after it: the reply and all mail that had not arrived are lost
 *      thaw     with every shard made again from a dump of itself after it
 * and each time it must come to its end: every order in a legal state, stock and money conserved
 * (shop_audit).
 *
 * A line whose seed does not take it any more is looked for in the first --limit seeds; one that none
 * takes fails. --write tells what was found; --per-line tries so many seeds for each; --shops runs so many
 * shops without any crash instead, from --seed on, which alone means that one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/saga.h"
#include "shards/shard_state.h"
#include "tests/town/shop.h"

#define SEEDS_MAX    20000u
#define PER_LINE_MAX 64u

/* Where a line was taken. */
struct place {
    u64 seed;
    u64 batch;
};

struct steps {
    const char *seeds_path;
    const char *write_path;
    const char *only; /* "PLACED:VOID" */
    u32 limit;
    u32 per_line;
    u32 shops;
    u64 first; /* seed of the shops */
    struct place places[SAGA_LINE_COUNT][PER_LINE_MAX];
    u32 counts[SAGA_LINE_COUNT]; /* of places */
    bool is_tried[SEEDS_MAX];
    u64 runs;
    u32 seeds; /* looked at */
};

/* ---- one shop -------------------------------------------------------------------------------- */

/* Workers that are often away and mostly do not know what they have done, while shoppers change their
 * minds. */
static void make_vague(struct shop_options *options)
{
    options->bank.lost = 25;
    options->bank.dropped = 15;
    options->bank.hang = 15;
    options->bank.late = 40;
    options->bank.puzzled = 35;
    options->bank.outage = 150;
    options->order_share = 10;
    options->open_max = 60;
    options->cancel_share = 25;
}

/* A provider that takes too much and fails to give it back, and a shop that moves money by hand. */
static void make_greedy(struct shop_options *options)
{
    options->bank.fail = 50;
    options->bank.overcharge = 25;
    options->cancel_share = 10;
    options->money_share = 10;
}

/* Most of what leaves is not there yet. */
static void make_early(struct shop_options *options)
{
    options->stock = 5;
    options->early = 60;
}

/* Small, with a bad bank; every other one with operators. One in four has little stock, workers that are
 * often away, and answers that come when the order has been given up; one in eight is greedy, one vague,
 * one sells too early. */
static struct shop_options options_of(u64 seed)
{
    const u32 bad = 1 + (u32)(seed % 3);
    const bool is_late = seed % 4 == 3;
    struct shop_options options = {
        .town = {.shard_count = (u16)(2 + seed % 2), .seed = seed, .keeps_log = true},
        .bank = {.decline = 6,
                 .action = 5 * bad,
                 .lost = is_late ? 0 : 6 * bad,
                 .dropped = 5 * bad,
                 .stall = 3 * bad,
                 .hang = seed % 2 == 0 ? 0 : 3 * bad,
                 .late = is_late ? 50 : 6 * bad,
                 .duplicate = 8,
                 .webhook = 20,
                 .fail = 10 * bad,
                 .nack = 4 * bad,
                 .puzzled = 4 * bad,
                 .expire = seed % 5 == 0 ? 20 : 0,
                 .overcharge = 2,
                 .charge_back = 2,
                 .outage = is_late ? 150 : 30 * bad},
        .orders = 60,
        .skus = 12,
        .stock = is_late ? 6 : 12 + 6 * (i64)(seed % 4),
        .open_max = 14,
        .order_share = 20,
        .has_aftermath = true,
        .has_operators = seed % 2 == 0,
    };
    if (seed % 8 == 6)
        make_greedy(&options);
    if (seed % 8 == 1)
        make_vague(&options);
    if (seed % 8 == 5)
        make_early(&options);
    return options;
}

struct watch {
    struct steps *steps;
    struct town *town;
    u64 seen[TOWN_SHARDS_MAX][SAGA_LINE_COUNT];
    bool is_taken[SAGA_LINE_COUNT];
};

/* After a batch: which lines were taken in it? */
static void on_batch(void *context, u16 shard, u64 batch)
{
    struct watch *watch = context;
    struct steps *steps = watch->steps;
    const struct order_room *room = &watch->town->shards[shard].shard->orders;
    for (u32 line = 1; line < SAGA_LINE_COUNT; line++) {
        const u64 count = room->lines[line];
        const bool is_first = count != watch->seen[shard][line] && !watch->is_taken[line];
        watch->seen[shard][line] = count;
        if (!is_first)
            continue;
        watch->is_taken[line] = true;
        if (steps->counts[line] < steps->per_line)
            steps->places[line][steps->counts[line]++] =
                (struct place){.seed = watch->town->options.seed, .batch = batch};
    }
}

static void run_shop(struct steps *steps, const struct shop_options *options, struct watch *watch)
{
    struct shop *shop = shop_open(options);
    struct shop_counts counts;
    if (watch != NULL) {
        watch->town = shop_town(shop);
        watch->town->on_batch = on_batch;
        watch->town->context = watch;
    }
    while (shop_step(shop)) {} /* ends: all orders are made */
    shop_finish(shop);
    shop_audit(shop, &counts);
    MUST(options->town.crash == TOWN_CRASH_NONE || shop_town(shop)->crashes == 1);
    shop_close(shop);
    steps->runs++;
}

/* ---- which seeds ----------------------------------------------------------------------------- */

static void look_at(struct steps *steps, u64 seed)
{
    static struct watch watch;
    steps->seeds++;
    watch = (struct watch){.steps = steps};
    (void)fprintf(stderr, "\rsteps: seed %llu          ", (unsigned long long)seed);
    const struct shop_options options = options_of(seed);
    run_shop(steps, &options, &watch);
}

static void look_once(struct steps *steps, u64 seed)
{
    if (seed >= SEEDS_MAX || steps->is_tried[seed])
        return;
    steps->is_tried[seed] = true;
    look_at(steps, seed);
}

static bool is_wanted(const struct steps *steps, u32 line)
{
    const struct saga_transition *way = saga_transition_at(line - 1);
    char name[96];
    (void)snprintf(name, sizeof name, "%s:%s", saga_state_name(way->from), way->event);
    return steps->only == NULL || strcmp(steps->only, name) == 0;
}

static u32 count_missing(const struct steps *steps, u32 wanted)
{
    u32 missing = 0;
    for (u32 line = 1; line < SAGA_LINE_COUNT; line++)
        missing += is_wanted(steps, line) && steps->counts[line] < wanted ? 1 : 0;
    return missing;
}

/* The kept seeds, then as many more as it takes. */
static void find_seeds(struct steps *steps)
{
    FILE *file = steps->seeds_path != NULL ? fopen(steps->seeds_path, "re") : NULL;
    char from[64], event[64];
    unsigned long long seed;
    while (file != NULL && fscanf(file, "%63s %63s %llu", from, event, &seed) == 3)
        look_once(steps, seed); /* ends: with the file */
    if (file != NULL)
        (void)fclose(file);
    const u32 stale = count_missing(steps, 1);
    if (stale != 0 && steps->seeds_path != NULL)
        (void)printf("steps: %u lines are not taken by the kept seeds any more; looking for others "
                     "(make crash-seeds keeps them)\n",
                     stale);
    for (u64 i = 1; i < MIN(steps->limit, SEEDS_MAX); i++) {
        if (count_missing(steps, steps->per_line) == 0)
            break;
        look_once(steps, i);
    }
}

/* Few seeds that take many lines each: the rest is quick to look at. */
static bool write_seeds(const struct steps *steps)
{
    FILE *file = fopen(steps->write_path, "we");
    if (file == NULL)
        return false;
    for (u32 line = 1; line < SAGA_LINE_COUNT; line++) {
        const struct saga_transition *way = saga_transition_at(line - 1);
        if (steps->counts[line] != 0)
            (void)fprintf(file, "%s %s %llu\n", saga_state_name(way->from), way->event,
                          (unsigned long long)steps->places[line][0].seed);
    }
    return fclose(file) == 0;
}

/* ---- crashes --------------------------------------------------------------------------------- */

static void crash_at(struct steps *steps, u32 line, const struct place *place,
                     enum town_crash crash)
{
    static const char *const words[] = {
        [TOWN_CRASH_BEFORE] = "before", [TOWN_CRASH_AFTER] = "after", [TOWN_CRASH_THAW] = "thaw"};
    const struct saga_transition *way = saga_transition_at(line - 1);
    struct shop_options options = options_of(place->seed);
    options.town.crash = crash;
    options.town.crash_batch = place->batch;
    /* Overwritten by the next one; what stands there after a panic is what it was about. */
    (void)fprintf(stderr, "\rsteps: %s %s, seed %llu, %s batch %llu          ",
                  saga_state_name(way->from), way->event, (unsigned long long)place->seed,
                  words[crash], (unsigned long long)place->batch);
    run_shop(steps, &options, NULL);
}

static u32 crash_everywhere(struct steps *steps)
{
    u32 lines = 0;
    for (u32 line = 1; line < SAGA_LINE_COUNT; line++) {
        if (!is_wanted(steps, line) || steps->counts[line] == 0)
            continue;
        for (u32 i = 0; i < steps->counts[line]; i++) {
            const struct place *place = &steps->places[line][i];
            crash_at(steps, line, place, TOWN_CRASH_BEFORE);
            crash_at(steps, line, place, TOWN_CRASH_AFTER);
            crash_at(steps, line, place, TOWN_CRASH_THAW);
        }
        lines++;
    }
    (void)fprintf(stderr, "\r%80s\r", "");
    return lines;
}

static bool tell_missing(const struct steps *steps)
{
    bool is_complete = true;
    for (u32 line = 1; line < SAGA_LINE_COUNT; line++) {
        const struct saga_transition *way = saga_transition_at(line - 1);
        if (!is_wanted(steps, line) || steps->counts[line] != 0)
            continue;
        (void)printf("steps: no order went from %s by %s (%s)\n", saga_state_name(way->from),
                     way->event, way->text);
        is_complete = false;
    }
    return is_complete;
}

static bool parse(int count, char **arguments, struct steps *steps)
{
    for (int i = 1; i + 1 < count; i += 2) {
        if (strcmp(arguments[i], "--seeds") == 0)
            steps->seeds_path = arguments[i + 1];
        else if (strcmp(arguments[i], "--write") == 0)
            steps->write_path = arguments[i + 1];
        else if (strcmp(arguments[i], "--line") == 0)
            steps->only = arguments[i + 1];
        else if (strcmp(arguments[i], "--shops") == 0)
            steps->shops = (u32)strtoul(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--seed") == 0)
            steps->first = strtoull(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--limit") == 0)
            steps->limit = (u32)strtoul(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--per-line") == 0)
            steps->per_line = (u32)strtoul(arguments[i + 1], NULL, 10);
        else
            return false;
    }
    if (steps->first != 0 && steps->shops == 0)
        steps->shops = 1;
    return count % 2 == 1 && steps->per_line >= 1 && steps->per_line <= PER_LINE_MAX;
}

int main(int count, char **arguments)
{
    static struct steps steps = {.limit = SEEDS_MAX, .per_line = 1};
    if (!parse(count, arguments, &steps)) {
        (void)fprintf(stderr, "usage: steps [--seeds FILE] [--write FILE] [--limit N] "
                              "[--per-line N] [--line FROM:EVENT] [--shops N] [--seed N]\n");
        return 2;
    }
    const u64 first = MAX(steps.first, 1);
    for (u64 i = 0; i < steps.shops; i++)
        look_at(&steps, first + i);
    if (steps.shops != 0) {
        (void)printf("steps: %u shops from seed %llu on\n", steps.shops, (unsigned long long)first);
        return 0;
    }
    find_seeds(&steps);
    if (steps.write_path != NULL && !write_seeds(&steps)) {
        perror(steps.write_path);
        return 1;
    }
    const bool is_complete = tell_missing(&steps);
    const u32 lines = crash_everywhere(&steps);
    (void)printf(
        "steps: %u of %u lines of the saga, each with the power cut before and after it, and "
        "all shards made again from dumps: %llu runs, %u seeds\n",
        lines, SAGA_LINE_COUNT - 1, (unsigned long long)steps.runs, steps.seeds);
    return is_complete && lines != 0 ? 0 : 1;
}
