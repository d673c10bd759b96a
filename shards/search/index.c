/* index: see index.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/index.h"

#include <string.h>

#define SCRATCH_CAPACITY_MIN 256u
#define ORDINAL_BITS         15u /* of a token in its document */
#define BURIED_AT_ONCE       4u  /* graves for each add, kill and end of a question */
#define FEW                  40u /* keys that are sorted by insertion */
#define RADIX_BITS           8u
#define RADIX                (1u << RADIX_BITS)

STATIC_CHECK(INDEX_TOKENS_MAX == 1u << ORDINAL_BITS);
STATIC_CHECK(INDEX_FIELD_COUNT <= 8); /* bits of a jump */
STATIC_CHECK(INDEX_QUESTIONS_MAX == 32);

/* What index_add sorts, for the largest document so far. */
struct index_scratch {
    struct index_token *tokens; /* of fields with a weight, in order */
    u64 *keys;
    u64 *spare;
    u64 *firsts; /* bits */
};

/* The scratch and its arrays are one arena object. */
static size_t scratch_bytes(u32 capacity)
{
    return sizeof(struct index_scratch) +
           capacity * (2 * sizeof(u64) + sizeof(struct index_token)) + capacity / 8;
}
STATIC_CHECK(sizeof(struct index_scratch) +
                 INDEX_TOKENS_MAX * (2 * sizeof(u64) + sizeof(struct index_token) + 1) <=
             ARENA_BYTES_MAX);

static struct index_scratch *ensure_scratch(struct index *index, u32 count)
{
    if (LIKELY(index->scratch != NULL && count <= index->scratch_capacity))
        return index->scratch;
    if (index->scratch != NULL)
        arena_release(index->arena, index->scratch, scratch_bytes(index->scratch_capacity));
    u32 capacity = SCRATCH_CAPACITY_MIN;
    while (capacity < count)
        capacity *= 2;
    struct index_scratch *scratch = arena_acquire(index->arena, scratch_bytes(capacity));
    scratch->keys = (u64 *)(scratch + 1);
    scratch->spare = scratch->keys + capacity;
    scratch->firsts = scratch->spare + capacity;
    scratch->tokens = (struct index_token *)(scratch->firsts + capacity / 64);
    index->scratch = scratch;
    index->scratch_capacity = capacity;
    return scratch;
}

void index_init(struct index *index, struct store_memory *memory, struct arena *arena)
{
    *index = (struct index){.arena = arena, .horizon = UINT64_MAX};
    index_documents_init(&index->documents, memory, arena);
    postings_room_init(&index->postings, memory, arena, &index->documents);
}

static void release_words(struct index *index, u32 *words)
{
    const size_t bytes = (words[0] + 1) * sizeof words[0];
    index->token_count -= words[0];
    index->forward_bytes -= arena_capacity(bytes);
    arena_release(index->arena, words, bytes);
}

void index_deinit(struct index *index)
{
    struct index_documents *documents = &index->documents;
    index->horizon = UINT64_MAX;
    for (u32 doc = 1; doc < documents->end; doc++)
        if (index_documents_is_live(documents, doc))
            index_documents_kill(documents, doc);
    struct index_grave grave;
    while (index_documents_bury(documents, UINT64_MAX, &grave))
        release_words(index, grave.words);
    MUST(index->forward_bytes == 0);
    dense_deinit(index);
    postings_room_deinit(&index->postings);
    index_documents_deinit(documents);
    if (index->scratch != NULL)
        arena_release(index->arena, index->scratch, scratch_bytes(index->scratch_capacity));
    *index = (struct index){0};
}

void index_drop(struct index *index)
{
    postings_room_drop(&index->postings);
    index_documents_drop(&index->documents);
    *index = (struct index){0};
}

/* ---- adding ------------------------------------------------------------------------------------- */

