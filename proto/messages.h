/* messages: the structs, tables and names that proto/messages.def and proto/fields_*.h expand to.
 *
 *      struct msg_take_req, struct msg_take_rsp    the fixed parts, exactly as on the wire
 *      OPCODE_TAKE                                 its code
 *      PRODUCT_PUT_REQ_SPAN_title                  index of a span in struct record_view
 *      message_find(code)                          sizes, class, route, fields, limits
 *
 * Every reply record begins with a struct record_status. Structs have no padding: a field order
 * that would create some stops the build with the message's name. The same bytes that came from the
 * network are the body of the log record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_MESSAGES_H
#define SOUK_PROTO_MESSAGES_H

#include "proto/base.h"
#include "proto/fields_catalog.h"
#include "proto/fields_control.h"
#include "proto/fields_stock.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MESSAGE_SPANS_MAX  5u
#define MESSAGE_FIELDS_MAX 28u
#define VERSION_ANY        0ull
#define VERSION_ABSENT     UINT64_MAX
#define SHARD_ANY          UINT16_MAX

enum message_class { MESSAGE_CLASS_CONTROL, MESSAGE_CLASS_READ, MESSAGE_CLASS_WRITE };
enum message_route {
    MESSAGE_ROUTE_NONE,
    MESSAGE_ROUTE_SHARD,
    MESSAGE_ROUTE_RESOURCE,
    MESSAGE_ROUTE_PRODUCT
};
enum opcode {
#define OP(code, NAME, name, CLASS, ROUTE, summary) OPCODE_##NAME = code,
#include "proto/messages.def"
#undef OP
};
enum {
    MESSAGE_COUNT = 0
#define OP(code, NAME, name, CLASS, ROUTE, summary) +1
#include "proto/messages.def"
#undef OP
};

/* The head of every reply record. */
struct record_status {
    u16 status; /* enum status */
    u16 flags;  /* enum record_flag */
    u32 retry_after_ms;
};
enum record_flag {
    RECORD_FLAG_REPLAYED = 1 << 0 /* the object had been through this before: same answer */
};

enum disposition { DISPOSITION_SELLABLE = 0, DISPOSITION_DAMAGED = 1 };
enum grant_state {
    GRANT_STATE_HELD = 1,
    GRANT_STATE_ALLOCATED = 2,
    GRANT_STATE_RELEASED = 3,
    GRANT_STATE_EXPIRED = 4,
    GRANT_STATE_FINISHED = 5
};
enum patch_field {
    PATCH_FIELD_PRICE = 1 << 0,
    PATCH_FIELD_TITLE = 1 << 1,
    PATCH_FIELD_BRAND = 1 << 2,
    PATCH_FIELD_CATEGORY = 1 << 3,
    PATCH_FIELD_ATTRIBUTES = 1 << 4,
    PATCH_FIELDS_ALL = 31
};

/* The wire types by the names that field lists use. */
#define WIRE_TYPE_u16      u16
#define WIRE_TYPE_u32      u32
#define WIRE_TYPE_u64      u64
#define WIRE_TYPE_i64      i64
#define WIRE_TYPE_id128    struct id128
#define WIRE_TYPE_resource struct resource

#define MESSAGE_DECL_F(type, field, text) WIRE_TYPE_##type field;
#define MESSAGE_DECL_Z(type, field)       WIRE_TYPE_##type field;
#define MESSAGE_SIZE_F(type, field, text) +sizeof(WIRE_TYPE_##type)
#define MESSAGE_SIZE_Z(type, field)       +sizeof(WIRE_TYPE_##type)
#define MESSAGE_NO_SPAN(field, max, text)

