/* notice: who is waiting for what: reads that wait for a change name it by a number, and the rooms say
 * when it has happened. Soft: not logged, not dumped, empty after a start.
 *
 *      a read has to wait:   notice_watch(token)            the engine parks it
 *      a room changes it:    notice_raise(token)            costs a look at one cache line
 *      after the batch:      notice_next() -> token         the engine asks the parked reads again
 *      nobody waits longer:  notice_forget(token)
 *
 * A token has eight places, the cache line of its hash; when all are taken by others, the read is
 * answered at once instead of waiting. With 1,000 tokens watched that happens to 1 read in 10^5.
 *
 * Invariants
 *   I1  a token that was watched and then raised is given out once; watching again begins anew.
 *   I2  tokens are hashes: two things of one token wake each other's readers, which ask in vain.
 *   I3  watched_count tokens lie in `watched`, each once.
 * Failure    none: at worst a read is answered before anything has happened, and its client asks
 *            again. The caller takes what is raised before it lets anybody watch again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_NOTICE_H
#define SOUK_SHARDS_NOTICE_H

#include "proto/base.h"

#define NOTICE_WAYS  8u
#define NOTICE_SLOTS 8192u

struct notice_board {
    u64 watched[NOTICE_SLOTS]; /* 0 = free */
    u64 raised[NOTICE_SLOTS];  /* a ring */
    u32 raised_head;
    u32 raised_count;
    u32 watched_count;
};

/* False: no room; the read is to be answered at once. token is not 0. */
NODISCARD bool notice_watch(struct notice_board *board, u64 token);
void notice_forget(struct notice_board *board, u64 token);
void notice_raise_watched(struct notice_board *board, u64 token);
/* 0 = none. */
u64 notice_next(struct notice_board *board);

static inline void notice_raise(struct notice_board *board, u64 token)
{
    if (UNLIKELY(board->watched_count != 0))
        notice_raise_watched(board, token);
}

/* Tokens. */
static inline u64 notice_token_order(u64 order_low, u64 order_high)
{
    return ((order_low * 0x9E3779B97F4A7C15ull ^ order_high) * 0xD6E8FEB86659FD93ull) | 1;
}
static inline u64 notice_token_cart(u64 user_id)
{
    return (user_id * 0xC2B2AE3D27D4EB4Full + 2) | 1;
}
static inline u64 notice_token_setting(u64 home_id, u64 key)
{
    return ((home_id * 0x165667B19E3779F9ull ^ key) * 0xD6E8FEB86659FD93ull + 4) | 1;
}
#define NOTICE_TOKEN_COMMANDS 3ull /* some command became ready */

#endif
