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

void search_problem(struct gather *gather, u16 status, u32 at, struct span reason)
{
    gather_refuse(gather, status);
    reply_of(gather)->error_at = at;
    gather->reply_spans[SPAN_OF(search_rsp, problem)] =
        (struct span){.data = reason.data, .bytes = MIN(reason.bytes, 256u)};
}

static void refuse_filter(struct gather *gather, const struct filter_problem *problem)
{
    struct filter_problem *kept = gather_acquire(gather, sizeof *kept);
    if (problem->text_bytes == 0 || kept == NULL) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    *kept = *problem;
    search_problem(gather, STATUS_BAD_FILTER, kept->at,
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
        search_problem(gather, STATUS_BAD_QUERY, state->text.error_at,
                       (struct span){.data = (const u8 *)wrong, .bytes = bytes});
        return false;
    }
    state->filter = filter_parse(spans[SPAN_OF(search_req, filter)], &gather->bump, &problem);
    if (state->filter == NULL) {
        refuse_filter(gather, &problem);
        return false;
    }
    state->facets = facet_parse(spans[SPAN_OF(search_req, facets)], state->request.bars,
                                &gather->bump, &problem);
    if (state->facets == NULL) {
        refuse_filter(gather, &problem);
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

static void ask_all(struct gather *gather, enum search_step step, const struct query_pack *data)
{
    for (u16 shard = 0; shard < gather->shard_count; shard++)
        search_ask_step(gather, shard, step, data);
}

/* Room for what a step is asked; false: TOO_LARGE is the reply. */
static bool open_pack(struct gather *gather, struct query_pack *pack)
{
    *pack = (struct query_pack){.data = gather_acquire(gather, PART_BYTES_MAX / 2),
                                .capacity = PART_BYTES_MAX / 2};
    if (pack->data == NULL)
        gather_refuse(gather, STATUS_TOO_LARGE);
    return pack->data != NULL;
}

/* `wanted` says which slots and rows TYPOS is about. */
static void ask_words(struct gather *gather, struct search_state *state, enum search_step step,
                      struct query_ask *wanted)
{
    struct query_pack pack;
    struct query_ask *ask = wanted != NULL ? wanted : gather_acquire(gather, sizeof *ask);
    if (ask == NULL || !open_pack(gather, &pack))
        return;
    if (wanted == NULL)
        memset(ask, 0, sizeof *ask);
    *ask = (struct query_ask){.slots = ask->slots,
                              .rows = {ask->rows[0], ask->rows[1]},
                              .profile_id = state->request.profile_id,
                              .collection_id = state->request.collection_id,
                              .user_id = state->request.user_id,
                              .category_id = state->category_id,
                              .now_ns = gather->now_ns,
                              .flags = state->request.flags,
                              .query = gather->spans[SPAN_OF(search_req, query)]};
    if (step == SEARCH_STEP_WORDS) {
        for (u32 i = 0; i < state->filter->name_count; i++)
            ask->names[ask->name_count++] = filter_name(state->filter, i);
        for (u32 i = 0; i < state->facets->count; i++)
            ask->names[ask->name_count++] = facet_name(state->facets, i);
    }
    query_ask_write(ask, &pack);
    ask_all(gather, step, &pack);
}
STATIC_CHECK(QUERY_NAMES_MAX >= FILTER_TERMS_MAX + FACETS_MAX);

/* False: nothing is missing. */
static bool ask_counts(struct gather *gather, struct search_state *state)
{
    bool is_any = false;
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        struct query_pack pack = {0};
        if (!plan_missing(&state->plan, shard, &pack))
            continue;
        if (!open_pack(gather, &pack))
            return true;
        (void)plan_missing(&state->plan, shard, &pack);
        MUST(!pack.is_full); /* a few thousand words */
        search_ask_step(gather, shard, SEARCH_STEP_COUNTS, &pack);
        is_any = true;
    }
    return is_any;
}

static void take_counts(struct gather *gather, struct search_state *state)
{
    for (u32 i = 0; i < gather->ask_count; i++) {
        struct query_unpack answer = search_answer(gather, i);
        plan_take_counts(&state->plan, gather->asks[i].shard, &answer);
    }
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

bool search_write_run(struct gather *gather, struct search_state *state, u32 limit,
                      const struct run_hit *hits, u32 hit_count, struct query_pack *to)
{
    if (!open_pack(gather, to))
        return false;
    state->head = (struct run_head){.now_ns = gather->now_ns,
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
    plan_write(&state->plan, to);
    if (to->is_full)
        gather_refuse(gather, STATUS_TOO_LARGE);
    return !to->is_full;
}

static void ask_run(struct gather *gather, struct search_state *state, enum search_step step)
{
    struct query_pack pack;
    const u32 limit =
        state->request.limit == 0 ? 0 : state->request.offset + state->request.limit + 1;
    if (search_write_run(gather, state, limit, NULL, 0, &pack))
        ask_all(gather, step, &pack);
}

/* ---- what the shards say beside the words ---- */

static bool take_known(struct query_unpack *answers, u16 shard_count, u32 count,
                       struct filter_known *known)
{
    for (u16 shard = 0; shard < shard_count; shard++)
        for (u32 i = 0; i < count; i++) {
            struct filter_known one;
            one.is_known = unpack_u8(&answers[shard]);
            one.type = unpack_u8(&answers[shard]);
            filter_known_add(&known[i], one);
        }
    return true;
}

/* The collection's filter, with what the shards know of its names. Collections may differ between
 * shards for a moment: those that have another filter than the first shard are not asked. */
static bool take_collection(struct gather *gather, struct search_state *state,
                            struct query_unpack *answers)
{
    struct filter_problem problem = {0};
    struct filter_known known[FILTER_TERMS_MAX] = {{0}};
    u32 names = 0;
    if (state->request.collection_id != 0) {
        if (state->facts.has_collection == 0) {
            gather_refuse(gather, STATUS_NOT_FOUND);
            return false;
        }
        state->collection = filter_parse(state->facts.collection, &gather->bump, &problem);
        if (state->collection == NULL) {
            refuse_filter(gather, &problem);
            return false;
        }
        names = state->collection->name_count;
    }
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        const u32 count = unpack_u32(&answers[shard]);
        for (u32 i = 0; i < count; i++) {
            struct filter_known one;
            one.is_known = unpack_u8(&answers[shard]);
            one.type = unpack_u8(&answers[shard]);
            if (count == names)
                filter_known_add(&known[i], one);
        }
    }
    if (state->collection != NULL && !filter_judge(state->collection, known, &problem)) {
        refuse_filter(gather, &problem);
        return false;
    }
    return true;
}

/* The first shard's: curations are what every shard has. */
static void take_actions(struct gather *gather, struct search_state *state,
                         struct query_unpack *answers)
{
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        const u32 count = unpack_u32(&answers[shard]);
        const u32 bytes = count * (u32)sizeof(struct run_action);
        const u8 *data = unpack_bytes(&answers[shard], bytes);
        if (shard == 0 && (state->request.flags & SEARCH_FLAG_NO_CURATION) == 0) {
            state->actions = (struct span){.data = data, .bytes = bytes};
            state->action_count = count;
        }
    }
}

static void take_facts(struct gather *gather, struct search_state *state,
                       struct query_unpack *answers)
{
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        struct query_facts facts;
        answers[shard] = search_answer(gather, shard);
        query_facts_read(&facts, &answers[shard]);
        if (shard == 0)
            state->facts = facts;
        else
            state->facts.live += facts.live;
        state->notes |= facts.notes;
        if (shard != 0 && facts.recent_count != 0) {
            state->facts.recent_count = facts.recent_count;
            memcpy(state->facts.recents, facts.recents, sizeof facts.recents);
        }
        const struct msg_search_part_rsp *answer = (const void *)gather->asks[shard].answer.fixed;
        state->shards[shard] =
            (struct row_shard_span){.first_lsn = answer->first_lsn, .shard = shard};
    }
}

