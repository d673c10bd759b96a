/* park: reads that wait for something to happen, without keeping their connection waiting.
 *
 *      shard_read says PARK --> a place in the table, in the chain of its notice
 *      notice of the shard  --> due --> asked again --> answered, or parked again
 *      its time is over     --> due --> asked for the last time --> answered
 *
 * Other frames of the connection are served meanwhile; answers carry the number of their request.
 *
 * Invariants
 *   K1  a parked read is in exactly one list: the chain of its notice, or the due ones.
 *   K2  a read is answered once, or its connection has gone; then it is dropped when it is due.
 *   K3  a notice that nobody waits for any more is forgotten at the shard.
 * Ownership  one host. The table is made when the first read parks. A frame of another reactor is
 *            kept with its message, and answered in it.
 * Happy path park_add -> park_turn (after the host has applied) -> answer.
 * Failure    the table is full, the record is long, too many frames of one reactor wait: the read
 *            may not park and is answered at once. Stopping: all are answered.
 * Not here   what a read waits for: the rooms, by shard_read_park. Deadlines of frames
 *            (deadline_ms): a read that waits is served already.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_PARK_H
#define SOUK_ENGINE_PARK_H

#include "engine/net/origin.h"
#include "proto/frame.h"
#include "shards/shard.h"

#define PARK_READS_MAX        4096u
#define PARK_RECORD_BYTES_MAX 256u
#define PARK_CHAINS           1024u

STATIC_CHECK(IS_POWER_OF_TWO(PARK_CHAINS));

struct shard_host;

enum parked_state { PARKED_STATE_FREE, PARKED_STATE_WAITING, PARKED_STATE_DUE };

struct parked {
    struct origin_handle origin;
    struct frame_header header;
    u64 deadline_ns; /* monotonic */
    u64 notice;
    u32 next; /* place + 1 in its list, 0 = last */
    u32 body_bytes;
    u8 state; /* enum parked_state */
    _Alignas(8) u8 body[PARK_RECORD_BYTES_MAX];
};

struct park {
    struct parked *places; /* PARK_READS_MAX of them; NULL: none was ever needed */
    u32 count;
    u32 due_count;
    u32 fresh; /* places from here on were never used */
    u32 free;  /* place + 1 */
    u32 due;   /* place + 1, oldest first */
    u32 due_last;
    u64 next_deadline_ns;    /* no deadline is earlier; UINT64_MAX: none */
    u32 chains[PARK_CHAINS]; /* place + 1 */
};

void park_init(struct park *park);
void park_deinit(struct park *park);

/* May this read wait, if the shard says that it wants to? */
bool park_has_room(const struct shard_host *host, const struct origin *origin,
                   const struct frame_header *header, u32 body_bytes);
/* It does: `reply` says for what and how long. */
void park_add(struct shard_host *host, const struct origin *origin,
              const struct frame_header *header, const u8 *body, u32 body_bytes,
              const struct shard_reply *reply);

/* Step of a turn, after the host has applied: asks those again that have a reason. */
void park_turn(struct shard_host *host);
/* Monotonic time at which park_turn is wanted at the latest. */
u64 park_deadline_ns(const struct shard_host *host);

#endif
