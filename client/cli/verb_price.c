/* verb_price: what every shard has: price list, put, get; promotion put, get; policy put, get.
 *
 * A put waits until it is in force on all shards, --wait long; what is not in force by then is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"

#define GBP 826u

/* Whom and when a list or promotion is for. */
static bool option_validity(struct cli *cli, const struct verb_args *args, u64 *from_ns,
                            u64 *until_ns, u64 *group_id)
{
    if (!cli_option_time(cli, args, "--from", from_ns) ||
        !cli_option_time(cli, args, "--until", until_ns) ||
        !cli_option_name(cli, args, "--group", group_id))
        return false;
    if (*until_ns == 0 || *from_ns < *until_ns)
        return true;
    (void)cli_usage(cli, "--until is not after --from");
    return false;
}

static bool option_priority(struct cli *cli, const struct verb_args *args, u32 *priority)
{
    i64 value = 0;
    if (!cli_option_count(cli, args, "--priority", 0, UINT32_MAX, &value))
        return false;
    *priority = (u32)value;
    return true;
}

/* ---- price lists and prices ---- */

int verb_price_list(struct cli *cli, const struct verb_args *args)
{
    struct souk_price_list_put put = {.currency = GBP,
                                      .is_off = verb_option(args, "--off") == NULL ? 0 : 1};
    const char *name = args->words[0];
    if (!cli_name(cli, "list", name, &put.home_id) || !cli_text64(cli, "list", name, &put.name) ||
        !cli_option_currency(cli, args, &put.currency) ||
        !option_validity(cli, args, &put.valid_from_ns, &put.valid_until_ns, &put.group_id) ||
        !option_priority(cli, args, &put.priority) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    return cli_put_setting(cli, args, SOUK_OP_PRICE_LIST_PUT, &put, name);
}

/* "2.55", or "10=2.20" from so many units on. */
static bool parse_tier(struct cli *cli, const char *text, u16 currency,
                       struct souk_row_price_tier *tier)
{
    const char *equals = strchr(text, '=');
    char quantity[24];
    tier->quantity = 1;
    if (equals != NULL) {
        (void)snprintf(quantity, sizeof quantity, "%.*s", (int)MIN(equals - text, 23), text);
        const char *reason = value_parse_count(quantity, 1, QUANTITY_MAX, &tier->quantity);
        if (reason != NULL) {
            (void)cli_usage(cli, "price \"%s\": the quantity %s", text, reason);
            return false;
        }
        text = equals + 1;
    }
    return cli_amount(cli, "price", text, currency, &tier->price);
}

/* The currency of a list, which its prices are written in. Returns an exit code. */
static int find_list(struct cli *cli, const char *name, u64 home_id,
                     struct souk_price_list_get_reply *list)
{
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_price_list_get get = {.home_id = home_id};
    const int error = souk_price_list_get(cli->client, &get, list);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    return list->status == SOUK_OK
               ? CLI_EXIT_DONE
               : cli_refused(cli, name, list->status, list->retry_after_ms, NULL);
}

int verb_price_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_price_put put = {0};
    struct souk_row_price_tier tiers[PRICE_TIERS_MAX];
    struct souk_price_list_get_reply list;
    const u32 count = args->count - 2;
    const bool is_none = verb_option(args, "--none") != NULL;
    const char *code;
    if (!cli_name(cli, "list", args->words[0], &put.home_id) || !cli_code(cli, args, 1, &code) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    if (count > PRICE_TIERS_MAX || (count == 0) != is_none)
        return cli_usage(cli, "price put: 1 to %u prices, such as 2.55 10=2.20, or --none",
                         PRICE_TIERS_MAX);
    const int exit_code = find_list(cli, args->words[0], put.home_id, &list);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    for (u32 i = 0; i < count; i++)
        if (!parse_tier(cli, args->words[i + 2], list.currency, &tiers[i]))
            return CLI_EXIT_USAGE;
    put.sku_id = souk_id(code, strlen(code));
    put.tiers = souk_rows_of(tiers, sizeof tiers[0], count);
    return cli_put_setting(cli, args, SOUK_OP_PRICE_PUT, &put, code);
}

static int print_price(struct cli *cli, const char *code, const char *currency,
                       struct souk_price_get_reply *reply)
{
    json_t *object = record_reply(SOUK_OP_PRICE_GET, reply);
    (void)json_object_set_new(object, "code", json_string(code));
    (void)json_object_set_new(object, "currency", json_string(currency));
    if (reply->status != SOUK_OK)
        return cli_refused(cli, code, reply->status, reply->retry_after_ms, object);
    if (cli->is_json)
        return cli_print(cli, object);
    printf("%s in %s, version %llu\n", code, currency, (unsigned long long)reply->version);
    table_print(stdout, json_object_get(object, "tiers"), currency, "quantity=from $price");
    json_decref(object);
    return CLI_EXIT_DONE;
}

int verb_price_get(struct cli *cli, const struct verb_args *args)
{
    struct souk_price_list_get list = {0};
    struct souk_price_list_get_reply found;
    const char *code;
    if (!cli_name(cli, "list", args->words[0], &list.home_id))
        return CLI_EXIT_USAGE;
    if (args->count == 1)
        return cli_call(cli, SOUK_OP_PRICE_LIST_GET, &list, args->words[0],
                        "name version currency price_count=prices ?group_id=group "
                        "?@valid_from_ns=from ?@valid_until_ns=until priority ?is_off=off");
    for (u32 i = 1; i < args->count; i++)
        if (!cli_code(cli, args, i, &code))
            return CLI_EXIT_USAGE;
    int exit_code = find_list(cli, args->words[0], list.home_id, &found);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const char *currency = souk_currency_letters(found.currency);
    for (u32 i = 1; i < args->count; i++) {
        struct souk_price_get_reply reply;
        code = args->words[i];
        const struct souk_price_get get = {.home_id = list.home_id,
                                           .sku_id = souk_id(code, strlen(code))};
        const int error = souk_price_get(cli->client, &get, &reply);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        const int printed = print_price(cli, code, currency == NULL ? "" : currency, &reply);
        exit_code = printed != CLI_EXIT_DONE ? printed : exit_code;
        souk_free(reply.memory);
    }
    return exit_code;
}

/* ---- promotions ---- */

/* "10", "12.5": percent as hundredths. */
static bool parse_percent(struct cli *cli, const char *text, i64 *value)
{
    u64 millionths;
    const char *reason = value_parse_factor(text, &millionths);
    if (reason == NULL &&
        (millionths == 0 || millionths > 100 * VALUE_FACTOR_ONE || millionths % 10000 != 0))
        reason = "is not a percentage of 0.01 to 100 with up to two decimals";
    if (reason != NULL) {
        (void)cli_usage(cli, "--percent \"%s\" %s", text, reason);
        return false;
    }
    *value = (i64)(millionths / 10000);
    return true;
}

/* "3/2": three for two. */
static bool parse_n_for_m(struct cli *cli, const char *text, u32 *buy, u32 *pay)
{
    const char *slash = strchr(text, '/');
    char left[12];
    i64 n = 0, m = 0;
    if (slash != NULL && slash - text < (ptrdiff_t)sizeof left) {
        (void)snprintf(left, sizeof left, "%.*s", (int)(slash - text), text);
        if (value_parse_count(left, 2, 1000000, &n) == NULL &&
            value_parse_count(slash + 1, 1, 999999, &m) == NULL && m < n) {
            *buy = (u32)n;
            *pay = (u32)m;
            return true;
        }
    }
    (void)cli_usage(cli, "--n-for-m \"%s\" is not N/M with M below N, such as 3/2", text);
    return false;
}

/* Which of the four kinds it is. */
static bool option_promotion_kind(struct cli *cli, const struct verb_args *args,
                                  struct souk_promotion_put *put)
{
    const char *percent = verb_option(args, "--percent"), *fixed = verb_option(args, "--fixed"),
               *n_for_m = verb_option(args, "--n-for-m");
    const bool is_free = verb_option(args, "--free-shipping") != NULL;
    if ((percent != NULL) + (fixed != NULL) + (n_for_m != NULL) + is_free != 1) {
        (void)cli_usage(
            cli, "promotion put needs one of --percent, --fixed, --n-for-m, --free-shipping");
        return false;
    }
    put->kind = SOUK_PROMOTION_FREE_SHIPPING;
    if (percent != NULL) {
        put->kind = SOUK_PROMOTION_PERCENT;
        return parse_percent(cli, percent, &put->value);
    }
    if (fixed != NULL) {
        put->kind = SOUK_PROMOTION_FIXED;
        return cli_amount(cli, "--fixed", fixed, put->currency, &put->value);
    }
    if (n_for_m != NULL) {
        put->kind = SOUK_PROMOTION_N_FOR_M;
        return parse_n_for_m(cli, n_for_m, &put->buy, &put->pay);
    }
    return true;
}

int verb_promotion_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_promotion_put put = {.is_exclusive =
                                         verb_option(args, "--exclusive") == NULL ? 0 : 1,
                                     .is_limited = verb_option(args, "--limited") == NULL ? 0 : 1,
                                     .is_off = verb_option(args, "--off") == NULL ? 0 : 1};
    const char *name = args->words[0];
    if (!cli_name(cli, "promotion", name, &put.home_id) ||
        !cli_text64(cli, "promotion", name, &put.name) ||
        !cli_option_currency(cli, args, &put.currency) || !option_promotion_kind(cli, args, &put) ||
        !cli_option_amount(cli, args, "--threshold", put.currency, &put.threshold) ||
        !cli_option_name(cli, args, "--sku", &put.sku_id) ||
        !cli_option_name(cli, args, "--coupon", &put.coupon_id) ||
        !cli_option_count(cli, args, "--per-customer", 1, QUANTITY_MAX, &put.per_customer) ||
        !option_validity(cli, args, &put.valid_from_ns, &put.valid_until_ns, &put.group_id) ||
        !option_priority(cli, args, &put.priority) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    return cli_put_setting(cli, args, SOUK_OP_PROMOTION_PUT, &put, name);
}

int verb_promotion_get(struct cli *cli, const struct verb_args *args)
{
    struct souk_promotion_get get = {0};
    if (!cli_name(cli, "promotion", args->words[0], &get.home_id))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_PROMOTION_GET, &get, args->words[0],
                    "name version kind ?value ?buy ?pay ?$threshold ?currency ?sku_id=sku "
                    "?group_id=group ?coupon_id=coupon ?is_limited=limited ?per_customer "
                    "?@valid_from_ns=from ?@valid_until_ns=until priority "
                    "?is_exclusive=exclusive ?is_off=off");
}

