/* test_client: libsouk against the real soukd: the operations, many threads, cut connections, a
 * server that is killed in the middle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "tests/integration/served.h"

static struct souk_client *open_client(const struct served *served, struct souk_options options)
{
    struct souk_client *client;
    options.address = served->address;
    assert_int_equal(souk_open(&options, &client), 0);
    return client;
}

static void put_sku(struct souk_client *client, const char *code, int64_t units)
{
    struct souk_sku_put_reply put;
    struct souk_stock_receive_reply received;
    const struct souk_sku_put record = {.resource = souk_sku(code),
                                        .price = 255,
                                        .currency = souk_currency("GBP"),
                                        .code = souk_text_of(code)};
    assert_int_equal(souk_sku_put(client, &record, &put), 0);
    assert_int_equal(put.status, SOUK_OK);
    const struct souk_stock_receive receive = {.resource = record.resource, .quantity = units};
    assert_int_equal(souk_stock_receive(client, &receive, &received), 0);
    assert_int_equal(received.status, SOUK_OK);
}

static struct souk_sku_get_reply get_sku(struct souk_client *client, const char *code)
{
    struct souk_sku_get_reply reply;
    assert_int_equal(
        souk_sku_get(client, &(struct souk_sku_get){.resource = souk_sku(code)}, &reply), 0);
    assert_int_equal(reply.status, SOUK_OK);
    souk_free(reply.memory);
    return reply;
}

static void verify_all(struct souk_client *client)
{
    const u16 shards = souk_server(client).shard_count;
    for (u16 i = 0; i < shards; i++) {
        struct souk_verify_reply reply;
        assert_int_equal(souk_verify(client, i, &(struct souk_verify){0}, &reply), 0);
        assert_int_equal(reply.status, SOUK_OK);
        assert_int_equal(reply.violations, 0);
        souk_free(reply.memory);
    }
}

static void the_operations_answer(void **state)
{
    (void)state;
    struct served served;
    assert_true(served_open(&served, 2, "durable"));
    struct souk_client *client = open_client(&served, (struct souk_options){.agent = "test"});
    struct souk_product_put_reply put;
    struct souk_product_get_reply got;
    struct souk_ping_reply pong;
    struct souk_info_reply info;
    put_sku(client, "85123A", 10);
    const struct souk_product_put product = {.product_id = souk_id("P1", 2),
                                             .price = 255,
                                             .currency = 826,
                                             .code = souk_text_of("P1"),
                                             .title = souk_text_of("White hanging heart"),
                                             .category = souk_text_of("home/lighting")};
    assert_int_equal(souk_product_put(client, &product, &put), 0);
    assert_int_equal(put.status, SOUK_OK);
    const struct souk_product_get get = {.product_id = product.product_id};
    assert_int_equal(souk_product_get(client, &get, &got), 0);
    assert_string_equal(got.title.data, "White hanging heart");
    souk_free(got.memory);
    assert_int_equal(souk_ping(client, &(struct souk_ping){.echo = 7}, &pong), 0);
    assert_int_equal(pong.echo, 7);
    assert_int_equal(souk_info(client, &(struct souk_info){0}, &info), 0);
    assert_int_equal(info.text.data[0], '{');
    souk_free(info.memory);
    verify_all(client);
    souk_close(client);
    served_close(&served);
}

static void a_batch_over_shards_and_a_linked_one(void **state)
{
    (void)state;
    struct served served;
    assert_true(served_open(&served, 4, "none"));
    struct souk_client *client = open_client(&served, (struct souk_options){0});
    struct souk_take records[200];
    struct souk_take_reply replies[200];
    for (u32 i = 0; i < 200; i++) {
        char code[16];
        (void)snprintf(code, sizeof code, "S%u", i % 20);
        if (i < 20)
            put_sku(client, code, 5);
        records[i] = (struct souk_take){.resource = souk_sku(code), .quantity = 1};
    }
    assert_int_equal(souk_take_batch(client, records, 200, replies, 0), 0);
    for (u32 i = 0; i < 200; i++)
        assert_int_equal(replies[i].status, i < 100 ? SOUK_OK : SOUK_SOLD_OUT);
    assert_int_equal(souk_take_batch(client, records, 20, replies, SOUK_LINKED), SOUK_ERROR_SHARDS);
    put_sku(client, "L", 3);
    for (u32 i = 0; i < 4; i++)
        records[i] = (struct souk_take){.resource = souk_sku("L"), .quantity = 1};
    assert_int_equal(souk_take_batch(client, records, 4, replies, SOUK_LINKED), 0);
    assert_int_equal(replies[0].status, SOUK_LINKED_FAILED);
    assert_int_equal(replies[3].status, SOUK_SOLD_OUT);
    assert_int_equal(souk_take_batch(client, records, 3, replies, SOUK_LINKED), 0);
    assert_int_equal(replies[2].status, SOUK_OK);
    verify_all(client);
    souk_close(client);
    served_close(&served);
}

/* ---- exactly once ---- */

