/* flush: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK_BYTES 4096u
#define FILE_BLOCKS 16384u /* 64 MiB, as a log segment */

/* The address of a server that is not there is a name in the directory that it would have. */
static int open_file(const char *address, u8 *block)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s.flush", address);
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    for (u32 i = 0; i < FILE_BLOCKS; i++)
        if (pwrite(fd, block, BLOCK_BYTES, (off_t)i * BLOCK_BYTES) != (ssize_t)BLOCK_BYTES) {
            (void)close(fd);
            return -EIO;
        }
    return fdatasync(fd) == 0 ? fd : -errno;
}

static int write_until(int fd, u8 *block, u64 until_ns, u64 *at, struct load_result *result)
{
    for (u64 now_ns = bench_now_ns(); now_ns < until_ns;) { /* ends: time goes on */
        const struct iovec vector = {block, BLOCK_BYTES};
        const off_t offset = (off_t)(*at % FILE_BLOCKS) * BLOCK_BYTES;
        memcpy(block, at, sizeof *at);
        if (pwritev2(fd, &vector, 1, offset, RWF_DSYNC) != (ssize_t)BLOCK_BYTES)
            return -EIO;
        const u64 end_ns = bench_now_ns();
        bench_histogram_add(&result->latency, end_ns - now_ns);
        result->ops++;
        result->frames++;
        result->granted++;
        result->statuses[STATUS_OK]++;
        (*at)++;
        now_ns = end_ns;
    }
    return 0;
}

int flush_run(const struct load_options *options, struct load_result *result)
{
    u8 *block = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);
    u64 at = 0;
    if (block == NULL)
        return -ENOMEM;
    memset(block, 0, BLOCK_BYTES);
    const int fd = open_file(options->address, block);
    int error = fd < 0 ? fd : bench_pin(options->cpu);
    if (error == 0)
        error = write_until(fd, block, bench_now_ns() + options->warmup_ns, &at, result);
    const struct load_use from = load_use_read(options);
    load_use_clear(result);
    if (error == 0)
        error = write_until(fd, block, from.wall_ns + options->seconds_ns, &at, result);
    const struct load_use to = load_use_read(options);
    load_use_store(result, &from, &to);
    if (error != 0)
        (void)snprintf(result->reason, LOAD_REASON_BYTES, "flush: %s", strerror(-error));
    if (fd >= 0)
        (void)close(fd);
    free(block);
    return error;
}
