/* bench_cases: the tables. See the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_cases.h"

#define SOUK  BENCH_SERVER_SOUK
#define LOOP  BENCH_SERVER_LOOP
#define REDIS BENCH_SERVER_REDIS
#define TAKE  .op = LOAD_OP_TAKE
/* Longer than a write takes: the server does not sleep while it waits for the disk. */
#define CHECKOUT_SPIN_US 300
#define SHAPE(c, f, r)   .connections = c, .inflight = f, .records = r, .sku_count = 1

/* Reserves: a record is 64 bytes in the log, an entry header 48 and a batch at least 4 KiB; the
 * figures leave room for 8 million records a second; beyond that the server prepares segments as it
 * goes. A hold keeps about 170 bytes in memory. */
const struct bench_case bench_cases[] = {
    {"take64", "frames", SOUK, "durable", TAKE, SHAPE(8, 16, 64), .log_mb_per_s = 600,
     .text = "one hot SKU, frames of 64, 8 connections x 16, durable"},
    {"loop64", "frames", LOOP, "durable", TAKE, SHAPE(8, 16, 64),
     .text = "the bare durable loop, the same load"},
    {"hold64", "frames", SOUK, "durable", .op = LOAD_OP_HOLD, SHAPE(8, 16, 64), .log_mb_per_s = 600,
     .memory_mb_per_s = 600, .text = "holds with id, owner and lease, the same load"},
    {"evalsha64", "frames", REDIS, "memory", .peer = "evalsha", SHAPE(50, 1, 64),
     .text = "Redis EVALSHA check-and-decrement, -P 64, 50 connections, no persistence"},

    {"take1x16", "single-64x16", SOUK, "durable", TAKE, SHAPE(64, 16, 1), .log_mb_per_s = 500,
     .text = "one record per frame, 64 connections x 16, durable"},
    {"loop1x16", "single-64x16", LOOP, "durable", TAKE, SHAPE(64, 16, 1),
     .text = "the bare durable loop, the same load"},
    {"take1x1", "single-64x1", SOUK, "durable", TAKE, SHAPE(64, 1, 1), .log_mb_per_s = 150,
     .text = "one record per frame, 64 connections x 1, durable"},
    {"loop1x1", "single-64x1", LOOP, "durable", TAKE, SHAPE(64, 1, 1),
     .text = "the bare durable loop, the same load"},
    {"take_alone", "single-1x1", SOUK, "durable", TAKE, SHAPE(1, 1, 1), .log_mb_per_s = 150,
     .text = "one client, one record, one frame in flight, durable"},
    {"loop_alone", "single-1x1", LOOP, "durable", TAKE, SHAPE(1, 1, 1),
     .text = "the bare durable loop, the same load"},

    {"sold_out64", "no-log", SOUK, "durable", .op = LOAD_OP_SOLD_OUT, SHAPE(8, 16, 64),
     .log_mb_per_s = 150, .text = "takes of a SKU without stock, frames of 64, durable server"},
    {"take64_none", "no-log", SOUK, "none", TAKE, SHAPE(8, 16, 64),
     .text = "one hot SKU, frames of 64, server without a log"},
    {"spread64_none", "no-log", SOUK, "none", TAKE, .pattern = LOAD_PATTERN_UNIFORM,
     .connections = 8, .inflight = 16, .records = 64, .sku_count = 1000000,
     .text = "1,000,000 SKUs at random, frames of 64, server without a log"},
    {"loop64_nolog", "no-log", LOOP, "nolog", TAKE, SHAPE(8, 16, 64),
     .text = "the bare loop without its log, the same load"},

    {"spread64", "spread", SOUK, "durable", TAKE, .pattern = LOAD_PATTERN_UNIFORM, .connections = 8,
     .inflight = 16, .records = 64, .sku_count = 1000000, .log_mb_per_s = 600,
     .text = "1,000,000 SKUs at random, frames of 64, durable"},
    {"hot64", "spread", SOUK, "durable", TAKE, SHAPE(8, 16, 64), .log_mb_per_s = 600,
     .text = "one hot SKU, the same load"},

    {"steady1", "steady", SOUK, "durable", TAKE, SHAPE(64, 16, 1), .seconds = 10,
     .log_mb_per_s = 500, .counts_memory = true,
     .text = "one record per frame for ten seconds, with the hooked allocator"},
    {"steady64", "steady", SOUK, "durable", TAKE, SHAPE(8, 16, 64), .seconds = 10,
     .log_mb_per_s = 600, .counts_memory = true,
     .text = "frames of 64 for ten seconds, with the hooked allocator"},

    {"decrby64", "redis", REDIS, "memory", .peer = "decrby", SHAPE(50, 1, 64),
     .text = "Redis DECRBY (oversells), -P 64, 50 connections, no persistence"},
    {"decrby64_always", "redis", REDIS, "always", .peer = "decrby", SHAPE(50, 1, 64),
     .text = "Redis DECRBY, -P 64, 50 connections, appendfsync always"},
    {"evalsha64_always", "redis", REDIS, "always", .peer = "evalsha", SHAPE(50, 1, 64),
     .text = "Redis EVALSHA check-and-decrement, -P 64, 50 connections, appendfsync always"},

    {"checkout64", "checkout", SOUK, "durable", .op = LOAD_OP_CHECKOUT, .connections = 8,
     .inflight = 8, .records = 1, .sku_count = 10000, .log_mb_per_s = 300, .memory_mb_per_s = 150,
     .spin_us = CHECKOUT_SPIN_US, .is_unix = true,
     .text = "orders of three lines, placed to paid, 64 shoppers over 8 connections, durable"},
    {"checkout64_own", "checkout", SOUK, "durable", .op = LOAD_OP_CHECKOUT, .connections = 64,
     .inflight = 1, .records = 1, .sku_count = 10000, .log_mb_per_s = 300, .memory_mb_per_s = 150,
     .spin_us = CHECKOUT_SPIN_US, .is_unix = true,
     .text = "the same, a connection for each shopper"},
    {"checkout64_sleep", "checkout", SOUK, "durable", .op = LOAD_OP_CHECKOUT, .connections = 8,
     .inflight = 8, .records = 1, .sku_count = 10000, .log_mb_per_s = 300, .memory_mb_per_s = 150,
     .is_unix = true,
     .text = "64 shoppers over 8 connections, a server that sleeps as soon as it is idle"},
    {"pg_checkout64", "checkout", BENCH_SERVER_POSTGRES, "durable", .peer = "checkout",
     .connections = 64, .inflight = 1, .records = 1, .sku_count = 10000,
     .text = "the same steps by stored procedures of PostgreSQL 15, 64 shoppers, durable"},
    {"checkout_alone", "checkout", SOUK, "durable", .op = LOAD_OP_CHECKOUT, .connections = 1,
     .inflight = 1, .records = 1, .sku_count = 10000, .log_mb_per_s = 50,
     .spin_us = CHECKOUT_SPIN_US, .is_unix = true,
     .text = "orders of three lines, placed to paid, one shopper, durable"},
    {"flush", "checkout", BENCH_SERVER_NONE, "-", .peer = "flush", .connections = 1, .inflight = 1,
     .records = 1, .text = "bare 4 KiB writes with synchronous data, one after the other"},

    {"cart_add16", "cart", SOUK, "durable", .op = LOAD_OP_CART_ADD, .pattern = LOAD_PATTERN_UNIFORM,
     .connections = 8, .inflight = 8, .records = 16, .sku_count = 10000, .log_mb_per_s = 300,
     .text = "units into 10,000 carts of five lines, frames of 16, 8 connections x 8, durable"},
    {"redis_cart_add16", "cart", REDIS, "memory", .peer = "cart_add", .connections = 8,
     .inflight = 8, .records = 16, .sku_count = 10000,
     .text = "Redis HINCRBY of a line of a cart, -P 16, 8 connections x 8, no persistence"},
    {"cart_get16", "cart", SOUK, "durable", .op = LOAD_OP_CART_GET, .pattern = LOAD_PATTERN_UNIFORM,
     .connections = 8, .inflight = 16, .records = 8, .sku_count = 10000,
     .text = "carts of five lines read, frames of 8 (the most that fits), 8 connections x 16"},
    {"redis_cart_get16", "cart", REDIS, "memory", .peer = "cart_get", .connections = 8,
     .inflight = 8, .records = 16, .sku_count = 10000,
     .text = "Redis HGETALL of a cart of five lines, -P 16, 8 connections x 8"},
    {.name = NULL}};

