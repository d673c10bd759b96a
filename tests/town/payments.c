/* payments: orders by the hundred thousand whose payments are lost, late, doubled and out of order;
 * after each town the audit of tests/town/shop.h.
 *
 *      payments --orders N [--seed S] [--shards K] [--aftermath]
 *
 * Prints one line per town and a total. Exits by a panic that names the seed's order when the audit
 * finds something; the same arguments repeat it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/town/shop.h"

#define TOWN_ORDERS 20000u

struct wishes {
    u64 orders;
    u64 seed;
    u16 shards; /* 0: by turns 1, 2, 3 */
    bool has_aftermath;
};

static bool parse(int count, char **arguments, struct wishes *wishes)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--aftermath") == 0) {
            wishes->has_aftermath = true;
            continue;
        }
        if (i + 1 == count)
            return false;
        const u64 value = strtoull(arguments[i + 1], NULL, 10);
        if (strcmp(arguments[i], "--orders") == 0)
            wishes->orders = value;
        else if (strcmp(arguments[i], "--seed") == 0)
            wishes->seed = value;
        else if (strcmp(arguments[i], "--shards") == 0)
            wishes->shards = (u16)value;
        else
            return false;
        i++;
    }
    return wishes->shards <= TOWN_SHARDS_MAX;
}

/* Some towns have an honest bank and much stock, some neither. */
static struct shop_options options_of(const struct wishes *wishes, u64 round, u32 orders)
{
    const u64 seed = wishes->seed + round;
    const u32 bad = (u32)(seed % 4);
    const bool has_aftermath = wishes->has_aftermath || round % 2 == 1;
    return (struct shop_options){
        .town = {.shard_count = wishes->shards != 0 ? wishes->shards : (u16)(1 + round % 3),
                 .seed = seed},
        .bank = {.decline = 5 + 5 * bad,
                 .action = 4 * bad,
                 .lost = 5 * bad,
                 .dropped = 5 * bad,
                 .late = 6 * bad,
                 .duplicate = 8 * bad,
                 .webhook = 20,
                 .fail = 4 * bad,
                 .nack = 4 * bad,
                 .stall = 2 * bad,
                 .hang = bad,
                 .puzzled = 2 * bad,
                 .overcharge = bad,
                 .charge_back = bad,
                 .outage = 2 * bad},
        .orders = orders,
        .skus = 24,
        .stock = MAX((i64)orders / (seed % 3 == 0 ? 12 : 3), 1),
        .open_max = has_aftermath ? 30 : 300,
        .order_share = has_aftermath ? 25 : 150,
        .has_aftermath = has_aftermath,
    };
}

static void add(struct shop_counts *sum, const struct shop_counts *counts)
{
    sum->orders += counts->orders;
    sum->placed += counts->placed;
    sum->refused += counts->refused;
    sum->declined += counts->declined;
    sum->expired += counts->expired;
    sum->late += counts->late;
    sum->cancelled += counts->cancelled;
    sum->other += counts->other;
    sum->parcels += counts->parcels;
    sum->returns += counts->returns;
    sum->operator_calls += counts->operator_calls;
    sum->retakes += counts->retakes;
    sum->captured += counts->captured;
    sum->refunded += counts->refunded;
}

static void print(const char *head, const struct shop_counts *counts)
{
    (void)printf("%s: %llu orders, %llu placed, %llu refused, %llu declined, %llu expired, "
                 "%llu late, %llu given up, %llu else; %llu retaken, %llu parcels, %llu returns, "
                 "%llu operator calls; captured %lld, refunded %lld\n",
                 head, (unsigned long long)counts->orders, (unsigned long long)counts->placed,
                 (unsigned long long)counts->refused, (unsigned long long)counts->declined,
                 (unsigned long long)counts->expired, (unsigned long long)counts->late,
                 (unsigned long long)counts->cancelled, (unsigned long long)counts->other,
                 (unsigned long long)counts->retakes, (unsigned long long)counts->parcels,
                 (unsigned long long)counts->returns, (unsigned long long)counts->operator_calls,
                 (long long)counts->captured, (long long)counts->refunded);
    (void)fflush(stdout);
}

int main(int count, char **arguments)
{
    struct wishes wishes = {.orders = 10000, .seed = 1};
    if (!parse(count, arguments, &wishes)) {
        (void)fprintf(stderr,
                      "usage: payments [--orders N] [--seed S] [--shards K] [--aftermath]\n");
        return 2;
    }
    struct shop_counts sum = {0};
    u64 left = wishes.orders;
    for (u64 round = 0; left > 0; round++) { /* ends: orders fewer each time */
        const u32 orders = (u32)MIN(left, MIN(TOWN_ORDERS, MAX(wishes.orders / 6, 1)));
        const struct shop_options options = options_of(&wishes, round, orders);
        char head[64];
        (void)snprintf(head, sizeof head, "payments: seed %llu, %u shards",
                       (unsigned long long)options.town.seed, options.town.shard_count);
        struct shop *shop = shop_open(&options);
        while (shop_step(shop)) {} /* ends: all orders are made */
        shop_finish(shop);
        struct shop_counts counts;
        shop_audit(shop, &counts);
        shop_close(shop);
        print(head, &counts);
        add(&sum, &counts);
        left -= orders;
    }
    print("payments: total", &sum);
    return 0;
}
