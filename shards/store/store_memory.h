/* store_memory: where the containers of the state machines get their memory from.
 *
 * The state machines may not call malloc: a shard's memory is counted, comes in large pieces and
 * is there before it is touched. They ask the two functions of the seam instead, which the program
 * defines: the server in engine/, tests and micro benchmarks in tests/support/plain_memory.c.
 *
 *      pool, map, arena  ->  store_memory_acquire  ->  store_chunk_acquire   (the seam)
 *                               counts bytes              gives zeroed, present pages
 *
 * Giving a chunk back to the system costs some hundred microseconds. Who drops much at once puts that off:
 * chunks that are released meanwhile are put aside, and given back one by one.
 *
 * Invariants
 *   I1  used_bytes is the sum of the sizes of all chunks that were acquired through this counter
 *       and not released yet. It follows from the operations alone, never from the machine.
 *   I2  a chunk is zeroed, aligned to its size if it is 2 MiB, to 4 KiB if it is more and to 64 bytes if
 *       less, and backed by pages, so that touching it later does not fault.
 * Ownership  one struct store_memory per shard, outliving all its containers; only the core that
 *            owns the shard may call. Whoever acquires a chunk releases it with the same size.
 * Failure    the seam returns NULL and never panics; store_memory_acquire panics, because what was
 *            admitted has been logged and must be applied. Admission keeps the reserve.
 * Not here   caps and refusals: admission reads used_bytes and decides before anything is logged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_STORE_MEMORY_H
#define SOUK_SHARDS_STORE_STORE_MEMORY_H

#include "proto/base.h"

#define STORE_CHUNK_BYTES (2u << 20) /* what a growing container asks for: one huge page */

/* The seam. Acquire returns `bytes` (more than 0) zeroed bytes as I2 says, or NULL. Release takes
 * back what acquire gave; `bytes` must be the same number. */
void *store_chunk_acquire(size_t bytes);
void store_chunk_release(void *chunk, size_t bytes);

/* In the first bytes of a chunk that is put aside. */
struct store_aside {
    struct store_aside *next;
    size_t bytes;
};

struct store_memory {
    u64 used_bytes; /* those put aside among them */
    u32 chunk_count;
    bool is_put_off;
    struct store_aside *aside;
};

void store_memory_init(struct store_memory *memory);

/* Returns zeroed bytes, never NULL. The caller owns them until store_memory_release. */
void *store_memory_acquire(struct store_memory *memory, size_t bytes);
void store_memory_release(struct store_memory *memory, void *chunk, size_t bytes);

/* What is released from here on is put aside; or no longer. */
void store_memory_put_off(struct store_memory *memory, bool is_put_off);
/* Gives a chunk of what was put aside back, or some small ones. True: nothing is left. */
bool store_memory_give_back(struct store_memory *memory);

/* Brings a line near. The empty statement of assembly keeps it: gcc takes a function that does
 * nothing but prefetch for pure, and drops calls of it. */
static inline void store_prefetch(const void *address)
{
    __builtin_prefetch(address);
    __asm__ volatile("");
}

bool store_memory_valid(const struct store_memory *memory);

#endif
