/* shard: the whole surface of the state machines, and all of it that the engine may use.
 *
 * A shard is a pure function of its log: shard_apply(state, lsn, batch) changes it, and nothing else
 * does. It does no I/O, knows no clock, no thread, no randomness. Time is the stamp of the batch.
 *
 *       frame --shard_admit--> ANSWER (refused or replayed, nothing logged)
 *                        \---> LOG ---(log write)---> shard_expire* -> shard_apply -> replies
 *       frame --shard_read---> reply from durable state
 *
 * Rooms behind it: session (exactly once), mail (exactly once between shards), stock, catalog, cart,
 * settings, order; the gate (soft state of admission) and the notices (soft: who waits for what).
 *
 * Invariants
 *   S1  equal logs give equal digests; what is soft (gate, counters) is not in the digest.
 *   S2  what has been logged is always applied, the same way on every replay; a lack of memory is
 *       refused by shard_admit, an allocation that fails inside apply is a panic.
 *   S3  before a batch is applied, shard_expire has returned true for its stamp.
 *   S4  every entry that shard_admit let pass reaches shard_apply once, in a batch with
 *       `is_local` set, or the process ends.
 * Ownership   one thread calls everything of one shard. Replies point into the shard's memory and
 *             are valid inside the callback only.
 * Not here    log positions, connections, request ids, the wall clock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SHARD_H
#define SOUK_SHARDS_SHARD_H

#include "proto/base.h"
#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/messages.h"

struct shard;

struct shard_options {
    u16 index;        /* of this shard */
    u16 count;        /* shards of the data directory */
    u64 memory_max;   /* bytes for this shard; 0 = no limit */
    u32 sessions_max; /* 0 = SESSIONS_PER_SHARD_MAX; tests use fewer. Part of the state. */
    u64 retention_ms; /* 0 = GRANT_RETENTION_MS; part of the state */
};

/* A reply without its frame header. */
struct shard_reply {
    u16 status; /* of the frame; when not OK there are no records, and detail says more */
    u16 flags;  /* FRAME_FLAG_REPLAYED or 0 */
    u16 record_count;
    u32 retry_after_ms;
    u32 body_bytes;
    const u8 *body;
    struct frame_detail detail;
    /* With SHARD_READ_PARK: what to wait for, and how long at most. */
    u64 notice;
    u32 wait_ms;
};

/* Life. NULL when there is no memory for an empty shard. */
struct shard *shard_open(const struct shard_options *options);
void shard_close(struct shard *shard);

/* ---- Admission: may this WRITE frame be logged? ---- */

enum shard_verdict {
    SHARD_VERDICT_LOG,   /* append it; the gate has counted it */
    SHARD_VERDICT_ANSWER /* *reply is the answer, nothing is to be logged */
};

/* Judges a well-formed WRITE frame (frame_valid) against durable state and what is under way.
 * `now_ns` is the log clock. The reply's body lives until the next call of any function of the
 * shard. Questions in order: session (NO_SESSION, SESSION_EXPIRED, TOO_OLD, replay, SESSION_BUSY),
 * memory (MEMORY_LIMIT), then refusal on arrival (docs/stock.md). */
enum shard_verdict shard_admit(struct shard *shard, const struct frame_header *header,
                               const u8 *body, u32 body_bytes, u64 now_ns,
                               struct shard_reply *reply);

/* ---- Apply ---- */

/* Called once per entry of a batch, in order. */
typedef void shard_reply_fn(void *context, u32 entry_index, const struct shard_reply *reply);

/* Lets everything expire that is due at `stamp_ns`, at most `budget` objects. True when nothing
 * due is left. Until then, reads of the resources concerned answer "wait". */
NODISCARD bool shard_expire(struct shard *shard, u64 stamp_ns, u32 budget);

/* Applies one batch (proto/batch.h), lsn = the last one + 1. `is_local`: its entries went through
 * shard_admit of this process (false during recovery). `on_reply` may be NULL. A batch that is not
 * well formed is a panic: the log has checked it against its checksum. */
void shard_apply(struct shard *shard, u64 lsn, const u8 *batch, u32 bytes, bool is_local,
                 shard_reply_fn *on_reply, void *context);

/* The same in slices: applies the next few entries of the batch and returns how many are left; 0: it
 * is applied. It is called again with the same arguments until then; in between, frames may be
 * admitted and read (shard_applied_lsn is the batch before), but nothing expires (S3). */
NODISCARD u32 shard_apply_slice(struct shard *shard, u64 lsn, const u8 *batch, u32 bytes,
                                bool is_local, shard_reply_fn *on_reply, void *context);

/* The next time at which something expires, UINT64_MAX when nothing will. */
u64 shard_next_deadline_ns(const struct shard *shard);

/* ---- Reads, from durable state ---- */

enum shard_read_result {
    SHARD_READ_DONE,
    SHARD_READ_WAIT, /* an expiry that concerns it is under way; ask again in a later turn */
    SHARD_READ_PARK  /* the reader wants to wait for reply->notice, for reply->wait_ms at most */
};

/* Answers a well-formed READ frame. Writes the reply's body to `to` (capacity of at least
 * FRAME_BYTES_MAX - FRAME_HEADER_BYTES) and fills *reply. Some reads may wait for something to
 * happen: if `may_park`, the answer to such a one of a single record is SHARD_READ_PARK, and it is asked
 * again, with the same bytes, when shard_notice_next gives its notice or its time is over (then without
 * `may_park`). */
