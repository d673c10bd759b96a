/* run: the phases of a run, one slice at a time: see run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run.h"

#include "shards/shard_state.h"

/* ---- windows ---- */

/* Can no document of the window come before the worst of the best? Then it need not be looked at, if
 * the total may be a lower bound. */
static bool may_skip(const struct run *run)
{
    u64 bound = 0;
    if ((run->head.flags & SEARCH_FLAG_AT_LEAST) == 0 || run->facet_run != NULL ||
        run->step != SEARCH_STEP_RUN || run->head.sort != SEARCH_SORT_RELEVANCE ||
        run->special_count != 0 || run->top.count < run->top.capacity || run->top.capacity == 0 ||
        run->positive_count == 0 || run->word_total < run->head.drop_below)
        return false;
    for (u32 i = 0; i < run->positive_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        u32 most = slot->windows != NULL ? slot->most : 0;
        for (u32 j = 0; j < slot->word_count && slot->windows == NULL; j++) {
            const struct postings_cursor *cursor = slot->words[j].cursor;
            if (cursor->doc / WINDOW_DOCS <= run->window.number)
                most = MAX(most,
                           (u32)run_slot_impact(slot->words[j].factor,
                                                postings_window_max(cursor, run->window.number)));
        }
        if (slot->row_count != 0)
            most = UINT8_MAX;
        bound += (u64)slot->weight * most;
    }
    const u64 bucket = MAX(run->profile.bucket, 1u);
    return MIN(bound, UINT32_MAX) / bucket < run->top.entries[0].key >> 32;
}

/* One window, or a part of it, or some documents of the rarest slot; false: there is none. */
static bool step_window(struct run *run)
{
    struct run_window *window = &run->window;
    const u32 end = (run->question.end + WINDOW_DOCS - 1) / WINDOW_DOCS;
    if (run->list.is_now) {
        run_list_step(run);
        return true;
    }
    if (!window->is_open) {
        if (run->part->is_late && !run->is_over) {
            run->notes |= SEARCH_NOTE_PARTIAL;
            run->is_over = true;
        }
        window->number = run_next_window(run, window->number);
        if (run->is_over || window->number >= end || run->status != STATUS_OK)
            return false;
        if (run_list_starts(run))
            return true;
        if (may_skip(run)) {
            run->notes |= SEARCH_NOTE_AT_LEAST;
            run->work += 500;
            window->number++;
            return true;
        }
    }
    if (!window->is_judging && !run_words_step(run))
        return true;
    if (run_match_step(run))
        window->number++;
    return true;
}

static bool run_windows_step(struct run *run)
{
    while (run_has_time(run) && run->status == STATUS_OK)
        if (!step_window(run))
            return true;
    return false;
}

/* ---- the reply ---- */

static void begin_reply(struct run *run)
{
    run->pack.data = bump_acquire(&run->part->bump, PART_BYTES_MAX);
    run->pack.capacity = PART_BYTES_MAX;
    if (run->pack.data == NULL) {
        run->status = STATUS_TOO_LARGE;
        return;
    }
    if (run->step == SEARCH_STEP_SLOTS) {
        pack_bytes(&run->pack, run->counts, sizeof run->counts);
        return;
    }
    if (run->step == SEARCH_STEP_DETAILS)
        return;
    const u32 findings = run->facet_run != NULL ? facet_bytes(run->facet_run) : 0;
    if (findings == UINT32_MAX) {
        run->status = STATUS_TOO_LARGE;
        return;
    }
    const struct run_found found = {
        .total = run->total,
        .word_total = run->word_total,
        .notes = run->notes | (run->list.walk.has_skipped ? SEARCH_NOTE_AT_LEAST : 0u),
        .hit_count = run->top.count,
        .pin_count = run->pin_count,
        .ad_count = run->ad_count,
        .has_details = run->head.limit <= RUN_INLINE_HITS ? 1 : 0,
        .facet_bytes = findings,
    };
    pack_bytes(&run->pack, &found, sizeof found);
    run->findings = pack_room(&run->pack, findings);
}

#define WRITTEN_AT_ONCE 256u
#define COST_WRITTEN    5u /* nanoseconds for each, about */

