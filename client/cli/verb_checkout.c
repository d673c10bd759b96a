/* verb_checkout: checkout, checkout status, checkout cancel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/checkout_plan.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/order_view.h"

#define WAIT_MS 5000u

static const char *const cancel_reasons[] = {"customer", "declined", "fraud",  "inventory",
                                             "staff",    "other",    "expired"};

/* Where an order is, with the lines that failed. Who has just ordered hears of a failed order as of a
 * refusal. */
static int answer_status(struct cli *cli, struct souk_id128 order,
                         const struct souk_checkout_status_reply *reply, u16 currency,
                         bool has_ordered)
{
    char number[SOUK_NUMBER_TEXT_MAX];
    json_t *object = json_object();
    (void)souk_order_number(order, number);
    (void)json_object_set_new(object, "order", json_string(number));
    json_t *fields = record_reply(SOUK_OP_CHECKOUT_STATUS, reply);
    (void)json_object_update(object, fields);
    json_decref(fields);
    if (currency != 0)
        (void)json_object_set_new(object, "currency", json_string(souk_currency_letters(currency)));
    if (reply->status != SOUK_OK)
        return cli_refused(cli, number, reply->status, reply->retry_after_ms, object);
    json_t *failed = json_object_get(object, "failed");
    order_lines_name(cli, failed);
    if (!cli->is_json) {
        table_print_lines(stdout, object, NULL,
                          "order state ?reason ?summary $total ?$authorized ?$captured ?$refunded "
                          "?$charged_back ?action");
        table_print(stdout, failed, souk_currency_letters(currency),
                    "?line sku=cannot_be_had wanted sellable ?$price status=why");
    }
    if (reply->reason != 0 && has_ordered)
        return cli_refused(cli, number, reply->reason, 0, object);
    if (cli->is_json)
        return cli_print(cli, object);
    if (reply->is_settled == 0)
        cli_say(cli, "not settled yet: `souk checkout status %s --wait 60s` waits", number);
    json_decref(object);
    return CLI_EXIT_DONE;
}

int verb_checkout(struct cli *cli, const struct verb_args *args)
{
    struct checkout_plan *plan = malloc(sizeof *plan);
    struct souk_checkout_reply first = {0};
    struct souk_checkout_status_reply last = {0};
    char number[SOUK_NUMBER_TEXT_MAX];
    u64 wait_ms = WAIT_MS;
    int exit_code = CLI_EXIT_USAGE;
    MUST(plan != NULL);
    if (!checkout_plan_read(cli, args, plan) ||
        !cli_option_duration(cli, args, "--wait", UINT32_MAX, &wait_ms))
        goto out;
    exit_code = cli_connect(cli);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = checkout_plan_price(cli, plan);
    if (exit_code != CLI_EXIT_DONE)
        goto out;
    (void)souk_order_number(plan->record.order, number);
    const int error = souk_checkout_wait(cli->client, &plan->record, (u32)wait_ms, &first, &last);
    if (error != 0) {
        exit_code = cli_no_answer(cli, cli->client, error);
        if (error == SOUK_ERROR_UNKNOWN_OUTCOME)
            (void)fprintf(stderr, "      the same line with --order %s asks again\n", number);
    } else if (first.status != SOUK_OK) {
        json_t *object = record_reply(SOUK_OP_CHECKOUT, &first);
        (void)json_object_set_new(object, "order", json_string(number));
        exit_code = cli_refused(cli, number, first.status, first.retry_after_ms, object);
    } else {
        exit_code = answer_status(cli, plan->record.order, &last, plan->record.currency, true);
    }
out:
    souk_free(last.memory);
    free(plan);
    return exit_code;
}

int verb_checkout_status(struct cli *cli, const struct verb_args *args)
{
    struct souk_id128 order;
    struct souk_checkout_status_reply reply = {0};
    u64 user = 0, wait_ms = 0;
    if (!cli_order(cli, args, 0, &order) || !cli_option_user_of(cli, args, "--user", &user) ||
        !cli_option_duration(cli, args, "--wait", UINT32_MAX, &wait_ms))
        return CLI_EXIT_USAGE;
    u16 currency;
    int exit_code = cli_order_currency(cli, args->words[0], order, &currency);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_order_wait(cli->client, order, user, (u32)wait_ms, &reply);
    exit_code = error != 0 ? cli_no_answer(cli, cli->client, error)
                           : answer_status(cli, order, &reply, currency, false);
    souk_free(reply.memory);
    return exit_code;
}

int verb_checkout_cancel(struct cli *cli, const struct verb_args *args)
{
    struct souk_checkout_cancel cancel = {.reason = SOUK_CANCEL_CUSTOMER};
    if (!cli_order(cli, args, 0, &cancel.order) ||
        !cli_option_user_of(cli, args, "--user", &cancel.user_id) ||
        !cli_option_word(cli, args, "--reason", cancel_reasons, ARRAY_COUNT(cancel_reasons),
                         SOUK_CANCEL_CUSTOMER, &cancel.reason))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_CHECKOUT_CANCEL, &cancel, args->words[0], "state");
}
