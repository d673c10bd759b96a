/* log_fixture: a small log on a temporary directory and the simulated ring, for the tests of
 * engine/log. Included after cmocka.h, once per test program; it brings the simulated ring with it
 * (as a .c file, because it stands in for ring_uring.c at link time).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_LOG_FIXTURE_H
#define SOUK_TESTS_LOG_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/log/wal.h"
#include "engine/log/wal_format.h"
#include "proto/checksum.h"
#include "tests/sim/ring_sim.c"

#define FIXTURE_SEGMENT_BYTES (96u << 10)
#define FIXTURE_BATCH_BYTES   8192u
#define FIXTURE_BATCHES_MAX   4096u

struct fixture {
    char path[64];
    struct data_dir dir;
    struct ring *ring;
    struct replog *log;
    struct replog_callbacks callbacks;
    u64 now_ns;
    u64 stamp_ns;
    u64 from_lsn;
    u64 reserve_bytes;
    u64 expected[FIXTURE_BATCHES_MAX]; /* hash of what was appended, by lsn */
    u64 seen_lsn;                      /* highest that on_commit has had */
    u64 replayed_count;
    u32 refusals_left;        /* on_commit says "not yet" so often */
    struct batch_ack acks[4]; /* what replog_set_acks was given for the open batch */
    u32 failures;
    u32 notes;
    u8 mode;
    char reason[4096];
    char last_note[4096];
};

UNUSED static bool fixture_on_commit(void *context, const struct replog_batch *batch)
{
    struct fixture *fixture = context;
    if (fixture->refusals_left > 0) {
        fixture->refusals_left--;
        return false;
    }
    assert_int_equal(batch->lsn, fixture->seen_lsn + 1);
    assert_true(batch->lsn < FIXTURE_BATCHES_MAX);
    assert_true((uintptr_t)batch->payload % 8 == 0);
    assert_int_equal(fixture->expected[batch->lsn], checksum64(batch->payload, batch->bytes));
    fixture->seen_lsn = batch->lsn;
    fixture->replayed_count += batch->is_replay;
    return true;
}

UNUSED static void fixture_on_failure(void *context, const char *reason)
{
    struct fixture *fixture = context;
    fixture->failures++;
    (void)snprintf(fixture->reason, sizeof fixture->reason, "%s", reason);
}

UNUSED static void fixture_on_note(void *context, const char *text)
{
    struct fixture *fixture = context;
    fixture->notes++;
    (void)snprintf(fixture->last_note, sizeof fixture->last_note, "%s", text);
}

/* In memory where that is possible: tens of thousands of recoveries read it. */
UNUSED static const char *fixture_base(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

UNUSED static void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/test-log-XXXXXX", fixture_base());
    assert_non_null(mkdtemp(fixture->path));
    const struct data_dir_options options = {.path = fixture->path, .shard_count = 2, .now_ns = 5};
    const int result =
        data_dir_open(&fixture->dir, &options, fixture->reason, sizeof fixture->reason);
    if (result != 0)
        fail_msg("%s", fixture->reason);
    fixture->callbacks = (struct replog_callbacks){.context = fixture,
                                                   .on_commit = fixture_on_commit,
                                                   .on_failure = fixture_on_failure,
                                                   .on_note = fixture_on_note};
}

