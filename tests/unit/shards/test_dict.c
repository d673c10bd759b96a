/* test_dict: words, stems, counts; prefixes, cuts and joins against a plain list; what is swept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/dict_fixture.h"

#define WORDS_MAX 6000u

/* The same words without any index. */
struct list {
    u32 count;
    struct {
        u8 text[TEXT_WORD_BYTES];
        u32 bytes;
        u32 documents;
    } words[WORDS_MAX];
};
static struct list list;

static struct span list_text(u32 i)
{
    return (struct span){list.words[i].text, list.words[i].bytes};
}

static u32 list_find(struct span text)
{
    for (u32 i = 0; i < list.count; i++)
        if (dict_text_compare(list_text(i), text) == 0)
            return i;
    return UINT32_MAX;
}

static void list_add(struct span text, u32 documents)
{
    u32 at = list_find(text);
    if (at == UINT32_MAX) {
        at = list.count++;
        assert_true(at < WORDS_MAX);
        list.words[at].documents = 0;
        list.words[at].bytes = text.bytes;
        memcpy(list.words[at].text, text.data, text.bytes);
    }
    list.words[at].documents += documents;
}

static void surfaces_of_one_stem_share_a_term(void **state)
{
    (void)state;
    struct lexicon lexicon;
    lexicon_open(&lexicon, "english");
    struct dict *dict = &lexicon.dict;
    const u32 hearts = dict_add(dict, span_of("hearts"));
    assert_int_equal(dict_find(dict, span_of("heart")), 0); /* a stem, and no text had it */
    assert_int_equal(dict_find_stem(dict, span_of("heart")), dict_term(dict, hearts));
    const u32 heart = dict_add(dict, span_of("heart"));
    const u32 happy = dict_add(dict, span_of("happy"));
    const u32 happiness = dict_add(dict, span_of("happiness"));
    assert_int_not_equal(hearts, heart);
    assert_int_equal(dict_term(dict, hearts), dict_term(dict, heart));
    assert_int_equal(dict_term(dict, happy), dict_term(dict, happiness));
    assert_int_not_equal(dict_term(dict, happy), dict_term(dict, heart));
    assert_memory_equal(dict_stem(dict, dict_term(dict, happy)).data, "happi", 5);
    assert_int_equal(dict_add(dict, span_of("hearts")), hearts);
    assert_int_equal(dict_find(dict, span_of("hearts")), hearts);
    assert_int_equal(dict_find_stem(dict, span_of("hearted")), dict_term(dict, heart));
    assert_int_equal(dict_find_stem(dict, span_of("lungs")), 0);
    assert_int_equal(dict_find(dict, span_of("")), 0);
    assert_true(dict_valid(dict));
    lexicon_close(&lexicon);
}

static void codes_have_no_stem_and_none_stems_nothing(void **state)
{
    (void)state;
    struct lexicon lexicon;
    lexicon_open(&lexicon, "english");
    u8 stem[TEXT_WORD_BYTES];
    assert_int_equal(text_language_stem(&lexicon.language, span_of("x200ings"), stem), 8);
    assert_int_equal(text_language_stem(&lexicon.language, span_of("rings"), stem), 4);
    lexicon_close(&lexicon);
    lexicon_open(&lexicon, "none");
    assert_int_equal(text_language_stem(&lexicon.language, span_of("rings"), stem), 5);
    lexicon_close(&lexicon);
    lexicon_open(&lexicon, "klingon"); /* was refused before; a shard that is told does not fall */
    assert_int_equal(text_language_stem(&lexicon.language, span_of("rings"), stem), 5);
    lexicon_close(&lexicon);
    assert_null(text_language_invalid(span_of("german")));
    assert_null(text_language_invalid(span_of("none")));
    assert_null(text_language_invalid(span_of("")));
    assert_non_null(text_language_invalid(span_of("German")));
    assert_non_null(text_language_invalid(span_of("klingon")));
}

