/* run_list: documents one by one, along the rarest slot: for plans of which a match has every slot, see run.h.
 *
 *      the rarest slot's postings, in order of documents
 *         -> the other slots, looked up; the first that is missing ends it
 *         -> without filter and facets: judged at once
 *            else: gathered until the window ends, and judged as windows are
 *
 * Windows cost some hundred nanoseconds each, whatever is in them; most words are in few documents of each.
 *
 * When the total may be a lower bound (SEARCH_FLAG_AT_LEAST) and the page is full, a document whose score
 * cannot reach the page's last is left out as soon as that is known: by the impact of the rarest slot and the
 * greatest that the others can add. Of one word such postings are not even unpacked
 * (postings_next_above). That begins when as many match as keep words from being dropped, so that the
 * page is the one that a whole search gives. A slot that is not rare begins with whole windows; then it is
 * tried for one window after the other, and given up for some when too many documents had to be looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run.h"

#include <string.h>

#define STREAMS_MAX      16u
#define DOCS_OF_WINDOW   128u /* above that windows are faster, if all has to be counted */
#define DOCS_BESIDE_BITS 8u   /* the same, if another slot has bits */
#define WINDOWS_BETWEEN  8u   /* that are looked at whole, when too few could be left out */
#define AHEAD            5u
#define COST_OF_DOC      10u /* nanoseconds, about */
#define COST_OF_LOOK_UP  60u
#define COST_OF_FORWARD  150u
#define COST_OF_MATCH    40u

/* ---- is it the way to go? ---- */

static bool may_leave_out(const struct run *run)
{
    return (run->head.flags & SEARCH_FLAG_AT_LEAST) != 0 && run->facet_run == NULL &&
           run->head.sort == SEARCH_SORT_RELEVANCE && run->top.capacity != 0;
}

/* Few documents of a window are in a slot that is so rare. With bits of another one, windows are faster
 * sooner; sets are for lists alone. */
bool run_is_rare(const struct run *run)
{
    bool has_windows = false;
    for (u32 i = 1; i < run->positive_count; i++) {
        has_windows = has_windows || run->slots[i].windows != NULL;
        if (run->slots[i].set_terms != NULL)
            return true;
    }
    return run->slots[0].df / (has_windows ? DOCS_BESIDE_BITS : DOCS_OF_WINDOW) <=
           run->question.end / WINDOW_DOCS;
}

/* Documents as bits? */
static bool is_dense(const struct run_slot *slot)
{
    return slot->windows != NULL || (slot->word_count == 0 && slot->row_count == 1 &&
                                     slot->rows[0].dense[slot->rows[0].rarest] != DENSE_TABLES);
}

bool run_has_bits(const struct run *run)
{
    for (u32 i = 0; i < run->positive_count; i++)
        if (is_dense(&run->slots[i]))
            return true;
    return false;
}

bool run_wants_list(const struct run *run)
{
    const struct run_slot *slot = &run->slots[0];
    if (run->step != SEARCH_STEP_RUN || run->head.share != RUN_ALL_SLOTS ||
        run->positive_count == 0 || run->special_count != 0 || run->head.only_product_id != 0 ||
        slot->row_count >= STREAMS_MAX - RUN_FEW_WORDS)
        return false;
    return may_leave_out(run) || run_is_rare(run);
}

void run_list_begin(struct run *run)
{
    struct run_list *list = &run->list;
    const struct run_slot *slot = &run->slots[0];
    list->streams = run_acquire(run, STREAMS_MAX * sizeof list->streams[0]);
    if (list->streams == NULL)
        return;
    if (slot->windows != NULL)
        list->streams[list->stream_count++] = (struct run_stream){
            .doc = dense_next(slot->windows, 0, run->question.end), .factor = slot->factor};
    for (u32 i = 0; i < slot->word_count && slot->windows == NULL; i++)
        list->streams[list->stream_count++] =
            (struct run_stream){.cursor = slot->words[i].cursor, .factor = slot->words[i].factor};
    for (u32 i = 0; i < slot->row_count; i++)
        list->streams[list->stream_count++] = (struct run_stream){
            .cursor = slot->rows[i].cursors[slot->rows[i].rarest], .factor = slot->rows[i].factor};
    for (u32 i = run->positive_count; i-- > 0;)
        list->rest[i] = list->rest[i + 1] + run->slots[i].weight * run->slots[i].most;
    list->is_direct = run->filter == NULL && run->collection == NULL && run->facet_run == NULL;
    list->may_leave_out = may_leave_out(run);
    list->is_rare = run_is_rare(run);
    list->has_bits = run_has_bits(run);
    list->is_possible = true;
    for (u32 i = 1; i < run->slot_count; i++)
        list->has_sets = list->has_sets || run->slots[i].set_terms != NULL;
}

