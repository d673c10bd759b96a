/* facet: which values the matches have, and how many of them; docs/search.md, "Facets".
 *
 *      brand:20,category,price,color
 *
 *      gather   facet_parse -> struct facets, flat; facet_judge with what the shards know
 *      shard    facet_begin, facet_window for every window, facet_finish in slices -> flat findings
 *      gather   facet_merge of the findings of all shards, in pieces -> values and ranges, without their texts
 *      shard    facet_label: the text of a value, the parent of a category
 *
 * Findings of a facet are (key, count) in order of the keys: value ids, or cells of the histogram
 * (facet_cell.h), with the least and the greatest number. Merging reads all shards' lists side by side, so
 * it needs memory for the values wanted alone.
 *
 * Invariants
 *   I1  counts are exact and do not depend on how products are spread over shards.
 *   I2  at most FACET_KEYS_MAX keys on a shard, over all facets: more is TOO_LARGE.
 * Ownership  bump of the question.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_FACET_H
#define SOUK_SHARDS_SEARCH_FACET_H

#include "proto/rows.h"
#include "shards/search/column.h"
#include "shards/search/filter.h"

#define FACET_WANTED_DEFAULT 10u
#define FACET_WANTED_MAX     1000u
#define FACET_VALUES_MAX     8192u  /* wanted of all facets */
#define FACET_KEYS_MAX       40000u /* found on a shard */
#define FACET_BARS_MAX       50u

enum facet_kind { FACET_KIND_VALUES, FACET_KIND_CATEGORY, FACET_KIND_NUMBERS };

struct facet {
    u32 at;
    u32 text_offset; /* of an attribute's name */
    u16 text_bytes;
    u16 wanted;
    u8 field; /* enum filter_field */
    u8 type;  /* enum attribute_type of an attribute, known after facet_judge */
    u8 kind;  /* enum facet_kind, then */
    u8 zero;
};

struct facets {
    u32 bytes; /* of all: facets and names follow */
    u16 count;
    u16 bars;
    struct facet items[];
};
STATIC_CHECK(sizeof(struct facet) == 16);
STATIC_CHECK(sizeof(struct facets) == 8);

/* As filter_parse; positions are in the text of the facets. */
struct facets *facet_parse(struct span text, u16 bars, struct bump *bump,
                           struct filter_problem *problem);
/* The name of a facet: that of the attribute, empty for others. */
struct span facet_name(const struct facets *facets, u32 facet);
/* `known` has one entry per facet; those that are not of attributes are not looked at. */
bool facet_judge(struct facets *facets, const struct filter_known *known,
                 struct filter_problem *problem);

/* ---- findings: facets' heads, then their rows, one facet after the other ---- */

struct facet_row {
    u64 key; /* value id, or cell + FACET_CELLS */
    u32 count;
    u32 zero;
};

struct facet_finding {
    i64 least; /* of numbers: price in minor units, rating and discount in hundredths, popularity as */
    i64 greatest; /* it is, numbers of attributes in thousandths */
    u64 total;    /* numbers counted; 0: least and greatest say nothing */
    u32 first_row;
    u32 row_count;
};

struct facet_findings {
    u32 bytes;
    u32 count;
    struct facet_finding items[];
};
STATIC_CHECK(sizeof(struct facet_row) == 16);
STATIC_CHECK(sizeof(struct facet_finding) == 32);

/* ---- on a shard ---- */

struct facet_run;

/* NULL: no memory. The facets must live as long as the run; a question is open as long as it lives. */
struct facet_run *facet_begin(const struct facets *facets, const struct columns *columns,
                              u64 now_ns, struct bump *bump);
/* Counts the matches of a window: one set per facet (filter_window). False: too many values. */
bool facet_window(struct facet_run *run, u32 window, const struct window_bits *of_facets);
/* Brings the counts into order, in about `work` nanoseconds; true when it is done. */
bool facet_finish(struct facet_run *run, u32 work);
/* After that: how many bytes the findings have (UINT32_MAX: too many values, TOO_LARGE), a multiple of 8,
 * and themselves. */
u32 facet_bytes(const struct facet_run *run);
/* Writes them, at most so many rows more; true: all. */
bool facet_write(struct facet_run *run, u8 *to, u32 most);
/* The text of a value that this shard has counted, and the parent of a category; false: unknown. */
bool facet_label(const struct columns *columns, const struct facets *facets, u32 facet,
                 u64 value_id, struct span *text, u64 *parent_id);

/* ---- at the gather ---- */

struct facet_found {
    u64 value_id;
    u32 count;
    u16 facet;
    u16 zero;
};

struct facet_merged {
    struct facet_found *values; /* by facet, then most matches first, then by value id */
    struct row_facet_range *ranges;
    u32 value_count;
    u32 range_count;
};

struct facet_merge;

/* `findings` are those of the shards as facet_write wrote them, anywhere in memory; the array and they stay
 * where they are. NULL: no memory. */
struct facet_merge *facet_merge_begin(const struct facets *facets, const u8 *const *findings,
                                      u32 shard_count, struct bump *bump);
/* Merges some more of them, until `work` (nanoseconds, about) has come to `most`. True: all. */
bool facet_merge_step(struct facet_merge *merge, u32 *work, u32 most, struct facet_merged *merged);

#endif
