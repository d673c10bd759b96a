/* load_checkout: orders of three lines, placed to paid, with a provider that answers at once.
 *
 *      shopper   checkout -> (command) -> event authorized -> (command) -> event captured -> PAID
 *      worker    one per shard: polls commands in frames of POLLS, as long as somebody waits
 *
 * One thread. Each shopper has a connection, a session and one order at a time; the results of its
 * commands are reported on its own connection, as the PostgreSQL peer does (peers/postgres_checkout),
 * so that both do the same steps with as many clients.
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
