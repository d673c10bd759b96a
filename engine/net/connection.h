/* connection: one socket, with what was read and not yet served, and what waits to be sent.
 *
 *      ring buffer --parse in place--> frames --> dispatch
 *           \--only what is not served yet--> input (grows up to a frame and a bit)
 *      replies --> filling --(effects: swap)--> sending --> kernel, one send at a time
 *
 *      OPEN --peer ended, fatal frame, drain--> ENDING --all answered and sent--> LINGERING
 *        |                                                  (peer sees the end; input is discarded)
 *        |--hello for another reactor--> MOVING --all answered and sent--> handed over
 *        \--error, timeout, linger over--> CLOSING --all operations FREE--> gone, slot free
 *
 * Invariants
 *   N1  at most one send is in flight: two could reorder.
 *   N2  a slot is freed, and its descriptor closed, only when both operations are FREE.
 *   N3  ring buffers go back in the turn that they came in, so a slow connection keeps none.
 *   N4  input beyond CONNECTION_INPUT_MAX stops the receiving until it is served; output beyond
 *       CONNECTION_OUTPUT_MAX stops the serving until it is sent.
 *   N5  a handle is index and generation: a late answer for a connection that has gone is skipped.
 * Ownership  one reactor. A connection never moves in memory, because its operations are lent.
 * Happy path open -> received -> frames served -> replies written -> settle (one send) -> sent.
 * Failure    a send or receive error closes it; so do 30 s without progress of a send, or with half
 *            a frame.
 * Not here   what frames mean (dispatch.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_CONNECTION_H
#define SOUK_ENGINE_NET_CONNECTION_H

#include "engine/net/buffer_pool.h"
#include "engine/ring/ring.h"
#include "proto/frame.h"
#include "proto/limits.h"

#define CONNECTION_INPUT_MAX  FRAME_BYTES_MAX
#define CONNECTION_OUTPUT_MAX (4u << 20)
#define CONNECTION_STUCK_NS   (30 * NS_PER_S)
#define CONNECTION_LINGER_NS  NS_PER_S
#define CONNECTION_MARKS      8u
#define CONNECTION_CHUNK      256u /* connections allocated at a time */

struct reactor;

enum connection_state {
    CONNECTION_STATE_FREE,
    CONNECTION_STATE_OPEN,
    CONNECTION_STATE_ENDING,
    CONNECTION_STATE_LINGERING,
    CONNECTION_STATE_MOVING,
    CONNECTION_STATE_CLOSING
};

/* Input bytes up to `end` (counted from the first byte of the connection) arrived at arrival_ns or
 * later marks say. */
struct arrival_mark {
    u64 end;
    u64 arrival_ns;
};

struct connection {
    struct ring_op recv_op;
    struct ring_op send_op;
    struct reactor *reactor;
    u32 index;
    u32 generation;
    int fd;
    u32 in_flight;   /* frames logged or forwarded and not yet answered */
    u8 state;        /* enum connection_state */
    bool is_stalled; /* the frame at the front of the input has to wait; in the list of stalled */
    bool is_head_valid; /* that frame was judged well formed already */
    bool is_dirty;      /* in the list of those to settle */
    bool is_starved;    /* wants to receive once ring buffers are back */
    bool is_deaf;       /* input is thrown away: fatal frame, or the end was decided here */
    bool has_ended;     /* the peer has closed its side */
    bool is_tcp;
    u16 move_to; /* MOVING: the reactor */
    u16 mark_count;
    u32 output_hint; /* what the last turn produced */
    struct buffer input;
    u64 input_position; /* of input's first byte, counted from the first byte of the connection */
    struct arrival_mark marks[CONNECTION_MARKS];
    struct buffer filling;
    struct buffer sending; /* lent to the ring while send_op is not FREE */
    u64 partial_since_ns;  /* the front frame is incomplete since; 0 = it is not */
    u64 partial_position;  /* of that frame */
    u64 send_since_ns;     /* last progress of sending; LINGERING: since when */
};

/* All connections of a reactor. */
struct connection_table {
    struct connection **chunks;
    u32 chunk_count;
    u32 capacity;
    u32 open_count;
    u32 free_count;
    u32 *free_indexes;
    u32 *stalled; /* indexes, first come first served */
    u32 stalled_count;
    u32 *dirty;
    u32 dirty_count;
    u32 *starved;
    u32 starved_count;
};

/* Takes over a descriptor and begins to receive. */
struct connection *connection_open(struct reactor *reactor, int fd, bool is_tcp);
/* The connection of a handle, or NULL when it has gone. */
struct connection *connection_find(struct reactor *reactor, u32 index, u32 generation);
struct connection *connection_at(struct reactor *reactor, u32 index);

/* Bytes have arrived: serve what is complete, keep the rest. */
void connection_received(struct connection *connection, const u8 *bytes, u32 count);
/* Serves again what had to wait. */
void connection_resume(struct connection *connection);
/* No more input is served; closes when all is answered and sent. */
void connection_end(struct connection *connection);
/* Closes now; what was not sent is lost. */
void connection_close(struct connection *connection);
/* Puts it into the list of those that connection_settle_all looks at. */
void connection_touch(struct connection *connection);
/* Puts it at the end of those that connection_resume_all serves first in the next turn. */
void connection_stall(struct connection *connection);
/* Answered and sent, nothing in flight at all: a socket that can be handed over. */
bool connection_is_quiet(const struct connection *connection);
/* Takes a quiet connection out of the table without closing its descriptor. */
void connection_detach(struct connection *connection);

/* Room for a reply frame of `bytes`; connection_reply_written says how many were written. */
u8 *connection_reply_room(struct connection *connection, u32 bytes);
void connection_reply_written(struct connection *connection, u32 bytes);

/* Steps of a turn, over all connections of the reactor. */
void connection_resume_all(struct reactor *reactor);
void connection_rearm_starved(struct reactor *reactor);
void connection_settle_all(struct reactor *reactor);
/* Drops those that make no progress; looks at some of the table in each call. */
void connection_sweep(struct reactor *reactor);
/* Drain: ends (or, when `now`, closes) all of them. */
void connection_end_all(struct reactor *reactor, bool now);
void connection_table_deinit(struct reactor *reactor);

#endif
