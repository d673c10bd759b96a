/* cli_flash_sale: many clients buy one SKU at once, and what they got is counted.
 *
 * `demand` shoppers want one unit each. A shopper holds a unit under an id of its own and confirms
 * it; every other shopper takes without a hold. A refusal SOLD_OUT sends the shopper home; ALL_HELD
 * lets it try again, since a hold may come back. Connections are cut now and then between request
 * and reply where --cuts says so; the library sends again, and what was executed already is answered
 * from the server's memory.
 *
 * Then it must hold: granted = stock (demand being at least as large) = allocated on the server =
 * distinct ids that were granted, and each of those ids is an allocation of one unit.
 *
 * Threads  one per client, with a struct of its own; they share the count of shoppers by an atomic
 *          and nothing else. The results are added up after all have been joined.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli/cli.h"
#include "client/cli/replay_run.h"

#define CLIENTS_MAX  1024
#define GBP          826u
#define PAUSE_NS     (NS_PER_MS / 2) /* of a shopper to whom all is held */
#define HELD_RETRIES 200000u         /* bounds the wait for holds: then the sale has failed */

struct sale {
    struct souk_resource resource;
    u32 demand;
    u64 cut_seed;
    u32 cut_per_million;
    struct cli *cli;
    atomic_uint next_shopper;
};

struct buyer {
    struct sale *sale;
    u32 index;
    pthread_t thread;
    struct souk_client *client;
    struct souk_id128 *granted;
    u32 granted_count;
    u32 sold_out, all_held, replayed, ops;
    int error;  /* enum souk_error that ended it */
    u16 status; /* a status that should not come */
    struct souk_client_stats stats;
};

/* What became of one request. */
enum outcome { OUTCOME_GRANTED, OUTCOME_SOLD_OUT, OUTCOME_AGAIN, OUTCOME_FAILED };

static enum outcome judge(struct buyer *buyer, int error, u16 status, u16 flags)
{
    buyer->ops++;
    /* An id makes repeating harmless: the answer is the one of the first time. */
    if (error == SOUK_ERROR_UNKNOWN_OUTCOME)
        return OUTCOME_AGAIN;
    if (error != 0) {
        buyer->error = error;
        return OUTCOME_FAILED;
    }
    buyer->replayed += (flags & (SOUK_FLAG_REPLAYED | SOUK_FLAG_STORED)) != 0;
    if (status == SOUK_OK)
        return OUTCOME_GRANTED;
    if (status == SOUK_SOLD_OUT) {
        buyer->sold_out++;
        return OUTCOME_SOLD_OUT;
    }
    if (status == SOUK_ALL_HELD) {
        buyer->all_held++;
        return OUTCOME_AGAIN;
    }
    buyer->status = status;
    return OUTCOME_FAILED;
}

static enum outcome ask(struct buyer *buyer, struct souk_id128 id, bool is_hold)
{
    const u64 owner = buyer->index + 1;
    if (is_hold) {
        struct souk_hold_reply reply;
        const struct souk_hold hold = {.resource = buyer->sale->resource,
                                       .quantity = 1,
                                       .owner = owner,
                                       .id = id,
                                       .lease_ms = 60000};
        const int error = souk_hold(buyer->client, &hold, &reply);
        return judge(buyer, error, reply.status, reply.flags);
    }
    struct souk_take_reply reply;
    const struct souk_take take = {
        .resource = buyer->sale->resource, .quantity = 1, .owner = owner, .id = id};
    const int error = souk_take(buyer->client, &take, &reply);
    return judge(buyer, error, reply.status, reply.flags);
}

static enum outcome confirm(struct buyer *buyer, struct souk_id128 id)
{
    struct souk_hold_confirm_reply reply;
    const struct souk_hold_confirm what = {
        .resource = buyer->sale->resource, .id = id, .owner = buyer->index + 1};
    const int error = souk_hold_confirm(buyer->client, &what, &reply);
    return judge(buyer, error, reply.status, reply.flags);
}

/* Asks until there is an answer that ends it. */
static enum outcome ask_patiently(struct buyer *buyer, struct souk_id128 id, bool is_hold)
{
    const struct timespec pause = {.tv_nsec = (long)PAUSE_NS};
    for (u32 i = 0; i < HELD_RETRIES; i++) {
        const enum outcome outcome = ask(buyer, id, is_hold);
        if (outcome != OUTCOME_AGAIN)
            return outcome;
        (void)nanosleep(&pause, NULL);
    }
    buyer->status = SOUK_ALL_HELD;
    return OUTCOME_FAILED;
}

/* One shopper's visit; false when something went wrong. */
static bool visit(struct buyer *buyer, u32 shopper)
{
    const struct souk_id128 id = souk_new_id();
    const bool is_hold = shopper % 2 == 0;
    enum outcome outcome = ask_patiently(buyer, id, is_hold);
    if (outcome == OUTCOME_SOLD_OUT)
        return true;
    if (outcome == OUTCOME_GRANTED && is_hold)
        outcome = OUTCOME_AGAIN;
    for (u32 i = 0; i < HELD_RETRIES && outcome == OUTCOME_AGAIN; i++)
        outcome = confirm(buyer, id);
    if (outcome != OUTCOME_GRANTED)
        return false;
    buyer->granted[buyer->granted_count++] = id;
    return true;
}

