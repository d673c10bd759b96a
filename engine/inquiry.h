/* inquiry: a question that several shards answer, on its way: the carrier of a gather
 * (shards/gather/gather.h).
 *
 *      frame of class GATHER -> inquiry_begin -> gather_next -> asks
 *           shard of this core      host_frame, the answer comes by origin_reply
 *           shard of another        forward.h, the answer comes with its mail
 *      all answered -> gather_next ... -> 0: the reply leaves
 *
 * A round may go on for several pieces: these take turns with the slices of parts, and commands are applied in
 * between.
 *
 * An ask is a frame like any other, whose origin is the inquiry. Answers are written into buffers of
 * the reactor's pool, or stay in their mail, until the inquiry ends.
 *
 * Invariants
 *   I1  an inquiry ends when nothing of it is under way: every ask that was sent has been answered.
 *   I2  what cannot be sent now (a queue is full) is sent in a later turn, in order.
 * Ownership  the reactor that owns the shard named in the request's header.
 * Failure    INQUIRIES_MAX under way: OVERLOADED. An ask that is refused ends the inquiry with that
 *            refusal, as soon as the others have been answered. A connection that has gone: the answer
 *            is dropped.
 * Not here   what is asked: shards/gather/. Slices: part_queue.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_INQUIRY_H
#define SOUK_ENGINE_INQUIRY_H

#include "engine/net/dispatch.h"
#include "engine/net/origin.h"
#include "shards/gather/gather.h"

#define INQUIRIES_MAX     64u
#define INQUIRIES_RESERVE 4u /* chunks of memory that are there before the first question */
#define INQUIRY_RETRY_MS  5u
#define INQUIRY_COPY_MAX  (32u << 10) /* a longer answer of another core stays in its mail */

struct inquiry_answer {
    struct inquiry_answer *next;
    u32 capacity;
    u32 zero0;
    u64 zero1[6];
};
STATIC_CHECK(sizeof(struct inquiry_answer) == 64);

struct inquiry {
    struct gather gather;
    struct frame_echo echo;
    struct origin_handle origin;
    struct inquiry_answer *answers; /* each in front of its frame */
    struct mail *mails;             /* with long answers */
    u64 late_ns;                    /* monotonic; UINT64_MAX = no deadline */
    u32 sent_count;                 /* of the asks of this round */
    u32 retry_after_ms;
    u16 status; /* of the first ask that was refused */
    struct frame_detail detail;
    bool goes_on; /* a round is not over: nothing is sent yet */
    bool is_used;
};

struct inquiry_table {
    struct inquiry *inquiries; /* INQUIRIES_MAX */
    struct bump_reserve reserve;
    struct store_memory memory;
    u32 used_count;
    u32 next;      /* inquiry that does something */
    u32 next_host; /* whose slice is next */
    bool has_more; /* the turn was over before all had done what they can */
};

/* A well-formed frame of class GATHER whose shard is of this reactor. */
void inquiry_begin(struct reactor *reactor, const struct origin *origin,
                   const struct frame_header *header, const u8 *body, u32 body_bytes);
/* Where the answer of an ask, a frame of `bytes`, is to be written; then that it has been. */
u8 *inquiry_answer_room(struct reactor *reactor, struct inquiry *inquiry, u32 bytes);
/* The answer lies in the mail, which the inquiry releases when it ends. */
void inquiry_keep(struct inquiry *inquiry, struct mail *mail);
void inquiry_answered(struct inquiry *inquiry, u32 ask, const u8 *frame);
/* Step of a turn: slices of parts, rounds of gathers, replies. */
void inquiry_turn(struct reactor *reactor);
/* Prepares memory for the first questions. */
void inquiry_prepare(struct reactor *reactor);
/* Something can be done without waiting for anybody. */
bool inquiry_has_work(const struct reactor *reactor);
bool inquiry_is_quiet(const struct reactor *reactor);
void inquiry_close(struct reactor *reactor);

#endif
