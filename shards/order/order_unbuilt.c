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
