/* facet_run: counting on a shard; see facet.h and facet_run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/facet_run.h"

#include <string.h>

#define ARRAY_MAX     (1u << 17) /* ordinals counted in an array */
#define RATING_SLOTS  501u
#define PERCENT_SLOTS ((u32)PERCENT_MAX + 1)

/* ---- begin ------------------------------------------------------------------------------------- */

static bool begin_ordinals(struct facet_run *run, struct facet_count *count, u32 field)
{
    const bool is_category = field == COLUMN_FIELD_CATEGORY;
    count->field = field;
    count->end = field == 0    ? 0
                 : is_category ? run->columns->tree.node_end
                               : column_field_at(&run->columns->fields, field)->value_end;
    count->mode = count->end <= ARRAY_MAX || is_category ? COUNT_ARRAY : COUNT_HASH;
    if (count->mode == COUNT_HASH) {
        count->end = FACET_HASH_SLOTS;
        count->keys = bump_acquire_zeroed(run->bump, FACET_HASH_SLOTS * sizeof(u32));
        if (count->keys == NULL)
            return false;
    }
    const size_t bytes = (size_t)count->end * sizeof(u32) + 1;
    if (bytes > STORE_CHUNK_BYTES)
        return false;
    count->counts = bump_acquire_zeroed(run->bump, bytes);
    if (count->mode == COUNT_ARRAY && count->end <= FACET_LANES_END) {
        count->lanes = bump_acquire_zeroed(run->bump, FACET_LANES * count->end * sizeof(u32) + 1);
        if (count->lanes == NULL)
            return false;
    }
    return count->counts != NULL;
}

static bool begin_numbers(struct facet_run *run, struct facet_count *count, enum filter_field field)
{
    count->bit = COLUMN_BIT_COUNT;
    count->mode = COUNT_CELLS;
    count->end = run->facets->bars == 0 ? FACET_NO_CELLS : FACET_CELL_SLOTS;
    if (field == FILTER_FIELD_PRICE) {
        count->column = COLUMN_PRICE;
        count->cells = COLUMN_PRICE_CELL;
        count->bit = COLUMN_BIT_PRICED;
    } else if (field == FILTER_FIELD_POPULARITY) {
        count->column = COLUMN_POPULARITY;
        count->cells = COLUMN_POPULARITY_CELL;
    } else {
        const bool is_rating = field == FILTER_FIELD_RATING;
        MUST(is_rating || field == FILTER_FIELD_DISCOUNT);
        count->mode = COUNT_NUMBERS;
        count->column = is_rating ? COLUMN_RATING : COLUMN_DISCOUNT;
        count->bit = is_rating ? COLUMN_BIT_RATED : COLUMN_BIT_COUNT;
        count->end = is_rating ? RATING_SLOTS : PERCENT_SLOTS;
    }
    count->counts = bump_acquire_zeroed(run->bump, count->end * sizeof(u32) + 1);
    return count->counts != NULL;
}

static bool begin_facet(struct facet_run *run, u32 facet)
{
    const struct facet *record = &run->facets->items[facet];
    struct facet_count *count = &run->counts[facet];
    count->least = INT64_MAX;
    count->greatest = INT64_MIN;
    switch ((enum filter_field)record->field) {
    case FILTER_FIELD_ATTRIBUTE:
        MUST(record->type != 0); /* facet_judge has seen it */
        return begin_ordinals(
            run, count, column_field_find(&run->columns->fields, facet_name(run->facets, facet)));
    case FILTER_FIELD_CATEGORY: return begin_ordinals(run, count, COLUMN_FIELD_CATEGORY);
    case FILTER_FIELD_BRAND: return begin_ordinals(run, count, COLUMN_FIELD_BRAND);
    case FILTER_FIELD_PRICE:
    case FILTER_FIELD_RATING:
    case FILTER_FIELD_POPULARITY:
    case FILTER_FIELD_DISCOUNT: return begin_numbers(run, count, (enum filter_field)record->field);
    case FILTER_FIELD_IN_STOCK:
    case FILTER_FIELD_BUYABLE:
        count->mode = COUNT_TRUTH;
        count->end = COLUMN_TRUTH_NO + 1;
        count->counts = bump_acquire_zeroed(run->bump, count->end * sizeof(u32));
        return count->counts != NULL;
    case FILTER_FIELD_CODE:
    case FILTER_FIELD_COUNT: break;
    }
    PANIC("there is no such facet");
}

struct facet_run *facet_begin(const struct facets *facets, const struct columns *columns,
                              u64 now_ns, struct bump *bump)
{
    struct facet_run *run = bump_acquire_zeroed(bump, sizeof *run);
    if (run == NULL)
        return NULL;
    run->facets = facets;
    run->columns = columns;
    run->bump = bump;
    run->now_ns = now_ns;
    run->doc_end = columns->doc_end;
    run->positions = bump_acquire(bump, WINDOW_POSITIONS_ROOM * sizeof *run->positions);
    if (run->positions == NULL)
        return NULL;
    for (u32 facet = 0; facet < facets->count; facet++) {
        if (!begin_facet(run, facet))
            return NULL;
    }
    return run;
}

/* ---- windows ------------------------------------------------------------------------------------- */

/* Documents that came later have ordinals that came later. */
static void keep_known(const struct facet_run *run, u32 window, const struct window_bits *bits,
                       struct window_bits *known)
{
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        const u64 first = (u64)window * WINDOW_DOCS + word * 64;
        const u64 left = first >= run->doc_end ? 0 : run->doc_end - first;
        known->words[word] =
            left >= 64 ? bits->words[word] : bits->words[word] & ((1ull << left) - 1);
    }
}

/* Where the values of a window are is one far look for each facet, whatever the window has of them. */
static void fetch_ahead(const struct facet_run *run, u32 window)
{
    for (u32 facet = 0; facet < run->facets->count; facet++) {
        const u32 field = run->counts[facet].field;
        const struct column_block *block =
            field != 0 ? column_block_at(column_field_at(&run->columns->fields, field), window)
                       : NULL;
        if (block != NULL)
            store_prefetch(&block->narrow);
    }
}

bool facet_window(struct facet_run *run, u32 window, const struct window_bits *of_facets)
{
    const struct columns *columns = run->columns;
    struct window_bits known;
    if (window >= columns->window_capacity || columns->windows[window] == NULL)
        return true;
    const bool is_known = ((u64)window + 1) * WINDOW_DOCS <= run->doc_end;
    for (u32 facet = 0; facet < run->facets->count && !run->is_too_many; facet++) {
        if (!is_known)
            keep_known(run, window, &of_facets[facet], &known);
        const struct window_bits *bits = is_known ? &of_facets[facet] : &known;
        if (facet == 0 || memcmp(&of_facets[facet], &of_facets[facet - 1], sizeof *bits) != 0)
            run->has_list = false;
        if (!facet_count_window(run, facet, window, bits))
            run->is_too_many = true;
    }
    fetch_ahead(run, window + 1);
    return !run->is_too_many;
}
