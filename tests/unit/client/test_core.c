/* test_core: the client's protocol over a network that is two buffers: retries, cuts, windows,
 * deadlines, sessions that expire, and servers that send nonsense.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/lib/core.h"
#include "tests/unit/client/fake_server.h"

#define MS NS_PER_MS

struct net {
    struct core core;
    struct fake_server fake;
    u64 now_ns;
    bool is_mute; /* the server executes, and its replies are lost */
};

static struct net *net_open(u16 shards, i64 stock, struct souk_options options)
{
    struct net *net = calloc(1, sizeof *net);
    net->now_ns = 1000 * MS;
    core_init(&net->core, &options, (struct id128){11, 22});
    fake_init(&net->fake, shards, stock);
    return net;
}

static void net_close(struct net *net)
{
    core_deinit(&net->core);
    fake_deinit(&net->fake);
    free(net);
}

/* Gives bytes to the client as if they had come from the network. */
static const char *feed(struct net *net, u16 connection, const u8 *bytes, u32 count)
{
    while (count != 0) {
        u32 room;
        u8 *to = core_input_room(&net->core, connection, &room);
        const u32 part = MIN(room, count);
        memcpy(to, bytes, part);
        const char *reason = core_received(&net->core, connection, part, net->now_ns);
        if (reason != NULL)
            return reason;
        bytes += part;
        count -= part;
    }
    return NULL;
}

/* Moves what a connection has to send to the server. Returns frames moved. */
static u32 push_out(struct net *net, u16 connection)
{
    u32 frames = 0;
    for (;;) {
        struct iovec vectors[8];
        const u32 count = core_output(&net->core, connection, vectors, 8);
        if (count == 0)
            return frames;
        u64 bytes = 0;
        for (u32 i = 0; i < count; i++) {
            assert_true(fake_receive(&net->fake, vectors[i].iov_base, (u32)vectors[i].iov_len));
            bytes += vectors[i].iov_len;
        }
        core_sent(&net->core, connection, bytes);
        frames += count;
    }
}

static void connect_all(struct net *net)
{
    for (u16 i = 0; i < net->core.connection_count; i++)
        if (core_wants_connect(&net->core, i, net->now_ns)) {
            core_connecting(&net->core, i);
            assert_true(core_connected(&net->core, i, net->now_ns));
        }
}

/* One exchange on every connection. */
static void turn(struct net *net, bool is_flush)
{
    connect_all(net);
    core_pump(&net->core, net->now_ns, is_flush);
    for (u16 i = 0; i < net->core.connection_count; i++) {
        if (net->core.connections[i].state < CORE_CONNECTION_GREETING)
            continue;
        (void)push_out(net, i);
        if (!net->is_mute)
            assert_null(feed(net, i, net->fake.out, net->fake.out_bytes));
        net->fake.out_bytes = 0;
    }
}

static void run(struct net *net, u32 turns)
{
    for (u32 i = 0; i < turns; i++)
        turn(net, true);
}

struct taken {
    struct core_call call;
    struct souk_take_reply replies[64];
};

static int take(struct net *net, struct taken *taken, u32 count, u32 deadline_ms, u64 first_id)
{
    struct souk_take records[64] = {0};
    for (u32 i = 0; i < count; i++)
        records[i] = (struct souk_take){.resource = {.id = first_id + i}, .quantity = 1};
    const struct souk_request request = {
        .op = SOUK_OP_TAKE, .count = count, .records = records, .deadline_ms = deadline_ms};
    *taken = (struct taken){.call = {.replies = (u8 *)taken->replies}};
    return core_submit(&net->core, net->now_ns, &request, &taken->call);
}

static void lose(struct net *net, u16 connection)
{
    core_lost(&net->core, connection, net->now_ns);
}

/* ---- the happy path ---- */

static void a_take_opens_the_session_and_is_answered(void **state)
{
    (void)state;
    struct net *net = net_open(1, 5, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 3);
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.call.error, 0);
    assert_int_equal(taken.replies[0].status, SOUK_OK);
    assert_int_equal(taken.replies[0].sellable, 4);
    assert_ptr_equal(net->core.done_head, &taken.call);
    assert_int_equal(net->core.stats.sessions_opened, 1);
    assert_int_equal(net->core.queued_bytes, 0);
    net_close(net);
}

static void before_the_greeting_there_is_no_server(void **state)
{
    (void)state;
    struct net *net = net_open(1, 5, (struct souk_options){0});
    struct taken taken;
    assert_int_equal(take(net, &taken, 1, 0, 1), SOUK_ERROR_NO_SERVER);
    net_close(net);
}

