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

static bool read_options(struct cli *cli, const struct verb_args *args, struct run_options *options)
{
    i64 clients = CLIENTS_DEFAULT, batch = BATCH_DEFAULT, retry = RETRY_SECONDS_DEFAULT, stop = 0;
    const char *factor = verb_option(args, "--stock");
    memset(options, 0, sizeof *options);
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

/* Files, books, verify, table. Returns an exit code. */
static int report(struct run *run, const struct verb_args *args)
{
    struct verify_result result;
    u64 checked, wrong;
    const char *skus = verb_option(args, "--per-sku"), *lines = verb_option(args, "--per-line");
    if ((skus != NULL && !report_write_skus(run, skus)) ||
        (lines != NULL && !report_write_lines(run, lines)))
        return CLI_EXIT_USAGE;
    int exit_code = report_check_books(run, &checked, &wrong);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = verify_all(run->cli, run->clients[0], &result);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const bool is_sound = result.violations == 0 && wrong == 0;
    report_print(run, args->words[1], checked, wrong, result.object);
    return is_sound ? CLI_EXIT_DONE : CLI_EXIT_REFUSED;
}

int verb_replay(struct cli *cli, const struct verb_args *args)
{
    struct run_options options;
    struct replay_plan plan;
    if (strcmp(args->words[0], "online-retail") != 0)
        return cli_usage(cli, "the format \"%s\" is not known; online-retail is", args->words[0]);
    if (!read_options(cli, args, &options))
        return CLI_EXIT_USAGE;
    if (!replay_plan_load(&plan, args->words[1], options.factor, stderr)) {
        replay_plan_close(&plan);
        return CLI_EXIT_USAGE;
    }
    struct run *run = calloc(1, sizeof *run);
    MUST(run != NULL);
    int exit_code = run_begin(run, cli, &plan, options);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = run_all(run);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = report(run, args);
    run_end(run);
    free(run);
    replay_plan_close(&plan);
    return exit_code;
}
