/* find_during: answers while products change between the slices of a question, and answers that need not
 * be complete.
 *
 *      before        what every document says to the question: matches, key, values
 *      between       a product changes; what it says then is kept, with the positions of its shard
 *      the answer    of each document some state between the first and the last position must fit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "proto/route.h"
#include "proto/status.h"
#include "shards/shard.h"
#include "tests/find/find_compare.h"

#define DOCS_MAX     65536u
#define VERSIONS_MAX 4096u
#define VALUES_MAX   256u
#define PAGES_MAX    4u

/* What a document says after a change. */
struct version {
    u32 doc;
    u32 before; /* the version before of the same document; 0 = what it was at first */
    u64 from;   /* it may be so above this position of its shard */
    u64 since;  /* it is so from this position on */
    struct find_state state;
};
struct during {
    struct find_check *check;
    struct find_state first[DOCS_MAX];
    u32 last[DOCS_MAX]; /* the last version of the document; 0 = none */
    struct version versions[VERSIONS_MAX];
    u32 count; /* the first is at 1 */
    u32 turns;
};

static u64 position_of(const struct feeder *feeder, u64 product_id)
{
    const u16 shard = route_shard(route_hash_u64(product_id), feeder_count(feeder));
    return shard_applied_lsn(feeder_shards(feeder)[shard]);
}

static void change_between(void *context, u16 shard)
{
    struct during *during = context;
    struct find_worlds *worlds = during->check->worlds;
    struct feeder *feeder = worlds->worlds[0].feeder;
    u64 before[16];
    (void)shard;
    if (during->turns++ % 2 != 0 || during->count + 1 == VERSIONS_MAX)
        return;
    for (u16 i = 0; i < feeder_count(feeder); i++)
        before[i] = shard_applied_lsn(feeder_shards(feeder)[i]);
    const u32 doc = find_worlds_change(worlds);
    const u64 id = worlds->shop.docs[doc].id;
    feeder_flush(feeder);
    find_worlds_read(worlds, doc);
    struct version *version = &during->versions[++during->count];
    *version =
        (struct version){.doc = doc,
                         .before = during->last[doc],
                         .from = before[route_shard(route_hash_u64(id), feeder_count(feeder))],
                         .since = position_of(feeder, id)};
    find_states_of(&worlds->shop, during->check->question, during->check->now_ns, doc, 1,
                   &version->state);
    during->last[doc] = during->count;
}

/* ---- which states may have been seen ---- */

struct seen {
    struct find_state states[64];
    u32 count;
};

static void find_seen(const struct during *during, const struct find_asked *asked, u32 doc,
                      struct seen *seen)
{
    const struct find_worlds *worlds = during->check->worlds;
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, shards)];
    const u16 shard = route_shard(route_hash_u64(worlds->shop.docs[doc].id),
                                  feeder_count(worlds->worlds[0].feeder));
    struct row_shard_span row;
    memcpy(&row, rows.data + shard * sizeof row, sizeof row);
    seen->count = 0;
    for (u32 at = during->last[doc]; at != 0; at = during->versions[at].before) {
        const struct version *version = &during->versions[at];
        if (version->from >= row.last_lsn)
            continue;
        MUST(seen->count + 1 < ARRAY_COUNT(seen->states));
        seen->states[seen->count++] = version->state;
        if (version->since <= row.first_lsn)
            return;
    }
    seen->states[seen->count++] = during->first[doc];
}

static bool precedes(const struct find_doc *a, u64 key_a, const struct find_doc *b, u64 key_b)
{
    return key_a != key_b ? key_a > key_b : a->id < b->id;
}

static u32 doc_of(const struct find_shop *shop, u64 product_id)
{
    for (u32 i = 0; i < shop->doc_count; i++)
        if (shop->docs[i].id == product_id)
            return i;
    return UINT32_MAX;
}

/* ---- the first page ---- */

struct page {
    bool is_there[DOCS_MAX];
    u32 count;
    u32 last; /* document */
    u64 last_key;
};

