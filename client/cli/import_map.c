/* import_map: see client/cli/import_map.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/import_map.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/cli_value.h"
#include "proto/limits.h"
#include "proto/messages.h"
#include "proto/money.h"
#include "proto/text.h"

#define COLUMNS_BYTES 400u /* of a list of columns */

static const char *const target_names[] = {
#define NAME_OF(NAME, name) [IMPORT_##NAME] = name,
    IMPORT_TARGETS(NAME_OF)
#undef NAME_OF
};

static const char no_column[] = "the file has no such column";

/* ---- the map --------------------------------------------------------------------------------- */

static bool find_target(const char *text, struct import_rule *rule)
{
    if (strncmp(text, "attr.", 5) == 0 && text[5] != '\0' && strlen(text + 5) < sizeof rule->name &&
        strpbrk(text + 5, "=\n") == NULL) {
        rule->target = IMPORT_ATTRIBUTE;
        (void)snprintf(rule->name, sizeof rule->name, "%s", text + 5);
        return true;
    }
    for (u32 i = 0; i < ARRAY_COUNT(target_names); i++)
        if (strcmp(target_names[i], text) == 0) {
            rule->target = (enum import_target)i;
            return true;
        }
    return false;
}

/* The names of a rule, between slashes where the target is the category. */
static const char *find_places(struct import_rule *rule, struct row_source *source, char *from,
                               char **missing)
{
    const char *between = rule->target == IMPORT_CATEGORY ? "/" : "";
    char *rest = from;
    do {
        char *part = rest;
        char *end = *between == '\0' ? NULL : strpbrk(rest, between);
        rest = end == NULL ? NULL : end + 1;
        if (end != NULL)
            *end = '\0';
        if (rule->part_count == IMPORT_PARTS_MAX)
            return "a category of more than four parts";
        *missing = part;
        const i32 place = row_source_want(source, part);
        if (place < 0)
            return no_column;
        rule->places[rule->part_count++] = place;
    } while (rest != NULL);
    return NULL;
}

/* target=name, or target='constant'. */
static const char *parse_rule(struct import_rule *rule, struct row_source *source, char *item,
                              char **about)
{
    char *equals = strchr(item, '=');
    *about = item;
    memset(rule, 0, sizeof *rule);
    if (equals == NULL || equals == item || equals[1] == '\0')
        return "is not TARGET=COLUMN";
    *equals = '\0';
    if (!find_target(item, rule))
        return "is no field of a product (souk help import lists them)";
    char *from = equals + 1;
    const size_t bytes = strlen(from);
    if (*from != '\'')
        return find_places(rule, source, from, about);
    if (bytes < 2 || from[bytes - 1] != '\'' || bytes - 2 >= sizeof rule->constant)
        return "a constant stands in quotes: currency='GBP'";
    rule->is_constant = true;
    (void)snprintf(rule->constant, sizeof rule->constant, "%.*s", (int)(bytes - 2), from + 1);
    return NULL;
}

/* Columns called as the targets are. */
static void map_by_names(struct import_map *map, struct row_source *source)
{
    for (u32 i = 0; i < ARRAY_COUNT(target_names); i++) {
        const i32 place = row_source_want(source, target_names[i]);
        if (place >= 0)
            map->rules[map->rule_count++] = (struct import_rule){
                .target = (enum import_target)i, .places = {place}, .part_count = 1};
    }
    for (u32 i = 0; i < source->heading_count && map->rule_count < IMPORT_RULES_MAX; i++) {
        struct import_rule rule = {.part_count = 1};
        if (!find_target(source->heading[i], &rule) || rule.target != IMPORT_ATTRIBUTE)
            continue;
        rule.places[0] = row_source_want(source, source->heading[i]);
        if (rule.places[0] >= 0)
            map->rules[map->rule_count++] = rule;
    }
}

static bool has_target(const struct import_map *map, enum import_target target)
{
    for (u32 i = 0; i < map->rule_count; i++)
        if (map->rules[i].target == target)
            return true;
    return false;
}

