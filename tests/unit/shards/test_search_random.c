/* test_search_random: random catalogs and questions: one shard and four say the same, before and after a
 * restart, with answers in any order; and bad questions are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

#define PRODUCTS  300u
#define QUESTIONS 600u

static u64 seed;

static u32 pick(u32 below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)((seed >> 33) % below);
}

static const char *const words[] = {"white",  "heart",  "hanging", "lantern", "holder", "metal",
                                    "red",    "retro",  "spot",    "bag",     "bottle", "hot",
                                    "water",  "hotter", "wood",    "wooden",  "tea",    "pot",
                                    "teapot", "64gb",   "gb",      "mq8n2b",  "kd49xf", "lanterns"};
static const char *const colors[] = {"red", "green", "blue", "white"};

/* A usual word, or one of few documents, of which other forms stand elsewhere. */
static void random_word(char *to, u32 bytes)
{
    static const char *const ends[] = {"", "s", "ed", "ing"};
    if (pick(3) != 0)
        snprintf(to, bytes, "%s", words[pick(ARRAY_COUNT(words))]);
    else
        snprintf(to, bytes, "plan%c%ck%s", (char)('a' + pick(5)), (char)('m' + pick(5)),
                 ends[pick(4)]);
}

static void random_title(char *to, u32 bytes)
{
    u32 used = 0;
    for (u32 i = 1 + pick(5); i != 0; i--) {
        char word[32];
        random_word(word, sizeof word);
        used += (u32)snprintf(to + used, bytes - used, "%s ", word);
    }
}

static void put_random(struct sx *one, struct sx *four, u32 number)
{
    char code[16], title[128], category[32], attributes[64];
    snprintf(code, sizeof code, "P%u", number);
    random_title(title, sizeof title);
    snprintf(category, sizeof category, "c%u/d%u", pick(3), pick(3));
    snprintf(attributes, sizeof attributes, "color=%s", colors[pick(4)]);
    const struct sx_product product = {.title = title,
                                       .brand = pick(2) != 0 ? "Acme" : "Zeta",
                                       .category = category,
                                       .attributes = attributes,
                                       .price = 1 + pick(50),
                                       .popularity = pick(1000)};
    sx_put_product(one, code, product);
    sx_put_product(four, code, product);
}

static void random_query(char *to, u32 bytes)
{
    u32 used = 0;
    to[0] = 0;
    for (u32 i = pick(4); i != 0; i--) {
        char word[32];
        random_word(word, sizeof word);
        if (pick(5) == 0)
            word[pick((u32)strlen(word))] = 'x';
        if (pick(6) == 0)
            word[1 + pick((u32)strlen(word) - 1)] = 0;
        const char *form = pick(8) == 0 ? "-%s%s" : pick(10) == 0 ? "\"%s\"%s" : "%s%s";
        used += (u32)snprintf(to + used, bytes - used, form, word, i != 1 || pick(2) ? " " : "");
    }
}

static void assert_same(const struct sx *a, const struct sx *b, const char *query)
{
    if (a->status != b->status || a->rsp.total != b->rsp.total || a->rsp.notes != b->rsp.notes ||
        a->rsp.words_required != b->rsp.words_required || a->hit_count != b->hit_count ||
        memcmp(a->hits, b->hits, a->hit_count * sizeof a->hits[0]) != 0)
        fail_msg("'%s': %u %u %u", query, a->status, (u32)a->rsp.total, (u32)b->rsp.total);
    for (u32 i = 0; i < message_find(OPCODE_SEARCH)->reply.span_count; i++)
        if (i != SPAN_OF(search_rsp, shards)) {
            assert_int_equal(a->view.spans[i].bytes, b->view.spans[i].bytes);
            if (a->view.spans[i].bytes != 0)
                assert_memory_equal(a->view.spans[i].data, b->view.spans[i].data,
                                    a->view.spans[i].bytes);
        }
}

