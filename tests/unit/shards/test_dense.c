/* test_dense: tables of frequent words against the postings they come from, while documents come and die,
 * questions fill them window by window, and words take each other's place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/search/index.h"

#define TERMS     100u /* each in a quarter of the documents, the even ones in most */
#define RARE_TERM (TERMS + 1)

static const struct score_policy POLICY = {.weights = {10, 6, 3, 4, 1, 0}};

struct world {
    struct store_memory memory;
    struct arena arena;
    struct index index;
    struct fuzz fuzz;
};

static void open_world(struct world *world, const char *test)
{
    *world = (struct world){.fuzz = fuzz_begin(test)};
    store_memory_init(&world->memory);
    arena_init(&world->arena, &world->memory);
    index_init(&world->index, &world->memory, &world->arena);
}

static void close_world(struct world *world)
{
    index_deinit(&world->index);
    assert_int_equal(arena_live_bytes(&world->arena), 0);
    arena_deinit(&world->arena);
    assert_int_equal(world->memory.used_bytes, 0);
}

/* A document with some of the terms up to `terms`. */
static void add(struct world *world, u32 terms)
{
    struct index_token tokens[TERMS + 1];
    u32 count = 0;
    for (u32 term = 1; term <= terms; term++)
        if (fuzz_below(&world->fuzz, 4) < (term % 2 == 0 ? 3u : 1u)) {
            const u16 field = (u16)fuzz_below(&world->fuzz, 4);
            tokens[count] =
                (struct index_token){.term = term, .field = field, .position = 3 * count};
            count++;
        }
    if (index_end(&world->index) % 512 == 0)
        tokens[count++] = (struct index_token){.term = RARE_TERM, .position = 1000};
    const u32 doc = index_end(&world->index);
    assert_int_equal(index_add(&world->index, doc, tokens, count, &POLICY), doc);
}

static void add_many(struct world *world, u32 count, u32 terms)
{
    for (u32 i = 0; i < count; i++)
        add(world, terms);
}

/* Some windows of a table; true: it is complete. */
static bool fill(struct world *world, const struct index_question *question, u32 number,
                 struct postings_cursor *cursor, u32 windows)
{
    u32 work = 0;
    for (u32 i = 0; i < windows; i++) {
        if (dense_is_filled(&world->index.dense, number, question->end))
            return true;
        dense_fill(&world->index, number, cursor, &work);
        assert_true(work > 0);
    }
    return dense_is_filled(&world->index.dense, number, question->end);
}

static void fill_all(struct world *world, const struct index_question *question, u32 number)
{
    struct postings_cursor cursor;
    postings_open(&cursor, &world->index, world->index.dense.tables[number].term);
    assert_true(fill(world, question, number, &cursor, UINT32_MAX));
}

/* Every document that the question sees has in the table what its posting says. */
static void compare(const struct world *world, const struct index_question *question, u32 number)
{
    const struct dense_table *table = &world->index.dense.tables[number];
    u32 found = 0, next = dense_next(table->windows, 0, question->end);
    for (u32 doc = 1; doc < question->end; doc++) {
        if (!index_sees(&world->index, question, doc))
            continue;
        const u8 impact = postings_impact_of(&world->index, table->term, doc);
        assert_int_equal(dense_get(table->windows, doc), impact);
        while (next < doc) /* documents that are dead */
            next = dense_next(table->windows, next + 1, question->end);
        assert_int_equal(next == doc, impact != 0);
        found += impact != 0;
    }
    assert_in_range(found, 1, question->end);
}

static void a_table_is_what_the_postings_are(void **state)
{
    struct world world;
    struct index_question question, later;
    struct postings_cursor cursor;
    (void)state;
    open_world(&world, __func__);
    add_many(&world, 3 * INDEX_WINDOW_DOCS, 4);
    index_question_begin(&world.index, &question);
    assert_int_equal(dense_want(&world.index, &question, RARE_TERM), DENSE_TABLES);
    assert_int_equal(dense_want(&world.index, &question, TERMS), DENSE_TABLES);
    const u32 number = dense_want(&world.index, &question, 1);
    assert_in_range(number, 0, DENSE_TABLES - 1);
    assert_int_equal(dense_want(&world.index, &question, 1), number);
    postings_open(&cursor, &world.index, 1);
    assert_false(fill(&world, &question, number, &cursor, 1));
    add_many(&world, 2 * INDEX_WINDOW_DOCS, 4); /* in the middle of it */
    for (u32 doc = 5; doc < index_end(&world.index); doc += 3)
        index_kill(&world.index, doc);
    assert_true(fill(&world, &question, number, &cursor, UINT32_MAX));
    compare(&world, &question, number);
    assert_true(index_valid(&world.index));
    index_question_begin(&world.index, &later);
    assert_int_equal(dense_want(&world.index, &later, 1), number);
    fill_all(&world, &later, number);
    add_many(&world, INDEX_WINDOW_DOCS, 4); /* when it is complete */
    compare(&world, &later, number);
    index_question_end(&world.index, &question);
    index_question_end(&world.index, &later);
    index_question_begin(&world.index, &later);
    assert_int_equal(dense_want(&world.index, &later, 1), number);
    fill_all(&world, &later, number);
    compare(&world, &later, number);
    index_question_end(&world.index, &later);
    assert_true(index_valid(&world.index));
    close_world(&world);
}

