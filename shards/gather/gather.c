/* gather: see gather.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather.h"

#include <string.h>

static gather_fn *operation_of(u16 index)
{
#define OPERATION_CONTROL(name) NULL,
#define OPERATION_READ(name)    NULL,
#define OPERATION_WRITE(name)   NULL,
#define OPERATION_GATHER(name)  gather_##name,
#define OPERATION_PART(name)    NULL,
#define OPERATION_MAIL(name)    NULL,
    static gather_fn *const operations[MESSAGE_COUNT] = {
#define OP(code, NAME, name, CLASS, ROUTE, summary) OPERATION_##CLASS(name)
#include "proto/messages.def"
#undef OP
    };
    MUST(index < MESSAGE_COUNT);
    return operations[index];
}

/* Room for any fixed reply. */
#define SIZE_CONTROL(name)
#define SIZE_READ(name)
#define SIZE_WRITE(name)
#define SIZE_MAIL(name)
#define SIZE_PART(name)
#define SIZE_GATHER(name) \
    STATIC_CHECK(sizeof(struct msg_##name##_rsp) <= GATHER_REPLY_WORDS * sizeof(u64));
#define OP(code, NAME, name, CLASS, ROUTE, summary) SIZE_##CLASS(name)
#include "proto/messages.def"
#undef OP

void gather_init(struct gather *gather, struct bump_reserve *reserve)
{
    memset(gather, 0, sizeof *gather);
    bump_init_shared(&gather->bump, reserve);
    bump_init_shared(&gather->ask_bump, reserve);
}

void gather_deinit(struct gather *gather)
{
    bump_deinit(&gather->bump);
    bump_deinit(&gather->ask_bump);
}

void gather_begin(struct gather *gather, const struct message_info *info, const u8 *body,
                  u32 body_bytes, u16 shard_count, u64 now_ns)
{
    MUST(info->class == MESSAGE_CLASS_GATHER && gather->info == NULL);
    gather->info = info;
    gather->shard_count = shard_count;
    gather->now_ns = now_ns;
    gather->asks = bump_acquire(&gather->bump, GATHER_ASKS_MAX * sizeof *gather->asks);
    u8 *copy = bump_acquire(&gather->bump, body_bytes);
    MUST(gather->asks != NULL && copy != NULL); /* both fit into the first chunk */
    memcpy(copy, body, body_bytes);
    struct record_view view;
    u32 offset = 0;
    frame_record_next(info, FRAME_DIRECTION_REQUEST, copy, &offset, &view);
    gather->fixed = view.fixed;
    memcpy(gather->spans, view.spans, sizeof gather->spans);
}
STATIC_CHECK(GATHER_ASKS_MAX * sizeof(struct gather_ask) + FRAME_BYTES_MAX + 256 <=
             STORE_CHUNK_BYTES);

u32 gather_next(struct gather *gather)
{
    MUST(gather->open_count == 0 || gather->goes_on);
    const u32 round = gather->round;
    gather->goes_on = false;
    gather->work = 0;
    operation_of(gather->info->index)(gather);
    MUST(gather->round == round);
    if (gather->goes_on && !gather->is_full)
        return GATHER_GOES_ON;
    gather->goes_on = false;
    gather->round++;
    if (gather->is_full) { /* nobody is asked what some cannot be asked */
        gather->open_count = 0;
        gather_refuse(gather, STATUS_TOO_LARGE);
    }
    if (gather->open_count == 0)
        gather->ask_count = 0; /* this round has asked nothing */
    return gather->open_count;
}

/* A body with room for a header in front; NULL: no memory. */
static u8 *write_body(struct gather *gather, const struct message_info *info, const void *fixed,
                      const struct span *spans, u32 *bytes)
{
    static const struct span none[MESSAGE_SPANS_MAX];
    const struct span *texts = spans != NULL ? spans : none;
    MUST(info != NULL);
    MUST(info->class == MESSAGE_CLASS_PART || info->class == MESSAGE_CLASS_READ);
    if (gather->open_count == 0) { /* the first one of a round */
        gather->ask_count = 0;
        bump_reset(&gather->ask_bump);
    }
    *bytes = frame_record_bytes(info, FRAME_DIRECTION_REQUEST, texts);
    u8 *frame = bump_acquire(&gather->ask_bump, FRAME_HEADER_BYTES + *bytes);
    if (frame == NULL) {
        gather->is_full = true;
        return NULL;
    }
    u8 *body = frame + FRAME_HEADER_BYTES;
    MUST(frame_record_write(info, FRAME_DIRECTION_REQUEST, body, *bytes, fixed, texts) == *bytes);
    gather->work += 100 + *bytes / 8;
    return body;
}

static void add_ask(struct gather *gather, const struct message_info *info, u16 shard, u8 *body,
                    u32 bytes)
{
    MUST(shard < gather->shard_count && gather->ask_count < GATHER_ASKS_MAX);
    gather->asks[gather->ask_count++] =
        (struct gather_ask){.info = info, .body = body, .body_bytes = bytes, .shard = shard};
    gather->open_count++;
}

void gather_ask(struct gather *gather, u16 opcode, u16 shard, const void *fixed,
                const struct span *spans)
{
    const struct message_info *info = message_find(opcode);
    u32 bytes;
    u8 *body = write_body(gather, info, fixed, spans, &bytes);
    if (body != NULL)
        add_ask(gather, info, shard, body, bytes);
}

void gather_ask_all(struct gather *gather, u16 opcode, const void *fixed, const struct span *spans)
{
    const struct message_info *info = message_find(opcode);
    u32 bytes;
    u8 *body = write_body(gather, info, fixed, spans, &bytes);
    for (u16 shard = 0; shard < gather->shard_count && body != NULL; shard++)
        add_ask(gather, info, shard, body, bytes);
}

u32 gather_answer(struct gather *gather, u32 i, const u8 *body, u64 lsn)
{
    MUST(i < gather->ask_count && gather->open_count > 0);
    struct gather_ask *ask = &gather->asks[i];
    MUST(!ask->is_answered);
    u32 offset = 0;
    frame_record_next(ask->info, FRAME_DIRECTION_REPLY, body, &offset, &ask->answer);
    ask->lsn = lsn;
    ask->is_answered = true;
    return --gather->open_count;
}

void gather_fail(struct gather *gather, u32 i)
{
    MUST(i < gather->ask_count && gather->open_count > 0 && !gather->asks[i].is_answered);
    gather->asks[i].is_answered = true;
    gather->open_count--;
}

u32 gather_reply(const struct gather *gather, u8 *to, u32 capacity)
{
    const u32 bytes = frame_record_write(gather->info, FRAME_DIRECTION_REPLY, to, capacity,
                                         gather->reply, gather->reply_spans);
    MUST(bytes != 0);
    return bytes;
}

void gather_end(struct gather *gather)
{
    struct bump bump = gather->bump, ask_bump = gather->ask_bump;
    bump_reset(&bump);
    bump_reset(&ask_bump);
    memset(gather, 0, sizeof *gather);
    gather->bump = bump;
    gather->ask_bump = ask_bump;
}

void gather_refuse(struct gather *gather, u16 status)
{
    struct record_status head = {.status = status};
    memset(gather->reply, 0, sizeof gather->reply);
    memset(gather->reply_spans, 0, sizeof gather->reply_spans);
    memcpy(gather->reply, &head, sizeof head);
}
