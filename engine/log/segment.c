/* segment: a window over a file; a file of zeros.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZERO_BYTES (1u << 20)

int segment_open_file(int dir_fd, const char *name, int flags)
{
    int fd = openat(dir_fd, name, flags | O_DIRECT | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EINVAL)
        fd = openat(dir_fd, name, flags | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd;
}

int segment_reader_init(struct segment_reader *reader)
{
    *reader = (struct segment_reader){.fd = -1};
    reader->window = aligned_alloc(LOG_BLOCK_BYTES, SEGMENT_WINDOW_BYTES);
    return reader->window == NULL ? -ENOMEM : 0;
}

void segment_reader_deinit(struct segment_reader *reader)
{
    segment_reader_close(reader);
    free(reader->window);
    reader->window = NULL;
}

int segment_reader_open(struct segment_reader *reader, int dir_fd, const char *name)
{
    struct stat status;
    segment_reader_close(reader);
    const int fd = segment_open_file(dir_fd, name, O_RDONLY);
    if (fd < 0)
        return fd;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(fd);
        return -EMEDIUMTYPE;
    }
    reader->fd = fd;
    reader->file_bytes = (u64)status.st_size;
    reader->window_offset = 0;
    reader->window_bytes = 0;
    return 0;
}

void segment_reader_close(struct segment_reader *reader)
{
    if (reader->fd >= 0)
        (void)close(reader->fd);
    reader->fd = -1;
}

static int fill_window(struct segment_reader *reader, u64 offset)
{
    const u64 left = reader->file_bytes - offset;
    const u64 want = MIN(left / LOG_BLOCK_BYTES * LOG_BLOCK_BYTES, SEGMENT_WINDOW_BYTES);
    reader->window_offset = offset;
    reader->window_bytes = 0;
    while (reader->window_bytes < want) {
        const ssize_t count =
            pread(reader->fd, reader->window + reader->window_bytes, want - reader->window_bytes,
                  (off_t)(offset + reader->window_bytes));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) /* less than the file's length says: the disk or the file is broken */
            return count < 0 ? -errno : -EIO;
        reader->window_bytes += (u64)count;
    }
    return 0;
}

int segment_view(struct segment_reader *reader, u64 offset, u32 bytes, const u8 **view)
{
    MUST(offset % LOG_BLOCK_BYTES == 0 && bytes % LOG_BLOCK_BYTES == 0);
    MUST(bytes <= SEGMENT_WINDOW_BYTES && offset + bytes <= reader->file_bytes);
    if (offset < reader->window_offset ||
        offset + bytes > reader->window_offset + reader->window_bytes) {
        const int result = fill_window(reader, offset);
        if (result != 0)
            return result;
    }
    MUST(offset + bytes <= reader->window_offset + reader->window_bytes);
    *view = reader->window + (offset - reader->window_offset);
    return 0;
}

static int write_zeros(int fd, u32 segment_bytes)
{
    u8 *zeros = aligned_alloc(LOG_BLOCK_BYTES, ZERO_BYTES);
    if (zeros == NULL)
        return -ENOMEM;
    memset(zeros, 0, ZERO_BYTES);
    int result = 0;
    for (u64 offset = 0; offset < segment_bytes && result == 0;) {
        const size_t bytes = MIN(ZERO_BYTES, segment_bytes - offset);
        const ssize_t count = pwrite(fd, zeros, bytes, (off_t)offset);
        if (count < 0)
            result = -errno;
        else if (count % LOG_BLOCK_BYTES != 0 || count == 0)
            result = -ENOSPC; /* a short write: the next one would say so */
        else
            offset += (u64)count;
    }
    free(zeros);
    return result;
}

int segment_create(int dir_fd, u64 seq, u32 segment_bytes)
{
    char making[WAL_SEGMENT_NAME], name[WAL_SEGMENT_NAME];
    wal_segment_name(making, seq, ".tmp");
    wal_segment_name(name, seq, ".log");
    const int fd = segment_open_file(dir_fd, making, O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0)
        return fd;
    int result = write_zeros(fd, segment_bytes);
    if (result == 0 && fsync(fd) != 0)
        result = -errno;
    (void)close(fd);
    if (result == 0 && (renameat(dir_fd, making, dir_fd, name) != 0 || fsync(dir_fd) != 0))
        result = -errno;
    if (result != 0)
        (void)unlinkat(dir_fd, making, 0);
    return result;
}
