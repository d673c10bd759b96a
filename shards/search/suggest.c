/* suggest: see suggest.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/suggest.h"

#include "shards/search/query_offer.h"
#include "shards/shard_handlers.h"

/* Nanoseconds, about. */
#define OPEN_WORK   400u
#define WINDOW_WORK 200u
#define SEEK_WORK   40u
#define LOOK_WORK   200u
STATIC_CHECK(SUGGEST_WORDS_MAX <= DICT_PREFIX_MAX);

/* A step under way. */
struct suggest_state {
    struct query_unpack from;
    struct query_pack pack;
    struct index_question question;
    u64 now_ns;
    u32 surfaces[SUGGEST_WORDS_MAX]; /* WORDS: those that are named */
    u32 count;
    u32 at;     /* the next one of them */
    u32 looks;  /* visible documents of its stem that the word in hand has seen */
    u32 window; /* of `bits`, and 1; 0: none */
    u32 work;
    bool is_open; /* a word is in hand */
    u32 surface;  /* that word; 0: nobody here has it */
    struct postings_cursor cursor;
    struct window_bits bits; /* visible documents */
};

/* The documents of a window that live and are visible. */
static const struct window_bits *visible(const struct search_index *index,
                                         struct suggest_state *state, u32 window)
{
    const struct index_window *documents = index_documents_window(&index->index.documents, window);
    if (state->window == window + 1)
        return &state->bits;
    memset(&state->bits, 0, sizeof state->bits);
    if (documents != NULL)
        memcpy(state->bits.words, documents->live, sizeof state->bits.words);
    columns_keep_visible(&index->columns, window, state->now_ns, false, &state->bits);
    state->window = window + 1;
    state->work += WINDOW_WORK;
    return &state->bits;
}

/* The first of the bits from `at` on; WINDOW_DOCS: there is none. */
static u32 next_bit(const struct window_bits *bits, u32 at)
{
    u32 word = at / 64;
    u64 left = bits->words[word] & ~0ull << at % 64;
    while (left == 0 && ++word != WINDOW_WORDS)
        left = bits->words[word];
    return left == 0 ? WINDOW_DOCS : word * 64 + (u32)__builtin_ctzll(left);
}

/* Goes to the next posting of a visible document in the window of the cursor, or to the next window. */
static bool seek_visible(const struct search_index *index, struct suggest_state *state)
{
    struct postings_cursor *cursor = &state->cursor;
    const u32 window = cursor->doc / INDEX_WINDOW_DOCS;
    const struct window_bits *bits = visible(index, state, window);
    const u32 end = (window + 1) * INDEX_WINDOW_DOCS;
    while (cursor->doc < end) { /* ends: each turn goes on */
        const u32 next = next_bit(bits, cursor->doc % INDEX_WINDOW_DOCS);
        const u32 doc = window * INDEX_WINDOW_DOCS + next;
        if (doc == cursor->doc)
            return true;
        (void)postings_seek(cursor, doc);
        state->work += SEEK_WORK;
    }
    return false;
}

enum walk { WALK_ON, WALK_SHOWN, WALK_HIDDEN };

/* Until a slice is over at most. */
static enum walk walk_on(const struct search_index *index, struct suggest_state *state)
{
    struct postings_cursor *cursor = &state->cursor;
    while (cursor->doc != POSTINGS_DOC_END && state->looks < SUGGEST_LOOKS_MAX) {
        if (state->work >= QUERY_SLICE_WORK)
            return WALK_ON;
        if (!seek_visible(index, state))
            continue;
        state->work += LOOK_WORK;
        state->looks++;
        if (search_index_has_surface(index, index_product(&index->index, cursor->doc),
                                     state->surface))
            return WALK_SHOWN;
        (void)postings_next(cursor);
    }
    return WALK_HIDDEN;
}

/* The next word; false: there is none. */
static bool take_word(const struct search_index *index, struct suggest_state *state,
                      enum suggest_step step)
{
    if (step == SUGGEST_STEP_WORDS) {
        if (state->at == state->count)
            return false;
        state->surface = state->surfaces[state->at++];
    } else {
        if (state->from.at == state->from.bytes)
            return false;
        state->surface = dict_find(&index->dict, unpack_text(&state->from));
    }
    state->is_open = true;
    state->looks = 0;
    state->work += OPEN_WORK;
    if (state->surface != 0)
        postings_open(&state->cursor, &index->index, dict_term(&index->dict, state->surface));
    else
        state->cursor.doc = POSTINGS_DOC_END;
    return true;
}

static void tell_word(const struct search_index *index, struct suggest_state *state,
                      enum suggest_step step, bool is_shown)
{
    state->is_open = false;
    pack_u32(&state->pack, state->surface != 0 ? dict_live(&index->dict, state->surface) : 0);
    pack_u8(&state->pack, is_shown ? 1 : 0);
    if (step == SUGGEST_STEP_WORDS)
        pack_text(&state->pack, dict_text(&index->dict, state->surface));
}

static void let_go(struct shard *shard, struct part *part)
{
    struct suggest_state *state = part->state;
    search_question_end(&shard->search, &state->question);
}

static struct suggest_state *begin(struct shard *shard, struct part *part, enum suggest_step step)
{
    struct suggest_state *state = bump_acquire_zeroed(&part->bump, sizeof *state);
    MUST(state != NULL); /* the first of the part */
    state->from = unpack_of(part->spans[SPAN_OF(suggest_part_req, data)]);
    state->pack.data = bump_acquire(&part->bump, PART_BYTES_MAX);
    state->pack.capacity = PART_BYTES_MAX;
    MUST(state->pack.data != NULL);
    state->now_ns = unpack_u64(&state->from);
    search_question_begin(&shard->search, &state->question);
    part->on_end = let_go;
    if (step == SUGGEST_STEP_WORDS)
        state->count = dict_prefix(&search_current(&shard->search)->dict, unpack_text(&state->from),
                                   state->surfaces, SUGGEST_WORDS_MAX);
    state->work = 100 * state->count;
    return state;
}

bool shard_part_suggest_part(struct shard *shard, struct part *part)
{
    struct msg_suggest_part_req request;
    memcpy(&request, part->fixed, sizeof request);
    const enum suggest_step step = (enum suggest_step)request.step;
    if (part->state == NULL)
        part->state = begin(shard, part, step);
    struct suggest_state *state = part->state;
    const struct search_index *index = search_current(&shard->search);
    while (state->is_open || take_word(index, state, step)) {
        const enum walk walk = walk_on(index, state);
        if (walk == WALK_ON) {
            state->work = 0;
            state->window = 0; /* it may change until the next slice */
            return false;
        }
        tell_word(index, state, step, walk == WALK_SHOWN);
    }
    MUST(!state->pack.is_full); /* what is asked is smaller */
    part->reply_spans[SPAN_OF(suggest_part_rsp, data)] =
        (struct span){.data = state->pack.data, .bytes = state->pack.used};
    return true;
}
