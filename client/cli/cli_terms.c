/* cli_terms: arguments and options of carts, prices and orders. See client/cli/cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli/cli.h"
#include "proto/text.h"

static bool refuse(struct cli *cli, const char *name, const char *text, const char *reason)
{
    (void)cli_usage(cli, "%s \"%s\" %s", name, text, reason);
    return false;
}

/* ---- users, orders, names ---- */

static bool parse_user(struct cli *cli, const char *name, const char *text, u64 *user)
{
    u64 value;
    const char *reason = value_parse_user(text, &value);
    if (reason == NULL && value == 0)
        reason = "is nobody";
    if (reason != NULL)
        return refuse(cli, name, text, reason);
    *user = value;
    return true;
}

bool cli_user(struct cli *cli, const struct verb_args *args, u32 index, u64 *user)
{
    MUST(index < args->count);
    return parse_user(cli, "user", args->words[index], user);
}

bool cli_option_user_of(struct cli *cli, const struct verb_args *args, const char *name, u64 *user)
{
    const char *text = verb_option(args, name);
    return text == NULL || parse_user(cli, name, text, user);
}

static bool parse_order(struct cli *cli, const char *name, const char *text,
                        struct souk_id128 *order)
{
    struct id128 id;
    if (souk_order_number_parse(text, order) == 0)
        return true;
    if (value_parse_id(text, &id) != NULL)
        return refuse(
            cli, name, text,
            "is not an order's number (its last character is a check), nor 32 hex digits");
    *order = (struct souk_id128){.low = id.low, .high = id.high};
    return true;
}

bool cli_order(struct cli *cli, const struct verb_args *args, u32 index, struct souk_id128 *order)
{
    MUST(index < args->count);
    return parse_order(cli, "order", args->words[index], order);
}

bool cli_option_order(struct cli *cli, const struct verb_args *args, const char *name,
                      struct souk_id128 *order)
{
    const char *text = verb_option(args, name);
    return text == NULL || parse_order(cli, name, text, order);
}

bool cli_name(struct cli *cli, const char *what, const char *text, u64 *id)
{
    if (text[0] == '#')
        return parse_user(cli, what, text, id);
    const char *reason = value_code_invalid(text);
    if (reason != NULL)
        return refuse(cli, what, text, reason);
    *id = souk_id(text, strlen(text));
    return true;
}

bool cli_option_name(struct cli *cli, const struct verb_args *args, const char *name, u64 *id)
{
    const char *text = verb_option(args, name);
    return text == NULL || cli_name(cli, name, text, id);
}

bool cli_text(struct cli *cli, const char *what, const char *text, u32 max, struct souk_text *to)
{
    *to = souk_text_of(text);
    if (to->bytes <= max)
        return true;
    (void)cli_usage(cli, "%s: %u bytes, but at most %u", what, to->bytes, max);
    return false;
}

/* Says at which byte it is no text. */
static bool judge_text(struct cli *cli, const char *what, struct souk_text text, bool has_lines)
{
    const u8 *bytes = (const u8 *)text.data;
    const char *reason = text_invalid(bytes, text.bytes, has_lines);
    const u32 utf8_bytes = text_utf8_bytes(bytes, text.bytes);
    u32 at = 0;
    if (reason == NULL)
        return true;
    while (at < utf8_bytes && bytes[at] != 0x7f &&
           (bytes[at] >= ' ' || (has_lines && bytes[at] == '\n')))
        at++;
    (void)cli_usage(cli, "%s: byte %u: %s", what, at, reason);
    return false;
}

bool cli_text_line(struct cli *cli, const char *what, const char *text, u32 max,
                   struct souk_text *to)
{
    return cli_text(cli, what, text, max, to) && judge_text(cli, what, *to, false);
}

bool cli_text_lines(struct cli *cli, const char *what, const char *text, u32 max,
                    struct souk_text *to)
{
    return cli_text(cli, what, text, max, to) && judge_text(cli, what, *to, true);
}

bool cli_text64(struct cli *cli, const char *what, const char *text, struct souk_text64 *to)
{
    const size_t bytes = strlen(text);
    if (bytes >= TEXT64_BYTES)
        return refuse(cli, what, text, "is longer than 63 bytes");
    if (text_invalid((const u8 *)text, (u32)bytes, false) != NULL)
        return refuse(cli, what, text, "is not UTF-8 text without control characters");
    *to = souk_text64_of(text);
    return true;
}

bool cli_option_text64(struct cli *cli, const struct verb_args *args, const char *name,
                       struct souk_text64 *to)
{
    const char *text = verb_option(args, name);
    return text == NULL || cli_text64(cli, name, text, to);
}

/* ---- times, money ---- */

