/* review_parts: what the files of the review room share.
 *
 * A change of a review that its place in the lists follows from is always: review_change_begin, the
 * change, review_change_end. A vote changes the order of helpfulness alone and has a shorter way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_REVIEW_REVIEW_PARTS_H
#define SOUK_SHARDS_REVIEW_REVIEW_PARTS_H

#include "shards/review/review.h"
#include "shards/shard_state.h"

/* Names, as map_find compares them. */
struct review_name {
    u64 product_id;
    u64 user_id;
};
struct review_vote_name {
    u64 product_id;
    u64 author_id;
    u64 voter_id;
};

static inline struct review *review_at(const struct review_room *room, u32 index)
{
    return pool_at_sized(&room->reviews, index, sizeof(struct review));
}
static inline struct review_vote *review_vote_at(const struct review_room *room, u32 index)
{
    return pool_at_sized(&room->votes, index, sizeof(struct review_vote));
}
static inline struct review_shelf *review_shelf_at(const struct review_room *room, u32 index)
{
    return pool_at_sized(&room->shelves, index, sizeof(struct review_shelf));
}
static inline struct review_person *review_person_at(const struct review_room *room, u32 index)
{
    return pool_at_sized(&room->persons, index, sizeof(struct review_person));
}
static inline struct review_purchase *review_purchase_at(const struct review_room *room, u32 index)
{
    return pool_at_sized(&room->purchases, index, sizeof(struct review_purchase));
}

u64 review_hash(struct review_name name);
u64 review_vote_hash(struct review_vote_name name);

/* ---- finding: 0 = there is none. A review that is found may be gone. ---- */
u32 review_find(const struct review_room *room, u64 product_id, u64 user_id);
u32 review_shelf_find(const struct review_room *room, u64 product_id);
u32 review_person_find(const struct review_room *room, u64 user_id);
u32 review_vote_find(const struct review_room *room, struct review_vote_name name);
u32 review_purchase_find(const struct review_room *room, u64 user_id, u64 product_id);

/* ---- life ---- */

/* One that is gone, of version 0, with its shelf and person. */
u32 review_create(struct review_room *room, u64 product_id, u64 user_id);
/* It is gone and has no votes. */
void review_forget(struct review_room *room, u32 index);
/* Made if there is none; forgotten if nothing needs it. */
u32 review_person_of(struct review_room *room, u64 user_id);
void review_person_settle(struct review_room *room, u32 index);

/* ---- orders ---- */
struct ordered_owner review_by_time(const struct review_room *room);
struct ordered_owner review_by_help(const struct review_room *room);
struct ordered_owner review_by_waiting(const struct review_room *room);
struct ordered_owner review_by_person(const struct review_room *room);
struct ordered_owner review_vote_by_voter(const struct review_room *room);
struct ordered_owner review_vote_by_review(const struct review_room *room);

static inline u32 review_class(u32 state, u32 stars, bool is_verified)
{
    return ((state - 1) * REVIEW_STARS_MAX + stars - 1) * 2 + (is_verified ? 1 : 0);
}
static inline u32 review_class_of(const struct review *review)
{
    return review_class(review->state, review->stars, review->is_verified != 0);
}

/* Sorts by it, the largest first: helpful votes less the others, never below 0 as a number. */
#define REVIEW_SCORE_ZERO (1ull << 32)
static inline u64 review_score(const struct review *review)
{
    return REVIEW_SCORE_ZERO + review->helpful - review->unhelpful;
}

/* The tree of those that wait in a state; NULL: nobody waits in it. */
static inline struct ordered *review_waiting(struct review_room *room, u16 state)
{
    if (state == REVIEW_STATE_PENDING)
        return &room->waiting[0];
    return state == REVIEW_STATE_FLAGGED ? &room->waiting[1] : NULL;
}

/* ---- changes ---- */

static inline void review_before_change(struct review_room *room, const struct review *review)
{
    if (UNLIKELY(room->is_dumped))
        map_before_change(&room->review_map,
                          review_hash((struct review_name){review->product_id, review->user_id}));
}
static inline void review_person_before_change(struct review_room *room,
                                               const struct review_person *person)
{
    if (UNLIKELY(room->is_dumped))
        map_before_change(&room->person_map, route_hash_u64(person->user_id));
}

struct review_change {
    struct shard *shard;
    struct review *review;
    struct review_rating before;
    u32 index;
};
/* Takes it off its shelf. */
struct review_change review_change_begin(struct shard *shard, u32 index);
/* Puts it back, if it is there, and tells the catalog if the rating is another. */
void review_change_end(const struct review_change *change);
/* The change is one that readers see: the next version, at this time. */
void review_touch(struct review *review, u64 now_ns);
/* On the shelf, for a load; begin and end call them. */
void review_enlist(struct review_room *room, u32 index);
void review_delist(struct review_room *room, u32 index);
/* Everything of it but votes, version and name is given back. */
void review_empty(struct review_room *room, struct review *review);

/* The common part of the replies, where it is there. */
#define REVIEW_ANSWER(room, answer, product, found)                                  \
    do {                                                                             \
        const struct review_rating rating_now = review_rating_of((room), (product)); \
        (answer)->rating_sum = rating_now.sum;                                       \
        (answer)->rating_count = rating_now.count;                                   \
        (answer)->version = (found)->version;                                        \
        (answer)->state = (found)->state;                                            \
        (answer)->is_verified = (found)->is_verified;                                \
    } while (0)

/* ---- texts (review_text.c) ---- */

#define REVIEW_TEXT_BYTES(bytes) (sizeof(struct review_text) + (bytes))
/* Title, body and media; the text before stays as an edit. */
void review_text_push(struct review_room *room, struct review *review, const struct span *texts);
/* Puts one that came from a snapshot in its place, newest first. False: its version is there. */
NODISCARD bool review_text_restore(struct review_room *room, struct review *review,
                                   const struct review_text *fixed, const u8 *bytes);
void review_texts_release(struct review_room *room, struct review *review);
/* Empty: there is none any more. */
void review_reply_set(struct review_room *room, struct review *review, struct span reply);
/* Are these the stars and texts that it has? */
bool review_text_equal(const struct review *review, u8 stars, const struct span *texts);

static inline struct span review_title(const struct review_text *text)
{
    return (struct span){.data = text->bytes, .bytes = text->title_bytes};
}
static inline struct span review_body(const struct review_text *text)
{
    return (struct span){.data = text->bytes + text->title_bytes, .bytes = text->body_bytes};
}
static inline struct span review_media(const struct review_text *text)
{
    return (struct span){.data = text->bytes + text->title_bytes + text->body_bytes,
                         .bytes = text->media_bytes};
}
static inline struct span review_reply(const struct review *review)
{
    return (struct span){.data = review->reply, .bytes = review->reply_bytes};
}

/* As a review may have them: a title of one line, the rest of any. */
bool review_texts_good(const struct span *texts);

/* ---- votes (review_vote.c) ---- */

/* Adds one, or takes one away; the review's counts and its place follow. */
void review_vote_add(struct review_room *room, u32 review, u64 voter_id, bool is_helpful);
void review_vote_remove(struct review_room *room, u32 index);

/* ---- how much is written (review_put.c) ---- */
/* Reviews that the person has written in the hours that count. */
u32 review_written(const struct review_person *person, u64 now_ns);

#endif
