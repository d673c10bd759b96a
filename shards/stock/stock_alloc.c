/* stock_alloc: what happens to units that are sold: ship, cancel, return.
 *
 * With an id the quantity is a total so far, so that repeating a command is harmless; without one
 * it is a difference, taken from the anonymous units.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/shard_handlers.h"
#include "shards/stock/stock_grant.h"
#include "shards/stock/stock_levels.h"

/* A ship, cancel or return under judgement. */
struct step {
    struct stock *stock;
    const struct shard_call *call;
    struct stock_hot *hot;
    struct stock_cold *cold;
    struct stock_grant *grant; /* NULL: anonymous */
    u32 index;                 /* of the grant */
    i64 quantity;              /* as asked for, then the difference to apply */
    u16 flags;
};

/* Finds what the step is about. */
static u16 begin(struct step *step, struct id128 id)
{
    struct stock *stock = step->stock;
    const struct shard_call *call = step->call;
    step->hot = stock_hot_at(stock, call->object);
    step->cold = stock_cold_of(stock, step->hot);
    if (id128_is_none(id))
        return STATUS_OK;
    step->index = stock_grant_find(stock, shard_call_grant_hash(call, id), call->object, id);
    if (step->index == 0)
        return stock_id_too_old(stock, id, call->now_ms) ? STATUS_TOO_OLD : STATUS_NOT_FOUND;
    step->grant = stock_grant_at(stock, step->index);
    if (step->grant->origin == STOCK_ORIGIN_ORDER)
        return STATUS_FORBIDDEN; /* only messages of its order change it */
    const u8 state = step->grant->state;
    return state == GRANT_STATE_ALLOCATED || state == GRANT_STATE_FINISHED ? STATUS_OK
                                                                           : STATUS_INVALID_STATE;
}

/* Turns a total into a difference: `done` of the total is done already, `other` belongs to the
 * other way of ending, both together at most `limit`. */
static u16 differ(struct step *step, i64 done, i64 other, i64 limit)
{
    if (step->quantity <= done) {
        step->flags = RECORD_FLAG_REPLAYED;
        step->stock->counts.replayed_records++;
        return STATUS_OK;
    }
    if (step->quantity + other > limit)
        return STATUS_EXCEEDS;
    step->quantity -= done;
    return STATUS_OK;
}

static void announce(const struct step *step)
{
    MUST(step->flags == 0);
    MUST(step->quantity >= 1);
    stock_resource_before_change(step->stock, step->call->object);
    if (step->grant != NULL)
        stock_grant_before_change(step->stock, step->index);
}

static void finish_if_spent(const struct step *step)
{
    if (step->grant != NULL && stock_grant_is_spent(step->grant))
        stock_grant_enter(step->stock, step->index, GRANT_STATE_FINISHED, step->call->now_ns);
}

static u16 ship(struct step *step, struct id128 id)
{
    u16 status = begin(step, id);
    if (status != STATUS_OK)
        return status;
    if (step->grant != NULL)
        status = differ(step, step->grant->shipped, step->grant->cancelled, step->grant->allocated);
    else if (step->quantity > stock_allocated_anonymous(step->hot, step->cold))
        status = STATUS_EXCEEDS;
    if (status != STATUS_OK || step->flags != 0)
        return status;
    if (step->hot->on_hand - step->hot->unavailable < step->quantity)
        return STATUS_SHORT_STOCK;
    if (!stock_sum_fits(step->cold->shipped, step->quantity))
        return STATUS_EXCEEDS;
    announce(step);
    step->hot->on_hand -= step->quantity;
    step->hot->allocated -= step->quantity;
    step->cold->shipped += step->quantity;
    if (step->grant != NULL)
        step->grant->shipped += (u32)step->quantity;
    else
        step->cold->shipped_anonymous += step->quantity;
    MUST(step->hot->allocated >= 0);
    MUST(step->hot->on_hand >= step->hot->unavailable);
    finish_if_spent(step);
    return STATUS_OK;
}

