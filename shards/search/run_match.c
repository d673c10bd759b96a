/* run_match: which candidates of a window match, counted, and the best of them: see run.h.
 *
 * A piece of the window at a time is judged to the end within one slice: who is visible, the filter, the
 * facets, the keys. So each document is looked at in one state, whatever happens between slices.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run.h"

#include <string.h>

#define COST_MATCH 12u /* nanoseconds per candidate, about */
#define COST_KEY   70u /* if it may be among the best */
#define COST_TERM  4u
#define COST_FACET 6u

/* Is the document's category among these? */
static bool is_among(const struct run *run, u32 doc, const u64 *nodes)
{
    u32 single;
    const u32 *found;
    const u32 count =
        column_field_get(&run->index->columns.fields, COLUMN_FIELD_CATEGORY, doc, &single, &found);
    for (u32 i = 0; i < count; i++)
        if (found[i] < run->node_end && (nodes[found[i] / 64] >> found[i] % 64 & 1) != 0)
            return true;
    return false;
}

void run_rank_facts(const struct run *run, u32 doc, struct rank_facts *facts)
{
    const struct columns *columns = &run->index->columns;
    *facts = (struct rank_facts){
        .price = (i64)columns_number(columns, COLUMN_PRICE, doc),
        .price_before = (i64)columns_number(columns, COLUMN_PRICE_BEFORE, doc),
        .created_at_ns = columns_number(columns, COLUMN_CREATED_AT, doc),
        .rating_sum = columns_number(columns, COLUMN_RATING_SUM, doc),
        .rating_count = (u32)columns_number(columns, COLUMN_RATING_COUNT, doc),
        .popularity = (u32)columns_number(columns, COLUMN_POPULARITY, doc),
        .margin = (u16)columns_number(columns, COLUMN_MARGIN, doc),
        .state = columns_state(columns, doc),
        .is_recent = run->recent_nodes != NULL && is_among(run, doc, run->recent_nodes)};
}

static const struct run_special *find_special(const struct run *run, u32 doc,
                                              enum curation_kind kind)
{
    for (u32 i = 0; i < run->special_count && run->specials[i].doc <= doc; i++)
        if (run->specials[i].doc == doc && run->specials[i].kind == kind)
            return &run->specials[i];
    return NULL;
}

static u32 all_words(const struct run *run)
{
    return run->positive_count >= 32 ? UINT32_MAX : (1u << run->positive_count) - 1;
}

/* The slots that a candidate has. */
static u32 words_of(const struct run *run, u32 at)
{
    if (!window_has(&run->window.matched, at))
        return 0;
    return run->head.share != RUN_ALL_SLOTS ? run->window.words[at] : all_words(run);
}

static u32 text_score_of(const struct run *run, u32 at)
{
    return run->positive_count != 0 && window_has(&run->window.matched, at) ? run->window.scores[at]
                                                                            : 0;
}

/* The sum of what the profile can give. */
static u32 greatest_rank(const struct rank_profile *profile)
{
    return 1000u * ((u32)profile->popularity + profile->availability + profile->rating +
                    profile->margin + profile->recent_category);
}

static void fill_key(const struct run *run, struct run_hit *hit)
{
    struct rank_facts facts;
    run_rank_facts(run, hit->doc, &facts);
    hit->rank_score = rank_score(&run->profile, &facts);
    hit->key = run->head.sort == SEARCH_SORT_RELEVANCE
                   ? rank_relevance_key(&run->profile, hit->text_score, hit->rank_score)
                   : rank_column_key((enum search_sort)run->head.sort, &facts);
}

/* After the hit that the page before ended with? */
static bool is_after_cursor(const struct run *run, const struct run_hit *hit)
{
    return run->head.has_cursor == 0 || hit->key < run->head.cursor_key ||
           (hit->key == run->head.cursor_key && hit->product_id > run->head.cursor_id);
}

static void take_hit(struct run *run, u32 doc, u32 text_score, u32 words)
{
    struct run_hit hit = {.doc = doc, .text_score = text_score, .words = words};
    const struct run_special *pin = NULL, *boost = NULL;
    if (run->special_count != 0) {
        pin = find_special(run, doc, CURATION_PIN);
        boost = find_special(run, doc, CURATION_BOOST);
    }
    if (boost != NULL) {
        hit.text_score = (u32)MIN((u64)hit.text_score * boost->value / 100, UINT32_MAX);
        hit.flags |= HIT_FLAG_BOOSTED;
    }
    if (pin == NULL && run->head.sort == SEARCH_SORT_RELEVANCE &&
        !run_top_wants(&run->top, rank_relevance_key(&run->profile, hit.text_score,
                                                     greatest_rank(&run->profile))))
        return;
    run->work += COST_KEY;
    fill_key(run, &hit);
    if (pin == NULL && !run_top_wants(&run->top, hit.key))
        return;
    hit.product_id = columns_number(&run->index->columns, COLUMN_PRODUCT, doc);
    if (pin != NULL) {
        hit.flags |= HIT_FLAG_PINNED;
        hit.place = pin->value;
        run->pins[run->pin_count++] = hit;
        return;
    }
    if (is_after_cursor(run, &hit))
        run_top_offer(&run->top, &hit);
}

