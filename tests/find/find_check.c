/* find_check: searches against an oracle that looks at every document: hits, order, totals, facets, pages;
 * on one and on several shards, after changes, after a restart.
 *
 *      find_check [--queries N] [--seed S] [--docs N] [--only Q] [--catalog C] [--failures N]
 *
 * Exit 1 at the first difference: it is printed with its catalog and the seed of the question. The same
 * call with `--only Q` makes the same catalog and the same changes, and asks that question alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/id.h"
#include "proto/route.h"
#include "proto/status.h"
#include "shards/shard.h"
#include "tests/find/find_world.h"

struct options {
    u64 seed;
    u64 only; /* the only question that is asked; 0 = all */
    u32 queries;
    u32 docs;
    u32 limit_failures;
    int only_catalog;
};

struct tally {
    u32 asked;
    u32 with_hits;
    u32 refused;
    u32 pages;
    u32 forms[FIND_FORMS];
};

static const char *const catalog_names[] = {"random", "gifts", "clothes", "offers"};
static const char *const form_names[] = {"typo",    "prefix",  "phrase", "minus",  "synonym",
                                         "filter",  "facet",   "sort",   "joined", "stop",
                                         "dropped", "curated", "empty"};
static const u16 shard_counts[] = {1, 2, 3, 5};

/* ---- one question in one world ---- */

struct asked {
    u16 status;
    struct msg_search_rsp rsp;
    struct record_view view;
};

struct check {
    struct find_worlds *worlds;
    const struct find_question *question;
    struct find_answer answer;
    u32 world;
    bool is_wrong;
};

static struct span span_of(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)strlen(text)};
}

static void ask(const struct check *check, struct span cursor, u32 offset, struct asked *asked)
{
    const struct find_world *world = &check->worlds->worlds[check->world];
    struct msg_search_req request = check->question->ask;
    const struct span spans[MESSAGE_SPANS_MAX] = {span_of(check->question->query),
                                                  span_of(check->question->filter_text),
                                                  span_of(check->question->facet_text), cursor};
    request.offset = offset;
    asked->status = gather_loop_ask(world->loop, OPCODE_SEARCH, feeder_now_ns(world->feeder),
                                    &request, spans, &asked->rsp, &asked->view);
}

static void differ(struct check *check, const char *what, u64 at, u64 expected, u64 got)
{
    if (!check->is_wrong)
        (void)printf("  on %u shards: %s %llu: expected %llu, got %llu\n",
                     feeder_count(check->worlds->worlds[check->world].feeder), what,
                     (unsigned long long)at, (unsigned long long)expected, (unsigned long long)got);
    check->is_wrong = true;
}
#define EXPECT(check, what, at, expected, got)                    \
    do {                                                          \
        const u64 expected_ = (u64)(expected), got_ = (u64)(got); \
        if (expected_ != got_)                                    \
            differ((check), (what), (u64)(at), expected_, got_);  \
    } while (0)

static void check_hit(struct check *check, u32 at, const struct row_hit *row)
{
    const struct find_hit *hit = &check->answer.hits[at];
    const struct find_doc *doc = &check->worlds->shop.docs[hit->doc];
    EXPECT(check, "product of hit", at, doc->id, row->product_id);
    EXPECT(check, "key of hit", at, hit->key, row->sort_key);
    EXPECT(check, "text score of hit", at, hit->text_score, row->text_score);
    EXPECT(check, "rank score of hit", at, hit->rank_score, row->rank_score);
    EXPECT(check, "words of hit", at, hit->words, row->words);
    EXPECT(check, "price of hit", at, find_doc_price(doc), row->price);
    EXPECT(check, "state of hit", at, find_doc_state(doc), row->state);
    EXPECT(check, "reviews of hit", at, doc->rating_count, row->rating_count);
    EXPECT(check, "pin of hit", at, hit->place != 0, (row->flags & HIT_FLAG_PINNED) != 0);
}

