/* recommend_check: are the recommendations good, and do orders that were cancelled leave no trace?
 *
 *      xz -dc online-retail.csv.xz | recommend_check --shards 4 --seed 1
 *
 * Sales of December to July are ordered for nothing (a price of 0 needs no payment) by real checkouts, so
 * every basket goes the way of every order: saga, mail, tables. Then of each August basket of two or more
 * products one is hidden and looked for among 20 recommendations for the others.
 *
 *      souk         the operation recommend, strict, over the shards
 *      exact        counts of all pairs of all baskets, whatever their length, in a matrix; weighted by age
 *                   and scored as docs/recommend.md says, in double precision
 *      exact cut    the same of the products that an order counts: what souk should come to
 *      cosine       exact, scored by the cosine of items
 *      popular      what was bought most
 *
 * Then orders are cancelled, and every product's recommendations are compared, byte for byte, with
 * those of shards that never had these orders.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/money.h"
#include "proto/route.h"
#include "proto/saga.h"
#include "shards/recommend/copurchase.h"
#include "shards/shard_state.h"
#include "tests/recommend/sales.h"
#include "tests/support/feeder.h"
#include "tests/support/gather_loop.h"

#define WANTED      20u
#define DOUBT       160.0 /* as docs/recommend.md says */
#define GBP         826u
#define CANCEL_EACH 3u /* every third order */

static u16 option_shards = 4;
static u64 option_seed = 1;

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static u64 mix(u64 z)
{
    z += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

/* ---- a shop that sells for nothing -------------------------------------------------------------- */

struct shop {
    struct feeder *feeder;
    struct gather_loop *loop;
    const struct sales *sales;
    u64 begin_ns;
    u64 begin_s;          /* of the sales */
    struct id128 *orders; /* by basket */
    u64 *times_ns;
};

static void put_product(struct shop *shop, const struct sales_product *product)
{
    const struct resource sku = {.id = product->id};
    const struct span code = {(const u8 *)product->code, (u32)strlen(product->code)};
    const struct msg_product_put_req page = {
        .product_id = product->id, .price = (i64)product->price, .currency = GBP};
    const struct span texts[MESSAGE_SPANS_MAX] = {
        code, {(const u8 *)product->title, (u32)strlen(product->title)}};
    const struct msg_sku_put_req put = {
        .resource = sku, .product_id = product->id, .currency = GBP};
    const struct span codes[MESSAGE_SPANS_MAX] = {code};
    const struct msg_stock_receive_req receive = {.resource = sku, .quantity = 1000000};
    feeder_put(shop->feeder, OPCODE_PRODUCT_PUT, &page, texts);
    feeder_put(shop->feeder, OPCODE_SKU_PUT, &put, codes);
    feeder_put(shop->feeder, OPCODE_STOCK_RECEIVE, &receive, NULL);
}

static struct shop *open_shop(const struct sales *sales)
{
    struct shop *shop = calloc(1, sizeof *shop);
    MUST(shop != NULL);
    shop->sales = sales;
    shop->feeder = feeder_open(option_shards, false);
    shop->loop = gather_loop_open(feeder_shards(shop->feeder), option_shards);
    shop->orders = calloc(sales->basket_count, sizeof *shop->orders);
    shop->times_ns = calloc(sales->basket_count, sizeof *shop->times_ns);
    MUST(shop->orders != NULL && shop->times_ns != NULL);
    for (u32 i = 0; i < sales->product_count; i++)
        put_product(shop, &sales->products[i]);
    feeder_flush(shop->feeder);
    /* All shops begin to sell at one time, which is a round one. */
    shop->begin_ns = (feeder_now_ns(shop->feeder) / NS_PER_S / 86400 + 1) * 86400 * NS_PER_S;
    shop->begin_s = sales->baskets[0].time_s;
    return shop;
}

static void close_shop(struct shop *shop)
{
    gather_loop_close(shop->loop);
    feeder_close(shop->feeder);
    free(shop->orders);
    free(shop->times_ns);
    free(shop);
}

static void let_pass(struct shop *shop, u64 time_s)
{
    const u64 at_ns = shop->begin_ns + (time_s - shop->begin_s) * NS_PER_S;
    const u64 now_ns = feeder_now_ns(shop->feeder);
    if (at_ns <= now_ns + 3600 * NS_PER_S)
        return;
    feeder_flush(shop->feeder);
    feeder_pass(shop->feeder, at_ns - feeder_now_ns(shop->feeder));
}

/* Ids do not depend on which orders there are. */
static void order_basket_of(struct shop *shop, u32 index)
{
    const struct sales_basket *basket = &shop->sales->baskets[index];
    static struct row_checkout_line lines[ORDER_LINES_MAX];
    const u64 at_ns = shop->begin_ns + (basket->time_s - shop->begin_s) * NS_PER_S;
    MUST(basket->count <= ORDER_LINES_MAX);
    let_pass(shop, basket->time_s);
    for (u32 i = 0; i < basket->count; i++)
        lines[i] = (struct row_checkout_line){
            .sku_id = shop->sales->products[shop->sales->lines[basket->first + i]].id,
            .quantity = 1,
            .agreed_price = -1};
    const struct msg_checkout_req ask = {
        .order = {.high = basket->user_id, .low = at_ns / NS_PER_MS << 16 | (index & 0xFFFF)},
        .currency = GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines, basket->count * (u32)sizeof lines[0]}};
    shop->orders[index] = ask.order;
    feeder_put(shop->feeder, OPCODE_CHECKOUT, &ask, spans);
}

