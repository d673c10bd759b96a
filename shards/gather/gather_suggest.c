/* gather_suggest: what somebody who types may mean: words that go on, products that have them.
 *
 *      WORDS    of every shard: words that begin like the last one
 *      COUNTS   of those that a shard has not named; of many, some in a round
 *      then     a search for the products (gather_search.h), the last word being open
 *
 * In pieces, as a search is: a shard at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/checksum.h"
#include "shards/gather/gather_search.h"
#include "shards/search/suggest.h"

/* What is done next. */
enum suggest_stage {
    SUGGEST_STAGE_WORDS,   /* taken, shard by shard */
    SUGGEST_STAGE_MISSING, /* COUNTS are asked of some words, shard by shard */
    SUGGEST_STAGE_COUNTS,  /* and taken */
    SUGGEST_STAGE_CHOOSE,  /* the best of the words */
    SUGGEST_STAGE_PRODUCTS
};

/* Nanoseconds, about. */
#define COST_WORD 60u
#define COST_LOOK 4u

/* What is asked with COUNTS in one round, of all shards together. */
#define COUNTS_BYTES_MAX (8u << 20)

struct suggestion {
    struct span word;
    u64 seen[SHARDS_MAX / 64];
    u64 count;     /* documents */
    bool is_shown; /* in one that is visible */
};

struct suggest_state {
    struct search_state search; /* the first: gather_search.c looks at it alone */
    enum suggest_stage suggest_stage;
    struct msg_suggest_req request;
    u32 at;         /* of the stage: the next shard, ask, or word */
    u32 block;      /* words are counted from here on */
    u32 block_end;  /* to here, in this round */
    u32 best_count; /* words that are chosen so far stand at the beginning */
    struct query_pack pack;
    struct suggestion *words;
    u32 *table; /* by hash: word + 1, 0 = free */
    u32 table_mask;
    u32 word_count;
};

static void ask(struct gather *gather, u16 shard, enum suggest_step step,
                const struct query_pack *data)
{
    const struct msg_suggest_part_req part = {.step = step};
    const struct span span = {.data = data->data, .bytes = data->used};
    gather_ask(gather, OPCODE_SUGGEST_PART, shard, &part, &span);
}

/* The word that is being typed; empty: none is. */
static struct span open_word(const struct query_text *text)
{
    if (text->slot_count == 0)
        return (struct span){0};
    const struct query_slot *last = &text->slots[text->slot_count - 1];
    return (last->flags & QUERY_SLOT_OPEN) != 0 ? query_text_part(text, last->joined)
                                                : (struct span){0};
}

/* ---- words ---- */

static struct query_unpack answer_of(const struct gather *gather, u32 i)
{
    return unpack_of(gather->asks[i].answer.spans[SPAN_OF(suggest_part_rsp, data)]);
}

static bool open_table(struct gather *gather, struct suggest_state *state)
{
    const u32 most = SUGGEST_WORDS_MAX * gather->shard_count;
    u32 size = 16;
    while (size < 2 * most)
        size *= 2;
    if (most * sizeof state->words[0] > STORE_CHUNK_BYTES)
        return false;
    state->words = gather_acquire(gather, most * sizeof state->words[0]);
    state->table = gather_acquire(gather, size * sizeof state->table[0]);
    state->table_mask = size - 1;
    if (state->words == NULL || state->table == NULL)
        return false;
    memset(state->table, 0, size * sizeof state->table[0]);
    return true;
}

static struct suggestion *find_or_add(struct suggest_state *state, struct span word)
{
    u32 at = (u32)checksum64(word.data, word.bytes) & state->table_mask;
    for (; state->table[at] != 0; at = (at + 1) & state->table_mask)
        if (pack_equal(state->words[state->table[at] - 1].word, word))
            return &state->words[state->table[at] - 1];
    state->words[state->word_count] = (struct suggestion){.word = word};
    state->table[at] = ++state->word_count;
    return &state->words[state->word_count - 1];
}

static bool is_missing(const struct suggestion *word, u16 shard)
{
    return (word->seen[shard / 64] >> shard % 64 & 1) == 0;
}

static void go(struct suggest_state *state, enum suggest_stage stage)
{
    state->suggest_stage = stage;
    state->at = 0;
}

/* Of one shard. */
static void take_words(struct gather *gather, struct suggest_state *state)
{
    const u16 shard = (u16)state->at;
    if (shard == 0 && !open_table(gather, state)) {
        gather->is_full = true;
        return;
    }
    struct query_unpack from = answer_of(gather, shard);
    while (from.at < from.bytes) {
        const u32 count = unpack_u32(&from);
        const bool is_shown = unpack_u8(&from) != 0;
        struct suggestion *word = find_or_add(state, unpack_text(&from));
        word->count += count;
        word->is_shown = word->is_shown || is_shown;
        word->seen[shard / 64] |= 1ull << shard % 64;
        gather->work += COST_WORD;
    }
    if (++state->at == gather->shard_count)
        go(state, SUGGEST_STAGE_MISSING);
}