/* A page that begins at `from`; returns where it ends. */
static u32 check_page(struct check *check, u32 from, const struct asked *asked)
{
    const struct find_answer *answer = &check->answer;
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, hits)];
    const u32 count = rows.bytes / (u32)sizeof(struct row_hit);
    const u32 left = answer->total > from ? answer->total - from : 0;
    EXPECT(check, "hits of the page from", from, MIN(left, check->question->ask.limit), count);
    for (u32 i = 0; i < count && !check->is_wrong; i++) {
        struct row_hit row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        check_hit(check, from + i, &row);
    }
    const bool has_more = check->question->ask.limit != 0 && from + count < answer->total;
    EXPECT(check, "cursor after", from + count, has_more,
           asked->view.spans[SPAN_OF(search_rsp, cursor)].bytes != 0);
    return from + count;
}

static void check_values(struct check *check, u32 facet, const struct asked *asked)
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
            EXPECT(check, "facet value's id", count, value->id, row.value_id);
            EXPECT(check, "facet value's count", count, value->count, row.count);
            EXPECT(check, "facet value's parent", count, value->parent_id, row.parent_id);
            EXPECT(check, "facet value's text", count, 0,
                   row.text_bytes != strlen(value->text) ||
                       memcmp(texts.data + row.text_offset, value->text, row.text_bytes) != 0);
        }
        count++;
    }
    EXPECT(check, "values of facet", facet, own->value_count, count);
}

static void check_ranges(struct check *check, u32 facet, const struct asked *asked)
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
            EXPECT(check, "range begins", count, own->ranges[count].from, row.from);
            EXPECT(check, "range ends", count, own->ranges[count].until, row.until);
            EXPECT(check, "range counts", count, own->ranges[count].count, row.count);
            EXPECT(check, "range is a bar", count, own->ranges[count].is_bar, row.is_bar);
        }
        count++;
    }
    EXPECT(check, "ranges of facet", facet, own->range_count, count);
}

static void check_first(struct check *check, const struct asked *asked)
{
    const struct find_answer *answer = &check->answer;
    EXPECT(check, "total", 0, answer->total, asked->rsp.total);
    EXPECT(check, "words", 0, answer->words, asked->rsp.words);
    EXPECT(check, "words required", 0, answer->required, asked->rsp.words_required);
    EXPECT(check, "notes", 0, answer->notes, asked->rsp.notes);
    for (u32 i = 0; i < check->question->facet_count; i++) {
        check_values(check, i, asked);
        check_ranges(check, i, asked);
    }
}

/* Follows the cursors to the end. */
static void check_pages(struct check *check, struct tally *tally, u32 pages)
{
    struct asked asked;
    u8 cursor[CURSOR_BYTES_MAX];
    ask(check, (struct span){0}, check->question->ask.offset, &asked);
    EXPECT(check, "status", 0, check->answer.status, asked.status);
    if (check->is_wrong || asked.status != STATUS_OK)
        return;
    check_first(check, &asked);
    u32 at = check_page(check, check->question->ask.offset, &asked);
    for (u32 page = 0; page < pages && !check->is_wrong; page++) {
        struct span span = asked.view.spans[SPAN_OF(search_rsp, cursor)];
        if (span.bytes == 0)
            return;
        memcpy(cursor, span.data, span.bytes);
        span.data = cursor;
        ask(check, span, 0, &asked);
        EXPECT(check, "status of page", page, STATUS_OK, asked.status);
        EXPECT(check, "total on page", page, check->answer.total, asked.rsp.total);
        if (!check->is_wrong)
            at = check_page(check, at, &asked);
        tally->pages++;
    }
}

/* ---- many questions ---- */

