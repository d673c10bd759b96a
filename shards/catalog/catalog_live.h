/* catalog_live: what a product's page shows beside what was put: its SKUs, as their shards last told.
 *
 *      a block of the arena:   sku_count x struct product_sku, then their codes
 *
 *      shards/stock/  --mail_sku_fact-->  catalog_sku_fact --> price_from, state, page_version
 *
 * A SKU lives where its id says, its product elsewhere; price and availability come by mail when they
 * change (never when they do not), in order, each once. Budgets of ads for the product come the same
 * way and are kept at the end of the list: the search room asks whether there is one.
 *
 * Invariants
 *   I1  SKUs are sorted by code, then by id; budgets come after all SKUs, by id.
 *   I2  at most PRODUCT_SKUS_MAX together: what comes when the list is full is not shown.
 * Ownership  the block belongs to its product; a new one whenever a SKU comes, goes or gets another code.
 * Failure    none: what a message says has been judged where it was sent.
 * Not here   exact stock: one more read of the SKU's shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CATALOG_CATALOG_LIVE_H
#define SOUK_SHARDS_CATALOG_CATALOG_LIVE_H

#include "shards/catalog/catalog.h"

struct product_sku {
    u64 sku_id;
    i64 price;
    u64 as_of_ns; /* log time of its shard */
    u16 currency;
    u8 state;      /* enum stock_state */
    u8 code_bytes; /* 1 to 64 */
    u16 code_at;   /* in the bytes after the list */
    u8 kind;       /* enum resource_kind: SKU or AD_BUDGET */
    u8 zero0;
};
STATIC_CHECK(sizeof(struct product_sku) == 32);
#define PRODUCT_SKUS_BYTES_MAX (PRODUCT_SKUS_MAX * (sizeof(struct product_sku) + CODE_BYTES_MAX))
STATIC_CHECK(PRODUCT_SKUS_MAX *CODE_BYTES_MAX <= UINT16_MAX);

static inline struct span product_sku_code(const struct product *product, u32 i)
{
    const u8 *codes = (const u8 *)(product->skus + product->sku_count);
    return (struct span){.data = codes + product->skus[i].code_at,
                         .bytes = product->skus[i].code_bytes};
}

/* One more thing that a shard says. */
struct product_sku_fact {
    struct product_sku sku;
    struct span code;
    bool is_gone; /* it is not a SKU of this product any more */
};
void catalog_sku_fact(struct shard *shard, u64 product_id, const struct product_sku_fact *fact);

/* price_from and state, from SKUs and facts. */
void catalog_derive(struct product *product);

/* Is the list as I1 and I2 say? For loads. */
bool catalog_skus_good(const struct product *product);

#endif
