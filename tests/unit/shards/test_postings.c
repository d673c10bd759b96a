/* test_postings: packed blocks of every width, lists that grow, bounds, and purges, against arrays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/search/index.h"

/* Documents whose gaps have at most `bits` bits, one of them exactly. */
static void draw_docs(struct fuzz *fuzz, u32 base, u32 bits, u32 *docs)
{
    const u32 widest = fuzz_below(fuzz, POSTINGS_BLOCK);
    u32 doc = base;
    for (u32 i = 0; i < POSTINGS_BLOCK; i++) {
        u32 gap = 0; /* less 1 */
        if (bits != 0 && i == widest)
            gap = 1u << (bits - 1);
        else if (bits > 8)
            gap = fuzz_below(fuzz, 1u << (bits - 8));
        else if (bits != 0)
            gap = fuzz_below(fuzz, 1u << bits);
        doc += gap + 1;
        docs[i] = doc;
    }
}

static void blocks_of_every_width_come_back(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin("widths");
    for (u32 bits = 0; bits <= POSTINGS_WIDTH_MAX; bits++) {
        for (u32 round = 0; round < 20; round++) {
            u32 docs[POSTINGS_BLOCK], back[POSTINGS_BLOCK];
            u8 packed[POSTINGS_WIDTH_MAX * POSTINGS_WIDTH_BYTES + 1];
            const u32 base = bits == 32 ? fuzz_below(&fuzz, 2) : fuzz_below(&fuzz, 1000);
            draw_docs(&fuzz, base, bits, docs);
            const u32 width = postings_pack_width(docs, base);
            assert_int_equal(width, bits);
            packed[width * POSTINGS_WIDTH_BYTES] = 0x5a;
            postings_pack(packed, docs, base, width);
            assert_int_equal(packed[width * POSTINGS_WIDTH_BYTES], 0x5a);
            memset(back, 0, sizeof back);
            postings_unpack(back, packed, base, width);
            assert_memory_equal(docs, back, sizeof docs);
        }
    }
}

/* An index without texts: postings are put in directly. */
struct lists {
    struct store_memory memory;
    struct arena arena;
    struct index index;
};

static void lists_open(struct lists *lists)
{
    *lists = (struct lists){0};
    store_memory_init(&lists->memory);
    arena_init(&lists->arena, &lists->memory);
    index_init(&lists->index, &lists->memory, &lists->arena);
}

static void lists_close(struct lists *lists)
{
    index_deinit(&lists->index);
    assert_int_equal(arena_live_bytes(&lists->arena), 0);
    arena_deinit(&lists->arena);
    assert_int_equal(lists->memory.used_bytes, 0);
}

/* A document that has no words of its own; `terms` of it are appended by the test. */
static u32 add_bare(struct lists *lists)
{
    return index_add(&lists->index, 7, NULL, 0, &score_policy_builtin);
}

/* As index_kill does for a document with these terms. */
static void kill_bare(struct lists *lists, u32 doc, u32 term)
{
    index_kill(&lists->index, doc);
    lists->index.postings.purges_allowed = POSTINGS_PURGES_MAX;
    postings_forget(&lists->index.postings, term);
    postings_bury(&lists->index.postings, term, doc);
}

static void a_new_term_is_at_the_end_at_once(void **state)
{
    (void)state;
    struct lists lists;
    lists_open(&lists);
    struct postings_cursor cursor;
    u16 docs[INDEX_WINDOW_DOCS];
    u8 impacts[INDEX_WINDOW_DOCS];
    u32 last_doc;
    for (u32 term = 0; term < 3; term++) {
        postings_open(&cursor, &lists.index, term);
        assert_int_equal(cursor.doc, POSTINGS_DOC_END);
        assert_int_equal(postings_seek(&cursor, 5), POSTINGS_DOC_END);
        assert_int_equal(postings_next(&cursor), POSTINGS_DOC_END);
        assert_int_equal(postings_window(&cursor, 0, docs, impacts), 0);
        assert_int_equal(postings_window_max(&cursor, 0), 0);
        assert_int_equal(postings_block_max(&cursor, 1, &last_doc), 0);
        assert_int_equal(last_doc, POSTINGS_DOC_END);
        assert_int_equal(index_df(&lists.index, term), 0);
        assert_int_equal(index_impact_max(&lists.index, term), 0);
    }
    lists_close(&lists);
}