/* What is wrong with a rule, and of a column that is not there, which are. */
static void explain_rule(const struct row_source *source, const char *about, const char *reason,
                         char *error, size_t error_bytes)
{
    char columns[COLUMNS_BYTES] = "";
    if (reason == no_column)
        (void)row_source_columns(source, false, columns, sizeof columns);
    (void)snprintf(error, error_bytes, "--map \"%.60s\": %s%s%s", about, reason,
                   columns[0] == '\0' ? "" : "; it has: ", columns);
}

bool import_map_parse(struct import_map *map, struct row_source *source, const char *text,
                      char *error, size_t error_bytes)
{
    map->rule_count = 0;
    char *copy = strdup(text != NULL ? text : "");
    MUST(copy != NULL);
    char *rest = NULL;
    bool is_good = true;
    for (char *item = strtok_r(copy, ",", &rest); item != NULL && is_good;
         item = strtok_r(NULL, ",", &rest)) {
        char *about = item;
        const char *reason = map->rule_count == IMPORT_RULES_MAX
                                 ? "one rule too many"
                                 : parse_rule(&map->rules[map->rule_count], source, item, &about);
        map->rule_count++;
        is_good = reason == NULL;
        if (!is_good)
            explain_rule(source, about, reason, error, error_bytes);
    }
    free(copy);
    if (!is_good)
        return false;
    if (text == NULL)
        map_by_names(map, source);
    /* Every name may come in a row of JSON; a heading, or --map, says what does come. */
    if (text != NULL || source->format == ROW_FORMAT_CSV)
        map->has_skus = map->has_skus || has_target(map, IMPORT_STOCK);
    if (has_target(map, IMPORT_CODE))
        return true;
    char columns[COLUMNS_BYTES];
    const u32 count = row_source_columns(source, false, columns, sizeof columns);
    (void)snprintf(error, error_bytes,
                   "no column is the code; say which: --map code=COLUMN,title=COLUMN,...%s%s",
                   count == 0 ? "" : "\n      the file has: ", columns);
    return false;
}

/* ---- a product ------------------------------------------------------------------------------- */

/* The value of a rule; joined parts go to `to`. */
static struct souk_text value_of(const struct import_rule *rule, const struct row_source *source,
                                 char *to, size_t capacity, u32 *column)
{
    if (rule->is_constant)
        return souk_text_of(rule->constant);
    *column = source->columns[rule->places[0]];
    if (rule->part_count == 1)
        return source->values[rule->places[0]];
    size_t used = 0;
    for (u32 i = 0; i < rule->part_count; i++) {
        const struct souk_text part = source->values[rule->places[i]];
        if (part.bytes == 0 || used + part.bytes + 1 > capacity)
            continue;
        if (used > 0)
            to[used++] = '/';
        memcpy(to + used, part.data, part.bytes);
        used += part.bytes;
    }
    return (struct souk_text){.data = to, .bytes = (u32)used};
}

static const char *set_text(struct souk_text *to, struct souk_text value, u32 max, bool has_lines)
{
    if (value.bytes > max)
        return "a text that is too long";
    *to = value;
    return text_invalid((const u8 *)value.data, value.bytes, has_lines);
}

static const char *set_price(struct import_product *product, struct souk_text value, i64 *to)
{
    const struct currency_info *currency = currency_find(product->put.currency);
    bool is_positive;
    if (currency == NULL)
        return "a price needs a currency: --currency GBP, or map one";
    const char *reason =
        value_parse_price(value.data, value.bytes, currency->digits, to, &is_positive);
    if (reason == NULL && (*to < 0 || *to > PRICE_MAX))
        return "a price is 0 to 2^53 minor units";
    return reason;
}

static const char *set_count(struct souk_text value, i64 max, i64 *to)
{
    char text[32];
    if (value.bytes >= sizeof text)
        return "not a whole number";
    (void)snprintf(text, sizeof text, "%.*s", (int)value.bytes, value.data);
    return value_parse_count(text, 0, max, to);
}

static const char *set_time(const struct import_map *map, struct souk_text value, u64 *to)
{
    char text[64];
    if (value.bytes >= sizeof text)
        return "not a time";
    (void)snprintf(text, sizeof text, "%.*s", (int)value.bytes, value.data);
    return value_parse_time(text, map->now_ns, to);
}