static void windows_of_the_dead_give_their_memory_back(void **state)
{
    struct world world;
    struct index_question question;
    (void)state;
    open_world(&world, __func__);
    add_many(&world, 4 * INDEX_WINDOW_DOCS, 2);
    index_question_begin(&world.index, &question);
    const u32 number = dense_want(&world.index, &question, 2);
    fill_all(&world, &question, number);
    const u64 bytes = index_sizes(&world.index).dense_bytes;
    assert_in_range(bytes, 4 * INDEX_WINDOW_DOCS, 8 * INDEX_WINDOW_DOCS);
    for (u32 doc = 1; doc < 3 * INDEX_WINDOW_DOCS; doc++)
        index_kill(&world.index, doc);
    compare(&world, &question, number); /* it still sees them */
    index_question_end(&world.index, &question);
    add_many(&world, INDEX_WINDOW_DOCS, 2); /* graves are filled by and by */
    add_many(&world, 2 * INDEX_WINDOW_DOCS, 2);
    assert_true(index_valid(&world.index));
    assert_null(world.index.dense.tables[number].windows[0].impacts);
    assert_null(world.index.dense.tables[number].windows[2].impacts);
    assert_non_null(world.index.dense.tables[number].windows[3].impacts);
    index_question_begin(&world.index, &question);
    assert_int_equal(dense_want(&world.index, &question, 2), number);
    fill_all(&world, &question, number);
    compare(&world, &question, number);
    index_question_end(&world.index, &question);
    close_world(&world);
}

/* Asks for a word by a question of its own. */
static u32 ask(struct world *world, u32 term)
{
    struct index_question question;
    index_question_begin(&world->index, &question);
    const u32 number = dense_want(&world->index, &question, term);
    if (number != DENSE_TABLES)
        fill_all(world, &question, number);
    index_question_end(&world->index, &question);
    return number;
}

static void words_that_are_asked_for_take_the_place_of_others(void **state)
{
    struct world world;
    struct index_question question;
    (void)state;
    open_world(&world, __func__);
    add_many(&world, 2000, TERMS);
    for (u32 term = 1; term <= DENSE_TABLES; term++)
        assert_int_not_equal(ask(&world, term), DENSE_TABLES);
    assert_int_equal(ask(&world, DENSE_TABLES + 1),
                     DENSE_TABLES); /* the others were used just now */
    index_question_begin(&world.index, &question);
    const u32 held = dense_want(&world.index, &question, 1);
    for (u32 i = 0; i < 2 * DENSE_USES_UNUSED; i++)
        (void)ask(&world, 3 + i % (DENSE_TABLES - 2)); /* not 2, and 1 is held */
    const u32 number = ask(&world, DENSE_TABLES + 1);
    assert_int_not_equal(number, DENSE_TABLES);
    assert_int_not_equal(number, held);
    assert_int_equal(world.index.dense.tables[held].term, 1);
    assert_int_equal(world.index.dense.tables[number].term, DENSE_TABLES + 1);
    assert_int_equal(ask(&world, 2), DENSE_TABLES); /* whose place it was */
    fill_all(&world, &question, held);
    compare(&world, &question, held);
    assert_true(index_valid(&world.index));
    index_question_end(&world.index, &question);
    assert_int_not_equal(ask(&world, 2),
                         DENSE_TABLES); /* 1 is held no more, and was not used for long */
    assert_true(index_valid(&world.index));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_what_the_postings_are),
        cmocka_unit_test(windows_of_the_dead_give_their_memory_back),
        cmocka_unit_test(words_that_are_asked_for_take_the_place_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
