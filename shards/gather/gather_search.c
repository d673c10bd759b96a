/* gather_search: see gather_search.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather_search.h"

#include <string.h>

#include "proto/checksum.h"

#define ADS_MAX 10u

static struct msg_search_rsp *reply_of(struct gather *gather)
{
    return (struct msg_search_rsp *)(void *)gather->reply;
}

/* Puts the reason in the reply. */
static void tell_problem(struct gather *gather, u16 status, u32 at, struct span reason)
{
    gather_refuse(gather, status);
    reply_of(gather)->error_at = at;
    gather->reply_spans[SPAN_OF(search_rsp, problem)] =
        (struct span){.data = reason.data, .bytes = MIN(reason.bytes, 256u)};
}

void search_refuse(struct gather *gather, struct search_state *state, u16 status)
{
    gather->open_count = 0; /* what this round has asked so far stays unsent */
    gather_refuse(gather, status);
    search_go(state, SEARCH_STAGE_END);
}

void search_refuse_filter(struct gather *gather, struct search_state *state,
                          const struct filter_problem *problem)
{
    struct filter_problem *kept = gather_acquire(gather, sizeof *kept);
    search_go(state, SEARCH_STAGE_END);
    if (problem->text_bytes == 0 || kept == NULL) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    *kept = *problem;
    tell_problem(gather, STATUS_BAD_FILTER, kept->at,
                 (struct span){.data = kept->text, .bytes = kept->text_bytes});
}

/* ---- judging ---- */

static bool numbers_good(const struct msg_search_req *request)
{
    return request->limit <= SEARCH_LIMIT_MAX && request->offset <= SEARCH_OFFSET_MAX &&
           (request->flags & ~(u32)SEARCH_FLAGS_ALL) == 0 && request->sort < SEARCH_SORT_COUNT &&
           request->ads <= ADS_MAX && request->bars <= FACET_BARS_MAX;
}

/* What a cursor is bound to. */
static u64 fingerprint_of(const struct gather *gather, const struct msg_search_req *request)
{
    u64 parts[9] = {request->user_id, request->profile_id, request->collection_id,
                    request->only_product_id, (u64)request->flags << 16 | request->sort};
    const struct span query = gather->spans[SPAN_OF(search_req, query)];
    const struct span filter = gather->spans[SPAN_OF(search_req, filter)];
    parts[5] = checksum64(query.data, query.bytes);
    parts[6] = checksum64(filter.data, filter.bytes);
    parts[7] = query.bytes;
    parts[8] = filter.bytes;
    return checksum64(parts, sizeof parts);
}

static bool read_cursor(const struct gather *gather, struct search_state *state)
{
    const struct span span = gather->spans[SPAN_OF(search_req, cursor)];
    const u64 fingerprint = fingerprint_of(gather, &state->request);
    if (span.bytes == 0) {
        state->cursor = (struct search_cursor){.fingerprint = fingerprint, .key = UINT64_MAX};
        return true;
    }
    if (span.bytes != sizeof state->cursor)
        return false;
    memcpy(&state->cursor, span.data, sizeof state->cursor);
    return state->cursor.fingerprint == fingerprint &&
           state->cursor.check == checksum64(&state->cursor, offsetof(struct search_cursor, check));
}

/* The category that the filter asks for at its top level, and nothing but it. */
static u64 category_of(const struct filter *filter)
{
    if (filter == NULL || filter->node_count == 0)
        return 0;
    const struct filter_node *nodes = filter_nodes(filter);
    const bool is_list = nodes[0].kind == FILTER_KIND_AND;
    if (!is_list && nodes[0].kind != FILTER_KIND_TERM)
        return 0;
    for (u32 at = is_list ? 1 : 0; at < nodes[0].size; at += nodes[at].size) {
        if (nodes[at].kind != FILTER_KIND_TERM || nodes[at].is_not != 0)
            continue;
        const struct filter_term *term = &filter_terms(filter)[nodes[at].term];
        const struct filter_value *value = &filter_values(filter)[term->first_value];
        if (term->field != FILTER_FIELD_CATEGORY || term->value_count != 1)
            continue;
        const struct span code = filter_text(filter, value->text_offset, value->text_bytes);
        return id_from_code(code.data, code.bytes);
    }
    return 0;
}

