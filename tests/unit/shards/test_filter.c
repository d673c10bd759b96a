/* test_filter: what filters mean, and what is said of those that are wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/column_model.h"

/* ---- reading ----------------------------------------------------------------------------------- */

static struct model_shelf shelf;

static int open_shelf(void **state)
{
    (void)state;
    shelf_open(&shelf);
    return 0;
}

static int close_shelf(void **state)
{
    (void)state;
    shelf_close(&shelf);
    return 0;
}

static struct filter *parse(const char *text, struct filter_problem *problem)
{
    return filter_parse(model_span(text), &shelf.bump, problem);
}

static void refused(const char *text, u32 at, const char *reason)
{
    struct filter_problem problem;
    char said[FILTER_PROBLEM_MAX + 1];
    const struct filter *filter = parse(text, &problem);
    memcpy(said, problem.text, problem.text_bytes);
    said[problem.text_bytes] = '\0';
    if (filter != NULL || problem.at != at || strstr(said, reason) == NULL)
        fail_msg("%s: at %u: %s", text, problem.at, said);
}

static void what_is_wrong_is_refused_with_its_place_and_reason(void **state)
{
    (void)state;
    refused("brand:acme AND", 11, "a term is missing after this");
    refused("NOT", 0, "a term is missing after this");
    refused("NOT NOT", 4, "a term is missing after this");
    refused("AND brand:a", 0, "a term is missing before this word");
    refused("brand:a AND OR brand:b", 12, "a term is missing before this word");
    refused("brand:a OR OR brand:b", 11, "a term is missing before this word");
    refused("(brand:a", 0, "this bracket is not closed");
    refused("brand:a AND (brand:b OR (brand:c)", 12, "this bracket is not closed");
    refused("brand:a)", 7, "this bracket was not opened");
    refused("()", 1, "a term is missing before this bracket");
    refused("brand:a (price:1 OR )", 20, "a term is missing before this bracket");
    refused("brand:a and brand:b", 8, "in capitals");
    refused("Not brand:a", 0, "in capitals");
    refused("brand", 0, "brand needs a value");
    refused("brand:", 6, "a value has to stand here");
    refused("brand: acme", 6, "a value has to stand here");
    refused("brand:a|", 8, "a value has to stand here");
    refused("brand:a||b", 8, "a value has to stand here");
    refused(":a", 0, "a name has to stand here");
    refused("brand:a | brand:b", 8, "a name has to stand here");
    refused("brand:50%", 8, "has to stand in quotes");
    refused("brand:\"acme", 6, "this quote is not closed");
    refused("brand:\"\"", 6, "nothing stands in the quotes");
    refused("brand:a\"b\"", 7, "has to stand in quotes");
    refused("price:cheap", 6, "price is compared with numbers");
    refused("price:10|\"x\"", 9, "price is compared with numbers");
    refused("price:..", 6, "a range needs an end");
    refused("price:a..5", 6, "no number that a range can begin with");
    refused("price:5..b", 9, "no number that a range can end with");
    refused("price:5..1", 6, "ends before it begins");
    refused("price:1.2345", 6, "up to three decimals");
    refused("price:9007199254740993", 6, "price is compared with numbers");
    refused("price:99999999999999999999999999999", 6, "price is compared with numbers");
    refused("brand:1..5", 6, "brand has no ranges");
    refused("category:a..b", 9, "no number that a range can begin with");
    refused("in_stock:perhaps", 9, "in_stock is true or false");
    refused("in_stock:1..", 9, "in_stock has no ranges");
    refused("brand:a\001", 7, "a control character");
}

