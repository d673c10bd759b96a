/* run_table: the documents of a slot of many words, each with the greatest impact of its words there.
 *
 *      for 2^20 documents   a bit each: has it one of the words?       cleared when the table is made
 *                           a byte each: the impact                    means something where the bit is set
 *
 * Filled word by word, in any order; then it can be asked for a document, or walked in order.
 *
 * Ownership  the part's bump.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_RUN_TABLE_H
#define SOUK_SHARDS_SEARCH_RUN_TABLE_H

#include "shards/search/column_bits.h"
#include "shards/search/postings.h"
#include "shards/store/bump.h"

#define RUN_TABLE_DOCS (1u << 20)

struct run_table {
    u64 *bits;
    u8 *impacts;
};

/* Tables for the documents before `end`; NULL: no memory. */
struct run_table *run_tables_make(struct bump *bump, u32 end);

static inline void run_table_raise(struct run_table *tables, u32 doc, u8 impact)
{
    struct run_table *table = &tables[doc / RUN_TABLE_DOCS];
    const u32 at = doc % RUN_TABLE_DOCS;
    const u64 bit = 1ull << at % 64;
    const u64 before = table->bits[at / 64];
    table->bits[at / 64] = before | bit;
    table->impacts[at] = (before & bit) == 0 ? impact : MAX(table->impacts[at], impact);
}

/* 0: it has none of the words. */
static inline u8 run_table_get(const struct run_table *tables, u32 doc)
{
    const struct run_table *table = &tables[doc / RUN_TABLE_DOCS];
    const u32 at = doc % RUN_TABLE_DOCS;
    return (table->bits[at / 64] >> at % 64 & 1) != 0 ? table->impacts[at] : 0;
}

/* Bits and impacts of a window. */
static inline struct run_table run_table_window(const struct run_table *tables, u32 window)
{
    const struct run_table *table = &tables[window * WINDOW_DOCS / RUN_TABLE_DOCS];
    const u32 at = window * WINDOW_DOCS % RUN_TABLE_DOCS;
    return (struct run_table){.bits = table->bits + at / 64, .impacts = table->impacts + at};
}

/* The first document from `doc` on, before `end`, that has one; POSTINGS_DOC_END: none. */
u32 run_table_next(const struct run_table *tables, u32 doc, u32 end);

#endif
