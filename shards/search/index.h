/* index: the inverted index of a shard's products: which documents have a term, and what stands where.
 *
 *      index_add   tokens of a product -> document number, postings, forward words
 *      index_kill  the document is dead from now on
 *
 *      tokens -> sorted by term -> tf and lengths per field -> score_impact -> postings (postings.h)
 *             -> in their order                              -> forward words (forward.h)
 *             -> number, product, life                       (index_documents.h)
 *
 * An update is an add and a kill. A question notes when it begins how many documents there are and how many
 * have died, and sees what lived then: each document is alive for the whole question or not at all.
 *
 * Invariants
 *   I1  df of a term is the number of live documents that have it.
 *   I2  what an open question sees is in the postings, and its forward words are there.
 *   I3  what no open question can see is buried: at once with none open, else some documents with each
 *       add, kill and end of a question, so that the end of a long one is no pause.
 * Ownership  the room's arena and memory, which outlive it. One core. Questions hold numbers of
 *            documents and cursors across slices, never pointers to forward words.
 * Happy path of a question: begin; open a cursor per term; for each window from 0 to index_end:
 *            index_window_seen, postings_window, ...; end.
 * Failure    no memory is a panic, as in all rooms. A question that is not ended keeps dead documents.
 * Not here   text, scores, columns, filters; the index is soft and neither dumped nor digested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_INDEX_H
#define SOUK_SHARDS_SEARCH_INDEX_H

#include "proto/base.h"
#include "shards/search/dense.h"
#include "shards/search/forward_words.h"
#include "shards/search/index_documents.h"
#include "shards/search/postings.h"
#include "shards/search/postings_cursor.h"
#include "shards/search/score.h"

enum index_field {
    INDEX_TITLE = SCORE_TITLE,
    INDEX_BRAND = SCORE_BRAND,
    INDEX_CATEGORY = SCORE_CATEGORY,
    INDEX_ATTRIBUTES = SCORE_ATTRIBUTES,
    INDEX_DESCRIPTION = SCORE_DESCRIPTION,
    INDEX_CODE = SCORE_CODE,
    INDEX_FIELD_COUNT = SCORE_FIELDS
};

#define INDEX_TOKENS_MAX    (32u << 10) /* of one document */
#define INDEX_QUESTIONS_MAX 32u

/* A question that is open. */
struct index_question {
    u64 deaths; /* how many had died when it began */
    u32 end;    /* the number that the next document would have got */
    u32 slot;
};

struct index {
    struct index_documents documents;
    struct postings_room postings;
    struct dense_room dense;
    struct arena *arena;
    u64 forward_bytes;
    u64 token_count; /* of forward words that are kept */
    u64 horizon;     /* the least `deaths` of the open questions; UINT64_MAX: none is open */
    u64 question_deaths[INDEX_QUESTIONS_MAX];
    u32 question_slots; /* bits: in use */
    u32 scratch_capacity;
    struct index_scratch *scratch;
};

/* What it holds. */
struct index_sizes {
    u64 live_documents;
    u64 postings;       /* dead ones that are not purged among them */
    u64 postings_bytes; /* tails and rounding among them, without the records of terms */
    u64 term_bytes;
    u64 forward_tokens;
    u64 forward_bytes;
    u64 document_bytes;
    u64 dense_bytes;
};

void index_init(struct index *index, struct store_memory *memory, struct arena *arena);
void index_deinit(struct index *index);
/* The same for an arena that is deinited next, in the time of chunks and not of documents. */
void index_drop(struct index *index);

/* A new document: its number, one more than the last. At most INDEX_TOKENS_MAX tokens in any order; terms from
 * 1 to FORWARD_TERM, best dense, positions up to FORWARD_POSITION_MAX. Tokens of fields without weight
 * are left out. */
NODISCARD u32 index_add(struct index *index, u32 product, const struct index_token *tokens,
                        u32 count, const struct score_policy *policy);

/* A live document dies. */
void index_kill(struct index *index, u32 doc);