static void a_batch_is_split_by_shard_and_comes_back_in_order(void **state)
{
    (void)state;
    struct net *net = net_open(4, 1000, (struct souk_options){0});
    struct taken taken;
    run(net, 2);
    assert_int_equal(net->core.connection_count, 4);
    assert_int_equal(take(net, &taken, 64, 0, 1), 0);
    run(net, 6);
    assert_int_equal(taken.call.left, 0);
    for (u32 i = 0; i < 64; i++)
        assert_int_equal(taken.replies[i].status, SOUK_OK);
    assert_int_equal(net->fake.executed_records, 64);
    assert_true(net->fake.executed_frames <= 4);
    net_close(net);
}

static void a_batch_is_split_by_the_limits_of_a_frame(void **state)
{
    (void)state;
    struct net *net = net_open(1, 100000, (struct souk_options){0});
    run(net, 1);
    enum { COUNT = 20000 };
    struct souk_take *records = calloc(COUNT, sizeof *records);
    struct souk_take_reply *replies = calloc(COUNT, sizeof *replies);
    for (u32 i = 0; i < COUNT; i++)
        records[i] = (struct souk_take){.resource = {.id = 1}, .quantity = 1};
    const struct souk_request request = {.op = SOUK_OP_TAKE, .count = COUNT, .records = records};
    struct core_call call = {.replies = (u8 *)replies};
    assert_int_equal(core_submit(&net->core, net->now_ns, &request, &call), 0);
    run(net, 6);
    assert_int_equal(call.left, 0);
    assert_int_equal(net->fake.executed_records, COUNT);
    assert_int_equal(net->fake.executed_frames, 3);
    for (u32 i = 0; i < COUNT; i++)
        assert_int_equal(replies[i].sellable, 100000 - 1 - (i64)i);
    free(records);
    free(replies);
    net_close(net);
}

static void calls_that_wait_share_a_frame(void **state)
{
    (void)state;
    struct net *net = net_open(1, 100, (struct souk_options){.gather_frames = 1});
    struct taken first;
    struct taken more[10];
    run(net, 1);
    assert_int_equal(take(net, &first, 1, 0, 1), 0);
    run(net, 3);
    assert_int_equal(take(net, &first, 1, 0, 1), 0);
    core_pump(&net->core, net->now_ns, false); /* sent at once: nothing is under way */
    for (u32 i = 0; i < 10; i++) {
        assert_int_equal(take(net, &more[i], 1, 0, 1), 0);
        core_pump(&net->core, net->now_ns, false);
    }
    assert_int_equal(push_out(net, 0), 1);
    assert_null(feed(net, 0, net->fake.out, net->fake.out_bytes));
    net->fake.out_bytes = 0;
    core_pump(&net->core, net->now_ns, false);
    assert_int_equal(push_out(net, 0), 1); /* all ten */
    assert_null(feed(net, 0, net->fake.out, net->fake.out_bytes));
    net->fake.out_bytes = 0;
    assert_int_equal(net->fake.executed_frames, 3);
    for (u32 i = 0; i < 10; i++) {
        assert_int_equal(more[i].call.left, 0);
        assert_int_equal(more[i].replies[0].sellable, 97 - (i64)i);
    }
    net_close(net);
}

static void other_deadlines_and_linked_calls_do_not_share(void **state)
{
    (void)state;
    struct net *net = net_open(1, 100, (struct souk_options){0});
    struct taken a;
    struct taken b;
    struct taken c;
    run(net, 1);
    assert_int_equal(take(net, &a, 1, 500, 1), 0);
    assert_int_equal(take(net, &b, 1, 600, 1), 0);
    const struct souk_take records[2] = {{.resource = {.id = 1}, .quantity = 1},
                                         {.resource = {.id = 2}, .quantity = 1}};
    const struct souk_request linked = {.op = SOUK_OP_TAKE,
                                        .count = 2,
                                        .records = records,
                                        .deadline_ms = 600,
                                        .flags = SOUK_LINKED};
    c = (struct taken){.call = {.replies = (u8 *)c.replies}};
    assert_int_equal(core_submit(&net->core, net->now_ns, &linked, &c.call), 0);
    run(net, 3);
    assert_int_equal(net->fake.executed_frames, 3);
    assert_int_equal(c.call.left, 0);
    for (u32 i = 0; i < 3; i++) {
        struct souk_request alone = linked;
        alone.flags = SOUK_ALONE;
        struct core_call *call = i == 0 ? &a.call : i == 1 ? &b.call : &c.call;
        assert_int_equal(core_submit(&net->core, net->now_ns, &alone, call), 0);
    }
    run(net, 2);
    assert_int_equal(net->fake.executed_frames, 6);
    net_close(net);
}

