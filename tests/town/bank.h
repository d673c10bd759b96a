/* bank: a payment provider that nothing can be relied on: a ledger by idempotency key, and answers that
 * are lost, late, doubled and out of order.
 *
 *      command -> executed once per key (order, step, attempt), whatever comes again
 *              -> event: now, later, twice, as a webhook without the step, or never
 *      query   -> the truth about a key
 *
 * The bank keeps its own books, which nobody else writes: after a run they are held against those of
 * the orders. It refuses what a bank refuses: captures beyond the authorisation, refunds beyond what
 * was captured, anything after a void.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_TOWN_BANK_H
#define SOUK_TESTS_TOWN_BANK_H

#include "tests/town/town.h"

/* Of 100. */
struct bank_options {
    u32 decline;
    u32 action;  /* the shopper must do something first; most then do */
    u32 lost;    /* executed, and the answer never comes */
    u32 dropped; /* not executed, and no answer */
    u32 late;    /* the answer comes up to two hours later */
    u32 duplicate;
    u32 webhook; /* told without step and lease */
    u32 fail;    /* captures, voids, refunds that fail for sure, once in a while */
    u32 nack;
};

struct bank;

/* What the bank knows of one tender of an order. */
struct bank_account {
    i64 authorized;
    i64 captured;
    i64 refunded;
    bool is_voided;
    u32 captures; /* executed */
};

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
/* The books of a tender; all zero where there is nothing. */
struct bank_account bank_account(const struct bank *bank, struct id128 order, u16 tender);
u64 bank_event_count(const struct bank *bank);
u64 bank_effect_count(const struct bank *bank, u16 effect);

#endif
