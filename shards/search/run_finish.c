/* run_finish: ads that fit, and what a page shows of a hit: see run.h.
 *
 *      detail of a hit   struct row_hit, highlights, code, title, explanation
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/catalog/catalog_live.h"
#include "shards/search/run.h"
#include "shards/search/run_explain.h"
#include "shards/shard_state.h"

/* ---- ads ---- */

static bool has_budget(const struct product *product, u64 ad_id)
{
    for (u32 i = 0; i < product->sku_count; i++)
        if (product->skus[i].kind == RESOURCE_KIND_AD_BUDGET && product->skus[i].sku_id == ad_id)
            return product->skus[i].state != STOCK_STATE_NONE;
    return false;
}

/* Left out by a curation, or by who asks for one product alone: then an ad does not bring it back. */
static bool is_left_out(const struct run *run, u32 doc)
{
    if (run->head.only_product_id != 0 && run->only_doc != doc)
        return true;
    for (u32 i = 0; i < run->special_count && run->specials[i].doc <= doc; i++)
        if (run->specials[i].doc == doc && run->specials[i].kind == CURATION_HIDE)
            return true;
    return false;
}

/* The document of an ad's product, if it may be shown now; else 0. */
static u32 doc_of_ad(const struct run *run, u64 ad_id, const struct msg_ad_put_req *ad)
{
    const struct catalog *catalog = &run->shard->catalog;
    const u32 at = catalog_find(catalog, route_hash_u64(ad->product_id), ad->product_id);
    if (at == 0 || !product_time_good(ad->valid_from_ns, ad->valid_until_ns, run->head.now_ns))
        return 0;
    const struct product *product = product_at(catalog, at);
    const u32 doc = search_index_doc(run->index, at);
    if (doc == 0 || doc >= run->question.end || !product_is_listed(product, run->head.now_ns) ||
        product->state == STOCK_STATE_NONE || !has_budget(product, ad_id) || is_left_out(run, doc))
        return 0;
    if ((run->filter != NULL && !filter_holds(run->filter, doc)) ||
        (run->collection != NULL && !filter_holds(run->collection, doc)))
        return 0;
    return doc;
}

static bool ad_precedes(const struct run_ad *a, const struct run_ad *b)
{
    return a->bid != b->bid ? a->bid > b->bid : a->ad_id < b->ad_id;
}

/* The best so far, a product once. */
static void offer_ad(struct run *run, const struct run_ad *ad)
{
    for (u32 i = 0; i < run->ad_count; i++) {
        if (run->ads[i].hit.product_id != ad->hit.product_id)
            continue;
        if (!ad_precedes(ad, &run->ads[i]))
            return;
        run->ad_count--;
        for (; i < run->ad_count; i++)
            run->ads[i] = run->ads[i + 1];
        break;
    }
    if (run->ad_count == run->head.ads) {
        if (!ad_precedes(ad, &run->ads[run->ad_count - 1]))
            return;
        run->ad_count--;
    }
    u32 at = run->ad_count++;
    for (; at != 0 && ad_precedes(ad, &run->ads[at - 1]); at--)
        run->ads[at] = run->ads[at - 1];
    run->ads[at] = *ad;
}

static void take_ads(struct run *run, u64 hash)
{
    const struct search_settings *words = &run->shard->search.words;
    for (u32 at = search_phrase_find(words, hash); at != 0;
         at = search_phrase_at(words, at)->same) {
        const struct search_phrase *phrase = search_phrase_at(words, at);
        if (phrase->kind != SETTING_KIND_AD)
            continue;
        const struct setting *setting = setting_at(&run->shard->settings, phrase->setting);
        const struct msg_ad_put_req *put = setting_ad(setting);
        struct run_ad ad = {.ad_id = setting->home_id, .bid = put->bid};
        ad.hit.doc = doc_of_ad(run, ad.ad_id, put);
        ad.hit.product_id = put->product_id;
        ad.hit.flags = HIT_FLAG_SPONSORED;
        if (ad.hit.doc != 0)
            offer_ad(run, &ad);
    }
}

void run_find_ads(struct run *run)
{
    u64 hash;
    if (run->head.ads == 0)
        return;
    struct query_text *text = run_acquire(run, sizeof *text);
    struct query_names *names = run_acquire(run, sizeof *names);
    if (text == NULL || names == NULL || query_text_parse(text, run->query) != NULL)
        return;
    query_names_read(names, run->index, text);
    for (u32 i = 0; i < text->slot_count; i++)
        for (u32 j = i; j < MIN(text->slot_count, i + SEARCH_PHRASE_PLACES) &&
                        query_names_hash(names, text, i, j, &hash);
             j++)
            take_ads(run, hash);
    if (run->head.category_id != 0)
        take_ads(run, search_category_hash(run->head.category_id));
}

