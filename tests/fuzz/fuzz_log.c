/* fuzz_log: the files of a shard's log, damaged and forged, through recovery.
 *
 *   first byte   bit 7: the rest is one block for the decoders of superblock, segment and frame,
 *                with its hash repaired if bit 0 is set; else what recovery is asked for
 *   rest         changes, each an operation and its numbers: bytes, a bit or a block overwritten, a
 *                file cut, removed or swapped, a field changed and everything after it sealed again
 *
 * The log: wal 1 full of frames, wal 2 (a recycled file, with old frames behind its tail) with a few
 * and wal 3 prepared. Recovery must never crash and must give a reason when it refuses. Unless the
 * fuzzer could seal, what it delivers must be the batches that were written, in order, and nothing
 * that was known to be durable may be missing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/log/recovery.h"
#include "engine/log/segment.h"
#include "proto/checksum.h"
#include "tests/fuzz/fuzz.h"

#define HASH_KEY      0x1234567890ABCDEFull
#define SEGMENT_BYTES (12u * LOG_BLOCK_BYTES)
#define FILES         4u /* superblock and three segments */
#define CHANGES_MAX   24u
#define FRAMES_MAX    64u
#define OLD_SEQ       1u /* whose frames lie behind the tail of wal 2 */

static const char *const names[FILES] = {SUPERBLOCK_NAME, "wal-0000000001.log",
                                         "wal-0000000002.log", "wal-0000000003.log"};

struct image {
    u8 *bytes;
    u32 size;
    bool is_absent;
};

/* Made once; the directory is emptied and removed at the end. */
struct log {
    struct data_dir dir;
    struct image originals[FILES];
    u64 batch_hashes[FRAMES_MAX];
    u64 last_lsn;
    u64 durable_lsn;
    int fd;
    char path[256];
};
static struct log written;

struct run {
    struct fuzz_input input;
    struct image images[FILES];
    struct superblock superblock;
    u64 from_lsn;
    u64 to_lsn;
    u64 next_lsn;    /* 0: none was delivered */
    bool is_forged;  /* the fuzzer has sealed */
    bool is_changed; /* in any way */
    bool is_busy;    /* the next batch is asked for twice */
};

/* ---- the log as it was written --------------------------------------------------------------- */

static void remove_log(void)
{
    for (u32 i = 0; i < FILES; i++)
        (void)unlinkat(written.fd, names[i], 0);
    (void)rmdir(written.path);
}

static void make_directory(void)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(written.path, sizeof written.path, "%s/fuzz-log-XXXXXX", base);
    if (mkdtemp(written.path) == NULL)
        PANIC("no temporary directory");
    written.fd = open(written.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(written.fd >= 0);
    (void)snprintf(written.dir.path, sizeof written.dir.path, "%s", written.path);
    written.dir.hash_key = HASH_KEY;
    written.dir.data_id = (struct id128){3, 4};
    written.dir.shard_count = 1;
    MUST(atexit(remove_log) == 0);
}

/* One frame at `offset` of a segment; returns its bytes. */
static u32 add_frame(u8 *segment, u64 seq, u32 offset, u64 lsn, u64 *chain)
{
    u8 *frame = segment + offset;
    const u32 payload_bytes = (u32)sizeof(struct batch_header) + (u32)(lsn * 1016 % 6000) / 8 * 8;
    const struct batch_header batch = {
        .stamp_ns = lsn * 1000, .bytes = payload_bytes, .state_version = BATCH_STATE_VERSION};
    if (offset + wal_frame_bytes(payload_bytes) > SEGMENT_BYTES)
        return 0;
    u8 *payload = frame + sizeof(struct wal_frame_header);
    memset(payload, (int)lsn, payload_bytes);
    memcpy(payload, &batch, sizeof batch);
    written.batch_hashes[lsn] = checksum64(payload, payload_bytes);
    const struct wal_frame_header header = {.lsn = lsn,
                                            .epoch = 1,
                                            .payload_bytes = payload_bytes,
                                            .segment_seq = seq,
                                            .prev_chain = *chain,
                                            .durable_lsn = lsn - 1,
                                            .offset = offset};
    *chain = wal_frame_seal(frame, &header, HASH_KEY);
    return wal_frame_bytes(payload_bytes);
}

