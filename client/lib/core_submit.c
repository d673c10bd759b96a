/* core_submit: from a caller's records to frames. See core.h.
 *
 * Records without texts are laid out in the public structs as on the wire, so a run of them that
 * goes to one shard is one memcpy into the frame.
 *
 * A read that waits at the server (its wait_ms is not 0) has a frame of its own, because only such a
 * frame may wait there, and its deadline begins when its time to wait is over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/lib/core.h"
#include "proto/route.h"

/* The server may answer DEADLINE at the very end: that is worth waiting for, because it says that
 * nothing happened. */
#define GRACE_NS_MAX (100 * NS_PER_MS)

/* A shard takes over the texts of a record from the structs of souk.h. */
STATIC_CHECK(sizeof(struct souk_text) == sizeof(struct span));
STATIC_CHECK(offsetof(struct souk_text, bytes) == offsetof(struct span, bytes));

u32 core_request_size(const struct message_info *info)
{
    return info->request.fixed_bytes + info->request.span_count * (u32)sizeof(struct souk_text);
}

u32 core_reply_size(const struct message_info *info)
{
    const struct message_side *side = &info->reply;
    const u32 texts = side->span_count * (u32)sizeof(struct souk_text);
    return side->fixed_bytes + texts + (texts != 0 ? (u32)sizeof(void *) : 0);
}

u16 core_route(const struct message_info *info, const u8 *record, u16 shard_count)
{
    if (shard_count == 1)
        return 0;
    if (info->route == MESSAGE_ROUTE_RESOURCE) {
        struct resource key;
        memcpy(&key, record + info->route_offset, sizeof key);
        return route_shard(route_hash_resource(key), shard_count);
    }
    /* The high half of an order is its user. */
    const u32 at = info->route == MESSAGE_ROUTE_ORDER ? offsetof(struct id128, high) : 0;
    u64 id;
    memcpy(&id, record + info->route_offset + at, sizeof id);
    return route_shard(route_hash_u64(id), shard_count);
}

/* Where a request has its field wait_ms; 0 where the operation has none. */
static u32 wait_offset(const struct message_info *info)
{
    switch (info->code) {
    case OPCODE_CART_MERGE_STATUS: return offsetof(struct msg_cart_merge_status_req, wait_ms);
    case OPCODE_SETTING_STATUS: return offsetof(struct msg_setting_status_req, wait_ms);
    case OPCODE_CHECKOUT_STATUS: return offsetof(struct msg_checkout_status_req, wait_ms);
    case OPCODE_COMMAND_WAIT: return offsetof(struct msg_command_wait_req, wait_ms);
    default: return 0;
    }
}

u32 core_wait_ms(const struct message_info *info, const u8 *record)
{
    const u32 at = wait_offset(info);
    u32 wait_ms = 0;
    if (at != 0)
        memcpy(&wait_ms, record + at, sizeof wait_ms);
    return wait_ms;
}

/* Bytes of a record on the wire; 0 when a text is too long. */
static u32 record_bytes(const struct message_info *info, const u8 *record, struct span *spans)
{
    const struct message_side *side = &info->request;
    if (side->span_count == 0)
        return side->fixed_bytes;
    memcpy(spans, record + side->fixed_bytes, side->span_count * sizeof *spans);
    for (u32 s = 0; s < side->span_count; s++) {
        if (spans[s].bytes > side->spans[s].bytes_max)
            return 0;
        if (spans[s].data == NULL && spans[s].bytes != 0)
            return 0;
    }
    return frame_record_bytes(info, FRAME_DIRECTION_REQUEST, spans);
}

static u32 records_max(const struct core *core, const struct message_info *info)
{
    return MAX(MIN(info->records_max, core->server.frame_records_max), 1u);
}