/* Every product of an order, and no trade: it was for nothing. */
static void cancel_basket(struct shop *shop, u32 index)
{
    const struct msg_order_cancel_req ask = {.order = shop->orders[index], .reason = 1};
    feeder_put(shop->feeder, OPCODE_ORDER_CANCEL, &ask, NULL);
}

static u32 train_count(const struct sales *sales)
{
    const u64 august = sales_day(2011, 8, 1);
    u32 count = 0;
    while (count < sales->basket_count && sales->baskets[count].time_s < august)
        count++;
    return count;
}

static bool is_cancelled(u32 index)
{
    return mix(option_seed * 1000003 + index) % CANCEL_EACH == 0;
}

/* ---- exact counts ------------------------------------------------------------------------------- */

struct exact {
    u32 products;
    double *pairs; /* products x products, weighted */
    double *baskets;
    u32 *plain; /* baskets, not weighted */
};

static struct exact exact_open(u32 products)
{
    struct exact exact = {.products = products};
    exact.pairs = calloc((size_t)products * products, sizeof *exact.pairs);
    exact.baskets = calloc(products, sizeof *exact.baskets);
    exact.plain = calloc(products, sizeof *exact.plain);
    MUST(exact.pairs != NULL && exact.baskets != NULL && exact.plain != NULL);
    return exact;
}

static void exact_add(struct exact *exact, const u32 *products, u32 count, double weight)
{
    for (u32 i = 0; i < count; i++) {
        exact->baskets[products[i]] += weight;
        exact->plain[products[i]]++;
        for (u32 j = 0; j < count; j++)
            if (i != j)
                exact->pairs[(size_t)products[i] * exact->products + products[j]] += weight;
    }
}

/* Those that an order counts: the least lots. */
static u32 cut(const struct shop *shop, u32 index, u32 *to)
{
    const struct sales_basket *basket = &shop->sales->baskets[index];
    const u32 *lines = &shop->sales->lines[basket->first];
    u32 count = 0;
    for (u32 i = 0; i < basket->count; i++) {
        const u64 lot = copurchase_lot(shop->orders[index], shop->sales->products[lines[i]].id);
        u32 below = 0;
        for (u32 j = 0; j < basket->count; j++)
            below += copurchase_lot(shop->orders[index], shop->sales->products[lines[j]].id) < lot;
        if (below < BASKET_PRODUCTS_MAX)
            to[count++] = lines[i];
    }
    return count;
}

enum formula { FORMULA_SOUK, FORMULA_COSINE, FORMULA_POPULAR };

static void score_all(const struct exact *exact, enum formula formula, const u32 *context,
                      u32 count, double *scores)
{
    const u32 n = exact->products;
    for (u32 j = 0; j < n; j++)
        scores[j] = formula == FORMULA_POPULAR ? exact->plain[j] : 0;
    for (u32 i = 0; i < count && formula != FORMULA_POPULAR; i++) {
        const double *row = &exact->pairs[(size_t)context[i] * n];
        const double own = exact->baskets[context[i]];
        for (u32 j = 0; j < n; j++) {
            if (row[j] == 0)
                continue;
            const double square = row[j] * row[j] / (own * (exact->baskets[j] + DOUBT));
            scores[j] += formula == FORMULA_SOUK ? square : sqrt(square);
        }
    }
    for (u32 i = 0; i < count; i++)
        scores[context[i]] = 0;
}

