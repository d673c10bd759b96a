/* rows: the table behind proto/rows.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/rows.h"

#include <string.h>

static const struct row_info table[] = {
#define ROW(NAME, name_, summary_)                        \
    {.name = #name_,                                      \
     .summary = summary_,                                 \
     .bytes = sizeof(struct row_##name_),                 \
     .field_count = 0 NAME##_ROW(WIRE_ONE_F, WIRE_ONE_Z), \
     .fields = {NAME##_ROW(WIRE_FIELD_F, WIRE_FIELD_Z)}},
#include "proto/rows.def"
#undef ROW
};

const struct row_info *row_at(size_t index)
{
    return index < ARRAY_COUNT(table) ? &table[index] : NULL;
}

const struct row_info *row_find(const char *name, size_t bytes)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (strlen(table[i].name) == bytes && memcmp(table[i].name, name, bytes) == 0)
            return &table[i];
    return NULL;
}

bool rows_reserved_zero(const struct row_info *row, const u8 *bytes, u32 count)
{
    static const u8 zeros[TEXT64_BYTES];
    for (u32 i = 0; i < count; i++) {
        for (u32 f = 0; f < row->field_count; f++) {
            if (row->fields[f].text == NULL && memcmp(bytes, zeros, row->fields[f].bytes) != 0)
                return false;
            bytes += row->fields[f].bytes;
        }
    }
    return true;
}