/* Hits are in order, each by a key that it had. */
static void read_page(struct during *during, const struct find_asked *asked, struct page *page)
{
    struct find_check *check = during->check;
    const struct find_shop *shop = &check->worlds->shop;
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, hits)];
    static struct seen seen;
    memset(page->is_there, 0, shop->doc_count);
    page->count = rows.bytes / (u32)sizeof(struct row_hit);
    for (u32 i = 0; i < page->count && !check->is_wrong; i++) {
        struct row_hit row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        const u32 doc = doc_of(shop, row.product_id);
        bool fits = false;
        FIND_EXPECT(check, "a known product, hit", i, true, doc != UINT32_MAX);
        if (check->is_wrong)
            return;
        find_seen(during, asked, doc, &seen);
        for (u32 j = 0; j < seen.count; j++)
            fits = fits || (seen.states[j].is_match && seen.states[j].key == row.sort_key);
        FIND_EXPECT(check, "while it changed, a state with the key of hit", i, true, fits);
        FIND_EXPECT(check, "while it changed, the order of hit", i, true,
                    i == 0 || precedes(&shop->docs[page->last], page->last_key, &shop->docs[doc],
                                       row.sort_key));
        FIND_EXPECT(check, "while it changed, once: hit", i, false, page->is_there[doc]);
        page->is_there[doc] = true;
        page->last = doc;
        page->last_key = row.sort_key;
    }
}

/* What is not there was no match, or came after the last; the total lies between what must and may be. */
static void check_rest(struct during *during, const struct find_asked *asked,
                       const struct page *page)
{
    struct find_check *check = during->check;
    const struct find_shop *shop = &check->worlds->shop;
    const bool is_all = page->count < check->question->ask.limit;
    static struct seen seen;
    u64 least = 0, most = 0;
    for (u32 doc = 0; doc < shop->doc_count && !check->is_wrong; doc++) {
        bool must = true, may = false, is_before = true;
        find_seen(during, asked, doc, &seen);
        for (u32 j = 0; j < seen.count; j++) {
            const struct find_state *state = &seen.states[j];
            must = must && state->is_match;
            may = may || state->is_match;
            is_before = is_before && state->is_match &&
                        (is_all || precedes(&shop->docs[doc], state->key, &shop->docs[page->last],
                                            page->last_key));
        }
        least += must;
        most += may;
        if (is_before && page->count != 0)
            FIND_EXPECT(check, "while it changed, there: document", doc, true, page->is_there[doc]);
    }
    FIND_EXPECT(check, "while it changed, total at least", least, true, asked->rsp.total >= least);
    FIND_EXPECT(check, "while it changed, total at most", most, true, asked->rsp.total <= most);
}

/* ---- its facet ---- */

struct value {
    u64 id;
    u32 least;
    u32 most;
};
struct values {
    struct value items[VALUES_MAX];
    u32 count;
};

static struct value *value_of(struct values *values, u64 id)
{
    for (u32 i = 0; i < values->count; i++)
        if (values->items[i].id == id)
            return &values->items[i];
    MUST(values->count < VALUES_MAX);
    values->items[values->count] = (struct value){.id = id};
    return &values->items[values->count++];
}

static bool has_value(const struct find_state *state, u64 id)
{
    for (u32 i = 0; i < state->value_count; i++)
        if (state->values[i] == id)
            return true;
    return false;
}

/* Each value of any state once. */
static void add_values(struct values *values, const struct seen *seen)
{
    for (u32 i = 0; i < seen->count; i++)
        for (u32 k = 0; k < seen->states[i].value_count; k++) {
            const u64 id = seen->states[i].values[k];
            bool is_repeated = false, is_always = true;
            for (u32 j = 0; j < seen->count; j++) {
                const bool has = has_value(&seen->states[j], id);
                is_repeated = is_repeated || (j < i && has);
                is_always = is_always && has;
            }
            if (is_repeated)
                continue;
            struct value *value = value_of(values, id);
            value->most++;
            value->least += is_always;
        }
}

