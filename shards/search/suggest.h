/* suggest: how the word that is being typed may go on: the steps of a suggestion on one shard.
 *
 *      WORDS    a beginning -> words here that begin with it, those in most documents first
 *      COUNTS   words       -> in how many documents here
 *
 * The gather adds the counts and takes the best of all (gather_suggest.c). Packed by query_pack.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_SUGGEST_H
#define SOUK_SHARDS_SEARCH_SUGGEST_H

#include "shards/search/query_pack.h"

#define SUGGEST_WORDS_MAX 128u /* that a shard names */

enum suggest_step { SUGGEST_STEP_WORDS = 1, SUGGEST_STEP_COUNTS = 2 };

#endif
