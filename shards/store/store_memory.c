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

#define GIVE_BACK_BYTES (256u << 10) /* of small chunks, at once */

void store_memory_put_off(struct store_memory *memory, bool is_put_off)
{
    MUST(memory->is_put_off != is_put_off);
    memory->is_put_off = is_put_off;
}

bool store_memory_give_back(struct store_memory *memory)
{
    MUST(!memory->is_put_off);
    for (size_t given = 0; memory->aside != NULL && given < GIVE_BACK_BYTES;) {
        struct store_aside *chunk = memory->aside;
        memory->aside = chunk->next;
        given += chunk->bytes;
        store_memory_release(memory, chunk, chunk->bytes);
    }
    return memory->aside == NULL;
}

void store_memory_release(struct store_memory *memory, void *chunk, size_t bytes)
{
    MUST(chunk != NULL);
    MUST(memory->chunk_count > 0);
    MUST(memory->used_bytes >= bytes);
    if (memory->is_put_off && bytes >= sizeof(struct store_aside)) {
        struct store_aside *aside = chunk;
        *aside = (struct store_aside){.next = memory->aside, .bytes = bytes};
        memory->aside = aside;
        return;
    }
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
