/* fake_server: enough of a server to test the client against, as bytes in and bytes out.
 *
 * It remembers what it executed by session, shard and number, replays stored replies, forgets
 * sessions when told to, and can be told to answer badly. A take is granted while `stock` lasts; a
 * shard has as many commands as `ready` says; an order settles when it was asked about often enough.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FAKE_SERVER_H
#define SOUK_TESTS_FAKE_SERVER_H

#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"

#define FAKE_STORED_MAX   8192u
#define FAKE_SESSIONS_MAX 64u
#define FAKE_SHARDS_MAX   8u
#define FAKE_PARKED_MAX   64u

struct fake_stored {
    struct id128 session;
    u64 seq;
    u16 shard;
    u32 bytes;
    u8 *reply;
};

struct fake_server {
    u16 shard_count;
    u16 reactor_count;
    u32 window_frames;
    u64 reply_bytes_max;
    u64 data_id;
    i64 stock;
    u64 executed_frames;
    u64 executed_records;
    u64 seen_frames; /* requests other than hello and session_open */
    u64 replayed;
    u64 acked_max;
    u64 outstanding_max; /* session_seq - acked_seq */
    u16 next_status;     /* the next `next_status_count` frames are refused with it */
    u32 next_status_count;
    u32 next_retry_ms;
    struct fake_stored stored[FAKE_STORED_MAX];
    u32 stored_count;
    struct {
        struct id128 session;
        u16 shard;
    } sessions[FAKE_SESSIONS_MAX];
    u32 session_count;
    bool lets_wait; /* a command_wait stays until fake_wake */
    u64 ready[FAKE_SHARDS_MAX];
    u32 next_step;      /* of the commands, over all shards */
    u64 patient_frames; /* command_waits that wanted to wait */
    u64 none_ready;
    u32 settles_after;   /* checkout_status */
    u16 checkout_status; /* of every checkout */
    struct {
        struct frame_header request;
        int peer;
    } parked[FAKE_PARKED_MAX];
    u32 parked_count;
    /* Hears of every frame of writes that is executed, records included. */
    void (*hear)(void *hearer, const struct message_info *info, const struct frame_header *request,
                 const u8 *records);
    void *hearer;
    u32 refuses_every; /* frame of this count, with next_status; 0 = none */
    int peer;          /* who is being served */
    u8 *out;           /* replies not yet fetched */
    u32 out_bytes;
    u32 out_capacity;
};

UNUSED static void fake_init(struct fake_server *fake, u16 shards, i64 stock)
{
    *fake = (struct fake_server){.shard_count = shards,
                                 .reactor_count = shards,
                                 .window_frames = SESSION_WINDOW_FRAMES,
                                 .reply_bytes_max = SESSION_REPLY_BYTES_MAX,
                                 .data_id = 7,
                                 .stock = stock};
}

UNUSED static void fake_deinit(struct fake_server *fake)
{
    for (u32 i = 0; i < fake->stored_count; i++)
        free(fake->stored[i].reply);
    free(fake->out);
}

static u8 *fake_room(struct fake_server *fake, u32 bytes)
{
    if (fake->out_bytes + bytes > fake->out_capacity) {
        fake->out_capacity = (fake->out_bytes + bytes) * 2;
        fake->out = realloc(fake->out, fake->out_capacity);
    }
    u8 *at = fake->out + fake->out_bytes;
    fake->out_bytes += bytes;
    return at;
}

static void fake_refuse(struct fake_server *fake, const struct frame_header *request, u16 status,
                        u32 retry_after_ms)
{
    (void)frame_write_refusal(fake_room(fake, FRAME_REFUSAL_BYTES), request, status, retry_after_ms,
                              (struct frame_detail){0, 0});
}

static bool fake_knows(const struct fake_server *fake, struct id128 session, u16 shard)
{
    for (u32 i = 0; i < fake->session_count; i++)
        if (id128_equal(fake->sessions[i].session, session) && fake->sessions[i].shard == shard)
            return true;
    return false;
}

static void fake_poll(struct fake_server *fake, u16 shard, u8 *fixed)
{
    struct msg_command_poll_rsp poll = {.head.status = STATUS_NONE_READY};
    if (fake->ready[shard] > 0) {
        fake->ready[shard]--;
        poll = (struct msg_command_poll_rsp){.step = ++fake->next_step, .tender = shard};
    } else {
        fake->none_ready++;
    }
    memcpy(fixed, &poll, sizeof poll);
}

