/* cart_lines: the lines of a cart, in one block of the arena.
 *
 *      [row 0][row 1] ... [row capacity - 1]            up to CART_PLAIN_LINES: a key is found by looking
 *      [row 0] ... [row capacity - 1][index of u16]     beyond: by a hash table, 2 to 4 slots per line
 *
 * Rows are struct row_cart_line, in the order in which they were added, so that a read and a message
 * copy them as they are. A block grows by the classes of the arena, a third or a half each time.
 *
 *      lines     1    2    4    5    8   10   16   21   32 |  36   54 ... 1755  2000
 *      bytes    48   96  192  256  384  512  768 1024 1536 | 2048 3072 ... 98304 131072
 *
 * An index slot is 0 or the number of a line + 1; collisions go to the next slot. Removing lines makes
 * the index anew: the rows move anyway.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CART_CART_LINES_H
#define SOUK_SHARDS_CART_CART_LINES_H

#include "shards/cart/cart.h"

#define CART_PLAIN_LINES     32u
#define CART_LINE_NONE       UINT32_MAX
#define CART_BLOCK_BYTES_MAX (128u << 10) /* of a cart of CART_LINES_MAX lines */

static inline struct row_cart_line *cart_lines(const struct cart *cart)
{
    return (struct row_cart_line *)(void *)cart->block;
}

/* The number of the line of a key, or CART_LINE_NONE. */
u32 cart_line_find_indexed(const struct cart *cart, u64 sku_id, u64 options);
static inline u32 cart_line_find(const struct cart *cart, u64 sku_id, u64 options)
{
    const struct row_cart_line *lines = cart_lines(cart);
    if (UNLIKELY(cart->line_count > CART_PLAIN_LINES))
        return cart_line_find_indexed(cart, sku_id, options);
    for (u32 i = 0; i < cart->line_count; i++)
        if (((lines[i].sku_id ^ sku_id) | (lines[i].options ^ options)) == 0)
            return i;
    return CART_LINE_NONE;
}

/* Adds a line at the end; there is none of its key, and there is room for one more. */
void cart_line_append(struct cart_room *room, struct cart *cart, const struct row_cart_line *line);

/* Removes all lines whose quantity has been set to 0. */
void cart_lines_sweep(struct cart_room *room, struct cart *cart);

/* Removes all. */
void cart_lines_release(struct cart_room *room, struct cart *cart);

/* For a load: so many lines, all zero; then, when they have been filled in, their index. */
void cart_lines_restore(struct cart_room *room, struct cart *cart, u32 count);
void cart_lines_index(struct cart *cart);

/* Walks the lines: keys are found where they are, quantities are in their range. */
bool cart_lines_valid(const struct cart *cart);

#endif
