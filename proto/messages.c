/* messages: the table behind proto/messages.h, expanded from messages.def and the field lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/messages.h"

#include <string.h>

/* A record's room for spans: each a u32 length and its bytes, the whole padded to 8. */
#define SPAN_BYTES(field, max, text) +4u + (max)
#define RECORD_BYTES_MAX(FIELDS, fixed) \
    ((u32)ROUND_UP((u32)(fixed) + 0u FIELDS(WIRE_NONE_F, WIRE_NONE_Z, SPAN_BYTES), 8u))
#define BODY_BYTES_MAX (FRAME_BYTES_MAX - FRAME_HEADER_BYTES)

#define ONE_S(field, max, text) +1
#define RESERVED_F(type, field, text)
#define RESERVED_Z(type, field) &&m.field == 0

#define OP(code, NAME, name, CLASS, ROUTE, summary)                      \
    static bool reserved_zero_##name##_req(const u8 *fixed)              \
    {                                                                    \
        struct msg_##name##_req m;                                       \
        __builtin_memcpy(&m, fixed, sizeof m);                           \
        return true NAME##_REQ(RESERVED_F, RESERVED_Z, MESSAGE_NO_SPAN); \
    }                                                                    \
    static bool reserved_zero_##name##_rsp(const u8 *fixed)              \
    {                                                                    \
        struct msg_##name##_rsp m;                                       \
        __builtin_memcpy(&m, fixed, sizeof m);                           \
        return true NAME##_RSP(RESERVED_F, RESERVED_Z, MESSAGE_NO_SPAN); \
    }
#include "proto/messages.def"
#undef OP

enum message_index {
#define OP(code, NAME, name, CLASS, ROUTE, summary) INDEX_##NAME,
#include "proto/messages.def"
#undef OP
};

#define ROUTE_OFFSET_NONE(name)     0
#define ROUTE_OFFSET_SHARD(name)    0
#define ROUTE_OFFSET_RESOURCE(name) offsetof(struct msg_##name##_req, resource)
#define ROUTE_OFFSET_PRODUCT(name)  offsetof(struct msg_##name##_req, product_id)
#define ROUTE_OFFSET_USER(name)     offsetof(struct msg_##name##_req, user_id)
#define ROUTE_OFFSET_ORDER(name)    offsetof(struct msg_##name##_req, order)
#define ROUTE_OFFSET_ALIAS(name)    offsetof(struct msg_##name##_req, alias_id)
#define ROUTE_OFFSET_ANY(name)      0
#define ROUTE_OFFSET_ALL(name)      offsetof(struct msg_##name##_req, home_id)

