/* The promise at the seam: while the completion of a log write is withheld, nothing of its commands
 * can be seen: no reply, no read, no refusal that rests on them. A whole reactor runs here on the
 * simulated ring; the log's files are real. A build with -DMUT_ACK_EARLY must fail this test
 * (`make mutants`).
 *
 * Includes the simulated ring, so that it takes the place of the real one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/reactor.h"
#include "tests/sim/ring_sim.c"

#define LISTENER_FD 900
#define TURNS       8u

struct house {
    char root[64];
    struct server server;
    struct reactor *reactor;
    struct ring *ring;
    u64 sku;
    char code[16];
    u64 request_id;
};

struct client {
    int fd;
    struct id128 session;
    u64 seq;
};

static void turn(struct house *house, u32 times)
{
    for (u32 i = 0; i < times; i++)
        assert_true(reactor_turn(house->reactor));
}

static void open_house(struct house *house)
{
    char reason[1024] = "";
    struct server *server = &house->server;
    const struct data_dir_options options = {
        .path = house->root, .shard_count = 1, .now_ns = clock_wall_ns()};
    memset(server, 0, sizeof *server);
    assert_int_equal(data_dir_open(&server->dir, &options, reason, sizeof reason), 0);
    server->log.fd = -1;
    server->shard_count = 1;
    server->reactor_count = 1;
    server->unix_fd = -1;
    server->tcp_fds[0] = LISTENER_FD;
    server->config.async_max_ms = 60000; /* a mutant's early answers must not be helped by time */
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    server->event_read_fd = fds[0];
    server->event_write_fd = fds[1];
    assert_true(server_init(server));
    house->reactor = aligned_alloc(64, ROUND_UP(sizeof *house->reactor, (size_t)64));
    assert_non_null(house->reactor);
    const int failed = reactor_open(house->reactor, server, 0, reason, sizeof reason);
    if (failed != 0)
        fail_msg("%s", reason);
    house->ring = house->reactor->ring;
    reactor_start(house->reactor);
    turn(house, TURNS);
}

static void free_house(struct house *house)
{
    reactor_close(house->reactor);
    free(house->reactor);
    server_deinit(&house->server);
    data_dir_close(&house->server.dir);
    (void)close(house->server.event_read_fd);
    (void)close(house->server.event_write_fd);
}

static void close_house(struct house *house)
{
    sim_hold_writes(house->ring, false);
    reactor_drain(house->reactor);
    for (u32 i = 0; house->reactor->phase < REACTOR_PHASE_DRAINED; i++) {
        turn(house, 1);
        assert_true(i < 100000);
    }
    reactor_leave(house->reactor);
    for (u32 i = 0; reactor_turn(house->reactor); i++)
        assert_true(i < 100000);
    free_house(house);
}

/* The machine stops: what is in memory is lost (and freed, for the leak checker), the files stay. */
static void crash_house(struct house *house)
{
    sim_crash(house->ring, 0, false);
    sim_hold_writes(house->ring, true);
    connection_end_all(house->reactor, true);
    turn(house, 2);
    sim_crash(house->ring, 0, false);
    free_house(house);
}

static int set_up(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    assert_non_null(house);
    (void)snprintf(house->root, sizeof house->root, "/tmp/souk-seam-XXXXXX");
    assert_non_null(mkdtemp(house->root));
    (void)snprintf(house->code, sizeof house->code, "85123A");
    house->sku = id_from_code("85123A", 6);
    open_house(house);
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    char command[128];
    close_house(house);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", house->root);
    assert_int_equal(system(command), 0);
    free(house);
    return 0;
}

/* ---- a client -------------------------------------------------------------------------------- */

static struct client connect_client(struct house *house, u64 number)
{
    struct client client = {.fd = sim_connect(house->ring, -1),
                            .session = {.low = number, .high = ~number}};
    assert_true(client.fd >= 0);
    turn(house, 2);
    return client;
}

/* Sends one frame of one record and does not turn. Returns its request id. */
static u64 request(struct house *house, struct client *client, u16 opcode, const void *body,
                   u32 bytes)
{
    u8 frame[512];
    const bool is_write = message_find(opcode)->class == MESSAGE_CLASS_WRITE;
    struct frame_header header = {
        .opcode = opcode, .record_count = 1, .request_id = ++house->request_id};
    if (is_write) {
        header.session = client->session;
        header.session_seq = ++client->seq;
    }
    memcpy(frame, &header, sizeof header);
    memcpy(frame + sizeof header, body, bytes);
    frame_seal(frame, FRAME_HEADER_BYTES + bytes);
    sim_inject(house->ring, client->fd, frame, FRAME_HEADER_BYTES + bytes);
    return header.request_id;
}

