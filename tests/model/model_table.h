/* model_table: the plainest table that can be copied whole.
 *
 * Items of one size live in chunks, so their addresses do not move while the table grows; a chained
 * hash over their 32-byte keys finds them. Each item begins with a struct model_item. Removed places
 * are used again. Everything is an index, so a copy of the chunks is a copy of the table.
 *
 * Ownership  the table owns its items. Out of memory ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_MODEL_TABLE_H
#define SOUK_TESTS_MODEL_TABLE_H

#include "proto/base.h"
#include "proto/id.h"

#define MODEL_NONE UINT32_MAX

struct model_key {
    u64 words[4];
};

/* The beginning of every item. */
struct model_item {
    struct model_key key;
    u32 next; /* in the chain, or of the free places */
    u32 index;
    bool is_used;
};

struct model_table {
    size_t item_bytes;
    u8 **chunks;
    u32 chunk_count;
    u32 end;       /* places ever used */
    u32 count;     /* items */
    u32 free_head; /* places to use again */
    u32 *heads;
    u32 head_count; /* a power of two */
};

static inline struct model_key model_key_resource(struct resource key)
{
    const u64 rest = key.tenant | (u64)key.kind << 32 | (u64)key.location << 48;
    return (struct model_key){{key.id, rest, 0, 0}};
}

static inline struct model_key model_key_grant(struct resource key, struct id128 id)
{
    struct model_key both = model_key_resource(key);
    both.words[2] = id.low;
    both.words[3] = id.high;
    return both;
}

static inline struct model_key model_key_session(struct id128 id, u64 seq)
{
    return (struct model_key){{id.low, id.high, seq, 0}};
}

static inline struct model_key model_key_product(u64 id)
{
    return (struct model_key){{id, 0, 0, 0}};
}

void model_table_init(struct model_table *table, size_t item_bytes);
void model_table_deinit(struct model_table *table);
void model_table_copy(struct model_table *to, const struct model_table *from);

/* The item of a key, or NULL. */
void *model_table_find(const struct model_table *table, struct model_key key);
/* A new item, zero but for its struct model_item. The key must not be there yet. */
void *model_table_add(struct model_table *table, struct model_key key);
void model_table_remove(struct model_table *table, void *item);
/* The item at place `index` below table->end, or NULL where there is none. */
void *model_table_at(const struct model_table *table, u32 index);

#endif
