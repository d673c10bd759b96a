/* review_put: writing a review, or changing it: who may, and how often.
 *
 * Questions, in this order: arguments, shard, the product; a repeated put; the version; a purchase, if
 * the policy wants one; how many the user has written. What is refused counts for nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/review/review_parts.h"
#include "shards/shard_handlers.h"

#define NS_PER_HOUR (3600 * NS_PER_S)

/* ---- how often ---- */

static u32 hour_of(u64 now_ns)
{
    return (u32)(now_ns / NS_PER_HOUR);
}

u32 review_written(const struct review_person *person, u64 now_ns)
{
    const u32 hour = hour_of(now_ns);
    u32 sum = 0;
    for (u32 back = 0; back < REVIEW_HOURS; back++) {
        const u32 then = hour - back;
        if (then <= person->hour && person->hour - then < REVIEW_HOURS)
            sum += person->written[then % REVIEW_HOURS];
    }
    return sum;
}

static void count_written(struct review_room *room, u32 index, u64 now_ns)
{
    struct review_person *person = review_person_at(room, index);
    const u32 hour = hour_of(now_ns);
    MUST(hour >= person->hour);
    review_person_before_change(room, person);
    const u32 passed = MIN(hour - person->hour, REVIEW_HOURS);
    for (u32 back = 0; back < passed; back++)
        person->written[(hour - back) % REVIEW_HOURS] = 0;
    person->hour = hour;
    u16 *now = &person->written[hour % REVIEW_HOURS];
    *now = (u16)(*now < UINT16_MAX ? *now + 1 : *now);
}

static bool is_too_often(const struct shard *shard, u64 user_id, u32 per_day, u64 now_ns)
{
    const u32 index = review_person_find(&shard->reviews, user_id);
    return per_day != 0 && index != 0 &&
           review_written(review_person_at(&shard->reviews, index), now_ns) >= per_day;
}

/* ---- may it be written? ---- */

/* A put on its way. */
struct put {
    struct msg_review_put_req ask;
    const struct span *texts;
    struct msg_review_policy_put_req policy; /* in force */
    u32 index;                               /* 0 = there is none, not even one that is gone */
    bool is_there;                           /* and not gone */
    bool is_replay;                          /* it has been done before */
};

static const struct review *review_of(const struct review_room *room, const struct put *put)
{
    return put->index != 0 ? review_at(room, put->index) : NULL;
}

/* Did this very put make the present text? */
static bool is_repeated(const struct review *review, const struct put *put)
{
    const u64 wanted = put->ask.if_version;
    if (!review_text_equal(review, (u8)put->ask.stars, put->texts))
        return false;
    if (wanted == VERSION_ABSENT)
        return review->text->older == NULL;
    return wanted == VERSION_ANY || wanted == review->version ||
           wanted + 1 == review->text->version;
}

static u16 judge_version(const struct review_room *room, struct put *put)
{
    const u64 wanted = put->ask.if_version;
    const struct review *review = review_of(room, put);
    if (!put->is_there)
        return wanted == VERSION_ANY || wanted == VERSION_ABSENT ? STATUS_OK : STATUS_NOT_FOUND;
    put->is_replay = is_repeated(review, put);
    return put->is_replay || wanted == VERSION_ANY || wanted == review->version
               ? STATUS_OK
               : STATUS_VERSION_CONFLICT;
}

static u16 judge_put(const struct shard *shard, const struct shard_call *call, struct put *put)
{
    const struct msg_review_put_req *ask = &put->ask;
    const bool is_good = ask->user_id != 0 && ask->stars >= 1 && ask->stars <= REVIEW_STARS_MAX &&
                         review_texts_good(put->texts);
    u16 status = shard_call_refusal(call, is_good);
    if (status != STATUS_OK)
        return status;
    put->index = review_find(&shard->reviews, ask->product_id, ask->user_id);
    put->is_there =
        put->index != 0 && review_at(&shard->reviews, put->index)->state != REVIEW_STATE_NONE;
    if (product_at(&shard->catalog, call->object)->is_deleted != 0)
        return STATUS_NOT_FOUND;
    status = judge_version(&shard->reviews, put);
    if (status != STATUS_OK || put->is_replay)
        return status;
    if (put->policy.needs_purchase != 0 &&
        !review_has_bought(&shard->reviews, ask->user_id, ask->product_id))
        return STATUS_NOT_PURCHASED;
    return is_too_often(shard, ask->user_id, put->policy.per_day, call->now_ns)
               ? STATUS_RATE_LIMITED
               : STATUS_OK;
}

/* ---- writing ---- */

/* What a new text does to the state. Where nobody looks first, what was not approved is looked at
 * still, so that rewriting, or deleting and writing again, launders nothing. */
static u8 state_after(const struct review *review, bool is_moderated)
{
    if (is_moderated)
        return REVIEW_STATE_PENDING;
    switch ((enum review_state)review->state) {
    case REVIEW_STATE_NONE:
        return review->is_suspect != 0 ? REVIEW_STATE_PENDING : REVIEW_STATE_APPROVED;
    case REVIEW_STATE_APPROVED: return REVIEW_STATE_APPROVED;
    case REVIEW_STATE_FLAGGED: return REVIEW_STATE_FLAGGED;
    case REVIEW_STATE_PENDING:
    case REVIEW_STATE_REJECTED: break;
    }
    return REVIEW_STATE_PENDING;
}

static void write_review(struct shard *shard, struct put *put, u64 now_ns)
{
    struct review_room *room = &shard->reviews;
    const struct msg_review_put_req *ask = &put->ask;
    if (put->index == 0)
        put->index = review_create(room, ask->product_id, ask->user_id);
    const struct review_change change = review_change_begin(shard, put->index);
    struct review *review = change.review;
    review_text_push(room, review, put->texts);
    review->state = state_after(review, put->policy.is_moderated != 0);
    review->is_suspect = 0;
    review->stars = (u8)ask->stars;
    if (!put->is_there)
        review->created_ns = now_ns;
    review_touch(review, now_ns);
    review->text->stars = (u8)ask->stars;
    review->text->version = review->version;
    review->text->changed_ns = now_ns;
    review_change_end(&change);
    count_written(room, review->person, now_ns);
}

void shard_apply_review_put(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply)
{
    struct put put = {.texts = call->spans, .policy = settings_review_policy(&shard->settings)};
    struct msg_review_put_rsp *answer = reply;
    memcpy(&put.ask, request, sizeof put.ask);
    answer->head.status = judge_put(shard, call, &put);
    if (answer->head.status == STATUS_OK && !put.is_replay)
        write_review(shard, &put, call->now_ns);
    if (put.is_replay)
        answer->head.flags = RECORD_FLAG_REPLAYED;
    const struct review *review = review_of(&shard->reviews, &put);
    if (review != NULL)
        REVIEW_ANSWER(&shard->reviews, answer, put.ask.product_id, review);
}
