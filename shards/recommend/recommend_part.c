/* recommend_part: the steps of a recommendation on one shard (recommend_steps.h).
 *
 * A slice looks at anchors until it has seen about SLICE_SLOTS slots of tables, or at SLICE_ROWS
 * products; a table is looked at in one slice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/recommend/recommend_show.h"
#include "shards/shard_handlers.h"

#define SLICE_SLOTS 8192u
#define SLICE_ROWS  256u
#define SHOW_GROUP  32u

static struct span data_of(const struct part *part)
{
    return part->spans[SPAN_OF(recommend_part_req, data)];
}

/* ---- candidates ---- */

struct candidates {
    u8 *data;
    u32 bytes;
    u32 anchor; /* the next */
    u32 count;  /* anchors */
    struct recommend_head head;
};

#define CANDIDATE_BYTES_MAX                                              \
    (sizeof(struct recommend_found) +                                    \
     2 * RECOMMEND_CANDIDATES_MAX * sizeof(struct recommend_candidate) + \
     sizeof(struct recommend_profile))

static bool begin_candidates(struct part *part, struct candidates **to)
{
    const struct span data = data_of(part);
    struct candidates *state = bump_acquire_zeroed(&part->bump, sizeof *state);
    *to = part->state = state;
    if (state == NULL || data.bytes < sizeof state->head)
        return false;
    memcpy(&state->head, data.data, sizeof state->head);
    state->count = (data.bytes - (u32)sizeof state->head) / (u32)sizeof(struct recommend_anchor);
    const size_t bytes = state->count * CANDIDATE_BYTES_MAX;
    if (bytes == 0 || bytes > PART_BYTES_MAX)
        return false;
    state->data = bump_acquire(&part->bump, bytes);
    return state->data != NULL;
}

static void put_bytes(struct candidates *state, const void *from, size_t bytes)
{
    memcpy(state->data + state->bytes, from, bytes);
    state->bytes += (u32)bytes;
}

static u64 pull_of(u64 count, u64 baskets)
{
    const u64 most = 1ull << 29;
    const u64 together = MIN(count, most);
    const u64 ratio =
        MIN((together << RECOMMEND_RATIO_BITS) / MAX(baskets, 1), 1ull << RECOMMEND_RATIO_BITS);
    return ratio * together;
}

static u32 put_bought(struct shard *shard, struct candidates *state, u64 product_id, u64 now_ns)
{
    struct copurchase_partner best[RECOMMEND_CANDIDATES_MAX];
    struct copurchase *bought = &shard->recommend.bought;
    const u32 count = copurchase_best(bought, product_id, now_ns, best);
    const u64 baskets = count == 0 ? 0 : copurchase_baskets(bought, product_id, now_ns, NULL);
    for (u32 i = 0; i < count; i++) {
        const struct recommend_candidate row = {.product_id = best[i].product_id,
                                                .pull = pull_of(best[i].weight, baskets),
                                                .support = best[i].support,
                                                .reason = RECOMMEND_BOUGHT};
        put_bytes(state, &row, sizeof row);
    }
    return count;
}

static u32 put_viewed(const struct shard *shard, struct candidates *state, u64 product_id)
{
    const struct recommend_item *item = cache_find(&shard->recommend.items, product_id);
    u32 count = 0;
    if (item == NULL || item->together == NULL)
        return 0;
    for (u32 i = 0; i < RECOMMEND_PARTNERS_MAX; i++) {
        if (item->together->counts[i] == 0)
            continue;
        const struct recommend_candidate row = {.product_id = item->together->partners[i],
                                                .pull =
                                                    pull_of(item->together->counts[i], item->views),
                                                .support = item->together->counts[i],
                                                .reason = RECOMMEND_VIEWED};
        put_bytes(state, &row, sizeof row);
        count++;
    }
    return count;
}

static void put_anchor(struct shard *shard, struct candidates *state,
                       const struct recommend_anchor *anchor, u64 now_ns)
{
    const u32 product =
        catalog_find(&shard->catalog, route_hash_u64(anchor->product_id), anchor->product_id);
    struct span code;
    struct recommend_found found = {.product_id = anchor->product_id,
                                    .category_id = recommend_category_of(shard, product, &code)};
    const u32 at = state->bytes;
    state->bytes += (u32)sizeof found;
    if ((anchor->kinds & 1u << RECOMMEND_BOUGHT) != 0)
        found.count += put_bought(shard, state, anchor->product_id, now_ns);
    if ((anchor->kinds & 1u << RECOMMEND_VIEWED) != 0)
        found.count += put_viewed(shard, state, anchor->product_id);
    if ((anchor->kinds & 1u << RECOMMEND_SIMILAR) != 0 && product != 0) {
        struct recommend_profile profile;
        recommend_profile_of(shard, product, &profile);
        put_bytes(state, &profile, sizeof profile);
        found.has_profile = 1;
    }
    memcpy(state->data + at, &found, sizeof found);
}

