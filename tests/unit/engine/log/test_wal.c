/* test_wal: the local log on the simulated ring: commits, modes, failures, space, crashes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/engine/log/log_fixture.h"

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_deinit(&fixture);
    return 0;
}

static void reopen_and_expect(u64 lsn)
{
    fixture_open(&fixture);
    assert_int_equal(fixture.seen_lsn, lsn);
    assert_int_equal(fixture.log->positions.durable_lsn, lsn);
    assert_int_equal(fixture.log->positions.appended_lsn, lsn);
    assert_true(fixture.log->has_space && fixture.log->may_answer && fixture.log->can_append);
}

static void what_was_committed_comes_back_after_a_kill(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 5, 3, 64);
    assert_int_equal(fixture.seen_lsn, 5);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(5);
    assert_int_equal(fixture.replayed_count, 5);
    fixture_batches(&fixture, 3, 1, 4000);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(8);
    fixture_crash(&fixture, 0, false);
}

static void a_clean_stop_leaves_a_clean_end(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 4, 2, 64);
    fixture_stop(&fixture);
    reopen_and_expect(4);
    assert_int_equal(fixture.notes, 0);
    assert_int_equal(fixture.log->statistics.segments, 0); /* goes on in place */
    fixture_batches(&fixture, 1, 1, 64);
    assert_int_equal(fixture.log->statistics.segments, 0);
    fixture_stop(&fixture);
    fixture.from_lsn = 3; /* a snapshot holds the first two */
    reopen_and_expect(5);
    assert_int_equal(fixture.replayed_count, 3);
    fixture_stop(&fixture);
}

static void nothing_is_committed_before_its_write_has_completed(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 1, 1, 64); /* the segment's header is out of the way */
    sim_hold_writes(fixture.ring, true);
    assert_int_equal(fixture_batch(&fixture, 1, 64), 0);
    for (u32 i = 0; i < 5; i++)
        (void)fixture_turn(&fixture);
    assert_int_equal(fixture.seen_lsn, 1);
    assert_int_equal(fixture.log->positions.appended_lsn, 2);
    assert_int_equal(fixture.log->positions.durable_lsn, 1);
    assert_false(fixture.log->has_undelivered || fixture.log->can_append);
    assert_int_equal(sim_writes_held(fixture.ring), 1);

    /* Meanwhile entries gather, and become one write when the first has completed. */
    for (u32 i = 0; i < 10; i++)
        assert_true(fixture_add_entry(&fixture, 64));
    assert_int_equal(fixture_append(&fixture), REPLOG_BUSY);
    assert_int_equal(fixture.log->open_entries, 10);
    sim_release_write(fixture.ring);
    struct ring_completion completion;
    assert_int_equal(ring_collect(fixture.ring, &completion, 1), 1);
    ring_run(fixture.ring, &completion, 1);
    assert_true(fixture.log->can_append && fixture.log->has_undelivered);
    assert_int_equal(fixture_append(&fixture), 0); /* before the last batch is applied */
    assert_int_equal(fixture.seen_lsn, 1);
    assert_int_equal(replog_deliver(fixture.log, 16), 1);
    assert_int_equal(fixture.seen_lsn, 2);
    sim_hold_writes(fixture.ring, false);
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture.seen_lsn, 3);
    fixture_stop(&fixture);
}

static void set_acks(u32 count, u64 seq)
{
    for (u32 i = 0; i < count; i++)
        fixture.acks[i] = (struct batch_ack){.seq = seq + i, .shard = (u16)i};
    replog_set_acks(fixture.log, fixture.acks, count);
}