/* False: the reply is there. */
static bool take_words(struct gather *gather, struct search_state *state)
{
    struct filter_problem problem = {0};
    struct filter_known known[QUERY_NAMES_MAX] = {{0}};
    struct query_unpack answers[SHARDS_MAX];
    take_facts(gather, state, answers);
    if (state->facts.has_profile == 0) {
        gather_refuse(gather, STATUS_NOT_FOUND);
        return false;
    }
    const u32 names = state->filter->name_count;
    (void)take_known(answers, gather->shard_count, names + state->facets->count, known);
    if (!filter_judge(state->filter, known, &problem) ||
        !facet_judge(state->facets, known + names, &problem)) {
        refuse_filter(gather, &problem);
        return false;
    }
    if (!take_collection(gather, state, answers))
        return false;
    take_actions(gather, state, answers);
    for (u16 shard = 0; shard < gather->shard_count; shard++)
        MUST(unpack_u32(&answers[shard]) == state->text.slot_count);
    plan_init(&state->plan, &state->text, gather->shard_count, &gather->bump);
    state->plan.live = state->facts.live;
    if (!plan_take(&state->plan, answers)) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return false;
    }
    return true;
}

/* ---- rounds ---- */

static void begin_run(struct gather *gather, struct search_state *state)
{
    plan_finish(&state->plan);
    state->share = RUN_ALL_SLOTS;
    state->required = state->plan.count;
    state->round = SEARCH_ROUND_RUN;
    ask_run(gather, state, SEARCH_STEP_RUN);
}

