/* run_words: which documents of a window have the words, and how well: see run.h.
 *
 *      all slots wanted    the rarest slot first; each next one looks only at what is left
 *      some slots suffice  every slot over the whole window, then those that have enough
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run.h"

#include <string.h>

/* With fewer candidates than this each is looked up by itself. */
#define RUN_SPARSE 48u
/* With so many documents in a window, words in a row are read as windows. */
#define ROW_BY_WINDOWS 24u
/* So many are set by their impacts, and not one by one: 64 of them wait for each other. */
#define DENSE_WINDOW 160u

static bool is_strict(const struct run *run)
{
    return run->head.share == RUN_ALL_SLOTS;
}

static u32 first_doc(const struct run *run)
{
    return run->window.number * WINDOW_DOCS;
}

/* ---- a slot's single words ---- */

static void raise(struct run_window *window, u32 at, u8 impact)
{
    window->best[at] = window_has(&window->touched, at) ? MAX(window->best[at], impact) : impact;
    window_set(&window->touched, at);
}

/* Those that have an impact. */
static void find_touched(struct run_window *window)
{
    for (u32 i = 0; i < WINDOW_WORDS; i++) {
        u64 bits = 0;
#if defined(__x86_64__)
        typedef u8 lanes __attribute__((vector_size(16)));
        typedef char bytes __attribute__((vector_size(16)));
        for (u32 j = 0; j < 64; j += 16) {
            lanes sixteen;
            memcpy(&sixteen, window->best + i * 64 + j, sizeof sixteen);
            bits |= (u64)(u32)__builtin_ia32_pmovmskb128((bytes)(sixteen != 0)) << j;
        }
#else
        for (u32 j = 0; j < 64; j++)
            bits |= (u64)(window->best[i * 64 + j] != 0) << j;
#endif
        window->touched.words[i] = bits;
    }
}

/* Those of `count` postings that are in `base`. */
static u32 keep_base(struct run_window *window, u32 count, const struct window_bits *base)
{
    u32 kept = 0;
    for (u32 i = 0; i < count; i++) {
        window->docs[kept] = window->docs[i];
        window->impacts[kept] = window->impacts[i];
        kept += window_has(base, window->docs[i]) ? 1 : 0;
    }
    return kept;
}

static void take_window(struct run *run, const struct run_word *word,
                        const struct window_bits *base)
{
    struct run_window *window = &run->window;
    const u32 end = first_doc(run) + WINDOW_DOCS;
    if (word->cursor->doc >= end)
        return;
    const u32 postings =
        postings_window(word->cursor, window->number, window->docs, window->impacts);
    const u32 count = keep_base(window, postings, base);
    for (u32 i = 0; i < count && count < DENSE_WINDOW; i++)
        raise(window, window->docs[i], run_slot_impact(word->factor, window->impacts[i]));
    for (u32 i = 0; i < count && count >= DENSE_WINDOW; i++) {
        u8 *best = &window->best[window->docs[i]];
        *best = MAX(*best, run_slot_impact(word->factor, window->impacts[i]));
    }
    if (count >= DENSE_WINDOW)
        find_touched(window);
    run->work += 50 + postings + 2 * count;
}

static void take_candidates(struct run *run, const struct run_word *word,
                            const struct window_bits *base)
{
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        for (u64 bits = base->words[i]; bits != 0; bits &= bits - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
            const u32 doc = first_doc(run) + at;
            if (word->cursor->doc > doc)
                continue;
            run->work += 60;
            if (postings_seek(word->cursor, doc) == doc)
                raise(&run->window, at, run_slot_impact(word->factor, word->cursor->impact));
        }
}

/* Reading impacts of a window: few of them are each in a line of memory that is far away. */
static u32 cost_of_impacts(u32 count)
{
    return 2 * count + 8 * MIN(count, WINDOW_WORDS);
}

