/* wal: batches in, frames out, commits back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log/wal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/log/wal_internal.h"

/* The answers of replog.h are errors of this system. */
STATIC_CHECK(REPLOG_BUSY == -EAGAIN && REPLOG_NOT_LEADER == -EPERM);
STATIC_CHECK(REPLOG_NO_SPACE == -ENOSPC && REPLOG_FAILED == -EIO);
/* The tail moves at most once while frames of the segment before are still to be written. */
STATIC_CHECK(LOG_SEGMENT_BYTES > (WAL_BUFFERS + 2) * WAL_FRAME_BYTES_MAX);

static bool is_durable_mode(const struct wal *wal)
{
    return wal->log.mode == REPLOG_MODE_DURABLE;
}

static bool has_files(const struct wal *wal)
{
    return wal->log.mode != REPLOG_MODE_NONE;
}

/* Batches that may be applied. */
static u64 committed_count(const struct wal *wal)
{
    return is_durable_mode(wal) ? wal->written_count : wal->sealed_count;
}

/* Buffers before this count may be used again: applied, and on disk where there is one. */
static u64 released_count(const struct wal *wal)
{
    return has_files(wal) ? MIN(wal->delivered_count, wal->written_count) : wal->delivered_count;
}

static struct wal_buffer *open_buffer(struct wal *wal)
{
    return &wal->buffers[wal->sealed_count % WAL_BUFFERS];
}

static bool has_open_buffer(const struct wal *wal)
{
    return wal->sealed_count - released_count(wal) < WAL_BUFFERS;
}

static u64 tail_room(const struct wal *wal)
{
    return wal->options.segment_bytes - wal->tail_offset;
}

/* In mode async, the promise of how much can be lost: no more is accepted while the oldest batch
 * has waited too long for the disk. */
static bool is_within_async_bound(const struct wal *wal)
{
    if (wal->sealed_count == wal->written_count)
        return true;
    const struct wal_buffer *oldest = &wal->buffers[wal->written_count % WAL_BUFFERS];
    return wal->now_ns - oldest->sealed_ns < (u64)wal->options.async_max_ms * NS_PER_MS;
}

/* Recomputes what the reactor reads, after any step. */
void wal_refresh(struct wal *wal)
{
    struct replog *log = &wal->log;
    const u64 in_flight = wal->sealed_count - wal->written_count;
    bool can_append = !log->is_failed && !wal->is_stopped && has_open_buffer(wal);
    switch ((enum replog_mode)log->mode) {
    case REPLOG_MODE_DURABLE: can_append = can_append && in_flight == 0; break;
    case REPLOG_MODE_ASYNC:
        can_append = can_append && in_flight < WAL_BUFFERS - 1 && is_within_async_bound(wal);
        break;
    case REPLOG_MODE_NONE: break;
    }
    log->can_append = can_append;
    /* Below the reserve nothing new is let in; what was let in still fits (L4). */
    log->has_space =
        !has_files(wal) || wal_prepare_is_ready(wal) || tail_room(wal) >= wal->room_reserve;
    log->may_answer = !log->is_failed; /* one writer, one file: nobody else could have answered */
    log->has_undelivered = !log->is_failed && wal->delivered_count < committed_count(wal);
    MUST(wal->written_count <= wal->sealed_count && wal->delivered_count <= wal->sealed_count);
    MUST(wal->sealed_count - released_count(wal) <= WAL_BUFFERS);
    MUST(IMPLIES(is_durable_mode(wal), log->positions.applied_lsn <= log->positions.durable_lsn));
    MUST(log->positions.durable_lsn <= log->positions.appended_lsn);
}

void wal_note(const struct wal *wal, const char *text)
{
    if (wal->options.callbacks.on_note != NULL)
        wal->options.callbacks.on_note(wal->options.callbacks.context, text);
}

void wal_fail(struct wal *wal, const char *file, u64 offset, u64 lsn, const char *what, i32 result)
{
    char reason[DATA_DIR_PATH_MAX + 512];
    if (wal->log.is_failed)
        return;
    wal->log.is_failed = true;
    (void)snprintf(reason, sizeof reason,
                   "%s/shard-%03u/%s, offset %" PRIu64 ", lsn %" PRIu64
                   ": %s: %s. The log of this shard has stopped; nothing is acknowledged any more "
                   "and nothing is retried. Check the disk, then start again: everything "
                   "acknowledged is on it",
                   wal->options.dir->path, (unsigned)wal->log.shard, file, offset, lsn, what,
                   result < 0 ? strerror(-result) : "it came out short");
    wal_refresh(wal);
    if (wal->options.callbacks.on_failure != NULL)
        wal->options.callbacks.on_failure(wal->options.callbacks.context, reason);
}

