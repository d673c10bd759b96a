/* shard_group: the records of one frame: decoded, hashed, prefetched in groups, then executed.
 *
 *      a group of up to 32:   hash the keys, prefetch their buckets
 *                             look at the buckets, prefetch the first candidates
 *                             find and execute, one after the other
 *
 * So the misses of 32 records overlap. A key equal to the one before it is neither hashed nor
 * looked up again: frames for one hot SKU are the case that must be fastest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/frame.h"
#include "shards/shard_handlers.h"
#include "shards/stock/stock_tell.h"

/* The records of a group on their way. */
struct group {
    const u8 *first; /* of an operation without spans: the records lie side by side */
    u32 stride;      /* 0: use the views */
    u64 hashes[SHARD_GROUP_RECORDS];
    u64 grant_hashes[SHARD_GROUP_RECORDS]; /* 0 = not looked at */
    u32 count;
    u64 changes;                                   /* bit i: another key than the record before */
    struct record_view views[SHARD_GROUP_RECORDS]; /* only of operations with spans */
};

static shard_apply_fn *handler_of(u16 index)
{
#define HANDLER_CONTROL(name) NULL,
#define HANDLER_READ(name)    NULL,
#define HANDLER_MAIL(name)    NULL,
#define HANDLER_GATHER(name)  NULL,
#define HANDLER_PART(name)    NULL,
#define HANDLER_WRITE(name)   shard_apply_##name,
    static shard_apply_fn *const handlers[MESSAGE_COUNT] = {
#define OP(code, NAME, name, CLASS, ROUTE, summary) HANDLER_##CLASS(name)
#include "proto/messages.def"
#undef OP
    };
    MUST(index < MESSAGE_COUNT);
    return handlers[index];
}

static const u8 *fixed_of(const struct group *group, u32 i)
{
    return LIKELY(group->stride != 0) ? group->first + (size_t)i * group->stride
                                      : group->views[i].fixed;
}

/* Finds the next `count` records of the frame. */
static void decode_group(const struct shard_frame *frame, struct group *group, u32 *offset)
{
    group->first = frame->body + *offset;
    if (group->stride != 0) {
        *offset += group->count * group->stride;
    } else {
        for (u32 i = 0; i < group->count; i++)
            frame_record_next(frame->info, FRAME_DIRECTION_REQUEST, frame->body, offset,
                              &group->views[i]);
    }
    MUST(*offset <= frame->entry->body_bytes);
}

static struct resource key_of(const u8 *bytes)
{
    struct resource key;
    memcpy(&key, bytes, sizeof key);
    return key;
}

/* Are the keys of two records the same bytes? */
static inline bool keys_equal(const u8 *a, const u8 *b)
{
    u64 left[2], right[2];
    memcpy(left, a, sizeof left);
    memcpy(right, b, sizeof right);
    return ((left[0] ^ right[0]) | (left[1] ^ right[1])) == 0;
}
STATIC_CHECK(sizeof(struct resource) == 16);

static void hash_group(const struct shard *shard, const struct shard_frame *frame,
                       struct group *group, bool is_first)
{
    const u32 at = frame->info->route_offset;
    const u8 *before = fixed_of(group, 0) + at;
    u64 hash =
        is_first && frame->has_first_hash ? frame->first_hash : route_hash_resource(key_of(before));
    map_prefetch(&shard->stock.resources, hash);
    group->hashes[0] = hash;
    u64 changes = 1;
    for (u32 i = 1; i < group->count; i++) {
        const u8 *key = fixed_of(group, i) + at;
        if (!keys_equal(key, before)) {
            hash = route_hash_resource(key_of(key));
            map_prefetch(&shard->stock.resources, hash);
            changes |= 1ull << i;
        }
        group->hashes[i] = hash;
        before = key;
    }
    group->changes = changes;
}

