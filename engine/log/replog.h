/* replog: the log of one shard, whoever keeps it.
 *
 * The seam under a shard: the local file (wal), later a replicated log and a simulated one. A
 * reactor builds a batch in place, appends it, and gets it back through on_commit when it may be
 * applied. That callback is the only way into a shard, at run time and in recovery alike.
 *
 *      trimmed_lsn  <=  applied_lsn  <=  durable_lsn  <=  appended_lsn        (mode durable)
 *      |-- recycled --|--- state has it ---|-- apply it --|-- in flight --|
 *
 * One lsn is one batch (proto/batch.h), numbered from 1 without gaps.
 *
 * Invariants
 *   L1  the four positions only grow, in this order. In mode async applied may run ahead of durable;
 *       in mode none durable stays 0.
 *   L2  on_commit sees every lsn once, in order, and in mode durable only after it is on disk.
 *   L3  after a failure nothing is committed any more: no retry, no second opinion.
 *   L4  an entry for which replog_reserve gave room always fits: space is refused before, never
 *       after.
 *   L5  the acknowledgements of a batch stand before its entries, so they are known when it gets its
 *       first; they leave room for a whole frame.
 * Ownership  one reactor. The room that reserve gives is valid until commit_entry or the next
 *            reserve; a batch given to on_commit until that returns true.
 * Happy path set_acks -> reserve -> fill -> commit_entry ... -> append -> (ring turns) -> deliver ->
 *            on_commit.
 * Failure    on_failure is called once with the reason; is_failed stays true. may_answer is false
 *            from then on. The server exits with the reason.
 * Not here   no knowledge of commands, sockets or snapshots. No clock: the caller says the time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_REPLOG_H
#define SOUK_ENGINE_LOG_REPLOG_H

#include "proto/base.h"
#include "proto/batch.h"

STATIC_CHECK(LOG_BATCH_BYTES_MAX >= sizeof(struct batch_header) +
                                        SHARDS_MAX * sizeof(struct batch_ack) +
                                        sizeof(struct entry_header) + FRAME_BYTES_MAX); /* L5 */

struct replog;

enum replog_mode {
    REPLOG_MODE_DURABLE, /* committed = on disk */
    REPLOG_MODE_ASYNC,   /* committed = accepted; on disk within async_max_ms */
    REPLOG_MODE_NONE     /* committed = accepted; no files */
};

/* Answers of replog_append beside 0. */
#define REPLOG_BUSY       (-11) /* -EAGAIN: a write is in flight; ask again after its completion */
#define REPLOG_NOT_LEADER (-1)  /* -EPERM: the epoch has been fenced */
#define REPLOG_NO_SPACE   (-28) /* -ENOSPC: the next segment could not be prepared */
#define REPLOG_FAILED     (-5)  /* -EIO: the writer has stopped for good */

struct replog_batch {
    u64 lsn;
    u64 epoch;
    u64 stamp_ns;
    const u8 *payload; /* struct batch_header and what follows, aligned to 8 */
    u32 bytes;
    u32 entry_count;
    bool is_replay; /* read back at start: no effects may leave */
};

struct replog_callbacks {
    void *context;
    /* Applies a batch. true: done with it. false: not all of it yet; the same batch is given again
     * by the next deliver (and no other before it). */
    bool (*on_commit)(void *context, const struct replog_batch *batch);
    /* Once, when the log has stopped for good; `reason` names file, offset and error. */
    void (*on_failure)(void *context, const char *reason);
    /* A line for the server's log: a cut tail, a fresh segment, space lost and found. */
    void (*on_note)(void *context, const char *text);
};

struct replog_positions {
    u64 trimmed_lsn;
    u64 applied_lsn; /* delivered and done */
    u64 durable_lsn;
    u64 appended_lsn;
    u64 epoch;
};

struct replog_statistics {
    u64 batches;
    u64 entries;
    u64 payload_bytes;
    u64 written_bytes; /* frames with header and padding */
    u64 segments;      /* begun */
    u64 superblocks;   /* written */
    u64 write_ns_last; /* 0 until measured by the caller's clock (replog_tick) */
};

