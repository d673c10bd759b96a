/* undo: before-images of what a linked frame changes, so that all of it can be taken back.
 *
 * Only linked frames use it, so it may be slow and simple: a stack of bytes.
 *
 *      [image][entry] [image][entry] ... [image][entry]   <- used
 *
 * The rooms push an image before each change (each has one place where it does so), the shard pops
 * them: on failure in reverse order, restoring; on success only to free what was replaced.
 *
 * Invariants
 *   I1  is_active exactly while a linked frame is executed; nothing is pushed otherwise.
 *   I2  between frames the stack is empty.
 * Ownership  the bytes are the undo's; a popped image is valid until the next push.
 * Failure    no memory is a panic, as everywhere in apply.
 * Not here   what an image means: each room restores its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_UNDO_H
#define SOUK_SHARDS_UNDO_H

#include "proto/base.h"
#include "shards/store/store_memory.h"

enum undo_kind {
    UNDO_KIND_RESOURCE = 1,
    UNDO_KIND_RESOURCE_NEW,
    UNDO_KIND_GRANT,
    UNDO_KIND_GRANT_NEW,
    UNDO_KIND_PRODUCT,
    UNDO_KIND_PRODUCT_NEW,
    UNDO_KIND_PRODUCT_LIVE
};

struct undo_entry {
    u32 index; /* of the record in its pool */
    u16 kind;  /* enum undo_kind */
    u16 bytes; /* of the image before this entry, a multiple of 8 */
};
STATIC_CHECK(sizeof(struct undo_entry) == 8);

struct undo {
    struct store_memory *memory;
    u8 *stack;
    u32 capacity;
    u32 used;
    bool is_active;
};

void undo_init(struct undo *undo, struct store_memory *memory);
void undo_deinit(struct undo *undo);

/* A linked frame begins, and ends. At the end the stack must be empty. */
void undo_begin(struct undo *undo);
void undo_end(struct undo *undo);

/* `bytes` is a multiple of 8; `image` may be NULL when it is 0. */
void undo_push(struct undo *undo, enum undo_kind kind, u32 index, const void *image, u32 bytes);

/* The latest entry, with its image; false when the stack is empty. */
bool undo_pop(struct undo *undo, struct undo_entry *entry, const void **image);

#endif