/* The fixture compares every batch that it is given with what was asked for, byte by byte. */
static void acknowledgements_stand_before_the_entries_of_their_batch_alone(void **state)
{
    (void)state;
    fixture_open(&fixture);
    set_acks(3, 10);
    set_acks(2, 20); /* instead of those */
    assert_int_equal(fixture.log->open_acks, 2);
    fixture_batches(&fixture, 2, 3, 64);
    assert_int_equal(fixture.log->open_acks, 0);
    set_acks(1, 30);
    assert_int_equal(fixture_append(&fixture), 0); /* no entry at all */
    (void)fixture_turn(&fixture);
    set_acks(3, 40);
    set_acks(0, 0);
    fixture_batches(&fixture, 1, 1, 64);
    assert_int_equal(fixture.seen_lsn, 4);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(4);
    assert_int_equal(fixture.replayed_count, 4);
    fixture_crash(&fixture, 0, false);
}

static void acknowledgements_are_set_while_no_buffer_is_free_and_never_after_an_entry(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture.refusals_left = 1000000;
    for (u32 i = 0; i < 12; i++) {
        (void)fixture_batch(&fixture, 1, 64);
        (void)fixture_turn(&fixture);
    }
    assert_null(replog_reserve(fixture.log, 64)); /* all buffers wait to be applied */
    set_acks(4, 7);
    fixture.refusals_left = 0;
    fixture_settle(&fixture, 1);
    const u64 lsn = fixture.seen_lsn;
    assert_true(fixture_add_entry(&fixture, 64));
    const struct batch_ack late = {.seq = 1, .shard = 1};
    expect_assert_failure(replog_set_acks(fixture.log, &late, 1));
    assert_int_equal(fixture_append(&fixture), 0);
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture.seen_lsn, lsn + 1);
    /* with as many acknowledgements as there are, less room is left for entries */
    set_acks(4, 9);
    assert_null(
        replog_reserve(fixture.log, FIXTURE_BATCH_BYTES - (u32)sizeof(struct batch_header)));
    assert_non_null(replog_reserve(fixture.log, FIXTURE_BATCH_BYTES -
                                                    (u32)sizeof(struct batch_header) -
                                                    4 * (u32)sizeof(struct batch_ack)));
    fixture_stop(&fixture);
}

static void a_batch_that_is_not_done_is_given_again(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 1, 1, 64);
    fixture.refusals_left = 3;
    assert_int_equal(fixture_batch(&fixture, 1, 64), 0);
    (void)fixture_turn(&fixture);
    assert_int_equal(fixture.seen_lsn, 1);
    assert_true(fixture.log->has_undelivered);
    (void)fixture_turn(&fixture);
    (void)fixture_turn(&fixture);
    (void)fixture_turn(&fixture);
    assert_int_equal(fixture.seen_lsn, 2);
    fixture_stop(&fixture);
}

static void buffers_that_are_not_applied_stop_the_intake_and_no_more(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture.refusals_left = 1000000;
    u32 accepted = 0;
    for (u32 i = 0; i < 20; i++) {
        accepted += fixture_batch(&fixture, 1, 64) == 0;
        (void)fixture_turn(&fixture);
        (void)fixture_turn(&fixture);
    }
    assert_int_equal(accepted, 4);
    assert_null(replog_reserve(fixture.log, 64));
    fixture.refusals_left = 0;
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture.seen_lsn, 4);
    assert_int_equal(fixture_batch(&fixture, 1, 64), 0);
    fixture_settle(&fixture, 1);
    fixture_stop(&fixture);
}

static void a_full_batch_takes_no_more_and_an_empty_one_is_possible(void **state)
{
    (void)state;
    fixture_open(&fixture);
    u32 count = 0;
    while (fixture_add_entry(&fixture, 512))
        count++;
    assert_int_equal(count, (FIXTURE_BATCH_BYTES - sizeof(struct batch_header)) / 512);
    assert_int_equal(fixture_append(&fixture), 0);
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture_append(&fixture), 0); /* an expiry */
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture.seen_lsn, 2);
    assert_int_equal(fixture.log->statistics.entries, count);
    expect_assert_failure(replog_commit_entry(fixture.log, 8)); /* nothing was reserved */
    expect_assert_failure(replog_reserve(fixture.log, 61));
    expect_assert_failure((void)!replog_append(fixture.log, 0, 0)); /* time does not go back */
    fixture_stop(&fixture);
}

