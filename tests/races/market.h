/* market: a real server with goods and a provider, orders that are remembered, and an audit of all of
 * them at the end: what the programs of tests/races have in common.
 *
 *      market_open -> market_checkout, from many threads -> market_settle -> market_audit -> market_close
 *
 * The audit (ends the program when it does not hold):
 *   M1  every order is in a RESTING state; failed ones hold nothing and were charged nothing.
 *   M2  a placed order has all its units; the provider's books are those of the order.
 *   M3  per SKU: granted less cancelled, and shipped, is what the orders say; nothing is held; nothing
 *       is sold that was not there.
 *   M4  every shard's own sums agree (verify).
 *
 * Ownership  a market owns server, client and provider. All functions but open, settle, audit and close
 *            may be called by many threads.
 * Failure    a call without an answer ends the program: nothing here cuts connections.
 * Not here   what is raced: races.c, baskets.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_RACES_MARKET_H
#define SOUK_TESTS_RACES_MARKET_H

#include <pthread.h>

#include "tests/integration/served.h"
#include "tests/races/provider.h"

#define MARKET_LINES_MAX 10u
#define MARKET_GBP       826
#define MARKET_WAIT_MS   60000u

struct market_options {
    u32 shards, reactors;
    u32 skus;
    i64 stock;                        /* of each */
    struct provider_options provider; /* without its client */
};

struct market {
    struct market_options options;
    struct served served;
    struct souk_client *client;
    struct provider *provider;
    pthread_mutex_t lock;
    struct souk_id128 *orders; /* made so far */
    u32 order_count, order_capacity;
};

struct market_line {
    u32 sku;
    i64 quantity;
};

/* What somebody wants. Zero where it says nothing. */
struct market_wish {
    struct souk_id128 order;
    struct souk_client *client; /* NULL: the market's */
    u32 line_count;
    struct market_line lines[MARKET_LINES_MAX];
    i64 total;     /* to pay; 0: goods at their price */
    u64 gift_card; /* pays `gift` of it */
    i64 gift;
    u64 coupon_id;
    u64 cart_version;
    bool from_cart; /* then `total` must be told */
    bool on_ship;
};

/* What the audit found. */
struct market_sums {
    u32 orders, placed, cancelled;
    u64 units;
    u32 by_reason[256]; /* of those cancelled, by status */
};

void market_open(struct market *market, const struct market_options *options);
void market_close(struct market *market);

struct souk_resource market_sku(u32 index);
i64 market_price(u32 index);
/* Another resource with so many units. */
void market_put(struct market *market, struct souk_resource resource, i64 price, i64 units);
struct souk_sku_get_reply market_get(struct market *market, struct souk_resource resource);
/* The same when nothing of it is held any more: what an order is done with is told by mail. */
struct souk_sku_get_reply market_get_at_rest(struct market *market, struct souk_resource resource);
struct souk_order_get_reply market_order(struct market *market, struct souk_id128 order);

/* Makes an order, and remembers it if there is one now. */
struct souk_checkout_reply market_checkout(struct market *market, const struct market_wish *wish);
/* Waits until it is settled. */
struct souk_checkout_status_reply market_await(struct market *market, struct souk_id128 order);

/* Until all orders rest. */
void market_settle(struct market *market);
struct market_sums market_audit(struct market *market);

/* Runs `run` on `count` threads at once, which all begin together, and waits for their end. */
struct market_member {
    void *context;
    u32 index;
    u64 random;
};
void market_crowd(u32 count, u64 seed, void (*run)(struct market_member *member), void *context);

/* Ends the program with a reason if it is not so. */
void market_must(bool is_so, const char *why, struct souk_id128 order);

#endif
