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

/* One row at a time, with shifts by variables. (A function for each width, its 32 rows written out with
 * constant shifts, took 0.24 ns a number instead of 0.33, and 70 KiB of code.) */
void postings_unpack(u32 *docs, const u8 *from, u32 base, u32 width)
{
    MUST(width <= POSTINGS_WIDTH_MAX);
    const u32 mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
    lanes before = {base, base, base, base};
    lanes word = {0, 0, 0, 0};
    if (width != 0)
        word = load(from);
    u32 used = 0; /* bits of each lane of `word` */
    for (u32 row = 0; row < ROWS; row++) {
        lanes gaps = word >> used;
        used += width;
        if (used >= 32) {
            used -= 32;
            from += sizeof word;
            if (used != 0 || row + 1 < ROWS) /* there is nothing behind the last word */
                word = load(from);
            if (used != 0)
                gaps |= word << (width - used);
        }
        const lanes sums = running_sum((gaps & mask) + 1, before);
        store(docs + (size_t)4 * row, sums);
        before = __builtin_shufflevector(sums, sums, 3, 3, 3, 3);
    }
    MUST(used == 0);
}