static void only_surfaces_of_live_documents_are_offered(void **state)
{
    (void)state;
    struct lexicon lexicon;
    lexicon_open(&lexicon, "none");
    struct dict *dict = &lexicon.dict;
    u32 found[8];
    struct dict_like likes[8];
    const u32 lamp = dict_add(dict, span_of("lamp"));
    assert_int_equal(dict_prefix(dict, span_of("la"), found, 8), 0);
    assert_int_equal(dict_typo(dict, span_of("lomp"), 1, likes, 8), 0);
    dict_count(dict, lamp, 1);
    assert_int_equal(dict_prefix(dict, span_of("la"), found, 8), 1);
    assert_int_equal(found[0], lamp);
    assert_int_equal(dict_typo(dict, span_of("lomp"), 1, likes, 8), 1);
    assert_int_equal(likes[0].surface, lamp);
    assert_int_equal(likes[0].cost, 2);
    assert_int_equal(dict_typo(dict, span_of("tamp"), 1, likes, 8), 1);
    assert_int_equal(likes[0].cost, 3); /* another first letter */
    assert_int_equal(dict_typo(dict, span_of("lamp"), 1, likes, 8), 0);
    dict_count(dict, lamp, -1);
    assert_int_equal(dict_prefix(dict, span_of("la"), found, 8), 0);
    assert_int_equal(dict_prefix_in_order(dict, span_of("la"), span_of(""), found, 8), 0);
    assert_int_equal(dict_typo(dict, span_of("lomp"), 1, likes, 8), 0);
    assert_int_equal(dict_find(dict, span_of("lamp")), lamp);
    expect_assert_failure(dict_count(dict, lamp, -1));
    lexicon_close(&lexicon);
}

static void ranks_grow_with_counts_and_are_exact_for_small_ones(void **state)
{
    (void)state;
    for (u32 count = 0; count <= 16; count++)
        assert_int_equal(dict_rank(count), count);
    for (u32 count = 1; count < 100000; count++)
        assert_true(dict_rank(count) >= dict_rank(count - 1) &&
                    dict_rank(count) <= dict_rank(count - 1) + 1);
    assert_true(dict_rank(UINT32_MAX) > dict_rank(1u << 31));
    assert_int_equal(dict_rank(2 << 20), dict_rank(1 << 20) + 8);
}

/* ---- prefixes ---------------------------------------------------------------------------------- */

static int compare_best(const void *left, const void *right)
{
    const u32 a = *(const u32 *)left, b = *(const u32 *)right;
    const u8 rank_a = dict_rank(list.words[a].documents),
             rank_b = dict_rank(list.words[b].documents);
    if (rank_a != rank_b)
        return rank_a > rank_b ? -1 : 1;
    return dict_text_compare(list_text(a), list_text(b));
}

static int compare_order(const void *left, const void *right)
{
    return dict_text_compare(list_text(*(const u32 *)left), list_text(*(const u32 *)right));
}

static u32 list_prefix(struct span prefix, u32 *found)
{
    u32 count = 0;
    for (u32 i = 0; i < list.count; i++)
        if (list.words[i].documents != 0 && list.words[i].bytes >= prefix.bytes &&
            memcmp(list.words[i].text, prefix.data, prefix.bytes) == 0)
            found[count++] = i;
    return count;
}

static void expect_words(const struct dict *dict, const u32 *surfaces, u32 count,
                         const u32 *expected, u32 expected_count, u32 max)
{
    assert_int_equal(count, MIN(expected_count, max));
    for (u32 i = 0; i < count; i++)
        assert_int_equal(dict_text_compare(dict_text(dict, surfaces[i]), list_text(expected[i])),
                         0);
}

static void check_prefix(const struct dict *dict, struct fuzz *fuzz, struct span prefix)
{
    static u32 expected[WORDS_MAX];
    u32 found[DICT_PREFIX_MAX];
    const u32 max = 1 + fuzz_below(fuzz, DICT_PREFIX_MAX);
    const u32 count = list_prefix(prefix, expected);
    qsort(expected, count, sizeof expected[0], compare_best);
    expect_words(dict, found, dict_prefix(dict, prefix, found, max), expected, count, max);

    qsort(expected, count, sizeof expected[0], compare_order);
    struct span after = {0};
    for (u32 done = 0;;) { /* page by page */
        const u32 got = dict_prefix_in_order(dict, prefix, after, found, max);
        expect_words(dict, found, got, expected + done, count - done, max);
        done += got;
        if (got < max)
            break;
        after = dict_text(dict, found[got - 1]);
    }
}

