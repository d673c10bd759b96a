/* order_read: everything that reads one order. Lists of a user are in order_history.c, lists of
 * commands and of stuck orders where their heaps are.
 *
 * Rows are borrowed from the order's tables where those hold the rows of the wire; the others (tenders,
 * parcels, returns, commands, events) are written into the shard's scratch. Nothing is allocated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_parts.h"
#include "shards/shard_handlers.h"

/* Rows on their way into the scratch. */
struct row_writer {
    u8 *bytes;
    u32 used;
};

#define ORDER_GET_SCRATCH                                  \
    (ORDER_TENDERS_MAX * sizeof(struct row_order_tender) + \
     ORDER_PARCELS_MAX * (sizeof(struct row_parcel) + sizeof(struct row_return)))
STATIC_CHECK(ORDER_GET_SCRATCH <= SHARD_SCRATCH_BYTES);
STATIC_CHECK(ORDER_TENDERS_MAX * sizeof(struct row_order_tender) +
                 ORDER_COMMANDS_MAX * sizeof(struct row_command) <=
             SHARD_SCRATCH_BYTES);
STATIC_CHECK(LIST_PAGE_ROWS * sizeof(struct row_order_event) <= SHARD_SCRATCH_BYTES);

static void put_row(struct row_writer *to, const void *row, size_t bytes)
{
    memcpy(to->bytes + to->used, row, bytes);
    to->used += (u32)bytes;
    MUST(to->used <= SHARD_SCRATCH_BYTES);
}

/* Everything written since `from`. */
static struct span written_since(const struct row_writer *to, u32 from)
{
    return (struct span){.data = to->bytes + from, .bytes = to->used - from};
}

static struct span table_span(const struct order_table *table, size_t row_bytes)
{
    return (struct span){.data = table->rows, .bytes = table->count * (u32)row_bytes};
}

/* Does an expiry that is under way have this order still before it? */
static bool is_expiring(const struct shard *shard, const struct order *order)
{
    return shard->expiring_ns != 0 && order->timer_ns != 0 && order->timer_ns <= shard->expiring_ns;
}

/* The order that a read is about, NULL with *status where there is none to be read. */
static const struct order *readable(const struct shard *shard, const struct shard_call *call,
                                    struct id128 id, u64 user_id, u16 *status)
{
    u32 index;
    *status = order_named(shard, call, id, user_id, &index);
    return *status == STATUS_OK ? order_at(&shard->orders, index) : NULL;
}

bool shard_read_checkout_status(struct shard *shard, const struct shard_call *call,
                                const void *request, void *reply, struct span *spans)
{
    struct msg_checkout_status_req ask;
    struct msg_checkout_status_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct order *order = readable(shard, call, ask.order, ask.user_id, &answer->head.status);
    if (ask.wait_ms > WAIT_MS_MAX)
        answer->head.status = STATUS_BAD_ARGUMENT;
    if (answer->head.status != STATUS_OK)
        return true;
    if (is_expiring(shard, order))
        return false;
    if (!order_is_settled(order->state) &&
        shard_read_park(shard, call, notice_token_order(order->id.low, order->id.high),
                        ask.wait_ms))
        return true;
    const struct order_sums sums = order_sums_of(order);
    answer->state = order->state;
    answer->reason = order->reason;
    answer->is_settled = order_is_settled(order->state);
    answer->summary = order_summary_of(order);
    answer->since_ns = order->since_ns;
    ORDER_SUMS_ANSWER(answer, order, sums);
    spans[SPAN_OF(checkout_status_rsp, failed)] =
        table_span(&order->failed, sizeof(struct row_failed_line));
    if (order->state == SAGA_STATE_ACTION_REQUIRED)
        spans[SPAN_OF(checkout_status_rsp, action)] = table_span(&order->action, 1);
    return true;
}

static void put_tenders(struct row_writer *to, const struct order *order)
{
    for (u32 i = 0; i < order->tenders.count; i++) {
        const struct row_order_tender row = order_tender_row(order, &order_tenders(order)[i]);
        put_row(to, &row, sizeof row);
    }
}

