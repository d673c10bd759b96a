/* run_begin: a plan read, its words found in the dictionary: see run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run.h"

#include <string.h>

#include "shards/shard_state.h"

void *run_acquire(struct run *run, size_t bytes)
{
    void *memory = bytes <= STORE_CHUNK_BYTES ? bump_acquire_zeroed(&run->part->bump, bytes) : NULL;
    if (memory == NULL)
        run->status = STATUS_TOO_LARGE;
    return memory;
}

/* ---- what curations and profiles name ---- */

static u32 find_doc(const struct run *run, u64 product_id)
{
    const struct catalog *catalog = &run->shard->catalog;
    const u32 product =
        product_id != 0 ? catalog_find(catalog, route_hash_u64(product_id), product_id) : 0;
    return product != 0 ? search_index_doc(run->index, product) : 0;
}

/* In order of documents, those of one document as they came: the first hide, pin, boost counts. */
static void add_special(struct run *run, struct run_special special)
{
    u32 at = run->special_count;
    for (u32 i = 0; i < run->special_count; i++)
        if (run->specials[i].doc == special.doc && run->specials[i].kind == special.kind)
            return;
    for (; at != 0 && run->specials[at - 1].doc > special.doc; at--)
        run->specials[at] = run->specials[at - 1];
    run->specials[at] = special;
    run->special_count++;
}

static void read_actions(struct run *run, struct query_unpack *from)
{
    const u32 count = MIN(run->head.action_count, RUN_SPECIALS_MAX);
    run->specials = run_acquire(run, (count + 1) * sizeof run->specials[0]);
    run->pins = run_acquire(run, (count + 1) * sizeof run->pins[0]);
    for (u32 i = 0; i < run->head.action_count; i++) {
        struct run_action action;
        memcpy(&action, unpack_bytes(from, sizeof action), sizeof action);
        const u32 doc =
            i < count && run->status == STATUS_OK ? find_doc(run, action.row.product_id) : 0;
        const bool is_used =
            run->head.sort == SEARCH_SORT_RELEVANCE || action.row.kind == CURATION_HIDE;
        if (doc != 0 && is_used)
            add_special(run, (struct run_special){
                                 .doc = doc, .kind = action.row.kind, .value = action.row.value});
    }
}

/* Bits of the categories of documents, none set yet. */
static u64 *open_nodes(struct run *run)
{
    run->node_end = run->index->columns.tree.node_end;
    return run_acquire(run, (run->node_end / 64 + 1) * sizeof(u64));
}

static void add_nodes(const struct run *run, u64 category_id, u64 *bits)
{
    const struct column_tree *tree = &run->index->columns.tree;
    const u32 node = column_category_find(tree, category_id);
    if (node != 0 && bits != NULL)
        column_category_below(tree, node, bits);
}

static void read_recents(struct run *run, struct query_unpack *from)
{
    if (run->head.recent_count != 0)
        run->recent_nodes = open_nodes(run);
    for (u32 i = 0; i < run->head.recent_count; i++)
        add_nodes(run, unpack_u64(from), run->recent_nodes);
    if (run->head.only_category_id != 0) {
        run->only_nodes = open_nodes(run);
        add_nodes(run, run->head.only_category_id, run->only_nodes);
    }
}

/* A copy where its structs may lie; NULL when there is none. */
static void *read_aligned(struct run *run, struct query_unpack *from)
{
    const u32 bytes = unpack_u32(from);
    const u8 *data = unpack_bytes(from, bytes);
    void *copy = bytes != 0 ? run_acquire(run, bytes) : NULL;
    if (copy != NULL)
        memcpy(copy, data, bytes);
    return copy;
}

