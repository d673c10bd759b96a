/* listener: see listener.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "engine/reactor.h"

union any_address {
    struct sockaddr base;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static socklen_t tcp_address(const struct config *config, u16 port, union any_address *address)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, config->listen_host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return sizeof address->v4;
    }
    MUST(inet_pton(AF_INET6, config->listen_host, &address->v6.sin6_addr) == 1);
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(port);
    return sizeof address->v6;
}

/* A bound socket or -errno. SO_REUSEPORT would let two servers share a port without noticing, so
 * somebody else's listener is looked for first, by binding without it. */
static int bind_tcp(const struct config *config, u16 port, bool is_shared)
{
    union any_address address;
    const socklen_t bytes = tcp_address(config, port, &address);
    const int fd = socket(address.base.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (is_shared)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* bbr without fair queueing collapses on loopback when the processor is contended */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
    if (bind(fd, &address.base, bytes) != 0) {
        const int error = -errno;
        (void)close(fd);
        return error;
    }
    return fd;
}

static u16 bound_port(int fd)
{
    union any_address address;
    socklen_t bytes = sizeof address;
    MUST(getsockname(fd, &address.base, &bytes) == 0);
    return ntohs(address.base.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static int bind_all_tcp(struct server *server)
{
    const struct config *config = &server->config;
    u16 port = config->listen_port;
    const int probe = bind_tcp(config, port, false);
    if (probe < 0)
        return probe;
    if (port != 0) {
        /* somebody's bound socket without SO_REUSEPORT shows here, a listening one in any case */
        const int error = listen(probe, 1) == 0 ? 0 : -errno;
        (void)close(probe);
        if (error != 0)
            return error;
    } else {
        port = bound_port(probe);
        (void)close(probe);
    }
    for (u32 i = 0; i < server->reactor_count; i++) {
        server->tcp_fds[i] = bind_tcp(config, port, true);
        if (server->tcp_fds[i] < 0)
            return server->tcp_fds[i];
    }
    const bool is_v6 = strchr(config->listen_host, ':') != NULL;
    (void)snprintf(server->address, sizeof server->address, is_v6 ? "[%.60s]:%u" : "%.60s:%u",
                   config->listen_host, port);
    return 0;
}

/* Does a server answer on the socket file, or is it left over? */
static bool is_alive(const union any_address *address)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    const bool is_refused =
        connect(fd, &address->base, sizeof address->local) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return !is_refused;
}

static int bind_unix(struct server *server)
{
    const char *path = server->config.unix_path;
    union any_address address;
    memset(&address, 0, sizeof address);
    address.local.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.local.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.local.sun_path, path, strlen(path) + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = bind(fd, &address.base, sizeof address.local) == 0 ? 0 : -errno;
    if (error == -EADDRINUSE && !is_alive(&address) && unlink(path) == 0)
        error = bind(fd, &address.base, sizeof address.local) == 0 ? 0 : -errno;
    if (error != 0) {
        (void)close(fd);
        return error;
    }
    server->unix_fd = fd;
    return 0;
}

/* A server that was killed holds its address for some milliseconds more, because its ring is taken
 * down after its end. So an address in use is asked for again for a while, before it is refused. */
static int bind_patiently(struct server *server, int (*bind_once)(struct server *))
{
    int error = bind_once(server);
    for (u32 i = 0; error == -EADDRINUSE && i < LISTENER_TRIES; i++) {
        const struct timespec pause = {.tv_nsec = (long)(LISTENER_WAIT_NS / LISTENER_TRIES)};
        (void)nanosleep(&pause, NULL);
        error = bind_once(server);
    }
    return error;
}

int listener_bind_all(struct server *server, char *reason, size_t reason_bytes)
{
    const struct config *config = &server->config;
    (void)snprintf(server->address, sizeof server->address, "none");
    int error = 0;
    if (config->listen_host[0] != '\0') {
        error = bind_patiently(server, bind_all_tcp);
        if (error != 0) {
            (void)snprintf(reason, reason_bytes, "cannot listen on %s: %s", config->listen,
                           error == -EADDRINUSE ? "another server has that port"
                                                : strerror(-error));
            return error;
        }
    }
    if (config->unix_path[0] != '\0') {
        error = bind_patiently(server, bind_unix);
        if (error != 0)
            (void)snprintf(reason, reason_bytes, "cannot listen on the Unix socket %s: %s",
                           config->unix_path,
                           error == -EADDRINUSE ? "another server, or another file, is there"
                                                : strerror(-error));
    }
    return error;
}

int listener_listen_all(struct server *server, char *reason, size_t reason_bytes)
{
    int error = 0;
    for (u32 i = 0; error == 0 && i < server->reactor_count; i++)
        if (server->tcp_fds[i] >= 0 && listen(server->tcp_fds[i], LISTENER_BACKLOG) != 0)
            error = -errno;
    if (error == 0 && server->unix_fd >= 0 && listen(server->unix_fd, LISTENER_BACKLOG) != 0)
        error = -errno;
    if (error != 0)
        (void)snprintf(reason, reason_bytes, "cannot listen on %s: %s", server->address,
                       strerror(-error));
    return error;
}

void listener_close_all(struct server *server)
{
    for (u32 i = 0; i < REACTORS_MAX; i++) {
        if (server->tcp_fds[i] >= 0)
            (void)close(server->tcp_fds[i]);
        server->tcp_fds[i] = -1;
    }
    if (server->unix_fd >= 0) {
        (void)close(server->unix_fd);
        (void)unlink(server->config.unix_path);
    }
    server->unix_fd = -1;
}

/* ---- in the reactor -------------------------------------------------------------------------- */

static void on_accept_done(struct ring_op *op, const struct ring_completion *completion)
{
    struct listener *listener =
        (struct listener *)(void *)((u8 *)op - offsetof(struct listener, op));
    struct reactor *reactor = listener->reactor;
    if (completion->result >= 0) {
        if (listener->is_stopped)
            ring_close_fd(reactor->ring, completion->result);
        else
            (void)connection_open(reactor, completion->result, listener->is_tcp);
    }
    if (!completion->is_last || listener->is_stopped)
        return;
    if (completion->result >= 0 || completion->result == -EINTR ||
        completion->result == -ECONNABORTED) {
        ring_accept(reactor->ring, &listener->op, listener->fd);
        return;
    }
    listener->rest_until_ns = reactor->now_ns + LISTENER_REST_NS;
    log_line(&reactor->server->log, LOG_LEVEL_WARN, "accept_failed", "reactor=%u error=\"%s\"",
             reactor->index, strerror(-completion->result));
}

void listener_init(struct listener *listener, struct reactor *reactor, int fd, bool is_tcp)
{
    *listener = (struct listener){
        .op = {.done = on_accept_done}, .reactor = reactor, .fd = fd, .is_tcp = is_tcp};
}

void listener_start(struct listener *listener)
{
    if (listener->fd >= 0)
        ring_accept(listener->reactor->ring, &listener->op, listener->fd);
}

u64 listener_tick(struct listener *listener, u64 now_ns)
{
    if (listener->rest_until_ns == 0 || listener->is_stopped)
        return UINT64_MAX;
    if (now_ns < listener->rest_until_ns)
        return listener->rest_until_ns;
    listener->rest_until_ns = 0;
    listener_start(listener);
    return UINT64_MAX;
}

void listener_stop(struct listener *listener)
{
    listener->is_stopped = true;
    if (listener->fd >= 0)
        ring_cancel(listener->reactor->ring, &listener->op);
}
