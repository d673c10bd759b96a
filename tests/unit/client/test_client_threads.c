/* test_client_threads: the front of the library against a server thread on real sockets: blocking calls of
 * many threads, callbacks, cuts, servers that are not there.
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

#include "client/lib/souk.h"
#include "tests/unit/client/fake_listener.h"

static struct souk_client *open_client(const struct fake_listener *listener,
                                       struct souk_options options)
{
    struct souk_client *client;
    options.address = listener->address;
    assert_int_equal(souk_open(&options, &client), 0);
    return client;
}

static void a_blocking_take_is_answered(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(2, 10);
    struct souk_client *client = open_client(listener, (struct souk_options){.agent = "test/1"});
    struct souk_take_reply reply;
    const struct souk_take record = {.resource = souk_sku("85123A"), .quantity = 1};
    assert_int_equal(souk_take(client, &record, &reply), 0);
    assert_int_equal(reply.status, SOUK_OK);
    assert_int_equal(reply.sellable, 9);
    assert_int_equal(souk_server(client).shard_count, 2);
    souk_close(client);
    listener_close(listener);
}

static void a_unix_socket_works_and_texts_come_with_memory(void **state)
{
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/souk-test-%d.sock", (int)getpid());
    struct fake_listener *listener = listener_open_unix(path, 1, 10);
    struct souk_client *client = open_client(listener, (struct souk_options){0});
    struct souk_sku_get_reply reply;
    assert_int_equal(
        souk_sku_get(client, &(struct souk_sku_get){.resource = souk_sku("1")}, &reply), 0);
    assert_string_equal(reply.code.data, "text");
    souk_free(reply.memory);
    souk_close(client);
    listener_close(listener);
    (void)unlink(path);
}

static void a_large_batch_keeps_its_order(void **state)
{
    (void)state;
    enum { COUNT = 150000 };
    struct fake_listener *listener = listener_open(1, COUNT);
    struct souk_client *client = open_client(listener, (struct souk_options){0});
    struct souk_take *records = calloc(COUNT, sizeof *records);
    struct souk_take_reply *replies = calloc(COUNT, sizeof *replies);
    for (u32 i = 0; i < COUNT; i++)
        records[i] = (struct souk_take){.resource = souk_sku("1"), .quantity = 1};
    assert_int_equal(souk_take_batch(client, records, COUNT, replies, 0), 0);
    for (u32 i = 0; i < COUNT; i++)
        assert_int_equal(replies[i].sellable, COUNT - 1 - (i64)i);
    free(records);
    free(replies);
    souk_close(client);
    listener_close(listener);
}

/* ---- threads ---- */

enum { THREADS = 16, CALLS = 400 };

struct worker {
    pthread_t thread;
    struct souk_client *client;
    u32 granted;
    u32 refused;
    u32 errors;
};

static void *take_many(void *argument)
{
    struct worker *worker = argument;
    for (u32 i = 0; i < CALLS; i++) {
        struct souk_take_reply reply;
        char code[16];
        (void)snprintf(code, sizeof code, "%u", i % 7);
        const struct souk_take record = {.resource = souk_sku(code), .quantity = 1};
        if (souk_take(worker->client, &record, &reply) != 0)
            worker->errors++;
        else if (reply.status == SOUK_OK)
            worker->granted++;
        else
            worker->refused++;
    }
    return NULL;
}

/* Runs the workers; returns units granted. */
static u32 run_workers(struct souk_client *client)
{
    struct worker workers[THREADS] = {0};
    u32 granted = 0;
    u32 ended = 0;
    for (u32 i = 0; i < THREADS; i++) {
        workers[i].client = client;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_many, &workers[i]), 0);
    }
    for (u32 i = 0; i < THREADS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].errors, 0);
        granted += workers[i].granted;
        ended += workers[i].granted + workers[i].refused;
    }
    assert_int_equal(ended, THREADS * CALLS);
    return granted;
}

