/* fuzz_batch: well-formed commands that the input chooses, through a shard and through the model.
 *
 * Each step is read from the input: how far the clock goes, an operation, a session and its
 * numbers, and for every field one byte that picks a small value, an edge or eight bytes as they
 * are. Every reply must equal the model's, every read too, and at the end verify must find nothing
 * and a replay of the log must give the same digest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/print.h"
#include "shards/shard.h"
#include "tests/fuzz/fuzz.h"
#include "tests/model/model.h"

#define STEPS_MAX      256u
#define RECORDS_MAX    4u
#define BODY_WORDS     4096u
#define FIRST_STAMP_NS (1700000000ull * NS_PER_S)

struct step {
    u64 stamp;
    u32 bytes;
    u8 *batch;
};

struct run {
    struct fuzz_input input;
    struct shard *shard;
    struct model *model;
    u64 now;
    struct entry_header entry;
    u64 body[BODY_WORDS];
    u32 replies;
    u32 answered; /* on arrival */
    u32 step_count;
    struct step steps[STEPS_MAX];
};

static const struct shard_options options = {.count = 1, .sessions_max = 2, .retention_ms = 20000};

static u64 draw_number(struct run *run)
{
    static const u64 edges[] = {0,
                                1,
                                2,
                                3,
                                (u64)QUANTITY_MAX,
                                (u64)QUANTITY_MAX + 1,
                                UINT64_MAX,
                                1ull << 63,
                                (u64)COUNTER_MAX,
                                (u64)COUNTER_MAX + 1,
                                LEASE_MS_MAX,
                                LEASE_MS_MAX + 1,
                                826,
                                1000};
    const u64 choice = fuzz_take(&run->input, 1);
    if (choice < 200)
        return choice % 10;
    if (choice < 250)
        return edges[choice % ARRAY_COUNT(edges)];
    return fuzz_take(&run->input, 8);
}

static struct id128 draw_id(struct run *run)
{
    const u64 choice = fuzz_take(&run->input, 1);
    const u64 ms = FIRST_STAMP_NS / NS_PER_MS + (choice >> 4) * 300;
    if (choice % 16 == 0)
        return (struct id128){0, 0};
    return (struct id128){choice % 16, ms << 16};
}

static void draw_field(struct run *run, const struct message_field *field, u8 *to)
{
    const bool is_id = field->type == WIRE_KIND_id128;
    const bool is_resource = field->type == WIRE_KIND_resource;
    if (is_id) {
        const struct id128 id = draw_id(run);
        memcpy(to, &id, sizeof id);
    } else if (is_resource) {
        const u64 choice = fuzz_take(&run->input, 1);
        const struct resource key = {.id = choice % 4, .kind = choice > 250 ? 6 : 0};
        memcpy(to, &key, sizeof key);
    } else {
        u64 number = draw_number(run);
        if (number < 10 && strcmp(field->name, "currency") == 0)
            number = 826;
        if (number > 1 && number < 10 && strcmp(field->name, "if_version") == 0)
            number = VERSION_ANY;
        memcpy(to, &number, field->bytes);
    }
}

static u32 draw_record(struct run *run, const struct message_info *info, u8 *to, u32 capacity)
{
    const struct message_side *side = &info->request;
    u64 fixed[32] = {0};
    u8 texts[MESSAGE_SPANS_MAX][16];
    struct span spans[MESSAGE_SPANS_MAX] = {{0}};
    u32 at = 0;
    MUST(side->fixed_bytes <= sizeof fixed);
    for (u32 f = 0; f < side->field_count; f++) {
        if (side->fields[f].text != NULL)
            draw_field(run, &side->fields[f], (u8 *)fixed + at);
        at += side->fields[f].bytes;
    }
    for (u32 s = 0; s < side->span_count; s++) {
        const u64 choice = fuzz_take(&run->input, 1);
        memset(texts[s], (int)('a' + choice % 3), sizeof texts[s]);
        if (choice > 240)
            texts[s][0] = (u8)fuzz_take(&run->input, 1);
        spans[s] = (struct span){texts[s], (u32)(choice / 3 % sizeof texts[s])};
    }
    return frame_record_write(info, FRAME_DIRECTION_REQUEST, to, capacity, fixed, spans);
}

