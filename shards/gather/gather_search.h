/* gather_search: a search over all shards, in rounds.
 *
 *      judged      limits, query, filter, facets, cursor          at once: BAD_...
 *      WORDS       -> offers, facts                               every shard
 *      COUNTS      of what some shards have not offered           those shards
 *      TYPOS       where (nearly) nothing has the word            every shard; then COUNTS again
 *      RUN         the plan                                       every shard
 *      SLOTS, RUN  with fewer slots, if too few match             every shard
 *      last        LABELS, DETAILS, the query is counted          who is concerned
 *
 * Invariants
 *   I1  what is decided (plan, slots required, order, page) is decided here, from what all shards say.
 * Ownership  everything in the bump of the gather.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_GATHER_GATHER_SEARCH_H
#define SOUK_SHARDS_GATHER_GATHER_SEARCH_H

#include "shards/gather/gather.h"
#include "shards/search/facet.h"
#include "shards/search/filter.h"
#include "shards/search/query_plan.h"
#include "shards/search/run.h"

enum search_round {
    SEARCH_ROUND_WORDS,
    SEARCH_ROUND_COUNTS,
    SEARCH_ROUND_TYPOS,
    SEARCH_ROUND_TYPO_COUNTS,
    SEARCH_ROUND_RUN,
    SEARCH_ROUND_SLOTS,
    SEARCH_ROUND_RUN_FEWER,
    SEARCH_ROUND_LAST
};

/* A cursor, as it is on the wire. */
struct search_cursor {
    u64 fingerprint; /* of the search */
    u64 key;         /* of the last hit that is no pin */
    u64 product_id;
    u64 position; /* hits before */
    u64 check;
};

/* A hit with what is shown of it. */
struct search_hit {
    struct run_hit hit;
    u64 ad_id;
    i64 bid;
    const struct row_hit *row; /* NULL: not told yet */
    struct span detail;        /* row and the rest, as packed */
};

struct search_state {
    enum search_round round; /* what was asked last */
    struct msg_search_req request;
    bool is_suggestion;      /* of products: gather_suggest.c has begun it and replies */
    u64 suggest_category_id; /* only products of this category; 0 = all */
    struct query_text text;
    struct query_plan plan;
    struct query_facts facts;
    struct filter *filter;
    struct filter *collection;
    struct facets *facets;
    struct search_cursor cursor;
    u64 category_id;
    struct span actions; /* packed struct run_action */
    u32 action_count;
    u32 share;    /* of run_head */
    u32 required; /* slots that a match has at least */
    struct run_head head;
    struct row_shard_span shards[SHARDS_MAX];
    u64 total;
    u64 word_total;
    u32 notes;
    struct search_hit *page; /* ads first */
    u32 page_count;
    u32 ad_count;
    bool has_more;
    struct search_cursor next;
    struct facet_merged merged;
    u32 label_asks; /* asks[0 .. label_asks) of the last round */
    u32 detail_asks;
};

/* ---- gather_search_page.c ---- */

/* Merges what RUN found; false: TOO_LARGE. */
bool search_merge(struct gather *gather, struct search_state *state);
/* Asks for what the page still needs; the number of asks. */
void search_ask_rest(struct gather *gather, struct search_state *state);
/* The reply, when all is there. */
void search_reply(struct gather *gather, struct search_state *state);
/* The hits of the page, their texts added to `texts`. */
void search_write_hits(struct search_state *state, struct query_pack *hits,
                       struct query_pack *highlights, struct query_pack *texts,
                       struct query_pack *explanation);

/* ---- gather_suggest.c ---- */

/* The reply of a suggestion, when its products are there. */
void suggest_reply(struct gather *gather, struct search_state *state);

/* ---- gather_search.c ---- */

/* A search for `state->request` begins: the first round, or a reply that refuses. */
void search_begin(struct gather *gather, struct search_state *state);
/* Looks at what was answered; the next round, or the reply. */
void search_continue(struct gather *gather, struct search_state *state);

/* Every shard: a step with this data. */
void search_ask_step(struct gather *gather, u16 shard, enum search_step step,
                     const struct query_pack *data);
/* The data of SLOTS, RUN and DETAILS. */
bool search_write_run(struct gather *gather, struct search_state *state, u32 limit,
                      const struct run_hit *hits, u32 hit_count, struct query_pack *to);
/* What a shard answered to a step. */
static inline struct query_unpack search_answer(const struct gather *gather, u32 ask)
{
    return unpack_of(gather->asks[ask].answer.spans[SPAN_OF(search_part_rsp, data)]);
}
/* Puts the reason in the reply. */
void search_problem(struct gather *gather, u16 status, u32 at, struct span reason);

#endif
