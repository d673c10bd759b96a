/* core_time: deadlines and retries. See core.h.
 *
 * Frames are few (a window per shard) and deadlines far, so they are not sorted: the whole table is
 * looked at when the earliest known time comes, which a steady load makes happen once per deadline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/lib/core.h"

#define RETRY_FIRST_NS (1 * NS_PER_MS)
#define RETRY_MAX_NS   (1000 * NS_PER_MS)

u64 core_next_ns(const struct core *core)
{
    u64 next = core->next_due_ns;
    for (u16 i = 0; i < core->connection_count; i++) {
        const struct core_connection *connection = &core->connections[i];
        const bool is_needed = connection->work != 0 || core->server.shard_count == 0;
        if (connection->state == CORE_CONNECTION_DOWN && is_needed && !core->is_stale)
            next = MIN(next, connection->connect_at_ns);
    }
    return next;
}

void core_retry_later(struct core *core, struct core_frame *frame, u32 retry_after_ms, u64 now_ns)
{
    const u64 backoff = MIN(RETRY_FIRST_NS << MIN(frame->retries, 12u), RETRY_MAX_NS);
    const u64 delay = MAX(retry_after_ms * NS_PER_MS, backoff);
    frame->retries++;
    frame->retry_at_ns = now_ns + delay + core_random_below(core, delay / 4 + 1);
    frame->state = CORE_FRAME_WAITING;
    core_list_push(&core->waiting, frame);
    core->next_due_ns = MIN(core->next_due_ns, frame->retry_at_ns);
}

/* A frame that was sent has no answer in time. If the whole connection was silent for as long, the
 * peer may be gone without a word, and waiting for TCP to notice takes a quarter of an hour. */
static void suspect(struct core *core, const struct core_frame *frame, u64 now_ns)
{
    struct core_connection *connection = &core->connections[frame->connection];
    if (now_ns - connection->heard_ns >= frame->timeout_ms * NS_PER_MS)
        connection->is_mute = true;
}

/* The deadline of a frame has passed. Returns true if the frame is gone. */
static bool expire(struct core *core, struct core_frame *frame, u64 now_ns)
{
    if (frame->kind == CORE_FRAME_HELLO) {
        suspect(core, frame, now_ns);
        frame->deadline_ns = CORE_NEVER;
        return false;
    }
    struct core_lane *lane = &core->lanes[frame->shard];
    const struct core_connection *connection = &core->connections[lane->connection];
    const bool is_up = connection->state == CORE_CONNECTION_READY;
    bool may_be_done = frame->is_uncertain;
    bool is_gone = true;
    switch ((enum core_frame_state)frame->state) {
    case CORE_FRAME_FREE: return true;
    case CORE_FRAME_READY:
        core_list_remove(&lane->ready, frame);
        if (lane->open[frame->info->index] == frame)
            lane->open[frame->info->index] = NULL;
        break;
    case CORE_FRAME_AGAIN: core_list_remove(&lane->again, frame); break;
    case CORE_FRAME_WAITING: core_list_remove(&core->waiting, frame); break;
    case CORE_FRAME_OUT:
        /* Untouched bytes can be taken back; begun or lent ones cannot. */
        if (!connection->is_sending &&
            (connection->out.head != frame || connection->out_offset == 0)) {
            core_frame_unwire(core, frame);
            break;
        }
        may_be_done = true;
        is_gone = false;
        break;
    case CORE_FRAME_FLIGHT:
        may_be_done = true;
        is_gone = false;
        break;
    }
    int error = is_up ? SOUK_ERROR_TIMEOUT : SOUK_ERROR_NO_SERVER;
    if (may_be_done && core_is_write(frame))
        error = SOUK_ERROR_UNKNOWN_OUTCOME;
    core_deliver_error(core, frame, error);
    if (is_gone) {
        core_frame_end(core, frame);
        return true;
    }
    suspect(core, frame, now_ns);
    frame->is_abandoned = true;
    frame->deadline_ns = CORE_NEVER;
    return false;
}

void core_tick(struct core *core, u64 now_ns)
{
    if (now_ns < core->next_due_ns)
        return;
    u64 next = CORE_NEVER;
    for (u32 i = 0; i < core->frame_count; i++) {
        struct core_frame *frame = core->frames[i];
        if (frame->state == CORE_FRAME_FREE)
            continue;
        if (now_ns >= frame->deadline_ns && expire(core, frame, now_ns))
            continue;
        if (frame->state == CORE_FRAME_WAITING && now_ns >= frame->retry_at_ns) {
            core_list_remove(&core->waiting, frame);
            frame->state = CORE_FRAME_AGAIN;
            frame->retry_at_ns = CORE_NEVER;
            core_list_push(&core->lanes[frame->shard].again, frame);
        }
        next = MIN(next, frame->deadline_ns);
        if (frame->state == CORE_FRAME_WAITING)
            next = MIN(next, frame->retry_at_ns);
    }
    core->next_due_ns = next;
}
