/* data_dir: opening, formatting, locking.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/log/superblock.h"
#include "proto/checksum.h"

#define META_NAME     "souk.meta"
#define META_TMP_NAME "souk.meta.tmp"
#define LOCK_NAME     "souk.lock"
#define META_MAGIC    0x4154454D4B554F53ull /* "SOUKMETA" */
#define META_VERSION  1u

struct data_dir_meta {
    u64 hash;
    u64 magic;
    u32 version;
    u32 shard_count;
    struct id128 data_id;
    u64 hash_key;
    u64 created_ns;
};
STATIC_CHECK(sizeof(struct data_dir_meta) == 56);

/* Where the words for the user go. */
struct reason {
    char *text;
    size_t bytes;
    const char *path;
};

/* Says what could not be done and returns -error, with advice where there is one to give. */
static int fail(const struct reason *reason, int error, const char *what)
{
    const char *advice = "";
    if (error == EROFS || error == EACCES || error == EPERM)
        advice = ". The server needs to write there: mount it writable, or give it to the "
                 "server's user";
    else if (error == ENOSPC)
        advice = ". Free some space";
    (void)snprintf(reason->text, reason->bytes, "%s: %s: %s%s", reason->path, what, strerror(error),
                   advice);
    return -error;
}

static int refuse(const struct reason *reason, int error, const char *why)
{
    (void)snprintf(reason->text, reason->bytes, "%s: %s", reason->path, why);
    return -error;
}

void data_dir_shard_name(char name[16], u32 shard)
{
    MUST(shard < SHARDS_MAX);
    (void)snprintf(name, 16, "shard-%03u", (unsigned)shard);
}

