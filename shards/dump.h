/* dump: records of a snapshot on their way out, and how a room writes and reads one.
 *
 *   A dump record, all little-endian, always a multiple of 8 bytes, at most DUMP_RECORD_BYTES_MAX:
 *     offset size
 *          0    4 bytes   of the whole record
 *          4    2 kind    enum dump_kind
 *          6    2 zero
 *          8      the struct dump_<kind>, then its variable bytes, then zeros up to 8
 *
 * A dump sink is where a room's writer puts records. There are two: the queue, from which
 * shard_dump_chunk copies whole records, and the digest, which adds up their hashes and keeps none.
 * So the digest is by construction a function of what a snapshot would hold, and of nothing else.
 *
 * Invariants
 *   I1  a record is the same bytes for the same logical object, wherever it lies in memory.
 *   I2  the digest does not depend on the order of records.
 * Ownership  the queue owns its blocks; a record handed to dump_put is copied.
 * Failure    no memory is a panic. Input is judged by each room's load function.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_DUMP_H
#define SOUK_SHARDS_DUMP_H

#include "proto/base.h"
#include "proto/id.h"
#include "shards/store/store_memory.h"

#define DUMP_RECORD_BYTES_MAX (60u << 10)
#define DUMP_CHUNK_BYTES_MIN  (64u << 10)
#define DUMP_BUCKET_MAX       4096u /* records in one chain of a map, far more than there are */

enum dump_kind {
    DUMP_KIND_SCALARS = 1,
    DUMP_KIND_RESOURCE = 2,
    DUMP_KIND_GRANT = 3,
    DUMP_KIND_PRODUCT = 4,
    DUMP_KIND_SESSION = 5,
    DUMP_KIND_REPLY = 6,
    DUMP_KIND_MAIL_PEER = 7,
    DUMP_KIND_MAIL_PIECE = 8,
    DUMP_KIND_CART = 9,
    DUMP_KIND_CART_LINES = 10,
    DUMP_KIND_CART_REPORT = 11,
    DUMP_KIND_SETTING = 12,
    DUMP_KIND_PRODUCT_SKUS = 13,
    DUMP_KIND_ALIAS = 14,
    DUMP_KIND_COPURCHASE = 15,
    DUMP_KIND_ORDER = 20,
    DUMP_KIND_ORDER_SCALARS = 21,
    DUMP_KIND_HISTORY = 24,
    DUMP_KIND_REVIEW = 30,
    DUMP_KIND_REVIEW_EDIT = 31,
    DUMP_KIND_REVIEW_VOTE = 32,
    DUMP_KIND_REVIEW_PERSON = 33,
    DUMP_KIND_REVIEW_PURCHASE = 34
};

struct dump_head {
    u32 bytes;
    u16 kind;
    u16 zero;
};
STATIC_CHECK(sizeof(struct dump_head) == 8);

struct dump_block;

struct dump_sink {
    struct store_memory *memory; /* of the queue; NULL in a digest */
    struct dump_block *first;
    struct dump_block *last;
    struct id128 digest; /* sum of all records put */
    bool is_digest;
};

void dump_sink_init_queue(struct dump_sink *sink, struct store_memory *memory);
void dump_sink_init_digest(struct dump_sink *sink);
/* Gives back whatever is still queued. */
void dump_sink_deinit(struct dump_sink *sink);

/* Puts one record: its fixed part (a multiple of 8 bytes) and `tail_bytes` variable bytes. */
void dump_put(struct dump_sink *sink, enum dump_kind kind, const void *fixed, u32 fixed_bytes,
              const void *tail, u32 tail_bytes);

/* Moves whole records into `to`. Returns the bytes written, 0 when nothing is queued. */
u32 dump_take(struct dump_sink *sink, u8 *to, u32 capacity);

static inline bool dump_is_empty(const struct dump_sink *sink)
{
    return sink->first == NULL;
}

/* A record as it is read back; `body` follows the head. */
struct dump_view {
    enum dump_kind kind;
    const u8 *body;
    u32 body_bytes;
};

/* Judges the record at `offset` of a chunk and moves the offset. NULL or the reason. */
const char *dump_next(const u8 *chunk, u32 bytes, u32 *offset, struct dump_view *view);

#endif
