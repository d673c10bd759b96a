/* gate: what is admitted and not yet applied, as far as it can change a refusal on arrival.
 *
 * A frame that the durable state refuses is answered at once only if nothing under way could change
 * that answer. The gate counts three things from shard_admit to shard_apply:
 *
 *      adders   frames that may add sellable stock or lower `held`
 *      filter   counters over hashes of (session, sequence number) and of ids that may become
 *               grants; zero means "surely not under way"
 *      need     the worst case of memory of what is under way
 *
 * All of it is soft: it is empty after recovery, not dumped and not digested, and decides only
 * whether something is logged, never what it does.
 *
 * Invariants
 *   I1  every frame is counted once in and, by shard_apply with is_local, once out.
 *   I2  what a frame counts depends on its bytes alone, so out undoes in exactly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_GATE_H
#define SOUK_SHARDS_GATE_H

#include "proto/base.h"
#include "proto/checksum.h"
#include "proto/id.h"
#include "proto/messages.h"

#define GATE_CELLS 4096u

/* Worst case of what a frame may allocate. */
struct gate_need {
    u32 resources;
    u32 grants;
    u32 products;
    u32 sessions;
    u32 settings;
    u32 carts;        /* that may be made */
    u32 cart_changes; /* that may make one larger */
    u32 cart_merges;
    u32 orders; /* that may be made */
    u32 aliases;
    u32 facts;       /* SKUs that may tell their product something */
    u32 order_steps; /* of orders: each may make commands and lengthen a history */
    u32 baskets;     /* that may be counted or taken back */
    u32 zero0;
    u64 order_bytes; /* of the checkouts that make them */
    u32 reviews;     /* that may be made */
    u32 review_votes;
    u64 arena_bytes;
    u64 told_bytes; /* of the arena, once for each other shard: mail */
};

/* A frame as the gate sees it, the same from a frame header and from a log entry. */
struct gate_frame {
    const struct message_info *info;
    const u8 *body;
    u32 body_bytes;
    u16 record_count;
    bool is_linked;
    struct id128 session;
    u64 session_seq;
};

struct gate {
    u64 under_way; /* frames and messages */
    u64 adders;
    struct gate_need need;
    u32 cells[GATE_CELLS];
};

/* What one frame may allocate at most. */
struct gate_need gate_need_of(const struct gate_frame *frame);
void gate_need_add(struct gate_need *sum, const struct gate_need *need);

/* Counts a frame that is about to be logged; takes it out when it is applied. */
void gate_enter(struct gate *gate, const struct gate_frame *frame);
void gate_leave(struct gate *gate, const struct gate_frame *frame);

/* A message of another shard: it may give stock back. */
void gate_enter_mail(struct gate *gate);
void gate_leave_mail(struct gate *gate);

static inline u64 gate_hash_sequence(struct id128 session, u64 session_seq)
{
    return (session.low ^ session.high) * 0x9E3779B97F4A7C15ull +
           session_seq * 0xC2B2AE3D27D4EB4Full;
}

static inline u64 gate_hash_id(struct id128 id)
{
    return (id.low + 0x165667B19E3779F9ull) * 0x9E3779B97F4A7C15ull ^
           id.high * 0xD6E8FEB86659FD93ull;
}

/* The cell of a hash: its upper bits are the mixed ones. */
static inline u32 gate_cell(u64 hash)
{
    return (u32)(hash >> 52);
}
STATIC_CHECK(GATE_CELLS == 1u << (64 - 52));

/* False: surely nothing under way has this hash. */
static inline bool gate_may_be_under_way(const struct gate *gate, u64 hash)
{
    return gate->cells[gate_cell(hash)] != 0;
}

#endif
