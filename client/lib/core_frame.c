/* core_frame: frames of the client: their pool, their bytes, the delivery of what came back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/lib/core.h"

#define FRAME_BYTES_FIRST 2048u
#define PIECES_FIRST      8u
#define KEPT_CAPACITY_MAX (64u << 10) /* a larger buffer is freed when the pool has plenty */
#define KEPT_LARGE_FRAMES 64u

void core_list_push(struct core_frame_list *list, struct core_frame *frame)
{
    frame->next = NULL;
    frame->prev = list->tail;
    if (list->tail != NULL)
        list->tail->next = frame;
    else
        list->head = frame;
    list->tail = frame;
}

void core_list_push_front(struct core_frame_list *list, struct core_frame *frame)
{
    frame->prev = NULL;
    frame->next = list->head;
    if (list->head != NULL)
        list->head->prev = frame;
    else
        list->tail = frame;
    list->head = frame;
}

void core_list_remove(struct core_frame_list *list, struct core_frame *frame)
{
    if (frame->prev != NULL)
        frame->prev->next = frame->next;
    else
        list->head = frame->next;
    if (frame->next != NULL)
        frame->next->prev = frame->prev;
    else
        list->tail = frame->prev;
    frame->next = NULL;
    frame->prev = NULL;
}

static struct core_frame *make_frame(struct core *core)
{
    if (core->frame_count == core->frame_capacity) {
        const u32 capacity = MAX(core->frame_capacity * 2, 64u);
        struct core_frame **frames = realloc(core->frames, capacity * sizeof *frames);
        if (frames == NULL)
            return NULL;
        core->frames = frames;
        core->frame_capacity = capacity;
    }
    struct core_frame *frame = calloc(1, sizeof *frame);
    if (frame == NULL)
        return NULL;
    frame->bytes = malloc(FRAME_BYTES_FIRST);
    frame->pieces = malloc(PIECES_FIRST * sizeof *frame->pieces);
    if (frame->bytes == NULL || frame->pieces == NULL) {
        free(frame->bytes);
        free(frame->pieces);
        free(frame);
        return NULL;
    }
    frame->capacity = FRAME_BYTES_FIRST;
    frame->piece_capacity = PIECES_FIRST;
    frame->index = core->frame_count;
    core->frames[core->frame_count++] = frame;
    return frame;
}

struct core_frame *core_frame_acquire(struct core *core, const struct message_info *info, u16 shard)
{
    struct core_frame *frame = core->free_frames;
    if (frame != NULL)
        core->free_frames = frame->next;
    else
        frame = make_frame(core);
    if (frame == NULL)
        return NULL;
    MUST(frame->state == CORE_FRAME_FREE);
    const struct core_frame kept = *frame;
    *frame = (struct core_frame){
        .bytes = kept.bytes,
        .capacity = kept.capacity,
        .pieces = kept.pieces,
        .piece_capacity = kept.piece_capacity,
        .index = kept.index,
        .generation = kept.generation + 1,
        .info = info,
        .shard = shard,
        .state = CORE_FRAME_READY,
        .length = FRAME_HEADER_BYTES,
        .deadline_ns = CORE_NEVER,
        .retry_at_ns = CORE_NEVER,
    };
    core->queued_bytes += FRAME_HEADER_BYTES;
    return frame;
}

void core_frame_release(struct core *core, struct core_frame *frame)
{
    MUST(frame->state != CORE_FRAME_FREE);
    MUST(core->queued_bytes >= frame->length);
    core->queued_bytes -= frame->length;
    frame->state = CORE_FRAME_FREE;
    frame->piece_count = 0;
    if (frame->capacity > KEPT_CAPACITY_MAX && core->frame_count > KEPT_LARGE_FRAMES) {
        u8 *bytes = realloc(frame->bytes, KEPT_CAPACITY_MAX);
        if (bytes != NULL) {
            frame->bytes = bytes;
            frame->capacity = KEPT_CAPACITY_MAX;
        }
    }
    frame->next = core->free_frames;
    core->free_frames = frame;
}

bool core_frame_reserve(struct core *core, struct core_frame *frame, u32 bytes)
{
    (void)core;
    MUST(frame->state == CORE_FRAME_READY);
    const u32 wanted = frame->length + bytes;
    MUST(wanted <= FRAME_BYTES_MAX);
    if (wanted <= frame->capacity)
        return true;
    u32 capacity = frame->capacity;
    while (capacity < wanted)
        capacity *= 2;
    u8 *grown = realloc(frame->bytes, capacity);
    if (grown == NULL)
        return false;
    frame->bytes = grown;
    frame->capacity = capacity;
    return true;
}

bool core_frame_add_piece(struct core_frame *frame, struct core_call *call, u32 first, u32 count)
{
    struct core_piece *last =
        frame->piece_count == 0 ? NULL : &frame->pieces[frame->piece_count - 1];
    if (last != NULL && last->call == call && last->first + last->count == first) {
        last->count += count;
        return true;
    }
    if (frame->piece_count == frame->piece_capacity) {
        const u32 capacity = frame->piece_capacity * 2;
        struct core_piece *pieces = realloc(frame->pieces, capacity * sizeof *pieces);
        if (pieces == NULL)
            return false;
        frame->pieces = pieces;
        frame->piece_capacity = capacity;
    }
    frame->pieces[frame->piece_count++] =
        (struct core_piece){.call = call, .first = first, .count = count};
    return true;
}