/* ---- building a batch ------------------------------------------------------------------------ */

/* They are kept aside until the batch is sealed: there may be no buffer for it yet. */
static void set_acks(struct replog *log, const struct batch_ack *acks, u32 count)
{
    struct wal *wal = wal_of(log);
    MUST(log->open_entries == 0 && count <= SHARDS_MAX);
    if (count > 0)
        memcpy(wal->acks, acks, count * sizeof *acks);
    wal->reserved_bytes = 0;
    log->open_acks = count;
    log->open_bytes = (u32)(sizeof(struct batch_header) + count * sizeof *acks);
    MUST(log->open_bytes <= wal->options.batch_bytes);
}

static u8 *reserve(struct replog *log, u32 bytes)
{
    struct wal *wal = wal_of(log);
    MUST(bytes % 8 == 0 && bytes >= sizeof(struct entry_header));
    wal->reserved_bytes = 0;
    if (log->is_failed || wal->is_stopping || !log->has_space || !has_open_buffer(wal))
        return NULL;
    if (bytes > wal->options.batch_bytes - log->open_bytes)
        return NULL;
    wal->reserved_bytes = bytes;
    return open_buffer(wal)->frame + sizeof(struct wal_frame_header) + log->open_bytes;
}

static void commit_entry(struct replog *log, u32 bytes)
{
    struct wal *wal = wal_of(log);
    MUST(bytes > 0 && bytes % 8 == 0 && bytes <= wal->reserved_bytes);
    wal->reserved_bytes = 0;
    log->open_bytes += bytes;
    log->open_entries++;
    MUST(log->open_bytes <= wal->options.batch_bytes);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void submit_header(struct wal *wal, struct wal_slot *slot)
{
    const struct wal_segment_header header = {.shard = wal->log.shard,
                                              .data_id = wal->options.dir->data_id,
                                              .seq = slot->seq,
                                              .first_lsn = slot->first_lsn,
                                              .prev_seq = slot->seq - 1,
                                              .prev_chain = slot->prev_chain,
                                              .epoch = wal->log.positions.epoch,
                                              .segment_bytes = wal->options.segment_bytes};
    wal_segment_seal(wal->segment_blocks, &header, wal->hash_key);
    wal->write = WAL_WRITE_HEADER;
    ring_write_durable(wal->ring, &wal->write_op, slot->fd, wal->segment_blocks, WAL_FRAMES_OFFSET,
                       0);
}

/* W1: the next frame, if there is one and nothing is in flight. */
static void start_write(struct wal *wal)
{
    if (!has_files(wal) || wal->log.is_failed || wal->write != WAL_WRITE_NONE ||
        wal->written_count == wal->sealed_count)
        return;
    const struct wal_buffer *buffer = &wal->buffers[wal->written_count % WAL_BUFFERS];
    struct wal_slot *slot = &wal->slots[buffer->slot];
    MUST(slot->fd >= 0);
    if (!slot->is_begun) { /* W3 */
        submit_header(wal, slot);
        return;
    }
    wal->write = WAL_WRITE_FRAME;
    ring_write_durable(wal->ring, &wal->write_op, slot->fd, buffer->frame, buffer->frame_bytes,
                       buffer->offset);
}

static void close_left_slots(struct wal *wal)
{
    for (u32 i = 0; i < WAL_SLOTS; i++) {
        struct wal_slot *slot = &wal->slots[i];
        if (slot->fd >= 0 && i != wal->tail && slot->sealed_end <= wal->written_count) {
            ring_close_fd(wal->ring, slot->fd);
            slot->fd = -1;
        }
    }
}

/* Both copies are to be brought up to date; one that is in flight may not have the news. */
static void request_superblock(struct wal *wal)
{
    wal->super_copies_left = wal->super_op.state == RING_STATE_FREE ? 2 : 3;
}

static void on_header_written(struct wal *wal, struct wal_slot *slot)
{
    slot->is_begun = true;
    wal->superblock.last_segment = slot->seq;
    if (wal->superblock.first_segment == 0)
        wal->superblock.first_segment = slot->seq;
    wal->first_lsns[slot->seq % WAL_SEGMENTS_MAX] = slot->first_lsn;
    request_superblock(wal); /* so that losing the file would be noticed */
    wal->log.statistics.segments++;
}

static void on_frame_written(struct wal *wal, const struct wal_buffer *buffer)
{
    wal->written_count++;
    wal->log.positions.durable_lsn = buffer->lsn;
    wal->log.statistics.written_bytes += buffer->frame_bytes;
    wal->log.statistics.write_ns_last = wal->now_ns - buffer->sealed_ns;
    wal->activity_ns = wal->now_ns;
    close_left_slots(wal);
}

static void submit_superblock(struct wal *wal);

void wal_write_done(struct ring_op *op, const struct ring_completion *completion)
{
    struct wal *wal = (struct wal *)(void *)((u8 *)op - offsetof(struct wal, write_op));
    const enum wal_write kind = wal->write;
    const struct wal_buffer *buffer = &wal->buffers[wal->written_count % WAL_BUFFERS];
    struct wal_slot *slot = &wal->slots[buffer->slot];
    const bool is_frame = kind == WAL_WRITE_FRAME;
    const u32 expected = is_frame ? buffer->frame_bytes : WAL_FRAMES_OFFSET;
    MUST(kind != WAL_WRITE_NONE && completion->is_last);
    MUST(wal->written_count < wal->sealed_count && slot->fd >= 0);
    wal->write = WAL_WRITE_NONE;
    if (completion->result != (i32)expected) {
        char name[WAL_SEGMENT_NAME];
        wal_segment_name(name, slot->seq, ".log");
        wal_fail(wal, name, is_frame ? buffer->offset : 0, buffer->lsn, "a write failed",
                 completion->result);
        return;
    }
    if (wal->log.is_failed)
        return; /* L3: whatever it was, it is not acknowledged any more */
    if (is_frame)
        on_frame_written(wal, buffer);
    else
        on_header_written(wal, slot);
    start_write(wal);
    submit_superblock(wal);
    wal_prepare_run(wal);
    wal_refresh(wal);
}

/* ---- appending ------------------------------------------------------------------------------- */

/* The tail moves to the prepared segment. */
static void switch_segment(struct wal *wal, u64 first_lsn)
{
    u64 seq = 0;
    const int fd = wal_prepare_take(wal, &seq);
    if (wal->slots[wal->tail].fd >= 0)
        wal->slots[wal->tail].sealed_end = wal->sealed_count;
    wal->tail = (wal->tail + 1) % WAL_SLOTS;
    MUST(wal->slots[wal->tail].fd < 0);
    wal->slots[wal->tail] = (struct wal_slot){
        .seq = seq, .first_lsn = first_lsn, .prev_chain = wal->last_chain, .fd = fd};
    wal->tail_offset = WAL_FRAMES_OFFSET;
    close_left_slots(wal);
}

/* Gives the open batch its place in the log and its checksums. */
static void seal(struct wal *wal, u64 epoch, u64 stamp_ns)
{
    struct wal_buffer *buffer = open_buffer(wal);
    const u64 lsn = wal->log.positions.appended_lsn + 1;
    const struct batch_header batch = {.stamp_ns = stamp_ns,
                                       .bytes = wal->log.open_bytes,
                                       .entry_count = wal->log.open_entries,
                                       .ack_count = wal->log.open_acks,
                                       .state_version = BATCH_STATE_VERSION};
    u8 *payload = buffer->frame + sizeof(struct wal_frame_header);
    memcpy(payload, &batch, sizeof batch);
    memcpy(payload + sizeof batch, wal->acks, batch.ack_count * sizeof wal->acks[0]);
    buffer->lsn = lsn;
    buffer->epoch = epoch;
    buffer->stamp_ns = stamp_ns;
    buffer->payload_bytes = wal->log.open_bytes;
    buffer->entry_count = wal->log.open_entries;
    buffer->frame_bytes = wal_frame_bytes(buffer->payload_bytes);
    buffer->sealed_ns = wal->now_ns;
    buffer->slot = wal->tail;
    if (!has_files(wal))
        return;
    buffer->offset = wal->tail_offset;
    const struct wal_frame_header header = {.lsn = lsn,
                                            .epoch = epoch,
                                            .payload_bytes = buffer->payload_bytes,
                                            .entry_count = buffer->entry_count,
                                            .segment_seq = wal->slots[wal->tail].seq,
                                            .prev_chain = wal->last_chain,
                                            .durable_lsn = wal->log.positions.durable_lsn,
                                            .offset = buffer->offset};
    wal->last_chain = wal_frame_seal(buffer->frame, &header, wal->hash_key);
    wal->tail_offset += buffer->frame_bytes;
    MUST(wal->tail_offset <= wal->options.segment_bytes);
}

static int append(struct replog *log, u64 epoch, u64 stamp_ns)
{
    struct wal *wal = wal_of(log);
    if (log->is_failed)
        return REPLOG_FAILED;
    if (epoch < wal->fence_epoch || epoch < log->positions.epoch)
        return REPLOG_NOT_LEADER;
    wal_refresh(wal);
    if (!log->can_append)
        return REPLOG_BUSY;
    MUST(stamp_ns >= wal->last_stamp_ns);
    if (has_files(wal) &&
        (wal->slots[wal->tail].fd < 0 || wal_frame_bytes(log->open_bytes) > tail_room(wal))) {
        MUST(IMPLIES(log->open_entries > 0, wal_prepare_is_ready(wal))); /* L4 */
        if (!wal_prepare_is_ready(wal))
            return REPLOG_NO_SPACE;
        switch_segment(wal, log->positions.appended_lsn + 1);
    }
    seal(wal, epoch, stamp_ns);
    wal->sealed_count++;
    wal->last_stamp_ns = stamp_ns;
    wal->activity_ns = wal->now_ns;
    log->positions.appended_lsn++;
    log->positions.epoch = epoch;
    log->statistics.batches++;
    log->statistics.entries += log->open_entries;
    log->statistics.payload_bytes += log->open_bytes;
    log->open_entries = 0;
    log->open_acks = 0;
    log->open_bytes = sizeof(struct batch_header);
    wal->reserved_bytes = 0;
    start_write(wal);
    wal_prepare_run(wal);
    wal_refresh(wal);
    return 0;
}

/* ---- delivering ------------------------------------------------------------------------------ */

static u32 deliver(struct replog *log, u32 batches_max)
{
    struct wal *wal = wal_of(log);
    u32 count = 0;
    while (count < batches_max && !log->is_failed && wal->delivered_count < committed_count(wal)) {
        const struct wal_buffer *buffer = &wal->buffers[wal->delivered_count % WAL_BUFFERS];
        const struct replog_batch batch = {.lsn = buffer->lsn,
                                           .epoch = buffer->epoch,
                                           .stamp_ns = buffer->stamp_ns,
                                           .payload =
                                               buffer->frame + sizeof(struct wal_frame_header),
                                           .bytes = buffer->payload_bytes,
                                           .entry_count = buffer->entry_count};
        MUST(batch.lsn == log->positions.applied_lsn + 1);                            /* L2 */
        MUST(IMPLIES(is_durable_mode(wal), batch.lsn <= log->positions.durable_lsn)); /* L2 */
        if (!wal->options.callbacks.on_commit(wal->options.callbacks.context, &batch))
            break;
        wal->delivered_count++;
        log->positions.applied_lsn = batch.lsn;
        count++;
    }
    wal_refresh(wal);
    return count;
}

/* ---- the superblock -------------------------------------------------------------------------- */

/* After a trim: the first segment that is still needed. */
static u64 first_needed_segment(const struct wal *wal)
{
    u64 first = wal->superblock.first_segment;
    while (first != 0 && first < wal->superblock.last_segment &&
           wal->first_lsns[(first + 1) % WAL_SEGMENTS_MAX] <= wal->trim_lsn + 1)
        first++;
    return first;
}

/* Writes the next copy if one is wanted and none is in flight. */
static void submit_superblock(struct wal *wal)
{
    if (wal->super_copies_left == 0 || wal->super_op.state != RING_STATE_FREE || wal->log.is_failed)
        return;
    struct superblock *superblock = &wal->superblock;
    superblock->sequence++;
    superblock->durable_lsn = wal->log.positions.durable_lsn;
    superblock->epoch = wal->log.positions.epoch;
    superblock->trimmed_lsn = wal->trim_lsn;
    superblock->first_segment = first_needed_segment(wal);
    superblock->is_clean = wal->is_stopping && wal->sealed_count == wal->written_count;
    superblock_seal(wal->super_block, superblock, wal->hash_key);
    ring_write_durable(wal->ring, &wal->super_op, wal->super_fd, wal->super_block, LOG_BLOCK_BYTES,
                       superblock_offset(superblock->sequence));
}

void wal_super_done(struct ring_op *op, const struct ring_completion *completion)
{
    struct wal *wal = (struct wal *)(void *)((u8 *)op - offsetof(struct wal, super_op));
    const struct superblock *written = &wal->superblock;
    MUST(completion->is_last && wal->super_copies_left > 0);
    if (completion->result != (i32)LOG_BLOCK_BYTES) {
        wal_fail(wal, SUPERBLOCK_NAME, superblock_offset(written->sequence), written->durable_lsn,
                 "a write failed", completion->result);
        return;
    }
    wal->log.statistics.superblocks++;
    wal->super_copies_left--;
    wal->super_durable_lsns[written->sequence & 1] = written->durable_lsn;
    wal->super_clean_copies = written->is_clean != 0 ? wal->super_clean_copies + 1 : 0;
    if (wal->super_copies_left == 0) {
        wal->log.positions.trimmed_lsn = written->trimmed_lsn;
        wal->spare_end = written->first_segment;
        wal->is_stopped = wal->is_stopping && wal->super_clean_copies >= 2;
    }
    submit_superblock(wal);
    wal_refresh(wal);
}

/* What both copies say: the damage of one must not shorten what is known. */
static bool is_superblock_behind(const struct wal *wal)
{
    const u64 durable_lsn = wal->log.positions.durable_lsn;
    return wal->super_durable_lsns[0] < durable_lsn || wal->super_durable_lsns[1] < durable_lsn;
}

static bool is_writing(const struct wal *wal)
{
    return wal->sealed_count != wal->written_count;
}

static bool is_idle(const struct wal *wal)
{
    return !is_writing(wal) && wal->now_ns - wal->activity_ns >= WAL_IDLE_NS;
}

static bool wants_superblock(const struct wal *wal)
{
    if (wal->is_stopping)
        return !is_writing(wal) && !wal->is_stopped && wal->super_clean_copies < 2;
    return is_idle(wal) && is_superblock_behind(wal);
}

static u64 tick(struct replog *log, u64 now_ns)
{
    struct wal *wal = wal_of(log);
    MUST(now_ns >= wal->now_ns);
    wal->now_ns = now_ns;
    if (log->is_failed)
        return UINT64_MAX;
    if (!has_files(wal)) {
        wal->is_stopped = wal->is_stopping;
        wal_refresh(wal);
        return UINT64_MAX;
    }
    if (wal->super_copies_left == 0 && wants_superblock(wal))
        request_superblock(wal);
    submit_superblock(wal);
    wal_prepare_run(wal);
    wal_refresh(wal);
    u64 deadline = wal_prepare_deadline(wal);
    /* While a write is under way its end is the next turn, however late that is. */
    if (wal->super_copies_left == 0 && is_superblock_behind(wal) && !is_writing(wal))
        deadline = MIN(deadline, wal->activity_ns + WAL_IDLE_NS);
    return deadline;
}

/* ---- the rest of the seam -------------------------------------------------------------------- */

static void fence(struct replog *log, u64 epoch)
{
    struct wal *wal = wal_of(log);
    wal->fence_epoch = MAX(wal->fence_epoch, epoch);
    wal_refresh(wal);
}

static void trim(struct replog *log, u64 lsn)
{
    struct wal *wal = wal_of(log);
    MUST(lsn <= log->positions.applied_lsn && lsn <= log->positions.durable_lsn);
    if (lsn <= wal->trim_lsn || wal->is_stopping || log->is_failed)
        return;
    wal->trim_lsn = lsn;
    request_superblock(wal); /* first what is needed is on record, then files are taken away */
    submit_superblock(wal);
}

static void stop(struct replog *log)
{
    struct wal *wal = wal_of(log);
    wal->is_stopping = true;
    wal->reserved_bytes = 0;
    wal_refresh(wal);
}

static bool is_stopped(const struct replog *log)
{
    const struct wal *wal = (const struct wal *)(const void *)log;
    return wal->is_stopped && wal->prepare.op.state == RING_STATE_FREE && !log->has_undelivered;
}

const struct replog_methods wal_methods = {.set_acks = set_acks,
                                           .reserve = reserve,
                                           .commit_entry = commit_entry,
                                           .append = append,
                                           .deliver = deliver,
                                           .tick = tick,
                                           .read = wal_read_back,
                                           .fence = fence,
                                           .trim = trim,
                                           .stop = stop,
                                           .is_stopped = is_stopped,
                                           .close = wal_close};
