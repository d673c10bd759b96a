/* cart_quote: what a cart costs at this moment, by the same calculation as a checkout's.
 *
 * The caller brings what the SKUs' shards have just said (price, stock). Nothing is held, nothing is
 * promised: checkout asks again.
 *
 * Memory  room to work in, made by the first quote and kept (cart_room.quote_work); soft.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CART_CART_QUOTE_H
#define SOUK_SHARDS_CART_CART_QUOTE_H

#include "shards/cart/cart.h"

void cart_quote_deinit(struct cart_room *room);

#endif
