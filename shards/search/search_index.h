/* search_index: everything that is known of the products of a shard under one policy: the dictionary,
 * the inverted index and the columns, kept in step.
 *
 *      search_index_put(index, product)      its old document dies, a new one is made
 *      search_index_numbers(index, product)  numbers of its document, in place
 *
 *      texts -> text_analyse -> surfaces -> dict: term, and counted once per document
 *                                        -> index_add: tokens by field and position
 *            -> columns_set_texts: brand, category, attributes
 *
 * The surfaces of a document are remembered (their ids sorted, packed as differences), so that they
 * can be uncounted when it dies: the texts are another's by then.
 *
 * Invariants
 *   I1  a product has a document exactly if it is not deleted and has been put.
 *   I2  dict_live of a surface is the number of live documents that have it.
 *   I3  documents of index and columns are the same.
 *   I4  without questions, words that nobody has are at most about a third of the others (and some), and of
 *       all documents' places a quarter lives: memory follows from what there is, not from its history.
 * Ownership  an arena of its own: it goes as a whole when another policy is in force. One core.
 * Failure    no memory is a panic. A dictionary that is full leaves words out.
 * Not here   questions; which policy: search_room.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_SEARCH_INDEX_H
#define SOUK_SHARDS_SEARCH_SEARCH_INDEX_H

#include "shards/catalog/catalog.h"
#include "shards/search/column.h"
#include "shards/search/dict.h"
#include "shards/search/index.h"

#define SEARCH_PAGE_PRODUCTS 4096u
#define SEARCH_VALUE_GAP     8u /* positions between two values: no phrase goes across */
/* Words that nobody has are swept when they are more than this and a quarter of the others. */
#define SEARCH_UNUSED_WORDS 1024u

/* By index of the product. */
struct search_entry {
    u8 *surfaces; /* packed ids, in the arena */
    u32 bytes;
    u32 doc; /* 0 = none */
};
STATIC_CHECK(sizeof(struct search_entry) == 16);

/* Whether an attribute of this name is searched. */
typedef bool search_attribute_fn(const void *context, struct span name);

struct search_index {
    struct store_memory *memory;
    struct arena arena;
    struct text_language language;
    struct dict dict;
    struct index index;
    struct columns columns;
    struct score_policy policy;
    search_attribute_fn *is_searched;
    const void *is_searched_context;
    struct search_entry **pages; /* directory by product / SEARCH_PAGE_PRODUCTS */
    u32 page_capacity;
    u32 token_count; /* of the document that is being made */
    u32 worn_window; /* the one that is looked at next, or emptied */
    u32 worn_doc;    /* the next document of it; 0: it is not being emptied */
    bool is_sweeping;
    struct index_token *tokens;
    u32 *surfaces; /* one per token */
    u8 *packed;
};

void search_index_init(struct search_index *index, struct store_memory *memory,
                       const struct score_policy *policy, struct span language,
                       search_attribute_fn *is_searched, const void *context);
/* Of 200,000 products one by one it were 50 ms: chunks are put aside for store_memory_give_back. */
void search_index_drop(struct search_index *index);

/* The product as it is now: a new document, or none. */
void search_index_put(struct search_index *index, const struct product *product, u32 at);
/* Its numbers. */
void search_index_numbers(struct search_index *index, const struct product *product, u32 at);

/* ---- upkeep, to be called when a product has changed ---- */

/* Gives back some of the words that no document has any more, in proportion to what has become unused since
 * `unused_before`. Not while a question is open: it holds numbers of terms. */
void search_index_sweep(struct search_index *index, u32 unused_before);
/* A product in a window of which little lives (less than a quarter), 0 = none. If it is put again, such
 * windows are soon empty, and give their memory back. */
u32 search_index_worn(struct search_index *index);

/* The document of a product, 0 = none. */
static inline u32 search_index_doc(const struct search_index *index, u32 product)
{
    const u32 page = product / SEARCH_PAGE_PRODUCTS;
    if (page >= index->page_capacity || index->pages[page] == NULL)
        return 0;
    return index->pages[page][product % SEARCH_PAGE_PRODUCTS].doc;
}

/* Does the document of a product have the surface? */
bool search_index_has_surface(const struct search_index *index, u32 product, u32 surface);

/* The stem of a folded word, known or not; its length, 1 to TEXT_WORD_BYTES. */
u32 search_index_stem(const struct search_index *index, struct span word, u8 *stem);

/* Walks everything. */
bool search_index_valid(const struct search_index *index);

#endif
