/* filter_run: a filter on one shard: windows of 4,096 documents into bits.
 *
 *      compile    names to fields, values to ordinals, categories to sets of nodes
 *      window     candidates -> matches, and for each facet what would match without its own field
 *
 * A node is evaluated only for the documents that the nodes before it left open (AND: those that are
 * still true, OR: those that are still false), word by word, so a filter costs little where few documents
 * are candidates. What stands at the top level under AND and names one field alone, which has a facet, is
 * kept apart: the facet of that field counts without it (docs/search.md, "Facets").
 *
 * Invariants
 *   I1  a run looks at documents that were there when it was compiled, and a question is open
 *       (columns_question_begin) as long as it lives: ordinals keep their meaning.
 *   I2  the bits of a document are a function of the document, the filter and now_ns.
 * Ownership  the run, and with it everything, is in the bump.
 * Failure    NULL: the bump has no more memory, TOO_LARGE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_FILTER_RUN_H
#define SOUK_SHARDS_SEARCH_FILTER_RUN_H

#include "shards/search/column.h"
#include "shards/search/facet.h"
#include "shards/search/filter.h"

struct filter_run;

/* `facets` may be NULL. The filter (after filter_judge) and the facets must live as long as the run. */
struct filter_run *filter_compile(const struct filter *filter, const struct facets *facets,
                                  const struct columns *columns, u64 now_ns, struct bump *bump);

/* Those of the candidates for which the filter is true. `of_facets`, unless NULL, is one set per facet:
 * those for which the filter without that facet's own parts is true. */
void filter_window(struct filter_run *run, u32 window, const struct window_bits *candidates,
                   struct window_bits *matches, struct window_bits *of_facets);
/* Is it true for this document? */
bool filter_holds(struct filter_run *run, u32 doc);

#endif