static void many_segments_are_written_and_recovered(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 60, 2, 2000);
    assert_true(fixture.log->statistics.segments >= 4);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(60);
    fixture_batches(&fixture, 60, 5, 1600);
    fixture_stop(&fixture);
    reopen_and_expect(120);
    fixture_stop(&fixture);
}

/* A reactor that is told a time that has passed does not sleep. */
static void a_slow_write_asks_for_no_turns(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 1, 1, 64);
    sim_hold_writes(fixture.ring, true);
    assert_int_equal(fixture_batch(&fixture, 1, 64), 0);
    for (u32 ms = 0; ms < 100; ms++) {
        assert_int_equal(ring_turn(fixture.ring, 0), 0);
        fixture.now_ns += NS_PER_MS;
        assert_true(replog_tick(fixture.log, fixture.now_ns) > fixture.now_ns);
    }
    sim_hold_writes(fixture.ring, false);
    fixture_settle(&fixture, 20);
    assert_int_equal(fixture.log->positions.durable_lsn, 2);
    fixture_stop(&fixture);
    reopen_and_expect(2);
    fixture_stop(&fixture);
}

static void async_commits_at_once_and_bounds_what_can_be_lost(void **state)
{
    (void)state;
    fixture.mode = REPLOG_MODE_ASYNC;
    fixture_open(&fixture);
    fixture_batches(&fixture, 1, 1, 64);
    sim_hold_writes(fixture.ring, true);
    assert_int_equal(fixture_batch(&fixture, 1, 64), 0);
    assert_int_equal(replog_deliver(fixture.log, 1), 1);
    assert_int_equal(fixture.seen_lsn, 2);
    assert_int_equal(fixture.log->positions.durable_lsn, 1);
    assert_int_equal(fixture_batch(&fixture, 1, 64), 0);
    assert_int_equal(replog_deliver(fixture.log, 1), 1);
    assert_true(fixture.log->can_append);
    fixture.now_ns += 1000 * NS_PER_MS; /* the disk hangs for longer than async_max_ms */
    (void)replog_tick(fixture.log, fixture.now_ns);
    assert_false(fixture.log->can_append);
    assert_int_equal(fixture_batch(&fixture, 1, 64), REPLOG_BUSY);
    sim_hold_writes(fixture.ring, false);
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture_append(&fixture), 0);
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture.log->positions.durable_lsn, 4);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(4);
    fixture_batches(&fixture, 100, 2, 2000); /* over segments, with frames waiting */
    fixture_stop(&fixture);
    reopen_and_expect(104);
    fixture_stop(&fixture);
}

static void async_keeps_a_queue_over_the_end_of_a_segment(void **state)
{
    (void)state;
    fixture.mode = REPLOG_MODE_ASYNC;
    fixture_open(&fixture);
    u64 appended = 0;
    for (u32 i = 0; i < 2000 && appended < 300; i++) {
        sim_hold_writes(fixture.ring, i % 7 < 5);
        if (fixture.log->can_append && fixture.log->has_space)
            appended += fixture_batch(&fixture, 1, 4096) == 0;
        (void)fixture_turn(&fixture);
    }
    assert_int_equal(appended, 300);
    sim_hold_writes(fixture.ring, false);
    fixture_settle(&fixture, 1);
    assert_int_equal(fixture.seen_lsn, 300);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(300);
    fixture_stop(&fixture);
}

