/* What no client should send, and what a network does to connections: each is answered with its
 * reason or survived, and afterwards the server serves as before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/integration/raw.h"

static const char *const two_shards[] = {"--shards", "2", "--reactors", "2", NULL};

static int start_server(void **state)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    struct raw_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    raw_server_make(server, two_shards);
    raw_server_start(server);
    *state = server;
    return 0;
}

static int stop_server(void **state)
{
    struct raw_server *server = *state;
    assert_true(raw_server_is_alive(server));
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    assert_false(raw_server_log_has(server, "panic"));
    raw_server_remove(server);
    free(server);
    return 0;
}

/* After every test: the same server answers somebody else. */
static void check_alive(void **state)
{
    struct raw_peer peer = raw_connect(*state, true);
    assert_int_equal(raw_ping(&peer), STATUS_OK);
    raw_close(&peer);
}

/* ---- frames that are not well formed --------------------------------------------------------- */

/* A good ping, to be spoiled. */
static u32 build_ping(struct raw_peer *peer, u8 *to)
{
    const struct msg_ping_req ping = {.echo = 7};
    return raw_build(peer, to, OPCODE_PING, &ping, sizeof ping, 1);
}

/* Sends the frame and expects one answer; then the stream ends if `is_fatal`, else goes on. */
static void expect(void **state, struct raw_peer *peer, const u8 *frame, size_t bytes, u16 status,
                   bool is_fatal)
{
    struct raw_reply reply;
    raw_send(peer, frame, bytes);
    assert_true(raw_receive(peer, &reply));
    assert_int_equal(reply.header.status, status);
    assert_int_equal(reply.header.record_count, 0);
    if (!is_fatal)
        assert_int_equal(reply.header.request_id, peer->request_id);
    raw_release(&reply);
    if (is_fatal)
        assert_true(raw_is_ended(peer));
    else
        assert_int_equal(raw_ping(peer), STATUS_OK);
    raw_close(peer);
    check_alive(state);
}

static void wrong_magic(void **state)
{
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, false);
    const u32 bytes = build_ping(&peer, frame);
    memcpy(frame, "GET ", 4);
    expect(state, &peer, frame, bytes, STATUS_BAD_FRAME, true);
}

static void expect_length(void **state, u32 length, u16 status)
{
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, false);
    const u32 bytes = build_ping(&peer, frame);
    memcpy(frame + 4, &length, sizeof length);
    expect(state, &peer, frame, bytes, status, true);
}

static void lengths_that_cannot_be(void **state)
{
    expect_length(state, 0, STATUS_BAD_FRAME);
    expect_length(state, 8, STATUS_BAD_FRAME);
    expect_length(state, FRAME_HEADER_BYTES - 8, STATUS_BAD_FRAME);
    expect_length(state, FRAME_HEADER_BYTES + 1, STATUS_BAD_FRAME);
    expect_length(state, FRAME_BYTES_MAX + 8, STATUS_TOO_LARGE);
    expect_length(state, UINT32_MAX & ~7u, STATUS_TOO_LARGE);
}

static void wrong_checksum(void **state)
{
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, true);
    const u32 bytes = build_ping(&peer, frame);
    frame[bytes - 1] ^= 1;
    expect(state, &peer, frame, bytes, STATUS_BAD_CHECKSUM, true);
}

/* Changes the header and seals again, so that only the field is wrong. */
static u32 reseal(u8 *frame, const struct frame_header *header)
{
    memcpy(frame, header, sizeof *header);
    struct frame_header sealed = *header;
    sealed.checksum = checksum64(frame + FRAME_CHECKSUM_FROM, header->length - FRAME_CHECKSUM_FROM);
    memcpy(frame, &sealed, sizeof sealed);
    return header->length;
}

static void wrong_version(void **state)
{
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, false);
    (void)build_ping(&peer, frame);
    struct frame_header header = frame_header_read(frame);
    header.version = 9;
    const u32 bytes = reseal(frame, &header);
    expect(state, &peer, frame, bytes, STATUS_VERSION_UNSUPPORTED, false);
}

static void unknown_opcode(void **state)
{
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, false);
    (void)build_ping(&peer, frame);
    struct frame_header header = frame_header_read(frame);
    header.opcode = 0x7777;
    const u32 bytes = reseal(frame, &header);
    expect(state, &peer, frame, bytes, STATUS_UNKNOWN_OPCODE, false);
}