static u16 cancel(struct step *step, struct id128 id)
{
    u16 status = begin(step, id);
    if (status != STATUS_OK)
        return status;
    if (step->grant != NULL)
        status = differ(step, step->grant->cancelled, step->grant->shipped, step->grant->allocated);
    else if (step->quantity > stock_allocated_anonymous(step->hot, step->cold))
        status = STATUS_EXCEEDS;
    if (status != STATUS_OK || step->flags != 0)
        return status;
    if (!stock_sum_fits(step->cold->cancelled, step->quantity))
        return STATUS_EXCEEDS;
    announce(step);
    step->hot->allocated -= step->quantity;
    step->cold->cancelled += step->quantity;
    if (step->grant != NULL)
        step->grant->cancelled += (u32)step->quantity;
    else
        step->cold->cancelled_anonymous += step->quantity;
    MUST(step->hot->allocated >= 0);
    finish_if_spent(step);
    return STATUS_OK;
}

/* The counters of a return that depend on its disposition. */
static void add_returned(const struct step *step, bool is_damaged)
{
    if (is_damaged) {
        step->hot->unavailable += step->quantity;
        step->cold->returned_damaged += step->quantity;
    } else {
        step->cold->returned_sellable += step->quantity;
    }
    if (step->grant == NULL)
        step->cold->returned_anonymous += step->quantity;
    else if (is_damaged)
        step->grant->returned_damaged += (u32)step->quantity;
    else
        step->grant->returned_sellable += (u32)step->quantity;
}

static u16 take_back(struct step *step, struct id128 id, bool is_damaged)
{
    u16 status = begin(step, id);
    if (status != STATUS_OK)
        return status;
    const struct stock_grant *grant = step->grant;
    if (grant != NULL && is_damaged)
        status = differ(step, grant->returned_damaged, grant->returned_sellable, grant->shipped);
    else if (grant != NULL)
        status = differ(step, grant->returned_sellable, grant->returned_damaged, grant->shipped);
    else if (step->quantity > step->cold->shipped_anonymous - step->cold->returned_anonymous)
        status = STATUS_EXCEEDS;
    if (status != STATUS_OK || step->flags != 0)
        return status;
    const i64 returned = is_damaged ? step->cold->returned_damaged : step->cold->returned_sellable;
    if (!stock_sum_fits(step->hot->on_hand, step->quantity) ||
        !stock_sum_fits(returned, step->quantity))
        return STATUS_EXCEEDS;
    announce(step);
    step->hot->on_hand += step->quantity;
    add_returned(step, is_damaged);
    MUST(step->hot->on_hand >= step->hot->unavailable);
    return STATUS_OK;
}

static void answer_step(const struct step *step, u16 status, void *reply)
{
    stock_levels_answer(reply, (struct stock_outcome){.status = status, .flags = step->flags},
                        step->hot);
}

void shard_apply_alloc_ship(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply)
{
    struct msg_alloc_ship_req ask;
    memcpy(&ask, request, sizeof ask);
    struct step step = {.stock = &shard->stock, .call = call, .quantity = ask.quantity};
    u16 status = shard_call_refusal(call, stock_quantity_good(ask.quantity));
    if (status == STATUS_OK)
        status = ship(&step, ask.id);
    answer_step(&step, status, reply);
}

void shard_apply_alloc_cancel(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_alloc_cancel_req ask;
    memcpy(&ask, request, sizeof ask);
    struct step step = {.stock = &shard->stock, .call = call, .quantity = ask.quantity};
    u16 status = shard_call_refusal(call, stock_quantity_good(ask.quantity));
    if (status == STATUS_OK)
        status = cancel(&step, ask.id);
    answer_step(&step, status, reply);
}

void shard_apply_alloc_return(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_alloc_return_req ask;
    memcpy(&ask, request, sizeof ask);
    struct step step = {.stock = &shard->stock, .call = call, .quantity = ask.quantity};
    const bool is_damaged = ask.disposition == DISPOSITION_DAMAGED;
    u16 status =
        shard_call_refusal(call, stock_quantity_good(ask.quantity) &&
                                     (is_damaged || ask.disposition == DISPOSITION_SELLABLE));
    if (status == STATUS_OK)
        status = take_back(&step, ask.id, is_damaged);
    answer_step(&step, status, reply);
}
