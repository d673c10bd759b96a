/* verb_grant: take, hold and what follows, alloc ship, cancel, return.
 *
 * A hold is named on the command line by its token CODE@ID. Whoever types commands acts for the
 * shop, so where --owner is not given the owner of the hold is looked up first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/cli.h"
#include "client/cli/levels.h"

static const char *print_token(const char *code, struct souk_id128 id, char *to)
{
    char text[SOUK_ID_TEXT_MAX];
    (void)snprintf(to, VALUE_TOKEN_BYTES_MAX, "%s@%s", code, souk_id_print(id, text));
    return to;
}

static bool is_named(struct souk_id128 id)
{
    return (id.low | id.high) != 0;
}

int verb_take(struct cli *cli, const struct verb_args *args)
{
    struct souk_take take = {0};
    struct souk_take_reply reply;
    char token[VALUE_TOKEN_BYTES_MAX];
    const char *code;
    if (!cli_code(cli, args, 0, &code) ||
        !cli_count(cli, args, 1, 1, QUANTITY_MAX, &take.quantity) ||
        !cli_option_user(cli, args, &take.owner) ||
        !cli_option_id(cli, args, "--id", true, &take.id) ||
        !cli_option_replaces(cli, args, code, &take.replaces))
        return CLI_EXIT_USAGE;
    take.resource = souk_sku(code);
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_take(cli->client, &take, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = json_pack("{s:s, s:I, s:I}", "code", code, "quantity",
                               (json_int_t)take.quantity, "sellable", (json_int_t)reply.sellable);
    if (reply.status != SOUK_OK) {
        if (!cli->is_json)
            (void)fprintf(stderr, "souk: %lld of %s asked for, %lld sellable\n",
                          (long long)take.quantity, code, (long long)reply.sellable);
        return cli_refused(cli, code, reply.status, reply.retry_after_ms, object);
    }
    if (is_named(take.id))
        (void)json_object_set_new(object, "token", json_string(print_token(code, take.id, token)));
    if ((reply.flags & SOUK_FLAG_REPLAYED) != 0)
        (void)json_object_set_new(object, "replayed", json_true());
    return cli_print(cli, object);
}

/* Milliseconds from now to a log time, which follows the wall clock. */
static u64 ms_until(u64 at_ns)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const u64 now_ns = (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
    return at_ns > now_ns ? (at_ns - now_ns) / NS_PER_MS : 0;
}

static int answer_hold(struct cli *cli, const char *code, const struct souk_hold *hold,
                       const struct souk_hold_reply *reply)
{
    char token[VALUE_TOKEN_BYTES_MAX], id[SOUK_ID_TEXT_MAX], left[32];
    json_t *object = json_pack("{s:s, s:I, s:I}", "code", code, "quantity",
                               (json_int_t)hold->quantity, "sellable", (json_int_t)reply->sellable);
    if (reply->status != SOUK_OK) {
        if (!cli->is_json)
            (void)fprintf(stderr, "souk: %lld of %s asked for, %lld sellable\n",
                          (long long)hold->quantity, code, (long long)reply->sellable);
        return cli_refused(cli, code, reply->status, reply->retry_after_ms, object);
    }
    (void)print_token(code, hold->id, token);
    if (cli->is_json) {
        (void)json_object_set_new(object, "token", json_string(token));
        (void)json_object_set_new(object, "id", json_string(souk_id_print(hold->id, id)));
        (void)json_object_set_new(object, "expires_at_ns", cli_json_u64(reply->expires_at_ns));
        (void)json_object_set_new(object, "replayed",
                                  json_boolean((reply->flags & SOUK_FLAG_REPLAYED) != 0));
        return cli_print(cli, object);
    }
    json_decref(object);
    (void)puts(token);
    /* Only people want to know more; `TOKEN=$(souk hold ...)` wants the token alone. */
    if (isatty(STDOUT_FILENO))
        cli_say(cli, "held for %s", value_print_duration(ms_until(reply->expires_at_ns), left));
    return CLI_EXIT_DONE;
}

