/* model_table: see model_table.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/model_table.h"

#include <stdlib.h>
#include <string.h>

#include "proto/checksum.h"

#define CHUNK_ITEMS 64u

static void *take_memory(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL)
        PANIC("out of memory");
    return memory;
}

static struct model_item *place_at(const struct model_table *table, u32 index)
{
    u8 *chunk = table->chunks[index / CHUNK_ITEMS];
    return (struct model_item *)(void *)(chunk + (index % CHUNK_ITEMS) * table->item_bytes);
}

static u32 *head_of(const struct model_table *table, struct model_key key)
{
    return &table->heads[checksum64(&key, sizeof key) & (table->head_count - 1)];
}

void model_table_init(struct model_table *table, size_t item_bytes)
{
    MUST(item_bytes >= sizeof(struct model_item));
    *table = (struct model_table){
        .item_bytes = ROUND_UP(item_bytes, 8u), .free_head = MODEL_NONE, .head_count = 64};
    table->heads = take_memory(NULL, table->head_count * sizeof(u32));
    memset(table->heads, 0xFF, table->head_count * sizeof(u32));
}

void model_table_deinit(struct model_table *table)
{
    for (u32 i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    free(table->chunks);
    free(table->heads);
    *table = (struct model_table){0};
}

void model_table_copy(struct model_table *to, const struct model_table *from)
{
    *to = *from;
    to->heads = take_memory(NULL, from->head_count * sizeof(u32));
    memcpy(to->heads, from->heads, from->head_count * sizeof(u32));
    to->chunks = take_memory(NULL, (from->chunk_count + 1) * sizeof(u8 *));
    for (u32 i = 0; i < from->chunk_count; i++) {
        to->chunks[i] = take_memory(NULL, CHUNK_ITEMS * from->item_bytes);
        memcpy(to->chunks[i], from->chunks[i], CHUNK_ITEMS * from->item_bytes);
    }
}

void *model_table_find(const struct model_table *table, struct model_key key)
{
    u32 index = *head_of(table, key);
    while (index != MODEL_NONE) {
        struct model_item *item = place_at(table, index);
        if (memcmp(&item->key, &key, sizeof key) == 0)
            return item;
        index = item->next;
    }
    return NULL;
}

static void grow_heads(struct model_table *table)
{
    table->head_count *= 2;
    table->heads = take_memory(table->heads, table->head_count * sizeof(u32));
    memset(table->heads, 0xFF, table->head_count * sizeof(u32));
    for (u32 i = 0; i < table->end; i++) {
        struct model_item *item = place_at(table, i);
        if (!item->is_used)
            continue;
        u32 *head = head_of(table, item->key);
        item->next = *head;
        *head = i;
    }
}

static u32 take_place(struct model_table *table)
{
    if (table->free_head != MODEL_NONE) {
        const u32 index = table->free_head;
        table->free_head = place_at(table, index)->next;
        return index;
    }
    if (table->end == table->chunk_count * CHUNK_ITEMS) {
        table->chunks = take_memory(table->chunks, (table->chunk_count + 1) * sizeof(u8 *));
        u8 *chunk = take_memory(NULL, CHUNK_ITEMS * table->item_bytes);
        memset(chunk, 0, CHUNK_ITEMS * table->item_bytes);
        table->chunks[table->chunk_count++] = chunk;
    }
    return table->end++;
}

void *model_table_add(struct model_table *table, struct model_key key)
{
    MUST(model_table_find(table, key) == NULL);
    const u32 index = take_place(table);
    struct model_item *item = place_at(table, index);
    memset(item, 0, table->item_bytes);
    u32 *head = head_of(table, key);
    *item = (struct model_item){.key = key, .next = *head, .index = index, .is_used = true};
    *head = index;
    table->count++;
    if (table->count > 2 * table->head_count)
        grow_heads(table);
    return item;
}

void model_table_remove(struct model_table *table, void *removed)
{
    struct model_item *item = removed;
    MUST(item->is_used);
    u32 *link = head_of(table, item->key);
    while (*link != item->index) {
        MUST(*link != MODEL_NONE);
        link = &place_at(table, *link)->next;
    }
    *link = item->next;
    item->is_used = false;
    item->next = table->free_head;
    table->free_head = item->index;
    table->count--;
}

void *model_table_at(const struct model_table *table, u32 index)
{
    MUST(index < table->end);
    struct model_item *item = place_at(table, index);
    return item->is_used ? item : NULL;
}
