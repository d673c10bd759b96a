/* catalog_dump: products on their way into a snapshot and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/catalog/catalog.h"

struct dump_product {
    u64 product_id;
    u64 version;
    u64 created_at_ns;
    struct product_facts facts;
    u16 text_bytes[PRODUCT_TEXT_COUNT];
    u16 is_deleted;
    u32 zero;
};
STATIC_CHECK(sizeof(struct dump_product) == 24 + sizeof(struct product_facts) + 24);
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_product) + PRODUCT_BLOB_BYTES_MAX <
             DUMP_RECORD_BYTES_MAX);

void catalog_dump_bucket(struct catalog *catalog, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&catalog->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct product *product = product_at(catalog, indexes[i]);
        struct dump_product fixed = {
            .product_id = product->product_id,
            .version = product->version,
            .created_at_ns = product->created_at_ns,
            .facts = product->facts,
            .is_deleted = product->is_deleted,
        };
        u32 bytes = 0;
        for (u32 t = 0; t < PRODUCT_TEXT_COUNT; t++) {
            fixed.text_bytes[t] = product->text_bytes[t];
            bytes += product->text_bytes[t];
        }
        dump_put(sink, DUMP_KIND_PRODUCT, &fixed, sizeof fixed, product->blob, bytes);
    }
}

static const char *dump_product_invalid(const struct dump_product *fixed, const struct span *texts)
{
    static const u32 bytes_max[PRODUCT_TEXT_COUNT] = {
        CODE_BYTES_MAX,     TITLE_BYTES_MAX,      BRAND_BYTES_MAX,
        CATEGORY_BYTES_MAX, ATTRIBUTES_BYTES_MAX, DESCRIPTION_BYTES_MAX,
        ALIAS_BYTES_MAX,    ALIAS_BYTES_MAX,      PAGE_BYTES_MAX};
    if (fixed->product_id == 0 || fixed->version == 0 || fixed->is_deleted > 1 || fixed->zero != 0)
        return "a product has a field that cannot be";
    if (!product_facts_good(&fixed->facts))
        return "a product has a price, time or flag that cannot be";
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++) {
        if (texts[i].bytes > bytes_max[i] || !product_text_good(i, texts[i]))
            return "a product has a text that cannot be";
        if (i != PRODUCT_TEXT_CODE && fixed->is_deleted != 0 && texts[i].bytes != 0)
            return "a deleted product has texts";
    }
    return texts[PRODUCT_TEXT_CODE].bytes == 0 ? "a product has no code" : NULL;
}

const char *catalog_load(struct catalog *catalog, const u8 *body, u32 bytes)
{
    struct dump_product fixed;
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
    const u64 hash = route_hash_u64(fixed.product_id);
    if (catalog_find(catalog, hash, fixed.product_id) != 0)
        return "a product comes twice";
    const u32 index = catalog_create(catalog, hash, fixed.product_id);
    struct product *product = product_at(catalog, index);
    product->version = fixed.version;
    product->created_at_ns = fixed.created_at_ns;
    product->facts = fixed.facts;
    catalog_set_texts(catalog, index, texts);
    catalog_set_deleted(catalog, index, fixed.is_deleted != 0);
    return NULL;
}
