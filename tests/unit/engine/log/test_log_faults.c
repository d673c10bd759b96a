/* test_log_faults: the n-th system call fails, for every n, until all succeed; once, and from then
 * on. Starting must either work or say why, and change nothing that a later start would miss.
 *
 * The calls below stand in front of libc's, because the start uses plain calls and not the ring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The checked twins of pread and its like would be inlined around the ones below. */
#undef _FORTIFY_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/random.h>
#include <sys/syscall.h>

#include "tests/unit/engine/log/log_fixture.h"

static struct {
    u64 count; /* of calls since it was armed */
    u64 nth;   /* 0: not armed */
    int error; /* 0: the call comes out short, where it can */
    bool is_lasting;
    u64 injected;
} faults;

static bool is_faulty(void)
{
    if (faults.nth == 0)
        return false;
    faults.count++;
    if (faults.count != faults.nth && !(faults.is_lasting && faults.count > faults.nth))
        return false;
    faults.injected++;
    errno = faults.error != 0 ? faults.error : EIO;
    return true;
}

static size_t shorten(size_t bytes)
{
    return is_faulty() ? (faults.error != 0 ? SIZE_MAX : bytes / 2 / 512 * 512) : bytes;
}

ssize_t pread(int fd, void *to, size_t bytes, off_t offset)
{
    const size_t count = shorten(bytes);
    return count == SIZE_MAX ? -1 : syscall(SYS_pread64, fd, to, count, offset);
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t offset)
{
    const size_t count = shorten(bytes);
    return count == SIZE_MAX ? -1 : syscall(SYS_pwrite64, fd, from, count, offset);
}

ssize_t write(int fd, const void *from, size_t bytes)
{
    const size_t count = fd > 2 ? shorten(bytes) : bytes;
    return count == SIZE_MAX ? -1 : syscall(SYS_write, fd, from, count);
}

int fsync(int fd)
{
    return is_faulty() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return is_faulty() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int openat(int dir_fd, const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0;
    va_end(rest);
    return is_faulty() ? -1 : (int)syscall(SYS_openat, dir_fd, name, flags, mode);
}

int mkdirat(int dir_fd, const char *name, mode_t mode)
{
    return is_faulty() ? -1 : (int)syscall(SYS_mkdirat, dir_fd, name, mode);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return is_faulty() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

ssize_t getrandom(void *to, size_t bytes, unsigned flags)
{
    return is_faulty() ? -1 : syscall(SYS_getrandom, to, bytes, flags);
}

static void arm(u64 nth, int error, bool is_lasting)
{
    faults.nth = nth;
    faults.error = error;
    faults.is_lasting = is_lasting;
    faults.count = 0;
    faults.injected = 0;
}

static u64 disarm(void)
{
    faults.nth = 0;
    return faults.injected;
}

static const int errors[] = {EIO, ENOSPC, EMFILE, EROFS, 0};

/* ---- formatting ------------------------------------------------------------------------------ */

static void format_with_faults(int error, bool is_lasting)
{
    char base[64], path[128], reason[4096];
    struct data_dir dir;
    (void)snprintf(base, sizeof base, "%s/test-faults-XXXXXX", fixture_base());
    assert_non_null(mkdtemp(base));
    (void)snprintf(path, sizeof path, "%s/data", base);
    const struct data_dir_options options = {.path = path, .shard_count = 2, .now_ns = 1};
    u64 injected = 1, nth = 1;
    for (; injected > 0; nth++) {
        assert_true(nth < 500);
        reason[0] = 0;
        arm(nth, error, is_lasting);
        const int result = data_dir_open(&dir, &options, reason, sizeof reason);
        injected = disarm();
        if (result == 0)
            data_dir_close(&dir);
        else
            assert_non_null(strstr(reason, path)); /* it says why */
        /* The next start finds either a whole directory or formats it again. */
        if (data_dir_open(&dir, &options, reason, sizeof reason) != 0)
            fail_msg("after fault %d at %d: %s", error, (int)nth, reason);
        assert_int_equal(dir.shard_count, 2);
        data_dir_close(&dir);
        fixture_remove_tree(path);
    }
    assert_true(nth > 25); /* the calls below libc's names were really reached */
    fixture_remove_tree(base);
}

static void formatting_survives_every_single_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        format_with_faults(errors[i], false);
        format_with_faults(errors[i], true);
    }
}

