/* stock_hold: what happens to a hold after it was granted: extend, confirm, release, bind, get.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/shard_handlers.h"
#include "shards/stock/stock_ask.h"

/* A grant that a record names, after the questions that all of these operations share. */
struct found {
    u32 index;
    u16 status;
    struct stock_grant *grant;
    struct stock_hot *hot;
};

static struct found find_grant(struct stock *stock, const struct shard_call *call, struct id128 id,
                               bool is_argument_good)
{
    struct found found = {.status =
                              shard_call_refusal(call, is_argument_good && !id128_is_none(id))};
    if (found.status != STATUS_OK)
        return found;
    found.hot = stock_hot_at(stock, call->object);
    found.index = stock_grant_find(stock, shard_call_grant_hash(call, id), call->object, id);
    if (found.index == 0)
        found.status =
            stock_id_too_old(stock, id, call->now_ms) ? STATUS_TOO_OLD : STATUS_NOT_FOUND;
    else
        found.grant = stock_grant_at(stock, found.index);
    return found;
}

static struct found find_owned(struct stock *stock, const struct shard_call *call, struct id128 id,
                               u64 owner, bool is_argument_good)
{
    struct found found = find_grant(stock, call, id, is_argument_good);
    if (found.status == STATUS_OK && found.grant->owner != owner)
        found.status = STATUS_OWNER_MISMATCH;
    else if (found.status == STATUS_OK && found.grant->origin == STOCK_ORIGIN_ORDER)
        found.status = STATUS_FORBIDDEN; /* only messages of its order change it */
    return found;
}

/* Why a grant is not HELD any more. */
static u16 refusal_of_state(u8 state)
{
    switch ((enum grant_state)state) {
    case GRANT_STATE_HELD: return STATUS_OK;
    case GRANT_STATE_EXPIRED: return STATUS_HOLD_EXPIRED;
    case GRANT_STATE_RELEASED: return STATUS_HOLD_RELEASED;
    case GRANT_STATE_ALLOCATED:
    case GRANT_STATE_FINISHED: return STATUS_INVALID_STATE;
    }
    PANIC("a grant in no state");
}

static void answer_replayed(struct stock *stock, struct record_status *head)
{
    head->status = STATUS_OK;
    head->flags = RECORD_FLAG_REPLAYED;
    stock->counts.replayed_records++;
}

static u16 extend(struct stock *stock, const struct found *found, u64 now_ns, u64 lease_ms,
                  u64 *expires_at_ns)
{
    struct stock_grant *grant = found->grant;
    if (!id128_is_none(grant->order))
        return STATUS_BOUND_TO_OTHER;
    const u16 status = refusal_of_state(grant->state);
    if (status != STATUS_OK)
        return status;
    const u64 wanted_ns = now_ns + lease_ms * NS_PER_MS;
    const u64 until_ns = MAX(grant->expires_at_ns, MIN(wanted_ns, stock_grant_max_life_ns(grant)));
    *expires_at_ns = until_ns;
    if (until_ns == grant->expires_at_ns)
        return wanted_ns > until_ns ? STATUS_MAX_LIFE : STATUS_OK;
    stock_grant_before_change(stock, found->index);
    grant->expires_at_ns = until_ns;
    stock_grant_timer_sync(stock, found->index);
    return STATUS_OK;
}

void shard_apply_hold_extend(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct msg_hold_extend_req ask;
    struct msg_hold_extend_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.lease_ms >= 1 && ask.lease_ms <= LEASE_MS_MAX;
    const struct found found = find_owned(&shard->stock, call, ask.id, ask.owner, is_good);
    answer->head.status = found.status;
    if (found.status == STATUS_OK)
        answer->head.status =
            extend(&shard->stock, &found, call->now_ns, ask.lease_ms, &answer->expires_at_ns);
}

/* HELD -> ALLOCATED with `quantity` units, the rest is released. */
static void confirm_held(struct stock *stock, const struct shard_call *call,
                         const struct found *found, i64 quantity,
                         struct msg_hold_confirm_rsp *answer)
{
    struct stock_hot *hot = found->hot;
    struct stock_grant *grant = found->grant;
    if (quantity > grant->held || !stock_grant_fits(stock, hot, quantity)) {
        answer->head.status = STATUS_EXCEEDS;
        return;
    }
    stock_resource_before_change(stock, call->object);
    stock_grant_before_change(stock, found->index);
    MUST(quantity >= 1);
    MUST(hot->held >= grant->held);
    answer->allocated = quantity;
    answer->released = grant->held - quantity;
    hot->held -= grant->held;
    hot->allocated += quantity;
    stock_add_granted_named(hot, stock_cold_of(stock, hot), quantity);
    grant->held = 0;
    grant->allocated = (u32)quantity;
    stock_grant_enter(stock, found->index, GRANT_STATE_ALLOCATED, 0);
    stock->counts.granted_records++;
}

