/* column: numbers and attribute values of documents, for filters, facets and sorts.
 *
 * A document is a number, given out in order by the index; 4,096 of them are a window, and every
 * column has one array per window, made when the first document has something else than 0 there:
 *
 *      window w:  price [4096]  popularity [4096]  ...          numbers, changed in place
 *                 in stock, draft, timed ...                     a bit per document
 *                 brand, category, attribute 1, 2, ...           ordinals (column_field.h)
 *
 * A field is the brand, the category, or an attribute, by its name as in the lines of a product. Each
 * different value of a field has an ordinal of that field, from 1. Categories are nodes of a tree
 * (column_category.h): a category that moves changes no document.
 *
 * Questions are answered in slices, between which documents change. While one is open
 * (columns_question_begin) a document that was killed keeps all it had, and no ordinal gets another
 * meaning.
 *
 * Invariants
 *   I1  texts are set once, in the order of the documents; numbers may be put again at any time.
 *   I2  a value is counted by each document that has it, from columns_set_texts until columns_kill.
 *       An ordinal that nobody counts is used again, but not while a question is open.
 *   I3  a window's arrays stay where they are until all its documents are dead, then they are freed;
 *       not while a question is open.
 *   I4  at most COLUMN_FIELDS_MAX fields: attribute names beyond are no fields on this shard, and a
 *       name is one for ever. Nodes of categories stay for ever. (For ever: until the index is rebuilt.)
 * Ownership  arena and memory are the shard's; one core.
 * Failure    no memory is a panic.
 * Not here   types of attributes: every value is a text, and a number as well if it reads as one; what
 *            an attribute is declared as matters to the one who asks (filter.h, facet.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_COLUMN_H
#define SOUK_SHARDS_SEARCH_COLUMN_H

#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/messages.h"
#include "shards/search/column_bits.h"
#include "shards/search/column_category.h"
#include "shards/search/column_field.h"
#include "shards/store/arena.h"

/* Of eight bytes, then of four, then of two. */
enum column {
    COLUMN_PRODUCT, /* product id */
    COLUMN_PRICE,
    COLUMN_PRICE_BEFORE,
    COLUMN_CREATED_AT,
    COLUMN_VISIBLE_FROM,
    COLUMN_VISIBLE_UNTIL,
    COLUMN_BUYABLE_FROM,
    COLUMN_BUYABLE_UNTIL,
    COLUMN_RATING_SUM,
    COLUMN_POPULARITY,
    COLUMN_RATING_COUNT,
    COLUMN_RATING,   /* hundredths of stars */
    COLUMN_DISCOUNT, /* hundredths of a percent */
    COLUMN_MARGIN,
    COLUMN_CURRENCY,
    COLUMN_PRICE_CELL, /* of the histogram, facet_cell.h */
    COLUMN_POPULARITY_CELL,
    COLUMN_COUNT
};
#define COLUMN_U32_FIRST COLUMN_POPULARITY
#define COLUMN_U16_FIRST COLUMN_RATING

enum column_bit {
    COLUMN_BIT_IN_STOCK,
    COLUMN_BIT_LOW,
    COLUMN_BIT_DRAFT,
    COLUMN_BIT_UNLISTED,
    COLUMN_BIT_SHOWN_TIMED, /* has a time from or until which it is visible */
    COLUMN_BIT_SOLD_TIMED,
    COLUMN_BIT_PRICED, /* has a currency */
    COLUMN_BIT_RATED,
    COLUMN_BIT_COUNT
};

struct column_facts {
    u64 product_id;
    i64 price; /* the lowest of its SKUs */
    i64 price_before;
    u64 created_at_ns;
    u64 visible_from_ns;
    u64 visible_until_ns;
    u64 buyable_from_ns;
    u64 buyable_until_ns;
    u64 rating_sum;
    u32 rating_count;
    u32 popularity;
    u16 currency;
    u16 margin;
    u16 marks; /* enum product_mark */
    u16 state; /* enum stock_state */
};

struct column_texts {
    struct span brand;
    struct span category;
    struct span attributes; /* lines of name=value */
};

struct column_window {
    void *arrays[COLUMN_COUNT]; /* NULL: all 0 */
    struct window_bits bits[COLUMN_BIT_COUNT];
    u32 live_count;
};

struct columns {
    struct arena *arena;
    struct column_window **windows; /* NULL: no document, or none any more */
    u32 window_capacity;
    u32 doc_end; /* one more than the greatest document */
    struct column_fields fields;
    struct column_tree tree;
    u32 *dead; /* killed, not yet given back */
    u32 dead_count;
    u32 dead_capacity;
    u32 question_count;
    bool is_fast; /* column_bits.h */
};

void columns_init(struct columns *columns, struct store_memory *memory, struct arena *arena);
void columns_deinit(struct columns *columns);
/* Leaves what is in the arena to who owns that. */
void columns_drop(struct columns *columns);

/* All numbers of a document, when it is made and whenever one of them has changed. */
void columns_put(struct columns *columns, u32 doc, const struct column_facts *facts);
/* Brand, category and attributes of a document that was put, once; documents come in order. */
void columns_set_texts(struct columns *columns, u32 doc, const struct column_texts *texts);
/* The document is gone, or replaced by another. */
void columns_kill(struct columns *columns, u32 doc);

void columns_question_begin(struct columns *columns);
void columns_question_end(struct columns *columns);
/* Gives back so many of the dead, unless a question is open. Every change and every end of a question does
 * a few. */
void columns_give_back(struct columns *columns, u32 count);

/* A number of a document; 0 of one that was not put. */
u64 columns_number(const struct columns *columns, enum column column, u32 doc);
/* The values of a window, in the width of the column; NULL: all are 0. */
const void *columns_array(const struct columns *columns, enum column column, u32 window);
bool columns_bit(const struct columns *columns, enum column_bit bit, u32 doc);
u16 columns_state(const struct columns *columns, u32 doc); /* enum stock_state */
/* All a document has, as it was put. */
void columns_facts(const struct columns *columns, u32 doc, struct column_facts *facts);

/* Takes those out of `bits` that are not visible now (a draft, or not in its time), or not in
 * searches (unlisted) unless `has_unlisted`. */
void columns_keep_visible(const struct columns *columns, u32 window, u64 now_ns, bool has_unlisted,
                          struct window_bits *bits);
/* Is this one visible now, and listed? */
bool columns_shows(const struct columns *columns, u32 doc, u64 now_ns);
/* Those of `candidates` that can be bought now: visible, in its times, and there. */
void columns_buyable(const struct columns *columns, u32 window, u64 now_ns,
                     const struct window_bits *candidates, struct window_bits *bits);

/* Walks everything. */
bool columns_valid(const struct columns *columns);

#endif
