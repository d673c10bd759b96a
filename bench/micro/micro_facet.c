/* micro_facet: what filters and facets cost on a shard of a million products.
 *
 * Products of a random shop: brand and color of all, a size of one in eight, a rare attribute of one in a
 * hundred, several materials of some. Filters: nanoseconds per document and term, with all documents and
 * with 1 % of them as candidates. Facets: nanoseconds per match and field, when all documents match, one in
 * ten and one in a hundred. Processor time,
 * medians of several rounds. Run it pinned: `taskset -c 1 micro_facet`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/checksum.h"
#include "shards/search/filter_run.h"

#define ROUNDS 7u

struct shop {
    struct store_memory memory;
    struct arena arena;
    struct columns columns;
    struct bump bump;
    u32 doc_end;
};

static u64 now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static u32 draw(u64 *state, u32 end)
{
    ++*state;
    return (u32)((checksum64(state, sizeof *state) >> 32) * end >> 32);
}

/* Small numbers are more frequent, as in real shops. */
static u32 draw_skewed(u64 *state, u32 end)
{
    const u32 a = draw(state, end);
    return (u32)((u64)a * draw(state, end) / end);
}

static struct span text_of(char *text, int bytes)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)bytes};
}

#define LINES_BYTES 256u

static int write_lines(u64 *seed, char *to)
{
    int bytes = snprintf(to, LINES_BYTES, "color=%u\n", draw_skewed(seed, 24));
    if (draw(seed, 8) == 0)
        bytes += snprintf(to + bytes, LINES_BYTES - (u32)bytes, "size=%u.5\n", draw(seed, 40));
    if (draw(seed, 100) == 0)
        bytes += snprintf(to + bytes, LINES_BYTES - (u32)bytes, "rare=%u\n", draw(seed, 50));
    for (u32 i = draw(seed, 3); i > 0; i--)
        bytes += snprintf(to + bytes, LINES_BYTES - (u32)bytes, "material=%u\n", draw(seed, 30));
    return bytes;
}

static void add_product(struct shop *shop, u64 *seed)
{
    char brand[32], category[32], lines[LINES_BYTES];
    const u32 doc = shop->doc_end++;
    const struct column_facts facts = {.product_id = doc,
                                       .price = 99 + draw_skewed(seed, 200000),
                                       .currency = 978,
                                       .popularity = draw_skewed(seed, 100000),
                                       .rating_count = draw(seed, 3),
                                       .rating_sum = draw(seed, 10),
                                       .state = (u16)draw(seed, 3)};
    const u32 top = draw(seed, 12);
    const struct column_texts texts = {
        .brand = text_of(brand, snprintf(brand, sizeof brand, "brand%u", draw_skewed(seed, 2000))),
        .category = text_of(category, snprintf(category, sizeof category, "c%u/c%u/c%u", top,
                                               draw(seed, 8), draw(seed, 6))),
        .attributes = text_of(lines, write_lines(seed, lines))};
    columns_put(&shop->columns, doc, &facts);
    columns_set_texts(&shop->columns, doc, &texts);
}

static void open_shop(struct shop *shop, u32 count)
{
    u64 seed = 42;
    memset(shop, 0, sizeof *shop);
    store_memory_init(&shop->memory);
    arena_init(&shop->arena, &shop->memory);
    columns_init(&shop->columns, &shop->memory, &shop->arena);
    bump_init(&shop->bump, &shop->memory);
    shop->doc_end = 1;
    const u64 begin_ns = now_ns();
    for (u32 i = 0; i < count; i++)
        add_product(shop, &seed);
    printf("%u products: %.0f ns and %.0f bytes each, drawing included\n", count,
           (double)(now_ns() - begin_ns) / count, (double)shop->memory.used_bytes / count);
}

static void close_shop(struct shop *shop)
{
    columns_deinit(&shop->columns);
    bump_deinit(&shop->bump);
    arena_deinit(&shop->arena);
}

/* Sets in which one document of `of` is, or runs of 64 if `of` is 0. */
static struct window_bits *make_sets(const struct shop *shop, u32 of, u64 *total)
{
    const u32 windows = shop->doc_end / WINDOW_DOCS;
    struct window_bits *sets = calloc(windows, sizeof *sets);
    u64 seed = 7;
    *total = 0;
    for (u32 at = 0; sets != NULL && at < windows * WINDOW_DOCS; at++) {
        if (at != 0 && draw(&seed, of) == 0) {
            window_set(&sets[at / WINDOW_DOCS], at % WINDOW_DOCS);
            ++*total;
        }
    }
    return sets;
}

