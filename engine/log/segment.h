/* segment: reading a segment file, and making one, with plain blocking calls, for start and tools.
 *
 * A reader holds a window of the file, large enough for the largest frame, and moves it forward. An
 * error of the disk is an error, never the end of the log.
 *
 * Ownership  what segment_view returns is valid until the next call on the reader.
 * Not here   the making of segments at run time: wal_prepare.c, through the ring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_SEGMENT_H
#define SOUK_ENGINE_LOG_SEGMENT_H

#include "engine/log/wal_format.h"
#include "proto/base.h"

#define SEGMENT_WINDOW_BYTES (4u << 20)
STATIC_CHECK(SEGMENT_WINDOW_BYTES >= WAL_FRAME_BYTES_MAX);

struct segment_reader {
    u8 *window; /* SEGMENT_WINDOW_BYTES, aligned to a block */
    u64 window_offset;
    u64 window_bytes;
    u64 file_bytes;
    int fd;
};

/* Opens with O_DIRECT where the file system has it, else without. A descriptor or -errno. */
NODISCARD int segment_open_file(int dir_fd, const char *name, int flags);

/* Allocates the window. 0 or -ENOMEM. */
NODISCARD int segment_reader_init(struct segment_reader *reader);
void segment_reader_deinit(struct segment_reader *reader);
/* Turns to a file. 0 or -errno; -EMEDIUMTYPE if it is no regular file. */
NODISCARD int segment_reader_open(struct segment_reader *reader, int dir_fd, const char *name);
void segment_reader_close(struct segment_reader *reader);
/* `bytes` at `offset`, both multiples of a block and inside the file. 0 or -errno. */
NODISCARD int segment_view(struct segment_reader *reader, u64 offset, u32 bytes, const u8 **view);

/* Makes the file `seq` of zeros, flushed, under its final name; the directory is flushed too. */
NODISCARD int segment_create(int dir_fd, u64 seq, u32 segment_bytes);

#endif
