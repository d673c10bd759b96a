/* forward: see forward.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/forward.h"

#include <stdlib.h>
#include <string.h>

#include "engine/inquiry.h"
#include "engine/net/handoff.h"
#include "engine/reactor.h"

/* ---- messages and queues --------------------------------------------------------------------- */

void mail_queue_push(struct mail_queue *queue, struct mail *mail)
{
    mail->next = NULL;
    if (queue->last == NULL)
        queue->first = mail;
    else
        queue->last->next = mail;
    queue->last = mail;
    queue->count++;
}

struct mail *mail_queue_pop(struct mail_queue *queue)
{
    struct mail *mail = queue->first;
    if (mail == NULL)
        return NULL;
    queue->first = mail->next;
    if (queue->first == NULL)
        queue->last = NULL;
    MUST(queue->count > 0);
    queue->count--;
    mail->next = NULL;
    return mail;
}

struct mail *mail_acquire(struct reactor *reactor, u32 capacity)
{
    struct mail *mail = reactor->free_mail;
    if (mail != NULL)
        reactor->free_mail = mail->next;
    else
        mail = malloc(sizeof *mail);
    if (mail == NULL)
        PANIC("no memory for mail");
    *mail = (struct mail){.from = reactor->index, .fd = -1};
    if (capacity > 0)
        mail->bytes = buffer_pool_acquire(&reactor->buffers, capacity, &mail->capacity);
    return mail;
}

void mail_release(struct reactor *reactor, struct mail *mail)
{
    MUST(mail->from == reactor->index);
    if (mail->bytes != NULL)
        buffer_pool_release(&reactor->buffers, &mail->bytes, mail->capacity);
    mail->next = reactor->free_mail;
    reactor->free_mail = mail;
}

static void ring_bell(struct reactor *reactor, u32 to)
{
    struct mailbox_bell *bell = &reactor->server->bells[to];
    if (mailbox_bell_must_ring(bell))
        ring_wake(reactor->ring, bell->address);
}

void mail_send(struct reactor *reactor, u32 to, struct mail *mail)
{
    struct peer *peer = &reactor->peers[to];
    struct mailbox *box = server_mailbox(reactor->server, reactor->index, to);
    if (peer->outbox.count > 0 || !mailbox_push(box, mail)) {
        mail_queue_push(&peer->outbox, mail); /* F3 */
        return;
    }
    ring_bell(reactor, to);
}

/* ---- the side of the connection -------------------------------------------------------------- */

/* The largest answer that the frame can have. */
static u32 answer_bytes_max(const struct frame_header *header)
{
    const struct message_info *info = message_find(header->opcode);
    const u64 body = (u64)info->reply.record_bytes_max * header->record_count;
    return (u32)MIN(MAX(FRAME_HEADER_BYTES + body, FRAME_REFUSAL_BYTES), FRAME_BYTES_MAX);
}

bool forward_has_room(const struct reactor *reactor, const struct frame_header *header)
{
    const struct peer *peer = &reactor->peers[reactor_of_shard(reactor, header->shard)];
    const u32 capacity = MAX(header->length, answer_bytes_max(header));
    return peer->frames_under_way < FORWARD_FRAMES_MAX && reactor->phase < REACTOR_PHASE_DRAINED &&
           (peer->frames_under_way == 0 || peer->bytes_under_way + capacity <= FORWARD_BYTES_MAX);
}

void forward_frame(struct reactor *reactor, const struct origin *origin,
                   const struct frame_header *header, const u8 *bytes)
{
    const u32 to = reactor_of_shard(reactor, header->shard);
    struct peer *peer = &reactor->peers[to];
    const u32 capacity = MAX(header->length, answer_bytes_max(header));
    if (!forward_has_room(reactor, header)) {
        const struct frame_echo echo = frame_echo_of(header);
        metric_add(&reactor->metrics->overloaded, 1);
        origin_refuse(
            reactor, origin, &echo, STATUS_OVERLOADED, FORWARD_RETRY_MS,
            (struct frame_detail){.limit = FORWARD_FRAMES_MAX, .actual = peer->frames_under_way});
        return;
    }
    struct mail *mail = mail_acquire(reactor, capacity);
    struct origin_handle handle;
    origin_defer(origin, &handle);
    mail->kind = MAIL_KIND_FRAME;
    mail->connection = handle.connection;
    mail->generation = handle.generation;
    mail->inquiry = handle.inquiry;
    mail->ask = handle.ask;
    mail->arrival_ns = origin->arrival_ns;
    mail->count = header->length;
    memcpy(mail->bytes, bytes, header->length);
    peer->frames_under_way++;
    peer->bytes_under_way += mail->capacity;
    metric_add(&reactor->metrics->frames_forwarded, 1);
    mail_send(reactor, to, mail);
}

