/* test_recovery: torn is told from rotten, for every bit, every length and every file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engine/log/recovery.h"
#include "tests/unit/engine/log/log_fixture.h"

#define FIRST       "wal-0000000001.log"
#define DENSE_BYTES 320u /* of a block: header and payload of the frames below */

static struct fixture fixture;
static int shard_fd;
static struct superblock superblock;
static struct recovery_result found;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    shard_fd = data_dir_open_shard(&fixture.dir, 1);
    assert_true(shard_fd >= 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)close(shard_fd);
    fixture_deinit(&fixture);
    return 0;
}

static void load_superblock(void)
{
    assert_int_equal(superblock_load(shard_fd, fixture.dir.hash_key, &superblock, fixture.reason,
                                     sizeof fixture.reason),
                     0);
}

/* Recovery alone, which changes nothing. */
static int recover(void)
{
    const struct recovery_options options = {.dir = &fixture.dir,
                                             .superblock = &superblock,
                                             .callbacks = &fixture.callbacks,
                                             .from_lsn = 1,
                                             .to_lsn = UINT64_MAX,
                                             .shard_fd = shard_fd,
                                             .shard = 1};
    fixture.seen_lsn = 0;
    fixture.reason[0] = 0;
    return recovery_run(&options, &found, fixture.reason, sizeof fixture.reason);
}

static void expect_damage(const char *file, const char *word)
{
    assert_int_equal(recover(), -EUCLEAN);
    assert_non_null(strstr(fixture.reason, file));
    if (strstr(fixture.reason, word) == NULL)
        fail_msg("%s", fixture.reason);
    assert_non_null(strstr(fixture.reason, "offset"));
    assert_non_null(strstr(fixture.reason, "lsn"));
    assert_non_null(strstr(fixture.reason, "Restore"));
}

static int open_file(const char *name)
{
    char path[256];
    fixture_file(&fixture, 1, name, path);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void flip(int fd, u64 offset, u8 mask)
{
    u8 byte = 0;
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

/* `count` frames of one block each; stopped cleanly, or killed before any superblock. */
static void make_log(u32 count, bool is_clean)
{
    fixture_open(&fixture);
    fixture_batches(&fixture, count, 1, 160);
    if (is_clean)
        fixture_stop(&fixture);
    else
        fixture_crash(&fixture, 0, false);
    load_superblock();
    if (!is_clean)
        superblock.durable_lsn = 0; /* it knows nothing: only the frames tell */
}

/* ---- bits ------------------------------------------------------------------------------------ */

static void every_flipped_bit_of_a_stopped_log_is_found(void **state)
{
    (void)state;
    make_log(3, true);
    const int fd = open_file(FIRST);
    const u64 used = WAL_FRAMES_OFFSET + (u64)3 * LOG_BLOCK_BYTES;
    u64 found_count = 0, tried_count = 0;
    for (u64 offset = 0; offset < used; offset++)
        for (u32 bit = 0; bit < 8; bit++) {
            /* Every bit of headers and payload; one of each byte of padding, to save time. */
            if (offset % LOG_BLOCK_BYTES >= DENSE_BYTES && bit != offset % 8)
                continue;
            tried_count++;
            flip(fd, offset, (u8)(1u << bit));
            const int result = recover();
            if (offset < WAL_FRAMES_OFFSET) { /* one copy of the header is enough */
                assert_int_equal(result, 0);
                assert_int_equal(fixture.seen_lsn, 3);
                found_count += offset >= LOG_BLOCK_BYTES || fixture.notes > 0;
            } else {
                assert_int_equal(result, -EUCLEAN);
                found_count++;
            }
            fixture.notes = 0;
            flip(fd, offset, (u8)(1u << bit));
        }
    assert_int_equal(found_count, tried_count);
    assert_true(tried_count >= used + (u64)5 * 7 * DENSE_BYTES);
    assert_int_equal(recover(), 0);
    /* Behind the end: no frame is lost, and nothing is read into it. */
    flip(fd, used + 77, 1);
    assert_int_equal(recover(), 0);
    assert_int_equal(fixture.seen_lsn, 3);
    (void)close(fd);
}

static void a_flipped_bit_of_a_killed_log_is_damage_or_the_torn_last_frame(void **state)
{
    (void)state;
    make_log(3, false);
    const int fd = open_file(FIRST);
    const u64 last = WAL_FRAMES_OFFSET + (u64)2 * LOG_BLOCK_BYTES;
    for (u64 offset = WAL_FRAMES_OFFSET; offset < last + LOG_BLOCK_BYTES; offset++) {
        flip(fd, offset, (u8)(1u << offset % 8));
        const int result = recover();
        if (offset < last) {
            assert_int_equal(result, -EUCLEAN);
        } else {
            assert_int_equal(result, 0);
            assert_int_equal(fixture.seen_lsn, 2);
            assert_true(found.is_tail_torn);
            assert_non_null(strstr(fixture.last_note, "cut"));
        }
        flip(fd, offset, (u8)(1u << offset % 8));
    }
    (void)close(fd);
}

static void an_acknowledged_frame_that_became_zeros_is_damage(void **state)
{
    (void)state;
    static const u8 zeros[LOG_BLOCK_BYTES];
    make_log(3, true);
    const int fd = open_file(FIRST);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, WAL_FRAMES_OFFSET + 2 * LOG_BLOCK_BYTES),
                     sizeof zeros);
    expect_damage(FIRST, "durable up to lsn 3");
    superblock.durable_lsn = 1; /* then it may never have been acknowledged */
    superblock.is_clean = 0;
    assert_int_equal(recover(), 0);
    assert_int_equal(fixture.seen_lsn, 2);
    assert_false(found.is_tail_torn);
    assert_int_equal(found.tail_offset, WAL_FRAMES_OFFSET + 2 * LOG_BLOCK_BYTES);
    (void)close(fd);
}

