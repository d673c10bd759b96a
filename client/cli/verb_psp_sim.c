/* verb_psp_sim: psp-sim: workers that simulate a payment provider, and what its books say in the end.
 *
 *      souk psp-sim --once --decline 5 --lost 10 --duplicate 10 --seed 7
 *
 * It runs until SIGINT or SIGTERM; with --once until nothing is left to do. Then the books are printed
 * and judged: captures per key at most one, refunds at most captures, nothing captured that was not
 * authorised or had been voided; and, after --once, every order's ledger in the engine says what the
 * books say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli/cli.h"
#include "client/cli/sim_worker.h"

#define LOOK_MS       50   /* between two looks whether it is over */
#define IDLE_MS       500u /* --once: so long nothing has happened */
#define LEASE_MS      2000u
#define BATCH         1024
#define BATCH_MAX     8190
#define THREADS       4
#define COMPARE_BATCH 512u

/* "5", "0.5", "12.25": percent, as a rate per million. */
static bool option_rate(struct cli *cli, const struct verb_args *args, const char *name, u32 *rate)
{
    const char *text = verb_option(args, name);
    u64 millionths;
    if (text == NULL)
        return true;
    const char *reason = value_parse_factor(text, &millionths);
    if (reason == NULL && millionths > 100 * VALUE_FACTOR_ONE)
        reason = "is not a percentage of 0 to 100";
    if (reason != NULL) {
        (void)cli_usage(cli, "%s \"%s\" %s", name, text, reason);
        return false;
    }
    *rate = (u32)(millionths / 100);
    return true;
}

static bool read_options(struct cli *cli, const struct verb_args *args, struct sim_options *options)
{
    i64 seed = 1, group = 0, batch = BATCH, threads = THREADS;
    u64 late_ms = 0, lease_ms = LEASE_MS;
    if (!option_rate(cli, args, "--decline", &options->decline) ||
        !option_rate(cli, args, "--action", &options->action) ||
        !option_rate(cli, args, "--no-answer", &options->timeout) ||
        !option_rate(cli, args, "--lost", &options->lost) ||
        !option_rate(cli, args, "--duplicate", &options->duplicate) ||
        !option_rate(cli, args, "--reorder", &options->reorder) ||
        !option_rate(cli, args, "--fail", &options->fail) ||
        !cli_option_duration(cli, args, "--late", 3600000, &late_ms) ||
        !cli_option_duration(cli, args, "--lease", COMMAND_LEASE_MS_MAX, &lease_ms) ||
        !cli_option_count(cli, args, "--seed", 0, INT64_MAX, &seed) ||
        !cli_option_count(cli, args, "--group", 0, UINT32_MAX, &group) ||
        !cli_option_count(cli, args, "--batch", 1, BATCH_MAX, &batch) ||
        !cli_option_count(cli, args, "--threads", 1, 64, &threads))
        return false;
    options->seed = (u64)seed;
    options->group = (u32)group;
    options->batch = (u32)batch;
    options->threads = (u32)threads;
    options->late_ms = (u32)late_ms;
    options->lease_ms = (u32)lease_ms;
    return true;
}

/* ---- comparing ---- */

/* Orders whose captured and refunded sums are others in the engine than in the books. */
struct comparison {
    u64 orders, differ, unknown;
    struct souk_id128 first; /* that differs */
};

