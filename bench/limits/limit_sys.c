/* limit_sys: what the kernel and the other core cost, the floor under every turn of the loop.
 *
 *      getppid      the cheapest system call
 *      ring NOP     io_uring_enter with one NOP, submitted and reaped
 *      page fault   first touch of a 4 KiB page
 *      hop          one word from one core to another and back, spinning: half of the round trip
 *      wake-up      one byte through a pipe to a sleeping thread on another core and back: half of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_clock.h"
#include "bench/common/bench_options.h"
#include "bench/common/bench_ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS 500000u
#define PAGES 50000u
#define HOPS  200000u
#define WAKES 20000u
#define PAGE  4096u

struct line {
    _Alignas(64) _Atomic u64 value;
};

struct peers {
    struct line there;
    struct line back;
    int to[2];
    int from[2];
    i32 cpu;
};

static double per(u64 begin_ns, u64 count)
{
    return (double)(bench_now_ns() - begin_ns) / (double)count;
}

static double measure_call(void)
{
    const u64 begin_ns = bench_now_ns();
    for (u32 i = 0; i < CALLS; i++)
        (void)syscall(SYS_getppid);
    return per(begin_ns, CALLS);
}

static double measure_nop(void)
{
    struct bench_ring ring;
    struct bench_ring_event events[4];
    if (bench_ring_open(&ring, 16, 2, PAGE) != 0)
        return 0;
    const u64 begin_ns = bench_now_ns();
    for (u32 i = 0; i < CALLS; i++) {
        io_uring_prep_nop(bench_ring_sqe(&ring));
        if (bench_ring_turn(&ring, UINT64_MAX, events, 4) != 1)
            return 0;
    }
    const double took_ns = per(begin_ns, CALLS);
    bench_ring_close(&ring);
    return took_ns;
}

static double measure_fault(void)
{
    const size_t bytes = (size_t)PAGES * PAGE;
    u8 *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return 0;
    (void)madvise(at, bytes, MADV_NOHUGEPAGE);
    const u64 begin_ns = bench_now_ns();
    for (u32 i = 0; i < PAGES; i++)
        ((volatile u8 *)at)[(size_t)i * PAGE] = 1;
    const double took_ns = per(begin_ns, PAGES);
    (void)munmap(at, bytes);
    return took_ns;
}

/* The other side of both ping-pongs: first by memory, then by pipes. */
static void *answer(void *argument)
{
    struct peers *peers = argument;
    if (bench_pin(peers->cpu) != 0)
        return NULL;
    for (u64 i = 1; i <= HOPS; i++) {
        while (atomic_load_explicit(&peers->there.value, memory_order_acquire) != i)
            __builtin_ia32_pause();
        atomic_store_explicit(&peers->back.value, i, memory_order_release);
    }
    u8 byte;
    for (u32 i = 0; i < WAKES; i++)
        if (read(peers->to[0], &byte, 1) != 1 || write(peers->from[1], &byte, 1) != 1)
            break;
    return NULL;
}

static bool measure_peers(i32 cpu, double *hop_ns, double *wake_ns)
{
    struct peers peers = {.cpu = cpu};
    pthread_t thread;
    if (pipe(peers.to) != 0 || pipe(peers.from) != 0 ||
        pthread_create(&thread, NULL, answer, &peers) != 0)
        return false;
    u64 begin_ns = bench_now_ns();
    for (u64 i = 1; i <= HOPS; i++) {
        atomic_store_explicit(&peers.there.value, i, memory_order_release);
        while (atomic_load_explicit(&peers.back.value, memory_order_acquire) != i)
            __builtin_ia32_pause();
    }
    *hop_ns = per(begin_ns, 2 * HOPS);
    begin_ns = bench_now_ns();
    u8 byte = 'w';
    for (u32 i = 0; i < WAKES; i++)
        if (write(peers.to[1], &byte, 1) != 1 || read(peers.from[0], &byte, 1) != 1)
            return false;
    *wake_ns = per(begin_ns, 2 * WAKES);
    (void)pthread_join(thread, NULL);
    return true;
}

int main(int argc, char **argv)
{
    i32 cpu = 0, other = 1;
    bool is_json = false;
    const struct bench_option table[] = {
        {"cpu", BENCH_OPTION_I32, &cpu, "where it runs (0)"},
        {"other-cpu", BENCH_OPTION_I32, &other, "the other core (1)"},
        {"json", BENCH_OPTION_FLAG, &is_json, "the result as JSON"},
        {NULL, BENCH_OPTION_FLAG, NULL, NULL}};
    bench_options_parse(table, "limit_sys: system calls, faults, hops, wake-ups.", argc, argv);
    double hop_ns = 0, wake_ns = 0;
    if (bench_pin(cpu) != 0) {
        (void)fprintf(stderr, "limit_sys: cannot run on processor %d\n", cpu);
        return 1;
    }
    const double call_ns = measure_call(), nop_ns = measure_nop(), fault_ns = measure_fault();
    /* Spinning for each other on one processor would take for ever. */
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1 && cpu != other &&
        !measure_peers(other, &hop_ns, &wake_ns))
        return 1;
    (void)printf(is_json ? "{\"getppid_ns\":%.1f,\"ring_nop_ns\":%.1f,\"page_fault_ns\":%.1f,"
                           "\"hop_ns\":%.1f,\"wake_ns\":%.1f}\n"
                         : "getppid %.1f ns, ring NOP %.1f ns, page fault %.1f ns, hop %.1f ns, "
                           "pipe wake-up %.1f ns\n",
                 call_ns, nop_ns, fault_ns, hop_ns, wake_ns);
    return 0;
}
