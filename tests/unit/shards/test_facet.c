/* test_facet: counts of values, of categories with those above, and of numbers, over several shards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/facet_cell.h"
#include "tests/unit/shards/column_model.h"

#define SHELVES 3u

static struct model_shelf shelves[SHELVES];

static int open_shelves(void **state)
{
    (void)state;
    for (u32 i = 0; i < SHELVES; i++)
        shelf_open(&shelves[i]);
    return 0;
}

static int close_shelves(void **state)
{
    (void)state;
    for (u32 i = 0; i < SHELVES; i++)
        shelf_close(&shelves[i]);
    return 0;
}

/* ---- cells ------------------------------------------------------------------------------------- */

static void every_number_lies_in_its_cell_and_in_its_bar(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    for (u32 i = 0; i < 300000; i++) {
        const u64 bits = fuzz_next(&fuzz) >> fuzz_below(&fuzz, 64);
        const i64 number = i < 4 ? (i64[]){INT64_MIN, INT64_MAX, 0, -1}[i] : (i64)bits;
        const i32 cell = facet_cell(number);
        assert_true(facet_cell_border(cell) <= number);
        if (cell + 1 < FACET_CELLS && facet_cell_border(cell + 1) != INT64_MAX)
            assert_true(facet_cell_border(cell + 1) > number);
        for (u32 level = 0; level < FACET_LEVELS; level++) {
            const i32 bar = facet_cell_bar(cell, level), next = facet_cell_next(cell, level);
            assert_true(bar <= cell && next > cell);
            assert_int_equal(facet_cell_bar(bar, level), bar);
            if (next != INT32_MAX) {
                assert_int_equal(facet_cell_bar(next, level), next);
                assert_int_equal(facet_cell_next(next - 1, level), next);
            }
            /* Coarser bars are made of whole finer ones. */
            if (level != 0)
                assert_int_equal(facet_cell_bar(bar, level - 1), bar);
        }
    }
}

static i64 border_after(i64 number, u32 level)
{
    return facet_cell_border(facet_cell_next(facet_cell(number), level));
}

static void borders_are_round(void **state)
{
    (void)state;
    assert_int_equal(border_after(7, 0), 8);
    assert_int_equal(border_after(99, 0), 100);
    assert_int_equal(border_after(1234, 0), 1300);
    assert_int_equal(border_after(1234, 1), 1500);
    assert_int_equal(border_after(1234, 2), 2000);
    assert_int_equal(border_after(2345, 3), 5000);
    assert_int_equal(border_after(5000, 3), 10000);
    assert_int_equal(border_after(1234, 4), 10000);
    assert_int_equal(border_after(3, 1), 5);
    assert_int_equal(border_after(3, 2), 10);
    assert_int_equal(border_after(12, 1), 15);
    assert_int_equal(border_after(-1234, 0), -1200);
    assert_int_equal(border_after(-1234, 4), -1000);
    assert_int_equal(border_after(-5, 5), 0);
    assert_int_equal(facet_cell_next(facet_cell(5), 5), INT32_MAX);
    assert_int_equal(facet_cell_next(facet_cell(-5), 6), INT32_MAX);
    assert_int_equal(facet_cell_border(facet_cell_bar(facet_cell(-1234), 3)), -2000);
    /* 100 to 999: 90 cells, 18 of five, 9, 3, 1. */
    static const u32 levels[][2] = {{90, 0}, {89, 1}, {18, 1}, {17, 2}, {9, 2},
                                    {8, 3},  {3, 3},  {2, 4},  {1, 4}};
    for (u32 i = 0; i < ARRAY_COUNT(levels); i++)
        assert_int_equal(facet_cell_level(facet_cell(100), facet_cell(999), levels[i][0]),
                         levels[i][1]);
    assert_int_equal(facet_cell_level(-FACET_CELLS, FACET_CELLS - 1, 2), 5);
    assert_int_equal(facet_cell_level(-FACET_CELLS, FACET_CELLS - 1, 1), 6);
}

/* ---- reading ------------------------------------------------------------------------------------- */

