/* order_checkout: the questions of a checkout, and its first step. docs/orders.md says them in this
 * order.
 *
 *      arguments -> the same order again? -> the cart -> [the order is written down] -> order_hold_begin
 *
 * Up to the bracket nothing has changed: a refusal leaves no order. What comes after is the order's own
 * fate, and the answer is OK.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/checksum.h"
#include "proto/money.h"
#include "proto/text.h"
#include "shards/order/order_parts.h"
#include "shards/order/order_scratch.h"
#include "shards/shard_handlers.h"

#define CHECKOUT_AGE_MS_MAX (24ull * 3600 * 1000)

/* A checkout under judgement. */
struct asking {
    struct shard *shard;
    const struct shard_call *call;
    struct msg_checkout_req ask;
    struct span lines, charges, tenders, coupons, address; /* as they came */
    struct order_lines_source source;                      /* what is ordered, wherever it lies */
    u32 charge_count, tender_count, coupon_count;
    u32 demand_count;
    u32 token_bytes;
    u64 fingerprint;
};

static u32 rows_of(const struct span *span, size_t row_bytes)
{
    MUST(span->bytes % row_bytes == 0);
    return span->bytes / (u32)row_bytes;
}

static bool sum_good(i64 *sum, i64 more)
{
    *sum += more; /* both at most 2^53, and few */
    return *sum <= COUNTER_MAX;
}

/* ---- rows ---- */

static bool lines_good(const struct span *span)
{
    for (u32 i = 0; i < rows_of(span, sizeof(struct row_checkout_line)); i++) {
        struct row_checkout_line row;
        memcpy(&row, span->data + (size_t)i * sizeof row, sizeof row);
        if (row.sku_id == 0 || row.quantity < 1 || row.quantity > QUANTITY_MAX)
            return false;
        if (row.agreed_price < -1 || row.agreed_price > PRICE_MAX ||
            (row.agreed_price == -1 && row.reason != 0))
            return false;
    }
    return true;
}

static bool charges_good(const struct span *span)
{
    for (u32 i = 0; i < rows_of(span, sizeof(struct row_charge)); i++) {
        struct row_charge row;
        memcpy(&row, span->data + (size_t)i * sizeof row, sizeof row);
        if (row.amount < 0 || row.amount > PRICE_MAX || row.kind < AMOUNT_KIND_TAX ||
            row.kind > AMOUNT_KIND_FEE)
            return false;
    }
    return true;
}

static bool tender_good(const struct row_tender *row)
{
    if (row->amount < 1 || row->amount > PRICE_MAX || row->kind > TENDER_KIND_CREDIT ||
        text64_invalid(&row->token) != NULL)
        return false;
    if (row->kind == TENDER_KIND_OUTSIDE)
        return row->account == 0;
    return row->account != 0 && row->amount <= QUANTITY_MAX;
}

/* One gift card or account is no two tenders: it is held in one piece. */
static bool tenders_good(struct asking *asking)
{
    struct row_tender rows[ORDER_TENDERS_MAX];
    if (asking->tender_count == 0)
        return true;
    memcpy(rows, asking->tenders.data, asking->tenders.bytes);
    for (u32 i = 0; i < asking->tender_count; i++) {
        if (!tender_good(&rows[i]))
            return false;
        for (u32 j = 0; j < i; j++)
            if (rows[j].kind == rows[i].kind && rows[i].account != 0 &&
                rows[j].account == rows[i].account)
                return false;
        asking->token_bytes += text64_bytes(&rows[i].token);
    }
    return true;
}

static bool coupons_good(const struct span *span)
{
    struct row_coupon rows[ORDER_COUPONS_MAX];
    if (span->bytes == 0)
        return true;
    memcpy(rows, span->data, span->bytes);
    for (u32 i = 0; i < rows_of(span, sizeof rows[0]); i++) {
        if (rows[i].coupon_id == 0 || text64_invalid(&rows[i].code) != NULL)
            return false;
        for (u32 j = 0; j < i; j++)
            if (rows[j].coupon_id == rows[i].coupon_id)
                return false;
    }
    return true;
}

/* ---- question 1 ---- */

