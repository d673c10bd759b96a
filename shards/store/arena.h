/* arena: bytes of varying length: codes, titles, kept replies, the storage of heaps.
 *
 * Sizes are rounded up to 32 classes: 32, 48, 64, 96, 128 ... 1 MiB, 1.5 MiB (powers of two and
 * one and a half times). Memory comes in slabs of 2 MiB, cut into 128 pages of 16 KiB:
 *
 *      slab (aligned to its size)
 *      page 0       header: which pages are free, one struct arena_run per page
 *      page 1..127  runs: 1 or more pages that hold objects of one class
 *
 * A run of a power of two is max(16 KiB, object), of the others max(48 KiB, object), so objects
 * fill their run exactly. The slab of an object is its address rounded down; there is no header
 * before an object. A run that becomes empty gives its pages to all classes at once: keeping one
 * per class would pin up to 32 slabs. A slab that becomes empty goes back to the seam; one is kept,
 * so that an object that comes and goes asks for no memory.
 *
 * Invariants
 *   I1  a run is in its class's list exactly if it has room.
 *   I2  live_bytes is the sum of the class sizes of all objects held.
 *   I3  each page but the first is free or belongs to exactly one run.
 *   I4  a slab is in the list of its room, the length of its longest row of free pages; a full
 *       slab, of room 0, is in none.
 * Ownership  an object belongs to the caller from acquire to release; the caller remembers its
 *            length. Pointers are valid inside this process only: never dump, hash or order by them.
 *            One core.
 * Happy path acquire pops the free list of the first run with room: O(1), no call to the seam.
 *            When all are full a new run is cut from a slab of the smallest room that suffices,
 *            found by one search in a bit set. (Trying the first few slabs instead let memory grow
 *            without end under steady load; the unit test holds that down.)
 * Failure    no memory, or more than ARENA_BYTES_MAX: panic. Lengths are validated at admission.
 * Not here   zeroing (in checked builds new bytes are 0xa5), moving, compaction.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_ARENA_H
#define SOUK_SHARDS_STORE_ARENA_H

#include "proto/base.h"
#include "shards/store/store_memory.h"

#define ARENA_CLASS_COUNT 32u
#define ARENA_BYTES_MIN   32u
#define ARENA_BYTES_MAX   (3u << 19) /* 1.5 MiB: a full frame and its envelope */
#define ARENA_PAGE_BYTES  (16u << 10)
#define ARENA_PAGE_COUNT  128u

struct arena_run;
struct arena_slab;

struct arena {
    struct store_memory *memory;
    u64 live_bytes;
    u32 live_count;
    u32 slab_count;
    u32 empty_slab_count;
    u32 reserved;
    u64 rooms[2];                                     /* bit n: roomy_slabs[n] is not empty */
    struct arena_slab *slabs;                         /* all of them */
    struct arena_slab *roomy_slabs[ARENA_PAGE_COUNT]; /* by their longest row of free pages */
    struct arena_run *roomy_runs[ARENA_CLASS_COUNT];
};

/* An empty arena that holds no memory yet. `memory` must outlive it. */
void arena_init(struct arena *arena, struct store_memory *memory);

/* Gives all memory back, with every object that is still held. */
void arena_deinit(struct arena *arena);
/* The same in steps, for an arena that is not used any more: one chunk. True: that was the last. */
bool arena_deinit_some(struct arena *arena);

/* Returns at least `bytes` bytes with unspecified contents, aligned to 16, and to 64 if the class
 * size is a multiple of 64. `bytes` from 0 to ARENA_BYTES_MAX; 0 gets the smallest class. */
NODISCARD void *arena_acquire(struct arena *arena, size_t bytes);

/* Takes an object back; `bytes` as given to acquire, or any length of the same class. */
void arena_release(struct arena *arena, void *object, size_t bytes);

/* As arena_release, and sets the caller's pointer to NULL. */
#define ARENA_RELEASE(arena, pointer, bytes)        \
    do {                                            \
        arena_release((arena), (pointer), (bytes)); \
        (pointer) = NULL;                           \
    } while (0)

/* Walks all slabs and runs. */
bool arena_valid(const struct arena *arena);

/* The class of a length: 0 .. ARENA_CLASS_COUNT - 1. */
static inline u32 arena_class_of(size_t bytes)
{
    if (bytes <= ARENA_BYTES_MIN)
        return 0;
    /* 2^below < bytes <= 2^(below + 1) */
    const u32 below = 63u - (u32)__builtin_clzll(bytes - 1);
    const bool is_half_step = bytes <= (size_t)3 << (below - 1);
    return 2 * (below - 5) + (is_half_step ? 1 : 2);
}

static inline u32 arena_class_bytes(u32 class_index)
{
    return (class_index % 2 == 0 ? 32u : 48u) << (class_index / 2);
}

/* How many bytes an acquire of `bytes` really holds: what may be used, and what is counted. */
static inline u32 arena_capacity(size_t bytes)
{
    return arena_class_bytes(arena_class_of(bytes));
}

static inline u64 arena_live_bytes(const struct arena *arena)
{
    return arena->live_bytes;
}

#endif
