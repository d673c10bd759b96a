/* core_session: the numbers of a lane's session and its window. See core.h, C2 and C3.
 *
 * The window is a ring of SESSION_WINDOW_FRAMES slots, indexed by the low bits of the number. A slot
 * stays in use until acked_seq has passed it: the server keeps the reply for that long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/lib/core.h"

static struct core_slot *slot_of(struct core_lane *lane, u64 seq)
{
    return &lane->slots[seq & (SESSION_WINDOW_FRAMES - 1)];
}

bool core_session_has_room(const struct core *core, const struct core_lane *lane, u32 reply_bytes)
{
    const u64 used = lane->next_seq - 1 - lane->acked_seq;
    u64 window = MIN(core->server.window_frames, SESSION_WINDOW_FRAMES);
    if (core->options.flight_frames_max != 0)
        window = MIN(window, core->options.flight_frames_max);
    if (used >= MAX(window, 1u))
        return false;
    return used == 0 || lane->kept_bytes + reply_bytes <= core->server.session_reply_bytes_max;
}

bool core_session_number(struct core *core, struct core_lane *lane, struct core_frame *frame)
{
    (void)core;
    if (lane->slots == NULL) {
        lane->slots = calloc(SESSION_WINDOW_FRAMES, sizeof *lane->slots);
        if (lane->slots == NULL)
            return false;
    }
    MUST(lane->session_state == CORE_SESSION_OPEN);
    MUST(lane->next_seq - lane->acked_seq <= SESSION_WINDOW_FRAMES);
    frame->session = lane->session;
    frame->session_seq = lane->next_seq++;
    frame->acked_seq = lane->acked_seq;
    *slot_of(lane, frame->session_seq) = (struct core_slot){.reply_bytes = frame->reply_bytes};
    lane->kept_bytes += frame->reply_bytes;
    return true;
}

void core_session_done(struct core *core, const struct core_frame *frame)
{
    if (!core_is_write(frame) || frame->is_numbered || frame->session_seq == 0)
        return;
    struct core_lane *lane = &core->lanes[frame->shard];
    if (!id128_equal(frame->session, lane->session))
        return; /* of a session that has been given up */
    MUST(frame->session_seq > lane->acked_seq);
    MUST(frame->session_seq < lane->next_seq);
    MUST(!slot_of(lane, frame->session_seq)->is_done);
    slot_of(lane, frame->session_seq)->is_done = true;
    while (lane->acked_seq + 1 < lane->next_seq && slot_of(lane, lane->acked_seq + 1)->is_done) {
        lane->acked_seq++;
        MUST(lane->kept_bytes >= slot_of(lane, lane->acked_seq)->reply_bytes);
        lane->kept_bytes -= slot_of(lane, lane->acked_seq)->reply_bytes;
    }
}

/* The first session of every lane has one id; a lane that lost its session gets another, which no
 * lane has had. */
void core_session_renew(struct core *core, struct core_lane *lane)
{
    const u64 seed[3] = {core->random_base.low, core->random_base.high, core->session_count};
    if (core->session_count != 0) {
        lane->session.low = checksum64(seed, sizeof seed);
        lane->session.high = checksum64(seed, sizeof seed - 1) ^ core->random_base.high;
    } else {
        lane->session = core->random_base;
    }
    lane->session_state = CORE_SESSION_NONE;
    lane->next_seq = 1;
    lane->acked_seq = 0;
    lane->kept_bytes = 0;
    MUST(!id128_is_none(lane->session));
}
