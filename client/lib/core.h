/* core: the client's protocol without sockets, clocks or threads.
 *
 * Bytes go in, bytes go out, time is passed in; so every race that a network can produce is a line
 * in a test. The front (client.c) owns the sockets, the lock and the clock.
 *
 *   core_submit -> lane.ready -> (pump) -> connection.out -> core_sent -> connection.flight
 *                     |  gathers records of     sealed: number,   |          |
 *                     |  calls into a frame     session, bytes    |          v
 *                     |                                           |     core_received -> replies
 *                     +--- lane.again  <--- connection lost ------+----------+      -> core.done
 *                     +--- waiting     <--- a RETRY status ------------------+
 *
 * A call is what the caller asked for; its records may be spread over frames, and a frame may hold
 * records of several calls: a piece is a run of records of one call in one frame.
 * A lane is a shard: its session, its numbers, its frames that are not on the wire.
 *
 * Invariants
 *   C1  a sealed frame never changes: what is sent again is the same bytes, with the same number.
 *   C2  numbers of a session are given when a frame is sealed, each once; the unanswered ones and
 *       those answered out of order lie in (acked_seq, next_seq), never more than the window.
 *   C3  the worst case of all replies in (acked_seq, next_seq) is within the session's byte budget,
 *       or there is only one.
 *   C4  a frame is in exactly one list: free, ready, out, flight, again or waiting.
 *   C5  every record of every call is delivered exactly once, as an answer or as an error; a call is
 *       in `done` once, when its last record was.
 *   C6  a write whose bytes were all sent and whose answer is lost is never reported as "not done".
 *   C7  while a connection is sending (its bytes are lent to the system), no frame of its out list
 *       is released, and the connection is not taken down.
 *   C8  an answer that overtakes the news that its frame was sent is held in the input, with all that
 *       came behind it, until core_sent.
 * Ownership   one thread at a time, under the lock of the front. Frames own their bytes.
 * Failure     a reply that is not well formed, or that nobody asked for, makes core_received return
 *             the reason; the front then drops the connection. Nothing that a server sends can
 *             fail a MUST.
 * Not here    addresses, sockets, callbacks (the front runs them from `done`).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CORE_H
#define SOUK_CLIENT_CORE_H

#include <sys/uio.h>

#include "client/lib/souk.h"
#include "proto/base.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/messages.h"

#define CORE_NEVER          UINT64_MAX
#define CORE_REPLY_SIZE_MAX 512u
#define CORE_STATUS_BOGUS   64999u
#define CORE_PATIENT        (1u << 31) /* in the flags of a call, beside enum souk_call_flag */

/* What the caller asked for. Lives in the caller's stack or in the front's pool. */
struct core_call {
    struct core_call *next; /* in `done`, and in the front's pool */
    u8 *replies;            /* `count` public reply structs */
    u32 count;
    u32 left; /* records not delivered yet */
    u16 reply_size;
    u16 flags; /* the front's */
    int error; /* the first one */
    souk_callback *callback;
    void *context;
};

struct core_piece {
    struct core_call *call;
    u32 first; /* record of the call */
    u32 count;
};

enum core_frame_state {
    CORE_FRAME_FREE,
    CORE_FRAME_READY,   /* gathers records; not sealed */
    CORE_FRAME_OUT,     /* sealed, in the out list of a connection */
    CORE_FRAME_FLIGHT,  /* all bytes sent, no answer yet */
    CORE_FRAME_AGAIN,   /* sealed, to be sent again on a new connection */
    CORE_FRAME_WAITING, /* sealed, to be sent again at retry_at_ns */
};

enum core_frame_kind {
    CORE_FRAME_CALLS,
    CORE_FRAME_HELLO,       /* of a connection: not sent again */
    CORE_FRAME_SESSION_OPEN /* of a lane */
};

struct core_frame {
    struct core_frame *next;
    struct core_frame *prev;
    const struct message_info *info;
    u8 *bytes;
    struct core_piece *pieces;
    u32 capacity;
    u32 length; /* header included */
    u32 piece_count;
    u32 piece_capacity;
    u32 index;      /* in core.frames */
    u32 generation; /* together the request id */
    u16 shard;
    u16 connection; /* in state OUT and FLIGHT */
    u16 record_count;
    u8 state;          /* enum core_frame_state */
    u8 kind;           /* enum core_frame_kind */
    bool is_linked;    /* all or none: shared with no other call */
    bool is_numbered;  /* the caller numbers: no session of ours */
    bool is_full;      /* no further record fits */
    bool is_abandoned; /* its calls were told already */
    bool is_uncertain; /* sent once without an answer: it may have been executed */
    bool is_patient;   /* a read that waits at the server: no sign of load */
    u32 timeout_ms;    /* of the calls in it */
    u32 retries;       /* after RETRY statuses */
    u32 reply_bytes;   /* worst case */
    u64 deadline_ns;
    u64 retry_at_ns;
    struct id128 session; /* when sealed */
    u64 session_seq;
    u64 acked_seq;
};