static int compare(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : 1;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static struct filter *parse_filter(struct shop *shop, const char *text)
{
    struct filter_problem problem;
    struct filter_known known[FILTER_TERMS_MAX];
    struct filter *filter =
        filter_parse((struct span){(const u8 *)text, (u32)strlen(text)}, &shop->bump, &problem);
    if (filter == NULL)
        exit(1);
    for (u32 i = 0; i < filter->name_count; i++) {
        const bool is_number = filter_name(filter, i).data[0] == 's';
        known[i] = (struct filter_known){1, is_number ? ATTRIBUTE_TYPE_NUMBER : 0};
    }
    if (!filter_judge(filter, known, &problem))
        exit(1);
    return filter;
}

static void measure_filter(struct shop *shop, const char *text)
{
    printf("filter %-44s", text);
    static const u32 ofs[] = {1, 10, 100};
    for (u32 i = 0; i < ARRAY_COUNT(ofs); i++) {
        double times[ROUNDS];
        u64 total, matched = 0;
        struct window_bits *sets = make_sets(shop, ofs[i], &total);
        struct filter_run *run =
            filter_compile(parse_filter(shop, text), NULL, &shop->columns, 1, &shop->bump);
        for (u32 round = 0; round < ROUNDS && sets != NULL && run != NULL; round++) {
            struct window_bits matches;
            const u64 begin_ns = now_ns();
            for (u32 window = 0; window < shop->doc_end / WINDOW_DOCS; window++) {
                filter_window(run, window, &sets[window], &matches, NULL);
                matched += matches.words[5];
            }
            times[round] = (double)(now_ns() - begin_ns) / (double)total;
        }
        printf("  1/%u: %6.2f%s", ofs[i], median(times), matched == 1 ? "!" : "");
        free(sets);
        bump_reset(&shop->bump);
    }
    printf("  ns per candidate\n");
}

static struct facets *parse_facets(struct shop *shop, const char *text, u16 bars)
{
    struct filter_problem problem;
    struct filter_known known[FACETS_MAX];
    struct facets *facets = facet_parse((struct span){(const u8 *)text, (u32)strlen(text)}, bars,
                                        &shop->bump, &problem);
    if (facets == NULL)
        exit(1);
    for (u32 i = 0; i < facets->count; i++) {
        const bool is_number = strcmp(text, "size") == 0;
        known[i] = (struct filter_known){1, is_number ? ATTRIBUTE_TYPE_NUMBER : 0};
    }
    if (!facet_judge(facets, known, &problem))
        exit(1);
    return facets;
}

static void measure_facet(struct shop *shop, const char *text, u16 bars)
{
    printf("facet  %-36s bars %2u", text, bars);
    static const u32 ofs[] = {1, 10, 100};
    double finish = 0, begin = 0;
    for (u32 i = 0; i < ARRAY_COUNT(ofs); i++) {
        double times[ROUNDS];
        u64 total;
        struct window_bits *sets = make_sets(shop, ofs[i], &total);
        for (u32 round = 0; round < ROUNDS && sets != NULL; round++) {
            struct facets *facets = parse_facets(shop, text, bars);
            const u64 start_ns = now_ns();
            struct facet_run *run = facet_begin(facets, &shop->columns, 1, &shop->bump);
            const u64 begin_ns = now_ns();
            for (u32 window = 0; window < shop->doc_end / WINDOW_DOCS && run != NULL; window++) {
                struct window_bits of_facets[FACETS_MAX];
                for (u32 facet = 0; facet < facets->count; facet++)
                    of_facets[facet] = sets[window];
                if (!facet_window(run, window, of_facets))
                    exit(1);
            }
            const u64 end_ns = now_ns();
            times[round] = (double)(end_ns - begin_ns) / (double)total / facets->count;
            while (run != NULL && !facet_finish(run, 100000)) {}
            finish = (double)(now_ns() - end_ns) / 1000;
            begin = (double)(begin_ns - start_ns) / 1000;
            bump_reset(&shop->bump);
        }
        printf("  1/%u: %5.2f", ofs[i], median(times));
        free(sets);
    }
    printf("  ns per match and field; begin %.1f us, finish %.1f us\n", begin, finish);
}

int main(int argc, char **argv)
{
    static struct shop shop;
    open_shop(&shop, argc > 1 ? (u32)strtoul(argv[1], NULL, 10) : 1000000);
    measure_filter(&shop, "price:1000..5000");
    measure_filter(&shop, "rating:3..");
    measure_filter(&shop, "popularity:100..");
    measure_filter(&shop, "in_stock");
    measure_filter(&shop, "brand:brand7");
    measure_filter(&shop, "brand:brand1|brand2|brand3|brand4|brand5");
    measure_filter(&shop, "category:c3");
    measure_filter(&shop, "material:7|8");
    measure_filter(&shop, "size:10..20");
    measure_filter(&shop, "rare:7");
    measure_filter(&shop, "category:c3 price:1000..5000 in_stock");
    measure_filter(&shop, "brand:brand1 OR (color:3 NOT rating:3..)");
    measure_facet(&shop, "brand", 0);
    measure_facet(&shop, "category", 0);
    measure_facet(&shop, "color", 0);
    measure_facet(&shop, "material", 0);
    measure_facet(&shop, "rare", 0);
    measure_facet(&shop, "size", 10);
    measure_facet(&shop, "price", 0);
    measure_facet(&shop, "price", 10);
    measure_facet(&shop, "popularity", 10);
    measure_facet(&shop, "rating", 10);
    measure_facet(&shop, "in_stock", 0);
    measure_facet(&shop, "brand,category,price,color,rating", 10);
    close_shop(&shop);
    return 0;
}
