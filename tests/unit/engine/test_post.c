/* test_post: mail between shards takes effect once, in order, whatever crashes, on one reactor and on
 * two; acknowledgements trim, wait, and never answer each other; in mode async nothing leaves before
 * the disk. The logs' files are real, everything else is in tests/unit/engine/post_house.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/engine/post_house.h"

#define ALL 7u /* a set of three shards */

static struct house *house;

static void begin(u16 shards, u16 reactors, u8 mode)
{
    house = house_new(shards, reactors, mode);
}

static int tear_down(void **state)
{
    (void)state;
    if (house != NULL)
        remove_house(house);
    house = NULL;
    return 0;
}

static void end(void)
{
    close_house(house);
}

static struct id128 digest_of(u16 shard)
{
    return shard_digest(host_of(house, shard)->shard);
}

/* The same shards after a clean stop and a start. */
static void expect_equal_after_replay(void)
{
    struct id128 before[HOUSE_SHARDS_MAX];
    for (u16 i = 0; i < house->shard_count; i++)
        before[i] = digest_of(i);
    const u32 seen = compare_books(house, true);
    close_house(house);
    open_house(house);
    for (u16 i = 0; i < house->shard_count; i++)
        assert_true(id128_equal(before[i], digest_of(i)));
    assert_int_equal(compare_books(house, true), seen);
}

/* ---- each once, in order --------------------------------------------------------------------- */

static void exchange(u16 reactors)
{
    begin(3, reactors, REPLOG_MODE_DURABLE);
    struct client client = open_client(house, 0, 1);
    for (u16 shard = 0; shard < 3; shard++)
        send_fan(house, &client,
                 &(struct fan){.shard = shard, .targets = ALL, .count = 50, .hops = 3});
    (void)settle(house);
    assert_int_equal(compare_books(house, true), 3 * 3 * 50 * 4);
    for (u16 i = 0; i < 3; i++) {
        struct shard_counters counters;
        shard_counters_read(host_of(house, i)->shard, &counters);
        assert_int_equal(counters.mail_sent, 2 * 50 * 4);
        assert_int_equal(counters.mail_applied, 2 * 50 * 4);
        assert_int_equal(counters.mail_queued, 0);
    }
    assert_true((metric_read(&house->reactors[0]->metrics->mail_forwarded) > 0) == (reactors == 2));
    expect_equal_after_replay();
    end();
}

static void messages_arrive_once_and_in_order_on_one_reactor(void **state)
{
    (void)state;
    exchange(1);
}

static void messages_arrive_once_and_in_order_on_two_reactors(void **state)
{
    (void)state;
    exchange(2);
}

/* More than a window of chunks, and more than batches take at a time. */
static void flood(u16 reactors)
{
    begin(3, reactors, REPLOG_MODE_DURABLE);
    struct client client = open_client(house, 0, 1);
    u32 peak = 0;
    for (u16 shard = 0; shard < 3; shard++)
        for (u32 i = 0; i < 4; i++) {
            send_fan(house, &client,
                     &(struct fan){.shard = shard, .targets = ALL, .count = 8, .rows = 1500});
            send_fan(house, &client,
                     &(struct fan){.shard = shard, .targets = ALL, .count = 5, .rows = 0});
        }
    turn(house, 4);
    for (u32 i = 0; !is_settled(house); i++) {
        turn(house, 1);
        assert_true(i < 100000);
        for (u32 from = 0; from < 3; from++)
            for (u32 to = 0; to < 3; to++)
                peak = MAX(peak, host_of(house, (u16)from)->post.peers[to].bytes_under_way);
    }
    assert_int_equal(compare_books(house, true), 3 * 3 * 4 * 13);
    assert_true(peak < POST_WINDOW_BYTES + (1u << 20)); /* P4 */
    assert_true((peak > 0) == (reactors == 2));
    expect_equal_after_replay();
    end();
}

static void large_messages_wait_for_room_and_keep_their_order_on_one_reactor(void **state)
{
    (void)state;
    flood(1);
}

static void large_messages_wait_for_room_and_keep_their_order_on_two_reactors(void **state)
{
    (void)state;
    flood(2);
}

static void every_message_fits_into_batch_and_arena(void **state)
{
    (void)state;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        if (info->class != MESSAGE_CLASS_MAIL)
            continue;
        const u64 bytes = info->request.record_bytes_max;
        assert_true(bytes + sizeof(struct entry_header) + sizeof(struct batch_header) +
                        SHARDS_MAX * sizeof(struct batch_ack) <=
                    LOG_BATCH_BYTES_MAX);
        assert_true(bytes + 64 <= ARENA_BYTES_MAX);
    }
}

