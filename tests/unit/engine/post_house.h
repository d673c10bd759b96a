/* post_house: a server of several shards and reactors in one thread, on the simulated ring and a
 * clock of its own, for the tests of mail between shards and of reads that wait.
 *
 *      real:       reactors, hosts, post, park, logs in files, recovery, sockets as bytes
 *      stands in:  the ring, the clocks, small segments, and four operations with test meanings:
 *
 *      policy_put      posts so many messages to each of a set of shards
 *      mail_setting    is noted; with hops left it is posted back to where it came from
 *      mail_hold       the same with a long table, whose bytes are checked
 *      setting_status  waits until so many messages have been noted
 *
 * What is posted and what is applied is noted per shard (struct book), from an empty book at each
 * start: replay writes it anew, so it is a function of the log. Equal books at both ends of each
 * pair are "each once, in order".
 *
 * The program is linked with -z muldefs, so that these four come before those of the archive.
 * Includes ring_sim.c and shard_host.c (which gets other segments than those of 64 MiB).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_ENGINE_POST_HOUSE_H
#define SOUK_TESTS_UNIT_ENGINE_POST_HOUSE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/log/wal.h"
#include "engine/reactor.h"
#include "proto/checksum.h"
#include "proto/rows.h"
#include "shards/shard_handlers.h"
#include "tests/sim/ring_sim.c"

#define HOUSE_SHARDS_MAX    4u
#define HOUSE_REACTORS_MAX  2u
#define HOUSE_LISTENER_FD   900
#define HOUSE_TURN_NS       20000ull
#define HOUSE_NOTES_MAX     65536u
#define HOUSE_BATCH_BYTES   (320u << 10)
#define HOUSE_SEGMENT_BYTES (2u << 20)

/* ---- clocks ---------------------------------------------------------------------------------- */

static u64 house_now_ns = 1000 * NS_PER_S;

u64 clock_monotonic_ns(void)
{
    return house_now_ns;
}

u64 clock_wall_ns(void)
{
    return 1700000000ull * NS_PER_S + house_now_ns;
}

/* ---- small segments -------------------------------------------------------------------------- */

UNUSED static int house_wal_open(struct replog **log, const struct wal_options *options,
                                 char *reason, size_t reason_bytes)
{
    struct wal_options own = *options;
    own.segment_bytes = HOUSE_SEGMENT_BYTES;
    own.batch_bytes = HOUSE_BATCH_BYTES;
    return wal_open(log, &own, reason, reason_bytes);
}
#define wal_open house_wal_open
#include "engine/shard_host.c"
#undef wal_open

/* ---- the book -------------------------------------------------------------------------------- */

struct note {
    u64 tag;
    u16 source;
    u16 target;
    u32 bytes;
};

struct book {
    struct note *posted;
    struct note *applied;
    u32 posted_count;
    u32 applied_count;
};

static struct book books[HOUSE_SHARDS_MAX];

static void note(struct note **list, u32 *count, struct note one)
{
    if (*list == NULL)
        *list = malloc(HOUSE_NOTES_MAX * sizeof **list);
    assert_non_null(*list);
    assert_true(*count < HOUSE_NOTES_MAX);
    (*list)[(*count)++] = one;
}

/* ---- operations with test meanings ----------------------------------------------------------- */

#define HOUSE_ROW_BYTES (ROWS(hold_item, 1))

static void post_one(struct shard *shard, u16 target, u64 tag, u64 hops, u32 rows)
{
    static u8 table[ROWS(hold_item, ORDER_LINES_MAX)];
    struct book *book = &books[shard->options.index];
    const struct note one = {
        .tag = tag, .source = shard->options.index, .target = target, .bytes = rows};
    note(&book->posted, &book->posted_count, one);
    if (rows == 0) {
        const struct msg_mail_setting_req fixed = {.home_id = tag, .key = hops};
        mail_post(shard, target, OPCODE_MAIL_SETTING, &fixed, &(struct span){NULL, 0});
        return;
    }
    const struct msg_mail_hold_req fixed = {.order = {.low = tag}, .user_id = hops};
    const struct span items = {table, rows * HOUSE_ROW_BYTES};
    memset(table, (u8)tag, items.bytes);
    mail_post(shard, target, OPCODE_MAIL_HOLD, &fixed, &items);
}

