/* test_index: the inverted index against documents in plain arrays: random tokens, updates, deaths,
 * questions that stay open across them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/index_plain.h"

/* ---- comparisons -------------------------------------------------------------------------------- */

static void compare_forward(const struct world *world, u32 doc)
{
    const struct plain_document *document = &world->documents[doc];
    struct forward_reader reader = forward_begin(index_forward(&world->index, doc));
    struct index_token token;
    bool is_seen[TERM_COUNT + 1] = {false};
    u32 count = 0;
    u64 before = 0;
    while (forward_next(&reader, &token)) {
        assert_true(stands_at(document, token.term, token.field, token.position));
        const u64 place = (u64)token.field << 32 | token.position;
        assert_true(place >= before);
        assert_int_equal(reader.is_first, !is_seen[token.term]);
        assert_true(forward_has(index_forward(&world->index, doc), token.term));
        is_seen[token.term] = true;
        before = place;
        count++;
    }
    for (u32 i = 0; i < document->token_count; i++)
        count -= POLICY.weights[document->tokens[i].field] != 0;
    assert_int_equal(count, 0);
    for (u32 term = 1; term <= TERM_COUNT; term++)
        assert_int_equal(is_seen[term], document->impacts[term] != 0);
}

static void compare_phrases(struct world *world, u32 doc)
{
    const struct plain_document *document = &world->documents[doc];
    for (u32 round = 0; round < 8; round++) {
        u32 terms[PHRASE_TERMS];
        const u32 count = 1 + fuzz_below(&world->fuzz, PHRASE_TERMS);
        const u32 from = fuzz_below(&world->fuzz, TOKENS_MAX);
        for (u32 i = 0; i < count; i++)
            terms[i] = round % 2 == 0 && from + i < document->token_count
                           ? document->tokens[from + i].term
                           : draw_term(&world->fuzz);
        assert_int_equal(index_phrase(&world->index, doc, terms, count),
                         plain_phrase(document, terms, count));
    }
}

/* All postings of a term one by one: those that the question sees are exactly the plain ones. */
static void compare_postings(const struct world *world, const struct index_question *question,
                             u32 term)
{
    struct postings_cursor cursor;
    postings_open(&cursor, &world->index, term);
    u32 df = 0;
    for (u32 doc = 1; doc < question->end; doc++) {
        while (cursor.doc < doc) {
            /* Dead ones may come; nothing else. */
            assert_false(plain_sees(world, question, cursor.doc));
            (void)postings_next(&cursor);
        }
        const u8 impact = world->documents[doc].impacts[term];
        if (!plain_sees(world, question, doc) || impact == 0) {
            assert_true(cursor.doc != doc || impact != 0);
            if (cursor.doc == doc)
                (void)postings_next(&cursor);
            continue;
        }
        assert_int_equal(cursor.doc, doc);
        assert_int_equal(cursor.impact, impact);
        assert_true(index_impact_max(&world->index, term) >= impact);
        df += world->documents[doc].death == 0;
        (void)postings_next(&cursor);
    }
    if (question->end == world->end)
        assert_int_equal(index_df(&world->index, term), df);
}

/* Seeks to random documents, with the bound of their block. */
static void compare_seeks(struct world *world, const struct index_question *question, u32 term)
{
    struct postings_cursor cursor;
    postings_open(&cursor, &world->index, term);
    u32 target = 1;
    while (cursor.doc != POSTINGS_DOC_END) {
        target += fuzz_below(&world->fuzz, 1 + fuzz_below(&world->fuzz, 2 * world->end));
        u32 last_doc;
        const u8 bound =
            target < cursor.doc ? UINT8_MAX : postings_block_max(&cursor, target, &last_doc);
        const u32 at = postings_seek(&cursor, target);
        assert_true(at >= target || at == POSTINGS_DOC_END);
        for (u32 doc = target; doc < question->end && doc < at; doc++)
            assert_false(plain_sees(world, question, doc) &&
                         world->documents[doc].impacts[term] != 0);
        if (bound != UINT8_MAX)
            for (u32 doc = target; doc < question->end && doc <= last_doc; doc++)
                assert_true(!plain_sees(world, question, doc) ||
                            world->documents[doc].impacts[term] <= bound);
        if (at < world->end)
            assert_int_equal(cursor.impact, world->documents[at].impacts[term]);
    }
}

