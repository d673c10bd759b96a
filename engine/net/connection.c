/* connection: input, output and life of one socket. See connection.h; the table and the steps of a
 * turn are in connection_table.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/connection.h"

#include <string.h>
#include <sys/socket.h>

#include "engine/net/dispatch.h"
#include "engine/reactor.h"

/* ---- input ----------------------------------------------------------------------------------- */

/* May frames of this connection be served at this moment? */
static bool is_served(const struct connection *connection)
{
    return !connection->is_stalled && !connection->is_deaf &&
           (connection->state == CONNECTION_STATE_OPEN ||
            connection->state == CONNECTION_STATE_ENDING);
}

static void note_arrival(struct connection *connection, u64 end)
{
    const u64 now = connection->reactor->turn_ns;
    if (connection->mark_count > 0 &&
        (connection->marks[connection->mark_count - 1].arrival_ns == now ||
         connection->mark_count == CONNECTION_MARKS)) {
        connection->marks[connection->mark_count - 1].end = end;
        return;
    }
    connection->marks[connection->mark_count++] =
        (struct arrival_mark){.end = end, .arrival_ns = now};
}

/* When the byte before `position` came. */
static u64 find_arrival(const struct connection *connection, u64 position)
{
    for (u32 i = 0; i < connection->mark_count; i++)
        if (connection->marks[i].end >= position)
            return connection->marks[i].arrival_ns;
    return connection->reactor->turn_ns;
}

static void drop_input(struct connection *connection, u32 count)
{
    connection->input_position += count;
    buffer_drop(&connection->reactor->buffers, &connection->input, count);
    u32 gone = 0;
    while (gone < connection->mark_count &&
           connection->marks[gone].end <= connection->input_position)
        gone++;
    connection->mark_count = (u16)(connection->mark_count - gone);
    memmove(connection->marks, connection->marks + gone,
            connection->mark_count * sizeof connection->marks[0]);
}

static void keep_input(struct connection *connection, const u8 *bytes, u32 count)
{
    if (count == 0)
        return;
    struct buffer *input = &connection->input;
    memcpy(buffer_room(&connection->reactor->buffers, input, count), bytes, count);
    input->end += count;
    note_arrival(connection, connection->input_position + buffer_count(input));
}

static void discard_input(struct connection *connection)
{
    connection->is_deaf = true;
    connection->partial_since_ns = 0;
    connection->mark_count = 0;
    buffer_clear(&connection->reactor->buffers, &connection->input);
}

/* Serves whole frames from the front of `bytes`; returns how many bytes they had. `position` is that
 * of the first byte. After a fatal frame the connection is deaf. */
static u32 serve(struct connection *connection, const u8 *bytes, u32 count, u64 position)
{
    struct reactor *reactor = connection->reactor;
    u32 at = 0;
    while (count - at >= 8 && is_served(connection)) {
        u32 length;
        struct frame_refusal refusal;
        if (!frame_prefix_valid(bytes + at, &length, &refusal)) {
            dispatch_garbage(reactor, connection, &refusal);
            discard_input(connection);
            connection_end(connection);
            return count;
        }
        if (count - at < length)
            break;
        if (buffer_count(&connection->filling) + buffer_count(&connection->sending) >
            CONNECTION_OUTPUT_MAX) {
            connection_stall(connection);
            break;
        }
        const u64 arrival_ns = find_arrival(connection, position + at + length);
        const enum dispatch_result result =
            dispatch_frame(reactor, connection, bytes + at, length, arrival_ns);
        if (result == DISPATCH_WAIT) {
            connection_stall(connection);
            break;
        }
        at += length;
        connection->is_head_valid = false;
        if (result == DISPATCH_FATAL) {
            discard_input(connection);
            connection_end(connection);
            return count;
        }
        if (result == DISPATCH_MOVE) {
            connection->state = CONNECTION_STATE_MOVING;
            connection_touch(connection);
        }
    }
    return at;
}

/* Bytes that the frame at the front of the input still lacks, 0 when it is whole. */
static u32 missing_bytes(const struct connection *connection)
{
    const u32 have = buffer_count(&connection->input);
    if (have < 8)
        return 8 - have;
    u32 length;
    struct frame_refusal refusal;
    if (!frame_prefix_valid(connection->input.bytes + connection->input.begin, &length, &refusal))
        return 0;
    return have < length ? length - have : 0;
}

