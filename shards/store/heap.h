/* heap: which of many deadlines comes first; any of them can be taken out again.
 *
 * A 4-ary min-heap of {key, item}. There are many of them (one per SKU with holds), so an instance
 * is 16 bytes and an empty one holds no memory; what all share is handed in as struct heap_owner.
 * Positions begin at 3, so that the four children of an entry are one cache line:
 *
 *      position   0 1 2 | 3    | 4 5 6 7            | 8 9 10 11     | ...
 *                 unused| root | children of root   | children of 4 |
 *      parent(p) = p / 4 + 2         children(p) = 4p - 8 .. 4p - 5
 *
 * Storage is one block of the arena that doubles (room for 1, 5, 13 ... 4093 entries); beyond that
 * a directory of blocks of 4096 slots, the first of which is the old block. So nothing larger than
 * 32 KiB is ever copied but the directory of pointers.
 *
 * When an entry comes to a position, `moved` tells the owner, who keeps the number in the item and
 * later calls heap_remove or heap_update with it. Position 0 means "not in the heap".
 *
 * Invariants
 *   I1  no key is smaller than its parent's.
 *   I2  the last position told for an item is where it is; 0 was told when it left.
 *   I3  storage is NULL exactly if capacity is 0; an empty heap has none.
 * Ownership  the heap owns its storage, in the owner's arena. One core.
 * Happy path deadlines mostly come in increasing order: push compares with one parent and is done.
 * Failure    no memory is a panic; a position outside the heap is a panic.
 * Not here   Among equal keys, who is first depends on the history. Where that matters, break ties
 *            outside, or dump and load entries by position (heap_entry_at), which keeps the layout.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_HEAP_H
#define SOUK_SHARDS_STORE_HEAP_H

#include "proto/base.h"
#include "shards/store/arena.h"

#define HEAP_ROOT        3u /* position of the smallest entry */
#define HEAP_CHUNK_SLOTS 4096u
#define HEAP_COUNT_MAX   (1u << 28)

/* Where `moved` must be inlined, also without optimisation flags that say so. */
#define HEAP_INLINE __attribute__((always_inline)) static inline

struct heap_entry {
    u64 key;
    u32 item;
    u32 reserved; /* 0 */
};
STATIC_CHECK(sizeof(struct heap_entry) == 16);

/* All zero is an empty heap. */
struct heap {
    void *storage; /* slots, or struct heap_directory when capacity > HEAP_CHUNK_SLOTS */
    u32 count;
    u32 capacity; /* in slots */
};
STATIC_CHECK(sizeof(struct heap) == 16);

struct heap_directory {
    u32 chunk_count;
    u32 chunk_capacity;
    struct heap_entry *chunks[];
};

/* Made on the caller's stack from constants, so that `moved` is inlined. */
struct heap_owner {
    struct arena *arena;
    void *context;
    void (*moved)(void *context, u32 item, u32 position);
};

/* Room for one more entry, or for fewer: only the functions below call these two. */
void heap_grow(struct heap *heap, struct arena *arena);
void heap_shrink(struct heap *heap, struct arena *arena);

/* Gives the storage back without telling `moved`. */
void heap_deinit(struct heap *heap, struct arena *arena);

/* Walks all entries. */
bool heap_valid(const struct heap *heap);

static inline u32 heap_count(const struct heap *heap)
{
    return heap->count;
}

static inline struct heap_entry *heap_slot(const struct heap *heap, u32 position)
{
    if (LIKELY(heap->capacity <= HEAP_CHUNK_SLOTS))
        return (struct heap_entry *)heap->storage + position;
    const struct heap_directory *directory = heap->storage;
    return directory->chunks[position / HEAP_CHUNK_SLOTS] + position % HEAP_CHUNK_SLOTS;
}

static inline bool heap_has(const struct heap *heap, u32 position)
{
    return position >= HEAP_ROOT && position - HEAP_ROOT < heap->count;
}

/* When the last entry is not beyond this position there is storage to give back: half of a block
 * that is an eighth full, or the last of two unused blocks. */
static inline u32 heap_slack_position(const struct heap *heap)
{
    return heap->capacity <= HEAP_CHUNK_SLOTS ? heap->capacity / 8
                                              : heap->capacity - 2 * HEAP_CHUNK_SLOTS;
}

/* The entry at a position, HEAP_ROOT .. HEAP_ROOT + count - 1. */
static inline struct heap_entry heap_entry_at(const struct heap *heap, u32 position)
{
    MUST(heap_has(heap, position));
    return *heap_slot(heap, position);
}