/* ---- what a match must have at least ---- */

/* The least text score that may still change the page; 0: every one. */
static u64 least_score(const struct run *run)
{
    const struct run_top *top = &run->top;
    if (!run->list.may_leave_out || top->count < top->capacity ||
        run->word_total < run->head.drop_below)
        return 0;
    return (top->entries[0].key >> 32) * MAX(run->profile.bucket, 1u);
}

/* The least impact of a posting of the stream; above SCORE_IMPACT_MAX: nothing can reach it. */
static u16 least_impact(const struct run *run, const struct run_stream *stream)
{
    const u64 rest = run->list.rest[1];
    const u64 missing = run->list.need > rest ? run->list.need - rest : 0;
    const u32 weight = MAX(run->slots[0].weight, 1u);
    const u64 of_slot = (missing + weight - 1) / weight;
    if (of_slot <= 1) /* every posting has that: run_slot_impact */
        return 1;
    return (u16)MIN((of_slot * SCORE_FACTOR_ONE + stream->factor - 1) / stream->factor,
                    SCORE_IMPACT_MAX + 1);
}

/* The last of the page may have become better. */
static void look_at_page(struct run *run)
{
    struct run_list *list = &run->list;
    const u64 need = least_score(run);
    if (need == list->need)
        return;
    list->need = need;
    for (u32 i = 0; i < list->stream_count; i++)
        list->streams[i].least = least_impact(run, &list->streams[i]);
}

/* ---- slots of a document ---- */

static u8 impact_by_set(struct run *run, const struct run_slot *slot, u32 doc)
{
    struct forward_reader reader = forward_begin(index_forward(&run->index->index, doc));
    struct index_token token;
    u8 best = 0;
    run->work += COST_OF_FORWARD;
    while (forward_next(&reader, &token)) {
        const u32 factor = reader.is_first ? run_set_factor(slot, token.term) : 0;
        if (factor == 0)
            continue;
        const u8 impact = postings_impact_of(&run->index->index, token.term, doc);
        best = MAX(best, run_slot_impact(factor, impact));
        run->work += COST_OF_FORWARD;
    }
    return best;
}

/* Of words in a row; `is_sure`: where they stand is looked at, else it is what they have at most. */
static u8 impact_of_row(struct run *run, const struct run_row *row, u32 doc, bool is_sure)
{
    struct postings_cursor *rarest = row->cursors[row->rarest];
    run->work += COST_OF_LOOK_UP;
    if (postings_seek(rarest, doc) != doc)
        return 0;
    const u8 impact = is_sure ? run_row_impact(run, row, doc, rarest->impact)
                              : run_row_most(run, row, doc, rarest->impact);
    return impact != 0 ? run_slot_impact(row->factor, impact) : 0;
}

/* 0: the document does not have the slot. */
static u8 impact_of_slot(struct run *run, const struct run_slot *slot, u32 doc, bool is_sure)
{
    u8 best = 0;
    if (slot->windows != NULL)
        best = run_windows_impact(slot, doc);
    else if (slot->set_terms != NULL)
        best = impact_by_set(run, slot, doc);
    for (u32 i = 0; i < slot->word_count && slot->words[i].cursor != NULL; i++) {
        const struct run_word *word = &slot->words[i];
        run->work += COST_OF_LOOK_UP;
        if (postings_seek(word->cursor, doc) == doc)
            best = MAX(best, run_slot_impact(word->factor, word->cursor->impact));
    }
    for (u32 i = 0; i < slot->row_count; i++)
        best = MAX(best, impact_of_row(run, &slot->rows[i], doc, is_sure));
    return best;
}

