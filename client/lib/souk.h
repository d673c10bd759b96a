/* souk: the client library of Souk, in one header.
 *
 *      struct souk_client *client;
 *      if (souk_open(&(struct souk_options){.address = "127.0.0.1:7685"}, &client) != 0)
 *          ...souk_error_text(client, text, sizeof text)...
 *      struct souk_take_reply reply;
 *      int error = souk_take(client,
 *          &(struct souk_take){.resource = souk_sku("85123A"), .quantity = 1}, &reply);
 *      error == 0: the server answered, and reply.status says what (SOUK_OK, SOUK_SOLD_OUT, ...)
 *      error < 0:  there is no answer, and enum souk_error says why
 *
 * Three ways to call, for every operation:
 *      souk_take(client, &record, &reply)                       waits for the answer
 *      souk_take_batch(client, records, count, replies, flags)  many records, as few frames as
 *                                                               shards and limits allow
 *      souk_take_async(client, &record, callback, context)      returns at once; souk_poll() runs
 *                                                               the callback
 * and souk_call() / souk_submit(), which are what the three are made of, with all options. What takes
 * several calls (a checkout that is waited for, commands of all shards, a cart with what its SKUs cost
 * now) is at the end, under "several calls in one".
 *
 * Batching by itself: async calls made between two polls, and blocking calls of threads that come
 * while others are on their way, share frames (same operation, same shard, same deadline). Each
 * record keeps its own status.
 *
 * Exactly once: every write is numbered within a random session. When a connection breaks, what
 * was in flight is sent again with the same numbers, and the server answers a number that it has
 * executed with the stored answer. A call therefore ends in one of these ways:
 *      an answer                       executed once, or refused as the status says
 *      SOUK_ERROR_TIMEOUT, _NO_SERVER  certainly not executed
 *      SOUK_ERROR_UNKNOWN_OUTCOME      sent, and it cannot be known; operations whose ids the
 *                                      caller chooses (hold, take with an id) may be repeated
 * Statuses of the class RETRY are retried with a growing delay until the deadline. Calls that are
 * in flight at the same time may be executed in any order.
 *
 * Threads
 *   T1  every function may be called by any thread at any time, except souk_close, which must be
 *       the last one. One client serves a whole process; more clients are rarely faster.
 *   T2  one of the waiting threads does the receiving for all others.
 *   T3  callbacks run without any lock, on a thread that is inside souk_poll or inside a blocking
 *       call, one after the other on that thread. A callback may make any call but souk_close.
 *   T4  the client has no thread of its own: nothing moves while nobody polls or waits.
 *
 * Ownership  records may be reused as soon as a call has returned, also those of async calls.
 *   Replies of batches are written into the caller's memory. Texts in replies lie in the block
 *   `memory` of their reply, end with a zero byte, and are freed with souk_free(reply.memory); in
 *   the callback of a single async call they live until it returns.
 * Failure    a server that sends nonsense costs its connection, never the process.
 * Not here   no TLS yet; no DNS beyond what the system's resolver does at souk_open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_H
#define SOUK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct souk_client; /* opaque */

/* Bytes with their length: a code, a title. In requests `data` may be NULL when `bytes` is 0. */
struct souk_text {
    const char *data;
    uint32_t bytes;
};

/* Name of a hold, allocation, order or session. Zero means none. See souk_new_id(). */
struct souk_id128 {
    uint64_t low;
    uint64_t high;
};

/* A short text inside a record: UTF-8, then zero bytes; all 64 may be used. See souk_text64_of(). */
struct souk_text64 {
    uint8_t bytes[64];
};

/* What can run out. tenant and location must be 0 for now; kind 0 is a SKU. See souk_sku(). */
struct souk_resource {
    uint64_t id;
    uint32_t tenant;
    uint16_t kind;
    uint16_t location;
};

enum souk_kind {
    SOUK_KIND_SKU = 0,
    SOUK_KIND_COUPON = 1,
    SOUK_KIND_GIFT_CARD = 2,
    SOUK_KIND_CREDIT = 3,
    SOUK_KIND_ALLOWANCE = 4,
    SOUK_KIND_AD_BUDGET = 5
};

/* ---- numbers in requests, replies and rows ---- */

enum souk_cart_state {
    SOUK_CART_STATE_NONE, /* there is no cart */
    SOUK_CART_STATE_ACTIVE,
    SOUK_CART_STATE_CLAIMED, /* an order of it is under way; it may be edited */
    SOUK_CART_STATE_FROZEN,  /* that order is being paid */
    SOUK_CART_STATE_MERGING, /* its lines are on their way to a user's cart */
    SOUK_CART_STATE_MERGED   /* a tombstone that names the surviving cart */
};
enum souk_merge_strategy {
    SOUK_MERGE_SUM = 1,
    SOUK_MERGE_GUEST_WINS = 2,
    SOUK_MERGE_USER_WINS = 3,
    SOUK_MERGE_MAX = 4,
    SOUK_MERGE_GUEST_IF_USER_EMPTY = 5
};
enum souk_pour_outcome {
    SOUK_POUR_ADDED = 1,
    SOUK_POUR_SUMMED = 2,
    SOUK_POUR_REPLACED = 3,
    SOUK_POUR_KEPT = 4,
    SOUK_POUR_CLAMPED = 5,
    SOUK_POUR_DROPPED_FULL = 6,
    SOUK_POUR_DROPPED_CURRENCY = 7,
    SOUK_POUR_REMOVED = 8
};
/* Bits of `problems` in a quote. */
enum souk_problem {
    SOUK_PROBLEM_PRICE = 1 << 0, /* not the price that was seen */
    SOUK_PROBLEM_OUT_OF_STOCK = 1 << 1,
    SOUK_PROBLEM_FEWER = 1 << 2, /* than wanted */
    SOUK_PROBLEM_NO_SKU = 1 << 3,
    SOUK_PROBLEM_CURRENCY = 1 << 4,
    SOUK_PROBLEM_TOO_MANY = 1 << 5,
    SOUK_PROBLEM_COUPON = 1 << 6 /* of the whole cart: a coupon is not valid */
};
enum souk_setting_kind {
    SOUK_SETTING_PRICE_LIST = 1,
    SOUK_SETTING_PRICE = 2,
    SOUK_SETTING_PROMOTION = 3,
    SOUK_SETTING_POLICY = 4,
    SOUK_SETTING_CATEGORY = 5,
    SOUK_SETTING_ATTRIBUTE = 6,
    SOUK_SETTING_COLLECTION = 7,
    SOUK_SETTING_SYNONYM = 8,
    SOUK_SETTING_STOP_WORDS = 9,
    SOUK_SETTING_RANK_PROFILE = 10,
    SOUK_SETTING_CURATION = 11,
    SOUK_SETTING_AD = 12,
    SOUK_SETTING_SEARCH_POLICY = 13,
    SOUK_SETTING_REVIEW_POLICY = 14
};
#define SOUK_SHOP 1ull /* home_id of policies, categories and attributes */
enum souk_stock_state { SOUK_STOCK_NONE = 0, SOUK_STOCK_LOW = 1, SOUK_STOCK_SOME = 2 };
enum souk_alias_kind { SOUK_ALIAS_SLUG = 1, SOUK_ALIAS_KEY = 2 };
enum souk_page_by { SOUK_PAGE_BY_ID = 0, SOUK_PAGE_BY_SLUG = 1, SOUK_PAGE_BY_KEY = 2 };
enum souk_page_flag { SOUK_PAGE_EXACT_STOCK = 1, SOUK_PAGE_NO_BLOB = 2, SOUK_PAGE_STAFF = 4 };
enum souk_product_mark { SOUK_PRODUCT_DRAFT = 1, SOUK_PRODUCT_UNLISTED = 2 };
enum souk_attribute_type {
    SOUK_ATTRIBUTE_ENUM = 1,
    SOUK_ATTRIBUTE_NUMBER = 2,
    SOUK_ATTRIBUTE_BOOL = 3,
    SOUK_ATTRIBUTE_TEXT = 4
};
enum souk_search_flag {
    SOUK_SEARCH_EXPLAIN = 1,
    SOUK_SEARCH_NO_TYPOS = 2,
    SOUK_SEARCH_NO_PREFIX = 4,
    SOUK_SEARCH_NO_DROP = 8,
    SOUK_SEARCH_AT_LEAST = 16,
    SOUK_SEARCH_NO_CURATION = 32,
    SOUK_SEARCH_STAFF = 64
};
enum souk_sort {
    SOUK_SORT_RELEVANCE = 0,
    SOUK_SORT_PRICE_UP = 1,
    SOUK_SORT_PRICE_DOWN = 2,
    SOUK_SORT_NEWEST = 3,
    SOUK_SORT_POPULARITY = 4,
    SOUK_SORT_RATING = 5,
    SOUK_SORT_DISCOUNT = 6
};
enum souk_search_note {
    SOUK_NOTE_PARTIAL = 1,
    SOUK_NOTE_CORRECTED = 2,
    SOUK_NOTE_DROPPED = 4,
    SOUK_NOTE_AT_LEAST = 8,
    SOUK_NOTE_REINDEXING = 16
};
enum souk_hit_flag {
    SOUK_HIT_SPONSORED = 1,
    SOUK_HIT_PINNED = 2,
    SOUK_HIT_BOOSTED = 4,
    SOUK_HIT_INEXACT = 8,
    SOUK_HIT_WORDS_MISSING = 16
};
enum souk_curation_kind { SOUK_CURATION_PIN = 1, SOUK_CURATION_HIDE = 2, SOUK_CURATION_BOOST = 3 };
enum souk_track_kind {
    SOUK_TRACK_VIEW = 1,
    SOUK_TRACK_CLICK = 2,
    SOUK_TRACK_CART = 3,
    SOUK_TRACK_SEARCH = 4
};
enum souk_related_kind {
    SOUK_RELATED_BOUGHT = 1,
    SOUK_RELATED_VIEWED = 2,
    SOUK_RELATED_SIMILAR = 3
};
enum souk_review_state {
    SOUK_REVIEW_PENDING = 1,
    SOUK_REVIEW_APPROVED = 2,
    SOUK_REVIEW_REJECTED = 3,
    SOUK_REVIEW_FLAGGED = 4
};
enum souk_promotion_kind {
    SOUK_PROMOTION_PERCENT = 1,
    SOUK_PROMOTION_FIXED = 2,
    SOUK_PROMOTION_N_FOR_M = 3,
    SOUK_PROMOTION_FREE_SHIPPING = 4
};
/* Of struct souk_row_amount and souk_row_charge. */
enum souk_amount_kind {
    SOUK_AMOUNT_BASE = 1,
    SOUK_AMOUNT_LIST = 2,
    SOUK_AMOUNT_AGREED = 3,
    SOUK_AMOUNT_PROMOTION = 4,
    SOUK_AMOUNT_TAX = 5,
    SOUK_AMOUNT_SHIPPING = 6,
    SOUK_AMOUNT_FEE = 7,
    SOUK_AMOUNT_FREE_SHIPPING = 8
};
enum souk_capture { SOUK_CAPTURE_NOW = 0, SOUK_CAPTURE_ON_SHIP = 1 };
enum souk_tender_kind {
    SOUK_TENDER_OUTSIDE = 0,
    SOUK_TENDER_GIFT_CARD = 1,
    SOUK_TENDER_CREDIT = 2
};
enum souk_tender_state {
    SOUK_TENDER_STATE_WAITING = 1,
    SOUK_TENDER_STATE_AUTHORIZED = 2,
    SOUK_TENDER_STATE_DECLINED = 3,
    SOUK_TENDER_STATE_ACTION = 4,
    SOUK_TENDER_STATE_UNKNOWN = 5,
    SOUK_TENDER_STATE_VOIDED = 6,
    SOUK_TENDER_STATE_EXPIRED = 7,
    SOUK_TENDER_STATE_HELD = 8,
    SOUK_TENDER_STATE_SPENT = 9,
    SOUK_TENDER_STATE_RELEASED = 10
};
enum souk_command_kind {
    SOUK_COMMAND_AUTHORIZE = 1,
    SOUK_COMMAND_CAPTURE = 2,
    SOUK_COMMAND_VOID = 3,
    SOUK_COMMAND_REFUND = 4,
    SOUK_COMMAND_QUERY = 5,
    SOUK_COMMAND_NOTIFY_SHIPPED = 6
};
enum souk_command_state {
    SOUK_COMMAND_STATE_READY = 1,
    SOUK_COMMAND_STATE_LEASED = 2,
    SOUK_COMMAND_STATE_WAITING = 3, /* handed over, the result comes as an event */
    SOUK_COMMAND_STATE_DONE = 4,
    SOUK_COMMAND_STATE_DEAD = 5,
    SOUK_COMMAND_STATE_TAKEN_BACK = 6
};
/* Kinds of payment events. */
enum souk_event {
    SOUK_EVENT_AUTHORIZED = 1,
    SOUK_EVENT_DECLINED = 2,
    SOUK_EVENT_ACTION = 3,
    SOUK_EVENT_CAPTURED = 4,
    SOUK_EVENT_CAPTURE_FAILED = 5,
    SOUK_EVENT_VOIDED = 6,
    SOUK_EVENT_VOID_FAILED = 7,
    SOUK_EVENT_REFUNDED = 8,
    SOUK_EVENT_REFUND_FAILED = 9,
    SOUK_EVENT_CHARGED_BACK = 10,
    SOUK_EVENT_AUTH_EXPIRED = 11,
    SOUK_EVENT_UNKNOWN = 12,
    SOUK_EVENT_NO_SUCH_PAYMENT = 13
};
/* What a payment event did. */
enum souk_effect {
    SOUK_EFFECT_APPLIED = 1,
    SOUK_EFFECT_SEEN = 2,
    SOUK_EFFECT_STALE = 3,       /* recorded without effect */
    SOUK_EFFECT_FLAGGED = 4,     /* recorded; money beyond what was asked for */
    SOUK_EFFECT_LATE_RETAKE = 5, /* too late: the stock is being taken again */
    SOUK_EFFECT_LATE_VOID = 6    /* too late: it is given back */
};
enum souk_payment_summary {
    SOUK_PAYMENT_SUMMARY_NONE = 0,
    SOUK_PAYMENT_SUMMARY_PART_AUTHORIZED = 1,
    SOUK_PAYMENT_SUMMARY_AUTHORIZED = 2,
    SOUK_PAYMENT_SUMMARY_PART_PAID = 3,
    SOUK_PAYMENT_SUMMARY_PAID = 4,
    SOUK_PAYMENT_SUMMARY_REFUNDING = 5,
    SOUK_PAYMENT_SUMMARY_REFUNDED = 6,
    SOUK_PAYMENT_SUMMARY_UNKNOWN = 7,
    SOUK_PAYMENT_SUMMARY_CHARGED_BACK = 8
};
enum souk_decision { SOUK_RESOLVE_RETRY = 1, SOUK_RESOLVE_FORCE_PAID = 2, SOUK_RESOLVE_CANCEL = 3 };
enum souk_cancel_reason {
    SOUK_CANCEL_CUSTOMER = 1,
    SOUK_CANCEL_DECLINED = 2,
    SOUK_CANCEL_FRAUD = 3,
    SOUK_CANCEL_INVENTORY = 4,
    SOUK_CANCEL_STAFF = 5,
    SOUK_CANCEL_OTHER = 6,
    SOUK_CANCEL_EXPIRED = 7
};
enum souk_parcel_state {
    SOUK_PARCEL_PLANNED = 1,
    SOUK_PARCEL_LEAVING = 2,
    SOUK_PARCEL_SHIPPED = 3,
    SOUK_PARCEL_DELIVERED = 4,
    SOUK_PARCEL_CANCELLED = 5,
    SOUK_PARCEL_SHORT = 6 /* not all of it is in the warehouse */
};
enum souk_return_state {
    SOUK_RETURN_REQUESTED = 1,
    SOUK_RETURN_APPROVED = 2,
    SOUK_RETURN_REJECTED = 3,
    SOUK_RETURN_RECEIVED = 4,
    SOUK_RETURN_REFUNDED = 5
};
enum souk_part_kind { SOUK_PART_PARCEL = 1, SOUK_PART_RETURN = 2 };

/* ---- errors, flags, options ---- */

/* Why there is no answer. 0 means that there is one. */
enum souk_error {
    SOUK_ERROR_NO_SERVER = -1,       /* nobody answers at the address; not executed */
    SOUK_ERROR_TIMEOUT = -2,         /* the deadline passed; not executed (or it was a read) */
    SOUK_ERROR_UNKNOWN_OUTCOME = -3, /* sent, and whether it was executed cannot be known */
    SOUK_ERROR_ARGUMENT = -4,        /* a text too long, a shard or operation that does not exist */
    SOUK_ERROR_MEMORY = -5,          /* no memory; not executed */
    SOUK_ERROR_SHARDS = -6,    /* a linked or lone call whose records live on several shards */
    SOUK_ERROR_TOO_LARGE = -7, /* a linked, numbered or lone call beyond one frame */
    SOUK_ERROR_BUSY = -8,      /* queue_bytes_max of async calls are waiting: poll first */
    SOUK_ERROR_CLOSED = -9     /* souk_close was called before the answer came */
};

/* In a batch, a record without an answer has a status of this number plus -error. */
#define SOUK_UNANSWERED           65000
#define SOUK_UNANSWERED_BY(error) ((uint16_t)(SOUK_UNANSWERED - (error)))

/* Bits of `flags` in a reply. */
enum souk_flag {
    SOUK_FLAG_REPLAYED = 1 << 0, /* the object had been through this before: same answer */
    SOUK_FLAG_STORED = 1 << 14,  /* set by the library: stored answer of an earlier execution */
    SOUK_FLAG_FRAME = 1 << 15    /* set by the library: status of the whole frame */
};

/* Bits of `flags` in a call. */
enum souk_call_flag {
    SOUK_LINKED = 1 << 0,   /* all records or none; they must live on one shard */
    SOUK_NUMBERED = 1 << 1, /* see souk_send_numbered */
    SOUK_ALONE = 1 << 2     /* a frame of its own; the records must live on one shard */
};

enum souk_status_class {
    SOUK_CLASS_DONE,      /* the operation happened */
    SOUK_CLASS_RETRY,     /* nothing happened, the same request may be sent again */
    SOUK_CLASS_REFUSED,   /* a business answer, the same request gets the same answer */
    SOUK_CLASS_FIX,       /* the request is wrong */
    SOUK_CLASS_UNANSWERED /* no answer: SOUK_UNANSWERED + a number of enum souk_error */
};

#define SOUK_VERSION_ANY     0ull
#define SOUK_VERSION_ABSENT  UINT64_MAX
#define SOUK_SHARD_ANY       UINT16_MAX
#define SOUK_FOREVER         UINT32_MAX
#define SOUK_PORT            7685
#define SOUK_ADDRESS_DEFAULT "127.0.0.1:7685"
#define SOUK_ERROR_TEXT_MAX  512
#define SOUK_ID_TEXT_MAX     33 /* 32 hexadecimal digits and a zero byte */
#define SOUK_NUMBER_TEXT_MAX 34 /* 27 characters, six dashes and a zero byte */
#define SOUK_KEY_TEXT_MAX    64 /* of souk_command_key(), with its zero byte */
#define SOUK_MONEY_TEXT_MAX  40
#define SOUK_TEXT64_MAX      65
#define SOUK_WAIT_MS_MAX     60000u     /* of one read that waits; souk_..._wait() repeats it */
#define SOUK_LINE_NONE       UINT32_MAX /* in rows: the whole order */
#define SOUK_POLICY_HOME     1ull       /* home_id of the policy */

/* The end of an async call. `error` is 0 or an enum souk_error; `replies` are `count` reply structs
 * of the operation, e.g. const struct souk_take_reply *, and are there in both cases. */
typedef void souk_callback(void *context, int error, const void *replies, uint32_t count);

/* Everything zero is a good choice. */
struct souk_options {
    const char *address;         /* "host:port", "unix:/path"; NULL = 127.0.0.1:7685 */
    const char *agent;           /* program and version, for the server's log; up to 127 bytes */
    uint32_t deadline_ms;        /* of a call that names none; 0 = 10,000; SOUK_FOREVER */
    uint32_t connect_timeout_ms; /* of souk_open; 0 = 3,000 */
    uint32_t retry_limit;        /* times that a RETRY status is retried; 0 = until the deadline */
    uint32_t flight_frames_max;  /* per shard; 0 = what the server allows */
    /* Calls gather into one frame while this many frames of the shard are in flight; 0 = 4. A
     * frame that is full, and one that a poll or a flush sends, does not wait. */
    uint32_t gather_frames;
    uint64_t queue_bytes_max;  /* of encoded async calls not yet answered; 0 = 64 MiB */
    struct souk_id128 session; /* first session id; 0 = random */
    /* For tests: after a frame was sent, its connection is cut with this chance, either at once or
     * when the first byte of a reply arrives, which is then not read. */
    uint32_t cut_per_million;
    uint64_t cut_seed;
};

/* What the library has done since souk_open. */
struct souk_client_stats {
    uint64_t calls;
    uint64_t records_sent; /* resent ones not counted */
    uint64_t frames_sent;
    uint64_t frames_resent;    /* after a broken connection, with the same number */
    uint64_t frames_retried;   /* after a RETRY status */
    uint64_t frames_answered;  /* OK or not */
    uint64_t replies_replayed; /* stored answers of earlier executions: each is a rescued write */
    uint64_t unknown_outcomes; /* records */
    uint64_t timeouts;         /* records */
    uint64_t connects;
    uint64_t disconnects;
    uint64_t cuts;            /* made by cut_per_million and souk_cut_connections */
    uint64_t protocol_errors; /* replies that were not well formed or not asked for */
    uint64_t sessions_opened; /* per shard */
    uint64_t sessions_expired;
    uint64_t bytes_sent;
    uint64_t bytes_received;
};

/* What the server said when it was greeted. */
struct souk_server_info {
    uint16_t shard_count;
    uint16_t reactor_count;
    uint16_t durability; /* 0 durable, 1 async, 2 none */
    uint16_t version;
    uint32_t frame_bytes_max;
    uint32_t frame_records_max;
    uint32_t window_frames;
    uint64_t session_reply_bytes_max;
    uint64_t grant_retention_ms;
    struct souk_id128 data_id;
};

/* A call with all that can be said about it. `records` and `replies` are arrays of the structs of
 * the operation below. */
struct souk_request {
    uint16_t op;    /* enum souk_op */
    uint16_t shard; /* of operations without a key (verify), and of numbered ones; else ignored */
    uint32_t flags; /* enum souk_call_flag */
    uint32_t count;
    uint32_t deadline_ms; /* 0 = the client's; SOUK_FOREVER */
    const void *records;
    void *replies;             /* may be NULL in souk_submit: then only the callback sees them */
    struct souk_id128 session; /* only with SOUK_NUMBERED */
    uint64_t session_seq;      /* only with SOUK_NUMBERED */
    uint64_t acked_seq;        /* only with SOUK_NUMBERED */
};

#pragma GCC visibility push(default)

/* ---- clients ---- */

/* Connects, greets, learns the shard map. Returns 0 or an error. Whatever it returns, *client is
 * set (to NULL only for lack of memory) and must be closed; after SOUK_ERROR_NO_SERVER it may be
 * used, and the next blocking call tries to connect again. `options` may be NULL and is copied. */
int souk_open(const struct souk_options *options, struct souk_client **client);

/* Ends the client: async calls that have no answer get SOUK_ERROR_CLOSED, on this thread. No other
 * thread may be inside a call. NULL is fine. */
void souk_close(struct souk_client *client);

/* What went wrong last and what to do about it, e.g. the address tried and the soukd line that
 * starts a server there. Writes to `to`, returns it. "" if nothing ever went wrong. */
const char *souk_error_text(struct souk_client *client, char *to, size_t bytes);

/* What the server said; all zero before the first greeting. */
struct souk_server_info souk_server(struct souk_client *client);
struct souk_client_stats souk_stats_of(struct souk_client *client);

/* ---- waiting and polling ---- */

/* Sends what is queued, receives, runs callbacks; waits up to timeout_ms (0 = not at all, -1 = as
 * long as it takes) for at least one callback if any call is open. Returns the number of callbacks
 * run, or SOUK_ERROR_MEMORY. */
int souk_poll(struct souk_client *client, int timeout_ms);

/* Sends what is queued, without waiting and without receiving. */
void souk_flush(struct souk_client *client);

/* A file descriptor for the caller's own poll or epoll, the same for the life of the client. It is
 * readable when souk_poll(client, 0) has something to do, timers and unsent calls included. */
int souk_fd(struct souk_client *client);

/* What to wait for on souk_fd: POLLIN, which is EPOLLIN. */
int souk_events(struct souk_client *client);

/* Async calls and batches that have not ended. */
uint64_t souk_open_calls(struct souk_client *client);

/* ---- calls of any operation ---- */

/* Makes a call and waits for its end. Returns 0 if every record has an answer, else the first
 * error; each record's reply says which (SOUK_UNANSWERED). `replies` must not be NULL. */