static void prefetch_group(const struct shard *shard, const struct group *group)
{
    const struct stock *stock = &shard->stock;
    for (u64 left = group->changes; left != 0; left &= left - 1) { /* ends: a bit less each time */
        const u64 hash = group->hashes[__builtin_ctzll(left)];
        const u32 candidate = map_first_candidate(&stock->resources, hash);
        if (candidate != 0)
            pool_prefetch(&stock->hots, candidate);
    }
}

u32 shard_grant_id_offset(u16 opcode)
{
    if (opcode == OPCODE_HOLD || opcode == OPCODE_TAKE)
        return offsetof(struct msg_hold_req, id);
    return opcode >= OPCODE_HOLD_EXTEND && opcode <= OPCODE_ALLOC_RETURN
               ? offsetof(struct msg_hold_extend_req, id)
               : 0;
}
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_hold_confirm_req, id));
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_hold_release_req, id));
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_hold_bind_req, id));
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_alloc_ship_req, id));
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_alloc_cancel_req, id));
STATIC_CHECK(offsetof(struct msg_hold_extend_req, id) == offsetof(struct msg_alloc_return_req, id));

/* The same two passes over the grants that the group names. `is_new`: the names are those of new
 * grants, as a rule, so that there is no record to look at, only an end of a chain to append to. */
STATIC_CHECK(offsetof(struct msg_hold_req, resource) == 0);
STATIC_CHECK(offsetof(struct msg_hold_extend_req, resource) == 0);
STATIC_CHECK(offsetof(struct resource, id) == 0);

static void prefetch_grants(const struct shard *shard, struct group *group, u32 id_offset,
                            bool is_new)
{
    const struct stock *stock = &shard->stock;
    const u8 *record = group->first;
    u32 named = 0;
    MUST(group->stride != 0);
    for (u32 i = 0; i < group->count; i++, record += group->stride) {
        struct id128 id;
        u64 resource_id;
        memcpy(&id, record + id_offset, sizeof id);
        memcpy(&resource_id, record, sizeof resource_id);
        u64 hash = 0;
        if (!id128_is_none(id)) {
            hash = stock_grant_hash(resource_id, id);
            map_prefetch(&stock->grant_map, hash);
            named++;
        }
        group->grant_hashes[i] = hash;
    }
    if (named == 0)
        return;
    for (u32 i = 0; i < group->count; i++) {
        const u64 hash = group->grant_hashes[i];
        if (hash == 0)
            continue;
        if (is_new) {
            map_prefetch_chain(&stock->grant_map, hash);
            continue;
        }
        const u32 candidate = map_first_candidate(&stock->grant_map, hash);
        if (candidate != 0)
            pool_prefetch(&stock->grants, candidate);
    }
}

/* Carts: the records' users, and what they have. */
static void prefetch_carts(const struct shard *shard, const struct shard_frame *frame,
                           struct group *group)
{
    for (u32 i = 0; i < group->count; i++) {
        u64 user_id;
        memcpy(&user_id, fixed_of(group, i) + frame->info->route_offset, sizeof user_id);
        group->hashes[i] = route_hash_u64(user_id);
    }
    cart_prefetch(&shard->carts, group->hashes, group->count);
}

static inline void route_resource(const struct shard *shard, const struct resource *key,
                                  struct shard_call *call)
{
    call->is_key_good = shard_resource_key_good(*key);
    call->resource_id = key->id;
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
    } else if (info->route == MESSAGE_ROUTE_USER || info->route == MESSAGE_ROUTE_ORDER ||
               info->route == MESSAGE_ROUTE_ALL || info->route == MESSAGE_ROUTE_ALIAS) {
        /* Carts, orders and settings look for themselves; of an order, the high half routes. */
        u64 id;
        const u32 at = info->route == MESSAGE_ROUTE_ORDER ? offsetof(struct id128, high) : 0;
        memcpy(&id, fixed + info->route_offset + at, sizeof id);
        call->hash = route_hash_u64(id);
        call->is_key_good = id != 0;
        call->is_foreign = !shard_owns(shard, call->hash);
        call->object = 1;
    }
}

