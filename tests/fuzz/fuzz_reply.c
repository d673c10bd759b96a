/* fuzz_reply: a server that says anything, to the core of the client library.
 *
 * The input is a script: calls, sending (whole or in parts), time, lost connections, and what the
 * server says: raw bytes, an honest reply to a frame that it has seen, a reply with something wrong
 * in it, or the last one again.
 *
 * Beside the core runs a bookkeeper of ten facts: which frames left on which connection and for
 * which records, and what was said to them. Every frame that leaves must be well formed. Every call
 * must end once, with all its records; a record with an answer must have been asked for, its frame
 * answered on its own connection, and the answer must be what was said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/lib/core.h"
#include "proto/route.h"
#include "tests/fuzz/fuzz.h"

#define CALLS_MAX        64u
#define CALL_RECORDS_MAX 4u
#define STEPS_MAX        512u
#define ASKED_MAX        512u
#define REPLY_BYTES_MAX  (64u << 10)
#define REQUEST_SIZE_MAX 512u
#define HEAD_BYTES       sizeof(struct record_status)
#define TAGS_MAX         (CALLS_MAX * CALL_RECORDS_MAX)

/* What was said to one record; its tag is the id that it asks for. */
struct answer {
    bool has_status; /* of a whole frame */
    bool has_record;
    u16 status;
    u64 hash; /* of the record behind its head */
};

struct asking {
    struct core_call call;
    const struct message_info *info;
    u8 *replies;
    bool is_done;
};

/* A frame that left. */
struct asked {
    struct frame_header header;
    u16 connection;
    bool is_open; /* without an answer so far */
    u32 tags[FRAME_RECORDS_MAX > TAGS_MAX ? TAGS_MAX : FRAME_RECORDS_MAX];
};

struct pipe {
    u8 *bytes;
    u32 count;
};

struct run {
    struct fuzz_input input;
    struct core core;
    u64 now_ns;
    struct asking askings[CALLS_MAX];
    u32 asking_count;
    u32 done_count;
    struct answer answers[TAGS_MAX];
    struct asked asked[ASKED_MAX];
    u32 asked_count;
    struct pipe sent[REACTORS_MAX];
    struct pipe received[REACTORS_MAX];
    u64 lent_bytes[REACTORS_MAX];
    u8 reply[REPLY_BYTES_MAX];
    u32 reply_bytes;
    u16 reply_connection;
};

static void pipe_add(struct pipe *pipe, const void *bytes, size_t count)
{
    pipe->bytes = realloc(pipe->bytes, pipe->count + count + 1);
    if (pipe->bytes == NULL)
        PANIC("out of memory");
    memcpy(pipe->bytes + pipe->count, bytes, count);
    pipe->count += (u32)count;
}

