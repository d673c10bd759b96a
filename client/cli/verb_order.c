/* verb_order: order, order cancel, order attach, order resolve; orders.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/order_view.h"

#define CHANGE_COLUMNS "state summary ?$refund"
#define LIMIT          50

static const char *const cancel_reasons[] = {"customer", "declined", "fraud",  "inventory",
                                             "staff",    "other",    "expired"};

/* ---- one order ---- */

static json_t *event_object(const struct souk_row_order_event *event, u16 currency)
{
    char words[256];
    json_t *rows = record_rows("order_event", souk_rows_of(event, sizeof *event, 1));
    json_t *object = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    (void)json_object_set_new(object, "words",
                              json_string(order_story_words(event, currency, words, sizeof words)));
    return object;
}

/* The history, page by page: a sentence or a JSON line per event. */
static int tell_story(struct cli *cli, const char *what, struct souk_id128 order, u64 user,
                      u16 currency)
{
    struct souk_order_events ask = {.order = order, .user_id = user};
    char day[16] = "";
    bool is_more = true;
    while (is_more) {
        struct souk_order_events_reply page = {0};
        struct souk_row_order_event event;
        u32 i = 0;
        const int error = souk_order_events(cli->client, &ask, &page);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        if (page.status != SOUK_OK)
            return cli_refused(cli, what, page.status, page.retry_after_ms, NULL);
        for (; souk_row_at(page.events, sizeof event, i, &event); i++) {
            if (cli->is_json)
                cli_print_json(event_object(&event, currency));
            else
                order_story_print(&event, currency, day);
            ask.after = event.number;
        }
        is_more = page.more != 0 && i != 0;
        souk_free(page.memory);
    }
    return CLI_EXIT_DONE;
}

int verb_order(struct cli *cli, const struct verb_args *args)
{
    struct souk_order_get get = {0};
    struct cli_answer answer;
    if (!cli_order(cli, args, 0, &get.order) ||
        !cli_option_user_of(cli, args, "--user", &get.user_id))
        return CLI_EXIT_USAGE;
    int exit_code = cli_ask(cli, SOUK_OP_ORDER_GET, 0, &get, &answer);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    struct souk_order_get_reply reply;
    memcpy(&reply, answer.reply, sizeof reply);
    json_t *order = record_reply(SOUK_OP_ORDER_GET, &reply);
    if (answer.status != SOUK_OK) {
        exit_code = cli_refused(cli, args->words[0], answer.status, answer.retry_after_ms, NULL);
    } else if (verb_option(args, "--events") != NULL) {
        exit_code = tell_story(cli, args->words[0], get.order, get.user_id, reply.currency);
    } else {
        order_lines_name(cli, json_object_get(order, "lines"));
        if (cli->is_json)
            exit_code = cli_print(cli, json_incref(order));
        else
            order_view_print(order);
    }
    json_decref(order);
    cli_answer_end(SOUK_OP_ORDER_GET, &answer);
    return exit_code;
}

int verb_order_cancel(struct cli *cli, const struct verb_args *args)
{
    struct souk_order_cancel cancel = {.reason = SOUK_CANCEL_CUSTOMER};
    struct cli_lines lines = {0};
    int exit_code = CLI_EXIT_USAGE;
    if (cli_order(cli, args, 0, &cancel.order) &&
        cli_option_user_of(cli, args, "--user", &cancel.user_id) &&
        cli_option_word(cli, args, "--reason", cancel_reasons, ARRAY_COUNT(cancel_reasons),
                        SOUK_CANCEL_CUSTOMER, &cancel.reason) &&
        cli_option_lines(cli, args, false, &lines)) {
        cancel.lines = souk_rows_of(lines.rows, sizeof *lines.rows, lines.count);
        exit_code =
            cli_call_order(cli, SOUK_OP_ORDER_CANCEL, &cancel, args->words[0], 0, CHANGE_COLUMNS);
    }
    free(lines.rows);
    return exit_code;
}

