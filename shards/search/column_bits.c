/* column_bits: see column_bits.h.
 *
 * From <= value <= until is one compare without sign: value - from <= until - from. Vectors compare with
 * sign, so both sides get their top bit turned.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/column_bits.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

bool column_bits_is_fast(void)
{
    u32 a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0 || (c & bit_AVX) == 0 ||
        (c & bit_POPCNT) == 0)
        return false;
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) /* the system keeps the registers */
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_AVX2) != 0 &&
           (b & bit_BMI) != 0;
}

COLUMN_FAST static u64 compare_i64_fast(const i64 *values, u64 from, u64 width)
{
    typedef i64 vector __attribute__((vector_size(32)));
    typedef double lanes __attribute__((vector_size(32)));
    const u64 sign = 1ull << 63;
    const i64 shift = (i64)(0 - from + sign), limit = (i64)(width ^ sign);
    const vector shifts = {shift, shift, shift, shift}, limits = {limit, limit, limit, limit};
    u64 outside = 0;
    for (u32 i = 0; i < 64; i += 4) {
        vector four;
        memcpy(&four, values + i, sizeof four);
        typedef u64 unsigned_vector __attribute__((vector_size(32)));
        const vector moved = (vector)((unsigned_vector)four + (unsigned_vector)shifts);
        outside |= (u64)(u32)__builtin_ia32_movmskpd256((lanes)(moved > limits)) << i;
    }
    return ~outside;
}

u64 column_bits_u32(const u32 *values, u32 from, u32 until)
{
    typedef u32 vector __attribute__((vector_size(16)));
    typedef i32 signed_vector __attribute__((vector_size(16)));
    typedef float lanes __attribute__((vector_size(16)));
    MUST(from <= until);
    const u32 shift = 0u - from + (1u << 31), limit = (until - from) ^ (1u << 31);
    const vector shifts = {shift, shift, shift, shift}, limits = {limit, limit, limit, limit};
    u64 outside = 0;
    for (u32 i = 0; i < 64; i += 4) {
        vector four;
        memcpy(&four, values + i, sizeof four);
        const lanes over = (lanes)((signed_vector)(four + shifts) > (signed_vector)limits);
        outside |= (u64)(u32)__builtin_ia32_movmskps(over) << i;
    }
    return ~outside;
}

u64 column_bits_u16(const u16 *values, u16 from, u16 until)
{
    typedef u16 vector __attribute__((vector_size(16)));
    typedef int16_t signed_vector __attribute__((vector_size(16)));
    typedef char lanes __attribute__((vector_size(16)));
    MUST(from <= until);
    const u16 s = (u16)(0x8000u - from), l = (u16)((u16)(until - from) ^ 0x8000u);
    const vector shifts = {s, s, s, s, s, s, s, s}, limits = {l, l, l, l, l, l, l, l};
    u64 outside = 0;
    for (u32 i = 0; i < 64; i += 16) {
        vector low, high;
        memcpy(&low, values + i, sizeof low);
        memcpy(&high, values + i + 8, sizeof high);
        const signed_vector first = (signed_vector)(low + shifts) > (signed_vector)limits;
        const signed_vector second = (signed_vector)(high + shifts) > (signed_vector)limits;
        const lanes over = (lanes)__builtin_ia32_packsswb128(first, second);
        outside |= (u64)(u32)__builtin_ia32_pmovmskb128(over) << i;
    }
    return ~outside;
}

#else

bool column_bits_is_fast(void)
{
    return false;
}

static u64 compare_i64_fast(const i64 *values, u64 from, u64 width)
{
    (void)values, (void)from, (void)width;
    PANIC("there is no fast compare here");
}

u64 column_bits_u32(const u32 *values, u32 from, u32 until)
{
    MUST(from <= until);
    u64 bits = 0;
    for (u32 i = 0; i < 64; i++)
        bits |= (u64)(values[i] - from <= until - from) << i;
    return bits;
}

u64 column_bits_u16(const u16 *values, u16 from, u16 until)
{
    MUST(from <= until);
    u64 bits = 0;
    for (u32 i = 0; i < 64; i++)
        bits |= (u64)(values[i] >= from && values[i] <= until) << i;
    return bits;
}

#endif

#if defined(__x86_64__)
/* `step` a time without asking whether there are so many: a branch on the bits would be guessed. What is
 * written too much is written over; a zero word has 64 trailing zeros with these instructions. */
COLUMN_BODY u32 write_words(const struct window_bits *bits, u16 *positions, u32 step)
{
    u32 written = 0;
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        u64 left = bits->words[word];
        u16 *to = positions + written;
        written += bits_count_by(true, left);
        do { /* ends: some bits less each time */
            for (u32 i = 0; i < step; i++, left &= left - 1)
                to[i] = (u16)(word * 64 + __builtin_ia32_tzcnt_u64(left));
            to += step;
        } while (left != 0);
    }
    return written;
}

COLUMN_FAST static u32 write_positions(const struct window_bits *bits, u16 *positions)
{
    u32 total = 0;
    for (u32 word = 0; word < WINDOW_WORDS; word++)
        total += bits_count_by(true, bits->words[word]);
    if (total > WINDOW_POSITIONS_MAX)
        return UINT32_MAX;
    const u32 written = total <= 2 * WINDOW_WORDS ? write_words(bits, positions, 2)
                                                  : write_words(bits, positions, 8);
    MUST(written == total);
    return total;
}
#else
static u32 write_positions(const struct window_bits *bits, u16 *positions)
{
    (void)bits, (void)positions;
    return UINT32_MAX;
}
#endif

u32 window_positions(bool is_fast, const struct window_bits *bits, u16 *positions)
{
    return is_fast ? write_positions(bits, positions) : UINT32_MAX;
}

u64 column_bits_i64(bool is_fast, const i64 *values, i64 from, i64 until)
{
    MUST(from <= until);
    const u64 first = (u64)from, width = (u64)until - (u64)from;
    if (LIKELY(is_fast))
        return compare_i64_fast(values, first, width);
    u64 bits = 0;
    for (u32 i = 0; i < 64; i++)
        bits |= (u64)((u64)values[i] - first <= width) << i;
    return bits;
}