/* An answer has come back: into the connection's output, as it is. */
static void deliver_answer(struct reactor *reactor, u32 from, struct mail *mail)
{
    struct peer *peer = &reactor->peers[from];
    MUST(peer->frames_under_way > 0 && peer->bytes_under_way >= mail->capacity);
    peer->frames_under_way--;
    peer->bytes_under_way -= mail->capacity;
    const struct origin_handle handle = {.connection = mail->connection,
                                         .generation = mail->generation,
                                         .inquiry = mail->inquiry,
                                         .ask = mail->ask,
                                         .arrival_ns = mail->arrival_ns};
    const struct origin origin = origin_resume(reactor, &handle);
    if (origin.inquiry != NULL && mail->count > INQUIRY_COPY_MAX) {
        inquiry_keep(origin.inquiry, mail);
        inquiry_answered(origin.inquiry, origin.ask, mail->bytes);
        return;
    }
    if (origin.inquiry != NULL) {
        u8 *frame = inquiry_answer_room(reactor, origin.inquiry, mail->count);
        memcpy(frame, mail->bytes, mail->count);
        inquiry_answered(origin.inquiry, origin.ask, frame);
    } else if (origin.connection != NULL) {
        memcpy(connection_reply_room(origin.connection, mail->count), mail->bytes, mail->count);
        connection_reply_written(origin.connection, mail->count);
        const struct frame_header header = frame_header_read(mail->bytes);
        const struct message_info *info = message_find(header.opcode);
        if (mail->arrival_ns != FORWARD_PARKED)
            origin_measure(reactor, &origin,
                           info->class == MESSAGE_CLASS_GATHER ? LATENCY_CLASS_GATHER
                           : info->class == MESSAGE_CLASS_READ ? LATENCY_CLASS_READ
                                                               : LATENCY_CLASS_WRITE);
    } else {
        metric_add(&reactor->metrics->replies_lost, 1);
    }
    mail_release(reactor, mail);
}

/* ---- the side of the shard ------------------------------------------------------------------- */

void forward_answer(struct reactor *reactor, struct mail *mail, u32 count)
{
    MUST(mail->kind == MAIL_KIND_FRAME && count <= mail->capacity);
    mail->kind = MAIL_KIND_REPLY;
    mail->count = count;
    mail_send(reactor, mail->from, mail);
}

/* False: it has to wait. */
static bool serve_frame(struct reactor *reactor, struct mail *mail)
{
    const struct frame_header header = frame_header_read(mail->bytes);
    const struct message_info *info = message_find(header.opcode);
    MUST(info != NULL && header.length == mail->count); /* judged where it arrived */
    const struct origin origin = {.mail = mail, .arrival_ns = mail->arrival_ns};
    reactor->facts.opcode = header.opcode;
    if (info->class == MESSAGE_CLASS_GATHER) {
        inquiry_begin(reactor, &origin, &header, mail->bytes + FRAME_HEADER_BYTES,
                      header.length - FRAME_HEADER_BYTES);
        return true;
    }
    return host_frame(reactor_host(reactor, header.shard), &origin, info, &header,
                      mail->bytes + FRAME_HEADER_BYTES,
                      header.length - FRAME_HEADER_BYTES) != DISPATCH_WAIT;
}

void forward_serve_all(struct reactor *reactor)
{
    struct mail_queue again = {0};
    for (struct mail *mail; (mail = mail_queue_pop(&reactor->waiting)) != NULL;)
        if (!serve_frame(reactor, mail))
            mail_queue_push(&again, mail);
    reactor->waiting = again;
}

static void open_mail(struct reactor *reactor, u32 from, struct mail *mail)
{
    switch ((enum mail_kind)mail->kind) {
    case MAIL_KIND_FRAME: mail_queue_push(&reactor->waiting, mail); break;
    case MAIL_KIND_REPLY: deliver_answer(reactor, from, mail); break;
    case MAIL_KIND_SOCKET: handoff_receive(reactor, mail); break;
    case MAIL_KIND_DONE: mail_release(reactor, mail); break;
    case MAIL_KIND_POST: post_receive(reactor, mail); break;
    case MAIL_KIND_POSTED: post_returned(reactor, mail); break;
    case MAIL_KIND_START: reactor_start(reactor); break;
    case MAIL_KIND_STOP: reactor_drain(reactor); break;
    case MAIL_KIND_EXIT: reactor_leave(reactor); break;
    }
}

void forward_collect(struct reactor *reactor)
{
    const struct server *server = reactor->server;
    for (u32 from = 0; from <= server->reactor_count; from++) {
        struct mailbox *box = server_mailbox(server, from, reactor->index);
        /* one box full at most, so that a busy sender cannot hold the turn */
        for (u32 i = 0; i < MAILBOX_SLOTS; i++) {
            struct mail *mail = mailbox_pop(box);
            if (mail == NULL)
                break;
            open_mail(reactor, from, mail);
        }
    }
    reactor->is_any_outbox_full = false;
    for (u32 to = 0; to < server->reactor_count; to++) {
        struct mail_queue *outbox = &reactor->peers[to].outbox;
        struct mailbox *box = server_mailbox(server, reactor->index, to);
        while (outbox->first != NULL) {
            struct mail *mail = outbox->first;
            struct mail *next = mail->next; /* the receiver may change it at once */
            if (!mailbox_push(box, mail)) {
                reactor->is_any_outbox_full = true;
                break;
            }
            outbox->first = next;
            outbox->last = next == NULL ? NULL : outbox->last;
            outbox->count--;
            ring_bell(reactor, to);
        }
    }
}

bool forward_is_quiet(const struct reactor *reactor)
{
    for (u32 i = 0; i < reactor->server->reactor_count; i++)
        if (reactor->peers[i].outbox.count > 0 || reactor->peers[i].frames_under_way > 0)
            return false;
    for (u32 from = 0; from <= reactor->server->reactor_count; from++)
        if (!mailbox_is_empty(server_mailbox(reactor->server, from, reactor->index)))
            return false;
    return reactor->waiting.count == 0 && reactor->posts_under_way == 0;
}

void forward_deinit(struct reactor *reactor)
{
    for (struct mail *mail; (mail = reactor->free_mail) != NULL;) {
        reactor->free_mail = mail->next;
        free(mail);
    }
}
