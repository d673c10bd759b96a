/* find_judge: what is asked of one document: the filter, its numbers, its values of a facet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FIND_FIND_JUDGE_H
#define SOUK_TESTS_FIND_FIND_JUDGE_H

#include <string.h>

#include "proto/id.h"
#include "tests/find/find_oracle.h"

static inline struct span find_span(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = text == NULL ? 0 : (u32)strlen(text)};
}
static inline bool find_is_text(struct span span, const char *text)
{
    return span.bytes == strlen(text) && memcmp(span.data, text, span.bytes) == 0;
}
static inline u64 find_id(struct span text)
{
    return id_from_code(text.data, text.bytes);
}

/* ---- find_filter.c ---- */

/* What stands at the top level under AND: nodes, and whether they are turned round. */
struct find_parts {
    u16 nodes[FIND_NODES_MAX];
    bool is_not[FIND_NODES_MAX];
    int facets[FIND_NODES_MAX]; /* whose own part it is, -1: nobody's */
    u32 count;
};

void find_filter_divide(const struct find_question *question, struct find_parts *parts);
/* The category that the filter asks for at the top. The first of several, as they are written. */
u64 find_filter_category(const struct find_question *question, const struct find_parts *parts);
/* Every node of the filter. */
void find_filter_judge(const struct find_shop *shop, const struct find_filter *filter,
                       const struct find_doc *doc, u64 now_ns, bool *is_true);
/* A field that nobody knows, a value that is none? */
bool find_filter_refused(const struct find_shop *shop, const struct find_filter *filter);
bool find_facets_refused(const struct find_shop *shop, const struct find_question *question);

bool find_in_time(u64 from_ns, u64 until_ns, u64 now_ns);
bool find_is_visible(const struct find_doc *doc, u64 now_ns);
bool find_is_buyable(const struct find_doc *doc, u64 now_ns);
i64 find_rating(const struct find_doc *doc);
i64 find_discount(const struct find_doc *doc);
/* Thousandths, decimals from the fourth on cut off; false: no number. */
bool find_number(struct span text, i64 *number);
/* 1 true, 0 false, -1 neither. */
int find_truth(struct span text);
u16 find_attribute_type(const struct find_shop *shop, struct span name);

/* ---- find_facets.c ---- */

/* Room for an answer, nothing counted yet. One facet at a time. */
void find_facet_begin(struct find_facet_answer *answer);
/* The document counts. */
void find_facet_count(const struct find_shop *shop, const struct find_doc *doc,
                      const struct find_facet *facet, u64 now_ns, struct find_facet_answer *answer);
/* Values in order, those that are wanted; ranges. */
void find_facet_end(u32 wanted, u32 bars, struct find_facet_answer *answer);

#endif