static void take_table(struct run *run, const struct run_slot *slot, const struct window_bits *base)
{
    struct run_window *window = &run->window;
    const struct dense_window *table = &slot->windows[window->number];
    for (u32 i = 0; i < WINDOW_WORDS; i++) {
        window->touched.words[i] = base->words[i] & table->bits[i];
        for (u64 bits = window->touched.words[i]; bits != 0; bits &= bits - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
            window->best[at] = run_slot_impact(slot->factor, table->impacts[at]);
        }
    }
    run->work += 100 + cost_of_impacts(window_count(&window->touched));
}

/* Goes on with the slot's words; true: that was the last. */
static bool take_words(struct run *run, const struct run_slot *slot, const struct window_bits *base)
{
    struct run_window *window = &run->window;
    if (slot->windows != NULL) {
        take_table(run, slot, base);
        return true;
    }
    if (window->slot_word == 0) {
        memset(window->best, 0, sizeof window->best);
        memset(&window->touched, 0, sizeof window->touched);
        run->work += 150;
    }
    const u32 count = window_count(base);
    const u64 of_window = slot->df * WINDOW_DOCS / MAX(run->question.end, WINDOW_DOCS);
    const bool is_sparse = count < RUN_SPARSE && (u64)count * 20 * slot->word_count < of_window;
    for (; window->slot_word < slot->word_count; window->slot_word++) {
        if (!run_has_time(run))
            return false;
        if (is_sparse)
            take_candidates(run, &slot->words[window->slot_word], base);
        else
            take_window(run, &slot->words[window->slot_word], base);
    }
    window->slot_word = 0;
    return true;
}

/* ---- a slot's words in a row ---- */

u8 run_row_most(struct run *run, const struct run_row *row, u32 doc, u8 rarest)
{
    u8 least = rarest;
    for (u32 i = 0; i < row->count; i++) {
        const struct dense_window *windows = run_row_windows(run, row, i);
        if (i == row->rarest)
            continue;
        if (windows != NULL) {
            const u8 impact = dense_get(windows, doc);
            if (impact == 0)
                return 0;
            least = MIN(least, impact);
            run->work += 10;
            continue;
        }
        if (postings_seek(row->cursors[i], doc) != doc)
            return 0;
        least = MIN(least, row->cursors[i]->impact);
        run->work += 40;
    }
    return least;
}

u8 run_row_impact(struct run *run, const struct run_row *row, u32 doc, u8 rarest)
{
    const u8 least = run_row_most(run, row, doc, rarest);
    if (least == 0)
        return 0;
    run->work += 200;
    return index_phrase(&run->index->index, doc, row->terms, row->count) ? least : 0;
}

/* Keeps those of the row's documents that have a frequent word of it too, with the lesser impact. */
static void keep_with_dense(struct run_window *window, const struct dense_window *word)
{
    u32 kept = 0;
    for (u32 i = 0; i < window->posting_count; i++) {
        const u16 at = window->docs[i];
        if ((word->bits[at / 64] >> at % 64 & 1) == 0)
            continue;
        window->docs[kept] = at;
        window->impacts[kept++] = MIN(window->impacts[i], word->impacts[at]);
    }
    window->posting_count = kept;
}

/* The same for another word. */
static void keep_with_word(struct run *run, struct postings_cursor *cursor)
{
    struct run_window *window = &run->window;
    u32 kept = 0;
    const u32 count =
        postings_window(cursor, window->number, window->other_docs, window->other_impacts);
    memset(window->marks, 0, sizeof window->marks);
    for (u32 i = 0; i < count; i++)
        window->marks[window->other_docs[i]] = window->other_impacts[i];
    for (u32 i = 0; i < window->posting_count; i++) {
        const u8 mark = window->marks[window->docs[i]];
        window->docs[kept] = window->docs[i];
        window->impacts[kept] = MIN(window->impacts[i], mark);
        kept += mark != 0 ? 1 : 0;
    }
    window->posting_count = kept;
    run->work += 100 + 2 * count;
}