static void a_hole_before_a_valid_frame_is_damage_even_beyond_what_is_known(void **state)
{
    (void)state;
    static const u8 zeros[LOG_BLOCK_BYTES];
    make_log(4, false);
    const int fd = open_file(FIRST);
    /* The third and what knew of it are gone, the fourth says more than it should. */
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, WAL_FRAMES_OFFSET + 2 * LOG_BLOCK_BYTES),
                     sizeof zeros);
    expect_damage(FIRST, "a valid one follows");
    (void)close(fd);
}

/* ---- lengths and files ----------------------------------------------------------------------- */

static void a_truncated_segment_is_damage(void **state)
{
    (void)state;
    make_log(3, true);
    const int fd = open_file(FIRST);
    static const off_t lengths[] = {FIXTURE_SEGMENT_BYTES - 1,
                                    FIXTURE_SEGMENT_BYTES / 2,
                                    20480,
                                    20000,
                                    12288,
                                    8192,
                                    8191,
                                    4096,
                                    1,
                                    0};
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        assert_int_equal(ftruncate(fd, lengths[i]), 0);
        expect_damage(FIRST, "truncated");
    }
    (void)close(fd);
}

static void rename_in_shard(const char *from, const char *to)
{
    assert_int_equal(renameat(shard_fd, from, shard_fd, to), 0);
}

static void a_missing_segment_is_damage_wherever_it_was(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 60, 1, 4000);
    fixture_stop(&fixture);
    load_superblock();
    const u64 last = superblock.last_segment;
    assert_true(last >= 5);
    for (u64 seq = 1; seq <= last; seq++) {
        char name[WAL_SEGMENT_NAME];
        wal_segment_name(name, seq, ".log");
        rename_in_shard(name, "away");
        /* Prepared segments behind the last would hide its absence: they go too. */
        char next[WAL_SEGMENT_NAME];
        wal_segment_name(next, last + 1, ".log");
        const bool has_next = faccessat(shard_fd, next, F_OK, 0) == 0;
        if (has_next)
            rename_in_shard(next, "away2");
        expect_damage(name, "missing");
        rename_in_shard("away", name);
        if (has_next)
            rename_in_shard("away2", next);
    }
    assert_int_equal(recover(), 0);
    assert_int_equal(fixture.seen_lsn, 60);
}

