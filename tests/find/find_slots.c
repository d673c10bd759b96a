/* find_slots: which of the alternatives of each place count, what a slot weighs, and the curations that
 * apply; docs/search.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/find/find_slots.h"

#include <stdio.h>
#include <string.h>

#define TYPOS_MAX       64u
#define MODELS_MAX      16u
#define MODELS_SEEN_MAX 256u
#define PREFIX_MAX      2048u

/* ---- decisions ---- */

/* Is one like it before it, that counts? */
static bool is_repeated(const struct find_choice *slot, u32 at, bool is_self)
{
    for (u32 i = 0; i < at; i++)
        if (!slot->items[i].is_out && (!is_self || slot->items[i].kind == SCORE_SELF) &&
            find_is_same(&slot->items[i], &slot->items[at]))
            return true;
    return false;
}

/* Of all that is no guess, or of the word itself. */
static u64 df_of(const struct find_choice *slot, bool is_self)
{
    u64 sum = 0;
    for (u32 i = 0; i < slot->count; i++) {
        const struct find_alternative *item = &slot->items[i];
        const bool counts = is_self ? item->kind == SCORE_SELF
                                    : item->kind != SCORE_TYPO && item->kind != SCORE_SPLIT;
        if (!item->is_out && counts && item->df != 0 && !is_repeated(slot, i, is_self))
            sum += item->df;
    }
    return sum;
}

static bool may_have_typos(const struct find_work *work, u32 at)
{
    return find_is_plain(work, at) && !work->slots[at].is_out && work->query.places[at].has_joined;
}

static bool row_wants_typos(const struct find_work *work, u32 first, u32 last)
{
    struct find_part word;
    bool has_unknown = false;
    if (last >= work->query.place_count)
        return false;
    for (u32 i = first; i <= last; i++) {
        if (!may_have_typos(work, i))
            return false;
        has_unknown = has_unknown || df_of(&work->slots[i], true) == 0;
    }
    if (!has_unknown || !find_join(work, first, last, &word))
        return false;
    const u32 known = find_name_of(&work->shop->words, find_part_span(&word));
    return known == UINT32_MAX || work->shop->words.items[known].live == 0;
}

static void offer_typos(struct find_work *work)
{
    const u32 count = work->query.place_count;
    bool wants[FIND_SLOTS_MAX] = {0};
    bool rows[FIND_SLOTS_MAX][2] = {{0}};
    for (u32 i = 0; i < count; i++) {
        if (!may_have_typos(work, i))
            continue;
        const u64 df = df_of(&work->slots[i], false);
        wants[i] = find_is_number(find_part_span(&work->query.places[i].joined))
                       ? df == 0
                       : score_wants_typos(work->shop->live, df);
        for (u32 more = 0; more < 2; more++)
            rows[i][more] = row_wants_typos(work, i, i + more + 1);
    }
    for (u32 i = 0; i < count; i++) {
        const struct span word = find_part_span(&work->query.places[i].joined);
        if (wants[i]) {
            find_offer_likes(work, i, i, i);
            find_offer_halves(work, i, word);
        }
        for (u32 first = i >= 2 ? i - 2 : 0; first <= i; first++)
            for (u32 more = 0; more < 2; more++)
                if (rows[first][more] && first + more + 1 >= i)
                    find_offer_likes(work, i, first, first + more + 1);
    }
}

static bool typo_precedes(const struct find_alternative *a, const struct find_alternative *b)
{
    return a->cost != b->cost ? a->cost < b->cost : strcmp(a->words, b->words) < 0;
}
static bool model_precedes(const struct find_alternative *a, const struct find_alternative *b)
{
    return a->df != b->df ? a->df > b->df : strcmp(a->words, b->words) < 0;
}

/* Of a kind the first `most` stay: each has fewer before it. */
static void keep_first(struct find_choice *slot, enum score_kind kind, bool is_joined, u32 most,
                       bool (*precedes)(const struct find_alternative *,
                                        const struct find_alternative *))
{
    bool *stays = find_bump(slot->count + 1);
    for (u32 i = 0; i < slot->count; i++) {
        u32 before = 0;
        for (u32 j = 0; j < slot->count; j++)
            before += slot->items[j].kind == kind && slot->items[j].is_joined == is_joined &&
                      !slot->items[j].is_out && precedes(&slot->items[j], &slot->items[i]);
        stays[i] = before < most;
    }
    for (u32 i = 0; i < slot->count; i++)
        if (slot->items[i].kind == kind && slot->items[i].is_joined == is_joined && !stays[i])
            slot->items[i].is_out = true;
}

static void drop_many(struct find_choice *slot, enum score_kind kind, u32 most)
{
    u32 count = 0;
    for (u32 i = 0; i < slot->count; i++)
        count += slot->items[i].kind == kind;
    for (u32 i = 0; i < slot->count && count > most; i++)
        slot->items[i].is_out |= slot->items[i].kind == kind;
}

