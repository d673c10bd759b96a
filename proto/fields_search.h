/* fields of searches, suggestions, and what they are set by; docs/search.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_SEARCH_H
#define SOUK_PROTO_FIELDS_SEARCH_H

#define SEARCH_REQ(F, Z, S)                                                                        \
    F(u64, user_id, "whose recent categories count a little more; 0 = nobody in particular")       \
    F(u64, profile_id, "ranking profile; 0 = the built-in one")                                    \
    F(u64, collection_id, "only what is in this collection; 0 = all")                              \
    F(u64, only_product_id, "only this product, e.g. to have it explained; 0 = all")               \
    F(u32, limit, "hits wanted, 0 to 100")                                                         \
    F(u32, offset, "hits to leave out, 0 to 10,000; beyond that, follow the cursor")               \
    F(u32, deadline_ms, "answer with what has been found by then; 0 = when all is found")          \
    F(u16, flags,                                                                                  \
      "bits: 1 explain the scores, 2 no typos, 4 the last word is whole, 8 all words must match, " \
      "16 the total may be a lower bound, 32 no curation, 64 also what is not visible")            \
    F(u16, sort,                                                                                   \
      "0 relevance, 1 price, 2 price from the highest, 3 newest, 4 popularity, 5 rating, 6 "       \
      "discount")                                                                                  \
    F(u16, ads, "sponsored slots wanted, 0 to 10")                                                 \
    F(u16, bars, "bars of the histogram of a number facet, 0 to 50")                               \
    Z(u32, zero0)                                                                                  \
    S(query, QUERY_BYTES_MAX, "words, \"phrases\", -words; empty = everything")                    \
    S(filter, FILTER_BYTES_MAX, "an expression: brand:acme AND price:100..500; empty = none")      \
    S(facets, FACETS_BYTES_MAX, "names with commas, each with :values wanted; empty = none")       \
    S(cursor, CURSOR_BYTES_MAX, "of the answer before, to go on; empty = from the beginning")
#define SEARCH_RSP(F, Z, S)                                                                      \
    F(u64, total, "products that match")                                                         \
    F(u32, notes,                                                                                \
      "bits: 1 partial: the deadline came, 2 words were corrected, 4 words were dropped, 8 the " \
      "total is a lower bound, 16 the index is being rebuilt")                                   \
    F(u32, error_at, "BAD_FILTER, BAD_QUERY: byte of the text at which it is wrong")             \
    F(u16, words, "words of the query that count")                                               \
    F(u16, words_required, "how many of them a match has at least")                              \
    Z(u32, zero0)                                                                                \
    S(hits, ROWS(hit, SEARCH_LIMIT_MAX + 10), "in order, sponsored slots among them")            \
    S(highlights, ROWS(highlight, 4096), "of the hits")                                          \
    S(values, ROWS(facet_value, 8192), "by facet, then most matches first, then by value")       \
    S(ranges, ROWS(facet_range, 1024), "by facet")                                               \
    S(shards, ROWS(shard_span, SHARDS_MAX), "who answered")                                      \
    S(cursor, CURSOR_BYTES_MAX, "to go on; empty = that was the end")                            \
    S(corrected, QUERY_BYTES_MAX, "the query as it was understood")                              \
    S(problem, 256, "what is wrong, in words")                                                   \
    S(explanation, 16384, "lines of text, if asked for")                                         \
    S(texts, SEARCH_TEXTS_BYTES_MAX, "of hits and values")

#define SUGGEST_REQ(F, Z, S)                                       \
    F(u64, category_id, "only products of this category; 0 = all") \
    F(u32, words, "words wanted, 0 to 50")                         \
    F(u32, products, "products wanted, 0 to 50")                   \
    S(query, QUERY_BYTES_MAX, "what has been typed so far")
#define SUGGEST_RSP(F, Z, S)                                          \
    Z(u64, zero0)                                                     \
    S(completions, ROWS(completion, SUGGEST_LIMIT_MAX),               \
      "whole queries, the most frequent word first")                  \
    S(hits, ROWS(hit, SUGGEST_LIMIT_MAX), "products, the best first") \
    S(texts, SEARCH_TEXTS_BYTES_MAX, "of both")

#define QUERY_STATS_REQ(F, Z, S)            \
    F(u32, limit, "rows of each, 1 to 100") \
    Z(u32, zero0)
#define QUERY_STATS_RSP(F, Z, S)                           \
    F(u64, asked, "queries counted since the start")       \
    F(u64, empty, "of them without a hit")                 \
    S(popular, ROWS(query_count, 100), "asked most first") \
    S(hopeless, ROWS(query_count, 100), "without a hit, asked most first")

/* ---- what every shard has ---- */