bool shard_read_payment_get(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply, struct span *spans)
{
    struct msg_payment_get_req ask;
    struct msg_payment_get_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct order *order = readable(shard, call, ask.order, ask.user_id, &answer->head.status);
    if (answer->head.status != STATUS_OK)
        return true;
    if (is_expiring(shard, order))
        return false;
    const struct order_sums sums = order_sums_of(order);
    answer->state = order->state;
    answer->payment = order_payment_of(order);
    answer->currency = order->currency;
    ORDER_SUMS_ANSWER(answer, order, sums);
    struct row_writer rows = {.bytes = shard->scratch};
    put_tenders(&rows, order);
    spans[SPAN_OF(payment_get_rsp, tenders)] = written_since(&rows, 0);
    const u32 from = rows.used;
    for (u32 at = order->first_command; at != 0;) { /* ends: one further each time */
        const struct order_command *command = order_command_at(&shard->orders, at);
        const struct row_command row = order_command_row(&shard->orders, order, command);
        put_row(&rows, &row, sizeof row);
        at = command->next;
    }
    spans[SPAN_OF(payment_get_rsp, commands)] = written_since(&rows, from);
    return true;
}

static void put_parcels_and_returns(struct row_writer *to, const struct order *order,
                                    struct span *spans)
{
    u32 from = to->used;
    for (u32 i = 0; i < order->parcels.count; i++)
        put_row(to, &order_parcels(order)[i].row, sizeof(struct row_parcel));
    spans[SPAN_OF(order_get_rsp, parcels)] = written_since(to, from);
    from = to->used;
    for (u32 i = 0; i < order->returns.count; i++)
        put_row(to, &order_returns(order)[i].row, sizeof(struct row_return));
    spans[SPAN_OF(order_get_rsp, returns)] = written_since(to, from);
}

static void answer_facts(const struct order *order, struct msg_order_get_rsp *answer)
{
    const struct order_sums sums = order_sums_of(order);
    answer->order = order->id;
    answer->owner = order->owner;
    answer->group_id = order->group_id;
    answer->created_at_ns = order->created_ns;
    answer->placed_at_ns = order->placed_ns;
    answer->changed_at_ns = order->changed_ns;
    answer->state = order->state;
    answer->summary = order_summary_of(order);
    answer->payment = order_payment_of(order);
    answer->fulfilment = order_fulfilment_of(order);
    answer->returned = order_returned_of(order);
    answer->reason = order->reason;
    answer->currency = order->currency;
    answer->capture = order->capture;
    answer->goods = order->goods;
    answer->discount = order->discount;
    answer->charges = order->charges;
    ORDER_SUMS_ANSWER(answer, order, sums);
    answer->owed = order_owed(order);
}

bool shard_read_order_get(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply, struct span *spans)
{
    struct msg_order_get_req ask;
    struct msg_order_get_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct order *order = readable(shard, call, ask.order, ask.user_id, &answer->head.status);
    if (answer->head.status != STATUS_OK)
        return true;
    if (is_expiring(shard, order))
        return false;
    answer_facts(order, answer);
    struct row_writer rows = {.bytes = shard->scratch};
    put_tenders(&rows, order);
    spans[SPAN_OF(order_get_rsp, tenders)] = written_since(&rows, 0);
    put_parcels_and_returns(&rows, order, spans);
    spans[SPAN_OF(order_get_rsp, lines)] = table_span(&order->lines, sizeof(struct row_order_line));
    spans[SPAN_OF(order_get_rsp, amounts)] = table_span(&order->amounts, sizeof(struct row_amount));
    spans[SPAN_OF(order_get_rsp, parts)] = table_span(&order->parts, sizeof(struct row_part));
    spans[SPAN_OF(order_get_rsp, address)] = table_span(&order->address, 1);
    return true;
}

bool shard_read_order_events(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    struct msg_order_events_req ask;
    struct msg_order_events_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct order *order = readable(shard, call, ask.order, ask.user_id, &answer->head.status);
    if (answer->head.status != STATUS_OK)
        return true;
    if (is_expiring(shard, order))
        return false;
    struct row_writer rows = {.bytes = shard->scratch};
    struct order_event event = {0};
    u32 offset = 0;
    while (order_event_next(order, &offset, &event)) { /* ends: one further each time */
        if (event.number <= ask.after)
            continue;
        if (rows.used == ROWS(order_event, LIST_PAGE_ROWS)) {
            answer->more = 1;
            break;
        }
        struct row_order_event row;
        order_event_row(&event, &row);
        put_row(&rows, &row, sizeof row);
    }
    spans[SPAN_OF(order_events_rsp, events)] = written_since(&rows, 0);
    return true;
}
