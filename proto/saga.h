/* saga: the names and numbers that proto/saga.def expands to.
 *
 *      SAGA_STATE_PAID, SAGA_EVENT_CAPTURED, ORDER_SUMMARY_PAID, ORDER_EVENT_CAPTURED
 *      saga_next(SAGA_STATE_CAPTURING, SAGA_EVENT_CAPTURED, SAGA_STATE_PAID)   is it allowed?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_SAGA_H
#define SOUK_PROTO_SAGA_H

#include "proto/base.h"

enum saga_state {
    SAGA_STATE_NONE = 0,
#define STATE(number, NAME, KIND, meaning) SAGA_STATE_##NAME = number,
#include "proto/saga.def"
    SAGA_STATE_COUNT
};
enum saga_kind { SAGA_KIND_MOVING = 1, SAGA_KIND_WAITING = 2, SAGA_KIND_RESTING = 3 };

enum order_summary {
    ORDER_SUMMARY_NONE = 0,
#define SUMMARY(number, NAME, meaning) ORDER_SUMMARY_##NAME = number,
#include "proto/saga.def"
};
enum order_event_kind {
    ORDER_EVENT_NONE = 0,
#define HISTORY(number, NAME, words) ORDER_EVENT_##NAME = number,
#include "proto/saga.def"
};

struct saga_state_info {
    const char *name;
    const char *meaning;
    u16 number;
    u8 kind; /* enum saga_kind */
};
struct saga_transition {
    const char *event;
    const char *text;
    u16 from;
    u16 to;
};

/* NULL for a number that is no state. */
const struct saga_state_info *saga_state_find(u16 number);
/* "PAID"; "?" for a number that is no state. */
const char *saga_state_name(u16 number);
const char *order_summary_name(u16 number);
const char *order_event_name(u16 number);
/* The words of a kind of event in a history, with its marks (saga.def); "" for an unknown one. */
const char *order_event_words(u16 number);

/* The i-th line of the table, NULL past the end. */
const struct saga_transition *saga_transition_at(size_t index);
/* The line that leads from one state to another by an event ("CAPTURED"), NULL where there is none. */
const struct saga_transition *saga_transition_find(u16 from, const char *event, u16 to);

#endif
