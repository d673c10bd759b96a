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
 * and souk_call() / souk_submit(), which are what the three are made of, with all options.
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
#define SOUK_MONEY_TEXT_MAX  40

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

/* A new name for a hold, allocation or order: milliseconds since 1970, then 80 random bits. */
struct souk_id128 souk_new_id(void);
/* A new session id: 128 random bits. */
struct souk_id128 souk_new_session(void);
/* 32 hexadecimal digits; `to` has SOUK_ID_TEXT_MAX bytes. Returns `to`. */
const char *souk_id_print(struct souk_id128 id, char *to);
/* Returns 0 and sets *id, or SOUK_ERROR_ARGUMENT. */
int souk_id_parse(const char *text, struct souk_id128 *id);

/* The shard that a resource or product lives on; shard_count as in souk_server(), at least 1. */
uint16_t souk_shard_of(struct souk_resource resource, uint16_t shard_count);
uint16_t souk_shard_of_product(uint64_t product_id, uint16_t shard_count);
/* Most records in one frame of an operation; 0 where it does not exist. */
uint32_t souk_records_max(uint16_t op);

/* "SOLD_OUT"; "UNKNOWN" for a number that is not declared. */
const char *souk_status_name(uint16_t status);
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
    uint16_t zero0; /* reserved: 0 */
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
    uint16_t zero0; /* reserved: 0 */
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
    uint16_t currency; /* ISO 4217 number; 0 = no price */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text code; /* at most 64 bytes; the shop's code, 1 to 64 bytes */
    struct souk_text title; /* at most 512 bytes; UTF-8 text */
    struct souk_text brand; /* at most 128 bytes; UTF-8 text */
    struct souk_text category; /* at most 256 bytes; path with slashes: home/lighting */
    struct souk_text attributes; /* at most 4096 bytes; lines of name=value */
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
    int64_t price; /* used if bit 0 of fields is set */
    uint16_t currency; /* used if bit 0 of fields is set */
    uint16_t fields; /* bits: 0 price and currency, 1 title, 2 brand, 3 category, 4 attributes */
    uint32_t zero0; /* reserved: 0 */
    struct souk_text title; /* at most 512 bytes; used if bit 1 is set */
    struct souk_text brand; /* at most 128 bytes; used if bit 2 is set */
    struct souk_text category; /* at most 256 bytes; used if bit 3 is set */
    struct souk_text attributes; /* at most 4096 bytes; used if bit 4 is set */
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
    int64_t price; /* minor units */
    uint16_t currency; /* ISO 4217 number */
    uint16_t zero0; /* reserved: 0 */
    uint32_t zero1; /* reserved: 0 */
    struct souk_text code; /* at most 64 bytes; the shop's code, 1 to 64 bytes */
    struct souk_text title; /* at most 512 bytes; UTF-8 text */
    struct souk_text brand; /* at most 128 bytes; UTF-8 text */
    struct souk_text category; /* at most 256 bytes; path with slashes: home/lighting */
    struct souk_text attributes; /* at most 4096 bytes; lines of name=value */
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
/* generated: end */
/* clang-format on */

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
