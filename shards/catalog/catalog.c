/* catalog: records and blobs of the catalog room: see shards/catalog/catalog.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/catalog/catalog.h"

#include <string.h>

#include "proto/money.h"
#include "proto/text.h"
#include "shards/catalog/alias.h"
#include "shards/search/search.h"
#include "shards/shard_state.h"

STATIC_CHECK(PRODUCT_BLOB_BYTES_MAX <= ARENA_BYTES_MAX);
STATIC_CHECK(PAGE_BYTES_MAX <= UINT16_MAX);

static u64 hash_of_product(const void *context, u32 index)
{
    return route_hash_u64(product_at(context, index)->product_id);
}

void catalog_init(struct catalog *catalog, struct store_memory *memory, struct arena *arena,
                  struct undo *undo)
{
    *catalog = (struct catalog){.arena = arena, .undo = undo};
    pool_init(&catalog->pool, memory, sizeof(struct product));
    map_init(&catalog->map, memory,
             (struct map_records){.context = catalog, .hash_of = hash_of_product});
    alias_room_init(catalog, memory);
}

void catalog_deinit(struct catalog *catalog)
{
    alias_room_deinit(catalog);
    map_deinit(&catalog->map);
    pool_deinit(&catalog->pool);
}

static bool product_equal(const void *context, u32 index, const void *key)
{
    const u64 *wanted = key;
    return product_at(context, index)->product_id == *wanted;
}

u32 catalog_find(const struct catalog *catalog, u64 hash, u64 product_id)
{
    return map_find(&catalog->map, hash, product_equal, catalog, &product_id);
}

u32 catalog_create(struct catalog *catalog, u64 hash, u64 product_id)
{
    MUST(product_id != 0);
    const u32 index = pool_acquire(&catalog->pool);
    struct product *product = product_at(catalog, index);
    product->product_id = product_id;
    product->is_deleted = 1;
    map_insert(&catalog->map, hash, index);
    if (UNLIKELY((catalog->watch & CATALOG_WATCH_UNDO) != 0))
        undo_push(catalog->undo, UNDO_KIND_PRODUCT_NEW, index, NULL, 0);
    return index;
}

void catalog_before_change(struct catalog *catalog, u32 index)
{
    if (UNLIKELY((catalog->watch & CATALOG_WATCH_DUMP) != 0))
        map_before_change(&catalog->map, hash_of_product(catalog, index));
    if (UNLIKELY((catalog->watch & CATALOG_WATCH_UNDO) != 0))
        undo_push(catalog->undo, UNDO_KIND_PRODUCT, index, product_at(catalog, index),
                  sizeof(struct product));
}

void catalog_before_live_change(struct catalog *catalog, u32 index)
{
    if (UNLIKELY((catalog->watch & CATALOG_WATCH_DUMP) != 0))
        map_before_change(&catalog->map, hash_of_product(catalog, index));
    if (UNLIKELY((catalog->watch & CATALOG_WATCH_UNDO) != 0))
        undo_push(catalog->undo, UNDO_KIND_PRODUCT_LIVE, index, product_at(catalog, index),
                  sizeof(struct product));
}

/* ---- touched products ---- */

void catalog_touch(struct catalog *catalog, u32 index, u32 what)
{
    struct product *product = product_at(catalog, index);
    MUST(what == SEARCH_REFRESH_COLUMNS || what == SEARCH_REFRESH_TEXT);
    product->page_version++;
    if (product->touched == 0) {
        product->touched_next = 0;
        if (catalog->touched_first == 0)
            catalog->touched_first = index;
        else
            product_at(catalog, catalog->touched_last)->touched_next = index;
        catalog->touched_last = index;
    }
    product->touched = (u8)MAX((u32)product->touched, what);
}
STATIC_CHECK(SEARCH_REFRESH_TEXT > SEARCH_REFRESH_COLUMNS);

void catalog_tell_touched(struct shard *shard)
{
    struct catalog *catalog = &shard->catalog;
    while (catalog->touched_first != 0) { /* ends: one less each time */
        const u32 index = catalog->touched_first;
        struct product *product = product_at(catalog, index);
        const u32 what = product->touched;
        MUST(what != 0);
        catalog->touched_first = product->touched_next;
        product->touched = 0;
        product->touched_next = 0;
        search_refresh(shard, index, what);
        recommend_touched(shard, index);
        if (what == SEARCH_REFRESH_TEXT)
            recommend_refresh(shard, index);
    }
    catalog->touched_last = 0;
}

/* The images have put the marks of the products back. */
void catalog_forget_touched(struct catalog *catalog)
{
    catalog->touched_first = 0;
    catalog->touched_last = 0;
}

void catalog_set_rating(struct shard *shard, u32 index, u64 sum, u32 count)
{
    struct catalog *catalog = &shard->catalog;
    struct product *product = product_at(catalog, index);
    MUST(sum >= count && sum <= 5ull * count);
    if (product->rating_sum == sum && product->rating_count == count)
        return;
    catalog_before_live_change(catalog, index);
    product->rating_sum = sum;
    product->rating_count = count;
    catalog_touch(catalog, index, SEARCH_REFRESH_COLUMNS);
}

/* ---- texts ---- */

