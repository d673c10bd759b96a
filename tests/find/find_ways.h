/* find_ways: which ways the shards took to their answers, so that it is seen, and not by chance, that each of
 * them was beside the oracle.
 *
 * A way is told from what a run has left in its memory when it ends; nothing counts while it runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FIND_FIND_WAYS_H
#define SOUK_TESTS_FIND_FIND_WAYS_H

#include "tests/support/gather_loop.h"

enum find_way {
    FIND_WAY_WINDOWS,  /* windows alone */
    FIND_WAY_RARE,     /* along a rare slot to the end */
    FIND_WAY_STRETCH,  /* along a slot that is not rare, some windows long */
    FIND_WAY_GIVEN_UP, /* a stretch in which too much had to be looked at */
    FIND_WAY_DIRECT,   /* along a slot, judged at once */
    FIND_WAY_GATHERED, /* along a slot, with a filter or facets: judged by windows */
    FIND_WAY_SET,      /* a slot of many words, looked for in documents */
    FIND_WAY_TABLE,    /* a slot of several words, as a table */
    FIND_WAY_ALONG,    /* along a table */
    FIND_WAY_ROW,      /* words in a row */
    FIND_WAY_LEFT_OUT, /* what cannot change the page */
    FIND_WAY_SKIPPED,  /* windows that cannot */
    FIND_WAY_SHARE,    /* some of the words suffice */
    FIND_WAY_COUNTED,  /* documents counted by what they have of the words */
    FIND_WAY_DETAILS,  /* details apart from hits */
    FIND_WAY_SLICES,   /* several slices */
    FIND_WAY_BITS,     /* a frequent word as bits */
    FIND_WAY_MERGED,   /* one of them in the table of a slot of several words */
    FIND_WAY_ROW_BITS, /* one of them in a row */
    FIND_WAYS
};

struct find_ways {
    u32 counts[FIND_WAYS];
};

/* From now on parts of the loop count. */
void find_ways_watch(struct gather_loop *loop, struct find_ways *ways);
/* False: one of them was never taken. */
bool find_ways_print(const struct find_ways *ways);

#endif