static bool fixed_good(const struct asking *asking)
{
    const struct msg_checkout_req *ask = &asking->ask;
    if (ask->expected_total < 0 || ask->expected_total > PRICE_MAX ||
        currency_find(ask->currency) == NULL || ask->capture > CAPTURE_POLICY_ON_SHIP ||
        ask->from_cart > 1)
        return false;
    if (ask->from_cart == 1)
        return asking->lines.bytes == 0 && asking->coupons.bytes == 0;
    return ask->cart_version == 0;
}

/* Tenders add up; charges name lines that exist, which of a cart is known later. */
static u16 judge_sums(const struct asking *asking)
{
    i64 tenders = 0;
    for (u32 i = 0; i < asking->tender_count; i++) {
        struct row_tender row;
        memcpy(&row, asking->tenders.data + (size_t)i * sizeof row, sizeof row);
        if (!sum_good(&tenders, row.amount))
            return STATUS_EXCEEDS;
    }
    return tenders == asking->ask.expected_total ? STATUS_OK : STATUS_SUM_MISMATCH;
}

static u16 judge_charges(const struct asking *asking)
{
    i64 sum = 0;
    for (u32 i = 0; i < asking->charge_count; i++) {
        struct row_charge row;
        memcpy(&row, asking->charges.data + (size_t)i * sizeof row, sizeof row);
        if (row.line != LINE_NONE && row.line >= asking->source.count)
            return STATUS_SUM_MISMATCH;
        if (!sum_good(&sum, row.amount))
            return STATUS_EXCEEDS;
    }
    return STATUS_OK;
}

static u16 judge_agreed_prices(const struct asking *asking)
{
    i64 sum = 0;
    for (u32 i = 0; i < asking->source.count; i++) {
        struct row_checkout_line row;
        memcpy(&row, asking->lines.data + (size_t)i * sizeof row, sizeof row);
        if (row.agreed_price <= 0)
            continue;
        if (row.quantity > PRICE_MAX / row.agreed_price ||
            !sum_good(&sum, row.quantity * row.agreed_price))
            return STATUS_EXCEEDS;
    }
    return STATUS_OK;
}

static u16 judge_time(const struct asking *asking)
{
    return order_ms(asking->ask.order) > asking->call->now_ms + ID_FUTURE_MS_MAX
               ? STATUS_ID_IN_FUTURE
               : STATUS_OK;
}

/* The lines that are named in the request. */
static u16 judge_named_lines(struct asking *asking)
{
    asking->source = (struct order_lines_source){
        .rows = asking->lines.data,
        .count = rows_of(&asking->lines, sizeof(struct row_checkout_line)),
        .stride = sizeof(struct row_checkout_line),
        .quantity_offset = offsetof(struct row_checkout_line, quantity),
        .hold_offset = offsetof(struct row_checkout_line, hold)};
    if (asking->source.count == 0)
        return STATUS_CART_EMPTY;
    u16 status = judge_sums(asking);
    if (status == STATUS_OK)
        status = judge_charges(asking);
    if (status == STATUS_OK)
        status = judge_agreed_prices(asking);
    if (status == STATUS_OK)
        status = order_demand_lines(order_scratch_of(&asking->shard->orders), &asking->source,
                                    &asking->demand_count);
    return status;
}

static u16 judge_arguments(struct asking *asking)
{
    const bool is_good = !order_is_linked(asking->call) && fixed_good(asking) &&
                         lines_good(&asking->lines) && charges_good(&asking->charges) &&
                         tenders_good(asking) && coupons_good(&asking->coupons);
    u16 status = shard_call_refusal(asking->call, is_good);
    if (status == STATUS_OK)
        status = judge_time(asking);
    if (status == STATUS_OK)
        status = asking->ask.from_cart == 1 ? judge_sums(asking) : judge_named_lines(asking);
    return status;
}

/* ---- question 3 ---- */

