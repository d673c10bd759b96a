/* sim_worker: see client/cli/sim_worker.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/sim_worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/checksum.h"

#define POLL_WAIT_MS   100u
#define REORDER_MS_MAX 20u
#define DUPLICATE_MS   50u
#define ACTION_MS_MAX  50u
#define THREADS_MAX    64u
#define ACTION_WORDS   "confirm the payment with your bank"

/* What is drawn about a command. */
enum draw {
    DRAW_DECLINE,
    DRAW_ACTION,
    DRAW_ACTION_DECLINE,
    DRAW_FAIL,
    DRAW_TIMEOUT,
    DRAW_LOST,
    DRAW_VANISH,
    DRAW_DUPLICATE,
    DRAW_REORDER,
    DRAW_LATE,
    DRAW_LATE_MS
};

/* An event that is to be told, or a shopper who is to act. */
struct future {
    u64 due_ns;
    u64 number; /* of those due at one time, the first comes first */
    struct souk_payment_event event;
    bool is_shopper;
};

struct sim_workers {
    struct souk_client *client;
    struct sim_options options;
    pthread_t threads[THREADS_MAX];
    u32 thread_count;
    pthread_mutex_t lock; /* of all that follows */
    struct sim_bank *bank;
    struct sim_counts counts;
    struct future *agenda; /* a heap */
    u64 agenda_count, agenda_capacity, futures_made;
    u64 active_ns;   /* something happened last */
    u64 vanished_ns; /* until then a lease runs that nobody answers */
    u32 busy;
    u32 ended;
    bool is_stopping;
};

/* What one worker has to say, gathered. */
struct outbox {
    struct souk_payment_event *events;
    struct souk_payment_event_reply *event_replies;
    struct souk_command_ack *acks;
    struct souk_command_ack_reply *ack_replies;
    u32 event_count, event_capacity;
    u32 ack_count, ack_capacity;
};

static u64 now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* ---- chance ---- */

/* A number of the seed, the key and what is drawn; `nth` is the how manieth time. */
static u64 draw_number(const struct sim_workers *workers, const struct souk_command_poll_reply *c,
                       enum draw draw, u32 nth)
{
    const u64 key[5] = {workers->options.seed, c->order.low, c->order.high,
                        (u64)c->step << 32 | c->attempt, (u64)draw << 32 | nth};
    return checksum64(key, sizeof key);
}

static bool draw_chance(const struct sim_workers *workers, const struct souk_command_poll_reply *c,
                        enum draw draw, u32 per_million)
{
    return draw_number(workers, c, draw, c->delivery) % SIM_CERTAIN < per_million;
}

/* ---- the agenda ---- */

