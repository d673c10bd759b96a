/* undo: see shards/undo.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/undo.h"

#include <string.h>

#define UNDO_BYTES_FIRST (64u << 10)
#define UNDO_BYTES_KEPT  (1u << 20) /* a larger stack is given back after its frame */

void undo_init(struct undo *undo, struct store_memory *memory)
{
    *undo = (struct undo){.memory = memory};
}

void undo_deinit(struct undo *undo)
{
    if (undo->stack != NULL)
        store_memory_release(undo->memory, undo->stack, undo->capacity);
    *undo = (struct undo){.memory = undo->memory};
}

void undo_begin(struct undo *undo)
{
    MUST(!undo->is_active);
    MUST(undo->used == 0);
    undo->is_active = true;
}

void undo_end(struct undo *undo)
{
    MUST(undo->is_active);
    MUST(undo->used == 0);
    if (undo->capacity > UNDO_BYTES_KEPT)
        undo_deinit(undo);
    undo->is_active = false;
}

static void make_room(struct undo *undo, u32 bytes)
{
    u32 capacity = MAX(undo->capacity, UNDO_BYTES_FIRST);
    while (capacity - undo->used < bytes) /* ends: doubles */
        capacity *= 2;
    if (capacity == undo->capacity)
        return;
    u8 *stack = store_memory_acquire(undo->memory, capacity);
    if (undo->stack != NULL) {
        memcpy(stack, undo->stack, undo->used);
        store_memory_release(undo->memory, undo->stack, undo->capacity);
    }
    undo->stack = stack;
    undo->capacity = capacity;
}

void undo_push(struct undo *undo, enum undo_kind kind, u32 index, const void *image, u32 bytes)
{
    MUST(undo->is_active);
    MUST(bytes % 8 == 0 && bytes <= UINT16_MAX);
    MUST(index != 0);
    const struct undo_entry entry = {.index = index, .kind = (u16)kind, .bytes = (u16)bytes};
    make_room(undo, bytes + (u32)sizeof entry);
    if (bytes != 0)
        memcpy(undo->stack + undo->used, image, bytes);
    memcpy(undo->stack + undo->used + bytes, &entry, sizeof entry);
    undo->used += bytes + (u32)sizeof entry;
}

bool undo_pop(struct undo *undo, struct undo_entry *entry, const void **image)
{
    MUST(undo->is_active);
    if (undo->used == 0)
        return false;
    MUST(undo->used >= sizeof *entry);
    memcpy(entry, undo->stack + undo->used - sizeof *entry, sizeof *entry);
    undo->used -= (u32)sizeof *entry;
    MUST(undo->used >= entry->bytes);
    undo->used -= entry->bytes;
    *image = undo->stack + undo->used;
    return true;
}
