/* shard_fixture: one shard with a log of its own, for unit tests.
 *
 * A test says what a client sends (fx_send); the fixture makes a batch of it, keeps it, applies it,
 * and remembers the reply. fx_replay applies the kept log to a fresh shard, fx_reload sends the
 * state through a dump.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_SHARD_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_SHARD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/route.h"
#include "shards/shard.h"
#include "shards/shard_state.h"

#define FX_START_NS    (1700000000ull * NS_PER_S)
#define FX_BODY_MAX    (FRAME_BYTES_MAX - FRAME_HEADER_BYTES)
#define FX_CHUNK_BYTES (64u << 10)
#define FX_GBP         826u

struct fx_batch {
    u8 *bytes;
    u32 count;
};

struct fx {
    struct shard *shard;
    struct shard_options options;
    u64 now_ns;
    u64 lsn;
    u64 seq;
    u64 acked_seq;
    struct id128 session;
    struct fx_batch *log;
    u32 log_count;
    u32 log_capacity;
    struct shard_reply reply; /* the last one; body points to reply_body */
    u8 *reply_body;
    u32 reply_count;
    u8 *read_body;
    bool is_local; /* go through shard_admit first */
    bool is_linked;
};

static inline struct id128 fx_id(u64 ms, u64 number)
{
    return (struct id128){.low = number, .high = ms << 16};
}

/* An id made now. */
static inline struct id128 fx_fresh(const struct fx *fx, u64 number)
{
    return fx_id(fx->now_ns / NS_PER_MS, number);
}

static inline struct resource fx_sku(u64 id)
{
    return (struct resource){.id = id};
}

static inline void fx_on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct fx *fx = context;
    assert_int_equal(entry_index, fx->reply_count);
    fx->reply_count++;
    fx->reply = *reply;
    assert_true(reply->body_bytes <= FX_BODY_MAX);
    if (reply->body_bytes != 0)
        memcpy(fx->reply_body, reply->body, reply->body_bytes);
    fx->reply.body = fx->reply_body;
}

static inline void fx_expire(struct shard *shard, u64 stamp_ns)
{
    while (!shard_expire(shard, stamp_ns, 3)) {}
}

/* Applies a batch of one entry, or of none when `entry` is NULL, and keeps it. */
static inline void fx_apply(struct fx *fx, const struct entry_header *entry, const u8 *body)
{
    const u32 body_bytes = entry != NULL ? entry->body_bytes : 0;
    const u32 bytes =
        (u32)sizeof(struct batch_header) + (entry != NULL ? (u32)sizeof *entry + body_bytes : 0);
    u8 *batch = malloc(bytes);
    assert_non_null(batch);
    const struct batch_header header = {.stamp_ns = fx->now_ns,
                                        .bytes = bytes,
                                        .entry_count = entry != NULL ? 1 : 0,
                                        .state_version = BATCH_STATE_VERSION};
    memcpy(batch, &header, sizeof header);
    if (entry != NULL) {
        memcpy(batch + sizeof header, entry, sizeof *entry);
        memcpy(batch + sizeof header + sizeof *entry, body, body_bytes);
    }
    if (fx->log_count == fx->log_capacity) {
        fx->log_capacity = fx->log_capacity * 2 + 64;
        fx->log = realloc(fx->log, fx->log_capacity * sizeof *fx->log);
        assert_non_null(fx->log);
    }
    fx->log[fx->log_count++] = (struct fx_batch){.bytes = batch, .count = bytes};
    fx_expire(fx->shard, fx->now_ns);
    fx->reply_count = 0;
    shard_apply(fx->shard, ++fx->lsn, batch, bytes, fx->is_local && entry != NULL, fx_on_reply, fx);
}

/* One frame with the session and number that `fx` has; true when it was answered on arrival. */
static inline bool fx_frame(struct fx *fx, u16 opcode, const u8 *body, u32 bytes, u32 count)
{
    const struct frame_header header = {
        .opcode = opcode,
        .flags = fx->is_linked ? FRAME_FLAG_LINKED : 0,
        .record_count = (u16)count,
        .session = fx->session,
        .session_seq = fx->seq,
        .acked_seq = fx->acked_seq,
    };
    const struct entry_header entry = {
        .body_bytes = bytes,
        .source = ENTRY_SOURCE_SESSION,
        .opcode = opcode,
        .flags = header.flags,
        .record_count = (u16)count,
        .session = fx->session,
        .session_seq = fx->seq,
        .acked_seq = fx->acked_seq,
    };
    if (fx->is_local) {
        struct shard_reply reply;
        if (shard_admit(fx->shard, &header, body, bytes, fx->now_ns, &reply) ==
            SHARD_VERDICT_ANSWER) {
            fx->reply_count = 0;
            fx_on_reply(fx, 0, &reply);
            return true;
        }
    }
    fx_apply(fx, &entry, body);
    return false;
}

