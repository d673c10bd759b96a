/* dict_typo: the surfaces of a dictionary by what is left of them when letters are missing.
 *
 * Two words at a distance of d have a common rest when up to d letters are left out of each (the idea
 * of SymSpell). So each word is entered under the hashes of such rests, and a question looks up those
 * of its own word. Which rests:
 *
 *                     of an entered word                          of a question
 *      D  for 1 typo  the word; without any one letter            the same
 *      E  for 2       without two of its first 7 letters          without two of its first 8
 *      P  for 2       its first 7 letters without one of them     the same
 *
 * E and P are there for words without digits only, E from 6 letters on, P from 8 on: a question about
 * two typos has DICT_TYPO2_LETTERS or more. They suffice: if both typos are within the first letters,
 * E of both sides meet (D, where a side has to leave out fewer). Otherwise the second typo is behind
 * the seventh letter of one of the two, so at least six letters of both are the same but for the
 * first typo, and P of both sides meet. E leaves nothing out behind the seventh letter, so it is as
 * selective as a whole word; only P, seven rests of six letters, brings in strangers. (Rests of the
 * first seven letters alone, as SymSpell has them, bring some ten times as many at 1 M words.)
 *
 * The table grows by linear hashing, a bucket at a time. A bucket is one cache line:
 *
 *      offset size
 *           0    4  link: the next bucket of the chain (0 = none)
 *           4   60  15 entries: a word (24 bits) and, in the highest byte, 8 bits of the hash
 *
 * The 8 bits begin at the bucket's level rounded down to a multiple of 4, so they decide the next
 * splits, too; every fourth doubling the rests of the words are computed again to get new ones.
 *
 * Invariants
 *   I1  a word that is in the table has an entry for each of its rests in the bucket of its hash.
 *   I2  all buckets of a chain but the first are full; entries fill a bucket from the front.
 *   I3  entry_count is the number of entries.
 * Ownership  buckets belong to the table; texts are asked of the dictionary's words. One core.
 * Happy path a question computes its rests (9 to 50), brings all their buckets near, then the words in
 *            them whose 8 bits fit, then judges these by dict_distance.
 * Failure    no memory is a panic. Words with very many common beginnings make long chains, which makes
 *            questions about them and the splits of their buckets slower, never wrong.
 * Not here   which words are offered: the dictionary leaves out those of no document.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_TYPO_H
#define SOUK_SHARDS_SEARCH_DICT_TYPO_H

#include "shards/search/dict_distance.h"
#include "shards/store/pool.h"

#define DICT_TYPO2_LETTERS 8u                /* of a word that may have two typos */
#define DICT_WORDS_MAX     ((1u << 24) - 1u) /* what 24 bits of an entry can name */
#define DICT_TYPO_RESTS_MAX \
    (1 + DICT_LETTERS_MAX + 28 + 7) /* the word, D, E of a question, P: hashes of one word */

struct dict_typo_table {
    struct pool buckets; /* bucket b is record b + 1 */
    struct pool overflow;
    const struct pool *words;
    u64 entry_count;
    u32 bucket_count;
    u32 level_mask; /* 2^L - 1, as in map.h */
};

/* `words`: struct dict_word. It must outlive the table. */
void dict_typo_init(struct dict_typo_table *table, struct store_memory *memory,
                    const struct pool *words);
void dict_typo_deinit(struct dict_typo_table *table);

void dict_typo_insert(struct dict_typo_table *table, u32 word);
void dict_typo_remove(struct dict_typo_table *table, u32 word);

/* What a question is told: a word that shares a rest with it, perhaps more than once, perhaps by
 * chance. Its record has been brought near. */
typedef void dict_typo_candidate(void *context, u32 word);
void dict_typo_ask(const struct dict_typo_table *table, const struct dict_letters *letters,
                   u32 distance, dict_typo_candidate *candidate, void *context);

/* Walks everything. */
bool dict_typo_valid(const struct dict_typo_table *table);

#endif