static bool is_before(const struct future *a, const struct future *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void push(struct sim_workers *workers, struct future future)
{
    if (workers->agenda_count == workers->agenda_capacity) {
        workers->agenda_capacity = MAX(workers->agenda_capacity * 2, 256u);
        workers->agenda =
            realloc(workers->agenda, workers->agenda_capacity * sizeof *workers->agenda);
        MUST(workers->agenda != NULL);
    }
    u64 at = workers->agenda_count++;
    future.number = workers->futures_made++;
    while (at > 0 && is_before(&future, &workers->agenda[(at - 1) / 2])) { /* ends at the root */
        workers->agenda[at] = workers->agenda[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    workers->agenda[at] = future;
}

static struct future pop(struct sim_workers *workers)
{
    MUST(workers->agenda_count != 0);
    const struct future first = workers->agenda[0];
    const struct future last = workers->agenda[--workers->agenda_count];
    u64 at = 0;
    for (;;) { /* ends at a leaf */
        u64 child = 2 * at + 1;
        if (child >= workers->agenda_count)
            break;
        if (child + 1 < workers->agenda_count &&
            is_before(&workers->agenda[child + 1], &workers->agenda[child]))
            child++;
        if (!is_before(&workers->agenda[child], &last))
            break;
        workers->agenda[at] = workers->agenda[child];
        at = child;
    }
    workers->agenda[at] = last;
    return first;
}

/* ---- what is said ---- */

static void say(struct outbox *outbox, const struct souk_payment_event *event)
{
    if (outbox->event_count == outbox->event_capacity) {
        outbox->event_capacity = MAX(outbox->event_capacity * 2, 256u);
        outbox->events = realloc(outbox->events, outbox->event_capacity * sizeof *outbox->events);
        outbox->event_replies =
            realloc(outbox->event_replies, outbox->event_capacity * sizeof *outbox->event_replies);
        MUST(outbox->events != NULL && outbox->event_replies != NULL);
    }
    outbox->events[outbox->event_count++] = *event;
}

static void acknowledge(struct outbox *outbox, const struct souk_command_poll_reply *command)
{
    if (outbox->ack_count == outbox->ack_capacity) {
        outbox->ack_capacity = MAX(outbox->ack_capacity * 2, 256u);
        outbox->acks = realloc(outbox->acks, outbox->ack_capacity * sizeof *outbox->acks);
        outbox->ack_replies =
            realloc(outbox->ack_replies, outbox->ack_capacity * sizeof *outbox->ack_replies);
        MUST(outbox->acks != NULL && outbox->ack_replies != NULL);
    }
    outbox->acks[outbox->ack_count++] = (struct souk_command_ack){.order = command->order,
                                                                  .lease = command->lease,
                                                                  .step = command->step,
                                                                  .attempt = command->attempt};
}

static void free_outbox(struct outbox *outbox)
{
    free(outbox->events);
    free(outbox->event_replies);
    free(outbox->acks);
    free(outbox->ack_replies);
}

/* Sends all of it: events first, because an ack says that the event follows. Returns an error. */
static int send_all(struct sim_workers *workers, struct outbox *outbox)
{
    int error = 0;
    if (outbox->event_count != 0)
        error = souk_payment_event_batch(workers->client, outbox->events, outbox->event_count,
                                         outbox->event_replies, 0);
    if (error == 0 && outbox->ack_count != 0)
        error = souk_command_ack_batch(workers->client, outbox->acks, outbox->ack_count,
                                       outbox->ack_replies, 0);
    return error;
}

static void count_refusal(struct sim_counts *counts, u16 status)
{
    if (status == SOUK_LEASE_LOST) {
        counts->lease_lost++;
    } else if (status != SOUK_OK) {
        counts->refused++;
        counts->last_refusal = status;
    }
}

/* Counts what the server answered. The lock is held. */
static void count_answers(struct sim_workers *workers, struct outbox *outbox)
{
    struct sim_counts *counts = &workers->counts;
    for (u32 i = 0; i < outbox->event_count; i++) {
        const struct souk_payment_event_reply *reply = &outbox->event_replies[i];
        counts->events++;
        count_refusal(counts, reply->status);
        if (reply->effect < SIM_EFFECTS_MAX)
            counts->effects[reply->effect]++;
    }
    for (u32 i = 0; i < outbox->ack_count; i++) {
        counts->acks++;
        count_refusal(counts, outbox->ack_replies[i].status);
    }
    if (outbox->event_count + outbox->ack_count != 0)
        workers->active_ns = now_ns();
    outbox->event_count = 0;
    outbox->ack_count = 0;
}

/* ---- commands ---- */

static bool is_money(u16 event)
{
    return event == SOUK_EVENT_AUTHORIZED || event == SOUK_EVENT_CAPTURED ||
           event == SOUK_EVENT_REFUNDED;
}

/* What the bank says about a deed. */
static struct souk_payment_event event_of(const struct sim_deed *deed)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct souk_payment_event event = {.order = deed->order,
                                       .amount = is_money(deed->result) ? deed->amount : 0,
                                       .provider_time_ns =
                                           (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec,
                                       .step = deed->step,
                                       .attempt = deed->attempt,
                                       .kind = deed->result,
                                       .currency = deed->currency,
                                       .reference = sim_reference(deed)};
    if (event.kind == SOUK_EVENT_ACTION)
        event.action = (struct souk_text){.data = ACTION_WORDS, .bytes = sizeof ACTION_WORDS - 1};
    return event;
}

/* Tells an event now or later, once or twice. `command` is what it answers. */
static void tell(struct sim_workers *workers, struct outbox *outbox,
                 const struct souk_command_poll_reply *command, struct souk_payment_event event,
                 bool is_leased)
{
    const struct sim_options *options = &workers->options;
    struct sim_counts *counts = &workers->counts;
    u64 late_ns = 0;
    if (options->late_ms != 0) {
        late_ns = draw_number(workers, command, DRAW_LATE_MS, command->delivery) %
                  (options->late_ms * NS_PER_MS);
        counts->late++;
    } else if (draw_chance(workers, command, DRAW_REORDER, options->reorder)) {
        late_ns = draw_number(workers, command, DRAW_LATE, 0) % (REORDER_MS_MAX * NS_PER_MS);
        counts->reordered++;
    }
    if (late_ns == 0) {
        event.lease = is_leased ? command->lease : 0;
        say(outbox, &event);
        event.lease = 0;
    } else {
        if (is_leased)
            acknowledge(outbox, command);
        push(workers, (struct future){.due_ns = now_ns() + late_ns, .event = event});
    }
    if (draw_chance(workers, command, DRAW_DUPLICATE, options->duplicate)) {
        counts->duplicates++;
        push(workers, (struct future){.due_ns = now_ns() + late_ns + DUPLICATE_MS * NS_PER_MS,
                                      .event = event});
    }
}

/* The worker does not know what became of it. */
static void be_puzzled(struct outbox *outbox, const struct souk_command_poll_reply *command)
{
    const struct souk_payment_event event = {.order = command->order,
                                             .lease = command->lease,
                                             .step = command->step,
                                             .attempt = command->attempt,
                                             .kind = SOUK_EVENT_UNKNOWN,
                                             .tender = command->tender,
                                             .currency = command->currency};
    say(outbox, &event);
}

static enum sim_mood draw_mood(const struct sim_workers *workers,
                               const struct souk_command_poll_reply *command)
{
    const struct sim_options *options = &workers->options;
    struct souk_command_poll_reply once = *command;
    once.delivery = 0; /* the same however often it is delivered */
    if (command->kind != SOUK_COMMAND_AUTHORIZE)
        return draw_chance(workers, &once, DRAW_FAIL, options->fail) ? SIM_MOOD_FAILS
                                                                     : SIM_MOOD_WILLING;
    if (draw_chance(workers, &once, DRAW_DECLINE, options->decline))
        return SIM_MOOD_DECLINES;
    return draw_chance(workers, &once, DRAW_ACTION, options->action) ? SIM_MOOD_ASKS
                                                                     : SIM_MOOD_WILLING;
}

/* The shopper will act on what asks for it. */
static void expect_shopper(struct sim_workers *workers,
                           const struct souk_command_poll_reply *command,
                           const struct souk_payment_event *event)
{
    const u64 wait_ns =
        draw_number(workers, command, DRAW_ACTION, 1) % (ACTION_MS_MAX * NS_PER_MS) + NS_PER_MS;
    workers->counts.actions++;
    push(workers,
         (struct future){.due_ns = now_ns() + wait_ns + workers->options.late_ms * NS_PER_MS,
                         .event = *event,
                         .is_shopper = true});
}

static void work_on(struct sim_workers *workers, struct outbox *outbox,
                    const struct souk_command_poll_reply *command)
{
    const struct sim_options *options = &workers->options;
    const bool is_new =
        sim_bank_find(workers->bank, command->order, command->step, command->attempt) == NULL;
    if (draw_chance(workers, command, DRAW_TIMEOUT, options->timeout)) {
        workers->counts.timeouts++;
        be_puzzled(outbox, command);
        return;
    }
    const struct sim_deed *deed =
        sim_bank_execute(workers->bank, command, draw_mood(workers, command));
    const struct souk_payment_event event = event_of(deed);
    if (is_new && deed->result == SOUK_EVENT_ACTION)
        expect_shopper(workers, command, &event);
    if (!draw_chance(workers, command, DRAW_LOST, options->lost)) {
        tell(workers, outbox, command, event, true);
        return;
    }
    workers->counts.lost++;
    if (draw_chance(workers, command, DRAW_VANISH, SIM_CERTAIN / 2)) {
        workers->counts.vanished++;
        workers->vanished_ns =
            MAX(workers->vanished_ns, now_ns() + (options->lease_ms + POLL_WAIT_MS) * NS_PER_MS);
    } else {
        be_puzzled(outbox, command);
    }
}

/* The truth about another command. */
static void answer_query(struct sim_workers *workers, struct outbox *outbox,
                         const struct souk_command_poll_reply *query)
{
    const struct sim_deed *deed =
        sim_bank_find(workers->bank, query->order, query->subject, query->subject_attempt);
    struct souk_payment_event event = {.order = query->order,
                                       .step = query->subject,
                                       .attempt = query->subject_attempt,
                                       .kind = sim_bank_missing(workers->bank, query),
                                       .tender = query->tender,
                                       .currency = query->currency};
    if (deed != NULL)
        event = event_of(deed);
    tell(workers, outbox, query, event, false);
    acknowledge(outbox, query);
}

static void take_command(struct sim_workers *workers, struct outbox *outbox,
                         const struct souk_command_poll_reply *command)
{
    struct sim_counts *counts = &workers->counts;
    counts->commands++;
    switch (command->kind) {
    case SOUK_COMMAND_NOTIFY_SHIPPED:
        counts->notify++;
        acknowledge(outbox, command);
        return;
    case SOUK_COMMAND_QUERY:
        counts->query++;
        answer_query(workers, outbox, command);
        return;
    case SOUK_COMMAND_AUTHORIZE: counts->authorize++; break;
    case SOUK_COMMAND_CAPTURE: counts->capture++; break;
    case SOUK_COMMAND_VOID: counts->void_++; break;
    case SOUK_COMMAND_REFUND: counts->refund++; break;
    default: return; /* of a newer server: its lease ends */
    }
    work_on(workers, outbox, command);
}

/* Events that are due, and shoppers who act. The lock is held. */
static void take_due(struct sim_workers *workers, struct outbox *outbox, u64 until_ns)
{
    u32 count = 0;
    while (workers->agenda_count != 0 && workers->agenda[0].due_ns <= until_ns &&
           count++ < workers->options.batch) {
        struct future future = pop(workers);
        if (!future.is_shopper) {
            say(outbox, &future.event);
            continue;
        }
        const struct souk_command_poll_reply key = {.order = future.event.order,
                                                    .step = future.event.step,
                                                    .attempt = future.event.attempt};
        const bool is_declined =
            draw_chance(workers, &key, DRAW_ACTION_DECLINE, workers->options.decline);
        const struct sim_deed *deed =
            sim_bank_act(workers->bank, key.order, key.step, key.attempt, is_declined);
        if (deed == NULL)
            continue;
        const struct souk_payment_event event = event_of(deed);
        say(outbox, &event);
    }
}

/* How long a poll may wait: until the next event is due. */
static u32 poll_wait_ms(const struct sim_workers *workers)
{
    if (workers->agenda_count == 0)
        return POLL_WAIT_MS;
    const u64 now = now_ns(), due = workers->agenda[0].due_ns;
    return due <= now ? 0 : (u32)MIN((due - now) / NS_PER_MS + 1, POLL_WAIT_MS);
}

/* ---- threads ---- */

static void *work(void *argument)
{
    struct sim_workers *workers = argument;
    const struct souk_command_poll poll = {.group = workers->options.group,
                                           .lease_ms = workers->options.lease_ms};
    const u32 batch = workers->options.batch;
    struct souk_command_poll_reply *commands = calloc(batch, sizeof *commands);
    struct outbox outbox = {0};
    int error = 0;
    MUST(commands != NULL);
    (void)pthread_mutex_lock(&workers->lock);
    while (!workers->is_stopping && error == 0) {
        take_due(workers, &outbox, now_ns());
        const u32 wait_ms = outbox.event_count != 0 ? 0 : poll_wait_ms(workers);
        (void)pthread_mutex_unlock(&workers->lock);
        const int count = souk_command_poll_wait(workers->client, &poll, wait_ms, commands, batch);
        (void)pthread_mutex_lock(&workers->lock);
        error = count < 0 ? count : 0;
        for (int i = 0; i < count; i++)
            take_command(workers, &outbox, &commands[i]);
        if (count > 0)
            workers->active_ns = now_ns();
        if (error != 0 || outbox.event_count + outbox.ack_count == 0)
            continue;
        workers->busy++;
        (void)pthread_mutex_unlock(&workers->lock);
        error = send_all(workers, &outbox);
        (void)pthread_mutex_lock(&workers->lock);
        workers->busy--;
        count_answers(workers, &outbox);
    }
    workers->ended++;
    if (error != 0)
        workers->counts.error = error;
    (void)pthread_mutex_unlock(&workers->lock);
    free(commands);
    free_outbox(&outbox);
    return NULL;
}

struct sim_workers *sim_workers_start(struct souk_client *client, const struct sim_options *options)
{
    struct sim_workers *workers = calloc(1, sizeof *workers);
    MUST(workers != NULL);
    MUST(options->batch != 0 && options->threads != 0 && options->threads <= THREADS_MAX);
    workers->client = client;
    workers->options = *options;
    workers->bank = sim_bank_open();
    workers->active_ns = now_ns();
    (void)pthread_mutex_init(&workers->lock, NULL);
    while (workers->thread_count < options->threads &&
           pthread_create(&workers->threads[workers->thread_count], NULL, work, workers) == 0)
        workers->thread_count++;
    if (workers->thread_count != 0)
        return workers;
    struct sim_counts counts;
    sim_bank_close(sim_workers_stop(workers, &counts));
    return NULL;
}

bool sim_workers_are_idle(struct sim_workers *workers, u64 ms)
{
    (void)pthread_mutex_lock(&workers->lock);
    const u64 now = now_ns();
    const bool is_idle = workers->busy == 0 && workers->agenda_count == 0 &&
                         now >= workers->vanished_ns + ms * NS_PER_MS &&
                         now >= workers->active_ns + ms * NS_PER_MS;
    (void)pthread_mutex_unlock(&workers->lock);
    return is_idle;
}

bool sim_workers_have_ended(struct sim_workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    const bool have_ended = workers->ended == workers->thread_count;
    (void)pthread_mutex_unlock(&workers->lock);
    return have_ended;
}

struct sim_bank *sim_workers_stop(struct sim_workers *workers, struct sim_counts *counts)
{
    struct outbox outbox = {0};
    (void)pthread_mutex_lock(&workers->lock);
    workers->is_stopping = true;
    (void)pthread_mutex_unlock(&workers->lock);
    for (u32 i = 0; i < workers->thread_count; i++)
        (void)pthread_join(workers->threads[i], NULL);
    /* What was acknowledged has its answer before the workers go: nobody else knows it. */
    while (workers->agenda_count != 0 && workers->counts.error == 0) {
        take_due(workers, &outbox, UINT64_MAX);
        workers->counts.error = send_all(workers, &outbox);
        count_answers(workers, &outbox);
    }
    struct sim_bank *bank = workers->bank;
    *counts = workers->counts;
    (void)pthread_mutex_destroy(&workers->lock);
    free_outbox(&outbox);
    free(workers->agenda);
    free(workers);
    return bank;
}
