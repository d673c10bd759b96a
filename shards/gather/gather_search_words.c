/* gather_search_words: from the words of a query to the plan that all shards run: see gather_search.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/gather/gather_search.h"

STATIC_CHECK(GATHER_PIECE_WORK == QUERY_SLICE_WORK); /* what a plan looks at */

/* What is asked with COUNTS in one round, of all shards together: the rest is asked in the next. */
#define COUNTS_BYTES_MAX (8u << 20)

/* `wanted` says which slots and rows TYPOS is about. */
void search_ask_words(struct gather *gather, struct search_state *state, enum search_step step,
                      struct query_ask *wanted)
{
    struct query_pack *pack;
    struct query_ask *ask = wanted != NULL ? wanted : gather_acquire(gather, sizeof *ask);
    if (ask == NULL || !search_open_pack(gather, state, step, &pack))
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
    query_ask_write(ask, pack);
    search_ask_all(gather, step, pack);
}
STATIC_CHECK(QUERY_NAMES_MAX >= FILTER_TERMS_MAX + FACETS_MAX);

/* ---- what the shards say beside the words ---- */

/* The rule of the collection is wrong, not what was asked: says so. */
static void refuse_collection(struct gather *gather, struct search_state *state,
                              const struct filter_problem *problem)
{
    struct filter_problem said = {.at = problem->at};
    if (problem->text_bytes != 0) {
        filter_problem_add(&said, "collection: ");
        filter_problem_add_span(&said,
                                (struct span){.data = problem->text, .bytes = problem->text_bytes});
    }
    search_refuse_filter(gather, state, &said);
}

/* The first shard's filter of the collection; false: refused. Collections may differ between shards for a
 * moment: those that have another filter than the first shard are not asked. */
static bool open_collection(struct gather *gather, struct search_state *state)
{
    struct filter_problem problem = {0};
    if (state->request.collection_id == 0 || state->facts.has_collection == 0)
        return true;
    state->collection = filter_parse(state->facts.collection, &gather->bump, &problem);
    if (state->collection == NULL)
        refuse_collection(gather, state, &problem);
    return state->collection != NULL;
}

static bool take_facts(struct gather *gather, struct search_state *state, u16 shard)
{
    struct query_facts facts;
    const struct msg_search_part_rsp *answer = (const void *)gather->asks[shard].answer.fixed;
    query_facts_read(&facts, &state->answers[shard]);
    state->shards[shard] = (struct row_shard_span){.first_lsn = answer->first_lsn, .shard = shard};
    state->generations[shard] = state->attempts < SEARCH_ATTEMPTS ? facts.generation : 0;
    state->notes |= facts.notes;
    if (shard == 0) {
        state->facts = facts;
        return open_collection(gather, state);
    }
    state->facts.live += facts.live;
    if (facts.recent_count != 0) {
        state->facts.recent_count = facts.recent_count;
        memcpy(state->facts.recents, facts.recents, sizeof facts.recents);
    }
    return true;
}

static struct filter_known read_known(struct query_unpack *from)
{
    struct filter_known known;
    known.knowledge = unpack_u8(from);
    known.type = unpack_u8(from);
    return known;
}

/* Which attributes the shard knows; actions of the first shard: curations are what every shard has. */
static void take_known(struct gather *gather, struct search_state *state, u16 shard)
{
    struct query_unpack *from = &state->answers[shard];
    const u32 names = state->filter->name_count + state->facets->count;
    for (u32 i = 0; i < names; i++)
        filter_known_add(&state->known[i], read_known(from));
    const u32 count = unpack_u32(from);
    const bool is_same = count == (state->collection != NULL ? state->collection->name_count : 0);
    for (u32 i = 0; i < count; i++) {
        const struct filter_known known = read_known(from);
        if (is_same)
            filter_known_add(&state->collection_known[i], known);
    }
    const u32 actions = unpack_u32(from);
    const u32 bytes = actions * (u32)sizeof(struct run_action);
    const u8 *data = unpack_bytes(from, bytes);
    if (shard == 0 && (state->request.flags & SEARCH_FLAG_NO_CURATION) == 0) {
        state->actions = (struct span){.data = data, .bytes = bytes};
        state->action_count = actions;
    }
    MUST(unpack_u32(from) == state->text.slot_count);
    gather->work += 200 + 4 * (names + count);
}

/* All shards have spoken; false: refused. */
static bool judge_names(struct gather *gather, struct search_state *state)
{
    struct filter_problem problem = {0};
    gather->work += 2000;
    if (state->facts.has_profile == 0) {
        search_refuse(gather, state, STATUS_NOT_FOUND);
        return false;
    }
    if (!filter_judge(state->filter, state->known, &problem) ||
        !facet_judge(state->facets, state->known + state->filter->name_count, &problem)) {
        search_refuse_filter(gather, state, &problem);
        return false;
    }
    if (state->request.collection_id != 0 && state->facts.has_collection == 0) {
        search_refuse(gather, state, STATUS_NOT_FOUND);
        return false;
    }
    if (state->collection != NULL &&
        !filter_judge(state->collection, state->collection_known, &problem)) {
        refuse_collection(gather, state, &problem);
        return false;
    }
    return true;
}

