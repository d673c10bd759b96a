/* dict: words, terms and the map; see the header. Who is like a word: dict_like.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dict.h"

#include "proto/checksum.h"

/* A text that is looked for. */
struct key {
    struct span text;
    u64 head;
    u64 tail; /* of up to 16 bytes */
};

static u64 hash_text(struct span text)
{
    return checksum64(text.data, text.bytes);
}

static u64 hash_of(const void *context, u32 word)
{
    const struct dict *dict = context;
    return hash_text(dict_word_text(dict_word_at(&dict->words, word)));
}

static inline struct key key_of(struct span text)
{
    struct key key = {.text = text, .head = dict_head_load(text.data, text.bytes)};
    if (text.bytes > 8)
        key.tail = dict_head_load(text.data + 8, text.bytes - 8);
    return key;
}

static inline bool equal(const void *context, u32 index, const void *wanted)
{
    const struct dict *dict = context;
    const struct key *key = wanted;
    const struct dict_word *word = dict_word_at(&dict->words, index);
    if (word->bytes != key->text.bytes || word->head != key->head)
        return false;
    if (LIKELY(word->bytes <= DICT_WORD_INLINE))
        return word->tail == key->tail;
    return memcmp(word->far, key->text.data, word->bytes) == 0;
}

/* The word of a text, surface or not; 0 = none. */
static inline u32 find_word(const struct dict *dict, struct span text, u64 hash)
{
    const struct key key = key_of(text);
    return map_find(&dict->map, hash, equal, dict, &key);
}

static bool is_text_good(struct span text)
{
    return text.bytes > 0 && text.bytes <= TEXT_WORD_BYTES;
}

void dict_init(struct dict *dict, struct store_memory *memory, struct arena *arena,
               const struct text_language *language)
{
    *dict = (struct dict){.memory = memory, .arena = arena, .language = language};
    pool_init(&dict->words, memory, sizeof(struct dict_word));
    pool_init(&dict->terms, memory, sizeof(struct dict_term));
    map_init(&dict->map, memory, (struct map_records){.context = dict, .hash_of = hash_of});
    dict_tree_init(&dict->tree, memory, &dict->words);
    dict_typo_init(&dict->typo, memory, &dict->words);
    dict->sweep_at = 1;
    dict->word_end = 1;
}

void dict_deinit(struct dict *dict)
{
    for (u32 i = 1; i < dict->word_end; i++) {
        struct dict_word *word = dict_word_at(&dict->words, i);
        if (word->bytes > DICT_WORD_INLINE)
            arena_release(dict->arena, word->far, word->bytes);
    }
    dict_drop(dict);
}

void dict_drop(struct dict *dict)
{
    dict_typo_deinit(&dict->typo);
    dict_tree_deinit(&dict->tree);
    map_deinit(&dict->map);
    pool_deinit(&dict->terms);
    pool_deinit(&dict->words);
}

static u32 make_word(struct dict *dict, struct span text, u64 hash)
{
    const u32 index = pool_acquire(&dict->words);
    struct dict_word *word = dict_word_at(&dict->words, index);
    MUST(index <= DICT_WORDS_MAX);
    *word = (struct dict_word){.bytes = (u8)text.bytes};
    const struct key key = key_of(text);
    word->head = key.head;
    word->tail = key.tail;
    if (text.bytes > DICT_WORD_INLINE) {
        word->far = arena_acquire(dict->arena, text.bytes);
        memcpy(word->far, text.data, text.bytes);
    }
    for (u32 i = 0; i < text.bytes; i++) {
        word->letters = (u8)(word->letters + ((text.data[i] & 0xc0) != 0x80));
        if (text.data[i] >= '0' && text.data[i] <= '9')
            word->flags |= DICT_WORD_DIGIT;
    }
    map_insert(&dict->map, hash, index);
    dict->word_end = MAX(dict->word_end, index + 1);
    return index;
}

static u32 term_of_stem(struct dict *dict, u32 index)
{
    struct dict_word *word = dict_word_at(&dict->words, index);
    if (word->own_term == 0) {
        word->own_term = pool_acquire(&dict->terms);
        dict_term_at(dict, word->own_term)->word = index;
    }
    return word->own_term;
}

