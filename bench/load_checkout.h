/* load_checkout: orders of three lines, placed to paid, with a provider that answers at once.
 *
 *      shopper   checkout -> (command) -> event authorized -> (command) -> event captured -> PAID
 *      worker    one per shard: polls commands in frames of up to POLLS
 *
 * One thread. --connections, each with --inflight shoppers, as the threads of a service share the
 * connections of libsouk (load_link.h). Each shopper has a session and one order at a time, and
 * reports the results of its commands itself, as the PostgreSQL peer does (peers/postgres_checkout),
 * so that both do the same steps with as many clients. A worker per shard has its own connection and
 * asks as long as an order may have a command for it.
 *
 * Latency is from sending the checkout to the answer that says PAID. After the measured time what is
 * under way is finished, and every shard is verified: its sums agree and nothing is held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_LOAD_CHECKOUT_H
#define SOUK_BENCH_LOAD_CHECKOUT_H

#include "bench/load.h"

NODISCARD int load_checkout_run(const struct load_options *options, struct load_result *result);

#endif
