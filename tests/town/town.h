/* town: several shards in one thread, with the mail between them, under one seed: no disk, no sockets.
 *
 *      call -> batch -> apply            the log of each shard is kept in memory
 *      mail: a -> b, some messages at a time, in any order of the pairs, acknowledged late, and now and
 *            then logged a second time
 *      crash: all shards are thrown away and made again from their logs; what was soft is gone
 *      thaw:  a shard is made again from a dump of itself, as from a snapshot
 *
 * A call is one record in a batch of its own, numbered in a session of its shard, so that after a
 * crash it is sent again under the same number, as a client would. Batches of the whole town are
 * numbered; a run may be told to crash before or after one of them:
 *      before   the batch never became durable; the caller asks again
 *      after    it is durable and applied; the reply and all mail are lost, and sent again
 *      thaw     after it, every shard goes on from a dump of itself instead of its log
 *
 * Invariants
 *   T1  the same seed and options give the same run.
 *   T2  a shard that was made again has the digest that it had.
 * Ownership  one town at a time in a process: the batch in hand is static.
 * Failure    what cannot be is a panic that says so; refusals are for the caller to judge.
 * Not here   what is ordered and paid: shop.h and bank.h. Everything here knows shards/shard.h only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_TOWN_TOWN_H
#define SOUK_TESTS_TOWN_TOWN_H

#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/shard.h"

#define TOWN_SHARDS_MAX 8u
#define TOWN_REPLY_MAX  (FRAME_BYTES_MAX - FRAME_HEADER_BYTES)

enum town_crash { TOWN_CRASH_NONE, TOWN_CRASH_BEFORE, TOWN_CRASH_AFTER, TOWN_CRASH_THAW };

struct town_options {
    u16 shard_count;
    u64 seed;
    bool keeps_log;  /* else it cannot crash */
    u64 crash_batch; /* number of the batch at which a crash happens, 0 = none */
    enum town_crash crash;
};

struct town_log; /* the batches of one shard */

struct town_shard {
    struct shard *shard;
    struct town_log *log;
    u64 session_seq;
    u64 logged_seq[TOWN_SHARDS_MAX];  /* soft: mail of that source appended */
    u64 carried_seq[TOWN_SHARDS_MAX]; /* soft: mail to that target handed over */
};

struct town {
    struct town_options options;
    u64 now_ns;
    u64 random;
    u64 batches; /* of all shards */
    u64 crashes;
    struct town_shard shards[TOWN_SHARDS_MAX];
    /* Told after every batch was applied; for coverage. */
    void (*on_batch)(void *context, u16 shard, u64 batch);
    void *context;
    u8 *reply; /* of the last call: whole records */
    u32 reply_bytes;
};

struct town *town_open(const struct town_options *options);
void town_close(struct town *town);

/* A number below `limit`, and true in `percent` of 100. */
u64 town_below(struct town *town, u64 limit);
bool town_chance(struct town *town, u32 percent);

/* The shard of a record by its route; SHARD and NONE: 0. */
u16 town_route(const struct town *town, const struct message_info *info, const void *fixed);

/* Executes one record of a WRITE operation, as a batch of its own; `reply` gets the fixed part and may
 * be NULL. Panics unless the frame's status is OK. `shard` only for operations of route SHARD. */
void town_write(struct town *town, u16 opcode, u16 shard, const void *fixed,
                const struct span *spans, void *reply);
/* The same with `count` records without spans, for command_poll. */
void town_write_many(struct town *town, u16 opcode, u16 shard, const void *fixed, u32 count,
                     void *replies);
/* One record of a READ operation; `view` points into the town's reply, until the next call. */
void town_read(struct town *town, u16 opcode, u16 shard, const void *fixed,
               const struct span *spans, void *reply, struct record_view *view);
/* One record of either class, well formed and otherwise anything: the status of the frame if that is
 * not OK, else of the record. `reply` as above; without records it is all zero. */
u16 town_ask(struct town *town, u16 opcode, u16 shard, const void *fixed, const struct span *spans,
             void *reply, struct record_view *view);

/* Carries some mail somewhere, or acknowledgements. False: there is nothing to carry. */
bool town_carry(struct town *town);
/* Until there is nothing more. */
void town_carry_all(struct town *town);
/* Time goes on; what is due expires on every shard. */
void town_wait(struct town *town, u64 ns);
/* Throws one shard away and makes it again from its log. */
void town_restart(struct town *town, u16 shard);
/* The same from a dump of itself. */
void town_thaw(struct town *town, u16 shard);
/* The earliest deadline of all shards. */
u64 town_next_deadline_ns(const struct town *town);
/* Prints an order's history, for whoever has to find out why something failed. */
void town_tell_order(struct town *town, struct id128 order);
/* Panics if a shard's sums do not agree. */
void town_verify(struct town *town);

#endif
