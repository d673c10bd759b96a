/* load: see the header. In order: load_run, one turn, sending, answers, open loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load.h"

#include "bench/load_checkout.h"

#include "bench/common/bench_socket.h"
#include "bench/peers/peer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define EVENTS_MAX    2048u
#define RING_ENTRIES  4096u
#define BUFFER_COUNT  1024u
#define BUFFER_BYTES  (16u << 10)
#define BACKLOG_MAX   (1u << 20)
#define DRAIN_NS      (500 * NS_PER_MS)
#define SPIN_BELOW_NS 50000u /* an open loop sleeps only when nothing is due for longer */
#define SILENCE_NS    (10 * NS_PER_S)

static int fail(struct load *load, int error, const char *reason)
{
    if (load->result->reason[0] == 0)
        (void)snprintf(load->result->reason, LOAD_REASON_BYTES, "%s: %s", reason,
                       strerror(error < 0 ? -error : error));
    return error < 0 ? error : -error;
}

static int open_connection(struct load *load, struct load_connection *connection)
{
    const u32 inflight = load->options.inflight;
    const u32 bytes = ROUND_UP(inflight * load->frame_bytes, 4096u);
    const int fd = connection->link.fd;
    int error = bench_link_open(&connection->link, fd, bytes, FRAME_BYTES_MAX);
    if (error != 0)
        return error;
    connection->free_slots = calloc(inflight, sizeof *connection->free_slots);
    connection->sent_ns = calloc(inflight, sizeof *connection->sent_ns);
    if (connection->free_slots == NULL || connection->sent_ns == NULL)
        return -ENOMEM;
    for (u32 b = 0; b < 2; b++)
        for (u32 i = 0; i < inflight; i++)
            load->protocol->frame_init(load, connection,
                                       connection->link.out[b] + (size_t)i * load->frame_bytes);
    for (u32 i = 0; i < inflight; i++)
        connection->free_slots[i] = (u16)(inflight - 1 - i);
    connection->free_count = (u16)inflight;
    bench_ring_recv(&load->ring, &connection->link);
    return 0;
}

/* Puts one more frame into the send buffer of a connection that has a free slot. */
static void send_frame(struct load *load, struct load_connection *connection, u64 since_ns)
{
    MUST(connection->free_count != 0);
    u8 *frame = bench_link_room(&connection->link, load->frame_bytes);
    MUST(frame != NULL); /* a buffer has as many frames as there are slots */
    const u16 slot = connection->free_slots[--connection->free_count];
    connection->sent_ns[slot] = since_ns;
    load->protocol->frame_next(load, connection, frame, slot);
    bench_link_commit(&connection->link, load->frame_bytes);
    load->outstanding++;
}

void load_answered(struct load *load, struct load_connection *connection, u16 slot, u32 records)
{
    MUST(connection->free_count < load->options.inflight);
    struct load_result *result = load->result;
    result->ops += records;
    result->frames++;
    bench_histogram_add(&result->latency, load->now_ns - connection->sent_ns[slot]);
    connection->free_slots[connection->free_count++] = slot;
    load->outstanding--;
}

/* Draws the time to the next frame of a Poisson stream. */
static u64 next_gap_ns(struct load *load)
{
    const double uniform = ((double)(load_random(&load->random) >> 11) + 1.0) * 0x1p-53;
    return (u64)(-log(uniform) * (double)NS_PER_S / load->options.rate);
}

/* Open loop: frames that are due go to the next connection with a free slot, the rest waits. */
static void send_due(struct load *load)
{
    for (; load->due_ns <= load->now_ns; load->due_ns += next_gap_ns(load))
        if (load->backlog_tail - load->backlog_head < BACKLOG_MAX)
            load->backlog[load->backlog_tail++ % BACKLOG_MAX] = load->due_ns;
    const u32 count = load->options.connections;
    for (u32 full = 0; load->backlog_head != load->backlog_tail && full < count;) {
        struct load_connection *connection = &load->connections[load->next_connection];
        load->next_connection = (load->next_connection + 1) % count;
        if (connection->free_count == 0) {
            full++;
            continue;
        }
        full = 0;
        const u64 since_ns = load->backlog[load->backlog_head++ % BACKLOG_MAX];
        load->result->late_ns_max = MAX(load->result->late_ns_max, load->now_ns - since_ns);
        send_frame(load, connection, since_ns);
    }
}

static void send_all(struct load *load)
{
    if (load->options.rate > 0 && !load->is_draining)
        send_due(load);
    for (u32 i = 0; i < load->options.connections; i++) {
        struct load_connection *connection = &load->connections[i];
        if (load->options.rate <= 0 && !load->is_draining)
            while (connection->free_count != 0)
                send_frame(load, connection, load->now_ns);
        bench_link_flush(&load->ring, &connection->link);
    }
}

static int on_recv(struct load *load, const struct bench_ring_event *event)
{
    struct load_connection *connection = (struct load_connection *)event->link;
    if (event->result > 0 && event->has_buffer) {
        const bool is_sane =
            load->protocol->on_bytes(load, connection, event->data, (u32)event->result);
        bench_ring_return(&load->ring, event->buffer);
        if (!is_sane)
            return fail(load, EPROTO, "the server's reply makes no sense");
    } else if (event->result != -ENOBUFS) {
        return fail(load, event->result == 0 ? EPIPE : -event->result, "connection lost");
    }
    if (event->is_last)
        bench_ring_recv(&load->ring, &connection->link);
    return 0;
}

