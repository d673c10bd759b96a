/* catalog_verify: see shards/catalog/catalog_verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/catalog/catalog_verify.h"

#include <string.h>

#include "shards/catalog/alias.h"
#include "shards/catalog/catalog_live.h"
#include "shards/settings/settings_category.h"
#include "shards/shard_state.h"
#include "shards/stock/stock_tell.h"

struct tally {
    u64 live, wrong_lists, wrong_derived, foreign, touched, told_wrong, telling, wrong_aliases;
};

static void count_product(const struct shard *shard, const struct product *product,
                          struct tally *tally)
{
    struct product again = *product;
    catalog_derive(&again);
    tally->live += product->is_deleted == 0 ? 1 : 0;
    tally->wrong_lists += catalog_skus_good(product) ? 0 : 1;
    tally->wrong_derived +=
        again.price_from != product->price_from || again.state != product->state ? 1 : 0;
    tally->foreign += shard_owns(shard, route_hash_u64(product->product_id)) ? 0 : 1;
    tally->touched += product->touched != 0 ? 1 : 0;
}

/* What a SKU has told is what is true: stock_tell.h, I1. */
static void count_resource(const struct stock *stock, const struct stock_hot *hot,
                           struct tally *tally)
{
    const bool tells = (hot->flags & STOCK_HOT_TELLS) != 0;
    const struct stock_cold *cold = stock_cold_of(stock, hot);
    tally->telling += tells ? 1 : 0;
    if ((hot->flags & (STOCK_HOT_MARKED | STOCK_HOT_CHANGED)) != 0 ||
        (tells && (stock_told_state(hot) != stock_state_of(hot) ||
                   cold->told_product_id != cold->product_id)) ||
        (!tells && cold->told_product_id != 0))
        tally->told_wrong++;
}

static void count_alias(const struct shard *shard, const struct alias *alias, struct tally *tally)
{
    const struct span text = {.data = alias->text, .bytes = alias->text_bytes};
    if (alias->product_id == 0 || !shard_owns(shard, route_hash_u64(alias->alias_id)) ||
        alias_id_of((enum alias_kind)alias->kind, text) != alias->alias_id)
        tally->wrong_aliases++;
}

static u32 read_bucket(const struct map *map, u32 bucket, u32 *indexes)
{
    const u32 count = map_bucket_read(map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    return count;
}

static void count_all(const struct shard *shard, struct tally *tally)
{
    const struct catalog *catalog = &shard->catalog;
    const struct stock *stock = &shard->stock;
    u32 indexes[DUMP_BUCKET_MAX];
    for (u32 b = 0; b < map_bucket_count(&catalog->map); b++)
        for (u32 i = read_bucket(&catalog->map, b, indexes); i > 0; i--)
            count_product(shard, product_at(catalog, indexes[i - 1]), tally);
    for (u32 b = 0; b < map_bucket_count(&catalog->aliases); b++)
        for (u32 i = read_bucket(&catalog->aliases, b, indexes); i > 0; i--)
            count_alias(shard, alias_at(catalog, indexes[i - 1]), tally);
    for (u32 b = 0; b < map_bucket_count(&stock->resources); b++)
        for (u32 i = read_bucket(&stock->resources, b, indexes); i > 0; i--)
            count_resource(stock, stock_hot_at(stock, indexes[i - 1]), tally);
}

/* Where violations are told. */
struct verdict {
    struct msg_verify_rsp *to;
    u8 *text;
    u32 *text_bytes;
};

static void tell(const struct verdict *verdict, const char *reason, u32 bytes)
{
    verdict->to->violations++;
    if (ATTRIBUTES_BYTES_MAX - *verdict->text_bytes < bytes)
        return;
    memcpy(verdict->text + *verdict->text_bytes, reason, bytes);
    *verdict->text_bytes += bytes;
}
#define EXPECT(condition, reason)                                                              \
    do {                                                                                       \
        if (UNLIKELY(!(condition)))                                                            \
            tell(&verdict, "catalog: " reason "\n", (u32)sizeof("catalog: " reason "\n") - 1); \
    } while (0)

void catalog_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes)
{
    const struct verdict verdict = {.to = to, .text = text, .text_bytes = text_bytes};
    struct tally tally = {0};
    count_all(shard, &tally);
    EXPECT(tally.live == shard->catalog.live_count, "products are counted wrongly");
    EXPECT(tally.wrong_lists == 0, "SKUs of a product are not in order");
    EXPECT(tally.wrong_derived == 0, "a product's price or availability is not its SKUs'");
    EXPECT(tally.foreign == 0, "a product of another shard");
    EXPECT(tally.touched == 0 && shard->catalog.touched_first == 0,
           "a change of a product was not told to the search");
    EXPECT(tally.told_wrong == 0, "a SKU has told its product something else than is");
    EXPECT(tally.telling == shard->stock.tell_count, "SKUs with a product are counted wrongly");
    EXPECT(tally.wrong_aliases == 0, "an alias that cannot be");
    EXPECT(category_tree_invalid(&shard->settings) == NULL, "categories are no tree");
}
