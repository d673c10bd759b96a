/* souk_wire: Souk's protocol for what a load does before it is measured: one frame, one reply, blocking.
 *
 * Ownership  the wire's two buffers belong to it; `reply` is valid until the next call.
 * Failure    -errno; an answer that is not OK is said on stderr and is -EPROTO.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_SOUK_WIRE_H
#define SOUK_BENCH_SOUK_WIRE_H

#include "proto/frame.h"
#include "proto/id.h"

struct souk_wire {
    u8 *frame;       /* FRAME_BYTES_MAX: the caller writes the body behind FRAME_HEADER_BYTES */
    u8 *reply;       /* FRAME_BYTES_MAX */
    u16 shard_count; /* after souk_wire_hello */
    u32 window_frames;
};

NODISCARD int souk_wire_open(struct souk_wire *wire);
void souk_wire_close(struct souk_wire *wire);

/* A connection that has greeted the server and asked for a shard; SHARD_ANY: any. */
NODISCARD int souk_wire_hello(struct souk_wire *wire, const char *address, u16 want_shard, int *fd);
/* Opens a session of a random id. */
NODISCARD int souk_wire_session(struct souk_wire *wire, int fd, u16 shard, struct id128 *session);
/* Sends the frame with `body_bytes` behind its header, waits for the reply. */
NODISCARD int souk_wire_call(struct souk_wire *wire, int fd, struct frame_header header,
                             u32 body_bytes);

#endif
