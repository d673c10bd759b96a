/* review_ops: moderate, reply, delete.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/review/review_parts.h"
#include "shards/shard_handlers.h"

/* The first questions: arguments, shard, and is it there? `index` also of one that is gone. */
static u16 find_named(const struct shard *shard, const struct shard_call *call, bool is_good,
                      struct review_name name, u32 *index)
{
    *index = 0;
    u16 status = shard_call_refusal(call, is_good && name.user_id != 0);
    if (status != STATUS_OK)
        return status;
    *index = review_find(&shard->reviews, name.product_id, name.user_id);
    return *index != 0 && review_at(&shard->reviews, *index)->state != REVIEW_STATE_NONE
               ? STATUS_OK
               : STATUS_NOT_FOUND;
}

static u16 judge_version(const struct review *review, u64 if_version)
{
    return if_version == VERSION_ANY || if_version == review->version ? STATUS_OK
                                                                      : STATUS_VERSION_CONFLICT;
}

/* ---- moderate ---- */

static u16 judge_moderate(const struct review *review, const struct msg_review_moderate_req *ask,
                          bool *is_replay)
{
    const bool is_known = review->state == ask->state && review->moderator == ask->actor &&
                          review->reason == ask->reason;
    *is_replay =
        is_known && (ask->if_version == VERSION_ANY || ask->if_version == review->version ||
                     ask->if_version + 1 == review->version);
    if (*is_replay)
        return STATUS_OK;
    const u16 status = judge_version(review, ask->if_version);
    if (status != STATUS_OK)
        return status;
    /* Nobody sees what is rejected, so there is nothing to flag. */
    const bool is_senseless =
        review->state == REVIEW_STATE_REJECTED && ask->state == REVIEW_STATE_FLAGGED;
    return review->state == ask->state || is_senseless ? STATUS_INVALID_STATE : STATUS_OK;
}

void shard_apply_review_moderate(struct shard *shard, const struct shard_call *call,
                                 const void *request, void *reply)
{
    struct msg_review_moderate_req ask;
    struct msg_review_moderate_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.state >= REVIEW_STATE_PENDING && ask.state <= REVIEW_STATE_FLAGGED;
    bool is_replay = false;
    u32 index;
    u16 status =
        find_named(shard, call, is_good, (struct review_name){ask.product_id, ask.user_id}, &index);
    if (status == STATUS_OK)
        status = judge_moderate(review_at(&shard->reviews, index), &ask, &is_replay);
    if (status == STATUS_OK && !is_replay) {
        const struct review_change change = review_change_begin(shard, index);
        change.review->state = (u8)ask.state;
        change.review->moderator = ask.actor;
        change.review->reason = ask.reason;
        review_touch(change.review, call->now_ns);
        review_change_end(&change);
    }
    answer->head.status = status;
    answer->head.flags = is_replay ? RECORD_FLAG_REPLAYED : 0;
    if (index != 0)
        REVIEW_ANSWER(&shard->reviews, answer, ask.product_id, review_at(&shard->reviews, index));
}

/* ---- reply ---- */

static bool is_same_reply(const struct review *review, u64 actor, struct span text)
{
    if (text.bytes == 0)
        return review->reply_bytes == 0;
    return review->replied_by == actor && review->reply_bytes == text.bytes &&
           memcmp(review->reply, text.data, text.bytes) == 0;
}

void shard_apply_review_reply(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_review_reply_req ask;
    struct msg_review_reply_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct span text = call->spans[SPAN_OF(review_reply_req, reply)];
    u32 index;
    answer->head.status = find_named(shard, call, text_invalid(text.data, text.bytes, true) == NULL,
                                     (struct review_name){ask.product_id, ask.user_id}, &index);
    if (answer->head.status == STATUS_OK) {
        if (is_same_reply(review_at(&shard->reviews, index), ask.actor, text)) {
            answer->head.flags = RECORD_FLAG_REPLAYED;
        } else {
            const struct review_change change = review_change_begin(shard, index);
            review_reply_set(&shard->reviews, change.review, text);
            change.review->replied_by = text.bytes != 0 ? ask.actor : 0;
            change.review->replied_ns = text.bytes != 0 ? call->now_ns : 0;
            review_touch(change.review, call->now_ns);
            review_change_end(&change);
        }
    }
    if (index != 0)
        REVIEW_ANSWER(&shard->reviews, answer, ask.product_id, review_at(&shard->reviews, index));
}

/* ---- delete ---- */

void shard_apply_review_delete(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_review_delete_req ask;
    struct msg_review_delete_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    u32 index;
    u16 status =
        find_named(shard, call, true, (struct review_name){ask.product_id, ask.user_id}, &index);
    if (status == STATUS_OK)
        status = judge_version(review_at(&shard->reviews, index), ask.if_version);
    if (status == STATUS_OK) {
        const struct review_change change = review_change_begin(shard, index);
        review_empty(&shard->reviews, change.review);
        review_touch(change.review, call->now_ns);
        review_change_end(&change);
    }
    answer->head.status = status;
    if (index != 0)
        REVIEW_ANSWER(&shard->reviews, answer, ask.product_id, review_at(&shard->reviews, index));
}
