/* shard_dump: the digest, the dump in slices, and the load.
 *
 *      shard_dump_begin   scalars and mail are queued, all maps get a new cut, hooks are set
 *      any change         the bucket it lies in is queued first, if it was not yet
 *      shard_dump_chunk   queues the next buckets until there is a chunk's worth, hands them out
 *
 * So each object is dumped once, as it was at the beginning. One bucket is the least unit of work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/catalog/alias.h"
#include "shards/order/order_parts.h"
#include "shards/shard_handlers.h"

struct dump_scalars {
    u64 applied_lsn;
    u64 stamp_ns;
    u64 touch;
    u64 retention_ms;
    u32 sessions_max;
    u16 state_version;
    u16 shard_index;
    u16 shard_count;
    u16 zero0;
    u32 zero1;
};
STATIC_CHECK(sizeof(struct dump_scalars) == 48);

static void dump_scalars(const struct shard *shard, struct dump_sink *sink)
{
    MUST(shard->slice_offset == 0); /* half a batch has no lsn */
    const struct dump_scalars scalars = {
        .applied_lsn = shard->applied_lsn,
        .stamp_ns = shard->stamp_ns,
        .touch = shard->sessions.touch,
        .retention_ms = shard->options.retention_ms,
        .sessions_max = shard->options.sessions_max,
        .state_version = BATCH_STATE_VERSION,
        .shard_index = shard->options.index,
        .shard_count = shard->options.count,
    };
    dump_put(sink, DUMP_KIND_SCALARS, &scalars, sizeof scalars, NULL, 0);
}

static struct map *map_of(struct shard *shard, u32 room)
{
    MUST(room < SHARD_DUMP_ROOM_COUNT);
    struct map *maps[SHARD_DUMP_ROOM_COUNT] = {
        [SHARD_DUMP_ROOM_RESOURCES] = &shard->stock.resources,
        [SHARD_DUMP_ROOM_GRANTS] = &shard->stock.grant_map,
        [SHARD_DUMP_ROOM_PRODUCTS] = &shard->catalog.map,
        [SHARD_DUMP_ROOM_ALIASES] = &shard->catalog.aliases,
        [SHARD_DUMP_ROOM_SESSIONS] = &shard->sessions.map,
        [SHARD_DUMP_ROOM_SETTINGS] = &shard->settings.map,
        [SHARD_DUMP_ROOM_CARTS] = &shard->carts.map,
        [SHARD_DUMP_ROOM_ORDERS] = &shard->orders.map,
        [SHARD_DUMP_ROOM_HISTORIES] = &shard->orders.histories,
        [SHARD_DUMP_ROOM_COPURCHASES] = &shard->recommend.bought.map,
        [SHARD_DUMP_ROOM_REVIEWS] = &shard->reviews.review_map,
        [SHARD_DUMP_ROOM_REVIEW_VOTES] = &shard->reviews.vote_map,
        [SHARD_DUMP_ROOM_REVIEW_PERSONS] = &shard->reviews.person_map,
        [SHARD_DUMP_ROOM_REVIEW_PURCHASES] = &shard->reviews.purchase_map,
    };
    return maps[room];
}

static void dump_bucket(struct shard *shard, u32 room, u32 bucket, struct dump_sink *sink)
{
    switch ((enum shard_dump_room)room) {
    case SHARD_DUMP_ROOM_RESOURCES: stock_dump_resource_bucket(&shard->stock, bucket, sink); return;
    case SHARD_DUMP_ROOM_GRANTS: stock_dump_grant_bucket(&shard->stock, bucket, sink); return;
    case SHARD_DUMP_ROOM_PRODUCTS: catalog_dump_bucket(&shard->catalog, bucket, sink); return;
    case SHARD_DUMP_ROOM_ALIASES: alias_dump_bucket(&shard->catalog, bucket, sink); return;
    case SHARD_DUMP_ROOM_SESSIONS: session_dump_bucket(&shard->sessions, bucket, sink); return;
    case SHARD_DUMP_ROOM_SETTINGS: settings_dump_bucket(&shard->settings, bucket, sink); return;
    case SHARD_DUMP_ROOM_CARTS: cart_dump_bucket(&shard->carts, bucket, sink); return;
    case SHARD_DUMP_ROOM_ORDERS: order_dump_bucket(&shard->orders, bucket, sink); return;
    case SHARD_DUMP_ROOM_COPURCHASES:
        copurchase_dump_bucket(&shard->recommend.bought, bucket, sink);
        return;
    case SHARD_DUMP_ROOM_HISTORIES: history_dump_bucket(&shard->orders, bucket, sink); return;
    case SHARD_DUMP_ROOM_REVIEWS: review_dump_review_bucket(&shard->reviews, bucket, sink); return;
    case SHARD_DUMP_ROOM_REVIEW_VOTES:
        review_dump_vote_bucket(&shard->reviews, bucket, sink);
        return;
    case SHARD_DUMP_ROOM_REVIEW_PERSONS:
        review_dump_person_bucket(&shard->reviews, bucket, sink);
        return;
    case SHARD_DUMP_ROOM_REVIEW_PURCHASES:
        review_dump_purchase_bucket(&shard->reviews, bucket, sink);
        return;
    case SHARD_DUMP_ROOM_COUNT: break;
    }
    PANIC("no such room");
}

