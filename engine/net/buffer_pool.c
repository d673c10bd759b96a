/* buffer_pool: see buffer_pool.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/buffer_pool.h"

#include <stdlib.h>
#include <string.h>

static u32 class_of(u32 bytes)
{
    MUST(bytes > 0 && bytes <= BUFFER_BYTES_MAX);
    if (bytes <= BUFFER_BYTES_MIN)
        return 0;
    const u32 class = 32u - (u32)__builtin_clz(bytes - 1) - 12u;
    MUST(class < BUFFER_CLASSES && BUFFER_BYTES_MIN << class >= bytes);
    return class;
}

u8 *buffer_pool_acquire(struct buffer_pool *pool, u32 bytes, u32 *capacity)
{
    const u32 class = class_of(bytes);
    *capacity = BUFFER_BYTES_MIN << class;
    pool->given_bytes += *capacity;
    u8 *buffer = pool->free[class];
    if (buffer != NULL) {
        memcpy(&pool->free[class], buffer, sizeof(void *));
        MUST(pool->idle_bytes >= *capacity);
        pool->idle_bytes -= *capacity;
        return buffer;
    }
    buffer = aligned_alloc(64, *capacity);
    if (buffer == NULL)
        PANIC("no memory for a buffer of a connection");
    return buffer;
}

void buffer_pool_release(struct buffer_pool *pool, u8 **bytes, u32 capacity)
{
    const u32 class = class_of(capacity);
    MUST(*bytes != NULL && capacity == BUFFER_BYTES_MIN << class);
    MUST(pool->given_bytes >= capacity);
    pool->given_bytes -= capacity;
    if (pool->idle_bytes + capacity > BUFFER_POOL_KEEP_BYTES) {
        free(*bytes);
    } else {
        memcpy(*bytes, &pool->free[class], sizeof(void *));
        pool->free[class] = *bytes;
        pool->idle_bytes += capacity;
    }
    *bytes = NULL;
}

void buffer_pool_deinit(struct buffer_pool *pool)
{
    MUST(pool->given_bytes == 0);
    for (u32 class = 0; class < BUFFER_CLASSES; class ++) {
        while (pool->free[class] != NULL) {
            void *buffer = pool->free[class];
            memcpy(&pool->free[class], buffer, sizeof(void *));
            free(buffer);
        }
    }
    pool->idle_bytes = 0;
}

u8 *buffer_room(struct buffer_pool *pool, struct buffer *buffer, u32 more)
{
    const u32 count = buffer_count(buffer);
    if (buffer->capacity - buffer->end >= more)
        return buffer->bytes + buffer->end;
    if (buffer->capacity - count >= more && buffer->begin >= count) {
        memcpy(buffer->bytes, buffer->bytes + buffer->begin, count);
    } else {
        struct buffer grown = {.end = count};
        MUST(more <= BUFFER_BYTES_MAX - count);
        grown.bytes = buffer_pool_acquire(pool, count + more, &grown.capacity);
        if (buffer->bytes != NULL) {
            memcpy(grown.bytes, buffer->bytes + buffer->begin, count);
            buffer_pool_release(pool, &buffer->bytes, buffer->capacity);
        }
        *buffer = grown;
        return buffer->bytes + buffer->end;
    }
    buffer->begin = 0;
    buffer->end = count;
    return buffer->bytes + buffer->end;
}

void buffer_drop(struct buffer_pool *pool, struct buffer *buffer, u32 count)
{
    MUST(count <= buffer_count(buffer));
    buffer->begin += count;
    if (buffer->begin == buffer->end)
        buffer_clear(pool, buffer);
}

void buffer_clear(struct buffer_pool *pool, struct buffer *buffer)
{
    if (buffer->bytes != NULL)
        buffer_pool_release(pool, &buffer->bytes, buffer->capacity);
    *buffer = (struct buffer){0};
}
