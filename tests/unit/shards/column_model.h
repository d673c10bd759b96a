/* column_model: random products and random filters, with what they mean computed the slow way.
 *
 *      model_product      facts, brand, category, attributes, of a small vocabulary
 *      model_shelf        columns of a shard with such products
 *      model_filter       a random expression: its text, and model_true(product)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_COLUMN_MODEL_H
#define SOUK_TESTS_UNIT_COLUMN_MODEL_H

#include "proto/id.h"
#include "shards/search/column.h"
#include "shards/search/facet.h"
#include "shards/search/filter.h"
#include "shards/search/filter_run.h"
#include "tests/unit/shards/store/store_fuzz.h"

#define MODEL_NOW_NS 5000u

/* ---- vocabulary -------------------------------------------------------------------------------- */

static const char *const model_brands[] = {
    "",      "acme", "zeta", "Ökö",  "o'neill",          "a b", "x|y", "say \"hi\"", "brand", "AND",
    "plain", "1000", "..",   "5..6", "under_score-1.2/3"};
static const char *const model_categories[] = {"",
                                               "home",
                                               "home/lighting",
                                               "home/lighting/lamps",
                                               "home/lighting/lamps/led",
                                               "garden",
                                               "garden/pots",
                                               "garden/tools",
                                               "sale",
                                               "a/b/c/d/e",
                                               "a/b/c",
                                               "loose",
                                               "home/kitchen"};
enum model_name {
    NAME_COLOR,
    NAME_SIZE,
    NAME_DRY,
    NAME_TEXT,
    NAME_RARE,
    NAME_PRICE,
    NAME_ODD,
    NAMES
};
static const char *const model_names[NAMES] = {"color", "size",  "dry",     "material",
                                               "rare",  "price", "odd name"};
static const u8 model_types[NAMES] = {
    ATTRIBUTE_TYPE_ENUM, ATTRIBUTE_TYPE_NUMBER, ATTRIBUTE_TYPE_BOOL, ATTRIBUTE_TYPE_TEXT, 0,
    ATTRIBUTE_TYPE_ENUM, ATTRIBUTE_TYPE_NUMBER};
#define MODEL_VALUES 8u
static const char *const model_values[NAMES][MODEL_VALUES] = {
    {"red", "green", "blue", "dark blue", "r\xc3\xb6t", "x=y", "9", "AND"},
    {"38", "38.5", "40", "-3.25", "L", "1000", "0.001", "40.0"},
    {"true", "Yes", "1", "false", "NO", "0", "maybe", "TRUE"},
    {"wool", "wool and silk", "silk", "paper", "a", "b", "c", "d"},
    {"one", "two", "three", "4", "5", "6", "7", "8"},
    {"low", "high", "1..2", "x", "y", "z", "\"", "''"},
    {"5", "6.25", "7.5", "8", "9", "-1", "no number", "1000000"}};
/* The numbers of size and odd name in thousandths; NONE: no number. */
#define NONE INT64_MIN
static const i64 model_numbers[NAMES][MODEL_VALUES] = {
    [NAME_SIZE] = {38000, 38500, 40000, -3250, NONE, 1000000, 1, 40000},
    [NAME_ODD] = {5000, 6250, 7500, 8000, 9000, -1000, NONE, 1000000000}};
static const u8 model_truths[MODEL_VALUES] = {1, 1, 1, 2, 2, 2, 0, 1};

struct model_product {
    struct column_facts facts;
    u32 brand;
    u32 category;
    bool has[NAMES][MODEL_VALUES];
    bool is_dead;
};

static inline struct span model_span(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)strlen(text)};
}

static inline u64 model_id(const char *text)
{
    return id_from_code(text, strlen(text));
}

