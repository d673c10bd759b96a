/* recommend_track: what shoppers look at: soft, bounded, lost with the process.
 *
 *      RECENT   the user's shard     tells what was viewed last
 *      COUNT    the product's shard  product and `products` were viewed by one user; the first of these
 *                                    shards counts the trend too
 *      RECORD   the user's shard     keeps the product as the last viewed
 *      TASTES   the user's shard     tells the categories of what was viewed last
 *
 * Viewed together is what one user viewed within the last few products. A product keeps 32 partners: a new
 * one takes the place of the one with the least count and begins with that count (Space-Saving), so a
 * frequent partner is never lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/recommend/recommend_steps.h"
#include "shards/shard_handlers.h"

static u32 trend_of_kind(u32 kind)
{
    static const u32 amounts[5] = {0, RECOMMEND_TREND_VIEW, RECOMMEND_TREND_CLICK,
                                   RECOMMEND_TREND_CART, RECOMMEND_TREND_CLICK};
    return kind < ARRAY_COUNT(amounts) ? amounts[kind] : 0;
}

/* ---- the product's shard ---- */

static void halve(struct recommend_item *item)
{
    item->views /= 2;
    for (u32 i = 0; i < RECOMMEND_PARTNERS_MAX; i++)
        item->together->counts[i] /= 2;
}

static void count_partner(struct recommend_views *views, u64 product_id)
{
    u32 least = 0;
    for (u32 i = 0; i < RECOMMEND_PARTNERS_MAX; i++) {
        if (views->partners[i] == product_id) {
            views->counts[i]++;
            return;
        }
        if (views->counts[i] < views->counts[least])
            least = i;
    }
    views->partners[least] = product_id;
    views->counts[least]++;
}

static void count_views(struct shard *shard, u64 product_id, struct span before)
{
    struct recommend *room = &shard->recommend;
    struct recommend_item *item = cache_use(&room->items, product_id);
    if (item->together == NULL) {
        item->together = arena_acquire(&room->arena, sizeof *item->together);
        memset(item->together, 0, sizeof *item->together);
    }
    if (++item->views >= RECOMMEND_VIEWS_HALVED)
        halve(item);
    for (u32 at = 0; at < before.bytes; at += (u32)sizeof(u64)) {
        u64 partner;
        memcpy(&partner, before.data + at, sizeof partner);
        if (partner != product_id && partner != 0)
            count_partner(item->together, partner);
    }
}

static void track_count(struct shard *shard, struct part *part,
                        const struct msg_track_part_req *ask, struct msg_track_part_rsp *answer)
{
    const u32 product =
        catalog_find(&shard->catalog, route_hash_u64(ask->product_id), ask->product_id);
    struct span code;
    if (product == 0 || !product_is_visible(product_at(&shard->catalog, product), part->now_ns)) {
        answer->head.status = STATUS_NOT_FOUND;
        return;
    }
    answer->category_id = recommend_category_of(shard, product, &code);
    if (ask->kind == 0) { /* the other direction of a pair: only that */
        count_views(shard, ask->product_id, part->spans[SPAN_OF(track_part_req, products)]);
        struct recommend_item *item = cache_find(&shard->recommend.items, ask->product_id);
        item->views--; /* it was counted when it was viewed */
        return;
    }
    recommend_trend_add(shard, ask->product_id, trend_of_kind(ask->kind), part->now_ns);
    if (ask->kind == TRACK_VIEW)
        count_views(shard, ask->product_id, part->spans[SPAN_OF(track_part_req, products)]);
}

/* ---- the user's shard ---- */

/* Puts an id first; what was there before moves back, the last one out. */
static u32 put_first(u64 *ids, u32 count, u32 most, u64 id)
{
    u32 at = 0;
    while (at < count && ids[at] != id)
        at++;
    const u32 after = at < count || count == most ? count : count + 1;
    for (u32 i = MIN(at, after - 1); i > 0; i--)
        ids[i] = ids[i - 1];
    ids[0] = id;
    return after;
}

static void track_record(struct shard *shard, const struct msg_track_part_req *ask)
{
    struct recommend_user *user = cache_use(&shard->recommend.users, ask->user_id);
    if (ask->kind == TRACK_VIEW)
        user->count = put_first(user->products, user->count, RECOMMEND_VIEWS_MAX, ask->product_id);
    if (ask->category_id != 0)
        user->taste_count =
            put_first(user->tastes, user->taste_count, RECOMMEND_TASTES_MAX, ask->category_id);
}

static void tell_ids(struct part *part, const u64 *ids, u32 count)
{
    u64 *copy = bump_acquire(&part->bump, count * sizeof *ids + sizeof *ids);
    if (copy == NULL)
        return;
    memcpy(copy, ids, count * sizeof *ids);
    part->reply_spans[SPAN_OF(track_part_rsp, products)] =
        (struct span){.data = (const u8 *)copy, .bytes = count * (u32)sizeof *ids};
}

u32 recommend_recent_categories(const struct shard *shard, u64 user_id, u64 *to, u32 most)
{
    const struct recommend_user *user = cache_find(&shard->recommend.users, user_id);
    const u32 count = user == NULL ? 0 : MIN(user->taste_count, most);
    if (count != 0)
        memcpy(to, user->tastes, count * sizeof *to);
    return count;
}

bool shard_part_track_part(struct shard *shard, struct part *part)
{
    struct msg_track_part_req ask;
    struct msg_track_part_rsp answer = {.category_id = 0};
    memcpy(&ask, part->fixed, sizeof ask);
    const struct recommend_user *user = cache_find(&shard->recommend.users, ask.user_id);
    switch (ask.step) {
    case TRACK_STEP_RECENT:
        if (user != NULL)
            tell_ids(part, user->products, user->count);
        break;
    case TRACK_STEP_COUNT: track_count(shard, part, &ask, &answer); break;
    case TRACK_STEP_RECORD: track_record(shard, &ask); break;
    case TRACK_STEP_TASTES:
        if (user != NULL)
            tell_ids(part, user->tastes, user->taste_count);
        break;
    default: break;
    }
    memcpy(part->reply, &answer, sizeof answer);
    return true;
}

bool shard_read_recently_viewed(struct shard *shard, const struct shard_call *call,
                                const void *request, void *reply, struct span *spans)
{
    struct msg_recently_viewed_req ask;
    struct msg_recently_viewed_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    if (ask.user_id == 0 || ask.limit == 0 || ask.limit > RECOMMEND_LIMIT_MAX ||
        ask.is_forgotten > 1)
        answer->head.status = STATUS_BAD_ARGUMENT;
    else if (call->is_foreign)
        answer->head.status = STATUS_WRONG_SHARD;
    if (answer->head.status != STATUS_OK)
        return true;
    const struct recommend_user *user = cache_find(&shard->recommend.users, ask.user_id);
    if (user == NULL)
        return true;
    const u32 bytes = MIN(user->count, ask.limit) * (u32)sizeof user->products[0];
    memcpy(shard->scratch, user->products, bytes);
    spans[SPAN_OF(recently_viewed_rsp, products)] =
        (struct span){.data = shard->scratch, .bytes = bytes};
    if (ask.is_forgotten != 0)
        cache_drop(&shard->recommend.users, ask.user_id);
    return true;
}
