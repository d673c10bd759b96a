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
 * page is the one that a whole search gives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run.h"

#include <string.h>

#define STREAMS_MAX     8u
#define DOCS_OF_WINDOW  128u /* above that windows are faster, if all has to be counted */
#define COST_OF_DOC     10u  /* nanoseconds, about */
#define COST_OF_LOOK_UP 60u
#define COST_OF_FORWARD 150u
#define COST_OF_MATCH   40u

/* ---- is it the way to go? ---- */

static bool may_leave_out(const struct run *run)
{
    return (run->head.flags & SEARCH_FLAG_AT_LEAST) != 0 && run->facet_run == NULL &&
           run->head.sort == SEARCH_SORT_RELEVANCE && run->top.capacity != 0;
}

bool run_wants_list(const struct run *run)
{
    const struct run_slot *slot = &run->slots[0];
    if (run->step != SEARCH_STEP_RUN || run->head.share != RUN_ALL_SLOTS ||
        run->positive_count == 0 || run->special_count != 0 || run->head.only_product_id != 0 ||
        slot->word_count + slot->row_count > STREAMS_MAX)
        return false;
    return (may_leave_out(run) && slot->word_count + slot->row_count == 1) ||
           slot->df / DOCS_OF_WINDOW <= run->question.end / WINDOW_DOCS;
}

