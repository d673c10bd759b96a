/* facet_run: counting on a shard; see facet.h.
 *
 * Values are counted by their ordinals in an array, or, where a field has very many, in a hash table.
 * Numbers of attributes too: which number an ordinal stands for is looked up once, at the end. Price and
 * popularity have their cell in a column; rating and discount have few numbers, each with its count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/id.h"
#include "shards/search/facet.h"
#include "shards/search/facet_cell.h"

#define ARRAY_MAX     (1u << 17) /* ordinals counted in an array */
#define HASH_SLOTS    (1u << 16)
#define CELL_SLOTS    (2u * FACET_CELLS)
#define RATING_SLOTS  501u
#define PERCENT_SLOTS ((u32)PERCENT_MAX + 1)
#define NO_CELLS      0u
/* Nanoseconds, about. */
#define WORK_SCAN    1u
#define WORK_COLLECT 20u
#define WORK_SORT    60u

STATIC_CHECK(FACET_KEYS_MAX < HASH_SLOTS);

enum count_mode { COUNT_ARRAY, COUNT_HASH, COUNT_TRUTH, COUNT_CELLS, COUNT_NUMBERS };

/* What is done with the counts at the end, in this order. */
enum finish_phase {
    FINISH_ABOVE,   /* categories: to those above */
    FINISH_MEASURE, /* how many rows there will be */
    FINISH_COLLECT,
    FINISH_SCATTER,
    FINISH_SORT,
    FINISH_DONE
};

struct facet_count {
    u8 mode;
    u8 column; /* of numbers */
    u8 cells;  /* the column of their cells */
    u8 bit;    /* what a document needs, or COLUMN_BIT_COUNT */
    u32 field; /* 0: this shard has no such field */
    u32 end;   /* of the counts */
    u32 distinct;
    u32 *counts;
    u32 *keys; /* of COUNT_HASH: ordinals, 0 = free */
    i64 least;
    i64 greatest;
    u64 total;
    struct facet_row *rows;
    u32 row_count;
};

struct facet_run {
    const struct facets *facets;
    const struct columns *columns;
    struct bump *bump;
    u64 now_ns;
    u32 doc_end; /* documents from here on came later */
    u32 keys;    /* rows of all facets so far */
    bool is_too_many;
    /* finish */
    bool has_begun; /* the phase */
    u32 facet;
    u32 phase;
    u32 at;
    u32 used;
    struct facet_row *scattered;
    u32 *buckets; /* where each begins, while it is filled: where its next row comes */
    u32 bucket_bits;
    struct facet_count counts[FACETS_MAX];
};

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
        count->end = HASH_SLOTS;
        count->keys = bump_acquire_zeroed(run->bump, HASH_SLOTS * sizeof(u32));
        if (count->keys == NULL)
            return false;
    }
    const size_t bytes = (size_t)count->end * sizeof(u32) + 1;
    if (bytes > STORE_CHUNK_BYTES)
        return false;
    count->counts = bump_acquire_zeroed(run->bump, bytes);
    return count->counts != NULL;
}

static bool begin_numbers(struct facet_run *run, struct facet_count *count, enum filter_field field)
{
    count->bit = COLUMN_BIT_COUNT;
    count->mode = COUNT_CELLS;
    count->end = run->facets->bars == 0 ? NO_CELLS : CELL_SLOTS;
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
    for (u32 facet = 0; facet < facets->count; facet++) {
        if (!begin_facet(run, facet))
            return NULL;
    }
    return run;
}

/* ---- count ------------------------------------------------------------------------------------- */

