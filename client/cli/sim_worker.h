/* sim_worker: payment workers with a bank behind them that is late, lost or silent as often as one likes.
 *
 *      poll -> execute on the bank -> what becomes of the answer? -> events and acks, in frames
 *
 *      told       the event goes out at once, with the lease
 *      late       the command is acknowledged, the event follows, like a webhook
 *      lost       executed, and the worker does not hear: half of them say "unknown", and the bank is
 *                 asked; half vanish, and get the command again under its key when the lease is over
 *      no answer  not executed, and the worker does not know that: "unknown", and the bank is asked
 *      duplicate  told twice, the second time later
 *      reorder    told a little later, so that others overtake it
 *      action     the shopper must act first, and does, or is declined
 *
 * A QUERY is answered with the truth: what was executed under the key, or that there is no such payment;
 * about a void of a payment that is there, that it has failed.
 * What happens to a command is drawn from the seed and its key alone, so the same keys have the same fate
 * whatever the workers do first.
 *
 * Threads    `options.threads` workers share a client, the bank and the agenda; one lock, never held
 *            over a call.
 * Failure    a worker that gets no answer says so and ends; the others go on.
 * Not here   what is printed: verb_psp_sim.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_SIM_WORKER_H
#define SOUK_CLIENT_CLI_SIM_WORKER_H

#include "client/cli/sim_bank.h"

#define SIM_CERTAIN     1000000u /* rates are per million */
#define SIM_EFFECTS_MAX 8u

struct sim_options {
    u64 seed;
    u32 group;
    u32 decline, action, timeout, lost, duplicate, reorder, fail; /* per million */
    u32 late_ms;                                                  /* 0 to this, every answer */
    u32 lease_ms;
    u32 batch; /* most commands at once */
    u32 threads;
};

struct sim_counts {
    u64 commands, authorize, capture, void_, refund, query, notify;
    u64 events, effects[SIM_EFFECTS_MAX];
    u64 acks, late, lost, vanished, timeouts, duplicates, reordered, actions;
    u64 lease_lost, refused; /* answers to events and acks */
    u16 last_refusal;        /* a status */
    int error;               /* enum souk_error that ended a worker */
};

struct sim_workers;

/* Starts the workers. NULL: no threads. */
struct sim_workers *sim_workers_start(struct souk_client *client,
                                      const struct sim_options *options);
/* Whether nothing has happened for `ms`, and nothing is to come that they know of. */
bool sim_workers_are_idle(struct sim_workers *workers, u64 ms);
/* Whether all have ended, which they do only for lack of a server. */
bool sim_workers_have_ended(struct sim_workers *workers);
/* Ends them: events that are to come are told now. The bank is the caller's then. */
struct sim_bank *sim_workers_stop(struct sim_workers *workers, struct sim_counts *counts);

#endif
