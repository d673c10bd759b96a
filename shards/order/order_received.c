/* order_received: what an order's owner has of its products, told to the products' shards, where it
 * proves that a review is by somebody who has bought (shards/review/review_purchase.c).
 *
 *      a parcel has arrived      + its units
 *      a return has come in      - its units
 *      the order is attached     - what it comes to, of the guest; + the same, of the account
 *
 * One message per line and change; a line without product tells nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_work.h"

static void tell_line(struct shard *shard, const struct order *order, u32 line, u64 owner,
                      i64 units)
{
    const struct row_order_line *row = &order_lines(order)[line];
    if (units == 0 || row->product_id == 0)
        return;
    const struct msg_mail_purchase_req told = {
        .user_id = owner, .product_id = row->product_id, .order = order->id, .units = units};
    const u16 home = route_shard(route_hash_u64(row->product_id), shard->options.count);
    mail_post(shard, home, OPCODE_MAIL_PURCHASE, &told, NULL);
}

void order_tell_received(const struct order_step *step, const i64 *units, bool is_back)
{
    const struct order *order = step->order;
    MUST(step->is_changed);
    for (u32 i = 0; i < order->lines.count; i++)
        tell_line(step->shard, order, i, order->owner, is_back ? -units[i] : units[i]);
}

void order_tell_new_owner(const struct order_step *step, u64 before)
{
    const struct order *order = step->order;
    const struct row_order_line *lines = order_lines(order);
    MUST(step->is_changed);
    for (u32 i = 0; i < order->lines.count; i++) {
        const i64 units =
            lines[i].delivered - lines[i].returned_sellable - lines[i].returned_damaged;
        MUST(units >= 0);
        tell_line(step->shard, order, i, before, -units);
        tell_line(step->shard, order, i, order->owner, units);
    }
}
