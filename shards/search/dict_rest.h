/* dict_rest: the hashes of what is left of a word when letters are missing.
 *
 * A word is a polynomial of its letters, so the hash of a rest follows from those of its pieces: a few
 * multiplications instead of another pass over the word.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_REST_H
#define SOUK_SHARDS_SEARCH_DICT_REST_H

#include "shards/search/dict_distance.h"

#define DICT_REST_FIRST 7u /* letters that E and P are about */

/* The rests of an entered word: D, and E and P unless it has a digit. At most DICT_TYPO_RESTS_MAX.
 * Two rests may be equal; they are the same for equal letters, always. */
u32 dict_rests_of_word(const struct dict_letters *word, bool has_digit, u64 *rests);
/* Those of a question about so many typos. */
u32 dict_rests_of_question(const struct dict_letters *word, u32 distance, u64 *rests);

#endif
