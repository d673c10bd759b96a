/* superblock: what a shard remembers beside its log: how far the log is known to be durable.
 *
 * DIR/shard-NNN/superblock has two copies of 4 KiB, written in turn, so that a torn write leaves the
 * older one. The valid copy with the higher sequence counts.
 *
 *   offset size field                         offset size field
 *        0    8 hash of 8 to 4096                 48    8 durable_lsn
 *        8    8 magic "SOUKSUPR"                  56    8 trimmed_lsn
 *       16    4 version                           64    8 epoch
 *       20    2 shard                             72    8 first_segment: files below are spare
 *       22    2 is_clean: stopped, not killed     80    8 last_segment: has been begun
 *       24   16 data id                           88    4 segment_bytes
 *       40    8 sequence                          92      zeros
 *
 * It is written after 10 ms of idling, when a segment is begun, and at a clean stop. In between, the
 * frames themselves say how far the log was durable; the rest is at most the last frame.
 *
 * Failure    both copies invalid: damage, the server refuses to start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_SUPERBLOCK_H
#define SOUK_ENGINE_LOG_SUPERBLOCK_H

#include "proto/base.h"
#include "proto/id.h"
#include "proto/limits.h"

#define SUPERBLOCK_NAME    "superblock"
#define SUPERBLOCK_VERSION 1u
#define SUPERBLOCK_MAGIC   0x525055534B554F53ull /* "SOUKSUPR" */

struct superblock {
    u64 hash;
    u64 magic;
    u32 version;
    u16 shard;
    u16 is_clean;
    struct id128 data_id;
    u64 sequence;
    u64 durable_lsn;
    u64 trimmed_lsn;
    u64 epoch;
    u64 first_segment; /* 0: no segment has ever been made */
    u64 last_segment;
    u32 segment_bytes;
    u32 zero0;
};
STATIC_CHECK(sizeof(struct superblock) == 96);

/* Where the copy with this sequence lies. */
static inline u64 superblock_offset(u64 sequence)
{
    return (sequence & 1) * LOG_BLOCK_BYTES;
}
/* Fills a block with the copy; sets magic, version and hash. */
void superblock_seal(u8 *block, const struct superblock *superblock, u64 hash_key);
NODISCARD const char *superblock_invalid(const u8 *block, u64 hash_key,
                                         struct superblock *superblock);

/* The blocking forms, for start. 0 or -errno with a reason. */
NODISCARD int superblock_create(int shard_fd, const struct superblock *superblock, u64 hash_key);
NODISCARD int superblock_load(int shard_fd, u64 hash_key, struct superblock *superblock,
                              char *reason, size_t reason_bytes);
NODISCARD int superblock_store(int shard_fd, const struct superblock *superblock, u64 hash_key);

#endif