static void pipe_drop(struct pipe *pipe, u32 count)
{
    MUST(count <= pipe->count);
    pipe->count -= count;
    if (count != 0)
        memmove(pipe->bytes, pipe->bytes + count, pipe->count);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static u32 id_offset(const struct message_info *info)
{
    return info->route_offset +
           (info->route == MESSAGE_ROUTE_RESOURCE ? (u32)offsetof(struct resource, id) : 0);
}

static const struct message_info *draw_operation(struct run *run)
{
    const struct message_info *info = message_at(fuzz_take(&run->input, 1) % MESSAGE_COUNT);
    const bool has_key =
        info->route == MESSAGE_ROUTE_RESOURCE || info->route == MESSAGE_ROUTE_PRODUCT;
    return has_key ? info : message_find(OPCODE_TAKE);
}

static void submit(struct run *run)
{
    static const u32 deadlines[] = {0, SOUK_FOREVER, 5, 1000};
    static const u32 flags[] = {0, 0, SOUK_LINKED, SOUK_ALONE};
    if (run->asking_count == CALLS_MAX)
        return;
    const struct message_info *info = draw_operation(run);
    const u64 how = fuzz_take(&run->input, 1);
    const u32 count = 1 + how % CALL_RECORDS_MAX;
    const u32 size = core_request_size(info);
    struct asking *asking = &run->askings[run->asking_count];
    u8 *records = calloc(count, size);
    asking->replies = calloc(count, core_reply_size(info));
    if (records == NULL || asking->replies == NULL)
        PANIC("out of memory");
    for (u32 i = 0; i < count; i++) {
        const u64 tag = run->asking_count * CALL_RECORDS_MAX + i;
        const struct souk_text text = {.data = "name", .bytes = 4};
        u8 *record = records + (size_t)i * size;
        memcpy(record + id_offset(info), &tag, sizeof tag);
        for (u32 s = 0; s < info->request.span_count; s++)
            memcpy(record + info->request.fixed_bytes + s * sizeof text, &text, sizeof text);
    }
    const struct souk_request request = {.op = info->code,
                                         .count = count,
                                         .records = records,
                                         .flags = flags[(how >> 2) % ARRAY_COUNT(flags)],
                                         .deadline_ms = deadlines[(how >> 4) % 4]};
    asking->info = info;
    asking->call = (struct core_call){.replies = asking->replies};
    if (core_submit(&run->core, run->now_ns, &request, &asking->call) == 0)
        run->asking_count++;
    else
        free(asking->replies);
    free(records);
}

/* The texts of one reply, each with a zero behind it; they are given back. */
static u64 take_texts(const struct message_side *side, u8 *reply, u64 hash)
{
    void *memory;
    u8 *at = reply + side->fixed_bytes;
    for (u32 s = 0; s < side->span_count; s++, at += sizeof(struct souk_text)) {
        struct souk_text text;
        memcpy(&text, at, sizeof text);
        MUST(text.data[text.bytes] == '\0');
        hash = hash * 31 + checksum64(text.data, text.bytes);
    }
    memcpy(&memory, at, sizeof memory);
    free(memory);
    return hash;
}

static void check_reply(const struct run *run, const struct asking *asking, u32 index)
{
    const struct message_side *side = &asking->info->reply;
    u8 *reply = asking->replies + (size_t)index * asking->call.reply_size;
    const u64 tag = (u64)(asking - run->askings) * CALL_RECORDS_MAX + index;
    const struct answer *answer = &run->answers[tag];
    struct record_status head;
    memcpy(&head, reply, sizeof head);
    if (head.status >= SOUK_UNANSWERED) {
        MUST(asking->call.error != 0);
        return;
    }
    if ((head.flags & SOUK_FLAG_FRAME) != 0) {
        MUST(answer->has_status);
        MUST(head.status == MIN(answer->status, (u16)CORE_STATUS_BOGUS));
        return;
    }
    MUST(answer->has_record);
    u64 hash = checksum64(reply + HEAD_BYTES, side->fixed_bytes - HEAD_BYTES);
    if (side->span_count != 0)
        hash = take_texts(side, reply, hash);
    MUST(hash == answer->hash);
}

static void collect(struct run *run)
{
    struct core *core = &run->core;
    while (core->done_head != NULL) {
        struct core_call *call = core->done_head;
        core->done_head = call->next;
        struct asking *asking = (struct asking *)(void *)call;
        MUST(asking >= run->askings && asking < run->askings + run->asking_count);
        MUST(!asking->is_done && call->left == 0);
        for (u32 i = 0; i < call->count; i++)
            check_reply(run, asking, i);
        asking->is_done = true;
        run->done_count++;
        free(asking->replies);
    }
    core->done_tail = NULL;
}

/* ---- what leaves ----------------------------------------------------------------------------- */

static void note_asked(struct run *run, u16 connection, const u8 *bytes, u32 length)
{
    struct frame_refusal refusal = {0};
    MUST(frame_valid(bytes, length, FRAME_DIRECTION_REQUEST, &refusal));
    if (run->asked_count == ASKED_MAX)
        return;
    struct asked *asked = &run->asked[run->asked_count++];
    *asked = (struct asked){
        .header = frame_header_read(bytes), .connection = connection, .is_open = true};
    const struct message_info *info = message_find(asked->header.opcode);
    u32 offset = 0;
    MUST(asked->header.record_count <= ARRAY_COUNT(asked->tags));
    for (u32 i = 0; i < asked->header.record_count; i++) {
        struct record_view view;
        u64 tag = TAGS_MAX;
        frame_record_next(info, FRAME_DIRECTION_REQUEST, bytes + FRAME_HEADER_BYTES, &offset,
                          &view);
        if (info->route == MESSAGE_ROUTE_RESOURCE || info->route == MESSAGE_ROUTE_PRODUCT)
            memcpy(&tag, view.fixed + id_offset(info), sizeof tag);
        MUST(tag <= TAGS_MAX);
        asked->tags[i] = (u32)tag;
    }
}

static void finish_sending(struct run *run, u16 connection, u64 bytes)
{
    struct pipe *pipe = &run->sent[connection];
    const u32 unsent = (u32)(run->lent_bytes[connection] - bytes);
    pipe->count -= unsent;
    run->lent_bytes[connection] = 0;
    core_sent(&run->core, connection, bytes);
    while (pipe->count >= FRAME_HEADER_BYTES) {
        const u32 length = frame_header_read(pipe->bytes).length;
        if (pipe->count < length)
            break;
        note_asked(run, connection, pipe->bytes, length);
        pipe_drop(pipe, length);
    }
}

/* Lends what there is to send; `part` of 256 is sent at once, of the rest it is said later. */
static void send_some(struct run *run, u16 connection, u64 part)
{
    struct iovec vectors[8];
    if (run->core.connections[connection].state < CORE_CONNECTION_GREETING)
        return;
    if (run->lent_bytes[connection] == 0) {
        const u32 count = core_output(&run->core, connection, vectors, ARRAY_COUNT(vectors));
        for (u32 i = 0; i < count; i++) {
            pipe_add(&run->sent[connection], vectors[i].iov_base, vectors[i].iov_len);
            run->lent_bytes[connection] += vectors[i].iov_len;
        }
    }
    if (run->lent_bytes[connection] != 0 && part != 0)
        finish_sending(run, connection, run->lent_bytes[connection] * MIN(part, 255u) / 255);
}

static void lose(struct run *run, u16 connection)
{
    if (run->core.connections[connection].state == CORE_CONNECTION_DOWN)
        return;
    if (run->lent_bytes[connection] != 0)
        finish_sending(run, connection, 0);
    core_lost(&run->core, connection, run->now_ns);
    run->sent[connection].count = 0;
    run->received[connection].count = 0;
    for (u32 i = 0; i < run->asked_count; i++)
        if (run->asked[i].connection == connection)
            run->asked[i].is_open = false;
}

/* What the front does after every turn. */
static void tidy(struct run *run)
{
    for (u16 i = 0; i < REACTORS_MAX; i++)
        if (run->core.is_stale || run->core.connections[i].is_mute)
            lose(run, i);
    collect(run);
}

static void connect_all(struct run *run)
{
    for (u16 i = 0; i < run->core.connection_count; i++)
        if (core_wants_connect(&run->core, i, run->now_ns)) {
            core_connecting(&run->core, i);
            MUST(core_connected(&run->core, i, run->now_ns));
        }
}

static void send_all(struct run *run)
{
    connect_all(run);
    core_pump(&run->core, run->now_ns, true);
    for (u16 i = 0; i < run->core.connection_count; i++)
        send_some(run, i, 255);
}

/* ---- what comes in --------------------------------------------------------------------------- */

static void note_records(struct run *run, const struct asked *asked, const u8 *bytes)
{
    const struct message_info *info = message_find(asked->header.opcode);
    u32 offset = 0;
    for (u32 i = 0; i < asked->header.record_count; i++) {
        struct record_view view;
        frame_record_next(info, FRAME_DIRECTION_REPLY, bytes + FRAME_HEADER_BYTES, &offset, &view);
        if (asked->tags[i] == TAGS_MAX)
            continue;
        struct answer *answer = &run->answers[asked->tags[i]];
        answer->has_record = true;
        answer->hash = checksum64(view.fixed + HEAD_BYTES, info->reply.fixed_bytes - HEAD_BYTES);
        for (u32 s = 0; s < info->reply.span_count; s++)
            answer->hash = answer->hash * 31 + checksum64(view.spans[s].data, view.spans[s].bytes);
    }
}

/* Notes what a frame may be the answer to, by the rules and not by the core. */
static void note_reply(struct run *run, u16 connection, const u8 *bytes, u32 length)
{
    struct frame_refusal refusal = {0};
    if (!frame_valid(bytes, length, FRAME_DIRECTION_REPLY, &refusal))
        return;
    const struct frame_header header = frame_header_read(bytes);
    for (u32 i = 0; i < run->asked_count; i++) {
        struct asked *asked = &run->asked[i];
        if (!asked->is_open || asked->connection != connection ||
            asked->header.request_id != header.request_id ||
            asked->header.opcode != header.opcode || asked->header.shard != header.shard)
            continue;
        if (header.status == STATUS_OK && header.record_count != asked->header.record_count)
            continue;
        asked->is_open = false;
        if (header.status == STATUS_OK)
            note_records(run, asked, bytes);
        for (u32 r = 0; r < asked->header.record_count && header.status != STATUS_OK; r++)
            if (asked->tags[r] != TAGS_MAX) {
                run->answers[asked->tags[r]].has_status = true;
                run->answers[asked->tags[r]].status = header.status;
            }
    }
}

static void feed(struct run *run, u16 connection, const u8 *bytes, u32 count)
{
    if (run->core.connections[connection].state < CORE_CONNECTION_GREETING)
        return;
    struct pipe *pipe = &run->received[connection];
    pipe_add(pipe, bytes, count);
    u32 length;
    struct frame_refusal refusal = {0};
    while (pipe->count >= FRAME_HEADER_BYTES &&
           frame_prefix_valid(pipe->bytes, &length, &refusal) && pipe->count >= length) {
        note_reply(run, connection, pipe->bytes, length);
        pipe_drop(pipe, length);
    }
    while (count != 0) {
        u32 room;
        u8 *to = core_input_room(&run->core, connection, &room);
        MUST(to != NULL && room != 0);
        const u32 part = MIN(room, count);
        memcpy(to, bytes, part);
        if (core_received(&run->core, connection, part, run->now_ns) != NULL) {
            lose(run, connection);
            return;
        }
        bytes += part;
        count -= part;
    }
}

static void feed_raw(struct run *run)
{
    const u16 connection = (u16)(fuzz_take(&run->input, 1) % REACTORS_MAX);
    const u64 wanted = fuzz_take(&run->input, 1);
    const u32 count = (u32)MIN(wanted, run->input.left);
    u8 *bytes = malloc(count + 1u);
    if (bytes == NULL)
        PANIC("out of memory");
    memcpy(bytes, run->input.data, count);
    run->input.data += count;
    run->input.left -= count;
    feed(run, connection, bytes, count);
    free(bytes);
}

static void fill_hello(struct run *run, u8 *fixed)
{
    const u64 how = fuzz_take(&run->input, 1);
    const struct msg_hello_rsp hello = {
        .version = FRAME_VERSION,
        .shard_count = (u16)(how % 4 + (how < 250)),
        .reactor_count = (u16)(how / 4 % 4 + (how < 250)),
        .data_id = {how / 16 % 2, 1},
        .frame_bytes_max = how / 32 % 2 == 0 ? FRAME_BYTES_MAX : 64u << 10,
        .frame_records_max = how / 64 == 3 ? 1 : FRAME_RECORDS_MAX,
        .window_frames = how / 64 == 1 ? 1 : SESSION_WINDOW_FRAMES,
        .session_reply_bytes_max = how / 64 == 2 ? 1 : SESSION_REPLY_BYTES_MAX};
    memcpy(fixed, &hello, sizeof hello);
}

/* A reply to a frame, with fixed parts of zeros or, if `is_wild`, out of the input. */
static u32 build_reply(struct run *run, const struct asked *asked, bool is_wild)
{
    const struct message_info *info = message_find(asked->header.opcode);
    u32 at = FRAME_HEADER_BYTES;
    for (u32 i = 0; i < asked->header.record_count; i++) {
        u8 fixed[REQUEST_SIZE_MAX] = {0};
        struct span spans[MESSAGE_SPANS_MAX] = {{NULL, 0}};
        MUST(info->reply.fixed_bytes <= sizeof fixed);
        if (info->code == OPCODE_HELLO)
            fill_hello(run, fixed);
        for (u32 b = 0; is_wild && b < info->reply.fixed_bytes; b++)
            fixed[b] ^= (u8)fuzz_take(&run->input, 1);
        for (u32 s = 0; s < info->reply.span_count; s++)
            spans[s] = (struct span){(const u8 *)"a text of the server",
                                     is_wild ? (u32)(fuzz_take(&run->input, 1) % 20) : 4};
        const u32 bytes = frame_record_write(info, FRAME_DIRECTION_REPLY, run->reply + at,
                                             REPLY_BYTES_MAX - at, fixed, spans);
        if (bytes == 0)
            break;
        at += bytes;
    }
    return at;
}

/* One lie about the header. */
static void bend(struct run *run, struct frame_header *header, u32 *bytes)
{
    const u64 value = fuzz_take(&run->input, 2);
    switch (fuzz_take(&run->input, 1) % 8) {
    case 0: header->record_count = (u16)value; break;
    case 1: header->request_id += value; break;
    case 2: header->request_id ^= value << 32; break;
    case 3: header->opcode = message_at(value % MESSAGE_COUNT)->code; break;
    case 4: header->shard = (u16)value; break;
    case 5: header->flags = (u16)(header->flags ^ value); break;
    case 6: *bytes = MAX((u32)FRAME_HEADER_BYTES, (u32)value % *bytes / 8 * 8); break;
    case 7: header->session.low += value; break;
    }
}

/* how: bit 0 wild fields, bit 1 a frame status, bit 2 a lie, bit 3 another connection, bit 4 cut
 * short, bit 5 a stored answer, bit 6 another number of records. */
static void answer(struct run *run)
{
    const u64 how = fuzz_take(&run->input, 1);
    const u64 which = fuzz_take(&run->input, 1);
    if (run->asked_count == 0)
        return;
    struct asked told = run->asked[run->asked_count - 1 - which % run->asked_count];
    struct asked *asked = &told;
    if ((how & 64) != 0)
        asked->header.record_count = (u16)(1 + fuzz_take(&run->input, 1) % CALL_RECORDS_MAX);
    u32 bytes = build_reply(run, asked, (how & 1) != 0);
    struct frame_header header = {
        .opcode = asked->header.opcode,
        .flags = (u16)(FRAME_FLAG_REPLY | ((how & 32) != 0 ? FRAME_FLAG_REPLAYED : 0)),
        .shard = asked->header.shard,
        .record_count = asked->header.record_count,
        .request_id = asked->header.request_id,
        .session = asked->header.session,
        .session_seq = asked->header.session_seq};
    if ((how & 2) != 0) {
        const u64 status = fuzz_take(&run->input, 2);
        const struct frame_detail detail = {0, 0};
        bytes = frame_write_refusal(run->reply, &asked->header, (u16)MAX(status, 1ull),
                                    (u32)fuzz_take(&run->input, 1), detail);
        header = frame_header_read(run->reply);
    }
    if ((how & 4) != 0)
        bend(run, &header, &bytes);
    memcpy(run->reply, &header, sizeof header);
    frame_seal(run->reply, bytes);
    run->reply_bytes = (how & 16) != 0 ? bytes / 2 : bytes;
    run->reply_connection = (u16)(asked->connection + ((how & 8) != 0 ? 1 : 0)) % REACTORS_MAX;
    feed(run, run->reply_connection, run->reply, run->reply_bytes);
}

static void step(struct run *run)
{
    const u16 connection = (u16)(fuzz_take(&run->input, 1) % 4);
    switch (fuzz_take(&run->input, 1) % 10) {
    case 0:
    case 1: submit(run); break;
    case 2: send_all(run); break;
    case 3: send_some(run, connection, fuzz_take(&run->input, 1)); break;
    case 4: feed_raw(run); break;
    case 5:
    case 6: answer(run); break;
    case 7: feed(run, run->reply_connection, run->reply, run->reply_bytes); break;
    case 8: lose(run, connection); break;
    case 9:
        run->now_ns += fuzz_take(&run->input, 2) * NS_PER_MS;
        core_tick(&run->core, run->now_ns);
        break;
    }
    tidy(run);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        PANIC("out of memory");
    run->input = (struct fuzz_input){data, bytes};
    run->now_ns = NS_PER_S;
    const u64 how = fuzz_take(&run->input, 1);
    const struct souk_options options = {.retry_limit = (u32)(how % 4),
                                         .gather_frames = (u32)(how / 4 % 4)};
    core_init(&run->core, &options, (struct id128){11, 22});
    send_all(run);
    for (u32 i = 0; i < STEPS_MAX && run->input.left > 0; i++)
        step(run);
    for (u16 i = 0; i < REACTORS_MAX; i++)
        if (run->lent_bytes[i] != 0)
            finish_sending(run, i, 0);
    core_deinit(&run->core);
    collect(run);
    MUST(run->done_count == run->asking_count);
    for (u32 i = 0; i < REACTORS_MAX; i++) {
        free(run->sent[i].bytes);
        free(run->received[i].bytes);
    }
    free(run);
    return 0;
}