static u32 stream_doc(const struct run_stream *stream)
{
    return stream->cursor != NULL ? stream->cursor->doc : stream->doc;
}

/* What the first slot, whose streams stand at the document or after it, has at most. */
static u8 most_of_streams(const struct run *run, u32 doc)
{
    const struct run_list *list = &run->list;
    u8 most = 0;
    for (u32 i = 0; i < list->stream_count; i++) {
        const struct run_stream *stream = &list->streams[i];
        if (stream_doc(stream) != doc)
            continue;
        const u8 impact = stream->cursor != NULL
                              ? run_slot_impact(stream->factor, stream->cursor->impact)
                              : run_windows_impact(&run->slots[0], doc);
        most = MAX(most, impact);
    }
    return most;
}

/* What a slot of one word adds at most, by its block: no block is unpacked for that. */
static u32 most_of_slot(const struct run_slot *slot, u32 doc)
{
    struct run_word *word = &slot->words[0];
    if (slot->word_count != 1 || slot->row_count != 0 || word->cursor == NULL)
        return slot->weight * slot->most;
    if (doc > word->bound_doc)
        word->bound =
            run_slot_impact(word->factor, postings_block_max(word->cursor, doc, &word->bound_doc));
    return slot->weight * word->bound;
}

static bool is_too_little(struct run_list *list, u64 score)
{
    list->walk.has_skipped = list->walk.has_skipped || score < list->need;
    return score < list->need;
}

/* The text score of a document that has every slot and may change the page; false: another. First
 * without a look at where words stand, as that is far away in memory. */
static bool score_of(struct run *run, u32 doc, u32 *score)
{
    struct run_list *list = &run->list;
    u8 impacts[QUERY_WORDS_MAX];
    *score = 0;
    if (is_too_little(list, run->slots[0].weight * most_of_streams(run, doc) + list->rest[1]))
        return false;
    for (u32 i = 0; i < run->positive_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        if (list->need != 0 && i != 0 &&
            is_too_little(list, *score + most_of_slot(slot, doc) + list->rest[i + 1]))
            return false;
        impacts[i] = impact_of_slot(run, slot, doc, false);
        if (impacts[i] == 0)
            return false;
        *score += slot->weight * impacts[i];
    }
    for (u32 i = 0; i < run->slot_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        if (is_too_little(list, *score))
            return false;
        if (slot->bit == 0) {
            if (impact_of_slot(run, slot, doc, true) != 0)
                return false;
        } else if (slot->row_count != 0) {
            const u8 impact = impact_of_slot(run, slot, doc, true);
            if (impact == 0)
                return false;
            *score -= slot->weight * (u32)(impacts[i] - impact);
        }
    }
    return !is_too_little(list, *score);
}

/* ---- documents ---- */

static void take_doc(struct run *run, u32 doc)
{
    struct run_window *window = &run->window;
    u32 score;
    if (!score_of(run, doc, &score) || !index_sees(&run->index->index, &run->question, doc))
        return;
    if (run->list.is_direct) {
        run_judge_doc(run, doc, score);
        look_at_page(run);
        run->work += COST_OF_MATCH;
        return;
    }
    window->number = doc / WINDOW_DOCS;
    window_set(&window->candidates, doc % WINDOW_DOCS);
    window->scores[doc % WINDOW_DOCS] = score;
    window->is_open = true;
    run->work += COST_OF_DOC;
}

/* The document that the streams come to next. */
static u32 next_doc(const struct run_list *list)
{
    u32 doc = POSTINGS_DOC_END;
    for (u32 i = 0; i < list->stream_count; i++)
        doc = MIN(doc, stream_doc(&list->streams[i]));
    return doc;
}

/* Nothing in it can change the page any more. */
static void leave_stream(struct run_list *list, struct run_stream *stream)
{
    list->walk.has_skipped = true;
    *stream = list->streams[--list->stream_count];
}

