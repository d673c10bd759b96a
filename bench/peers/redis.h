/* redis: the RESP protocol for the load generator: what Redis and its kin are measured with.
 *
 * The same work as a take of one unit of one hot SKU, `records` commands at once (the pipeline):
 *
 *      evalsha   a script that subtracts when enough is there and says -1 when not
 *      decrby    DECRBY alone, which oversells: what Redis reaches when it does not check
 *
 * Commands are built ahead and never change. Replies are counted where they arrive; an integer below
 * zero counts as SOLD_OUT, an error as BAD_ARGUMENT.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_PEERS_REDIS_H
#define SOUK_BENCH_PEERS_REDIS_H

#include "bench/load.h"

extern const struct load_protocol redis_protocol;

#endif
