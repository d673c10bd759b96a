/* client: the front of the library: opening, calling, polling, closing. See souk.h for the rules and
 * client_parts.h for how threads share the work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/client_parts.h"

#define SEGMENT_RECORDS    65536u        /* of a blocking batch, so that its frames stay few */
#define PUMP_BYTES         (256u << 10)  /* of async calls: sent without waiting for a poll */
#define QUEUE_BYTES        (64ull << 20) /* queue_bytes_max unless said otherwise */
#define CONNECT_TIMEOUT_MS 3000u

/* ---- opening and closing ---- */

static void watch(struct souk_client *client, int fd, u64 tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    (void)epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static struct souk_client *make_client(const struct souk_options *options)
{
    struct souk_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    struct id128 entropy = {0, 0};
    while (id128_is_none(entropy))
        (void)!getrandom(&entropy, sizeof entropy, 0);
    core_init(&client->core, options, entropy);
    (void)pthread_mutex_init(&client->lock, NULL);
    for (u32 i = 0; i < REACTORS_MAX; i++)
        client->links[i].fd = -1;
    client->timer_ns = CORE_NEVER;
    client->connect_timeout_ms =
        options->connect_timeout_ms != 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    client->queue_bytes_max =
        options->queue_bytes_max != 0 ? options->queue_bytes_max : QUEUE_BYTES;
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    client->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (client->epoll_fd < 0 || client->event_fd < 0 || client->timer_fd < 0) {
        souk_close(client);
        return NULL;
    }
    watch(client, client->event_fd, TAG_EVENT_FD);
    watch(client, client->timer_fd, TAG_TIMER_FD);
    return client;
}

void client_enlist(struct souk_client *client, struct waiter *waiter)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&waiter->condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    waiter->poller = NULL;
    waiter->is_woken = false;
    waiter->prev = NULL;
    waiter->next = client->waiters;
    if (client->waiters != NULL)
        client->waiters->prev = waiter;
    client->waiters = waiter;
}

static void delist(struct souk_client *client, struct waiter *waiter)
{
    if (waiter->prev != NULL)
        waiter->prev->next = waiter->next;
    else
        client->waiters = waiter->next;
    if (waiter->next != NULL)
        waiter->next->prev = waiter->prev;
    (void)pthread_cond_destroy(&waiter->condition);
}

/* Gives the lead to another one who waits. L2 */
static void offer_lead(struct souk_client *client, const struct waiter *self)
{
    struct waiter *other = client->waiters;
    if (other != NULL && other == self)
        other = other->next;
    if (!client->has_leader && other != NULL)
        (void)pthread_cond_signal(&other->condition);
}

void client_leave(struct souk_client *client, struct waiter *waiter)
{
    delist(client, waiter);
    offer_lead(client, NULL);
}

static void free_replies(struct async_call *async)
{
    const struct core_call *call = &async->call;
    if ((call->flags & CLIENT_CALL_OWN_REPLIES) == 0)
        return;
    if ((call->flags & CLIENT_CALL_TEXTS) != 0)
        for (u32 i = 0; i < call->count; i++) {
            void *memory;
            memcpy(&memory, call->replies + (size_t)(i + 1) * call->reply_size - sizeof memory,
                   sizeof memory);
            free(memory);
        }
    free(async->more_replies);
    async->more_replies = NULL;
}

/* Runs the callbacks of ended calls, without the lock and without the lead. */
static int run_callbacks(struct souk_client *client, const struct waiter *self)
{
    struct core_call *list = client->callbacks_head;
    int count = 0;
    client->callbacks_head = NULL;
    client->callbacks_tail = NULL;
    if (list == NULL)
        return 0;
    offer_lead(client, self);
    (void)pthread_mutex_unlock(&client->lock);
    struct core_call *last = NULL;
    for (struct core_call *call = list; call != NULL; call = call->next) {
        call->callback(call->context, call->error, call->replies, call->count);
        free_replies((struct async_call *)call);
        last = call;
        count++;
    }
    (void)pthread_mutex_lock(&client->lock);
    MUST(client->open_calls >= (u64)count);
    client->open_calls -= (u64)count;
    last->next = client->pool;
    client->pool = list;
    return count;
}

/* One round of waiting: as the leader, or until the lead is free, something ended, or it is time.
 * `is_done` may be NULL: what this thread waits for. */
