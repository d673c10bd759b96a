/* review_purchase: who has received what, and not given it back.
 *
 * The order's shard says it in differences: a parcel has arrived (+), a return has come in (-), an
 * order has another owner (- of the one, + of the other). Mail of a pair of shards is in order and
 * comes once, so the sum over all orders is what the user has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/review/review_parts.h"
#include "shards/shard_handlers.h"

bool review_has_bought(const struct review_room *room, u64 user_id, u64 product_id)
{
    const u32 index = review_purchase_find(room, user_id, product_id);
    return index != 0 && review_purchase_at(room, index)->units > 0;
}

static void add_units(struct review_room *room, struct review_name name, i64 units)
{
    const u64 hash = review_hash(name);
    u32 index = review_purchase_find(room, name.user_id, name.product_id);
    if (index == 0) {
        index = pool_acquire(&room->purchases);
        *review_purchase_at(room, index) =
            (struct review_purchase){.user_id = name.user_id, .product_id = name.product_id};
        map_insert(&room->purchase_map, hash, index);
    } else if (room->is_dumped) {
        map_before_change(&room->purchase_map, hash);
    }
    struct review_purchase *purchase = review_purchase_at(room, index);
    purchase->units += units;
    MUST(purchase->units >= 0); /* R5: nobody gives back what has not arrived */
    if (purchase->units != 0)
        return;
    map_remove(&room->purchase_map, hash, index);
    pool_release(&room->purchases, &index);
}

void shard_mail_purchase(struct shard *shard, const struct mail_call *call)
{
    struct review_room *room = &shard->reviews;
    struct msg_mail_purchase_req told;
    memcpy(&told, call->fixed, sizeof told);
    MUST(told.user_id != 0 && told.product_id != 0 && told.units != 0);
    const bool had = review_has_bought(room, told.user_id, told.product_id);
    add_units(room, (struct review_name){told.product_id, told.user_id}, told.units);
    const bool has = review_has_bought(room, told.user_id, told.product_id);
    const u32 index = had != has ? review_find(room, told.product_id, told.user_id) : 0;
    if (index == 0)
        return;
    const struct review_change change = review_change_begin(shard, index);
    change.review->is_verified = has ? 1 : 0;
    review_change_end(&change);
}
