/* post: see post.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/post.h"

#include <stdlib.h>
#include <string.h>

#include "engine/reactor.h"

/* At the begin of a chunk's bytes; entries follow, as they will stand in the log. */
struct post_chunk {
    u64 last_seq;
    u64 ack_seq; /* the answer */
    u32 offset;  /* of the next entry to take, at the receiver */
    u32 entry_count;
    u16 source; /* shards */
    u16 target;
    u16 is_closed; /* the answer: do not send any more */
    u16 zero0;
};
STATIC_CHECK(sizeof(struct post_chunk) == 32);
STATIC_CHECK(POST_CHUNK_BYTES >= sizeof(struct post_chunk) + sizeof(struct entry_header));

static struct post_chunk *chunk_of(const struct mail *mail)
{
    return (struct post_chunk *)(void *)mail->bytes;
}

static struct post_peer *peer_of(const struct shard_host *host, u16 shard)
{
    MUST(shard < host->reactor->server->shard_count && shard != host->index);
    return &host->post.peers[shard];
}

/* The host of a shard, NULL when it is another reactor's. */
static struct shard_host *local_host(struct reactor *reactor, u16 shard)
{
    return reactor_of_shard(reactor, shard) == reactor->index ? reactor_host(reactor, shard) : NULL;
}

/* P2: the process ends; until it does, this host does nothing any more. */
static void refuse_to_go_on(struct shard_host *host, u16 other, const char *what, u64 seq,
                            u64 known)
{
    char reason[320];
    if (host->post.is_broken)
        return;
    host->post.is_broken = true;
    (void)snprintf(reason, sizeof reason,
                   "shard-%03u and shard-%03u do not fit together: %s (number %llu, known %llu). "
                   "Their files are of different ages; restore all shards from one backup",
                   host->index, other, what, (unsigned long long)seq, (unsigned long long)known);
    server_tell(host->reactor->server, SERVER_EVENT_FAILED, host->reactor->index, EXIT_DATA,
                reason);
}

/* ---- life ------------------------------------------------------------------------------------ */

bool post_open(struct shard_host *host)
{
    const u16 count = host->reactor->server->shard_count;
    host->post = (struct post){.is_dirty = true};
    host->post.peers = calloc(count, sizeof *host->post.peers);
    if (host->post.peers == NULL)
        return false;
    for (u16 i = 0; i < count; i++) {
        struct post_peer *peer = &host->post.peers[i];
        if (i == host->index)
            continue;
        peer->offered_seq = shard_mail_acked(host->shard, i);
        peer->ack_seq = peer->offered_seq;
        peer->logged_seq = peer->offered_seq;
        peer->taken_seq = shard_mail_applied(host->shard, i);
        /* What was replayed is durable. */
        peer->sent_seq = shard_mail_sent(host->shard, i);
        peer->next_sent_seq = peer->sent_seq;
        peer->applied_seq = peer->taken_seq;
        peer->next_applied_seq = peer->taken_seq;
    }
    host->post.activity = shard_mail_activity(host->shard);
    return true;
}

void post_close(struct shard_host *host)
{
    free(host->post.peers);
    host->post.peers = NULL;
}

/* ---- what is durable (P1) -------------------------------------------------------------------- */

static void look_at_shard(struct shard_host *host)
{
    struct post *post = &host->post;
    for (u16 i = 0; i < host->reactor->server->shard_count; i++) {
        if (i == host->index)
            continue;
        post->peers[i].next_sent_seq = shard_mail_sent(host->shard, i);
        post->peers[i].next_applied_seq = shard_mail_applied(host->shard, i);
    }
    post->activity = shard_mail_activity(host->shard);
    post->view_lsn = shard_applied_lsn(host->shard);
}

static bool is_view_durable(const struct shard_host *host)
{
    return host->post.view_lsn <= host->log->positions.durable_lsn;
}

static void adopt_view(struct shard_host *host)
{
    for (u16 i = 0; i < host->reactor->server->shard_count; i++) {
        struct post_peer *peer = &host->post.peers[i];
        MUST(peer->sent_seq <= peer->next_sent_seq && peer->applied_seq <= peer->next_applied_seq);
        peer->sent_seq = peer->next_sent_seq;
        peer->applied_seq = peer->next_applied_seq;
    }
}

/* Brings sent_seq and applied_seq up to what is durable. In mode async a view is taken only between
 * batches: what a half-done one has sent belongs to a batch that is not counted as applied yet. */