static void check_facet(struct during *during, const struct find_asked *asked)
{
    static struct values values;
    static struct seen seen;
    struct find_check *check = during->check;
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, values)];
    values.count = 0;
    for (u32 doc = 0; doc < check->worlds->shop.doc_count; doc++) {
        find_seen(during, asked, doc, &seen);
        add_values(&values, &seen);
    }
    for (u32 i = 0; i < values.count && !check->is_wrong; i++) {
        u32 count = 0;
        for (u32 at = 0; at < rows.bytes; at += (u32)sizeof(struct row_facet_value)) {
            struct row_facet_value row;
            memcpy(&row, rows.data + at, sizeof row);
            count = row.value_id == values.items[i].id ? row.count : count;
        }
        FIND_EXPECT(check, "while it changed, the least count of value", i, true,
                    count >= values.items[i].least);
        FIND_EXPECT(check, "while it changed, the greatest count of value", i, true,
                    count <= values.items[i].most);
    }
}

/* ---- later pages ---- */

/* What does not change does not come twice. */
static void take_later(struct during *during, const struct find_asked *asked, struct page *page)
{
    struct find_check *check = during->check;
    const struct span rows = asked->view.spans[SPAN_OF(search_rsp, hits)];
    for (u32 at = 0; at < rows.bytes && !check->is_wrong; at += (u32)sizeof(struct row_hit)) {
        struct row_hit row;
        memcpy(&row, rows.data + at, sizeof row);
        const u32 doc = doc_of(&check->worlds->shop, row.product_id);
        MUST(doc != UINT32_MAX);
        if (during->last[doc] == 0)
            FIND_EXPECT(check, "on a later page, once: document", doc, false, page->is_there[doc]);
        page->is_there[doc] = true;
        page->last = doc;
        page->last_key = row.sort_key;
    }
}

/* What does not change is neither skipped nor repeated. */
static void check_later(struct during *during, struct find_asked *asked, struct page *page)
{
    struct find_check *check = during->check;
    const struct find_shop *shop = &check->worlds->shop;
    u8 cursor[CURSOR_BYTES_MAX];
    bool is_end = false;
    for (u32 n = 0; n < PAGES_MAX && !is_end && !check->is_wrong; n++) {
        struct span span = asked->view.spans[SPAN_OF(search_rsp, cursor)];
        is_end = span.bytes == 0;
        if (is_end)
            break;
        memcpy(cursor, span.data, span.bytes);
        span.data = cursor;
        find_ask(check, span, 0, asked);
        FIND_EXPECT(check, "status of page", n, STATUS_OK, asked->status);
        take_later(during, asked, page);
    }
    for (u32 doc = 0; doc < shop->doc_count && !check->is_wrong; doc++)
        if (during->last[doc] == 0 && during->first[doc].is_match &&
            (is_end || precedes(&shop->docs[doc], during->first[doc].key, &shop->docs[page->last],
                                page->last_key)))
            FIND_EXPECT(check, "on some page: document", doc, true, page->is_there[doc]);
}

/* ---- a question ---- */

