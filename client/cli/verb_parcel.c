/* verb_parcel: what happens after an order is placed: parcel plan, ship, deliver, cancel; return open,
 * approve, reject, receive, refund.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"

#define CHANGE_COLUMNS "state summary ?$refund"

/* ORDER NUMBER */
static bool take_number(struct cli *cli, const struct verb_args *args, struct souk_id128 *order,
                        u32 *number)
{
    i64 value;
    if (!cli_order(cli, args, 0, order) || !cli_count(cli, args, 1, 1, UINT32_MAX, &value))
        return false;
    *number = (u32)value;
    return true;
}

/* A call with --line options, which are rows of the request. */
#define CALL_WITH_LINES(op, request, has_damaged)                                               \
    do {                                                                                        \
        struct cli_lines lines = {0};                                                           \
        int exit_code = CLI_EXIT_USAGE;                                                         \
        if (cli_option_lines(cli, args, has_damaged, &lines)) {                                 \
            (request).lines = souk_rows_of(lines.rows, sizeof *lines.rows, lines.count);        \
            exit_code = cli_call_order(cli, op, &(request), args->words[0], 0, CHANGE_COLUMNS); \
        }                                                                                       \
        free(lines.rows);                                                                       \
        return exit_code;                                                                       \
    } while (0)

/* ---- parcels ---- */

int verb_parcel_plan(struct cli *cli, const struct verb_args *args)
{
    struct souk_fulfil_create plan = {0};
    if (!take_number(cli, args, &plan.order, &plan.number))
        return CLI_EXIT_USAGE;
    CALL_WITH_LINES(SOUK_OP_FULFIL_CREATE, plan, false);
}

int verb_parcel_ship(struct cli *cli, const struct verb_args *args)
{
    struct souk_fulfil_ship ship = {0};
    if (!take_number(cli, args, &ship.order, &ship.number) ||
        !cli_option_text64(cli, args, "--carrier", &ship.carrier) ||
        !cli_option_text64(cli, args, "--tracking", &ship.tracking))
        return CLI_EXIT_USAGE;
    return cli_call_order(cli, SOUK_OP_FULFIL_SHIP, &ship, args->words[0], 0, CHANGE_COLUMNS);
}

int verb_parcel_deliver(struct cli *cli, const struct verb_args *args)
{
    struct souk_fulfil_deliver deliver = {0};
    if (!take_number(cli, args, &deliver.order, &deliver.number))
        return CLI_EXIT_USAGE;
    return cli_call_order(cli, SOUK_OP_FULFIL_DELIVER, &deliver, args->words[0], 0, CHANGE_COLUMNS);
}

int verb_parcel_cancel(struct cli *cli, const struct verb_args *args)
{
    struct souk_fulfil_cancel cancel = {0};
    if (!take_number(cli, args, &cancel.order, &cancel.number))
        return CLI_EXIT_USAGE;
    return cli_call_order(cli, SOUK_OP_FULFIL_CANCEL, &cancel, args->words[0], 0, CHANGE_COLUMNS);
}

/* ---- returns ---- */

int verb_return_open(struct cli *cli, const struct verb_args *args)
{
    struct souk_return_open open = {0};
    i64 reason = 0;
    if (!take_number(cli, args, &open.order, &open.number) ||
        !cli_option_user_of(cli, args, "--user", &open.user_id) ||
        !cli_option_count(cli, args, "--reason", 0, UINT16_MAX, &reason))
        return CLI_EXIT_USAGE;
    if (verb_option(args, "--line") == NULL)
        return cli_usage(cli, "return open needs a --line LINE=N for each line that comes back");
    open.reason = (u16)reason;
    CALL_WITH_LINES(SOUK_OP_RETURN_OPEN, open, false);
}

static int decide(struct cli *cli, const struct verb_args *args, u16 approved)
{
    struct souk_return_decide decision = {.approved = approved};
    if (!take_number(cli, args, &decision.order, &decision.number))
        return CLI_EXIT_USAGE;
    return cli_call_order(cli, SOUK_OP_RETURN_DECIDE, &decision, args->words[0], 0, CHANGE_COLUMNS);
}

int verb_return_approve(struct cli *cli, const struct verb_args *args)
{
    return decide(cli, args, 1);
}

int verb_return_reject(struct cli *cli, const struct verb_args *args)
{
    return decide(cli, args, 0);
}

int verb_return_receive(struct cli *cli, const struct verb_args *args)
{
    struct souk_return_receive receive = {0};
    if (!take_number(cli, args, &receive.order, &receive.number))
        return CLI_EXIT_USAGE;
    if (verb_option(args, "--line") == NULL)
        return cli_usage(cli,
                         "return receive needs a --line LINE=N or LINE=N:DAMAGED for each line");
    CALL_WITH_LINES(SOUK_OP_RETURN_RECEIVE, receive, true);
}

int verb_return_refund(struct cli *cli, const struct verb_args *args)
{
    struct souk_return_refund refund = {.amount = -1};
    const char *amount = verb_option(args, "--amount");
    u16 currency;
    if (!take_number(cli, args, &refund.order, &refund.number))
        return CLI_EXIT_USAGE;
    if (amount != NULL) {
        const int exit_code = cli_order_currency(cli, args->words[0], refund.order, &currency);
        if (exit_code != CLI_EXIT_DONE)
            return exit_code;
        if (!cli_amount(cli, "--amount", amount, currency, &refund.amount))
            return CLI_EXIT_USAGE;
    }
    return cli_call_order(cli, SOUK_OP_RETURN_REFUND, &refund, args->words[0], 0, CHANGE_COLUMNS);
}
