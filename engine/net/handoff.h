/* handoff: a connection moves to the reactor of the shard that it mostly talks to.
 *
 *      old reactor                                  new reactor
 *      hello answered, receiving cancelled
 *      all operations FREE, all sent
 *      descriptor + unread bytes --SOCKET mail-->   connection opened, unread bytes served first
 *      release                   <------DONE-----
 *
 * So the common operation is executed by the core that received it, on one port.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_HANDOFF_H
#define SOUK_ENGINE_NET_HANDOFF_H

#include "engine/mailbox.h"
#include "engine/net/connection.h"

/* The connection is quiet and its state MOVING: sends it away and frees its slot. */
void handoff_send(struct reactor *reactor, struct connection *connection);
/* A socket has come. */
void handoff_receive(struct reactor *reactor, struct mail *mail);

#endif
