/* postgres_checkout: see the header. In order: sending, answers, turns, setup, the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/postgres_checkout.h"

#include "bench/peers/postgres_server.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LINES        3u
#define SHOPPER_BITS 12u /* of an order's number: who placed it */
#define SHOPPERS_MAX 256u
#define BATCH_MAX    "64"
#define STOCK_PLENTY 1000000000u
#define EVENTS_MAX   128
#define SILENCE_NS   (10 * NS_PER_S)
#define DRAIN_NS     (20 * NS_PER_S)
#define SEGMENTS     "16" /* of the log, 16 MB each, made ahead */
#define PRICE_BASE   199u
#define PRICE_SPREAD 4800u
#define TEXT_BYTES   64u

enum { STATE_AUTHORIZING = 1, STATE_PLACED = 2, STATE_PAID = 3 };

enum shopper_phase {
    PHASE_IDLE,
    PHASE_CHECKOUT, /* its statement is under way */
    PHASE_WAITING,  /* for a worker to get its command */
    PHASE_EVENT     /* its statement is under way */
};

struct shopper {
    PGconn *connection;
    enum shopper_phase phase;
    u64 order;
    u64 began_ns;
    i64 total;
    u32 step;         /* of a command that came before the answer that we wait for; 0: none */
    PGresult *answer; /* of a statement that is not over yet */
};

struct run {
    const struct load_options *options;
    struct load_result *result;
    struct shopper *shoppers;
    PGconn *worker;
    PGresult *polled;
    bool is_polling;
    int epoll;
    u32 waiting; /* shoppers in PHASE_WAITING */
    u32 busy;    /* shoppers that are not idle */
    bool is_draining;
    u64 now_ns;
    u64 orders; /* begun */
    u64 paid;   /* since the beginning, for the verification */
    u64 random;
};

static const char schema[] = {
#include <postgres_sql.inc> /* made from postgres.sql */
    0};

static int fail(struct run *run, int error, const char *reason, const PGconn *connection)
{
    struct load_result *result = run->result;
    if (result->reason[0] == 0)
        (void)snprintf(result->reason, LOAD_REASON_BYTES, "PostgreSQL: %s %.200s", reason,
                       connection == NULL ? "" : PQerrorMessage(connection));
    return error;
}

static u64 price_of(u64 sku)
{
    return PRICE_BASE + sku * 7919 % PRICE_SPREAD;
}

/* ---- sending: each statement is one round trip and one transaction */

static int send_statement(struct run *run, PGconn *connection, const char *name, int count,
                          const char *const *values)
{
    if (PQsendQueryPrepared(connection, name, count, values, NULL, NULL, 0) != 1)
        return fail(run, -EPIPE, name, connection);
    return 0;
}

/* Distinct SKUs, one to three of each. */
static int send_checkout(struct run *run, struct shopper *shopper, u32 index)
{
    u64 skus[LINES];
    char order[TEXT_BYTES], user[TEXT_BYTES], ids[TEXT_BYTES], counts[TEXT_BYTES],
        total[TEXT_BYTES];
    u32 quantities[LINES];
    u64 sum = 0;
    for (u32 i = 0; i < LINES;) {
        skus[i] = 1 + load_random(&run->random) % run->options->sku_count;
        quantities[i] = 1 + (u32)(load_random(&run->random) % 3);
        bool is_new = true;
        for (u32 j = 0; j < i; j++)
            is_new = is_new && skus[j] != skus[i];
        if (is_new)
            sum += price_of(skus[i]) * quantities[i], i++;
    }
    shopper->order = run->orders++ << SHOPPER_BITS | index;
    shopper->total = (i64)sum;
    shopper->began_ns = run->now_ns;
    shopper->phase = PHASE_CHECKOUT;
    shopper->step = 0;
    (void)snprintf(order, sizeof order, "%llu", (unsigned long long)shopper->order);
    (void)snprintf(user, sizeof user, "%llu", (unsigned long long)load_random(&run->random) >> 40);
    (void)snprintf(ids, sizeof ids, "{%llu,%llu,%llu}", (unsigned long long)skus[0],
                   (unsigned long long)skus[1], (unsigned long long)skus[2]);
    (void)snprintf(counts, sizeof counts, "{%u,%u,%u}", quantities[0], quantities[1],
                   quantities[2]);
    (void)snprintf(total, sizeof total, "%llu", (unsigned long long)sum);
    return send_statement(run, shopper->connection, "checkout", 5,
                          (const char *const[]){order, user, ids, counts, total});
}