static void refresh_view(struct shard_host *host)
{
    if (host->log->mode != REPLOG_MODE_ASYNC) {
        look_at_shard(host);
        adopt_view(host);
        return;
    }
    if (is_view_durable(host)) {
        adopt_view(host);
        if (!host->is_halfway)
            look_at_shard(host);
        if (is_view_durable(host))
            adopt_view(host);
    }
    host->post.is_dirty =
        !is_view_durable(host) || host->post.activity != shard_mail_activity(host->shard);
}

/* ---- acknowledgements ------------------------------------------------------------------------ */

/* Puts what is due into the open batch, as long as that has no entry. */
static void fill_acks(struct shard_host *host)
{
    struct post *post = &host->post;
    struct batch_ack acks[SHARDS_MAX];
    u32 count = 0;
    if (post->ack_since_ns == 0 || host->log->open_entries > 0 || host->log->is_failed ||
        host->is_stopping)
        return;
    for (u16 i = 0; i < host->reactor->server->shard_count; i++) {
        struct post_peer *peer = &post->peers[i];
        peer->set_seq = 0;
        if (peer->ack_seq == peer->logged_seq)
            continue;
        peer->set_seq = peer->ack_seq;
        acks[count++] = (struct batch_ack){.seq = peer->ack_seq, .shard = i};
    }
    replog_set_acks(host->log, acks, count);
}

void post_appended(struct shard_host *host)
{
    struct post *post = &host->post;
    bool is_due = false;
    if (LIKELY(post->ack_since_ns == 0))
        return;
    for (u16 i = 0; i < host->reactor->server->shard_count; i++) {
        struct post_peer *peer = &post->peers[i];
        peer->logged_seq = MAX(peer->logged_seq, peer->set_seq);
        peer->set_seq = 0;
        is_due = is_due || peer->ack_seq != peer->logged_seq;
    }
    post->ack_since_ns = is_due ? host->reactor->now_ns : 0;
    fill_acks(host);
}

/* Shard `from` has applied what was sent to it up to `seq`, and that is durable. */
static void note_acknowledged(struct shard_host *host, u16 from, u64 seq)
{
    struct post_peer *peer = peer_of(host, from);
    if (seq <= peer->ack_seq)
        return;
    if (seq > shard_mail_sent(host->shard, from)) {
        refuse_to_go_on(host, from, "the second has applied what the first has never sent", seq,
                        shard_mail_sent(host->shard, from));
        return;
    }
    peer->ack_seq = seq;
    if (host->post.ack_since_ns == 0)
        host->post.ack_since_ns = host->reactor->now_ns;
}

static bool may_acknowledge(const struct shard_host *host)
{
    return host->post.ack_since_ns != 0 && host->log->open_acks > 0 && !host->is_stopping &&
           host->log->has_space;
}

static u64 wait_ns(const struct shard_host *host)
{
    return shard_mail_queued_bytes(host->shard) >= POST_QUEUE_BYTES ? 0 : POST_ACK_WAIT_NS;
}

bool post_must_acknowledge(const struct shard_host *host)
{
    return may_acknowledge(host) &&
           host->reactor->now_ns >= host->post.ack_since_ns + wait_ns(host);
}

u64 post_deadline_ns(const struct shard_host *host)
{
    if (!may_acknowledge(host) || !host->log->can_append)
        return UINT64_MAX;
    return host->post.ack_since_ns + wait_ns(host);
}

/* ---- the side of the receiver ---------------------------------------------------------------- */

static void return_chunk(struct reactor *reactor, struct mail *mail, u64 ack_seq, bool is_closed)
{
    MUST(mail->kind == MAIL_KIND_POST);
    chunk_of(mail)->ack_seq = ack_seq;
    chunk_of(mail)->is_closed = is_closed;
    mail->kind = MAIL_KIND_POSTED;
    mail_send(reactor, mail->from, mail);
}

/* Tells every sender what has been applied. */
static void confirm(struct shard_host *host)
{
    struct reactor *reactor = host->reactor;
    for (u16 i = 0; i < reactor->server->shard_count; i++) {
        struct post_peer *peer = &host->post.peers[i];
        if (i == host->index ||
            (peer->confirmed_seq == peer->applied_seq && peer->taken.count == 0))
            continue;
        struct shard_host *local = local_host(reactor, i);
        MUST(peer->confirmed_seq <= peer->applied_seq && peer->applied_seq <= peer->taken_seq);
        peer->confirmed_seq = peer->applied_seq;
        if (local != NULL)
            note_acknowledged(local, host->index, peer->confirmed_seq);
        while (peer->taken.first != NULL &&
               chunk_of(peer->taken.first)->last_seq <= peer->confirmed_seq)
            return_chunk(reactor, mail_queue_pop(&peer->taken), peer->confirmed_seq, false);
    }
}

