/* order_holding: rounds of hold mails. Declared in shards/order/order.h.
 *
 *      round 1   one mail_hold to every shard at once -> all answers -> decide
 *      round 2   what was granted is released; then shard after shard in ascending order, so that of two
 *                baskets that want the same, one wins
 *
 *      decide    all granted: prices (order_price.c)
 *                refused, and worth another round: only ALL_HELD, more than one shard
 *                else: the order fails, and names what was short
 *
 * Mail of a pair of shards stays in order: a release that is sent after a hold arrives after it,
 * whatever the answer, and a hold of the next round after that. So an answer of an earlier round, or
 * one that comes when the order is over, needs nothing but to be ignored.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_mails.h"
#include "shards/order/order_parts.h"
#include "shards/order/order_scratch.h"
#include "shards/shard_handlers.h"

/* ---- asking ---- */

/* Demands are in the scratch. */
static void ask_shard(const struct order_turn *turn, struct order_hold *hold, u32 demand_count)
{
    struct order_scratch *scratch = order_scratch_of(turn->room);
    const struct order *order = turn->order;
    u32 count = 0;
    for (u32 i = 0; i < demand_count; i++) {
        const struct order_demand *demand = &scratch->demands[i];
        if (demand->shard != hold->shard)
            continue;
        scratch->hold_items[count++] = (struct row_hold_item){.resource = demand->resource,
                                                              .quantity = demand->quantity,
                                                              .allowance = demand->allowance,
                                                              .replaces = demand->replaces};
    }
    MUST(count != 0);
    MUST(hold->state == ORDER_HOLD_NONE);
    hold->state = ORDER_HOLD_ASKED;
    const struct msg_mail_hold_req ask = {
        .order = order->id, .user_id = order_user(order->id), .round = order->round};
    const struct span items = {.data = (const u8 *)scratch->hold_items,
                               .bytes = count * (u32)sizeof scratch->hold_items[0]};
    mail_post(turn->shard, hold->shard, OPCODE_MAIL_HOLD, &ask, &items);
}

void order_hold_begin(const struct order_turn *turn, u32 line_demands)
{
    struct order *order = turn->order;
    const u32 count = order_demand_all(turn, line_demands);
    order->round++;
    order->flags &= (u8)~ORDER_FLAG_IN_TURN;
    order_demand_shards(turn, count);
    for (u32 i = 0; i < order->holds.count; i++)
        ask_shard(turn, &order_holds(order)[i], count);
}

/* The next shard that was not asked in a round in turn; false: all were. */
static bool ask_next(const struct order_turn *turn)
{
    struct order_hold *holds = order_holds(turn->order);
    u32 i = 0;
    while (i < turn->order->holds.count && holds[i].state != ORDER_HOLD_NONE)
        i++;
    if (i == turn->order->holds.count)
        return false;
    ask_shard(turn, &holds[i], order_demand_all(turn, 0));
    return true;
}

static void begin_second_round(const struct order_turn *turn)
{
    struct order *order = turn->order;
    struct order_hold *holds = order_holds(order);
    order_go(turn, SAGA_EVENT_REFUSED);
    (void)order_release_holds(turn, 0);
    order_table_release(turn->room->arena, &order->failed, sizeof(struct row_failed_line));
    for (u32 i = 0; i < order->holds.count; i++)
        holds[i].state = ORDER_HOLD_NONE;
    order->round++;
    order->flags |= ORDER_FLAG_IN_TURN;
    (void)ask_next(turn);
}

/* ---- answers ---- */

/* An answer on its way. */
struct answer {
    struct msg_mail_hold_answer_req head;
    const u8 *rows;
    u32 count;
    u32 sku_count; /* SKUs come first */
};

static struct row_held_item item_at(const struct answer *answer, u32 i)
{
    struct row_held_item row;
    memcpy(&row, answer->rows + (size_t)i * sizeof row, sizeof row);
    return row;
}

static struct answer read_answer(const struct mail_call *call)
{
    const struct span *rows = &call->spans[SPAN_OF(mail_hold_answer_req, items)];
    struct answer answer = {.rows = rows->data,
                            .count = rows->bytes / (u32)sizeof(struct row_held_item)};
    memcpy(&answer.head, call->fixed, sizeof answer.head);
    while (answer.sku_count < answer.count &&
           item_at(&answer, answer.sku_count).resource.kind == RESOURCE_KIND_SKU)
        answer.sku_count++;
    return answer;
}

