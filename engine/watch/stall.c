/* stall: see stall.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/watch/stall.h"

#include "proto/messages.h"

const char *stall_step_name(enum turn_step step)
{
    switch (step) {
    case TURN_STEP_COLLECT: return "collect";
    case TURN_STEP_ADMIT: return "admit";
    case TURN_STEP_LOG: return "log";
    case TURN_STEP_APPLY: return "apply";
    case TURN_STEP_EFFECTS: return "effects";
    case TURN_STEP_BACKGROUND: return "background";
    case TURN_STEP_WAIT: return "wait";
    case TURN_STEP_COUNT: break;
    }
    return "none";
}

void stall_begin(struct stall *stall, u64 now_ns)
{
    stall->begin_ns = now_ns;
    stall->step_begin_ns = now_ns;
    stall->step = TURN_STEP_COLLECT;
    stall->longest_step = TURN_STEP_COLLECT;
    stall->longest_ns = 0;
    stall->longest_opcode = 0;
    stall->heavy_opcode = 0;
}

static void close_step(struct stall *stall, u64 now_ns, u16 opcode)
{
    const u64 took = now_ns - stall->step_begin_ns;
    if (took > stall->longest_ns) {
        stall->longest_ns = took;
        stall->longest_step = stall->step;
        stall->longest_opcode = opcode;
    }
}

void stall_enter(struct stall *stall, enum turn_step step, u64 now_ns, u16 opcode)
{
    MUST(now_ns >= stall->step_begin_ns);
    close_step(stall, now_ns, opcode);
    stall->step = (u8)step;
    stall->step_begin_ns = now_ns;
}

bool stall_end(struct stall *stall, u64 now_ns, u16 opcode, u16 reactor, struct metrics *metrics,
               const struct log_out *log)
{
    close_step(stall, now_ns, opcode);
    const u64 took = now_ns - stall->begin_ns;
    metric_add(&metrics->turns, 1);
    metric_add(&metrics->busy_ns, took);
    if (took > metric_read(&metrics->turn_ns_max))
        metric_set(&metrics->turn_ns_max, took);
    if (took <= STALL_TURN_NS)
        return false;
    metric_add(&metrics->turns_slow, 1);
    if (stall->reported_ns != 0 && now_ns - stall->reported_ns < STALL_REPORT_NS)
        return true;
    stall->reported_ns = now_ns;
    const u16 code = stall->heavy_opcode != 0 ? stall->heavy_opcode : stall->longest_opcode;
    const struct message_info *info = message_find(code);
    log_line(log, LOG_LEVEL_WARN, "slow_turn",
             "reactor=%u took_us=%llu step=%s step_us=%llu operation=%s count=%llu", reactor,
             (unsigned long long)(took / 1000),
             stall_step_name((enum turn_step)stall->longest_step),
             (unsigned long long)(stall->longest_ns / 1000), info == NULL ? "none" : info->name,
             (unsigned long long)metric_read(&metrics->turns_slow));
    return true;
}
