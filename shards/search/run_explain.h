/* run_explain: why a hit is where it is, in lines of text.
 *
 *      MUG: text 91200, rank 412000
 *        white: 120 of 256 x 760 = 91200
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_RUN_EXPLAIN_H
#define SOUK_SHARDS_SEARCH_RUN_EXPLAIN_H

#include "shards/search/run.h"

/* Adds the lines of a hit, whose document is there. */
void run_explain(struct run *run, const struct run_hit *hit, struct span code,
                 struct query_pack *to);

#endif
