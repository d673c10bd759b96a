/* bump: memory that is given back all at once: what a question needs while it is answered.
 *
 *      bump_acquire -> the next bytes of a chunk of 2 MiB; a new chunk when it is full
 *      bump_reset   -> everything is free again; the first chunk is kept for the next question
 *
 * Invariants
 *   I1  what was acquired stays where it is until the reset.
 *   I2  never more than `bytes_max` in chunks; beyond that acquire gives NULL, which the caller turns
 *       into a refusal.
 * Ownership  the chunks belong to the bump; one core.
 * Not here   state that outlives an answer: pools, maps, the arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_BUMP_H
#define SOUK_SHARDS_STORE_BUMP_H

#include "shards/store/store_memory.h"

#define BUMP_CHUNKS_MAX 16u

struct bump {
    struct store_memory *memory;
    u8 *chunks[BUMP_CHUNKS_MAX];
    u32 chunk_count;
    u32 chunk; /* that is being filled */
    u32 used;  /* of it */
};

void bump_init(struct bump *bump, struct store_memory *memory);
void bump_deinit(struct bump *bump);
/* `bytes` up to STORE_CHUNK_BYTES, aligned to 64, with unspecified contents; NULL when the question
 * has used all that one may. */
void *bump_acquire(struct bump *bump, size_t bytes);
/* The same, zeroed. */
void *bump_acquire_zeroed(struct bump *bump, size_t bytes);
void bump_reset(struct bump *bump);

#endif
