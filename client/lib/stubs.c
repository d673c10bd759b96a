/* stubs: one small function per operation and way to call it, and the proof that the public structs
 * are those of the wire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/lib/core.h"
#include "proto/status.h"

/* ---- the structs of souk.h begin with the fixed part, field by field ---- */

#define PUBLIC_TYPE_u16             uint16_t
#define PUBLIC_TYPE_u32             uint32_t
#define PUBLIC_TYPE_u64             uint64_t
#define PUBLIC_TYPE_i64             int64_t
#define PUBLIC_TYPE_id128           struct souk_id128
#define PUBLIC_TYPE_resource        struct souk_resource
#define PUBLIC_TYPE_text64          struct souk_text64
#define SPAN_SIZE(field, max, text) +sizeof(struct souk_text)
#define NO_F(type, field, text)
#define NO_Z(type, field)
#define TEXTS(LIST) (0 LIST(NO_F, NO_Z, SPAN_SIZE))
#define HAS_F(type, field, text) \
    STATIC_CHECK(sizeof(PUBLIC_TYPE_##type) == sizeof(WIRE_TYPE_##type));
#define HAS_Z(type, field) HAS_F(type, field, "")

/* Mail is between shards: it has no public struct and no call. */
#define PROVE_MAIL(NAME, name)
#define PROVE_CONTROL(NAME, name) PROVE(NAME, name)
#define PROVE_READ(NAME, name)    PROVE(NAME, name)
#define PROVE_WRITE(NAME, name)   PROVE(NAME, name)
#define PROVE_GATHER(NAME, name)  PROVE(NAME, name)
#define PROVE_PART(NAME, name)
#define PROVE(NAME, name)                                                               \
    NAME##_REQ(HAS_F, HAS_Z, MESSAGE_NO_SPAN) NAME##_RSP(HAS_F, HAS_Z, MESSAGE_NO_SPAN) \
        STATIC_CHECK(sizeof(struct souk_##name) ==                                      \
                     sizeof(struct msg_##name##_req) + TEXTS(NAME##_REQ));              \
    STATIC_CHECK(sizeof(struct souk_##name##_reply) ==                                  \
                 sizeof(struct msg_##name##_rsp) + TEXTS(NAME##_RSP) +                  \
                     (TEXTS(NAME##_RSP) != 0 ? sizeof(void *) : 0));                    \
    STATIC_CHECK(sizeof(struct souk_##name##_reply) <= CORE_REPLY_SIZE_MAX);            \
    STATIC_CHECK(offsetof(struct souk_##name##_reply, status) == 0);                    \
    STATIC_CHECK(offsetof(struct souk_##name##_reply, flags) ==                         \
                 offsetof(struct record_status, flags));                                \
    STATIC_CHECK(offsetof(struct souk_##name##_reply, retry_after_ms) ==                \
                 offsetof(struct record_status, retry_after_ms));                       \
    STATIC_CHECK((int)SOUK_OP_##NAME == (int)OPCODE_##NAME);
#define OP(code, NAME, name, CLASS, ROUTE, summary) PROVE_##CLASS(NAME, name)
#include "proto/messages.def"
#undef OP

/* Offsets, inside functions because only there can a name stand for another struct per operation. */
#define SAME_F(type, field, text) STATIC_CHECK(offsetof(PUBLIC, field) == offsetof(WIRE, field));
#define SAME_Z(type, field)       SAME_F(type, field, "")
#define SAME_S(field, max, text)  STATIC_CHECK(offsetof(PUBLIC, field) >= sizeof(WIRE));
#undef PROVE
#define PROVE(NAME, name)                                  \
    UNUSED static inline void check_##name##_request(void) \
    {                                                      \
        typedef struct souk_##name PUBLIC;                 \
        typedef struct msg_##name##_req WIRE;              \
        NAME##_REQ(SAME_F, SAME_Z, SAME_S)                 \
    }                                                      \
    UNUSED static inline void check_##name##_reply(void)   \
    {                                                      \
        typedef struct souk_##name##_reply PUBLIC;         \
        typedef struct msg_##name##_rsp WIRE;              \
        NAME##_RSP(SAME_F, SAME_Z, SAME_S)                 \
    }
#define OP(code, NAME, name, CLASS, ROUTE, summary) PROVE_##CLASS(NAME, name)
#include "proto/messages.def"
#undef OP

#define ROW(NAME, name, summary) \
    STATIC_CHECK(sizeof(struct souk_row_##name) == sizeof(struct row_##name));
#include "proto/rows.def"
#undef ROW
#define STATUS(number, NAME, CLASS, meaning, cause, action) STATIC_CHECK(SOUK_##NAME == number);
#include "proto/status.def"
#undef STATUS
STATIC_CHECK((int)SOUK_FLAG_REPLAYED == (int)RECORD_FLAG_REPLAYED);
STATIC_CHECK((int)SOUK_CLASS_FIX == (int)STATUS_CLASS_FIX);
STATIC_CHECK((int)SOUK_KIND_AD_BUDGET == (int)RESOURCE_KIND_AD_BUDGET);
STATIC_CHECK(SOUK_VERSION_ABSENT == VERSION_ABSENT);
STATIC_CHECK(SOUK_SHARD_ANY == SHARD_ANY);

/* ---- the calls ---- */

static int call_one(struct souk_client *client, u16 op, u16 shard, const void *record, void *reply)
{
    const struct souk_request request = {
        .op = op, .shard = shard, .count = 1, .records = record, .replies = reply};
    return souk_call(client, &request);
}

static int submit_one(struct souk_client *client, u16 op, u16 shard, const void *record,
                      souk_callback *callback, void *context)
{
    const struct souk_request request = {.op = op, .shard = shard, .count = 1, .records = record};
    return souk_submit(client, &request, callback, context);
}

#define STUB_KEYED(NAME, name)                                                            \
    int souk_##name(struct souk_client *client, const struct souk_##name *record,         \
                    struct souk_##name##_reply *reply)                                    \
    {                                                                                     \
        return call_one(client, OPCODE_##NAME, 0, record, reply);                         \
    }                                                                                     \
    int souk_##name##_async(struct souk_client *client, const struct souk_##name *record, \
                            souk_callback *callback, void *context)                       \
    {                                                                                     \
        return submit_one(client, OPCODE_##NAME, 0, record, callback, context);           \
    }
#define STUB_BATCH(NAME, name)                                                                   \
    int souk_##name##_batch(struct souk_client *client, const struct souk_##name *records,       \
                            uint32_t count, struct souk_##name##_reply *replies, uint32_t flags) \
    {                                                                                            \
        const struct souk_request request = {.op = OPCODE_##NAME,                                \
                                             .flags = flags,                                     \
                                             .count = count,                                     \
                                             .records = records,                                 \
                                             .replies = replies};                                \
        return souk_call(client, &request);                                                      \
    }
#define STUB_NONE(NAME, name)     STUB_KEYED(NAME, name)
#define STUB_RESOURCE(NAME, name) STUB_KEYED(NAME, name) STUB_BATCH(NAME, name)
#define STUB_PRODUCT(NAME, name)  STUB_RESOURCE(NAME, name)
#define STUB_USER(NAME, name)     STUB_RESOURCE(NAME, name)
#define STUB_ALIAS(NAME, name)    STUB_RESOURCE(NAME, name)
#define STUB_ANY(NAME, name)      STUB_RESOURCE(NAME, name)
#define STUB_ORDER(NAME, name)    STUB_RESOURCE(NAME, name)
#define STUB_ALL(NAME, name)      STUB_RESOURCE(NAME, name)
#define STUB_SHARD(NAME, name)                                                                    \
    int souk_##name(struct souk_client *client, uint16_t shard, const struct souk_##name *record, \
                    struct souk_##name##_reply *reply)                                            \
    {                                                                                             \
        return call_one(client, OPCODE_##NAME, shard, record, reply);                             \
    }                                                                                             \
    int souk_##name##_async(struct souk_client *client, uint16_t shard,                           \
                            const struct souk_##name *record, souk_callback *callback,            \
                            void *context)                                                        \
    {                                                                                             \
        return submit_one(client, OPCODE_##NAME, shard, record, callback, context);               \
    }
#define CALLS_MAIL(NAME, name, ROUTE)
#define CALLS_PART(NAME, name, ROUTE)
#define CALLS_GATHER(NAME, name, ROUTE)             STUB_##ROUTE(NAME, name)
#define CALLS_CONTROL(NAME, name, ROUTE)            STUB_##ROUTE(NAME, name)
#define CALLS_READ(NAME, name, ROUTE)               STUB_##ROUTE(NAME, name)
#define CALLS_WRITE(NAME, name, ROUTE)              STUB_##ROUTE(NAME, name)
#define OP(code, NAME, name, CLASS, ROUTE, summary) CALLS_##CLASS(NAME, name, ROUTE)
#include "proto/messages.def"
#undef OP

/* The one operation on a whole shard of which many fit in a frame: a record for each command. */
int souk_command_poll_batch(struct souk_client *client, uint16_t shard,
                            const struct souk_command_poll *records, uint32_t count,
                            struct souk_command_poll_reply *replies, uint32_t flags)
{
    const struct souk_request request = {.op = OPCODE_COMMAND_POLL,
                                         .shard = shard,
                                         .flags = flags,
                                         .count = count,
                                         .records = records,
                                         .replies = replies};
    return souk_call(client, &request);
}