int souk_call(struct souk_client *client, const struct souk_request *request);

/* Starts a call and returns: 0, and `callback` will run exactly once, or an error, and it will not.
 * `replies`, if given, must stay until then; records need not. Never blocks, and never runs the
 * callback itself. SOUK_ERROR_NO_SERVER while the server was never reached. */
int souk_submit(struct souk_client *client, const struct souk_request *request,
                souk_callback *callback, void *context);

/* For programs that write down what they send before they send it. Sends one frame of records of
 * one shard as number `session_seq` of `session` on `shard`; if the server has executed that number
 * before, replies are the stored ones, flagged SOUK_FLAG_STORED. acked_seq says that all replies up
 * to it have been received; a number at or below it can never be asked for again.
 *      session   chosen by the caller (souk_new_session()), opened with souk_open_session on each
 *                shard before its first number; the library's own calls use another one
 *      numbers   from 1 per session and shard, without two frames of one number in flight; at most
 *                window_frames of souk_server() unacknowledged
 * Same records under the same number, or the answer belongs to other records than it seems. After a
 * broken connection the library sends it again itself. SESSION_EXPIRED and TOO_OLD come back as
 * statuses with SOUK_FLAG_FRAME. One call is one frame, so at most souk_records_max() records:
 * else SOUK_ERROR_TOO_LARGE. The request's flags may also have SOUK_LINKED. */
int souk_send_numbered(struct souk_client *client, const struct souk_request *request);

/* Opens `session` on `shard` for souk_send_numbered. Returns 0, an error, or the positive status that
 * the server answered. Open it once, before its first number, and never again once a number was
 * sent: a shard that has forgotten the session must be able to say so (SESSION_EXPIRED), and would
 * take a number for a new one after a second opening. */
int souk_open_session(struct souk_client *client, uint16_t shard, struct souk_id128 session);

/* Closes all sockets at once, as a broken network would; what is in flight is sent again. For
 * tests. */
void souk_cut_connections(struct souk_client *client);

/* ---- ids, routes, texts, money ---- */

/* The id of a shop's code: XXH3-64, never 0. */
uint64_t souk_id(const char *code, size_t bytes);
/* The SKU resource of a zero-terminated code. */
struct souk_resource souk_sku(const char *code);
/* The text of a zero-terminated string; NULL is the empty text. */
struct souk_text souk_text_of(const char *string);

/* The user id of a guest's token: that of souk_id(), with the top bit set. */
uint64_t souk_guest(const char *token);

/* A short text: what does not fit in 64 bytes is cut off, never inside a character. NULL is "". */
struct souk_text64 souk_text64_of(const char *string);
/* Its bytes and a zero in `to`, which has SOUK_TEXT64_MAX bytes. Returns `to`. */
const char *souk_text64_print(const struct souk_text64 *text, char *to);

/* A new name for a hold or allocation: milliseconds since 1970, then 80 random bits. */
struct souk_id128 souk_new_id(void);
/* A new session id: 128 random bits. */
struct souk_id128 souk_new_session(void);
/* 32 hexadecimal digits; `to` has SOUK_ID_TEXT_MAX bytes. Returns `to`. */
const char *souk_id_print(struct souk_id128 id, char *to);
/* Returns 0 and sets *id, or SOUK_ERROR_ARGUMENT. */
int souk_id_parse(const char *text, struct souk_id128 *id);

/* A new order of a user or guest: high half the user id, low half milliseconds since 1970 and 16
 * random bits. Many orders of one user in one millisecond need bits of the caller's own. */
struct souk_id128 souk_order_new(uint64_t user_id);
/* The number of an order as people see it, e.g. 1ADW-Y1Q7-AEBW-3G36-VPVA-M01F-QF9: the id in base 32
 * (Crockford's digits), and a check character that finds every wrong character and every two that
 * were exchanged. `to` has SOUK_NUMBER_TEXT_MAX bytes. Returns `to`. */
const char *souk_order_number(struct souk_id128 order, char *to);
/* Takes capital and small letters, O for 0, I and L for 1, dashes and blanks anywhere. Returns 0 and
 * sets *order, or SOUK_ERROR_ARGUMENT. */
int souk_order_number_parse(const char *text, struct souk_id128 *order);

/* The provider's idempotency key of a command: NUMBER.STEP.ATTEMPT, stable over retries. It names the
 * order, so an answer that has the key finds it. `to` has SOUK_KEY_TEXT_MAX bytes. Returns `to`. */
const char *souk_command_key(struct souk_id128 order, uint32_t step, uint32_t attempt, char *to);
/* Returns 0 and sets all three, or SOUK_ERROR_ARGUMENT. */
int souk_command_key_parse(const char *text, struct souk_id128 *order, uint32_t *step,
                           uint32_t *attempt);

/* Rows: a text of a request or reply that is a table. They are copied, never pointed at: the bytes of
 * a reply are not aligned.
 *      struct souk_row_cart_line line;
 *      for (uint32_t i = 0; souk_row_at(cart.lines, sizeof line, i, &line); i++) ... */

/* Whether the text has row `index`; copies it to `row` if so. */
int souk_row_at(struct souk_text rows, size_t row_bytes, uint32_t index, void *row);
/* Sets *count. Returns 0, or SOUK_ERROR_ARGUMENT for a text that is not whole rows. */
int souk_rows(struct souk_text rows, size_t row_bytes, uint32_t *count);
/* The text of an array of rows, for a request. It points to them. */
struct souk_text souk_rows_of(const void *rows, size_t row_bytes, uint32_t count);

/* The shard that a resource or product lives on; shard_count as in souk_server(), at least 1. */
uint16_t souk_shard_of(struct souk_resource resource, uint16_t shard_count);
uint16_t souk_shard_of_product(uint64_t product_id, uint16_t shard_count);
/* The shard of what belongs to a user (carts, orders, their history), or to a home_id. */
uint16_t souk_shard_of_user(uint64_t user_id, uint16_t shard_count);
/* Most records in one frame of an operation; 0 where it does not exist. */
uint32_t souk_records_max(uint16_t op);

/* "SOLD_OUT"; "UNKNOWN" for a number that is not declared. */
const char *souk_status_name(uint16_t status);
/* "PAID", of enum souk_state; "?" for a number that is none. Likewise the others. */
const char *souk_state_name(uint16_t state);
const char *souk_summary_name(uint16_t summary);
const char *souk_history_name(uint16_t kind);
/* The words of a kind of event in an order's history, with their marks; "" for an unknown one. */
const char *souk_history_words(uint16_t kind);
/* Whether an order in this state is over or at rest: nothing moves until somebody asks. */
int souk_state_is_resting(uint16_t state);
/* "authorize", of enum souk_command_kind; "captured", of enum souk_event; and so on. */
const char *souk_command_kind_name(uint16_t kind);
const char *souk_command_state_name(uint16_t state);
const char *souk_event_name(uint16_t kind);
const char *souk_effect_name(uint16_t effect);
const char *souk_tender_state_name(uint16_t state);

/* What the status means, one sentence without a full stop. Never NULL. */
const char *souk_status_text(uint16_t status);
/* What the caller does next; may be "". Never NULL. */
const char *souk_status_action(uint16_t status);
enum souk_status_class souk_status_class(uint16_t status);
/* "NO_SERVER" and what it means, of an enum souk_error. */
const char *souk_error_name(int error);
const char *souk_error_meaning(int error);

/* "2.55 GBP" in `to` of at least SOUK_MONEY_TEXT_MAX bytes. Returns `to`. */
const char *souk_money_print(int64_t minor, uint16_t currency, char *to, size_t bytes);
/* Parses "2.55" as minor units of an ISO 4217 number. Returns NULL or the reason why not. */
const char *souk_money_parse(const char *text, uint16_t currency, int64_t *minor);
/* 826 of "GBP" and back; 0 and NULL where the currency is not known. */
uint16_t souk_currency(const char *letters);
const char *souk_currency_letters(uint16_t currency);

/* Frees the texts of a reply; NULL is fine. */
void souk_free(void *memory);
/* "0.1.0" */
const char *souk_version(void);

/* ---- the operations ---- */

/* clang-format off */
/* generated: begin, from proto/messages.def and proto/fields_*.h by `make docs` */
/* What an answer says; docs/errors.md has causes and what to do. */
enum souk_status {
    SOUK_OK = 0, /* done: done */
    SOUK_OVERLOADED = 1, /* retry: the server has more work queued than it accepts */
    SOUK_UNAVAILABLE = 2, /* retry: the shard does not take commands now */
    SOUK_DEADLINE = 3, /* retry: the deadline of the frame passed before it was executed */
    SOUK_MEMORY_LIMIT = 4, /* retry: the write might exceed the memory limit */
    SOUK_NO_SPACE = 5, /* retry: the log has no space left, the shard is read-only */
    SOUK_SESSION_BUSY = 6, /* retry: the session has too many frames or reply bytes outstanding */
    SOUK_SOLD_OUT = 100, /* refused: fewer units are sellable than asked for, and none will come back by themselves */
    SOUK_ALL_HELD = 101, /* refused: fewer units are sellable than asked for, but held units may come back */
    SOUK_HOLD_EXPIRED = 102, /* refused: the hold has ended by its lease */
    SOUK_HOLD_RELEASED = 103, /* refused: the hold was released */
    SOUK_INVALID_STATE = 104, /* refused: the object is not in a state that allows this */
    SOUK_MAX_LIFE = 105, /* refused: the hold has reached its longest life */
    SOUK_OWNER_MISMATCH = 106, /* refused: the hold belongs to another owner */
    SOUK_BOUND_TO_OTHER = 107, /* refused: the hold is bound to an order, and the request names another one */
    SOUK_COMPARE_FAILED = 108, /* refused: the value is not the expected one */
    SOUK_BELOW_ZERO = 109, /* refused: the change would take physical stock below zero */
    SOUK_VERSION_CONFLICT = 110, /* refused: the object has another version than if_version */
    SOUK_EXCEEDS = 111, /* refused: more than is there to ship, cancel, return, confirm or write off */
    SOUK_SHORT_STOCK = 112, /* refused: allocated units are not in the warehouse yet */
    SOUK_LINKED_FAILED = 113, /* refused: another record of the linked frame failed, so this one was not done */
    SOUK_CART_FROZEN = 114, /* refused: the cart is being paid for */
    SOUK_CART_EMPTY = 115, /* refused: there is nothing in the cart to order */
    SOUK_CART_MERGED = 116, /* refused: the cart was poured into a user's cart */
    SOUK_PRICE_CHANGED = 117, /* refused: the total is not the one that the shopper saw */
    SOUK_OUT_OF_STOCK = 118, /* refused: lines of the order cannot be had */
    SOUK_LIMIT_EXCEEDED = 119, /* refused: more than this customer may have */
    SOUK_COUPON_EXHAUSTED = 120, /* refused: the coupon's uses are spent */
    SOUK_COUPON_INVALID = 121, /* refused: the coupon does not apply */
    SOUK_CREDIT_SHORT = 122, /* refused: the gift card or account has not got so much */
    SOUK_CURRENCY_MISMATCH = 123, /* refused: amounts of different currencies */
    SOUK_PAYMENT_DECLINED = 124, /* refused: the payment was declined */
    SOUK_PAYMENT_EXPIRED = 125, /* refused: the order was not paid in time */
    SOUK_LATE_PAYMENT = 126, /* refused: the payment came after the order had given its stock back */
    SOUK_GIVEN_UP = 127, /* refused: the order was cancelled before it was placed */
    SOUK_ALREADY_PLACED = 128, /* refused: the order is placed */
    SOUK_ALREADY_SHIPPED = 129, /* refused: units have left already */
    SOUK_ORDER_CANCELLED = 130, /* refused: the order is cancelled */
    SOUK_EXCEEDS_AUTHORIZED = 131, /* refused: more than is authorised */
    SOUK_EXCEEDS_CAPTURED = 132, /* refused: more than is captured */
    SOUK_LEASE_LOST = 133, /* refused: the command is not leased to you any more */
    SOUK_NONE_READY = 134, /* refused: no command is ready */
    SOUK_NOT_DELIVERED = 135, /* refused: units have not arrived yet */
    SOUK_WINDOW_CLOSED = 136, /* refused: too late to return */
    SOUK_TOO_MANY = 137, /* refused: no room for one more */
    SOUK_NOT_VISIBLE = 138, /* refused: the product is not shown */
    SOUK_ALIAS_TAKEN = 139, /* refused: the slug or external key is another product's */
    SOUK_CATEGORY_CYCLE = 140, /* refused: a category cannot be below itself */
    SOUK_NOT_PURCHASED = 141, /* refused: only who has received the product may review it */
    SOUK_RATE_LIMITED = 142, /* refused: too many in too short a time */
    SOUK_SELF_VOTE = 143, /* refused: nobody votes for their own review */
    SOUK_BAD_ARGUMENT = 200, /* fix: a field has a value that is not allowed */
    SOUK_NOT_FOUND = 201, /* fix: no such object */
    SOUK_ID_MISMATCH = 202, /* fix: the id is in use with other arguments */
    SOUK_ID_COLLISION = 203, /* fix: the id is taken by another code */
    SOUK_TOO_OLD = 204, /* fix: the id or sequence number is older than what is remembered */
    SOUK_SESSION_EXPIRED = 205, /* fix: the session is not known to this shard */
    SOUK_WRONG_SHARD = 206, /* fix: a record does not belong to the shard named in the frame */
    SOUK_BAD_FRAME = 207, /* fix: the frame is not well formed */
    SOUK_BAD_CHECKSUM = 208, /* fix: the checksum does not match */
    SOUK_VERSION_UNSUPPORTED = 209, /* fix: the protocol version is not supported */
    SOUK_UNKNOWN_OPCODE = 210, /* fix: no such operation */
    SOUK_TOO_LARGE = 211, /* fix: the frame or its reply exceeds the limit */
    SOUK_RESERVED_BITS = 212, /* fix: a reserved field or flag is not zero */
    SOUK_NO_SESSION = 213, /* fix: a write needs a session and a sequence number */
    SOUK_ID_IN_FUTURE = 214, /* fix: the time in the id is too far ahead of the server's */
    SOUK_NOT_A_REQUEST = 215, /* fix: a reply was sent as a request */
    SOUK_FORBIDDEN = 216, /* fix: that is not yours */
    SOUK_SUM_MISMATCH = 217, /* fix: the amounts do not add up */
    SOUK_NOT_DURABLE = 218, /* fix: an order needs a log on disk */
    SOUK_BAD_QUERY = 219, /* fix: the query cannot be read */
    SOUK_BAD_FILTER = 220, /* fix: the filter or list of facets cannot be read */
    SOUK_CURSOR_MISMATCH = 221, /* fix: the cursor is of another search */
};

/* The operations, for souk_call() and souk_submit(). */
enum souk_op {
    SOUK_OP_HELLO = 0x0101,
    SOUK_OP_PING = 0x0102,
    SOUK_OP_INFO = 0x0103,
    SOUK_OP_STATS = 0x0104,
    SOUK_OP_VERIFY = 0x0105,
    SOUK_OP_SESSION_OPEN = 0x0201,
    SOUK_OP_SKU_PUT = 0x0301,
    SOUK_OP_SKU_GET = 0x0302,
    SOUK_OP_STOCK_RECEIVE = 0x0303,
    SOUK_OP_STOCK_ADJUST = 0x0304,
    SOUK_OP_STOCK_SET = 0x0305,
    SOUK_OP_STOCK_GET = 0x0306,
    SOUK_OP_TAKE = 0x0307,
    SOUK_OP_HOLD = 0x0308,
    SOUK_OP_HOLD_EXTEND = 0x0309,
    SOUK_OP_HOLD_CONFIRM = 0x030A,
    SOUK_OP_HOLD_RELEASE = 0x030B,
    SOUK_OP_HOLD_GET = 0x030C,
    SOUK_OP_HOLD_BIND = 0x030D,
    SOUK_OP_ALLOC_SHIP = 0x030E,
    SOUK_OP_ALLOC_CANCEL = 0x030F,
    SOUK_OP_ALLOC_RETURN = 0x0310,
    SOUK_OP_STOCK_WRITE_OFF = 0x0311,
    SOUK_OP_PRODUCT_PUT = 0x0401,
    SOUK_OP_PRODUCT_PATCH = 0x0402,
    SOUK_OP_PRODUCT_GET = 0x0403,
    SOUK_OP_PRODUCT_DELETE = 0x0404,
    SOUK_OP_PRODUCT_PAGE = 0x0405,
    SOUK_OP_PRODUCT_CARD = 0x0406,
    SOUK_OP_ALIAS_PUT = 0x0407,
    SOUK_OP_ALIAS_GET = 0x0408,
    SOUK_OP_PRODUCT_LIST = 0x0409,
    SOUK_OP_CATEGORY_PUT = 0x0410,
    SOUK_OP_CATEGORY_GET = 0x0411,
    SOUK_OP_CATEGORY_LIST = 0x0412,
    SOUK_OP_ATTRIBUTE_PUT = 0x0413,
    SOUK_OP_ATTRIBUTE_GET = 0x0414,
    SOUK_OP_COLLECTION_PUT = 0x0415,
    SOUK_OP_COLLECTION_GET = 0x0416,
    SOUK_OP_CART_ADD = 0x0501,
    SOUK_OP_CART_SET = 0x0502,
    SOUK_OP_CART_REMOVE = 0x0503,
    SOUK_OP_CART_CLEAR = 0x0504,
    SOUK_OP_CART_SAVE = 0x0505,
    SOUK_OP_CART_COUPON = 0x0506,
    SOUK_OP_CART_MERGE = 0x0507,
    SOUK_OP_CART_GET = 0x0508,
    SOUK_OP_CART_QUOTE = 0x0509,
    SOUK_OP_CART_MERGE_STATUS = 0x050A,
    SOUK_OP_PRICE_LIST_PUT = 0x0601,
    SOUK_OP_PRICE_PUT = 0x0602,
    SOUK_OP_PROMOTION_PUT = 0x0603,
    SOUK_OP_POLICY_PUT = 0x0604,
    SOUK_OP_PRICE_LIST_GET = 0x0605,
    SOUK_OP_PRICE_GET = 0x0606,
    SOUK_OP_PROMOTION_GET = 0x0607,
    SOUK_OP_POLICY_GET = 0x0608,
    SOUK_OP_SETTING_STATUS = 0x0609,
    SOUK_OP_CHECKOUT = 0x0701,
    SOUK_OP_CHECKOUT_STATUS = 0x0702,
    SOUK_OP_CHECKOUT_CANCEL = 0x0703,
    SOUK_OP_COMMAND_POLL = 0x0710,
    SOUK_OP_COMMAND_ACK = 0x0711,
    SOUK_OP_COMMAND_NACK = 0x0712,
    SOUK_OP_COMMAND_WAIT = 0x0713,
    SOUK_OP_COMMAND_LIST = 0x0714,
    SOUK_OP_PAYMENT_EVENT = 0x0720,
    SOUK_OP_PAYMENT_CAPTURE = 0x0721,
    SOUK_OP_PAYMENT_REFUND = 0x0722,
    SOUK_OP_PAYMENT_GET = 0x0723,
    SOUK_OP_PAYMENT_FIND = 0x0724,
    SOUK_OP_STUCK_LIST = 0x0730,
    SOUK_OP_ORDER_RESOLVE = 0x0731,
    SOUK_OP_ORDER_GET = 0x0801,
    SOUK_OP_ORDER_EVENTS = 0x0802,
    SOUK_OP_ORDER_LIST = 0x0803,
    SOUK_OP_ORDER_CANCEL = 0x0804,
    SOUK_OP_ORDER_ATTACH = 0x0805,
    SOUK_OP_FULFIL_CREATE = 0x0810,
    SOUK_OP_FULFIL_SHIP = 0x0811,
    SOUK_OP_FULFIL_DELIVER = 0x0812,
    SOUK_OP_FULFIL_CANCEL = 0x0813,
    SOUK_OP_RETURN_OPEN = 0x0820,
    SOUK_OP_RETURN_DECIDE = 0x0821,
    SOUK_OP_RETURN_RECEIVE = 0x0822,
    SOUK_OP_RETURN_REFUND = 0x0823,
    SOUK_OP_SEARCH = 0x0901,
    SOUK_OP_SUGGEST = 0x0902,
    SOUK_OP_QUERY_STATS = 0x0903,
    SOUK_OP_SYNONYM_PUT = 0x0910,
    SOUK_OP_SYNONYM_GET = 0x0911,
    SOUK_OP_STOP_WORDS_PUT = 0x0912,
    SOUK_OP_STOP_WORDS_GET = 0x0913,
    SOUK_OP_RANK_PROFILE_PUT = 0x0914,
    SOUK_OP_RANK_PROFILE_GET = 0x0915,
    SOUK_OP_CURATION_PUT = 0x0916,
    SOUK_OP_CURATION_GET = 0x0917,
    SOUK_OP_AD_PUT = 0x0918,
    SOUK_OP_AD_GET = 0x0919,
    SOUK_OP_SEARCH_POLICY_PUT = 0x091A,
    SOUK_OP_SEARCH_POLICY_GET = 0x091B,
    SOUK_OP_TRACK = 0x0A01,
    SOUK_OP_RELATED = 0x0A02,
    SOUK_OP_RECOMMEND = 0x0A03,
    SOUK_OP_TRENDING = 0x0A04,
    SOUK_OP_RECENTLY_VIEWED = 0x0A05,
    SOUK_OP_REVIEW_PUT = 0x0B01,
    SOUK_OP_REVIEW_MODERATE = 0x0B02,
    SOUK_OP_REVIEW_VOTE = 0x0B03,
    SOUK_OP_REVIEW_REPLY = 0x0B04,
    SOUK_OP_REVIEW_DELETE = 0x0B05,
    SOUK_OP_REVIEW_ERASE = 0x0B06,
    SOUK_OP_REVIEW_GET = 0x0B07,
    SOUK_OP_REVIEW_LIST = 0x0B08,
    SOUK_OP_RATING_GET = 0x0B09,
    SOUK_OP_REVIEW_QUEUE = 0x0B0A,
    SOUK_OP_REVIEW_POLICY_PUT = 0x0B10,
    SOUK_OP_REVIEW_POLICY_GET = 0x0B11,
};

/* States of an order; docs/orders.md has the ways between them. */
enum souk_state {
    SOUK_STATE_NEW = 1, /* written down, nothing asked for yet */
    SOUK_STATE_HOLDING = 2, /* stock, coupons, gift cards and credit are being held, all or nothing */
    SOUK_STATE_AUTHORIZING = 3, /* held; the provider is asked to authorise */
    SOUK_STATE_CONFIRMING = 4, /* authorised; holds become allocations */
    SOUK_STATE_PLACED = 5, /* sold; not or not wholly captured */
    SOUK_STATE_CAPTURING = 6, /* the provider is asked to capture */
    SOUK_STATE_PAID = 7, /* captured */
    SOUK_STATE_SHIPPED = 8, /* all that was not cancelled has left */
    SOUK_STATE_DELIVERED = 9, /* all that was not cancelled has arrived */
    SOUK_STATE_COMPENSATING = 10, /* failed: what was held is being released */
    SOUK_STATE_CANCELLED = 11, /* failed or given up; nothing held, nothing charged */
    SOUK_STATE_AUTH_UNKNOWN = 12, /* no answer about the authorisation; the provider is asked by key */
    SOUK_STATE_ACTION_REQUIRED = 13, /* the shopper must do something, such as 3-D Secure */
    SOUK_STATE_CAPTURE_UNKNOWN = 14, /* no answer about a capture; the provider is asked by key */
    SOUK_STATE_VOID_PENDING = 15, /* an authorisation is being voided */
    SOUK_STATE_REFUND_PENDING = 16, /* money is being given back */
    SOUK_STATE_NEEDS_OPERATOR = 17, /* a command is dead or failed for good; order_resolve decides */
};

/* What an order has come to, in short. */
enum souk_summary {
    SOUK_SUMMARY_OPEN = 1, /* not placed yet */
    SOUK_SUMMARY_PLACED = 2, /* sold, not paid */
    SOUK_SUMMARY_PAID = 3, /* paid, not shipped */
    SOUK_SUMMARY_SHIPPED = 4, /* all has left */
    SOUK_SUMMARY_DELIVERED = 5, /* all has arrived */
    SOUK_SUMMARY_CANCELLED = 6, /* failed or cancelled as a whole */
    SOUK_SUMMARY_RETURNED = 7, /* all that arrived has come back */
};

/* Kinds of events in an order's history. In their words %v is the value as
 * money, %n as a number, %w the field what, %s the status, %t the text. */