/* The documents of the row's rarest word in the window, of those in `base`. */
static void take_rarest(struct run *run, const struct run_row *row, const struct window_bits *base)
{
    struct run_window *window = &run->window;
    struct postings_cursor *cursor = row->cursors[row->rarest];
    const struct dense_window *windows = run_row_windows(run, row, row->rarest);
    u32 count = 0, kept = 0;
    if (windows != NULL) {
        const struct dense_window *word = &windows[window->number];
        for (u32 i = 0; i < WINDOW_WORDS; i++)
            for (u64 bits = base->words[i] & word->bits[i]; bits != 0; bits &= bits - 1) {
                const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
                window->docs[kept] = (u16)at;
                window->impacts[kept++] = word->impacts[at];
            }
    } else if (cursor->doc < first_doc(run) + WINDOW_DOCS) {
        count = postings_window(cursor, window->number, window->docs, window->impacts);
    }
    if (windows == NULL)
        kept = keep_base(window, count, base);
    window->posting_count = kept;
    run->work += 100 + 2 * (count + kept);
}

/* Is it better to read the windows of words that are not frequent than to look them up for each document?
 * (Never some of them: a cursor that has read a window is behind its documents.) */
static bool is_better_by_windows(const struct run *run, const struct run_row *row, u32 count)
{
    u64 others = 0;
    for (u32 i = 0; i < row->count; i++)
        if (i != row->rarest && row->dense[i] == DENSE_TABLES)
            others += index_df(&run->index->index, row->terms[i]);
    return others == 0 ||
           (count >= ROW_BY_WINDOWS &&
            others * WINDOW_DOCS / MAX(run->question.end, WINDOW_DOCS) < 40 * (u64)count);
}

/* The row's documents in the window, of those in `base`. */
static void begin_row(struct run *run, const struct run_row *row, const struct window_bits *base)
{
    struct run_window *window = &run->window;
    take_rarest(run, row, base);
    window->at = 0;
    window->has_row = true;
    for (u32 i = 0; i < row->count; i++) {
        const struct dense_window *windows = run_row_windows(run, row, i);
        if (windows != NULL && i != row->rarest)
            keep_with_dense(window, &windows[window->number]);
    }
    window->is_row_whole = is_better_by_windows(run, row, window->posting_count);
    for (u32 i = 0; i < row->count && window->is_row_whole; i++)
        if (i != row->rarest && row->dense[i] == DENSE_TABLES)
            keep_with_word(run, row->cursors[i]);
    run->work += 2 * row->count * window->posting_count;
}

/* Can the document not change the page, if the slot in hand has this impact there at most? */
static bool is_too_little(const struct run *run, const struct run_slot *slot, u32 at, u8 impact)
{
    const struct run_list *list = &run->list;
    const u64 before = run->window.slot != 0 ? run->window.scores[at] : 0;
    return list->is_possible && slot->bit != 0 &&
           before + (u64)slot->weight * impact + list->rest[run->window.slot + 1] < list->need;
}

/* Goes on with the row in hand; true: it is done with this window. */
static bool take_row(struct run *run, const struct run_slot *slot, const struct run_row *row,
                     const struct window_bits *base)
{
    struct run_window *window = &run->window;
    if (!window->has_row)
        begin_row(run, row, base);
    for (; window->at < window->posting_count; window->at++) {
        const u32 at = window->docs[window->at], doc = first_doc(run) + at;
        u8 impact = window->impacts[window->at];
        if (!run_has_time(run))
            return false;
        if (is_too_little(run, slot, at, run_slot_impact(row->factor, impact))) {
            run->list.walk.has_skipped = true;
            run->work += 3;
            continue;
        }
        if (window->at + 4 < window->posting_count)
            index_forward_prefetch(&run->index->index,
                                   first_doc(run) + window->docs[window->at + 4]);
        if (!window->is_row_whole)
            impact = run_row_impact(run, row, doc, impact);
        else if (!index_phrase(&run->index->index, doc, row->terms, row->count))
            impact = 0;
        run->work += 100;
        if (impact != 0)
            raise(window, at, run_slot_impact(row->factor, impact));
    }
    window->has_row = false;
    return true;
}

/* ---- slots together ---- */

/* Can all slots be looked at together? The first one may be a single word. */
static bool are_windows(const struct run *run)
{
    for (u32 i = 0; i < run->positive_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        const bool is_word = i == 0 && slot->word_count == 1 && slot->words[0].cursor != NULL;
        if (slot->row_count != 0 || (slot->windows == NULL && !is_word))
            return false;
    }
    return is_strict(run) && run->positive_count != 0;
}