static void reserved_bits_and_fields_of_replies(void **state)
{
    for (u32 i = 0; i < 6; i++) {
        u8 frame[256];
        struct raw_peer peer = raw_connect(*state, false);
        (void)build_ping(&peer, frame);
        struct frame_header header = frame_header_read(frame);
        u16 status = STATUS_RESERVED_BITS;
        if (i == 0)
            header.flags = 1 << 9;
        else if (i == 1)
            header.reserved = 1;
        else if (i == 2)
            header.lsn = 1;
        else if (i == 3)
            header.retry_after_ms = 1;
        else if (i == 4)
            header.flags = FRAME_FLAG_REPLAYED;
        else {
            header.flags = FRAME_FLAG_REPLY;
            status = STATUS_NOT_A_REQUEST;
        }
        const u32 bytes = reseal(frame, &header);
        expect(state, &peer, frame, bytes, status, false);
    }
}

static void a_reserved_field_of_a_record(void **state)
{
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, false);
    const struct msg_verify_req verify = {.zero0 = 1};
    const u32 bytes = raw_build(&peer, frame, OPCODE_VERIFY, &verify, sizeof verify, 1);
    expect(state, &peer, frame, bytes, STATUS_RESERVED_BITS, false);
}

static void record_counts_that_do_not_fit(void **state)
{
    const u32 counts[] = {0, 2, 7, 8190};
    for (u32 i = 0; i < ARRAY_COUNT(counts); i++) {
        u8 frame[256];
        struct raw_peer peer = raw_connect(*state, false);
        const struct msg_stock_get_req get = {.resource = raw_sku(1)};
        const u32 bytes = raw_build(&peer, frame, OPCODE_STOCK_GET, &get, sizeof get, counts[i]);
        expect(state, &peer, frame, bytes, STATUS_BAD_FRAME, false);
    }
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, false);
    const u64 two[2] = {1, 2};
    const u32 bytes = raw_build(&peer, frame, OPCODE_PING, two, sizeof two, 2);
    expect(state, &peer, frame, bytes, STATUS_TOO_LARGE, false);
}

static void spans_past_the_end(void **state)
{
    const u32 lengths[] = {5, 64, 65, 1u << 31, UINT32_MAX};
    for (u32 i = 0; i < ARRAY_COUNT(lengths); i++) {
        u8 frame[512], body[256] = {0};
        struct raw_peer peer = raw_connect(*state, false);
        const struct msg_sku_put_req put = {.resource = raw_sku(1), .currency = 826};
        const struct span code = {(const u8 *)"ABCD", 4};
        const u32 body_bytes = frame_record_write(
            message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST, body, sizeof body, &put, &code);
        memcpy(body + sizeof put, &lengths[i], 4);
        const u32 bytes = raw_build(&peer, frame, OPCODE_SKU_PUT, body, body_bytes, 1);
        expect(state, &peer, frame, bytes,
               lengths[i] > CODE_BYTES_MAX ? STATUS_TOO_LARGE : STATUS_BAD_FRAME, false);
    }
}

static void a_shard_that_does_not_exist(void **state)
{
    u8 frame[256];
    struct raw_peer peer = raw_connect(*state, false);
    const struct msg_stock_get_req get = {.resource = raw_sku(1)};
    peer.shard = 2;
    u32 bytes = raw_build(&peer, frame, OPCODE_STOCK_GET, &get, sizeof get, 1);
    expect(state, &peer, frame, bytes, STATUS_WRONG_SHARD, false);
    peer = raw_connect(*state, false);
    peer.shard = UINT16_MAX;
    bytes = raw_build(&peer, frame, OPCODE_STOCK_GET, &get, sizeof get, 1);
    expect(state, &peer, frame, bytes, STATUS_WRONG_SHARD, false);
}

static void a_write_without_a_session(void **state)
{
    u8 frame[256];
    const struct msg_stock_receive_req receive = {.resource = raw_sku(1), .quantity = 1};
    struct raw_peer peer = raw_connect(*state, false);
    u32 bytes = raw_build(&peer, frame, OPCODE_STOCK_RECEIVE, &receive, sizeof receive, 1);
    expect(state, &peer, frame, bytes, STATUS_NO_SESSION, false);
    peer = raw_connect(*state, false);
    peer.session = (struct id128){.low = 0xDEAD, .high = 1};
    bytes = raw_build_write(&peer, frame, OPCODE_STOCK_RECEIVE, &receive, sizeof receive, 1);
    expect(state, &peer, frame, bytes, STATUS_SESSION_EXPIRED, false);
}

