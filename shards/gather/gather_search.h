/* gather_search: a search over all shards, in rounds.
 *
 *      judged      limits, query, filter, facets, cursor          at once: BAD_...
 *      WORDS       -> offers, facts                               every shard
 *      COUNTS      of what some shards have not offered           those shards; again, if that is much
 *      TYPOS       where (nearly) nothing has the word            every shard; then COUNTS again
 *      RUN         the plan                                       every shard
 *      SLOTS, RUN  with fewer slots, if too few match             every shard
 *      last        LABELS, DETAILS, the query is counted          who is concerned
 *
 * What is done between two rounds is a row of stages, each done in pieces (gather.h): a stage does some work,
 * and says which one is next when it is done.
 *
 * A shard's index may be replaced between two rounds (another language, say), and words have other stems then.
 * WORDS tells which index a shard has, later asks name that, and a shard that has another one meanwhile answers
 * without data: all begins anew, SEARCH_ATTEMPTS times at most; after that any index will do, with note 16.
 *
 * Invariants
 *   I1  what is decided (plan, slots required, order, page) is decided here, from what all shards say.
 *   I2  a piece ends after about GATHER_PIECE_WORK nanoseconds, by counted work.
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

/* What is done next. */
enum search_stage {
    SEARCH_STAGE_FACTS,   /* what the shards say beside the words, one by one; then judged */
    SEARCH_STAGE_OFFERS,  /* words of the shards -> plan */
    SEARCH_STAGE_MISSING, /* COUNTS are asked, shard by shard */
    SEARCH_STAGE_COUNTS,  /* and taken */
    SEARCH_STAGE_TYPOS,   /* asked, if wanted */
    SEARCH_STAGE_PLAN,    /* finished */
    SEARCH_STAGE_PACK,    /* and packed, then RUN is asked */
    SEARCH_STAGE_FOUND,   /* totals: are words to be dropped? */
    SEARCH_STAGE_SLOTS,
    SEARCH_STAGE_READ,    /* findings, shard by shard */
    SEARCH_STAGE_PAGE,    /* hits merged */
    SEARCH_STAGE_FACETS,  /* facets merged */
    SEARCH_STAGE_LABELS,  /* asked */
    SEARCH_STAGE_REST,    /* DETAILS are asked, shard by shard; the query is counted */
    SEARCH_STAGE_DETAILS, /* taken */
    SEARCH_STAGE_VALUES,  /* of facets, written */
    SEARCH_STAGE_REPLY,
    SEARCH_STAGE_END /* of the round */
};

#define SEARCH_ATTEMPTS 2u

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
    u16 shard; /* of its product */
    u64 ad_id;
    i64 bid;
    struct span detail; /* row and the rest, as packed; empty: not told yet */
};

/* The hits of a shard, in order. */
struct search_stream {
    const u8 *hits;
    struct query_unpack details;
    u32 left; /* behind the next one */
    bool has_details;
    u64 key; /* of the next one */
    u64 product_id;
};

/* What all shards have found, on its way to a page. */
struct search_merge {
    const u8 **findings;           /* of facets, in the answers */
    struct search_stream *streams; /* a heap: that with the first hit first */
    u32 stream_count;
    struct search_hit *pins;
    u32 pin_count;
    u32 pin; /* the next one */
    struct search_hit *ads;
    u32 ad_count;
    u32 taken; /* hits, those before the page among them */
    u64 position;
    struct facet_merge *facets;
};

struct search_rows {
    struct query_pack hits;
    struct query_pack highlights;
    struct query_pack values;
    struct query_pack texts;
    struct query_pack explanation;
};

struct search_state {
    /* What stays when all begins anew. */
    struct msg_search_req request;
    bool is_suggestion;      /* of products: gather_suggest.c has begun it and replies */
    u64 suggest_category_id; /* only products of this category; 0 = all */
    u32 attempts;            /* that were given up */
    struct query_pack pack;  /* for what is asked: written, and copied by the ask */

