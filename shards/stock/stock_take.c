/* stock_take: take and hold: the questions of docs/stock.md in their order, then the grant.
 *
 * The anonymous take without `replaces` is the path that a flash sale is made of: one line is read
 * and written, nothing else is touched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/checksum.h"
#include "shards/shard_handlers.h"
#include "shards/stock/stock_ask.h"

/* An ask under judgement. */
struct ask {
    const struct msg_take_req *take;
    u64 fingerprint;
    u64 grant_hash;
    struct stock_terms terms; /* of a hold: as asked for, then as in force */
    u32 replaced;             /* grant to be replaced, 0 = none */
    bool is_hold;
    i64 back;
};

struct ask_answer {
    struct record_status head;
    i64 sellable;
    u64 expires_at_ns;
};

bool stock_grant_fits(const struct stock *stock, const struct stock_hot *hot, i64 quantity)
{
    return stock_sum_fits(hot->allocated, quantity) &&
           stock_sum_fits(stock_granted(hot, stock_cold_of(stock, hot)), quantity);
}

void stock_add_granted_named(struct stock_hot *hot, struct stock_cold *cold, i64 quantity)
{
    cold->granted_named += quantity;
    MUST(cold->granted_named <= COUNTER_MAX);
    if (UNLIKELY(cold->granted_named > COUNTER_MAX / 2))
        hot->flags |= STOCK_HOT_NEAR_LIMIT;
}

/* As stock_grant_fits, without touching the cold record while the sums are far from their end. */
static inline bool anonymous_fits(const struct stock *stock, const struct stock_hot *hot,
                                  i64 quantity)
{
    const i64 far = COUNTER_MAX / 2 - quantity;
    if (LIKELY((hot->flags & STOCK_HOT_NEAR_LIMIT) == 0 && hot->taken_anonymous <= far &&
               hot->allocated <= far))
        return true;
    return stock_grant_fits(stock, hot, quantity);
}

void stock_count_refusal(struct stock *stock, u16 status)
{
    if (status == STATUS_SOLD_OUT)
        stock->counts.refused_sold_out++;
    else if (status == STATUS_ALL_HELD)
        stock->counts.refused_all_held++;
}

/* The id: known to a grant? Then the answer is ready. Else it must be fresh. True: go on. */
static inline bool judge_id(struct stock *stock, const struct shard_call *call,
                            const struct ask *ask, struct ask_answer *answer)
{
    const u32 index = stock_grant_find(stock, ask->grant_hash, call->object, ask->take->id);
    if (LIKELY(index == 0)) {
        answer->head.status = stock_id_refusal(stock, ask->take->id, call->now_ms);
        return answer->head.status == STATUS_OK;
    }
    const struct stock_grant *grant = stock_grant_at(stock, index);
    if (grant->fingerprint != ask->fingerprint) {
        answer->head.status = STATUS_ID_MISMATCH;
        return false;
    }
    answer->head.flags = RECORD_FLAG_REPLAYED;
    answer->sellable = grant->first_sellable;
    if (grant->origin == STOCK_ORIGIN_HOLD)
        answer->expires_at_ns = grant->created_at_ns + grant->lease_ms * NS_PER_MS;
    stock->counts.replayed_records++;
    return false;
}

/* The grant to be replaced: found, of the same owner, not bound, not sold. */
static u16 judge_replaced(struct stock *stock, const struct shard_call *call, struct ask *ask)
{
    const struct id128 id = ask->take->replaces;
    const u32 index =
        stock_grant_find(stock, stock_grant_hash(call->resource_id, id), call->object, id);
    if (index == 0)
        return stock_id_too_old(stock, id, call->now_ms) ? STATUS_TOO_OLD : STATUS_NOT_FOUND;
    const struct stock_grant *grant = stock_grant_at(stock, index);
    if (grant->owner != ask->take->owner)
        return STATUS_OWNER_MISMATCH;
    if (!id128_is_none(grant->order))
        return STATUS_BOUND_TO_OTHER;
    if (grant->state == GRANT_STATE_ALLOCATED || grant->state == GRANT_STATE_FINISHED)
        return STATUS_INVALID_STATE;
    ask->replaced = index;
    ask->back = grant->held;
    return STATUS_OK;
}

