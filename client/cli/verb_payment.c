/* verb_payment: payment get, event, capture, refund, find.
 *
 * Amounts are written in the order's currency, which is looked up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"

#define SUMS "?$total ?$authorized ?$captured ?$refunded ?$charged_back"

int verb_payment_get(struct cli *cli, const struct verb_args *args)
{
    struct souk_payment_get get = {0};
    struct cli_answer answer;
    if (!cli_order(cli, args, 0, &get.order) ||
        !cli_option_user_of(cli, args, "--user", &get.user_id))
        return CLI_EXIT_USAGE;
    int exit_code = cli_ask(cli, SOUK_OP_PAYMENT_GET, 0, &get, &answer);
    if (exit_code == CLI_EXIT_DONE && (cli->is_json || answer.status != SOUK_OK)) {
        exit_code = cli_answer(cli, SOUK_OP_PAYMENT_GET, &answer, args->words[0], 0, "");
    } else if (exit_code == CLI_EXIT_DONE) {
        json_t *object = record_reply(SOUK_OP_PAYMENT_GET, answer.reply);
        const char *currency = json_string_value(json_object_get(object, "currency"));
        table_print_lines(stdout, object, NULL, "state payment " SUMS);
        (void)putchar('\n');
        table_print(stdout, json_object_get(object, "tenders"), currency,
                    "kind=paid_by $amount state ?$authorized ?$captured ?$refunded "
                    "?$charged_back ?$overcharged ?token ?reference");
        (void)putchar('\n');
        table_print(stdout, json_object_get(object, "commands"), currency,
                    "step kind $amount state attempt deliveries tender ?reason key");
        json_decref(object);
    }
    cli_answer_end(SOUK_OP_PAYMENT_GET, &answer);
    return exit_code;
}

/* ORDER AMOUNT */
static int take_amount(struct cli *cli, const struct verb_args *args, struct souk_id128 *order,
                       u16 *currency, i64 *amount)
{
    if (!cli_order(cli, args, 0, order))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_order_currency(cli, args->words[0], *order, currency);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    return cli_amount(cli, "amount", args->words[1], *currency, amount) ? CLI_EXIT_DONE
                                                                        : CLI_EXIT_USAGE;
}

int verb_payment_capture(struct cli *cli, const struct verb_args *args)
{
    struct souk_payment_capture capture = {0};
    i64 tender = 0;
    u16 currency;
    if (!cli_option_count(cli, args, "--tender", 0, ORDER_TENDERS_MAX - 1, &tender))
        return CLI_EXIT_USAGE;
    capture.tender = (u16)tender;
    const int exit_code =
        take_amount(cli, args, &capture.order, &currency, &capture.captured_total);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    return cli_call_order(cli, SOUK_OP_PAYMENT_CAPTURE, &capture, args->words[0], currency,
                          "state step " SUMS);
}

int verb_payment_refund(struct cli *cli, const struct verb_args *args)
{
    struct souk_payment_refund refund = {0};
    u32 reason = 0;
    u16 currency;
    if (!cli_option_reason(cli, args, &reason))
        return CLI_EXIT_USAGE;
    refund.reason = reason;
    const int exit_code = take_amount(cli, args, &refund.order, &currency, &refund.refunded_total);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    return cli_call_order(cli, SOUK_OP_PAYMENT_REFUND, &refund, args->words[0], currency,
                          "state step " SUMS);
}

int verb_payment_find(struct cli *cli, const struct verb_args *args)
{
    struct souk_text64 reference;
    struct souk_payment_find_reply reply;
    if (!cli_text64(cli, "reference", args->words[0], &reference))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_payment_find_all(cli->client, args->words[0], &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = record_reply(SOUK_OP_PAYMENT_FIND, &reply);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, object);
    if (cli->is_json)
        return cli_print(cli, object);
    table_print_one(stdout, object, NULL, "order tender");
    json_decref(object);
    return CLI_EXIT_DONE;
}

/* ---- events ---- */

/* The words of the kinds, as souk_event_name has them. */
static bool take_event_kind(struct cli *cli, const char *text, u16 *kind)
{
    const char *words[SOUK_EVENT_NO_SUCH_PAYMENT];
    for (u16 i = 0; i < ARRAY_COUNT(words); i++)
        words[i] = souk_event_name((u16)(i + 1));
    return cli_word(cli, "event", text, words, ARRAY_COUNT(words), 1, kind);
}

/* ORDER, or the key of the command that it is the result of. */
static bool take_subject(struct cli *cli, const struct verb_args *args,
                         struct souk_payment_event *event)
{
    if (souk_command_key_parse(args->words[0], &event->order, &event->step, &event->attempt) == 0)
        return true;
    return cli_order(cli, args, 0, &event->order);
}

int verb_payment_event(struct cli *cli, const struct verb_args *args)
{
    struct souk_payment_event event = {0};
    const char *amount = verb_option(args, "--amount"), *lease = verb_option(args, "--lease");
    i64 tender = 0;
    u32 reason = 0;
    if (!take_subject(cli, args, &event) || !take_event_kind(cli, args->words[1], &event.kind) ||
        !cli_option_text64(cli, args, "--reference", &event.reference) ||
        !cli_option_count(cli, args, "--tender", 0, ORDER_TENDERS_MAX - 1, &tender) ||
        !cli_option_reason(cli, args, &reason))
        return CLI_EXIT_USAGE;
    if (reason > UINT16_MAX)
        return cli_usage(cli, "--reason is out of range (0 to 65535)");
    if (lease != NULL && value_parse_u64(lease, &event.lease) != NULL)
        return cli_usage(cli, "--lease \"%s\" is not a whole number", lease);
    event.tender = (u16)tender;
    event.reason = (u16)reason;
    event.action = souk_text_of(verb_option(args, "--action"));
    if (event.action.bytes > ACTION_BYTES_MAX)
        return cli_usage(cli, "--action is longer than %u bytes", ACTION_BYTES_MAX);
    const int exit_code = cli_order_currency(cli, args->words[0], event.order, &event.currency);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    if (amount != NULL && !cli_amount(cli, "--amount", amount, event.currency, &event.amount))
        return CLI_EXIT_USAGE;
    return cli_call_order(cli, SOUK_OP_PAYMENT_EVENT, &event, args->words[0], event.currency,
                          "effect state " SUMS);
}
