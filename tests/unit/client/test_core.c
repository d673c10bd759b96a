/* test_core: the client's protocol over a network that is two buffers: retries, cuts, windows,
 * deadlines, sessions that expire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/client/core_net.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