/* Fields: cart_guest_ms a set of shards, cart_user_ms how many messages to each, payment_lease_ms
 * hops, unpaid_ms rows of the table (0: a short message), answer_ms the first tag. */
void shard_apply_policy_put(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply)
{
    struct msg_policy_put_req ask;
    (void)call;
    (void)reply;
    memcpy(&ask, request, sizeof ask);
    for (u16 target = 0; target < shard->options.count; target++)
        for (u64 i = 0; (ask.cart_guest_ms >> target & 1) != 0 && i < ask.cart_user_ms; i++)
            post_one(shard, target, ask.answer_ms + i, ask.payment_lease_ms, (u32)ask.unpaid_ms);
}

static void apply_one(struct shard *shard, const struct mail_call *call, u64 tag, u64 hops,
                      u32 rows)
{
    struct book *book = &books[shard->options.index];
    note(&book->applied, &book->applied_count,
         (struct note){
             .tag = tag, .source = call->source, .target = shard->options.index, .bytes = rows});
    notice_raise(&shard->notices, notice_token_setting(1, shard->options.index));
    if (hops > 0)
        post_one(shard, call->source, tag + 1000000, hops - 1, rows);
}

void shard_mail_setting(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_setting_req told;
    memcpy(&told, call->fixed, sizeof told);
    apply_one(shard, call, told.home_id, told.key, 0);
}

void shard_mail_hold(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_hold_req told;
    const struct span items = call->spans[0];
    memcpy(&told, call->fixed, sizeof told);
    for (u32 i = 0; i < items.bytes; i++)
        assert_int_equal(items.data[i], (u8)told.order.low);
    apply_one(shard, call, told.order.low, told.user_id, items.bytes / HOUSE_ROW_BYTES);
}

/* Fields: key = how many messages of others must have been noted here. */
bool shard_read_setting_status(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply, struct span *spans)
{
    struct msg_setting_status_req ask;
    struct msg_setting_status_rsp *answer = reply;
    const struct book *book = &books[shard->options.index];
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    if (shard->expiring_ns != 0)
        return false;
    if (book->applied_count < ask.key &&
        shard_read_park(shard, call, notice_token_setting(1, shard->options.index), ask.wait_ms))
        return true;
    answer->version = book->applied_count;
    return true;
}

/* ---- the house ------------------------------------------------------------------------------- */

struct house {
    char root[64];
    struct server server;
    struct reactor *reactors[HOUSE_REACTORS_MAX];
    struct ring *rings[HOUSE_REACTORS_MAX];
    u64 request_id;
    u64 next_tag;
    u16 shard_count;
    u16 reactor_count;
    u8 mode; /* enum replog_mode */
};

struct client {
    int fd;
    u16 reactor;
    struct id128 session;
    u64 seq;
};

/* Takes a session with it through a restart. */
UNUSED static struct shard_host *host_of(const struct house *house, u16 shard)
{
    return reactor_host(house->reactors[shard % house->reactor_count], shard);
}

UNUSED static void turn(struct house *house, u32 times)
{
    for (u32 i = 0; i < times; i++) {
        for (u32 r = 0; r < house->reactor_count; r++)
            (void)reactor_turn(house->reactors[r]);
        house_now_ns += HOUSE_TURN_NS;
    }
}

UNUSED static void pass(struct house *house, u64 ms)
{
    for (u64 i = 0; i < ms; i++) {
        house_now_ns += NS_PER_MS;
        turn(house, 1);
    }
}

