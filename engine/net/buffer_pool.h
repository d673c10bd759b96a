/* buffer_pool: the buffers of connections and mail, kept for the next who needs one.
 *
 * Sizes are powers of two from 4 KiB to 64 MiB, one free list each, last in first out, so that what
 * is handed out is warm. In steady state nothing is allocated: an idle connection has no buffer, and
 * a busy one gets the buffer that another has just given back.
 *
 * Invariants
 *   B1  a buffer is in the pool or has one owner; capacity tells its list.
 *   B2  at most BUFFER_POOL_KEEP_BYTES lie idle; what is given back beyond that is freed.
 * Ownership  one reactor. Buffers are 64-byte aligned. Mail carries buffers to other cores and back.
 * Failure    no memory is a panic: the sizes are bounded by the budgets of connections and mail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_BUFFER_POOL_H
#define SOUK_ENGINE_NET_BUFFER_POOL_H

#include "proto/base.h"

#define BUFFER_BYTES_MIN       4096u
#define BUFFER_CLASSES         15u /* 4 KiB << 14 = 64 MiB */
#define BUFFER_BYTES_MAX       (BUFFER_BYTES_MIN << (BUFFER_CLASSES - 1))
#define BUFFER_POOL_KEEP_BYTES (64ull << 20)

struct buffer_pool {
    void *free[BUFFER_CLASSES];
    u64 idle_bytes;  /* in the lists */
    u64 given_bytes; /* with owners */
};

/* Growable bytes: [begin, end) of a buffer that may be absent (bytes NULL, capacity 0). */
struct buffer {
    u8 *bytes;
    u32 begin;
    u32 end;
    u32 capacity;
};

/* At least `bytes` (1 to BUFFER_BYTES_MAX); *capacity says how many. Not zeroed. */
u8 *buffer_pool_acquire(struct buffer_pool *pool, u32 bytes, u32 *capacity);
void buffer_pool_release(struct buffer_pool *pool, u8 **bytes, u32 capacity);
/* Frees what lies idle; nothing may be with owners. */
void buffer_pool_deinit(struct buffer_pool *pool);

static inline u32 buffer_count(const struct buffer *buffer)
{
    return buffer->end - buffer->begin;
}
/* Makes room for `more` bytes at the end, moving or growing if needed; returns where they go. */
u8 *buffer_room(struct buffer_pool *pool, struct buffer *buffer, u32 more);
/* Takes `count` bytes off the front; an empty buffer goes back to the pool. */
void buffer_drop(struct buffer_pool *pool, struct buffer *buffer, u32 count);
/* Gives the memory back, whatever is in it. */
void buffer_clear(struct buffer_pool *pool, struct buffer *buffer);

#endif
