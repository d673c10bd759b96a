/* replay_book: see client/cli/replay_book.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_book.h"

#include <stdlib.h>
#include <string.h>

void book_init(struct book *book, const struct replay_events *events, struct shop *shop)
{
    const struct replay_plan *plan = events->plan;
    memset(book, 0, sizeof *book);
    book->events = events;
    book->shop = shop;
    shop->is_booked = events->count > 0;
    book->entries = calloc(events->count + 1, sizeof *book->entries);
    book->left = calloc(plan->line_count + 1, sizeof *book->left);
    book->skus = calloc(plan->sku_count + 1, sizeof *book->skus);
    MUST(book->entries != NULL && book->left != NULL && book->skus != NULL);
}

void book_deinit(struct book *book)
{
    free(book->entries);
    free(book->left);
    free(book->skus);
    memset(book, 0, sizeof *book);
}

bool book_is_complete(const struct book *book)
{
    return book->first_open == book->events->count;
}

#define EACH_LINE(line, book, event)                     \
    u32 line = (book)->events->events[event].first_line; \
    line != REPLAY_NONE;                                 \
    line = (book)->events->lines[line].next

static struct book_sku *sku_of(struct book *book, u32 line)
{
    return &book->skus[book->events->plan->lines[line].sku];
}

/* ---- choosing ---- */

static bool may_begin(struct book *book, u32 event)
{
    const struct replay_event *planned = &book->events->events[event];
    if (planned->previous != REPLAY_NONE && book->entries[planned->previous].state != BOOK_DONE)
        return false; /* B1 */
    if (planned->kind == REPLAY_EVENT_RETURN)
        return true;
    if (planned->kind == REPLAY_EVENT_CORRECTION) {
        struct book_sku *sku = sku_of(book, planned->first_line);
        const bool may = sku->orders == 0 && !sku->is_barred && sku->scan != book->scan;
        if (!may)
            sku->scan = book->scan;
        return may;
    }
    for (EACH_LINE(line, book, event)) {
        const struct book_sku *sku = sku_of(book, line);
        if (sku->is_barred || sku->scan == book->scan)
            return false; /* B2 */
    }
    return true;
}

static void begin(struct book *book, u32 event)
{
    const struct replay_event *planned = &book->events->events[event];
    MUST(book->entries[event].state == BOOK_OPEN);
    book->entries[event].state = BOOK_RUNNING;
    if (planned->kind == REPLAY_EVENT_CORRECTION)
        sku_of(book, planned->first_line)->is_barred = 1;
    if (planned->kind == REPLAY_EVENT_ORDER)
        for (EACH_LINE(line, book, event))
            sku_of(book, line)->orders++;
}

static void end(struct book *book, u32 event)
{
    const struct replay_event *planned = &book->events->events[event];
    const bool was_running = book->entries[event].state == BOOK_RUNNING;
    book->entries[event].state = BOOK_DONE;
    if (was_running && planned->kind == REPLAY_EVENT_CORRECTION)
        sku_of(book, planned->first_line)->is_barred = 0;
    if (was_running && planned->kind == REPLAY_EVENT_ORDER)
        for (EACH_LINE(line, book, event)) {
            MUST(sku_of(book, line)->orders > 0);
            sku_of(book, line)->orders--;
        }
    while (book->first_open < book->events->count &&
           book->entries[book->first_open].state == BOOK_DONE)
        book->first_open++;
}

u32 book_choose(struct book *book, u32 *events, u32 most)
{
    const u32 last = MIN(book->events->count, book->first_open + BOOK_WINDOW_EVENTS);
    u32 chosen = 0;
    book->scan++;
    for (u32 event = book->first_open; event < last && chosen < most; event++) {
        if (book->entries[event].state != BOOK_OPEN || !may_begin(book, event))
            continue;
        begin(book, event);
        events[chosen++] = event;
    }
    return chosen;
}

/* ---- returns ---- */

static int compare_parts(const void *left, const void *right)
{
    const struct book_part *a = left, *b = right;
    if (a->order != b->order)
        return a->order > b->order ? -1 : 1; /* the newest order first */
    return a->line < b->line ? -1 : a->line > b->line;
}

/* Parts as they are gathered. */
struct parts {
    struct book_part *rows;
    u32 count;
    u32 capacity;
};

static void add_part(struct parts *parts, struct book_part part)
{
    for (u32 i = 0; i < parts->count; i++)
        if (parts->rows[i].line == part.line) {
            parts->rows[i].units += part.units;
            return;
        }
    if (parts->count == parts->capacity) {
        parts->capacity = parts->capacity * 2 + 16;
        parts->rows = realloc(parts->rows, parts->capacity * sizeof *parts->rows);
        MUST(parts->rows != NULL);
    }
    parts->rows[parts->count++] = part;
}

/* Up to `wanted` units of the SKU out of one order's lines; returns how many there were. */
static i64 take_from_order(struct book *book, u32 order, u32 sku, i64 wanted, struct parts *parts)
{
    i64 found = 0;
    for (EACH_LINE(line, book, order)) {
        if (book->events->plan->lines[line].sku != sku || book->left[line] == 0)
            continue;
        if (found == wanted)
            break;
        const i64 units = MIN(book->left[line], wanted - found);
        book->left[line] -= units;
        found += units;
        add_part(parts, (struct book_part){order, line, units});
    }
    return found;
}

