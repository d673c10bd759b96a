/* client_turn: sockets, epoll and the core, in one turn. See client_parts.h.
 *
 * A turn:  start connections that are wanted -> pump -> send -> (nothing ended? wait) -> receive
 *          -> pump, because answers open windows -> send -> collect what has ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/client_parts.h"

#define VECTORS_MAX 64u
#define EVENTS_MAX  16
#define ROUNDS_MAX  16u /* of receiving from one connection in one turn */

u64 client_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

void client_set_error(struct souk_client *client, const char *form, ...)
{
    va_list arguments;
    va_start(arguments, form);
    (void)vsnprintf(client->error, sizeof client->error, form, arguments);
    va_end(arguments);
}

void client_notify(struct souk_client *client)
{
    const u64 one = 1;
    (void)!write(client->event_fd, &one, sizeof one);
}

void client_set_timer(struct souk_client *client)
{
    if (!client->is_watched)
        return;
    const u64 next_ns = core_next_ns(&client->core);
    if (next_ns == client->timer_ns)
        return;
    client->timer_ns = next_ns;
    struct itimerspec spec = {.it_value = {0, 0}};
    if (next_ns != CORE_NEVER) {
        const u64 at_ns = MAX(next_ns, 1u);
        spec.it_value.tv_sec = (time_t)(at_ns / NS_PER_S);
        spec.it_value.tv_nsec = (long)(at_ns % NS_PER_S);
    }
    (void)timerfd_settime(client->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void arm(struct souk_client *client, u16 index, bool wants_write, int operation)
{
    struct client_link *link = &client->links[index];
    if (operation == EPOLL_CTL_MOD && link->is_armed == wants_write)
        return;
    link->is_armed = wants_write;
    struct epoll_event event = {.events = EPOLLIN | (wants_write ? (u32)EPOLLOUT : 0u),
                                .data.u64 = index};
    (void)epoll_ctl(client->epoll_fd, operation, link->fd, &event);
}

void client_drop_link(struct souk_client *client, u16 index)
{
    struct client_link *link = &client->links[index];
    if (link->fd < 0)
        return;
    if (client->core.connections[index].is_sending) { /* L3 */
        link->is_broken = true;
        (void)shutdown(link->fd, SHUT_RDWR);
        return;
    }
    (void)close(link->fd);
    *link = (struct client_link){.fd = -1};
    core_lost(&client->core, index, client_now_ns());
}

/* ---- connecting ---- */

static void explain_failure(struct souk_client *client, int error)
{
    const struct link_target *target = &client->target;
    if (target->is_unix)
        client_set_error(client, "no server at %s: %s. Start one with: soukd DIR --unix %s",
                         target->text, strerror(error),
                         target->text + (target->text[0] == '/' ? 0 : 5));
    else
        client_set_error(client, "no server at %s: %s. Start one with: soukd DIR --listen %s",
                         target->text, strerror(error), target->text);
}

static void on_connected(struct souk_client *client, u16 index)
{
    if (!core_connected(&client->core, index, client_now_ns())) {
        client_drop_link(client, index);
        return;
    }
    client->connect_failures = 0;
    arm(client, index, false, EPOLL_CTL_MOD);
}

static void on_connect_failed(struct souk_client *client, u16 index, int error)
{
    client->connect_failures++;
    explain_failure(client, -error);
    client_drop_link(client, index);
}

static void start_connections(struct souk_client *client, u64 now_ns)
{
    struct core *core = &client->core;
    for (u16 i = 0; i < core->connection_count; i++) {
        if (!core_wants_connect(core, i, now_ns))
            continue;
        core_connecting(core, i);
        int fd;
        const int error = link_connect(&client->target, &fd);
        if (error != 0 && error != -EINPROGRESS) {
            client->connect_failures++;
            explain_failure(client, -error);
            core_lost(core, i, now_ns);
            continue;
        }
        client->links[i] = (struct client_link){.fd = fd};
        arm(client, i, true, EPOLL_CTL_ADD);
        if (error == 0)
            on_connected(client, i);
    }
}

/* ---- sending ---- */

/* What a server sent is not what it may send. */
static void drop_misbehaved(struct souk_client *client, u16 index, const char *reason)
{
    client->connect_failures++;
    client_set_error(client, "%s: %s. Is it a soukd of this version (%s)?", client->target.text,
                     reason, souk_version());
    client_drop_link(client, index);
}

/* Sends what one connection has, in rounds, because others may queue more while this thread sends
 * without the lock. */
static void send_link(struct souk_client *client, u16 index, bool is_flush)
{
    struct core *core = &client->core;
    struct client_link *link = &client->links[index];
    while (link->fd >= 0 && !link->wants_write && !core->connections[index].is_sending &&
           core->connections[index].state >= CORE_CONNECTION_GREETING) {
        struct iovec vectors[VECTORS_MAX];
        const u32 count = core_output(core, index, vectors, VECTORS_MAX);
        if (count == 0)
            break;
        u64 wanted = 0;
        for (u32 i = 0; i < count; i++)
            wanted += vectors[i].iov_len;
        (void)pthread_mutex_unlock(&client->lock);
        const i64 sent = link_send(link->fd, vectors, count);
        (void)pthread_mutex_lock(&client->lock);
        core_sent(core, index, sent > 0 ? (u64)sent : 0);
        if (sent < 0 || link->is_broken || core->connections[index].cut == CORE_CUT_NOW) {
            client_drop_link(client, index);
            client_notify(client); /* the leader connects again */
            break;
        }
        if (core->connections[index].is_held) {
            const char *reason = core_received(core, index, 0, client_now_ns());
            client_notify(client); /* the leader has seen these bytes and sleeps: callbacks wait */
            if (reason != NULL) {
                drop_misbehaved(client, index, reason);
                break;
            }
        }
        if ((u64)sent < wanted) {
            link->wants_write = true;
            arm(client, index, true, EPOLL_CTL_MOD);
            break;
        }
        core_pump(core, client_now_ns(), is_flush);
    }
}

void client_send_all(struct souk_client *client, bool is_flush)
{
    struct core *core = &client->core;
    const u64 now_ns = client_now_ns();
    start_connections(client, now_ns);
    core_pump(core, now_ns, is_flush);
    client->unpumped_bytes = 0;
    for (u16 i = 0; i < core->connection_count; i++)
        if (core->connections[i].out.head != NULL)
            send_link(client, i, is_flush);
    if (client->has_leader && core_next_ns(core) < client->leader_until_ns)
        client_notify(client);
    client_set_timer(client);
}

/* ---- receiving ---- */

static void receive_link(struct souk_client *client, u16 index)
{
    struct core *core = &client->core;
    struct client_link *link = &client->links[index];
    for (u32 round = 0; round < ROUNDS_MAX && link->fd >= 0; round++) {
        if (core_input_is_full(core, index))
            return;
        u32 room;
        u8 *to = core_input_room(core, index, &room);
        if (to == NULL) {
            client_drop_link(client, index);
            return;
        }
        const i64 bytes = link_receive(link->fd, to, room);
        if (bytes == 0)
            return;
        if (bytes < 0) {
            client_set_error(client, "the connection to %s broke: %s", client->target.text,
                             strerror((int)-bytes));
            client_drop_link(client, index);
            return;
        }
        const char *reason = core_received(core, index, (u32)bytes, client_now_ns());
        if (reason != NULL) {
            drop_misbehaved(client, index, reason);
            return;
        }
        if ((u32)bytes < room)
            return;
    }
}

static void on_event(struct souk_client *client, u16 index, u32 events)
{
    struct client_link *link = &client->links[index];
    const struct core_connection *connection = &client->core.connections[index];
    if (link->fd < 0 || link->is_broken)
        return;
    if (connection->state == CORE_CONNECTION_CONNECTING) {
        if ((events & (u32)(EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0)
            return;
        const int error = link_connect_result(link->fd);
        if (error != 0)
            on_connect_failed(client, index, error);
        else
            on_connected(client, index);
        return;
    }
    if ((events & (u32)EPOLLOUT) != 0) {
        link->wants_write = false;
        arm(client, index, false, EPOLL_CTL_MOD);
    }
    if ((events & (u32)(EPOLLIN | EPOLLERR | EPOLLHUP)) == 0)
        return;
    if (connection->cut == CORE_CUT_ON_REPLY)
        client_drop_link(client, index);
    else
        receive_link(client, index);
}

/* Links that the core has given up: all of them after another server has answered, and those that
 * have been silent for too long. */
static void drop_given_up(struct souk_client *client)
{
    for (u16 i = 0; i < client->core.connection_count; i++) {
        if (client->core.connections[i].is_mute)
            client_set_error(client, "%s does not answer", client->target.text);
        if (client->core.is_stale || client->core.connections[i].is_mute)
            client_drop_link(client, i);
    }
}

void client_collect(struct souk_client *client)
{
    struct core *core = &client->core;
    while (core->done_head != NULL) {
        struct core_call *call = core->done_head;
        core->done_head = call->next;
        call->next = NULL;
        if ((call->flags & CLIENT_CALL_WATCH) != 0) {
            client_watch_ended(client, (struct client_watch *)call);
            continue;
        }
        if ((call->flags & CLIENT_CALL_BLOCKING) != 0) {
            struct blocking_call *blocking = (struct blocking_call *)call;
            blocking->is_done = true;
            if (blocking->waiter != NULL)
                (void)pthread_cond_signal(&blocking->waiter->condition);
            continue;
        }
        if (client->callbacks_tail != NULL)
            client->callbacks_tail->next = call;
        else
            client->callbacks_head = call;
        client->callbacks_tail = call;
    }
    core->done_tail = NULL;
}

static int wait_ms(struct souk_client *client, u64 until_ns)
{
    const u64 now_ns = client_now_ns();
    const u64 next_ns = MIN(until_ns, core_next_ns(&client->core));
    client->leader_until_ns = next_ns;
    if (next_ns <= now_ns)
        return 0;
    const u64 ms = (next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return next_ns == CORE_NEVER ? -1 : (int)MIN(ms, 3600000u);
}

static void drain(int fd)
{
    u64 count;
    (void)!read(fd, &count, sizeof count);
}

void client_turn(struct souk_client *client, u64 until_ns, const bool *is_done)
{
    MUST(client->has_leader);
    const bool is_flush = is_done == NULL;
    client->leader_until_ns = 0;
    client_send_all(client, is_flush);
    drop_given_up(client);
    client_collect(client);
    const bool has_ended = client->callbacks_head != NULL || (is_done != NULL && *is_done);
    const int timeout = wait_ms(client, has_ended ? 0 : until_ns);
    struct epoll_event events[EVENTS_MAX];
    (void)pthread_mutex_unlock(&client->lock);
    const int count = epoll_wait(client->epoll_fd, events, EVENTS_MAX, timeout);
    (void)pthread_mutex_lock(&client->lock);
    client->leader_until_ns = 0;
    for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == TAG_EVENT_FD) {
            drain(client->event_fd);
        } else if (events[i].data.u64 == TAG_TIMER_FD) {
            drain(client->timer_fd);
            client->timer_ns = CORE_NEVER;
        } else {
            MUST(events[i].data.u64 < REACTORS_MAX);
            on_event(client, (u16)events[i].data.u64, events[i].events);
        }
    }
    drop_given_up(client);
    client_send_all(client, is_flush);
    client_collect(client);
}
