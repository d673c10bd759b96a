/* score: see score.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/score.h"

const struct score_policy score_policy_builtin = {.weights = {20, 16, 8, 10, 4, 20}};

/* Words of a field of usual length. */
static const u16 pivots[SCORE_FIELDS] = {9, 2, 3, 10, 60, 3};
/* How much of the length counts, of 256: BM25's b. Codes are not worse for being many. */
static const u16 slopes[SCORE_FIELDS] = {77, 51, 51, 128, 154, 0};

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
    /* The heaviest field is the measure: only the proportions of weights count. */
    u64 unit = 1;
    u64 sum = 0;
    for (u32 field = 0; field < SCORE_FIELDS; field++) {
        const u64 weight = policy->weights[field];
        unit = MAX(unit, weight);
        const u64 norm = 256u - slopes[field] + (u64)slopes[field] * len[field] / pivots[field];
        if (weight != 0 && tf[field] != 0)
            sum += MAX(1u, weight * tf[field] * 65536u / norm);
    }
    if (sum == 0)
        return 0;
    /* BM25's k1 is 1.2; 256 is one occurrence in a field of usual length. */
    const u64 impact = sum * SCORE_IMPACT_MAX / (sum + unit * 256u * 6u / 5u);
    return (u8)MAX(impact, 1u);
}

u32 score_weight(u64 documents, u64 df, bool has_digit)
{
    if (df == 0)
        return 0;
    const u64 others = documents > df ? documents - df : 0;
    /* log2(1 + (N - df + 1/2) / (df + 1/2)) */
    u32 weight = score_log2(2 * (others + df) + 2) - score_log2(2 * df + 1);
    if (has_digit)
        weight += weight / 4;
    return MAX(1u, MIN(weight, SCORE_WEIGHT_MAX));
}

u32 score_factor(enum score_kind kind, u32 apart, u32 letters)
{
    switch (kind) {
    case SCORE_SELF: return SCORE_FACTOR_ONE;
    case SCORE_JOINED:
    case SCORE_SPLIT: return 243;
    case SCORE_SYNONYM: return 230;
    case SCORE_PREFIX: return 205 * (letters + 2) / (letters + 2 + apart);
    case SCORE_MODEL: return 179;
    case SCORE_TYPO: return apart <= 1 ? 205 : 154;
    }
    return 0;
}

static bool is_digit(u8 byte)
{
    return byte >= '0' && byte <= '9';
}

bool score_goes_on(const u8 *word, u32 bytes, const u8 *longer, u32 longer_bytes)
{
    bool has_digit = false;
    bool has_letter = false;
    if (bytes < 4 || longer_bytes <= bytes || longer_bytes > bytes + 4)
        return false;
    for (u32 i = 0; i < bytes; i++) {
        if (word[i] != longer[i])
            return false;
        has_digit |= is_digit(word[i]);
        has_letter |= !is_digit(word[i]) && word[i] != '.' && word[i] != '/';
    }
    return has_digit && has_letter && !(is_digit(word[bytes - 1]) && is_digit(longer[bytes]));
}

u32 score_words_required(const u32 *weights, u32 count, u32 share)
{
    u64 total = 0;
    for (u32 i = 0; i < count; i++)
        total += weights[i];
    /* The heaviest first: each is behind all that are heavier, or equal and before it. */
    u64 sum = 0;
    u32 required = 0;
    for (u32 rank = 0; rank < count && sum * SCORE_SHARES < share * total; rank++)
        for (u32 i = 0; i < count; i++) {
            u32 before = 0;
            for (u32 k = 0; k < count; k++)
                before += weights[k] > weights[i] || (weights[k] == weights[i] && k < i);
            if (before == rank) {
                sum += weights[i];
                required++;
            }
        }
    return MAX(required, 1u);
}
