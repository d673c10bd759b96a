/* bump: memory that is given back all at once: what a question needs while it is answered.
 *
 *      bump_acquire -> the next bytes of a chunk of 2 MiB; a new chunk when it is full
 *      bump_reset   -> everything is free again; chunks go to the reserve, for whoever asks next
 *
 * Invariants
 *   I1  what was acquired stays where it is until the reset.
 *   I2  never more than `bytes_max` in chunks; beyond that acquire gives NULL, which the caller turns
 *       into a refusal.
 *   I3  a reserve keeps at most BUMP_RESERVE_MAX idle chunks; what comes back beyond that is released.
 * Ownership  chunks in use belong to the bump, idle ones to the reserve that several bumps of one core
 *            share. Without a reserve a bump keeps its first chunk.
 * Not here   state that outlives an answer: pools, maps, the arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_BUMP_H
#define SOUK_SHARDS_STORE_BUMP_H

#include "shards/store/store_memory.h"

#define BUMP_CHUNKS_MAX 16u

#define BUMP_RESERVE_MAX 32u

/* Chunks that lie idle. A chunk of the system costs a fault for each page, or much of a millisecond. */
struct bump_reserve {
    struct store_memory *memory;
    u8 *chunks[BUMP_RESERVE_MAX];
    u32 count;
};

struct bump {
    struct store_memory *memory;
    struct bump_reserve *reserve; /* NULL: none */
    u8 *chunks[BUMP_CHUNKS_MAX];
    u32 chunk_count;
    u32 chunk; /* that is being filled */
    u32 used;  /* of it */
};

void bump_reserve_init(struct bump_reserve *reserve, struct store_memory *memory);
void bump_reserve_deinit(struct bump_reserve *reserve);
/* Prepares so many idle chunks, at most BUMP_RESERVE_MAX. */
void bump_reserve_fill(struct bump_reserve *reserve, u32 count);

void bump_init(struct bump *bump, struct store_memory *memory);
void bump_init_shared(struct bump *bump, struct bump_reserve *reserve);
void bump_deinit(struct bump *bump);
/* `bytes` up to STORE_CHUNK_BYTES, aligned to 64, with unspecified contents; NULL when the question
 * has used all that one may. */
void *bump_acquire(struct bump *bump, size_t bytes);
/* The same, zeroed. */
void *bump_acquire_zeroed(struct bump *bump, size_t bytes);
void bump_reset(struct bump *bump);

#endif
