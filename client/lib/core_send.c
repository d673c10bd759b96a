/* core_send: from lanes to connections. See core.h.
 *
 * A frame waits in its lane for one of three reasons: the connection or the session is not open yet,
 * the session's window is full, or it may still gather records. It gathers while enough frames of
 * the lane are under way that sending it now would only make it wait at the server; so batches grow
 * with the load, and a lone caller never waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/lib/core.h"

void core_frame_end(struct core *core, struct core_frame *frame)
{
    MUST(frame->piece_count == 0);
    core_session_done(core, frame);
    if (frame->kind != CORE_FRAME_HELLO) {
        struct core_connection *connection =
            &core->connections[core->lanes[frame->shard].connection];
        MUST(connection->work != 0);
        connection->work--;
    }
    core_frame_release(core, frame);
}

void core_frame_unwire(struct core *core, struct core_frame *frame)
{
    struct core_connection *connection = &core->connections[frame->connection];
    MUST(frame->state == CORE_FRAME_OUT || frame->state == CORE_FRAME_FLIGHT);
    core_list_remove(frame->state == CORE_FRAME_OUT ? &connection->out : &connection->flight,
                     frame);
    if (frame->kind == CORE_FRAME_HELLO || frame->is_patient)
        return;
    MUST(core->lanes[frame->shard].in_flight != 0);
    core->lanes[frame->shard].in_flight--;
}

static void wire(struct core *core, struct core_lane *lane, struct core_frame *frame)
{
    struct core_connection *connection = &core->connections[lane->connection];
    MUST(connection->state == CORE_CONNECTION_READY);
    frame->state = CORE_FRAME_OUT;
    frame->connection = lane->connection;
    core_list_push(&connection->out, frame);
    /* A read that waits at the server for a minute must not make other calls gather for as long. */
    if (!frame->is_patient)
        lane->in_flight++;
}

/* Asks for the lane's session. Its answer lets the writes go. */
static void open_session(struct core *core, struct core_lane *lane)
{
    if (lane->session_state != CORE_SESSION_NONE)
        return;
    const struct message_info *info = message_find(OPCODE_SESSION_OPEN);
    struct core_frame *frame = core_frame_acquire(core, info, lane->shard);
    if (frame == NULL)
        return; /* the next pump tries again */
    const struct msg_session_open_req record = {0};
    frame->kind = CORE_FRAME_SESSION_OPEN;
    frame->session = lane->session;
    frame->timeout_ms = SOUK_FOREVER;
    memcpy(frame->bytes + frame->length, &record, sizeof record);
    frame->length += (u32)sizeof record;
    core->queued_bytes += sizeof record;
    frame->record_count = 1;
    core_frame_seal(core, frame);
    core->connections[lane->connection].work++;
    lane->session_state = CORE_SESSION_OPENING;
    wire(core, lane, frame);
}

/* Seals the first ready frame and gives it to the connection. False: it has to wait. */
static bool dispatch(struct core *core, struct core_lane *lane, bool is_flush)
{
    struct core_frame *frame = lane->ready.head;
    const struct core_connection *connection = &core->connections[lane->connection];
    if (frame->record_count != 0) { /* else what should have gone in had no memory */
        const bool is_busy =
            lane->in_flight >= core->options.gather_frames || connection->is_sending;
        if (is_busy && !is_flush && !frame->is_full)
            return false;
        if (core_is_write(frame) && !frame->is_numbered) {
            frame->reply_bytes =
                FRAME_HEADER_BYTES + frame->record_count * frame->info->reply.record_bytes_max;
            if (lane->session_state != CORE_SESSION_OPEN) {
                open_session(core, lane);
                return false;
            }
            if (!core_session_has_room(core, lane, frame->reply_bytes) ||
                !core_session_number(core, lane, frame))
                return false;
        }
    }
    core_list_remove(&lane->ready, frame);
    if (lane->open[frame->info->index] == frame)
        lane->open[frame->info->index] = NULL;
    if (frame->record_count == 0) {
        core_frame_end(core, frame);
        return true;
    }
    core_frame_seal(core, frame);
    wire(core, lane, frame);
    return true;
}

void core_pump(struct core *core, u64 now_ns, bool is_flush)
{
    core_tick(core, now_ns);
    if (core->is_stale)
        return;
    for (u16 i = 0; i < core->server.shard_count; i++) {
        struct core_lane *lane = &core->lanes[i];
        if (core->connections[lane->connection].state != CORE_CONNECTION_READY)
            continue;
        struct core_frame *frame;
        while ((frame = lane->again.head) != NULL) {
            core_list_remove(&lane->again, frame);
            wire(core, lane, frame);
        }
        while (lane->ready.head != NULL && dispatch(core, lane, is_flush))
            continue;
    }
}

u32 core_output(struct core *core, u16 index, struct iovec *vectors, u32 max)
{
    struct core_connection *connection = &core->connections[index];
    MUST(!connection->is_sending);
    u32 count = 0;
    u32 offset = connection->out_offset;
    for (struct core_frame *frame = connection->out.head; frame != NULL && count < max;
         frame = frame->next) {
        MUST(offset < frame->length);
        vectors[count++] =
            (struct iovec){.iov_base = frame->bytes + offset, .iov_len = frame->length - offset};
        offset = 0;
    }
    connection->is_sending = count != 0;
    return count;
}

/* A test asked for broken connections: decides whether this frame breaks its own. */
static void maybe_cut(struct core *core, struct core_connection *connection)
{
    if (core->options.cut_per_million == 0 || connection->cut != CORE_CUT_NO)
        return;
    if (core_random_below(core, 1000000) >= core->options.cut_per_million)
        return;
    connection->cut = core_random_below(core, 4) == 0 ? CORE_CUT_NOW : CORE_CUT_ON_REPLY;
    core->stats.cuts++;
}

void core_sent(struct core *core, u16 index, u64 bytes)
{
    struct core_connection *connection = &core->connections[index];
    MUST(connection->is_sending);
    connection->is_sending = false;
    core->stats.bytes_sent += bytes;
    while (bytes != 0) {
        struct core_frame *frame = connection->out.head;
        MUST(frame != NULL);
        const u64 part = MIN(bytes, (u64)(frame->length - connection->out_offset));
        bytes -= part;
        connection->out_offset += (u32)part;
        if (connection->out_offset < frame->length)
            break;
        connection->out_offset = 0;
        core_list_remove(&connection->out, frame);
        core_list_push(&connection->flight, frame);
        frame->state = CORE_FRAME_FLIGHT;
        core->stats.frames_sent++;
        if (frame->kind == CORE_FRAME_CALLS)
            maybe_cut(core, connection);
    }
    MUST(bytes == 0);
}
