/* shard_host: see shard_host.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/shard_host.h"

#include <stdlib.h>
#include <string.h>

#include "engine/log/wal.h"
#include "engine/reactor.h"

#define ENTRY_HEADER_BYTES ((u32)sizeof(struct entry_header))
#define REPLAY_NOTE_NS     (2 * NS_PER_S)
#define PENDING_NOBODY     UINT32_MAX /* as the connection of a pending: mail */

/* The seam test needs a server that acknowledges before the disk has answered, to prove that it
 * would be caught: built with -DMUT_ACK_EARLY, a durable server is an async one in disguise. */
#ifdef MUT_ACK_EARLY
#define LOG_MODE(mode) ((mode) == REPLOG_MODE_DURABLE ? REPLOG_MODE_ASYNC : (mode))
#else
#define LOG_MODE(mode) (mode)
#endif

/* ---- pending: who gets the reply of an entry ------------------------------------------------- */

static void pending_grow(struct shard_host *host)
{
    const u32 capacity = MAX(HOST_PENDING_MIN, 2 * host->pending_capacity);
    struct pending *grown = malloc(capacity * sizeof *grown);
    if (grown == NULL)
        PANIC("no memory for the queue of replies");
    for (u32 i = 0; i < host->pending_count; i++)
        grown[i] = host->pending[(host->pending_head + i) & (host->pending_capacity - 1)];
    free(host->pending);
    host->pending = grown;
    host->pending_head = 0;
    host->pending_capacity = capacity;
}

static struct pending *pending_room(struct shard_host *host)
{
    if (host->pending_count == host->pending_capacity)
        pending_grow(host);
    return &host->pending[(host->pending_head + host->pending_count++) &
                          (host->pending_capacity - 1)];
}

/* Written field by field, in place: a struct put together on the stack and copied from there stalls
 * on its own stores. */
static void pending_push(struct shard_host *host, const struct frame_header *header,
                         const struct origin *origin)
{
    struct pending *pending = pending_room(host);
    pending->echo.request_id = header->request_id;
    pending->echo.session.low = header->session.low;
    pending->echo.session.high = header->session.high;
    pending->echo.session_seq = header->session_seq;
    pending->echo.acked_seq = header->acked_seq;
    pending->echo.opcode = header->opcode;
    pending->echo.shard = header->shard;
    origin_defer(origin, &pending->origin);
}

static bool is_for_nobody(const struct pending *pending)
{
    return pending->origin.connection == PENDING_NOBODY;
}

static struct pending *pending_at(struct shard_host *host, u32 index)
{
    MUST(index < host->pending_count);
    return &host->pending[(host->pending_head + index) & (host->pending_capacity - 1)];
}

/* ---- admission ------------------------------------------------------------------------------- */

static enum dispatch_result refuse(struct shard_host *host, const struct origin *origin,
                                   const struct frame_header *header, u16 status, u32 retry_ms,
                                   metric_counter *metric)
{
    const struct frame_echo echo = frame_echo_of(header);
    metric_add(metric, 1);
    origin_measure(host->reactor, origin, LATENCY_CLASS_REFUSED);
    origin_refuse(host->reactor, origin, &echo, status, retry_ms, (struct frame_detail){0});
    return DISPATCH_DONE;
}

static enum dispatch_result serve_read(struct shard_host *host, const struct origin *origin,
                                       const struct frame_header *header, const u8 *body,
                                       u32 body_bytes)
{
    struct reactor *reactor = host->reactor;
    struct shard_reply reply = {0};
    if (header->opcode == OPCODE_VERIFY)
        reactor->stall.heavy_opcode = OPCODE_VERIFY;
    const enum shard_read_result result =
        shard_read(host->shard, header, body, body_bytes, reactor->log_now_ns,
                   park_has_room(host, origin, header, body_bytes), reactor->scratch,
                   FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply);
    if (result == SHARD_READ_WAIT)
        return DISPATCH_WAIT;
    if (result == SHARD_READ_PARK) {
        park_add(host, origin, header, body, body_bytes, &reply);
        return DISPATCH_DONE;
    }
    const struct frame_echo echo = frame_echo_of(header);
    origin_measure(reactor, origin, LATENCY_CLASS_READ);
    origin_reply(reactor, origin, &echo, &reply, shard_applied_lsn(host->shard));
    return DISPATCH_DONE;
}

