/* shop: a town with goods, shoppers and a bank: random orders from checkout to return, and the audit
 * that nothing was lost, doubled or left behind.
 *
 *      shop_step     one random thing happens: an order, a cancel, a parcel, a return, mail, the
 *                    bank at work, an event, time
 *      shop_finish   no more shoppers; the bank is calm; until nothing moves any more
 *      shop_audit    orders against the bank's books against the stock
 *
 * The audit (panics when it does not hold):
 *   A1  every order is in a RESTING state, and no hold is left anywhere.
 *   A2  an order that was not placed: the bank has nothing of it: no capture that was not refunded, no
 *       authorisation that is not voided.
 *   A3  a placed order: captured and refunded equal the bank's, tender by tender, and what remains is
 *       what is owed for units that were neither cancelled nor returned.
 *   A4  per SKU, what was granted and not cancelled is what the placed orders say.
 *   A5  gift cards: what is left plus what orders spent is what was put on them.
 *   A6  the bank executed each key once, and captured at most once per capture command.
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
    u32 open_max;       /* orders under way at a time */
    bool has_aftermath; /* parcels, cancels, returns */
};

struct shop_counts {
    u64 orders, placed, refused, declined, expired, late, cancelled, other;
    u64 parcels, returns, operator_calls, retakes;
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
