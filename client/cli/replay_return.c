/* replay_return: the steps of a return. See client/cli/replay_drive.h.
 *
 *      parts, grouped by order, the newest first -> for each order: open, approve, receive, refund
 *                                                -> for each SKU: is it back on the shelf?
 *
 * Units that come back reach their SKU's shard by mail that nobody waits for; but an event is over only
 * when they are sellable again. So in the end the server's sum of returned units is looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/replay_drive.h"

static void begin_group(struct slot *slot);
static void look_at_shelf(struct slot *slot);

static const struct replay_line *line_of(const struct slot *slot, u32 part)
{
    return &slot->run->plan->lines[slot->parts[part].line];
}

/* The lines of the group in the scratch of the run. */
static struct souk_text group_lines(struct slot *slot)
{
    struct souk_row_line_quantity *rows = slot->run->part_lines;
    u32 count = 0;
    for (u32 i = slot->group; i < slot->group_end; i++)
        rows[count++] = (struct souk_row_line_quantity){
            .quantity = slot->parts[i].units,
            .line = slot->run->events->lines[slot->parts[i].line].index};
    return souk_rows_of(rows, sizeof *rows, count);
}

/* ---- the shelf ---- */

static void end_return(struct slot *slot)
{
    i64 worth = 0;
    for (u32 i = 0; i < slot->part_count; i++)
        worth += slot->parts[i].units * line_of(slot, i)->price;
    drive_end_event(slot, SOUK_OK, worth);
}

static void on_shelf(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_sku_get_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK) {
        drive_refused(slot, "the SKU cannot be read", reply->status);
        return;
    }
    const u32 sku = line_of(slot, slot->shelf)->sku;
    i64 least = slot->run->shop.skus[sku].returned;
    for (u32 i = 0; i < slot->part_count; i++)
        if (line_of(slot, i)->sku == sku)
            least += slot->parts[i].units;
    if (reply->returned_sellable < least) {
        drive_pause(slot, look_at_shelf);
        return;
    }
    drive_moved(slot);
    slot->shelf++;
    look_at_shelf(slot);
}

/* What others returned of a SKU that is not this replay's is not known, so it is not looked at. */
static void look_at_shelf(struct slot *slot)
{
    const struct replay_plan *plan = slot->run->plan;
    while (slot->shelf < slot->part_count &&
           !slot->run->shop.skus[line_of(slot, slot->shelf)->sku].is_new)
        slot->shelf++;
    if (slot->shelf == slot->part_count) {
        end_return(slot);
        return;
    }
    const struct souk_sku_get record = {.resource =
                                            plan->skus[line_of(slot, slot->shelf)->sku].resource};
    drive_call(slot, SOUK_OP_SKU_GET, &record, on_shelf, look_at_shelf);
}

/* ---- one order ---- */

static void look_at_money(struct slot *slot);

/* At rest again: nothing is being given back any more. */
static void judge_money(struct slot *slot, u16 state)
{
    slot->state = state;
    if (!souk_state_is_resting(state)) {
        drive_pause(slot, look_at_money);
        return;
    }
    drive_moved(slot);
    slot->group = slot->group_end;
    if (slot->group < slot->part_count)
        begin_group(slot);
    else
        look_at_shelf(slot);
}

static void on_money(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_checkout_status_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "the order cannot be read", reply->status);
    else
        judge_money(slot, reply->state);
}

static void look_at_money(struct slot *slot)
{
    const struct souk_checkout_status record = {.order = slot->order};
    drive_call(slot, SOUK_OP_CHECKOUT_STATUS, &record, on_money, look_at_money);
}

static void on_refunded(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_return_refund_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "the return could not be refunded", reply->status);
    else
        judge_money(slot, reply->state);
}

static void refund(struct slot *slot)
{
    const struct souk_return_refund record = {
        .order = slot->order, .number = slot->number, .amount = -1};
    drive_call(slot, SOUK_OP_RETURN_REFUND, &record, on_refunded, refund);
}

static void on_received(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_return_receive_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "the return could not be received", reply->status);
    else
        refund(slot);
}

static void receive(struct slot *slot)
{
    const struct souk_return_receive record = {
        .order = slot->order, .number = slot->number, .lines = group_lines(slot)};
    drive_call(slot, SOUK_OP_RETURN_RECEIVE, &record, on_received, receive);
}

static void on_approved(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_return_decide_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "the return could not be approved", reply->status);
    else
        receive(slot);
}

static void approve(struct slot *slot)
{
    const struct souk_return_decide record = {
        .order = slot->order, .number = slot->number, .approved = 1};
    drive_call(slot, SOUK_OP_RETURN_DECIDE, &record, on_approved, approve);
}

static void on_opened(void *context, int error, const void *replies, uint32_t count)
{
    struct slot *slot = context;
    const struct souk_return_open_reply *reply = replies;
    (void)count;
    if (!drive_has_answer(slot, error))
        return;
    slot->state = reply->state;
    if (reply->status != SOUK_OK)
        drive_refused(slot, "the return was not taken", reply->status);
    else
        approve(slot);
}

static void open_return(struct slot *slot)
{
    const struct souk_return_open record = {
        .order = slot->order, .number = slot->number, .lines = group_lines(slot)};
    drive_call(slot, SOUK_OP_RETURN_OPEN, &record, on_opened, open_return);
}

static void begin_group(struct slot *slot)
{
    struct run *run = slot->run;
    const u32 order = slot->parts[slot->group].order;
    slot->group_end = slot->group;
    while (slot->group_end < slot->part_count && slot->parts[slot->group_end].order == order)
        slot->group_end++;
    slot->order = replay_order_id(run->events, order, run->identity.start_ms);
    slot->number = run->book.entries[order].returns + 1;
    open_return(slot);
}

void drive_return(struct slot *slot)
{
    slot->part_count = book_parts_of(&slot->run->book, slot->event, &slot->parts);
    slot->group = slot->shelf = 0;
    if (slot->part_count > 0)
        begin_group(slot);
    else
        end_return(slot);
}
