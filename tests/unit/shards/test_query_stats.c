/* test_query_stats: queries that are counted: exactly while there are few, never too often, and what is asked
 * most is surely there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_stats.h"
#include "proto/text.h"
#include "tests/unit/shards/search_fixture.h"

/* ---- the counters ---- */

static struct store_memory memory;
static struct query_stats stats;
static struct row_query_count rows[QUERY_STATS_ROWS];

static int open_stats(void **state)
{
    (void)state;
    store_memory_init(&memory);
    query_stats_init(&stats, &memory);
    return 0;
}

static int close_stats(void **state)
{
    (void)state;
    query_stats_deinit(&stats);
    assert_int_equal(memory.used_bytes, 0);
    return 0;
}

static void see(const char *query, u64 total)
{
    query_stats_see(&stats, sx_text(query), total, 1000 + stats.asked);
}

static void assert_query(const struct row_query_count *row, const char *query)
{
    assert_int_equal(text64_bytes(&row->query), strlen(query));
    assert_memory_equal(row->query.bytes, query, strlen(query));
}

static void few_queries_are_counted_exactly(void **state)
{
    (void)state;
    assert_int_equal(query_stats_rows(&stats, false, rows, 10), 0);
    see("", 5); /* no query is no query */
    assert_int_equal(stats.asked, 0);
    assert_int_equal(memory.used_bytes, 0);
    for (u32 i = 0; i < 3; i++)
        see("lamp", 7);
    see("mug", 0);
    see("cup", 1);
    see("cup", 0);
    assert_int_equal(stats.asked, 6);
    assert_int_equal(stats.empty, 2);
    assert_int_equal(query_stats_rows(&stats, false, rows, 10), 3);
    assert_query(&rows[0], "lamp");
    assert_int_equal(rows[0].asked, 3);
    assert_int_equal(rows[0].empty, 0);
    assert_int_equal(rows[0].last_ns, 1002);
    assert_query(&rows[1], "cup");
    assert_int_equal(rows[1].asked, 2);
    assert_int_equal(rows[1].empty, 1);
    assert_query(&rows[2], "mug");
    /* Those without a hit: equal counts by their text. */
    assert_int_equal(query_stats_rows(&stats, true, rows, 10), 2);
    assert_query(&rows[0], "cup");
    assert_int_equal(rows[0].asked, 1);
    assert_query(&rows[1], "mug");
    assert_int_equal(query_stats_rows(&stats, false, rows, 1), 1);
    assert_query(&rows[0], "lamp");
    assert_int_equal(query_stats_rows(&stats, false, rows, 0), 0);
    assert_true(query_stats_valid(&stats));
}

static void long_queries_are_cut_between_letters(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof text);
    memcpy(text + 62, "\303\244 and more", 10); /* a letter of two bytes at the border */
    text[100] = 0;
    see(text, 1);
    assert_int_equal(query_stats_rows(&stats, false, rows, 1), 1);
    assert_int_equal(text64_bytes(&rows[0].query), 62);
    text[62] = 'y';
    text[63] = 0;
    see(text, 1);
    assert_int_equal(query_stats_rows(&stats, false, rows, 2), 2);
}

#define KINDS 5000u

/* Of "query 123". */
static u32 kind_of(const struct row_query_count *row)
{
    u32 kind = 0;
    for (const u8 *at = row->query.bytes + strlen("query "); *at != 0; at++)
        kind = kind * 10 + (u32)(*at - '0');
    return kind;
}

/* By Zipf, in any order, some without a hit; the exact counts beside. */
static void what_is_asked_most_is_surely_there(void **state)
{
    (void)state;
    static u32 asked[KINDS], empty[KINDS];
    char text[32];
    u32 seed = 1;
    const u32 total = 60000;
    memset(asked, 0, sizeof asked);
    memset(empty, 0, sizeof empty);
    for (u32 i = 0; i < total; i++) {
        seed = seed * 1664525u + 1013904223u;
        const u32 range = 1u << (seed >> 28);
        seed = seed * 1664525u + 1013904223u;
        const u32 kind = MIN((seed >> 8) % (range * 2), KINDS - 1);
        snprintf(text, sizeof text, "query %u", kind);
        see(text, kind % 3);
        asked[kind]++;
        empty[kind] += kind % 3 == 0;
        if (i % 1024 == 0)
            assert_true(query_stats_valid(&stats));
    }
    assert_int_equal(stats.asked, total);
    for (u32 table = 0; table < 2; table++) {
        const u32 *exact = table == 0 ? asked : empty;
        u64 seen = 0;
        static bool is_there[KINDS];
        memset(is_there, 0, sizeof is_there);
        const u32 count = query_stats_rows(&stats, table == 1, rows, QUERY_STATS_ROWS);
        assert_int_equal(count, QUERY_STATS_ROWS);
        for (u32 i = 0; i < count; i++) {
            const u32 kind = kind_of(&rows[i]);
            assert_true(kind < KINDS && !is_there[kind]);
            is_there[kind] = true;
            assert_true(rows[i].asked <= exact[kind]); /* at least that often */
            assert_true(rows[i].empty <= empty[kind]);
            assert_true(i == 0 || rows[i].asked <= rows[i - 1].asked);
        }
        for (u32 i = 0; i < KINDS; i++)
            seen += exact[i];
        for (u32 i = 0; i < KINDS; i++)
            assert_true(is_there[i] || exact[i] <= seen / QUERY_STATS_ROWS);
    }
    assert_true(memory.used_bytes <= 2 * sizeof(struct query_table));
}

