/* rank: the number by which hits are sorted.
 *
 *      relevance   (text score / bucket) in the upper half, rank score in the lower
 *      other       the column: price, creation, popularity, rating, discount
 *
 *      rank score = sum of weight (0 to 1000) x value (0 to 1000), of
 *                   popularity     log2(popularity + 1), 32 bits of it = 1000
 *                   availability   none 0, low 500, some 1000
 *                   rating         average stars with five more of three and a half; five stars = 1000
 *                   margin         100 % = 1000
 *                   recent         1000 when its category is one of the user's recent ones
 *
 * Invariants
 *   I1  a key is greater where a hit comes earlier; equal keys are in order of the product id.
 *   I2  all is a function of the document and the profile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_RANK_H
#define SOUK_SHARDS_SEARCH_RANK_H

#include "proto/base.h"
#include "proto/messages.h"

struct rank_profile {
    u32 bucket;
    u16 popularity;
    u16 availability;
    u16 rating;
    u16 margin;
    u16 recent_category;
};

/* When none was put. */
extern const struct rank_profile rank_profile_builtin;

/* What the score looks at. */
struct rank_facts {
    i64 price;
    i64 price_before;
    u64 created_at_ns;
    u64 rating_sum;
    u32 rating_count;
    u32 popularity;
    u16 state; /* enum stock_state */
    u16 margin;
    bool is_recent;
};

u32 rank_score(const struct rank_profile *profile, const struct rank_facts *facts);
/* Average stars in hundredths, 0 without a review. */
u16 rank_rating(u64 sum, u32 count);
/* Hundredths of a percent below the price before; 0 when it is not below. */
u32 rank_discount(i64 price, i64 price_before);
/* The key of any sort but relevance. */
u64 rank_column_key(enum search_sort sort, const struct rank_facts *facts);

static inline u64 rank_relevance_key(const struct rank_profile *profile, u32 text_score, u32 rank)
{
    return (u64)(profile->bucket > 1 ? text_score / profile->bucket : text_score) << 32 | rank;
}

#endif
