/* forward: frames that arrived on the wrong core, and mail in general.
 *
 *      core of the connection                     core of the shard
 *      forward_frame: copy into mail  ---FRAME--> forward_serve: shard_host, as for a connection
 *      answer -> connection, release  <--REPLY--- the same message, the answer in its bytes
 *
 * Slower than a connection on the right core by two copies and two wake-ups, and exactly as correct.
 *
 * Invariants
 *   F1  at most FORWARD_FRAMES_MAX frames of this reactor are under way to each other one; beyond
 *       that a frame is refused with OVERLOADED. So queues are bounded and answers always fit.
 *   F2  a message has room for the largest possible answer to its frame, so the answer returns in it.
 *   F3  mail that finds a full box waits in order in the outbox of its target; nothing is dropped.
 * Ownership  the sender makes and releases a message; in between the receiver has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_FORWARD_H
#define SOUK_ENGINE_NET_FORWARD_H

#include "engine/mailbox.h"
#include "engine/net/dispatch.h"

#define FORWARD_FRAMES_MAX 512u
/* Of them and of their bytes, what may wait in a park (engine/park.h). */
#define FORWARD_PARKED_MAX       (FORWARD_FRAMES_MAX / 2)
#define FORWARD_PARKED_BYTES_MAX (FORWARD_BYTES_MAX / 2)
#define FORWARD_PARKED           0ull /* as time of arrival: it has waited on purpose, do not measure */
#define FORWARD_RETRY_MS         5u
#define FORWARD_BYTES_MAX        (32u << 20) /* of messages under way to one other reactor */

/* Mail waiting for a full box, in order. */
struct mail_queue {
    struct mail *first;
    struct mail *last;
    u32 count;
};

/* What a reactor knows about another one. */
struct peer {
    struct mail_queue outbox;
    u32 frames_under_way;
    u32 bytes_under_way;
    u32 parked_count; /* frames of it that wait here */
    u32 parked_bytes;
};

/* Would forward_frame send it? */
bool forward_has_room(const struct reactor *reactor, const struct frame_header *header);
/* Sends the frame to the reactor of its shard, or refuses it with OVERLOADED. */
void forward_frame(struct reactor *reactor, const struct origin *origin,
                   const struct frame_header *header, const u8 *bytes);
/* Sends the answer of a message (the first `count` of its bytes) back. */
void forward_answer(struct reactor *reactor, struct mail *mail, u32 count);

/* Step of a turn: takes what is in the boxes of this reactor, and empties outboxes. */
void forward_collect(struct reactor *reactor);
/* Step of a turn: serves the frames of others, those first that had to wait. */
void forward_serve_all(struct reactor *reactor);

struct mail *mail_acquire(struct reactor *reactor, u32 capacity);
void mail_release(struct reactor *reactor, struct mail *mail);
void mail_send(struct reactor *reactor, u32 to, struct mail *mail);
void mail_queue_push(struct mail_queue *queue, struct mail *mail);
struct mail *mail_queue_pop(struct mail_queue *queue);
/* True when nothing is left for this reactor to send, serve or wait for. */
bool forward_is_quiet(const struct reactor *reactor);
void forward_deinit(struct reactor *reactor);

#endif