static inline void model_facts(struct fuzz *fuzz, struct column_facts *facts, u64 number)
{
    char code[24];
    (void)snprintf(code, sizeof code, "p%llu", (unsigned long long)number);
    *facts = (struct column_facts){
        .product_id = model_id(code),
        .price = fuzz_below(fuzz, 4) == 0 ? fuzz_below(fuzz, 2000000) : fuzz_below(fuzz, 60) * 100,
        .price_before = fuzz_below(fuzz, 3) == 0 ? fuzz_below(fuzz, 6000) : 0,
        .created_at_ns = fuzz_next(fuzz) >> 8,
        .popularity = fuzz_below(fuzz, 5) == 0 ? (u32)fuzz_next(fuzz) : fuzz_below(fuzz, 120),
        .currency = fuzz_below(fuzz, 10) == 0 ? 0 : 978,
        .margin = (u16)fuzz_below(fuzz, 10001),
        .marks = (u16)(fuzz_below(fuzz, 8) == 0 ? fuzz_below(fuzz, 4) : 0),
        .state = (u16)fuzz_below(fuzz, 3)};
    if (fuzz_below(fuzz, 3) != 0) {
        facts->rating_count = 1 + fuzz_below(fuzz, 9);
        facts->rating_sum = facts->rating_count + fuzz_below(fuzz, 4 * facts->rating_count + 1);
    }
    u64 *times[] = {&facts->visible_from_ns, &facts->visible_until_ns, &facts->buyable_from_ns,
                    &facts->buyable_until_ns};
    for (u32 i = 0; i < 4; i++)
        *times[i] = fuzz_below(fuzz, 6) == 0 ? MODEL_NOW_NS - 2 + fuzz_below(fuzz, 5) : 0;
}

static inline struct model_product model_product(struct fuzz *fuzz, u64 number)
{
    struct model_product product = {0};
    model_facts(fuzz, &product.facts, number);
    product.brand = fuzz_below(fuzz, ARRAY_COUNT(model_brands));
    product.category = fuzz_below(fuzz, ARRAY_COUNT(model_categories));
    for (u32 name = 0; name < NAMES; name++) {
        const u32 of = name == NAME_RARE ? 60 : 4;
        u32 count = fuzz_below(fuzz, of) == 0 ? 2 + fuzz_below(fuzz, 3) : fuzz_below(fuzz, 2);
        if (name == NAME_RARE && count == 1)
            count = 0;
        for (u32 i = 0; i < count; i++)
            product.has[name][fuzz_below(fuzz, MODEL_VALUES)] = true;
    }
    return product;
}

/* Lines in a random order, some twice, some that are none. */
static inline u32 model_lines(struct fuzz *fuzz, const struct model_product *product, char *to)
{
    u32 bytes = 0;
    const u32 first = fuzz_below(fuzz, NAMES * MODEL_VALUES);
    for (u32 i = 0; i < NAMES * MODEL_VALUES; i++) {
        const u32 at = (first + i * 13) % (NAMES * MODEL_VALUES);
        const u32 name = at / MODEL_VALUES, value = at % MODEL_VALUES;
        if (!product->has[name][value])
            continue;
        const u32 times = fuzz_below(fuzz, 10) == 0 ? 2 : 1;
        for (u32 k = 0; k < times; k++)
            bytes +=
                (u32)sprintf(to + bytes, "%s=%s\n", model_names[name], model_values[name][value]);
    }
    if (fuzz_below(fuzz, 10) == 0)
        bytes += (u32)sprintf(to + bytes, "no line\n=nameless\nempty=\n");
    return bytes;
}

/* ---- a shard's columns ----------------------------------------------------------------------------- */

struct model_shelf {
    struct store_memory memory;
    struct arena arena;
    struct columns columns;
    struct bump bump;
    struct model_product *products; /* by document */
    u32 doc_end;
    u32 capacity;
};

static inline void shelf_open(struct model_shelf *shelf)
{
    memset(shelf, 0, sizeof *shelf);
    store_memory_init(&shelf->memory);
    arena_init(&shelf->arena, &shelf->memory);
    columns_init(&shelf->columns, &shelf->memory, &shelf->arena);
    bump_init(&shelf->bump, &shelf->memory);
    shelf->doc_end = 1;
}

static inline void shelf_close(struct model_shelf *shelf)
{
    assert_true(columns_valid(&shelf->columns));
    columns_deinit(&shelf->columns);
    assert_int_equal(shelf->arena.live_count, 0);
    bump_deinit(&shelf->bump);
    arena_deinit(&shelf->arena);
    assert_int_equal(shelf->memory.used_bytes, 0);
    free(shelf->products);
}