/* Takes the next reply out of what was sent. False: there is none. */
static bool reply(struct house *house, struct client *client, struct frame_header *header,
                  void *record, u32 bytes)
{
    const u8 *sent = NULL;
    struct frame_refusal refusal;
    const u32 count = sim_sent(house->ring, client->fd, &sent);
    if (count < FRAME_HEADER_BYTES)
        return false;
    *header = frame_header_read(sent);
    assert_true(count >= header->length);
    assert_true(frame_valid(sent, header->length, FRAME_DIRECTION_REPLY, &refusal));
    if (header->status == STATUS_OK)
        memcpy(record, sent + FRAME_HEADER_BYTES, bytes);
    sim_take_sent(house->ring, client->fd, header->length);
    return true;
}

static bool is_silent(struct house *house, const struct client *client)
{
    const u8 *sent = NULL;
    return sim_sent(house->ring, client->fd, &sent) == 0;
}

/* Status of the next reply's record; fails the test when there is no reply. */
static u16 status_of(struct house *house, struct client *client, u64 request_id)
{
    struct frame_header header;
    struct record_status status;
    assert_true(reply(house, client, &header, &status, sizeof status));
    if (request_id != 0)
        assert_int_equal(header.request_id, request_id);
    return header.status == STATUS_OK ? status.status : header.status;
}

static u64 send_take(struct house *house, struct client *client, i64 quantity)
{
    const struct msg_take_req take = {.resource = {.id = house->sku}, .quantity = quantity};
    return request(house, client, OPCODE_TAKE, &take, sizeof take);
}

static struct msg_stock_get_rsp levels(struct house *house, struct client *client)
{
    const struct msg_stock_get_req get = {.resource = {.id = house->sku}};
    struct msg_stock_get_rsp record = {.on_hand = -1};
    struct frame_header header;
    const u64 id = request(house, client, OPCODE_STOCK_GET, &get, sizeof get);
    turn(house, 3);
    assert_true(reply(house, client, &header, &record, sizeof record));
    assert_int_equal(header.request_id, id);
    return record;
}

/* A client with a session, and a SKU with `stock` units, all of it durable. */
static struct client open_shop(struct house *house, i64 stock)
{
    u8 body[256];
    const struct msg_session_open_req open = {0};
    const struct msg_sku_put_req put = {.resource = {.id = house->sku}, .currency = 826};
    const struct msg_stock_receive_req receive = {.resource = {.id = house->sku},
                                                  .quantity = stock};
    const struct span code = {(const u8 *)house->code, 6};
    struct client client = connect_client(house, 1);
    (void)request(house, &client, OPCODE_SESSION_OPEN, &open, sizeof open);
    turn(house, TURNS);
    assert_int_equal(status_of(house, &client, 0), STATUS_OK);
    const u32 bytes = frame_record_write(message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST,
                                         body, sizeof body, &put, &code);
    (void)request(house, &client, OPCODE_SKU_PUT, body, bytes);
    turn(house, TURNS);
    assert_int_equal(status_of(house, &client, 0), STATUS_OK);
    (void)request(house, &client, OPCODE_STOCK_RECEIVE, &receive, sizeof receive);
    turn(house, TURNS);
    assert_int_equal(status_of(house, &client, 0), STATUS_OK);
    return client;
}

static struct client open_second(struct house *house)
{
    const struct msg_session_open_req open = {0};
    struct client client = connect_client(house, 2);
    (void)request(house, &client, OPCODE_SESSION_OPEN, &open, sizeof open);
    turn(house, TURNS);
    assert_int_equal(status_of(house, &client, 0), STATUS_OK);
    return client;
}

/* ---- the promise ----------------------------------------------------------------------------- */