/* A window of a cursor against the plain documents; returns how many the question sees. */
static u32 compare_window(const struct world *world, const struct index_question *question,
                          struct postings_cursor *cursor, u32 term, u32 window)
{
    u16 docs[INDEX_WINDOW_DOCS];
    u8 impacts[INDEX_WINDOW_DOCS];
    u64 bits[INDEX_WINDOW_WORDS];
    const u8 bound = postings_window_max(cursor, window);
    const u32 count = postings_window(cursor, window, docs, impacts);
    memset(bits, 0xff, sizeof bits);
    index_window_seen(&world->index, window, question, bits);
    assert_true(cursor->doc >= (window + 1) * INDEX_WINDOW_DOCS);
    u32 at = 0;
    u32 found = 0;
    u32 live = 0;
    for (u32 i = 0; i < INDEX_WINDOW_DOCS; i++) {
        const u32 doc = window * INDEX_WINDOW_DOCS + i;
        const bool is_seen = doc != 0 && doc < world->end && plain_sees(world, question, doc);
        assert_int_equal((bits[i / 64] >> (i % 64)) & 1, is_seen);
        if (doc != 0 && doc < world->end)
            assert_int_equal(index_sees(&world->index, question, doc), is_seen);
        live += doc != 0 && doc < world->end && world->documents[doc].death == 0;
        while (at < count && docs[at] < i)
            at++;
        const u8 impact = is_seen ? world->documents[doc].impacts[term] : 0;
        if (impact == 0)
            continue;
        assert_true(at < count);
        assert_int_equal(docs[at], i);
        assert_int_equal(impacts[at], impact);
        assert_true(impact <= bound);
        assert_int_equal(index_product(&world->index, doc), world->documents[doc].product);
        found++;
    }
    assert_int_equal(live, index_window_live(&world->index, window));
    return found;
}

static void compare_all(struct world *world)
{
    assert_true(index_valid(&world->index));
    struct index_question question;
    index_question_begin(&world->index, &question);
    assert_int_equal(question.end, world->end);
    for (u32 term = 1; term <= TERM_COUNT; term++) {
        compare_postings(world, &question, term);
        compare_seeks(world, &question, term);
        struct postings_cursor cursor;
        postings_open(&cursor, &world->index, term);
        for (u32 window = 0; window <= world->end / INDEX_WINDOW_DOCS; window++)
            (void)compare_window(world, &question, &cursor, term, window);
    }
    u64 live_count = 0;
    for (u32 doc = 1; doc < world->end; doc++) {
        const bool is_live = world->documents[doc].death == 0;
        live_count += is_live;
        assert_int_equal(index_is_live(&world->index, doc), is_live);
        if (is_live && fuzz_below(&world->fuzz, 8) == 0) {
            compare_forward(world, doc);
            compare_phrases(world, doc);
        }
    }
    assert_int_equal(index_live(&world->index), live_count);
    index_question_end(&world->index, &question);
}

/* ---- questions that take their time --------------------------------------------------------------- */

static void asker_begin(struct world *world, struct asker *asker)
{
    index_question_begin(&world->index, &asker->question);
    asker->is_open = true;
    asker->is_stepping = fuzz_below(&world->fuzz, 2) == 0;
    asker->is_seeking = fuzz_below(&world->fuzz, 2) == 0;
    asker->term = draw_term(&world->fuzz);
    asker->window = 0;
    asker->found = 0;
    postings_open(&asker->cursor, &world->index, asker->term);
}

/* How many the question sees that have its term, by the plain documents. */
static u32 plain_count(const struct world *world, const struct asker *asker)
{
    u32 count = 0;
    for (u32 doc = 1; doc < asker->question.end; doc++)
        count += plain_sees(world, &asker->question, doc) &&
                 world->documents[doc].impacts[asker->term] != 0;
    return count;
}

static void asker_finish(struct world *world, struct asker *asker)
{
    assert_int_equal(asker->found, plain_count(world, asker));
    index_question_end(&world->index, &asker->question);
    asker->is_open = false;
}

