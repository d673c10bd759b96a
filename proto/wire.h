/* wire: the types of fields, and how a field is described to printers, tests and documents.
 *
 * A field list names its types by these words; the same list expands to structs, to tables of struct
 * message_field, to text. docs/protocol.md says how each lies on the wire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_WIRE_H
#define SOUK_PROTO_WIRE_H

#include "proto/base.h"
#include "proto/id.h"

#define WIRE_TYPE_u16      u16
#define WIRE_TYPE_u32      u32
#define WIRE_TYPE_u64      u64
#define WIRE_TYPE_i64      i64
#define WIRE_TYPE_id128    struct id128
#define WIRE_TYPE_resource struct resource
#define WIRE_TYPE_text64   struct text64

enum wire_type {
    WIRE_KIND_u16,
    WIRE_KIND_u32,
    WIRE_KIND_u64,
    WIRE_KIND_i64,
    WIRE_KIND_id128,
    WIRE_KIND_resource,
    WIRE_KIND_text64
};

/* One fixed field. There is no padding, so its offset is the sum of the sizes before it, in a reply
 * after the struct record_status. */
struct message_field {
    const char *name;
    const char *text; /* NULL for a reserved field, which must be zero */
    u8 bytes;
    u8 type; /* enum wire_type */
};

#define WIRE_DECL_F(type, field, text) WIRE_TYPE_##type field;
#define WIRE_DECL_Z(type, field)       WIRE_TYPE_##type field;
#define WIRE_SIZE_F(type, field, text) +sizeof(WIRE_TYPE_##type)
#define WIRE_SIZE_Z(type, field)       +sizeof(WIRE_TYPE_##type)
#define WIRE_ONE_F(type, field, text)  +1
#define WIRE_ONE_Z(type, field)        +1
#define WIRE_NONE_F(type, field, text)
#define WIRE_NONE_Z(type, field)
#define WIRE_FIELD_F(type, field, text) \
    {#field, text, (u8)sizeof(WIRE_TYPE_##type), WIRE_KIND_##type},
#define WIRE_FIELD_Z(type, field) {#field, NULL, (u8)sizeof(WIRE_TYPE_##type), WIRE_KIND_##type},

#endif
