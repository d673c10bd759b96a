/* inquiry: see inquiry.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/inquiry.h"

#include <stdlib.h>
#include <string.h>

#include "engine/reactor.h"

/* ---- begin and end --------------------------------------------------------------------------- */

void inquiry_prepare(struct reactor *reactor)
{
    struct inquiry_table *table = &reactor->inquiries;
    table->inquiries = calloc(INQUIRIES_MAX, sizeof *table->inquiries);
    if (table->inquiries == NULL)
        PANIC("no memory for questions to several shards");
    store_memory_init(&table->memory);
    bump_reserve_init(&table->reserve, &table->memory);
    bump_reserve_fill(&table->reserve, INQUIRIES_RESERVE);
    for (u32 i = 0; i < INQUIRIES_MAX; i++)
        gather_init(&table->inquiries[i].gather, &table->reserve);
}

static struct inquiry *take_slot(struct inquiry_table *table)
{
    for (u32 i = 0; i < INQUIRIES_MAX; i++)
        if (!table->inquiries[i].is_used) {
            table->inquiries[i].is_used = true;
            table->used_count++;
            return &table->inquiries[i];
        }
    return NULL;
}

/* Milliseconds that the request gives itself; 0 = any time. */
static u32 deadline_ms_of(const struct frame_header *header, const u8 *body)
{
    struct msg_search_req ask;
    if (header->opcode != OPCODE_SEARCH)
        return 0;
    memcpy(&ask, body, sizeof ask);
    return ask.deadline_ms;
}

void inquiry_begin(struct reactor *reactor, const struct origin *origin,
                   const struct frame_header *header, const u8 *body, u32 body_bytes)
{
    struct inquiry *inquiry = take_slot(&reactor->inquiries);
    if (inquiry == NULL) {
        const struct frame_echo echo = frame_echo_of(header);
        metric_add(&reactor->metrics->overloaded, 1);
        origin_refuse(reactor, origin, &echo, STATUS_OVERLOADED, INQUIRY_RETRY_MS,
                      (struct frame_detail){.limit = INQUIRIES_MAX, .actual = INQUIRIES_MAX});
        return;
    }
    const u32 deadline_ms = deadline_ms_of(header, body);
    inquiry->echo = frame_echo_of(header);
    inquiry->answers = NULL;
    inquiry->mails = NULL;
    inquiry->late_ns = deadline_ms == 0 ? UINT64_MAX : origin->arrival_ns + deadline_ms * NS_PER_MS;
    inquiry->sent_count = 0;
    inquiry->goes_on = false;
    inquiry->status = STATUS_OK;
    gather_begin(&inquiry->gather, message_find(header->opcode), body, body_bytes,
                 reactor->server->shard_count, reactor->log_now_ns);
    origin_defer(origin, &inquiry->origin);
    metric_add(&reactor->metrics->gathers, 1);
}

static void end(struct reactor *reactor, struct inquiry *inquiry)
{
    while (inquiry->answers != NULL) {
        struct inquiry_answer *answer = inquiry->answers;
        const u32 capacity = answer->capacity;
        u8 *bytes = (u8 *)answer;
        inquiry->answers = answer->next;
        buffer_pool_release(&reactor->buffers, &bytes, capacity);
    }
    while (inquiry->mails != NULL) {
        struct mail *mail = inquiry->mails;
        inquiry->mails = mail->next;
        mail_release(reactor, mail);
    }
    gather_end(&inquiry->gather);
    inquiry->is_used = false;
    reactor->inquiries.used_count--;
}

