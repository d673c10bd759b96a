/* test_wal_disk: the local log on the real ring and a real disk, with segments of full size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/log/wal.h"
#include "proto/checksum.h"

struct count {
    u64 lsn;
    u64 entries;
    u64 hash; /* over all payload, in order */
};

static u64 now_ns(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (u64)time.tv_sec * NS_PER_S + (u64)time.tv_nsec;
}

static bool on_commit(void *context, const struct replog_batch *batch)
{
    struct count *count = context;
    assert_int_equal(batch->lsn, count->lsn + 1);
    count->lsn = batch->lsn;
    count->entries += batch->entry_count;
    count->hash = count->hash * 31 + checksum64(batch->payload, batch->bytes);
    return true;
}

static void on_failure(void *context, const char *reason)
{
    (void)context;
    fail_msg("%s", reason);
}

static void turn(struct ring *ring, struct replog *log)
{
    struct ring_completion completions[64];
    assert_int_equal(ring_turn(ring, NS_PER_MS), 0);
    ring_run(ring, completions, ring_collect(ring, completions, 64));
    (void)replog_tick(log, now_ns());
}

static struct replog *open_log(struct ring *ring, struct data_dir *dir, struct count *count,
                               u8 mode)
{
    char reason[4096];
    struct replog *log = NULL;
    const struct wal_options options = {
        .ring = ring,
        .dir = dir,
        .callbacks = {.context = count, .on_commit = on_commit, .on_failure = on_failure},
        .now_ns = now_ns(),
        .mode = mode};
    memset(count, 0, sizeof *count);
    if (wal_open(&log, &options, reason, sizeof reason) != 0)
        fail_msg("%s", reason);
    return log;
}

/* The reactor's order: start a write if none is in flight, then apply. */
static void append_batches(struct ring *ring, struct replog *log, struct count *count, u64 lsn,
                           u32 entry_bytes, u32 entries_max)
{
    u64 stamp = log->positions.appended_lsn;
    while (count->lsn < lsn) {
        u8 *room = NULL;
        while (log->open_entries < entries_max &&
               (room = replog_reserve(log, entry_bytes)) != NULL) {
            memset(room, (int)(log->open_entries & 0xff), entry_bytes);
            replog_commit_entry(log, entry_bytes);
        }
        if (log->can_append && log->open_entries > 0)
            assert_int_equal(replog_append(log, 0, ++stamp), 0);
        (void)replog_deliver(log, 16);
        turn(ring, log);
    }
}

static void writes_and_recovers(u8 mode)
{
    char path[] = "/tmp/test-wal-disk-XXXXXX", reason[4096], command[64];
    struct data_dir dir;
    struct ring *ring = NULL;
    struct count written, read;
    assert_non_null(mkdtemp(path));
    const struct data_dir_options options = {.path = path, .shard_count = 1};
    const struct ring_options ring_options = {.buffer_count = 8, .buffer_bytes = 4096};
    assert_int_equal(data_dir_open(&dir, &options, reason, sizeof reason), 0);
    assert_int_equal(ring_open(&ring, &ring_options), 0);

    struct replog *log = open_log(ring, &dir, &written, mode);
    append_batches(ring, log, &written, 200, 96, 20);        /* small frames */
    append_batches(ring, log, &written, 260, 1 << 20, 1);    /* 60 MiB of large ones: a switch */
    append_batches(ring, log, &written, 300, 64 << 10, 100); /* full batches: another one */
    assert_true(log->statistics.segments >= 2);
    replog_stop(log);
    while (!replog_is_stopped(log)) {
        (void)replog_deliver(log, 16);
        turn(ring, log);
    }
    const u64 durable_lsn = log->positions.durable_lsn;
    replog_close(log);
    assert_int_equal(durable_lsn, written.lsn);

    log = open_log(ring, &dir, &read, mode);
    assert_int_equal(read.lsn, written.lsn);
    assert_int_equal(read.entries, written.entries);
    assert_int_equal(read.hash, written.hash);
    append_batches(ring, log, &read, read.lsn + 10, 96, 1);
    while (ring_in_flight(ring) > 0)
        turn(ring, log);
    replog_close(log);
    assert_int_equal(ring_statistics(ring)->overflows, 0);
    ring_close(ring);
    data_dir_close(&dir);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static void durable_batches_survive_on_a_real_disk(void **state)
{
    (void)state;
    writes_and_recovers(REPLOG_MODE_DURABLE);
}

static void async_batches_reach_a_real_disk(void **state)
{
    (void)state;
    writes_and_recovers(REPLOG_MODE_ASYNC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable_batches_survive_on_a_real_disk),
        cmocka_unit_test(async_batches_reach_a_real_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