/* 0 when the table is too full. */
static u32 *hash_slot(struct facet_count *count, u32 ordinal)
{
    u32 slot = ordinal * 0x9E3779B1u >> 16;
    while (count->keys[slot] != 0 && count->keys[slot] != ordinal) /* ends: it is never full */
        slot = (slot + 1) % HASH_SLOTS;
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

static void count_list(u32 *counts, const u32 *list)
{
    for (u32 i = 1; i <= list[0]; i++)
        counts[list[i]]++;
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
        for (u32 i = 0; i < count; i++) {
            const u32 entry = entries[i];
            if (has_lists && (entry & COLUMN_LIST) != 0)
                count_list(counts, block->lists + (entry & ~COLUMN_LIST));
            else
                counts[entry]++;
        }
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

static bool count_ordinals(const struct facet_run *run, struct facet_count *count, u32 window,
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
    if (run->columns->is_fast)
        count_block_fast(count->counts, block, bits);
    else
        count_block_plain(count->counts, block, bits);
    return true;
}

static void count_truth(const struct facet_run *run, struct facet_count *count, bool is_buyable,
                        u32 window, const struct window_bits *bits)
{
    struct window_bits yes = run->columns->windows[window]->bits[COLUMN_BIT_IN_STOCK];
    if (is_buyable)
        columns_buyable(run->columns, window, run->now_ns, bits, &yes);
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        const u64 known = bits->words[word];
        count->counts[COLUMN_TRUTH_YES] += bits_count(known & yes.words[word]);
        count->counts[COLUMN_TRUTH_NO] += bits_count(known & ~yes.words[word]);
    }
}

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

#define COUNT_CELLS_OF(type)                                                                  \
    static inline void count_cells_##type(const type *numbers, const u16 *cells, u32 *counts, \
                                          u64 left, struct number_sums *sums)                 \
    {                                                                                         \
        for (; left != 0; left &= left - 1) {                                                 \
            const u32 at = (u32)__builtin_ctzll(left);                                        \
            const i64 number = (i64)numbers[at];                                              \
            sums->least = MIN(sums->least, number);                                           \
            sums->greatest = MAX(sums->greatest, number);                                     \
            sums->total++;                                                                    \
            if (counts != NULL)                                                               \
                counts[cells[at]]++;                                                          \
        }                                                                                     \
    }
COUNT_CELLS_OF(i64)
COUNT_CELLS_OF(u32)

static u64 needed_word(const struct column_window *window, const struct facet_count *count,
                       u32 word, u64 bits)
{
    return count->bit == COLUMN_BIT_COUNT ? bits : bits & window->bits[count->bit].words[word];
}

static void count_cells(const struct facet_run *run, struct facet_count *count, u32 window,
                        const struct window_bits *bits)
{
    const struct column_window *record = run->columns->windows[window];
    const void *numbers = array_of(record, count->column);
    const u16 *cells = array_of(record, count->cells);
    /* None is negative. */
    u32 *counts = count->end == NO_CELLS ? NULL : count->counts + FACET_CELLS;
    struct number_sums sums = {count->least, count->greatest, 0};
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        const u64 left = needed_word(record, count, word, bits->words[word]);
        const u32 at = word * 64;
        if (count->column == COLUMN_PRICE)
            count_cells_i64((const i64 *)numbers + at, cells + at, counts, left, &sums);
        else
            count_cells_u32((const u32 *)numbers + at, cells + at, counts, left, &sums);
    }
    count->least = sums.least;
    count->greatest = sums.greatest;
    count->total += sums.total;
}

static void count_numbers(const struct facet_run *run, struct facet_count *count, u32 window,
                          const struct window_bits *bits)
{
    const struct column_window *record = run->columns->windows[window];
    const u16 *numbers = array_of(record, count->column);
    u32 *counts = count->counts;
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        u64 left = needed_word(record, count, word, bits->words[word]);
        for (; left != 0; left &= left - 1)
            counts[numbers[word * 64 + (u32)__builtin_ctzll(left)]]++;
    }
}

static bool count_facet(struct facet_run *run, u32 facet, u32 window,
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
        if (!count_facet(run, facet, window, is_known ? &of_facets[facet] : &known))
            run->is_too_many = true;
    }
    return !run->is_too_many;
}

/* ---- finish ------------------------------------------------------------------------------------ */

/* Is this the first slice of the phase? */
static bool begin_phase(struct facet_run *run)
{
    const bool is_first = !run->has_begun;
    run->has_begun = true;
    return is_first;
}

