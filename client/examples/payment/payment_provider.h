/* payment_provider: what an engine's payment commands become in the API of a provider, here one in the style of
 * Stripe's payment intents. Who has another provider writes this file anew, and keeps payment_worker.c.
 *
 *      authorize   POST payment_intents, to be captured by hand
 *      capture     POST payment_intents/ID/capture
 *      void        POST payment_intents/ID/cancel
 *      refund      POST refunds
 *      query       what became of one of these, found out as below
 *
 * Every POST carries the command's key as Idempotency-Key, so the provider executes it once, and answers
 * the same request again as the first time. The key is also in the payment's metadata.
 *
 * What is certain, and what is not
 *   P1  no connection, too many requests                        not done: given back, later again
 *   P2  silence, a broken connection, 409, 500 after all tries  it may have been done: unknown
 *   P3  200, 402, 400, 404                                      the provider's word
 *
 * How the outcome of a request is found whose answer was lost
 *   authorize   GET the payment, if its id is known or a search by metadata[key] finds it; else the same
 *               POST again
 *   capture     the same POST again; where the provider repeats an error for ever, what the payment has
 *               received, against what the engine's ledger has
 *   void        GET the payment, found as for authorize
 *   refund      the same POST again, else the list of the payment's refunds, which have their keys
 *   P4  "There is no such payment" lets the engine sell to somebody else. A search that finds nothing is not
 *       enough, because it lags: only after `sure_after` deliveries of the command, each later than the
 *       one before, it is believed.
 *   P5  And it is about the payment: where that is there and its void is not, the void has failed, and the
 *       engine asks for another one.
 *
 * Threads  a struct provider belongs to one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_EXAMPLES_PAYMENT_PROVIDER_H
#define SOUK_EXAMPLES_PAYMENT_PROVIDER_H

#include "client/lib/souk.h"

struct provider_options {
    const char *url;
    const char *token; /* the shop's secret */
    long timeout_ms;   /* of one HTTP request */
    unsigned sure_after;
};

/* Why something is given back, or failed: numbers of ours, in the engine's history. */
enum provider_reason {
    PROVIDER_REASON_NONE,
    PROVIDER_REASON_REFUSED, /* the provider does not take the request */
    PROVIDER_REASON_AWAY,    /* nobody answers there */
    PROVIDER_REASON_UNSURE   /* not known yet */
};

/* What is to be told to the engine. */
struct provider_result {
    uint16_t event;  /* enum souk_event; 0: give the command back */
    uint16_t reason; /* enum provider_reason */
    int64_t amount;
    char reference[64];
    char action[1024]; /* what the shopper must do */
    char message[200]; /* why it was refused, for people */
};

struct provider; /* a connection */

/* NULL: no memory. `client` is asked for the ledger of an order. */
struct provider *provider_open(const struct provider_options *options, struct souk_client *client);
void provider_close(struct provider *provider);

/* Carries out an authorize, capture, void, refund or query. */
struct provider_result provider_execute(struct provider *provider,
                                        const struct souk_command_poll_reply *command);

#endif
