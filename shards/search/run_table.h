/* run_table: the documents of a slot of several words, each with the greatest impact of its words there: as
 * tables of frequent words are (dense.h), but for this question alone.
 *
 * Frequent words are merged first, whole windows at a time, then the others, posting by posting. Then it
 * can be asked for a document, or walked in order.
 *
 * Ownership  the part's bump.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_RUN_TABLE_H
#define SOUK_SHARDS_SEARCH_RUN_TABLE_H

#include "shards/search/column_bits.h"
#include "shards/search/dense.h"
#include "shards/search/score.h"
#include "shards/store/bump.h"

/* Windows for the documents before `end`, without any; NULL: no memory. */
struct dense_window *run_table_make(struct bump *bump, u32 end);

/* A frequent word's window; before run_table_raise there, and if it is the first, `is_first`. */
void run_table_merge(struct dense_window *to, const struct dense_window *word, u16 factor,
                     bool is_first);

/* What a word adds to its slot. */
static inline u8 run_slot_impact(u32 factor, u32 impact)
{
    const u32 value = factor * impact / SCORE_FACTOR_ONE;
    return value == 0 ? 1 : (u8)value;
}

static inline void run_table_raise(struct dense_window *windows, u32 doc, u8 impact)
{
    struct dense_window *window = &windows[doc / WINDOW_DOCS];
    const u32 at = doc % WINDOW_DOCS;
    const u64 bit = 1ull << at % 64;
    const u64 before = window->bits[at / 64];
    window->bits[at / 64] = before | bit;
    window->impacts[at] = (before & bit) == 0 ? impact : MAX(window->impacts[at], impact);
}

#endif
