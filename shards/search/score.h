/* score: how much a document is about a word, in integers.
 *
 *      at index time   tf and length per field  -> score_impact: u8, kept with the posting
 *      of a query      df over all shards       -> score_idf: what a slot is worth
 *                      kind of an alternative   -> score_factor: of 256
 *      per document    text score = sum over slots of idf x max over alternatives (factor x impact)
 *
 * The formula is BM25F with fixed pivots instead of average lengths: what a document scores depends
 * on itself, the query and the document frequencies over all shards, so neither the number of shards
 * nor the order of writes shows in an answer.
 *
 * Invariants
 *   I1  integers only; every function is total and depends on its arguments alone.
 *   I2  score_impact grows with tf, never grows with len, is at least 1 when the term occurs in a
 *       field with a weight, and at most SCORE_IMPACT_MAX.
 *   I3  score_idf never grows with df and is at least 1: a match always scores.
 *   I4  slot_score <= score_slot_bound of the greatest impact: what block-max skipping builds on.
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

/* When no policy was put. */
extern const struct score_policy score_policy_builtin;

#define SCORE_IMPACT_MAX 255u
#define SCORE_FACTOR_ONE 256u
/* idf in 1/256 of a bit: at most log2 of 2^33. */
#define SCORE_IDF_MAX (34u * 256u)

/* log2(x) x 256, rounded down; x >= 1. */
u32 score_log2(u64 x);

/* tf: how often the term stands in each field; len: how many words the field has (variants that share
 * a position count once). 0 when it stands in no field that has a weight. */
u8 score_impact(const struct score_policy *policy, const u16 tf[SCORE_FIELDS],
                const u16 len[SCORE_FIELDS]);

/* Of a slot whose alternatives occur in df of `documents` live documents, over all shards. */
u32 score_idf(u64 documents, u64 df);

/* Kinds of alternatives of a slot. */
enum score_kind {
    SCORE_SELF,    /* the word itself, or a form in which it is analysed */
    SCORE_JOINED,  /* two slots that are one word in the catalog */
    SCORE_SPLIT,   /* one slot that is a phrase in the catalog */
    SCORE_SYNONYM, /* of the settings */
    SCORE_PREFIX,  /* apart: code points that are missing */
    SCORE_TYPO     /* apart: distance */
};

/* Of 256. `bytes`: of the word as typed. */
u32 score_factor(enum score_kind kind, u32 apart, u32 bytes);

/* What a slot adds to the text score when its best alternative has this impact. */
static inline u32 score_slot(u32 idf, u32 factor, u32 impact)
{
    return idf * (factor * impact / SCORE_FACTOR_ONE);
}

/* At most this much, for no document of a block whose greatest impact is `impact` scores more. */
static inline u32 score_slot_bound(u32 idf, u32 factor, u32 impact)
{
    return score_slot(idf, factor, impact);
}

#endif