/* The word becomes a surface. */
static void make_surface(struct dict *dict, u32 index)
{
    u8 stem[TEXT_WORD_BYTES];
    struct dict_word *word = dict_word_at(&dict->words, index);
    const struct span text = dict_word_text(word);
    const struct span stem_text = {stem, text_language_stem(dict->language, text, stem)};
    u32 stem_word = index;
    if (dict_text_compare(stem_text, text) != 0) {
        const u64 hash = hash_text(stem_text);
        stem_word = find_word(dict, stem_text, hash);
        if (stem_word == 0 && pool_count(&dict->words) >= DICT_WORDS_MAX - 1)
            stem_word = index; /* no room: its own stem */
        else if (stem_word == 0)
            stem_word = make_word(dict, stem_text, hash);
    }
    word->term = term_of_stem(dict, stem_word);
    dict_term_at(dict, word->term)->surface_count++;
    dict->surface_count++;
}

u32 dict_add(struct dict *dict, struct span surface)
{
    MUST(is_text_good(surface));
    const u64 hash = hash_text(surface);
    u32 index = find_word(dict, surface, hash);
    if (LIKELY(index != 0 && dict_word_at(&dict->words, index)->term != 0))
        return index;
    if (index == 0) {
        if (pool_count(&dict->words) >= DICT_WORDS_MAX - 1)
            return 0;
        index = make_word(dict, surface, hash);
    }
    make_surface(dict, index);
    return index;
}

u32 dict_find(const struct dict *dict, struct span surface)
{
    if (!is_text_good(surface))
        return 0;
    const u32 index = find_word(dict, surface, hash_text(surface));
    return index != 0 && dict_word_at(&dict->words, index)->term != 0 ? index : 0;
}

u32 dict_find_stem(const struct dict *dict, struct span text)
{
    u8 stem[TEXT_WORD_BYTES];
    if (!is_text_good(text))
        return 0;
    const u32 known = dict_find(dict, text);
    if (known != 0)
        return dict_term(dict, known);
    const struct span stem_text = {stem, text_language_stem(dict->language, text, stem)};
    const u32 index = find_word(dict, stem_text, hash_text(stem_text));
    return index == 0 ? 0 : dict_word_at(&dict->words, index)->own_term;
}

/* See I2: a surface is listed from its first document on until it is swept. */
static void list_surface(struct dict *dict, u32 surface, struct dict_word *word)
{
    word->flags |= DICT_WORD_LISTED;
    dict_tree_insert(&dict->tree, surface, dict_rank(word->count));
    dict_typo_insert(&dict->typo, surface);
}

void dict_count(struct dict *dict, u32 surface, i32 change)
{
    struct dict_word *word = dict_word_at(&dict->words, surface);
    MUST(word->term != 0);
    MUST(change == 1 || change == -1);
    MUST(change > 0 ? word->count < UINT32_MAX : word->count > 0);
    const u8 rank = dict_rank(word->count);
    if (change > 0) {
        dict->live_count += word->count == 0;
        word->count++;
    } else {
        word->count--;
        dict->live_count -= word->count == 0;
    }
    const u8 rank_now = dict_rank(word->count);
    if ((word->flags & DICT_WORD_LISTED) == 0)
        list_surface(dict, surface, word);
    else if (rank_now != rank)
        dict_tree_rank(&dict->tree, surface, rank_now);
}

u32 dict_live(const struct dict *dict, u32 surface)
{
    return dict_word_at(&dict->words, surface)->count;
}

u32 dict_term(const struct dict *dict, u32 surface)
{
    return dict_word_at(&dict->words, surface)->term;
}

struct span dict_text(const struct dict *dict, u32 surface)
{
    return dict_word_text(dict_word_at(&dict->words, surface));
}

struct span dict_stem(const struct dict *dict, u32 term)
{
    return dict_text(dict, dict_term_at(dict, term)->word);
}

void dict_prefetch(const struct dict *dict, struct span surface)
{
    map_prefetch(&dict->map, hash_text(surface));
}

