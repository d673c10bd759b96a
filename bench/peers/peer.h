/* peer: what else the load generator can drive, by name, and `souk-bench peer NAME`.
 *
 * A peer is a protocol for the load generator's loop (load.h), or a load of its own; and the server
 * that it is for, with the shape that it is compared in. `souk-bench peer NAME` starts that server on
 * a fresh directory, measures once and prints; the cases of `souk-bench run` name a peer instead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_PEERS_PEER_H
#define SOUK_BENCH_PEERS_PEER_H

#include "bench/bench_server.h"
#include "bench/load.h"

struct peer {
    const char *name;
    enum bench_server_kind kind;
    const char *mode;
    /* One of these two. */
    const struct load_protocol *protocol;
    int (*run)(const struct load_options *options, struct load_result *result);
    u32 connections;
    u32 inflight;
    u32 records;
    u32 sku_count;
    const char *text;
};

/* NULL: there is none of that name. */
const struct peer *peer_find(const char *name);
int peer_main(int argc, char **argv);

#endif
