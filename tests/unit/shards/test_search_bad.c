/* test_search_bad: what nobody should send: every plane of Unicode, bytes that are no text, ten thousand words, brackets
 * without end, pages without number, cursors that were tampered with. Each is answered or refused with its place,
 * and no shard is asked for what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_offer.h"
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static void put_some(void)
{
    char code[16], title[64];
    for (u32 i = 0; i < 300; i++) {
        snprintf(code, sizeof code, "P%03u", i);
        snprintf(title, sizeof title, "Lamp %u number%u", i, i % 7);
        sx_put(&sx, code, .title = title, .brand = i % 2 != 0 ? "Acme" : "Zeta",
               .category = "home/light", .attributes = "color=red", .price = 100 + i % 9);
    }
    feeder_flush(sx.feeder);
}

SX_SHOP(put_some)

/* Refused by the gather itself, at this byte. */
static void expect_refused(u16 status, u32 at)
{
    assert_int_equal(sx.status, status);
    assert_int_equal(sx.rsp.error_at, at);
    assert_true(sx.view.spans[SPAN_OF(search_rsp, problem)].bytes != 0);
    assert_int_equal(sx.loop->use.asks, 0);
    assert_int_equal(sx.hit_count, 0);
}

static u32 write_utf8(u32 point, char *to)
{
    u32 used = 0;
    if (point < 0x80) {
        to[used++] = (char)point;
    } else if (point < 0x800) {
        to[used++] = (char)(0xc0 | point >> 6);
        to[used++] = (char)(0x80 | (point & 63));
    } else if (point < 0x10000) {
        to[used++] = (char)(0xe0 | point >> 12);
        to[used++] = (char)(0x80 | (point >> 6 & 63));
        to[used++] = (char)(0x80 | (point & 63));
    } else {
        to[used++] = (char)(0xf0 | point >> 18);
        to[used++] = (char)(0x80 | (point >> 12 & 63));
        to[used++] = (char)(0x80 | (point >> 6 & 63));
        to[used++] = (char)(0x80 | (point & 63));
    }
    to[used] = 0;
    return used;
}

static bool is_letter(u32 point)
{
    struct text_reader reader;
    struct text_word word;
    char text[8];
    text_begin(&reader, (struct span){.data = (const u8 *)text, .bytes = write_utf8(point, text)});
    return text_next(&reader, &word);
}

/* Of each plane some points: as a query among words, as a title that is found again by itself. */
static void every_plane_is_text(void **state)
{
    (void)state;
    u32 letters = 0;
    for (u32 plane = 0; plane <= 16; plane++)
        for (u32 i = 0; i < 24; i++) {
            char query[64] = "lamp ", code[16], point_text[8];
            const u32 point = plane << 16 | (i == 0 ? 0 : i == 1 ? 0xffff : (i * 2749u) & 0xffff);
            if ((point >= 0xd800 && point <= 0xdfff) || point < 0x21)
                continue;
            (void)write_utf8(point, point_text);
            strcat(query, point_text);
            sx_ask(&sx, .query = query);
            assert_true(sx.status == STATUS_OK || sx.status == STATUS_BAD_QUERY);
            sx_ask(&sx, .query = "lamp", .filter = query + 5);
            assert_true(sx.status == STATUS_BAD_FILTER);
            snprintf(code, sizeof code, "U%x", point);
            snprintf(query, sizeof query, "%s%s%s", point_text, point_text, point_text);
            sx_put(&sx, code, .title = query, .brand = query);
            if (!is_letter(point))
                continue;
            letters++;
            sx_ask(&sx, .query = query, .flags = SEARCH_FLAG_NO_DROP, .limit = 100);
            assert_int_equal(sx.status, STATUS_OK);
            assert_non_null(strstr(sx_codes(&sx), code));
        }
    assert_true(letters > 40);
    assert_int_equal(feeder_refused(sx.feeder), 0);
}

static void bytes_that_are_no_text_are_refused_where_they_stand(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80", /* goes on without a beginning */
        "\xbf",
        "\xc0\xaf", /* longer than needed */
        "\xc1\xbf",
        "\xe0\x80\xaf",
        "\xf0\x80\x80\xaf",
        "\xed\xa0\x80", /* half of a pair */
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", /* beyond the last plane */
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3", /* ends too early */
        "\xe2\x82",
        "\xf0\x9f\x98",
    };
    char query[64];
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
        snprintf(query, sizeof query, "lamp caf\303\251 %s", bad[i]);
        sx_ask(&sx, .query = query);
        expect_refused(STATUS_BAD_QUERY, 11);
        snprintf(query, sizeof query, "%s lamp", bad[i]);
        sx_ask(&sx, .query = query);
        expect_refused(STATUS_BAD_QUERY, 0);
    }
    const struct msg_search_req req = {.limit = 10};
    const struct span zero[MESSAGE_SPANS_MAX] = {{.data = (const u8 *)"lamp\0red", .bytes = 8}};
    const u16 status = gather_loop_ask(sx.loop, OPCODE_SEARCH, feeder_now_ns(sx.feeder), &req, zero,
                                       &sx.rsp, &sx.view);
    assert_true(status == STATUS_OK || status == STATUS_BAD_QUERY);
}

