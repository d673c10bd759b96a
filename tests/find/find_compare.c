/* find_compare: see find_compare.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/find/find_compare.h"

#include <stdio.h>
#include <string.h>

#include "proto/status.h"

/* ---- asking ---- */

void find_ask(const struct find_check *check, struct span cursor, u32 offset,
              struct find_asked *asked)
{
    const struct find_world *world = &check->worlds->worlds[check->world];
    struct msg_search_req request = check->question->ask;
    const struct span spans[MESSAGE_SPANS_MAX] = {find_span(check->question->query),
                                                  find_span(check->question->filter_text),
                                                  find_span(check->question->facet_text), cursor};
    request.offset = offset;
    asked->status = gather_loop_ask(world->loop, OPCODE_SEARCH, check->now_ns, &request, spans,
                                    &asked->rsp, &asked->view);
}

void find_differ(struct find_check *check, const char *what, u64 at, u64 expected, u64 got)
{
    if (!check->is_wrong)
        (void)printf("  on %u shards: %s %llu: expected %llu, got %llu\n",
                     feeder_count(check->worlds->worlds[check->world].feeder), what,
                     (unsigned long long)at, (unsigned long long)expected, (unsigned long long)got);
    check->is_wrong = true;
}

/* ---- a page ---- */

/* Where the words stand in its title. */
static void check_marks(struct find_check *check, u32 at, const struct find_doc *doc,
                        const struct find_asked *asked, const struct row_hit *row)
{
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, highlights)];
    struct find_mark marks[FIND_MARKS_MAX];
    const u32 count =
        find_marks_make(&check->worlds->shop, check->answer.plan, doc->texts[FIND_TITLE], marks);
    FIND_EXPECT(check, "highlights of hit", at, count, row->highlight_count);
    FIND_EXPECT(check, "room for the highlights of hit", at, true,
                (row->highlight_offset + row->highlight_count) * sizeof(struct row_highlight) <=
                    rows.bytes);
    for (u32 i = 0; i < count && !check->is_wrong; i++) {
        struct row_highlight own;
        memcpy(&own, rows.data + (row->highlight_offset + i) * sizeof own, sizeof own);
        FIND_EXPECT(check, "a highlight begins, of hit", at, marks[i].begin, own.offset);
        FIND_EXPECT(check, "a highlight ends, of hit", at, marks[i].end, own.offset + own.bytes);
        FIND_EXPECT(check, "a highlight's word, of hit", at, marks[i].word, own.word);
    }
    check->tally->highlights += count;
}

static void check_hit(struct find_check *check, u32 at, const struct find_asked *asked,
                      const struct row_hit *row)
{
    const struct find_hit *hit = &check->answer.hits[at];
    const struct find_doc *doc = &check->worlds->shop.docs[hit->doc];
    FIND_EXPECT(check, "product of hit", at, doc->id, row->product_id);
    FIND_EXPECT(check, "key of hit", at, hit->key, row->sort_key);
    FIND_EXPECT(check, "text score of hit", at, hit->text_score, row->text_score);
    FIND_EXPECT(check, "rank score of hit", at, hit->rank_score, row->rank_score);
    FIND_EXPECT(check, "words of hit", at, hit->words, row->words);
    FIND_EXPECT(check, "price of hit", at, find_doc_price(doc), row->price);
    FIND_EXPECT(check, "state of hit", at, find_doc_state(doc), row->state);
    FIND_EXPECT(check, "reviews of hit", at, doc->rating_count, row->rating_count);
    FIND_EXPECT(check, "pin of hit", at, hit->place != 0, (row->flags & HIT_FLAG_PINNED) != 0);
    FIND_EXPECT(check, "boost of hit", at, hit->is_boosted, (row->flags & HIT_FLAG_BOOSTED) != 0);
    FIND_EXPECT(check, "missing words of hit", at,
                (u32)__builtin_popcount(hit->words) < check->answer.words,
                (row->flags & HIT_FLAG_WORDS_MISSING) != 0);
    FIND_EXPECT(check, "ad of hit", at, 0, row->ad_id + (row->flags & HIT_FLAG_SPONSORED));
    FIND_EXPECT(check, "a word of hit by a guess", at,
                find_is_inexact(check->answer.plan, doc, hit->words),
                (row->flags & HIT_FLAG_INEXACT) != 0);
    check->tally->inexact += (row->flags & HIT_FLAG_INEXACT) != 0;
    check_marks(check, at, doc, asked, row);
}

static void check_ad(struct find_check *check, u32 at, const struct find_asked *asked,
                     const struct row_hit *row)
{
    const struct find_ad *ad = check->answer.ads[at];
    const struct find_doc *doc = &check->worlds->shop.docs[ad->doc];
    FIND_EXPECT(check, "ad", at, ad->id, row->ad_id);
    FIND_EXPECT(check, "product of ad", at, doc->id, row->product_id);
    FIND_EXPECT(check, "price of ad", at, find_doc_price(doc), row->price);
    FIND_EXPECT(check, "state of ad", at, find_doc_state(doc), row->state);
    FIND_EXPECT(check, "flags of ad", at, HIT_FLAG_SPONSORED, row->flags);
    FIND_EXPECT(check, "scores of ad", at, 0, row->text_score + row->rank_score + row->sort_key);
    check_marks(check, at, doc, asked, row);
}