static void mode_none_keeps_no_files(void **state)
{
    (void)state;
    fixture.mode = REPLOG_MODE_NONE;
    fixture_open(&fixture);
    fixture_batches(&fixture, 10, 1, 64);
    assert_int_equal(fixture.seen_lsn, 10);
    assert_int_equal(fixture.log->positions.durable_lsn, 0);
    assert_int_equal(sim_count(fixture.ring, SIM_OPERATION_WRITE_DURABLE), 0);
    assert_int_equal(replog_read(fixture.log, 1, 2, &fixture.callbacks), -ENODATA);
    fixture_stop(&fixture);
    char path[256];
    fixture_file(&fixture, 1, "wal-0000000001.log", path);
    assert_int_equal(access(path, F_OK), -1);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void expect_stopped_for_good(const char *word)
{
    const u64 seen = fixture.seen_lsn;
    fixture_settle(&fixture, 1200);
    assert_true(fixture.log->is_failed);
    assert_int_equal(fixture.failures, 1);
    assert_non_null(strstr(fixture.reason, word));
    assert_non_null(strstr(fixture.reason, "offset"));
    assert_false(fixture.log->may_answer || fixture.log->can_append ||
                 fixture.log->has_undelivered);
    assert_null(replog_reserve(fixture.log, 64));
    assert_int_equal(replog_append(fixture.log, 0, fixture.stamp_ns + 1), REPLOG_FAILED);
    assert_int_equal(fixture.seen_lsn, seen);
    fixture.failures = 0;
}

static void a_failed_or_short_write_stops_the_log_for_good(void **state)
{
    (void)state;
    static const i32 results[] = {-EIO, -ENOSPC, 4096, 0};
    u64 lsn = 0;
    for (size_t i = 0; i < ARRAY_COUNT(results); i++) {
        fixture_open(&fixture);
        assert_true(fixture.seen_lsn >= lsn);
        fixture_batches(&fixture, 2, 2, 3000);
        lsn = fixture.seen_lsn;
        sim_fail(fixture.ring, SIM_OPERATION_WRITE_DURABLE, 1, results[i], false);
        assert_int_equal(fixture_batch(&fixture, 2, 3000), 0);
        const u64 writes = sim_count(fixture.ring, SIM_OPERATION_WRITE_DURABLE);
        (void)fixture_turn(&fixture);
        assert_int_equal(fixture.seen_lsn, lsn); /* the failed one is not acknowledged */
        expect_stopped_for_good("wal-");
        assert_int_equal(sim_count(fixture.ring, SIM_OPERATION_WRITE_DURABLE), writes);
        fixture_crash(&fixture, 0, false);
    }
    reopen_and_expect(lsn);
    fixture_stop(&fixture);
}

static void a_failed_header_or_superblock_stops_the_log_for_good(void **state)
{
    (void)state;
    fixture_open(&fixture);
    sim_fail(fixture.ring, SIM_OPERATION_WRITE_DURABLE, 1, -EIO, false);
    assert_int_equal(fixture_batch(&fixture, 1, 64), 0); /* the first needs a header */
    expect_stopped_for_good("wal-");
    fixture_crash(&fixture, 0, false);

    reopen_and_expect(0);
    fixture_batches(&fixture, 1, 1, 64);
    fixture_settle(&fixture, 30);
    fixture_batches(&fixture, 1, 1, 64);
    sim_fail(fixture.ring, SIM_OPERATION_WRITE_DURABLE, 1, 512, false);
    fixture.now_ns += 20 * NS_PER_MS; /* idle: the superblock is due */
    expect_stopped_for_good("superblock");
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(2);
    fixture_stop(&fixture);
}

static void the_superblock_is_written_when_idle(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 3, 1, 64);
    const u64 before = fixture.log->statistics.superblocks;
    fixture_settle(&fixture, 5);
    assert_int_equal(fixture.log->statistics.superblocks, before);
    fixture_settle(&fixture, 20);
    assert_int_equal(fixture.log->statistics.superblocks, before + 2); /* both copies, once */
    fixture_settle(&fixture, 100);
    assert_int_equal(fixture.log->statistics.superblocks, before + 2);
    fixture_stop(&fixture);
}

/* ---- space ----------------------------------------------------------------------------------- */

