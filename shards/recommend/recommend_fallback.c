/* recommend_fallback: what is shown when nothing better is known: trending in a category, trending in all,
 * and at last what the catalog has, the newest first.
 *
 * Trending products come from lists, in one slice. The catalog is walked from its newest product on, in
 * slices, until CATALOG_LOOK of them may be shown, of which the most popular are told, or CATALOG_WALK were
 * looked at.
 *
 *      index 1 (oldest) ............ hidden_from ........... newest
 *              <- walked next            may not be shown
 *
 * So that nobody waits behind a catalog of drafts, it is remembered from which product on none may be shown
 * (`hidden_from`, soft): a walk begins before it. So if a walk finds nothing, the next one goes on where it
 * has ended. A product that is touched (its stock, its marks, its times, a new one) moves it up again, and
 * so does the first moment at which one of those that were passed is to be seen (`wake_ns`).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/recommend/recommend_show.h"
#include "shards/shard_handlers.h"

#define SLICE_PRODUCTS 512u
#define CATALOG_LOOK   1024u
#define CATALOG_WALK   16384u

struct fallback {
    struct recommend_head head;
    struct recommend_list list;
    u32 next;   /* index of the catalog from which on it was walked, 0 = all of it */
    u32 walked; /* products */
    u32 looked; /* of them, that might be shown */
    u32 count;  /* the best of them */
    u32 best[RECOMMEND_FALLBACK_MAX];
};

static bool has_class(const struct recommend_head *head, enum recommend_reason reason)
{
    return (head->classes >> reason & 1) != 0;
}

static u32 support_of(const struct shard *shard, u64 product_id, u64 now_ns)
{
    const struct copurchase *bought = &shard->recommend.bought;
    return copurchase_support(
        bought, copurchase_find(bought, route_hash_u64(product_id), product_id), now_ns);
}

static void add_trending(struct fallback *state, const struct shard *shard,
                         const struct recommend_top *top, u16 reason, u64 now_ns)
{
    struct recommend_top_entry entries[RECOMMEND_TOP_MAX];
    const u32 count = recommend_trend_read(top, now_ns, entries);
    u32 added = 0;
    for (u32 i = 0; i < count && added < state->head.most; i++) {
        const u64 product_id = entries[i].product_id;
        const u32 product = catalog_find(&shard->catalog, route_hash_u64(product_id), product_id);
        struct recommend_shown *row =
            product_id == state->head.without
                ? NULL
                : recommend_list_add(&state->list, shard, product, now_ns);
        if (row == NULL)
            continue;
        row->score = entries[i].score;
        row->reason = reason;
        row->support = support_of(shard, product_id, now_ns);
        added++;
    }
}

/* The first that may be shown for all that is known. */
static u32 newest_of(const struct shard *shard)
{
    const u32 hidden_from = shard->recommend.hidden_from;
    return (hidden_from != 0 ? hidden_from : shard->catalog.pool.next_fresh) - 1;
}

/* A product may not be shown now, nor may all after it. */
static void note_hidden(struct shard *shard, u32 product, u64 now_ns)
{
    struct recommend *room = &shard->recommend;
    const u64 visible_from_ns = product_at(&shard->catalog, product)->facts.visible_from_ns;
    if (product != newest_of(shard))
        return;
    room->hidden_from = product;
    if (visible_from_ns <= now_ns || !recommend_may_show(shard, product, visible_from_ns))
        return; /* until somebody touches it */
    room->wake_from = MAX(room->wake_from, product + 1);
    room->wake_ns = room->wake_ns == 0 ? visible_from_ns : MIN(room->wake_ns, visible_from_ns);
}

static void wake(struct recommend *room, u64 now_ns)
{
    if (room->wake_ns == 0 || now_ns < room->wake_ns)
        return;
    room->hidden_from = MAX(room->hidden_from, room->wake_from);
    room->wake_ns = 0;
    room->wake_from = 0;
}

void recommend_touched(struct shard *shard, u32 product)
{
    struct recommend *room = &shard->recommend;
    if (room->hidden_from != 0 && product >= room->hidden_from)
        room->hidden_from = product + 1;
}

static bool begin(struct shard *shard, struct part *part, struct fallback **to)
{
    const struct span data = part->spans[SPAN_OF(recommend_part_req, data)];
    struct fallback *state = bump_acquire_zeroed(&part->bump, sizeof *state);
    *to = part->state = state;
    if (state == NULL || data.bytes < sizeof state->head)
        return false;
    memcpy(&state->head, data.data, sizeof state->head);
    state->head.most = MIN(state->head.most, RECOMMEND_FALLBACK_MAX);
    if (!recommend_list_init(&state->list, &part->bump, 3 * state->head.most + 1))
        return false;
    const struct recommend_category *category =
        cache_find(&shard->recommend.categories, state->head.category_id);
    if (has_class(&state->head, RECOMMEND_TRENDING_CATEGORY) && category != NULL)
        add_trending(state, shard, &category->top, RECOMMEND_TRENDING_CATEGORY, part->now_ns);
    if (has_class(&state->head, RECOMMEND_TRENDING))
        add_trending(state, shard, &shard->recommend.top, RECOMMEND_TRENDING, part->now_ns);
    wake(&shard->recommend, part->now_ns);
    if (has_class(&state->head, RECOMMEND_CATALOG))
        state->next = newest_of(shard);
    return true;
}

/* More popular, then newer. */
static bool comes_before(const struct shard *shard, u32 a, u32 b)
{
    const u32 popularity_a = product_at(&shard->catalog, a)->facts.popularity;
    const u32 popularity_b = product_at(&shard->catalog, b)->facts.popularity;
    return popularity_a != popularity_b ? popularity_a > popularity_b : a > b;
}

static void keep_best(struct fallback *state, const struct shard *shard, u32 product)
{
    const u32 most = state->head.most;
    if (most == 0 || (state->count == most && !comes_before(shard, product, state->best[most - 1])))
        return;
    u32 at = state->count < most ? state->count++ : most - 1;
    for (; at > 0 && comes_before(shard, product, state->best[at - 1]); at--)
        state->best[at] = state->best[at - 1];
    state->best[at] = product;
}

static void walk_catalog(struct fallback *state, struct shard *shard, u64 now_ns)
{
    for (u32 seen = 0; state->next != 0 && seen < SLICE_PRODUCTS; seen++) {
        const u32 product = state->next--;
        if (++state->walked == CATALOG_WALK)
            state->next = 0;
        if (!recommend_may_show(shard, product, now_ns)) {
            note_hidden(shard, product, now_ns);
            continue;
        }
        if (product_at(&shard->catalog, product)->product_id == state->head.without)
            continue;
        keep_best(state, shard, product);
        if (++state->looked >= CATALOG_LOOK)
            state->next = 0;
    }
}

bool recommend_fallback_slice(struct shard *shard, struct part *part)
{
    struct fallback *state = part->state;
    if (state == NULL && !begin(shard, part, &state))
        return true;
    walk_catalog(state, shard, part->now_ns);
    if (state->next != 0 && !part->is_late)
        return false;
    for (u32 i = 0; i < state->count; i++) {
        struct recommend_shown *row =
            recommend_list_add(&state->list, shard, state->best[i], part->now_ns);
        if (row == NULL)
            continue;
        row->score = product_at(&shard->catalog, state->best[i])->facts.popularity;
        row->reason = RECOMMEND_CATALOG;
    }
    recommend_list_tell(&state->list, part);
    return true;
}
