/* recommend: what a shard knows for recommendations. docs/recommend.md is the contract.
 *
 *      logged   bought       which products were bought together       copurchase.h
 *      soft     users        what they viewed last                     recommend_track.c
 *               items        what was viewed together; how much is going on about a product now
 *               categories   what is trending in each, and which products it has
 *               alike        what a product was like when somebody asked last
 *
 * What is soft is neither logged nor dumped: it is lost with the process, bounded, and decides
 * nothing but what is shown. It has memory of its own, which admission does not count.
 *
 * Files
 *      copurchase.c          counts of baskets, exactly (copurchase_dump.c: snapshots)
 *      recommend.c           life, the basket message, what the catalog tells
 *      recommend_cache.c     records by id, the oldest give way
 *      recommend_track.c     events, recent views, co-views
 *      recommend_trend.c     what is going on now, in all and by category
 *      recommend_similar.c   alike by category, brand, attributes and words of the title
 *      recommend_part.c      steps of a gather on one shard (recommend_steps.h): candidates
 *      recommend_score.c     which of them are shown
 *      recommend_fallback.c  what is shown when nothing better is known
 *
 * Invariants
 *   I1  what is logged does not depend on what is soft.
 *   I2  an item, a user, a category is made by an event and forgotten when there are too many.
 * Ownership  the shard's core.
 * Failure    what cannot be kept is not kept.
 * Not here   putting shards' answers together: shards/gather/gather_recommend.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_RECOMMEND_RECOMMEND_H
#define SOUK_SHARDS_RECOMMEND_RECOMMEND_H

#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/recommend/copurchase.h"
#include "shards/recommend/recommend_cache.h"

struct shard;
struct part;

#define RECOMMEND_USERS_MAX      65536u
#define RECOMMEND_ITEMS_MAX      131072u
#define RECOMMEND_CATEGORIES_MAX 16384u
#define RECOMMEND_VIEWS_MAX      32u /* that are kept of a user */
#define RECOMMEND_PARTNERS_MAX   32u /* viewed together, of a product */
#define RECOMMEND_TOP_MAX        64u /* trending, of a category */
#define RECOMMEND_TASTES_MAX     6u  /* categories that a user was in last */
#define RECOMMEND_LINKS_PAGE     4096u
#define RECOMMEND_ALIKE_MAX      8192u /* products of which it is known what is like them */
#define RECOMMEND_ALIKE_ROWS     64u

/* What was viewed together: Space-Saving, halved when it has seen RECOMMEND_VIEWS_HALVED. */
#define RECOMMEND_VIEWS_HALVED 4096u
struct recommend_views {
    u64 partners[RECOMMEND_PARTNERS_MAX];
    u32 counts[RECOMMEND_PARTNERS_MAX];
};
STATIC_CHECK(sizeof(struct recommend_views) == 384);

struct recommend_item {
    struct cache_head head; /* the product */
    struct recommend_views *together;
    u32 views;  /* halved with `together` */
    u32 trend;  /* halved every RECOMMEND_TREND_NS */
    u32 period; /* of the trend */
    u32 zero0;
};

struct recommend_user {
    struct cache_head head;
    u32 count;
    u32 taste_count;
    u64 products[RECOMMEND_VIEWS_MAX]; /* the last first */
    u64 tastes[RECOMMEND_TASTES_MAX];  /* categories, the last first */
};

struct recommend_top_entry {
    u64 product_id;
    u32 score;
    u32 zero0;
};
struct recommend_top {
    u32 count;
    u32 period;
    struct recommend_top_entry entries[RECOMMEND_TOP_MAX]; /* the greatest first, nearly */
};

struct recommend_category {
    struct cache_head head;
    struct recommend_top top;
    u32 first; /* newest product of it, by index of the catalog */
    u32 count;
    u32 version; /* counts changes of texts of its products, of which there are, and in which order */
    u32 zero0;
};

/* The products of this shard that are most like one of any shard, whether they may be shown or not. */
struct recommend_alike_row {
    u32 product;
    u32 score;
};
struct recommend_alike {
    struct cache_head head; /* the product */
    u64 profile;            /* hash of what was asked: good as long as that is the same, */
    u32 version;            /* and these are those of its category */
    u32 version_above;      /* and of the one above */
    u32 count;
    u32 is_cut; /* there were more than RECOMMEND_ALIKE_ROWS */
    struct recommend_alike_row rows[RECOMMEND_ALIKE_ROWS];
};

/* The place of a product among those of its category. */
struct recommend_link {
    u64 category_id; /* 0 = in none */
    u32 next;
    u32 before;
};

struct recommend {
    struct copurchase bought;
    /* Soft. */
    struct store_memory memory;
    struct arena arena;
    struct recommend_cache users;
    struct recommend_cache items;
    struct recommend_cache categories;
    struct recommend_cache alike;
    struct recommend_top top;      /* of everything */
    struct recommend_link **links; /* pages of RECOMMEND_LINKS_PAGE, by index of the product */
    u32 link_pages;
    u32 hidden_from; /* this product and all after it may not be shown; 0 = that is not known of any */
    u64 wake_ns;     /* until then; 0 = until one is touched */
    u32 wake_from; /* all after this one have no time to wait for */
    u32 zero0;
};

void recommend_init(struct recommend *room, struct store_memory *memory, struct arena *arena);
void recommend_deinit(struct recommend *room);

/* Product `index` of the catalog has other texts, or is new, or gone. */
void recommend_refresh(struct shard *shard, u32 index);

/* Anything about product `index` has changed. */
void recommend_touched(struct shard *shard, u32 index);

/* The categories that a user has looked into last, the last first: at most `most`, at most
 * RECOMMEND_TASTES_MAX. Of a user of this shard; none is known of others. */
u32 recommend_recent_categories(const struct shard *shard, u64 user_id, u64 *to, u32 most);

/* ---- for the files of this room ---- */

/* Half of a trend is gone after so long. */
#define RECOMMEND_TREND_NS     (24ull * 3600 * NS_PER_S)
#define RECOMMEND_TREND_BOUGHT 256u
#define RECOMMEND_TREND_CART   64u
#define RECOMMEND_TREND_CLICK  24u
#define RECOMMEND_TREND_VIEW   16u

/* The id of a product's category, 0 without one; and of the one above, 0 = there is none. `code` is cut
 * to the code of the one above. */
u64 recommend_category_of(const struct shard *shard, u32 product, struct span *code);
u64 recommend_category_above(const struct shard *shard, u64 category_id, struct span *code);

/* The place of a product, NULL = it was never in a category. */
struct recommend_link *recommend_link_find(const struct recommend *room, u32 product);

/* Something happens about a product of this shard. */
void recommend_trend_add(struct shard *shard, u64 product_id, u32 amount, u64 now_ns);
/* Those that are trending, sorted: ids and scores as they are now. NULL category: in all. */
u32 recommend_trend_read(const struct recommend_top *top, u64 now_ns,
                         struct recommend_top_entry *to);

#endif
