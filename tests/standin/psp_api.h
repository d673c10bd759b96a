/* psp_api: the provider's API, in the manner of Stripe's payment intents.
 *
 * Requests are form-encoded, answers are JSON, amounts are whole minor units. Every /v1 request carries
 * `Authorization: Bearer TOKEN`; a POST should carry `Idempotency-Key: K` (1 to 255 printable characters).
 *
 *      POST /v1/payment_intents                 amount, currency, payment_method, capture_method=manual,
 *                                               confirm=true, metadata[NAME]
 *           200 status requires_capture         authorised: amount_capturable = amount
 *           200 status requires_action          the shopper must act first (next_action)
 *           402 error.code card_declined        error.payment_intent has status requires_payment_method
 *      GET  /v1/payment_intents/ID
 *      GET  /v1/payment_intents/search          query=metadata['NAME']:'VALUE', newest first, up to 100
 *      POST /v1/payment_intents/ID/capture      amount_to_capture (default: all), final_capture (default
 *                                               true: what is left is given back; false: it stays)
 *      POST /v1/payment_intents/ID/cancel       cancellation_reason; gives back what is capturable
 *      POST /v1/refunds                         payment_intent, amount (default: what is left), reason,
 *                                               metadata[NAME]
 *      GET  /v1/refunds/ID
 *      GET  /v1/refunds                         payment_intent=ID: all of it
 *      POST /v1/test_helpers/payment_intents/ID/finish_action   outcome=authorized|failed: the shopper
 *      GET  /ledger                             everything, by metadata[KEY_NAME]; no token, no faults
 *
 * Errors are {"error": {type, code, message, param}}: 400 invalid_request_error (parameter_missing,
 * parameter_unknown, parameter_invalid_integer, amount_too_large, payment_intent_unexpected_state,
 * charge_already_refunded), 401, 404 resource_missing, 409 idempotency_key_in_use, 400 type
 * idempotency_error, 500 api_error.
 *
 * A payment_method whose name contains chargeDeclined, chargeDeclinedInsufficientFunds or
 * authenticationRequired (as in pm_card_visa_chargeDeclined) decides for itself; for every other one
 * the rates of --decline and --action do.
 *
 * A request, in steps
 *      token? -> lost before? -> form good? -> key known? same request: the first answer again, with
 *      header Idempotent-Replayed; another: idempotency_error; still running: 409
 *      -> parameters good? (what fails so far is not kept under the key)
 *      -> 500 before? -> execute, events leave -> 500 after? -> keep under the key -> delayed? lost after?
 *
 * Webhooks (--webhook URL), see psp_webhook.h
 *      payment_intent.amount_capturable_updated   authorised           data.object: intent
 *      payment_intent.payment_failed              declined             intent
 *      payment_intent.canceled                                         intent
 *      charge.captured                            a capture            charge, sums so far
 *      charge.refunded                            a refund             charge, sums so far
 *   `request.idempotency_key` is that of the request which caused the event; null where the shopper acted by
 *   himself (--action-ms). That a payment waits for the shopper is told by the answer and by GET alone.
 *
 * GET /ledger
 *      totals    keys intents declined captures refunds voids, amounts, charged_twice: keys with money
 *                captured on more than one intent
 *      keys      KEY -> intents, captures, refunds, voids (each with amount and idempotency key), and
 *                authorised, captured, refunded, voided in all; "" has the intents without that metadata
 *      requests  how many were executed, replayed, refused, lost, delayed, failed
 *      webhooks  events, pending, delivered, failed, given_up, duplicated, reordered
 *
 * Invariants  those of psp_ledger and psp_keys; one request is executed at a time, under `lock`.
 * Not here    accounts, customers, several currencies of one intent, pagination, API versions,
 *             expiry of authorisations and of keys, disputes, signatures of webhooks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_API_H
#define SOUK_TESTS_PSP_API_H

#include <stdio.h>

#include "tests/standin/psp_form.h"
#include "tests/standin/psp_keys.h"
#include "tests/standin/psp_ledger.h"
#include "tests/standin/psp_options.h"
#include "tests/standin/psp_webhook.h"

struct psp_counts {
    u64 requests;
    u64 executed;
    u64 replayed;
    u64 refused; /* before execution: token, form, parameters, address */
    u64 key_in_use;
    u64 key_mismatch;
    u64 lost_before;
    u64 lost_after;
    u64 delayed;
    u64 errors_before;
    u64 errors;
};

struct psp_api {
    const struct psp_options *options;
    pthread_mutex_t lock; /* of all that follows, but for what has its own */
    struct psp_ledger ledger;
    struct psp_keys keys;
    json_t *attempts; /* of each key, and of each address without one */
    struct psp_counts counts;
    FILE *log; /* or NULL */
    bool is_stopping;
    struct psp_webhooks webhooks;
    struct agenda agenda; /* delayed answers, shoppers */
};

struct psp_request {
    const char *method;
    const char *path;
    const char *token; /* NULL without one */
    const char *key;   /* NULL without one */
    struct psp_form form;
    const char *form_wrong; /* NULL, or why the form cannot be read */
};

struct psp_answer {
    u32 status;
    char *body; /* to be freed */
    u64 number; /* of the request */
    u64 delay_ms;
    u32 key; /* to be released when the answer leaves, or KEYS_NONE */
    bool is_lost;
    bool is_replay;
};

void api_open(struct psp_api *api, const struct psp_options *options);
void api_answer(struct psp_api *api, const struct psp_request *request, struct psp_answer *answer);
/* The answer leaves now, or is lost now. */
void api_release(struct psp_api *api, const struct psp_answer *answer);
/* Delayed answers leave at once, requests that still come are lost, nothing waits any more. */
void api_stop(struct psp_api *api);
/* After api_stop, and when nothing can call it any more. */
void api_close(struct psp_api *api);

#endif
