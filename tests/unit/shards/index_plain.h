/* index_plain: documents in plain arrays, beside an index of the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_INDEX_PLAIN_H
#define SOUK_TESTS_UNIT_SHARDS_INDEX_PLAIN_H

#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/search/index.h"

#define TOKENS_MAX    24u
#define TERM_COUNT    80u
#define QUESTIONS     3u
#define PHRASE_TERMS  4u
#define PRODUCT_COUNT 500u

static const struct score_policy POLICY = {
    .weights = {10, 6, 3, 4, 1, 0}}; /* codes: not searched */

struct plain_document {
    u32 product;
    u32 token_count;
    u64 death; /* 0 = alive, else how many had died then, itself among them */
    struct index_token tokens[TOKENS_MAX];
    u8 impacts[TERM_COUNT + 1]; /* 0 = does not have the term */
};

/* A question under way: it reads the postings of some terms, some windows at a time. */
struct asker {
    struct index_question question;
    struct postings_cursor cursor;
    u32 term;
    u32 window; /* next */
    u32 found;
    bool is_open;
    bool
        is_stepping; /* by postings_next, with seeks to where it stands or not, instead of windows */
    bool is_seeking;
};

struct world {
    struct store_memory memory;
    struct arena arena;
    struct index index;
    struct plain_document *documents; /* [doc] */
    u32 capacity;
    u32 end;
    u64 deaths;
    u32 doc_of[PRODUCT_COUNT]; /* 0 = none */
    struct asker askers[QUESTIONS];
    struct fuzz fuzz;
};

static inline void world_open(struct world *world, u32 capacity)
{
    const struct fuzz fuzz = world->fuzz;
    *world = (struct world){.capacity = capacity, .end = 1, .fuzz = fuzz};
    store_memory_init(&world->memory);
    arena_init(&world->arena, &world->memory);
    index_init(&world->index, &world->memory, &world->arena);
    world->documents = calloc(capacity + 1, sizeof *world->documents);
    assert_non_null(world->documents);
}

static inline void world_close(struct world *world)
{
    index_deinit(&world->index);
    assert_int_equal(arena_live_bytes(&world->arena), 0);
    arena_deinit(&world->arena);
    assert_int_equal(world->memory.used_bytes, 0);
    free(world->documents);
}

/* ---- the plain side ----------------------------------------------------------------------------- */

static inline bool stands_at(const struct plain_document *document, u32 term, u32 field,
                             u32 position)
{
    for (u32 i = 0; i < document->token_count; i++)
        if (document->tokens[i].term == term && document->tokens[i].field == field &&
            document->tokens[i].position == position)
            return POLICY.weights[field] != 0;
    return false;
}

/* Is a token like token i before it: of the same place, and if `term` is not 0 of this term? */
static inline bool is_again(const struct plain_document *document, u32 i, u32 term)
{
    for (u32 k = 0; k < i; k++)
        if (document->tokens[k].field == document->tokens[i].field &&
            document->tokens[k].position == document->tokens[i].position &&
            (term == 0 || document->tokens[k].term == term))
            return true;
    return false;
}

/* Counts places for every term anew. */
static inline void judge(struct plain_document *document)
{
    u16 lengths[SCORE_FIELDS] = {0};
    for (u32 i = 0; i < document->token_count; i++)
        if (POLICY.weights[document->tokens[i].field] != 0 && !is_again(document, i, 0))
            lengths[document->tokens[i].field]++;
    for (u32 term = 1; term <= TERM_COUNT; term++) {
        u16 frequencies[SCORE_FIELDS] = {0};
        bool has_term = false;
        for (u32 i = 0; i < document->token_count; i++) {
            const struct index_token *token = &document->tokens[i];
            if (token->term != term || POLICY.weights[token->field] == 0)
                continue;
            has_term = true;
            frequencies[token->field] =
                (u16)(frequencies[token->field] + !is_again(document, i, term));
        }
        document->impacts[term] = has_term ? score_impact(&POLICY, frequencies, lengths) : 0;
        assert_true(document->impacts[term] != 0 || !has_term);
    }
}

static inline bool plain_phrase(const struct plain_document *document, const u32 *terms, u32 count)
{
    for (u32 field = 0; field < SCORE_FIELDS; field++) {
        for (u32 position = 0; position < 3 * TOKENS_MAX; position++) {
            u32 reached = 0;
            while (reached < count &&
                   stands_at(document, terms[reached], field, position + reached))
                reached++;
            if (reached == count)
                return true;
        }
    }
    return false;
}

static inline bool plain_sees(const struct world *world, const struct index_question *question,
                              u32 doc)
{
    const u64 death = world->documents[doc].death;
    return doc < question->end && (death == 0 || death > question->deaths);
}

/* ---- what happens ------------------------------------------------------------------------------- */

/* Low terms are frequent; term 1 is in nearly every document. */
static inline u32 draw_term(struct fuzz *fuzz)
{
    const u32 range = 1 + fuzz_below(fuzz, TERM_COUNT);
    return 1 + fuzz_below(fuzz, 1 + fuzz_below(fuzz, range));
}

static inline void draw_document(struct fuzz *fuzz, struct plain_document *document)
{
    document->token_count = fuzz_below(fuzz, TOKENS_MAX + 1);
    u32 field = fuzz_below(fuzz, SCORE_FIELDS);
    u32 position = fuzz_below(fuzz, 3);
    for (u32 i = 0; i < document->token_count; i++) {
        document->tokens[i] = (struct index_token){
            .term = draw_term(fuzz), .position = position, .field = (u16)field};
        const u32 step = fuzz_below(fuzz, 12);
        if (step == 0) {
            field = fuzz_below(fuzz, SCORE_FIELDS);
            position = fuzz_below(fuzz, 3);
        } else if (step > 2) {
            position++;
        } else if (step == 2) {
            position += 2;
        }
    }
    judge(document);
}

static inline void add_product(struct world *world, u32 product)
{
    assert_true(world->end <= world->capacity);
    struct plain_document *document = &world->documents[world->end];
    document->product = product;
    draw_document(&world->fuzz, document);
    const u32 doc =
        index_add(&world->index, product, document->tokens, document->token_count, &POLICY);
    assert_int_equal(doc, world->end);
    world->end++;
    world->doc_of[product] = doc;
}

static inline void kill_product(struct world *world, u32 product)
{
    const u32 doc = world->doc_of[product];
    world->documents[doc].death = ++world->deaths;
    world->doc_of[product] = 0;
    index_kill(&world->index, doc);
}

/* The new document first, as the room does: at no time is the product missing. */
static inline void update_product(struct world *world, u32 product)
{
    const u32 old = world->doc_of[product];
    add_product(world, product);
    if (old == 0)
        return;
    world->documents[old].death = ++world->deaths;
    index_kill(&world->index, old);
}

#endif
