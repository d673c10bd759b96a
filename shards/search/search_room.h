/* search_room: the search index of a shard, under the policy in force.
 *
 *      catalog  -> search_refresh -> documents and columns
 *      settings -> search_setting -> policy, categories, attributes; words of synonyms, curations, ads
 *      parts    -> query_offer.h, run.h, suggest.h
 *
 * Another policy (language, weights, what attributes are searched) is another index: it is made beside
 * the one that answers, some products at a time, and takes its place when it is complete and no question is
 * open. Until then answers say so (note 16). Numbers of documents and nodes of categories are never used
 * again within an index: before they run out it is made anew in the same way. The memory of the index before
 * goes back a chunk at a time.
 *
 * Invariants
 *   I1  indexes[current] has every product; the other one, while it is made, those before `renewed`.
 *   I2  no question is open on the index that is being made.
 *   I3  what a gather asks this shard in several rounds it asks one index: asks name the generation.
 * Ownership  memory of its own: soft, not what admission counts.
 * Not here   what a search means: docs/search.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_SEARCH_ROOM_H
#define SOUK_SHARDS_SEARCH_SEARCH_ROOM_H

#include "shards/search/query_stats.h"
#include "shards/search/rank.h"
#include "shards/search/search_index.h"
#include "shards/search/search_settings.h"

struct shard;

struct search_policy {
    struct score_policy score;
    struct text64 language;
    u32 drop_below;
    u16 typo1_bytes;
    u16 typo2_bytes;
};

struct search {
    struct store_memory memory;
    struct search_index indexes[2];
    struct search_settings words;
    struct query_stats stats;
    struct search_policy policy;
    u32 current;
    u32 generation; /* of the index that answers: grows when it is replaced, from 1 */
    u32 question_count;
    u32 renewed;      /* products below are in the new index */
    u32 doc_limit;    /* an index is made anew from here */
    u32 node_limit;   /* of categories, also */
    bool is_renewing; /* indexes[1 - current] is being made */
};

void search_init(struct search *search, struct shard *shard);
void search_deinit(struct search *search);

static inline struct search_index *search_current(struct search *search)
{
    return &search->indexes[search->current];
}

/* A question looks at the current index until it ends. */
void search_question_begin(struct search *search, struct index_question *question);
void search_question_end(struct search *search, struct index_question *question);

/* Goes on with making a new index, if one is being made: so many products. True: there is more to do. */
bool search_renew(struct shard *shard, u32 products);
/* The same as a slice: some products, or one with a long text. */
bool search_work(struct shard *shard);

/* May a part of a question begin? Some work waits until no question is open: a new index that is complete, dead
 * documents, words that nobody has. Under searches without a pause that moment would never come, so when much
 * waits, new parts do too, until those that are open have ended and it is done. */
bool search_may_begin(struct shard *shard);

/* The ranking profile of an id; the built-in one for 0. False: there is none. */
bool search_profile(const struct shard *shard, u64 profile_id, struct rank_profile *profile);

/* What is declared of an attribute: enum attribute_type, 0 = nothing. */
u16 search_attribute_type(const struct shard *shard, struct span name);

#endif