static void texts_are_copied_and_end_with_zero(void **state)
{
    (void)state;
    struct net *net = net_open(1, 0, (struct souk_options){0});
    run(net, 1);
    const struct souk_sku_get record = {.resource = {.id = 1}};
    struct souk_sku_get_reply reply;
    const struct souk_request request = {.op = SOUK_OP_SKU_GET, .count = 1, .records = &record};
    struct core_call call = {.replies = (u8 *)&reply};
    assert_int_equal(core_submit(&net->core, net->now_ns, &request, &call), 0);
    run(net, 2);
    assert_int_equal(call.left, 0);
    assert_int_equal(reply.code.bytes, 4);
    assert_string_equal(reply.code.data, "text");
    souk_free(reply.memory);
    net_close(net);
}

static void bad_requests_are_refused_before_anything_is_sent(void **state)
{
    (void)state;
    struct net *net = net_open(2, 0, (struct souk_options){0});
    run(net, 2);
    char *code = calloc(1, 100);
    struct souk_sku_put put = {.resource = {.id = 1}, .code = {code, 100}};
    struct core_call call = {.replies = (u8 *)calloc(1, 4096)};
    struct souk_request request = {.op = SOUK_OP_SKU_PUT, .count = 1, .records = &put};
    assert_int_equal(core_submit(&net->core, 0, &request, &call), SOUK_ERROR_ARGUMENT);
    request.op = 0x7777;
    assert_int_equal(core_submit(&net->core, 0, &request, &call), SOUK_ERROR_ARGUMENT);
    const struct souk_verify verify = {0};
    request =
        (struct souk_request){.op = SOUK_OP_VERIFY, .count = 1, .records = &verify, .shard = 2};
    assert_int_equal(core_submit(&net->core, 0, &request, &call), SOUK_ERROR_ARGUMENT);
    struct souk_take records[16] = {0};
    for (u32 i = 0; i < 16; i++)
        records[i].resource.id = i + 1;
    request = (struct souk_request){
        .op = SOUK_OP_TAKE, .count = 16, .records = records, .flags = SOUK_LINKED};
    assert_int_equal(core_submit(&net->core, 0, &request, &call), SOUK_ERROR_SHARDS);
    assert_int_equal(net->core.queued_bytes, 0);
    free(call.replies);
    free(code);
    net_close(net);
}

/* ---- exactly once ---- */

static void after_a_cut_the_same_number_is_sent_and_the_answer_replayed(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 3);
    assert_int_equal(take(net, &taken, 3, 0, 1), 0);
    net->is_mute = true;
    run(net, 1);
    assert_int_equal(net->fake.stock, 6); /* executed, and the answer is lost */
    lose(net, 0);
    net->is_mute = false;
    run(net, 4);
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.replies[0].status, SOUK_OK);
    assert_int_equal(taken.replies[2].sellable, 6);
    assert_int_equal(taken.replies[0].flags, SOUK_FLAG_STORED);
    assert_int_equal(net->fake.stock, 6);
    assert_int_equal(net->core.stats.replies_replayed, 1);
    assert_int_equal(net->core.stats.frames_resent, 1);
    net_close(net);
}

static void a_thousand_random_cuts_sell_each_unit_once(void **state)
{
    (void)state;
    struct net *net = net_open(2, 3000, (struct souk_options){0});
    run(net, 2);
    u64 granted = 0;
    u64 random = 12345;
    for (u32 round = 0; round < 1000; round++) {
        struct taken taken;
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        assert_int_equal(take(net, &taken, 1 + (u32)(random >> 60) % 8, SOUK_FOREVER, random), 0);
        while (taken.call.left != 0) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            net->is_mute = (random >> 62) == 0;
            turn(net, true);
            for (u16 i = 0; net->is_mute && i < 2; i++)
                if (net->core.connections[i].state != CORE_CONNECTION_DOWN)
                    lose(net, i);
            net->now_ns += 2000 * MS;
        }
        for (u32 i = 0; i < taken.call.count; i++)
            granted += taken.replies[i].status == SOUK_OK ? 1 : 0;
        net->core.done_head = NULL;
        net->core.done_tail = NULL;
    }
    assert_int_equal((i64)granted, 3000 - net->fake.stock);
    assert_true(net->core.stats.replies_replayed > 50);
    assert_int_equal(net->fake.executed_records, net->core.stats.records_sent);
    net_close(net);
}