/* Puts the frame into the open batch. `room` is what replog_reserve gave. */
static void log_frame(struct shard_host *host, const struct origin *origin,
                      const struct frame_header *header, const u8 *body, u32 body_bytes, u8 *room)
{
    MUST((uintptr_t)room % 8 == 0);
    struct entry_header *entry = (struct entry_header *)(void *)room;
    entry->body_bytes = body_bytes;
    entry->source = ENTRY_SOURCE_SESSION;
    entry->source_shard = 0;
    entry->opcode = header->opcode;
    entry->flags = header->flags & FRAME_FLAG_LINKED;
    entry->record_count = header->record_count;
    entry->zero0 = 0;
    entry->session.low = header->session.low;
    entry->session.high = header->session.high;
    entry->session_seq = header->session_seq;
    entry->acked_seq = header->acked_seq;
    memcpy(room + sizeof *entry, body, body_bytes);
    if (UNLIKELY(host->log->mode == REPLOG_MODE_ASYNC) && header->opcode == OPCODE_COMMAND_POLL)
        host->outbox_lsn = host->log->positions.appended_lsn + 1;
    pending_push(host, header, origin);
    replog_commit_entry(host->log, ENTRY_HEADER_BYTES + body_bytes);
    metric_add(&host->reactor->metrics->frames_logged, 1);
}

static enum dispatch_result serve_write(struct shard_host *host, const struct origin *origin,
                                        const struct frame_header *header, const u8 *body,
                                        u32 body_bytes)
{
    struct reactor *reactor = host->reactor;
    struct metrics *metrics = reactor->metrics;
    if (host->is_stopping)
        return refuse(host, origin, header, STATUS_UNAVAILABLE, HOST_RETRY_MS,
                      &metrics->unavailable);
    if (!host->log->has_space)
        return refuse(host, origin, header, STATUS_NO_SPACE, HOST_NO_SPACE_MS, &metrics->no_space);
    u8 *room = replog_reserve(host->log, ENTRY_HEADER_BYTES + body_bytes); /* H1 */
    if (room == NULL)
        return DISPATCH_WAIT; /* the batch is full; a write is in flight, or the log is failing */
    struct shard_reply reply = {0};
    host->is_changed = true;
    if (shard_admit(host->shard, header, body, body_bytes, reactor->log_now_ns, &reply) ==
        SHARD_VERDICT_LOG) {
        log_frame(host, origin, header, body, body_bytes, room);
        return DISPATCH_DONE;
    }
    const struct frame_echo echo = frame_echo_of(header);
    origin_measure(reactor, origin, LATENCY_CLASS_REFUSED);
    origin_reply(reactor, origin, &echo, &reply, shard_applied_lsn(host->shard));
    return DISPATCH_DONE;
}

enum dispatch_result host_frame(struct shard_host *host, const struct origin *origin,
                                const struct message_info *info, const struct frame_header *header,
                                const u8 *body, u32 body_bytes)
{
    struct reactor *reactor = host->reactor;
    MUST(info->class != MESSAGE_CLASS_CONTROL && header->shard == host->index);
    if (info->class == MESSAGE_CLASS_PART && replog_may_answer(host->log))
        return part_queue_add(host, origin, header, body, body_bytes);
    if (header->deadline_ms != 0 &&
        reactor->now_ns > origin->arrival_ns + header->deadline_ms * NS_PER_MS)
        return refuse(host, origin, header, STATUS_DEADLINE, 0, &reactor->metrics->deadline_missed);
    if (!replog_may_answer(host->log))
        return refuse(host, origin, header, STATUS_UNAVAILABLE, HOST_RETRY_MS,
                      &reactor->metrics->unavailable);
    if (info->class == MESSAGE_CLASS_READ)
        return serve_read(host, origin, header, body, body_bytes);
    return serve_write(host, origin, header, body, body_bytes);
}

