/* order_mails: what an order tells the shards of what it holds, and what follows: order_mails.c,
 * order_holding.c, order_price.c.
 *
 *      order_release_holds   RELEASE      everything, to every shard that was asked or has granted
 *      order_confirm_lines   CONFIRM      the SKUs: sold
 *      order_spend           CONSUME      coupons, allowances, gift cards, credit (order.h)
 *      order_give_back       RETURN       money to a gift card or account (order.h)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_MAILS_H
#define SOUK_SHARDS_ORDER_ORDER_MAILS_H

#include "shards/order/order.h"

/* The hold on a shard, NULL if nothing was asked of it. */
struct order_hold *order_hold_of(const struct order *order, u16 shard);

/* Returns how many shards were told. With a ticket, they answer, and are RELEASING until then. */
u32 order_release_holds(const struct order_turn *turn, u64 ticket);
void order_confirm_lines(const struct order_turn *turn);

/* All is held: prices, and on to the payment or to the end (order_price.c). */
void order_price(const struct order_turn *turn);

#endif
