/* model: docs/stock.md once more, written to be read and not to be fast. The oracle.
 *
 * The shard and this model are two independent readings of one contract. Randomised tests feed both
 * with the same log and demand equal reply bytes (tests/model/test_model.c).
 *
 *      model_advance(model, stamp)      what is due has ended
 *      model_apply(model, entry, body)  one entry of a batch -> its reply
 *      model_read(model, ...)           one READ frame -> its reply
 *
 * Everything is kept in plain tables; what a linked frame changes is copied first and copied back
 * when it fails; expiry walks all grants. No code is shared with shards/.
 *
 * Mutations are single rules that the model gets wrong on purpose. A comparison that does not notice
 * each of them soon proves nothing; the test runs them all.
 *
 * Ownership  replies live in the model until its next call. One thread.
 * Failure    none: input is well formed (frame_records_valid); out of memory ends the program.
 * Not here   digests, dumps, memory limits, the gate of admission.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_MODEL_H
#define SOUK_TESTS_MODEL_H

#include "proto/base.h"
#include "proto/batch.h"
#include "proto/frame.h"

enum model_mutation {
    MODEL_MUTATION_NONE,
    MODEL_MUTATION_SAFETY_IGNORED,    /* sellable counts the safety stock */
    MODEL_MUTATION_EXPIRY_LATE,       /* a hold lives one nanosecond longer */
    MODEL_MUTATION_LINKED_KEPT,       /* a failed linked frame keeps what it did */
    MODEL_MUTATION_REPLAY_BLIND,      /* the same id with other arguments counts as the same */
    MODEL_MUTATION_CANCEL_LEAKS,      /* cancelled units stay allocated */
    MODEL_MUTATION_DAMAGED_SELLABLE,  /* damaged returns can be sold */
    MODEL_MUTATION_PARTIAL_KEEPS,     /* a partial confirm keeps the rest held */
    MODEL_MUTATION_TOMBSTONE_EARLY,   /* a tombstone ends with the id's own time */
    MODEL_MUTATION_BOUND_EXPIRES,     /* a bound hold keeps its lease */
    MODEL_MUTATION_RETRY_SHORT,       /* retry_after_ms is rounded down */
    MODEL_MUTATION_REPLIES_FORGOTTEN, /* a retried frame is executed again */
    MODEL_MUTATION_SESSION_FIFO,      /* the oldest session is evicted, not the least used */
    MODEL_MUTATION_CODE_IGNORED,      /* a second code under one id is accepted */
    MODEL_MUTATION_COUNT
};

struct model_options {
    u16 index;
    u16 count;
    u32 sessions_max; /* 0 = SESSIONS_PER_SHARD_MAX */
    u64 retention_ms; /* 0 = GRANT_RETENTION_MS */
    enum model_mutation mutation;
};

struct model;

struct model_reply {
    u16 status;
    u16 flags;
    u16 record_count;
    u32 body_bytes;
    const u8 *body;
};

/* What `verify` reports, and the sums as docs/stock.md wants them. */
struct model_totals {
    u64 resources, holds, allocations, tombstones, products, sessions;
    i64 on_hand, unavailable, held, allocated, received, shipped, returned, adjusted, written_off;
};

struct model *model_open(const struct model_options *options);
void model_close(struct model *model);
struct model *model_copy(const struct model *model);

/* Everything that is due at `now_ns` has ended. */
void model_advance(struct model *model, u64 now_ns);
/* The next time at which something is due, UINT64_MAX when nothing is. */
u64 model_next_deadline(const struct model *model);
/* Executes one entry at the time of the last model_advance. */
struct model_reply model_apply(struct model *model, const struct entry_header *entry,
                               const u8 *body);
/* Answers the records of a READ operation (not verify). */
struct model_reply model_read(struct model *model, u16 opcode, u32 record_count, const u8 *body);
struct model_totals model_totals(const struct model *model);

/* What the session alone would say to a frame: STATUS_OK when it would be executed or replayed, and
 * whether it would be replayed. Changes nothing. */
u16 model_session_question(const struct model *model, const struct entry_header *entry,
                           bool *is_replay);

const char *model_mutation_name(enum model_mutation mutation);

/* What the model knows: sessions, stock and the product record; these come first in messages.def. */
#define MODEL_CODE_END 0x0405u
enum {
    MODEL_MESSAGE_COUNT = 0
#define OP(code, NAME, name, CLASS, ROUTE, summary) +((code) < MODEL_CODE_END ? 1 : 0)
#include "proto/messages.def"
#undef OP
};
static inline bool model_knows(const struct message_info *info)
{
    return info->code < MODEL_CODE_END;
}

#endif
