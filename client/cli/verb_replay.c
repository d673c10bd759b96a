/* verb_replay: `souk replay online-retail FILE`. The rules are in docs/replay.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/replay_report.h"
#include "client/cli/replay_run.h"
#include "client/cli/verify.h"

#define CLIENTS_DEFAULT       4
#define BATCH_DEFAULT         512
#define RETRY_SECONDS_DEFAULT 60

/* --as and --psp. */
static bool read_mode(struct cli *cli, const struct verb_args *args, struct run_options *options)
{
    const char *mode = verb_option(args, "--as"), *psp = verb_option(args, "--psp");
    const bool is_takes = mode != NULL && strcmp(mode, "takes") == 0;
    options->mode = is_takes ? JOURNAL_MODE_TAKES : JOURNAL_MODE_ORDERS;
    options->has_provider = !is_takes && (psp == NULL || strcmp(psp, "honest") == 0);
    if (mode != NULL && !is_takes && strcmp(mode, "orders") != 0) {
        (void)cli_usage(cli, "--as \"%s\" is not orders or takes", mode);
        return false;
    }
    if (psp != NULL && !options->has_provider && strcmp(psp, "none") != 0) {
        (void)cli_usage(cli, "--psp \"%s\" is not honest or none", psp);
        return false;
    }
    if (is_takes && (psp != NULL || verb_option(args, "--per-invoice") != NULL)) {
        (void)cli_usage(cli, "--psp and --per-invoice belong to --as orders");
        return false;
    }
    return true;
}

static bool read_options(struct cli *cli, const struct verb_args *args, struct run_options *options)
{
    i64 clients = CLIENTS_DEFAULT, batch = BATCH_DEFAULT, retry = RETRY_SECONDS_DEFAULT, stop = 0;
    const char *factor = verb_option(args, "--stock");
    memset(options, 0, sizeof *options);
    if (!read_mode(cli, args, options))
        return false;
    options->factor = VALUE_FACTOR_INF;
    const char *reason = factor == NULL ? NULL : value_parse_factor(factor, &options->factor);
    if (reason != NULL) {
        (void)cli_usage(cli, "--stock \"%s\" %s", factor, reason);
        return false;
    }
    if (!cli_option_count(cli, args, "--clients", 1, JOURNAL_SESSIONS_MAX, &clients) ||
        !cli_option_count(cli, args, "--batch", 1, JOURNAL_ITEMS_MAX, &batch) ||
        !cli_option_count(cli, args, "--retry-seconds", 1, 86400, &retry) ||
        !cli_option_count(cli, args, "--stop-after", 1, INT64_MAX, &stop))
        return false;
    options->clients = (u32)clients;
    options->batch = (u32)batch;
    options->retry_ms = (u32)retry * 1000;
    options->stop_after = stop == 0 ? UINT64_MAX : (u64)stop;
    options->journal_path = verb_option(args, "--resume");
    return true;
}

static bool write_files(struct run *run, const struct verb_args *args)
{
    const bool is_orders = run->options.mode == JOURNAL_MODE_ORDERS;
    const char *skus = verb_option(args, "--per-sku"), *lines = verb_option(args, "--per-line"),
               *invoices = verb_option(args, "--per-invoice");
    if (skus != NULL &&
        !(is_orders ? report_orders_write_skus(run, skus) : report_write_skus(run, skus)))
        return false;
    if (lines != NULL &&
        !(is_orders ? report_orders_write_lines(run, lines) : report_write_lines(run, lines)))
        return false;
    return invoices == NULL || report_orders_write_invoices(run, invoices);
}

/* Files, books, orders, verify, table. Returns an exit code. */
static int report(struct run *run, const struct verb_args *args)
{
    const bool is_orders = run->options.mode == JOURNAL_MODE_ORDERS;
    struct report_facts facts = {0};
    struct verify_result result;
    if (!write_files(run, args))
        return CLI_EXIT_USAGE;
    int exit_code = is_orders ? audit_orders(run, &facts.audit) : CLI_EXIT_DONE;
    if (exit_code == CLI_EXIT_DONE)
        exit_code = report_check_books(run, &facts.books_checked, &facts.books_wrong);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = verify_all(run->cli, run->clients[0], &result);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    facts.verify = result.object;
    if (is_orders)
        report_orders_print(run, args->words[1], &facts);
    else
        report_print(run, args->words[1], &facts);
    return result.violations == 0 && facts.books_wrong == 0 && audit_is_sound(&facts.audit)
               ? CLI_EXIT_DONE
               : CLI_EXIT_REFUSED;
}

/* Everything that talks to the server. */
static int replay(struct cli *cli, const struct verb_args *args, const struct replay_events *events,
                  struct run_options options)
{
    struct run *run = calloc(1, sizeof *run);
    MUST(run != NULL);
    int exit_code = run_begin(run, cli, events, options);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = run_all(run);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = report(run, args);
    run_end(run);
    free(run);
    return exit_code;
}

int verb_replay(struct cli *cli, const struct verb_args *args)
{
    struct run_options options;
    struct replay_plan plan;
    if (strcmp(args->words[0], "online-retail") != 0)
        return cli_usage(cli, "the format \"%s\" is not known; online-retail is", args->words[0]);
    if (!read_options(cli, args, &options))
        return CLI_EXIT_USAGE;
    struct replay_events events = {.plan = &plan};
    int exit_code = CLI_EXIT_USAGE;
    if (replay_plan_load(&plan, args->words[1], options.factor, stderr) &&
        (options.mode == JOURNAL_MODE_TAKES ||
         replay_events_make(&events, &plan, args->words[1], stderr)))
        exit_code = replay(cli, args, &events, options);
    replay_events_close(&events);
    replay_plan_close(&plan);
    return exit_code;
}