static void a_full_disk_refuses_before_and_mends_itself(void **state)
{
    (void)state;
    fixture_open(&fixture);
    sim_fail(fixture.ring, SIM_OPERATION_WRITE, 1, -ENOSPC, true);
    u64 accepted = 0;
    for (u32 i = 0; i < 100; i++) {
        const int result = fixture_batch(&fixture, 1, 4000);
        if (result != 0) {
            assert_int_equal(result, REPLOG_NO_SPACE);
            assert_false(fixture.log->has_space);
        }
        accepted += result == 0;
        fixture_settle(&fixture, 3);
    }
    assert_true(accepted > 1 && accepted < 40);
    assert_int_equal(fixture.seen_lsn, accepted); /* what was let in is done */
    assert_int_equal(fixture.failures, 0);
    assert_true(fixture.log->may_answer);
    assert_int_equal(fixture.notes, 1); /* told once, not every second */
    /* Expiries may use the reserve, and end with an answer. */
    int result = 0;
    for (u32 i = 0; i < 100 && result == 0; i++) {
        result = fixture_append(&fixture);
        fixture_settle(&fixture, 3);
    }
    assert_int_equal(result, REPLOG_NO_SPACE);

    sim_fail(fixture.ring, SIM_OPERATION_WRITE, 0, 0, false); /* somebody made room */
    fixture_settle(&fixture, 1100);
    assert_true(fixture.log->has_space);
    assert_int_equal(fixture.notes, 2);
    fixture_batches(&fixture, 40, 1, 4000);
    const u64 lsn = fixture.seen_lsn;
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(lsn);
    fixture_stop(&fixture);
}

static void every_step_of_preparing_may_fail_once(void **state)
{
    (void)state;
    static const enum sim_operation operations[] = {SIM_OPERATION_OPEN, SIM_OPERATION_WRITE,
                                                    SIM_OPERATION_SYNC, SIM_OPERATION_RENAME};
    static const i32 results[] = {-EMFILE, -EIO, -EIO, -EIO};
    u64 lsn = 0;
    fixture_open(&fixture);
    for (u32 nth = 1; nth <= 2; nth++)
        for (size_t i = 0; i < ARRAY_COUNT(operations); i++) {
            if (nth == 2 && operations[i] == SIM_OPERATION_SYNC)
                continue; /* the second flush is the directory's: below */
            sim_fail(fixture.ring, operations[i], nth, results[i], false);
            for (u32 j = 0; j < 40; j++) {
                lsn += fixture_batch(&fixture, 1, 4000) == 0;
                fixture_settle(&fixture, 3);
            }
            fixture_settle(&fixture, 1100);
            assert_true(fixture.log->has_space);
            assert_int_equal(fixture.failures, 0);
        }
    assert_int_equal(fixture.seen_lsn, lsn);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(lsn);
    sim_fail(fixture.ring, SIM_OPERATION_WRITE, 1, 4097, false); /* an odd count */
    for (u32 j = 0; j < 40; j++) {
        lsn += fixture_batch(&fixture, 1, 4000) == 0;
        fixture_settle(&fixture, 3);
    }
    fixture_settle(&fixture, 1100);
    assert_true(fixture.log->has_space);
    assert_int_equal(fixture.failures, 0);
    fixture_stop(&fixture);
}

static void a_directory_that_cannot_be_flushed_stops_the_log(void **state)
{
    (void)state;
    fixture_open(&fixture);
    sim_fail(fixture.ring, SIM_OPERATION_SYNC, 2, -EIO, false);
    for (u32 i = 0; i < 60 && !fixture.log->is_failed; i++) {
        if (fixture_batch(&fixture, 1, 4000) == 0)
            fixture_settle(&fixture, 3);
    }
    expect_stopped_for_good("directory");
    const u64 lsn = fixture.seen_lsn;
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(lsn);
    fixture_stop(&fixture);
}

static void space_may_be_reserved_at_start(void **state)
{
    (void)state;
    fixture.reserve_bytes = 4 * FIXTURE_SEGMENT_BYTES;
    fixture_open(&fixture);
    char path[256];
    fixture_file(&fixture, 1, "wal-0000000004.log", path);
    assert_int_equal(access(path, F_OK), 0);
    sim_fail(fixture.ring, SIM_OPERATION_WRITE, 1, -ENOSPC, true); /* nothing more is needed */
    fixture_batches(&fixture, 30, 1, 4000);
    assert_true(fixture.log->statistics.segments >= 3);
    assert_int_equal(fixture.notes, 0);
    fixture_stop(&fixture);
    fixture.reserve_bytes = 0;
    reopen_and_expect(30);
    fixture_stop(&fixture);
}