/* One great impact among small ones: only its own block, window and segment promise it. */
static void bounds_are_of_their_block_and_window(void **state)
{
    (void)state;
    enum { COUNT = 30000, GREAT = 9000, TERM = 3 };
    struct lists lists;
    lists_open(&lists);
    for (u32 i = 1; i <= COUNT; i++) {
        const u32 doc = add_bare(&lists);
        assert_int_equal(doc, i);
        postings_append(&lists.index.postings, TERM, doc, (u8)(doc == GREAT ? 200 : 1 + doc % 50));
    }
    assert_true(postings_list_valid(&lists.index.postings, TERM));
    assert_int_equal(index_impact_max(&lists.index, TERM), 200);
    assert_true(postings_list_of(&lists.index.postings, TERM)->segment_count > 2);
    struct postings_cursor cursor;
    postings_open(&cursor, &lists.index, TERM);
    for (u32 window = 0; window <= COUNT / INDEX_WINDOW_DOCS; window++) {
        const bool has_great = GREAT / INDEX_WINDOW_DOCS == window;
        assert_int_equal(postings_window_max(&cursor, window), has_great ? 200 : 50);
    }
    u32 block_count = 0;
    u32 great_count = 0;
    u32 last_doc;
    for (u32 doc = 1; doc <= COUNT; doc = last_doc + 1, block_count++) {
        const u8 most = postings_block_max(&cursor, doc, &last_doc);
        assert_true(last_doc >= doc);
        if (doc <= GREAT && GREAT <= last_doc) {
            assert_int_equal(most, 200);
            great_count++;
            assert_true(last_doc - doc < POSTINGS_BLOCK);
        } else {
            assert_in_range(most, 1, 50);
        }
        if (last_doc == POSTINGS_DOC_END)
            break;
    }
    assert_int_equal(great_count, 1);
    assert_true(block_count >= COUNT / POSTINGS_BLOCK);
    lists_close(&lists);
}

/* Documents of a window end and begin within blocks; nothing is written behind the last one. */
static void windows_end_where_they_should(void **state)
{
    (void)state;
    enum { COUNT = 3 * INDEX_WINDOW_DOCS - 1, TERM = 1, GUARD = 16 };
    struct lists lists;
    lists_open(&lists);
    for (u32 i = 0; i < COUNT; i++)
        postings_append(&lists.index.postings, TERM, add_bare(&lists), (u8)(i % 251 + 1));
    for (u32 first = 0; first < 3; first++) { /* windows before are skipped */
        struct postings_cursor cursor;
        postings_open(&cursor, &lists.index, TERM);
        for (u32 window = first; window < 3; window++) {
            u16 docs[INDEX_WINDOW_DOCS + GUARD];
            u8 impacts[INDEX_WINDOW_DOCS + GUARD];
            memset(docs, 0xaa, sizeof docs);
            memset(impacts, 0xaa, sizeof impacts);
            const u32 skipped = window == 0; /* there is no document 0 */
            const u32 count = postings_window(&cursor, window, docs, impacts);
            assert_int_equal(count, INDEX_WINDOW_DOCS - skipped);
            for (u32 i = 0; i < count; i++) {
                assert_int_equal(docs[i], i + skipped);
                assert_int_equal(impacts[i],
                                 (window * INDEX_WINDOW_DOCS + i + skipped - 1) % 251 + 1);
            }
            for (u32 i = count; i < ARRAY_COUNT(docs); i++)
                assert_true(docs[i] == 0xaaaa && impacts[i] == 0xaa);
        }
        assert_int_equal(cursor.doc, POSTINGS_DOC_END);
    }
    lists_close(&lists);
}