enum { THREADS = 8, CALLS = 600, UNITS = 2000 };

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
        const struct souk_take record = {.resource = souk_sku("HOT"), .quantity = 1};
        if (souk_take(worker->client, &record, &reply) != 0)
            worker->errors++;
        else if (reply.status == SOUK_OK)
            worker->granted++;
        else
            worker->refused++;
    }
    return NULL;
}

static void start_workers(struct worker *workers, struct souk_client *client)
{
    for (u32 i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.client = client};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_many, &workers[i]), 0);
    }
}

static u32 end_workers(struct worker *workers)
{
    u32 granted = 0;
    for (u32 i = 0; i < THREADS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].errors, 0);
        assert_int_equal(workers[i].granted + workers[i].refused, CALLS);
        granted += workers[i].granted;
    }
    return granted;
}

static void cut_connections_sell_each_unit_once(void **state)
{
    (void)state;
    struct served served;
    struct worker workers[THREADS];
    assert_true(served_open(&served, 2, "durable"));
    struct souk_client *client = open_client(
        &served,
        (struct souk_options){.cut_per_million = 200000, .cut_seed = 3, .deadline_ms = 20000});
    put_sku(client, "HOT", UNITS);
    start_workers(workers, client);
    assert_int_equal(end_workers(workers), UNITS);
    const struct souk_client_stats stats = souk_stats_of(client);
    assert_true(stats.cuts > 20);
    assert_true(stats.replies_replayed > 0);
    assert_int_equal(get_sku(client, "HOT").allocated, UNITS);
    verify_all(client);
    souk_close(client);
    served_close(&served);
}

/* Waits until the server has answered the client `count` more frames: the next kill is under load. */
static void await_answers(struct souk_client *client, u32 count)
{
    const u64 wanted = souk_stats_of(client).frames_answered + count;
    for (u32 i = 0; i < 20000 && souk_stats_of(client).frames_answered < wanted; i++)
        served_nap(1);
    assert_true(souk_stats_of(client).frames_answered >= wanted);
}

static void a_killed_server_comes_back_and_nothing_is_done_twice(void **state)
{
    (void)state;
    struct served served;
    struct worker workers[THREADS];
    assert_true(served_open(&served, 2, "durable"));
    struct souk_client *client = open_client(&served, (struct souk_options){.deadline_ms = 30000});
    put_sku(client, "HOT", UNITS);
    start_workers(workers, client);
    for (u32 i = 0; i < 3; i++) {
        await_answers(client, 20);
        served_stop(&served, SIGKILL);
        assert_true(served_start(&served));
    }
    const u32 granted = end_workers(workers);
    assert_int_equal(granted, UNITS);
    assert_int_equal(get_sku(client, "HOT").allocated, granted);
    assert_true(souk_stats_of(client).disconnects >= 3);
    verify_all(client);
    souk_close(client);
    served_close(&served);
}

static void a_numbered_frame_is_replayed_after_a_restart(void **state)
{
    (void)state;
    struct served served;
    assert_true(served_open(&served, 1, "durable"));
    const struct souk_id128 session = souk_new_session();
    struct souk_take records[3];
    struct souk_take_reply replies[3];
    for (u32 i = 0; i < 3; i++)
        records[i] = (struct souk_take){.resource = souk_sku("N"), .quantity = 1};
    for (u32 i = 0; i < 2; i++) {
        struct souk_client *client = open_client(&served, (struct souk_options){0});
        if (i == 0) {
            put_sku(client, "N", 10);
            assert_int_equal(souk_open_session(client, 0, session), 0);
        }
        const struct souk_request request = {.op = SOUK_OP_TAKE,
                                             .count = 3,
                                             .records = records,
                                             .replies = replies,
                                             .session = session,
                                             .session_seq = 1};
        assert_int_equal(souk_send_numbered(client, &request), 0);
        assert_int_equal(replies[2].sellable, 7);
        assert_int_equal(replies[2].flags, i == 0 ? 0 : SOUK_FLAG_STORED);
        assert_int_equal(get_sku(client, "N").allocated, 3);
        souk_close(client);
        if (i == 0) {
            served_stop(&served, SIGKILL);
            assert_true(served_start(&served));
        }
    }
    served_close(&served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_operations_answer),
        cmocka_unit_test(a_batch_over_shards_and_a_linked_one),
        cmocka_unit_test(cut_connections_sell_each_unit_once),
        cmocka_unit_test(a_killed_server_comes_back_and_nothing_is_done_twice),
        cmocka_unit_test(a_numbered_frame_is_replayed_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
