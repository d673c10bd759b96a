/* core_reply: what the server sends. See core.h.
 *
 * Nothing of it is believed: a frame must be well formed (proto/frame.h) and must answer a frame
 * that was sent whole on this connection and has no answer yet, with its operation, shard and record
 * count. Anything else costs the connection; what was in flight is then sent again elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/core.h"

#define INPUT_BYTES_FIRST (64u << 10)
#define INPUT_BYTES_MAX   (2 * FRAME_BYTES_MAX)
#define RENEWALS_MAX      3u /* of a session for the sake of one frame */

u8 *core_input_room(struct core *core, u16 index, u32 *bytes)
{
    struct core_connection *connection = &core->connections[index];
    if (connection->input_bytes == connection->input_capacity) {
        const u32 capacity = MAX(connection->input_capacity * 2, INPUT_BYTES_FIRST);
        MUST(capacity <= INPUT_BYTES_MAX);
        u8 *input = realloc(connection->input, capacity);
        if (input == NULL)
            return NULL;
        connection->input = input;
        connection->input_capacity = capacity;
    }
    *bytes = connection->input_capacity - connection->input_bytes;
    return connection->input + connection->input_bytes;
}

bool core_input_is_full(const struct core *core, u16 index)
{
    const struct core_connection *connection = &core->connections[index];
    return connection->is_held && connection->input_bytes == INPUT_BYTES_MAX;
}

static const char *on_session_opened(struct core *core, struct core_frame *frame,
                                     const struct frame_header *header, const u8 *body, u64 now_ns)
{
    struct core_lane *lane = &core->lanes[frame->shard];
    struct msg_session_open_rsp reply = {.head.status = header->status};
    if (header->status == STATUS_OK)
        memcpy(&reply, body, sizeof reply);
    const bool is_current =
        id128_equal(lane->session, frame->session) && lane->session_state == CORE_SESSION_OPENING;
    if (reply.head.status == STATUS_OK || !is_current) {
        if (is_current) {
            lane->session_state = CORE_SESSION_OPEN;
            core->stats.sessions_opened++;
            core->connections[lane->connection].failures = 0;
        }
        core_frame_end(core, frame);
        return NULL;
    }
    const struct status_info *status = status_find(reply.head.status);
    if (status != NULL && status->class == STATUS_CLASS_RETRY) {
        core_retry_later(core, frame, MAX(header->retry_after_ms, reply.head.retry_after_ms),
                         now_ns);
        return NULL;
    }
    core_frame_end(core, frame);
    lane->session_state = CORE_SESSION_NONE;
    return "the server refuses to open a session";
}

/* The shard does not know the session. What was sent once and answered so was not executed: it goes
 * out under a new session. What may have been executed before cannot be known any more. */
static void on_session_expired(struct core *core, struct core_frame *frame)
{
    struct core_lane *lane = &core->lanes[frame->shard];
    if (frame->is_abandoned || frame->is_uncertain || frame->retries >= RENEWALS_MAX) {
        if (frame->is_uncertain)
            core_deliver_error(core, frame, SOUK_ERROR_UNKNOWN_OUTCOME);
        else
            core_deliver_status(core, frame, STATUS_SESSION_EXPIRED, 0);
    }
    core_session_done(core, frame);
    frame->session_seq = 0;
    if (id128_equal(frame->session, lane->session)) {
        core->session_count++;
        core->stats.sessions_expired++;
        core_session_renew(core, lane);
    }
    if (frame->piece_count == 0) {
        core_frame_end(core, frame);
        return;
    }
    frame->retries++;
    frame->state = CORE_FRAME_READY;
    frame->is_full = true;
    core_list_push_front(&lane->ready, frame);
}

/* A RETRY status: again, or for good when the deadline or the limit says so. */
static void on_retry(struct core *core, struct core_frame *frame, const struct frame_header *header,
                     u64 now_ns)
{
    const u32 limit = core->options.retry_limit;
    const u64 again_ns = now_ns + header->retry_after_ms * NS_PER_MS;
    const bool is_over = again_ns >= frame->deadline_ns || (limit != 0 && frame->retries >= limit);
    if (!frame->is_abandoned && !is_over) {
        core->stats.frames_retried++;
        core_retry_later(core, frame, header->retry_after_ms, now_ns);
        return;
    }
    if (core_is_write(frame) && frame->is_uncertain)
        core_deliver_error(core, frame, SOUK_ERROR_UNKNOWN_OUTCOME);
    else
        core_deliver_status(core, frame, header->status, header->retry_after_ms);
    core_frame_end(core, frame);
}

