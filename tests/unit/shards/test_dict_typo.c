/* test_dict_typo: typos against a plain list with the plainest distance; any order of insertion.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/dict_fixture.h"

#define WORDS_MAX 4000u

struct expected {
    u32 cost;
    u32 distance;
    struct span text;
};

struct word_list {
    u32 count;
    u8 texts[WORDS_MAX][TEXT_WORD_BYTES];
    u32 bytes[WORDS_MAX];
};
static struct word_list words;
static struct expected expected[WORDS_MAX];

static struct span word_at(u32 i)
{
    return (struct span){words.texts[i], words.bytes[i]};
}

static bool has_a_digit(struct span text)
{
    for (u32 i = 0; i < text.bytes; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9')
            return true;
    return false;
}

static int compare_expected(const void *left, const void *right)
{
    const struct expected *a = left, *b = right;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return dict_text_compare(a->text, b->text);
}

/* As the contract in dict.h says it, over all words. */
static u32 expect_likes(struct span word, u32 distance)
{
    u32 count = 0;
    struct dict_letters letters, own;
    dict_letters_of(word, &letters);
    for (u32 i = 0; i < words.count; i++) {
        const struct span text = word_at(i);
        dict_letters_of(text, &own);
        if (own.count > letters.count + 2 || letters.count > own.count + 2 ||
            (letters.count == 1 && own.count == 1))
            continue;
        const u32 apart = plain_distance(word, text);
        const bool is_code = has_a_digit(word) || has_a_digit(text);
        const u32 allowed = is_code || letters.count < DICT_TYPO2_LETTERS ? 1 : distance;
        if (apart == 0 || apart > allowed)
            continue;
        expected[count++] = (struct expected){
            2 * apart + (own.letters[0] != letters.letters[0] ? 1 : 0), apart, text};
    }
    qsort(expected, count, sizeof expected[0], compare_expected);
    return count;
}

static u32 check_typo(const struct dict *dict, struct span word, u32 distance, u32 max)
{
    static struct dict_like likes[DICT_TYPO_MAX];
    const u32 expected_count = expect_likes(word, distance);
    const u32 count = dict_typo(dict, word, distance, likes, max);
    assert_int_equal(count, MIN(expected_count, max));
    for (u32 i = 0; i < count; i++) {
        assert_int_equal(dict_text_compare(dict_text(dict, likes[i].surface), expected[i].text), 0);
        assert_int_equal(likes[i].distance, expected[i].distance);
        assert_int_equal(likes[i].cost, expected[i].cost);
    }
    return expected_count;
}

static void fill(struct lexicon *lexicon, struct fuzz *fuzz, const struct letters_of *letters,
                 u32 letters_max, u32 count)
{
    words.count = 0;
    while (words.count < count) {
        u8 *word = words.texts[words.count];
        u32 bytes = random_word(fuzz, letters, fuzz_below(fuzz, 30) == 0 ? 64 : letters_max, word);
        if (words.count > 0 && fuzz_below(fuzz, 2) == 0) { /* near to one that is there */
            const u32 other = fuzz_below(fuzz, words.count);
            bytes = words.bytes[other];
            memcpy(word, words.texts[other], bytes);
            bytes = change_word(fuzz, letters, 1 + fuzz_below(fuzz, 3), word, bytes);
        }
        if (bytes == 0 || dict_find(&lexicon->dict, (struct span){word, bytes}) != 0) {
            if (fuzz_below(fuzz, 20) == 0)
                count--;
            continue;
        }
        words.bytes[words.count++] = bytes;
        lexicon_add(lexicon, (struct span){word, bytes}, 1);
    }
}

