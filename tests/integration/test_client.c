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
#include <stdatomic.h>

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
    if (units == 0)
        return;
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

/* ---- carts and orders ---- */

static void a_view_of_a_cart_asks_every_shard(void **state)
{
    (void)state;
    enum { SKUS = 12 };
    struct served served;
    assert_true(served_open(&served, 4, "durable"));
    struct souk_client *client = open_client(&served, (struct souk_options){0});
    const u64 user = souk_id("alice", 5);
    for (u32 i = 0; i < SKUS; i++) {
        char code[16];
        (void)snprintf(code, sizeof code, "V%u", i);
        put_sku(client, code, i);
        const struct souk_cart_add add = {.user_id = user,
                                          .sku_id = souk_id(code, strlen(code)),
                                          .quantity = 2,
                                          .price_seen = i == 3 ? 200 : 255,
                                          .currency = 826};
        struct souk_cart_add_reply added;
        assert_int_equal(souk_cart_add(client, &add, &added), 0);
        assert_int_equal(added.status, SOUK_OK);
    }
    const struct souk_cart_add ghost = {
        .user_id = user, .sku_id = souk_id("GHOST", 5), .quantity = 1, .price_seen = -1};
    struct souk_cart_add_reply added;
    assert_int_equal(souk_cart_add(client, &ghost, &added), 0);
    struct souk_cart_view view;
    assert_int_equal(souk_cart_view(client, user, 0, 0, &view), 0);
    assert_int_equal(view.quote.status, SOUK_OK);
    assert_int_equal(view.currency, 826);
    assert_int_equal(view.line_count, SKUS + 1);
    for (u32 i = 0; i < SKUS; i++) {
        char code[16];
        (void)snprintf(code, sizeof code, "V%u", i);
        assert_string_equal(view.lines[i].code, code);
        assert_int_equal(view.lines[i].sellable, i);
        assert_int_equal(view.lines[i].quote.unit_price, 255);
        const u32 problems = (i == 0   ? SOUK_PROBLEM_OUT_OF_STOCK
                              : i == 1 ? SOUK_PROBLEM_FEWER
                                       : 0) |
                             (i == 3 ? SOUK_PROBLEM_PRICE : 0);
        assert_int_equal(view.lines[i].quote.problems, problems);
    }
    assert_int_equal(view.lines[SKUS].sellable, -1);
    assert_string_equal(view.lines[SKUS].code, "");
    assert_true((view.lines[SKUS].quote.problems & SOUK_PROBLEM_NO_SKU) != 0);
    souk_cart_view_end(&view);
    /* A cart that never was. */
    assert_int_equal(souk_cart_view(client, souk_id("nobody", 6), 0, 0, &view), 0);
    assert_int_equal(view.cart.status, SOUK_OK);
    assert_int_equal(view.line_count, 0);
    souk_cart_view_end(&view);
    souk_close(client);
    served_close(&served);
}

static void settings_and_merges_are_waited_for(void **state)
{
    (void)state;
    struct served served;
    assert_true(served_open(&served, 4, "durable"));
    struct souk_client *client = open_client(&served, (struct souk_options){0});
    struct souk_setting_status_reply setting;
    const struct souk_price_list_put list = {
        .home_id = souk_id("L", 1), .currency = 826, .name = souk_text64_of("L")};
    assert_int_equal(souk_setting_put_wait(client, SOUK_OP_PRICE_LIST_PUT, &list, 10000, &setting),
                     0);
    assert_int_equal(setting.status, SOUK_OK);
    assert_int_equal(setting.pending, 0);
    assert_int_equal(setting.version, 1);
    struct souk_price_list_put again = list;
    again.if_version = SOUK_VERSION_ABSENT;
    assert_int_equal(souk_setting_put_wait(client, SOUK_OP_PRICE_LIST_PUT, &again, 10000, &setting),
                     0);
    assert_int_equal(setting.status, SOUK_VERSION_CONFLICT);
    assert_int_equal(souk_setting_put_wait(client, SOUK_OP_TAKE, &list, 0, &setting),
                     SOUK_ERROR_ARGUMENT);
    for (u32 i = 0; i < 8; i++) {
        char token[16];
        struct souk_cart_merge_status_reply merged;
        struct souk_cart_add_reply added;
        (void)snprintf(token, sizeof token, "t%u", i);
        const struct souk_cart_add add = {.user_id = souk_guest(token),
                                          .sku_id = souk_id("M", 1),
                                          .quantity = 1,
                                          .price_seen = -1};
        assert_int_equal(souk_cart_add(client, &add, &added), 0);
        const struct souk_cart_merge merge = {
            .user_id = add.user_id, .target_id = souk_id("bob", 3), .strategy = SOUK_MERGE_SUM};
        assert_int_equal(souk_cart_merge_wait(client, &merge, 10000, &merged), 0);
        assert_int_equal(merged.status, SOUK_OK);
        assert_int_equal(merged.state, SOUK_CART_STATE_MERGED);
        struct souk_row_pour_line line;
        assert_true(souk_row_at(merged.lines, sizeof line, 0, &line));
        assert_int_equal(line.quantity, i + 1);
        souk_free(merged.memory);
    }
    souk_close(client);
    served_close(&served);
}

enum { BUYERS = 4, ORDERS = 25 };

/* A worker: what is asked for is done, under its own client or the shared one. */
struct provider_thread {
    pthread_t thread;
    struct souk_client *client;
    atomic_bool is_over;
    u32 authorized, captured;
};