static void swapped_and_foreign_segments_are_damage(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 40, 1, 4000);
    fixture_stop(&fixture);
    load_superblock();
    rename_in_shard("wal-0000000002.log", "x");
    rename_in_shard("wal-0000000003.log", "wal-0000000002.log");
    rename_in_shard("x", "wal-0000000003.log");
    expect_damage("wal-0000000002.log", "swapped");
    rename_in_shard("wal-0000000002.log", "x");
    rename_in_shard("wal-0000000003.log", "wal-0000000002.log");
    rename_in_shard("x", "wal-0000000003.log");
    assert_int_equal(recover(), 0);

    /* The same file under another shard's number, data id and key. */
    const struct data_dir real = fixture.dir;
    fixture.dir.data_id.low++;
    expect_damage(FIRST, "another data directory");
    fixture.dir = real;
    fixture.dir.hash_key++;
    expect_damage(FIRST, "checksum");
    fixture.dir = real;
    const struct recovery_options options = {.dir = &fixture.dir,
                                             .superblock = &superblock,
                                             .callbacks = &fixture.callbacks,
                                             .from_lsn = 1,
                                             .to_lsn = UINT64_MAX,
                                             .shard_fd = shard_fd,
                                             .shard = 0};
    assert_int_equal(recovery_run(&options, &found, fixture.reason, sizeof fixture.reason),
                     -EUCLEAN);
    assert_non_null(strstr(fixture.reason, "another shard"));
}

static void damage_in_an_older_segment_is_damage(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 40, 1, 4000);
    fixture_crash(&fixture, 0, false);
    load_superblock();
    superblock.durable_lsn = 0;
    const int fd = open_file("wal-0000000002.log");
    flip(fd, WAL_FRAMES_OFFSET + 100, 1);
    expect_damage("wal-0000000002.log", "payload");
    flip(fd, WAL_FRAMES_OFFSET + 100, 1);
    flip(fd, 100, 1); /* both copies of the header */
    flip(fd, LOG_BLOCK_BYTES + 100, 1);
    expect_damage("wal-0000000002.log", "segment header");
    superblock.last_segment = 1; /* not even the superblock knows of it: the frames do */
    expect_damage("wal-0000000002.log", "no valid header");
    flip(fd, LOG_BLOCK_BYTES + 100, 1);
    assert_int_equal(recover(), 0);
    (void)close(fd);
}

static void a_lost_header_of_a_begun_segment_is_damage(void **state)
{
    (void)state;
    static const u8 zeros[LOG_BLOCK_BYTES * 3];
    fixture_open(&fixture);
    fixture_batches(&fixture, 40, 1, 4000);
    fixture_crash(&fixture, 0, false);
    load_superblock();
    const int fd = open_file("wal-0000000002.log");
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 0), sizeof zeros);
    expect_damage("wal-0000000002.log", "header is gone");
    superblock.last_segment = 1;
    expect_damage("wal-0000000003.log", "lost its header");
    (void)close(fd);
}

static void a_torn_segment_header_is_no_damage(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 11, 1, 4000); /* the first is full */
    fixture_settle(&fixture, 50);
    sim_hold_writes(fixture.ring, true);
    assert_int_equal(fixture_batch(&fixture, 1, 4000), 0);
    (void)fixture_turn(&fixture);
    fixture_crash(&fixture, 0x0f03, false); /* pieces of both copies */
    fixture_open(&fixture);
    assert_int_equal(fixture.seen_lsn, 11);
    fixture_batches(&fixture, 3, 1, 4000);
    fixture_crash(&fixture, 0, false);
    fixture_open(&fixture);
    assert_int_equal(fixture.seen_lsn, 14);
    fixture_stop(&fixture);
}

static void a_damaged_segment_that_is_not_in_use_is_refused(void **state)
{
    (void)state;
    fixture.reserve_bytes = 4 * FIXTURE_SEGMENT_BYTES;
    fixture_open(&fixture);
    fixture_batches(&fixture, 2, 1, 64);
    fixture_stop(&fixture);
    load_superblock();
    const int fd = open_file("wal-0000000003.log");
    flip(fd, 5, 1);
    expect_damage("wal-0000000003.log", "not in use");
    flip(fd, 5, 1);
    assert_int_equal(ftruncate(fd, WAL_FRAMES_OFFSET), 0);
    expect_damage("wal-0000000003.log", "truncated");
    (void)close(fd);
}

static void what_is_no_file_cannot_be_read(void **state)
{
    (void)state;
    make_log(1, true);
    assert_int_equal(unlinkat(shard_fd, FIRST, 0), 0);
    assert_int_equal(mkdirat(shard_fd, FIRST, 0755), 0);
    assert_int_equal(recover(), -EMEDIUMTYPE);
    assert_non_null(strstr(fixture.reason, "not taken for the end"));
}