static void distances_equal_those_of_the_whole_table(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    const struct letters_of *alphabets[] = {&few_letters, &some_letters, &all_planes};
    u32 counts[4] = {0};
    for (u32 i = 0; i < 60000; i++) {
        const struct letters_of *letters = alphabets[i % 3];
        u8 a[TEXT_WORD_BYTES], b[TEXT_WORD_BYTES];
        struct dict_letters a_letters, b_letters;
        const u32 a_bytes = random_word(&fuzz, letters, i % 50 == 0 ? 64 : 12, a);
        memcpy(b, a, a_bytes);
        u32 b_bytes = change_word(&fuzz, letters, fuzz_below(&fuzz, 5), b, a_bytes);
        if (i % 10 == 0 || b_bytes == 0)
            b_bytes = random_word(&fuzz, letters, 12, b);
        const struct span a_text = {a, a_bytes}, b_text = {b, b_bytes};
        const u32 apart = plain_distance(a_text, b_text);
        dict_letters_of(a_text, &a_letters);
        dict_letters_of(b_text, &b_letters);
        for (u32 max = 1; max <= 2; max++)
            assert_int_equal(dict_distance(&a_letters, &b_letters, max), MIN(apart, max + 1));
        counts[MIN(apart, 3)]++;
    }
    for (u32 i = 0; i < 4; i++)
        assert_true(counts[i] > 1000);
}

static void typos_equal_those_of_a_list(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    const struct letters_of *alphabets[] = {&few_letters, &some_letters, &all_planes, &digits_too};
    u64 found = 0;
    u64 found_two = 0;
    for (u32 round = 0; round < 12; round++) {
        const struct letters_of *letters = alphabets[round % 4];
        struct lexicon lexicon;
        u8 word[TEXT_WORD_BYTES];
        lexicon_open(&lexicon, "none");
        fill(&lexicon, &fuzz, letters, round % 3 == 0 ? 8 : 14, round < 4 ? 40 : 1000);
        for (u32 i = 0; i < 200; i++) {
            const u32 other = fuzz_below(&fuzz, words.count);
            u32 bytes = words.bytes[other];
            memcpy(word, words.texts[other], bytes);
            bytes = change_word(&fuzz, letters, fuzz_below(&fuzz, 4), word, bytes);
            if (bytes == 0)
                continue;
            const struct span text = {word, bytes};
            found += check_typo(&lexicon.dict, text, 1, DICT_TYPO_MAX);
            found_two += check_typo(&lexicon.dict, text, 2, DICT_TYPO_MAX);
            (void)check_typo(&lexicon.dict, text, 2, 1 + fuzz_below(&fuzz, 20));
        }
        assert_true(dict_typo_valid(&lexicon.dict.typo));
        lexicon_close(&lexicon);
    }
    assert_true(found > 1000 && found_two > 2 * found);
}

/* Both typos in turn at every place of a word, with letters that occur nowhere else. */
static void two_typos_are_found_wherever_they_are(void **state)
{
    (void)state;
    const char *text = "abcdefghijkl";
    for (u32 letters = 6; letters <= 12; letters++) {
        struct lexicon lexicon;
        lexicon_open(&lexicon, "none");
        words.count = 1;
        words.bytes[0] = letters;
        memcpy(words.texts[0], text, letters);
        lexicon_add(&lexicon, word_at(0), 1);
        for (u32 first = 0; first < 4 * 13; first++)
            for (u32 second = 0; second < 4 * 13; second++) {
                u8 word[32];
                u32 bytes = letters;
                memcpy(word, text, letters);
                const u32 edits[2] = {first, second};
                for (u32 e = 0; e < 2; e++) {
                    const u32 at = edits[e] / 4;
                    if (at > bytes || (edits[e] % 4 != 0 && at >= bytes))
                        continue;
                    if (edits[e] % 4 == 0) {
                        memmove(word + at + 1, word + at, bytes++ - at);
                        word[at] = (u8)('x' + e);
                    } else if (edits[e] % 4 == 1) {
                        memmove(word + at, word + at + 1, --bytes - at);
                    } else if (edits[e] % 4 == 2) {
                        word[at] = (u8)('x' + e);
                    } else if (at + 1 < bytes) {
                        const u8 swapped = word[at];
                        word[at] = word[at + 1];
                        word[at + 1] = swapped;
                    }
                }
                (void)check_typo(&lexicon.dict, (struct span){word, bytes}, 2, 4);
            }
        lexicon_close(&lexicon);
    }
}