static u32 blob_bytes(const struct product *product)
{
    u32 bytes = 0;
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++)
        bytes += product->text_bytes[i];
    MUST(bytes <= PRODUCT_BLOB_BYTES_MAX);
    return bytes;
}

static void release_blob(struct catalog *catalog, const struct product *product)
{
    if (product->blob != NULL)
        arena_release(catalog->arena, product->blob, blob_bytes(product));
}

/* Always a new blob, so that the undo's image of the record keeps the old one whole. */
void catalog_set_texts(struct catalog *catalog, u32 index, const struct span *texts, u32 page_bytes)
{
    struct product *product = product_at(catalog, index);
    const struct product old = *product;
    MUST(page_bytes >= texts[PRODUCT_TEXT_PAGE].bytes && page_bytes <= PAGE_BYTES_MAX);
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++)
        product->text_bytes[i] = (u16)texts[i].bytes;
    product->page_bytes = page_bytes;
    product->blob = arena_acquire(catalog->arena, blob_bytes(product));
    u8 *to = product->blob;
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++) {
        MUST(texts[i].bytes == product->text_bytes[i]);
        if (texts[i].bytes != 0)
            memcpy(to, texts[i].data, texts[i].bytes);
        to += texts[i].bytes;
    }
    if ((catalog->watch & CATALOG_WATCH_UNDO) == 0)
        release_blob(catalog, &old);
    MUST(to == product->blob + blob_bytes(product));
}

void catalog_set_deleted(struct catalog *catalog, u32 index, bool is_deleted)
{
    struct product *product = product_at(catalog, index);
    if (product->is_deleted == (is_deleted ? 1 : 0))
        return;
    product->is_deleted = is_deleted ? 1 : 0;
    MUST(IMPLIES(is_deleted, catalog->live_count != 0));
    catalog->live_count = is_deleted ? catalog->live_count - 1 : catalog->live_count + 1;
}

void product_texts(const struct product *product, struct span *texts)
{
    static const u8 none[1]; /* of a product that has no texts yet */
    const u8 *from = product->blob != NULL ? product->blob : none;
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++) {
        texts[i] = (struct span){.data = from, .bytes = product->text_bytes[i]};
        from += product->text_bytes[i];
    }
}

bool product_price_good(i64 price, u16 currency)
{
    if (price < 0 || price > PRICE_MAX)
        return false;
    return currency == 0 ? price == 0 : currency_find(currency) != NULL;
}

static bool times_good(u64 from_ns, u64 until_ns)
{
    return until_ns == 0 || from_ns < until_ns;
}

bool product_facts_good(const struct product_facts *facts)
{
    return product_price_good(facts->price, facts->currency) && facts->price_before >= 0 &&
           facts->price_before <= PRICE_MAX && (facts->marks & ~PRODUCT_MARKS_ALL) == 0 &&
           times_good(facts->visible_from_ns, facts->visible_until_ns) &&
           times_good(facts->buyable_from_ns, facts->buyable_until_ns) && facts->zero0 == 0 &&
           facts->zero1 == 0;
}

bool product_text_good(u32 text, struct span span)
{
    const bool has_lines = text == PRODUCT_TEXT_ATTRIBUTES || text == PRODUCT_TEXT_DESCRIPTION;
    return text == PRODUCT_TEXT_PAGE || text_invalid(span.data, span.bytes, has_lines) == NULL;
}

static void undo_live(struct product *product, const struct product *before)
{
    product->page_version = before->page_version;
    product->rating_sum = before->rating_sum;
    product->rating_count = before->rating_count;
    product->touched = before->touched;
}

void catalog_undo(struct catalog *catalog, struct undo_entry entry, const void *image)
{
    u32 index = entry.index;
    struct product *product = product_at(catalog, index);
    MUST((catalog->watch & CATALOG_WATCH_UNDO) == 0);
    if (entry.kind == UNDO_KIND_PRODUCT_NEW) {
        MUST(product->blob == NULL);
        MUST(product->is_deleted == 1 && product->sku_count == 0);
        map_remove(&catalog->map, hash_of_product(catalog, index), index);
        pool_release(&catalog->pool, &index);
        return;
    }
    struct product before;
    MUST(entry.bytes == sizeof before);
    memcpy(&before, image, sizeof before);
    MUST(before.product_id == product->product_id);
    MUST(before.skus == product->skus); /* they change by mail, which comes alone */
    if (entry.kind == UNDO_KIND_PRODUCT_LIVE) {
        undo_live(product, &before);
        return;
    }
    MUST(entry.kind == UNDO_KIND_PRODUCT);
    if (product->blob != before.blob)
        release_blob(catalog, product);
    catalog_set_deleted(catalog, index, before.is_deleted != 0);
    *product = before;
}

/* Popped in reverse, each image owns the blob that its change replaced. */
void catalog_commit(struct catalog *catalog, struct undo_entry entry, const void *image)
{
    if (entry.kind != UNDO_KIND_PRODUCT)
        return;
    struct product before;
    MUST(entry.bytes == sizeof before);
    memcpy(&before, image, sizeof before);
    /* Whoever announces a change gives the product a new blob. */
    if (before.blob != NULL)
        release_blob(catalog, &before);
}
