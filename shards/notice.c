/* notice: see shards/notice.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/notice.h"

static u32 slot_of(u64 token)
{
    return (u32)(token >> 33) & (NOTICE_SLOTS - 1);
}

bool notice_watch(struct notice_board *board, u64 token)
{
    MUST(token != 0);
    u64 *slot = &board->watched[slot_of(token)];
    if (*slot == token)
        return true;
    if (*slot != 0)
        return false;
    *slot = token;
    board->watched_count++;
    return true;
}

void notice_raise_watched(struct notice_board *board, u64 token)
{
    u64 *slot = &board->watched[slot_of(token)];
    if (*slot != token)
        return;
    MUST(board->raised_count < NOTICE_SLOTS); /* each was watched, in a slot of its own */
    board->raised[(board->raised_head + board->raised_count++) & (NOTICE_SLOTS - 1)] = token;
    *slot = 0;
    board->watched_count--;
}

u64 notice_next(struct notice_board *board)
{
    if (board->raised_count == 0)
        return 0;
    const u64 token = board->raised[board->raised_head];
    board->raised_head = (board->raised_head + 1) & (NOTICE_SLOTS - 1);
    board->raised_count--;
    return token;
}
