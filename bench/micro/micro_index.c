/* micro_index: what the inverted index costs, alone on one core.
 *
 * Documents of 20 words, drawn by Zipf's law from a vocabulary that grows with their number, one in ten
 * a rare word. For 10 thousand, 100 thousand and a million of them: microseconds for each index_add and
 * for each update (add and kill), of random products; nanoseconds for each posting that windows
 * decode, by how frequent the word is; for a seek; for a phrase in the forward words of a document;
 * bytes for each posting and each token. At the end packing alone, width by width. Single calls are given
 * as median and high percentiles of the wall clock, loops by processor time: other programs of the machine
 * show in the last percentiles only. micro_index [COUNT] measures one size. Run it pinned:
 * `taskset -c 1 micro_index`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shards/search/index.h"

#define WORDS      20u
#define FREQUENT   8u /* terms that the window decode is measured with */
#define SEEK_COUNT 1000000u

static u64 now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* Of this thread; takes longer to read. */
static u64 busy_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static int compare_u32(const void *a, const void *b)
{
    const u32 x = *(const u32 *)a;
    const u32 y = *(const u32 *)b;
    return x < y ? -1 : x > y;
}

static void print_calls(const char *name, u32 *ns, u32 count)
{
    qsort(ns, count, sizeof *ns, compare_u32);
    printf("  %-14s %8.2f us at the median, p99 %.2f, p99.9 %.2f\n", name, ns[count / 2] / 1e3,
           ns[count / 100 * 99] / 1e3, ns[count / 1000 * 999] / 1e3);
}

struct shop {
    struct store_memory memory;
    struct arena arena;
    struct index index;
    u32 *docs;
    u32 count;
    u32 term_count;
    u64 random;
    u32 *add_ns; /* of each call */
    u32 *kill_ns;
};

static u32 draw(struct shop *shop, u32 end)
{
    shop->random = shop->random * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)((shop->random >> 32) * end >> 32);
}

/* About as often as 1 / rank: a range drawn evenly by its logarithm, then a rank within. */
static u32 draw_term(struct shop *shop)
{
    u32 bits = 1;
    while ((1u << bits) < shop->term_count)
        bits++;
    const u32 low = 1u << draw(shop, bits);
    const u32 term = low + draw(shop, low);
    return MIN(term, shop->term_count);
}

static void draw_tokens(struct shop *shop, struct index_token *tokens)
{
    for (u32 i = 0; i < WORDS; i++)
        tokens[i] = (struct index_token){.term = draw_term(shop),
                                         .position = i < 8 ? i : i - 8,
                                         .field = i < 8 ? INDEX_TITLE : INDEX_DESCRIPTION};
}

static u32 add_timed(struct shop *shop, u32 product, const struct index_token *tokens, u32 *ns)
{
    const u64 begin_ns = now_ns();
    const u32 doc = index_add(&shop->index, product, tokens, WORDS, &score_policy_builtin);
    *ns = (u32)(now_ns() - begin_ns);
    return doc;
}

static void measure_adds(struct shop *shop)
{
    struct index_token tokens[WORDS];
    const u64 begin_ns = busy_ns();
    for (u32 product = 0; product < shop->count; product++)
        draw_tokens(shop, tokens);
    const u64 drawn_ns = busy_ns();
    for (u32 product = 0; product < shop->count; product++) {
        draw_tokens(shop, tokens);
        shop->docs[product] = add_timed(shop, product, tokens, &shop->add_ns[product]);
    }
    const u64 added_ns = busy_ns() - drawn_ns - (drawn_ns - begin_ns);
    printf("  add            %8.2f us of processor time\n", (double)added_ns / shop->count / 1000);
    print_calls("add", shop->add_ns, shop->count);
}

static void measure_updates(struct shop *shop)
{
    struct index_token tokens[WORDS];
    const u64 purges = shop->index.postings.purge_count;
    for (u32 i = 0; i < shop->count; i++) {
        const u32 product = draw(shop, shop->count);
        draw_tokens(shop, tokens);
        const u32 old = shop->docs[product];
        shop->docs[product] = add_timed(shop, product, tokens, &shop->add_ns[i]);
        const u64 begin_ns = now_ns();
        index_kill(&shop->index, old);
        shop->kill_ns[i] = (u32)(now_ns() - begin_ns);
    }
    print_calls("update: add", shop->add_ns, shop->count);
    print_calls("update: kill", shop->kill_ns, shop->count);
    printf("  purges         %8.2f for each update\n",
           (double)(shop->index.postings.purge_count - purges) / shop->count);
}

/* All windows of some terms, windows outermost as a question reads them; returns ns. */
static u64 read_windows(const struct shop *shop, u32 first_term, u32 term_count, u64 *postings)
{
    static struct postings_cursor cursors[FREQUENT];
    static u16 docs[INDEX_WINDOW_DOCS];
    static u8 impacts[INDEX_WINDOW_DOCS];
    const u64 begin_ns = busy_ns();
    for (u32 i = 0; i < term_count; i++)
        postings_open(&cursors[i], &shop->index, first_term + i);
    for (u32 window = 0; window * INDEX_WINDOW_DOCS < index_end(&shop->index); window++)
        for (u32 i = 0; i < term_count; i++)
            *postings += postings_window(&cursors[i], window, docs, impacts);
    return busy_ns() - begin_ns;
}

