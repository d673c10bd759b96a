/* stock: life of the room, creation of resources, and the two hooks before a change: see stock.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/stock/stock.h"

#include <string.h>

#include "shards/stock/stock_grant.h"

/* What an undo of a change to a resource restores. */
struct stock_resource_image {
    struct stock_hot hot;
    struct stock_cold cold;
};
STATIC_CHECK(sizeof(struct stock_resource_image) == 320);

static u64 hash_of_resource(const void *context, u32 index)
{
    return route_hash_resource(stock_key_of(stock_hot_at(context, index)));
}

static u64 hash_of_grant(const void *context, u32 index)
{
    const struct stock_grant *grant = stock_grant_at(context, index);
    return stock_grant_hash(stock_hot_at(context, grant->resource)->id, grant->id);
}

void stock_init(struct stock *stock, struct store_memory *memory, struct arena *arena,
                struct undo *undo, u64 retention_ms)
{
    MUST(retention_ms != 0);
    *stock = (struct stock){.arena = arena, .undo = undo, .retention_ms = retention_ms};
    pool_init(&stock->hots, memory, sizeof(struct stock_hot));
    pool_init(&stock->colds, memory, sizeof(struct stock_cold));
    pool_init(&stock->grants, memory, sizeof(struct stock_grant));
    map_init(&stock->resources, memory,
             (struct map_records){.context = stock, .hash_of = hash_of_resource});
    map_init(&stock->grant_map, memory,
             (struct map_records){.context = stock, .hash_of = hash_of_grant});
}

/* The heaps lie in the arena, whose owner gives it back as a whole. */
void stock_deinit(struct stock *stock)
{
    map_deinit(&stock->grant_map);
    map_deinit(&stock->resources);
    pool_deinit(&stock->grants);
    pool_deinit(&stock->colds);
    pool_deinit(&stock->hots);
}

u32 stock_resource_create(struct stock *stock, struct resource key, u64 hash)
{
    MUST(key.id != 0);
    MUST(key.tenant == 0 && key.location == 0);
    const u32 index = pool_acquire(&stock->hots);
    struct stock_hot *hot = stock_hot_at(stock, index);
    hot->id = key.id;
    hot->kind = (u8)key.kind;
    hot->cold = pool_acquire(&stock->colds);
    stock_cold_of(stock, hot)->hot = index;
    map_insert(&stock->resources, hash, index);
    if (UNLIKELY(stock->watch != 0))
        stock_watched_create(stock, UNDO_KIND_RESOURCE_NEW, index);
    return index;
}

void stock_resource_watched_change(struct stock *stock, u32 index)
{
    if ((stock->watch & STOCK_WATCH_DUMP) != 0)
        map_before_change(&stock->resources, hash_of_resource(stock, index));
    if ((stock->watch & STOCK_WATCH_UNDO) == 0)
        return;
    const struct stock_hot *hot = stock_hot_at(stock, index);
    const struct stock_resource_image image = {.hot = *hot, .cold = *stock_cold_of(stock, hot)};
    undo_push(stock->undo, UNDO_KIND_RESOURCE, index, &image, sizeof image);
}

void stock_grant_watched_change(struct stock *stock, u32 index)
{
    if ((stock->watch & STOCK_WATCH_DUMP) != 0)
        map_before_change(&stock->grant_map, hash_of_grant(stock, index));
    if ((stock->watch & STOCK_WATCH_UNDO) != 0)
        undo_push(stock->undo, UNDO_KIND_GRANT, index, stock_grant_at(stock, index),
                  sizeof(struct stock_grant));
}

/* Snapshots have heard of it from the map. */
void stock_watched_create(struct stock *stock, enum undo_kind kind, u32 index)
{
    if ((stock->watch & STOCK_WATCH_UNDO) != 0)
        undo_push(stock->undo, kind, index, NULL, 0);
}

static void undo_resource(struct stock *stock, u32 index, const struct stock_resource_image *image)
{
    struct stock_hot *hot = stock_hot_at(stock, index);
    struct stock_cold *cold = stock_cold_of(stock, hot);
    MUST(hot->id == image->hot.id);
    MUST(hot->cold == image->hot.cold);
    const struct heap leases = cold->leases;
    const u32 position = cold->deadline_position;
    *hot = image->hot;
    *cold = image->cold;
    cold->leases = leases;
    cold->deadline_position = position;
}

static void undo_resource_create(struct stock *stock, u32 index)
{
    struct stock_hot *hot = stock_hot_at(stock, index);
    MUST(heap_count(&stock_cold_of(stock, hot)->leases) == 0);
    MUST(stock_cold_of(stock, hot)->deadline_position == 0);
    map_remove(&stock->resources, hash_of_resource(stock, index), index);
    pool_release(&stock->colds, &hot->cold);
    pool_release(&stock->hots, &index);
}

void stock_undo(struct stock *stock, struct undo_entry entry, const void *image)
{
    MUST((stock->watch & STOCK_WATCH_UNDO) == 0);
    if (entry.kind == UNDO_KIND_RESOURCE) {
        struct stock_resource_image resource;
        MUST(entry.bytes == sizeof resource);
        memcpy(&resource, image, sizeof resource);
        undo_resource(stock, entry.index, &resource);
    } else if (entry.kind == UNDO_KIND_RESOURCE_NEW) {
        undo_resource_create(stock, entry.index);
    } else if (entry.kind == UNDO_KIND_GRANT) {
        struct stock_grant grant;
        MUST(entry.bytes == sizeof grant);
        memcpy(&grant, image, sizeof grant);
        stock_grant_restore(stock, entry.index, &grant);
    } else {
        MUST(entry.kind == UNDO_KIND_GRANT_NEW);
        stock_grant_drop(stock, entry.index);
    }
}