/* Words that stand for themselves alone; one facet of values; a sort that needs no words. */
static void make_question(const struct find_worlds *worlds, u64 seed,
                          struct find_question *question)
{
    static const char *const queries[] = {"", "-kata ", "ka ", "ti ", "tika ", "a "};
    static const struct {
        char field;
        const char *name;
    } facets[] = {
        {'c', "category"}, {'b', "brand"}, {'s', "in_stock"}, {'a', "color"}, {'a', "kind"}};
    u64 random = seed;
    do
        find_question_make(&worlds->shop, find_random(&random), question);
    while (question->profile > worlds->shop.profile_count || question->collection != 0);
    const char *query = queries[seed % ARRAY_COUNT(queries)];
    (void)snprintf(question->query, sizeof question->query, "%s", query);
    question->facet_count = 0;
    question->facet_text[0] = 0;
    question->edge = 0;
    question->at_ns = 0;
    const struct msg_search_req ask = question->ask;
    question->ask =
        (struct msg_search_req){.profile_id = ask.profile_id,
                                .user_id = ask.user_id,
                                .limit = SEARCH_LIMIT_MAX,
                                .flags = SEARCH_FLAG_NO_CURATION | SEARCH_FLAG_NO_TYPOS |
                                         SEARCH_FLAG_NO_PREFIX | SEARCH_FLAG_NO_DROP,
                                .sort = ask.sort};
    if (query[0] != 0 && query[0] != '-' && ask.sort == SEARCH_SORT_RELEVANCE)
        question->ask.sort = (u16)(1 + find_pick(&random, SEARCH_SORT_COUNT - 1));
    if (find_chance(&random, 50)) {
        const u32 pick = find_pick(&random, ARRAY_COUNT(facets));
        struct find_facet *facet = &question->facets[question->facet_count++];
        *facet = (struct find_facet){.field = (u8)facets[pick].field, .wanted = 1000};
        if (facet->field == 'a')
            (void)snprintf(facet->name, sizeof facet->name, "%s", facets[pick].name);
        (void)snprintf(question->facet_text, sizeof question->facet_text, "%s:1000",
                       facets[pick].name);
    }
}

bool find_check_during(struct find_worlds *worlds, u64 seed, struct find_changes *changes)
{
    static struct find_question question;
    static struct find_check check;
    static struct find_tally tally;
    static struct during during;
    static struct page page;
    struct find_asked asked;
    make_question(worlds, seed, &question);
    check = (struct find_check){.worlds = worlds, .question = &question, .tally = &tally};
    check.now_ns = find_worlds_now(worlds);
    find_answer_make(&worlds->shop, &question, 0, check.now_ns, &check.answer);
    if (check.answer.status != STATUS_OK)
        return true;
    MUST(worlds->shop.doc_count <= DOCS_MAX);
    during.check = &check;
    during.count = during.turns = 0;
    memset(during.last, 0, sizeof during.last);
    find_states_of(&worlds->shop, &question, check.now_ns, 0, worlds->shop.doc_count, during.first);
    struct gather_loop *loop = worlds->worlds[0].loop;
    loop->between = change_between;
    loop->context = &during;
    find_ask(&check, (struct span){0}, 0, &asked);
    FIND_EXPECT(&check, "status", 0, STATUS_OK, asked.status);
    if (!check.is_wrong) {
        read_page(&during, &asked, &page);
        check_rest(&during, &asked, &page);
        if (question.facet_count != 0)
            check_facet(&during, &asked);
        check_later(&during, &asked, &page);
    }
    loop->between = NULL;
    changes->questions++;
    changes->changes += during.count;
    changes->facets += question.facet_count;
    changes->sorted += question.ask.sort != SEARCH_SORT_RELEVANCE;
    if (check.is_wrong)
        find_question_print(&check, seed);
    return !check.is_wrong;
}

/* ---- a lower bound for a total ---- */

/* One of the two answers, and where it goes on. */
struct turn {
    struct row_hit hits[SEARCH_LIMIT_MAX + 10];
    u32 bytes;
    u64 total;
    u32 words;
    bool is_bound;
    u16 status;
    struct span cursor;
    u8 cursor_bytes[CURSOR_BYTES_MAX];
};

static void ask_turn(const struct find_check *check, u32 page, struct turn *turn)
{
    struct find_asked asked;
    find_ask(check, turn->cursor, page == 0 ? check->question->ask.offset : 0, &asked);
    turn->status = asked.status;
    if (asked.status != STATUS_OK)
        return;
    const struct span rows = asked.view.spans[SPAN_OF(search_rsp, hits)];
    const struct span cursor = asked.view.spans[SPAN_OF(search_rsp, cursor)];
    MUST(rows.bytes <= sizeof turn->hits);
    turn->bytes = rows.bytes;
    turn->total = asked.rsp.total;
    turn->words = asked.rsp.words;
    turn->is_bound = (asked.rsp.notes & SEARCH_NOTE_AT_LEAST) != 0;
    turn->cursor = (struct span){.data = turn->cursor_bytes, .bytes = cursor.bytes};
    if (rows.bytes != 0)
        memcpy(turn->hits, rows.data, rows.bytes);
    if (cursor.bytes != 0)
        memcpy(turn->cursor_bytes, cursor.data, cursor.bytes);
}

