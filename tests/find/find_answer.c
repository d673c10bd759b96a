/* find_answer: every document judged, one after the other; docs/search.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "proto/status.h"
#include "shards/search/rank.h" /* the built-in profile */
#include "tests/find/find_judge.h"

/* ---- words ---- */

static u32 impact_of(const struct find_doc *doc, u32 stem)
{
    for (u32 i = 0; i < doc->has_count; i++)
        if (doc->has[i].stem == stem)
            return doc->has[i].impact;
    return 0;
}

static bool stands_at(const struct find_doc *doc, u32 field, u32 position, u32 stem)
{
    for (u32 i = 0; i < doc->token_count; i++)
        if (doc->tokens[i].field == field && doc->tokens[i].position == position &&
            doc->tokens[i].stem == stem)
            return true;
    return false;
}

bool find_has_row(const struct find_doc *doc, const struct find_row *row)
{
    for (u32 i = 0; i < doc->token_count; i++) {
        u32 same = 0;
        while (same < row->count && stands_at(doc, doc->tokens[i].field,
                                              doc->tokens[i].position + same, row->stems[same]))
            same++;
        if (same == row->count)
            return true;
    }
    return false;
}

static u32 slot_impact(const struct find_doc *doc, const struct find_slot *slot)
{
    u32 best = 0;
    for (u32 i = 0; i < doc->has_count; i++)
        if (slot->factors[doc->has[i].stem] != 0)
            best = MAX(best, MAX(1u, (u32)slot->factors[doc->has[i].stem] * doc->has[i].impact /
                                         SCORE_FACTOR_ONE));
    for (u32 i = 0; i < slot->row_count; i++) {
        const struct find_row *row = &slot->rows[i];
        u32 least = UINT32_MAX;
        for (u32 j = 0; j < row->count; j++)
            least = MIN(least, impact_of(doc, row->stems[j]));
        if (least != 0 && find_has_row(doc, row))
            best = MAX(best, MAX(1u, row->factor * least / SCORE_FACTOR_ONE));
    }
    return best;
}

/* What a document has of the words. */
struct worth {
    u32 score;
    u32 words;
    u32 weight;
    bool has_all;
    bool has_phrases;
    bool has_excluded;
};

static struct worth worth_of(const struct find_plan *plan, const struct find_doc *doc)
{
    struct worth worth = {.has_all = true, .has_phrases = true};
    u32 bit = 0;
    for (u32 i = 0; i < plan->slot_count; i++) {
        const struct find_slot *slot = &plan->slots[i];
        const u32 impact = slot_impact(doc, slot);
        if (slot->is_excluded) {
            worth.has_excluded = worth.has_excluded || impact != 0;
            continue;
        }
        if (impact != 0) {
            worth.score += slot->weight * impact;
            worth.words |= 1u << bit;
            worth.weight += slot->weight;
        } else {
            worth.has_all = false;
            worth.has_phrases = worth.has_phrases && !slot->is_phrase;
        }
        bit++;
    }
    return worth;
}

/* ---- order ---- */

/* Is its category one that the user was in last, or below it? */
static bool is_recent(const struct find_shop *shop, const struct find_user *user,
                      const struct find_doc *doc)
{
    struct span code = find_span(doc->texts[FIND_CATEGORY]), above;
    for (u32 steps = 0; user != NULL && code.bytes != 0 && steps < 64; steps++, code = above) {
        for (u32 i = 0; i < user->taste_count; i++)
            if (user->tastes[i] == find_id(code))
                return true;
        (void)find_category_parent(shop, code, &above);
    }
    return false;
}

static u32 rank_of(const struct msg_rank_profile_put_req *profile, const struct find_doc *doc,
                   bool is_recent_one)
{
    const u16 state = find_doc_state(doc);
    const u64 popularity = score_log2((u64)doc->put.popularity + 1) * 1000 / (32 * 256);
    const u64 availability = state == STOCK_STATE_SOME ? 1000 : state == STOCK_STATE_LOW ? 500 : 0;
    const u64 rating = (doc->rating_sum * 2 + 35) * 100 / (doc->rating_count + 5);
    const u64 margin = MIN(doc->put.margin, 10000) / 10u;
    return (u32)(profile->popularity * popularity + profile->availability * availability +
                 profile->rating * rating + profile->margin * margin +
                 profile->recent_category * (is_recent_one ? 1000u : 0u));
}