static void print_question(const struct find_question *question, u64 seed,
                           const struct check *check)
{
    const struct find_answer *answer = &check->answer;
    (void)printf(
        "  seed %llu\n  query  [%s]\n  filter [%s]\n  facets [%s] bars %u\n  limit %u offset "
        "%u flags %u sort %u profile %u\n",
        (unsigned long long)seed, question->query, question->filter_text, question->facet_text,
        question->ask.bars, question->ask.limit, question->ask.offset, question->ask.flags,
        question->ask.sort, question->profile);
    (void)printf("  expected: status %u total %u words %u of %u\n", answer->status, answer->total,
                 answer->required, answer->words);
    for (u32 i = 0; i < MIN(answer->total, 12u); i++) {
        const struct find_doc *doc = &check->worlds->shop.docs[answer->hits[i].doc];
        (void)printf("    %u %s [%s] text %u rank %u words %x\n", i, doc->texts[FIND_CODE],
                     doc->texts[FIND_TITLE], answer->hits[i].text_score, answer->hits[i].rank_score,
                     answer->hits[i].words);
    }
    struct asked asked;
    ask(check, (struct span){0}, question->ask.offset, &asked);
    const struct span rows = asked.view.spans[SPAN_OF(search_rsp, hits)];
    const struct span texts = asked.view.spans[SPAN_OF(search_rsp, texts)];
    (void)printf("  got: status %u total %llu words %u of %u notes %u\n", asked.status,
                 (unsigned long long)asked.rsp.total, asked.rsp.words_required, asked.rsp.words,
                 asked.rsp.notes);
    for (u32 i = 0;
         asked.status == STATUS_OK && i < MIN(rows.bytes / (u32)sizeof(struct row_hit), 12u); i++) {
        struct row_hit row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        (void)printf("    %u %.*s text %u rank %u words %x\n", i, (int)row.code_bytes,
                     (const char *)texts.data + row.text_offset, row.text_score, row.rank_score,
                     row.words);
    }
}

/* True: all worlds answer as they must. */
static bool check_one(struct find_worlds *worlds, u64 seed, struct tally *tally)
{
    static struct find_question question;
    static struct check check;
    bool is_good = true;
    find_question_make(&worlds->shop, seed, &question);
    tally->asked++;
    for (u32 i = 0; i < FIND_FORMS; i++)
        tally->forms[i] += question.forms >> i & 1;
    for (u32 world = 0; world < worlds->count && is_good; world++) {
        check = (struct check){.worlds = worlds, .question = &question, .world = world};
        find_answer_make(&worlds->shop, &question, world,
                         feeder_now_ns(worlds->worlds[world].feeder), &check.answer);
        if (world == 0) {
            tally->with_hits += check.answer.total != 0;
            tally->refused += check.answer.status != STATUS_OK;
        }
        check_pages(&check, tally, seed % 4 == 0 || question.ask.limit <= 3 ? 300 : 1);
        if (check.is_wrong)
            print_question(&question, seed, &check);
        is_good = !check.is_wrong;
    }
    return is_good;
}

static bool check_round(struct find_worlds *worlds, const struct options *options, u64 *seed,
                        u32 queries, struct tally *tally, u32 *failures)
{
    for (u32 i = 0; i < queries; i++, ++*seed)
        if ((options->only == 0 || options->only == *seed) && !check_one(worlds, *seed, tally) &&
            ++*failures >= options->limit_failures)
            return false;
    return true;
}

/* As it is, after changes, after a restart. */
static bool check_catalog(const struct options *options, enum find_catalog catalog, u32 queries,
                          u64 seed, struct tally *tally)
{
    static struct find_worlds worlds;
    u32 failures = 0;
    if (!find_worlds_open(&worlds, catalog, options->docs, seed, shard_counts,
                          ARRAY_COUNT(shard_counts))) {
        (void)printf("find: %s SKIPPED, its data is not in SOUK_DATA\n", catalog_names[catalog]);
        return true;
    }
    u64 next = seed;
    bool is_good = true;
    for (u32 round = 0; round < 4 && is_good; round++) {
        is_good = check_round(&worlds, options, &next, (queries + 3) / 4, tally, &failures);
        for (u32 i = 0; i < options->docs / 4 && round < 2; i++)
            (void)find_worlds_change(&worlds);
        if (round == 2)
            find_worlds_restart(&worlds);
        find_worlds_settle(&worlds);
    }
    if (failures != 0)
        (void)printf("find: %s, catalog seed %llu: %u questions answered wrongly\n",
                     catalog_names[catalog], (unsigned long long)seed, failures);
    find_worlds_close(&worlds);
    return failures == 0;
}

