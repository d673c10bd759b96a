/* pool: growing, handing out, taking back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/pool.h"

#include <string.h>

#define DIRECTORY_CAPACITY_MIN 8u

static size_t unit_bytes_of(const struct pool *pool)
{
    return (size_t)pool->record_bytes << pool->unit_shift;
}

/* How many units the next chunk has when there are `unit_count` already. Deinit replays the same
 * sequence, so chunks need not be remembered. */
static u32 chunk_units_at(const struct pool *pool, u32 unit_count)
{
    u32 limit = STORE_CHUNK_BYTES / POOL_UNIT_BYTES;
    if (limit * unit_bytes_of(pool) < STORE_CHUNK_BYTES)
        limit *= 2; /* a unit is more than half of POOL_UNIT_BYTES */
    return unit_count == 0 ? 1 : MIN(unit_count, limit);
}

static void grow_directory(struct pool *pool, u32 unit_count)
{
    if (unit_count <= pool->unit_capacity)
        return;
    u32 capacity = MAX(pool->unit_capacity, DIRECTORY_CAPACITY_MIN);
    while (capacity < unit_count)
        capacity *= 2;
    u8 **units = store_memory_acquire(pool->memory, capacity * sizeof *units);
    if (pool->unit_capacity != 0) {
        memcpy(units, pool->units, pool->unit_count * sizeof *units);
        store_memory_release(pool->memory, pool->units, pool->unit_capacity * sizeof *units);
    }
    pool->units = units;
    pool->unit_capacity = capacity;
}

static void grow(struct pool *pool)
{
    const u32 added = chunk_units_at(pool, pool->unit_count);
    const u64 end = (u64)(pool->unit_count + added) << pool->unit_shift;
    MUST(end <= UINT32_MAX);
    grow_directory(pool, pool->unit_count + added);
    u8 *chunk = store_memory_acquire(pool->memory, added * unit_bytes_of(pool));
    for (u32 i = 0; i < added; i++)
        pool->units[pool->unit_count + i] = chunk + i * unit_bytes_of(pool);
    pool->unit_count += added;
    pool->fresh_end = (u32)end;
    CHECK(pool_valid(pool));
}

void pool_init(struct pool *pool, struct store_memory *memory, u32 record_bytes)
{
    MUST(memory != NULL);
    MUST(record_bytes >= 8 && record_bytes <= POOL_RECORD_BYTES_MAX);
    MUST(record_bytes % 8 == 0);
    *pool = (struct pool){.memory = memory, .record_bytes = record_bytes, .next_fresh = 1};
    pool->unit_shift = 31u - (u32)__builtin_clz(POOL_UNIT_BYTES / record_bytes);
    MUST(unit_bytes_of(pool) <= POOL_UNIT_BYTES);
    MUST(unit_bytes_of(pool) > POOL_UNIT_BYTES / 2);
}

void pool_deinit(struct pool *pool)
{
    CHECK(pool_valid(pool));
    for (u32 unit = 0; unit < pool->unit_count;) {
        const u32 chunk_units = chunk_units_at(pool, unit);
        store_memory_release(pool->memory, pool->units[unit], chunk_units * unit_bytes_of(pool));
        unit += chunk_units;
    }
    if (pool->unit_capacity != 0)
        store_memory_release(pool->memory, pool->units, pool->unit_capacity * sizeof *pool->units);
    pool_init(pool, pool->memory, pool->record_bytes);
}

u32 pool_acquire_other(struct pool *pool)
{
    u32 index = pool->free_head;
    if (index != 0) {
        void *record = pool_at(pool, index);
        memcpy(&pool->free_head, record, sizeof pool->free_head);
        MUST(pool->free_head < pool->next_fresh);
        memset(record, 0, pool->record_bytes);
    } else {
        grow(pool);
        index = pool->next_fresh++;
    }
    pool->count++;
    MUST(pool->count < pool->next_fresh);
    return index;
}

void pool_release(struct pool *pool, u32 *index)
{
    MUST(*index != 0);
    MUST(*index < pool->next_fresh);
    MUST(pool->count > 0);
    MUST(*index != pool->free_head); /* the commonest way to release twice */
    void *record = pool_at(pool, *index);
    memcpy(record, &pool->free_head, sizeof pool->free_head);
    pool->free_head = *index;
    pool->count--;
    *index = 0;
}

void pool_prepare(struct pool *pool, u32 record_count)
{
    const u32 freed = pool->next_fresh - 1 - pool->count;
    while ((u64)freed + pool->fresh_end < (u64)record_count + pool->next_fresh)
        grow(pool);
}

bool pool_valid(const struct pool *pool)
{
    if (pool->memory == NULL || pool->next_fresh == 0 || pool->count >= pool->next_fresh)
        return false;
    if (pool->unit_count > pool->unit_capacity || pool->fresh_end != pool->unit_count
                                                                         << pool->unit_shift)
        return false;
    if (pool->unit_count != 0 && pool->next_fresh > pool->fresh_end)
        return false;
    const u32 freed = pool->next_fresh - 1 - pool->count;
    u32 index = pool->free_head;
    for (u32 i = 0; i < freed; i++) {
        if (index == 0 || index >= pool->next_fresh)
            return false;
        memcpy(&index, pool_at(pool, index), sizeof index);
    }
    return index == 0; /* longer, or a circle: something was released twice */
}