/* One message into the open batch. False: it has to wait. */
static bool take(struct shard_host *host, u16 source, const struct shard_mail *mail)
{
    struct post_peer *peer = peer_of(host, source);
    if (mail->seq <= peer->taken_seq)
        return true; /* sent again after a restart */
    if (mail->seq != peer->taken_seq + 1) {
        refuse_to_go_on(host, source, "the first lacks what the second has sent before", mail->seq,
                        peer->taken_seq);
        return false;
    }
    if (!host_take_mail(host, source, mail))
        return false;
    peer->taken_seq = mail->seq;
    return true;
}

/* What is left of a chunk. False: some of it has to wait. */
static bool take_chunk(struct shard_host *host, const struct mail *mail)
{
    struct post_chunk *chunk = chunk_of(mail);
    while (chunk->offset < mail->count) { /* ends: an entry further each time */
        struct entry_header entry;
        memcpy(&entry, mail->bytes + chunk->offset, sizeof entry);
        const struct shard_mail message = {.seq = entry.session_seq,
                                           .opcode = entry.opcode,
                                           .body_bytes = entry.body_bytes,
                                           .body = mail->bytes + chunk->offset + sizeof entry};
        if (!take(host, chunk->source, &message))
            return false;
        chunk->offset += (u32)sizeof entry + entry.body_bytes;
    }
    MUST(chunk->offset == mail->count);
    return true;
}

void post_admit(struct shard_host *host)
{
    struct post *post = &host->post;
    if (LIKELY(post->arrived_count == 0) || post->is_broken)
        return;
    for (u16 i = 0; i < host->reactor->server->shard_count; i++) {
        struct post_peer *peer = &post->peers[i];
        while (peer->arrived.first != NULL && take_chunk(host, peer->arrived.first)) {
            mail_queue_push(&peer->taken, mail_queue_pop(&peer->arrived));
            MUST(post->arrived_count > 0);
            post->arrived_count--;
            post->is_dirty = true; /* all of it may have been applied before */
        }
    }
}

void post_receive(struct reactor *reactor, struct mail *mail)
{
    const struct post_chunk *chunk = chunk_of(mail);
    struct shard_host *host = reactor_host(reactor, chunk->target);
    if (host->is_stopping) {
        return_chunk(reactor, mail, peer_of(host, chunk->source)->confirmed_seq, true);
        return;
    }
    mail_queue_push(&peer_of(host, chunk->source)->arrived, mail);
    host->post.arrived_count++;
}

void post_stop(struct shard_host *host)
{
    for (u16 i = 0; i < host->reactor->server->shard_count; i++) {
        struct post_peer *peer = &host->post.peers[i];
        struct mail *mail;
        while ((mail = mail_queue_pop(&peer->taken)) != NULL)
            return_chunk(host->reactor, mail, peer->confirmed_seq, true);
        while ((mail = mail_queue_pop(&peer->arrived)) != NULL)
            return_chunk(host->reactor, mail, peer->confirmed_seq, true);
    }
    host->post.arrived_count = 0;
}

/* ---- the side of the sender ------------------------------------------------------------------ */

/* Copies messages from the front of the queue; at least one, then as many as fit. */
static struct mail *make_chunk(struct shard_host *host, u16 target)
{
    struct reactor *reactor = host->reactor;
    struct post_peer *peer = &host->post.peers[target];
    struct post_chunk chunk = {
        .offset = sizeof chunk, .source = host->index, .target = target, .last_seq = 0};
    struct buffer buffer = {0};
    struct shard_mail message;
    memset(buffer_room(&reactor->buffers, &buffer, sizeof chunk), 0, sizeof chunk);
    buffer.end += (u32)sizeof chunk;
    while (buffer_count(&buffer) < POST_CHUNK_BYTES && peer->offered_seq < peer->sent_seq &&
           shard_mail_next(host->shard, target, peer->offered_seq, &message)) {
        const struct entry_header entry = {.body_bytes = message.body_bytes,
                                           .source = ENTRY_SOURCE_SHARD,
                                           .source_shard = host->index,
                                           .opcode = message.opcode,
                                           .record_count = 1,
                                           .session_seq = message.seq};
        u8 *room = buffer_room(&reactor->buffers, &buffer, (u32)sizeof entry + message.body_bytes);
        MUST(message.seq == peer->offered_seq + 1);
        memcpy(room, &entry, sizeof entry);
        memcpy(room + sizeof entry, message.body, message.body_bytes);
        buffer.end += (u32)sizeof entry + message.body_bytes;
        peer->offered_seq = message.seq;
        chunk.last_seq = message.seq;
        chunk.entry_count++;
    }
    MUST(chunk.entry_count > 0 && buffer.begin == 0);
    memcpy(buffer.bytes, &chunk, sizeof chunk);
    struct mail *mail = mail_acquire(reactor, 0);
    mail->kind = MAIL_KIND_POST;
    mail->bytes = buffer.bytes;
    mail->capacity = buffer.capacity;
    mail->count = buffer.end;
    metric_add(&reactor->metrics->mail_forwarded, chunk.entry_count);
    return mail;
}

