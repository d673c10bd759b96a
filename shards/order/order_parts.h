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

/* ---- worth (order_worth.c) ---- */

/* floor(total x units / quantity), exactly; 0 <= units <= quantity, 1 <= quantity, 0 <= total. */
i64 order_worth(i64 total, i64 units, i64 quantity);
/* What the order is still worth to the shop: total - given_up, at least 0. */
i64 order_owed(const struct order *order);
/* What should be captured and not refunded now: all that is owed with capture now; with capture when
 * shipped, the worth of what has left, or `asked` by payment_capture if that is more, less what was
 * given up of it. */
i64 order_due(const struct order *order, i64 asked);

/* ---- facts (order_facts.c) ---- */

struct order_sums {
    i64 authorized, captured, refunded, charged_back;
    i64 refunding; /* asked for, not answered */
};
struct order_sums order_sums_of(const struct order *order);
u16 order_summary_of(const struct order *order);          /* enum order_summary */
u16 order_payment_of(const struct order *order);          /* enum payment_summary */
bool order_is_cancelled_whole(const struct order *order); /* every unit, none has left */
bool order_has_left(const struct order *order);    /* something shipped, nothing left to ship */
bool order_has_arrived(const struct order *order); /* and all of it delivered */
/* Nothing moves by itself: RESTING, or WAITING in another state than AUTHORIZING and CAPTURING. */
bool order_is_settled(u16 state);

/* ---- history (order_history.c) ---- */

/* The order is accepted: its owner has it in the history. */
void history_add(struct shard *shard, u32 order);
/* After all orders were loaded: enters those that live on this shard. */
void history_load_finish(struct shard *shard);

/* ---- cancel and parcels ---- */

/* Cancels whatever is allocated and in no parcel that is LEAVING; the caller settles. */
void order_cancel_rest(struct shard *shard, u32 order, u64 now_ns);

/* Tickets of ship mails have the top bit, so that other tickets never meet them. */
#define ORDER_TICKET_PARCEL (1ull << 63)
/* The answer to a MAIL_CHANGE whose ticket has that bit. */
void order_parcel_answer(struct shard *shard, u32 order, const struct mail_call *call);

#endif
