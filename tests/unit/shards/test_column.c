/* test_column: numbers and values of documents, while they come, change and go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/column_model.h"

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

/* ---- compares ------------------------------------------------------------------------------------ */

static u64 edge_or_random(struct fuzz *fuzz)
{
    static const u64 edges[] = {0,         1,          0x7fff,     0x8000,
                                0xffff,    0x7fffffff, 0x80000000, 0xffffffff,
                                INT64_MAX, 1ull << 63, UINT64_MAX};
    if (fuzz_below(fuzz, 2) == 0)
        return edges[fuzz_below(fuzz, ARRAY_COUNT(edges))];
    return fuzz_next(fuzz) >> fuzz_below(fuzz, 64);
}

static void compares_agree_with_the_slow_way(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    for (u32 round = 0; round < 20000; round++) {
        i64 wide[64];
        u32 middle[64];
        u16 narrow[64];
        for (u32 i = 0; i < 64; i++) {
            wide[i] = (i64)edge_or_random(&fuzz);
            middle[i] = (u32)wide[i];
            narrow[i] = (u16)wide[i];
        }
        const i64 a = (i64)edge_or_random(&fuzz), b = (i64)edge_or_random(&fuzz);
        const u32 c = MIN((u32)a, (u32)b), d = MAX((u32)a, (u32)b);
        const u16 e = MIN((u16)a, (u16)b), f = MAX((u16)a, (u16)b);
        const u64 plain = column_bits_i64(false, wide, MIN(a, b), MAX(a, b));
        const u64 fast = column_bits_i64(column_bits_is_fast(), wide, MIN(a, b), MAX(a, b));
        const u64 bits32 = column_bits_u32(middle, c, d), bits16 = column_bits_u16(narrow, e, f);
        for (u32 i = 0; i < 64; i++) {
            const bool is_in = wide[i] >= MIN(a, b) && wide[i] <= MAX(a, b);
            assert_int_equal(plain >> i & 1, is_in);
            assert_int_equal(fast >> i & 1, is_in);
            assert_int_equal(bits32 >> i & 1, middle[i] >= c && middle[i] <= d);
            assert_int_equal(bits16 >> i & 1, narrow[i] >= e && narrow[i] <= f);
        }
    }
}

static void positions_are_those_of_the_bits(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    static u16 positions[WINDOW_POSITIONS_ROOM];
    for (u32 round = 0; round < 2000; round++) {
        struct window_bits bits = {0};
        const u32 form = fuzz_below(&fuzz, 5);
        for (u32 word = 0; word < WINDOW_WORDS; word++) {
            bits.words[word] = form == 0 ? 0 - (fuzz_next(&fuzz) & 1) : fuzz_next(&fuzz);
            for (u32 i = 1; i < form; i++)
                bits.words[word] &= fuzz_next(&fuzz);
        }
        const u32 count = window_count(&bits);
        const u32 written = window_positions(column_bits_is_fast(), &bits, positions);
        if (!column_bits_is_fast() || count > WINDOW_POSITIONS_MAX) {
            assert_int_equal(written, UINT32_MAX);
            continue;
        }
        assert_int_equal(written, count);
        for (u32 i = 0; i < count; i++) {
            assert_true(window_has(&bits, positions[i]));
            assert_true(i == 0 || positions[i] > positions[i - 1]);
        }
    }
}

/* ---- documents ------------------------------------------------------------------------------------- */

static void check_values(u32 doc, u32 name)
{
    const struct column_fields *fields = &shelf.columns.fields;
    const u32 field = column_field_find(fields, model_span(model_names[name]));
    u32 single, found = 0, wanted = 0;
    const u32 *ordinals;
    const u32 count = field == 0 ? 0 : column_field_get(fields, field, doc, &single, &ordinals);
    for (u32 at = 0; at < MODEL_VALUES; at++)
        wanted += shelf.products[doc].has[name][at];
    assert_int_equal(count, wanted);
    for (u32 i = 0; i < count; i++) {
        const struct column_value *value = column_value_at(fields, field, ordinals[i]);
        for (u32 at = 0; at < MODEL_VALUES; at++)
            found += value->text_bytes == strlen(model_values[name][at]) &&
                     memcmp(value->text, model_values[name][at], value->text_bytes) == 0 &&
                     shelf.products[doc].has[name][at];
    }
    assert_int_equal(found, wanted);
}