bool host_take_mail(struct shard_host *host, u16 source, const struct shard_mail *mail)
{
    if (host->is_stopping || host->post.is_broken)
        return false;
    u8 *room = replog_reserve(host->log, ENTRY_HEADER_BYTES + mail->body_bytes); /* H1 */
    if (room == NULL)
        return false;
    const struct entry_header entry = {.body_bytes = mail->body_bytes,
                                       .source = ENTRY_SOURCE_SHARD,
                                       .source_shard = source,
                                       .opcode = mail->opcode,
                                       .record_count = 1,
                                       .session_seq = mail->seq};
    shard_mail_admit(host->shard, mail);
    memcpy(room, &entry, sizeof entry);
    memcpy(room + sizeof entry, mail->body, mail->body_bytes);
    struct pending *pending = pending_room(host);
    *pending = (struct pending){.echo.opcode = mail->opcode, .origin.connection = PENDING_NOBODY};
    replog_commit_entry(host->log, ENTRY_HEADER_BYTES + mail->body_bytes);
    host->is_changed = true;
    return true;
}

/* ---- append ---------------------------------------------------------------------------------- */

/* Is something due, that no batch under way will expire, and was the last batch for expiry alone
 * long enough ago? */
static bool must_expire(const struct shard_host *host)
{
    const u64 due_ns = shard_next_deadline_ns(host->shard);
    return due_ns <= host->reactor->log_now_ns && due_ns > host->stamp_ns && !host->is_stopping &&
           host->log->has_space &&
           host->reactor->now_ns - host->expiry_batch_ns >= EXPIRY_BATCH_INTERVAL_NS;
}

void host_append(struct shard_host *host)
{
    struct replog *log = host->log;
    if (!log->can_append || log->is_failed)
        return;
    const bool is_empty = log->open_entries == 0;
    const bool is_expiry = is_empty && must_expire(host);
    if (is_empty && !is_expiry && !post_must_acknowledge(host))
        return;
    const u64 stamp_ns = MAX(host->reactor->log_now_ns, host->stamp_ns); /* H3 */
    const bool has_durable = log->has_undelivered;
    const u32 bytes = log->open_bytes;
    const int error = replog_append(log, log->positions.epoch, stamp_ns);
    if (error != 0)
        return; /* the batch stays open; no space and failure show in the log's flags */
    host->is_overlapping = has_durable && host->batch_bytes >= HOST_OVERLAP_BYTES;
    host->batch_bytes = bytes;
    host->stamp_ns = stamp_ns;
    host->is_changed = true;
    if (is_expiry) {
        host->expiry_batch_ns = host->reactor->now_ns;
        metric_add(&host->reactor->metrics->batches_empty, 1);
    } else if (is_empty) {
        metric_add(&host->reactor->metrics->batches_acks, 1);
    }
    post_appended(host);
}

/* ---- apply ----------------------------------------------------------------------------------- */

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct shard_host *host = context;
    struct reactor *reactor = host->reactor;
    struct pending *pending = pending_at(host, entry_index - host->applied_entries);
    if (UNLIKELY(is_for_nobody(pending)))
        return;
    const struct origin origin = origin_resume(reactor, &pending->origin);
    reactor->facts.opcode = pending->echo.opcode;
    origin_reply(reactor, &origin, &pending->echo, reply, reactor->facts.applied_lsn);
}

