/* rows: the structs and tables that proto/rows.def and proto/fields_rows.h expand to.
 *
 *      struct row_cart_line        a row, exactly as on the wire
 *      ROWS(cart_line, 500)        length of a span of at most 500 of them, for field lists
 *      row_find("cart_line")       its fields
 *
 * Spans are not aligned: rows are copied in and out (rows_at, memcpy), never pointed at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_ROWS_H
#define SOUK_PROTO_ROWS_H

#include "proto/fields_rows.h"
#include "proto/limits.h"
#include "proto/wire.h"

#define ROW_FIELDS_MAX 20u

#define ROW(NAME, name, summary)                                                             \
    struct row_##name {                                                                      \
        NAME##_ROW(WIRE_DECL_F, WIRE_DECL_Z)                                                 \
    };                                                                                       \
    _Static_assert(sizeof(struct row_##name) == 0 NAME##_ROW(WIRE_SIZE_F, WIRE_SIZE_Z),      \
                   #name " row is padded");                                                  \
    _Static_assert(sizeof(struct row_##name) % 8 == 0, #name " row is not a multiple of 8"); \
    _Static_assert((0 NAME##_ROW(WIRE_ONE_F, WIRE_ONE_Z)) <= ROW_FIELDS_MAX, #name " row");
#include "proto/rows.def"
#undef ROW

/* In a field list: the length of a span that is a table. message_find() knows its row. */
#define ROWS(name, most) ((u32)sizeof(struct row_##name) * (most))

struct row_info {
    const char *name;
    const char *summary;
    u16 bytes;
    u16 field_count;
    struct message_field fields[ROW_FIELDS_MAX];
};

/* NULL where there is no such row, or none left. */
const struct row_info *row_find(const char *name, size_t bytes);
const struct row_info *row_at(size_t index);

/* Are all reserved fields of these whole rows zero? */
bool rows_reserved_zero(const struct row_info *row, const u8 *bytes, u32 count);

#endif