struct core_frame_list {
    struct core_frame *head;
    struct core_frame *tail;
};

struct core_slot { /* one number of the window */
    u32 reply_bytes;
    bool is_done;
};

enum core_session_state { CORE_SESSION_NONE, CORE_SESSION_OPENING, CORE_SESSION_OPEN };

struct core_lane {
    u16 shard;
    u16 connection;
    u8 session_state; /* enum core_session_state */
    u32 in_flight;    /* frames in OUT and FLIGHT, patient ones not counted */
    struct id128 session;
    u64 next_seq;
    u64 acked_seq;
    u64 kept_bytes; /* worst case of replies in (acked_seq, next_seq) */
    struct core_slot
        *slots; /* SESSION_WINDOW_FRAMES of them, by number; allocated with the first */
    struct core_frame_list ready;
    struct core_frame_list again;
    struct core_frame *open[MESSAGE_COUNT]; /* the ready frame of an operation that may be joined */
};

enum core_connection_state {
    CORE_CONNECTION_DOWN,
    CORE_CONNECTION_CONNECTING,
    CORE_CONNECTION_GREETING,
    CORE_CONNECTION_READY
};

enum core_cut { CORE_CUT_NO, CORE_CUT_NOW, CORE_CUT_ON_REPLY };

struct core_connection {
    u8 state; /* enum core_connection_state */
    u8 cut;   /* enum core_cut; the front obeys */
    u16 index;
    bool is_sending; /* bytes are lent to the system */
    bool is_mute;    /* silent for too long: the front drops it */
    bool is_held;    /* C8: the input waits for core_sent */
    u64 heard_ns;    /* when bytes came last, or when it was connected */
    u32 failures;    /* in a row */
    u32 work;        /* frames that want this connection, hello not counted */
    u64 connect_at_ns;
    struct core_frame_list out;
    u32 out_offset; /* bytes of the head that are sent */
    struct core_frame_list flight;
    u8 *input;
    u32 input_capacity;
    u32 input_bytes;
};

struct core {
    struct souk_options options;
    struct souk_client_stats stats;
    struct souk_server_info server; /* shard_count 0: the map is not known */
    char agent[AGENT_BYTES_MAX + 1];
    u64 random;               /* state of the generator for jitter and cuts */
    struct id128 random_base; /* of further session ids */
    u64 session_count;
    struct core_lane *lanes; /* server.shard_count of them */
    struct core_connection connections[REACTORS_MAX];
    u16 connection_count;
    u32 any_turn;  /* the shard that answers the next question of any shard, modulo their number */
    bool is_stale; /* another server answers: all connections must go down */
    struct core_frame **frames;
    u32 frame_count;
    u32 frame_capacity;
    struct core_frame *free_frames;
    struct core_frame_list waiting;
    u64 queued_bytes; /* of all frames that are not free */
    u64 next_due_ns;  /* no frame has anything to do before */
    struct core_call *done_head;
    struct core_call *done_tail;
    char reason[160]; /* of the last protocol error */
};

/* ---- life ---- */

/* `entropy` makes session ids; `options` is copied (its texts: the agent is, the address is not). */
void core_init(struct core *core, const struct souk_options *options, struct id128 entropy);
/* Delivers SOUK_ERROR_CLOSED to all calls, then frees. The done calls stay in `done`. */
void core_deinit(struct core *core);

/* ---- calls (core_submit.c) ---- */

/* Takes a request of `call` (replies, count, reply_size, left are set here). Returns 0, and the call
 * ends in `done`, or an error, and it does not. Records are copied. */
int core_submit(struct core *core, u64 now_ns, const struct souk_request *request,
                struct core_call *call);
/* The field wait_ms of a public request struct; 0 where the operation has none. */
u32 core_wait_ms(const struct message_info *info, const u8 *record);
/* Bytes of the public structs of an operation. */
u32 core_request_size(const struct message_info *info);
u32 core_reply_size(const struct message_info *info);
/* The shard of a public request struct of a routed operation. */
u16 core_route(const struct message_info *info, const u8 *record, u16 shard_count);