static void threads_share_a_client_and_frames(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(2, 1000);
    atomic_store(&listener->delay_us, 100);
    struct souk_client *client = open_client(listener, (struct souk_options){.gather_frames = 1});
    assert_int_equal(run_workers(client), 1000);
    const struct souk_client_stats stats = souk_stats_of(client);
    assert_int_equal(stats.records_sent, THREADS * CALLS);
    assert_true(stats.frames_sent < THREADS * CALLS / 2);
    souk_close(client);
    assert_int_equal(listener->fake.stock, 0);
    listener_close(listener);
}

static void threads_with_cut_connections_sell_each_unit_once(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(2, 3000);
    const struct souk_options options = {
        .cut_per_million = 150000, .cut_seed = 5, .deadline_ms = 20000};
    struct souk_client *client = open_client(listener, options);
    assert_int_equal(run_workers(client), 3000);
    const struct souk_client_stats stats = souk_stats_of(client);
    assert_true(stats.cuts > 50);
    assert_true(stats.replies_replayed > 10);
    souk_close(client);
    assert_int_equal(listener->fake.stock, 0);
    assert_int_equal(listener->fake.executed_records, THREADS * CALLS);
    listener_close(listener);
}

/* ---- callbacks ---- */

struct counter {
    struct souk_client *client;
    u32 done;
    u32 granted;
    u32 closed;
    u32 more;
};

static void on_taken(void *context, int error, const void *replies, uint32_t count)
{
    struct counter *counter = context;
    const struct souk_take_reply *reply = replies;
    assert_int_equal(count, 1);
    counter->done++;
    counter->granted += error == 0 && reply->status == SOUK_OK ? 1 : 0;
    counter->closed += error == SOUK_ERROR_CLOSED ? 1 : 0;
    if (counter->more != 0) {
        const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
        counter->more--;
        assert_int_equal(souk_take_async(counter->client, &record, on_taken, counter), 0);
    }
}

static void async_calls_share_frames_and_callbacks_may_call(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 100000);
    struct souk_client *client = open_client(listener, (struct souk_options){0});
    struct counter counter = {.client = client, .more = 500};
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    for (u32 i = 0; i < 1000; i++)
        assert_int_equal(souk_take_async(client, &record, on_taken, &counter), 0);
    while (counter.done < 1500)
        assert_true(souk_poll(client, 1000) >= 0);
    assert_int_equal(counter.granted, 1500);
    assert_true(souk_stats_of(client).frames_sent < 20);
    assert_int_equal(souk_open_calls(client), 0);
    souk_close(client);
    listener_close(listener);
}

static void the_fd_is_readable_when_there_is_something_to_do(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 100);
    struct souk_client *client = open_client(listener, (struct souk_options){0});
    struct counter counter = {.client = client};
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    struct pollfd fd = {.fd = souk_fd(client), .events = (short)souk_events(client)};
    assert_int_equal(poll(&fd, 1, 1000), 1); /* the first time always */
    assert_int_equal(souk_poll(client, 0), 0);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(souk_fd(client), fd.fd); /* asking for it again is no work to do */
        assert_int_equal(poll(&fd, 1, 20), 0);
        assert_int_equal(souk_take_async(client, &record, on_taken, &counter), 0);
        for (u32 turn = 0; turn < 20 && counter.done == i; turn++) {
            assert_int_equal(poll(&fd, 1, 2000), 1);
            (void)souk_poll(client, 0);
        }
        assert_int_equal(counter.done, i + 1);
        for (u32 turn = 0; turn < 5 && poll(&fd, 1, 0) == 1; turn++)
            (void)souk_poll(client, 0);
    }
    souk_close(client);
    listener_close(listener);
}

static void the_fd_wakes_for_deadlines(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 100);
    struct souk_client *client = open_client(listener, (struct souk_options){.deadline_ms = 200});
    struct counter counter = {.client = client};
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    struct pollfd fd = {.fd = souk_fd(client), .events = POLLIN};
    atomic_store(&listener->delay_us, 800000);
    assert_int_equal(souk_take_async(client, &record, on_taken, &counter), 0);
    for (u32 turn = 0; turn < 20 && counter.done == 0; turn++) {
        assert_int_equal(poll(&fd, 1, 700), 1);
        (void)souk_poll(client, 0);
    }
    assert_int_equal(counter.done, 1);
    assert_int_equal(counter.granted, 0);
    souk_close(client);
    listener_close(listener);
}

