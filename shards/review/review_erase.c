/* review_erase: a user is forgotten: reviews with the votes on them, and the user's own votes.
 *
 * A command does a bounded part and says how much is left. What is done first follows from names, not
 * from where things lie, so that a shard that was loaded from a snapshot in between goes on alike:
 * first all of the user's reviews of a command's share disappear, by product, then votes, by name.
 *
 * What the user has bought stays: it follows from the orders, which stay too, and is nowhere shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/review/review_parts.h"
#include "shards/shard_handlers.h"

/* Things that one command erases: below half a millisecond. */
#define ERASE_STEPS 256u

static const struct ordered_key FIRST = {{0}};

/* The votes on a review that is gone, and then itself. Returns the steps taken. */
static u32 erase_review(struct review_room *room, u32 index, u32 budget,
                        struct msg_review_erase_rsp *answer)
{
    struct review *review = review_at(room, index);
    const struct ordered_owner by_voter = review_vote_by_voter(room);
    u32 steps = 0;
    for (; steps < budget && review->votes.count != 0; steps++) {
        review_vote_remove(room, ordered_seek(&review->votes, &by_voter, &FIRST));
        answer->votes++;
    }
    if (steps < budget) { /* so it has no vote any more */
        review_forget(room, index);
        steps++;
    }
    return steps;
}

/* Off the shelf, and its texts gone. */
static void hide_review(struct shard *shard, u32 index, u64 now_ns)
{
    const struct review_change change = review_change_begin(shard, index);
    review_empty(&shard->reviews, change.review);
    review_touch(change.review, now_ns);
    review_change_end(&change);
}

static u32 erase_reviews(struct shard *shard, u32 person, u32 budget, u64 now_ns,
                         struct msg_review_erase_rsp *answer)
{
    struct review_room *room = &shard->reviews;
    const struct ordered_owner by_person = review_by_person(room);
    struct ordered *reviews = &review_person_at(room, person)->reviews;
    u32 steps = 0;
    while (steps < budget && reviews->count != 0) { /* ends: a step or more each time */
        const u32 index = ordered_seek(reviews, &by_person, &FIRST);
        if (review_at(room, index)->state != REVIEW_STATE_NONE) {
            hide_review(shard, index, now_ns);
            answer->reviews++;
            steps++;
        }
        steps += erase_review(room, index, budget - steps, answer);
    }
    return steps;
}

/* There are more than `budget`: the person stays. */
static u32 erase_votes(struct review_room *room, u32 person, u32 budget,
                       struct msg_review_erase_rsp *answer)
{
    const struct ordered_owner by_review = review_vote_by_review(room);
    u32 steps = 0;
    u32 left = review_person_at(room, person)->votes.count;
    for (; steps < budget && left != 0; steps++, left--) {
        review_vote_remove(
            room, ordered_seek(&review_person_at(room, person)->votes, &by_review, &FIRST));
        answer->votes++;
    }
    return steps;
}

/* Reviews, votes on them, own votes. */
static u32 left_of(const struct review_room *room, u64 user_id)
{
    const u32 index = review_person_find(room, user_id);
    if (index == 0)
        return 0;
    const struct review_person *person = review_person_at(room, index);
    const u64 left = person->received_votes + person->reviews.count + person->votes.count;
    return (u32)MIN(left, UINT32_MAX);
}

void shard_apply_review_erase(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct review_room *room = &shard->reviews;
    struct msg_review_erase_req ask;
    struct msg_review_erase_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = ask.user_id != 0 ? STATUS_OK : STATUS_BAD_ARGUMENT;
    const u32 person = ask.user_id != 0 ? review_person_find(room, ask.user_id) : 0;
    if (person == 0)
        return;
    const u32 steps = erase_reviews(shard, person, ERASE_STEPS, call->now_ns, answer);
    if (review_person_at(room, person)->votes.count != 0)
        (void)erase_votes(room, person, ERASE_STEPS - steps, answer);
    else
        review_person_settle(room, person);
    answer->left = left_of(room, ask.user_id);
}
