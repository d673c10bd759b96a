/* cli_call: calls of one record, from the request to what is printed. See client/cli/cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"

int cli_ask(struct cli *cli, u16 op, u16 shard, const void *record, struct cli_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_request request = {
        .op = op, .shard = shard, .count = 1, .records = record, .replies = answer->reply};
    const int error = souk_call(cli->client, &request);
    if (error != 0) {
        memset(answer, 0, sizeof *answer);
        return cli_no_answer(cli, cli->client, error);
    }
    struct record_status head;
    memcpy(&head, answer->reply, sizeof head);
    answer->status = head.status;
    answer->retry_after_ms = head.retry_after_ms;
    answer->is_replayed = (head.flags & SOUK_FLAG_REPLAYED) != 0;
    return CLI_EXIT_DONE;
}

void cli_answer_end(u16 op, struct cli_answer *answer)
{
    const struct message_info *info = message_find(op);
    MUST(info != NULL);
    void *memory = NULL;
    if (info->reply.span_count != 0)
        memcpy(&memory,
               (const u8 *)answer->reply + info->reply.fixed_bytes +
                   info->reply.span_count * sizeof(struct souk_text),
               sizeof memory);
    souk_free(memory);
    memset(answer, 0, sizeof *answer);
}

int cli_answer(struct cli *cli, u16 op, const struct cli_answer *answer, const char *what,
               u16 currency, const char *columns)
{
    json_t *object = record_reply(op, answer->reply);
    const char *letters = souk_currency_letters(currency);
    if (letters != NULL)
        (void)json_object_set_new(object, "currency", json_string(letters));
    if (answer->status != SOUK_OK)
        return cli_refused(cli, what, answer->status, answer->retry_after_ms, object);
    if (answer->is_replayed)
        (void)json_object_set_new(object, "replayed", json_true());
    if (cli->is_json)
        return cli_print(cli, object);
    table_print_one(stdout, object, NULL, columns);
    json_decref(object);
    return CLI_EXIT_DONE;
}

int cli_call(struct cli *cli, u16 op, const void *record, const char *what, const char *columns)
{
    struct cli_answer answer;
    int exit_code = cli_ask(cli, op, 0, record, &answer);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = cli_answer(cli, op, &answer, what, 0, columns);
    cli_answer_end(op, &answer);
    return exit_code;
}

/* Whether a change of an order gives money back, which is told in the order's currency. */
static bool has_refund(u16 op, const struct cli_answer *answer)
{
    json_t *object = record_reply(op, answer->reply);
    const bool is_any = json_integer_value(json_object_get(object, "refund")) != 0;
    json_decref(object);
    return answer->status == SOUK_OK && is_any;
}

int cli_call_order(struct cli *cli, u16 op, const void *record, const char *what, u16 currency,
                   const char *columns)
{
    const struct message_info *info = message_find(op);
    MUST(info != NULL && info->route == MESSAGE_ROUTE_ORDER);
    struct cli_answer answer;
    int exit_code = cli_ask(cli, op, 0, record, &answer);
    if (exit_code == CLI_EXIT_DONE && currency == 0 && has_refund(op, &answer)) {
        struct souk_id128 order;
        memcpy(&order, (const u8 *)record + info->route_offset, sizeof order);
        exit_code = cli_order_currency(cli, what, order, &currency);
    }
    if (exit_code == CLI_EXIT_DONE)
        exit_code = cli_answer(cli, op, &answer, what, currency, columns);
    cli_answer_end(op, &answer);
    return exit_code;
}

int cli_order_currency(struct cli *cli, const char *what, struct souk_id128 order, u16 *currency)
{
    struct souk_payment_get_reply reply = {0};
    const struct souk_payment_get get = {.order = order};
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_payment_get(cli->client, &get, &reply);
    souk_free(reply.memory);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, what, reply.status, reply.retry_after_ms, NULL);
    *currency = reply.currency;
    return CLI_EXIT_DONE;
}

/* ---- settings ---- */

#define SETTING_WAIT_MS 5000u

int cli_put_setting(struct cli *cli, const struct verb_args *args, u16 op, const void *record,
                    const char *what)
{
    struct souk_setting_status_reply reply;
    u64 wait_ms = SETTING_WAIT_MS;
    if (!cli_option_duration(cli, args, "--wait", UINT32_MAX, &wait_ms))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_setting_put_wait(cli->client, op, record, (u32)wait_ms, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = record_reply(SOUK_OP_SETTING_STATUS, &reply);
    (void)json_object_set_new(object, "name", json_string(what));
    if (reply.status != SOUK_OK)
        return cli_refused(cli, what, reply.status, reply.retry_after_ms, object);
    if (cli->is_json)
        return cli_print(cli, object);
    table_print_one(stdout, object, NULL, "name version ?pending=shards_to_go");
    json_decref(object);
    return CLI_EXIT_DONE;
}
