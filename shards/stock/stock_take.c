/* stock_take: take and hold: the questions of docs/stock.md in their order, then the grant.
 *
 * The anonymous take without `replaces` is the path that a flash sale is made of: one line is read
 * and written, nothing else is touched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/shard_handlers.h"
#include "shards/stock/stock_ask.h"

/* Both operations go through the same questions; each gets its own copy of them, in which is_hold is
 * a constant and the ask lives in registers: with calls between them a hold took 130
 * instructions more. */
#define ASK_INLINE __attribute__((always_inline)) static inline

/* An ask under judgement. It is never pointed to by a function that stays a call, so that it lives
 * in registers; the rare answers are such calls and get what they need. */
struct ask {
    struct msg_take_req take; /* what both begin with, without the resource */
    struct stock_terms terms; /* of a hold: as asked for, then as in force */
    u64 grant_hash;
    u64 fingerprint;
    i64 back;     /* what the grant to be replaced gives back */
    u32 replaced; /* its index, 0 = none */
    bool is_hold;
};

/* Where the answer goes: into the zeroed reply. */
struct ask_answer {
    struct record_status *head;
    i64 *sellable;
    u64 *expires_at_ns; /* NULL: a take */
};

static inline u64 read_u64(const u8 *from)
{
    u64 value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline struct id128 read_id(const u8 *from)
{
    return (struct id128){.low = read_u64(from), .high = read_u64(from + sizeof(u64))};
}

/* Field by field: a copy of the record would be a detour over the stack. */
ASK_INLINE struct msg_take_req read_take(const u8 *from)
{
    return (struct msg_take_req){
        .quantity = (i64)read_u64(from + offsetof(struct msg_take_req, quantity)),
        .owner = read_u64(from + offsetof(struct msg_take_req, owner)),
        .id = read_id(from + offsetof(struct msg_take_req, id)),
        .replaces = read_id(from + offsetof(struct msg_take_req, replaces)),
    };
}

static inline u64 fold(u64 a, u64 b)
{
    const route_u128 product = (route_u128)a * b;
    return (u64)product ^ (u64)(product >> 64);
}

/* The arguments by which a repeated id is told from a stolen one; id and resource are compared
 * themselves. Whoever makes two of his own asks collide gets the answer of the first. */
ASK_INLINE u64 fingerprint_of(const struct ask *ask)
{
    const struct msg_take_req *take = &ask->take;
    const u64 opcode = ask->is_hold ? OPCODE_HOLD : OPCODE_TAKE;
    u64 mixed =
        fold((u64)take->quantity ^ 0x9FB21C651E98DF25ull, take->owner ^ 0xD6E8FEB86659FD93ull);
    mixed += fold(take->replaces.low ^ 0x589965CC75374CC3ull,
                  take->replaces.high ^ opcode << 32 ^ 0x1D8E4E27C47D124Full);
    if (ask->is_hold)
        mixed ^= fold(ask->terms.lease_ms ^ 0xEB44ACCAB455D165ull,
                      ask->terms.life_ms ^ 0x9C06FAF4D023E3ABull);
    return mixed;
}

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

/* The id is known to a grant: what it answered, if it was asked the same. */
__attribute__((noinline)) static void answer_known(struct stock *stock, u32 index, u64 fingerprint,
                                                   struct ask_answer answer)
{
    const struct stock_grant *grant = stock_grant_at(stock, index);
    if (grant->fingerprint != fingerprint || grant->origin == STOCK_ORIGIN_ORDER) {
        answer.head->status = STATUS_ID_MISMATCH;
        return;
    }
    answer.head->flags = RECORD_FLAG_REPLAYED;
    *answer.sellable = grant->first_sellable;
    if (answer.expires_at_ns != NULL && grant->origin == STOCK_ORIGIN_HOLD)
        *answer.expires_at_ns = grant->created_at_ns + grant->lease_ms * NS_PER_MS;
    stock->counts.replayed_records++;
}

/* The grant to be replaced: found, of the same owner, not bound, not sold. */
struct replaced {
    i64 back;
    u32 index;
    u16 status;
};

__attribute__((noinline)) static struct replaced
judge_replaced(struct stock *stock, const struct shard_call *call, struct id128 id, u64 owner)
{
    struct replaced replaced = {.status = STATUS_OK};
    const u32 index =
        stock_grant_find(stock, stock_grant_hash(call->resource_id, id), call->object, id);
    if (index == 0) {
        replaced.status =
            stock_id_too_old(stock, id, call->now_ms) ? STATUS_TOO_OLD : STATUS_NOT_FOUND;
        return replaced;
    }
    const struct stock_grant *grant = stock_grant_at(stock, index);
    if (grant->owner != owner)
        replaced.status = STATUS_OWNER_MISMATCH;
    else if (!id128_is_none(grant->order))
        replaced.status = STATUS_BOUND_TO_OTHER;
    else if (grant->state == GRANT_STATE_ALLOCATED || grant->state == GRANT_STATE_FINISHED)
        replaced.status = STATUS_INVALID_STATE;
    replaced.index = index;
    replaced.back = grant->held;
    return replaced;
}

__attribute__((noinline)) static void answer_short(struct stock *stock,
                                                   const struct shard_call *call,
                                                   const struct stock_hot *hot, u16 status,
                                                   struct record_status *head)
{
    stock_count_refusal(stock, status);
    head->status = status;
    if (status == STATUS_ALL_HELD)
        head->retry_after_ms = stock_retry_ms(stock, hot, call->now_ns);
}

/* All questions from the id on. True: grant it. */
ASK_INLINE bool judge(struct stock *stock, const struct shard_call *call,
                      const struct stock_hot *hot, struct ask *ask, struct ask_answer answer)
{
    u16 status = STATUS_OK;
    *answer.sellable = stock_sellable(hot);
    if (!id128_is_none(ask->take.id)) {
        const u32 known = stock_grant_find(stock, ask->grant_hash, call->object, ask->take.id);
        ask->fingerprint = fingerprint_of(ask);
        if (UNLIKELY(known != 0)) {
            answer_known(stock, known, ask->fingerprint, answer);
            return false;
        }
        status = stock_id_refusal(stock, ask->take.id, call->now_ms);
    }
    if (LIKELY(status == STATUS_OK) && UNLIKELY(!id128_is_none(ask->take.replaces))) {
        const struct replaced replaced =
            judge_replaced(stock, call, ask->take.replaces, ask->take.owner);
        status = replaced.status;
        ask->replaced = replaced.index;
        ask->back = replaced.back;
    }
    if (LIKELY(status == STATUS_OK) && ask->is_hold) {
        ask->terms = stock_terms_of(stock_cold_of(stock, hot), ask->terms);
        status = stock_terms_good(ask->terms) ? STATUS_OK : STATUS_BAD_ARGUMENT;
    }
    if (UNLIKELY(status != STATUS_OK)) {
        answer.head->status = status;
        return false;
    }
    status = stock_shortage(hot, ask->take.quantity, ask->back);
    if (UNLIKELY(status != STATUS_OK)) {
        answer_short(stock, call, hot, status, answer.head);
        return false;
    }
    const bool is_fit = ask->is_hold ? stock_sum_fits(hot->held - ask->back, ask->take.quantity)
                                     : stock_grant_fits(stock, hot, ask->take.quantity);
    if (UNLIKELY(!is_fit))
        answer.head->status = STATUS_EXCEEDS;
    return is_fit;
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
ASK_INLINE void create_grant(struct stock *stock, const struct shard_call *call,
                             struct stock_cold *cold, const struct ask *ask,
                             struct ask_answer answer)
{
    const struct msg_take_req *take = &ask->take;
    const u32 index = stock_grant_acquire(stock);
    struct stock_grant *grant = stock_grant_at(stock, index);
    grant->id = take->id;
    grant->owner = take->owner;
    grant->resource = call->object;
    grant->quantity = (u32)take->quantity;
    grant->created_at_ns = call->now_ns;
    grant->fingerprint = ask->fingerprint;
    grant->first_sellable = *answer.sellable;
    if (ask->is_hold) {
        grant->origin = STOCK_ORIGIN_HOLD;
        grant->state = GRANT_STATE_HELD;
        grant->held = (u32)take->quantity;
        grant->lease_ms = (u32)ask->terms.lease_ms;
        grant->life_ms = (u32)ask->terms.life_ms;
        grant->expires_at_ns = call->now_ns + ask->terms.lease_ms * NS_PER_MS;
        *answer.expires_at_ns = grant->expires_at_ns;
    } else {
        grant->origin = STOCK_ORIGIN_TAKE;
        grant->state = GRANT_STATE_ALLOCATED;
        grant->allocated = (u32)take->quantity;
    }
    stock_grant_insert(stock, ask->grant_hash, index, grant, cold);
}

ASK_INLINE void grant_it(struct stock *stock, const struct shard_call *call, struct stock_hot *hot,
                         const struct ask *ask, struct ask_answer answer)
{
    struct stock_cold *cold = stock_cold_of(stock, hot);
    const i64 quantity = ask->take.quantity;
    const bool is_named = !id128_is_none(ask->take.id);
    stock_resource_before_change(stock, call->object);
    if (UNLIKELY(ask->replaced != 0))
        release_replaced(stock, hot, ask->replaced, call->now_ns);
    if (ask->is_hold) {
        hot->held += quantity;
    } else {
        hot->allocated += quantity;
        if (is_named)
            stock_add_granted_named(hot, cold, quantity);
        else
            hot->taken_anonymous += quantity;
    }
    const i64 sellable = stock_sellable(hot);
    MUST(sellable >= 0);
    *answer.sellable = sellable;
    stock->counts.granted_records++;
    if (LIKELY(is_named))
        create_grant(stock, call, cold, ask, answer);
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
                                                 const void *request, struct msg_take_rsp *reply)
{
    struct ask ask = {.take = read_take(request)};
    const u16 status = shard_call_refusal(call, stock_ask_good(&ask.take));
    if (UNLIKELY(status != STATUS_OK)) {
        reply->head.status = status;
        return;
    }
    const struct ask_answer answer = {.head = &reply->head, .sellable = &reply->sellable};
    struct stock_hot *hot = stock_hot_at(stock, call->object);
    ask.grant_hash = shard_call_grant_hash(call, ask.take.id);
    if (judge(stock, call, hot, &ask, answer))
        grant_it(stock, call, hot, &ask, answer);
}

void shard_apply_take(struct shard *shard, const struct shard_call *call, const void *request,
                      void *reply)
{
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
    struct stock *stock = &shard->stock;
    struct msg_hold_rsp *to = reply;
    struct ask ask = {
        .take = read_take(request), .terms = stock_terms_read(request), .is_hold = true};
    const u16 status = shard_call_refusal(call, stock_hold_good(&ask.take, ask.terms));
    if (UNLIKELY(status != STATUS_OK)) {
        to->head.status = status;
        return;
    }
    const struct ask_answer answer = {
        .head = &to->head, .sellable = &to->sellable, .expires_at_ns = &to->expires_at_ns};
    struct stock_hot *hot = stock_hot_at(stock, call->object);
    ask.grant_hash = shard_call_grant_hash(call, ask.take.id);
    if (judge(stock, call, hot, &ask, answer))
        grant_it(stock, call, hot, &ask, answer);
}
