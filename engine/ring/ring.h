/* ring: the seam through which a reactor touches sockets and files.
 *
 * A link seam: one header, two implementations. engine/ring/ring_uring.c is the real one, on
 * io_uring, and the only place that includes <liburing.h>. tests/sim/ring_sim.c is in memory, under
 * a test's control. Whatever blocks or has an order goes through here; nothing here knows what a
 * frame, a batch or a shard is.
 *
 *      caller's object              ring                        kernel
 *      struct ring_op  --prepare--> submission queue --turn-->  ...
 *        done()  <------run-------- struct ring_completion <--collect-- completion queue
 *
 * An operation is a struct ring_op inside the caller's object. Its state is the contract:
 *
 *      FREE --prepare--> QUEUED --turn--> INFLIGHT --last completion--> FREE
 *                          \------cancel---> CANCELLING ---------------/
 *
 * Invariants
 *   R1  an op may be prepared only while FREE, and the object that holds it, as well as the memory
 *       it points to, may go away only while FREE. Cancelling or closing frees nothing by itself.
 *   R2  the completion names the op and its generation; nothing is inferred from order.
 *   R3  completions are first collected, the queue is advanced once, then they are run. A done()
 *       may prepare operations; nothing is executed before the next turn, except that a full
 *       submission queue is handed to the kernel without waiting.
 *   R4  one system call in a turn: submit everything, wait, and take what has completed. A ring that
 *       spins has one to submit, and one more when it has seen something or gives up.
 *   R5  after ring_open no memory is allocated.
 * Ownership  a ring belongs to the thread that opened it; only ring_wake_outside may be called from
 *            elsewhere (also from a signal handler). A received buffer is lent to the caller until
 *            ring_buffer_return.
 * Happy path ring_open; then for ever: prepare..., ring_turn, ring_collect, ring_run.
 * Failure    per operation: completion.result is a count or -errno. A submission that the kernel
 *            does not take (EAGAIN, EBUSY, EINTR) stays queued and goes with the next turn. No
 *            buffer left: the receive ends with is_starved; the caller receives again once a buffer
 *            has come back, never by timer.
 * Not here   no policy: who is re-armed, closed, or retried is the caller's decision. At most one
 *            send in flight per connection is the caller's rule too: sends may reorder.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_RING_RING_H
#define SOUK_ENGINE_RING_RING_H

#include "proto/base.h"

#define RING_ENTRIES_DEFAULT      1024u
#define RING_BUFFER_COUNT_DEFAULT 512u
#define RING_BUFFER_BYTES_DEFAULT (32u << 10)

struct ring;
struct ring_op;

enum ring_kind {
    RING_KIND_NONE,
    RING_KIND_ACCEPT, /* result: the new descriptor; many completions */
    RING_KIND_RECV,   /* result: bytes at data, 0 = peer has closed; many completions */
    RING_KIND_SEND,   /* result: bytes sent, may be short */
    RING_KIND_POLL,   /* result: poll events; many completions */
    RING_KIND_WRITE,  /* result: bytes written, may be short */
    RING_KIND_SYNC,
    RING_KIND_OPEN, /* result: the descriptor */
    RING_KIND_RENAME,
    RING_KIND_UNLINK
};

enum ring_state { RING_STATE_FREE, RING_STATE_QUEUED, RING_STATE_INFLIGHT, RING_STATE_CANCELLING };

struct ring_completion {
    struct ring_op *op;
    const u8 *data;  /* RECV with result > 0: the bytes, lent until ring_buffer_return */
    i32 result;      /* a count, a descriptor, or -errno */
    u32 generation;  /* of the op when it was prepared (low 16 bits) */
    u16 buffer;      /* what to give back; only where data is not NULL */
    bool is_last;    /* the op is FREE again; false: more completions of it will follow */
    bool is_starved; /* RECV: ended for want of a buffer */
};

typedef void ring_done(struct ring_op *op, const struct ring_completion *completion);

/* Zero-initialised by the caller, who sets done; all else belongs to the ring. */
struct ring_op {
    ring_done *done;
    u32 generation;
    u8 kind;  /* enum ring_kind */
    u8 state; /* enum ring_state */
    u16 zero0;
};

struct ring_options {
    u32 entries;      /* of the submission queue; 0 = default. Power of two. */
    u32 cq_entries;   /* of the completion queue; 0 = 8 x entries */
    u32 buffer_count; /* receive buffers; 0 = default. Power of two, at most 32768. */
    u32 buffer_bytes; /* 0 = default; a multiple of 4096 */
    u64 spin_ns; /* a turn looks this long for completions before it sleeps; 0 = sleep at once */
};

