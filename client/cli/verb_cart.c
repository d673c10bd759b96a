/* verb_cart: cart get, add, set, remove, clear, save, coupon, merge.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"

#define CHANGE_COLUMNS "version quantity line_count=lines"
#define WAIT_MS        5000u

/* The options of a line are text to people and a hash to the engine. */
static bool option_options(struct cli *cli, const struct verb_args *args, u64 *options)
{
    return cli_option_name(cli, args, "--options", options);
}

/* USER SKU and what comes with it. */
static bool line_arguments(struct cli *cli, const struct verb_args *args, u64 *user, u64 *sku,
                           u64 *options, u64 *if_version)
{
    const char *code;
    if (!cli_user(cli, args, 0, user) || !cli_code(cli, args, 1, &code) ||
        !option_options(cli, args, options) || !cli_option_version(cli, args, if_version))
        return false;
    *sku = souk_id(code, strlen(code));
    return true;
}

int verb_cart_add(struct cli *cli, const struct verb_args *args)
{
    struct souk_cart_add add = {.price_seen = -1};
    if (!line_arguments(cli, args, &add.user_id, &add.sku_id, &add.options, &add.if_version) ||
        !cli_count(cli, args, 2, 1, QUANTITY_MAX, &add.quantity) ||
        !cli_option_price(cli, args, &add.price_seen, &add.currency))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_CART_ADD, &add, args->words[1], CHANGE_COLUMNS);
}

int verb_cart_set(struct cli *cli, const struct verb_args *args)
{
    struct souk_cart_set set = {.price_seen = -1};
    if (!line_arguments(cli, args, &set.user_id, &set.sku_id, &set.options, &set.if_version) ||
        !cli_count(cli, args, 2, 0, QUANTITY_MAX, &set.quantity) ||
        !cli_option_price(cli, args, &set.price_seen, &set.currency))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_CART_SET, &set, args->words[1], CHANGE_COLUMNS);
}

int verb_cart_remove(struct cli *cli, const struct verb_args *args)
{
    struct souk_cart_remove gone = {0};
    if (!line_arguments(cli, args, &gone.user_id, &gone.sku_id, &gone.options, &gone.if_version))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_CART_REMOVE, &gone, args->words[1], CHANGE_COLUMNS);
}

int verb_cart_clear(struct cli *cli, const struct verb_args *args)
{
    struct souk_cart_clear clear = {0};
    if (!cli_user(cli, args, 0, &clear.user_id) ||
        !cli_option_version(cli, args, &clear.if_version))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_CART_CLEAR, &clear, args->words[0], CHANGE_COLUMNS);
}

int verb_cart_save(struct cli *cli, const struct verb_args *args)
{
    struct souk_cart_save save = {.saved = verb_option(args, "--back") == NULL ? 1 : 0};
    if (!line_arguments(cli, args, &save.user_id, &save.sku_id, &save.options, &save.if_version))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_CART_SAVE, &save, args->words[1], CHANGE_COLUMNS);
}

int verb_cart_coupon(struct cli *cli, const struct verb_args *args)
{
    struct souk_cart_coupon coupon = {.listed = verb_option(args, "--strike") == NULL ? 1 : 0};
    const char *code;
    if (!cli_user(cli, args, 0, &coupon.user_id) || !cli_code(cli, args, 1, &code) ||
        !cli_text64(cli, "coupon", code, &coupon.code) ||
        !cli_option_version(cli, args, &coupon.if_version))
        return CLI_EXIT_USAGE;
    coupon.coupon_id = souk_id(code, strlen(code));
    return cli_call(cli, SOUK_OP_CART_COUPON, &coupon, code, "version line_count=lines");
}

/* ---- merge ---- */

static int answer_merge(struct cli *cli, const char *what,
                        const struct souk_cart_merge_status_reply *reply)
{
    json_t *object = record_reply(SOUK_OP_CART_MERGE_STATUS, reply);
    if (reply->status != SOUK_OK)
        return cli_refused(cli, what, reply->status, reply->retry_after_ms, object);
    if (reply->state == SOUK_CART_STATE_ACTIVE && reply->outcome != SOUK_OK)
        return cli_refused(cli, what, reply->outcome, 0, object);
    if ((reply->flags & SOUK_FLAG_REPLAYED) != 0)
        (void)json_object_set_new(object, "replayed", json_true());
    if (cli->is_json)
        return cli_print(cli, object);
    cli_say(cli, "%s into %s", record_cart_state(reply->state),
            json_string_value(json_object_get(object, "target_id")));
    table_print(stdout, json_object_get(object, "lines"), NULL,
                "sku_id=sku ?options guest_quantity=guest user_quantity=user quantity=now outcome");
    json_decref(object);
    return CLI_EXIT_DONE;
}

int verb_cart_merge(struct cli *cli, const struct verb_args *args)
{
    static const char *const strategies[] = {"sum", "guest-wins", "user-wins", "max",
                                             "guest-if-user-empty"};
    struct souk_cart_merge merge = {.strategy = SOUK_MERGE_SUM};
    struct souk_cart_merge_status_reply reply = {0};
    u64 wait_ms = WAIT_MS;
    if (!cli_user(cli, args, 0, &merge.user_id) || !cli_user(cli, args, 1, &merge.target_id) ||
        !cli_option_word(cli, args, "--strategy", strategies, ARRAY_COUNT(strategies),
                         SOUK_MERGE_SUM, &merge.strategy) ||
        !cli_option_duration(cli, args, "--wait", UINT32_MAX, &wait_ms))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_cart_merge_wait(cli->client, &merge, (u32)wait_ms, &reply);
    exit_code = error != 0 ? cli_no_answer(cli, cli->client, error)
                           : answer_merge(cli, args->words[0], &reply);
    souk_free(reply.memory);
    return exit_code;
}

