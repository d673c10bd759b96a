/* shard_host: one shard with its log: the path of a command from admission to its reply.
 *
 *      frame --admit--> open batch --append--> log --on_commit--> shard_expire* -> shard_apply
 *               |                                                        |
 *               |                                                        |
 *    other shards' mail (post.h)                                           \--> one reply per entry,
 *               \-- refusal, replay, read: answered at once                     mail to other shards
 *                   or parked until something happens (park.h)
 *
 * For every entry of the log that came from here there is a struct pending: who gets the reply.
 * Entries are applied in the order in which they were admitted, so pending is a queue. The reply of a
 * message from another shard is for nobody.
 *
 * Invariants
 *   H1  room in the open batch is reserved before shard_admit is asked: what it lets pass is logged.
 *   H2  the number of pendings is the number of entries admitted here and not yet applied.
 *   H3  stamps never go back: the log clock, or the last stamp if that is later.
 *   H4  nothing of an entry leaves before on_commit has seen its batch; commands for the outside
 *       world (command_poll) not before that is durable, in mode async too.
 * Ownership  one reactor.
 * Happy path host_frame -> LOG -> host_append (no write in flight) -> ... -> host_deliver -> replies.
 * Failure    log failed: no reply any more, the reactor tells the server, which exits. No space:
 *            writes get NO_SPACE while reads go on.
 * Not here   sockets; which frames are for this shard (dispatch.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_SHARD_HOST_H
#define SOUK_ENGINE_SHARD_HOST_H

#include "engine/log/replog.h"
#include "engine/net/dispatch.h"
#include "engine/net/origin.h"
#include "engine/park.h"
#include "engine/part_queue.h"
#include "engine/post.h"
#include "shards/shard.h"

/* Objects that expire in one slice; about half a millisecond of work. */
#define HOST_EXPIRE_BUDGET 2048u
#define HOST_RETRY_MS      50u /* told with UNAVAILABLE */
#define HOST_NO_SPACE_MS   1000u
#define HOST_PENDING_MIN   1024u
/* Batches applied in one turn; more wait for the next, so that sockets are looked at in between. */
#define HOST_DELIVER_MAX 4u
/* Applying goes on in the next turn after this: replies leave and frames are admitted in between, and
 * the disk gets its next batch while the rest of this one is applied. */
#define HOST_APPLY_NS (100 * NS_PER_US)
/* A batch from this size on is applied one turn after the next write was started, while the disk
 * is busy with that: a turn has one system call, at its end. Below it the extra turn costs more than
 * the overlap brings. */
#define HOST_OVERLAP_BYTES (64u << 10)

struct pending {
    struct frame_echo echo;
    struct origin_handle origin;
};

struct shard_host {
    struct reactor *reactor;
    struct shard *shard;
    struct replog *log;
    u16 index;        /* of the shard */
    bool is_stopping; /* new writes are refused */
    bool
        is_halfway; /* a committed batch is partly applied, or waits for more slices of shard_expire */
    bool is_changed; /* something to publish */
    bool is_log_stopping;
    bool is_overlapping; /* a write was started in this turn: what is durable waits for the next */
    u32 batch_bytes;     /* of the last batch appended */
    u32 applied_entries; /* of the batch that is being applied */
    u64 apply_until_ns;  /* monotonic: the end of this turn's slice */
    struct pending *pending; /* ring of pending_capacity (a power of two) */
    u32 pending_head;
    u32 pending_count;
    u32 pending_capacity;
    u64 stamp_ns;        /* of the last batch appended */
    u64 expiry_batch_ns; /* monotonic: when the last empty batch was appended */
    u64 replay_note_ns;  /* monotonic: when progress was last reported */
    u64 replayed_batches;
    u64 replayed_entries;
    u64 outbox_lsn; /* mode async: the last batch with a command_poll */
    struct post post;
    struct park park;
    struct part_queue parts;
};

/* Opens shard and log and replays it. 0 or -errno with a reason and the exit code. Blocks. */
NODISCARD int host_open(struct shard_host *host, struct reactor *reactor, u16 index, char *reason,
                        size_t reason_bytes);
void host_close(struct shard_host *host);

/* One well-formed frame of class READ or WRITE for this shard. */
enum dispatch_result host_frame(struct shard_host *host, const struct origin *origin,
                                const struct message_info *info, const struct frame_header *header,
                                const u8 *body, u32 body_bytes);

/* One message of shard `source` for this shard becomes an entry of the open batch. False: it has to
 * wait. Its number is the caller's business. */
NODISCARD bool host_take_mail(struct shard_host *host, u16 source, const struct shard_mail *mail);

/* Steps of a turn. */
void host_append(struct shard_host *host);
void host_deliver(struct shard_host *host);
/* Publishes counters if something has changed. */
void host_publish(struct shard_host *host);
/* Background work of the log; returns the monotonic time of the next turn wanted. */
u64 host_tick(struct shard_host *host);

/* Drain: refuse new writes, finish what was admitted, then stop the log. */
void host_stop(struct shard_host *host);
bool host_is_stopped(const struct shard_host *host);

#endif
