/* order: the saga of a checkout and what follows: payments, parcels, returns. docs/orders.md is the
 * contract, proto/saga.def the table of states.
 *
 *      map orders -> order -> tables in the arena
 *                          -> commands, in a chain
 *      heap timers     orders by the end of their state's timer
 *      heap waiting    commands by the time at which something is done about them: a lease ends, an
 *                      answer is overdue, a pause is over
 *      queues          commands that a worker may lease, oldest first: one of each kind, and one of
 *                      each kind and group; so a poll looks at six ends at most
 *      lists           orders of each WAITING state, the longest waiting first
 *      map histories -> history -> tree of entries, newest first
 *
 * Files
 *      order.c           life, tables, finding, turns, order_go
 *      order_event.c     the history of an order
 *      order_checkout.c  the questions of a checkout, and its first step
 *      order_demand.c    what an order needs of each shard
 *      order_holding.c   rounds of hold mails, refusals
 *      order_mails.c     release, confirm, spend: what follows a hold
 *      order_price.c     prices, and who pays
 *      order_payment.c   payment events and the ledger
 *      order_command.c   the outbox: emit, poll, ack, nack, leases, backoff, dead letters
 *      order_settle.c    what should be captured, refunded, voided: one rule
 *      order_timer.c     what happens when nothing happens
 *      order_resolve.c   operators; lists of what is stuck
 *      order_work.c      what steps over the lines of a placed order have in common
 *      order_cancel.c    cancelling units of placed orders
 *      order_parcel.c    fulfilment
 *      order_return.c    returns
 *      order_basket.c    what was bought together
 *      order_worth.c     what units are worth, and what is due
 *      order_facts.c     sums and summaries: what may be said of an order
 *      order_history.c   orders of a user (order_attach.c: guests' orders for accounts)
 *      order_read.c      everything that reads one order
 *      order_dump.c      snapshots and digest
 *
 * A turn is one input (a record, a message, a timer) that may change one order. It is begun before the
 * first change, so that a snapshot hears of it; everything that changes an order has one in hand.
 *
 * Invariants
 *   I1  a state is left only by order_go, and only along a line of proto/saga.def.
 *   I2  per tender: 0 <= refunded + refunding <= captured, captured + capturing <= authorized <=
 *       amount (sums beyond that are overcharged, and given back).
 *   I3  per line: quantity = allocated + shipped + cancelled once placed; delivered <= shipped;
 *       returned <= delivered.
 *   I4  a command is READY and in the queues, or has a due time and is in `waiting`, or neither.
 *   I5  a step number of an order is used once; (step, attempt) names one request to a provider.
 *   I6  what is due at one time is done in the order of tickets, which are given once: so neither the
 *       layout of a heap nor a restart from a snapshot changes what happens.
 * Ownership  orders are named by pool indexes and live for ever; rows are borrowed until their table
 *            grows. One core.
 * Happy path checkout -> hold mails -> answers -> prices -> AUTHORIZE in a queue -> poll -> event ->
 *            confirm mails, CAPTURE in a queue -> poll -> event -> PAID.
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
struct shard_call;
struct mail_call;

struct order_counts { /* soft */
    u64 open_orders;  /* not placed, not cancelled */
    u64 waiting_orders;
    u64 ready_commands;
    u64 dead_commands;
    u64 placeholders; /* orders of which a load has seen a piece and not the head */
    u32 lines_most;   /* of any order so far: what a step may touch at most */
    u32 parts_most;
};

/* Records in a row, the oldest first. */
struct order_queue {
    u32 oldest;
    u32 newest;
    u32 count;
    u32 zero0;
};

/* The commands of one kind and group that are ready. Never given back: there are as many as groups. */
struct order_group_queue {
    struct order_queue queue;
    u32 group;
    u32 kind;
};

struct order_scratch;

