/* run: a plan executed on one shard, window by window, in slices.
 *
 *      begin    words to terms, filter and facets compiled, a question opened      run_begin.c
 *      slots    made ready: cursors; bits and impacts of frequent words or of many;
 *               a set of terms                                                     run_ready.c
 *      list     along the rarest slot, if that is rare or the best suffice         run_list.c
 *      windows  else, of 4,096 documents, each:
 *               words     slot by slot -> candidates with their text scores        run_words.c
 *               matches   visible, filter, facets, total, best hits: a piece of the
 *                         window at a time, so that a document is judged at once    run_match.c
 *      finish   facets in order, ads, what the page shows, the reply               run_finish.c
 *
 *      slot impact of a document = the greatest of its alternatives: factor x impact / 256, at least 1
 *      text score                = sum over slots of weight x slot impact
 *
 * Invariants
 *   I1  documents are those that lived when the question began; what their numbers are is looked at in
 *       one slice.
 *   I2  a slice ends after about QUERY_SLICE_WORK nanoseconds, by counted work.
 *   I3  nothing depends on the order of documents.
 * Ownership  the part's bump; indexes of documents and terms are kept between slices, cursors too.
 * Failure    no memory: TOO_LARGE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_RUN_H
#define SOUK_SHARDS_SEARCH_RUN_H

#include "shards/part.h"
#include "shards/search/filter_run.h"
#include "shards/search/query_offer.h"
#include "shards/search/query_step.h"
#include "shards/search/run_table.h"
#include "shards/search/run_top.h"

#define RUN_FEW_WORDS      4u
#define RUN_ALL_SLOTS      UINT32_MAX
#define RUN_INLINE_HITS    128u /* details come with the hits up to so many */
#define RUN_HIGHLIGHTS_MAX 32u
#define RUN_SPECIALS_MAX   1024u /* products that curations name */

/* What a run is asked, beside the slots; as it is in the data. */
struct run_head {
    u64 now_ns;
    u64 cursor_key;
    u64 cursor_id;
    u64 only_product_id;
    u64 category_id;
    u64 only_category_id; /* this and all below it; 0 = all */
    u32 limit;            /* best hits wanted */
    u32 share; /* RUN_ALL_SLOTS, or sixteenths of the weight of all that a match's slots weigh */
    u32 action_count;
    u16 flags; /* enum search_flag */
    u16 sort;
    u16 ads;
    u16 has_cursor;
    u16 recent_count;
    u16 zero;
    u32 drop_below; /* fewer matches: words may be dropped, so all are counted; 0: never */
    u32 zero2;
};
STATIC_CHECK(sizeof(struct run_head) == 80);

/* An action of a curation, as it is in the data. */
struct run_action {
    u64 curation_id;
    struct row_curation_action row;
};

/* What a run found, before the rows. */
struct run_found {
    u64 total;
    u64 word_total; /* without what is pinned whatever the words are */
    u32 notes;
    u32 hit_count;
    u32 pin_count;
    u32 ad_count;
    u32 has_details; /* of hits, then pins; of ads always */
    u32 facet_bytes;
};
struct run_ad {
    u64 ad_id;
    i64 bid;
    struct run_hit hit;
};

struct run_word {
    struct postings_cursor *cursor; /* NULL in a slot with a table or a set */
    u32 term;
    u32 dense;     /* its table; DENSE_TABLES: none */
    u32 bound_doc; /* no document up to this one has more than `bound` */
    u16 factor;
    u8 kind; /* enum score_kind */
    u8 bound;
};

/* Words in a row. */
struct run_row {
    u32 *terms;
    struct postings_cursor **cursors;
    u32 *dense; /* tables; DENSE_TABLES: none */
    u32 count;
    u32 rarest; /* of the terms */
    u16 factor;
    u8 kind;
    u8 zero;
};

struct run_slot {
    struct run_word *words;
    struct run_row *rows;
    struct dense_window *windows; /* NULL: by cursors, or by the set */
    u32 *set_terms;               /* hash table of its terms, 0 = free; NULL: none */
    u16 *set_factors;             /* beside them */
    u32 set_mask;
    u32 word_count;
    u32 row_count;
    u32 weight;
    u32 bit;    /* 0 of an exclusion */
    u32 most;   /* no document's impact is greater */
    u16 flags;  /* enum query_slot_flag */
    u16 factor; /* of all in `windows` */
    u32 dense;  /* the windows are those of a frequent word; DENSE_TABLES: its own */
    u64 df;     /* postings on this shard */
};

