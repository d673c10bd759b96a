/* The server over its wire: each kind of command, many frames at once, the wrong core, large frames,
 * stop and restart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "tests/integration/raw.h"

static const char *const two_shards[] = {"--shards", "2", "--reactors", "2", NULL};

static int start_server(void **state)
{
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
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    raw_server_remove(server);
    free(server);
    return 0;
}

static void hello_and_ping_are_answered_on_both_sockets(void **state)
{
    for (u32 is_unix = 0; is_unix < 2; is_unix++) {
        struct raw_peer peer = raw_connect(*state, is_unix == 1);
        raw_hello(&peer, SHARD_ANY);
        assert_int_equal(raw_ping(&peer), STATUS_OK);
        raw_close(&peer);
    }
}

static void a_sale_changes_the_levels(void **state)
{
    char code[16];
    struct raw_peer peer = raw_connect(*state, false);
    const u64 sku = raw_sku_on_shard(*state, 0, 0, code);
    raw_hello(&peer, 0);
    raw_session_open(&peer, 0, 1);
    assert_int_equal(raw_stock_receive(&peer, sku, 5), STATUS_NOT_FOUND);
    assert_int_equal(raw_sku_put(&peer, sku, code, 255), STATUS_OK);
    assert_int_equal(raw_stock_receive(&peer, sku, 5), STATUS_OK);
    assert_int_equal(raw_take(&peer, sku, 3, raw_id(1)), STATUS_OK);
    assert_int_equal(raw_take(&peer, sku, 3, raw_id(2)), STATUS_SOLD_OUT);
    const struct msg_stock_get_rsp levels = raw_stock_get(&peer, sku);
    assert_int_equal(levels.on_hand, 5);
    assert_int_equal(levels.allocated, 3);
    assert_int_equal(levels.sellable, 2);
    assert_int_equal(raw_verify(&peer, 0).violations, 0);
    raw_close(&peer);
}

/* The session decides which core the shard is on; the connection stays where it is. */
static void a_frame_on_the_wrong_core_is_forwarded(void **state)
{
    char code[16];
    struct raw_peer peers[2] = {raw_connect(*state, false), raw_connect(*state, true)};
    for (u16 at = 0; at < 2; at++) {
        raw_hello(&peers[at], at); /* now on the core of shard `at` */
        const u16 other = at == 0 ? 1 : 0;
        const u64 sku = raw_sku_on_shard(*state, other, at + 1u, code);
        raw_session_open(&peers[at], other, 10u + at);
        assert_int_equal(raw_sku_put(&peers[at], sku, code, 1), STATUS_OK);
        assert_int_equal(raw_stock_receive(&peers[at], sku, 100), STATUS_OK);
        for (u32 i = 0; i < 100; i++)
            assert_int_equal(raw_take(&peers[at], sku, 1, raw_id(100 + i)), STATUS_OK);
        assert_int_equal(raw_take(&peers[at], sku, 1, raw_id(300)), STATUS_SOLD_OUT);
        assert_int_equal(raw_stock_get(&peers[at], sku).allocated, 100);
        assert_int_equal(raw_verify(&peers[at], other).violations, 0);
    }
    char *stats = raw_text(&peers[0], OPCODE_STATS);
    assert_true(raw_number(stats, "frames_forwarded") > 0);
    free(stats);
    raw_close(&peers[0]);
    raw_close(&peers[1]);
}

/* Frames that came behind hello, in the same bytes, travel with the socket. */
static void bytes_behind_hello_move_with_the_connection(void **state)
{
    for (u16 shard = 0; shard < 2; shard++) {
        struct raw_peer peer = raw_connect(*state, true);
        u8 bytes[4096];
        u32 count = 0;
        u8 body[64];
        const struct msg_hello_req hello = {
            .version_min = 1, .version_max = 1, .want_shard = shard};
        const struct span agent = {NULL, 0};
        const u32 body_bytes = frame_record_write(
            message_find(OPCODE_HELLO), FRAME_DIRECTION_REQUEST, body, sizeof body, &hello, &agent);
        count += raw_build(&peer, bytes, OPCODE_HELLO, body, body_bytes, 1);
        for (u64 i = 0; i < 10; i++)
            count += raw_build(&peer, bytes + count, OPCODE_PING, &i, sizeof i, 1);
        raw_send(&peer, bytes, count - 40); /* the last one in two pieces */
        raw_sleep_ms(20);
        raw_send(&peer, bytes + count - 40, 40);
        for (u64 id = 1; id <= 11; id++) {
            struct raw_reply reply;
            assert_true(raw_receive(&peer, &reply));
            assert_int_equal(reply.header.request_id, id);
            assert_int_equal(reply.header.status, STATUS_OK);
            raw_release(&reply);
        }
        raw_close(&peer);
    }
}