static void *buy(void *context)
{
    struct buyer *buyer = context;
    for (;;) {
        const u32 shopper = atomic_fetch_add(&buyer->sale->next_shopper, 1);
        if (shopper >= buyer->sale->demand || !visit(buyer, shopper))
            break;
    }
    buyer->stats = souk_stats_of(buyer->client);
    return NULL;
}

/* ---- before and after ---- */

/* Creates the SKU and brings its sellable units to exactly `stock`. */
static int stock_up(struct cli *cli, const char *code, i64 stock)
{
    struct souk_sku_put_reply put_reply;
    struct souk_stock_get_reply levels;
    struct souk_stock_set_reply set_reply;
    const struct souk_resource resource = souk_sku(code);
    const struct souk_sku_put put = {
        .resource = resource, .currency = GBP, .code = souk_text_of(code)};
    int error = souk_sku_put(cli->client, &put, &put_reply);
    if (error == 0 && put_reply.status != SOUK_OK)
        return cli_refused(cli, code, put_reply.status, put_reply.retry_after_ms, NULL);
    if (error == 0)
        error =
            souk_stock_get(cli->client, &(struct souk_stock_get){.resource = resource}, &levels);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (levels.status != SOUK_OK)
        return cli_refused(cli, code, levels.status, levels.retry_after_ms, NULL);
    const struct souk_stock_set set = {.resource = resource,
                                       .expected = levels.on_hand,
                                       .value = stock + levels.on_hand - levels.sellable};
    error = souk_stock_set(cli->client, &set, &set_reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    return set_reply.status == SOUK_OK
               ? CLI_EXIT_DONE
               : cli_refused(cli, code, set_reply.status, set_reply.retry_after_ms, NULL);
}

static int compare_ids(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct souk_id128));
}

/* How many of the ids are distinct; and *allocated, how many the server says are allocations of
 * exactly one unit. `ids` is sorted. */
static int count_ids(struct cli *cli, struct souk_resource resource, struct souk_id128 *ids,
                     u32 count, u32 *distinct, u32 *allocated)
{
    struct souk_hold_get *gets = calloc(count + 1, sizeof *gets);
    struct souk_hold_get_reply *replies = calloc(count + 1, sizeof *replies);
    int error = 0;
    MUST(gets != NULL && replies != NULL);
    *distinct = *allocated = 0;
    qsort(ids, count, sizeof *ids, compare_ids);
    for (u32 i = 0; i < count; i++) {
        *distinct += i == 0 || compare_ids(&ids[i], &ids[i - 1]) != 0;
        gets[i] = (struct souk_hold_get){.resource = resource, .id = ids[i]};
    }
    if (count > 0)
        error = souk_hold_get_batch(cli->client, gets, count, replies, 0);
    for (u32 i = 0; i < count && error == 0; i++)
        *allocated += replies[i].status == SOUK_OK && replies[i].state == 2 &&
                      replies[i].allocated == 1 && replies[i].held == 0;
    free(gets);
    free(replies);
    return error == 0 ? CLI_EXIT_DONE : cli_no_answer(cli, cli->client, error);
}

struct result {
    u32 granted, distinct, allocated_ids;
    u64 ops, sold_out, all_held, replayed, cuts, connects;
    i64 allocated; /* on the server, of this sale */
    i64 sellable;
    double seconds;
};

/* Adds the buyers up; the exit code of the first that failed. */
static int add_up(struct cli *cli, struct buyer *buyers, u32 count, struct souk_id128 *ids,
                  struct result *result)
{
    int exit_code = CLI_EXIT_DONE;
    for (u32 i = 0; i < count; i++) {
        struct buyer *buyer = &buyers[i];
        memcpy(ids + result->granted, buyer->granted,
               buyer->granted_count * sizeof *buyer->granted);
        result->granted += buyer->granted_count;
        result->ops += buyer->ops;
        result->sold_out += buyer->sold_out;
        result->all_held += buyer->all_held;
        result->replayed += MAX((u64)buyer->replayed, buyer->stats.replies_replayed);
        result->cuts += buyer->stats.cuts;
        result->connects += buyer->stats.connects;
        if (exit_code != CLI_EXIT_DONE)
            continue;
        if (buyer->error != 0)
            exit_code = cli_no_answer(cli, buyer->client, buyer->error);
        else if (buyer->status != 0)
            exit_code = cli_refused(cli, "flash-sale", buyer->status, 0, NULL);
    }
    return exit_code;
}

static int open_buyers(struct sale *sale, struct buyer *buyers, u32 count)
{
    int exit_code = CLI_EXIT_DONE;
    for (u32 i = 0; i < count && exit_code == CLI_EXIT_DONE; i++) {
        const struct souk_options options = {.deadline_ms = 60000,
                                             .cut_per_million = sale->cut_per_million,
                                             .cut_seed = sale->cut_seed * 1000003 + i};
        buyers[i].sale = sale;
        buyers[i].index = i;
        buyers[i].granted = calloc(sale->demand + 1, sizeof *buyers[i].granted);
        MUST(buyers[i].granted != NULL);
        exit_code = cli_open(sale->cli, options, &buyers[i].client);
    }
    return exit_code;
}