static void numbers_of_any_size_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        i64 number;
        bool is_number;
    } rows[] = {{"0", 0, true},
                {"-0", 0, true},
                {"5", 5000, true},
                {"-5.25", -5250, true},
                {"007.1", 7100, true},
                {"0.001", 1, true},
                {"9007199254740992", 9007199254740992000, true},
                {"9007199254740992.000", 9007199254740992000, true},
                {"9007199254740992.001", 0, false},
                {"-9007199254740992", -9007199254740992000, true},
                {"9007199254740993", 0, false},
                {"18446744073709551616", 0, false},
                {"184467440737095516160000000000", 0, false},
                {"1.2345", 0, false},
                {"", 0, false},
                {"-", 0, false},
                {".5", 0, false},
                {"5.", 0, false},
                {"1.2.3", 0, false},
                {"1,000", 0, false},
                {"1e3", 0, false},
                {" 1", 0, false},
                {"+1", 0, false},
                {"--1", 0, false}};
    for (u32 i = 0; i < ARRAY_COUNT(rows); i++) {
        i64 number = 0;
        const bool is_number = column_number_parse(model_span(rows[i].text), false, &number);
        if (is_number != rows[i].is_number || (is_number && number != rows[i].number))
            fail_msg("%s: %d %lld", rows[i].text, is_number, (long long)number);
    }
    i64 cut = 0;
    assert_true(column_number_parse(model_span("1.23456"), true, &cut));
    assert_int_equal(cut, 1234);
}

static void brackets_and_terms_have_their_limits(void **state)
{
    (void)state;
    char text[FILTER_BYTES_MAX + 2] = "";
    struct filter_problem problem;
    for (u32 depth = 1; depth <= FILTER_DEPTH_MAX + 1; depth++) {
        memset(text, '(', depth);
        (void)strcpy(text + depth, "brand:a");
        memset(text + depth + 7, ')', depth);
        text[2 * depth + 7] = '\0';
        if (depth <= FILTER_DEPTH_MAX)
            assert_non_null(parse(text, &problem));
        else
            refused(text, FILTER_DEPTH_MAX, "more than 16 brackets");
    }
    text[0] = '\0';
    for (u32 i = 0; i < FILTER_TERMS_MAX; i++)
        (void)strcat(text, i % 3 == 1 ? "a:b OR " : "b:c ");
    text[strlen(text) - 1] = '\0';
    assert_non_null(parse(text, &problem));
    const u32 bytes = (u32)strlen(text);
    (void)strcat(text, " c:d");
    refused(text, bytes + 1, "more than 256 terms");
    memset(text, ' ', FILTER_BYTES_MAX + 1);
    text[FILTER_BYTES_MAX + 1] = '\0';
    refused(text, FILTER_BYTES_MAX, "longer than");
    text[FILTER_BYTES_MAX] = '\0';
    assert_int_equal(parse(text, &problem)->node_count, 0);
    /* All that fits, of the shortest values there are. */
    for (u32 i = 0; i < FILTER_BYTES_MAX / 2; i++)
        (void)memcpy(text + 2 * i, i == 0 ? "a:" : "b|", 2);
    text[FILTER_BYTES_MAX - 1] = '\0';
    assert_int_equal(parse(text, &problem)->value_count, FILTER_BYTES_MAX / 2 - 1);
    memset(text, '(', FILTER_BYTES_MAX);
    refused(text, FILTER_DEPTH_MAX, "more than 16 brackets");
}

