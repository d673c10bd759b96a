/* cart_lines: see shards/cart/cart_lines.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/cart/cart_lines.h"

#include <string.h>

#define LINE_BYTES         ((u32)sizeof(struct row_cart_line))
#define INDEXED_LINE_BYTES 56u   /* with its part of the index */
#define INDEX_SLOTS_MAX    4096u /* twice as many as the most lines */

STATIC_CHECK(sizeof(struct row_cart_line) == 48);
STATIC_CHECK(CART_LINES_MAX *INDEXED_LINE_BYTES <= CART_BLOCK_BYTES_MAX);
STATIC_CHECK(INDEX_SLOTS_MAX >= 2 * CART_LINES_MAX);

/* Lines that a block of a class has room for. */
static u32 capacity_of(u8 block_class)
{
    const u32 bytes = arena_class_bytes(block_class);
    const u32 plain = bytes / LINE_BYTES;
    return plain <= CART_PLAIN_LINES ? plain : MIN(bytes / INDEXED_LINE_BYTES, CART_LINES_MAX);
}

/* The smallest class with room for so many. */
static u8 class_for(u32 count)
{
    MUST(count >= 1 && count <= CART_LINES_MAX);
    u32 block_class = arena_class_of((size_t)count * LINE_BYTES);
    while (capacity_of((u8)block_class) < count) /* ends: one class larger each time */
        block_class++;
    MUST(arena_class_bytes(block_class) <= CART_BLOCK_BYTES_MAX);
    return (u8)block_class;
}

/* The index of a block that has one. */
struct line_index {
    u16 *slots;
    u32 mask;
};

static struct line_index index_of(const struct cart *cart)
{
    const u32 capacity = capacity_of(cart->block_class);
    const u32 free_bytes = arena_class_bytes(cart->block_class) - capacity * LINE_BYTES;
    const u32 floor = 1u << (31 - (u32)__builtin_clz(free_bytes / (u32)sizeof(u16)));
    MUST(capacity > CART_PLAIN_LINES);
    MUST(floor >= 2 * capacity || floor >= INDEX_SLOTS_MAX);
    return (struct line_index){
        .slots = (u16 *)(void *)(cart->block + (size_t)capacity * LINE_BYTES),
        .mask = MIN(floor, INDEX_SLOTS_MAX) - 1,
    };
}

static u32 slot_of(const struct line_index *index, u64 sku_id, u64 options)
{
    const u64 mixed = (sku_id ^ options * 0x9E3779B97F4A7C15ull) * 0xD6E8FEB86659FD93ull;
    return (u32)(mixed >> 40) & index->mask;
}

u32 cart_line_find_indexed(const struct cart *cart, u64 sku_id, u64 options)
{
    const struct row_cart_line *lines = cart_lines(cart);
    const struct line_index index = index_of(cart);
    u32 slot = slot_of(&index, sku_id, options);
    while (index.slots[slot] != 0) { /* ends: at most half of the slots are in use */
        const u32 line = index.slots[slot] - 1u;
        if (lines[line].sku_id == sku_id && lines[line].options == options)
            return line;
        slot = (slot + 1) & index.mask;
    }
    return CART_LINE_NONE;
}

static void index_add(const struct cart *cart, const struct line_index *index, u32 line)
{
    const struct row_cart_line *row = &cart_lines(cart)[line];
    u32 slot = slot_of(index, row->sku_id, row->options);
    while (index->slots[slot] != 0) /* ends: at most half of the slots are in use */
        slot = (slot + 1) & index->mask;
    index->slots[slot] = (u16)(line + 1);
}

void cart_lines_index(struct cart *cart)
{
    if (cart->block == NULL || capacity_of(cart->block_class) <= CART_PLAIN_LINES)
        return;
    const struct line_index index = index_of(cart);
    memset(index.slots, 0, (index.mask + 1) * sizeof *index.slots);
    for (u32 i = 0; i < cart->line_count; i++)
        index_add(cart, &index, i);
}