/* One category's own matches are matches of all above it. */
static void add_above(const struct facet_run *run, const struct facet_count *count, u32 *sums,
                      u32 node)
{
    const struct column_tree *tree = &run->columns->tree;
    u32 at = node;
    /* A node from `used` on came after the sums were made. */
    for (u32 steps = 0; at != 0 && at < run->used && steps < COLUMN_CATEGORY_WALK_MAX; steps++) {
        sums[at] += count->counts[node];
        at = column_node_at(tree, at)->parent;
        if (at == node)
            break;
    }
}

static bool finish_above(struct facet_run *run, struct facet_count *count, u32 *work)
{
    if (begin_phase(run)) {
        /* Nodes may have come since. */
        const size_t bytes = (size_t)run->columns->tree.node_end * sizeof(u32);
        count->keys = bytes > STORE_CHUNK_BYTES ? NULL : bump_acquire_zeroed(run->bump, bytes);
        run->is_too_many = count->keys == NULL;
        run->used = run->columns->tree.node_end;
    }
    for (; run->at < count->end && *work != 0 && !run->is_too_many; run->at++, --*work) {
        if (count->counts[run->at] != 0)
            add_above(run, count, count->keys, run->at);
    }
    if (run->at < count->end && !run->is_too_many)
        return false;
    count->counts = count->keys;
    count->end = run->used;
    return true;
}

static bool finish_measure(struct facet_run *run, struct facet_count *count, u32 *work)
{
    u32 used = run->used;
    for (; run->at < count->end && *work >= WORK_SCAN; run->at++, *work -= WORK_SCAN)
        used += count->counts[run->at] != 0;
    run->used = used;
    if (run->at < count->end)
        return false;
    run->is_too_many = used > FACET_KEYS_MAX;
    return true;
}

/* Rows of numbers, in order of their cells. */
static void add_cells(struct facet_run *run, struct facet_count *count, const u32 *cells)
{
    u32 used = 0;
    for (u32 i = 0; i < CELL_SLOTS; i++)
        used += cells[i] != 0;
    count->rows = bump_acquire(run->bump, used * sizeof *count->rows + 1);
    run->is_too_many |= count->rows == NULL;
    for (u32 i = 0; i < CELL_SLOTS && count->rows != NULL; i++) {
        if (cells[i] != 0)
            count->rows[count->row_count++] = (struct facet_row){.key = i, .count = cells[i]};
    }
}

static void add_number(const struct facet_run *run, struct facet_count *count, u32 *cells,
                       i64 number, u32 matches)
{
    count->least = MIN(count->least, number);
    count->greatest = MAX(count->greatest, number);
    count->total += matches;
    if (run->facets->bars != 0)
        cells[facet_cell(number) + FACET_CELLS] += matches;
}

/* What key a count stands for; false: none. */
static bool key_of(const struct facet_run *run, const struct facet_count *count, u32 at, u64 *key)
{
    if (count->field == COLUMN_FIELD_CATEGORY) {
        *key = column_node_at(&run->columns->tree, at)->category_id;
        return true;
    }
    const u32 ordinal = count->mode == COUNT_HASH ? count->keys[at] : at;
    *key = column_value_at(&run->columns->fields, count->field, ordinal)->value_id;
    return true;
}

static void add_truths(struct facet_run *run, struct facet_count *count, const u32 *counts)
{
    const struct facet_row yes = {.key = id_from_code("true", 4), counts[COLUMN_TRUTH_YES], 0};
    const struct facet_row no = {.key = id_from_code("false", 5), counts[COLUMN_TRUTH_NO], 0};
    count->rows = bump_acquire(run->bump, 2 * sizeof *count->rows);
    run->is_too_many |= count->rows == NULL;
    const bool is_yes_first = yes.key < no.key;
    for (u32 i = 0; i < 2 && count->rows != NULL; i++) {
        const struct facet_row row = (i == 0) == is_yes_first ? yes : no;
        if (row.count != 0)
            count->rows[count->row_count++] = row;
    }
}