static bool exact_hits(const struct exact *exact, enum formula formula, const struct sales *sales,
                       const u32 *context, u32 count, u32 hidden)
{
    static double scores[SALES_PRODUCTS_MAX];
    u32 better = 0;
    score_all(exact, formula, context, count, scores);
    if (scores[hidden] == 0)
        return false;
    for (u32 j = 0; j < exact->products; j++)
        better +=
            scores[j] > scores[hidden] ||
            (scores[j] == scores[hidden] && sales->products[j].id < sales->products[hidden].id);
    return better < WANTED;
}

/* ---- what souk says ------------------------------------------------------------------------------ */

static bool souk_hits(struct shop *shop, const u32 *context, u32 count, u32 hidden)
{
    u64 ids[RECOMMEND_LIMIT_MAX];
    const u32 told = MIN(count, RECOMMEND_LIMIT_MAX);
    for (u32 i = 0; i < told; i++)
        ids[i] = shop->sales->products[context[i]].id;
    const struct msg_recommend_req ask = {.limit = WANTED, .is_strict = 1};
    u64 without[RECOMMEND_LIMIT_MAX];
    const u32 rest = MIN(count - told, RECOMMEND_LIMIT_MAX);
    for (u32 i = 0; i < rest; i++)
        without[i] = shop->sales->products[context[told + i]].id;
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(recommend_req, products)] = {(const u8 *)ids, told * 8},
        [SPAN_OF(recommend_req, without)] = {(const u8 *)without, rest * 8}};
    struct record_view view;
    MUST(gather_loop_ask(shop->loop, OPCODE_RECOMMEND, feeder_now_ns(shop->feeder), &ask, spans,
                         NULL, &view) == STATUS_OK);
    const struct span items = view.spans[SPAN_OF(recommend_rsp, items)];
    for (u32 at = 0; at < items.bytes; at += (u32)sizeof(struct row_recommended)) {
        struct row_recommended row;
        memcpy(&row, items.data + at, sizeof row);
        if (row.product_id == shop->sales->products[hidden].id)
            return true;
    }
    return false;
}

struct hits {
    u32 tried, souk, exact, cut, cosine, popular;
};

static struct hits predict(struct shop *shop, const struct exact *whole, const struct exact *part,
                           u32 trained)
{
    static u32 context[ORDER_LINES_MAX];
    struct hits hits = {0};
    const struct sales *sales = shop->sales;
    for (u32 b = trained; b < sales->basket_count; b++) {
        const struct sales_basket *basket = &sales->baskets[b];
        if (basket->count < 2)
            continue;
        const u32 place = (u32)(mix(option_seed << 32 | b) % basket->count);
        const u32 hidden = sales->lines[basket->first + place];
        u32 count = 0;
        for (u32 i = 0; i < basket->count; i++)
            if (i != place)
                context[count++] = sales->lines[basket->first + i];
        hits.tried++;
        hits.souk += souk_hits(shop, context, count, hidden);
        hits.exact += exact_hits(whole, FORMULA_SOUK, sales, context, count, hidden);
        hits.cut += exact_hits(part, FORMULA_SOUK, sales, context, count, hidden);
        hits.cosine += exact_hits(whole, FORMULA_COSINE, sales, context, count, hidden);
        hits.popular += exact_hits(whole, FORMULA_POPULAR, sales, context, count, hidden);
    }
    return hits;
}

/* ---- the checks ---------------------------------------------------------------------------------- */

static int failures;

static void demand(bool is_good, const char *what)
{
    printf("  %-70s %s\n", what, is_good ? "ok" : "FAILED");
    failures += is_good ? 0 : 1;
}

static void print_hits(const char *name, u32 hits, const struct hits *of)
{
    const double rate = (double)hits / of->tried;
    printf("  %-12s %6.4f   %5.2f   %5.2f\n", name, rate, (double)hits / of->exact,
           (double)hits / of->popular);
}

