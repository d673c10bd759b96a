/* load_link: a connection of a load that speaks Souk's protocol by itself, shared by many askers.
 *
 *      link_frame -> write the body -> link_put   any number of times in a turn
 *      link_flush                                 one send for all of them
 *      link_read, then link_next until NULL       whole, checked replies, one after the other
 *
 * Ownership  the buffers belong to the link; what link_next gives is valid until the next call.
 * Failure    -errno, with a reason in `reason`. Not blocking but for a send that the socket's buffer
 *            does not take, which waits: what one turn asks for is small.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_LOAD_LINK_H
#define SOUK_BENCH_LOAD_LINK_H

#include "proto/frame.h"

struct link {
    int fd; /* the caller's to open, link_close closes it; -1 = none */
    u16 shard;
    u32 in_count;
    u32 in_taken;
    u32 out_count;
    u8 *in;
    u8 *out;
    const char *reason; /* of the last failure */
};

NODISCARD int link_open(struct link *link); /* memory only */
void link_close(struct link *link);

/* Where the body of the next frame goes; there is room for `LINK_FRAME_BYTES` with the header. */
NODISCARD u8 *link_body(struct link *link);
#define LINK_FRAME_BYTES (32u << 10)
/* The frame is whole: `header` with the shard of the link, and `body_bytes` at link_body. */
NODISCARD int link_put(struct link *link, struct frame_header header, u32 body_bytes);
NODISCARD int link_flush(struct link *link);

/* Takes what has arrived. */
NODISCARD int link_read(struct link *link);
/* The next whole reply in what link_read took, NULL: none, or a failure, then *error is not 0. */
NODISCARD const u8 *link_next(struct link *link, int *error);

#endif