/* Numbers and truths of an attribute: many ordinals, few rows. */
static bool collect_folded(struct facet_run *run, struct facet_count *count, bool is_number,
                           u32 *work)
{
    if (begin_phase(run)) {
        run->buckets = bump_acquire_zeroed(run->bump, CELL_SLOTS * sizeof(u32));
        run->is_too_many |= run->buckets == NULL;
    }
    for (; run->at < count->end && *work >= WORK_COLLECT && !run->is_too_many; run->at++) {
        const u32 matches = count->counts[run->at];
        *work -= matches == 0 ? WORK_SCAN : WORK_COLLECT;
        if (matches == 0)
            continue;
        const u32 ordinal = count->mode == COUNT_HASH ? count->keys[run->at] : run->at;
        const struct column_value *value =
            column_value_at(&run->columns->fields, count->field, ordinal);
        if (!is_number)
            run->buckets[value->truth] += matches;
        else if (value->is_number)
            add_number(run, count, run->buckets, value->number, matches);
    }
    if (run->at < count->end && !run->is_too_many)
        return false;
    if (!run->is_too_many && is_number)
        add_cells(run, count, run->buckets);
    else if (!run->is_too_many)
        add_truths(run, count, run->buckets);
    return true;
}

static u32 bucket_of(const struct facet_run *run, u64 key)
{
    return (u32)(key >> (64 - run->bucket_bits));
}

static bool collect_rows(struct facet_run *run, struct facet_count *count, u32 *work)
{
    if (begin_phase(run)) {
        run->bucket_bits = 4;
        while (run->bucket_bits < 14 && 4u << run->bucket_bits < run->used)
            run->bucket_bits++;
        const size_t bytes = run->used * sizeof(struct facet_row) + 1;
        run->scattered = bump_acquire(run->bump, bytes);
        count->rows = bump_acquire(run->bump, bytes);
        run->buckets = bump_acquire_zeroed(run->bump, ((1u << run->bucket_bits) + 2) * sizeof(u32));
        run->is_too_many |= run->scattered == NULL || count->rows == NULL || run->buckets == NULL;
    }
    for (; run->at < count->end && *work >= WORK_COLLECT && !run->is_too_many; run->at++) {
        u64 key;
        const u32 matches = count->counts[run->at];
        *work -= matches == 0 ? WORK_SCAN : WORK_COLLECT;
        if (matches == 0 || !key_of(run, count, run->at, &key))
            continue;
        run->scattered[count->row_count++] = (struct facet_row){.key = key, .count = matches};
        run->buckets[bucket_of(run, key) + 2]++;
    }
    return run->at >= count->end || run->is_too_many;
}

static bool finish_scatter(struct facet_run *run, struct facet_count *count, u32 *work)
{
    if (begin_phase(run)) {
        for (u32 i = 2; i < (1u << run->bucket_bits) + 2; i++)
            run->buckets[i] += run->buckets[i - 1];
    }
    for (; run->at < count->row_count && *work >= WORK_COLLECT; run->at++, *work -= WORK_COLLECT) {
        const struct facet_row row = run->scattered[run->at];
        count->rows[run->buckets[bucket_of(run, row.key) + 1]++] = row;
    }
    return run->at >= count->row_count;
}

static void sort_rows(struct facet_row *rows, u32 count)
{
    u32 gap = 1;
    while (gap < count / 3) /* ends: it grows */
        gap = gap * 3 + 1;
    for (; gap != 0; gap /= 3) {
        for (u32 i = gap; i < count; i++) {
            const struct facet_row row = rows[i];
            u32 at = i;
            for (; at >= gap && rows[at - gap].key > row.key; at -= gap)
                rows[at] = rows[at - gap];
            rows[at] = row;
        }
    }
}

static bool finish_sort(struct facet_run *run, const struct facet_count *count, u32 *work)
{
    const u32 bucket_count = 1u << run->bucket_bits;
    for (; run->at < bucket_count && *work >= WORK_SORT; run->at++) {
        const u32 first = run->buckets[run->at], end = run->buckets[run->at + 1];
        if (end - first > 1)
            sort_rows(count->rows + first, end - first);
        *work -= MIN(*work, WORK_SCAN + (end - first) * WORK_SORT);
    }
    return run->at >= bucket_count;
}