/* ---- while products change ---- */

/* What documents were between two slices: all versions of this question. */
struct version {
    u32 doc;
    u16 shard;
    bool is_match;
    u64 lsn; /* from which on it is so */
};
struct during {
    struct check *check;
    struct version versions[4096];
    u32 count;
    u32 changes;
};

/* Which documents match now. */
static void find_matches(struct check *check, bool *is_match)
{
    const struct find_shop *shop = &check->worlds->shop;
    find_answer_make(&check->worlds->shop, check->question, check->world,
                     feeder_now_ns(check->worlds->worlds[0].feeder), &check->answer);
    memset(is_match, 0, shop->doc_count);
    for (u32 i = 0; i < check->answer.total; i++)
        is_match[check->answer.hits[i].doc] = true;
}

static void change_between(void *context, u16 shard)
{
    struct during *during = context;
    static bool is_match[65536];
    (void)shard;
    if (during->changes++ % 3 != 0 || during->count + 8 > ARRAY_COUNT(during->versions))
        return;
    struct find_worlds *worlds = during->check->worlds;
    struct feeder *feeder = worlds->worlds[0].feeder;
    const u32 doc = find_worlds_change(worlds);
    feeder_flush(worlds->worlds[0].feeder);
    find_matches(during->check, is_match);
    const u16 own = route_shard(route_hash_u64(worlds->shop.docs[doc].id), feeder_count(feeder));
    during->versions[during->count++] =
        (struct version){.doc = doc,
                         .shard = own,
                         .is_match = is_match[doc],
                         .lsn = shard_applied_lsn(feeder_shards(feeder)[own])};
}

/* May the document be there, or be missing, with what it was between two positions of its shard? */
static void judge_states(const struct during *during, const struct asked *asked, u32 doc,
                         bool was_match, bool *may_be, bool *may_miss)
{
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, shards)];
    *may_be = was_match;
    *may_miss = !was_match;
    for (u32 i = 0; i < during->count; i++) {
        const struct version *version = &during->versions[i];
        struct row_shard_span row;
        if (version->doc != doc)
            continue;
        memcpy(&row, rows.data + version->shard * sizeof row, sizeof row);
        if (version->lsn > row.last_lsn + 1) /* the mail of a change is applied after it */
            break;
        if (version->lsn <= row.first_lsn)
            *may_be = *may_miss = false;
        *may_be = *may_be || version->is_match;
        *may_miss = *may_miss || !version->is_match;
    }
}

/* All hits of a question without words of doubtful meaning, while documents change between slices. */
static bool check_during(struct find_worlds *worlds, u64 seed, u32 *changes)
{
    static struct find_question question;
    static struct check check;
    static struct during during;
    static bool before[65536], is_there[65536];
    struct asked asked;
    u64 least = 0, most = 0; /* documents that match */
    find_question_make(&worlds->shop, seed, &question);
    (void)snprintf(question.query, sizeof question.query, "%s", seed % 2 == 0 ? "" : "-kata ");
    question.facet_text[0] = 0;
    question.facet_count = 0;
    question.ask.limit = SEARCH_LIMIT_MAX;
    question.ask.offset = 0;
    question.ask.flags = SEARCH_FLAG_NO_CURATION | SEARCH_FLAG_NO_TYPOS;
    check = (struct check){.worlds = worlds, .question = &question};
    during.check = &check;
    during.count = during.changes = 0;
    find_matches(&check, before);
    if (check.answer.status != STATUS_OK)
        return true;
    struct gather_loop *loop = worlds->worlds[0].loop;
    loop->between = change_between;
    loop->context = &during;
    ask(&check, (struct span){0}, 0, &asked);
    loop->between = NULL;
    *changes += during.count;
    const struct span rows = asked.view.spans[SPAN_OF(search_rsp, hits)];
    const bool is_all = asked.rsp.total <= SEARCH_LIMIT_MAX;
    memset(is_there, 0, worlds->shop.doc_count);
    for (u32 at = 0; at < rows.bytes; at += (u32)sizeof(struct row_hit)) {
        struct row_hit row;
        memcpy(&row, rows.data + at, sizeof row);
        for (u32 i = 0; i < worlds->shop.doc_count; i++)
            is_there[i] = is_there[i] || worlds->shop.docs[i].id == row.product_id;
    }
    for (u32 i = 0; i < worlds->shop.doc_count && !check.is_wrong; i++) {
        bool may_be, may_miss;
        judge_states(&during, &asked, i, before[i], &may_be, &may_miss);
        least += !may_miss;
        most += may_be;
        if (is_there[i] ? !may_be : is_all && !may_miss)
            differ(&check, "while it changed, document", i, before[i], is_there[i]);
    }
    if (!check.is_wrong && (asked.rsp.total < least || asked.rsp.total > most))
        differ(&check, "total while it changed, at most", most, least, asked.rsp.total);
    if (check.is_wrong)
        (void)printf("  seed %llu filter [%s]\n", (unsigned long long)seed, question.filter_text);
    return !check.is_wrong;
}