/* A frame that a record of `bytes` fits into: the one that gathers, or a new one. */
static struct core_frame *frame_for(struct core *core, u64 now_ns, struct core_lane *lane,
                                    const struct souk_request *request,
                                    const struct message_info *info, u32 bytes)
{
    struct core_frame *frame = lane->open[info->index];
    const bool is_alone = request->flags != 0;
    if (frame != NULL && !is_alone && frame->timeout_ms == request->deadline_ms &&
        frame->length + bytes <= core->server.frame_bytes_max &&
        frame->record_count < records_max(core, info))
        return frame;
    if (frame != NULL && !is_alone)
        frame->is_full = true; /* the next one gathers now */
    frame = core_frame_acquire(core, info, lane->shard);
    if (frame == NULL)
        return NULL;
    frame->timeout_ms = request->deadline_ms;
    frame->deadline_ns = request->deadline_ms == SOUK_FOREVER
                             ? CORE_NEVER
                             : now_ns + request->deadline_ms * NS_PER_MS +
                                   MIN(request->deadline_ms * NS_PER_MS / 8, GRACE_NS_MAX);
    frame->is_full = is_alone;
    core->next_due_ns = MIN(core->next_due_ns, frame->deadline_ns);
    frame->is_linked = (request->flags & SOUK_LINKED) != 0;
    frame->is_numbered = (request->flags & SOUK_NUMBERED) != 0;
    frame->is_patient = (request->flags & CORE_PATIENT) != 0;
    if (frame->is_numbered) {
        frame->session = (struct id128){request->session.low, request->session.high};
        frame->session_seq = request->session_seq;
        frame->acked_seq = request->acked_seq;
    }
    core_list_push(&lane->ready, frame);
    core->connections[lane->connection].work++;
    if (!is_alone)
        lane->open[info->index] = frame;
    return frame;
}

/* Adds records [first, first + count) that belong to the lane. Returns how many were added; fewer
 * only for lack of memory. */
static u32 append_run(struct core *core, u64 now_ns, struct core_lane *lane,
                      const struct souk_request *request, const struct message_info *info,
                      struct core_call *call, u32 first, u32 count)
{
    const u32 size = core_request_size(info);
    const bool has_texts = info->request.span_count != 0;
    struct core_frame *frame = NULL;
    u32 added = 0;
    while (added < count) {
        const u8 *record = (const u8 *)request->records + (size_t)(first + added) * size;
        struct span spans[MESSAGE_SPANS_MAX];
        u32 bytes = record_bytes(info, record, spans);
        /* All records of a linked or numbered call are in one frame. */
        if (frame == NULL || request->flags == 0)
            frame = frame_for(core, now_ns, lane, request, info, bytes);
        if (frame == NULL)
            break;
        u32 run = 1;
        if (!has_texts) {
            run = MIN(count - added, records_max(core, info) - frame->record_count);
            run = MIN(run, (core->server.frame_bytes_max - frame->length) / bytes);
            bytes *= run;
        }
        MUST(run != 0);
        if (!core_frame_reserve(core, frame, bytes) ||
            !core_frame_add_piece(frame, call, first + added, run))
            break;
        if (has_texts)
            MUST(frame_record_write(info, FRAME_DIRECTION_REQUEST, frame->bytes + frame->length,
                                    bytes, record, spans) == bytes);
        else
            memcpy(frame->bytes + frame->length, record, bytes);
        frame->length += bytes;
        frame->record_count = (u16)(frame->record_count + run);
        if (frame->record_count == records_max(core, info))
            frame->is_full = true;
        core->queued_bytes += bytes;
        added += run;
    }
    return added;
}

/* What is wrong with a request, before anything is done for it. */
static int judge(const struct core *core, const struct souk_request *request,
                 const struct message_info *info)
{
    if (info == NULL || request->count == 0 || request->records == NULL)
        return SOUK_ERROR_ARGUMENT;
    if ((request->flags & ~(u32)(SOUK_LINKED | SOUK_NUMBERED | SOUK_ALONE)) != 0)
        return SOUK_ERROR_ARGUMENT;
    if (core->server.shard_count == 0 || core->is_stale)
        return SOUK_ERROR_NO_SERVER;
    const bool is_numbered = (request->flags & SOUK_NUMBERED) != 0;
    const bool is_keyless = info->route == MESSAGE_ROUTE_SHARD || info->route == MESSAGE_ROUTE_NONE;
    if ((is_numbered || is_keyless) && request->shard >= core->server.shard_count)
        return SOUK_ERROR_ARGUMENT;
    if (is_numbered && (info->class != MESSAGE_CLASS_WRITE || request->session_seq == 0 ||
                        request->acked_seq >= request->session_seq ||
                        (request->session.low | request->session.high) == 0))
        if (info->code != OPCODE_SESSION_OPEN)
            return SOUK_ERROR_ARGUMENT;
    if (info->code == OPCODE_SESSION_OPEN && !is_numbered)
        return SOUK_ERROR_ARGUMENT; /* the library's own sessions open themselves */
    if (request->flags != 0 && request->count > records_max(core, info))
        return SOUK_ERROR_TOO_LARGE;
    if (info->request.span_count == 0 && request->flags == 0)
        return 0;
    const u32 size = core_request_size(info);
    u64 bytes = FRAME_HEADER_BYTES;
    for (u32 i = 0; i < request->count; i++) {
        struct span spans[MESSAGE_SPANS_MAX];
        const u32 one = record_bytes(info, (const u8 *)request->records + (size_t)i * size, spans);
        if (one == 0)
            return SOUK_ERROR_ARGUMENT;
        bytes += one;
    }
    return request->flags != 0 && bytes > core->server.frame_bytes_max ? SOUK_ERROR_TOO_LARGE : 0;
}