/* False: the reply says what is wrong. */
static bool judge(struct gather *gather, struct search_state *state)
{
    const struct span *spans = gather->spans;
    struct filter_problem problem = {0};
    if (!numbers_good(&state->request)) {
        gather_refuse(gather, STATUS_BAD_ARGUMENT);
        return false;
    }
    const char *wrong = query_text_parse(&state->text, spans[SPAN_OF(search_req, query)]);
    if (wrong != NULL) {
        u32 bytes = 0;
        while (bytes < 256 && wrong[bytes] != 0)
            bytes++;
        tell_problem(gather, STATUS_BAD_QUERY, state->text.error_at,
                     (struct span){.data = (const u8 *)wrong, .bytes = bytes});
        return false;
    }
    state->filter = filter_parse(spans[SPAN_OF(search_req, filter)], &gather->bump, &problem);
    if (state->filter == NULL) {
        search_refuse_filter(gather, state, &problem);
        return false;
    }
    state->facets = facet_parse(spans[SPAN_OF(search_req, facets)], state->request.bars,
                                &gather->bump, &problem);
    if (state->facets == NULL) {
        search_refuse_filter(gather, state, &problem);
        return false;
    }
    if (!read_cursor(gather, state)) {
        gather_refuse(gather, STATUS_CURSOR_MISMATCH);
        return false;
    }
    state->category_id = category_of(state->filter);
    return true;
}

/* ---- asking ---- */

void search_ask_step(struct gather *gather, u16 shard, enum search_step step,
                     const struct query_pack *data)
{
    const struct msg_search_part_req part = {.step = step};
    const struct span span = {.data = data->data, .bytes = data->used};
    gather_ask(gather, OPCODE_SEARCH_PART, shard, &part, &span);
}

void search_ask_all(struct gather *gather, enum search_step step, const struct query_pack *data)
{
    const struct msg_search_part_req part = {.step = step};
    const struct span span = {.data = data->data, .bytes = data->used};
    gather_ask_all(gather, OPCODE_SEARCH_PART, &part, &span);
}

bool search_open_pack(struct gather *gather, struct search_state *state, enum search_step step,
                      struct query_pack **pack)
{
    *pack = &state->pack;
    if (state->pack.data == NULL)
        state->pack = (struct query_pack){.data = gather_acquire(gather, PART_BYTES_MAX / 2)};
    state->pack.capacity = PART_BYTES_MAX / 2;
    state->pack.used = 0;
    state->pack.is_full = false;
    if (state->pack.data == NULL) {
        search_refuse(gather, state, STATUS_TOO_LARGE);
        return false;
    }
    if (query_step_names_index(step))
        query_generations_write(state->generations, gather->shard_count, &state->pack);
    return true;
}

static void pack_blob(struct query_pack *to, const void *data, u32 bytes)
{
    pack_u32(to, bytes);
    pack_bytes(to, data, bytes);
}

/* May words be dropped when too few products match? */
static bool may_drop(const struct search_state *state)
{
    return state->plan.count >= 2 && (state->request.flags & SEARCH_FLAG_NO_DROP) == 0;
}

static struct run_head head_of(const struct gather *gather, const struct search_state *state,
                               u32 limit)
{
    return (struct run_head){.now_ns = gather->now_ns,
                             .cursor_key = state->cursor.key,
                             .cursor_id = state->cursor.product_id,
                             .only_product_id = state->request.only_product_id,
                             .category_id = state->category_id,
                             .only_category_id = state->suggest_category_id,
                             .limit = limit,
                             .share = state->share,
                             .action_count = state->action_count,
                             .flags = state->request.flags,
                             .sort = state->request.sort,
                             .ads = state->request.ads,
                             .has_cursor = state->cursor.check != 0,
                             .recent_count = state->facts.recent_count,
                             .drop_below = may_drop(state) ? state->facts.drop_below : 0};
}

