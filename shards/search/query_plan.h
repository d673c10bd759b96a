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
 * A slot may have thousands of alternatives. So whatever goes through them is done in pieces: the function is
 * called again until it says that it is done, and stops when the work counted so far (nanoseconds, about) has
 * come to QUERY_SLICE_WORK; one step of a slot, or some alternatives, are always done.
 *
 * Invariants
 *   I1  an alternative is known by its kind of text: a stem, a row of words, or (typos) a word; it is
 *       in its slot once.
 *   I2  after COUNTS every shard has said how many documents have each alternative.
 *   I3  only one function at a time is under way.
 *   I4  a slot never has many more alternatives than may be kept of it, however many shards there are: of
 *       beginnings and model numbers no more are taken when there are too many, of the words like it only
 *       the nearest are kept.
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
    u32 *dfs; /* of each word, over the shards that have said; stays where it is */
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
    u32 prefix_count; /* of the items that were offered as that */
    u32 model_count;
    u32 letters; /* of the slot as it was typed */
    u32 weight;
    u64 df;      /* what it is without guesses, after plan_sum */
    u64 self_df; /* itself */
    bool is_stop;
    bool has_too_many; /* words that it begins */
    bool has_too_many_models;
    bool is_out; /* does not count: a stop word */
    struct span corrected;
    bool is_corrected_joined; /* with slots beside it */
};

/* Where a function that is called again goes on. */
struct plan_cursor {
    u32 slot;
    u32 item;
    u32 step;
    u32 shard;
    u32 at;               /* in a pack: where the count of the slots is */
    u32 items_at;         /* of the items of a slot */
    u32 count, items;     /* what is to be written there */
    u32 left[SHARDS_MAX]; /* offers of the slot */
};

struct query_plan {
    struct bump *bump;
    const struct query_text *text;
    u32 *work; /* of the piece in hand */
    struct plan_cursor cursor;
    u32 *dfs; /* room for counts */
    u32 dfs_left;
    u64 live;
    u16 shard_count;
    bool has_prefix;
    bool is_corrected;
    u32 count; /* slots that count: positive ones */
    struct plan_slot slots[QUERY_WORDS_MAX];
};

void plan_init(struct query_plan *plan, const struct query_text *text, u16 shard_count,
               struct bump *bump, u32 *work);

/* What has become of a piece. */
enum plan_result { PLAN_GOES_ON, PLAN_DONE, PLAN_FULL };

/* Offers of every shard for all slots; each answer stands at the first of them, and is moved on. */
enum plan_result plan_take(struct query_plan *plan, struct query_unpack *answers);
/* What COUNTS has to ask a shard: texts for the pack. Done, or full: the rest is asked when these have been
 * answered. */
enum plan_result plan_missing(struct query_plan *plan, u16 shard, struct query_pack *to);
/* Its answer. */
enum plan_result plan_take_counts(struct query_plan *plan, u16 shard, struct query_unpack *answer);

/* Stop words are left out when other words remain. */
void plan_drop_stop_words(struct query_plan *plan);
/* In how many documents the slots are; goes before plan_wants_typos. */
enum plan_result plan_sum(struct query_plan *plan);
/* Does anything want words like it? Then `ask` says what: slots and rows of slots. */
bool plan_wants_typos(const struct query_plan *plan, struct query_ask *ask);
enum plan_result plan_finish(struct query_plan *plan);

/* How many slots must be in a match whose slots weigh `share` sixteenths of all. */
u32 plan_words_required(const struct query_plan *plan, u32 share);

/* The slots, for RUN. */
enum plan_result plan_write(struct query_plan *plan, struct query_pack *to);
/* The query as it was understood. */
struct span plan_corrected(const struct query_plan *plan, struct span source);

#endif
