/* shard_apply: one batch of the log, entry by entry: session, execution, reply.
 *
 * Sessions and first records of a window of entries are prefetched ahead, so that batches of many
 * one-record frames overlap their misses as the records of one frame do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/frame.h"
#include "shards/shard_handlers.h"
#include "shards/stock/stock_tell.h"

/* An entry of the batch, decoded ahead of its turn. */
struct entry_view {
    struct entry_header header;
    const struct message_info *info;
    const u8 *body;
    u64 session_hash;
    u64 first_hash;
    u64 grant_hash; /* of the first record's grant, 0 = none */
    u32 session_candidate;
    bool has_first_hash;
};

/* A batch under way. */
struct batch_walk {
    const u8 *bytes;
    u32 end;
    u32 offset;
    u64 now_ns;
    bool is_local;
};

UNUSED static bool entry_body_valid(const struct entry_view *view)
{
    struct frame_refusal refusal;
    return frame_records_valid(view->info, FRAME_DIRECTION_REQUEST, view->body,
                               view->header.body_bytes, view->header.record_count, &refusal);
}

/* A batch comes from our own log, past its checksum: what is wrong with it is a bug of ours. */
static void decode_entry(struct batch_walk *walk, struct entry_view *view)
{
    MUST(walk->end - walk->offset >= sizeof view->header);
    memcpy(&view->header, walk->bytes + walk->offset, sizeof view->header);
    walk->offset += (u32)sizeof view->header;
    MUST(view->header.body_bytes % 8 == 0);
    MUST(walk->end - walk->offset >= view->header.body_bytes);
    MUST(view->header.source == ENTRY_SOURCE_SESSION || view->header.source == ENTRY_SOURCE_SHARD);
    MUST(view->header.record_count != 0);
    view->body = walk->bytes + walk->offset;
    walk->offset += view->header.body_bytes;
    view->info = message_find(view->header.opcode);
    MUST(view->info != NULL);
    MUST(view->info->class ==
         (view->header.source == ENTRY_SOURCE_SHARD ? MESSAGE_CLASS_MAIL : MESSAGE_CLASS_WRITE));
    MUST(view->header.record_count <= view->info->records_max);
    MUST(view->info->request.span_count != 0 ||
         view->header.body_bytes ==
             (u32)view->header.record_count * view->info->request.fixed_bytes);
    CHECK(entry_body_valid(view));
}

static void prefetch_entry(const struct shard *shard, struct entry_view *view)
{
    if (UNLIKELY(view->header.source != ENTRY_SOURCE_SESSION)) {
        view->session_hash = 0;
        view->has_first_hash = false;
        view->grant_hash = 0;
        return;
    }
    view->session_hash = session_hash(view->header.session);
    map_prefetch(&shard->sessions.map, view->session_hash);
    view->grant_hash = 0;
    view->has_first_hash = view->info->route == MESSAGE_ROUTE_RESOURCE;
    if (!view->has_first_hash)
        return;
    struct resource key;
    memcpy(&key, view->body + view->info->route_offset, sizeof key);
    view->first_hash = route_hash_resource(key);
    map_prefetch(&shard->stock.resources, view->first_hash);
    const u32 id_offset = shard_grant_id_offset(view->header.opcode);
    if (id_offset == 0 || view->header.record_count != 1)
        return;
    struct id128 id;
    memcpy(&id, view->body + id_offset, sizeof id);
    if (id128_is_none(id))
        return;
    view->grant_hash = stock_grant_hash(key.id, id);
    map_prefetch(&shard->stock.grant_map, view->grant_hash);
}

static void prefetch_records(const struct shard *shard, struct entry_view *views, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const u32 session = map_first_candidate(&shard->sessions.map, views[i].session_hash);
        views[i].session_candidate = session;
        if (session != 0)
            pool_prefetch(&shard->sessions.pool, session);
        if (!views[i].has_first_hash)
            continue;
        const u32 hot = map_first_candidate(&shard->stock.resources, views[i].first_hash);
        if (hot != 0)
            pool_prefetch(&shard->stock.hots, hot);
        if (views[i].grant_hash == 0)
            continue;
        const u32 grant = map_first_candidate(&shard->stock.grant_map, views[i].grant_hash);
        if (grant != 0)
            pool_prefetch(&shard->stock.grants, grant);
    }
    for (u32 i = 0; i < count; i++) {
        if (views[i].session_candidate == 0)
            continue;
        const struct session *session = session_at(&shard->sessions, views[i].session_candidate);
        if (session->slot_count != 0)
            store_prefetch(
                &session->slots[views[i].header.session_seq & (session->slot_count - 1u)]);
    }
}

/* The carts that frames of one record are about. */
static void prefetch_carts(const struct shard *shard, const struct entry_view *views, u32 count)
{
    u64 hashes[SHARD_WINDOW_ENTRIES];
    u32 found = 0;
    for (u32 i = 0; i < count; i++) {
        u64 user_id;
        if (views[i].info->route != MESSAGE_ROUTE_USER || views[i].header.record_count != 1)
            continue;
        memcpy(&user_id, views[i].body + views[i].info->route_offset, sizeof user_id);
        hashes[found++] = route_hash_u64(user_id);
    }
    if (found != 0)
        cart_prefetch(&shard->carts, hashes, found);
}