static inline u32 shelf_add(struct model_shelf *shelf, struct fuzz *fuzz,
                            const struct model_product *product)
{
    char lines[8192];
    const u32 doc = shelf->doc_end++;
    if (doc >= shelf->capacity) {
        shelf->capacity = 2 * doc + 1024;
        shelf->products = realloc(shelf->products, shelf->capacity * sizeof *product);
    }
    shelf->products[doc] = *product;
    const struct column_texts texts = {
        .brand = model_span(model_brands[product->brand]),
        .category = model_span(model_categories[product->category]),
        .attributes = {(const u8 *)lines, model_lines(fuzz, product, lines)}};
    columns_put(&shelf->columns, doc, &product->facts);
    columns_set_texts(&shelf->columns, doc, &texts);
    return doc;
}

/* A new document, a document with other numbers, or the death of one. */
static inline void shelf_step(struct model_shelf *shelf, struct fuzz *fuzz, u64 number)
{
    const u32 doc = 1 + fuzz_below(fuzz, shelf->doc_end);
    if (fuzz_below(fuzz, 4) != 0 || doc == shelf->doc_end) {
        const struct model_product product = model_product(fuzz, number);
        (void)shelf_add(shelf, fuzz, &product);
    } else if (!shelf->products[doc].is_dead && fuzz_below(fuzz, 2) == 0) {
        const u64 product_id = shelf->products[doc].facts.product_id;
        model_facts(fuzz, &shelf->products[doc].facts, number);
        shelf->products[doc].facts.product_id = product_id;
        columns_put(&shelf->columns, doc, &shelf->products[doc].facts);
    } else if (!shelf->products[doc].is_dead) {
        shelf->products[doc].is_dead = true;
        columns_kill(&shelf->columns, doc);
    }
}

static inline void shelf_alive(const struct model_shelf *shelf, u32 window,
                               struct window_bits *bits)
{
    memset(bits, 0, sizeof *bits);
    for (u32 at = window == 0 ? 1 : 0; at < WINDOW_DOCS; at++) {
        const u32 doc = window * WINDOW_DOCS + at;
        if (doc < shelf->doc_end && !shelf->products[doc].is_dead)
            window_set(bits, at);
    }
}

/* ---- filters --------------------------------------------------------------------------------------- */

enum model_kind { MODEL_AND, MODEL_OR, MODEL_NOT, MODEL_TERM };

struct model_value {
    const char *text; /* NULL: a range or a number */
    i64 from;
    i64 until;
};

struct model_node {
    u8 kind;
    u8 child_count;
    u16 children[4];
    u8 field; /* enum filter_field */
    u8 name;  /* enum model_name of an attribute */
    u8 value_count;
    struct model_value values[4];
};

struct model_filter {
    struct model_node nodes[400];
    u32 count;
    char text[FILTER_BYTES_MAX + 1];
    u32 bytes;
};

static inline bool model_visible(const struct column_facts *facts)
{
    return (facts->marks & PRODUCT_MARK_DRAFT) == 0 && facts->visible_from_ns <= MODEL_NOW_NS &&
           (facts->visible_until_ns == 0 || facts->visible_until_ns > MODEL_NOW_NS);
}

static inline bool model_buyable(const struct column_facts *facts)
{
    return model_visible(facts) && facts->state != STOCK_STATE_NONE &&
           facts->buyable_from_ns <= MODEL_NOW_NS &&
           (facts->buyable_until_ns == 0 || facts->buyable_until_ns > MODEL_NOW_NS);
}

static inline i64 model_discount(const struct column_facts *facts)
{
    if (facts->price_before <= facts->price)
        return 0;
    return (facts->price_before - facts->price) * 10000 / facts->price_before;
}

/* The parent of a category by its code; declared ones are told by the test. */
struct model_tree {
    const char *child[8];
    const char *parent[8];
    u32 count;
};

static inline bool model_above(const struct model_tree *tree, const char *code, char *above)
{
    for (u32 i = 0; tree != NULL && i < tree->count; i++) {
        if (strcmp(tree->child[i], code) == 0) {
            (void)strcpy(above, tree->parent[i]);
            return above[0] != '\0';
        }
    }
    const char *slash = strrchr(code, '/');
    if (slash == NULL)
        return false;
    const size_t bytes = (size_t)(slash - code);
    memmove(above, code, bytes);
    above[bytes] = '\0';
    return true;
}

static inline bool model_below(const struct model_tree *tree, const char *code, const char *top)
{
    char at[CATEGORY_BYTES_MAX + 1], above[CATEGORY_BYTES_MAX + 1];
    (void)strcpy(at, code);
    for (;;) {
        if (strcmp(at, top) == 0)
            return at[0] != '\0';
        if (!model_above(tree, at, above))
            return false;
        (void)strcpy(at, above);
    }
}

