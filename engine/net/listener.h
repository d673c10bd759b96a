/* listener: sockets that accept connections.
 *
 * TCP: one listener per reactor on the same port (SO_REUSEPORT), so the kernel spreads connections
 * over the cores; `hello` then moves each to the core of its shard. Unix: one socket, accepted by
 * reactor 0. Options (TCP_NODELAY, congestion control cubic) are set on the listener and inherited.
 *
 * Failure    binding: -errno and a sentence. Accepting: the listener rests for LISTENER_REST_NS when
 *            descriptors or memory run out, so that a full table does not become a busy loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_LISTENER_H
#define SOUK_ENGINE_NET_LISTENER_H

#include "engine/ring/ring.h"
#include "engine/server.h"

#define LISTENER_BACKLOG 4096
#define LISTENER_REST_NS (100 * NS_PER_MS)
#define LISTENER_WAIT_NS NS_PER_S /* for an address in use */
#define LISTENER_TRIES   50u

struct reactor;

struct listener {
    struct ring_op op;
    struct reactor *reactor;
    int fd; /* -1: not in use */
    bool is_tcp;
    bool is_stopped;
    u64 rest_until_ns; /* 0: not resting */
};

/* Binds all sockets of the server (nobody can connect yet) and sets its address. 0 or -errno with a
 * reason. */
NODISCARD int listener_bind_all(struct server *server, char *reason, size_t reason_bytes);
/* From now on clients can connect. */
NODISCARD int listener_listen_all(struct server *server, char *reason, size_t reason_bytes);
/* Closes them and removes the Unix socket's file. */
void listener_close_all(struct server *server);

void listener_init(struct listener *listener, struct reactor *reactor, int fd, bool is_tcp);
void listener_start(struct listener *listener);
/* Re-arms after a rest; returns when it wants to be called at the latest, UINT64_MAX: never. */
u64 listener_tick(struct listener *listener, u64 now_ns);
void listener_stop(struct listener *listener);

#endif
