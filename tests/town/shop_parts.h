/* shop_parts: what the files of the shop share; see tests/town/shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_TOWN_SHOP_PARTS_H
#define SOUK_TESTS_TOWN_SHOP_PARTS_H

#include "tests/town/shop.h"

#define SHOP_GBP          826
#define SHOP_LINES_MAX    4u
#define SHOP_PURSES       32u /* the first half gift cards, the other half credit */
#define SHOP_PURSE_UNITS  5000
#define SHOP_SHIPPING     399
#define SHOP_USERS        64u
#define SHOP_FIRST_USER   100u
#define SHOP_CART_USER    1000000u /* who orders from a cart does so once */
#define SHOP_OFF          50       /* what the limited coupon is worth */
#define SHOP_PER_CUSTOMER 2
#define SHOP_NONE         UINT32_MAX

/* The first is limited and gives a fixed amount, the second pays for shipping. */
enum shop_coupon { SHOP_COUPON_OFF, SHOP_COUPON_SHIPPING, SHOP_COUPONS, SHOP_COUPON_NONE };

/* An order as the shopper knows it. */
struct purchase {
    struct id128 order;
    u64 user;
    u64 account; /* that a guest's order was given to; 0 = none */
    i64 expected_total;
    u32 line_count;
    u32 parcels;
    u32 returns;
    u32 skus[SHOP_LINES_MAX];
    i64 quantities[SHOP_LINES_MAX];
    u32 purse; /* used, SHOP_NONE = none */
    u32 resolves;
    enum shop_coupon coupon;
    bool has_cart;
    bool is_wrong;   /* the shopper saw another price */
    bool has_extras; /* money was moved by hand */
    bool is_forced;  /* an operator took it for paid, or gave it up */
};

struct shop {
    struct shop_options options;
    struct town *town;
    struct bank *bank;
    struct purchase *purchases;
    i64 *prices; /* of the SKUs now */
    u32 made;
    u64 operator_calls;
    bool is_finishing;
};

/* ---- shop_goods.c ---- */
void shop_stock_up(struct shop *shop);
u64 shop_sku_id(u32 index);
struct resource shop_sku(u32 index);
struct resource shop_purse(u32 index);
struct resource shop_coupon_key(enum shop_coupon coupon);
struct row_coupon shop_coupon_row(enum shop_coupon coupon);
void shop_reprice(struct shop *shop);
void shop_receive(struct shop *shop);
struct msg_sku_get_rsp shop_resource(struct shop *shop, struct resource key);

/* ---- shop_orders.c ---- */
void shop_order(struct shop *shop);
/* One that somebody may still do something about; NULL: there is none. */
struct purchase *shop_draw(struct shop *shop);
void shop_give_up(struct shop *shop, const struct purchase *purchase);

/* ---- shop_work.c ---- */
void shop_work(struct shop *shop);
/* Looks after every order that needs an operator. */
void shop_call_operators(struct shop *shop);

#endif