/* ---- which words of a title are those of the query ---- */

#define TITLE_WORDS_MAX 512u /* of the query in a title; more are not marked */

/* A title as it is read: its words that are in the plan. */
struct run_title {
    u32 count;
    struct title_word {
        const struct run_mark *mark;
        u32 term;
        u32 position;
        u32 begin;
        u32 end;
    } words[TITLE_WORDS_MAX];
};

static struct run_mark *add_mark(struct run *run, u32 term)
{
    const u32 at = run_terms_place(run->mark_terms, run->mark_mask, term);
    run->mark_terms[at] = term;
    return &run->marks[at];
}

/* All terms of the plan, with the slots that they are for. */
static void make_marks(struct run *run)
{
    u32 count = 0;
    for (u32 i = 0; i < run->positive_count; i++) {
        count += run->slots[i].word_count;
        for (u32 j = 0; j < run->slots[i].row_count; j++)
            count += run->slots[i].rows[j].count;
    }
    const u32 size = run_terms_size(count);
    run->mark_mask = size - 1;
    run->mark_terms = run_acquire(run, size * sizeof run->mark_terms[0]);
    run->title = run_acquire(run, sizeof *run->title);
    run->marks = run_acquire(run, size * sizeof run->marks[0]);
    if (run->mark_terms == NULL || run->title == NULL || run->marks == NULL)
        return;
    for (u32 i = 0; i < run->positive_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        for (u32 j = 0; j < slot->word_count; j++) {
            struct run_mark *mark = add_mark(run, slot->words[j].term);
            const u8 kind = slot->words[j].kind;
            mark->exact |= kind != SCORE_TYPO && kind != SCORE_PREFIX ? slot->bit : 0;
            mark->all |= slot->bit;
        }
        for (u32 j = 0; j < slot->row_count; j++)
            for (u32 k = 0; k < slot->rows[j].count; k++)
                add_mark(run, slot->rows[j].terms[k])->in_rows |= slot->bit;
    }
    run->work += 15 * count;
}

static const struct run_mark *find_mark(const struct run *run, u32 term)
{
    const u32 at = run_terms_place(run->mark_terms, run->mark_mask, term);
    return run->mark_terms[at] != 0 ? &run->marks[at] : NULL;
}

static void read_title(struct run *run, struct span title)
{
    struct text_reader reader;
    struct text_word word;
    run->title->count = 0;
    text_begin(&reader, title);
    while (run->title->count < TITLE_WORDS_MAX && text_next(&reader, &word)) {
        const struct span text = {.data = word.data, .bytes = word.bytes};
        const u32 surface = dict_find(&run->index->dict, text);
        const u32 term = surface != 0 ? dict_term(&run->index->dict, surface) : 0;
        const struct run_mark *mark = surface != 0 ? find_mark(run, term) : NULL;
        run->work += 150;
        if (mark != NULL)
            run->title->words[run->title->count++] = (struct title_word){.mark = mark,
                                                                         .term = term,
                                                                         .position = word.position,
                                                                         .begin = word.begin,
                                                                         .end = word.end};
    }
}

/* Does the title have the row's words at positions from `position` on? */
static bool stands_at(struct run *run, const struct run_row *row, u32 position)
{
    const struct run_title *title = run->title;
    for (u32 k = 0; k < row->count; k++) {
        bool is_there = false;
        for (u32 i = 0; i < title->count; i++)
            is_there = is_there || (title->words[i].position == position + k &&
                                    title->words[i].term == row->terms[k]);
        run->work += 2 * title->count;
        if (!is_there)
            return false;
    }
    return true;
}

/* The slots that have a row of which the word is one, where it stands. */
static u32 bits_of_rows(struct run *run, const struct title_word *word)
{
    u32 bits = 0;
    for (u32 i = 0; i < run->positive_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        for (u32 j = 0; j < slot->row_count && (word->mark->in_rows & slot->bit) != 0; j++)
            for (u32 k = 0; k < slot->rows[j].count && k <= word->position; k++)
                if (slot->rows[j].terms[k] == word->term &&
                    stands_at(run, &slot->rows[j], word->position - k))
                    bits |= slot->bit;
    }
    return bits;
}

/* Rows of highlights; how many. Words of a row are marked where all of it stands. */
static u32 write_highlights(struct run *run, struct span title)
{
    u32 count = 0, end = 0;
    read_title(run, title);
    for (u32 i = 0; i < run->title->count && count < RUN_HIGHLIGHTS_MAX; i++) {
        const struct title_word *word = &run->title->words[i];
        if (word->end <= end)
            continue;
        const u32 bits = word->mark->all | bits_of_rows(run, word);
        if (bits == 0)
            continue;
        const struct row_highlight row = {.offset = (u16)word->begin,
                                          .bytes = (u16)(word->end - word->begin),
                                          .word = (u16)__builtin_ctz(bits)};
        pack_bytes(&run->pack, &row, sizeof row);
        end = word->end;
        count++;
    }
    return count;
}