/* Everything up to the start of the reactors. */
UNUSED static void open_silent(struct house *house)
{
    char reason[1024] = "";
    struct server *server = &house->server;
    const struct data_dir_options options = {
        .path = house->root, .shard_count = house->shard_count, .now_ns = clock_wall_ns()};
    memset(server, 0, sizeof *server);
    for (u32 i = 0; i < HOUSE_SHARDS_MAX; i++)
        books[i].posted_count = books[i].applied_count = 0;
    assert_int_equal(data_dir_open(&server->dir, &options, reason, sizeof reason), 0);
    server->log.fd = -1;
    server->shard_count = house->shard_count;
    server->reactor_count = house->reactor_count;
    server->unix_fd = -1;
    server->config.async_max_ms = 60000;
    server->config.durability = house->mode;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    server->event_read_fd = fds[0];
    server->event_write_fd = fds[1];
    assert_true(server_init(server));
    for (u16 i = 0; i < house->reactor_count; i++) {
        server->tcp_fds[i] = HOUSE_LISTENER_FD + i;
        struct reactor *reactor = aligned_alloc(64, ROUND_UP(sizeof *reactor, (size_t)64));
        assert_non_null(reactor);
        if (reactor_open(reactor, server, i, reason, sizeof reason) != 0)
            fail_msg("%s", reason);
        house->reactors[i] = reactor;
        house->rings[i] = reactor->ring;
    }
}

UNUSED static void start_house(struct house *house)
{
    for (u32 i = 0; i < house->reactor_count; i++)
        reactor_start(house->reactors[i]);
    turn(house, 2);
}

UNUSED static void open_house(struct house *house)
{
    open_silent(house);
    start_house(house);
}

static void free_house(struct house *house)
{
    for (u32 i = 0; i < house->reactor_count; i++) {
        reactor_close(house->reactors[i]);
        free(house->reactors[i]);
    }
    server_deinit(&house->server);
    data_dir_close(&house->server.dir);
    (void)close(house->server.event_read_fd);
    (void)close(house->server.event_write_fd);
}

/* As the server does it: all drain, then all leave. Fails the test if that hangs. */
UNUSED static void close_house(struct house *house)
{
    bool is_over[HOUSE_REACTORS_MAX] = {false};
    u32 left = house->reactor_count;
    for (u32 i = 0; i < house->reactor_count; i++) {
        sim_hold_writes(house->rings[i], false);
        reactor_drain(house->reactors[i]);
    }
    for (u32 i = 0; i < house->reactor_count; i++)
        for (u32 n = 0; house->reactors[i]->phase < REACTOR_PHASE_DRAINED; n++) {
            turn(house, 1);
            assert_true(n < 100000);
        }
    for (u32 i = 0; i < house->reactor_count; i++)
        reactor_leave(house->reactors[i]);
    for (u32 n = 0; left > 0; n++) {
        assert_true(n < 100000);
        for (u32 i = 0; i < house->reactor_count; i++)
            if (!is_over[i] && !reactor_turn(house->reactors[i])) {
                is_over[i] = true;
                left--;
            }
        house_now_ns += HOUSE_TURN_NS;
    }
    free_house(house);
}

/* Whatever belongs to another reactor goes back to it. */
static void let_go(struct shard_host *host)
{
    host->is_stopping = true;
    post_stop(host);
    for (u32 i = 0; i < host->pending_count; i++) {
        struct pending *pending = pending_at(host, i);
        if (pending->origin.mail != NULL)
            forward_answer(host->reactor, pending->origin.mail, FRAME_HEADER_BYTES);
        pending->origin = (struct origin_handle){.connection = PENDING_NOBODY};
    }
}