static void acked_follows_what_was_received_without_a_gap(void **state)
{
    (void)state;
    struct net *net = net_open(1, 100, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    for (u32 i = 0; i < 20; i++) {
        assert_int_equal(take(net, &taken, 1, 0, 1), 0);
        run(net, 3);
        assert_int_equal(taken.call.left, 0);
    }
    assert_int_equal(net->fake.acked_max, 19);
    assert_int_equal(net->fake.outstanding_max, 1);
    net_close(net);
}

static void an_answered_refusal_is_done_although_its_number_is_unused(void **state)
{
    (void)state;
    struct net *net = net_open(1, 100, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    net->fake.next_status = STATUS_SOLD_OUT;
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 2); /* session */
    net->fake.next_status_count = 1;
    run(net, 1);
    if (taken.call.left != 0)
        run(net, 2);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(take(net, &taken, 1, 0, 1), 0);
        run(net, 3);
    }
    assert_int_equal(net->core.lanes[0].acked_seq, 4);
    assert_int_equal(net->core.lanes[0].next_seq, 5);
    net_close(net);
}

static void the_window_and_the_byte_budget_are_kept(void **state)
{
    (void)state;
    struct net *net = net_open(1, 100000, (struct souk_options){0});
    net->fake.window_frames = 4;
    struct taken *taken = calloc(40, sizeof *taken);
    run(net, 1);
    assert_int_equal(take(net, &taken[0], 1, 0, 1), 0);
    run(net, 3);
    net->is_mute = true;
    for (u32 i = 0; i < 10; i++) { /* other deadlines: other frames */
        assert_int_equal(take(net, &taken[i], 1, 5000 + i, 1), 0);
        turn(net, true);
    }
    assert_int_equal(net->core.lanes[0].in_flight, 4);
    lose(net, 0);
    net->is_mute = false;
    run(net, 10);
    for (u32 i = 0; i < 10; i++)
        assert_int_equal(taken[i].call.left, 0);
    assert_true(net->fake.outstanding_max <= 4);
    net->core.server.window_frames = 1000;
    net->core.server.session_reply_bytes_max = 2 * (FRAME_HEADER_BYTES + 64 * 16);
    net->is_mute = true;
    for (u32 i = 0; i < 10; i++) {
        assert_int_equal(take(net, &taken[i], 64, 5000 + i, 1), 0);
        turn(net, true);
    }
    assert_int_equal(net->core.lanes[0].in_flight, 2);
    net_close(net);
    free(taken);
}

static void an_expired_session_that_never_had_the_frame_is_renewed(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 3);
    net->fake.session_count = 0; /* forgotten */
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 6);
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.call.error, 0);
    assert_int_equal(taken.replies[0].status, SOUK_OK);
    assert_int_equal(net->fake.stock, 8);
    assert_int_equal(net->core.stats.sessions_expired, 1);
    net_close(net);
}

static void an_expired_session_after_a_cut_is_an_unknown_outcome(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 3);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    net->is_mute = true;
    run(net, 1);
    lose(net, 0);
    net->is_mute = false;
    net->fake.session_count = 0;
    run(net, 4);
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.call.error, SOUK_ERROR_UNKNOWN_OUTCOME);
    assert_int_equal(taken.replies[0].status, SOUK_UNANSWERED_BY(SOUK_ERROR_UNKNOWN_OUTCOME));
    assert_int_equal(net->fake.stock, 8); /* once, not twice */
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 5);
    assert_int_equal(taken.replies[0].status, SOUK_OK);
    net_close(net);
}

static void a_server_that_always_forgets_does_not_loop(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    for (u32 i = 0; i < 40; i++) {
        run(net, 1);
        net->fake.session_count = 0;
    }
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.replies[0].status, SOUK_SESSION_EXPIRED);
    net_close(net);
}

