/* recommend_trend: how much is going on about products at the moment: soft counters that lose half every
 * day of log time, and the products with the greatest, of all and of each category.
 *
 * A list keeps RECOMMEND_TOP_MAX products with the scores of its own period; a product that is not in
 * it comes in when its score passes the least one. All scores of a list are halved together, so their
 * order stays: it lies sorted but for equals, and sorting it wholly, which each read does, is one pass.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/recommend/recommend.h"
#include "shards/shard_state.h"

static u32 period_of(u64 now_ns)
{
    return (u32)(now_ns / RECOMMEND_TREND_NS);
}

static u32 faded(u32 score, u32 periods)
{
    return periods < 32 ? score >> periods : 0;
}

static void fade_top(struct recommend_top *top, u32 period)
{
    if (period <= top->period)
        return;
    u32 kept = 0;
    for (u32 i = 0; i < top->count; i++) {
        top->entries[i].score = faded(top->entries[i].score, period - top->period);
        if (top->entries[i].score != 0)
            top->entries[kept++] = top->entries[i];
    }
    top->count = kept;
    top->period = period;
}

/* Entry `at` has a greater score than before: it comes before all with less. */
static void move_up(struct recommend_top *top, u32 at, struct recommend_top_entry entry)
{
    for (; at > 0 && top->entries[at - 1].score < entry.score; at--)
        top->entries[at] = top->entries[at - 1];
    top->entries[at] = entry;
}

static void note_in_top(struct recommend_top *top, u64 product_id, u32 score, u32 period)
{
    const struct recommend_top_entry entry = {.product_id = product_id, .score = score};
    u32 least = 0;
    fade_top(top, period);
    for (u32 i = 0; i < top->count; i++) {
        if (top->entries[i].product_id == product_id) {
            move_up(top, i, entry);
            return;
        }
        if (top->entries[i].score < top->entries[least].score)
            least = i;
    }
    if (top->count < RECOMMEND_TOP_MAX)
        least = top->count++;
    else if (top->entries[least].score >= score)
        return;
    move_up(top, least, entry);
}

void recommend_trend_add(struct shard *shard, u64 product_id, u32 amount, u64 now_ns)
{
    struct recommend *room = &shard->recommend;
    const u32 period = period_of(now_ns);
    struct recommend_item *item = cache_use(&room->items, product_id);
    if (period > item->period) {
        item->trend = faded(item->trend, period - item->period);
        item->period = period;
    }
    item->trend = MIN(item->trend + amount, UINT32_MAX / 2);
    note_in_top(&room->top, product_id, item->trend, period);
    const u32 product = catalog_find(&shard->catalog, route_hash_u64(product_id), product_id);
    struct span code;
    u64 category_id = recommend_category_of(shard, product, &code);
    for (u32 depth = 0; category_id != 0 && depth < CATEGORY_DEPTH_MAX; depth++) {
        struct recommend_category *category = cache_find(&room->categories, category_id);
        if (category == NULL && map_count(&room->categories.map) < RECOMMEND_CATEGORIES_MAX)
            category = cache_use(&room->categories, category_id);
        if (category != NULL)
            note_in_top(&category->top, product_id, item->trend, period);
        category_id = recommend_category_above(shard, category_id, &code);
    }
}

u32 recommend_trend_read(const struct recommend_top *top, u64 now_ns,
                         struct recommend_top_entry *to)
{
    const u32 period = period_of(now_ns);
    const u32 periods = period > top->period ? period - top->period : 0;
    u32 count = 0;
    for (u32 i = 0; i < top->count; i++) {
        const struct recommend_top_entry entry = {.product_id = top->entries[i].product_id,
                                                  .score = faded(top->entries[i].score, periods)};
        if (entry.score == 0)
            continue;
        u32 at = count++;
        for (; at > 0 &&
               (to[at - 1].score < entry.score ||
                (to[at - 1].score == entry.score && to[at - 1].product_id > entry.product_id));
             at--)
            to[at] = to[at - 1];
        to[at] = entry;
    }
    return count;
}
