/* order_basket: which products of an order were bought together, told to their shards, where the
 * recommendations count them (shards/recommend/copurchase.h).
 *
 *      the order is paid for the first time   its basket is counted, as of that time
 *      all units of a product of it are       the basket is taken back, and counted without that
 *      cancelled or given back                product, as of the same time
 *
 * At most BASKET_PRODUCTS_MAX products of an order count: those whose lot, a hash of order and product,
 * is least. The choice looks at what was ordered, not at what became of it, so it is always the same;
 * order->basket says which of the chosen ones, in the order of their lots, are counted now.
 *
 * Invariants
 *   I1  order->basket is 0 while order->basket_ns is 0.
 *   I2  what the shards were told of an order comes to one basket: of basket_ns, with these products.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/mail/mail.h"
#include "shards/order/order_parts.h"
#include "shards/recommend/copurchase.h"
#include "shards/shard_state.h"

struct choice {
    u64 lots[BASKET_PRODUCTS_MAX];
    u64 products[BASKET_PRODUCTS_MAX];
    u32 count;
};
STATIC_CHECK(BASKET_PRODUCTS_MAX <= 32);

static void choose_product(struct choice *choice, u64 lot, u64 product_id)
{
    u32 at = choice->count;
    while (at > 0 && choice->lots[at - 1] > lot)
        at--;
    if (at == BASKET_PRODUCTS_MAX)
        return;
    for (u32 i = at; i > 0 && choice->lots[i - 1] == lot; i--)
        if (choice->products[i - 1] == product_id)
            return;
    if (choice->count < BASKET_PRODUCTS_MAX)
        choice->count++;
    for (u32 i = choice->count - 1; i > at; i--) {
        choice->lots[i] = choice->lots[i - 1];
        choice->products[i] = choice->products[i - 1];
    }
    choice->lots[at] = lot;
    choice->products[at] = product_id;
}

static struct choice choose_products(const struct order *order)
{
    struct choice choice = {.count = 0};
    for (u32 i = 0; i < order->lines.count; i++) {
        const u64 product_id = order_lines(order)[i].product_id;
        if (product_id != 0)
            choose_product(&choice, copurchase_lot(order->id, product_id), product_id);
    }
    return choice;
}

/* Is a unit of it neither cancelled nor given back? */
static bool is_kept(const struct order *order, u64 product_id)
{
    for (u32 i = 0; i < order->lines.count; i++) {
        const struct row_order_line *line = &order_lines(order)[i];
        if (line->product_id == product_id &&
            line->quantity > line->cancelled + line->returned_sellable + line->returned_damaged)
            return true;
    }
    return false;
}

/* Those of the chosen products that are in `mask`: first the ones of `shard`. How many those are. */
static u32 list_products(const struct order_turn *turn, const struct choice *choice, u32 mask,
                         u16 shard, u64 *to, u32 *count)
{
    u64 others[BASKET_PRODUCTS_MAX];
    u32 own_count = 0, other_count = 0;
    for (u32 i = 0; i < choice->count; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        const u64 product_id = choice->products[i];
        if (route_shard(route_hash_u64(product_id), turn->shard->options.count) == shard)
            to[own_count++] = product_id;
        else
            others[other_count++] = product_id;
    }
    for (u32 i = 0; i < other_count; i++)
        to[own_count + i] = others[i];
    *count = own_count + other_count;
    return own_count;
}

static void tell_basket(const struct order_turn *turn, const struct choice *choice, u32 mask,
                        bool is_taken_back)
{
    u16 told[BASKET_PRODUCTS_MAX];
    u32 told_count = 0;
    for (u32 i = 0; i < choice->count; i++) {
        const u16 shard =
            route_shard(route_hash_u64(choice->products[i]), turn->shard->options.count);
        bool is_told = (mask >> i & 1) == 0;
        for (u32 t = 0; t < told_count; t++)
            is_told |= told[t] == shard;
        if (is_told)
            continue;
        u64 products[BASKET_PRODUCTS_MAX];
        u32 count;
        struct msg_mail_basket_req basket = {.order = turn->order->id,
                                             .bought_at_ns = turn->order->basket_ns,
                                             .is_taken_back = is_taken_back ? 1 : 0};
        basket.own_count = list_products(turn, choice, mask, shard, products, &count);
        const struct span rows = {.data = (const u8 *)products,
                                  .bytes = count * (u32)sizeof products[0]};
        mail_post(turn->shard, shard, OPCODE_MAIL_BASKET, &basket, &rows);
        told[told_count++] = shard;
    }
}
STATIC_CHECK(sizeof(struct row_product_ref) == sizeof(u64));

void order_basket(const struct order_turn *turn)
{
    struct order *order = turn->order;
    if (order->basket_ns == 0) {
        if (order->state != SAGA_STATE_PAID && order->state != SAGA_STATE_SHIPPED &&
            order->state != SAGA_STATE_DELIVERED)
            return;
        order->basket_ns = turn->now_ns;
    }
    const struct choice choice = choose_products(order);
    u32 mask = 0;
    for (u32 i = 0; i < choice.count; i++)
        mask |= is_kept(order, choice.products[i]) ? 1u << i : 0;
    if (mask == order->basket)
        return;
    MUST((mask & ~order->basket) == 0 || order->basket == 0); /* nothing comes back to an order */
    tell_basket(turn, &choice, order->basket, true);
    tell_basket(turn, &choice, mask, false);
    order->basket = mask;
}