static void check_document(u32 doc)
{
    struct column_facts facts;
    u32 single;
    const u32 *ordinals;
    const struct model_product *product = &shelf.products[doc];
    const struct column_fields *fields = &shelf.columns.fields;
    columns_facts(&shelf.columns, doc, &facts);
    assert_memory_equal(&facts, &product->facts, sizeof facts);
    const u32 brands = column_field_get(fields, COLUMN_FIELD_BRAND, doc, &single, &ordinals);
    assert_int_equal(brands, product->brand != 0);
    if (brands != 0) {
        const struct column_value *value = column_value_at(fields, COLUMN_FIELD_BRAND, ordinals[0]);
        assert_true(value->value_id == model_id(model_brands[product->brand]));
    }
    const u32 nodes = column_field_get(fields, COLUMN_FIELD_CATEGORY, doc, &single, &ordinals);
    assert_int_equal(nodes, product->category != 0);
    if (nodes != 0)
        assert_true(column_node_at(&shelf.columns.tree, ordinals[0])->category_id ==
                    model_id(model_categories[product->category]));
    for (u32 name = 0; name < NAMES; name++)
        check_values(doc, name);
}

/* How many live documents have a value. */
static void check_counts(void)
{
    const struct column_fields *fields = &shelf.columns.fields;
    for (u32 name = 0; name < NAMES; name++) {
        const u32 field = column_field_find(fields, model_span(model_names[name]));
        u32 any = 0;
        for (u32 at = 0; at < MODEL_VALUES && field != 0; at++) {
            u32 wanted = 0;
            for (u32 doc = 1; doc < shelf.doc_end; doc++)
                wanted += !shelf.products[doc].is_dead && shelf.products[doc].has[name][at];
            const u32 ordinal =
                column_value_find(fields, field, model_span(model_values[name][at]));
            const u32 live = ordinal == 0 ? 0 : column_value_at(fields, field, ordinal)->live_count;
            assert_int_equal(live, wanted);
        }
        for (u32 doc = 1; doc < shelf.doc_end; doc++) {
            bool has_one = false;
            for (u32 at = 0; at < MODEL_VALUES; at++)
                has_one |= shelf.products[doc].has[name][at];
            any += has_one && !shelf.products[doc].is_dead;
        }
        assert_int_equal(field == 0 ? 0 : column_field_at(fields, field)->live_count, any);
    }
}

static void documents_have_what_was_put(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    u64 number = 0;
    for (u32 round = 0; round < 12; round++) {
        const u32 steps = fuzz_below(&fuzz, 2000);
        for (u32 i = 0; i < steps; i++)
            shelf_step(&shelf, &fuzz, number++);
        while (shelf.columns.dead_count != 0) { /* the end of a question gives some back */
            columns_question_begin(&shelf.columns);
            columns_question_end(&shelf.columns);
        }
        for (u32 doc = 1; doc < shelf.doc_end; doc++) {
            if (!shelf.products[doc].is_dead)
                check_document(doc);
        }
        check_counts();
        assert_true(columns_valid(&shelf.columns));
    }
}

static void put_one(u32 doc, const char *lines)
{
    const struct column_facts facts = {.product_id = doc};
    const struct column_texts texts = {
        .brand = model_span("b"), .category = model_span("c/d"), .attributes = model_span(lines)};
    columns_put(&shelf.columns, doc, &facts);
    columns_set_texts(&shelf.columns, doc, &texts);
}

static u32 ordinal_of(const char *name, const char *value)
{
    const u32 field = column_field_find(&shelf.columns.fields, model_span(name));
    return column_value_find(&shelf.columns.fields, field, model_span(value));
}

static void what_a_question_may_look_at_stays_until_it_ends(void **state)
{
    (void)state;
    u32 single;
    const u32 *ordinals;
    put_one(1, "a=old\nb=1\nb=2\n");
    const u32 old = ordinal_of("a", "old");
    columns_question_begin(&shelf.columns);
    columns_question_begin(&shelf.columns);
    columns_kill(&shelf.columns, 1);
    put_one(2, "a=new\n");
    assert_true(ordinal_of("a", "new") != old);
    assert_int_equal(ordinal_of("a", "old"), old);
    const u32 field = column_field_find(&shelf.columns.fields, model_span("b"));
    assert_int_equal(column_field_get(&shelf.columns.fields, field, 1, &single, &ordinals), 2);
    columns_question_end(&shelf.columns);
    put_one(3, "a=newer\n");
    assert_true(ordinal_of("a", "newer") != old);
    columns_question_end(&shelf.columns);
    put_one(4, "a=newest\n");
    assert_int_equal(ordinal_of("a", "newest"), old); /* nobody asks any more */
    assert_int_equal(ordinal_of("a", "old"), 0);
    expect_assert_failure(columns_question_end(&shelf.columns));
}

