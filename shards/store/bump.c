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

static void release_after(struct bump *bump, u32 kept)
{
    while (bump->chunk_count > kept) {
        bump->chunk_count--;
        store_memory_release(bump->memory, bump->chunks[bump->chunk_count], STORE_CHUNK_BYTES);
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
        bump->chunks[bump->chunk] = store_memory_acquire(bump->memory, STORE_CHUNK_BYTES);
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
    release_after(bump, 1);
    bump->chunk = 0;
    bump->used = 0;
}
