/* micro_recommend: what recommendations cost, alone on one core, without log and network.
 *
 *   micro_recommend [--json] [--products N] [--baskets N] [--size N] [--events N] [--kind NAME]
 *
 * --products products (20,000) with titles, brands and stock, in categories of GROUP; --baskets baskets (200,000)
 * of --size products (5), drawn by Zipf, half of them from one group, are counted; --events views (60,000) by
 * USERS users, drawn the same way. Then, each the median of ROUNDS rounds, and each a whole operation: all
 * rounds of the gather, all parts, on one shard (--kind: that one alone):
 *
 *   pair         counting: per slot that a basket changes
 *   bought       related for 10 items that were bought with a product, drawn as in baskets
 *   viewed       the same, viewed with it
 *   similar      the same, similar to it
 *   similar_1st  the same, when a text in its category has changed since
 *   trending     10 that are trending in a category
 *   cart         recommend for a cart of 5, 10 items
 *   user         recommend for what a user viewed last, 10 items
 *   candidates   the first part of bought alone: adding up a product's table
 *   bytes        of tables and names, per product
 *
 * Exit code 1: one that has a gate takes more than that in every round: whoever else uses the machine can
 * only make it slower. The gate of a read of ten about one product or category is GATE_US. A cart is looked up
 * as CART products, a user as the RECOMMEND_VIEWS_MAX viewed last, each with a table of its own, and their
 * candidates are put together: they may cost GATE_US for each of these.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/micro_clock.h"
#include "proto/route.h"
#include "shards/gather/gather.h"
#include "shards/recommend/copurchase.h"
#include "shards/shard_state.h"
#include "tests/support/feeder.h"

#define ROUNDS     7u
#define READS_MAX  4000u
#define GROUP      50u
#define USERS      2000u
#define GATE_US    8.0
#define CART       5u
#define BASKET_MAX 20u
#define GBP        826u

#define ANSWERS_BYTES (4u << 20)

struct bench {
    struct feeder *feeder;
    struct shard *shard;
    struct store_memory memory;
    struct bump_reserve reserve;
    struct gather gather;
    u8 *answers; /* of one question */
    u64 *ids;
    double *odds; /* cumulative */
    u64 random;
    u64 now_ns;
    u32 products;
    u32 baskets;
    u32 size;
    u32 events;
    const char *kind; /* NULL = all */
    bool is_json;
    bool is_first;
    bool is_slow; /* a gate was missed */
};

static u64 next_random(struct bench *bench)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random;
}