/* A product that a curation names. */
struct run_special {
    u32 doc;
    u32 kind; /* enum curation_kind */
    u32 value;
};

/* The slots that a term of the plan is for, as bits. */
struct run_mark {
    u32 exact; /* not by a typo or a beginning alone */
    u32 all;
    u32 in_rows; /* as one of several words in a row */
};

struct run_window {
    u32 number;
    u32 slot; /* the next one to be looked at */
    u32 row;  /* of that slot */
    u32 at;   /* of that row's postings */
    u32 posting_count;
    u32 word;          /* of the bits, that is judged next */
    u32 slot_word;     /* of the slot in hand, that is taken next */
    bool has_words;    /* of the slot in hand */
    bool has_row;      /* its postings are there */
    bool is_row_whole; /* they have all words of the row */
    bool is_judging;
    bool is_open;
    struct window_bits seen;
    struct window_bits narrow; /* those of them that can have all slots */
    struct window_bits candidates;
    struct window_bits matched; /* those of them that have the words; the others are pinned */
    struct window_bits touched; /* by the slot in hand */
    /* From here on nothing is cleared when a run begins. */
    u32 scores[WINDOW_DOCS];
    u32 words[WINDOW_DOCS];   /* bits of the slots that it has */
    u32 weights[WINDOW_DOCS]; /* what they weigh together */
    u8 best[WINDOW_DOCS];     /* of the slot in hand */
    u16 docs[WINDOW_DOCS];
    u8 impacts[WINDOW_DOCS];
    u16 other_docs[WINDOW_DOCS];
    u8 other_impacts[WINDOW_DOCS];
    u8 marks[WINDOW_DOCS];
};

/* The postings of a word, or of the rarest word of a row; or the documents of a table. */
struct run_stream {
    struct postings_cursor *cursor; /* NULL: the slot's windows */
    u32 doc;                        /* without a cursor: where it stands in the slot's windows */
    u16 factor;
    u16 least; /* impact that may change the page */
};

/* A run along the rarest slot. */
struct run_list {
    struct run_stream *streams; /* of that slot */
    u32 stream_count;
    u64 need;                      /* least text score that may change the page */
    u64 rest[QUERY_WORDS_MAX + 1]; /* what the slots from i on add at most */
    struct postings_walk walk;
    u32 end;       /* of the stretch in hand: a document */
    u32 retry;     /* not before this window */
    u32 docs_seen; /* in the stretch */
    bool is_possible;
    bool has_sets;  /* slots whose words are looked for in documents */
    bool is_rare;   /* one stretch is all */
    bool has_bits;  /* windows are fast */
    bool is_now;    /* a stretch is in hand */
    bool is_direct; /* no filter, no facets: judged at once */
    bool may_leave_out;
};

enum run_phase {
    RUN_PHASE_SLOTS,
    RUN_PHASE_READY,
    RUN_PHASE_WINDOWS,
    RUN_PHASE_FACETS,
    RUN_PHASE_SORT,
    RUN_PHASE_ADS,
    RUN_PHASE_HITS,
    RUN_PHASE_DETAILS,
    RUN_PHASE_REPLY
};

struct run {
    struct shard *shard;
    struct part *part;
    struct search_index *index;
    struct run_head head;
    struct rank_profile profile;
    enum search_step step;
    enum run_phase phase;
    u32 work; /* of this slice */
    u16 status;
    u16 slot_count;
    u16 positive_count;
    u16 special_count;
    u16 facet_count;
    u32 filter_terms;
    u32 total_weight;               /* of the positive slots, at least 1 */
    bool is_over;                   /* no more windows: the deadline */
    struct query_unpack slots_left; /* to be resolved */
    struct span query;
    struct index_question question;
    struct run_slot slots[QUERY_WORDS_MAX]; /* positive ones first, the shortest way first */
    u32 slot_at;                            /* resolving, or making tables */
    u32 kind_at;                            /* before it: have cursors, a set or windows */
    u32 word_at;
    u32 items_left; /* of the slot that is being read */
    bool has_slot;
    bool has_cursor; /* table_cursor is at a word's postings */
    u32 merged;      /* windows of the word in hand */
    u64 to_fill;     /* bits: tables of frequent words that are not complete yet */
    struct postings_cursor table_cursor;
    struct filter_run *filter;
    struct filter_run *collection;
    struct facets *facets;
    struct facet_run *facet_run;
    struct window_bits *of_facets;
    u64 *recent_nodes; /* bits of category nodes; NULL: none */
    u32 node_end;
    u64 *only_nodes;
    struct run_special *specials; /* in order of documents */
    u32 only_doc;
    struct run_list list;
    struct run_top top;
    struct run_hit *pins;
    u32 pin_count;
    struct run_ad ads[10];
    u32 ad_count;
    u64 total;
    u64 word_total;
    u32 notes;
    u32 counts[SCORE_SHARES + 1]; /* SLOTS: documents by the share that their slots weigh */
    struct query_pack pack;
    u32 doc_at;   /* of DETAILS: the next hit whose document is looked for */
    u8 *findings; /* of facets: where they belong in the reply */
    bool has_findings;
    u32 written; /* hits in the reply */
    u32 detail_at;
    u32 *mark_terms;        /* hash table; NULL: not made yet */
    struct run_mark *marks; /* beside them */
    u32 mark_mask;
    struct run_title *title;  /* of the hit in hand */
    struct run_window window; /* the last: most of it is not cleared */
};

