/* bank: a payment provider that nothing can be relied on: books by idempotency key, and answers that
 * are lost, late, doubled and out of order; its workers die, stall, and refuse.
 *
 *      command -> executed once per key (books.h), whatever comes again
 *              -> event: now, later, twice, as a webhook that does not know the command, or never
 *      query   -> the truth about a key
 *
 * Ownership  the bank owns its books; an event is given to the shard when it is due, and is gone then.
 * Failure    what the books refuse, and an event that is not recorded, is a panic.
 * Not here   what is ordered: shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_TOWN_BANK_H
#define SOUK_TESTS_TOWN_BANK_H

#include "tests/town/books.h"
#include "tests/town/town.h"

/* Of 100. */
struct bank_options {
    u32 decline;
    u32 action;  /* the shopper must do something first; most then do */
    u32 lost;    /* executed, and the answer never comes */
    u32 dropped; /* not executed, and no answer */
    u32 stall; /* an authorisation is executed up to two hours later, whatever became of it meanwhile */
    u32 hang; /* captures, voids, refunds likewise: an operator must not take them for done */
    u32 late; /* the answer comes up to two hours later */
    u32 duplicate;
    u32 webhook; /* told without lease and step, or with that of the authorisation */
    u32 fail;    /* captures, voids, refunds that fail for sure, once in a while */
    u32 nack;
    u32 puzzled;    /* the worker says that it does not know */
    u32 expire;     /* an authorisation ends before it is captured */
    u32 overcharge; /* a capture is charged twice */
    u32 charge_back;
    u32 outage; /* of 10,000 times that work is looked for: no worker works for up to two hours */
    u32 deeds_max; /* for how many deeds there is room; 0 = 10,000. Not a chance. */
};

struct bank;

struct bank *bank_open(const struct bank_options *options);
void bank_close(struct bank *bank);

/* Polls a shard and executes up to `count` commands. Returns how many there were. */
u32 bank_work(struct bank *bank, struct town *town, u16 shard, u32 count);
/* Delivers the events that are due. Returns how many. */
u32 bank_deliver(struct bank *bank, struct town *town);
/* When the next event is due; UINT64_MAX: there is none. */
u64 bank_next_ns(const struct bank *bank);
/* From now on everything works at once. */
void bank_calm(struct bank *bank);
struct books *bank_books(struct bank *bank);
u64 bank_event_count(const struct bank *bank);
/* Events whose effect was this (enum payment_effect). */
u64 bank_effect_count(const struct bank *bank, u16 effect);

#endif