/* What the slots from `first` on add to a document that has all of them. */
static inline u32 score_at(const struct run *run, u32 first, const u8 *const *impacts, u32 at)
{
    u32 score = 0;
    for (u32 i = first; i < run->positive_count; i++)
        score += run->slots[i].weight * run_slot_impact(run->slots[i].factor, impacts[i][at]);
    return score;
}

/* All slots have windows; those documents that cannot change the page are left out. */
static void take_bits(struct run *run, const u8 *const *impacts, u64 least)
{
    struct run_window *window = &run->window;
    bool has_skipped = false;
    for (u32 i = 0; i < WINDOW_WORDS; i++) {
        u64 kept = window->narrow.words[i];
        for (u64 bits = kept; bits != 0; bits &= bits - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
            const u32 score = score_at(run, 0, impacts, at);
            window->scores[at] = score;
            kept &= score < least ? ~(bits & -bits) : UINT64_MAX;
        }
        window->candidates.words[i] = kept;
        has_skipped = has_skipped || kept != window->narrow.words[i];
    }
    run->list.walk.has_skipped = run->list.walk.has_skipped || has_skipped;
    run->work += 100 + run->positive_count * cost_of_impacts(window_count(&window->narrow));
}

/* The same along the postings of the first slot's word. */
static void take_postings(struct run *run, const u8 *const *impacts, u64 least)
{
    struct run_window *window = &run->window;
    const struct run_slot *slot = &run->slots[0];
    const struct run_word *word = &slot->words[0];
    const u32 postings =
        postings_window(word->cursor, window->number, window->docs, window->impacts);
    const u32 count = keep_base(window, postings, &window->narrow);
    for (u32 i = 0; i < count; i++) {
        const u32 at = window->docs[i];
        const u32 own = slot->weight * run_slot_impact(word->factor, window->impacts[i]);
        const u32 score = own + score_at(run, 1, impacts, at);
        window->scores[at] = score;
        if (score >= least)
            window_set(&window->candidates, at);
        else
            run->list.walk.has_skipped = true;
    }
    run->work += 150 + 2 * postings + run->positive_count * cost_of_impacts(count);
}

/* All positive slots at once. */
static void take_windows(struct run *run)
{
    const u8 *impacts[QUERY_WORDS_MAX] = {NULL};
    const u64 least = run->list.is_possible ? run->list.need : 0;
    for (u32 i = 0; i < run->positive_count; i++)
        if (run->slots[i].windows != NULL)
            impacts[i] = run->slots[i].windows[run->window.number].impacts;
    if (run->slots[0].windows != NULL)
        take_bits(run, impacts, least);
    else
        take_postings(run, impacts, least);
    run->window.slot = run->positive_count;
}

/* Every one of them had all slots before this one. Those that cannot change the page are left out. */
static void keep_touched(struct run *run, const struct run_slot *slot,
                         const struct window_bits *base)
{
    struct run_window *window = &run->window;
    struct run_list *list = &run->list;
    const bool is_first = window->slot == 0;
    const u64 rest = list->rest[window->slot + 1];
    const u64 least = list->is_possible && list->need > rest ? list->need - rest : 0;
    for (u32 i = 0; i < WINDOW_WORDS; i++) {
        const u64 had = base->words[i] & window->touched.words[i];
        u64 kept = had;
        for (u64 bits = had; bits != 0; bits &= bits - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
            const u32 score = slot->weight * window->best[at];
            window->scores[at] = is_first ? score : window->scores[at] + score;
            kept &= window->scores[at] < least ? ~(bits & -bits) : UINT64_MAX;
        }
        window->candidates.words[i] = kept;
        list->walk.has_skipped = list->walk.has_skipped || kept != had;
    }
    run->work += 60 + 2 * window_count(&window->candidates);
}

