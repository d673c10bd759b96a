/* verb_recommend: related, recommend, trending, track, viewed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/find_view.h"
#include "proto/messages.h"

/* Products by their codes, as rows of a request. */
struct codes {
    struct souk_row_product_ref rows[RECOMMEND_LIMIT_MAX];
    u32 count;
};

static bool add_code(struct cli *cli, struct codes *codes, const char *code)
{
    const char *reason = value_code_invalid(code);
    if (reason != NULL) {
        (void)cli_usage(cli, "\"%s\" %s", code, reason);
        return false;
    }
    if (codes->count == RECOMMEND_LIMIT_MAX) {
        (void)cli_usage(cli, "more than %u products", RECOMMEND_LIMIT_MAX);
        return false;
    }
    codes->rows[codes->count++].product_id = souk_id(code, strlen(code));
    return true;
}

static struct souk_text codes_text(const struct codes *codes)
{
    return (struct souk_text){.data = (const char *)codes->rows,
                              .bytes = codes->count * (u32)sizeof codes->rows[0]};
}

/* What related, recommend and trending have in common. */
static bool gather_wish(struct cli *cli, const struct verb_args *args, u32 *limit, u16 *is_strict,
                        struct codes *without)
{
    i64 wanted = 10;
    u32 at = 0;
    const char *code;
    without->count = 0;
    while ((code = verb_option_next(args, "--without", &at)) != NULL)
        if (!add_code(cli, without, code))
            return false;
    if (!cli_option_count(cli, args, "--limit", 1, RECOMMEND_LIMIT_MAX, &wanted))
        return false;
    *limit = (u32)wanted;
    *is_strict = verb_option(args, "--strict") != NULL ? 1 : 0;
    return true;
}

/* Connects, and looks whether the products that were named are there. Returns an exit code. */
static int know_codes(struct cli *cli, const struct verb_args *args)
{
    int exit_code = cli_connect(cli);
    for (u32 i = 0; i < args->count && exit_code == CLI_EXIT_DONE; i++)
        exit_code = find_product(cli, args->words[i]);
    return exit_code;
}

static int print_items(struct cli *cli, const char *name, u16 status, u32 retry_after_ms,
                       struct souk_text items, struct souk_text texts)
{
    if (status != SOUK_OK)
        return cli_refused(cli, name, status, retry_after_ms, NULL);
    json_t *array = find_recommended(items, texts);
    if (cli->is_json) {
        cli_print_json(json_pack("{s:o}", "items", array));
        return CLI_EXIT_DONE;
    }
    if (json_array_size(array) == 0)
        (void)puts("nothing");
    else
        table_print(stdout, array, NULL, "code title price stock reason support");
    json_decref(array);
    return CLI_EXIT_DONE;
}

int verb_related(struct cli *cli, const struct verb_args *args)
{
    static const char *const kinds[] = {"bought", "viewed", "similar"};
    struct souk_related ask = {.kind = RELATED_BOUGHT};
    struct souk_related_reply reply;
    struct codes product = {.count = 0}, without;
    if (!add_code(cli, &product, args->words[0]) ||
        !gather_wish(cli, args, &ask.limit, &ask.is_strict, &without) ||
        !cli_option_word(cli, args, "--kind", kinds, ARRAY_COUNT(kinds), RELATED_BOUGHT, &ask.kind))
        return CLI_EXIT_USAGE;
    ask.product_id = product.rows[0].product_id;
    ask.without = codes_text(&without);
    int exit_code = know_codes(cli, args);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_related(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    exit_code = print_items(cli, args->words[0], reply.status, reply.retry_after_ms, reply.items,
                            reply.texts);
    souk_free(reply.memory);
    return exit_code;
}

int verb_recommend(struct cli *cli, const struct verb_args *args)
{
    struct souk_recommend ask = {0};
    struct souk_recommend_reply reply;
    struct codes products = {.count = 0}, without;
    for (u32 i = 0; i < args->count; i++)
        if (!add_code(cli, &products, args->words[i]))
            return CLI_EXIT_USAGE;
    if (!gather_wish(cli, args, &ask.limit, &ask.is_strict, &without) ||
        !cli_option_user_of(cli, args, "--user", &ask.user_id))
        return CLI_EXIT_USAGE;
    ask.products = codes_text(&products);
    ask.without = codes_text(&without);
    int exit_code = know_codes(cli, args);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_recommend(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    exit_code =
        print_items(cli, "recommend", reply.status, reply.retry_after_ms, reply.items, reply.texts);
    souk_free(reply.memory);
    return exit_code;
}

int verb_trending(struct cli *cli, const struct verb_args *args)
{
    struct souk_trending ask = {0};
    struct souk_trending_reply reply;
    i64 limit = 10;
    const char *category = verb_option(args, "--category");
    if (!cli_option_count(cli, args, "--limit", 1, RECOMMEND_LIMIT_MAX, &limit))
        return CLI_EXIT_USAGE;
    if (category != NULL)
        ask.category_id = souk_id(category, strlen(category));
    ask.limit = (u32)limit;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_trending(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    exit_code =
        print_items(cli, "trending", reply.status, reply.retry_after_ms, reply.items, reply.texts);
    souk_free(reply.memory);
    return exit_code;
}

int verb_track(struct cli *cli, const struct verb_args *args)
{
    static const char *const kinds[] = {"view", "click", "cart", "search"};
    struct souk_track ask = {.kind = TRACK_VIEW};
    struct souk_track_reply reply;
    struct codes product = {.count = 0};
    if (!cli_user(cli, args, 0, &ask.user_id) || !add_code(cli, &product, args->words[1]) ||
        !cli_option_word(cli, args, "--kind", kinds, ARRAY_COUNT(kinds), TRACK_VIEW, &ask.kind))
        return CLI_EXIT_USAGE;
    ask.product_id = product.rows[0].product_id;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_track(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[1], reply.status, reply.retry_after_ms, NULL);
    return cli_print(cli, json_pack("{s:s, s:s, s:s}", "user", args->words[0], "code",
                                    args->words[1], "kind", kinds[ask.kind - TRACK_VIEW]));
}

int verb_viewed(struct cli *cli, const struct verb_args *args)
{
    struct souk_recently_viewed ask = {.is_forgotten = verb_option(args, "--forget") != NULL};
    struct souk_recently_viewed_reply reply;
    struct souk_row_product_ref row;
    i64 limit = 20;
    if (!cli_user(cli, args, 0, &ask.user_id) ||
        !cli_option_count(cli, args, "--limit", 1, RECOMMEND_LIMIT_MAX, &limit))
        return CLI_EXIT_USAGE;
    ask.limit = (u32)limit;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_recently_viewed(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK) {
        exit_code = cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, NULL);
        souk_free(reply.memory);
        return exit_code;
    }
    json_t *codes = json_array();
    for (u32 at = 0; reply.products.bytes - at >= sizeof row; at += (u32)sizeof row) {
        memcpy(&row, reply.products.data + at, sizeof row);
        (void)json_array_append_new(codes, find_code_of(cli, row.product_id));
    }
    souk_free(reply.memory);
    if (cli->is_json) {
        cli_print_json(json_pack("{s:o}", "codes", codes));
        return CLI_EXIT_DONE;
    }
    for (size_t i = 0; i < json_array_size(codes); i++)
        (void)puts(json_string_value(json_array_get(codes, i)));
    if (json_array_size(codes) == 0)
        (void)puts("nothing");
    json_decref(codes);
    return CLI_EXIT_DONE;
}
