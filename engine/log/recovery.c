/* recovery: list the files, judge their headers, walk the frames, judge the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/log/segment.h"

#define ADVICE                                                                                 \
    "The server will not guess and has changed nothing. Restore the shard's directory from a " \
    "copy, or move the whole data directory aside and begin from a backup"
#define APPLY_CALLS_MAX 1000000u

enum segment_state {
    SEGMENT_STATE_BEGUN,
    SEGMENT_STATE_PREPARED, /* zeros where the header will be */
    SEGMENT_STATE_TORN      /* the header was being written */
};

struct segment_entry {
    u64 seq;
    enum segment_state state;
    struct wal_segment_header header;
};

struct walk {
    const struct recovery_options *options;
    struct recovery_result *result;
    struct segment_reader reader;
    struct segment_entry *segments; /* from the first that is needed, without a gap */
    size_t segment_count;
    size_t begun_count;
    u64 durable_lsn; /* D */
    char name[WAL_SEGMENT_NAME];
    char *reason;
    size_t reason_bytes;
};

/* ---- words ----------------------------------------------------------------------------------- */

static int say(struct walk *walk, int error, u64 offset, u64 lsn, const char *what)
{
    (void)snprintf(walk->reason, walk->reason_bytes,
                   "%s/shard-%03u/%s, offset %" PRIu64 ", lsn %" PRIu64
                   ": %s. The log is known to be durable up to lsn %" PRIu64 ". " ADVICE,
                   walk->options->dir->path, (unsigned)walk->options->shard, walk->name, offset,
                   lsn, what, walk->durable_lsn);
    return -error;
}

static int say_damage(struct walk *walk, u64 offset, const char *what)
{
    return say(walk, EUCLEAN, offset, walk->result->last_lsn + 1, what);
}

static int say_unreadable(struct walk *walk, u64 offset, int error)
{
    char what[128];
    (void)snprintf(what, sizeof what,
                   "cannot be read (%s); this is not taken for the end of the log",
                   strerror(-error));
    return say(walk, -error, offset, walk->result->last_lsn + 1, what);
}

static void note(const struct walk *walk, const char *text)
{
    if (walk->options->callbacks->on_note != NULL)
        walk->options->callbacks->on_note(walk->options->callbacks->context, text);
}

static bool is_start(const struct walk *walk)
{
    return walk->options->to_lsn == UINT64_MAX;
}

/* ---- the files ------------------------------------------------------------------------------- */