/* Of the ten best for each product of 20 baskets or more: how many does souk tell, too? */
static double overlap(struct shop *shop, const struct exact *exact)
{
    static double scores[SALES_PRODUCTS_MAX];
    u32 wanted = 0, told = 0;
    for (u32 a = 0; a < exact->products; a++) {
        if (exact->plain[a] < 20)
            continue;
        const struct msg_related_req ask = {.product_id = shop->sales->products[a].id,
                                            .limit = 10,
                                            .kind = RELATED_BOUGHT,
                                            .is_strict = 1};
        struct record_view view;
        MUST(gather_loop_ask(shop->loop, OPCODE_RELATED, feeder_now_ns(shop->feeder), &ask, NULL,
                             NULL, &view) == STATUS_OK);
        const struct span items = view.spans[SPAN_OF(related_rsp, items)];
        score_all(exact, FORMULA_SOUK, &a, 1, scores);
        for (u32 n = 0; n < 10; n++) {
            u32 best = 0;
            for (u32 b = 1; b < exact->products; b++)
                best = scores[b] > scores[best] ? b : best;
            if (scores[best] == 0)
                break;
            scores[best] = 0;
            wanted++;
            for (u32 at = 0; at < items.bytes; at += (u32)sizeof(struct row_recommended)) {
                struct row_recommended row;
                memcpy(&row, items.data + at, sizeof row);
                told += row.product_id == shop->sales->products[best].id ? 1 : 0;
            }
        }
    }
    return (double)told / wanted;
}

static void check_quality(struct shop *shop, const struct exact *whole, const struct exact *part,
                          u32 trained)
{
    const double begin = seconds();
    const struct hits hits = predict(shop, whole, part, trained);
    printf("hit rate at %u of %u August baskets (%.1f s)\n", WANTED, hits.tried, seconds() - begin);
    printf("  %-12s %6s   %5s   %5s\n", "", "rate", "exact", "popular");
    print_hits("souk", hits.souk, &hits);
    print_hits("exact", hits.exact, &hits);
    print_hits("exact, cut", hits.cut, &hits);
    print_hits("cosine", hits.cosine, &hits);
    print_hits("popular", hits.popular, &hits);
    const double cut_overlap = overlap(shop, part);
    printf("overlap at 10, products of 20 baskets or more: %.3f of exact, cut; %.3f of exact\n",
           cut_overlap, overlap(shop, whole));
    demand(cut_overlap >= 0.90, "the ten best are those of exact counts of what orders count");
    demand(hits.souk * 100 >= hits.exact * 98, "at least 0.98 of exact unbounded counts");
    demand(hits.souk * 100 >= hits.cut * 98, "at least 0.98 of exact counts of what orders count");
    demand(hits.souk >= hits.cosine, "at least as good as the cosine of items");
    demand(hits.souk * 2 >= hits.popular * 3, "at least 1.5 times popularity");
}

/* What the tables take, and whether one had to forget anything. */
static void check_memory(const struct shop *shop)
{
    u64 bytes = 0, slots = 0, names = 0, thinned = 0, lost = 0;
    u32 tables = 0, most = 0;
    for (u16 s = 0; s < option_shards; s++) {
        const struct copurchase *room = &feeder_shards(shop->feeder)[s]->recommend.bought;
        MUST(copurchase_valid(room));
        bytes += room->slot_bytes;
        slots += room->slot_count;
        names += map_count(&room->map);
        thinned += room->thinned;
        lost += room->lost;
        tables += pool_count(&room->tables);
    }
    for (u32 i = 0; i < shop->sales->product_count; i++) {
        const u64 id = shop->sales->products[i].id;
        const u16 s = route_shard(route_hash_u64(id), option_shards);
        const struct copurchase *room = &feeder_shards(shop->feeder)[s]->recommend.bought;
        const u32 name = copurchase_name_find(room, id);
        if (name != 0 && copurchase_name_at(room, name)->table != 0)
            most =
                MAX(most, copurchase_table_at(room, copurchase_name_at(room, name)->table)->used);
    }
    printf("memory: %u products, %.0f bytes of counts each (%.0f slots of %.1f), %u slots at most, "
           "%.0f bytes of names each and shard\n",
           tables, (double)bytes / tables + sizeof(struct copurchase_table), (double)slots / tables,
           (double)bytes / (double)slots, most,
           (double)names * (sizeof(struct copurchase_name) + 16) / tables / option_shards);
    demand(thinned == 0, "no table has forgotten a level");
    demand(lost == 0, "everything that was to be taken back was there");
}

