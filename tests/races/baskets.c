/* baskets: a hundred thousand baskets that want the same fifty things, from many clients at once.
 *
 *      baskets [--orders N] [--clients N] [--skus N] [--shards N] [--reactors N] [--seed N]
 *
 * First baskets of 2 to 10 lines, shuffled, over all shards; together they want three times what there
 * is. Then baskets of one line buy the rest, one unit at a time, with more buyers than units.
 *
 * Shown: none waits for ever (a watchdog), none keeps what it could not use, all or nothing, and in the
 * end every unit is sold, none twice, nothing is held. Prints one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/saga.h"
#include "tests/races/market.h"

#define CLIENTS_MAX  256u
#define FIRST_USER   1000u
#define QUANTITY     3u /* at most, per line */
#define WATCHDOG_S   60u
#define UNITS_MEAN   12 /* of a basket: 6 lines of 2 on average */
#define EXTRA_BUYERS 8u
#define CHUNK_UNITS  500

struct wishes {
    u32 orders, clients, skus, shards, reactors;
    u64 seed;
};

struct run {
    struct market market;
    struct wishes wishes;
    pthread_mutex_t lock;
    u32 next;     /* basket, or unit of the rest */
    u32 finished; /* baskets that have ended */
    u32 sku;      /* that is being sold off */
    u32 buyers;   /* of it */
    i64 left;     /* units of it when that began */
    u32 bought;
    u64 begin_ns, rest_ns, end_ns;
    pthread_t watchdog;
    bool is_over;
};

static u64 clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* The next number, or `limit` when there is none. */
static u32 take_number(struct run *run, u32 limit)
{
    (void)pthread_mutex_lock(&run->lock);
    const u32 number = run->next < limit ? run->next++ : limit;
    (void)pthread_mutex_unlock(&run->lock);
    return number;
}

static void note_end(struct run *run, bool is_bought)
{
    (void)pthread_mutex_lock(&run->lock);
    run->finished++;
    run->bought += is_bought ? 1 : 0;
    (void)pthread_mutex_unlock(&run->lock);
}

/* ---- baskets --------------------------------------------------------------------------------- */

/* Different SKUs in a random order. */
static void fill(struct run *run, struct market_wish *wish, u64 *random)
{
    u32 skus[CLIENTS_MAX];
    const u32 count = run->wishes.skus;
    for (u32 i = 0; i < count; i++)
        skus[i] = i;
    wish->line_count = 2 + (u32)races_below(random, MARKET_LINES_MAX - 1);
    for (u32 i = 0; i < wish->line_count; i++) {
        const u32 other = i + (u32)races_below(random, count - i);
        const u32 sku = skus[other];
        skus[other] = skus[i];
        skus[i] = sku;
        wish->lines[i] =
            (struct market_line){.sku = sku, .quantity = 1 + (i64)races_below(random, QUANTITY)};
    }
}

static void buy_baskets(struct market_member *member)
{
    struct run *run = member->context;
    for (;;) { /* ends: baskets are fewer each time */
        const u32 number = take_number(run, run->wishes.orders);
        if (number == run->wishes.orders)
            return;
        struct market_wish wish = {.order = souk_order_new(FIRST_USER + number)};
        fill(run, &wish, &member->random);
        const struct souk_checkout_reply reply = market_checkout(&run->market, &wish);
        market_must(reply.status == SOUK_OK, souk_status_name(reply.status), wish.order);
        const struct souk_checkout_status_reply end = market_await(&run->market, wish.order);
        market_must(end.state == SAGA_STATE_PAID ||
                        (end.state == SAGA_STATE_CANCELLED && end.reason == SOUK_OUT_OF_STOCK),
                    "neither paid nor out of stock", wish.order);
        note_end(run, end.state == SAGA_STATE_PAID);
    }
}

