/* ring_setup: what happens once, before a ring can turn: flags, probing, memory.
 *
 * Apart from ring_uring.c so that the file which runs all day stays readable. Called by the thread
 * that opens the ring. Failures are -errno, explained by ring_open_advice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_RING_RING_SETUP_H
#define SOUK_ENGINE_RING_RING_SETUP_H

#include <stddef.h>

#include "proto/base.h"

struct io_uring;

/* Sets the ring up with the best flags that the kernel takes. On failure ring_fd is -1. `tells_work`:
 * the kernel sets IORING_SQ_TASKRUN where completions wait for a system call, for who looks and does
 * not sleep. */
NODISCARD int ring_setup(struct io_uring *uring, u32 entries, u32 cq_entries, bool tells_work);
/* 0 if every operation that ring.h offers is there, else -EOPNOTSUPP. */
NODISCARD int ring_probe(struct io_uring *uring);
/* Zeroed memory that has been touched, in huge pages where it is large; NULL if there is none. */
void *ring_map(size_t bytes);
void ring_unmap(void *memory, size_t bytes);

#endif
