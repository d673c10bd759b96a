/* order: the saga of a checkout and what follows: payments, parcels, returns. docs/orders.md is the
 * contract, proto/saga.def the table of states.
 *
 *      map orders -> order -> tables in the arena
 *      heap timers     orders by the end of their state's timer
 *      heap ready      commands that a worker may lease, oldest first
 *      heap waiting    commands that are leased or wait for their result, by the time that ends
 *      heap stuck      orders in WAITING states, by the time since which
 *      map histories -> history -> tree of entries, newest first
 *
 * Files
 *      order.c           life, tables, finding, events, order_go
 *      order_checkout.c  the questions of a checkout, and its first step
 *      order_holding.c   rounds of hold mails, prices, refusals, release
 *      order_payment.c   payment events and the ledger
 *      order_command.c   the outbox: emit, poll, ack, nack, leases, backoff, dead letters
 *      order_settle.c    what should be captured, refunded, voided: one rule
 *      order_timer.c     what happens when nothing happens
 *      order_resolve.c   operators; lists of what is stuck
 *      order_cancel.c    cancelling units of placed orders
 *      order_parcel.c    fulfilment
 *      order_return.c    returns
 *      order_history.c   orders of a user, guests' orders for accounts
 *      order_read.c      everything that reads
 *      order_dump.c      snapshots and digest
 *
 * Invariants
 *   I1  a state is left only by order_go, and only along a line of proto/saga.def.
 *   I2  per tender: 0 <= refunded + refunding <= captured, captured + capturing <= authorized <=
 *       amount (sums beyond that are overcharged, and given back).
 *   I3  per line: quantity = allocated + shipped + cancelled once placed; delivered <= shipped;
 *       returned <= delivered.
 *   I4  a command is READY and in `ready`, LEASED or WAITING and in `waiting`, or in neither.
 *   I5  a step number of an order is used once; (step, attempt) names one request to a provider.
 * Ownership  orders are named by pool indexes; rows are borrowed until their table grows. One core.
 * Failure    refusals are answers; a lack of memory is a panic (admission has kept the reserve).
 * Not here   stock (it is asked by mail), the outside world (it polls), time (the call brings it).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_H
#define SOUK_SHARDS_ORDER_ORDER_H

#include "proto/route.h"
#include "shards/dump.h"
#include "shards/order/order_types.h"
#include "shards/store/arena.h"
#include "shards/store/heap.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

struct shard;

struct order_counts { /* soft */
    u64 orders, open_orders, waiting_orders, ready_commands, dead_commands;
};

struct order_room {
    struct pool pool;
    struct map map;
    struct arena *arena;
    struct heap timers;
    struct heap ready;
    struct heap waiting;
    struct heap stuck;
    struct pool entries;      /* struct history_entry */
    struct pool history_pool; /* struct history */
    struct map histories;     /* by user id */
    struct map references;    /* a provider's reference -> order */
    u64 last_lease;
    struct order_counts counts;
    bool is_dumped; /* a snapshot must hear of changes beforehand */
};

void order_room_init(struct order_room *room, struct store_memory *memory, struct arena *arena);
void order_room_deinit(struct order_room *room);

static inline struct order *order_at(const struct order_room *room, u32 index)
{
    return pool_at(&room->pool, index);
}

/* 0 = there is none. */
u32 order_find(const struct order_room *room, struct id128 id);

/* ---- expiry (order_timer.c) ---- */
NODISCARD bool order_expire(struct shard *shard, u64 stamp_ns, u32 *budget);
u64 order_next_deadline_ns(const struct order_room *room);

/* ---- dump and load (order_dump.c) ---- */
void order_dump_bucket(struct order_room *room, u32 bucket, struct dump_sink *sink);
void history_dump_bucket(struct order_room *room, u32 bucket, struct dump_sink *sink);
void order_dump_scalars(const struct order_room *room, struct dump_sink *sink);
const char *order_load(struct order_room *room, u16 kind, const u8 *body, u32 bytes);
const char *order_load_finish(struct order_room *room);

/* ---- verify: walks everything, adds violations ---- */
void order_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

#endif