static inline bool model_number_fits(const struct model_value *value, i64 thousandths)
{
    return thousandths >= value->from && thousandths <= value->until;
}

static inline bool model_attribute_fits(const struct model_node *node,
                                        const struct model_value *value, u32 at)
{
    const u8 type = model_types[node->name];
    if (type == ATTRIBUTE_TYPE_NUMBER)
        return model_numbers[node->name][at] != NONE &&
               model_number_fits(value, model_numbers[node->name][at]);
    if (type == ATTRIBUTE_TYPE_BOOL)
        return model_truths[at] == (strcmp(value->text, "true") == 0 ? 1 : 2);
    return strcmp(value->text, model_values[node->name][at]) == 0;
}

static inline bool model_value_fits(const struct model_tree *tree, const struct model_node *node,
                                    const struct model_value *value,
                                    const struct model_product *product)
{
    const struct column_facts *facts = &product->facts;
    switch ((enum filter_field)node->field) {
    case FILTER_FIELD_ATTRIBUTE:
        for (u32 at = 0; at < MODEL_VALUES; at++) {
            if (product->has[node->name][at] && model_attribute_fits(node, value, at))
                return true;
        }
        return false;
    case FILTER_FIELD_CATEGORY:
        return model_below(tree, model_categories[product->category], value->text);
    case FILTER_FIELD_BRAND:
        return product->brand != 0 && strcmp(model_brands[product->brand], value->text) == 0;
    case FILTER_FIELD_PRICE:
        return facts->currency != 0 && model_number_fits(value, facts->price * 1000);
    case FILTER_FIELD_RATING:
        return facts->rating_count != 0 &&
               model_number_fits(value, (i64)(facts->rating_sum * 100 / facts->rating_count) * 10);
    case FILTER_FIELD_POPULARITY: return model_number_fits(value, (i64)facts->popularity * 1000);
    case FILTER_FIELD_DISCOUNT: return model_number_fits(value, model_discount(facts) * 10);
    case FILTER_FIELD_IN_STOCK:
        return (facts->state != STOCK_STATE_NONE) == (strcmp(value->text, "true") == 0);
    case FILTER_FIELD_BUYABLE: return model_buyable(facts) == (strcmp(value->text, "true") == 0);
    case FILTER_FIELD_CODE: return facts->product_id == model_id(value->text);
    case FILTER_FIELD_COUNT: break;
    }
    return false;
}

static inline bool model_true(const struct model_tree *tree, const struct model_filter *filter,
                              u32 at, const struct model_product *product)
{
    const struct model_node *node = &filter->nodes[at];
    bool any = false, all = true;
    for (u32 i = 0; i < node->child_count; i++) {
        const bool is_true = model_true(tree, filter, node->children[i], product);
        any |= is_true;
        all &= is_true;
    }
    switch ((enum model_kind)node->kind) {
    case MODEL_AND: return all;
    case MODEL_OR: return any;
    case MODEL_NOT: return !any;
    case MODEL_TERM: break;
    }
    for (u32 i = 0; i < node->value_count; i++)
        any |= model_value_fits(tree, node, &node->values[i], product);
    return any;
}

/* ---- random filters -------------------------------------------------------------------------------- */

PRINTF(2, 3) static inline void model_print(struct model_filter *filter, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vsnprintf(filter->text + filter->bytes, sizeof filter->text - filter->bytes,
                                format, arguments);
    va_end(arguments);
    filter->bytes += (u32)bytes;
    assert_true(filter->bytes < sizeof filter->text);
}

static inline void model_print_text(struct fuzz *fuzz, struct model_filter *filter,
                                    const char *text)
{
    bool is_plain = text[0] != '\0' && strstr(text, "..") == NULL;
    for (const char *c = text; *c != '\0'; c++)
        is_plain &= strchr(" |\"=':", *c) == NULL;
    if (is_plain && fuzz_below(fuzz, 3) != 0) {
        model_print(filter, "%s", text);
        return;
    }
    model_print(filter, "\"");
    for (const char *c = text; *c != '\0'; c++)
        model_print(filter, *c == '"' ? "\"\"" : "%c", *c);
    model_print(filter, "\"");
}

