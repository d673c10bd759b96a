/* search: what other rooms tell the search index of a shard.
 *
 *      catalog: a product's texts or facts changed  ->  search_refresh(TEXT)     a new document
 *      catalog: price, stock, rating, popularity    ->  search_refresh(COLUMNS)  numbers in place
 *      settings: synonyms, policy, categories, ...  ->  search_setting
 *
 * Whether an ad has a budget is looked up with its product, when it is about to be shown.
 *
 * The index is soft: a function of the catalog and the settings, neither dumped nor digested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_SEARCH_H
#define SOUK_SHARDS_SEARCH_SEARCH_H

#include "proto/base.h"

struct shard;

enum search_refresh { SEARCH_REFRESH_COLUMNS = 1, SEARCH_REFRESH_TEXT = 2 };

/* Product `index` of the catalog has changed; called at the end of the entry that changed it, when it
 * cannot be taken back any more (also after a load). `what` is an enum search_refresh. */
void search_refresh(struct shard *shard, u32 product, u32 what);
/* Setting `index` of the settings room has a new version. */
void search_setting(struct shard *shard, u32 setting);

#endif
