/* gather_loop: a gather over shards that live in this process, without an engine: each ask is answered
 * at once, a PART in its slices, a READ as it is.
 *
 *      struct gather_loop *loop = gather_loop_open(shards, count);
 *      gather_loop_ask(loop, OPCODE_RELATED, now_ns, &ask, spans, &answer, &view);   any number of times
 *      gather_loop_close(loop);
 *
 * The shards are looked at through the pointer with every call, so they may be replaced in between.
 *
 * Ownership  an answer's spans are good until the next call of the same loop.
 * Failure    what cannot be is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_SUPPORT_GATHER_LOOP_H
#define SOUK_TESTS_SUPPORT_GATHER_LOOP_H

#include "proto/frame.h"
#include "proto/messages.h"

struct part;
struct shard;

/* What one question has cost. */
struct gather_loop_use {
    u32 rounds;
    u32 pieces; /* of all rounds but the last piece of the last */
    u32 asks;
    u32 slices;      /* of all parts */
    u32 slices_most; /* of one part */
    u32 reply_bytes;
};

struct gather_loop {
    struct shard *const *shards;
    u16 count;
    bool is_late; /* for the next questions: their deadline has passed */
    bool turns;   /* asks are answered from the last to the first */
    /* (may be NULL) Called between two slices of a part: what else the shard does meanwhile. */
    void (*between)(void *context, u16 shard);
    /* (may be NULL) Called when all asks of a round have been answered. */
    void (*after_round)(void *context);
    void *context;
    /* (may be NULL) Called when a part has its reply, before its memory goes: how it came to it. */
    void (*ended)(void *ended_context, const struct part *part, u32 slices);
    void *ended_context;
    struct gather_loop_use use; /* of the last question */
    struct gather_loop_memory *memory;
};

struct gather_loop *gather_loop_open(struct shard *const *shards, u16 count);
void gather_loop_close(struct gather_loop *loop);

/* One record of an operation of class GATHER. `reply` gets the fixed part, `view` the whole; both may
 * be NULL. Returns the status of the record. */
u16 gather_loop_ask(struct gather_loop *loop, u16 opcode, u64 now_ns, const void *fixed,
                    const struct span *spans, void *reply, struct record_view *view);

/* One record of class PART or READ for one shard, the same way. */
u16 gather_loop_ask_shard(struct gather_loop *loop, u16 shard, u16 opcode, u64 now_ns,
                          const void *fixed, const struct span *spans, void *reply,
                          struct record_view *view);

#endif