/* ---- content --------------------------------------------------------------------------------- */

static u8 frame[LOG_BLOCK_BYTES];

/* Changes a field of the frame at `index` and makes its checksum right again, as only the server
 * itself could. */
static void rewrite_frame(int fd, u32 index, u32 at, u64 value, u32 bytes)
{
    const off_t offset = WAL_FRAMES_OFFSET + (off_t)index * LOG_BLOCK_BYTES;
    assert_int_equal(pread(fd, frame, sizeof frame, offset), sizeof frame);
    memcpy(frame + at, &value, bytes);
    struct wal_frame_header header;
    memcpy(&header, frame, sizeof header);
    header.payload_hash =
        XXH3_64bits_withSeed(frame + sizeof header, header.payload_bytes, fixture.dir.hash_key);
    header.hash = XXH3_64bits_withSeed((u8 *)&header + 8, sizeof header - 8, fixture.dir.hash_key);
    memcpy(frame, &header, sizeof header);
    assert_int_equal(pwrite(fd, frame, sizeof frame, offset), sizeof frame);
}

static void a_frame_that_does_not_continue_the_chain_is_damage(void **state)
{
    (void)state;
    static const struct {
        u32 at;
        u64 value;
        u32 bytes;
        const char *word;
    } cases[] = {
        {offsetof(struct wal_frame_header, lsn), 9, 8, "another lsn"},
        {offsetof(struct wal_frame_header, prev_chain), 9, 8, "chain"},
        {offsetof(struct wal_frame_header, durable_lsn), 3, 8, "makes no sense"},
        {80 + offsetof(struct batch_header, stamp_ns), 0, 8, "goes back"},
    };
    make_log(3, false);
    const int fd = open_file(FIRST);
    u8 last[LOG_BLOCK_BYTES];
    const off_t offset = WAL_FRAMES_OFFSET + 2 * LOG_BLOCK_BYTES;
    assert_int_equal(pread(fd, last, sizeof last, offset), sizeof last);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (i == 3)
            fixture.expected[3] = 0; /* it is refused before it is delivered */
        rewrite_frame(fd, 2, cases[i].at, cases[i].value, cases[i].bytes);
        expect_damage(FIRST, cases[i].word);
        assert_int_equal(pwrite(fd, last, sizeof last, offset), sizeof last);
    }
    /* Lengths and counts that a valid checksum covers are still judged: here, as a torn frame. */
    rewrite_frame(fd, 2, 80 + offsetof(struct batch_header, entry_count), 7, 4);
    assert_int_equal(recover(), 0);
    assert_int_equal(fixture.seen_lsn, 2);
    assert_int_equal(pwrite(fd, last, sizeof last, offset), sizeof last);
    (void)close(fd);
}

static void another_state_version_is_refused_with_advice(void **state)
{
    (void)state;
    make_log(3, false);
    const int fd = open_file(FIRST);
    rewrite_frame(fd, 2, 80 + offsetof(struct batch_header, state_version), 7, 2);
    assert_int_equal(recover(), -EPROTO);
    assert_non_null(strstr(fixture.reason, "stop it cleanly"));
    u8 block[LOG_BLOCK_BYTES];
    assert_int_equal(pread(fd, block, sizeof block, 0), sizeof block);
    block[offsetof(struct wal_segment_header, state_version)] = 9;
    const u64 hash = XXH3_64bits_withSeed(block + 8, sizeof block - 8, fixture.dir.hash_key);
    memcpy(block, &hash, sizeof hash);
    assert_int_equal(pwrite(fd, block, sizeof block, 0), sizeof block);
    assert_int_equal(recover(), -EPROTO);
    assert_non_null(strstr(fixture.reason, "stop it cleanly"));
    (void)close(fd);
}

static void another_segment_size_than_the_superblock_s_is_damage(void **state)
{
    (void)state;
    make_log(3, true);
    load_superblock();
    const int fd = open_file(FIRST);
    for (off_t at = 0; at < WAL_FRAMES_OFFSET; at += LOG_BLOCK_BYTES) {
        u8 block[LOG_BLOCK_BYTES];
        assert_int_equal(pread(fd, block, sizeof block, at), sizeof block);
        const u32 bytes = superblock.segment_bytes - LOG_BLOCK_BYTES;
        memcpy(block + offsetof(struct wal_segment_header, segment_bytes), &bytes, sizeof bytes);
        const u64 hash = XXH3_64bits_withSeed(block + 8, sizeof block - 8, fixture.dir.hash_key);
        memcpy(block, &hash, sizeof hash);
        assert_int_equal(pwrite(fd, block, sizeof block, at), sizeof block);
    }
    expect_damage(FIRST, "segment size");
    (void)close(fd);
}