/* Fixed parts all zero but for what tests look at; texts "text", tables without rows. */
static u32 fake_record(struct fake_server *fake, const struct message_info *info, u16 shard, u8 *to)
{
    u8 fixed[512] = {0};
    struct span spans[MESSAGE_SPANS_MAX];
    for (u32 s = 0; s < MESSAGE_SPANS_MAX; s++) {
        const bool is_table =
            s < info->reply.span_count && message_span_row(&info->reply.spans[s]) != NULL;
        spans[s] = (struct span){(const u8 *)"text", is_table ? 0 : 4};
    }
    if (info->code == OPCODE_HELLO) {
        const struct msg_hello_rsp hello = {.version = FRAME_VERSION,
                                            .shard_count = fake->shard_count,
                                            .reactor_count = fake->reactor_count,
                                            .data_id = {fake->data_id, 1},
                                            .frame_bytes_max = FRAME_BYTES_MAX,
                                            .frame_records_max = FRAME_RECORDS_MAX,
                                            .window_frames = fake->window_frames,
                                            .session_reply_bytes_max = fake->reply_bytes_max};
        memcpy(fixed, &hello, sizeof hello);
    } else if (info->code == OPCODE_TAKE) {
        struct msg_take_rsp take = {0};
        if (fake->stock > 0)
            fake->stock--;
        else
            take.head.status = STATUS_SOLD_OUT;
        take.sellable = fake->stock;
        memcpy(fixed, &take, sizeof take);
    } else if (info->code == OPCODE_COMMAND_WAIT) {
        const struct msg_command_wait_rsp wait = {.ready = fake->ready[shard]};
        memcpy(fixed, &wait, sizeof wait);
    } else if (info->code == OPCODE_COMMAND_POLL) {
        fake_poll(fake, shard, fixed);
    } else if (info->code == OPCODE_CHECKOUT) {
        const struct msg_checkout_rsp checkout = {.head.status = fake->checkout_status, .state = 2};
        memcpy(fixed, &checkout, sizeof checkout);
    } else if (info->code == OPCODE_CHECKOUT_STATUS) {
        const bool is_settled = fake->settles_after == 0;
        const struct msg_checkout_status_rsp status = {.state = is_settled ? 7 : 2,
                                                       .is_settled = is_settled};
        fake->settles_after -= is_settled ? 0 : 1;
        memcpy(fixed, &status, sizeof status);
    }
    return frame_record_write(info, FRAME_DIRECTION_REPLY, to, info->reply.record_bytes_max, fixed,
                              spans);
}

static void fake_execute(struct fake_server *fake, const struct frame_header *request,
                         const struct message_info *info)
{
    const u32 max = FRAME_HEADER_BYTES + request->record_count * info->reply.record_bytes_max;
    const u32 start = fake->out_bytes;
    u8 *to = fake_room(fake, max);
    u32 at = FRAME_HEADER_BYTES;
    for (u32 i = 0; i < request->record_count; i++)
        at += fake_record(fake, info, request->shard, to + at);
    const struct frame_header header = {.opcode = request->opcode,
                                        .flags = FRAME_FLAG_REPLY,
                                        .shard = request->shard,
                                        .record_count = request->record_count,
                                        .request_id = request->request_id,
                                        .session = request->session,
                                        .session_seq = request->session_seq};
    memcpy(to, &header, sizeof header);
    frame_seal(to, at);
    fake->out_bytes = start + at;
    if (info->class != MESSAGE_CLASS_WRITE || info->code == OPCODE_SESSION_OPEN)
        return;
    fake->executed_frames++;
    fake->executed_records += request->record_count;
    MUST(fake->stored_count < FAKE_STORED_MAX);
    struct fake_stored *stored = &fake->stored[fake->stored_count++];
    *stored = (struct fake_stored){.session = request->session,
                                   .seq = request->session_seq,
                                   .shard = request->shard,
                                   .bytes = at,
                                   .reply = malloc(at)};
    memcpy(stored->reply, to, at);
}

