/* stock_levels: commands that change physical stock: receive, adjust, set, write off; and get.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/stock/stock_levels.h"

#include <string.h>

#include "shards/shard_handlers.h"

/* The hot record that a judged call names, NULL when it names none. */
static struct stock_hot *hot_of(struct stock *stock, const struct shard_call *call, u16 status)
{
    return status == STATUS_OK ? stock_hot_at(stock, call->object) : NULL;
}

static u16 receive(struct stock *stock, u32 index, i64 quantity)
{
    struct stock_hot *hot = stock_hot_at(stock, index);
    struct stock_cold *cold = stock_cold_of(stock, hot);
    if (!stock_sum_fits(hot->on_hand, quantity) || !stock_sum_fits(cold->received, quantity))
        return STATUS_EXCEEDS;
    stock_resource_before_change(stock, index);
    hot->on_hand += quantity;
    cold->received += quantity;
    MUST(hot->on_hand >= hot->unavailable);
    return STATUS_OK;
}

void shard_apply_stock_receive(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_stock_receive_req ask;
    memcpy(&ask, request, sizeof ask);
    u16 status = shard_call_refusal(call, stock_quantity_good(ask.quantity));
    struct stock_hot *hot = hot_of(&shard->stock, call, status);
    if (hot != NULL)
        status = receive(&shard->stock, call->object, ask.quantity);
    stock_levels_answer(reply, (struct stock_outcome){.status = status}, hot);
}

/* on_hand and adjusted by `delta`, which the caller has judged against unavailable. */
static u16 adjust(struct stock *stock, u32 index, i64 delta)
{
    struct stock_hot *hot = stock_hot_at(stock, index);
    struct stock_cold *cold = stock_cold_of(stock, hot);
    MUST(hot->on_hand + delta >= hot->unavailable);
    if (!stock_sum_fits(hot->on_hand, delta) || !stock_sum_fits(cold->adjusted, delta))
        return STATUS_EXCEEDS;
    stock_resource_before_change(stock, index);
    hot->on_hand += delta;
    cold->adjusted += delta;
    return STATUS_OK;
}

void shard_apply_stock_adjust(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_stock_adjust_req ask;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.delta != 0 && ask.delta >= -QUANTITY_MAX && ask.delta <= QUANTITY_MAX;
    u16 status = shard_call_refusal(call, is_good);
    struct stock_hot *hot = hot_of(&shard->stock, call, status);
    if (hot != NULL)
        status = hot->on_hand + ask.delta < hot->unavailable
                     ? STATUS_BELOW_ZERO
                     : adjust(&shard->stock, call->object, ask.delta);
    stock_levels_answer(reply, (struct stock_outcome){.status = status}, hot);
}

static u16 set(struct stock *stock, u32 index, const struct msg_stock_set_req *ask)
{
    const struct stock_hot *hot = stock_hot_at(stock, index);
    if (ask->expected != -1 && ask->expected != hot->on_hand)
        return STATUS_COMPARE_FAILED;
    if (ask->value < hot->unavailable)
        return STATUS_BELOW_ZERO;
    return adjust(stock, index, ask->value - hot->on_hand);
}

void shard_apply_stock_set(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply)
{
    struct msg_stock_set_req ask;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.value >= 0 && ask.value <= QUANTITY_MAX && ask.expected >= -1 &&
                         ask.expected <= COUNTER_MAX;
    u16 status = shard_call_refusal(call, is_good);
    struct stock_hot *hot = hot_of(&shard->stock, call, status);
    if (hot != NULL)
        status = set(&shard->stock, call->object, &ask);
    stock_levels_answer(reply, (struct stock_outcome){.status = status}, hot);
}

static u16 write_off(struct stock *stock, u32 index, i64 quantity)
{
    struct stock_hot *hot = stock_hot_at(stock, index);
    struct stock_cold *cold = stock_cold_of(stock, hot);
    if (quantity > hot->unavailable || !stock_sum_fits(cold->written_off, quantity))
        return STATUS_EXCEEDS;
    stock_resource_before_change(stock, index);
    hot->on_hand -= quantity;
    hot->unavailable -= quantity;
    cold->written_off += quantity;
    MUST(hot->unavailable >= 0);
    MUST(hot->on_hand >= hot->unavailable);
    return STATUS_OK;
}

void shard_apply_stock_write_off(struct shard *shard, const struct shard_call *call,
                                 const void *request, void *reply)
{
    struct msg_stock_write_off_req ask;
    memcpy(&ask, request, sizeof ask);
    u16 status = shard_call_refusal(call, stock_quantity_good(ask.quantity));
    struct stock_hot *hot = hot_of(&shard->stock, call, status);
    if (hot != NULL)
        status = write_off(&shard->stock, call->object, ask.quantity);
    stock_levels_answer(reply, (struct stock_outcome){.status = status}, hot);
}

/* Is an expiry of this resource under way, so that its levels are between two moments? */
static bool is_expiring(const struct shard *shard, const struct stock_hot *hot)
{
    return shard->expiring_ns != 0 &&
           stock_earliest_lease_ns(&shard->stock, hot) <= shard->expiring_ns;
}

bool shard_read_stock_get(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply, struct span *spans)
{
    (void)request;
    (void)spans;
    const u16 status = shard_call_refusal(call, true);
    const struct stock_hot *hot = hot_of(&shard->stock, call, status);
    if (hot != NULL && is_expiring(shard, hot))
        return false;
    stock_levels_answer(reply, (struct stock_outcome){.status = status}, hot);
    return true;
}

bool shard_read_sku_get(struct shard *shard, const struct shard_call *call, const void *request,
                        void *reply, struct span *spans)
{
    (void)request;
    struct msg_sku_get_rsp *answer = reply;
    answer->head.status = shard_call_refusal(call, true);
    const struct stock_hot *hot = hot_of(&shard->stock, call, answer->head.status);
    if (hot == NULL)
        return true;
    if (is_expiring(shard, hot))
        return false;
    const struct stock_cold *cold = stock_cold_of(&shard->stock, hot);
    *answer = (struct msg_sku_get_rsp){
        .product_id = cold->product_id,
        .version = cold->version,
        .price = cold->price,
        .safety_stock = cold->safety_stock,
        .oversell_cap = cold->oversell_cap,
        .lease_default_ms =
            cold->lease_default_ms != 0 ? cold->lease_default_ms : (u32)LEASE_MS_DEFAULT,
        .currency = cold->currency,
        .low_at = hot->low_at,
        .on_hand = hot->on_hand,
        .unavailable = hot->unavailable,
        .held = hot->held,
        .allocated = hot->allocated,
        .sellable = stock_sellable(hot),
        .allocated_anonymous = stock_allocated_anonymous(hot, cold),
        .received = cold->received,
        .shipped = cold->shipped,
        .returned_sellable = cold->returned_sellable,
        .returned_damaged = cold->returned_damaged,
        .adjusted = cold->adjusted,
        .written_off = cold->written_off,
        .granted = stock_granted(hot, cold),
        .cancelled = cold->cancelled,
    };
    spans[0] = (struct span){.data = cold->code, .bytes = cold->code_bytes};
    return true;
}
STATIC_CHECK(LEASE_MS_DEFAULT <= UINT32_MAX);