const struct query_pack *search_write_run(struct gather *gather, struct search_state *state,
                                          enum search_step step, u32 limit,
                                          const struct run_hit *hits, u32 hit_count)
{
    struct query_pack *to;
    if (!search_open_pack(gather, state, step, &to))
        return NULL;
    state->head = head_of(gather, state, limit);
    pack_bytes(to, &state->head, sizeof state->head);
    query_profile_write(&state->facts.profile, to);
    for (u32 i = 0; i < state->facts.recent_count; i++)
        pack_u64(to, state->facts.recents[i]);
    pack_bytes(to, state->actions.data, state->actions.bytes);
    pack_text(to, gather->spans[SPAN_OF(search_req, query)]);
    pack_blob(to, state->filter, state->filter->node_count != 0 ? state->filter->bytes : 0);
    pack_blob(to, state->collection, state->collection != NULL ? state->collection->bytes : 0);
    pack_blob(to, state->facets, state->facets->count != 0 ? state->facets->bytes : 0);
    pack_u32(to, hit_count);
    pack_bytes(to, hits, hit_count * (u32)sizeof hits[0]);
    pack_bytes(to, state->packed.data, state->packed.used);
    gather->work += 500 + to->used / 8;
    if (to->is_full)
        search_refuse(gather, state, STATUS_TOO_LARGE);
    return to->is_full ? NULL : to;
}

void search_ask_run(struct gather *gather, struct search_state *state, enum search_round round)
{
    const u32 limit =
        state->request.limit == 0 ? 0 : state->request.offset + state->request.limit + 1;
    const enum search_step step = round == SEARCH_ROUND_SLOTS ? SEARCH_STEP_SLOTS : SEARCH_STEP_RUN;
    const struct query_pack *pack = search_write_run(gather, state, step, limit, NULL, 0);
    state->round = round;
    search_go(state, SEARCH_STAGE_END);
    if (pack != NULL)
        search_ask_all(gather, step, pack);
}

/* ---- what was found ---- */

/* Documents that have the words, and is that the whole truth? */
static bool take_totals(struct gather *gather, struct search_state *state)
{
    state->total = 0;
    state->word_total = 0;
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        struct query_unpack answer = search_answer(gather, shard);
        struct run_found found;
        memcpy(&found, unpack_bytes(&answer, sizeof found), sizeof found);
        state->total += found.total;
        state->word_total += found.word_total;
        state->notes |= found.notes;
        const struct msg_search_part_rsp *part = (const void *)gather->asks[shard].answer.fixed;
        state->shards[shard].last_lsn = part->last_lsn;
    }
    gather->work += 200 + 20u * gather->shard_count;
    return (state->notes & (SEARCH_NOTE_PARTIAL | SEARCH_NOTE_AT_LEAST)) == 0;
}

static void found_stage(struct gather *gather, struct search_state *state)
{
    const bool is_whole = take_totals(gather, state);
    if (state->round == SEARCH_ROUND_RUN_FEWER || !is_whole || gather->is_late ||
        !may_drop(state) || state->word_total >= state->facts.drop_below) {
        search_go(state, SEARCH_STAGE_READ);
        search_open_page(gather, state);
        return;
    }
    state->share = 0;
    search_ask_run(gather, state, SEARCH_ROUND_SLOTS);
}

/* The greatest share that enough documents have. */
static void slots_stage(struct gather *gather, struct search_state *state)
{
    u64 counts[SCORE_SHARES + 1] = {0};
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        u32 own[SCORE_SHARES + 1];
        struct query_unpack answer = search_answer(gather, shard);
        memcpy(own, unpack_bytes(&answer, sizeof own), sizeof own);
        for (u32 i = 0; i <= SCORE_SHARES; i++)
            counts[i] += own[i];
    }
    u64 enough = 0;
    u32 share = SCORE_SHARES;
    for (; share > 0; share--) {
        enough += counts[share];
        if (enough >= state->facts.drop_below)
            break;
    }
    state->share = share;
    state->required = plan_words_required(&state->plan, share);
    if (state->required < state->plan.count)
        state->notes |= SEARCH_NOTE_DROPPED;
    search_ask_run(gather, state, SEARCH_ROUND_RUN_FEWER);
}

/* ---- rounds ---- */