static void refused(const char *text, u32 at, const char *reason)
{
    struct filter_problem problem;
    const struct facets *facets = facet_parse(model_span(text), 0, &shelves[0].bump, &problem);
    problem.text[MIN(problem.text_bytes, FILTER_PROBLEM_MAX - 1)] = '\0';
    if (facets != NULL || problem.at != at || strstr((char *)problem.text, reason) == NULL)
        fail_msg("%s: at %u: %s", text, problem.at, problem.text);
}

static void what_is_wrong_is_refused_with_its_place_and_reason(void **state)
{
    (void)state;
    refused("brand,", 6, "a name has to stand here");
    refused(",brand", 0, "a name has to stand here");
    refused("brand,,color", 6, "a name has to stand here");
    refused("brand:0", 6, "1 to 1,000 values");
    refused("brand:1001", 6, "1 to 1,000 values");
    refused("brand:99999999999", 6, "1 to 1,000 values");
    refused("brand:", 6, "1 to 1,000 values");
    refused("brand:5x", 7, "a comma has to stand here");
    refused("color,brand,color:5", 12, "color comes twice");
    refused("color, attr.color", 7, "attr.color comes twice");
    refused("code", 0, "code has no facet");
    refused("\"odd name", 0, "this quote is not closed");
    refused("a,\"\"", 2, "nothing stands in the quotes");
    refused("a\"b\"", 1, "a comma has to stand here");
    refused("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", 32, "more than 16 facets");
    refused("a:1000,b:1000,c:1000,d:1000,e:1000,f:1000,g:1000,h:1000,i:1000", 56,
            "more than 8,192 values");
    char text[FACETS_BYTES_MAX + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refused(text, FACETS_BYTES_MAX, "longer than");
    struct filter_problem problem;
    const struct filter_known known[3] = {{0, 0}, {1, 0}, {1, ATTRIBUTE_TYPE_TEXT}};
    struct facets *facets =
        facet_parse(model_span("brand , \"a \"\"b\":7,material"), 5, &shelves[0].bump, &problem);
    assert_non_null(facets);
    assert_int_equal(facets->count, 3);
    assert_int_equal(facets->items[1].wanted, 7);
    assert_memory_equal(facet_name(facets, 1).data, "a \"b", 4);
    assert_int_equal(facet_name(facets, 1).bytes, 4);
    assert_false(facet_judge(facets, known, &problem));
    assert_int_equal(problem.at, 18);
    const struct filter_known unknown[3] = {{0, 0}, {0, 0}, {1, 0}};
    assert_false(facet_judge(facets, unknown, &problem));
    assert_int_equal(problem.at, 8);
    assert_int_equal(facet_parse(model_span(""), 5, &shelves[0].bump, &problem)->count, 0);
}

/* ---- the slow way -------------------------------------------------------------------------------- */

/* What stands at the top level under AND. */
struct parts {
    u32 nodes[400];
    bool is_not[400];
    u32 count;
};

static void find_parts(const struct model_filter *filter, u32 at, bool is_not, struct parts *parts)
{
    const struct model_node *node = &filter->nodes[at];
    const bool is_and = node->kind == MODEL_NOT || node->kind == (is_not ? MODEL_OR : MODEL_AND);
    if (node->kind == MODEL_TERM || !is_and) {
        parts->nodes[parts->count] = at;
        parts->is_not[parts->count++] = is_not;
        return;
    }
    for (u32 i = 0; i < node->child_count; i++)
        find_parts(filter, node->children[i], is_not != (node->kind == MODEL_NOT), parts);
}

static bool is_only_of(const struct model_filter *filter, u32 at, u32 field, u32 name)
{
    const struct model_node *node = &filter->nodes[at];
    if (node->kind == MODEL_TERM)
        return node->field == field && (field != FILTER_FIELD_ATTRIBUTE || node->name == name);
    for (u32 i = 0; i < node->child_count; i++) {
        if (!is_only_of(filter, node->children[i], field, name))
            return false;
    }
    return true;
}

struct slow_row {
    u64 value_id;
    char text[64];
    char parent[64];
    u32 count;
};

struct slow_facet {
    struct slow_row rows[64];
    u32 row_count;
    i64 least;
    i64 greatest;
    u32 total;
    u32 cells[2 * FACET_CELLS];
};

static void slow_value(struct slow_facet *slow, const char *text, const char *parent)
{
    u32 at = 0;
    while (at < slow->row_count && strcmp(slow->rows[at].text, text) != 0)
        at++;
    if (at == slow->row_count) {
        slow->row_count++;
        slow->rows[at] = (struct slow_row){.value_id = model_id(text)};
        (void)strcpy(slow->rows[at].text, text);
        (void)strcpy(slow->rows[at].parent, parent);
    }
    slow->rows[at].count++;
}

static void slow_number(struct slow_facet *slow, i64 number)
{
    slow->least = slow->total == 0 ? number : MIN(slow->least, number);
    slow->greatest = slow->total == 0 ? number : MAX(slow->greatest, number);
    slow->total++;
    slow->cells[facet_cell(number) + FACET_CELLS]++;
}

static void slow_category(struct slow_facet *slow, const struct model_tree *tree, u32 category)
{
    char at[CATEGORY_BYTES_MAX + 1], above[CATEGORY_BYTES_MAX + 1] = "";
    (void)strcpy(at, model_categories[category]);
    while (at[0] != '\0') {
        const bool has_parent = model_above(tree, at, above);
        slow_value(slow, at, has_parent ? above : "");
        (void)strcpy(at, has_parent ? above : "");
    }
}

static void slow_count(struct slow_facet *slow, const struct model_tree *tree, u32 field, u32 name,
                       const struct model_product *product)
{
    const struct column_facts *facts = &product->facts;
    switch ((enum filter_field)field) {
    case FILTER_FIELD_ATTRIBUTE:
        for (u32 at = 0; at < MODEL_VALUES; at++) {
            if (!product->has[name][at])
                continue;
            if (model_types[name] == ATTRIBUTE_TYPE_NUMBER) {
                if (model_numbers[name][at] != NONE)
                    slow_number(slow, model_numbers[name][at]);
            } else if (model_types[name] == ATTRIBUTE_TYPE_BOOL) {
                if (model_truths[at] != 0)
                    slow_value(slow, model_truths[at] == 1 ? "true" : "false", "");
            } else {
                slow_value(slow, model_values[name][at], "");
            }
        }
        break;
    case FILTER_FIELD_CATEGORY: slow_category(slow, tree, product->category); break;
    case FILTER_FIELD_BRAND:
        if (product->brand != 0)
            slow_value(slow, model_brands[product->brand], "");
        break;
    case FILTER_FIELD_PRICE:
        if (facts->currency != 0)
            slow_number(slow, facts->price);
        break;
    case FILTER_FIELD_RATING:
        if (facts->rating_count != 0)
            slow_number(slow, (i64)(facts->rating_sum * 100 / facts->rating_count));
        break;
    case FILTER_FIELD_POPULARITY: slow_number(slow, facts->popularity); break;
    case FILTER_FIELD_DISCOUNT: slow_number(slow, model_discount(facts)); break;
    case FILTER_FIELD_IN_STOCK:
        slow_value(slow, facts->state != STOCK_STATE_NONE ? "true" : "false", "");
        break;
    case FILTER_FIELD_BUYABLE: slow_value(slow, model_buyable(facts) ? "true" : "false", ""); break;
    case FILTER_FIELD_CODE:
    case FILTER_FIELD_COUNT: break;
    }
}

static void slow_facet(const struct model_filter *filter, const struct parts *parts,
                       const struct model_tree *tree, u32 field, u32 name, struct slow_facet *slow)
{
    memset(slow, 0, sizeof *slow);
    for (u32 i = 0; i < SHELVES; i++) {
        for (u32 doc = 1; doc < shelves[i].doc_end; doc++) {
            const struct model_product *product = &shelves[i].products[doc];
            bool is_match = !product->is_dead;
            for (u32 part = 0; part < parts->count && is_match; part++) {
                if (!is_only_of(filter, parts->nodes[part], field, name))
                    is_match = model_true(tree, filter, parts->nodes[part], product) !=
                               parts->is_not[part];
            }
            if (is_match)
                slow_count(slow, tree, field, name, product);
        }
    }
}

/* ---- both ------------------------------------------------------------------------------------------ */

struct wanted_facet {
    u32 field;
    u32 name;
    u32 wanted;
};

struct wanted {
    struct wanted_facet facets[FACETS_MAX];
    u32 count;
    u16 bars;
    char text[FACETS_BYTES_MAX];
};

static void random_facets(struct fuzz *fuzz, struct wanted *wanted)
{
    static const char *const names[] = {"",           "category", "brand",    "price",  "rating",
                                        "popularity", "discount", "in_stock", "buyable"};
    u32 bytes = 0;
    wanted->count = 0;
    wanted->bars = (u16)(fuzz_below(fuzz, 4) == 0 ? 0 : fuzz_below(fuzz, FACET_BARS_MAX + 1));
    wanted->text[0] = '\0';
    const u32 first = fuzz_below(fuzz, FILTER_FIELD_CODE + NAMES);
    const u32 count = 1 + fuzz_below(fuzz, 6);
    for (u32 i = 0; i < count; i++) {
        const u32 at = (first + i * 7) % (FILTER_FIELD_CODE - 1 + NAMES);
        const bool is_attribute = at >= FILTER_FIELD_CODE - 1;
        const u32 field = is_attribute ? 0 : at + 1;
        const u32 name = is_attribute ? at - (FILTER_FIELD_CODE - 1) : 0;
        if (is_attribute && name == NAME_TEXT)
            continue;
        const u32 most = 1 + fuzz_below(fuzz, 20);
        wanted->facets[wanted->count] = (struct wanted_facet){field, name, most};
        const char *prefix = is_attribute && name == NAME_PRICE ? "attr." : "";
        bytes += (u32)sprintf(wanted->text + bytes, "%s%s%s:%u", wanted->count == 0 ? "" : ",",
                              prefix, is_attribute ? model_names[name] : names[field], most);
        wanted->count++;
    }
}

static int compare_rows(const void *left, const void *right)
{
    const struct slow_row *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->value_id < b->value_id ? -1 : a->value_id > b->value_id;
}

static void check_values(const struct wanted *wanted, const struct facets *facets, u32 facet,
                         struct slow_facet *slow, const struct facet_merged *merged, u32 *at)
{
    qsort(slow->rows, slow->row_count, sizeof slow->rows[0], compare_rows);
    for (u32 i = 0; i < MIN(slow->row_count, wanted->facets[facet].wanted); i++, ++*at) {
        assert_true(*at < merged->value_count);
        const struct facet_found *found = &merged->values[*at];
        assert_int_equal(found->facet, facet);
        assert_int_equal(found->count, slow->rows[i].count);
        assert_true(found->value_id == slow->rows[i].value_id);
        struct span text = {0};
        u64 parent_id = 0;
        bool is_known = false;
        for (u32 shelf = 0; shelf < SHELVES && !is_known; shelf++)
            is_known = facet_label(&shelves[shelf].columns, facets, facet, found->value_id, &text,
                                   &parent_id);
        assert_true(is_known);
        assert_int_equal(text.bytes, strlen(slow->rows[i].text));
        assert_memory_equal(text.data, slow->rows[i].text, text.bytes);
        const char *parent = slow->rows[i].parent;
        assert_true(parent_id == (parent[0] == '\0' ? 0 : model_id(parent)));
    }
}

static void check_numbers(const struct wanted *wanted, u32 facet, const struct slow_facet *slow,
                          const struct facet_merged *merged, u32 *at)
{
    if (slow->total == 0)
        return;
    const struct row_facet_range *whole = &merged->ranges[(*at)++];
    assert_true(whole->facet == facet && whole->is_bar == 0);
    assert_true(whole->from == slow->least && whole->until == slow->greatest);
    assert_int_equal(whole->count, slow->total);
    u32 bars = 0, counted = 0;
    i64 from = slow->least;
    while (*at < merged->range_count && merged->ranges[*at].facet == facet) {
        const struct row_facet_range *bar = &merged->ranges[(*at)++];
        u32 expected = 0;
        const bool is_last = bar->until == slow->greatest && counted + bar->count == slow->total;
        assert_true(bar->is_bar == 1 && bar->from == from);
        const i32 end = is_last ? FACET_CELLS : facet_cell(bar->until);
        for (i32 cell = facet_cell(bar->from); cell < end; cell++)
            expected += slow->cells[cell + FACET_CELLS];
        assert_int_equal(bar->count, expected);
        from = bar->until;
        counted += bar->count;
        bars++;
    }
    assert_true(bars <= wanted->bars);
    assert_int_equal(counted, wanted->bars == 0 ? 0 : slow->total);
    assert_true(IMPLIES(wanted->bars != 0, from == slow->greatest));
}

/* One shard's findings; `work` is how long a slice may be. */
static u8 *find(struct model_shelf *shelf, const struct filter *filter, const struct facets *facets,
                u32 work)
{
    static struct window_bits of_facets[FACETS_MAX];
    columns_question_begin(&shelf->columns);
    struct filter_run *run =
        filter_compile(filter, facets, &shelf->columns, MODEL_NOW_NS, &shelf->bump);
    struct facet_run *counts = facet_begin(facets, &shelf->columns, MODEL_NOW_NS, &shelf->bump);
    assert_true(run != NULL && counts != NULL);
    for (u32 window = 0; window * WINDOW_DOCS < shelf->doc_end; window++) {
        struct window_bits candidates, matches;
        shelf_alive(shelf, window, &candidates);
        filter_window(run, window, &candidates, &matches, of_facets);
        assert_true(facet_window(counts, window, of_facets));
    }
    u32 slices = 0;
    while (!facet_finish(counts, work))
        assert_true(++slices < 1000000);
    u8 *findings = bump_acquire(&shelf->bump, facet_bytes(counts));
    while (!facet_write(counts, findings, work == 100 ? 7 : 10000)) {}
    columns_question_end(&shelf->columns);
    return findings;
}

/* In pieces of so much work; findings lie anywhere. */
static void merge_all(const struct facets *facets, const u8 **findings, u32 most,
                      struct facet_merged *merged)
{
    struct bump *bump = &shelves[0].bump;
    const u8 *moved[SHELVES];
    for (u32 i = 0; i < SHELVES; i++) {
        struct facet_findings head;
        memcpy(&head, findings[i], sizeof head);
        u8 *copy = bump_acquire(bump, head.bytes + 3);
        memcpy(copy + 3, findings[i], head.bytes);
        moved[i] = copy + 3;
    }
    struct facet_merge *merge = facet_merge_begin(facets, moved, SHELVES, bump);
    assert_non_null(merge);
    u32 work = 0, pieces = 1;
    for (; !facet_merge_step(merge, &work, most, merged); pieces++) {
        assert_true(pieces < 1000000 && work >= most && work < most + 40000);
        work = 0;
    }
}

static void check_facets(struct fuzz *fuzz, struct model_filter *text,
                         const struct model_tree *tree)
{
    static struct wanted wanted;
    static struct parts parts;
    static struct slow_facet slow;
    struct filter_problem problem;
    struct filter_known known[FACETS_MAX] = {0};
    struct bump *bump = &shelves[0].bump;
    const u8 *findings[SHELVES];
    random_facets(fuzz, &wanted);
    parts.count = 0;
    find_parts(text, 0, false, &parts);
    struct filter *filter = model_parse(text, bump);
    struct facets *facets = facet_parse(model_span(wanted.text), wanted.bars, bump, &problem);
    assert_non_null(facets);
    assert_int_equal(facets->count, wanted.count);
    for (u32 i = 0; i < wanted.count; i++)
        known[i] = (struct filter_known){1, model_types[wanted.facets[i].name]};
    assert_true(facet_judge(facets, known, &problem));
    for (u32 i = 0; i < SHELVES; i++)
        findings[i] = find(&shelves[i], filter, facets, fuzz_below(fuzz, 2) == 0 ? 100 : 100000);
    struct facet_merged merged;
    merge_all(facets, findings, fuzz_below(fuzz, 2) == 0 ? 100 : 100000, &merged);
    u32 value = 0, range = 0;
    for (u32 i = 0; i < wanted.count; i++) {
        slow_facet(text, &parts, tree, wanted.facets[i].field, wanted.facets[i].name, &slow);
        check_values(&wanted, facets, i, &slow, &merged, &value);
        check_numbers(&wanted, i, &slow, &merged, &range);
    }
    assert_int_equal(value, merged.value_count);
    assert_int_equal(range, merged.range_count);
    for (u32 i = 0; i < SHELVES; i++)
        bump_reset(&shelves[i].bump);
}

static void random_facets_count_what_the_slow_way_counts(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    static struct model_filter filter;
    struct model_tree tree = {0};
    u64 number = 0;
    for (u32 round = 0; round < 16; round++) {
        const u32 steps = fuzz_below(&fuzz, 2500);
        for (u32 i = 0; i < steps; i++)
            shelf_step(&shelves[fuzz_below(&fuzz, SHELVES)], &fuzz, number++);
        for (u32 i = 0; i < SHELVES && round == 6; i++) {
            column_category_declare(&shelves[i].columns.tree, model_id("home/lighting"),
                                    model_span("home/lighting"), model_id("garden"));
            column_category_declare(&shelves[i].columns.tree, model_id("garden"),
                                    model_span("garden"), 0);
            tree = (struct model_tree){
                .child = {"home/lighting", "garden"}, .parent = {"garden", ""}, .count = 2};
        }
        for (u32 i = 0; i < SHELVES; i++)
            shelves[i].columns.is_fast = round % 2 == 0 && column_bits_is_fast();
        for (u32 i = 0; i < 25; i++) {
            model_filter(&fuzz, &filter);
            check_facets(&fuzz, &filter, &tree);
        }
    }
    print_message("  %u documents\n", shelves[0].doc_end);
}

/* ---- many values ----------------------------------------------------------------------------------- */

static struct facets *facets_of(const char *text, u16 bars, u8 type)
{
    struct filter_problem problem;
    struct filter_known known[FACETS_MAX];
    struct facets *facets = facet_parse(model_span(text), bars, &shelves[0].bump, &problem);
    assert_non_null(facets);
    for (u32 i = 0; i < FACETS_MAX; i++)
        known[i] = (struct filter_known){1, type};
    assert_true(facet_judge(facets, known, &problem));
    return facets;
}

static void add_serial(u32 doc, u32 serial)
{
    char line[32], code[32];
    const struct column_facts facts = {.product_id = doc};
    const struct column_texts texts = {
        .category = {(u8 *)code, (u32)sprintf(code, "k%u", serial)},
        .attributes = {(u8 *)line, (u32)sprintf(line, "serial=%u\n", serial)}};
    columns_put(&shelves[0].columns, doc, &facts);
    columns_set_texts(&shelves[0].columns, doc, &texts);
}

/* The first `count` documents; NULL: too many values. */
static struct facet_findings *count_serials(const struct facets *facets, u32 count)
{
    static struct window_bits of_facets[FACETS_MAX];
    struct facet_run *run =
        facet_begin(facets, &shelves[0].columns, MODEL_NOW_NS, &shelves[0].bump);
    assert_non_null(run);
    for (u32 window = 0; window * WINDOW_DOCS <= count; window++) {
        memset(of_facets, 0, sizeof of_facets);
        for (u32 at = window == 0 ? 1 : 0; at < WINDOW_DOCS; at++) {
            for (u32 facet = 0; facet < facets->count && window * WINDOW_DOCS + at <= count;
                 facet++)
                window_set(&of_facets[facet], at);
        }
        if (!facet_window(run, window, of_facets))
            return NULL;
    }
    while (!facet_finish(run, 50000)) {}
    if (facet_bytes(run) == UINT32_MAX)
        return NULL;
    struct facet_findings *findings = bump_acquire(&shelves[0].bump, facet_bytes(run));
    while (!facet_write(run, (u8 *)findings, 5)) {}
    return findings;
}

static void check_serials(const struct facet_findings *findings, u32 count)
{
    const struct facet_row *rows = (const void *)(findings->items + findings->count);
    assert_int_equal(findings->items[0].row_count, count);
    u64 sum = 0, expected = 0;
    for (u32 i = 0; i < count; i++) {
        char text[16];
        (void)sprintf(text, "%u", i + 1);
        assert_true(i == 0 || rows[i].key > rows[i - 1].key);
        sum += rows[i].key * 31 + rows[i].count;
        expected += model_id(text) * 31 + 1;
    }
    assert_true(sum == expected);
}

static void forty_thousand_values_are_counted_and_more_are_refused(void **state)
{
    (void)state;
    for (u32 doc = 1; doc <= 131000; doc++)
        add_serial(doc, doc);
    const struct facets *facets = facets_of("serial", 0, ATTRIBUTE_TYPE_ENUM);
    check_serials(count_serials(facets, FACET_KEYS_MAX), FACET_KEYS_MAX);
    assert_null(count_serials(facets, FACET_KEYS_MAX + 1));
    assert_null(count_serials(facets, 131000)); /* whose rows would not even fit */
    bump_reset(&shelves[0].bump);
    facets = facets_of("serial", 0, ATTRIBUTE_TYPE_ENUM);
    assert_null(
        count_serials(facets_of("serial,in_stock", 0, ATTRIBUTE_TYPE_ENUM), FACET_KEYS_MAX));
    /* So many that they are counted in a table. */
    for (u32 doc = 131001; doc <= 140000; doc++)
        add_serial(doc, doc);
    check_serials(count_serials(facets, FACET_KEYS_MAX), FACET_KEYS_MAX);
    assert_null(count_serials(facets, FACET_KEYS_MAX + 1));
    assert_null(count_serials(facets_of("category", 0, 0), 140000));
    bump_reset(&shelves[0].bump);
    /* As numbers they are few rows. */
    const struct facet_findings *numbers =
        count_serials(facets_of("serial", 7, ATTRIBUTE_TYPE_NUMBER), 39999);
    assert_non_null(numbers);
    assert_int_equal(numbers->items[0].total, 39999);
    assert_int_equal(numbers->items[0].least, 1000);
    assert_int_equal(numbers->items[0].greatest, 39999000);
}

/* Documents, values and categories that come while a question is open are none of its business. */
static void what_comes_later_is_not_counted(void **state)
{
    (void)state;
    static struct window_bits of_facets[FACETS_MAX];
    struct columns *columns = &shelves[0].columns;
    for (u32 doc = 1; doc <= 100; doc++)
        add_serial(doc, doc % 7);
    const struct facets *facets = facets_of("serial,category", 0, ATTRIBUTE_TYPE_ENUM);
    columns_question_begin(columns);
    struct facet_run *run = facet_begin(facets, columns, MODEL_NOW_NS, &shelves[0].bump);
    for (u32 doc = 1; doc <= 50; doc++)
        columns_kill(columns, doc);
    const struct column_facts facts = {.product_id = 5};
    for (u32 doc = 101; doc <= 3000; doc++) {
        char code[32], line[32];
        const struct column_texts texts = {
            .category = {(u8 *)code, (u32)sprintf(code, "new/%u", doc)},
            .attributes = {(u8 *)line,
                           (u32)sprintf(line, "serial=%u", doc % 3 == 0 ? doc : doc % 7)}};
        columns_put(columns, doc, &facts);
        columns_set_texts(columns, doc, &texts);
    }
    memset(of_facets, 0xff, sizeof of_facets);
    assert_true(facet_window(run, 0, of_facets));
    while (!facet_finish(run, 100)) {}
    struct facet_findings *findings = bump_acquire(&shelves[0].bump, facet_bytes(run));
    while (!facet_write(run, (u8 *)findings, 5)) {}
    assert_int_equal(findings->items[0].row_count, 7);
    assert_int_equal(findings->items[1].row_count, 7);
    u32 sum = 0;
    for (u32 i = 0; i < 7; i++)
        sum += ((const struct facet_row *)(const void *)(findings->items + 2))[i].count;
    assert_int_equal(sum, 100);
    columns_question_end(columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_lies_in_its_cell_and_in_its_bar),
        cmocka_unit_test(borders_are_round),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_refused_with_its_place_and_reason,
                                        open_shelves, close_shelves),
        cmocka_unit_test_setup_teardown(random_facets_count_what_the_slow_way_counts, open_shelves,
                                        close_shelves),
        cmocka_unit_test_setup_teardown(forty_thousand_values_are_counted_and_more_are_refused,
                                        open_shelves, close_shelves),
        cmocka_unit_test_setup_teardown(what_comes_later_is_not_counted, open_shelves,
                                        close_shelves),
    };
    return cmocka_run_group_tests_name("facet", tests, NULL, NULL);
}
