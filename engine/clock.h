/* clock: what time it is, for the machine and for the log.
 *
 *      monotonic   never jumps; measures durations, deadlines of frames, timeouts
 *      wall        ns since 1970 as the machine believes; may jump either way
 *      log clock   what batches are stamped with: advances with the monotonic clock and is slewed
 *                  towards wall time by at most 1 part in LOG_CLOCK_SLEW
 *
 * So a jump of the wall clock neither freezes leases nor expires them: the log clock closes a gap of
 * one second in about three minutes and twenty seconds.
 *
 * Invariants
 *   C1  the log clock never goes back; it starts at the last stamp of the log or later.
 *   C2  while d ns pass on the monotonic clock, it advances by d - d/200 to d + d/200.
 * Ownership  one log clock per reactor. The functions on it are pure: the caller brings both times,
 *            so a test brings its own.
 * Not here   timers: who waits for what is the reactor's business.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_CLOCK_H
#define SOUK_ENGINE_CLOCK_H

#include "proto/base.h"

#define LOG_CLOCK_SLEW 200u

struct log_clock {
    u64 log_ns;
    u64 monotonic_ns; /* when log_ns was true */
};

/* Starts at wall time, or at `floor_ns` (the last stamp in the log) if that is later. */
void log_clock_init(struct log_clock *clock, u64 wall_ns, u64 monotonic_ns, u64 floor_ns);
/* Moves on to now and returns the log time. A monotonic time that does not grow changes nothing. */
u64 log_clock_advance(struct log_clock *clock, u64 wall_ns, u64 monotonic_ns);

u64 clock_monotonic_ns(void);
u64 clock_wall_ns(void);

#endif