struct ring_statistics {
    u64 enters;      /* system calls */
    u64 submissions; /* accepted by the kernel */
    u64 completions;
    u64 wakes;     /* received from other threads */
    u64 overflows; /* times the completion queue was too small; 0 in a healthy server */
    u64 starved;   /* receives that ended for want of a buffer */
    u64 stalls;    /* submissions that the kernel took later than the first try */
};

/* How other threads wake a ring. Copyable; valid until the ring is closed. */
struct ring_address {
    int ring_fd;
    int event_fd;
};

/* Opens a ring for the calling thread, which must be the one that uses it (and already be pinned).
 * Returns 0 or -errno; then ring_open_advice says in a sentence or two what is missing and what to
 * do about it. Every operation that is needed is probed here, so none is missing later. */
NODISCARD int ring_open(struct ring **ring, const struct ring_options *options);
const char *ring_open_advice(int error);
/* No op may be in use any more (ring_in_flight is 0); the buffers given out are gone with it. */
void ring_close(struct ring *ring);

/* ---- a turn ---------------------------------------------------------------------------------- */

/* Submits what is queued and waits until something has completed, at most timeout_ns (0: do not
 * wait; UINT64_MAX: for ever). 0, or -errno for errors that a retry cannot mend. */
NODISCARD int ring_turn(struct ring *ring, u64 timeout_ns);
/* Takes up to `max` completions out of the queue, in order, without running them. */
u32 ring_collect(struct ring *ring, struct ring_completion *out, u32 max);
/* Runs them: op becomes FREE if this was its last, then done() is called. */
void ring_run(struct ring *ring, const struct ring_completion *completions, u32 count);

/* Ops that are not FREE; a ring is drained when this is 0. */
u32 ring_in_flight(const struct ring *ring);
const struct ring_statistics *ring_statistics(const struct ring *ring);
/* "io_uring", "simulated"; for logs and reports. */
const char *ring_backend(const struct ring *ring);

/* ---- sockets --------------------------------------------------------------------------------- */

/* Accepts for ever. New sockets are blocking and close-on-exec: leave them blocking, a non-blocking
 * one would fail with EAGAIN instead of waiting. */
void ring_accept(struct ring *ring, struct ring_op *op, int listener_fd);
/* Receives for ever into the ring's buffers. */
void ring_recv(struct ring *ring, struct ring_op *op, int fd);
void ring_buffer_return(struct ring *ring, u16 buffer);
/* Buffers that are lent to the caller at the moment. */
u32 ring_buffers_lent(const struct ring *ring);
u32 ring_buffer_count(const struct ring *ring);
/* Sends all of it unless an error comes between (MSG_WAITALL, MSG_NOSIGNAL); still may be short. */
void ring_send(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes);
/* Reports poll events (POLLIN, ...) for ever. */
void ring_poll(struct ring *ring, struct ring_op *op, int fd, u32 events);

/* Closing a socket: ring_shutdown (peer sees the end of the stream, everything in flight on it is
 * cancelled), wait until all ops of the socket are FREE, ring_close_fd. close() alone would leave
 * a pending receive, and with it the connection, alive. */
void ring_shutdown(struct ring *ring, int fd);
/* Closes a descriptor (socket or file) at once. */
void ring_close_fd(struct ring *ring, int fd);

/* ---- files ----------------------------------------------------------------------------------- */

/* Complete when the data is on the medium (synchronous data integrity). With O_DIRECT data, bytes
 * and offset are multiples of 4096. */
void ring_write_durable(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes,
                        u64 offset);
/* Complete when written, wherever that is. */
void ring_write(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes,
                u64 offset);
/* fdatasync; also right for a directory and for a file whose size has changed. */
void ring_sync(struct ring *ring, struct ring_op *op, int fd);
/* Paths are relative to dir_fd and must stay until the completion. */
void ring_open_file(struct ring *ring, struct ring_op *op, int dir_fd, const char *path, int flags);
void ring_rename(struct ring *ring, struct ring_op *op, int dir_fd, const char *from,
                 const char *to);
void ring_unlink(struct ring *ring, struct ring_op *op, int dir_fd, const char *path);

/* ---- cancel, wake ---------------------------------------------------------------------------- */

/* Asks for an early end of a QUEUED or INFLIGHT op; its last completion still comes (-ECANCELED, or
 * what it had become). Ops that are FREE or CANCELLING are left as they are. */
void ring_cancel(struct ring *ring, struct ring_op *op);

struct ring_address ring_address(const struct ring *ring);
/* Ends the wait of another ring, with the submissions of this turn. */
void ring_wake(struct ring *from, struct ring_address target);
/* The same from a thread without a ring, or from a signal handler; at once. */
void ring_wake_outside(struct ring_address target);

#endif
