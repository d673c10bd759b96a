/* wal_prepare: the next segment is made ready before it is needed.
 *
 * One operation in flight, a chunk of zeros at a time, and not faster than twice the speed at which
 * the current segment fills (so it is ready when that is half full), unless nothing else happens.
 * The steps are listed in wal_internal.h; every error leads back to an earlier step after a second,
 * except that a failed flush is never repeated: a file is thrown away, a directory stops the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/log/wal_internal.h"

bool wal_prepare_is_ready(const struct wal *wal)
{
    return wal->prepare.step == WAL_PREPARE_READY;
}

int wal_prepare_take(struct wal *wal, u64 *seq)
{
    struct wal_prepare *prepare = &wal->prepare;
    MUST(prepare->step == WAL_PREPARE_READY && prepare->fd >= 0);
    const int fd = prepare->fd;
    *seq = prepare->seq;
    prepare->fd = -1;
    prepare->step = WAL_PREPARE_IDLE;
    return fd;
}

static bool may_write_zeros(const struct wal *wal)
{
    const bool has_tail = wal->slots[wal->tail].fd >= 0;
    return !has_tail || wal->prepare.zeroed_bytes <= 2 * wal->tail_offset ||
           wal->now_ns - wal->activity_ns >= WAL_IDLE_NS;
}

/* Which segment is next, and how to come by it. */
static void choose(struct wal *wal)
{
    struct wal_prepare *prepare = &wal->prepare;
    const u64 seq = wal->slots[wal->tail].seq + 1;
    if (seq - wal->superblock.first_segment >= WAL_SEGMENTS_MAX - 1)
        return; /* has_space ends when the current one is full */
    prepare->seq = seq;
    prepare->zeroed_bytes = 0;
    prepare->zero_end = wal->options.segment_bytes;
    wal_segment_name(prepare->making, seq, ".tmp");
    wal_segment_name(prepare->name, seq, ".log");
    if (wal->prepared_last >= seq) {
        prepare->step = WAL_PREPARE_OPEN;
    } else if (wal->spare_first < wal->spare_end) {
        wal_segment_name(prepare->spare, wal->spare_first, ".log");
        prepare->zero_end = WAL_FRAMES_OFFSET;
        prepare->step = WAL_PREPARE_RECYCLE;
    } else {
        prepare->step = WAL_PREPARE_MAKE;
    }
}

static void submit_zeros(struct wal *wal)
{
    struct wal_prepare *prepare = &wal->prepare;
    const u64 left = prepare->zero_end - prepare->zeroed_bytes;
    ring_write(wal->ring, &prepare->op, prepare->fd, wal->zeros,
               (u32)MIN(left, WAL_PREPARE_CHUNK_BYTES), prepare->zeroed_bytes);
}

static void submit_step(struct wal *wal)
{
    struct wal_prepare *prepare = &wal->prepare;
    struct ring_op *op = &prepare->op;
    const int open_flags = O_RDWR | wal->direct_flag;
    const bool is_recycled = prepare->zero_end == WAL_FRAMES_OFFSET;
    switch ((enum wal_prepare_step)prepare->step) {
    case WAL_PREPARE_RECYCLE:
        ring_rename(wal->ring, op, wal->shard_fd, prepare->spare, prepare->making);
        break;
    case WAL_PREPARE_MAKE:
        ring_open_file(wal->ring, op, wal->shard_fd, prepare->making,
                       open_flags | (is_recycled ? 0 : O_CREAT | O_TRUNC));
        break;
    case WAL_PREPARE_ZERO: submit_zeros(wal); break;
    case WAL_PREPARE_SYNC: ring_sync(wal->ring, op, prepare->fd); break;
    case WAL_PREPARE_NAME:
        ring_rename(wal->ring, op, wal->shard_fd, prepare->making, prepare->name);
        break;
    case WAL_PREPARE_SYNC_DIR: ring_sync(wal->ring, op, wal->shard_fd); break;
    case WAL_PREPARE_OPEN:
        ring_open_file(wal->ring, op, wal->shard_fd, prepare->name, open_flags);
        break;
    case WAL_PREPARE_DISCARD: ring_unlink(wal->ring, op, wal->shard_fd, prepare->making); break;
    case WAL_PREPARE_IDLE:
    case WAL_PREPARE_READY: break;
    }
}

void wal_prepare_run(struct wal *wal)
{
    struct wal_prepare *prepare = &wal->prepare;
    if (wal->log.mode == REPLOG_MODE_NONE || wal->log.is_failed || wal->is_stopping)
        return;
    if (prepare->op.state != RING_STATE_FREE || prepare->step == WAL_PREPARE_READY ||
        prepare->retry_ns > wal->now_ns)
        return;
    prepare->retry_ns = 0;
    if (prepare->step == WAL_PREPARE_IDLE)
        choose(wal);
    prepare->is_waiting = prepare->step == WAL_PREPARE_ZERO && !may_write_zeros(wal);
    if (!prepare->is_waiting)
        submit_step(wal);
}

u64 wal_prepare_deadline(const struct wal *wal)
{
    const struct wal_prepare *prepare = &wal->prepare;
    if (wal->is_stopping || prepare->op.state != RING_STATE_FREE)
        return UINT64_MAX;
    if (prepare->retry_ns > wal->now_ns)
        return prepare->retry_ns;
    return prepare->is_waiting ? wal->activity_ns + WAL_IDLE_NS : UINT64_MAX;
}

