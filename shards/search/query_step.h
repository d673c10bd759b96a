/* query_step: the steps of a search, between its gather and the shards, and what goes to and fro.
 *
 *      WORDS    the query           -> what each shard's dictionary offers for its words, settings
 *      COUNTS   words               -> in how many documents they are (those that a shard did not offer)
 *      TYPOS    the query, slots    -> words like these, and their two halves
 *      SLOTS    the plan            -> how many documents have how many slots
 *      RUN      the plan            -> total, best hits, counts of facets, ads
 *      DETAILS  the plan, products  -> what a page shows of them
 *      LABELS   values of facets    -> their texts
 *
 * Everything is packed by query_pack.h; each struct here has a function that writes and one that reads.
 *
 * Stems are those of an index, and an index may be replaced between two steps. So WORDS tells its number, the
 * generation; what is asked with COUNTS, TYPOS, SLOTS, RUN and DETAILS begins with that of every shard, and a
 * shard that has another one by then answers without data (an answer to these steps has data).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_QUERY_STEP_H
#define SOUK_SHARDS_SEARCH_QUERY_STEP_H

#include "shards/search/forward_words.h"
#include "shards/search/query_pack.h"
#include "shards/search/rank.h"
#include "shards/search/score.h"

/* About so many nanoseconds of work in a slice of a part, or a piece of a gather. */
#define QUERY_SLICE_WORK 16000u

#define QUERY_NAMES_MAX        (512u) /* attributes that a filter and the facets name */
#define QUERY_PREFIX_STEMS_MAX 2048u  /* a beginning of more stands for itself alone */
#define QUERY_TYPOS_MAX        64u    /* words like a word */
#define QUERY_MODELS_MAX       16u /* model numbers that go on, of a slot, and as many of joined ones */
#define QUERY_MODELS_SEEN_MAX  256u /* when more do, none is taken */
#define QUERY_RECENT_MAX       16u  /* categories of a user */

enum search_step {
    SEARCH_STEP_WORDS = 1,
    SEARCH_STEP_COUNTS = 2,
    SEARCH_STEP_TYPOS = 3,
    SEARCH_STEP_SLOTS = 4,
    SEARCH_STEP_RUN = 5,
    SEARCH_STEP_DETAILS = 6,
    SEARCH_STEP_LABELS = 7
};

/* Does what is asked with the step begin with generations? */
static inline bool query_step_names_index(enum search_step step)
{
    return step != SEARCH_STEP_WORDS && step != SEARCH_STEP_LABELS;
}
void query_generations_write(const u32 *generations, u16 shard_count, struct query_pack *to);
/* Is `generation` that of this shard, or does any do (0)? */
bool query_generations_read(struct query_unpack *from, u16 shard, u32 generation);

/* WORDS and TYPOS. */
struct query_ask {
    u64 profile_id;
    u64 collection_id;
    u64 user_id;
    u64 category_id; /* that the filter asks for, for curations; 0 = none */
    u64 now_ns;
    u32 slots; /* TYPOS: bits of the slots that want words like theirs */
    u32 rows[SCORE_JOIN_TYPO_SLOTS -
             1]; /* bits of the slots with which rows of 2, 3 begin that do */
    u16 flags;   /* enum search_flag */
    u16 name_count;
    struct span query;
    struct span names[QUERY_NAMES_MAX];
};
void query_ask_write(const struct query_ask *ask, struct query_pack *to);
void query_ask_read(struct query_ask *ask, struct query_unpack *from);

/* An alternative of a slot, as a shard offers it. */
/* What is behind `apart` is packed first, so that it can be lowered in place. */
struct query_offer {
    struct span key;             /* the stem of a word; the words of a row of them */
    struct span words;           /* one folded word, or several with spaces */
    u32 dfs[FORWARD_PHRASE_MAX]; /* of each word */
    u8 kind;                     /* enum score_kind */
    u8 apart;
    u8 cost;      /* of a typo: 2 x distance, and 1 more when the first letter is another */
    u8 is_joined; /* it is like several slots written together */
    u8 word_count;
};
void query_offer_write(const struct query_offer *offer, struct query_pack *to);
void query_offer_read(struct query_offer *offer, struct query_unpack *from);

/* The next word of words with spaces; false: there is none. */
static inline bool query_words_next(struct span words, u32 *at, struct span *word)
{
    if (*at >= words.bytes)
        return false;
    const u32 end = pack_find(words, *at, ' ');
    *word = (struct span){.data = words.data + *at, .bytes = end - *at};
    *at += word->bytes + 1;
    return true;
}

enum query_offer_flag {
    QUERY_OFFER_STOP = 1,     /* the slot is a stop word */
    QUERY_OFFER_TOO_MANY = 2, /* more words begin with it than are offered */
    QUERY_OFFER_TOO_MANY_MODELS = 4
};

void query_profile_write(const struct rank_profile *profile, struct query_pack *to);
void query_profile_read(struct rank_profile *profile, struct query_unpack *from);

/* What a shard says beside the words. */
struct query_facts {
    u64 live; /* documents */
    u32 generation;
    u32 notes;
    u32 drop_below;
    u16 typo1_bytes;
    u16 typo2_bytes;
    u8 has_profile;
    u8 has_collection;
    u16 recent_count;
    struct rank_profile profile;
    u64 recents[QUERY_RECENT_MAX];
    struct span collection; /* its filter */
};
void query_facts_write(const struct query_facts *facts, struct query_pack *to);
void query_facts_read(struct query_facts *facts, struct query_unpack *from);

#endif
