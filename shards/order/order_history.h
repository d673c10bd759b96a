/* order_history: the inside of histories, for order_history.c and order_history_dump.c; what others
 * call is in shards/order/order_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_HISTORY_H
#define SOUK_SHARDS_ORDER_ORDER_HISTORY_H

#include "shards/order/order_parts.h"

/* What orders the list: newest first, of equal times the larger order id. */
struct history_key {
    u64 created_ns;
    struct id128 order;
};

static inline struct history_entry *history_entry_at(const struct order_room *room, u32 index)
{
    return pool_at(&room->entries, index);
}

static inline struct history *history_at(const struct order_room *room, u32 index)
{
    return pool_at(&room->history_pool, index);
}

/* The index of a user's history, 0 = there is none. */
u32 history_find(const struct order_room *room, u64 user_id);

/* The first entry of the list that comes after `key`, or of all where it is NULL; 0 = none. */
u32 history_seek(const struct order_room *room, const struct history *history,
                 const struct history_key *key);
/* The one after it in the list, 0 = none. */
u32 history_next(const struct order_room *room, u32 index);

/* The owner of an order of this shard, a user of this shard too, is about to lose it. */
void history_drop(struct shard *shard, u32 order);

/* Puts an entry into a user's history. False: the order is in it already. */
NODISCARD bool history_enter(struct order_room *room, u64 user_id,
                             const struct history_entry *entry);

#endif