struct order_room {
    struct pool pool; /* struct order */
    struct map map;
    struct pool commands; /* struct order_command */
    struct arena *arena;
    struct heap timers;
    struct heap due_orders; /* (soft) timers that have rung and not been acted on, by ticket */
    struct heap waiting;
    struct heap due_commands;                     /* (soft) likewise */
    struct order_queue ready[COMMAND_KIND_COUNT]; /* (soft) */
    struct pool group_queues;                     /* (soft) struct order_group_queue */
    struct map groups;                            /* (soft) */
    struct order_queue unfinished; /* (soft) commands that are not DONE or TAKEN_BACK */
    struct order_queue stuck[SAGA_STATE_COUNT]; /* (soft) */
    struct pool entries;                        /* struct history_entry */
    struct pool history_pool;                   /* struct history */
    struct map histories;                       /* by user id */
    struct map references;                      /* (soft) a provider's reference -> order */
    struct order_scratch *scratch;              /* (soft) made with the first checkout */
    u64 last_ticket;
    u64 lines[SAGA_LINE_COUNT]; /* (soft) how often each line of the saga was gone along */
    struct order_counts counts;
    bool is_acting; /* (soft) what is due has been gathered, and is being done */
    bool is_dumped; /* a snapshot must hear of changes beforehand */
};

/* One input that may change one order. */
struct order_turn {
    struct shard *shard;
    struct order_room *room;
    struct order *order;
    u64 now_ns;
    u32 index;
};

/* ---- order.c ---- */

void order_room_init(struct order_room *room, struct store_memory *memory, struct arena *arena);
void order_room_deinit(struct order_room *room);

static inline struct order *order_at(const struct order_room *room, u32 index)
{
    return pool_at(&room->pool, index);
}
static inline struct order_command *order_command_at(const struct order_room *room, u32 index)
{
    return pool_at(&room->commands, index);
}

u64 order_hash(struct id128 id);
/* 0 = there is none. */
u32 order_find(const struct order_room *room, struct id128 id);
/* A new order with its id and nothing else, in the map. */
u32 order_create(struct order_room *room, struct id128 id);

struct order_turn order_turn_begin(struct shard *shard, u32 index, u64 now_ns);
/* What the shard told itself is part of the same step: done before the record is answered. Not to be
 * called while a message is being applied. */
void order_turn_end(const struct order_turn *turn);

/* A linked frame: operations of this room cannot be undone, so they are no part of one. */
bool order_is_linked(const struct shard_call *call);

/* A zeroed row at the end; doubles when there is no room. */
void *order_table_push(struct arena *arena, struct order_table *table, u32 row_bytes);
/* `count` more rows at the end; their bytes are not set. */
void *order_table_extend(struct arena *arena, struct order_table *table, u32 row_bytes, u32 count);
/* Room for `count` rows in all, so far as there is not. */
void order_table_reserve(struct arena *arena, struct order_table *table, u32 row_bytes, u32 count);
/* `count` rows instead of what there was, in the same place if it is large enough; their bytes are not
 * set. */
void *order_table_fit(struct arena *arena, struct order_table *table, u32 row_bytes, u32 count);
void order_table_release(struct arena *arena, struct order_table *table, u32 row_bytes);

/* Goes from the present state along the line of this event: notes it, tells who waits, sets the new
 * state's timer. That there is such a line is a MUST; order_may asks. */
void order_go(const struct order_turn *turn, enum saga_event event);
bool order_may(const struct order *order, enum saga_event event);

/* How often the i-th line of the saga was gone along since the start. */
u64 order_line_count(const struct order_room *room, size_t index);

/* ---- order_event.c ---- */

/* time, number and state are filled in. Gives the place of its text in the history, 0 without one. */
u32 order_event_add(const struct order_turn *turn, const struct order_event *event);
/* The history is as long as it may be: whatever clients ask of the order is TOO_MANY from now on. */
#define ORDER_HISTORY_BYTES_MAX (1u << 20)
bool order_is_full(const struct order *order);
/* Walks a history from *offset on, 0 at first. False: there are no more. `to` keeps its number and time
 * from call to call. */
bool order_event_next(const struct order *order, u32 *offset, struct order_event *to);
/* Walks only the events of payments, the last one first: begins at order->last_payment; false: there are
 * no more. Times and numbers are not told. */
bool order_payment_before(const struct order *order, u32 *place, struct order_event *to);
/* Of a history that was loaded: can it be walked, and does it fit the order? */
bool order_events_valid(const struct order *order);
/* As it is on the wire. */
void order_event_row(const struct order_event *event, struct row_order_event *to);

/* ---- order_holding.c, order_mails.c, order_price.c; order_mails.h has what is for them alone ---- */

/* The first round of hold mails. `line_demands`: order_demand.h. */
void order_hold_begin(const struct order_turn *turn, u32 line_demands);
/* The order is over before it was placed: what it holds is released, what may be authorised voided. */
void order_fail(const struct order_turn *turn, enum saga_event event, u16 reason);
/* What it held is released everywhere: voids, if something is or may be authorised, or the end. */
void order_released(const struct order_turn *turn);
/* No gift cards, no credit. */
bool order_is_paid_outside(const struct order *order);
/* Coupons, gift cards and credit, so far as they are held, are consumed: money up to `spend`; the rest
 * is released. */
