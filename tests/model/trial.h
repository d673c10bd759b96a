/* trial: one generated world, run through a shard and through the model, reply by reply.
 *
 *      batches --> shard_expire, shard_apply --+--> every reply byte equal?
 *              \-> model_advance, model_apply -/
 *      now and then: reads, sums of verify, the next deadline, slices of a dump
 *      at the end:   a shard that replays the whole log, and one that is loaded from the dump and
 *                    replays the rest: all digests equal?
 *
 * An admission trial also sends every entry through shard_admit and lets what was admitted wait for
 * a while. What is refused on arrival must be refused by the model whatever of the waiting entries
 * is executed before it.
 *
 * Ownership  a trial owns its shard, model and log. Everything follows from the seed.
 * Failure    trial_run returns a text that says what differed, in words, or NULL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_MODEL_TRIAL_H
#define SOUK_TESTS_MODEL_TRIAL_H

#include "shards/shard.h"
#include "tests/model/generate.h"
#include "tests/model/model.h"

#define TRIAL_FAILURE_BYTES (64u << 10)
#define TRIAL_WAITING_MAX   8u

struct trial_options {
    u64 seed;
    u64 records; /* at least as many */
    u16 shards;
    bool is_admission;
    bool is_counters; /* not a random world but the end of the counters */
    enum model_mutation mutation;
};

struct trial_batch {
    u8 *bytes;
    u32 count;
};

struct trial {
    struct trial_options options;
    struct shard_options shard_options;
    struct generator generator;
    struct shard *shard;
    struct model *model;
    u64 now;
    u64 lsn;
    u64 records;
    u64 granted, refused, answered; /* on arrival */
    /* The log, and where the running batch is. */
    struct trial_batch *log;
    u32 log_count, log_room;
    u8 *batch;
    u32 entry_offset, entries_seen;
    /* A dump that is being taken. */
    bool is_dumping, was_dumped;
    u32 dumped_at; /* log_count at its begin */
    struct id128 dump_digest;
    struct trial_batch *chunks;
    u32 chunk_count;
    /* Admitted entries that wait. */
    struct entry_header waiting[TRIAL_WAITING_MAX];
    u8 *waiting_bodies[TRIAL_WAITING_MAX];
    u32 waiting_count;
    u8 *scratch; /* of FRAME_BYTES_MAX */
    bool is_failed;
    char failure[TRIAL_FAILURE_BYTES];
};

/* NULL, or what differed; *records counts what was executed. */
const char *trial_run(struct trial *trial, const struct trial_options *options);

/* ---- For the files of the trial ---- */

/* Notes the first failure. */
void PRINTF(2, 3) trial_fail(struct trial *trial, const char *format, ...);
/* Notes that two replies to an entry differ. */
void trial_fail_reply(struct trial *trial, const struct entry_header *entry, const u8 *body,
                      const struct model_reply *expected, const struct shard_reply *actual);
bool trial_replies_equal(const struct model_reply *expected, const struct shard_reply *actual);
/* Begins a batch in trial->batch, adds an entry, runs it. */
void trial_batch_begin(struct trial *trial, u64 stamp);
bool trial_batch_add(struct trial *trial, const struct entry_header *entry, const u8 *body);
void trial_batch_run(struct trial *trial, bool is_local);
/* Reads, sums, deadlines. */
void trial_check_state(struct trial *trial);
/* Dump, load, replay. */
void trial_dump_step(struct trial *trial);
void trial_check_replays(struct trial *trial);
void trial_counters(struct trial *trial);
/* One step of an admission trial. */
void trial_admission_step(struct trial *trial);
void trial_admission_drain(struct trial *trial);

#endif