/* Where a SKU is in the answer, sku_count if it is not: as in order_demand_find, the rows are in
 * ascending order where there are many lines. */
static u32 find_sku(const struct answer *answer, u64 sku_id)
{
    if (answer->sku_count <= DEMAND_SEARCH_MAX) {
        u32 at = 0;
        while (at < answer->sku_count && item_at(answer, at).resource.id != sku_id)
            at++;
        return at;
    }
    u32 low = 0;
    u32 high = answer->sku_count;
    while (low < high) { /* ends: half of it each time */
        const u32 middle = low + (high - low) / 2;
        if (item_at(answer, middle).resource.id < sku_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < answer->sku_count && item_at(answer, low).resource.id == sku_id
               ? low
               : answer->sku_count;
}

static void name_failed(const struct order_turn *turn, const struct row_held_item *item, u32 line)
{
    struct row_failed_line *failed =
        order_table_push(turn->room->arena, &turn->order->failed, sizeof *failed);
    *failed = (struct row_failed_line){.sku_id = item->resource.id,
                                       .wanted = item->wanted,
                                       .sellable = item->sellable,
                                       .price = item->price,
                                       .line = line,
                                       .status = item->status,
                                       .kind = item->resource.kind};
}

/* Every line of a SKU that was refused is named, and everything else that was. */
static void note_refusal(const struct order_turn *turn, const struct answer *answer)
{
    const struct row_order_line *lines = order_lines(turn->order);
    for (u32 i = 0; i < turn->order->lines.count; i++) {
        const u32 at = find_sku(answer, lines[i].sku_id);
        if (at == answer->sku_count)
            continue;
        const struct row_held_item item = item_at(answer, at);
        if (item.status != STATUS_OK)
            name_failed(turn, &item, i);
    }
    for (u32 i = answer->sku_count; i < answer->count; i++) {
        const struct row_held_item item = item_at(answer, i);
        if (item.status != STATUS_OK)
            name_failed(turn, &item, LINE_NONE);
    }
}

/* Money of another currency is held in vain; the currency of SKUs is a matter of price lists. */
static void note_money(const struct order_turn *turn, const struct answer *answer)
{
    for (u32 i = answer->sku_count; i < answer->count; i++) {
        struct row_held_item item = item_at(answer, i);
        if ((item.resource.kind != RESOURCE_KIND_GIFT_CARD &&
             item.resource.kind != RESOURCE_KIND_CREDIT) ||
            item.currency == turn->order->currency)
            continue;
        item.status = STATUS_CURRENCY_MISMATCH;
        name_failed(turn, &item, LINE_NONE);
    }
}

static void note_grant(const struct order_turn *turn, const struct answer *answer)
{
    struct row_order_line *lines = order_lines(turn->order);
    struct order_asked *asked = order_asked(turn->order);
    note_money(turn, answer);
    for (u32 i = 0; i < turn->order->asked.count; i++) { /* none: the order has its prices */
        const u32 at = find_sku(answer, lines[i].sku_id);
        if (at == answer->sku_count)
            continue;
        const struct row_held_item item = item_at(answer, at);
        lines[i].base_price = item.price;
        lines[i].product_id = item.product_id;
        asked[i].version = item.version;
        asked[i].currency = item.currency;
    }
}

/* ---- deciding ---- */

/* What a refusal means for the order. */
static u16 reason_of(const struct row_failed_line *failed)
{
    if (failed->status != STATUS_SOLD_OUT && failed->status != STATUS_ALL_HELD)
        return failed->status;
    switch ((enum resource_kind)failed->kind) {
    case RESOURCE_KIND_COUPON: return STATUS_COUPON_EXHAUSTED;
    case RESOURCE_KIND_ALLOWANCE: return STATUS_LIMIT_EXCEEDED;
    case RESOURCE_KIND_GIFT_CARD:
    case RESOURCE_KIND_CREDIT: return STATUS_CREDIT_SHORT;
    case RESOURCE_KIND_SKU:
    case RESOURCE_KIND_AD_BUDGET:
    case RESOURCE_KIND_COUNT: break;
    }
    return STATUS_OUT_OF_STOCK;
}

/* Of several refusals, one that is no shortage comes first, then stock, then the others in the order of
 * their kinds. */
static u16 reason_of_all(const struct order *order)
{
    const struct row_failed_line *failed =
        (const struct row_failed_line *)(void *)order->failed.rows;
    u16 reason = STATUS_OK;
    u32 best = UINT32_MAX;
    for (u32 i = 0; i < order->failed.count; i++) {
        const bool is_short =
            failed[i].status == STATUS_SOLD_OUT || failed[i].status == STATUS_ALL_HELD;
        const u32 rank = is_short ? 1 + (u32)failed[i].kind : 0;
        if (rank < best) {
            best = rank;
            reason = reason_of(&failed[i]);
        }
    }
    MUST(reason != STATUS_OK);
    return reason;
}

static bool is_worth_another_round(const struct order *order)
{
    const struct row_failed_line *failed =
        (const struct row_failed_line *)(void *)order->failed.rows;
    if ((order->flags & ORDER_FLAG_IN_TURN) != 0 || order->holds.count == 1)
        return false;
    for (u32 i = 0; i < order->failed.count; i++)
        if (failed[i].status != STATUS_ALL_HELD)
            return false;
    return true;
}

static void all_granted(const struct order_turn *turn)
{
    struct order *order = turn->order;
    if (order->failed.count != 0) {
        order_fail(turn, SAGA_EVENT_MISPRICED, reason_of_all(order));
        return;
    }
    for (u32 i = 0; i < order->tenders.count; i++) {
        struct order_tender *tender = &order_tenders(order)[i];
        if (tender->kind == TENDER_KIND_OUTSIDE)
            continue;
        tender->state = TENDER_STATE_HELD;
        tender->authorized = tender->amount;
    }
    if ((order->flags & ORDER_FLAG_LATE) == 0) {
        order_price(turn);
        return;
    }
    order->flags &= (u8)~ORDER_FLAG_LATE;
    order->reason = STATUS_OK;
    order_go(turn, SAGA_EVENT_RETAKEN);
    order_place(turn);
}

static void decide(const struct order_turn *turn, bool is_refused)
{
    struct order *order = turn->order;
    if (!is_refused)
        all_granted(turn);
    else if (is_worth_another_round(order))
        begin_second_round(turn);
    else if ((order->flags & ORDER_FLAG_LATE) != 0)
        order_fail(turn, SAGA_EVENT_RETAKE_REFUSED, STATUS_LATE_PAYMENT);
    else
        order_fail(turn, SAGA_EVENT_REFUSED_AGAIN, reason_of_all(order));
}

/* One more shard has answered: is that all? */
static void count_answers(const struct order_turn *turn)
{
    const struct order_hold *holds = order_holds(turn->order);
    bool is_refused = false;
    for (u32 i = 0; i < turn->order->holds.count; i++) {
        if (holds[i].state == ORDER_HOLD_ASKED)
            return;
        is_refused |= holds[i].state == ORDER_HOLD_REFUSED;
    }
    if ((turn->order->flags & ORDER_FLAG_IN_TURN) == 0 || is_refused || !ask_next(turn))
        decide(turn, is_refused);
}

void shard_mail_hold_answer(struct shard *shard, const struct mail_call *call)
{
    const struct answer answer = read_answer(call);
    const u32 index = order_find(&shard->orders, answer.head.order);
    MUST(index != 0); /* orders live for ever */
    const struct order_turn turn = order_turn_begin(shard, index, call->now_ns);
    if (turn.order->state != SAGA_STATE_HOLDING || turn.order->round != answer.head.round)
        return;
    struct order_hold *hold = order_hold_of(turn.order, call->source);
    MUST(hold != NULL && hold->state == ORDER_HOLD_ASKED);
    if (answer.head.status == STATUS_OK) {
        hold->state = ORDER_HOLD_GRANTED;
        note_grant(&turn, &answer);
    } else {
        hold->state = ORDER_HOLD_REFUSED;
        note_refusal(&turn, &answer);
    }
    count_answers(&turn);
}