int data_dir_open_shard(const struct data_dir *dir, u32 shard)
{
    char name[16];
    MUST(shard < dir->shard_count);
    data_dir_shard_name(name, shard);
    const int fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char *meta_invalid(const u8 *block, struct data_dir_meta *meta)
{
    memcpy(meta, block, sizeof *meta);
    if (meta->magic != META_MAGIC)
        return META_NAME " is not Souk's: wrong magic";
    if (meta->hash != checksum64(block + 8, LOG_BLOCK_BYTES - 8))
        return META_NAME " is damaged (wrong checksum). Restore it from a copy";
    if (meta->version != META_VERSION)
        return "the directory has a format that this version of Souk does not know. Use the "
               "version that wrote it";
    if (meta->shard_count == 0 || meta->shard_count > SHARDS_MAX)
        return META_NAME " makes no sense";
    return NULL;
}

/* 0, -ENOENT where there is no souk.meta, or another error with its reason. */
static int read_meta(struct data_dir *dir, const struct reason *reason)
{
    u8 blocks[2 * LOG_BLOCK_BYTES] = {0};
    struct data_dir_meta meta;
    const int fd = openat(dir->fd, META_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ENOENT : fail(reason, errno, META_NAME " cannot be opened");
    const ssize_t count = pread(fd, blocks, sizeof blocks, 0);
    const int error = errno;
    (void)close(fd);
    if (count < 0)
        return fail(reason, error, META_NAME " cannot be read");
    const char *wrong = meta_invalid(blocks, &meta);
    if (wrong != NULL && meta_invalid(blocks + LOG_BLOCK_BYTES, &meta) != NULL)
        return refuse(reason, EUCLEAN, wrong);
    dir->data_id = meta.data_id;
    dir->hash_key = meta.hash_key;
    dir->created_ns = meta.created_ns;
    dir->shard_count = meta.shard_count;
    return 0;
}

/* What an interrupted formatting leaves behind is as good as nothing. */
static bool is_ours_or_nothing(const char *name)
{
    static const char *const ours[] = {".", "..", LOCK_NAME, META_TMP_NAME, "lost+found"};
    for (size_t i = 0; i < ARRAY_COUNT(ours); i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return strncmp(name, "shard-", 6) == 0;
}

/* 1 if empty, 0 if not, or -errno. */
static int is_empty(const struct data_dir *dir)
{
    const int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL)
        return -errno;
    bool is_nothing = true;
    for (const struct dirent *entry = readdir(listing); entry != NULL && is_nothing;
         entry = readdir(listing))
        is_nothing = is_ours_or_nothing(entry->d_name);
    (void)closedir(listing);
    return is_nothing;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int format_shard(const struct data_dir *dir, u32 shard)
{
    char name[16];
    data_dir_shard_name(name, shard);
    if (mkdirat(dir->fd, name, 0755) != 0 && errno != EEXIST)
        return -errno;
    const int fd = data_dir_open_shard(dir, shard);
    if (fd < 0)
        return fd;
    const struct superblock superblock = {.shard = (u16)shard, .data_id = dir->data_id};
    const int result = superblock_create(fd, &superblock, dir->hash_key);
    (void)close(fd);
    return result;
}

static int write_meta(const struct data_dir *dir)
{
    u8 blocks[2 * LOG_BLOCK_BYTES] = {0};
    struct data_dir_meta meta = {.magic = META_MAGIC,
                                 .version = META_VERSION,
                                 .shard_count = dir->shard_count,
                                 .data_id = dir->data_id,
                                 .hash_key = dir->hash_key,
                                 .created_ns = dir->created_ns};
    memcpy(blocks, &meta, sizeof meta);
    meta.hash = checksum64(blocks + 8, LOG_BLOCK_BYTES - 8);
    memcpy(blocks, &meta.hash, sizeof meta.hash);
    memcpy(blocks + LOG_BLOCK_BYTES, blocks, LOG_BLOCK_BYTES);
    const int fd = openat(dir->fd, META_TMP_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int result = 0;
    if (write(fd, blocks, sizeof blocks) != (ssize_t)sizeof blocks || fsync(fd) != 0)
        result = errno != 0 ? -errno : -EIO;
    (void)close(fd);
    if (result == 0 &&
        (fsync(dir->fd) != 0 || renameat(dir->fd, META_TMP_NAME, dir->fd, META_NAME) != 0 ||
         fsync(dir->fd) != 0))
        result = -errno;
    return result;
}

static int format(struct data_dir *dir, const struct data_dir_options *options,
                  const struct reason *reason)
{
    u64 random[3];
    const int nothing = is_empty(dir);
    if (nothing < 0)
        return fail(reason, -nothing, "cannot be listed");
    if (nothing == 0)
        return refuse(reason, ENOTEMPTY,
                      "the directory is not empty and has no " META_NAME
                      ", so it is not Souk's. Name an empty or a new directory");
    if (options->shard_count == 0 || options->shard_count > SHARDS_MAX)
        return refuse(reason, EINVAL, "a new directory needs a number of shards from 1 to 256");
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return fail(reason, errno, "no random numbers for its name");
    dir->data_id = (struct id128){.low = random[0] | 1, .high = random[1]};
    dir->hash_key = random[2];
    dir->created_ns = options->now_ns;
    dir->shard_count = options->shard_count;
    dir->is_new = true;
    for (u32 shard = 0; shard < dir->shard_count; shard++) {
        const int result = format_shard(dir, shard);
        if (result != 0)
            return fail(reason, -result, "a shard's directory cannot be made");
    }
    const int result = write_meta(dir);
    return result == 0 ? 0 : fail(reason, -result, META_NAME " cannot be written");
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The entry of a directory that was just made must be durable before it is relied on. */
static void sync_parent(const char *path)
{
    char parent[DATA_DIR_PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%s/..", path);
    const int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        (void)close(fd);
    }
}

static int open_directory(struct data_dir *dir, const struct reason *reason)
{
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0 && errno == ENOENT) {
        if (mkdir(dir->path, 0755) != 0)
            return fail(reason, errno, "the directory cannot be made");
        sync_parent(dir->path);
        dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return dir->fd < 0 ? fail(reason, errno, "the directory cannot be opened") : 0;
}

static int take_lock(struct data_dir *dir, const struct reason *reason)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    dir->lock_fd = openat(dir->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (dir->lock_fd < 0)
        return fail(reason, errno, LOCK_NAME " cannot be opened");
    if (fcntl(dir->lock_fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return refuse(reason, EBUSY,
                      "another server uses this directory. Stop it, or name another directory");
    return fail(reason, errno, LOCK_NAME " cannot be locked");
}

static int open_steps(struct data_dir *dir, const struct data_dir_options *options,
                      const struct reason *reason)
{
    int result = open_directory(dir, reason);
    if (result != 0)
        return result;
    result = read_meta(dir, reason);
    if (result == -ENOENT && is_empty(dir) != 1)
        return format(dir, options, reason); /* says why it will not, and has touched nothing */
    if (result != 0 && result != -ENOENT)
        return result;
    result = take_lock(dir, reason);
    if (result != 0)
        return result;
    result = read_meta(dir, reason); /* again: another server may have formatted it meanwhile */
    if (result == -ENOENT)
        result = format(dir, options, reason);
    if (result != 0)
        return result;
    if (options->shard_count != 0 && options->shard_count != dir->shard_count) {
        (void)snprintf(reason->text, reason->bytes,
                       "%s: the directory was formatted with %u shards, not %u. The number is "
                       "fixed then; leave the option out",
                       reason->path, (unsigned)dir->shard_count, (unsigned)options->shard_count);
        return -EINVAL;
    }
    return 0;
}

int data_dir_open(struct data_dir *dir, const struct data_dir_options *options, char *text,
                  size_t text_bytes)
{
    const struct reason reason = {.text = text, .bytes = text_bytes, .path = options->path};
    memset(dir, 0, sizeof *dir);
    dir->fd = -1;
    dir->lock_fd = -1;
    if (strlen(options->path) + 64 > sizeof dir->path)
        return refuse(&reason, ENAMETOOLONG, "the path is too long");
    memcpy(dir->path, options->path, strlen(options->path) + 1);
    const int result = open_steps(dir, options, &reason);
    if (result != 0)
        data_dir_close(dir);
    return result;
}

void data_dir_close(struct data_dir *dir)
{
    if (dir->lock_fd >= 0)
        (void)close(dir->lock_fd); /* gives the lock back */
    if (dir->fd >= 0)
        (void)close(dir->fd);
    dir->fd = -1;
    dir->lock_fd = -1;
}