static void trimmed_segments_are_recycled(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 60, 1, 4000);
    const u64 opened = sim_count(fixture.ring, SIM_OPERATION_WRITE);
    replog_trim(fixture.log, 45);
    replog_trim(fixture.log, 40); /* less than before: nothing */
    fixture_settle(&fixture, 20);
    assert_int_equal(fixture.log->positions.trimmed_lsn, 45);
    fixture_batches(&fixture, 40, 1, 4000);
    /* Recycled files need two blocks of zeros instead of a whole segment. */
    assert_true(sim_count(fixture.ring, SIM_OPERATION_WRITE) - opened <= 6);
    char path[256];
    fixture_file(&fixture, 1, "wal-0000000001.log", path);
    assert_int_equal(access(path, F_OK), -1);
    fixture_crash(&fixture, 0, false);
    fixture.from_lsn = 46;
    reopen_and_expect(100);
    fixture_batches(&fixture, 30, 1, 4000);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(130);
    fixture_stop(&fixture);
    fixture.from_lsn = 1;
    assert_int_equal(fixture_try_open(&fixture), -EUCLEAN); /* those are gone */
    assert_non_null(strstr(fixture.reason, "begins later"));
}

/* ---- epochs, reading back -------------------------------------------------------------------- */

static void an_older_epoch_is_refused(void **state)
{
    (void)state;
    fixture_open(&fixture);
    assert_true(fixture_add_entry(&fixture, 64));
    replog_fence(fixture.log, 3);
    assert_int_equal(replog_append(fixture.log, 2, 1), REPLOG_NOT_LEADER);
    fixture.log->positions.epoch = 3;
    assert_int_equal(fixture_append(&fixture), 0);
    fixture_settle(&fixture, 1);
    assert_int_equal(replog_append(fixture.log, 1, 9), REPLOG_NOT_LEADER);
    fixture_crash(&fixture, 0, false);
    reopen_and_expect(1);
    assert_int_equal(fixture.log->positions.epoch, 3);
    fixture_stop(&fixture);
}

static void durable_batches_can_be_read_back(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 50, 1, 4000);
    fixture.seen_lsn = 9;
    assert_int_equal(replog_read(fixture.log, 10, 40, &fixture.callbacks), 0);
    assert_int_equal(fixture.seen_lsn, 40);
    assert_int_equal(fixture.replayed_count, 31);
    assert_int_equal(replog_read(fixture.log, 10, 51, &fixture.callbacks), -ENODATA);
    fixture.seen_lsn = 50;
    fixture_stop(&fixture);
}

/* ---- crashes --------------------------------------------------------------------------------- */

/* A crash while the last frame, of 16 sectors, is being written: `mask` of them reach the disk. */
static void crash_in_a_write(u64 mask)
{
    const u64 lsn = fixture.seen_lsn;
    sim_hold_writes(fixture.ring, true);
    assert_int_equal(fixture_batch(&fixture, 1, 7000), 0);
    (void)fixture_turn(&fixture);
    assert_int_equal(sim_writes_held(fixture.ring), 1);
    fixture_crash(&fixture, mask, false);
    fixture_open(&fixture);
    const bool is_whole = (mask & 0x3fff) == 0x3fff; /* the last two are padding */
    if (is_whole)                                    /* never acknowledged, but there: it counts */
        assert_true(fixture.seen_lsn == lsn + 1);
    else
        assert_int_equal(fixture.seen_lsn, lsn);
}

static void every_prefix_of_the_last_frame_recovers(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_batches(&fixture, 3, 1, 3000);
    for (u32 sectors = 0; sectors <= 16; sectors++) {
        crash_in_a_write((1ull << sectors) - 1);
        fixture_batches(&fixture, 1, 1, 3000); /* and goes on */
    }
    const u64 lsn = fixture.seen_lsn;
    fixture_stop(&fixture);
    reopen_and_expect(lsn);
    fixture_stop(&fixture);
}

