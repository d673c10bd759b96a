/* test_waiting: reads that wait at the server, and the calls that are made of them: in the core with
 * time passed in, then over real sockets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client/lib/core.h"
#include "tests/unit/client/fake_listener.h"

#define MS NS_PER_MS

/* ---- the core ---- */

struct pair {
    struct core core;
    struct fake_server fake;
    u64 now_ns;
};

/* What the core has to send goes to the server, and back. */
static void exchange(struct pair *pair, bool is_answered)
{
    struct iovec vectors[8];
    u32 count;
    if (core_wants_connect(&pair->core, 0, pair->now_ns)) {
        core_connecting(&pair->core, 0);
        assert_true(core_connected(&pair->core, 0, pair->now_ns));
    }
    core_pump(&pair->core, pair->now_ns, false);
    while ((count = core_output(&pair->core, 0, vectors, 8)) != 0) {
        u64 bytes = 0;
        for (u32 i = 0; i < count; i++) {
            assert_true(fake_receive(&pair->fake, vectors[i].iov_base, (u32)vectors[i].iov_len));
            bytes += vectors[i].iov_len;
        }
        core_sent(&pair->core, 0, bytes);
    }
    u32 room;
    u8 *to = core_input_room(&pair->core, 0, &room);
    assert_true(room >= pair->fake.out_bytes);
    memcpy(to, pair->fake.out, is_answered ? pair->fake.out_bytes : 0);
    if (is_answered)
        assert_null(core_received(&pair->core, 0, pair->fake.out_bytes, pair->now_ns));
    pair->fake.out_bytes = 0;
}

static struct pair *pair_open(struct souk_options options)
{
    struct pair *pair = calloc(1, sizeof *pair);
    pair->now_ns = 1000 * MS;
    core_init(&pair->core, &options, (struct id128){11, 22});
    fake_init(&pair->fake, 1, 100);
    pair->fake.lets_wait = true;
    exchange(pair, true);
    return pair;
}

static void pair_close(struct pair *pair)
{
    core_deinit(&pair->core);
    fake_deinit(&pair->fake);
    free(pair);
}

struct waiting {
    struct core_call call;
    struct souk_command_wait_reply replies[8];
};

static void wait_for_command(struct pair *pair, struct waiting *waiting, u32 count, u32 wait_ms)
{
    struct souk_command_wait records[8] = {{0}};
    for (u32 i = 0; i < count; i++)
        records[i].wait_ms = wait_ms;
    *waiting = (struct waiting){.call = {.replies = (u8 *)waiting->replies}};
    const struct souk_request request = {
        .op = SOUK_OP_COMMAND_WAIT, .count = count, .records = records};
    assert_int_equal(core_submit(&pair->core, pair->now_ns, &request, &waiting->call), 0);
}

static void pass(struct pair *pair, u64 ms)
{
    pair->now_ns += ms * MS;
    core_tick(&pair->core, pair->now_ns);
}

static void the_deadline_begins_when_the_wait_is_over(void **state)
{
    (void)state;
    struct pair *pair = pair_open((struct souk_options){.deadline_ms = 1000});
    struct waiting patient;
    struct waiting other;
    wait_for_command(pair, &patient, 1, 30000);
    wait_for_command(pair, &other, 1, 0);
    exchange(pair, false);
    pass(pair, 1200);
    assert_int_equal(other.call.error, SOUK_ERROR_TIMEOUT);
    assert_int_equal(patient.call.left, 1);
    pass(pair, 29000);
    assert_int_equal(patient.call.left, 1);
    pass(pair, 1000);
    assert_int_equal(patient.call.left, 0);
    assert_int_equal(patient.call.error, SOUK_ERROR_TIMEOUT);
    pair_close(pair);
}

static void a_wait_of_any_length_leaves_forever_alone(void **state)
{
    (void)state;
    struct pair *pair = pair_open((struct souk_options){.deadline_ms = SOUK_FOREVER});
    struct waiting patient;
    wait_for_command(pair, &patient, 1, UINT32_MAX);
    exchange(pair, true);
    pass(pair, 100000000);
    assert_int_equal(patient.call.left, 1);
    pair_close(pair);
}

