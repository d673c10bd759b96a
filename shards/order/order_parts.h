/* order_parts: what follows a placed order, and what everybody in the room asks about one.
 *
 *      checkout accepts an order  -> history_add            it is in its owner's history
 *      a unit is cancelled        -> given_up grows by its worth, then the caller settles
 *      a unit has left            -> order_due grows
 *      answer to a ship mail      -> order_parcel_answer
 *
 * Worth. A line of Q units and total T: q units cancelled or returned are worth floor(T x q / Q), as
 * the difference of cumulative values; what has left is worth the rest of that. So whatever the order
 * of things, the parts of a line add up to T. Charges of the whole order leave with the first
 * parcel, and are given up only when every unit was cancelled.
 *
 * Invariants
 *   P1  per line: quantity = allocated + shipped + cancelled; delivered <= shipped; returned <=
 *       delivered.
 *   P2  per line: units in parcels that are planned, leaving or short <= allocated.
 *   P3  a parcel LEAVING waits for `asked - answered` answers under its ticket; no other does.
 * Ownership  as in order.h.
 * Not here   money: order_settle brings about what order_due says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_PARTS_H
#define SOUK_SHARDS_ORDER_ORDER_PARTS_H

#include "shards/mail/mail.h"
#include "shards/order/order.h"

/* ---- who may (order_work.c) ---- */

/* The index of an order for one who asks: NOT_FOUND, FORBIDDEN; before these BAD_ARGUMENT,
 * WRONG_SHARD as the call says. `user_id` 0: the shop itself. */
u16 order_named(const struct shard *shard, const struct shard_call *call, struct id128 id,
                u64 user_id, u32 *index);

/* The sums that replies have in common (LEDGER_SUMS). */
#define ORDER_SUMS_ANSWER(answer, order, sums)        \
    do {                                              \
        (answer)->total = (order)->total;             \
        (answer)->authorized = (sums).authorized;     \
        (answer)->captured = (sums).captured;         \
        (answer)->refunded = (sums).refunded;         \
        (answer)->charged_back = (sums).charged_back; \
    } while (0)

/* ---- worth (order_worth.c) ---- */

/* The worth of units of a line is spread_part of shards/settings/spread.h. */

/* What the order is still worth to the shop: total - given_up, at least 0. */
i64 order_owed(const struct order *order);
/* What should be captured and not refunded now: all that is owed with capture now; with capture when
 * shipped, the worth of what has left, or `asked` by payment_capture if that is more, less what was
 * given up of it. */
i64 order_due(const struct order *order, i64 asked);

/* Charges of the whole order, free shipping taken off: the total less those of the lines. */
i64 order_whole_charges(const struct order *order);

/* ---- facts (order_facts.c) ---- */

struct order_sums {
    i64 authorized, captured, refunded, charged_back;
    i64 capturing, refunding; /* asked for, not answered */
    i64 forced;
};
struct order_units {
    i64 ordered, allocated, shipped, delivered, cancelled, returned;
};
enum order_fulfilment {
    ORDER_FULFILMENT_NONE = 0,
    ORDER_FULFILMENT_PART = 1,
    ORDER_FULFILMENT_SHIPPED = 2,
    ORDER_FULFILMENT_DELIVERED = 3
};
enum order_returned {
    ORDER_RETURNED_NONE = 0,
    ORDER_RETURNED_REQUESTED = 1,
    ORDER_RETURNED_PART = 2,
    ORDER_RETURNED_ALL = 3
};
struct order_sums order_sums_of(const struct order *order);
struct order_units order_units_of(const struct order *order);
u16 order_summary_of(const struct order *order);          /* enum order_summary */
bool order_is_paid(const struct order *order);            /* all that is owed is captured */
u16 order_payment_of(const struct order *order);          /* enum payment_summary */
u16 order_fulfilment_of(const struct order *order);       /* enum order_fulfilment */
u16 order_returned_of(const struct order *order);         /* enum order_returned */
bool order_is_cancelled_whole(const struct order *order); /* every unit, so none has left */
bool order_has_left(const struct order *order); /* something has shipped, nothing is left to ship */
bool order_has_arrived(const struct order *order); /* and all of it is delivered */
/* Nothing moves by itself: RESTING, or WAITING in another state than AUTHORIZING and CAPTURING. */
bool order_is_settled(u16 state);

/* ---- history (order_history.c) ---- */

/* Called by order_room_init and order_room_deinit: histories, their entries, their map. */
void history_init(struct order_room *room, struct store_memory *memory);
void history_deinit(struct order_room *room);

/* The order is accepted: its owner, a user of this shard, has it in the history. */
void history_add(struct shard *shard, u32 order);

/* Only references to orders of other shards are dumped (history_dump_bucket of order.h); after all
 * orders were loaded, history_load_finish enters those that live on this shard. NULL or the reason. */
const char *history_load(struct order_room *room, const u8 *body, u32 bytes);
const char *history_load_finish(struct shard *shard);
/* Is it in its owner's history, if that is on this shard? And, for checks: walks a tree. */
bool history_has(const struct shard *shard, u32 order);
bool history_valid(const struct order_room *room, u64 user_id);

/* ---- cancel and parcels ---- */

/* P1 to P3, and that parcels and returns agree with the lines (order_parts_verify.c). */
bool order_parts_valid(const struct order *order);

/* Cancels whatever is allocated and in no parcel that is LEAVING; the caller settles. Uses the
 * shard's scratch. */
void order_cancel_rest(const struct order_turn *turn);

/* Tickets of ship mails have the top bit, so that other tickets never meet them. */
#define ORDER_TICKET_PARCEL (1ull << 63)
/* The answer to a MAIL_CHANGE whose ticket has that bit. Uses the shard's scratch. */
void order_parcel_answer(const struct order_turn *turn, const struct mail_call *call);

#endif
