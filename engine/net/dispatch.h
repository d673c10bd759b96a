/* dispatch: what to do with one frame.
 *
 *      not well formed        answered with the reason; fatal: the connection ends
 *      hello ping info stats  answered here (control.h)
 *      gather                 the reactor of its shard asks the others (engine/inquiry.h)
 *      shard of this core     shard_host
 *      shard of another       forwarded by mail (forward.h)
 *
 * Failure    input from a peer is never asserted on; every frame gets exactly one answer, now or
 *            later, unless its connection ends first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_DISPATCH_H
#define SOUK_ENGINE_NET_DISPATCH_H

#include "engine/net/connection.h"
#include "engine/net/origin.h"

enum dispatch_result {
    DISPATCH_DONE, /* answered, or will be */
    DISPATCH_WAIT, /* cannot be served now; offer the same frame again in a later turn */
    DISPATCH_MOVE, /* done; the connection goes to another reactor before more is read */
    DISPATCH_FATAL /* answered; the stream cannot be followed any more */
};

/* One whole frame of a connection, by its prefix. `bytes` is aligned to 8. */
enum dispatch_result dispatch_frame(struct reactor *reactor, struct connection *connection,
                                    const u8 *bytes, u32 length, u64 arrival_ns);
/* The stream does not begin with a frame: answers with the reason. */
void dispatch_garbage(struct reactor *reactor, struct connection *connection,
                      const struct frame_refusal *refusal);

#endif