/* The server lets only a frame of one record wait. */
static void each_has_a_frame_of_its_own(void **state)
{
    (void)state;
    struct pair *pair = pair_open((struct souk_options){.gather_frames = 1});
    struct waiting batch;
    struct waiting single;
    wait_for_command(pair, &batch, 8, 5000);
    wait_for_command(pair, &single, 1, 5000);
    exchange(pair, true);
    assert_int_equal(pair->fake.parked_count, 9);
    assert_int_equal(batch.call.left, 8);
    pair->fake.ready[0] = 1;
    while (fake_wake(&pair->fake, 0) >= 0)
        continue;
    exchange(pair, true);
    assert_int_equal(batch.call.left + single.call.left, 0);
    assert_int_equal(batch.replies[7].ready, 1);
    pair_close(pair);
}

/* Else a minute of waiting would hold back every call of other threads for a minute. */
static void what_waits_is_no_reason_to_gather(void **state)
{
    (void)state;
    struct pair *pair = pair_open((struct souk_options){.gather_frames = 2});
    struct waiting patient;
    struct souk_take_reply reply;
    const struct souk_take take = {.resource = {.id = 1}, .quantity = 1};
    const struct souk_request request = {.op = SOUK_OP_TAKE, .count = 1, .records = &take};
    wait_for_command(pair, &patient, 8, 60000);
    exchange(pair, true);
    struct core_call call = {.replies = (u8 *)&reply};
    assert_int_equal(core_submit(&pair->core, pair->now_ns, &request, &call), 0);
    exchange(pair, true); /* session */
    exchange(pair, true); /* take, without a flush */
    assert_int_equal(call.left, 0);
    assert_int_equal(pair->fake.parked_count, 8);
    assert_int_equal(pair->core.lanes[0].in_flight, 0);
    pair_close(pair);
}

/* After a lost connection it is asked again, and waits there. */
static void a_cut_connection_does_not_end_the_wait(void **state)
{
    (void)state;
    struct pair *pair = pair_open((struct souk_options){0});
    struct waiting patient;
    wait_for_command(pair, &patient, 1, 60000);
    exchange(pair, true);
    core_lost(&pair->core, 0, pair->now_ns);
    pair->fake.parked_count = 0;
    exchange(pair, true);
    exchange(pair, true);
    assert_int_equal(pair->fake.parked_count, 1);
    assert_int_equal(patient.call.left, 1);
    pair_close(pair);
}

/* A thread sends without the lock; the server may answer before that thread says that it has sent. */
static void an_answer_may_overtake_the_news_that_its_frame_was_sent(void **state)
{
    (void)state;
    struct pair *pair = pair_open((struct souk_options){0});
    struct waiting calls[3];
    struct iovec vectors[8];
    u32 room;
    for (u32 i = 0; i < 3; i++)
        wait_for_command(pair, &calls[i], 1, i == 0 ? 0 : 7); /* 7: frames of their own */
    pair->fake.ready[0] = 5;
    core_pump(&pair->core, pair->now_ns, true);
    const u32 count = core_output(&pair->core, 0, vectors, 8);
    assert_int_equal(count, 3);
    u64 bytes = 0;
    for (u32 i = 0; i < count; i++) {
        assert_true(fake_receive(&pair->fake, vectors[i].iov_base, (u32)vectors[i].iov_len));
        bytes += vectors[i].iov_len;
    }
    memcpy(core_input_room(&pair->core, 0, &room), pair->fake.out, pair->fake.out_bytes);
    assert_null(core_received(&pair->core, 0, pair->fake.out_bytes, pair->now_ns));
    assert_true(pair->core.connections[0].is_held);
    assert_int_equal(calls[0].call.left, 1);
    core_sent(&pair->core, 0, bytes);
    assert_null(core_received(&pair->core, 0, 0, pair->now_ns));
    assert_false(pair->core.connections[0].is_held);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(calls[i].call.left, 0);
        assert_int_equal(calls[i].replies[0].ready, 5);
    }
    /* Nothing is being sent now: the same again is an answer that nobody asked for. */
    memcpy(core_input_room(&pair->core, 0, &room), pair->fake.out, pair->fake.out_bytes);
    assert_non_null(core_received(&pair->core, 0, pair->fake.out_bytes, pair->now_ns));
    pair->fake.out_bytes = 0;
    pair_close(pair);
}

