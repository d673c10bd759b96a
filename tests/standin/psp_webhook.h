/* psp_webhook: events, and carrying them to the shop.
 *
 *      {"id": "evt_...", "object": "event", "created": ..., "livemode": false, "type": "charge.captured",
 *       "data": {"object": {...}}, "request": {"id": null, "idempotency_key": "..."}}
 *
 * An event is a POST of this JSON, sent when its cause happens, from a thread of its own: it may come before the
 * answer to the request that caused it. Answers other than 2xx, or none within five seconds, make
 * it come again, later each time, and others go ahead meanwhile. What the shop may rely on is what
 * Stripe promises: at least once, in any order.
 *
 * Faults     duplicate-webhook: the same event, same id, once more up to `late_ms` later.
 *            reorder-webhook: up to `late_ms` late, so that later ones overtake it.
 * Not here   signatures (the address must be loopback), an event list to ask for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_WEBHOOK_H
#define SOUK_TESTS_PSP_WEBHOOK_H

#include <curl/curl.h>
#include <jansson.h>

#include "tests/standin/psp_agenda.h"
#include "tests/standin/psp_faults.h"

struct psp_webhook_counts {
    u64 events;
    u64 delivered; /* answered with 2xx, duplicates included */
    u64 failed;    /* attempts that will be repeated */
    u64 given_up;
    u64 duplicated;
    u64 reordered;
};

struct psp_webhooks {
    const char *url; /* NULL: nobody listens */
    const struct psp_faults *faults;
    u32 late_ms;
    CURL *curl;
    struct curl_slist *headers; /* libcurl only borrows them */
    struct agenda agenda;
    pthread_mutex_t lock; /* of the counts */
    struct psp_webhook_counts counts;
};

void webhooks_open(struct psp_webhooks *webhooks, const char *url, const struct psp_faults *faults,
                   u32 late_ms);
/* Takes `object` over. `request_key` may be NULL. One caller at a time. */
void webhooks_send(struct psp_webhooks *webhooks, const char *type, json_t *object,
                   const char *request_key);
/* What GET /ledger shows of them. */
NODISCARD json_t *webhooks_json(struct psp_webhooks *webhooks);
void webhooks_close(struct psp_webhooks *webhooks);

#endif
