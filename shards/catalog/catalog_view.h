/* catalog_view: what product_page, product_card and the step of a page on one shard have in common.
 *
 * Fields that every one of them has in the same order are copied as a block: PRODUCT_LIVE,
 * PRODUCT_FACTS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CATALOG_CATALOG_VIEW_H
#define SOUK_SHARDS_CATALOG_CATALOG_VIEW_H

#include "shards/catalog/catalog_live.h"

struct product_live {
    PRODUCT_LIVE(WIRE_DECL_F, WIRE_DECL_Z)
};

static inline struct product_live product_live_of(const struct product *product, u64 now_ns)
{
    return (struct product_live){.page_version = product->page_version,
                                 .price_from = product->price_from,
                                 .rating_sum = product->rating_sum,
                                 .rating_count = product->rating_count,
                                 .state = product->state,
                                 .is_buyable = product_is_buyable(product, now_ns) ? 1 : 0};
}

/* Its SKUs as rows of a page, without budgets; how many were written. sellable is -1. */
u32 product_sku_rows(const struct product *product, struct row_page_sku *rows);

#endif
