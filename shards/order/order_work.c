/* order_work: see shards/order/order_work.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_work.h"

#include <string.h>

#include "proto/checksum.h"

u16 order_named(const struct shard *shard, const struct shard_call *call, struct id128 id,
                u64 user_id, u32 *index)
{
    *index = 0;
    const u16 status = shard_call_refusal(call, true);
    if (status != STATUS_OK)
        return status;
    *index = order_find(&shard->orders, id);
    if (*index == 0)
        return STATUS_NOT_FOUND;
    if (user_id == 0 || user_id == order_at(&shard->orders, *index)->owner)
        return STATUS_OK;
    *index = 0;
    return STATUS_FORBIDDEN;
}

static void clear_work(struct order_work *work, u32 lines)
{
    MUST(lines <= ORDER_LINES_MAX);
    memset(work->wanted, 0, lines * sizeof work->wanted[0]);
    memset(work->damaged, 0, lines * sizeof work->damaged[0]);
    memset(work->busy, 0, lines * sizeof work->busy[0]);
    memset(work->other, 0, lines * sizeof work->other[0]);
}

u16 step_begin(struct order_step *step, struct shard *shard, const struct shard_call *call,
               struct id128 order, u64 user_id, bool is_argument_good)
{
    *step = (struct order_step){.shard = shard,
                                .work = (struct order_work *)(void *)shard->scratch,
                                .now_ns = call->now_ns,
                                .line = LINE_NONE};
    if (!is_argument_good || order_is_linked(call))
        return STATUS_BAD_ARGUMENT;
    const u16 status = order_named(shard, call, order, user_id, &step->index);
    if (status != STATUS_OK)
        return status;
    step->order = order_at(&shard->orders, step->index);
    clear_work(step->work, step->order->lines.count);
    return STATUS_OK;
}

void step_join(struct order_step *step, const struct order_turn *turn)
{
    *step = (struct order_step){.turn = *turn,
                                .shard = turn->shard,
                                .order = turn->order,
                                .work = (struct order_work *)(void *)turn->shard->scratch,
                                .now_ns = turn->now_ns,
                                .index = turn->index,
                                .line = LINE_NONE,
                                .is_changed = true};
    clear_work(step->work, step->order->lines.count);
}

void step_change(struct order_step *step)
{
    MUST(!step->is_changed);
    step->turn = order_turn_begin(step->shard, step->index, step->now_ns);
    step->is_changed = true;
}

/* All of them have the same reply. */
STATIC_CHECK(sizeof(struct msg_order_attach_rsp) == sizeof(struct msg_order_cancel_rsp));
STATIC_CHECK(sizeof(struct msg_fulfil_create_rsp) == sizeof(struct msg_order_cancel_rsp));
STATIC_CHECK(sizeof(struct msg_return_refund_rsp) == sizeof(struct msg_order_cancel_rsp));

void step_answer(const struct order_step *step, u16 status, void *reply)
{
    struct msg_order_cancel_rsp *answer = reply;
    if (step->is_changed)
        order_turn_end(&step->turn); /* the work area is not to be used any more */
    answer->head.status = status;
    answer->line = LINE_NONE;
    if (status == STATUS_OK) {
        answer->head.flags = step->flags;
        answer->refund = step->refund;
    } else {
        answer->line = step->line;
    }
    if (step->order == NULL)
        return;
    answer->state = step->order->state;
    answer->summary = order_summary_of(step->order);
}

u16 step_placed(const struct order_step *step)
{
    if (step->order->state == SAGA_STATE_CANCELLED)
        return STATUS_ORDER_CANCELLED;
    return step->order->placed_ns != 0 ? STATUS_OK : STATUS_INVALID_STATE;
}

u16 step_movable(const struct order_step *step)
{
    const u16 status = step_placed(step);
    if (status == STATUS_OK && step->order->state == SAGA_STATE_NEEDS_OPERATOR)
        return STATUS_INVALID_STATE;
    return status;
}

