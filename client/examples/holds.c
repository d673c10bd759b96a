/* holds: a basket's life: hold two units, extend the hold, confirm one of them, see where it went.
 *
 *      holds [ADDRESS]
 *
 * The id of a hold is chosen by the caller, so a step whose answer was lost can simply be made
 * again: the same id with the same arguments has the same answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <souk.h>
#include <stdio.h>

#define SHOPPER 4711u

static int step(const char *what, int error, uint16_t status)
{
    if (error != 0)
        printf("%-8s no answer: %s\n", what, souk_error_meaning(error));
    else
        printf("%-8s %s: %s\n", what, souk_status_name(status), souk_status_text(status));
    return error != 0 || status != SOUK_OK;
}

static int shop(struct souk_client *client)
{
    const struct souk_resource mug = souk_sku("MUG-7");
    const struct souk_id128 id = souk_new_id();
    struct souk_sku_put_reply put = {0};
    struct souk_stock_set_reply set = {0};
    struct souk_hold_reply hold = {0};
    struct souk_hold_extend_reply extend = {0};
    struct souk_hold_confirm_reply confirm = {0};
    struct souk_stock_get_reply levels = {0};

    int error = souk_sku_put(client,
                             &(struct souk_sku_put){.resource = mug,
                                                    .price = 700,
                                                    .currency = souk_currency("USD"),
                                                    .code = souk_text_of("MUG-7")},
                             &put);
    if (step("put", error, put.status))
        return 1;
    error = souk_stock_set(
        client, &(struct souk_stock_set){.resource = mug, .expected = -1, .value = 1000}, &set);
    if (step("stock", error, set.status))
        return 1;
    error = souk_hold(
        client,
        &(struct souk_hold){
            .resource = mug, .quantity = 2, .owner = SHOPPER, .id = id, .lease_ms = 60000},
        &hold);
    if (step("hold", error, hold.status))
        return 1;
    error = souk_hold_extend(
        client,
        &(struct souk_hold_extend){.resource = mug, .id = id, .owner = SHOPPER, .lease_ms = 600000},
        &extend);
    if (step("extend", error, extend.status))
        return 1;
    error = souk_hold_confirm(
        client,
        &(struct souk_hold_confirm){.resource = mug, .id = id, .owner = SHOPPER, .quantity = 1},
        &confirm);
    if (step("confirm", error, confirm.status))
        return 1;
    error = souk_stock_get(client, &(struct souk_stock_get){.resource = mug}, &levels);
    if (step("levels", error, levels.status))
        return 1;
    printf("%lld sold, %lld given back; on hand %lld, held %lld, allocated %lld, sellable %lld\n",
           (long long)confirm.allocated, (long long)confirm.released, (long long)levels.on_hand,
           (long long)levels.held, (long long)levels.allocated, (long long)levels.sellable);
    return 0;
}

int main(int count, char **arguments)
{
    struct souk_client *client;
    char text[SOUK_ERROR_TEXT_MAX];
    const struct souk_options options = {.address = count > 1 ? arguments[1] : NULL,
                                         .agent = "holds"};
    int result = 3;
    if (souk_open(&options, &client) == 0)
        result = shop(client);
    else
        fprintf(stderr, "%s\n", souk_error_text(client, text, sizeof text));
    souk_close(client);
    return result;
}