static void compile_filters(struct run *run, const struct filter *filter,
                            const struct filter *collection)
{
    const struct columns *columns = &run->index->columns;
    struct bump *bump = &run->part->bump;
    const bool has_facets = run->facets != NULL && run->step == SEARCH_STEP_RUN;
    run->filter_terms = (filter != NULL ? filter->term_count : 0u) +
                        (collection != NULL ? collection->term_count : 0u);
    if (filter != NULL || has_facets) {
        static const struct filter everything = {.bytes = sizeof everything};
        run->filter =
            filter_compile(filter != NULL ? filter : &everything, has_facets ? run->facets : NULL,
                           columns, run->head.now_ns, bump);
        run->status = run->filter == NULL ? STATUS_TOO_LARGE : run->status;
    }
    if (collection != NULL) {
        run->collection = filter_compile(collection, NULL, columns, run->head.now_ns, bump);
        run->status = run->collection == NULL ? STATUS_TOO_LARGE : run->status;
    }
    if (has_facets) {
        run->facet_count = run->facets->count;
        run->of_facets = run_acquire(run, run->facet_count * sizeof run->of_facets[0]);
        run->facet_run = facet_begin(run->facets, columns, run->head.now_ns, bump);
        run->status = run->facet_run == NULL ? STATUS_TOO_LARGE : run->status;
    }
}

struct run *run_begin(struct shard *shard, struct part *part, enum search_step step)
{
    struct run *run = bump_acquire(&part->bump, sizeof *run);
    MUST(run != NULL); /* the first of the part */
    memset(run, 0, offsetof(struct run, window) + offsetof(struct run_window, scores));
    struct query_unpack from = unpack_of(part->spans[SPAN_OF(search_part_req, data)]);
    run->shard = shard;
    run->part = part;
    run->step = step;
    run->index = search_current(&shard->search);
    memcpy(&run->head, unpack_bytes(&from, sizeof run->head), sizeof run->head);
    search_question_begin(&shard->search, &run->question);
    query_profile_read(&run->profile, &from);
    read_recents(run, &from);
    read_actions(run, &from);
    run->query = unpack_text(&from);
    const struct filter *filter = read_aligned(run, &from);
    const struct filter *collection = read_aligned(run, &from);
    run->facets = read_aligned(run, &from);
    run->only_doc = find_doc(run, run->head.only_product_id);
    const u32 hit_count = unpack_u32(&from);
    if (step == SEARCH_STEP_RUN) {
        run->top.capacity = run->head.limit;
        run->top.entries = run_acquire(run, (run->head.limit + 1) * sizeof run->top.entries[0]);
    } else if (step == SEARCH_STEP_DETAILS) {
        run->top.count = hit_count;
        run->top.entries = run_acquire(run, (hit_count + 1) * sizeof run->top.entries[0]);
    }
    const u8 *hits = unpack_bytes(&from, hit_count * (u32)sizeof(struct run_hit));
    if (hit_count != 0 && run->top.entries != NULL)
        memcpy(run->top.entries, hits, hit_count * sizeof(struct run_hit));
    run->slot_count = (u16)unpack_u32(&from);
    run->slots_left = from;
    MUST(run->slot_count <= QUERY_WORDS_MAX);
    if (step != SEARCH_STEP_DETAILS && run->status == STATUS_OK)
        compile_filters(run, filter, collection);
    return run;
}

#define COST_DOC 400u /* nanoseconds: a product from anywhere */

bool run_docs_step(struct run *run)
{
    for (; run->doc_at < run->top.count && run->status == STATUS_OK; run->doc_at++) {
        struct run_hit *hit = &run->top.entries[run->doc_at];
        if (!run_has_time(run))
            return false;
        hit->doc = find_doc(run, hit->product_id);
        run->work += COST_DOC;
    }
    return true;
}

/* ---- words ---- */

struct postings_cursor *run_cursor(struct run *run, u32 term)
{
    struct postings_cursor *cursor = bump_acquire(&run->part->bump, sizeof *cursor);
    if (cursor != NULL)
        postings_open(cursor, &run->index->index, term);
    else
        run->status = STATUS_TOO_LARGE;
    run->work += 100;
    return cursor;
}

static void add_word(struct run *run, struct run_slot *slot, struct run_word word, struct span text)
{
    word.term = dict_find_stem(&run->index->dict, text);
    const u32 df = word.term != 0 ? index_df(&run->index->index, word.term) : 0;
    if (word.term == 0)
        return;
    /* Another word of the same stem may be there; the greatest impact wins anyway. */
    slot->words[slot->word_count++] = word;
    slot->df += df;
    slot->most = MAX(slot->most,
                     run_slot_impact(word.factor, index_impact_max(&run->index->index, word.term)));
    run->work += 200;
}

