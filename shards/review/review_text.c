/* review_text: what a review says, and what it said before.
 *
 *      review -> present text -> the one before -> ... at most REVIEW_EDITS_MAX more
 *
 * A new text becomes the head of the chain; nothing is copied. The oldest is given back when the chain
 * would be too long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/review/review_parts.h"

STATIC_CHECK(REVIEW_BODY_BYTES_MAX <= UINT16_MAX && REVIEW_MEDIA_BYTES_MAX <= UINT16_MAX);
STATIC_CHECK(SPAN_OF(review_put_req, title) == 0 && SPAN_OF(review_put_req, body) == 1 &&
             SPAN_OF(review_put_req, media) == 2);

static u32 bytes_of(const struct review_text *text)
{
    return (u32)REVIEW_TEXT_BYTES((u32)text->title_bytes + text->body_bytes + text->media_bytes);
}

static void release_text(struct review_room *room, struct review_text *text)
{
    arena_release(room->arena, text, bytes_of(text));
}

bool review_texts_good(const struct span *texts)
{
    return text_invalid(texts[0].data, texts[0].bytes, false) == NULL &&
           text_invalid(texts[1].data, texts[1].bytes, true) == NULL &&
           text_invalid(texts[2].data, texts[2].bytes, true) == NULL;
}

static bool spans_equal(struct span a, struct span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

bool review_text_equal(const struct review *review, u8 stars, const struct span *texts)
{
    const struct review_text *text = review->text;
    MUST(text != NULL);
    return text->stars == stars && spans_equal(review_title(text), texts[0]) &&
           spans_equal(review_body(text), texts[1]) && spans_equal(review_media(text), texts[2]);
}

/* Makes a block of a text; `spans` are title, body, media. */
static struct review_text *make_text(struct review_room *room, const struct span *spans)
{
    const u32 bytes = spans[0].bytes + spans[1].bytes + spans[2].bytes;
    struct review_text *text = arena_acquire(room->arena, REVIEW_TEXT_BYTES(bytes));
    *text = (struct review_text){.title_bytes = (u16)spans[0].bytes,
                                 .body_bytes = (u16)spans[1].bytes,
                                 .media_bytes = (u16)spans[2].bytes};
    u8 *to = text->bytes;
    for (u32 i = 0; i < 3; i++) {
        if (spans[i].bytes != 0)
            memcpy(to, spans[i].data, spans[i].bytes);
        to += spans[i].bytes;
    }
    return text;
}

/* The oldest goes. */
static void drop_oldest(struct review_room *room, struct review *review)
{
    struct review_text **link = &review->text;
    MUST(review->edit_count != 0);
    while ((*link)->older != NULL) /* ends: at most REVIEW_EDITS_MAX */
        link = &(*link)->older;
    release_text(room, *link);
    *link = NULL;
    review->edit_count--;
}

void review_text_push(struct review_room *room, struct review *review, const struct span *texts)
{
    struct review_text *text = make_text(room, texts);
    text->older = review->text;
    if (review->text != NULL) {
        review->text->state = review->state;
        review->edit_count++;
    }
    review->text = text;
    if (review->edit_count > REVIEW_EDITS_MAX)
        drop_oldest(room, review);
}

bool review_text_restore(struct review_room *room, struct review *review,
                         const struct review_text *fixed, const u8 *bytes)
{
    struct review_text **link = &review->text;
    while (*link != NULL && (*link)->version > fixed->version) /* ends: one older each time */
        link = &(*link)->older;
    if (*link != NULL && (*link)->version == fixed->version)
        return false;
    const struct span spans[3] = {
        {.data = bytes, .bytes = fixed->title_bytes},
        {.data = bytes + fixed->title_bytes, .bytes = fixed->body_bytes},
        {.data = bytes + fixed->title_bytes + fixed->body_bytes, .bytes = fixed->media_bytes}};
    struct review_text *text = make_text(room, spans);
    text->changed_ns = fixed->changed_ns;
    text->version = fixed->version;
    text->stars = fixed->stars;
    text->state = fixed->state;
    text->older = *link;
    *link = text;
    return true;
}

void review_texts_release(struct review_room *room, struct review *review)
{
    while (review->text != NULL) { /* ends: one less each time */
        struct review_text *text = review->text;
        review->text = text->older;
        release_text(room, text);
    }
    review->edit_count = 0;
}

void review_reply_set(struct review_room *room, struct review *review, struct span reply)
{
    u8 *bytes = NULL;
    if (reply.bytes != 0) {
        bytes = arena_acquire(room->arena, reply.bytes);
        memcpy(bytes, reply.data, reply.bytes);
    }
    if (review->reply != NULL)
        arena_release(room->arena, review->reply, review->reply_bytes);
    review->reply = bytes;
    review->reply_bytes = (u16)reply.bytes;
}
