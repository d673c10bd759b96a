/* price_find: the unit price of a SKU from the price lists in force.
 *
 *      index of the SKU --> its prices --> those of lists that fit --> the first in order --> its tier
 *
 * One look-up per SKU, then the few lists that have it. A SKU of many lists (a list per customer group)
 * is looked up in the lists of the group and of everybody, from the first in order on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_PRICE_FIND_H
#define SOUK_SHARDS_SETTINGS_PRICE_FIND_H

#include "shards/settings/settings.h"

struct price_ask {
    u64 sku_id;
    u64 group_id;
    u64 now_ns;
    i64 quantity; /* at least 1 */
    u16 currency;
};

struct price_found {
    u64 list_id;
    u64 version; /* of the price */
    i64 price;
};

/* False: no list has a price. */
bool price_find(const struct settings *settings, const struct price_ask *ask,
                struct price_found *to);

/* Is a setting with these fields in force for this currency, group and time? */
struct setting_scope {
    u64 group_id;
    u64 from_ns;
    u64 until_ns;
    u16 currency;
    u16 is_off;
};
static inline bool scope_holds(const struct setting_scope *scope, u64 group_id, u16 currency,
                               u64 now_ns)
{
    return scope->is_off == 0 && (scope->currency == 0 || scope->currency == currency) &&
           (scope->group_id == 0 || scope->group_id == group_id) && scope->from_ns <= now_ns &&
           (scope->until_ns == 0 || now_ns < scope->until_ns);
}

#endif
