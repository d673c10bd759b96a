/* spread: an amount over lines, so that the parts add up to the cent.
 *
 *      100 over 1, 1, 1   ->  34 33 33     floor(100 x 1 / 3) each; the unit that remains goes to the
 *                                          largest remainder, of equal ones to the first
 *
 * The arithmetic is exact for numbers up to 2^53: products are 106 bits long, and where one does not
 * fit into 64 the division goes bit by bit (a library call for it would not be pure).
 *
 * Invariants
 *   I1  the shares add up to the amount.
 *   I2  0 <= share <= weight, and a weight of 0 gets nothing.
 * Ownership  all arrays are the caller's. No allocation, no state: any core.
 * Failure    none: what is out of range is a bug of the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SPREAD_H
#define SOUK_SHARDS_SETTINGS_SPREAD_H

#include "proto/base.h"
#include "proto/limits.h"

/* An entry of a sort: by key, then by index. */
struct spread_pair {
    u64 key;
    u32 index;
    u32 zero0;
};

/* floor(a x b / c) and the remainder, for a, b, c of 0 .. 2^53, a <= c, c > 0. */
u64 spread_floor(u64 a, u64 b, u64 c, u64 *remainder);

/* What `part` of `whole` units of a line are worth: floor(total x part / whole). Differences of these
 * cumulative values add up to `total`. 0 <= part <= whole, 0 < whole. */
i64 spread_part(i64 total, i64 part, i64 whole);

/* Spreads `amount` over `count` values in proportion to them; they become the shares. `sum` is the sum
 * of the values, 0 <= amount <= sum <= 2^53, no value is negative. */
void spread_amount(i64 *values, u32 count, i64 amount, i64 sum, struct spread_pair *scratch);

/* A heap with the smallest pair first, and the whole in order. */
void spread_heapify(struct spread_pair *pairs, u32 count);
struct spread_pair spread_pop(struct spread_pair *pairs, u32 *count);

#endif
