/* mail_dump: numbers and queued messages on their way into a snapshot and back.
 *
 * A pair of shards is one record, a queued message one or more pieces of MAIL_PIECE_BYTES. They come
 * back in any order: a message knows how many bytes are missing, and the queue is kept sorted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/frame.h"
#include "shards/mail/mail_body.h"

#define MAIL_PIECE_BYTES (32u << 10)

struct dump_mail_peer {
    u64 sent_seq;
    u64 acked_seq;
    u64 applied_seq;
    u16 shard;
    u16 zero0;
    u32 zero1;
};
STATIC_CHECK(sizeof(struct dump_mail_peer) == 32);

struct dump_mail_piece {
    u64 seq;
    u32 bytes;  /* of the whole record */
    u32 offset; /* of this piece */
    u32 piece_bytes;
    u16 shard; /* that it is for */
    u16 opcode;
};
STATIC_CHECK(sizeof(struct dump_mail_piece) == 24);
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_mail_piece) + MAIL_PIECE_BYTES <=
             DUMP_RECORD_BYTES_MAX);

static void dump_body(u16 shard, struct mail_body *body, struct dump_sink *sink)
{
    for (u32 offset = 0; offset < body->bytes; offset += MAIL_PIECE_BYTES) {
        const struct dump_mail_piece fixed = {
            .seq = body->seq,
            .bytes = body->bytes,
            .offset = offset,
            .piece_bytes = MIN(MAIL_PIECE_BYTES, body->bytes - offset),
            .shard = shard,
            .opcode = body->opcode,
        };
        dump_put(sink, DUMP_KIND_MAIL_PIECE, &fixed, sizeof fixed, mail_record(body) + offset,
                 fixed.piece_bytes);
    }
}

void mail_dump(const struct mail_room *room, struct dump_sink *sink)
{
    MUST(room->own_count == 0); /* I3 */
    for (u16 i = 0; i < room->count; i++) {
        const struct mail_queue_out *queue = &room->out[i];
        const struct dump_mail_peer fixed = {
            .sent_seq = queue->sent_seq,
            .acked_seq = queue->acked_seq,
            .applied_seq = room->applied_seq[i],
            .shard = i,
        };
        dump_put(sink, DUMP_KIND_MAIL_PEER, &fixed, sizeof fixed, NULL, 0);
        for (struct mail_body *body = queue->first; body != NULL; body = body->next)
            dump_body(i, body, sink);
    }
}

const char *mail_load_peer(struct mail_room *room, const u8 *bytes, u32 count)
{
    struct dump_mail_peer fixed;
    if (count != sizeof fixed)
        return "the numbers of a pair of shards have a wrong length";
    memcpy(&fixed, bytes, sizeof fixed);
    if (fixed.shard >= room->count || fixed.zero0 != 0 || fixed.zero1 != 0)
        return "the numbers of a pair of shards name no shard";
    struct mail_queue_out *queue = &room->out[fixed.shard];
    if (queue->is_loaded)
        return "the numbers of a pair of shards come twice";
    if (fixed.acked_seq > fixed.sent_seq ||
        (fixed.shard == room->own && (fixed.acked_seq != fixed.sent_seq || fixed.applied_seq != 0)))
        return "the numbers of a pair of shards cannot be";
    queue->is_loaded = true;
    queue->sent_seq = fixed.sent_seq;
    queue->acked_seq = fixed.acked_seq;
    room->applied_seq[fixed.shard] = fixed.applied_seq;
    if (fixed.shard != room->own)
        room->sent_count += fixed.sent_seq;
    room->applied_count += fixed.applied_seq;
    return NULL;
}

static const char *piece_invalid(const struct mail_room *room, const struct dump_mail_piece *fixed,
                                 u32 count)
{
    const struct message_info *info = message_find(fixed->opcode);
    if (fixed->shard >= room->count || fixed->shard == room->own || fixed->seq == 0)
        return "a queued message is for no other shard";
    if (info == NULL || info->class != MESSAGE_CLASS_MAIL || fixed->bytes % 8 != 0 ||
        fixed->bytes > info->request.record_bytes_max)
        return "a queued message is none";
    if (fixed->offset >= fixed->bytes || fixed->offset % MAIL_PIECE_BYTES != 0 ||
        fixed->piece_bytes != MIN(MAIL_PIECE_BYTES, fixed->bytes - fixed->offset) ||
        count != ROUND_UP((u32)sizeof *fixed + fixed->piece_bytes, 8u))
        return "a piece of a queued message has a length that cannot be";
    return NULL;
}

/* The message of a number in the sorted queue, made if none of its pieces has come yet. Pieces come
 * in their order as a rule, so the end is looked at first. */
static struct mail_body *body_for_load(struct mail_room *room, const struct dump_mail_piece *fixed)
{
    struct mail_queue_out *queue = &room->out[fixed->shard];
    struct mail_body *before = NULL;
    if (queue->last != NULL && queue->last->seq == fixed->seq)
        return queue->last;
    if (queue->last != NULL && queue->last->seq < fixed->seq) {
        before = queue->last;
    } else {
        struct mail_body *at = queue->first;
        while (at != NULL && at->seq < fixed->seq) { /* ends: one further each time */
            before = at;
            at = at->next;
        }
        if (at != NULL && at->seq == fixed->seq)
            return at;
    }
    struct mail_body *body = mail_body_make(room, fixed->bytes);
    body->seq = fixed->seq;
    body->opcode = fixed->opcode;
    body->missing = fixed->bytes;
    body->next = before != NULL ? before->next : queue->first;
    if (before != NULL)
        before->next = body;
    else
        queue->first = body;
    if (body->next == NULL)
        queue->last = body;
    return body;
}

const char *mail_load_piece(struct mail_room *room, const u8 *bytes, u32 count)
{
    struct dump_mail_piece fixed;
    if (count < sizeof fixed)
        return "a piece of a queued message is too short";
    memcpy(&fixed, bytes, sizeof fixed);
    const char *reason = piece_invalid(room, &fixed, count);
    if (reason != NULL)
        return reason;
    struct mail_body *body = body_for_load(room, &fixed);
    if (body->bytes != fixed.bytes || body->opcode != fixed.opcode ||
        body->missing < fixed.piece_bytes)
        return "a piece of a queued message does not fit the others";
    memcpy(mail_record(body) + fixed.offset, bytes + sizeof fixed, fixed.piece_bytes);
    body->missing -= fixed.piece_bytes;
    return NULL;
}

static const char *queue_invalid(const struct mail_queue_out *queue)
{
    u64 seq = queue->acked_seq;
    for (struct mail_body *body = queue->first; body != NULL; body = body->next) {
        struct frame_refusal refusal;
        if (body->seq != ++seq)
            return "a queue of messages has a gap";
        if (body->missing != 0)
            return "a queued message lacks a piece";
        if (!frame_records_valid(message_find(body->opcode), FRAME_DIRECTION_REQUEST,
                                 mail_record(body), body->bytes, 1, &refusal))
            return "a queued message is not well formed";
    }
    return seq == queue->sent_seq ? NULL : "a queue of messages is not complete";
}

const char *mail_load_finish(struct mail_room *room)
{
    for (u16 i = 0; i < room->count; i++) {
        if (!room->out[i].is_loaded)
            return "the snapshot lacks the numbers of a pair of shards";
        const char *reason = queue_invalid(&room->out[i]);
        if (reason != NULL)
            return reason;
    }
    return NULL;
}
