/* shop: see tests/town/shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "tests/town/shop_parts.h"

#define FINISH_ROUNDS 2000000u
#define FINISH_NS     (6ull * 3600 * NS_PER_S)

struct shop *shop_open(const struct shop_options *options)
{
    struct shop *shop = calloc(1, sizeof *shop);
    MUST(shop != NULL);
    shop->options = *options;
    if (options->early == 0)
        shop->options.early = options->stock / 4;
    shop->options.bank.deeds_max = MAX(4 * options->orders, 1000);
    shop->town = town_open(&options->town);
    shop->bank = bank_open(&shop->options.bank);
    shop->purchases = calloc(options->orders, sizeof *shop->purchases);
    MUST(shop->purchases != NULL);
    shop_stock_up(shop);
    return shop;
}

void shop_close(struct shop *shop)
{
    town_close(shop->town);
    bank_close(shop->bank);
    free(shop->purchases);
    free(shop->prices);
    free(shop);
}

struct town *shop_town(struct shop *shop)
{
    return shop->town;
}

/* Mostly short times; now and then long enough for leases and policies to end. */
static u64 draw_wait_ns(struct shop *shop)
{
    const u64 what = town_below(shop->town, 1000);
    if (what < 900)
        return town_below(shop->town, 200) * NS_PER_MS;
    if (what < 990)
        return town_below(shop->town, 40) * NS_PER_S;
    return town_below(shop->town, 1500) * NS_PER_S;
}

bool shop_step(struct shop *shop)
{
    struct town *town = shop->town;
    const struct shop_options *options = &shop->options;
    const u64 what = town_below(town, 1000);
    const u32 share = options->order_share != 0 ? options->order_share : 150;
    if (what < share) {
        if (shop->made == options->orders)
            return false;
        shop_order(shop);
    } else if (what < 300) {
        shop_work(shop);
    } else if (what < 304) {
        if (options->has_operators)
            shop_call_operators(shop);
    } else if (what < 306) {
        if (!options->is_plain)
            shop_reprice(shop);
    } else if (what < 308) {
        shop_receive(shop);
    } else if (what < 550) {
        (void)bank_work(shop->bank, town, (u16)town_below(town, town->options.shard_count),
                        1 + (u32)town_below(town, 16));
    } else if (what < 850) {
        for (u32 i = 0; i < 8 && town_carry(town); i++) {}
    } else {
        town_wait(town, draw_wait_ns(shop));
    }
    (void)bank_deliver(shop->bank, town);
    return true;
}

void shop_finish(struct shop *shop)
{
    struct town *town = shop->town;
    shop->is_finishing = true;
    bank_calm(shop->bank);
    for (u32 rounds = 0;; rounds++) { /* ends: time goes on, and nothing new begins */
        MUST(rounds < FINISH_ROUNDS);
        town_carry_all(town);
        u32 done = bank_deliver(shop->bank, town);
        for (u16 shard = 0; shard < town->options.shard_count; shard++)
            done += bank_work(shop->bank, town, shard, 16);
        const u64 calls = shop->operator_calls;
        shop_call_operators(shop);
        if (done != 0 || shop->operator_calls != calls)
            continue;
        const u64 next_ns = MIN(town_next_deadline_ns(town), bank_next_ns(shop->bank));
        /* Carts and tombstones have deadlines for days; orders and the bank only for hours. */
        if (next_ns > town->now_ns + FINISH_NS)
            break;
        town_wait(town, next_ns > town->now_ns ? next_ns - town->now_ns : 1);
    }
    town_carry_all(town);
}
