/* gather_recommend: recommendations put together from several shards: those of the operations related,
 * recommend and trending, and those of a product's page.
 *
 *      begin -> ask -> (answers) -> hear, ask -> (answers) -> ... -> ask says that it is done -> take
 *
 *      RECENT      the user's shard: what was viewed last          if a user is named
 *      CANDIDATES  the anchors' shards: what goes with them
 *      SHOW        the candidates' shards: their best, by how often each is bought, that may be shown
 *      SIMILAR     all shards: what is like the product            if that was asked for, instead of SHOW
 *      FALLBACK    all shards: trending in the category, in all    while there are too few
 *      CATALOG     all shards: popular and new                     while there are too few
 *
 * Score. Let c be the baskets with both, a and b those with the anchor and with the candidate, each
 * weighted by age: the sum over all anchors of c x c / (a x (b + 160)). Whole numbers, and the same
 * whatever the number of shards.
 *
 * The job asks by gather_ask like any operation, so others may ask in the same rounds: first all hear
 * what came, then all ask. It is done after seven rounds at the latest.
 *
 *      gather_product_page, each round:
 *          gather_recommend_hear(gather, job);   reads the answers of its own asks
 *          ... the page reads its own ...
 *          gather_recommend_ask(gather, job);    false: nothing more to ask, gather_recommend_take
 *          ... the page asks its own ...
 *
 * Invariants
 *   I1  an item is in the answer once, is none of the anchors, the cart or `without`, is listed, and may
 *       be had as its shard said.
 *   I2  the order is: what was asked for by score, then the fallbacks in their order.
 * Ownership  all memory is the gather's.
 * Failure    no memory: fewer recommendations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_GATHER_GATHER_RECOMMEND_H
#define SOUK_SHARDS_GATHER_GATHER_RECOMMEND_H

#include "shards/gather/gather.h"
#include "shards/recommend/recommend_steps.h"

/* Anchors that count at most: of a cart those named first, then what was viewed last. */
#define RECOMMEND_ANCHORS_MAX 128u

struct recommend_wish {
    u64 user_id;          /* whose recent views count too; 0 = nobody's */
    u64 category_id;      /* whose trends come first, 0 = that of the first anchor */
    u32 kinds;            /* bits: 1 << RECOMMEND_BOUGHT, VIEWED, SIMILAR; 0 = trends alone */
    u32 limit;            /* 0 to RECOMMEND_LIMIT_MAX */
    bool is_strict;       /* no fallback */
    bool has_views;       /* what the user viewed is an anchor too */
    struct span products; /* anchors: rows of product_ref */
    struct span without;  /* rows of product_ref: left out, as the anchors are */
};

struct recommend_job;

/* NULL: there is no memory for it. */
struct recommend_job *gather_recommend_begin(struct gather *gather,
                                             const struct recommend_wish *wish);
/* A job as a product's page wants it: bought together, then viewed together, then the fallbacks. */
struct recommend_job *gather_recommend_for_page(struct gather *gather, u64 product_id, u64 user_id,
                                                u32 limit);
/* The answers of the round before. Before anybody asks in this one. */
void gather_recommend_hear(struct gather *gather, struct recommend_job *job);
/* Asks the next; false: it is done, in this round and all that follow. */
bool gather_recommend_ask(struct gather *gather, struct recommend_job *job);
/* What was found: rows of recommended, and their texts. Offsets count from the beginning of `texts`. */
void gather_recommend_take(struct gather *gather, const struct recommend_job *job,
                           struct span *items, struct span *texts);

#endif
