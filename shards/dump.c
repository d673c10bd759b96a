/* dump: see shards/dump.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/dump.h"

#include <string.h>

#include "proto/checksum.h"

#define DUMP_BLOCK_BYTES (256u << 10)

struct dump_block {
    struct dump_block *next;
    u32 used;
    u32 taken;
    u8 bytes[DUMP_BLOCK_BYTES - 16];
};
STATIC_CHECK(sizeof(struct dump_block) == DUMP_BLOCK_BYTES);
STATIC_CHECK(DUMP_RECORD_BYTES_MAX <= DUMP_CHUNK_BYTES_MIN);
STATIC_CHECK(DUMP_RECORD_BYTES_MAX < DUMP_BLOCK_BYTES - 16);

void dump_sink_init_queue(struct dump_sink *sink, struct store_memory *memory)
{
    MUST(memory != NULL);
    *sink = (struct dump_sink){.memory = memory};
}

void dump_sink_init_digest(struct dump_sink *sink)
{
    *sink = (struct dump_sink){.is_digest = true};
}

static void drop_first(struct dump_sink *sink)
{
    struct dump_block *block = sink->first;
    MUST(block != NULL);
    sink->first = block->next;
    if (sink->first == NULL)
        sink->last = NULL;
    store_memory_release(sink->memory, block, sizeof *block);
}

void dump_sink_deinit(struct dump_sink *sink)
{
    while (sink->first != NULL) /* ends: one block less each time */
        drop_first(sink);
}

/* Room for a record at the end of the queue. */
static u8 *queue_room(struct dump_sink *sink, u32 bytes)
{
    if (sink->last == NULL || sizeof sink->last->bytes - sink->last->used < bytes) {
        struct dump_block *block = store_memory_acquire(sink->memory, sizeof *block);
        if (sink->last != NULL)
            sink->last->next = block;
        else
            sink->first = block;
        sink->last = block;
    }
    u8 *room = sink->last->bytes + sink->last->used;
    sink->last->used += bytes;
    return room;
}

/* 128-bit addition, so that the order of records does not matter. */
static void add_hash(struct id128 *sum, const void *record, u32 bytes)
{
    const XXH128_hash_t hash = XXH3_128bits(record, bytes);
    const u64 low = sum->low + hash.low64;
    sum->high += hash.high64 + (low < sum->low ? 1 : 0);
    sum->low = low;
}

void dump_put(struct dump_sink *sink, enum dump_kind kind, const void *fixed, u32 fixed_bytes,
              const void *tail, u32 tail_bytes)
{
    const u32 body_bytes = (u32)sizeof(struct dump_head) + fixed_bytes + tail_bytes;
    const u32 bytes = ROUND_UP(body_bytes, 8u);
    MUST(fixed_bytes % 8 == 0);
    MUST(bytes <= DUMP_RECORD_BYTES_MAX);
    const struct dump_head head = {.bytes = bytes, .kind = (u16)kind};
    u8 own[DUMP_RECORD_BYTES_MAX];
    u8 *to = sink->is_digest ? own : queue_room(sink, bytes);
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, fixed, fixed_bytes);
    if (tail_bytes != 0)
        memcpy(to + sizeof head + fixed_bytes, tail, tail_bytes);
    memset(to + body_bytes, 0, bytes - body_bytes);
    if (sink->is_digest)
        add_hash(&sink->digest, to, bytes);
}

u32 dump_take(struct dump_sink *sink, u8 *to, u32 capacity)
{
    MUST(!sink->is_digest);
    u32 written = 0;
    while (sink->first != NULL) { /* ends: each turn takes a record, drops a block or leaves */
        struct dump_block *block = sink->first;
        if (block->taken == block->used) {
            drop_first(sink);
            continue;
        }
        struct dump_head head;
        memcpy(&head, block->bytes + block->taken, sizeof head);
        MUST(head.bytes >= sizeof head && head.bytes <= block->used - block->taken);
        if (head.bytes > capacity - written)
            break;
        memcpy(to + written, block->bytes + block->taken, head.bytes);
        block->taken += head.bytes;
        written += head.bytes;
    }
    return written;
}

const char *dump_next(const u8 *chunk, u32 bytes, u32 *offset, struct dump_view *view)
{
    struct dump_head head;
    MUST(*offset <= bytes);
    if (bytes - *offset < sizeof head)
        return "a chunk ends inside a record's head";
    memcpy(&head, chunk + *offset, sizeof head);
    if (head.bytes < sizeof head || head.bytes % 8 != 0 || head.bytes > DUMP_RECORD_BYTES_MAX)
        return "a record has a length that cannot be";
    if (head.bytes > bytes - *offset)
        return "a chunk ends inside a record";
    if (head.zero != 0)
        return "a reserved field is not zero";
    view->kind = (enum dump_kind)head.kind;
    view->body = chunk + *offset + sizeof head;
    view->body_bytes = head.bytes - (u32)sizeof head;
    *offset += head.bytes;
    return NULL;
}
