/* part: what a shard does for a question that several shards answer (shards/gather/gather.h).
 *
 *      shard_part_begin  -> a slot with a copy of the request
 *      shard_part_step   -> the operation's handler, one slice; true: it has finished
 *      shard_part_reply  -> the reply record, as one of a READ; a long one in pieces
 *      shard_part_end    -> the slot is free, with all its memory
 *
 * Between two slices commands may be applied. A handler therefore keeps no pointer into a room, but
 * indexes that the room keeps valid for it, and says in its reply between which lsn it looked.
 *
 * Invariants
 *   I1  a slice ends after about 50 microseconds; the handler counts its work, it knows no clock.
 *   I2  a part changes soft state only: counters that are neither logged nor digested.
 *   I3  memory of a part comes from its bump and goes with it.
 * Ownership  the shard's core. At most SHARD_PARTS_MAX at a time; more wait outside.
 * Failure    no memory left in the bump: the handler answers TOO_LARGE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_PART_H
#define SOUK_SHARDS_PART_H

#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/store/bump.h"

struct shard;

#define SHARD_PARTS_MAX     16u
#define SHARD_PARTS_RESERVE 4u /* chunks of memory that are there before the first question */
#define PART_REPLY_WORDS    48u
#define PART_REPLY_PIECE    (64u << 10) /* bytes that are written at once: some ten microseconds */

struct part {
    const struct message_info *info;
    const u8 *fixed; /* of the request; the copy in the bump */
    struct span spans[MESSAGE_SPANS_MAX];
    u64 reply[PART_REPLY_WORDS]; /* struct msg_..._rsp, zeroed before the first slice */
    struct span reply_spans[MESSAGE_SPANS_MAX];
    void (*on_end)(
        struct shard *shard,
        struct part *part); /* set by the handler: lets go of what it holds, finished or not */
    void *state;            /* of the handler, NULL in the first slice; in the bump */
    u32 reply_at;           /* bytes of the reply that are written */
    u64 now_ns;             /* log clock when it began */
    u64 first_lsn;          /* applied when it began */
    struct bump bump;
    bool is_used;
    bool is_late; /* the deadline has passed: finish with what there is */
    bool is_done;
};

/* One slice. True: reply and reply_spans are complete; the spans stay good until the part ends. */
typedef bool shard_part_fn(struct shard *shard, struct part *part);

struct part_room {
    struct part parts[SHARD_PARTS_MAX];
    struct bump_reserve reserve;
    struct store_memory memory; /* soft: not what admission counts */
    u32 used_count;
};

void part_room_init(struct part_room *room);
void part_room_deinit(struct part_room *room);

/* The commands that are applied meanwhile leave what parts look at in place. */
static inline bool part_room_is_idle(const struct part_room *room)
{
    return room->used_count == 0;
}

#endif