static void a_withheld_write_shows_no_reply_no_read_and_no_effect(void **state)
{
    struct house *house = *state;
    struct client client = open_shop(house, 10);
    struct client reader = connect_client(house, 3);
    const struct shard_host *host = &house->reactor->hosts[0];
    const u64 applied = shard_applied_lsn(host->shard);
    const struct id128 digest = shard_digest(host->shard);
    sim_hold_writes(house->ring, true);
    const u64 id = send_take(house, &client, 4);
    turn(house, 4 * TURNS);
    assert_int_equal(sim_writes_held(house->ring), 1);
    assert_true(is_silent(house, &client));
    assert_int_equal(levels(house, &reader).allocated, 0);
    assert_int_equal(levels(house, &reader).sellable, 10);
    assert_int_equal(shard_applied_lsn(host->shard), applied);
    assert_true(id128_equal(shard_digest(host->shard), digest));
    sim_release_write(house->ring);
    turn(house, TURNS);
    assert_int_equal(status_of(house, &client, id), STATUS_OK);
    assert_int_equal(levels(house, &reader).allocated, 4);
    assert_int_equal(shard_applied_lsn(host->shard), applied + 1);
}

static void a_refusal_never_rests_on_what_is_not_durable(void **state)
{
    struct house *house = *state;
    struct client first = open_shop(house, 1);
    struct client second = open_second(house);
    sim_hold_writes(house->ring, true);
    const u64 take = send_take(house, &first, 1);
    turn(house, TURNS);
    const u64 late = send_take(house, &second, 1); /* the last unit is sold, but nobody knows yet */
    turn(house, 4 * TURNS);
    assert_true(is_silent(house, &first));
    assert_true(is_silent(house, &second));
    sim_hold_writes(house->ring, false);
    turn(house, 2 * TURNS);
    assert_int_equal(status_of(house, &first, take), STATUS_OK);
    assert_int_equal(status_of(house, &second, late), STATUS_SOLD_OUT);
    /* now it is durable, and a refusal needs no log any more */
    sim_hold_writes(house->ring, true);
    const u64 refused = send_take(house, &second, 1);
    turn(house, 2);
    assert_int_equal(status_of(house, &second, refused), STATUS_SOLD_OUT);
    assert_int_equal(sim_writes_held(house->ring), 0);
}

static void a_repeated_frame_is_not_answered_before_the_first_is_durable(void **state)
{
    struct house *house = *state;
    struct client client = open_shop(house, 10);
    sim_hold_writes(house->ring, true);
    (void)send_take(house, &client, 1);
    turn(house, TURNS);
    struct client again = connect_client(house, 9);
    again.session = client.session;
    again.seq = client.seq - 1;
    (void)send_take(house, &again, 1);
    turn(house, TURNS);
    struct frame_header header;
    struct record_status record = {0};
    if (reply(house, &again, &header, &record,
              sizeof record)) /* "later" is a right answer, a grant is not */
        assert_int_equal(status_find(header.status)->class, STATUS_CLASS_RETRY);
    assert_true(is_silent(house, &client));
    sim_hold_writes(house->ring, false);
    turn(house, 2 * TURNS);
    assert_int_equal(status_of(house, &client, 0), STATUS_OK);
    assert_int_equal(levels(house, &client).allocated, 1);
}

static void what_arrives_during_a_write_is_one_batch_and_waits_for_its_own(void **state)
{
    struct house *house = *state;
    struct client client = open_shop(house, 100);
    struct client second = open_second(house);
    const u64 batches = house->reactor->hosts[0].log->statistics.batches;
    sim_hold_writes(house->ring, true);
    const u64 first_id = send_take(house, &client, 1);
    turn(house, 2);
    for (u32 i = 0; i < 20; i++) {
        (void)send_take(house, &second, 1);
        turn(house, 2);
    }
    assert_int_equal(sim_writes_held(house->ring), 1);
    sim_release_write(house->ring);
    turn(house, TURNS);
    assert_int_equal(status_of(house, &client, first_id), STATUS_OK);
    assert_true(is_silent(house, &second)); /* its write has begun and is held, too */
    assert_int_equal(sim_writes_held(house->ring), 1);
    assert_int_equal(levels(house, &client).allocated, 1);
    sim_release_write(house->ring);
    turn(house, TURNS);
    for (u32 i = 0; i < 20; i++)
        assert_int_equal(status_of(house, &second, 0), STATUS_OK);
    assert_int_equal(house->reactor->hosts[0].log->statistics.batches, batches + 2);
}

