/* limit_sync: how long this machine's disk takes to make a write durable.
 *
 * Writes blocks one after the other into a file that has really been filled with zeros, one in
 * flight, in three ways:
 *
 *      dsync      O_DIRECT write with synchronous data (RWF_DSYNC): what Souk's log does
 *      linked     O_DIRECT write linked with fdatasync, two operations on the ring
 *      buffered   pwrite through the page cache, then fdatasync, plain system calls
 *
 * The ways are interleaved in slices, so that a slow minute of the machine hits all of them alike.
 * Reports percentiles per way and size, as text or JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "proto/base.h"

#define FILE_BYTES   (64u << 20)
#define BLOCK_BYTES  4096u
#define SAMPLES_MAX  (1u << 20)
#define SLICE_NS     (100 * NS_PER_MS)
#define CHUNK_BYTES  (1u << 20)
#define DEFAULT_FILE "limit_sync.tmp"
#define SECONDS_MAX  3600

enum way { WAY_DSYNC, WAY_LINKED, WAY_BUFFERED, WAY_COUNT };
static const char *const way_names[WAY_COUNT] = {"dsync", "linked", "buffered"};
static const u32 sizes[] = {4u << 10, 64u << 10, 1u << 20};

struct series {
    enum way way;
    u32 bytes;
    u32 count;
    u64 busy_ns;
    u32 *samples_ns; /* SAMPLES_MAX */
};

struct bench {
    struct io_uring ring;
    struct series series[WAY_COUNT * ARRAY_COUNT(sizes)];
    u8 *block; /* as large as the largest size */
    int direct_fd;
    int buffered_fd;
    u64 offset;
    const char *path;
    double seconds;
    bool is_json;
    bool is_kept;
};

NORETURN void base_panic(const char *what, const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: %s failed: %s\n", file, line, what, condition);
    abort();
}

