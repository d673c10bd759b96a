/* recommend_steps: what the parts of a recommendation say to each other, in the `data` of recommend_part.
 *
 *      CANDIDATES   ask:  head, then anchors of this shard
 *                   told: per anchor a struct recommend_found, its candidates, its profile if wanted
 *      SHOW         ask:  head, then struct recommend_asked of products of this shard
 *                   told: struct recommend_rows, then a struct recommend_shown for each of the `most` with
 *                         the best scores of those that may be recommended, then texts
 *      SIMILAR      ask:  head, then a profile                                  told: as SHOW
 *      FALLBACK     ask:  head, category, which classes                         told: as SHOW
 *
 * Between shards of one version of the server only; a client cannot send it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_RECOMMEND_RECOMMEND_STEPS_H
#define SOUK_SHARDS_RECOMMEND_RECOMMEND_STEPS_H

#include "proto/base.h"
#include "proto/limits.h"
#include "proto/messages.h"

enum recommend_step {
    RECOMMEND_STEP_CANDIDATES = 1,
    RECOMMEND_STEP_SHOW = 2,
    RECOMMEND_STEP_SIMILAR = 3,
    RECOMMEND_STEP_FALLBACK = 4
};

enum track_step {
    TRACK_STEP_RECENT = 1, /* told: what the user viewed last */
    TRACK_STEP_COUNT = 2,  /* the product was viewed by who viewed `products` before */
    TRACK_STEP_RECORD = 3, /* the user has viewed the product; category_id is the product's */
    TRACK_STEP_TASTES = 4  /* told: categories that the user looked into last, as ids of products */
};

/* Of each anchor so many candidates at most: 63 give the hit rate of all (docs/recommend.md). */
#define RECOMMEND_CANDIDATES_MAX 63u
/* And so many that were viewed with it. */
#define RECOMMEND_VIEWED_MAX 32u
/* Rows of each class that a fallback tells at most: what is wanted, and all that may be left out. */
#define RECOMMEND_FALLBACK_MAX 448u
/* Ratios of counts have so many bits behind the point. */
#define RECOMMEND_RATIO_BITS 28u
/* Twenty fresh baskets are added to those of a candidate: what was bought once, with just this, by accident
 * does not pass for what belongs together. Of views as many. */
#define RECOMMEND_DOUBT       160u
#define RECOMMEND_DOUBT_VIEWS 20u

struct recommend_head {
    u32 most;
    u32 classes; /* bits: 1 << enum recommend_reason */
    u64 category_id;
    u64 without; /* this product is not told */
};

struct recommend_anchor {
    u64 product_id;
    u16 kinds; /* bits: 1 << enum recommend_reason: BOUGHT, VIEWED; SIMILAR: its profile */
    u16 most;  /* of what was bought with it so many are wanted */
    u32 zero0;
};

struct recommend_found {
    u64 product_id; /* of the anchor */
    u64 category_id;
    u32 bought_count; /* candidates that follow */
    u32 viewed_count; /* after these */
    u32 has_profile;  /* and after these one */
    u32 zero0;
};

struct recommend_candidate {
    u64 product_id;
    u64 pull; /* count x count / baskets of the anchor, with RECOMMEND_RATIO_BITS */
    u32 support;
    u32 name; /* in co-purchases of the shard that tells it; 0 = unknown */
};
STATIC_CHECK(sizeof(struct recommend_candidate) == 24);

struct recommend_asked {
    u64 product_id;
    u64 bought; /* sums of pulls */
    u64 viewed;
    u32 support;
    u32 name; /* in co-purchases of the shard that is asked, if not 0: where to look first */
};
STATIC_CHECK(sizeof(struct recommend_asked) == 32);

#define RECOMMEND_PROFILE_VALUES 16u
#define RECOMMEND_PROFILE_WORDS  16u
struct recommend_profile {
    u64 category_id;
    u64 category_above;
    u64 brand; /* hashes; 0 = none */
    u64 values[RECOMMEND_PROFILE_VALUES];
    u64 words[RECOMMEND_PROFILE_WORDS];
    u32 value_count;
    u32 word_count;
};

struct recommend_rows {
    u32 count;
    u32 text_bytes;
};
struct recommend_shown {
    u64 product_id;
    u64 score;
    i64 price;
    u32 support;
    u32 text_offset;
    u16 code_bytes;
    u16 title_bytes;
    u16 currency;
    u16 rating;
    u16 state;
    u16 reason;
    u32 zero0;
};

#endif