static inline void model_print_number(struct fuzz *fuzz, struct model_filter *filter, i64 number)
{
    const i64 size = number < 0 ? -number : number;
    const char *sign = number < 0 ? "-" : "";
    if (size % 1000 == 0 && fuzz_below(fuzz, 2) == 0)
        model_print(filter, "%s%lld", sign, (long long)size / 1000);
    else
        model_print(filter, "%s%lld.%03lld", sign, (long long)size / 1000, (long long)size % 1000);
}

static inline i64 model_random_number(struct fuzz *fuzz, const struct model_node *node)
{
    switch ((enum filter_field)node->field) {
    case FILTER_FIELD_PRICE: return (i64)fuzz_below(fuzz, 7000) * 1000;
    case FILTER_FIELD_RATING: return (i64)fuzz_below(fuzz, 5500);
    case FILTER_FIELD_POPULARITY: return (i64)fuzz_below(fuzz, 130) * 1000;
    case FILTER_FIELD_DISCOUNT: return (i64)fuzz_below(fuzz, 100100);
    case FILTER_FIELD_ATTRIBUTE:
    case FILTER_FIELD_CATEGORY:
    case FILTER_FIELD_BRAND:
    case FILTER_FIELD_IN_STOCK:
    case FILTER_FIELD_BUYABLE:
    case FILTER_FIELD_CODE:
    case FILTER_FIELD_COUNT: break;
    }
    const i64 known = model_numbers[node->name][fuzz_below(fuzz, MODEL_VALUES)];
    return known == NONE || fuzz_below(fuzz, 3) == 0 ? (i64)fuzz_below(fuzz, 50000) - 5000 : known;
}

static inline void model_number_value(struct fuzz *fuzz, struct model_filter *filter,
                                      struct model_node *node, struct model_value *value)
{
    const i64 a = model_random_number(fuzz, node), b = model_random_number(fuzz, node);
    const u32 form = fuzz_below(fuzz, 4);
    value->from = form == 1 ? INT64_MIN : form == 3 ? a : MIN(a, b);
    value->until = form == 2 ? INT64_MAX : form == 3 ? a : MAX(a, b);
    if (form != 1)
        model_print_number(fuzz, filter, value->from);
    if (form != 3)
        model_print(filter, "..");
    if (form != 2 && form != 3)
        model_print_number(fuzz, filter, value->until);
}

static inline const char *model_text_value(struct fuzz *fuzz, const struct model_node *node)
{
    if (node->field == FILTER_FIELD_IN_STOCK || node->field == FILTER_FIELD_BUYABLE ||
        (node->field == FILTER_FIELD_ATTRIBUTE && model_types[node->name] == ATTRIBUTE_TYPE_BOOL))
        return fuzz_below(fuzz, 2) == 0 ? "true" : "false";
    if (fuzz_below(fuzz, 12) == 0)
        return "nobody-has-this";
    if (node->field == FILTER_FIELD_CATEGORY)
        return fuzz_below(fuzz, 5) == 0 ? "a/b" : model_categories[1 + fuzz_below(fuzz, 12)];
    if (node->field == FILTER_FIELD_BRAND)
        return model_brands[1 + fuzz_below(fuzz, ARRAY_COUNT(model_brands) - 1)];
    if (node->field == FILTER_FIELD_CODE)
        return fuzz_below(fuzz, 2) == 0 ? "p7" : "p77";
    return model_values[node->name][fuzz_below(fuzz, MODEL_VALUES)];
}