static u16 judge_cart_lines(struct asking *asking, const struct cart_view *cart)
{
    struct order_scratch *scratch = order_scratch_of(&asking->shard->orders);
    u32 count = 0;
    for (u32 i = 0; i < cart->line_count; i++)
        if (cart->lines[i].saved == 0)
            scratch->bought[count++] = cart->lines[i];
    asking->source =
        (struct order_lines_source){.rows = (const u8 *)scratch->bought,
                                    .count = count,
                                    .stride = sizeof(struct row_cart_line),
                                    .quantity_offset = offsetof(struct row_cart_line, quantity)};
    asking->coupons = (struct span){.data = (const u8 *)cart->coupons,
                                    .bytes = cart->coupon_count * (u32)sizeof(struct row_coupon)};
    asking->coupon_count = cart->coupon_count;
    MUST(asking->coupon_count <= ORDER_COUPONS_MAX);
    if (count == 0)
        return STATUS_CART_EMPTY;
    const u16 status = judge_charges(asking);
    return status == STATUS_OK ? order_demand_lines(scratch, &asking->source, &asking->demand_count)
                               : status;
}

static u16 judge_cart(struct asking *asking, struct msg_checkout_rsp *answer)
{
    struct cart_view cart;
    if (!cart_look(asking->shard, order_user(asking->ask.order), &cart) ||
        cart.state == CART_STATE_NONE)
        return STATUS_CART_EMPTY;
    answer->cart_version = cart.version;
    if (cart.state == CART_STATE_MERGED || cart.state == CART_STATE_MERGING)
        return STATUS_CART_MERGED;
    if (!id128_is_none(cart.order)) {
        answer->frozen_by = cart.order;
        return STATUS_CART_FROZEN;
    }
    if (asking->ask.cart_version != 0 && asking->ask.cart_version != cart.version)
        return STATUS_VERSION_CONFLICT;
    return judge_cart_lines(asking, &cart);
}

/* ---- the order is written down ---- */

static u8 *take_room(u8 **at, struct order_table *table, size_t row_bytes, u32 count)
{
    table->rows = *at;
    table->count = count;
    *at += ROUND_UP(row_bytes * count, (size_t)8);
    return table->rows;
}

static void write_tenders(const struct asking *asking, struct order *order)
{
    struct order_tender *tenders = order_tenders(order);
    u32 place = 0;
    for (u32 i = 0; i < asking->tender_count; i++) {
        struct row_tender row;
        memcpy(&row, asking->tenders.data + (size_t)i * sizeof row, sizeof row);
        const u32 bytes = text64_bytes(&row.token);
        tenders[i] = (struct order_tender){.account = row.account,
                                           .amount = row.amount,
                                           .group = row.group,
                                           .token = place,
                                           .kind = row.kind,
                                           .state = TENDER_STATE_WAITING,
                                           .token_bytes = (u8)bytes};
        memcpy(order->texts.rows + place, row.token.bytes, bytes);
        place += bytes;
    }
    MUST(place == asking->token_bytes);
}

static void write_lines(const struct asking *asking, struct order *order)
{
    struct row_order_line *lines = order_lines(order);
    struct order_asked *asked = order_asked(order);
    for (u32 i = 0; i < asking->source.count; i++) {
        const u8 *row = asking->source.rows + (size_t)i * asking->source.stride;
        memset(&lines[i], 0, sizeof lines[i]);
        asked[i].agreed_price = -1;
        if (asking->ask.from_cart == 1) {
            struct row_cart_line from;
            memcpy(&from, row, sizeof from);
            lines[i].sku_id = from.sku_id;
            lines[i].options = from.options;
            lines[i].quantity = from.quantity;
        } else {
            struct row_checkout_line from;
            memcpy(&from, row, sizeof from);
            lines[i].sku_id = from.sku_id;
            lines[i].options = from.options;
            lines[i].quantity = from.quantity;
            asked[i].agreed_price = from.agreed_price;
            asked[i].reason = from.reason;
            asked[i].hold = from.hold;
        }
    }
}

