/* load_options: the command line of `souk-bench load`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_options.h"
#include "bench/load.h"
#include "bench/peers/peer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *load_op_name(enum load_op op)
{
    switch (op) {
    case LOAD_OP_TAKE: return "take";
    case LOAD_OP_HOLD: return "hold";
    case LOAD_OP_TAKE_NAMED: return "take_named";
    case LOAD_OP_STOCK_GET: return "stock_get";
    case LOAD_OP_SOLD_OUT: return "sold_out";
    case LOAD_OP_RECEIVE: return "receive";
    case LOAD_OP_CART_ADD: return "cart-add";
    case LOAD_OP_CART_GET: return "cart-get";
    case LOAD_OP_CHECKOUT: return "checkout";
    case LOAD_OP_COUNT: break;
    }
    return "?";
}

const char *load_pattern_name(enum load_pattern pattern)
{
    switch (pattern) {
    case LOAD_PATTERN_HOT: return "hot";
    case LOAD_PATTERN_UNIFORM: return "uniform";
    case LOAD_PATTERN_ZIPF: return "zipf";
    case LOAD_PATTERN_COUNT: break;
    }
    return "?";
}

struct load_options load_options_default(void)
{
    return (struct load_options){.address = "127.0.0.1:7685",
                                 .connections = 8,
                                 .inflight = 16,
                                 .records = 64,
                                 .op = LOAD_OP_TAKE,
                                 .pattern = LOAD_PATTERN_HOT,
                                 .theta = 0.99,
                                 .sku_count = 1,
                                 .seconds_ns = 3 * NS_PER_S,
                                 .warmup_ns = NS_PER_S,
                                 .cpu = 1,
                                 .seed = 1};
}

static bool find_op(const char *name, enum load_op *op)
{
    for (u32 i = 0; i < LOAD_OP_COUNT; i++)
        if (strcmp(load_op_name((enum load_op)i), name) == 0) {
            *op = (enum load_op)i;
            return true;
        }
    return false;
}

static bool find_pattern(const char *name, enum load_pattern *pattern)
{
    for (u32 i = 0; i < LOAD_PATTERN_COUNT; i++)
        if (strcmp(load_pattern_name((enum load_pattern)i), name) == 0) {
            *pattern = (enum load_pattern)i;
            return true;
        }
    return false;
}

static int run_and_print(const struct load_options *options, bool is_json)
{
    struct load_result *result = calloc(1, sizeof *result);
    if (result == NULL)
        return 1;
    const int error = load_run(options, result);
    if (error != 0) {
        (void)fprintf(stderr, "souk-bench: %s\n", result->reason);
    } else if (is_json) {
        json_t *json = load_json(options, result);
        (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        (void)printf("\n");
        json_decref(json);
    } else {
        load_print(options, result);
    }
    free(result);
    return error == 0 ? 0 : 1;
}

int load_main(int argc, char **argv)
{
    struct load_options options = load_options_default();
    const char *op = "take", *pattern = "hot";
    double seconds = 3, warmup = 1;
    bool is_json = false;
    const struct bench_option table[] = {
        {"server", BENCH_OPTION_TEXT, &options.address, "HOST:PORT or path (127.0.0.1:7685)"},
        {"connections", BENCH_OPTION_U32, &options.connections, "8"},
        {"inflight", BENCH_OPTION_U32, &options.inflight, "frames per connection (16)"},
        {"records", BENCH_OPTION_U32, &options.records, "per frame (64)"},
        {"op", BENCH_OPTION_TEXT, &op,
         "take|hold|take_named|stock_get|sold_out|receive|cart-add|cart-get|checkout"},
        {"pattern", BENCH_OPTION_TEXT, &pattern, "hot|uniform|zipf"},
        {"theta", BENCH_OPTION_REAL, &options.theta, "of zipf (0.99)"},
        {"skus", BENCH_OPTION_U32, &options.sku_count, "created by the setup (1)"},
        {"lease", BENCH_OPTION_U64, &options.lease_ms, "ms, of holds; 0 = the SKU's default"},
        {"seconds", BENCH_OPTION_REAL, &seconds, "measured (3)"},
        {"warmup", BENCH_OPTION_REAL, &warmup, "seconds before that (1)"},
        {"rate", BENCH_OPTION_REAL, &options.rate, "open loop: frames/s, Poisson; 0 = closed"},
        {"cpu", BENCH_OPTION_I32, &options.cpu, "pin to this processor (1); -1 = do not"},
        {"pid", BENCH_OPTION_I32, &options.server_pid, "of the server, for its processor time"},
        {"seed", BENCH_OPTION_U64, &options.seed, "of everything drawn (1)"},
        {"no-setup", BENCH_OPTION_FLAG, &options.skip_setup, "the SKUs are there already"},
        {"no-verify", BENCH_OPTION_FLAG, &options.skip_verify, "do not check reply checksums"},
        {"peer", BENCH_OPTION_TEXT, &options.peer,
         "evalsha|decrby|cart_add|cart_get: a Redis; checkout: a PostgreSQL"},
        {"json", BENCH_OPTION_FLAG, &is_json, "the result as JSON"},
        {NULL, BENCH_OPTION_FLAG, NULL, NULL}};
    bench_options_parse(table, "souk-bench load: drive a running server and measure it.", argc,
                        argv);
    options.seconds_ns = (u64)(seconds * (double)NS_PER_S);
    options.warmup_ns = (u64)(warmup * (double)NS_PER_S);
    if (!find_op(op, &options.op) || !find_pattern(pattern, &options.pattern) || seconds <= 0 ||
        warmup < 0 || options.rate < 0 ||
        (options.peer != NULL && peer_find(options.peer) == NULL)) {
        (void)fprintf(stderr, "souk-bench load: a value is not known (see --help)\n");
        return 2;
    }
    return run_and_print(&options, is_json);
}
