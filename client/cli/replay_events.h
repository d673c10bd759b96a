/* replay_events: the lines of a plan as what happens in a shop: orders, returns, corrections. The rules
 * are in docs/replay.md, "Invoices as orders".
 *
 *      plan: lines in time order -> events in order, each at the place of the first of its lines
 *                                   -> chains: the lines of an event, the events of a customer
 *
 *      ORDER       all sales of an invoice       one checkout of its customer
 *      RETURN      all cancellations of one      out of what the customer bought before
 *      CORRECTION  one correction                nobody's
 *
 * Like the plan, events depend on the file alone, so a replay that was killed numbers them alike: the
 * id of an order is made of its user, the time at which the replay began, and the event's number.
 *
 * Ownership  the plan owns lines and texts; the events own the rest.
 * Failure    an invoice of two customers, or one that is too large, ends the making: it is told with
 *            its line, and nothing has been sent to anybody.
 * Not here   outcomes (replay_book.h), the server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_EVENTS_H
#define SOUK_CLIENT_REPLAY_EVENTS_H

#include "client/cli/replay_plan.h"

enum replay_event_kind {
    REPLAY_EVENT_ORDER = 0,
    REPLAY_EVENT_RETURN = 1,
    REPLAY_EVENT_CORRECTION = 2,
    REPLAY_EVENT_KINDS
};

struct replay_event {
    const char *invoice;
    const char *customer; /* "" = a guest, or nobody */
    u64 user_id;
    i64 units;
    i64 minor;      /* of an order: its total */
    u32 first_line; /* chain through lines[].next */
    u32 line_count;
    u32 previous; /* event of the same customer; REPLAY_NONE */
    u32 next;
    u32 kind; /* enum replay_event_kind */
    u32 zero0;
};

struct replay_event_line {
    u32 event; /* REPLAY_NONE: of none */
    u32 next;  /* of the same event, REPLAY_NONE */
    u32 index; /* within the event, from 0: that of the order's line */
};

struct replay_events {
    const struct replay_plan *plan;
    struct replay_event *events;
    u32 count;
    struct replay_event_line *lines; /* as many as the plan has */
    u64 kind_events[REPLAY_EVENT_KINDS];
    u64 guest_orders;
};

/* Returns false after a message to `errors`; close in both cases. */
NODISCARD bool replay_events_make(struct replay_events *events, const struct replay_plan *plan,
                                  const char *name, FILE *errors);
void replay_events_close(struct replay_events *events);

/* The order's id, for a replay that began at start_ms. */
struct souk_id128 replay_order_id(const struct replay_events *events, u32 event, u64 start_ms);

#endif
