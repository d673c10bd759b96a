/* verb_resource: what else can run out: coupon put, get; gift-card put, get; credit put, get; ad budget.
 *
 * They are the same primitive as stock under another kind of key: uses of a coupon, minor units on a
 * gift card or in a customer's account,
 * in the budget of an ad. Corrections: `stock adjust CODE N --kind gift-card`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"

#define GBP 826u

/* What one kind is called and counted in. */
struct resource_words {
    u16 kind;
    bool is_money;
    const char *amount; /* the option that says how much is added */
};

static struct souk_resource resource_of(const struct resource_words *words, const char *code)
{
    return (struct souk_resource){.id = souk_id(code, strlen(code)), .kind = words->kind};
}

static json_t *resource_object(const char *code, const struct resource_words *words,
                               const struct souk_sku_get_reply *reply)
{
    const char *currency = words->is_money ? souk_currency_letters(reply->currency) : NULL;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "code", code, "put",
                     (json_int_t)reply->received, "left", (json_int_t)reply->sellable, "held",
                     (json_int_t)reply->held, "spent", (json_int_t)reply->shipped, "adjusted",
                     (json_int_t)reply->adjusted, "currency",
                     currency == NULL ? json_null() : json_string(currency), "version",
                     cli_json_u64(reply->version));
}

static int get_resource(struct cli *cli, const char *code, const struct resource_words *words)
{
    struct souk_sku_get_reply reply = {0};
    const struct souk_sku_get get = {.resource = resource_of(words, code)};
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_sku_get(cli->client, &get, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK) {
        exit_code = cli_refused(cli, code, reply.status, reply.retry_after_ms,
                                json_pack("{s:s}", "code", code));
    } else {
        json_t *object = resource_object(code, words, &reply);
        MUST(object != NULL);
        if (cli->is_json)
            (void)cli_print(cli, json_incref(object));
        else
            table_print_one(stdout, object, NULL,
                            words->is_money ? "code ?currency $put $left $held $spent ?$adjusted"
                                            : "code put left held spent ?adjusted");
        json_decref(object);
    }
    souk_free(reply.memory);
    return exit_code;
}

static int get_all(struct cli *cli, const struct verb_args *args,
                   const struct resource_words *words)
{
    const char *code;
    int exit_code = CLI_EXIT_DONE;
    for (u32 i = 0; i < args->count; i++)
        if (!cli_code(cli, args, i, &code))
            return CLI_EXIT_USAGE;
    for (u32 i = 0; i < args->count; i++) {
        const int one = get_resource(cli, args->words[i], words);
        exit_code = one != CLI_EXIT_DONE ? one : exit_code;
    }
    return exit_code;
}

/* How much the option adds; 0 without it. */
static bool option_amount(struct cli *cli, const struct verb_args *args,
                          const struct resource_words *words, u16 currency, i64 *amount)
{
    const char *text = verb_option(args, words->amount);
    if (!words->is_money)
        return cli_option_count(cli, args, words->amount, 1, QUANTITY_MAX, amount);
    if (!cli_option_amount(cli, args, words->amount, currency, amount))
        return false;
    if (text == NULL || (*amount >= 1 && *amount <= QUANTITY_MAX))
        return true;
    (void)cli_usage(cli, "%s \"%s\" is out of range", words->amount, text);
    return false;
}

/* Creates the resource if there is none. One that is there keeps its currency, which *currency is
 * then. Returns an exit code. */
static int create(struct cli *cli, const char *code, const struct resource_words *words,
                  u64 product_id, u16 *currency)
{
    struct souk_sku_get_reply now = {0};
    struct souk_sku_put_reply reply;
    const struct souk_sku_get get = {.resource = resource_of(words, code)};
    const struct souk_sku_put put = {.resource = get.resource,
                                     .product_id = product_id,
                                     .if_version = SOUK_VERSION_ABSENT,
                                     .currency = *currency,
                                     .code = souk_text_of(code)};
    int error = souk_sku_get(cli->client, &get, &now);
    souk_free(now.memory);
    if (error == 0 && now.status == SOUK_NOT_FOUND) {
        error = souk_sku_put(cli->client, &put, &reply);
        if (error == 0 && reply.status != SOUK_OK)
            return cli_refused(cli, code, reply.status, reply.retry_after_ms, NULL);
    } else if (error == 0 && now.status != SOUK_OK) {
        return cli_refused(cli, code, now.status, now.retry_after_ms, NULL);
    } else if (error == 0) {
        *currency = now.currency;
    }
    return error == 0 ? CLI_EXIT_DONE : cli_no_answer(cli, cli->client, error);
}

/* Creates the resource, and adds to it what the option says. */
static int put_resource(struct cli *cli, const struct verb_args *args,
                        const struct resource_words *words)
{
    const bool has_currency = words->is_money && verb_option(args, "--currency") != NULL;
    struct souk_stock_receive_reply received;
    struct souk_stock_receive receive = {0};
    const char *code;
    const char *product =
        words->kind == SOUK_KIND_AD_BUDGET ? verb_option(args, "--product") : NULL;
    u16 currency = GBP;
    if (words->kind == SOUK_KIND_AD_BUDGET && product == NULL)
        return cli_usage(cli, "ad budget: --product CODE says which product the ad shows");
    if (!cli_code(cli, args, 0, &code) ||
        (has_currency && !cli_option_currency(cli, args, &currency)) ||
        !option_amount(cli, args, words, currency, &receive.quantity))
        return CLI_EXIT_USAGE;
    const u16 asked = currency;
    int exit_code = cli_connect(cli);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = create(cli, code, words,
                           product == NULL ? 0 : souk_id(product, strlen(product)), &currency);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    if (has_currency && currency != asked)
        return cli_usage(cli, "%s is in %s", code, souk_currency_letters(currency));
    if (currency != asked && !option_amount(cli, args, words, currency, &receive.quantity))
        return CLI_EXIT_USAGE;
    if (verb_option(args, words->amount) != NULL) {
        receive.resource = resource_of(words, code);
        const int error = souk_stock_receive(cli->client, &receive, &received);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        if (received.status != SOUK_OK)
            return cli_refused(cli, code, received.status, received.retry_after_ms, NULL);
    }
    return get_resource(cli, code, words);
}

static const struct resource_words coupon = {SOUK_KIND_COUPON, false, "--uses"};
static const struct resource_words gift_card = {SOUK_KIND_GIFT_CARD, true, "--amount"};
static const struct resource_words credit = {SOUK_KIND_CREDIT, true, "--amount"};

static const struct resource_words ad_budget = {SOUK_KIND_AD_BUDGET, true, "--amount"};

int verb_ad_budget(struct cli *cli, const struct verb_args *args)
{
    if (verb_option(args, "--amount") == NULL)
        return get_all(cli, args, &ad_budget);
    return put_resource(cli, args, &ad_budget);
}

int verb_coupon_put(struct cli *cli, const struct verb_args *args)
{
    return put_resource(cli, args, &coupon);
}

int verb_coupon_get(struct cli *cli, const struct verb_args *args)
{
    return get_all(cli, args, &coupon);
}

int verb_gift_card_put(struct cli *cli, const struct verb_args *args)
{
    return put_resource(cli, args, &gift_card);
}

int verb_gift_card_get(struct cli *cli, const struct verb_args *args)
{
    return get_all(cli, args, &gift_card);
}

int verb_credit_put(struct cli *cli, const struct verb_args *args)
{
    return put_resource(cli, args, &credit);
}

int verb_credit_get(struct cli *cli, const struct verb_args *args)
{
    return get_all(cli, args, &credit);
}