/* A frame under execution. */
struct run {
    struct shard *shard;
    const struct shard_frame *frame;
    shard_apply_fn *handler;
    u32 reply_bytes;
    u32 id_offset;
    bool is_resource;
    bool is_linked;
};

static bool is_refused(const u8 *reply)
{
    struct record_status head;
    memcpy(&head, reply, sizeof head);
    return head.status != STATUS_OK;
}

/* Levels of what the records so far were about may be others now. Once for a row of records on one SKU:
 * on a hot one this is the only cost. */
static inline void notice_edge(const struct run *run, const struct shard_call *call)
{
    if (run->is_resource && call->object != 0)
        stock_notice_edge(&run->shard->stock, call->object);
}

/* Executes one group. Returns how many records were executed and not refused, or all of them where
 * the frame is not linked. */
static u32 execute_group(const struct run *run, const struct group *group, struct shard_call *call,
                         u8 *reply)
{
    const u8 *fixed = group->first;
    for (u32 i = 0; i < group->count; i++) {
        if (UNLIKELY(group->stride == 0)) {
            fixed = group->views[i].fixed;
            call->spans = group->views[i].spans;
        }
        if (UNLIKELY(!run->is_resource)) {
            shard_call_route(run->shard, run->frame->info, fixed, call);
        } else if ((group->changes >> i & 1) != 0 || call->object == 0) {
            notice_edge(run, call);
            const struct resource key = key_of(fixed + run->frame->info->route_offset);
            call->hash = group->hashes[i];
            route_resource(run->shard, &key, call);
        }
        call->grant_hash = group->grant_hashes[i];
        run->handler(run->shard, call, fixed, reply);
        if (UNLIKELY(run->is_linked) && is_refused(reply))
            return i;
        reply += run->reply_bytes;
        fixed += group->stride;
    }
    notice_edge(run, call);
    return group->count;
}

/* A frame of one record: no group, and its key is hashed already. */
static u32 execute_one(const struct run *run)
{
    struct record_view view;
    struct shard_call call = {.now_ns = run->frame->now_ns,
                              .now_ms = run->frame->now_ns / NS_PER_MS,
                              .entry = run->frame->entry};
    const u8 *fixed = run->frame->body;
    if (run->frame->info->request.span_count != 0) {
        u32 offset = 0;
        frame_record_next(run->frame->info, FRAME_DIRECTION_REQUEST, fixed, &offset, &view);
        call.spans = view.spans;
    }
    if (run->is_resource && run->frame->has_first_hash) {
        const struct resource key = key_of(fixed + run->frame->info->route_offset);
        call.hash = run->frame->first_hash;
        route_resource(run->shard, &key, &call);
    } else {
        shard_call_route(run->shard, run->frame->info, fixed, &call);
    }
    call.grant_hash = run->frame->first_grant_hash;
    memset(run->frame->replies, 0, run->reply_bytes);
    run->handler(run->shard, &call, fixed, run->frame->replies);
    notice_edge(run, &call);
    return run->is_linked && is_refused(run->frame->replies) ? 0 : 1;
}