static u8 *block_acquire(struct cart_room *room, u8 block_class)
{
    const u32 bytes = arena_class_bytes(block_class);
    room->counts.block_bytes += bytes;
    return arena_acquire(room->arena, bytes);
}

static void block_release(struct cart_room *room, struct cart *cart)
{
    const u32 bytes = arena_class_bytes(cart->block_class);
    MUST(room->counts.block_bytes >= bytes);
    room->counts.block_bytes -= bytes;
    ARENA_RELEASE(room->arena, cart->block, bytes);
}

/* The same lines in a block of another class. */
static void move_to(struct cart_room *room, struct cart *cart, u8 block_class)
{
    u8 *block = block_acquire(room, block_class);
    MUST(cart->line_count <= capacity_of(block_class));
    if (cart->line_count != 0)
        memcpy(block, cart->block, (size_t)cart->line_count * LINE_BYTES);
    if (cart->block != NULL)
        block_release(room, cart);
    cart->block = block;
    cart->block_class = block_class;
    cart_lines_index(cart);
}

void cart_line_append(struct cart_room *room, struct cart *cart, const struct row_cart_line *line)
{
    MUST(cart->line_count < CART_LINES_MAX);
    MUST(line->sku_id != 0);
    MUST(line->quantity >= 1 && line->quantity <= QUANTITY_MAX);
    if (cart->block == NULL || cart->line_count == capacity_of(cart->block_class))
        move_to(room, cart, class_for(cart->line_count + 1u));
    cart_lines(cart)[cart->line_count] = *line;
    cart->line_count++;
    room->counts.lines++;
    if (UNLIKELY(capacity_of(cart->block_class) > CART_PLAIN_LINES)) {
        const struct line_index index = index_of(cart);
        index_add(cart, &index, cart->line_count - 1u);
    }
}

void cart_lines_sweep(struct cart_room *room, struct cart *cart)
{
    struct row_cart_line *lines = cart_lines(cart);
    u32 kept = 0;
    for (u32 i = 0; i < cart->line_count; i++) {
        if (lines[i].quantity == 0)
            continue;
        if (kept != i)
            lines[kept] = lines[i];
        kept++;
    }
    if (kept == cart->line_count)
        return;
    room->counts.lines -= cart->line_count - kept;
    cart->line_count = (u16)kept;
    if (kept == 0)
        block_release(room, cart);
    else if (capacity_of(cart->block_class) >= 4 * kept && class_for(2 * kept) < cart->block_class)
        move_to(room, cart, class_for(2 * kept)); /* room to grow again */
    else
        cart_lines_index(cart);
}

void cart_lines_release(struct cart_room *room, struct cart *cart)
{
    MUST(room->counts.lines >= cart->line_count);
    room->counts.lines -= cart->line_count;
    cart->line_count = 0;
    if (cart->block != NULL)
        block_release(room, cart);
}

void cart_lines_restore(struct cart_room *room, struct cart *cart, u32 count)
{
    MUST(cart->block == NULL && cart->line_count == 0);
    cart->block_class = class_for(count);
    cart->block = block_acquire(room, cart->block_class);
    memset(cart->block, 0, arena_class_bytes(cart->block_class));
    cart->line_count = (u16)count;
    room->counts.lines += count;
}

bool cart_lines_valid(const struct cart *cart)
{
    const struct row_cart_line *lines = cart_lines(cart);
    if ((cart->block != NULL) != (cart->line_count != 0))
        return false;
    if (cart->block != NULL && cart->line_count > capacity_of(cart->block_class))
        return false;
    for (u32 i = 0; i < cart->line_count; i++)
        if (lines[i].sku_id == 0 || lines[i].quantity < 1 || lines[i].quantity > QUANTITY_MAX ||
            lines[i].saved > 1 || lines[i].zero0 != 0 ||
            cart_line_find(cart, lines[i].sku_id, lines[i].options) != i)
            return false;
    return true;
}
