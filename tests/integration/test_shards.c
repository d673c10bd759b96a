/* test_shards: mail between the shards of a real server, on one reactor and on two: merges of carts of
 * different shards happen once each, however often the server is killed; settings get into force
 * everywhere; reads wait; a stop does not.
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

#define SHARDS  3u
#define THREADS 4u
#define GUESTS  60u /* of each thread */
#define USERS   5u

static struct souk_client *open_client(const struct served *served, u32 deadline_ms)
{
    struct souk_client *client;
    const struct souk_options options = {.address = served->address, .deadline_ms = deadline_ms};
    assert_int_equal(souk_open(&options, &client), 0);
    return client;
}

static void verify_all(struct souk_client *client, struct souk_id128 digests[SHARDS])
{
    for (u16 i = 0; i < SHARDS; i++) {
        struct souk_verify_reply reply;
        assert_int_equal(souk_verify(client, i, &(struct souk_verify){0}, &reply), 0);
        assert_int_equal(reply.status, SOUK_OK);
        assert_int_equal(reply.violations, 0);
        digests[i] = reply.digest;
        souk_free(reply.memory);
    }
}

/* ---- carts of guests into carts of users ----------------------------------------------------- */

struct shopper {
    const struct served *served;
    pthread_t thread;
    u32 number;
    u32 merged;
};

static u64 user_of(u64 guest_number)
{
    return 1000 + guest_number % USERS;
}

/* One guest with one unit; both calls may be repeated. False: there was no answer. */
static bool pour_one(struct souk_client *client, u64 guest_number)
{
    const u64 guest = guest_number | 1ull << 63;
    const struct souk_cart_set set = {
        .user_id = guest, .sku_id = souk_id("MUG", 3), .quantity = 1, .price_seen = -1};
    const struct souk_cart_merge merge = {
        .user_id = guest, .target_id = user_of(guest_number), .strategy = 1};
    const struct souk_cart_merge_status status = {.user_id = guest, .wait_ms = 2000};
    struct souk_cart_set_reply placed;
    struct souk_cart_merge_reply merging;
    struct souk_cart_merge_status_reply done;
    if (souk_cart_set(client, &set, &placed) != 0 ||
        (placed.status != SOUK_OK && placed.status != SOUK_CART_MERGED) ||
        souk_cart_merge(client, &merge, &merging) != 0 ||
        souk_cart_merge_status(client, &status, &done) != 0)
        return false;
    souk_free(done.memory);
    return done.status == SOUK_OK && done.version != 0 && done.target_id == merge.target_id;
}

static void *run_shopper(void *argument)
{
    struct shopper *shopper = argument;
    struct souk_client *client = NULL;
    const struct souk_options options = {.address = shopper->served->address, .deadline_ms = 20000};
    if (souk_open(&options, &client) != 0)
        return NULL;
    for (u32 i = 0; i < GUESTS; i++)
        for (u32 tries = 0; tries < 100; tries++)
            if (pour_one(client, shopper->number * GUESTS + i + 1)) {
                shopper->merged++;
                break;
            }
    souk_close(client);
    return NULL;
}

/* Units in all users' carts; each guest brought one. */
static i64 units_of_users(struct souk_client *client)
{
    i64 units = 0;
    for (u64 user = 0; user < USERS; user++) {
        struct souk_cart_get_reply cart;
        const struct souk_cart_get get = {.user_id = user_of(user)};
        assert_int_equal(souk_cart_get(client, &get, &cart), 0);
        assert_int_equal(cart.status, SOUK_OK);
        struct souk_row_cart_line line = {0};
        if (cart.lines.bytes != 0) {
            assert_int_equal(cart.lines.bytes, sizeof line);
            memcpy(&line, cart.lines.data, sizeof line);
        }
        units += line.quantity;
        souk_free(cart.memory);
    }
    return units;
}

