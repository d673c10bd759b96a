/* saga: the names and numbers that proto/saga.def expands to.
 *
 *      SAGA_STATE_PAID, SAGA_EVENT_CAPTURED, ORDER_SUMMARY_PAID, ORDER_EVENT_CAPTURED
 *      saga_way(SAGA_STATE_CAPTURING, SAGA_EVENT_CAPTURED) -> number of the line, which says where to
 *
 * Invariants
 *   I1  a state and an event name at most one line: a second one stops the build.
 *   I2  lines are numbered from 1 in the order of the file; these numbers are neither on the wire
 *       nor on disk.
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

enum saga_event {
    SAGA_EVENT_NONE = 0,
#define EVENT(NAME) SAGA_EVENT_##NAME,
#include "proto/saga.def"
    SAGA_EVENT_COUNT
};

/* The lines of the table. */
enum saga_line {
    SAGA_LINE_NONE = 0,
#define TRANSITION(FROM, EVENT, TO, text) SAGA_LINE_##FROM##_##EVENT,
#include "proto/saga.def"
    SAGA_LINE_COUNT
};

enum order_summary {
    ORDER_SUMMARY_NONE = 0,
#define SUMMARY(number, NAME, meaning) ORDER_SUMMARY_##NAME = number,
#include "proto/saga.def"
    ORDER_SUMMARY_COUNT
};
enum order_event_kind {
    ORDER_EVENT_NONE = 0,
#define HISTORY(number, NAME, words) ORDER_EVENT_##NAME = number,
#include "proto/saga.def"
    ORDER_EVENT_COUNT
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
    u16 event_number; /* enum saga_event */
};

/* NULL for a number that is no state. */
const struct saga_state_info *saga_state_find(u16 number);
/* "PAID"; "?" for a number that is no state. */
const char *saga_state_name(u16 number);
const char *order_summary_name(u16 number);
const char *order_event_name(u16 number);
/* The words of a kind of event in a history, with its marks (saga.def); "" for an unknown one. */
const char *order_event_words(u16 number);

/* Where each state and event lead (enum saga_line), each line (enum saga_state), and what kind of state
 * each is: as tables, since nothing else is asked so often. */
extern const u8 saga_ways[SAGA_STATE_COUNT][SAGA_EVENT_COUNT];
extern const u8 saga_targets[SAGA_LINE_COUNT];
extern const u8 saga_kinds[SAGA_STATE_COUNT];

/* The line of a state and an event, SAGA_LINE_NONE where there is no way. */
static inline u16 saga_way(u16 from, u16 event)
{
    return from < SAGA_STATE_COUNT && event < SAGA_EVENT_COUNT ? saga_ways[from][event]
                                                               : SAGA_LINE_NONE;
}
/* The line's target, of a line that is one. */
static inline u16 saga_target(u16 line)
{
    MUST(line != SAGA_LINE_NONE && line < SAGA_LINE_COUNT);
    return saga_targets[line];
}
/* The i-th line of the table (line i + 1), NULL past the end. */
const struct saga_transition *saga_transition_at(size_t index);
/* The line that leads from one state to another by an event ("CAPTURED"), NULL where there is none. */
const struct saga_transition *saga_transition_find(u16 from, const char *event, u16 to);

static inline bool saga_state_is(u16 state, enum saga_kind kind)
{
    return state < SAGA_STATE_COUNT && saga_kinds[state] == kind;
}

#endif
