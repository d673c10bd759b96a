/* bench_clock: time, processor affinity and numbers from /proc for whoever measures.
 *
 * All times are of CLOCK_MONOTONIC in ns. Nothing here allocates or keeps state; every function
 * that reads /proc answers 0 when the file is not there, and says so in its comment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_COMMON_BENCH_CLOCK_H
#define SOUK_BENCH_COMMON_BENCH_CLOCK_H

#include "proto/base.h"

#include <sys/types.h>

u64 bench_now_ns(void);
/* Processor time of the calling thread. */
u64 bench_thread_cpu_ns(void);
/* Pins the calling thread to `cpu`; negative: leaves it alone. 0 or -errno. */
NODISCARD int bench_pin(i32 cpu);

/* What a process has used so far. cpu_ns is the sum over its threads, the kernel's io workers of
 * its rings among them, from schedstat (ns); where that is missing, from stat (10 ms). */
struct bench_process_use {
    u64 cpu_ns;
    u64 minor_faults;
    u64 major_faults;
    u64 context_switches;
    u64 rss_bytes;
};
struct bench_process_use bench_process_use(pid_t pid);
/* The same of a process and its children together (not of theirs; those that have ended do not
 * count). rss_bytes then counts memory that they share once for each. */
struct bench_process_use bench_family_use(pid_t pid);

/* Jiffies of the whole machine, from /proc/stat. */
struct bench_machine_use {
    u64 total;
    u64 steal;
    u64 busy[2]; /* of cpu 0 and 1: everything but idle and iowait */
};
struct bench_machine_use bench_machine_use(void);
/* Percent of the machine's time between two readings that the hypervisor gave to somebody else. */
double bench_steal_percent(const struct bench_machine_use *before,
                           const struct bench_machine_use *after);

#endif