/* The machine stops: what is in memory is lost (and freed, for the leak checker), the files stay. */
UNUSED static void crash_house(struct house *house)
{
    for (u32 i = 0; i < house->reactor_count; i++) {
        struct reactor *reactor = house->reactors[i];
        sim_crash(house->rings[i], 0, false);
        sim_hold_writes(house->rings[i], true);
        connection_end_all(reactor, true);
        reactor->phase = REACTOR_PHASE_DRAINED;
        for (u32 h = 0; h < reactor->host_count; h++)
            let_go(&reactor->hosts[h]);
    }
    turn(house, 4); /* mail goes back to those who made it */
    for (u32 i = 0; i < house->reactor_count; i++) {
        assert_int_equal(house->reactors[i]->posts_under_way, 0);
        sim_crash(house->rings[i], 0, false);
    }
    free_house(house);
}

static struct house *house_new(u16 shards, u16 reactors, u8 mode)
{
    struct house *house = calloc(1, sizeof *house);
    assert_non_null(house);
    (void)snprintf(house->root, sizeof house->root, "%s/souk-post-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(house->root));
    house->shard_count = shards;
    house->reactor_count = reactors;
    house->mode = mode;
    open_house(house);
    return house;
}

static void run_command(const char *verb, const char *from, const char *to)
{
    char command[256];
    (void)snprintf(command, sizeof command, "%s '%s' %s%s%s", verb, from, to != NULL ? "'" : "",
                   to != NULL ? to : "", to != NULL ? "'" : "");
    assert_int_equal(system(command), 0);
}

UNUSED static void remove_house(struct house *house)
{
    run_command("rm -rf", house->root, NULL);
    for (u32 i = 0; i < HOUSE_SHARDS_MAX; i++) {
        free(books[i].posted);
        free(books[i].applied);
        books[i] = (struct book){0};
    }
    free(house);
}

/* ---- clients --------------------------------------------------------------------------------- */

UNUSED static struct client connect_client(struct house *house, u16 reactor, u64 number)
{
    struct client client = {.fd = sim_connect(house->rings[reactor], -1),
                            .reactor = reactor,
                            .session = {.low = number, .high = ~number}};
    assert_true(client.fd >= 0);
    turn(house, 2);
    return client;
}

/* Sends one frame of one record and does not turn. Returns its request id. */
UNUSED static u64 request(struct house *house, struct client *client, u16 shard, u16 opcode,
                          const void *body, u32 bytes)
{
    u8 frame[512];
    struct frame_header header = {
        .opcode = opcode, .record_count = 1, .shard = shard, .request_id = ++house->request_id};
    if (message_find(opcode)->class == MESSAGE_CLASS_WRITE) {
        header.session = client->session;
        header.session_seq = ++client->seq;
        header.acked_seq = header.session_seq - 1;
    }
    memcpy(frame, &header, sizeof header);
    memcpy(frame + sizeof header, body, bytes);
    frame_seal(frame, FRAME_HEADER_BYTES + bytes);
    sim_inject(house->rings[client->reactor], client->fd, frame, FRAME_HEADER_BYTES + bytes);
    return header.request_id;
}

/* Takes the next reply out of what was sent. False: there is none. */
UNUSED static bool reply(struct house *house, struct client *client, struct frame_header *header,
                         void *record, u32 bytes)
{
    const u8 *sent = NULL;
    struct frame_refusal refusal;
    struct ring *ring = house->rings[client->reactor];
    const u32 count = sim_sent(ring, client->fd, &sent);
    if (count < FRAME_HEADER_BYTES)
        return false;
    *header = frame_header_read(sent);
    assert_true(count >= header->length);
    assert_true(frame_valid(sent, header->length, FRAME_DIRECTION_REPLY, &refusal));
    if (header->status == STATUS_OK)
        memcpy(record, sent + FRAME_HEADER_BYTES, bytes);
    sim_take_sent(ring, client->fd, header->length);
    return true;
}

UNUSED static void forget_replies(struct house *house, struct client *client)
{
    const u8 *sent = NULL;
    struct ring *ring = house->rings[client->reactor];
    sim_take_sent(ring, client->fd, sim_sent(ring, client->fd, &sent));
}

/* A client with a session on every shard. */
UNUSED static struct client open_client(struct house *house, u16 reactor, u64 number)
{
    const struct msg_session_open_req open = {0};
    struct frame_header header;
    struct record_status status;
    struct client client = connect_client(house, reactor, number);
    for (u16 shard = 0; shard < house->shard_count; shard++) {
        (void)request(house, &client, shard, OPCODE_SESSION_OPEN, &open, sizeof open);
        turn(house, 8);
        assert_true(reply(house, &client, &header, &status, sizeof status));
        assert_int_equal(header.status, STATUS_OK);
    }
    return client;
}

struct fan {
    u16 shard;   /* that posts */
    u64 targets; /* a set of shards */
    u32 count;   /* to each */
    u32 hops;    /* that each goes back and forth afterwards */
    u32 rows;    /* 0: short messages */
};

UNUSED static void send_fan(struct house *house, struct client *client, const struct fan *fan)
{
    const struct msg_policy_put_req put = {.home_id = 1,
                                           .cart_guest_ms = fan->targets,
                                           .cart_user_ms = fan->count,
                                           .payment_lease_ms = fan->hops,
                                           .unpaid_ms = fan->rows,
                                           .answer_ms = house->next_tag};
    house->next_tag += fan->count;
    (void)request(house, client, fan->shard, OPCODE_POLICY_PUT, &put, sizeof put);
}

/* ---- what must be true ----------------------------------------------------------------------- */

/* What `target` has applied of `source` is what `source` has posted to it, or a begin of that. */
static u32 compare_pair(u16 source, u16 target, bool is_whole)
{
    const struct book *from = &books[source];
    const struct book *to = &books[target];
    u32 at = 0, seen = 0;
    for (u32 i = 0; i < to->applied_count; i++) {
        const struct note *applied = &to->applied[i];
        if (applied->source != source)
            continue;
        while (at < from->posted_count && from->posted[at].target != target)
            at++;
        assert_true(at < from->posted_count); /* nothing comes that was never sent */
        assert_int_equal(from->posted[at].tag, applied->tag);
        assert_int_equal(from->posted[at].bytes, applied->bytes);
        at++;
        seen++;
    }
    while (at < from->posted_count && from->posted[at].target != target)
        at++;
    if (is_whole)
        assert_int_equal(at, from->posted_count);
    return seen;
}

/* Over all pairs; how many messages have been applied. */
UNUSED static u32 compare_books(const struct house *house, bool is_whole)
{
    u32 seen = 0;
    for (u16 source = 0; source < house->shard_count; source++)
        for (u16 target = 0; target < house->shard_count; target++)
            seen += compare_pair(source, target, is_whole);
    return seen;
}

static bool is_settled(const struct house *house)
{
    for (u16 i = 0; i < house->shard_count; i++) {
        const struct shard_host *host = host_of(house, i);
        struct shard_counters counters;
        shard_counters_read(host->shard, &counters);
        if (counters.mail_queued != 0 || host->log->open_entries != 0 ||
            host->log->has_undelivered || counters.under_way_entries != 0)
            return false;
    }
    return true;
}

/* Turns until every message is applied and acknowledged. Returns the turns. */
UNUSED static u32 settle(struct house *house)
{
    u32 turns = 0;
    turn(house, 4); /* what was injected arrives */
    while (!is_settled(house)) {
        turn(house, 1);
        assert_true(++turns < 100000);
    }
    return turns;
}

UNUSED static u64 batches_of(const struct house *house)
{
    u64 batches = 0;
    for (u16 i = 0; i < house->shard_count; i++)
        batches += host_of(house, i)->log->statistics.batches;
    return batches;
}

UNUSED static u64 ack_batches_of(const struct house *house)
{
    u64 batches = 0;
    for (u16 i = 0; i < house->reactor_count; i++)
        batches += metric_read(&house->reactors[i]->metrics->batches_acks);
    return batches;
}

#endif
