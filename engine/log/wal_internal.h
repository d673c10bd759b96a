/* wal_internal: the struct behind wal.h, shared by wal.c (batches), wal_prepare.c (segments) and
 * wal_open.c (start and end). Nobody else includes it.
 *
 *   wal.c           reserve, seal, write, deliver, the superblock, failure
 *   wal_prepare.c   makes the next segment ready, a step at a time, through the ring
 *   wal_open.c      allocation, recovery, reading back, closing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_WAL_INTERNAL_H
#define SOUK_ENGINE_LOG_WAL_INTERNAL_H

#include "engine/log/recovery.h"
#include "engine/log/superblock.h"
#include "engine/log/wal.h"
#include "engine/log/wal_format.h"

/* Open, in flight, and two for what is durable but not applied yet (or, in mode async, applied but
 * not written yet). */
#define WAL_BUFFERS             4u
#define WAL_PREPARE_CHUNK_BYTES (1u << 20)
#define WAL_ENTRIES_OFFSET      (sizeof(struct wal_frame_header) + sizeof(struct batch_header))
#define WAL_SLOTS               3u

/* One batch on its way. The frame is built in place: header, batch header, entries. */
struct wal_buffer {
    u8 *frame;
    u64 lsn;
    u64 epoch;
    u64 stamp_ns;
    u64 offset;    /* in the file of the slot */
    u64 sealed_ns; /* by the caller's clock */
    u32 frame_bytes;
    u32 payload_bytes;
    u32 entry_count;
    u32 slot;
};

/* A segment that is open for writing. */
struct wal_slot {
    u64 seq;
    u64 first_lsn;
    u64 prev_chain;
    u64 sealed_end; /* sealed_count after its last frame; it may be closed when all is written */
    int fd;         /* -1: the slot is free */
    bool is_begun;  /* its header is durable (W3) */
};

enum wal_write { WAL_WRITE_NONE, WAL_WRITE_HEADER, WAL_WRITE_FRAME };

/* The steps of making a segment; each is one operation on the ring. */
enum wal_prepare_step {
    WAL_PREPARE_IDLE,     /* nothing to do, or waiting for retry_ns */
    WAL_PREPARE_RECYCLE,  /* a spare file gets the name wal-<seq>.tmp */
    WAL_PREPARE_MAKE,     /* wal-<seq>.tmp is opened, made if need be */
    WAL_PREPARE_ZERO,     /* and filled with zeros, a chunk at a time */
    WAL_PREPARE_SYNC,     /* flushed */
    WAL_PREPARE_NAME,     /* renamed to wal-<seq>.log */
    WAL_PREPARE_SYNC_DIR, /* and its name flushed */
    WAL_PREPARE_OPEN,     /* instead of all that: it had been prepared before the start */
    WAL_PREPARE_DISCARD,  /* after an error that cannot be mended: the file is removed */
    WAL_PREPARE_READY
};

struct wal_prepare {
    struct ring_op op;
    u64 seq;
    u64 zeroed_bytes;
    u64 zero_end; /* a recycled file needs zeros only where its header will be */
    u64 retry_ns; /* not before; 0: at once */
    int fd;
    u8 step;         /* enum wal_prepare_step */
    bool is_waiting; /* for the pace, or for retry_ns; nothing is in flight */
    bool was_noted;  /* the trouble has been told */
    char making[WAL_SEGMENT_NAME];
    char name[WAL_SEGMENT_NAME];
    char spare[WAL_SEGMENT_NAME];
};

struct wal {
    struct replog log; /* first: what the reactor sees */
    struct wal_options options;
    struct ring *ring;
    u64 hash_key;

    /* Batches. See the picture in wal.h. */
    struct wal_buffer buffers[WAL_BUFFERS];
    u64 sealed_count;
    u64 written_count;
    u64 delivered_count;
    u32 reserved_bytes; /* of the last answer of reserve */
    u32 frame_bytes_max;
    u64 room_reserve; /* with less room in the tail, and no next segment, nothing new is let in */
    u64 last_chain;
    u64 last_stamp_ns;
    u64 fence_epoch;
    u64 now_ns;
    u64 activity_ns; /* when something was last appended or written */

    /* Where frames go. */
    struct ring_op write_op;
    enum wal_write write;
    struct wal_slot slots[WAL_SLOTS];
    u32 tail;        /* slot of the next frame */
    u64 tail_offset; /* and its place there */
    u8 *segment_blocks;
    struct wal_prepare prepare;
    u8 *zeros;
    u64 prepared_last; /* files up to this seq exist under their final name */
    u64 spare_first;   /* files [spare_first, spare_end) may be recycled */
    u64 spare_end;
    u64 *first_lsns; /* seq % WAL_SEGMENTS_MAX */

    /* The superblock. */
    struct ring_op super_op;
    struct superblock superblock; /* as last sealed */
    u64 super_durable_lsns[2];    /* of the two copies on disk */
    u8 *super_block;
    u8 super_copies_left;  /* still to be written to have both copies equal */
    u8 super_clean_copies; /* the last so many said "stopped cleanly" */
    u64 trim_lsn;          /* asked for */

    int shard_fd;
    int super_fd;
    int direct_flag; /* O_DIRECT, or 0 where the file system has none */
    bool is_stopping;
    bool is_stopped;
    u8 *memory;
    size_t memory_bytes;
    struct batch_ack acks[SHARDS_MAX]; /* of the open batch; log.open_acks of them */
};

static inline struct wal *wal_of(struct replog *log)
{
    return (struct wal *)(void *)log;
}

/* wal.c */
extern const struct replog_methods wal_methods;
void wal_refresh(struct wal *wal);
void wal_fail(struct wal *wal, const char *file, u64 offset, u64 lsn, const char *what, i32 result);
void wal_note(const struct wal *wal, const char *text);
void wal_write_done(struct ring_op *op, const struct ring_completion *completion);
void wal_super_done(struct ring_op *op, const struct ring_completion *completion);

/* wal_prepare.c: prepared segment as the next tail; steps that are due now. */
void wal_prepare_init(struct wal *wal);
void wal_prepare_run(struct wal *wal);
bool wal_prepare_is_ready(const struct wal *wal);
/* Hands over the descriptor of the prepared segment and begins with the one after it. */
int wal_prepare_take(struct wal *wal, u64 *seq);
u64 wal_prepare_deadline(const struct wal *wal);

/* wal_open.c */
int wal_read_back(struct replog *log, u64 from_lsn, u64 to_lsn, const struct replog_callbacks *to);
void wal_close(struct replog *log);

#endif