/* The stored reply to a number, if there is one, under the new request id. */
static bool fake_replay(struct fake_server *fake, const struct frame_header *request)
{
    for (u32 i = 0; i < fake->stored_count; i++) {
        const struct fake_stored *stored = &fake->stored[i];
        if (!id128_equal(stored->session, request->session) ||
            stored->seq != request->session_seq || stored->shard != request->shard)
            continue;
        u8 *to = fake_room(fake, stored->bytes);
        memcpy(to, stored->reply, stored->bytes);
        struct frame_header header = frame_header_read(to);
        header.request_id = request->request_id;
        header.flags |= FRAME_FLAG_REPLAYED;
        memcpy(to, &header, sizeof header);
        frame_seal(to, stored->bytes);
        fake->replayed++;
        return true;
    }
    return false;
}

static void fake_write(struct fake_server *fake, const struct frame_header *request,
                       const struct message_info *info, const u8 *records)
{
    fake->acked_max = MAX(fake->acked_max, request->acked_seq);
    fake->outstanding_max = MAX(fake->outstanding_max, request->session_seq - request->acked_seq);
    if (id128_is_none(request->session) || request->session_seq == 0)
        fake_refuse(fake, request, STATUS_NO_SESSION, 0);
    else if (!fake_knows(fake, request->session, request->shard))
        fake_refuse(fake, request, STATUS_SESSION_EXPIRED, 0);
    else if (!fake_replay(fake, request)) {
        if (fake->hear != NULL)
            fake->hear(fake->hearer, info, request, records);
        fake_execute(fake, request, info);
    }
}

/* Whether a command_wait stays; then it was noted. */
static bool fake_park(struct fake_server *fake, const struct frame_header *request, const u8 *body)
{
    struct msg_command_wait_req wait;
    if (request->opcode != OPCODE_COMMAND_WAIT)
        return false;
    memcpy(&wait, body, sizeof wait);
    MUST(request->shard < FAKE_SHARDS_MAX);
    fake->patient_frames += wait.wait_ms != 0 ? 1 : 0;
    if (!fake->lets_wait || wait.wait_ms == 0 || request->record_count != 1 ||
        fake->ready[request->shard] != 0)
        return false;
    MUST(fake->parked_count < FAKE_PARKED_MAX);
    fake->parked[fake->parked_count].request = *request;
    fake->parked[fake->parked_count++].peer = fake->peer;
    return true;
}

/* Answers one of those who wait at the shard, to `out`. Returns its peer, -1 when nobody waits. */
UNUSED static int fake_wake(struct fake_server *fake, u16 shard)
{
    for (u32 i = 0; i < fake->parked_count; i++) {
        if (fake->parked[i].request.shard != shard)
            continue;
        const struct frame_header request = fake->parked[i].request;
        const int peer = fake->parked[i].peer;
        fake->parked[i] = fake->parked[--fake->parked_count];
        fake_execute(fake, &request, message_find(request.opcode));
        return peer;
    }
    return -1;
}

/* Takes one request frame; replies gather in `out`. False: not well formed. */
UNUSED static bool fake_receive(struct fake_server *fake, const u8 *bytes, u32 length)
{
    struct frame_refusal refusal = {0};
    if (!frame_valid(bytes, length, FRAME_DIRECTION_REQUEST, &refusal))
        return false;
    const struct frame_header request = frame_header_read(bytes);
    const struct message_info *info = message_find(request.opcode);
    const bool is_plain = info->code != OPCODE_HELLO && info->code != OPCODE_SESSION_OPEN;
    fake->seen_frames += is_plain ? 1 : 0;
    if (is_plain && fake->next_status_count != 0) {
        fake->next_status_count--;
        fake_refuse(fake, &request, fake->next_status, fake->next_retry_ms);
    } else if (is_plain && fake->refuses_every != 0 &&
               fake->seen_frames % fake->refuses_every == 0) {
        fake_refuse(fake, &request, fake->next_status, fake->next_retry_ms);
    } else if (info->code == OPCODE_SESSION_OPEN) {
        MUST(fake->session_count < FAKE_SESSIONS_MAX);
        fake->sessions[fake->session_count].session = request.session;
        fake->sessions[fake->session_count++].shard = request.shard;
        fake_execute(fake, &request, info);
    } else if (info->class == MESSAGE_CLASS_WRITE) {
        fake_write(fake, &request, info, bytes + FRAME_HEADER_BYTES);
    } else if (!fake_park(fake, &request, bytes + FRAME_HEADER_BYTES)) {
        fake_execute(fake, &request, info);
    }
    return true;
}

#endif
