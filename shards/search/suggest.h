/* suggest: how the word that is being typed may go on: the steps of a suggestion on one shard.
 *
 *      WORDS    a beginning -> words here that begin with it, those in most documents first
 *      COUNTS   words       -> in how many documents here
 *
 *      asked    u64 now_ns, then texts
 *      told     u32 documents, u8 is it shown, and in WORDS the text, for each word
 *
 * The gather adds the counts and takes the best of all that are shown somewhere (gather_suggest.c): a word
 * that is only in drafts or in what is not visible yet may be a secret. Counts are those of the
 * dictionary, of all live documents; for whether a word is shown its postings are walked up to the first
 * document that is visible now and has it. That is nearly always the first of all; a count of visible
 * ones would be a walk to the end, and a second counter could not know when a time comes.
 *
 * Invariants
 *   I1  a word that is told as shown stands in a document that was visible when the part looked.
 * Ownership  the part's bump. A question is open until the part ends, so numbers of words stay good.
 * Failure    of a word that is in none of the first SUGGEST_LOOKS_MAX visible documents of its stem it is not
 *            known: it is told as hidden.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_SUGGEST_H
#define SOUK_SHARDS_SEARCH_SUGGEST_H

#include "shards/search/query_pack.h"

#define SUGGEST_WORDS_MAX 128u /* that a shard names */
#define SUGGEST_LOOKS_MAX \
    (16u * 1024u) /* visible documents of its stem that are looked at for a word */

enum suggest_step { SUGGEST_STEP_WORDS = 1, SUGGEST_STEP_COUNTS = 2 };

#endif