static bool candidates_slice(struct shard *shard, struct part *part)
{
    struct candidates *state = part->state;
    if (state == NULL && !begin_candidates(part, &state))
        return true;
    const u8 *anchors = data_of(part).data + sizeof state->head;
    u32 seen = 0;
    while (state->anchor < state->count && seen < SLICE_SLOTS) {
        struct recommend_anchor anchor;
        memcpy(&anchor, anchors + state->anchor++ * sizeof anchor, sizeof anchor);
        put_anchor(shard, state, &anchor, part->now_ns);
        seen += 64 + copurchase_size(&shard->recommend.bought, anchor.product_id);
    }
    if (state->anchor < state->count && !part->is_late)
        return false;
    part->reply_spans[SPAN_OF(recommend_part_rsp, data)] =
        (struct span){.data = state->data, .bytes = state->bytes};
    return true;
}

/* ---- show ---- */

struct show {
    struct recommend_head head;
    struct recommend_list list;
    const u8 *ids;
    u32 count;
    u32 at;
};

static bool begin_show(struct part *part, struct show **to)
{
    const struct span data = data_of(part);
    struct show *state = bump_acquire_zeroed(&part->bump, sizeof *state);
    *to = part->state = state;
    if (state == NULL || data.bytes < sizeof state->head)
        return false;
    memcpy(&state->head, data.data, sizeof state->head);
    state->ids = data.data + sizeof state->head;
    state->count = (data.bytes - (u32)sizeof state->head) / (u32)sizeof(u64);
    return recommend_list_init(&state->list, &part->bump, MAX(state->count, 1u));
}

static void show_product(const struct shard *shard, struct show *state, u32 product, u32 table,
                         u64 now_ns)
{
    const bool has_views = (state->head.classes & 1u << RECOMMEND_VIEWED) != 0;
    struct recommend_shown *row = recommend_list_add(&state->list, shard, product, now_ns);
    if (row == NULL)
        return;
    const struct recommend_item *item =
        has_views ? cache_find(&shard->recommend.items, row->product_id) : NULL;
    row->baskets = copurchase_table_baskets(&shard->recommend.bought, table, now_ns, NULL);
    row->views = item == NULL ? 0 : item->views;
}

/* Looked up together: each pass brings near what the next one needs. */
static void show_group(const struct shard *shard, struct show *state, u32 count, u64 now_ns)
{
    const struct catalog *catalog = &shard->catalog;
    u64 ids[SHOW_GROUP], hashes[SHOW_GROUP];
    u32 products[SHOW_GROUP], tables[SHOW_GROUP];
    memcpy(ids, state->ids + state->at * sizeof ids[0], count * sizeof ids[0]);
    for (u32 i = 0; i < count; i++) {
        hashes[i] = route_hash_u64(ids[i]);
        map_prefetch(&catalog->map, hashes[i]);
        map_prefetch(&shard->recommend.bought.map, hashes[i]);
    }
    for (u32 i = 0; i < count; i++) {
        const u32 first = map_first_candidate(&catalog->map, hashes[i]);
        if (first != 0)
            pool_prefetch(&catalog->pool, first);
        copurchase_prefetch(&shard->recommend.bought, hashes[i]);
    }
    for (u32 i = 0; i < count; i++) {
        products[i] = catalog_find(catalog, hashes[i], ids[i]);
        tables[i] = copurchase_find_table(&shard->recommend.bought, hashes[i], ids[i]);
        if (products[i] != 0)
            store_prefetch(product_at(catalog, products[i])->blob);
    }
    for (u32 i = 0; i < count; i++)
        show_product(shard, state, products[i], tables[i], now_ns);
    state->at += count;
}

static bool show_slice(struct shard *shard, struct part *part)
{
    struct show *state = part->state;
    if (state == NULL && !begin_show(part, &state))
        return true;
    const u32 end = MIN(state->count, state->at + SLICE_ROWS);
    while (state->at < end)
        show_group(shard, state, MIN(end - state->at, SHOW_GROUP), part->now_ns);
    if (state->at < state->count && !part->is_late)
        return false;
    recommend_list_tell(&state->list, part);
    return true;
}

bool shard_part_recommend_part(struct shard *shard, struct part *part)
{
    struct msg_recommend_part_req ask;
    memcpy(&ask, part->fixed, sizeof ask);
    switch (ask.step) {
    case RECOMMEND_STEP_CANDIDATES: return candidates_slice(shard, part);
    case RECOMMEND_STEP_SHOW: return show_slice(shard, part);
    case RECOMMEND_STEP_SIMILAR: return recommend_similar_slice(shard, part);
    case RECOMMEND_STEP_FALLBACK: return recommend_fallback_slice(shard, part);
    default: return true;
    }
}