/* By Zipf: the first ones most often. */
static u32 draw(struct bench *bench)
{
    const double wanted = (double)(next_random(bench) >> 11) / 9007199254740992.0;
    u32 low = 0, high = bench->products - 1;
    while (low < high) { /* ends: halved each time */
        const u32 middle = (low + high) / 2;
        if (bench->odds[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Half of the time one of the group of `first`. */
static u32 draw_with(struct bench *bench, u32 first)
{
    if (next_random(bench) % 2 == 0)
        return (u32)((first / GROUP * GROUP + next_random(bench) % GROUP) % bench->products);
    return draw(bench);
}

static void fill_basket(struct bench *bench, u64 *products)
{
    const u32 first = draw(bench);
    for (u32 i = 0; i < bench->size;) {
        const u32 product = i == 0 ? first : draw_with(bench, first);
        products[i] = bench->ids[product];
        bool is_new = true;
        for (u32 j = 0; j < i; j++)
            is_new = is_new && products[j] != products[i];
        i += is_new ? 1 : 0;
    }
}

static void put_product(struct bench *bench, u32 number)
{
    char code[24], title[64], brand[24], category[24];
    (void)snprintf(code, sizeof code, "P%u", number);
    (void)snprintf(brand, sizeof brand, "Brand %u", number % 7);
    (void)snprintf(category, sizeof category, "c%u", number / GROUP);
    (void)snprintf(title, sizeof title, "WHITE HANGING HEART T-LIGHT HOLDER %u", number);
    const u64 id = id_from_code(code, strlen(code));
    const struct resource sku = {.id = id};
    const struct span code_span = {(const u8 *)code, (u32)strlen(code)};
    const struct msg_product_put_req put = {.product_id = id, .price = 295, .currency = GBP};
    const struct span texts[MESSAGE_SPANS_MAX] = {code_span,
                                                  {(const u8 *)title, (u32)strlen(title)},
                                                  {(const u8 *)brand, (u32)strlen(brand)},
                                                  {(const u8 *)category, (u32)strlen(category)}};
    const struct msg_sku_put_req sku_put = {
        .resource = sku, .product_id = id, .price = 295, .currency = GBP};
    const struct span codes[MESSAGE_SPANS_MAX] = {code_span};
    const struct msg_stock_receive_req receive = {.resource = sku, .quantity = 1000};
    bench->ids[number] = id;
    feeder_put(bench->feeder, OPCODE_PRODUCT_PUT, &put, texts);
    feeder_put(bench->feeder, OPCODE_SKU_PUT, &sku_put, codes);
    feeder_put(bench->feeder, OPCODE_STOCK_RECEIVE, &receive, NULL);
}

static void open_bench(struct bench *bench)
{
    double sum = 0;
    bench->feeder = feeder_open(1, false);
    bench->shard = feeder_shards(bench->feeder)[0];
    store_memory_init(&bench->memory);
    bump_reserve_init(&bench->reserve, &bench->memory);
    gather_init(&bench->gather, &bench->reserve);
    bench->answers = aligned_alloc(64, ANSWERS_BYTES);
    MUST(bench->answers != NULL);
    bench->ids = calloc(bench->products, sizeof *bench->ids);
    bench->odds = calloc(bench->products, sizeof *bench->odds);
    MUST(bench->ids != NULL && bench->odds != NULL);
    for (u32 i = 0; i < bench->products; i++) {
        put_product(bench, i);
        bench->odds[i] = sum += 1.0 / (i + 10);
    }
    for (u32 i = 0; i < bench->products; i++)
        bench->odds[i] /= sum;
    feeder_flush(bench->feeder);
    MUST(feeder_refused(bench->feeder) == 0);
    bench->now_ns = feeder_now_ns(bench->feeder);
}

static void report(struct bench *bench, const char *name, double value, const char *unit)
{
    if (bench->is_json)
        printf("%s{\"case\":\"%s\",\"%s\":%.1f}", bench->is_first ? "[" : ",", name, unit, value);
    else
        printf("%-12s %10.1f %s\n", name, value, unit);
    bench->is_first = false;
}

struct measured {
    const char *name;
    void (*what)(struct bench *bench, u32 product);
    u32 reads;
    u32 anchors; /* that a gate is for; 0 = there is none */
};

static bool is_slow(const struct measured *one, double least)
{
    return one->anchors != 0 && least > GATE_US * one->anchors;
}

/* Sorted rounds: the middle one and the least, and the gate if there is one. */
static void report_read(struct bench *bench, const struct measured *one, const double *rounds)
{
    const double middle = rounds[ROUNDS / 2], least = rounds[0], gate = GATE_US * one->anchors;
    if (bench->is_json)
        printf("%s{\"case\":\"%s\",\"us\":%.1f,\"least_us\":%.1f", bench->is_first ? "[" : ",",
               one->name, middle, least);
    else
        printf("%-12s %10.1f us   least %5.1f", one->name, middle, least);
    if (one->anchors != 0)
        printf(bench->is_json ? ",\"gate_us\":%.0f" : "   gate %.0f", gate);
    printf("%s", bench->is_json ? "}" : is_slow(one, least) ? "   MISSED\n" : "\n");
    bench->is_first = false;
}

static int compare(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Counts all baskets in ROUNDS parts; nanoseconds per pair in each. */
static void count_baskets(struct bench *bench)
{
    double rounds[ROUNDS];
    const u32 part = bench->baskets / ROUNDS;
    u64 *products = calloc((size_t)part * bench->size, sizeof *products);
    MUST(products != NULL);
    for (u32 r = 0; r < ROUNDS; r++) {
        for (u32 b = 0; b < part; b++)
            fill_basket(bench, products + (size_t)b * bench->size);
        const u64 begin_ns = micro_cpu_ns();
        for (u32 b = 0; b < part; b++)
            copurchase_change(
                &bench->shard->recommend.bought,
                &(const struct copurchase_basket){.products = products + (size_t)b * bench->size,
                                                  .count = bench->size,
                                                  .own_count = bench->size,
                                                  .order = {.high = 7, .low = (u64)r << 32 | b},
                                                  .bought_at_ns = bench->now_ns},
                bench->now_ns);
        const u64 pairs = (u64)part * bench->size * (bench->size - 1);
        rounds[r] = (double)(micro_cpu_ns() - begin_ns) / (double)pairs;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], compare);
    report(bench, "pair", rounds[ROUNDS / 2], "ns");
    free(products);
}

/* A whole gather, as a reactor does it on one shard, but for the mailboxes: bytes of the reply. */
static u32 ask(struct bench *bench, u16 opcode, const void *fixed, const struct span *spans)
{
    static const struct span none[MESSAGE_SPANS_MAX];
    const struct message_info *info = message_find(opcode);
    struct gather *gather = &bench->gather;
    u32 used = frame_record_write(info, FRAME_DIRECTION_REQUEST, bench->answers, ANSWERS_BYTES,
                                  fixed, spans != NULL ? spans : none);
    gather_begin(gather, info, bench->answers, used, 1, bench->now_ns);
    for (u32 count; (count = gather_next(gather)) != 0;)
        for (u32 i = 0; i < count && count != GATHER_GOES_ON; i++) {
            const struct gather_ask *own = &gather->asks[i];
            const struct frame_header header = {.opcode = own->info->code, .record_count = 1};
            struct part *part =
                shard_part_begin(bench->shard, &header, own->body, own->body_bytes, bench->now_ns);
            while (!shard_part_step(bench->shard, part, false)) {}
            u8 *to = bench->answers + ROUND_UP(used, 64u);
            used = (u32)(to - bench->answers) + shard_part_reply_bytes(part);
            while (!shard_part_reply(part, to)) {}
            shard_part_end(bench->shard, part);
            MUST(used + FRAME_BYTES_MAX < ANSWERS_BYTES);
            (void)gather_answer(gather, i, to, 0);
        }
    used = gather_reply(gather, bench->answers + ROUND_UP(used, 64u), FRAME_BYTES_MAX);
    gather_end(gather);
    return used;
}

static void ask_related(struct bench *bench, u32 product, u16 kind)
{
    const struct msg_related_req related = {
        .product_id = bench->ids[product], .limit = 10, .kind = kind};
    MUST(ask(bench, OPCODE_RELATED, &related, NULL) > 64);
}

static void ask_bought(struct bench *bench, u32 product)
{
    ask_related(bench, product, RELATED_BOUGHT);
}

static void ask_viewed(struct bench *bench, u32 product)
{
    ask_related(bench, product, RELATED_VIEWED);
}

static void ask_similar(struct bench *bench, u32 product)
{
    ask_related(bench, product, RELATED_SIMILAR);
}

static void ask_similar_anew(struct bench *bench, u32 product)
{
    cache_drop(&bench->shard->recommend.alike, bench->ids[product]);
    ask_related(bench, product, RELATED_SIMILAR);
}

static void ask_trending(struct bench *bench, u32 product)
{
    char category[24];
    (void)snprintf(category, sizeof category, "c%u", product / GROUP);
    const struct msg_trending_req trending = {
        .category_id = id_from_code(category, strlen(category)), .limit = 10};
    MUST(ask(bench, OPCODE_TRENDING, &trending, NULL) > 64);
}

static void ask_cart(struct bench *bench, u32 product)
{
    u64 cart[CART] = {bench->ids[product]};
    for (u32 i = 1; i < ARRAY_COUNT(cart); i++)
        cart[i] = bench->ids[draw_with(bench, product)];
    const struct msg_recommend_req recommend = {.limit = 10};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)cart, sizeof cart}};
    MUST(ask(bench, OPCODE_RECOMMEND, &recommend, spans) > 64);
}

static void ask_user(struct bench *bench, u32 product)
{
    const struct msg_recommend_req recommend = {.user_id = 1 + product % USERS, .limit = 10};
    MUST(ask(bench, OPCODE_RECOMMEND, &recommend, NULL) > 64);
}

static void add_up(struct bench *bench, u32 product)
{
    struct copurchase_partner best[COPURCHASE_BEST_MAX];
    struct copurchase *bought = &bench->shard->recommend.bought;
    const u64 product_id = bench->ids[product];
    (void)copurchase_best(bought, copurchase_find(bought, route_hash_u64(product_id), product_id),
                          bench->now_ns, COPURCHASE_BEST_MAX, best);
}

/* Users look at one thing and at others like it. */
static void track_events(struct bench *bench)
{
    for (u32 i = 0; i < bench->events; i++) {
        const u32 user = (u32)(next_random(bench) % USERS);
        const struct msg_track_req track = {.user_id = 1 + user,
                                            .product_id =
                                                bench->ids[draw_with(bench, user * GROUP / 4)],
                                            .kind = TRACK_VIEW};
        (void)ask(bench, OPCODE_TRACK, &track, NULL);
    }
}

/* What is asked for is drawn before the clock runs. */
static void measure(struct bench *bench, const struct measured *one)
{
    double rounds[ROUNDS];
    u32 products[READS_MAX];
    MUST(one->reads <= READS_MAX);
    if (bench->kind != NULL && strcmp(bench->kind, one->name) != 0)
        return;
    for (u32 r = 0; r <= ROUNDS; r++) { /* the first one only warms up */
        for (u32 i = 0; i < one->reads; i++)
            products[i] = draw(bench);
        const u64 begin_ns = micro_cpu_ns();
        for (u32 i = 0; i < one->reads; i++)
            one->what(bench, products[i]);
        rounds[r == 0 ? 0 : r - 1] = (double)(micro_cpu_ns() - begin_ns) / one->reads / 1000;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], compare);
    report_read(bench, one, rounds);
    bench->is_slow = bench->is_slow || is_slow(one, rounds[0]);
}