static void add_touched(struct run *run, const struct run_slot *slot)
{
    struct run_window *window = &run->window;
    for (u32 i = 0; i < WINDOW_WORDS; i++) {
        const u64 added = window->seen.words[i] & window->touched.words[i];
        window->candidates.words[i] |= added;
        for (u64 bits = added; bits != 0; bits &= bits - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
            window->scores[at] += slot->weight * window->best[at];
            window->words[at] |= slot->bit;
            window->weights[at] += slot->weight;
        }
    }
    run->work += 60 + 3 * window_count(&window->touched);
}

static void remove_touched(struct run_window *window)
{
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        window->candidates.words[i] &= ~window->touched.words[i];
}

/* Those that have enough slots, and all phrases. */
static void keep_sufficient(struct run *run)
{
    struct run_window *window = &run->window;
    u32 phrases = 0;
    for (u32 i = 0; i < run->positive_count; i++)
        if ((run->slots[i].flags & QUERY_SLOT_PHRASE) != 0)
            phrases |= run->slots[i].bit;
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        for (u64 bits = window->candidates.words[i]; bits != 0; bits &= bits - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
            if (score_share(window->weights[at], run->total_weight) < run->head.share ||
                (window->words[at] & phrases) != phrases)
                window_clear(&window->candidates, at);
        }
}

/* What a slot looks at. */
static const struct window_bits *base_of(const struct run *run, const struct run_slot *slot)
{
    if (slot->bit == 0 || (is_strict(run) && run->window.slot != 0))
        return &run->window.candidates;
    return is_strict(run) ? &run->window.narrow : &run->window.seen;
}

static void end_slot(struct run *run, const struct run_slot *slot, const struct window_bits *base)
{
    struct run_window *window = &run->window;
    if (slot->bit == 0)
        remove_touched(window);
    else if (is_strict(run))
        keep_touched(run, slot, base);
    else
        add_touched(run, slot);
    window->slot++;
    window->row = 0;
    window->has_words = false;
    if (!is_strict(run) && window->slot == run->positive_count)
        keep_sufficient(run);
}

/* Products that are pinned match whatever the words are. */
static void add_pins(struct run *run)
{
    struct run_window *window = &run->window;
    for (u32 i = 0; i < run->special_count; i++) {
        const struct run_special *special = &run->specials[i];
        if (special->kind == CURATION_PIN && special->doc / WINDOW_DOCS == window->number &&
            window_has(&window->seen, special->doc % WINDOW_DOCS))
            window_set(&window->candidates, special->doc % WINDOW_DOCS);
    }
}

/* Documents of the window that can have the row: by its frequent words, or none, if the rarest word is in none;
 * false: not known. */
static bool find_row(const struct run *run, const struct run_row *row, u64 *bits)
{
    bool is_found = false;
    for (u32 i = 0; i < row->count; i++) {
        const struct dense_window *windows = run_row_windows(run, row, i);
        if (windows == NULL)
            continue;
        for (u32 j = 0; j < WINDOW_WORDS; j++)
            bits[j] = (is_found ? bits[j] : UINT64_MAX) & windows[run->window.number].bits[j];
        is_found = true;
    }
    if (is_found)
        return true;
    memset(bits, 0, WINDOW_DOCS / 8);
    return postings_seek(row->cursors[row->rarest], first_doc(run)) >= first_doc(run) + WINDOW_DOCS;
}

/* Documents of the window that can have the slot: its windows' bits, or `room`; NULL: every one can. */
static const u64 *find_slot(const struct run *run, const struct run_slot *slot, u64 *room)
{
    u64 of_row[WINDOW_WORDS];
    if (slot->windows == NULL && slot->word_count != 0)
        return NULL;
    const u64 *words =
        slot->windows != NULL ? slot->windows[run->window.number].bits : dense_no_bits;
    if (slot->row_count == 0)
        return words;
    memcpy(room, words, WINDOW_DOCS / 8);
    for (u32 i = 0; i < slot->row_count; i++) {
        if (!find_row(run, &slot->rows[i], of_row))
            return NULL;
        for (u32 j = 0; j < WINDOW_WORDS; j++)
            room[j] |= of_row[j];
    }
    return room;
}