static int send_event(struct run *run, struct shopper *shopper, u32 step)
{
    char order[TEXT_BYTES], which[TEXT_BYTES], amount[TEXT_BYTES], reference[2 * TEXT_BYTES];
    shopper->phase = PHASE_EVENT;
    shopper->step = 0;
    (void)snprintf(order, sizeof order, "%llu", (unsigned long long)shopper->order);
    (void)snprintf(which, sizeof which, "%u", step);
    (void)snprintf(amount, sizeof amount, "%lld", (long long)shopper->total);
    (void)snprintf(reference, sizeof reference, "psp-%s-%u", order, step);
    return send_statement(run, shopper->connection, "event", 4,
                          (const char *const[]){order, which, amount, reference});
}

static int send_poll(struct run *run)
{
    run->is_polling = true;
    return send_statement(run, run->worker, "poll", 1, (const char *const[]){BATCH_MAX});
}

/* ---- answers */

static int begin_or_rest(struct run *run, struct shopper *shopper)
{
    if (!run->is_draining)
        return send_checkout(run, shopper, (u32)(shopper - run->shoppers));
    shopper->phase = PHASE_IDLE;
    run->busy--;
    return 0;
}

static int finish(struct run *run, struct shopper *shopper, u16 status)
{
    struct load_result *result = run->result;
    result->ops++;
    result->frames++;
    result->statuses[status]++;
    result->granted += status == STATUS_OK;
    run->paid += status == STATUS_OK;
    bench_histogram_add(&result->latency, run->now_ns - shopper->began_ns);
    return begin_or_rest(run, shopper);
}

/* The order waits for a worker, unless one was faster than the answer of the shopper's statement. */
static int await_command(struct run *run, struct shopper *shopper)
{
    if (shopper->step != 0)
        return send_event(run, shopper, shopper->step);
    shopper->phase = PHASE_WAITING;
    run->waiting++;
    return 0;
}

static int on_shopper_result(struct run *run, struct shopper *shopper, PGresult *answer)
{
    const bool is_checkout = shopper->phase == PHASE_CHECKOUT;
    if (PQresultStatus(answer) != PGRES_TUPLES_OK) {
        const char *code = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
        if (is_checkout && code != NULL && strcmp(code, "SK001") == 0)
            return finish(run, shopper, STATUS_SOLD_OUT);
        return fail(run, -EPROTO, "statement", shopper->connection);
    }
    const long state = strtol(PQgetvalue(answer, 0, 0), NULL, 10);
    if (state == STATE_PAID && !is_checkout)
        return finish(run, shopper, STATUS_OK);
    if (state != (is_checkout ? STATE_AUTHORIZING : STATE_PLACED))
        return fail(run, -EPROTO, "an order is in a state that it should not be in", NULL);
    return await_command(run, shopper);
}

static int on_command(struct run *run, u64 order, u32 step)
{
    const u64 index = order & ((1u << SHOPPER_BITS) - 1);
    if (index >= run->options->connections || run->shoppers[index].order != order)
        return fail(run, -EPROTO, "a command of nobody's order", NULL);
    struct shopper *shopper = &run->shoppers[index];
    if (shopper->phase == PHASE_WAITING) {
        run->waiting--;
        return send_event(run, shopper, step);
    }
    shopper->step = step;
    return 0;
}

static int on_worker_result(struct run *run, PGresult *answer)
{
    if (PQresultStatus(answer) != PGRES_TUPLES_OK)
        return fail(run, -EPROTO, "poll", run->worker);
    int error = 0;
    const int rows = PQntuples(answer);
    for (int i = 0; i < rows && error == 0; i++)
        error = on_command(run, strtoull(PQgetvalue(answer, i, 0), NULL, 10),
                           (u32)strtoul(PQgetvalue(answer, i, 1), NULL, 10));
    run->is_polling = false;
    run->result->turns++;
    return error;
}

