/* wal: one shard's log on the local disk; the back-end of replog that needs nothing else.
 *
 * DIR/shard-NNN/wal-<seq>.log are segments of 64 MiB, really written with zeros before use; one
 * batch is one frame, aligned to 4 KiB, written with O_DIRECT and synchronous data.
 *
 *      buffers, used in turn:   open --append--> sealed --write--> durable --deliver--> free
 *      counters:                             sealed_count >= written_count
 *                                            sealed_count >= delivered_count >= released_count
 *
 * Invariants
 *   W1  at most one frame write is in flight; it begins as soon as the one before has completed and
 *       something has been appended. Group commit is self-clocked: no timers.
 *   W2  a frame that was written is never written again; a frame begins on a block of its own.
 *   W3  the header of a segment is durable before the first frame of it is written.
 *   W4  a prepared segment is under its final name only when all its zeros are durable.
 *   W5  a buffer is lent to the ring from the start of its write to its completion.
 * Ownership  one reactor; the ring must be that of the reactor and outlive the wal. All memory is
 *            allocated and touched by wal_open.
 * Happy path wal_open (recovers: on_commit for each batch found), then see replog.h.
 * Failure    a failed or short write of a frame, a segment header or the superblock: stop for good.
 *            A segment that cannot be prepared: has_space becomes false before room runs out, the
 *            preparing is tried again every second.
 * Not here   finding out what is torn and what is rotten: recovery.h. Whose directory this is:
 *            data_dir.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_WAL_H
#define SOUK_ENGINE_LOG_WAL_H

#include "engine/log/data_dir.h"
#include "engine/log/replog.h"
#include "engine/ring/ring.h"

#define WAL_ASYNC_MAX_MS_DEFAULT 1000u
#define WAL_IDLE_NS              (10 * NS_PER_MS) /* then the superblock is brought up to date */
#define WAL_PREPARE_RETRY_NS     NS_PER_S

struct wal_options {
    struct ring *ring;
    const struct data_dir *dir; /* NULL only in mode none */
    struct replog_callbacks callbacks;
    u64 from_lsn;      /* first lsn to deliver, 1 without a snapshot; 0 counts as 1 */
    u64 reserve_bytes; /* preformat this much at start; 0: only the next segment */
    u64 now_ns;        /* the monotonic clock, as for replog_tick */
    u32 segment_bytes; /* 0 = LOG_SEGMENT_BYTES; others for tests */
    u32 batch_bytes;   /* 0 = LOG_BATCH_BYTES_MAX; payload of one batch at most */
    u32 async_max_ms;  /* 0 = default */
    u16 shard;
    u8 mode; /* enum replog_mode */
};

/* Opens the log of a shard, creating it if the shard has none, and replays it. Returns 0 or -errno;
 * then `reason` (of reason_bytes) says file, offset, lsn and what can be done. Blocks: for start. */
NODISCARD int wal_open(struct replog **log, const struct wal_options *options, char *reason,
                       size_t reason_bytes);

#endif
