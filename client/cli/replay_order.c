/* replay_order: the steps of an order, and of a correction. See client/cli/replay_drive.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/replay_drive.h"

#define WAIT_MS    500u /* of one look; the next one follows */
#define PARCEL     1u
#define SHIP_AGAIN 64u /* looks at a parcel that has not left, until it is asked to leave again */

static void look(struct slot *slot);
static void pack(struct slot *slot);
static void deliver(struct slot *slot);

static const struct replay_event *event_of(const struct slot *slot)
{
    return &slot->run->events->events[slot->event];
}

/* ---- until it is paid ---- */

static void refuse(struct slot *slot, u16 reason)
{
    drive_end_event(slot, reason == SOUK_OK ? SOUK_ORDER_CANCELLED : reason, 0);
}

/* What comes next in this state of an order that is not refused. */
static void go_on(struct slot *slot, u16 state, u16 reason, bool is_settled)
{
    if (state != slot->state)
        drive_moved(slot);
    slot->state = state;
    switch (state) {
    case SOUK_STATE_CANCELLED: refuse(slot, reason); return;
    case SOUK_STATE_PAID:
        if (slot->checkout_ns != 0)
            run_note_latency(slot->run, slot->run->answer_ns - slot->checkout_ns);
        slot->checkout_ns = 0;
        pack(slot);
        return;
    case SOUK_STATE_SHIPPED: deliver(slot); return;
    case SOUK_STATE_DELIVERED: drive_end_event(slot, SOUK_OK, event_of(slot)->minor); return;
    default: break;
    }
    /* What is settled and is not the end waits for somebody else: a worker, or an operator. */
    if (is_settled)
        drive_pause(slot, look);
    else
        look(slot);
}

static void on_look(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_checkout_status_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "the order cannot be read", reply->status);
    else
        go_on(slot, reply->state, reply->reason, reply->is_settled != 0);
}

static void look(struct slot *slot)
{
    const struct souk_checkout_status record = {.order = slot->order, .wait_ms = WAIT_MS};
    drive_call(slot, SOUK_OP_CHECKOUT_STATUS, &record, on_look, look);
}

static void on_checkout(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_checkout_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK) {
        drive_refused(slot, "the checkout was not taken", reply->status);
        return;
    }
    if ((reply->flags & SOUK_FLAG_REPLAYED) != 0)
        slot->checkout_ns = 0; /* it was sent before: by an earlier run, say */
    go_on(slot, reply->state, reply->reason, reply->is_settled != 0);
}

static u32 fill_lines(struct slot *slot, u64 reason)
{
    const struct replay_events *events = slot->run->events;
    u32 count = 0;
    for (u32 line = event_of(slot)->first_line; line != REPLAY_NONE;
         line = events->lines[line].next) {
        const struct replay_line *planned = &events->plan->lines[line];
        slot->run->order_lines[count++] =
            (struct souk_row_checkout_line){.sku_id = events->plan->skus[planned->sku].resource.id,
                                            .quantity = planned->quantity,
                                            .agreed_price = planned->price,
                                            .reason = reason};
    }
    MUST(count == event_of(slot)->line_count);
    return count;
}

/* The same bytes whenever it is called: the order's id names them for ever. */
void drive_order(struct slot *slot)
{
    static const char data_set[] = "online-retail";
    const struct replay_event *event = event_of(slot);
    char token[SOUK_TEXT64_MAX];
    (void)snprintf(token, sizeof token, "card-%.40s",
                   event->customer[0] != '\0' ? event->customer : event->invoice);
    const struct souk_row_tender card = {
        .amount = event->minor, .kind = SOUK_TENDER_OUTSIDE, .token = souk_text64_of(token)};
    const u32 count = fill_lines(slot, souk_id(data_set, sizeof data_set - 1));
    slot->order = replay_order_id(slot->run->events, slot->event, slot->run->identity.start_ms);
    const struct souk_checkout record = {
        .order = slot->order,
        .expected_total = event->minor,
        .currency = REPLAY_CURRENCY,
        .capture = SOUK_CAPTURE_NOW,
        .lines = souk_rows_of(slot->run->order_lines, sizeof *slot->run->order_lines, count),
        .tenders = souk_rows_of(&card, sizeof card, event->minor > 0)};
    slot->checkout_ns = run_now_ns();
    drive_call(slot, SOUK_OP_CHECKOUT, &record, on_checkout, drive_order);
}

/* ---- until it has arrived ---- */

static void on_delivered(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_fulfil_deliver_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK) {
        drive_refused(slot, "the parcel could not be delivered", reply->status);
        return;
    }
    go_on(slot, reply->state, SOUK_OK, true);
}

static void deliver(struct slot *slot)
{
    const struct souk_fulfil_deliver record = {.order = slot->order, .number = PARCEL};
    drive_call(slot, SOUK_OP_FULFIL_DELIVER, &record, on_delivered, deliver);
}

/* Shipping asks the shards of all SKUs: it is over a little later. No read waits for that. */
static void on_parcel_looked_at(void *context, int error, const void *replies, uint32_t count);
static void ship(struct slot *slot);

static void look_at_parcel(struct slot *slot)
{
    const struct souk_checkout_status record = {.order = slot->order};
    drive_call(slot, SOUK_OP_CHECKOUT_STATUS, &record, on_parcel_looked_at, look_at_parcel);
}

static void on_parcel_looked_at(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_checkout_status_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK) {
        drive_refused(slot, "the order cannot be read", reply->status);
        return;
    }
    if (reply->state != SOUK_STATE_PAID) {
        go_on(slot, reply->state, reply->reason, reply->is_settled != 0);
        return;
    }
    /* A parcel that could not leave has to be asked again. */
    drive_pause(slot, ++slot->looks % SHIP_AGAIN == 0 ? ship : look_at_parcel);
}

static void on_shipped(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_fulfil_ship_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "the parcel could not leave", reply->status);
    else if (reply->state == SOUK_STATE_PAID)
        look_at_parcel(slot);
    else
        go_on(slot, reply->state, SOUK_OK, true);
}

static void ship(struct slot *slot)
{
    const struct souk_fulfil_ship record = {.order = slot->order, .number = PARCEL};
    drive_call(slot, SOUK_OP_FULFIL_SHIP, &record, on_shipped, ship);
}

static void on_packed(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_fulfil_create_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    slot->looks = 0;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "no parcel could be planned", reply->status);
    else
        ship(slot);
}

/* No lines: all of them. */
static void pack(struct slot *slot)
{
    const struct souk_fulfil_create record = {.order = slot->order, .number = PARCEL};
    drive_call(slot, SOUK_OP_FULFIL_CREATE, &record, on_packed, pack);
}

/* ---- corrections ---- */

static void try_adjust(struct slot *slot)
{
    if (!run_adjust(slot->run, event_of(slot)->first_line, slot->units, slot))
        drive_pause(slot, try_adjust);
}

static void on_level(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_stock_get_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK) {
        drive_refused(slot, "the level cannot be read", reply->status);
        return;
    }
    const i64 there = MIN(reply->sellable, reply->on_hand);
    slot->units = MIN(there, event_of(slot)->units);
    if (slot->units <= 0)
        drive_end_event(slot, SOUK_OK, 0);
    else
        try_adjust(slot);
}

void drive_correction(struct slot *slot)
{
    const struct replay_plan *plan = slot->run->plan;
    const u32 sku = plan->lines[event_of(slot)->first_line].sku;
    const struct souk_stock_get record = {.resource = plan->skus[sku].resource};
    drive_call(slot, SOUK_OP_STOCK_GET, &record, on_level, drive_correction);
}