/* Of several kinds of one key the best stays. */
static void merge(struct find_choice *slot)
{
    for (u32 i = 0; i < slot->count; i++)
        for (u32 j = 0; j < slot->count && !slot->items[i].is_out; j++) {
            const struct find_alternative *a = &slot->items[i], *b = &slot->items[j];
            if (j != i && !b->is_out && find_is_same(a, b) &&
                (b->factor > a->factor || (b->factor == a->factor && b->kind < a->kind)))
                slot->items[i].is_out = true;
        }
}

static void choose(struct find_choice *slot)
{
    const u64 df = df_of(slot, false);
    for (u32 joined = 0; joined < 2; joined++) {
        keep_first(slot, SCORE_TYPO, joined == 1, TYPOS_MAX, typo_precedes);
        keep_first(slot, SCORE_MODEL, joined == 1, MODELS_MAX, model_precedes);
    }
    for (u32 i = 0; i < slot->count; i++) {
        struct find_alternative *item = &slot->items[i];
        if (item->kind == SCORE_TYPO && !item->is_joined && !score_is_likelier(df, item->df))
            item->is_out = true;
        if (item->df == 0 && item->kind != SCORE_SELF)
            item->is_out = true;
    }
    merge(slot);
    for (u32 i = 0; i < slot->count; i++) {
        struct find_alternative *typo = &slot->items[i];
        for (u32 j = 0; j < slot->count && typo->kind == SCORE_TYPO && !typo->is_out; j++) {
            const struct find_alternative *other = &slot->items[j];
            if (j != i && !other->is_out && other->word_count == 1 &&
                other->stems[0] == typo->stems[0])
                typo->is_out = other->factor > typo->factor ||
                               (other->factor == typo->factor && typo_precedes(other, typo));
        }
    }
}

/* Is everything that stands in a document a guess? */
static bool is_guess(const struct find_choice *slot)
{
    bool is_any = false;
    for (u32 i = 0; i < slot->count; i++) {
        const struct find_alternative *item = &slot->items[i];
        if (item->is_out || item->df == 0)
            continue;
        if (item->kind != SCORE_TYPO && item->kind != SCORE_SPLIT)
            return false;
        is_any = true;
    }
    return is_any;
}

/* Was it most likely meant to be `a`, and not `b`? */
static bool is_rather(const struct find_alternative *a, const struct find_alternative *b)
{
    if (b == NULL || a->factor != b->factor)
        return b == NULL || a->factor > b->factor;
    return a->df != b->df ? a->df > b->df : strcmp(a->words, b->words) < 0;
}

/* Its likeliest words, if it is a guess; else NULL. */
static const struct find_alternative *guess_of(const struct find_work *work, u32 at)
{
    const struct find_choice *slot = &work->slots[at];
    const struct find_alternative *best = NULL;
    if (slot->is_out || work->query.places[at].is_excluded || !is_guess(slot))
        return NULL;
    for (u32 i = 0; i < slot->count; i++)
        if (!slot->items[i].is_out && slot->items[i].df != 0 && is_rather(&slot->items[i], best))
            best = &slot->items[i];
    return best;
}

/* What the query says, a place that is a guess by its likeliest words; places that are one word together
 * by that, once. */
static void correct(const struct find_work *work, const char *query, char *to)
{
    const struct find_alternative *before = NULL;
    u32 from = 0, used = 0;
    for (u32 i = 0; i < work->query.place_count; i++) {
        const struct find_place *place = &work->query.places[i];
        const struct find_alternative *best = guess_of(work, i);
        const bool is_again = best != NULL && before != NULL && best->is_joined &&
                              before->is_joined && strcmp(best->words, before->words) == 0;
        before = best;
        if (best == NULL)
            continue;
        if (!is_again)
            used += (u32)snprintf(to + used, QUERY_BYTES_MAX + 1 - used, "%.*s%s",
                                  (int)(place->begin - from), query + from, best->words);
        from = place->end;
    }
    (void)snprintf(to + used, QUERY_BYTES_MAX + 1 - used, "%s", query + from);
}

static void give(const struct find_work *work, u32 at, struct find_slot *to)
{
    const struct find_choice *slot = &work->slots[at];
    const struct find_place *place = &work->query.places[at];
    bool digit = false;
    u64 df = 0;
    to->is_excluded = place->is_excluded;
    to->is_phrase = place->is_phrase;
    to->factors = find_bump((work->shop->stems.count + 1) * sizeof(u16));
    to->exact = find_bump((work->shop->stems.count + 1) * sizeof(bool));
    to->rows = find_bump((slot->count + 1) * sizeof to->rows[0]);
    for (u32 i = 0; i < place->count; i++)
        digit = digit || find_has_digit(find_part_span(&work->query.parts[place->first + i]));
    for (u32 i = 0; i < slot->count; i++) {
        const struct find_alternative *item = &slot->items[i];
        const bool is_exact = item->kind != SCORE_TYPO && item->kind != SCORE_PREFIX;
        bool is_known = true;
        if (item->is_out)
            continue;
        df += score_df(item->df, item->factor);
        for (u32 j = 0; j < item->word_count; j++)
            is_known = is_known && item->stems[j] != UINT32_MAX;
        if (is_known && item->word_count == 1) {
            to->factors[item->stems[0]] = (u16)MAX(to->factors[item->stems[0]], item->factor);
            to->exact[item->stems[0]] |= is_exact;
        } else if (is_known) {
            to->rows[to->row_count++] = (struct find_row){.factor = item->factor,
                                                          .count = item->word_count,
                                                          .stems = item->stems,
                                                          .is_exact = is_exact};
        }
    }
    to->weight = score_weight(work->shop->live, MIN(df, work->shop->live), digit);
}

