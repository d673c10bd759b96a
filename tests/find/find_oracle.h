/* find_oracle: what a search must answer, found by looking at every document: plain arrays, no index.
 *
 *      documents   texts and numbers as put, their words by text_analyse, impacts by score.h
 *      a question  words -> slots -> alternatives (find_slots.c), each document judged (find_answer.c)
 *
 * Of shards/search only text_analyse, text_language and score.h are used: they define words and numbers.
 * Everything else is written here once more, from docs/search.md, in the simplest way.
 *
 * Ownership  one thread; what is said about a question is good until the next one.
 * Failure    no memory is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FIND_FIND_ORACLE_H
#define SOUK_TESTS_FIND_FIND_ORACLE_H

#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/search/score.h"
#include "shards/search/text_analyse.h"

#define FIND_WORLDS_MAX 4u
#define FIND_SKUS_MAX   4u
#define FIND_SLOTS_MAX  QUERY_WORDS_MAX
#define FIND_PARTS_MAX  64u

/* In the order of the spans of product_put. */
enum find_text {
    FIND_CODE,
    FIND_TITLE,
    FIND_BRAND,
    FIND_CATEGORY,
    FIND_ATTRIBUTES,
    FIND_DESCRIPTION,
    FIND_TEXTS
};

/* ---- words ---- */

struct find_name {
    u32 stem; /* of a word: which stem */
    u32 live; /* documents that have it */
    u8 bytes;
    u8 text[TEXT_WORD_BYTES];
};
struct find_names {
    struct find_name *items;
    u32 *table;
    u32 count;
    u32 capacity;
};
u32 find_name_add(struct find_names *names, struct span text);
/* UINT32_MAX: there is none. */
u32 find_name_of(const struct find_names *names, struct span text);
static inline struct span find_name_span(const struct find_names *names, u32 at)
{
    return (struct span){.data = names->items[at].text, .bytes = names->items[at].bytes};
}

/* ---- documents ---- */

struct find_token {
    u32 word;
    u32 stem;
    u32 position;
    u32 field; /* enum score_field */
};
struct find_has {
    u32 stem;
    u32 impact;
};
struct find_sku {
    u64 id;
    i64 price;
    i64 quantity;
    u32 low_at;
    u16 currency;
    char code[CODE_BYTES_MAX + 1];
};
struct find_doc {
    u64 id;
    char *texts[FIND_TEXTS];
    struct msg_product_put_req put; /* numbers */
    struct find_sku skus[FIND_SKUS_MAX];
    u32 sku_count;
    u32 rating_count;
    u64 rating_sum;
    u64 created_at_ns[FIND_WORLDS_MAX];
    bool is_live;
    bool is_counted; /* among the words */
    struct find_token *tokens;
    struct find_has *has;
    u32 token_count;
    u32 has_count;
};

/* ---- what is set ---- */

struct find_synonym {
    char words[128];
    bool is_one_way;
};
struct find_action {
    u64 product_id;
    u32 value;
    u16 kind;
};
struct find_curation {
    char words[64];
    u64 category_id; /* 0: for the words */
    bool is_part;
    u64 from_ns;
    u64 until_ns;
    struct find_action actions[8];
    u32 action_count;
};
/* A product that is shown first, while its budget lasts. */
struct find_ad {
    u64 id;
    u32 doc;
    char words[64];  /* with commas */
    u64 category_id; /* 0: for the words */
    i64 bid;
    u64 from_ns;
    u64 until_ns;
    i64 budget;
    bool is_off;
};
#define FIND_TASTES_MAX 6u
struct find_user {
    u64 id;
    u64 tastes[FIND_TASTES_MAX]; /* categories, the last one first */
    u32 taste_count;
};
struct find_attribute {
    char name[32];
    u16 type;
    u16 is_searched;
};
struct find_category {
    char code[64];
    char parent[64];
};
/* ---- a filter, as a tree ---- */

enum find_node_kind { FIND_TERM, FIND_AND, FIND_OR, FIND_NOT };
struct find_value {
    char text[64];
    i64 from; /* thousandths */
    i64 until;
    bool is_range;
    bool is_number;
};
struct find_node {
    u8 kind;
    u8 field; /* 'c'ategory 'b'rand 'p'rice 'r'ating p'o'pularity 'd'iscount 's'tock bu'y'able 'i'd 'a'ttribute */
    u16 value_count;
    u16 left;
    u16 right; /* of NOT: none */
    char name[32];
    struct find_value values[3];
};
#define FIND_NODES_MAX 64u
struct find_filter {
    struct find_node nodes[FIND_NODES_MAX];
    u32 count; /* 0: everything is true; the root is the last */
};
struct find_collection {
    u64 id;
    char text[COLLECTION_BYTES_MAX];
    struct find_filter filter;
    bool is_off;
};

/* ---- the shop ---- */

#define FIND_SETTINGS_MAX 32u
struct find_shop {
    struct find_doc *docs;
    u32 doc_count;
    u32 live;
    struct find_names words;
    struct find_names stems;
    struct text_language language;
    struct score_policy policy;
    u32 drop_below;
    u32 typo1;
    u32 typo2;
    struct find_synonym synonyms[FIND_SETTINGS_MAX];
    u32 synonym_count;
    char stop_words[FIND_SETTINGS_MAX][32];
    u32 stop_count;
    struct find_curation curations[FIND_SETTINGS_MAX];
    u32 curation_count;
    struct find_attribute attributes[FIND_SETTINGS_MAX];
    u32 attribute_count;
    struct find_category categories[FIND_SETTINGS_MAX];
    u32 category_count;
    struct msg_rank_profile_put_req profiles[4];
    u32 profile_count;
    struct find_ad ads[FIND_SETTINGS_MAX];
    u32 ad_count;
    struct find_collection collections[8];
    u32 collection_count;
    struct find_user users[8];
    u32 user_count;
    bool is_policy_put;
};

