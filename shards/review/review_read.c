/* review_read: one review, those that wait for a moderator, and the rating.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/review/review_rows.h"
#include "shards/shard_handlers.h"

#define ROW_BYTES    ((u32)sizeof(struct row_review_brief))
#define TEXTS_OFFSET (REVIEW_LIST_MAX * ROW_BYTES)
#define TEXTS_ROOM   (SHARD_SCRATCH_BYTES - TEXTS_OFFSET)
#define TEXTS_OF_ONE (REVIEW_TITLE_BYTES_MAX + 2 * REVIEW_BODY_BYTES_MAX)
#define EDITS_BYTES  (REVIEW_EDITS_MAX * (u32)sizeof(struct row_review_edit))
STATIC_CHECK(TEXTS_ROOM >= TEXTS_OF_ONE);
STATIC_CHECK(EDITS_BYTES + REVIEW_EDITS_MAX * (REVIEW_TITLE_BYTES_MAX + REVIEW_BODY_BYTES_MAX) <=
             SHARD_SCRATCH_BYTES);

static void append(u8 *to, u32 *at, struct span text)
{
    if (text.bytes != 0)
        memcpy(to + *at, text.data, text.bytes);
    *at += text.bytes;
}

/* ---- rows of a page ---- */

void review_rows_begin(struct review_rows *rows, u8 *scratch)
{
    *rows = (struct review_rows){.scratch = scratch};
}

bool review_rows_add(struct review_rows *rows, const struct review *review)
{
    const struct review_text *text = review->text;
    MUST(text != NULL && rows->count < REVIEW_LIST_MAX);
    const u32 bytes = (u32)text->title_bytes + text->body_bytes + review->reply_bytes;
    if (bytes > TEXTS_ROOM - rows->text_bytes)
        return false;
    const struct row_review_brief row = {.product_id = review->product_id,
                                         .user_id = review->user_id,
                                         .created_at_ns = review->created_ns,
                                         .changed_at_ns = review->changed_ns,
                                         .helpful = review->helpful,
                                         .unhelpful = review->unhelpful,
                                         .text_offset = rows->text_bytes,
                                         .body_bytes = text->body_bytes,
                                         .reply_bytes = review->reply_bytes,
                                         .title_bytes = text->title_bytes,
                                         .stars = review->stars,
                                         .state = review->state,
                                         .is_verified = review->is_verified,
                                         .version = (u32)review->version};
    memcpy(rows->scratch + rows->count * ROW_BYTES, &row, sizeof row);
    append(rows->scratch + TEXTS_OFFSET, &rows->text_bytes, review_title(text));
    append(rows->scratch + TEXTS_OFFSET, &rows->text_bytes, review_body(text));
    append(rows->scratch + TEXTS_OFFSET, &rows->text_bytes, review_reply(review));
    rows->count++;
    rows->last = review;
    return true;
}

struct span review_rows_span(const struct review_rows *rows)
{
    return (struct span){.data = rows->scratch, .bytes = rows->count * ROW_BYTES};
}

struct span review_rows_texts(const struct review_rows *rows)
{
    return (struct span){.data = rows->scratch + TEXTS_OFFSET, .bytes = rows->text_bytes};
}

/* ---- get ---- */

/* The versions before, the last first: rows and their texts. */
static void tell_edits(const struct review *review, u8 *scratch, struct span *rows,
                       struct span *texts)
{
    u32 count = 0;
    u32 bytes = 0;
    u8 *to = scratch + EDITS_BYTES;
    for (const struct review_text *text = review->text->older; text != NULL; text = text->older) {
        MUST(count < REVIEW_EDITS_MAX);
        const struct row_review_edit row = {.changed_at_ns = text->changed_ns,
                                            .version = (u32)text->version,
                                            .stars = text->stars,
                                            .state = text->state,
                                            .text_offset = bytes,
                                            .title_bytes = text->title_bytes,
                                            .body_bytes = text->body_bytes};
        memcpy(scratch + count * sizeof row, &row, sizeof row);
        append(to, &bytes, review_title(text));
        append(to, &bytes, review_body(text));
        count++;
    }
    *rows = (struct span){.data = scratch, .bytes = count * (u32)sizeof(struct row_review_edit)};
    *texts = (struct span){.data = to, .bytes = bytes};
}

bool shard_read_review_get(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply, struct span *spans)
{
    struct msg_review_get_req ask;
    struct msg_review_get_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = shard_call_refusal(call, ask.user_id != 0);
    if (answer->head.status != STATUS_OK)
        return true;
    const u32 index = review_find(&shard->reviews, ask.product_id, ask.user_id);
    const struct review *review = index != 0 ? review_at(&shard->reviews, index) : NULL;
    if (review == NULL || review->state == REVIEW_STATE_NONE) {
        answer->head.status = STATUS_NOT_FOUND;
        return true;
    }
    answer->version = review->version;
    answer->created_at_ns = review->created_ns;
    answer->changed_at_ns = review->changed_ns;
    answer->moderator = review->moderator;
    answer->replied_by = review->replied_by;
    answer->replied_at_ns = review->replied_ns;
    answer->helpful = review->helpful;
    answer->unhelpful = review->unhelpful;
    answer->reason = review->reason;
    answer->stars = review->stars;
    answer->state = review->state;
    answer->is_verified = review->is_verified;
    spans[SPAN_OF(review_get_rsp, title)] = review_title(review->text);
    spans[SPAN_OF(review_get_rsp, body)] = review_body(review->text);
    spans[SPAN_OF(review_get_rsp, media)] = review_media(review->text);
    spans[SPAN_OF(review_get_rsp, reply)] = review_reply(review);
    tell_edits(review, shard->scratch, &spans[SPAN_OF(review_get_rsp, edits)],
               &spans[SPAN_OF(review_get_rsp, texts)]);
    return true;
}

/* ---- the queue of a moderator ---- */

bool shard_read_review_queue(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    struct review_room *room = &shard->reviews;
    struct msg_review_queue_req ask;
    struct msg_review_queue_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    (void)call; /* it names a shard, not a key */
    const struct ordered *waiting = review_waiting(room, ask.state);
    if (waiting == NULL || ask.limit < 1 || ask.limit > REVIEW_LIST_MAX) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    const struct ordered_owner owner = review_by_waiting(room);
    const struct ordered_key after = {{ask.after_ns, ask.after_product, ask.after_user}};
    struct review_rows rows;
    review_rows_begin(&rows, shard->scratch);
    answer->total = waiting->count;
    u32 at = ordered_seek(waiting, &owner, &after);
    while (at != 0 && rows.count < ask.limit) { /* ends: one further each time */
        if (!review_rows_add(&rows, review_at(room, at)))
            break;
        at = ordered_next(&owner, at);
    }
    spans[SPAN_OF(review_queue_rsp, reviews)] = review_rows_span(&rows);
    spans[SPAN_OF(review_queue_rsp, texts)] = review_rows_texts(&rows);
    return true;
}

/* ---- the rating ---- */

bool shard_read_rating_get(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply, struct span *spans)
{
    struct msg_rating_get_req ask;
    struct msg_rating_get_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    (void)spans;
    answer->head.status = shard_call_refusal(call, true);
    if (answer->head.status != STATUS_OK)
        return true;
    const struct review_rating rating = review_rating_of(&shard->reviews, ask.product_id);
    answer->sum = rating.sum;
    answer->count = rating.count;
    answer->stars1 = rating.stars[0];
    answer->stars2 = rating.stars[1];
    answer->stars3 = rating.stars[2];
    answer->stars4 = rating.stars[3];
    answer->stars5 = rating.stars[4];
    return true;
}