static struct gate_frame gate_frame_of(const struct entry_view *view)
{
    return (struct gate_frame){
        .info = view->info,
        .body = view->body,
        .body_bytes = view->header.body_bytes,
        .record_count = view->header.record_count,
        .is_linked = (view->header.flags & FRAME_FLAG_LINKED) != 0,
        .session = view->header.session,
        .session_seq = view->header.session_seq,
    };
}

/* The soft counters of the session that shard_admit raised. It may have been evicted and opened
 * again meanwhile, so they never go below 0. */
static void leave_session(struct session_room *room, u32 index, u32 reply_bytes)
{
    struct session *session = session_at(room, index);
    session->way_frames -= MIN(session->way_frames, 1);
    session->way_bytes -= MIN(session->way_bytes, reply_bytes);
}

static struct shard_reply refusal(u16 status)
{
    return (struct shard_reply){.status = status};
}

static struct shard_reply reply_of_kept(struct session_kept *kept, u16 flags)
{
    return (struct shard_reply){.flags = flags,
                                .record_count = kept->record_count,
                                .body_bytes = kept->bytes,
                                .body = session_kept_body(kept)};
}

static void execute(struct shard *shard, const struct batch_walk *walk,
                    const struct entry_view *view, u8 *replies)
{
    const struct shard_frame frame = {
        .info = view->info,
        .entry = &view->header,
        .body = view->body,
        .replies = replies,
        .now_ns = walk->now_ns,
        .first_hash = view->first_hash,
        .first_grant_hash = view->grant_hash,
        .has_first_hash = view->has_first_hash,
    };
    shard_execute(shard, &frame);
}

/* session_open has no sequence number and no kept reply: asking again does no harm. */
static struct shard_reply apply_open(struct shard *shard, const struct batch_walk *walk,
                                     const struct entry_view *view)
{
    const u32 bytes = view->info->reply.fixed_bytes;
    if (id128_is_none(view->header.session))
        return refusal(STATUS_NO_SESSION);
    MUST(view->header.record_count == 1);
    MUST(bytes <= SHARD_SCRATCH_BYTES);
    execute(shard, walk, view, shard->scratch);
    return (struct shard_reply){.record_count = 1, .body_bytes = bytes, .body = shard->scratch};
}

void shard_apply_session_open(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply)
{
    (void)request;
    struct msg_session_open_rsp *answer = reply;
    bool is_new;
    const u32 index = session_open(&shard->sessions, call->entry->session, call->now_ns, &is_new);
    MUST(index != 0);
    answer->head.flags = is_new ? 0 : RECORD_FLAG_REPLAYED;
    answer->window_frames = SESSION_WINDOW_FRAMES;
    answer->reply_bytes_max = SESSION_REPLY_BYTES_MAX;
}

/* A numbered frame of a known session. */
static struct shard_reply apply_numbered(struct shard *shard, const struct batch_walk *walk,
                                         const struct entry_view *view, u32 index)
{
    struct session_room *room = &shard->sessions;
    const struct entry_header *header = &view->header;
    session_touch(room, index, walk->now_ns);
    session_trim(room, index, header->acked_seq);
    const struct session *session = session_at(room, index);
    if (header->session_seq <= session->acked_seq)
        return refusal(STATUS_TOO_OLD);
    if (header->session_seq - session->acked_seq > SESSION_WINDOW_FRAMES)
        return refusal(STATUS_SESSION_BUSY);
    struct session_kept *kept = session_kept_find(session, header->session_seq);
    if (kept != NULL) {
        shard->replayed_frames++;
        if (kept->opcode != header->opcode || kept->record_count != header->record_count)
            return refusal(STATUS_ID_MISMATCH);
        return reply_of_kept(kept, FRAME_FLAG_REPLAYED);
    }
    const struct session_kept facts = {
        .seq = header->session_seq,
        .bytes = (u32)header->record_count * view->info->reply.fixed_bytes,
        .opcode = header->opcode,
        .record_count = header->record_count,
    };
    u8 *replies = session_keep(room, index, &facts);
    execute(shard, walk, view, replies);
    return (struct shard_reply){
        .record_count = facts.record_count, .body_bytes = facts.bytes, .body = replies};
}

static struct shard_reply apply_frame(struct shard *shard, const struct batch_walk *walk,
                                      const struct entry_view *view)
{
    const struct entry_header *header = &view->header;
    if (walk->is_local) {
        const struct gate_frame frame = gate_frame_of(view);
        gate_leave(&shard->gate, &frame);
    }
    if (view->info->code == OPCODE_SESSION_OPEN)
        return apply_open(shard, walk, view);
    if (id128_is_none(header->session) || header->session_seq == 0)
        return refusal(STATUS_NO_SESSION);
    const u32 index = session_find(&shard->sessions, view->session_hash, header->session);
    if (index == 0)
        return refusal(STATUS_SESSION_EXPIRED);
    if (walk->is_local)
        leave_session(&shard->sessions, index,
                      (u32)header->record_count * view->info->reply.fixed_bytes);
    return apply_numbered(shard, walk, view, index);
}

