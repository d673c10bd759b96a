/* mail_body: a queued message, for the files of this room only.
 *
 *      offset size
 *           0    8 next       younger by one
 *           8    8 seq        its number in the pair
 *          16    4 bytes      of the record
 *          20    4 missing    (load) bytes of it that have not come yet
 *          24    2 opcode
 *          26    2 is_spare   its memory is one of those kept for mail to oneself
 *          28    4 zero
 *          32      the record, as it will stand in the log of the receiver
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_MAIL_MAIL_BODY_H
#define SOUK_SHARDS_MAIL_MAIL_BODY_H

#include "shards/mail/mail.h"

struct mail_body {
    struct mail_body *next;
    u64 seq;
    u32 bytes;
    u32 missing;
    u16 opcode;
    u16 is_spare;
    u32 zero0;
};
STATIC_CHECK(sizeof(struct mail_body) == 32);

/* Short messages to oneself come and go several times in every step of an order: their memory is kept,
 * as much as was ever needed at one time, instead of asking the arena. */
#define MAIL_SPARE_BYTES 1024u

static inline u8 *mail_record(struct mail_body *body)
{
    return (u8 *)(body + 1);
}

/* A message without number, counted as queued; its record is for the caller to write. */
struct mail_body *mail_body_make(struct mail_room *room, u32 bytes);

#endif
