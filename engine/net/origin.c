/* origin: see origin.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/origin.h"

#include <string.h>

#include "engine/inquiry.h"
#include "engine/reactor.h"

void origin_defer(const struct origin *origin, struct origin_handle *handle)
{
    MUST((origin->connection != NULL) + (origin->mail != NULL) + (origin->inquiry != NULL) == 1);
    handle->mail = origin->mail;
    handle->inquiry = origin->inquiry;
    handle->ask = origin->ask;
    handle->connection = 0;
    handle->generation = 0;
    handle->arrival_ns = origin->arrival_ns;
    if (origin->connection != NULL) {
        origin->connection->in_flight++;
        handle->connection = origin->connection->index;
        handle->generation = origin->connection->generation;
    }
}

struct origin origin_resume(struct reactor *reactor, const struct origin_handle *handle)
{
    struct origin origin = {.mail = handle->mail,
                            .inquiry = handle->inquiry,
                            .ask = handle->ask,
                            .arrival_ns = handle->arrival_ns};
    if (handle->mail != NULL || handle->inquiry != NULL)
        return origin;
    origin.connection = connection_find(reactor, handle->connection, handle->generation);
    if (origin.connection != NULL) {
        MUST(origin.connection->in_flight > 0);
        origin.connection->in_flight--;
    }
    return origin;
}

/* Is it an ask of an inquiry, here or on another core? Its answer stays in this process: it is not sealed. */
static bool is_ask(const struct origin *origin)
{
    return origin->inquiry != NULL || (origin->mail != NULL && origin->mail->inquiry != NULL);
}

/* Where a reply of `bytes` goes; NULL when nobody is left. */
static u8 *reply_room(struct reactor *reactor, const struct origin *origin, u32 bytes)
{
    if (origin->connection != NULL)
        return connection_reply_room(origin->connection, bytes);
    if (origin->inquiry != NULL)
        return inquiry_answer_room(reactor, origin->inquiry, bytes);
    if (origin->mail == NULL) {
        metric_add(&reactor->metrics->replies_lost, 1);
        return NULL;
    }
    MUST(origin->mail->capacity >= bytes); /* F2 of forward.h */
    return origin->mail->bytes;
}

static void reply_written(struct reactor *reactor, const struct origin *origin, const u8 *frame,
                          u32 bytes)
{
    if (origin->connection != NULL)
        connection_reply_written(origin->connection, bytes);
    else if (origin->inquiry != NULL)
        inquiry_answered(origin->inquiry, origin->ask, frame);
    else
        forward_answer(reactor, origin->mail, bytes);
}

static void write_header(const struct reactor *reactor, const struct frame_echo *echo,
                         const struct shard_reply *reply, u32 length, u64 lsn, u8 *to)
{
    struct frame_header header; /* every field is set: clearing it first costs more than the rest */
    header.magic = FRAME_MAGIC;
    header.length = length;
    header.checksum = 0;
    header.version = FRAME_VERSION;
    header.opcode = echo->opcode;
    header.flags = (u16)(FRAME_FLAG_REPLY | reply->flags);
    header.status = reply->status;
    header.shard = echo->shard;
    header.record_count = reply->status == STATUS_OK ? reply->record_count : 0;
    header.deadline_ms = 0;
    header.request_id = echo->request_id;
    header.session = echo->session;
    header.session_seq = echo->session_seq;
    header.acked_seq = echo->acked_seq;
    header.lsn = lsn;
    header.time_ns = reactor->log_now_ns;
    header.retry_after_ms = reply->retry_after_ms;
    header.reserved = 0;
    memcpy(to, &header, sizeof header);
}

void origin_reply(struct reactor *reactor, const struct origin *origin,
                  const struct frame_echo *echo, const struct shard_reply *reply, u64 lsn)
{
    const bool is_ok = reply->status == STATUS_OK;
    const u32 body_bytes = is_ok ? reply->body_bytes : (u32)sizeof(struct frame_detail);
    const u32 length = FRAME_HEADER_BYTES + body_bytes;
    MUST(length <= FRAME_BYTES_MAX);
    u8 *to = reply_room(reactor, origin, length);
    if (to == NULL)
        return;
    write_header(reactor, echo, reply, length, lsn, to);
    if (is_ok)
        memcpy(to + FRAME_HEADER_BYTES, reply->body, body_bytes);
    else
        memcpy(to + FRAME_HEADER_BYTES, &reply->detail, body_bytes);
    if (!is_ask(origin))
        frame_seal(to, length);
    reply_written(reactor, origin, to, length);
}

u8 *origin_reply_begin(struct reactor *reactor, const struct origin *origin,
                       const struct frame_echo *echo, u32 body_bytes, u64 lsn)
{
    const struct shard_reply reply = {.record_count = 1};
    const u32 length = FRAME_HEADER_BYTES + body_bytes;
    MUST(length <= FRAME_BYTES_MAX && is_ask(origin));
    u8 *to = reply_room(reactor, origin, length);
    write_header(reactor, echo, &reply, length, lsn, to);
    return to + FRAME_HEADER_BYTES;
}

void origin_reply_end(struct reactor *reactor, const struct origin *origin, u8 *body)
{
    const u8 *frame = body - FRAME_HEADER_BYTES;
    MUST(is_ask(origin));
    reply_written(reactor, origin, frame, frame_header_read(frame).length);
}

void origin_refuse(struct reactor *reactor, const struct origin *origin,
                   const struct frame_echo *echo, u16 status, u32 retry_after_ms,
                   struct frame_detail detail)
{
    MUST(status != STATUS_OK);
    const struct shard_reply reply = {
        .status = status, .retry_after_ms = retry_after_ms, .detail = detail};
    origin_reply(reactor, origin, echo, &reply, 0);
}

void origin_measure(struct reactor *reactor, const struct origin *origin, enum latency_class class)
{
    if (origin->mail != NULL || origin->inquiry != NULL)
        return; /* measured where it arrived */
    if (origin->arrival_ns == reactor->turn_ns)
        reactor->same_turn[class]++; /* all of them together, when the effects leave */
    else
        histogram_add(&reactor->metrics->latency[class], reactor->now_ns - origin->arrival_ns, 1);
}
