/* test_search_beginnings: how many words may go on: exactly as many as docs/search.md says, on one shard as on
 * several, whatever else these words are to the query.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_step.h"
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;
static u32 put_count;

static int open_one(void **state)
{
    (void)state;
    sx_open(&sx, 1);
    put_count = 0;
    return 0;
}

static int open_three(void **state)
{
    (void)state;
    sx_open(&sx, 3);
    put_count = 0;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    sx_close(&sx);
    return 0;
}

static void put_word(const char *word)
{
    char code[16];
    snprintf(code, sizeof code, "P%u", put_count++);
    sx_put(&sx, code, .title = word);
}

/* Words that begin with `beginning`, each with a stem of its own. */
static void put_words(const char *beginning, u32 from, u32 until)
{
    static const char letters[] = "bcfghkmptvwxz"; /* no ending that stems lose */
    char word[32];
    for (u32 i = from; i < until; i++) {
        snprintf(word, sizeof word, "%s%c%c%c", beginning, letters[i / 169], letters[i / 13 % 13],
                 letters[i % 13]);
        put_word(word);
    }
}

static u64 total_of(const char *query)
{
    sx_ask(&sx, .query = query, .limit = 1, .flags = SEARCH_FLAG_NO_TYPOS | SEARCH_FLAG_NO_DROP);
    assert_int_equal(sx.status, STATUS_OK);
    return sx.rsp.total;
}

static void a_beginning_of_too_many_stems_is_alone(void **state)
{
    (void)state;
    put_words("zaq", 0, QUERY_PREFIX_STEMS_MAX);
    assert_int_equal(total_of("zaq"), QUERY_PREFIX_STEMS_MAX);
    put_words("zaq", QUERY_PREFIX_STEMS_MAX, QUERY_PREFIX_STEMS_MAX + 1);
    assert_int_equal(total_of("zaq"), 0);
    put_word("zaq");
    assert_int_equal(total_of("zaq"), 1);
    assert_int_equal(total_of("zaqb"), 169); /* another beginning */
}

/* "zaqs" begins with it and has its stem: one of the stems all the same. */
static void a_word_of_the_same_stem_counts_among_them(void **state)
{
    (void)state;
    put_words("zaq", 0, QUERY_PREFIX_STEMS_MAX - 1);
    put_word("zaqs");
    assert_int_equal(total_of("zaq"), QUERY_PREFIX_STEMS_MAX);
    put_words("zaq", QUERY_PREFIX_STEMS_MAX, QUERY_PREFIX_STEMS_MAX + 1);
    assert_int_equal(total_of("zaq"), 1);
}

static void a_synonym_counts_among_them(void **state)
{
    (void)state;
    sx_synonym(&sx, "one", "zaq,zaqbbb", false);
    put_words("zaq", 0, QUERY_PREFIX_STEMS_MAX);
    assert_int_equal(total_of("zaq"), QUERY_PREFIX_STEMS_MAX);
    put_words("zaq", QUERY_PREFIX_STEMS_MAX, QUERY_PREFIX_STEMS_MAX + 1);
    assert_int_equal(total_of("zaq"), 1); /* it stays what it is */
}

/* A beginning that is also a model number that goes on: that stays when there are too many beginnings. */
static void a_model_number_stays_when_beginnings_are_too_many(void **state)
{
    (void)state;
    put_word("zaq5wertqb");
    put_word("zaq5wertqcc");
    put_word("zaq5wertqddd");
    assert_int_equal(total_of("zaq5wertq"), 3);
    for (u32 i = 0; i < QUERY_PREFIX_STEMS_MAX; i++) { /* too long to go on as a model number */
        char word[40];
        snprintf(word, sizeof word, "zaq5wertqxxxx%c%c%c%c", 'b' + i % 8, 'b' + i / 8 % 8,
                 'b' + i / 64 % 8, 'b' + i / 512);
        put_word(word);
    }
    assert_int_equal(total_of("zaq5wertq"), 3);
}

