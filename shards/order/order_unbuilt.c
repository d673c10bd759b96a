/* order_unbuilt: what other files of the room call and is not built yet. Goes when all is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order.h"

#define UNBUILT PANIC("not built yet")

void order_fail(const struct order_turn *turn, enum saga_event event, u16 reason)
{
    (void)turn;
    (void)event;
    (void)reason;
    UNBUILT;
}

void order_no_answer(const struct order_turn *turn)
{
    (void)turn;
    UNBUILT;
}

void order_command_due(const struct order_turn *turn, u32 index)
{
    (void)turn;
    (void)index;
    UNBUILT;
}

void order_settle(const struct order_turn *turn)
{
    (void)turn;
    UNBUILT;
}

void order_notify_shipped(const struct order_turn *turn, u32 parcel)
{
    (void)turn;
    (void)parcel;
    UNBUILT;
}

__attribute__((weak)) struct row_order_tender order_tender_row(const struct order *order,
                                                               const struct order_tender *tender)
{
    (void)order;
    (void)tender;
    UNBUILT;
}

__attribute__((weak)) struct row_command order_command_row(const struct order_room *room,
                                                           const struct order *order,
                                                           const struct order_command *command)
{
    (void)room;
    (void)order;
    (void)command;
    UNBUILT;
}