/* Words of documents are far away in memory: they are fetched while those before are looked at. */
static void fetch_ahead(const struct run *run)
{
    const struct run_stream *stream = &run->list.streams[0];
    const struct postings_cursor *cursor = stream->cursor;
    if (run->list.stream_count != 1 || cursor == NULL)
        return;
    const u32 far = cursor->slot + 2 * AHEAD, near = cursor->slot + AHEAD;
    if (far < cursor->count && cursor->impacts[far] >= stream->least)
        index_place_prefetch(&run->index->index, cursor->docs[far]);
    if (near < cursor->count && cursor->impacts[near] >= stream->least)
        index_forward_prefetch(&run->index->index, cursor->docs[near]);
}

static void leave_doc_of_windows(struct run *run, struct run_stream *stream)
{
    const u32 before = stream->doc, end = run->question.end;
    stream->doc = dense_next(run->slots[0].windows, before + 1, end);
    run->list.walk.work += (MIN(stream->doc, end) - before) / 128;
}

static void leave_doc(struct run *run, u32 doc)
{
    struct run_list *list = &run->list;
    for (u32 i = list->stream_count; i-- > 0;) {
        struct run_stream *stream = &list->streams[i];
        if (stream_doc(stream) != doc)
            continue;
        list->walk.work = COST_OF_DOC;
        if (stream->cursor == NULL)
            leave_doc_of_windows(run, stream);
        else if (stream->least <= 1)
            (void)postings_next(stream->cursor);
        else if (stream->least <= SCORE_IMPACT_MAX)
            (void)postings_next_above(stream->cursor, (u8)stream->least, &list->walk);
        else
            leave_stream(list, stream);
        run->work += list->walk.work;
    }
}

/* What has been gathered of a window is judged; false: not to the end yet. */
static bool judge_window(struct run *run)
{
    run->window.matched = run->window.candidates;
    if (!run_match_step(run))
        return false;
    memset(&run->window.candidates, 0, sizeof run->window.candidates);
    look_at_page(run);
    return true;
}

/* Windows that were looked at whole are behind: streams go on with this one. */
static void catch_up(struct run *run)
{
    const u32 first = run->window.number * WINDOW_DOCS;
    for (u32 i = 0; i < run->list.stream_count; i++) {
        struct run_stream *stream = &run->list.streams[i];
        if (stream_doc(stream) >= first)
            continue;
        if (stream->cursor != NULL)
            (void)postings_seek(stream->cursor, first);
        else
            stream->doc = dense_next(run->slots[0].windows, first, run->question.end);
        run->work += COST_OF_LOOK_UP;
    }
}

bool run_list_starts(struct run *run)
{
    struct run_list *list = &run->list;
    const u32 number = run->window.number;
    if (!list->is_possible)
        return false;
    look_at_page(run);
    if (list->is_rare || list->stream_count == 0)
        list->end = run->question.end;
    else if (list->need != 0 && !list->has_bits && number >= list->retry)
        list->end = MIN((number + 1) * WINDOW_DOCS, run->question.end);
    else
        return false;
    list->docs_seen = 0;
    list->is_now = true;
    catch_up(run);
    if (!list->is_direct)
        memset(&run->window.candidates, 0, sizeof run->window.candidates);
    return true;
}

/* The stretch is over. */
static void stop(struct run *run)
{
    struct run_list *list = &run->list;
    run->window.number = (list->end + WINDOW_DOCS - 1) / WINDOW_DOCS;
    if (list->docs_seen > DOCS_OF_WINDOW)
        list->retry = run->window.number + WINDOWS_BETWEEN;
    list->is_now = false;
}

void run_list_step(struct run *run)
{
    struct run_list *list = &run->list;
    const u32 end = run->part->is_late ? 0 : list->end;
    while (run_has_time(run) && run->status == STATUS_OK) {
        const u32 doc = next_doc(list);
        if (run->window.is_open && (doc >= end || doc / WINDOW_DOCS != run->window.number)) {
            if (!judge_window(run))
                return;
            continue;
        }
        if (doc >= end) {
            stop(run);
            return;
        }
        if (list->has_sets)
            fetch_ahead(run);
        take_doc(run, doc);
        leave_doc(run, doc);
        list->docs_seen++;
    }
}