/* The list in core_submit.c is that of the messages. */
static void every_wait_ms_is_known(void **state)
{
    (void)state;
    const struct message_info *info;
    u32 found = 0;
    for (size_t i = 0; (info = message_at(i)) != NULL; i++) {
        u8 record[512] = {0};
        u32 at = 0;
        bool has_wait = false;
        for (u32 f = 0; f < info->request.field_count; f++) {
            const struct message_field *field = &info->request.fields[f];
            if (strcmp(field->name, "wait_ms") == 0) {
                const u32 wait_ms = 4711;
                memcpy(record + at, &wait_ms, sizeof wait_ms);
                has_wait = true;
                found++;
            }
            at += field->bytes;
        }
        assert_int_equal(core_wait_ms(info, record), has_wait ? 4711 : 0);
    }
    assert_true(found >= 4);
}

/* ---- over sockets ---- */

static struct souk_client *open_client(const struct fake_listener *listener)
{
    struct souk_client *client;
    const struct souk_options options = {.address = listener->address, .deadline_ms = 5000};
    assert_int_equal(souk_open(&options, &client), 0);
    return client;
}

static u64 now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / MS;
}

static int poll_commands(struct souk_client *client, u32 wait_ms,
                         struct souk_command_poll_reply *commands, u32 max)
{
    return souk_command_poll_wait(client, &(struct souk_command_poll){.lease_ms = 1000}, wait_ms,
                                  commands, max);
}

static void commands_of_all_shards_come_together(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(3, 0);
    struct souk_client *client = open_client(listener);
    struct souk_command_poll_reply commands[32];
    for (u32 i = 0; i < 12; i++)
        listener_add_command(listener, (u16)(i % 3));
    u32 seen = 0;
    u32 calls = 0;
    while (seen < 12 && calls++ < 12) {
        const int count = poll_commands(client, 5000, commands + seen, 32 - seen);
        assert_true(count > 0);
        seen += (u32)count;
    }
    assert_int_equal(seen, 12);
    u32 steps = 0;
    for (u32 i = 0; i < 12; i++) {
        assert_int_equal(commands[i].status, SOUK_OK);
        steps |= 1u << commands[i].step;
    }
    assert_int_equal(steps, 0x1FFE); /* 1 to 12, each once */
    assert_int_equal(poll_commands(client, 0, commands, 32), 0);
    assert_int_equal(commands[0].status, SOUK_NONE_READY);
    assert_int_equal(listener->fake.none_ready, 0); /* nothing was asked for in vain */
    souk_close(client);
    listener_close(listener);
}

static void few_at_a_time_come_from_shard_after_shard(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(2, 0);
    struct souk_client *client = open_client(listener);
    struct souk_command_poll_reply command;
    u32 of_shard[2] = {0, 0};
    listener->fake.ready[0] = 100;
    listener->fake.ready[1] = 100;
    for (u32 i = 0; i < 20; i++) {
        assert_int_equal(poll_commands(client, 0, &command, 1), 1);
        of_shard[command.tender]++;
    }
    assert_int_equal(of_shard[0], 10);
    assert_int_equal(of_shard[1], 10);
    souk_close(client);
    listener_close(listener);
}

