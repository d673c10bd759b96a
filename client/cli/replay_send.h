/* replay_send: the items of a frame as records of the library, and its replies as answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_SEND_H
#define SOUK_CLIENT_REPLAY_SEND_H

#include "client/cli/replay_run.h"

u16 send_op_of(enum shop_step step); /* enum souk_op */
/* Most items in one frame of this step: the batch of the run, and what a frame takes. */
u32 send_records_max(const struct run *run, enum shop_step step);
/* Bytes that `count` records of any step need. */
size_t send_records_bytes(u32 count);
void send_fill(const struct replay_plan *plan, enum shop_step step, const struct shop_item *items,
               u32 count, void *records);
/* The index-th reply; returns its flags. */
u16 send_answer_of(enum shop_step step, const void *replies, u32 index, struct shop_answer *answer);

/* Brings the answers to the lane's frame into the shop (replay_run.c; also for the journal). */
void run_apply(struct lane *lane, const struct shop_answer *answers);

#endif
