/* gather_loop: see tests/support/gather_loop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/support/gather_loop.h"

#include <stdlib.h>
#include <string.h>

#include "shards/gather/gather.h"
#include "shards/part.h"
#include "shards/shard.h"

#define BODY_BYTES (FRAME_BYTES_MAX - FRAME_HEADER_BYTES)

/* Answers stay where they are until the gather ends: each has bytes of its own. */
struct gather_loop_memory {
    struct gather_loop loop;
    struct store_memory memory;
    struct bump_reserve reserve;
    struct gather gather;
    u8 **answers;
    u32 answer_count;
    u32 answer_capacity;
    u8 *body;  /* of the request */
    u8 *reply; /* of the last question, or of a shard */
};

struct gather_loop *gather_loop_open(struct shard *const *shards, u16 count)
{
    struct gather_loop_memory *own = calloc(1, sizeof *own);
    MUST(own != NULL && count != 0);
    own->loop = (struct gather_loop){.shards = shards, .count = count, .memory = own};
    store_memory_init(&own->memory);
    bump_reserve_init(&own->reserve, &own->memory);
    gather_init(&own->gather, &own->reserve);
    own->body = aligned_alloc(64, FRAME_BYTES_MAX);
    own->reply = aligned_alloc(64, FRAME_BYTES_MAX);
    MUST(own->body != NULL && own->reply != NULL);
    return &own->loop;
}

static void drop_answers(struct gather_loop_memory *own)
{
    for (u32 i = 0; i < own->answer_count; i++)
        free(own->answers[i]);
    own->answer_count = 0;
}

void gather_loop_close(struct gather_loop *loop)
{
    struct gather_loop_memory *own = loop->memory;
    drop_answers(own);
    gather_deinit(&own->gather);
    bump_reserve_deinit(&own->reserve);
    MUST(own->memory.used_bytes == 0);
    free(own->answers);
    free(own->body);
    free(own->reply);
    free(own);
}

/* A copy that stays until the next question; aligned as a frame is. */
static u8 *keep_answer(struct gather_loop_memory *own, const u8 *bytes, u32 count)
{
    if (own->answer_count == own->answer_capacity) {
        own->answer_capacity = MAX(64u, 2 * own->answer_capacity);
        own->answers = realloc((void *)own->answers, own->answer_capacity * sizeof own->answers[0]);
        MUST(own->answers != NULL);
    }
    u8 *kept = aligned_alloc(64, ROUND_UP((size_t)count, (size_t)64));
    MUST(kept != NULL);
    memcpy(kept, bytes, count);
    return own->answers[own->answer_count++] = kept;
}

static void run_part(struct gather_loop *loop, u16 index, const struct frame_header *header,
                     const u8 *body, u32 bytes, u64 now_ns, struct shard_reply *reply)
{
    struct shard *shard = loop->shards[index];
    u32 slices = 1;
    struct part *part = shard_part_begin(shard, header, body, bytes, now_ns);
    MUST(part != NULL);
    for (; !shard_part_step(shard, part, loop->is_late); slices++) {
        MUST(slices < 100000000);
        if (loop->between != NULL)
            loop->between(loop->context, index);
    }
    if (loop->ended != NULL)
        loop->ended(loop->ended_context, part, slices);
    *reply = (struct shard_reply){
        .record_count = 1, .body = loop->memory->reply, .body_bytes = shard_part_reply_bytes(part)};
    MUST(reply->body_bytes <= BODY_BYTES);
    while (!shard_part_reply(part, loop->memory->reply)) {}
    shard_part_end(shard, part);
    loop->use.slices += slices;
    loop->use.slices_most = MAX(loop->use.slices_most, slices);
}

/* One record at a shard; its answer lies in the loop's reply. */
static struct shard_reply run_record(struct gather_loop *loop, u16 index,
                                     const struct message_info *info, const u8 *body, u32 bytes,
                                     u64 now_ns)
{
    const struct frame_header header = {.opcode = info->code, .shard = index, .record_count = 1};
    struct shard_reply reply;
    struct frame_refusal refusal;
    MUST(frame_records_valid(info, FRAME_DIRECTION_REQUEST, body, bytes, 1, &refusal));
    if (info->class == MESSAGE_CLASS_PART) {
        run_part(loop, index, &header, body, bytes, now_ns, &reply);
    } else if (shard_read(loop->shards[index], &header, body, bytes, now_ns, false,
                          loop->memory->reply, BODY_BYTES, &reply) != SHARD_READ_DONE) {
        PANIC("a read that may not wait waits");
    }
    MUST(reply.status == STATUS_OK);
    MUST(frame_records_valid(info, FRAME_DIRECTION_REPLY, reply.body, reply.body_bytes, 1,
                             &refusal));
    return reply;
}

