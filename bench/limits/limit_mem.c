/* limit_mem: what a random read of a 64-byte line costs, the floor under every lookup.
 *
 * 1 GiB (--size) of lines, each holding the number of the next one, all of them in one cycle (Sattolo's
 * shuffle), so that neither prefetcher nor cache helps:
 *
 *      dependent      one chain: each address is known only when the line before has arrived
 *      16 chains      sixteen of them side by side, as a batch of prefetched lookups
 *      sequential     all lines in order, in GB/s
 *
 * each with 4 KiB pages and with huge pages asked for (madvise), if the machine gives them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_clock.h"
#include "bench/common/bench_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHAINS 16u
#define HUGE   (2ull << 20)

struct line {
    u64 next;
    u64 rest[7];
};
STATIC_CHECK(sizeof(struct line) == 64);

struct figures {
    double dependent_ns;
    double interleaved_ns; /* per read */
    double sequential_gb_per_s;
};

static u64 random_below(u64 *state, u64 n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (*state >> 32) * n >> 32;
}

/* One cycle through all lines. */
static void make_cycle(struct line *lines, u64 count)
{
    u64 random = 88172645463325252ull;
    for (u64 i = 0; i < count; i++)
        lines[i].next = i;
    for (u64 i = count - 1; i > 0; i--) {
        const u64 j = random_below(&random, i);
        const u64 kept = lines[i].next;
        lines[i].next = lines[j].next;
        lines[j].next = kept;
    }
}

static double read_dependent(const struct line *lines, u64 reads, u64 *sum)
{
    u64 at = 0;
    const u64 begin_ns = bench_now_ns();
    for (u64 i = 0; i < reads; i++)
        at = lines[at].next;
    const u64 took_ns = bench_now_ns() - begin_ns;
    *sum += at;
    return (double)took_ns / (double)reads;
}

static double read_interleaved(const struct line *lines, u64 count, u64 reads, u64 *sum)
{
    u64 at[CHAINS];
    for (u64 c = 0; c < CHAINS; c++)
        at[c] = count / CHAINS * c;
    const u64 begin_ns = bench_now_ns();
    for (u64 i = 0; i < reads / CHAINS; i++)
        for (u32 c = 0; c < CHAINS; c++)
            at[c] = lines[at[c]].next;
    const u64 took_ns = bench_now_ns() - begin_ns;
    for (u32 c = 0; c < CHAINS; c++)
        *sum += at[c];
    return (double)took_ns / (double)(reads / CHAINS * CHAINS);
}

static double read_sequential(const struct line *lines, u64 count, u64 *sum)
{
    u64 total = 0;
    const u64 begin_ns = bench_now_ns();
    for (u64 i = 0; i < count; i++)
        total += lines[i].next;
    const u64 took_ns = bench_now_ns() - begin_ns;
    *sum += total;
    return (double)(count * sizeof(struct line)) / (double)took_ns;
}

static int measure(u64 bytes, u64 reads, bool is_huge, struct figures *figures)
{
    void *map =
        mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return -errno;
    struct line *lines = (struct line *)(void *)ROUND_UP((uintptr_t)map, HUGE);
    (void)madvise(lines, bytes, is_huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    const u64 count = bytes / sizeof *lines;
    u64 sum = 0;
    memset(lines, 0, bytes);
    make_cycle(lines, count);
    figures->dependent_ns = read_dependent(lines, reads, &sum);
    figures->interleaved_ns = read_interleaved(lines, count, reads * 4, &sum);
    figures->sequential_gb_per_s = read_sequential(lines, count, &sum);
    /* The sum is used, or the compiler would leave out the reads. */
    (void)fprintf(stderr, sum == 0 ? " " : "");
    (void)munmap(map, bytes + HUGE);
    return 0;
}

int main(int argc, char **argv)
{
    u64 bytes = 1ull << 30, reads = 2000000;
    i32 cpu = 0;
    bool is_json = false;
    const struct bench_option table[] = {
        {"size", BENCH_OPTION_SIZE, &bytes, "of the memory read (1g)"},
        {"reads", BENCH_OPTION_U64, &reads, "of one chain (2000000)"},
        {"cpu", BENCH_OPTION_I32, &cpu, "pin to this processor (0); -1 = do not"},
        {"json", BENCH_OPTION_FLAG, &is_json, "the result as JSON"},
        {NULL, BENCH_OPTION_FLAG, NULL, NULL}};
    bench_options_parse(table, "limit_mem: random reads of 64-byte lines.", argc, argv);
    struct figures figures[2];
    if (bytes < HUGE || reads < CHAINS || bench_pin(cpu) != 0)
        return 2;
    for (u32 i = 0; i < 2; i++) {
        const int error = measure(bytes & ~(HUGE - 1), reads, i == 1, &figures[i]);
        if (error != 0) {
            (void)fprintf(stderr, "limit_mem: %s\n", strerror(-error));
            return 1;
        }
    }
    const char *const names[] = {"small", "huge"};
    for (u32 i = 0; i < 2; i++)
        (void)printf(is_json ? "%s\"%s\":{\"dependent_ns\":%.2f,\"interleaved16_ns\":%.2f,"
                               "\"sequential_gb_per_s\":%.2f}%s"
                             : "%s%s pages: dependent %.1f ns, 16 chains %.1f ns per read, "
                               "sequential %.1f GB/s%s",
                     is_json && i == 0 ? "{" : "", names[i], figures[i].dependent_ns,
                     figures[i].interleaved_ns, figures[i].sequential_gb_per_s,
                     !is_json ? "\n"
                     : i == 0 ? ","
                              : "}\n");
    return 0;
}