/* After a slice: its times from arrival to reply, and its pendings are done. */
static void pending_drop(struct shard_host *host, u32 count)
{
    struct reactor *reactor = host->reactor;
    struct histogram *histogram = &reactor->metrics->latency[LATENCY_CLASS_WRITE];
    MUST(count <= host->pending_count); /* H2 */
    const u64 now_ns = clock_monotonic_ns();
    u64 arrival_ns = 0;
    u64 times = 0;
    for (u32 i = 0; i < count; i++) {
        const struct pending *pending = pending_at(host, i);
        if (pending->origin.mail != NULL || is_for_nobody(pending))
            continue;
        if (pending->origin.arrival_ns != arrival_ns && times > 0) {
            histogram_add(histogram, now_ns - arrival_ns, times);
            times = 0;
        }
        arrival_ns = pending->origin.arrival_ns;
        times++;
    }
    if (times > 0)
        histogram_add(histogram, now_ns - arrival_ns, times);
    host->pending_head = (host->pending_head + count) & (host->pending_capacity - 1);
    host->pending_count -= count;
}

/* H4: the next batch is applied before it is durable only if neither it nor one behind it hands
 * something to the outside world. */
static bool waits_for_disk(const struct shard_host *host)
{
    const u64 lsn = host->log->positions.applied_lsn + 1;
    return lsn <= host->outbox_lsn && lsn > host->log->positions.durable_lsn;
}

static void note_replay(struct shard_host *host, const struct replog_batch *batch)
{
    struct reactor *reactor = host->reactor;
    host->replayed_batches++;
    host->replayed_entries += batch->entry_count;
    const u64 now_ns = clock_monotonic_ns();
    if (now_ns - host->replay_note_ns < REPLAY_NOTE_NS)
        return;
    host->replay_note_ns = now_ns;
    log_line(&reactor->server->log, LOG_LEVEL_INFO, "replay",
             "shard=%u lsn=%llu batches=%llu entries=%llu", host->index,
             (unsigned long long)batch->lsn, (unsigned long long)host->replayed_batches,
             (unsigned long long)host->replayed_entries);
}

static void replay(struct shard_host *host, const struct replog_batch *batch)
{
    MUST(batch->stamp_ns >= host->stamp_ns);
    while (!shard_expire(host->shard, batch->stamp_ns, HOST_EXPIRE_BUDGET)) {}
    shard_apply(host->shard, batch->lsn, batch->payload, batch->bytes, false, NULL, NULL);
    host->stamp_ns = batch->stamp_ns;
    note_replay(host, batch);
}

/* As much of the batch as fits into this turn's slice; at least something. True: all of it. */
static bool apply_slices(struct shard_host *host, const struct replog_batch *batch)
{
    u32 left;
    do {
        left = shard_apply_slice(host->shard, batch->lsn, batch->payload, batch->bytes, true,
                                 on_reply, host);
        const u32 count = batch->entry_count - left - host->applied_entries;
        pending_drop(host, count);
        host->applied_entries += count;
    } while (left != 0 && clock_monotonic_ns() < host->apply_until_ns);
    return left == 0;
}

static bool on_commit(void *context, const struct replog_batch *batch)
{
    struct shard_host *host = context;
    struct reactor *reactor = host->reactor;
    reactor->facts.shard = host->index;
    reactor->facts.durable_lsn = batch->lsn;
    reactor->facts.opcode = 0;
    host->is_changed = true;
    if (batch->is_replay) {
        reactor->facts.applied_lsn = batch->lsn;
        replay(host, batch);
        return true;
    }
    if (UNLIKELY(waits_for_disk(host)))
        return false;
    /* What becomes due by applying half a batch expires after it, as in a replay. */
    if (host->applied_entries == 0 &&
        !shard_expire(host->shard, batch->stamp_ns, HOST_EXPIRE_BUDGET)) {
        host->is_halfway = true;
        return false;
    }
    reactor->facts.applied_lsn = batch->lsn;
    host->is_halfway = !apply_slices(host, batch);
    if (host->is_halfway)
        return false;
    host->applied_entries = 0;
    MUST(shard_applied_lsn(host->shard) == batch->lsn);
    return true;
}

void host_deliver(struct shard_host *host)
{
    struct replog *log = host->log;
    if (host->is_overlapping) {
        host->is_overlapping = false; /* host_tick wants the next turn at once */
        return;
    }
    if (!log->has_undelivered || log->is_failed)
        return;
    host->apply_until_ns = clock_monotonic_ns() + HOST_APPLY_NS;
    (void)replog_deliver(log, HOST_DELIVER_MAX);
}

