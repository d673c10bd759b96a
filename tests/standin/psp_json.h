/* psp_json: the objects of the API as JSON, in the fields that Stripe's have.
 *
 *      intent    id object amount amount_capturable amount_received capture_method created currency
 *                last_payment_error latest_charge livemode metadata next_action payment_method status
 *      charge    id object amount amount_captured amount_refunded captured currency metadata
 *                payment_intent refunded
 *      refund    id object amount charge created currency metadata payment_intent status
 *      error     { "error": { type code decline_code message param payment_intent } }
 *
 * Ownership  every function gives a new reference to the caller, and borrows what it is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_JSON_H
#define SOUK_TESTS_PSP_JSON_H

#include "tests/standin/psp_ledger.h"

NODISCARD json_t *json_of_intent(const struct psp_intent *intent);
NODISCARD json_t *json_of_charge(const struct psp_intent *intent);
NODISCARD json_t *json_of_refund(const struct psp_ledger *ledger, u32 entry);
/* All refunds of an intent, as a list. */
NODISCARD json_t *json_of_refunds(const struct psp_ledger *ledger, u32 intent, const char *url);
NODISCARD json_t *json_of_error(const struct psp_result *result);
/* The answer to a declined payment: 402 with the intent inside. */
NODISCARD json_t *json_of_decline(const struct psp_intent *intent);
/* What GET /ledger shows under "keys" and "totals". */
NODISCARD json_t *json_of_ledger(const struct psp_ledger *ledger);

#endif
