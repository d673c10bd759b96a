/* link: sockets of the client. See link.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/lib/link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT_DEFAULT "7685"

static const char *resolve_unix(struct link_target *target, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof address.sun_path)
        return "the path of the socket is empty or too long";
    memcpy(address.sun_path, path, bytes + 1);
    memcpy(&target->addresses[0], &address, sizeof address);
    target->lengths[0] = (socklen_t)sizeof address;
    target->count = 1;
    target->is_unix = true;
    return NULL;
}

/* Splits "host:port"; both in `text`, which is changed. */
static const char *split(char *text, const char **host, const char **port)
{
    *port = PORT_DEFAULT;
    *host = text;
    char *colon = strrchr(text, ':');
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (end == NULL)
            return "a bracket is missing in the address";
        *host = text + 1;
        *end = '\0';
        colon = end[1] == ':' ? end + 1 : NULL;
    }
    if (colon != NULL) {
        *colon = '\0';
        *port = colon + 1;
    }
    return **host == '\0' || **port == '\0' ? "the address has no host or no port" : NULL;
}

const char *link_resolve(struct link_target *target, const char *address)
{
    *target = (struct link_target){.count = 0};
    const size_t bytes = strlen(address);
    if (bytes >= sizeof target->text)
        return "the address is too long";
    memcpy(target->text, address, bytes + 1);
    if (strncmp(address, "unix:", 5) == 0)
        return resolve_unix(target, address + 5);
    if (address[0] == '/')
        return resolve_unix(target, address);
    char text[LINK_ADDRESS_TEXT];
    memcpy(text, address, bytes + 1);
    const char *host;
    const char *port;
    const char *reason = split(text, &host, &port);
    if (reason != NULL)
        return reason;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    const int error = getaddrinfo(host, port, &hints, &list);
    if (error != 0)
        return gai_strerror(error);
    for (const struct addrinfo *at = list; at != NULL && target->count < LINK_ADDRESSES_MAX;
         at = at->ai_next) {
        if (at->ai_addrlen > sizeof target->addresses[0])
            continue;
        memcpy(&target->addresses[target->count], at->ai_addr, at->ai_addrlen);
        target->lengths[target->count++] = at->ai_addrlen;
    }
    freeaddrinfo(list);
    return target->count == 0 ? "the host has no address" : NULL;
}

int link_connect(struct link_target *target, int *fd)
{
    MUST(target->count != 0);
    const u32 which = target->next++ % target->count;
    const struct sockaddr_storage *address = &target->addresses[which];
    *fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return -errno;
    if (!target->is_unix) {
        const int yes = 1;
        (void)setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    if (connect(*fd, (const struct sockaddr *)address, target->lengths[which]) == 0)
        return 0;
    const int error = errno;
    if (error == EINPROGRESS)
        return -EINPROGRESS;
    (void)close(*fd);
    *fd = -1;
    return -error;
}

int link_connect_result(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
        return -errno;
    return -error;
}

static bool is_only_full(int error)
{
    return error == EAGAIN || error == EINTR || error == ENOBUFS;
}

i64 link_send(int fd, struct iovec *vectors, u32 count)
{
    const struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count};
    const ssize_t bytes = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (bytes >= 0)
        return bytes;
    return is_only_full(errno) ? 0 : -errno;
}

i64 link_receive(int fd, u8 *to, u32 bytes)
{
    const ssize_t received = recv(fd, to, bytes, MSG_DONTWAIT);
    if (received > 0)
        return received;
    if (received == 0)
        return -ECONNRESET;
    return is_only_full(errno) ? 0 : -errno;
}
