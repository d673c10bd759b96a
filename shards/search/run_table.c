/* run_table: see run_table.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run_table.h"

struct run_table *run_tables_make(struct bump *bump, u32 end)
{
    const u32 count = end / RUN_TABLE_DOCS + 1;
    struct run_table *tables = bump_acquire(bump, count * sizeof tables[0]);
    for (u32 i = 0; tables != NULL && i < count; i++) {
        tables[i].bits = bump_acquire_zeroed(bump, RUN_TABLE_DOCS / 8);
        tables[i].impacts = bump_acquire(bump, RUN_TABLE_DOCS);
        if (tables[i].bits == NULL || tables[i].impacts == NULL)
            return NULL;
    }
    return tables;
}

u32 run_table_next(const struct run_table *tables, u32 doc, u32 end)
{
    while (doc < end) {
        const u32 at = doc % RUN_TABLE_DOCS;
        const u64 bits = tables[doc / RUN_TABLE_DOCS].bits[at / 64] >> at % 64;
        if (bits != 0) {
            doc += (u32)__builtin_ctzll(bits);
            return doc < end ? doc : POSTINGS_DOC_END;
        }
        doc += 64 - at % 64;
    }
    return POSTINGS_DOC_END;
}
