/* alloc_hook: counts what a process asks of its allocator, without touching the process.
 *
 * A shared object for LD_PRELOAD. malloc, calloc, realloc, the aligned ones and mmap are counted in a
 * page that is shared with whoever measures, and handed on to the next library in line (jemalloc
 * in soukd). The page is the file named by SOUK_ALLOC_COUNT: one u64 for allocations, one for mmap.
 *
 * dlsym may allocate before the next malloc is known; such requests come from a small static heap
 * that is never given back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/base.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT     __attribute__((visibility("default")))
#define EARLY_HEAP 65536u

struct counts {
    _Atomic u64 allocations;
    _Atomic u64 maps;
};

static struct counts no_counts;
static struct counts *counts = &no_counts;
static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
static int (*next_posix_memalign)(void **, size_t, size_t);
static void *(*next_aligned_alloc)(size_t, size_t);
static _Alignas(64) u8 early[EARLY_HEAP];
static size_t early_used;

static bool is_early(const void *at)
{
    return (const u8 *)at >= early && (const u8 *)at < early + EARLY_HEAP;
}

static void *take_early(size_t bytes)
{
    const size_t rounded = ROUND_UP(bytes, (size_t)64);
    if (early_used + rounded > EARLY_HEAP)
        return NULL;
    void *at = early + early_used;
    early_used += rounded;
    return at;
}

/* ISO C has no conversion from an object pointer to a function pointer; POSIX says that it works. */
static void find(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(function, &symbol, sizeof symbol);
}

__attribute__((constructor)) static void open_counts(void)
{
    find("malloc", &next_malloc);
    find("calloc", &next_calloc);
    find("realloc", &next_realloc);
    find("free", &next_free);
    find("posix_memalign", &next_posix_memalign);
    find("aligned_alloc", &next_aligned_alloc);
    const char *path = getenv("SOUK_ALLOC_COUNT");
    const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *page = (void *)syscall(SYS_mmap, NULL, sizeof(struct counts), PROT_READ | PROT_WRITE,
                                 MAP_SHARED, fd, 0L);
    (void)close(fd);
    if (page != MAP_FAILED)
        counts = page;
}

static void count_one(void)
{
    (void)atomic_fetch_add_explicit(&counts->allocations, 1, memory_order_relaxed);
}

EXPORT void *malloc(size_t bytes)
{
    count_one();
    return next_malloc == NULL ? take_early(bytes) : next_malloc(bytes);
}

EXPORT void *calloc(size_t count, size_t bytes)
{
    count_one();
    /* The early heap is zero, and nothing of it is used twice. */
    return next_calloc == NULL ? take_early(count * bytes) : next_calloc(count, bytes);
}

EXPORT void *realloc(void *at, size_t bytes)
{
    count_one();
    if (at != NULL && is_early(at)) {
        void *to = malloc(bytes);
        if (to != NULL)
            memcpy(to, at, MIN(bytes, (size_t)(early + EARLY_HEAP - (u8 *)at)));
        return to;
    }
    return next_realloc == NULL ? take_early(bytes) : next_realloc(at, bytes);
}

EXPORT int posix_memalign(void **to, size_t alignment, size_t bytes)
{
    count_one();
    return next_posix_memalign == NULL ? ENOMEM : next_posix_memalign(to, alignment, bytes);
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes)
{
    count_one();
    return next_aligned_alloc == NULL ? NULL : next_aligned_alloc(alignment, bytes);
}

EXPORT void free(void *at)
{
    if (at != NULL && !is_early(at) && next_free != NULL)
        next_free(at);
}

EXPORT void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    (void)atomic_fetch_add_explicit(&counts->maps, 1, memory_order_relaxed);
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}