/* Takes an answer from a connection once its statement is over, which is when libpq gives NULL after
 * it: only then the connection takes the next one. NULL: not yet. */
static PGresult *take_answer(PGconn *connection, PGresult **kept)
{
    while (!PQisBusy(connection)) {
        PGresult *next = PQgetResult(connection);
        PGresult *answer = *kept;
        *kept = next;
        if (next == NULL)
            return answer;
        PQclear(answer);
    }
    return NULL;
}

static int on_readable(struct run *run, u32 index)
{
    const bool is_worker = index == run->options->connections;
    struct shopper *shopper = is_worker ? NULL : &run->shoppers[index];
    PGconn *connection = is_worker ? run->worker : shopper->connection;
    PGresult **kept = is_worker ? &run->polled : &shopper->answer;
    if (PQconsumeInput(connection) != 1)
        return fail(run, -EPIPE, "connection", connection);
    PGresult *answer = take_answer(connection, kept);
    if (answer == NULL)
        return 0;
    const int error =
        is_worker ? on_worker_result(run, answer) : on_shopper_result(run, shopper, answer);
    PQclear(answer);
    return error;
}

/* ---- turns */

static int turn_until(struct run *run, u64 until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    u64 heard_ns = run->now_ns = bench_now_ns();
    while (run->now_ns < until_ns && !(run->is_draining && run->busy == 0)) {
        int error = 0;
        if (!run->is_polling && run->waiting != 0)
            error = send_poll(run);
        const int count = epoll_wait(run->epoll, events, EVENTS_MAX, 100);
        run->now_ns = bench_now_ns();
        for (int i = 0; i < count && error == 0; i++)
            error = on_readable(run, events[i].data.u32);
        if (error != 0)
            return error;
        if (count > 0)
            heard_ns = run->now_ns;
        if (run->now_ns - heard_ns > SILENCE_NS)
            return fail(run, -ETIMEDOUT, "no answer for ten seconds", NULL);
    }
    return 0;
}

static int verify(struct run *run)
{
    char text[128];
    (void)snprintf(text, sizeof text, "SELECT verify(%llu)", (unsigned long long)run->paid);
    PGresult *answer = PQexec(run->worker, text);
    int error = 0;
    if (PQresultStatus(answer) != PGRES_TUPLES_OK)
        error = fail(run, -EPROTO, "verify", run->worker);
    else if (!PQgetisnull(answer, 0, 0))
        error = fail(run, -EPROTO, PQgetvalue(answer, 0, 0), NULL);
    PQclear(answer);
    return error;
}

/* After the measured time: what is under way is finished, uncounted, then everything is checked. */
static int drain(struct run *run)
{
    struct load_result *kept = run->result;
    struct load_result *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return fail(run, -ENOMEM, "memory", NULL);
    run->result = scratch;
    run->is_draining = true;
    int error = turn_until(run, run->now_ns + DRAIN_NS);
    if (error == 0 && run->busy != 0)
        error = fail(run, -ETIMEDOUT, "orders were not finished", NULL);
    if (error == 0)
        error = verify(run);
    if (error != 0)
        memcpy(kept->reason, scratch->reason, LOAD_REASON_BYTES);
    run->result = kept;
    free(scratch);
    return error;
}

static int measure(struct run *run)
{
    const struct load_options *options = run->options;
    int error = 0;
    run->now_ns = bench_now_ns();
    for (u32 i = 0; i < options->connections && error == 0; i++, run->busy++)
        error = send_checkout(run, &run->shoppers[i], i);
    if (error == 0)
        error = turn_until(run, run->now_ns + options->warmup_ns);
    if (error != 0)
        return error;
    const struct load_use from = load_use_read(options);
    load_use_clear(run->result);
    error = turn_until(run, from.wall_ns + options->seconds_ns);
    const struct load_use to = load_use_read(options);
    load_use_store(run->result, &from, &to);
    return error != 0 ? error : drain(run);
}

/* ---- setup */

static PGconn *connect_to(struct run *run, u32 index)
{
    const char *const names[] = {"host", "user", "dbname", "sslmode", "gssencmode", NULL};
    const char *const values[] = {
        run->options->address, POSTGRES_USER, POSTGRES_USER, "disable", "disable", NULL};
    PGconn *connection = PQconnectdbParams(names, values, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (PQstatus(connection) != CONNECTION_OK)
        (void)fail(run, -ECONNREFUSED, "connect", connection);
    else if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, PQsocket(connection), &event) != 0)
        (void)fail(run, -errno, "epoll", NULL);
    else
        return connection;
    PQfinish(connection);
    return NULL;
}

