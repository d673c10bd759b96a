/* recommend_show: rows about products that may be recommended, as a part tells them. Its users are the
 * files of this room.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_RECOMMEND_RECOMMEND_SHOW_H
#define SOUK_SHARDS_RECOMMEND_RECOMMEND_SHOW_H

#include "shards/catalog/catalog.h"
#include "shards/recommend/recommend_steps.h"
#include "shards/store/bump.h"

struct shard;
struct part;

/* Rows that grow up to row_max, with their texts, where the reply will be: struct recommend_rows, rows, texts. */
struct recommend_list {
    u8 *data;
    struct recommend_shown *rows; /* row_max of them, in `data` */
    u8 *texts;                    /* after these */
    u32 count;
    u32 row_max;
    u32 text_bytes;
};

/* False: there is no memory for so many. */
bool recommend_list_init(struct recommend_list *list, struct bump *bump, u32 row_max);
/* Is it listed, and to be had? */
bool recommend_may_show(const struct shard *shard, u32 product, u64 now_ns);
/* Brings near what the next one looks at, but for the texts. */
static inline void recommend_prefetch_product(const struct product *product)
{
    const u8 *at = (const u8 *)product;
    for (u32 line = 0; line < sizeof *product; line += 64)
        store_prefetch(at + line);
}
/* A row of a product of the catalog; NULL: it may not be shown, or there is no room. */
struct recommend_shown *recommend_list_add(struct recommend_list *list, const struct shard *shard,
                                           u32 product, u64 now_ns);
/* Rows and texts as the data of the part's reply; nothing can be added after that. */
void recommend_list_tell(struct recommend_list *list, struct part *part);

/* ---- recommend_score.c ---- */
bool recommend_show_slice(struct shard *shard, struct part *part);

/* ---- recommend_similar.c ---- */

/* What a product is like. */
void recommend_profile_of(const struct shard *shard, u32 product, struct recommend_profile *to);
bool recommend_similar_slice(struct shard *shard, struct part *part);

/* ---- recommend_fallback.c ---- */
bool recommend_fallback_slice(struct shard *shard, struct part *part);

#endif
