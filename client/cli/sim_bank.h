/* sim_bank: the books of a payment provider that exists only here: what was executed under which key.
 *
 *      command -> key known? the same result again : execute on the account, write it down
 *
 * An authorisation that was made before these books were opened (the engine knows its reference, they do
 * not) is adopted: what is asked about it is done, and not judged.
 *
 *      deed      one key (order, step, attempt): what was asked, what came of it
 *      account   one tender of an order: authorised, captured, refunded
 *
 * It is honest: it does what it is asked, once per key, and says afterwards what it did. Being late, lost
 * or silent is the worker's part (sim_worker.h). And it keeps watch over the engine: what should never
 * have been asked for is refused, as a real provider would, and counted.
 *
 * Invariants
 *   B1  a key is executed at most once; its result changes only from "the shopper must act" to what the
 *       shopper did.
 *   B2  per account that is not adopted: refunded <= captured <= authorised.
 * Ownership  one thread at a time.
 * Failure    no memory is a panic.
 * Not here   time, chance, the server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_SIM_BANK_H
#define SOUK_CLIENT_CLI_SIM_BANK_H

#include "client/lib/souk.h"
#include "proto/base.h"

/* How the bank feels about a command that it has not seen before. */
enum sim_mood { SIM_MOOD_WILLING, SIM_MOOD_DECLINES, SIM_MOOD_ASKS, SIM_MOOD_FAILS };

struct sim_deed {
    struct souk_id128 order;
    i64 amount;
    u32 step;
    u32 attempt;
    u32 subject; /* void, capture, refund: step of the authorisation */
    u16 kind;    /* enum souk_command_kind; 0 = a free slot */
    u16 tender;
    u16 currency;
    u16 result; /* enum souk_event */
    u32 asked;  /* times that it was asked for */
};

struct sim_account {
    struct souk_id128 order;
    i64 authorized;
    i64 captured;
    i64 refunded;
    u32 captures;
    u16 tender;
    bool is_used;
    bool is_asking; /* the shopper must act, and has not */
    bool is_voided;
    bool is_adopted;
};

struct sim_totals {
    u64 deeds, asked_again, adopted;
    u64 authorized, declined, actions, captures, voids, refunds, failures;
    i64 authorized_amount, captured_amount, refunded_amount;
    /* What must stay 0. */
    u64 charged_twice;     /* a step captured under two keys */
    u64 beyond_authorized; /* a capture of more than is authorised, or of nothing */
    u64 beyond_captured;   /* a refund of more than was captured */
    u64 after_void;        /* a capture of what was voided */
    u64 changed_keys;      /* another command under a known key */
};

struct sim_bank;

struct sim_bank *sim_bank_open(void);
void sim_bank_close(struct sim_bank *bank);

/* Executes, or finds what was executed before. The result is borrowed until the next call. */
const struct sim_deed *sim_bank_execute(struct sim_bank *bank,
                                        const struct souk_command_poll_reply *command,
                                        enum sim_mood mood);
/* What a QUERY about a key under which nothing was executed hears (enum souk_event): NO_SUCH_PAYMENT, except
 * about a void where the payment is there: VOIDED if another key did it, else VOID_FAILED. */
u16 sim_bank_missing(const struct sim_bank *bank, const struct souk_command_poll_reply *query);
/* What was executed under a key; NULL for nothing. */
const struct sim_deed *sim_bank_find(const struct sim_bank *bank, struct souk_id128 order, u32 step,
                                     u32 attempt);
/* The shopper acts on what asks for it; nothing if that is over. The result, or NULL. */
const struct sim_deed *sim_bank_act(struct sim_bank *bank, struct souk_id128 order, u32 step,
                                    u32 attempt, bool is_declined);

struct sim_totals sim_bank_totals(const struct sim_bank *bank);
u64 sim_bank_violations(const struct sim_totals *totals);
/* The accounts, one after the other; *at is 0 at first. False at the end. */
bool sim_bank_next(const struct sim_bank *bank, u64 *at, struct sim_account *account);

/* The reference of a deed: it has the key, and the key the order. */
struct souk_text64 sim_reference(const struct sim_deed *deed);

#endif
