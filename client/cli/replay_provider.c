/* replay_provider: see client/cli/replay_provider.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_provider.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMANDS_MAX  512u
#define DESKS_MAX     4u /* so that commands are taken while results are on their way */
#define WAIT_MS       100u
#define LEASE_MS      3000u /* long for an answer, short for a process that was killed */
#define AWAY_PAUSE_NS (50 * NS_PER_MS)

struct desk {
    pthread_t thread;
    struct provider *provider;
    struct souk_command_poll_reply commands[COMMANDS_MAX];
    struct souk_payment_event events[COMMANDS_MAX];
    struct souk_payment_event_reply event_replies[COMMANDS_MAX];
    struct souk_command_ack acks[COMMANDS_MAX];
    struct souk_command_ack_reply ack_replies[COMMANDS_MAX];
};

struct provider {
    struct souk_client *client;
    atomic_bool is_ending;
    _Atomic(const char *) failure;
    u32 desk_count; /* with a thread */
    struct desk desks[DESKS_MAX];
};

bool provider_answer(const struct souk_command_poll_reply *command,
                     struct souk_payment_event *event)
{
    static const u16 results[] = {[SOUK_COMMAND_AUTHORIZE] = SOUK_EVENT_AUTHORIZED,
                                  [SOUK_COMMAND_CAPTURE] = SOUK_EVENT_CAPTURED,
                                  [SOUK_COMMAND_VOID] = SOUK_EVENT_VOIDED,
                                  [SOUK_COMMAND_REFUND] = SOUK_EVENT_REFUNDED};
    const bool is_query = command->kind == SOUK_COMMAND_QUERY;
    const u16 kind = is_query ? command->subject_kind : command->kind;
    const u32 step = is_query ? command->subject : command->step;
    const u32 attempt = is_query ? command->subject_attempt : command->attempt;
    char key[SOUK_KEY_TEXT_MAX];
    if (kind == 0 || kind >= ARRAY_COUNT(results))
        return false;
    *event = (struct souk_payment_event){
        .order = command->order,
        .lease = is_query ? 0 : command->lease,
        .amount = command->amount,
        .step = step,
        .attempt = attempt,
        .kind = results[kind],
        .tender = command->tender,
        .currency = command->currency,
        .reference = souk_text64_of(souk_command_key(command->order, step, attempt, key))};
    return true;
}

static void fail(struct provider *provider, const char *reason)
{
    atomic_store(&provider->failure, reason);
}

/* Whether the statuses of a batch leave nothing to be explained. A command whose lease was over is
 * given to us again; the event is recorded all the same. */
static bool is_expected(u16 status)
{
    return status == SOUK_OK || status == SOUK_LEASE_LOST || status >= SOUK_UNANSWERED ||
           souk_status_class(status) == SOUK_CLASS_RETRY;
}

static void answer_all(struct desk *desk, u32 count)
{
    struct souk_client *client = desk->provider->client;
    u32 events = 0, acks = 0;
    for (u32 i = 0; i < count; i++) {
        const struct souk_command_poll_reply *command = &desk->commands[i];
        if (provider_answer(command, &desk->events[events]))
            events++;
        else
            desk->acks[acks++] = (struct souk_command_ack){.order = command->order,
                                                           .lease = command->lease,
                                                           .step = command->step,
                                                           .attempt = command->attempt};
    }
    /* What has no answer is leased again later: errors need nothing else. */
    if (events > 0)
        (void)souk_payment_event_batch(client, desk->events, events, desk->event_replies, 0);
    if (acks > 0)
        (void)souk_command_ack_batch(client, desk->acks, acks, desk->ack_replies, 0);
    for (u32 i = 0; i < events; i++)
        if (!is_expected(desk->event_replies[i].status))
            fail(desk->provider, "the server refused a payment event of the provider");
    for (u32 i = 0; i < acks; i++)
        if (!is_expected(desk->ack_replies[i].status))
            fail(desk->provider, "the server refused an acknowledgement of the provider");
}

static void *provide(void *context)
{
    struct desk *desk = context;
    struct provider *provider = desk->provider;
    const struct souk_command_poll record = {.lease_ms = LEASE_MS};
    const struct timespec pause = {.tv_nsec = (long)AWAY_PAUSE_NS};
    while (!atomic_load(&provider->is_ending) && atomic_load(&provider->failure) == NULL) {
        const int got = souk_command_poll_wait(provider->client, &record, WAIT_MS, desk->commands,
                                               COMMANDS_MAX);
        if (got > 0) {
            answer_all(desk, (u32)got);
            continue;
        }
        const u16 status = desk->commands[0].status;
        if (got == 0 && status != SOUK_NONE_READY && !is_expected(status))
            fail(provider, "the server gives no commands to the provider");
        if (got < 0 || status != SOUK_NONE_READY)
            (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

struct provider *provider_start(struct souk_client *client, u32 desks)
{
    struct provider *provider = calloc(1, sizeof *provider);
    MUST(provider != NULL);
    provider->client = client;
    for (u32 i = 0; i < MIN(desks, DESKS_MAX); i++) {
        provider->desks[i].provider = provider;
        if (pthread_create(&provider->desks[i].thread, NULL, provide, &provider->desks[i]) != 0)
            break;
        provider->desk_count = i + 1;
    }
    if (provider->desk_count > 0)
        return provider;
    souk_close(client);
    free(provider);
    return NULL;
}

const char *provider_failure(struct provider *provider)
{
    return provider == NULL ? NULL : atomic_load(&provider->failure);
}

void provider_stop(struct provider *provider)
{
    if (provider == NULL)
        return;
    atomic_store(&provider->is_ending, true);
    for (u32 i = 0; i < provider->desk_count; i++)
        (void)pthread_join(provider->desks[i].thread, NULL);
    souk_close(provider->client);
    free(provider);
}
