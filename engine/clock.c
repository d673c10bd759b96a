/* clock: see clock.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/clock.h"

#include <time.h>

void log_clock_init(struct log_clock *clock, u64 wall_ns, u64 monotonic_ns, u64 floor_ns)
{
    clock->log_ns = MAX(wall_ns, floor_ns);
    clock->monotonic_ns = monotonic_ns;
}

u64 log_clock_advance(struct log_clock *clock, u64 wall_ns, u64 monotonic_ns)
{
    if (monotonic_ns <= clock->monotonic_ns)
        return clock->log_ns;
    const u64 elapsed = monotonic_ns - clock->monotonic_ns;
    const u64 slew = elapsed / LOG_CLOCK_SLEW;
    const u64 expected = clock->log_ns + elapsed;
    u64 next = expected;
    if (wall_ns > expected)
        next += MIN(wall_ns - expected, slew);
    else
        next -= MIN(expected - wall_ns, slew);
    MUST(next >= clock->log_ns); /* C1: the slew is a part of what has elapsed */
    clock->log_ns = next;
    clock->monotonic_ns = monotonic_ns;
    return next;
}

static u64 read_clock(clockid_t id)
{
    struct timespec now;
    MUST(clock_gettime(id, &now) == 0);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

u64 clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

u64 clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}
