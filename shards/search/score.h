/* score: how much a document is about a word, in integers; how far a word may be from what was typed.
 *
 *      at index time   tf and length per field  -> score_impact: u8, kept with the posting
 *      of a query      kinds of alternatives    -> score_factor: of 256
 *                      df over all shards       -> score_weight: what a slot is worth
 *      per document    text score = sum over slots of weight x max over alternatives (factor x impact)
 *      too few hits    slots that weigh t/16 of all suffice -> score_share
 *
 * The formula is BM25F with fixed pivots instead of average lengths: what a document scores depends
 * on itself, the query and the document frequencies over all shards, so neither the number of shards
 * nor the order of writes shows in an answer.
 *
 * What pays in catalogs, tried on offers of shops, on gifts and on clothes (tests/relevance/): model
 * numbers that are joined or taken apart (a quarter of what is gained over plain BM25), slots that are
 * dropped by their weight and not by their number (dropping by number is worse than BM25), model
 * numbers that go on ("kgv33vl31" finds "kgv33vl31g"), numbers that weigh more. A score is a plain sum, which
 * block maxima bound: neither how near words stand nor in which order counts.
 *
 * Invariants
 *   I1  integers only; every function is total and depends on its arguments alone.
 *   I2  score_impact never shrinks with tf, never grows with len, is at least 1 when the term occurs
 *       in a field with a weight, and 0 when not.
 *   I3  score_weight never grows with df and is at least 1 for what occurs, 0 for what does not.
 *   I4  score_slot grows with impact, so that of the greatest impact of a block bounds the block.
 *   I5  QUERY_WORDS_MAX slots together stay below 2^32.
 *
 * Not here: the words of a query, their alternatives, and the rank profile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_SCORE_H
#define SOUK_SHARDS_SEARCH_SCORE_H

#include "proto/base.h"

/* In the order of the weights of SEARCH_POLICY_FIELDS and of enum index_field. */
enum score_field {
    SCORE_TITLE,
    SCORE_BRAND,
    SCORE_CATEGORY,
    SCORE_ATTRIBUTES,
    SCORE_DESCRIPTION,
    SCORE_CODE,
    SCORE_FIELDS
};

struct score_policy {
    u16 weights[SCORE_FIELDS]; /* 0 to 100; 0 = the field is not searched */
};

/* When no policy was put: weights, and the numbers of SEARCH_POLICY_FIELDS. */
extern const struct score_policy score_policy_builtin;
#define SCORE_DROP_BELOW    20u
#define SCORE_TYPO1_LETTERS 4u
#define SCORE_TYPO2_LETTERS 8u

#define SCORE_IMPACT_MAX 255u
#define SCORE_FACTOR_ONE 256u
#define SCORE_SHARES     16u
/* In 1/256 of a bit: log2 of 2^33, and numbers weigh a quarter more. */
#define SCORE_WEIGHT_MAX (33u * 256u * 5u / 4u)

/* log2(x) x 256, rounded down; x >= 1. */
u32 score_log2(u64 x);

/* tf: how often the term stands in each field; len: how many words the field has (variants that share
 * a position count once). 0 when it stands in no field that has a weight. */
u8 score_impact(const struct score_policy *policy, const u16 tf[SCORE_FIELDS],
                const u16 len[SCORE_FIELDS]);

/* ---- alternatives ---- */

enum score_kind {
    SCORE_SELF,    /* the word itself, its joined form, or its parts in a row */
    SCORE_JOINED,  /* adjacent slots that are one word in the catalog */
    SCORE_SPLIT,   /* a slot that is two words in a row in the catalog */
    SCORE_SYNONYM, /* of the settings */
    SCORE_PREFIX,  /* the last word goes on; apart: code points that are missing */
    SCORE_MODEL,   /* a model number goes on: score_goes_on */
    SCORE_TYPO     /* apart: distance */
};

/* Of 256. `letters`: of the word as typed. Of a joined word's typo: score_both of the two factors. */
u32 score_factor(enum score_kind kind, u32 apart, u32 letters);

static inline u32 score_both(u32 factor, u32 other)
{
    return factor * other / SCORE_FACTOR_ONE;
}

/* So many adjacent slots are tried as one word, and so many as one word with a typo. */
#define SCORE_JOIN_SLOTS      4u
#define SCORE_JOIN_TYPO_SLOTS 3u

/* Is `longer` the model number `word`, and some more? "qe55q8dn" goes on in "qe55q8dna", but "mq8"
 * does not in "mq85": a digit behind a digit makes another number. */
bool score_goes_on(const u8 *word, u32 bytes, const u8 *longer, u32 longer_bytes);

/* Are words like it looked for, when what was typed stands in `df` documents of all? In none, or in
 * fewer than one in a hundred thousand: most likely somebody's slip. */
static inline bool score_wants_typos(u64 documents, u64 df)
{
    return df == 0 || df * 100000 < documents;
}
/* Then a word is meant that is far more usual than what was typed. */
static inline bool score_is_likelier(u64 df, u64 typo_df)
{
    return typo_df != 0 && typo_df >= 8 * df;
}

/* ---- slots ---- */

/* What an alternative adds to its slot's df; a row of words counts as the least of their dfs. Rounded
 * up: what stands in one document is no word that stands in none. */
static inline u64 score_df(u64 df, u32 factor)
{
    return (df * factor + SCORE_FACTOR_ONE - 1) / SCORE_FACTOR_ONE;
}

/* Of a slot whose alternatives' score_df come to `df`, of `documents` live ones over all shards. */
u32 score_weight(u64 documents, u64 df, bool has_digit);

/* Of a slot of letters only. */
static inline u32 score_idf(u64 documents, u64 df)
{
    return score_weight(documents, df, false);
}

static inline u32 score_slot(u32 weight, u32 factor, u32 impact)
{
    return weight * (factor * impact / SCORE_FACTOR_ONE);
}

/* How many sixteenths of `total` a document's slots weigh, rounded down; total >= 1. */
static inline u32 score_share(u32 weight, u32 total)
{
    return weight >= total ? SCORE_SHARES : SCORE_SHARES * weight / total;
}

/* How many slots weigh `share` sixteenths of all at least: the heaviest ones; at least 1. */
u32 score_words_required(const u32 *weights, u32 count, u32 share);

#endif
