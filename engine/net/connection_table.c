/* connection_table: all connections of a reactor, their completions, and the steps of a turn that go
 * over them. See connection.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "engine/net/connection.h"
#include "engine/net/handoff.h"
#include "engine/reactor.h"

#define SWEEP_COUNT 4096u /* connections looked at in one sweep */

static struct connection *of_recv(struct ring_op *op)
{
    return (struct connection *)(void *)((u8 *)op - offsetof(struct connection, recv_op));
}

static struct connection *of_send(struct ring_op *op)
{
    return (struct connection *)(void *)((u8 *)op - offsetof(struct connection, send_op));
}

/* ---- lists ----------------------------------------------------------------------------------- */

void connection_touch(struct connection *connection)
{
    struct connection_table *table = &connection->reactor->connections;
    if (connection->is_dirty)
        return;
    MUST(table->dirty_count < table->capacity);
    connection->is_dirty = true;
    table->dirty[table->dirty_count++] = connection->index;
}

void connection_stall(struct connection *connection)
{
    struct connection_table *table = &connection->reactor->connections;
    if (connection->is_stalled)
        return;
    MUST(table->stalled_count < table->capacity);
    connection->is_stalled = true;
    table->stalled[table->stalled_count++] = connection->index;
    metric_add(&connection->reactor->metrics->stalls, 1);
}

static void note_starved(struct connection *connection)
{
    struct connection_table *table = &connection->reactor->connections;
    if (connection->is_starved)
        return;
    MUST(table->starved_count < table->capacity);
    connection->is_starved = true;
    table->starved[table->starved_count++] = connection->index;
}

struct connection *connection_at(struct reactor *reactor, u32 index)
{
    const struct connection_table *table = &reactor->connections;
    MUST(index < table->capacity);
    return &table->chunks[index / CONNECTION_CHUNK][index % CONNECTION_CHUNK];
}

struct connection *connection_find(struct reactor *reactor, u32 index, u32 generation)
{
    struct connection *connection = connection_at(reactor, index);
    if (connection->generation != generation || connection->state == CONNECTION_STATE_FREE ||
        connection->state == CONNECTION_STATE_CLOSING)
        return NULL;
    return connection;
}

static void *must_grow(void *array, size_t bytes)
{
    void *grown = realloc(array, bytes);
    if (grown == NULL)
        PANIC("no memory for the connection table");
    return grown;
}

static void grow_table(struct reactor *reactor)
{
    struct connection_table *table = &reactor->connections;
    table->chunks = must_grow(table->chunks, (table->chunk_count + 1) * sizeof table->chunks[0]);
    struct connection *chunk = calloc(CONNECTION_CHUNK, sizeof *chunk);
    if (chunk == NULL)
        PANIC("no memory for the connection table");
    table->chunks[table->chunk_count++] = chunk;
    const u32 from = table->capacity;
    table->capacity += CONNECTION_CHUNK;
    const size_t bytes = table->capacity * sizeof(u32);
    table->free_indexes = must_grow(table->free_indexes, bytes);
    table->stalled = must_grow(table->stalled, bytes);
    table->dirty = must_grow(table->dirty, bytes);
    table->starved = must_grow(table->starved, bytes);
    for (u32 i = CONNECTION_CHUNK; i-- > 0;) {
        chunk[i].reactor = reactor;
        chunk[i].index = from + i;
        chunk[i].fd = -1;
        table->free_indexes[table->free_count++] = from + i;
    }
}

/* ---- completions ----------------------------------------------------------------------------- */

static void on_recv_done(struct ring_op *op, const struct ring_completion *completion)
{
    struct connection *connection = of_recv(op);
    struct reactor *reactor = connection->reactor;
    if (completion->data != NULL) {
        MUST(reactor->received_count < REACTOR_RECEIVED);
        reactor->received[reactor->received_count++] =
            (struct received){.connection = connection,
                              .bytes = completion->data,
                              .count = (u32)completion->result,
                              .buffer = completion->buffer};
    } else if (completion->result == 0) {
        connection->has_ended = true;
        connection_end(connection); /* what came before is still served and answered */
    } else if (completion->is_starved) {
        note_starved(connection);
    } else if (completion->result != -ECANCELED && completion->result != -EINTR &&
               completion->result != -EAGAIN) {
        connection->has_ended = true;
        connection_close(connection);
    }
    if (completion->is_last)
        connection_touch(connection);
}

static void send_rest(struct connection *connection)
{
    ring_send(connection->reactor->ring, &connection->send_op, connection->fd,
              connection->sending.bytes + connection->sending.begin,
              buffer_count(&connection->sending));
    metric_add(&connection->reactor->metrics->sends, 1);
}

