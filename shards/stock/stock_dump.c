/* stock_dump: resources and grants on their way into a snapshot and back.
 *
 * A dump comes back in any order: a grant may come before its resource, which is then created as a
 * placeholder and completed by its own record. Heaps are rebuilt as grants come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/money.h"
#include "proto/text.h"
#include "shards/stock/stock_ask.h"
#include "shards/stock/stock_tell.h"

struct dump_resource {
    struct resource key;
    i64 on_hand;
    i64 unavailable;
    i64 held;
    i64 allocated;
    i64 taken_anonymous;
    i64 granted_named;
    i64 shipped_anonymous;
    i64 cancelled_anonymous;
    i64 returned_anonymous;
    i64 received;
    i64 returned_sellable;
    i64 returned_damaged;
    i64 adjusted;
    i64 shipped;
    i64 written_off;
    i64 cancelled;
    i64 safety_stock;
    i64 oversell_cap;
    i64 price;
    u64 product_id;
    u64 version;
    u32 lease_default_ms;
    u16 currency;
    u16 code_bytes;
    u16 low_at;
    u16 zero0;
    u32 zero1;
};
STATIC_CHECK(sizeof(struct dump_resource) == 200);

struct dump_grant {
    struct resource key;
    struct id128 id;
    struct id128 order;
    u64 owner;
    u64 created_at_ns;
    u64 expires_at_ns;
    u64 end_ns;
    u64 fingerprint;
    i64 first_sellable;
    u32 quantity;
    u32 held;
    u32 allocated;
    u32 shipped;
    u32 cancelled;
    u32 returned_sellable;
    u32 returned_damaged;
    u32 lease_ms;
    u32 life_ms;
    u16 state;
    u16 origin;
};
STATIC_CHECK(sizeof(struct dump_grant) == 136);

void stock_dump_resource_bucket(struct stock *stock, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&stock->resources, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct stock_hot *hot = stock_hot_at(stock, indexes[i]);
        const struct stock_cold *cold = stock_cold_of(stock, hot);
        const struct dump_resource fixed = {
            .key = stock_key_of(hot),
            .on_hand = hot->on_hand,
            .unavailable = hot->unavailable,
            .held = hot->held,
            .allocated = hot->allocated,
            .taken_anonymous = hot->taken_anonymous,
            .granted_named = cold->granted_named,
            .shipped_anonymous = cold->shipped_anonymous,
            .cancelled_anonymous = cold->cancelled_anonymous,
            .returned_anonymous = cold->returned_anonymous,
            .received = cold->received,
            .returned_sellable = cold->returned_sellable,
            .returned_damaged = cold->returned_damaged,
            .adjusted = cold->adjusted,
            .shipped = cold->shipped,
            .written_off = cold->written_off,
            .cancelled = cold->cancelled,
            .safety_stock = cold->safety_stock,
            .oversell_cap = cold->oversell_cap,
            .price = cold->price,
            .product_id = cold->product_id,
            .version = cold->version,
            .lease_default_ms = cold->lease_default_ms,
            .currency = cold->currency,
            .code_bytes = cold->code_bytes,
            .low_at = hot->low_at,
        };
        dump_put(sink, DUMP_KIND_RESOURCE, &fixed, sizeof fixed, cold->code, cold->code_bytes);
    }
}

void stock_dump_grant_bucket(struct stock *stock, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&stock->grant_map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct stock_grant *grant = stock_grant_at(stock, indexes[i]);
        const struct dump_grant fixed = {
            .key = stock_key_of(stock_hot_at(stock, grant->resource)),
            .id = grant->id,
            .order = grant->order,
            .owner = grant->owner,
            .created_at_ns = grant->created_at_ns,
            .expires_at_ns = grant->expires_at_ns,
            .end_ns = grant->end_ns,
            .fingerprint = grant->fingerprint,
            .first_sellable = grant->first_sellable,
            .quantity = grant->quantity,
            .held = grant->held,
            .allocated = grant->allocated,
            .shipped = grant->shipped,
            .cancelled = grant->cancelled,
            .returned_sellable = grant->returned_sellable,
            .returned_damaged = grant->returned_damaged,
            .lease_ms = grant->lease_ms,
            .life_ms = grant->life_ms,
            .state = grant->state,
            .origin = grant->origin,
        };
        dump_put(sink, DUMP_KIND_GRANT, &fixed, sizeof fixed, NULL, 0);
    }
}

static bool counter_good(i64 value)
{
    return value >= 0 && value <= COUNTER_MAX;
}

/* Uses of a coupon are counted in no currency. */
static bool dump_currency_good(const struct dump_resource *fixed)
{
    return currency_find(fixed->currency) != NULL ||
           (fixed->currency == 0 && fixed->key.kind == RESOURCE_KIND_ALLOWANCE);
}