static void a_value_that_comes_back_keeps_its_ordinal(void **state)
{
    (void)state;
    put_one(1, "a=x\n");
    const u32 x = ordinal_of("a", "x");
    columns_kill(&shelf.columns, 1);
    /* "x" has nobody, but the same document takes it again before something new may have its number. */
    put_one(2, "a=x\na=y\n");
    assert_int_equal(ordinal_of("a", "x"), x);
    assert_true(ordinal_of("a", "y") != x);
    assert_true(columns_valid(&shelf.columns));
}

static void a_window_of_the_dead_is_freed_when_nobody_looks(void **state)
{
    (void)state;
    for (u32 doc = 1; doc < 2 * WINDOW_DOCS; doc++)
        put_one(doc, doc % 2 == 0 ? "a=1\nb=2\nb=3\n" : "a=2\n");
    const u64 before = shelf.arena.live_bytes;
    columns_question_begin(&shelf.columns);
    for (u32 doc = 1; doc < WINDOW_DOCS; doc++)
        columns_kill(&shelf.columns, doc);
    assert_non_null(shelf.columns.windows[0]);
    columns_question_end(&shelf.columns);
    for (u32 i = 0; i < WINDOW_DOCS && shelf.columns.dead_count != 0; i++) {
        columns_question_begin(&shelf.columns);
        columns_question_end(&shelf.columns);
    }
    assert_null(shelf.columns.windows[0]);
    assert_non_null(shelf.columns.windows[1]);
    assert_true(shelf.arena.live_bytes < before * 6 / 10);
    assert_int_equal(columns_number(&shelf.columns, COLUMN_PRODUCT, 5), 0);
    assert_int_equal(columns_number(&shelf.columns, COLUMN_PRODUCT, WINDOW_DOCS + 5),
                     WINDOW_DOCS + 5);
}

static void texts_are_set_once_and_in_order(void **state)
{
    (void)state;
    put_one(5, "a=1\n");
    const struct column_facts facts = {.product_id = 4};
    const struct column_texts texts = {.brand = model_span("b")};
    expect_assert_failure(columns_set_texts(&shelf.columns, 9, &texts));
    columns_put(&shelf.columns, 4, &facts);
    expect_assert_failure(columns_set_texts(&shelf.columns, 4, &texts));
    expect_assert_failure(columns_put(&shelf.columns, 0, &facts));
    /* It got half way: that one more value was taken for the brand is all there is to take back. */
    column_value_give(
        &shelf.columns.fields, COLUMN_FIELD_BRAND,
        column_value_find(&shelf.columns.fields, COLUMN_FIELD_BRAND, model_span("b")));
}

/* ---- narrow blocks --------------------------------------------------------------------------------- */

#define MANY_VALUES 40000u /* more than a narrow block can name */
#define LIST_VALUES 12u

/* The values of a document: window 1 has lists of many, in window 0 great ordinals come late, in 2 early. */
static u32 values_of(u32 doc, u32 *ordinals)
{
    const u32 window = doc / WINDOW_DOCS, at = doc % WINDOW_DOCS;
    const u32 count = window == 1 ? LIST_VALUES : 1 + at % 100 / 99;
    const bool is_great = window == 0 ? at > 3000 : window == 2 && at < 100;
    for (u32 i = 0; i < count; i++)
        ordinals[i] = (is_great ? MANY_VALUES - 1000 : 1) + at % 500 + i;
    return count;
}

static void check_narrow(const struct column_fields *fields, u32 field, u32 end)
{
    u32 expected[LIST_VALUES], single, scratch[64];
    const u32 *found;
    for (u32 doc = 1; doc < end; doc++) {
        const struct column_block *block =
            column_block_at(column_field_at(fields, field), doc / WINDOW_DOCS);
        const u32 at = doc % WINDOW_DOCS, count = values_of(doc, expected);
        assert_int_equal(column_field_get(fields, field, doc, &single, &found), count);
        assert_memory_equal(found, expected, count * sizeof expected[0]);
        const u32 *entries = column_block_entries(block, at / 64, 1ull << at % 64, false, scratch);
        assert_int_equal(entries[0], column_block_entry(block, at));
        assert_int_equal((entries[0] & COLUMN_LIST) != 0, count > 1);
    }
}