enum shard_read_result shard_read(struct shard *shard, const struct frame_header *header,
                                  const u8 *body, u32 body_bytes, u64 now_ns, bool may_park, u8 *to,
                                  u32 capacity, struct shard_reply *reply);

/* What parked reads waited for and has happened since the last call; 0 = nothing more. To be asked
 * after shard_apply and shard_expire. */
u64 shard_notice_next(struct shard *shard);
/* Nobody waits for this notice any more. */
void shard_notice_forget(struct shard *shard, u64 notice);

/* ---- Mail between shards: shards/mail/mail.h says how it works, engine/post.h carries it ---- */

struct shard_mail {
    u64 seq;
    u16 opcode;
    u32 body_bytes;
    const u8 *body; /* borrowed until the next apply or expire */
};

/* The first message to `target` (another shard) numbered above `after_seq` and not acknowledged yet.
 * False: there is none. Fast if messages are asked for in order. */
bool shard_mail_next(struct shard *shard, u16 target, u64 after_seq, struct shard_mail *to);
/* The last number sent to `target`, and up to where it has acknowledged. */
u64 shard_mail_sent(const struct shard *shard, u16 target);
u64 shard_mail_acked(const struct shard *shard, u16 target);
/* Up to which number mail from `source` has been applied: what may be acknowledged. */
u64 shard_mail_applied(const struct shard *shard, u16 source);
/* A message is about to be logged: the gate counts it, as shard_admit does for a frame (S4), also if
 * it turns out to have been applied before. */
void shard_mail_admit(struct shard *shard, const struct shard_mail *mail);
/* (soft) Grows with every message sent to another shard or applied from one. */
u64 shard_mail_activity(const struct shard *shard);
/* (soft) Bytes of messages that wait for their acknowledgement. */
u64 shard_mail_queued_bytes(const struct shard *shard);

/* ---- Parts of gathers: answered in slices (shards/part.h) ---- */

struct part;

/* Prepares memory for the first questions. */
void shard_part_prepare(struct shard *shard);
/* A well-formed frame of class PART. NULL: too many are under way; ask again later. */
struct part *shard_part_begin(struct shard *shard, const struct frame_header *header,
                              const u8 *body, u32 body_bytes, u64 now_ns);
/* One slice, of about 50 microseconds at most. `is_late`: finish with what there is. True: it has
 * finished. */
NODISCARD bool shard_part_step(struct shard *shard, struct part *part, bool is_late);
/* Of a part that has finished: the bytes of its reply's body, one record. */
u32 shard_part_reply_bytes(const struct part *part);
/* Writes that, some of it; to be called again with the same `to` until it is true: all is there. */
NODISCARD bool shard_part_reply(struct part *part, u8 *to);
/* Ends it, finished or not. */
void shard_part_end(struct shard *shard, struct part *part);

/* ---- Housekeeping ---- */

/* A slice of what may wait, some 50 microseconds: a search index that is made anew. True: there is more. */
bool shard_work(struct shard *shard);

/* ---- Facts ---- */

u64 shard_applied_lsn(const struct shard *shard);
u64 shard_last_stamp_ns(const struct shard *shard);
u64 shard_memory_used(const struct shard *shard);

/* Counts for `info` and `stats`; soft, not in the digest. */
struct shard_counters {
    u64 resources, products, holds, allocations, tombstones, sessions;
    u64 granted_records, refused_sold_out, refused_all_held, refused_on_arrival, replayed_frames,
        replayed_records, expired_holds, sessions_evicted;
    u64 carts, cart_lines, expired_carts;
    u64 orders, open_orders, waiting_orders; /* not at rest; for the world outside */
    u64 ready_commands, dead_commands;
    u64 reviews, approved_reviews, pending_reviews, flagged_reviews, review_votes, review_purchases;
    u64 copurchase_tables, copurchase_slots, copurchase_bytes; /* what was bought together */
    u64 copurchase_thinned, copurchase_lost;
    u64 under_way_entries;       /* admitted and not yet applied */
    u64 mail_queued;             /* not acknowledged */
    u64 mail_sent, mail_applied; /* to and from other shards, ever */
};
void shard_counters_read(const struct shard *shard, struct shard_counters *to);

/* Digest of the logical state: independent of layout, equal after replay. Walks everything. */
struct id128 shard_digest(struct shard *shard);

/* ---- Dump and load, for snapshots ---- */

/* Begins a dump of the state as it is now; changes made while it runs do not show in it (a bucket
 * that is about to change and was not visited yet is dumped first). One at a time. */
void shard_dump_begin(struct shard *shard);
/* Writes the next chunk, at most `capacity` (>= 64 KiB) bytes, whole records only. 0 = finished. */
u32 shard_dump_chunk(struct shard *shard, u8 *to, u32 capacity);
/* Feeds chunks in any order into an empty shard opened with the same options. NULL, or the reason
 * why the chunk is not good; the shard is then not usable. */
const char *shard_load_chunk(struct shard *shard, const u8 *bytes, u32 count);
/* After the last chunk. */
const char *shard_load_finish(struct shard *shard);

#endif