static void a_clean_stop_is_forgotten_when_writing_goes_on(void **state)
{
    (void)state;
    char path[256];
    fixture_open(&fixture);
    fixture_batches(&fixture, 3, 1, 3000);
    fixture_stop(&fixture);
    fixture_open(&fixture);
    crash_in_a_write(0xff); /* the first frame after the clean stop is torn */
    assert_non_null(strstr(fixture.last_note, "cut"));
    fixture_batches(&fixture, 1, 1, 3000); /* so it goes on in another segment */
    assert_int_equal(fixture.log->statistics.segments, 1);
    fixture_crash(&fixture, 0, false);
    fixture_file(&fixture, 1, "wal-0000000002.log", path);
    assert_int_equal(access(path, F_OK), 0);
    reopen_and_expect(4);
    fixture_stop(&fixture);
}

static void any_subset_of_sectors_of_the_last_frame_recovers(void **state)
{
    (void)state;
    u64 random = 12345;
    fixture_open(&fixture);
    fixture_batches(&fixture, 2, 1, 3000);
    for (u32 i = 0; i < 150; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        crash_in_a_write(random >> 40 & 0xffff);
        if (i % 3 != 0)
            fixture_batches(&fixture, 1, 1, 104);
    }
    fixture_stop(&fixture);
}

static void a_crash_at_every_step_of_a_growing_log_loses_nothing(void **state)
{
    (void)state;
    for (u32 steps = 0; steps < 120; steps++) {
        fixture_open(&fixture);
        for (u32 i = 0; i < steps % 40; i++) {
            if (fixture.log->can_append && fixture.log->has_space)
                (void)fixture_batch(&fixture, 1, 5000);
            (void)fixture_turn(&fixture);
        }
        const u64 acknowledged = fixture.seen_lsn;
        const u64 tried = fixture.log->positions.appended_lsn;
        fixture_crash(&fixture, steps * 0x9E3779B97F4A7C15ull, false);
        fixture_open(&fixture);
        assert_true(fixture.seen_lsn >= acknowledged && fixture.seen_lsn <= tried);
        fixture_crash(&fixture, 0, false);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_committed_comes_back_after_a_kill),
        TEST(a_clean_stop_leaves_a_clean_end),
        TEST(nothing_is_committed_before_its_write_has_completed),
        TEST(acknowledgements_stand_before_the_entries_of_their_batch_alone),
        TEST(acknowledgements_are_set_while_no_buffer_is_free_and_never_after_an_entry),
        TEST(a_batch_that_is_not_done_is_given_again),
        TEST(buffers_that_are_not_applied_stop_the_intake_and_no_more),
        TEST(a_full_batch_takes_no_more_and_an_empty_one_is_possible),
        TEST(many_segments_are_written_and_recovered),
        TEST(a_slow_write_asks_for_no_turns),
        TEST(async_commits_at_once_and_bounds_what_can_be_lost),
        TEST(async_keeps_a_queue_over_the_end_of_a_segment),
        TEST(mode_none_keeps_no_files),
        TEST(a_failed_or_short_write_stops_the_log_for_good),
        TEST(a_failed_header_or_superblock_stops_the_log_for_good),
        TEST(the_superblock_is_written_when_idle),
        TEST(a_full_disk_refuses_before_and_mends_itself),
        TEST(every_step_of_preparing_may_fail_once),
        TEST(a_directory_that_cannot_be_flushed_stops_the_log),
        TEST(space_may_be_reserved_at_start),
        TEST(trimmed_segments_are_recycled),
        TEST(an_older_epoch_is_refused),
        TEST(durable_batches_can_be_read_back),
        TEST(every_prefix_of_the_last_frame_recovers),
        TEST(a_clean_stop_is_forgotten_when_writing_goes_on),
        TEST(any_subset_of_sectors_of_the_last_frame_recovers),
        TEST(a_crash_at_every_step_of_a_growing_log_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
