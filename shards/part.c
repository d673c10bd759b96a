/* part: see part.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/part.h"

#include <string.h>

#include "proto/frame.h"
#include "shards/shard_handlers.h"

static shard_part_fn *handler_of(u16 index)
{
#define HANDLER_CONTROL(name) NULL,
#define HANDLER_READ(name)    NULL,
#define HANDLER_WRITE(name)   NULL,
#define HANDLER_GATHER(name)  NULL,
#define HANDLER_PART(name)    shard_part_##name,
#define HANDLER_MAIL(name)    NULL,
    static shard_part_fn *const handlers[MESSAGE_COUNT] = {
#define OP(code, NAME, name, CLASS, ROUTE, summary) HANDLER_##CLASS(name)
#include "proto/messages.def"
#undef OP
    };
    MUST(index < MESSAGE_COUNT);
    return handlers[index];
}

void part_room_init(struct part_room *room)
{
    memset(room, 0, sizeof *room);
    store_memory_init(&room->memory);
    bump_reserve_init(&room->reserve, &room->memory);
    for (u32 i = 0; i < SHARD_PARTS_MAX; i++)
        bump_init_shared(&room->parts[i].bump, &room->reserve);
}

void part_room_deinit(struct part_room *room)
{
    for (u32 i = 0; i < SHARD_PARTS_MAX; i++)
        bump_deinit(&room->parts[i].bump);
    bump_reserve_deinit(&room->reserve);
}

void shard_part_prepare(struct shard *shard)
{
    bump_reserve_fill(&shard->parts.reserve, SHARD_PARTS_RESERVE);
}

struct part *shard_part_begin(struct shard *shard, const struct frame_header *header,
                              const u8 *body, u32 body_bytes, u64 now_ns)
{
    struct part_room *room = &shard->parts;
    const struct message_info *info = message_find(header->opcode);
    MUST(info != NULL && info->class == MESSAGE_CLASS_PART && header->record_count == 1);
    u32 at = 0;
    while (at < SHARD_PARTS_MAX && room->parts[at].is_used)
        at++;
    if (at == SHARD_PARTS_MAX)
        return NULL;
    struct part *part = &room->parts[at];
    u8 *copy = bump_acquire(&part->bump, body_bytes);
    MUST(copy != NULL); /* a frame fits into the first chunk */
    memcpy(copy, body, body_bytes);
    struct record_view view;
    u32 offset = 0;
    frame_record_next(info, FRAME_DIRECTION_REQUEST, copy, &offset, &view);
    MUST(offset <= body_bytes);
    part->info = info;
    part->fixed = view.fixed;
    memcpy(part->spans, view.spans, sizeof part->spans);
    memset(part->reply, 0, sizeof part->reply);
    memset(part->reply_spans, 0, sizeof part->reply_spans);
    part->state = NULL;
    part->on_end = NULL;
    part->reply_at = 0;
    part->now_ns = now_ns;
    part->first_lsn = shard->applied_lsn;
    part->is_used = true;
    part->is_late = false;
    part->is_done = false;
    room->used_count++;
    return part;
}

bool shard_part_step(struct shard *shard, struct part *part, bool is_late)
{
    MUST(part->is_used && !part->is_done);
    part->is_late = part->is_late || is_late;
    part->is_done = handler_of(part->info->index)(shard, part);
    return part->is_done;
}

u32 shard_part_reply_bytes(const struct part *part)
{
    MUST(part->is_used && part->is_done);
    for (u32 i = 0; i < part->info->reply.span_count; i++)
        MUST(part->reply_spans[i].bytes <= part->info->reply.spans[i].bytes_max);
    return frame_record_bytes(part->info, FRAME_DIRECTION_REPLY, part->reply_spans);
}

bool shard_part_reply(struct part *part, u8 *to)
{
    MUST(part->is_used && part->is_done);
    return frame_record_write_some(part->info, FRAME_DIRECTION_REPLY, to, part->reply,
                                   part->reply_spans, &part->reply_at, PART_REPLY_PIECE);
}

void shard_part_end(struct shard *shard, struct part *part)
{
    MUST(part->is_used && shard->parts.used_count > 0);
    if (part->on_end != NULL)
        part->on_end(shard, part);
    part->is_used = false;
    shard->parts.used_count--;
    bump_reset(&part->bump);
}
