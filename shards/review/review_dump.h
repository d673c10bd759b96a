/* review_dump: records of a snapshot, for review_dump.c and review_load.c only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_REVIEW_REVIEW_DUMP_H
#define SOUK_SHARDS_REVIEW_REVIEW_DUMP_H

#include "shards/review/review.h"

/* Title, body, media and reply follow. Of one that is gone, only names, version, times of change and
 * the number of votes are not 0. */
struct dump_review {
    u64 product_id;
    u64 user_id;
    u64 version;
    u64 text_version;
    u64 created_ns;
    u64 changed_ns;
    u64 text_ns;
    u64 moderator;
    u64 replied_by;
    u64 replied_ns;
    u32 reason;
    u32 vote_count;
    u16 title_bytes;
    u16 body_bytes;
    u16 media_bytes;
    u16 reply_bytes;
    u16 stars;
    u16 edit_count;
    u16 state;
    u16 is_suspect;
};
STATIC_CHECK(sizeof(struct dump_review) == 104);
#define DUMP_REVIEW_TEXTS_MAX \
    (REVIEW_TITLE_BYTES_MAX + 2 * REVIEW_BODY_BYTES_MAX + REVIEW_MEDIA_BYTES_MAX)
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_review) + DUMP_REVIEW_TEXTS_MAX <=
             DUMP_RECORD_BYTES_MAX);

/* Title and body follow. */
struct dump_review_edit {
    u64 product_id;
    u64 user_id;
    u64 version;
    u64 changed_ns;
    u16 title_bytes;
    u16 body_bytes;
    u16 stars;
    u16 state;
};
STATIC_CHECK(sizeof(struct dump_review_edit) == 40);

struct dump_review_vote {
    u64 product_id;
    u64 author_id;
    u64 voter_id;
    u32 is_helpful;
    u32 zero0;
};
STATIC_CHECK(sizeof(struct dump_review_vote) == 32);

struct dump_review_person {
    u64 user_id;
    u32 hour;
    u16 written[REVIEW_HOURS];
    u16 zero0;
};
STATIC_CHECK(sizeof(struct dump_review_person) == 64);
STATIC_CHECK(sizeof(struct review_purchase) == 24);

#endif