static const char *set_mark(struct souk_text value, u16 bit, u16 *marks)
{
    static const char *const yes[] = {"yes", "true", "1"};
    static const char *const no[] = {"no", "false", "0"};
    for (u32 i = 0; i < ARRAY_COUNT(yes); i++) {
        if (value.bytes == strlen(yes[i]) && memcmp(value.data, yes[i], value.bytes) == 0) {
            *marks |= bit;
            return NULL;
        }
        if (value.bytes == strlen(no[i]) && memcmp(value.data, no[i], value.bytes) == 0)
            return NULL;
    }
    return "neither yes nor no";
}

static const char *set_currency(struct import_product *product, struct souk_text value)
{
    char letters[8];
    if (value.bytes >= sizeof letters)
        return "not a currency such as GBP";
    (void)snprintf(letters, sizeof letters, "%.*s", (int)value.bytes, value.data);
    product->put.currency = souk_currency(letters);
    return product->put.currency == 0 ? "not a currency such as GBP" : NULL;
}

static const char *set_number(const struct import_map *map, struct import_product *product,
                              enum import_target target, struct souk_text value)
{
    struct souk_product_put *put = &product->put;
    i64 number = 0;
    const char *reason;
    switch ((int)target) {
    case IMPORT_PRICE: return set_price(product, value, &put->price);
    case IMPORT_PRICE_BEFORE: return set_price(product, value, &put->price_before);
    case IMPORT_POPULARITY:
        reason = set_count(value, UINT32_MAX, &number);
        put->popularity = (u32)number;
        return reason;
    case IMPORT_MARGIN:
        reason = set_count(value, 10000, &number);
        put->margin = (u16)number;
        return reason;
    case IMPORT_STOCK: return set_count(value, QUANTITY_MAX, &product->stock);
    case IMPORT_DRAFT: return set_mark(value, PRODUCT_MARK_DRAFT, &put->marks);
    case IMPORT_UNLISTED: return set_mark(value, PRODUCT_MARK_UNLISTED, &put->marks);
    case IMPORT_VISIBLE_FROM: return set_time(map, value, &put->visible_from_ns);
    case IMPORT_VISIBLE_UNTIL: return set_time(map, value, &put->visible_until_ns);
    case IMPORT_BUYABLE_FROM: return set_time(map, value, &put->buyable_from_ns);
    case IMPORT_BUYABLE_UNTIL: return set_time(map, value, &put->buyable_until_ns);
    default: return NULL;
    }
}

static const char *set_string(struct souk_product_put *put, enum import_target target,
                              struct souk_text value)
{
    switch ((int)target) {
    case IMPORT_CODE: return set_text(&put->code, value, CODE_BYTES_MAX, false);
    case IMPORT_TITLE: return set_text(&put->title, value, TITLE_BYTES_MAX, false);
    case IMPORT_BRAND: return set_text(&put->brand, value, BRAND_BYTES_MAX, false);
    case IMPORT_DESCRIPTION: return set_text(&put->description, value, DESCRIPTION_BYTES_MAX, true);
    case IMPORT_SLUG: return set_text(&put->slug, value, ALIAS_BYTES_MAX, false);
    case IMPORT_KEY: return set_text(&put->external_key, value, ALIAS_BYTES_MAX, false);
    case IMPORT_PAGE:
        put->page = value;
        return value.bytes > PAGE_BYTES_MAX ? "a text that is too long" : NULL;
    default: return NULL;
    }
}

static i32 hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A page that is no text, in hex digits. */
static const char *set_page_hex(struct souk_product_put *put, struct souk_text value, char *to)
{
    if (value.bytes > 2 * PAGE_BYTES_MAX)
        return "a text that is too long";
    if (value.bytes % 2 != 0)
        return "an odd number of hex digits";
    for (u32 i = 0; i < value.bytes; i += 2) {
        const i32 high = hex_digit(value.data[i]), low = hex_digit(value.data[i + 1]);
        if (high < 0 || low < 0)
            return "not hex digits";
        to[i / 2] = (char)(high << 4 | low);
    }
    put->page = (struct souk_text){.data = to, .bytes = value.bytes / 2};
    return NULL;
}