/* A cursor stands far back in a list whose begin becomes short: its segment has another number then. */
static void a_cursor_finds_its_place_after_purges(void **state)
{
    (void)state;
    enum { COUNT = 60000, GONE = 30000, TERM = 1 };
    for (u32 way = 0; way < 4; way++) {
        struct lists lists;
        lists_open(&lists);
        for (u32 i = 1; i <= COUNT; i++)
            postings_append(&lists.index.postings, TERM, add_bare(&lists),
                            (u8)(i % 5000 == 0 ? 200 + i / 5000 : 3));
        struct postings_cursor cursor;
        postings_open(&cursor, &lists.index, TERM);
        assert_int_equal(postings_seek(&cursor, 40000), 40000);
        const u32 segment = cursor.segment;
        for (u32 doc = 1; doc <= GONE; doc++)
            kill_bare(&lists, doc, TERM);
        assert_true(postings_list_of(&lists.index.postings, TERM)->segment_count <= segment);
        u32 last_doc;
        if (way == 0) { /* step by step to the end */
            u32 doc = 40000;
            while (postings_next(&cursor) != POSTINGS_DOC_END)
                assert_int_equal(cursor.doc, ++doc);
            assert_int_equal(doc, COUNT);
            lists_close(&lists);
            continue;
        } else if (way == 1) {
            assert_int_equal(postings_seek(&cursor, 45000), 45000);
            assert_int_equal(cursor.impact, 209);
        } else if (way == 2) {
            for (u32 doc = 40000; doc <= COUNT; doc += 5000)
                assert_true(postings_window_max(&cursor, doc / INDEX_WINDOW_DOCS) >=
                            200 + doc / 5000);
        } else {
            for (u32 doc = 40000; doc <= COUNT; doc += 5000)
                assert_true(postings_block_max(&cursor, doc, &last_doc) >= 200 + doc / 5000);
        }
        u32 count = 0;
        for (u32 doc = postings_seek(&cursor, 50001); doc != POSTINGS_DOC_END;
             doc = postings_next(&cursor))
            count++;
        assert_int_equal(count, COUNT - 50000);
        lists_close(&lists);
    }
}

/* In the tail, the bounds see what is before the cursor only. */
static void bounds_of_a_short_list_are_exact(void **state)
{
    (void)state;
    struct lists lists;
    lists_open(&lists);
    for (u32 i = 0; i < 3 * INDEX_WINDOW_DOCS; i++) {
        const u32 doc = add_bare(&lists);
        if (doc % 1000 == 0)
            postings_append(&lists.index.postings, 1, doc, (u8)(doc / 1000 * 10));
    }
    struct postings_cursor cursor;
    u32 last_doc;
    postings_open(&cursor, &lists.index, 1);
    assert_int_equal(postings_window_max(&cursor, 0), 40);
    assert_int_equal(postings_window_max(&cursor, 1), 80);
    assert_int_equal(postings_window_max(&cursor, 2), 120);
    assert_int_equal(postings_window_max(&cursor, 3), 0);
    assert_int_equal(postings_block_max(&cursor, 1, &last_doc), 120);
    assert_int_equal(postings_seek(&cursor, 8500), 9000);
    assert_int_equal(postings_window_max(&cursor, 1), 0);
    assert_int_equal(postings_window_max(&cursor, 2), 120);
    lists_close(&lists);
}