/* ---- crashes --------------------------------------------------------------------------------- */

/* A run of commands that is cut off after each number of turns; every start goes on from the files. */
static void crash_everywhere(u16 reactors, u8 mode, u32 cuts, u32 rows)
{
    begin(3, reactors, mode);
    struct client client = open_client(house, 0, 1);
    (void)settle(house);
    for (u32 cut = 0; cut < cuts; cut++) {
        const u16 shard = (u16)(cut % 3);
        send_fan(
            house, &client,
            &(struct fan){.shard = shard, .targets = ALL, .count = 2, .hops = 2, .rows = rows});
        turn(house, cut / 3 % 12);
        send_fan(
            house, &client,
            &(struct fan){.shard = (u16)((shard + 1) % 3), .targets = ALL, .count = 1, .hops = 1});
        turn(house, cut % 7);
        if (cut % 5 == 0)
            pass(house, 12); /* acknowledgements get a batch of their own */
        crash_house(house);
        open_silent(house);
        (void)compare_books(house, false); /* before anything is sent again */
        start_house(house);
        const u64 seq = client.seq;
        client = connect_client(house, 0, 1);
        client.seq = seq;
        if (cut % 4 == 3)
            (void)settle(house);
    }
    (void)settle(house);
    assert_true(compare_books(house, true) > 100);
    expect_equal_after_replay();
    end();
}

static void a_crash_between_any_two_turns_loses_and_doubles_nothing_on_one_reactor(void **state)
{
    (void)state;
    crash_everywhere(1, REPLOG_MODE_DURABLE, 60, 0);
}

static void a_crash_between_any_two_turns_loses_and_doubles_nothing_on_two_reactors(void **state)
{
    (void)state;
    crash_everywhere(2, REPLOG_MODE_DURABLE, 60, 0);
}

static void the_same_with_large_messages(void **state)
{
    (void)state;
    crash_everywhere(2, REPLOG_MODE_DURABLE, 14, 1500);
}

static void the_same_in_mode_async(void **state)
{
    (void)state;
    crash_everywhere(2, REPLOG_MODE_ASYNC, 60, 0);
}

/* One message from shard 0 to shard 1, which are on different reactors. */
static struct client send_one(void)
{
    struct client client = open_client(house, 0, 1);
    (void)settle(house);
    send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 1});
    return client;
}

static void nothing_is_offered_before_its_cause_is_durable(void **state)
{
    (void)state;
    for (u8 mode = REPLOG_MODE_DURABLE; mode <= REPLOG_MODE_ASYNC; mode++) {
        begin(3, 2, mode);
        (void)send_one(); /* the sessions; then a message that comes through */
        (void)settle(house);
        assert_int_equal(compare_books(house, true), 1);
        struct client client = connect_client(house, 0, 1);
        client.seq = 1000;
        sim_hold_writes(house->rings[0], true);
        send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 5});
        turn(house, 50);
        /* in mode async it has been applied, and its reply has left */
        assert_int_equal(books[0].posted_count, mode == REPLOG_MODE_ASYNC ? 6 : 1);
        assert_int_equal(books[1].applied_count, 1);
        crash_house(house);
        open_house(house);
        assert_int_equal(books[0].posted_count, 1);
        (void)settle(house);
        assert_int_equal(compare_books(house, true), 1);
        end();
        (void)tear_down(NULL);
    }
}

static void nothing_is_acknowledged_before_its_effect_is_durable(void **state)
{
    (void)state;
    for (u8 mode = REPLOG_MODE_DURABLE; mode <= REPLOG_MODE_ASYNC; mode++) {
        begin(3, 2, mode);
        struct client client = open_client(house, 0, 1);
        (void)settle(house);
        sim_hold_writes(house->rings[1], true);
        send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 3});
        turn(house, 10);
        pass(house, 100);
        assert_int_equal(books[1].applied_count, mode == REPLOG_MODE_ASYNC ? 3 : 0);
        assert_int_equal(shard_mail_acked(host_of(house, 0)->shard, 1), 0);
        assert_int_equal(host_of(house, 0)->post.peers[1].ack_seq, 0);
        crash_house(house);
        open_silent(house);
        assert_int_equal(books[1].applied_count, 0); /* forgotten; the sender must not have */
        start_house(house);
        (void)settle(house);
        assert_int_equal(compare_books(house, true), 3);
        end();
        (void)tear_down(NULL);
    }
}