static bool is_narrow(const struct column_fields *fields, u32 field, u32 window)
{
    return column_block_at(column_field_at(fields, field), window)->narrow != NULL;
}

static void blocks_are_narrow_as_long_as_everything_fits(void **state)
{
    (void)state;
    static struct column_fields fields;
    struct store_memory memory;
    struct arena arena;
    char text[16];
    u32 ordinals[LIST_VALUES];
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    column_fields_init(&fields, &memory, &arena);
    const u32 field =
        column_field_add(&fields, (struct span){.data = (const u8 *)"shade", .bytes = 5});
    for (u32 i = 1; i <= MANY_VALUES; i++) {
        (void)snprintf(text, sizeof text, "v%u", i);
        const struct span value = {.data = (const u8 *)text, .bytes = (u32)strlen(text)};
        assert_int_equal(column_value_take(&fields, field, value, false), i);
    }
    for (u32 doc = 1; doc < 3 * WINDOW_DOCS; doc++) {
        column_field_set(&fields, field, doc, ordinals, values_of(doc, ordinals));
        if (doc == 3000 || doc == WINDOW_DOCS + 2100) {
            assert_true(is_narrow(&fields, field, doc / WINDOW_DOCS));
            check_narrow(&fields, field, doc + 1);
        }
    }
    for (u32 window = 0; window < 3; window++)
        assert_false(is_narrow(&fields, field, window));
    check_narrow(&fields, field, 3 * WINDOW_DOCS);
    column_fields_deinit(&fields);
    assert_int_equal(arena_live_bytes(&arena), 0);
    arena_deinit(&arena);
    assert_int_equal(memory.used_bytes, 0);
}

static void a_name_beyond_the_last_that_fits_is_no_field(void **state)
{
    (void)state;
    char line[64];
    for (u32 i = 0; i < ATTRIBUTE_NAMES_MAX + 10; i++) {
        (void)sprintf(line, "name%u=v\nname0=w", i);
        put_one(i + 1, line);
    }
    assert_int_equal(column_field_find(&shelf.columns.fields, model_span("name1023")),
                     COLUMN_FIELDS_MAX);
    assert_int_equal(column_field_find(&shelf.columns.fields, model_span("name1024")), 0);
    assert_true(ordinal_of("name0", "w") != 0);
}

/* As many values as lines can have, of one name and of many. */
static void the_longest_attributes_fit(void **state)
{
    (void)state;
    static char lines[ATTRIBUTES_BYTES_MAX + 1];
    u32 bytes = 0, single;
    const u32 *ordinals;
    for (u32 i = 0; bytes + 4 <= ATTRIBUTES_BYTES_MAX; i++) {
        const char value = (char)(i % 255 + 1);
        lines[bytes] = (char)('a' + i / 255);
        lines[bytes + 1] = '=';
        lines[bytes + 2] = value == '\n' ? '!' : value;
        lines[bytes + 3] = '\n';
        bytes += 4;
    }
    put_one(1, lines);
    const u32 field = column_field_find(&shelf.columns.fields, model_span("a"));
    assert_int_equal(column_field_get(&shelf.columns.fields, field, 1, &single, &ordinals), 254);
    for (u32 doc = 2; doc < 3000; doc++)
        put_one(doc, lines);
    assert_int_equal(column_field_get(&shelf.columns.fields, field, 2999, &single, &ordinals), 254);
    assert_int_equal(column_value_at(&shelf.columns.fields, field, ordinals[7])->live_count, 2999);
}

/* ---- time ------------------------------------------------------------------------------------------ */