/* A slice: a window, or some postings. What it sees has words to read, dead or alive. */
static void asker_step(struct world *world, struct asker *asker)
{
    if (!asker->is_stepping) {
        if (asker->window * INDEX_WINDOW_DOCS >= asker->question.end) {
            asker_finish(world, asker);
            return;
        }
        asker->found +=
            compare_window(world, &asker->question, &asker->cursor, asker->term, asker->window++);
        return;
    }
    for (u32 i = 0; i < 40; i++) {
        const u32 doc = asker->is_seeking ? postings_seek(&asker->cursor, asker->cursor.doc)
                                          : asker->cursor.doc;
        if (doc >= asker->question.end) {
            asker_finish(world, asker);
            return;
        }
        if (index_sees(&world->index, &asker->question, doc)) {
            assert_true(plain_sees(world, &asker->question, doc));
            assert_int_equal(asker->cursor.impact, world->documents[doc].impacts[asker->term]);
            compare_forward(world, doc);
            asker->found++;
        }
        (void)postings_next(&asker->cursor);
    }
}

static void step_askers(struct world *world)
{
    struct asker *asker = &world->askers[fuzz_below(&world->fuzz, QUESTIONS)];
    if (asker->is_open)
        asker_step(world, asker);
    else if (fuzz_below(&world->fuzz, 40) == 0)
        asker_begin(world, asker);
}

static void finish_askers(struct world *world)
{
    for (u32 i = 0; i < QUESTIONS; i++)
        while (world->askers[i].is_open)
            asker_step(world, &world->askers[i]);
}

/* ---- the tests ---------------------------------------------------------------------------------- */

static void updates_and_deaths_are_as_in_plain_arrays(void **state)
{
    (void)state;
    enum { STEPS = 14000 };
    static struct world world;
    world.fuzz = fuzz_begin("updates");
    world_open(&world, STEPS);
    for (u32 step = 0; step < STEPS; step++) {
        const u32 product = fuzz_below(&world.fuzz, PRODUCT_COUNT);
        const u32 action = fuzz_below(&world.fuzz, 10);
        if (action < 7)
            update_product(&world, product);
        else if (world.doc_of[product] != 0)
            kill_product(&world, product);
        step_askers(&world);
        if (step % 2500 == 0)
            compare_all(&world);
    }
    finish_askers(&world);
    compare_all(&world);
    world_close(&world);
}

/* Many live documents, so that lists have several segments, then waves of deaths. */
static void waves_of_deaths_leave_the_rest(void **state)
{
    (void)state;
    enum { COUNT = 15000 };
    static struct world world;
    world.fuzz = fuzz_begin("waves");
    world_open(&world, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        add_product(&world, i % PRODUCT_COUNT);
        step_askers(&world);
    }
    compare_all(&world);
    for (u32 wave = 0; wave < 3; wave++) {
        const u32 first = fuzz_below(&world.fuzz, COUNT);
        for (u32 doc = 1; doc < world.end; doc++) {
            const bool is_in_row = doc >= first && doc < first + COUNT / 4;
            if (world.documents[doc].death != 0 || !(is_in_row || fuzz_below(&world.fuzz, 3) == 0))
                continue;
            world.documents[doc].death = ++world.deaths;
            index_kill(&world.index, doc);
            step_askers(&world);
        }
        compare_all(&world);
    }
    finish_askers(&world);
    world_close(&world);
}

