/* messages: the structs, tables and names that proto/messages.def and proto/fields_*.h expand to.
 *
 *      struct msg_take_req, struct msg_take_rsp    the fixed parts, exactly as on the wire
 *      OPCODE_TAKE                                 its code
 *      SPAN_OF(product_put_req, title)             index of a span in struct record_view
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
#include "proto/fields_cart.h"
#include "proto/fields_catalog.h"
#include "proto/fields_checkout.h"
#include "proto/fields_control.h"
#include "proto/fields_mail.h"
#include "proto/fields_order.h"
#include "proto/fields_settings.h"
#include "proto/fields_stock.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/rows.h"

#define MESSAGE_SPANS_MAX  8u
#define MESSAGE_FIELDS_MAX 28u
#define VERSION_ANY        0ull
#define VERSION_ABSENT     UINT64_MAX
#define SHARD_ANY          UINT16_MAX

enum message_class {
    MESSAGE_CLASS_CONTROL,
    MESSAGE_CLASS_READ,
    MESSAGE_CLASS_WRITE,
    MESSAGE_CLASS_MAIL
};
enum message_route {
    MESSAGE_ROUTE_NONE,
    MESSAGE_ROUTE_SHARD,
    MESSAGE_ROUTE_RESOURCE,
    MESSAGE_ROUTE_PRODUCT,
    MESSAGE_ROUTE_USER,
    MESSAGE_ROUTE_ORDER,
    MESSAGE_ROUTE_ALL
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

enum cart_state {
    CART_STATE_NONE, /* there is no cart */
    CART_STATE_ACTIVE,
    CART_STATE_CLAIMED, /* an order of it is under way; it may be edited */
    CART_STATE_FROZEN,  /* that order is being paid */
    CART_STATE_MERGING, /* its lines are on their way to a user's cart */
    CART_STATE_MERGED   /* a tombstone that names the surviving cart */
};
enum merge_strategy {
    MERGE_SUM = 1,
    MERGE_GUEST_WINS = 2,
    MERGE_USER_WINS = 3,
    MERGE_MAX = 4,
    MERGE_GUEST_IF_USER_EMPTY = 5
};
enum pour_outcome {
    POUR_ADDED = 1,
    POUR_SUMMED = 2,
    POUR_REPLACED = 3,
    POUR_KEPT = 4,
    POUR_CLAMPED = 5,
    POUR_DROPPED_FULL = 6,
    POUR_DROPPED_CURRENCY = 7,
    POUR_REMOVED = 8
};
enum quote_problem {
    QUOTE_PROBLEM_PRICE = 1 << 0,
    QUOTE_PROBLEM_OUT_OF_STOCK = 1 << 1,
    QUOTE_PROBLEM_FEWER = 1 << 2,
    QUOTE_PROBLEM_NO_SKU = 1 << 3,
    QUOTE_PROBLEM_CURRENCY = 1 << 4,
    QUOTE_PROBLEM_TOO_MANY = 1 << 5,
    QUOTE_PROBLEM_COUPON = 1 << 6
};
enum setting_kind {
    SETTING_KIND_PRICE_LIST = 1,
    SETTING_KIND_PRICE = 2,
    SETTING_KIND_PROMOTION = 3,
    SETTING_KIND_POLICY = 4
};
#define POLICY_HOME_ID 1ull
enum promotion_kind {
    PROMOTION_KIND_PERCENT = 1,
    PROMOTION_KIND_FIXED = 2,
    PROMOTION_KIND_N_FOR_M = 3,
    PROMOTION_KIND_FREE_SHIPPING = 4
};
#define LINE_NONE UINT32_MAX /* in rows: the whole order */
enum amount_kind {
    AMOUNT_KIND_BASE = 1,
    AMOUNT_KIND_LIST = 2,
    AMOUNT_KIND_AGREED = 3,
    AMOUNT_KIND_PROMOTION = 4,
    AMOUNT_KIND_TAX = 5,
    AMOUNT_KIND_SHIPPING = 6,
    AMOUNT_KIND_FEE = 7,
    AMOUNT_KIND_FREE_SHIPPING = 8
};
enum capture_policy { CAPTURE_POLICY_NOW = 0, CAPTURE_POLICY_ON_SHIP = 1 };
enum tender_kind { TENDER_KIND_OUTSIDE = 0, TENDER_KIND_GIFT_CARD = 1, TENDER_KIND_CREDIT = 2 };
enum tender_state {
    TENDER_STATE_WAITING = 1,
    TENDER_STATE_AUTHORIZED = 2,
    TENDER_STATE_DECLINED = 3,
    TENDER_STATE_ACTION = 4,
    TENDER_STATE_UNKNOWN = 5,
    TENDER_STATE_VOIDED = 6,
    TENDER_STATE_EXPIRED = 7,
    TENDER_STATE_HELD = 8,
    TENDER_STATE_SPENT = 9,
    TENDER_STATE_RELEASED = 10
};
enum command_kind {
    COMMAND_KIND_AUTHORIZE = 1,
    COMMAND_KIND_CAPTURE = 2,
    COMMAND_KIND_VOID = 3,
    COMMAND_KIND_REFUND = 4,
    COMMAND_KIND_QUERY = 5,
    COMMAND_KIND_NOTIFY_SHIPPED = 6,
    COMMAND_KIND_COUNT
};
enum command_state {
    COMMAND_STATE_READY = 1,
    COMMAND_STATE_LEASED = 2,
    COMMAND_STATE_WAITING = 3, /* handed over, the result comes as an event */
    COMMAND_STATE_DONE = 4,
    COMMAND_STATE_DEAD = 5,
    COMMAND_STATE_TAKEN_BACK = 6
};
enum payment_event_kind {
    PAYMENT_EVENT_AUTHORIZED = 1,
    PAYMENT_EVENT_DECLINED = 2,
    PAYMENT_EVENT_ACTION = 3,
    PAYMENT_EVENT_CAPTURED = 4,
    PAYMENT_EVENT_CAPTURE_FAILED = 5,
    PAYMENT_EVENT_VOIDED = 6,
    PAYMENT_EVENT_VOID_FAILED = 7,
    PAYMENT_EVENT_REFUNDED = 8,
    PAYMENT_EVENT_REFUND_FAILED = 9,
    PAYMENT_EVENT_CHARGED_BACK = 10,
    PAYMENT_EVENT_AUTH_EXPIRED = 11,
    PAYMENT_EVENT_UNKNOWN = 12,
    PAYMENT_EVENT_NO_SUCH_PAYMENT = 13
};
enum payment_effect {
    PAYMENT_EFFECT_APPLIED = 1,
    PAYMENT_EFFECT_SEEN = 2,
    PAYMENT_EFFECT_STALE = 3,
    PAYMENT_EFFECT_FLAGGED = 4,
    PAYMENT_EFFECT_LATE_RETAKE = 5,
    PAYMENT_EFFECT_LATE_VOID = 6
};
enum payment_summary {
    PAYMENT_SUMMARY_NONE = 0,
    PAYMENT_SUMMARY_PART_AUTHORIZED = 1,
    PAYMENT_SUMMARY_AUTHORIZED = 2,
    PAYMENT_SUMMARY_PART_PAID = 3,
    PAYMENT_SUMMARY_PAID = 4,
    PAYMENT_SUMMARY_REFUNDING = 5,
    PAYMENT_SUMMARY_REFUNDED = 6,
    PAYMENT_SUMMARY_UNKNOWN = 7,
    PAYMENT_SUMMARY_CHARGED_BACK = 8
};
enum resolve_decision { RESOLVE_RETRY = 1, RESOLVE_FORCE_PAID = 2, RESOLVE_CANCEL = 3 };
enum parcel_state {
    PARCEL_STATE_PLANNED = 1,
    PARCEL_STATE_LEAVING = 2,
    PARCEL_STATE_SHIPPED = 3,
    PARCEL_STATE_DELIVERED = 4,
    PARCEL_STATE_CANCELLED = 5,
    PARCEL_STATE_SHORT = 6
};
enum return_state {
    RETURN_STATE_REQUESTED = 1,
    RETURN_STATE_APPROVED = 2,
    RETURN_STATE_REJECTED = 3,
    RETURN_STATE_RECEIVED = 4,
    RETURN_STATE_REFUNDED = 5
};
enum part_kind { PART_KIND_PARCEL = 1, PART_KIND_RETURN = 2 };
enum change_action {
    CHANGE_ACTION_RELEASE = 1,
    CHANGE_ACTION_CONFIRM = 2,
    CHANGE_ACTION_CONSUME = 3,
    CHANGE_ACTION_SHIP = 4,
    CHANGE_ACTION_CANCEL = 5,
    CHANGE_ACTION_RETURN_SELLABLE = 6,
    CHANGE_ACTION_RETURN_DAMAGED = 7,
    CHANGE_ACTION_UNSHIP = 8 /* takes a ship back: on hand and allocated again. Never refused. */
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

#define MESSAGE_NO_SPAN(field, max, text)

#define OP(code, NAME, name, CLASS, ROUTE, summary)                                              \
    struct msg_##name##_req {                                                                    \
        NAME##_REQ(WIRE_DECL_F, WIRE_DECL_Z, MESSAGE_NO_SPAN)                                    \
    };                                                                                           \
    struct msg_##name##_rsp {                                                                    \
        struct record_status head;                                                               \
        NAME##_RSP(WIRE_DECL_F, WIRE_DECL_Z, MESSAGE_NO_SPAN)                                    \
    };                                                                                           \
    _Static_assert(sizeof(struct msg_##name##_req) ==                                            \
                       0 NAME##_REQ(WIRE_SIZE_F, WIRE_SIZE_Z, MESSAGE_NO_SPAN),                  \
                   #name " request is padded");                                                  \
    _Static_assert(sizeof(struct msg_##name##_rsp) ==                                            \
                       sizeof(struct record_status)                                              \
                           NAME##_RSP(WIRE_SIZE_F, WIRE_SIZE_Z, MESSAGE_NO_SPAN),                \
                   #name " reply is padded");                                                    \
    _Static_assert(sizeof(struct msg_##name##_req) % 8 == 0, #name " request is not 8-aligned"); \
    _Static_assert(sizeof(struct msg_##name##_rsp) % 8 == 0, #name " reply is not 8-aligned");
#include "proto/messages.def"
#undef OP

/* Index of a span in struct record_view: SPAN_OF(product_put_req, title). */
#define SPAN_OF(side, field)                offsetof(struct spans_##side, field)
#define MESSAGE_SPAN_NAME(field, max, text) u8 field;
#define OP(code, NAME, name, CLASS, ROUTE, summary)                                             \
    struct spans_##name##_req {                                                                 \
        NAME##_REQ(WIRE_NONE_F, WIRE_NONE_Z, MESSAGE_SPAN_NAME) u8 end;                         \
    };                                                                                          \
    struct spans_##name##_rsp {                                                                 \
        NAME##_RSP(WIRE_NONE_F, WIRE_NONE_Z, MESSAGE_SPAN_NAME) u8 end;                         \
    };                                                                                          \
    _Static_assert(sizeof(struct spans_##name##_req) <= MESSAGE_SPANS_MAX + 1, #name " spans"); \
    _Static_assert(sizeof(struct spans_##name##_rsp) <= MESSAGE_SPANS_MAX + 1, #name " spans");
#include "proto/messages.def"
#undef OP

struct message_span {
    const char *name;
    const char *text;
    const char *length; /* as the field list writes it */
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
    u16 route_offset; /* of the routing field in the fixed part; 0 without one */
    u16 index;        /* 0 to MESSAGE_COUNT - 1, in the order of messages.def */
    u16 records_max;  /* so that neither frame nor reply exceeds FRAME_BYTES_MAX; 1 for CONTROL */
    const char *name; /* "take" */
    const char *summary;
    struct message_side request;
    struct message_side reply;
};

/* The operation of a code, or NULL. Constant time, all threads. */
const struct message_info *message_find(u16 code);
/* The rows that a span is made of; NULL for plain bytes. */
const struct row_info *message_span_row(const struct message_span *span);
/* The same of the i-th span of a request or reply, in constant time. */
const struct row_info *message_row(const struct message_info *info, bool is_reply, u32 span);
/* The i-th operation in the order of messages.def, or NULL past the end. */
const struct message_info *message_at(size_t index);

#endif
