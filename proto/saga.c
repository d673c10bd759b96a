/* saga: the tables behind proto/saga.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/saga.h"

#include <string.h>

static const struct saga_state_info states[] = {
#define STATE(number_, NAME, KIND, meaning_) \
    [number_ - 1] = {#NAME, meaning_, number_, SAGA_KIND_##KIND},
#include "proto/saga.def"
};

static const struct saga_transition transitions[] = {
#define TRANSITION(FROM, EVENT, TO, text_) \
    {#EVENT, text_, SAGA_STATE_##FROM, SAGA_STATE_##TO, SAGA_EVENT_##EVENT},
#include "proto/saga.def"
};
STATIC_CHECK(ARRAY_COUNT(transitions) + 1 == SAGA_LINE_COUNT);
STATIC_CHECK(ARRAY_COUNT(states) + 1 == SAGA_STATE_COUNT); /* numbered from 1 without gaps */

/* A pair that is named twice is an error of the compiler. */
const u8 saga_ways[SAGA_STATE_COUNT][SAGA_EVENT_COUNT] = {
#define TRANSITION(FROM, EVENT, TO, text_) \
    [SAGA_STATE_##FROM][SAGA_EVENT_##EVENT] = SAGA_LINE_##FROM##_##EVENT,
#include "proto/saga.def"
};
const u8 saga_targets[SAGA_LINE_COUNT] = {
#define TRANSITION(FROM, EVENT, TO, text_) [SAGA_LINE_##FROM##_##EVENT] = SAGA_STATE_##TO,
#include "proto/saga.def"
};
const u8 saga_kinds[SAGA_STATE_COUNT] = {
#define STATE(number_, NAME, KIND, meaning_) [number_] = SAGA_KIND_##KIND,
#include "proto/saga.def"
};
STATIC_CHECK(SAGA_LINE_COUNT <= UINT8_MAX);

const struct saga_state_info *saga_state_find(u16 number)
{
    return number != SAGA_STATE_NONE && number < SAGA_STATE_COUNT ? &states[number - 1] : NULL;
}

const char *saga_state_name(u16 number)
{
    const struct saga_state_info *state = saga_state_find(number);
    return state != NULL ? state->name : "?";
}

struct named {
    const char *name;
    const char *words;
    u16 number;
};

static const struct named summaries[] = {
#define SUMMARY(number_, NAME, meaning) {#NAME, meaning, number_},
#include "proto/saga.def"
};

static const struct named kinds[] = {
#define HISTORY(number_, NAME, words_) {#NAME, words_, number_},
#include "proto/saga.def"
};

static const struct named *find_named(const struct named *table, size_t count, u16 number)
{
    static const struct named unknown = {"?", "", 0};
    for (size_t i = 0; i < count; i++)
        if (table[i].number == number)
            return &table[i];
    return &unknown;
}

const char *order_summary_name(u16 number)
{
    return find_named(summaries, ARRAY_COUNT(summaries), number)->name;
}

const char *order_event_name(u16 number)
{
    return find_named(kinds, ARRAY_COUNT(kinds), number)->name;
}

const char *order_event_words(u16 number)
{
    return find_named(kinds, ARRAY_COUNT(kinds), number)->words;
}

const struct saga_transition *saga_transition_at(size_t index)
{
    return index < ARRAY_COUNT(transitions) ? &transitions[index] : NULL;
}

const struct saga_transition *saga_transition_find(u16 from, const char *event, u16 to)
{
    for (size_t i = 0; i < ARRAY_COUNT(transitions); i++)
        if (transitions[i].from == from && transitions[i].to == to &&
            strcmp(transitions[i].event, event) == 0)
            return &transitions[i];
    return NULL;
}