void order_spend(const struct order_turn *turn, i64 spend);
/* Nobody has answered about an authorisation: AUTH_UNKNOWN, and the provider is asked. */
void order_no_answer(const struct order_turn *turn);
/* All of it is sold: confirm mails leave, and settling begins. */
void order_place(const struct order_turn *turn);
/* A gift card or account gets so much of what it paid back. */
void order_give_back(const struct order_turn *turn, u32 tender, i64 amount);

/* ---- order_command.c ---- */

struct order_emission {
    enum command_kind kind;
    u32 tender;
    i64 amount;
    u32 subject;
    u32 subject_attempt;
    u8 flags; /* enum order_command_flag */
};
/* A new command, ready at once. Gives its index. */
u32 order_emit(const struct order_turn *turn, const struct order_emission *emission);
/* NOTIFY_SHIPPED for a parcel. */
void order_notify_shipped(const struct order_turn *turn, u32 parcel);
bool order_has_room_for_commands(const struct order *order, u32 count);
/* The command of a step, 0 = there is none. */
u32 order_command_find(const struct order_room *room, const struct order *order, u32 step);
/* It is READY, LEASED, or waits for its result. */
bool order_command_is_open(const struct order_command *command);
void order_command_close(const struct order_turn *turn, u32 index, enum command_state state);
/* All open ones of a kind. */
void order_command_close_all(const struct order_turn *turn, enum command_kind kind,
                             enum command_state state);
/* The latest command of a tender and kind, 0 = there is none. */
u32 order_command_last(const struct order_turn *turn, u32 tender, enum command_kind kind);
/* VOID for what a tender has authorised and not captured. */
void order_emit_void(const struct order_turn *turn, u32 tender);
void order_command_retry(const struct order_turn *turn, u32 index, bool is_new_attempt);
/* No result came, or the worker does not know: a QUERY about it, unless one is open. */
void order_command_ask(const struct order_turn *turn, u32 index);
/* Something has to be done about a command at its due time. */
void order_command_due(const struct order_turn *turn, u32 index);
void order_command_enlist(struct order_room *room, u32 index); /* after a load */
struct row_command order_command_row(const struct order_room *room, const struct order *order,
                                     const struct order_command *command);
struct row_order_tender order_tender_row(const struct order *order,
                                         const struct order_tender *tender);

/* ---- order_settle.c ---- */

/* What should be captured, refunded and voided is brought about, and the state follows. To be called
 * after every change of a placed order. */
void order_settle(const struct order_turn *turn);
/* What is still to be captured outside beyond the captures under way; negative: those are too much. */
i64 order_capture_need(const struct order *order);
/* What a tender could still be asked to capture. */
i64 order_capture_room(const struct order_tender *tender);
void order_emit_capture(const struct order_turn *turn, u32 tender, i64 amount);

/* ---- order_basket.c ---- */

/* The order was paid for, or units of it were cancelled or have come back: the products' shards hear what
 * was bought together, and what was not. */
void order_basket(const struct order_turn *turn);

/* ---- order_payment.c ---- */

/* Of an order that was loaded: its references are known again. */
void order_references_enter(struct order_room *room, u32 index);

/* ---- order_timer.c; order_timer.h has what is for this room alone ---- */

void order_timer_set(const struct order_turn *turn, u64 at_ns); /* 0 = none */
NODISCARD bool order_expire(struct shard *shard, u64 stamp_ns, u32 *budget);
u64 order_next_deadline_ns(const struct order_room *room);

/* ---- order_resolve.c ---- */

void order_stuck_enter(struct order_room *room, u32 index);
void order_stuck_leave(struct order_room *room, u32 index);

/* ---- dump and load (order_dump.c; histories: order_history_dump.c) ---- */
void order_dump_bucket(struct order_room *room, u32 bucket, struct dump_sink *sink);
void history_dump_bucket(struct order_room *room, u32 bucket, struct dump_sink *sink);
void order_dump_scalars(const struct order_room *room, struct dump_sink *sink);
const char *order_load(struct order_room *room, u16 kind, const u8 *body, u32 bytes);
const char *order_load_finish(struct shard *shard);

/* ---- verify: walks everything, adds violations ---- */
void order_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

#endif