static void a_command_ends_the_wait(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(4, 0);
    listener->fake.lets_wait = true;
    struct souk_client *client = open_client(listener);
    struct souk_command_poll_reply command;
    /* Short ones come back in time, and leave what they parked for the next. P1 */
    const u64 begin_ms = now_ms();
    for (u32 i = 0; i < 5; i++)
        assert_int_equal(poll_commands(client, 20, &command, 1), 0);
    assert_true(now_ms() - begin_ms >= 100);
    assert_true(now_ms() - begin_ms < 3000);
    assert_int_equal(listener->fake.patient_frames, 4);
    listener_add_command(listener, 2);
    const u64 added_ms = now_ms();
    assert_int_equal(poll_commands(client, 30000, &command, 1), 1);
    assert_true(now_ms() - added_ms < 3000);
    assert_int_equal(command.tender, 2);
    souk_close(client); /* with three still parked */
    listener_close(listener);
}

static void a_server_that_does_not_let_wait_is_not_flooded(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 0);
    struct souk_client *client = open_client(listener);
    struct souk_command_poll_reply command;
    const u64 begin_ms = now_ms();
    assert_int_equal(poll_commands(client, 200, &command, 1), 0);
    const u64 gone_ms = now_ms() - begin_ms;
    assert_true(gone_ms >= 200);
    assert_true(listener->fake.patient_frames >= 2);
    assert_true(listener->fake.patient_frames <= gone_ms / 10 + 2);
    souk_close(client);
    listener_close(listener);
}

enum { THREADS = 6, COMMANDS = 300 };

struct worker {
    pthread_t thread;
    struct souk_client *client;
    atomic_uint *left;
    u32 seen[COMMANDS + 1];
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct souk_command_poll_reply commands[4];
    while (atomic_load(worker->left) != 0) {
        const int count = poll_commands(worker->client, 50, commands, 4);
        for (int i = 0; i < count; i++)
            worker->seen[commands[i].step]++;
        if (count > 0)
            atomic_fetch_sub(worker->left, (u32)count);
    }
    return NULL;
}

static void threads_share_what_waits_and_no_command(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(2, 0);
    listener->fake.lets_wait = true;
    struct souk_client *client = open_client(listener);
    struct worker workers[THREADS];
    atomic_uint left = COMMANDS;
    for (u32 i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.client = client, .left = &left};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (u32 i = 0; i < COMMANDS; i++) {
        listener_add_command(listener, (u16)(i % 2));
        if (i % 10 == 0)
            (void)usleep(1000);
    }
    for (u32 i = 0; i < THREADS; i++)
        (void)pthread_join(workers[i].thread, NULL);
    for (u32 step = 1; step <= COMMANDS; step++) {
        u32 seen = 0;
        for (u32 i = 0; i < THREADS; i++)
            seen += workers[i].seen[step];
        assert_int_equal(seen, 1);
    }
    assert_true(listener->fake.parked_count <= 2); /* P1 */
    assert_int_equal(souk_stats_of(client).protocol_errors, 0);
    souk_close(client);
    listener_close(listener);
}

static void no_server_is_an_error_and_no_wait(void **state)
{
    (void)state;
    struct souk_client *client;
    struct souk_command_poll_reply command;
    const struct souk_options options = {.address = "unix:/tmp/souk-nobody-is-here.sock"};
    assert_int_equal(souk_open(&options, &client), SOUK_ERROR_NO_SERVER);
    assert_int_equal(poll_commands(client, 30000, &command, 1), SOUK_ERROR_NO_SERVER);
    assert_int_equal(command.status, SOUK_UNANSWERED_BY(SOUK_ERROR_NO_SERVER));
    assert_int_equal(poll_commands(client, 0, &command, 0), SOUK_ERROR_ARGUMENT);
    souk_close(client);
}