/* In mode async under steady load durable never catches up with applied. */
static void steady_load_in_mode_async_does_not_keep_mail_back(void **state)
{
    (void)state;
    begin(3, 2, REPLOG_MODE_ASYNC);
    struct client client = open_client(house, 0, 1);
    u32 behind = 0;
    for (u32 i = 0; i < 200; i++) {
        send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 1});
        sim_hold_writes(house->rings[0], i % 3 != 0);
        turn(house, 1);
        forget_replies(house, &client);
        const struct replog_positions *positions = &host_of(house, 0)->log->positions;
        behind += positions->durable_lsn < positions->applied_lsn;
    }
    assert_true(behind > 150);
    assert_true(books[1].applied_count > 100);
    sim_hold_writes(house->rings[0], false);
    (void)settle(house);
    assert_int_equal(compare_books(house, true), 200);
    end();
}

/* In mode async a reply may leave before the disk has answered; what a worker will tell a payment
 * provider may not. */
static void commands_for_the_outside_wait_for_the_disk_in_mode_async(void **state)
{
    (void)state;
    begin(2, 1, REPLOG_MODE_ASYNC);
    struct client client = open_client(house, 0, 1);
    struct client worker = open_client(house, 0, 2);
    struct frame_header header;
    struct record_status record;
    struct msg_command_poll_req poll = {.lease_ms = 1000};
    (void)settle(house);
    sim_hold_writes(house->rings[0], true);
    send_fan(house, &client, &(struct fan){.shard = 0});
    turn(house, 4);
    assert_true(reply(house, &client, &header, &record, sizeof record));
    const u64 id = request(house, &worker, 0, OPCODE_COMMAND_POLL, &poll, sizeof poll);
    turn(house, 20);
    assert_false(reply(house, &worker, &header, &record, sizeof record));
    assert_true(host_tick(host_of(house, 0)) > house_now_ns); /* it waits without turning */
    sim_hold_writes(house->rings[0], false);
    turn(house, 20);
    assert_true(reply(house, &worker, &header, &record, sizeof record));
    assert_int_equal(header.request_id, id);
    end();
}

/* ---- acknowledgements ------------------------------------------------------------------------ */

static void acknowledgements_wait_a_little_and_never_answer_each_other(void **state)
{
    (void)state;
    for (u16 reactors = 1; reactors <= 2; reactors++) {
        begin(3, reactors, REPLOG_MODE_DURABLE);
        (void)send_one();
        turn(house, 20);
        assert_int_equal(books[1].applied_count, 1);
        const u64 batches = batches_of(house);
        assert_int_equal(shard_mail_acked(host_of(house, 0)->shard, 1), 0); /* waits for company */
        pass(house, 9);
        assert_int_equal(batches_of(house), batches);
        pass(house, 3);
        assert_int_equal(shard_mail_acked(host_of(house, 0)->shard, 1), 1);
        assert_int_equal(batches_of(house), batches + 1);
        assert_int_equal(ack_batches_of(house), 1);
        pass(house, 1000);
        assert_int_equal(batches_of(house), batches + 1); /* and that was all */
        end();
        (void)tear_down(NULL);
    }
}

static void acknowledgements_ride_in_batches_that_are_written_anyway(void **state)
{
    (void)state;
    begin(3, 2, REPLOG_MODE_DURABLE);
    struct client client = send_one();
    turn(house, 20);
    const u64 batches = batches_of(house);
    send_fan(house, &client, &(struct fan){.shard = 0, .targets = 0});
    turn(house, 8);
    assert_int_equal(batches_of(house), batches + 1);
    assert_int_equal(shard_mail_acked(host_of(house, 0)->shard, 1), 1);
    pass(house, 100);
    assert_int_equal(batches_of(house), batches + 1);
    assert_int_equal(ack_batches_of(house), 0);
    end();
}

static void at_most_one_batch_in_ten_milliseconds_is_for_acknowledgements_alone(void **state)
{
    (void)state;
    begin(3, 2, REPLOG_MODE_DURABLE);
    struct client client = open_client(house, 0, 1);
    (void)settle(house);
    /* shard 1 posts to shard 0 all the time, shard 0 itself has nothing to write but answers */
    const u64 before = host_of(house, 1)->log->statistics.batches;
    const u64 begin_ns = house_now_ns;
    for (u32 i = 0; i < 2000; i++) {
        if (i % 20 == 0)
            send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 1});
        turn(house, 1);
    }
    const u64 ms = (house_now_ns - begin_ns) / NS_PER_MS;
    assert_true(ack_batches_of(house) <= ms / 10 + 1);
    assert_int_equal(host_of(house, 1)->log->statistics.batches - before, 100);
    (void)settle(house);
    assert_int_equal(compare_books(house, true), 100);
    end();
}

