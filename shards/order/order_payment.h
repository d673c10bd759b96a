/* order_payment: an event of a payment provider on its way: taken in by order_payment.c, acted on by
 * order_effect.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_PAYMENT_H
#define SOUK_SHARDS_ORDER_ORDER_PAYMENT_H

#include "proto/frame.h"
#include "shards/order/order.h"

struct payment {
    const struct order_turn *turn;
    const struct msg_payment_event_req *event;
    struct span action;
    struct order_tender *tender;
    u32 tender_index;
    u32 named;          /* index of the command that the event names; 0 = none */
    u32 command;        /* of the command that it is the result of, in the end; 0 = there is none */
    u32 attempt;        /* of that command */
    bool is_told_which; /* the event names that command, or a QUERY about it, by its step */
    bool is_reference_known; /* some event of the order had it */
    u16 status;              /* not OK: refused, and nothing has changed */
    u16 effect;              /* enum payment_effect */
};

/* Writes it into the history, as this kind and with this amount. */
void payment_note(struct payment *payment, enum order_event_kind kind, i64 value);

/* What it does to the order (order_effect.c). */
void payment_act(struct payment *payment);

#endif
