/* load_checkout: see the header. In order: sending, answers, turns, setup, the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load_checkout.h"

#include "bench/common/bench_socket.h"
#include "bench/load_link.h"
#include "bench/souk_wire.h"
#include "proto/route.h"
#include "proto/saga.h"
#include "proto/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINES        3u
#define POLLS        64u
#define EVENTS_MAX   128
#define SILENCE_NS   (10 * NS_PER_S)
#define DRAIN_NS     (20 * NS_PER_S)
#define BODY_BYTES   (LINK_FRAME_BYTES - FRAME_HEADER_BYTES)
#define SETUP_PUTS   500u
#define GBP          826
#define PRICE_BASE   199u
#define PRICE_SPREAD 4800u
#define STOCK_PLENTY 1000000000u

enum client_phase {
    PHASE_IDLE,
    PHASE_CHECKOUT, /* sent, not answered */
    PHASE_WAITING,  /* for a worker to get its command */
    PHASE_EVENT     /* sent, not answered */
};

/* A shopper, or the worker of a shard. One frame is under way at most. */
struct client {
    struct link *link; /* workers: their own; shoppers: shared by --inflight of them */
    u16 shard;
    bool is_worker;
    bool is_polling;
    enum client_phase phase;
    bool is_expecting; /* its order has a command for the worker, or will have one soon */
    struct id128 session;
    u64 seq;
    struct id128 order;
    u64 user;
    u64 began_ns;
    i64 total;
    struct msg_command_poll_rsp early; /* a command that came before the answer that we wait for */
};

struct run {
    const struct load_options *options;
    struct load_result *result;
    struct souk_wire wire;
    struct link *links;
    u32 link_count;
    struct client *clients; /* shoppers, then workers */
    u32 shopper_count;
    u32 client_count;
    u64 *skus;
    int epoll;
    u32 *expecting; /* per shard: shoppers whose order has a command for the worker, or soon */
    u32 busy;
    bool is_draining;
    u64 now_ns;
    u64 wall_ms;
    u64 random;
};

static int fail(struct run *run, int error, const char *reason)
{
    if (run->result->reason[0] == 0)
        (void)snprintf(run->result->reason, LOAD_REASON_BYTES, "%s", reason);
    return error;
}

static i64 price_of(u64 index)
{
    return (i64)(PRICE_BASE + index * 7919 % PRICE_SPREAD);
}

/* ---- sending ---- */

static int send_frame(struct run *run, struct client *client, u16 opcode, u32 count, u32 body_bytes)
{
    const struct frame_header header = {.opcode = opcode,
                                        .record_count = (u16)count,
                                        .request_id = (u64)(client - run->clients),
                                        .session = client->session,
                                        .session_seq = client->seq + 1,
                                        .acked_seq = client->seq};
    client->seq++;
    const int error = link_put(client->link, header, body_bytes);
    return error == 0 ? 0 : fail(run, error, client->link->reason);
}

static i64 draw_lines(struct run *run, struct row_checkout_line *lines)
{
    u64 picked[LINES];
    i64 total = 0;
    for (u32 i = 0; i < LINES;) { /* ends: there are more SKUs than lines */
        picked[i] = load_random(&run->random) % run->options->sku_count;
        bool is_new = true;
        for (u32 j = 0; j < i; j++)
            is_new = is_new && picked[j] != picked[i];
        if (!is_new)
            continue;
        lines[i] = (struct row_checkout_line){.sku_id = run->skus[picked[i]],
                                              .quantity = 1 + (i64)(load_random(&run->random) % 3),
                                              .agreed_price = -1};
        total += lines[i].quantity * price_of(picked[i]);
        i++;
    }
    return total;
}

static void expect_command(struct run *run, struct client *client, bool is_expecting)
{
    run->expecting[client->shard] += (u32)is_expecting - (u32)client->is_expecting;
    client->is_expecting = is_expecting;
}

/* A user of the client's shard. */
static u64 draw_user(struct run *run, u16 shard)
{
    for (;;) { /* ends: every shard has users */
        const u64 user = 1 + (load_random(&run->random) >> 34);
        if (route_shard(route_hash_u64(user), run->wire.shard_count) == shard)
            return user;
    }
}

