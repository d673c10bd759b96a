/* cli_arguments: arguments and options as values, each with the sentence that says what is wrong.
 * See client/cli/cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/cli.h"

static struct souk_id128 public_id(struct id128 id)
{
    return (struct souk_id128){.low = id.low, .high = id.high};
}

static bool refuse(struct cli *cli, const char *name, const char *text, const char *reason)
{
    (void)cli_usage(cli, "%s \"%s\" %s", name, text, reason);
    return false;
}

bool cli_code(struct cli *cli, const struct verb_args *args, u32 index, const char **code)
{
    MUST(index < args->count);
    const char *reason = value_code_invalid(args->words[index]);
    if (reason != NULL)
        return refuse(cli, "code", args->words[index], reason);
    *code = args->words[index];
    return true;
}

static bool parse_count(struct cli *cli, const char *name, const char *text, i64 min, i64 max,
                        i64 *count)
{
    const char *reason = value_parse_count(text, min, max, count);
    if (reason == NULL)
        return true;
    (void)cli_usage(cli, "%s \"%s\" %s (%lld to %lld)", name, text, reason, (long long)min,
                    (long long)max);
    return false;
}

bool cli_count(struct cli *cli, const struct verb_args *args, u32 index, i64 min, i64 max,
               i64 *count)
{
    MUST(index < args->count);
    return parse_count(cli, "quantity", args->words[index], min, max, count);
}

bool cli_option_count(struct cli *cli, const struct verb_args *args, const char *name, i64 min,
                      i64 max, i64 *value)
{
    const char *text = verb_option(args, name);
    return text == NULL || parse_count(cli, name, text, min, max, value);
}

bool cli_option_duration(struct cli *cli, const struct verb_args *args, const char *name, u64 max,
                         u64 *ms)
{
    const char *text = verb_option(args, name);
    u64 value;
    if (text == NULL)
        return true;
    const char *reason = value_parse_duration(text, &value);
    if (reason == NULL && (value == 0 || value > max))
        reason = "is out of range";
    if (reason != NULL)
        return refuse(cli, name, text, reason);
    *ms = value;
    return true;
}

bool cli_option_user(struct cli *cli, const struct verb_args *args, u64 *user)
{
    const char *text = verb_option(args, "--owner");
    const char *reason = text == NULL ? NULL : value_parse_user(text, user);
    return reason == NULL || refuse(cli, "--owner", text, reason);
}

bool cli_option_id(struct cli *cli, const struct verb_args *args, const char *name, bool may_be_new,
                   struct souk_id128 *id)
{
    const char *text = verb_option(args, name);
    struct id128 value;
    if (text == NULL)
        return true;
    if (may_be_new && strcmp(text, "new") == 0) {
        *id = souk_new_id();
        return true;
    }
    if (souk_order_number_parse(text, id) == 0)
        return true;
    const char *reason = value_parse_id(text, &value);
    if (reason != NULL)
        return refuse(cli, name, text, reason);
    *id = public_id(value);
    return true;
}

bool cli_option_version(struct cli *cli, const struct verb_args *args, u64 *version)
{
    const char *text = verb_option(args, "--if-version");
    *version = SOUK_VERSION_ANY;
    if (text == NULL)
        return true;
    if (strcmp(text, "absent") == 0) {
        *version = SOUK_VERSION_ABSENT;
        return true;
    }
    u64 value;
    const char *reason = value_parse_u64(text, &value);
    if (reason == NULL && (value == SOUK_VERSION_ANY || value == SOUK_VERSION_ABSENT))
        reason = "is not a version; versions begin at 1, and absent means none";
    if (reason != NULL)
        return refuse(cli, "--if-version", text, reason);
    *version = value;
    return true;
}

bool cli_option_reason(struct cli *cli, const struct verb_args *args, u32 *reason)
{
    i64 value = 0;
    if (!cli_option_count(cli, args, "--reason", 0, UINT32_MAX, &value))
        return false;
    *reason = (u32)value;
    return true;
}

bool cli_option_price(struct cli *cli, const struct verb_args *args, i64 *price, u16 *currency)
{
    const char *letters = verb_option(args, "--currency");
    const char *text = verb_option(args, "--price");
    if (letters != NULL) {
        *currency = souk_currency(letters);
        if (*currency == 0)
            return refuse(cli, "--currency", letters, "is not a currency such as GBP, EUR or USD");
    }
    if (text == NULL)
        return true;
    if (*currency == 0)
        return refuse(cli, "--price", text, "needs --currency");
    const char *reason = souk_money_parse(text, *currency, price);
    if (reason == NULL && *price < 0)
        reason = "is negative";
    if (reason != NULL) {
        (void)cli_usage(cli, "--price \"%s\": %s", text, reason);
        return false;
    }
    return true;
}

bool cli_grant(struct cli *cli, const struct verb_args *args, u32 index, struct cli_grant *grant)
{
    MUST(index < args->count);
    const char *reason = value_parse_token(args->words[index], &grant->token);
    if (reason != NULL)
        return refuse(cli, "token", args->words[index], reason);
    grant->resource = souk_sku(grant->token.code);
    grant->id = public_id(grant->token.id);
    return true;
}

bool cli_option_replaces(struct cli *cli, const struct verb_args *args, const char *code,
                         struct souk_id128 *id)
{
    const char *text = verb_option(args, "--replaces");
    struct value_token token;
    if (text == NULL)
        return true;
    const char *reason = value_parse_token(text, &token);
    if (reason == NULL && strcmp(token.code, code) != 0)
        reason = "is a hold of another SKU";
    if (reason != NULL)
        return refuse(cli, "--replaces", text, reason);
    *id = public_id(token.id);
    return true;
}