static void add_segment(u64 seq, u32 end, u64 *chain)
{
    u8 *bytes = written.originals[seq].bytes;
    const struct wal_segment_header header = {.data_id = written.dir.data_id,
                                              .seq = seq,
                                              .first_lsn = written.last_lsn + 1,
                                              .prev_seq = seq - 1,
                                              .prev_chain = *chain,
                                              .epoch = 1,
                                              .segment_bytes = SEGMENT_BYTES};
    wal_segment_seal(bytes, &header, HASH_KEY);
    u32 offset = WAL_FRAMES_OFFSET;
    while (offset < end) {
        const u32 more = add_frame(bytes, seq, offset, written.last_lsn + 1, chain);
        if (more == 0)
            return;
        offset += more;
        written.last_lsn++;
        MUST(written.last_lsn + 1 < FRAMES_MAX);
    }
}

static void write_log(void)
{
    u64 chain = 0;
    make_directory();
    for (u32 i = 0; i < FILES; i++) {
        struct image *image = &written.originals[i];
        image->size = i == 0 ? 2 * LOG_BLOCK_BYTES : SEGMENT_BYTES;
        image->bytes = calloc(1, image->size);
        MUST(image->bytes != NULL);
    }
    add_segment(OLD_SEQ, SEGMENT_BYTES, &chain);
    memcpy(written.originals[2].bytes + SEGMENT_BYTES / 2,
           written.originals[1].bytes + SEGMENT_BYTES / 2, SEGMENT_BYTES / 2);
    written.durable_lsn = written.last_lsn;
    add_segment(2, SEGMENT_BYTES / 2, &chain);
    for (u64 sequence = 1; sequence <= 2; sequence++) {
        const struct superblock superblock = {.data_id = written.dir.data_id,
                                              .sequence = sequence,
                                              .durable_lsn = written.durable_lsn - 2 + sequence,
                                              .epoch = 1,
                                              .first_segment = 1,
                                              .last_segment = 2,
                                              .segment_bytes = SEGMENT_BYTES};
        superblock_seal(written.originals[0].bytes + superblock_offset(sequence), &superblock,
                        HASH_KEY);
    }
}

/* ---- sealing again --------------------------------------------------------------------------- */

static void seal_block(u8 *block, u32 from, u32 bytes)
{
    const u64 hash = XXH3_64bits_withSeed(block + from, bytes - from, HASH_KEY);
    memcpy(block, &hash, sizeof hash);
}

/* Repairs the hashes of the frame at `offset`, if its length can be believed. */
static void seal_frame(u8 *file, u32 size, u32 offset)
{
    struct wal_frame_header header;
    u8 *frame = file + offset;
    if (offset + sizeof header > size)
        return;
    memcpy(&header, frame, sizeof header);
    if (header.payload_bytes <= size - offset - sizeof header) {
        header.payload_hash =
            XXH3_64bits_withSeed(frame + sizeof header, header.payload_bytes, HASH_KEY);
        memcpy(frame, &header, sizeof header);
    }
    seal_block(frame, 8, sizeof header);
}

/* Seals the frame at `offset` and links every one behind it anew. */
static void seal_frames(u8 *file, u32 size, u32 offset)
{
    while (offset + LOG_BLOCK_BYTES <= size) {
        struct wal_frame_header header;
        seal_frame(file, size, offset);
        memcpy(&header, file + offset, sizeof header);
        if (header.payload_bytes > size)
            return;
        offset += wal_frame_bytes(header.payload_bytes);
        if (offset + LOG_BLOCK_BYTES > size)
            return;
        u32 magic;
        memcpy(&magic, file + offset + offsetof(struct wal_frame_header, magic), sizeof magic);
        if (magic != WAL_FRAME_MAGIC)
            return;
        memcpy(file + offset + offsetof(struct wal_frame_header, prev_chain), &header.hash,
               sizeof header.hash);
    }
}

static void seal(struct run *run, struct image *image, u32 block, bool with_rest)
{
    const u32 offset = block * LOG_BLOCK_BYTES;
    run->is_forged = true;
    if (offset + LOG_BLOCK_BYTES > image->size)
        return;
    if (image == &run->images[0] || block < 2) {
        seal_block(image->bytes + offset, 8, LOG_BLOCK_BYTES);
        if (with_rest && block == 0 && image->size >= 2 * LOG_BLOCK_BYTES)
            memcpy(image->bytes + LOG_BLOCK_BYTES, image->bytes, LOG_BLOCK_BYTES);
    } else if (with_rest) {
        seal_frames(image->bytes, image->size, offset);
    } else {
        seal_frame(image->bytes, image->size, offset);
    }
}

/* ---- changes --------------------------------------------------------------------------------- */

static struct image *draw_image(struct run *run)
{
    return &run->images[fuzz_take(&run->input, 1) % FILES];
}

static u32 draw_block(struct run *run, const struct image *image)
{
    return (u32)(fuzz_take(&run->input, 1) % MAX(image->size / LOG_BLOCK_BYTES, 1u));
}