/* ---- starting -------------------------------------------------------------------------------- */

static struct fixture fixture;

/* A log with several segments and a torn tail. */
static void make_log(void)
{
    fixture_init(&fixture);
    fixture_open(&fixture);
    fixture_batches(&fixture, 25, 1, 4000);
    sim_hold_writes(fixture.ring, true);
    assert_int_equal(fixture_batch(&fixture, 1, 7000), 0);
    (void)fixture_turn(&fixture);
    fixture_crash(&fixture, 0x15, false);
}

static void start_with_faults(int error, bool is_lasting)
{
    u64 injected = 1, nth = 1;
    make_log();
    for (; injected > 0; nth++) {
        assert_true(nth < 2000);
        fixture.reason[0] = 0;
        fixture.reserve_bytes = (nth % 3 + 1) * FIXTURE_SEGMENT_BYTES;
        arm(nth, error, is_lasting);
        const int result = fixture_try_open(&fixture);
        injected = disarm();
        if (result == 0) {
            assert_int_equal(fixture.seen_lsn, 25);
            fixture_crash(&fixture, 0, false);
        } else {
            assert_true(fixture.reason[0] != 0);
            assert_true(fixture.seen_lsn <= 25);
        }
    }
    assert_true(nth > 25);
    fixture_open(&fixture); /* nothing of it has hurt the log */
    assert_int_equal(fixture.seen_lsn, 25);
    fixture_batches(&fixture, 5, 1, 4000);
    fixture_stop(&fixture);
    fixture_open(&fixture);
    assert_int_equal(fixture.seen_lsn, 30);
    fixture_stop(&fixture);
    fixture_deinit(&fixture);
}

static void starting_survives_every_single_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        start_with_faults(errors[i], false);
        start_with_faults(errors[i], true);
    }
}

static void reading_back_says_what_is_wrong(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_open(&fixture);
    fixture_batches(&fixture, 20, 1, 4000);
    u64 injected = 1, nth = 1;
    for (; injected > 0; nth++) {
        fixture.seen_lsn = 0;
        fixture.notes = 0;
        arm(nth, EIO, false);
        const int result = replog_read(fixture.log, 1, 20, &fixture.callbacks);
        injected = disarm();
        if (result == 0)
            assert_int_equal(fixture.seen_lsn, 20);
        else
            assert_true(result == -EIO && fixture.notes == 1);
    }
    assert_true(nth > 5);
    fixture_stop(&fixture);
    fixture_deinit(&fixture);
}

static void a_log_of_another_segment_size_is_refused(void **state)
{
    (void)state;
    char reason[4096];
    struct replog *log = NULL;
    fixture_init(&fixture);
    fixture_open(&fixture);
    fixture_batches(&fixture, 1, 1, 64);
    const struct wal_options options = {.ring = fixture.ring,
                                        .dir = &fixture.dir,
                                        .callbacks = fixture.callbacks,
                                        .segment_bytes = 2 * FIXTURE_SEGMENT_BYTES,
                                        .batch_bytes = FIXTURE_BATCH_BYTES,
                                        .shard = 1};
    fixture_settle(&fixture, 20);
    assert_int_equal(wal_open(&log, &options, reason, sizeof reason), -EINVAL);
    assert_non_null(strstr(reason, "bytes"));
    fixture_stop(&fixture);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formatting_survives_every_single_fault),
        cmocka_unit_test(starting_survives_every_single_fault),
        cmocka_unit_test(reading_back_says_what_is_wrong),
        cmocka_unit_test(a_log_of_another_segment_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