static void lead_or_follow(struct souk_client *client, struct waiter *waiter, u64 until_ns,
                           const bool *is_done)
{
    if (!client->has_leader) {
        client->has_leader = true;
        client_turn(client, until_ns, is_done);
        client->has_leader = false;
        return;
    }
    if (until_ns == CORE_NEVER) {
        (void)pthread_cond_wait(&waiter->condition, &client->lock);
        return;
    }
    const struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                                   .tv_nsec = (long)(until_ns % NS_PER_S)};
    (void)pthread_cond_timedwait(&waiter->condition, &client->lock, &until);
}

void client_await(struct souk_client *client, struct waiter *waiter, const bool *is_done,
                  u64 until_ns)
{
    while (!*is_done && client_now_ns() < until_ns) {
        lead_or_follow(client, waiter, until_ns, is_done);
        if (!client->has_leader && client->callbacks_head != NULL)
            (void)run_callbacks(client, waiter);
    }
}

/* Waits for the first greeting. The lock is held. */
static int greet(struct souk_client *client, struct waiter *waiter)
{
    const u64 until_ns = client_now_ns() + client->connect_timeout_ms * NS_PER_MS;
    client->connect_failures = 0;
    for (u32 i = 0; i < REACTORS_MAX; i++)
        client->core.connections[i].connect_at_ns = 0;
    while (client->core.server.shard_count == 0) {
        if (client->target.count == 0 || client->connect_failures >= client->target.count)
            return SOUK_ERROR_NO_SERVER; /* the reason has been noted */
        if (client_now_ns() >= until_ns) {
            client_set_error(client, "no answer from %s in %u ms. Is it a soukd?",
                             client->target.text, client->connect_timeout_ms);
            return SOUK_ERROR_NO_SERVER;
        }
        lead_or_follow(client, waiter, until_ns, NULL);
    }
    return 0;
}

int souk_open(const struct souk_options *given, struct souk_client **to)
{
    const struct souk_options none = {0};
    const struct souk_options *options = given != NULL ? given : &none;
    *to = NULL;
    if (options->agent != NULL && strlen(options->agent) >= AGENT_BYTES_MAX)
        return SOUK_ERROR_ARGUMENT;
    struct souk_client *client = make_client(options);
    if (client == NULL)
        return SOUK_ERROR_MEMORY;
    *to = client;
    const char *address = options->address != NULL ? options->address : SOUK_ADDRESS_DEFAULT;
    const char *reason = link_resolve(&client->target, address);
    if (reason != NULL) {
        client_set_error(client, "cannot use the address %.200s: %s. It is HOST:PORT or unix:/PATH",
                         address, reason);
        return SOUK_ERROR_NO_SERVER;
    }
    struct waiter waiter;
    (void)pthread_mutex_lock(&client->lock);
    client_enlist(client, &waiter);
    const int error = greet(client, &waiter);
    client_leave(client, &waiter);
    (void)pthread_mutex_unlock(&client->lock);
    return error;
}

void souk_close(struct souk_client *client)
{
    if (client == NULL)
        return;
    (void)pthread_mutex_lock(&client->lock);
    MUST(!client->has_leader);
    MUST(client->waiters == NULL);
    for (u32 i = 0; i < REACTORS_MAX; i++)
        if (client->links[i].fd >= 0)
            (void)close(client->links[i].fd);
    core_deinit(&client->core);
    client_collect(client);
    (void)run_callbacks(client, NULL);
    client_free_pollers(client);
    while (client->pool != NULL) {
        struct core_call *call = client->pool;
        client->pool = call->next;
        free(call);
    }
    (void)pthread_mutex_unlock(&client->lock);
    (void)pthread_mutex_destroy(&client->lock);
    if (client->epoll_fd >= 0)
        (void)close(client->epoll_fd);
    if (client->event_fd >= 0)
        (void)close(client->event_fd);
    if (client->timer_fd >= 0)
        (void)close(client->timer_fd);
    free(client);
}

/* ---- calls ---- */

/* Every record of a call that could not even begin says why. */
static int refuse(const struct souk_request *request, int error)
{
    const struct message_info *info = message_find(request->op);
    if (info == NULL || request->replies == NULL)
        return error;
    const u32 size = core_reply_size(info);
    const struct record_status head = {.status = SOUK_UNANSWERED_BY(error)};
    memset(request->replies, 0, (size_t)size * request->count);
    for (u32 i = 0; i < request->count; i++)
        memcpy((u8 *)request->replies + (size_t)i * size, &head, sizeof head);
    return error;
}

