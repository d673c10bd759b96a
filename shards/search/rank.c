/* rank: see rank.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/rank.h"

#include "shards/search/score.h"

const struct rank_profile rank_profile_builtin = {.bucket = 4096,
                                                  .popularity = 300,
                                                  .availability = 300,
                                                  .rating = 200,
                                                  .margin = 0,
                                                  .recent_category = 200};

/* Stars that every product is taken to have beside its own. */
#define RATING_PRIOR_COUNT     5u
#define RATING_PRIOR_SUM_HALFS 35u /* three and a half each */

u16 rank_rating(u64 sum, u32 count)
{
    if (count == 0)
        return 0;
    return (u16)MIN(sum * 100 / count, 500u);
}

u32 rank_discount(i64 price, i64 price_before)
{
    if (price < 0 || price_before <= 0 || price >= price_before)
        return 0;
    /* In two steps of a hundred, so that nothing exceeds 64 bits: prices are at most 2^53. */
    const u64 scaled = (u64)(price_before - price) * 100;
    const u64 percent = scaled / (u64)price_before;
    const u64 rest = scaled % (u64)price_before;
    return (u32)(percent * 100 + rest * 100 / (u64)price_before);
}

u32 rank_score(const struct rank_profile *profile, const struct rank_facts *facts)
{
    const u32 popularity = score_log2((u64)facts->popularity + 1) * 1000 / (32 * 256);
    const u32 availability = facts->state == STOCK_STATE_SOME  ? 1000
                             : facts->state == STOCK_STATE_LOW ? 500
                                                               : 0;
    const u64 halfs =
        MIN(facts->rating_sum, 5ull * facts->rating_count) * 2 + RATING_PRIOR_SUM_HALFS;
    const u64 rating = halfs * 100 / ((u64)facts->rating_count + RATING_PRIOR_COUNT);
    const u32 margin = MIN(facts->margin, (u16)PERCENT_MAX) / 10u;
    return profile->popularity * popularity + profile->availability * availability +
           profile->rating * (u32)rating + profile->margin * margin +
           profile->recent_category * (facts->is_recent ? 1000u : 0u);
}

u64 rank_column_key(enum search_sort sort, const struct rank_facts *facts)
{
    switch (sort) {
    case SEARCH_SORT_PRICE_UP: return ~(u64)facts->price;
    case SEARCH_SORT_PRICE_DOWN: return (u64)facts->price;
    case SEARCH_SORT_NEWEST: return facts->created_at_ns;
    case SEARCH_SORT_POPULARITY: return facts->popularity;
    case SEARCH_SORT_RATING: return rank_rating(facts->rating_sum, facts->rating_count);
    case SEARCH_SORT_DISCOUNT: return rank_discount(facts->price, facts->price_before);
    case SEARCH_SORT_RELEVANCE:
    case SEARCH_SORT_COUNT: break;
    }
    return 0;
}