/* Adds name=value, or lines of them, to the attributes. */
static const char *add_attribute(char *to, struct souk_text *attributes, const char *name,
                                 struct souk_text value)
{
    const u32 name_bytes = (u32)strlen(name);
    if (attributes->bytes + 1 + name_bytes + 1 + value.bytes > ATTRIBUTES_BYTES_MAX)
        return "attributes of more than 4096 bytes in all";
    if (name_bytes > 0 && memchr(value.data, '\n', value.bytes) != NULL)
        return "an attribute of more than one line";
    u32 at = attributes->bytes;
    if (at > 0)
        to[at++] = '\n';
    memcpy(to + at, name, name_bytes);
    at += name_bytes;
    if (name_bytes > 0)
        to[at++] = '=';
    memcpy(to + at, value.data, value.bytes);
    *attributes = (struct souk_text){.data = to, .bytes = at + value.bytes};
    return text_invalid((const u8 *)attributes->data, attributes->bytes, true);
}

/* Where joined texts lie until they are copied. */
struct scratch {
    char category[CATEGORY_BYTES_MAX + 1];
    char attributes[ATTRIBUTES_BYTES_MAX + 1];
    char page[PAGE_BYTES_MAX];
};

static const char *apply_rule(const struct import_map *map, const struct import_rule *rule,
                              const struct row_source *source, struct import_product *product,
                              struct scratch *scratch, u32 *column)
{
    const struct souk_text value =
        value_of(rule, source, scratch->category, sizeof scratch->category, column);
    if (value.bytes == 0)
        return NULL;
    if (rule->target == IMPORT_CURRENCY)
        return set_currency(product, value);
    if (rule->target == IMPORT_CATEGORY)
        return set_text(&product->put.category, value, CATEGORY_BYTES_MAX, false);
    if (rule->target == IMPORT_ATTRIBUTE || rule->target == IMPORT_ATTRIBUTES)
        return add_attribute(scratch->attributes, &product->put.attributes, rule->name, value);
    if (rule->target == IMPORT_PAGE_HEX)
        return set_page_hex(&product->put, value, scratch->page);
    const char *reason = set_string(&product->put, rule->target, value);
    return reason != NULL ? reason : set_number(map, product, rule->target, value);
}

/* Gives the product its own copies of all texts. */
static void keep_texts(struct import_product *product)
{
    struct souk_text *texts[] = {
        &product->put.code,     &product->put.title,        &product->put.brand,
        &product->put.category, &product->put.attributes,   &product->put.description,
        &product->put.slug,     &product->put.external_key, &product->put.page};
    size_t bytes = 1;
    for (u32 i = 0; i < ARRAY_COUNT(texts); i++)
        bytes += texts[i]->bytes;
    char *to = product->memory = malloc(bytes);
    MUST(to != NULL);
    for (u32 i = 0; i < ARRAY_COUNT(texts); i++) {
        if (texts[i]->bytes > 0)
            memcpy(to, texts[i]->data, texts[i]->bytes);
        texts[i]->data = to;
        to += texts[i]->bytes;
    }
}

const char *import_product_make(const struct import_map *map, const struct row_source *source,
                                struct import_product *product, u32 *column)
{
    struct scratch scratch;
    memset(product, 0, sizeof *product);
    product->stock = -1;
    product->line = source->row_line;
    product->offset = source->offset;
    product->put.currency = map->currency;
    *column = 1;
    /* The currency first: prices are read with its digits. */
    for (u32 pass = 0; pass < 2; pass++)
        for (u32 i = 0; i < map->rule_count; i++) {
            if ((map->rules[i].target == IMPORT_CURRENCY) != (pass == 0))
                continue;
            const char *reason = apply_rule(map, &map->rules[i], source, product, &scratch, column);
            if (reason != NULL)
                return reason;
        }
    *column = 1;
    if (product->put.code.bytes == 0)
        return "no code";
    product->has_sku = map->has_skus || product->stock >= 0;
    if (product->put.price == 0 && product->put.price_before == 0 && !product->has_sku)
        product->put.currency = 0;
    product->put.product_id = souk_id(product->put.code.data, product->put.code.bytes);
    keep_texts(product);
    return NULL;
}

void import_product_free(struct import_product *product)
{
    free(product->memory);
    product->memory = NULL;
}