static u64 key_of(const struct find_question *question, const struct find_doc *doc, u32 bucket,
                  u32 world, const struct find_hit *hit)
{
    switch ((enum search_sort)question->ask.sort) {
    case SEARCH_SORT_RELEVANCE:
        return (u64)(hit->text_score / MAX(bucket, 1u)) << 32 | hit->rank_score;
    case SEARCH_SORT_PRICE_UP: return UINT64_MAX - (u64)find_doc_price(doc);
    case SEARCH_SORT_PRICE_DOWN: return (u64)find_doc_price(doc);
    case SEARCH_SORT_NEWEST: return doc->created_at_ns[world];
    case SEARCH_SORT_POPULARITY: return doc->put.popularity;
    case SEARCH_SORT_RATING: return (u64)find_rating(doc);
    case SEARCH_SORT_DISCOUNT: return (u64)find_discount(doc);
    case SEARCH_SORT_COUNT: break;
    }
    return 0;
}

static const struct find_doc *sorted_docs;

static int compare_hits(const void *a, const void *b)
{
    const struct find_hit *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    const u64 i = sorted_docs[x->doc].id, j = sorted_docs[y->doc].id;
    return i < j ? -1 : i > j;
}

static int compare_pins(const void *a, const void *b)
{
    const struct find_hit *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    const u64 i = sorted_docs[x->doc].id, j = sorted_docs[y->doc].id;
    return i < j ? -1 : i > j;
}

/* ---- all of it ---- */

struct judging {
    struct find_shop *shop;
    const struct find_question *question;
    const struct find_collection *collection; /* NULL: everything */
    const struct find_user *user;             /* NULL: nobody */
    struct find_plan plan;
    struct find_parts parts;
    u64 now_ns;
    u32 world;
    u8 *matches;  /* by document: the words and the filter */
    u8 *of_facet; /* by document: bits of facets that count it */
    u8 *is_pin;
    struct worth *worths;
};

static const struct find_action *action_of(const struct judging *judging, u32 at,
                                           enum curation_kind kind)
{
    for (u32 i = 0; i < judging->plan.action_count; i++)
        if (judging->plan.actions[i].product_id == judging->shop->docs[at].id &&
            judging->plan.actions[i].kind == kind &&
            (kind == CURATION_HIDE || judging->question->ask.sort == SEARCH_SORT_RELEVANCE))
            return &judging->plan.actions[i];
    return NULL;
}

static bool is_listed(const struct judging *judging, const struct find_doc *doc)
{
    return find_is_visible(doc, judging->now_ns) && (doc->put.marks & PRODUCT_MARK_UNLISTED) == 0;
}

/* In the collection that is asked for. */
static bool is_collected(const struct judging *judging, const struct find_doc *doc)
{
    bool is_true[FIND_NODES_MAX] = {true};
    const struct find_collection *collection = judging->collection;
    if (collection == NULL || collection->filter.count == 0)
        return true;
    find_filter_judge(judging->shop, &collection->filter, doc, judging->now_ns, is_true);
    return is_true[collection->filter.count - 1];
}

/* Visible, not hidden, asked for; the filter, and the filter as each facet sees it. */
static bool is_allowed(const struct judging *judging, u32 at, bool *is_match, u8 *of_facet)
{
    const struct find_doc *doc = &judging->shop->docs[at];
    const struct find_parts *parts = &judging->parts;
    bool is_true[FIND_NODES_MAX];
    *is_match = true;
    *of_facet = UINT8_MAX;
    if (!doc->is_live || action_of(judging, at, CURATION_HIDE) != NULL)
        return false;
    if (judging->question->ask.only_product_id != 0 &&
        judging->question->ask.only_product_id != doc->id)
        return false;
    if ((judging->question->ask.flags & SEARCH_FLAG_STAFF) == 0 && !is_listed(judging, doc))
        return false;
    if (!is_collected(judging, doc))
        return false;
    find_filter_judge(judging->shop, &judging->question->filter, doc, judging->now_ns, is_true);
    for (u32 i = 0; i < parts->count; i++)
        if (is_true[parts->nodes[i]] == parts->is_not[i]) {
            *is_match = false;
            *of_facet &= parts->facets[i] < 0 ? 0 : (u8)(1u << parts->facets[i]);
        }
    return true;
}

