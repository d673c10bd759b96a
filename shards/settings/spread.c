/* spread: see shards/settings/spread.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/spread.h"

STATIC_CHECK(PRICE_MAX == 1ll << 53);

/* Long division in base 2: `rest` stays below c, so 2 x rest + a is below 3 x 2^53. */
static u64 floor_by_bits(u64 a, u64 b, u64 c, u64 *remainder)
{
    u64 quotient = 0, rest = 0;
    for (u32 bit = 54; bit > 0; bit--) {
        rest = rest * 2 + ((b >> (bit - 1) & 1) != 0 ? a : 0);
        quotient *= 2;
        if (rest >= c) {
            rest -= c;
            quotient++;
        }
        if (rest >= c) {
            rest -= c;
            quotient++;
        }
        MUST(rest < c);
    }
    *remainder = rest;
    return quotient;
}

u64 spread_floor(u64 a, u64 b, u64 c, u64 *remainder)
{
    MUST(a <= c);
    MUST(b <= (u64)PRICE_MAX);
    MUST(c != 0 && c <= (u64)PRICE_MAX);
    u64 product;
    if (UNLIKELY(__builtin_mul_overflow(a, b, &product)))
        return floor_by_bits(a, b, c, remainder);
    *remainder = product % c;
    return product / c;
}

i64 spread_part(i64 total, i64 part, i64 whole)
{
    MUST(total >= 0);
    MUST(part >= 0 && part <= whole);
    u64 remainder;
    return (i64)spread_floor((u64)part, (u64)total, (u64)whole, &remainder);
}

static inline bool is_before(struct spread_pair a, struct spread_pair b)
{
    return a.key < b.key || (a.key == b.key && a.index < b.index);
}

static void sift_down(struct spread_pair *pairs, u32 count, u32 hole, struct spread_pair pair)
{
    for (;;) { /* ends: the hole goes down a level each time */
        u32 child = 2 * hole + 1;
        if (child >= count)
            break;
        if (child + 1 < count && is_before(pairs[child + 1], pairs[child]))
            child++;
        if (!is_before(pairs[child], pair))
            break;
        pairs[hole] = pairs[child];
        hole = child;
    }
    pairs[hole] = pair;
}

void spread_heapify(struct spread_pair *pairs, u32 count)
{
    for (u32 i = count / 2; i > 0; i--)
        sift_down(pairs, count, i - 1, pairs[i - 1]);
}

struct spread_pair spread_pop(struct spread_pair *pairs, u32 *count)
{
    MUST(*count != 0);
    const struct spread_pair least = pairs[0];
    *count -= 1;
    if (*count != 0)
        sift_down(pairs, *count, 0, pairs[*count]);
    return least;
}

void spread_amount(i64 *values, u32 count, i64 amount, i64 sum, struct spread_pair *scratch)
{
    MUST(amount >= 0 && amount <= sum);
    i64 left = amount;
    for (u32 i = 0; sum != 0 && i < count; i++) {
        u64 remainder;
        MUST(values[i] >= 0 && values[i] <= sum);
        values[i] = (i64)spread_floor((u64)values[i], (u64)amount, (u64)sum, &remainder);
        left -= values[i];
        scratch[i] = (struct spread_pair){.key = (u64)sum - remainder, .index = i};
    }
    MUST(left >= 0 && (left == 0 || left < (i64)count)); /* each floor loses less than 1 */
    if (left == 0)
        return;
    u32 candidates = count;
    spread_heapify(scratch, count);
    for (; left > 0; left--) /* ends: one less each time */
        values[spread_pop(scratch, &candidates).index]++;
}
