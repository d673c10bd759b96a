/* dict_like: who is like a word: prefixes, typos, cuts and joins; see dict.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dict.h"

STATIC_CHECK(DICT_PREFIX_MAX <= DICT_TREE_BEST_MAX);
STATIC_CHECK(DICT_LETTERS_MAX == TEXT_WORD_BYTES);

u8 dict_rank(u32 count)
{
    if (count <= 16)
        return (u8)count;
    const u32 doubling = 31u - (u32)__builtin_clz(count); /* 4 or more */
    return (u8)(16 + (doubling - 4) * 8 + ((count >> (doubling - 3)) & 7));
}

u32 dict_prefix(const struct dict *dict, struct span prefix, u32 *surfaces, u32 max)
{
    MUST(max <= DICT_PREFIX_MAX);
    return prefix.bytes > TEXT_WORD_BYTES ? 0 : dict_tree_best(&dict->tree, prefix, surfaces, max);
}

u32 dict_prefix_in_order(const struct dict *dict, struct span prefix, struct span after,
                         u32 *surfaces, u32 max)
{
    return prefix.bytes > TEXT_WORD_BYTES
               ? 0
               : dict_tree_in_order(&dict->tree, prefix, after, surfaces, max);
}

/* ---- typos ------------------------------------------------------------------------------------- */

/* A question while it is answered: likes is a heap, the one that would go first on top. */
struct question {
    const struct dict *dict;
    struct dict_letters letters;
    struct span text;
    u32 distance;
    bool has_digit;
    struct dict_like *likes;
    u32 count;
    u32 max;
};

/* Less than 0: a stands before b. 0 for the same word only. */
static int compare_likes(const struct dict *dict, struct dict_like a, struct dict_like b)
{
    if (a.cost != b.cost)
        return a.cost < b.cost ? -1 : 1;
    if (a.surface == b.surface)
        return 0;
    return dict_word_compare(dict_word_at(&dict->words, a.surface),
                             dict_word_at(&dict->words, b.surface));
}

/* Lets `like` sink from the top of a heap of `count`. */
static void sink(const struct dict *dict, struct dict_like *likes, u32 count, struct dict_like like)
{
    u32 at = 0;
    for (u32 child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && compare_likes(dict, likes[child + 1], likes[child]) > 0)
            child++;
        if (compare_likes(dict, likes[child], like) <= 0)
            break;
        likes[at] = likes[child];
        at = child;
    }
    likes[at] = like;
}

static void keep_like(struct question *question, struct dict_like like)
{
    const struct dict *dict = question->dict;
    struct dict_like *likes = question->likes;
    if (question->count == question->max) {
        if (compare_likes(dict, like, likes[0]) < 0)
            sink(dict, likes, question->count, like);
        return;
    }
    u32 at = question->count++;
    for (; at > 0 && compare_likes(dict, likes[(at - 1) / 2], like) < 0; at = (at - 1) / 2)
        likes[at] = likes[(at - 1) / 2];
    likes[at] = like;
}

static bool is_kept(const struct question *question, u32 surface)
{
    for (u32 i = 0; i < question->count; i++)
        if (question->likes[i].surface == surface)
            return true;
    return false;
}

static void judge(void *context, u32 surface)
{
    struct question *question = context;
    const struct dict_word *word = dict_word_at(&question->dict->words, surface);
    const bool is_code = question->has_digit || (word->flags & DICT_WORD_DIGIT) != 0;
    const u32 allowed = is_code ? 1 : question->distance;
    const u32 letters = question->letters.count;
    if (word->count == 0 || word->letters + allowed < letters || letters + allowed < word->letters)
        return;
    struct dict_letters own;
    dict_letters_of(dict_word_text(word), &own);
    const u32 distance = dict_distance(&question->letters, &own, allowed);
    if (distance == 0 || distance > allowed || is_kept(question, surface))
        return;
    const bool is_other_first = own.letters[0] != question->letters.letters[0];
    keep_like(question, (struct dict_like){.surface = surface,
                                           .distance = (u8)distance,
                                           .cost = (u8)(2 * distance + is_other_first)});
}

static bool has_digit(struct span text)
{
    for (u32 i = 0; i < text.bytes; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9')
            return true;
    return false;
}

u32 dict_typo(const struct dict *dict, struct span word, u32 distance, struct dict_like *likes,
              u32 max)
{
    MUST(max <= DICT_TYPO_MAX);
    MUST(distance >= 1 && distance <= DICT_DISTANCE_MAX);
    if (word.bytes == 0 || word.bytes > TEXT_WORD_BYTES || max == 0)
        return 0;
    struct question question = {.dict = dict, .text = word, .likes = likes, .max = max};
    dict_letters_of(word, &question.letters);
    question.has_digit = has_digit(word);
    question.distance =
        question.has_digit || question.letters.count < DICT_TYPO2_LETTERS ? 1 : distance;
    dict_typo_ask(&dict->typo, &question.letters, question.distance, judge, &question);
    for (u32 left = question.count; left > 1; left--) { /* the heap becomes a list */
        const struct dict_like last = likes[left - 1];
        likes[left - 1] = likes[0];
        sink(dict, likes, left - 1, last);
    }
    return question.count;
}

/* ---- cuts and joins ---------------------------------------------------------------------------- */

static u32 find_live(const struct dict *dict, struct span text)
{
    const u32 surface = dict_find(dict, text);
    return surface != 0 && dict_live(dict, surface) != 0 ? surface : 0;
}

static u32 letters_in(struct span text)
{
    u32 letters = 0;
    for (u32 i = 0; i < text.bytes; i++)
        letters += (text.data[i] & 0xc0) != 0x80;
    return letters;
}

u32 dict_split(const struct dict *dict, struct span word, struct dict_split *splits, u32 max)
{
    u32 found = 0;
    if (word.bytes > TEXT_WORD_BYTES)
        return 0;
    for (u32 at = 2; at + 2 <= word.bytes && found < max; at++) {
        const struct span left = {word.data, at};
        const struct span right = {word.data + at, word.bytes - at};
        if ((word.data[at] & 0xc0) == 0x80 || letters_in(left) < 2 || letters_in(right) < 2)
            continue;
        const u32 left_surface = find_live(dict, left);
        const u32 right_surface = left_surface == 0 ? 0 : find_live(dict, right);
        if (right_surface != 0)
            splits[found++] = (struct dict_split){left_surface, right_surface};
    }
    return found;
}

u32 dict_join(const struct dict *dict, struct span left, struct span right)
{
    u8 joined[TEXT_WORD_BYTES];
    if (left.bytes == 0 || right.bytes == 0 || left.bytes > TEXT_WORD_BYTES ||
        right.bytes > TEXT_WORD_BYTES - left.bytes)
        return 0;
    memcpy(joined, left.data, left.bytes);
    memcpy(joined + left.bytes, right.data, right.bytes);
    return find_live(dict, (struct span){joined, left.bytes + right.bytes});
}