static void numbered_frames_keep_their_number_and_replay(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    run(net, 1);
    const struct souk_session_open open = {0};
    const struct souk_take record = {.resource = {.id = 1}, .quantity = 1};
    struct souk_session_open_reply opened;
    struct souk_take_reply reply;
    struct souk_request request = {.op = SOUK_OP_SESSION_OPEN,
                                   .count = 1,
                                   .records = &open,
                                   .flags = SOUK_NUMBERED,
                                   .session = {5, 6}};
    struct core_call call = {.replies = (u8 *)&opened};
    assert_int_equal(core_submit(&net->core, net->now_ns, &request, &call), 0);
    run(net, 1);
    assert_int_equal(call.left, 0);
    request.op = SOUK_OP_TAKE;
    request.records = &record;
    request.session_seq = 42;
    request.acked_seq = 41;
    for (u32 i = 0; i < 2; i++) {
        call = (struct core_call){.replies = (u8 *)&reply};
        assert_int_equal(core_submit(&net->core, net->now_ns, &request, &call), 0);
        run(net, 2);
        assert_int_equal(call.left, 0);
        assert_int_equal(reply.sellable, 9);
        assert_int_equal(reply.flags, i == 0 ? 0 : SOUK_FLAG_STORED);
    }
    assert_int_equal(net->fake.acked_max, 41);
    net_close(net);
}

/* ---- deadlines and retries ---- */

static void a_retry_status_is_retried_with_the_same_number(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 3);
    net->fake.next_status = STATUS_OVERLOADED;
    net->fake.next_status_count = 2;
    net->fake.next_retry_ms = 20;
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 2);
    assert_int_equal(taken.call.left, 1);
    assert_int_equal(net->fake.seen_frames, 2);
    assert_true(core_next_ns(&net->core) >= net->now_ns + 20 * MS);
    net->now_ns += 30 * MS;
    run(net, 1);
    assert_int_equal(net->fake.seen_frames, 3);
    net->now_ns += 30 * MS;
    run(net, 1);
    assert_int_equal(taken.replies[0].status, SOUK_OK);
    assert_int_equal(net->core.stats.frames_retried, 2);
    assert_int_equal(net->core.lanes[0].next_seq, 3);
    net_close(net);
}

static void retries_end_at_the_limit_with_the_status(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){.retry_limit = 3});
    struct taken taken;
    run(net, 1);
    net->fake.next_status = STATUS_NO_SPACE;
    net->fake.next_status_count = 100;
    assert_int_equal(take(net, &taken, 2, 0, 1), 0);
    for (u32 i = 0; i < 10; i++) {
        run(net, 2);
        net->now_ns += 100 * MS;
    }
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.call.error, 0);
    assert_int_equal(taken.replies[1].status, SOUK_NO_SPACE);
    assert_int_equal(taken.replies[1].flags, SOUK_FLAG_FRAME);
    assert_int_equal(net->fake.seen_frames, 4);
    net_close(net);
}

static void a_deadline_before_sending_is_a_timeout_after_it_unknown(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken first;
    struct taken second;
    run(net, 1);
    assert_int_equal(take(net, &first, 1, 0, 1), 0);
    run(net, 3);
    net->is_mute = true;
    assert_int_equal(take(net, &first, 1, 100, 1), 0);
    turn(net, true); /* sent, no answer */
    assert_int_equal(take(net, &second, 1, 100, 1), 0);
    assert_true(core_next_ns(&net->core) <= net->now_ns + 120 * MS);
    net->now_ns += 200 * MS;
    core_tick(&net->core, net->now_ns); /* the second one was never sent */
    assert_int_equal(first.call.error, SOUK_ERROR_UNKNOWN_OUTCOME);
    assert_int_equal(second.call.error, SOUK_ERROR_TIMEOUT);
    assert_int_equal(second.replies[0].status, SOUK_UNANSWERED_BY(SOUK_ERROR_TIMEOUT));
    assert_true(net->core.connections[0].is_mute); /* not a byte in all that time */
    lose(net, 0);
    net->is_mute = false;
    assert_int_equal(take(net, &first, 1, 0, 1), 0);
    run(net, 4);
    assert_int_equal(first.replies[0].status, SOUK_OK);
    assert_int_equal(net->core.queued_bytes, 0);
    net_close(net);
}

static void a_late_answer_to_a_call_that_was_told_is_harmless(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 1, 0, 1), 0);
    run(net, 3);
    assert_int_equal(take(net, &taken, 1, 100, 1), 0);
    core_pump(&net->core, net->now_ns, true);
    (void)push_out(net, 0);
    net->now_ns += 200 * MS;
    core_tick(&net->core, net->now_ns);
    assert_int_equal(taken.call.error, SOUK_ERROR_UNKNOWN_OUTCOME);
    memset(&taken, 0x55, sizeof taken); /* the caller's memory is gone */
    net->core.done_head = NULL;
    net->core.done_tail = NULL;
    assert_null(feed(net, 0, net->fake.out, net->fake.out_bytes));
    net->fake.out_bytes = 0;
    assert_int_equal(taken.call.left, 0x55555555);
    assert_int_equal(net->core.lanes[0].acked_seq, 2);
    net_close(net);
}