static int send_checkout(struct run *run, struct client *client)
{
    const struct message_info *info = message_find(OPCODE_CHECKOUT);
    struct row_checkout_line lines[LINES];
    client->total = draw_lines(run, lines);
    client->user = draw_user(run, client->shard);
    /* A user's orders of one millisecond differ by shopper, and a shopper has one at a time. */
    client->order = (struct id128){.high = client->user,
                                   .low = run->wall_ms << 16 | (u64)(client - run->clients)};
    client->began_ns = run->now_ns;
    client->phase = PHASE_CHECKOUT;
    expect_command(run, client, true);
    client->early.head.status = STATUS_NONE_READY;
    struct row_tender tender = {.amount = client->total};
    tender.token = text64_of("pm_card_visa", 12);
    const struct msg_checkout_req ask = {
        .order = client->order, .expected_total = client->total, .currency = GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines, sizeof lines},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)&tender, sizeof tender},
        [SPAN_OF(checkout_req, address)] = {(const u8 *)"1 Market Street", 15},
    };
    const u32 bytes = frame_record_write(info, FRAME_DIRECTION_REQUEST, link_body(client->link),
                                         BODY_BYTES, &ask, spans);
    return send_frame(run, client, OPCODE_CHECKOUT, 1, bytes);
}

static int send_event(struct run *run, struct client *client,
                      const struct msg_command_poll_rsp *command)
{
    const bool is_auth = command->kind == COMMAND_KIND_AUTHORIZE;
    if (!is_auth && command->kind != COMMAND_KIND_CAPTURE)
        return fail(run, -EPROTO, "a command that nobody should have been given");
    char text[64];
    const int length = snprintf(text, sizeof text, "psp-%llx-%u",
                                (unsigned long long)client->order.low, command->step);
    struct msg_payment_event_req event = {.order = client->order,
                                          .lease = command->lease,
                                          .amount = command->amount,
                                          .step = command->step,
                                          .attempt = command->attempt,
                                          .kind = is_auth ? PAYMENT_EVENT_AUTHORIZED
                                                          : PAYMENT_EVENT_CAPTURED,
                                          .tender = command->tender,
                                          .currency = command->currency};
    event.reference = text64_of(text, (size_t)length);
    client->phase = PHASE_EVENT;
    expect_command(run, client, is_auth);
    client->early.head.status = STATUS_NONE_READY;
    const struct span none[MESSAGE_SPANS_MAX] = {{NULL, 0}};
    const u32 bytes =
        frame_record_write(message_find(OPCODE_PAYMENT_EVENT), FRAME_DIRECTION_REQUEST,
                           link_body(client->link), BODY_BYTES, &event, none);
    return send_frame(run, client, OPCODE_PAYMENT_EVENT, 1, bytes);
}

static int send_poll(struct run *run, struct client *worker)
{
    const struct msg_command_poll_req ask = {0};
    const u32 count = MIN(POLLS, run->expecting[worker->shard]);
    u8 *body = link_body(worker->link);
    for (u32 i = 0; i < count; i++)
        memcpy(body + (size_t)i * sizeof ask, &ask, sizeof ask);
    worker->is_polling = true;
    return send_frame(run, worker, OPCODE_COMMAND_POLL, count, count * (u32)sizeof ask);
}

/* ---- answers ---- */

static int begin_or_rest(struct run *run, struct client *client)
{
    if (!run->is_draining)
        return send_checkout(run, client);
    client->phase = PHASE_IDLE;
    run->busy--;
    return 0;
}

static int finish(struct run *run, struct client *client, u16 status)
{
    struct load_result *result = run->result;
    result->ops++;
    result->frames++;
    result->statuses[MIN(status, LOAD_STATUS_MAX - 1u)]++;
    result->granted += status == STATUS_OK;
    bench_histogram_add(&result->latency, run->now_ns - client->began_ns);
    expect_command(run, client, false);
    return begin_or_rest(run, client);
}

/* The order waits for a worker, unless one was faster than the answer that we have now. */
static int await_command(struct run *run, struct client *client)
{
    if (client->early.head.status == STATUS_OK) {
        const struct msg_command_poll_rsp command = client->early;
        return send_event(run, client, &command);
    }
    client->phase = PHASE_WAITING;
    return 0;
}

static int on_state(struct run *run, struct client *client, u16 state, u16 reason)
{
    switch (state) {
    case SAGA_STATE_HOLDING:
    case SAGA_STATE_AUTHORIZING:
    case SAGA_STATE_CAPTURING: return await_command(run, client);
    case SAGA_STATE_PAID: return finish(run, client, STATUS_OK);
    case SAGA_STATE_COMPENSATING:
    case SAGA_STATE_CANCELLED: return finish(run, client, reason);
    default: return fail(run, -EPROTO, "an order is in a state that it should not be in");
    }
}