/* Does it have the slot by words in a row? They are no typo and no beginning. */
static bool has_row(struct run *run, const struct run_slot *slot, u32 doc)
{
    for (u32 i = 0; i < slot->row_count; i++) {
        run->work += 100;
        if (index_phrase(&run->index->index, doc, slot->rows[i].terms, slot->rows[i].count))
            return true;
    }
    return false;
}

/* Slots that the document has by a typo or a beginning alone. */
static u32 find_inexact(struct run *run, u32 doc)
{
    struct forward_reader reader = forward_begin(index_forward(&run->index->index, doc));
    struct index_token token;
    u32 exact = 0, all = 0;
    while (forward_next(&reader, &token)) {
        const struct run_mark *mark = reader.is_first ? find_mark(run, token.term) : NULL;
        run->work += 10;
        if (mark == NULL)
            continue;
        exact |= mark->exact;
        all |= mark->all;
    }
    for (u32 i = 0; i < run->positive_count; i++)
        if ((all & ~exact & run->slots[i].bit) != 0 && has_row(run, &run->slots[i], doc))
            exact |= run->slots[i].bit;
    return all & ~exact;
}

/* ---- details ---- */

static struct row_hit row_of(struct run *run, const struct run_hit *hit, u64 ad_id)
{
    const struct columns *columns = &run->index->columns;
    struct rank_facts facts;
    run_rank_facts(run, hit->doc, &facts);
    struct row_hit row = {.product_id = hit->product_id,
                          .ad_id = ad_id,
                          .price = facts.price,
                          .price_before = facts.price_before,
                          .sort_key = hit->key,
                          .text_score = hit->text_score,
                          .rank_score = hit->rank_score,
                          .rating_count = facts.rating_count,
                          .popularity = facts.popularity,
                          .words = hit->words,
                          .currency = (u16)columns_number(columns, COLUMN_CURRENCY, hit->doc),
                          .rating = rank_rating(facts.rating_sum, facts.rating_count),
                          .state = facts.state,
                          .flags = (u16)hit->flags};
    if (bits_count(hit->words) < run->positive_count && (hit->flags & HIT_FLAG_SPONSORED) == 0)
        row.flags |= HIT_FLAG_WORDS_MISSING;
    if ((find_inexact(run, hit->doc) & hit->words) != 0)
        row.flags |= HIT_FLAG_INEXACT;
    return row;
}

#define COST_DETAIL 2500u /* nanoseconds: a record from anywhere, the words of its title */

static void write_detail(struct run *run, const struct run_hit *hit, u64 ad_id)
{
    struct query_pack *pack = &run->pack;
    struct row_hit row = {.product_id = hit->product_id, .ad_id = ad_id};
    struct span code = {0}, title = {0};
    if (hit->doc != 0) {
        const u32 at = index_product(&run->index->index, hit->doc);
        const struct product *product = product_at(&run->shard->catalog, at);
        row = row_of(run, hit, ad_id);
        code = product_code(product);
        title = product->is_deleted == 0 ? product_title(product) : title;
    }
    pack_bytes(pack, &row, sizeof row);
    pack_text(pack, code);
    pack_text(pack, title);
    const u32 at = pack_later(pack);
    pack_at(pack, at, write_highlights(run, title));
    const u32 explanation_at = pack_later(pack);
    const u32 before = pack->used;
    if ((run->head.flags & SEARCH_FLAG_EXPLAIN) != 0 && hit->doc != 0)
        run_explain(run, hit, code, pack);
    pack_at(pack, explanation_at, pack->used - before);
    run->work += COST_DETAIL * ((run->head.flags & SEARCH_FLAG_EXPLAIN) != 0 ? 2 : 1);
}

bool run_details_step(struct run *run)
{
    const bool is_inline = run->step == SEARCH_STEP_DETAILS || run->head.limit <= RUN_INLINE_HITS;
    const u32 hits = is_inline ? run->top.count : 0;
    const u32 pins = is_inline ? run->pin_count : 0;
    if (run->marks == NULL)
        make_marks(run);
    while (run->status == STATUS_OK && run->detail_at < hits + pins + run->ad_count) {
        if (!run_has_time(run))
            return false;
        const u32 at = run->detail_at++;
        if (at < hits)
            write_detail(run, &run->top.entries[at], 0);
        else if (at < hits + pins)
            write_detail(run, &run->pins[at - hits], 0);
        else
            write_detail(run, &run->ads[at - hits - pins].hit, run->ads[at - hits - pins].ad_id);
    }
    return true;
}