#define SETTING_IF_VERSION(F) \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have")

#define SYNONYM_FIELDS(F, Z)                                                                 \
    F(u16, is_one_way,                                                                       \
      "0 = all mean the same; 1 = the first also finds the others, not the other way round") \
    F(u16, is_off, "1 = not used")                                                           \
    Z(u32, zero0)
#define SYNONYM_PUT_REQ(F, Z, S)                      \
    F(u64, home_id, "the synonym: souk_id of a name") \
    SETTING_IF_VERSION(F)                             \
    SYNONYM_FIELDS(F, Z)                              \
    S(words, WORDS_BYTES_MAX, "words or phrases, with commas")
#define SYNONYM_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define SYNONYM_GET_REQ(F, Z, S) F(u64, home_id, "the synonym")
#define SYNONYM_GET_RSP(F, Z, S)      \
    F(u64, version, "of the synonym") \
    SYNONYM_FIELDS(F, Z)              \
    S(words, WORDS_BYTES_MAX, "as put")

#define STOP_WORDS_PUT_REQ(F, Z, S)                \
    F(u64, home_id, "the list: souk_id of a name") \
    SETTING_IF_VERSION(F)                          \
    F(u16, is_off, "1 = not used")                 \
    Z(u16, zero0)                                  \
    Z(u32, zero1)                                  \
    S(words, WORDS_BYTES_MAX, "words, with commas")
#define STOP_WORDS_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define STOP_WORDS_GET_REQ(F, Z, S) F(u64, home_id, "the list")
#define STOP_WORDS_GET_RSP(F, Z, S) \
    F(u64, version, "of the list")  \
    F(u16, is_off, "1 = not used")  \
    Z(u16, zero0)                   \
    Z(u32, zero1)                   \
    S(words, WORDS_BYTES_MAX, "as put")

#define RANK_PROFILE_FIELDS(F, Z)                                                           \
    F(u32, bucket, "text scores that differ by less than this count as equal; 0 = none do") \
    F(u16, popularity, "weight, 0 to 1000")                                                 \
    F(u16, availability, "weight, 0 to 1000")                                               \
    F(u16, rating, "weight, 0 to 1000")                                                     \
    F(u16, margin, "weight, 0 to 1000")                                                     \
    F(u16, recent_category, "weight of a user's recent categories, 0 to 1000")              \
    Z(u16, zero0)                                                                           \
    F(text64, name, "1 to 63 bytes")
#define RANK_PROFILE_PUT_REQ(F, Z, S)                 \
    F(u64, home_id, "the profile: souk_id of a name") \
    SETTING_IF_VERSION(F)                             \
    RANK_PROFILE_FIELDS(F, Z)
#define RANK_PROFILE_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define RANK_PROFILE_GET_REQ(F, Z, S) F(u64, home_id, "the profile")
#define RANK_PROFILE_GET_RSP(F, Z, S) \
    F(u64, version, "of the profile") \
    RANK_PROFILE_FIELDS(F, Z)

#define CURATION_FIELDS(F, Z)                                                         \
    F(u64, category_id, "for searches of this category without words; 0 = for words") \
    F(u64, valid_from_ns, "from this time on; 0 = always")                            \
    F(u64, valid_until_ns, "before this time; 0 = always")                            \
    F(u16, is_part, "0 = the query is these words; 1 = it has them among others")     \
    F(u16, is_off, "1 = not used")                                                    \
    Z(u32, zero0)
#define CURATION_PUT_REQ(F, Z, S)                      \
    F(u64, home_id, "the curation: souk_id of a name") \
    SETTING_IF_VERSION(F)                              \
    CURATION_FIELDS(F, Z)                              \
    S(words, WORDS_BYTES_MAX, "of the query")          \
    S(actions, ROWS(curation_action, CURATION_ACTIONS_MAX), "what is done")