    /* What is cleared: from here on. */
    enum search_round round; /* what was asked last */
    enum search_stage stage;
    bool is_within; /* a round */
    u32 at;         /* of the stage: the next shard, ask, or value */
    bool has_pack;  /* COUNTS of the shard in hand are being written, or read */
    bool is_cut;    /* COUNTS: not all fitted in */
    u32 pack_head;  /* bytes before them */
    struct query_text text;
    struct query_plan plan;
    struct query_pack packed; /* the plan */
    struct query_facts facts;
    struct filter *filter;
    struct filter *collection;
    struct facets *facets;
    struct filter_known known[QUERY_NAMES_MAX];
    struct filter_known collection_known[FILTER_TERMS_MAX];
    struct query_unpack answers[SHARDS_MAX]; /* as far as they have been read */
    u32 generations[SHARDS_MAX];
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
    struct search_merge merge;
    struct search_hit *page; /* ads first */
    u32 page_count;
    u32 ad_count;
    bool has_more;
    struct search_cursor next;
    struct facet_merged merged;
    u32 label_asks; /* asks[0 .. label_asks) of the last round */
    u32 detail_asks;
    struct search_rows rows;
};

/* ---- gather_search_page.c: stages, each some work ---- */

/* Room for what RUN has found. */
void search_open_page(struct gather *gather, struct search_state *state);
void search_read_stage(struct gather *gather, struct search_state *state);
void search_page_stage(struct gather *gather, struct search_state *state);
void search_facets_stage(struct gather *gather, struct search_state *state);
void search_labels_stage(struct gather *gather, struct search_state *state);
void search_rest_stage(struct gather *gather, struct search_state *state);
void search_details_stage(struct gather *gather, struct search_state *state);
void search_values_stage(struct gather *gather, struct search_state *state);
/* The reply, when all is there. */
void search_reply_stage(struct gather *gather, struct search_state *state);
/* The hits of the page, their texts added to `texts`. */
void search_write_hits(struct search_state *state, struct query_pack *hits,
                       struct query_pack *highlights, struct query_pack *texts,
                       struct query_pack *explanation);

/* ---- gather_suggest.c ---- */

/* The reply of a suggestion, when its products are there. */
void suggest_reply(struct gather *gather, struct search_state *state);

/* ---- gather_search_words.c: stages before RUN ---- */

void search_facts_stage(struct gather *gather, struct search_state *state);
void search_offers_stage(struct gather *gather, struct search_state *state);
void search_missing_stage(struct gather *gather, struct search_state *state);
void search_counts_stage(struct gather *gather, struct search_state *state);
void search_typos_stage(struct gather *gather, struct search_state *state);
void search_plan_stage(struct gather *gather, struct search_state *state);
void search_pack_stage(struct gather *gather, struct search_state *state);
/* WORDS, or TYPOS for what `wanted` names. */
void search_ask_words(struct gather *gather, struct search_state *state, enum search_step step,
                      struct query_ask *wanted);

/* ---- gather_search.c ---- */

/* A search for `state->request` begins: the first round, or a reply that refuses. */
void search_begin(struct gather *gather, struct search_state *state);
/* Looks at what was answered; the next round, or the reply, or it goes on. */
void search_continue(struct gather *gather, struct search_state *state);

/* The reply is a refusal, and the round is over. */
void search_refuse(struct gather *gather, struct search_state *state, u16 status);
void search_refuse_filter(struct gather *gather, struct search_state *state,
                          const struct filter_problem *problem);

/* Room for what a step is asked, of those asks that name the index; false: refused. */
bool search_open_pack(struct gather *gather, struct search_state *state, enum search_step step,
                      struct query_pack **pack);
/* A shard, or every shard: a step with what is packed. */
void search_ask_step(struct gather *gather, u16 shard, enum search_step step,
                     const struct query_pack *data);
void search_ask_all(struct gather *gather, enum search_step step, const struct query_pack *data);
/* The data of SLOTS, RUN and DETAILS; NULL: refused. */
const struct query_pack *search_write_run(struct gather *gather, struct search_state *state,
                                          enum search_step step, u32 limit,
                                          const struct run_hit *hits, u32 hit_count);
/* Every shard: RUN or SLOTS. */
void search_ask_run(struct gather *gather, struct search_state *state, enum search_round round);
/* What a shard answered to a step. */
static inline struct query_unpack search_answer(const struct gather *gather, u32 ask)
{
    return unpack_of(gather->asks[ask].answer.spans[SPAN_OF(search_part_rsp, data)]);
}
static inline void search_go(struct search_state *state, enum search_stage stage)
{
    state->stage = stage;
    state->at = 0;
}

#endif