static void serve_input(struct connection *connection)
{
    struct buffer *input = &connection->input;
    if (input->bytes == NULL)
        return;
    const u32 served = serve(connection, input->bytes + input->begin, buffer_count(input),
                             connection->input_position);
    if (!connection->is_deaf)
        drop_input(connection, served);
}

/* Starts or stops the clock of a frame that is not whole. */
static void note_partial(struct connection *connection)
{
    if (!is_served(connection) || buffer_count(&connection->input) == 0) {
        connection->partial_since_ns = 0;
    } else if (connection->partial_since_ns == 0 ||
               connection->partial_position != connection->input_position) {
        connection->partial_since_ns = connection->reactor->turn_ns;
        connection->partial_position = connection->input_position;
    }
}

void connection_received(struct connection *connection, const u8 *bytes, u32 count)
{
    metric_add(&connection->reactor->metrics->bytes_in, count);
    if (connection->is_deaf || connection->state == CONNECTION_STATE_CLOSING)
        return;
    /* A straddling frame first: only as many bytes as it lacks are copied. */
    while (count > 0 && is_served(connection) && buffer_count(&connection->input) > 0) {
        const u32 missing = missing_bytes(connection);
        const u32 take = MIN(missing, count);
        keep_input(connection, bytes, take);
        bytes += take;
        count -= take;
        serve_input(connection);
        if (missing == 0)
            break;
    }
    if (connection->is_deaf)
        return;
    /* The rest in place, if it lies well; a stream cut at an odd place is copied and then does. */
    if (buffer_count(&connection->input) == 0 && (uintptr_t)bytes % 8 == 0) {
        const u32 served = serve(connection, bytes, count, connection->input_position);
        if (connection->is_deaf)
            return;
        connection->input_position += served;
        keep_input(connection, bytes + served, count - served);
    } else {
        keep_input(connection, bytes, count);
        serve_input(connection);
    }
    note_partial(connection);
    if (buffer_count(&connection->input) > CONNECTION_INPUT_MAX)
        connection_touch(connection); /* settle stops the receiving */
}

void connection_resume(struct connection *connection)
{
    if (connection->state != CONNECTION_STATE_OPEN && connection->state != CONNECTION_STATE_ENDING)
        return;
    serve_input(connection);
    if (!connection->is_deaf)
        note_partial(connection);
    if (!connection->is_stalled)
        connection_touch(connection); /* settle receives again, or ends what waited for this */
}

/* ---- output ---------------------------------------------------------------------------------- */

u8 *connection_reply_room(struct connection *connection, u32 bytes)
{
    const u32 room =
        connection->filling.bytes == NULL ? MAX(bytes, connection->output_hint) : bytes;
    return buffer_room(&connection->reactor->buffers, &connection->filling, room);
}

void connection_reply_written(struct connection *connection, u32 bytes)
{
    MUST(connection->filling.capacity - connection->filling.end >= bytes);
    connection->filling.end += bytes;
    metric_add(&connection->reactor->metrics->replies, 1);
    connection_touch(connection);
}

/* ---- life ------------------------------------------------------------------------------------ */

bool connection_is_quiet(const struct connection *connection)
{
    return connection->recv_op.state == RING_STATE_FREE &&
           connection->send_op.state == RING_STATE_FREE && connection->in_flight == 0 &&
           buffer_count(&connection->filling) == 0 && buffer_count(&connection->sending) == 0;
}

void connection_end(struct connection *connection)
{
    if (connection->state != CONNECTION_STATE_OPEN && connection->state != CONNECTION_STATE_MOVING)
        return;
    connection->state = CONNECTION_STATE_ENDING;
    connection_touch(connection);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_STATE_CLOSING)
        return;
    MUST(connection->state != CONNECTION_STATE_FREE);
    connection->state = CONNECTION_STATE_CLOSING;
    discard_input(connection);
    buffer_clear(&connection->reactor->buffers, &connection->filling);
    ring_shutdown(connection->reactor->ring, connection->fd);
    ring_cancel(connection->reactor->ring, &connection->recv_op);
    ring_cancel(connection->reactor->ring, &connection->send_op);
    connection_touch(connection);
}
