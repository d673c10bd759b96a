/* run_ready: slots made ready to be looked at, the shortest way for each: see run.h.
 *
 *      a word                  a cursor
 *      a frequent word         its table (dense.h), which a question fills that is the first to want it; not
 *                              when it is all that is asked for: then blocks of postings are left out
 *      several, one frequent,  a table of the slot's own (run_table.h), of documents that other slots have, as far
 *      or many                 as that is known by then
 *      many beside a rare one  a set of terms, for a look into each document of the rare one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run.h"

#include <string.h>

#define CURSORS_MAX    48u  /* a slot of more words has a table or a set */
#define COST_OF_WINDOW 400u /* nanoseconds of merging a frequent word, about */

static void make_set(struct run *run, struct run_slot *slot)
{
    const u32 size = run_terms_size(slot->word_count);
    slot->set_mask = size - 1;
    slot->set_terms = run_acquire(run, size * sizeof slot->set_terms[0]);
    slot->set_factors = run_acquire(run, size * sizeof slot->set_factors[0]);
    for (u32 i = 0; i < slot->word_count && run->status == STATUS_OK; i++) {
        const struct run_word *word = &slot->words[i];
        const u32 at = run_terms_place(slot->set_terms, slot->set_mask, word->term);
        slot->set_terms[at] = word->term;
        slot->set_factors[at] = MAX(slot->set_factors[at], word->factor);
    }
    run->work += 5 * size;
}

/* Nanoseconds, about. */
static u64 cost_of_table(const struct run *run, const struct run_slot *slot)
{
    const u32 windows = run->question.end / WINDOW_DOCS + 1;
    u64 cost = 5000;
    for (u32 i = 0; i < slot->word_count; i++) {
        const u32 term = slot->words[i].term;
        cost += dense_is_worth(&run->index->index, term)
                    ? (u64)COST_OF_WINDOW * windows
                    : 200 + 4 * (u64)index_df(&run->index->index, term);
    }
    return cost;
}

/* Is it better to look at the words of each document that comes than at all documents of each word? */
static bool wants_set(const struct run *run, const struct run_slot *slot)
{
    if (slot == &run->slots[0] || slot->word_count <= RUN_FEW_WORDS || !run_wants_list(run) ||
        !run_is_rare(run))
        return false;
    const u64 docs =
        (run->head.flags & SEARCH_FLAG_AT_LEAST) != 0 ? run->slots[0].df / 2 : run->slots[0].df;
    return docs * 300 < cost_of_table(run, slot);
}

/* Few cursors can be looked at for every document. */
static bool wants_table(const struct run *run, const struct run_slot *slot)
{
    return slot->word_count > (run_wants_list(run) ? RUN_FEW_WORDS : CURSORS_MAX);
}

/* The table of a term, if it is frequent; it may have to be filled. */
static u32 want_dense(struct run *run, u32 term)
{
    const u32 number = dense_want(&run->index->index, &run->question, term);
    run->to_fill |= number != DENSE_TABLES ? 1ull << number : 0;
    return number;
}

/* Frequent words first; how many they are. A word that is asked for alone is read block by block. */
static u32 find_dense(struct run *run, struct run_slot *slot)
{
    u32 count = 0;
    run->work += 10 * slot->word_count;
    for (u32 i = 0; i < slot->word_count; i++) {
        struct run_word *word = &slot->words[i];
        word->dense = run->slot_count > 1 ? want_dense(run, word->term) : DENSE_TABLES;
        if (word->dense == DENSE_TABLES)
            continue;
        const struct run_word other = slot->words[count];
        slot->words[count++] = *word;
        *word = other;
    }
    return count;
}

static void find_dense_of_rows(struct run *run, struct run_slot *slot)
{
    run->work += 20 * slot->row_count;
    for (u32 i = 0; i < slot->row_count; i++)
        for (u32 j = 0; j < slot->rows[i].count; j++)
            slot->rows[i].dense[j] = want_dense(run, slot->rows[i].terms[j]);
}

static void make_table(struct run *run, struct run_slot *slot)
{
    slot->windows = run_table_make(&run->part->bump, run->question.end);
    run->status = slot->windows == NULL ? STATUS_TOO_LARGE : run->status;
    run->work += 20 * (run->question.end / WINDOW_DOCS + 1);
}

static void choose_kind(struct run *run, struct run_slot *slot)
{
    slot->dense = DENSE_TABLES;
    slot->factor = SCORE_FACTOR_ONE;
    find_dense_of_rows(run, slot);
    if (wants_set(run, slot)) {
        make_set(run, slot);
        return;
    }
    const u32 dense = find_dense(run, slot);
    if (dense != 0 && slot->word_count == 1) {
        slot->dense = slot->words[0].dense;
        slot->factor = slot->words[0].factor;
        slot->windows = run->index->index.dense.tables[slot->dense].windows;
    } else if (dense != 0 || wants_table(run, slot)) {
        make_table(run, slot);
    } else {
        for (u32 i = 0; i < slot->word_count && run->status == STATUS_OK; i++)
            slot->words[i].cursor = run_cursor(run, slot->words[i].term);
    }
}

/* Would the first slot's documents, as bits, keep much out of another one's table? */
static bool wants_first_table(const struct run *run)
{
    const struct run_slot *first = &run->slots[0];
    u64 others = 0;
    for (u32 i = 1; i < run->positive_count; i++)
        if (run->slots[i].windows != NULL && run->slots[i].dense == DENSE_TABLES)
            others += run->slots[i].df;
    return others > 2 * first->df && first->windows == NULL && first->row_count == 0 &&
           run->head.share == RUN_ALL_SLOTS && !run_is_rare(run);
}