enum souk_history {
    SOUK_HISTORY_CREATED = 1, /* ordered for %v */
    SOUK_HISTORY_STATE_CHANGED = 2, /* is now %t */
    SOUK_HISTORY_REFUSED = 3, /* refused: %s */
    SOUK_HISTORY_COMMAND = 4, /* step %w sent out: %t, %v */
    SOUK_HISTORY_LEASED = 5, /* step %w is with a worker */
    SOUK_HISTORY_NACKED = 6, /* step %w was not done, it is tried again */
    SOUK_HISTORY_DEAD = 7, /* step %w was given up */
    SOUK_HISTORY_AUTHORIZED = 8, /* %v authorised (%t) */
    SOUK_HISTORY_DECLINED = 9, /* declined (%t) */
    SOUK_HISTORY_ACTION = 10, /* the shopper must do something */
    SOUK_HISTORY_UNKNOWN = 11, /* no answer about step %w */
    SOUK_HISTORY_CAPTURED = 12, /* %v captured (%t) */
    SOUK_HISTORY_CAPTURE_FAILED = 13, /* capture failed (%t) */
    SOUK_HISTORY_VOIDED = 14, /* voided (%t) */
    SOUK_HISTORY_VOID_FAILED = 15, /* void failed (%t) */
    SOUK_HISTORY_REFUNDED = 16, /* %v refunded (%t) */
    SOUK_HISTORY_REFUND_FAILED = 17, /* refund failed (%t) */
    SOUK_HISTORY_CHARGED_BACK = 18, /* %v charged back (%t) */
    SOUK_HISTORY_OVERCHARGED = 19, /* %v captured beyond what was asked for (%t); it is refunded */
    SOUK_HISTORY_STALE = 20, /* an event without effect (%t) */
    SOUK_HISTORY_LATE = 21, /* authorised too late (%t) */
    SOUK_HISTORY_CANCELLED_UNITS = 22, /* %n of line %w cancelled */
    SOUK_HISTORY_PARCEL_PLANNED = 23, /* parcel %w planned */
    SOUK_HISTORY_PARCEL_SHIPPED = 24, /* parcel %w shipped (%t) */
    SOUK_HISTORY_PARCEL_DELIVERED = 25, /* parcel %w delivered */
    SOUK_HISTORY_PARCEL_CANCELLED = 26, /* parcel %w cancelled */
    SOUK_HISTORY_PARCEL_SHORT = 27, /* parcel %w cannot leave: not all of it is in the warehouse */
    SOUK_HISTORY_RETURN_REQUESTED = 28, /* return %w requested */
    SOUK_HISTORY_RETURN_DECIDED = 29, /* return %w: %t */
    SOUK_HISTORY_RETURN_RECEIVED = 30, /* return %w received: %n units */
    SOUK_HISTORY_RETURN_REFUNDED = 31, /* return %w refunded: %v */
    SOUK_HISTORY_ATTACHED = 32, /* given to account %w */
    SOUK_HISTORY_RESOLVED = 33, /* resolved by %t */
    SOUK_HISTORY_RESOLVE_REASON = 34, /* because %t */
    SOUK_HISTORY_EXPIRED = 35, /* not paid in time */
    SOUK_HISTORY_SPENT = 36, /* %v paid by gift card or credit */
    SOUK_HISTORY_CANCEL_ASKED = 37, /* cancel asked for: reason %w */
    SOUK_HISTORY_REFUND_ASKED = 38, /* refund of %v asked for */
    SOUK_HISTORY_CAPTURE_ASKED = 39, /* capture of %v asked for */
    SOUK_HISTORY_AUTH_EXPIRED = 40, /* the authorisation has expired (%t) */
};

/* Rows: what texts that are tables are made of, one after the other. */
/* a line of a cart */
struct souk_row_cart_line {
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* hash of the options; 0 = none */
    int64_t quantity; /* 1 to 2^31 */
    int64_t price_seen; /* unit price that the shopper saw when it was added; -1 = not told */
    uint64_t added_at_ns; /* log time of the first add */
    uint16_t currency; /* of price_seen; 0 = not told */
    uint16_t saved; /* 1 = saved for later, not part of a checkout */
    uint32_t zero0; /* reserved: 0 */
};
/* a coupon by its code */
struct souk_row_coupon {
    uint64_t coupon_id; /* souk_id(code) */
    struct souk_text64 code; /* as the shopper wrote it */
};
/* what a SKU costs and how many there are, as its shard has just said */
struct souk_row_sku_now {
    uint64_t sku_id; /* souk_id(code) */
    int64_t price; /* base price, minor units; -1 = no such SKU */
    int64_t sellable; /* units */
    uint16_t currency; /* ISO 4217 number */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
/* what a line of a cart costs now, and what is wrong with it */
struct souk_row_quote_line {
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* as in the cart */
    int64_t quantity; /* as in the cart */
    int64_t price_seen; /* as in the cart */
    int64_t unit_price; /* now, after price lists */
    int64_t discount; /* of the line, its share of order discounts included */
    int64_t total; /* quantity x unit price - discount */
    int64_t sellable; /* as told by the caller */
    uint64_t price_rule; /* the price list; 0 = the SKU's own price */
    uint64_t price_version; /* of that list's entry */
    /* bits: 1 price changed, 2 out of stock, 4 fewer than wanted, 8 no such SKU, 16 other currency, 32 too many */
    uint32_t problems;
    uint32_t zero0; /* reserved: 0 */
};
/* what became of a line in a merge */
struct souk_row_pour_line {
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* as in the cart */
    int64_t guest_quantity; /* in the guest's cart */
    int64_t user_quantity; /* in the user's cart before */
    int64_t quantity; /* in the user's cart after */
    /* 1 added, 2 summed, 3 replaced, 4 kept, 5 clamped, 6 dropped: too many lines, 7 dropped: other currency, 8 removed */
    uint16_t outcome;
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
/* a unit price from a quantity on */
struct souk_row_price_tier {
    int64_t quantity; /* from so many units on, 1 to 2^31 */
    int64_t price; /* unit price, 0 to 2^53 */
};
/* an amount with the rule that it comes from */
struct souk_row_amount {
    uint64_t rule; /* the price list, promotion, coupon, charge code or reason */
    uint64_t version; /* of that rule; 0 = it has none */
    int64_t amount; /* minor units; discounts are negative */
    uint32_t line; /* index of the line; 2^32-1 = the whole order */
    /* 1 goods at base price, 2 goods by price list, 3 goods at an agreed price, 4 promotion, 5 tax, 6 shipping, 7 fee, 8 free shipping */
    uint16_t kind;
    uint16_t zero0; /* reserved: 0 */
};
/* a line to be ordered */
struct souk_row_checkout_line {
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* as in the cart; 0 = none */
    int64_t quantity; /* 1 to 2^31 */
    /* unit price agreed with the customer, 0 to 2^53; -1 = the price in force */
    int64_t agreed_price;
    uint64_t reason; /* of the agreed price, stored as its rule; 0 without one */
    /* an earlier hold of the same user on this SKU, which ends in the same step; 0 = none */
    struct souk_id128 hold;
};
/* tax, shipping or a fee, as the caller worked it out */
struct souk_row_charge {
    int64_t amount; /* minor units, 0 to 2^53 */
    uint64_t code; /* what it is, stored as its rule: souk_id of a name */
    uint32_t line; /* index of the line; 2^32-1 = the whole order */
    uint16_t kind; /* 5 tax, 6 shipping, 7 fee */
    uint16_t zero0; /* reserved: 0 */
};
/* how a part of the total is paid */
struct souk_row_tender {
    uint64_t account; /* id of the gift card or credit account; 0 = paid outside */
    int64_t amount; /* minor units, 1 to 2^53; gift card and credit to 2^31 */
    uint32_t group; /* which workers get the commands */
    uint16_t kind; /* 0 outside (card), 1 gift card, 2 store credit */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 token; /* the provider's token of the payment method; never card data */
};
/* why a line could not be ordered */
struct souk_row_failed_line {
    uint64_t sku_id; /* of the line, or the coupon, gift card or account */
    int64_t wanted; /* units, or minor units */
    int64_t sellable; /* what there was */
    int64_t price; /* unit price in force */
    uint32_t line; /* index of the line; 2^32-1 = a coupon, gift card or account */
    /* SOLD_OUT, ALL_HELD, NOT_FOUND, PRICE_CHANGED, CURRENCY_MISMATCH, COUPON_EXHAUSTED, CREDIT_SHORT, ... */
    uint16_t status;
    uint16_t kind; /* resource kind, 0 = a SKU */
};
/* a command for the outside world */
struct souk_row_command {
    struct souk_id128 order; /* whose command */
    int64_t amount; /* minor units */
    uint64_t since_ns; /* log time at which it was emitted */
    uint64_t due_ns; /* log time at which it is ready, its lease ends, or its answer is overdue */
    uint32_t step; /* number of the command within the order, from 1 */
    uint32_t attempt; /* 1, and one more after each failure that was proven */
    uint32_t deliveries; /* times leased */
    uint32_t group; /* of its tender */
    uint32_t reason; /* as the last nack said */
    uint16_t kind; /* 1 authorize, 2 capture, 3 void, 4 refund, 5 query, 6 notify shipped */
    uint16_t state; /* 1 ready, 2 leased, 3 waiting for its result, 4 done, 5 dead, 6 taken back */
    uint16_t tender; /* index of the tender */
    uint16_t currency; /* ISO 4217 number */
    uint32_t zero0; /* reserved: 0 */
};
/* an order that waits */
struct souk_row_stuck {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* its owner */
    uint64_t since_ns; /* log time at which it came into the state */
    int64_t total; /* minor units */
    uint16_t state; /* enum saga_state */
    uint16_t reason; /* a status, 0 = none */
    uint16_t currency; /* ISO 4217 number */
    uint16_t zero0; /* reserved: 0 */
};
/* a line of an order with its quantities */
struct souk_row_order_line {
    uint64_t sku_id; /* souk_id(code) */
    uint64_t product_id; /* of the SKU, when it was bought */
    uint64_t options; /* as ordered */
    int64_t quantity; /* ordered */
    int64_t unit_price; /* as bought */
    int64_t base_price; /* of the SKU, when it was bought */
    int64_t discount; /* of the line */
    int64_t charges; /* tax and others of the line */
    int64_t total; /* quantity x unit price - discount + charges */
    int64_t allocated; /* sold and still to be shipped */
    int64_t shipped; /* ever */
    int64_t delivered; /* of shipped */
    int64_t cancelled; /* before they were shipped; ordered = allocated + shipped + cancelled */
    int64_t returned_sellable; /* of shipped */
    int64_t returned_damaged; /* of shipped */
    int64_t refunded; /* minor units, decided for cancelled and returned units */
};
/* a tender of an order with its ledger */
struct souk_row_order_tender {
    uint64_t account; /* as in checkout */
    int64_t amount; /* as in checkout */
    int64_t authorized; /* minor units, ever */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
    /* captured by the provider beyond what was asked for; refunded by itself */
    int64_t overcharged;
    uint32_t group; /* as in checkout */
    uint16_t kind; /* as in checkout */
    /* 1 waiting, 2 authorized, 3 declined, 4 action required, 5 unknown, 6 voided, 7 expired, 8 held, 9 spent, 10 released */
    uint16_t state;
    struct souk_text64 token; /* as in checkout */
    struct souk_text64 reference; /* the provider's */
};
/* one thing that happened to an order */
struct souk_row_order_event {
    uint64_t time_ns; /* log time */
    int64_t value; /* an amount or a quantity, as the kind says */
    uint64_t what; /* an id, a step or a line, as the kind says */
    uint32_t number; /* from 1, without gaps */
    uint16_t kind; /* enum order_event_kind */
    uint16_t state; /* enum saga_state, after it */
    uint16_t status; /* a status or reason, 0 = none */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text64 text; /* a reference, a tracking number, an actor, words */
};
/* an order in a list */
struct souk_row_order_brief {
    struct souk_id128 order; /* the order */
    uint64_t created_at_ns; /* log time */
    int64_t total; /* minor units */
    int64_t captured; /* minor units */
    int64_t refunded; /* minor units */
    uint32_t line_count; /* lines */
    uint16_t currency; /* ISO 4217 number */
    uint16_t state; /* enum saga_state; 0 = the order lives on another shard: ask there */
    uint16_t summary; /* enum order_summary */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
/* a fulfilment: planned, shipped, delivered */
struct souk_row_parcel {
    uint64_t created_at_ns; /* log time */
    uint64_t shipped_at_ns; /* log time; 0 = not */
    uint64_t delivered_at_ns; /* log time; 0 = not */
    uint32_t number; /* chosen by the client, from 1 */
    /* 1 planned, 2 leaving, 3 shipped, 4 delivered, 5 cancelled, 6 short: not all of it is in the warehouse */
    uint16_t state;
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 carrier; /* as told */
    struct souk_text64 tracking; /* as told */
};
/* a return: requested, approved, received, refunded */
struct souk_row_return {
    uint64_t opened_at_ns; /* log time */
    uint64_t closed_at_ns; /* log time; 0 = open */
    int64_t refund; /* minor units decided */
    uint32_t number; /* chosen by the client, from 1 */
    uint16_t state; /* 1 requested, 2 approved, 3 rejected, 4 received, 5 refunded */
    uint16_t reason; /* a number that means something to the shop */
};
/* units of a line in a parcel or in a return */
struct souk_row_part {
    int64_t quantity; /* units in the parcel, or asked to be returned */
    int64_t sellable; /* of a return: received, back on the shelf */
    int64_t damaged; /* of a return: received, unavailable */
    uint32_t of; /* number of the parcel or return */
    uint32_t line; /* index of the line */
    uint16_t kind; /* 1 parcel, 2 return */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
/* units of a line of an order */
struct souk_row_line_quantity {
    int64_t quantity; /* units */
    int64_t damaged; /* return_receive: of them damaged; else 0 */
    uint32_t line; /* index of the line */
    uint32_t zero0; /* reserved: 0 */
};
/* units that an order wants to hold */
struct souk_row_hold_item {
    struct souk_resource resource; /* what */
    int64_t quantity; /* 1 to 2^31 */
    int64_t allowance; /* -1; else create the resource if there is none, with so much in all */
    /* a hold of the order's user that ends in the same step; 0 = none */
    struct souk_id128 replaces;
};
/* whether they are held */
struct souk_row_held_item {
    struct souk_resource resource; /* what */
    int64_t wanted; /* units */
    int64_t sellable; /* before */
    int64_t price; /* of a SKU, minor units */
    uint64_t product_id; /* of a SKU */
    uint64_t version; /* of price and policy */
    uint32_t retry_after_ms; /* with ALL_HELD */
    uint16_t status; /* OK; or what was wrong with this item */
    uint16_t currency; /* of a SKU, gift card or account */
};
/* a change of what an order holds or was sold */
struct souk_row_change_item {
    struct souk_resource resource; /* what */
    int64_t quantity; /* units; 0 = all that is held */
    /* 1 release, 2 confirm, 3 consume (confirm and ship), 4 ship, 5 cancel, 6 return sellable, 7 return damaged, 8 unship: a ship is taken back, on hand and allocated again */
    uint16_t action;
    uint16_t status; /* in an answer: OK, SHORT_STOCK, ... */
    uint32_t zero0; /* reserved: 0 */
};
/* a SKU on its product's page */
struct souk_row_page_sku {
    uint64_t sku_id; /* souk_id(code) */
    int64_t price; /* minor units */
    int64_t sellable; /* units; -1 = not asked for: see state */
    uint64_t as_of_ns; /* log time of the SKU's shard at which this was true */
    uint16_t currency; /* ISO 4217 number */
    uint16_t state; /* 0 none, 1 low, 2 some */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text64 code; /* the shop's code */
};
/* a product in a listing */
struct souk_row_product_name {
    uint64_t product_id; /* souk_id(code) */
    uint64_t version; /* counts the changes */
    struct souk_text64 code; /* the shop's code */
};
/* a category in its parent */
struct souk_row_category_child {
    uint64_t category_id; /* souk_id(code) */
    uint32_t position; /* order among its siblings */
    uint32_t child_count; /* categories below it */
    struct souk_text64 name; /* what a shopper reads */
};
/* a product by its id */
struct souk_row_product_ref {
    uint64_t product_id; /* souk_id(code) */
};
/* a product that a search found */
struct souk_row_hit {
    uint64_t product_id; /* souk_id(code) */
    uint64_t ad_id; /* the sponsored product whose slot this is; 0 = none */
    int64_t price; /* minor units: the lowest of its SKUs, or the product's own */
    int64_t price_before; /* what it is compared with; 0 = nothing */
    uint64_t sort_key; /* what it was sorted by, greater is earlier */
    uint32_t text_score; /* how well the words match */
    uint32_t rank_score; /* what the profile adds within a bucket */
    uint32_t rating_count; /* approved reviews */
    uint32_t popularity; /* as put */
    uint32_t words; /* bits: which words of the query it has, the first is bit 0 */
    uint32_t text_offset; /* of code and title in texts */
    uint16_t code_bytes; /* in texts, followed by the title */
    uint16_t title_bytes; /* in texts */
    uint16_t currency; /* ISO 4217 number */
    uint16_t rating; /* average stars in hundredths; 0 = no review */
    uint16_t state; /* availability: 0 none, 1 low, 2 some */
    uint16_t flags; /* bits: 1 sponsored, 2 pinned, 4 boosted, 8 typo or prefix, 16 words missing */
    uint16_t highlight_offset; /* first of its rows in highlights */
    uint16_t highlight_count; /* rows */
};
/* where a word of the query stands in the title of a hit */
struct souk_row_highlight {
    uint16_t offset; /* bytes from the beginning of the title */
    uint16_t bytes; /* of the title */
    uint16_t word; /* of the query, the first is 0 */
    uint16_t zero0; /* reserved: 0 */
};
/* how many matches have a value */
struct souk_row_facet_value {
    uint64_t value_id; /* souk_id of the value; of a category its id */
    uint64_t parent_id; /* of a category; 0 = at the top, or no category */
    uint32_t count; /* matches */
    uint32_t text_offset; /* of the value in texts */
    uint16_t text_bytes; /* in texts */
    uint16_t facet; /* of the request, the first is 0 */
    uint16_t is_chosen; /* 1 = the filter asks for it */
    uint16_t zero0; /* reserved: 0 */
};
/* least and greatest number of the matches, or a part of the histogram */
struct souk_row_facet_range {
    int64_t from; /* least number, inclusive */
    /* greatest number, inclusive; of a bar of the histogram exclusive but for the last */
    int64_t until;
    uint32_t count; /* matches */
    uint16_t facet; /* of the request, the first is 0 */
    uint16_t is_bar; /* 0 = of all, 1 = a bar of the histogram */
};
/* between which positions of a shard's log an answer was judged */
struct souk_row_shard_span {
    uint64_t first_lsn; /* applied when it began to look */
    uint64_t last_lsn; /* applied when it had finished */
    uint16_t shard; /* index */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
/* how a word goes on */
struct souk_row_completion {
    uint32_t text_offset; /* in texts */
    uint32_t text_bytes; /* in texts */
    uint32_t count; /* products that have it */
    uint32_t zero0; /* reserved: 0 */
};
/* how often a query was asked */
struct souk_row_query_count {
    uint64_t asked; /* times */
    uint64_t empty; /* times without a hit */
    uint64_t last_ns; /* log time of the last */
    struct souk_text64 query; /* folded, cut at 64 bytes */
};
/* a product that is pinned, hidden or boosted */
struct souk_row_curation_action {
    uint64_t product_id; /* souk_id(code) */
    uint32_t value; /* pin: its place, from 1; boost: percent of the text score */
    uint16_t kind; /* 1 pin, 2 hide, 3 boost */
    uint16_t zero0; /* reserved: 0 */
};
/* a product that is recommended, and why */
struct souk_row_recommended {
    uint64_t product_id; /* souk_id(code) */
    uint64_t score; /* greater is better; comparable within one answer */
    int64_t price; /* minor units */
    uint32_t support; /* baskets or visits behind it */
    /* 1 bought with, 2 viewed with, 3 similar, 4 trending in its category, 5 trending, 6 of the catalog */
    uint16_t reason;
    uint16_t state; /* availability: 1 low, 2 some */
    uint16_t currency; /* ISO 4217 number */
    uint16_t rating; /* average stars in hundredths; 0 = no review */
    uint32_t text_offset; /* of code and title in texts */
    uint16_t code_bytes; /* in texts, followed by the title */
    uint16_t title_bytes; /* in texts */
    uint32_t zero0; /* reserved: 0 */
};
/* a review in a list */
struct souk_row_review_brief {
    uint64_t product_id; /* the product */
    uint64_t user_id; /* who wrote it */
    uint64_t created_at_ns; /* log time of the first version */
    uint64_t changed_at_ns; /* log time of this version */
    uint32_t helpful; /* votes */
    uint32_t unhelpful; /* votes */
    uint32_t text_offset; /* of title, body and reply in texts */
    uint32_t body_bytes; /* in texts, after the title */
    uint32_t reply_bytes; /* in texts, after the body */
    uint16_t title_bytes; /* in texts */
    uint16_t stars; /* 1 to 5 */
    uint16_t state; /* 1 pending, 2 approved, 3 rejected, 4 flagged */
    uint16_t is_verified; /* 1 = bought, received and not wholly given back */
    uint32_t version; /* counts the changes */
};
/* what a review was before */
struct souk_row_review_edit {
    uint64_t changed_at_ns; /* log time of that version */
    uint32_t version; /* of the review */
    uint16_t stars; /* 1 to 5 */
    uint16_t state; /* that it had */
    uint32_t text_offset; /* of title and body in texts */
    uint16_t title_bytes; /* in texts */
    uint16_t body_bytes; /* in texts, after the title */
};

/* hello: say who calls and for which shard; learn version, limits and shard map */
struct souk_hello {
    uint16_t version_min; /* lowest protocol version that the caller speaks */
    uint16_t version_max; /* highest one */
    uint16_t want_shard; /* the connection will mostly talk to this shard; 65535 = any */
    uint16_t zero0; /* reserved: 0 */
    uint64_t features; /* feature bits of the caller; none are defined yet */
    /* at most 128 bytes; name and version of the calling program, for the server's log */
    struct souk_text agent;
};
struct souk_hello_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t version; /* protocol version to use */
    uint16_t shard_count; /* shards of this data directory; see proto/route.h */
    /* reactors of this server; shard i runs on reactor i mod reactor_count */
    uint16_t reactor_count;
    uint16_t durability; /* 0 durable, 1 async, 2 none */
    uint64_t features; /* feature bits that both sides have */
    struct souk_id128 data_id; /* random id that the data directory was formatted with */
    uint64_t time_ns; /* wall clock of the server, ns since 1970 */
    uint32_t frame_bytes_max; /* longest frame accepted */
    uint32_t frame_records_max; /* most records in a frame */
    uint32_t window_frames; /* most unacknowledged frames of a session on a shard */
    uint32_t zero0; /* reserved: 0 */
    uint64_t session_reply_bytes_max; /* most bytes of kept replies of a session on a shard */
    uint64_t grant_retention_ms; /* how long finished holds and allocations are remembered */
    struct souk_text server; /* at most 128 bytes; name and version of the server */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_hello(struct souk_client *client, const struct souk_hello *record,
    struct souk_hello_reply *reply);
int souk_hello_async(struct souk_client *client, const struct souk_hello *record,
    souk_callback *callback, void *context);

/* ping: answer at once with the same number */
struct souk_ping {
    uint64_t echo; /* any number */
};
struct souk_ping_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t echo; /* the same number */
};
int souk_ping(struct souk_client *client, const struct souk_ping *record,
    struct souk_ping_reply *reply);
int souk_ping_async(struct souk_client *client, const struct souk_ping *record,
    souk_callback *callback, void *context);

/* info: what this server is: version, mode, shards, memory, log positions (JSON text) */
struct souk_info {
    uint64_t zero0; /* reserved: 0 */
};
struct souk_info_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t uptime_ns; /* since the server was ready */
    struct souk_text text; /* at most 262144 bytes; a JSON object */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_info(struct souk_client *client, const struct souk_info *record,
    struct souk_info_reply *reply);
int souk_info_async(struct souk_client *client, const struct souk_info *record,
    souk_callback *callback, void *context);

/* stats: counters and latency histograms (JSON text) */
struct souk_stats {
    uint64_t zero0; /* reserved: 0 */
};
struct souk_stats_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t uptime_ns; /* since the server was ready */
    struct souk_text text; /* at most 262144 bytes; a JSON object */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_stats(struct souk_client *client, const struct souk_stats *record,
    struct souk_stats_reply *reply);
int souk_stats_async(struct souk_client *client, const struct souk_stats *record,
    souk_callback *callback, void *context);

/* verify: check every sum of a shard and give its digest */
struct souk_verify {
    uint64_t zero0; /* reserved: 0 */
};
struct souk_verify_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    struct souk_id128 digest; /* of the whole logical state; equal after replay */
    uint64_t violations; /* sums that do not agree; 0 on a sound shard */
    uint64_t resource_count; /* SKUs and other resources */
    uint64_t hold_count; /* open holds */
    uint64_t allocation_count; /* open named allocations */
    uint64_t tombstone_count; /* finished holds and allocations still remembered */
    uint64_t product_count; /* products that are not deleted */
    uint64_t session_count; /* sessions known */
    int64_t on_hand; /* sum over all resources */
    int64_t unavailable; /* sum */
    int64_t held; /* sum */
    int64_t allocated; /* sum */
    int64_t received; /* sum */
    int64_t shipped; /* sum */
    int64_t returned; /* sum, sellable and damaged */
    int64_t adjusted; /* sum, with the changes made by stock_set */
    int64_t written_off; /* sum */
    /* at most 4096 bytes; the first violations in words; empty on a sound shard */
    struct souk_text first;
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_verify(struct souk_client *client, uint16_t shard, const struct souk_verify *record,
    struct souk_verify_reply *reply);
int souk_verify_async(struct souk_client *client, uint16_t shard, const struct souk_verify *record,
    souk_callback *callback, void *context);

/* session_open: open the session named in the header on this shard */
struct souk_session_open {
    uint64_t zero0; /* reserved: 0 */
};
struct souk_session_open_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint32_t window_frames; /* most unacknowledged frames */
    uint32_t zero0; /* reserved: 0 */
    uint64_t reply_bytes_max; /* most bytes of kept replies */
};
int souk_session_open(struct souk_client *client, uint16_t shard, const struct souk_session_open *record,
    struct souk_session_open_reply *reply);
int souk_session_open_async(struct souk_client *client, uint16_t shard, const struct souk_session_open *record,
    souk_callback *callback, void *context);

/* sku_put: create a SKU or change its price and policy */
struct souk_sku_put {
    struct souk_resource resource; /* the SKU; id = souk_id(code) */
    uint64_t product_id; /* the product that it is a variant of; 0 = none */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    int64_t price; /* minor units, 0 to 2^53 */
    int64_t safety_stock; /* units never sold, 0 to 2^31 */
    int64_t oversell_cap; /* units that may be sold before they arrive, 0 to 2^31 */
    uint32_t lease_default_ms; /* lease of a hold that names none; 0 = ten minutes */
    uint16_t currency; /* ISO 4217 number, e.g. 826 for GBP */
    uint16_t low_at; /* pages say low from so few sellable units on; 0 = never */
    struct souk_text code; /* at most 64 bytes; the shop's code, 1 to 64 bytes */
};
struct souk_sku_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* version after the change, or the current one */
};
int souk_sku_put(struct souk_client *client, const struct souk_sku_put *record,
    struct souk_sku_put_reply *reply);
int souk_sku_put_async(struct souk_client *client, const struct souk_sku_put *record,
    souk_callback *callback, void *context);
int souk_sku_put_batch(struct souk_client *client, const struct souk_sku_put *records,
    uint32_t count, struct souk_sku_put_reply *replies, uint32_t flags);

/* sku_get: price, policy, levels and sums of a SKU */
struct souk_sku_get {
    struct souk_resource resource; /* the SKU */
};
struct souk_sku_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t product_id; /* as put */
    uint64_t version; /* of price and policy */
    int64_t price; /* minor units */
    int64_t safety_stock; /* as put */
    int64_t oversell_cap; /* as put */
    uint32_t lease_default_ms; /* in force */
    uint16_t currency; /* ISO 4217 number */
    uint16_t low_at; /* as put */
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
    int64_t allocated_anonymous; /* of allocated: by takes without an id */
    int64_t received; /* sum of all receipts */
    int64_t shipped; /* sum of all shipments */
    int64_t returned_sellable; /* sum */
    int64_t returned_damaged; /* sum */
    int64_t adjusted; /* sum of all adjustments and sets, signed */
    int64_t written_off; /* sum */
    int64_t granted; /* sum of all units ever allocated, by take or confirm */
    int64_t cancelled; /* sum of all units cancelled */
    struct souk_text code; /* at most 64 bytes; the shop's code */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_sku_get(struct souk_client *client, const struct souk_sku_get *record,
    struct souk_sku_get_reply *reply);
int souk_sku_get_async(struct souk_client *client, const struct souk_sku_get *record,
    souk_callback *callback, void *context);
int souk_sku_get_batch(struct souk_client *client, const struct souk_sku_get *records,
    uint32_t count, struct souk_sku_get_reply *replies, uint32_t flags);

/* stock_receive: goods came in */
struct souk_stock_receive {
    struct souk_resource resource; /* the SKU */
    int64_t quantity; /* 1 to 2^31 */
};
struct souk_stock_receive_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_stock_receive(struct souk_client *client, const struct souk_stock_receive *record,
    struct souk_stock_receive_reply *reply);
int souk_stock_receive_async(struct souk_client *client, const struct souk_stock_receive *record,
    souk_callback *callback, void *context);
int souk_stock_receive_batch(struct souk_client *client, const struct souk_stock_receive *records,
    uint32_t count, struct souk_stock_receive_reply *replies, uint32_t flags);

/* stock_adjust: correct physical stock by a delta, with a reason */
struct souk_stock_adjust {
    struct souk_resource resource; /* the SKU */
    int64_t delta; /* -2^31 to 2^31, not 0 */
    uint32_t reason; /* a number that means something to the shop */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_stock_adjust_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_stock_adjust(struct souk_client *client, const struct souk_stock_adjust *record,
    struct souk_stock_adjust_reply *reply);
int souk_stock_adjust_async(struct souk_client *client, const struct souk_stock_adjust *record,
    souk_callback *callback, void *context);
int souk_stock_adjust_batch(struct souk_client *client, const struct souk_stock_adjust *records,
    uint32_t count, struct souk_stock_adjust_reply *replies, uint32_t flags);

/* stock_set: set physical stock if it has the expected value */
struct souk_stock_set {
    struct souk_resource resource; /* the SKU */
    int64_t expected; /* on_hand before; -1 = whatever it is */
    int64_t value; /* on_hand after, 0 to 2^31; not below unavailable */
    uint32_t reason; /* a number that means something to the shop */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_stock_set_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_stock_set(struct souk_client *client, const struct souk_stock_set *record,
    struct souk_stock_set_reply *reply);
int souk_stock_set_async(struct souk_client *client, const struct souk_stock_set *record,
    souk_callback *callback, void *context);
int souk_stock_set_batch(struct souk_client *client, const struct souk_stock_set *records,
    uint32_t count, struct souk_stock_set_reply *replies, uint32_t flags);

/* stock_get: levels of a SKU */
struct souk_stock_get {
    struct souk_resource resource; /* the SKU */
};
struct souk_stock_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_stock_get(struct souk_client *client, const struct souk_stock_get *record,
    struct souk_stock_get_reply *reply);
int souk_stock_get_async(struct souk_client *client, const struct souk_stock_get *record,
    souk_callback *callback, void *context);
int souk_stock_get_batch(struct souk_client *client, const struct souk_stock_get *records,
    uint32_t count, struct souk_stock_get_reply *replies, uint32_t flags);

/* take: sell now: allocate if enough is sellable */
struct souk_take {
    struct souk_resource resource; /* the SKU */
    int64_t quantity; /* 1 to 2^31 */
    uint64_t owner; /* who takes: a user id; 0 = nobody in particular */
    struct souk_id128 id; /* names the allocation; 0 = anonymous */
    /* a hold of the same owner and SKU that ends in the same step; 0 = none */
    struct souk_id128 replaces;
};
struct souk_take_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t sellable; /* after the command; when refused, what there was */
};
int souk_take(struct souk_client *client, const struct souk_take *record,
    struct souk_take_reply *reply);
int souk_take_async(struct souk_client *client, const struct souk_take *record,
    souk_callback *callback, void *context);
int souk_take_batch(struct souk_client *client, const struct souk_take *records,
    uint32_t count, struct souk_take_reply *replies, uint32_t flags);

/* hold: reserve for a time */
struct souk_hold {
    struct souk_resource resource; /* the SKU */
    int64_t quantity; /* 1 to 2^31 */
    uint64_t owner; /* who holds: a user id; 0 = nobody in particular */
    struct souk_id128 id; /* names the hold; not 0 */
    /* a hold of the same owner and SKU that ends in the same step; 0 = none */
    struct souk_id128 replaces;
    uint64_t lease_ms; /* 1 ms to 31 days; 0 = the SKU's default */
    uint64_t max_life_ms; /* extending ends here, from now; 0 = one hour or the lease if longer */
};
struct souk_hold_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t sellable; /* after the command; when refused, what there was */
    uint64_t expires_at_ns; /* log time at which the hold ends; 0 when refused */
};
int souk_hold(struct souk_client *client, const struct souk_hold *record,
    struct souk_hold_reply *reply);
int souk_hold_async(struct souk_client *client, const struct souk_hold *record,
    souk_callback *callback, void *context);
int souk_hold_batch(struct souk_client *client, const struct souk_hold *records,
    uint32_t count, struct souk_hold_reply *replies, uint32_t flags);

/* hold_extend: a longer lease for a hold, up to its maximum life */
struct souk_hold_extend {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the hold */
    uint64_t owner; /* as in hold */
    uint64_t lease_ms; /* from now, 1 ms to 31 days */
};
struct souk_hold_extend_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t expires_at_ns; /* log time at which the hold ends now */
};
int souk_hold_extend(struct souk_client *client, const struct souk_hold_extend *record,
    struct souk_hold_extend_reply *reply);
int souk_hold_extend_async(struct souk_client *client, const struct souk_hold_extend *record,
    souk_callback *callback, void *context);
int souk_hold_extend_batch(struct souk_client *client, const struct souk_hold_extend *records,
    uint32_t count, struct souk_hold_extend_reply *replies, uint32_t flags);

/* hold_confirm: turn a hold, or part of it, into an allocation */
struct souk_hold_confirm {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the hold; the allocation has the same id */
    uint64_t owner; /* as in hold */
    struct souk_id128 order; /* the order that the hold is bound to; 0 when it is not bound */
    int64_t quantity; /* how much of it, the rest is released; 0 = all */
};
struct souk_hold_confirm_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t allocated; /* units now allocated under the id */
    int64_t released; /* units given back */
};
int souk_hold_confirm(struct souk_client *client, const struct souk_hold_confirm *record,
    struct souk_hold_confirm_reply *reply);