/* ---- searches that are counted ---- */

static struct sx sx;

static int open_three(void **state)
{
    (void)state;
    sx_open(&sx, 3);
    sx_put(&sx, "A", .title = "Lamp one");
    sx_put(&sx, "B", .title = "Lamp two");
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    sx_close(&sx);
    return 0;
}

/* "lamp 3/0,cup 1/1" of all shards, in their order. */
static const char *counted(u32 table)
{
    static char text[1024];
    u32 used = 0;
    text[0] = 0;
    for (u16 shard = 0; shard < 3; shard++) {
        const struct msg_query_stats_req req = {.limit = 100};
        struct record_view view;
        assert_int_equal(gather_loop_ask_shard(sx.loop, shard, OPCODE_QUERY_STATS,
                                               feeder_now_ns(sx.feeder), &req, NULL, NULL, &view),
                         STATUS_OK);
        const struct span span = view.spans[table];
        for (u32 at = 0; at < span.bytes; at += (u32)sizeof rows[0]) {
            memcpy(&rows[0], span.data + at, sizeof rows[0]);
            used += (u32)snprintf(text + used, sizeof text - used, "%s%s %u/%u",
                                  used != 0 ? "," : "", (const char *)rows[0].query.bytes,
                                  (u32)rows[0].asked, (u32)rows[0].empty);
        }
    }
    return text;
}

static void first_pages_of_searches_are_counted(void **state)
{
    (void)state;
    u8 cursor[CURSOR_BYTES_MAX];
    sx_ask(&sx, .query = "lamp", .limit = 1);
    const struct span at = sx.view.spans[SPAN_OF(search_rsp, cursor)];
    assert_true(at.bytes != 0);
    memcpy(cursor, at.data, at.bytes);
    sx_ask(&sx, .query = "lamp", .limit = 1, .cursor = {.data = cursor, .bytes = at.bytes});
    assert_int_equal(sx.status, STATUS_OK);
    sx_ask(&sx, .query = "lamp", .limit = 1, .offset = 1);
    assert_string_equal(counted(0), "lamp 1/0");
    sx_ask(&sx, .query = "  L\303\204MP ", .limit = 1); /* folded */
    sx_ask(&sx, .query = "LAMP ", .limit = 1);
    sx_ask(&sx, .filter = "price:1..", .limit = 1); /* no words */
    assert_int_equal(sx.status, STATUS_OK);
    assert_string_equal(counted(0), "lamp 3/0");
    assert_string_equal(counted(1), "");
    sx_ask(&sx, .query = "zebra crossing ", .flags = SEARCH_FLAG_NO_DROP);
    sx_ask(&sx, .query = "lamp", .filter = "price:5000..");
    assert_non_null(strstr(counted(1), "zebra crossing 1/1"));
    assert_non_null(strstr(counted(1), "lamp 1/1"));
    assert_non_null(strstr(counted(0), "lamp 4/1"));
    sx_ask(&sx, .query = "\"one lamp\" -two");
    assert_non_null(strstr(counted(0), "\"one lamp\" -two 1/1"));
    sx_ask(&sx, .query = "lamp", .filter = "price:"); /* refused */
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    assert_non_null(strstr(counted(0), "lamp 4/1"));
    feeder_restart(sx.feeder);
    assert_string_equal(counted(0), ""); /* since the start */
}

static void rows_that_cannot_be_asked_for_are_refused(void **state)
{
    (void)state;
    static const u32 limits[] = {0, 101, UINT32_MAX};
    for (u32 i = 0; i < ARRAY_COUNT(limits); i++) {
        const struct msg_query_stats_req req = {.limit = limits[i]};
        assert_int_equal(gather_loop_ask_shard(sx.loop, 0, OPCODE_QUERY_STATS,
                                               feeder_now_ns(sx.feeder), &req, NULL, NULL, NULL),
                         STATUS_BAD_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(few_queries_are_counted_exactly, open_stats, close_stats),
        cmocka_unit_test_setup_teardown(long_queries_are_cut_between_letters, open_stats,
                                        close_stats),
        cmocka_unit_test_setup_teardown(what_is_asked_most_is_surely_there, open_stats,
                                        close_stats),
        cmocka_unit_test_setup_teardown(first_pages_of_searches_are_counted, open_three, close_all),
        cmocka_unit_test_setup_teardown(rows_that_cannot_be_asked_for_are_refused, open_three,
                                        close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