static void fill(struct lexicon *lexicon, struct fuzz *fuzz, const struct letters_of *letters,
                 u32 letters_max, u32 count)
{
    u8 word[TEXT_WORD_BYTES];
    list.count = 0;
    for (u32 i = 0; i < count; i++) {
        const u32 kind = fuzz_below(fuzz, 40);
        const u32 bytes = random_word(fuzz, letters, kind == 0 ? 64 : letters_max, word);
        const u32 documents = kind > 20  ? 1
                              : kind > 2 ? fuzz_below(fuzz, 20)
                                         : fuzz_below(fuzz, 300);
        lexicon_add(lexicon, (struct span){word, bytes}, documents);
        list_add((struct span){word, bytes}, documents);
    }
    for (u32 i = 0; i < list.count / 2; i++) { /* documents go */
        const u32 at = fuzz_below(fuzz, list.count);
        const u32 surface = dict_find(&lexicon->dict, list_text(at));
        u32 less = list.words[at].documents;
        less = fuzz_below(fuzz, 3) == 0 ? less : fuzz_below(fuzz, less + 1);
        for (u32 k = 0; k < less; k++)
            dict_count(&lexicon->dict, surface, -1);
        list.words[at].documents -= less;
    }
}

static void prefixes_equal_those_of_a_list(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    const struct letters_of *alphabets[] = {&few_letters, &some_letters, &all_planes, &digits_too};
    for (u32 round = 0; round < 8; round++) {
        const struct letters_of *letters = alphabets[round % 4];
        struct lexicon lexicon;
        u8 prefix[TEXT_WORD_BYTES];
        lexicon_open(&lexicon, "none");
        fill(&lexicon, &fuzz, letters, 12, round < 4 ? 300 : 5000);
        assert_true(dict_valid(&lexicon.dict));
        check_prefix(&lexicon.dict, &fuzz, (struct span){prefix, 0});
        for (u32 i = 0; i < 300; i++) {
            u32 bytes = random_word(&fuzz, letters, 1 + i % 6, prefix);
            if (i % 3 == 0)
                bytes -= fuzz_below(&fuzz, bytes); /* perhaps in the middle of a letter */
            check_prefix(&lexicon.dict, &fuzz, (struct span){prefix, bytes});
        }
        for (u32 i = 0; i < list.count; i += 7)
            assert_int_equal(dict_live(&lexicon.dict, dict_find(&lexicon.dict, list_text(i))),
                             list.words[i].documents);
        lexicon_close(&lexicon);
    }
}

/* A word enters with one document, and nothing mends the way to it afterwards. */
static void every_insert_leaves_the_tree_valid(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    struct lexicon lexicon;
    u8 word[TEXT_WORD_BYTES];
    lexicon_open(&lexicon, "none");
    for (u32 i = 0; i < 3000; i++) {
        const struct span text = {word, random_word(&fuzz, &all_planes, 20, word)};
        if (dict_find(&lexicon.dict, text) == 0)
            lexicon_add(&lexicon, text, 1);
        if (i < 200 || i % 50 == 0)
            assert_true(dict_tree_valid(&lexicon.dict.tree));
    }
    lexicon_close(&lexicon);
}

/* ---- cuts and joins ---------------------------------------------------------------------------- */

static bool is_live(struct span text)
{
    const u32 at = list_find(text);
    return at != UINT32_MAX && list.words[at].documents != 0;
}

static void cuts_and_joins_equal_those_of_a_list(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    const struct letters_of *alphabets[] = {&few_letters, &all_planes};
    u32 cut_count = 0;
    for (u32 round = 0; round < 2; round++) {
        struct lexicon lexicon;
        u8 word[2 * TEXT_WORD_BYTES];
        lexicon_open(&lexicon, "none");
        fill(&lexicon, &fuzz, alphabets[round], 4, 200);
        for (u32 i = 0; i < 1000; i++) {
            struct dict_split splits[DICT_SPLITS_MAX];
            const u32 left = random_word(&fuzz, alphabets[round], 5, word);
            const u32 bytes = left + random_word(&fuzz, alphabets[round], 5, word + left);
            const struct span text = {word, bytes};
            const u32 count = dict_split(&lexicon.dict, text, splits, DICT_SPLITS_MAX);
            u32 expected = 0;
            for (u32 at = 1; at < bytes; at++) {
                struct dict_letters a, b;
                const struct span first = {word, at}, second = {word + at, bytes - at};
                dict_letters_of(first, &a);
                dict_letters_of(second, &b);
                if ((word[at] & 0xc0) == 0x80 || a.count < 2 || b.count < 2 || !is_live(first) ||
                    !is_live(second))
                    continue;
                assert_true(expected < count);
                assert_int_equal(splits[expected].left, dict_find(&lexicon.dict, first));
                assert_int_equal(splits[expected++].right, dict_find(&lexicon.dict, second));
            }
            assert_int_equal(count, expected);
            cut_count += count;
            const u32 joined = dict_join(&lexicon.dict, (struct span){word, left},
                                         (struct span){word + left, bytes - left});
            assert_int_equal(joined != 0, is_live(text));
            if (joined != 0)
                assert_int_equal(joined, dict_find(&lexicon.dict, text));
        }
        lexicon_close(&lexicon);
    }
    assert_true(cut_count > 100);
}