static int on_shopper(struct run *run, struct client *client, const u8 *body)
{
    if (client->phase == PHASE_CHECKOUT) {
        struct msg_checkout_rsp reply;
        memcpy(&reply, body, sizeof reply);
        if (reply.head.status != STATUS_OK)
            return fail(run, -EPROTO, status_name(reply.head.status));
        return on_state(run, client, reply.state, reply.reason);
    }
    struct msg_payment_event_rsp reply;
    memcpy(&reply, body, sizeof reply);
    if (client->phase != PHASE_EVENT || reply.head.status != STATUS_OK)
        return fail(run, -EPROTO, "an event was refused");
    return on_state(run, client, reply.state, 0);
}

static struct client *client_of(struct run *run, const struct msg_command_poll_rsp *command)
{
    const u64 index = command->order.low & 0xFFFF;
    if (index >= run->shopper_count || !id128_equal(run->clients[index].order, command->order))
        return NULL;
    return &run->clients[index];
}

static int on_worker(struct run *run, struct client *worker, const u8 *body, u32 count)
{
    int error = 0;
    worker->is_polling = false;
    run->result->turns++;
    for (u32 i = 0; i < count && error == 0; i++) {
        struct msg_command_poll_rsp command;
        memcpy(&command, body + (size_t)i * sizeof command, sizeof command);
        if (command.head.status != STATUS_OK)
            continue;
        struct client *client = client_of(run, &command);
        if (client == NULL)
            return fail(run, -EPROTO, "a command of nobody's order");
        expect_command(run, client, false);
        if (client->phase == PHASE_WAITING)
            error = send_event(run, client, &command);
        else
            client->early = command;
    }
    return error;
}

static int on_frame(struct run *run, const u8 *frame)
{
    const struct frame_header header = frame_header_read(frame);
    if (header.request_id >= run->client_count)
        return fail(run, -EPROTO, "a reply to something that was not asked");
    struct client *client = &run->clients[header.request_id];
    const u8 *body = frame + FRAME_HEADER_BYTES;
    return client->is_worker ? on_worker(run, client, body, header.record_count)
                             : on_shopper(run, client, body);
}

static int on_readable(struct run *run, struct link *link)
{
    int error = link_read(link);
    for (const u8 *frame; error == 0 && (frame = link_next(link, &error)) != NULL;)
        error = on_frame(run, frame);
    return error == 0 ? 0 : fail(run, error, link->reason);
}

/* ---- turns ---- */

/* A worker asks as long as there is something to expect, without waiting to hear of it: the poll then
 * shares a log write with the frame that makes the command. */
static int poll_commands(struct run *run)
{
    int error = 0;
    for (u32 i = run->shopper_count; i < run->client_count && error == 0; i++) {
        struct client *worker = &run->clients[i];
        if (!worker->is_polling && run->expecting[worker->shard] != 0)
            error = send_poll(run, worker);
    }
    return error;
}

/* Workers' links are the last: what is asked for on the others comes first. */
static int flush_links(struct run *run)
{
    int error = 0;
    for (u32 i = 0; i < run->link_count && error == 0; i++) {
        error = link_flush(&run->links[i]);
        if (error != 0)
            error = fail(run, error, run->links[i].reason);
    }
    return error;
}

static int turn_until(struct run *run, u64 until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    u64 heard_ns = run->now_ns = bench_now_ns();
    while (run->now_ns < until_ns && !(run->is_draining && run->busy == 0)) {
        int error = poll_commands(run);
        if (error == 0)
            error = flush_links(run);
        if (error != 0)
            return error;
        const int count = epoll_wait(run->epoll, events, EVENTS_MAX, 100);
        run->now_ns = bench_now_ns();
        struct timespec wall;
        (void)clock_gettime(CLOCK_REALTIME, &wall);
        run->wall_ms = (u64)wall.tv_sec * 1000 + (u64)wall.tv_nsec / 1000000;
        for (int i = 0; i < count && error == 0; i++)
            error = on_readable(run, &run->links[events[i].data.u32]);
        if (error != 0)
            return error;
        if (count > 0)
            heard_ns = run->now_ns;
        if (run->now_ns - heard_ns > SILENCE_NS)
            return fail(run, -ETIMEDOUT, "no answer for ten seconds");
    }
    return 0;
}

