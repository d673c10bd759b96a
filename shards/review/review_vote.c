/* review_vote: a review was helpful, or not: once per voter, and never from its author.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/review/review_parts.h"
#include "shards/shard_handlers.h"

enum vote { VOTE_NONE, VOTE_HELPFUL, VOTE_UNHELPFUL };

static struct review_vote_name name_of(const struct review *review, u64 voter_id)
{
    return (struct review_vote_name){
        .product_id = review->product_id, .author_id = review->user_id, .voter_id = voter_id};
}

/* A vote more, or one less: the counts, and the place that follows from them. The vote itself is
 * linked, or unlinked, by the caller. */
static void count_vote(struct review_room *room, u32 index, bool is_helpful, bool is_more)
{
    struct review *review = review_at(room, index);
    struct review_shelf *shelf = review_shelf_at(room, review->shelf);
    struct review_person *author = review_person_at(room, review->person);
    const struct ordered_owner by_help = review_by_help(room);
    u32 *count = is_helpful ? &review->helpful : &review->unhelpful;
    const bool is_listed = (review->marks & REVIEW_MARK_LISTED) != 0;
    MUST(is_more || (*count != 0 && author->received_votes != 0)); /* R3 */
    if (is_listed)
        ordered_remove(&shelf->by_help, &by_help, index);
    *count = is_more ? *count + 1 : *count - 1;
    author->received_votes = is_more ? author->received_votes + 1 : author->received_votes - 1;
    if (is_listed)
        ordered_insert(&shelf->by_help, &by_help, index);
}

void review_vote_add(struct review_room *room, u32 index, u64 voter_id, bool is_helpful)
{
    struct review *review = review_at(room, index);
    const u32 person = review_person_of(room, voter_id);
    MUST(voter_id != review->user_id);
    const u32 vote = pool_acquire(&room->votes);
    struct review_vote *record = review_vote_at(room, vote);
    record->voter_id = voter_id;
    record->review = index;
    record->person = person;
    record->is_helpful = is_helpful ? 1 : 0;
    const struct ordered_owner by_voter = review_vote_by_voter(room);
    const struct ordered_owner by_review = review_vote_by_review(room);
    ordered_insert(&review->votes, &by_voter, vote);
    ordered_insert(&review_person_at(room, person)->votes, &by_review, vote);
    map_insert(&room->vote_map, review_vote_hash(name_of(review, voter_id)), vote);
    count_vote(room, index, is_helpful, true);
}

void review_vote_remove(struct review_room *room, u32 vote)
{
    struct review_vote *record = review_vote_at(room, vote);
    const u32 index = record->review;
    const u32 person = record->person;
    const bool is_helpful = record->is_helpful != 0;
    struct review *review = review_at(room, index);
    const struct ordered_owner by_voter = review_vote_by_voter(room);
    const struct ordered_owner by_review = review_vote_by_review(room);
    /* map_remove tells a snapshot of the vote; what it changes in the review is not dumped but for
     * the number of votes. */
    review_before_change(room, review);
    map_remove(&room->vote_map, review_vote_hash(name_of(review, record->voter_id)), vote);
    ordered_remove(&review->votes, &by_voter, vote);
    ordered_remove(&review_person_at(room, person)->votes, &by_review, vote);
    pool_release(&room->votes, &vote);
    count_vote(room, index, is_helpful, false);
    review_person_settle(room, person);
}

/* ---- the operation ---- */

static u16 judge_vote(const struct shard *shard, const struct shard_call *call,
                      const struct msg_review_vote_req *ask, u32 *index)
{
    const bool is_good = ask->user_id != 0 && ask->voter_id != 0 && ask->vote <= VOTE_UNHELPFUL;
    const u16 status = shard_call_refusal(call, is_good);
    *index = 0;
    if (status != STATUS_OK)
        return status;
    const u32 found = review_find(&shard->reviews, ask->product_id, ask->user_id);
    if (found == 0 || review_at(&shard->reviews, found)->state == REVIEW_STATE_NONE)
        return STATUS_NOT_FOUND;
    *index = found;
    if (ask->voter_id == ask->user_id)
        return STATUS_SELF_VOTE;
    return ask->vote != VOTE_NONE &&
                   review_at(&shard->reviews, found)->state != REVIEW_STATE_APPROVED
               ? STATUS_INVALID_STATE
               : STATUS_OK;
}

static u16 vote_now(const struct review_room *room, u32 vote)
{
    if (vote == 0)
        return VOTE_NONE;
    return review_vote_at(room, vote)->is_helpful != 0 ? VOTE_HELPFUL : VOTE_UNHELPFUL;
}

void shard_apply_review_vote(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct review_room *room = &shard->reviews;
    struct msg_review_vote_req ask;
    struct msg_review_vote_rsp *answer = reply;
    u32 index;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = judge_vote(shard, call, &ask, &index);
    if (answer->head.status == STATUS_OK) {
        struct review *review = review_at(room, index);
        const u32 vote = review_vote_find(room, name_of(review, ask.voter_id));
        if (vote_now(room, vote) == ask.vote) {
            answer->head.flags = RECORD_FLAG_REPLAYED;
        } else {
            review_before_change(room, review);
            if (vote != 0)
                review_vote_remove(room, vote);
            if (ask.vote != VOTE_NONE)
                review_vote_add(room, index, ask.voter_id, ask.vote == VOTE_HELPFUL);
        }
    }
    if (index != 0) {
        answer->helpful = review_at(room, index)->helpful;
        answer->unhelpful = review_at(room, index)->unhelpful;
    }
}