#define OP(code, NAME, name, CLASS, ROUTE, summary)                                              \
    struct msg_##name##_req {                                                                    \
        NAME##_REQ(MESSAGE_DECL_F, MESSAGE_DECL_Z, MESSAGE_NO_SPAN)                              \
    };                                                                                           \
    struct msg_##name##_rsp {                                                                    \
        struct record_status head;                                                               \
        NAME##_RSP(MESSAGE_DECL_F, MESSAGE_DECL_Z, MESSAGE_NO_SPAN)                              \
    };                                                                                           \
    _Static_assert(sizeof(struct msg_##name##_req) ==                                            \
                       0 NAME##_REQ(MESSAGE_SIZE_F, MESSAGE_SIZE_Z, MESSAGE_NO_SPAN),            \
                   #name " request is padded");                                                  \
    _Static_assert(sizeof(struct msg_##name##_rsp) ==                                            \
                       sizeof(struct record_status)                                              \
                           NAME##_RSP(MESSAGE_SIZE_F, MESSAGE_SIZE_Z, MESSAGE_NO_SPAN),          \
                   #name " reply is padded");                                                    \
    _Static_assert(sizeof(struct msg_##name##_req) % 8 == 0, #name " request is not 8-aligned"); \
    _Static_assert(sizeof(struct msg_##name##_rsp) % 8 == 0, #name " reply is not 8-aligned");
#include "proto/messages.def"
#undef OP

/* Indexes of spans: NAME_REQ_SPAN_field. */
#define MESSAGE_NO_F(type, field, text)
#define MESSAGE_NO_Z(type, field)
enum product_put_req_span {
#define MESSAGE_SPAN_INDEX(field, max, text) PRODUCT_PUT_REQ_SPAN_##field,
    PRODUCT_PUT_REQ(MESSAGE_NO_F, MESSAGE_NO_Z, MESSAGE_SPAN_INDEX)
#undef MESSAGE_SPAN_INDEX
};
enum product_patch_req_span {
#define MESSAGE_SPAN_INDEX(field, max, text) PRODUCT_PATCH_REQ_SPAN_##field,
    PRODUCT_PATCH_REQ(MESSAGE_NO_F, MESSAGE_NO_Z, MESSAGE_SPAN_INDEX)
#undef MESSAGE_SPAN_INDEX
};

enum wire_type {
    WIRE_KIND_u16,
    WIRE_KIND_u32,
    WIRE_KIND_u64,
    WIRE_KIND_i64,
    WIRE_KIND_id128,
    WIRE_KIND_resource
};

/* One fixed field, for printers, tests and the protocol document. There is no padding, so its
 * offset is the sum of the sizes before it, in a reply after the struct record_status. */
struct message_field {
    const char *name;
    const char *text; /* NULL for a reserved field, which must be zero */
    u8 bytes;
    u8 type; /* enum wire_type */
};
struct message_span {
    const char *name;
    const char *text;
    u32 bytes_max;
};

/* One direction of an operation. */
struct message_side {
    u16 fixed_bytes;
    u16 field_count;
    u16 span_count;
    u16 reserved_count;
    u32 record_bytes_max; /* fixed part, all spans at their longest, padding */
    struct message_field fields[MESSAGE_FIELDS_MAX];
    struct message_span spans[MESSAGE_SPANS_MAX + 1]; /* ends with a NULL name */
    bool (*reserved_zero)(const u8 *fixed); /* all reserved fields of a fixed part are zero */
};

struct message_info {
    u16 code;
    enum message_class class;
    enum message_route route;
    u16 route_offset; /* of the routing field in the fixed part; only with RESOURCE and PRODUCT */
    u16 index;        /* 0 to MESSAGE_COUNT - 1, in the order of messages.def */
    u16 records_max;  /* so that neither frame nor reply exceeds FRAME_BYTES_MAX; 1 for CONTROL */
    const char *name; /* "take" */
    const char *summary;
    struct message_side request;
    struct message_side reply;
};

/* The operation of a code, or NULL. Constant time, all threads. */
const struct message_info *message_find(u16 code);
/* The i-th operation in the order of messages.def, or NULL past the end. */
const struct message_info *message_at(size_t index);

#endif
