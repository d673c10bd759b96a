/* books: what a payment provider writes down, and what it refuses, whoever asks it however.
 *
 *      command (order, step, attempt) -> executed once per key -> deed: what came of it, for ever
 *      account (order, tender)        -> authorised, captured, refunded, voided
 *
 * The provider's own books, which nobody else writes: after a run they are held against those of the
 * orders. What a shop must never ask for is a panic here: two authorisations of a tender, a capture
 * beyond the authorisation or after its own void, a refund beyond what was captured, one key for two
 * things.
 *
 * Invariants
 *   B1  per account: captured <= authorized, refunded <= captured + overcharged.
 *   B2  a deed is never changed, except that a shopper does what was asked for (books_act).
 * Ownership  one thread, or a lock of the caller's. Deeds are borrowed until books_close.
 * Not here   answers that are lost or late: bank.c and provider.c tell what stands in the books.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_TOWN_BOOKS_H
#define SOUK_TESTS_TOWN_BOOKS_H

#include "proto/messages.h"

struct books;

/* A command as it reaches the provider. */
struct books_command {
    struct id128 order;
    i64 amount;
    u32 step;
    u32 attempt;
    u16 kind; /* enum command_kind, from AUTHORIZE to REFUND */
    u16 tender;
    u16 currency;
};

/* What the provider feels like when it is asked for the first time. */
enum books_mood {
    BOOKS_MOOD_WILLING,
    BOOKS_MOOD_DECLINES, /* an authorisation */
    BOOKS_MOOD_ASKS,     /* the shopper must do something first */
    BOOKS_MOOD_FAILS     /* a capture, void or refund, for sure and without a trace */
};

/* What came of a key. */
struct books_deed {
    struct books_command command; /* kind 0: never executed */
    u64 number;                   /* unique: makes the reference */
    u16 result;                   /* enum payment_event_kind */
};

struct books_account {
    i64 authorized;
    i64 captured;
    i64 overcharged; /* captured once more, by the provider's own fault */
    i64 refunded;
    bool is_asked;   /* the shopper has to do something first */
    bool is_voided;  /* the shop gave up what is not captured, or what is asked for */
    bool is_expired; /* it ended by itself */
    u32 captures;    /* executed */
    u32 step; /* of the authorisation, 0 = none was asked for: what a webhook knows of the key */
};

/* Room for about so many deeds. */
struct books *books_open(u32 deeds_max);
void books_close(struct books *books);

/* Why a shop must not ask for this; NULL: it may. */
const char *books_refusal(const struct books *books, const struct books_command *command);
/* Executes a command, or finds what came of it. */
const struct books_deed *books_execute(struct books *books, const struct books_command *command,
                                       enum books_mood mood);
/* What came of a key; NULL: it was never executed. */
const struct books_deed *books_find(const struct books *books, struct id128 order, u32 step,
                                    u32 attempt);
/* After BOOKS_MOOD_ASKS the shopper has acted: authorised, or declined after all; what was voided
 * meanwhile is declined. */
const struct books_deed *books_act(struct books *books, const struct books_deed *deed,
                                   bool is_declined);
/* The provider charges so much by mistake; the deed's reference is a new one. */
struct books_deed books_overcharge(struct books *books, const struct books_deed *deed);
/* The authorisation ends by itself; false: there is none that could. */
bool books_expire(struct books *books, struct id128 order, u16 tender);
/* All zero where there is nothing. */
struct books_account books_account(const struct books *books, struct id128 order, u16 tender);
/* "ref_17": the provider's name for a deed. */
struct text64 books_reference(u64 number);
u64 books_next_number(struct books *books);

#endif