static void take_matches(struct run *run, const struct window_bits *matches)
{
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        for (u64 bits = matches->words[i]; bits != 0; bits &= bits - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(bits);
            if (run->step == SEARCH_STEP_SLOTS)
                run->counts[score_share(run->window.weights[at], run->total_weight)]++;
            else
                take_hit(run, run->window.number * WINDOW_DOCS + at, text_score_of(run, at),
                         words_of(run, at));
        }
    run->total += window_count(matches);
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        run->word_total += bits_count(matches->words[i] & run->window.matched.words[i]);
}

void run_judge_doc(struct run *run, u32 doc, u32 score)
{
    if ((run->head.flags & SEARCH_FLAG_STAFF) == 0 &&
        !columns_shows(&run->index->columns, doc, run->head.now_ns))
        return;
    if (run->only_nodes != NULL && !is_among(run, doc, run->only_nodes))
        return;
    take_hit(run, doc, score, all_words(run));
    run->total++;
    run->word_total++;
}

/* What a candidate costs, without its key. */
static u32 cost_of_candidate(const struct run *run)
{
    return COST_MATCH + COST_FACET * run->facet_count + COST_TERM * run->filter_terms;
}

/* How many candidates may be judged in the time that is left, if all of them may be among the best. */
static u32 candidates_allowed(const struct run *run)
{
    const u32 left = QUERY_SLICE_WORK - run->work;
    return MAX(64u, left / (cost_of_candidate(run) + COST_KEY));
}

/* The next piece of the candidates; false: there is none. */
static bool take_piece(struct run *run, struct window_bits *piece)
{
    struct run_window *window = &run->window;
    u32 allowed = candidates_allowed(run), count = 0;
    memset(piece, 0, sizeof *piece);
    while (window->word < WINDOW_WORDS && (count == 0 || count < allowed)) {
        piece->words[window->word] = window->candidates.words[window->word];
        count += bits_count(piece->words[window->word]);
        window->word++;
    }
    run->work += 100 + count * cost_of_candidate(run);
    return count != 0;
}

static void remove_hidden(const struct run *run, struct window_bits *bits)
{
    for (u32 i = 0; i < run->special_count; i++)
        if (run->specials[i].kind == CURATION_HIDE &&
            run->specials[i].doc / WINDOW_DOCS == run->window.number)
            window_clear(bits, run->specials[i].doc % WINDOW_DOCS);
}

static void keep_category(const struct run *run, struct window_bits *bits)
{
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        for (u64 left = bits->words[i]; left != 0; left &= left - 1) {
            const u32 at = i * 64 + (u32)__builtin_ctzll(left);
            if (!is_among(run, run->window.number * WINDOW_DOCS + at, run->only_nodes))
                window_clear(bits, at);
        }
}

static void judge(struct run *run, struct window_bits *piece)
{
    struct window_bits matches;
    const u32 number = run->window.number;
    if ((run->head.flags & SEARCH_FLAG_STAFF) == 0)
        columns_keep_visible(&run->index->columns, number, run->head.now_ns, false, piece);
    if (run->special_count != 0)
        remove_hidden(run, piece);
    if (run->only_nodes != NULL)
        keep_category(run, piece);
    if (run->collection != NULL) {
        filter_window(run->collection, number, piece, &matches, NULL);
        *piece = matches;
    }
    if (run->filter != NULL)
        filter_window(run->filter, number, piece, &matches, run->of_facets);
    else
        matches = *piece;
    if (run->facet_run != NULL && !facet_window(run->facet_run, number, run->of_facets))
        run->status = STATUS_TOO_LARGE;
    take_matches(run, &matches);
}

bool run_match_step(struct run *run)
{
    struct window_bits piece;
    if (!run->window.is_judging && window_is_empty(&run->window.candidates)) {
        run->window.is_open = false;
        return true;
    }
    if (!run->window.is_judging)
        run->window.word = 0;
    run->window.is_judging = true;
    while (run->window.word < WINDOW_WORDS && run->status == STATUS_OK) {
        if (!run_has_time(run))
            return false;
        if (take_piece(run, &piece))
            judge(run, &piece);
    }
    run->window.is_judging = false;
    run->window.is_open = false;
    return true;
}
