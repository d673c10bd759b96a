/* recommend_score: which of the candidates are shown: the step SHOW of recommend_steps.h.
 *
 *      score all -> a heap by score -> the best one: may it be shown? -> ... until there are enough
 *
 * A score asks how often the candidate itself is bought, which its table says: two lines of the cache, one if
 * it is known where to look. Whether it may be shown asks its product, three lines more and its texts: only as
 * many products are looked at as are told, and those that may not be shown before them.
 *
 * A slice scores SLICE_ROWS candidates; looking at products is one slice more. Candidates are looked up in
 * groups: each pass brings near what the next one needs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/recommend/recommend_show.h"
#include "shards/shard_handlers.h"

#define SLICE_ROWS 256u
#define GROUP      64u

struct scored {
    u64 score;
    u64 product_id;
    u32 support;
    u32 reason;
};

struct show {
    struct recommend_head head;
    struct recommend_list list;
    const u8 *rows; /* struct recommend_asked, not aligned */
    u32 count;
    u32 at;
    struct scored *scored; /* `at` of them; a heap, the best on top, when all are there */
};

static bool begin(struct part *part, struct show **to)
{
    const struct span data = part->spans[SPAN_OF(recommend_part_req, data)];
    struct show *state = bump_acquire_zeroed(&part->bump, sizeof *state);
    *to = part->state = state;
    if (state == NULL || data.bytes < sizeof state->head)
        return false;
    memcpy(&state->head, data.data, sizeof state->head);
    state->rows = data.data + sizeof state->head;
    state->count = (data.bytes - (u32)sizeof state->head) / (u32)sizeof(struct recommend_asked);
    state->scored = bump_acquire(&part->bump, MAX(state->count, 1u) * sizeof *state->scored);
    return state->scored != NULL &&
           recommend_list_init(&state->list, &part->bump,
                               MAX(MIN(state->head.most, RECOMMEND_LIMIT_MAX), 1u));
}

/* ---- scores ---- */

static struct scored score_of(const struct shard *shard, const struct recommend_asked *asked,
                              u32 name, u64 now_ns)
{
    u64 bought = 0, viewed = 0;
    if (asked->bought != 0)
        bought = asked->bought /
                 (copurchase_baskets(&shard->recommend.bought, name, now_ns) + RECOMMEND_DOUBT);
    if (asked->viewed != 0) {
        const struct recommend_item *item = cache_find(&shard->recommend.items, asked->product_id);
        viewed = asked->viewed / ((item == NULL ? 0 : item->views) + RECOMMEND_DOUBT_VIEWS);
    }
    return (struct scored){.score = bought + viewed < bought ? UINT64_MAX : bought + viewed,
                           .product_id = asked->product_id,
                           .support = asked->support,
                           .reason = bought >= viewed ? RECOMMEND_BOUGHT : RECOMMEND_VIEWED};
}

/* Names of candidates that were bought with something; those that are not known are looked up together. */
static void find_names(const struct copurchase *bought, const struct recommend_asked *asked,
                       u32 count, u32 *names)
{
    u64 hashes[GROUP];
    u32 open[GROUP], open_count = 0;
    for (u32 i = 0; i < count; i++) {
        names[i] = 0;
        if (asked[i].bought == 0)
            continue;
        if (copurchase_is_name(bought, asked[i].name, asked[i].product_id)) {
            names[i] = asked[i].name;
            continue;
        }
        hashes[open_count] = route_hash_u64(asked[i].product_id);
        map_prefetch(&bought->map, hashes[open_count]);
        open[open_count++] = i;
    }
    for (u32 i = 0; i < open_count; i++)
        copurchase_prefetch(bought, hashes[i]);
    for (u32 i = 0; i < open_count; i++)
        names[open[i]] = copurchase_find(bought, hashes[i], asked[open[i]].product_id);
}