static int on_event(struct load *load, const struct bench_ring_event *event)
{
    switch (event->kind) {
    case BENCH_RING_RECV: return on_recv(load, event);
    case BENCH_RING_SEND:
        bench_link_sent(&load->ring, event->link, event->result);
        if (event->link->is_closed)
            return fail(load, EPIPE, "the server has closed the connection");
        return 0;
    case BENCH_RING_ACCEPT:
    case BENCH_RING_WRITE:
    case BENCH_RING_KIND_MASK: break;
    }
    return 0;
}

static u64 wait_ns(const struct load *load)
{
    if (load->options.rate <= 0 || load->is_draining)
        return NS_PER_S;
    const u64 now_ns = bench_now_ns();
    return load->due_ns < now_ns + SPIN_BELOW_NS ? 0 : load->due_ns - now_ns;
}

/* Turns until `until_ns`, or when draining until everything is answered. */
static int turn_until(struct load *load, u64 until_ns, struct bench_ring_event *events)
{
    u64 heard_ns = load->now_ns;
    while (load->now_ns < until_ns && !(load->is_draining && load->outstanding == 0)) {
        send_all(load);
        const i32 count = bench_ring_turn(&load->ring, wait_ns(load), events, EVENTS_MAX);
        if (count < 0)
            return fail(load, count, "ring");
        load->now_ns = bench_now_ns();
        load->result->turns++;
        for (i32 i = 0; i < count; i++) {
            const int error = on_event(load, &events[i]);
            if (error != 0)
                return error;
        }
        if (count != 0 || load->outstanding == 0)
            heard_ns = load->now_ns;
        if (load->now_ns - heard_ns > SILENCE_NS)
            return fail(load, ETIMEDOUT, "no reply for ten seconds");
    }
    return 0;
}

/* Warm-up, the measured time, and draining, so that nothing is cut off in the middle. */
static int measure(struct load *load)
{
    struct bench_ring_event *events = calloc(EVENTS_MAX, sizeof *events);
    if (events == NULL)
        return fail(load, ENOMEM, "memory");
    load->now_ns = load->due_ns = bench_now_ns();
    int error = turn_until(load, load->now_ns + load->options.warmup_ns, events);
    if (error == 0) {
        const struct load_use from = load_use_read(&load->options);
        load_use_clear(load->result);
        load->now_ns = bench_now_ns();
        error = turn_until(load, load->now_ns + load->options.seconds_ns, events);
        const struct load_use to = load_use_read(&load->options);
        load_use_store(load->result, &from, &to);
    }
    if (error == 0) {
        /* What is answered from here on is not counted: keep the figures. */
        struct load_result *kept = load->result;
        struct load_result *scratch = calloc(1, sizeof *scratch);
        if (scratch != NULL) {
            load->result = scratch;
            load->is_draining = true;
            error = turn_until(load, load->now_ns + DRAIN_NS, events);
            load->result = kept;
            free(scratch);
        }
    }
    free(events);
    return error;
}

static int open_load(struct load *load)
{
    int error = bench_ring_open(&load->ring, RING_ENTRIES, BUFFER_COUNT, BUFFER_BYTES);
    if (error != 0)
        return fail(load, error, "io_uring");
    load->connections =
        aligned_alloc(64, ROUND_UP(load->options.connections * sizeof *load->connections, 64u));
    if (load->connections == NULL)
        return fail(load, ENOMEM, "memory");
    memset(load->connections, 0, load->options.connections * sizeof *load->connections);
    for (u32 i = 0; i < load->options.connections; i++) {
        load->connections[i].load = load;
        load->connections[i].index = i;
        load->connections[i].link.fd = -1;
    }
    if (load->options.rate > 0) {
        load->backlog = calloc(BACKLOG_MAX, sizeof *load->backlog);
        if (load->backlog == NULL)
            return fail(load, ENOMEM, "memory");
    }
    error = load->protocol->open(load);
    if (error != 0)
        return fail(load, error, load->options.address);
    load->frame_bytes = load->protocol->frame_bytes(load);
    for (u32 i = 0; i < load->options.connections && error == 0; i++)
        error = open_connection(load, &load->connections[i]);
    return error == 0 ? 0 : fail(load, error, "connection");
}

static void close_load(struct load *load)
{
    bench_ring_close(&load->ring);
    for (u32 i = 0; load->connections != NULL && i < load->options.connections; i++) {
        struct load_connection *connection = &load->connections[i];
        bench_link_close(&connection->link);
        free(connection->free_slots);
        free(connection->sent_ns);
        free(connection->state);
    }
    load->protocol->close(load);
    free(load->connections);
    free(load->backlog);
}

int load_run(const struct load_options *options, struct load_result *result)
{
    memset(result, 0, sizeof *result);
    struct load load = {.options = *options, .result = result, .random = options->seed | 1};
    const struct peer *peer = options->peer == NULL ? NULL : peer_find(options->peer);
    if (options->peer != NULL && peer == NULL)
        return fail(&load, EINVAL, options->peer);
    if (peer != NULL && peer->run != NULL)
        return peer->run(options, result);
    if (peer == NULL && options->op == LOAD_OP_CHECKOUT)
        return load_checkout_run(options, result);
    load.protocol = peer == NULL ? &load_souk_protocol : peer->protocol;
    if (options->connections == 0 || options->connections > LOAD_CONNECTIONS_MAX ||
        options->inflight == 0 || options->inflight > LOAD_INFLIGHT_MAX || options->records == 0 ||
        options->records > FRAME_RECORDS_MAX || options->sku_count == 0)
        return fail(&load, EINVAL, "connections, inflight, records or skus out of range");
    int error = bench_pin(options->cpu);
    if (error != 0)
        return fail(&load, error, "pin");
    error = open_load(&load);
    if (error == 0)
        error = measure(&load);
    close_load(&load);
    return error;
}
