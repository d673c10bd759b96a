/* ad_budget: what a shop's pages do with sponsored slots: an ad with a budget, a search that shows it, the bid
 * held while it is shown, spent when it is clicked, given back when it is not.
 *
 *      ad_budget [ADDRESS]
 *
 * The budget is a resource like the stock of a SKU, so it cannot be overspent: a search shows an ad only
 * while its budget has something left, and the hold of the bid says whether it was enough. An impression
 * that nobody clicks needs no call: the lease of its hold ends by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <souk.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BID      20    /* minor units for a click */
#define BUDGET   50    /* two clicks and a half */
#define CLICK_MS 60000 /* so long an impression may be clicked */

static uint64_t id_of(const char *code)
{
    return souk_id(code, strlen(code));
}

static struct souk_resource budget_of(uint64_t ad_id)
{
    return (struct souk_resource){.id = ad_id, .kind = SOUK_KIND_AD_BUDGET};
}

static int failed(const char *what, int error, uint16_t status)
{
    if (error == 0 && status == SOUK_OK)
        return 0;
    printf("%s: %s\n", what, error != 0 ? souk_error_meaning(error) : souk_status_text(status));
    return 1;
}

/* A product with stock, an ad for it, and money for the ad. */
static int prepare(struct souk_client *client, const char *product, const char *ad)
{
    const struct souk_resource budget = budget_of(id_of(ad));
    const uint16_t currency = souk_currency("GBP");
    const struct souk_product_put lamp = {.product_id = id_of(product),
                                          .code = souk_text_of(product),
                                          .title = souk_text_of("Zebrawood reading lamp")};
    const struct souk_sku_put skus[] = {
        {.resource = souk_sku(product),
         .product_id = lamp.product_id,
         .currency = currency,
         .price = 4900,
         .code = lamp.code},
        /* The budget tells the product when there is something left, as SKUs do. */
        {.resource = budget,
         .product_id = lamp.product_id,
         .currency = currency,
         .code = souk_text_of(ad)}};
    const struct souk_stock_set levels[] = {
        {.resource = skus[0].resource, .value = 10, .expected = -1},
        {.resource = budget, .value = BUDGET, .expected = -1}};
    const struct souk_ad_put put = {.home_id = budget.id,
                                    .product_id = lamp.product_id,
                                    .bid = BID,
                                    .words = souk_text_of("zebrawood,reading")};
    struct souk_product_put_reply product_put = {0};
    struct souk_sku_put_reply sku_put[2] = {{0}};
    struct souk_stock_set_reply set[2] = {{0}};
    struct souk_setting_status_reply in_force = {0};
    int error = souk_product_put(client, &lamp, &product_put);
    if (failed("product", error, product_put.status))
        return 1;
    error = souk_sku_put_batch(client, skus, 2, sku_put, 0);
    if (failed("SKU", error, sku_put[0].status) || failed("budget", error, sku_put[1].status))
        return 1;
    error = souk_stock_set_batch(client, levels, 2, set, 0);
    if (failed("stock", error, set[0].status) || failed("money", error, set[1].status))
        return 1;
    error = souk_setting_put_wait(client, SOUK_OP_AD_PUT, &put, 5000, &in_force);
    return failed("ad", error, in_force.status);
}

/* The sponsored slot of a search, 1 if there is one. */
static int find(struct souk_client *client, struct souk_row_hit *slot)
{
    const struct souk_search ask = {.query = souk_text_of("reading lamp"), .ads = 1, .limit = 10};
    struct souk_search_reply found = {0};
    const int error = souk_search(client, &ask, &found);
    if (failed("search", error, found.status))
        return 0;
    const int has_slot =
        souk_row_at(found.hits, sizeof *slot, 0, slot) && (slot->flags & SOUK_HIT_SPONSORED) != 0;
    souk_free(found.memory);
    return has_slot;
}

/* A new budget is known where the product lives a moment later (docs/catalog.md). */
static int wait_for_ad(struct souk_client *client)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    struct souk_row_hit slot;
    for (int tries = 0; tries < 200; tries++) {
        if (find(client, &slot))
            return 1;
        nanosleep(&pause, NULL);
    }
    printf("the ad is not shown\n");
    return 0;
}

/* A page with a sponsored slot: its bid is held under *impression. 0: a page without. */
static int show(struct souk_client *client, struct souk_row_hit *slot,
                struct souk_id128 *impression)
{
    struct souk_hold_reply held = {0};
    if (!find(client, slot))
        return 0;
    *impression = souk_new_id();
    const struct souk_hold hold = {.resource = budget_of(slot->ad_id),
                                   .quantity = BID,
                                   .id = *impression,
                                   .lease_ms = CLICK_MS};
    const int error = souk_hold(client, &hold, &held);
    if (failed("no ad", error, held.status)) /* ALL_HELD, SOLD_OUT: less than a bid is left */
        return 0;
    printf("shown; %lld of the budget left\n", (long long)held.sellable);
    return 1;
}

/* The shopper clicked: the bid is spent. Both calls may be repeated, the id says what has been done. */
static int click(struct souk_client *client, uint64_t ad_id, struct souk_id128 impression)
{
    const struct souk_hold_confirm confirm = {.resource = budget_of(ad_id), .id = impression};
    const struct souk_alloc_ship spend = {
        .resource = budget_of(ad_id), .id = impression, .quantity = BID};
    struct souk_hold_confirm_reply confirmed = {0};
    struct souk_alloc_ship_reply spent = {0};
    int error = souk_hold_confirm(client, &confirm, &confirmed);
    if (failed("click", error, confirmed.status)) /* HOLD_EXPIRED: it came too late, and is free */
        return 1;
    error = souk_alloc_ship(client, &spend, &spent);
    if (failed("spend", error, spent.status))
        return 1;
    printf("clicked; %lld of the budget left\n", (long long)spent.sellable);
    return 0;
}

/* The page was left: the bid is free at once, not only when the lease ends. */
static int leave(struct souk_client *client, uint64_t ad_id, struct souk_id128 impression)
{
    const struct souk_hold_release release = {.resource = budget_of(ad_id), .id = impression};
    struct souk_hold_release_reply released = {0};
    const int error = souk_hold_release(client, &release, &released);
    if (failed("leave", error, released.status))
        return 1;
    printf("left unclicked; %lld given back\n", (long long)released.released);
    return 0;
}

static int shop(struct souk_client *client)
{
    struct souk_row_hit slot;
    struct souk_id128 first, second, third;
    if (prepare(client, "AD-LAMP", "spring-lamps") != 0 || !wait_for_ad(client))
        return 1;
    if (!show(client, &slot, &first) || click(client, slot.ad_id, first) != 0 ||
        !show(client, &slot, &second))
        return 1;
    if (show(client, &slot, &third)) /* 50 - 20 - 20: not enough for another */
        return 1;
    if (leave(client, slot.ad_id, second) != 0 || !show(client, &slot, &second) ||
        click(client, slot.ad_id, second) != 0)
        return 1;
    return show(client, &slot, &third) ? 1 : 0;
}

int main(int count, char **arguments)
{
    struct souk_client *client;
    char text[SOUK_ERROR_TEXT_MAX];
    const struct souk_options options = {.address = count > 1 ? arguments[1] : NULL,
                                         .agent = "ad_budget"};
    int result = 3;
    if (souk_open(&options, &client) == 0)
        result = shop(client);
    else
        fprintf(stderr, "%s\n", souk_error_text(client, text, sizeof text));
    souk_close(client);
    return result;
}
