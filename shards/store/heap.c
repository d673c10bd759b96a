/* heap: storage that grows without a long copy. The order itself is in the header, inlined.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/heap.h"

#include <string.h>

#define SLOT_BYTES             ((u32)sizeof(struct heap_entry))
#define CHUNK_BYTES            (HEAP_CHUNK_SLOTS * SLOT_BYTES)
#define CAPACITY_MIN           4u /* one entry, one cache line */
#define DIRECTORY_CAPACITY_MIN 6u /* 64 bytes */

STATIC_CHECK(CAPACITY_MIN > HEAP_ROOT);
STATIC_CHECK(sizeof(struct heap_directory) + (size_t)(HEAP_COUNT_MAX / HEAP_CHUNK_SLOTS + 1) * 2 *
                                                 sizeof(struct heap_entry *) <=
             ARENA_BYTES_MAX);

static size_t directory_bytes(u32 chunk_capacity)
{
    return sizeof(struct heap_directory) + chunk_capacity * sizeof(struct heap_entry *);
}

static struct heap_directory *acquire_directory(struct arena *arena, u32 chunk_capacity)
{
    struct heap_directory *directory = arena_acquire(arena, directory_bytes(chunk_capacity));
    directory->chunk_count = 0;
    directory->chunk_capacity = chunk_capacity;
    return directory;
}

/* One block of `capacity` slots instead of the present one, with the same entries. */
static void move_block(struct heap *heap, struct arena *arena, u32 capacity)
{
    MUST(capacity <= HEAP_CHUNK_SLOTS);
    MUST(capacity >= HEAP_ROOT + heap->count);
    struct heap_entry *block = arena_acquire(arena, (size_t)capacity * SLOT_BYTES);
    if (heap->capacity != 0) {
        memcpy(block, heap->storage, (size_t)MIN(capacity, heap->capacity) * SLOT_BYTES);
        arena_release(arena, heap->storage, (size_t)heap->capacity * SLOT_BYTES);
    }
    heap->storage = block;
    heap->capacity = capacity;
}

/* The directory with room for one more chunk; the full block becomes its first chunk. */
static struct heap_directory *roomy_directory(struct heap *heap, struct arena *arena)
{
    if (heap->capacity == HEAP_CHUNK_SLOTS) {
        struct heap_directory *first = acquire_directory(arena, DIRECTORY_CAPACITY_MIN);
        first->chunks[first->chunk_count++] = heap->storage;
        return first;
    }
    struct heap_directory *present = heap->storage;
    if (present->chunk_count < present->chunk_capacity)
        return present;
    struct heap_directory *larger = acquire_directory(arena, present->chunk_capacity * 2);
    memcpy(larger->chunks, present->chunks, present->chunk_count * sizeof present->chunks[0]);
    larger->chunk_count = present->chunk_count;
    arena_release(arena, present, directory_bytes(present->chunk_capacity));
    return larger;
}

void heap_grow(struct heap *heap, struct arena *arena)
{
    MUST(heap->count == 0 || heap->capacity == HEAP_ROOT + heap->count);
    if (heap->capacity < HEAP_CHUNK_SLOTS) {
        move_block(heap, arena, MAX(heap->capacity * 2, CAPACITY_MIN));
        return;
    }
    struct heap_directory *directory = roomy_directory(heap, arena);
    MUST(directory->chunk_count < directory->chunk_capacity);
    directory->chunks[directory->chunk_count++] = arena_acquire(arena, CHUNK_BYTES);
    heap->storage = directory;
    heap->capacity += HEAP_CHUNK_SLOTS;
    MUST(heap->capacity == directory->chunk_count * HEAP_CHUNK_SLOTS);
}

void heap_shrink(struct heap *heap, struct arena *arena)
{
    if (heap->count == 0) {
        heap_deinit(heap, arena);
        return;
    }
    if (heap->capacity <= HEAP_CHUNK_SLOTS) {
        move_block(heap, arena, heap->capacity / 2);
        return;
    }
    struct heap_directory *directory = heap->storage;
    MUST(directory->chunk_count > 2);
    arena_release(arena, directory->chunks[--directory->chunk_count], CHUNK_BYTES);
    heap->capacity -= HEAP_CHUNK_SLOTS;
    MUST(heap->capacity > HEAP_ROOT + heap->count);
}

void heap_deinit(struct heap *heap, struct arena *arena)
{
    if (heap->capacity > HEAP_CHUNK_SLOTS) {
        struct heap_directory *directory = heap->storage;
        for (u32 i = 0; i < directory->chunk_count; i++)
            arena_release(arena, directory->chunks[i], CHUNK_BYTES);
        arena_release(arena, directory, directory_bytes(directory->chunk_capacity));
    } else if (heap->capacity != 0) {
        arena_release(arena, heap->storage, (size_t)heap->capacity * SLOT_BYTES);
    }
    *heap = (struct heap){0};
}

bool heap_valid(const struct heap *heap)
{
    if ((heap->storage == NULL) != (heap->capacity == 0) ||
        (heap->count == 0) != (heap->capacity == 0))
        return false;
    if (heap->count != 0 && HEAP_ROOT + heap->count > heap->capacity)
        return false;
    for (u32 i = 1; i < heap->count; i++) {
        const u32 position = HEAP_ROOT + i;
        if (heap_slot(heap, position)->key < heap_slot(heap, position / 4 + 2)->key)
            return false;
        if (heap_slot(heap, position)->reserved != 0)
            return false;
    }
    return true;
}
