/* market: see tests/races/market.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/races/market.h"

#include "proto/saga.h"

#define CROWD_MAX    256u
#define SETTLE_TRIES 6000u
#define READ_BATCH   256u

void market_must(bool is_so, const char *why, struct souk_id128 order)
{
    char text[SOUK_ID_TEXT_MAX];
    if (is_so)
        return;
    (void)fprintf(stderr, "order %s: %s\n", souk_id_print(order, text), why);
    PANIC(why);
}

static void demand(int error, u16 status, const char *what)
{
    if (error == 0 && status == SOUK_OK)
        return;
    (void)fprintf(stderr, "%s: %s, %s\n", what, souk_error_name(error), souk_status_name(status));
    PANIC("a call of the test has failed");
}

/* ---- life ------------------------------------------------------------------------------------ */

struct souk_resource market_sku(u32 index)
{
    char code[16];
    (void)snprintf(code, sizeof code, "GOOD-%u", index);
    return souk_sku(code);
}

i64 market_price(u32 index)
{
    return 100 + 25 * (i64)(index % 11);
}

void market_put(struct market *market, struct souk_resource resource, i64 price, i64 units)
{
    char code[48];
    (void)snprintf(code, sizeof code, "thing %u %llx", resource.kind,
                   (unsigned long long)resource.id);
    const struct souk_sku_put put = {
        .resource = resource, .price = price, .currency = MARKET_GBP, .code = souk_text_of(code)};
    const struct souk_stock_receive receive = {.resource = resource, .quantity = units};
    struct souk_sku_put_reply is_put;
    struct souk_stock_receive_reply received;
    int error = souk_sku_put(market->client, &put, &is_put);
    demand(error, is_put.status, "sku_put");
    if (units == 0)
        return;
    error = souk_stock_receive(market->client, &receive, &received);
    demand(error, received.status, "stock_receive");
}

void market_open(struct market *market, const struct market_options *options)
{
    *market = (struct market){.options = *options};
    const bool is_open =
        served_open_with(&market->served, options->shards, options->reactors, "durable");
    MUST(is_open);
    const struct souk_options client = {.address = market->served.address, .deadline_ms = 60000};
    const int error = souk_open(&client, &market->client);
    MUST(error == 0);
    (void)pthread_mutex_init(&market->lock, NULL);
    for (u32 i = 0; i < options->skus; i++)
        market_put(market, market_sku(i), market_price(i), options->stock);
    market->options.provider.client = market->client;
    market->provider = provider_open(&market->options.provider);
}

void market_close(struct market *market)
{
    provider_close(market->provider);
    souk_close(market->client);
    const int code = served_stop(&market->served, SIGTERM);
    MUST(code == 0);
    served_close(&market->served);
    (void)pthread_mutex_destroy(&market->lock);
    free(market->orders);
}

struct souk_sku_get_reply market_get(struct market *market, struct souk_resource resource)
{
    const struct souk_sku_get ask = {.resource = resource};
    struct souk_sku_get_reply reply;
    const int error = souk_sku_get(market->client, &ask, &reply);
    demand(error, reply.status, "sku_get");
    souk_free(reply.memory);
    return reply;
}

struct souk_sku_get_reply market_get_at_rest(struct market *market, struct souk_resource resource)
{
    struct souk_sku_get_reply reply = market_get(market, resource);
    for (u32 i = 0; i < SETTLE_TRIES && reply.held != 0; i++) {
        served_nap(10);
        reply = market_get(market, resource);
    }
    MUST(reply.held == 0);
    return reply;
}