static void ask_both(struct sx *one, struct sx *four)
{
    static const char *const filters[] = {"", "color:red", "brand:Acme AND price:10..30",
                                          "NOT category:c1", "category:c0 AND color:red|blue"};
    char query[256];
    u8 cursors[2][CURSOR_BYTES_MAX];
    random_query(query, sizeof query);
    struct sx_question question = {.query = query,
                                   .filter = filters[pick(ARRAY_COUNT(filters))],
                                   .facets = pick(3) == 0 ? "color,category,brand,price" : "",
                                   .bars = (u16)pick(6),
                                   .limit = 1 + pick(20),
                                   .offset = pick(4) == 0 ? pick(200) : 0,
                                   .sort = (u16)pick(SEARCH_SORT_COUNT),
                                   .flags = (u16)(pick(4) == 0 ? SEARCH_FLAG_NO_DROP : 0)};
    if (question.sort == SEARCH_SORT_NEWEST)
        question.sort = SEARCH_SORT_RELEVANCE; /* the two shops have clocks of their own */
    four->loop->turns = pick(2) != 0;
    for (u32 page = 0; page < 3; page++) {
        sx_ask_question(one, question);
        sx_ask_question(four, question);
        assert_int_equal(one->status, STATUS_OK);
        assert_same(one, four, query);
        const struct span cursor = one->view.spans[SPAN_OF(search_rsp, cursor)];
        if (cursor.bytes == 0)
            break;
        memcpy(cursors[0], cursor.data, cursor.bytes);
        question.cursor = (struct span){.data = cursors[0], .bytes = cursor.bytes};
        question.offset = 0;
    }
}

static void shards_agree(void **state)
{
    (void)state;
    struct sx one, four;
    u64 with_hits = 0;
    seed = 5;
    sx_open(&one, 1);
    sx_open(&four, 4);
    for (u32 i = 0; i < PRODUCTS; i++)
        put_random(&one, &four, i);
    for (u32 i = 0; i < QUESTIONS; i++) {
        if (i % 4 == 0)
            put_random(&one, &four, pick(PRODUCTS));
        if (i % 50 == 49) {
            char code[16];
            snprintf(code, sizeof code, "P%u", pick(PRODUCTS));
            sx_delete(&one, code);
            sx_delete(&four, code);
        }
        if (i == QUESTIONS / 2) {
            feeder_flush(four.feeder);
            feeder_restart(four.feeder);
        }
        ask_both(&one, &four);
        with_hits += one.hit_count != 0 ? 1 : 0;
    }
    assert_true(with_hits > QUESTIONS / 2);
    sx_close(&one);
    sx_close(&four);
}

static void bad_questions_are_refused(void **state)
{
    (void)state;
    struct sx sx;
    char many[QUERY_BYTES_MAX + 1] = "";
    sx_open(&sx, 2);
    sx_put(&sx, "A", .title = "white heart", .attributes = "color=red");
    for (u32 i = 0; i < 33; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "w%c ", (char)('a' + i % 26));
    sx_ask(&sx, .query = many);
    assert_int_equal(sx.status, STATUS_BAD_QUERY);
    assert_int_equal(sx.rsp.error_at, 32 * 3);
    many[32 * 3] = 0;
    sx_ask(&sx, .query = many);
    assert_int_equal(sx.status, STATUS_OK);
    sx_ask(&sx, .query = "white \xff heart");
    assert_int_equal(sx.status, STATUS_BAD_QUERY);
    assert_int_equal(sx.rsp.error_at, 6);
    assert_true(strlen(sx_span(&sx, SPAN_OF(search_rsp, problem))) != 0);
    sx_ask(&sx, .filter = "color:red AND (price:1..2");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    sx_ask(&sx, .filter = "color:red AND colour:red");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    assert_int_equal(sx.rsp.error_at, 14);
    sx_ask(&sx, .facets = "color,size");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    assert_int_equal(sx.rsp.error_at, 6);
    sx_ask(&sx, .limit = 101);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .offset = 1000000000);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .sort = SEARCH_SORT_COUNT);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .flags = SEARCH_FLAGS_ALL + 1);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx_ask(&sx, .ads = 11);
    assert_int_equal(sx.status, STATUS_BAD_ARGUMENT);
    sx.loop->is_late = true;
    sx_ask(&sx, .query = "white ");
    assert_int_equal(sx.status, STATUS_OK);
    assert_true((sx.rsp.notes & SEARCH_NOTE_PARTIAL) != 0);
    sx_close(&sx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_agree),
        cmocka_unit_test(bad_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
