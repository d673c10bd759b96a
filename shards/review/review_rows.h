/* review_rows: a page of reviews in the shard's scratch: rows, then their texts.
 *
 *      [row 0] ... [row REVIEW_LIST_MAX - 1][title body reply of row 0][of row 1] ...
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_REVIEW_REVIEW_ROWS_H
#define SOUK_SHARDS_REVIEW_REVIEW_ROWS_H

#include "shards/review/review_parts.h"

struct review_rows {
    u8 *scratch;
    u32 count;
    u32 text_bytes;
    const struct review *last; /* added; NULL: none yet */
};

void review_rows_begin(struct review_rows *rows, u8 *scratch);
/* False: its texts do not fit any more. The first one always fits. */
NODISCARD bool review_rows_add(struct review_rows *rows, const struct review *review);
struct span review_rows_span(const struct review_rows *rows);
struct span review_rows_texts(const struct review_rows *rows);

#endif