#define CURATION_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define CURATION_GET_REQ(F, Z, S) F(u64, home_id, "the curation")
#define CURATION_GET_RSP(F, Z, S)       \
    F(u64, version, "of the curation")  \
    CURATION_FIELDS(F, Z)               \
    S(words, WORDS_BYTES_MAX, "as put") \
    S(actions, ROWS(curation_action, CURATION_ACTIONS_MAX), "as put")

#define AD_FIELDS(F, Z)                                                 \
    F(u64, product_id, "the product that is shown")                     \
    F(u64, category_id, "for searches of this category; 0 = for words") \
    F(i64, bid, "minor units for a click; the highest bids are shown")  \
    F(u64, valid_from_ns, "from this time on; 0 = always")              \
    F(u64, valid_until_ns, "before this time; 0 = always")              \
    F(u16, is_off, "1 = not shown")                                     \
    Z(u16, zero0)                                                       \
    Z(u32, zero1)
#define AD_PUT_REQ(F, Z, S)                                                                   \
    F(u64, home_id,                                                                           \
      "the ad: souk_id of a name; its budget is the resource of kind ad_budget with this id") \
    SETTING_IF_VERSION(F)                                                                     \
    AD_FIELDS(F, Z)                                                                           \
    S(words, WORDS_BYTES_MAX, "with commas: queries that have one of these show it")
#define AD_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define AD_GET_REQ(F, Z, S) F(u64, home_id, "the ad")
#define AD_GET_RSP(F, Z, S)      \
    F(u64, version, "of the ad") \
    AD_FIELDS(F, Z)              \
    S(words, WORDS_BYTES_MAX, "as put")

#define SEARCH_POLICY_FIELDS(F, Z)                                                         \
    F(u32, drop_below,                                                                     \
      "with fewer matches than this, matches need not have all words; 0 = they always do") \
    F(u16, typo1_bytes, "words from so many letters on may have one typo; 0 = none")       \
    F(u16, typo2_bytes, "words from so many letters on may have two; 0 = none")            \
    F(u16, weight_title, "0 to 100")                                                       \
    F(u16, weight_brand, "0 to 100")                                                       \
    F(u16, weight_category, "0 to 100")                                                    \
    F(u16, weight_attributes, "0 to 100")                                                  \
    F(u16, weight_description, "0 to 100")                                                 \
    F(u16, weight_code, "0 to 100")                                                        \
    Z(u32, zero0)                                                                          \
    F(text64, language, "of the Snowball stemmers: english, german, ...; none = no stemming")
#define SEARCH_POLICY_PUT_REQ(F, Z, S) \
    F(u64, home_id, "1")               \
    SETTING_IF_VERSION(F)              \
    SEARCH_POLICY_FIELDS(F, Z)
#define SEARCH_POLICY_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define SEARCH_POLICY_GET_REQ(F, Z, S) F(u64, home_id, "1")
#define SEARCH_POLICY_GET_RSP(F, Z, S) \
    F(u64, version, "0 = as built in") \
    SEARCH_POLICY_FIELDS(F, Z)

/* ---- parts: between a reactor and a shard of the same process, never stored ---- */

#define SEARCH_PART_REQ(F, Z, S)         \
    F(u32, step, "enum search_step")     \
    F(u32, deadline_ms, "of the search") \
    S(data, PART_BYTES_MAX / 2, "what the step needs, by shards/search/")
#define SEARCH_PART_RSP(F, Z, S)                     \
    F(u64, first_lsn, "applied when it began")       \
    F(u64, last_lsn, "applied when it had finished") \
    S(data, PART_BYTES_MAX, "what the step found, by shards/search/")
#define SUGGEST_PART_REQ(F, Z, S)     \
    F(u32, step, "enum suggest_step") \
    Z(u32, zero0)                     \
    S(data, PART_BYTES_MAX / 2, "what the step needs")
#define SUGGEST_PART_RSP(F, Z, S) \
    Z(u64, zero0)                 \
    S(data, PART_BYTES_MAX, "what the step found")
#define QUERY_SEEN_REQ(F, Z, S)            \
    F(u64, total, "products that matched") \
    S(query, QUERY_BYTES_MAX, "folded")
#define QUERY_SEEN_RSP(F, Z, S) Z(u64, zero0)

#endif
