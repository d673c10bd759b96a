/* replay_events: see client/cli/replay_events.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_events.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

/* Events by a text of theirs: by invoice, each once; by customer, the latest. Open addressing. */
struct event_table {
    u32 *slots;
    u32 mask;
    bool is_by_customer;
};

struct maker {
    struct replay_events *events;
    struct event_table invoices;
    struct event_table customers;
    u32 *last_lines; /* of each event */
    const char *name;
    FILE *errors;
};

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count + 1, bytes);
    MUST(memory != NULL);
    return memory;
}

static struct event_table make_table(u32 count, bool is_by_customer)
{
    u32 slots = 1024;
    while (slots / 2 < count)
        slots *= 2;
    struct event_table table = {allocate(slots, sizeof(u32)), slots - 1, is_by_customer};
    memset(table.slots, 0xFF, slots * sizeof *table.slots);
    return table;
}

static u32 *find_event(const struct maker *maker, const struct event_table *table, const char *text)
{
    u32 at = (u32)souk_id(text, strlen(text)) & table->mask;
    for (; table->slots[at] != REPLAY_NONE; at = (at + 1) & table->mask) {
        const struct replay_event *event = &maker->events->events[table->slots[at]];
        if (strcmp(table->is_by_customer ? event->customer : event->invoice, text) == 0)
            break;
    }
    return &table->slots[at];
}

static u32 add_event(struct maker *maker, enum replay_event_kind kind, u32 line)
{
    struct replay_events *events = maker->events;
    const struct replay_line *planned = &events->plan->lines[line];
    const u32 index = events->count++;
    struct replay_event *event = &events->events[index];
    *event = (struct replay_event){.invoice = planned->invoice,
                                   .customer = "",
                                   .first_line = line,
                                   .previous = REPLAY_NONE,
                                   .next = REPLAY_NONE,
                                   .kind = kind};
    events->kind_events[kind]++;
    if (kind == REPLAY_EVENT_CORRECTION)
        return index;
    event->customer = planned->customer;
    if (event->customer[0] == '\0') {
        event->user_id = souk_guest(event->invoice);
        events->guest_orders += kind == REPLAY_EVENT_ORDER;
        return index;
    }
    event->user_id = souk_id(event->customer, strlen(event->customer));
    u32 *latest = find_event(maker, &maker->customers, event->customer);
    event->previous = *latest;
    if (*latest != REPLAY_NONE)
        events->events[*latest].next = index;
    *latest = index;
    return index;
}

/* NULL, or why the line cannot be part of the event. */
static const char *add_line(struct maker *maker, u32 index, u32 line)
{
    struct replay_events *events = maker->events;
    const struct replay_line *planned = &events->plan->lines[line];
    struct replay_event *event = &events->events[index];
    i64 minor = 0;
    if (event->kind != REPLAY_EVENT_CORRECTION && strcmp(event->customer, planned->customer) != 0)
        return "has another customer than the lines before it";
    if (event->line_count == ORDER_LINES_MAX)
        return "has more lines than an order may have";
    if (event->kind == REPLAY_EVENT_ORDER &&
        (__builtin_mul_overflow(planned->quantity, planned->price, &minor) ||
         __builtin_add_overflow(event->minor, minor, &minor) || minor > PRICE_MAX))
        return "costs more than an order may";
    if (event->kind == REPLAY_EVENT_ORDER)
        event->minor = minor;
    event->units += planned->quantity;
    events->lines[line] = (struct replay_event_line){index, REPLAY_NONE, event->line_count};
    if (event->line_count++ > 0)
        events->lines[maker->last_lines[index]].next = line;
    maker->last_lines[index] = line;
    return NULL;
}

static bool place_line(struct maker *maker, u32 line)
{
    const struct replay_line *planned = &maker->events->plan->lines[line];
    u32 index;
    if (planned->rule == REPLAY_RULE_CORRECTION) {
        index = add_event(maker, REPLAY_EVENT_CORRECTION, line);
    } else {
        /* An invoice has sales or cancellations, never both: its number decides. */
        u32 *slot = find_event(maker, &maker->invoices, planned->invoice);
        if (*slot == REPLAY_NONE)
            *slot = add_event(
                maker, planned->rule == REPLAY_RULE_SALE ? REPLAY_EVENT_ORDER : REPLAY_EVENT_RETURN,
                line);
        index = *slot;
    }
    const char *reason = add_line(maker, index, line);
    if (reason != NULL)
        (void)fprintf(maker->errors, "souk: %s:%u: invoice %s %s\n", maker->name,
                      planned->file_line, planned->invoice, reason);
    return reason == NULL;
}

bool replay_events_make(struct replay_events *events, const struct replay_plan *plan,
                        const char *name, FILE *errors)
{
    memset(events, 0, sizeof *events);
    events->plan = plan;
    events->lines = allocate(plan->line_count, sizeof *events->lines);
    events->events = allocate(plan->line_count, sizeof *events->events);
    struct maker maker = {.events = events,
                          .invoices = make_table(plan->line_count, false),
                          .customers = make_table(plan->line_count, true),
                          .last_lines = allocate(plan->line_count, sizeof(u32)),
                          .name = name,
                          .errors = errors};
    bool is_good = true;
    for (u32 i = 0; i < plan->line_count; i++) {
        const u8 rule = plan->lines[i].rule;
        events->lines[i] = (struct replay_event_line){REPLAY_NONE, REPLAY_NONE, 0};
        if (rule != REPLAY_RULE_CHARGE && rule != REPLAY_RULE_UNPRICED)
            is_good = place_line(&maker, i);
        if (!is_good)
            break;
    }
    free(maker.invoices.slots);
    free(maker.customers.slots);
    free(maker.last_lines);
    return is_good;
}

void replay_events_close(struct replay_events *events)
{
    free(events->events);
    free(events->lines);
    memset(events, 0, sizeof *events);
}

struct souk_id128 replay_order_id(const struct replay_events *events, u32 event, u64 start_ms)
{
    MUST(event < events->count && events->events[event].kind == REPLAY_EVENT_ORDER);
    /* The low 16 bits number events; beyond them a later millisecond is named, which is as unique. */
    return (struct souk_id128){.high = events->events[event].user_id,
                               .low = (start_ms << 16) + event};
}