int verb_hold(struct cli *cli, const struct verb_args *args)
{
    struct souk_hold hold = {.id = souk_new_id()};
    struct souk_hold_reply reply;
    const char *code;
    if (!cli_code(cli, args, 0, &code) ||
        !cli_count(cli, args, 1, 1, QUANTITY_MAX, &hold.quantity) ||
        !cli_option_user(cli, args, &hold.owner) ||
        !cli_option_duration(cli, args, "--lease", LEASE_MS_MAX, &hold.lease_ms) ||
        !cli_option_duration(cli, args, "--max-life", LEASE_MS_MAX, &hold.max_life_ms) ||
        !cli_option_id(cli, args, "--id", true, &hold.id) ||
        !cli_option_replaces(cli, args, code, &hold.replaces))
        return CLI_EXIT_USAGE;
    hold.resource = souk_sku(code);
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_hold(cli->client, &hold, &reply);
    if (error == 0)
        return answer_hold(cli, code, &hold, &reply);
    if (error == SOUK_ERROR_UNKNOWN_OUTCOME) {
        char id[SOUK_ID_TEXT_MAX];
        (void)fprintf(stderr, "souk: the same command with --id %s finds out, and holds once\n",
                      souk_id_print(hold.id, id));
    }
    return cli_no_answer(cli, cli->client, error);
}

/* --owner, or who the hold belongs to. Returns an exit code. */
static int find_owner(struct cli *cli, const struct verb_args *args, const struct cli_grant *grant,
                      u64 *owner)
{
    struct souk_hold_get_reply reply;
    if (verb_option(args, "--owner") != NULL)
        return cli_option_user(cli, args, owner) ? cli_connect(cli) : CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_hold_get get = {.resource = grant->resource, .id = grant->id};
    const int error = souk_hold_get(cli->client, &get, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms,
                           json_pack("{s:s}", "token", args->words[0]));
    *owner = reply.owner;
    return CLI_EXIT_DONE;
}