static void buy_rest(struct market_member *member)
{
    struct run *run = member->context;
    for (;;) { /* ends: likewise */
        const u32 number = take_number(run, run->buyers);
        if (number == run->buyers)
            return;
        struct market_wish wish = {.order = souk_order_new(FIRST_USER + number), .line_count = 1};
        wish.lines[0] = (struct market_line){.sku = run->sku, .quantity = 1};
        const struct souk_checkout_reply reply = market_checkout(&run->market, &wish);
        market_must(reply.status == SOUK_OK, souk_status_name(reply.status), wish.order);
        const struct souk_checkout_status_reply end = market_await(&run->market, wish.order);
        note_end(run, end.state == SAGA_STATE_PAID);
    }
}

/* Most of what is left in one piece, the last units one by one. */
static u32 sell_off(struct run *run, u32 sku)
{
    struct market *market = &run->market;
    const u32 clients = MIN(run->wishes.clients, 16);
    i64 left = market_get(market, market_sku(sku)).sellable;
    u32 sold = 0;
    if (left > CHUNK_UNITS) {
        struct market_wish wish = {.order = souk_order_new(FIRST_USER), .line_count = 1};
        wish.lines[0] = (struct market_line){.sku = sku, .quantity = left - CHUNK_UNITS};
        (void)market_checkout(market, &wish);
        market_must(market_await(market, wish.order).state == SAGA_STATE_PAID,
                    "what is there is not sold", wish.order);
        left = CHUNK_UNITS;
        sold++;
    }
    run->sku = sku;
    run->next = run->bought = 0;
    run->buyers = (u32)left + EXTRA_BUYERS;
    market_crowd(clients, run->wishes.seed + sku, buy_rest, run);
    if (run->bought != (u32)left) {
        (void)fprintf(stderr, "SKU %u: %lld units were left, %u were sold\n", sku, (long long)left,
                      run->bought);
        PANIC("the rest is not sold exactly");
    }
    return sold + run->bought;
}

/* ---- the watchdog ---------------------------------------------------------------------------- */

static void tell_stuck(struct run *run)
{
    for (u16 shard = 0; shard < run->wishes.shards; shard++) {
        const struct souk_stuck_list ask = {0};
        struct souk_stuck_list_reply reply;
        struct souk_row_stuck row;
        if (souk_stuck_list(run->market.client, shard, &ask, &reply) != 0)
            continue;
        for (u32 i = 0; souk_row_at(reply.orders, sizeof row, i, &row) && i < 5; i++)
            (void)fprintf(stderr, "shard %u waits: %s\n", shard, souk_state_name(row.state));
        souk_free(reply.memory);
    }
}

static void *watch(void *argument)
{
    struct run *run = argument;
    u32 seen = 0, quiet_s = 0;
    for (;;) { /* ends: with the run */
        served_nap(1000);
        (void)pthread_mutex_lock(&run->lock);
        const u32 finished = run->finished;
        const bool is_over = run->is_over;
        (void)pthread_mutex_unlock(&run->lock);
        if (is_over)
            return NULL;
        quiet_s = finished == seen ? quiet_s + 1 : 0;
        seen = finished;
        if (quiet_s < WATCHDOG_S)
            continue;
        (void)fprintf(stderr, "no basket has ended for %u s, after %u\n", quiet_s, finished);
        tell_stuck(run);
        PANIC("baskets wait for each other");
    }
}

/* ---- the run --------------------------------------------------------------------------------- */

static void check_sold_out(struct run *run)
{
    for (u32 i = 0; i < run->wishes.skus; i++) {
        const struct souk_sku_get_reply sku = market_get(&run->market, market_sku(i));
        if (sku.held == 0 && sku.sellable == 0 && sku.granted - sku.cancelled == sku.received)
            continue;
        (void)fprintf(stderr, "SKU %u: received %lld, granted %lld, cancelled %lld, held %lld\n", i,
                      (long long)sku.received, (long long)sku.granted, (long long)sku.cancelled,
                      (long long)sku.held);
        PANIC("sold is not what there was");
    }
}

