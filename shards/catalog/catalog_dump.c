/* catalog_dump: products, their SKUs and aliases on their way into a snapshot and back.
 *
 * A page goes whole, so that the bytes do not depend on how it is packed. The SKUs of a product are a
 * record of their own, which may come before that of the product.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/catalog/catalog_live.h"
#include "shards/search/search.h"
#include "shards/shard_state.h"

struct dump_product {
    u64 product_id;
    u64 version;
    u64 created_at_ns;
    u64 page_version;
    u64 rating_sum;
    struct product_facts facts;
    u16 text_bytes[PRODUCT_TEXT_COUNT]; /* of the page: whole */
    u16 is_deleted;
    u32 rating_count;
};
STATIC_CHECK(sizeof(struct dump_product) == 40 + sizeof(struct product_facts) + 24);
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_product) + PRODUCT_BLOB_BYTES_MAX <
             DUMP_RECORD_BYTES_MAX);

struct dump_product_skus {
    u64 product_id;
    u32 sku_count;
    u32 bytes; /* of the list and its codes */
};
STATIC_CHECK(sizeof(struct dump_product_skus) == 16);
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_product_skus) + PRODUCT_SKUS_BYTES_MAX <
             DUMP_RECORD_BYTES_MAX);

static void dump_product(const struct product *product, struct dump_sink *sink)
{
    u8 blob[PRODUCT_BLOB_BYTES_MAX];
    u8 page[PAGE_BYTES_MAX];
    struct dump_product fixed = {
        .product_id = product->product_id,
        .version = product->version,
        .created_at_ns = product->created_at_ns,
        .page_version = product->page_version,
        .rating_sum = product->rating_sum,
        .rating_count = product->rating_count,
        .facts = product->facts,
        .is_deleted = product->is_deleted,
    };
    struct span texts[PRODUCT_TEXT_COUNT];
    u32 bytes = 0;
    product_texts(product, texts);
    texts[PRODUCT_TEXT_PAGE] = catalog_page(product, page);
    for (u32 t = 0; t < PRODUCT_TEXT_COUNT; t++) {
        fixed.text_bytes[t] = (u16)texts[t].bytes;
        if (texts[t].bytes != 0)
            memcpy(blob + bytes, texts[t].data, texts[t].bytes);
        bytes += texts[t].bytes;
    }
    dump_put(sink, DUMP_KIND_PRODUCT, &fixed, sizeof fixed, blob, bytes);
    if (product->sku_count == 0)
        return;
    const struct dump_product_skus skus = {.product_id = product->product_id,
                                           .sku_count = product->sku_count,
                                           .bytes = product->sku_bytes};
    dump_put(sink, DUMP_KIND_PRODUCT_SKUS, &skus, sizeof skus, product->skus, skus.bytes);
}

void catalog_dump_bucket(struct catalog *catalog, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&catalog->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++)
        dump_product(product_at(catalog, indexes[i]), sink);
}

static const char *dump_product_invalid(const struct dump_product *fixed, const struct span *texts)
{
    static const u32 bytes_max[PRODUCT_TEXT_COUNT] = {
        CODE_BYTES_MAX,     TITLE_BYTES_MAX,      BRAND_BYTES_MAX,
        CATEGORY_BYTES_MAX, ATTRIBUTES_BYTES_MAX, DESCRIPTION_BYTES_MAX,
        ALIAS_BYTES_MAX,    ALIAS_BYTES_MAX,      PAGE_BYTES_MAX};
    if (fixed->product_id == 0 || fixed->is_deleted > 1 ||
        (fixed->version == 0 && fixed->is_deleted == 0) || fixed->page_version < fixed->version)
        return "a product has a field that cannot be";
    if (fixed->rating_sum < fixed->rating_count || fixed->rating_sum > 5ull * fixed->rating_count)
        return "a product has a rating that cannot be";
    if (!product_facts_good(&fixed->facts))
        return "a product has a price, time or flag that cannot be";
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++) {
        if (texts[i].bytes > bytes_max[i] || !product_text_good(i, texts[i]))
            return "a product has a text that cannot be";
        if (i != PRODUCT_TEXT_CODE && fixed->is_deleted != 0 && texts[i].bytes != 0)
            return "a deleted product has texts";
    }
    return (texts[PRODUCT_TEXT_CODE].bytes == 0) != (fixed->version == 0)
               ? "a product has no code, or has one that was never put"
               : NULL;
}

/* The product of an id, made if neither its record nor its SKUs have come. */
static u32 product_for_load(struct catalog *catalog, u64 product_id)
{
    const u64 hash = route_hash_u64(product_id);
    const u32 index = catalog_find(catalog, hash, product_id);
    return index != 0 ? index : catalog_create(catalog, hash, product_id);
}