/* ---- the policy ---- */

/* The policy's times by the options that set them. */
#define POLICY_TIMES(X)                    \
    X("--cart-guest", cart_guest_ms)       \
    X("--cart-user", cart_user_ms)         \
    X("--payment-lease", payment_lease_ms) \
    X("--unpaid", unpaid_ms)               \
    X("--answer", answer_ms)               \
    X("--backoff", backoff_ms)             \
    X("--backoff-max", backoff_max_ms)     \
    X("--return-window", return_window_ms)

static bool option_policy(struct cli *cli, const struct verb_args *args,
                          struct souk_policy_put *put)
{
    i64 deliveries = put->deliveries_max, attempts = put->attempts_max;
#define OPTION(option, field)                                                        \
    if (!cli_option_duration(cli, args, option, VALUE_DURATION_MS_MAX, &put->field)) \
        return false;
    POLICY_TIMES(OPTION)
#undef OPTION
    if (!cli_option_count(cli, args, "--deliveries", 1, UINT32_MAX, &deliveries) ||
        !cli_option_count(cli, args, "--attempts", 1, UINT32_MAX, &attempts))
        return false;
    put->deliveries_max = (u32)deliveries;
    put->attempts_max = (u32)attempts;
    return true;
}

int verb_policy_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_policy_put put = {.home_id = SOUK_POLICY_HOME};
    struct souk_policy_get_reply now;
    if (args->option_count == 0)
        return cli_usage(cli, "policy put: nothing to change; name a time, such as --unpaid 30m");
    /* Wrong arguments are told before anything is sent. */
    struct souk_policy_put probe = {0};
    if (!option_policy(cli, args, &probe) || !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_policy_get get = {.home_id = SOUK_POLICY_HOME};
    const int error = souk_policy_get(cli->client, &get, &now);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (now.status != SOUK_OK)
        return cli_refused(cli, "policy", now.status, now.retry_after_ms, NULL);
        /* What is not named stays; somebody else's change in between is not overwritten. */
#define KEEP(option, field) put.field = now.field;
    POLICY_TIMES(KEEP)
#undef KEEP
    put.deliveries_max = now.deliveries_max;
    put.attempts_max = now.attempts_max;
    if (put.if_version == SOUK_VERSION_ANY && now.version != 0)
        put.if_version = now.version;
    if (!option_policy(cli, args, &put))
        return CLI_EXIT_USAGE;
    return cli_put_setting(cli, args, SOUK_OP_POLICY_PUT, &put, "policy");
}

int verb_policy_get(struct cli *cli, const struct verb_args *args)
{
    const struct souk_policy_get get = {.home_id = SOUK_POLICY_HOME};
    struct cli_answer answer;
    (void)args;
    int exit_code = cli_ask(cli, SOUK_OP_POLICY_GET, 0, &get, &answer);
    if (exit_code == CLI_EXIT_DONE && !cli->is_json && answer.status == SOUK_OK) {
        struct souk_policy_get_reply policy;
        char text[32];
        memcpy(&policy, answer.reply, sizeof policy);
        printf("%-14s %llu\n", "version", (unsigned long long)policy.version);
#define SHOW(option, field)          \
    printf("%-14s %s\n", &option[2], \
           policy.field == 0 ? "always" : value_print_duration(policy.field, text));
        POLICY_TIMES(SHOW)
#undef SHOW
        printf("%-14s %u\n%-14s %u\n", "deliveries", policy.deliveries_max, "attempts",
               policy.attempts_max);
    } else if (exit_code == CLI_EXIT_DONE) {
        exit_code = cli_answer(cli, SOUK_OP_POLICY_GET, &answer, "policy", 0, "version");
    }
    return exit_code;
}