/* What the shard tells itself changes levels, and levels are told. */
static void settle(struct shard *shard, u64 now_ns)
{
    u32 budget = UINT32_MAX;
    mail_apply_own(shard, now_ns);
    const bool is_told = stock_tell_marked(shard, now_ns, &budget);
    MUST(is_told && shard->mail.own_count == 0 && !stock_has_marked(&shard->stock));
}

/* The reply of a message is none: the engine asks nobody for it. What the shard told itself on the
 * way is part of the same step. */
static struct shard_reply apply_entry(struct shard *shard, const struct batch_walk *walk,
                                      const struct entry_view *view)
{
    struct shard_reply reply = {0};
    if (LIKELY(view->header.source == ENTRY_SOURCE_SESSION)) {
        reply = apply_frame(shard, walk, view);
    } else {
        if (walk->is_local)
            gate_leave_mail(&shard->gate);
        mail_apply_entry(shard, &view->header, view->body, walk->now_ns);
    }
    if (UNLIKELY(shard->mail.own_count != 0 || stock_has_marked(&shard->stock)))
        settle(shard, walk->now_ns);
    if (UNLIKELY(shard->catalog.touched_first != 0))
        catalog_tell_touched(shard);
    return reply;
}

static void trim_mail(struct shard *shard, const u8 *acks, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct batch_ack ack;
        memcpy(&ack, acks + (size_t)i * sizeof ack, sizeof ack);
        mail_trim(shard, ack.shard, ack.seq);
    }
}

/* The next entries of a batch, a window of them. */
static u32 apply_window(struct shard *shard, struct batch_walk *walk, u32 first, u32 entry_count,
                        shard_reply_fn *on_reply, void *context)
{
    struct entry_view views[SHARD_WINDOW_ENTRIES];
    const u32 count = MIN(entry_count - first, SHARD_WINDOW_ENTRIES);
    for (u32 i = 0; i < count; i++) {
        decode_entry(walk, &views[i]);
        prefetch_entry(shard, &views[i]);
    }
    prefetch_records(shard, views, count);
    prefetch_carts(shard, views, count);
    for (u32 i = 0; i < count; i++) {
        const struct shard_reply reply = apply_entry(shard, walk, &views[i]);
        if (on_reply != NULL)
            on_reply(context, first + i, &reply);
    }
    return count;
}

static void begin_batch(struct shard *shard, const u8 *batch, const struct batch_header *header)
{
    const u64 ack_bytes = (u64)header->ack_count * sizeof(struct batch_ack);
    MUST(header->state_version == BATCH_STATE_VERSION);
    MUST(header->stamp_ns >= shard->stamp_ns);
    MUST(shard->expired_ns >= header->stamp_ns && shard->expiring_ns == 0); /* S3 */
    MUST(ack_bytes <= header->bytes - sizeof *header);
    shard->stamp_ns = header->stamp_ns;
    shard->slice_offset = (u32)(sizeof *header + ack_bytes);
    shard->slice_entries = 0;
    trim_mail(shard, batch + sizeof *header, header->ack_count);
}

u32 shard_apply_slice(struct shard *shard, u64 lsn, const u8 *batch, u32 bytes, bool is_local,
                      shard_reply_fn *on_reply, void *context)
{
    struct batch_header header;
    MUST(bytes >= sizeof header);
    memcpy(&header, batch, sizeof header);
    MUST(header.bytes == bytes);
    MUST(lsn == shard->applied_lsn + 1);
    if (shard->slice_offset == 0)
        begin_batch(shard, batch, &header);
    MUST(header.stamp_ns == shard->stamp_ns);
    struct batch_walk walk = {.bytes = batch,
                              .end = bytes,
                              .offset = shard->slice_offset,
                              .now_ns = header.stamp_ns,
                              .is_local = is_local};
    shard->slice_entries +=
        apply_window(shard, &walk, shard->slice_entries, header.entry_count, on_reply, context);
    shard->slice_offset = walk.offset;
    const u32 left = header.entry_count - shard->slice_entries;
    if (left == 0) {
        MUST(walk.offset == walk.end);
        shard->slice_offset = 0;
        shard->applied_lsn = lsn;
    }
    return left;
}

void shard_apply(struct shard *shard, u64 lsn, const u8 *batch, u32 bytes, bool is_local,
                 shard_reply_fn *on_reply, void *context)
{
    u32 left;
    do {
        left = shard_apply_slice(shard, lsn, batch, bytes, is_local, on_reply, context);
    } while (left != 0); /* ends: fewer each time */
}