/* While a question is open everything it sees stays; then all goes, some with each later step. */
static void a_question_keeps_what_it_sees_and_no_more(void **state)
{
    (void)state;
    enum { COUNT = 2 * INDEX_WINDOW_DOCS };
    static struct world world;
    world.fuzz = fuzz_begin("keeps");
    world_open(&world, COUNT * 2);
    for (u32 i = 0; i < COUNT; i++)
        add_product(&world, i % PRODUCT_COUNT);
    index_kill(&world.index, 1);
    world.documents[1].death = ++world.deaths;
    assert_null(index_forward(&world.index, 1)); /* no question: buried at once */
    struct asker *asker = &world.askers[0];
    asker_begin(&world, asker);
    assert_false(index_sees(&world.index, &asker->question, 1));
    for (u32 doc = 2; doc < world.end; doc++) {
        world.documents[doc].death = ++world.deaths;
        index_kill(&world.index, doc);
        assert_true(index_sees(&world.index, &asker->question, doc));
        assert_false(index_is_live(&world.index, doc));
    }
    memset(world.doc_of, 0, sizeof world.doc_of);
    for (u32 term = 1; term <= TERM_COUNT; term++)
        assert_int_equal(index_df(&world.index, term), 0);
    const u64 forward_bytes = world.index.forward_bytes;
    assert_true(index_valid(&world.index));
    while (asker->is_open)
        asker_step(&world, asker);
    for (u32 i = 0; i < COUNT / 4; i++) {
        assert_in_range(index_sizes(&world.index).forward_bytes, 1, forward_bytes);
        update_product(&world, 0);
    }
    assert_true(index_valid(&world.index));
    kill_product(&world, 0);
    const struct index_sizes sizes = index_sizes(&world.index);
    assert_int_equal(sizes.live_documents, 0);
    assert_int_equal(sizes.postings, 0);
    assert_int_equal(sizes.postings_bytes, 0);
    assert_int_equal(sizes.forward_bytes, 0);
    assert_int_equal(sizes.forward_tokens, 0);
    assert_true(sizes.document_bytes <= 51u << 10); /* the window that is not full yet */
    compare_all(&world);
    world_close(&world);
}

/* The end of one question buries only what no other sees. */
static void the_oldest_question_decides_what_is_buried(void **state)
{
    (void)state;
    static struct world world;
    world.fuzz = fuzz_begin("oldest");
    world_open(&world, 100);
    for (u32 i = 0; i < 20; i++)
        add_product(&world, i);
    struct index_question questions[3];
    for (u32 i = 0; i < 3; i++) {
        index_question_begin(&world.index, &questions[i]);
        kill_product(&world, i);
    }
    for (u32 i = 0; i < 3; i++)
        for (u32 doc = 1; doc <= 20; doc++)
            assert_int_equal(index_sees(&world.index, &questions[i], doc), doc > i);
    index_question_end(&world.index, &questions[1]);
    assert_non_null(index_forward(&world.index, 1));
    index_question_end(&world.index, &questions[0]);
    assert_null(index_forward(&world.index, 1));
    assert_null(index_forward(&world.index, 2));
    assert_non_null(index_forward(&world.index, 3));
    assert_true(index_sees(&world.index, &questions[2], 3));
    index_question_end(&world.index, &questions[2]);
    assert_null(index_forward(&world.index, 3));
    expect_assert_failure(index_question_end(&world.index, &questions[2]));
    expect_assert_failure(index_kill(&world.index, 3));
    world_close(&world);
}

/* What a long question left is buried by whatever comes: here by deaths alone. */
static void deaths_bury_what_a_question_left(void **state)
{
    (void)state;
    static struct world world;
    world.fuzz = fuzz_begin("left");
    world_open(&world, 100);
    for (u32 i = 0; i < 60; i++)
        add_product(&world, i);
    struct index_question question;
    index_question_begin(&world.index, &question);
    for (u32 i = 0; i < 40; i++)
        kill_product(&world, i);
    index_question_end(&world.index, &question);
    assert_non_null(index_forward(&world.index, 40));
    for (u32 i = 40; i < 50; i++)
        kill_product(&world, i);
    for (u32 doc = 1; doc <= 50; doc++)
        assert_null(index_forward(&world.index, doc));
    compare_all(&world);
    world_close(&world);
}

/* A window whose documents are all dead is not given back before it is full. */
static void an_empty_window_takes_the_next_document(void **state)
{
    (void)state;
    static struct world world;
    world.fuzz = fuzz_begin("window");
    world_open(&world, 3 * INDEX_WINDOW_DOCS);
    for (u32 i = 0; i < 2 * INDEX_WINDOW_DOCS + 10; i++) {
        update_product(&world, 0);
        kill_product(&world, 0);
        const u64 bytes = index_sizes(&world.index).document_bytes;
        /* One window; none in the moment when it is full and the next has not begun. */
        assert_true(bytes == (world.end % INDEX_WINDOW_DOCS == 0 ? 0 : 49152 + 1536));
    }
    assert_true(index_valid(&world.index));
    world_close(&world);
}

static int compare_u64(const void *a, const void *b)
{
    const u64 x = *(const u64 *)a;
    const u64 y = *(const u64 *)b;
    return x < y ? -1 : x > y;
}