static void reply(struct reactor *reactor, struct inquiry *inquiry)
{
    const struct origin origin = origin_resume(reactor, &inquiry->origin);
    struct shard_reply answer = {.status = inquiry->status,
                                 .retry_after_ms = inquiry->retry_after_ms,
                                 .detail = inquiry->detail};
    if (inquiry->status == STATUS_OK) {
        answer.body_bytes =
            gather_reply(&inquiry->gather, reactor->scratch, FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
        answer.body = reactor->scratch;
        answer.record_count = 1;
    }
    origin_measure(reactor, &origin, LATENCY_CLASS_GATHER);
    origin_reply(reactor, &origin, &inquiry->echo, &answer, 0);
    end(reactor, inquiry);
}

/* ---- answers --------------------------------------------------------------------------------- */

u8 *inquiry_answer_room(struct reactor *reactor, struct inquiry *inquiry, u32 bytes)
{
    u32 capacity;
    struct inquiry_answer *answer =
        (void *)buffer_pool_acquire(&reactor->buffers, (u32)sizeof *answer + bytes, &capacity);
    answer->next = inquiry->answers;
    answer->capacity = capacity;
    inquiry->answers = answer;
    return (u8 *)(answer + 1);
}

void inquiry_keep(struct inquiry *inquiry, struct mail *mail)
{
    mail->next = inquiry->mails;
    inquiry->mails = mail;
}

void inquiry_answered(struct inquiry *inquiry, u32 ask, const u8 *frame)
{
    const struct frame_header header = frame_header_read(frame);
    MUST(inquiry->is_used && ask < inquiry->sent_count);
    if (header.status == STATUS_OK) {
        (void)gather_answer(&inquiry->gather, ask, frame + FRAME_HEADER_BYTES, header.lsn);
        return;
    }
    gather_fail(&inquiry->gather, ask);
    if (inquiry->status != STATUS_OK)
        return;
    inquiry->status = header.status;
    inquiry->retry_after_ms = header.retry_after_ms;
    memcpy(&inquiry->detail, frame + FRAME_HEADER_BYTES, sizeof inquiry->detail);
}

/* ---- asks ------------------------------------------------------------------------------------ */

static u32 left_ms(const struct reactor *reactor, const struct inquiry *inquiry)
{
    if (inquiry->late_ns == UINT64_MAX)
        return 0;
    if (inquiry->late_ns <= reactor->now_ns)
        return 1;
    return (u32)((inquiry->late_ns - reactor->now_ns) / NS_PER_MS) + 1;
}

/* False: not now. */
static bool send(struct reactor *reactor, struct inquiry *inquiry, u32 i)
{
    const struct gather_ask *ask = &inquiry->gather.asks[i];
    const struct origin origin = {.inquiry = inquiry, .ask = i, .arrival_ns = reactor->now_ns};
    const u32 length = FRAME_HEADER_BYTES + ask->body_bytes;
    const bool is_part = ask->info->class == MESSAGE_CLASS_PART;
    const struct frame_header header = {.magic = FRAME_MAGIC,
                                        .length = length,
                                        .version = FRAME_VERSION,
                                        .opcode = ask->info->code,
                                        .shard = ask->shard,
                                        .record_count = 1,
                                        .deadline_ms = is_part ? left_ms(reactor, inquiry) : 0};
    if (reactor_of_shard(reactor, ask->shard) == reactor->index)
        return host_frame(reactor_host(reactor, ask->shard), &origin, ask->info, &header, ask->body,
                          ask->body_bytes) == DISPATCH_DONE;
    if (!forward_has_room(reactor, &header) && reactor->phase < REACTOR_PHASE_DRAINED)
        return false; /* a drained reactor is refused by forward_frame, and the question ends */
    memcpy(ask->body - FRAME_HEADER_BYTES, &header, sizeof header);
    forward_frame(reactor, &origin, &header, ask->body - FRAME_HEADER_BYTES);
    return true;
}

/* Bytes that are sent with one piece; about ten microseconds. */
#define SEND_BYTES_MAX (64u << 10)

/* Sends what can be sent, some of it. True: something was. */
static bool send_some(struct reactor *reactor, struct inquiry *inquiry)
{
    const struct gather *gather = &inquiry->gather;
    u32 bytes = 0;
    const u32 before = inquiry->sent_count;
    while (inquiry->sent_count < gather->ask_count && bytes < SEND_BYTES_MAX) {
        bytes += 1024 + gather->asks[inquiry->sent_count].body_bytes;
        inquiry->sent_count++; /* the answer may come at once */
        if (send(reactor, inquiry, inquiry->sent_count - 1))
            continue;
        inquiry->sent_count--;
        break;
    }
    return inquiry->sent_count != before;
}

/* Some work: asks are sent, or a piece of the next round is done, when all is answered. False: it waits for
 * somebody. */
static bool advance(struct reactor *reactor, struct inquiry *inquiry)
{
    struct gather *gather = &inquiry->gather;
    if (!inquiry->goes_on && inquiry->sent_count < gather->ask_count)
        return send_some(reactor, inquiry);
    if (!inquiry->goes_on && gather->open_count > 0)
        return false;
    if (!inquiry->goes_on)
        gather->is_late = inquiry->late_ns <= reactor->now_ns;
    inquiry->sent_count = 0;
    const u32 asks = inquiry->status == STATUS_OK ? gather_next(gather) : 0;
    inquiry->goes_on = asks == GATHER_GOES_ON;
    if (asks == 0)
        reply(reactor, inquiry);
    return true;
}

/* ---- the step -------------------------------------------------------------------------------- */

/* The next question that can do something without waiting does it. False: none can. */
static bool advance_one(struct reactor *reactor)
{
    struct inquiry_table *table = &reactor->inquiries;
    for (u32 i = 0, seen = 0, used = table->used_count; i < INQUIRIES_MAX && seen < used; i++) {
        struct inquiry *inquiry = &table->inquiries[table->next++ % INQUIRIES_MAX];
        if (!inquiry->is_used)
            continue;
        seen++;
        if (advance(reactor, inquiry))
            return true;
    }
    return false;
}

/* A slice of the next host that has one; false: none has. */
static bool slice_one(struct reactor *reactor)
{
    struct inquiry_table *table = &reactor->inquiries;
    for (u32 i = 0; i < reactor->host_count; i++)
        if (part_queue_slice(&reactor->hosts[table->next_host++ % reactor->host_count]))
            return true;
    return false;
}

/* Pieces and slices in turn. What begins last may go beyond the time. */
void inquiry_turn(struct reactor *reactor)
{
    struct inquiry_table *table = &reactor->inquiries;
    const u64 end_ns = clock_monotonic_ns() + PART_TURN_NS;
    table->has_more = false;
    for (;;) {
        const bool has_piece = table->used_count > 0 && advance_one(reactor);
        if (!has_piece || (reactor->now_ns = clock_monotonic_ns()) < end_ns) {
            if (!slice_one(reactor) && !has_piece)
                return;
            reactor->now_ns = clock_monotonic_ns();
        }
        if (reactor->now_ns >= end_ns)
            break;
    }
    table->has_more = table->used_count > 0; /* perhaps: what has been answered just now */
}

bool inquiry_has_work(const struct reactor *reactor)
{
    if (reactor->inquiries.has_more)
        return true;
    for (u32 i = 0; i < reactor->host_count; i++)
        if (reactor->hosts[i].parts.count > 0)
            return true;
    return false;
}

bool inquiry_is_quiet(const struct reactor *reactor)
{
    return reactor->inquiries.used_count == 0 && !inquiry_has_work(reactor);
}

void inquiry_close(struct reactor *reactor)
{
    struct inquiry_table *table = &reactor->inquiries;
    for (u32 i = 0; i < INQUIRIES_MAX && table->inquiries != NULL; i++) {
        if (table->inquiries[i].is_used)
            end(reactor, &table->inquiries[i]);
        gather_deinit(&table->inquiries[i].gather);
    }
    if (table->inquiries != NULL)
        bump_reserve_deinit(&table->reserve);
    free(table->inquiries);
    table->inquiries = NULL;
}
