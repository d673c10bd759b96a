/* ring_sim: ring.h in memory, under a test's control.
 *
 * Linked (or included) instead of engine/ring/ring_uring.c. One thread: the test drives the code
 * under test turn by turn and decides what completes, when, and how.
 *
 *   sockets   are numbers from SIM_FD_FIRST up, so they never meet a real descriptor. The test
 *             connects, injects what a client would send, and reads what was sent.
 *   files     are real descriptors (of temporary files), because recovery reads them with plain
 *             calls. A write reaches its file when it is executed, which is in the turn after it was
 *             prepared unless writes are held.
 *   a crash   forgets every operation that has not been executed; a held durable write may leave
 *             a prefix of itself behind, in sectors of 512 bytes.
 *
 * What it does not do: time (a turn never waits), reordering of completions, bytes lost in a plain
 * write without a sync.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_SIM_RING_SIM_H
#define SOUK_TESTS_SIM_RING_SIM_H

#include "engine/ring/ring.h"

#define SIM_FD_FIRST (1 << 20)

/* The i-th ring that is open, in the order of opening; NULL if there are fewer. */
struct ring *sim_ring(u32 index);

/* ---- sockets --------------------------------------------------------------------------------- */

/* A client connects to the listener (-1: any that accepts). The connection's number, which is the
 * descriptor that the accept will report; -1 if nothing accepts. */
int sim_connect(struct ring *ring, int listener_fd);
void sim_inject(struct ring *ring, int fd, const void *data, u32 bytes);
/* The client closes its side. */
void sim_hang_up(struct ring *ring, int fd);
/* What has been sent so far and not been taken; taking forgets the first `bytes`. */
u32 sim_sent(const struct ring *ring, int fd, const u8 **data);
void sim_take_sent(struct ring *ring, int fd, u32 bytes);
bool sim_is_closed(const struct ring *ring, int fd);
/* Sends stay unfinished while held: a client that does not read. */
void sim_hold_sends(struct ring *ring, bool is_held);

/* ---- files ----------------------------------------------------------------------------------- */

/* While held, durable writes are neither executed nor completed. */
void sim_hold_writes(struct ring *ring, bool is_held);
u32 sim_writes_held(const struct ring *ring);
/* Executes and completes the oldest held write alone. */
void sim_release_write(struct ring *ring);

enum sim_operation {
    SIM_OPERATION_WRITE_DURABLE,
    SIM_OPERATION_WRITE,
    SIM_OPERATION_SYNC,
    SIM_OPERATION_OPEN,
    SIM_OPERATION_RENAME,
    SIM_OPERATION_UNLINK,
    SIM_OPERATION_COUNT
};
/* The nth such operation from now on (1: the next) is not executed and completes with `result`: an
 * error, or a count for a short write (then so many bytes are written). With is_lasting all after it
 * too. One fault at a time and operation; nth 0 heals. */
void sim_fail(struct ring *ring, enum sim_operation operation, u32 nth, i32 result,
              bool is_lasting);
/* How many have been prepared since the ring was opened. */
u64 sim_count(const struct ring *ring, enum sim_operation operation);

/* The machine stops. Of the oldest unexecuted durable write the sectors of `sector_mask` (bit i: the
 * i-th 512 bytes; beyond 64 sectors: kept if keep_rest) reach the file; all ops become FREE without
 * done() being called. */
void sim_crash(struct ring *ring, u64 sector_mask, bool keep_rest);

#endif
