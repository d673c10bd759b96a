/* facet_merge: findings of several shards become one; see facet.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/search/facet.h"
#include "shards/search/facet_cell.h"

#define CELL_SLOTS (2u * FACET_CELLS)

/* Nanoseconds, about. */
#define COST_ROW   12u /* and for each time that the shards double */
#define COST_CELL  3u
#define COST_VALUE 60u /* put in order */

/* Where the rows of a shard have been read up to. */
struct merge_source {
    const u8 *next;
    const u8 *end;
    u64 key; /* of the next one */
};

struct facet_merge {
    const struct facets *facets;
    const u8 *const *findings;
    u32 shard_count;
    u32 row_cost;
    struct merge_source *sources; /* a heap: the least key first */
    u32 source_count;
    struct facet_merged merged;
    u32 *cells;
    u32 facet; /* in hand */
    bool is_open;
    u32 shard; /* of numbers: the next one */
    i64 least; /* of the facet in hand */
    i64 greatest;
    u64 total;
    u32 value_count; /* of the facet in hand */
};

/* ---- findings lie anywhere ----------------------------------------------------------------------- */

static struct facet_finding finding_of(const struct facet_merge *merge, u32 shard, u32 facet)
{
    struct facet_finding finding;
    memcpy(&finding,
           merge->findings[shard] + sizeof(struct facet_findings) + facet * sizeof finding,
           sizeof finding);
    return finding;
}

static const u8 *rows_of(const struct facet_merge *merge, u32 shard)
{
    return merge->findings[shard] + sizeof(struct facet_findings) +
           merge->facets->count * sizeof(struct facet_finding);
}

static struct facet_row read_row(const u8 *at)
{
    struct facet_row row;
    memcpy(&row, at, sizeof row);
    return row;
}

/* ---- rows of several shards, side by side ---------------------------------------------------- */

static void sift_source(struct facet_merge *merge, u32 at)
{
    const struct merge_source source = merge->sources[at];
    for (;;) { /* ends: a level further down each time */
        u32 child = 2 * at + 1;
        if (child >= merge->source_count)
            break;
        if (child + 1 < merge->source_count &&
            merge->sources[child + 1].key < merge->sources[child].key)
            child++;
        if (merge->sources[child].key >= source.key)
            break;
        merge->sources[at] = merge->sources[child];
        at = child;
    }
    merge->sources[at] = source;
}

static void open_sources(struct facet_merge *merge)
{
    merge->source_count = 0;
    for (u32 shard = 0; shard < merge->shard_count; shard++) {
        const struct facet_finding finding = finding_of(merge, shard, merge->facet);
        const u8 *first = rows_of(merge, shard) + finding.first_row * sizeof(struct facet_row);
        if (finding.row_count != 0)
            merge->sources[merge->source_count++] = (struct merge_source){
                first, first + finding.row_count * sizeof(struct facet_row), read_row(first).key};
    }
    for (u32 at = merge->source_count / 2; at-- > 0;)
        sift_source(merge, at);
}

/* The next key with the sum of its counts; false: there is none. */
static bool next_row(struct facet_merge *merge, struct facet_row *row)
{
    if (merge->source_count == 0)
        return false;
    *row = (struct facet_row){.key = merge->sources[0].key};
    while (merge->source_count != 0 && merge->sources[0].key == row->key) {
        struct merge_source *source = &merge->sources[0];
        row->count += read_row(source->next).count;
        source->next += sizeof(struct facet_row);
        if (source->next == source->end) {
            *source = merge->sources[--merge->source_count];
        } else {
            source->key = read_row(source->next).key;
            MUST(source->key > row->key);
        }
        if (merge->source_count != 0)
            sift_source(merge, 0);
    }
    return true;
}

/* ---- the values most matches have --------------------------------------------------------------- */

static bool precedes(const struct facet_found *a, const struct facet_found *b)
{
    return a->count != b->count ? a->count > b->count : a->value_id < b->value_id;
}