/* Some of the counts of facets, then of the hits, at last pins and ads. */
static bool write_step(struct run *run)
{
    if (run->step != SEARCH_STEP_RUN || run->status != STATUS_OK || run->pack.is_full)
        return true;
    while (run->facet_run != NULL && !run->has_findings) {
        if (!run_has_time(run))
            return false;
        run->has_findings = facet_write(run->facet_run, run->findings, WRITTEN_AT_ONCE);
        run->work += COST_WRITTEN * WRITTEN_AT_ONCE / 2;
    }
    while (run->written != run->top.count) {
        const u32 count = MIN(WRITTEN_AT_ONCE, run->top.count - run->written);
        if (!run_has_time(run))
            return false;
        pack_bytes(&run->pack, run->top.entries + run->written,
                   count * (u32)sizeof run->top.entries[0]);
        run->written += count;
        run->work += COST_WRITTEN * count;
    }
    pack_bytes(&run->pack, run->pins, run->pin_count * (u32)sizeof run->pins[0]);
    pack_bytes(&run->pack, run->ads, run->ad_count * (u32)sizeof run->ads[0]);
    return true;
}

static void end_run(struct run *run)
{
    struct msg_search_part_rsp *reply = (void *)run->part->reply;
    reply->first_lsn = run->part->first_lsn;
    reply->last_lsn = run->shard->applied_lsn;
    reply->head.status = run->pack.is_full ? STATUS_TOO_LARGE : run->status;
    if (reply->head.status == STATUS_OK)
        run->part->reply_spans[SPAN_OF(search_part_rsp, data)] =
            (struct span){.data = run->pack.data, .bytes = run->pack.used};
}

/* ---- phases ---- */

#define SORTED_AT_ONCE 64u
#define COST_SORTED    120u /* nanoseconds for each, about */

static bool sort_step(struct run *run)
{
    while (run_has_time(run)) {
        run->work += MIN(SORTED_AT_ONCE, run->top.count) * COST_SORTED;
        if (run_top_sort(&run->top, SORTED_AT_ONCE))
            return true;
    }
    return false;
}

/* Some work of the phase; true: it is over. */
static bool step_phase(struct run *run)
{
    switch (run->phase) {
    case RUN_PHASE_SLOTS: return run_slots_step(run);
    case RUN_PHASE_READY:
        return run->step == SEARCH_STEP_DETAILS ? run_docs_step(run) : run_ready_step(run);
    case RUN_PHASE_WINDOWS: return run->step == SEARCH_STEP_DETAILS || run_windows_step(run);
    case RUN_PHASE_FACETS: {
        const u32 work = MAX(QUERY_SLICE_WORK - run->work, 100u); /* what it takes at least */
        if (run->facet_run == NULL)
            return true;
        run->work = QUERY_SLICE_WORK;
        return facet_finish(run->facet_run, work);
    }
    case RUN_PHASE_SORT: return run->step == SEARCH_STEP_DETAILS || sort_step(run);
    case RUN_PHASE_ADS:
        if (run->step == SEARCH_STEP_RUN)
            run_find_ads(run);
        begin_reply(run);
        return true;
    case RUN_PHASE_HITS: return write_step(run);
    case RUN_PHASE_DETAILS: return run->step == SEARCH_STEP_SLOTS || run_details_step(run);
    case RUN_PHASE_REPLY: break;
    }
    return true;
}

/* The part is over, answered or dropped. */
static void end_question(struct shard *shard, struct part *part)
{
    struct run *run = part->state;
    search_question_end(&shard->search, &run->question);
}

/* Windows of frequent words may have moved since the last slice. */
static void find_windows(struct run *run)
{
    for (u32 i = 0; i < run->slot_count; i++) {
        struct run_slot *slot = &run->slots[i];
        if (slot->windows != NULL && slot->dense != DENSE_TABLES)
            slot->windows = run->index->index.dense.tables[slot->dense].windows;
    }
}

bool run_step(struct shard *shard, struct part *part, enum search_step step)
{
    if (part->state == NULL) {
        part->state = run_begin(shard, part, step);
        part->on_end = end_question;
    }
    struct run *run = part->state;
    run->work = 0;
    find_windows(run);
    while (run->phase != RUN_PHASE_REPLY) {
        if (!run_has_time(run))
            return false;
        if (step_phase(run) || run->status != STATUS_OK)
            run->phase = run->status != STATUS_OK ? RUN_PHASE_REPLY : run->phase + 1;
    }
    end_run(run);
    return true;
}