/* ---- upkeep ---- */

static void release_word(struct dict *dict, u32 index)
{
    struct dict_word *word = dict_word_at(&dict->words, index);
    MUST(word->count == 0 && word->term == 0 && word->own_term == 0);
    map_remove(&dict->map, hash_text(dict_word_text(word)), index);
    if (word->bytes > DICT_WORD_INLINE)
        arena_release(dict->arena, word->far, word->bytes);
    *word = (struct dict_word){0};
    pool_release(&dict->words, &index);
}

/* The word is no surface any more: out of the tree and the typo table, if it is listed. */
static void forget_surface(struct dict *dict, u32 index)
{
    struct dict_word *word = dict_word_at(&dict->words, index);
    if ((word->flags & DICT_WORD_LISTED) != 0) {
        dict_typo_remove(&dict->typo, index);
        dict_tree_remove(&dict->tree, index);
        word->flags &= (u8)~DICT_WORD_LISTED;
    }
    struct dict_term *term = dict_term_at(dict, word->term);
    MUST(term->surface_count > 0);
    term->surface_count--;
    dict->surface_count--;
    word->term = 0;
}

/* Gives back what the word does not need any more; the work that it was. */
static u32 sweep_word(struct dict *dict, u32 index, dict_used_fn *is_used, const void *context)
{
    struct dict_word *word = dict_word_at(&dict->words, index);
    u32 work = 1;
    if (word->term != 0 && word->count == 0) {
        forget_surface(dict, index);
        work = DICT_SWEEP_WORK;
    }
    if (word->own_term != 0 && dict_term_at(dict, word->own_term)->surface_count == 0 &&
        (is_used == NULL || !is_used(context, word->own_term)))
        pool_release(&dict->terms, &word->own_term);
    if (word->bytes != 0 && word->term == 0 && word->own_term == 0)
        release_word(dict, index);
    return work;
}

bool dict_sweep(struct dict *dict, u32 work, dict_used_fn *is_used, const void *context)
{
    for (u32 done = 0; done < work && dict->sweep_at < dict->word_end;)
        done += sweep_word(dict, dict->sweep_at++, is_used, context);
    if (dict->sweep_at < dict->word_end)
        return false;
    dict->sweep_at = 1;
    return true;
}

static u64 pool_bytes(const struct pool *pool)
{
    return (u64)pool->unit_count * ((u64)pool->record_bytes << pool->unit_shift);
}

u64 dict_bytes(const struct dict *dict)
{
    return pool_bytes(&dict->words) + pool_bytes(&dict->terms) + pool_bytes(&dict->map.buckets) +
           pool_bytes(&dict->map.overflow) + pool_bytes(&dict->tree.inners) +
           pool_bytes(&dict->tree.leaves) + pool_bytes(&dict->typo.buckets) +
           pool_bytes(&dict->typo.overflow);
}

bool dict_valid(const struct dict *dict)
{
    u32 surface_count = 0;
    u32 live_count = 0;
    u32 listed_count = 0;
    u32 term_count = 0;
    for (u32 i = 1; i < dict->word_end; i++) {
        const struct dict_word *word = dict_word_at(&dict->words, i);
        if (word->bytes == 0)
            continue;
        if (!map_has(&dict->map, hash_of(dict, i), i) || (word->count != 0 && word->term == 0) ||
            (word->own_term != 0 && dict_term_at(dict, word->own_term)->word != i) ||
            (word->count != 0 && (word->flags & DICT_WORD_LISTED) == 0))
            return false;
        surface_count += word->term != 0;
        live_count += word->count != 0;
        listed_count += (word->flags & DICT_WORD_LISTED) != 0;
        term_count += word->own_term != 0;
    }
    return surface_count == dict->surface_count && live_count == dict->live_count &&
           listed_count == dict->tree.count && term_count == pool_count(&dict->terms) &&
           map_count(&dict->map) == pool_count(&dict->words) && map_valid(&dict->map) &&
           dict_tree_valid(&dict->tree) && dict_typo_valid(&dict->typo);
}