int souk_hold_confirm_async(struct souk_client *client, const struct souk_hold_confirm *record,
    souk_callback *callback, void *context);
int souk_hold_confirm_batch(struct souk_client *client, const struct souk_hold_confirm *records,
    uint32_t count, struct souk_hold_confirm_reply *replies, uint32_t flags);

/* hold_release: give held units back */
struct souk_hold_release {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the hold */
    uint64_t owner; /* as in hold */
    struct souk_id128 order; /* the order that the hold is bound to; 0 when it is not bound */
};
struct souk_hold_release_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t released; /* units given back */
};
int souk_hold_release(struct souk_client *client, const struct souk_hold_release *record,
    struct souk_hold_release_reply *reply);
int souk_hold_release_async(struct souk_client *client, const struct souk_hold_release *record,
    souk_callback *callback, void *context);
int souk_hold_release_batch(struct souk_client *client, const struct souk_hold_release *records,
    uint32_t count, struct souk_hold_release_reply *replies, uint32_t flags);

/* hold_get: state and quantities of a hold or allocation */
struct souk_hold_get {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the hold or allocation */
};
struct souk_hold_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t owner; /* as in hold */
    struct souk_id128 order; /* the order that it is bound to; 0 = none */
    uint16_t state; /* 1 held, 2 allocated, 3 released, 4 expired, 5 finished */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    int64_t quantity; /* as first asked for */
    int64_t held; /* held now */
    int64_t allocated; /* confirmed or taken, ever */
    int64_t shipped; /* of allocated */
    int64_t cancelled; /* of allocated */
    int64_t returned_sellable; /* of shipped */
    int64_t returned_damaged; /* of shipped */
    uint64_t created_at_ns; /* log time */
    uint64_t expires_at_ns; /* log time; 0 = no lease */
    uint64_t max_life_at_ns; /* log time beyond which it cannot be extended */
};
int souk_hold_get(struct souk_client *client, const struct souk_hold_get *record,
    struct souk_hold_get_reply *reply);
int souk_hold_get_async(struct souk_client *client, const struct souk_hold_get *record,
    souk_callback *callback, void *context);
int souk_hold_get_batch(struct souk_client *client, const struct souk_hold_get *records,
    uint32_t count, struct souk_hold_get_reply *replies, uint32_t flags);

/* hold_bind: give a hold to an order, which alone ends it from then on */
struct souk_hold_bind {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the hold */
    uint64_t owner; /* as in hold */
    struct souk_id128 order; /* the order; not 0 */
};
struct souk_hold_bind_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t held; /* units that the order now holds, without a lease */
};
int souk_hold_bind(struct souk_client *client, const struct souk_hold_bind *record,
    struct souk_hold_bind_reply *reply);
int souk_hold_bind_async(struct souk_client *client, const struct souk_hold_bind *record,
    souk_callback *callback, void *context);
int souk_hold_bind_batch(struct souk_client *client, const struct souk_hold_bind *records,
    uint32_t count, struct souk_hold_bind_reply *replies, uint32_t flags);

/* alloc_ship: allocated units left the warehouse */
struct souk_alloc_ship {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the allocation; 0 = anonymous units */
    int64_t quantity; /* with an id: units shipped of it in total, so far; anonymous: units now */
};
struct souk_alloc_ship_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_alloc_ship(struct souk_client *client, const struct souk_alloc_ship *record,
    struct souk_alloc_ship_reply *reply);
int souk_alloc_ship_async(struct souk_client *client, const struct souk_alloc_ship *record,
    souk_callback *callback, void *context);
int souk_alloc_ship_batch(struct souk_client *client, const struct souk_alloc_ship *records,
    uint32_t count, struct souk_alloc_ship_reply *replies, uint32_t flags);

/* alloc_cancel: allocated units are not wanted any more */
struct souk_alloc_cancel {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the allocation; 0 = anonymous units */
    int64_t quantity; /* with an id: units cancelled of it in total, so far; anonymous: units now */
};
struct souk_alloc_cancel_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_alloc_cancel(struct souk_client *client, const struct souk_alloc_cancel *record,
    struct souk_alloc_cancel_reply *reply);
int souk_alloc_cancel_async(struct souk_client *client, const struct souk_alloc_cancel *record,
    souk_callback *callback, void *context);
int souk_alloc_cancel_batch(struct souk_client *client, const struct souk_alloc_cancel *records,
    uint32_t count, struct souk_alloc_cancel_reply *replies, uint32_t flags);

/* alloc_return: shipped units came back, sellable or damaged */
struct souk_alloc_return {
    struct souk_resource resource; /* the SKU */
    struct souk_id128 id; /* the allocation; 0 = anonymous units */
    int64_t quantity; /* with an id: units returned in this disposition in total; anonymous: now */
    uint16_t disposition; /* 0 sellable: back on the shelf; 1 damaged: becomes unavailable */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_alloc_return_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_alloc_return(struct souk_client *client, const struct souk_alloc_return *record,
    struct souk_alloc_return_reply *reply);
int souk_alloc_return_async(struct souk_client *client, const struct souk_alloc_return *record,
    souk_callback *callback, void *context);
int souk_alloc_return_batch(struct souk_client *client, const struct souk_alloc_return *records,
    uint32_t count, struct souk_alloc_return_reply *replies, uint32_t flags);

/* stock_write_off: unavailable units are gone for good */
struct souk_stock_write_off {
    struct souk_resource resource; /* the SKU */
    int64_t quantity; /* 1 to 2^31, at most unavailable */
    uint32_t reason; /* a number that means something to the shop */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_stock_write_off_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    int64_t on_hand; /* physically there, 0 or more */
    int64_t unavailable; /* of on_hand: damaged, not for sale */
    int64_t held; /* reserved by open holds */
    int64_t allocated; /* sold and not yet shipped, named and anonymous */
    int64_t sellable; /* on_hand - unavailable - held - allocated - safety_stock + oversell_cap */
};
int souk_stock_write_off(struct souk_client *client, const struct souk_stock_write_off *record,
    struct souk_stock_write_off_reply *reply);
int souk_stock_write_off_async(struct souk_client *client, const struct souk_stock_write_off *record,
    souk_callback *callback, void *context);
int souk_stock_write_off_batch(struct souk_client *client, const struct souk_stock_write_off *records,
    uint32_t count, struct souk_stock_write_off_reply *replies, uint32_t flags);

/* product_put: create a product or replace it */
struct souk_product_put {
    uint64_t product_id; /* souk_id(code) */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    int64_t price; /* minor units, 0 to 2^53; what the page shows, SKUs have their own */
    int64_t price_before; /* what the price is compared with; 0 = nothing */
    uint64_t visible_from_ns; /* shown from this time on; 0 = always */
    uint64_t visible_until_ns; /* shown before this time; 0 = always */
    uint64_t buyable_from_ns; /* sold from this time on; 0 = always */
    uint64_t buyable_until_ns; /* sold before this time; 0 = always */
    uint32_t popularity; /* any measure of the shop's, greater is more popular */
    uint16_t currency; /* ISO 4217 number; 0 = no price */
    uint16_t margin; /* hundredths of a percent, for ranking */
    uint16_t marks; /* bits: 1 draft: not shown, 2 unlisted: shown, but not found by searches */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text code; /* at most 64 bytes; the shop's code, 1 to 64 bytes */
    struct souk_text title; /* at most 512 bytes; UTF-8 text */
    struct souk_text brand; /* at most 128 bytes; UTF-8 text */
    /* at most 256 bytes; code of its category, a path with slashes: home/lighting */
    struct souk_text category;
    /* at most 4096 bytes; lines of name=value; a name may come more than once */
    struct souk_text attributes;
    /* at most 8192 bytes; UTF-8 text, searched with the least weight */
    struct souk_text description;
    struct souk_text slug; /* at most 128 bytes; name in addresses; claimed by alias_put */
    /* at most 128 bytes; key in another system; claimed by alias_put */
    struct souk_text external_key;
    struct souk_text page; /* at most 32768 bytes; what the shop's pages need, opaque */
};
struct souk_product_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* version after the change, or the current one */
};
int souk_product_put(struct souk_client *client, const struct souk_product_put *record,
    struct souk_product_put_reply *reply);
int souk_product_put_async(struct souk_client *client, const struct souk_product_put *record,
    souk_callback *callback, void *context);
int souk_product_put_batch(struct souk_client *client, const struct souk_product_put *records,
    uint32_t count, struct souk_product_put_reply *replies, uint32_t flags);

/* product_patch: change some fields of a product */
struct souk_product_patch {
    uint64_t product_id; /* the product */
    uint64_t if_version; /* 0 = any; else the version it must have */
    /* bits: 1 price and currency, 2 title, 4 brand, 8 category, 16 attributes, 32 description, 64 slug, 128 external_key, 256 page, 512 price_before, 1024 visible times, 2048 buyable times, 4096 popularity, 8192 margin, 16384 marks; the others are not used */
    uint32_t fields;
    uint32_t zero2; /* reserved: 0 */
    int64_t price; /* minor units, 0 to 2^53; what the page shows, SKUs have their own */
    int64_t price_before; /* what the price is compared with; 0 = nothing */
    uint64_t visible_from_ns; /* shown from this time on; 0 = always */
    uint64_t visible_until_ns; /* shown before this time; 0 = always */
    uint64_t buyable_from_ns; /* sold from this time on; 0 = always */
    uint64_t buyable_until_ns; /* sold before this time; 0 = always */
    uint32_t popularity; /* any measure of the shop's, greater is more popular */
    uint16_t currency; /* ISO 4217 number; 0 = no price */
    uint16_t margin; /* hundredths of a percent, for ranking */
    uint16_t marks; /* bits: 1 draft: not shown, 2 unlisted: shown, but not found by searches */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text title; /* at most 512 bytes; used if its bit is set */
    struct souk_text brand; /* at most 128 bytes; used if its bit is set */
    struct souk_text category; /* at most 256 bytes; used if its bit is set */
    struct souk_text attributes; /* at most 4096 bytes; used if its bit is set */
    struct souk_text description; /* at most 8192 bytes; used if its bit is set */
    struct souk_text slug; /* at most 128 bytes; used if its bit is set */
    struct souk_text external_key; /* at most 128 bytes; used if its bit is set */
    struct souk_text page; /* at most 32768 bytes; used if its bit is set */
};
struct souk_product_patch_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* version after the change, or the current one */
};
int souk_product_patch(struct souk_client *client, const struct souk_product_patch *record,
    struct souk_product_patch_reply *reply);
int souk_product_patch_async(struct souk_client *client, const struct souk_product_patch *record,
    souk_callback *callback, void *context);
int souk_product_patch_batch(struct souk_client *client, const struct souk_product_patch *records,
    uint32_t count, struct souk_product_patch_reply *replies, uint32_t flags);

/* product_get: a product with all its fields */
struct souk_product_get {
    uint64_t product_id; /* the product */
};
struct souk_product_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* counts the changes */
    uint64_t created_at_ns; /* log time of the first put */
    int64_t price; /* minor units, 0 to 2^53; what the page shows, SKUs have their own */
    int64_t price_before; /* what the price is compared with; 0 = nothing */
    uint64_t visible_from_ns; /* shown from this time on; 0 = always */
    uint64_t visible_until_ns; /* shown before this time; 0 = always */
    uint64_t buyable_from_ns; /* sold from this time on; 0 = always */
    uint64_t buyable_until_ns; /* sold before this time; 0 = always */
    uint32_t popularity; /* any measure of the shop's, greater is more popular */
    uint16_t currency; /* ISO 4217 number; 0 = no price */
    uint16_t margin; /* hundredths of a percent, for ranking */
    uint16_t marks; /* bits: 1 draft: not shown, 2 unlisted: shown, but not found by searches */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text code; /* at most 64 bytes; the shop's code, 1 to 64 bytes */
    struct souk_text title; /* at most 512 bytes; UTF-8 text */
    struct souk_text brand; /* at most 128 bytes; UTF-8 text */
    /* at most 256 bytes; code of its category, a path with slashes: home/lighting */
    struct souk_text category;
    /* at most 4096 bytes; lines of name=value; a name may come more than once */
    struct souk_text attributes;
    /* at most 8192 bytes; UTF-8 text, searched with the least weight */
    struct souk_text description;
    struct souk_text slug; /* at most 128 bytes; name in addresses; claimed by alias_put */
    /* at most 128 bytes; key in another system; claimed by alias_put */
    struct souk_text external_key;
    struct souk_text page; /* at most 32768 bytes; what the shop's pages need, opaque */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_product_get(struct souk_client *client, const struct souk_product_get *record,
    struct souk_product_get_reply *reply);
int souk_product_get_async(struct souk_client *client, const struct souk_product_get *record,
    souk_callback *callback, void *context);
int souk_product_get_batch(struct souk_client *client, const struct souk_product_get *records,
    uint32_t count, struct souk_product_get_reply *replies, uint32_t flags);

/* product_delete: delete a product, leaving its version */
struct souk_product_delete {
    uint64_t product_id; /* the product */
    uint64_t if_version; /* 0 = any; else the version it must have */
};
struct souk_product_delete_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* version of the tombstone */
};
int souk_product_delete(struct souk_client *client, const struct souk_product_delete *record,
    struct souk_product_delete_reply *reply);
int souk_product_delete_async(struct souk_client *client, const struct souk_product_delete *record,
    souk_callback *callback, void *context);
int souk_product_delete_batch(struct souk_client *client, const struct souk_product_delete *records,
    uint32_t count, struct souk_product_delete_reply *replies, uint32_t flags);

/* product_page: everything a product's page shows: SKUs, availability, rating, recommendations */
struct souk_product_page {
    uint64_t product_id; /* the product, if it is asked for by id; else 0 */
    uint64_t if_version; /* a page_version: if it is still that, nothing but the version is sent */
    uint64_t user_id; /* for recommendations; 0 = nobody in particular */
    uint32_t recommended; /* recommendations wanted, 0 to 100 */
    uint16_t by; /* 0 id, 1 slug, 2 external key */
    /* bits: 1 ask the SKUs for exact stock, 2 without the blob, 4 also what is not visible */
    uint16_t flags;
    struct souk_text alias; /* at most 128 bytes; slug or external key */
};
struct souk_product_page_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t product_id; /* the product */
    uint64_t version; /* of what was put */
    uint64_t created_at_ns; /* log time of the first put */
    uint64_t as_of_lsn; /* of the product's shard */
    uint64_t is_not_modified; /* 1 = if_version is in force; the rest is empty */
    uint64_t page_version; /* counts the changes of all that is shown: product, SKUs, rating */
    int64_t price_from; /* the lowest price of its SKUs; its own without any */
    uint64_t rating_sum; /* stars of approved reviews */
    uint32_t rating_count; /* approved reviews */
    uint16_t state; /* availability: 0 none, 1 low, 2 some */
    uint16_t is_buyable; /* 1 = visible, in its time, and available */
    int64_t price; /* minor units, 0 to 2^53; what the page shows, SKUs have their own */
    int64_t price_before; /* what the price is compared with; 0 = nothing */
    uint64_t visible_from_ns; /* shown from this time on; 0 = always */
    uint64_t visible_until_ns; /* shown before this time; 0 = always */
    uint64_t buyable_from_ns; /* sold from this time on; 0 = always */
    uint64_t buyable_until_ns; /* sold before this time; 0 = always */
    uint32_t popularity; /* any measure of the shop's, greater is more popular */
    uint16_t currency; /* ISO 4217 number; 0 = no price */
    uint16_t margin; /* hundredths of a percent, for ranking */
    uint16_t marks; /* bits: 1 draft: not shown, 2 unlisted: shown, but not found by searches */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text code; /* at most 64 bytes; the shop's code, 1 to 64 bytes */
    struct souk_text title; /* at most 512 bytes; UTF-8 text */
    struct souk_text brand; /* at most 128 bytes; UTF-8 text */
    /* at most 256 bytes; code of its category, a path with slashes: home/lighting */
    struct souk_text category;
    /* at most 4096 bytes; lines of name=value; a name may come more than once */
    struct souk_text attributes;
    /* at most 8192 bytes; UTF-8 text, searched with the least weight */
    struct souk_text description;
    struct souk_text slug; /* at most 128 bytes; name in addresses; claimed by alias_put */
    /* at most 128 bytes; key in another system; claimed by alias_put */
    struct souk_text external_key;
    struct souk_text page; /* at most 32768 bytes; what the shop's pages need, opaque */
    struct souk_text skus; /* at most 256 struct souk_row_page_sku; its SKUs, by code */
    struct souk_text items; /* at most 100 struct souk_row_recommended; recommendations */
    struct souk_text texts; /* at most 262144 bytes; of the recommendations */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_product_page(struct souk_client *client, const struct souk_product_page *record,
    struct souk_product_page_reply *reply);