/* ---- the log's own messages ------------------------------------------------------------------ */

static void on_log_failure(void *context, const char *reason)
{
    struct shard_host *host = context;
    server_tell(host->reactor->server, SERVER_EVENT_FAILED, host->reactor->index, EXIT_RUNTIME,
                reason);
}

static void on_log_note(void *context, const char *text)
{
    struct shard_host *host = context;
    char quoted[LOG_LINE_BYTES_MAX / 2];
    log_line(&host->reactor->server->log, LOG_LEVEL_INFO, "log", "shard=%u text=%s", host->index,
             log_quote(quoted, sizeof quoted, text));
}

/* ---- background ------------------------------------------------------------------------------ */

u64 host_tick(struct shard_host *host)
{
    struct reactor *reactor = host->reactor;
    struct replog *log = host->log;
    u64 wanted_ns = replog_tick(log, reactor->now_ns);
    if (log->is_failed)
        return wanted_ns;
    if (shard_work(host->shard))
        return reactor->now_ns;
    wanted_ns = MIN(wanted_ns, MIN(park_deadline_ns(host), post_deadline_ns(host)));
    if (host->is_halfway || (log->has_undelivered && !waits_for_disk(host)))
        return reactor->now_ns; /* goes on at once */
    if (log->open_entries > 0 && log->can_append)
        return MIN(wanted_ns, reactor->now_ns + NS_PER_MS); /* the log did not take it just now */
    const u64 due_ns = shard_next_deadline_ns(host->shard);
    if (due_ns == UINT64_MAX || due_ns <= host->stamp_ns || host->is_stopping || !log->can_append ||
        !log->has_space)
        return wanted_ns;
    const u64 wait_ns = due_ns > reactor->log_now_ns ? due_ns - reactor->log_now_ns : 0;
    const u64 earliest_ns = host->expiry_batch_ns + EXPIRY_BATCH_INTERVAL_NS;
    return MIN(wanted_ns, MAX(reactor->now_ns + wait_ns, earliest_ns));
}

void host_publish(struct shard_host *host)
{
    if (!host->is_changed)
        return;
    host->is_changed = false;
    struct shard_metrics *to = &host->reactor->server->shard_metrics[host->index];
    const struct replog_positions *positions = &host->log->positions;
    const struct replog_statistics *statistics = &host->log->statistics;
    struct shard_counters counters;
    shard_counters_read(host->shard, &counters);
    metric_set(&to->reactor, host->reactor->index);
    metric_set(&to->appended_lsn, positions->appended_lsn);
    metric_set(&to->durable_lsn, positions->durable_lsn);
    metric_set(&to->applied_lsn, shard_applied_lsn(host->shard));
    metric_set(&to->trimmed_lsn, positions->trimmed_lsn);
    metric_set(&to->last_stamp_ns, shard_last_stamp_ns(host->shard));
    metric_set(&to->memory_used, shard_memory_used(host->shard));
    metric_set(&to->has_space, host->log->has_space);
    metric_set(&to->batches, statistics->batches);
    metric_set(&to->entries, statistics->entries);
    metric_set(&to->payload_bytes, statistics->payload_bytes);
    metric_set(&to->written_bytes, statistics->written_bytes);
    metric_set(&to->segments, statistics->segments);
    metric_set(&to->superblocks, statistics->superblocks);
#define PUBLISH(name) metric_set(&to->name, counters.name);
    PUBLISH(resources)
    PUBLISH(products)
    PUBLISH(holds)
    PUBLISH(allocations)
    PUBLISH(tombstones)
    PUBLISH(sessions)
    PUBLISH(granted_records)
    PUBLISH(refused_sold_out)
    PUBLISH(refused_all_held)
    PUBLISH(refused_on_arrival)
    PUBLISH(replayed_frames)
    PUBLISH(replayed_records)
    PUBLISH(expired_holds)
    PUBLISH(sessions_evicted)
    PUBLISH(carts)
    PUBLISH(cart_lines)
    PUBLISH(expired_carts)
    PUBLISH(orders)
    PUBLISH(open_orders)
    PUBLISH(waiting_orders)
    PUBLISH(ready_commands)
    PUBLISH(dead_commands)
    PUBLISH(reviews)
    PUBLISH(approved_reviews)
    PUBLISH(pending_reviews)
    PUBLISH(flagged_reviews)
    PUBLISH(review_votes)
    PUBLISH(review_purchases)
    PUBLISH(copurchase_tables)
    PUBLISH(copurchase_slots)
    PUBLISH(copurchase_bytes)
    PUBLISH(copurchase_thinned)
    PUBLISH(copurchase_lost)
    PUBLISH(under_way_entries)
    PUBLISH(mail_queued)
    PUBLISH(mail_sent)
    PUBLISH(mail_applied)
#undef PUBLISH
}