static void calls_at_once_end_together(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(3, 10);
    struct souk_client *client = open_client(listener);
    const struct souk_take take = {.resource = souk_sku("A"), .quantity = 1};
    const struct souk_command_wait wait = {.group = 0};
    struct souk_take_reply taken[2];
    struct souk_command_wait_reply waited[2];
    listener->fake.ready[2] = 9;
    struct souk_request requests[4] = {
        {.op = SOUK_OP_TAKE, .count = 1, .records = &take, .replies = &taken[0]},
        {.op = SOUK_OP_COMMAND_WAIT,
         .shard = 2,
         .count = 1,
         .records = &wait,
         .replies = &waited[0]},
        {.op = SOUK_OP_COMMAND_WAIT,
         .shard = 3,
         .count = 1,
         .records = &wait,
         .replies = &waited[1]},
        {.op = SOUK_OP_TAKE, .count = 1, .records = &take, .replies = &taken[1]}};
    /* One of them names a shard that does not exist; the others are answered. */
    assert_int_equal(souk_call_all(client, requests, 4), SOUK_ERROR_ARGUMENT);
    assert_int_equal(taken[0].status, SOUK_OK);
    assert_int_equal(taken[1].status, SOUK_OK);
    assert_int_equal(taken[0].sellable + taken[1].sellable, 17);
    assert_int_equal(waited[0].ready, 9);
    assert_int_equal(waited[1].status, SOUK_UNANSWERED_BY(SOUK_ERROR_ARGUMENT));
    assert_int_equal(souk_call_all(client, requests, 0), 0);
    souk_close(client);
    listener_close(listener);
}

static void a_checkout_is_asked_about_until_it_settles(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(2, 0);
    struct souk_client *client = open_client(listener);
    const struct souk_checkout checkout = {.order = souk_order_new(7)};
    struct souk_checkout_reply first;
    struct souk_checkout_status_reply last;
    listener->fake.settles_after = 4;
    assert_int_equal(souk_checkout_wait(client, &checkout, 20000, &first, &last), 0);
    assert_int_equal(first.state, SOUK_STATE_HOLDING);
    assert_int_equal(last.state, SOUK_STATE_PAID);
    assert_int_equal(last.is_settled, 1);
    assert_non_null(last.memory);
    souk_free(last.memory);
    /* Time is up first. */
    listener->fake.settles_after = 1000000;
    const u64 begin_ms = now_ms();
    assert_int_equal(souk_checkout_wait(client, &checkout, 120, NULL, &last), 0);
    assert_int_equal(last.is_settled, 0);
    assert_true(now_ms() - begin_ms >= 120);
    assert_true(now_ms() - begin_ms < 2000);
    assert_true(1000000 - listener->fake.settles_after < 20); /* with pauses */
    souk_free(last.memory);
    /* Refused: there is nothing to ask about. */
    const u64 frames = listener->fake.seen_frames;
    listener->fake.checkout_status = SOUK_CART_EMPTY;
    assert_int_equal(souk_checkout_wait(client, &checkout, 20000, &first, &last), 0);
    assert_int_equal(first.status, SOUK_CART_EMPTY);
    assert_int_equal(last.status, SOUK_CART_EMPTY);
    assert_null(last.memory);
    assert_int_equal(listener->fake.seen_frames, frames + 1);
    souk_close(client);
    listener_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_deadline_begins_when_the_wait_is_over),
        cmocka_unit_test(a_wait_of_any_length_leaves_forever_alone),
        cmocka_unit_test(each_has_a_frame_of_its_own),
        cmocka_unit_test(what_waits_is_no_reason_to_gather),
        cmocka_unit_test(a_cut_connection_does_not_end_the_wait),
        cmocka_unit_test(an_answer_may_overtake_the_news_that_its_frame_was_sent),
        cmocka_unit_test(every_wait_ms_is_known),
        cmocka_unit_test(commands_of_all_shards_come_together),
        cmocka_unit_test(few_at_a_time_come_from_shard_after_shard),
        cmocka_unit_test(a_command_ends_the_wait),
        cmocka_unit_test(a_server_that_does_not_let_wait_is_not_flooded),
        cmocka_unit_test(threads_share_what_waits_and_no_command),
        cmocka_unit_test(no_server_is_an_error_and_no_wait),
        cmocka_unit_test(calls_at_once_end_together),
        cmocka_unit_test(a_checkout_is_asked_about_until_it_settles),
    };
    return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
