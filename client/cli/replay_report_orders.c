/* replay_report_orders: the table, the JSON object and the files of a replay as orders. The names in
 * JSON and the columns of the files are those of the independent computation in tests/replay/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/replay_report.h"

#define PRINTABLE_MAX 32u

/* ---- JSON ---- */

static void set_file(json_t *object, const struct run *run)
{
    const struct replay_plan *plan = run->plan;
    const struct replay_events *events = run->events;
    const u64 orders = events->kind_events[REPLAY_EVENT_ORDER];
    report_set_count(object, "lines", plan->line_count);
    report_set_count(object, "order_lines", (i64)plan->rule_lines[REPLAY_RULE_SALE]);
    report_set_count(object, "order_units", (i64)plan->rule_units[REPLAY_RULE_SALE]);
    report_set_count(object, "order_minor", plan->sale_revenue);
    report_set_count(object, "cancellations", (i64)plan->rule_lines[REPLAY_RULE_CANCELLATION]);
    report_set_count(object, "cancellation_units", (i64)plan->rule_units[REPLAY_RULE_CANCELLATION]);
    report_set_count(object, "corrections", (i64)plan->rule_lines[REPLAY_RULE_CORRECTION]);
    report_set_count(object, "unpriced", (i64)plan->rule_lines[REPLAY_RULE_UNPRICED]);
    report_set_count(object, "charges", (i64)plan->rule_lines[REPLAY_RULE_CHARGE]);
    report_set_count(object, "skus", plan->sku_count);
    report_set_count(object, "orders", (i64)orders);
    report_set_count(object, "customer_orders", (i64)(orders - events->guest_orders));
    report_set_count(object, "guest_orders", (i64)events->guest_orders);
    report_set_count(object, "returns", (i64)events->kind_events[REPLAY_EVENT_RETURN]);
}

static json_t *reasons_object(const struct book_totals *totals)
{
    json_t *object = json_object();
    for (u32 i = 0; i < totals->reason_count; i++) {
        json_t *reason = json_object();
        report_set_count(reason, "orders", (i64)totals->reasons[i].orders);
        report_set_count(reason, "units", totals->reasons[i].units);
        (void)json_object_set_new(object, souk_status_name(totals->reasons[i].status), reason);
    }
    return object;
}

static void set_outcome(json_t *object, const struct run *run, const struct audit *audit)
{
    const struct book_totals *totals = &run->book.totals;
    report_set_count(object, "lines_done", (i64)run->shop.totals.lines_done);
    report_set_count(object, "received_units", (i64)run->shop.totals.received_units);
    report_set_count(object, "accepted", (i64)totals->accepted);
    report_set_count(object, "refused", (i64)totals->refused);
    (void)json_object_set_new(object, "refused_by", reasons_object(totals));
    report_set_count(object, "accepted_units", totals->accepted_units);
    report_set_count(object, "refused_units", totals->refused_units);
    report_set_count(object, "refused_minor", totals->refused_minor);
    report_set_count(object, "captured_minor", audit->captured);
    report_set_count(object, "refunded_minor", audit->refunded);
    (void)json_object_set_new(object, "currency", json_string("GBP"));
    report_set_count(object, "returned_units", totals->returned_units);
    report_set_count(object, "unmatched_units", totals->unmatched_units);
    report_set_count(object, "adjusted_units", totals->adjusted_units);
    report_set_count(object, "adjusted_beyond", totals->adjusted_beyond);
}

static void set_audit(json_t *object, const struct audit *audit)
{
    json_t *states = json_object();
    for (u16 state = 0; state < AUDIT_STATES; state++)
        if (audit->states[state] > 0)
            report_set_count(states, souk_state_name(state), (i64)audit->states[state]);
    (void)json_object_set_new(object, "states", states);
    report_set_count(object, "orders_returned", (i64)audit->returned);
    report_set_count(object, "orders_checked", (i64)audit->orders);
    report_set_count(object, "orders_wrong", (i64)audit->wrong);
    report_set_count(object, "not_at_rest", (i64)audit->not_at_rest);
    report_set_count(object, "stuck", (i64)audit->stuck);
    report_set_count(object, "commands_left", (i64)audit->commands);
}

/* What this run did, without what an earlier one had done. */
static u64 orders_done(const struct run *run)
{
    return run->book.totals.accepted + run->book.totals.refused - run->orders_before;
}

static i64 per_second(const struct run *run, u64 count)
{
    return (i64)((double)count / report_seconds(run));
}

static void set_speed(json_t *object, const struct run *run)
{
    report_set_count(object, "clients", run->options.clients);
    (void)json_object_set_new(object, "seconds", json_real(report_seconds(run)));
    report_set_count(object, "calls", (i64)(run->shop.totals.ops - run->ops_before));
    report_set_count(object, "orders_per_s", per_second(run, orders_done(run)));
    report_set_count(object, "lines_per_s",
                     per_second(run, run->shop.totals.lines_done - run->lines_before));
    report_set_count(object, "order_p50_us", run_latency_us(run, 500));
    report_set_count(object, "order_p99_us", run_latency_us(run, 990));
    (void)json_object_set_new(object, "resumed", json_boolean(run->is_resumed));
    report_set_count(object, "frames_resent", run->resent_lanes);
    report_set_count(object, "stored_answers", (i64)run->stored_answers);
}