static const char *dump_resource_invalid(const struct dump_resource *fixed, const u8 *code)
{
    if (!shard_resource_key_good(fixed->key))
        return "a resource has a key that cannot be";
    if (!counter_good(fixed->on_hand) || !counter_good(fixed->unavailable) ||
        !counter_good(fixed->held) || !counter_good(fixed->allocated) ||
        !counter_good(fixed->taken_anonymous) || !counter_good(fixed->granted_named) ||
        !counter_good(fixed->shipped_anonymous) || !counter_good(fixed->cancelled_anonymous) ||
        !counter_good(fixed->returned_anonymous) || !counter_good(fixed->received) ||
        !counter_good(fixed->returned_sellable) || !counter_good(fixed->returned_damaged) ||
        !counter_good(fixed->shipped) || !counter_good(fixed->written_off) ||
        !counter_good(fixed->cancelled) || fixed->adjusted < -COUNTER_MAX ||
        fixed->adjusted > COUNTER_MAX)
        return "a resource has a counter that cannot be";
    if (fixed->safety_stock < 0 || fixed->safety_stock > QUANTITY_MAX || fixed->oversell_cap < 0 ||
        fixed->oversell_cap > QUANTITY_MAX || fixed->price < 0 || fixed->price > PRICE_MAX ||
        fixed->lease_default_ms > LEASE_MS_MAX || fixed->zero0 != 0 || fixed->zero1 != 0 ||
        !dump_currency_good(fixed) || fixed->version == 0)
        return "a resource has a policy that cannot be";
    return fixed->code_bytes == 0 || text_invalid(code, fixed->code_bytes, false) != NULL
               ? "a resource has a code that cannot be"
               : NULL;
}

/* The resource of a key, made as a placeholder if its record has not come yet. */
static u32 resource_for_load(struct stock *stock, struct resource key, u64 hash)
{
    u32 index = stock_resource_find(stock, hash, &key);
    if (index == 0) {
        index = stock_resource_create(stock, key, hash);
        stock_hot_at(stock, index)->flags = STOCK_HOT_PLACEHOLDER;
        stock->counts.placeholders++;
    }
    return index;
}

static void fill_resource(struct stock_hot *hot, struct stock_cold *cold,
                          const struct dump_resource *fixed, const u8 *code)
{
    hot->on_hand = fixed->on_hand;
    hot->unavailable = fixed->unavailable;
    hot->held = fixed->held;
    hot->allocated = fixed->allocated;
    hot->margin = fixed->oversell_cap - fixed->safety_stock;
    hot->low_at = fixed->low_at;
    hot->taken_anonymous = fixed->taken_anonymous;
    hot->flags = 0;
    stock_add_granted_named(hot, cold, fixed->granted_named);
    cold->shipped_anonymous = fixed->shipped_anonymous;
    cold->cancelled_anonymous = fixed->cancelled_anonymous;
    cold->returned_anonymous = fixed->returned_anonymous;
    cold->received = fixed->received;
    cold->returned_sellable = fixed->returned_sellable;
    cold->returned_damaged = fixed->returned_damaged;
    cold->adjusted = fixed->adjusted;
    cold->shipped = fixed->shipped;
    cold->written_off = fixed->written_off;
    cold->cancelled = fixed->cancelled;
    cold->safety_stock = fixed->safety_stock;
    cold->oversell_cap = fixed->oversell_cap;
    cold->price = fixed->price;
    cold->product_id = fixed->product_id;
    cold->version = fixed->version;
    cold->lease_default_ms = fixed->lease_default_ms;
    cold->currency = fixed->currency;
    cold->code_bytes = fixed->code_bytes;
    memcpy(cold->code, code, fixed->code_bytes);
}

