/* alias: see shards/catalog/alias.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/catalog/alias.h"

#include <string.h>

#include "proto/text.h"
#include "shards/shard_handlers.h"

static u64 hash_of_alias(const void *context, u32 index)
{
    return route_hash_u64(alias_at(context, index)->alias_id);
}

void alias_room_init(struct catalog *catalog, struct store_memory *memory)
{
    pool_init(&catalog->alias_pool, memory, sizeof(struct alias));
    map_init(&catalog->aliases, memory,
             (struct map_records){.context = catalog, .hash_of = hash_of_alias});
}

void alias_room_deinit(struct catalog *catalog)
{
    map_deinit(&catalog->aliases);
    pool_deinit(&catalog->alias_pool);
}

static bool alias_equal(const void *context, u32 index, const void *key)
{
    const u64 *wanted = key;
    return alias_at(context, index)->alias_id == *wanted;
}

static u32 find(const struct catalog *catalog, u64 hash, u64 alias_id)
{
    return map_find(&catalog->aliases, hash, alias_equal, catalog, &alias_id);
}

u64 alias_id_of(enum alias_kind kind, struct span text)
{
    u8 bytes[1 + ALIAS_BYTES_MAX] = {'/'};
    MUST(text.bytes <= ALIAS_BYTES_MAX);
    if (text.bytes != 0)
        memcpy(bytes + 1, text.data, text.bytes);
    return kind == ALIAS_KIND_KEY ? id_from_code(bytes, 1 + text.bytes)
                                  : id_from_code(bytes + 1, text.bytes);
}

static bool kind_good(u16 kind)
{
    return kind == ALIAS_KIND_SLUG || kind == ALIAS_KIND_KEY;
}

static bool alias_good(u64 alias_id, u16 kind, struct span text)
{
    return kind_good(kind) && text.bytes >= 1 && text.bytes <= ALIAS_BYTES_MAX &&
           text_invalid(text.data, text.bytes, false) == NULL &&
           alias_id_of((enum alias_kind)kind, text) == alias_id;
}

static u32 create(struct catalog *catalog, u64 alias_id, u16 kind, struct span text)
{
    const u32 index = pool_acquire(&catalog->alias_pool);
    struct alias *alias = alias_at(catalog, index);
    alias->alias_id = alias_id;
    alias->kind = kind;
    alias->text_bytes = (u16)text.bytes;
    alias->text = arena_acquire(catalog->arena, text.bytes);
    memcpy(alias->text, text.data, text.bytes);
    map_insert(&catalog->aliases, route_hash_u64(alias_id), index);
    return index;
}

static void before_change(struct catalog *catalog, u32 index)
{
    if (UNLIKELY((catalog->watch & CATALOG_WATCH_DUMP) != 0))
        map_before_change(&catalog->aliases, hash_of_alias(catalog, index));
}

/* ---- operations ---- */

/* Who has it decides: it must be free or this product's, or belong to whom the caller says. */
static u16 judge_put(const struct alias *alias, const struct msg_alias_put_req *ask,
                     struct span text)
{
    const u64 holder = alias != NULL ? alias->product_id : 0;
    if (alias != NULL && (alias->kind != ask->kind || alias->text_bytes != text.bytes ||
                          memcmp(alias->text, text.data, text.bytes) != 0))
        return STATUS_ID_COLLISION;
    if (ask->if_product_id != 0)
        return holder == ask->if_product_id ? STATUS_OK : STATUS_ALIAS_TAKEN;
    return holder == 0 || holder == ask->product_id ? STATUS_OK : STATUS_ALIAS_TAKEN;
}

static void give(struct catalog *catalog, u32 index, const struct msg_alias_put_req *ask,
                 struct span text)
{
    if (index == 0 && ask->product_id == 0)
        return;
    if (index == 0)
        index = create(catalog, ask->alias_id, ask->kind, text);
    before_change(catalog, index);
    struct alias *alias = alias_at(catalog, index);
    alias->product_id = ask->product_id;
    if (ask->product_id != 0)
        return;
    map_remove(&catalog->aliases, hash_of_alias(catalog, index), index);
    arena_release(catalog->arena, alias->text, alias->text_bytes);
    pool_release(&catalog->alias_pool, &index);
}

void shard_apply_alias_put(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply)
{
    struct catalog *catalog = &shard->catalog;
    struct msg_alias_put_req ask;
    struct msg_alias_put_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct span text = call->spans[SPAN_OF(alias_put_req, alias)];
    u16 status = shard_call_refusal_create(call, alias_good(ask.alias_id, ask.kind, text));
    if (status != STATUS_OK) {
        answer->head.status = status;
        return;
    }
    const u32 index = find(catalog, call->hash, ask.alias_id);
    const struct alias *alias = index != 0 ? alias_at(catalog, index) : NULL;
    status = judge_put(alias, &ask, text);
    answer->head.status = status;
    if (status == STATUS_OK) {
        give(catalog, index, &ask, text);
        answer->product_id = ask.product_id;
    } else if (alias != NULL) {
        answer->product_id = alias->product_id;
    }
}

bool shard_read_alias_get(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply, struct span *spans)
{
    struct msg_alias_get_req ask;
    struct msg_alias_get_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = shard_call_refusal(call, kind_good(ask.kind));
    if (answer->head.status != STATUS_OK)
        return true;
    const u32 index = find(&shard->catalog, call->hash, ask.alias_id);
    if (index == 0 || alias_at(&shard->catalog, index)->kind != ask.kind) {
        answer->head.status = STATUS_NOT_FOUND;
        return true;
    }
    const struct alias *alias = alias_at(&shard->catalog, index);
    answer->product_id = alias->product_id;
    spans[SPAN_OF(alias_get_rsp, alias)] =
        (struct span){.data = alias->text, .bytes = alias->text_bytes};
    return true;
}

/* ---- dump and load ---- */

struct dump_alias {
    u64 alias_id;
    u64 product_id;
    u16 kind;
    u16 text_bytes;
    u32 zero0;
};
STATIC_CHECK(sizeof(struct dump_alias) == 24);

void alias_dump_bucket(struct catalog *catalog, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&catalog->aliases, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct alias *alias = alias_at(catalog, indexes[i]);
        const struct dump_alias fixed = {.alias_id = alias->alias_id,
                                         .product_id = alias->product_id,
                                         .kind = alias->kind,
                                         .text_bytes = alias->text_bytes};
        dump_put(sink, DUMP_KIND_ALIAS, &fixed, sizeof fixed, alias->text, alias->text_bytes);
    }
}

const char *alias_load(struct catalog *catalog, const u8 *body, u32 bytes)
{
    struct dump_alias fixed;
    if (bytes < sizeof fixed)
        return "an alias is too short";
    memcpy(&fixed, body, sizeof fixed);
    const struct span text = {.data = body + sizeof fixed, .bytes = fixed.text_bytes};
    if (bytes - sizeof fixed != ROUND_UP((u32)fixed.text_bytes, 8u))
        return "an alias has a wrong length";
    if (fixed.product_id == 0 || fixed.zero0 != 0 || !alias_good(fixed.alias_id, fixed.kind, text))
        return "an alias has a field that cannot be";
    if (find(catalog, route_hash_u64(fixed.alias_id), fixed.alias_id) != 0)
        return "an alias comes twice";
    const u32 index = create(catalog, fixed.alias_id, fixed.kind, text);
    alias_at(catalog, index)->product_id = fixed.product_id;
    return NULL;
}