/* Steps of an order that wait for the disk, one after the other, on one shard: checkout, poll,
 * authorized, poll, captured. */
#define CHECKOUT_STEPS 5

const struct bench_gate bench_gates[] = {
    {"take64", "loop64", BENCH_METRIC_OPS_PER_S, false, 1.0 / 3,
     "hot-SKU take, frames of 64, of the bare durable loop"},
    {"take64", "evalsha64", BENCH_METRIC_OPS_PER_S, false, 25,
     "hot-SKU take, durable, times Redis EVALSHA without persistence"},
    {"take1x16", "loop1x16", BENCH_METRIC_OPS_PER_S, false, 0.6,
     "one record per frame, 64 connections x 16, of the bare durable loop"},
    {"take1x1", "loop1x1", BENCH_METRIC_OPS_PER_S, false, 0.8,
     "one record per frame, 64 connections x 1, of the bare durable loop"},
    {"take_alone", "loop_alone", BENCH_METRIC_OPS_PER_S, false, 0.85,
     "one client with one frame in flight, of the bare durable loop"},
    {"hold64", "take64", BENCH_METRIC_OPS_PER_S, false, 0.5, "hold, of a take"},
    {"sold_out64", "take64_none", BENCH_METRIC_OPS_PER_S, false, 1,
     "sold-out refusal, of a take without the log"},
    {"spread64_none", "take64_none", BENCH_METRIC_CPU_NS_PER_OP, true, 3,
     "processor time per op, 1,000,000 SKUs at random, times that of one hot SKU (no log)"},
    {"spread64", "hot64", BENCH_METRIC_CPU_NS_PER_OP, true, 3,
     "processor time per op, 1,000,000 SKUs at random, times that of one hot SKU (durable)"},
    {"steady1", NULL, BENCH_METRIC_ALLOCS_PER_OP, true, 1e-6, "allocations per op, frames of 1"},
    {"steady1", NULL, BENCH_METRIC_FAULTS_PER_OP, true, 1e-6, "page faults per op, frames of 1"},
    {"steady64", NULL, BENCH_METRIC_ALLOCS_PER_OP, true, 1e-6, "allocations per op, frames of 64"},
    {"steady64", NULL, BENCH_METRIC_FAULTS_PER_OP, true, 1e-6, "page faults per op, frames of 64"},
    {"checkout64", "pg_checkout64", BENCH_METRIC_OPS_PER_S, false, 20,
     "orders placed to paid, 64 shoppers, times PostgreSQL's stored procedures"},
    {"checkout64_own", "pg_checkout64", BENCH_METRIC_OPS_PER_S, false, 20,
     "the same, a connection for each shopper"},
    {"checkout_alone", "flush", BENCH_METRIC_P50_US, true, 1.5 * CHECKOUT_STEPS,
     "p50 of an order, one shopper, times a bare flush (1.5 x 5 durable steps)"},
    {"checkout64", "flush", BENCH_METRIC_P50_US, true, 3.0 * CHECKOUT_STEPS,
     "p50 of an order, 64 shoppers, times a bare flush (3 x 5 durable steps)"},
    {"redis_cart_add16", "cart_add16", BENCH_METRIC_CPU_NS_PER_OP, false, 2,
     "adds to carts per server CPU-second, times Redis HINCRBY"},
    {"redis_cart_get16", "cart_get16", BENCH_METRIC_CPU_NS_PER_OP, false, 2,
     "reads of carts per server CPU-second, times Redis HGETALL"},
    {.over = NULL}};