void run_list_begin(struct run *run)
{
    struct run_list *list = &run->list;
    const struct run_slot *slot = &run->slots[0];
    list->streams = run_acquire(run, STREAMS_MAX * sizeof list->streams[0]);
    if (list->streams == NULL)
        return;
    for (u32 i = 0; i < slot->word_count; i++)
        list->streams[list->stream_count++] =
            (struct run_stream){.cursor = slot->words[i].cursor, .factor = slot->words[i].factor};
    for (u32 i = 0; i < slot->row_count; i++)
        list->streams[list->stream_count++] =
            (struct run_stream){.cursor = slot->rows[i].cursors[slot->rows[i].rarest],
                                .row = &slot->rows[i],
                                .factor = slot->rows[i].factor};
    for (u32 i = run->positive_count; i-- > 0;)
        list->rest[i] = list->rest[i + 1] + run->slots[i].weight * run->slots[i].most;
    list->is_direct = run->filter == NULL && run->collection == NULL && run->facet_run == NULL;
    list->may_leave_out = may_leave_out(run);
    list->is_used = true;
    memset(&run->window.candidates, 0, sizeof run->window.candidates);
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

/* The least impact of the only stream; above 255: nothing can reach it. */
static u32 least_impact(const struct run *run)
{
    const u64 rest = run->list.rest[1];
    const u64 missing = run->list.need > rest ? run->list.need - rest : 0;
    const u32 weight = MAX(run->slots[0].weight, 1u);
    const u64 of_slot = (missing + weight - 1) / weight;
    if (of_slot <= 1) /* every posting has that: run_slot_impact */
        return 1;
    return (u32)MIN((of_slot * SCORE_FACTOR_ONE + run->list.streams[0].factor - 1) /
                        run->list.streams[0].factor,
                    UINT16_MAX);
}

/* The last of the page may have become better. */
static void look_at_page(struct run *run)
{
    struct run_list *list = &run->list;
    const u64 need = least_score(run);
    if (need == list->need)
        return;
    list->need = need;
    list->least = list->stream_count == 1 ? least_impact(run) : 0;
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

/* Of a slot but the first; 0: the document does not have it. */
static u8 impact_of_slot(struct run *run, const struct run_slot *slot, u32 doc)
{
    u8 best = 0;
    if (slot->tables != NULL)
        best = slot->tables[doc / RUN_TABLE_DOCS][doc % RUN_TABLE_DOCS];
    else if (slot->set_terms != NULL)
        best = impact_by_set(run, slot, doc);
    for (u32 i = 0; i < slot->word_count && slot->words[i].cursor != NULL; i++) {
        const struct run_word *word = &slot->words[i];
        run->work += COST_OF_LOOK_UP;
        if (postings_seek(word->cursor, doc) == doc)
            best = MAX(best, run_slot_impact(word->factor, word->cursor->impact));
    }
    for (u32 i = 0; i < slot->row_count; i++) {
        const struct run_row *row = &slot->rows[i];
        struct postings_cursor *rarest = row->cursors[row->rarest];
        const u8 impact =
            postings_seek(rarest, doc) == doc ? run_row_impact(run, row, doc, rarest->impact) : 0;
        if (impact != 0)
            best = MAX(best, run_slot_impact(row->factor, impact));
    }
    return best;
}

/* The same of the first slot, whose streams stand at the document or after it. */
static u8 impact_of_streams(struct run *run, u32 doc)
{
    struct run_list *list = &run->list;
    u8 best = 0, most = 0;
    for (u32 i = 0; i < list->stream_count; i++)
        if (list->streams[i].cursor->doc == doc)
            most = MAX(most,
                       run_slot_impact(list->streams[i].factor, list->streams[i].cursor->impact));
    if ((u64)run->slots[0].weight * most + list->rest[1] < list->need) {
        run->list.walk.has_skipped = true;
        return 0;
    }
    for (u32 i = 0; i < list->stream_count; i++) {
        const struct run_stream *stream = &list->streams[i];
        if (stream->cursor->doc != doc)
            continue;
        const u8 impact = stream->row == NULL
                              ? stream->cursor->impact
                              : run_row_impact(run, stream->row, doc, stream->cursor->impact);
        if (impact != 0)
            best = MAX(best, run_slot_impact(stream->factor, impact));
    }
    return best;
}

/* The text score of a document that has every slot and may change the page; false: another. */
static bool score_of(struct run *run, u32 doc, u32 *score)
{
    struct run_list *list = &run->list;
    const u8 first = impact_of_streams(run, doc);
    if (first == 0)
        return false;
    *score = run->slots[0].weight * first;
    for (u32 i = 1; i < run->slot_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        if (slot->bit != 0 && *score + list->rest[i] < list->need) {
            list->walk.has_skipped = true;
            return false;
        }
        const u8 impact = impact_of_slot(run, slot, doc);
        if ((impact == 0) != (slot->bit == 0))
            return false;
        *score += slot->bit != 0 ? slot->weight * impact : 0;
    }
    if (*score < list->need) {
        list->walk.has_skipped = true;
        return false;
    }
    return true;
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
        doc = MIN(doc, list->streams[i].cursor->doc);
    return doc;
}

static void leave_doc(struct run *run, u32 doc)
{
    struct run_list *list = &run->list;
    run->work += COST_OF_DOC * list->stream_count;
    if (list->stream_count == 1 && list->least > 1) {
        if (list->least > SCORE_IMPACT_MAX) {
            list->walk.has_skipped = true;
            list->is_over = true;
            return;
        }
        list->walk.work = 0;
        (void)postings_next_above(list->streams[0].cursor, (u8)list->least, &list->walk);
        run->work += list->walk.work;
        return;
    }
    for (u32 i = 0; i < list->stream_count; i++)
        if (list->streams[i].cursor->doc == doc)
            (void)postings_next(list->streams[i].cursor);
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

bool run_list_step(struct run *run)
{
    struct run_list *list = &run->list;
    if (run->part->is_late && !list->is_over) {
        run->notes |= SEARCH_NOTE_PARTIAL;
        list->is_over = true;
    }
    while (run_has_time(run) && run->status == STATUS_OK) {
        const u32 doc = list->is_over ? POSTINGS_DOC_END : next_doc(list);
        const bool is_end = doc >= run->question.end;
        if (run->window.is_open && (is_end || doc / WINDOW_DOCS != run->window.number)) {
            if (!judge_window(run))
                return false;
            continue;
        }
        if (is_end) {
            run->notes |= list->walk.has_skipped ? SEARCH_NOTE_AT_LEAST : 0;
            return true;
        }
        take_doc(run, doc);
        leave_doc(run, doc);
    }
    return false;
}
