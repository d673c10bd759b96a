/* catalog_live: see shards/catalog/catalog_live.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/catalog/catalog_live.h"

#include <string.h>

#include "shards/search/search.h"
#include "shards/shard_handlers.h"

/* Does SKU `a` with this code come before `b`? */
static bool precedes(const struct product_sku *a, struct span a_code, const struct product_sku *b,
                     struct span b_code)
{
    if (a->kind != b->kind)
        return a->kind == RESOURCE_KIND_SKU;
    if (a->kind == RESOURCE_KIND_SKU) {
        const int order = memcmp(a_code.data, b_code.data, MIN(a_code.bytes, b_code.bytes));
        if (order != 0)
            return order < 0;
        if (a_code.bytes != b_code.bytes)
            return a_code.bytes < b_code.bytes;
    }
    return a->sku_id < b->sku_id;
}

void catalog_derive(struct product *product)
{
    bool has_price = false;
    product->price_from = product->facts.price;
    product->state = STOCK_STATE_NONE;
    for (u32 i = 0; i < product->sku_count; i++) {
        const struct product_sku *sku = &product->skus[i];
        if (sku->kind != RESOURCE_KIND_SKU)
            break; /* budgets come last */
        product->state = MAX(product->state, sku->state);
        if (sku->currency != product->facts.currency)
            continue;
        product->price_from = has_price ? MIN(product->price_from, sku->price) : sku->price;
        has_price = true;
    }
}

bool catalog_skus_good(const struct product *product)
{
    if (product->sku_count > PRODUCT_SKUS_MAX)
        return false;
    for (u32 i = 1; i < product->sku_count; i++)
        if (!precedes(&product->skus[i - 1], product_sku_code(product, i - 1), &product->skus[i],
                      product_sku_code(product, i)))
            return false;
    return true;
}

/* A list under construction, in the arena. */
struct list {
    struct product_sku *skus;
    u8 *codes;
    u32 count;
    u32 code_bytes;
};

static void append(struct list *list, const struct product_sku *sku, struct span code)
{
    struct product_sku *to = &list->skus[list->count++];
    *to = *sku;
    to->code_at = (u16)list->code_bytes;
    to->code_bytes = (u8)code.bytes;
    memcpy(list->codes + list->code_bytes, code.data, code.bytes);
    list->code_bytes += code.bytes;
}

/* A new block: the list without SKU `without` (or UINT32_MAX) and with the fact's, if there is one. */
static void rebuild(struct catalog *catalog, struct product *product, u32 without,
                    const struct product_sku_fact *with)
{
    const struct product old = *product;
    const u32 gone = without != UINT32_MAX ? 1 : 0;
    const u32 count = old.sku_count - gone + (with != NULL ? 1u : 0u);
    MUST(count <= PRODUCT_SKUS_MAX);
    u32 bytes = count * (u32)sizeof(struct product_sku);
    for (u32 i = 0; i < old.sku_count; i++)
        bytes += i != without ? old.skus[i].code_bytes : 0;
    bytes += with != NULL ? with->code.bytes : 0;
    product->skus = count != 0 ? arena_acquire(catalog->arena, bytes) : NULL;
    struct list list = {.skus = product->skus,
                        .codes = count != 0 ? (u8 *)(product->skus + count) : NULL};
    bool is_in = with == NULL;
    for (u32 i = 0; i < old.sku_count; i++) {
        if (i == without)
            continue;
        const struct span code = product_sku_code(&old, i);
        if (!is_in && precedes(&with->sku, with->code, &old.skus[i], code)) {
            append(&list, &with->sku, with->code);
            is_in = true;
        }
        append(&list, &old.skus[i], code);
    }
    if (!is_in)
        append(&list, &with->sku, with->code);
    MUST(list.count == count);
    product->sku_count = (u16)count;
    product->sku_bytes = bytes;
    if (old.skus != NULL)
        arena_release(catalog->arena, old.skus, old.sku_bytes);
}

static u32 find_sku(const struct product *product, const struct product_sku *sku)
{
    for (u32 i = 0; i < product->sku_count; i++)
        if (product->skus[i].sku_id == sku->sku_id && product->skus[i].kind == sku->kind)
            return i;
    return UINT32_MAX;
}

static bool code_equal(struct span a, struct span b)
{
    return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}

/* What the list makes of a fact: 0 nothing, else an enum search_refresh. */
static u32 take_fact(struct catalog *catalog, struct product *product,
                     const struct product_sku_fact *fact)
{
    const u32 at = find_sku(product, &fact->sku);
    if (fact->is_gone) {
        if (at == UINT32_MAX)
            return 0;
        rebuild(catalog, product, at, NULL);
        return SEARCH_REFRESH_TEXT;
    }
    if (at == UINT32_MAX) {
        if (product->sku_count == PRODUCT_SKUS_MAX)
            return 0;
        rebuild(catalog, product, UINT32_MAX, fact);
        return SEARCH_REFRESH_TEXT;
    }
    if (!code_equal(product_sku_code(product, at), fact->code)) {
        rebuild(catalog, product, at, fact);
        return SEARCH_REFRESH_TEXT;
    }
    struct product_sku *sku = &product->skus[at];
    sku->price = fact->sku.price;
    sku->currency = fact->sku.currency;
    sku->state = fact->sku.state;
    sku->as_of_ns = fact->sku.as_of_ns;
    return SEARCH_REFRESH_COLUMNS;
}

void catalog_sku_fact(struct shard *shard, u64 product_id, const struct product_sku_fact *fact)
{
    struct catalog *catalog = &shard->catalog;
    const u64 hash = route_hash_u64(product_id);
    u32 index = catalog_find(catalog, hash, product_id);
    MUST(fact->code.bytes >= 1 && fact->code.bytes <= CODE_BYTES_MAX);
    MUST(shard_owns(shard, hash));
    if (index == 0 && fact->is_gone)
        return;
    if (index == 0)
        index = catalog_create(catalog, hash, product_id);
    catalog_before_live_change(catalog, index);
    struct product *product = product_at(catalog, index);
    const u32 what = take_fact(catalog, product, fact);
    if (what == 0)
        return;
    catalog_derive(product);
    catalog_touch(catalog, index, what);
}

void shard_mail_sku_fact(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_sku_fact_req told;
    memcpy(&told, call->fixed, sizeof told);
    const struct product_sku_fact fact = {.sku = {.sku_id = told.resource.id,
                                                  .price = told.price,
                                                  .as_of_ns = told.as_of_ns,
                                                  .currency = told.currency,
                                                  .state = (u8)told.state,
                                                  .kind = (u8)told.resource.kind},
                                          .code = call->spans[SPAN_OF(mail_sku_fact_req, code)],
                                          .is_gone = told.is_gone != 0};
    MUST(told.resource.kind == RESOURCE_KIND_SKU || told.resource.kind == RESOURCE_KIND_AD_BUDGET);
    MUST(told.state <= STOCK_STATE_SOME);
    catalog_sku_fact(shard, told.product_id, &fact);
}