static void *provide(void *argument)
{
    struct provider_thread *provider = argument;
    struct souk_command_poll_reply commands[16];
    const struct souk_command_poll poll = {.lease_ms = 1000};
    while (!atomic_load(&provider->is_over)) {
        const int count = souk_command_poll_wait(provider->client, &poll, 200, commands, 16);
        for (int i = 0; i < count; i++) {
            const bool is_capture = commands[i].kind == SOUK_COMMAND_CAPTURE;
            char key[SOUK_KEY_TEXT_MAX];
            souk_command_key(commands[i].order, commands[i].step, commands[i].attempt, key);
            const struct souk_payment_event event = {.order = commands[i].order,
                                                     .lease = commands[i].lease,
                                                     .amount = commands[i].amount,
                                                     .step = commands[i].step,
                                                     .attempt = commands[i].attempt,
                                                     .kind = is_capture ? SOUK_EVENT_CAPTURED
                                                                        : SOUK_EVENT_AUTHORIZED,
                                                     .currency = commands[i].currency,
                                                     .reference = souk_text64_of(key)};
            struct souk_payment_event_reply reply;
            if (souk_payment_event(provider->client, &event, &reply) == 0 &&
                reply.effect == SOUK_EFFECT_APPLIED) {
                provider->authorized += is_capture ? 0 : 1;
                provider->captured += is_capture ? 1 : 0;
            }
        }
    }
    return NULL;
}

struct buyer_thread {
    pthread_t thread;
    struct souk_client *client;
    u32 index;
    u32 placed, errors;
    struct souk_id128 last;
};

static void *buy(void *argument)
{
    struct buyer_thread *buyer = argument;
    for (u32 i = 0; i < ORDERS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "buyer%u-%u", buyer->index, i);
        const struct souk_row_checkout_line lines[2] = {
            {.sku_id = souk_id("O1", 2), .quantity = 1, .agreed_price = -1},
            {.sku_id = souk_id("O2", 2), .quantity = 2, .agreed_price = -1}};
        const struct souk_row_tender tender = {.amount = 765, .token = souk_text64_of("tok")};
        const struct souk_checkout checkout = {.order = souk_order_new(souk_id(name, strlen(name))),
                                               .expected_total = 765,
                                               .currency = 826,
                                               .lines = souk_rows_of(lines, sizeof lines[0], 2),
                                               .tenders = souk_rows_of(&tender, sizeof tender, 1)};
        struct souk_checkout_status_reply status;
        if (souk_checkout_wait(buyer->client, &checkout, 30000, NULL, &status) != 0 ||
            status.status != SOUK_OK)
            buyer->errors++;
        else if (status.state == SOUK_STATE_PAID && status.captured == 765)
            buyer->placed++;
        souk_free(status.memory);
        buyer->last = checkout.order;
    }
    return NULL;
}

/* Buyers and a worker share one client; what waits at the server holds back nobody. `kills`: the server
 * is killed so often meanwhile. */
static void sell_orders(u32 kills)
{
    struct served served;
    struct buyer_thread buyers[BUYERS];
    struct provider_thread provider = {.authorized = 0};
    u32 placed = 0;
    assert_true(served_open(&served, 2, "durable"));
    struct souk_client *client = open_client(
        &served, (struct souk_options){.deadline_ms = 30000, .cut_per_million = kills * 20000});
    put_sku(client, "O1", 1000);
    put_sku(client, "O2", 1000);
    provider.client = client;
    assert_int_equal(pthread_create(&provider.thread, NULL, provide, &provider), 0);
    for (u32 i = 0; i < BUYERS; i++) {
        buyers[i] = (struct buyer_thread){.client = client, .index = i};
        assert_int_equal(pthread_create(&buyers[i].thread, NULL, buy, &buyers[i]), 0);
    }
    for (u32 i = 0; i < kills; i++) {
        await_answers(client, 30);
        served_stop(&served, SIGKILL);
        assert_true(served_start(&served));
    }
    for (u32 i = 0; i < BUYERS; i++) {
        (void)pthread_join(buyers[i].thread, NULL);
        assert_int_equal(buyers[i].errors, 0);
        placed += buyers[i].placed;
    }
    atomic_store(&provider.is_over, true);
    (void)pthread_join(provider.thread, NULL);
    assert_int_equal(placed, BUYERS * ORDERS);
    assert_int_equal(get_sku(client, "O1").allocated, placed);
    assert_int_equal(get_sku(client, "O2").allocated, 2 * placed);
    if (kills == 0) {
        assert_int_equal(provider.authorized, placed);
        assert_int_equal(provider.captured, placed);
    }
    char key[SOUK_KEY_TEXT_MAX];
    struct souk_payment_find_reply found;
    assert_int_equal(
        souk_payment_find_all(client, souk_command_key(buyers[0].last, 1, 1, key), &found), 0);
    assert_int_equal(found.status, SOUK_OK);
    assert_true(found.order.low == buyers[0].last.low && found.order.high == buyers[0].last.high);
    assert_int_equal(souk_payment_find_all(client, "of nobody", &found), 0);
    assert_int_equal(found.status, SOUK_NOT_FOUND);
    verify_all(client);
    souk_close(client);
    served_close(&served);
}

static void orders_are_waited_for_until_they_are_paid(void **state)
{
    (void)state;
    sell_orders(0);
}

static void a_killed_server_loses_no_order(void **state)
{
    (void)state;
    sell_orders(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_operations_answer),
        cmocka_unit_test(a_batch_over_shards_and_a_linked_one),
        cmocka_unit_test(cut_connections_sell_each_unit_once),
        cmocka_unit_test(a_killed_server_comes_back_and_nothing_is_done_twice),
        cmocka_unit_test(a_numbered_frame_is_replayed_after_a_restart),
        cmocka_unit_test(a_view_of_a_cart_asks_every_shard),
        cmocka_unit_test(settings_and_merges_are_waited_for),
        cmocka_unit_test(orders_are_waited_for_until_they_are_paid),
        cmocka_unit_test(a_killed_server_loses_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