/* Returns the index of the record of a linked frame that was refused, or record_count. */
static u32 execute_records(const struct run *run)
{
    const u32 record_count = run->frame->entry->record_count;
    if (record_count == 1)
        return execute_one(run);
    struct group group;
    group.stride =
        run->frame->info->request.span_count == 0 ? run->frame->info->request.fixed_bytes : 0;
    struct shard_call call = {.now_ns = run->frame->now_ns,
                              .now_ms = run->frame->now_ns / NS_PER_MS,
                              .entry = run->frame->entry};
    u32 offset = 0;
    memset(run->frame->replies, 0, (size_t)record_count * run->reply_bytes);
    memset(group.grant_hashes, 0, sizeof group.grant_hashes);
    for (u32 done = 0; done < record_count; done += group.count) { /* ends: a group each time */
        group.count = MIN(record_count - done, SHARD_GROUP_RECORDS);
        decode_group(run->frame, &group, &offset);
        if (run->is_resource) {
            hash_group(run->shard, run->frame, &group, done == 0);
            prefetch_group(run->shard, &group);
            if (run->id_offset != 0)
                prefetch_grants(run->shard, &group, run->id_offset,
                                run->id_offset == offsetof(struct msg_hold_req, id));
        } else if (run->frame->info->route == MESSAGE_ROUTE_USER) {
            prefetch_carts(run->shard, run->frame, &group);
        }
        const u32 executed = execute_group(run, &group, &call,
                                           run->frame->replies + (size_t)done * run->reply_bytes);
        if (executed != group.count)
            return done + executed;
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

static bool is_of_catalog(u16 undo_kind)
{
    return undo_kind == UNDO_KIND_PRODUCT || undo_kind == UNDO_KIND_PRODUCT_NEW ||
           undo_kind == UNDO_KIND_PRODUCT_LIVE;
}

/* Everything that the frame changed is as before; only the refused record keeps its answer. */
static void roll_back(struct shard *shard, const struct shard_frame *frame, u32 refused)
{
    struct undo_entry entry;
    const void *image;
    while (undo_pop(&shard->undo, &entry, &image)) { /* ends: an entry less each time */
        if (is_of_catalog(entry.kind))
            catalog_undo(&shard->catalog, entry, image);
        else
            stock_undo(&shard->stock, entry, image);
    }
    catalog_forget_touched(&shard->catalog);
    stock_forget_marked(&shard->stock);
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
        if (is_of_catalog(entry.kind))
            catalog_commit(&shard->catalog, entry, image);
}

/* Stock and catalog can take back what they did; the other rooms cannot, so they are not linked. */
static bool may_be_linked(const struct message_info *info)
{
    const bool is_review = info->code >= OPCODE_REVIEW_PUT && info->code <= OPCODE_REVIEW_ERASE;
    return info->route == MESSAGE_ROUTE_RESOURCE ||
           (info->route == MESSAGE_ROUTE_PRODUCT && !is_review) ||
           info->code == OPCODE_SESSION_OPEN;
}

static void refuse_linked(const struct shard_frame *frame)
{
    const u32 reply_bytes = frame->info->reply.fixed_bytes;
    const struct record_status refused = {.status = STATUS_BAD_ARGUMENT};
    memset(frame->replies, 0, (size_t)frame->entry->record_count * reply_bytes);
    for (u32 i = 0; i < frame->entry->record_count; i++)
        memcpy(frame->replies + (size_t)i * reply_bytes, &refused, sizeof refused);
}

void shard_execute(struct shard *shard, const struct shard_frame *frame)
{
    const struct run run = {
        .shard = shard,
        .frame = frame,
        .handler = handler_of(frame->info->index),
        .reply_bytes = frame->info->reply.fixed_bytes,
        .id_offset = shard_grant_id_offset(frame->info->code),
        .is_resource = frame->info->route == MESSAGE_ROUTE_RESOURCE,
        .is_linked = (frame->entry->flags & FRAME_FLAG_LINKED) != 0,
    };
    MUST(run.handler != NULL);
    MUST(frame->info->reply.span_count == 0);
    if (LIKELY(!run.is_linked)) {
        (void)execute_records(&run);
        return;
    }
    if (!may_be_linked(frame->info)) {
        refuse_linked(frame);
        return;
    }
    set_watch(shard, true);
    const u32 refused = execute_records(&run);
    set_watch(shard, false);
    if (refused != frame->entry->record_count)
        roll_back(shard, frame, refused);
    else
        commit(shard);
    undo_end(&shard->undo);
}
