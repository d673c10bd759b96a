/* facet_cell: the cells of a histogram, and how they are joined to bars with round borders.
 *
 *      cell       0 .. 99          the number itself
 *                 100 + 90 d + n   (10 + n) x 10^(d + 1) and what follows up to the next such number
 *      negative   -1 - cell of -1 - number: the borders are the same, mirrored
 *
 *      level 0    the cells
 *            1    0, 5, 10, 15 ... 95, 100, 150 ...      five (fifty, ...) at a time
 *            2    0, 10, 20 ... 90, 100, 200 ...
 *            3    0, 10, 20, 50, 100, 200 ...
 *            4    0, 10, 100, 1000 ...
 *            5    negative, 0 and more
 *            6    everything
 *
 * Each level's borders are among those of the level before, so cells that were counted can be joined to
 * bars later, when all shards' least and greatest number are known.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_FACET_CELL_H
#define SOUK_SHARDS_SEARCH_FACET_CELL_H

#include "proto/base.h"

#define FACET_CELLS  1630 /* of numbers that are not negative: 100 + 17 x 90 */
#define FACET_LEVELS 7u

/* From -FACET_CELLS to FACET_CELLS - 1. */
i32 facet_cell(i64 number);
/* The first cell of the bar that a cell is in. */
i32 facet_cell_bar(i32 cell, u32 level);
/* The least number of a cell: its border. */
i64 facet_cell_border(i32 cell);

/* The first level at which at most `bars` (at least 1) bars lie between two cells. */
u32 facet_cell_level(i32 least, i32 greatest, u32 bars);
/* The first cell of the bar after the one that `cell` is in, or INT32_MAX. */
i32 facet_cell_next(i32 cell, u32 level);

#endif
