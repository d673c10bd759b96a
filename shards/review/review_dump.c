/* review_dump: reviews on their way into a snapshot.
 *
 *      DUMP_KIND_REVIEW            a review with its present texts and its reply; or one that is gone
 *      DUMP_KIND_REVIEW_EDIT       a text before it
 *      DUMP_KIND_REVIEW_VOTE       a vote
 *      DUMP_KIND_REVIEW_PERSON     how much a user has written, hour by hour
 *      DUMP_KIND_REVIEW_PURCHASE   what a user has of a product
 *
 * Everything else follows: places in lists, counts, ratings, verified.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/review/review_dump.h"

#include <string.h>

#include "shards/review/review_parts.h"

/* ---- reviews ---- */

static void dump_edits(const struct review *review, struct dump_sink *sink)
{
    for (const struct review_text *text = review->text->older; text != NULL; text = text->older) {
        const struct dump_review_edit fixed = {.product_id = review->product_id,
                                               .user_id = review->user_id,
                                               .version = text->version,
                                               .changed_ns = text->changed_ns,
                                               .title_bytes = text->title_bytes,
                                               .body_bytes = text->body_bytes,
                                               .stars = text->stars,
                                               .state = text->state};
        dump_put(sink, DUMP_KIND_REVIEW_EDIT, &fixed, sizeof fixed, text->bytes,
                 (u32)text->title_bytes + text->body_bytes);
    }
}

static void dump_review(const struct review *review, struct dump_sink *sink)
{
    u8 bytes[DUMP_REVIEW_TEXTS_MAX];
    u32 count = 0;
    struct dump_review fixed = {.product_id = review->product_id,
                                .user_id = review->user_id,
                                .version = review->version,
                                .created_ns = review->created_ns,
                                .changed_ns = review->changed_ns,
                                .moderator = review->moderator,
                                .replied_by = review->replied_by,
                                .replied_ns = review->replied_ns,
                                .reason = review->reason,
                                .vote_count = review->votes.count,
                                .reply_bytes = review->reply_bytes,
                                .edit_count = review->edit_count,
                                .state = review->state,
                                .is_suspect = review->is_suspect};
    const struct review_text *text = review->text;
    if (text != NULL) {
        fixed.text_version = text->version;
        fixed.text_ns = text->changed_ns;
        fixed.title_bytes = text->title_bytes;
        fixed.body_bytes = text->body_bytes;
        fixed.media_bytes = text->media_bytes;
        fixed.stars = text->stars;
        count = (u32)text->title_bytes + text->body_bytes + text->media_bytes;
        memcpy(bytes, text->bytes, count);
    }
    if (review->reply_bytes != 0)
        memcpy(bytes + count, review->reply, review->reply_bytes);
    dump_put(sink, DUMP_KIND_REVIEW, &fixed, sizeof fixed, bytes, count + review->reply_bytes);
    if (text != NULL)
        dump_edits(review, sink);
}

void review_dump_review_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->review_map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++)
        dump_review(review_at(room, indexes[i]), sink);
}

/* ---- votes, persons, purchases ---- */

void review_dump_vote_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->vote_map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct review_vote *vote = review_vote_at(room, indexes[i]);
        const struct review *review = review_at(room, vote->review);
        const struct dump_review_vote fixed = {.product_id = review->product_id,
                                               .author_id = review->user_id,
                                               .voter_id = vote->voter_id,
                                               .is_helpful = vote->is_helpful};
        dump_put(sink, DUMP_KIND_REVIEW_VOTE, &fixed, sizeof fixed, NULL, 0);
    }
}

void review_dump_person_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->person_map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct review_person *person = review_person_at(room, indexes[i]);
        struct dump_review_person fixed = {.user_id = person->user_id, .hour = person->hour};
        if (person->hour == 0)
            continue; /* has only voted */
        memcpy(fixed.written, person->written, sizeof person->written);
        dump_put(sink, DUMP_KIND_REVIEW_PERSON, &fixed, sizeof fixed, NULL, 0);
    }
}

void review_dump_purchase_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->purchase_map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++)
        dump_put(sink, DUMP_KIND_REVIEW_PURCHASE, review_purchase_at(room, indexes[i]),
                 sizeof(struct review_purchase), NULL, 0);
}