static struct row_hit hit_at(struct span rows, u32 at)
{
    struct row_hit row;
    memcpy(&row, rows.data + at * sizeof row, sizeof row);
    return row;
}

/* A page that begins at `from`; returns where it ends. */
static u32 check_page(struct find_check *check, u32 from, const struct find_asked *asked)
{
    const struct find_answer *answer = &check->answer;
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, hits)];
    const u32 all = rows.bytes / (u32)sizeof(struct row_hit);
    const u32 left = answer->total > from ? answer->total - from : 0;
    const u32 count = all - MIN(all, answer->ad_count);
    FIND_EXPECT(check, "hits of the page from", from,
                MIN(left, check->question->ask.limit) + answer->ad_count, all);
    for (u32 i = 0; i < answer->ad_count && !check->is_wrong; i++) {
        const struct row_hit row = hit_at(rows, i);
        check_ad(check, i, asked, &row);
    }
    for (u32 i = 0; i < count && !check->is_wrong; i++) {
        const struct row_hit row = hit_at(rows, answer->ad_count + i);
        check_hit(check, from + i, asked, &row);
    }
    check->tally->ads += answer->ad_count;
    if ((check->question->ask.flags & SEARCH_FLAG_EXPLAIN) != 0 && !check->is_wrong)
        find_check_explanation(check, from, asked);
    const bool has_more = check->question->ask.limit != 0 && from + count < answer->total;
    FIND_EXPECT(check, "cursor after", from + count, has_more,
                asked->view.spans[SPAN_OF(search_rsp, cursor)].bytes != 0);
    return from + count;
}

static void check_values(struct find_check *check, u32 facet, const struct find_asked *asked)
{
    const struct find_facet_answer *own = &check->answer.facets[facet];
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, values)];
    const struct span texts = asked->view.spans[SPAN_OF(search_rsp, texts)];
    u32 count = 0;
    for (u32 at = 0; at < rows.bytes; at += (u32)sizeof(struct row_facet_value)) {
        struct row_facet_value row;
        memcpy(&row, rows.data + at, sizeof row);
        if (row.facet != facet)
            continue;
        if (count < own->value_count) {
            const struct find_facet_value *value = &own->values[count];
            FIND_EXPECT(check, "facet value's id", count, value->id, row.value_id);
            FIND_EXPECT(check, "facet value's count", count, value->count, row.count);
            FIND_EXPECT(check, "facet value's parent", count, value->parent_id, row.parent_id);
            FIND_EXPECT(check, "facet value's text", count, 0,
                        row.text_bytes != strlen(value->text) ||
                            memcmp(texts.data + row.text_offset, value->text, row.text_bytes) != 0);
        }
        count++;
    }
    FIND_EXPECT(check, "values of facet", facet, own->value_count, count);
}

static void check_ranges(struct find_check *check, u32 facet, const struct find_asked *asked)
{
    const struct find_facet_answer *own = &check->answer.facets[facet];
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, ranges)];
    u32 count = 0;
    for (u32 at = 0; at < rows.bytes; at += (u32)sizeof(struct row_facet_range)) {
        struct row_facet_range row;
        memcpy(&row, rows.data + at, sizeof row);
        if (row.facet != facet)
            continue;
        if (count < own->range_count) {
            FIND_EXPECT(check, "range begins", count, own->ranges[count].from, row.from);
            FIND_EXPECT(check, "range ends", count, own->ranges[count].until, row.until);
            FIND_EXPECT(check, "range counts", count, own->ranges[count].count, row.count);
            FIND_EXPECT(check, "range is a bar", count, own->ranges[count].is_bar, row.is_bar);
        }
        count++;
    }
    FIND_EXPECT(check, "ranges of facet", facet, own->range_count, count);
}

/* The exact total, or a lower bound that says so. */
static void check_total(struct find_check *check, u32 page, const struct find_asked *asked)
{
    const u64 exact = check->answer.total;
    const bool may_be_less = (check->question->ask.flags & SEARCH_FLAG_AT_LEAST) != 0;
    const bool says_so = (asked->rsp.notes & SEARCH_NOTE_AT_LEAST) != 0;
    if (!may_be_less || !says_so)
        FIND_EXPECT(check, "total on page", page, exact, asked->rsp.total);
    FIND_EXPECT(check, "too much in total on page", page, 0, asked->rsp.total > exact);
    FIND_EXPECT(check, "a lower bound on page", page, may_be_less && says_so, says_so);
    check->tally->lower_bounds += asked->rsp.total < exact;
}

