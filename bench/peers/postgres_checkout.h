/* postgres_checkout: orders through PostgreSQL, from checkout to paid, and how fast they go.
 *
 * One thread, a connection per shopper and one for a payment worker, libpq without blocking, epoll:
 *
 *      shopper   checkout(3 lines) ................ payment_event(1) ........... payment_event(2) PAID
 *      worker                  poll_commands -> row              poll_commands -> row
 *
 * Every call is a transaction of its own, durable when it is answered. The provider answers at
 * once: as soon as the worker has leased the command, the shopper's connection reports the result. A
 * shopper begins its next order when the last one is PAID; latency is from the start of checkout to the
 * answer PAID.
 *
 * The worker leases whatever is due, about twenty commands at a time: that is 1.3 times as fast for
 * PostgreSQL as every shopper leasing its own command. Results are reported on the shoppers'
 * connections, so that their commits share flushes. 64 connections are its best: 32 reach 0.94 of
 * that rate, 16 reach 0.68.
 *
 * Before the measurement the schema (postgres.sql) is created, `sku_count` SKUs are stocked, and log
 * segments are made ahead. After it, orders in flight are finished and the whole database is verified:
 * every order is PAID, nothing is oversold, no hold or command is left, every order was authorised and
 * captured once. A run that fails this has no figures.
 *
 * Where libpq was not there at build time, absent/postgres_absent.c is linked instead, which says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_PEERS_POSTGRES_CHECKOUT_H
#define SOUK_BENCH_PEERS_POSTGRES_CHECKOUT_H

#include "bench/load.h"

/* options: address (the directory of the socket), connections, sku_count, stock, seconds_ns,
 * warmup_ns, cpu, server_pid, seed. An op of the result is an order that was PAID, or refused
 * for want of stock (SOLD_OUT, not granted). 0, or -errno with result->reason. */
NODISCARD int postgres_checkout_run(const struct load_options *options, struct load_result *result);

#endif
