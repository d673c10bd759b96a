/* dict_distance: no table, but the few ways in which at most two typos can be made; see the header.
 *
 * What both words begin and end with is passed over. The first letters that differ have to be mended at
 * once, in one of four ways; then the next ones that differ, in the same way. Of most candidates the
 * first letters behind the mended place differ again and differ too much, so this takes some 20 ns
 * where a table, even of a narrow band, takes 100.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dict_distance.h"

/* What is left of two words. */
struct rest {
    const u32 *a;
    const u32 *b;
    u32 a_count;
    u32 b_count;
};

void dict_letters_of(struct span text, struct dict_letters *letters)
{
    u32 count = 0;
    MUST(text.bytes <= DICT_LETTERS_MAX);
    for (u32 at = 0; at < text.bytes; count++) {
        const u8 first = text.data[at];
        if (LIKELY(first < 0x80)) {
            letters->letters[count] = first;
            at++;
            continue;
        }
        const u32 bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        u32 letter = first & (0x7fu >> bytes);
        for (u32 i = 1; i < bytes && at + i < text.bytes; i++)
            letter = letter << 6 | (text.data[at + i] & 0x3fu);
        letters->letters[count] = letter;
        at += bytes;
    }
    letters->count = count;
}

static inline struct rest pass_over(struct rest rest, u32 a_count, u32 b_count)
{
    return (struct rest){rest.a + a_count, rest.b + b_count, rest.a_count - a_count,
                         rest.b_count - b_count};
}

static inline struct rest pass_begin(struct rest rest)
{
    u32 common = 0;
    const u32 end = MIN(rest.a_count, rest.b_count);
    while (common < end && rest.a[common] == rest.b[common])
        common++;
    return pass_over(rest, common, common);
}

static inline struct rest pass_end(struct rest rest)
{
    while (rest.a_count > 0 && rest.b_count > 0 &&
           rest.a[rest.a_count - 1] == rest.b[rest.b_count - 1]) {
        rest.a_count--;
        rest.b_count--;
    }
    return rest;
}

static inline bool is_swapped(struct rest rest)
{
    return rest.a_count >= 2 && rest.b_count >= 2 && rest.a[0] == rest.b[1] &&
           rest.a[1] == rest.b[0];
}

/* Does one typo explain a rest whose first letters differ and whose last letters do? */
static inline bool is_one(struct rest rest)
{
    if (rest.a_count <= 1 && rest.b_count <= 1)
        return rest.a_count + rest.b_count > 0;
    return rest.a_count == 2 && rest.b_count == 2 && is_swapped(rest);
}

static inline bool is_one_behind(struct rest rest, u32 a_count, u32 b_count)
{
    return is_one(pass_begin(pass_over(rest, a_count, b_count)));
}

u32 dict_distance(const struct dict_letters *a, const struct dict_letters *b, u32 max)
{
    MUST(max >= 1 && max <= DICT_DISTANCE_MAX);
    if (MAX(a->count, b->count) - MIN(a->count, b->count) > max)
        return max + 1;
    const struct rest whole = {a->letters, b->letters, a->count, b->count};
    const struct rest rest = pass_end(pass_begin(whole));
    if (rest.a_count + rest.b_count == 0)
        return 0;
    if (is_one(rest))
        return 1;
    if (max == 1)
        return 2;
    if (rest.a_count == 0 || rest.b_count == 0)
        return rest.a_count + rest.b_count; /* 2, by their lengths */
    const bool is_two = is_one_behind(rest, 1, 1) || is_one_behind(rest, 1, 0) ||
                        is_one_behind(rest, 0, 1) ||
                        (is_swapped(rest) && is_one_behind(rest, 2, 2));
    return is_two ? 2 : 3;
}