struct souk_order_get_reply market_order(struct market *market, struct souk_id128 order)
{
    const struct souk_order_get ask = {.order = order};
    struct souk_order_get_reply reply;
    const int error = souk_order_get(market->client, &ask, &reply);
    demand(error, reply.status, "order_get");
    return reply;
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void remember(struct market *market, struct souk_id128 order)
{
    (void)pthread_mutex_lock(&market->lock);
    if (market->order_count == market->order_capacity) {
        market->order_capacity = MAX(1024, 2 * market->order_capacity);
        market->orders = realloc(market->orders, market->order_capacity * sizeof *market->orders);
        MUST(market->orders != NULL);
    }
    market->orders[market->order_count++] = order;
    (void)pthread_mutex_unlock(&market->lock);
}

static u32 write_tenders(const struct market_wish *wish, i64 total, struct souk_row_tender *rows)
{
    u32 count = 0;
    if (wish->gift != 0)
        rows[count++] = (struct souk_row_tender){
            .account = wish->gift_card, .amount = wish->gift, .kind = SOUK_TENDER_GIFT_CARD};
    if (total > wish->gift)
        rows[count++] = (struct souk_row_tender){.amount = total - wish->gift,
                                                 .token = souk_text64_of("tok_card")};
    return count;
}

struct souk_checkout_reply market_checkout(struct market *market, const struct market_wish *wish)
{
    struct souk_row_checkout_line lines[MARKET_LINES_MAX] = {{0}};
    struct souk_row_tender tenders[2];
    const struct souk_row_coupon coupon = {.coupon_id = wish->coupon_id};
    struct souk_checkout_reply reply;
    i64 goods = 0;
    for (u32 i = 0; i < wish->line_count; i++) {
        lines[i] = (struct souk_row_checkout_line){.sku_id = market_sku(wish->lines[i].sku).id,
                                                   .options = i,
                                                   .quantity = wish->lines[i].quantity,
                                                   .agreed_price = -1};
        goods += wish->lines[i].quantity * market_price(wish->lines[i].sku);
    }
    const i64 total = wish->total != 0 ? wish->total : goods;
    const u32 tender_count = write_tenders(wish, total, tenders);
    const struct souk_checkout ask = {
        .order = wish->order,
        .cart_version = wish->cart_version,
        .expected_total = total,
        .currency = MARKET_GBP,
        .capture = wish->on_ship ? SOUK_CAPTURE_ON_SHIP : SOUK_CAPTURE_NOW,
        .from_cart = wish->from_cart,
        .lines = souk_rows_of(lines, sizeof *lines, wish->line_count),
        .tenders = souk_rows_of(tenders, sizeof *tenders, tender_count),
        .coupons = souk_rows_of(&coupon, sizeof coupon, wish->coupon_id != 0)};
    const int error =
        souk_checkout(wish->client != NULL ? wish->client : market->client, &ask, &reply);
    market_must(error == 0, "a checkout without an answer", wish->order);
    if (reply.status == SOUK_OK && (reply.flags & SOUK_FLAG_REPLAYED) == 0)
        remember(market, wish->order);
    return reply;
}

struct souk_checkout_status_reply market_await(struct market *market, struct souk_id128 order)
{
    struct souk_checkout_status_reply reply;
    const int error = souk_order_wait(market->client, order, 0, MARKET_WAIT_MS, &reply);
    demand(error, reply.status, "checkout_status");
    souk_free(reply.memory);
    market_must(reply.is_settled != 0, "it does not settle", order);
    return reply;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* How many of these rest, from the first on. */
static u32 count_resting(struct market *market, u32 from, u32 count)
{
    static struct souk_checkout_status asks[READ_BATCH];
    static struct souk_checkout_status_reply replies[READ_BATCH];
    u32 resting = 0;
    for (u32 i = 0; i < count; i++)
        asks[i] = (struct souk_checkout_status){.order = market->orders[from + i]};
    const int error = souk_checkout_status_batch(market->client, asks, count, replies, 0);
    for (u32 i = 0; i < count; i++) {
        demand(error, replies[i].status, "checkout_status");
        souk_free(replies[i].memory);
        if (resting == i && souk_state_is_resting(replies[i].state))
            resting++;
    }
    return resting;
}

void market_settle(struct market *market)
{
    for (u32 at = 0, tries = 0; at < market->order_count; tries++) { /* ends: tries are few */
        const u32 count = MIN(READ_BATCH, market->order_count - at);
        const u32 resting = count_resting(market, at, count);
        at += resting;
        if (resting != 0)
            tries = 0;
        if (resting == count)
            continue;
        market_must(tries < SETTLE_TRIES, "it does not come to rest (M1)", market->orders[at]);
        served_nap(10);
    }
}

struct audit {
    struct market *market;
    struct market_sums sums;
    i64 *sold, *shipped;
    const struct souk_order_get_reply *order;
};

static void audit_lines(struct audit *audit, bool is_placed)
{
    const struct souk_order_get_reply *order = audit->order;
    struct souk_row_order_line row;
    for (u32 i = 0; souk_row_at(order->lines, sizeof row, i, &row); i++) { /* ends: no such row */
        u32 sku = 0;
        while (sku < audit->market->options.skus && market_sku(sku).id != row.sku_id)
            sku++;
        market_must(sku < audit->market->options.skus, "a line of another SKU", order->order);
        if (!is_placed)
            continue;
        market_must(row.allocated + row.shipped + row.cancelled == row.quantity,
                    "units are not conserved (M2)", order->order);
        audit->sold[sku] += row.quantity - row.cancelled;
        audit->shipped[sku] += row.shipped;
        audit->sums.units += (u64)(row.quantity - row.cancelled);
    }
}

static void audit_tenders(struct audit *audit, bool is_placed)
{
    const struct souk_order_get_reply *order = audit->order;
    struct souk_row_order_tender row;
    for (u32 i = 0; souk_row_at(order->tenders, sizeof row, i, &row); i++) { /* ends: likewise */
        const struct books_account books =
            provider_account(audit->market->provider, order->order, (u16)i);
        if (row.kind != SOUK_TENDER_OUTSIDE)
            continue;
        market_must(row.captured == books.captured && row.refunded == books.refunded,
                    "the provider has other books (M2)", order->order);
        market_must(is_placed || books.captured == books.refunded, "charged without an order (M1)",
                    order->order);
        market_must(order->state != SAGA_STATE_CANCELLED || books.authorized == books.captured ||
                        books.is_voided,
                    "an authorisation was left open (M1)", order->order);
    }
}

static void audit_order(struct audit *audit)
{
    const struct souk_order_get_reply *order = audit->order;
    const bool is_placed = order->placed_at_ns != 0;
    market_must(souk_state_is_resting(order->state), "it does not rest (M1)", order->order);
    market_must(is_placed || order->state == SAGA_STATE_CANCELLED,
                "neither placed nor cancelled (M1)", order->order);
    audit->sums.orders++;
    audit->sums.placed += is_placed ? 1 : 0;
    audit->sums.cancelled += order->state == SAGA_STATE_CANCELLED ? 1 : 0;
    if (!is_placed)
        audit->sums.by_reason[order->reason % ARRAY_COUNT(audit->sums.by_reason)]++;
    audit_lines(audit, is_placed);
    audit_tenders(audit, is_placed);
}

static void audit_orders(struct audit *audit)
{
    struct market *market = audit->market;
    static struct souk_order_get asks[READ_BATCH];
    static struct souk_order_get_reply replies[READ_BATCH];
    for (u32 at = 0; at < market->order_count; at += READ_BATCH) {
        const u32 count = MIN(READ_BATCH, market->order_count - at);
        for (u32 i = 0; i < count; i++)
            asks[i] = (struct souk_order_get){.order = market->orders[at + i]};
        const int error = souk_order_get_batch(market->client, asks, count, replies, 0);
        for (u32 i = 0; i < count; i++) {
            demand(error, replies[i].status, "order_get");
            audit->order = &replies[i];
            audit_order(audit);
            souk_free(replies[i].memory);
        }
    }
}

static void audit_stock(const struct audit *audit)
{
    for (u32 i = 0; i < audit->market->options.skus; i++) {
        const struct souk_sku_get_reply sku = market_get_at_rest(audit->market, market_sku(i));
        if (sku.held == 0 && sku.granted - sku.cancelled == audit->sold[i] &&
            sku.shipped == audit->shipped[i] && sku.sellable >= 0 &&
            sku.granted - sku.cancelled <= sku.received)
            continue;
        (void)fprintf(stderr, "SKU %u: held %lld, granted %lld, cancelled %lld, orders say %lld\n",
                      i, (long long)sku.held, (long long)sku.granted, (long long)sku.cancelled,
                      (long long)audit->sold[i]);
        PANIC("stock and orders do not agree (M3)");
    }
}

static void audit_shards(const struct audit *audit)
{
    for (u16 i = 0; i < audit->market->options.shards; i++) {
        const struct souk_verify ask = {0};
        struct souk_verify_reply reply;
        const int error = souk_verify(audit->market->client, i, &ask, &reply);
        demand(error, reply.status, "verify");
        MUST(reply.violations == 0); /* M4 */
        souk_free(reply.memory);
    }
}

struct market_sums market_audit(struct market *market)
{
    struct audit audit = {.market = market};
    audit.sold = calloc(market->options.skus, sizeof *audit.sold);
    audit.shipped = calloc(market->options.skus, sizeof *audit.shipped);
    MUST(audit.sold != NULL && audit.shipped != NULL);
    audit_orders(&audit);
    audit_stock(&audit);
    audit_shards(&audit);
    free(audit.sold);
    free(audit.shipped);
    return audit.sums;
}

/* ---- crowds ---------------------------------------------------------------------------------- */

struct crowd_member {
    struct market_member own;
    pthread_t thread;
    pthread_barrier_t *gate;
    void (*run)(struct market_member *member);
};

static void *run_member(void *argument)
{
    struct crowd_member *member = argument;
    (void)pthread_barrier_wait(member->gate);
    member->run(&member->own);
    return NULL;
}

void market_crowd(u32 count, u64 seed, void (*run)(struct market_member *member), void *context)
{
    struct crowd_member members[CROWD_MAX];
    pthread_barrier_t gate;
    MUST(count <= CROWD_MAX);
    (void)pthread_barrier_init(&gate, NULL, count);
    for (u32 i = 0; i < count; i++) {
        members[i] = (struct crowd_member){
            .own = {.context = context, .index = i, .random = seed * 1000003 + i},
            .gate = &gate,
            .run = run};
        const int error = pthread_create(&members[i].thread, NULL, run_member, &members[i]);
        MUST(error == 0);
    }
    for (u32 i = 0; i < count; i++)
        (void)pthread_join(members[i].thread, NULL);
    (void)pthread_barrier_destroy(&gate);
}