static void too_many_model_numbers_are_none(void **state)
{
    (void)state;
    put_words("zaq5", 0, QUERY_MODELS_SEEN_MAX);
    assert_int_equal(total_of("zaq5 "), 16);
    put_word("zaq5bbb"); /* in two documents now, so it is among the sixteen */
    assert_int_equal(total_of("zaq5 "), 17);
    put_words("zaq5", QUERY_MODELS_SEEN_MAX, QUERY_MODELS_SEEN_MAX + 1);
    assert_int_equal(total_of("zaq5 "), 0);
    put_word("zaq5");
    assert_int_equal(total_of("zaq5 "), 1);
}

/* Those that are beginnings, too, count among them. */
static void longer_model_numbers_count_among_them(void **state)
{
    (void)state;
    char word[32];
    for (u32 i = 0; i < 13; i++) { /* one letter more: as a beginning it has the better factor */
        snprintf(word, sizeof word, "zaq5wertq%c", "bcfghkmptvwxz"[i]);
        put_word(word);
    }
    put_words("zaq5wertq", 0, QUERY_MODELS_SEEN_MAX - 13);
    assert_int_equal(total_of("zaq5wertq "), 16);
    assert_int_equal(total_of("zaq5wertq"), QUERY_MODELS_SEEN_MAX);
    put_words("zaq5wertq", QUERY_MODELS_SEEN_MAX, QUERY_MODELS_SEEN_MAX + 1);
    assert_int_equal(total_of("zaq5wertq "), 0);
    assert_int_equal(total_of("zaq5wertq"), QUERY_MODELS_SEEN_MAX + 1);
}

static void a_synonym_counts_among_model_numbers(void **state)
{
    (void)state;
    sx_synonym(&sx, "one", "zaq5,zaq5bbb", false);
    put_words("zaq5", 0, QUERY_MODELS_SEEN_MAX + 1);
    assert_int_equal(total_of("zaq5 "), 1); /* it stays what it is */
}

/* Of the words of documents that are gone nothing is left. */
static void words_of_the_dead_do_not_count(void **state)
{
    (void)state;
    put_words("zaq", 0, QUERY_PREFIX_STEMS_MAX + 1);
    assert_int_equal(total_of("zaq"), 0);
    sx_delete(&sx, "P7");
    assert_int_equal(total_of("zaq"), QUERY_PREFIX_STEMS_MAX);
    sx_put(&sx, "P8", .title = "zaqs");
    assert_int_equal(total_of("zaq"), QUERY_PREFIX_STEMS_MAX);
    sx_put(&sx, "P9", .title = "zaqs zaqbbb");
    assert_int_equal(total_of("zaq"), QUERY_PREFIX_STEMS_MAX);
}

/* Whole windows at first, then along the words that begin so, when the page is full: each product once. */
static void a_lower_bound_repeats_nothing(void **state)
{
    (void)state;
    static struct row_hit hits[10];
    char code[16], title[64];
    for (u32 i = 0; i < 16000; i++) {
        snprintf(code, sizeof code, "Q%u", i);
        snprintf(title, sizeof title, "zaq%c%c peg %s", 'b' + i % 9, 'b' + i / 9 % 9,
                 i % 7 == 0 ? "of some other words" : "");
        sx_put(&sx, code, .title = title, .popularity = i);
    }
    sx_ask(&sx, .query = "zaq", .limit = 10, .flags = SEARCH_FLAG_NO_DROP);
    assert_int_equal(sx.hit_count, 10);
    memcpy(hits, sx.hits, sizeof hits);
    sx_ask(&sx, .query = "zaq", .limit = 10, .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_AT_LEAST);
    assert_int_equal(sx.hit_count, 10);
    assert_memory_equal(hits, sx.hits, sizeof hits);
    assert_true(sx.rsp.total <= 16000);
}

#define ON_BOTH(test)                                           \
    cmocka_unit_test_setup_teardown(test, open_one, close_all), \
    {                                                           \
        "three_" #test, test, open_three, close_all, NULL       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_beginning_of_too_many_stems_is_alone),
        ON_BOTH(a_word_of_the_same_stem_counts_among_them),
        ON_BOTH(a_synonym_counts_among_them),
        ON_BOTH(a_model_number_stays_when_beginnings_are_too_many),
        ON_BOTH(too_many_model_numbers_are_none),
        ON_BOTH(longer_model_numbers_count_among_them),
        ON_BOTH(a_synonym_counts_among_model_numbers),
        ON_BOTH(words_of_the_dead_do_not_count),
        ON_BOTH(a_lower_bound_repeats_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
