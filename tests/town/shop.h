/* shop: a town with goods, shoppers and a bank: random orders from checkout to return, and the audit
 * that nothing was lost, doubled or left behind.
 *
 *      shop_step     one random thing happens: an order, a cancel, a parcel, a return, mail, the
 *                    bank at work, an event, an operator, a new price, time
 *      shop_finish   no more shoppers; the bank is calm; until nothing moves any more
 *      shop_audit    orders against the bank's books against the stock
 *
 * Files
 *      shop.c        life, what happens next, the end
 *      shop_goods.c  SKUs, purses (gift cards and credit), coupons, prices
 *      shop_orders.c shoppers: baskets, carts, tenders, second thoughts
 *      shop_work.c   what the shop does afterwards: parcels, returns, cancels, money by hand, operators
 *      shop_audit.c  the audit
 *
 * The audit (panics when it does not hold):
 *   A1  every order is in a RESTING state, and no hold is left anywhere (but of purses and coupons of
 *       orders that are placed and will be captured when they ship).
 *   A2  an order that was not placed: the bank has nothing of it: no capture that was not refunded, no
 *       authorisation that is not voided.
 *   A3  a placed order costs what the shopper saw; captured and refunded equal the bank's, tender by
 *       tender, and what remains is what is owed for units that were neither cancelled nor returned.
 *   A4  per SKU, what was granted and not cancelled, shipped, and came back is what the orders say.
 *   A5  purses: what is left plus what orders spent is what was put in.
 *   A6  the bank executed each key once (tests/town/books.h), and captured once per capture command.
 *   A7  a coupon's uses, in all and per customer, are the placed orders that have it.
 *   A8  a cart has lost what was ordered from it, and nothing if the order failed; a customer's history
 *       has every order once.
 *
 * Where an operator has taken it for paid or given it up, the money is the operator's affair: A3 leaves
 * such an order's books alone.
 * Ownership  a shop owns its town and its bank.
 * Not here   which crash when: steps.c. What the answers of a shard must be: the unit tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_TOWN_SHOP_H
#define SOUK_TESTS_TOWN_SHOP_H

#include "tests/town/bank.h"
#include "tests/town/town.h"

struct shop_options {
    struct town_options town;
    struct bank_options bank;
    u32 orders; /* checkouts in all */
    u32 skus;
    i64 stock;          /* of each SKU */
    i64 early;          /* of every fourth, so many may be sold before they have arrived; 0 = a
                           quarter of the stock */
    u32 open_max;       /* orders that somebody may still do something about */
    u32 order_share;    /* of 1,000 things that happen, so many are new orders; 0 = 150 */
    u32 cancel_share;   /* of 100 things done about an order, so many more are cancels of units, */
    u32 money_share;    /* and so many captures and refunds by hand */
    bool has_aftermath; /* parcels, cancels, returns */
    bool has_operators; /* who decide one way or the other; a short-tempered policy */
    bool is_plain;      /* no carts, coupons, credit, new prices */
};

struct shop_counts {
    u64 orders, placed, refused, declined, expired, late, cancelled, other;
    u64 parcels, returns, operator_calls, retakes, coupons, carts;
    i64 captured, refunded;
};

struct shop;

struct shop *shop_open(const struct shop_options *options);
void shop_close(struct shop *shop);
struct town *shop_town(struct shop *shop);

/* False: all orders are made. */
bool shop_step(struct shop *shop);
void shop_finish(struct shop *shop);
void shop_audit(struct shop *shop, struct shop_counts *counts);

#endif