int souk_product_page_async(struct souk_client *client, const struct souk_product_page *record,
    souk_callback *callback, void *context);
int souk_product_page_batch(struct souk_client *client, const struct souk_product_page *records,
    uint32_t count, struct souk_product_page_reply *replies, uint32_t flags);

/* product_card: what a product shows in a list: price, availability, rating, title */
struct souk_product_card {
    uint64_t product_id; /* the product */
    uint64_t if_version; /* as in product_page */
};
struct souk_product_card_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t is_not_modified; /* 1 = if_version is in force; the rest is empty */
    uint64_t page_version; /* counts the changes of all that is shown: product, SKUs, rating */
    int64_t price_from; /* the lowest price of its SKUs; its own without any */
    uint64_t rating_sum; /* stars of approved reviews */
    uint32_t rating_count; /* approved reviews */
    uint16_t state; /* availability: 0 none, 1 low, 2 some */
    uint16_t is_buyable; /* 1 = visible, in its time, and available */
    int64_t price_before; /* as put */
    uint16_t currency; /* ISO 4217 number */
    uint16_t marks; /* as put */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text code; /* at most 64 bytes; the shop's code */
    struct souk_text title; /* at most 512 bytes; UTF-8 text */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_product_card(struct souk_client *client, const struct souk_product_card *record,
    struct souk_product_card_reply *reply);
int souk_product_card_async(struct souk_client *client, const struct souk_product_card *record,
    souk_callback *callback, void *context);
int souk_product_card_batch(struct souk_client *client, const struct souk_product_card *records,
    uint32_t count, struct souk_product_card_reply *replies, uint32_t flags);

/* alias_put: claim a slug or external key for a product */
struct souk_alias_put {
    uint64_t alias_id; /* souk_id of the text, of an external key with a slash before it */
    uint64_t product_id; /* the product that gets it; 0 = nobody any more */
    uint64_t if_product_id; /* 0 = it must be free, or this product's; else whose it must be */
    uint16_t kind; /* 1 slug, 2 external key */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text alias; /* at most 128 bytes; 1 to 128 bytes */
};
struct souk_alias_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t product_id; /* whose it is after the command */
};
int souk_alias_put(struct souk_client *client, const struct souk_alias_put *record,
    struct souk_alias_put_reply *reply);
int souk_alias_put_async(struct souk_client *client, const struct souk_alias_put *record,
    souk_callback *callback, void *context);
int souk_alias_put_batch(struct souk_client *client, const struct souk_alias_put *records,
    uint32_t count, struct souk_alias_put_reply *replies, uint32_t flags);

/* alias_get: the product of a slug or external key */
struct souk_alias_get {
    uint64_t alias_id; /* as in alias_put */
    uint16_t kind; /* 1 slug, 2 external key */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_alias_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t product_id; /* whose it is */
    struct souk_text alias; /* at most 128 bytes; as put */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_alias_get(struct souk_client *client, const struct souk_alias_get *record,
    struct souk_alias_get_reply *reply);
int souk_alias_get_async(struct souk_client *client, const struct souk_alias_get *record,
    souk_callback *callback, void *context);
int souk_alias_get_batch(struct souk_client *client, const struct souk_alias_get *records,
    uint32_t count, struct souk_alias_get_reply *replies, uint32_t flags);

/* product_list: the products of a shard, page by page */
struct souk_product_list {
    uint64_t after; /* 0 = from the beginning; else next of the page before */
    uint32_t limit; /* rows, 1 to 512 */
    uint32_t has_deleted; /* 1 = tombstones too */
};
struct souk_product_list_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t next; /* where the next page begins; 0 = that was the last */
    uint64_t product_count; /* on this shard, without tombstones */
    /* at most 512 struct souk_row_product_name; in the shard's order, which changes do not disturb */
    struct souk_text products;
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_product_list(struct souk_client *client, uint16_t shard, const struct souk_product_list *record,
    struct souk_product_list_reply *reply);
int souk_product_list_async(struct souk_client *client, uint16_t shard, const struct souk_product_list *record,
    souk_callback *callback, void *context);

/* category_put: create a category, rename or move it */
struct souk_category_put {
    uint64_t home_id; /* 1 */
    uint64_t category_id; /* souk_id(code) */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint64_t parent_id; /* the category above; 0 = none */
    uint32_t position; /* order among its siblings, then by name */
    uint16_t is_off; /* 1 = not shown */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* what a shopper reads, 1 to 63 bytes */
    struct souk_text code; /* at most 256 bytes; what products have as category, 1 to 256 bytes */
};
struct souk_category_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_category_put(struct souk_client *client, const struct souk_category_put *record,
    struct souk_category_put_reply *reply);
int souk_category_put_async(struct souk_client *client, const struct souk_category_put *record,
    souk_callback *callback, void *context);
int souk_category_put_batch(struct souk_client *client, const struct souk_category_put *records,
    uint32_t count, struct souk_category_put_reply *replies, uint32_t flags);

/* category_get: a category */
struct souk_category_get {
    uint64_t home_id; /* 1 */
    uint64_t category_id; /* souk_id(code) */
};
struct souk_category_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the category */
    uint64_t parent_id; /* the category above; 0 = none */
    uint32_t position; /* order among its siblings, then by name */
    uint16_t is_off; /* 1 = not shown */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* what a shopper reads, 1 to 63 bytes */
    struct souk_text code; /* at most 256 bytes; as put */
    struct souk_text path; /* at most 262144 bytes; names from the top down to it, a line each */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_category_get(struct souk_client *client, const struct souk_category_get *record,
    struct souk_category_get_reply *reply);
int souk_category_get_async(struct souk_client *client, const struct souk_category_get *record,
    souk_callback *callback, void *context);
int souk_category_get_batch(struct souk_client *client, const struct souk_category_get *records,
    uint32_t count, struct souk_category_get_reply *replies, uint32_t flags);

/* category_list: the children of a category, in order */
struct souk_category_list {
    uint64_t home_id; /* 1 */
    uint64_t category_id; /* whose children; 0 = those at the top */
    uint32_t after; /* rows to leave out */
    uint32_t limit; /* rows, 1 to 512 */
};
struct souk_category_list_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint32_t total; /* children */
    uint32_t zero0; /* reserved: 0 */
    /* at most 512 struct souk_row_category_child; by position, then by name */
    struct souk_text children;
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_category_list(struct souk_client *client, const struct souk_category_list *record,
    struct souk_category_list_reply *reply);
int souk_category_list_async(struct souk_client *client, const struct souk_category_list *record,
    souk_callback *callback, void *context);
int souk_category_list_batch(struct souk_client *client, const struct souk_category_list *records,
    uint32_t count, struct souk_category_list_reply *replies, uint32_t flags);

/* attribute_put: say of what type an attribute is */
struct souk_attribute_put {
    uint64_t home_id; /* 1 */
    uint64_t attribute_id; /* souk_id(name) */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint16_t type; /* 1 enum, 2 number, 3 bool, 4 text: searched, no facet */
    uint16_t is_searched; /* 1 = words of its values find the product */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* as in the lines of a product, 1 to 63 bytes */
};
struct souk_attribute_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_attribute_put(struct souk_client *client, const struct souk_attribute_put *record,
    struct souk_attribute_put_reply *reply);
int souk_attribute_put_async(struct souk_client *client, const struct souk_attribute_put *record,
    souk_callback *callback, void *context);
int souk_attribute_put_batch(struct souk_client *client, const struct souk_attribute_put *records,
    uint32_t count, struct souk_attribute_put_reply *replies, uint32_t flags);

/* attribute_get: the type of an attribute */
struct souk_attribute_get {
    uint64_t home_id; /* 1 */
    uint64_t attribute_id; /* souk_id(name) */
};
struct souk_attribute_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the attribute */
    uint16_t type; /* 1 enum, 2 number, 3 bool, 4 text: searched, no facet */
    uint16_t is_searched; /* 1 = words of its values find the product */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* as in the lines of a product, 1 to 63 bytes */
};
int souk_attribute_get(struct souk_client *client, const struct souk_attribute_get *record,
    struct souk_attribute_get_reply *reply);
int souk_attribute_get_async(struct souk_client *client, const struct souk_attribute_get *record,
    souk_callback *callback, void *context);
int souk_attribute_get_batch(struct souk_client *client, const struct souk_attribute_get *records,
    uint32_t count, struct souk_attribute_get_reply *replies, uint32_t flags);

/* collection_put: create a collection by rule, or change it */
struct souk_collection_put {
    uint64_t home_id; /* the collection: souk_id of a name */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint16_t sort; /* as in search */
    uint16_t is_off; /* 1 = not shown */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* what a shopper reads, 1 to 63 bytes */
    struct souk_text filter; /* at most 1024 bytes; the rule: a filter as in search */
};
struct souk_collection_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_collection_put(struct souk_client *client, const struct souk_collection_put *record,
    struct souk_collection_put_reply *reply);
int souk_collection_put_async(struct souk_client *client, const struct souk_collection_put *record,
    souk_callback *callback, void *context);
int souk_collection_put_batch(struct souk_client *client, const struct souk_collection_put *records,
    uint32_t count, struct souk_collection_put_reply *replies, uint32_t flags);

/* collection_get: a collection */
struct souk_collection_get {
    uint64_t home_id; /* the collection */
};
struct souk_collection_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the collection */
    uint16_t sort; /* as in search */
    uint16_t is_off; /* 1 = not shown */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* what a shopper reads, 1 to 63 bytes */
    struct souk_text filter; /* at most 1024 bytes; as put */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_collection_get(struct souk_client *client, const struct souk_collection_get *record,
    struct souk_collection_get_reply *reply);
int souk_collection_get_async(struct souk_client *client, const struct souk_collection_get *record,
    souk_callback *callback, void *context);
int souk_collection_get_batch(struct souk_client *client, const struct souk_collection_get *records,
    uint32_t count, struct souk_collection_get_reply *replies, uint32_t flags);

/* cart_add: add units of a SKU to a cart */
struct souk_cart_add {
    uint64_t user_id; /* whose cart: a user, or a guest (top bit set) */
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* hash of the line's options; 0 = none */
    int64_t quantity; /* to add, 1 to 2^31 */
    int64_t price_seen; /* unit price that the shopper saw; -1 = not told */
    uint64_t if_version; /* 0 = any; else the version that the cart must have */
    uint16_t currency; /* of price_seen; 0 = not told */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_cart_add_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the cart now; 0 = there is none */
    int64_t quantity; /* of the line now */
    struct souk_id128 order; /* with CART_FROZEN: the order that is being paid */
    uint64_t moved_to; /* with CART_MERGED: the user whose cart has the lines */
    uint32_t line_count; /* lines now, those saved for later included */
    uint32_t zero0; /* reserved: 0 */
};
int souk_cart_add(struct souk_client *client, const struct souk_cart_add *record,
    struct souk_cart_add_reply *reply);
int souk_cart_add_async(struct souk_client *client, const struct souk_cart_add *record,
    souk_callback *callback, void *context);
int souk_cart_add_batch(struct souk_client *client, const struct souk_cart_add *records,
    uint32_t count, struct souk_cart_add_reply *replies, uint32_t flags);

/* cart_set: set the units of a line; 0 removes it */
struct souk_cart_set {
    uint64_t user_id; /* whose cart */
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* hash of the line's options; 0 = none */
    int64_t quantity; /* the line's new quantity, 0 to 2^31; 0 removes it */
    int64_t price_seen; /* unit price that the shopper saw; -1 = not told: it stays */
    uint64_t if_version; /* 0 = any; else the version that the cart must have */
    uint16_t currency; /* of price_seen; 0 = not told */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_cart_set_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the cart now; 0 = there is none */
    int64_t quantity; /* of the line now */
    struct souk_id128 order; /* with CART_FROZEN: the order that is being paid */
    uint64_t moved_to; /* with CART_MERGED: the user whose cart has the lines */
    uint32_t line_count; /* lines now, those saved for later included */
    uint32_t zero0; /* reserved: 0 */
};
int souk_cart_set(struct souk_client *client, const struct souk_cart_set *record,
    struct souk_cart_set_reply *reply);
int souk_cart_set_async(struct souk_client *client, const struct souk_cart_set *record,
    souk_callback *callback, void *context);
int souk_cart_set_batch(struct souk_client *client, const struct souk_cart_set *records,
    uint32_t count, struct souk_cart_set_reply *replies, uint32_t flags);

/* cart_remove: remove a line */
struct souk_cart_remove {
    uint64_t user_id; /* whose cart */
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* hash of the line's options; 0 = none */
    uint64_t if_version; /* 0 = any; else the version that the cart must have */
};
struct souk_cart_remove_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the cart now; 0 = there is none */
    int64_t quantity; /* of the line now */
    struct souk_id128 order; /* with CART_FROZEN: the order that is being paid */
    uint64_t moved_to; /* with CART_MERGED: the user whose cart has the lines */
    uint32_t line_count; /* lines now, those saved for later included */
    uint32_t zero0; /* reserved: 0 */
};
int souk_cart_remove(struct souk_client *client, const struct souk_cart_remove *record,
    struct souk_cart_remove_reply *reply);
int souk_cart_remove_async(struct souk_client *client, const struct souk_cart_remove *record,
    souk_callback *callback, void *context);
int souk_cart_remove_batch(struct souk_client *client, const struct souk_cart_remove *records,
    uint32_t count, struct souk_cart_remove_reply *replies, uint32_t flags);

/* cart_clear: remove all lines that are not saved for later */
struct souk_cart_clear {
    uint64_t user_id; /* whose cart */
    uint64_t if_version; /* 0 = any; else the version that the cart must have */
};
struct souk_cart_clear_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the cart now; 0 = there is none */
    int64_t quantity; /* of the line now */
    struct souk_id128 order; /* with CART_FROZEN: the order that is being paid */
    uint64_t moved_to; /* with CART_MERGED: the user whose cart has the lines */
    uint32_t line_count; /* lines now, those saved for later included */
    uint32_t zero0; /* reserved: 0 */
};
int souk_cart_clear(struct souk_client *client, const struct souk_cart_clear *record,
    struct souk_cart_clear_reply *reply);
int souk_cart_clear_async(struct souk_client *client, const struct souk_cart_clear *record,
    souk_callback *callback, void *context);
int souk_cart_clear_batch(struct souk_client *client, const struct souk_cart_clear *records,
    uint32_t count, struct souk_cart_clear_reply *replies, uint32_t flags);

/* cart_save: save a line for later, or bring it back */
struct souk_cart_save {
    uint64_t user_id; /* whose cart */
    uint64_t sku_id; /* souk_id(code) */
    uint64_t options; /* hash of the line's options; 0 = none */
    uint64_t if_version; /* 0 = any; else the version that the cart must have */
    uint16_t saved; /* 1 = save for later, 0 = bring back */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_cart_save_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the cart now; 0 = there is none */
    int64_t quantity; /* of the line now */
    struct souk_id128 order; /* with CART_FROZEN: the order that is being paid */
    uint64_t moved_to; /* with CART_MERGED: the user whose cart has the lines */
    uint32_t line_count; /* lines now, those saved for later included */
    uint32_t zero0; /* reserved: 0 */
};
int souk_cart_save(struct souk_client *client, const struct souk_cart_save *record,
    struct souk_cart_save_reply *reply);
int souk_cart_save_async(struct souk_client *client, const struct souk_cart_save *record,
    souk_callback *callback, void *context);
int souk_cart_save_batch(struct souk_client *client, const struct souk_cart_save *records,
    uint32_t count, struct souk_cart_save_reply *replies, uint32_t flags);

/* cart_coupon: list a coupon in the cart, or strike it off */
struct souk_cart_coupon {
    uint64_t user_id; /* whose cart */
    uint64_t coupon_id; /* souk_id(code) */
    uint64_t if_version; /* 0 = any; else the version that the cart must have */
    uint16_t listed; /* 1 = list it, 0 = strike it off */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text64 code; /* as the shopper wrote it */
};
struct souk_cart_coupon_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the cart now; 0 = there is none */
    int64_t quantity; /* of the line now */
    struct souk_id128 order; /* with CART_FROZEN: the order that is being paid */
    uint64_t moved_to; /* with CART_MERGED: the user whose cart has the lines */
    uint32_t line_count; /* lines now, those saved for later included */
    uint32_t zero0; /* reserved: 0 */
};
int souk_cart_coupon(struct souk_client *client, const struct souk_cart_coupon *record,
    struct souk_cart_coupon_reply *reply);
int souk_cart_coupon_async(struct souk_client *client, const struct souk_cart_coupon *record,
    souk_callback *callback, void *context);
int souk_cart_coupon_batch(struct souk_client *client, const struct souk_cart_coupon *records,
    uint32_t count, struct souk_cart_coupon_reply *replies, uint32_t flags);

/* cart_merge: pour a guest's cart into a user's */
struct souk_cart_merge {
    uint64_t user_id; /* whose cart is poured out: the guest */
    uint64_t target_id; /* whose cart gets the lines: the user */
    uint16_t strategy; /* 1 sum, 2 guest wins, 3 user wins, 4 max, 5 guest if the user's is empty */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_cart_merge_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t target_id; /* the surviving cart: that of the first merge */
    uint64_t version; /* of the surviving cart after the merge; 0 = not known yet */
    struct souk_id128 order; /* with CART_FROZEN: the order that is being paid */
    uint16_t state; /* enum cart_state of the guest's cart */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
int souk_cart_merge(struct souk_client *client, const struct souk_cart_merge *record,
    struct souk_cart_merge_reply *reply);
int souk_cart_merge_async(struct souk_client *client, const struct souk_cart_merge *record,
    souk_callback *callback, void *context);
int souk_cart_merge_batch(struct souk_client *client, const struct souk_cart_merge *records,
    uint32_t count, struct souk_cart_merge_reply *replies, uint32_t flags);

/* cart_get: a cart with its lines and coupons */
struct souk_cart_get {
    uint64_t user_id; /* whose cart */
};
struct souk_cart_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* grows with every change */
    uint64_t created_at_ns; /* log time */
    uint64_t changed_at_ns; /* log time */
    uint64_t expires_at_ns; /* log time; 0 = not while an order is under way */
    struct souk_id128 order; /* that it is being checked out by; 0 = none */
    uint64_t moved_to; /* the user whose cart has the lines, after a merge */
    uint16_t state; /* enum cart_state */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    /* at most 2000 struct souk_row_cart_line; in the order in which they were added */
    struct souk_text lines;
    struct souk_text coupons; /* at most 8 struct souk_row_coupon; listed */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_cart_get(struct souk_client *client, const struct souk_cart_get *record,
    struct souk_cart_get_reply *reply);
int souk_cart_get_async(struct souk_client *client, const struct souk_cart_get *record,
    souk_callback *callback, void *context);
int souk_cart_get_batch(struct souk_client *client, const struct souk_cart_get *records,
    uint32_t count, struct souk_cart_get_reply *replies, uint32_t flags);

/* cart_quote: what a cart costs now, and what is wrong with its lines */
struct souk_cart_quote {
    uint64_t user_id; /* whose cart */
    uint64_t group_id; /* customer group, attested by the caller; 0 = none */
    uint16_t currency; /* ISO 4217 number */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    /* at most 2000 struct souk_row_sku_now; price and stock of the cart's SKUs, in any order */
    struct souk_text skus;
};
struct souk_cart_quote_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the cart */
    int64_t goods; /* sum of quantity x unit price */
    int64_t discount; /* sum of all discounts */
    int64_t total; /* goods - discount: tax and shipping come from the caller */
    uint16_t currency; /* as asked */
    uint16_t free_shipping; /* 1 = a promotion pays for shipping */
    uint32_t problems; /* sum of the bits of all lines; 64 a coupon is not valid */
    /* at most 2000 struct souk_row_quote_line; lines that are not saved for later */
    struct souk_text lines;
    struct souk_text amounts; /* at most 8000 struct souk_row_amount; with their rules */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_cart_quote(struct souk_client *client, const struct souk_cart_quote *record,
    struct souk_cart_quote_reply *reply);
int souk_cart_quote_async(struct souk_client *client, const struct souk_cart_quote *record,
    souk_callback *callback, void *context);
int souk_cart_quote_batch(struct souk_client *client, const struct souk_cart_quote *records,
    uint32_t count, struct souk_cart_quote_reply *replies, uint32_t flags);

/* cart_merge_status: what became of a merge, line by line; may wait for it */
struct souk_cart_merge_status {
    uint64_t user_id; /* the guest */
    uint32_t wait_ms; /* wait so long for a merge under way, up to a minute */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_cart_merge_status_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t target_id; /* the surviving cart */
    uint64_t version; /* of the surviving cart after the merge */
    struct souk_id128 order; /* of the last refusal: the order that had frozen the user's cart */
    uint16_t state; /* enum cart_state of the guest's cart */
    uint16_t outcome; /* a status, of the last merge: OK or CART_FROZEN */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text lines; /* at most 2000 struct souk_row_pour_line; what became of each line */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_cart_merge_status(struct souk_client *client, const struct souk_cart_merge_status *record,
    struct souk_cart_merge_status_reply *reply);
int souk_cart_merge_status_async(struct souk_client *client, const struct souk_cart_merge_status *record,
    souk_callback *callback, void *context);
int souk_cart_merge_status_batch(struct souk_client *client, const struct souk_cart_merge_status *records,
    uint32_t count, struct souk_cart_merge_status_reply *replies, uint32_t flags);

/* price_list_put: create a price list or change whom and when it is for */
struct souk_price_list_put {
    uint64_t home_id; /* the list: souk_id of a name */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint64_t group_id; /* customer group that it is for; 0 = everybody */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    /* of several lists that have a price, the highest wins; then the lowest id */
    uint32_t priority;
    uint16_t currency; /* ISO 4217 number */
    uint16_t is_off; /* 1 = not used */
    struct souk_text64 name; /* 1 to 63 bytes */
};
struct souk_price_list_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_price_list_put(struct souk_client *client, const struct souk_price_list_put *record,
    struct souk_price_list_put_reply *reply);
int souk_price_list_put_async(struct souk_client *client, const struct souk_price_list_put *record,
    souk_callback *callback, void *context);
int souk_price_list_put_batch(struct souk_client *client, const struct souk_price_list_put *records,
    uint32_t count, struct souk_price_list_put_reply *replies, uint32_t flags);

/* price_put: the price of a SKU in a list, by quantity */
struct souk_price_put {
    uint64_t home_id; /* the list, which must exist */
    uint64_t sku_id; /* souk_id(code) */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    /* at most 8 struct souk_row_price_tier; quantities ascending, the first is 1; empty = no price any more */
    struct souk_text tiers;
};
struct souk_price_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_price_put(struct souk_client *client, const struct souk_price_put *record,
    struct souk_price_put_reply *reply);
int souk_price_put_async(struct souk_client *client, const struct souk_price_put *record,
    souk_callback *callback, void *context);
int souk_price_put_batch(struct souk_client *client, const struct souk_price_put *records,
    uint32_t count, struct souk_price_put_reply *replies, uint32_t flags);

/* promotion_put: create a promotion or change it */
struct souk_promotion_put {
    uint64_t home_id; /* the promotion: souk_id of a name */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    int64_t value; /* percent: hundredths of a percent; fixed: minor units; else 0 */
    int64_t threshold; /* only if the goods it is about cost so much; 0 = always */
    uint64_t sku_id; /* only for this SKU; 0 = for all lines */
    uint64_t group_id; /* only for this customer group; 0 = everybody */
    uint64_t coupon_id; /* only with this coupon; 0 = automatic */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    int64_t per_customer; /* uses of the coupon per customer; 0 = no limit */
    uint32_t buy; /* N of N-for-M */
    uint32_t pay; /* M of N-for-M, 1 to N - 1 */
    uint32_t priority; /* applied from the highest on; then the lowest id */
    uint16_t kind; /* 1 percent off, 2 fixed amount off, 3 N for M, 4 free shipping */
    uint16_t currency; /* 0 = any; a fixed amount and a threshold need one */
    uint16_t is_exclusive; /* 1 = where it applies, nothing after it does */
    /* 1 = the coupon's uses are limited: they are stock of the resource coupon */
    uint16_t is_limited;
    uint16_t is_off; /* 1 = not used */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* 1 to 63 bytes */
};
struct souk_promotion_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_promotion_put(struct souk_client *client, const struct souk_promotion_put *record,
    struct souk_promotion_put_reply *reply);
int souk_promotion_put_async(struct souk_client *client, const struct souk_promotion_put *record,
    souk_callback *callback, void *context);
int souk_promotion_put_batch(struct souk_client *client, const struct souk_promotion_put *records,
    uint32_t count, struct souk_promotion_put_reply *replies, uint32_t flags);

/* policy_put: times and limits of carts and orders of the whole shop */
struct souk_policy_put {
    uint64_t home_id; /* 1 */
    uint64_t if_version; /* 0 = any; else the version it must have */
    uint64_t cart_guest_ms; /* a guest's cart is forgotten so long after its last change */
    uint64_t cart_user_ms; /* a user's cart likewise */
    uint64_t payment_lease_ms; /* an authorisation without an answer is asked for after this */
    uint64_t unpaid_ms; /* an order that is not authorised after this gives its stock back */
    uint64_t answer_ms; /* a capture, void or refund without an answer is asked for after this */
    uint64_t backoff_ms; /* first wait after a nack; doubles */
    uint64_t backoff_max_ms; /* longest wait */
    uint64_t return_window_ms; /* returns are accepted so long after delivery; 0 = always */
    uint32_t deliveries_max; /* a command delivered so often without success is dead */
    /* captures, voids and refunds are tried so often after failures that were proven */
    uint32_t attempts_max;
};
struct souk_policy_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_policy_put(struct souk_client *client, const struct souk_policy_put *record,
    struct souk_policy_put_reply *reply);
int souk_policy_put_async(struct souk_client *client, const struct souk_policy_put *record,
    souk_callback *callback, void *context);
int souk_policy_put_batch(struct souk_client *client, const struct souk_policy_put *records,
    uint32_t count, struct souk_policy_put_reply *replies, uint32_t flags);

/* price_list_get: a price list */
struct souk_price_list_get {
    uint64_t home_id; /* the list */
};
struct souk_price_list_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the list */
    uint64_t price_count; /* SKUs that have a price in it */
    uint64_t group_id; /* customer group that it is for; 0 = everybody */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    /* of several lists that have a price, the highest wins; then the lowest id */
    uint32_t priority;
    uint16_t currency; /* ISO 4217 number */
    uint16_t is_off; /* 1 = not used */
    struct souk_text64 name; /* as put */
};
int souk_price_list_get(struct souk_client *client, const struct souk_price_list_get *record,
    struct souk_price_list_get_reply *reply);
int souk_price_list_get_async(struct souk_client *client, const struct souk_price_list_get *record,
    souk_callback *callback, void *context);
int souk_price_list_get_batch(struct souk_client *client, const struct souk_price_list_get *records,
    uint32_t count, struct souk_price_list_get_reply *replies, uint32_t flags);

/* price_get: the price of a SKU in a list */
struct souk_price_get {
    uint64_t home_id; /* the list */
    uint64_t sku_id; /* souk_id(code) */
};
struct souk_price_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the price */
    struct souk_text tiers; /* at most 8 struct souk_row_price_tier; as put */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_price_get(struct souk_client *client, const struct souk_price_get *record,
    struct souk_price_get_reply *reply);
int souk_price_get_async(struct souk_client *client, const struct souk_price_get *record,
    souk_callback *callback, void *context);
int souk_price_get_batch(struct souk_client *client, const struct souk_price_get *records,
    uint32_t count, struct souk_price_get_reply *replies, uint32_t flags);

/* promotion_get: a promotion */
struct souk_promotion_get {
    uint64_t home_id; /* the promotion */
};
struct souk_promotion_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the promotion */
    int64_t value; /* percent: hundredths of a percent; fixed: minor units; else 0 */
    int64_t threshold; /* only if the goods it is about cost so much; 0 = always */
    uint64_t sku_id; /* only for this SKU; 0 = for all lines */
    uint64_t group_id; /* only for this customer group; 0 = everybody */
    uint64_t coupon_id; /* only with this coupon; 0 = automatic */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    int64_t per_customer; /* uses of the coupon per customer; 0 = no limit */
    uint32_t buy; /* N of N-for-M */
    uint32_t pay; /* M of N-for-M, 1 to N - 1 */
    uint32_t priority; /* applied from the highest on; then the lowest id */
    uint16_t kind; /* 1 percent off, 2 fixed amount off, 3 N for M, 4 free shipping */
    uint16_t currency; /* 0 = any; a fixed amount and a threshold need one */
    uint16_t is_exclusive; /* 1 = where it applies, nothing after it does */
    /* 1 = the coupon's uses are limited: they are stock of the resource coupon */
    uint16_t is_limited;
    uint16_t is_off; /* 1 = not used */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* as put */
};
int souk_promotion_get(struct souk_client *client, const struct souk_promotion_get *record,
    struct souk_promotion_get_reply *reply);
