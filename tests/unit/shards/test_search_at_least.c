/* test_search_at_least: totals that may be lower bounds: what is left out, and what has to be counted all the
 * same. One shard of two windows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

#define WINDOW 4096u
#define LONG \
    " one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"

static struct sx sx;

static void put(u32 number, const char *title)
{
    char code[16];
    (void)snprintf(code, sizeof code, "P%u", number);
    sx_put(&sx, code, .title = title);
}

/* `first` products have both words and nothing else; `later` ones, in the next window, much beside. Each word
 * alone is frequent, so that no way along a rare word is taken. */
static void fill(u32 first, u32 later)
{
    sx_open(&sx, 1);
    for (u32 i = 0; i < 2 * WINDOW; i++) {
        const bool is_later = i >= WINDOW;
        const u32 place = i % WINDOW;
        if (place < (is_later ? later : first))
            put(i, is_later ? "alpha beta" LONG : "alpha beta");
        else if (place < 1000)
            put(i, place % 2 == 0 ? "alpha" LONG : "beta" LONG);
        else
            put(i, "gamma");
    }
}

static int close_shop(void **state)
{
    (void)state;
    sx_close(&sx);
    return 0;
}

/* With one match less words would be dropped: then all are counted, though the page is full long before. */
static void matches_are_counted_while_words_may_be_dropped(void **state)
{
    (void)state;
    fill(19, 6);
    sx_ask(&sx, .query = "alpha beta ", .limit = 1, .flags = SEARCH_FLAG_AT_LEAST);
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.rsp.words_required, 2);
    assert_int_equal(sx.rsp.notes & SEARCH_NOTE_DROPPED, 0);
    assert_true(sx.rsp.total >= 20);
    assert_true(sx.rsp.total <= 25);
}

/* One more, and the second window has nothing for the page. */
static void what_cannot_change_the_page_is_left_out(void **state)
{
    (void)state;
    fill(20, 6);
    sx_ask(&sx, .query = "alpha beta ", .limit = 1, .flags = SEARCH_FLAG_AT_LEAST);
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.rsp.words_required, 2);
    assert_int_equal(sx.rsp.notes, SEARCH_NOTE_AT_LEAST);
    assert_int_equal(sx.rsp.total, 20);
    sx_ask(&sx, .query = "alpha beta ", .limit = 1);
    assert_int_equal(sx.rsp.notes, 0);
    assert_int_equal(sx.rsp.total, 26);
}

static void too_few_matches_are_too_few(void **state)
{
    (void)state;
    fill(13, 6);
    sx_ask(&sx, .query = "alpha beta ", .limit = 1, .flags = SEARCH_FLAG_AT_LEAST);
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.rsp.words_required, 1);
    assert_int_equal(sx.rsp.notes & SEARCH_NOTE_DROPPED, SEARCH_NOTE_DROPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(matches_are_counted_while_words_may_be_dropped, close_shop),
        cmocka_unit_test_teardown(what_cannot_change_the_page_is_left_out, close_shop),
        cmocka_unit_test_teardown(too_few_matches_are_too_few, close_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
