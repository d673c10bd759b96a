/* micro_recommend: what recommendations cost, alone on one core, without log and network.
 *
 *   micro_recommend [--json] [--products N] [--baskets N] [--size N]
 *
 * --products products (20,000) with titles and stock; --baskets baskets (200,000) of --size products (5),
 * drawn by Zipf, half of them from one group of 50 products, are counted; then, each the median of
 * ROUNDS rounds:
 *
 *   pair         counting: per slot that a basket changes
 *   related10    the operation related for 10 items, for products drawn as in baskets: all rounds of the
 *                gather, all parts, on one shard
 *   cart20       the operation recommend for a cart of 5 and 20 items
 *   candidates   the first part of related alone: adding up a product's table
 *   bytes        of tables and names, per product
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/route.h"
#include "shards/gather/gather.h"
#include "shards/recommend/copurchase.h"
#include "shards/shard_state.h"
#include "tests/support/feeder.h"

#define ROUNDS     7u
#define READS      2000u
#define GROUP      50u
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
    bool is_json;
    bool is_first;
};

static u64 clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

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

static void fill_basket(struct bench *bench, u64 *products)
{
    const u32 first = draw(bench);
    for (u32 i = 0; i < bench->size;) {
        u32 product = i == 0 ? first : draw(bench);
        if (i != 0 && next_random(bench) % 2 == 0)
            product = (u32)((first / GROUP * GROUP + next_random(bench) % GROUP) % bench->products);
        products[i] = bench->ids[product];
        bool is_new = true;
        for (u32 j = 0; j < i; j++)
            is_new = is_new && products[j] != products[i];
        i += is_new ? 1 : 0;
    }
}

static void put_product(struct bench *bench, u32 number)
{
    char code[24], title[64];
    (void)snprintf(code, sizeof code, "P%u", number);
    (void)snprintf(title, sizeof title, "WHITE HANGING HEART T-LIGHT HOLDER %u", number);
    const u64 id = id_from_code(code, strlen(code));
    const struct resource sku = {.id = id};
    const struct span code_span = {(const u8 *)code, (u32)strlen(code)};
    const struct msg_product_put_req put = {.product_id = id, .price = 295, .currency = GBP};
    const struct span texts[MESSAGE_SPANS_MAX] = {code_span,
                                                  {(const u8 *)title, (u32)strlen(title)}};
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
        const u64 begin_ns = clock_ns();
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
        rounds[r] = (double)(clock_ns() - begin_ns) / (double)pairs;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], compare);
    report(bench, "pair", rounds[ROUNDS / 2], "ns");
    free(products);
}

/* A whole gather, as a reactor does it on one shard, but for the mailboxes. */
static void ask(struct bench *bench, u16 opcode, const void *fixed, const struct span *spans)
{
    static const struct span none[MESSAGE_SPANS_MAX];
    const struct message_info *info = message_find(opcode);
    struct gather *gather = &bench->gather;
    u32 used = frame_record_write(info, FRAME_DIRECTION_REQUEST, bench->answers, ANSWERS_BYTES,
                                  fixed, spans != NULL ? spans : none);
    gather_begin(gather, info, bench->answers, used, 1, bench->now_ns);
    for (u32 count; (count = gather_next(gather)) != 0;)
        for (u32 i = 0; i < count; i++) {
            const struct gather_ask *own = &gather->asks[i];
            const struct frame_header header = {.opcode = own->info->code, .record_count = 1};
            struct shard_reply reply;
            struct part *part =
                shard_part_begin(bench->shard, &header, own->body, own->body_bytes, bench->now_ns);
            while (!shard_part_step(bench->shard, part, false)) {}
            u8 *to = bench->answers + ROUND_UP(used, 64u);
            shard_part_reply(part, to, FRAME_BYTES_MAX, &reply);
            shard_part_end(bench->shard, part);
            used = (u32)(to - bench->answers) + reply.body_bytes;
            MUST(used + FRAME_BYTES_MAX < ANSWERS_BYTES);
            (void)gather_answer(gather, i, to, 0);
        }
    MUST(gather_reply(gather, bench->answers + ROUND_UP(used, 64u), FRAME_BYTES_MAX) > 64);
    gather_end(gather);
}

static void ask_related(struct bench *bench, u64 product_id)
{
    const struct msg_related_req related = {
        .product_id = product_id, .limit = 10, .kind = RELATED_BOUGHT};
    ask(bench, OPCODE_RELATED, &related, NULL);
}

static void ask_cart(struct bench *bench, u64 product_id)
{
    u64 cart[5] = {product_id};
    for (u32 i = 1; i < ARRAY_COUNT(cart); i++)
        cart[i] = bench->ids[draw(bench)];
    const struct msg_recommend_req recommend = {.limit = 20};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)cart, sizeof cart}};
    ask(bench, OPCODE_RECOMMEND, &recommend, spans);
}

static void add_up(struct bench *bench, u64 product_id)
{
    struct copurchase_partner best[COPURCHASE_BEST_MAX];
    (void)copurchase_best(&bench->shard->recommend.bought, product_id, bench->now_ns, best);
}

static void measure(struct bench *bench, const char *name,
                    void (*what)(struct bench *bench, u64 product_id))
{
    double rounds[ROUNDS];
    for (u32 r = 0; r < ROUNDS; r++) {
        const u64 begin_ns = clock_ns();
        for (u32 i = 0; i < READS; i++)
            what(bench, bench->ids[draw(bench)]);
        rounds[r] = (double)(clock_ns() - begin_ns) / READS / 1000;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], compare);
    report(bench, name, rounds[ROUNDS / 2], "us");
}

static void read_options(struct bench *bench, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--json") == 0) {
            bench->is_json = true;
            continue;
        }
        const u32 value = i + 1 < count ? (u32)strtoul(words[i + 1], NULL, 10) : 0;
        if (strcmp(words[i], "--products") == 0)
            bench->products = value;
        else if (strcmp(words[i], "--baskets") == 0)
            bench->baskets = value;
        else if (strcmp(words[i], "--size") == 0)
            bench->size = value;
        else
            PANIC("options are --json, --products, --baskets, --size");
        i++;
    }
    MUST(bench->products >= 1000 && bench->baskets >= 1000 && bench->size >= 2 &&
         bench->size <= BASKET_MAX);
}

int main(int count, char **words)
{
    struct bench bench = {.random = 88172645463325252ull,
                          .products = 20000,
                          .baskets = 200000,
                          .size = 5,
                          .is_first = true};
    read_options(&bench, count, words);
    open_bench(&bench);
    count_baskets(&bench);
    measure(&bench, "related10", ask_related);
    measure(&bench, "cart20", ask_cart);
    measure(&bench, "candidates", add_up);
    const struct copurchase *bought = &bench.shard->recommend.bought;
    const u64 bytes = bought->slot_bytes +
                      pool_count(&bought->tables) * sizeof(struct copurchase_table) +
                      map_count(&bought->map) * (sizeof(struct copurchase_name) + 16);
    report(&bench, "bytes", (double)bytes / bench.products, "per_product");
    if (bench.is_json)
        printf("]\n");
    gather_deinit(&bench.gather);
    free(bench.answers);
    feeder_close(bench.feeder);
    free(bench.ids);
    free(bench.odds);
    return 0;
}
