/* replay_report: see client/cli/replay_report.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WRONG_TOLD_MAX 10u

/* ---- books ---- */

/* NULL, or the first level or sum that is not what the replay knows. */
static const char *find_difference(const struct replay_sku *planned, const struct shop_sku *own,
                                   const struct souk_sku_get_reply *server, bool is_received)
{
    const i64 received = is_received ? planned->receive : 0;
    if (server->status != SOUK_OK)
        return souk_status_name(server->status);
    if (server->received != received)
        return "received";
    if (server->shipped != own->shipped)
        return "shipped";
    if (server->returned_sellable != own->returned)
        return "returned";
    if (server->adjusted != -own->adjusted)
        return "adjusted";
    if (server->on_hand != received - own->shipped + own->returned - own->adjusted)
        return "on hand";
    return server->on_hand < 0 ? "below zero" : NULL;
}

static void check_books(struct run *run, const struct souk_sku_get_reply *replies, u64 *checked,
                        u64 *wrong)
{
    const bool is_complete = run_is_complete(run);
    for (u32 i = 0; i < run->plan->sku_count; i++) {
        const struct shop_sku *own = &run->shop.skus[i];
        if (!own->is_new)
            continue;
        const char *what = find_difference(&run->plan->skus[i], own, &replies[i], own->is_ready);
        if (what == NULL && is_complete && replies[i].allocated != 0)
            what = "allocated";
        (*checked)++;
        if (what == NULL)
            continue;
        if ((*wrong)++ < WRONG_TOLD_MAX)
            (void)fprintf(stderr, "souk: the server's books differ for %s: %s\n",
                          run->plan->skus[i].code, what);
    }
}

int report_check_books(struct run *run, u64 *checked, u64 *wrong)
{
    const u32 count = run->plan->sku_count;
    struct souk_sku_get *gets = calloc(count + 1, sizeof *gets);
    struct souk_sku_get_reply *replies = calloc(count + 1, sizeof *replies);
    int exit_code = CLI_EXIT_DONE;
    MUST(gets != NULL && replies != NULL);
    *checked = *wrong = 0;
    for (u32 i = 0; i < count; i++)
        gets[i].resource = run->plan->skus[i].resource;
    const int error = count == 0 ? 0 : souk_sku_get_batch(run->clients[0], gets, count, replies, 0);
    if (error != 0)
        exit_code = cli_no_answer(run->cli, run->clients[0], error);
    else
        check_books(run, replies, checked, wrong);
    for (u32 i = 0; i < count; i++)
        souk_free(replies[i].memory);
    free(gets);
    free(replies);
    return exit_code;
}

/* ---- the report ---- */

void report_set_count(json_t *object, const char *name, i64 count)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)count));
}

static json_t *reasons_object(const struct shop_totals *totals)
{
    json_t *object = json_object();
    for (u32 i = 0; i < totals->reason_count; i++) {
        json_t *reason = json_object();
        report_set_count(reason, "lines", (i64)totals->reasons[i].lines);
        report_set_count(reason, "units", (i64)totals->reasons[i].units);
        (void)json_object_set_new(object, souk_status_name(totals->reasons[i].status), reason);
    }
    return object;
}

double report_seconds(const struct run *run)
{
    const double seconds = (double)(run->end_ns - run->begin_ns) / 1e9;
    return seconds > 0 ? seconds : 1e-9;
}

static void set_lines(json_t *object, const struct replay_plan *plan)
{
    report_set_count(object, "lines", plan->line_count);
    report_set_count(object, "sales", (i64)plan->rule_lines[REPLAY_RULE_SALE]);
    report_set_count(object, "sale_units", (i64)plan->rule_units[REPLAY_RULE_SALE]);
    report_set_count(object, "sale_revenue_minor", plan->sale_revenue);
    report_set_count(object, "cancellations", (i64)plan->rule_lines[REPLAY_RULE_CANCELLATION]);
    report_set_count(object, "cancellation_units", (i64)plan->rule_units[REPLAY_RULE_CANCELLATION]);
    report_set_count(object, "corrections", (i64)plan->rule_lines[REPLAY_RULE_CORRECTION]);
    report_set_count(object, "correction_units", -(i64)plan->rule_units[REPLAY_RULE_CORRECTION]);
    report_set_count(object, "unpriced", (i64)plan->rule_lines[REPLAY_RULE_UNPRICED]);
    report_set_count(object, "charges", (i64)plan->rule_lines[REPLAY_RULE_CHARGE]);
    report_set_count(object, "skus", plan->sku_count);
}

