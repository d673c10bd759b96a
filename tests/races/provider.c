/* provider: see tests/races/provider.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/races/provider.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_MAX    32u
#define POLL_MS     50u
#define WORKERS_MAX 16u

STATIC_CHECK(sizeof(struct souk_id128) == sizeof(struct id128));
STATIC_CHECK(sizeof(struct souk_text64) == sizeof(struct text64));

/* An event that a webhook tells too. */
struct telling {
    struct souk_payment_event event;
    struct telling *next;
    atomic_uint applied;  /* answers that say so */
    atomic_uint mentions; /* threads that still look at it */
};

struct provider {
    struct provider_options options;
    pthread_mutex_t lock; /* of the books and the webhooks' queue */
    pthread_cond_t is_told;
    struct books *books;
    struct telling *first, *last; /* for the webhook */
    pthread_t workers[WORKERS_MAX];
    pthread_t webhook;
    u64 deeds;
    u64 seed;
    bool is_ending;    /* workers: no more polls */
    bool is_exhausted; /* webhook: when the queue is empty */
};

/* ---- chance ---------------------------------------------------------------------------------- */

u64 races_below(u64 *random, u64 limit)
{
    u64 z = *random += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (z ^ z >> 31) % limit;
}

void races_pause(u64 *random, u32 us_max)
{
    if (us_max == 0)
        return;
    /* Half of the time none at all: then the threads meet closest. */
    const u64 us = races_below(random, 2ull * us_max);
    if (us >= us_max)
        return;
    const struct timespec pause = {.tv_sec = (time_t)(us / 1000000),
                                   .tv_nsec = (long)(us % 1000000) * 1000};
    (void)nanosleep(&pause, NULL);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void drop_telling(struct telling *telling)
{
    if (atomic_fetch_sub(&telling->mentions, 1) == 1)
        free(telling);
}

static void send_event(struct provider *provider, struct telling *telling, u64 lease)
{
    struct souk_payment_event event = telling->event;
    struct souk_payment_event_reply reply = {0};
    event.lease = lease;
    const int error = souk_payment_event(provider->options.client, &event, &reply);
    if (error != 0 || (reply.status != SOUK_OK && reply.status != SOUK_LEASE_LOST)) {
        (void)fprintf(stderr, "event %s: %s, %s\n", souk_event_name(event.kind),
                      souk_error_name(error), souk_status_name(reply.status));
        PANIC("an event was not recorded");
    }
    if (reply.effect == SOUK_EFFECT_APPLIED) {
        const u32 before = atomic_fetch_add(&telling->applied, 1);
        MUST(before == 0); /* P1 */
    }
    drop_telling(telling);
}

/* The webhook's turn comes whenever it comes. */
static void queue_webhook(struct provider *provider, struct telling *telling)
{
    (void)pthread_mutex_lock(&provider->lock);
    telling->next = NULL;
    if (provider->last != NULL)
        provider->last->next = telling;
    else
        provider->first = telling;
    provider->last = telling;
    (void)pthread_cond_signal(&provider->is_told);
    (void)pthread_mutex_unlock(&provider->lock);
}

static void *run_webhook(void *argument)
{
    struct provider *provider = argument;
    u64 random = provider->options.pause_us_max + 7;
    for (;;) { /* ends: when the provider closes */
        (void)pthread_mutex_lock(&provider->lock);
        while (provider->first == NULL && !provider->is_exhausted)
            (void)pthread_cond_wait(&provider->is_told, &provider->lock);
        struct telling *telling = provider->first;
        if (telling != NULL) {
            provider->first = telling->next;
            provider->last = provider->first == NULL ? NULL : provider->last;
        }
        (void)pthread_mutex_unlock(&provider->lock);
        if (telling == NULL)
            return NULL;
        races_pause(&random, provider->options.pause_us_max);
        send_event(provider, telling, 0);
    }
}

static void tell(struct provider *provider, const struct books_deed *deed, u64 lease, u64 *random)
{
    const struct books_command *command = &deed->command;
    struct telling *telling = calloc(1, sizeof *telling);
    const struct text64 reference = books_reference(deed->number);
    MUST(telling != NULL);
    telling->event = (struct souk_payment_event){.amount = command->amount,
                                                 .step = command->step,
                                                 .attempt = command->attempt,
                                                 .kind = deed->result,
                                                 .tender = command->tender,
                                                 .currency = command->currency};
    memcpy(&telling->event.order, &command->order, sizeof command->order);
    memcpy(&telling->event.reference, &reference, sizeof reference);
    atomic_init(&telling->mentions, provider->options.is_twice ? 2 : 1);
    if (provider->options.is_twice)
        queue_webhook(provider, telling);
    races_pause(random, provider->options.pause_us_max);
    send_event(provider, telling, lease);
}

/* ---- working --------------------------------------------------------------------------------- */

static enum books_mood draw_mood(const struct provider *provider,
                                 const struct souk_command_poll_reply *leased, u64 *random)
{
    const u64 chance = races_below(random, 100);
    if (leased->kind == SOUK_COMMAND_AUTHORIZE)
        return chance < provider->options.decline ? BOOKS_MOOD_DECLINES : BOOKS_MOOD_WILLING;
    return leased->attempt == 1 && chance < provider->options.fail ? BOOKS_MOOD_FAILS
                                                                   : BOOKS_MOOD_WILLING;
}

static struct books_deed execute(struct provider *provider,
                                 const struct souk_command_poll_reply *leased, enum books_mood mood)
{
    struct books_command command = {.amount = leased->amount,
                                    .step = leased->step,
                                    .attempt = leased->attempt,
                                    .kind = leased->kind,
                                    .tender = leased->tender,
                                    .currency = leased->currency};
    struct books_deed deed;
    memcpy(&command.order, &leased->order, sizeof command.order);
    (void)pthread_mutex_lock(&provider->lock);
    deed = *books_execute(provider->books, &command, mood);
    provider->deeds++;
    (void)pthread_mutex_unlock(&provider->lock);
    return deed;
}

static struct books_deed answer_query(struct provider *provider,
                                      const struct souk_command_poll_reply *leased)
{
    struct books_deed answer = {.command = {.step = leased->subject,
                                            .attempt = leased->subject_attempt,
                                            .kind = leased->subject_kind,
                                            .tender = leased->tender,
                                            .currency = leased->currency},
                                .result = PAYMENT_EVENT_NO_SUCH_PAYMENT};
    memcpy(&answer.command.order, &leased->order, sizeof leased->order);
    (void)pthread_mutex_lock(&provider->lock);
    const struct books_deed *deed =
        books_find(provider->books, answer.command.order, leased->subject, leased->subject_attempt);
    answer.number = books_next_number(provider->books);
    const struct books_account account =
        books_account(provider->books, answer.command.order, leased->tender);
    if (deed != NULL)
        answer = *deed;
    else if (leased->subject_kind == SOUK_COMMAND_VOID && account.authorized != 0)
        answer.result = PAYMENT_EVENT_VOID_FAILED; /* there is such a payment, and no such void */
    (void)pthread_mutex_unlock(&provider->lock);
    return answer;
}

static void acknowledge(struct provider *provider, const struct souk_command_poll_reply *leased)
{
    const struct souk_command_ack ack = {.order = leased->order,
                                         .lease = leased->lease,
                                         .step = leased->step,
                                         .attempt = leased->attempt};
    struct souk_command_ack_reply reply;
    const int error = souk_command_ack(provider->options.client, &ack, &reply);
    MUST(error == 0);
    MUST(reply.status == SOUK_OK || reply.status == SOUK_LEASE_LOST);
}

static void work_on(struct provider *provider, const struct souk_command_poll_reply *leased,
                    u64 *random)
{
    if (leased->kind == SOUK_COMMAND_NOTIFY_SHIPPED) {
        acknowledge(provider, leased);
        return;
    }
    races_pause(random, provider->options.pause_us_max);
    if (leased->kind == SOUK_COMMAND_QUERY) {
        const struct books_deed answer = answer_query(provider, leased);
        tell(provider, &answer, 0, random);
        acknowledge(provider, leased);
        return;
    }
    const struct books_deed deed = execute(provider, leased, draw_mood(provider, leased, random));
    tell(provider, &deed, leased->lease, random);
}

static bool is_ending(struct provider *provider)
{
    (void)pthread_mutex_lock(&provider->lock);
    const bool is_ending = provider->is_ending;
    (void)pthread_mutex_unlock(&provider->lock);
    return is_ending;
}

static void *run_worker(void *argument)
{
    struct provider *provider = argument;
    struct souk_command_poll_reply *leased = calloc(POLL_MAX, sizeof *leased);
    const struct souk_command_poll poll = {.lease_ms = 60000};
    (void)pthread_mutex_lock(&provider->lock);
    u64 random = provider->seed += 77;
    (void)pthread_mutex_unlock(&provider->lock);
    MUST(leased != NULL);
    while (!is_ending(provider)) {
        const int count =
            souk_command_poll_wait(provider->options.client, &poll, POLL_MS, leased, POLL_MAX);
        MUST(count >= 0);
        for (int i = 0; i < count; i++)
            work_on(provider, &leased[i], &random);
    }
    free(leased);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void start(pthread_t *thread, void *(*run)(void *), struct provider *provider)
{
    const int error = pthread_create(thread, NULL, run, provider);
    MUST(error == 0);
}

struct provider *provider_open(const struct provider_options *options)
{
    struct provider *provider = calloc(1, sizeof *provider);
    MUST(provider != NULL);
    provider->options = *options;
    if (provider->options.workers == 0)
        provider->options.workers = 2;
    MUST(provider->options.workers <= WORKERS_MAX);
    provider->books = books_open(MAX(options->deeds_max, 1000));
    (void)pthread_mutex_init(&provider->lock, NULL);
    (void)pthread_cond_init(&provider->is_told, NULL);
    for (u32 i = 0; i < provider->options.workers; i++)
        start(&provider->workers[i], run_worker, provider);
    if (options->is_twice)
        start(&provider->webhook, run_webhook, provider);
    return provider;
}

void provider_close(struct provider *provider)
{
    (void)pthread_mutex_lock(&provider->lock);
    provider->is_ending = true;
    (void)pthread_mutex_unlock(&provider->lock);
    for (u32 i = 0; i < provider->options.workers; i++)
        (void)pthread_join(provider->workers[i], NULL);
    (void)pthread_mutex_lock(&provider->lock);
    provider->is_exhausted = true;
    (void)pthread_cond_signal(&provider->is_told);
    (void)pthread_mutex_unlock(&provider->lock);
    if (provider->options.is_twice)
        (void)pthread_join(provider->webhook, NULL);
    (void)pthread_cond_destroy(&provider->is_told);
    (void)pthread_mutex_destroy(&provider->lock);
    books_close(provider->books);
    free(provider);
}

struct books_account provider_account(struct provider *provider, struct souk_id128 order,
                                      u16 tender)
{
    struct id128 id;
    memcpy(&id, &order, sizeof id);
    (void)pthread_mutex_lock(&provider->lock);
    const struct books_account account = books_account(provider->books, id, tender);
    (void)pthread_mutex_unlock(&provider->lock);
    return account;
}

u64 provider_deeds(struct provider *provider)
{
    (void)pthread_mutex_lock(&provider->lock);
    const u64 deeds = provider->deeds;
    (void)pthread_mutex_unlock(&provider->lock);
    return deeds;
}