static inline u32 model_term(struct fuzz *fuzz, struct model_filter *filter)
{
    static const char *const names[] = {"",           "category", "brand",    "price",   "rating",
                                        "popularity", "discount", "in_stock", "buyable", "code"};
    const u32 at = filter->count++;
    struct model_node *node = &filter->nodes[at];
    *node = (struct model_node){.kind = MODEL_TERM};
    node->field = (u8)(fuzz_below(fuzz, 2) == 0 ? 0 : fuzz_below(fuzz, FILTER_FIELD_COUNT));
    node->name = (u8)fuzz_below(fuzz, NAMES);
    const bool is_attribute = node->field == FILTER_FIELD_ATTRIBUTE;
    const u8 type = is_attribute ? model_types[node->name] : 0;
    if (is_attribute) {
        char name[32];
        const bool has_prefix = node->name == NAME_PRICE || fuzz_below(fuzz, 4) == 0;
        (void)snprintf(name, sizeof name, "%s%s", has_prefix ? "attr." : "",
                       model_names[node->name]);
        model_print_text(fuzz, filter, name);
    } else {
        model_print(filter, "%s", names[node->field]);
    }
    node->value_count = (u8)(fuzz_below(fuzz, 3) == 0 ? 1 + fuzz_below(fuzz, 4) : 1);
    const bool is_truth = type == ATTRIBUTE_TYPE_BOOL || node->field == FILTER_FIELD_IN_STOCK ||
                          node->field == FILTER_FIELD_BUYABLE;
    if (is_truth && fuzz_below(fuzz, 2) == 0) {
        node->value_count = 1;
        node->values[0].text = "true";
        return at;
    }
    const bool is_number = type == ATTRIBUTE_TYPE_NUMBER || (node->field >= FILTER_FIELD_PRICE &&
                                                             node->field <= FILTER_FIELD_DISCOUNT);
    for (u32 i = 0; i < node->value_count; i++) {
        model_print(filter, i == 0 ? ":" : "|");
        if (is_number) {
            model_number_value(fuzz, filter, node, &node->values[i]);
            continue;
        }
        node->values[i].text = model_text_value(fuzz, node);
        model_print_text(fuzz, filter, node->values[i].text);
    }
    return at;
}

/* Recursion ends: depth. */
static inline u32 model_expression(struct fuzz *fuzz, struct model_filter *filter, u32 depth)
{
    const u32 form = depth == 0 || filter->count > 40 ? 3 : fuzz_below(fuzz, 4);
    if (form == MODEL_TERM)
        return model_term(fuzz, filter);
    const u32 at = filter->count++;
    struct model_node *node = &filter->nodes[at];
    *node = (struct model_node){.kind = (u8)form};
    node->child_count = (u8)(form == MODEL_NOT ? 1 : 2 + fuzz_below(fuzz, 3));
    for (u32 i = 0; i < node->child_count; i++) {
        if (form == MODEL_NOT)
            model_print(filter, "NOT ");
        else if (i != 0)
            model_print(filter, "%s",
                        form == MODEL_OR           ? " OR "
                        : fuzz_below(fuzz, 2) == 0 ? " AND "
                                                   : "\t ");
        /* OR in AND needs brackets, and so does AND or OR after NOT; others have them at random. */
        const bool has_brackets = fuzz_below(fuzz, 2) == 0;
        const u32 begin = filter->bytes;
        model_print(filter, "(");
        node->children[i] = (u16)model_expression(fuzz, filter, depth - 1);
        const u8 kind = filter->nodes[node->children[i]].kind;
        const bool needs =
            (form == MODEL_NOT && kind <= MODEL_OR) || (form == MODEL_AND && kind == MODEL_OR);
        if (needs || has_brackets)
            model_print(filter, ")");
        else
            filter->text[begin] = ' ';
    }
    return at;
}

/* Root is node 0. */
static inline void model_filter(struct fuzz *fuzz, struct model_filter *filter)
{
    do {
        filter->count = filter->bytes = 0;
        (void)model_expression(fuzz, filter, fuzz_below(fuzz, 5));
    } while (filter->bytes > FILTER_BYTES_MAX);
}

static inline struct filter *model_parse(struct model_filter *filter, struct bump *bump)
{
    struct filter_problem problem;
    struct filter_known known[NAMES + 1] = {0};
    const struct span text = {(const u8 *)filter->text, filter->bytes};
    struct filter *parsed = filter_parse(text, bump, &problem);
    if (parsed == NULL)
        fail_msg("%.*s\nat %u: %.*s", (int)text.bytes, filter->text, problem.at,
                 (int)problem.text_bytes, problem.text);
    for (u32 i = 0; i < parsed->name_count; i++) {
        const struct span name = filter_name(parsed, i);
        for (u32 at = 0; at < NAMES; at++) {
            if (name.bytes == strlen(model_names[at]) &&
                memcmp(name.data, model_names[at], name.bytes) == 0)
                known[i] =
                    (struct filter_known){.knowledge = FILTER_KNOWN, .type = model_types[at]};
        }
    }
    assert_true(filter_judge(parsed, known, &problem));
    return parsed;
}

#endif
