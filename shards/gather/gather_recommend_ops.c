/* gather_recommend_ops: the operations related, recommend, trending and track.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/route.h"
#include "shards/gather/gather_recommend.h"

/* How many of the products viewed before count as viewed together with this one. */
#define TOGETHER_MAX 5u

static bool is_flag(u32 value)
{
    return value <= 1;
}

static bool is_limit(u32 limit)
{
    return limit >= 1 && limit <= RECOMMEND_LIMIT_MAX;
}

static bool are_ids(struct span rows)
{
    for (u32 at = 0; at < rows.bytes; at += (u32)sizeof(u64)) {
        u64 id;
        memcpy(&id, rows.data + at, sizeof id);
        if (id == 0)
            return false;
    }
    return true;
}

/* A round of an operation that is one job; `items` and `texts` are the first of its reply's spans. */
static void run_job(struct gather *gather)
{
    struct recommend_job *job = gather->state;
    if (job == NULL) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    if (gather->round != 0)
        gather_recommend_hear(gather, job);
    if (!gather_recommend_ask(gather, job))
        gather_recommend_take(gather, job, &gather->reply_spans[0], &gather->reply_spans[1]);
}

void gather_related(struct gather *gather)
{
    if (gather->round == 0) {
        struct msg_related_req ask;
        memcpy(&ask, gather->fixed, sizeof ask);
        const struct span without = gather->spans[SPAN_OF(related_req, without)];
        if (ask.product_id == 0 || !is_limit(ask.limit) || ask.kind < RELATED_BOUGHT ||
            ask.kind > RELATED_SIMILAR || !is_flag(ask.is_strict) || !are_ids(without)) {
            gather_refuse(gather, STATUS_BAD_ARGUMENT);
            return;
        }
        const struct recommend_wish wish = {
            .kinds = 1u << ask.kind,
            .limit = ask.limit,
            .is_strict = ask.is_strict != 0,
            .products = {.data = gather->fixed + offsetof(struct msg_related_req, product_id),
                         .bytes = sizeof ask.product_id},
            .without = without};
        gather->state = gather_recommend_begin(gather, &wish);
    }
    run_job(gather);
}

void gather_recommend(struct gather *gather)
{
    if (gather->round == 0) {
        struct msg_recommend_req ask;
        memcpy(&ask, gather->fixed, sizeof ask);
        const struct span products = gather->spans[SPAN_OF(recommend_req, products)];
        const struct span without = gather->spans[SPAN_OF(recommend_req, without)];
        if (!is_limit(ask.limit) || !is_flag(ask.is_strict) || !are_ids(products) ||
            !are_ids(without)) {
            gather_refuse(gather, STATUS_BAD_ARGUMENT);
            return;
        }
        const struct recommend_wish wish = {.user_id = ask.user_id,
                                            .kinds =
                                                1u << RECOMMEND_BOUGHT | 1u << RECOMMEND_VIEWED,
                                            .limit = ask.limit,
                                            .is_strict = ask.is_strict != 0,
                                            .has_views = true,
                                            .products = products,
                                            .without = without};
        gather->state = gather_recommend_begin(gather, &wish);
    }
    run_job(gather);
}

void gather_trending(struct gather *gather)
{
    if (gather->round == 0) {
        struct msg_trending_req ask;
        memcpy(&ask, gather->fixed, sizeof ask);
        if (!is_limit(ask.limit)) {
            gather_refuse(gather, STATUS_BAD_ARGUMENT);
            return;
        }
        const struct recommend_wish wish = {.category_id = ask.category_id, .limit = ask.limit};
        gather->state = gather_recommend_begin(gather, &wish);
    }
    run_job(gather);
}

/* ---- track ---- */

static void ask_track(struct gather *gather, const struct msg_track_part_req *ask, u64 id,
                      struct span products)
{
    const struct span spans[MESSAGE_SPANS_MAX] = {[SPAN_OF(track_part_req, products)] = products};
    gather_ask(gather, OPCODE_TRACK_PART, route_shard(route_hash_u64(id), gather->shard_count), ask,
               spans);
}

/* The product's shard counts it; and for what was viewed before, the shards of those count it too. */
static void ask_counts(struct gather *gather, const struct msg_track_req *ask)
{
    struct span before = gather->asks[0].answer.spans[SPAN_OF(track_part_rsp, products)];
    before.bytes = MIN(before.bytes, TOGETHER_MAX * (u32)sizeof(u64));
    u64 *own = gather_acquire(gather, sizeof *own);
    if (own == NULL)
        return;
    *own = ask->product_id;
    ask_track(gather,
              &(struct msg_track_part_req){.step = TRACK_STEP_COUNT,
                                           .kind = ask->kind,
                                           .user_id = ask->user_id,
                                           .product_id = ask->product_id},
              ask->product_id, before);
    for (u32 at = 0; ask->kind == TRACK_VIEW && at < before.bytes; at += (u32)sizeof(u64)) {
        u64 other;
        memcpy(&other, before.data + at, sizeof other);
        if (other == ask->product_id)
            continue;
        ask_track(gather,
                  &(struct msg_track_part_req){.step = TRACK_STEP_COUNT, .product_id = other},
                  other, (struct span){.data = (const u8 *)own, .bytes = sizeof *own});
    }
}

void gather_track(struct gather *gather)
{
    struct msg_track_req ask;
    memcpy(&ask, gather->fixed, sizeof ask);
    const struct span none = {NULL, 0};
    struct msg_track_part_req part = {.step = TRACK_STEP_RECENT, .user_id = ask.user_id};
    if (gather->round == 0) {
        if (ask.user_id == 0 || ask.product_id == 0 || ask.kind < TRACK_VIEW ||
            ask.kind > TRACK_SEARCH)
            gather_refuse(gather, STATUS_BAD_ARGUMENT);
        else
            ask_track(gather, &part, ask.user_id, none);
    } else if (gather->round == 1) {
        ask_counts(gather, &ask);
    } else if (gather->round == 2 && gather->ask_count != 0) {
        struct msg_track_part_rsp answer;
        memcpy(&answer, gather->asks[0].answer.fixed, sizeof answer);
        part = (struct msg_track_part_req){.step = TRACK_STEP_RECORD,
                                           .kind = ask.kind,
                                           .user_id = ask.user_id,
                                           .product_id = ask.product_id,
                                           .category_id = answer.category_id};
        if (answer.head.status == STATUS_OK)
            ask_track(gather, &part, ask.user_id, none);
        else
            gather_refuse(gather, answer.head.status);
    }
}