/* Dead ones leave at a quarter; small neighbours become one; when all are gone so is the memory. */
static void purges_leave_what_lives_and_give_memory_back(void **state)
{
    (void)state;
    enum { COUNT = 313 * POSTINGS_BLOCK, TERM = 2 }; /* the tail is empty at the end */
    struct fuzz fuzz = fuzz_begin("purges");
    struct lists lists;
    lists_open(&lists);
    struct postings_room *room = &lists.index.postings;
    u32 *order = calloc(COUNT, sizeof *order);
    assert_non_null(order);
    for (u32 i = 0; i < COUNT; i++) {
        order[i] = add_bare(&lists);
        postings_append(room, TERM, order[i], (u8)(1 + fuzz_below(&fuzz, 255)));
    }
    const u64 full_bytes = room->bytes;
    for (u32 i = COUNT - 1; i > 0; i--) {
        const u32 other = fuzz_below(&fuzz, i + 1);
        const u32 doc = order[i];
        order[i] = order[other];
        order[other] = doc;
    }
    for (u32 i = 0; i < COUNT; i++) {
        kill_bare(&lists, order[i], TERM);
        const struct postings_list *list = postings_list_of(room, TERM);
        assert_int_equal(list->df, COUNT - 1 - i);
        assert_true(list->count - list->df <= list->count / 4 + 4);
        if (i % 3001 == 0 || i + 50 > COUNT) {
            assert_true(postings_list_valid(room, TERM));
            struct postings_cursor cursor;
            postings_open(&cursor, &lists.index, TERM);
            u32 live_count = 0;
            for (; cursor.doc != POSTINGS_DOC_END; (void)postings_next(&cursor))
                live_count += index_is_live(&lists.index, cursor.doc);
            assert_int_equal(live_count, COUNT - 1 - i);
        }
        if (COUNT - 1 - i == COUNT / 20)
            assert_true(room->bytes < full_bytes / 4);
    }
    assert_int_equal(room->bytes, 0);
    assert_int_equal(room->count, 0);
    assert_int_equal(index_df(&lists.index, TERM), 0);
    assert_int_equal(index_impact_max(&lists.index, TERM), 0);
    free(order);
    lists_close(&lists);
}

/* Neighbours of a purged segment are looked at, so that many small ones do not remain. */
static void small_segments_become_one(void **state)
{
    (void)state;
    enum { COUNT = 60000, TERM = 1 };
    struct lists lists;
    lists_open(&lists);
    struct postings_room *room = &lists.index.postings;
    for (u32 i = 0; i < COUNT; i++)
        postings_append(room, TERM, add_bare(&lists), 9);
    const u32 before = postings_list_of(room, TERM)->segment_count;
    assert_true(before >= 7);
    for (u32 doc = 1; doc <= COUNT; doc++)
        if (doc % 50 != 0)
            kill_bare(&lists, doc, TERM);
    assert_true(postings_list_valid(room, TERM));
    assert_true(postings_list_of(room, TERM)->segment_count <= 2);
    assert_int_equal(index_df(&lists.index, TERM), COUNT / 50);
    lists_close(&lists);
}

/* Gaps that need many bits appear only when what was between is gone: more bytes than before. */
static void a_purge_that_needs_more_room_makes_more_segments(void **state)
{
    (void)state;
    enum { TERM = 1, RUN = 15 };
    struct lists lists;
    lists_open(&lists);
    struct postings_room *room = &lists.index.postings;
    /* Runs of neighbours, far apart, 16 in each block: each block has one wide gap or none. */
    u32 kept[6000];
    u32 kept_count = 0;
    for (u32 doc = 0; doc < 900000; doc = index_end(&lists.index)) {
        for (u32 i = 0; i < RUN; i++) {
            const u32 added = add_bare(&lists);
            postings_append(room, TERM, added, 1);
            if (i == 0 && kept_count < ARRAY_COUNT(kept))
                kept[kept_count++] = added;
        }
        for (u32 i = 0; i < 2000; i++)
            (void)add_bare(&lists);
    }
    const u32 before = postings_list_of(room, TERM)->count;
    for (u32 i = 0; i < kept_count; i++)
        for (u32 k = 1; k < RUN; k++)
            kill_bare(&lists, kept[i] + k, TERM);
    assert_true(postings_list_valid(room, TERM));
    assert_int_equal(index_df(&lists.index, TERM), before - kept_count * (RUN - 1));
    struct postings_cursor cursor;
    postings_open(&cursor, &lists.index, TERM);
    for (u32 i = 0; i < kept_count; i++) {
        assert_int_equal(postings_seek(&cursor, kept[i]), kept[i]);
        (void)postings_next(&cursor);
    }
    lists_close(&lists);
}

