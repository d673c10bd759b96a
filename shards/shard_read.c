/* shard_read: READ frames, answered from durable state.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/frame.h"
#include "shards/catalog/catalog_verify.h"
#include "shards/settings/settings_verify.h"
#include "shards/shard_handlers.h"

static shard_read_fn *reader_of(u16 index)
{
#define READER_CONTROL(name) NULL,
#define READER_READ(name)    shard_read_##name,
#define READER_WRITE(name)   NULL,
#define READER_MAIL(name)    NULL,
#define READER_GATHER(name)  NULL,
#define READER_PART(name)    NULL,
    static shard_read_fn *const readers[MESSAGE_COUNT] = {
#define OP(code, NAME, name, CLASS, ROUTE, summary) READER_##CLASS(name)
#include "proto/messages.def"
#undef OP
    };
    MUST(index < MESSAGE_COUNT);
    return readers[index];
}

/* Room for any fixed reply, aligned. */
struct fixed_reply {
    u64 words[48];
};
#define OP(code, NAME, name, CLASS, ROUTE, summary) \
    STATIC_CHECK(sizeof(struct msg_##name##_rsp) <= sizeof(struct fixed_reply));
#include "proto/messages.def"
#undef OP

/* Brings the carts of the next records near. */
static void prefetch_carts(const struct shard *shard, const struct message_info *info,
                           const u8 *records, u32 count)
{
    u64 hashes[SHARD_GROUP_RECORDS];
    MUST(count <= SHARD_GROUP_RECORDS);
    for (u32 i = 0; i < count; i++, records += info->request.fixed_bytes) {
        u64 user_id;
        memcpy(&user_id, records + info->route_offset, sizeof user_id);
        hashes[i] = route_hash_u64(user_id);
    }
    cart_prefetch(&shard->carts, hashes, count);
}

enum shard_read_result shard_read(struct shard *shard, const struct frame_header *header,
                                  const u8 *body, u32 body_bytes, u64 now_ns, bool may_park, u8 *to,
                                  u32 capacity, struct shard_reply *reply)
{
    const struct message_info *info = message_find(header->opcode);
    MUST(info != NULL);
    MUST(info->class == MESSAGE_CLASS_READ);
    MUST(capacity >= FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    struct shard_call call = {.now_ns = now_ns,
                              .now_ms = now_ns / NS_PER_MS,
                              .may_park = may_park && header->record_count == 1};
    u32 written = 0;
    u32 offset = 0;
    for (u32 i = 0; i < header->record_count; i++) {
        struct record_view view;
        if (i % SHARD_GROUP_RECORDS == 0 && info->code == OPCODE_CART_GET)
            prefetch_carts(shard, info, body + offset,
                           MIN(header->record_count - i, SHARD_GROUP_RECORDS));
        frame_record_next(info, FRAME_DIRECTION_REQUEST, body, &offset, &view);
        MUST(offset <= body_bytes);
        call.spans = view.spans;
        struct fixed_reply fixed = {{0}};
        struct span spans[MESSAGE_SPANS_MAX] = {{NULL, 0}};
        shard_call_route(shard, info, view.fixed, &call);
        if (!reader_of(info->index)(shard, &call, view.fixed, &fixed, spans))
            return SHARD_READ_WAIT;
        if (shard->parked_notice != 0) {
            *reply = (struct shard_reply){.notice = shard->parked_notice,
                                          .wait_ms = shard->parked_wait_ms};
            shard->parked_notice = 0;
            return SHARD_READ_PARK;
        }
        const u32 bytes = frame_record_write(info, FRAME_DIRECTION_REPLY, to + written,
                                             capacity - written, &fixed, spans);
        MUST(bytes != 0); /* records_max keeps the reply inside a frame */
        written += bytes;
    }
    *reply = (struct shard_reply){
        .record_count = header->record_count, .body_bytes = written, .body = to};
    return SHARD_READ_DONE;
}

/* Walks the whole shard: an operator's question, not a shopper's. */
bool shard_read_verify(struct shard *shard, const struct shard_call *call, const void *request,
                       void *reply, struct span *spans)
{
    struct msg_verify_rsp *answer = reply;
    (void)call;
    (void)request;
    if (shard->expiring_ns != 0 || shard->slice_offset != 0)
        return false;
    u32 text_bytes = ATTRIBUTES_BYTES_MAX;
    stock_verify(&shard->stock, answer, shard->scratch, &text_bytes);
    settings_verify(shard, answer, shard->scratch, &text_bytes);
    catalog_verify(shard, answer, shard->scratch, &text_bytes);
    cart_verify(shard, answer, shard->scratch, &text_bytes);
    order_verify(shard, answer, shard->scratch, &text_bytes);
    review_verify(shard, answer, shard->scratch, &text_bytes);
    MUST(text_bytes <= ATTRIBUTES_BYTES_MAX);
    answer->product_count = shard->catalog.live_count;
    answer->session_count = map_count(&shard->sessions.map);
    answer->digest = shard_digest(shard);
    spans[0] = (struct span){.data = shard->scratch, .bytes = text_bytes};
    return true;
}