/* Makes calls of which each fits in memory at once, and waits for the end of all. */
static int call_segments(struct souk_client *client, const struct souk_request *requests,
                         struct blocking_call *calls, u32 count)
{
    struct waiter waiter;
    (void)pthread_mutex_lock(&client->lock);
    client_enlist(client, &waiter);
    int first_error = 0;
    if (client->core.server.shard_count == 0)
        first_error = greet(client, &waiter);
    const int greeting = first_error;
    for (u32 i = 0; i < count; i++) {
        calls[i] = (struct blocking_call){
            .call = {.replies = requests[i].replies, .flags = CLIENT_CALL_BLOCKING},
            .waiter = &waiter};
        int error = greeting;
        if (error == 0)
            error = core_submit(&client->core, client_now_ns(), &requests[i], &calls[i].call);
        if (error == 0)
            continue;
        calls[i].call.error = refuse(&requests[i], error);
        calls[i].is_done = true;
    }
    if (client->has_leader)
        client_send_all(client, false);
    client_collect(client);
    for (u32 i = 0; i < count; i++) {
        client_await(client, &waiter, &calls[i].is_done, CORE_NEVER);
        if (first_error == 0)
            first_error = calls[i].call.error;
    }
    client_leave(client, &waiter);
    (void)pthread_mutex_unlock(&client->lock);
    return first_error;
}

static int call_segment(struct souk_client *client, const struct souk_request *request)
{
    struct blocking_call blocking;
    return call_segments(client, request, &blocking, 1);
}

int souk_call_all(struct souk_client *client, const struct souk_request *requests, uint32_t count)
{
    struct blocking_call *calls = calloc(MAX(count, 1u), sizeof *calls);
    int error = calls == NULL ? SOUK_ERROR_MEMORY : 0;
    for (u32 i = 0; i < count && error == 0; i++) {
        const struct message_info *info = message_find(requests[i].op);
        if (info == NULL || requests[i].replies == NULL || requests[i].records == NULL ||
            requests[i].count == 0 || requests[i].count > info->records_max)
            error = SOUK_ERROR_ARGUMENT;
    }
    for (u32 i = 0; i < count && error != 0; i++)
        (void)refuse(&requests[i], error);
    if (error == 0 && count != 0)
        error = call_segments(client, requests, calls, count);
    free(calls);
    return error;
}

int souk_call(struct souk_client *client, const struct souk_request *request)
{
    const struct message_info *info = message_find(request->op);
    if (info == NULL || request->replies == NULL || request->records == NULL || request->count == 0)
        return refuse(request, SOUK_ERROR_ARGUMENT);
    if (request->flags != 0)
        return call_segment(client, request);
    int first_error = 0;
    for (u32 at = 0; at < request->count; at += SEGMENT_RECORDS) {
        struct souk_request part = *request;
        part.count = MIN(request->count - at, SEGMENT_RECORDS);
        part.records = (const u8 *)request->records + (size_t)at * core_request_size(info);
        part.replies = (u8 *)request->replies + (size_t)at * core_reply_size(info);
        const int error = call_segment(client, &part);
        if (first_error == 0)
            first_error = error;
    }
    return first_error;
}

/* A call from the pool, with memory for its replies. */
static struct async_call *acquire_async(struct souk_client *client,
                                        const struct souk_request *request,
                                        const struct message_info *info)
{
    struct async_call *async = (struct async_call *)client->pool;
    if (async != NULL)
        client->pool = async->call.next;
    else
        async = malloc(sizeof *async);
    if (async == NULL)
        return NULL;
    async->more_replies = NULL;
    async->call = (struct core_call){.replies = request->replies};
    if (request->replies != NULL)
        return async;
    async->call.flags = CLIENT_CALL_OWN_REPLIES;
    if (info->reply.span_count != 0)
        async->call.flags |= CLIENT_CALL_TEXTS;
    async->call.replies = async->reply;
    if (request->count <= 1)
        return async;
    async->more_replies = calloc(request->count, core_reply_size(info));
    async->call.replies = async->more_replies;
    if (async->more_replies != NULL)
        return async;
    free(async);
    return NULL;
}

static int submit(struct souk_client *client, const struct souk_request *request,
                  souk_callback *callback, void *context)
{
    const struct message_info *info = message_find(request->op);
    if (info == NULL || callback == NULL || request->count == 0)
        return SOUK_ERROR_ARGUMENT;
    if (client->core.queued_bytes > client->queue_bytes_max)
        return SOUK_ERROR_BUSY;
    struct async_call *async = acquire_async(client, request, info);
    if (async == NULL)
        return SOUK_ERROR_MEMORY;
    async->call.callback = callback;
    async->call.context = context;
    const u64 bytes_before = client->core.queued_bytes;
    const int error = core_submit(&client->core, client_now_ns(), request, &async->call);
    if (error != 0) {
        free(async->more_replies);
        async->call.next = client->pool;
        client->pool = &async->call;
        return error;
    }
    client->open_calls++;
    const bool was_idle = client->unpumped_bytes == 0;
    client->unpumped_bytes += client->core.queued_bytes - bytes_before;
    if (client->unpumped_bytes > PUMP_BYTES)
        client_send_all(client, false);
    else if (client->is_watched && was_idle)
        client_notify(client);
    client_collect(client); /* records without memory have ended already */
    return 0;
}

