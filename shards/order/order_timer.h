/* order_timer: times of orders and commands, for the files of this room; what it is about says
 * order_timer.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_TIMER_H
#define SOUK_SHARDS_ORDER_ORDER_TIMER_H

#include "shards/order/order.h"

/* Never given twice. */
u64 order_ticket(struct order_room *room);

/* The order, which has a time, enters the heap: after a load. */
void order_timer_enlist(struct order_room *room, u32 index);

/* The command has a due time and a ticket: something will be done then. */
void order_command_time(struct order_room *room, u32 index);
/* It has nothing to wait for any more, if it had. */
void order_command_untime(struct order_room *room, u32 index);

#endif
