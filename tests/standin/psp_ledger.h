/* psp_ledger: payment intents and what was done with their money. Rules only: no HTTP, no faults.
 *
 *      create -> authorised       requires_capture --capture--> succeeded --refund--> succeeded
 *             -> asks the shopper requires_action  --finish---> requires_capture, or declined
 *             -> declined         requires_payment_method
 *                                 requires_capture, requires_action, declined --cancel--> canceled
 *
 * A capture that is not final leaves the rest capturable; a final one gives it back. Cancelling
 * gives back what is capturable and keeps what was captured.
 *
 * Invariants, of every intent
 *   I1  0 <= refunded <= captured <= authorised <= amount
 *   I2  captured, refunded and voided are the sums of its entries of that kind
 *   I3  entries are only ever added
 * Ownership  intents and entries are named by their index, which never changes; pointers into the
 *            ledger hold until the next create, capture, cancel or refund. One caller at a time.
 * Failure    a refusal is a result with the status, type and code that Stripe documents, and
 *            changes nothing.
 * Not here   time-outs of authorisations, disputes, fees, partial authorisation, other methods.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_LEDGER_H
#define SOUK_TESTS_PSP_LEDGER_H

#include <jansson.h>

#include "proto/base.h"

#define PSP_NONE       UINT32_MAX
#define PSP_ID_BYTES   32u
#define PSP_AMOUNT_MAX 999999999999ll

enum psp_status {
    PSP_REQUIRES_PAYMENT_METHOD, /* declined */
    PSP_REQUIRES_ACTION,
    PSP_REQUIRES_CAPTURE,
    PSP_SUCCEEDED,
    PSP_CANCELED
};

/* What the bank says to a payment. */
enum psp_verdict { PSP_AUTHORISE, PSP_ASK_SHOPPER, PSP_DECLINE };

struct psp_intent {
    char id[PSP_ID_BYTES];
    char charge[PSP_ID_BYTES]; /* empty until authorised */
    char currency[4];
    enum psp_status status;
    const char *decline_code; /* NULL, or of the last decline */
    char *payment_method;
    json_t *metadata;
    i64 amount;
    i64 authorised;
    i64 captured;
    i64 refunded;
    i64 voided;
    u64 created_s;
    u64 created_ns; /* monotonic */
    u32 first_entry;
    u32 last_entry;
};

enum psp_entry_kind { PSP_CAPTURE, PSP_REFUND, PSP_VOID, PSP_ENTRY_KINDS };

struct psp_entry {
    char id[PSP_ID_BYTES];
    enum psp_entry_kind kind;
    u32 intent;
    u32 next; /* of the same intent */
    i64 amount;
    u64 created_s;
    char *request_key; /* idempotency key, NULL without one */
    json_t *metadata;  /* NULL but for refunds */
};

struct psp_ledger {
    struct psp_intent *intents;
    u32 intent_count;
    u32 intent_capacity;
    struct psp_entry *entries;
    u32 entry_count;
    u32 entry_capacity;
    json_t *ids;          /* id -> index, of intents and of entries */
    json_t *keys;         /* metadata[key_name] -> [index of intent] */
    const char *key_name; /* which metadata names the payment; borrowed */
    u64 seed;             /* part of the ids */
    u64 id_count;
};

/* A refusal as Stripe words it, or status 200. Texts are static but for `message`. */
struct psp_result {
    u32 status;
    const char *type;
    const char *code;
    const char *param;
    char message[200];
};

struct psp_create {
    i64 amount;
    const char *currency; /* three letters */
    const char *payment_method;
    json_t *metadata; /* taken over */
    enum psp_verdict verdict;
    const char *decline_code; /* static; for PSP_DECLINE */
};

void ledger_open(struct psp_ledger *ledger, const char *key_name, u64 seed);
void ledger_close(struct psp_ledger *ledger);

/* The intent's index. */
u32 ledger_create(struct psp_ledger *ledger, const struct psp_create *create);
/* amount 0: all that is capturable. The new entry's index in `entry`. */
struct psp_result ledger_capture(struct psp_ledger *ledger, u32 intent, i64 amount, bool is_final,
                                 const char *request_key, u32 *entry);
struct psp_result ledger_cancel(struct psp_ledger *ledger, u32 intent, const char *request_key,
                                u32 *entry);
/* amount 0: all that is left. Takes `metadata` over, also when it refuses. */
struct psp_result ledger_refund(struct psp_ledger *ledger, u32 intent, i64 amount, json_t *metadata,
                                const char *request_key, u32 *entry);
/* The shopper has done what requires_action asked for, or failed to. */
struct psp_result ledger_finish_action(struct psp_ledger *ledger, u32 intent, bool is_authorised);

/* PSP_NONE where there is none of that id. */
u32 ledger_find_intent(const struct psp_ledger *ledger, const char *id);
u32 ledger_find_refund(const struct psp_ledger *ledger, const char *id);
i64 intent_capturable(const struct psp_intent *intent);
const char *psp_status_name(enum psp_status status);

#endif