static void overwrite(struct run *run)
{
    struct image *image = draw_image(run);
    const u64 offset = fuzz_take(&run->input, 2);
    const u64 bytes = fuzz_take(&run->input, 1) % 32;
    for (u64 i = 0; i < bytes && offset + i < image->size; i++)
        image->bytes[offset + i] = (u8)fuzz_take(&run->input, 1);
}

static void flip_bit(struct run *run)
{
    struct image *image = draw_image(run);
    const u64 bit = fuzz_take(&run->input, 3);
    if (bit / 8 < image->size)
        image->bytes[bit / 8] ^= (u8)(1u << bit % 8);
}

static void copy_block(struct run *run, bool is_zero)
{
    struct image *to = draw_image(run);
    const u32 to_offset = draw_block(run, to) * LOG_BLOCK_BYTES;
    const struct image *from = is_zero ? to : draw_image(run);
    const u32 from_offset = is_zero ? to_offset : draw_block(run, from) * LOG_BLOCK_BYTES;
    if (to_offset + LOG_BLOCK_BYTES > to->size || from_offset + LOG_BLOCK_BYTES > from->size)
        return;
    if (is_zero)
        memset(to->bytes + to_offset, 0, LOG_BLOCK_BYTES);
    else
        memmove(to->bytes + to_offset, from->bytes + from_offset, LOG_BLOCK_BYTES);
}

static void swap_files(struct run *run)
{
    struct image *a = draw_image(run), *b = draw_image(run);
    const struct image first = *a;
    *a = *b;
    *b = first;
}

/* A field of the first 128 bytes of a block gets another value, and the block its hash. */
static void forge(struct run *run)
{
    struct image *image = draw_image(run);
    const u32 block = draw_block(run, image);
    const u64 how = fuzz_take(&run->input, 1);
    const u64 at = block * LOG_BLOCK_BYTES + fuzz_take(&run->input, 1) % 32 * 4;
    u64 value = fuzz_take(&run->input, how % 4 == 0 ? 8 : 2);
    u64 old;
    if (at + sizeof old > image->size)
        return;
    memcpy(&old, image->bytes + at, sizeof old);
    if (how % 4 == 1)
        value = old + value;
    if (how % 4 == 2)
        value = old - value;
    memcpy(image->bytes + at, &value, (how & 8) != 0 ? 4 : 8);
    seal(run, image, block, (how & 16) != 0);
}

static void change(struct run *run)
{
    run->is_changed = true;
    switch (fuzz_take(&run->input, 1) % 9) {
    case 0: overwrite(run); break;
    case 1: flip_bit(run); break;
    case 2: copy_block(run, true); break;
    case 3: copy_block(run, false); break;
    case 4: swap_files(run); break;
    case 5: {
        struct image *image = draw_image(run);
        const u32 size = (u32)fuzz_take(&run->input, 2);
        image->size = MIN(image->size, size);
        break;
    }
    case 6: draw_image(run)->is_absent = true; break;
    case 7: {
        struct image *image = draw_image(run);
        const u32 block = draw_block(run, image);
        seal(run, image, block, fuzz_take(&run->input, 1) % 2 == 0);
        break;
    }
    case 8: forge(run); break;
    }
}

/* ---- recovery -------------------------------------------------------------------------------- */