/* One slice of SLOTS, RUN or DETAILS; true: the part's reply is there. */
bool run_step(struct shard *shard, struct part *part, enum search_step step);

/* ---- between the files of run ---- */

static inline bool run_has_time(const struct run *run)
{
    return run->work < QUERY_SLICE_WORK;
}
/* Memory, or TOO_LARGE. */
void *run_acquire(struct run *run, size_t bytes);

/* A cursor at the first posting of a term; NULL: no memory, which run->status says. */
struct postings_cursor *run_cursor(struct run *run, u32 term);
struct run *run_begin(struct shard *shard, struct part *part, enum search_step step);
/* Some work; true: the phase is over. */
bool run_slots_step(struct run *run);
bool run_ready_step(struct run *run);
/* Of DETAILS: the documents of the products. */
bool run_docs_step(struct run *run);
/* Candidates of the window in hand; true: they are complete. */
bool run_words_step(struct run *run);
/* Matches of the window; true: it is done. */
bool run_match_step(struct run *run);
/* The least impact of a row's words in a document, whose rarest has the impact `rarest` there; 0: they are
 * not in a row there. */
u8 run_row_impact(struct run *run, const struct run_row *row, u32 doc, u8 rarest);
/* The same, where they stand not being looked at: not less. */
u8 run_row_most(struct run *run, const struct run_row *row, u32 doc, u8 rarest);
/* One match: visible, counted, offered to the best. */
void run_judge_doc(struct run *run, u32 doc, u32 score);
/* When slots have been sorted: is there a way along the rarest one? Then begin, when they are ready. */
bool run_wants_list(const struct run *run);
bool run_is_rare(const struct run *run);
void run_list_begin(struct run *run);
/* Has a slot bits, so that windows are the way, if none is rare? */
bool run_has_bits(const struct run *run);
/* Is that the way from the window in hand on? Then some work, until list.is_now is false. */
bool run_list_starts(struct run *run);
void run_list_step(struct run *run);
/* The next window that may have a match, from `window` on. */
u32 run_next_window(struct run *run, u32 window);
void run_find_ads(struct run *run);
/* Details of one more hit; true: that was the last. */
bool run_details_step(struct run *run);

/* Of a word of a row, if it is frequent; else NULL. Good until the slice ends. */
static inline const struct dense_window *run_row_windows(const struct run *run,
                                                         const struct run_row *row, u32 i)
{
    const struct dense_room *room = &run->index->index.dense;
    return row->dense[i] == DENSE_TABLES ? NULL : room->tables[row->dense[i]].windows;
}

/* Of a slot with windows; 0: it is not there. */
static inline u8 run_windows_impact(const struct run_slot *slot, u32 doc)
{
    const u8 impact = dense_get(slot->windows, doc);
    return impact == 0 ? 0 : run_slot_impact(slot->factor, impact);
}

/* Hash tables of terms, at least half of them free. */
static inline u32 run_terms_size(u32 count)
{
    u32 size = 16;
    while (size < 2 * count)
        size *= 2;
    return size;
}
/* Where a term is, or where it would be: 0 stands there. */
static inline u32 run_terms_place(const u32 *terms, u32 mask, u32 term)
{
    u32 at = (term * 2654435761u) & mask;
    while (terms[at] != 0 && terms[at] != term)
        at = (at + 1) & mask;
    return at;
}

/* Of a slot with a set: the factor of a term, 0: it is none of them. */
static inline u32 run_set_factor(const struct run_slot *slot, u32 term)
{
    return slot->set_factors[run_terms_place(slot->set_terms, slot->set_mask, term)];
}

/* Facts of a document for ranks and hits. */
void run_rank_facts(const struct run *run, u32 doc, struct rank_facts *facts);

#endif