/* ---- output (core_send.c) ---- */

/* Moves frames to the connections as windows and budgets allow. `is_flush`: those that gather too.
 */
void core_pump(struct core *core, u64 now_ns, bool is_flush);
/* Fills up to `max` vectors with what a connection has to send; 0 = nothing. The bytes are lent
 * until core_sent. */
u32 core_output(struct core *core, u16 connection, struct iovec *vectors, u32 max);
/* `bytes` of them (0 too) were sent. */
void core_sent(struct core *core, u16 connection, u64 bytes);

/* The frame is over: its number is done with, its memory goes back. */
void core_frame_end(struct core *core, struct core_frame *frame);
/* Takes a frame off the wire lists of its connection. */
void core_frame_unwire(struct core *core, struct core_frame *frame);

/* ---- input (core_reply.c) ---- */

/* Where to receive to; at least 1 byte. NULL: no memory. */
u8 *core_input_room(struct core *core, u16 connection, u32 *bytes);
/* Whether there is no room for more: held input fills it. */
bool core_input_is_full(const struct core *core, u16 connection);
/* `bytes` were received there. NULL, or why the connection must be dropped. Input that is held is taken
 * up again by a call with 0 bytes after core_sent. */
const char *core_received(struct core *core, u16 connection, u32 bytes, u64 now_ns);

/* ---- connections (core_connection.c) ---- */

/* Whether the front should start to connect now. */
bool core_wants_connect(const struct core *core, u16 connection, u64 now_ns);
void core_connecting(struct core *core, u16 connection);
/* The socket is connected: says hello. False: no memory. */
bool core_connected(struct core *core, u16 connection, u64 now_ns);
/* The socket is gone, or could not be made. */
void core_lost(struct core *core, u16 connection, u64 now_ns);
/* Takes in the answer to a hello. */
const char *core_greeted(struct core *core, struct core_connection *connection,
                         const struct msg_hello_rsp *hello);

/* ---- time (core_time.c) ---- */

/* When core_tick has something to do next; CORE_NEVER. */
u64 core_next_ns(const struct core *core);
/* Deadlines and retries that are due. */
void core_tick(struct core *core, u64 now_ns);
/* Sends a frame again later. */
void core_retry_later(struct core *core, struct core_frame *frame, u32 retry_after_ms, u64 now_ns);

/* ---- sessions (core_session.c) ---- */

/* Whether the window has room for a frame whose reply takes up to `reply_bytes`. */
bool core_session_has_room(const struct core *core, const struct core_lane *lane, u32 reply_bytes);
/* Gives the frame the next number. False: no memory. */
bool core_session_number(struct core *core, struct core_lane *lane, struct core_frame *frame);
/* The frame's number is done with, whatever the answer was. */
void core_session_done(struct core *core, const struct core_frame *frame);
/* Begins a new session on the lane. */
void core_session_renew(struct core *core, struct core_lane *lane);

/* ---- frames (core_frame.c) ---- */

struct core_frame *core_frame_acquire(struct core *core, const struct message_info *info,
                                      u16 shard);
void core_frame_release(struct core *core, struct core_frame *frame);
/* Makes room for `bytes` more. */
NODISCARD bool core_frame_reserve(struct core *core, struct core_frame *frame, u32 bytes);
NODISCARD bool core_frame_add_piece(struct core_frame *frame, struct core_call *call, u32 first,
                                    u32 count);
void core_frame_seal(struct core *core, struct core_frame *frame);
void core_list_push(struct core_frame_list *list, struct core_frame *frame);
void core_list_push_front(struct core_frame_list *list, struct core_frame *frame);
void core_list_remove(struct core_frame_list *list, struct core_frame *frame);

/* Delivery: to all calls of a frame. */
void core_deliver_replies(struct core *core, struct core_frame *frame,
                          const struct frame_header *header, const u8 *body);
void core_deliver_status(struct core *core, struct core_frame *frame, u16 status,
                         u32 retry_after_ms);
void core_deliver_error(struct core *core, struct core_frame *frame, int error);
/* `count` records of a call have ended without being in any frame. */
void core_fail_records(struct core *core, struct core_call *call, u32 first, u32 count, int error);

/* A number in [0, bound). */
u64 core_random_below(struct core *core, u64 bound);

static inline bool core_is_write(const struct core_frame *frame)
{
    return frame->info->class == MESSAGE_CLASS_WRITE && frame->kind == CORE_FRAME_CALLS;
}

#endif
