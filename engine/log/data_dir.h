/* data_dir: the directory of one server, and the proof that it is ours alone.
 *
 *      DIR/souk.meta            what the directory is; two checksummed copies, 4 KiB each
 *      DIR/souk.lock            locked for as long as a server uses the directory
 *      DIR/shard-NNN/           one per shard: superblock, wal-<seq>.log
 *
 *   souk.meta, each copy:
 *   offset size field
 *        0    8 checksum        XXH3-64 of bytes 8 to 4096
 *        8    8 magic           "SOUKMETA"
 *       16    4 version         1
 *       20    4 shard_count
 *       24   16 data_id         random; names this data for ever
 *       40    8 hash_key        random; seeds the checksums of the log, so that bytes sent by a
 *                               client can never be taken for a frame
 *       48    8 created_ns      ns since 1970
 *       56      zeros
 *
 * Formatting writes souk.meta last, aside, and renames it: a directory either is Souk's or is not.
 *
 * Ownership  opened once by the main thread at start; read-only afterwards, shared by all reactors.
 * Failure    -errno and a sentence that says what is wrong and what to do.
 * Not here   the contents of the shards' directories.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_DATA_DIR_H
#define SOUK_ENGINE_LOG_DATA_DIR_H

#include "proto/base.h"
#include "proto/id.h"
#include "proto/limits.h"

#define DATA_DIR_PATH_MAX 3072u

struct data_dir {
    struct id128 data_id;
    u64 hash_key;
    u64 created_ns;
    u32 shard_count;
    int fd;      /* of the directory */
    int lock_fd; /* holds the lock */
    bool is_new; /* formatted by this call */
    char path[DATA_DIR_PATH_MAX];
};

struct data_dir_options {
    const char *path;
    u32 shard_count; /* of a new directory; for an existing one 0 or the same number */
    u64 now_ns;      /* ns since 1970 */
};

/* Opens `path`; creates and formats it if it is missing or empty. Takes the lock. 0 or -errno with
 * a reason. */
NODISCARD int data_dir_open(struct data_dir *dir, const struct data_dir_options *options,
                            char *reason, size_t reason_bytes);
void data_dir_close(struct data_dir *dir);

/* "shard-007", and its directory opened (or -errno). */
void data_dir_shard_name(char name[16], u32 shard);
NODISCARD int data_dir_open_shard(const struct data_dir *dir, u32 shard);

#endif