static void a_copied_frame_is_never_taken_for_another(void **state)
{
    (void)state;
    make_log(3, true);
    const int fd = open_file(FIRST);
    u8 block[LOG_BLOCK_BYTES];
    assert_int_equal(pread(fd, block, sizeof block, WAL_FRAMES_OFFSET), sizeof block);
    assert_int_equal(pwrite(fd, block, sizeof block, WAL_FRAMES_OFFSET + LOG_BLOCK_BYTES),
                     sizeof block);
    expect_damage(FIRST, "another place");
    (void)close(fd);
}

static void frames_that_a_client_sends_are_never_taken_for_frames(void **state)
{
    (void)state;
    /* A frame with the right lsn, seq and place, sealed with a guessed key, as payload. */
    struct wal_frame_header header = {.lsn = 3,
                                      .payload_bytes = 24,
                                      .segment_seq = 1,
                                      .offset = WAL_FRAMES_OFFSET + 3 * LOG_BLOCK_BYTES};
    make_log(2, false);
    fixture_open(&fixture);
    u8 *room = replog_reserve(fixture.log, 8000);
    memset(room, 0, 8000);
    memset(frame, 0, sizeof frame);
    (void)wal_frame_seal(frame, &header, 0);
    memcpy(room + LOG_BLOCK_BYTES - 80 - 24, frame, 200); /* at a block's begin */
    replog_commit_entry(fixture.log, 8000);
    sim_hold_writes(fixture.ring, true);
    assert_int_equal(fixture_append(&fixture), 0);
    (void)fixture_turn(&fixture);
    fixture_crash(&fixture, ~1ull, true); /* all but the first sector: the frame is torn */
    fixture_open(&fixture);
    assert_int_equal(fixture.seen_lsn, 2);
    fixture_stop(&fixture);
}

static void a_recycled_segment_shows_nothing_of_its_former_life(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 60, 1, 4000);
    replog_trim(fixture.log, 50);
    fixture_settle(&fixture, 30);
    /* Killed after every step of a life in recycled files. */
    for (u32 i = 0; i < 40; i++) {
        const u64 lsn = fixture.seen_lsn;
        assert_int_equal(fixture_batch(&fixture, 1, 4000), 0);
        for (u32 turns = 0; turns < i % 5; turns++)
            (void)fixture_turn(&fixture);
        const u64 tried = fixture.log->positions.appended_lsn;
        const u64 acknowledged = fixture.seen_lsn;
        fixture_crash(&fixture, i % 2 == 0 ? 0x5a5a : 0xffff, false);
        fixture.from_lsn = 51;
        fixture_open(&fixture);
        assert_true(fixture.seen_lsn >= MAX(lsn, acknowledged) && fixture.seen_lsn <= tried);
    }
    fixture_stop(&fixture);
}

/* ---- the superblock and the start ------------------------------------------------------------ */

static void a_damaged_superblock_is_refused_unless_a_copy_is_left(void **state)
{
    (void)state;
    make_log(2, true);
    const int fd = open_file(SUPERBLOCK_NAME);
    for (u64 offset = 0; offset < LOG_BLOCK_BYTES; offset += 13)
        for (u64 copy = 0; copy < 2; copy++) {
            flip(fd, offset + copy * LOG_BLOCK_BYTES, 0x10);
            load_superblock();
            assert_int_equal(superblock.durable_lsn, 2);
            assert_int_equal(superblock.is_clean, 1);
            flip(fd, offset + copy * LOG_BLOCK_BYTES, 0x10);
        }
    flip(fd, 100, 1);
    flip(fd, LOG_BLOCK_BYTES + 100, 1);
    assert_int_equal(fixture_try_open(&fixture), -EUCLEAN);
    assert_non_null(strstr(fixture.reason, "superblock is damaged"));
    flip(fd, 100, 1);
    flip(fd, LOG_BLOCK_BYTES + 100, 1);
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_int_equal(fixture_try_open(&fixture), -EUCLEAN);
    assert_int_equal(unlinkat(shard_fd, SUPERBLOCK_NAME, 0), 0);
    assert_int_equal(fixture_try_open(&fixture), -ENOENT);
    assert_non_null(strstr(fixture.reason, "superblock"));
    (void)close(fd);
}