/* ---- the table ---- */

static const char *money(i64 minor, char *text, size_t bytes)
{
    return souk_money_print(minor, REPLAY_CURRENCY, text, bytes);
}

static void print_file(const struct run *run)
{
    const struct replay_plan *plan = run->plan;
    const struct replay_events *events = run->events;
    char text[PRINTABLE_MAX], note[96];
    printf("\n  %-22s %12s %14s\n", "the file", "lines", "units");
    for (u32 rule = 0; rule < REPLAY_RULE_COUNT; rule++)
        report_print_row(replay_rule_name((enum replay_rule)rule), plan->rule_lines[rule],
                         (i64)plan->rule_units[rule], "");
    printf("  %-22s %12s\n", "all", value_print_grouped(plan->line_count, text));
    (void)snprintf(note, sizeof note, "%s by guests",
                   value_print_grouped((i64)events->guest_orders, text));
    printf("\n  %-22s %12s %14s\n", "what happened", "orders", "units");
    report_print_row("received", plan->sku_count, (i64)run->shop.totals.received_units,
                     "(SKUs, units)");
    report_print_row("ordered", events->kind_events[REPLAY_EVENT_ORDER],
                     (i64)plan->rule_units[REPLAY_RULE_SALE], note);
}

static void print_outcome(const struct run *run)
{
    const struct book_totals *totals = &run->book.totals;
    char text[64], note[96];
    report_print_row("accepted", totals->accepted, totals->accepted_units,
                     money(totals->captured, text, sizeof text));
    report_print_row("refused", totals->refused, totals->refused_units,
                     money(totals->refused_minor, text, sizeof text));
    for (u32 i = 0; i < totals->reason_count; i++) {
        (void)snprintf(note, sizeof note, "  %s", souk_status_name(totals->reasons[i].status));
        report_print_row(note, totals->reasons[i].orders, totals->reasons[i].units, "");
    }
    (void)snprintf(note, sizeof note, "and %s unmatched",
                   value_print_grouped(totals->unmatched_units, text));
    report_print_row("returned", totals->returns, totals->returned_units, note);
    (void)snprintf(note, sizeof note, "and %s beyond what was there",
                   value_print_grouped(totals->adjusted_beyond, text));
    report_print_row("corrected", run->events->kind_events[REPLAY_EVENT_CORRECTION],
                     -totals->adjusted_units, note);
    if (!run_is_complete(run))
        printf(
            "  %-22s %12s\n", "lines still to do",
            value_print_grouped((i64)(run->plan->line_count - run->shop.totals.lines_done), text));
}

static void print_money(const struct audit *audit)
{
    char text[64];
    printf("\n  %-22s %27s\n", "money, by the server", "");
    printf("  %-22s %27s\n", "captured", money(audit->captured, text, sizeof text));
    printf("  %-22s %27s\n", "refunded", money(audit->refunded, text, sizeof text));
    printf("  %-22s %27s\n", "kept", money(audit->captured - audit->refunded, text, sizeof text));
}

static void print_audit(const struct audit *audit)
{
    printf("  orders: %llu compared with the server's, %llu differ;",
           (unsigned long long)audit->orders, (unsigned long long)audit->wrong);
    for (u16 state = 0; state < AUDIT_STATES; state++)
        if (audit->states[state] > 0)
            printf(" %llu %s,", (unsigned long long)audit->states[state], souk_state_name(state));
    printf(" %llu of them RETURNED; %llu stuck\n", (unsigned long long)audit->returned,
           (unsigned long long)audit->stuck);
    if (audit->commands > 0)
        printf("  %llu commands are still in the outbox\n", (unsigned long long)audit->commands);
}

static void print_speed(const struct run *run)
{
    char orders[PRINTABLE_MAX], rate[PRINTABLE_MAX], lines[PRINTABLE_MAX];
    printf(
        "\n  %s orders in %.2f s: %s/s, %s lines/s; from checkout to PAID p50 %u us, p99 %u us\n",
        value_print_grouped((i64)orders_done(run), orders), report_seconds(run),
        value_print_grouped(per_second(run, orders_done(run)), rate),
        value_print_grouped(per_second(run, run->shop.totals.lines_done - run->lines_before),
                            lines),
        run_latency_us(run, 500), run_latency_us(run, 990));
}

