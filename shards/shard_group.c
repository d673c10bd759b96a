/* shard_group: the records of one frame: decoded, hashed, prefetched in groups, then executed.
 *
 *      a group of up to 16:   hash the keys, prefetch their buckets
 *                             look at the buckets, prefetch the first candidates
 *                             find and execute, one after the other
 *
 * So the misses of 16 records overlap. A key equal to the one before it is neither hashed nor
 * looked up again: frames for one hot SKU are the case that must be fastest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/frame.h"
#include "shards/shard_handlers.h"

/* One record of a group on its way. */
struct group_record {
    struct record_view view;
    struct resource key;
    u64 hash;
    bool is_repeat; /* same key as the record before */
};

static shard_apply_fn *handler_of(u16 index)
{
#define HANDLER_CONTROL(name) NULL,
#define HANDLER_READ(name)    NULL,
#define HANDLER_WRITE(name)   shard_apply_##name,
    static shard_apply_fn *const handlers[MESSAGE_COUNT] = {
#define OP(code, NAME, name, CLASS, ROUTE, summary) HANDLER_##CLASS(name)
#include "proto/messages.def"
#undef OP
    };
    MUST(index < MESSAGE_COUNT);
    return handlers[index];
}

static void decode(const struct shard_frame *frame, u32 *offset, struct record_view *view)
{
    if (frame->info->request.span_count != 0) {
        frame_record_next(frame->info, FRAME_DIRECTION_REQUEST, frame->body, offset, view);
        return;
    }
    view->fixed = frame->body + *offset;
    *offset += frame->info->request.fixed_bytes;
}

static void hash_group(const struct shard *shard, const struct shard_frame *frame,
                       struct group_record *group, u32 count, bool is_first)
{
    for (u32 i = 0; i < count; i++) {
        struct group_record *record = &group[i];
        memcpy(&record->key, record->view.fixed + frame->info->route_offset, sizeof record->key);
        record->is_repeat = i != 0 && resource_equal(record->key, group[i - 1].key);
        if (record->is_repeat)
            record->hash = group[i - 1].hash;
        else if (i == 0 && is_first && frame->has_first_hash)
            record->hash = frame->first_hash;
        else
            record->hash = route_hash_resource(record->key);
        if (!record->is_repeat)
            map_prefetch(&shard->stock.resources, record->hash);
    }
}

static void prefetch_group(const struct shard *shard, const struct group_record *group, u32 count)
{
    const struct stock *stock = &shard->stock;
    for (u32 i = 0; i < count; i++) {
        if (group[i].is_repeat)
            continue;
        const u32 candidate = map_first_candidate(&stock->resources, group[i].hash);
        if (candidate != 0)
            pool_prefetch(&stock->hots, candidate);
    }
}

/* Second step for operations that name a grant: its bucket, then the grant itself. Where the id
 * lies is known by operation. */
static u32 id_offset_of(u16 opcode)
{
    if (opcode == OPCODE_HOLD || opcode == OPCODE_TAKE)
        return offsetof(struct msg_hold_req, id);
    return opcode >= OPCODE_HOLD_EXTEND && opcode <= OPCODE_ALLOC_RETURN
               ? offsetof(struct msg_hold_extend_req, id)
               : 0;
}
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_alloc_return_req, id));
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_hold_confirm_req, id));

static void prefetch_grants(const struct shard *shard, const struct shard_frame *frame,
                            const struct group_record *group, u32 count)
{
    const struct stock *stock = &shard->stock;
    const u32 id_offset = id_offset_of(frame->info->code);
    u64 hashes[SHARD_GROUP_RECORDS];
    if (id_offset == 0 || count < 2 || pool_count(&stock->grants) < SHARD_GROUP_RECORDS)
        return;
    for (u32 i = 0; i < count; i++) {
        struct id128 id;
        memcpy(&id, group[i].view.fixed + id_offset, sizeof id);
        hashes[i] = id128_is_none(id) ? 0 : stock_grant_hash(group[i].hash, id);
        if (hashes[i] != 0)
            map_prefetch(&stock->grant_map, hashes[i]);
    }
    for (u32 i = 0; i < count; i++) {
        const u32 candidate =
            hashes[i] != 0 ? map_first_candidate(&stock->grant_map, hashes[i]) : 0;
        if (candidate != 0)
            pool_prefetch(&stock->grants, candidate);
    }
}

static void route_resource(const struct shard *shard, const struct resource *key,
                           struct shard_call *call)
{
    call->is_key_good = shard_resource_key_good(*key);
    call->is_foreign = !shard_owns(shard, call->hash);
    call->object = call->is_key_good && !call->is_foreign
                       ? stock_resource_find(&shard->stock, call->hash, key)
                       : 0;
}

void shard_call_route(struct shard *shard, const struct message_info *info, const u8 *fixed,
                      struct shard_call *call)
{
    call->object = 0;
    call->is_foreign = false;
    call->is_key_good = true;
    if (info->route == MESSAGE_ROUTE_RESOURCE) {
        struct resource key;
        memcpy(&key, fixed + info->route_offset, sizeof key);
        call->hash = route_hash_resource(key);
        route_resource(shard, &key, call);
    } else if (info->route == MESSAGE_ROUTE_PRODUCT) {
        u64 product_id;
        memcpy(&product_id, fixed + info->route_offset, sizeof product_id);
        call->hash = route_hash_u64(product_id);
        call->is_key_good = product_id != 0;
        call->is_foreign = !shard_owns(shard, call->hash);
        if (call->is_key_good && !call->is_foreign)
            call->object = catalog_find(&shard->catalog, call->hash, product_id);
    }
}