/* What a term says, without numbers of documents: product and impact, sorted. */
static u32 list_pairs(const struct index *index, u32 term, u64 *pairs)
{
    struct postings_cursor cursor;
    u32 count = 0;
    for (postings_open(&cursor, index, term); cursor.doc != POSTINGS_DOC_END;
         (void)postings_next(&cursor))
        if (index_is_live(index, cursor.doc))
            pairs[count++] = (u64)index_product(index, cursor.doc) << 8 | cursor.impact;
    qsort(pairs, count, sizeof *pairs, compare_u64);
    assert_int_equal(count, index_df(index, term));
    return count;
}

/* Two indexes with the same final products, by other ways: other order, deaths and old texts between. */
static void the_way_to_a_state_does_not_show(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    struct fuzz fuzz = fuzz_begin("way");
    struct store_memory memory;
    struct arena arena;
    struct index straight, crooked;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    index_init(&straight, &memory, &arena);
    index_init(&crooked, &memory, &arena);
    struct plain_document *finals = calloc(COUNT, sizeof *finals);
    u32 *docs = calloc(COUNT, sizeof *docs);
    u64 *pairs = calloc(2 * COUNT, sizeof *pairs);
    assert_true(finals != NULL && docs != NULL && pairs != NULL);
    for (u32 i = 0; i < COUNT; i++) {
        draw_document(&fuzz, &finals[i]);
        (void)!index_add(&straight, i, finals[i].tokens, finals[i].token_count, &POLICY);
    }
    for (u32 round = 0; round < 3; round++) {
        for (u32 k = 0; k < COUNT; k++) {
            const u32 i = (k * 1237 + round) % COUNT; /* each once */
            struct plain_document other;
            draw_document(&fuzz, &other);
            const struct plain_document *document = round == 2 ? &finals[i] : &other;
            struct index_token tokens[TOKENS_MAX]; /* in another order too */
            for (u32 t = 0; t < document->token_count; t++)
                tokens[t] = document->tokens[document->token_count - 1 - t];
            const u32 old = docs[i];
            docs[i] = index_add(&crooked, i, tokens, document->token_count, &POLICY);
            if (old != 0)
                index_kill(&crooked, old);
        }
    }
    assert_true(index_valid(&crooked));
    for (u32 term = 1; term <= TERM_COUNT; term++) {
        const u32 count = list_pairs(&straight, term, pairs);
        assert_int_equal(count, list_pairs(&crooked, term, pairs + COUNT));
        assert_memory_equal(pairs, pairs + COUNT, count * sizeof *pairs);
    }
    for (u32 i = 0; i < COUNT; i++) {
        const u32 *a = index_forward(&straight, i + 1);
        const u32 *b = index_forward(&crooked, docs[i]);
        assert_int_equal(a[0], b[0]);
    }
    free(finals);
    free(docs);
    free(pairs);
    index_deinit(&straight);
    index_deinit(&crooked);
    arena_deinit(&arena);
    assert_int_equal(memory.used_bytes, 0);
}

/* A description of thousands of words: sorted by digits instead of insertion. */
static void a_long_document_is_read_back(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin("long");
    struct store_memory memory;
    struct arena arena;
    struct index index;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    index_init(&index, &memory, &arena);
    const u32 counts[] = {39, 40, 41, 1000, 20000, INDEX_TOKENS_MAX};
    struct index_token *tokens = calloc(INDEX_TOKENS_MAX, sizeof *tokens);
    u8 *has = calloc(1u << 20, 1);
    assert_true(tokens != NULL && has != NULL);
    for (u32 round = 0; round < ARRAY_COUNT(counts); round++) {
        memset(has, 0, 1u << 20);
        u32 term_count = 0;
        for (u32 i = 0; i < counts[round]; i++) {
            tokens[i] = (struct index_token){.term = 1 + fuzz_below(&fuzz, (1u << 20) - 1),
                                             .position = i * 7 % 40000,
                                             .field = (u16)(i % 5)};
            term_count += has[tokens[i].term] == 0;
            has[tokens[i].term] = 1;
        }
        const u32 doc = index_add(&index, 9, tokens, counts[round], &score_policy_builtin);
        struct forward_reader reader = forward_begin(index_forward(&index, doc));
        struct index_token token;
        u32 count = 0;
        u32 firsts = 0;
        u64 before = 0;
        for (; forward_next(&reader, &token); count++) {
            assert_int_equal(has[token.term], reader.is_first ? 1 : 2); /* 2: has come */
            has[token.term] = 2;
            const u64 place = (u64)token.field << 32 | token.position;
            assert_true(place >= before);
            before = place;
            firsts += reader.is_first;
        }
        assert_int_equal(count, counts[round]);
        assert_int_equal(firsts, term_count);
        for (u32 i = 0; i < counts[round]; i += 1 + counts[round] / 50)
            assert_true(index_phrase(&index, doc, &tokens[i].term, 1));
    }
    assert_true(index_valid(&index));
    expect_assert_failure((void)!index_add(&index, 9, tokens, INDEX_TOKENS_MAX + 1, &POLICY));
    tokens[5].term = 0;
    expect_assert_failure((void)!index_add(&index, 9, tokens, 10, &score_policy_builtin));
    free(tokens);
    free(has);
    index_drop(&index);
    arena_deinit(&arena);
    assert_int_equal(memory.used_bytes, 0);
}

