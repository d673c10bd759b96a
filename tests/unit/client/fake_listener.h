/* fake_listener: a thread that serves fake_server over real sockets, one poll loop for all
 * connections, so that the blocking front, its threads and its reconnecting can be tested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FAKE_LISTENER_H
#define SOUK_TESTS_FAKE_LISTENER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/client/fake_server.h"

#define LISTENER_CONNECTIONS_MAX 64u

struct listener_connection {
    int fd;
    u8 *input;
    u32 input_bytes;
};

struct fake_listener {
    struct fake_server fake;
    pthread_t thread;
    int fd;
    int stop[2];
    char address[64];
    atomic_bool answers_garbage;
    atomic_uint delay_us; /* before every batch of replies: lets calls gather */
    struct listener_connection connections[LISTENER_CONNECTIONS_MAX];
    u32 count;
};

static void listener_drop(struct fake_listener *listener, u32 i)
{
    (void)close(listener->connections[i].fd);
    free(listener->connections[i].input);
    listener->connections[i] = listener->connections[--listener->count];
}

static bool listener_send(int fd, const u8 *bytes, u32 count)
{
    while (count != 0) {
        const ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        count -= (u32)sent;
    }
    return true;
}

/* Reads what is there and answers every whole frame. */
static bool listener_serve(struct fake_listener *listener, struct listener_connection *connection)
{
    const ssize_t bytes = recv(connection->fd, connection->input + connection->input_bytes,
                               2 * FRAME_BYTES_MAX - connection->input_bytes, 0);
    if (bytes <= 0)
        return false;
    connection->input_bytes += (u32)bytes;
    u32 at = 0;
    while (connection->input_bytes - at >= FRAME_HEADER_BYTES) {
        u32 length;
        memcpy(&length, connection->input + at + 4, 4);
        if (connection->input_bytes - at < length)
            break;
        listener->fake.peer = connection->fd;
        if (!fake_receive(&listener->fake, connection->input + at, length))
            return false;
        at += length;
    }
    connection->input_bytes -= at;
    memmove(connection->input, connection->input + at, connection->input_bytes);
    const u32 delay = atomic_load(&listener->delay_us);
    if (delay != 0)
        (void)usleep(delay);
    if (atomic_load(&listener->answers_garbage))
        memset(listener->fake.out, 0xA5, listener->fake.out_bytes);
    const bool is_sent =
        listener_send(connection->fd, listener->fake.out, listener->fake.out_bytes);
    listener->fake.out_bytes = 0;
    return is_sent;
}

/* What the test asks for: 'x' to stop, 'a' + shard for one more command there. */
static bool listener_obey(struct fake_listener *listener)
{
    char order;
    int peer;
    if (read(listener->stop[0], &order, 1) != 1 || order == 'x')
        return false;
    const u16 shard = (u16)(order - 'a');
    listener->fake.ready[shard]++;
    while ((peer = fake_wake(&listener->fake, shard)) >= 0) {
        (void)listener_send(peer, listener->fake.out, listener->fake.out_bytes);
        listener->fake.out_bytes = 0;
    }
    return true;
}

static void *listener_main(void *argument)
{
    struct fake_listener *listener = argument;
    for (;;) {
        struct pollfd polls[LISTENER_CONNECTIONS_MAX + 2];
        polls[0] = (struct pollfd){.fd = listener->stop[0], .events = POLLIN};
        polls[1] = (struct pollfd){.fd = listener->fd, .events = POLLIN};
        const u32 count = listener->count;
        for (u32 i = 0; i < count; i++)
            polls[i + 2] = (struct pollfd){.fd = listener->connections[i].fd, .events = POLLIN};
        if (poll(polls, count + 2, -1) < 0)
            continue;
        if (polls[0].revents != 0 && !listener_obey(listener))
            return NULL;
        for (u32 i = count; i-- > 0;)
            if (polls[i + 2].revents != 0 && !listener_serve(listener, &listener->connections[i]))
                listener_drop(listener, i);
        if (polls[1].revents == 0)
            continue;
        const int fd = accept(listener->fd, NULL, NULL);
        MUST(listener->count < LISTENER_CONNECTIONS_MAX);
        if (fd >= 0)
            listener->connections[listener->count++] =
                (struct listener_connection){.fd = fd, .input = malloc(2 * FRAME_BYTES_MAX)};
    }
}

static void listener_start(struct fake_listener *listener)
{
    MUST(pipe(listener->stop) == 0);
    MUST(listen(listener->fd, 64) == 0);
    MUST(pthread_create(&listener->thread, NULL, listener_main, listener) == 0);
}

/* On a free TCP port. */
UNUSED static struct fake_listener *listener_open(u16 shards, i64 stock)
{
    struct fake_listener *listener = calloc(1, sizeof *listener);
    fake_init(&listener->fake, shards, stock);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(bind(listener->fd, (const struct sockaddr *)&address, bytes) == 0);
    MUST(getsockname(listener->fd, (struct sockaddr *)&address, &bytes) == 0);
    (void)snprintf(listener->address, sizeof listener->address, "127.0.0.1:%u",
                   ntohs(address.sin_port));
    listener_start(listener);
    return listener;
}

/* On a Unix socket. */
UNUSED static struct fake_listener *listener_open_unix(const char *path, u16 shards, i64 stock)
{
    struct fake_listener *listener = calloc(1, sizeof *listener);
    fake_init(&listener->fake, shards, stock);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    (void)unlink(path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(bind(listener->fd, (const struct sockaddr *)&address, sizeof address) == 0);
    (void)snprintf(listener->address, sizeof listener->address, "unix:%.50s", path);
    listener_start(listener);
    return listener;
}

/* One more command on a shard; who waits there is answered. */
UNUSED static void listener_add_command(struct fake_listener *listener, u16 shard)
{
    const char order = (char)('a' + shard);
    MUST(write(listener->stop[1], &order, 1) == 1);
}

UNUSED static void listener_close(struct fake_listener *listener)
{
    MUST(write(listener->stop[1], "x", 1) == 1);
    (void)pthread_join(listener->thread, NULL);
    while (listener->count != 0)
        listener_drop(listener, 0);
    (void)close(listener->fd);
    (void)close(listener->stop[0]);
    (void)close(listener->stop[1]);
    fake_deinit(&listener->fake);
    free(listener);
}

#endif
