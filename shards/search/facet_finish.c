/* facet_finish: counts become findings; see facet.h and facet_run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/facet_run.h"

#include <string.h>

#include "proto/id.h"

/* Nanoseconds, about. */
#define WORK_SCAN    1u
#define WORK_COLLECT 20u
#define WORK_SORT    60u

/* What is done with the counts at the end, in this order. */
enum finish_phase {
    FINISH_ABOVE,   /* categories: to those above */
    FINISH_MEASURE, /* how many rows there will be */
    FINISH_COLLECT,
    FINISH_SCATTER,
    FINISH_SORT,
    FINISH_DONE
};

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
    if (begin_phase(run) && count->mode == COUNT_ARRAY && count->end != 0)
        count->counts[0] = 0; /* nobody has ordinal 0 */
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
    for (u32 i = 0; i < FACET_CELL_SLOTS; i++)
        used += cells[i] != 0;
    count->rows = bump_acquire(run->bump, used * sizeof *count->rows + 1);
    run->is_too_many |= count->rows == NULL;
    for (u32 i = 0; i < FACET_CELL_SLOTS && count->rows != NULL; i++) {
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
        run->buckets = bump_acquire_zeroed(run->bump, FACET_CELL_SLOTS * sizeof(u32));
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
    u32 *cells = bump_acquire_zeroed(run->bump, FACET_CELL_SLOTS * sizeof(u32));
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
        if (count->end != FACET_NO_CELLS)
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
        facet_count_end(count);
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

static void write_heads(const struct facet_run *run, u8 *to)
{
    const struct facet_findings head = {.bytes = facet_bytes(run), .count = run->facets->count};
    u32 first = 0;
    memcpy(to, &head, sizeof head);
    for (u32 facet = 0; facet < head.count; facet++) {
        const struct facet_count *count = &run->counts[facet];
        const struct facet_finding finding = {.least = count->least,
                                              .greatest = count->greatest,
                                              .total = count->total,
                                              .first_row = first,
                                              .row_count = count->row_count};
        memcpy(to + sizeof head + facet * sizeof finding, &finding, sizeof finding);
        first += count->row_count;
    }
}

bool facet_write(struct facet_run *run, u8 *to, u32 most)
{
    const u32 count = run->facets->count;
    u8 *rows = to + sizeof(struct facet_findings) + count * sizeof(struct facet_finding);
    MUST(!run->is_too_many && most != 0);
    if (run->written == 0)
        write_heads(run, to);
    u32 begin = 0; /* of the facet's rows */
    for (u32 facet = 0; facet < count; begin += run->counts[facet++].row_count) {
        const struct facet_count *found = &run->counts[facet];
        if (run->written < begin || run->written - begin >= found->row_count)
            continue;
        const u32 at = run->written - begin;
        const u32 some = MIN(most, found->row_count - at);
        memcpy(rows + (size_t)run->written * sizeof found->rows[0], found->rows + at,
               some * sizeof found->rows[0]);
        run->written += some;
        most -= some;
        if (most == 0)
            break;
    }
    return run->written == run->keys;
}