static void without_a_server_the_deadline_says_so(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    lose(net, 0);
    assert_int_equal(take(net, &taken, 1, 100, 1), 0);
    net->now_ns += 200 * MS;
    core_tick(&net->core, net->now_ns);
    assert_int_equal(taken.call.error, SOUK_ERROR_NO_SERVER);
    net_close(net);
}

static void another_server_at_the_address_ends_what_was_in_flight(void **state)
{
    (void)state;
    struct net *net = net_open(2, 10, (struct souk_options){0});
    struct taken sent;
    struct taken again;
    run(net, 2);
    assert_int_equal(take(net, &sent, 8, 0, 1), 0);
    run(net, 3);
    net->is_mute = true;
    assert_int_equal(take(net, &sent, 8, 0, 1), 0);
    run(net, 1);
    lose(net, 0);
    lose(net, 1);
    net->is_mute = false;
    net->fake.data_id = 99;
    net->fake.shard_count = 1;
    net->fake.reactor_count = 1;
    core_connecting(&net->core, 0);
    assert_true(core_connected(&net->core, 0, net->now_ns));
    (void)push_out(net, 0);
    assert_non_null(feed(net, 0, net->fake.out, net->fake.out_bytes));
    net->fake.out_bytes = 0;
    assert_true(net->core.is_stale);
    assert_int_equal(sent.call.left, 0);
    assert_int_equal(sent.call.error, SOUK_ERROR_UNKNOWN_OUTCOME);
    assert_int_equal(take(net, &again, 1, 0, 1), SOUK_ERROR_NO_SERVER);
    lose(net, 0);
    assert_false(net->core.is_stale);
    net->now_ns += 5000 * MS;
    run(net, 2);
    assert_int_equal(net->core.server.shard_count, 1);
    assert_int_equal(take(net, &again, 1, 0, 1), 0);
    run(net, 4);
    assert_int_equal(again.call.left, 0);
    assert_int_equal(again.call.error, 0);
    net_close(net);
}

/* ---- hostile servers ---- */

/* A client with one take in flight, and the honest reply to it. */
static struct net *net_with_reply(struct taken *taken, u8 **reply, u32 *bytes)
{
    struct net *net = net_open(1, 10, (struct souk_options){0});
    run(net, 1);
    assert_int_equal(take(net, taken, 1, 0, 1), 0);
    run(net, 3);
    assert_int_equal(take(net, taken, 4, SOUK_FOREVER, 1), 0);
    core_pump(&net->core, net->now_ns, true);
    assert_int_equal(push_out(net, 0), 1);
    *bytes = net->fake.out_bytes;
    *reply = malloc(*bytes);
    memcpy(*reply, net->fake.out, *bytes);
    net->fake.out_bytes = 0;
    return net;
}

typedef void spoil_fn(struct frame_header *header);

static void spoil_request_id(struct frame_header *h)
{
    h->request_id += 1ull << 32;
}
static void spoil_index(struct frame_header *h)
{
    h->request_id |= 0xfffffff0;
}
static void spoil_opcode(struct frame_header *h)
{
    h->opcode = OPCODE_STOCK_GET;
}
static void spoil_shard(struct frame_header *h)
{
    h->shard = 9;
}
static void spoil_count(struct frame_header *h)
{
    h->record_count = 3;
}
static void spoil_flags(struct frame_header *h)
{
    h->flags = 0;
}
static void spoil_version(struct frame_header *h)
{
    h->version = 77;
}
static void spoil_status(struct frame_header *h)
{
    h->status = STATUS_SOLD_OUT;
}
static void spoil_unknown_opcode(struct frame_header *h)
{
    h->opcode = 0xffff;
}

