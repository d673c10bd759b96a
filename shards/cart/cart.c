/* cart: see shards/cart/cart.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/cart/cart.h"

void cart_room_init(struct cart_room *room, struct store_memory *memory, struct arena *arena)
{
    (void)memory;
    *room = (struct cart_room){.arena = arena};
}

void cart_room_deinit(struct cart_room *room)
{
    (void)room;
}

bool cart_expire(struct shard *shard, u64 stamp_ns, u32 *budget)
{
    (void)shard;
    (void)stamp_ns;
    (void)budget;
    return true;
}

u64 cart_next_deadline_ns(const struct cart_room *room)
{
    (void)room;
    return UINT64_MAX;
}