static int compare_seqs(const void *a, const void *b)
{
    const struct segment_entry *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

static int add_segment(struct walk *walk, u64 seq)
{
    if (walk->segment_count % 64 == 0) {
        const size_t count = walk->segment_count + 64;
        struct segment_entry *more = realloc(walk->segments, count * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        walk->segments = more;
    }
    walk->segments[walk->segment_count++] = (struct segment_entry){.seq = seq};
    return 0;
}

static bool is_half_made(const char *name)
{
    const size_t bytes = strlen(name);
    return strncmp(name, "wal-", 4) == 0 && bytes > 4 && strcmp(name + bytes - 4, ".tmp") == 0;
}

static int list_segments(struct walk *walk)
{
    const int fd = openat(walk->options->shard_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL)
        return -errno;
    int result = 0;
    for (const struct dirent *entry = readdir(listing); entry != NULL && result == 0;
         entry = readdir(listing)) {
        const u64 seq = wal_segment_seq(entry->d_name);
        if (seq != 0)
            result = add_segment(walk, seq);
        else if (is_start(walk) && is_half_made(entry->d_name))
            (void)unlinkat(walk->options->shard_fd, entry->d_name, 0);
    }
    (void)closedir(listing);
    if (walk->segment_count > 0)
        qsort(walk->segments, walk->segment_count, sizeof *walk->segments, compare_seqs);
    return result;
}

static int say_missing(struct walk *walk, u64 seq)
{
    wal_segment_name(walk->name, seq, ".log");
    return say(walk, EUCLEAN, 0, walk->result->last_lsn + 1, "the file is missing");
}

/* C2: no gap from the first to the last segment that the superblock names; what lies below is
 * spare and taken out of the list. */
static int check_files(struct walk *walk)
{
    const struct superblock *superblock = walk->options->superblock;
    const u64 first = superblock->first_segment == 0 ? 1 : superblock->first_segment;
    struct recovery_result *result = walk->result;
    result->spare_first = walk->segment_count == 0 ? first : MIN(first, walk->segments[0].seq);
    size_t spare_count = 0;
    while (spare_count < walk->segment_count && walk->segments[spare_count].seq < first)
        spare_count++;
    /* A gap among the spare ones, from an interrupted recycling: use only those above it. */
    for (size_t i = 0; i < spare_count; i++)
        if (walk->segments[i].seq + (spare_count - i) != first)
            result->spare_first = i + 1 < spare_count ? walk->segments[i + 1].seq : first;
    walk->segment_count -= spare_count;
    if (walk->segment_count > 0)
        memmove(walk->segments, walk->segments + spare_count,
                walk->segment_count * sizeof *walk->segments);
    for (size_t i = 0; i < walk->segment_count; i++)
        if (walk->segments[i].seq != first + i)
            return say_missing(walk, first + i);
    const u64 last = walk->segment_count == 0 ? 0 : first + walk->segment_count - 1;
    if (last < superblock->last_segment)
        return say_missing(walk, last == 0 ? first : last + 1);
    if (walk->segment_count > WAL_SEGMENTS_MAX)
        return say(walk, EFBIG, 0, 0, "there are too many segments");
    result->prepared_last = last;
    return 0;
}

/* ---- the headers ----------------------------------------------------------------------------- */

/* A valid header still has to be this file's. */
static const char *header_misplaced(const struct walk *walk, const struct segment_entry *segment)
{
    const struct wal_segment_header *header = &segment->header;
    if (header->data_id.low != walk->options->dir->data_id.low ||
        header->data_id.high != walk->options->dir->data_id.high)
        return "the file belongs to another data directory";
    if (header->shard != walk->options->shard)
        return "the file belongs to another shard; files were swapped";
    if (header->seq != segment->seq)
        return "the file's header has another number; files were swapped or renamed";
    if (header->segment_bytes != walk->options->superblock->segment_bytes)
        return "the file's header has another segment size than the superblock";
    if (walk->reader.file_bytes < header->segment_bytes)
        return "the file is truncated";
    return NULL;
}

static bool has_frame_at(struct walk *walk, u64 seq, const u8 *block, u64 offset)
{
    struct wal_frame_header frame;
    return wal_frame_header_invalid(block, walk->options->dir->hash_key, seq, offset, &frame) ==
           NULL;
}

/* Neither copy is valid. That is right only where no frame has been written yet. */
static int judge_unbegun(struct walk *walk, struct segment_entry *segment, const u8 *blocks,
                         const char *wrong)
{
    const u8 *first = NULL;
    segment->state =
        wal_is_zero(blocks, WAL_FRAMES_OFFSET) ? SEGMENT_STATE_PREPARED : SEGMENT_STATE_TORN;
    if (segment->seq <= walk->options->superblock->last_segment)
        return say(walk, EUCLEAN, 0, 0,
                   segment->state == SEGMENT_STATE_PREPARED ? "the segment header is gone" : wrong);
    if (walk->reader.file_bytes < WAL_FRAMES_OFFSET + LOG_BLOCK_BYTES)
        return say(walk, EUCLEAN, 0, 0, "the file is truncated");
    const int result = segment_view(&walk->reader, WAL_FRAMES_OFFSET, LOG_BLOCK_BYTES, &first);
    if (result != 0)
        return say_unreadable(walk, WAL_FRAMES_OFFSET, result);
    if (has_frame_at(walk, segment->seq, first, WAL_FRAMES_OFFSET))
        return say(walk, EUCLEAN, 0, 0, "the segment has frames but no valid header");
    return 0;
}

static int judge_header(struct walk *walk, struct segment_entry *segment)
{
    const u64 key = walk->options->dir->hash_key;
    const u8 *blocks = NULL;
    wal_segment_name(walk->name, segment->seq, ".log");
    int result = segment_reader_open(&walk->reader, walk->options->shard_fd, walk->name);
    if (result != 0)
        return say_unreadable(walk, 0, result);
    if (walk->reader.file_bytes < WAL_FRAMES_OFFSET)
        return say(walk, EUCLEAN, 0, 0, "the file is truncated");
    result = segment_view(&walk->reader, 0, WAL_FRAMES_OFFSET, &blocks);
    if (result != 0)
        return say_unreadable(walk, 0, result);
    const char *wrong = wal_segment_invalid(blocks, key, &segment->header);
    if (wrong != NULL) {
        if (wal_segment_invalid(blocks + LOG_BLOCK_BYTES, key, &segment->header) != NULL)
            return judge_unbegun(walk, segment, blocks, wrong);
        note(walk, "the first copy of a segment header is damaged, its second copy is used");
    }
    segment->state = SEGMENT_STATE_BEGUN;
    wrong = header_misplaced(walk, segment);
    if (wrong != NULL)
        return say(walk, EUCLEAN, 0, segment->header.first_lsn, wrong);
    if (segment->header.state_version != BATCH_STATE_VERSION)
        return say(walk, EPROTO, 0, segment->header.first_lsn,
                   "the log was written by a version of Souk whose commands apply differently. "
                   "Start that version and stop it cleanly, then upgrade");
    return 0;
}

/* Begun segments come first; then at most one whose header was being written; then prepared ones. */
static int judge_headers(struct walk *walk)
{
    for (size_t i = 0; i < walk->segment_count; i++) {
        struct segment_entry *segment = &walk->segments[i];
        const int result = judge_header(walk, segment);
        if (result != 0)
            return result;
        if (segment->state == SEGMENT_STATE_BEGUN) {
            if (walk->begun_count != i)
                return say(walk, EUCLEAN, 0, segment->header.first_lsn,
                           "the segment before this one has lost its header");
            walk->begun_count++;
            if (walk->options->first_lsns != NULL)
                walk->options->first_lsns[segment->seq % WAL_SEGMENTS_MAX] =
                    segment->header.first_lsn;
        } else if (segment->state == SEGMENT_STATE_TORN && i != walk->begun_count) {
            return say(walk, EUCLEAN, 0, 0, "a segment that was not in use is damaged");
        }
    }
    return 0;
}

/* ---- the frames ------------------------------------------------------------------------------ */

/* What is wrong with the frame at `offset`, or NULL with `frame` and its bytes; *error is set when
 * the disk cannot be read. A frame that is valid in itself but does not continue the chain is
 * always damage: *is_spliced. */
static const char *read_frame(struct walk *walk, const struct wal_segment_header *segment,
                              u64 offset, struct wal_frame_header *frame, const u8 **bytes,
                              bool *is_spliced, int *error)
{
    const u64 key = walk->options->dir->hash_key;
    const struct recovery_result *result = walk->result;
    *is_spliced = false;
    *error = segment_view(&walk->reader, offset, LOG_BLOCK_BYTES, bytes);
    if (*error != 0)
        return "unreadable";
    const char *wrong = wal_frame_header_invalid(*bytes, key, segment->seq, offset, frame);
    if (wrong != NULL)
        return wrong;
    if (offset + wal_frame_bytes(frame->payload_bytes) > segment->segment_bytes)
        return "the frame does not fit into its segment";
    *error = segment_view(&walk->reader, offset, wal_frame_bytes(frame->payload_bytes), bytes);
    if (*error != 0)
        return "unreadable";
    *is_spliced = true;
    if (frame->lsn != result->last_lsn + 1)
        return "the frame has another lsn than the one that must follow";
    if (frame->prev_chain != result->last_chain)
        return "the chain is broken: the frame follows another one than it was written after";
    if (frame->epoch < result->epoch || frame->durable_lsn >= frame->lsn)
        return "the frame's epoch or durable lsn makes no sense";
    *is_spliced = false;
    return wal_frame_payload_invalid(*bytes, key, frame);
}

static int take_frame(struct walk *walk, u64 offset, const struct wal_frame_header *frame,
                      const u8 *bytes)
{
    const struct replog_callbacks *callbacks = walk->options->callbacks;
    struct recovery_result *result = walk->result;
    struct batch_header batch;
    const u8 *payload = bytes + sizeof *frame;
    memcpy(&batch, payload, sizeof batch);
    if (frame->state_version != BATCH_STATE_VERSION || batch.state_version != BATCH_STATE_VERSION)
        return say(walk, EPROTO, offset, frame->lsn,
                   "the frame was written by a version of Souk whose commands apply differently. "
                   "Start that version and stop it cleanly, then upgrade");
    if (batch.stamp_ns < result->stamp_ns)
        return say_damage(walk, offset, "the stamp of the batch goes back");
    const struct replog_batch commit = {.lsn = frame->lsn,
                                        .epoch = frame->epoch,
                                        .stamp_ns = batch.stamp_ns,
                                        .payload = payload,
                                        .bytes = frame->payload_bytes,
                                        .entry_count = frame->entry_count,
                                        .is_replay = true};
    u32 calls = 0;
    if (frame->lsn >= walk->options->from_lsn)
        while (!callbacks->on_commit(callbacks->context, &commit))
            MUST(++calls < APPLY_CALLS_MAX);
    result->last_lsn = frame->lsn;
    result->last_chain = frame->hash;
    result->epoch = frame->epoch;
    result->stamp_ns = batch.stamp_ns;
    walk->durable_lsn = MAX(walk->durable_lsn, frame->durable_lsn);
    return 0;
}

/* Looks at everything after the first invalid frame of the tail. */
static int judge_rest(struct walk *walk, const struct wal_segment_header *segment, u64 offset,
                      const char *wrong)
{
    bool is_zero = true;
    const u64 end = segment->segment_bytes / LOG_BLOCK_BYTES * LOG_BLOCK_BYTES;
    for (u64 at = offset; at < end; at += LOG_BLOCK_BYTES) {
        const u8 *block = NULL;
        const int result = segment_view(&walk->reader, at, LOG_BLOCK_BYTES, &block);
        if (result != 0)
            return say_unreadable(walk, at, result);
        if (at > offset && has_frame_at(walk, segment->seq, block, at))
            return say_damage(walk, offset, "the frame is damaged, and a valid one follows");
        is_zero = is_zero && wal_is_zero(block, LOG_BLOCK_BYTES);
    }
    const struct superblock *superblock = walk->options->superblock;
    const bool is_clean_stop =
        superblock->is_clean != 0 && superblock->durable_lsn == walk->result->last_lsn;
    walk->result->is_tail_torn = !is_zero && !is_clean_stop;
    if (walk->result->is_tail_torn) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "shard-%03u/%s: cut at offset %" PRIu64 ", after lsn %" PRIu64
                       ": an interrupted write (%s), never acknowledged; going on in a fresh "
                       "segment",
                       (unsigned)walk->options->shard, walk->name, offset, walk->result->last_lsn,
                       wrong);
        note(walk, text);
    }
    return 0;
}