static void a_superblock_of_another_shard_is_refused(void **state)
{
    (void)state;
    char mine[256], other[256], command[600];
    make_log(2, true);
    fixture_file(&fixture, 1, SUPERBLOCK_NAME, mine);
    fixture_file(&fixture, 0, SUPERBLOCK_NAME, other);
    (void)snprintf(command, sizeof command, "cp '%s' '%s'", other, mine);
    assert_int_equal(system(command), 0);
    assert_int_equal(fixture_try_open(&fixture), -EUCLEAN);
    assert_non_null(strstr(fixture.reason, "another shard"));
}

static void a_log_that_is_gone_is_damage(void **state)
{
    (void)state;
    make_log(2, true);
    assert_int_equal(unlinkat(shard_fd, FIRST, 0), 0);
    (void)unlinkat(shard_fd, "wal-0000000002.log", 0);
    expect_damage(FIRST, "missing");
    superblock.last_segment = 0;
    superblock.first_segment = 0;
    expect_damage("", "gone");
}

static void half_made_files_are_removed_and_strangers_left_alone(void **state)
{
    (void)state;
    make_log(2, true);
    static const char *const names[] = {"wal-0000000009.tmp", "wal-9.log", "notes.txt",
                                        "wal-00000000000000000001.log", "wal-x.log"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        (void)close(openat(shard_fd, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    assert_int_equal(recover(), 0);
    assert_int_equal(fixture.seen_lsn, 2);
    assert_int_equal(faccessat(shard_fd, names[0], F_OK, 0), -1);
    for (size_t i = 1; i < ARRAY_COUNT(names); i++)
        assert_int_equal(faccessat(shard_fd, names[i], F_OK, 0), 0);
}

/* From the nth pread on, the disk answers EIO. */
static int recover_on_a_broken_disk(void)
{
    struct sock_filter filter[] = {
        {.code = BPF_LD | BPF_W | BPF_ABS, .k = offsetof(struct seccomp_data, nr)},
        {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = __NR_pread64},
        {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ERRNO | EIO},
        {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW},
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return 1;
    const int result = recover();
    return strstr(fixture.reason, "not taken for the end") == NULL ? 2 : -result;
}

static void an_error_of_reading_is_never_the_end_of_the_log(void **state)
{
    (void)state;
    make_log(3, false);
    const pid_t child = fork();
    if (child == 0)
        _exit(recover_on_a_broken_disk());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_flipped_bit_of_a_stopped_log_is_found),
        TEST(a_flipped_bit_of_a_killed_log_is_damage_or_the_torn_last_frame),
        TEST(an_acknowledged_frame_that_became_zeros_is_damage),
        TEST(a_hole_before_a_valid_frame_is_damage_even_beyond_what_is_known),
        TEST(a_truncated_segment_is_damage),
        TEST(a_missing_segment_is_damage_wherever_it_was),
        TEST(swapped_and_foreign_segments_are_damage),
        TEST(another_segment_size_than_the_superblock_s_is_damage),
        TEST(damage_in_an_older_segment_is_damage),
        TEST(a_lost_header_of_a_begun_segment_is_damage),
        TEST(a_torn_segment_header_is_no_damage),
        TEST(a_damaged_segment_that_is_not_in_use_is_refused),
        TEST(what_is_no_file_cannot_be_read),
        TEST(a_frame_that_does_not_continue_the_chain_is_damage),
        TEST(another_state_version_is_refused_with_advice),
        TEST(a_copied_frame_is_never_taken_for_another),
        TEST(frames_that_a_client_sends_are_never_taken_for_frames),
        TEST(a_recycled_segment_shows_nothing_of_its_former_life),
        TEST(a_damaged_superblock_is_refused_unless_a_copy_is_left),
        TEST(a_superblock_of_another_shard_is_refused),
        TEST(a_log_that_is_gone_is_damage),
        TEST(half_made_files_are_removed_and_strangers_left_alone),
        TEST(an_error_of_reading_is_never_the_end_of_the_log),
    };
    /* Tens of thousands of recoveries: keep the window's memory instead of faulting it in again. */
    (void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