int verb_hold_confirm(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_hold_confirm confirm = {0};
    struct souk_hold_confirm_reply reply;
    if (!cli_grant(cli, args, 0, &grant) ||
        !cli_option_count(cli, args, "--quantity", 1, QUANTITY_MAX, &confirm.quantity) ||
        !cli_option_id(cli, args, "--order", false, &confirm.order))
        return CLI_EXIT_USAGE;
    const int exit_code = find_owner(cli, args, &grant, &confirm.owner);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    confirm.resource = grant.resource;
    confirm.id = grant.id;
    const int error = souk_hold_confirm(cli->client, &confirm, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = json_pack("{s:s, s:I, s:I, s:b}", "token", args->words[0], "allocated",
                               (json_int_t)reply.allocated, "released", (json_int_t)reply.released,
                               "replayed", (reply.flags & SOUK_FLAG_REPLAYED) != 0);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

int verb_hold_release(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_hold_release release = {0};
    struct souk_hold_release_reply reply;
    if (!cli_grant(cli, args, 0, &grant) ||
        !cli_option_id(cli, args, "--order", false, &release.order))
        return CLI_EXIT_USAGE;
    const int exit_code = find_owner(cli, args, &grant, &release.owner);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    release.resource = grant.resource;
    release.id = grant.id;
    const int error = souk_hold_release(cli->client, &release, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object =
        json_pack("{s:s, s:I, s:b}", "token", args->words[0], "released",
                  (json_int_t)reply.released, "replayed", (reply.flags & SOUK_FLAG_REPLAYED) != 0);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

int verb_hold_extend(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_hold_extend extend = {.lease_ms = LEASE_MS_DEFAULT};
    struct souk_hold_extend_reply reply;
    if (!cli_grant(cli, args, 0, &grant) ||
        !cli_option_duration(cli, args, "--lease", LEASE_MS_MAX, &extend.lease_ms))
        return CLI_EXIT_USAGE;
    const int exit_code = find_owner(cli, args, &grant, &extend.owner);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    extend.resource = grant.resource;
    extend.id = grant.id;
    const int error = souk_hold_extend(cli->client, &extend, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = json_pack("{s:s, s:o, s:o}", "token", args->words[0], "expires_at_ns",
                               cli_json_u64(reply.expires_at_ns), "expires_in_ms",
                               cli_json_u64(ms_until(reply.expires_at_ns)));
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

int verb_hold_bind(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_hold_bind bind = {0};
    struct souk_hold_bind_reply reply;
    char order[SOUK_NUMBER_TEXT_MAX];
    if (!cli_grant(cli, args, 0, &grant) || !cli_option_id(cli, args, "--order", true, &bind.order))
        return CLI_EXIT_USAGE;
    if (!is_named(bind.order))
        return cli_usage(cli, "hold bind needs --order ID (its number, 32 hex digits, or new)");
    const int exit_code = find_owner(cli, args, &grant, &bind.owner);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    bind.resource = grant.resource;
    bind.id = grant.id;
    const int error = souk_hold_bind(cli->client, &bind, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = json_pack("{s:s, s:s, s:I, s:b}", "token", args->words[0], "order",
                               souk_order_number(bind.order, order), "held", (json_int_t)reply.held,
                               "replayed", (reply.flags & SOUK_FLAG_REPLAYED) != 0);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

static const char *state_name(u16 state)
{
    static const char *const names[] = {"unknown",  "held",    "allocated",
                                        "released", "expired", "finished"};
    return state < ARRAY_COUNT(names) ? names[state] : names[0];
}

int verb_hold_get(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_hold_get_reply reply;
    char owner[18], order[SOUK_NUMBER_TEXT_MAX];
    if (!cli_grant(cli, args, 0, &grant))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_hold_get get = {.resource = grant.resource, .id = grant.id};
    const int error = souk_hold_get(cli->client, &get, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms,
                           json_pack("{s:s}", "token", args->words[0]));
    json_t *object =
        json_pack("{s:s, s:s, s:s}", "token", args->words[0], "state", state_name(reply.state),
                  "owner", value_print_user(reply.owner, owner));
    MUST(object != NULL);
#define SET(name) (void)json_object_set_new(object, #name, cli_json_u64((u64)reply.name));
    SET(quantity)
    SET(held)
    SET(allocated)
    SET(shipped)
    SET(cancelled)
    SET(returned_sellable)
    SET(returned_damaged)
    SET(created_at_ns)
    SET(expires_at_ns)
    SET(max_life_at_ns)
#undef SET
    (void)json_object_set_new(
        object, "expires_in_ms",
        reply.expires_at_ns == 0 ? json_null() : cli_json_u64(ms_until(reply.expires_at_ns)));
    (void)json_object_set_new(
        object, "order",
        is_named(reply.order) ? json_string(souk_order_number(reply.order, order)) : json_null());
    return cli_print(cli, object);
}

/* TOKEN or CODE, and a quantity; an id of 0 where it is a CODE. Returns an exit code. */
static int alloc_arguments(struct cli *cli, const struct verb_args *args, struct cli_grant *grant,
                           i64 *quantity)
{
    const char *code;
    memset(grant, 0, sizeof *grant);
    if (value_looks_like_token(args->words[0])) {
        if (!cli_grant(cli, args, 0, grant))
            return CLI_EXIT_USAGE;
    } else {
        if (!cli_code(cli, args, 0, &code))
            return CLI_EXIT_USAGE;
        (void)snprintf(grant->token.code, sizeof grant->token.code, "%s", code);
        grant->resource = souk_sku(code);
    }
    if (!cli_count(cli, args, 1, 1, QUANTITY_MAX, quantity))
        return CLI_EXIT_USAGE;
    return cli_connect(cli);
}

int verb_alloc_ship(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_alloc_ship_reply reply;
    i64 quantity;
    const int exit_code = alloc_arguments(cli, args, &grant, &quantity);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_alloc_ship ship = {
        .resource = grant.resource, .id = grant.id, .quantity = quantity};
    const int error = souk_alloc_ship(cli->client, &ship, &reply);
    return LEVELS_ANSWER(cli, grant.token.code, error, reply);
}

int verb_alloc_cancel(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_alloc_cancel_reply reply;
    i64 quantity;
    const int exit_code = alloc_arguments(cli, args, &grant, &quantity);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_alloc_cancel cancel = {
        .resource = grant.resource, .id = grant.id, .quantity = quantity};
    const int error = souk_alloc_cancel(cli->client, &cancel, &reply);
    return LEVELS_ANSWER(cli, grant.token.code, error, reply);
}

int verb_alloc_return(struct cli *cli, const struct verb_args *args)
{
    struct cli_grant grant;
    struct souk_alloc_return_reply reply;
    i64 quantity;
    const int exit_code = alloc_arguments(cli, args, &grant, &quantity);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_alloc_return back = {.resource = grant.resource,
                                           .id = grant.id,
                                           .quantity = quantity,
                                           .disposition =
                                               verb_option(args, "--damaged") == NULL ? 0 : 1};
    const int error = souk_alloc_return(cli->client, &back, &reply);
    return LEVELS_ANSWER(cli, grant.token.code, error, reply);
}
