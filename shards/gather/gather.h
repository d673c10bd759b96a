/* gather: a question that several shards answer, as rounds of questions to single shards.
 *
 *      request --> gather_<name>(round 0) --asks--> shards --answers--> gather_<name>(round 1) ...
 *                                                    until a round asks nothing: the reply is there
 *
 * Pure: who carries the asks (the engine between reactors, a loop in tests) is not its business. An
 * ask is one record of an operation of class PART or READ for a shard that is named.
 *
 * A round that has much to do is done in pieces, as parts are in slices: the operation counts its work, says
 * `goes_on` when that has come to GATHER_PIECE_WORK, and is called again. Commands may be applied between.
 *
 * Invariants
 *   I1  a round is called when all asks of the one before have been answered.
 *   I2  answers and memory that was acquired stay good until the gather ends; asks until the next round asks.
 *   I3  the reply does not depend on the order in which answers came, nor, but for what is said of
 *       shards, on their number.
 * Ownership  one core, that which the request came to.
 * Happy path gather_begin, gather_next -> asks; each answered by gather_answer; gather_next ... until
 *            it returns 0; gather_reply. GATHER_GOES_ON: gather_next again, nothing is sent yet.
 * Failure    an ask that is refused as a frame (OVERLOADED, UNAVAILABLE) ends the gather with that
 *            status. A gather that needs more memory than one may have answers TOO_LARGE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_GATHER_GATHER_H
#define SOUK_SHARDS_GATHER_GATHER_H

#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/store/bump.h"

/* Asks of one round: each shard twice, and some more. */
#define GATHER_ASKS_MAX    (2 * SHARDS_MAX + 8u)
#define GATHER_REPLY_WORDS 48u
#define GATHER_GOES_ON     UINT32_MAX
#define GATHER_PIECE_WORK  16000u /* about so many nanoseconds */

struct gather_ask {
    const struct message_info *info;
    u8 *body; /* the record; FRAME_HEADER_BYTES before it are room for the carrier's header; asks of one
                 gather_ask_all share it, so what stands there is good for one sending */
    u32 body_bytes;
    u16 shard;
    bool is_answered;
    /* The answer. */
    u64 lsn;                   /* of the frame */
    struct record_view answer; /* fixed part (struct record_status first) and spans */
};

struct gather {
    const struct message_info *info;
    const u8 *fixed; /* of the request; a copy in the bump */
    struct span spans[MESSAGE_SPANS_MAX];
    u16 shard_count;
    u32 round;                     /* 0 in the first call */
    u64 now_ns;                    /* log clock when it began */
    bool is_late;                  /* the deadline that the request names has passed */
    struct gather_ask *asks;       /* GATHER_ASKS_MAX */
    u32 ask_count;                 /* of this round */
    u32 open_count;                /* of them not answered */
    bool is_full;                  /* no memory was left for something: TOO_LARGE */
    bool goes_on;                  /* of the operation: the round is not over, call again */
    u32 work;                      /* of this piece, about nanoseconds; the operation counts */
    void *state;                   /* of the operation, NULL in the first call */
    u64 reply[GATHER_REPLY_WORDS]; /* struct msg_..._rsp, zeroed at the beginning */
    struct span reply_spans[MESSAGE_SPANS_MAX];
    struct bump bump;
    struct bump ask_bump; /* bodies of the asks */
};

/* A round, or a piece of it: looks at asks[0 .. ask_count) of the round before and adds those of the next by
 * gather_ask; the array is emptied by the first one. */
typedef void gather_fn(struct gather *gather);

/* `reserve` may be shared by all gathers of a core. */
void gather_init(struct gather *gather, struct bump_reserve *reserve);
void gather_deinit(struct gather *gather);
/* One well-formed record of an operation of class GATHER. */
void gather_begin(struct gather *gather, const struct message_info *info, const u8 *body,
                  u32 body_bytes, u16 shard_count, u64 now_ns);
/* Runs a round, or a piece of it. How many asks it has; 0: the reply is there; GATHER_GOES_ON. */
NODISCARD u32 gather_next(struct gather *gather);
/* Answer of ask i, one well-formed reply record of its operation, which stays where it is until the
 * gather ends. Returns how many are still open. */
u32 gather_answer(struct gather *gather, u32 i, const u8 *body, u64 lsn);
/* The same for an ask that was refused: the carrier ends the gather with that refusal. */
void gather_fail(struct gather *gather, u32 i);
/* Writes the reply record; its length. */
u32 gather_reply(const struct gather *gather, u8 *to, u32 capacity);
/* All memory is free again, for the next one. */
void gather_end(struct gather *gather);

/* ---- for the operations ---- */

/* One more ask of the next round; the record is written at once. Without memory for it the gather ends
 * TOO_LARGE after this round. */
void gather_ask(struct gather *gather, u16 opcode, u16 shard, const void *fixed,
                const struct span *spans);
/* The same for every shard, in order; the record is written once. */
void gather_ask_all(struct gather *gather, u16 opcode, const void *fixed, const struct span *spans);
/* May more be done in this piece? */
static inline bool gather_has_time(const struct gather *gather)
{
    return gather->work < GATHER_PIECE_WORK;
}
/* Memory until the end; NULL when there is no more: the gather ends TOO_LARGE after this round. */
static inline void *gather_acquire(struct gather *gather, size_t bytes)
{
    void *memory = bump_acquire(&gather->bump, bytes);
    gather->is_full = gather->is_full || memory == NULL;
    return memory;
}
/* The reply has this status and nothing else. */
void gather_refuse(struct gather *gather, u16 status);

/* One function per operation of class GATHER. */
#define DECLARE_CONTROL(name)
#define DECLARE_MAIL(name)
#define DECLARE_WRITE(name)
#define DECLARE_READ(name)
#define DECLARE_PART(name)
#define DECLARE_GATHER(name)                        gather_fn gather_##name;
#define OP(code, NAME, name, CLASS, ROUTE, summary) DECLARE_##CLASS(name)
#include "proto/messages.def"
#undef OP
#undef DECLARE_CONTROL
#undef DECLARE_MAIL
#undef DECLARE_WRITE
#undef DECLARE_READ
#undef DECLARE_PART
#undef DECLARE_GATHER

#endif