static void put_files(const struct run *run)
{
    for (u32 i = 0; i < FILES; i++) {
        const struct image *image = &run->images[i];
        if (image->is_absent) {
            (void)unlinkat(written.fd, names[i], 0);
            continue;
        }
        const int fd = openat(written.fd, names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        MUST(fd >= 0);
        MUST(pwrite(fd, image->bytes, image->size, 0) == (ssize_t)image->size);
        MUST(ftruncate(fd, (off_t)image->size) == 0);
        (void)close(fd);
    }
}

static bool on_commit(void *context, const struct replog_batch *batch)
{
    struct run *run = context;
    MUST((uintptr_t)batch->payload % 8 == 0);
    MUST(batch->bytes >= sizeof(struct batch_header) && batch->bytes <= LOG_BATCH_BYTES_MAX);
    MUST(batch->is_replay && batch->lsn >= run->from_lsn && batch->lsn <= run->to_lsn);
    MUST(IMPLIES(run->next_lsn != 0, batch->lsn == run->next_lsn));
    const u64 hash = checksum64(batch->payload, batch->bytes);
    if (!run->is_forged) {
        MUST(batch->lsn <= written.last_lsn);
        MUST(IMPLIES(run->next_lsn == 0, batch->lsn == run->from_lsn));
        MUST(hash == written.batch_hashes[batch->lsn]);
    }
    run->next_lsn = batch->lsn;
    run->is_busy = !run->is_busy;
    if (!run->is_busy)
        run->next_lsn++;
    return !run->is_busy;
}

static void on_note(void *context, const char *text)
{
    (void)context;
    MUST(text[0] != '\0');
}

static void check_result(const struct run *run, int result, const struct recovery_result *found,
                         const char *reason)
{
    const bool is_start = run->to_lsn == UINT64_MAX;
    if (result != 0) {
        MUST(result < 0 && run->is_changed);
        MUST(strstr(reason, "has changed nothing") != NULL);
        return;
    }
    MUST(IMPLIES(run->next_lsn != 0, run->next_lsn == found->last_lsn + 1));
    MUST(IMPLIES(is_start, found->last_lsn >= run->superblock.durable_lsn));
    MUST(IMPLIES(is_start && found->tail_seq != 0, found->tail_offset % LOG_BLOCK_BYTES == 0));
    if (run->is_forged)
        return;
    MUST(found->last_lsn <= written.last_lsn);
    MUST(IMPLIES(!run->is_changed && is_start, found->last_lsn == written.last_lsn));
    MUST(IMPLIES(is_start && found->last_lsn >= run->from_lsn, run->next_lsn != 0));
}

static void recover(struct run *run)
{
    char reason[DATA_DIR_PATH_MAX + 512] = "";
    struct recovery_result found;
    const struct replog_callbacks callbacks = {
        .context = run, .on_commit = on_commit, .on_note = on_note};
    const int loaded =
        superblock_load(written.fd, HASH_KEY, &run->superblock, reason, sizeof reason);
    if (loaded != 0) {
        MUST(run->is_changed && reason[0] != '\0');
        return;
    }
    const struct recovery_options options = {.dir = &written.dir,
                                             .superblock = &run->superblock,
                                             .callbacks = &callbacks,
                                             .from_lsn = run->from_lsn,
                                             .to_lsn = run->to_lsn,
                                             .shard_fd = written.fd};
    const int result = recovery_run(&options, &found, reason, sizeof reason);
    check_result(run, result, &found, reason);
}

/* ---- the decoders alone ---------------------------------------------------------------------- */

static void judge_block(struct fuzz_input input, bool is_sealed)
{
    u8 *block = calloc(1, LOG_BLOCK_BYTES);
    MUST(block != NULL);
    memcpy(block, input.data, MIN(input.left, LOG_BLOCK_BYTES));
    struct superblock superblock;
    struct wal_segment_header segment;
    struct wal_frame_header frame;
    if (is_sealed)
        seal_block(block, 8, LOG_BLOCK_BYTES);
    if (superblock_invalid(block, HASH_KEY, &superblock) == NULL)
        MUST(superblock.sequence != 0 && superblock.first_segment <= superblock.last_segment);
    if (wal_segment_invalid(block, HASH_KEY, &segment) == NULL)
        MUST(segment.seq != 0 && segment.first_lsn != 0);
    if (is_sealed)
        seal_frame(block, LOG_BLOCK_BYTES, 0);
    if (wal_frame_header_invalid(block, HASH_KEY, 1, WAL_FRAMES_OFFSET, &frame) == NULL) {
        MUST(frame.segment_seq == 1 && frame.offset == WAL_FRAMES_OFFSET);
        MUST(frame.payload_bytes <= LOG_BATCH_BYTES_MAX);
        if (wal_frame_bytes(frame.payload_bytes) <= LOG_BLOCK_BYTES &&
            wal_frame_payload_invalid(block, HASH_KEY, &frame) == NULL)
            MUST(checksum64(block + sizeof frame, frame.payload_bytes) != 0);
    }
    free(block);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    struct run run = {.input = {data, bytes}, .from_lsn = 1, .to_lsn = UINT64_MAX};
    if (written.last_lsn == 0)
        write_log();
    const u64 how = fuzz_take(&run.input, 1);
    if ((how & 128) != 0) {
        judge_block(run.input, (how & 1) != 0);
        return 0;
    }
    if ((how & 1) != 0)
        run.from_lsn = 1 + (how >> 2) % 8;
    if ((how & 2) != 0)
        run.to_lsn = run.from_lsn + how % 5;
    for (u32 i = 0; i < FILES; i++) {
        run.images[i] = written.originals[i];
        run.images[i].bytes = malloc(SEGMENT_BYTES);
        MUST(run.images[i].bytes != NULL);
        memcpy(run.images[i].bytes, written.originals[i].bytes, written.originals[i].size);
    }
    for (u32 i = 0; i < CHANGES_MAX && run.input.left > 0; i++)
        change(&run);
    put_files(&run);
    recover(&run);
    for (u32 i = 0; i < FILES; i++)
        free(run.images[i].bytes);
    return 0;
}