/* ---- completions ----------------------------------------------------------------------------- */

static void tell_trouble(struct wal *wal, i32 result)
{
    char text[DATA_DIR_PATH_MAX + 256];
    struct wal_prepare *prepare = &wal->prepare;
    if (prepare->was_noted)
        return;
    prepare->was_noted = true;
    (void)snprintf(text, sizeof text,
                   "%s/shard-%03u/%s: the next segment of the log cannot be prepared: %s. Trying "
                   "again every second; when the current one is full, writes are refused with "
                   "NO_SPACE. Free some space",
                   wal->options.dir->path, (unsigned)wal->log.shard, prepare->name,
                   result < 0 ? strerror(-result) : "a write came out short");
    wal_note(wal, text);
}

/* The file that is being made cannot be trusted any more. */
static void discard(struct wal *wal)
{
    struct wal_prepare *prepare = &wal->prepare;
    if (prepare->fd >= 0)
        ring_close_fd(wal->ring, prepare->fd);
    prepare->fd = -1;
    prepare->step = WAL_PREPARE_DISCARD;
}

static void on_trouble(struct wal *wal, i32 result)
{
    struct wal_prepare *prepare = &wal->prepare;
    const bool is_full = result == -ENOSPC || result == -EDQUOT || result >= 0;
    tell_trouble(wal, result);
    prepare->retry_ns = wal->now_ns + WAL_PREPARE_RETRY_NS;
    switch ((enum wal_prepare_step)prepare->step) {
    case WAL_PREPARE_ZERO:
        if (!is_full)
            discard(wal);
        break; /* a full disk: what has been written stays, and it goes on from there */
    case WAL_PREPARE_SYNC: discard(wal); break; /* a flush is never repeated */
    case WAL_PREPARE_SYNC_DIR:
        wal_fail(wal, prepare->name, 0, 0, "the directory could not be flushed", result);
        break;
    case WAL_PREPARE_RECYCLE: /* it may have gone: the next one, or a new file */
        wal->spare_first++;
        prepare->step = WAL_PREPARE_IDLE;
        break;
    case WAL_PREPARE_DISCARD:
    case WAL_PREPARE_OPEN: prepare->step = WAL_PREPARE_IDLE; break;
    case WAL_PREPARE_MAKE:
    case WAL_PREPARE_NAME:
    case WAL_PREPARE_IDLE:
    case WAL_PREPARE_READY: break; /* the same step again */
    }
}

static void become_ready(struct wal *wal)
{
    struct wal_prepare *prepare = &wal->prepare;
    prepare->step = WAL_PREPARE_READY;
    wal->prepared_last = MAX(wal->prepared_last, prepare->seq);
    if (prepare->was_noted)
        wal_note(wal, "the next segment of the log is ready: there is space again");
    prepare->was_noted = false;
}

static void on_step_done(struct wal *wal, i32 result)
{
    struct wal_prepare *prepare = &wal->prepare;
    switch ((enum wal_prepare_step)prepare->step) {
    case WAL_PREPARE_RECYCLE:
        wal->spare_first++;
        prepare->step = WAL_PREPARE_MAKE;
        break;
    case WAL_PREPARE_MAKE:
        prepare->fd = result;
        prepare->step = WAL_PREPARE_ZERO;
        break;
    case WAL_PREPARE_ZERO:
        prepare->zeroed_bytes += (u32)result;
        if (prepare->zeroed_bytes == prepare->zero_end)
            prepare->step = WAL_PREPARE_SYNC;
        break;
    case WAL_PREPARE_SYNC: prepare->step = WAL_PREPARE_NAME; break;
    case WAL_PREPARE_NAME: prepare->step = WAL_PREPARE_SYNC_DIR; break;
    case WAL_PREPARE_OPEN:
        prepare->fd = result;
        become_ready(wal);
        break;
    case WAL_PREPARE_SYNC_DIR: become_ready(wal); break;
    case WAL_PREPARE_DISCARD:
        prepare->step = WAL_PREPARE_IDLE;
        prepare->retry_ns = wal->now_ns + WAL_PREPARE_RETRY_NS;
        break;
    case WAL_PREPARE_IDLE:
    case WAL_PREPARE_READY: PANIC("a step that has no operation has completed");
    }
}

static void prepare_done(struct ring_op *op, const struct ring_completion *completion)
{
    struct wal *wal = (struct wal *)(void *)((u8 *)op - offsetof(struct wal, prepare.op));
    const bool is_odd = wal->prepare.step == WAL_PREPARE_ZERO &&
                        (completion->result == 0 || completion->result % (i32)LOG_BLOCK_BYTES != 0);
    MUST(completion->is_last);
    if (completion->result < 0 || is_odd)
        on_trouble(wal, completion->result);
    else
        on_step_done(wal, completion->result);
    wal_prepare_run(wal);
    wal_refresh(wal);
}

void wal_prepare_init(struct wal *wal)
{
    wal->prepare = (struct wal_prepare){.op.done = prepare_done, .fd = -1};
}
