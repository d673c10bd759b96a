/* frame: the unit of the wire. One header, then records of one operation.
 *
 *   offset size field
 *        0    4 magic           the bytes "SOUK"
 *        4    4 length          whole frame in bytes: 96 to 1,048,576, a multiple of 8
 *        8    8 checksum        XXH3-64 (seed 0) of bytes 16 to length
 *       16    2 version         1
 *       18    2 opcode          proto/messages.def
 *       20    2 flags           enum frame_flag; others must be 0
 *       22    2 status          reply: enum status of the whole frame; request: 0
 *       24    2 shard           the shard that the records belong to; 0 where the operation has none
 *       26    2 record_count    1 to 8,190; 0 in a reply whose status is not OK
 *       28    4 deadline_ms     request: time the caller still waits, counted from arrival, 0 = no
 *                               limit; reply: 0
 *       32    8 request_id      chosen by the sender of the request, comes back in the reply
 *       40   16 session         id128 of the session; 0 where none is needed
 *       56    8 session_seq     number of this frame in its session and shard, from 1; 0 for reads
 *       64    8 acked_seq       all replies up to this number have been received
 *       72    8 lsn             reply: log position that the reply reflects; request: 0
 *       80    8 time_ns         reply: log time in ns since 1970; request: 0
 *       88    4 retry_after_ms  reply: with a RETRY status, when to try again; request: 0
 *       92    4 reserved        0
 *       96      records
 *
 * A record is the fixed part of its operation, then its spans, each a u32 length and that many
 * bytes, then zero bytes up to a multiple of 8. A reply has one reply record per request record, in
 * the same order. A reply whose frame status is not OK has no records but a struct frame_detail.
 *
 * Invariants
 *   F1  a frame is never longer than FRAME_BYTES_MAX, and its length is known from its first 8 bytes.
 *   F2  what frame_records_invalid has accepted can be walked with frame_record_next without checks.
 * Ownership  views point into the caller's bytes and live as long as they do. No allocation here.
 * Failure    the x_invalid functions return NULL or the reason as a static text, and the status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FRAME_H
#define SOUK_PROTO_FRAME_H

#include "proto/base.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/messages.h"
#include "proto/status.h"

#define FRAME_MAGIC         0x4B554F53u /* "SOUK" read as a little-endian u32 */
#define FRAME_VERSION       1u
#define FRAME_CHECKSUM_FROM 16u

enum frame_flag {
    FRAME_FLAG_LINKED = 1 << 0,   /* request: all records or none */
    FRAME_FLAG_REPLY = 1 << 1,    /* set in every reply */
    FRAME_FLAG_REPLAYED = 1 << 2, /* reply: the stored answer of an earlier execution */
    FRAME_FLAGS_ALL = 7
};

struct frame_header {
    u32 magic;
    u32 length;
    u64 checksum;
    u16 version;
    u16 opcode;
    u16 flags;
    u16 status;
    u16 shard;
    u16 record_count;
    u32 deadline_ms;
    u64 request_id;
    struct id128 session;
    u64 session_seq;
    u64 acked_seq;
    u64 lsn;
    u64 time_ns;
    u32 retry_after_ms;
    u32 reserved;
};
STATIC_CHECK(sizeof(struct frame_header) == FRAME_HEADER_BYTES);
STATIC_CHECK(offsetof(struct frame_header, version) == FRAME_CHECKSUM_FROM);
STATIC_CHECK(offsetof(struct frame_header, session) == 40);
STATIC_CHECK(offsetof(struct frame_header, reserved) == 92);

/* The body of a reply whose frame status is not OK. What the numbers mean depends on the status:
 * MEMORY_LIMIT cap and use in bytes; TOO_LARGE limit and actual; VERSION_UNSUPPORTED supported and
 * actual; others 0. */
struct frame_detail {
    u64 limit;
    u64 actual;
};

/* A refusal found before a command is logged. reason == NULL: nothing wrong. */
struct frame_refusal {
    const char *reason; /* static text */
    u16 status;
    bool is_fatal; /* the stream cannot be followed any more: answer, then close */
    struct frame_detail detail;
};

/* One record as a view: fixed part and spans point into the frame. */
struct span {
    const u8 *data;
    u32 bytes;
};
struct record_view {
    const u8 *fixed; /* aligned to 8 if the frame is */
    struct span spans[MESSAGE_SPANS_MAX];
    u32 bytes; /* whole record with spans and padding */
};

/* Judges the first `available` (>= 8) bytes: magic and length only. Returns 0 and sets *length when
 * they are sane, whether or not the rest is there yet; else fills `refusal` (always fatal). */
NODISCARD bool frame_prefix_valid(const u8 *bytes, u32 *length, struct frame_refusal *refusal);

/* Judges a whole frame of `length` bytes (as frame_prefix_valid told): checksum, version, opcode,
 * flags, reserved fields, record count and every record's form. `direction` says whether a request
 * or a reply is expected. Returns true when it is well formed, else fills `refusal`. */
enum frame_direction { FRAME_DIRECTION_REQUEST, FRAME_DIRECTION_REPLY };
NODISCARD bool frame_valid(const u8 *bytes, u32 length, enum frame_direction direction,
                           struct frame_refusal *refusal);

/* Judges only the records: that exactly `count` of them fill `bytes` bytes of body, spans inside
 * their limits, padding and reserved fields zero. */
NODISCARD bool frame_records_valid(const struct message_info *info, enum frame_direction direction,
                                   const u8 *body, u32 bytes, u32 count,
                                   struct frame_refusal *refusal);

/* Reads the record at *offset of a body that has been validated, and moves *offset past it. */
void frame_record_next(const struct message_info *info, enum frame_direction direction,
                       const u8 *body, u32 *offset, struct record_view *view);

/* Writes one record at `to`: the fixed part, then `spans` as the operation declares. Returns the
 * bytes written, or 0 if they exceed `capacity` or a span exceeds its limit. */
u32 frame_record_write(const struct message_info *info, enum frame_direction direction, u8 *to,
                       u32 capacity, const void *fixed, const struct span *spans);

/* The same in pieces, where it is known to fit: bytes *at to *at + most of the record, and moves *at. True:
 * that was the end. */
bool frame_record_write_some(const struct message_info *info, enum frame_direction direction,
                             u8 *to, const void *fixed, const struct span *spans, u32 *at,
                             u32 most);

/* Bytes that a record with these spans takes. */
u32 frame_record_bytes(const struct message_info *info, enum frame_direction direction,
                       const struct span *spans);

/* Fills magic, version, length and checksum of a frame whose other fields and body are in place.
 * `length` is header + body and must be a multiple of 8. */
void frame_seal(u8 *frame, u32 length);

/* Writes a reply without records: header of `request`, `status`, detail; returns its bytes (112).
 * `to` must have room for FRAME_HEADER_BYTES + sizeof(struct frame_detail). */
u32 frame_write_refusal(u8 *to, const struct frame_header *request, u16 status, u32 retry_after_ms,
                        struct frame_detail detail);
#define FRAME_REFUSAL_BYTES (FRAME_HEADER_BYTES + 16u)

static inline struct frame_header frame_header_read(const u8 *bytes)
{
    struct frame_header header;
    __builtin_memcpy(&header, bytes, sizeof header);
    return header;
}

#endif