/* The few numbers of a rating or a discount. */
static void fold_numbers(struct facet_run *run, struct facet_count *count)
{
    u32 *cells = bump_acquire_zeroed(run->bump, CELL_SLOTS * sizeof(u32));
    run->is_too_many |= cells == NULL;
    for (u32 number = 0; number < count->end && cells != NULL; number++) {
        if (count->counts[number] != 0)
            add_number(run, count, cells, number, count->counts[number]);
    }
    if (cells != NULL)
        add_cells(run, count, cells);
}

static bool finish_collect(struct facet_run *run, struct facet_count *count, u32 *work)
{
    const struct facet *facet = &run->facets->items[run->facet];
    switch ((enum count_mode)count->mode) {
    case COUNT_TRUTH: add_truths(run, count, count->counts); return true;
    case COUNT_NUMBERS: fold_numbers(run, count); return true;
    case COUNT_CELLS:
        if (count->end != NO_CELLS)
            add_cells(run, count, count->counts);
        return true;
    case COUNT_ARRAY:
    case COUNT_HASH: break;
    }
    if (facet->type == ATTRIBUTE_TYPE_NUMBER || facet->type == ATTRIBUTE_TYPE_BOOL)
        return collect_folded(run, count, facet->type == ATTRIBUTE_TYPE_NUMBER, work);
    return collect_rows(run, count, work);
}

static bool finish_phase(struct facet_run *run, struct facet_count *count, u32 *work)
{
    const bool is_sorted = run->scattered == NULL; /* few rows, made in order */
    switch ((enum finish_phase)run->phase) {
    case FINISH_ABOVE:
        return count->field != COLUMN_FIELD_CATEGORY || finish_above(run, count, work);
    case FINISH_MEASURE: return finish_measure(run, count, work);
    case FINISH_COLLECT: return finish_collect(run, count, work);
    case FINISH_SCATTER: return is_sorted || finish_scatter(run, count, work);
    case FINISH_SORT: return is_sorted || finish_sort(run, count, work);
    case FINISH_DONE: break;
    }
    return true;
}

bool facet_finish(struct facet_run *run, u32 work)
{
    MUST(work >= 100);
    while (run->facet < run->facets->count && !run->is_too_many) {
        struct facet_count *count = &run->counts[run->facet];
        if (!finish_phase(run, count, &work))
            return run->is_too_many;
        if (run->phase == FINISH_ABOVE)
            run->used = 0;
        run->at = 0;
        run->has_begun = false;
        run->phase++;
        if (run->phase != FINISH_DONE)
            continue;
        run->keys += count->row_count;
        run->is_too_many |= run->keys > FACET_KEYS_MAX;
        run->phase = FINISH_ABOVE;
        run->used = 0;
        run->scattered = NULL;
        run->facet++;
    }
    return true;
}

u32 facet_bytes(const struct facet_run *run)
{
    MUST(run->is_too_many || run->facet == run->facets->count);
    if (run->is_too_many)
        return UINT32_MAX;
    return (u32)(sizeof(struct facet_findings) + run->facets->count * sizeof(struct facet_finding) +
                 run->keys * sizeof(struct facet_row));
}

void facet_write(const struct facet_run *run, u8 *to)
{
    MUST((uintptr_t)to % 8 == 0);
    struct facet_findings head = {.bytes = facet_bytes(run), .count = run->facets->count};
    MUST(head.bytes != UINT32_MAX);
    u8 *rows = to + sizeof head + head.count * sizeof(struct facet_finding);
    memcpy(to, &head, sizeof head);
    u32 first = 0;
    for (u32 facet = 0; facet < head.count; facet++) {
        const struct facet_count *count = &run->counts[facet];
        const struct facet_finding finding = {.least = count->least,
                                              .greatest = count->greatest,
                                              .total = count->total,
                                              .first_row = first,
                                              .row_count = count->row_count};
        memcpy(to + sizeof head + facet * sizeof finding, &finding, sizeof finding);
        if (count->row_count != 0)
            memcpy(rows + first * sizeof *count->rows, count->rows,
                   count->row_count * sizeof *count->rows);
        first += count->row_count;
    }
}