static void confirm(struct stock *stock, const struct shard_call *call, const struct found *found,
                    const struct msg_hold_confirm_req *ask, struct msg_hold_confirm_rsp *answer)
{
    const struct stock_grant *grant = found->grant;
    const i64 quantity = ask->quantity != 0 ? ask->quantity : grant->quantity;
    if (!id128_equal(grant->order, ask->order)) {
        answer->head.status = STATUS_BOUND_TO_OTHER;
    } else if (grant->state == GRANT_STATE_HELD) {
        confirm_held(stock, call, found, quantity, answer);
    } else if (grant->state == GRANT_STATE_EXPIRED || grant->state == GRANT_STATE_RELEASED ||
               grant->origin == STOCK_ORIGIN_TAKE) {
        answer->head.status = refusal_of_state(grant->state);
    } else if (quantity != grant->allocated) {
        answer->head.status = STATUS_ID_MISMATCH;
    } else {
        answer->allocated = grant->allocated;
        answer->released = (i64)grant->quantity - grant->allocated;
        answer_replayed(stock, &answer->head);
    }
}

void shard_apply_hold_confirm(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct msg_hold_confirm_req ask;
    struct msg_hold_confirm_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.quantity >= 0 && ask.quantity <= QUANTITY_MAX;
    const struct found found = find_owned(&shard->stock, call, ask.id, ask.owner, is_good);
    answer->head.status = found.status;
    if (found.status == STATUS_OK)
        confirm(&shard->stock, call, &found, &ask, answer);
}

static void release_held(struct stock *stock, const struct shard_call *call,
                         const struct found *found)
{
    stock_resource_before_change(stock, call->object);
    stock_grant_before_change(stock, found->index);
    MUST(found->grant->held == found->grant->quantity);
    MUST(found->hot->held >= found->grant->held);
    found->hot->held -= found->grant->held;
    found->grant->held = 0;
    stock_grant_enter(stock, found->index, GRANT_STATE_RELEASED, call->now_ns);
}

void shard_apply_hold_release(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    struct stock *stock = &shard->stock;
    struct msg_hold_release_req ask;
    struct msg_hold_release_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct found found = find_owned(stock, call, ask.id, ask.owner, true);
    answer->head.status = found.status;
    if (found.status != STATUS_OK)
        return;
    if (!id128_equal(found.grant->order, ask.order)) {
        answer->head.status = STATUS_BOUND_TO_OTHER;
        return;
    }
    if (found.grant->state == GRANT_STATE_HELD)
        release_held(stock, call, &found);
    else if (found.grant->state == GRANT_STATE_RELEASED)
        answer_replayed(stock, &answer->head);
    else
        answer->head.status = refusal_of_state(found.grant->state);
    if (answer->head.status == STATUS_OK)
        answer->released = found.grant->quantity;
}

void shard_apply_hold_bind(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply)
{
    struct stock *stock = &shard->stock;
    struct msg_hold_bind_req ask;
    struct msg_hold_bind_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct found found =
        find_owned(stock, call, ask.id, ask.owner, !id128_is_none(ask.order));
    struct stock_grant *grant = found.grant;
    answer->head.status = found.status;
    if (found.status != STATUS_OK)
        return;
    const bool is_bound = !id128_is_none(grant->order);
    if (is_bound && !id128_equal(grant->order, ask.order)) {
        answer->head.status = STATUS_BOUND_TO_OTHER;
        return;
    }
    answer->head.status = refusal_of_state(grant->state);
    if (answer->head.status != STATUS_OK)
        return;
    answer->held = grant->held;
    if (is_bound) {
        answer_replayed(stock, &answer->head);
        return;
    }
    stock_grant_before_change(stock, found.index);
    grant->order = ask.order;
    grant->expires_at_ns = 0;
    stock_grant_timer_sync(stock, found.index);
    MUST(grant->timer == STOCK_TIMER_NONE);
}

/* Is the expiry of this grant, or its being forgotten, under way? */
static bool is_expiring(const struct shard *shard, const struct stock_grant *grant)
{
    if (shard->expiring_ns == 0 || grant->timer == STOCK_TIMER_NONE)
        return false;
    const u64 due_ns = grant->timer == STOCK_TIMER_LEASE
                           ? grant->expires_at_ns
                           : stock_grant_forget_ns(&shard->stock, grant);
    return due_ns <= shard->expiring_ns;
}

bool shard_read_hold_get(struct shard *shard, const struct shard_call *call, const void *request,
                         void *reply, struct span *spans)
{
    struct msg_hold_get_req ask;
    struct msg_hold_get_rsp *answer = reply;
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    const struct found found = find_grant(&shard->stock, call, ask.id, true);
    answer->head.status = found.status;
    if (found.status != STATUS_OK)
        return true;
    if (is_expiring(shard, found.grant))
        return false;
    const struct stock_grant *grant = found.grant;
    *answer = (struct msg_hold_get_rsp){
        .owner = grant->owner,
        .order = grant->order,
        .state = grant->state,
        .quantity = grant->quantity,
        .held = grant->held,
        .allocated = grant->allocated,
        .shipped = grant->shipped,
        .cancelled = grant->cancelled,
        .returned_sellable = grant->returned_sellable,
        .returned_damaged = grant->returned_damaged,
        .created_at_ns = grant->created_at_ns,
        .expires_at_ns = grant->expires_at_ns,
        .max_life_at_ns = stock_grant_max_life_ns(grant),
    };
    return true;
}