static void a_failed_write_is_never_acknowledged(void **state)
{
    struct house *house = *state;
    struct client client = open_shop(house, 10);
    sim_fail(house->ring, SIM_OPERATION_WRITE_DURABLE, 1, -EIO, false);
    (void)send_take(house, &client, 1);
    turn(house, 4 * TURNS);
    assert_true(is_silent(house, &client));
    struct server_event event = {.kind = SERVER_EVENT_READY};
    assert_int_equal(read(house->server.event_read_fd, &event, sizeof event), sizeof event);
    assert_int_equal(event.kind, SERVER_EVENT_FAILED);
    assert_int_equal(event.exit_code, EXIT_RUNTIME);
    /* and nobody is told anything by a server that may be wrong */
    const struct msg_stock_get_req get = {.resource = {.id = house->sku}};
    (void)request(house, &client, OPCODE_STOCK_GET, &get, sizeof get);
    turn(house, TURNS);
    assert_int_equal(status_of(house, &client, 0), STATUS_UNAVAILABLE);
}

static void what_was_never_written_is_gone_after_a_crash(void **state)
{
    struct house *house = *state;
    struct client client = open_shop(house, 10);
    sim_hold_writes(house->ring, true);
    (void)send_take(house, &client, 3);
    turn(house, TURNS);
    assert_true(is_silent(house, &client));
    crash_house(house);
    open_house(house);
    struct client reader = connect_client(house, 3);
    assert_int_equal(levels(house, &reader).on_hand, 10);
    assert_int_equal(levels(house, &reader).allocated, 0);
}

static void a_peer_that_does_not_read_is_not_served_without_end(void **state)
{
    struct house *house = *state;
    struct client client = open_shop(house, 10);
    struct client other = connect_client(house, 5);
    sim_hold_sends(house->ring, true);
    struct msg_stock_get_req gets[100];
    u8 frame[FRAME_HEADER_BYTES + sizeof gets];
    for (u32 i = 0; i < ARRAY_COUNT(gets); i++)
        gets[i] = (struct msg_stock_get_req){.resource = {.id = house->sku}};
    for (u32 i = 0; i < 2000; i++) { /* 3.4 MB that ask for 10 MB */
        const struct frame_header header = {
            .opcode = OPCODE_STOCK_GET, .record_count = ARRAY_COUNT(gets), .request_id = i + 1};
        memcpy(frame, &header, sizeof header);
        memcpy(frame + sizeof header, gets, sizeof gets);
        frame_seal(frame, sizeof frame);
        sim_inject(house->ring, client.fd, frame, sizeof frame);
        turn(house, 1);
    }
    const struct buffer_pool *pool = &house->reactor->buffers;
    assert_true(pool->given_bytes + pool->idle_bytes < 40u << 20);
    sim_hold_sends(house->ring, false);
    turn(house, 400);
    struct frame_header header;
    struct record_status record;
    u64 last = 0;
    while (reply(house, &client, &header, &record, sizeof record)) {
        assert_int_equal(header.request_id, ++last);
        turn(house, 1);
    }
    assert_int_equal(last, 2000);
    assert_int_equal(levels(house, &other).on_hand, 10);
}

/* A frame that waits because the batch is full, and whose deadline passes meanwhile, is not executed;
 * those before it are, once there is room. */
