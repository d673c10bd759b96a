/* replay_drive: carries out the events of a replay as orders: many at once, those of one customer one
 * after another.
 *
 *      book_choose -> slot -> steps, each one call -> the event is over -> journal -> slot is free
 *
 *      order       checkout -> wait until PAID, or refused -> plan a parcel -> ship -> wait -> deliver
 *      return      per order it takes from: open -> approve -> receive -> refund -> wait until given
 *                  back; then wait until the units are on the shelf
 *      correction  look at the level -> take out what is there, by a lane (replay_run.h)
 *
 * There are as many slots as clients; a slot is a client with at most one call under way. What the
 * provider does goes on in a thread of its own (replay_provider.h).
 *
 * Invariants
 *   D1  every step names its object (order, parcel 1, return N), so it may be repeated: after an answer
 *       that was lost, or by the next process, which begins the event again at its first step.
 *   D2  an event is in the journal only when nothing of it is left to do.
 * Failure    a step without an answer is repeated until the server was away for retry_ms; a refusal
 *            that no rule provides for, and an event that does not end, stop the run with the order's
 *            number and the reason.
 * Threads  one, that of the run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_DRIVE_H
#define SOUK_CLIENT_REPLAY_DRIVE_H

#include "client/cli/replay_progress.h"
#include "client/cli/replay_run.h"

struct slot {
    struct run *run;
    struct souk_client *client;
    u32 event; /* REPLAY_NONE = free */
    u16 state; /* of the order, as it was seen last */
    u16 zero0;
    void (*again)(struct slot *slot); /* the step under way, or the one after a pause */
    u64 due_ns;                       /* end of the pause; 0 = a call is under way */
    u64 pause_ns;                     /* of the last pause; grows */
    u64 began_ns;
    u64 checkout_ns;         /* when the checkout was sent; 0 = it is not measured */
    struct souk_id128 order; /* that the step is about */
    i64 units;               /* of a correction: to be taken out */
    u32 looks;               /* of an order: at its parcel */
    u32 zero1;
    /* Of a return: what comes back, grouped by order. */
    struct book_part *parts;
    u32 part_count;
    u32 group; /* first part of the order that the step is about */
    u32 group_end;
    u32 number; /* of the return of that order */
    u32 shelf;  /* part whose SKU is looked at */
};

/* Runs events until all are done, `stop_after` is reached, or the run fails. */
void drive_all(struct run *run, struct progress *progress);
/* Frees what drive_all made; after the clients were closed. */
void drive_end(struct run *run);

/* ---- for the steps (replay_order.c, replay_return.c) and replay_run.c ---- */

void drive_order(struct slot *slot); /* the first step of each kind */
void drive_return(struct slot *slot);
void drive_correction(struct slot *slot);

/* Sends one record; `again` is the step, for repeating it. */
void drive_call(struct slot *slot, u16 op, const void *record, souk_callback *on_answer,
                void (*again)(struct slot *slot));
/* Whether a callback may go on: there is an answer. Else the step is repeated, or the run has ended. */
bool drive_has_answer(struct slot *slot, int error);
/* Goes on at a step after a pause; pauses grow until drive_moved. */
void drive_pause(struct slot *slot, void (*again)(struct slot *slot));
void drive_moved(struct slot *slot);
/* The server refused what it must not refuse. */
void drive_refused(struct slot *slot, const char *what, u16 status);
/* The event is over: book and journal; the slot is free. */
void drive_end_event(struct slot *slot, u16 status, i64 value);
/* The same, where the book knows it already. */
void drive_event_over(struct slot *slot);

#endif