static void closing_tells_open_calls(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 100);
    struct souk_client *client = open_client(listener, (struct souk_options){0});
    struct counter counter = {.client = client};
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    assert_int_equal(souk_take_async(client, &record, on_taken, &counter), 0);
    souk_close(client);
    assert_int_equal(counter.closed, 1);
    listener_close(listener);
}

static void a_full_queue_is_busy(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 100);
    struct souk_client *client =
        open_client(listener, (struct souk_options){.queue_bytes_max = 4096});
    struct counter counter = {.client = client};
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    u32 taken = 0;
    int error = 0;
    while (taken < 1000 && (error = souk_take_async(client, &record, on_taken, &counter)) == 0)
        taken++;
    assert_int_equal(error, SOUK_ERROR_BUSY);
    while (counter.done < taken)
        assert_true(souk_poll(client, 1000) >= 0);
    assert_int_equal(souk_take_async(client, &record, on_taken, &counter), 0);
    while (counter.done < taken + 1)
        (void)souk_poll(client, 1000);
    souk_close(client);
    listener_close(listener);
}

/* ---- numbered ---- */

static void a_numbered_frame_replays_over_clients(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 10);
    const struct souk_id128 session = souk_new_session();
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    struct souk_take_reply reply;
    for (u32 i = 0; i < 2; i++) {
        struct souk_client *client = open_client(listener, (struct souk_options){0});
        if (i == 0)
            assert_int_equal(souk_open_session(client, 0, session), 0);
        const struct souk_request request = {.op = SOUK_OP_TAKE,
                                             .count = 1,
                                             .records = &record,
                                             .replies = &reply,
                                             .session = session,
                                             .session_seq = 1};
        assert_int_equal(souk_send_numbered(client, &request), 0);
        assert_int_equal(reply.sellable, 9);
        assert_int_equal(reply.flags, i == 0 ? 0 : SOUK_FLAG_STORED);
        souk_close(client);
    }
    listener_close(listener);
}

/* ---- servers that are not there ---- */

static void no_server_says_what_to_start(void **state)
{
    (void)state;
    struct souk_client *client;
    char text[SOUK_ERROR_TEXT_MAX];
    struct fake_listener *listener = listener_open(1, 1);
    char address[64];
    memcpy(address, listener->address, sizeof address);
    listener_close(listener); /* its port is closed now */
    const struct souk_options options = {.address = address};
    assert_int_equal(souk_open(&options, &client), SOUK_ERROR_NO_SERVER);
    (void)souk_error_text(client, text, sizeof text);
    assert_non_null(strstr(text, address));
    assert_non_null(strstr(text, "soukd DIR --listen"));
    struct souk_take_reply reply;
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    assert_int_equal(souk_take(client, &record, &reply), SOUK_ERROR_NO_SERVER);
    assert_int_equal(reply.status, SOUK_UNANSWERED_BY(SOUK_ERROR_NO_SERVER));
    assert_string_equal(souk_status_name(reply.status), "NO_SERVER");
    assert_int_equal(souk_status_class(reply.status), SOUK_CLASS_UNANSWERED);
    souk_close(client);
}

static void a_server_that_talks_nonsense_is_named(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 1);
    atomic_store(&listener->answers_garbage, true);
    struct souk_client *client;
    char text[SOUK_ERROR_TEXT_MAX];
    const struct souk_options options = {.address = listener->address};
    assert_int_equal(souk_open(&options, &client), SOUK_ERROR_NO_SERVER);
    assert_non_null(strstr(souk_error_text(client, text, sizeof text), "SOUK"));
    souk_close(client);
    listener_close(listener);
}