static void a_frame_that_waits_too_long_gets_deadline(void **state)
{
    enum { RECORDS = 4000, FRAMES = 10 };
    struct house *house = *state;
    struct client client = open_shop(house, 100000);
    struct client late = open_second(house);
    struct msg_take_req *takes = calloc(RECORDS, sizeof *takes);
    const u32 bytes = FRAME_HEADER_BYTES + RECORDS * (u32)sizeof *takes;
    u8 *frame = malloc(bytes);
    assert_true(takes != NULL && frame != NULL);
    for (u32 i = 0; i < RECORDS; i++)
        takes[i] = (struct msg_take_req){.resource = {.id = house->sku}, .quantity = 1};
    sim_hold_writes(house->ring, true);
    (void)send_take(house, &client, 1); /* the write in flight; the rest gathers */
    turn(house, 2);
    for (u32 i = 0; i < FRAMES; i++) { /* 2.5 MB: more than a batch takes */
        const struct frame_header header = {.opcode = OPCODE_TAKE,
                                            .record_count = RECORDS,
                                            .request_id = ++house->request_id,
                                            .session = client.session,
                                            .session_seq = ++client.seq};
        memcpy(frame, &header, sizeof header);
        memcpy(frame + sizeof header, takes, bytes - sizeof header);
        frame_seal(frame, bytes);
        sim_inject(house->ring, client.fd, frame, bytes);
        turn(house, 1);
    }
    assert_true(house->reactor->connections.stalled_count > 0);
    struct frame_header header = {.opcode = OPCODE_TAKE,
                                  .record_count = RECORDS,
                                  .request_id = ++house->request_id,
                                  .deadline_ms = 1,
                                  .session = late.session,
                                  .session_seq = ++late.seq};
    memcpy(frame, &header, sizeof header);
    memcpy(frame + sizeof header, takes, bytes - sizeof header);
    frame_seal(frame, bytes);
    sim_inject(house->ring, late.fd, frame, bytes);
    turn(house, 2);
    assert_true(is_silent(house, &late));
    const struct timespec pause = {.tv_nsec = 5000000};
    (void)nanosleep(&pause, NULL);
    sim_hold_writes(house->ring, false);
    turn(house, 4 * TURNS);
    assert_int_equal(status_of(house, &late, header.request_id), STATUS_DEADLINE);
    for (u32 i = 0; i < FRAMES + 1; i++)
        assert_int_equal(status_of(house, &client, 0), STATUS_OK);
    assert_int_equal(levels(house, &late).allocated, 1 + RECORDS * FRAMES);
    free(takes);
    free(frame);
}

/* Time is moved by moving the marks: half a minute is too long for a test. */
static void a_half_frame_and_an_unread_reply_are_dropped_after_their_time(void **state)
{
    struct house *house = *state;
    struct client half = connect_client(house, 5);
    struct client deaf = connect_client(house, 6);
    struct client good = connect_client(house, 7);
    const struct msg_ping_req ping = {.echo = 1};
    sim_inject(house->ring, half.fd, "SOUK\x68\0\0\0abc", 11);
    turn(house, 2);
    sim_hold_sends(house->ring, true);
    (void)request(house, &deaf, OPCODE_PING, &ping, sizeof ping);
    turn(house, 2);
    u32 partial = 0, sending = 0;
    for (u32 i = 0; i < house->reactor->connections.capacity; i++) {
        struct connection *connection = connection_at(house->reactor, i);
        if (connection->state == CONNECTION_STATE_FREE)
            continue;
        partial += connection->partial_since_ns != 0;
        sending += connection->send_op.state != RING_STATE_FREE;
        connection->send_since_ns -= CONNECTION_STUCK_NS;
        if (connection->partial_since_ns != 0)
            connection->partial_since_ns -= CONNECTION_STUCK_NS;
    }
    assert_int_equal(partial, 1);
    assert_int_equal(sending, 1);
    connection_sweep(house->reactor);
    sim_hold_sends(house->ring, false);
    turn(house, TURNS);
    assert_true(sim_is_closed(house->ring, half.fd));
    assert_true(sim_is_closed(house->ring, deaf.fd));
    assert_false(sim_is_closed(house->ring, good.fd));
    assert_int_equal(metric_read(&house->reactor->metrics->connections_dropped), 2);
    assert_int_equal(house->reactor->connections.open_count, 1);
}

#define SEAM(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* After a failed log there is no clean end. */
static int abandon(void **state)
{
    struct house *house = *state;
    char command[128];
    crash_house(house);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", house->root);
    assert_int_equal(system(command), 0);
    free(house);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEAM(a_withheld_write_shows_no_reply_no_read_and_no_effect),
        SEAM(a_refusal_never_rests_on_what_is_not_durable),
        SEAM(a_repeated_frame_is_not_answered_before_the_first_is_durable),
        SEAM(what_arrives_during_a_write_is_one_batch_and_waits_for_its_own),
        cmocka_unit_test_setup_teardown(a_failed_write_is_never_acknowledged, set_up, abandon),
        SEAM(what_was_never_written_is_gone_after_a_crash),
        SEAM(a_peer_that_does_not_read_is_not_served_without_end),
        SEAM(a_frame_that_waits_too_long_gets_deadline),
        SEAM(a_half_frame_and_an_unread_reply_are_dropped_after_their_time),
    };
    cmocka_set_test_filter(getenv("TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