static bool step_kinds(struct run *run)
{
    for (; run->kind_at < run->slot_count && run->status == STATUS_OK; run->kind_at++) {
        if (!run_has_time(run))
            return false;
        choose_kind(run, &run->slots[run->kind_at]);
        if (run->kind_at + 1 == run->slot_count && wants_first_table(run))
            make_table(run, &run->slots[0]);
    }
    return true;
}

/* Where a term is read from, for a table. */
static struct postings_cursor *table_cursor(struct run *run, u32 term)
{
    if (!run->has_cursor) {
        postings_open(&run->table_cursor, &run->index->index, term);
        run->has_cursor = true;
        run->work += 450; /* a list and its first block, from anywhere */
    }
    return &run->table_cursor;
}

/* Tables of frequent words; true: they are complete. */
static bool step_filling(struct run *run)
{
    struct index *index = &run->index->index;
    for (; run->to_fill != 0; run->to_fill &= run->to_fill - 1) {
        const u32 number = (u32)__builtin_ctzll(run->to_fill);
        while (!dense_is_filled(&index->dense, number, run->question.end)) {
            if (!run_has_time(run))
                return false;
            dense_fill(index, number, table_cursor(run, index->dense.tables[number].term),
                       &run->work);
        }
        run->has_cursor = false;
    }
    return true;
}

/* Documents that a match must be among: those of another slot whose windows are complete; NULL: all. */
static const struct dense_window *find_base(const struct run *run, const struct run_slot *slot)
{
    for (u32 i = 0; i < run->positive_count && run->head.share == RUN_ALL_SLOTS; i++) {
        const struct run_slot *other = &run->slots[i];
        if (other != slot && other->windows != NULL && other->row_count == 0 &&
            (other->dense != DENSE_TABLES || i < run->slot_at))
            return other->windows;
    }
    return NULL;
}

/* Postings of the cursor's block, from where it stands, that are in `base`; how many. */
static u32 keep_block(const struct run *run, const struct postings_cursor *cursor,
                      const struct dense_window *base, u32 *docs, u8 *impacts)
{
    u32 kept = 0;
    for (u32 i = cursor->slot; i < cursor->count && cursor->docs[i] < run->question.end; i++) {
        const u32 doc = cursor->docs[i], at = doc % WINDOW_DOCS;
        docs[kept] = doc;
        impacts[kept] = cursor->impacts[i];
        kept += base == NULL ? 1 : (u32)(base[doc / WINDOW_DOCS].bits[at / 64] >> at % 64 & 1);
    }
    return kept;
}

/* Some postings of a word into its slot's windows, a block at a time; true: that was the last. */
static bool take_postings(struct run *run, const struct run_slot *slot, const struct run_word *word)
{
    struct postings_cursor *cursor = table_cursor(run, word->term);
    const struct dense_window *base = find_base(run, slot);
    u32 docs[POSTINGS_BLOCK];
    u8 impacts[POSTINGS_BLOCK];
    while (cursor->doc < run->question.end && run_has_time(run)) {
        const u32 last_doc = cursor->docs[cursor->count - 1];
        const u32 count = keep_block(run, cursor, base, docs, impacts);
        for (u32 i = 0; i < count; i++)
            run_table_raise(slot->windows, docs[i], run_slot_impact(word->factor, impacts[i]));
        /* A table is wider than a cache. */
        run->work += 60 + 2 * (cursor->count - cursor->slot) + 5 * count;
        (void)postings_seek(cursor, last_doc + 1);
    }
    if (cursor->doc < run->question.end)
        return false;
    run->has_cursor = false;
    return true;
}

/* The table of a frequent word is merged into the slot's; true: it is. */
static bool merge_dense(struct run *run, const struct run_slot *slot, const struct run_word *word)
{
    const struct dense_window *windows = run->index->index.dense.tables[word->dense].windows;
    for (; run->merged * WINDOW_DOCS < run->question.end; run->merged++) {
        if (!run_has_time(run))
            return false;
        run_table_merge(&slot->windows[run->merged], &windows[run->merged], word->factor,
                        run->word_at == 0);
        run->work += COST_OF_WINDOW;
    }
    run->merged = 0;
    return true;
}

/* A slot's own windows; true: they are complete. */
static bool step_windows(struct run *run, const struct run_slot *slot)
{
    if (slot->windows == NULL || slot->dense != DENSE_TABLES)
        return true;
    for (; run->word_at < slot->word_count; run->word_at++) {
        const struct run_word *word = &slot->words[run->word_at];
        if (!run_has_time(run) || !(word->dense != DENSE_TABLES ? merge_dense(run, slot, word)
                                                                : take_postings(run, slot, word)))
            return false;
    }
    run->word_at = 0;
    return true;
}

/* When windows are the way: words in a row last, so that they are looked for in what is left, and with its
 * score. */
static void sort_windows(struct run *run)
{
    u32 first = 0;
    if (run_is_rare(run) || !run_has_bits(run))
        return;
    for (u32 i = 0; i < run->positive_count; i++) {
        const struct run_slot slot = run->slots[i];
        if (slot.row_count != 0)
            continue;
        memmove(&run->slots[first + 1], &run->slots[first], (i - first) * sizeof slot);
        run->slots[first++] = slot;
    }
}

bool run_ready_step(struct run *run)
{
    if (!step_kinds(run) || !step_filling(run))
        return run->status != STATUS_OK;
    for (; run->slot_at < run->slot_count && run->status == STATUS_OK; run->slot_at++)
        if (!step_windows(run, &run->slots[run->slot_at]))
            return false;
    if (run->status != STATUS_OK || run->positive_count == 0)
        return true;
    sort_windows(run);
    if (run_wants_list(run))
        run_list_begin(run);
    return true;
}