u16 step_has_room(const struct order_step *step)
{
    return step->order->event_count < ORDER_EVENTS_MAX ? STATUS_OK : STATUS_TOO_MANY;
}

/* ---- what a request says ---- */

static u32 row_count(const struct span *rows)
{
    MUST(rows->bytes % sizeof(struct row_line_quantity) == 0);
    return rows->bytes / (u32)sizeof(struct row_line_quantity);
}

u16 work_read(struct order_step *step, const struct span *rows, enum work_rows kind)
{
    struct order_work *work = step->work;
    for (u32 i = 0; i < row_count(rows); i++) {
        struct row_line_quantity row;
        memcpy(&row, rows->data + (size_t)i * sizeof row, sizeof row);
        step->line = row.line;
        if (row.line >= step->order->lines.count)
            return STATUS_NOT_FOUND;
        const i64 damaged_max = kind == WORK_ROWS_DAMAGED ? row.quantity : 0;
        if (row.quantity < 1 || row.quantity > QUANTITY_MAX || row.damaged < 0 ||
            row.damaged > damaged_max)
            return STATUS_BAD_ARGUMENT;
        if (work->wanted[row.line] != 0)
            return STATUS_BAD_ARGUMENT;
        work->wanted[row.line] = row.quantity;
        work->damaged[row.line] = row.damaged;
    }
    step->line = LINE_NONE;
    return STATUS_OK;
}

u64 work_fingerprint(const struct order_step *step, u64 salt)
{
    const size_t bytes = step->order->lines.count * sizeof step->work->wanted[0];
    return checksum64(step->work->wanted, bytes) ^ (salt + 1) * 0x9E3779B97F4A7C15ull;
}

/* ---- parcels and returns ---- */

u32 parcel_find(const struct order *order, u32 number)
{
    const struct order_parcel *parcels = order_parcels(order);
    u32 i = 0;
    while (i < order->parcels.count && parcels[i].row.number != number)
        i++;
    return i;
}

u32 return_find(const struct order *order, u32 number)
{
    const struct order_return *returns = order_returns(order);
    u32 i = 0;
    while (i < order->returns.count && returns[i].row.number != number)
        i++;
    return i;
}

void work_parcels(struct order_step *step, u32 states)
{
    const struct order *order = step->order;
    const struct row_part *parts = order_parts(order);
    u32 number = 0; /* parts of a parcel lie side by side: look it up once */
    u32 state = 0;
    memset(step->work->busy, 0, order->lines.count * sizeof step->work->busy[0]);
    for (u32 i = 0; i < order->parts.count; i++) {
        if (parts[i].kind != PART_KIND_PARCEL)
            continue;
        if (parts[i].of != number) {
            number = parts[i].of;
            const u32 at = parcel_find(order, number);
            MUST(at < order->parcels.count);
            state = order_parcels(order)[at].row.state;
        }
        MUST(parts[i].line < order->lines.count);
        if ((states >> state & 1) != 0)
            step->work->busy[parts[i].line] += parts[i].quantity;
    }
}

void work_parcel_units(const struct order_step *step, u32 number, i64 *units)
{
    const struct order *order = step->order;
    const struct row_part *parts = order_parts(order);
    memset(units, 0, order->lines.count * sizeof units[0]);
    for (u32 i = 0; i < order->parts.count; i++)
        if (parts[i].kind == PART_KIND_PARCEL && parts[i].of == number)
            units[parts[i].line] += parts[i].quantity;
}

bool work_parts_fit(const struct order_step *step)
{
    u32 parts = step->order->parts.count;
    for (u32 i = 0; i < step->order->lines.count; i++)
        parts += step->work->wanted[i] != 0;
    return parts <= ORDER_PARTS_MAX;
}