int souk_promotion_get_async(struct souk_client *client, const struct souk_promotion_get *record,
    souk_callback *callback, void *context);
int souk_promotion_get_batch(struct souk_client *client, const struct souk_promotion_get *records,
    uint32_t count, struct souk_promotion_get_reply *replies, uint32_t flags);

/* policy_get: the policy in force */
struct souk_policy_get {
    uint64_t home_id; /* 1 */
};
struct souk_policy_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* 0 = as built in */
    uint64_t cart_guest_ms; /* a guest's cart is forgotten so long after its last change */
    uint64_t cart_user_ms; /* a user's cart likewise */
    uint64_t payment_lease_ms; /* an authorisation without an answer is asked for after this */
    uint64_t unpaid_ms; /* an order that is not authorised after this gives its stock back */
    uint64_t answer_ms; /* a capture, void or refund without an answer is asked for after this */
    uint64_t backoff_ms; /* first wait after a nack; doubles */
    uint64_t backoff_max_ms; /* longest wait */
    uint64_t return_window_ms; /* returns are accepted so long after delivery; 0 = always */
    uint32_t deliveries_max; /* a command delivered so often without success is dead */
    /* captures, voids and refunds are tried so often after failures that were proven */
    uint32_t attempts_max;
};
int souk_policy_get(struct souk_client *client, const struct souk_policy_get *record,
    struct souk_policy_get_reply *reply);
int souk_policy_get_async(struct souk_client *client, const struct souk_policy_get *record,
    souk_callback *callback, void *context);
int souk_policy_get_batch(struct souk_client *client, const struct souk_policy_get *records,
    uint32_t count, struct souk_policy_get_reply *replies, uint32_t flags);

/* setting_status: on how many shards a version of a setting is in force; may wait for all */
struct souk_setting_status {
    uint64_t home_id; /* the list, promotion, or 1 */
    uint64_t key; /* of a price: the SKU; else 0 */
    uint16_t kind; /* enum setting_kind: 1 price list, 2 price, 3 promotion, 4 policy */
    uint16_t zero0; /* reserved: 0 */
    uint32_t wait_ms; /* wait so long until it is in force everywhere, up to a minute */
};
struct souk_setting_status_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* the latest one */
    uint32_t pending; /* shards on which it is not in force yet */
    uint32_t zero0; /* reserved: 0 */
};
int souk_setting_status(struct souk_client *client, const struct souk_setting_status *record,
    struct souk_setting_status_reply *reply);
int souk_setting_status_async(struct souk_client *client, const struct souk_setting_status *record,
    souk_callback *callback, void *context);
int souk_setting_status_batch(struct souk_client *client, const struct souk_setting_status *records,
    uint32_t count, struct souk_setting_status_reply *replies, uint32_t flags);

/* checkout: order the lines of a cart, or those given; asking again returns the same order */
struct souk_checkout {
    /* chosen by the client: high half the user id, low half milliseconds since 1970 in the upper 48 bits and 16 free bits */
    struct souk_id128 order;
    uint64_t cart_version; /* with from_cart: the version the cart must have; 0 = any */
    uint64_t group_id; /* customer group, attested by the caller; 0 = none */
    /* what the shopper saw, tax and shipping included; tenders add up to it */
    int64_t expected_total;
    uint16_t currency; /* ISO 4217 number */
    uint16_t capture; /* 0 now, 1 when shipped */
    uint16_t from_cart; /* 1 = the lines and coupons of the user's cart; else those below */
    uint16_t zero0; /* reserved: 0 */
    /* at most 2000 struct souk_row_checkout_line; what to order; empty with from_cart */
    struct souk_text lines;
    /* at most 4000 struct souk_row_charge; tax, shipping and fees, worked out by the caller */
    struct souk_text charges;
    /* at most 8 struct souk_row_tender; how it is paid; empty only for a total of 0 */
    struct souk_text tenders;
    struct souk_text coupons; /* at most 8 struct souk_row_coupon; codes; empty with from_cart */
    /* at most 4096 bytes; addresses and whatever else belongs to the order; opaque */
    struct souk_text address;
};
struct souk_checkout_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state; 0 = there is no such order */
    uint16_t reason; /* a status: why it failed, 0 = it has not */
    uint16_t is_settled; /* 1 = nothing moves by itself now */
    uint16_t failed_count; /* lines that failed: checkout_status names them */
    uint64_t cart_version; /* with from_cart: of the cart */
    struct souk_id128 frozen_by; /* with CART_FROZEN: the other order */
    int64_t total; /* minor units; 0 while prices are not known */
    int64_t authorized; /* ever, gift cards and credit included */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
};
int souk_checkout(struct souk_client *client, const struct souk_checkout *record,
    struct souk_checkout_reply *reply);
int souk_checkout_async(struct souk_client *client, const struct souk_checkout *record,
    souk_callback *callback, void *context);
int souk_checkout_batch(struct souk_client *client, const struct souk_checkout *records,
    uint32_t count, struct souk_checkout_reply *replies, uint32_t flags);

/* checkout_status: how far an order is, and which lines failed; may wait for it to settle */
struct souk_checkout_status {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* who asks: the owner; 0 = the shop itself */
    uint32_t wait_ms; /* wait so long until it settles, up to a minute */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_checkout_status_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state */
    uint16_t reason; /* a status: why it failed, 0 = it has not */
    uint16_t is_settled; /* 1 = nothing moves by itself now */
    uint16_t summary; /* enum order_summary */
    uint64_t since_ns; /* log time at which it came into the state */
    int64_t total; /* minor units; 0 while prices are not known */
    int64_t authorized; /* ever, gift cards and credit included */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
    /* at most 2000 struct souk_row_failed_line; lines that could not be ordered */
    struct souk_text failed;
    /* at most 2048 bytes; with ACTION_REQUIRED: what the shopper must do, in the provider's words */
    struct souk_text action;
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_checkout_status(struct souk_client *client, const struct souk_checkout_status *record,
    struct souk_checkout_status_reply *reply);
int souk_checkout_status_async(struct souk_client *client, const struct souk_checkout_status *record,
    souk_callback *callback, void *context);
int souk_checkout_status_batch(struct souk_client *client, const struct souk_checkout_status *records,
    uint32_t count, struct souk_checkout_status_reply *replies, uint32_t flags);

/* checkout_cancel: give an order up before it is placed */
struct souk_checkout_cancel {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* who asks: the owner; 0 = the shop itself */
    uint16_t reason; /* 1 customer, 2 declined, 3 fraud, 4 inventory, 5 staff, 6 other, 7 expired */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_checkout_cancel_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
int souk_checkout_cancel(struct souk_client *client, const struct souk_checkout_cancel *record,
    struct souk_checkout_cancel_reply *reply);
int souk_checkout_cancel_async(struct souk_client *client, const struct souk_checkout_cancel *record,
    souk_callback *callback, void *context);
int souk_checkout_cancel_batch(struct souk_client *client, const struct souk_checkout_cancel *records,
    uint32_t count, struct souk_checkout_cancel_reply *replies, uint32_t flags);

/* command_poll: lease one command for the outside world per record */
struct souk_command_poll {
    uint32_t group; /* of the tenders; 0 = any */
    uint32_t kinds; /* bits 1 << kind; 0 = any */
    uint64_t lease_ms; /* 1 ms to an hour; 0 = a minute */
};
struct souk_command_poll_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    struct souk_id128 order; /* whose command */
    uint64_t lease; /* to be shown with ack, nack and event */
    uint64_t leased_until_ns; /* log time; then somebody else gets it */
    int64_t amount; /* minor units */
    uint64_t user_id; /* owner of the order */
    /* number of the command within the order; the provider's idempotency key is souk_command_key() */
    uint32_t step;
    uint32_t attempt; /* part of the key */
    /* query, void, refund, capture: step of the authorisation or command it is about */
    uint32_t subject;
    uint32_t delivery; /* 1 = leased for the first time */
    uint32_t group; /* of the tender */
    uint16_t kind; /* 1 authorize, 2 capture, 3 void, 4 refund, 5 query, 6 notify shipped */
    uint16_t subject_kind; /* query: kind of the command it is about */
    uint16_t tender; /* index of the tender; notify shipped: 0 */
    uint16_t currency; /* ISO 4217 number */
    uint32_t subject_attempt; /* query: attempt of the command it is about */
    struct souk_text64 token; /* of the tender; notify shipped: the tracking number */
    struct souk_text64 reference; /* the provider's, if known; notify shipped: the carrier */
};
int souk_command_poll(struct souk_client *client, uint16_t shard, const struct souk_command_poll *record,
    struct souk_command_poll_reply *reply);
int souk_command_poll_async(struct souk_client *client, uint16_t shard, const struct souk_command_poll *record,
    souk_callback *callback, void *context);
int souk_command_poll_batch(struct souk_client *client, uint16_t shard, const struct souk_command_poll *records,
    uint32_t count, struct souk_command_poll_reply *replies, uint32_t flags);

/* command_ack: a leased command was handed over; its result comes as an event */
struct souk_command_ack {
    struct souk_id128 order; /* whose command */
    uint64_t lease; /* as leased */
    uint32_t step; /* as leased */
    uint32_t attempt; /* as leased */
};
struct souk_command_ack_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
int souk_command_ack(struct souk_client *client, const struct souk_command_ack *record,
    struct souk_command_ack_reply *reply);
int souk_command_ack_async(struct souk_client *client, const struct souk_command_ack *record,
    souk_callback *callback, void *context);
int souk_command_ack_batch(struct souk_client *client, const struct souk_command_ack *records,
    uint32_t count, struct souk_command_ack_reply *replies, uint32_t flags);

/* command_nack: a leased command was not done; it is tried again later */
struct souk_command_nack {
    struct souk_id128 order; /* whose command */
    uint64_t lease; /* as leased */
    uint32_t step; /* as leased */
    uint32_t attempt; /* as leased */
    uint64_t delay_ms; /* try again after this; 0 = as the policy says */
    uint32_t reason; /* a number that means something to the shop */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_command_nack_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t due_ns; /* log time at which it is ready again; 0 = it is dead */
    uint16_t state; /* enum saga_state, after it */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
int souk_command_nack(struct souk_client *client, const struct souk_command_nack *record,
    struct souk_command_nack_reply *reply);
int souk_command_nack_async(struct souk_client *client, const struct souk_command_nack *record,
    souk_callback *callback, void *context);
int souk_command_nack_batch(struct souk_client *client, const struct souk_command_nack *records,
    uint32_t count, struct souk_command_nack_reply *replies, uint32_t flags);

/* command_wait: wait until a command is ready */
struct souk_command_wait {
    uint32_t group; /* of the tenders; 0 = any */
    uint32_t kinds; /* bits 1 << kind; 0 = any */
    uint32_t wait_ms; /* wait so long until one is ready, up to a minute */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_command_wait_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t ready; /* commands that a poll would get now */
    uint64_t dead; /* commands that were given up */
};
int souk_command_wait(struct souk_client *client, uint16_t shard, const struct souk_command_wait *record,
    struct souk_command_wait_reply *reply);
int souk_command_wait_async(struct souk_client *client, uint16_t shard, const struct souk_command_wait *record,
    souk_callback *callback, void *context);

/* command_list: commands that are ready, leased, waiting or dead */
struct souk_command_list {
    struct souk_id128 after; /* order of the last row of the page before; 0 = from the start */
    uint32_t after_step; /* step of that row */
    uint32_t states; /* bits 1 << state; 0 = those that are not done */
};
struct souk_command_list_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t more; /* 1 = there are more */
    struct souk_text commands; /* at most 512 struct souk_row_command; by order and step */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_command_list(struct souk_client *client, uint16_t shard, const struct souk_command_list *record,
    struct souk_command_list_reply *reply);
int souk_command_list_async(struct souk_client *client, uint16_t shard, const struct souk_command_list *record,
    souk_callback *callback, void *context);

/* payment_event: what the payment provider said, in any order, any number of times */
struct souk_payment_event {
    struct souk_id128 order; /* the order */
    uint64_t lease; /* of the command that this answers; 0 = from a webhook */
    int64_t amount; /* minor units that the provider says; 0 where the kind has none */
    uint64_t provider_time_ns; /* when the provider says it happened; 0 = not told */
    /* step of the command that this is the result of; 0 = not known: the tender's latest of that kind */
    uint32_t step;
    uint32_t attempt; /* of that command; 0 = not known */
    /* 1 authorized, 2 declined, 3 action required, 4 captured, 5 capture failed, 6 voided, 7 void failed, 8 refunded, 9 refund failed, 10 charged back, 11 authorisation expired, 12 unknown, 13 no such payment */
    uint16_t kind;
    uint16_t tender; /* index of the tender, if step is 0 */
    uint16_t currency; /* ISO 4217 number */
    uint16_t reason; /* a number that means something to the shop */
    /* the provider's id of the payment, capture, refund or dispute; events with the same one and the same kind are the same event */
    struct souk_text64 reference;
    /* at most 2048 bytes; with action required: what the shopper must do */
    struct souk_text action;
};
struct souk_payment_event_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it */
    /* 1 applied, 2 seen before, 3 stale: recorded without effect, 4 recorded and flagged, 5 late: stock is being taken again, 6 late: given back */
    uint16_t effect;
    uint32_t zero0; /* reserved: 0 */
    int64_t total; /* minor units; 0 while prices are not known */
    int64_t authorized; /* ever, gift cards and credit included */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
};
int souk_payment_event(struct souk_client *client, const struct souk_payment_event *record,
    struct souk_payment_event_reply *reply);
int souk_payment_event_async(struct souk_client *client, const struct souk_payment_event *record,
    souk_callback *callback, void *context);
int souk_payment_event_batch(struct souk_client *client, const struct souk_payment_event *records,
    uint32_t count, struct souk_payment_event_reply *replies, uint32_t flags);

/* payment_capture: capture up to a total */
struct souk_payment_capture {
    struct souk_id128 order; /* the order */
    /* minor units captured in total when it is done; repeating it does nothing */
    int64_t captured_total;
    uint16_t tender; /* index of the tender */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_payment_capture_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it */
    uint16_t zero0; /* reserved: 0 */
    uint32_t step; /* of the command; 0 = nothing to do */
    int64_t total; /* minor units; 0 while prices are not known */
    int64_t authorized; /* ever, gift cards and credit included */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
};
int souk_payment_capture(struct souk_client *client, const struct souk_payment_capture *record,
    struct souk_payment_capture_reply *reply);
int souk_payment_capture_async(struct souk_client *client, const struct souk_payment_capture *record,
    souk_callback *callback, void *context);
int souk_payment_capture_batch(struct souk_client *client, const struct souk_payment_capture *records,
    uint32_t count, struct souk_payment_capture_reply *replies, uint32_t flags);

/* payment_refund: refund up to a total */
struct souk_payment_refund {
    struct souk_id128 order; /* the order */
    /* minor units refunded in total, over all tenders, when it is done; repeating it does nothing */
    int64_t refunded_total;
    uint64_t reason; /* stored in the history */
};
struct souk_payment_refund_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it */
    uint16_t zero0; /* reserved: 0 */
    uint32_t step; /* of the first command; 0 = nothing to do */
    int64_t total; /* minor units; 0 while prices are not known */
    int64_t authorized; /* ever, gift cards and credit included */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
};
int souk_payment_refund(struct souk_client *client, const struct souk_payment_refund *record,
    struct souk_payment_refund_reply *reply);
int souk_payment_refund_async(struct souk_client *client, const struct souk_payment_refund *record,
    souk_callback *callback, void *context);
int souk_payment_refund_batch(struct souk_client *client, const struct souk_payment_refund *records,
    uint32_t count, struct souk_payment_refund_reply *replies, uint32_t flags);

/* payment_get: the payment ledger of an order */
struct souk_payment_get {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* who asks: the owner; 0 = the shop itself */
};
struct souk_payment_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state */
    /* 0 none, 1 part authorized, 2 authorized, 3 part paid, 4 paid, 5 refunding, 6 refunded, 7 unknown, 8 charged back */
    uint16_t payment;
    uint16_t currency; /* ISO 4217 number */
    uint16_t zero0; /* reserved: 0 */
    int64_t total; /* minor units; 0 while prices are not known */
    int64_t authorized; /* ever, gift cards and credit included */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
    struct souk_text tenders; /* at most 8 struct souk_row_order_tender; with their sums */
    struct souk_text commands; /* at most 512 struct souk_row_command; all of the order */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_payment_get(struct souk_client *client, const struct souk_payment_get *record,
    struct souk_payment_get_reply *reply);
int souk_payment_get_async(struct souk_client *client, const struct souk_payment_get *record,
    souk_callback *callback, void *context);
int souk_payment_get_batch(struct souk_client *client, const struct souk_payment_get *records,
    uint32_t count, struct souk_payment_get_reply *replies, uint32_t flags);

/* payment_find: the order of a provider's reference */
struct souk_payment_find {
    struct souk_text64 reference; /* the provider's */
};
struct souk_payment_find_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    struct souk_id128 order; /* the order */
    uint32_t tender; /* index of the tender */
    uint32_t zero0; /* reserved: 0 */
};
int souk_payment_find(struct souk_client *client, uint16_t shard, const struct souk_payment_find *record,
    struct souk_payment_find_reply *reply);
int souk_payment_find_async(struct souk_client *client, uint16_t shard, const struct souk_payment_find *record,
    souk_callback *callback, void *context);