/* The next frame of the session. Replies are acknowledged as they come. */
static inline bool fx_send(struct fx *fx, u16 opcode, const void *records, u32 count)
{
    const u32 bytes = count * message_find(opcode)->request.fixed_bytes;
    fx->seq++;
    fx->acked_seq = fx->seq - 1;
    return fx_frame(fx, opcode, records, bytes, count);
}

/* The i-th record of the last reply as its struct. */
#define FX_RSP(fx, name, i) (((const struct msg_##name##_rsp *)(const void *)(fx)->reply_body)[i])

/* Sends one record and gives its reply. */
#define FX_ONE(fx, OPCODE, name, ...)                                         \
    (fx_send((fx), OPCODE, &(const struct msg_##name##_req){__VA_ARGS__}, 1), \
     assert_int_equal((fx)->reply.status, STATUS_OK), FX_RSP(fx, name, 0))

static inline void fx_open_session(struct fx *fx, struct id128 id)
{
    const struct msg_session_open_req record = {0};
    fx->session = id;
    fx->seq = 0;
    fx->acked_seq = 0;
    fx_frame(fx, OPCODE_SESSION_OPEN, (const u8 *)&record, sizeof record, 1);
    assert_int_equal(fx->reply.status, STATUS_OK);
    assert_int_equal(FX_RSP(fx, session_open, 0).head.status, STATUS_OK);
}

static inline struct msg_sku_put_rsp fx_sku_put(struct fx *fx, struct msg_sku_put_req put,
                                                const char *code)
{
    u8 body[256];
    const struct span span = {.data = (const u8 *)code, .bytes = (u32)strlen(code)};
    const u32 bytes = frame_record_write(message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST,
                                         body, sizeof body, &put, &span);
    assert_int_not_equal(bytes, 0);
    fx->seq++;
    fx->acked_seq = fx->seq - 1;
    fx_frame(fx, OPCODE_SKU_PUT, body, bytes, 1);
    assert_int_equal(fx->reply.status, STATUS_OK);
    return FX_RSP(fx, sku_put, 0);
}

static inline void fx_open_with(struct fx *fx, struct shard_options options)
{
    memset(fx, 0, sizeof *fx);
    fx->options = options;
    fx->shard = shard_open(&options);
    fx->now_ns = FX_START_NS;
    fx->reply_body = malloc(FX_BODY_MAX);
    fx->read_body = malloc(FX_BODY_MAX);
    assert_non_null(fx->shard);
    assert_non_null(fx->reply_body);
    assert_non_null(fx->read_body);
    fx_open_session(fx, (struct id128){1, 2});
}

static inline void fx_open(struct fx *fx)
{
    fx_open_with(fx, (struct shard_options){.count = 1});
}

static inline void fx_close(struct fx *fx)
{
    shard_close(fx->shard);
    for (u32 i = 0; i < fx->log_count; i++)
        free(fx->log[i].bytes);
    free(fx->log);
    free(fx->reply_body);
    free(fx->read_body);
}

/* A SKU "MUG" with id 1 and `on_hand` units. */
static inline void fx_mug(struct fx *fx, i64 on_hand)
{
    const struct msg_sku_put_req put = {.resource = fx_sku(1), .price = 250, .currency = FX_GBP};
    assert_int_equal(fx_sku_put(fx, put, "MUG").head.status, STATUS_OK);
    if (on_hand != 0)
        assert_int_equal(FX_ONE(fx, OPCODE_STOCK_RECEIVE, stock_receive, .resource = fx_sku(1),
                                .quantity = on_hand)
                             .head.status,
                         STATUS_OK);
}

/* Time passes: an empty batch. */
static inline void fx_at(struct fx *fx, u64 now_ns)
{
    fx->now_ns = now_ns;
    fx_apply(fx, NULL, NULL);
}

static inline void fx_later(struct fx *fx, u64 ms)
{
    fx_at(fx, fx->now_ns + ms * NS_PER_MS);
}

/* Reads one record; its reply begins at fx->read_body. */
static inline enum shard_read_result fx_read(struct fx *fx, u16 opcode, const void *record)
{
    const struct frame_header header = {.opcode = opcode, .record_count = 1};
    return shard_read(fx->shard, &header, record, message_find(opcode)->request.fixed_bytes,
                      fx->now_ns, false, fx->read_body, FX_BODY_MAX, &fx->reply);
}

#define FX_READ(fx, OPCODE, name, ...)                                                      \
    (assert_int_equal(fx_read((fx), OPCODE, &(const struct msg_##name##_req){__VA_ARGS__}), \
                      SHARD_READ_DONE),                                                     \
     *(const struct msg_##name##_rsp *)(const void *)(fx)->read_body)

static inline struct msg_stock_get_rsp fx_levels(struct fx *fx)
{
    return FX_READ(fx, OPCODE_STOCK_GET, stock_get, .resource = fx_sku(1));
}

static inline struct msg_verify_rsp fx_verify(struct fx *fx)
{
    const struct msg_verify_rsp rsp = FX_READ(fx, OPCODE_VERIFY, verify, .zero0 = 0);
    assert_int_equal(rsp.violations, 0);
    return rsp;
}

static inline void fx_assert_digest(struct shard *a, struct shard *b)
{
    const struct id128 left = shard_digest(a), right = shard_digest(b);
    assert_int_equal(left.low, right.low);
    assert_int_equal(left.high, right.high);
}

/* A fresh shard with the log applied from batch `from` on, as after a restart. */
static inline void fx_replay_on(const struct fx *fx, struct shard *shard, u32 from)
{
    for (u32 i = from; i < fx->log_count; i++) {
        struct batch_header header;
        memcpy(&header, fx->log[i].bytes, sizeof header);
        fx_expire(shard, header.stamp_ns);
        shard_apply(shard, i + 1, fx->log[i].bytes, fx->log[i].count, false, NULL, NULL);
    }
}

static inline struct shard *fx_replay(const struct fx *fx)
{
    struct shard *shard = shard_open(&fx->options);
    assert_non_null(shard);
    fx_replay_on(fx, shard, 0);
    return shard;
}

/* A dump that is being collected. */
struct fx_dump {
    u8 *bytes;
    u32 *ends;
    u32 used;
    u32 count;
    bool is_done;
};

static inline void fx_dump_init(struct fx_dump *dump)
{
    memset(dump, 0, sizeof *dump);
}

/* Takes one more chunk; false when there is none. */
static inline bool fx_dump_step(struct fx_dump *dump, struct shard *shard)
{
    dump->bytes = realloc(dump->bytes, dump->used + FX_CHUNK_BYTES);
    dump->ends = realloc(dump->ends, (dump->count + 1) * sizeof *dump->ends);
    assert_non_null(dump->bytes);
    assert_non_null(dump->ends);
    const u32 bytes = shard_dump_chunk(shard, dump->bytes + dump->used, FX_CHUNK_BYTES);
    dump->used += bytes;
    dump->ends[dump->count] = dump->used;
    dump->count += bytes != 0 ? 1 : 0;
    dump->is_done = bytes == 0;
    return bytes != 0;
}

/* A fresh shard with the dump loaded, last chunk first. */
static inline struct shard *fx_dump_load(const struct fx_dump *dump,
                                         const struct shard_options *options)
{
    struct shard *shard = shard_open(options);
    assert_non_null(shard);
    for (u32 i = dump->count; i > 0; i--) {
        const u32 begin = i >= 2 ? dump->ends[i - 2] : 0;
        const char *reason =
            shard_load_chunk(shard, dump->bytes + begin, dump->ends[i - 1] - begin);
        if (reason != NULL)
            fail_msg("%s", reason);
    }
    const char *reason = shard_load_finish(shard);
    if (reason != NULL)
        fail_msg("%s", reason);
    return shard;
}

static inline void fx_dump_deinit(struct fx_dump *dump)
{
    free(dump->bytes);
    free(dump->ends);
}

/* A shard that has been through a whole dump. */
static inline struct shard *fx_reload(struct fx *fx)
{
    struct fx_dump dump;
    fx_dump_init(&dump);
    shard_dump_begin(fx->shard);
    while (fx_dump_step(&dump, fx->shard)) {}
    struct shard *shard = fx_dump_load(&dump, &fx->options);
    fx_dump_deinit(&dump);
    return shard;
}

/* Each record of a dump, one after the other, as a chunk of its own. */
struct fx_records {
    struct fx_dump dump;
    u32 *begins;
    u32 count;
};

static inline void fx_records_read(struct shard *shard, struct fx_records *records)
{
    memset(records, 0, sizeof *records);
    shard_dump_begin(shard);
    while (fx_dump_step(&records->dump, shard)) {}
    records->begins = malloc(records->dump.used / 8 * sizeof *records->begins);
    assert_non_null(records->begins);
    for (u32 offset = 0; offset < records->dump.used;) {
        struct dump_view view;
        records->begins[records->count++] = offset;
        assert_null(dump_next(records->dump.bytes, records->dump.used, &offset, &view));
    }
    records->begins[records->count] = records->dump.used;
}

static inline void fx_records_free(struct fx_records *records)
{
    free(records->begins);
    fx_dump_deinit(&records->dump);
}

#endif
