/* quickstart: the program of the README: put a SKU, receive goods, sell one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <souk.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    struct souk_client *client;
    char text[SOUK_ERROR_TEXT_MAX];
    const struct souk_options options = {.address = count > 1 ? arguments[1] : NULL};
    if (souk_open(&options, &client) != 0) {
        fprintf(stderr, "%s\n", souk_error_text(client, text, sizeof text));
        return 3;
    }
    const struct souk_resource lamp = souk_sku("LAMP-1");
    struct souk_sku_put_reply put = {0};
    struct souk_stock_receive_reply received = {0};
    struct souk_take_reply taken = {0};
    int error = souk_sku_put(client,
                             &(struct souk_sku_put){.resource = lamp,
                                                    .price = 2550,
                                                    .currency = souk_currency("GBP"),
                                                    .code = souk_text_of("LAMP-1")},
                             &put);
    if (error == 0)
        error = souk_stock_receive(
            client, &(struct souk_stock_receive){.resource = lamp, .quantity = 10}, &received);
    if (error == 0)
        error = souk_take(client, &(struct souk_take){.resource = lamp, .quantity = 1}, &taken);
    if (error != 0)
        printf("no answer: %s\n", souk_error_meaning(error));
    else
        printf("%s: %lld left\n", souk_status_name(taken.status), (long long)taken.sellable);
    souk_close(client);
    return error != 0 || taken.status != SOUK_OK;
}
