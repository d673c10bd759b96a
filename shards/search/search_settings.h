/* search_settings: the settings that speak of words, found by the words: synonyms, stop words, curations
 * and ads.
 *
 *      words of a setting   "sofa, love seat"  -> phrases, each the stems of its places
 *      hash of the stems -> phrases -> settings -> the record as it was put
 *
 * A curation or an ad for a category without words is found by the category in the same way.
 *
 * Invariants
 *   I1  a setting that is on has one phrase per entry of its words, one that is off has none.
 *   I2  phrases of equal hash are in one chain; the map knows its head.
 * Ownership  pools of the room's memory; the bodies belong to the settings room.
 * Failure    none: what was put has been judged.
 * Not here   profiles, policy, collections, attributes and categories, which are found by name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_SEARCH_SETTINGS_H
#define SOUK_SHARDS_SEARCH_SEARCH_SETTINGS_H

#include "shards/search/query_text.h"
#include "shards/search/search_index.h"
#include "shards/settings/settings.h"

#define SEARCH_PHRASE_PLACES 8u
/* Stems of a place, with signs between. */
#define SEARCH_PLACE_BYTES ((TEXT_PLACE_PARTS + 1) * (TEXT_WORD_BYTES + 1))

struct search_phrase {
    u64 hash;
    u32 setting; /* index in the settings room */
    u32 next;    /* of the same setting */
    u32 same;    /* of the same hash */
    u16 entry;   /* of its words, the first is 0 */
    u16 kind;    /* enum setting_kind */
};
STATIC_CHECK(sizeof(struct search_phrase) == 24);

/* A setting with phrases. */
struct search_source {
    u32 setting;
    u32 first;
};

struct search_settings {
    struct pool phrases;
    struct pool sources;
    struct map by_hash;
    struct map by_setting;
};

void search_settings_init(struct search_settings *own, struct store_memory *memory);
void search_settings_deinit(struct search_settings *own);

/* A setting of one of the four kinds has a new version. */
void search_settings_put(struct search_settings *own, const struct settings *settings, u32 at,
                         const struct search_index *index);
/* Words have other stems now. */
void search_settings_renew(struct search_settings *own, const struct settings *settings,
                           const struct search_index *index);

/* The first phrase of a hash; then search_phrase_at(...)->same, until 0. */
u32 search_phrase_find(const struct search_settings *own, u64 hash);
static inline const struct search_phrase *search_phrase_at(const struct search_settings *own,
                                                           u32 at)
{
    return pool_at(&own->phrases, at);
}

/* What a place of a query is called: the stem of what it is when joined, or the stems of its parts.
 * Returns the length; `to` has SEARCH_PLACE_BYTES. 0 for a phrase or an exclusion. */
u32 search_place_name(const struct search_index *index, const struct query_text *query, u32 slot,
                      u8 *to);
/* The hash by which settings for a category are found. */
u64 search_category_hash(u64 category_id);

/* The next entry of words with commas; false: there is none. */
bool search_words_next(struct span words, u32 *at, struct span *entry);

#endif