void report_orders_print(struct run *run, const char *file, const struct report_facts *facts)
{
    if (!run->cli->is_json) {
        print_file(run);
        print_outcome(run);
        print_money(&facts->audit);
        print_speed(run);
        print_audit(&facts->audit);
        report_print_proof(facts);
        return;
    }
    json_t *object = json_pack("{s:s}", "file", file);
    set_file(object, run);
    set_outcome(object, run, &facts->audit);
    set_audit(object, &facts->audit);
    set_speed(object, run);
    report_set_proof(object, facts);
    cli_print_json(object);
}

/* ---- files ---- */

static int compare_codes(const void *left, const void *right)
{
    const struct replay_sku *const *a = left, *const *b = right;
    return strcmp((*a)->code, (*b)->code);
}

bool report_orders_write_skus(struct run *run, const char *path)
{
    const struct replay_plan *plan = run->plan;
    const struct replay_sku **sorted = calloc(plan->sku_count + 1, sizeof *sorted);
    FILE *file = report_open_file(path);
    MUST(sorted != NULL);
    for (u32 i = 0; i < plan->sku_count; i++)
        sorted[i] = &plan->skus[i];
    qsort(sorted, plan->sku_count, sizeof *sorted, compare_codes);
    if (file != NULL)
        (void)fprintf(file, "sku,received,sold,returned,adjusted,level\n");
    for (u32 i = 0; file != NULL && i < plan->sku_count; i++) {
        const struct shop_sku *sku = &run->shop.skus[sorted[i] - plan->skus];
        const i64 received = sku->is_ready ? sorted[i]->receive : 0;
        (void)fprintf(file, "%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
                      sorted[i]->code, received, sku->shipped, sku->returned, sku->adjusted,
                      received - sku->shipped + sku->returned - sku->adjusted);
    }
    free(sorted);
    return file != NULL && report_close_file(file, path);
}

static const char *outcome_of(const struct book_event *own, char *text, size_t bytes)
{
    if (own->state != BOOK_DONE)
        return "open";
    if (own->status == SOUK_OK)
        return "accepted";
    const char *name = souk_status_name(own->status);
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < bytes; i++)
        text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    text[i] = '\0';
    return text;
}

/* "guest-536365" for a guest, as the independent computation names them. */
static const char *customer_of(const struct replay_event *event, char *text, size_t bytes)
{
    if (event->customer[0] != '\0')
        return event->customer;
    (void)snprintf(text, bytes, "guest-%s", event->invoice);
    return text;
}

static const char *match_of(const struct replay_event *planned, const struct book_event *own)
{
    if (own->state != BOOK_DONE)
        return "open";
    return own->units == planned->units ? "matched" : own->units > 0 ? "partly" : "unmatched";
}

bool report_orders_write_invoices(struct run *run, const char *path)
{
    FILE *file = report_open_file(path);
    char customer[96], outcome[64];
    if (file == NULL)
        return false;
    (void)fprintf(
        file, "kind,invoice,customer,lines,units,minor,outcome,returned_units,refunded_minor\n");
    for (u32 i = 0; i < run->events->count; i++) {
        const struct replay_event *planned = &run->events->events[i];
        const struct book_event *own = &run->book.entries[i];
        const bool is_order = planned->kind == REPLAY_EVENT_ORDER;
        if (planned->kind == REPLAY_EVENT_CORRECTION)
            continue;
        (void)fprintf(file,
                      "%s,%s,%s,%" PRIu32 ",%" PRId64 ",%" PRId64 ",%s,%" PRId64 ",%" PRId64 "\n",
                      is_order ? "order" : "return", planned->invoice,
                      customer_of(planned, customer, sizeof customer), planned->line_count,
                      planned->units, planned->minor,
                      is_order ? outcome_of(own, outcome, sizeof outcome) : match_of(planned, own),
                      is_order ? own->returned : own->units, is_order ? own->refunded : own->money);
    }
    return report_close_file(file, path);
}

bool report_orders_write_lines(struct run *run, const char *path)
{
    FILE *file = report_open_file(path);
    char outcome[64];
    if (file == NULL)
        return false;
    (void)fprintf(file, "invoice,line,sku,units,price_minor,outcome,returned_units\n");
    for (u32 i = 0; i < run->events->count; i++) {
        const struct replay_event *planned = &run->events->events[i];
        const struct book_event *own = &run->book.entries[i];
        const bool is_accepted = own->state == BOOK_DONE && own->status == SOUK_OK;
        if (planned->kind != REPLAY_EVENT_ORDER)
            continue;
        for (u32 line = planned->first_line; line != REPLAY_NONE;
             line = run->events->lines[line].next) {
            const struct replay_line *sold = &run->plan->lines[line];
            (void)fprintf(file, "%s,%" PRIu32 ",%s,%" PRId64 ",%" PRId64 ",%s,%" PRId64 "\n",
                          planned->invoice, run->events->lines[line].index + 1,
                          run->plan->skus[sold->sku].code, sold->quantity, sold->price,
                          outcome_of(own, outcome, sizeof outcome),
                          is_accepted ? sold->quantity - run->book.left[line] : 0);
        }
    }
    return report_close_file(file, path);
}