/* The heap has the last of the best at its root. */
static void sift_found(struct facet_found *heap, u32 count, u32 at)
{
    const struct facet_found found = heap[at];
    for (;;) { /* ends: a level further down each time */
        u32 child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && precedes(&heap[child], &heap[child + 1]))
            child++;
        if (!precedes(&found, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = found;
}

/* The last goes to the end, again and again. */
static void sort_found(struct facet_found *heap, u32 count)
{
    for (u32 at = count / 2; at-- > 0;)
        sift_found(heap, count, at);
    for (u32 left = count; left > 1;) {
        const struct facet_found last = heap[0];
        heap[0] = heap[--left];
        heap[left] = last;
        sift_found(heap, left, 0);
    }
}

/* Some rows; true: the facet is done. */
static bool merge_values(struct facet_merge *merge, u32 *work, u32 most)
{
    struct facet_found *heap = merge->merged.values + merge->merged.value_count;
    const u32 wanted = merge->facets->items[merge->facet].wanted;
    struct facet_row row;
    if (!merge->is_open)
        open_sources(merge);
    merge->is_open = true;
    while (next_row(merge, &row)) { /* ends: a row is read each time */
        const struct facet_found found = {row.key, row.count, (u16)merge->facet, 0};
        if (merge->value_count < wanted) {
            heap[merge->value_count++] = found;
            for (u32 at = merge->value_count == wanted ? wanted / 2 : 0; at-- > 0;)
                sift_found(heap, wanted, at);
        } else if (precedes(&found, &heap[0])) {
            heap[0] = found;
            sift_found(heap, wanted, 0);
            *work += COST_VALUE / 2;
        }
        *work += merge->row_cost;
        if (*work >= most)
            return false;
    }
    sort_found(heap, merge->value_count);
    *work += COST_VALUE * merge->value_count;
    merge->merged.value_count += merge->value_count;
    merge->value_count = 0;
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------------- */

static void add_range(struct facet_merge *merge, u32 facet, bool is_bar, i64 from, i64 until,
                      u64 count)
{
    merge->merged.ranges[merge->merged.range_count++] =
        (struct row_facet_range){.from = from,
                                 .until = until,
                                 .count = (u32)MIN(count, (u64)UINT32_MAX),
                                 .facet = (u16)facet,
                                 .is_bar = is_bar};
}

/* The first bar begins with the least number, the last one ends with the greatest. */
static void add_bars(struct facet_merge *merge, u32 facet, i64 least, i64 greatest)
{
    const i32 first = facet_cell(least), last = facet_cell(greatest);
    const u32 level = facet_cell_level(first, last, merge->facets->bars);
    i64 from = least;
    for (i32 cell = first; cell <= last;) { /* ends: the next bar is further on */
        const i32 next = MIN(facet_cell_next(cell, level), last + 1);
        const bool is_last = next == last + 1;
        const i64 until = is_last ? greatest : facet_cell_border(next);
        u64 count = 0;
        for (; cell < next; cell++)
            count += merge->cells[cell + FACET_CELLS];
        add_range(merge, facet, true, from, until, count);
        from = until;
    }
}

/* Some shards; true: the facet is done. */
static bool merge_numbers(struct facet_merge *merge, u32 *work, u32 most)
{
    if (!merge->is_open) {
        memset(merge->cells, 0, CELL_SLOTS * sizeof *merge->cells);
        merge->shard = 0;
        merge->total = 0;
        merge->least = INT64_MAX;
        merge->greatest = INT64_MIN;
    }
    merge->is_open = true;
    for (; merge->shard < merge->shard_count; merge->shard++) {
        const struct facet_finding finding = finding_of(merge, merge->shard, merge->facet);
        const u8 *at = rows_of(merge, merge->shard) + finding.first_row * sizeof(struct facet_row);
        if (*work >= most)
            return false;
        *work += 20 + COST_CELL * finding.row_count;
        if (finding.total == 0)
            continue;
        merge->least = MIN(merge->least, finding.least);
        merge->greatest = MAX(merge->greatest, finding.greatest);
        merge->total += finding.total;
        for (u32 i = 0; i < finding.row_count; i++, at += sizeof(struct facet_row)) {
            const struct facet_row row = read_row(at);
            MUST(row.key < CELL_SLOTS);
            merge->cells[row.key] += row.count;
        }
    }
    if (merge->total == 0)
        return true;
    add_range(merge, merge->facet, false, merge->least, merge->greatest, merge->total);
    if (merge->facets->bars != 0)
        add_bars(merge, merge->facet, merge->least, merge->greatest);
    *work += 2 * COST_CELL * CELL_SLOTS;
    return true;
}

struct facet_merge *facet_merge_begin(const struct facets *facets, const u8 *const *findings,
                                      u32 shard_count, struct bump *bump)
{
    u32 wanted = 0, ranges = 0;
    for (u32 facet = 0; facet < facets->count; facet++) {
        wanted += facets->items[facet].wanted;
        ranges += facets->bars + 1u;
    }
    struct facet_merge *merge = bump_acquire_zeroed(bump, sizeof *merge);
    if (merge == NULL)
        return NULL;
    merge->facets = facets;
    merge->findings = findings;
    merge->shard_count = shard_count;
    merge->row_cost = COST_ROW;
    for (u32 shards = shard_count; shards > 1; shards /= 2)
        merge->row_cost += COST_ROW;
    merge->sources = bump_acquire(bump, shard_count * sizeof *merge->sources + 1);
    merge->cells = bump_acquire(bump, CELL_SLOTS * sizeof *merge->cells);
    merge->merged.values = bump_acquire(bump, wanted * sizeof *merge->merged.values + 1);
    merge->merged.ranges = bump_acquire(bump, ranges * sizeof *merge->merged.ranges + 1);
    if (merge->sources == NULL || merge->cells == NULL || merge->merged.values == NULL ||
        merge->merged.ranges == NULL)
        return NULL;
    for (u32 shard = 0; shard < shard_count; shard++) {
        struct facet_findings head;
        memcpy(&head, findings[shard], sizeof head);
        MUST(head.count == facets->count);
    }
    return merge;
}

bool facet_merge_step(struct facet_merge *merge, u32 *work, u32 most, struct facet_merged *merged)
{
    while (merge->facet < merge->facets->count) {
        const bool is_numbers = merge->facets->items[merge->facet].kind == FACET_KIND_NUMBERS;
        if (*work >= most)
            return false;
        if (is_numbers ? !merge_numbers(merge, work, most) : !merge_values(merge, work, most))
            return false;
        merge->is_open = false;
        merge->facet++;
    }
    *merged = merge->merged;
    return true;
}