static void offer_chunks(struct shard_host *host, u16 target)
{
    struct reactor *reactor = host->reactor;
    struct post_peer *peer = &host->post.peers[target];
    while (peer->offered_seq < peer->sent_seq && peer->bytes_under_way < POST_WINDOW_BYTES) {
        struct mail *mail = make_chunk(host, target);
        peer->bytes_under_way += mail->capacity;
        reactor->posts_under_way++;
        mail_send(reactor, reactor_of_shard(reactor, target), mail);
    }
    /* What does not fit into the window goes when a chunk has come back. */
}

static void offer_locally(struct shard_host *host, struct shard_host *target)
{
    struct post_peer *peer = &host->post.peers[target->index];
    struct shard_mail message;
    while (peer->offered_seq < peer->sent_seq &&
           shard_mail_next(host->shard, target->index, peer->offered_seq, &message)) {
        MUST(message.seq == peer->offered_seq + 1);
        if (!take(target, host->index, &message)) {
            host->post.is_dirty = true;
            return;
        }
        peer->offered_seq = message.seq;
    }
}

static void offer(struct shard_host *host)
{
    for (u16 i = 0; i < host->reactor->server->shard_count; i++) {
        const struct post_peer *peer = &host->post.peers[i];
        if (i == host->index || peer->offered_seq == peer->sent_seq || peer->is_closed)
            continue;
        struct shard_host *local = local_host(host->reactor, i);
        if (local != NULL)
            offer_locally(host, local);
        else
            offer_chunks(host, i);
    }
}

void post_returned(struct reactor *reactor, struct mail *mail)
{
    const struct post_chunk *chunk = chunk_of(mail);
    struct shard_host *host = reactor_host(reactor, chunk->source);
    struct post_peer *peer = peer_of(host, chunk->target);
    MUST(peer->bytes_under_way >= mail->capacity && reactor->posts_under_way > 0);
    peer->bytes_under_way -= mail->capacity;
    reactor->posts_under_way--;
    peer->is_closed = peer->is_closed || chunk->is_closed != 0;
    note_acknowledged(host, chunk->target, chunk->ack_seq);
    host->post.is_dirty = true; /* the window is open again */
    mail_release(reactor, mail);
}

/* ---- a turn ---------------------------------------------------------------------------------- */

/* Acknowledgements of all first, so that they are in their batches before the first entry; then what
 * is to be sent, from another shard first in each turn. */
bool post_turn(struct reactor *reactor)
{
    bool is_any_dirty = false;
    if (reactor->phase != REACTOR_PHASE_SERVING)
        return false; /* not all shards have been recovered, or what is left waits for the next start */
    for (u32 i = 0; i < reactor->host_count; i++) {
        struct shard_host *host = &reactor->hosts[i];
        if (!host->post.is_dirty && host->post.activity == shard_mail_activity(host->shard))
            continue;
        if (host->log->is_failed || host->post.is_broken)
            continue;
        host->post.is_dirty = false;
        host->post.is_offering = true;
        is_any_dirty = true;
        refresh_view(host);
        confirm(host);
    }
    if (LIKELY(!is_any_dirty))
        return false;
    const u32 first = reactor->post_first++ % reactor->host_count;
    for (u32 i = 0; i < reactor->host_count; i++)
        fill_acks(&reactor->hosts[i]);
    for (u32 i = 0; i < reactor->host_count; i++) {
        struct shard_host *host = &reactor->hosts[(first + i) % reactor->host_count];
        if (host->post.is_offering)
            offer(host);
        host->post.is_offering = false;
    }
    return true;
}
