/* order_history_dump: snapshots of histories. What lives on this shard follows from the orders; only
 * references to orders of other shards are written, one record each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_history.h"
#include "shards/shard_handlers.h"

struct dump_history {
    u64 user_id;
    struct id128 order;
    u64 created_ns;
    i64 total;
    u32 line_count;
    u16 currency;
    u16 zero0;
};
STATIC_CHECK(sizeof(struct dump_history) == 48);

static void dump_entry(const struct history *history, const struct history_entry *entry,
                       struct dump_sink *sink)
{
    const struct dump_history record = {.user_id = history->user_id,
                                        .order = entry->order,
                                        .created_ns = entry->created_ns,
                                        .total = entry->total,
                                        .line_count = entry->line_count,
                                        .currency = entry->currency};
    if (entry->index == 0)
        dump_put(sink, DUMP_KIND_HISTORY, &record, sizeof record, NULL, 0);
}

void history_dump_bucket(struct order_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->histories, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct history *history = history_at(room, indexes[i]);
        for (u32 at = history_seek(room, history, NULL); at != 0; at = history_next(room, at))
            dump_entry(history, history_entry_at(room, at), sink);
    }
}

const char *history_load(struct order_room *room, const u8 *body, u32 bytes)
{
    struct dump_history record;
    if (bytes != sizeof record)
        return "a history has a wrong length";
    memcpy(&record, body, sizeof record);
    if (record.user_id == 0 || order_user(record.order) == 0 || record.zero0 != 0 ||
        record.total < 0 || record.total > COUNTER_MAX || record.line_count > ORDER_LINES_MAX)
        return "a history has an order that cannot be";
    const struct history_entry entry = {.order = record.order,
                                        .created_ns = record.created_ns,
                                        .total = record.total,
                                        .line_count = record.line_count,
                                        .currency = record.currency};
    return history_enter(room, record.user_id, &entry) ? NULL : "a history has an order twice";
}

/* Enters one order of this shard, if its owner lives here too. */
static const char *enter_own(struct shard *shard, u32 index)
{
    const struct order *order = order_at(&shard->orders, index);
    struct order_counts *counts = &shard->orders.counts;
    counts->lines_most = MAX(counts->lines_most, order->lines.count);
    counts->parts_most = MAX(counts->parts_most, order->parts.count);
    const struct history_entry entry = {
        .order = order->id, .created_ns = order->created_ns, .index = index};
    if (!shard_owns(shard, route_hash_u64(order->owner)))
        return NULL;
    return history_enter(&shard->orders, order->owner, &entry) ? NULL
                                                               : "a history has an order twice";
}

const char *history_load_finish(struct shard *shard)
{
    struct order_room *room = &shard->orders;
    u32 indexes[DUMP_BUCKET_MAX];
    for (u32 b = 0; b < map_bucket_count(&room->map); b++) {
        const u32 count = map_bucket_read(&room->map, b, indexes, DUMP_BUCKET_MAX);
        MUST(count <= DUMP_BUCKET_MAX);
        for (u32 i = 0; i < count; i++) {
            const char *reason = enter_own(shard, indexes[i]);
            if (reason != NULL)
                return reason;
        }
    }
    return NULL;
}
