/* origin: where a frame came from, and so where its answer goes.
 *
 *      a connection of this reactor   the answer is written into its output
 *      mail from another reactor      the answer is written into the message, which goes back
 *      an inquiry of this reactor    the answer is written into a buffer of the inquiry
 *      nobody any more                the answer is dropped; the session keeps it
 *
 * Ownership  an origin is valid within a turn. What outlives the turn (an entry of the log) keeps a
 *            struct origin_handle, and asks again when the answer is there.
 * Not here   when to answer (dispatch.h, shard_host.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_ORIGIN_H
#define SOUK_ENGINE_NET_ORIGIN_H

#include "engine/mailbox.h"
#include "engine/net/connection.h"
#include "engine/watch/metrics.h"
#include "proto/frame.h"
#include "shards/shard.h"

struct inquiry;

struct origin {
    struct connection *connection;
    struct mail *mail;
    struct inquiry *inquiry; /* and which of its asks */
    u32 ask;
    u64 arrival_ns;
};

struct origin_handle {
    struct mail *mail; /* NULL: a connection or an inquiry */
    struct inquiry *inquiry;
    u32 ask;
    u32 connection;
    u32 generation;
    u64 arrival_ns;
};

/* The part of a request's header that its reply repeats. */
struct frame_echo {
    u64 request_id;
    struct id128 session;
    u64 session_seq;
    u64 acked_seq;
    u16 opcode;
    u16 shard;
};

static inline struct frame_echo frame_echo_of(const struct frame_header *header)
{
    return (struct frame_echo){.request_id = header->request_id,
                               .session = header->session,
                               .session_seq = header->session_seq,
                               .acked_seq = header->acked_seq,
                               .opcode = header->opcode,
                               .shard = header->shard};
}

/* A frame will be answered in a later turn. */
void origin_defer(const struct origin *origin, struct origin_handle *handle);
/* The answer is there: resolves the handle. All pointers NULL: nobody is left. */
struct origin origin_resume(struct reactor *reactor, const struct origin_handle *handle);

/* Writes a whole reply: the body is copied once, the frame sealed once. `lsn` 0 for control. */
void origin_reply(struct reactor *reactor, const struct origin *origin,
                  const struct frame_echo *echo, const struct shard_reply *reply, u64 lsn);
/* A reply of one record, to mail or an inquiry, whose body is written by the caller in later turns: the header
 * is written, and here is where the body goes. Then that it is there. */
u8 *origin_reply_begin(struct reactor *reactor, const struct origin *origin,
                       const struct frame_echo *echo, u32 body_bytes, u64 lsn);
void origin_reply_end(struct reactor *reactor, const struct origin *origin, u8 *body);
/* Writes a reply without records. */
void origin_refuse(struct reactor *reactor, const struct origin *origin,
                   const struct frame_echo *echo, u16 status, u32 retry_after_ms,
                   struct frame_detail detail);
/* Counts the time from arrival to now for a frame answered in the turn that served it. */
void origin_measure(struct reactor *reactor, const struct origin *origin, enum latency_class class);

#endif
