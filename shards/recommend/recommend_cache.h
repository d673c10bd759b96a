/* recommend_cache: records of one size by a 64-bit id, the one that was not used for longest giving way
 * when there are as many as there may be. Soft: what is in it may be lost.
 *
 *      map -> record: struct cache_head, then whatever its owner keeps
 *      newest <-> ... <-> oldest
 *
 * Invariants
 *   I1  each record is in the map once, and once in the list, from the newest to the oldest.
 *   I2  never more than count_max records.
 * Ownership  records belong to the cache; a pointer is good until the next cache_use. One core.
 * Not here   what a record owns beside itself: `evict` is told before one goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_RECOMMEND_RECOMMEND_CACHE_H
#define SOUK_SHARDS_RECOMMEND_RECOMMEND_CACHE_H

#include "shards/store/map.h"
#include "shards/store/pool.h"

struct cache_head {
    u64 id;
    u32 newer; /* 0 = the newest */
    u32 older;
};

struct recommend_cache {
    struct pool pool;
    struct map map;
    u32 newest;
    u32 oldest;
    u32 count_max;
    u32 zero0;
    void (*evict)(void *context, void *record);
    void *context;
};

void cache_init(struct recommend_cache *cache, struct store_memory *memory, u32 record_bytes,
                u32 count_max);
void cache_deinit(struct recommend_cache *cache);
/* NULL: there is none. It is not used by that. */
void *cache_find(const struct recommend_cache *cache, u64 id);
/* Brings near what cache_find looks at first. */
void cache_prefetch(const struct recommend_cache *cache, u64 id);
/* The record of an id, made if there is none (zero but for its head), and the newest from now on. */
void *cache_use(struct recommend_cache *cache, u64 id);
void cache_drop(struct recommend_cache *cache, u64 id);
bool cache_valid(const struct recommend_cache *cache);

#endif
