/* superblock: two copies, written in turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log/superblock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/checksum.h"

void superblock_seal(u8 *block, const struct superblock *superblock, u64 hash_key)
{
    struct superblock sealed = *superblock;
    MUST(sealed.sequence > 0 && sealed.zero0 == 0);
    MUST(sealed.first_segment <= sealed.last_segment);
    sealed.magic = SUPERBLOCK_MAGIC;
    sealed.version = SUPERBLOCK_VERSION;
    memset(block, 0, LOG_BLOCK_BYTES);
    memcpy(block, &sealed, sizeof sealed);
    sealed.hash = XXH3_64bits_withSeed(block + 8, LOG_BLOCK_BYTES - 8, hash_key);
    memcpy(block, &sealed.hash, sizeof sealed.hash);
}

const char *superblock_invalid(const u8 *block, u64 hash_key, struct superblock *superblock)
{
    memcpy(superblock, block, sizeof *superblock);
    if (superblock->magic != SUPERBLOCK_MAGIC)
        return "the magic is wrong";
    if (superblock->hash != XXH3_64bits_withSeed(block + 8, LOG_BLOCK_BYTES - 8, hash_key))
        return "the checksum is wrong";
    if (superblock->version != SUPERBLOCK_VERSION)
        return "its format is not known to this version";
    if (superblock->sequence == 0 || superblock->first_segment > superblock->last_segment)
        return "its fields make no sense";
    return NULL;
}

static int write_copy(int fd, const struct superblock *superblock, u64 hash_key)
{
    u8 block[LOG_BLOCK_BYTES];
    superblock_seal(block, superblock, hash_key);
    const ssize_t count =
        pwrite(fd, block, sizeof block, (off_t)superblock_offset(superblock->sequence));
    if (count != (ssize_t)sizeof block)
        return count < 0 ? -errno : -EIO;
    return fdatasync(fd) == 0 ? 0 : -errno;
}

int superblock_create(int shard_fd, const struct superblock *superblock, u64 hash_key)
{
    struct superblock copy = *superblock;
    const int fd = openat(shard_fd, SUPERBLOCK_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    copy.sequence = 1;
    int result = write_copy(fd, &copy, hash_key);
    copy.sequence = 2;
    if (result == 0)
        result = write_copy(fd, &copy, hash_key);
    if (result == 0 && (fsync(fd) != 0 || fsync(shard_fd) != 0))
        result = -errno;
    (void)close(fd);
    return result;
}

int superblock_store(int shard_fd, const struct superblock *superblock, u64 hash_key)
{
    const int fd = openat(shard_fd, SUPERBLOCK_NAME, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    const int result = write_copy(fd, superblock, hash_key);
    (void)close(fd);
    return result;
}

int superblock_load(int shard_fd, u64 hash_key, struct superblock *superblock, char *reason,
                    size_t reason_bytes)
{
    u8 blocks[2 * LOG_BLOCK_BYTES];
    const int fd = openat(shard_fd, SUPERBLOCK_NAME, O_RDONLY | O_CLOEXEC);
    const ssize_t count = fd < 0 ? -1 : pread(fd, blocks, sizeof blocks, 0);
    const int error = errno;
    if (fd >= 0)
        (void)close(fd);
    if (count < 0) {
        (void)snprintf(reason, reason_bytes, "%s cannot be read: %s", SUPERBLOCK_NAME,
                       strerror(error));
        return -error;
    }
    struct superblock copies[2];
    const char *wrong[2] = {"it is missing", "it is missing"};
    for (size_t i = 0; i < 2 && (size_t)count >= (i + 1) * LOG_BLOCK_BYTES; i++)
        wrong[i] = superblock_invalid(blocks + i * LOG_BLOCK_BYTES, hash_key, &copies[i]);
    if (wrong[0] != NULL && wrong[1] != NULL) {
        (void)snprintf(reason, reason_bytes,
                       "%s is damaged: first copy: %s; second copy: %s. Without it the end of the "
                       "log cannot be told from a loss. Restore the shard's directory from a copy.",
                       SUPERBLOCK_NAME, wrong[0], wrong[1]);
        return -EUCLEAN;
    }
    size_t newest = wrong[0] != NULL;
    if (wrong[0] == NULL && wrong[1] == NULL)
        newest = copies[1].sequence > copies[0].sequence;
    *superblock = copies[newest];
    return 0;
}