static void replies_that_lie_cost_the_connection_and_nothing_else(void **state)
{
    (void)state;
    static spoil_fn *const spoils[] = {spoil_request_id, spoil_index,  spoil_opcode,
                                       spoil_shard,      spoil_count,  spoil_flags,
                                       spoil_version,    spoil_status, spoil_unknown_opcode};
    for (u32 i = 0; i < ARRAY_COUNT(spoils); i++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        struct frame_header header = frame_header_read(reply);
        spoils[i](&header);
        const u16 version = header.version;
        memcpy(reply, &header, sizeof header);
        frame_seal(reply, bytes);
        memcpy(reply + 16, &version, sizeof version);
        assert_non_null(feed(net, 0, reply, bytes));
        assert_int_equal(net->core.stats.protocol_errors, 1);
        assert_int_equal(taken.call.left, 4);
        lose(net, 0);
        run(net, 4); /* and the stored answer comes by another connection */
        assert_int_equal(taken.call.left, 0);
        assert_int_equal(taken.replies[3].sellable, 5);
        free(reply);
        net_close(net);
    }
}

/* A well-formed reply of zeros with this header. */
static void feed_zeros(struct net *net, struct frame_header header, const char **reason)
{
    u8 bytes[1024] = {0};
    const struct message_info *info = message_find(header.opcode);
    memcpy(bytes, &header, sizeof header);
    const u32 length = FRAME_HEADER_BYTES + header.record_count * info->reply.fixed_bytes;
    frame_seal(bytes, length);
    *reason = feed(net, 0, bytes, length);
}

static void well_formed_replies_to_another_question_are_refused(void **state)
{
    (void)state;
    for (u32 i = 0; i < 4; i++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        const char *reason;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        struct frame_header header = frame_header_read(reply);
        if (i == 0)
            header.record_count = 3;
        else if (i == 1)
            header.record_count = 5;
        else if (i == 2)
            header.opcode = OPCODE_STOCK_GET;
        else
            header.request_id -= 1ull << 32; /* who had the frame's memory before */
        feed_zeros(net, header, &reason);
        assert_non_null(reason);
        assert_int_equal(taken.call.left, 4);
        free(reply);
        net_close(net);
    }
}

static void a_reply_that_comes_twice_is_not_believed_twice(void **state)
{
    (void)state;
    struct taken taken;
    u8 *reply;
    u32 bytes;
    struct net *net = net_with_reply(&taken, &reply, &bytes);
    assert_null(feed(net, 0, reply, bytes));
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(take(net, &taken, 4, SOUK_FOREVER, 1), 0);
    core_pump(&net->core, net->now_ns, true);
    assert_int_equal(push_out(net, 0), 1); /* in the memory of the frame before */
    assert_non_null(feed(net, 0, reply, bytes));
    assert_int_equal(taken.call.left, 4);
    free(reply);
    net_close(net);
}

static void a_reply_in_pieces_of_one_byte_is_a_reply(void **state)
{
    (void)state;
    struct taken taken;
    u8 *reply;
    u32 bytes;
    struct net *net = net_with_reply(&taken, &reply, &bytes);
    for (u32 i = 0; i < bytes; i++)
        assert_null(feed(net, 0, reply + i, 1));
    assert_int_equal(taken.call.left, 0);
    free(reply);
    net_close(net);
}

static void lengths_that_cannot_be_are_refused_from_the_first_bytes(void **state)
{
    (void)state;
    static const u32 lengths[] = {0, 8, 88, 97, FRAME_BYTES_MAX + 8, 0xfffffff8};
    for (u32 i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        memcpy(reply + 4, &lengths[i], 4);
        assert_non_null(feed(net, 0, reply, bytes));
        free(reply);
        net_close(net);
    }
}

static void random_bytes_never_reach_a_must(void **state)
{
    (void)state;
    u64 random = 99;
    for (u32 round = 0; round < 3000; round++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        const bool is_sealed = round % 2 == 0;
        for (u32 change = 0; change < 1 + round % 4; change++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            reply[16 + (random >> 33) % (bytes - 16)] = (u8)(random >> 20);
        }
        if (is_sealed) {
            const struct frame_header header = frame_header_read(reply);
            frame_seal(reply, bytes);
            memcpy(reply + 16, &header.version, 2);
        }
        if (feed(net, 0, reply, bytes) != NULL)
            lose(net, 0);
        net->now_ns += 5000 * MS;
        run(net, 4);
        if (taken.call.left == 0 && taken.call.error == 0)
            for (u32 i = 0; i < 4; i++)
                assert_true(taken.replies[i].status < SOUK_UNANSWERED);
        free(reply);
        net_close(net);
    }
}

static void a_server_that_refuses_sessions_is_not_hammered(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    run(net, 1);
    for (u32 i = 0; i < 6; i++) {
        net->core.connections[0].state = CORE_CONNECTION_READY;
        lose(net, 0); /* after a greeting, without any answer */
    }
    assert_true(net->core.connections[0].connect_at_ns >= net->now_ns + 50 * MS);
    net_close(net);
}

