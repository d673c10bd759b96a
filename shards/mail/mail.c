/* mail: see shards/mail/mail.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/mail/mail.h"

#include <string.h>

#include "shards/mail/mail_body.h"
#include "shards/shard_handlers.h"

static shard_mail_fn *handler_of(u16 index)
{
#define HANDLER_CONTROL(name) NULL,
#define HANDLER_READ(name)    NULL,
#define HANDLER_WRITE(name)   NULL,
#define HANDLER_MAIL(name)    shard_##name,
#define HANDLER_GATHER(name)  NULL,
#define HANDLER_PART(name)    NULL,
    static shard_mail_fn *const handlers[MESSAGE_COUNT] = {
#define OP(code, NAME, name, CLASS, ROUTE, summary) HANDLER_##CLASS(name)
#include "proto/messages.def"
#undef OP
    };
    MUST(index < MESSAGE_COUNT);
    return handlers[index];
}

void mail_room_init(struct mail_room *room, struct store_memory *memory, struct arena *arena,
                    u16 own, u16 count)
{
    *room = (struct mail_room){.memory = memory, .arena = arena, .own = own, .count = count};
    room->out = store_memory_acquire(memory, count * sizeof *room->out);
    room->applied_seq = store_memory_acquire(memory, count * sizeof *room->applied_seq);
}

struct mail_body *mail_body_make(struct mail_room *room, u32 bytes)
{
    struct mail_body *body = arena_acquire(room->arena, sizeof *body + bytes);
    *body = (struct mail_body){.bytes = bytes};
    room->queued_count++;
    room->queued_bytes += bytes;
    return body;
}

/* The same for mail to oneself. */
static struct mail_body *make_own(struct mail_room *room, u32 bytes)
{
    if (sizeof(struct mail_body) + bytes > MAIL_SPARE_BYTES)
        return mail_body_make(room, bytes);
    struct mail_body *body = room->spare;
    if (body != NULL)
        room->spare = body->next;
    else
        body = arena_acquire(room->arena, MAIL_SPARE_BYTES);
    *body = (struct mail_body){.bytes = bytes, .is_spare = 1};
    room->queued_count++;
    room->queued_bytes += bytes;
    return body;
}

static void drop_first(struct mail_room *room, struct mail_queue_out *queue)
{
    struct mail_body *body = queue->first;
    queue->first = body->next;
    if (queue->first == NULL)
        queue->last = NULL;
    if (queue->cursor == body)
        queue->cursor = NULL;
    MUST(room->queued_count != 0 && room->queued_bytes >= body->bytes);
    room->queued_count--;
    room->queued_bytes -= body->bytes;
    if (body->is_spare != 0) {
        body->next = room->spare;
        room->spare = body;
        return;
    }
    arena_release(room->arena, body, sizeof *body + body->bytes);
}

void mail_room_deinit(struct mail_room *room)
{
    for (u16 i = 0; i < room->count; i++)
        while (room->out[i].first != NULL) /* ends: one less each time */
            drop_first(room, &room->out[i]);
    while (room->spare != NULL) { /* ends: one less each time */
        struct mail_body *body = room->spare;
        room->spare = body->next;
        arena_release(room->arena, body, MAIL_SPARE_BYTES);
    }
    store_memory_release(room->memory, room->out, room->count * sizeof *room->out);
    store_memory_release(room->memory, room->applied_seq, room->count * sizeof *room->applied_seq);
}

void mail_post(struct shard *shard, u16 target, u16 opcode, const void *fixed,
               const struct span *spans)
{
    struct mail_room *room = &shard->mail;
    const struct message_info *info = message_find(opcode);
    MUST(info != NULL && info->class == MESSAGE_CLASS_MAIL);
    MUST(target < room->count);
    struct mail_queue_out *queue = &room->out[target];
    const u32 bytes = frame_record_bytes(info, FRAME_DIRECTION_REQUEST, spans);
    MUST(bytes <= info->request.record_bytes_max);
    struct mail_body *body =
        target == room->own ? make_own(room, bytes) : mail_body_make(room, bytes);
    body->seq = ++queue->sent_seq;
    body->opcode = opcode;
    const u32 written =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, mail_record(body), bytes, fixed, spans);
    MUST(written == bytes);
    if (queue->last != NULL)
        queue->last->next = body;
    else
        queue->first = body;
    queue->last = body;
    if (target == room->own)
        room->own_count++;
    else
        room->sent_count++;
}