/* ---- get ---- */

/* One line of the view: the cart's own, what it costs now, what is wrong. */
static json_t *line_object(const struct souk_cart_view_line *line, u32 index)
{
    json_t *rows = record_rows("cart_line", souk_rows_of(&line->line, sizeof line->line, 1));
    json_t *quotes = record_rows("quote_line", souk_rows_of(&line->quote, sizeof line->quote, 1));
    json_t *object = json_object();
    json_t *quote = json_array_get(quotes, 0);
    (void)json_object_set_new(object, "line", json_integer(index));
    (void)json_object_set_new(object, "code",
                              line->code[0] == '\0' ? json_null() : json_string(line->code));
    (void)json_object_update(object, json_array_get(rows, 0));
    (void)json_object_set_new(object, "sellable",
                              line->sellable < 0 ? json_null() : json_integer(line->sellable));
    (void)json_object_set_new(object, "base_price",
                              line->currency == 0 ? json_null() : json_integer(line->base_price));
    static const char *const of_quote[] = {"unit_price", "discount", "total", "price_rule",
                                           "problems"};
    for (size_t i = 0; i < ARRAY_COUNT(of_quote) && line->quote.sku_id != 0; i++)
        (void)json_object_set(object, of_quote[i], json_object_get(quote, of_quote[i]));
    if (line->line.price_seen < 0)
        (void)json_object_set_new(object, "price_seen", json_null());
    /* For people, what has no code has its id. */
    (void)json_object_set_new(object, "sku", json_string(line->code));
    if (line->code[0] == '\0')
        (void)json_object_set(object, "sku", json_object_get(object, "sku_id"));
    json_decref(rows);
    json_decref(quotes);
    return object;
}

static json_t *view_object(const struct souk_cart_view *view)
{
    json_t *object = record_reply(SOUK_OP_CART_GET, &view->cart);
    json_t *lines = json_array();
    for (u32 i = 0; i < view->line_count; i++)
        (void)json_array_append_new(lines, line_object(&view->lines[i], i));
    (void)json_object_set_new(object, "lines", lines);
    if (view->quote.status != SOUK_OK) {
        (void)json_object_set_new(object, "quote_status",
                                  json_string(souk_status_name(view->quote.status)));
        return object;
    }
    json_t *quote = record_reply(SOUK_OP_CART_QUOTE, &view->quote);
    static const char *const of_quote[] = {"goods",         "discount", "total",  "currency",
                                           "free_shipping", "problems", "amounts"};
    for (size_t i = 0; i < ARRAY_COUNT(of_quote); i++)
        (void)json_object_set(object, of_quote[i], json_object_get(quote, of_quote[i]));
    json_decref(quote);
    return object;
}

static void print_view(const struct souk_cart_view *view, const json_t *object)
{
    const char *currency = souk_currency_letters(view->currency);
    char text[VALUE_TIME_BYTES];
    printf("%s cart, version %llu, %u lines", record_cart_state(view->cart.state),
           (unsigned long long)view->cart.version, view->line_count);
    if (view->cart.expires_at_ns != 0)
        printf(", kept until %.16s", value_print_time(view->cart.expires_at_ns, text));
    (void)putchar('\n');
    if ((view->cart.order.low | view->cart.order.high) != 0)
        printf("order %s\n", json_string_value(json_object_get(object, "order")));
    if (view->cart.moved_to != 0)
        printf("its lines are with %s\n", json_string_value(json_object_get(object, "moved_to")));
    table_print(stdout, json_object_get(object, "lines"), currency,
                "line sku ?options quantity $price_seen=then $unit_price=now ?$discount $total "
                "sellable ?saved=for_later ?problems");
    table_print(stdout, json_object_get(object, "coupons"), currency, "code=coupons");
    if (view->quote.status == SOUK_OK)
        table_print_lines(stdout, object, currency,
                          "$goods ?$discount $total ?free_shipping ?problems");
    else if (view->line_count != 0)
        printf("no price: %s\n", souk_status_text(view->quote.status));
}

int verb_cart_get(struct cli *cli, const struct verb_args *args)
{
    u64 user, group = 0;
    u16 currency = 0;
    if (!cli_user(cli, args, 0, &user) || !cli_option_name(cli, args, "--group", &group) ||
        !cli_option_currency(cli, args, &currency))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    struct souk_cart_view view;
    const int error = souk_cart_view(cli->client, user, group, currency, &view);
    if (error != 0) {
        exit_code = cli_no_answer(cli, cli->client, error);
    } else if (view.cart.status != SOUK_OK) {
        exit_code =
            cli_refused(cli, args->words[0], view.cart.status, view.cart.retry_after_ms, NULL);
    } else {
        json_t *object = view_object(&view);
        if (cli->is_json)
            exit_code = cli_print(cli, json_incref(object));
        else
            print_view(&view, object);
        json_decref(object);
    }
    souk_cart_view_end(&view);
    return exit_code;
}