void work_push_parts(struct order_step *step, u16 kind, u32 number)
{
    MUST(step->is_changed);
    for (u32 i = 0; i < step->order->lines.count; i++) {
        if (step->work->wanted[i] == 0)
            continue;
        struct row_part *part =
            order_table_push(step->turn.room->arena, &step->order->parts, sizeof(struct row_part));
        *part = (struct row_part){
            .quantity = step->work->wanted[i], .of = number, .line = i, .kind = kind};
    }
    struct order_counts *counts = &step->turn.room->counts;
    counts->parts_most = MAX(counts->parts_most, step->order->parts.count);
}

/* ---- what units are worth ---- */

void work_given(struct order_step *step)
{
    const struct order *order = step->order;
    const struct row_part *parts = order_parts(order);
    i64 *given = step->work->busy;
    u32 number = 0;
    bool is_refunded = false;
    for (u32 i = 0; i < order->lines.count; i++)
        given[i] = order_lines(order)[i].cancelled;
    for (u32 i = 0; i < order->parts.count; i++) {
        if (parts[i].kind != PART_KIND_RETURN)
            continue;
        if (parts[i].of != number) {
            number = parts[i].of;
            const u32 at = return_find(order, number);
            MUST(at < order->returns.count);
            is_refunded = order_returns(order)[at].row.state == RETURN_STATE_REFUNDED;
        }
        if (is_refunded)
            given[parts[i].line] += parts[i].sellable + parts[i].damaged;
    }
}

i64 work_worth(const struct order_step *step, u32 line, i64 units)
{
    const struct row_order_line *row = &order_lines(step->order)[line];
    const i64 before = step->work->busy[line];
    MUST(units >= 0 && before + units <= row->quantity);
    return spread_part(row->total, before + units, row->quantity) -
           spread_part(row->total, before, row->quantity);
}

/* ---- messages to the stock ---- */

/* Distinct SKUs in ascending order, with their sums. Returns how many. */
static u32 gather_items(struct order_step *step, const i64 *units, u16 action)
{
    struct order_work *work = step->work;
    const struct row_order_line *lines = order_lines(step->order);
    u32 left = 0;
    for (u32 i = 0; i < step->order->lines.count; i++)
        if (units[i] != 0)
            work->pairs[left++] = (struct spread_pair){.key = lines[i].sku_id, .index = i};
    spread_heapify(work->pairs, left);
    u32 count = 0;
    while (left != 0) { /* ends: one less each time */
        const struct spread_pair pair = spread_pop(work->pairs, &left);
        MUST(units[pair.index] > 0);
        if (count != 0 && work->items[count - 1].resource.id == pair.key) {
            work->items[count - 1].quantity += units[pair.index];
            continue;
        }
        const struct resource sku = {.id = pair.key};
        work->shards[count] = route_shard(route_hash_resource(sku), step->shard->options.count);
        work->items[count++] = (struct row_change_item){
            .resource = sku, .quantity = units[pair.index], .action = action};
    }
    return count;
}

static bool is_told(const u64 *only, u16 shard)
{
    return only == WORK_ALL_SHARDS || (only[shard / 64] >> shard % 64 & 1) != 0;
}

u16 work_stock(struct order_step *step, const i64 *units, u16 action, u64 ticket, const u64 *only)
{
    struct order_work *work = step->work;
    const struct msg_mail_change_req ask = {.order = step->order->id, .ticket = ticket};
    const u32 count = gather_items(step, units, action);
    u16 told = 0;
    for (u32 i = 0; i < count; i++) {
        const u16 shard = work->shards[i];
        if (shard == SHARD_ANY)
            continue; /* gathered with an earlier one */
        u32 rows = 0;
        for (u32 j = i; j < count; j++)
            if (work->shards[j] == shard) {
                work->sorted[rows++] = work->items[j];
                work->shards[j] = SHARD_ANY;
            }
        if (!is_told(only, shard))
            continue;
        const struct span span = {.data = (const u8 *)work->sorted,
                                  .bytes = rows * (u32)sizeof work->sorted[0]};
        mail_post(step->shard, shard, OPCODE_MAIL_CHANGE, &ask, &span);
        told++;
    }
    return told;
}
