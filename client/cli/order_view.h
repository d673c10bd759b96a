/* order_view: an order as people read it, and the names that its ids once had.
 *
 *      order_lines_name(...)   adds "sku" to rows that have a sku_id: the code, as the SKU's shard knows it
 *      order_view_print(...)   the whole order: summary, lines, money, payments, parcels, returns
 *      order_story_print(...)  its history, one sentence per event
 *
 * Ownership  JSON values are borrowed.
 * Not here   reading the order: verb_order.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_ORDER_VIEW_H
#define SOUK_CLIENT_CLI_ORDER_VIEW_H

#include "client/cli/cli.h"

/* Adds "code" (null for an unknown SKU) and "sku" (the code, or the id) to each row that has a
 * "sku_id" and is about a SKU. Rows as record_rows() makes them. Errors leave ids. */
void order_lines_name(struct cli *cli, json_t *rows);

/* `order` as record_reply(SOUK_OP_ORDER_GET) makes it, its lines named. */
void order_view_print(const json_t *order);

/* The sentence of an event: the words of its kind with their marks filled in. `to` is returned. */
const char *order_story_words(const struct souk_row_order_event *event, u16 currency, char *to,
                              size_t bytes);
/* One line of the story. *day is the day of the line before, empty at first. */
void order_story_print(const struct souk_row_order_event *event, u16 currency, char day[16]);

#endif
