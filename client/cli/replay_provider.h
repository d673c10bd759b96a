/* replay_provider: the payment provider of a replay as orders, which does at once what it is asked.
 *
 *      command_poll on all shards -> authorize, capture, void, refund: payment_event with the result
 *                                    notify shipped: command_ack
 *                                    query: the result of what it asks about
 *
 * It is honest and keeps no list: the answer to a command follows from its key, so a command that is
 * delivered twice is answered twice alike, the reference included, and the server counts it once. What
 * a query asks about was either done under that key, or is done now: the answer is the same.
 * Providers that lose, delay or decline are `souk psp-sim`.
 *
 * Threads  up to four of its own, which share a client of its own; provider_failure may be called by
 *          any.
 * Failure  while the server is away it goes on trying. A refusal that no answer explains ends it, and
 *          provider_failure says why: the replay must not wait for it.
 * A command that the process had leased when it was killed is given again when its lease is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_PROVIDER_H
#define SOUK_CLIENT_REPLAY_PROVIDER_H

#include "client/lib/souk.h"
#include "proto/base.h"

struct provider;

/* Answers with so many threads, at most four. Takes the client over, in any case. NULL: no thread could be made. */
struct provider *provider_start(struct souk_client *client, u32 desks);
/* NULL, or why it has ended. `provider` may be NULL. */
const char *provider_failure(struct provider *provider);
/* Ends the thread and closes its client. NULL is fine. */
void provider_stop(struct provider *provider);

/* The event that answers a command; false for a notification, which is acknowledged. For tests too. */
bool provider_answer(const struct souk_command_poll_reply *command,
                     struct souk_payment_event *event);

#endif