/* stuck_list: orders that wait for the outside world, oldest first */
struct souk_stuck_list {
    struct souk_id128 after; /* order of the last row of the page before; 0 = from the start */
    uint64_t after_since_ns; /* since_ns of that row */
    uint64_t older_ms; /* only those that have waited longer than this */
    uint32_t states; /* bits 1 << state; 0 = all that wait */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_stuck_list_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t more; /* 1 = there are more */
    struct souk_text orders; /* at most 512 struct souk_row_stuck; longest waiting first */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_stuck_list(struct souk_client *client, uint16_t shard, const struct souk_stuck_list *record,
    struct souk_stuck_list_reply *reply);
int souk_stuck_list_async(struct souk_client *client, uint16_t shard, const struct souk_stuck_list *record,
    souk_callback *callback, void *context);

/* order_resolve: an operator decides about an order that is stuck */
struct souk_order_resolve {
    struct souk_id128 order; /* the order */
    uint16_t decision; /* 1 retry what is dead or failed, 2 take it for paid, 3 cancel */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text64 actor; /* who decides; not empty */
    struct souk_text64 reason; /* why; not empty */
};
struct souk_order_resolve_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
int souk_order_resolve(struct souk_client *client, const struct souk_order_resolve *record,
    struct souk_order_resolve_reply *reply);
int souk_order_resolve_async(struct souk_client *client, const struct souk_order_resolve *record,
    souk_callback *callback, void *context);
int souk_order_resolve_batch(struct souk_client *client, const struct souk_order_resolve *records,
    uint32_t count, struct souk_order_resolve_reply *replies, uint32_t flags);

/* order_get: everything bought, with amounts, tenders, parcels and returns */
struct souk_order_get {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* who asks: the owner; 0 = the shop itself */
};
struct souk_order_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    struct souk_id128 order; /* the order */
    uint64_t owner; /* who may see it */
    uint64_t group_id; /* customer group */
    uint64_t created_at_ns; /* log time */
    uint64_t placed_at_ns; /* log time; 0 = not */
    uint64_t changed_at_ns; /* log time */
    uint16_t state; /* enum saga_state */
    uint16_t summary; /* enum order_summary */
    uint16_t payment; /* as in payment_get */
    uint16_t fulfilment; /* 0 none, 1 part shipped, 2 shipped, 3 delivered */
    uint16_t returned; /* 0 none, 1 requested, 2 part returned, 3 returned */
    uint16_t reason; /* a status: why it failed, 0 = it has not */
    uint16_t currency; /* ISO 4217 number */
    uint16_t capture; /* 0 now, 1 when shipped */
    int64_t goods; /* sum of quantity x unit price */
    int64_t discount; /* sum of all discounts */
    int64_t charges; /* tax, shipping and fees */
    int64_t total; /* minor units; 0 while prices are not known */
    int64_t authorized; /* ever, gift cards and credit included */
    int64_t captured; /* at most authorized */
    int64_t refunded; /* at most captured */
    int64_t charged_back; /* taken back by the bank */
    int64_t owed; /* total less what was given up by cancels and returns */
    /* at most 2000 struct souk_row_order_line; as bought, with their quantities */
    struct souk_text lines;
    struct souk_text amounts; /* at most 8000 struct souk_row_amount; with their rules */
    struct souk_text tenders; /* at most 8 struct souk_row_order_tender; with their sums */
    struct souk_text parcels; /* at most 64 struct souk_row_parcel; fulfilments */
    struct souk_text returns; /* at most 64 struct souk_row_return; returns */
    struct souk_text parts; /* at most 4000 struct souk_row_part; lines of parcels and returns */
    struct souk_text address; /* at most 4096 bytes; as given */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_order_get(struct souk_client *client, const struct souk_order_get *record,
    struct souk_order_get_reply *reply);
int souk_order_get_async(struct souk_client *client, const struct souk_order_get *record,
    souk_callback *callback, void *context);
int souk_order_get_batch(struct souk_client *client, const struct souk_order_get *records,
    uint32_t count, struct souk_order_get_reply *replies, uint32_t flags);

/* order_events: what happened to an order, in order */
struct souk_order_events {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* who asks: the owner; 0 = the shop itself */
    uint32_t after; /* number of the last event known; 0 = from the start */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_order_events_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t more; /* 1 = there are more */
    struct souk_text events; /* at most 512 struct souk_row_order_event; in order */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_order_events(struct souk_client *client, const struct souk_order_events *record,
    struct souk_order_events_reply *reply);
int souk_order_events_async(struct souk_client *client, const struct souk_order_events *record,
    souk_callback *callback, void *context);
int souk_order_events_batch(struct souk_client *client, const struct souk_order_events *records,
    uint32_t count, struct souk_order_events_reply *replies, uint32_t flags);

/* order_list: orders of a user, newest first */
struct souk_order_list {
    uint64_t user_id; /* whose orders */
    struct souk_id128 after; /* order of the last row of the page before; 0 = from the newest */
    uint64_t after_created_ns; /* created_at_ns of that row */
    uint64_t from_ns; /* created at or after this; 0 = any */
    uint64_t until_ns; /* created before this; 0 = any */
    uint32_t summaries; /* bits 1 << summary; bit 0: orders of other shards; 0 = all */
    uint32_t limit; /* rows, 1 to 512; 0 = 50 */
};
struct souk_order_list_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t more; /* 1 = there are more, or may be: filters look at so many at a time */
    uint64_t count; /* orders in the user's history, filters aside */
    struct souk_id128 next; /* with more: `after` of the next page */
    uint64_t next_created_ns; /* with more: `after_created_ns` of the next page */
    struct souk_text orders; /* at most 512 struct souk_row_order_brief; newest first */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_order_list(struct souk_client *client, const struct souk_order_list *record,
    struct souk_order_list_reply *reply);
int souk_order_list_async(struct souk_client *client, const struct souk_order_list *record,
    souk_callback *callback, void *context);
int souk_order_list_batch(struct souk_client *client, const struct souk_order_list *records,
    uint32_t count, struct souk_order_list_reply *replies, uint32_t flags);

/* order_cancel: cancel an order, or units of its lines, before they are shipped */
struct souk_order_cancel {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* who asks: the owner; 0 = the shop itself */
    uint16_t reason; /* as in checkout_cancel */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    /* at most 2000 struct souk_row_line_quantity; units cancelled in total of each line; empty = all that is not shipped */
    struct souk_text lines;
};
struct souk_order_cancel_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_order_cancel(struct souk_client *client, const struct souk_order_cancel *record,
    struct souk_order_cancel_reply *reply);
int souk_order_cancel_async(struct souk_client *client, const struct souk_order_cancel *record,
    souk_callback *callback, void *context);
int souk_order_cancel_batch(struct souk_client *client, const struct souk_order_cancel *records,
    uint32_t count, struct souk_order_cancel_reply *replies, uint32_t flags);

/* order_attach: give a guest's order to an account */
struct souk_order_attach {
    struct souk_id128 order; /* of a guest */
    uint64_t user_id; /* the account that gets it */
};
struct souk_order_attach_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_order_attach(struct souk_client *client, const struct souk_order_attach *record,
    struct souk_order_attach_reply *reply);
int souk_order_attach_async(struct souk_client *client, const struct souk_order_attach *record,
    souk_callback *callback, void *context);
int souk_order_attach_batch(struct souk_client *client, const struct souk_order_attach *records,
    uint32_t count, struct souk_order_attach_reply *replies, uint32_t flags);

/* fulfil_create: plan a parcel: lines and quantities */
struct souk_fulfil_create {
    struct souk_id128 order; /* the order */
    uint32_t number; /* of the parcel, from 1; the same number and lines again: the same parcel */
    uint32_t zero0; /* reserved: 0 */
    /* at most 2000 struct souk_row_line_quantity; what is in it; empty = all that is not in a parcel yet */
    struct souk_text lines;
};
struct souk_fulfil_create_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_fulfil_create(struct souk_client *client, const struct souk_fulfil_create *record,
    struct souk_fulfil_create_reply *reply);
int souk_fulfil_create_async(struct souk_client *client, const struct souk_fulfil_create *record,
    souk_callback *callback, void *context);
int souk_fulfil_create_batch(struct souk_client *client, const struct souk_fulfil_create *records,
    uint32_t count, struct souk_fulfil_create_reply *replies, uint32_t flags);

/* fulfil_ship: a parcel has left */
struct souk_fulfil_ship {
    struct souk_id128 order; /* the order */
    uint32_t number; /* of the parcel */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text64 carrier; /* may be empty */
    struct souk_text64 tracking; /* may be empty */
};
struct souk_fulfil_ship_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_fulfil_ship(struct souk_client *client, const struct souk_fulfil_ship *record,
    struct souk_fulfil_ship_reply *reply);
int souk_fulfil_ship_async(struct souk_client *client, const struct souk_fulfil_ship *record,
    souk_callback *callback, void *context);
int souk_fulfil_ship_batch(struct souk_client *client, const struct souk_fulfil_ship *records,
    uint32_t count, struct souk_fulfil_ship_reply *replies, uint32_t flags);

/* fulfil_deliver: a parcel has arrived */
struct souk_fulfil_deliver {
    struct souk_id128 order; /* the order */
    uint32_t number; /* of the parcel */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_fulfil_deliver_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_fulfil_deliver(struct souk_client *client, const struct souk_fulfil_deliver *record,
    struct souk_fulfil_deliver_reply *reply);
int souk_fulfil_deliver_async(struct souk_client *client, const struct souk_fulfil_deliver *record,
    souk_callback *callback, void *context);
int souk_fulfil_deliver_batch(struct souk_client *client, const struct souk_fulfil_deliver *records,
    uint32_t count, struct souk_fulfil_deliver_reply *replies, uint32_t flags);

/* fulfil_cancel: a planned parcel is not sent */
struct souk_fulfil_cancel {
    struct souk_id128 order; /* the order */
    uint32_t number; /* of the parcel */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_fulfil_cancel_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_fulfil_cancel(struct souk_client *client, const struct souk_fulfil_cancel *record,
    struct souk_fulfil_cancel_reply *reply);
int souk_fulfil_cancel_async(struct souk_client *client, const struct souk_fulfil_cancel *record,
    souk_callback *callback, void *context);
int souk_fulfil_cancel_batch(struct souk_client *client, const struct souk_fulfil_cancel *records,
    uint32_t count, struct souk_fulfil_cancel_reply *replies, uint32_t flags);

/* return_open: ask to return units of lines */
struct souk_return_open {
    struct souk_id128 order; /* the order */
    uint64_t user_id; /* who asks: the owner; 0 = the shop itself */
    uint32_t number; /* of the return, from 1; the same number and lines again: the same return */
    uint16_t reason; /* a number that means something to the shop */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text lines; /* at most 2000 struct souk_row_line_quantity; what is to come back */
};
struct souk_return_open_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_return_open(struct souk_client *client, const struct souk_return_open *record,
    struct souk_return_open_reply *reply);
int souk_return_open_async(struct souk_client *client, const struct souk_return_open *record,
    souk_callback *callback, void *context);
int souk_return_open_batch(struct souk_client *client, const struct souk_return_open *records,
    uint32_t count, struct souk_return_open_reply *replies, uint32_t flags);

/* return_decide: approve or reject a return */
struct souk_return_decide {
    struct souk_id128 order; /* the order */
    uint32_t number; /* of the return */
    uint16_t approved; /* 1 approved, 0 rejected */
    uint16_t zero0; /* reserved: 0 */
};
struct souk_return_decide_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_return_decide(struct souk_client *client, const struct souk_return_decide *record,
    struct souk_return_decide_reply *reply);
int souk_return_decide_async(struct souk_client *client, const struct souk_return_decide *record,
    souk_callback *callback, void *context);
int souk_return_decide_batch(struct souk_client *client, const struct souk_return_decide *records,
    uint32_t count, struct souk_return_decide_reply *replies, uint32_t flags);

/* return_receive: returned units came in, sellable or damaged */
struct souk_return_receive {
    struct souk_id128 order; /* the order */
    uint32_t number; /* of the return */
    uint32_t zero0; /* reserved: 0 */
    /* at most 2000 struct souk_row_line_quantity; received in total of each line, of them damaged; what is missing is not named */
    struct souk_text lines;
};
struct souk_return_receive_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_return_receive(struct souk_client *client, const struct souk_return_receive *record,
    struct souk_return_receive_reply *reply);
int souk_return_receive_async(struct souk_client *client, const struct souk_return_receive *record,
    souk_callback *callback, void *context);
int souk_return_receive_batch(struct souk_client *client, const struct souk_return_receive *records,
    uint32_t count, struct souk_return_receive_reply *replies, uint32_t flags);

/* return_refund: refund a return and close it */
struct souk_return_refund {
    struct souk_id128 order; /* the order */
    uint32_t number; /* of the return */
    uint32_t zero0; /* reserved: 0 */
    int64_t amount; /* minor units; -1 = what was paid for the units received */
};
struct souk_return_refund_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint16_t state; /* enum saga_state, after it; 0 = there is no such order */
    uint16_t summary; /* enum order_summary */
    uint32_t line; /* of a refusal: index of the line; 2^32-1 = none */
    int64_t refund; /* minor units that this step gives back; 0 = none */
};
int souk_return_refund(struct souk_client *client, const struct souk_return_refund *record,
    struct souk_return_refund_reply *reply);
int souk_return_refund_async(struct souk_client *client, const struct souk_return_refund *record,
    souk_callback *callback, void *context);
int souk_return_refund_batch(struct souk_client *client, const struct souk_return_refund *records,
    uint32_t count, struct souk_return_refund_reply *replies, uint32_t flags);

/* search: products that match words and filters, ranked, with facets */
struct souk_search {
    uint64_t user_id; /* whose recent categories count a little more; 0 = nobody in particular */
    uint64_t profile_id; /* ranking profile; 0 = the built-in one */
    uint64_t collection_id; /* only what is in this collection; 0 = all */
    uint64_t only_product_id; /* only this product, e.g. to have it explained; 0 = all */
    uint32_t limit; /* hits wanted, 0 to 100 */
    uint32_t offset; /* hits to leave out, 0 to 10,000; beyond that, follow the cursor */
    uint32_t deadline_ms; /* answer with what has been found by then; 0 = when all is found */
    /* bits: 1 explain the scores, 2 no typos, 4 the last word is whole, 8 all words must match, 16 the total may be a lower bound, 32 no curation, 64 also what is not visible */
    uint16_t flags;
    /* 0 relevance, 1 price, 2 price from the highest, 3 newest, 4 popularity, 5 rating, 6 discount */
    uint16_t sort;
    uint16_t ads; /* sponsored slots wanted, 0 to 10 */
    uint16_t bars; /* bars of the histogram of a number facet, 0 to 50 */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text query; /* at most 1024 bytes; words, "phrases", -words; empty = everything */
    /* at most 4096 bytes; an expression: brand:acme AND price:100..500; empty = none */
    struct souk_text filter;
    /* at most 1024 bytes; names with commas, each with :values wanted; empty = none */
    struct souk_text facets;
    /* at most 128 bytes; of the answer before, to go on; empty = from the beginning */
    struct souk_text cursor;
};
struct souk_search_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t total; /* products that match */
    /* bits: 1 partial: the deadline came, 2 words were corrected, 4 words were dropped, 8 the total is a lower bound, 16 the index is being rebuilt */
    uint32_t notes;
    uint32_t error_at; /* BAD_FILTER, BAD_QUERY: byte of the text at which it is wrong */
    uint16_t words; /* words of the query that count */
    uint16_t words_required; /* how many of them a match has at least */
    uint32_t zero0; /* reserved: 0 */
    /* at most 110 struct souk_row_hit; in order, sponsored slots among them */
    struct souk_text hits;
    struct souk_text highlights; /* at most 4096 struct souk_row_highlight; of the hits */
    /* at most 8192 struct souk_row_facet_value; by facet, then most matches first, then by value */
    struct souk_text values;
    struct souk_text ranges; /* at most 1024 struct souk_row_facet_range; by facet */
    struct souk_text shards; /* at most 256 struct souk_row_shard_span; who answered */
    struct souk_text cursor; /* at most 128 bytes; to go on; empty = that was the end */
    struct souk_text corrected; /* at most 1024 bytes; the query as it was understood */
    struct souk_text problem; /* at most 256 bytes; what is wrong, in words */
    struct souk_text explanation; /* at most 16384 bytes; lines of text, if asked for */
    struct souk_text texts; /* at most 262144 bytes; of hits and values */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_search(struct souk_client *client, const struct souk_search *record,
    struct souk_search_reply *reply);
int souk_search_async(struct souk_client *client, const struct souk_search *record,
    souk_callback *callback, void *context);
int souk_search_batch(struct souk_client *client, const struct souk_search *records,
    uint32_t count, struct souk_search_reply *replies, uint32_t flags);

/* suggest: words and products that begin like this */
struct souk_suggest {
    uint64_t category_id; /* only products of this category; 0 = all */
    uint32_t words; /* words wanted, 0 to 50 */
    uint32_t products; /* products wanted, 0 to 50 */
    struct souk_text query; /* at most 1024 bytes; what has been typed so far */
};
struct souk_suggest_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t zero0; /* reserved: 0 */
    /* at most 50 struct souk_row_completion; whole queries, the most frequent word first */
    struct souk_text completions;
    struct souk_text hits; /* at most 50 struct souk_row_hit; products, the best first */
    struct souk_text texts; /* at most 262144 bytes; of both */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_suggest(struct souk_client *client, const struct souk_suggest *record,
    struct souk_suggest_reply *reply);
int souk_suggest_async(struct souk_client *client, const struct souk_suggest *record,
    souk_callback *callback, void *context);
int souk_suggest_batch(struct souk_client *client, const struct souk_suggest *records,
    uint32_t count, struct souk_suggest_reply *replies, uint32_t flags);

/* query_stats: queries that are asked most, and those that found nothing */
struct souk_query_stats {
    uint32_t limit; /* rows of each, 1 to 100 */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_query_stats_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t asked; /* queries counted since the start */
    uint64_t empty; /* of them without a hit */
    struct souk_text popular; /* at most 100 struct souk_row_query_count; asked most first */
    /* at most 100 struct souk_row_query_count; without a hit, asked most first */
    struct souk_text hopeless;
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_query_stats(struct souk_client *client, uint16_t shard, const struct souk_query_stats *record,
    struct souk_query_stats_reply *reply);
int souk_query_stats_async(struct souk_client *client, uint16_t shard, const struct souk_query_stats *record,
    souk_callback *callback, void *context);

/* synonym_put: words that mean the same, one way or both */
struct souk_synonym_put {
    uint64_t home_id; /* the synonym: souk_id of a name */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    /* 0 = all mean the same; 1 = the first also finds the others, not the other way round */
    uint16_t is_one_way;
    uint16_t is_off; /* 1 = not used */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text words; /* at most 1024 bytes; words or phrases, with commas */
};
struct souk_synonym_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_synonym_put(struct souk_client *client, const struct souk_synonym_put *record,
    struct souk_synonym_put_reply *reply);
int souk_synonym_put_async(struct souk_client *client, const struct souk_synonym_put *record,
    souk_callback *callback, void *context);
int souk_synonym_put_batch(struct souk_client *client, const struct souk_synonym_put *records,
    uint32_t count, struct souk_synonym_put_reply *replies, uint32_t flags);

/* synonym_get: a synonym */
struct souk_synonym_get {
    uint64_t home_id; /* the synonym */
};
struct souk_synonym_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the synonym */
    /* 0 = all mean the same; 1 = the first also finds the others, not the other way round */
    uint16_t is_one_way;
    uint16_t is_off; /* 1 = not used */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text words; /* at most 1024 bytes; as put */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_synonym_get(struct souk_client *client, const struct souk_synonym_get *record,
    struct souk_synonym_get_reply *reply);
int souk_synonym_get_async(struct souk_client *client, const struct souk_synonym_get *record,
    souk_callback *callback, void *context);
int souk_synonym_get_batch(struct souk_client *client, const struct souk_synonym_get *records,
    uint32_t count, struct souk_synonym_get_reply *replies, uint32_t flags);

/* stop_words_put: words that a query may leave out */
struct souk_stop_words_put {
    uint64_t home_id; /* the list: souk_id of a name */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint16_t is_off; /* 1 = not used */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text words; /* at most 1024 bytes; words, with commas */
};
struct souk_stop_words_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_stop_words_put(struct souk_client *client, const struct souk_stop_words_put *record,
    struct souk_stop_words_put_reply *reply);
int souk_stop_words_put_async(struct souk_client *client, const struct souk_stop_words_put *record,
    souk_callback *callback, void *context);
int souk_stop_words_put_batch(struct souk_client *client, const struct souk_stop_words_put *records,
    uint32_t count, struct souk_stop_words_put_reply *replies, uint32_t flags);

/* stop_words_get: a list of stop words */
struct souk_stop_words_get {
    uint64_t home_id; /* the list */
};
struct souk_stop_words_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the list */
    uint16_t is_off; /* 1 = not used */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text words; /* at most 1024 bytes; as put */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_stop_words_get(struct souk_client *client, const struct souk_stop_words_get *record,
    struct souk_stop_words_get_reply *reply);
int souk_stop_words_get_async(struct souk_client *client, const struct souk_stop_words_get *record,
    souk_callback *callback, void *context);
int souk_stop_words_get_batch(struct souk_client *client, const struct souk_stop_words_get *records,
    uint32_t count, struct souk_stop_words_get_reply *replies, uint32_t flags);

/* rank_profile_put: how popularity, availability, rating and margin order equal hits */
struct souk_rank_profile_put {
    uint64_t home_id; /* the profile: souk_id of a name */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint32_t bucket; /* text scores that differ by less than this count as equal; 0 = none do */
    uint16_t popularity; /* weight, 0 to 1000 */
    uint16_t availability; /* weight, 0 to 1000 */
    uint16_t rating; /* weight, 0 to 1000 */
    uint16_t margin; /* weight, 0 to 1000 */
    uint16_t recent_category; /* weight of a user's recent categories, 0 to 1000 */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* 1 to 63 bytes */
};
struct souk_rank_profile_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_rank_profile_put(struct souk_client *client, const struct souk_rank_profile_put *record,
    struct souk_rank_profile_put_reply *reply);
int souk_rank_profile_put_async(struct souk_client *client, const struct souk_rank_profile_put *record,
    souk_callback *callback, void *context);
int souk_rank_profile_put_batch(struct souk_client *client, const struct souk_rank_profile_put *records,
    uint32_t count, struct souk_rank_profile_put_reply *replies, uint32_t flags);

/* rank_profile_get: a ranking profile */
struct souk_rank_profile_get {
    uint64_t home_id; /* the profile */
};
struct souk_rank_profile_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the profile */
    uint32_t bucket; /* text scores that differ by less than this count as equal; 0 = none do */
    uint16_t popularity; /* weight, 0 to 1000 */
    uint16_t availability; /* weight, 0 to 1000 */
    uint16_t rating; /* weight, 0 to 1000 */
    uint16_t margin; /* weight, 0 to 1000 */
    uint16_t recent_category; /* weight of a user's recent categories, 0 to 1000 */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text64 name; /* 1 to 63 bytes */
};
int souk_rank_profile_get(struct souk_client *client, const struct souk_rank_profile_get *record,
    struct souk_rank_profile_get_reply *reply);
int souk_rank_profile_get_async(struct souk_client *client, const struct souk_rank_profile_get *record,
    souk_callback *callback, void *context);
int souk_rank_profile_get_batch(struct souk_client *client, const struct souk_rank_profile_get *records,
    uint32_t count, struct souk_rank_profile_get_reply *replies, uint32_t flags);

/* curation_put: pin, hide and boost products for a query or a category */
struct souk_curation_put {
    uint64_t home_id; /* the curation: souk_id of a name */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint64_t category_id; /* for searches of this category without words; 0 = for words */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    uint16_t is_part; /* 0 = the query is these words; 1 = it has them among others */
    uint16_t is_off; /* 1 = not used */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text words; /* at most 1024 bytes; of the query */
    struct souk_text actions; /* at most 32 struct souk_row_curation_action; what is done */
};
struct souk_curation_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_curation_put(struct souk_client *client, const struct souk_curation_put *record,
    struct souk_curation_put_reply *reply);
int souk_curation_put_async(struct souk_client *client, const struct souk_curation_put *record,
    souk_callback *callback, void *context);
int souk_curation_put_batch(struct souk_client *client, const struct souk_curation_put *records,
    uint32_t count, struct souk_curation_put_reply *replies, uint32_t flags);

/* curation_get: a curation */
struct souk_curation_get {
    uint64_t home_id; /* the curation */
};
struct souk_curation_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the curation */
    uint64_t category_id; /* for searches of this category without words; 0 = for words */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    uint16_t is_part; /* 0 = the query is these words; 1 = it has them among others */
    uint16_t is_off; /* 1 = not used */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text words; /* at most 1024 bytes; as put */
    struct souk_text actions; /* at most 32 struct souk_row_curation_action; as put */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_curation_get(struct souk_client *client, const struct souk_curation_get *record,
    struct souk_curation_get_reply *reply);
int souk_curation_get_async(struct souk_client *client, const struct souk_curation_get *record,
    souk_callback *callback, void *context);
int souk_curation_get_batch(struct souk_client *client, const struct souk_curation_get *records,
    uint32_t count, struct souk_curation_get_reply *replies, uint32_t flags);

/* ad_put: a sponsored product for words or a category, with a bid */
struct souk_ad_put {
    /* the ad: souk_id of a name; its budget is the resource of kind ad_budget with this id */
    uint64_t home_id;
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint64_t product_id; /* the product that is shown */
    uint64_t category_id; /* for searches of this category; 0 = for words */
    int64_t bid; /* minor units for a click; the highest bids are shown */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    uint16_t is_off; /* 1 = not shown */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    /* at most 1024 bytes; with commas: queries that have one of these show it */
    struct souk_text words;
};
struct souk_ad_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_ad_put(struct souk_client *client, const struct souk_ad_put *record,
    struct souk_ad_put_reply *reply);
int souk_ad_put_async(struct souk_client *client, const struct souk_ad_put *record,
    souk_callback *callback, void *context);
int souk_ad_put_batch(struct souk_client *client, const struct souk_ad_put *records,
    uint32_t count, struct souk_ad_put_reply *replies, uint32_t flags);

/* ad_get: a sponsored product */
struct souk_ad_get {
    uint64_t home_id; /* the ad */
};
struct souk_ad_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the ad */
    uint64_t product_id; /* the product that is shown */
    uint64_t category_id; /* for searches of this category; 0 = for words */
    int64_t bid; /* minor units for a click; the highest bids are shown */
    uint64_t valid_from_ns; /* from this time on; 0 = always */
    uint64_t valid_until_ns; /* before this time; 0 = always */
    uint16_t is_off; /* 1 = not shown */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text words; /* at most 1024 bytes; as put */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_ad_get(struct souk_client *client, const struct souk_ad_get *record,
    struct souk_ad_get_reply *reply);
int souk_ad_get_async(struct souk_client *client, const struct souk_ad_get *record,
    souk_callback *callback, void *context);
int souk_ad_get_batch(struct souk_client *client, const struct souk_ad_get *records,
    uint32_t count, struct souk_ad_get_reply *replies, uint32_t flags);

/* search_policy_put: language, weights and tolerance of the search index */
struct souk_search_policy_put {
    uint64_t home_id; /* 1 */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    /* with fewer matches than this, matches need not have all words; 0 = they always do */
    uint32_t drop_below;
    uint16_t typo1_bytes; /* words from so many letters on may have one typo; 0 = none */
    uint16_t typo2_bytes; /* words from so many letters on may have two; 0 = none */
    uint16_t weight_title; /* 0 to 100 */
    uint16_t weight_brand; /* 0 to 100 */
    uint16_t weight_category; /* 0 to 100 */
    uint16_t weight_attributes; /* 0 to 100 */
    uint16_t weight_description; /* 0 to 100 */
    uint16_t weight_code; /* 0 to 100 */
    uint32_t zero0; /* reserved: 0 */
    /* of the Snowball stemmers: english, german, ...; none = no stemming */
    struct souk_text64 language;
};
struct souk_search_policy_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_search_policy_put(struct souk_client *client, const struct souk_search_policy_put *record,
    struct souk_search_policy_put_reply *reply);
int souk_search_policy_put_async(struct souk_client *client, const struct souk_search_policy_put *record,
    souk_callback *callback, void *context);
int souk_search_policy_put_batch(struct souk_client *client, const struct souk_search_policy_put *records,
    uint32_t count, struct souk_search_policy_put_reply *replies, uint32_t flags);

/* search_policy_get: the search policy in force */
struct souk_search_policy_get {
    uint64_t home_id; /* 1 */
};
struct souk_search_policy_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* 0 = as built in */
    /* with fewer matches than this, matches need not have all words; 0 = they always do */
    uint32_t drop_below;
    uint16_t typo1_bytes; /* words from so many letters on may have one typo; 0 = none */
    uint16_t typo2_bytes; /* words from so many letters on may have two; 0 = none */
    uint16_t weight_title; /* 0 to 100 */
    uint16_t weight_brand; /* 0 to 100 */
    uint16_t weight_category; /* 0 to 100 */
    uint16_t weight_attributes; /* 0 to 100 */
    uint16_t weight_description; /* 0 to 100 */
    uint16_t weight_code; /* 0 to 100 */
    uint32_t zero0; /* reserved: 0 */
    /* of the Snowball stemmers: english, german, ...; none = no stemming */
    struct souk_text64 language;
};
int souk_search_policy_get(struct souk_client *client, const struct souk_search_policy_get *record,
    struct souk_search_policy_get_reply *reply);
int souk_search_policy_get_async(struct souk_client *client, const struct souk_search_policy_get *record,
    souk_callback *callback, void *context);
int souk_search_policy_get_batch(struct souk_client *client, const struct souk_search_policy_get *records,
    uint32_t count, struct souk_search_policy_get_reply *replies, uint32_t flags);

/* track: a shopper saw, clicked or took a product; may be lost */
struct souk_track {
    uint64_t user_id; /* who; a guest too */
    uint64_t product_id; /* what */
    uint16_t kind; /* 1 view, 2 click, 3 put into the cart, 4 found by a search */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_track_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t zero0; /* reserved: 0 */
};
int souk_track(struct souk_client *client, const struct souk_track *record,
    struct souk_track_reply *reply);
int souk_track_async(struct souk_client *client, const struct souk_track *record,
    souk_callback *callback, void *context);
int souk_track_batch(struct souk_client *client, const struct souk_track *records,
    uint32_t count, struct souk_track_reply *replies, uint32_t flags);

/* related: bought with, viewed with, or similar to a product */
struct souk_related {
    uint64_t product_id; /* related to what */
    uint32_t limit; /* items wanted, 1 to 100 */
    uint16_t kind; /* 1 bought with it, 2 viewed with it, 3 similar to it */
    uint16_t is_strict; /* 1 = only that: no fallback to other kinds when there are too few */
    struct souk_text without; /* at most 100 struct souk_row_product_ref; products to leave out */
};
struct souk_related_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t zero0; /* reserved: 0 */
    struct souk_text items; /* at most 100 struct souk_row_recommended; the best first */
    struct souk_text texts; /* at most 262144 bytes; codes and titles */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_related(struct souk_client *client, const struct souk_related *record,
    struct souk_related_reply *reply);
int souk_related_async(struct souk_client *client, const struct souk_related *record,
    souk_callback *callback, void *context);
int souk_related_batch(struct souk_client *client, const struct souk_related *records,
    uint32_t count, struct souk_related_reply *replies, uint32_t flags);

/* recommend: for a cart or for a user */
struct souk_recommend {
    uint64_t user_id; /* whose recent views count; 0 = nobody's */
    uint32_t limit; /* items wanted, 1 to 100 */
    uint16_t is_strict; /* 1 = only what the cart and the views give */
    uint16_t zero0; /* reserved: 0 */
    struct souk_text products; /* at most 100 struct souk_row_product_ref; of the cart */
    /* at most 100 struct souk_row_product_ref; more products to leave out */
    struct souk_text without;
};
struct souk_recommend_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t zero0; /* reserved: 0 */
    struct souk_text items; /* at most 100 struct souk_row_recommended; the best first */
    struct souk_text texts; /* at most 262144 bytes; codes and titles */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_recommend(struct souk_client *client, const struct souk_recommend *record,
    struct souk_recommend_reply *reply);
int souk_recommend_async(struct souk_client *client, const struct souk_recommend *record,
    souk_callback *callback, void *context);
int souk_recommend_batch(struct souk_client *client, const struct souk_recommend *records,
    uint32_t count, struct souk_recommend_reply *replies, uint32_t flags);

/* trending: what is bought most at the moment, in all or in a category */
struct souk_trending {
    uint64_t category_id; /* and what is below it; 0 = everything */
    uint32_t limit; /* items wanted, 1 to 100 */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_trending_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t zero0; /* reserved: 0 */
    struct souk_text items; /* at most 100 struct souk_row_recommended; the best first */
    struct souk_text texts; /* at most 262144 bytes; codes and titles */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_trending(struct souk_client *client, const struct souk_trending *record,
    struct souk_trending_reply *reply);
int souk_trending_async(struct souk_client *client, const struct souk_trending *record,
    souk_callback *callback, void *context);
int souk_trending_batch(struct souk_client *client, const struct souk_trending *records,
    uint32_t count, struct souk_trending_reply *replies, uint32_t flags);

/* recently_viewed: what a user viewed last; may forget it */
struct souk_recently_viewed {
    uint64_t user_id; /* who */
    uint32_t limit; /* 1 to 100 */
    uint32_t is_forgotten; /* 1 = forget them after this answer */
};
struct souk_recently_viewed_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t zero0; /* reserved: 0 */
    struct souk_text products; /* at most 100 struct souk_row_product_ref; the last first */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_recently_viewed(struct souk_client *client, const struct souk_recently_viewed *record,
    struct souk_recently_viewed_reply *reply);
int souk_recently_viewed_async(struct souk_client *client, const struct souk_recently_viewed *record,
    souk_callback *callback, void *context);
int souk_recently_viewed_batch(struct souk_client *client, const struct souk_recently_viewed *records,
    uint32_t count, struct souk_recently_viewed_reply *replies, uint32_t flags);

/* review_put: write a review, or change it */
struct souk_review_put {
    uint64_t product_id; /* the product */
    uint64_t user_id; /* who wrote it */
    uint64_t if_version; /* 0 = any; 2^64-1 = must not exist; else the version it must have */
    uint16_t stars; /* 1 to 5 */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text title; /* at most 256 bytes; UTF-8 text */
    struct souk_text body; /* at most 8192 bytes; UTF-8 text */
    struct souk_text media; /* at most 1024 bytes; lines of references */
};
struct souk_review_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the review after the change, or the current one */
    uint64_t rating_sum; /* stars of the product's approved reviews */
    uint32_t rating_count; /* approved reviews of the product */
    uint16_t state; /* 1 pending, 2 approved, 3 rejected, 4 flagged; 0 = there is none */
    uint16_t is_verified; /* 1 = bought, received and not wholly given back */
};
int souk_review_put(struct souk_client *client, const struct souk_review_put *record,
    struct souk_review_put_reply *reply);
int souk_review_put_async(struct souk_client *client, const struct souk_review_put *record,
    souk_callback *callback, void *context);
int souk_review_put_batch(struct souk_client *client, const struct souk_review_put *records,
    uint32_t count, struct souk_review_put_reply *replies, uint32_t flags);

/* review_moderate: approve, reject or flag a review */
struct souk_review_moderate {
    uint64_t product_id; /* the product */
    uint64_t user_id; /* who wrote it */
    uint64_t if_version; /* 0 = any; else the version that the moderator saw */
    uint64_t actor; /* who decides */
    uint32_t reason; /* a number that means something to the shop */
    uint16_t state; /* 1 pending, 2 approved, 3 rejected, 4 flagged */
    uint16_t zero0; /* reserved: 0 */
};
struct souk_review_moderate_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the review after the change, or the current one */
    uint64_t rating_sum; /* stars of the product's approved reviews */
    uint32_t rating_count; /* approved reviews of the product */
    uint16_t state; /* 1 pending, 2 approved, 3 rejected, 4 flagged; 0 = there is none */
    uint16_t is_verified; /* 1 = bought, received and not wholly given back */
};
int souk_review_moderate(struct souk_client *client, const struct souk_review_moderate *record,
    struct souk_review_moderate_reply *reply);
int souk_review_moderate_async(struct souk_client *client, const struct souk_review_moderate *record,
    souk_callback *callback, void *context);
int souk_review_moderate_batch(struct souk_client *client, const struct souk_review_moderate *records,
    uint32_t count, struct souk_review_moderate_reply *replies, uint32_t flags);

/* review_vote: a review was helpful, or not; once per voter */
struct souk_review_vote {
    uint64_t product_id; /* the product */
    uint64_t user_id; /* who wrote it */
    uint64_t voter_id; /* who votes, once; not the author */
    uint16_t vote; /* 1 helpful, 2 not helpful, 0 takes the vote back */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
};
struct souk_review_vote_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint32_t helpful; /* votes */
    uint32_t unhelpful; /* votes */
};
int souk_review_vote(struct souk_client *client, const struct souk_review_vote *record,
    struct souk_review_vote_reply *reply);