/* The lane of record i; for numbered and keyless calls the one that was named. */
static u16 lane_of(const struct core *core, const struct souk_request *request,
                   const struct message_info *info, u32 i)
{
    if ((request->flags & SOUK_NUMBERED) != 0 || info->route == MESSAGE_ROUTE_SHARD ||
        info->route == MESSAGE_ROUTE_NONE)
        return request->shard;
    if (info->route == MESSAGE_ROUTE_ANY)
        return (u16)((core->any_turn + i) % core->server.shard_count);
    const u8 *record = (const u8 *)request->records + (size_t)i * core_request_size(info);
    return core_route(info, record, core->server.shard_count);
}

/* Adds record i of an operation that may wait: alone, and with its time to wait before the deadline. */
static u32 append_patient(struct core *core, u64 now_ns, const struct souk_request *request,
                          const struct message_info *info, struct core_call *call, u32 i)
{
    struct core_lane *lane = &core->lanes[lane_of(core, request, info, i)];
    const u8 *record = (const u8 *)request->records + (size_t)i * core_request_size(info);
    const u32 wait_ms = MIN(core_wait_ms(info, record), WAIT_MS_MAX);
    struct souk_request alone = *request;
    if (wait_ms != 0) {
        alone.flags |= CORE_PATIENT;
        if (alone.deadline_ms < SOUK_FOREVER - wait_ms)
            alone.deadline_ms += wait_ms;
    }
    return append_run(core, now_ns, lane, &alone, info, call, i, 1);
}

/* Whether any record of a request waits at the server. */
static bool has_patient(const struct souk_request *request, const struct message_info *info)
{
    const u32 size = core_request_size(info);
    if (wait_offset(info) == 0 || (request->flags != 0 && request->count != 1))
        return false;
    for (u32 i = 0; i < request->count; i++)
        if (core_wait_ms(info, (const u8 *)request->records + (size_t)i * size) != 0)
            return true;
    return false;
}

int core_submit(struct core *core, u64 now_ns, const struct souk_request *given,
                struct core_call *call)
{
    struct souk_request request = *given;
    const struct message_info *info = message_find(request.op);
    if (request.deadline_ms == 0)
        request.deadline_ms = core->options.deadline_ms;
    const int error = judge(core, &request, info);
    if (error != 0)
        return error;
    if ((request.flags & (SOUK_LINKED | SOUK_ALONE)) != 0)
        for (u32 i = 1; i < request.count; i++)
            if (lane_of(core, &request, info, i) != lane_of(core, &request, info, 0))
                return SOUK_ERROR_SHARDS;
    call->count = request.count;
    call->left = request.count;
    call->reply_size = (u16)core_reply_size(info);
    call->error = 0;
    call->next = NULL;
    core->stats.calls++;
    if (has_patient(&request, info)) {
        for (u32 i = 0; i < request.count; i++)
            if (append_patient(core, now_ns, &request, info, call, i) == 0)
                core_fail_records(core, call, i, 1, SOUK_ERROR_MEMORY);
        return 0;
    }
    const bool is_one_lane = core->server.shard_count == 1 || request.flags != 0;
    u16 shard = lane_of(core, &request, info, 0);
    for (u32 i = 0; i < request.count;) {
        u16 next = shard;
        u32 end = is_one_lane ? request.count : i + 1;
        while (end < request.count && (next = lane_of(core, &request, info, end)) == shard)
            end++;
        const u32 added =
            append_run(core, now_ns, &core->lanes[shard], &request, info, call, i, end - i);
        if (added < end - i)
            core_fail_records(core, call, i + added, end - i - added, SOUK_ERROR_MEMORY);
        shard = next;
        i = end;
    }
    core->any_turn += request.count;
    return 0;
}
