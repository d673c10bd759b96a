/* postings_pack: see postings_pack.h. The vectors are the compiler's own: four lanes on every machine,
 * one instruction each where there are registers of 16 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/postings_pack.h"

#include <string.h>

#define ROWS 32u /* POSTINGS_BLOCK / 4 */

typedef u32 lanes __attribute__((vector_size(16)));

STATIC_CHECK(sizeof(lanes) * ROWS == POSTINGS_BLOCK * sizeof(u32));
STATIC_CHECK(sizeof(lanes) == POSTINGS_WIDTH_BYTES);

static inline lanes load(const void *from)
{
    lanes value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void store(void *to, lanes value)
{
    memcpy(to, &value, sizeof value);
}

/* The gaps of a row, each less 1; *before is the document before the row. */
static inline lanes gaps_of(const u32 *docs, u32 *before)
{
    const lanes row = {docs[0], docs[1], docs[2], docs[3]};
    const lanes earlier = {*before, docs[0], docs[1], docs[2]};
    *before = docs[3];
    return row - earlier - 1;
}

u32 postings_pack_width(const u32 *docs, u32 base)
{
    lanes all = {0, 0, 0, 0};
    for (u32 row = 0; row < ROWS; row++)
        all |= gaps_of(docs + 4 * row, &base);
    const u32 bits = all[0] | all[1] | all[2] | all[3];
    return bits == 0 ? 0 : 32u - (u32)__builtin_clz(bits);
}

void postings_pack(u8 *to, const u32 *docs, u32 base, u32 width)
{
    MUST(width <= POSTINGS_WIDTH_MAX);
    if (width == 0)
        return;
    lanes word = {0, 0, 0, 0};
    u32 used = 0; /* bits of each lane of `word` */
    for (u32 row = 0; row < ROWS; row++) {
        const lanes gaps = gaps_of(docs + 4 * row, &base);
        word |= gaps << used;
        used += width;
        if (used < 32)
            continue;
        store(to, word);
        to += sizeof word;
        used -= 32;
        word = used == 0 ? (lanes){0, 0, 0, 0} : gaps >> (width - used);
    }
    MUST(used == 0); /* 32 rows of `width` bits fill `width` words */
}

/* Sums of the lanes up to each, plus what came before. */
static inline lanes running_sum(lanes value, lanes before)
{
    const lanes zero = {0, 0, 0, 0};
    value += __builtin_shufflevector(zero, value, 0, 4, 5, 6);
    value += __builtin_shufflevector(zero, value, 0, 1, 4, 5);
    return value + before;
}

/* Row `row` of a width that the compiler knows; `from` has `width` words. */
__attribute__((always_inline)) static inline lanes unpack_row(u32 *docs, const u8 *from,
                                                              lanes before, u32 width, u32 row)
{
    lanes gaps = {0, 0, 0, 0};
    if (width != 0) {
        const u32 word = row * width / 32;
        const u32 used = row * width % 32;
        gaps = load(from + sizeof(lanes) * word) >> used;
        if (used + width > 32)
            gaps |= load(from + sizeof(lanes) * (word + 1)) << (32 - used);
        gaps &= width == 32 ? UINT32_MAX : (1u << width) - 1;
    }
    const lanes sums = running_sum(gaps + 1, before);
    store(docs + 4 * row, sums);
    return __builtin_shufflevector(sums, sums, 3, 3, 3, 3);
}

/* All rows one by one, so that shifts are constants: a loop that shifts by variables takes twice as
 * long. */
#define EIGHT_ROWS(width, first)                                   \
    before = unpack_row(docs, from, before, (width), (first));     \
    before = unpack_row(docs, from, before, (width), (first) + 1); \
    before = unpack_row(docs, from, before, (width), (first) + 2); \
    before = unpack_row(docs, from, before, (width), (first) + 3); \
    before = unpack_row(docs, from, before, (width), (first) + 4); \
    before = unpack_row(docs, from, before, (width), (first) + 5); \
    before = unpack_row(docs, from, before, (width), (first) + 6); \
    before = unpack_row(docs, from, before, (width), (first) + 7);

#define UNPACK(width)                                                                \
    static void unpack_##width(u32 *docs, const u8 *from, u32 base)                  \
    {                                                                                \
        lanes before = {base, base, base, base};                                     \
        EIGHT_ROWS(width, 0)                                                         \
        EIGHT_ROWS(width, 8) EIGHT_ROWS(width, 16) EIGHT_ROWS(width, 24)(void) from; \
    }

#define WIDTHS(X)                                                                                 \
    X(0)                                                                                          \
    X(1)                                                                                          \
    X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) \
        X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)
WIDTHS(UNPACK)

void postings_unpack(u32 *docs, const u8 *from, u32 base, u32 width)
{
#define NAME(width) unpack_##width,
    static void (*const unpacks[])(u32 * docs, const u8 *from, u32 base) = {WIDTHS(NAME)};
    STATIC_CHECK(ARRAY_COUNT(unpacks) == POSTINGS_WIDTH_MAX + 1);
    MUST(width <= POSTINGS_WIDTH_MAX);
    unpacks[width](docs, from, base);
}