static void step_stage(struct gather *gather, struct search_state *state)
{
    switch (state->stage) {
    case SEARCH_STAGE_FACTS: search_facts_stage(gather, state); return;
    case SEARCH_STAGE_OFFERS: search_offers_stage(gather, state); return;
    case SEARCH_STAGE_MISSING: search_missing_stage(gather, state); return;
    case SEARCH_STAGE_COUNTS: search_counts_stage(gather, state); return;
    case SEARCH_STAGE_TYPOS: search_typos_stage(gather, state); return;
    case SEARCH_STAGE_PLAN: search_plan_stage(gather, state); return;
    case SEARCH_STAGE_PACK: search_pack_stage(gather, state); return;
    case SEARCH_STAGE_FOUND: found_stage(gather, state); return;
    case SEARCH_STAGE_SLOTS: slots_stage(gather, state); return;
    case SEARCH_STAGE_READ: search_read_stage(gather, state); return;
    case SEARCH_STAGE_PAGE: search_page_stage(gather, state); return;
    case SEARCH_STAGE_FACETS: search_facets_stage(gather, state); return;
    case SEARCH_STAGE_LABELS: search_labels_stage(gather, state); return;
    case SEARCH_STAGE_REST: search_rest_stage(gather, state); return;
    case SEARCH_STAGE_DETAILS: search_details_stage(gather, state); return;
    case SEARCH_STAGE_VALUES: search_values_stage(gather, state); return;
    case SEARCH_STAGE_REPLY: search_reply_stage(gather, state); return;
    case SEARCH_STAGE_END: return;
    }
}

/* With what the answers of a round are looked at first. */
static enum search_stage stage_after(const struct search_state *state)
{
    switch (state->round) {
    case SEARCH_ROUND_WORDS: return SEARCH_STAGE_FACTS;
    case SEARCH_ROUND_TYPOS: return SEARCH_STAGE_OFFERS;
    case SEARCH_ROUND_COUNTS:
    case SEARCH_ROUND_TYPO_COUNTS: return SEARCH_STAGE_COUNTS;
    case SEARCH_ROUND_RUN:
    case SEARCH_ROUND_RUN_FEWER: return SEARCH_STAGE_FOUND;
    case SEARCH_ROUND_SLOTS: return SEARCH_STAGE_SLOTS;
    case SEARCH_ROUND_LAST: return SEARCH_STAGE_DETAILS;
    }
    return SEARCH_STAGE_END;
}

static u16 refusal_of(const struct gather *gather)
{
    for (u32 i = 0; i < gather->ask_count; i++) {
        struct record_status head;
        memcpy(&head, gather->asks[i].answer.fixed, sizeof head);
        if (head.status != STATUS_OK)
            return head.status;
    }
    return STATUS_OK;
}

/* Has a shard another index than it had? */
static bool has_other_index(const struct gather *gather)
{
    for (u32 i = 0; i < gather->ask_count; i++) {
        struct msg_search_part_req asked;
        if (gather->asks[i].info->code != OPCODE_SEARCH_PART)
            continue;
        memcpy(&asked, gather->asks[i].body, sizeof asked);
        if (query_step_names_index((enum search_step)asked.step) &&
            search_answer(gather, i).bytes == 0)
            return true;
    }
    return false;
}

void search_begin(struct gather *gather, struct search_state *state)
{
    memset(&state->round, 0, sizeof *state - offsetof(struct search_state, round));
    state->stage = SEARCH_STAGE_END;
    if (state->attempts == SEARCH_ATTEMPTS)
        state->notes |= SEARCH_NOTE_REINDEXING;
    if (judge(gather, state))
        search_ask_words(gather, state, SEARCH_STEP_WORDS, NULL);
}

void search_continue(struct gather *gather, struct search_state *state)
{
    if (!state->is_within) {
        const u16 refusal = refusal_of(gather);
        if (refusal != STATUS_OK) {
            gather_refuse(gather, refusal);
            return;
        }
        if (has_other_index(gather)) {
            state->attempts++;
            search_begin(gather, state);
            return;
        }
        search_go(state, stage_after(state));
        state->is_within = true;
    }
    while (state->stage != SEARCH_STAGE_END && !gather->is_full) {
        if (!gather_has_time(gather)) {
            gather->goes_on = true;
            return;
        }
        step_stage(gather, state);
    }
    state->is_within = false;
}

void gather_search(struct gather *gather)
{
    struct search_state *state = gather->state;
    if (state != NULL) {
        search_continue(gather, state);
        return;
    }
    state = gather_acquire(gather, sizeof *state);
    if (state == NULL) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    memset(state, 0, offsetof(struct search_state, round)); /* the rest by search_begin */
    gather->state = state;
    memcpy(&state->request, gather->fixed, sizeof state->request);
    search_begin(gather, state);
}
