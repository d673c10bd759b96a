/* score: see score.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/score.h"

const struct score_policy score_policy_builtin = {.weights = {20, 16, 8, 10, 4, 20}};

/* Words of a field of usual length. */
static const u16 pivots[SCORE_FIELDS] = {10, 2, 3, 10, 60, 3};
/* How much of the length counts, of 256 (BM25's b). */
static const u16 slopes[SCORE_FIELDS] = {77, 51, 51, 128, 160, 0};

/* BM25's k1 for a sum in which one occurrence in a title of usual length is 20 x 256. */
#define SATURATION (20u * 256u * 6u / 5u)

u32 score_log2(u64 x)
{
    MUST(x >= 1);
    const u32 whole = 63u - (u32)__builtin_clzll(x);
    /* The mantissa in [1, 2) with 31 bits; squaring it gives one bit of the logarithm each time. */
    u64 mantissa = whole >= 31 ? x >> (whole - 31) : x << (31 - whole);
    u32 result = whole;
    for (u32 bit = 0; bit < 8; bit++) {
        mantissa = (mantissa * mantissa) >> 31;
        result <<= 1;
        if (mantissa >> 32) {
            mantissa >>= 1;
            result |= 1;
        }
    }
    return result;
}

u8 score_impact(const struct score_policy *policy, const u16 tf[SCORE_FIELDS],
                const u16 len[SCORE_FIELDS])
{
    u64 sum = 0;
    for (u32 field = 0; field < SCORE_FIELDS; field++) {
        if (tf[field] == 0 || policy->weights[field] == 0)
            continue;
        const u64 norm = 256u - slopes[field] + (u64)slopes[field] * len[field] / pivots[field];
        sum += (u64)policy->weights[field] * tf[field] * 256u * 256u / norm;
    }
    if (sum == 0)
        return 0;
    const u64 impact = sum * SCORE_IMPACT_MAX / (sum + SATURATION);
    return impact == 0 ? 1 : (u8)impact;
}

u32 score_idf(u64 documents, u64 df)
{
    const u64 live = MAX(documents, df);
    const u32 idf = score_log2(2 * live + 2) - score_log2(2 * df + 1);
    return MAX(1u, MIN(idf, SCORE_IDF_MAX));
}

u32 score_factor(enum score_kind kind, u32 apart, u32 bytes)
{
    switch (kind) {
    case SCORE_SELF: return SCORE_FACTOR_ONE;
    case SCORE_JOINED:
    case SCORE_SPLIT: return 240;
    case SCORE_SYNONYM: return 224;
    case SCORE_PREFIX: return SCORE_FACTOR_ONE * (bytes + 2) / (bytes + 2 + apart);
    case SCORE_TYPO: return apart <= 1 ? 176 : 112;
    }
    return 0;
}
