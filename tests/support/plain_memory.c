/* plain_memory: the allocator seam of the state machines for unit tests and micro benchmarks:
 * huge pages if there are any, from 2 MiB on; the C library below that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shards/store/store_memory.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE_BYTES ((size_t)4096)

/* Maps more than is wanted, gives back what lies outside the aligned part, then asks for huge pages
 * before the first touch: MAP_POPULATE would have filled it with small ones. */
static void *map_aligned(size_t bytes)
{
    const size_t wide = bytes + STORE_CHUNK_BYTES;
    u8 *mapped = mmap(NULL, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    const size_t before = (size_t)(-(uintptr_t)mapped % STORE_CHUNK_BYTES);
    const size_t after = wide - before - ROUND_UP(bytes, PAGE_BYTES);
    if (before != 0)
        (void)munmap(mapped, before);
    if (after != 0)
        (void)munmap(mapped + before + ROUND_UP(bytes, PAGE_BYTES), after);
    u8 *chunk = mapped + before;
    (void)madvise(chunk, bytes, MADV_HUGEPAGE);
    if (madvise(chunk, ROUND_UP(bytes, PAGE_BYTES), MADV_POPULATE_WRITE) != 0)
        memset(chunk, 0, bytes);
    return chunk;
}

void *store_chunk_acquire(size_t bytes)
{
    if (bytes >= STORE_CHUNK_BYTES)
        return map_aligned(bytes);
    void *chunk = aligned_alloc(64, ROUND_UP(bytes, (size_t)64));
    if (chunk != NULL)
        memset(chunk, 0, bytes);
    return chunk;
}

void store_chunk_release(void *chunk, size_t bytes)
{
    if (bytes >= STORE_CHUNK_BYTES)
        (void)munmap(chunk, ROUND_UP(bytes, PAGE_BYTES));
    else
        free(chunk);
}