UNUSED static void fixture_remove_tree(const char *path)
{
    char command[256];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

UNUSED static void fixture_deinit(struct fixture *fixture)
{
    data_dir_close(&fixture->dir);
    fixture_remove_tree(fixture->path);
}

UNUSED static int fixture_try_open(struct fixture *fixture)
{
    const struct ring_options ring_options = {.buffer_count = 1, .buffer_bytes = 4096};
    assert_int_equal(ring_open(&fixture->ring, &ring_options), 0);
    const struct wal_options options = {.ring = fixture->ring,
                                        .dir = &fixture->dir,
                                        .callbacks = fixture->callbacks,
                                        .from_lsn = fixture->from_lsn,
                                        .reserve_bytes = fixture->reserve_bytes,
                                        .now_ns = fixture->now_ns,
                                        .segment_bytes = FIXTURE_SEGMENT_BYTES,
                                        .batch_bytes = FIXTURE_BATCH_BYTES,
                                        .shard = 1,
                                        .mode = fixture->mode};
    fixture->seen_lsn = fixture->from_lsn > 0 ? fixture->from_lsn - 1 : 0;
    fixture->replayed_count = 0;
    const int result = wal_open(&fixture->log, &options, fixture->reason, sizeof fixture->reason);
    if (result != 0) {
        ring_close(fixture->ring);
        fixture->ring = NULL;
        fixture->log = NULL;
    }
    return result;
}

UNUSED static void fixture_open(struct fixture *fixture)
{
    if (fixture_try_open(fixture) != 0)
        fail_msg("%s", fixture->reason);
}

UNUSED static u32 fixture_turn(struct fixture *fixture)
{
    struct ring_completion completions[64];
    assert_int_equal(ring_turn(fixture->ring, 0), 0);
    const u32 count = ring_collect(fixture->ring, completions, 64);
    ring_run(fixture->ring, completions, count);
    (void)replog_deliver(fixture->log, 16);
    fixture->now_ns += NS_PER_MS;
    (void)replog_tick(fixture->log, fixture->now_ns);
    return count;
}

/* Turns until nothing is left to do; passes at least `ms` of simulated time. */
UNUSED static void fixture_settle(struct fixture *fixture, u32 ms)
{
    u32 quiet = 0;
    for (u32 i = 0; quiet < MAX(ms, 3u); i++) {
        assert_true(i < 100000);
        quiet = fixture_turn(fixture) == 0 ? quiet + 1 : 0;
    }
}

UNUSED static bool fixture_add_entry(struct fixture *fixture, u32 bytes)
{
    u8 *room = replog_reserve(fixture->log, bytes);
    if (room == NULL)
        return false;
    const u64 seed = fixture->log->positions.appended_lsn * 1000 + fixture->log->open_entries;
    for (u32 i = 0; i < bytes; i++)
        room[i] = (u8)((seed + 1) * (i / 3 + 7) >> 2 | 1);
    replog_commit_entry(fixture->log, bytes);
    return true;
}

/* Appends what is open; on success remembers its hash for on_commit. */
UNUSED static int fixture_append(struct fixture *fixture)
{
    const u32 bytes = fixture->log->open_bytes;
    /* The batch header is written by the log itself: a guess of where the payload lies would be an
     * assumption about its insides, so the hash is taken from the same bytes built here. */
    static u8 copy[FIXTURE_BATCH_BYTES];
    const struct batch_header header = {.stamp_ns = fixture->stamp_ns + 1,
                                        .bytes = bytes,
                                        .entry_count = fixture->log->open_entries,
                                        .ack_count = fixture->log->open_acks,
                                        .state_version = BATCH_STATE_VERSION};
    memcpy(copy, &header, sizeof header);
    const u64 lsn = fixture->log->positions.appended_lsn + 1;
    u32 at = sizeof header + header.ack_count * (u32)sizeof fixture->acks[0];
    memcpy(copy + sizeof header, fixture->acks, at - sizeof header);
    const u32 entries_bytes = bytes - at;
    for (u32 entry = 0; at < bytes; entry++) {
        const u64 seed = (lsn - 1) * 1000 + entry;
        const u32 entry_bytes = entries_bytes / header.entry_count;
        for (u32 i = 0; i < entry_bytes; i++)
            copy[at + i] = (u8)((seed + 1) * (i / 3 + 7) >> 2 | 1);
        at += entry_bytes;
    }
    const int result = replog_append(fixture->log, fixture->log->positions.epoch, header.stamp_ns);
    if (result == 0) {
        fixture->stamp_ns++;
        fixture->expected[lsn] = checksum64(copy, bytes);
    }
    return result;
}

/* One batch of `entries` entries of `bytes` each. */
UNUSED static int fixture_batch(struct fixture *fixture, u32 entries, u32 bytes)
{
    for (u32 i = 0; i < entries; i++)
        if (!fixture_add_entry(fixture, bytes))
            return REPLOG_NO_SPACE;
    return fixture_append(fixture);
}

UNUSED static void fixture_batches(struct fixture *fixture, u32 count, u32 entries, u32 bytes)
{
    for (u32 i = 0; i < count; i++) {
        assert_int_equal(fixture_batch(fixture, entries, bytes), 0);
        (void)fixture_turn(fixture);
        (void)fixture_turn(fixture);
        (void)fixture_turn(fixture);
    }
}

/* As a kill: nothing is said to the log. */
UNUSED static void fixture_crash(struct fixture *fixture, u64 sector_mask, bool keep_rest)
{
    sim_crash(fixture->ring, sector_mask, keep_rest);
    replog_close(fixture->log);
    ring_close(fixture->ring);
    fixture->log = NULL;
    fixture->ring = NULL;
}

UNUSED static void fixture_stop(struct fixture *fixture)
{
    replog_stop(fixture->log);
    for (u32 i = 0; !replog_is_stopped(fixture->log); i++) {
        assert_true(i < 10000);
        (void)fixture_turn(fixture);
    }
    assert_int_equal(ring_in_flight(fixture->ring), 0);
    replog_close(fixture->log);
    ring_close(fixture->ring);
    fixture->log = NULL;
    fixture->ring = NULL;
}

UNUSED static void fixture_file(const struct fixture *fixture, u32 shard, const char *name,
                                char path[256])
{
    (void)snprintf(path, 256, "%s/shard-%03u/%s", fixture->path, shard, name);
}

#endif