void find_shop_init(struct find_shop *shop);
void find_shop_free(struct find_shop *shop);
/* The document's texts, SKUs or life have changed: its words anew. */
void find_doc_read(struct find_shop *shop, struct find_doc *doc);
i64 find_doc_price(const struct find_doc *doc);
u16 find_doc_state(const struct find_doc *doc);
const struct find_attribute *find_attribute_of(const struct find_shop *shop, struct span name);
/* The next line of name=value; false: there is none. */
bool find_attribute_next(const char **at, struct span *name, struct span *value);
u64 find_category_parent(const struct find_shop *shop, struct span code, struct span *above);

/* ---- a question ---- */

struct find_facet {
    u8 field;
    u32 wanted;
    char name[32];
};
struct find_question {
    char query[256];
    char filter_text[FILTER_BYTES_MAX];
    char facet_text[512];
    struct find_filter filter;
    struct find_facet facets[6];
    u32 facet_count;
    u32 forms;      /* bits, for counting */
    u32 profile;    /* number + 1; 0 = built in; UINT32_MAX = none that there is */
    u32 collection; /* the same; 0 = everything */
    u32 user;       /* the same; 0 = nobody */
    u64 at_ns;      /* 0 = now */
    u32 edge;       /* the page begins so many, less two, behind the total; 0 = not */
    struct msg_search_req ask;
};

/* ---- an answer ---- */

struct find_hit {
    u32 doc;
    u32 text_score;
    u32 rank_score;
    u32 words;
    u64 key;
    u32 place; /* of a pin */
    bool is_boosted;
    u32 boost; /* percent */
};
struct find_facet_value {
    u64 id;
    u64 parent_id;
    u32 count;
    char text[128];
};
struct find_range {
    i64 from;
    i64 until;
    u32 count;
    bool is_bar;
};
struct find_facet_answer {
    struct find_facet_value *values;
    u32 value_count;
    u32 value_capacity;
    struct find_range ranges[64];
    u32 range_count;
};
struct find_answer {
    u16 status;
    const struct find_ad *ads[10];
    u32 ad_count;
    u32 total;
    u32 notes;
    u32 words;
    u32 required;
    struct find_hit *hits; /* all of them, in order, pins at their places */
    const struct find_plan *plan;
    struct find_facet_answer facets[6];
};

/* ---- slots ---- */

struct find_row {
    u32 factor;
    u32 count;
    const u32 *stems;
    bool is_exact; /* no typo and no beginning */
};
struct find_slot {
    bool is_excluded;
    bool is_phrase;
    u32 weight;
    u16 *factors; /* by stem, 0: it is no alternative */
    bool *exact;  /* by stem: it is one that is no typo and no beginning */
    struct find_row *rows;
    u32 row_count;
};
struct find_plan {
    struct find_slot slots[FIND_SLOTS_MAX];
    u32 slot_count;
    u32 positive_count;
    bool is_corrected;
    char corrected[QUERY_BYTES_MAX + 1]; /* the query as it was understood, if it was corrected */
    struct find_action actions[128];
    u32 action_count;
    bool fits_ad[FIND_SETTINGS_MAX]; /* by its words or its category */
};
/* False: the query is refused. */
bool find_plan_make(struct find_shop *shop, const struct find_question *question, u64 category_id,
                    u64 now_ns, struct find_plan *plan);

/* What `world` must answer. */
void find_answer_make(struct find_shop *shop, const struct find_question *question, u32 world,
                      u64 now_ns, struct find_answer *answer);

/* What one document says to a question that has no words, or one that stands for itself alone: whether it
 * matches, its key in world 0, what it has of the first facet. */
struct find_state {
    bool is_match;
    u64 key;
    u64 values[16];
    u32 value_count;
};
/* Of `count` documents from `first` on. */
void find_states_of(struct find_shop *shop, const struct find_question *question, u64 now_ns,
                    u32 first, u32 count, struct find_state *states);

/* ---- what a page shows of words: find_show.c ---- */

#define FIND_MARKS_MAX 32u
/* Where words of the query stand in a title. */
struct find_mark {
    u32 begin;
    u32 end;
    u32 word; /* of the query: its slots that are not excluded */
};
u32 find_marks_make(const struct find_shop *shop, const struct find_plan *plan, const char *text,
                    struct find_mark *marks);
/* Has the document one of the words by a typo or a beginning alone? */
bool find_is_inexact(const struct find_plan *plan, const struct find_doc *doc, u32 words);
/* Do the words of the row stand there in a row? */
bool find_has_row(const struct find_doc *doc, const struct find_row *row);

/* Memory until the next question. */
void *find_bump(size_t bytes);
/* Room for more: twice as many items of so many bytes, with the `count` that there are. */
void *find_bump_more(const void *items, u32 count, u32 *capacity, size_t bytes);
void find_bump_reset(void);

#endif
