/* query_offer: what a shard's dictionary and settings offer for the words of a query: the steps WORDS,
 * COUNTS and TYPOS of query_step.h, each in slices.
 *
 *      itself     what a place is when joined, and its parts in a row
 *      joined     two places that are one word here: offered to both
 *      synonym    of any row of places that is an entry of one
 *      prefix     of an open slot: every word here that begins with it, by stems
 *      typo       of a slot that the gather names
 *
 * Invariants
 *   I1  what is offered, and in which order, follows from the words and the settings alone; documents
 *       decide only whether a word occurs. Counts add up over shards.
 *
 * Ownership  a part's bump.
 * Failure    TOO_LARGE when the reply is full.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_QUERY_OFFER_H
#define SOUK_SHARDS_SEARCH_QUERY_OFFER_H

#include "shards/part.h"
#include "shards/search/query_step.h"
#include "shards/search/query_text.h"
#include "shards/search/search_room.h"

/* The places of a query by their names in the settings: names[i] of `bytes`, hashes of rows. */
struct query_names {
    u32 begins[QUERY_WORDS_MAX + 1];
    u8 bytes[QUERY_WORDS_MAX * SEARCH_PLACE_BYTES];
};
void query_names_read(struct query_names *names, const struct search_index *index,
                      const struct query_text *query);
/* The hash of the row of places from `first` to `last`; false: they are not in a row. */
bool query_names_hash(const struct query_names *names, const struct query_text *query, u32 first,
                      u32 last, u64 *hash);
/* Are these all the words of the query? */
bool query_names_are_all(const struct query_text *query, u32 first, u32 last);

/* One slice of a step; true: the part's reply is there. */
bool query_offer_step(struct shard *shard, struct part *part, enum search_step step);

#endif
