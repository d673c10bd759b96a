/* search_load: searches without pause for some seconds, so that something else can be measured meanwhile.
 *
 *   search_load ADDRESS SECONDS [INFLIGHT]      ($SOUK_DATA: where the words of the queries come from)
 *
 * Queries are those of micro_search's classes over a grown catalog; a third have a facet and a filter.
 * `search_load ADDRESS fill N` puts the first N products of that catalog instead.
 * Prints searches per second and the median and 99th percentile of a burst's time per search.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/find/grow.h"
#include "client/lib/souk.h"

#define INFLIGHT_MAX 64u
#define FILL_BATCH   256u
#define GROWN        100000u /* products that the words of queries are taken from */

static u64 now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static int fill(struct souk_client *client, const struct grow *grow, u32 count)
{
    static struct grown products[FILL_BATCH];
    static struct souk_product_put puts[FILL_BATCH];
    static struct souk_product_put_reply replies[FILL_BATCH];
    for (u32 i = 0; i < count;) {
        u32 n = 0;
        for (; n < FILL_BATCH && i < count; n++, i++) {
            grow_product(grow, i, &products[n]);
            puts[n] = (struct souk_product_put){.product_id = products[n].product_id,
                                                .price = products[n].price,
                                                .currency = 826,
                                                .popularity = products[n].popularity,
                                                .code = souk_text_of(products[n].code),
                                                .title = souk_text_of(products[n].title),
                                                .brand = souk_text_of(products[n].brand),
                                                .category = souk_text_of(products[n].category),
                                                .attributes = souk_text_of(products[n].attributes)};
        }
        if (souk_product_put_batch(client, puts, n, replies, 0) != 0)
            return 1;
        for (u32 k = 0; k < n; k++)
            if (replies[k].status != SOUK_OK)
                return 1;
    }
    return 0;
}

static void ask(const struct grow *grow, u32 n, struct souk_search *search, char *text,
                size_t bytes)
{
    grow_query(grow, (enum grow_query)(n % GROW_QUERY_COUNT), n / GROW_QUERY_COUNT, GROWN, text,
               bytes);
    *search = (struct souk_search){.limit = 10, .query = souk_text_of(text)};
    if (n % 3 == 0) {
        search->facets = souk_text_of("brand,category,color");
        search->filter = souk_text_of("price:100..50000");
    }
}

static int by_size(const void *a, const void *b)
{
    const u64 left = *(const u64 *)a, right = *(const u64 *)b;
    return left < right ? -1 : left > right;
}

static int run(struct souk_client *client, const struct grow *grow, u32 seconds, u32 inflight)
{
    static struct souk_search searches[INFLIGHT_MAX];
    static struct souk_search_reply replies[INFLIGHT_MAX];
    static char texts[INFLIGHT_MAX][256];
    u64 done = 0, hits = 0, refused = 0, times_count = 0;
    u64 *times = calloc(1u << 20, sizeof *times);
    MUST(times != NULL);
    const u64 begin_ns = now_ns();
    for (u32 n = 0; now_ns() - begin_ns < seconds * NS_PER_S; n += inflight) {
        for (u32 i = 0; i < inflight; i++)
            ask(grow, n + i, &searches[i], texts[i], sizeof texts[i]);
        const u64 at_ns = now_ns();
        if (souk_search_batch(client, searches, inflight, replies, 0) != 0)
            return 1;
        if (times_count < 1u << 20)
            times[times_count++] = (now_ns() - at_ns) / inflight;
        for (u32 i = 0; i < inflight; i++) {
            refused += replies[i].status != SOUK_OK;
            hits += replies[i].hits.bytes / (u32)sizeof(struct souk_row_hit);
            souk_free(replies[i].memory);
        }
        done += inflight;
    }
    qsort(times, times_count, sizeof *times, by_size);
    (void)printf("searches %.0f/s, per search p50 %.0f us, p99 %.0f us, %.1f hits, %llu refused\n",
                 (double)done * 1e9 / (double)(now_ns() - begin_ns),
                 (double)times[times_count / 2] / 1000,
                 (double)times[times_count * 99 / 100] / 1000, (double)hits / (double)done,
                 (unsigned long long)refused);
    free(times);
    return 0;
}

int main(int argc, char **argv)
{
    char text[SOUK_ERROR_TEXT_MAX];
    struct souk_client *client;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: search_load ADDRESS SECONDS [INFLIGHT] | ADDRESS fill N\n");
        return 2;
    }
    const bool is_fill = strcmp(argv[2], "fill") == 0;
    const u32 number = argc > 3 ? (u32)strtoul(argv[3], NULL, 10) : is_fill ? 100000 : 8;
    const struct souk_options options = {.address = argv[1]};
    struct grow *grow = grow_open(getenv("SOUK_DATA"), 1);
    int failed = souk_open(&options, &client);
    if (failed == 0)
        failed = is_fill ? fill(client, grow, number)
                         : run(client, grow, (u32)strtoul(argv[2], NULL, 10),
                               MAX(1u, MIN(number, INFLIGHT_MAX)));
    if (failed != 0)
        (void)fprintf(stderr, "search_load: %s\n", souk_error_text(client, text, sizeof text));
    souk_close(client);
    grow_close(grow);
    return failed == 0 ? 0 : 1;
}
