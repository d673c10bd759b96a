/* facet_count: the loops that count; see facet_run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/facet_run.h"

#include <string.h>

/* Writes out the positions of the matches, unless that was done for a facet with the same ones. */
static bool has_list(struct facet_run *run, const struct window_bits *bits)
{
    if (!run->has_list)
        run->position_count = window_positions(run->columns->is_fast, bits, run->positions);
    run->has_list = true;
    return run->position_count != FACET_MANY;
}

/* ---- tables of very many values ------------------------------------------------------------------ */

/* 0 when the table is too full. */
static u32 *hash_slot(struct facet_count *count, u32 ordinal)
{
    u32 slot = ordinal * 0x9E3779B1u >> 16;
    while (count->keys[slot] != 0 && count->keys[slot] != ordinal) /* ends: it is never full */
        slot = (slot + 1) % FACET_HASH_SLOTS;
    if (count->keys[slot] == 0) {
        if (count->distinct == FACET_KEYS_MAX)
            return NULL;
        count->distinct++;
        count->keys[slot] = ordinal;
    }
    return &count->counts[slot];
}

static bool count_hash(struct facet_count *count, u32 ordinal)
{
    u32 *slot = hash_slot(count, ordinal);
    if (slot == NULL)
        return false;
    ++*slot;
    return true;
}

/* Very many values; false: too many. */
static bool count_entry(struct facet_count *count, const u32 *lists, u32 entry)
{
    if ((entry & COLUMN_LIST) == 0)
        return count_hash(count, entry);
    const u32 *list = lists + (entry & ~COLUMN_LIST);
    for (u32 i = 1; i <= list[0]; i++) {
        if (!count_hash(count, list[i]))
            return false;
    }
    return true;
}

static bool count_block_hash(struct facet_count *count, const struct column_block *block,
                             const struct window_bits *bits)
{
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        u64 left = bits->words[word] & block->present.words[word];
        for (; left != 0; left &= left - 1) {
            const u32 at = word * 64 + (u32)__builtin_ctzll(left);
            if (!count_entry(count, block->lists, column_block_entry(block, at)))
                return false;
        }
    }
    return true;
}

/* ---- ordinals -------------------------------------------------------------------------------------- */

static void count_list(u32 *counts, const u32 *list)
{
    for (u32 i = 1; i <= list[0]; i++)
        counts[list[i]]++;
}

COLUMN_BODY void count_one(u32 *counts, const struct column_block *block, bool has_lists, u32 entry)
{
    if (has_lists && (entry & COLUMN_LIST) != 0)
        count_list(counts, block->lists + (entry & ~COLUMN_LIST));
    else
        counts[entry]++;
}

COLUMN_BODY void count_block(u32 *counts, const struct column_block *block,
                             const struct window_bits *bits, bool is_fast)
{
    u32 scratch[64];
    const bool has_lists = block->list_used != 0;
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        const u64 mask = bits->words[word] & block->present.words[word];
        if (mask == 0)
            continue;
        const u32 *entries = column_block_entries(block, word, mask, is_fast, scratch);
        const u32 count = bits_count_by(is_fast, mask);
        for (u32 i = 0; i < count; i++)
            count_one(counts, block, has_lists, entries[i]);
    }
}

COLUMN_FAST static void count_block_fast(u32 *counts, const struct column_block *block,
                                         const struct window_bits *bits)
{
    count_block(counts, block, bits, true);
}

static void count_block_plain(u32 *counts, const struct column_block *block,
                              const struct window_bits *bits)
{
    count_block(counts, block, bits, false);
}

/* Absent documents of a dense block count for ordinal 0, which nobody looks at. */
COLUMN_FAST static void count_list_dense(u32 *counts, const struct column_block *block,
                                         const u16 *positions, u32 count)
{
    const bool has_lists = block->list_used != 0;
    for (u32 i = 0; i < count && has_lists; i++)
        count_one(counts, block, true, column_block_entry(block, positions[i]));
    for (u32 i = 0; i < count && !has_lists && block->narrow != NULL; i++)
        counts[block->narrow[positions[i]]]++;
    for (u32 i = 0; i < count && !has_lists && block->narrow == NULL; i++)
        counts[block->ordinals[positions[i]]]++;
}