static void on_send_done(struct ring_op *op, const struct ring_completion *completion)
{
    struct connection *connection = of_send(op);
    struct reactor *reactor = connection->reactor;
    connection_touch(connection);
    if (completion->result <= 0 || connection->state == CONNECTION_STATE_CLOSING) {
        const i32 result = completion->result;
        if (result == -EINTR || result == -EAGAIN) {
            if (connection->state != CONNECTION_STATE_CLOSING) {
                send_rest(connection);
                return;
            }
        }
        buffer_clear(&reactor->buffers, &connection->sending);
        connection_close(connection);
        return;
    }
    metric_add(&reactor->metrics->bytes_out, (u64)completion->result);
    connection->send_since_ns = reactor->now_ns;
    buffer_drop(&reactor->buffers, &connection->sending, (u32)completion->result);
    if (buffer_count(&connection->sending) > 0)
        send_rest(connection);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct connection *connection_open(struct reactor *reactor, int fd, bool is_tcp)
{
    struct connection_table *table = &reactor->connections;
    if (table->free_count == 0)
        grow_table(reactor);
    struct connection *connection =
        connection_at(reactor, table->free_indexes[--table->free_count]);
    MUST(connection->state == CONNECTION_STATE_FREE && connection->fd == -1);
    const u32 index = connection->index, generation = connection->generation + 1;
    const struct ring_op recv_op = connection->recv_op, send_op = connection->send_op;
    *connection = (struct connection){
        .recv_op = recv_op,
        .send_op = send_op,
        .reactor = reactor,
        .index = index,
        .generation = generation,
        .fd = fd,
        .state = CONNECTION_STATE_OPEN,
        .is_tcp = is_tcp,
        .send_since_ns = reactor->now_ns,
        /* the slot may still stand in a list from its last life; the list will find it unchanged */
        .is_stalled = connection->is_stalled,
        .is_starved = connection->is_starved,
        .is_dirty = connection->is_dirty,
    };
    connection->recv_op.done = on_recv_done;
    connection->send_op.done = on_send_done;
    table->open_count++;
    metric_add(&reactor->metrics->connections_opened, 1);
    ring_recv(reactor->ring, &connection->recv_op, fd);
    return connection;
}

void connection_detach(struct connection *connection)
{
    struct reactor *reactor = connection->reactor;
    struct connection_table *table = &reactor->connections;
    MUST(connection->recv_op.state == RING_STATE_FREE); /* N2 */
    MUST(connection->send_op.state == RING_STATE_FREE);
    buffer_clear(&reactor->buffers, &connection->input);
    buffer_clear(&reactor->buffers, &connection->filling);
    buffer_clear(&reactor->buffers, &connection->sending);
    connection->state = CONNECTION_STATE_FREE;
    connection->fd = -1;
    MUST(table->open_count > 0 && table->free_count < table->capacity);
    table->open_count--;
    table->free_indexes[table->free_count++] = connection->index;
    metric_add(&reactor->metrics->connections_closed, 1);
}

/* ---- settle: one send, one receive, or the next step of an end ------------------------------- */

static void start_send(struct connection *connection)
{
    struct buffer *filling = &connection->filling;
    if (connection->send_op.state != RING_STATE_FREE || buffer_count(filling) == 0)
        return;
    MUST(buffer_count(&connection->sending) == 0); /* N1 */
    connection->output_hint = buffer_count(filling);
    connection->sending = *filling;
    *filling = (struct buffer){0};
    connection->send_since_ns = connection->reactor->now_ns;
    send_rest(connection);
}

static void adjust_receive(struct connection *connection)
{
    struct ring *ring = connection->reactor->ring;
    if (connection->recv_op.state == RING_STATE_FREE) {
        if (!connection->has_ended && !connection->is_starved &&
            buffer_count(&connection->input) <= CONNECTION_INPUT_MAX)
            ring_recv(ring, &connection->recv_op, connection->fd);
    } else if (buffer_count(&connection->input) > CONNECTION_INPUT_MAX) {
        ring_cancel(ring, &connection->recv_op); /* N4 */
    }
}

static void settle_ending(struct connection *connection)
{
    if (connection->is_stalled || connection->in_flight > 0 ||
        buffer_count(&connection->filling) > 0 || buffer_count(&connection->sending) > 0) {
        if (!connection->has_ended)
            adjust_receive(connection);
        return;
    }
    if (connection->has_ended || connection->reactor->phase >= REACTOR_PHASE_LEAVING) {
        connection_close(connection);
        return;
    }
    /* A close with unread input would reset the stream and take the last answer with it. So the
     * peer is told the end, and its input thrown away until it closes too. */
    connection->state = CONNECTION_STATE_LINGERING;
    connection->is_deaf = true;
    connection->send_since_ns = connection->reactor->now_ns;
    buffer_clear(&connection->reactor->buffers, &connection->input);
    (void)shutdown(connection->fd, SHUT_WR);
    adjust_receive(connection);
}

static void settle(struct connection *connection)
{
    switch ((enum connection_state)connection->state) {
    case CONNECTION_STATE_FREE: break;
    case CONNECTION_STATE_OPEN:
        start_send(connection);
        adjust_receive(connection);
        break;
    case CONNECTION_STATE_ENDING:
        start_send(connection);
        settle_ending(connection);
        break;
    case CONNECTION_STATE_LINGERING:
        if (connection->has_ended)
            connection_close(connection);
        else
            adjust_receive(connection);
        break;
    case CONNECTION_STATE_MOVING:
        start_send(connection);
        ring_cancel(connection->reactor->ring, &connection->recv_op);
        if (connection_is_quiet(connection))
            handoff_send(connection->reactor, connection);
        break;
    case CONNECTION_STATE_CLOSING: break;
    }
    if (connection->state == CONNECTION_STATE_CLOSING &&
        connection->recv_op.state == RING_STATE_FREE &&
        connection->send_op.state == RING_STATE_FREE) {
        ring_close_fd(connection->reactor->ring, connection->fd);
        connection_detach(connection);
    }
}

void connection_settle_all(struct reactor *reactor)
{
    struct connection_table *table = &reactor->connections;
    for (u32 i = 0; i < table->dirty_count; i++) {
        struct connection *connection = connection_at(reactor, table->dirty[i]);
        MUST(connection->is_dirty);
        settle(connection);
        connection->is_dirty = false; /* after settle, so that it cannot add itself again */
    }
    table->dirty_count = 0;
}

void connection_resume_all(struct reactor *reactor)
{
    struct connection_table *table = &reactor->connections;
    const u32 count = table->stalled_count;
    if (count == 0)
        return;
    /* Those that stall again go behind, in their old order: the list is rebuilt from its front. */
    table->stalled_count = 0;
    for (u32 i = 0; i < count; i++) {
        struct connection *connection = connection_at(reactor, table->stalled[i]);
        connection->is_stalled = false;
        connection_resume(connection);
    }
}

void connection_rearm_starved(struct reactor *reactor)
{
    struct connection_table *table = &reactor->connections;
    for (u32 i = 0; i < table->starved_count; i++) {
        struct connection *connection = connection_at(reactor, table->starved[i]);
        connection->is_starved = false;
        connection_touch(connection);
    }
    table->starved_count = 0;
}

/* ---- housekeeping ---------------------------------------------------------------------------- */

static bool is_stuck(const struct connection *connection, u64 now_ns)
{
    if (connection->state == CONNECTION_STATE_LINGERING)
        return now_ns - connection->send_since_ns > CONNECTION_LINGER_NS;
    if (connection->send_op.state != RING_STATE_FREE &&
        now_ns - connection->send_since_ns > CONNECTION_STUCK_NS)
        return true;
    return connection->partial_since_ns != 0 &&
           now_ns - connection->partial_since_ns > CONNECTION_STUCK_NS;
}

void connection_sweep(struct reactor *reactor)
{
    const u32 capacity = reactor->connections.capacity;
    const u32 count = MIN(capacity, SWEEP_COUNT);
    for (u32 i = 0; i < count; i++) {
        reactor->sweep_cursor = (reactor->sweep_cursor + 1) % capacity;
        struct connection *connection = connection_at(reactor, reactor->sweep_cursor);
        if (connection->state == CONNECTION_STATE_FREE ||
            connection->state == CONNECTION_STATE_CLOSING || !is_stuck(connection, reactor->now_ns))
            continue;
        if (connection->state != CONNECTION_STATE_LINGERING)
            metric_add(&reactor->metrics->connections_dropped, 1);
        connection_close(connection);
    }
}

void connection_end_all(struct reactor *reactor, bool now)
{
    for (u32 i = 0; i < reactor->connections.capacity; i++) {
        struct connection *connection = connection_at(reactor, i);
        if (connection->state == CONNECTION_STATE_FREE)
            continue;
        if (now)
            connection_close(connection);
        else
            connection_end(connection);
    }
}

void connection_table_deinit(struct reactor *reactor)
{
    struct connection_table *table = &reactor->connections;
    MUST(table->open_count == 0);
    for (u32 i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    free(table->chunks);
    free(table->free_indexes);
    free(table->stalled);
    free(table->dirty);
    free(table->starved);
    *table = (struct connection_table){0};
}
