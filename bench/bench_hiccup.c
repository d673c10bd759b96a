/* bench_hiccup: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_hiccup.h"

#include "bench/common/bench_clock.h"

#include <sched.h>
#include <time.h>

#define SLEEP_NS (5 * NS_PER_MS)

static void *measure(void *argument)
{
    struct bench_hiccup *hiccup = argument;
    const struct sched_param param = {.sched_priority = 1};
    hiccup->is_realtime =
        bench_pin(hiccup->cpu) == 0 && sched_setscheduler(0, SCHED_FIFO, &param) == 0;
    while (!atomic_load(&hiccup->is_stopping)) {
        const u64 due_ns = bench_now_ns() + SLEEP_NS;
        const struct timespec due = {.tv_sec = (time_t)(due_ns / NS_PER_S),
                                     .tv_nsec = (long)(due_ns % NS_PER_S)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        const u64 now_ns = bench_now_ns();
        bench_histogram_add(&hiccup->lateness, now_ns > due_ns ? now_ns - due_ns : 0);
    }
    return NULL;
}

void bench_hiccup_start(struct bench_hiccup *hiccup, i32 cpu)
{
    bench_histogram_clear(&hiccup->lateness);
    hiccup->cpu = cpu;
    atomic_store(&hiccup->is_stopping, false);
    hiccup->is_running = pthread_create(&hiccup->thread, NULL, measure, hiccup) == 0;
}

void bench_hiccup_stop(struct bench_hiccup *hiccup)
{
    atomic_store(&hiccup->is_stopping, true);
    if (hiccup->is_running)
        (void)pthread_join(hiccup->thread, NULL);
    hiccup->is_running = false;
}