static void measure_windows(const struct shop *shop)
{
    for (u32 first_term = 1; first_term < shop->term_count; first_term *= 16) {
        u64 postings = 0;
        u64 took_ns = 0;
        for (u32 round = 0; round < 50 && took_ns < 200 * NS_PER_MS; round++)
            took_ns += read_windows(shop, first_term, FREQUENT, &postings);
        if (postings != 0)
            printf("  window         %8.2f ns a posting, terms %u to %u, df %u\n",
                   (double)took_ns / (double)postings, first_term, first_term + FREQUENT - 1,
                   index_df(&shop->index, first_term));
    }
}

static void measure_seeks(struct shop *shop)
{
    static struct postings_cursor cursor;
    for (u32 term = 2; term < shop->term_count; term *= 32) {
        const u32 mean = index_end(&shop->index) / (1 + index_df(&shop->index, term)) * 64;
        u64 sum = 0;
        const u64 begin_ns = busy_ns();
        postings_open(&cursor, &shop->index, term);
        for (u32 i = 0; i < SEEK_COUNT; i++) {
            if (cursor.doc == POSTINGS_DOC_END)
                postings_open(&cursor, &shop->index, term);
            else
                sum += postings_seek(&cursor, cursor.doc + 1 + draw(shop, 2 * mean));
        }
        printf("  seek           %8.1f ns, by about 64 postings, term %u, df %u (%llu)\n",
               (double)(busy_ns() - begin_ns) / SEEK_COUNT, term, index_df(&shop->index, term),
               (unsigned long long)sum % 10);
    }
}

static void measure_phrases(struct shop *shop)
{
    const u32 terms[2] = {3, 2};
    u32 found = 0;
    const u64 begin_ns = busy_ns();
    for (u32 i = 0; i < SEEK_COUNT; i++)
        found += index_phrase(&shop->index, shop->docs[i % shop->count], terms, 2);
    printf("  phrase         %8.1f ns a document in a row, %.3f of them have it\n",
           (double)(busy_ns() - begin_ns) / SEEK_COUNT, (double)found / SEEK_COUNT);
}

static void print_sizes(const struct shop *shop)
{
    const struct index_sizes sizes = index_sizes(&shop->index);
    printf("  postings       %8.2f bytes each (%.2f with the records of %u terms)\n",
           (double)sizes.postings_bytes / (double)sizes.postings,
           (double)(sizes.postings_bytes + sizes.term_bytes) / (double)sizes.postings,
           (u32)(sizes.term_bytes / sizeof(struct postings_list)));
    printf("  forward        %8.2f bytes a token\n",
           (double)sizes.forward_bytes / ((double)sizes.live_documents * WORDS));
    printf("  all            %8.1f bytes a document\n",
           (double)shop->memory.used_bytes / (double)sizes.live_documents);
}

static void measure_shop(u32 count)
{
    static struct shop shop;
    shop = (struct shop){.count = count, .term_count = 2000 + count / 4, .random = 7};
    store_memory_init(&shop.memory);
    arena_init(&shop.arena, &shop.memory);
    index_init(&shop.index, &shop.memory, &shop.arena);
    shop.docs = calloc(count, sizeof *shop.docs);
    shop.add_ns = calloc(count, sizeof *shop.add_ns);
    shop.kill_ns = calloc(count, sizeof *shop.kill_ns);
    MUST(shop.docs != NULL && shop.add_ns != NULL && shop.kill_ns != NULL);
    printf("%u documents of %u words\n", count, WORDS);
    measure_adds(&shop);
    print_sizes(&shop);
    measure_windows(&shop);
    measure_seeks(&shop);
    measure_phrases(&shop);
    measure_updates(&shop);
    print_sizes(&shop);
    free(shop.docs);
    free(shop.add_ns);
    free(shop.kill_ns);
    index_deinit(&shop.index);
    arena_deinit(&shop.arena);
}

static void measure_packing(void)
{
    enum { ROUNDS = 200000 };
    u32 docs[POSTINGS_BLOCK], back[POSTINGS_BLOCK];
    u8 packed[POSTINGS_WIDTH_MAX * POSTINGS_WIDTH_BYTES];
    u64 sum = 0;
    printf("packing, ns a number\n");
    for (u32 width = 0; width <= 20; width += 4) {
        for (u32 i = 0, doc = 0; i < POSTINGS_BLOCK; i++)
            docs[i] = doc += i % 9 == 0 ? 1u << (width == 0 ? 0 : width - 1) : 1;
        const u32 real = postings_pack_width(docs, 0);
        const u64 begin_ns = busy_ns();
        for (u32 i = 0; i < ROUNDS; i++) {
            docs[0] += i == ROUNDS; /* never; the compiler does not know */
            sum += postings_pack_width(docs, 0);
            postings_pack(packed, docs, 0, real);
        }
        const u64 packed_ns = busy_ns();
        for (u32 i = 0; i < ROUNDS; i++) {
            postings_unpack(back, packed, i, real);
            sum += back[127];
        }
        const u64 end_ns = busy_ns();
        printf("  width %2u       %8.2f pack, %.2f unpack (%llu)\n", real,
               (double)(packed_ns - begin_ns) / ROUNDS / POSTINGS_BLOCK,
               (double)(end_ns - packed_ns) / ROUNDS / POSTINGS_BLOCK,
               (unsigned long long)sum % 10);
    }
}

int main(int argc, char **argv)
{
    const u32 counts[] = {10000, 100000, 1000000};
    if (argc > 1) {
        measure_shop((u32)strtoul(argv[1], NULL, 10));
        return 0;
    }
    for (u32 i = 0; i < ARRAY_COUNT(counts); i++)
        measure_shop(counts[i]);
    measure_packing();
    return 0;
}
