/* post: carries mail between shards: from the queue of one to the log of another, each message once.
 *
 *      shard A's queue (state)                    shard B's log
 *        | applied and durable                      ^ an entry of source SHARD, in order of number
 *        |--same reactor: copied across-------------|
 *        \--other reactor: chunks in mail-> arrived-/
 *                                                   | applied and durable
 *      A's next batch <--- acknowledgement: up to which number ---/
 *        | applied: A's queue is trimmed
 *
 * The queue in A's state is the only buffer without a bound; what is on its way is a copy of its
 * begin. Numbers of a pair (all grow, all but acked and applied are soft and begin anew at a start):
 *
 *      at A:  acked <= ack logged <= ack known,  acked <= offered <= sent
 *      at B:  confirmed <= applied <= taken
 *
 * After a start A offers everything that is not acknowledged; B drops what it has taken (at a start:
 * applied) and acknowledges it. An acknowledgement that stands in no batch yet waits for the next
 * one that A writes anyway; after POST_ACK_WAIT_NS a batch is written for it alone. An
 * acknowledgement is not acknowledged, so nothing goes back and forth.
 *
 * Invariants
 *   P1  a message is offered only when its cause is durable, and acknowledged only when its effect
 *       is. In mode durable everything applied is; in mode async a view of the numbers waits until
 *       durable_lsn has reached the lsn at which it was taken; in mode none there is no difference.
 *   P2  numbers of a pair are taken in order without gaps; a gap, or an acknowledgement of what was
 *       never sent, ends the server before it gets into a log: files of different ages were mixed.
 *   P3  a message is admitted to the gate and logged, or neither.
 *   P4  chunks under way from a shard to another: at most POST_WINDOW_BYTES and one chunk; a chunk
 *       returns, with the acknowledgement, when it is applied.
 * Ownership  one reactor; a chunk belongs to the reactor that made it, and is lent to the other.
 * Happy path host_deliver -> post_turn (confirm, acknowledge, offer) -> host_append, same turn.
 * Failure    no room or no space in B's log: mail waits where it is, in order. Stopping: what is not
 *            in B's log waits in A's state for the next start; chunks return at once.
 * Not here   numbers, queues, what is sent twice: shards/mail/. What messages mean: the rooms.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_POST_H
#define SOUK_ENGINE_POST_H

#include "engine/mailbox.h"
#include "engine/net/forward.h"
#include "proto/base.h"

#define POST_CHUNK_BYTES  (256u << 10) /* a chunk is closed when it has so much */
#define POST_WINDOW_BYTES (2u << 20)
#define POST_ACK_WAIT_NS  (10 * NS_PER_MS) /* for a batch that is written anyway */
/* With so much in the queues of a shard an acknowledgement does not wait. */
#define POST_QUEUE_BYTES (8u << 20)

struct reactor;
struct shard_host;

/* What a host knows about its pair with one other shard. */
struct post_peer {
    /* from here to it */
    u64 sent_seq;    /* P1: may be offered up to here */
    u64 offered_seq; /* in its log, or in a chunk */
    u64 ack_seq;     /* acknowledged by it */
    u64 set_seq;     /* in the open batch; 0 = not */
    u64 logged_seq;  /* in a batch that was appended */
    /* from it to here */
    u64 applied_seq;   /* P1: may be acknowledged up to here */
    u64 taken_seq;     /* in the log of this shard, or in its open batch */
    u64 confirmed_seq; /* told it */
    /* mode async: the next view */
    u64 next_sent_seq;
    u64 next_applied_seq;
    struct mail_queue arrived; /* its chunks that are not all taken */
    struct mail_queue taken;   /* its chunks that are not all applied */
    u32 bytes_under_way;       /* of chunks to it */
    bool is_closed;            /* it is stopping, and takes nothing any more */
};

struct post {
    struct post_peer *peers; /* by shard */
    u64 activity;            /* of the shard, when it was last looked at */
    u64 view_lsn;            /* mode async: of the next view */
    u64 ack_since_ns;        /* monotonic: an acknowledgement waits for a batch since; 0 = none */
    u32 arrived_count;       /* chunks that are not all taken */
    bool is_dirty;           /* something may have to be offered or confirmed */
    bool is_offering;        /* in this turn */
    bool is_broken;          /* P2: told the server, which ends */
};

/* After the log has been replayed. False: no memory. */
NODISCARD bool post_open(struct shard_host *host);
void post_close(struct shard_host *host);

/* Steps of a turn: chunks of other reactors into open batches; after all shards have applied: what
 * that has caused. True: there may be something to be written. */
void post_admit(struct shard_host *host);
NODISCARD bool post_turn(struct reactor *reactor);
/* The open batch was appended: its acknowledgements are logged, the new one gets those that are due. */
void post_appended(struct shard_host *host);
/* Is a batch to be written for acknowledgements alone? And when would it be, UINT64_MAX: never. */
bool post_must_acknowledge(const struct shard_host *host);
u64 post_deadline_ns(const struct shard_host *host);

/* From the mailbox: a chunk of another reactor; a chunk of this one that comes back. */
void post_receive(struct reactor *reactor, struct mail *mail);
void post_returned(struct reactor *reactor, struct mail *mail);
/* The host stops: chunks go back. */
void post_stop(struct shard_host *host);

#endif