#define REQUEST_MAX(NAME, name) \
    (BODY_BYTES_MAX / RECORD_BYTES_MAX(NAME##_REQ, sizeof(struct msg_##name##_req)))
#define REPLY_MAX(NAME, name) \
    (BODY_BYTES_MAX / RECORD_BYTES_MAX(NAME##_RSP, sizeof(struct msg_##name##_rsp)))
#define RECORDS_MAX_CONTROL(NAME, name) 1
#define RECORDS_MAX_MAIL(NAME, name)    1
#define RECORDS_MAX_GATHER(NAME, name)  1
#define RECORDS_MAX_PART(NAME, name)    1
#define RECORDS_MAX_READ(NAME, name)    MIN(FRAME_RECORDS_MAX, REPLY_MAX(NAME, name))
#define RECORDS_MAX_WRITE(NAME, name)   MIN(FRAME_RECORDS_MAX, REPLY_MAX(NAME, name))

#define SPAN_S(field, max, text) {#field, text, #max, max},

#define SIDE(FIELDS, fixed, reserved_zero_fn)                                     \
    {                                                                             \
        .fixed_bytes = (u16)(fixed),                                              \
        .field_count = 0 FIELDS(WIRE_ONE_F, WIRE_ONE_Z, MESSAGE_NO_SPAN),         \
        .span_count = 0 FIELDS(WIRE_NONE_F, WIRE_NONE_Z, ONE_S),                  \
        .reserved_count = 0 FIELDS(WIRE_NONE_F, WIRE_ONE_Z, MESSAGE_NO_SPAN),     \
        .record_bytes_max = RECORD_BYTES_MAX(FIELDS, fixed),                      \
        .fields = {FIELDS(WIRE_FIELD_F, WIRE_FIELD_Z, MESSAGE_NO_SPAN)},          \
        .spans = {FIELDS(WIRE_NONE_F, WIRE_NONE_Z, SPAN_S){NULL, NULL, NULL, 0}}, \
        .reserved_zero = reserved_zero_fn,                                        \
    }

/* Operations on a whole shard come one in a frame, but for a poll: a record for each command. */
#define IS_LONE(code) ((code) != OPCODE_COMMAND_POLL)

static const struct message_info table[MESSAGE_COUNT] = {
#define OP(code_, NAME, name_, CLASS, ROUTE, summary_)                                            \
    {                                                                                             \
        .code = code_,                                                                            \
        .class = MESSAGE_CLASS_##CLASS,                                                           \
        .route = MESSAGE_ROUTE_##ROUTE,                                                           \
        .route_offset = ROUTE_OFFSET_##ROUTE(name_),                                              \
        .index = INDEX_##NAME,                                                                    \
        .records_max = MESSAGE_ROUTE_##ROUTE == MESSAGE_ROUTE_SHARD && IS_LONE(code_)             \
                           ? 1                                                                    \
                           : (u16)RECORDS_MAX_##CLASS(NAME, name_),                               \
        .name = #name_,                                                                           \
        .summary = summary_,                                                                      \
        .request =                                                                                \
            SIDE(NAME##_REQ, sizeof(struct msg_##name_##_req), reserved_zero_##name_##_req),      \
        .reply = SIDE(NAME##_RSP, sizeof(struct msg_##name_##_rsp), reserved_zero_##name_##_rsp), \
    },
#include "proto/messages.def"
#undef OP
};

/* A kept reply must never be larger than a frame, and a logged record never larger than one. */
#define OP(code, NAME, name, CLASS, ROUTE, summary)                                                \
    STATIC_CHECK(RECORD_BYTES_MAX(NAME##_REQ, sizeof(struct msg_##name##_req)) <= BODY_BYTES_MAX); \
    STATIC_CHECK(RECORD_BYTES_MAX(NAME##_RSP, sizeof(struct msg_##name##_rsp)) <= BODY_BYTES_MAX);
#include "proto/messages.def"
#undef OP

const struct message_info *message_at(size_t index)
{
    return index < MESSAGE_COUNT ? &table[index] : NULL;
}

const struct message_info *message_find(u16 code)
{
    switch (code) {
#define OP(code, NAME, name, CLASS, ROUTE, summary) \
    case code:                                      \
        return &table[INDEX_##NAME];
#include "proto/messages.def"
#undef OP
    default: return NULL;
    }
}

const struct row_info *message_span_row(const struct message_span *span)
{
    static const char prefix[] = "ROWS(";
    const size_t prefix_bytes = sizeof prefix - 1;
    if (span->length == NULL || strncmp(span->length, prefix, prefix_bytes) != 0)
        return NULL;
    const char *name = span->length + prefix_bytes;
    return row_find(name, strcspn(name, ", "));
}

/* Which row each span is made of: once more over the field lists, with another meaning of ROWS. A plain
 * length is not negative. */
enum row_index {
#define ROW(NAME, name, summary) ROW_INDEX_##name,
#include "proto/rows.def"
#undef ROW
};
#undef ROWS
#define ROWS(name, most)           (-1 - (i32)ROW_INDEX_##name)
#define SPAN_ROW(field, max, text) (i32)(max),

static const i32 span_rows[MESSAGE_COUNT][2][MESSAGE_SPANS_MAX + 1] = {
#define OP(code, NAME, name, CLASS, ROUTE, summary)      \
    {{NAME##_REQ(WIRE_NONE_F, WIRE_NONE_Z, SPAN_ROW) 0}, \
     {NAME##_RSP(WIRE_NONE_F, WIRE_NONE_Z, SPAN_ROW) 0}},
#include "proto/messages.def"
#undef OP
};

const struct row_info *message_row(const struct message_info *info, bool is_reply, u32 span)
{
    MUST(span < MESSAGE_SPANS_MAX);
    const i32 row = span_rows[info->index][is_reply ? 1 : 0][span];
    return row < 0 ? row_at((size_t)(-1 - row)) : NULL;
}