/* What has to be held for each coupon; one that no promotion wants has id 0 there. */
static void write_coupons(const struct asking *asking, struct order *order)
{
    const struct pricing pricing = {.group_id = asking->ask.group_id,
                                    .now_ns = asking->call->now_ns,
                                    .currency = asking->ask.currency};
    for (u32 i = 0; i < asking->coupon_count; i++) {
        struct row_coupon row;
        struct pricing_coupon facts;
        memcpy(&row, asking->coupons.data + (size_t)i * sizeof row, sizeof row);
        order_coupons(order)[i] = (struct order_coupon){.coupon_id = row.coupon_id};
        if (!pricing_coupon_find(&asking->shard->settings, &pricing, row.coupon_id, &facts))
            order->reason = STATUS_COUPON_INVALID;
        else
            order_coupons(order)[i] = (struct order_coupon){.coupon_id = row.coupon_id,
                                                            .allowance = facts.per_customer,
                                                            .is_limited = facts.is_limited};
    }
}

/* What is asked about lines is over when their amounts are known, and lies in the same place. There is
 * an amount for each line and charge, as a rule. */
static void lend_amounts(const struct asking *asking, struct order *order)
{
    const u32 asked_bytes = asking->source.count * (u32)sizeof(struct order_asked);
    const u32 row_bytes = (u32)sizeof(struct row_amount);
    order_table_reserve(asking->shard->orders.arena, &order->amounts, row_bytes,
                        MAX((asked_bytes + row_bytes - 1) / row_bytes,
                            asking->source.count + asking->charge_count));
    order->asked = (struct order_table){.rows = order->amounts.rows, .count = asking->source.count};
}

/* Everything that is known now, in one block. Of the holds, only the room. */
static void write_body(const struct asking *asking, struct order *order)
{
    struct arena *arena = asking->shard->orders.arena;
    const u32 line_count = asking->source.count;
    const u32 shard_count =
        MIN((u32)asking->shard->options.count,
            asking->demand_count + 2 * asking->coupon_count + asking->tender_count);
    const size_t bytes = line_count * sizeof(struct row_order_line) +
                         asking->charge_count * sizeof(struct row_charge) +
                         asking->tender_count * sizeof(struct order_tender) +
                         asking->coupon_count * sizeof(struct order_coupon) +
                         ROUND_UP(shard_count * sizeof(struct order_hold), (size_t)8) +
                         ROUND_UP((size_t)asking->token_bytes, (size_t)8) +
                         ROUND_UP((size_t)asking->address.bytes, (size_t)8);
    MUST(bytes <= ARENA_BYTES_MAX);
    order->body_bytes = (u32)bytes;
    order->body = arena_acquire(arena, bytes);
    u8 *at = order->body;
    (void)take_room(&at, &order->lines, sizeof(struct row_order_line), line_count);
    memcpy(take_room(&at, &order->charge_rows, sizeof(struct row_charge), asking->charge_count),
           asking->charges.data, asking->charges.bytes);
    (void)take_room(&at, &order->tenders, sizeof(struct order_tender), asking->tender_count);
    (void)take_room(&at, &order->coupons, sizeof(struct order_coupon), asking->coupon_count);
    (void)take_room(&at, &order->holds, sizeof(struct order_hold), shard_count);
    order->holds.count = 0;
    (void)take_room(&at, &order->texts, 1, asking->token_bytes);
    memcpy(take_room(&at, &order->address, 1, asking->address.bytes), asking->address.data,
           asking->address.bytes);
    MUST(at == order->body + bytes);
    lend_amounts(asking, order);
    write_tenders(asking, order);
    write_lines(asking, order);
    write_coupons(asking, order);
}

static u32 write_order(const struct asking *asking)
{
    struct shard *shard = asking->shard;
    const u32 index = order_create(&shard->orders, asking->ask.order);
    struct order *order = order_at(&shard->orders, index);
    const u64 now_ns = asking->call->now_ns;
    order->owner = order_user(asking->ask.order);
    order->group_id = asking->ask.group_id;
    order->fingerprint = asking->fingerprint;
    order->created_ns = now_ns;
    order->changed_ns = now_ns;
    order->since_ns = now_ns;
    order->expected_total = asking->ask.expected_total;
    order->cart_version = asking->ask.cart_version;
    order->state = SAGA_STATE_NEW;
    order->currency = asking->ask.currency;
    order->capture = (u8)asking->ask.capture;
    order->flags = asking->ask.from_cart == 1 ? ORDER_FLAG_FROM_CART : 0;
    write_body(asking, order);
    shard->orders.counts.open_orders++;
    return index;
}