void core_frame_seal(struct core *core, struct core_frame *frame)
{
    MUST(frame->state == CORE_FRAME_READY);
    MUST(frame->record_count != 0);
    const u64 deadline_ms = frame->timeout_ms == SOUK_FOREVER ? 0 : frame->timeout_ms;
    const struct frame_header header = {
        .opcode = frame->info->code,
        .flags = frame->is_linked ? FRAME_FLAG_LINKED : 0,
        .shard = frame->shard,
        .record_count = frame->record_count,
        .deadline_ms = (u32)deadline_ms,
        .request_id = (u64)frame->generation << 32 | frame->index,
        .session = frame->session,
        .session_seq = frame->session_seq,
        .acked_seq = frame->acked_seq,
    };
    memcpy(frame->bytes, &header, sizeof header);
    frame_seal(frame->bytes, frame->length);
    if (frame->kind == CORE_FRAME_CALLS)
        core->stats.records_sent += frame->record_count;
}

/* ---- delivery ---- */

static void end_records(struct core *core, struct core_call *call, u32 count)
{
    MUST(call->left >= count);
    call->left -= count;
    if (call->left != 0)
        return;
    call->next = NULL;
    if (core->done_tail != NULL)
        core->done_tail->next = call;
    else
        core->done_head = call;
    core->done_tail = call;
}

/* The head of a public reply struct, whatever the operation. */
static void write_head(u8 *reply, u16 status, u16 flags, u32 retry_after_ms)
{
    const struct record_status head = {status, flags, retry_after_ms};
    memcpy(reply, &head, sizeof head);
}

static void write_heads(struct core_call *call, u32 first, u32 count, u16 status, u16 flags,
                        u32 retry_after_ms)
{
    for (u32 i = first; i < first + count; i++) {
        u8 *reply = call->replies + (size_t)i * call->reply_size;
        memset(reply, 0, call->reply_size);
        write_head(reply, status, flags, retry_after_ms);
    }
}

void core_fail_records(struct core *core, struct core_call *call, u32 first, u32 count, int error)
{
    if (call->error == 0)
        call->error = error;
    if (error == SOUK_ERROR_UNKNOWN_OUTCOME)
        core->stats.unknown_outcomes += count;
    if (error == SOUK_ERROR_TIMEOUT)
        core->stats.timeouts += count;
    write_heads(call, first, count, SOUK_UNANSWERED_BY(error), 0, 0);
    end_records(core, call, count);
}

void core_deliver_error(struct core *core, struct core_frame *frame, int error)
{
    for (u32 i = 0; i < frame->piece_count; i++) {
        const struct core_piece piece = frame->pieces[i];
        core_fail_records(core, piece.call, piece.first, piece.count, error);
    }
    frame->piece_count = 0;
}

void core_deliver_status(struct core *core, struct core_frame *frame, u16 status,
                         u32 retry_after_ms)
{
    for (u32 i = 0; i < frame->piece_count; i++) {
        const struct core_piece piece = frame->pieces[i];
        write_heads(piece.call, piece.first, piece.count, status, SOUK_FLAG_FRAME, retry_after_ms);
        end_records(core, piece.call, piece.count);
    }
    frame->piece_count = 0;
}

/* One record with texts: they are copied into one block, each with a zero byte behind it. */
static bool copy_with_texts(const struct message_side *side, const struct record_view *view,
                            u8 *reply)
{
    size_t bytes = 0;
    for (u32 s = 0; s < side->span_count; s++)
        bytes += (size_t)view->spans[s].bytes + 1;
    char *memory = malloc(bytes);
    if (memory == NULL)
        return false;
    memcpy(reply, view->fixed, side->fixed_bytes);
    u8 *to = reply + side->fixed_bytes;
    char *at = memory;
    for (u32 s = 0; s < side->span_count; s++) {
        const struct souk_text text = {.data = at, .bytes = view->spans[s].bytes};
        memcpy(at, view->spans[s].data, text.bytes);
        at[text.bytes] = '\0';
        at += text.bytes + 1;
        memcpy(to, &text, sizeof text);
        to += sizeof text;
    }
    memcpy(to, &memory, sizeof memory);
    return true;
}

/* A server's status must not look like one of the library's own. */
static void mend_head(u8 *reply, u16 flags)
{
    struct record_status head;
    memcpy(&head, reply, sizeof head);
    if (LIKELY(head.status < CORE_STATUS_BOGUS) && LIKELY((head.flags | flags) == 0))
        return;
    write_head(reply, MIN(head.status, (u16)CORE_STATUS_BOGUS),
               (u16)((head.flags & SOUK_FLAG_REPLAYED) | flags), head.retry_after_ms);
}

void core_deliver_replies(struct core *core, struct core_frame *frame,
                          const struct frame_header *header, const u8 *body)
{
    const struct message_side *side = &frame->info->reply;
    const u16 flags = (header->flags & FRAME_FLAG_REPLAYED) != 0 ? SOUK_FLAG_STORED : 0;
    u32 at = 0;
    for (u32 i = 0; i < frame->piece_count; i++) {
        const struct core_piece piece = frame->pieces[i];
        struct core_call *call = piece.call;
        u8 *reply = call->replies + (size_t)piece.first * call->reply_size;
        if (side->span_count == 0) {
            const u32 bytes = piece.count * side->fixed_bytes;
            memcpy(reply, body + at, bytes);
            at += bytes;
        }
        for (u32 r = 0; r < piece.count; r++, reply += call->reply_size) {
            if (side->span_count != 0) {
                struct record_view view;
                frame_record_next(frame->info, FRAME_DIRECTION_REPLY, body, &at, &view);
                if (!copy_with_texts(side, &view, reply)) {
                    memset(reply, 0, call->reply_size);
                    write_head(reply, SOUK_UNANSWERED_BY(SOUK_ERROR_MEMORY), 0, 0);
                    call->error = SOUK_ERROR_MEMORY;
                    continue;
                }
            }
            mend_head(reply, flags);
        }
        end_records(core, call, piece.count);
    }
    frame->piece_count = 0;
}
