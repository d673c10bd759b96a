/* memory: whose heap a thread uses, and where the state machines get their chunks from.
 *
 * jemalloc is the process's malloc. Each reactor's thread is bound to an arena of its own, so that
 * libraries called from it do not meet other threads in an allocator either. The chunks of the state
 * machines (shards/store/store_memory.h) come from mmap: 2 MiB are aligned to a huge page, larger
 * ones lie on huge pages; they are asked for as such, and present before they are handed out, so that a
 * hot operation never faults.
 *
 * A page that the kernel has to find and clear costs the operation that needs it; on a virtual
 * machine, whose host may have to find it too, a chunk was seen to take 15 ms. So a reactor can
 * prepare a reserve before it serves (--memory-reserve): its chunks are taken from there first. Beyond that
 * another thread, which has nothing else to do, keeps some chunks of 2 MiB ahead of each reactor:
 *
 *      store_chunk_acquire -> reserve, else a slot of the feed (which is then told that it has a hole),
 *                             else the system
 *      memory_feed_fill    -> a hole is filled, on the other thread
 *
 * Ownership  a chunk is touched first by the thread that asked for it, and so lies near its core.
 * Failure    NULL; the caller decides (the state machines panic, what was logged must be applied).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_MEMORY_H
#define SOUK_ENGINE_MEMORY_H

#include <stdatomic.h>

#include "proto/base.h"

#define MEMORY_FEED_CHUNKS 4u

/* Chunks that lie ahead for one thread. NULL: a hole. A slot is emptied by the one thread and filled by the
 * other, so neither ever waits. Starts zeroed. */
struct memory_feed {
    _Alignas(64) _Atomic(void *) slots[MEMORY_FEED_CHUNKS];
    atomic_bool is_told; /* that there is a hole, and nobody has looked yet */
};

/* Gives the calling thread an arena of its own. False when the process runs on another malloc
 * (sanitizer builds), which is fine. */
bool memory_bind_thread(void);
/* Prepares `bytes` (rounded down to chunks) for store_chunk_acquire calls of this thread. Once per
 * thread. False when there is not that much memory. */
NODISCARD bool memory_prepare(u64 bytes);
/* Chunks of the calling thread come from this feed, too; `tell` is called, seldom, when it has holes. */
void memory_feed_bind(struct memory_feed *feed, void (*tell)(void *context), void *context);
/* Fills holes, on a thread that may wait. Only one thread fills a feed. */
void memory_feed_fill(struct memory_feed *feed);
/* Resident memory of the process in bytes, 0 when unknown. */
u64 memory_resident_bytes(void);

#endif