/* As many words as may be asked of all shards in one round. */
static bool open_block(struct gather *gather, struct suggest_state *state)
{
    const u32 word_bytes = TEXT_WORD_BYTES + 2;
    const u32 most = COUNTS_BYTES_MAX / gather->shard_count / word_bytes;
    state->block_end = MIN(state->word_count, state->block + MIN(most, 4096u));
    const u32 capacity = (u32)sizeof(u64) + MIN(most, 4096u) * word_bytes;
    if (state->pack.data == NULL)
        state->pack =
            (struct query_pack){.data = gather_acquire(gather, capacity), .capacity = capacity};
    return state->pack.data != NULL;
}
STATIC_CHECK(sizeof(u64) + 4096 * (TEXT_WORD_BYTES + 2) <= PART_BYTES_MAX / 2);

/* One shard is asked for the words of the block that it has not named; true: the round has asked. */
static bool ask_counts(struct gather *gather, struct suggest_state *state)
{
    const u16 shard = (u16)state->at;
    struct query_pack *pack = &state->pack;
    if (shard == 0 && !open_block(gather, state))
        return false;
    pack->used = 0;
    pack_u64(pack, gather->now_ns);
    for (u32 i = state->block; i < state->block_end; i++) {
        if (!is_missing(&state->words[i], shard))
            continue;
        pack_text(pack, state->words[i].word);
        gather->work += 3 * COST_LOOK;
    }
    gather->work += COST_LOOK * (state->block_end - state->block);
    MUST(!pack->is_full);
    if (pack->used != sizeof(u64))
        ask(gather, shard, SUGGEST_STEP_COUNTS, pack);
    if (++state->at != gather->shard_count)
        return false;
    go(state, SUGGEST_STAGE_COUNTS);
    if (gather->open_count != 0)
        return true;
    state->block = state->block_end; /* all have named all of them */
    if (state->block == state->word_count)
        go(state, SUGGEST_STAGE_CHOOSE);
    else
        go(state, SUGGEST_STAGE_MISSING);
    return false;
}

/* Of one ask. */
static void take_counts(struct gather *gather, struct suggest_state *state)
{
    struct query_unpack from = answer_of(gather, state->at);
    const u16 shard = gather->asks[state->at].shard;
    for (u32 i = state->block; i < state->block_end; i++)
        if (is_missing(&state->words[i], shard)) {
            state->words[i].count += unpack_u32(&from);
            state->words[i].is_shown = unpack_u8(&from) != 0 || state->words[i].is_shown;
        }
    gather->work += 2 * COST_LOOK * (state->block_end - state->block);
    if (++state->at != gather->ask_count)
        return;
    state->block = state->block_end;
    go(state, state->block == state->word_count ? SUGGEST_STAGE_CHOOSE : SUGGEST_STAGE_MISSING);
}

static bool word_precedes(const struct suggestion *a, const struct suggestion *b)
{
    return a->count != b->count ? a->count > b->count : pack_compare(a->word, b->word) < 0;
}

/* The first `limit` of those that are shown, in order, come to stand at the beginning. Some words; true: all. */
static bool choose_words(struct gather *gather, struct suggest_state *state, u32 limit)
{
    for (; state->at < state->word_count; state->at++) {
        const struct suggestion word = state->words[state->at];
        u32 count = state->best_count;
        if (!gather_has_time(gather))
            return false;
        gather->work += 2 * COST_LOOK;
        if (!word.is_shown)
            continue;
        if (count == limit && (count == 0 || !word_precedes(&word, &state->words[count - 1])))
            continue;
        u32 at = count < limit ? count++ : count - 1;
        for (; at != 0 && word_precedes(&word, &state->words[at - 1]); at--) {
            state->words[at] = state->words[at - 1];
            gather->work += 2 * COST_LOOK;
        }
        state->words[at] = word;
        state->best_count = count;
    }
    return true;
}

/* ---- the reply ---- */

static void write_completions(struct gather *gather, struct suggest_state *state,
                              struct query_pack *rows, struct query_pack *texts)
{
    const struct query_text *text = &state->search.text;
    const struct span query = gather->spans[SPAN_OF(suggest_req, query)];
    for (u32 i = 0; i < state->best_count; i++) {
        const struct suggestion *word = &state->words[i];
        const u32 before = text->slots[text->slot_count - 1].begin;
        const struct row_completion row = {.text_offset = texts->used,
                                           .text_bytes = before + word->word.bytes,
                                           .count = (u32)MIN(word->count, UINT32_MAX)};
        pack_bytes(texts, query.data, before);
        pack_bytes(texts, word->word.data, word->word.bytes);
        pack_bytes(rows, &row, sizeof row);
    }
}