/* Items and texts of what goes with a product; the length. */
static u32 related_bytes(struct shop *shop, u64 product_id, u64 now_ns, u8 *to, u32 capacity)
{
    const struct msg_related_req ask = {.product_id = product_id,
                                        .limit = RECOMMEND_LIMIT_MAX,
                                        .kind = RELATED_BOUGHT,
                                        .is_strict = 1};
    struct record_view view;
    MUST(gather_loop_ask(shop->loop, OPCODE_RELATED, now_ns, &ask, NULL, NULL, &view) == STATUS_OK);
    MUST(view.bytes <= capacity);
    memcpy(to, view.fixed, view.bytes);
    return view.bytes;
}

static void check_traces(struct shop *shop, u32 trained)
{
    static u8 own[FRAME_BYTES_MAX], other[FRAME_BYTES_MAX];
    const struct sales *sales = shop->sales;
    const double begin = seconds();
    u32 cancelled = 0, equal = 0, empty = 0;
    for (u32 b = 0; b < trained; b++)
        if (is_cancelled(b)) {
            cancel_basket(shop, b);
            cancelled++;
        }
    feeder_flush(shop->feeder);
    struct shop *never = open_shop(sales);
    for (u32 b = 0; b < trained; b++)
        if (!is_cancelled(b))
            order_basket_of(never, b);
    feeder_flush(never->feeder);
    const u64 now_ns = feeder_now_ns(shop->feeder);
    for (u32 i = 0; i < sales->product_count; i++) {
        const u32 bytes = related_bytes(shop, sales->products[i].id, now_ns, own, sizeof own);
        const bool is_equal =
            bytes == related_bytes(never, sales->products[i].id, now_ns, other, sizeof other) &&
            memcmp(own, other, bytes) == 0;
        equal += is_equal ? 1 : 0;
        empty += bytes <= 64 ? 1 : 0;
    }
    printf(
        "cancelled: %u of %u orders; %u of %u products have the same recommendations, %u of them "
        "none (%.1f s)\n",
        cancelled, trained, equal, sales->product_count, empty, seconds() - begin);
    demand(equal == sales->product_count, "cancelled orders leave no trace");
    demand(empty < sales->product_count / 2, "most products have recommendations");
    check_memory(shop);
    close_shop(never);
}

static void read_options(int count, char **words)
{
    for (int i = 1; i + 1 < count; i += 2) {
        if (strcmp(words[i], "--shards") == 0)
            option_shards = (u16)atol(words[i + 1]);
        else if (strcmp(words[i], "--seed") == 0)
            option_seed = (u64)atol(words[i + 1]);
        else
            PANIC("options are --shards and --seed");
    }
    MUST(option_shards >= 1 && option_shards <= 16);
}

int main(int count, char **words)
{
    read_options(count, words);
    struct sales *sales = sales_read(stdin);
    const u32 trained = train_count(sales);
    struct shop *shop = open_shop(sales);
    const double begin = seconds();
    for (u32 b = 0; b < trained; b++)
        order_basket_of(shop, b);
    let_pass(shop, sales_day(2011, 8, 1));
    feeder_flush(shop->feeder);
    printf("ordered: %u baskets of %u products on %u shards, %u lines, %llu refused (%.1f s)\n",
           trained, sales->product_count, option_shards, sales->baskets[trained].first,
           (unsigned long long)feeder_refused(shop->feeder), seconds() - begin);
    demand(feeder_refused(shop->feeder) == 0, "every order was taken");
    struct exact whole = exact_open(sales->product_count);
    struct exact part = exact_open(sales->product_count);
    const u32 now_epoch = copurchase_epoch(feeder_now_ns(shop->feeder));
    for (u32 b = 0; b < trained; b++) {
        static u32 chosen[ORDER_LINES_MAX];
        const struct sales_basket *basket = &sales->baskets[b];
        const u64 at_ns = shop->begin_ns + (basket->time_s - shop->begin_s) * NS_PER_S;
        const double weight = copurchase_weight(now_epoch - copurchase_epoch(at_ns));
        if (weight == 0)
            continue;
        exact_add(&whole, &sales->lines[basket->first], basket->count, weight);
        exact_add(&part, chosen, cut(shop, b, chosen), weight);
    }
    check_memory(shop);
    check_quality(shop, &whole, &part, trained);
    check_traces(shop, trained);
    close_shop(shop);
    return failures == 0 ? 0 : 1;
}