static void begin_typos(struct gather *gather, struct search_state *state)
{
    struct query_ask *ask = gather_acquire(gather, sizeof *ask);
    plan_drop_stop_words(&state->plan);
    if (ask == NULL || (state->request.flags & SEARCH_FLAG_NO_TYPOS) != 0 || gather->is_late ||
        !plan_wants_typos(&state->plan, ask)) {
        begin_run(gather, state);
        return;
    }
    state->round = SEARCH_ROUND_TYPOS;
    ask_words(gather, state, SEARCH_STEP_TYPOS, ask);
}

static void take_typos(struct gather *gather, struct search_state *state)
{
    struct query_unpack answers[SHARDS_MAX];
    for (u16 shard = 0; shard < gather->shard_count; shard++)
        answers[shard] = search_answer(gather, shard);
    if (!plan_take(&state->plan, answers)) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    state->round = SEARCH_ROUND_TYPO_COUNTS;
    if (!ask_counts(gather, state))
        begin_run(gather, state);
}

static void give_reply(struct gather *gather, struct search_state *state)
{
    if (state->is_suggestion)
        suggest_reply(gather, state);
    else
        search_reply(gather, state);
}

static void finish_page(struct gather *gather, struct search_state *state)
{
    if (!search_merge(gather, state)) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    state->round = SEARCH_ROUND_LAST;
    search_ask_rest(gather, state);
    if (gather->open_count == 0)
        give_reply(gather, state);
}

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
    return (state->notes & (SEARCH_NOTE_PARTIAL | SEARCH_NOTE_AT_LEAST)) == 0;
}

static void take_run(struct gather *gather, struct search_state *state)
{
    const bool is_whole = take_totals(gather, state);
    if (!is_whole || gather->is_late || !may_drop(state) ||
        state->word_total >= state->facts.drop_below) {
        finish_page(gather, state);
        return;
    }
    state->round = SEARCH_ROUND_SLOTS;
    state->share = 0;
    ask_run(gather, state, SEARCH_STEP_SLOTS);
}

/* The greatest share that enough documents have. */
static void take_slots(struct gather *gather, struct search_state *state)
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
    state->round = SEARCH_ROUND_RUN_FEWER;
    ask_run(gather, state, SEARCH_STEP_RUN);
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

void search_begin(struct gather *gather, struct search_state *state)
{
    if (judge(gather, state))
        ask_words(gather, state, SEARCH_STEP_WORDS, NULL);
}

void search_continue(struct gather *gather, struct search_state *state)
{
    const u16 refusal = refusal_of(gather);
    if (refusal != STATUS_OK) {
        gather_refuse(gather, refusal);
        return;
    }
    switch (state->round) {
    case SEARCH_ROUND_WORDS:
        if (!take_words(gather, state))
            return;
        state->round = SEARCH_ROUND_COUNTS;
        if (!ask_counts(gather, state))
            begin_typos(gather, state);
        return;
    case SEARCH_ROUND_COUNTS:
        take_counts(gather, state);
        begin_typos(gather, state);
        return;
    case SEARCH_ROUND_TYPOS: take_typos(gather, state); return;
    case SEARCH_ROUND_TYPO_COUNTS:
        take_counts(gather, state);
        begin_run(gather, state);
        return;
    case SEARCH_ROUND_RUN: take_run(gather, state); return;
    case SEARCH_ROUND_SLOTS: take_slots(gather, state); return;
    case SEARCH_ROUND_RUN_FEWER:
        (void)take_totals(gather, state);
        finish_page(gather, state);
        return;
    case SEARCH_ROUND_LAST: give_reply(gather, state); return;
    }
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
    memset(state, 0, sizeof *state);
    gather->state = state;
    memcpy(&state->request, gather->fixed, sizeof state->request);
    search_begin(gather, state);
}
