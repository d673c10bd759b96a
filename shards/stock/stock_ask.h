/* stock_ask: what take and hold have in common: the questions before a grant, and the grant.
 *
 * struct msg_hold_req begins with the fields of struct msg_take_req, so both are judged as a take.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STOCK_STOCK_ASK_H
#define SOUK_SHARDS_STOCK_STOCK_ASK_H

#include "shards/shard_state.h"
#include "shards/stock/stock_grant.h"

STATIC_CHECK(offsetof(struct msg_take_req, resource) == offsetof(struct msg_hold_req, resource));
STATIC_CHECK(offsetof(struct msg_take_req, quantity) == offsetof(struct msg_hold_req, quantity));
STATIC_CHECK(offsetof(struct msg_take_req, owner) == offsetof(struct msg_hold_req, owner));
STATIC_CHECK(offsetof(struct msg_take_req, id) == offsetof(struct msg_hold_req, id));
STATIC_CHECK(offsetof(struct msg_take_req, replaces) == offsetof(struct msg_hold_req, replaces));

static inline bool stock_ask_good(const struct msg_take_req *ask)
{
    return stock_quantity_good(ask->quantity) &&
           (id128_is_none(ask->id) || !id128_equal(ask->id, ask->replaces));
}

/* Lease and life of a hold. */
struct stock_terms {
    u64 lease_ms;
    u64 life_ms;
};

/* As asked for in a hold record. */
static inline struct stock_terms stock_terms_read(const void *hold)
{
    struct stock_terms terms;
    const u8 *from = hold;
    __builtin_memcpy(&terms.lease_ms, from + offsetof(struct msg_hold_req, lease_ms), 8);
    __builtin_memcpy(&terms.life_ms, from + offsetof(struct msg_hold_req, max_life_ms), 8);
    return terms;
}

static inline bool stock_hold_good(const struct msg_take_req *take, struct stock_terms asked)
{
    return stock_ask_good(take) && !id128_is_none(take->id) && asked.lease_ms <= LEASE_MS_MAX &&
           asked.life_ms <= LEASE_MS_MAX &&
           (asked.lease_ms == 0 || asked.life_ms == 0 || asked.life_ms >= asked.lease_ms);
}

/* As in force. */
static inline struct stock_terms stock_terms_of(const struct stock_cold *cold,
                                                struct stock_terms asked)
{
    struct stock_terms terms = asked;
    if (terms.lease_ms == 0)
        terms.lease_ms = cold->lease_default_ms != 0 ? cold->lease_default_ms : LEASE_MS_DEFAULT;
    if (terms.life_ms == 0)
        terms.life_ms = MAX(HOLD_LIFE_MS_DEFAULT, terms.lease_ms);
    return terms;
}

static inline bool stock_terms_good(struct stock_terms terms)
{
    return terms.life_ms >= terms.lease_ms;
}

/* Why the stock as it is does not suffice, STATUS_OK when it does. `back` is what the grant to be
 * replaced gives back. */
static inline u16 stock_shortage(const struct stock_hot *hot, i64 quantity, i64 back)
{
    const i64 sellable = stock_sellable(hot);
    if (LIKELY(sellable + back >= quantity))
        return STATUS_OK;
    return sellable + hot->held >= quantity ? STATUS_ALL_HELD : STATUS_SOLD_OUT;
}

/* What ALL_HELD says about when to ask again. */
static inline u32 stock_retry_ms(const struct stock *stock, const struct stock_hot *hot, u64 now_ns)
{
    const u64 earliest_ns = stock_earliest_lease_ns(stock, hot);
    return earliest_ns == UINT64_MAX ? 1000 : shard_wait_ms(earliest_ns, now_ns);
}

/* May `quantity` more units be granted without a sum going beyond its range? */
bool stock_grant_fits(const struct stock *stock, const struct stock_hot *hot, i64 quantity);

/* Counts SOLD_OUT and ALL_HELD. */
void stock_count_refusal(struct stock *stock, u16 status);

/* Refusal on arrival: is this record refused with SOLD_OUT or ALL_HELD by the state as it is, and
 * would nothing that is known to `gate` change that? Then true, with the reply record in `reply`. */
struct stock_arrival {
    const struct message_info *info; /* of take or hold */
    const struct gate *gate;
    u64 now_ns;
    u64 now_ms;
};
bool stock_refuses_on_arrival(struct stock *stock, const struct stock_arrival *arrival,
                              const struct shard_call *call, const u8 *request, u8 *reply);

/* granted by the named, with the mark that takes look at. */
void stock_add_granted_named(struct stock_hot *hot, struct stock_cold *cold, i64 quantity);

#endif