static void a_long_queue_does_not_wait_for_company(void **state)
{
    (void)state;
    begin(2, 2, REPLOG_MODE_DURABLE);
    struct client client = open_client(house, 0, 1);
    (void)settle(house);
    for (u32 i = 0; i < 14; i++)
        send_fan(house, &client,
                 &(struct fan){.shard = 0, .targets = 2, .count = 10, .rows = 1900});
    turn(house, 8);
    const u64 queued = shard_mail_queued_bytes(host_of(house, 0)->shard);
    assert_true(queued > POST_QUEUE_BYTES + (1u << 20));
    const u64 begin_ns = house_now_ns;
    while (shard_mail_queued_bytes(host_of(house, 0)->shard) >= POST_QUEUE_BYTES) {
        turn(house, 1);
        assert_true(house_now_ns - begin_ns < POST_ACK_WAIT_NS / 3);
    }
    assert_true(ack_batches_of(house) > 0);
    (void)settle(house);
    assert_int_equal(compare_books(house, true), 140);
    end();
}

static void trimming_gives_the_memory_back(void **state)
{
    (void)state;
    begin(2, 1, REPLOG_MODE_DURABLE);
    struct client client = open_client(house, 0, 1);
    u64 used = 0;
    for (u32 i = 0; i < 60; i++) {
        send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 5, .rows = 1000});
        (void)settle(house);
        forget_replies(house, &client);
        assert_int_equal(shard_mail_queued_bytes(host_of(house, 0)->shard), 0);
        if (i == 5)
            used = shard_memory_used(host_of(house, 0)->shard);
    }
    assert_int_equal(shard_memory_used(host_of(house, 0)->shard), used);
    end();
}

/* ---- a restart ------------------------------------------------------------------------------- */

static void what_is_sent_again_after_a_restart_is_dropped_and_acknowledged(void **state)
{
    (void)state;
    begin(3, 2, REPLOG_MODE_DURABLE);
    (void)send_one();
    turn(house, 20);
    assert_int_equal(books[1].applied_count, 1);
    assert_int_equal(shard_mail_acked(host_of(house, 0)->shard, 1), 0);
    crash_house(house);
    open_silent(house);
    turn(house, 20); /* recovered, and not all of the server is: nothing is sent */
    assert_int_equal(metric_read(&house->reactors[0]->metrics->mail_forwarded), 0);
    const u64 batches = host_of(house, 1)->log->statistics.batches;
    reactor_start(house->reactors[0]);
    reactor_start(house->reactors[1]);
    pass(house, 20);
    assert_int_equal(metric_read(&house->reactors[0]->metrics->mail_forwarded), 1);
    assert_int_equal(host_of(house, 1)->log->statistics.batches, batches); /* dropped, not logged */
    assert_int_equal(shard_mail_acked(host_of(house, 0)->shard, 1), 1);
    assert_int_equal(compare_books(house, true), 1);
    end();
}

static void a_stop_leaves_mail_for_the_next_start(u16 reactors, u32 turns, u32 rows)
{
    begin(3, reactors, REPLOG_MODE_DURABLE);
    struct client client = open_client(house, 0, 1);
    (void)settle(house);
    for (u16 i = 0; i < 3; i++)
        send_fan(house, &client,
                 &(struct fan){.shard = i, .targets = ALL, .count = 20, .hops = 4, .rows = rows});
    turn(house, turns);
    if (reactors == 2) { /* one hears of it much earlier than the other */
        reactor_drain(house->reactors[1]);
        turn(house, 300);
        assert_true(house->reactors[0]->posts_under_way == 0);
        const struct metrics *metrics = house->reactors[0]->metrics;
        const bool is_told = host_of(house, 0)->post.peers[1].is_closed;
        const u64 forwarded = metric_read(&metrics->mail_forwarded);
        send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 1});
        turn(house, 20);
        if (is_told)
            assert_int_equal(metric_read(&metrics->mail_forwarded), forwarded);
    }
    close_house(house);
    open_house(house);
    (void)settle(house);
    (void)compare_books(house, true);
    expect_equal_after_replay();
    end();
    (void)tear_down(NULL);
}

static void a_clean_stop_with_mail_under_way_does_not_hang_and_loses_none(void **state)
{
    (void)state;
    for (u32 turns = 2; turns < 14; turns++)
        for (u16 reactors = 1; reactors <= 2; reactors++)
            a_stop_leaves_mail_for_the_next_start(reactors, turns, turns % 4 == 3 ? 300 : 0);
}