/* ---- life ------------------------------------------------------------------------------------ */

int host_open(struct shard_host *host, struct reactor *reactor, u16 index, char *reason,
              size_t reason_bytes)
{
    const struct config *config = &reactor->server->config;
    const struct shard_options options = {.index = index,
                                          .count = reactor->server->shard_count,
                                          .memory_max =
                                              config->memory_max / reactor->server->shard_count};
    *host = (struct shard_host){.reactor = reactor, .index = index, .is_changed = true};
    host->replay_note_ns = clock_monotonic_ns();
    host->shard = shard_open(&options);
    if (host->shard == NULL) {
        (void)snprintf(reason, reason_bytes, "no memory for an empty shard %u", index);
        return EXIT_RUNTIME;
    }
    const struct wal_options wal = {
        .ring = reactor->ring,
        .dir = &reactor->server->dir,
        .callbacks = {.context = host,
                      .on_commit = on_commit,
                      .on_failure = on_log_failure,
                      .on_note = on_log_note},
        .reserve_bytes = config->log_reserve,
        .now_ns = host->replay_note_ns,
        .async_max_ms = (u32)config->async_max_ms,
        .shard = index,
        .mode = (u8)LOG_MODE(config->durability),
    };
    if (wal_open(&host->log, &wal, reason, reason_bytes) != 0) {
        shard_close(host->shard);
        return EXIT_DATA;
    }
    MUST(host->stamp_ns == shard_last_stamp_ns(host->shard) || host->replayed_batches == 0);
    park_init(&host->park);
    shard_part_prepare(host->shard);
    if (!post_open(host)) {
        (void)snprintf(reason, reason_bytes, "no memory for the mail of shard %u", index);
        return EXIT_RUNTIME; /* the process ends; what was opened goes with it */
    }
    if (host->replayed_batches > 0)
        log_line(&reactor->server->log, LOG_LEVEL_INFO, "replayed",
                 "shard=%u lsn=%llu batches=%llu entries=%llu ms=%llu", index,
                 (unsigned long long)shard_applied_lsn(host->shard),
                 (unsigned long long)host->replayed_batches,
                 (unsigned long long)host->replayed_entries,
                 (unsigned long long)((clock_monotonic_ns() - wal.now_ns) / NS_PER_MS));
    return 0;
}

void host_stop(struct shard_host *host)
{
    const struct replog *log = host->log;
    if (!host->is_stopping) {
        host->is_stopping = true;
        post_stop(host);
    }
    if (host->is_log_stopping || log->open_entries > 0 || log->has_undelivered ||
        host->pending_count > 0)
        return;
    host->is_log_stopping = true;
    replog_stop(host->log);
}

bool host_is_stopped(const struct shard_host *host)
{
    return host->is_log_stopping && replog_is_stopped(host->log);
}

void host_close(struct shard_host *host)
{
    part_queue_close(host);
    replog_close(host->log);
    shard_close(host->shard);
    post_close(host);
    park_deinit(&host->park);
    free(host->pending);
    *host = (struct shard_host){0};
}