static bool has_words(const struct judging *judging, u32 at, u32 share, u32 total)
{
    const struct worth *worth = &judging->worths[at];
    if (worth->has_excluded)
        return false;
    if (share == UINT32_MAX)
        return worth->has_all;
    return worth->words != 0 && worth->has_phrases && score_share(worth->weight, total) >= share;
}

/* The share that suffices; UINT32_MAX: all slots. */
static u32 share_of(const struct judging *judging, u32 total)
{
    const struct find_shop *shop = judging->shop;
    u32 counts[SCORE_SHARES + 1] = {0}, all = 0, enough = 0;
    for (u32 i = 0; i < shop->doc_count; i++) {
        if (!judging->matches[i])
            continue;
        all += has_words(judging, i, UINT32_MAX, total);
        if (has_words(judging, i, 0, total))
            counts[score_share(judging->worths[i].weight, total)]++;
    }
    if (judging->plan.positive_count < 2 || all >= shop->drop_below ||
        (judging->question->ask.flags & SEARCH_FLAG_NO_DROP) != 0)
        return UINT32_MAX;
    for (u32 share = SCORE_SHARES; share > 0; share--) {
        enough += counts[share];
        if (enough >= shop->drop_below)
            return share;
    }
    return 0;
}

static u32 required_of(const struct find_plan *plan, u32 share)
{
    u32 weights[FIND_SLOTS_MAX], count = 0;
    for (u32 i = 0; i < plan->slot_count; i++)
        if (!plan->slots[i].is_excluded)
            weights[count++] = plan->slots[i].weight;
    return share == UINT32_MAX ? count : score_words_required(weights, count, share);
}

static const struct msg_rank_profile_put_req *profile_of(const struct judging *judging)
{
    static struct msg_rank_profile_put_req builtin;
    builtin =
        (struct msg_rank_profile_put_req){.bucket = rank_profile_builtin.bucket,
                                          .popularity = rank_profile_builtin.popularity,
                                          .availability = rank_profile_builtin.availability,
                                          .rating = rank_profile_builtin.rating,
                                          .margin = rank_profile_builtin.margin,
                                          .recent_category = rank_profile_builtin.recent_category};
    const u32 at = judging->question->profile;
    return at == 0 ? &builtin : &judging->shop->profiles[at - 1];
}

static struct find_hit hit_of(const struct judging *judging, u32 at, bool has_text)
{
    const struct find_doc *doc = &judging->shop->docs[at];
    const struct msg_rank_profile_put_req *profile = profile_of(judging);
    const struct find_action *boost = action_of(judging, at, CURATION_BOOST);
    struct find_hit hit = {.doc = at};
    if (has_text) {
        hit.words = judging->worths[at].words;
        hit.text_score = judging->worths[at].score;
    }
    if (boost != NULL)
        hit.text_score = (u32)MIN((u64)hit.text_score * boost->value / 100, UINT32_MAX);
    hit.is_boosted = boost != NULL;
    hit.boost = boost != NULL ? boost->value : 0;
    hit.rank_score = rank_of(profile, doc, is_recent(judging->shop, judging->user, doc));
    hit.key = key_of(judging->question, doc, profile->bucket, judging->world, &hit);
    return hit;
}

/* Hits in order, each pin at its place or right after the pin before it, the others around them. */
static void make_hits(const struct judging *judging, u32 share, u32 total,
                      struct find_answer *answer)
{
    const struct find_shop *shop = judging->shop;
    struct find_hit *hits = find_bump((shop->doc_count + 1) * sizeof *hits);
    struct find_hit *pins = find_bump((judging->plan.action_count + 1) * sizeof *pins);
    u32 count = 0, pin_count = 0, pin = 0, hit = 0;
    for (u32 i = 0; i < shop->doc_count; i++) {
        const bool has_text = judging->matches[i] && has_words(judging, i, share, total);
        if (judging->is_pin[i] && judging->matches[i]) {
            pins[pin_count] = hit_of(judging, i, has_text);
            pins[pin_count++].place = action_of(judging, i, CURATION_PIN)->value;
        } else if (has_text) {
            hits[count++] = hit_of(judging, i, true);
        }
    }
    sorted_docs = shop->docs;
    qsort(hits, count, sizeof *hits, compare_hits);
    qsort(pins, pin_count, sizeof *pins, compare_pins);
    answer->total = count + pin_count;
    answer->hits = find_bump((answer->total + 1) * sizeof *hits);
    for (u32 at = 0, least = 0; at < answer->total; at++) {
        const bool is_pin =
            pin < pin_count && (hit == count || MAX(pins[pin].place, least) <= at + 1);
        if (is_pin)
            least = MAX(pins[pin].place, least) + 1;
        answer->hits[at] = is_pin ? pins[pin++] : hits[hit++];
    }
}