static void many_frames_in_flight_are_all_answered_once(void **state)
{
    enum { FRAMES = 1000, ROUNDS = 5 };
    char code[16];
    struct raw_peer peer = raw_connect(*state, false);
    const u64 sku = raw_sku_on_shard(*state, 1, 20, code);
    raw_hello(&peer, 1);
    raw_session_open(&peer, 1, 20);
    assert_int_equal(raw_sku_put(&peer, sku, code, 1), STATUS_OK);
    assert_int_equal(raw_stock_receive(&peer, sku, FRAMES * ROUNDS), STATUS_OK);
    u8 *bytes = malloc(FRAMES * 512);
    bool *seen = calloc(FRAMES * ROUNDS * 2 + 100, sizeof *seen);
    assert_true(bytes != NULL && seen != NULL);
    for (u32 round = 0; round < ROUNDS; round++) {
        u32 count = 0;
        const u64 first = peer.request_id + 1;
        for (u32 i = 0; i < FRAMES; i++) {
            const struct msg_take_req take = {.resource = raw_sku(sku), .quantity = 1};
            const struct msg_stock_get_req get = {.resource = raw_sku(sku)};
            if (i % 2 == 0)
                count += raw_build_write(&peer, bytes + count, OPCODE_TAKE, &take, sizeof take, 1);
            else
                count += raw_build(&peer, bytes + count, OPCODE_STOCK_GET, &get, sizeof get, 1);
        }
        raw_send(&peer, bytes, count);
        for (u32 i = 0; i < FRAMES; i++) {
            struct raw_reply reply;
            assert_true(raw_receive(&peer, &reply));
            assert_int_equal(reply.header.status, STATUS_OK);
            assert_true(reply.header.request_id >= first &&
                        reply.header.request_id < first + FRAMES);
            assert_false(seen[reply.header.request_id]);
            seen[reply.header.request_id] = true;
            raw_release(&reply);
        }
        peer.acked = peer.seq;
    }
    assert_int_equal(raw_stock_get(&peer, sku).allocated, FRAMES / 2 * ROUNDS);
    free(bytes);
    free(seen);
    raw_close(&peer);
}

/* Frames of nearly 1 MiB, several under way, on the right core and through the wrong one. */
static void large_frames_are_pipelined(void **state)
{
    enum { RECORDS = FRAME_RECORDS_MAX, FRAMES = 8 };
    char code[16];
    const struct message_info *info = message_find(OPCODE_TAKE);
    struct msg_take_req *takes = calloc(RECORDS, sizeof *takes);
    u8 *frame = malloc(FRAME_BYTES_MAX);
    assert_true(takes != NULL && frame != NULL);
    for (u16 core = 0; core < 2; core++) {
        struct raw_peer peer = raw_connect(*state, false);
        const u64 sku = raw_sku_on_shard(*state, 0, 30u + core, code);
        const u32 records = MIN(RECORDS, info->records_max);
        raw_hello(&peer, core);
        raw_session_open(&peer, 0, 30u + core);
        assert_int_equal(raw_sku_put(&peer, sku, code, 1), STATUS_OK);
        assert_int_equal(raw_stock_receive(&peer, sku, (i64)records * FRAMES), STATUS_OK);
        for (u32 i = 0; i < records; i++)
            takes[i] = (struct msg_take_req){.resource = raw_sku(sku), .quantity = 1};
        for (u32 i = 0; i < FRAMES; i++)
            raw_send(&peer, frame,
                     raw_build_write(&peer, frame, OPCODE_TAKE, takes,
                                     (u32)(records * sizeof *takes), records));
        for (u32 i = 0; i < FRAMES; i++) {
            struct raw_reply reply;
            assert_true(raw_receive(&peer, &reply));
            assert_int_equal(reply.header.status, STATUS_OK);
            assert_int_equal(reply.header.record_count, records);
            raw_release(&reply);
        }
        assert_int_equal(raw_stock_get(&peer, sku).allocated, (i64)records * FRAMES);
        raw_close(&peer);
    }
    free(takes);
    free(frame);
}

static void a_repeated_number_gets_the_stored_reply(void **state)
{
    char code[16];
    struct raw_peer peer = raw_connect(*state, false);
    const u64 sku = raw_sku_on_shard(*state, 0, 40, code);
    raw_hello(&peer, 0);
    raw_session_open(&peer, 0, 40);
    assert_int_equal(raw_sku_put(&peer, sku, code, 1), STATUS_OK);
    assert_int_equal(raw_stock_receive(&peer, sku, 10), STATUS_OK);
    const struct msg_take_req take = {.resource = raw_sku(sku), .quantity = 1};
    peer.acked = 0; /* keep everything */
    raw_write(&peer, OPCODE_TAKE, &take, sizeof take, 1);
    assert_int_equal(raw_receive_status(&peer), STATUS_OK);
    peer.seq--;
    peer.acked = 0;
    raw_write(&peer, OPCODE_TAKE, &take, sizeof take, 1);
    struct raw_reply reply;
    assert_true(raw_receive(&peer, &reply));
    assert_int_equal(reply.header.status, STATUS_OK);
    assert_true((reply.header.flags & FRAME_FLAG_REPLAYED) != 0);
    raw_release(&reply);
    assert_int_equal(raw_stock_get(&peer, sku).allocated, 1);
    raw_close(&peer);
}

static void info_and_stats_are_json_with_the_figures(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer = raw_connect(server, true);
    char *info = raw_text(&peer, OPCODE_INFO);
    assert_int_equal(raw_number(info, "shards"), 2);
    assert_int_equal(raw_number(info, "pid"), server->pid);
    assert_non_null(strstr(info, "\"durability\":\"durable\""));
    char *stats = raw_text(&peer, OPCODE_STATS);
    assert_true(raw_number(stats, "frames") > 0);
    assert_non_null(strstr(stats, "\"p999_ns\""));
    assert_int_equal(raw_number(stats, "overflows"), 0);
    free(info);
    free(stats);
    raw_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_and_ping_are_answered_on_both_sockets),
        cmocka_unit_test(a_sale_changes_the_levels),
        cmocka_unit_test(a_frame_on_the_wrong_core_is_forwarded),
        cmocka_unit_test(bytes_behind_hello_move_with_the_connection),
        cmocka_unit_test(many_frames_in_flight_are_all_answered_once),
        cmocka_unit_test(large_frames_are_pipelined),
        cmocka_unit_test(a_repeated_number_gets_the_stored_reply),
        cmocka_unit_test(info_and_stats_are_json_with_the_figures),
    };
    cmocka_set_test_filter(getenv("TEST")); /* e.g. TEST='kill*' */
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
