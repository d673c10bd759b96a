/* facet_merge: findings of several shards become one; see facet.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/search/facet.h"
#include "shards/search/facet_cell.h"

#define CELL_SLOTS (2u * FACET_CELLS)

/* Where the rows of a shard have been read up to. */
struct merge_source {
    const struct facet_row *next;
    const struct facet_row *end;
};

struct merger {
    const struct facets *facets;
    const u8 *const *findings;
    u32 shard_count;
    struct merge_source *sources; /* a heap: the least key first */
    u32 source_count;
    struct facet_merged *merged;
    u32 *cells;
};

static const struct facet_findings *findings_of(const struct merger *merger, u32 shard)
{
    return (const struct facet_findings *)(const void *)merger->findings[shard];
}

static const struct facet_row *rows_of(const struct facet_findings *findings)
{
    return (const struct facet_row *)(const void *)(findings->items + findings->count);
}

/* ---- rows of several shards, side by side ---------------------------------------------------- */

static void sift_source(struct merger *merger, u32 at)
{
    const struct merge_source source = merger->sources[at];
    for (;;) { /* ends: a level further down each time */
        u32 child = 2 * at + 1;
        if (child >= merger->source_count)
            break;
        if (child + 1 < merger->source_count &&
            merger->sources[child + 1].next->key < merger->sources[child].next->key)
            child++;
        if (merger->sources[child].next->key >= source.next->key)
            break;
        merger->sources[at] = merger->sources[child];
        at = child;
    }
    merger->sources[at] = source;
}

static void open_sources(struct merger *merger, u32 facet)
{
    merger->source_count = 0;
    for (u32 shard = 0; shard < merger->shard_count; shard++) {
        const struct facet_findings *findings = findings_of(merger, shard);
        const struct facet_finding *finding = &findings->items[facet];
        const struct facet_row *first = rows_of(findings) + finding->first_row;
        if (finding->row_count != 0)
            merger->sources[merger->source_count++] =
                (struct merge_source){first, first + finding->row_count};
    }
    for (u32 at = merger->source_count / 2; at-- > 0;)
        sift_source(merger, at);
}

/* The next key with the sum of its counts; false: there is none. */
static bool next_row(struct merger *merger, struct facet_row *row)
{
    if (merger->source_count == 0)
        return false;
    *row = (struct facet_row){.key = merger->sources[0].next->key};
    while (merger->source_count != 0 && merger->sources[0].next->key == row->key) {
        struct merge_source *source = &merger->sources[0];
        row->count += source->next->count;
        source->next++;
        MUST(source->next == source->end || source->next->key > row->key);
        if (source->next == source->end)
            *source = merger->sources[--merger->source_count];
        if (merger->source_count != 0)
            sift_source(merger, 0);
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

static void merge_values(struct merger *merger, u32 facet)
{
    struct facet_found *heap = merger->merged->values + merger->merged->value_count;
    const u32 wanted = merger->facets->items[facet].wanted;
    u32 count = 0;
    struct facet_row row;
    open_sources(merger, facet);
    while (next_row(merger, &row)) { /* ends: a row is read each time */
        const struct facet_found found = {row.key, row.count, (u16)facet, 0};
        if (count < wanted) {
            heap[count++] = found;
            for (u32 at = count == wanted ? count / 2 : 0; at-- > 0;)
                sift_found(heap, count, at);
        } else if (precedes(&found, &heap[0])) {
            heap[0] = found;
            sift_found(heap, count, 0);
        }
    }
    for (u32 at = count / 2; at-- > 0;)
        sift_found(heap, count, at);
    for (u32 left = count; left > 1;) { /* the last goes to the end */
        const struct facet_found last = heap[0];
        heap[0] = heap[--left];
        heap[left] = last;
        sift_found(heap, left, 0);
    }
    merger->merged->value_count += count;
}

/* ---- numbers --------------------------------------------------------------------------------------- */

static void add_range(struct merger *merger, u32 facet, bool is_bar, i64 from, i64 until, u64 count)
{
    merger->merged->ranges[merger->merged->range_count++] =
        (struct row_facet_range){.from = from,
                                 .until = until,
                                 .count = (u32)MIN(count, (u64)UINT32_MAX),
                                 .facet = (u16)facet,
                                 .is_bar = is_bar};
}

/* The first bar begins with the least number, the last one ends with the greatest. */
static void add_bars(struct merger *merger, u32 facet, i64 least, i64 greatest)
{
    const i32 first = facet_cell(least), last = facet_cell(greatest);
    const u32 level = facet_cell_level(first, last, merger->facets->bars);
    i64 from = least;
    for (i32 cell = first; cell <= last;) { /* ends: the next bar is further on */
        const i32 next = MIN(facet_cell_next(cell, level), last + 1);
        const bool is_last = next == last + 1;
        const i64 until = is_last ? greatest : facet_cell_border(next);
        u64 count = 0;
        for (; cell < next; cell++)
            count += merger->cells[cell + FACET_CELLS];
        add_range(merger, facet, true, from, until, count);
        from = until;
    }
}

static void merge_numbers(struct merger *merger, u32 facet)
{
    i64 least = INT64_MAX, greatest = INT64_MIN;
    u64 total = 0;
    memset(merger->cells, 0, CELL_SLOTS * sizeof *merger->cells);
    for (u32 shard = 0; shard < merger->shard_count; shard++) {
        const struct facet_findings *findings = findings_of(merger, shard);
        const struct facet_finding *finding = &findings->items[facet];
        if (finding->total == 0)
            continue;
        least = MIN(least, finding->least);
        greatest = MAX(greatest, finding->greatest);
        total += finding->total;
        for (u32 i = 0; i < finding->row_count; i++) {
            const struct facet_row *row = &rows_of(findings)[finding->first_row + i];
            MUST(row->key < CELL_SLOTS);
            merger->cells[row->key] += row->count;
        }
    }
    if (total == 0)
        return;
    add_range(merger, facet, false, least, greatest, total);
    if (merger->facets->bars != 0)
        add_bars(merger, facet, least, greatest);
}

bool facet_merge(const struct facets *facets, const u8 *const *findings, u32 shard_count,
                 struct bump *bump, struct facet_merged *merged)
{
    u32 wanted = 0, ranges = 0;
    for (u32 facet = 0; facet < facets->count; facet++) {
        wanted += facets->items[facet].wanted;
        ranges += facets->bars + 1u;
    }
    struct merger merger = {
        .facets = facets, .findings = findings, .shard_count = shard_count, .merged = merged};
    *merged = (struct facet_merged){0};
    merger.sources = bump_acquire(bump, shard_count * sizeof *merger.sources + 1);
    merger.cells = bump_acquire(bump, CELL_SLOTS * sizeof *merger.cells);
    merged->values = bump_acquire(bump, wanted * sizeof *merged->values + 1);
    merged->ranges = bump_acquire(bump, ranges * sizeof *merged->ranges + 1);
    if (merger.sources == NULL || merger.cells == NULL || merged->values == NULL ||
        merged->ranges == NULL)
        return false;
    for (u32 shard = 0; shard < shard_count; shard++)
        MUST(findings_of(&merger, shard)->count == facets->count);
    for (u32 facet = 0; facet < facets->count; facet++) {
        if (facets->items[facet].kind == FACET_KIND_NUMBERS)
            merge_numbers(&merger, facet);
        else
            merge_values(&merger, facet);
    }
    MUST(merged->value_count <= wanted && merged->range_count <= ranges);
    return true;
}