/* What is said does not depend on when words came, or on words that came and went. */
static void the_order_of_insertion_does_not_show(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    struct lexicon a, b;
    u8 word[TEXT_WORD_BYTES];
    lexicon_open(&a, "none");
    lexicon_open(&b, "none");
    fill(&a, &fuzz, &some_letters, 12, 3000);
    for (u32 i = 0; i < 3000; i++) /* others, which go again */
        lexicon_add(&b, (struct span){word, random_word(&fuzz, &some_letters, 10, word)}, 1);
    for (u32 i = words.count; i-- > 0;)
        lexicon_add(&b, word_at(i), 1);
    const u32 end = b.dict.word_end;
    for (u32 i = 1; i < end; i++) {
        const u32 wanted = dict_find(&a.dict, dict_text(&b.dict, i)) != 0;
        while (dict_live(&b.dict, i) > wanted)
            dict_count(&b.dict, i, -1);
    }
    while (!dict_sweep(&b.dict, 1000, NULL, NULL))
        ;
    assert_true(dict_valid(&b.dict));
    for (u32 i = 0; i < 500; i++) {
        const struct span text = {word, random_word(&fuzz, &some_letters, 11, word)};
        struct dict_like likes[2][64];
        u32 best[2][64];
        const u32 count = dict_typo(&a.dict, text, 2, likes[0], 64);
        assert_int_equal(dict_typo(&b.dict, text, 2, likes[1], 64), count);
        for (u32 k = 0; k < count; k++) {
            assert_int_equal(likes[0][k].cost, likes[1][k].cost);
            assert_int_equal(dict_text_compare(dict_text(&a.dict, likes[0][k].surface),
                                               dict_text(&b.dict, likes[1][k].surface)),
                             0);
        }
        const struct span prefix = {word, MIN(text.bytes, 3)};
        const u32 best_count = dict_prefix(&a.dict, prefix, best[0], 64);
        assert_int_equal(dict_prefix(&b.dict, prefix, best[1], 64), best_count);
        for (u32 k = 0; k < best_count; k++)
            assert_int_equal(
                dict_text_compare(dict_text(&a.dict, best[0][k]), dict_text(&b.dict, best[1][k])),
                0);
    }
    lexicon_close(&a);
    lexicon_close(&b);
}

/* A thousand words that begin alike share their rests of six letters. */
static void long_chains_grow_split_and_shrink(void **state)
{
    (void)state;
    struct lexicon lexicon;
    char word[32];
    lexicon_open(&lexicon, "none");
    words.count = 0;
    for (u32 i = 0; i < 3000; i++) {
        (void)snprintf(word, sizeof word, "stainles%c%c%c", (char)('a' + i % 15),
                       (char)('a' + i / 15 % 15), (char)('a' + i / 225));
        words.bytes[words.count] = (u32)strlen(word);
        memcpy(words.texts[words.count++], word, strlen(word));
        lexicon_add(&lexicon, span_of(word), 1);
    }
    assert_true(dict_typo_valid(&lexicon.dict.typo));
    assert_true(check_typo(&lexicon.dict, span_of("stainlesaaa"), 2, DICT_TYPO_MAX) > 100);
    for (u32 i = 0; i < 3000; i++)
        if (i % 3 != 0)
            dict_count(&lexicon.dict, dict_find(&lexicon.dict, word_at(i)), -1);
    while (!dict_sweep(&lexicon.dict, 7, NULL, NULL))
        ;
    assert_true(dict_valid(&lexicon.dict));
    u32 kept = 0;
    for (u32 i = 0; i < 3000; i += 3, kept++) {
        memmove(words.texts[kept], words.texts[i], TEXT_WORD_BYTES);
        words.bytes[kept] = words.bytes[i];
    }
    words.count = kept;
    assert_true(check_typo(&lexicon.dict, span_of("stainlesaaa"), 2, DICT_TYPO_MAX) > 30);
    lexicon_close(&lexicon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_equal_those_of_the_whole_table),
        cmocka_unit_test(typos_equal_those_of_a_list),
        cmocka_unit_test(two_typos_are_found_wherever_they_are),
        cmocka_unit_test(the_order_of_insertion_does_not_show),
        cmocka_unit_test(long_chains_grow_split_and_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