static void apply_record(struct shard *shard, const struct message_info *info, u16 source,
                         const u8 *record, u64 now_ns)
{
    struct record_view view;
    u32 offset = 0;
    frame_record_next(info, FRAME_DIRECTION_REQUEST, record, &offset, &view);
    const struct mail_call call = {
        .now_ns = now_ns, .source = source, .fixed = view.fixed, .spans = view.spans};
    handler_of(info->index)(shard, &call);
}

void mail_apply_own(struct shard *shard, u64 now_ns)
{
    struct mail_room *room = &shard->mail;
    struct mail_queue_out *queue = &room->out[room->own];
    while (queue->first != NULL) { /* ends: a saga takes a bounded number of steps */
        struct mail_body *body = queue->first;
        apply_record(shard, message_find(body->opcode), room->own, mail_record(body), now_ns);
        MUST(queue->first == body);
        queue->acked_seq = body->seq;
        room->own_count--;
        drop_first(room, queue);
    }
    MUST(room->own_count == 0 && queue->acked_seq == queue->sent_seq); /* I3 */
}

void mail_apply_entry(struct shard *shard, const struct entry_header *entry, const u8 *body,
                      u64 now_ns)
{
    struct mail_room *room = &shard->mail;
    const struct message_info *info = message_find(entry->opcode);
    MUST(info != NULL && info->class == MESSAGE_CLASS_MAIL);
    MUST(entry->source_shard < room->count && entry->source_shard != room->own);
    u64 *applied = &room->applied_seq[entry->source_shard];
    if (entry->session_seq <= *applied)
        return;                               /* sent again after a restart, and logged twice */
    MUST(entry->session_seq == *applied + 1); /* I2 */
    *applied = entry->session_seq;
    room->applied_count++;
    apply_record(shard, info, entry->source_shard, body, now_ns);
}

void mail_trim(struct shard *shard, u16 target, u64 seq)
{
    struct mail_room *room = &shard->mail;
    MUST(target < room->count && target != room->own);
    struct mail_queue_out *queue = &room->out[target];
    MUST(seq <= queue->sent_seq);
    while (queue->first != NULL && queue->first->seq <= seq) /* ends: one less each time */
        drop_first(room, queue);
    queue->acked_seq = MAX(queue->acked_seq, seq);
}

bool shard_mail_next(struct shard *shard, u16 target, u64 after_seq, struct shard_mail *to)
{
    struct mail_queue_out *queue = &shard->mail.out[target];
    MUST(target < shard->mail.count && target != shard->mail.own);
    if (after_seq >= queue->sent_seq)
        return false;
    struct mail_body *body = queue->first;
    if (queue->cursor != NULL && queue->cursor->seq <= after_seq)
        body = queue->cursor->next;                /* asked in order, this is the one */
    while (body != NULL && body->seq <= after_seq) /* ends: one further each time */
        body = body->next;
    if (body == NULL)
        return false; /* asked for what has been trimmed: there is no such queue any more */
    queue->cursor = body;
    *to = (struct shard_mail){.seq = body->seq,
                              .opcode = body->opcode,
                              .body = mail_record(body),
                              .body_bytes = body->bytes};
    return true;
}

u64 shard_mail_activity(const struct shard *shard)
{
    return shard->mail.sent_count + shard->mail.applied_count;
}

u64 shard_mail_queued_bytes(const struct shard *shard)
{
    return shard->mail.queued_bytes;
}

u64 shard_mail_applied(const struct shard *shard, u16 source)
{
    MUST(source < shard->mail.count);
    return shard->mail.applied_seq[source];
}

u64 shard_mail_sent(const struct shard *shard, u16 target)
{
    MUST(target < shard->mail.count);
    return shard->mail.out[target].sent_seq;
}

u64 shard_mail_acked(const struct shard *shard, u16 target)
{
    MUST(target < shard->mail.count);
    return shard->mail.out[target].acked_seq;
}

void shard_mail_admit(struct shard *shard, const struct shard_mail *mail)
{
    MUST(message_find(mail->opcode) != NULL);
    MUST(message_find(mail->opcode)->class == MESSAGE_CLASS_MAIL);
    gate_enter_mail(&shard->gate);
}
