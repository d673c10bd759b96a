/* part_queue: parts of gathers that a shard answers in slices (shards/part.h).
 *
 *      frame of class PART -> shard_part_begin -> the ring of those under way
 *      each turn, after applying: slices in turn, about PART_TURN_NS together -> replies
 *
 * A slice is short and commands are applied between slices, so a search delays a reservation by one
 * slice at most. Parts take turns: a long one does not hold up a short one.
 *
 * A long reply is written in pieces too, each a slice, right into the buffer that the asker gets.
 *
 * Invariants
 *   Q1  a part is in the ring exactly as long as its slot in the shard is used.
 *   Q2  while the ring is not empty the reactor does not sleep.
 * Ownership  one reactor, beside its host.
 * Failure    no slot left: DISPATCH_WAIT, the ask is offered again in a later turn. A part whose
 *            deadline has passed gets one more slice, to finish with what there is.
 * Not here   who asks: inquiry.h, or the mail of another reactor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_PART_QUEUE_H
#define SOUK_ENGINE_PART_QUEUE_H

#include "engine/net/dispatch.h"
#include "engine/net/origin.h"
#include "shards/shard.h"

#define PART_QUEUE_MAX 16u
/* What the parts of a reactor may take in one turn; the slice that begins last may go beyond. */
#define PART_TURN_NS (25 * NS_PER_US)

struct shard_host;

struct queued_part {
    struct part *part;
    u8 *body; /* of the reply, which is being written; NULL: not yet */
    struct frame_echo echo;
    struct origin_handle origin;
    u64 late_ns; /* monotonic: finish with what there is; UINT64_MAX = whenever it is done */
};

struct part_queue {
    struct queued_part parts[PART_QUEUE_MAX];
    u32 count;
    u32 next; /* whose slice is next */
};

/* A frame of class PART for this shard: DONE or WAIT. */
enum dispatch_result part_queue_add(struct shard_host *host, const struct origin *origin,
                                    const struct frame_header *header, const u8 *body,
                                    u32 body_bytes);
/* One slice of one part. False: there is none. */
bool part_queue_slice(struct shard_host *host);
/* Ends them without answers. */
void part_queue_close(struct shard_host *host);

#endif
