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
#include "proto/fields_recommend.h"
#include "proto/fields_review.h"
#include "proto/fields_search.h"
#include "proto/fields_settings.h"
#include "proto/fields_stock.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/rows.h"

#define MESSAGE_SPANS_MAX  12u
#define MESSAGE_FIELDS_MAX 28u
#define VERSION_ANY        0ull
#define VERSION_ABSENT     UINT64_MAX
#define SHARD_ANY          UINT16_MAX

enum message_class {
    MESSAGE_CLASS_CONTROL,
    MESSAGE_CLASS_READ,
    MESSAGE_CLASS_WRITE,
    MESSAGE_CLASS_GATHER,
    MESSAGE_CLASS_PART,
    MESSAGE_CLASS_MAIL
};
enum message_route {
    MESSAGE_ROUTE_NONE,
    MESSAGE_ROUTE_SHARD,
    MESSAGE_ROUTE_RESOURCE,
    MESSAGE_ROUTE_PRODUCT,
    MESSAGE_ROUTE_USER,
    MESSAGE_ROUTE_ORDER,
    MESSAGE_ROUTE_ALIAS,
    MESSAGE_ROUTE_ANY,
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
    SETTING_KIND_POLICY = 4,
    SETTING_KIND_CATEGORY = 5,
    SETTING_KIND_ATTRIBUTE = 6,
    SETTING_KIND_COLLECTION = 7,
    SETTING_KIND_SYNONYM = 8,
    SETTING_KIND_STOP_WORDS = 9,
    SETTING_KIND_RANK_PROFILE = 10,
    SETTING_KIND_CURATION = 11,
    SETTING_KIND_AD = 12,
    SETTING_KIND_SEARCH_POLICY = 13,
    SETTING_KIND_REVIEW_POLICY = 14,
    SETTING_KIND_COUNT
};
#define POLICY_HOME_ID 1ull /* also of categories and attributes, which are named by their key */
enum stock_state { STOCK_STATE_NONE = 0, STOCK_STATE_LOW = 1, STOCK_STATE_SOME = 2 };
enum alias_kind { ALIAS_KIND_SLUG = 1, ALIAS_KIND_KEY = 2 };
enum page_by { PAGE_BY_ID = 0, PAGE_BY_SLUG = 1, PAGE_BY_KEY = 2 };
enum page_flag {
    PAGE_FLAG_EXACT_STOCK = 1 << 0,
    PAGE_FLAG_NO_BLOB = 1 << 1,
    PAGE_FLAG_STAFF = 1 << 2
};
enum product_mark {
    PRODUCT_MARK_DRAFT = 1 << 0,
    PRODUCT_MARK_UNLISTED = 1 << 1,
    PRODUCT_MARKS_ALL = 3
};
enum attribute_type {
    ATTRIBUTE_TYPE_ENUM = 1,
    ATTRIBUTE_TYPE_NUMBER = 2,
    ATTRIBUTE_TYPE_BOOL = 3,
    ATTRIBUTE_TYPE_TEXT = 4
};
enum search_flag {
    SEARCH_FLAG_EXPLAIN = 1 << 0,
    SEARCH_FLAG_NO_TYPOS = 1 << 1,
    SEARCH_FLAG_NO_PREFIX = 1 << 2,
    SEARCH_FLAG_NO_DROP = 1 << 3,
    SEARCH_FLAG_AT_LEAST = 1 << 4,
    SEARCH_FLAG_NO_CURATION = 1 << 5,
    SEARCH_FLAG_STAFF = 1 << 6,
    SEARCH_FLAGS_ALL = 127
};
enum search_sort {
    SEARCH_SORT_RELEVANCE = 0,
    SEARCH_SORT_PRICE_UP = 1,
    SEARCH_SORT_PRICE_DOWN = 2,
    SEARCH_SORT_NEWEST = 3,
    SEARCH_SORT_POPULARITY = 4,
    SEARCH_SORT_RATING = 5,
    SEARCH_SORT_DISCOUNT = 6,
    SEARCH_SORT_COUNT
};
enum search_note {
    SEARCH_NOTE_PARTIAL = 1 << 0,   /* the deadline came first */
    SEARCH_NOTE_CORRECTED = 1 << 1, /* words were taken for others */
    SEARCH_NOTE_DROPPED = 1 << 2,   /* hits need not have all words */
    SEARCH_NOTE_AT_LEAST = 1 << 3,  /* the total may be greater */
    SEARCH_NOTE_REINDEXING = 1 << 4 /* a new policy is not yet in force for every product */
};
enum hit_flag {
    HIT_FLAG_SPONSORED = 1 << 0,
    HIT_FLAG_PINNED = 1 << 1,
    HIT_FLAG_BOOSTED = 1 << 2,
    HIT_FLAG_INEXACT = 1 << 3,
    HIT_FLAG_WORDS_MISSING = 1 << 4
};
enum curation_kind { CURATION_PIN = 1, CURATION_HIDE = 2, CURATION_BOOST = 3 };
enum track_kind { TRACK_VIEW = 1, TRACK_CLICK = 2, TRACK_CART = 3, TRACK_SEARCH = 4 };
enum related_kind { RELATED_BOUGHT = 1, RELATED_VIEWED = 2, RELATED_SIMILAR = 3 };
enum recommend_reason {
    RECOMMEND_BOUGHT = 1,
    RECOMMEND_VIEWED = 2,
    RECOMMEND_SIMILAR = 3,
    RECOMMEND_TRENDING_CATEGORY = 4,
    RECOMMEND_TRENDING = 5,
    RECOMMEND_CATALOG = 6
};
enum review_state {
    REVIEW_STATE_NONE = 0,
    REVIEW_STATE_PENDING = 1,
    REVIEW_STATE_APPROVED = 2,
    REVIEW_STATE_REJECTED = 3,
    REVIEW_STATE_FLAGGED = 4
};
enum review_sort {
    REVIEW_SORT_NEWEST = 0,
    REVIEW_SORT_HELPFUL = 1,
    REVIEW_SORT_HIGHEST = 2,
    REVIEW_SORT_LOWEST = 3
};
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
    PATCH_FIELD_DESCRIPTION = 1 << 5,
    PATCH_FIELD_SLUG = 1 << 6,
    PATCH_FIELD_EXTERNAL_KEY = 1 << 7,
    PATCH_FIELD_PAGE = 1 << 8,
    PATCH_FIELD_PRICE_BEFORE = 1 << 9,
    PATCH_FIELD_VISIBLE = 1 << 10,
    PATCH_FIELD_BUYABLE = 1 << 11,
    PATCH_FIELD_POPULARITY = 1 << 12,
    PATCH_FIELD_MARGIN = 1 << 13,
    PATCH_FIELD_MARKS = 1 << 14,
    PATCH_FIELDS_ALL = (1 << 15) - 1
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
