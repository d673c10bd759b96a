/* bench_ring: the ring recipe of the design, for load generators and limit programs.
 *
 * SINGLE_ISSUER | DEFER_TASKRUN | SUBMIT_ALL | CQSIZE | CLAMP, multishot accept, multishot receive
 * into a ring of provided buffers, one send per connection and turn, one io_uring_enter per turn.
 * It is a second, smaller implementation beside engine/ring on purpose: what is compared with the
 * server must not share its code.
 *
 * A struct bench_link is one connection: two buffers for what goes out, of which one is filled while
 * the other is lent to the kernel, and the rest of a frame that the last receive cut in two.
 *
 *      link_room -> fill -> link_commit ... -> bench_link_flush (end of turn) -> on_send
 *      on_recv -> bench_link_split -> whole frames, in place where they lie in one buffer
 *
 * user_data is the address of the link (or NULL) with the kind of operation in its low three bits.
 * Failure: a ring that cannot be opened is -errno; a connection that fails becomes is_closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_COMMON_BENCH_RING_H
#define SOUK_BENCH_COMMON_BENCH_RING_H

#include "proto/base.h"

#include <liburing.h>

enum bench_ring_kind {
    BENCH_RING_ACCEPT = 1,
    BENCH_RING_RECV,
    BENCH_RING_SEND,
    BENCH_RING_WRITE,
    BENCH_RING_KIND_MASK = 7
};

struct bench_ring {
    struct io_uring uring;
    struct io_uring_buf_ring *buffer_ring;
    u8 *buffers;
    u32 buffer_count;
    u32 buffer_bytes;
    u32 returned; /* buffers given back and not yet published */
};

struct bench_link {
    int fd;
    bool is_sending;
    bool is_closed;
    bool is_starved; /* the receive has ended for want of buffers */
    bool is_dirty;   /* on the caller's list of links to flush */
    u8 filling;      /* which of out[] */
    u32 out_capacity;
    u32 out_bytes[2];
    u32 sent_bytes; /* of the buffer that is lent */
    u8 *out[2];
    u8 *rest;
    u32 rest_bytes;
    u32 rest_capacity;
    void *owner;
};

struct bench_ring_event {
    enum bench_ring_kind kind;
    struct bench_link *link; /* NULL for accept and write */
    const u8 *data;          /* RECV: the bytes, until bench_ring_return */
    i32 result;
    u16 buffer;
    bool has_buffer;
    bool is_last;
};

NODISCARD int bench_ring_open(struct bench_ring *ring, u32 entries, u32 buffer_count,
                              u32 buffer_bytes);
void bench_ring_close(struct bench_ring *ring);
/* A free submission entry; hands the queue to the kernel when it is full. */
struct io_uring_sqe *bench_ring_sqe(struct bench_ring *ring);
void bench_ring_accept(struct bench_ring *ring, int listener);
void bench_ring_recv(struct bench_ring *ring, struct bench_link *link);
void bench_ring_return(struct bench_ring *ring, u16 buffer);
/* Submits everything, waits for one completion at most timeout_ns (0: does not wait; UINT64_MAX: for
 * ever) and copies up to `max` events. Returns how many, or -errno. */
NODISCARD i32 bench_ring_turn(struct bench_ring *ring, u64 timeout_ns,
                              struct bench_ring_event *events, u32 max);

NODISCARD int bench_link_open(struct bench_link *link, int fd, u32 out_capacity, u32 rest_capacity);
void bench_link_close(struct bench_link *link);
/* Room for `bytes` in the buffer being filled, or NULL. */
static inline u8 *bench_link_room(struct bench_link *link, u32 bytes)
{
    const u32 used = link->out_bytes[link->filling];
    return link->out_capacity - used < bytes ? NULL : link->out[link->filling] + used;
}
static inline void bench_link_commit(struct bench_link *link, u32 bytes)
{
    link->out_bytes[link->filling] += bytes;
}
/* Sends what was filled, if no send is under way. */
void bench_link_flush(struct bench_ring *ring, struct bench_link *link);
/* A send has completed; sends the rest of it or what was filled meanwhile. */
void bench_link_sent(struct bench_ring *ring, struct bench_link *link, i32 result);

/* Calls on_frame for each whole Souk frame (magic and length checked, nothing else). False when the
 * stream is not Souk's. */
typedef void bench_on_frame(void *context, struct bench_link *link, const u8 *frame, u32 bytes);
NODISCARD bool bench_link_split(struct bench_link *link, const u8 *data, u32 bytes,
                                bench_on_frame *on_frame, void *context);

#endif