void search_facts_stage(struct gather *gather, struct search_state *state)
{
    const u16 shard = (u16)state->at;
    if (shard < gather->shard_count) {
        state->answers[shard] = search_answer(gather, shard);
        if (!take_facts(gather, state, shard))
            return;
        take_known(gather, state, shard);
        state->at++;
        return;
    }
    if (!judge_names(gather, state))
        return;
    plan_init(&state->plan, &state->text, gather->shard_count, &gather->bump, &gather->work);
    state->plan.live = state->facts.live;
    search_go(state, SEARCH_STAGE_OFFERS);
}

/* ---- offers and counts ---- */

void search_offers_stage(struct gather *gather, struct search_state *state)
{
    const bool is_words = state->round == SEARCH_ROUND_WORDS;
    if (!is_words && state->at == 0)
        for (u16 shard = 0; shard < gather->shard_count; shard++)
            state->answers[shard] = search_answer(gather, shard);
    state->at = 1;
    const enum plan_result result = plan_take(&state->plan, state->answers);
    if (result == PLAN_FULL)
        search_refuse(gather, state, STATUS_TOO_LARGE);
    if (result != PLAN_DONE)
        return;
    state->round = is_words ? SEARCH_ROUND_COUNTS : SEARCH_ROUND_TYPO_COUNTS;
    search_go(state, SEARCH_STAGE_MISSING);
}

/* Counts are asked, or all are there. */
static void end_counts(const struct gather *gather, struct search_state *state)
{
    const bool is_after_typos = state->round == SEARCH_ROUND_TYPO_COUNTS;
    search_go(state, gather->open_count != 0 ? SEARCH_STAGE_END
                     : is_after_typos        ? SEARCH_STAGE_PLAN
                                             : SEARCH_STAGE_TYPOS);
}

/* Shard by shard; what does not fit waits for the next round. */
void search_missing_stage(struct gather *gather, struct search_state *state)
{
    struct query_pack *pack = &state->pack;
    if (state->at == gather->shard_count) {
        end_counts(gather, state);
        return;
    }
    if (!state->has_pack) {
        if (!search_open_pack(gather, state, SEARCH_STEP_COUNTS, &pack))
            return;
        pack->capacity = MIN(pack->capacity, pack->used + COUNTS_BYTES_MAX / gather->shard_count);
        state->pack_head = pack->used;
        state->has_pack = true;
    }
    const enum plan_result result = plan_missing(&state->plan, (u16)state->at, pack);
    if (result == PLAN_GOES_ON)
        return;
    if (pack->used != state->pack_head)
        search_ask_step(gather, (u16)state->at, SEARCH_STEP_COUNTS, pack);
    state->is_cut = state->is_cut || result == PLAN_FULL;
    state->has_pack = false;
    state->at++;
}
STATIC_CHECK(COUNTS_BYTES_MAX / SHARDS_MAX >= 2 + TEXT_WORD_BYTES * (FORWARD_PHRASE_MAX + 1));

void search_counts_stage(struct gather *gather, struct search_state *state)
{
    if (state->at == gather->ask_count) {
        if (state->is_cut)
            search_go(state, SEARCH_STAGE_MISSING);
        else
            end_counts(gather, state);
        state->is_cut = false;
        return;
    }
    const u32 ask = state->at;
    if (!state->has_pack)
        state->answers[ask] = search_answer(gather, ask);
    state->has_pack = true;
    if (plan_take_counts(&state->plan, gather->asks[ask].shard, &state->answers[ask]) ==
        PLAN_GOES_ON)
        return;
    state->has_pack = false;
    state->at++;
}

/* ---- the plan ---- */

void search_typos_stage(struct gather *gather, struct search_state *state)
{
    if (plan_sum(&state->plan) == PLAN_GOES_ON)
        return;
    struct query_ask *ask = gather_acquire(gather, sizeof *ask);
    plan_drop_stop_words(&state->plan);
    gather->work += 1000;
    if (ask == NULL || (state->request.flags & SEARCH_FLAG_NO_TYPOS) != 0 || gather->is_late ||
        !plan_wants_typos(&state->plan, ask)) {
        search_go(state, SEARCH_STAGE_PLAN);
        return;
    }
    state->round = SEARCH_ROUND_TYPOS;
    search_go(state, SEARCH_STAGE_END);
    search_ask_words(gather, state, SEARCH_STEP_TYPOS, ask);
}

void search_plan_stage(struct gather *gather, struct search_state *state)
{
    (void)gather;
    if (plan_finish(&state->plan) == PLAN_DONE)
        search_go(state, SEARCH_STAGE_PACK);
}

void search_pack_stage(struct gather *gather, struct search_state *state)
{
    if (state->packed.data == NULL)
        state->packed = (struct query_pack){.data = gather_acquire(gather, PART_BYTES_MAX / 2),
                                            .capacity = PART_BYTES_MAX / 2};
    if (state->packed.data == NULL)
        return;
    const enum plan_result result = plan_write(&state->plan, &state->packed);
    if (result == PLAN_FULL)
        search_refuse(gather, state, STATUS_TOO_LARGE);
    if (result != PLAN_DONE)
        return;
    state->share = RUN_ALL_SLOTS;
    state->required = state->plan.count;
    search_ask_run(gather, state, SEARCH_ROUND_RUN);
}
