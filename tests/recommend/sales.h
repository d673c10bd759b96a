/* sales: real sales as baskets, read once: the invoices of online-retail (columns in the README beside it)
 * with the rules of docs/replay.md about which lines are products that were bought.
 *
 *      text (unpacked) -> baskets in the order of time -> products, numbered from 0 as they come
 *
 * Ownership  everything lives until the process ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_RECOMMEND_SALES_H
#define SOUK_TESTS_RECOMMEND_SALES_H

#include <stdio.h>

#include "proto/base.h"

#define SALES_PRODUCTS_MAX 8192u

struct sales_product {
    u64 id;
    char code[16];
    char title[64];
    u64 price; /* pence, of the first line */
};

struct sales_basket {
    u64 user_id;
    u64 time_s; /* since 1970, as written */
    u32 first;  /* of its products in `lines` */
    u32 count;  /* different products */
};

struct sales {
    struct sales_product products[SALES_PRODUCTS_MAX];
    u32 product_count;
    struct sales_basket *baskets;
    u32 basket_count;
    u32 *lines; /* numbers of products */
    u32 line_count;
};

/* Panics at what cannot be read. */
struct sales *sales_read(FILE *from);
/* Seconds since 1970 of a date like 2011-08-01. */
u64 sales_day(u32 year, u32 month, u32 day);

#endif