/* All questions from the id on. STATUS_OK and no flags: grant it. */
static inline void judge(struct stock *stock, const struct shard_call *call, struct ask *ask,
                         struct ask_answer *answer)
{
    struct stock_hot *hot = stock_hot_at(stock, call->object);
    answer->sellable = stock_sellable(hot);
    if (!id128_is_none(ask->take->id) && !judge_id(stock, call, ask, answer))
        return;
    if (!id128_is_none(ask->take->replaces)) {
        answer->head.status = judge_replaced(stock, call, ask);
        if (answer->head.status != STATUS_OK)
            return;
    }
    if (ask->is_hold) {
        ask->terms = stock_terms_of(stock_cold_of(stock, hot), ask->terms);
        if (!stock_terms_good(ask->terms)) {
            answer->head.status = STATUS_BAD_ARGUMENT;
            return;
        }
    }
    u16 status = stock_shortage(hot, ask->take->quantity, ask->back);
    if (status == STATUS_ALL_HELD)
        answer->head.retry_after_ms = stock_retry_ms(stock, hot, call->now_ns);
    stock_count_refusal(stock, status);
    if (status == STATUS_OK) {
        const bool is_fit = ask->is_hold
                                ? stock_sum_fits(hot->held - ask->back, ask->take->quantity)
                                : stock_grant_fits(stock, hot, ask->take->quantity);
        status = is_fit ? STATUS_OK : STATUS_EXCEEDS;
    }
    answer->head.status = status;
}

static void release_replaced(struct stock *stock, struct stock_hot *hot, u32 index, u64 now_ns)
{
    struct stock_grant *grant = stock_grant_at(stock, index);
    if (grant->state != GRANT_STATE_HELD)
        return;
    stock_grant_before_change(stock, index);
    MUST(hot->held >= grant->held);
    hot->held -= grant->held;
    grant->held = 0;
    stock_grant_enter(stock, index, GRANT_STATE_RELEASED, now_ns);
}

/* The grant itself, written where it stays. */
static inline void create_grant(struct stock *stock, const struct shard_call *call,
                                const struct ask *ask, struct ask_answer *answer)
{
    const struct msg_take_req *take = ask->take;
    const u32 index = stock_grant_acquire(stock);
    struct stock_grant *grant = stock_grant_at(stock, index);
    grant->id = take->id;
    grant->owner = take->owner;
    grant->resource = call->object;
    grant->quantity = (u32)take->quantity;
    grant->created_at_ns = call->now_ns;
    grant->fingerprint = ask->fingerprint;
    grant->first_sellable = answer->sellable;
    if (ask->is_hold) {
        grant->origin = STOCK_ORIGIN_HOLD;
        grant->state = GRANT_STATE_HELD;
        grant->held = (u32)take->quantity;
        grant->lease_ms = (u32)ask->terms.lease_ms;
        grant->life_ms = (u32)ask->terms.life_ms;
        grant->expires_at_ns = call->now_ns + ask->terms.lease_ms * NS_PER_MS;
        answer->expires_at_ns = grant->expires_at_ns;
    } else {
        grant->origin = STOCK_ORIGIN_TAKE;
        grant->state = GRANT_STATE_ALLOCATED;
        grant->allocated = (u32)take->quantity;
    }
    stock_grant_insert(stock, ask->grant_hash, index);
}

static inline void grant_it(struct stock *stock, const struct shard_call *call,
                            const struct ask *ask, struct ask_answer *answer)
{
    struct stock_hot *hot = stock_hot_at(stock, call->object);
    const i64 quantity = ask->take->quantity;
    stock_resource_before_change(stock, call->object);
    if (ask->replaced != 0)
        release_replaced(stock, hot, ask->replaced, call->now_ns);
    if (ask->is_hold) {
        hot->held += quantity;
    } else {
        hot->allocated += quantity;
        if (id128_is_none(ask->take->id))
            hot->taken_anonymous += quantity;
        else
            stock_add_granted_named(hot, stock_cold_of(stock, hot), quantity);
    }
    answer->sellable = stock_sellable(hot);
    MUST(answer->sellable >= 0);
    stock->counts.granted_records++;
    if (!id128_is_none(ask->take->id))
        create_grant(stock, call, ask, answer);
}

static inline void judge_and_grant(struct stock *stock, const struct shard_call *call,
                                   struct ask *ask, struct ask_answer *answer)
{
    judge(stock, call, ask, answer);
    if (answer->head.status == STATUS_OK && answer->head.flags == 0)
        grant_it(stock, call, ask, answer);
}