static void compare_batch(struct souk_client *client, const struct sim_account *accounts, u32 count,
                          struct comparison *comparison, int *error)
{
    struct souk_payment_get *gets = calloc(count, sizeof *gets);
    struct souk_payment_get_reply *replies = calloc(count, sizeof *replies);
    MUST(gets != NULL && replies != NULL);
    for (u32 i = 0; i < count; i++)
        gets[i].order = accounts[i].order;
    *error = souk_payment_get_batch(client, gets, count, replies, 0);
    for (u32 i = 0; i < count; i++) {
        struct souk_row_order_tender tender = {0};
        const bool is_known =
            replies[i].status == SOUK_OK &&
            souk_row_at(replies[i].tenders, sizeof tender, accounts[i].tender, &tender) != 0;
        comparison->orders++;
        if (!is_known) {
            comparison->unknown++;
        } else if (tender.captured + tender.overcharged != accounts[i].captured ||
                   tender.refunded != accounts[i].refunded) {
            if (comparison->differ++ == 0)
                comparison->first = accounts[i].order;
        }
        souk_free(replies[i].memory);
    }
    free(gets);
    free(replies);
}

static int compare(struct souk_client *client, const struct sim_bank *bank,
                   struct comparison *comparison)
{
    struct sim_account accounts[COMPARE_BATCH];
    u64 at = 0;
    bool is_more = true;
    int error = 0;
    while (is_more && error == 0) {
        u32 count = 0;
        while (count < COMPARE_BATCH && (is_more = sim_bank_next(bank, &at, &accounts[count])))
            count += accounts[count].is_adopted ? 0 : 1; /* of those the books know a part */
        if (count != 0)
            compare_batch(client, accounts, count, comparison, &error);
    }
    return error;
}

/* ---- the report ---- */

#define SET(object, name, number) \
    (void)json_object_set_new(object, name, json_integer((json_int_t)(number)))

static void add_books(json_t *object, const struct sim_totals *totals)
{
    SET(object, "keys", totals->deeds);
    SET(object, "asked_again", totals->asked_again);
    SET(object, "adopted", totals->adopted);
    SET(object, "authorized", totals->authorized);
    SET(object, "declined", totals->declined);
    SET(object, "captures", totals->captures);
    SET(object, "voids", totals->voids);
    SET(object, "refunds", totals->refunds);
    SET(object, "failures", totals->failures);
    SET(object, "authorized_minor", totals->authorized_amount);
    SET(object, "captured_minor", totals->captured_amount);
    SET(object, "refunded_minor", totals->refunded_amount);
    SET(object, "charged_twice", totals->charged_twice);
    SET(object, "beyond_authorized", totals->beyond_authorized);
    SET(object, "beyond_captured", totals->beyond_captured);
    SET(object, "captured_after_void", totals->after_void);
    SET(object, "changed_keys", totals->changed_keys);
}

static void add_counts(json_t *object, const struct sim_counts *counts)
{
    SET(object, "commands", counts->commands);
    SET(object, "authorize_commands", counts->authorize);
    SET(object, "capture_commands", counts->capture);
    SET(object, "void_commands", counts->void_);
    SET(object, "refund_commands", counts->refund);
    SET(object, "query_commands", counts->query);
    SET(object, "notify_commands", counts->notify);
    SET(object, "events", counts->events);
    SET(object, "applied", counts->effects[SOUK_EFFECT_APPLIED]);
    SET(object, "seen_before", counts->effects[SOUK_EFFECT_SEEN]);
    SET(object, "stale", counts->effects[SOUK_EFFECT_STALE]);
    SET(object, "flagged", counts->effects[SOUK_EFFECT_FLAGGED]);
    SET(object, "late_retaken", counts->effects[SOUK_EFFECT_LATE_RETAKE]);
    SET(object, "late_voided", counts->effects[SOUK_EFFECT_LATE_VOID]);
    SET(object, "acks", counts->acks);
    SET(object, "actions", counts->actions);
    SET(object, "timeouts", counts->timeouts);
    SET(object, "answers_lost", counts->lost);
    SET(object, "duplicates", counts->duplicates);
    SET(object, "late", counts->late);
    SET(object, "reordered", counts->reordered);
    SET(object, "lease_lost", counts->lease_lost);
    SET(object, "refused", counts->refused);
}