static void read_options(struct bench *bench, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--json") == 0) {
            bench->is_json = true;
            continue;
        }
        const char *word = i + 1 < count ? words[i + 1] : "";
        const u32 value = (u32)strtoul(word, NULL, 10);
        if (strcmp(words[i], "--products") == 0)
            bench->products = value;
        else if (strcmp(words[i], "--baskets") == 0)
            bench->baskets = value;
        else if (strcmp(words[i], "--size") == 0)
            bench->size = value;
        else if (strcmp(words[i], "--events") == 0)
            bench->events = value;
        else if (strcmp(words[i], "--kind") == 0)
            bench->kind = word;
        else
            PANIC("options are --json, --products, --baskets, --size, --events, --kind");
        i++;
    }
    MUST(bench->products >= 1000 && bench->baskets >= 1000 && bench->size >= 2 &&
         bench->size <= BASKET_MAX);
}

int main(int count, char **words)
{
    static const struct measured measured[] = {
        {"bought", ask_bought, READS_MAX, 1},         {"viewed", ask_viewed, READS_MAX, 1},
        {"similar", ask_similar, READS_MAX, 1},       {"similar_1st", ask_similar_anew, 500, 0},
        {"trending", ask_trending, READS_MAX, 1},     {"cart", ask_cart, READS_MAX / 4, CART},
        {"user", ask_user, 500, RECOMMEND_VIEWS_MAX}, {"candidates", add_up, READS_MAX, 0},
    };
    struct bench bench = {.random = 88172645463325252ull,
                          .products = 20000,
                          .baskets = 200000,
                          .size = 5,
                          .events = 60000,
                          .is_first = true};
    read_options(&bench, count, words);
    open_bench(&bench);
    count_baskets(&bench);
    track_events(&bench);
    for (u32 i = 0; i < ARRAY_COUNT(measured); i++)
        measure(&bench, &measured[i]);
    report(&bench, "bytes",
           (double)copurchase_bytes(&bench.shard->recommend.bought) / bench.products,
           "per_product");
    if (bench.is_json)
        printf("]\n");
    gather_deinit(&bench.gather);
    free(bench.answers);
    feeder_close(bench.feeder);
    free(bench.ids);
    free(bench.odds);
    return bench.is_slow ? 1 : 0;
}
