/* redis_cart: carts as hashes of a Redis, for the load generator.
 *
 *      cart_add   HINCRBY cart:USER SKU 1    one more of a line that is in the cart
 *      cart_get   HGETALL cart:USER          a cart of five lines
 *
 * `sku_count` carts are filled before the run, five lines each; every command is about a cart at random,
 * an add about one of its five lines, so carts keep their size. A cart of five lines is a listpack,
 * the compact form that Redis keeps small hashes in. Commands have a fixed length: they are built
 * once, and only the digits of user and SKU are written into them.
 *
 * An add must answer at least 2 and a get five lines; anything else counts as BAD_ARGUMENT.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_PEERS_REDIS_CART_H
#define SOUK_BENCH_PEERS_REDIS_CART_H

#include "bench/load.h"

extern const struct load_protocol redis_cart_protocol;

#endif
