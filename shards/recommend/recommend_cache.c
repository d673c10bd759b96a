/* recommend_cache: see shards/recommend/recommend_cache.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/recommend/recommend_cache.h"

#include "proto/route.h"

static struct cache_head *head_at(const struct recommend_cache *cache, u32 index)
{
    return pool_at(&cache->pool, index);
}

static u64 hash_of_record(const void *context, u32 index)
{
    return route_hash_u64(head_at(context, index)->id);
}

static bool has_id(const void *context, u32 index, const void *key)
{
    return head_at(context, index)->id == *(const u64 *)key;
}

void cache_init(struct recommend_cache *cache, struct store_memory *memory, u32 record_bytes,
                u32 count_max)
{
    MUST(record_bytes >= sizeof(struct cache_head) && count_max != 0);
    *cache = (struct recommend_cache){.count_max = count_max};
    pool_init(&cache->pool, memory, record_bytes);
    map_init(&cache->map, memory,
             (struct map_records){.context = cache, .hash_of = hash_of_record});
}

void cache_deinit(struct recommend_cache *cache)
{
    map_deinit(&cache->map);
    pool_deinit(&cache->pool);
}

static u32 find(const struct recommend_cache *cache, u64 id)
{
    return map_find(&cache->map, route_hash_u64(id), has_id, cache, &id);
}

void *cache_find(const struct recommend_cache *cache, u64 id)
{
    const u32 index = find(cache, id);
    return index == 0 ? NULL : pool_at(&cache->pool, index);
}

void cache_prefetch(const struct recommend_cache *cache, u64 id)
{
    map_prefetch(&cache->map, route_hash_u64(id));
}

static void unlist(struct recommend_cache *cache, u32 index)
{
    const struct cache_head *head = head_at(cache, index);
    if (head->newer != 0)
        head_at(cache, head->newer)->older = head->older;
    else
        cache->newest = head->older;
    if (head->older != 0)
        head_at(cache, head->older)->newer = head->newer;
    else
        cache->oldest = head->newer;
}

static void list_newest(struct recommend_cache *cache, u32 index)
{
    struct cache_head *head = head_at(cache, index);
    head->newer = 0;
    head->older = cache->newest;
    if (cache->newest != 0)
        head_at(cache, cache->newest)->newer = index;
    else
        cache->oldest = index;
    cache->newest = index;
}

static void drop(struct recommend_cache *cache, u32 index)
{
    if (cache->evict != NULL)
        cache->evict(cache->context, pool_at(&cache->pool, index));
    unlist(cache, index);
    map_remove(&cache->map, hash_of_record(cache, index), index);
    pool_release(&cache->pool, &index);
}

void *cache_use(struct recommend_cache *cache, u64 id)
{
    u32 index = find(cache, id);
    if (index != 0) {
        if (cache->newest != index) {
            unlist(cache, index);
            list_newest(cache, index);
        }
        return pool_at(&cache->pool, index);
    }
    if (pool_count(&cache->pool) == cache->count_max)
        drop(cache, cache->oldest);
    index = pool_acquire(&cache->pool);
    head_at(cache, index)->id = id;
    map_insert(&cache->map, route_hash_u64(id), index);
    list_newest(cache, index);
    MUST(pool_count(&cache->pool) <= cache->count_max); /* I2 */
    return pool_at(&cache->pool, index);
}

void cache_drop(struct recommend_cache *cache, u64 id)
{
    const u32 index = find(cache, id);
    if (index != 0)
        drop(cache, index);
}

bool cache_valid(const struct recommend_cache *cache)
{
    u32 count = 0, newer = 0;
    for (u32 index = cache->newest; index != 0; index = head_at(cache, index)->older) {
        if (head_at(cache, index)->newer != newer || ++count > cache->count_max ||
            find(cache, head_at(cache, index)->id) != index)
            return false;
        newer = index;
    }
    return newer == cache->oldest && count == pool_count(&cache->pool) &&
           count == map_count(&cache->map);
}