static void fields_are_judged_by_what_the_shards_know(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct filter_known known;
        u32 at;
        const char *reason; /* NULL: nothing is wrong */
    } rows[] = {
        {"price:1 AND colour:red", {0, 0}, 12, "colour: no product has this attribute"},
        {"colour:red", {1, 0}, 0, NULL},
        {"colour:red", {0, ATTRIBUTE_TYPE_ENUM}, 0, NULL},
        {"colour", {1, 0}, 0, "colour needs a value"},
        {"colour", {0, ATTRIBUTE_TYPE_BOOL}, 0, NULL},
        {"colour:true|no", {0, ATTRIBUTE_TYPE_BOOL}, 0, NULL},
        {"colour:red", {0, ATTRIBUTE_TYPE_BOOL}, 7, "colour is true or false"},
        {"colour:1..5", {1, 0}, 7, "not declared as a number"},
        {"colour:1..5", {1, ATTRIBUTE_TYPE_TEXT}, 7, "not declared as a number"},
        {"colour:3|1..5", {1, ATTRIBUTE_TYPE_NUMBER}, 0, NULL},
        {"colour:3|x", {1, ATTRIBUTE_TYPE_NUMBER}, 9, "compared with numbers"},
        {"attr.brand:x|\"1..5\"", {1, 0}, 0, NULL},
    };
    for (u32 i = 0; i < ARRAY_COUNT(rows); i++) {
        struct filter_problem problem;
        struct filter *filter = parse(rows[i].text, &problem);
        assert_non_null(filter);
        assert_int_equal(filter->name_count, 1);
        const bool is_good = filter_judge(filter, &rows[i].known, &problem);
        problem.text[MIN(problem.text_bytes, FILTER_PROBLEM_MAX - 1)] = '\0';
        if (is_good != (rows[i].reason == NULL) ||
            (!is_good && (problem.at != rows[i].at ||
                          strstr((const char *)problem.text, rows[i].reason) == NULL)))
            fail_msg("%s: at %u: %s", rows[i].text, problem.at, problem.text);
    }
    struct filter_known known = {0, ATTRIBUTE_TYPE_NUMBER};
    filter_known_add(&known, (struct filter_known){1, 0});
    assert_true(known.knowledge == FILTER_KNOWN && known.type == ATTRIBUTE_TYPE_NUMBER);
}

static void values_that_are_asked_for_are_known_as_chosen(void **state)
{
    (void)state;
    struct filter_problem problem;
    struct filter_known known[3] = {{1, 0}, {0, ATTRIBUTE_TYPE_BOOL}, {1, 0}};
    struct filter *filter = parse("color:red|blue NOT (color:green OR NOT color:grey) "
                                  "(dry OR in_stock OR category:home) other:pink",
                                  &problem);
    assert_non_null(filter);
    assert_true(filter_judge(filter, known, &problem));
    const struct span color = model_span("color"), none = model_span("");
    assert_true(filter_chooses(filter, FILTER_FIELD_ATTRIBUTE, color, model_id("red")));
    assert_true(filter_chooses(filter, FILTER_FIELD_ATTRIBUTE, color, model_id("blue")));
    assert_true(filter_chooses(filter, FILTER_FIELD_ATTRIBUTE, color, model_id("grey")));
    assert_false(filter_chooses(filter, FILTER_FIELD_ATTRIBUTE, color, model_id("green")));
    assert_false(filter_chooses(filter, FILTER_FIELD_ATTRIBUTE, color, model_id("pink")));
    assert_true(
        filter_chooses(filter, FILTER_FIELD_ATTRIBUTE, model_span("dry"), model_id("true")));
    assert_true(filter_chooses(filter, FILTER_FIELD_IN_STOCK, none, model_id("true")));
    assert_false(filter_chooses(filter, FILTER_FIELD_IN_STOCK, none, model_id("false")));
    assert_true(filter_chooses(filter, FILTER_FIELD_CATEGORY, none, model_id("home")));
    assert_false(filter_chooses(filter, FILTER_FIELD_BRAND, none, model_id("red")));
}

/* ---- meaning ----------------------------------------------------------------------------------- */