static void sort_few(u64 *keys, u32 count)
{
    for (u32 i = 1; i < count; i++) {
        const u64 key = keys[i];
        u32 at = i;
        for (; at > 0 && keys[at - 1] > key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* Sorts keys whose low ORDINAL_BITS grow already, digit by digit: as each pass keeps the order of equal
 * digits, those bits need none. */
static void sort_keys(u64 *keys, u64 *spare, u32 count)
{
    if (count <= FEW) {
        sort_few(keys, count);
        return;
    }
    u64 all = 0;
    for (u32 i = 0; i < count; i++)
        all |= keys[i] ^ keys[0];
    for (u32 shift = ORDINAL_BITS; shift < 64; shift += RADIX_BITS) {
        if ((all >> shift & (RADIX - 1)) == 0)
            continue;
        u32 ends[RADIX] = {0};
        for (u32 i = 0; i < count; i++)
            ends[keys[i] >> shift & (RADIX - 1)]++;
        for (u32 digit = 1; digit < RADIX; digit++)
            ends[digit] += ends[digit - 1];
        for (u32 i = count; i-- > 0;)
            spare[--ends[keys[i] >> shift & (RADIX - 1)]] = keys[i];
        memcpy(keys, spare, count * sizeof *keys);
    }
}

static u64 place_of(const struct index_token *token)
{
    return (u64)token->field << 32 | token->position;
}

/* Copies the tokens of fields that have a weight, in order of field and position. Returns how many. */
static u32 order_tokens(struct index_scratch *scratch, const struct index_token *tokens, u32 count,
                        const struct score_policy *policy)
{
    u32 kept = 0;
    u64 before = 0;
    bool is_ordered = true;
    for (u32 i = 0; i < count; i++) {
        MUST(tokens[i].field < INDEX_FIELD_COUNT && tokens[i].position <= FORWARD_POSITION_MAX);
        if (policy->weights[tokens[i].field] == 0)
            continue;
        const u64 place = place_of(&tokens[i]);
        is_ordered &= place >= before;
        before = place;
        scratch->keys[kept] = place << ORDINAL_BITS | i;
        scratch->tokens[kept++] = tokens[i];
    }
    if (is_ordered)
        return kept;
    sort_keys(scratch->keys, scratch->spare, kept);
    for (u32 i = 0; i < kept; i++)
        scratch->tokens[i] = tokens[scratch->keys[i] & (INDEX_TOKENS_MAX - 1)];
    return kept;
}

static void count_up(u16 *counter)
{
    *counter = (u16)MIN(*counter + 1u, UINT16_MAX);
}

/* How many positions each field has. */
static void measure_fields(const struct index_token *tokens, u32 count, u16 lengths[SCORE_FIELDS])
{
    for (u32 i = 0; i < count; i++)
        if (i == 0 || place_of(&tokens[i]) != place_of(&tokens[i - 1]))
            count_up(&lengths[tokens[i].field]);
}

/* Keys of the tokens by term; marks the first token of each. Brings the lists near. */
static void order_terms(const struct index *index, struct index_scratch *scratch, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const u32 term = scratch->tokens[i].term;
        MUST(term != 0 && term <= FORWARD_TERM);
        postings_prefetch(&index->postings, term);
        scratch->keys[i] = (u64)term << ORDINAL_BITS | i;
    }
    sort_keys(scratch->keys, scratch->spare, count);
    memset(scratch->firsts, 0, (count + 63) / 64 * sizeof(u64));
    for (u32 i = 0; i < count; i++) {
        const u64 key = scratch->keys[i];
        if (i != 0 && key >> ORDINAL_BITS == scratch->keys[i - 1] >> ORDINAL_BITS)
            continue;
        const u32 ordinal = (u32)key & (INDEX_TOKENS_MAX - 1);
        scratch->firsts[ordinal / 64] |= 1ull << (ordinal % 64);
        postings_prefetch_tail(&index->postings, (u32)(key >> ORDINAL_BITS));
    }
}

/* One posting for each term. A term that stands twice at one position counts once. */
static void append_postings(struct index *index, const struct index_scratch *scratch, u32 count,
                            u32 doc, const struct score_policy *policy)
{
    u16 lengths[SCORE_FIELDS] = {0};
    measure_fields(scratch->tokens, count, lengths);
    for (u32 i = 0; i < count;) {
        const u32 term = (u32)(scratch->keys[i] >> ORDINAL_BITS);
        u16 frequencies[SCORE_FIELDS] = {0};
        u64 before = UINT64_MAX;
        for (; i < count && scratch->keys[i] >> ORDINAL_BITS == term; i++) {
            const struct index_token *token =
                &scratch->tokens[scratch->keys[i] & (INDEX_TOKENS_MAX - 1)];
            if (place_of(token) != before)
                count_up(&frequencies[token->field]);
            before = place_of(token);
        }
        const u8 impact = score_impact(policy, frequencies, lengths);
        postings_append(&index->postings, term, doc, impact);
        const u8 dense = postings_list_of(&index->postings, term)->dense;
        if (UNLIKELY(dense != 0))
            dense_add(index, dense - 1u, doc, impact);
    }
}

static u32 *write_words(struct index *index, const struct index_scratch *scratch, u32 count)
{
    const u32 word_count = forward_word_count(scratch->tokens, count);
    const size_t bytes = word_count * sizeof(u32);
    u32 *words = arena_acquire(index->arena, bytes);
    index->forward_bytes += arena_capacity(bytes);
    forward_write(words, word_count, scratch->tokens, count, scratch->firsts);
    index->token_count += words[0];
    return words;
}

/* ---- dying -------------------------------------------------------------------------------------- */

static void forget_words(struct index *index, const u32 *words)
{
    for (u32 i = 1; i <= words[0]; i++)
        if ((words[i] & (FORWARD_JUMP | FORWARD_FIRST)) == FORWARD_FIRST)
            postings_forget(&index->postings, words[i] & FORWARD_TERM);
}

/* A document is not present any more: its postings may go, its words do. */
static void bury_words(struct index *index, u32 doc, u32 *words)
{
    index->postings.purges_allowed = POSTINGS_PURGES_MAX;
    for (u32 i = 1; i <= words[0]; i++)
        if ((words[i] & (FORWARD_JUMP | FORWARD_FIRST)) == FORWARD_FIRST)
            postings_bury(&index->postings, words[i] & FORWARD_TERM, doc);
    release_words(index, words);
    if (index_documents_window(&index->documents, doc / INDEX_WINDOW_DOCS) == NULL)
        dense_drop_window(index, doc / INDEX_WINDOW_DOCS);
}

static void bury_some(struct index *index)
{
    struct index_grave grave;
    for (u32 i = 0; i < BURIED_AT_ONCE; i++) {
        if (!index_documents_bury(&index->documents, index->horizon, &grave))
            return;
        bury_words(index, grave.doc, grave.words);
    }
}

u32 index_add(struct index *index, u32 product, const struct index_token *tokens, u32 count,
              const struct score_policy *policy)
{
    MUST(count <= INDEX_TOKENS_MAX);
    bury_some(index);
    struct index_scratch *scratch = ensure_scratch(index, count);
    const u32 kept = order_tokens(scratch, tokens, count, policy);
    order_terms(index, scratch, kept);
    u32 *words = write_words(index, scratch, kept);
    const u32 doc = index_documents_add(&index->documents, product, words);
    append_postings(index, scratch, kept, doc, policy);
    return doc;
}

void index_kill(struct index *index, u32 doc)
{
    MUST(index_is_live(index, doc));
    bury_some(index);
    const struct index_window *window =
        index_documents_window(&index->documents, doc / INDEX_WINDOW_DOCS);
    const u32 *words = index_documents_words(&index->documents, window, doc);
    for (u32 i = 1; i <= words[0]; i++)
        if ((words[i] & FORWARD_JUMP) == 0)
            postings_prefetch(&index->postings, words[i] & FORWARD_TERM);
    forget_words(index, words);
    if (index->horizon == UINT64_MAX)
        bury_words(index, doc, index_documents_remove(&index->documents, doc));
    else
        index_documents_kill(&index->documents, doc);
}

/* ---- questions ---------------------------------------------------------------------------------- */

void index_question_begin(struct index *index, struct index_question *question)
{
    MUST(index->question_slots != UINT32_MAX);
    const u32 slot = (u32)__builtin_ctz(~index->question_slots);
    const u64 deaths = index->documents.death_count;
    *question = (struct index_question){.deaths = deaths, .end = index_end(index), .slot = slot};
    index->question_slots |= 1u << slot;
    index->question_deaths[slot] = deaths;
    index->horizon = MIN(index->horizon, deaths);
}

void index_question_end(struct index *index, struct index_question *question)
{
    MUST(question->slot < INDEX_QUESTIONS_MAX);
    MUST((index->question_slots >> question->slot & 1) != 0);
    MUST(index->question_deaths[question->slot] == question->deaths);
    dense_leave(index, question);
    index->question_slots &= ~(1u << question->slot);
    question->slot = INDEX_QUESTIONS_MAX;
    index->horizon = UINT64_MAX;
    for (u32 slots = index->question_slots; slots != 0; slots &= slots - 1)
        index->horizon = MIN(index->horizon, index->question_deaths[__builtin_ctz(slots)]);
    bury_some(index);
}

/* The bits of a word's documents that are before `end`. */
static u64 bits_before(u32 first_doc, u32 end)
{
    if (end >= first_doc + 64)
        return UINT64_MAX;
    return end <= first_doc ? 0 : (1ull << (end - first_doc)) - 1;
}

/* Adds the dead ones that the question sees. */
static void add_graves(const struct index *index, const struct index_window *window, u32 first_doc,
                       const struct index_question *question, u64 *bits)
{
    for (u32 word = 0; word < INDEX_WINDOW_WORDS; word++) {
        for (u64 dead = window->present[word] & ~window->live[word]; dead != 0; dead &= dead - 1) {
            const u32 doc = first_doc + word * 64 + (u32)__builtin_ctzll(dead);
            if (index_documents_grave(&index->documents, window, doc)->death > question->deaths)
                bits[word] |= dead & -dead;
        }
    }
}

void index_window_seen(const struct index *index, u32 window_number,
                       const struct index_question *question, u64 *bits)
{
    const struct index_window *window = index_documents_window(&index->documents, window_number);
    if (window == NULL) {
        memset(bits, 0, sizeof window->live);
        return;
    }
    memcpy(bits, window->live, sizeof window->live);
    const u32 first_doc = window_number * INDEX_WINDOW_DOCS;
    if (UNLIKELY(window->present_count != window->live_count))
        add_graves(index, window, first_doc, question, bits);
    if (first_doc + INDEX_WINDOW_DOCS <= question->end)
        return;
    for (u32 word = 0; word < INDEX_WINDOW_WORDS; word++)
        bits[word] &= bits_before(first_doc + word * 64, question->end);
}

/* ---- checks ------------------------------------------------------------------------------------- */

struct index_sizes index_sizes(const struct index *index)
{
    const struct postings_room *postings = &index->postings;
    return (struct index_sizes){.live_documents = index_live(index),
                                .postings = postings->count,
                                .postings_bytes = postings->bytes,
                                .term_bytes = (u64)pool_count(&postings->lists) *
                                              sizeof(struct postings_list),
                                .forward_tokens = index->token_count,
                                .forward_bytes = index->forward_bytes,
                                .document_bytes = index->documents.window_bytes,
                                .dense_bytes = index->dense.bytes};
}

/* What the documents have is what the lists have, as sums. */
bool index_valid(const struct index *index)
{
    u64 df_sum = 0;
    u64 posting_count = 0;
    u64 first_count = 0;
    for (u32 term = 1; term < index->postings.lists.next_fresh; term++) {
        if (!postings_list_valid(&index->postings, term))
            return false;
        df_sum += index_df(index, term);
        posting_count += postings_list_of(&index->postings, term)->count;
    }
    for (u32 doc = 1; doc < index_end(index); doc++) {
        const u32 *words = index_forward(index, doc);
        if (words == NULL)
            continue;
        if (!forward_valid(words))
            return false;
        for (u32 i = 1; i <= words[0] && index_is_live(index, doc); i++)
            first_count += (words[i] & (FORWARD_JUMP | FORWARD_FIRST)) == FORWARD_FIRST;
    }
    return index_documents_valid(&index->documents) && df_sum == first_count &&
           posting_count == index->postings.count && dense_valid(index);
}