/* Files of one shard are older than those of the others: said before it gets into a log. */
static void mix_ages(u16 old)
{
    char shard[128], copy[128];
    begin(3, 2, REPLOG_MODE_DURABLE);
    struct client client = send_one();
    (void)settle(house);
    close_house(house);
    (void)snprintf(shard, sizeof shard, "%s/shard-%03u", house->root, old);
    (void)snprintf(copy, sizeof copy, "%s/old", house->root);
    run_command("cp -a", shard, copy);
    open_house(house);
    const u64 seq = client.seq;
    client = connect_client(house, 0, 1);
    client.seq = seq;
    send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 5});
    (void)settle(house);
    close_house(house);
    run_command("rm -rf", shard, NULL);
    run_command("mv", copy, shard);
    open_house(house);
    struct server_event event = {.kind = SERVER_EVENT_READY};
    client = connect_client(house, 0, 1);
    client.seq = seq + 5;
    send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 1});
    turn(house, 50);
    assert_int_equal(read(house->server.event_read_fd, &event, sizeof event), sizeof event);
    assert_int_equal(event.kind, SERVER_EVENT_FAILED);
    assert_int_equal(event.exit_code, EXIT_DATA);
    assert_non_null(strstr(event.text, "different ages"));
    crash_house(house);
    open_house(house); /* no log is poisoned */
    crash_house(house);
    (void)tear_down(NULL);
}

static void shards_of_different_ages_are_found_out_before_anything_is_logged(void **state)
{
    (void)state;
    mix_ages(0); /* the sender has forgotten what the receiver has applied */
    mix_ages(1); /* the receiver has forgotten what the sender knows to be applied */
}

/* ---- space ----------------------------------------------------------------------------------- */

static void mail_waits_while_the_receiver_has_no_space(void **state)
{
    (void)state;
    begin(2, 2, REPLOG_MODE_DURABLE);
    struct client client = open_client(house, 0, 1);
    (void)settle(house);
    sim_fail(house->rings[1], SIM_OPERATION_OPEN, 1, -ENOSPC, true);
    sim_fail(house->rings[1], SIM_OPERATION_WRITE, 1, -ENOSPC, true);
    for (u32 i = 0; host_of(house, 1)->log->has_space; i++) {
        send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 4, .rows = 1000});
        pass(house, 20);
        forget_replies(house, &client);
        assert_true(i < 100);
    }
    send_fan(house, &client, &(struct fan){.shard = 0, .targets = 2, .count = 40, .rows = 1000});
    pass(house, 100);
    const u32 applied = books[1].applied_count;
    pass(house, 3000);
    assert_int_equal(books[1].applied_count, applied);
    assert_true(books[0].posted_count >= applied + 40);
    sim_fail(house->rings[1], SIM_OPERATION_OPEN, 0, 0, false);
    sim_fail(house->rings[1], SIM_OPERATION_WRITE, 0, 0, false);
    (void)settle(house);
    (void)compare_books(house, true);
    end();
}

#define POST(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POST(messages_arrive_once_and_in_order_on_one_reactor),
        POST(messages_arrive_once_and_in_order_on_two_reactors),
        POST(large_messages_wait_for_room_and_keep_their_order_on_one_reactor),
        POST(large_messages_wait_for_room_and_keep_their_order_on_two_reactors),
        POST(every_message_fits_into_batch_and_arena),
        POST(a_crash_between_any_two_turns_loses_and_doubles_nothing_on_one_reactor),
        POST(a_crash_between_any_two_turns_loses_and_doubles_nothing_on_two_reactors),
        POST(the_same_with_large_messages),
        POST(the_same_in_mode_async),
        POST(nothing_is_offered_before_its_cause_is_durable),
        POST(nothing_is_acknowledged_before_its_effect_is_durable),
        POST(steady_load_in_mode_async_does_not_keep_mail_back),
        POST(commands_for_the_outside_wait_for_the_disk_in_mode_async),
        POST(acknowledgements_wait_a_little_and_never_answer_each_other),
        POST(acknowledgements_ride_in_batches_that_are_written_anyway),
        POST(at_most_one_batch_in_ten_milliseconds_is_for_acknowledgements_alone),
        POST(a_long_queue_does_not_wait_for_company),
        POST(trimming_gives_the_memory_back),
        POST(what_is_sent_again_after_a_restart_is_dropped_and_acknowledged),
        POST(a_clean_stop_with_mail_under_way_does_not_hang_and_loses_none),
        POST(shards_of_different_ages_are_found_out_before_anything_is_logged),
        POST(mail_waits_while_the_receiver_has_no_space),
    };
    cmocka_set_test_filter(getenv("TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
