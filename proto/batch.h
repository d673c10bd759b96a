/* batch: what one log write carries, and the only thing that changes a shard.
 *
 *   payload of a log frame:
 *     struct batch_header        the stamp, and how much follows
 *     struct batch_ack[]         mail acknowledgements (ack_count of them)
 *     entry[]                    entry_count of them, each:
 *        struct entry_header     where the command comes from, and its place there
 *        body                    the records of the frame, byte for byte as they arrived; of mail,
 *                                one record of an operation of class MAIL
 *
 * Everything is a multiple of 8 bytes and little-endian. The layout is on disk: a change needs a
 * new BATCH_STATE_VERSION, and segments say which version wrote them.
 *
 * The stamp is the only time that a shard knows. It never goes back from one batch to the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_BATCH_H
#define SOUK_PROTO_BATCH_H

#include "proto/base.h"
#include "proto/id.h"
#include "proto/limits.h"

#define BATCH_STATE_VERSION 2u

struct batch_header {
    u64 stamp_ns; /* log time, ns since 1970; grows from batch to batch */
    u32 bytes;    /* of the whole payload, this header included */
    u32 entry_count;
    u32 ack_count;
    u16 state_version;
    u16 zero0;
};
STATIC_CHECK(sizeof(struct batch_header) == 24);

/* "Everything that shard `shard` mailed to this one up to `seq` has been applied." Inputs like any
 * other, so that trimming is part of the log. */
struct batch_ack {
    u64 seq;
    u16 shard;
    u16 zero0;
    u32 zero1;
};
STATIC_CHECK(sizeof(struct batch_ack) == 16);

enum entry_source {
    ENTRY_SOURCE_SESSION = 1, /* a client's frame */
    ENTRY_SOURCE_SHARD = 2,   /* mail from another shard */
    ENTRY_SOURCE_TIMER = 3    /* the engine itself */
};

struct entry_header {
    u32 body_bytes; /* a multiple of 8 */
    u16 source;     /* enum entry_source */
    u16 source_shard;
    u16 opcode;
    u16 flags; /* FRAME_FLAG_LINKED or 0 */
    u16 record_count;
    u16 zero0;
    struct id128 session;
    u64 session_seq; /* of mail: its number, from source_shard to this shard */
    u64 acked_seq;
};
STATIC_CHECK(sizeof(struct entry_header) == 48);
STATIC_CHECK(LOG_BATCH_BYTES_MAX >=
             FRAME_BYTES_MAX + sizeof(struct batch_header) + sizeof(struct entry_header));

#endif
