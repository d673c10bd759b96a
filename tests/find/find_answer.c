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

static bool has_row(const struct find_doc *doc, const struct find_row *row)
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
        if (least != 0 && has_row(doc, row))
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

static u32 rank_of(const struct msg_rank_profile_put_req *profile, const struct find_doc *doc)
{
    const u16 state = find_doc_state(doc);
    const u64 popularity = score_log2((u64)doc->put.popularity + 1) * 1000 / (32 * 256);
    const u64 availability = state == STOCK_STATE_SOME ? 1000 : state == STOCK_STATE_LOW ? 500 : 0;
    const u64 rating = (doc->rating_sum * 2 + 35) * 100 / (doc->rating_count + 5);
    const u64 margin = MIN(doc->put.margin, 10000) / 10u;
    return (u32)(profile->popularity * popularity + profile->availability * availability +
                 profile->rating * rating + profile->margin * margin);
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

/* Visible, not hidden; the filter, and the filter as each facet sees it. */
static bool is_allowed(const struct judging *judging, u32 at, bool *is_match, u8 *of_facet)
{
    const struct find_doc *doc = &judging->shop->docs[at];
    const struct find_parts *parts = &judging->parts;
    bool is_true[FIND_NODES_MAX];
    *is_match = true;
    *of_facet = UINT8_MAX;
    if (!doc->is_live || action_of(judging, at, CURATION_HIDE) != NULL)
        return false;
    if ((judging->question->ask.flags & SEARCH_FLAG_STAFF) == 0 &&
        (!find_is_visible(doc, judging->now_ns) || (doc->put.marks & PRODUCT_MARK_UNLISTED) != 0))
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
    builtin = (struct msg_rank_profile_put_req){.bucket = rank_profile_builtin.bucket,
                                                .popularity = rank_profile_builtin.popularity,
                                                .availability = rank_profile_builtin.availability,
                                                .rating = rank_profile_builtin.rating,
                                                .margin = rank_profile_builtin.margin};
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
    hit.rank_score = rank_of(profile, doc);
    hit.key = key_of(judging->question, doc, profile->bucket, judging->world, &hit);
    return hit;
}

/* Hits in order, each pin at its place or right after the pin before it, the others around them. */
static void make_hits(const struct judging *judging, u32 share, u32 total,
                      struct find_answer *answer)
{
    const struct find_shop *shop = judging->shop;
    struct find_hit *hits = find_bump((shop->doc_count + 1) * sizeof *hits);
    struct find_hit *pins = find_bump(65 * sizeof *pins);
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

void find_answer_make(struct find_shop *shop, const struct find_question *question, u32 world,
                      u64 now_ns, struct find_answer *answer)
{
    static struct judging judging;
    memset(answer, 0, sizeof *answer);
    find_bump_reset();
    judging =
        (struct judging){.shop = shop, .question = question, .now_ns = now_ns, .world = world};
    find_filter_divide(question, &judging.parts);
    answer->status = find_filter_refused(shop, question) ? STATUS_BAD_FILTER : STATUS_OK;
    if (answer->status != STATUS_OK)
        return;
    if (!find_plan_make(shop, question, find_filter_category(question, &judging.parts), now_ns,
                        &judging.plan)) {
        answer->status = STATUS_BAD_QUERY;
        return;
    }
    judging.matches = find_bump(shop->doc_count + 1);
    judging.of_facet = find_bump(shop->doc_count + 1);
    judging.is_pin = find_bump(shop->doc_count + 1);
    judging.worths = find_bump((shop->doc_count + 1) * sizeof judging.worths[0]);
    for (u32 i = 0; i < shop->doc_count; i++) {
        bool is_match;
        u8 of_facet;
        if (!is_allowed(&judging, i, &is_match, &of_facet))
            continue;
        judging.matches[i] = is_match;
        judging.of_facet[i] = of_facet;
        judging.is_pin[i] = action_of(&judging, i, CURATION_PIN) != NULL;
        judging.worths[i] = worth_of(&judging.plan, &shop->docs[i]);
    }
    u32 total = 0;
    for (u32 i = 0; i < judging.plan.slot_count; i++)
        total += judging.plan.slots[i].is_excluded ? 0 : judging.plan.slots[i].weight;
    total = MAX(total, 1u);
    const u32 share = share_of(&judging, total);
    answer->words = judging.plan.positive_count;
    answer->required = required_of(&judging.plan, share);
    answer->notes = (answer->required < answer->words ? SEARCH_NOTE_DROPPED : 0u) |
                    (judging.plan.is_corrected ? SEARCH_NOTE_CORRECTED : 0u);
    make_hits(&judging, share, total, answer);
    make_facets(&judging, share, total, answer);
}