/* The same for few values, none of them in lists. */
COLUMN_FAST static void count_list_few(const struct facet_count *count, const u16 *ordinals,
                                       const u16 *positions, u32 position_count)
{
    u32 *a = count->counts, *b = count->lanes, *c = b + count->end, *d = c + count->end;
    u32 i = 0;
    for (; i + 4 <= position_count; i += 4) {
        a[ordinals[positions[i]]]++;
        b[ordinals[positions[i + 1]]]++;
        c[ordinals[positions[i + 2]]]++;
        d[ordinals[positions[i + 3]]]++;
    }
    for (; i < position_count; i++)
        a[ordinals[positions[i]]]++;
}
STATIC_CHECK(FACET_LANES == 3);

void facet_count_end(struct facet_count *count)
{
    for (u32 i = 0; count->lanes != NULL && i < FACET_LANES * count->end; i++)
        count->counts[i % count->end] += count->lanes[i];
    count->lanes = NULL;
}

static bool count_ordinals(struct facet_run *run, struct facet_count *count, u32 window,
                           const struct window_bits *bits)
{
    if (count->field == 0)
        return true;
    const struct column_field *field = column_field_at(&run->columns->fields, count->field);
    const struct column_block *block = column_block_at(field, window);
    if (block == NULL)
        return true;
    if (count->mode == COUNT_HASH)
        return count_block_hash(count, block, bits);
    const bool is_listed = block->is_dense && has_list(run, bits);
    if (is_listed && count->lanes != NULL && block->list_used == 0 && block->narrow != NULL)
        count_list_few(count, block->narrow, run->positions, run->position_count);
    else if (is_listed)
        count_list_dense(count->counts, block, run->positions, run->position_count);
    else if (run->columns->is_fast)
        count_block_fast(count->counts, block, bits);
    else
        count_block_plain(count->counts, block, bits);
    return true;
}

/* ---- truths ------------------------------------------------------------------------------------------ */

COLUMN_BODY void count_both(u32 *counts, const struct window_bits *yes,
                            const struct window_bits *bits, bool is_fast)
{
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        const u64 known = bits->words[word];
        counts[COLUMN_TRUTH_YES] += bits_count_by(is_fast, known & yes->words[word]);
        counts[COLUMN_TRUTH_NO] += bits_count_by(is_fast, known & ~yes->words[word]);
    }
}

COLUMN_FAST static void count_both_fast(u32 *counts, const struct window_bits *yes,
                                        const struct window_bits *bits)
{
    count_both(counts, yes, bits, true);
}

static void count_truth(const struct facet_run *run, struct facet_count *count, bool is_buyable,
                        u32 window, const struct window_bits *bits)
{
    struct window_bits buyable;
    const struct window_bits *yes = &run->columns->windows[window]->bits[COLUMN_BIT_IN_STOCK];
    if (is_buyable) {
        columns_buyable(run->columns, window, run->now_ns, bits, &buyable);
        yes = &buyable;
    }
    if (run->columns->is_fast)
        count_both_fast(count->counts, yes, bits);
    else
        count_both(count->counts, yes, bits, false);
}

/* ---- numbers ----------------------------------------------------------------------------------------- */

/* Columns that nobody needed have no array. */
static const struct {
    u64 numbers[WINDOW_DOCS];
} nothing;

static const void *array_of(const struct column_window *window, u32 column)
{
    return window->arrays[column] == NULL ? &nothing : window->arrays[column];
}

/* What a loop over numbers keeps in registers. */
struct number_sums {
    i64 least;
    i64 greatest;
    u64 total;
};

static inline void add_number(struct number_sums *sums, i64 number)
{
    sums->least = MIN(sums->least, number);
    sums->greatest = MAX(sums->greatest, number);
    sums->total++;
}