static void merge_under_kills(u32 reactors, u32 kills)
{
    struct served served;
    struct shopper shoppers[THREADS];
    struct souk_id128 before[SHARDS], after[SHARDS];
    u32 merged = 0;
    assert_true(served_open_with(&served, SHARDS, reactors, "durable"));
    for (u32 i = 0; i < THREADS; i++) {
        shoppers[i] = (struct shopper){.served = &served, .number = i};
        assert_int_equal(pthread_create(&shoppers[i].thread, NULL, run_shopper, &shoppers[i]), 0);
    }
    for (u32 i = 0; i < kills; i++) {
        served_nap(60 + 25 * (long)i);
        served_stop(&served, SIGKILL);
        assert_true(served_start(&served));
    }
    for (u32 i = 0; i < THREADS; i++) {
        (void)pthread_join(shoppers[i].thread, NULL);
        merged += shoppers[i].merged;
    }
    assert_int_equal(merged, THREADS * GUESTS);
    struct souk_client *client = open_client(&served, 20000);
    assert_int_equal(units_of_users(client), THREADS * GUESTS);
    served_nap(200); /* acknowledgements are logged */
    verify_all(client, before);
    souk_close(client);
    served_stop(&served, SIGTERM);
    assert_true(served_start(&served));
    client = open_client(&served, 20000);
    verify_all(client, after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(units_of_users(client), THREADS * GUESTS);
    souk_close(client);
    served_close(&served);
}

static void merges_happen_once_each_over_kills_on_one_reactor(void **state)
{
    (void)state;
    merge_under_kills(1, 6);
}

static void merges_happen_once_each_over_kills_on_two_reactors(void **state)
{
    (void)state;
    merge_under_kills(2, 6);
}

/* ---- settings, reads that wait --------------------------------------------------------------- */

static struct souk_price_list_put list_of(u64 home)
{
    struct souk_price_list_put put = {.home_id = home, .currency = souk_currency("EUR")};
    memcpy(put.name.bytes, "list", 4);
    return put;
}

/* What is put gets into force on every shard, and whoever waits for that is told. */
static void settings_get_into_force_everywhere(void **state)
{
    (void)state;
    for (u32 reactors = 1; reactors <= 2; reactors++) {
        struct served served;
        assert_true(served_open_with(&served, SHARDS, reactors, "durable"));
        struct souk_client *client = open_client(&served, 20000);
        for (u64 home = 1; home <= 12; home++) {
            const struct souk_price_list_put put = list_of(home);
            const struct souk_setting_status ask = {.home_id = home, .kind = 1, .wait_ms = 5000};
            struct souk_price_list_put_reply reply;
            struct souk_setting_status_reply status;
            for (u64 version = 1; version <= 3; version++) {
                assert_int_equal(souk_price_list_put(client, &put, &reply), 0);
                assert_int_equal(reply.status, SOUK_OK);
                assert_int_equal(reply.version, version);
            }
            assert_int_equal(souk_setting_status(client, &ask, &status), 0);
            assert_int_equal(status.status, SOUK_OK);
            assert_int_equal(status.version, 3);
            assert_int_equal(status.pending, 0);
        }
        souk_close(client);
        served_close(&served);
    }
}

/* ---- a stop ---------------------------------------------------------------------------------- */

static u64 now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

static void on_put(void *context, int error, const void *replies, u32 count)
{
    u32 *answered = context;
    (void)error;
    (void)replies;
    (void)count;
    (*answered)++;
}

/* SIGTERM in the middle of mail: exit 0 at once, and what was under way arrives after the start. */
static void a_stop_in_the_middle_of_mail_is_clean_and_loses_none(void **state)
{
    (void)state;
    struct served served;
    assert_true(served_open_with(&served, SHARDS, 2, "durable"));
    for (u32 round = 0; round < 4; round++) {
        struct souk_client *client = open_client(&served, 3000);
        u32 answered = 0;
        int status = 0;
        for (u64 home = 1; home <= 7; home++) { /* they exist, whatever becomes of the rest */
            const struct souk_price_list_put put = list_of(home);
            struct souk_price_list_put_reply reply;
            assert_int_equal(souk_price_list_put(client, &put, &reply), 0);
        }
        for (u64 i = 0; i < 600; i++) {
            const struct souk_price_list_put put = list_of(1 + i % 7);
            assert_int_equal(souk_price_list_put_async(client, &put, on_put, &answered), 0);
        }
        for (u32 i = 0; i < 3000 && answered < 50 + 150 * round; i++)
            (void)souk_poll(client, 10);
        const u64 begin_ms = now_ms();
        (void)kill(served.pid, SIGTERM);
        assert_int_equal(waitpid(served.pid, &status, 0), served.pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_true(now_ms() - begin_ms < 8000);
        souk_close(client);
        (void)unlink(served.socket);
        assert_true(served_start(&served));
        client = open_client(&served, 20000);
        for (u64 home = 1; home <= 7; home++) {
            const struct souk_setting_status ask = {.home_id = home, .kind = 1, .wait_ms = 5000};
            struct souk_setting_status_reply reply;
            assert_int_equal(souk_setting_status(client, &ask, &reply), 0);
            assert_int_equal(reply.status, SOUK_OK);
            assert_int_equal(reply.pending, 0);
        }
        souk_close(client);
    }
    served_close(&served);
}

/* ---- a cache --------------------------------------------------------------------------------- */

static void a_cache_takes_no_orders(void **state)
{
    (void)state;
    struct served served;
    assert_true(served_open_with(&served, SHARDS, 2, "none"));
    struct souk_client *client = open_client(&served, 5000);
    const struct souk_checkout checkout = {.order = {.low = 1, .high = 77},
                                           .currency = souk_currency("EUR")};
    struct souk_checkout_reply reply;
    assert_int_equal(souk_checkout(client, &checkout, &reply), 0);
    assert_int_equal(reply.status, SOUK_NOT_DURABLE);
    assert_true(pour_one(client, 3)); /* mail goes as ever */
    souk_close(client);
    served_close(&served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_happen_once_each_over_kills_on_one_reactor),
        cmocka_unit_test(merges_happen_once_each_over_kills_on_two_reactors),
        cmocka_unit_test(settings_get_into_force_everywhere),
        cmocka_unit_test(a_stop_in_the_middle_of_mail_is_clean_and_loses_none),
        cmocka_unit_test(a_cache_takes_no_orders),
    };
    cmocka_set_test_filter(getenv("TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