/* The entry with the smallest key; the heap must not be empty. */
static inline struct heap_entry heap_top(const struct heap *heap)
{
    return heap_entry_at(heap, HEAP_ROOT);
}

/* The sifts move a hole instead of swapping: half the writes, and `moved` once per entry. */
HEAP_INLINE void heap_sift_up(struct heap *heap, const struct heap_owner *owner, u32 hole,
                              struct heap_entry entry)
{
    while (hole > HEAP_ROOT) {
        const u32 parent = hole / 4 + 2;
        const struct heap_entry above = *heap_slot(heap, parent);
        if (above.key <= entry.key)
            break;
        *heap_slot(heap, hole) = above;
        owner->moved(owner->context, above.item, hole);
        hole = parent;
    }
    *heap_slot(heap, hole) = entry;
    owner->moved(owner->context, entry.item, hole);
}

HEAP_INLINE void heap_sift_down(struct heap *heap, const struct heap_owner *owner, u32 hole,
                                struct heap_entry entry)
{
    const u32 end = HEAP_ROOT + heap->count;
    for (;;) { /* ends: the hole goes down a level each time */
        const u32 first = 4 * hole - 8;
        if (first >= end)
            break;
        /* Four siblings never cross a chunk: both begin at a multiple of four. */
        const struct heap_entry *children = heap_slot(heap, first);
        const u32 child_count = MIN(end - first, 4u);
        u32 least = 0;
        for (u32 i = 1; i < child_count; i++)
            least = children[i].key < children[least].key ? i : least;
        if (children[least].key >= entry.key)
            break;
        *heap_slot(heap, hole) = children[least];
        owner->moved(owner->context, children[least].item, hole);
        hole = first + least;
    }
    *heap_slot(heap, hole) = entry;
    owner->moved(owner->context, entry.item, hole);
}

HEAP_INLINE void heap_place(struct heap *heap, const struct heap_owner *owner, u32 hole,
                            struct heap_entry entry)
{
    if (hole > HEAP_ROOT && entry.key < heap_slot(heap, hole / 4 + 2)->key)
        heap_sift_up(heap, owner, hole, entry);
    else
        heap_sift_down(heap, owner, hole, entry);
}

/* Adds an item that is not in the heap. */
HEAP_INLINE void heap_push(struct heap *heap, const struct heap_owner *owner, u64 key, u32 item)
{
    MUST(heap->count < HEAP_COUNT_MAX);
    const u32 hole = HEAP_ROOT + heap->count;
    if (UNLIKELY(hole >= heap->capacity))
        heap_grow(heap, owner->arena);
    heap->count++;
    heap_sift_up(heap, owner, hole, (struct heap_entry){.key = key, .item = item});
}

/* Adds an item if it stays where it is put, as with keys that come in increasing order, and there
 * is room. Returns its position and tells nobody; 0: nothing was done, call heap_push. The first
 * entry of all is left to heap_push too. */
HEAP_INLINE u32 heap_push_last(struct heap *heap, u64 key, u32 item)
{
    const u32 hole = HEAP_ROOT + heap->count;
    if (hole == HEAP_ROOT || hole >= heap->capacity || heap_slot(heap, hole / 4 + 2)->key > key)
        return 0;
    MUST(heap->count < HEAP_COUNT_MAX);
    heap->count++;
    *heap_slot(heap, hole) = (struct heap_entry){.key = key, .item = item};
    return hole;
}

/* Takes the entry at `position` out. */
HEAP_INLINE void heap_remove(struct heap *heap, const struct heap_owner *owner, u32 position)
{
    MUST(heap_has(heap, position));
    const u32 item = heap_slot(heap, position)->item;
    const u32 last = HEAP_ROOT + heap->count - 1;
    const struct heap_entry entry = *heap_slot(heap, last);
    heap->count--;
    if (position != last)
        heap_place(heap, owner, position, entry);
    owner->moved(owner->context, item, 0);
    if (UNLIKELY(last <= heap_slack_position(heap) || heap->count == 0))
        heap_shrink(heap, owner->arena);
}

/* Takes the smallest entry out; the heap must not be empty. */
HEAP_INLINE void heap_pop(struct heap *heap, const struct heap_owner *owner)
{
    heap_remove(heap, owner, HEAP_ROOT);
}

/* Gives the entry at `position` another key, smaller or larger. */
HEAP_INLINE void heap_update(struct heap *heap, const struct heap_owner *owner, u32 position,
                             u64 key)
{
    MUST(heap_has(heap, position));
    struct heap_entry entry = *heap_slot(heap, position);
    entry.key = key;
    heap_place(heap, owner, position, entry);
}

#endif
