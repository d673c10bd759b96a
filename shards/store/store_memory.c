/* store_memory: counting what is taken from the seam.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/store_memory.h"

void store_memory_init(struct store_memory *memory)
{
    *memory = (struct store_memory){0};
}

/* I2 */
static size_t alignment_of(size_t bytes)
{
    if (bytes == STORE_CHUNK_BYTES)
        return STORE_CHUNK_BYTES;
    return bytes > STORE_CHUNK_BYTES ? 4096 : 64;
}

void *store_memory_acquire(struct store_memory *memory, size_t bytes)
{
    MUST(bytes > 0);
    CHECK(store_memory_valid(memory));
    void *chunk = store_chunk_acquire(bytes);
    MUST(chunk != NULL);
    MUST((uintptr_t)chunk % alignment_of(bytes) == 0);
    memory->used_bytes += bytes;
    memory->chunk_count++;
    return chunk;
}

void store_memory_release(struct store_memory *memory, void *chunk, size_t bytes)
{
    MUST(chunk != NULL);
    MUST(memory->chunk_count > 0);
    MUST(memory->used_bytes >= bytes);
    store_chunk_release(chunk, bytes);
    memory->used_bytes -= bytes;
    memory->chunk_count--;
    CHECK(store_memory_valid(memory));
}

bool store_memory_valid(const struct store_memory *memory)
{
    return (memory->chunk_count == 0) == (memory->used_bytes == 0) &&
           memory->chunk_count <= memory->used_bytes;
}