/* The tail has come to `offset`, and what is there is no frame. */
static int judge_end(struct walk *walk, const struct wal_segment_header *segment, u64 offset,
                     const char *wrong)
{
    walk->result->tail_seq = segment->seq;
    walk->result->tail_offset = offset;
    if (walk->result->last_lsn < walk->durable_lsn)
        return say_damage(walk, offset, wrong);
    return judge_rest(walk, segment, offset, wrong);
}

static int check_link(struct walk *walk, size_t index)
{
    const struct wal_segment_header *header = &walk->segments[index].header;
    struct recovery_result *result = walk->result;
    const u64 begin = walk->options->superblock->trimmed_lsn + 1;
    if (index == 0) { /* nothing before it is kept: its own word is taken */
        if (header->first_lsn > MAX(walk->options->from_lsn, 1ull) || header->first_lsn > begin)
            return say(walk, EUCLEAN, 0, header->first_lsn,
                       "the log begins later than it is needed from");
        result->last_lsn = header->first_lsn - 1;
        result->last_chain = header->prev_chain;
        result->epoch = header->epoch;
        return 0;
    }
    if (header->first_lsn != result->last_lsn + 1 || header->prev_seq + 1 != header->seq ||
        header->prev_chain != result->last_chain)
        return say_damage(walk, 0, "the segment does not continue the one before it");
    return 0;
}