/* ---- setup and end ---- */

static int set_up_shard(struct run *run, struct client *client)
{
    struct souk_wire *wire = &run->wire;
    const struct message_info *put_info = message_find(OPCODE_SKU_PUT);
    const i64 stock = run->options->stock != 0 ? run->options->stock : STOCK_PLENTY;
    int error = 0;
    u32 next = 0;
    while (next < run->options->sku_count && error == 0) { /* ends: next grows */
        u32 count = 0, bytes = 0, received = 0;
        static struct msg_stock_receive_req receives[SETUP_PUTS];
        for (; next < run->options->sku_count && count < SETUP_PUTS; next++) {
            char code[CODE_BYTES_MAX];
            const int length = snprintf(code, sizeof code, "C%08u", next);
            const struct resource key = {.id = run->skus[next]};
            if (route_shard(route_hash_resource(key), wire->shard_count) != client->shard)
                continue;
            const struct msg_sku_put_req put = {
                .resource = key, .price = price_of(next), .currency = GBP};
            const struct span span = {(const u8 *)code, (u32)length};
            bytes += frame_record_write(put_info, FRAME_DIRECTION_REQUEST,
                                        wire->frame + FRAME_HEADER_BYTES + bytes,
                                        FRAME_BYTES_MAX - FRAME_HEADER_BYTES - bytes, &put, &span);
            receives[received++] =
                (struct msg_stock_receive_req){.resource = key, .quantity = stock};
            count++;
        }
        if (count == 0)
            break;
        struct frame_header header = {.opcode = OPCODE_SKU_PUT,
                                      .shard = client->shard,
                                      .record_count = (u16)count,
                                      .request_id = 1,
                                      .session = client->session,
                                      .session_seq = client->seq + 1,
                                      .acked_seq = client->seq};
        client->seq++;
        error = souk_wire_call(wire, client->link->fd, header, bytes);
        if (error != 0)
            break;
        memcpy(wire->frame + FRAME_HEADER_BYTES, receives, received * sizeof *receives);
        header.opcode = OPCODE_STOCK_RECEIVE;
        header.session_seq = client->seq + 1;
        header.acked_seq = client->seq++;
        error = souk_wire_call(wire, client->link->fd, header, received * (u32)sizeof *receives);
    }
    return error;
}

static int open_links(struct run *run)
{
    run->links = calloc(run->link_count, sizeof *run->links);
    if (run->links == NULL)
        return fail(run, -ENOMEM, "memory");
    for (u32 i = 0; i < run->link_count; i++)
        run->links[i].fd = -1;
    for (u32 i = 0; i < run->link_count; i++) {
        struct link *link = &run->links[i];
        const bool is_worker = i >= run->options->connections;
        int error = link_open(link);
        if (error != 0)
            return fail(run, error, link->reason);
        link->shard =
            (u16)((is_worker ? i - run->options->connections : i) % run->wire.shard_count);
        error = souk_wire_hello(&run->wire, run->options->address, link->shard, &link->fd);
        if (error != 0)
            return fail(run, error, "the setup failed");
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, link->fd, &event) != 0)
            return fail(run, -errno, "epoll");
    }
    return 0;
}

static int open_client(struct run *run, u32 index)
{
    struct client *client = &run->clients[index];
    client->is_worker = index >= run->shopper_count;
    client->link = client->is_worker
                       ? &run->links[run->options->connections + index - run->shopper_count]
                       : &run->links[index % run->options->connections];
    client->shard = client->link->shard;
    int error = souk_wire_session(&run->wire, client->link->fd, client->shard, &client->session);
    if (error == 0 && client->is_worker && !run->options->skip_setup)
        error = set_up_shard(run, client);
    return error == 0 ? 0 : fail(run, error, "the setup failed");
}