/* Frequent words are met at once: 64 documents by one instruction. */
static void make_narrow(struct run *run)
{
    struct run_window *window = &run->window;
    u64 room[WINDOW_WORDS];
    window->narrow = window->seen;
    for (u32 i = 0; i < run->slot_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        const u64 *bits = NULL;
        if (slot->bit != 0)
            bits = find_slot(run, slot, room);
        else if (slot->windows != NULL)
            bits = slot->windows[window->number].bits;
        const u64 flip = slot->bit != 0 ? 0 : UINT64_MAX;
        for (u32 j = 0; j < WINDOW_WORDS && bits != NULL; j++)
            window->narrow.words[j] &= bits[j] ^ flip;
        run->work += 60 * (1u + slot->row_count);
    }
}

static void begin_window(struct run *run)
{
    struct run_window *window = &run->window;
    (void)index_window_seen(&run->index->index, window->number, &run->question, window->seen.words);
    if (run->head.only_product_id != 0)
        for (u32 i = 0; i < WINDOW_WORDS; i++)
            window->seen.words[i] &=
                run->only_doc % WINDOW_DOCS / 64 == i ? 1ull << run->only_doc % 64 : 0;
    window->slot = 0;
    window->row = 0;
    window->slot_word = 0;
    window->has_words = false;
    window->has_row = false;
    window->is_open = true;
    if (is_strict(run) && run->positive_count != 0)
        make_narrow(run);
    if (run->positive_count == 0)
        window->candidates = window->seen;
    else
        memset(&window->candidates, 0, sizeof window->candidates);
    if (run->positive_count == 0 || !is_strict(run)) {
        memset(window->scores, 0, sizeof window->scores);
        memset(window->words, 0, sizeof window->words);
        memset(window->weights, 0, sizeof window->weights);
    }
    run->work += 300;
}

bool run_words_step(struct run *run)
{
    struct run_window *window = &run->window;
    if (!window->is_open)
        begin_window(run);
    if (window->slot == 0 && are_windows(run))
        take_windows(run);
    while (window->slot < run->slot_count) {
        const struct run_slot *slot = &run->slots[window->slot];
        const struct window_bits *base = base_of(run, slot);
        if (window_is_empty(base))
            break; /* nothing is left, or was there */
        if (!window->has_words) {
            if (!run_has_time(run) || !take_words(run, slot, base))
                return false;
            window->has_words = true;
        }
        for (; window->row < slot->row_count; window->row++)
            if (!take_row(run, slot, &slot->rows[window->row], base))
                return false;
        end_slot(run, slot, base);
    }
    window->matched = window->candidates;
    if (run->step == SEARCH_STEP_RUN)
        add_pins(run);
    return true;
}

/* ---- which window comes next ---- */

static u32 next_doc(struct run *run, const struct run_slot *slot, u32 doc)
{
    u32 next = POSTINGS_DOC_END;
    if (slot->windows != NULL)
        next = dense_next(slot->windows, doc, run->question.end);
    for (u32 i = 0; i < slot->word_count && slot->windows == NULL; i++)
        next = MIN(next, postings_seek(slot->words[i].cursor, doc));
    for (u32 i = 0; i < slot->row_count; i++) {
        const struct run_row *row = &slot->rows[i];
        next = MIN(next, postings_seek(row->cursors[row->rarest], doc));
    }
    run->work += 30 * (slot->row_count + (slot->windows != NULL ? 1u : slot->word_count));
    return next;
}

u32 run_next_window(struct run *run, u32 window)
{
    const u32 end = (run->question.end + WINDOW_DOCS - 1) / WINDOW_DOCS;
    if (run->head.only_product_id != 0) {
        const u32 only = run->only_doc / WINDOW_DOCS;
        return run->only_doc != 0 && only >= window ? only : end;
    }
    if (run->positive_count == 0 || !is_strict(run) || window >= end)
        return window;
    u32 next = next_doc(run, &run->slots[0], window * WINDOW_DOCS) / WINDOW_DOCS;
    for (u32 i = 0; i < run->special_count; i++)
        if (run->specials[i].kind == CURATION_PIN && run->specials[i].doc / WINDOW_DOCS >= window)
            next = MIN(next, run->specials[i].doc / WINDOW_DOCS);
    return next;
}