static void nonsense_in_the_middle_is_survived(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(1, 10);
    struct souk_client *client = open_client(listener, (struct souk_options){.deadline_ms = 300});
    struct souk_take_reply reply;
    const struct souk_take record = {.resource = souk_sku("1"), .quantity = 1};
    assert_int_equal(souk_take(client, &record, &reply), 0);
    atomic_store(&listener->answers_garbage, true);
    assert_int_equal(souk_take(client, &record, &reply), SOUK_ERROR_UNKNOWN_OUTCOME);
    atomic_store(&listener->answers_garbage, false);
    const struct souk_request request = {
        .op = SOUK_OP_TAKE, .count = 1, .records = &record, .replies = &reply, .deadline_ms = 5000};
    assert_int_equal(souk_call(client, &request), 0);
    assert_int_equal(reply.sellable, 7); /* the one without an answer was executed once */
    assert_true(souk_stats_of(client).protocol_errors > 0);
    souk_close(client);
    listener_close(listener);
}

static void addresses_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const addresses[] = {"", ":7685", "unix:", "127.0.0.1:port", "[::1"};
    for (u32 i = 0; i < ARRAY_COUNT(addresses); i++) {
        struct souk_client *client;
        char text[SOUK_ERROR_TEXT_MAX];
        const struct souk_options options = {.address = addresses[i]};
        assert_int_equal(souk_open(&options, &client), SOUK_ERROR_NO_SERVER);
        assert_true(strlen(souk_error_text(client, text, sizeof text)) > 10);
        souk_close(client);
    }
}

/* ---- small things ---- */

static void ids_print_and_parse(void **state)
{
    (void)state;
    char text[SOUK_ID_TEXT_MAX];
    const struct souk_id128 id = souk_new_id();
    struct souk_id128 parsed;
    assert_int_equal(souk_id_parse(souk_id_print(id, text), &parsed), 0);
    assert_memory_equal(&id, &parsed, sizeof id);
    assert_in_range(id.high >> 16, (u64)time(NULL) * 1000 - 5000, (u64)time(NULL) * 1000 + 5000);
    assert_int_equal(souk_id_parse("12", &parsed), SOUK_ERROR_ARGUMENT);
    text[31] = 'g';
    assert_int_equal(souk_id_parse(text, &parsed), SOUK_ERROR_ARGUMENT);
}

static void money_and_codes(void **state)
{
    (void)state;
    char text[SOUK_MONEY_TEXT_MAX];
    int64_t minor;
    assert_int_equal(souk_currency("GBP"), 826);
    assert_null(souk_money_parse("2.55", 826, &minor));
    assert_int_equal(minor, 255);
    assert_string_equal(souk_money_print(255, 826, text, sizeof text), "2.55 GBP");
    assert_non_null(souk_money_parse("1", 1, &minor));
    assert_int_equal(souk_sku("85123A").id, souk_id("85123A", 6));
    assert_string_equal(souk_status_name(SOUK_SOLD_OUT), "SOLD_OUT");
    assert_int_equal(souk_records_max(SOUK_OP_TAKE), 8190);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blocking_take_is_answered),
        cmocka_unit_test(a_unix_socket_works_and_texts_come_with_memory),
        cmocka_unit_test(a_large_batch_keeps_its_order),
        cmocka_unit_test(threads_share_a_client_and_frames),
        cmocka_unit_test(threads_with_cut_connections_sell_each_unit_once),
        cmocka_unit_test(async_calls_share_frames_and_callbacks_may_call),
        cmocka_unit_test(the_fd_is_readable_when_there_is_something_to_do),
        cmocka_unit_test(the_fd_wakes_for_deadlines),
        cmocka_unit_test(closing_tells_open_calls),
        cmocka_unit_test(a_full_queue_is_busy),
        cmocka_unit_test(a_numbered_frame_replays_over_clients),
        cmocka_unit_test(no_server_says_what_to_start),
        cmocka_unit_test(a_server_that_talks_nonsense_is_named),
        cmocka_unit_test(nonsense_in_the_middle_is_survived),
        cmocka_unit_test(addresses_that_cannot_be_are_refused),
        cmocka_unit_test(ids_print_and_parse),
        cmocka_unit_test(money_and_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