const char *catalog_load(struct catalog *catalog, const u8 *body, u32 bytes)
{
    struct dump_product fixed;
    u8 packed[PAGE_BYTES_MAX];
    if (bytes < sizeof fixed)
        return "a product is too short";
    memcpy(&fixed, body, sizeof fixed);
    struct span texts[PRODUCT_TEXT_COUNT];
    u32 at = (u32)sizeof fixed;
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++) {
        if (bytes - at < fixed.text_bytes[i])
            return "a product is too short for its texts";
        texts[i] = (struct span){.data = body + at, .bytes = fixed.text_bytes[i]};
        at += fixed.text_bytes[i];
    }
    if (ROUND_UP(at, 8u) != bytes)
        return "a product is too long";
    const char *reason = dump_product_invalid(&fixed, texts);
    if (reason != NULL)
        return reason;
    const u32 index = product_for_load(catalog, fixed.product_id);
    struct product *product = product_at(catalog, index);
    if (product->is_loaded != 0)
        return "a product comes twice";
    product->is_loaded = 1;
    product->version = fixed.version;
    product->created_at_ns = fixed.created_at_ns;
    product->page_version = fixed.page_version;
    product->rating_sum = fixed.rating_sum;
    product->rating_count = fixed.rating_count;
    product->facts = fixed.facts;
    const u32 page_bytes = texts[PRODUCT_TEXT_PAGE].bytes;
    texts[PRODUCT_TEXT_PAGE] = catalog_pack_page(texts[PRODUCT_TEXT_PAGE], packed);
    if (fixed.version != 0)
        catalog_set_texts(catalog, index, texts, page_bytes);
    catalog_set_deleted(catalog, index, fixed.is_deleted != 0);
    return NULL;
}

static const char *sku_invalid(const struct product_sku *sku, u32 code_at, u32 code_bytes_left)
{
    if (sku->sku_id == 0 || sku->price < 0 || sku->price > PRICE_MAX ||
        sku->state > STOCK_STATE_SOME || sku->zero0 != 0 ||
        (sku->kind != RESOURCE_KIND_SKU && sku->kind != RESOURCE_KIND_AD_BUDGET))
        return "a product's SKU has a field that cannot be";
    if (sku->code_at != code_at || sku->code_bytes == 0 || sku->code_bytes > CODE_BYTES_MAX ||
        sku->code_bytes > code_bytes_left)
        return "a product's SKU has a code that cannot be";
    return NULL;
}

const char *catalog_load_skus(struct catalog *catalog, const u8 *body, u32 bytes)
{
    struct dump_product_skus fixed;
    if (bytes < sizeof fixed)
        return "the SKUs of a product are too short";
    memcpy(&fixed, body, sizeof fixed);
    const u64 list_bytes = (u64)fixed.sku_count * sizeof(struct product_sku);
    if (fixed.product_id == 0 || fixed.sku_count == 0 || fixed.sku_count > PRODUCT_SKUS_MAX ||
        fixed.bytes > PRODUCT_SKUS_BYTES_MAX || fixed.bytes < list_bytes ||
        bytes - sizeof fixed != ROUND_UP(fixed.bytes, 8u))
        return "the SKUs of a product have a wrong length";
    u32 code_at = 0;
    for (u32 i = 0; i < fixed.sku_count; i++) {
        struct product_sku sku;
        memcpy(&sku, body + sizeof fixed + i * sizeof sku, sizeof sku);
        const char *reason = sku_invalid(&sku, code_at, fixed.bytes - (u32)list_bytes - code_at);
        if (reason != NULL)
            return reason;
        code_at += sku.code_bytes;
    }
    if (list_bytes + code_at != fixed.bytes)
        return "the SKUs of a product have a wrong length";
    struct product *product = product_at(catalog, product_for_load(catalog, fixed.product_id));
    if (product->skus != NULL)
        return "the SKUs of a product come twice";
    product->skus = arena_acquire(catalog->arena, fixed.bytes);
    memcpy(product->skus, body + sizeof fixed, fixed.bytes);
    product->sku_count = (u16)fixed.sku_count;
    product->sku_bytes = fixed.bytes;
    return catalog_skus_good(product) ? NULL : "the SKUs of a product are not in order";
}

/* What is soft is made anew: every product is told to the search room. */
static const char *finish_product(struct shard *shard, u32 index)
{
    struct product *product = product_at(&shard->catalog, index);
    if (product->is_loaded == 0)
        return "SKUs of a product that does not come";
    product->is_loaded = 0;
    catalog_derive(product);
    if (product->is_deleted == 0) {
        search_refresh(shard, index, SEARCH_REFRESH_TEXT);
        recommend_refresh(shard, index);
    }
    return NULL;
}

const char *catalog_load_finish(struct shard *shard)
{
    struct catalog *catalog = &shard->catalog;
    u32 indexes[DUMP_BUCKET_MAX];
    for (u32 b = 0; b < map_bucket_count(&catalog->map); b++) {
        const u32 count = map_bucket_read(&catalog->map, b, indexes, DUMP_BUCKET_MAX);
        MUST(count <= DUMP_BUCKET_MAX);
        for (u32 i = 0; i < count; i++) {
            const char *reason = finish_product(shard, indexes[i]);
            if (reason != NULL)
                return reason;
        }
    }
    return NULL;
}