static void check_filter(struct fuzz *fuzz, struct model_filter *text,
                         const struct model_tree *tree)
{
    struct filter *parsed = model_parse(text, &shelf.bump);
    /* It is flat: a copy is as good. */
    struct filter *filter = bump_acquire(&shelf.bump, parsed->bytes);
    memcpy(filter, parsed, parsed->bytes);
    memset(parsed, 0xee, parsed->bytes);
    struct filter_run *run =
        filter_compile(filter, NULL, &shelf.columns, MODEL_NOW_NS, &shelf.bump);
    assert_non_null(run);
    for (u32 window = 0; window * WINDOW_DOCS < shelf.doc_end; window++) {
        struct window_bits candidates, matches;
        shelf_alive(&shelf, window, &candidates);
        /* All, few, or those of some words. */
        const u32 form = fuzz_below(fuzz, 3);
        for (u32 word = 0; word < WINDOW_WORDS && form != 0; word++)
            candidates.words[word] &=
                form == 1 ? fuzz_next(fuzz) & fuzz_next(fuzz) & fuzz_next(fuzz) & fuzz_next(fuzz)
                          : 0 - (fuzz_next(fuzz) & 1);
        filter_window(run, window, &candidates, &matches, NULL);
        for (u32 at = 0; at < WINDOW_DOCS; at++) {
            const u32 doc = window * WINDOW_DOCS + at;
            const bool is_match = window_has(&matches, at);
            const bool is_true =
                window_has(&candidates, at) && model_true(tree, text, 0, &shelf.products[doc]);
            if (is_match != is_true)
                fail_msg("document %u: %d, not %d: %s", doc, is_match, is_true, text->text);
        }
    }
    const u32 doc = 1 + fuzz_below(fuzz, shelf.doc_end - 1);
    if (!shelf.products[doc].is_dead)
        assert_int_equal(filter_holds(run, doc), model_true(tree, text, 0, &shelf.products[doc]));
    bump_reset(&shelf.bump);
}

static void random_filters_find_what_the_slow_way_finds(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    static struct model_filter filter;
    struct model_tree tree = {0};
    u64 number = 0;
    for (u32 round = 0; round < 24; round++) {
        const u32 steps = round == 0 ? 1 : fuzz_below(&fuzz, 1500);
        for (u32 i = 0; i < steps; i++)
            shelf_step(&shelf, &fuzz, number++);
        if (round == 8) { /* a category moves, and one that nobody knew comes */
            column_category_declare(&shelf.columns.tree, model_id("home/lighting"),
                                    model_span("home/lighting"), model_id("garden"));
            column_category_declare(&shelf.columns.tree, model_id("sale"), model_span("sale"),
                                    model_id("loose"));
            tree = (struct model_tree){
                .child = {"home/lighting", "sale"}, .parent = {"garden", "loose"}, .count = 2};
        }
        shelf.columns.is_fast = round % 2 == 0 && column_bits_is_fast();
        assert_true(columns_valid(&shelf.columns));
        for (u32 i = 0; i < 40 && shelf.doc_end > 1; i++) {
            model_filter(&fuzz, &filter);
            check_filter(&fuzz, &filter, &tree);
        }
    }
    print_message("  %u documents\n", shelf.doc_end);
}

/* More values than are judged when a filter is compiled. */
static void numbers_with_very_many_values_are_compared_too(void **state)
{
    (void)state;
    struct filter_problem problem;
    struct filter_known known = {1, ATTRIBUTE_TYPE_NUMBER};
    char line[32];
    for (u32 doc = 1; doc <= 10000; doc++) {
        const struct column_facts facts = {.product_id = doc};
        struct column_texts texts = {.attributes.data = (const u8 *)line};
        texts.attributes.bytes = (u32)sprintf(line, "depth=%u.5", doc);
        columns_put(&shelf.columns, doc, &facts);
        columns_set_texts(&shelf.columns, doc, &texts);
    }
    shelf.doc_end = 1; /* there are no products to compare with */
    struct filter *filter = parse("depth:100..200|9999.5", &problem);
    assert_non_null(filter);
    assert_true(filter_judge(filter, &known, &problem));
    struct filter_run *run =
        filter_compile(filter, NULL, &shelf.columns, MODEL_NOW_NS, &shelf.bump);
    for (u32 doc = 1; doc <= 10000; doc++)
        assert_int_equal(filter_holds(run, doc), (doc >= 100 && doc < 200) || doc == 9999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_wrong_is_refused_with_its_place_and_reason,
                                        open_shelf, close_shelf),
        cmocka_unit_test(numbers_of_any_size_are_read_or_refused),
        cmocka_unit_test_setup_teardown(brackets_and_terms_have_their_limits, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(fields_are_judged_by_what_the_shards_know, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(values_that_are_asked_for_are_known_as_chosen, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(random_filters_find_what_the_slow_way_finds, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(numbers_with_very_many_values_are_compared_too, open_shelf,
                                        close_shelf),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
