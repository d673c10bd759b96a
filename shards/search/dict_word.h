/* dict_word: the record of a word, its text and its place in the order of texts.
 *
 *      offset size
 *           0    8  head: the first bytes, zeros behind a shorter text
 *           8    8  the next ones, or where the whole text is when it has more than 16
 *          16    4  term of its stem; 0 = it is a stem only, no surface
 *          20    4  term that this text is the stem of; 0 = of none
 *          24    4  live documents that have the surface
 *          28    4  bytes, letters, flags, 0
 *
 * Folded words have no zero bytes, so a text that is another one's beginning comes first when heads
 * are compared as numbers, highest byte first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_WORD_H
#define SOUK_SHARDS_SEARCH_DICT_WORD_H

#include <string.h>

#include "proto/frame.h"
#include "shards/store/pool.h"

#define DICT_WORD_INLINE 16u

enum dict_word_flag {
    DICT_WORD_DIGIT = 1, /* has a digit: a number, a model */
    DICT_WORD_LISTED = 2 /* is in the tree and in the typo table */
};

struct dict_word {
    union {
        u8 near[DICT_WORD_INLINE];
        struct {
            u64 head;
            union {
                u64 tail;
                u8 *far;
            };
        };
    };
    u32 term;
    u32 own_term;
    u32 count;
    u8 bytes; /* 0: the record is free */
    u8 letters;
    u8 flags;
    u8 reserved;
};
STATIC_CHECK(sizeof(struct dict_word) == 32);

static inline struct dict_word *dict_word_at(const struct pool *words, u32 word)
{
    return pool_at_sized(words, word, sizeof(struct dict_word));
}

static inline struct span dict_word_text(const struct dict_word *word)
{
    return (struct span){word->bytes <= DICT_WORD_INLINE ? word->near : word->far, word->bytes};
}

/* The first 8 bytes of a text as a number that orders like the text. */
static inline u64 dict_head_order(u64 head)
{
    return __builtin_bswap64(head);
}

/* Up to 8 bytes as they lie in a head. */
static inline u64 dict_head_load(const u8 *data, u32 bytes)
{
    u64 head = 0;
    if (bytes >= 8) {
        memcpy(&head, data, 8);
        return head;
    }
    for (u32 i = 0; i < bytes; i++)
        head |= (u64)data[i] << (8 * i);
    return head;
}

/* By bytes, a beginning first: less than 0, 0, more than 0. */
static inline int dict_text_compare(struct span a, struct span b)
{
    const u32 common = MIN(a.bytes, b.bytes);
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0)
        return order;
    return a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

static inline int dict_word_compare(const struct dict_word *a, const struct dict_word *b)
{
    const u64 head_a = dict_head_order(a->head);
    const u64 head_b = dict_head_order(b->head);
    if (head_a != head_b)
        return head_a < head_b ? -1 : 1;
    return dict_text_compare(dict_word_text(a), dict_word_text(b));
}

#endif
