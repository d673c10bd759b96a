/* feeder: shards of this process that are fed with commands in large batches, with mail between them:
 * for tests and measurements that need a full shop and no accidents.
 *
 *      struct feeder *feeder = feeder_open(shards, is_kept);
 *      feeder_put(feeder, OPCODE_PRODUCT_PUT, &put, spans);      any number of times
 *      feeder_flush(feeder);                                     applied, and all mail is too
 *      feeder_call(feeder, OPCODE_SKU_PUT, &put, spans, &reply); one command, at once
 *
 * With `is_kept` the batches are remembered, and feeder_restart replays them into new shards.
 *
 * Ownership  one thread. feeder_shards is what gather_loop wants.
 * Failure    a status that is not OK is counted (feeder_refused) unless feeder_call asked; what cannot be
 *            is a panic.
 * Not here   lost, late and doubled messages: tests/town.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_SUPPORT_FEEDER_H
#define SOUK_TESTS_SUPPORT_FEEDER_H

#include "proto/frame.h"
#include "proto/messages.h"

struct shard;
struct feeder;

struct feeder *feeder_open(u16 shards, bool is_kept);
void feeder_close(struct feeder *feeder);
struct shard *const *feeder_shards(const struct feeder *feeder);
u16 feeder_count(const struct feeder *feeder);
u64 feeder_now_ns(const struct feeder *feeder);
/* Log time goes on; nothing is applied. */
void feeder_pass(struct feeder *feeder, u64 ns);

/* One record of class WRITE, for the shard that it routes to; of route SHARD for `shard`. */
void feeder_put(struct feeder *feeder, u16 opcode, const void *fixed, const struct span *spans);
void feeder_put_at(struct feeder *feeder, u16 shard, u16 opcode, const void *fixed,
                   const struct span *spans);
/* Applies what has gathered, then the mail of it, until there is none. */
void feeder_flush(struct feeder *feeder);
/* One command and its reply (NULL: only the status). Returns the status of the record. */
u16 feeder_call(struct feeder *feeder, u16 opcode, const void *fixed, const struct span *spans,
                void *reply);
u64 feeder_refused(const struct feeder *feeder);

/* New shards out of the kept batches. */
void feeder_restart(struct feeder *feeder);

#endif