static void set_outcome(json_t *object, const struct shop_totals *totals)
{
    report_set_count(object, "lines_done", (i64)totals->lines_done);
    report_set_count(object, "received_units", (i64)totals->received_units);
    report_set_count(object, "sold_lines", (i64)totals->sold_lines);
    report_set_count(object, "sold_units", (i64)totals->sold_units);
    report_set_count(object, "revenue_minor", totals->revenue);
    (void)json_object_set_new(object, "currency", json_string("GBP"));
    report_set_count(object, "refused_lines", (i64)totals->refused_lines);
    report_set_count(object, "refused_units", (i64)totals->refused_units);
    report_set_count(object, "refused_revenue_minor", totals->refused_revenue);
    (void)json_object_set_new(object, "refused", reasons_object(totals));
    report_set_count(object, "returned_units", (i64)totals->returned_units);
    report_set_count(object, "returned_beyond", (i64)totals->return_beyond);
    report_set_count(object, "adjusted_units", -(i64)totals->adjusted_units);
    report_set_count(object, "adjusted_beyond", -(i64)totals->adjust_beyond);
    report_set_count(object, "unshipped_lines", (i64)totals->unshipped_lines);
}

static void set_speed(json_t *object, const struct run *run)
{
    const u64 ops = run->shop.totals.ops - run->ops_before;
    const u64 lines = run->shop.totals.lines_done - run->lines_before;
    report_set_count(object, "clients", run->options.clients);
    (void)json_object_set_new(object, "seconds", json_real(report_seconds(run)));
    report_set_count(object, "ops", (i64)ops);
    report_set_count(object, "frames", (i64)run->frames);
    report_set_count(object, "ops_per_s", (i64)((double)ops / report_seconds(run)));
    report_set_count(object, "lines_per_s", (i64)((double)lines / report_seconds(run)));
    report_set_count(object, "p50_us", run_latency_us(run, 500));
    report_set_count(object, "p99_us", run_latency_us(run, 990));
    (void)json_object_set_new(object, "resumed", json_boolean(run->is_resumed));
    report_set_count(object, "frames_resent", run->resent_lanes);
    report_set_count(object, "stored_answers", (i64)run->stored_answers);
}

void report_print_row(const char *name, u64 lines, i64 units, const char *note)
{
    char left[32], right[32];
    printf("  %-22s %12s %14s  %s\n", name, value_print_grouped((i64)lines, left),
           value_print_grouped(units, right), note);
}

static void print_table(struct run *run)
{
    const struct replay_plan *plan = run->plan;
    const struct shop_totals *totals = &run->shop.totals;
    char text[64], note[96];
    printf("\n  %-22s %12s %14s\n", "the file", "lines", "units");
    for (u32 rule = 0; rule < REPLAY_RULE_COUNT; rule++)
        report_print_row(replay_rule_name((enum replay_rule)rule), plan->rule_lines[rule],
                         rule == REPLAY_RULE_CORRECTION ? -(i64)plan->rule_units[rule]
                                                        : (i64)plan->rule_units[rule],
                         "");
    printf("  %-22s %12s\n", "all", value_print_grouped(plan->line_count, text));
    printf("\n  %-22s %12s %14s\n", "what happened", "lines", "units");
    report_print_row("received", plan->sku_count, (i64)totals->received_units, "(SKUs, units)");
    (void)snprintf(note, sizeof note, "%s",
                   souk_money_print(totals->revenue, REPLAY_CURRENCY, text, sizeof text));
    report_print_row("sold", totals->sold_lines, (i64)totals->sold_units, note);
    report_print_row("refused", totals->refused_lines, (i64)totals->refused_units,
                     souk_money_print(totals->refused_revenue, REPLAY_CURRENCY, text, sizeof text));
    for (u32 i = 0; i < totals->reason_count; i++) {
        (void)snprintf(note, sizeof note, "  %s", souk_status_name(totals->reasons[i].status));
        report_print_row(note, totals->reasons[i].lines, (i64)totals->reasons[i].units, "");
    }
    (void)snprintf(note, sizeof note, "and %s beyond what was shipped",
                   value_print_grouped((i64)totals->return_beyond, text));
    report_print_row("returned", plan->rule_lines[REPLAY_RULE_CANCELLATION],
                     (i64)totals->returned_units, note);
    (void)snprintf(note, sizeof note, "and %s beyond what was there",
                   value_print_grouped((i64)totals->adjust_beyond, text));
    report_print_row("adjusted", plan->rule_lines[REPLAY_RULE_CORRECTION],
                     -(i64)totals->adjusted_units, note);
    if (totals->lines_done < plan->line_count)
        printf("  %-22s %12s\n", "still to do",
               value_print_grouped((i64)(plan->line_count - totals->lines_done), text));
}