static void what_is_not_in_its_time_is_neither_shown_nor_sold(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    for (u64 number = 0; number < 6000; number++) {
        const struct model_product product = model_product(&fuzz, number);
        (void)shelf_add(&shelf, &fuzz, &product);
    }
    for (u32 window = 0; window < 2; window++) {
        struct window_bits all, shown, found, sold;
        shelf_alive(&shelf, window, &all);
        shown = found = all;
        columns_keep_visible(&shelf.columns, window, MODEL_NOW_NS, true, &shown);
        columns_keep_visible(&shelf.columns, window, MODEL_NOW_NS, false, &found);
        columns_buyable(&shelf.columns, window, MODEL_NOW_NS, &all, &sold);
        for (u32 at = 0; at < WINDOW_DOCS; at++) {
            const u32 doc = window * WINDOW_DOCS + at;
            if (doc == 0 || doc >= shelf.doc_end)
                continue;
            const struct column_facts *facts = &shelf.products[doc].facts;
            const bool is_unlisted = (facts->marks & PRODUCT_MARK_UNLISTED) != 0;
            assert_int_equal(window_has(&shown, at), model_visible(facts));
            assert_int_equal(window_has(&found, at), model_visible(facts) && !is_unlisted);
            assert_int_equal(window_has(&sold, at), model_buyable(facts));
        }
    }
    struct window_bits nobody;
    memset(&nobody, 0xff, sizeof nobody);
    columns_keep_visible(&shelf.columns, 77, MODEL_NOW_NS, true, &nobody);
    assert_int_equal(window_count(&nobody), 0);
}

/* ---- the tree -------------------------------------------------------------------------------------- */

static u32 node_of(const char *code)
{
    return column_category_find(&shelf.columns.tree, model_id(code));
}

static bool is_below(const char *code, const char *top)
{
    u64 bits[4] = {0};
    assert_true(shelf.columns.tree.node_end <= 256);
    column_category_below(&shelf.columns.tree, node_of(top), bits);
    return (bits[node_of(code) / 64] >> node_of(code) % 64 & 1) != 0;
}

static void a_category_moves_with_all_below_it(void **state)
{
    (void)state;
    struct column_tree *tree = &shelf.columns.tree;
    const u32 lamps = column_category_add(tree, model_span("home/lighting/lamps"));
    assert_int_equal(node_of("home/lighting/lamps"), lamps);
    (void)column_category_add(tree, model_span("home/kitchen"));
    assert_true(is_below("home/lighting/lamps", "home") && is_below("home/kitchen", "home"));
    assert_false(is_below("home/kitchen", "home/lighting"));
    /* Its new parent is known by its id alone until its code is met. */
    column_category_declare(tree, model_id("home/lighting"), model_span("home/lighting"),
                            model_id("work/office"));
    assert_false(is_below("home/lighting/lamps", "home"));
    assert_true(is_below("home/lighting/lamps", "work/office"));
    assert_null(column_node_at(tree, node_of("work/office"))->code);
    (void)column_category_add(tree, model_span("work/office/chairs"));
    assert_true(is_below("home/lighting/lamps", "work"));
    assert_true(column_tree_valid(tree));
    column_category_declare(tree, model_id("home/lighting"), model_span("home/lighting"), 0);
    assert_false(is_below("home/lighting/lamps", "work"));
    assert_true(is_below("home/lighting/lamps", "home/lighting"));
    /* A cycle is walked once around. */
    column_category_declare(tree, model_id("home/lighting"), model_span("home/lighting"),
                            model_id("home/lighting/lamps"));
    assert_true(is_below("home/lighting/lamps", "home/lighting"));
    assert_true(is_below("home/lighting", "home/lighting/lamps"));
    assert_false(is_below("home", "home/lighting"));
    assert_true(column_tree_valid(tree));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_agree_with_the_slow_way),
        cmocka_unit_test(positions_are_those_of_the_bits),
        cmocka_unit_test_setup_teardown(documents_have_what_was_put, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(what_a_question_may_look_at_stays_until_it_ends, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(a_value_that_comes_back_keeps_its_ordinal, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(a_window_of_the_dead_is_freed_when_nobody_looks, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(texts_are_set_once_and_in_order, open_shelf, close_shelf),
        cmocka_unit_test(blocks_are_narrow_as_long_as_everything_fits),
        cmocka_unit_test_setup_teardown(a_name_beyond_the_last_that_fits_is_no_field, open_shelf,
                                        close_shelf),
        cmocka_unit_test_setup_teardown(the_longest_attributes_fit, open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(what_is_not_in_its_time_is_neither_shown_nor_sold,
                                        open_shelf, close_shelf),
        cmocka_unit_test_setup_teardown(a_category_moves_with_all_below_it, open_shelf,
                                        close_shelf),
    };
    return cmocka_run_group_tests_name("column", tests, NULL, NULL);
}