int souk_submit(struct souk_client *client, const struct souk_request *request,
                souk_callback *callback, void *context)
{
    (void)pthread_mutex_lock(&client->lock);
    const int error = submit(client, request, callback, context);
    (void)pthread_mutex_unlock(&client->lock);
    return error;
}

int souk_send_numbered(struct souk_client *client, const struct souk_request *request)
{
    struct souk_request numbered = *request;
    numbered.flags |= SOUK_NUMBERED;
    return souk_call(client, &numbered);
}

int souk_open_session(struct souk_client *client, uint16_t shard, struct souk_id128 session)
{
    const struct souk_session_open record = {0};
    struct souk_session_open_reply reply;
    if ((session.low | session.high) == 0)
        return SOUK_ERROR_ARGUMENT;
    const struct souk_request request = {.op = SOUK_OP_SESSION_OPEN,
                                         .shard = shard,
                                         .flags = SOUK_NUMBERED,
                                         .count = 1,
                                         .records = &record,
                                         .replies = &reply,
                                         .session = session};
    const int error = souk_call(client, &request);
    return error != 0 ? error : reply.status;
}

/* ---- polling ---- */

int souk_poll(struct souk_client *client, int timeout_ms)
{
    u64 until_ns = timeout_ms < 0 ? CORE_NEVER : 0;
    if (timeout_ms > 0)
        until_ns = client_now_ns() + (u32)timeout_ms * NS_PER_MS;
    struct waiter waiter;
    (void)pthread_mutex_lock(&client->lock);
    client_enlist(client, &waiter);
    int count = run_callbacks(client, &waiter);
    bool is_over = false;
    while (count == 0 && !is_over) {
        if (client->has_leader)
            client_send_all(client, true);
        if (!client->has_leader || timeout_ms != 0)
            lead_or_follow(client, &waiter, until_ns, NULL);
        if (!client->has_leader)
            count = run_callbacks(client, &waiter);
        is_over = timeout_ms == 0 || client->open_calls == 0 ||
                  (until_ns != CORE_NEVER && client_now_ns() >= until_ns);
    }
    client_leave(client, &waiter);
    (void)pthread_mutex_unlock(&client->lock);
    return count;
}

void souk_flush(struct souk_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    client_send_all(client, true);
    client_collect(client);
    (void)pthread_mutex_unlock(&client->lock);
}

int souk_fd(struct souk_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    if (!client->is_watched) {
        client->is_watched = true;
        client_set_timer(client);
        client_notify(client); /* what has gathered until now */
    }
    (void)pthread_mutex_unlock(&client->lock);
    return client->epoll_fd;
}

int souk_events(struct souk_client *client)
{
    (void)client;
    return POLLIN;
}

/* ---- facts ---- */

uint64_t souk_open_calls(struct souk_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    const u64 count = client->open_calls;
    (void)pthread_mutex_unlock(&client->lock);
    return count;
}

struct souk_server_info souk_server(struct souk_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    const struct souk_server_info info = client->core.server;
    (void)pthread_mutex_unlock(&client->lock);
    return info;
}

struct souk_client_stats souk_stats_of(struct souk_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    const struct souk_client_stats stats = client->core.stats;
    (void)pthread_mutex_unlock(&client->lock);
    return stats;
}

const char *souk_error_text(struct souk_client *client, char *to, size_t bytes)
{
    if (client == NULL) {
        (void)snprintf(to, bytes, "no memory for a client");
        return to;
    }
    (void)pthread_mutex_lock(&client->lock);
    (void)snprintf(to, bytes, "%s", client->error);
    (void)pthread_mutex_unlock(&client->lock);
    return to;
}

void souk_cut_connections(struct souk_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    for (u16 i = 0; i < REACTORS_MAX; i++) {
        if (client->links[i].fd < 0)
            continue;
        client->core.stats.cuts++;
        client_drop_link(client, i);
    }
    client_notify(client);
    (void)pthread_mutex_unlock(&client->lock);
}
