/* bump: see bump.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/bump.h"

#include <string.h>

void bump_init(struct bump *bump, struct store_memory *memory)
{
    *bump = (struct bump){.memory = memory};
}

void bump_init_shared(struct bump *bump, struct bump_reserve *reserve)
{
    *bump = (struct bump){.memory = reserve->memory, .reserve = reserve};
}

void bump_reserve_init(struct bump_reserve *reserve, struct store_memory *memory)
{
    *reserve = (struct bump_reserve){.memory = memory};
}

void bump_reserve_deinit(struct bump_reserve *reserve)
{
    while (reserve->count > 0)
        store_memory_release(reserve->memory, reserve->chunks[--reserve->count], STORE_CHUNK_BYTES);
}

void bump_reserve_fill(struct bump_reserve *reserve, u32 count)
{
    while (reserve->count < MIN(count, BUMP_RESERVE_MAX))
        reserve->chunks[reserve->count++] =
            store_memory_acquire(reserve->memory, STORE_CHUNK_BYTES);
}

static u8 *take_chunk(struct bump *bump)
{
    struct bump_reserve *reserve = bump->reserve;
    if (reserve != NULL && reserve->count > 0)
        return reserve->chunks[--reserve->count];
    return store_memory_acquire(bump->memory, STORE_CHUNK_BYTES);
}

static void give_chunk(struct bump *bump, u8 *chunk)
{
    struct bump_reserve *reserve = bump->reserve;
    if (reserve != NULL && reserve->count < BUMP_RESERVE_MAX)
        reserve->chunks[reserve->count++] = chunk;
    else
        store_memory_release(bump->memory, chunk, STORE_CHUNK_BYTES);
}

static void release_after(struct bump *bump, u32 kept)
{
    while (bump->chunk_count > kept) {
        bump->chunk_count--;
        give_chunk(bump, bump->chunks[bump->chunk_count]);
        bump->chunks[bump->chunk_count] = NULL;
    }
}

void bump_deinit(struct bump *bump)
{
    release_after(bump, 0);
}

void *bump_acquire(struct bump *bump, size_t bytes)
{
    const size_t rounded = ROUND_UP(bytes, (size_t)64);
    MUST(rounded <= STORE_CHUNK_BYTES);
    if (bump->chunk_count == 0 || bump->used + rounded > STORE_CHUNK_BYTES) {
        if (bump->chunk_count == BUMP_CHUNKS_MAX)
            return NULL;
        bump->chunk = bump->chunk_count++;
        bump->chunks[bump->chunk] = take_chunk(bump);
        bump->used = 0;
    }
    u8 *at = bump->chunks[bump->chunk] + bump->used;
    bump->used += (u32)rounded;
    return at;
}

void *bump_acquire_zeroed(struct bump *bump, size_t bytes)
{
    void *at = bump_acquire(bump, bytes);
    if (at != NULL)
        memset(at, 0, bytes);
    return at;
}

void bump_reset(struct bump *bump)
{
    release_after(bump, bump->reserve != NULL ? 0 : 1);
    bump->chunk = 0;
    bump->used = 0;
}
