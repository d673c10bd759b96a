/* bench_socket: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

union any_address {
    struct sockaddr any;
    struct sockaddr_in inet;
    struct sockaddr_un local;
};

/* Fills `to` and returns its length, or 0 when the text is not an address. */
static socklen_t parse_address(const char *text, union any_address *to)
{
    memset(to, 0, sizeof *to);
    if (strchr(text, '/') != NULL) {
        if (strlen(text) >= sizeof to->local.sun_path)
            return 0;
        to->local.sun_family = AF_UNIX;
        memcpy(to->local.sun_path, text, strlen(text) + 1);
        return sizeof to->local;
    }
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return 0;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    to->inet.sin_family = AF_INET;
    to->inet.sin_port = htons((u16)strtoul(colon + 1, NULL, 10));
    return inet_pton(AF_INET, host, &to->inet.sin_addr) == 1 ? sizeof to->inet : 0;
}

void bench_socket_tune(int fd)
{
    const int one = 1;
    /* Both fail on a Unix socket, which needs neither; cubic may be missing from a kernel. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

int bench_connect(const char *address)
{
    union any_address to;
    const socklen_t bytes = parse_address(address, &to);
    if (bytes == 0)
        return -EINVAL;
    const int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bench_socket_tune(fd);
    if (connect(fd, &to.any, bytes) != 0) {
        const int error = -errno;
        (void)close(fd);
        return error;
    }
    return fd;
}

int bench_listen(const char *address, char *actual, size_t bytes)
{
    union any_address to;
    socklen_t length = parse_address(address, &to);
    if (length == 0)
        return -EINVAL;
    const int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bench_socket_tune(fd);
    if (to.any.sa_family == AF_UNIX)
        (void)unlink(address);
    if (bind(fd, &to.any, length) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, &to.any, &length) != 0) {
        const int error = -errno;
        (void)close(fd);
        return error;
    }
    if (to.any.sa_family == AF_UNIX)
        (void)snprintf(actual, bytes, "%s", address);
    else
        (void)snprintf(actual, bytes, "%s:%u", inet_ntoa(to.inet.sin_addr),
                       ntohs(to.inet.sin_port));
    return fd;
}

int bench_send_all(int fd, const void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        const ssize_t sent = send(fd, (const u8 *)data + done, bytes - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -errno;
        done += (size_t)sent;
    }
    return 0;
}

int bench_recv_all(int fd, void *to, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        const ssize_t got = recv(fd, (u8 *)to + done, bytes - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? -EPIPE : -errno;
        done += (size_t)got;
    }
    return 0;
}
