/* verb_stock: stock receive, adjust, set, get, write-off.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/levels.h"

int verb_stock_receive(struct cli *cli, const struct verb_args *args)
{
    struct souk_stock_receive receive = {0};
    struct souk_stock_receive_reply reply;
    const char *code;
    if (!cli_code(cli, args, 0, &code) ||
        !cli_count(cli, args, 1, 1, QUANTITY_MAX, &receive.quantity))
        return CLI_EXIT_USAGE;
    receive.resource = souk_sku(code);
    if (!cli_option_kind(cli, args, &receive.resource.kind))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_stock_receive(cli->client, &receive, &reply);
    return LEVELS_ANSWER(cli, code, error, reply);
}

int verb_stock_adjust(struct cli *cli, const struct verb_args *args)
{
    struct souk_stock_adjust adjust = {0};
    struct souk_stock_adjust_reply reply;
    const char *code;
    if (!cli_code(cli, args, 0, &code) ||
        !cli_count(cli, args, 1, -QUANTITY_MAX, QUANTITY_MAX, &adjust.delta) ||
        !cli_option_reason(cli, args, &adjust.reason))
        return CLI_EXIT_USAGE;
    if (adjust.delta == 0)
        return cli_usage(cli, "quantity \"0\" changes nothing");
    adjust.resource = souk_sku(code);
    if (!cli_option_kind(cli, args, &adjust.resource.kind))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_stock_adjust(cli->client, &adjust, &reply);
    return LEVELS_ANSWER(cli, code, error, reply);
}

int verb_stock_set(struct cli *cli, const struct verb_args *args)
{
    struct souk_stock_set set = {.expected = -1};
    struct souk_stock_set_reply reply;
    const char *code;
    if (!cli_code(cli, args, 0, &code) || !cli_count(cli, args, 1, 0, QUANTITY_MAX, &set.value) ||
        !cli_option_count(cli, args, "--expected", 0, COUNTER_MAX, &set.expected) ||
        !cli_option_reason(cli, args, &set.reason))
        return CLI_EXIT_USAGE;
    set.resource = souk_sku(code);
    if (!cli_option_kind(cli, args, &set.resource.kind))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_stock_set(cli->client, &set, &reply);
    return LEVELS_ANSWER(cli, code, error, reply);
}

int verb_stock_write_off(struct cli *cli, const struct verb_args *args)
{
    struct souk_stock_write_off off = {0};
    struct souk_stock_write_off_reply reply;
    const char *code;
    if (!cli_code(cli, args, 0, &code) ||
        !cli_count(cli, args, 1, 1, QUANTITY_MAX, &off.quantity) ||
        !cli_option_reason(cli, args, &off.reason))
        return CLI_EXIT_USAGE;
    off.resource = souk_sku(code);
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_stock_write_off(cli->client, &off, &reply);
    return LEVELS_ANSWER(cli, code, error, reply);
}

/* Rows of what was found; refusals of the rest. With --json both in the order of the codes. */
static int print_levels(struct cli *cli, const struct verb_args *args,
                        const struct souk_stock_get_reply *replies)
{
    int exit_code = CLI_EXIT_DONE;
    json_t *rows = json_array();
    for (u32 i = 0; i < args->count; i++) {
        const struct souk_stock_get_reply *reply = &replies[i];
        const char *code = args->words[i];
        if (reply->status == SOUK_OK) {
            json_t *object = LEVELS_OBJECT(code, *reply);
            if (cli->is_json)
                cli_print_json(object);
            else
                (void)json_array_append_new(rows, object);
        } else {
            exit_code = cli_refused(cli, code, reply->status, reply->retry_after_ms,
                                    json_pack("{s:s}", "code", code));
        }
    }
    (void)cli_print_rows(cli, rows);
    return exit_code;
}

int verb_stock_get(struct cli *cli, const struct verb_args *args)
{
    const char *code;
    int exit_code = CLI_EXIT_USAGE;
    struct souk_stock_get *gets = calloc(args->count, sizeof *gets);
    struct souk_stock_get_reply *replies = calloc(args->count, sizeof *replies);
    MUST(gets != NULL && replies != NULL);
    for (u32 i = 0; i < args->count; i++) {
        if (!cli_code(cli, args, i, &code))
            goto out;
        gets[i].resource = souk_sku(code);
        if (!cli_option_kind(cli, args, &gets[i].resource.kind))
            goto out;
    }
    exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        goto out;
    const int error = souk_stock_get_batch(cli->client, gets, args->count, replies, 0);
    exit_code =
        error != 0 ? cli_no_answer(cli, cli->client, error) : print_levels(cli, args, replies);
out:
    free(gets);
    free(replies);
    return exit_code;
}
