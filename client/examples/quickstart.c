/* quickstart: the program of the README: put a SKU, receive goods, sell one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <souk.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    struct souk_options options = {.address = count > 1 ? arguments[1] : NULL};
    struct souk_sku_put lamp = {.resource = souk_sku("LAMP-1"),
                                .code = souk_text_of("LAMP-1"),
                                .price = 2550,
                                .currency = souk_currency("GBP")};
    struct souk_stock_receive ten = {.resource = lamp.resource, .quantity = 10};
    struct souk_take one = {.resource = lamp.resource, .quantity = 1};
    struct souk_sku_put_reply put;
    struct souk_stock_receive_reply received;
    struct souk_take_reply taken = {.status = SOUK_UNANSWERED};
    struct souk_client *client;
    char text[SOUK_ERROR_TEXT_MAX];
    if (souk_open(&options, &client) == 0 && souk_sku_put(client, &lamp, &put) == 0 &&
        souk_stock_receive(client, &ten, &received) == 0 && souk_take(client, &one, &taken) == 0)
        printf("%s: %lld left\n", souk_status_name(taken.status), (long long)taken.sellable);
    else
        fprintf(stderr, "%s\n", souk_error_text(client, text, sizeof text));
    souk_close(client);
    return taken.status == SOUK_OK ? 0 : 1;
}