static void refuse_anonymous(struct stock *stock, const struct shard_call *call,
                             const struct stock_hot *hot, struct msg_take_rsp *answer)
{
    stock_count_refusal(stock, answer->head.status);
    if (answer->head.status == STATUS_ALL_HELD)
        answer->head.retry_after_ms = stock_retry_ms(stock, hot, call->now_ns);
}

static inline void take_anonymous(struct stock *stock, const struct shard_call *call, i64 quantity,
                                  struct msg_take_rsp *answer)
{
    struct stock_hot *hot = stock_hot_at(stock, call->object);
    i64 sellable = stock_sellable(hot);
    if (UNLIKELY(sellable < quantity))
        answer->head.status = stock_shortage(hot, quantity, 0);
    else if (UNLIKELY(!anonymous_fits(stock, hot, quantity)))
        answer->head.status = STATUS_EXCEEDS;
    if (LIKELY(answer->head.status == STATUS_OK)) {
        stock_resource_before_change(stock, call->object);
        hot->allocated += quantity;
        hot->taken_anonymous += quantity;
        stock->counts.granted_records++;
        sellable -= quantity;
        MUST(sellable >= 0);
    } else {
        refuse_anonymous(stock, call, hot, answer);
    }
    answer->sellable = sellable;
}

/* Apart, so that the path of the anonymous take saves no registers for it. */
__attribute__((noinline)) static void take_named(struct stock *stock, const struct shard_call *call,
                                                 const void *request, struct msg_take_rsp *answer)
{
    struct msg_take_req take;
    memcpy(&take, request, sizeof take);
    const u16 status = shard_call_refusal(call, stock_ask_good(&take));
    if (UNLIKELY(status != STATUS_OK)) {
        answer->head.status = status;
        return;
    }
    struct ask ask = {.take = &take, .grant_hash = shard_call_grant_hash(call, take.id)};
    if (!id128_is_none(take.id))
        ask.fingerprint = XXH3_64bits_withSeed(&take, sizeof take, OPCODE_TAKE);
    struct ask_answer full = {.head = {.status = STATUS_OK}};
    judge_and_grant(stock, call, &ask, &full);
    *answer = (struct msg_take_rsp){.head = full.head, .sellable = full.sellable};
}

void shard_apply_take(struct shard *shard, const struct shard_call *call, const void *request,
                      void *reply)
{
    /* Field by field: a copy of the record would cost this path a stack frame. */
    struct msg_take_rsp *answer = reply;
    const u8 *from = request;
    struct id128 id, replaces;
    i64 quantity;
    memcpy(&quantity, from + offsetof(struct msg_take_req, quantity), sizeof quantity);
    memcpy(&id, from + offsetof(struct msg_take_req, id), sizeof id);
    memcpy(&replaces, from + offsetof(struct msg_take_req, replaces), sizeof replaces);
    if (UNLIKELY((id.low | id.high | replaces.low | replaces.high) != 0)) {
        take_named(&shard->stock, call, request, answer);
        return;
    }
    const u16 status = shard_call_refusal(call, stock_quantity_good(quantity));
    if (LIKELY(status == STATUS_OK))
        take_anonymous(&shard->stock, call, quantity, answer);
    else
        answer->head.status = status;
}

void shard_apply_hold(struct shard *shard, const struct shard_call *call, const void *request,
                      void *reply)
{
    struct msg_take_req take; /* what both begin with */
    struct msg_hold_rsp *answer = reply;
    memcpy(&take, request, sizeof take);
    const struct stock_terms terms = stock_terms_read(request);
    const u16 status = shard_call_refusal(call, stock_hold_good(&take, terms));
    if (UNLIKELY(status != STATUS_OK)) {
        answer->head.status = status;
        return;
    }
    struct ask ask = {
        .take = &take,
        .grant_hash = shard_call_grant_hash(call, take.id),
        .fingerprint = XXH3_64bits_withSeed(request, sizeof(struct msg_hold_req), OPCODE_HOLD),
        .terms = terms,
        .is_hold = true,
    };
    struct ask_answer full = {.head = {.status = STATUS_OK}};
    judge_and_grant(&shard->stock, call, &ask, &full);
    *answer = (struct msg_hold_rsp){
        .head = full.head, .sellable = full.sellable, .expires_at_ns = full.expires_at_ns};
}
