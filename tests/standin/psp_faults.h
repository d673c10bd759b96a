/* psp_faults: what goes wrong, decided by the seed.
 *
 * A draw is a hash of the seed, the fault, a name and a number, and of nothing else. The name is the
 * idempotency key of a request, without one all that it says, or the id of an event; the number counts its attempts. So the same
 * seed loses the same answers however many clients there are and whatever they do first, and a
 * repeated request has a new chance.
 *
 *      rate 0 never ... 1000 always
 *
 * Not here   carrying a fault out: psp_api and psp_webhook do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_FAULTS_H
#define SOUK_TESTS_PSP_FAULTS_H

#include "proto/base.h"

#define FAULT_ALWAYS 1000u

/* F(NAME, option, what it does) */
#define PSP_FAULTS(F)                                                                           \
    F(DECLINE, "decline", "a payment is declined (402 card_declined)")                          \
    F(ACTION, "action", "a payment asks for the shopper (requires_action)")                     \
    F(ACTION_FAIL, "action-fail", "and the shopper fails, with --action-ms")                    \
    F(LOSE_BEFORE, "lose-before", "the connection closes, nothing is executed")                 \
    F(LOSE_AFTER, "lose-after", "executed, and the connection closes without an answer")        \
    F(DELAY, "delay", "executed, and answered after --delay-ms")                                \
    F(ERROR, "error", "executed, and answered with 500")                                        \
    F(ERROR_BEFORE, "error-before", "not executed, answered with 500 (for good, for that key)") \
    F(DUPLICATE_WEBHOOK, "duplicate-webhook", "an event comes twice, the second time late")     \
    F(REORDER_WEBHOOK, "reorder-webhook", "an event comes late, so that others overtake it")

enum psp_fault {
#define FAULT_VALUE(NAME, option, help) FAULT_##NAME,
    PSP_FAULTS(FAULT_VALUE)
#undef FAULT_VALUE
        FAULT_COUNT
};

struct psp_faults {
    u64 seed;
    u32 rate[FAULT_COUNT]; /* per mille */
};

/* The random number of a fault for this name and number. */
u64 faults_draw(const struct psp_faults *faults, enum psp_fault fault, const char *name,
                u64 number);
bool faults_hit(const struct psp_faults *faults, enum psp_fault fault, const char *name,
                u64 number);

#endif