int souk_review_vote_async(struct souk_client *client, const struct souk_review_vote *record,
    souk_callback *callback, void *context);
int souk_review_vote_batch(struct souk_client *client, const struct souk_review_vote *records,
    uint32_t count, struct souk_review_vote_reply *replies, uint32_t flags);

/* review_reply: the merchant's reply to a review */
struct souk_review_reply {
    uint64_t product_id; /* the product */
    uint64_t user_id; /* who wrote it */
    uint64_t actor; /* who replies for the merchant */
    struct souk_text reply; /* at most 8192 bytes; UTF-8 text; empty = no reply any more */
};
struct souk_review_reply_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the review after the change, or the current one */
    uint64_t rating_sum; /* stars of the product's approved reviews */
    uint32_t rating_count; /* approved reviews of the product */
    uint16_t state; /* 1 pending, 2 approved, 3 rejected, 4 flagged; 0 = there is none */
    uint16_t is_verified; /* 1 = bought, received and not wholly given back */
};
int souk_review_reply(struct souk_client *client, const struct souk_review_reply *record,
    struct souk_review_reply_reply *reply);
int souk_review_reply_async(struct souk_client *client, const struct souk_review_reply *record,
    souk_callback *callback, void *context);
int souk_review_reply_batch(struct souk_client *client, const struct souk_review_reply *records,
    uint32_t count, struct souk_review_reply_reply *replies, uint32_t flags);

/* review_delete: delete a review */
struct souk_review_delete {
    uint64_t product_id; /* the product */
    uint64_t user_id; /* who wrote it */
    uint64_t if_version; /* 0 = any; else the version it must have */
};
struct souk_review_delete_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* of the review after the change, or the current one */
    uint64_t rating_sum; /* stars of the product's approved reviews */
    uint32_t rating_count; /* approved reviews of the product */
    uint16_t state; /* 1 pending, 2 approved, 3 rejected, 4 flagged; 0 = there is none */
    uint16_t is_verified; /* 1 = bought, received and not wholly given back */
};
int souk_review_delete(struct souk_client *client, const struct souk_review_delete *record,
    struct souk_review_delete_reply *reply);
int souk_review_delete_async(struct souk_client *client, const struct souk_review_delete *record,
    souk_callback *callback, void *context);
int souk_review_delete_batch(struct souk_client *client, const struct souk_review_delete *records,
    uint32_t count, struct souk_review_delete_reply *replies, uint32_t flags);

/* review_erase: erase all reviews and votes of a user on a shard */
struct souk_review_erase {
    uint64_t user_id; /* whose reviews and votes */
};
struct souk_review_erase_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint32_t reviews; /* erased on this shard by this command */
    uint32_t votes; /* of the user, or about the user's reviews; erased likewise */
    uint32_t left; /* still there: ask again until it is 0 */
    uint32_t zero0; /* reserved: 0 */
};
int souk_review_erase(struct souk_client *client, uint16_t shard, const struct souk_review_erase *record,
    struct souk_review_erase_reply *reply);
int souk_review_erase_async(struct souk_client *client, uint16_t shard, const struct souk_review_erase *record,
    souk_callback *callback, void *context);

/* review_get: a review with its history */
struct souk_review_get {
    uint64_t product_id; /* the product */
    uint64_t user_id; /* who wrote it */
};
struct souk_review_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* counts the changes */
    uint64_t created_at_ns; /* log time of the first version */
    uint64_t changed_at_ns; /* log time of this version */
    uint64_t moderator; /* who decided last */
    uint64_t replied_by; /* who replied */
    uint64_t replied_at_ns; /* log time of the reply */
    uint32_t helpful; /* votes */
    uint32_t unhelpful; /* votes */
    uint32_t reason; /* of the last decision */
    uint16_t stars; /* 1 to 5 */
    uint16_t state; /* 1 pending, 2 approved, 3 rejected, 4 flagged */
    uint16_t is_verified; /* 1 = bought, received and not wholly given back */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text title; /* at most 256 bytes; UTF-8 text */
    struct souk_text body; /* at most 8192 bytes; UTF-8 text */
    struct souk_text media; /* at most 1024 bytes; lines of references */
    struct souk_text reply; /* at most 8192 bytes; of the merchant */
    /* at most 8 struct souk_row_review_edit; versions before, the last first */
    struct souk_text edits;
    struct souk_text texts; /* at most 67584 bytes; of the edits */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_review_get(struct souk_client *client, const struct souk_review_get *record,
    struct souk_review_get_reply *reply);
int souk_review_get_async(struct souk_client *client, const struct souk_review_get *record,
    souk_callback *callback, void *context);
int souk_review_get_batch(struct souk_client *client, const struct souk_review_get *records,
    uint32_t count, struct souk_review_get_reply *replies, uint32_t flags);

/* review_list: reviews of a product, sorted and filtered, page by page */
struct souk_review_list {
    uint64_t product_id; /* the product */
    uint64_t after_key; /* next_key of the page before */
    uint64_t after_ns; /* next_ns of the page before */
    uint64_t after_user; /* next_user of the page before; 0 = from the beginning */
    uint32_t limit; /* rows, 1 to 50; fewer come where texts are long */
    uint16_t sort; /* 0 newest, 1 most helpful, 2 best, 3 worst; then newest */
    uint16_t stars; /* bits: 1 one star, 2 two, ... 16 five; 0 = all */
    uint16_t is_verified; /* 1 = only verified ones */
    uint16_t states; /* bits: 2 pending, 4 approved, 8 rejected, 16 flagged; 0 = approved */
    uint32_t zero0; /* reserved: 0 */
};
struct souk_review_list_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t total; /* that match */
    uint64_t next_key; /* for the next page */
    uint64_t next_ns; /* for the next page */
    uint64_t next_user; /* for the next page; 0 = that was the last */
    struct souk_text reviews; /* at most 50 struct souk_row_review_brief; in order */
    struct souk_text texts; /* at most 832000 bytes; of the reviews */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_review_list(struct souk_client *client, const struct souk_review_list *record,
    struct souk_review_list_reply *reply);
int souk_review_list_async(struct souk_client *client, const struct souk_review_list *record,
    souk_callback *callback, void *context);
int souk_review_list_batch(struct souk_client *client, const struct souk_review_list *records,
    uint32_t count, struct souk_review_list_reply *replies, uint32_t flags);

/* rating_get: count, sum and histogram of the stars of a product */
struct souk_rating_get {
    uint64_t product_id; /* the product */
};
struct souk_rating_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t sum; /* stars of approved reviews */
    uint32_t count; /* approved reviews */
    uint32_t stars1; /* of them with one star */
    uint32_t stars2; /* two */
    uint32_t stars3; /* three */
    uint32_t stars4; /* four */
    uint32_t stars5; /* five */
};
int souk_rating_get(struct souk_client *client, const struct souk_rating_get *record,
    struct souk_rating_get_reply *reply);
int souk_rating_get_async(struct souk_client *client, const struct souk_rating_get *record,
    souk_callback *callback, void *context);
int souk_rating_get_batch(struct souk_client *client, const struct souk_rating_get *records,
    uint32_t count, struct souk_rating_get_reply *replies, uint32_t flags);

/* review_queue: reviews of a shard that wait for a moderator, oldest first */
struct souk_review_queue {
    uint64_t after_ns; /* changed_at_ns of the last row; 0 = from the beginning */
    uint64_t after_product; /* product_id of the last row */
    uint64_t after_user; /* user_id of the last row */
    uint32_t limit; /* rows, 1 to 50; fewer come where texts are long */
    uint16_t state; /* 1 pending, 4 flagged */
    uint16_t zero0; /* reserved: 0 */
};
struct souk_review_queue_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t total; /* in this state on this shard */
    struct souk_text reviews; /* at most 50 struct souk_row_review_brief; oldest first */
    struct souk_text texts; /* at most 832000 bytes; of the reviews */
    void *memory; /* of the texts; give it to souk_free() */
};
int souk_review_queue(struct souk_client *client, uint16_t shard, const struct souk_review_queue *record,
    struct souk_review_queue_reply *reply);
int souk_review_queue_async(struct souk_client *client, uint16_t shard, const struct souk_review_queue *record,
    souk_callback *callback, void *context);

/* review_policy_put: who may write reviews, and whether a moderator sees them first */
struct souk_review_policy_put {
    uint64_t home_id; /* 1 */
    uint64_t if_version; /* 0 = any; else the version it must have */
    /* reviews that a user may write or change on a shard in 24 hours; 0 = any number */
    uint32_t per_day;
    uint16_t is_moderated; /* 1 = a review is pending until a moderator approves it */
    uint16_t needs_purchase; /* 1 = only who has bought and received it may write */
};
struct souk_review_policy_put_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* after the change, or the current one */
    uint32_t pending; /* shards on which it is not in force yet: wait with setting_status */
    uint32_t zero0; /* reserved: 0 */
};
int souk_review_policy_put(struct souk_client *client, const struct souk_review_policy_put *record,
    struct souk_review_policy_put_reply *reply);
int souk_review_policy_put_async(struct souk_client *client, const struct souk_review_policy_put *record,
    souk_callback *callback, void *context);
int souk_review_policy_put_batch(struct souk_client *client, const struct souk_review_policy_put *records,
    uint32_t count, struct souk_review_policy_put_reply *replies, uint32_t flags);

/* review_policy_get: the policy of reviews in force */
struct souk_review_policy_get {
    uint64_t home_id; /* 1 */
};
struct souk_review_policy_get_reply {
    uint16_t status; /* enum souk_status */
    uint16_t flags; /* enum souk_flag */
    uint32_t retry_after_ms;
    uint64_t version; /* 0 = as built in: moderated, no purchase needed, 20 a day */
    /* reviews that a user may write or change on a shard in 24 hours; 0 = any number */
    uint32_t per_day;
    uint16_t is_moderated; /* 1 = a review is pending until a moderator approves it */
    uint16_t needs_purchase; /* 1 = only who has bought and received it may write */
};
int souk_review_policy_get(struct souk_client *client, const struct souk_review_policy_get *record,
    struct souk_review_policy_get_reply *reply);
int souk_review_policy_get_async(struct souk_client *client, const struct souk_review_policy_get *record,
    souk_callback *callback, void *context);
int souk_review_policy_get_batch(struct souk_client *client, const struct souk_review_policy_get *records,
    uint32_t count, struct souk_review_policy_get_reply *replies, uint32_t flags);
/* generated: end */
/* clang-format on */

/* ---- several calls in one: blocking, made of the calls above ---- */

/* Makes several calls at once, of any operations and shards, and waits for the end of all. Each
 * request is as for souk_call(), of at most souk_records_max() records. Returns 0, or the first
 * error; each record's reply says which. */
int souk_call_all(struct souk_client *client, const struct souk_request *requests, uint32_t count);

/* Checks out, and waits up to wait_ms until the order settles (docs/orders.md): placed, paid, failed,
 * or in the hands of the shopper. The order's id makes repeating safe, so a checkout with unknown
 * outcome is sent again, twice at most. Returns 0 or an error.
 *      first->status   not SOUK_OK: why there is no order; last->status says the same
 *      last            the order as it is now; last->is_settled == 0: it needs longer than wait_ms.
 *                      last->memory is to be freed with souk_free()
 * `first` may be NULL: then a refusal is in last->status alone. */
int souk_checkout_wait(struct souk_client *client, const struct souk_checkout *record,
                       uint32_t wait_ms, struct souk_checkout_reply *first,
                       struct souk_checkout_status_reply *last);
/* Waits until an order settles; user_id as in checkout_status. */
int souk_order_wait(struct souk_client *client, struct souk_id128 order, uint64_t user_id,
                    uint32_t wait_ms, struct souk_checkout_status_reply *last);

/* Waits until the latest version of a setting is in force on all shards; reply->pending is 0 then.
 * `key` is the SKU of a price, the id of a category or attribute, else 0. */
int souk_setting_wait(struct souk_client *client, enum souk_setting_kind kind, uint64_t home_id,
                      uint64_t key, uint32_t wait_ms, struct souk_setting_status_reply *reply);
/* Puts a setting and waits so. `op` is SOUK_OP_PRICE_LIST_PUT, _PRICE_PUT, _CATEGORY_PUT or any
 * other put of what every shard has, `record` its request. reply->status is that of the put if it was refused, with the
 * version that the setting has. */
int souk_setting_put_wait(struct souk_client *client, uint16_t op, const void *record,
                          uint32_t wait_ms, struct souk_setting_status_reply *reply);

/* Merges and waits until the merge is over: reply->status is that of the merge if it was refused,
 * reply->outcome that of the pouring, reply->state MERGED when it is done. reply->memory is to be freed
 * with souk_free(). */
int souk_cart_merge_wait(struct souk_client *client, const struct souk_cart_merge *record,
                         uint32_t wait_ms, struct souk_cart_merge_status_reply *reply);

/* Leases up to `max` commands over all shards, in turn; when none is ready, waits up to wait_ms for
 * one. All of `commands` that are returned have status SOUK_OK. Returns how many, 0 when none came, or
 * an error. Threads that ask for the same group and kinds share what waits at the server. */
int souk_command_poll_wait(struct souk_client *client, const struct souk_command_poll *record,
                           uint32_t wait_ms, struct souk_command_poll_reply *commands,
                           uint32_t max);

/* Asks all shards for the order of a provider's reference. reply->status is NOT_FOUND when no shard
 * has it. */
int souk_payment_find_all(struct souk_client *client, const char *reference,
                          struct souk_payment_find_reply *reply);

/* A line of a cart as a shopper should see it. */
struct souk_cart_view_line {
    struct souk_row_cart_line line;   /* as in the cart, with the price that was seen */
    struct souk_row_quote_line quote; /* price now, discount, problems; zero if saved for later */
    int64_t sellable;                 /* units of the SKU; -1 = no such SKU */
    int64_t base_price;               /* of the SKU, without lists and promotions */
    uint16_t currency;                /* of the SKU; 0 = no such SKU */
    char code[66];                    /* of the SKU; "" = no such SKU */
};
struct souk_cart_view {
    struct souk_cart_get_reply cart;
    /* quote.status is not SOUK_OK where the cart could not be priced, NOT_FOUND where it is empty. */
    struct souk_cart_quote_reply quote;
    struct souk_cart_view_line *lines; /* in the cart's order, those saved for later too */
    uint32_t line_count;
    uint16_t currency; /* of the quote */
};
/* Reads a cart, asks the shards of its SKUs for price and stock, and has it priced with them. A cart
 * that changes meanwhile is read again. currency 0: that of the lines. Returns 0 or an error;
 * view->cart.status is that of the cart. Afterwards souk_cart_view_end(), in both cases. */
int souk_cart_view(struct souk_client *client, uint64_t user_id, uint64_t group_id,
                   uint16_t currency, struct souk_cart_view *view);
void souk_cart_view_end(struct souk_cart_view *view);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