u32 book_parts_of(struct book *book, u32 event, struct book_part **to)
{
    const struct replay_event *events = book->events->events;
    struct parts parts = {0};
    MUST(events[event].kind == REPLAY_EVENT_RETURN);
    for (EACH_LINE(line, book, event)) {
        const struct replay_line *planned = &book->events->plan->lines[line];
        i64 wanted = planned->quantity;
        for (u32 order = events[event].previous; order != REPLAY_NONE && wanted > 0;
             order = events[order].previous)
            if (events[order].kind == REPLAY_EVENT_ORDER && book->entries[order].status == SOUK_OK)
                wanted -= take_from_order(book, order, planned->sku, wanted, &parts);
    }
    for (u32 i = 0; i < parts.count; i++)
        book->left[parts.rows[i].line] += parts.rows[i].units;
    if (parts.count > 1)
        qsort(parts.rows, parts.count, sizeof *parts.rows, compare_parts);
    *to = parts.rows;
    return parts.count;
}

/* ---- ends ---- */

/* The lines of an event are over. */
static void end_lines(struct book *book, u32 event, u16 status)
{
    for (EACH_LINE(line, book, event)) {
        struct shop_line *own = &book->shop->lines[line];
        MUST(own->state != SHOP_LINE_DONE);
        own->state = SHOP_LINE_DONE;
        own->status = status;
        book->shop->totals.lines_done++;
    }
}

static void count_reason(struct book_totals *totals, u16 status, i64 units)
{
    u32 at = 0;
    while (at < totals->reason_count && totals->reasons[at].status != status)
        at++;
    if (at == BOOK_REASONS_MAX)
        return; /* more kinds than a checkout has: counted in the sum alone */
    if (at == totals->reason_count) {
        totals->reasons[at].status = status;
        totals->reason_count++;
    }
    totals->reasons[at].orders++;
    totals->reasons[at].units += units;
}

static const char *end_order(struct book *book, u32 event, u16 status, i64 captured)
{
    const struct replay_event *planned = &book->events->events[event];
    struct book_totals *totals = &book->totals;
    if (captured != (status == SOUK_OK ? planned->minor : 0))
        return "an order came to another amount";
    book->entries[event].money = captured;
    if (status != SOUK_OK) {
        totals->refused++;
        totals->refused_units += planned->units;
        totals->refused_minor += planned->minor;
        count_reason(totals, status, planned->units);
        return NULL;
    }
    totals->accepted++;
    totals->accepted_units += planned->units;
    totals->captured += captured;
    for (EACH_LINE(line, book, event)) {
        const struct replay_line *sold = &book->events->plan->lines[line];
        struct shop_sku *sku = &book->shop->skus[sold->sku];
        book->left[line] = sold->quantity;
        sku->shipped += sold->quantity;
        sku->sold_lines++;
        sku->revenue += sold->quantity * sold->price;
    }
    return NULL;
}

static const char *end_return(struct book *book, u32 event, u16 status, i64 refunded)
{
    struct book_event *own = &book->entries[event];
    struct book_totals *totals = &book->totals;
    struct book_part *parts;
    i64 worth = 0;
    if (status != SOUK_OK)
        return "a return was refused";
    const u32 count = book_parts_of(book, event, &parts);
    for (u32 i = 0; i < count; i++)
        worth += parts[i].units * book->events->plan->lines[parts[i].line].price;
    if (worth != refunded) {
        free(parts);
        return "a return came to another amount";
    }
    for (u32 i = 0; i < count; i++) {
        const struct replay_line *sold = &book->events->plan->lines[parts[i].line];
        struct book_event *order = &book->entries[parts[i].order];
        MUST(book->left[parts[i].line] >= parts[i].units); /* B3 */
        book->left[parts[i].line] -= parts[i].units;
        book->shop->skus[sold->sku].returned += parts[i].units;
        order->returned += parts[i].units;
        order->refunded += parts[i].units * sold->price;
        order->returns += i == 0 || parts[i].order != parts[i - 1].order;
        own->units += parts[i].units;
    }
    free(parts);
    own->money = refunded;
    totals->returns++;
    totals->returned_units += own->units;
    totals->unmatched_units += book->events->events[event].units - own->units;
    totals->refunded += refunded;
    return NULL;
}

static const char *end_correction(struct book *book, u32 event, u16 status, i64 units)
{
    const struct replay_event *planned = &book->events->events[event];
    struct shop_sku *sku = &book->shop->skus[book->events->plan->lines[planned->first_line].sku];
    if (units < 0 || units > planned->units || (status != SOUK_OK && units != 0))
        return "a correction took out another number of units";
    book->entries[event].units = units;
    sku->adjusted += units;
    book->totals.adjusted_units += units;
    book->totals.adjusted_beyond += planned->units - units;
    return NULL;
}

const char *book_end(struct book *book, u32 event, u16 status, i64 value)
{
    if (event >= book->events->count)
        return "no such event";
    const struct replay_event *planned = &book->events->events[event];
    struct book_event *own = &book->entries[event];
    if (own->state == BOOK_DONE)
        return "the event is over already";
    if (planned->previous != REPLAY_NONE && book->entries[planned->previous].state != BOOK_DONE)
        return "the event's turn has not come"; /* B1 */
    const char *reason = planned->kind == REPLAY_EVENT_ORDER ? end_order(book, event, status, value)
                         : planned->kind == REPLAY_EVENT_RETURN
                             ? end_return(book, event, status, value)
                             : end_correction(book, event, status, value);
    if (reason != NULL)
        return reason;
    own->status = status;
    end_lines(book, event, status);
    end(book, event);
    return NULL;
}

const char *book_check_adjustment(const struct book *book, struct shop_item item)
{
    const struct replay_plan *plan = book->events->plan;
    if (item.index >= plan->line_count || plan->lines[item.index].rule != REPLAY_RULE_CORRECTION)
        return "no such correction";
    if (book->shop->lines[item.index].state == SHOP_LINE_DONE)
        return "the correction is done already";
    return item.quantity < 1 || item.quantity > plan->lines[item.index].quantity
               ? "the correction needs something else"
               : NULL;
}
