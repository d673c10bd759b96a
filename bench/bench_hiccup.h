/* bench_hiccup: how late a thread wakes up that wants nothing but to wake up.
 *
 * While a measurement runs, a thread on the server's processor sleeps 5 ms again and again and notes
 * how late it was woken: what the machine, not the server, took away. It asks for a real-time
 * priority, so that the server's own work does not count; where that is not allowed, it does count,
 * and the report says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_BENCH_HICCUP_H
#define SOUK_BENCH_BENCH_HICCUP_H

#include "bench/common/bench_histogram.h"

#include <pthread.h>
#include <stdatomic.h>

struct bench_hiccup {
    pthread_t thread;
    i32 cpu;
    bool is_running;
    bool is_realtime;
    atomic_bool is_stopping;
    struct bench_histogram lateness;
};

/* `hiccup` is large: not on a stack. */
void bench_hiccup_start(struct bench_hiccup *hiccup, i32 cpu);
void bench_hiccup_stop(struct bench_hiccup *hiccup);

#endif
