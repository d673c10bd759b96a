/* link: one socket of the client to a server. Non-blocking; knows no frames.
 *
 * An address is "host:port", "host", "[ipv6]:port" or "unix:/path". It is resolved once, when the
 * client is opened, which may block; connecting tries the addresses found in turn, one per attempt.
 *
 * Failure   every function returns 0 or -errno.
 * Not here  retrying, framing, epoll.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_LINK_H
#define SOUK_CLIENT_LINK_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "proto/base.h"

#define LINK_ADDRESSES_MAX 8u
#define LINK_ADDRESS_TEXT  256u

struct link_target {
    char text[LINK_ADDRESS_TEXT]; /* as given */
    struct sockaddr_storage addresses[LINK_ADDRESSES_MAX];
    socklen_t lengths[LINK_ADDRESSES_MAX];
    u32 count;
    u32 next; /* the address that the next attempt takes */
    bool is_unix;
};

/* Fills `target`. Returns NULL or the reason why not, a static text. */
const char *link_resolve(struct link_target *target, const char *address);

/* Starts to connect; 0 and *fd when connected, -EINPROGRESS and *fd when under way, else -errno. */
int link_connect(struct link_target *target, int *fd);

/* After POLLOUT on a socket that was under way: 0 or why it failed. */
int link_connect_result(int fd);

/* Sends; returns bytes, 0 when the socket is full, or -errno. */
i64 link_send(int fd, struct iovec *vectors, u32 count);

/* Receives; returns bytes, 0 when there is nothing now, or -errno; -ECONNRESET at the end. */
i64 link_receive(int fd, u8 *to, u32 bytes);

#endif
