/* dict_distance: how many typos are between two words.
 *
 * Optimal string alignment over code points: a letter put in, left out, replaced, or two neighbours
 * swapped (and then left alone) cost 1 each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_DISTANCE_H
#define SOUK_SHARDS_SEARCH_DICT_DISTANCE_H

#include "proto/frame.h"

#define DICT_LETTERS_MAX  64u
#define DICT_DISTANCE_MAX 2u /* that can be told from more */

struct dict_letters {
    u32 count;
    u32 letters[DICT_LETTERS_MAX];
};

/* The code points of valid UTF-8 of at most 64 bytes. */
void dict_letters_of(struct span text, struct dict_letters *letters);

/* Their distance if it is at most `max`, which is 1 to DICT_DISTANCE_MAX; else max + 1. */
u32 dict_distance(const struct dict_letters *a, const struct dict_letters *b, u32 max);

#endif