/* Forms that share a position, gaps, fields: by hand. */
static void phrases_stand_in_one_field_without_a_gap(void **state)
{
    (void)state;
    static struct world world;
    world.fuzz = fuzz_begin("phrases");
    world_open(&world, 10);
    /* title: 1 2/3 4 . 5   brand: 1 1 2 */
    const struct index_token tokens[] = {
        {1, 0, INDEX_TITLE, 0}, {2, 1, INDEX_TITLE, 0}, {3, 1, INDEX_TITLE, 0},
        {4, 2, INDEX_TITLE, 0}, {5, 4, INDEX_TITLE, 0}, {1, 5, INDEX_BRAND, 0},
        {1, 6, INDEX_BRAND, 0}, {2, 7, INDEX_BRAND, 0},
    };
    const u32 doc = index_add(&world.index, 1, tokens, ARRAY_COUNT(tokens), &POLICY);
    const struct {
        u32 terms[4];
        u32 count;
        bool is_there;
    } cases[] = {
        {{1, 2}, 2, true},        {{1, 3}, 2, true},     {{1, 2, 4}, 3, true},
        {{1, 3, 4}, 3, true},     {{2, 3}, 2, false},    {{4, 5}, 2, false},
        {{5, 1}, 2, false},       {{1, 1}, 2, true},     {{1, 1, 2}, 3, true},
        {{1, 1, 1}, 3, false},    {{2, 1}, 2, false},    {{5}, 1, true},
        {{6}, 1, false},          {{1, 1, 3}, 3, false}, {{1, 3, 4, 5}, 4, false},
        {{1, 2, 4, 5}, 4, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(index_phrase(&world.index, doc, cases[i].terms, cases[i].count),
                         cases[i].is_there);
    assert_false(index_phrase(&world.index, doc + 1, cases[0].terms, 2));
    /* A run of one word in a row, and a phrase one longer than it. */
    struct index_token row[60];
    u32 same[FORWARD_PHRASE_MAX];
    for (u32 i = 0; i < ARRAY_COUNT(row); i++)
        row[i] = (struct index_token){7, i, INDEX_DESCRIPTION, 0};
    for (u32 i = 0; i < ARRAY_COUNT(same); i++)
        same[i] = 7;
    const u32 rows = index_add(&world.index, 2, row, ARRAY_COUNT(row), &POLICY);
    assert_true(index_phrase(&world.index, rows, same, 60));
    assert_false(index_phrase(&world.index, rows, same, 61));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_stand_in_one_field_without_a_gap),
        cmocka_unit_test(the_oldest_question_decides_what_is_buried),
        cmocka_unit_test(deaths_bury_what_a_question_left),
        cmocka_unit_test(an_empty_window_takes_the_next_document),
        cmocka_unit_test(a_long_document_is_read_back),
        cmocka_unit_test(a_question_keeps_what_it_sees_and_no_more),
        cmocka_unit_test(the_way_to_a_state_does_not_show),
        cmocka_unit_test(updates_and_deaths_are_as_in_plain_arrays),
        cmocka_unit_test(waves_of_deaths_leave_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