void suggest_reply(struct gather *gather, struct search_state *search)
{
    struct suggest_state *state = (struct suggest_state *)(void *)search;
    struct query_pack rows = {.capacity = SUGGEST_LIMIT_MAX * (u32)sizeof(struct row_completion)};
    struct query_pack hits = {.capacity = SUGGEST_LIMIT_MAX * (u32)sizeof(struct row_hit)};
    struct query_pack texts = {.capacity = SEARCH_TEXTS_BYTES_MAX};
    rows.data = gather_acquire(gather, rows.capacity);
    hits.data = gather_acquire(gather, hits.capacity);
    texts.data = gather_acquire(gather, texts.capacity);
    if (rows.data == NULL || hits.data == NULL || texts.data == NULL) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    write_completions(gather, state, &rows, &texts);
    search_write_hits(search, &hits, NULL, &texts, NULL);
    MUST(!rows.is_full && !hits.is_full && !texts.is_full); /* fifty of each */
    gather->reply_spans[SPAN_OF(suggest_rsp, completions)] =
        (struct span){.data = rows.data, .bytes = rows.used};
    gather->reply_spans[SPAN_OF(suggest_rsp, hits)] =
        (struct span){.data = hits.data, .bytes = hits.used};
    gather->reply_spans[SPAN_OF(suggest_rsp, texts)] =
        (struct span){.data = texts.data, .bytes = texts.used};
}
STATIC_CHECK(SUGGEST_LIMIT_MAX *(QUERY_BYTES_MAX + TEXT_WORD_BYTES + CODE_BYTES_MAX +
                                 TITLE_BYTES_MAX) <= SEARCH_TEXTS_BYTES_MAX);

/* ---- rounds ---- */

/* What a search looks at. */
STATIC_CHECK(SPAN_OF(suggest_req, query) == SPAN_OF(search_req, query));

static void begin_products(struct gather *gather, struct suggest_state *state)
{
    go(state, SUGGEST_STAGE_PRODUCTS);
    if (state->request.products == 0) {
        suggest_reply(gather, &state->search);
        return;
    }
    state->search.request = (struct msg_search_req){.limit = state->request.products};
    search_begin(gather, &state->search);
}

static void begin(struct gather *gather)
{
    struct suggest_state *state = gather_acquire(gather, sizeof *state);
    if (state == NULL) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    memset(state, 0, sizeof *state);
    gather->state = state;
    memcpy(&state->request, gather->fixed, sizeof state->request);
    for (u32 i = 1; i < MESSAGE_SPANS_MAX; i++)
        gather->spans[i] = (struct span){0}; /* a search has more of them */
    state->search.is_suggestion = true;
    state->search.suggest_category_id = state->request.category_id;
    if (state->request.words > SUGGEST_LIMIT_MAX || state->request.products > SUGGEST_LIMIT_MAX) {
        gather_refuse(gather, STATUS_BAD_ARGUMENT);
        return;
    }
    if (query_text_parse(&state->search.text, gather->spans[SPAN_OF(suggest_req, query)]) != NULL) {
        gather_refuse(gather, STATUS_BAD_QUERY);
        return;
    }
    const struct span word = open_word(&state->search.text);
    if (word.bytes == 0 || state->request.words == 0) {
        begin_products(gather, state);
        return;
    }
    u8 bytes[sizeof(u64) + TEXT_WORD_BYTES + 2];
    struct query_pack pack = {.data = bytes, .capacity = sizeof bytes};
    pack_u64(&pack, gather->now_ns);
    pack_text(&pack, word);
    const struct msg_suggest_part_req part = {.step = SUGGEST_STEP_WORDS};
    const struct span span = {.data = pack.data, .bytes = pack.used};
    gather_ask_all(gather, OPCODE_SUGGEST_PART, &part, &span);
}

void gather_suggest(struct gather *gather)
{
    struct suggest_state *state = gather->state;
    if (state == NULL) {
        begin(gather);
        return;
    }
    while (state->suggest_stage != SUGGEST_STAGE_PRODUCTS && !gather->is_full) {
        if (!gather_has_time(gather)) {
            gather->goes_on = true;
            return;
        }
        switch (state->suggest_stage) {
        case SUGGEST_STAGE_WORDS: take_words(gather, state); break;
        case SUGGEST_STAGE_MISSING:
            if (ask_counts(gather, state))
                return;
            break;
        case SUGGEST_STAGE_COUNTS: take_counts(gather, state); break;
        case SUGGEST_STAGE_CHOOSE:
            if (!choose_words(gather, state, state->request.words))
                break;
            begin_products(gather, state);
            return;
        case SUGGEST_STAGE_PRODUCTS: break;
        }
    }
    if (state->suggest_stage == SUGGEST_STAGE_PRODUCTS)
        search_continue(gather, &state->search);
}