/* ---- curations ---- */

static void take_actions(struct find_plan *plan, const struct find_curation *curation)
{
    for (u32 i = 0; i < curation->action_count; i++) {
        MUST(plan->action_count < ARRAY_COUNT(plan->actions));
        plan->actions[plan->action_count++] = curation->actions[i];
    }
}

static bool curation_fits(const struct find_work *work, const struct find_curation *curation,
                          u64 category_id)
{
    const struct find_query *query = &work->query;
    if (curation->category_id != 0)
        return query->place_count == 0 && curation->category_id == category_id;
    for (u32 first = 0; first < query->place_count; first++)
        for (u32 last = first; last < query->place_count; last++) {
            bool is_all = true;
            if (!find_is_called(work, first, last, curation->words))
                continue;
            for (u32 i = 0; i < query->place_count; i++)
                is_all = is_all && ((i >= first && i <= last) || query->places[i].is_excluded);
            if (is_all || curation->is_part)
                return true;
        }
    return false;
}

static void find_actions(const struct find_work *work, u64 category_id, u64 now_ns,
                         struct find_plan *plan)
{
    for (u32 i = 0; i < work->shop->curation_count; i++) {
        const struct find_curation *curation = &work->shop->curations[i];
        if (now_ns >= curation->from_ns &&
            (curation->until_ns == 0 || now_ns < curation->until_ns) &&
            curation_fits(work, curation, category_id))
            take_actions(plan, curation);
    }
}

/* ---- ads ---- */

static bool has_one_of(const struct find_work *work, const char *words)
{
    char entry[128];
    while (find_next_entry(&words, entry))
        for (u32 first = 0; first < work->query.place_count; first++)
            for (u32 last = first; last < work->query.place_count; last++)
                if (find_is_called(work, first, last, entry))
                    return true;
    return false;
}

static void find_ads(const struct find_work *work, u64 category_id, struct find_plan *plan)
{
    for (u32 i = 0; i < work->shop->ad_count; i++) {
        const struct find_ad *ad = &work->shop->ads[i];
        plan->fits_ad[i] =
            ad->category_id != 0 ? ad->category_id == category_id : has_one_of(work, ad->words);
    }
}

/* ---- all of it ---- */

static void drop_stop_words(struct find_work *work)
{
    u32 others = 0;
    for (u32 i = 0; i < work->query.place_count; i++)
        others += !work->query.places[i].is_excluded && !work->slots[i].is_stop;
    for (u32 i = 0; i < work->query.place_count; i++)
        work->slots[i].is_out =
            others != 0 && work->slots[i].is_stop && !work->query.places[i].is_excluded;
}

bool find_plan_make(struct find_shop *shop, const struct find_question *question, u64 category_id,
                    u64 now_ns, struct find_plan *plan)
{
    static struct find_work work;
    memset(&work, 0, sizeof work);
    memset(plan, 0, sizeof *plan);
    work.shop = shop;
    find_query_read(&work.query, question->query);
    if (work.query.is_bad)
        return false;
    for (u32 i = 0; i < work.query.place_count; i++) {
        find_offer_place(&work, i, SCORE_SELF, &work.query, &work.query.places[i]);
        if (find_is_plain(&work, i)) {
            find_offer_synonyms(&work, i);
            find_offer_joined(&work, i);
        }
        if (work.query.places[i].is_open && (question->ask.flags & SEARCH_FLAG_NO_PREFIX) == 0)
            find_offer_longer(&work, i);
        drop_many(&work.slots[i], SCORE_PREFIX, PREFIX_MAX);
        drop_many(&work.slots[i], SCORE_MODEL, MODELS_SEEN_MAX);
    }
    drop_stop_words(&work);
    if ((question->ask.flags & SEARCH_FLAG_NO_TYPOS) == 0)
        offer_typos(&work);
    for (u32 i = 0; i < work.query.place_count; i++) {
        choose(&work.slots[i]);
        if (work.slots[i].is_out)
            continue;
        plan->is_corrected |= !work.query.places[i].is_excluded && is_guess(&work.slots[i]);
        plan->positive_count += !work.query.places[i].is_excluded;
        give(&work, i, &plan->slots[plan->slot_count++]);
    }
    if (plan->is_corrected)
        correct(&work, question->query, plan->corrected);
    if ((question->ask.flags & SEARCH_FLAG_NO_CURATION) == 0)
        find_actions(&work, category_id, now_ns, plan);
    if (question->ask.ads != 0)
        find_ads(&work, category_id, plan);
    return true;
}