static void draw_entry(struct run *run)
{
    static const u8 often[] = {OPCODE_SKU_PUT & 0xFF, OPCODE_STOCK_RECEIVE & 0xFF,
                               OPCODE_TAKE & 0xFF, OPCODE_HOLD & 0xFF};
    const u64 choice = fuzz_take(&run->input, 1);
    const struct message_info *info = message_at(choice % MODEL_MESSAGE_COUNT);
    if (choice > 200 || info->class != MESSAGE_CLASS_WRITE)
        info = message_find((u16)(0x0300 | often[choice % ARRAY_COUNT(often)]));
    const u64 how = fuzz_take(&run->input, 1);
    struct entry_header *entry = &run->entry;
    *entry = (struct entry_header){.source = ENTRY_SOURCE_SESSION,
                                   .opcode = info->code,
                                   .flags = (how & 3) == 3 ? FRAME_FLAG_LINKED : 0,
                                   .session = {how < 240 ? 1 : how % 4 + 1, 9},
                                   .session_seq = run->step_count + 1};
    if (how % 32 == 5)
        entry->session_seq = 1 + how / 32;
    if (how % 16 == 2)
        entry->acked_seq = run->step_count / 2;
    const u32 wanted = info->code == OPCODE_SESSION_OPEN ? 1 : 1 + (u32)((how >> 2) % RECORDS_MAX);
    for (u32 i = 0; i < wanted; i++) {
        entry->body_bytes += draw_record(run, info, (u8 *)run->body + entry->body_bytes,
                                         (u32)sizeof run->body - entry->body_bytes);
        entry->record_count++;
    }
}

NORETURN static void differ(const struct run *run, const struct model_reply *expected,
                            const struct shard_reply *actual)
{
    static char text[4096];
    const struct message_info *info = message_find(run->entry.opcode);
    (void)fprintf(stderr, "step %u at %llu\n%smodel: %s flags %u\n", run->step_count,
                  (unsigned long long)run->now,
                  print_records(info, FRAME_DIRECTION_REQUEST, (const u8 *)run->body,
                                run->entry.record_count, text, sizeof text),
                  status_name(expected->status), expected->flags);
    if (expected->record_count != 0)
        (void)fputs(print_records(info, FRAME_DIRECTION_REPLY, expected->body,
                                  expected->record_count, text, sizeof text),
                    stderr);
    (void)fprintf(stderr, "shard: %s flags %u\n", status_name(actual->status), actual->flags);
    if (actual->record_count != 0)
        (void)fputs(print_records(info, FRAME_DIRECTION_REPLY, actual->body, actual->record_count,
                                  text, sizeof text),
                    stderr);
    PANIC("shard and model differ");
}

static void compare(const struct run *run, const struct model_reply *expected,
                    const struct shard_reply *actual)
{
    bool is_equal = expected->status == actual->status && expected->flags == actual->flags;
    if (is_equal && expected->status == STATUS_OK)
        is_equal = expected->record_count == actual->record_count &&
                   expected->body_bytes == actual->body_bytes &&
                   memcmp(expected->body, actual->body, expected->body_bytes) == 0;
    if (!is_equal)
        differ(run, expected, actual);
}

/* On arrival the sellable units are those of durable state, where a lease that is due may not have
 * ended; statuses and waiting times must agree all the same. */
static void compare_arrival(const struct run *run, const struct model_reply *expected,
                            const struct shard_reply *actual)
{
    if (expected->status != STATUS_OK || expected->body_bytes != actual->body_bytes) {
        compare(run, expected, actual);
        return;
    }
    const u32 bytes = message_find(run->entry.opcode)->reply.fixed_bytes;
    if (expected->flags != actual->flags)
        differ(run, expected, actual);
    for (u32 at = 0; at < expected->body_bytes; at += bytes)
        if (memcmp(expected->body + at, actual->body + at, sizeof(struct record_status)) != 0)
            differ(run, expected, actual);
}

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct run *run = context;
    MUST(entry_index == 0);
    const struct model_reply expected = model_apply(run->model, &run->entry, (const u8 *)run->body);
    compare(run, &expected, reply);
    run->replies++;
}

static void expire(struct shard *shard, u64 stamp)
{
    for (u32 rounds = 0; !shard_expire(shard, stamp, 3); rounds++)
        MUST(rounds < 100000);
}

static struct frame_header header_of(const struct entry_header *entry)
{
    return (struct frame_header){.magic = FRAME_MAGIC,
                                 .length = FRAME_HEADER_BYTES + entry->body_bytes,
                                 .version = FRAME_VERSION,
                                 .opcode = entry->opcode,
                                 .flags = entry->flags,
                                 .record_count = entry->record_count,
                                 .session = entry->session,
                                 .session_seq = entry->session_seq,
                                 .acked_seq = entry->acked_seq};
}

