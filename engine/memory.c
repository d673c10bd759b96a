/* memory: see memory.h and shards/store/store_memory.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shards/store/store_memory.h"

/* Weak, because sanitizers bring their own malloc and the program is then linked without jemalloc. */
extern int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes)
    __attribute__((weak));

bool memory_bind_thread(void)
{
    unsigned arena = 0;
    size_t bytes = sizeof arena;
    if (mallctl == NULL || mallctl("arenas.create", &arena, &bytes, NULL, 0) != 0)
        return false;
    return mallctl("thread.arena", NULL, NULL, &arena, sizeof arena) == 0;
}

u64 memory_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    unsigned long long total = 0, resident = 0;
    const int fields = fscanf(file, "%llu %llu", &total, &resident);
    (void)fclose(file);
    return fields == 2 ? resident * (u64)sysconf(_SC_PAGESIZE) : 0;
}

/* Makes every page present. Kernels before 5.14 do not know the request; then touching does it. */
static bool populate(u8 *at, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    if (madvise(at, bytes, MADV_POPULATE_WRITE) == 0)
        return true;
    if (errno != EINVAL)
        return false;
#endif
    for (size_t i = 0; i < bytes; i += 4096)
        *(volatile u8 *)(at + i) = 0;
    return true;
}

static void *acquire_pages(size_t bytes)
{
    const size_t align = STORE_CHUNK_BYTES;
    const size_t rounded = ROUND_UP(bytes, (size_t)4096);
    u8 *raw =
        mmap(NULL, rounded + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED)
        return NULL;
    u8 *at = raw + ((align - (uintptr_t)raw % align) % align);
    if (at > raw)
        (void)munmap(raw, (size_t)(at - raw));
    const size_t after = (size_t)(raw + rounded + align - (at + rounded));
    if (after > 0)
        (void)munmap(at + rounded, after);
    (void)madvise(at, rounded, MADV_HUGEPAGE); /* a wish: machines without huge pages say no */
    if (!populate(at, rounded)) {
        (void)munmap(at, rounded);
        return NULL;
    }
    return at;
}

/* The thread's reserve: memory never used before, so it is zero. Chunks of STORE_CHUNK_BYTES, which
 * have to be aligned, come from its begin, larger ones (of pools, of any size) from its end. Chunks
 * that come back are not put here: they would have to be cleared. Thread-local, so no other core ever
 * looks at it. */
static _Thread_local struct {
    u8 *next;
    u64 bytes;
} reserve;

static _Thread_local struct {
    struct memory_feed *feed;
    void (*tell)(void *context);
    void *context;
} fed;

void memory_feed_bind(struct memory_feed *feed, void (*tell)(void *context), void *context)
{
    fed.feed = feed;
    fed.tell = tell;
    fed.context = context;
}

void memory_feed_fill(struct memory_feed *feed)
{
    atomic_store_explicit(&feed->is_told, false,
                          memory_order_seq_cst); /* before the holes are looked for */
    for (u32 i = 0; i < MEMORY_FEED_CHUNKS; i++)
        if (atomic_load_explicit(&feed->slots[i], memory_order_acquire) == NULL)
            atomic_store_explicit(&feed->slots[i], acquire_pages(STORE_CHUNK_BYTES),
                                  memory_order_release);
}

/* A chunk of STORE_CHUNK_BYTES that lies ahead, or NULL. */
static void *take_fed(void)
{
    void *chunk = NULL;
    if (fed.feed == NULL)
        return NULL;
    for (u32 i = 0; i < MEMORY_FEED_CHUNKS && chunk == NULL; i++)
        chunk = atomic_exchange_explicit(&fed.feed->slots[i], NULL, memory_order_acq_rel);
    if (!atomic_exchange_explicit(&fed.feed->is_told, true, memory_order_seq_cst))
        fed.tell(fed.context);
    return chunk;
}

bool memory_prepare(u64 bytes)
{
    MUST(reserve.next == NULL);
    bytes -= bytes % STORE_CHUNK_BYTES;
    if (bytes == 0)
        return true;
    reserve.next = acquire_pages(bytes);
    reserve.bytes = reserve.next == NULL ? 0 : bytes;
    return reserve.next != NULL;
}

void *store_chunk_acquire(size_t bytes)
{
    MUST(bytes > 0);
    const size_t pages = ROUND_UP(bytes, (size_t)4096);
    if (bytes >= STORE_CHUNK_BYTES && pages <= reserve.bytes) {
        reserve.bytes -= pages;
        if (bytes > STORE_CHUNK_BYTES)
            return reserve.next + reserve.bytes;
        reserve.next += pages;
        return reserve.next - pages;
    }
    void *chunk = bytes == STORE_CHUNK_BYTES ? take_fed() : NULL;
    if (chunk != NULL)
        return chunk;
    if (bytes >= STORE_CHUNK_BYTES)
        return acquire_pages(bytes);
    if (posix_memalign(&chunk, 64, bytes) != 0)
        return NULL;
    memset(chunk, 0, bytes);
    return chunk;
}

void store_chunk_release(void *chunk, size_t bytes)
{
    MUST(chunk != NULL && bytes > 0);
    if (bytes >= STORE_CHUNK_BYTES)
        MUST(munmap(chunk, ROUND_UP(bytes, (size_t)4096)) == 0);
    else
        free(chunk);
}