static void add_row(struct run *run, struct run_slot *slot, struct run_row row, struct span words)
{
    struct span word;
    u32 least = UINT32_MAX, count = 0;
    row.terms = run_acquire(run, row.count * sizeof row.terms[0]);
    row.cursors = run_acquire(run, row.count * sizeof(row.cursors[0]));
    row.dense = run_acquire(run, row.count * sizeof row.dense[0]);
    if (row.terms == NULL || row.cursors == NULL || row.dense == NULL)
        return;
    for (u32 at = 0; query_words_next(words, &at, &word); count++) {
        MUST(count < row.count);
        const u32 term = dict_find_stem(&run->index->dict, word);
        const u32 df = term != 0 ? index_df(&run->index->index, term) : 0;
        if (term == 0)
            return; /* stands nowhere */
        row.terms[count] = term;
        row.cursors[count] = run_cursor(run, term);
        if (row.cursors[count] == NULL)
            return;
        if (df < least) {
            least = df;
            row.rarest = count;
        }
    }
    MUST(count == row.count);
    const u8 most = index_impact_max(&run->index->index, row.terms[row.rarest]);
    slot->rows[slot->row_count++] = row;
    slot->df += least;
    slot->most = MAX(slot->most, run_slot_impact(row.factor, most));
    run->work += 300 * count;
}

static void begin_slot(struct run *run, struct run_slot *slot)
{
    struct query_unpack *from = &run->slots_left;
    slot->flags = unpack_u16(from);
    slot->weight = unpack_u32(from);
    run->items_left = unpack_u32(from);
    slot->words = run_acquire(run, (run->items_left + 1) * sizeof slot->words[0]);
    slot->rows = run_acquire(run, (run->items_left + 1) * sizeof slot->rows[0]);
    run->has_slot = true;
    run->work += 300;
}

static void read_item(struct run *run, struct run_slot *slot)
{
    struct query_unpack *from = &run->slots_left;
    const u16 factor = unpack_u16(from);
    const u8 kind = unpack_u8(from);
    const u8 words = unpack_u8(from);
    const struct span text = unpack_text(from);
    if (words == 1)
        add_word(run, slot, (struct run_word){.factor = factor, .kind = kind}, text);
    else
        add_row(run, slot, (struct run_row){.factor = factor, .kind = kind, .count = words}, text);
    run->items_left--;
    run->work += 100;
}

/* What it takes to walk along the slot: of many words nothing can be left out. */
static u64 length_of(const struct run_slot *slot)
{
    return slot->word_count > RUN_FEW_WORDS ? 4 * slot->df : slot->df;
}

/* Positive slots first, the shortest way first; their bits are in the order of the query. */
static void sort_slots(struct run *run)
{
    u32 bit = 0;
    for (u32 i = 0; i < run->slot_count; i++)
        if ((run->slots[i].flags & QUERY_SLOT_EXCLUDED) == 0) {
            run->slots[i].bit = 1u << bit++;
            run->total_weight += run->slots[i].weight;
        }
    run->total_weight = MAX(run->total_weight, 1u);
    run->positive_count = (u16)bit;
    for (u32 i = 1; i < run->slot_count; i++) {
        const struct run_slot slot = run->slots[i];
        u32 at = i;
        for (; at != 0; at--) {
            const struct run_slot *before = &run->slots[at - 1];
            const bool stays = (before->bit != 0) != (slot.bit != 0)
                                   ? before->bit != 0
                                   : length_of(before) <= length_of(&slot);
            if (stays)
                break;
            run->slots[at] = *before;
        }
        run->slots[at] = slot;
    }
}

bool run_slots_step(struct run *run)
{
    while (run->slot_at < run->slot_count && run->status == STATUS_OK) {
        struct run_slot *slot = &run->slots[run->slot_at];
        if (!run_has_time(run))
            return false;
        if (!run->has_slot) {
            begin_slot(run, slot);
        } else if (run->items_left != 0) {
            read_item(run, slot);
        } else {
            run->has_slot = false;
            run->slot_at++;
        }
    }
    sort_slots(run);
    run->slot_at = 0;
    return true;
}