static void too_many_words_are_refused(void **state)
{
    (void)state;
    static char words[40000];
    /* As many as a query may have bytes for. */
    memset(words, 'a', sizeof words);
    for (u32 i = 1; i < QUERY_BYTES_MAX; i += 2)
        words[i] = ' ';
    words[QUERY_BYTES_MAX] = 0;
    sx_ask(&sx, .query = words);
    expect_refused(STATUS_BAD_QUERY, 2 * QUERY_WORDS_MAX);
    for (u32 i = 0; i < QUERY_BYTES_MAX; i++)
        words[i] = i % 3 == 2 ? ' ' : '-'; /* exclusions of nothing */
    sx_ask(&sx, .query = words);
    assert_true(sx.status == STATUS_OK || sx.status == STATUS_BAD_QUERY);
    memset(words, '"', QUERY_BYTES_MAX);
    sx_ask(&sx, .query = words);
    assert_true(sx.status == STATUS_OK || sx.status == STATUS_BAD_QUERY);
    memset(words, 'x', QUERY_BYTES_MAX); /* one word that is too long to be in any text */
    sx_ask(&sx, .query = words, .flags = SEARCH_FLAG_NO_DROP);
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.rsp.total, 0);
    /* Ten thousand words do not fit into a record: the frame is refused before anything looks at it. */
    const struct message_info *info = message_find(OPCODE_SEARCH);
    static u8 body[64u << 10];
    struct frame_refusal refusal;
    for (u32 i = 0; i < sizeof words; i++)
        words[i] = i % 4 == 3 ? ' ' : 'a';
    const struct msg_search_req req = {.limit = 10};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        {.data = (const u8 *)words, .bytes = QUERY_BYTES_MAX}};
    u32 bytes = frame_record_write(info, FRAME_DIRECTION_REQUEST, body, sizeof body, &req, spans);
    assert_true(bytes != 0);
    assert_true(frame_records_valid(info, FRAME_DIRECTION_REQUEST, body, bytes, 1, &refusal));
    const u32 long_bytes = sizeof words;
    memcpy(body + sizeof req, &long_bytes, sizeof long_bytes);
    memcpy(body + sizeof req + sizeof long_bytes, words, sizeof words);
    memset(body + sizeof req + sizeof long_bytes + sizeof words, 0, 64);
    bytes = (u32)(sizeof req + 4 * sizeof(u32) + sizeof words);
    assert_false(frame_records_valid(info, FRAME_DIRECTION_REQUEST, body, bytes, 1, &refusal));
}

static void filters_without_end_are_refused(void **state)
{
    (void)state;
    static char filter[FILTER_BYTES_MAX + 1];
    /* A thousand brackets: the first that is too deep. */
    memset(filter, '(', 1000);
    snprintf(filter + 1000, sizeof filter - 1000, "price:1..");
    memset(filter + 1009, ')', 1000);
    filter[2009] = 0;
    sx_ask(&sx, .filter = filter);
    expect_refused(STATUS_BAD_FILTER, 16);
    /* A thousand NOTs are no brackets; an even number is none. */
    for (u32 i = 0; i < 1000; i++)
        memcpy(filter + i * 4, "NOT ", 4);
    snprintf(filter + 4000, sizeof filter - 4000, "price:100..104");
    sx_ask(&sx, .filter = filter);
    assert_true(sx.status == STATUS_OK || sx.status == STATUS_BAD_FILTER);
    if (sx.status == STATUS_OK) {
        const u64 even = sx.rsp.total;
        sx_ask(&sx, .filter = "price:100..104");
        assert_int_equal(sx.rsp.total, even);
    }
    /* Terms: 256 are many, one more is too many. */
    u32 used = 0;
    for (u32 i = 0; i < 256; i++)
        used += (u32)snprintf(filter + used, sizeof filter - used, "%sprice:%u",
                              i != 0 ? " OR " : "", 100 + i % 3);
    sx_ask(&sx, .filter = filter);
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.rsp.total, 102);
    snprintf(filter + used, sizeof filter - used, " OR price:9");
    sx_ask(&sx, .filter = filter);
    expect_refused(STATUS_BAD_FILTER, used + 4);
    static const struct {
        const char *filter;
        u32 at;
    } broken[] = {{"(", 0},         {"(price:1", 0},   {"price:1)", 7},    {"price", 0},
                  {"price:", 6},    {"AND", 0},        {"price:1 AND", 8}, {"price:x", 6},
                  {"brand:\"a", 6}, {"price:5..1", 6}, {"nothing:1", 0}};
    for (u32 i = 0; i < ARRAY_COUNT(broken); i++) {
        sx_ask(&sx, .filter = broken[i].filter);
        assert_int_equal(sx.status, STATUS_BAD_FILTER);
        if (sx.rsp.error_at != broken[i].at)
            fail_msg("%s: at %u", broken[i].filter, sx.rsp.error_at);
    }
    sx_ask(&sx, .facets = "brand,nothing");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    sx_ask(&sx, .facets = "brand:99999999999999999999");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
}