/* ---- upkeep ------------------------------------------------------------------------------------ */

static bool is_that_term(const void *context, u32 term)
{
    return term == *(const u32 *)context;
}

static void what_no_document_has_is_swept_and_the_rest_stays(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    struct lexicon lexicon;
    u8 word[TEXT_WORD_BYTES];
    lexicon_open(&lexicon, "english");
    struct dict *dict = &lexicon.dict;
    fill(&lexicon, &fuzz, &some_letters, 14, 5000);
    /* A term that the index still uses stays, with the word that names it. */
    const u32 kept_surface = dict_add(dict, span_of("kettles"));
    const u32 kept = dict_term(dict, kept_surface);
    for (u32 round = 0; round < 3; round++)
        while (!dict_sweep(dict, 100, is_that_term, &kept))
            ;
    assert_true(dict_valid(dict));
    u32 live = 0;
    for (u32 i = 0; i < list.count; i++) {
        const u32 surface = dict_find(dict, list_text(i));
        assert_int_equal(surface != 0, list.words[i].documents != 0);
        live += surface != 0;
    }
    assert_int_equal(dict->surface_count, live);
    assert_int_equal(dict->tree.count, live);
    assert_int_equal(dict_find(dict, span_of("kettles")), 0);
    assert_int_equal(dict_find_stem(dict, span_of("kettle")), kept);
    for (u32 i = 0; i < 100; i++)
        check_prefix(dict, &fuzz, (struct span){word, random_word(&fuzz, &some_letters, 4, word)});

    for (u32 i = 0; i < list.count; i++)
        for (; list.words[i].documents > 0; list.words[i].documents--)
            dict_count(dict, dict_find(dict, list_text(i)), -1);
    for (u32 round = 0; round < 3; round++)
        while (!dict_sweep(dict, 100, NULL, NULL))
            ;
    assert_int_equal(pool_count(&dict->words), 0);
    assert_int_equal(pool_count(&dict->terms), 0);
    assert_int_equal(dict->typo.entry_count, 0);
    assert_true(dict_valid(dict));
    lexicon_close(&lexicon);
}

/* Words come and go for a long time: the tree neither grows nor loses anything. */
static void churn_leaves_no_sparse_nodes_behind(void **state)
{
    (void)state;
    struct lexicon lexicon;
    lexicon_open(&lexicon, "none");
    struct dict *dict = &lexicon.dict;
    char word[24];
    u32 leaves_most = 0;
    for (u32 i = 0; i < 40000; i++) { /* codes that count up: the last 500 live, and every 40th */
        (void)snprintf(word, sizeof word, "ab%07u", i);
        lexicon_add(&lexicon, span_of(word), 1);
        if (i >= 500 && i % 40 != 0) {
            (void)snprintf(word, sizeof word, "ab%07u", i - 500);
            dict_count(dict, dict_find(dict, span_of(word)), -1);
        }
        (void)dict_sweep(dict, 3, NULL, NULL);
        leaves_most = MAX(leaves_most, pool_count(&dict->tree.leaves));
    }
    assert_true(dict_valid(dict));
    assert_true(leaves_most < 120); /* of 40,000 / 64 that would not join */
    assert_true(pool_count(&dict->words) < 3000);
    lexicon_close(&lexicon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(surfaces_of_one_stem_share_a_term),
        cmocka_unit_test(codes_have_no_stem_and_none_stems_nothing),
        cmocka_unit_test(only_surfaces_of_live_documents_are_offered),
        cmocka_unit_test(ranks_grow_with_counts_and_are_exact_for_small_ones),
        cmocka_unit_test(prefixes_equal_those_of_a_list),
        cmocka_unit_test(every_insert_leaves_the_tree_valid),
        cmocka_unit_test(cuts_and_joins_equal_those_of_a_list),
        cmocka_unit_test(what_no_document_has_is_swept_and_the_rest_stays),
        cmocka_unit_test(churn_leaves_no_sparse_nodes_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