static void other_reactors_after_a_restart_change_nothing(void **state)
{
    (void)state;
    struct net *net = net_open(2, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 8, 0, 1), 0);
    net->is_mute = true;
    run(net, 3);
    for (u16 i = 0; i < 2; i++)
        if (net->core.connections[i].state != CORE_CONNECTION_DOWN)
            lose(net, i);
    net->is_mute = false;
    net->fake.reactor_count = 1;
    for (u32 i = 0; i < 10; i++) {
        run(net, 1);
        net->now_ns += 20 * MS;
    }
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.call.error, 0);
    net_close(net);
}

static void random_greetings_never_reach_a_must(void **state)
{
    (void)state;
    u64 random = 7;
    for (u32 round = 0; round < 5000; round++) {
        struct net *net = net_open((u16)(1 + round % 3), 10, (struct souk_options){0});
        struct taken taken = {0};
        connect_all(net);
        (void)push_out(net, 0);
        const u32 bytes = net->fake.out_bytes;
        for (u32 change = 0; change < 1 + round % 3; change++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            net->fake.out[FRAME_HEADER_BYTES + (random >> 33) % (bytes - FRAME_HEADER_BYTES)] =
                (u8)(random >> 20);
        }
        frame_seal(net->fake.out, bytes);
        if (feed(net, 0, net->fake.out, bytes) != NULL)
            lose(net, 0);
        net->fake.out_bytes = 0;
        if (take(net, &taken, 8, 100, random) == 0) {
            core_pump(&net->core, net->now_ns, true);
            net->now_ns += 5000 * MS;
            core_tick(&net->core, net->now_ns);
            assert_int_equal(taken.call.left, 0);
        }
        net_close(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_take_opens_the_session_and_is_answered),
        cmocka_unit_test(before_the_greeting_there_is_no_server),
        cmocka_unit_test(a_batch_is_split_by_shard_and_comes_back_in_order),
        cmocka_unit_test(a_batch_is_split_by_the_limits_of_a_frame),
        cmocka_unit_test(calls_that_wait_share_a_frame),
        cmocka_unit_test(other_deadlines_and_linked_calls_do_not_share),
        cmocka_unit_test(texts_are_copied_and_end_with_zero),
        cmocka_unit_test(bad_requests_are_refused_before_anything_is_sent),
        cmocka_unit_test(after_a_cut_the_same_number_is_sent_and_the_answer_replayed),
        cmocka_unit_test(a_thousand_random_cuts_sell_each_unit_once),
        cmocka_unit_test(acked_follows_what_was_received_without_a_gap),
        cmocka_unit_test(an_answered_refusal_is_done_although_its_number_is_unused),
        cmocka_unit_test(the_window_and_the_byte_budget_are_kept),
        cmocka_unit_test(an_expired_session_that_never_had_the_frame_is_renewed),
        cmocka_unit_test(an_expired_session_after_a_cut_is_an_unknown_outcome),
        cmocka_unit_test(a_server_that_always_forgets_does_not_loop),
        cmocka_unit_test(numbered_frames_keep_their_number_and_replay),
        cmocka_unit_test(a_retry_status_is_retried_with_the_same_number),
        cmocka_unit_test(retries_end_at_the_limit_with_the_status),
        cmocka_unit_test(a_deadline_before_sending_is_a_timeout_after_it_unknown),
        cmocka_unit_test(a_late_answer_to_a_call_that_was_told_is_harmless),
        cmocka_unit_test(without_a_server_the_deadline_says_so),
        cmocka_unit_test(another_server_at_the_address_ends_what_was_in_flight),
        cmocka_unit_test(replies_that_lie_cost_the_connection_and_nothing_else),
        cmocka_unit_test(well_formed_replies_to_another_question_are_refused),
        cmocka_unit_test(a_reply_that_comes_twice_is_not_believed_twice),
        cmocka_unit_test(a_reply_in_pieces_of_one_byte_is_a_reply),
        cmocka_unit_test(lengths_that_cannot_be_are_refused_from_the_first_bytes),
        cmocka_unit_test(random_bytes_never_reach_a_must),
        cmocka_unit_test(random_greetings_never_reach_a_must),
        cmocka_unit_test(a_server_that_refuses_sessions_is_not_hammered),
        cmocka_unit_test(other_reactors_after_a_restart_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
