/* client_view: a cart as a shopper should see it.
 *
 *      cart_get -> sku_get of its SKUs, each on its shard -> cart_quote with what they said
 *
 * The cart's shard knows lines, price lists and promotions; price and stock of a SKU are known by the
 * SKU's shard alone. So it takes three round trips, and nothing of it is a promise: a checkout asks the
 * SKUs itself.
 *
 * Failure  a cart that changes between the first and the last step is read again, READS_MAX times; after
 *   that the lines of the quote are matched by SKU and options, and what is new is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/souk.h"
#include "proto/base.h"
#include "proto/limits.h"

#define READS_MAX 3u

STATIC_CHECK(sizeof((struct souk_cart_view_line){0}.code) > CODE_BYTES_MAX);

/* What the SKUs said, one for each line. */
static int ask_skus(struct souk_client *client, struct souk_cart_view *view)
{
    const u32 count = view->line_count;
    struct souk_sku_get *gets = calloc(count, sizeof *gets);
    struct souk_sku_get_reply *replies = calloc(count, sizeof *replies);
    int error = gets == NULL || replies == NULL ? SOUK_ERROR_MEMORY : 0;
    for (u32 i = 0; i < count && error == 0; i++)
        gets[i].resource = (struct souk_resource){.id = view->lines[i].line.sku_id};
    if (error == 0)
        error = souk_sku_get_batch(client, gets, count, replies, 0);
    for (u32 i = 0; i < count && replies != NULL; i++) {
        struct souk_cart_view_line *line = &view->lines[i];
        const struct souk_sku_get_reply *reply = &replies[i];
        line->sellable = -1;
        if (error == 0 && reply->status == SOUK_OK) {
            line->sellable = MAX(reply->sellable, 0);
            line->base_price = reply->price;
            line->currency = reply->currency;
            (void)snprintf(line->code, sizeof line->code, "%.*s", (int)reply->code.bytes,
                           reply->code.data);
        }
        souk_free(reply->memory);
    }
    free(gets);
    free(replies);
    return error;
}

/* The currency to price a cart in where the caller names none. */
static u16 find_currency(const struct souk_cart_view *view)
{
    for (u32 i = 0; i < view->line_count; i++)
        if (view->lines[i].line.currency != 0)
            return view->lines[i].line.currency;
    for (u32 i = 0; i < view->line_count; i++)
        if (view->lines[i].currency != 0)
            return view->lines[i].currency;
    return 0;
}

static int ask_quote(struct souk_client *client, u64 user_id, u64 group_id,
                     struct souk_cart_view *view)
{
    struct souk_row_sku_now *rows = calloc(view->line_count, sizeof *rows);
    u32 count = 0;
    if (rows == NULL)
        return SOUK_ERROR_MEMORY;
    for (u32 i = 0; i < view->line_count; i++) {
        const struct souk_cart_view_line *line = &view->lines[i];
        u32 at = 0;
        while (at < count && rows[at].sku_id != line->line.sku_id)
            at++;
        if (at < count)
            continue; /* another line of this SKU has told already */
        rows[count++] =
            (struct souk_row_sku_now){.sku_id = line->line.sku_id,
                                      .price = line->currency == 0 ? -1 : line->base_price,
                                      .sellable = MAX(line->sellable, 0),
                                      .currency = line->currency};
    }
    const struct souk_cart_quote ask = {.user_id = user_id,
                                        .group_id = group_id,
                                        .currency = view->currency,
                                        .skus = souk_rows_of(rows, sizeof *rows, count)};
    const int error = souk_cart_quote(client, &ask, &view->quote);
    free(rows);
    return error;
}

/* Each line of the quote goes to its line of the cart: same SKU, same options. */
static void match_quote(struct souk_cart_view *view)
{
    struct souk_row_quote_line row;
    u32 at = 0;
    for (u32 i = 0; souk_row_at(view->quote.lines, sizeof row, i, &row); i++) {
        /* Both are in the cart's order, so the search goes on where the last one was found. */
        u32 tried = 0;
        for (; tried < view->line_count; tried++, at = (at + 1) % view->line_count)
            if (view->lines[at].line.sku_id == row.sku_id &&
                view->lines[at].line.options == row.options)
                break;
        if (tried < view->line_count)
            view->lines[at].quote = row;
    }
}

void souk_cart_view_end(struct souk_cart_view *view)
{
    souk_free(view->cart.memory);
    souk_free(view->quote.memory);
    free(view->lines);
    *view = (struct souk_cart_view){.line_count = 0};
}

/* One reading. */
static int read_once(struct souk_client *client, u64 user_id, u64 group_id,
                     struct souk_cart_view *view)
{
    int error = souk_cart_get(client, &(struct souk_cart_get){.user_id = user_id}, &view->cart);
    view->quote.status = SOUK_NOT_FOUND;
    if (error != 0 || view->cart.status != SOUK_OK)
        return error;
    view->line_count = view->cart.lines.bytes / (u32)sizeof(struct souk_row_cart_line);
    if (view->line_count == 0)
        return 0;
    view->lines = calloc(view->line_count, sizeof *view->lines);
    if (view->lines == NULL)
        return SOUK_ERROR_MEMORY;
    for (u32 i = 0; i < view->line_count; i++)
        (void)souk_row_at(view->cart.lines, sizeof view->lines[i].line, i, &view->lines[i].line);
    error = ask_skus(client, view);
    if (error != 0)
        return error;
    if (view->currency == 0)
        view->currency = find_currency(view);
    if (view->currency == 0)
        return 0;
    error = ask_quote(client, user_id, group_id, view);
    if (error == 0 && view->quote.status == SOUK_OK)
        match_quote(view);
    return error;
}

int souk_cart_view(struct souk_client *client, uint64_t user_id, uint64_t group_id,
                   uint16_t currency, struct souk_cart_view *view)
{
    int error = 0;
    *view = (struct souk_cart_view){.currency = currency};
    for (u32 i = 0; i < READS_MAX; i++) {
        souk_cart_view_end(view);
        view->currency = currency;
        error = read_once(client, user_id, group_id, view);
        if (error != 0 || view->quote.status != SOUK_OK ||
            view->quote.version == view->cart.version)
            break;
    }
    return error;
}