static void score_group(const struct shard *shard, struct show *state, u32 count, u64 now_ns)
{
    struct recommend_asked asked[GROUP];
    u32 names[GROUP];
    memcpy(asked, state->rows + state->at * sizeof asked[0], count * sizeof asked[0]);
    find_names(&shard->recommend.bought, asked, count, names);
    for (u32 i = 0; i < count; i++) {
        copurchase_prefetch_table(&shard->recommend.bought, names[i]);
        if (asked[i].viewed != 0)
            cache_prefetch(&shard->recommend.items, asked[i].product_id);
    }
    for (u32 i = 0; i < count; i++)
        state->scored[state->at + i] = score_of(shard, &asked[i], names[i], now_ns);
    state->at += count;
}

/* ---- the best of them ---- */

static bool is_before(const struct scored *a, const struct scored *b)
{
    return a->score != b->score ? a->score > b->score : a->product_id < b->product_id;
}

static void sink(struct scored *scored, u32 count, u32 hole, struct scored one)
{
    for (u32 child; (child = 2 * hole + 1) < count; hole = child) { /* ends: deeper */
        if (child + 1 < count && is_before(&scored[child + 1], &scored[child]))
            child++;
        if (!is_before(&scored[child], &one))
            break;
        scored[hole] = scored[child];
    }
    scored[hole] = one;
}

/* The next best up to `most`, out of the heap. */
static u32 take_best(struct show *state, u32 most, struct scored *to)
{
    u32 count = 0;
    while (count < most && state->count > 0) {
        to[count++] = state->scored[0];
        state->count--;
        sink(state->scored, state->count, 0, state->scored[state->count]);
    }
    return count;
}

static void find_products(const struct catalog *catalog, const struct scored *best, u32 count,
                          u32 *products)
{
    u64 hashes[RECOMMEND_LIMIT_MAX];
    for (u32 i = 0; i < count; i++) {
        hashes[i] = route_hash_u64(best[i].product_id);
        map_prefetch(&catalog->map, hashes[i]);
    }
    for (u32 i = 0; i < count; i++) {
        const u32 first = map_first_candidate(&catalog->map, hashes[i]);
        if (first != 0)
            recommend_prefetch_product(product_at(catalog, first));
    }
    for (u32 i = 0; i < count; i++) {
        products[i] = catalog_find(catalog, hashes[i], best[i].product_id);
        if (products[i] != 0)
            store_prefetch(product_at(catalog, products[i])->blob);
    }
}

static void show_best(const struct shard *shard, struct show *state, u64 now_ns)
{
    struct scored best[RECOMMEND_LIMIT_MAX];
    u32 products[RECOMMEND_LIMIT_MAX];
    struct recommend_list *list = &state->list;
    const u32 most = MIN(state->head.most, RECOMMEND_LIMIT_MAX);
    for (u32 at = state->count / 2; at > 0; at--)
        sink(state->scored, state->count, at - 1, state->scored[at - 1]);
    while (list->count < most && state->count > 0) { /* ends: fewer each time */
        const u32 count = take_best(state, most - list->count, best);
        find_products(&shard->catalog, best, count, products);
        for (u32 i = 0; i < count; i++) {
            struct recommend_shown *row = recommend_list_add(list, shard, products[i], now_ns);
            if (row == NULL)
                continue;
            row->score = best[i].score;
            row->support = best[i].support;
            row->reason = (u16)best[i].reason;
        }
    }
}

bool recommend_show_slice(struct shard *shard, struct part *part)
{
    struct show *state = part->state;
    if (state == NULL && !begin(part, &state))
        return true;
    const u32 end = MIN(state->count, state->at + SLICE_ROWS);
    while (state->at < end)
        score_group(shard, state, MIN(end - state->at, GROUP), part->now_ns);
    if (state->at < state->count && !part->is_late)
        return false;
    state->count = state->at; /* those that were scored in time */
    show_best(shard, state, part->now_ns);
    recommend_list_tell(&state->list, part);
    return true;
}
