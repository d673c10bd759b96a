/* dict_typo: the surfaces of a dictionary by what is left of them when letters are missing.
 *
 * Two words within a distance have a common rest when up to that many letters are left out of each
 * (the SymSpell idea). So each word is entered under the hashes of such rests of itself, and a
 * question looks up those of its own:
 *
 *      D  the word, and the word without any one letter            n + 1
 *      E  without two of its first 7 letters                       up to 21   (words of 6 letters or more,
 *      P  of its first 7 letters, six: without any one of them     7           without digits)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_TYPO_H
#define SOUK_SHARDS_SEARCH_DICT_TYPO_H

#include "shards/store/pool.h"

#define DICT_TYPO2_LETTERS 8u               /* of a word that may have two typos */
#define DICT_WORDS_MAX     ((1u << 24) - 1) /* ids have 24 bits in the typo table */

struct dict_typo_table {
    struct pool buckets;
    struct pool overflow;
    u32 bucket_count;
    u32 level_mask;
    u64 entry_count;
};

#endif
