/* wal_open: the start (memory, recovery, the first segments), reading back, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/log/segment.h"
#include "engine/log/wal_internal.h"
#include "engine/ring/ring_setup.h"

/* Where the words for the user go. */
struct reason {
    char *text;
    size_t bytes;
};

static int explain(const struct wal *wal, const struct reason *reason, int error, const char *what)
{
    (void)snprintf(reason->text, reason->bytes, "%s/shard-%03u: %s: %s", wal->options.dir->path,
                   (unsigned)wal->log.shard, what, strerror(-error));
    return error;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* All that runs is touched here, so that no page fault comes later. */
static int allocate(struct wal *wal)
{
    wal->frame_bytes_max = wal_frame_bytes(wal->options.batch_bytes);
    wal->room_reserve = (u64)(WAL_BUFFERS + 1) * wal->frame_bytes_max;
    wal->memory_bytes =
        (size_t)WAL_BUFFERS * wal->frame_bytes_max + WAL_FRAMES_OFFSET + LOG_BLOCK_BYTES;
    wal->memory = ring_map(wal->memory_bytes);
    /* Only ever read, so all of it is the kernel's one page of zeros. */
    wal->zeros = mmap(NULL, WAL_PREPARE_CHUNK_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wal->first_lsns = calloc(WAL_SEGMENTS_MAX, sizeof *wal->first_lsns);
    if (wal->zeros == MAP_FAILED)
        wal->zeros = NULL;
    if (wal->memory == NULL || wal->zeros == NULL || wal->first_lsns == NULL)
        return -ENOMEM;
    u8 *next = wal->memory;
    for (u32 i = 0; i < WAL_BUFFERS; i++, next += wal->frame_bytes_max)
        wal->buffers[i].frame = next;
    wal->segment_blocks = next;
    wal->super_block = next + WAL_FRAMES_OFFSET;
    return 0;
}

static void set_defaults(struct wal *wal, const struct wal_options *options)
{
    wal->options = *options;
    struct wal_options *own = &wal->options;
    own->segment_bytes = own->segment_bytes != 0 ? own->segment_bytes : LOG_SEGMENT_BYTES;
    own->batch_bytes = own->batch_bytes != 0 ? own->batch_bytes : LOG_BATCH_BYTES_MAX;
    own->async_max_ms = own->async_max_ms != 0 ? own->async_max_ms : WAL_ASYNC_MAX_MS_DEFAULT;
    own->from_lsn = MAX(own->from_lsn, 1ull);
    MUST(own->batch_bytes % 8 == 0 && own->batch_bytes <= LOG_BATCH_BYTES_MAX);
    MUST(own->segment_bytes % LOG_BLOCK_BYTES == 0);
    MUST(own->segment_bytes > (WAL_BUFFERS + 2) * wal_frame_bytes(own->batch_bytes));
    MUST(own->callbacks.on_commit != NULL);
    MUST(IMPLIES(own->mode != REPLOG_MODE_NONE, own->dir != NULL && own->ring != NULL));
    wal->log.methods = &wal_methods;
    wal->log.mode = own->mode;
    wal->log.shard = own->shard;
    wal->log.open_bytes = sizeof(struct batch_header);
    wal->ring = own->ring;
    wal->now_ns = own->now_ns;
    wal->activity_ns = own->now_ns;
    wal->write_op.done = wal_write_done;
    wal->super_op.done = wal_super_done;
    wal->shard_fd = -1;
    wal->super_fd = -1;
    for (u32 i = 0; i < WAL_SLOTS; i++)
        wal->slots[i].fd = -1;
    wal_prepare_init(wal);
}

/* ---- the files ------------------------------------------------------------------------------- */

static int load_superblock(struct wal *wal, const struct reason *reason)
{
    char words[512];
    struct superblock *superblock = &wal->superblock;
    const struct data_dir *dir = wal->options.dir;
    int result = superblock_load(wal->shard_fd, wal->hash_key, superblock, words, sizeof words);
    if (result == 0 &&
        (superblock->shard != wal->log.shard || superblock->data_id.low != dir->data_id.low ||
         superblock->data_id.high != dir->data_id.high)) {
        result = -EUCLEAN;
        (void)snprintf(words, sizeof words,
                       "%s belongs to another shard or data directory; files were swapped",
                       SUPERBLOCK_NAME);
    }
    if (result == 0 && superblock->segment_bytes == 0)
        superblock->segment_bytes = wal->options.segment_bytes;
    if (result == 0 && superblock->segment_bytes != wal->options.segment_bytes) {
        result = -EINVAL;
        (void)snprintf(words, sizeof words, "its segments have %" PRIu32 " bytes, not %" PRIu32,
                       superblock->segment_bytes, wal->options.segment_bytes);
    }
    if (result != 0)
        (void)snprintf(reason->text, reason->bytes, "%s/shard-%03u: %s", dir->path,
                       (unsigned)wal->log.shard, words);
    return result;
}

static int replay(struct wal *wal, struct recovery_result *found, const struct reason *reason)
{
    const struct recovery_options options = {.dir = wal->options.dir,
                                             .superblock = &wal->superblock,
                                             .callbacks = &wal->options.callbacks,
                                             .first_lsns = wal->first_lsns,
                                             .from_lsn = wal->options.from_lsn,
                                             .to_lsn = UINT64_MAX,
                                             .shard_fd = wal->shard_fd,
                                             .shard = wal->log.shard};
    const int result = recovery_run(&options, found, reason->text, reason->bytes);
    if (result != 0)
        return result;
    wal->log.positions = (struct replog_positions){.trimmed_lsn = wal->superblock.trimmed_lsn,
                                                   .applied_lsn = found->last_lsn,
                                                   .durable_lsn = found->last_lsn,
                                                   .appended_lsn = found->last_lsn,
                                                   .epoch = found->epoch};
    wal->trim_lsn = wal->superblock.trimmed_lsn;
    wal->last_chain = found->last_chain;
    wal->last_stamp_ns = found->stamp_ns;
    wal->prepared_last = found->prepared_last;
    wal->spare_first = found->spare_first;
    wal->spare_end = wal->superblock.first_segment;
    return 0;
}

/* Opens the segment that goes on, and makes sure that what was replayed is on the medium: after a
 * kill it may have been read from the disk's own cache. */
static int open_tail(struct wal *wal, const struct recovery_result *found)
{
    char name[WAL_SEGMENT_NAME];
    struct wal_slot *slot = &wal->slots[0];
    slot->seq = found->tail_seq;
    wal->tail_offset = wal->options.segment_bytes; /* no room, until there is a tail */
    if (found->tail_seq == 0)
        return 0;
    wal_segment_name(name, found->tail_seq, ".log");
    const int fd = segment_open_file(wal->shard_fd, name, O_RDWR);
    if (fd < 0)
        return fd;
    if (fdatasync(fd) != 0 || found->is_tail_torn) {
        const int result = found->is_tail_torn ? 0 : -errno;
        (void)close(fd);
        return result;
    }
    slot->fd = fd;
    slot->is_begun = true;
    slot->first_lsn = wal->first_lsns[found->tail_seq % WAL_SEGMENTS_MAX];
    wal->tail_offset = found->tail_offset;
    return 0;
}

static int store_superblock(struct wal *wal, const struct recovery_result *found)
{
    struct superblock *superblock = &wal->superblock;
    superblock->durable_lsn = found->last_lsn;
    superblock->epoch = found->epoch;
    superblock->is_clean = 0;
    if (found->tail_seq != 0) {
        superblock->last_segment = found->tail_seq;
        superblock->first_segment = MAX(superblock->first_segment, 1ull);
    }
    for (u32 copy = 0; copy < 2; copy++) {
        wal->super_durable_lsns[copy] = found->last_lsn;
        superblock->sequence++;
        const int result = superblock_store(wal->shard_fd, superblock, wal->hash_key);
        if (result != 0)
            return result;
    }
    wal->super_fd = segment_open_file(wal->shard_fd, SUPERBLOCK_NAME, O_RDWR);
    if (wal->super_fd < 0)
        return wal->super_fd;
    const int flags = fcntl(wal->super_fd, F_GETFL);
    wal->direct_flag = flags >= 0 ? flags & O_DIRECT : 0;
    return 0;
}

/* The next segment is ready from the first moment on, unless the current one is still young. */
static int prepare_ahead(struct wal *wal, const struct recovery_result *found)
{
    char text[128];
    const u64 tail_seq = found->tail_seq;
    const u64 room = wal->options.segment_bytes - wal->tail_offset;
    const bool is_needed = room < wal->options.segment_bytes / 2 || room < wal->room_reserve;
    const u64 reserved = wal->options.reserve_bytes / wal->options.segment_bytes;
    const u64 want = tail_seq + MAX(reserved, is_needed ? 1ull : 0ull);
    while (wal->prepared_last < want) {
        const u64 seq = MAX(wal->prepared_last, tail_seq) + 1;
        const int result = segment_create(wal->shard_fd, seq, wal->options.segment_bytes);
        if (result != 0)
            return result;
        wal->prepared_last = seq;
        if (reserved > 1 && (seq - tail_seq) % 16 == 0) {
            (void)snprintf(text, sizeof text,
                           "shard-%03u: %" PRIu64 " of %" PRIu64 " segments preformatted",
                           (unsigned)wal->log.shard, seq - tail_seq, reserved);
            wal_note(wal, text);
        }
    }
    if (wal->prepared_last <= tail_seq)
        return 0; /* made in the background */
    struct wal_prepare *prepare = &wal->prepare;
    prepare->seq = tail_seq + 1;
    wal_segment_name(prepare->name, prepare->seq, ".log");
    prepare->fd = segment_open_file(wal->shard_fd, prepare->name, O_RDWR);
    if (prepare->fd < 0)
        return prepare->fd;
    prepare->step = WAL_PREPARE_READY;
    return 0;
}

static int open_files(struct wal *wal, const struct reason *reason)
{
    struct recovery_result found;
    wal->hash_key = wal->options.dir->hash_key;
    wal->shard_fd = data_dir_open_shard(wal->options.dir, wal->log.shard);
    if (wal->shard_fd < 0)
        return explain(wal, reason, wal->shard_fd, "the directory cannot be opened");
    int result = load_superblock(wal, reason);
    if (result == 0)
        result = replay(wal, &found, reason);
    if (result != 0)
        return result;
    result = open_tail(wal, &found);
    if (result != 0)
        return explain(wal, reason, result, "the last segment cannot be opened and flushed");
    result = store_superblock(wal, &found);
    if (result != 0)
        return explain(wal, reason, result, SUPERBLOCK_NAME " cannot be written");
    result = prepare_ahead(wal, &found);
    if (result != 0)
        return explain(wal, reason, result,
                       "the log's segments cannot be prepared; it needs 64 MiB each (see "
                       "--log-reserve)");
    return 0;
}

static void release(struct wal *wal)
{
    for (u32 i = 0; i < WAL_SLOTS; i++)
        if (wal->slots[i].fd >= 0)
            (void)close(wal->slots[i].fd);
    if (wal->prepare.fd >= 0)
        (void)close(wal->prepare.fd);
    if (wal->super_fd >= 0)
        (void)close(wal->super_fd);
    if (wal->shard_fd >= 0)
        (void)close(wal->shard_fd);
    ring_unmap(wal->memory, wal->memory_bytes);
    if (wal->zeros != NULL)
        (void)munmap(wal->zeros, WAL_PREPARE_CHUNK_BYTES);
    free(wal->first_lsns);
    free(wal);
}

int wal_open(struct replog **log, const struct wal_options *options, char *text, size_t text_bytes)
{
    const struct reason reason = {.text = text, .bytes = text_bytes};
    struct wal *wal = calloc(1, sizeof *wal);
    int result = -ENOMEM;
    if (wal != NULL) {
        set_defaults(wal, options);
        result = allocate(wal);
    }
    if (result != 0)
        (void)snprintf(text, text_bytes, "no memory for the buffers of the log of shard %u",
                       (unsigned)options->shard);
    else if (wal->log.mode != REPLOG_MODE_NONE)
        result = open_files(wal, &reason);
    if (result != 0) {
        if (wal != NULL)
            release(wal);
        return result;
    }
    wal_refresh(wal);
    *log = &wal->log;
    return 0;
}

int wal_read_back(struct replog *log, u64 from_lsn, u64 to_lsn, const struct replog_callbacks *to)
{
    char reason[DATA_DIR_PATH_MAX + 512];
    struct wal *wal = wal_of(log);
    struct recovery_result found;
    MUST(from_lsn > 0 && from_lsn <= to_lsn);
    if (log->mode == REPLOG_MODE_NONE || to_lsn > log->positions.durable_lsn)
        return -ENODATA;
    const struct recovery_options options = {.dir = wal->options.dir,
                                             .superblock = &wal->superblock,
                                             .callbacks = to,
                                             .from_lsn = from_lsn,
                                             .to_lsn = to_lsn,
                                             .shard_fd = wal->shard_fd,
                                             .shard = log->shard};
    const int result = recovery_run(&options, &found, reason, sizeof reason);
    if (result != 0 && to->on_note != NULL)
        to->on_note(to->context, reason);
    return result;
}

void wal_close(struct replog *log)
{
    struct wal *wal = wal_of(log);
    MUST(wal->write_op.state == RING_STATE_FREE && wal->super_op.state == RING_STATE_FREE);
    MUST(wal->prepare.op.state == RING_STATE_FREE);
    release(wal);
}