struct id128 shard_digest(struct shard *shard)
{
    struct dump_sink sink;
    dump_sink_init_digest(&sink);
    dump_scalars(shard, &sink);
    mail_dump(&shard->mail, &sink);
    order_dump_scalars(&shard->orders, &sink);
    for (u32 room = 0; room < SHARD_DUMP_ROOM_COUNT; room++)
        for (u32 bucket = 0; bucket < map_bucket_count(map_of(shard, room)); bucket++)
            dump_bucket(shard, room, bucket, &sink);
    return sink.digest;
}

static void before_bucket_changes(void *context, struct map *map, u32 bucket)
{
    struct shard *shard = context;
    MUST(shard->dump.is_active);
    for (u32 room = 0; room < SHARD_DUMP_ROOM_COUNT; room++)
        if (map_of(shard, room) == map) {
            dump_bucket(shard, room, bucket, &shard->dump.queue);
            return;
        }
    PANIC("a hook of no room");
}

static void set_dumped(struct shard *shard, bool is_dumped)
{
    shard->sessions.is_dumped = is_dumped;
    shard->settings.is_dumped = is_dumped;
    shard->carts.is_dumped = is_dumped;
    shard->orders.is_dumped = is_dumped;
    shard->reviews.is_dumped = is_dumped;
    if (is_dumped) {
        shard->stock.watch |= STOCK_WATCH_DUMP;
        shard->catalog.watch |= CATALOG_WATCH_DUMP;
    } else {
        shard->stock.watch &= (u8)~STOCK_WATCH_DUMP;
        shard->catalog.watch &= (u8)~CATALOG_WATCH_DUMP;
    }
}

void shard_dump_begin(struct shard *shard)
{
    struct shard_dump *dump = &shard->dump;
    MUST(!dump->is_active);
    MUST(shard->expiring_ns == 0);
    dump->is_active = true;
    dump->room = 0;
    dump->bucket = 0;
    dump->cut++; /* modulo 256 */
    dump_sink_init_queue(&dump->queue, &shard->memory);
    dump_scalars(shard, &dump->queue);
    mail_dump(&shard->mail, &dump->queue);
    order_dump_scalars(&shard->orders, &dump->queue);
    for (u32 room = 0; room < SHARD_DUMP_ROOM_COUNT; room++) {
        map_set_hook(map_of(shard, room), before_bucket_changes, shard);
        map_set_cut(map_of(shard, room), dump->cut);
    }
    set_dumped(shard, true);
}

/* Visits buckets until something is queued. False: all have been visited. */
static bool visit_next(struct shard *shard)
{
    struct shard_dump *dump = &shard->dump;
    while (dump->room < SHARD_DUMP_ROOM_COUNT) { /* ends: a bucket or a room further each time */
        struct map *map = map_of(shard, dump->room);
        if (dump->bucket < map_bucket_count(map)) {
            (void)map_visit(map, dump->bucket++);
            if (!dump_is_empty(&dump->queue))
                return true;
        } else {
            dump->room++;
            dump->bucket = 0;
        }
    }
    return false;
}

static void end_dump(struct shard *shard)
{
    for (u32 room = 0; room < SHARD_DUMP_ROOM_COUNT; room++)
        map_set_hook(map_of(shard, room), NULL, NULL);
    set_dumped(shard, false);
    dump_sink_deinit(&shard->dump.queue);
    shard->dump.is_active = false;
}

u32 shard_dump_chunk(struct shard *shard, u8 *to, u32 capacity)
{
    struct shard_dump *dump = &shard->dump;
    MUST(dump->is_active);
    MUST(capacity >= DUMP_CHUNK_BYTES_MIN);
    u32 written = 0;
    for (;;) { /* ends: writes, visits, or leaves */
        written += dump_take(&dump->queue, to + written, capacity - written);
        if (!dump_is_empty(&dump->queue) || capacity - written < DUMP_RECORD_BYTES_MAX)
            return written;
        if (!visit_next(shard))
            break;
    }
    if (written == 0)
        end_dump(shard);
    return written;
}

