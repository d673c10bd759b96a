/* column_bits: sets of documents in a window of 4,096, and compares that make them.
 *
 *      document d   window d / 4096, bit d % 4096
 *
 * The compares read the 64 values of one word of the window: bit i is set when from <= values[i] <=
 * until. Numbers of 8 bytes are compared four at a time where the processor has AVX2 (which is asked
 * when the columns are made), smaller ones with what every x86-64 has. The bits are the same everywhere.
 *
 * Not here   who has the values: column.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_COLUMN_BITS_H
#define SOUK_SHARDS_SEARCH_COLUMN_BITS_H

#include "proto/base.h"

#define WINDOW_DOCS  4096u
#define WINDOW_WORDS (WINDOW_DOCS / 64)

/* Functions that are compiled twice, for processors with these instructions and for others: a body that is
 * always inlined, and a pair of functions around it. */
#if defined(__x86_64__)
#define COLUMN_FAST __attribute__((target("avx2,bmi,popcnt")))
#else
#define COLUMN_FAST
#endif
#define COLUMN_BODY __attribute__((always_inline)) static inline

struct window_bits {
    u64 words[WINDOW_WORDS];
};

static inline void window_set(struct window_bits *bits, u32 at)
{
    bits->words[at / 64] |= 1ull << at % 64;
}

static inline void window_clear(struct window_bits *bits, u32 at)
{
    bits->words[at / 64] &= ~(1ull << at % 64);
}

static inline bool window_is_empty(const struct window_bits *bits)
{
    u64 any = 0;
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        any |= bits->words[i];
    return any == 0;
}

static inline bool window_has(const struct window_bits *bits, u32 at)
{
    return (bits->words[at / 64] >> at % 64 & 1) != 0;
}

/* Without the instruction, which not every machine has, and without the library's table. */
static inline u32 bits_count(u64 word)
{
    word -= word >> 1 & 0x5555555555555555ull;
    word = (word & 0x3333333333333333ull) + (word >> 2 & 0x3333333333333333ull);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (u32)(word * 0x0101010101010101ull >> 56);
}

/* The same where `is_fast` is a constant: with the instruction. */
COLUMN_BODY u32 bits_count_by(bool is_fast, u64 word)
{
#if defined(__x86_64__)
    return is_fast ? (u32)__builtin_popcountll(word) : bits_count(word);
#else
    (void)is_fast;
    return bits_count(word);
#endif
}

static inline u32 window_count(const struct window_bits *bits)
{
    u32 count = 0;
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        count += bits_count(bits->words[i]);
    return count;
}

/* Does the processor have these, and the system keep the registers of AVX2? */
bool column_bits_is_fast(void);

/* Writes the positions of the bits, from the least on, and returns how many; UINT32_MAX where there are
 * more than WINDOW_POSITIONS_MAX, or where it does not pay (without `is_fast`). */
#define WINDOW_POSITIONS_MAX  (WINDOW_DOCS / 2)
#define WINDOW_POSITIONS_ROOM (WINDOW_POSITIONS_MAX + 64)
u32 window_positions(bool is_fast, const struct window_bits *bits, u16 *positions);

/* Bit i: from <= values[i] <= until, for i from 0 to 63. from <= until. */
u64 column_bits_i64(bool is_fast, const i64 *values, i64 from, i64 until);
u64 column_bits_u32(const u32 *values, u32 from, u32 until);
u64 column_bits_u16(const u16 *values, u16 from, u16 until);

#endif
