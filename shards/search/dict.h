/* dict: the words of a shard's index: what they are called, what they stem to, who is like them.
 *
 *      surface  a folded word as it stands in texts: "hearts"     id from 1, count of live documents
 *      term     the stem that surfaces share: "heart"             id from 1, what the postings hang on
 *
 *      words   pool of 32 bytes: text (up to 16 bytes inline), term, count, lengths
 *      map     hash of the text -> word; a stem is a word too, though perhaps no surface
 *      terms   pool of 8 bytes: whose text the stem is, how many surfaces share it
 *      tree    the surfaces that occur, in order of their bytes      dict_tree.h
 *      typo    the surfaces that occur, by what is left of them when letters are missing   dict_typo.h
 *
 * Two rules decide what is offered, so that shards with different histories agree. First, only
 * surfaces that occur in a live document are (count > 0). Second, every list has an order that
 * follows from the words and counts alone, never from ids or insertion.
 *
 * Invariants
 *   I1  surfaces of equal text have one id, surfaces of equal stem one term; ids stay until dict_sweep
 *       gives a word of count 0 back, terms until nobody uses them.
 *   I2  the tree holds exactly the surfaces that occur, and those that dict_sweep has not yet seen.
 *   I3  dict_typo offers what is within the distance (dict_distance.h), and all of it.
 * Ownership  texts of up to 16 bytes lie in the word, longer ones in the arena; spans given out are
 *            valid until the word is swept. One core.
 * Happy path dict_add: hash, map, compare: 30 to 100 ns for a word that is known. A new word is
 *            stemmed once, gets a place in the tree and 5 to 40 entries of the typo table: some
 *            microseconds, never a rehash of everything.
 * Failure    no memory is a panic (store_memory.h). More than DICT_WORDS_MAX words: dict_add gives 0,
 *            and the caller leaves the word out.
 * Not here   postings, synonyms, stop words, which shard a word is from, how matches score.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_H
#define SOUK_SHARDS_SEARCH_DICT_H

#include "proto/frame.h"
#include "shards/search/dict_tree.h"
#include "shards/search/dict_typo.h"
#include "shards/search/dict_word.h"
#include "shards/search/text_language.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

struct dict {
    struct store_memory *memory;
    struct arena *arena;
    const struct text_language *language;
    struct pool words; /* struct dict_word */
    struct pool terms; /* struct dict_term */
    struct map map;
    struct dict_tree tree;
    struct dict_typo_table typo;
    u32 surface_count;
    u32 live_count; /* surfaces that occur */
    u32 sweep_at;   /* the word that dict_sweep looks at next */
    u32 word_end;   /* ids are below */
};

/* A stem. */
struct dict_term {
    u32 word; /* whose text it is */
    u32 surface_count;
};
STATIC_CHECK(sizeof(struct dict_term) == 8);

/* An empty dictionary. `language` stays the caller's and outlives it. */
void dict_init(struct dict *dict, struct store_memory *memory, struct arena *arena,
               const struct text_language *language);
void dict_deinit(struct dict *dict);
/* Leaves what is in the arena to who owns that. */
void dict_drop(struct dict *dict);

/* The id of a folded word of 1 to TEXT_WORD_BYTES bytes; it is made when it is new. 0: full. */
u32 dict_add(struct dict *dict, struct span surface);
/* The same without making it: 0 when no text ever had it. Stems that are no surface are not found. */
u32 dict_find(const struct dict *dict, struct span surface);
/* The term of the word's stem, whether or not the word itself is known; 0 when the stem is not. */
u32 dict_find_stem(const struct dict *dict, struct span word);

/* One more live document has the surface (+1), or one less (-1). */
void dict_count(struct dict *dict, u32 surface, i32 change);

u32 dict_live(const struct dict *dict, u32 surface); /* how many live documents have it */
u32 dict_term(const struct dict *dict, u32 surface); /* its term */
struct span dict_text(const struct dict *dict, u32 surface);
struct span dict_stem(const struct dict *dict, u32 term);

static inline struct dict_term *dict_term_at(const struct dict *dict, u32 term)
{
    return pool_at(&dict->terms, term);
}

/* Brings near what dict_find and dict_add will look at first. */
void dict_prefetch(const struct dict *dict, struct span surface);

/* ---- who is like a word; everything below offers only surfaces that occur ---- */

#define DICT_PREFIX_MAX 128u
#define DICT_TYPO_MAX   1024u
#define DICT_SPLITS_MAX 16u

/* The surfaces that begin with the bytes of `prefix` (itself included; all when it is empty), those
 * in most documents first. Frequencies are compared by dict_rank, equal ranks are in order of their
 * bytes. At most `max` (up to DICT_PREFIX_MAX); work is bounded by max, not by how many there are. */
u32 dict_prefix(const struct dict *dict, struct span prefix, u32 *surfaces, u32 max);

/* The same in order of their bytes, beginning after the text `after` (empty: with the first). */
u32 dict_prefix_in_order(const struct dict *dict, struct span prefix, struct span after,
                         u32 *surfaces, u32 max);

/* The step of a frequency: 0 for 0, exact up to 16, then eight steps for each doubling. */
u8 dict_rank(u32 count);

struct dict_like {
    u32 surface;
    u8 distance; /* 1 or 2 */
    u8 cost;     /* 2 x distance, and 1 more when the first letter is another */
    u16 reserved;
};

/* The surfaces at a distance of 1 to `distance` (1 or 2) from `word`, the word itself left out, by
 * (cost, bytes); at most `max` (up to DICT_TYPO_MAX) of them. A distance is the optimal string
 * alignment of code points: letters put in, left out, replaced, or two neighbours swapped. Two are
 * allowed only between words without digits (two typos in a model number are another model) when
 * `word` has DICT_TYPO2_LETTERS or more; otherwise 2 is taken as 1. Words of one letter each have
 * nothing in common and are not like each other. */
u32 dict_typo(const struct dict *dict, struct span word, u32 distance, struct dict_like *likes,
              u32 max);

/* Where a word can be cut into two surfaces of at least two letters each, by place. */
struct dict_split {
    u32 left;
    u32 right;
};
u32 dict_split(const struct dict *dict, struct span word, struct dict_split *splits, u32 max);

/* The surface that two words are when written together; 0: none. */
u32 dict_join(const struct dict *dict, struct span left, struct span right);

/* ---- upkeep ---- */

/* Does anything else hang on the term? */
typedef bool dict_used_fn(const void *context, u32 term);

/* Looks at the next words and gives back those that no live document has, and their terms if no surface
 * is left and nothing else hangs on them (`is_used`; NULL: nothing does). A word that is looked at is a
 * work of 1, one that leaves the tree and the typo table of DICT_SWEEP_WORK. True when it has come to
 * the end; the next call begins anew. */
#define DICT_SWEEP_WORK 32u
bool dict_sweep(struct dict *dict, u32 work, dict_used_fn *is_used, const void *context);

/* Surfaces that no live document has, and that are not swept yet. */
static inline u32 dict_unused_count(const struct dict *dict)
{
    return dict->surface_count - dict->live_count;
}

/* Bytes that words, map, tree and typo table hold. */
u64 dict_bytes(const struct dict *dict);

/* Walks everything. */
bool dict_valid(const struct dict *dict);

#endif