static int walk_segment(struct walk *walk, size_t index)
{
    const struct wal_segment_header *segment = &walk->segments[index].header;
    const bool is_tail = index + 1 == walk->begun_count;
    const u64 last_lsn = is_tail ? UINT64_MAX : walk->segments[index + 1].header.first_lsn - 1;
    wal_segment_name(walk->name, segment->seq, ".log");
    int result = segment_reader_open(&walk->reader, walk->options->shard_fd, walk->name);
    if (result != 0)
        return say_unreadable(walk, 0, result);
    result = check_link(walk, index);
    u64 offset = WAL_FRAMES_OFFSET;
    while (result == 0 && walk->result->last_lsn < MIN(last_lsn, walk->options->to_lsn)) {
        struct wal_frame_header frame;
        const u8 *bytes = NULL;
        bool is_spliced = false;
        int error = 0;
        const bool is_full = offset + LOG_BLOCK_BYTES > segment->segment_bytes;
        const char *wrong =
            is_full ? "the segment is full"
                    : read_frame(walk, segment, offset, &frame, &bytes, &is_spliced, &error);
        if (error != 0)
            return say_unreadable(walk, offset, error);
        if (wrong != NULL && is_tail && !is_spliced)
            return judge_end(walk, segment, offset, wrong);
        if (wrong != NULL)
            return say_damage(walk, offset, wrong);
        result = take_frame(walk, offset, &frame, bytes);
        offset += wal_frame_bytes(frame.payload_bytes);
    }
    return result;
}