static void print_table(const json_t *object)
{
    const char *key;
    json_t *value;
    char text[32];
    json_object_foreach(((json_t *)(uintptr_t)object), key, value)
    {
        if (json_is_integer(value) && json_integer_value(value) != 0)
            printf("%-20s %14s\n", key, value_print_grouped((i64)json_integer_value(value), text));
        else if (json_is_real(value))
            printf("%-20s %14.1f\n", key, json_real_value(value));
    }
}

static int report(struct cli *cli, const struct sim_bank *bank, const struct sim_counts *counts,
                  const struct comparison *comparison, double seconds)
{
    const struct sim_totals totals = sim_bank_totals(bank);
    const u64 violations = sim_bank_violations(&totals);
    char number[SOUK_NUMBER_TEXT_MAX];
    json_t *object = json_object();
    add_counts(object, counts);
    add_books(object, &totals);
    SET(object, "orders_compared", comparison->orders);
    SET(object, "orders_differ", comparison->differ + comparison->unknown);
    (void)json_object_set_new(object, "seconds", json_real(seconds));
    (void)json_object_set_new(object, "commands_per_s",
                              json_real(seconds > 0 ? (double)counts->commands / seconds : 0));
    const bool is_sound =
        violations == 0 && comparison->differ + comparison->unknown == 0 && counts->refused == 0;
    (void)json_object_set_new(object, "sound", json_boolean(is_sound));
    if (cli->is_json) {
        cli_print_json(object);
    } else {
        print_table(object);
        cli_say(cli, "%s",
                is_sound ? "sound: nobody was charged twice, nothing refunded that was "
                           "not captured"
                         : "NOT SOUND");
        json_decref(object);
    }
    if (counts->refused != 0)
        (void)fprintf(stderr, "souk: %llu answers of the bank were refused, the last one: %s\n",
                      (unsigned long long)counts->refused, souk_status_name(counts->last_refusal));
    if (comparison->differ != 0)
        (void)fprintf(stderr, "souk: the engine's ledger differs from the bank's: order %s\n",
                      souk_order_number(comparison->first, number));
    return is_sound ? CLI_EXIT_DONE : CLI_EXIT_REFUSED;
}

/* ---- running ---- */

/* Until a signal, or until it is over. */
static void wait_for_end(struct sim_workers *workers, const sigset_t *signals, bool is_once)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * (long)NS_PER_MS};
    while (sigtimedwait(signals, NULL, &look) < 0)
        if (sim_workers_have_ended(workers) || (is_once && sim_workers_are_idle(workers, IDLE_MS)))
            return;
}

static double seconds_since(const struct timespec *begin)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begin->tv_sec) + (double)(now.tv_nsec - begin->tv_nsec) / 1e9;
}

static int run(struct cli *cli, const struct sim_options *options, bool is_once)
{
    struct sim_counts counts;
    struct comparison comparison = {0};
    struct timespec begin;
    sigset_t signals, before;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &before);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    struct sim_workers *workers = sim_workers_start(cli->client, options);
    int exit_code = CLI_EXIT_USAGE;
    if (workers == NULL) {
        (void)cli_usage(cli, "psp-sim: no thread can be made");
    } else {
        wait_for_end(workers, &signals, is_once);
        struct sim_bank *bank = sim_workers_stop(workers, &counts);
        double seconds = seconds_since(&begin);
        if (is_once)
            seconds = seconds > IDLE_MS / 1e3 ? seconds - IDLE_MS / 1e3 : 0;
        int error = counts.error;
        if (error == 0 && is_once)
            error = compare(cli->client, bank, &comparison);
        exit_code = report(cli, bank, &counts, &comparison, seconds);
        if (error != 0)
            exit_code = cli_no_answer(cli, cli->client, error);
        sim_bank_close(bank);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return exit_code;
}

int verb_psp_sim(struct cli *cli, const struct verb_args *args)
{
    struct sim_options options = {0};
    if (!read_options(cli, args, &options))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    return run(cli, &options, verb_option(args, "--once") != NULL);
}
