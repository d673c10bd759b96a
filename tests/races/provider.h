/* provider: a payment provider and its workers, as threads of a test, against a real server.
 *
 *      worker    polls for commands, executes them in the books (tests/town/books.h), tells what came of it
 *      webhook   tells it once more, without the lease, at the same time; if `twice` says so
 *
 * Every pause has a random length, so that what a test does meets each step now and then.
 *
 * Invariants
 *   P1  of the tellings of one deed at most one is answered as applied.
 *   P2  the books were asked for nothing that they refuse.
 * Ownership  the caller's client is used by all threads, and outlives the provider.
 * Failure    a call without an answer, and an event that is not recorded, end the program.
 * Not here   answers that are lost, or hours late: tests/town/bank.h has those, without threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_RACES_PROVIDER_H
#define SOUK_TESTS_RACES_PROVIDER_H

#include "client/lib/souk.h"
#include "tests/town/books.h"

struct provider_options {
    struct souk_client *client;
    u32 workers;      /* threads that poll; 0 = 2 */
    u32 deeds_max;    /* room in the books */
    u32 pause_us_max; /* before a deed, and before each telling; 0 = none */
    u32 decline;      /* of 100 authorisations */
    u32 fail;         /* of 100 captures, voids and refunds, the first time */
    bool is_twice;    /* webhooks tell everything too */
};

struct provider;

struct provider *provider_open(const struct provider_options *options);
/* After the commands in hand. */
void provider_close(struct provider *provider);
struct books_account provider_account(struct provider *provider, struct souk_id128 order,
                                      u16 tender);
/* Commands executed so far. */
u64 provider_deeds(struct provider *provider);

/* A number below `limit` from a generator of the caller's. */
u64 races_below(u64 *random, u64 limit);
/* Sleeps up to so long. */
void races_pause(u64 *random, u32 us_max);

#endif