static void answer_ask(struct gather_loop *loop, u32 i, u64 now_ns)
{
    struct gather_loop_memory *own = loop->memory;
    const struct gather_ask *ask = &own->gather.asks[i];
    MUST(ask->shard < loop->count);
    const struct shard_reply reply =
        run_record(loop, ask->shard, ask->info, ask->body, ask->body_bytes, now_ns);
    const u8 *kept = keep_answer(own, reply.body, reply.body_bytes);
    (void)gather_answer(&own->gather, i, kept, shard_applied_lsn(loop->shards[ask->shard]));
}

/* The only record of the reply in hand. */
static u16 view_reply(const struct gather_loop_memory *own, const struct message_info *info,
                      void *reply, struct record_view *view)
{
    struct record_view seen;
    struct record_status head;
    u32 offset = 0;
    frame_record_next(info, FRAME_DIRECTION_REPLY, own->reply, &offset, &seen);
    memcpy(&head, seen.fixed, sizeof head);
    if (reply != NULL)
        memcpy(reply, seen.fixed, info->reply.fixed_bytes);
    if (view != NULL)
        *view = seen;
    return head.status;
}

static u32 write_request(const struct gather_loop_memory *own, const struct message_info *info,
                         const void *fixed, const struct span *spans)
{
    static const struct span none[MESSAGE_SPANS_MAX];
    const u32 bytes = frame_record_write(info, FRAME_DIRECTION_REQUEST, own->body, BODY_BYTES,
                                         fixed, spans != NULL ? spans : none);
    MUST(bytes != 0);
    return bytes;
}

u16 gather_loop_ask(struct gather_loop *loop, u16 opcode, u64 now_ns, const void *fixed,
                    const struct span *spans, void *reply, struct record_view *view)
{
    struct gather_loop_memory *own = loop->memory;
    struct gather *gather = &own->gather;
    const struct message_info *info = message_find(opcode);
    MUST(info != NULL && info->class == MESSAGE_CLASS_GATHER);
    const u32 bytes = write_request(own, info, fixed, spans);
    loop->use = (struct gather_loop_use){0};
    drop_answers(own);
    gather_begin(gather, info, own->body, bytes, loop->count, now_ns);
    gather->is_late = loop->is_late;
    for (u32 count; (count = gather_next(gather)) != 0;) { /* ends: a gather has few rounds */
        MUST(++loop->use.pieces < 10000000);
        if (count == GATHER_GOES_ON)
            continue;
        MUST(++loop->use.rounds < 100);
        loop->use.asks += count;
        for (u32 i = 0; i < count; i++)
            answer_ask(loop, loop->turns ? count - 1 - i : i, now_ns);
        if (loop->after_round != NULL)
            loop->after_round(loop->context);
    }
    loop->use.reply_bytes = gather_reply(gather, own->reply, BODY_BYTES);
    gather_end(gather);
    struct frame_refusal refusal;
    MUST(frame_records_valid(info, FRAME_DIRECTION_REPLY, own->reply, loop->use.reply_bytes, 1,
                             &refusal));
    return view_reply(own, info, reply, view);
}

u16 gather_loop_ask_shard(struct gather_loop *loop, u16 shard, u16 opcode, u64 now_ns,
                          const void *fixed, const struct span *spans, void *reply,
                          struct record_view *view)
{
    struct gather_loop_memory *own = loop->memory;
    const struct message_info *info = message_find(opcode);
    MUST(info != NULL);
    const u32 bytes = write_request(own, info, fixed, spans);
    loop->use = (struct gather_loop_use){0};
    (void)run_record(loop, shard, info, own->body, bytes, now_ns);
    return view_reply(own, info, reply, view);
}