/* Between the two, what lives at the begin stays readable. At most INDEX_QUESTIONS_MAX at a time. */
void index_question_begin(struct index *index, struct index_question *question);
void index_question_end(struct index *index, struct index_question *question);

/* Bits of the documents of a window (doc / INDEX_WINDOW_DOCS) that the question sees. */
void index_window_seen(const struct index *index, u32 window, const struct index_question *question,
                       u64 *bits);

/* How many documents of it live: 0 for a window that has given its memory back. Who adds the products of
 * windows that are nearly dead again, and kills them there, makes them go. */
static inline u32 index_window_live(const struct index *index, u32 window_number)
{
    const struct index_window *window = index_documents_window(&index->documents, window_number);
    return window == NULL ? 0 : window->live_count;
}

/* Tells where the memory is. */
struct index_sizes index_sizes(const struct index *index);

/* Walks everything. */
bool index_valid(const struct index *index);

/* The number that the next document gets: all are from 1 to index_end - 1. */
static inline u32 index_end(const struct index *index)
{
    return index->documents.end;
}

static inline u64 index_live(const struct index *index)
{
    return index->documents.live_count;
}

/* How many live documents have the term. */
static inline u32 index_df(const struct index *index, u32 term)
{
    const struct postings_list *list = postings_list_of(&index->postings, term);
    return list == NULL ? 0 : list->df;
}

/* No live document has a greater impact for the term; 0: none has it. */
static inline u8 index_impact_max(const struct index *index, u32 term)
{
    const struct postings_list *list = postings_list_of(&index->postings, term);
    return list == NULL ? 0 : list->impact_max;
}

static inline bool index_is_live(const struct index *index, u32 doc)
{
    return index_documents_is_live(&index->documents, doc);
}

/* Was it there and alive when the question began? */
static inline bool index_sees(const struct index *index, const struct index_question *question,
                              u32 doc)
{
    const struct index_window *window =
        index_documents_window(&index->documents, doc / INDEX_WINDOW_DOCS);
    if (window == NULL || doc >= question->end || !index_documents_has(window->present, doc))
        return false;
    return index_documents_has(window->live, doc) ||
           index_documents_grave(&index->documents, window, doc)->death > question->deaths;
}

/* Of a document that is seen. */
static inline u32 index_product(const struct index *index, u32 doc)
{
    const struct index_window *window =
        index_documents_window(&index->documents, doc / INDEX_WINDOW_DOCS);
    MUST(window != NULL && index_documents_has(window->present, doc));
    return window->details->products[doc % INDEX_WINDOW_DOCS];
}

/* The words of a document for forward_begin; good until the slice ends. NULL if it is buried. */
static inline const u32 *index_forward(const struct index *index, u32 doc)
{
    const struct index_window *window =
        index_documents_window(&index->documents, doc / INDEX_WINDOW_DOCS);
    if (window == NULL || !index_documents_has(window->present, doc))
        return NULL;
    return index_documents_words(&index->documents, window, doc);
}

/* Brings near where the words of a document are; before index_forward_prefetch. */
static inline void index_place_prefetch(const struct index *index, u32 doc)
{
    const struct index_window *window =
        index_documents_window(&index->documents, doc / INDEX_WINDOW_DOCS);
    if (window != NULL)
        store_prefetch(&window->details->places[doc % INDEX_WINDOW_DOCS]);
}

/* Brings the words of a document near, some documents before they are wanted. */
static inline void index_forward_prefetch(const struct index *index, u32 doc)
{
    const u32 *words = index_forward(index, doc);
    if (words == NULL)
        return;
    store_prefetch(words);
    store_prefetch(words + 16);
}

/* Do the terms stand at consecutive positions of one field of the document? */
static inline bool index_phrase(const struct index *index, u32 doc, const u32 *terms, u32 count)
{
    const u32 *words = index_forward(index, doc);
    return words != NULL && forward_phrase(words, terms, count);
}

#endif
