/* mail: messages from shard to shard that take effect exactly once.
 *
 *      shard A applies a command            shard B
 *      mail_post(B, ...)  -> queue A->B  ==engine==>  entry of B's log (source SHARD, number n)
 *      (part of A's state)                            applied once: n = applied + 1
 *      trimmed up to n  <==engine==  acknowledgement  <---/
 *      (an input of A's log: batch_ack)
 *
 * A message exists only once its cause is durable, because only durable batches are applied. The
 * receiver logs it as an input. After a restart everything that is not acknowledged is sent again;
 * what was applied is dropped by its number. So its effect happens once, whatever crashes.
 *
 * Mail to oneself needs no log and no number: it waits in a queue of its own and is applied at the
 * end of the same entry that sent it, so it is in the same step, and equal on replay. A timer that
 * may have told its own shard something calls mail_apply_own before the next object expires, so that
 * the state does not depend on how an expiry was sliced.
 *
 * Invariants
 *   I1  numbers of a pair begin with 1 and have no gaps; queued are exactly those in (acked, sent].
 *   I2  a message of a pair is applied in the order of its number, each once.
 *   I3  between entries the queue to oneself is empty.
 * Ownership  queued bodies lie in the arena and belong to the room until they are acknowledged.
 * Failure    no memory is a panic. Mail is never refused: what it may allocate was admitted with the
 *            command that caused it. Numbers that the engine has not checked against its peer are a
 *            panic here: they would be in the log already.
 * Not here   transport, batching, sending again: engine/post.h. What messages mean: the rooms.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_MAIL_MAIL_H
#define SOUK_SHARDS_MAIL_MAIL_H

#include "proto/frame.h"
#include "shards/dump.h"
#include "shards/shard.h"
#include "shards/store/arena.h"

/* A message on its way to its handler. */
struct mail_call {
    u64 now_ns;
    u16 source;               /* the shard that sent it; the answer goes there */
    const u8 *fixed;          /* of the operation; not aligned */
    const struct span *spans; /* borrowed for the call */
};
typedef void shard_mail_fn(struct shard *shard, const struct mail_call *call);

struct mail_body;

/* What is queued for one shard, oldest first. */
struct mail_queue_out {
    struct mail_body *first;
    struct mail_body *last;
    struct mail_body *cursor; /* (soft) the last one given out by shard_mail_next */
    u64 sent_seq;             /* the last number given */
    u64 acked_seq;            /* trimmed up to here */
    bool is_loaded;           /* (soft) a load has seen its record */
};

struct mail_room {
    struct store_memory *memory;
    struct arena *arena;
    struct mail_queue_out *out; /* one per shard; of this shard itself: the queue to oneself */
    u64 *applied_seq;           /* one per shard: from it */
    u64 queued_count;           /* (soft) not acknowledged, all shards */
    u64 queued_bytes;           /* (soft) */
    u64 sent_count;             /* (soft) to others, ever */
    u64 applied_count;          /* (soft) of others, ever */
    struct mail_body *spare;    /* (soft) memory for mail to oneself */
    u32 own_count;              /* (soft) in the queue to oneself */
    u16 count;
    u16 own;
};

void mail_room_init(struct mail_room *room, struct store_memory *memory, struct arena *arena,
                    u16 own, u16 count);
void mail_room_deinit(struct mail_room *room);

/* Sends one message: the fixed part and spans of an operation of class MAIL, copied. Only while a
 * command, a message or a timer is being applied. */
void mail_post(struct shard *shard, u16 target, u16 opcode, const void *fixed,
               const struct span *spans);

/* Applies what the shard has told itself, until nothing is left. */
void mail_apply_own(struct shard *shard, u64 now_ns);

/* One entry of source SHARD. `body` is one record of the operation. */
void mail_apply_entry(struct shard *shard, const struct entry_header *entry, const u8 *body,
                      u64 now_ns);
/* Everything sent to `target` up to `seq` has been applied there. */
void mail_trim(struct shard *shard, u16 target, u64 seq);

/* ---- dump and load: all of it at the begin of a dump; a message in pieces ---- */
void mail_dump(const struct mail_room *room, struct dump_sink *sink);
const char *mail_load_peer(struct mail_room *room, const u8 *body, u32 bytes);
const char *mail_load_piece(struct mail_room *room, const u8 *body, u32 bytes);
const char *mail_load_finish(struct mail_room *room);

#endif