static void compare_turns(struct find_check *check, u32 page, const struct turn *exact,
                          const struct turn *bound)
{
    FIND_EXPECT(check, "status with a lower bound, page", page, exact->status, bound->status);
    FIND_EXPECT(check, "hits with a lower bound, page", page, exact->bytes, bound->bytes);
    if (!check->is_wrong)
        FIND_EXPECT(check, "the same hits with a lower bound, page", page, 0,
                    memcmp(exact->hits, bound->hits, exact->bytes));
    FIND_EXPECT(check, "lower bound, page", page, true,
                bound->is_bound ? bound->total <= exact->total : bound->total == exact->total);
    FIND_EXPECT(check, "a cursor with a lower bound, page", page, exact->cursor.bytes,
                bound->cursor.bytes);
    check->tally->lower_bounds += bound->total < exact->total;
}

static void make_bound_question(const struct find_worlds *worlds, u64 seed,
                                struct find_question *question)
{
    find_question_make(&worlds->shop, seed, question);
    question->facet_count = 0;
    question->facet_text[0] = 0;
    question->edge = 0;
    question->ask.bars = 0;
    question->ask.sort = SEARCH_SORT_RELEVANCE;
    question->ask.limit = 1 + question->ask.limit % (seed % 3 == 0 ? 30 : 4);
    question->ask.offset = seed % 5 == 0 ? MIN(question->ask.offset, 200u) : 0;
    if (seed % 3 != 0) /* fewer than keep words from being dropped, more than the page has */
        question->ask.flags &= (u16)~SEARCH_FLAG_NO_DROP;
}

/* As many match as keep words from being dropped, or some more: to leave out one too early is to drop. */
static void make_edge_question(struct find_check *check, u64 seed, struct find_question *question)
{
    const u32 least = check->worlds->shop.drop_below;
    static struct turn turn;
    u64 random = seed;
    for (u32 tries = 0; tries < 60; tries++) {
        make_bound_question(check->worlds, find_random(&random), question);
        question->ask.flags |= SEARCH_FLAG_NO_DROP;
        question->ask.flags &= (u16)~SEARCH_FLAG_AT_LEAST;
        question->ask.offset = 0;
        turn.cursor.bytes = 0;
        ask_turn(check, 0, &turn);
        question->ask.flags &= (u16)~SEARCH_FLAG_NO_DROP;
        if (turn.status == STATUS_OK && turn.words > 1 && turn.total >= least &&
            turn.total < least + 8) {
            check->tally->edges++;
            return;
        }
    }
}

bool find_check_at_least(struct find_worlds *worlds, u64 seed, struct find_tally *tally)
{
    static struct find_question question;
    static struct find_check check;
    static struct turn exact, bound;
    check = (struct find_check){.worlds = worlds, .question = &question, .tally = tally};
    check.now_ns = find_worlds_now(worlds);
    if (seed % 2 == 0)
        make_bound_question(worlds, seed, &question);
    else
        make_edge_question(&check, seed, &question);
    exact.cursor.bytes = bound.cursor.bytes = 0;
    for (u32 page = 0; page < 3 && !check.is_wrong; page++) {
        question.ask.flags &= (u16)~SEARCH_FLAG_AT_LEAST;
        ask_turn(&check, page, &exact);
        question.ask.flags |= SEARCH_FLAG_AT_LEAST;
        ask_turn(&check, page, &bound);
        if (exact.status != STATUS_OK)
            break;
        compare_turns(&check, page, &exact, &bound);
        if (exact.cursor.bytes == 0)
            break;
    }
    if (check.is_wrong)
        find_question_print(&check, seed);
    return !check.is_wrong;
}
