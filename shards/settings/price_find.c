/* price_find: see shards/settings/price_find.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/price_find.h"

#include "shards/settings/settings_index.h"

static bool list_fits(const struct setting *list, const struct price_ask *ask)
{
    const struct msg_price_list_put_req *put = setting_list(list);
    const struct setting_scope scope = {.group_id = put->group_id,
                                        .from_ns = put->valid_from_ns,
                                        .until_ns = put->valid_until_ns,
                                        .currency = put->currency,
                                        .is_off = put->is_off};
    return scope_holds(&scope, ask->group_id, ask->currency, ask->now_ns);
}

static bool has_tiers(const struct setting *price)
{
    u32 count;
    (void)setting_tiers(price, &count);
    return count != 0;
}

/* All prices of the SKU lie in its index. */
static const struct setting *first_of_few(const struct settings *settings,
                                          const struct settings_index *is,
                                          const struct price_ask *ask)
{
    const struct setting *best = NULL, *best_list = NULL;
    for (u32 i = 0; i < is->count; i++) {
        const struct setting *price = setting_at(settings, is->items[i]);
        const struct setting *list = setting_at(settings, price->list);
        if (!has_tiers(price) || !list_fits(list, ask))
            continue;
        if (best == NULL || setting_precedes(list, best_list)) {
            best = price;
            best_list = list;
        }
    }
    return best;
}

static u32 chain_of(const struct settings *settings, u64 group_id)
{
    const struct settings_index *is = settings_index_find(settings, SETTINGS_INDEX_GROUP, group_id);
    return is != NULL ? is->items[0] : 0;
}

static const struct setting *price_in(const struct settings *settings, const struct setting *list,
                                      u64 sku_id)
{
    const u32 index = settings_find(
        settings,
        (struct setting_name){.home_id = list->home_id, .key = sku_id, .kind = SETTING_KIND_PRICE});
    const struct setting *price = index != 0 ? setting_at(settings, index) : NULL;
    return price != NULL && has_tiers(price) ? price : NULL;
}

/* Walks the lists for everybody and those for the group, merged: both chains are in order. */
static const struct setting *first_of_many(const struct settings *settings,
                                           const struct price_ask *ask)
{
    u32 all = chain_of(settings, 0);
    u32 own = ask->group_id != 0 ? chain_of(settings, ask->group_id) : 0;
    while (all != 0 || own != 0) { /* ends: a list further each time */
        const bool is_own = all == 0 || (own != 0 && setting_precedes(setting_at(settings, own),
                                                                      setting_at(settings, all)));
        const struct setting *list = setting_at(settings, is_own ? own : all);
        if (is_own)
            own = list->next;
        else
            all = list->next;
        const struct setting *price =
            list_fits(list, ask) ? price_in(settings, list, ask->sku_id) : NULL;
        if (price != NULL)
            return price;
    }
    return NULL;
}

bool price_find(const struct settings *settings, const struct price_ask *ask,
                struct price_found *to)
{
    const struct settings_index *is =
        settings_index_find(settings, SETTINGS_INDEX_SKU, ask->sku_id);
    if (is == NULL)
        return false;
    const struct setting *price = is->count <= SETTINGS_INDEX_ITEMS
                                      ? first_of_few(settings, is, ask)
                                      : first_of_many(settings, ask);
    if (price == NULL)
        return false;
    u32 count;
    const struct row_price_tier *tiers = setting_tiers(price, &count);
    MUST(count != 0 && tiers[0].quantity == 1);
    u32 tier = 0;
    while (tier + 1 < count && tiers[tier + 1].quantity <= ask->quantity)
        tier++;
    *to = (struct price_found){
        .list_id = price->home_id, .version = price->version, .price = tiers[tier].price};
    return true;
}