static void check_corrected(struct find_check *check, const struct find_asked *asked)
{
    const struct find_plan *plan = check->answer.plan;
    const struct span own = asked->view.spans[SPAN_OF(search_rsp, corrected)];
    FIND_EXPECT(check, "a corrected query", 0, strlen(plan->corrected), own.bytes);
    if (!check->is_wrong && own.bytes != 0)
        FIND_EXPECT(check, "the corrected query", 0, 0,
                    memcmp(plan->corrected, own.data, own.bytes));
    check->tally->corrected += own.bytes != 0;
}

static void check_first(struct find_check *check, const struct find_asked *asked)
{
    const struct find_answer *answer = &check->answer;
    check_total(check, 0, asked);
    FIND_EXPECT(check, "words", 0, answer->words, asked->rsp.words);
    FIND_EXPECT(check, "words required", 0, answer->required, asked->rsp.words_required);
    FIND_EXPECT(check, "notes", 0, answer->notes, asked->rsp.notes & ~(u32)SEARCH_NOTE_AT_LEAST);
    check_corrected(check, asked);
    for (u32 i = 0; i < check->question->facet_count; i++) {
        check_values(check, i, asked);
        check_ranges(check, i, asked);
    }
}

/* As asked, or about where the hits end. */
static u32 offset_of(const struct find_check *check)
{
    const u32 edge = check->question->edge;
    return edge == 0 || check->answer.total + edge < 2 ? check->question->ask.offset
                                                       : check->answer.total + edge - 2;
}

/* Follows the cursors to the end. */
void find_check_pages(struct find_check *check, u32 pages)
{
    struct find_asked asked;
    u8 cursor[CURSOR_BYTES_MAX];
    find_ask(check, (struct span){0}, offset_of(check), &asked);
    FIND_EXPECT(check, "status", 0, check->answer.status, asked.status);
    if (check->is_wrong || asked.status != STATUS_OK)
        return;
    check_first(check, &asked);
    u32 at = check_page(check, offset_of(check), &asked);
    for (u32 page = 0; page < pages && !check->is_wrong; page++) {
        struct span span = asked.view.spans[SPAN_OF(search_rsp, cursor)];
        if (span.bytes == 0)
            return;
        memcpy(cursor, span.data, span.bytes);
        span.data = cursor;
        find_ask(check, span, 0, &asked);
        FIND_EXPECT(check, "status of page", page, STATUS_OK, asked.status);
        check_total(check, page + 1, &asked);
        if (!check->is_wrong)
            at = check_page(check, at, &asked);
        check->tally->pages++;
    }
}

/* ---- printing ---- */

void find_question_print(const struct find_check *check, u64 seed)
{
    const struct find_question *question = check->question;
    const struct find_answer *answer = &check->answer;
    (void)printf(
        "  seed %llu\n  query  [%s]\n  filter [%s]\n  facets [%s] bars %u\n  limit %u offset "
        "%u flags %u sort %u profile %u collection %u user %u only %llx ads %u at %llu edge %u\n",
        (unsigned long long)seed, question->query, question->filter_text, question->facet_text,
        question->ask.bars, question->ask.limit, question->ask.offset, question->ask.flags,
        question->ask.sort, question->profile, question->collection, question->user,
        (unsigned long long)question->ask.only_product_id, question->ask.ads,
        (unsigned long long)question->at_ns, question->edge);
    (void)printf("  expected: status %u total %u words %u of %u [%s]\n", answer->status,
                 answer->total, answer->required, answer->words,
                 answer->plan != NULL ? answer->plan->corrected : "");
    for (u32 i = 0; i < MIN(answer->total, 12u); i++) {
        const struct find_doc *doc = &check->worlds->shop.docs[answer->hits[i].doc];
        (void)printf("    %u %s [%s] text %u rank %u words %x\n", i, doc->texts[FIND_CODE],
                     doc->texts[FIND_TITLE], answer->hits[i].text_score, answer->hits[i].rank_score,
                     answer->hits[i].words);
    }
    struct find_asked asked;
    find_ask(check, (struct span){0}, offset_of(check), &asked);
    const struct span rows = asked.view.spans[SPAN_OF(search_rsp, hits)];
    const struct span texts = asked.view.spans[SPAN_OF(search_rsp, texts)];
    const struct span corrected = asked.view.spans[SPAN_OF(search_rsp, corrected)];
    (void)printf("  got: status %u total %llu words %u of %u notes %u [%.*s]\n", asked.status,
                 (unsigned long long)asked.rsp.total, asked.rsp.words_required, asked.rsp.words,
                 asked.rsp.notes, (int)corrected.bytes, (const char *)corrected.data);
    for (u32 i = 0;
         asked.status == STATUS_OK && i < MIN(rows.bytes / (u32)sizeof(struct row_hit), 12u); i++) {
        struct row_hit row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        (void)printf("    %u %.*s text %u rank %u words %x\n", i, (int)row.code_bytes,
                     (const char *)texts.data + row.text_offset, row.text_score, row.rank_score,
                     row.words);
    }
}
