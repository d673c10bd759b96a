/* stall: which step of a turn took how long, and a report when a turn took too long.
 *
 * A reactor that is busy for 10 ms keeps everybody on its core waiting. Reading the clock at the
 * border of each step costs some twenty nanoseconds, and says afterwards what the core was doing.
 * Operations known to be heavy (verify, stats) leave their name, so the report can give it.
 *
 * Ownership  one reactor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_WATCH_STALL_H
#define SOUK_ENGINE_WATCH_STALL_H

#include "engine/watch/log_line.h"
#include "engine/watch/metrics.h"
#include "proto/base.h"

#define STALL_TURN_NS   (10 * NS_PER_MS)
#define STALL_REPORT_NS NS_PER_S /* at most one line in this time; the counter counts all */

enum turn_step {
    TURN_STEP_COLLECT,
    TURN_STEP_ADMIT,
    TURN_STEP_LOG,
    TURN_STEP_APPLY,
    TURN_STEP_EFFECTS,
    TURN_STEP_BACKGROUND,
    TURN_STEP_WAIT,
    TURN_STEP_COUNT
};

struct stall {
    u64 begin_ns;      /* of the turn */
    u64 step_begin_ns; /* of the current step */
    u8 step;           /* enum turn_step */
    u8 longest_step;
    u16 longest_opcode; /* last opcode seen in the longest step */
    u16 heavy_opcode;   /* a heavy operation of this turn, 0 = none */
    u64 longest_ns;
    u64 reported_ns;
};

const char *stall_step_name(enum turn_step step);
/* The turn or its next step begins at now. `opcode` is what was being worked on until now. */
void stall_begin(struct stall *stall, u64 now_ns);
void stall_enter(struct stall *stall, enum turn_step step, u64 now_ns, u16 opcode);
/* Before waiting: counts, and reports a turn that was too long. True when it was. */
bool stall_end(struct stall *stall, u64 now_ns, u16 opcode, u16 reactor, struct metrics *metrics,
               const struct log_out *log);

#endif