static void run_buyers(struct buyer *buyers, u32 count, struct result *result)
{
    const u64 begin_ns = run_now_ns();
    u32 started = 0;
    for (; started < count; started++)
        if (pthread_create(&buyers[started].thread, NULL, buy, &buyers[started]) != 0)
            break;
    for (u32 i = 0; i < started; i++)
        (void)pthread_join(buyers[i].thread, NULL);
    MUST(started > 0);
    result->seconds = (double)MAX(run_now_ns() - begin_ns, 1u) / 1e9;
}

static int print_result(struct cli *cli, const char *code, i64 stock, const struct sale *sale,
                        u32 clients, const struct result *result)
{
    const i64 expected = MIN(stock, (i64)sale->demand);
    const bool is_exact = result->granted == expected && result->distinct == expected &&
                          result->allocated_ids == expected && result->allocated == expected &&
                          result->sellable == stock - expected;
    json_t *object = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b}",
        "code", code, "stock", (json_int_t)stock, "demand", (json_int_t)sale->demand, "clients",
        (json_int_t)clients, "granted", (json_int_t)result->granted, "distinct_ids",
        (json_int_t)result->distinct, "allocated", (json_int_t)result->allocated, "sellable",
        (json_int_t)result->sellable, "refused_sold_out", (json_int_t)result->sold_out,
        "told_all_held", (json_int_t)result->all_held, "ops", (json_int_t)result->ops, "ops_per_s",
        (json_int_t)((double)result->ops / result->seconds), "cuts", (json_int_t)result->cuts,
        "connects", (json_int_t)result->connects, "replayed", (json_int_t)result->replayed,
        "seconds", result->seconds, "exact", is_exact);
    MUST(object != NULL);
    (void)cli_print(cli, object);
    if (is_exact)
        return CLI_EXIT_DONE;
    (void)fprintf(stderr, "souk: flash-sale: %lld should have been granted, %u were\n",
                  (long long)expected, result->granted);
    return CLI_EXIT_REFUSED;
}

static int hold_sale(struct cli *cli, const char *code, i64 stock, struct sale *sale, u32 clients)
{
    struct buyer *buyers = calloc(clients, sizeof *buyers);
    struct souk_id128 *ids = calloc((size_t)sale->demand + 1, sizeof *ids);
    struct souk_stock_get_reply before, after;
    struct result result = {0};
    const struct souk_stock_get get = {.resource = sale->resource};
    MUST(buyers != NULL && ids != NULL);
    int exit_code = open_buyers(sale, buyers, clients);
    int error = exit_code == CLI_EXIT_DONE ? souk_stock_get(cli->client, &get, &before) : 0;
    if (exit_code == CLI_EXIT_DONE && error == 0) {
        run_buyers(buyers, clients, &result);
        exit_code = add_up(cli, buyers, clients, ids, &result);
        error = souk_stock_get(cli->client, &get, &after);
    }
    if (exit_code == CLI_EXIT_DONE && error == 0) {
        result.allocated = after.allocated - before.allocated;
        result.sellable = after.sellable;
        exit_code = count_ids(cli, sale->resource, ids, result.granted, &result.distinct,
                              &result.allocated_ids);
    }
    if (error != 0)
        exit_code = cli_no_answer(cli, cli->client, error);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = print_result(cli, code, stock, sale, clients, &result);
    for (u32 i = 0; i < clients; i++) {
        souk_close(buyers[i].client);
        free(buyers[i].granted);
    }
    free(buyers);
    free(ids);
    return exit_code;
}

int verb_flash_sale(struct cli *cli, const struct verb_args *args)
{
    i64 stock = 1000, clients = 64, demand = 0, cuts = 0, seed = 1;
    const char *code;
    if (!cli_code(cli, args, 0, &code) ||
        !cli_option_count(cli, args, "--stock", 0, 10000000, &stock) ||
        !cli_option_count(cli, args, "--clients", 1, CLIENTS_MAX, &clients) ||
        !cli_option_count(cli, args, "--demand", 1, 20000000, &demand) ||
        !cli_option_count(cli, args, "--cuts", 0, 90, &cuts) ||
        !cli_option_count(cli, args, "--seed", 0, INT64_MAX / 2000000, &seed))
        return CLI_EXIT_USAGE;
    if (demand == 0)
        demand = MAX(2 * stock, 1);
    struct sale sale = {.resource = souk_sku(code),
                        .demand = (u32)demand,
                        .cut_seed = (u64)seed,
                        .cut_per_million = (u32)cuts * 10000,
                        .cli = cli};
    int exit_code = cli_connect(cli);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = stock_up(cli, code, stock);
    return exit_code == CLI_EXIT_DONE ? hold_sale(cli, code, stock, &sale, (u32)clients)
                                      : exit_code;
}
