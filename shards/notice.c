/* notice: see shards/notice.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/notice.h"

STATIC_CHECK(IS_POWER_OF_TWO(NOTICE_SLOTS) && NOTICE_SLOTS % NOTICE_WAYS == 0);

/* The places that a token may have. */
static u64 *places_of(struct notice_board *board, u64 token)
{
    const u64 line = (token * 0x9E3779B97F4A7C15ull >> 40) % (NOTICE_SLOTS / NOTICE_WAYS);
    return &board->watched[line * NOTICE_WAYS];
}

/* Its place, or with token 0 a free one; NULL: there is none. */
static u64 *find_place(u64 *places, u64 token)
{
    for (u32 i = 0; i < NOTICE_WAYS; i++)
        if (places[i] == token)
            return &places[i];
    return NULL;
}

bool notice_watch(struct notice_board *board, u64 token)
{
    MUST(token != 0);
    u64 *places = places_of(board, token);
    if (find_place(places, token) != NULL)
        return true;
    u64 *place = find_place(places, 0);
    if (place == NULL)
        return false;
    *place = token;
    board->watched_count++;
    MUST(board->watched_count <= NOTICE_SLOTS);
    return true;
}

void notice_forget(struct notice_board *board, u64 token)
{
    MUST(token != 0);
    u64 *place = find_place(places_of(board, token), token);
    if (place == NULL)
        return; /* raised meanwhile */
    *place = 0;
    MUST(board->watched_count != 0); /* I3 */
    board->watched_count--;
}

void notice_raise_watched(struct notice_board *board, u64 token)
{
    u64 *place = find_place(places_of(board, token), token);
    if (place == NULL)
        return;
    MUST(board->raised_count <
         NOTICE_SLOTS); /* each had a place, and is taken before it is watched again */
    board->raised[(board->raised_head + board->raised_count++) & (NOTICE_SLOTS - 1)] = token;
    *place = 0;
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