static void numbers_beyond_their_limits_are_refused(void **state)
{
    (void)state;
    static const u32 beyond[] = {1000000000u, UINT32_MAX};
    for (u32 i = 0; i < ARRAY_COUNT(beyond); i++) {
        sx_ask(&sx, .query = "lamp", .offset = beyond[i]);
        assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
        sx_ask(&sx, .query = "lamp", .limit = beyond[i]);
        assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
        assert_int_equal(sx.loop->use.asks, 0);
    }
    sx_ask(&sx, .query = "lamp", .offset = SEARCH_OFFSET_MAX + 1);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .query = "lamp", .offset = SEARCH_OFFSET_MAX);
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.hit_count, 0);
    assert_int_equal(sx.rsp.total, 300);
    sx_ask(&sx, .query = "lamp", .limit = SEARCH_LIMIT_MAX + 1);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .query = "lamp", .sort = SEARCH_SORT_COUNT);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .query = "lamp", .flags = 0x8000);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .query = "lamp", .ads = 11);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .query = "lamp", .bars = 51);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
}

static void cursors_that_were_changed_are_refused(void **state)
{
    (void)state;
    u8 cursor[CURSOR_BYTES_MAX + 1];
    sx_ask(&sx, .query = "lamp", .limit = 7);
    const struct span at = sx.view.spans[SPAN_OF(search_rsp, cursor)];
    assert_true(at.bytes != 0 && at.bytes <= CURSOR_BYTES_MAX);
    memset(cursor, 0, sizeof cursor);
    memcpy(cursor, at.data, at.bytes);
    const u32 bytes = at.bytes;
    const struct span good = {.data = cursor, .bytes = bytes};
#define ASK_ON(...) sx_ask(&sx, .cursor = good, .limit = 7, __VA_ARGS__)
    ASK_ON(.query = "lamp");
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.hit_count, 7);
    for (u32 bit = 0; bit < bytes * 8; bit++) {
        cursor[bit / 8] ^= (u8)(1u << bit % 8);
        ASK_ON(.query = "lamp");
        assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
        assert_int_equal(sx.loop->use.asks, 0);
        cursor[bit / 8] ^= (u8)(1u << bit % 8);
    }
    for (u32 cut = 1; cut <= CURSOR_BYTES_MAX; cut++) {
        sx_ask(&sx, .query = "lamp", .limit = 7, .cursor = {.data = cursor, .bytes = cut});
        assert_int_equal(sx.status, cut == bytes ? STATUS_OK : STATUS_CURSOR_MISMATCH);
    }
    /* Of another search. */
    ASK_ON(.query = "lamps");
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    ASK_ON(.query = "lamp", .filter = "price:1..");
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    ASK_ON(.query = "lamp", .sort = SEARCH_SORT_PRICE_UP);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    ASK_ON(.query = "lamp", .flags = SEARCH_FLAG_NO_TYPOS);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    ASK_ON(.query = "lamp", .user_id = 5);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    ASK_ON(.query = "lamp", .only_product_id = 5);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    ASK_ON(.query = "lam", .filter = "p");
    assert_true(sx.status != STATUS_OK);
}

/* What is not refused has its bounds: the work of the most that a query may say. */
static void the_most_that_may_be_asked_ends_soon(void **state)
{
    (void)state;
    char words[QUERY_BYTES_MAX];
    u32 used = 0;
    for (u32 i = 0; i < QUERY_WORDS_MAX; i++)
        used += (u32)snprintf(words + used, sizeof words - used, "%snumbr%uxlampplanetarium",
                              i != 0 ? " " : "", i);
    sx_ask(&sx, .query = words, .facets = "brand,category,color,price", .limit = 100, .bars = 50);
    assert_int_equal(sx.status, STATUS_OK);
    assert_true(sx.loop->use.rounds <= 8);
    assert_true(sx.loop->use.slices < 400);
    used = 0;
    for (u32 i = 0; i < QUERY_WORDS_MAX; i++)
        used += (u32)snprintf(words + used, sizeof words - used, "%slam%c", i != 0 ? " " : "",
                              'a' + (int)(i % 26));
    sx_ask(&sx, .query = words, .facets = "brand,category,color,price", .limit = 100, .bars = 50);
    assert_int_equal(sx.status, STATUS_OK);
    assert_true(sx.loop->use.slices < 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SX_ON_BOTH(every_plane_is_text),
        SX_ON_BOTH(bytes_that_are_no_text_are_refused_where_they_stand),
        SX_ON_BOTH(too_many_words_are_refused),
        SX_ON_BOTH(filters_without_end_are_refused),
        SX_ON_BOTH(numbers_beyond_their_limits_are_refused),
        SX_ON_BOTH(cursors_that_were_changed_are_refused),
        SX_ON_BOTH(the_most_that_may_be_asked_ends_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
