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

/* ---- of the cart: until it has its own ---- */
#include "shards/shard_state.h"
#define UNTIL_BUILT __attribute__((weak))

UNTIL_BUILT bool cart_look(const struct shard *shard, u64 user_id, struct cart_view *to)
{
    (void)shard;
    (void)user_id;
    (void)to;
    return false;
}
UNTIL_BUILT void cart_claim(struct shard *shard, u64 user_id, struct id128 order)
{
    (void)shard;
    (void)user_id;
    (void)order;
}
UNTIL_BUILT void cart_freeze(struct shard *shard, u64 user_id, struct id128 order, bool is_frozen)
{
    (void)shard;
    (void)user_id;
    (void)order;
    (void)is_frozen;
}
UNTIL_BUILT void cart_let_go(struct shard *shard, u64 user_id, struct id128 order,
                             const struct row_cart_line *bought, u32 count, u64 now_ns)
{
    (void)shard;
    (void)user_id;
    (void)order;
    (void)bought;
    (void)count;
    (void)now_ns;
}
