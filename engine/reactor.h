/* reactor: one core's thread, with its ring, its shards and its connections. See reactor.c for what
 * a turn does and why in that order.
 *
 *      struct reactor
 *        ring          sockets and files of this core
 *        hosts         shards i with i mod reactor_count == index, each with its log
 *        connections   those accepted here, or moved here by hello
 *        peers         the other reactors, reached by mail
 *
 * Invariants
 *   T1  one io_uring_enter per turn; nothing else in a turn blocks.
 *   T2  everything that hangs from here is touched by this thread only, but mailboxes and metrics.
 *   T3  `now_ns` is read at the borders of steps, never per frame.
 * Ownership  the server makes it, its thread opens, turns and closes it.
 * Failure    reactor_open: a reason and an exit code. Later: an event to the server.
 * Not here   what frames mean (net/dispatch.h), what commands do (shards/).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_REACTOR_H
#define SOUK_ENGINE_REACTOR_H

#include "engine/clock.h"
#include "engine/inquiry.h"
#include "engine/net/buffer_pool.h"
#include "engine/net/connection.h"
#include "engine/net/forward.h"
#include "engine/net/listener.h"
#include "engine/server.h"
#include "engine/shard_host.h"
#include "engine/watch/panic_facts.h"
#include "engine/watch/stall.h"

#define REACTOR_COMPLETIONS 1024u /* taken from the ring in one turn */
#define REACTOR_RECEIVED    RING_BUFFER_COUNT_DEFAULT
#define REACTOR_SWEEP_NS    NS_PER_S
#define REACTOR_DRAIN_NS    (5 * NS_PER_S) /* for peers to take their last replies */

/* Bytes that have come in this turn, lent by the ring until the end of the admit step. */
struct received {
    struct connection *connection;
    const u8 *bytes;
    u32 count;
    u16 buffer;
};

enum reactor_phase {
    REACTOR_PHASE_STARTING, /* recovered, not accepting */
    REACTOR_PHASE_SERVING,
    REACTOR_PHASE_DRAINING, /* no new writes; logs finish */
    REACTOR_PHASE_DRAINED,  /* logs are closed; mail of others is still answered */
    REACTOR_PHASE_LEAVING,  /* sockets are closed */
    REACTOR_PHASE_OVER
};

struct reactor {
    const struct server *server;
    struct metrics *metrics;
    struct ring *ring;
    u16 index;
    u8 phase;       /* enum reactor_phase */
    u64 now_ns;     /* monotonic, at the begin of the step */
    u64 turn_ns;    /* monotonic, when this turn's completions were collected: time of arrival */
    u64 log_now_ns; /* log clock of this turn */
    struct log_clock clock;
    u64 sweep_ns; /* when connections were last looked at */
    u32 sweep_cursor;
    u64 drain_until_ns;
    u64 same_turn[LATENCY_CLASS_COUNT]; /* frames answered in the turn they arrived in */

    struct shard_host *hosts;
    u32 host_count;
    struct connection_table connections;
    struct buffer_pool buffers;
    struct listener tcp;
    struct listener unix_socket;

    struct peer *peers; /* by reactor index */
    struct mail *free_mail;
    struct mail_queue waiting; /* frames of others that are to be served */
    bool is_any_outbox_full;
    struct inquiry_table inquiries;
    u32 posts_under_way; /* chunks of shard mail that others have */
    u32 post_first;      /* rotates: the host whose mail goes first */

    u32 received_count;
    struct received received[REACTOR_RECEIVED];
    struct ring_completion completions[REACTOR_COMPLETIONS];
    u8 *scratch; /* FRAME_BYTES_MAX: bodies of reads before they are copied to the output */

    struct panic_facts facts;
    struct stall stall;
};

/* Opens ring, shards and logs, replays. Runs in the reactor's own thread. 0, or an enum server_exit
 * with the reason. */
NODISCARD int reactor_open(struct reactor *reactor, const struct server *server, u16 index,
                           char *reason, size_t reason_bytes);
/* One turn. False when the reactor has nothing left to do (REACTOR_PHASE_OVER). */
bool reactor_turn(struct reactor *reactor);
void reactor_close(struct reactor *reactor);

/* The host of a shard of this reactor. */
struct shard_host *reactor_host(struct reactor *reactor, u16 shard);
static inline u32 reactor_of_shard(const struct reactor *reactor, u16 shard)
{
    return shard % reactor->server->reactor_count;
}

/* Orders from the server, by mail. */
void reactor_start(struct reactor *reactor);
void reactor_drain(struct reactor *reactor);
void reactor_leave(struct reactor *reactor);

#endif