static u64 now_ns(void)
{
    struct timespec time;
    MUST(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (u64)time.tv_sec * NS_PER_S + (u64)time.tv_nsec;
}

NORETURN static void die(const char *what, int error)
{
    (void)fprintf(stderr, "limit_sync: %s: %s\n", what, strerror(error));
    exit(1);
}

/* Waits for `count` completions; each must have the result that is expected of it. */
static void await(struct bench *bench, u32 count, const i32 *expected)
{
    const int submitted = io_uring_submit_and_wait(&bench->ring, count);
    if (submitted < 0)
        die("submit", -submitted);
    for (u32 i = 0; i < count; i++) {
        struct io_uring_cqe *cqe = NULL;
        const int result = io_uring_wait_cqe(&bench->ring, &cqe);
        if (result != 0)
            die("wait", -result);
        if (cqe->res != expected[cqe->user_data])
            die("write", cqe->res < 0 ? -cqe->res : EIO);
        io_uring_cqe_seen(&bench->ring, cqe);
    }
}

static void write_once(struct bench *bench, enum way way, u32 bytes)
{
    const i32 expected[2] = {(i32)bytes, 0};
    struct io_uring_sqe *sqe = NULL;
    switch (way) {
    case WAY_DSYNC:
    case WAY_LINKED:
        sqe = io_uring_get_sqe(&bench->ring);
        io_uring_prep_write(sqe, bench->direct_fd, bench->block, bytes, bench->offset);
        sqe->user_data = 0;
        if (way == WAY_DSYNC) {
            sqe->rw_flags = RWF_DSYNC;
            await(bench, 1, expected);
            break;
        }
        sqe->flags |= IOSQE_IO_LINK;
        sqe = io_uring_get_sqe(&bench->ring);
        io_uring_prep_fsync(sqe, bench->direct_fd, IORING_FSYNC_DATASYNC);
        sqe->user_data = 1;
        await(bench, 2, expected);
        break;
    case WAY_BUFFERED:
        if (pwrite(bench->buffered_fd, bench->block, bytes, (off_t)bench->offset) !=
                (ssize_t)bytes ||
            fdatasync(bench->buffered_fd) != 0)
            die("pwrite and fdatasync", errno);
        break;
    case WAY_COUNT: break;
    }
    bench->offset += bytes;
    if (bench->offset + sizes[ARRAY_COUNT(sizes) - 1] > FILE_BYTES)
        bench->offset = 0;
}

static void run_slice(struct bench *bench, struct series *series)
{
    const u64 end = now_ns() + SLICE_NS;
    u64 begin = now_ns();
    while (begin < end && series->count < SAMPLES_MAX) {
        bench->block[0]++;
        write_once(bench, series->way, series->bytes);
        const u64 done = now_ns();
        series->samples_ns[series->count++] = (u32)MIN(done - begin, UINT32_MAX);
        series->busy_ns += done - begin;
        begin = done;
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

static void fill_with_zeros(struct bench *bench)
{
    bench->buffered_fd = open(bench->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (bench->buffered_fd < 0)
        die(bench->path, errno);
    memset(bench->block, 0, CHUNK_BYTES);
    for (u32 offset = 0; offset < FILE_BYTES; offset += CHUNK_BYTES)
        if (pwrite(bench->buffered_fd, bench->block, CHUNK_BYTES, (off_t)offset) !=
            (ssize_t)CHUNK_BYTES)
            die(bench->path, errno);
    if (fsync(bench->buffered_fd) != 0)
        die(bench->path, errno);
    bench->direct_fd = open(bench->path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (bench->direct_fd < 0)
        die("O_DIRECT is not possible here; name a file on a disk with --file", errno);
}

/* ---- the report ------------------------------------------------------------------------------ */

static int compare_samples(const void *a, const void *b)
{
    const u32 left = *(const u32 *)a, right = *(const u32 *)b;
    return (left > right) - (left < right);
}

static double percentile_us(const struct series *series, double part)
{
    const u32 index = (u32)(part * (double)(series->count - 1));
    return (double)series->samples_ns[index] / 1000.0;
}

static void report_one(const struct bench *bench, struct series *series, bool is_last)
{
    static const double parts[] = {0.5, 0.9, 0.99, 0.999, 1.0};
    static const char *const names[] = {"p50_us", "p90_us", "p99_us", "p999_us", "max_us"};
    const double seconds = (double)series->busy_ns / 1e9;
    const double rate = (double)series->count / seconds;
    const double megabytes = rate * (double)series->bytes / 1e6;
    qsort(series->samples_ns, series->count, sizeof *series->samples_ns, compare_samples);
    if (bench->is_json)
        (void)printf("    {\"way\": \"%s\", \"bytes\": %u, \"writes\": %u, \"per_second\": %.1f, "
                     "\"mb_per_second\": %.1f",
                     way_names[series->way], series->bytes, series->count, rate, megabytes);
    else
        (void)printf("%-9s %8u %8u %9.0f %9.1f", way_names[series->way], series->bytes,
                     series->count, rate, megabytes);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        const double value = percentile_us(series, parts[i]);
        if (bench->is_json)
            (void)printf(", \"%s\": %.1f", names[i], value);
        else
            (void)printf(" %9.1f", value);
    }
    (void)printf(bench->is_json ? "}%s\n" : "%s\n", bench->is_json && !is_last ? "," : "");
}

static void report(struct bench *bench)
{
    const size_t count = ARRAY_COUNT(bench->series);
    if (bench->is_json)
        (void)printf("{\n  \"program\": \"limit_sync\", \"file_bytes\": %u, \"seconds\": %.1f,\n"
                     "  \"results\": [\n",
                     FILE_BYTES, bench->seconds);
    else
        (void)printf("%-9s %8s %8s %9s %9s %9s %9s %9s %9s %9s\n", "way", "bytes", "writes",
                     "per s", "MB/s", "p50 us", "p90", "p99", "p99.9", "max");
    for (size_t i = 0; i < count; i++)
        report_one(bench, &bench->series[i], i + 1 == count);
    if (bench->is_json)
        (void)printf("  ]\n}\n");
}

/* ---- the run --------------------------------------------------------------------------------- */

static int usage(int code)
{
    (void)fprintf(code == 0 ? stdout : stderr,
                  "usage: limit_sync [--file PATH] [--seconds N] [--json] [--keep]\n"
                  "  --file PATH    where to write 64 MiB; default " DEFAULT_FILE
                  ", removed after\n"
                  "  --seconds N    for all measurements together; default 9\n"
                  "  --json         as JSON\n"
                  "  --keep         leave the file\n");
    return code;
}

/* 0, or the exit code + 1 where the program ends here. */
static int read_options(struct bench *bench, int argc, char **argv)
{
    static const struct option options[] = {
        {"file", required_argument, NULL, 'f'}, {"seconds", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},       {"keep", no_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    int option = 0;
    bench->path = DEFAULT_FILE;
    bench->seconds = 9;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'f': bench->path = optarg; break;
        case 's': bench->seconds = strtod(optarg, NULL); break;
        case 'j': bench->is_json = true; break;
        case 'k': bench->is_kept = true; break;
        case 'h': return usage(0) + 1;
        default: return usage(2) + 1;
        }
    }
    if (!(bench->seconds > 0 && bench->seconds <= SECONDS_MAX) || optind != argc)
        return usage(2) + 1;
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const int ended = read_options(&bench, argc, argv);
    if (ended != 0)
        return ended - 1;
    bench.block = aligned_alloc(BLOCK_BYTES, CHUNK_BYTES);
    const int result = io_uring_queue_init(8, &bench.ring, 0);
    if (bench.block == NULL || result != 0)
        die("io_uring", result != 0 ? -result : ENOMEM);
    fill_with_zeros(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(bench.series); i++) {
        struct series *series = &bench.series[i];
        series->bytes = sizes[i / WAY_COUNT];
        series->way = (enum way)(i % WAY_COUNT);
        series->samples_ns = malloc(SAMPLES_MAX * sizeof *series->samples_ns);
        if (series->samples_ns == NULL)
            die("samples", ENOMEM);
    }
    const u64 end = now_ns() + (u64)(bench.seconds * 1e9);
    do { /* each at least once */
        for (size_t i = 0; i < ARRAY_COUNT(bench.series); i++)
            run_slice(&bench, &bench.series[i]);
    } while (now_ns() < end);
    report(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(bench.series); i++)
        free(bench.series[i].samples_ns);
    io_uring_queue_exit(&bench.ring);
    (void)close(bench.direct_fd);
    (void)close(bench.buffered_fd);
    free(bench.block);
    if (!bench.is_kept)
        (void)unlink(bench.path);
    return 0;
}
