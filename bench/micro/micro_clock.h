/* micro_clock: nanoseconds, of the wall and of this thread's time on a processor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_MICRO_MICRO_CLOCK_H
#define SOUK_BENCH_MICRO_MICRO_CLOCK_H

#include <time.h>

#include "proto/base.h"

static inline u64 micro_clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}
static inline u64 micro_wall_ns(void)
{
    return micro_clock_ns(CLOCK_MONOTONIC);
}
/* Whoever else uses the machine does not count. */
static inline u64 micro_cpu_ns(void)
{
    return micro_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
