/* review: what users say about products, who has bought what, and who found what helpful.
 * docs/reviews.md is the contract.
 *
 *      map (product, user) -> review (168 B) -> texts: the present one, then up to eight before it
 *           |                     |    \-> reply of the merchant
 *           |                     \-> tree of votes, by voter
 *      map product -> shelf: counts per class, two trees of reviews: by time, by helpfulness
 *      map user    -> person: trees of reviews and of votes; how many were written in the last hours
 *      map (product, author, voter) -> vote
 *      map (user, product)          -> purchase: units received and not given back
 *      two trees of the whole shard: what waits for a moderator, PENDING and FLAGGED, oldest first
 *
 * A class is what a filter can ask for: state, stars, verified or not, 40 of them. Both trees of a
 * shelf are sorted by class first. So a filtered page is a merge of at most 40 sequences, each found by
 * its cursor in O(log n); the total is a sum of counts; the rating is that of the ten approved
 * classes, and is right in every step.
 *
 *      (none) --put--> PENDING <--> APPROVED <--> FLAGGED      any of them --delete--> gone: its version
 *                         ^--> REJECTED <---------/            and its votes stay, until it is erased
 *
 * Files
 *      review.c           life; reviews on shelves; what a change tells the catalog
 *      review_text.c      texts and the versions before them
 *      review_put.c       put: who may write, how often
 *      review_ops.c       moderate, reply, delete
 *      review_vote.c      votes                      review_erase.c   a user is forgotten
 *      review_purchase.c  who has bought             review_read.c    get, queue, rating_get
 *      review_page.c      list                       review_verify.c
 *      review_dump.c      snapshots and digest       review_load.c    and back
 *
 * Invariants
 *   R1  a review is in both trees of its shelf, and counted in its class, exactly while it is there
 *       (state not NONE); in the tree of its state exactly while PENDING or FLAGGED.
 *   R2  is_verified says whether the purchase of its user and product has units.
 *   R3  helpful + unhelpful is the number of votes in its tree; received_votes of a person is their
 *       sum over the person's reviews.
 *   R4  a shelf has at least one review, gone ones included; a person has a review or a vote.
 *   R5  a purchase has at least one unit: with the last one it is forgotten.
 *   R6  the catalog was told the rating of each product whenever it changed.
 * Ownership  records are named by pool indexes, texts lie in the arena; pointers are borrowed until the
 *            next change. One core.
 * Happy path review_change_begin, change, review_change_end: off the shelf, and on again.
 * Failure    refusals are answers; a lack of memory is a panic (admission has kept the reserve).
 * Not here   who is allowed to moderate, or to read what is not approved: the shop's services know.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_REVIEW_REVIEW_H
#define SOUK_SHARDS_REVIEW_REVIEW_H

#include "proto/messages.h"
#include "shards/dump.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/ordered.h"
#include "shards/store/pool.h"

struct shard;

#define REVIEW_STARS_MAX   5u
#define REVIEW_CLASS_COUNT (4u * REVIEW_STARS_MAX * 2u)
/* Hours that count for the policy's reviews per day: 24 and the one that has begun. */
#define REVIEW_HOURS 25u

/* What a review said, in one block of the arena; `bytes` are title, body, media. */
struct review_text {
    struct review_text *older;
    u64 changed_ns;
    u64 version; /* of the review, with which it came */
    u16 title_bytes;
    u16 body_bytes;
    u16 media_bytes; /* 0 in texts that came from a snapshot, except the present one */
    u8 stars;
    u8 state; /* that it had when another took its place */
    u8 bytes[];
};

enum review_mark {
    REVIEW_MARK_LISTED = 1 << 0, /* it is on its shelf */
    REVIEW_MARK_LOADED = 1 << 1  /* (load) its own record has come */
};

struct review {
    u64 product_id;
    u64 user_id;
    u64 version;
    u64 created_ns;
    u64 changed_ns;
    u64 moderator;
    u64 replied_by;
    u64 replied_ns;
    struct review_text *text; /* NULL: it is gone */
    u8 *reply;
    u32 helpful;
    u32 unhelpful;
    u32 reason;
    u16 reply_bytes;
    u8 edit_count; /* texts before the present one */
    u8 state;      /* enum review_state; NONE: it is gone */
    u8 stars;      /* those of its text */
    u8 is_verified;
    u8 is_suspect; /* gone: it was not approved, so what comes next is looked at first */
    u8 marks;      /* (soft) enum review_mark */
    u32 shelf;
    u32 person;
    u32 votes_due; /* (load) votes that it must have */
    struct ordered votes;
    struct ordered_link by_time;    /* of the shelf */
    struct ordered_link by_help;    /* of the shelf */
    struct ordered_link by_waiting; /* of its state */
    struct ordered_link by_person;
};

struct review_vote {
    u64 voter_id;
    u32 review;
    u32 person;                    /* the voter */
    u32 is_helpful;                /* 1 or 0 */
    struct ordered_link by_voter;  /* of the review */
    struct ordered_link by_review; /* of the voter */
    u32 zero0;
};

/* What all reviews of a product come to. */
struct review_shelf {
    u64 product_id;
    u32 review_count; /* gone ones included */
    u32 counts[REVIEW_CLASS_COUNT];
    struct ordered by_time;
    struct ordered by_help;
    u32 zero0;
};

struct review_person {
    u64 user_id;
    u64 received_votes;
    struct ordered reviews; /* by product, gone ones included */
    struct ordered votes;   /* by product and author */
    u32 hour;               /* in which something was written last, since 1970; 0 = never */
    u16 written[REVIEW_HOURS];
    u8 is_loaded; /* (load) its own record has come */
    u8 zero0;
};

struct review_purchase {
    u64 user_id;
    u64 product_id;
    i64 units;
};
STATIC_CHECK(sizeof(struct review) % 8 == 0);
STATIC_CHECK(sizeof(struct review_vote) % 8 == 0);
STATIC_CHECK(sizeof(struct review_shelf) % 8 == 0);
STATIC_CHECK(sizeof(struct review_person) % 8 == 0);

struct review_counts { /* soft */
    u64 reviews;       /* that are there */
    u64 approved;
};

struct review_room {
    struct pool reviews, votes, shelves, persons, purchases;
    struct map review_map, vote_map, shelf_map, person_map, purchase_map;
    struct ordered waiting[2]; /* PENDING, FLAGGED */
    struct review_counts counts;
    struct arena *arena;
    bool is_dumped; /* a snapshot must hear of changes beforehand */
};

void review_room_init(struct review_room *room, struct store_memory *memory, struct arena *arena);
void review_room_deinit(struct review_room *room);

/* The rating of a product, from its approved reviews. */
struct review_rating {
    u64 sum; /* of stars */
    u32 count;
    u32 stars[REVIEW_STARS_MAX];
};
struct review_rating review_rating_of(const struct review_room *room, u64 product_id);

/* Has the user received the product, and not wholly given it back? */
bool review_has_bought(const struct review_room *room, u64 user_id, u64 product_id);

/* ---- dump and load ---- */
void review_dump_review_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink);
void review_dump_vote_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink);
void review_dump_person_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink);
void review_dump_purchase_bucket(struct review_room *room, u32 bucket, struct dump_sink *sink);
const char *review_load(struct review_room *room, enum dump_kind kind, const u8 *body, u32 bytes);
/* After the catalog's records. Tells it the ratings. */
const char *review_load_finish(struct shard *shard);

/* Adds violations; `text` has room for ATTRIBUTES_BYTES_MAX bytes, of which *text_bytes are used. */
void review_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

#endif