static int walk_all(struct walk *walk)
{
    int result = list_segments(walk);
    if (result != 0)
        return say(walk, -result, 0, 0, "the shard's directory cannot be listed");
    result = check_files(walk);
    if (result == 0)
        result = judge_headers(walk);
    for (size_t i = 0; i < walk->begun_count && result == 0; i++)
        if (walk->result->last_lsn < walk->options->to_lsn)
            result = walk_segment(walk, i);
    if (result == 0 && walk->begun_count == 0) {
        walk->result->last_lsn = walk->options->superblock->trimmed_lsn;
        if (walk->durable_lsn > walk->result->last_lsn ||
            walk->options->superblock->last_segment != 0)
            return say_damage(walk, 0, "the log is gone");
    }
    return result;
}

int recovery_run(const struct recovery_options *options, struct recovery_result *result,
                 char *reason, size_t reason_bytes)
{
    struct walk walk = {.options = options,
                        .result = result,
                        .durable_lsn = options->superblock->durable_lsn,
                        .name = "(no file)",
                        .reason = reason,
                        .reason_bytes = reason_bytes};
    *result = (struct recovery_result){.epoch = 0};
    int error = segment_reader_init(&walk.reader);
    if (error != 0)
        return say(&walk, -error, 0, 0, "no memory to read the log");
    error = walk_all(&walk);
    segment_reader_deinit(&walk.reader);
    free(walk.segments);
    MUST(IMPLIES(error == 0 && is_start(&walk), result->last_lsn >= walk.durable_lsn));
    return error;
}