/* NEW, then HOLDING, and, if this shard has all that is needed, further in the same step. */
static u32 accept(const struct asking *asking)
{
    const u32 index = write_order(asking);
    const struct order_turn turn = order_turn_begin(asking->shard, index, asking->call->now_ns);
    const u16 reason = turn.order->reason;
    history_add(asking->shard, index);
    (void)order_event_add(&turn, &(struct order_event){.kind = ORDER_EVENT_CREATED,
                                                       .value = turn.order->expected_total});
    if ((turn.order->flags & ORDER_FLAG_FROM_CART) != 0)
        cart_claim(asking->shard, order_user(turn.order->id), turn.order->id);
    order_go(&turn, SAGA_EVENT_ACCEPTED);
    if (reason != STATUS_OK)
        order_fail(&turn, SAGA_EVENT_MISPRICED, reason);
    else
        order_hold_begin(&turn, asking->demand_count);
    order_turn_end(&turn);
    return index;
}

static void answer_state(const struct asking *asking, u32 index, struct msg_checkout_rsp *answer)
{
    const struct order *order = order_at(&asking->shard->orders, index);
    const struct order_sums sums = order_sums_of(order);
    struct cart_view cart;
    answer->state = order->state;
    answer->reason = order->reason;
    answer->is_settled = order_is_settled(order->state);
    answer->failed_count = (u16)order->failed.count;
    if ((order->flags & ORDER_FLAG_FROM_CART) != 0 &&
        cart_look(asking->shard, order_user(order->id), &cart))
        answer->cart_version = cart.version;
    ORDER_SUMS_ANSWER(answer, order, sums);
}

/* The order is there already: it is this one, or another one of its name. */
static u16 answer_again(const struct asking *asking, u32 index, struct msg_checkout_rsp *answer)
{
    if (order_at(&asking->shard->orders, index)->fingerprint != asking->fingerprint)
        return STATUS_ID_MISMATCH;
    answer_state(asking, index, answer);
    answer->head.flags = RECORD_FLAG_REPLAYED;
    return STATUS_OK;
}

static u16 judge(struct asking *asking, struct msg_checkout_rsp *answer, u32 *index)
{
    u16 status = judge_arguments(asking);
    if (status != STATUS_OK)
        return status;
    *index = order_find(&asking->shard->orders, asking->ask.order);
    if (*index != 0)
        return answer_again(asking, *index, answer);
    if (order_ms(asking->ask.order) + CHECKOUT_AGE_MS_MAX < asking->call->now_ms)
        return STATUS_TOO_OLD;
    if (asking->ask.from_cart == 1)
        status = judge_cart(asking, answer);
    return status;
}

/* The record's bytes lie in a row: the fixed part, then the spans with their lengths. */
static u64 fingerprint_of(const void *request, const struct span *last)
{
    const u8 *begin = request;
    const u8 *end = last->data + last->bytes;
    MUST(end > begin);
    return checksum64(begin, (size_t)(end - begin));
}

void shard_apply_checkout(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply)
{
    struct asking asking = {.shard = shard,
                            .call = call,
                            .lines = call->spans[SPAN_OF(checkout_req, lines)],
                            .charges = call->spans[SPAN_OF(checkout_req, charges)],
                            .tenders = call->spans[SPAN_OF(checkout_req, tenders)],
                            .coupons = call->spans[SPAN_OF(checkout_req, coupons)],
                            .address = call->spans[SPAN_OF(checkout_req, address)]};
    struct msg_checkout_rsp *answer = reply;
    u32 index = 0;
    memcpy(&asking.ask, request, sizeof asking.ask);
    asking.charge_count = rows_of(&asking.charges, sizeof(struct row_charge));
    asking.tender_count = rows_of(&asking.tenders, sizeof(struct row_tender));
    asking.coupon_count = rows_of(&asking.coupons, sizeof(struct row_coupon));
    asking.fingerprint = fingerprint_of(request, &asking.address);
    answer->head.status = judge(&asking, answer, &index);
    if (answer->head.status == STATUS_OK && index == 0)
        answer_state(&asking, accept(&asking), answer);
}
