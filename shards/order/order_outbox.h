/* order_outbox: what happens to commands, for order_command.c, order_outbox.c and order_dump.c; what
 * others call is in shards/order/order.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_OUTBOX_H
#define SOUK_SHARDS_ORDER_ORDER_OUTBOX_H

#include "shards/order/order.h"

/* Appends to the chain of its order. */
void order_command_chain(struct order_room *room, struct order *order, u32 index);
/* Enters the queues: it is READY and has the largest ticket of all that are in them. */
void order_command_queue(struct order_room *room, u32 index);
/* Enters or leaves the list of those that are not finished, as its state says. */
void order_command_list_up(struct order_room *room, u32 index);
/* Of a group, NULL while there was none. */
struct order_queue *order_group_queue(const struct order_room *room, u32 group, u32 kind);

void order_command_lease(const struct order_turn *turn, u32 index, u64 until_ns);
void order_command_wait(const struct order_turn *turn, u32 index, u64 until_ns); /* 0: no end */
void order_command_pause(const struct order_turn *turn, u32 index, u64 until_ns);
/* Something is known about the command again: no more asking. */
void order_command_settle_query(const struct order_turn *turn, u32 index);
/* Ready at that time, or dead. False: it is dead. */
bool order_command_try_again(const struct order_turn *turn, u32 index, u64 at_ns);

#endif
