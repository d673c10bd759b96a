/* session: exactly-once answers for clients that ask again.
 *
 *   A client opens a session under an id of its choice and numbers its frames from 1. The shard
 *   keeps the reply of each executed frame until the client says that it has received it:
 *
 *        ... acked_seq | acked+1 ............................ acked + SESSION_WINDOW_FRAMES |
 *        TOO_OLD       | kept reply: answered again            SESSION_BUSY beyond
 *                      | no reply kept (a hole): executed
 *
 *   Kept replies lie in a ring of slots, slot = seq mod size, that begins with 4 and doubles when
 *   two living numbers meet, up to the window; holes cost nothing.
 *
 * Invariants
 *   I1  every kept seq is in (acked_seq, acked_seq + SESSION_WINDOW_FRAMES], in the slot of its number.
 *   I2  kept_count and kept_bytes are the sums over the slots.
 *   I3  `touch` grows with each logged entry of the shard, so no two sessions have the same one, and
 *       it is part of the state. The session with the smallest is evicted when a new one needs room.
 *   I4  the heap `recency` holds every session under a key that is at most its touch; eviction
 *       brings keys up to date from the top, so touching costs one store and no list.
 * Ownership  bodies of kept replies belong to the room; pointers are borrowed until the next change.
 * Happy path session_judge -> EXECUTE; session_keep gives room for the reply, which is written in
 *            place; session_touch.
 * Failure    refusals are statuses. A number that is sent again with another operation or another
 *            count of records is ID_MISMATCH: its stored reply would not fit the request.
 * Not here   budgets of bytes and frames under way are refused by the gate before anything is
 *            logged; what is logged is executed whatever the budget.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SESSION_SESSION_H
#define SOUK_SHARDS_SESSION_SESSION_H

#include "proto/base.h"
#include "proto/checksum.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/status.h"
#include "shards/dump.h"
#include "shards/store/arena.h"
#include "shards/store/heap.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

#define SESSION_SLOTS_FIRST  4u
#define SESSION_INLINE_BYTES 40u
#define SESSION_PIECE_BYTES  (32u << 10) /* of a kept reply in one dump record */

/* A kept reply: one cache line. The reply of a frame of one or two records lies in it. */
struct session_kept {
    u64 seq; /* 0 = empty */
    u32 bytes;
    u16 opcode;
    u16 record_count;
    u32 missing; /* bytes that a load still waits for */
    u32 zero;
    union {
        u8 *blob; /* in the arena, if bytes > SESSION_INLINE_BYTES */
        u8 own[SESSION_INLINE_BYTES];
    };
};
STATIC_CHECK(sizeof(struct session_kept) == 64);
STATIC_CHECK(offsetof(struct session_kept, own) % 8 == 0);

struct session {
    struct id128 id;
    u64 acked_seq;
    u64 touch;
    u64 touched_ns;
    struct session_kept *slots;
    u32 kept_bytes;
    u16 slot_count; /* 0 or a power of two */
    u16 kept_count;
    u32 recency_position;
    u32 is_placeholder; /* a reply was loaded, its session not yet */
    /* Soft: what is admitted and not yet applied. */
    u64 way_acked_seq;
    u32 way_frames;
    u32 way_bytes;
    u64 loaded_bytes; /* kept_bytes as the head of a dump says, checked when all is loaded */
    u64 reserved[5];
};
STATIC_CHECK(sizeof(struct session) == 128);
STATIC_CHECK(offsetof(struct session, way_acked_seq) == 64);

struct session_room {
    struct pool pool;
    struct map map;
    struct heap recency;
    struct arena *arena;
    u64 touch;
    u64 evicted_count;
    u32 sessions_max;
    u32 placeholders;
    bool is_dumped; /* a snapshot must hear of changes beforehand */
};

void session_room_init(struct session_room *room, struct store_memory *memory, struct arena *arena,
                       u32 sessions_max);
void session_room_deinit(struct session_room *room);

static inline u64 session_hash(struct id128 id)
{
    return checksum64(&id, sizeof id);
}

static inline struct session *session_at(const struct session_room *room, u32 index)
{
    return pool_at(&room->pool, index);
}

/* Index of a session, 0 when it is not known. */
u32 session_find(const struct session_room *room, u64 hash, struct id128 id);

/* Opens, or finds, and touches it. Evicts the least recently touched one when the room is full.
 * *is_new tells which. */
u32 session_open(struct session_room *room, struct id128 id, u64 now_ns, bool *is_new);

/* To be called before a session changes. */
void session_before_change(struct session_room *room, u32 index);

/* A logged entry of the session: it is now the most recent one. */
void session_touch(struct session_room *room, u32 index, u64 now_ns);

/* Forgets the replies up to acked_seq. */
void session_trim(struct session_room *room, u32 index, u64 acked_seq);

static inline u8 *session_kept_body(struct session_kept *kept)
{
    return kept->bytes <= SESSION_INLINE_BYTES ? kept->own : kept->blob;
}

/* The kept reply of a number, NULL when there is none. */
struct session_kept *session_kept_find(const struct session *session, u64 seq);

/* Bytes of kept replies with numbers above `acked_seq`. */
u32 session_kept_bytes_after(const struct session *session, u64 acked_seq);

/* Room for the reply of a frame that is about to be executed; the caller writes the body. */
u8 *session_keep(struct session_room *room, u32 index, const struct session_kept *facts);

/* ---- session_dump.c ---- */
void session_dump_bucket(struct session_room *room, u32 bucket, struct dump_sink *sink);
const char *session_load(struct session_room *room, const u8 *body, u32 bytes);
const char *session_load_reply(struct session_room *room, const u8 *body, u32 bytes);
const char *session_load_finish(struct session_room *room);

#endif