int verb_order_attach(struct cli *cli, const struct verb_args *args)
{
    struct souk_order_attach attach = {0};
    if (!cli_order(cli, args, 0, &attach.order) || !cli_user(cli, args, 1, &attach.user_id))
        return CLI_EXIT_USAGE;
    return cli_call_order(cli, SOUK_OP_ORDER_ATTACH, &attach, args->words[0], 0, CHANGE_COLUMNS);
}

int verb_order_resolve(struct cli *cli, const struct verb_args *args)
{
    static const char *const decisions[] = {"retry", "paid", "cancel"};
    struct souk_order_resolve resolve = {0};
    if (!cli_order(cli, args, 0, &resolve.order) ||
        !cli_word(cli, "decision", args->words[1], decisions, ARRAY_COUNT(decisions),
                  SOUK_RESOLVE_RETRY, &resolve.decision) ||
        !cli_option_text64(cli, args, "--actor", &resolve.actor) ||
        !cli_option_text64(cli, args, "--reason", &resolve.reason))
        return CLI_EXIT_USAGE;
    if (resolve.actor.bytes[0] == 0 || resolve.reason.bytes[0] == 0)
        return cli_usage(cli, "order resolve needs --actor and --reason: they go into the history");
    return cli_call(cli, SOUK_OP_ORDER_RESOLVE, &resolve, args->words[0], "state");
}

/* ---- orders of a user ---- */

/* The words of the summaries, by number. */
static const char *const summary_words[] = {"open",      "placed",    "paid",    "shipped",
                                            "delivered", "cancelled", "returned"};
STATIC_CHECK(ARRAY_COUNT(summary_words) == SOUK_SUMMARY_RETURNED);

static void print_orders(struct cli *cli, json_t *rows, u64 count)
{
    size_t index;
    json_t *row;
    if (!cli->is_json) {
        table_print(stdout, rows, NULL,
                    "order @created_at_ns=ordered state summary line_count=lines $total currency "
                    "?$captured ?$refunded");
        cli_say(cli, "%zu of %llu orders", json_array_size(rows), (unsigned long long)count);
        return;
    }
    json_array_foreach(rows, index, row) cli_print_json(json_incref(row));
}

int verb_orders(struct cli *cli, const struct verb_args *args)
{
    struct souk_order_list list = {0};
    i64 limit = LIMIT;
    u64 count = 0;
    bool is_more = true;
    if (!cli_user(cli, args, 0, &list.user_id) ||
        !cli_option_words(cli, args, "--state", summary_words, ARRAY_COUNT(summary_words),
                          SOUK_SUMMARY_OPEN, &list.summaries) ||
        !cli_option_time(cli, args, "--since", &list.from_ns) ||
        !cli_option_time(cli, args, "--until", &list.until_ns) ||
        !cli_option_count(cli, args, "--limit", 1, 1000000, &limit))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    json_t *rows = json_array();
    while (exit_code == CLI_EXIT_DONE && is_more && (i64)json_array_size(rows) < limit) {
        struct souk_order_list_reply page = {0};
        struct souk_row_order_brief brief;
        u32 i = 0;
        list.limit = (u32)MIN(limit - (i64)json_array_size(rows), LIST_PAGE_ROWS);
        const int error = souk_order_list(cli->client, &list, &page);
        if (error != 0) {
            exit_code = cli_no_answer(cli, cli->client, error);
        } else if (page.status != SOUK_OK) {
            exit_code = cli_refused(cli, args->words[0], page.status, page.retry_after_ms, NULL);
        } else {
            json_t *more = record_rows("order_brief", page.orders);
            (void)json_array_extend(rows, more);
            json_decref(more);
            for (; souk_row_at(page.orders, sizeof brief, i, &brief); i++) {
                list.after = brief.order;
                list.after_created_ns = brief.created_at_ns;
            }
        }
        count = page.count;
        is_more = page.more != 0 && i != 0;
        souk_free(page.memory);
    }
    if (exit_code == CLI_EXIT_DONE)
        print_orders(cli, rows, count);
    json_decref(rows);
    return exit_code;
}
