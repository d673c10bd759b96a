/* recommend_part: the steps of a recommendation on one shard (recommend_steps.h); here that of candidates.
 *
 * A slice looks at anchors until it has seen about SLICE_SLOTS slots of tables; a table is looked at in one
 * slice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/recommend/recommend_show.h"
#include "shards/shard_handlers.h"

#define SLICE_SLOTS 8192u

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

#define CANDIDATE_BYTES_MAX                                                                   \
    (sizeof(struct recommend_found) +                                                         \
     (RECOMMEND_CANDIDATES_MAX + RECOMMEND_VIEWED_MAX) * sizeof(struct recommend_candidate) + \
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

/* The next place of the answer: it is at most what CANDIDATE_BYTES_MAX says. */
static void *grow(struct candidates *state, size_t bytes)
{
    void *at = state->data + state->bytes;
    state->bytes += (u32)bytes;
    return at;
}
STATIC_CHECK(sizeof(struct recommend_found) % 8 == 0);
STATIC_CHECK(sizeof(struct recommend_profile) % 8 == 0);

static u64 pull_of(u64 count, u64 baskets)
{
    const u64 most = 1ull << 29;
    const u64 together = MIN(count, most);
    const u64 ratio =
        MIN((together << RECOMMEND_RATIO_BITS) / MAX(baskets, 1), 1ull << RECOMMEND_RATIO_BITS);
    return ratio * together;
}

static u32 put_bought(struct shard *shard, struct candidates *state, u32 name, u32 most, u64 now_ns)
{
    struct copurchase_partner best[RECOMMEND_CANDIDATES_MAX];
    struct copurchase *bought = &shard->recommend.bought;
    const u32 count =
        copurchase_best(bought, name, now_ns, MIN(most, RECOMMEND_CANDIDATES_MAX), best);
    const u64 baskets = count == 0 ? 0 : copurchase_baskets(bought, name, now_ns);
    struct recommend_candidate *rows = grow(state, count * sizeof *rows);
    for (u32 i = 0; i < count; i++)
        rows[i] = (struct recommend_candidate){.product_id = best[i].product_id,
                                               .pull = pull_of(best[i].weight, baskets),
                                               .support = best[i].support,
                                               .name = best[i].name};
    return count;
}

STATIC_CHECK(RECOMMEND_VIEWED_MAX == RECOMMEND_PARTNERS_MAX);
STATIC_CHECK(RECOMMEND_CANDIDATES_MAX <= COPURCHASE_BEST_MAX);

static u32 put_viewed(const struct shard *shard, struct candidates *state, u64 product_id)
{
    const struct recommend_item *item = cache_find(&shard->recommend.items, product_id);
    if (item == NULL || item->together == NULL)
        return 0;
    struct recommend_candidate *rows = grow(state, 0);
    u32 count = 0;
    for (u32 i = 0; i < RECOMMEND_PARTNERS_MAX; i++) {
        const u32 together = item->together->counts[i];
        if (together != 0)
            rows[count++] = (struct recommend_candidate){.product_id = item->together->partners[i],
                                                         .pull = pull_of(together, item->views),
                                                         .support = together};
    }
    (void)grow(state, count * sizeof *rows);
    return count;
}

/* As its place in a list says, if it has one: without a look at its texts. */
static u64 category_of(const struct shard *shard, u32 product)
{
    struct span code;
    const struct recommend_link *link = recommend_link_find(&shard->recommend, product);
    return link != NULL && link->category_id != 0 ? link->category_id
                                                  : recommend_category_of(shard, product, &code);
}

/* What it costs. */
static u32 put_anchor(struct shard *shard, struct candidates *state,
                      const struct recommend_anchor *anchor, u64 now_ns)
{
    const u64 hash = route_hash_u64(anchor->product_id);
    const u32 product = catalog_find(&shard->catalog, hash, anchor->product_id);
    struct recommend_found *found = grow(state, sizeof *found);
    u32 seen = 64;
    *found = (struct recommend_found){.product_id = anchor->product_id,
                                      .category_id = category_of(shard, product)};
    if ((anchor->kinds & 1u << RECOMMEND_BOUGHT) != 0) {
        const u32 name = copurchase_find(&shard->recommend.bought, hash, anchor->product_id);
        found->bought_count = put_bought(shard, state, name, anchor->most, now_ns);
        seen += copurchase_size(&shard->recommend.bought, name);
    }
    if ((anchor->kinds & 1u << RECOMMEND_VIEWED) != 0)
        found->viewed_count = put_viewed(shard, state, anchor->product_id);
    if ((anchor->kinds & 1u << RECOMMEND_SIMILAR) != 0 && product != 0) {
        recommend_profile_of(shard, product, grow(state, sizeof(struct recommend_profile)));
        found->has_profile = 1;
    }
    return seen;
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
        seen += put_anchor(shard, state, &anchor, part->now_ns);
    }
    if (state->anchor < state->count && !part->is_late)
        return false;
    part->reply_spans[SPAN_OF(recommend_part_rsp, data)] =
        (struct span){.data = state->data, .bytes = state->bytes};
    return true;
}

bool shard_part_recommend_part(struct shard *shard, struct part *part)
{
    struct msg_recommend_part_req ask;
    memcpy(&ask, part->fixed, sizeof ask);
    switch (ask.step) {
    case RECOMMEND_STEP_CANDIDATES: return candidates_slice(shard, part);
    case RECOMMEND_STEP_SHOW: return recommend_show_slice(shard, part);
    case RECOMMEND_STEP_SIMILAR: return recommend_similar_slice(shard, part);
    case RECOMMEND_STEP_FALLBACK: return recommend_fallback_slice(shard, part);
    default: return true;
    }
}
