/* peer: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/peer.h"

#include "bench/common/bench_options.h"
#include "bench/peers/flush.h"
#include "bench/peers/postgres_checkout.h"
#include "bench/peers/redis.h"
#include "bench/peers/redis_cart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE(c, f, r) .connections = c, .inflight = f, .records = r

static const struct peer peers[] = {
    {"evalsha", BENCH_SERVER_REDIS, "memory", &redis_protocol, NULL, SHAPE(50, 1, 64),
     .sku_count = 1, .text = "Redis: a script checks and decrements one key"},
    {"decrby", BENCH_SERVER_REDIS, "memory", &redis_protocol, NULL, SHAPE(50, 1, 64),
     .sku_count = 1, .text = "Redis: DECRBY of one key"},
    {"cart_add", BENCH_SERVER_REDIS, "memory", &redis_cart_protocol, NULL, SHAPE(64, 1, 16),
     .sku_count = 10000, .text = "Redis: HINCRBY of a line of a cart"},
    {"cart_get", BENCH_SERVER_REDIS, "memory", &redis_cart_protocol, NULL, SHAPE(64, 1, 16),
     .sku_count = 10000, .text = "Redis: HGETALL of a cart of five lines"},
    {"flush", BENCH_SERVER_NONE, "-", NULL, flush_run, SHAPE(1, 1, 1), .sku_count = 1,
     .text = "the disk: one 4 KiB write with synchronous data after the other"},
    {"checkout", BENCH_SERVER_POSTGRES, "durable", NULL, postgres_checkout_run, SHAPE(64, 1, 1),
     .sku_count = 10000, .text = "PostgreSQL: orders of three lines, placed to paid, durable"},
};

const struct peer *peer_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(peers); i++)
        if (strcmp(peers[i].name, name) == 0)
            return &peers[i];
    return NULL;
}

static int print_usage(FILE *to)
{
    (void)fprintf(to, "usage: souk-bench peer NAME [OPTIONS]   (each has --help)\n");
    for (size_t i = 0; i < ARRAY_COUNT(peers); i++)
        (void)fprintf(to, "  %-10s %s\n", peers[i].name, peers[i].text);
    return to == stdout ? 0 : 2;
}

/* 0 when every answer was what the peer is measured for; only a stock that is not plenty may refuse. */
static int report(const struct load_options *options, const struct load_result *result,
                  bool is_json)
{
    if (is_json) {
        json_t *json = load_json(options, result);
        (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        (void)printf("\n");
        json_decref(json);
    } else {
        load_print(options, result);
    }
    if (result->ops != 0 && (result->granted == result->ops || options->stock != 0))
        return 0;
    (void)fprintf(stderr, "souk-bench: answers that nobody expects\n");
    return 1;
}

/* Starts the server below `dir`, measures once, stops it. */
static int measure(const struct peer *peer, struct load_options *options, char *dir, bool is_json)
{
    struct bench_server server;
    const struct bench_server_options start = {
        .kind = peer->kind, .mode = peer->mode, .dir = dir, .cpu = 0, .is_unix = true};
    int error = bench_server_start(&server, &start);
    if (error != 0) {
        (void)fprintf(stderr, "souk-bench: %s: %s\n", peer->name,
                      error == -ENOENT ? "not installed (make bench-deps)" : strerror(-error));
        return 1;
    }
    struct load_result *result = calloc(1, sizeof *result);
    options->address = server.address;
    options->server_pid = server.pid;
    error = result == NULL ? -ENOMEM : load_run(options, result);
    bench_server_stop(&server);
    int code = 1;
    if (error == 0)
        code = report(options, result, is_json);
    else
        (void)fprintf(stderr, "souk-bench: %s\n",
                      result == NULL ? strerror(-error) : result->reason);
    free(result);
    return code;
}

int peer_main(int argc, char **argv)
{
    const struct peer *peer = argc > 1 ? peer_find(argv[1]) : NULL;
    if (peer == NULL)
        return print_usage(argc > 1 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
    struct load_options options = load_options_default();
    options.peer = peer->name;
    options.connections = peer->connections;
    options.inflight = peer->inflight;
    options.records = peer->records;
    options.sku_count = peer->sku_count;
    double seconds = 3, warmup = 1;
    bool is_json = false;
    const char *parent = getenv("TMPDIR");
    const struct bench_option table[] = {
        {"connections", BENCH_OPTION_U32, &options.connections, "or shoppers"},
        {"inflight", BENCH_OPTION_U32, &options.inflight, "frames per connection"},
        {"records", BENCH_OPTION_U32, &options.records, "commands per frame"},
        {"skus", BENCH_OPTION_U32, &options.sku_count, "or carts"},
        {"stock", BENCH_OPTION_U32, &options.stock, "checkout: of each SKU; 0 = plenty"},
        {"seconds", BENCH_OPTION_REAL, &seconds, "measured (3)"},
        {"warmup", BENCH_OPTION_REAL, &warmup, "seconds before that (1)"},
        {"seed", BENCH_OPTION_U64, &options.seed, "of everything drawn (1)"},
        {"dir", BENCH_OPTION_TEXT, &parent, "where the server keeps its data ($TMPDIR or /tmp)"},
        {"json", BENCH_OPTION_FLAG, &is_json, "the result as JSON"},
        {NULL, BENCH_OPTION_FLAG, NULL, NULL}};
    bench_options_parse(table, "souk-bench peer NAME: start a peer and measure it once.", argc - 1,
                        argv + 1);
    if (seconds <= 0 || warmup < 0)
        return print_usage(stderr);
    options.seconds_ns = (u64)(seconds * (double)NS_PER_S);
    options.warmup_ns = (u64)(warmup * (double)NS_PER_S);
    char dir[BENCH_PATH_BYTES];
    (void)snprintf(dir, sizeof dir, "%.400s/souk-peer-XXXXXX", parent == NULL ? "/tmp" : parent);
    if (mkdtemp(dir) == NULL) {
        (void)fprintf(stderr, "souk-bench: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    const int code = measure(peer, &options, dir, is_json);
    bench_remove_tree(dir);
    return code;
}