static void print_speed(const struct run *run)
{
    char ops[32], lines[32], rate[32];
    const u64 count = run->shop.totals.ops - run->ops_before;
    printf("\n  revenue %lld in minor units\n", (long long)run->shop.totals.revenue);
    printf("  %s operations in %.2f s: %s/s, %s lines/s; frames p50 %u us, p99 %u us\n",
           value_print_grouped((i64)count, ops), report_seconds(run),
           value_print_grouped((i64)((double)count / report_seconds(run)), rate),
           value_print_grouped((i64)((double)(run->shop.totals.lines_done - run->lines_before) /
                                     report_seconds(run)),
                               lines),
           run_latency_us(run, 500), run_latency_us(run, 990));
}

void report_print_proof(const struct report_facts *facts)
{
    json_t *verify = facts->verify;
    printf("  books: %llu SKUs compared with the server's, %llu differ\n",
           (unsigned long long)facts->books_checked, (unsigned long long)facts->books_wrong);
    printf("  verify: %s, %lld violations on %lld shards\n",
           json_is_true(json_object_get(verify, "sound")) ? "sound" : "NOT SOUND",
           (long long)json_integer_value(json_object_get(verify, "violations")),
           (long long)json_integer_value(json_object_get(verify, "shard_count")));
    json_decref(verify);
}

void report_set_proof(json_t *object, const struct report_facts *facts)
{
    report_set_count(object, "books_checked", (i64)facts->books_checked);
    report_set_count(object, "books_wrong", (i64)facts->books_wrong);
    (void)json_object_set_new(object, "verify", facts->verify);
}

void report_print(struct run *run, const char *file, const struct report_facts *facts)
{
    if (!run->cli->is_json) {
        print_table(run);
        print_speed(run);
        report_print_proof(facts);
        return;
    }
    json_t *object = json_pack("{s:s}", "file", file);
    set_lines(object, run->plan);
    set_outcome(object, &run->shop.totals);
    set_speed(object, run);
    report_set_proof(object, facts);
    cli_print_json(object);
}

/* ---- files ---- */

FILE *report_open_file(const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        (void)fprintf(stderr, "souk: %s: %s\n", path, strerror(errno));
    return file;
}

bool report_close_file(FILE *file, const char *path)
{
    const bool is_bad = ferror(file) != 0;
    if (fclose(file) == 0 && !is_bad)
        return true;
    (void)fprintf(stderr, "souk: %s cannot be written\n", path);
    return false;
}

bool report_write_skus(struct run *run, const char *path)
{
    FILE *file = report_open_file(path);
    if (file == NULL)
        return false;
    (void)fprintf(file, "code,received,sold_lines,sold_units,refused_lines,refused_units,returned,"
                        "returned_beyond,adjusted,adjusted_beyond,on_hand,revenue_minor\n");
    for (u32 i = 0; i < run->plan->sku_count; i++) {
        const struct replay_sku *planned = &run->plan->skus[i];
        const struct shop_sku *sku = &run->shop.skus[i];
        (void)fprintf(file,
                      "%s,%" PRId64 ",%" PRIu32 ",%" PRId64 ",%" PRIu32 ",%" PRId64 ",%" PRId64
                      ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
                      planned->code, planned->receive, sku->sold_lines, sku->shipped,
                      sku->refused_lines, sku->refused_units, sku->returned, sku->return_beyond,
                      -sku->adjusted, -sku->adjust_beyond, sku->on_hand, sku->revenue);
    }
    return report_close_file(file, path);
}

bool report_write_lines(struct run *run, const char *path)
{
    FILE *file = report_open_file(path);
    if (file == NULL)
        return false;
    (void)fprintf(file, "line,code,rule,quantity,outcome,beyond\n");
    for (u32 i = 0; i < run->plan->line_count; i++) {
        const struct replay_line *planned = &run->plan->lines[i];
        const struct shop_line *line = &run->shop.lines[i];
        const bool is_moved = planned->rule <= REPLAY_RULE_CORRECTION;
        (void)fprintf(file, "%" PRIu32 ",%s,%s,%" PRId64 ",%s,%" PRId32 "\n", planned->file_line,
                      planned->sku == REPLAY_NONE ? "" : run->plan->skus[planned->sku].code,
                      replay_rule_name((enum replay_rule)planned->rule),
                      planned->is_negative ? -planned->quantity : planned->quantity,
                      !is_moved                       ? "counted"
                      : line->state != SHOP_LINE_DONE ? "open"
                                                      : souk_status_name(line->status),
                      line->units_beyond);
    }
    return report_close_file(file, path);
}