const char *stock_load_resource(struct stock *stock, const u8 *body, u32 bytes)
{
    struct dump_resource fixed;
    if (bytes < sizeof fixed)
        return "a resource is too short";
    memcpy(&fixed, body, sizeof fixed);
    if (fixed.code_bytes > CODE_BYTES_MAX ||
        ROUND_UP((u32)sizeof fixed + fixed.code_bytes, 8u) != bytes)
        return "a resource has a length that does not fit its code";
    const char *reason = dump_resource_invalid(&fixed, body + sizeof fixed);
    if (reason != NULL)
        return reason;
    const u32 index = resource_for_load(stock, fixed.key, route_hash_resource(fixed.key));
    struct stock_hot *hot = stock_hot_at(stock, index);
    if ((hot->flags & STOCK_HOT_PLACEHOLDER) == 0)
        return "a resource comes twice";
    MUST(stock->counts.placeholders != 0);
    stock->counts.placeholders--;
    fill_resource(hot, stock_cold_of(stock, hot), &fixed, body + sizeof fixed);
    stock_set_told(stock, hot);
    return NULL;
}

static const char *dump_grant_invalid(const struct dump_grant *fixed)
{
    if (!shard_resource_key_good(fixed->key) || id128_is_none(fixed->id))
        return "a grant has a key that cannot be";
    if (fixed->state < GRANT_STATE_HELD || fixed->state > GRANT_STATE_FINISHED ||
        fixed->origin < STOCK_ORIGIN_TAKE || fixed->origin > STOCK_ORIGIN_ORDER)
        return "a grant has a state that cannot be";
    if (!stock_quantity_good(fixed->quantity) || fixed->allocated > fixed->quantity ||
        (u64)fixed->shipped + fixed->cancelled > fixed->allocated ||
        (u64)fixed->returned_sellable + fixed->returned_damaged > fixed->shipped)
        return "a grant has quantities that cannot be";
    if (fixed->held != (fixed->state == GRANT_STATE_HELD ? fixed->quantity : 0))
        return "a grant holds what it cannot hold";
    const bool is_of_order = fixed->origin == STOCK_ORIGIN_ORDER;
    if (is_of_order && (!id128_equal(fixed->id, fixed->order) || fixed->expires_at_ns != 0))
        return "a grant of an order is not bound to it";
    if ((!is_of_order && id128_ms(fixed->id) > UINT64_MAX / NS_PER_MS / 2) ||
        fixed->end_ns > UINT64_MAX / 2)
        return "a grant has a time that cannot be";
    return NULL;
}

const char *stock_load_grant(struct stock *stock, const u8 *body, u32 bytes)
{
    struct dump_grant fixed;
    if (bytes != sizeof fixed)
        return "a grant has a wrong length";
    memcpy(&fixed, body, sizeof fixed);
    const char *reason = dump_grant_invalid(&fixed);
    if (reason != NULL)
        return reason;
    const u64 resource_hash = route_hash_resource(fixed.key);
    const u32 resource = resource_for_load(stock, fixed.key, resource_hash);
    const u64 hash = stock_grant_hash(fixed.key.id, fixed.id);
    if (stock_grant_find(stock, hash, resource, fixed.id) != 0)
        return "a grant comes twice";
    const u32 index = stock_grant_acquire(stock);
    struct stock_grant *grant = stock_grant_at(stock, index);
    *grant = (struct stock_grant){
        .id = fixed.id,
        .order = fixed.order,
        .owner = fixed.owner,
        .expires_at_ns = fixed.expires_at_ns,
        .resource = resource,
        .state = (u8)fixed.state,
        .origin = (u8)fixed.origin,
        .held = fixed.held,
        .quantity = fixed.quantity,
        .allocated = fixed.allocated,
        .shipped = fixed.shipped,
        .cancelled = fixed.cancelled,
        .returned_sellable = fixed.returned_sellable,
        .returned_damaged = fixed.returned_damaged,
        .lease_ms = fixed.lease_ms,
        .life_ms = fixed.life_ms,
        .created_at_ns = fixed.created_at_ns,
        .end_ns = fixed.end_ns,
        .fingerprint = fixed.fingerprint,
        .first_sellable = fixed.first_sellable,
    };
    stock_grant_insert(stock, hash, index, grant,
                       stock_cold_of(stock, stock_hot_at(stock, resource)));
    return NULL;
}

const char *stock_load_finish(struct stock *stock)
{
    if (stock->counts.placeholders != 0)
        return "a grant has no resource";
    struct msg_verify_rsp sums;
    memset(&sums, 0, sizeof sums);
    u32 text_bytes = 0;
    stock_verify(stock, &sums, NULL, &text_bytes);
    return sums.violations != 0 ? "the sums of a resource do not agree" : NULL;
}