static void on_calls_answered(struct core *core, struct core_frame *frame,
                              const struct frame_header *header, const u8 *body, u64 now_ns)
{
    const struct status_info *status = status_find(header->status);
    /* Only now: a server that greets and then fails must not be asked again without a pause. */
    core->connections[frame->connection].failures = 0;
    if (header->status == STATUS_OK) {
        core_deliver_replies(core, frame, header, body);
        core_frame_end(core, frame);
    } else if (status != NULL && status->class == STATUS_CLASS_RETRY) {
        on_retry(core, frame, header, now_ns);
    } else if (header->status == STATUS_SESSION_EXPIRED && core_is_write(frame) &&
               !frame->is_numbered) {
        on_session_expired(core, frame);
    } else {
        const u16 number = MIN(header->status, (u16)CORE_STATUS_BOGUS);
        if (header->status == STATUS_TOO_OLD && frame->is_uncertain && !frame->is_numbered)
            core_deliver_error(core, frame, SOUK_ERROR_UNKNOWN_OUTCOME);
        else
            core_deliver_status(core, frame, number, header->retry_after_ms);
        core_frame_end(core, frame);
    }
}

/* The frame that a reply answers, or NULL and the reason. */
static struct core_frame *find_asked(struct core *core, const struct core_connection *connection,
                                     const struct frame_header *header, const char **reason)
{
    const u32 index = (u32)header->request_id;
    const u32 generation = (u32)(header->request_id >> 32);
    *reason = NULL;
    if (index >= core->frame_count || core->frames[index]->generation != generation ||
        core->frames[index]->state != CORE_FRAME_FLIGHT ||
        core->frames[index]->connection != connection->index) {
        *reason = header->status != STATUS_OK ? status_name(header->status)
                                              : "a reply to nothing that was asked";
        return NULL;
    }
    struct core_frame *frame = core->frames[index];
    if (header->opcode != frame->info->code)
        *reason = "a reply of another operation";
    else if (header->shard != frame->shard)
        *reason = "a reply of another shard";
    else if (header->status == STATUS_OK && header->record_count != frame->record_count)
        *reason = "a reply with another number of records";
    return *reason == NULL ? frame : NULL;
}

/* Whether a reply answers a frame whose bytes are with the system at this moment: a server can be
 * faster than the thread that sends. */
static bool is_early(const struct core *core, const struct core_connection *connection,
                     const u8 *bytes)
{
    const struct frame_header header = frame_header_read(bytes);
    const u32 index = (u32)header.request_id;
    return connection->is_sending && index < core->frame_count &&
           core->frames[index]->generation == (u32)(header.request_id >> 32) &&
           core->frames[index]->state == CORE_FRAME_OUT &&
           core->frames[index]->connection == connection->index;
}

/* One whole frame. */
static const char *on_frame(struct core *core, struct core_connection *connection, const u8 *bytes,
                            u32 length, u64 now_ns)
{
    struct frame_refusal refusal = {0};
    if (!frame_valid(bytes, length, FRAME_DIRECTION_REPLY, &refusal))
        return refusal.reason;
    const struct frame_header header = frame_header_read(bytes);
    const char *reason;
    struct core_frame *frame = find_asked(core, connection, &header, &reason);
    if (frame == NULL)
        return reason;
    const u8 *body = bytes + FRAME_HEADER_BYTES;
    core->stats.frames_answered++;
    if ((header.flags & FRAME_FLAG_REPLAYED) != 0)
        core->stats.replies_replayed++;
    core_frame_unwire(core, frame);
    switch ((enum core_frame_kind)frame->kind) {
    case CORE_FRAME_HELLO: {
        core_frame_end(core, frame);
        if (header.status != STATUS_OK)
            return status_name(header.status);
        struct msg_hello_rsp hello;
        memcpy(&hello, body, sizeof hello);
        return core_greeted(core, connection, &hello);
    }
    case CORE_FRAME_SESSION_OPEN: return on_session_opened(core, frame, &header, body, now_ns);
    case CORE_FRAME_CALLS: on_calls_answered(core, frame, &header, body, now_ns); return NULL;
    }
    return NULL;
}

const char *core_received(struct core *core, u16 index, u32 bytes, u64 now_ns)
{
    struct core_connection *connection = &core->connections[index];
    MUST(bytes <= connection->input_capacity - connection->input_bytes);
    connection->input_bytes += bytes;
    connection->heard_ns = now_ns;
    core->stats.bytes_received += bytes;
    u32 at = 0;
    const char *reason = NULL;
    connection->is_held = false;
    while (reason == NULL && connection->input_bytes - at >= FRAME_HEADER_BYTES) {
        struct frame_refusal refusal = {0};
        u32 length;
        if (!frame_prefix_valid(connection->input + at, &length, &refusal)) {
            reason = refusal.reason;
        } else if (connection->input_bytes - at < length) {
            break;
        } else if (is_early(core, connection, connection->input + at)) { /* C8 */
            connection->is_held = true;
            break;
        } else {
            reason = on_frame(core, connection, connection->input + at, length, now_ns);
            at += length;
        }
    }
    if (reason != NULL) {
        core->stats.protocol_errors++;
        (void)snprintf(core->reason, sizeof core->reason, "%s", reason);
        return core->reason;
    }
    connection->input_bytes -= at;
    memmove(connection->input, connection->input + at, connection->input_bytes);
    return NULL;
}