static void make_facets(const struct judging *judging, u32 share, u32 total,
                        struct find_answer *answer)
{
    const struct find_question *question = judging->question;
    for (u32 f = 0; f < question->facet_count; f++) {
        struct find_facet_answer *own = &answer->facets[f];
        find_facet_begin(own);
        for (u32 i = 0; i < judging->shop->doc_count; i++)
            if ((judging->of_facet[i] >> f & 1) != 0 &&
                (judging->is_pin[i] || has_words(judging, i, share, total)))
                find_facet_count(judging->shop, &judging->shop->docs[i], &question->facets[f],
                                 judging->now_ns, own);
        find_facet_end(question->facets[f].wanted, question->ask.bars, own);
    }
}

/* ---- ads ---- */

static bool may_be_shown(const struct judging *judging, const struct find_ad *ad)
{
    const struct find_question *question = judging->question;
    const struct find_doc *doc = &judging->shop->docs[ad->doc];
    bool is_true[FIND_NODES_MAX] = {true};
    find_filter_judge(judging->shop, &question->filter, doc, judging->now_ns, is_true);
    const u32 root = question->filter.count == 0 ? 0 : question->filter.count - 1;
    return !ad->is_off && find_in_time(ad->from_ns, ad->until_ns, judging->now_ns) &&
           ad->budget > 0 && is_listed(judging, doc) && find_doc_state(doc) != STOCK_STATE_NONE &&
           is_true[root] && is_collected(judging, doc) &&
           action_of(judging, ad->doc, CURATION_HIDE) == NULL &&
           (question->ask.only_product_id == 0 || question->ask.only_product_id == doc->id);
}

static bool ad_precedes(const struct find_ad *a, const struct find_ad *b)
{
    return a->bid != b->bid ? a->bid > b->bid : a->id < b->id;
}

/* The best of each product that have no better ones before them. */
static void make_ads(const struct judging *judging, struct find_answer *answer)
{
    const struct find_shop *shop = judging->shop;
    bool may[FIND_SETTINGS_MAX] = {false};
    for (u32 i = 0; i < shop->ad_count; i++)
        may[i] = judging->plan.fits_ad[i] && may_be_shown(judging, &shop->ads[i]);
    while (answer->ad_count < judging->question->ask.ads) {
        const struct find_ad *best = NULL;
        for (u32 i = 0; i < shop->ad_count; i++)
            if (may[i] && (best == NULL || ad_precedes(&shop->ads[i], best)))
                best = &shop->ads[i];
        if (best == NULL)
            return;
        answer->ads[answer->ad_count++] = best;
        for (u32 i = 0; i < shop->ad_count; i++)
            may[i] = may[i] && shop->ads[i].doc != best->doc;
    }
}

/* ---- all of it ---- */

static void judge_doc(struct judging *judging, u32 at)
{
    bool is_match;
    u8 of_facet;
    if (!is_allowed(judging, at, &is_match, &of_facet))
        return;
    judging->matches[at] = is_match;
    judging->of_facet[at] = of_facet;
    judging->is_pin[at] = action_of(judging, at, CURATION_PIN) != NULL;
    judging->worths[at] = worth_of(&judging->plan, &judging->shop->docs[at]);
}

static u32 weight_of(const struct find_plan *plan)
{
    u32 total = 0;
    for (u32 i = 0; i < plan->slot_count; i++)
        total += plan->slots[i].is_excluded ? 0 : plan->slots[i].weight;
    return MAX(total, 1u);
}

static bool numbers_good(const struct find_question *question)
{
    const struct msg_search_req *ask = &question->ask;
    return ask->limit <= 100 && ask->offset <= 10000 && ask->flags < 128 && ask->sort <= 6 &&
           ask->ads <= 10 && ask->bars <= 50;
}