static void apply_entry(struct run *run, bool is_local)
{
    const u32 bytes =
        (u32)(sizeof(struct batch_header) + sizeof run->entry) + run->entry.body_bytes;
    const struct batch_header header = {.stamp_ns = run->now,
                                        .bytes = bytes,
                                        .entry_count = 1,
                                        .state_version = BATCH_STATE_VERSION};
    struct step *step = &run->steps[run->step_count++];
    *step = (struct step){.stamp = run->now, .bytes = bytes, .batch = malloc(bytes)};
    if (step->batch == NULL)
        PANIC("out of memory");
    memcpy(step->batch, &header, sizeof header);
    memcpy(step->batch + sizeof header, &run->entry, sizeof run->entry);
    memcpy(step->batch + sizeof header + sizeof run->entry, run->body, run->entry.body_bytes);
    expire(run->shard, run->now);
    model_advance(run->model, run->now);
    shard_apply(run->shard, run->step_count, step->batch, bytes, is_local, on_reply, run);
    MUST(run->replies == run->step_count);
}

static void furnish_with(struct run *run, u16 opcode, const void *fixed, const struct span *span)
{
    run->entry = (struct entry_header){.source = ENTRY_SOURCE_SESSION,
                                       .opcode = opcode,
                                       .record_count = 1,
                                       .session = {1, 9},
                                       .session_seq = run->step_count + 1};
    run->entry.body_bytes = frame_record_write(message_find(opcode), FRAME_DIRECTION_REQUEST,
                                               (u8 *)run->body, (u32)sizeof run->body, fixed, span);
    apply_entry(run, false);
}

/* Every run begins with a session and three SKUs with stock, else most inputs would say nothing. */
static void furnish(struct run *run)
{
    const struct msg_session_open_req open = {0};
    const struct span code = {(const u8 *)"aaaa", 4};
    furnish_with(run, OPCODE_SESSION_OPEN, &open, NULL);
    for (u64 id = 1; id <= 3; id++) {
        const struct msg_sku_put_req put = {
            .resource.id = id, .currency = 826, .safety_stock = id == 3, .oversell_cap = id == 2};
        const struct msg_stock_receive_req receive = {.resource.id = id, .quantity = 20};
        furnish_with(run, OPCODE_SKU_PUT, &put, &code);
        furnish_with(run, OPCODE_STOCK_RECEIVE, &receive, NULL);
    }
}

/* Half of the steps come through admission; what is answered there must be the model's answer. */
static void run_step(struct run *run)
{
    const u64 clock = fuzz_take(&run->input, 1);
    run->now += clock < 200 ? clock : (clock < 250 ? (clock - 200) : 1500) * NS_PER_MS;
    draw_entry(run);
    if (clock % 2 == 0) {
        apply_entry(run, false);
        return;
    }
    struct shard_reply reply = {0};
    const struct frame_header header = header_of(&run->entry);
    if (shard_admit(run->shard, &header, (const u8 *)run->body, run->entry.body_bytes, run->now,
                    &reply) == SHARD_VERDICT_LOG) {
        apply_entry(run, true);
        return;
    }
    run->answered++;
    struct model *copy = model_copy(run->model);
    model_advance(copy, run->now);
    const struct model_reply expected = model_apply(copy, &run->entry, (const u8 *)run->body);
    compare_arrival(run, &expected, &reply);
    model_close(copy);
}

static void check_end(struct run *run)
{
    static u8 to[FRAME_BYTES_MAX];
    const u64 zero = 0;
    struct shard_reply reply = {0};
    struct msg_verify_rsp rsp;
    const struct entry_header asked = {
        .opcode = OPCODE_VERIFY, .record_count = 1, .body_bytes = sizeof zero};
    const struct frame_header header = header_of(&asked);
    const u64 stamp = shard_last_stamp_ns(run->shard);
    MUST(shard_read(run->shard, &header, (const u8 *)&zero, sizeof zero, stamp, false, to,
                    (u32)sizeof to, &reply) == SHARD_READ_DONE);
    MUST(reply.status == STATUS_OK);
    memcpy(&rsp, reply.body, sizeof rsp);
    MUST(rsp.violations == 0);
    struct shard *again = shard_open(&options);
    for (u32 i = 0; i < run->step_count; i++) {
        expire(again, run->steps[i].stamp);
        shard_apply(again, i + 1, run->steps[i].batch, run->steps[i].bytes, false, NULL, NULL);
    }
    MUST(id128_equal(shard_digest(again), shard_digest(run->shard)));
    shard_close(again);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    const struct model_options model_options = {.count = options.count,
                                                .sessions_max = options.sessions_max,
                                                .retention_ms = options.retention_ms};
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        PANIC("out of memory");
    run->input = (struct fuzz_input){data, bytes};
    run->shard = shard_open(&options);
    run->model = model_open(&model_options);
    run->now = FIRST_STAMP_NS;
    furnish(run);
    while (run->step_count < STEPS_MAX && run->input.left > 0 && run->answered < STEPS_MAX)
        run_step(run);
    check_end(run);
    for (u32 i = 0; i < run->step_count; i++)
        free(run->steps[i].batch);
    shard_close(run->shard);
    model_close(run->model);
    free(run);
    return 0;
}