bool cli_option_time(struct cli *cli, const struct verb_args *args, const char *name, u64 *ns)
{
    const char *text = verb_option(args, name);
    struct timespec now;
    if (text == NULL)
        return true;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const char *reason = value_parse_time(text, (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec, ns);
    return reason == NULL || refuse(cli, name, text, reason);
}

bool cli_option_currency(struct cli *cli, const struct verb_args *args, u16 *currency)
{
    const char *text = verb_option(args, "--currency");
    if (text == NULL)
        return true;
    *currency = souk_currency(text);
    return *currency != 0 ||
           refuse(cli, "--currency", text, "is not a currency such as GBP, EUR or USD");
}

bool cli_amount(struct cli *cli, const char *what, const char *text, u16 currency, i64 *minor)
{
    i64 value = 0;
    if (currency == 0)
        return refuse(cli, what, text, "needs --currency");
    const char *reason = souk_money_parse(text, currency, &value);
    if (reason != NULL) {
        (void)cli_usage(cli, "%s \"%s\": %s", what, text, reason);
        return false;
    }
    if (value < 0 || value > PRICE_MAX)
        return refuse(cli, what, text, value < 0 ? "is negative" : "is too large");
    *minor = value;
    return true;
}

bool cli_option_amount(struct cli *cli, const struct verb_args *args, const char *name,
                       u16 currency, i64 *minor)
{
    const char *text = verb_option(args, name);
    return text == NULL || cli_amount(cli, name, text, currency, minor);
}

/* ---- words ---- */

/* Whether a word is the one that was typed: case does not matter, and '_', '-', ' ' are one. */
static bool is_word(const char *word, const char *typed)
{
    for (; *word != '\0' || *typed != '\0'; word++, typed++) {
        char a = *word, b = *typed;
        a = a >= 'A' && a <= 'Z' ? (char)(a - 'A' + 'a') : a;
        b = b >= 'A' && b <= 'Z' ? (char)(b - 'A' + 'a') : b;
        a = a == '_' || a == ' ' ? '-' : a;
        b = b == '_' || b == ' ' ? '-' : b;
        if (a != b)
            return false;
    }
    return true;
}

static bool refuse_word(struct cli *cli, const char *what, const char *text,
                        const char *const *words, u32 count)
{
    char list[400] = "";
    size_t at = 0;
    for (u32 i = 0; i < count; i++) {
        if (words[i] == NULL)
            continue;
        const int bytes =
            snprintf(list + at, sizeof list - at, "%s%s", at == 0 ? "" : ", ", words[i]);
        at = MIN(at + (size_t)MAX(bytes, 0), sizeof list - 1);
    }
    (void)cli_usage(cli, "%s \"%s\" is none of: %s", what, text, list);
    return false;
}

bool cli_word(struct cli *cli, const char *what, const char *text, const char *const *words,
              u32 count, u16 first, u16 *number)
{
    for (u32 i = 0; i < count; i++) {
        if (words[i] == NULL || !is_word(words[i], text))
            continue;
        *number = (u16)(first + i);
        return true;
    }
    return refuse_word(cli, what, text, words, count);
}

bool cli_option_word(struct cli *cli, const struct verb_args *args, const char *name,
                     const char *const *words, u32 count, u16 first, u16 *number)
{
    const char *text = verb_option(args, name);
    return text == NULL || cli_word(cli, name, text, words, count, first, number);
}

bool cli_option_words(struct cli *cli, const struct verb_args *args, const char *name,
                      const char *const *words, u32 count, u16 first, u32 *bits)
{
    u32 at = 0;
    const char *text;
    while ((text = verb_option_next(args, name, &at)) != NULL) {
        u16 number;
        if (!cli_word(cli, name, text, words, count, first, &number))
            return false;
        MUST(number < 32);
        *bits |= 1u << number;
    }
    return true;
}

bool cli_option_kind(struct cli *cli, const struct verb_args *args, u16 *kind)
{
    static const char *const words[] = {"sku",    "coupon",    "gift-card",
                                        "credit", "allowance", "ad-budget"};
    STATIC_CHECK(ARRAY_COUNT(words) == RESOURCE_KIND_COUNT);
    return cli_option_word(cli, args, "--kind", words, ARRAY_COUNT(words), 0, kind);
}

/* ---- lines of orders ---- */

/* "LINE=N", "LINE=N:DAMAGED". */
static const char *parse_line(const char *text, bool has_damaged,
                              struct souk_row_line_quantity *row)
{
    static const char plain[] = "is not LINE=N, such as 0=2; lines are numbered from 0";
    static const char damaged[] = "is not LINE=N or LINE=N:DAMAGED, such as 0=2:1";
    const char *wrong = has_damaged ? damaged : plain;
    char parts[3][24] = {"", "", "0"};
    u32 part = 0;
    size_t at = 0;
    for (; *text != '\0'; text++) {
        if ((*text == '=' && part == 0) || (*text == ':' && part == 1 && has_damaged)) {
            parts[part++][at] = '\0';
            at = 0;
            continue;
        }
        if (at + 1 >= sizeof parts[0])
            return wrong;
        parts[part][at++] = *text;
    }
    parts[part][at] = '\0';
    i64 line, quantity, broken;
    if (part == 0 || value_parse_count(parts[0], 0, ORDER_LINES_MAX - 1, &line) != NULL ||
        value_parse_count(parts[1], 0, QUANTITY_MAX, &quantity) != NULL ||
        value_parse_count(parts[2], 0, QUANTITY_MAX, &broken) != NULL)
        return wrong;
    *row =
        (struct souk_row_line_quantity){.quantity = quantity, .damaged = broken, .line = (u32)line};
    return NULL;
}

bool cli_option_lines(struct cli *cli, const struct verb_args *args, bool has_damaged,
                      struct cli_lines *lines)
{
    u32 at = 0;
    const char *text;
    *lines = (struct cli_lines){.rows = calloc(VERB_OPTIONS_MAX, sizeof *lines->rows)};
    MUST(lines->rows != NULL);
    while ((text = verb_option_next(args, "--line", &at)) != NULL) {
        const char *reason = parse_line(text, has_damaged, &lines->rows[lines->count]);
        if (reason != NULL)
            return refuse(cli, "--line", text, reason);
        lines->count++;
    }
    return true;
}
