/* import_map: which value of a row goes into which field of a product, and the product that it makes.
 *
 *      --map code=StockCode,title=Description,category=dept/class,currency='GBP',attr.color=baseColour
 *            ^target ^name of a value          ^joined with slashes ^a constant   ^an attribute
 *
 * Without --map the values are called as the targets are, and attr.NAME for attributes. A target that
 * the file has not got is left alone.
 *
 * Targets: code title brand category description attributes slug key page page_hex price price_before
 * currency popularity margin draft unlisted visible_from visible_until buyable_from buyable_until stock, and
 * attr.NAME. With `stock` (or --skus) a SKU of the same code and price is put too, with so many units: with a
 * column `stock` for every row, of JSON lines for the rows that have it.
 *
 * Ownership  a product's texts lie in memory of its own; import_product_free.
 * Failure    a reason, with the column of the value that is wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_IMPORT_MAP_H
#define SOUK_CLIENT_IMPORT_MAP_H

#include "client/cli/row_source.h"

#define IMPORT_RULES_MAX 64u
#define IMPORT_PARTS_MAX 4u

enum import_target {
#define IMPORT_TARGET(NAME, name) IMPORT_##NAME,
#define IMPORT_TARGETS(T)             \
    T(CODE, "code")                   \
    T(TITLE, "title")                 \
    T(BRAND, "brand")                 \
    T(CATEGORY, "category")           \
    T(ATTRIBUTES, "attributes")       \
    T(DESCRIPTION, "description")     \
    T(SLUG, "slug")                   \
    T(KEY, "key")                     \
    T(PAGE, "page")                   \
    T(PAGE_HEX, "page_hex")           \
    T(PRICE, "price")                 \
    T(PRICE_BEFORE, "price_before")   \
    T(CURRENCY, "currency")           \
    T(POPULARITY, "popularity")       \
    T(MARGIN, "margin")               \
    T(DRAFT, "draft")                 \
    T(UNLISTED, "unlisted")           \
    T(VISIBLE_FROM, "visible_from")   \
    T(VISIBLE_UNTIL, "visible_until") \
    T(BUYABLE_FROM, "buyable_from")   \
    T(BUYABLE_UNTIL, "buyable_until") \
    T(STOCK, "stock")
    IMPORT_TARGETS(IMPORT_TARGET)
#undef IMPORT_TARGET
        IMPORT_ATTRIBUTE, /* attr.NAME */
    IMPORT_TARGET_COUNT
};

struct import_rule {
    enum import_target target;
    char name[64]; /* of an attribute */
    char constant[128];
    bool is_constant;
    i32 places[IMPORT_PARTS_MAX]; /* in the values of a row */
    u32 part_count;
};

struct import_map {
    struct import_rule rules[IMPORT_RULES_MAX];
    u32 rule_count;
    u16 currency; /* of prices without one */
    u64 now_ns;
    bool has_skus;
};

/* `text` is that of --map, or NULL. False: the reason is in `error`. */
bool import_map_parse(struct import_map *map, struct row_source *source, const char *text,
                      char *error, size_t error_bytes);

struct import_product {
    struct souk_product_put put;
    i64 stock; /* -1 = not told */
    bool has_sku;
    u64 line;
    u64 offset; /* of the row behind it */
    u32 column;
    char *memory;
};

/* NULL, or why the row is no product; *column is where. */
const char *import_product_make(const struct import_map *map, const struct row_source *source,
                                struct import_product *product, u32 *column);
void import_product_free(struct import_product *product);

#endif
