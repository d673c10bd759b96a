/* order_resolve: orders that wait for the outside world, and operators who decide about them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order.h"

/* ---- lists of those that wait: states are entered in the order of time, so each list is sorted ---- */

void order_stuck_enter(struct order_room *room, u32 index)
{
    struct order *order = order_at(room, index);
    struct order_queue *list = &room->stuck[order->state];
    order->stuck_newer = 0;
    order->stuck_older = list->newest;
    if (list->newest != 0)
        order_at(room, list->newest)->stuck_newer = index;
    else
        list->oldest = index;
    list->newest = index;
    list->count++;
}

void order_stuck_leave(struct order_room *room, u32 index)
{
    struct order *order = order_at(room, index);
    struct order_queue *list = &room->stuck[order->state];
    MUST(list->count != 0);
    if (order->stuck_newer != 0)
        order_at(room, order->stuck_newer)->stuck_older = order->stuck_older;
    else
        list->newest = order->stuck_older;
    if (order->stuck_older != 0)
        order_at(room, order->stuck_older)->stuck_newer = order->stuck_newer;
    else
        list->oldest = order->stuck_newer;
    order->stuck_newer = 0;
    order->stuck_older = 0;
    list->count--;
}