/* Every posting that is great enough comes, in order; none of the others but where many blocks were looked
 * at; and it is said when one was left out. Postings are added and die on the way. */
static void only_great_impacts_come(void **state)
{
    (void)state;
    enum { DOCS = 70000 };
    static u8 impacts[DOCS + 1];
    struct fuzz fuzz = fuzz_begin("above");
    for (u32 round = 0; round < 30; round++) {
        struct lists lists;
        struct postings_cursor cursor;
        lists_open(&lists);
        memset(impacts, 0, sizeof impacts);
        const u32 sparse = 1 + fuzz_below(&fuzz, 40), count = 1 + fuzz_below(&fuzz, DOCS / 2);
        const u8 most = (u8)(1 + fuzz_below(&fuzz, 255)), least = (u8)(1 + fuzz_below(&fuzz, 255));
        for (u32 doc = 1; doc <= count; doc++) {
            assert_int_equal(add_bare(&lists), doc);
            if (fuzz_below(&fuzz, sparse) != 0)
                continue;
            impacts[doc] = (u8)(1 + fuzz_below(&fuzz, fuzz_below(&fuzz, 50) == 0 ? 255 : most));
            postings_append(&lists.index.postings, 1, doc, impacts[doc]);
        }
        for (u32 n = 0; n < 100; n++) {
            const u32 doc = 1 + fuzz_below(&fuzz, count);
            assert_int_equal(postings_impact_of(&lists.index, 1, doc), impacts[doc]);
        }
        postings_open(&cursor, &lists.index, 1);
        for (u32 doc = cursor.doc, next; doc != POSTINGS_DOC_END; doc = next) {
            struct postings_walk walk = {0};
            bool has_less = false;
            assert_int_equal(cursor.impact, impacts[doc]);
            if (fuzz_below(&fuzz, 200) == 0) /* moves what the cursor looks at */
                for (u32 n = 0; n < 130; n++) {
                    const u32 added = add_bare(&lists);
                    if (added <= DOCS) {
                        impacts[added] = (u8)(1 + n);
                        postings_append(&lists.index.postings, 1, added, impacts[added]);
                    }
                }
            next = postings_next_above(&cursor, least, &walk);
            assert_true(next > doc);
            for (u32 i = doc + 1; i <= DOCS && i < next; i++) {
                assert_true(impacts[i] < least);
                has_less = has_less || impacts[i] != 0;
            }
            if (has_less)
                assert_true(walk.has_skipped);
            if (next != POSTINGS_DOC_END && impacts[next] < least)
                assert_true(walk.work > 512); /* it has looked at very many blocks */
        }
        lists_close(&lists);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_every_width_come_back),
        cmocka_unit_test(a_new_term_is_at_the_end_at_once),
        cmocka_unit_test(bounds_are_of_their_block_and_window),
        cmocka_unit_test(windows_end_where_they_should),
        cmocka_unit_test(a_cursor_finds_its_place_after_purges),
        cmocka_unit_test(only_great_impacts_come),
        cmocka_unit_test(bounds_of_a_short_list_are_exact),
        cmocka_unit_test(purges_leave_what_lives_and_give_memory_back),
        cmocka_unit_test(small_segments_become_one),
        cmocka_unit_test(a_purge_that_needs_more_room_makes_more_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