/* Over the bits of a word, and over a list of positions of which those count that `needed` has. */
#define COUNT_CELLS_OF(type)                                                                       \
    static void count_cells_##type(const type *numbers, const u16 *cells, u32 *counts, u64 left,   \
                                   struct number_sums *sums)                                       \
    {                                                                                              \
        for (; left != 0; left &= left - 1) {                                                      \
            const u32 at = (u32)__builtin_ctzll(left);                                             \
            add_number(sums, (i64)numbers[at]);                                                    \
            if (counts != NULL)                                                                    \
                counts[cells[at]]++;                                                               \
        }                                                                                          \
    }                                                                                              \
    static void count_list_##type(const struct facet_run *run, const type *numbers,                \
                                  const u16 *cells, u32 *counts, const struct window_bits *needed, \
                                  struct number_sums *result)                                      \
    {                                                                                              \
        struct number_sums sums = *result;                                                         \
        for (u32 i = 0; i < run->position_count; i++) {                                            \
            const u32 at = run->positions[i];                                                      \
            if (needed != NULL && !window_has(needed, at))                                         \
                continue;                                                                          \
            add_number(&sums, (i64)numbers[at]);                                                   \
            if (counts != NULL)                                                                    \
                counts[cells[at]]++;                                                               \
        }                                                                                          \
        *result = sums;                                                                            \
    }
COUNT_CELLS_OF(i64)
COUNT_CELLS_OF(u32)

/* What documents need to have a number, or NULL. */
static const struct window_bits *needed_of(const struct column_window *window,
                                           const struct facet_count *count)
{
    return count->bit == COLUMN_BIT_COUNT ? NULL : &window->bits[count->bit];
}

static void count_cells(struct facet_run *run, struct facet_count *count, u32 window,
                        const struct window_bits *bits)
{
    const struct column_window *record = run->columns->windows[window];
    const struct window_bits *needed = needed_of(record, count);
    const void *numbers = array_of(record, count->column);
    const u16 *cells = array_of(record, count->cells);
    const bool is_price = count->column == COLUMN_PRICE, is_list = has_list(run, bits);
    /* None is negative. */
    u32 *counts = count->end == FACET_NO_CELLS ? NULL : count->counts + FACET_CELLS;
    struct number_sums sums = {count->least, count->greatest, count->total};
    if (is_list && is_price)
        count_list_i64(run, numbers, cells, counts, needed, &sums);
    else if (is_list)
        count_list_u32(run, numbers, cells, counts, needed, &sums);
    for (u32 word = 0; word < WINDOW_WORDS && !is_list; word++) {
        const u64 left = bits->words[word] & (needed == NULL ? ~0ull : needed->words[word]);
        const u32 at = word * 64;
        if (is_price)
            count_cells_i64((const i64 *)numbers + at, cells + at, counts, left, &sums);
        else
            count_cells_u32((const u32 *)numbers + at, cells + at, counts, left, &sums);
    }
    count->least = sums.least;
    count->greatest = sums.greatest;
    count->total = sums.total;
}

static void count_numbers(struct facet_run *run, struct facet_count *count, u32 window,
                          const struct window_bits *bits)
{
    const struct column_window *record = run->columns->windows[window];
    const struct window_bits *needed = needed_of(record, count);
    const u16 *numbers = array_of(record, count->column);
    u32 *counts = count->counts;
    const bool is_list = has_list(run, bits);
    for (u32 i = 0; is_list && i < run->position_count; i++) {
        const u32 at = run->positions[i];
        counts[numbers[at]] += needed == NULL || window_has(needed, at);
    }
    for (u32 word = 0; word < WINDOW_WORDS && !is_list; word++) {
        u64 left = bits->words[word] & (needed == NULL ? ~0ull : needed->words[word]);
        for (; left != 0; left &= left - 1)
            counts[numbers[word * 64 + (u32)__builtin_ctzll(left)]]++;
    }
}

bool facet_count_window(struct facet_run *run, u32 facet, u32 window,
                        const struct window_bits *bits)
{
    struct facet_count *count = &run->counts[facet];
    switch ((enum count_mode)count->mode) {
    case COUNT_ARRAY:
    case COUNT_HASH: return count_ordinals(run, count, window, bits);
    case COUNT_TRUTH:
        count_truth(run, count, run->facets->items[facet].field == FILTER_FIELD_BUYABLE, window,
                    bits);
        return true;
    case COUNT_CELLS: count_cells(run, count, window, bits); return true;
    case COUNT_NUMBERS: count_numbers(run, count, window, bits); return true;
    }
    PANIC("a facet is not counted");
}