static int open_run(struct run *run)
{
    const struct load_options *options = run->options;
    int fd = -1;
    int error = souk_wire_open(&run->wire);
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (error == 0)
        error = souk_wire_hello(&run->wire, options->address, SHARD_ANY, &fd);
    if (fd >= 0)
        (void)close(fd);
    if (error != 0)
        return fail(run, error, "no server answers");
    run->link_count = options->connections + run->wire.shard_count;
    run->shopper_count = options->connections * options->inflight;
    run->client_count = run->shopper_count + run->wire.shard_count;
    run->clients = calloc(run->client_count, sizeof *run->clients);
    run->expecting = calloc(run->wire.shard_count, sizeof *run->expecting);
    run->skus = calloc(options->sku_count, sizeof *run->skus);
    if (run->clients == NULL || run->expecting == NULL || run->skus == NULL)
        return fail(run, -ENOMEM, "memory");
    for (u32 i = 0; i < options->sku_count; i++) {
        char code[CODE_BYTES_MAX];
        run->skus[i] = id_from_code(code, (size_t)snprintf(code, sizeof code, "C%08u", i));
    }
    error = open_links(run);
    /* Workers first: they make the SKUs. */
    for (u32 i = 0; i < run->client_count && error == 0; i++)
        error = open_client(run, (run->shopper_count + i) % run->client_count);
    return error;
}

static void close_run(struct run *run)
{
    for (u32 i = 0; run->links != NULL && i < run->link_count; i++)
        link_close(&run->links[i]);
    free(run->links);
    free(run->clients);
    free(run->expecting);
    free(run->skus);
    (void)close(run->epoll);
    souk_wire_close(&run->wire);
}

/* Every shard's sums agree, and nothing is held. Messages on their way are waited for. */
static int verify(struct run *run)
{
    for (u32 i = run->shopper_count; i < run->client_count; i++) {
        const struct client *worker = &run->clients[i];
        for (u32 tries = 0;; tries++) { /* ends: tries */
            memset(run->wire.frame + FRAME_HEADER_BYTES, 0, sizeof(struct msg_verify_req));
            const struct frame_header header = {.opcode = OPCODE_VERIFY,
                                                .shard = worker->shard,
                                                .record_count = 1,
                                                .request_id = 1};
            const int error =
                souk_wire_call(&run->wire, worker->link->fd, header, sizeof(struct msg_verify_req));
            if (error != 0)
                return fail(run, error, "verify failed");
            struct msg_verify_rsp reply;
            memcpy(&reply, run->wire.reply + FRAME_HEADER_BYTES, sizeof reply);
            if (reply.violations != 0)
                return fail(run, -EPROTO, "a shard's sums do not agree");
            if (reply.held == 0)
                break;
            if (tries == 100)
                return fail(run, -EPROTO, "holds were left behind");
            (void)usleep(20000);
        }
    }
    return 0;
}

/* After the measured time: what is under way is finished, uncounted, then everything is checked. */
static int drain(struct run *run)
{
    struct load_result *kept = run->result;
    struct load_result *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return fail(run, -ENOMEM, "memory");
    run->result = scratch;
    run->is_draining = true;
    int error = turn_until(run, run->now_ns + DRAIN_NS);
    if (error == 0 && run->busy != 0)
        error = fail(run, -ETIMEDOUT, "orders were not finished");
    if (error == 0)
        error = verify(run);
    if (error != 0)
        memcpy(kept->reason, scratch->reason, LOAD_REASON_BYTES);
    run->result = kept;
    free(scratch);
    return error;
}

static int measure(struct run *run)
{
    const struct load_options *options = run->options;
    int error = 0;
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    run->wall_ms = (u64)wall.tv_sec * 1000 + (u64)wall.tv_nsec / 1000000;
    run->now_ns = bench_now_ns();
    for (u32 i = 0; i < run->shopper_count && error == 0; i++, run->busy++)
        error = send_checkout(run, &run->clients[i]);
    if (error == 0)
        error = turn_until(run, run->now_ns + options->warmup_ns);
    if (error != 0)
        return error;
    const struct load_use from = load_use_read(options);
    load_use_clear(run->result);
    error = turn_until(run, from.wall_ns + options->seconds_ns);
    const struct load_use to = load_use_read(options);
    load_use_store(run->result, &from, &to);
    return error != 0 ? error : drain(run);
}

int load_checkout_run(const struct load_options *options, struct load_result *result)
{
    struct run run = {
        .options = options, .result = result, .random = options->seed | 1, .epoll = -1};
    if (options->connections == 0 || options->connections > LOAD_CONNECTIONS_MAX ||
        options->inflight == 0 || options->inflight > LOAD_CONNECTIONS_MAX / options->connections ||
        options->sku_count <= LINES)
        return fail(&run, -EINVAL, "connections, inflight or skus out of range");
    int error = bench_pin(options->cpu);
    if (error != 0)
        return fail(&run, error, "pin");
    error = open_run(&run);
    if (error == 0)
        error = measure(&run);
    close_run(&run);
    return error;
}
