/* query_plan: one plan for all shards: what each slot of a query may stand for, and what it is worth.
 *
 *      offers of all shards  -> plan_take      alternatives by text, counts added
 *      plan_missing          -> COUNTS         of words that a shard has not offered
 *      plan_wants_typos      -> TYPOS          of slots that (nearly) nothing matches
 *      plan_finish           -> plan_write     alternatives with factors, what each slot weighs
 *
 * Pure; used by the gather. Counts are those of all shards, so that neither what a slot stands for nor
 * what it is worth depends on how products are spread.
 *
 * Invariants
 *   I1  an alternative is known by its kind of text: a stem, a row of words, or (typos) a word; it is
 *       in its slot once.
 *   I2  after COUNTS every shard has said how many documents have each alternative.
 * Ownership  bump of the gather; texts point into answers, which stay.
 * Failure    false: no memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_QUERY_PLAN_H
#define SOUK_SHARDS_SEARCH_QUERY_PLAN_H

#include "shards/search/query_step.h"
#include "shards/search/query_text.h"
#include "shards/store/bump.h"

struct plan_alternative {
    u64 hash; /* of what it is known by */
    struct span key;
    struct span words;
    u32 *dfs; /* of each word, over the shards that have said */
    u64 seen[SHARDS_MAX / 64];
    u32 factor;
    u8 kind; /* enum score_kind, the best one */
    u8 apart;
    u8 cost;
    u8 is_joined;
    u8 word_count;
    u8 kinds; /* bits of all that it was offered as */
    u8 prefix_apart;
    u8 model_is_joined;
    bool is_out; /* not used */
};

/* Rows of slots, this one among them, that are tried as one word. */
#define PLAN_JOINED_MAX (SCORE_JOIN_SLOTS * (SCORE_JOIN_SLOTS + 1) / 2 - 1)

struct plan_slot {
    struct plan_alternative *items;
    u32 *table;                          /* by hash: item + 1, 0 = free */
    struct span joined[PLAN_JOINED_MAX]; /* those of them that are words of the catalog */
    u32 joined_count;
    u32 count;
    u32 capacity;
    u32 table_mask;
    u32 weight;
    bool is_stop;
    bool has_too_many; /* words that it begins */
    bool has_too_many_models;
    bool is_out; /* does not count: a stop word */
    struct span corrected;
};

struct query_plan {
    struct bump *bump;
    const struct query_text *text;
    u64 live;
    u16 shard_count;
    bool has_prefix;
    bool is_corrected;
    u32 count; /* slots that count: positive ones */
    struct plan_slot slots[QUERY_WORDS_MAX];
};

void plan_init(struct query_plan *plan, const struct query_text *text, u16 shard_count,
               struct bump *bump);

/* Offers of every shard for all slots; each answer stands at the first of them. */
bool plan_take(struct query_plan *plan, struct query_unpack *answers);
/* What COUNTS has to ask a shard: texts for the pack; false: nothing. */
bool plan_missing(const struct query_plan *plan, u16 shard, struct query_pack *to);
/* Its answer. */
void plan_take_counts(struct query_plan *plan, u16 shard, struct query_unpack *answer);

/* Stop words are left out when other words remain. */
void plan_drop_stop_words(struct query_plan *plan);
/* Does anything want words like it? Then `ask` says what: slots and rows of slots. */
bool plan_wants_typos(const struct query_plan *plan, struct query_ask *ask);
void plan_finish(struct query_plan *plan);

/* How many slots must be in a match whose slots weigh `share` sixteenths of all. */
u32 plan_words_required(const struct query_plan *plan, u32 share);

/* The slots, for RUN. */
void plan_write(const struct query_plan *plan, struct query_pack *to);
/* The query as it was understood. */
struct span plan_corrected(const struct query_plan *plan, struct span source);

#endif
