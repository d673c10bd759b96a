/* bench_socket: listening and connecting, TCP on loopback and Unix sockets alike.
 *
 * An address is "HOST:PORT" (IPv4 numbers) or a path that contains a slash. Every TCP socket gets
 * TCP_NODELAY and the congestion control cubic: with bbr and no fq, loopback collapses when two
 * processes share a core, and a comparison would measure that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_COMMON_BENCH_SOCKET_H
#define SOUK_BENCH_COMMON_BENCH_SOCKET_H

#include "proto/base.h"

/* A blocking, connected descriptor, or -errno. */
NODISCARD int bench_connect(const char *address);
/* A listening descriptor, or -errno. `actual` (of at least 128 bytes) gets the address with the
 * port that the kernel chose. */
NODISCARD int bench_listen(const char *address, char *actual, size_t bytes);
/* TCP_NODELAY and cubic on an accepted socket; does nothing to a Unix socket. */
void bench_socket_tune(int fd);
/* Blocking transfer of exactly `bytes`: 0, or -errno (-EPIPE when the peer has closed). */
NODISCARD int bench_send_all(int fd, const void *data, size_t bytes);
NODISCARD int bench_recv_all(int fd, void *to, size_t bytes);

#endif
