/* pool: records of one size, named by a number and never moving.
 *
 * The index 0 means "none"; the first record is 1. Records lie in chunks; a directory has one
 * pointer per *unit* of about 64 KiB, so that the address of a record is a shift, a load and a
 * multiplication, while chunks may differ in size: 1, 1, 2, 4, ... units and from 2 MiB on always
 * about 2 MiB, which is one huge page. A small shard is small, a large one is in huge pages.
 *
 *      units[0] -> [none][1][2] ... chunk of 1 unit
 *      units[1] -> [ ]...           chunk of 1 unit
 *      units[2] -> [ ]...           chunk of 2 units
 *      units[3] ----------^         its second half
 *
 *      free_head -> 17 -> 4 -> 0    (each free record begins with the index of the next)
 *
 * Invariants
 *   I1  every index in [1, next_fresh) is either held by the caller or once in the free list.
 *   I2  count + length of the free list + 1 == next_fresh, and next_fresh <= fresh_end once there
 *       is memory.
 *   I3  records from next_fresh to fresh_end are all zero.
 *   I4  records are aligned to 8 bytes, and to 64 if the record size is a multiple of 64.
 * Ownership  memory belongs to the pool; a record belongs to the caller from acquire to release.
 *            Its address is valid until then. One core.
 * Happy path acquire pops the free list (last in, first out: warm), else takes the next fresh one.
 * Growth     one chunk at a time and nothing is copied but the directory. A growing pool meets a
 *            chunk once in tens of thousands of acquires; pool_prepare does it ahead of time.
 * Failure    no memory is a panic (store_memory.h). An index out of range is a panic in release, and in
 *            pool_at only where checks are on.
 * Not here   shrinking (a freed record is for the next acquire); generations; iteration: the maps
 *            know what exists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_POOL_H
#define SOUK_SHARDS_STORE_POOL_H

#include "proto/base.h"
#include "shards/store/store_memory.h"

#define POOL_UNIT_BYTES       (64u << 10) /* upper bound of a unit */
#define POOL_RECORD_BYTES_MAX 4096u

struct pool {
    u8 **units; /* directory: address of the first record of each unit */
    u32 unit_shift;
    u32 record_bytes;
    u32 free_head;
    u32 next_fresh;
    u32 fresh_end;
    u32 count;
    u32 unit_count;
    u32 unit_capacity; /* of the directory */
    struct store_memory *memory;
};

/* An empty pool that holds no memory yet. record_bytes: a multiple of 8, at most
 * POOL_RECORD_BYTES_MAX. `memory` must outlive the pool. */
void pool_init(struct pool *pool, struct store_memory *memory, u32 record_bytes);

/* Gives all memory back; every record is gone. */
void pool_deinit(struct pool *pool);

/* As pool_acquire, which alone calls it: from the free list, or after growing. */
u32 pool_acquire_other(struct pool *pool);

/* Takes the record back and sets *index to 0. */
void pool_release(struct pool *pool, u32 *index);

/* Makes sure that at least `record_count` acquires will not ask for memory. Changes no index that
 * acquire returns, so it may be called at any time, as background work or not at all. */
void pool_prepare(struct pool *pool, u32 record_count);

/* Walks the free list and the directory. */
bool pool_valid(const struct pool *pool);

static inline u32 pool_count(const struct pool *pool)
{
    return pool->count;
}

/* Returns the index of a zeroed record, never 0. */
static inline u32 pool_acquire(struct pool *pool)
{
    if (pool->free_head != 0 || UNLIKELY(pool->next_fresh >= pool->fresh_end))
        return pool_acquire_other(pool);
    pool->count++;
    MUST(pool->count <= pool->next_fresh);
    return pool->next_fresh++; /* zero by I3 */
}

/* The record's address: valid until it is released. */
static inline void *pool_at(const struct pool *pool, u32 index)
{
    CHECK(index != 0);
    CHECK(index < pool->next_fresh);
    const u32 slot = index & ((1u << pool->unit_shift) - 1);
    return pool->units[index >> pool->unit_shift] + (size_t)slot * pool->record_bytes;
}

/* The same with the record size known to the compiler, which leaves a shift, a load and an add. */
__attribute__((always_inline)) static inline void *pool_at_sized(const struct pool *pool, u32 index,
                                                                 u32 record_bytes)
{
    CHECK(index != 0);
    CHECK(index < pool->next_fresh);
    CHECK(record_bytes == pool->record_bytes);
    const u32 unit_shift = 31u - (u32)__builtin_clz(POOL_UNIT_BYTES / record_bytes);
    const u32 slot = index & ((1u << unit_shift) - 1);
    return pool->units[index >> unit_shift] + (size_t)slot * record_bytes;
}

/* Any index is allowed that acquire has ever returned. */
static inline void pool_prefetch(const struct pool *pool, u32 index)
{
    store_prefetch(pool_at(pool, index));
}

/* Brings the next fresh record near, if there is memory for it. */
static inline void pool_prefetch_fresh(const struct pool *pool)
{
    if (LIKELY(pool->next_fresh < pool->fresh_end)) {
        const u32 slot = pool->next_fresh & ((1u << pool->unit_shift) - 1);
        store_prefetch(pool->units[pool->next_fresh >> pool->unit_shift] +
                       (size_t)slot * pool->record_bytes);
    }
}

STATIC_CHECK(POOL_RECORD_BYTES_MAX <= POOL_UNIT_BYTES);

#endif
