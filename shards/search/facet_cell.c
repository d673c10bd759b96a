/* facet_cell: see facet_cell.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/facet_cell.h"

#define FIRST_JOINED 100 /* cells of two digits and zeros begin here */
#define PER_DECADE   90

static i32 cell_of(u64 number)
{
    i32 first = FIRST_JOINED;
    if (number < FIRST_JOINED)
        return (i32)number;
    for (number /= 10; number >= 100; number /= 10) /* ends: it gets shorter */
        first += PER_DECADE;
    return first + (i32)number - 10;
}

i32 facet_cell(i64 number)
{
    const i32 cell = number >= 0 ? cell_of((u64)number) : -1 - cell_of((u64)(-1 - number));
    MUST(cell >= -FACET_CELLS && cell < FACET_CELLS);
    return cell;
}

static u64 border_of(i32 cell)
{
    if (cell < FIRST_JOINED)
        return (u64)cell;
    u64 border = (u64)((cell - FIRST_JOINED) % PER_DECADE + 10) * 10;
    for (i32 decade = (cell - FIRST_JOINED) / PER_DECADE; decade > 0; decade--)
        border *= 10;
    return border;
}

i64 facet_cell_border(i32 cell)
{
    MUST(cell >= -FACET_CELLS && cell < FACET_CELLS);
    if (cell >= 0)
        return (i64)MIN(border_of(cell), (u64)INT64_MAX);
    /* The cell -1 - c is of the numbers from -(border of the one after c) on. */
    const u64 border = border_of(-cell);
    return border > (u64)INT64_MAX ? INT64_MIN : -(i64)border;
}

/* Two digits, 10 to 99, to the first of their bar. */
static i32 join_digits(i32 digits, u32 level)
{
    const i32 tens = digits / 10 * 10;
    switch (level) {
    case 0: return digits;
    case 1: return digits / 5 * 5;
    case 2: return tens;
    case 3: return tens >= 50 ? 50 : tens >= 20 ? 20 : 10;
    default: return 10;
    }
}

static i32 bar_of(i32 cell, u32 level)
{
    if (level >= 5)
        return 0;
    if (cell < 10)
        return level == 0 ? cell : level == 1 ? cell / 5 * 5 : 0;
    if (cell < FIRST_JOINED)
        return join_digits(cell, level);
    const i32 digits = (cell - FIRST_JOINED) % PER_DECADE + 10;
    return cell - digits + join_digits(digits, level);
}

/* The first cell, not negative, after the bar of `cell`. */
static i32 after(i32 cell, u32 level)
{
    const i32 bar = bar_of(cell, level);
    while (cell < FACET_CELLS && bar_of(cell, level) == bar) /* ends: cell grows */
        cell++;
    return cell;
}

i32 facet_cell_bar(i32 cell, u32 level)
{
    MUST(cell >= -FACET_CELLS && cell < FACET_CELLS);
    MUST(level < FACET_LEVELS);
    if (level == 6)
        return -FACET_CELLS;
    return cell >= 0 ? bar_of(cell, level) : -after(-1 - cell, level);
}

i32 facet_cell_next(i32 cell, u32 level)
{
    MUST(cell >= -FACET_CELLS && cell < FACET_CELLS);
    i32 next = INT32_MAX;
    if (level != 6)
        next = cell >= 0 ? after(cell, level) : -bar_of(-1 - cell, level);
    return next >= FACET_CELLS ? INT32_MAX : next;
}

u32 facet_cell_level(i32 least, i32 greatest, u32 bars)
{
    MUST(least <= greatest && bars > 0);
    for (u32 level = 0; level + 1 < FACET_LEVELS; level++) {
        u32 count = 0;
        for (i32 cell = least; cell <= greatest && count <= bars; count++) /* ends: cell grows */
            cell = facet_cell_next(cell, level);
        if (count <= bars)
            return level;
    }
    return FACET_LEVELS - 1;
}
