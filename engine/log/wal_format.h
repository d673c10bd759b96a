/* wal_format: the bytes of a shard's log files. On disk for ever; golden and bit-flip tests pin it.
 *
 * Segment file wal-<seq>.log: block 0 and block 1 are two copies of the segment header, frames
 * follow from block 2, each on a block of its own (4 KiB); what is not used is zeros, or, in a
 * recycled file, frames of an older seq.
 *
 *   segment header, 4096 bytes          frame header, 80 bytes, then payload, zeros up to 4 KiB
 *   offset size field                   offset size field
 *        0    8 hash of 8 to 4096            0    8 hash of 8 to 80
 *        8    8 magic "SOUKWAL1"             8    8 hash of the payload
 *       16    4 format version              16    4 magic "SFRM"
 *       20    2 state version               20    2 format version
 *       22    2 shard                       22    2 state version
 *       24   16 data id                     24    8 lsn
 *       40    8 seq                         32    8 epoch
 *       48    8 lsn of its first frame      40    4 payload bytes
 *       56    8 seq of the segment before   44    4 entry count
 *       64    8 chain hash of the last      48    8 seq of the segment
 *               frame before (0: none)      56    8 chain: hash of the frame header before
 *       72    8 epoch at its begin          64    8 highest lsn known durable when it was built
 *       80    4 bytes of the file           72    8 offset of the frame in the file
 *       84      zeros
 *
 * Hashes are XXH3-64 seeded with the data directory's hash_key, so nothing that a client sends can
 * pass for a frame, and a file of another directory never fits.
 *
 * Invariants
 *   F1  hash, seq and offset together say that this header was written for this very place.
 *   F2  prev_chain links every frame to the one before, through segment headers too: no gap, no
 *       splice.
 * Failure    the x_invalid functions return NULL or the reason; bytes from a disk are never
 *            asserted on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_WAL_FORMAT_H
#define SOUK_ENGINE_LOG_WAL_FORMAT_H

#include "proto/base.h"
#include "proto/batch.h"
#include "proto/id.h"
#include "proto/limits.h"

#define WAL_FORMAT_VERSION 1u
#define WAL_SEGMENT_MAGIC  0x314C41574B554F53ull /* "SOUKWAL1" */
#define WAL_FRAME_MAGIC    0x4D524653u           /* "SFRM" */
#define WAL_FRAMES_OFFSET  (2u * LOG_BLOCK_BYTES)
#define WAL_SEGMENT_NAME   32u /* bytes for a file's name */

struct wal_segment_header {
    u64 hash;
    u64 magic;
    u32 format_version;
    u16 state_version;
    u16 shard;
    struct id128 data_id;
    u64 seq;
    u64 first_lsn;
    u64 prev_seq;
    u64 prev_chain;
    u64 epoch;
    u32 segment_bytes;
    u32 zero0;
};
STATIC_CHECK(sizeof(struct wal_segment_header) == 88);

struct wal_frame_header {
    u64 hash;
    u64 payload_hash;
    u32 magic;
    u16 format_version;
    u16 state_version;
    u64 lsn;
    u64 epoch;
    u32 payload_bytes;
    u32 entry_count;
    u64 segment_seq;
    u64 prev_chain;
    u64 durable_lsn;
    u64 offset;
};
STATIC_CHECK(sizeof(struct wal_frame_header) == 80);
STATIC_CHECK(offsetof(struct wal_frame_header, offset) == 72);

/* Bytes that a frame takes in the file. */
static inline u32 wal_frame_bytes(u32 payload_bytes)
{
    return ROUND_UP((u32)sizeof(struct wal_frame_header) + payload_bytes, LOG_BLOCK_BYTES);
}
#define WAL_FRAME_BYTES_MAX \
    (ROUND_UP((u32)sizeof(struct wal_frame_header) + LOG_BATCH_BYTES_MAX, LOG_BLOCK_BYTES))

/* "wal-0000000001.log", with another suffix while it is being made. */
void wal_segment_name(char name[WAL_SEGMENT_NAME], u64 seq, const char *suffix);
/* The seq of a name that wal_segment_name made with suffix ".log", else 0. */
u64 wal_segment_seq(const char *name);

/* Writes both copies (2 blocks at `blocks`); fills magic, version, state version and hash. */
void wal_segment_seal(u8 *blocks, const struct wal_segment_header *header, u64 hash_key);
/* Judges one copy (a whole block). */
NODISCARD const char *wal_segment_invalid(const u8 *block, u64 hash_key,
                                          struct wal_segment_header *header);

/* Completes a frame whose payload lies at frame + 80: zeros the padding, fills magic, versions and
 * hashes. Returns the chain hash that the next frame must carry. */
u64 wal_frame_seal(u8 *frame, const struct wal_frame_header *header, u64 hash_key);
/* Judges the header alone (80 bytes): F1 and the limits. */
NODISCARD const char *wal_frame_header_invalid(const u8 *frame, u64 hash_key, u64 segment_seq,
                                               u64 offset, struct wal_frame_header *header);
/* Judges the rest of a frame whose header is valid; all its bytes must be there. */
NODISCARD const char *wal_frame_payload_invalid(const u8 *frame, u64 hash_key,
                                                const struct wal_frame_header *header);

bool wal_is_zero(const u8 *data, size_t bytes);

#endif