static int execute(struct run *run, const char *text)
{
    PGresult *answer = PQexec(run->worker, text);
    const ExecStatusType status = PQresultStatus(answer);
    PQclear(answer);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
               ? 0
               : fail(run, -EPROTO, "setup", run->worker);
}

static int prepare(struct run *run, PGconn *connection, const char *name, const char *text)
{
    PGresult *answer = PQprepare(connection, name, text, 0, NULL);
    const ExecStatusType status = PQresultStatus(answer);
    PQclear(answer);
    return status == PGRES_COMMAND_OK ? 0 : fail(run, -EPROTO, name, connection);
}

static int set_up(struct run *run)
{
    char skus[256];
    const u64 stock = run->options->stock != 0 ? run->options->stock : STOCK_PLENTY;
    (void)snprintf(
        skus, sizeof skus,
        "INSERT INTO sku SELECT i, %u + i * 7919 %% %u, %llu FROM generate_series(1::bigint, %u) i",
        PRICE_BASE, PRICE_SPREAD, (unsigned long long)stock, run->options->sku_count);
    int error = execute(run, schema);
    if (error == 0)
        error = execute(run, skus);
    if (error == 0)
        error = execute(run, "VACUUM ANALYZE sku");
    /* Segments that a checkpoint finds used up are kept for later: so they are not made, full of
     * zeros, while we measure. */
    if (error == 0)
        error = execute(run, "DO $$ BEGIN FOR i IN 1.." SEGMENTS " LOOP PERFORM "
                             "pg_logical_emit_message(false, '', ''), pg_switch_wal(); "
                             "END LOOP; END $$");
    if (error == 0)
        error = execute(run, "CHECKPOINT");
    if (error == 0)
        error = prepare(run, run->worker, "poll", "SELECT * FROM poll_commands($1)");
    return error;
}

static int open_shopper(struct run *run, u32 index)
{
    struct shopper *shopper = &run->shoppers[index];
    shopper->connection = connect_to(run, index);
    if (shopper->connection == NULL)
        return -ECONNREFUSED;
    int error =
        prepare(run, shopper->connection, "checkout", "SELECT checkout($1, $2, $3, $4, $5)");
    if (error == 0)
        error = prepare(run, shopper->connection, "event", "SELECT payment_event($1, $2, $3, $4)");
    return error;
}

/* ---- the run */

static int open_run(struct run *run)
{
    const struct load_options *options = run->options;
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    run->shoppers = calloc(options->connections, sizeof *run->shoppers);
    if (run->epoll < 0 || run->shoppers == NULL)
        return fail(run, -ENOMEM, "memory or epoll", NULL);
    run->worker = connect_to(run, options->connections);
    int error = run->worker == NULL ? -ECONNREFUSED : set_up(run);
    for (u32 i = 0; i < options->connections && error == 0; i++)
        error = open_shopper(run, i);
    return error;
}

static void close_run(struct run *run)
{
    for (u32 i = 0; run->shoppers != NULL && i < run->options->connections; i++) {
        PQclear(run->shoppers[i].answer);
        PQfinish(run->shoppers[i].connection);
    }
    PQclear(run->polled);
    PQfinish(run->worker);
    free(run->shoppers);
    if (run->epoll >= 0)
        (void)close(run->epoll);
}

int postgres_checkout_run(const struct load_options *asked, struct load_result *result)
{
    struct load_options options = *asked;
    options.is_family = true;
    struct run run = {
        .options = &options, .result = result, .random = options.seed | 1, .epoll = -1};
    memset(result, 0, sizeof *result);
    if (options.connections == 0 || options.connections > SHOPPERS_MAX || options.sku_count < LINES)
        return fail(&run, -EINVAL, "connections or skus out of range", NULL);
    int error = bench_pin(options.cpu);
    if (error == 0)
        error = open_run(&run);
    if (error == 0)
        error = measure(&run);
    close_run(&run);
    return error;
}
