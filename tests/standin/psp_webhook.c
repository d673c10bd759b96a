/* psp_webhook: see tests/standin/psp_webhook.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/standin/psp_value.h"

#define TRIES_MAX      14u
#define WAIT_FIRST_MS  25u
#define WAIT_LAST_MS   3200u
#define ANSWER_WAIT_MS 5000l

struct delivery {
    struct psp_webhooks *webhooks;
    char *body;
    u32 tries;
};

static size_t ignore_answer(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static void count_one(struct psp_webhooks *webhooks, u64 *counter)
{
    (void)pthread_mutex_lock(&webhooks->lock);
    ++*counter;
    (void)pthread_mutex_unlock(&webhooks->lock);
}

/* Did the shop take it? */
static bool post(struct psp_webhooks *webhooks, const char *body)
{
    long status = 0;
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    const CURLcode code = curl_easy_perform(webhooks->curl);
    (void)curl_easy_getinfo(webhooks->curl, CURLINFO_RESPONSE_CODE, &status);
    return code == CURLE_OK && status >= 200 && status < 300;
}

static void drop_delivery(struct delivery *delivery)
{
    free(delivery->body);
    free(delivery);
}

static void deliver(void *context, bool is_closing)
{
    struct delivery *delivery = context;
    struct psp_webhooks *webhooks = delivery->webhooks;
    if (is_closing) {
        drop_delivery(delivery);
        return;
    }
    if (post(webhooks, delivery->body)) {
        count_one(webhooks, &webhooks->counts.delivered);
        drop_delivery(delivery);
        return;
    }
    if (++delivery->tries == TRIES_MAX) {
        count_one(webhooks, &webhooks->counts.given_up);
        drop_delivery(delivery);
        return;
    }
    count_one(webhooks, &webhooks->counts.failed);
    const u64 wait_ms = MIN((u64)WAIT_FIRST_MS << delivery->tries, WAIT_LAST_MS);
    agenda_add(&webhooks->agenda, agenda_now_ns() + wait_ms * NS_PER_MS, deliver, delivery);
}

static void schedule(struct psp_webhooks *webhooks, const char *body, u64 late_ms)
{
    struct delivery *delivery = malloc(sizeof *delivery);
    MUST(delivery != NULL);
    *delivery = (struct delivery){.webhooks = webhooks, .body = strdup(body)};
    MUST(delivery->body != NULL);
    agenda_add(&webhooks->agenda, agenda_now_ns() + late_ms * NS_PER_MS, deliver, delivery);
}

static void set_up_curl(struct psp_webhooks *webhooks)
{
    webhooks->headers = curl_slist_append(NULL, "Content-Type: application/json");
    webhooks->curl = curl_easy_init();
    MUST(webhooks->curl != NULL && webhooks->headers != NULL);
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_URL, webhooks->url);
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_NOSIGNAL, 1l);
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_TIMEOUT_MS, ANSWER_WAIT_MS);
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_HTTPHEADER, webhooks->headers);
    (void)curl_easy_setopt(webhooks->curl, CURLOPT_WRITEFUNCTION, ignore_answer);
}

void webhooks_open(struct psp_webhooks *webhooks, const char *url, const struct psp_faults *faults,
                   u32 late_ms)
{
    MUST(late_ms > 0);
    *webhooks = (struct psp_webhooks){.url = url, .faults = faults, .late_ms = late_ms};
    (void)pthread_mutex_init(&webhooks->lock, NULL);
    if (url != NULL)
        set_up_curl(webhooks);
    agenda_open(&webhooks->agenda);
}

void webhooks_send(struct psp_webhooks *webhooks, const char *type, json_t *object,
                   const char *request_key)
{
    char id[32];
    if (webhooks->url == NULL) {
        json_decref(object);
        return;
    }
    const struct psp_faults *faults = webhooks->faults;
    (void)snprintf(id, sizeof id, "evt_%06llx%08llu", (unsigned long long)(faults->seed & 0xFFFFFF),
                   (unsigned long long)webhooks->counts.events + 1);
    json_t *event =
        json_pack("{s:s, s:s, s:I, s:b, s:s, s:{s:o}, s:{s:n, s:s?}}", "id", id, "object", "event",
                  "created", (json_int_t)time(NULL), "livemode", 0, "type", type, "data", "object",
                  object, "request", "id", "idempotency_key", request_key);
    MUST(event != NULL);
    char *body = value_text(event);
    const bool is_late = faults_hit(faults, FAULT_REORDER_WEBHOOK, id, 0);
    const bool is_double = faults_hit(faults, FAULT_DUPLICATE_WEBHOOK, id, 0);
    const u64 late_ms = 1 + faults_draw(faults, FAULT_REORDER_WEBHOOK, id, 1) % webhooks->late_ms;
    const u64 again_ms =
        1 + faults_draw(faults, FAULT_DUPLICATE_WEBHOOK, id, 1) % webhooks->late_ms;
    (void)pthread_mutex_lock(&webhooks->lock);
    webhooks->counts.events++;
    webhooks->counts.reordered += is_late;
    webhooks->counts.duplicated += is_double;
    (void)pthread_mutex_unlock(&webhooks->lock);
    schedule(webhooks, body, is_late ? late_ms : 0);
    if (is_double)
        schedule(webhooks, body, again_ms);
    free(body);
    json_decref(event);
}

json_t *webhooks_json(struct psp_webhooks *webhooks)
{
    (void)pthread_mutex_lock(&webhooks->lock);
    const struct psp_webhook_counts counts = webhooks->counts;
    (void)pthread_mutex_unlock(&webhooks->lock);
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "events", (json_int_t)counts.events, "pending",
        (json_int_t)agenda_pending(&webhooks->agenda), "delivered", (json_int_t)counts.delivered,
        "failed", (json_int_t)counts.failed, "given_up", (json_int_t)counts.given_up, "duplicated",
        (json_int_t)counts.duplicated, "reordered", (json_int_t)counts.reordered);
    MUST(json != NULL);
    return json;
}

void webhooks_close(struct psp_webhooks *webhooks)
{
    agenda_close(&webhooks->agenda);
    curl_easy_cleanup(webhooks->curl);
    curl_slist_free_all(webhooks->headers);
    (void)pthread_mutex_destroy(&webhooks->lock);
}