/* Executes one group. Returns how many records were executed: fewer than `count` when a record of
 * a linked frame was refused, which is then the last one. */
static u32 execute_group(struct shard *shard, const struct shard_frame *frame,
                         struct group_record *group, u32 count, struct shard_call *call,
                         u8 *replies)
{
    shard_apply_fn *handler = handler_of(frame->info->index);
    const u32 reply_bytes = frame->info->reply.fixed_bytes;
    const bool is_linked = shard->undo.is_active;
    for (u32 i = 0; i < count; i++) {
        struct group_record *record = &group[i];
        u8 *reply = replies + (size_t)i * reply_bytes;
        call->spans = record->view.spans;
        if (frame->info->route != MESSAGE_ROUTE_RESOURCE) {
            shard_call_route(shard, frame->info, record->view.fixed, call);
        } else if (!record->is_repeat || call->object == 0) {
            call->hash = record->hash;
            route_resource(shard, &record->key, call);
        }
        memset(reply, 0, reply_bytes);
        handler(shard, call, record->view.fixed, reply);
        if (UNLIKELY(is_linked)) {
            struct record_status head;
            memcpy(&head, reply, sizeof head);
            if (head.status != STATUS_OK)
                return i + 1;
        }
    }
    return count;
}

/* Returns the index of the record of a linked frame that was refused, or record_count. */
static u32 execute_records(struct shard *shard, const struct shard_frame *frame)
{
    const u32 record_count = frame->entry->record_count;
    const u32 reply_bytes = frame->info->reply.fixed_bytes;
    const bool is_resource = frame->info->route == MESSAGE_ROUTE_RESOURCE;
    struct group_record group[SHARD_GROUP_RECORDS];
    struct shard_call call = {
        .now_ns = frame->now_ns, .now_ms = frame->now_ns / NS_PER_MS, .entry = frame->entry};
    u32 offset = 0;
    for (u32 done = 0; done < record_count;) { /* ends: a group each time */
        const u32 count = MIN(record_count - done, SHARD_GROUP_RECORDS);
        for (u32 i = 0; i < count; i++)
            decode(frame, &offset, &group[i].view);
        MUST(offset <= frame->entry->body_bytes);
        if (is_resource) {
            hash_group(shard, frame, group, count, done == 0);
            prefetch_group(shard, group, count);
            prefetch_grants(shard, frame, group, count);
        }
        const u32 executed = execute_group(shard, frame, group, count, &call,
                                           frame->replies + (size_t)done * reply_bytes);
        if (executed != count)
            return done + executed - 1;
        const struct record_status *last =
            (const void *)(frame->replies + (size_t)(done + count - 1) * reply_bytes);
        if (shard->undo.is_active && last->status != STATUS_OK)
            return done + count - 1;
        done += count;
    }
    return record_count;
}

static void set_watch(struct shard *shard, bool is_linked)
{
    if (is_linked) {
        undo_begin(&shard->undo);
        shard->stock.watch |= STOCK_WATCH_UNDO;
        shard->catalog.watch |= CATALOG_WATCH_UNDO;
    } else {
        shard->stock.watch &= (u8)~STOCK_WATCH_UNDO;
        shard->catalog.watch &= (u8)~CATALOG_WATCH_UNDO;
    }
}

/* Everything that the frame changed is as before; only the refused record keeps its answer. */
static void roll_back(struct shard *shard, const struct shard_frame *frame, u32 refused)
{
    struct undo_entry entry;
    const void *image;
    while (undo_pop(&shard->undo, &entry, &image)) { /* ends: an entry less each time */
        if (entry.kind == UNDO_KIND_PRODUCT || entry.kind == UNDO_KIND_PRODUCT_NEW)
            catalog_undo(&shard->catalog, entry, image);
        else
            stock_undo(&shard->stock, entry, image);
    }
    const u32 reply_bytes = frame->info->reply.fixed_bytes;
    const struct record_status failed = {.status = STATUS_LINKED_FAILED};
    for (u32 i = 0; i < frame->entry->record_count; i++) {
        if (i == refused)
            continue;
        memset(frame->replies + (size_t)i * reply_bytes, 0, reply_bytes);
        memcpy(frame->replies + (size_t)i * reply_bytes, &failed, sizeof failed);
    }
}

static void commit(struct shard *shard)
{
    struct undo_entry entry;
    const void *image;
    while (undo_pop(&shard->undo, &entry, &image)) /* ends: an entry less each time */
        if (entry.kind == UNDO_KIND_PRODUCT || entry.kind == UNDO_KIND_PRODUCT_NEW)
            catalog_commit(&shard->catalog, entry, image);
}

void shard_execute(struct shard *shard, const struct shard_frame *frame)
{
    MUST(frame->info->class == MESSAGE_CLASS_WRITE);
    MUST(frame->info->reply.span_count == 0);
    if (LIKELY((frame->entry->flags & FRAME_FLAG_LINKED) == 0)) {
        (void)execute_records(shard, frame);
        return;
    }
    set_watch(shard, true);
    const u32 refused = execute_records(shard, frame);
    set_watch(shard, false);
    if (refused != frame->entry->record_count)
        roll_back(shard, frame, refused);
    else
        commit(shard);
    undo_end(&shard->undo);
}