/* Is the question refused? */
static u16 status_of(struct judging *judging)
{
    const struct find_question *question = judging->question;
    const struct find_shop *shop = judging->shop;
    if (!numbers_good(question))
        return STATUS_BAD_ARGUMENT;
    if (question->profile > shop->profile_count)
        return STATUS_NOT_FOUND;
    if (find_filter_refused(shop, &question->filter) || find_facets_refused(shop, question))
        return STATUS_BAD_FILTER;
    if (question->collection > shop->collection_count ||
        (question->collection != 0 && shop->collections[question->collection - 1].is_off))
        return STATUS_NOT_FOUND;
    judging->collection =
        question->collection != 0 ? &shop->collections[question->collection - 1] : NULL;
    if (judging->collection != NULL && find_filter_refused(shop, &judging->collection->filter))
        return STATUS_BAD_FILTER;
    judging->user = question->user != 0 ? &shop->users[question->user - 1] : NULL;
    return STATUS_OK;
}

/* False: it is refused. */
static bool begin(struct judging *judging, struct find_shop *shop,
                  const struct find_question *question, u64 now_ns, struct find_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    find_bump_reset();
    *judging = (struct judging){.shop = shop, .question = question, .now_ns = now_ns};
    find_filter_divide(question, &judging->parts);
    answer->status = status_of(judging);
    if (answer->status == STATUS_OK &&
        !find_plan_make(shop, question, find_filter_category(question, &judging->parts), now_ns,
                        &judging->plan))
        answer->status = STATUS_BAD_QUERY;
    judging->matches = find_bump(shop->doc_count + 1);
    judging->of_facet = find_bump(shop->doc_count + 1);
    judging->is_pin = find_bump(shop->doc_count + 1);
    judging->worths = find_bump((shop->doc_count + 1) * sizeof judging->worths[0]);
    return answer->status == STATUS_OK;
}

void find_answer_make(struct find_shop *shop, const struct find_question *question, u32 world,
                      u64 now_ns, struct find_answer *answer)
{
    static struct judging judging;
    if (!begin(&judging, shop, question, now_ns, answer))
        return;
    judging.world = world;
    answer->plan = &judging.plan;
    for (u32 i = 0; i < shop->doc_count; i++)
        judge_doc(&judging, i);
    const u32 total = weight_of(&judging.plan);
    const u32 share = share_of(&judging, total);
    answer->words = judging.plan.positive_count;
    answer->required = required_of(&judging.plan, share);
    answer->notes = (answer->required < answer->words ? SEARCH_NOTE_DROPPED : 0u) |
                    (judging.plan.is_corrected ? SEARCH_NOTE_CORRECTED : 0u);
    make_hits(&judging, share, total, answer);
    make_facets(&judging, share, total, answer);
    make_ads(&judging, answer);
}

static void take_state(struct judging *judging, u32 doc, struct find_answer *answer,
                       struct find_state *state)
{
    const struct find_question *question = judging->question;
    struct find_facet_answer *facet = &answer->facets[0];
    *state = (struct find_state){0};
    judge_doc(judging, doc);
    if (judging->of_facet[doc] == 0 || !has_words(judging, doc, UINT32_MAX, 1))
        return;
    state->is_match = judging->matches[doc] != 0;
    if (state->is_match)
        state->key = hit_of(judging, doc, true).key;
    if (question->facet_count == 0 || (judging->of_facet[doc] & 1) == 0)
        return;
    find_facet_begin(facet);
    find_facet_count(judging->shop, &judging->shop->docs[doc], &question->facets[0],
                     judging->now_ns, facet);
    MUST(facet->value_count <= ARRAY_COUNT(state->values));
    for (u32 i = 0; i < facet->value_count; i++)
        state->values[state->value_count++] = facet->values[i].id;
}

void find_states_of(struct find_shop *shop, const struct find_question *question, u64 now_ns,
                    u32 first, u32 count, struct find_state *states)
{
    static struct judging judging;
    static struct find_answer answer;
    MUST(begin(&judging, shop, question, now_ns, &answer));
    for (u32 i = 0; i < count; i++)
        take_state(&judging, first + i, &answer, &states[i]);
}