/* What a back-end provides; see the functions below for the meaning. */
struct replog_methods {
    void (*set_acks)(struct replog *log, const struct batch_ack *acks, u32 count);
    u8 *(*reserve)(struct replog *log, u32 bytes);
    void (*commit_entry)(struct replog *log, u32 bytes);
    int (*append)(struct replog *log, u64 epoch, u64 stamp_ns);
    u32 (*deliver)(struct replog *log, u32 batches_max);
    u64 (*tick)(struct replog *log, u64 now_ns);
    int (*read)(struct replog *log, u64 from_lsn, u64 to_lsn, const struct replog_callbacks *to);
    void (*fence)(struct replog *log, u64 epoch);
    void (*trim)(struct replog *log, u64 lsn);
    void (*stop)(struct replog *log);
    bool (*is_stopped)(const struct replog *log);
    void (*close)(struct replog *log);
};

/* The part that every back-end begins with; the reactor may read it, never write it. */
struct replog {
    const struct replog_methods *methods;
    struct replog_positions positions;
    struct replog_statistics statistics;
    u32 open_entries;     /* committed to the open batch */
    u32 open_acks;        /* mail acknowledgements in it */
    u32 open_bytes;       /* of its payload, batch header and acknowledgements included */
    u16 shard;            /* whose log this is */
    u8 mode;              /* enum replog_mode */
    bool can_append;      /* replog_append would be accepted now, space aside */
    bool has_space;       /* false: refuse new commands with NO_SPACE; mends itself */
    bool may_answer;      /* reads and refusals on arrival are allowed */
    bool is_failed;       /* stopped for good */
    bool has_undelivered; /* deliver would call on_commit */
};

/* The open batch carries these mail acknowledgements, instead of those set before. Only while it has
 * no entry; an answer of replog_reserve is void then. At most one per shard. */
static inline void replog_set_acks(struct replog *log, const struct batch_ack *acks, u32 count)
{
    log->methods->set_acks(log, acks, count);
}
/* Room for one entry (entry_header and body) of `bytes` (a multiple of 8) in the open batch, or NULL
 * when the batch is full, no buffer is free, there is no space, or the log has failed or stopped.
 * Asking again replaces the last answer. */
static inline u8 *replog_reserve(struct replog *log, u32 bytes)
{
    return log->methods->reserve(log, bytes);
}
/* The first `bytes` of the reserved room are an entry of the open batch from now on. */
static inline void replog_commit_entry(struct replog *log, u32 bytes)
{
    log->methods->commit_entry(log, bytes);
}
/* Seals the open batch, which may be empty (an expiry) or have acknowledgements only, with its stamp, and hands it to the log.
 * The stamp must not be lower than the one before. 0 or one of the answers above; then the batch
 * stays open and unchanged. */
NODISCARD static inline int replog_append(struct replog *log, u64 epoch, u64 stamp_ns)
{
    return log->methods->append(log, epoch, stamp_ns);
}
/* Gives up to batches_max committed batches to on_commit, in order; returns how many were done. */
static inline u32 replog_deliver(struct replog *log, u32 batches_max)
{
    return log->methods->deliver(log, batches_max);
}
/* Once in every turn, with the monotonic time: background work that is due. Returns when it wants to
 * be called at the latest (UINT64_MAX: no wish). */
static inline u64 replog_tick(struct replog *log, u64 now_ns)
{
    return log->methods->tick(log, now_ns);
}
/* Gives durable batches from_lsn to to_lsn to `to`, reading the disk. Blocks: for tools, tests and
 * catching up, not for a turn. 0 or -errno. */
NODISCARD static inline int replog_read(struct replog *log, u64 from_lsn, u64 to_lsn,
                                        const struct replog_callbacks *to)
{
    return log->methods->read(log, from_lsn, to_lsn, to);
}
/* From now on appends of an older epoch are refused with REPLOG_NOT_LEADER. */
static inline void replog_fence(struct replog *log, u64 epoch)
{
    log->methods->fence(log, epoch);
}
/* Batches up to lsn are not needed any more (a snapshot holds them): whole segments are recycled. */
static inline void replog_trim(struct replog *log, u64 lsn)
{
    log->methods->trim(log, lsn);
}
/* Begins a clean stop: no reserve any more; what was appended is finished. Keep turning the ring,
 * delivering and ticking until is_stopped (or is_failed), then close. */
static inline void replog_stop(struct replog *log)
{
    log->methods->stop(log);
}
static inline bool replog_is_stopped(const struct replog *log)
{
    return log->methods->is_stopped(log);
}
static inline void replog_close(struct replog *log)
{
    log->methods->close(log);
}
static inline bool replog_may_answer(const struct replog *log)
{
    return log->may_answer;
}

#endif