static const char *load_scalars(struct shard *shard, const u8 *body, u32 bytes)
{
    struct dump_scalars scalars;
    if (bytes != sizeof scalars || shard->has_scalars)
        return "the scalars come twice or have a wrong length";
    memcpy(&scalars, body, sizeof scalars);
    if (scalars.state_version != BATCH_STATE_VERSION)
        return "the snapshot is of another version of the state machine";
    if (scalars.shard_index != shard->options.index || scalars.shard_count != shard->options.count)
        return "the snapshot is of another shard";
    if (scalars.retention_ms != shard->options.retention_ms ||
        scalars.sessions_max != shard->options.sessions_max)
        return "the snapshot was written under other options";
    shard->has_scalars = true;
    shard->applied_lsn = scalars.applied_lsn;
    shard->stamp_ns = scalars.stamp_ns;
    shard->expired_ns = scalars.stamp_ns;
    shard->sessions.touch = scalars.touch;
    return NULL;
}

static const char *load_record(struct shard *shard, const struct dump_view *view)
{
    switch (view->kind) {
    case DUMP_KIND_SCALARS: return load_scalars(shard, view->body, view->body_bytes);
    case DUMP_KIND_RESOURCE:
        return stock_load_resource(&shard->stock, view->body, view->body_bytes);
    case DUMP_KIND_GRANT: return stock_load_grant(&shard->stock, view->body, view->body_bytes);
    case DUMP_KIND_PRODUCT: return catalog_load(&shard->catalog, view->body, view->body_bytes);
    case DUMP_KIND_PRODUCT_SKUS:
        return catalog_load_skus(&shard->catalog, view->body, view->body_bytes);
    case DUMP_KIND_ALIAS: return alias_load(&shard->catalog, view->body, view->body_bytes);
    case DUMP_KIND_SESSION: return session_load(&shard->sessions, view->body, view->body_bytes);
    case DUMP_KIND_REPLY: return session_load_reply(&shard->sessions, view->body, view->body_bytes);
    case DUMP_KIND_CART: return cart_load(&shard->carts, view->body, view->body_bytes);
    case DUMP_KIND_CART_LINES: return cart_load_lines(&shard->carts, view->body, view->body_bytes);
    case DUMP_KIND_CART_REPORT:
        return cart_load_report(&shard->carts, view->body, view->body_bytes);
    case DUMP_KIND_SETTING: return settings_load(&shard->settings, view->body, view->body_bytes);
    case DUMP_KIND_MAIL_PEER: return mail_load_peer(&shard->mail, view->body, view->body_bytes);
    case DUMP_KIND_MAIL_PIECE: return mail_load_piece(&shard->mail, view->body, view->body_bytes);
    case DUMP_KIND_ORDER:
    case DUMP_KIND_ORDER_SCALARS:
        return order_load(&shard->orders, (u16)view->kind, view->body, view->body_bytes);
    case DUMP_KIND_REVIEW:
    case DUMP_KIND_REVIEW_EDIT:
    case DUMP_KIND_REVIEW_VOTE:
    case DUMP_KIND_REVIEW_PERSON:
    case DUMP_KIND_REVIEW_PURCHASE:
        return review_load(&shard->reviews, view->kind, view->body, view->body_bytes);
    case DUMP_KIND_COPURCHASE:
        return copurchase_load(&shard->recommend.bought, view->body, view->body_bytes);
    case DUMP_KIND_HISTORY: return history_load(&shard->orders, view->body, view->body_bytes);
    }
    return "a record of an unknown kind";
}

const char *shard_load_chunk(struct shard *shard, const u8 *bytes, u32 count)
{
    MUST(IMPLIES(!shard->has_scalars, shard->applied_lsn == 0));
    for (u32 offset = 0; offset < count;) { /* ends: a record further each time */
        struct dump_view view;
        const char *reason = dump_next(bytes, count, &offset, &view);
        if (reason == NULL)
            reason = load_record(shard, &view);
        if (reason != NULL)
            return reason;
    }
    return NULL;
}

const char *shard_load_finish(struct shard *shard)
{
    if (!shard->has_scalars)
        return "the snapshot has no scalars";
    const char *reason = stock_load_finish(&shard->stock);
    if (reason == NULL)
        reason = mail_load_finish(&shard->mail);
    if (reason == NULL)
        reason = session_load_finish(&shard->sessions);
    if (reason == NULL)
        reason = settings_load_finish(&shard->settings);
    if (reason == NULL)
        settings_tell_loaded(shard);
    if (reason == NULL)
        reason = cart_load_finish(&shard->carts);
    if (reason == NULL)
        reason = order_load_finish(shard);
    if (reason == NULL)
        reason = review_load_finish(shard);
    if (reason == NULL)
        reason = catalog_load_finish(shard);
    if (reason == NULL)
        reason = copurchase_load_finish(&shard->recommend.bought, shard->options.index,
                                        shard->options.count);
    return reason;
}