static void print(const struct run *run, const struct market_sums *sums, u32 baskets_paid,
                  u32 rest_paid)
{
    const double seconds = (double)(run->rest_ns - run->begin_ns) / 1e9;
    (void)printf(
        "baskets: seed %llu: %u baskets of 2 to 10 lines from %u clients in %.1f s (%.0f/s): "
        "%u paid, %u out of stock; the rest in %u orders of one line, %.1f s; "
        "%llu units of %u SKUs sold, none held\n",
        (unsigned long long)run->wishes.seed, run->wishes.orders, run->wishes.clients, seconds,
        run->wishes.orders / seconds, baskets_paid, run->wishes.orders - baskets_paid, rest_paid,
        (double)(run->end_ns - run->rest_ns) / 1e9, (unsigned long long)sums->units,
        run->wishes.skus);
}

static bool parse(int count, char **arguments, struct wishes *wishes)
{
    for (int i = 1; i + 1 < count; i += 2) {
        const u64 value = strtoull(arguments[i + 1], NULL, 10);
        if (strcmp(arguments[i], "--orders") == 0)
            wishes->orders = (u32)value;
        else if (strcmp(arguments[i], "--clients") == 0)
            wishes->clients = (u32)value;
        else if (strcmp(arguments[i], "--skus") == 0)
            wishes->skus = (u32)value;
        else if (strcmp(arguments[i], "--shards") == 0)
            wishes->shards = (u32)value;
        else if (strcmp(arguments[i], "--reactors") == 0)
            wishes->reactors = (u32)value;
        else if (strcmp(arguments[i], "--seed") == 0)
            wishes->seed = value;
        else
            return false;
    }
    return count % 2 == 1 && wishes->orders >= 10 && wishes->clients >= 1 &&
           wishes->clients <= CLIENTS_MAX && wishes->skus >= MARKET_LINES_MAX &&
           wishes->skus <= CLIENTS_MAX;
}

int main(int count, char **arguments)
{
    static struct run run;
    run.wishes = (struct wishes){
        .orders = 5000, .clients = 64, .skus = 50, .shards = 3, .reactors = 2, .seed = 1};
    if (!parse(count, arguments, &run.wishes)) {
        (void)fprintf(stderr, "usage: baskets [--orders N] [--clients N] [--skus N] [--shards N] "
                              "[--reactors N] [--seed N]\n");
        return 2;
    }
    const struct wishes *wishes = &run.wishes;
    const i64 stock = (i64)wishes->orders * UNITS_MEAN / 3 / wishes->skus;
    const struct market_options options = {
        .shards = wishes->shards,
        .reactors = wishes->reactors,
        .skus = wishes->skus,
        .stock = MAX(stock, 1),
        .provider = {.workers = 3, .deeds_max = 4 * wishes->orders}};
    market_open(&run.market, &options);
    (void)pthread_mutex_init(&run.lock, NULL);
    const int error = pthread_create(&run.watchdog, NULL, watch, &run);
    MUST(error == 0);
    run.begin_ns = clock_ns();
    market_crowd(wishes->clients, wishes->seed, buy_baskets, &run);
    const u32 baskets_paid = run.bought;
    u32 rest_paid = 0;
    run.rest_ns = clock_ns();
    market_settle(&run.market);
    for (u32 i = 0; i < wishes->skus; i++)
        rest_paid += sell_off(&run, i);
    market_settle(&run.market);
    run.end_ns = clock_ns();
    const struct market_sums sums = market_audit(&run.market);
    check_sold_out(&run);
    MUST(sums.placed == baskets_paid + rest_paid);
    (void)pthread_mutex_lock(&run.lock);
    run.is_over = true;
    (void)pthread_mutex_unlock(&run.lock);
    (void)pthread_join(run.watchdog, NULL);
    market_close(&run.market);
    print(&run, &sums, baskets_paid, rest_paid);
    return 0;
}