static bool check_changing(const struct options *options, u32 queries)
{
    static struct find_worlds worlds;
    static const u16 shards[] = {1}; /* several windows */
    u32 changes = 0;
    bool is_good = find_worlds_open(&worlds, FIND_RANDOM, 10000, options->seed, shards, 1);
    for (u32 i = 0; i < queries && is_good; i++)
        is_good = check_during(&worlds, options->seed + i, &changes);
    (void)printf("find: %u questions while products change, %u changes between slices\n", queries,
                 changes);
    find_worlds_close(&worlds);
    return is_good && (changes != 0 || queries < 20);
}

static bool print_tally(const struct tally *tally)
{
    bool is_good = true;
    (void)printf("find: %u questions on 1, 2, 3 and 5 shards, %u pages; hits %u %%, refused %u\n",
                 tally->asked, tally->pages, tally->with_hits * 100 / MAX(tally->asked, 1u),
                 tally->refused);
    for (u32 i = 0; i < FIND_FORMS; i++) {
        const u32 percent = tally->forms[i] * 100 / MAX(tally->asked, 1u);
        (void)printf("  %s %u %%%s", form_names[i], percent, i + 1 == FIND_FORMS ? "\n" : ",");
        is_good = is_good && (percent >= 5 || tally->asked < 1900);
    }
    is_good = is_good && (tally->with_hits * 100 >= tally->asked * 80 || tally->asked < 1900);
    if (!is_good)
        (void)printf("find: a form is in fewer than 5 %%, or fewer than 80 %% have hits\n");
    return is_good;
}

int main(int argc, char **argv)
{
    struct options options = {
        .seed = 1, .queries = 2000, .docs = 400, .limit_failures = 1, .only_catalog = -1};
    struct tally tally = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        const u64 value = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--queries") == 0)
            options.queries = (u32)value;
        else if (strcmp(argv[i], "--seed") == 0)
            options.seed = value;
        else if (strcmp(argv[i], "--only") == 0)
            options.only = value;
        else if (strcmp(argv[i], "--docs") == 0)
            options.docs = (u32)value;
        else if (strcmp(argv[i], "--failures") == 0)
            options.limit_failures = (u32)value;
        else if (strcmp(argv[i], "--catalog") == 0)
            options.only_catalog = (int)value;
    }
    bool is_good = true;
    for (u32 catalog = 0; catalog < FIND_CATALOGS; catalog++)
        if (options.only_catalog < 0 || options.only_catalog == (int)catalog)
            is_good = check_catalog(&options, (enum find_catalog)catalog, options.queries / 4,
                                    options.seed, &tally) &&
                      is_good;
    if (options.only_catalog < 0 && options.only == 0)
        is_good = check_changing(&options, MIN(options.queries / 50, 1000u)) && is_good;
    is_good = print_tally(&tally) && is_good;
    return is_good ? 0 : 1;
}