static void versions_that_do_not_meet(void **state)
{
    u8 frame[512], body[256];
    struct raw_peer peer = raw_connect(*state, false);
    const struct msg_hello_req hello = {
        .version_min = 2, .version_max = 3, .want_shard = SHARD_ANY};
    const struct span agent = {NULL, 0};
    const u32 body_bytes = frame_record_write(message_find(OPCODE_HELLO), FRAME_DIRECTION_REQUEST,
                                              body, sizeof body, &hello, &agent);
    const u32 bytes = raw_build(&peer, frame, OPCODE_HELLO, body, body_bytes, 1);
    expect(state, &peer, frame, bytes, STATUS_VERSION_UNSUPPORTED, false);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static void quantities_prices_and_ids(void **state)
{
    char code[16], other[16];
    struct raw_peer peer = raw_connect(*state, false);
    const u64 sku = raw_sku_on_shard(*state, 0, 0, code);
    const u64 unknown = raw_sku_on_shard(*state, 0, 1, other);
    const u64 elsewhere = raw_sku_on_shard(*state, 1, 0, other);
    raw_hello(&peer, 0);
    raw_session_open(&peer, 0, 77);
    assert_int_equal(raw_sku_put(&peer, sku, code, -1), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_sku_put(&peer, sku, code, 100), STATUS_OK);
    assert_int_equal(raw_sku_put(&peer, sku, "ANOTHER", 100), STATUS_ID_COLLISION);
    assert_int_equal(raw_stock_receive(&peer, sku, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_stock_receive(&peer, sku, -5), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_stock_receive(&peer, sku, QUANTITY_MAX + 1), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_stock_receive(&peer, sku, INT64_MAX), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_stock_receive(&peer, sku, INT64_MIN), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_stock_receive(&peer, sku, QUANTITY_MAX), STATUS_OK);
    assert_int_equal(raw_take(&peer, sku, 0, raw_id(1)), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_take(&peer, sku, QUANTITY_MAX + 1, raw_id(1)), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_take(&peer, unknown, 1, raw_id(1)), STATUS_NOT_FOUND);
    assert_int_equal(raw_take(&peer, 0, 1, raw_id(1)), STATUS_BAD_ARGUMENT);
    assert_int_equal(raw_take(&peer, elsewhere, 1, raw_id(1)), STATUS_WRONG_SHARD);
    const struct id128 id = raw_id(9);
    assert_int_equal(raw_take(&peer, sku, 1, id), STATUS_OK);
    assert_int_equal(raw_take(&peer, sku, 1, id), STATUS_OK);
    assert_int_equal(raw_take(&peer, sku, 2, id), STATUS_ID_MISMATCH);
    assert_int_equal(raw_stock_get(&peer, sku).allocated, 1);
    assert_int_equal(raw_verify(&peer, 0).violations, 0);
    raw_close(&peer);
}

static void a_deadline_that_has_passed(void **state)
{
    /* Forwarded frames wait for a mailbox: with a deadline of 1 ms and a turn of the other core that
     * takes longer, DEADLINE or OK are both right; never silence. */
    struct raw_peer peer = raw_connect(*state, false);
    const struct msg_stock_get_req get = {.resource = raw_sku(1)};
    u8 frame[256];
    raw_hello(&peer, 0);
    peer.shard = 1;
    for (u32 i = 0; i < 100; i++) {
        (void)raw_build(&peer, frame, OPCODE_STOCK_GET, &get, sizeof get, 1);
        struct frame_header header = frame_header_read(frame);
        header.deadline_ms = 1;
        raw_send(&peer, frame, reseal(frame, &header));
    }
    for (u32 i = 0; i < 100; i++) {
        const u16 status = raw_receive_status(&peer);
        assert_true(status == STATUS_OK || status == STATUS_DEADLINE);
    }
    raw_close(&peer);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void a_frame_byte_by_byte(void **state)
{
    u8 frame[256];
    for (u32 is_unix = 0; is_unix < 2; is_unix++) {
        struct raw_peer peer = raw_connect(*state, is_unix == 1);
        const u32 bytes = build_ping(&peer, frame);
        for (u32 i = 0; i < bytes; i++) {
            raw_send(&peer, frame + i, 1);
            raw_sleep_ms(5);
        }
        assert_int_equal(raw_receive_status(&peer), STATUS_OK);
        raw_close(&peer);
    }
}

/* Cuts a stream of frames at every odd place: what straddles is put together again. */
static void a_stream_cut_at_odd_places(void **state)
{
    enum { FRAMES = 300 };
    u8 *bytes = malloc(FRAMES * 256);
    assert_non_null(bytes);
    struct raw_peer peer = raw_connect(*state, false);
    u32 count = 0;
    for (u32 i = 0; i < FRAMES; i++)
        count += build_ping(&peer, bytes + count);
    for (u32 at = 0, piece = 1; at < count; at += piece, piece = piece % 211 + 13) {
        raw_send(&peer, bytes + at, MIN(piece, count - at));
        if (at % 7 == 0)
            raw_sleep_ms(1);
    }
    for (u64 id = 1; id <= FRAMES; id++) {
        struct raw_reply reply;
        assert_true(raw_receive(&peer, &reply));
        assert_int_equal(reply.header.request_id, id);
        assert_int_equal(reply.header.status, STATUS_OK);
        raw_release(&reply);
    }
    raw_close(&peer);
    free(bytes);
}

static void a_truncated_frame_and_a_disconnect(void **state)
{
    u8 frame[256];
    for (u32 i = 0; i < 200; i++) {
        struct raw_peer peer = raw_connect(*state, i % 2 == 0);
        const u32 bytes = build_ping(&peer, frame);
        raw_send(&peer, frame, 1 + i % (bytes - 1));
        if (i % 3 == 0) { /* a reset instead of an end */
            const struct linger linger = {.l_onoff = 1, .l_linger = 0};
            (void)setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        }
        raw_close(&peer);
    }
    check_alive(state);
}

/* The peer closes its sending side: what it has sent is still answered, then the stream ends. */
static void a_half_closed_connection_gets_its_answers(void **state)
{
    char code[16];
    struct raw_peer peer = raw_connect(*state, false);
    const u64 sku = raw_sku_on_shard(*state, 1, 5, code);
    raw_hello(&peer, 0); /* the frames go through the other core */
    raw_session_open(&peer, 1, 55);
    assert_int_equal(raw_sku_put(&peer, sku, code, 1), STATUS_OK);
    const struct msg_stock_receive_req receive = {.resource = raw_sku(sku), .quantity = 1};
    for (u32 i = 0; i < 50; i++)
        raw_write(&peer, OPCODE_STOCK_RECEIVE, &receive, sizeof receive, 1);
    assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
    for (u32 i = 0; i < 50; i++)
        assert_int_equal(raw_receive_status(&peer), STATUS_OK);
    assert_true(raw_is_ended(&peer));
    raw_close(&peer);
}

static void a_disconnect_between_request_and_reply_leaves_the_sale(void **state)
{
    char code[16];
    struct raw_peer keeper = raw_connect(*state, false);
    const u64 sku = raw_sku_on_shard(*state, 0, 9, code);
    raw_hello(&keeper, 0);
    raw_session_open(&keeper, 0, 90);
    assert_int_equal(raw_sku_put(&keeper, sku, code, 1), STATUS_OK);
    assert_int_equal(raw_stock_receive(&keeper, sku, 1000), STATUS_OK);
    u32 granted = 0;
    for (u32 i = 0; i < 50; i++) {
        struct raw_peer peer = raw_connect(*state, i % 2 == 0);
        raw_session_open(&peer, 0, 1000 + i);
        const struct msg_take_req take = {.resource = raw_sku(sku), .quantity = 1};
        raw_write(&peer, OPCODE_TAKE, &take, sizeof take, 1);
        raw_close(&peer);
        /* the same session from a new connection learns what became of it */
        struct raw_peer again = raw_connect(*state, false);
        again.session = peer.session;
        again.seq = peer.seq - 1;
        raw_write(&again, OPCODE_TAKE, &take, sizeof take, 1);
        assert_int_equal(raw_receive_status(&again), STATUS_OK);
        granted++;
        raw_close(&again);
    }
    assert_int_equal(raw_stock_get(&keeper, sku).allocated, granted);
    raw_close(&keeper);
}

/* It asks for ever more and takes nothing: the server stops serving it, keeps little, and serves
 * others meanwhile. */
static void a_peer_that_never_reads(void **state)
{
    enum { RECORDS = 4000 };
    struct raw_server *server = *state;
    struct msg_stock_get_req *gets = calloc(RECORDS, sizeof *gets);
    u8 *frame = malloc(FRAME_BYTES_MAX);
    assert_true(gets != NULL && frame != NULL);
    for (u32 i = 0; i < RECORDS; i++)
        gets[i].resource = raw_sku(i + 1);
    struct raw_peer other = raw_connect(server, true);
    char *info = raw_text(&other, OPCODE_INFO);
    const u64 resident_before = raw_number(info, "resident_bytes");
    free(info);
    struct raw_peer peer = raw_connect(server, false);
    size_t asked = 0;
    for (u32 quiet = 0; quiet < 50;) {
        const u32 bytes =
            raw_build(&peer, frame, OPCODE_STOCK_GET, gets, RECORDS * sizeof *gets, RECORDS);
        size_t sent = 0;
        while (sent < bytes && quiet < 50) {
            const size_t some = raw_send_some(&peer, frame + sent, bytes - sent);
            sent += some;
            quiet = some == 0 ? quiet + 1 : 0;
            if (some == 0)
                raw_sleep_ms(10);
        }
        asked += sent;
        assert_true(asked < 200u << 20); /* else nothing holds it back */
        if (asked % (1 << 20) < 65536)
            assert_int_equal(raw_ping(&other), STATUS_OK);
    }
    info = raw_text(&other, OPCODE_INFO);
    const u64 resident_after = raw_number(info, "resident_bytes");
    free(info);
    assert_true(resident_after < resident_before + (64u << 20));
    assert_int_equal(raw_ping(&other), STATUS_OK);
    raw_close(&peer);
    raw_close(&other);
    free(gets);
    free(frame);
}

static void five_thousand_idle_connections(void **state)
{
    enum { IDLE = 5000 };
    struct raw_peer *peers = calloc(IDLE, sizeof *peers);
    assert_non_null(peers);
    for (u32 i = 0; i < IDLE; i++)
        peers[i] = raw_connect(*state, i % 2 == 0);
    for (u32 i = 0; i < IDLE; i += 97)
        assert_int_equal(raw_ping(&peers[i]), STATUS_OK);
    for (u32 i = 0; i < IDLE; i += 499)
        raw_hello(&peers[i], (u16)(i % 2));
    char *stats = raw_text(&peers[0], OPCODE_STATS);
    assert_int_equal(raw_number(stats, "overflows"), 0);
    free(stats);
    for (u32 i = 0; i < IDLE; i++)
        raw_close(&peers[i]);
    free(peers);
    check_alive(state);
}

/* Bytes from a simple generator: the server never ends because of a byte from the network. */
static void noise(void **state)
{
    u64 seed = 0x5eed;
    for (u32 round = 0; round < 300; round++) {
        u8 bytes[2048];
        struct raw_peer peer = raw_connect(*state, round % 2 == 0);
        u32 count = build_ping(&peer, bytes);
        for (u32 i = round % 4 == 0 ? 0 : 16; i < count; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            if (seed >> 62 == 0)
                bytes[i] = (u8)(seed >> 40);
        }
        if (round % 4 == 1) { /* garbage that reaches the records */
            struct frame_header header = frame_header_read(bytes);
            header.opcode = (u16)(0x0101 + (seed >> 33) % 0x0400);
            header.flags = 0;
            header.length = count;
            header.magic = FRAME_MAGIC;
            header.version = FRAME_VERSION;
            count = reseal(bytes, &header);
        }
        raw_send(&peer, bytes, count);
        raw_close(&peer);
    }
    check_alive(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_magic),
        cmocka_unit_test(lengths_that_cannot_be),
        cmocka_unit_test(wrong_checksum),
        cmocka_unit_test(wrong_version),
        cmocka_unit_test(unknown_opcode),
        cmocka_unit_test(reserved_bits_and_fields_of_replies),
        cmocka_unit_test(a_reserved_field_of_a_record),
        cmocka_unit_test(record_counts_that_do_not_fit),
        cmocka_unit_test(spans_past_the_end),
        cmocka_unit_test(a_shard_that_does_not_exist),
        cmocka_unit_test(a_write_without_a_session),
        cmocka_unit_test(versions_that_do_not_meet),
        cmocka_unit_test(quantities_prices_and_ids),
        cmocka_unit_test(a_deadline_that_has_passed),
        cmocka_unit_test(a_frame_byte_by_byte),
        cmocka_unit_test(a_stream_cut_at_odd_places),
        cmocka_unit_test(a_truncated_frame_and_a_disconnect),
        cmocka_unit_test(a_half_closed_connection_gets_its_answers),
        cmocka_unit_test(a_disconnect_between_request_and_reply_leaves_the_sale),
        cmocka_unit_test(a_peer_that_never_reads),
        cmocka_unit_test(five_thousand_idle_connections),
        cmocka_unit_test(noise),
    };
    cmocka_set_test_filter(getenv("TEST")); /* e.g. TEST='kill*' */
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
