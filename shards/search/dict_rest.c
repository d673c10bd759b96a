/* dict_rest: polynomial hashes; see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dict_rest.h"

#include "shards/search/dict_typo.h"

#define BASE       0x9e3779b97f4a7c15ull /* odd */
#define LETTERS_E  6u /* of the shortest word with E: a question's may have two more */
#define QUESTION_E (DICT_REST_FIRST + 1)
STATIC_CHECK(LETTERS_E + 2 == DICT_TYPO2_LETTERS);
STATIC_CHECK(DICT_TYPO_RESTS_MAX >=
             1 + DICT_LETTERS_MAX + QUESTION_E * (QUESTION_E - 1) / 2 + DICT_REST_FIRST);

/* Modulo 2^64: before[i] is the hash of the first i letters, powers[i] is BASE^i. */
struct hashes {
    u32 count;
    const u32 *letters;
    u64 before[DICT_LETTERS_MAX + 1];
    u64 powers[DICT_LETTERS_MAX + 1];
};

static inline u64 mix(u64 hash)
{
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ull;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ull;
    return hash ^ hash >> 32;
}

static inline u64 letter_value(u32 letter)
{
    const u64 value = (letter + 1ull) * 0xc2b2ae3d27d4eb4full;
    return value ^ value >> 29;
}

static void hash_letters(const struct dict_letters *word, struct hashes *hashes)
{
    hashes->count = word->count;
    hashes->letters = word->letters;
    hashes->before[0] = 0;
    hashes->powers[0] = 1;
    for (u32 i = 0; i < word->count; i++) {
        hashes->before[i + 1] = hashes->before[i] * BASE + letter_value(word->letters[i]);
        hashes->powers[i + 1] = hashes->powers[i] * BASE;
    }
}

/* Of the letters from `from` up to `to`. */
static inline u64 piece(const struct hashes *hashes, u32 from, u32 to)
{
    return hashes->before[to] - hashes->before[from] * hashes->powers[to - from];
}

/* The first `count` letters without letter i. */
static inline u64 without(const struct hashes *hashes, u32 count, u32 i)
{
    return hashes->before[i] * hashes->powers[count - 1 - i] + piece(hashes, i + 1, count);
}

/* All letters without letters i < j. */
static inline u64 without_two(const struct hashes *hashes, u32 i, u32 j)
{
    const u64 left = hashes->before[i] * hashes->powers[j - i - 1] + piece(hashes, i + 1, j);
    return left * hashes->powers[hashes->count - j - 1] + piece(hashes, j + 1, hashes->count);
}

/* Leaving out either of two equal neighbours is the same: the last one stands for both. */
static inline bool is_same_as_next(const struct hashes *hashes, u32 i, u32 end)
{
    return i + 1 < end && hashes->letters[i] == hashes->letters[i + 1];
}

static u32 rests_d(const struct hashes *hashes, u64 *rests)
{
    u32 count = 0;
    rests[count++] = mix(hashes->before[hashes->count]);
    for (u32 i = 0; hashes->count > 1 && i < hashes->count; i++)
        if (!is_same_as_next(hashes, i, hashes->count))
            rests[count++] = mix(without(hashes, hashes->count, i));
    return count;
}

static u32 rests_e(const struct hashes *hashes, u32 first, u64 *rests)
{
    const u32 end = MIN(first, hashes->count);
    u32 count = 0;
    for (u32 i = 0; i + 1 < end; i++)
        for (u32 j = i + 1; j < end; j++)
            if (!is_same_as_next(hashes, j, end) && !is_same_as_next(hashes, i, j))
                rests[count++] = mix(without_two(hashes, i, j));
    return count;
}

static u32 rests_p(const struct hashes *hashes, u64 *rests)
{
    u32 count = 0;
    for (u32 i = 0; i < DICT_REST_FIRST; i++)
        if (!is_same_as_next(hashes, i, DICT_REST_FIRST))
            rests[count++] = mix(without(hashes, DICT_REST_FIRST, i));
    return count;
}

u32 dict_rests_of_word(const struct dict_letters *word, bool has_digit, u64 *rests)
{
    struct hashes hashes;
    hash_letters(word, &hashes);
    u32 count = rests_d(&hashes, rests);
    if (!has_digit && word->count >= LETTERS_E)
        count += rests_e(&hashes, DICT_REST_FIRST, rests + count);
    if (!has_digit && word->count > DICT_REST_FIRST)
        count += rests_p(&hashes, rests + count);
    MUST(count <= DICT_TYPO_RESTS_MAX);
    return count;
}

u32 dict_rests_of_question(const struct dict_letters *word, u32 distance, u64 *rests)
{
    struct hashes hashes;
    hash_letters(word, &hashes);
    u32 count = rests_d(&hashes, rests);
    if (distance >= 2) {
        MUST(word->count >= DICT_TYPO2_LETTERS);
        count += rests_e(&hashes, QUESTION_E, rests + count);
        count += rests_p(&hashes, rests + count);
    }
    MUST(count <= DICT_TYPO_RESTS_MAX);
    return count;
}
