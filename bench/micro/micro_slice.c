/* micro_slice: how long the slices of the worst questions are, on one core, without log and network.
 *
 *   micro_slice [--products N] [--shards N] [--repeats N] [--only NAME]
 *
 * A reservation waits for one slice of a search at most, so no slice may be long. Each question is asked
 * `repeats` times of the same shop (200,000 products); of the same slice of each the shortest counts, so that the
 * noise of the machine falls out. $SOUK_DATA is the folder with the real catalogs that the words are taken from.
 *
 *   slices   of parts: shard_part_begin and the first step together, then each step, then the reply; reads count
 *            as one
 *   pieces   of the gather itself, between them: merging, the reply; `round` is the longest one
 *
 * Gate: neither a slice nor a piece longer than 50 us, of the renewal of an index 99 in 100; exit code 1 when one
 * is. Pages of reviews: micro_review.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/find/grow.h"
#include "bench/micro/micro_clock.h"
#include "proto/messages.h"
#include "proto/status.h"
#include "shards/gather/gather.h"
#include "shards/part.h"
#include "shards/shard.h"
#include "shards/shard_state.h"
#include "tests/support/feeder.h"

#define SLICES_MAX  (1u << 16)
#define PIECES_MAX  (1u << 14)
#define ANSWERS_MAX 256u
#define TEXT_BYTES  4096u
#define WARM_MOST   50u
#define RENEWAL_MAX (1u << 20)
#define GATE_NS     50000u

struct bench {
    struct feeder *feeder;
    u16 shard_count;
    struct shard *shard; /* the first */
    struct store_memory memory;
    struct bump_reserve reserve;
    struct gather gather;
    u8 *answers[ANSWERS_MAX];
    u8 *reply;
    u32 answer_count;
    u32 slice_count; /* of the question in hand */
    u64 slices[SLICES_MAX];
    u32 piece_count;
    u64 pieces[PIECES_MAX];
    u32 repeats;
    bool is_first;
    u32 missed;
    u64 total; /* of the last answer, if it has one */
    u16 status;
    const char *only;
};

static struct span text(const char *string)
{
    return (struct span){.data = (const u8 *)string, .bytes = (u32)strlen(string)};
}

/* ---- filling --------------------------------------------------------------------------------- */

static void fill(struct bench *bench, u32 products)
{
    struct grown product;
    struct grow *grow = grow_open(getenv("SOUK_DATA"), 1);
    bench->feeder = feeder_open(bench->shard_count, false);
    for (u32 i = 0; i < products; i++) {
        grow_product(grow, i, &product);
        const struct msg_product_put_req put = {.product_id = product.product_id,
                                                .price = product.price,
                                                .currency = 826,
                                                .popularity = product.popularity};
        const struct span spans[MESSAGE_SPANS_MAX] = {
            [SPAN_OF(product_put_req, code)] = text(product.code),
            [SPAN_OF(product_put_req, title)] = text(product.title),
            [SPAN_OF(product_put_req, brand)] = text(product.brand),
            [SPAN_OF(product_put_req, category)] = text(product.category),
            [SPAN_OF(product_put_req, attributes)] = text(product.attributes)};
        feeder_put(bench->feeder, OPCODE_PRODUCT_PUT, &put, spans);
    }
    feeder_flush(bench->feeder);
    MUST(feeder_refused(bench->feeder) == 0);
    grow_close(grow);
    bench->shard = feeder_shards(bench->feeder)[0];
    for (u32 i = 0; i < bench->shard_count; i++)
        shard_part_prepare(feeder_shards(bench->feeder)[i]);
    store_memory_init(&bench->memory);
    bump_reserve_init(&bench->reserve, &bench->memory);
    gather_init(&bench->gather, &bench->reserve);
    bench->reply = malloc(FRAME_BYTES_MAX);
    MUST(bench->reply != NULL);
    memset(bench->reply, 0, FRAME_BYTES_MAX);
    for (u32 i = 0; i < ANSWERS_MAX; i++) {
        bench->answers[i] = malloc(FRAME_BYTES_MAX);
        MUST(bench->answers[i] != NULL);
        memset(bench->answers[i], 0, i < 16u * bench->shard_count ? FRAME_BYTES_MAX : 1);
    }
}

static void empty(struct bench *bench)
{
    for (u32 i = 0; i < ANSWERS_MAX; i++)
        free(bench->answers[i]);
    free(bench->reply);
    gather_deinit(&bench->gather);
    bump_reserve_deinit(&bench->reserve);
    feeder_close(bench->feeder);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void note(struct bench *bench, u64 *times, u32 *count, u32 most, u64 ns)
{
    MUST(*count < most);
    times[*count] = bench->is_first ? ns : MIN(times[*count], ns);
    (*count)++;
}

static void note_slice(struct bench *bench, u64 begin_ns)
{
    note(bench, bench->slices, &bench->slice_count, SLICES_MAX, micro_wall_ns() - begin_ns);
}

static void answer_ask(struct bench *bench, u32 i)
{
    const struct gather_ask *ask = &bench->gather.asks[i];
    const struct frame_header header = {
        .opcode = ask->info->code, .shard = ask->shard, .record_count = 1};
    struct shard *shard = feeder_shards(bench->feeder)[ask->shard];
    struct shard_reply reply;
    MUST(bench->answer_count < ANSWERS_MAX);
    u8 *to = bench->answers[bench->answer_count++];
    u64 begin_ns = micro_wall_ns();
    if (ask->info->class == MESSAGE_CLASS_PART) {
        struct part *part =
            shard_part_begin(shard, &header, ask->body, ask->body_bytes, bench->gather.now_ns);
        while (!shard_part_step(shard, part, false)) {
            note_slice(bench, begin_ns);
            begin_ns = micro_wall_ns();
        }
        while (!shard_part_reply(part, to)) {
            note_slice(bench, begin_ns);
            begin_ns = micro_wall_ns();
        }
        shard_part_end(shard, part);
    } else {
        MUST(shard_read(shard, &header, ask->body, ask->body_bytes, bench->gather.now_ns, false, to,
                        FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply) == SHARD_READ_DONE);
    }
    note_slice(bench, begin_ns);
    (void)gather_answer(&bench->gather, i, to, shard_applied_lsn(shard));
}

static void note_piece(struct bench *bench, u64 begin_ns)
{
    note(bench, bench->pieces, &bench->piece_count, PIECES_MAX, micro_wall_ns() - begin_ns);
}

static void ask_once(struct bench *bench, const struct message_info *info, const u8 *body,
                     u32 bytes)
{
    u64 begin_ns = micro_wall_ns();
    bench->slice_count = bench->piece_count = bench->answer_count = 0;
    gather_begin(&bench->gather, info, body, bytes, bench->shard_count,
                 feeder_now_ns(bench->feeder));
    for (;;) {
        const u32 asks = gather_next(&bench->gather);
        note_piece(bench, begin_ns);
        if (asks == 0)
            break;
        for (u32 i = 0; i < asks && asks != GATHER_GOES_ON; i++)
            answer_ask(bench, i);
        begin_ns = micro_wall_ns();
    }
    begin_ns = micro_wall_ns();
    (void)gather_reply(&bench->gather, bench->reply, FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    note_piece(bench, begin_ns);
    struct record_status head;
    memcpy(&head, bench->gather.reply, sizeof head);
    bench->status = head.status;
    bench->total = info->code == OPCODE_SEARCH
                       ? ((const struct msg_search_rsp *)(const void *)bench->gather.reply)->total
                       : 0;
    gather_end(&bench->gather);
}

static int by_size(const void *a, const void *b)
{
    const u64 left = *(const u64 *)a, right = *(const u64 *)b;
    return left < right ? -1 : left > right;
}

/* The longest; then they are in order. */
static u64 sort_times(u64 *times, u32 count, u32 *worst)
{
    *worst = 0;
    for (u32 i = 0; i < count; i++)
        *worst = times[i] > times[*worst] ? i : *worst;
    const u64 most = times[*worst];
    qsort(times, count, sizeof times[0], by_size);
    return most;
}

/* Asks, and prints what its slices took. */
static void measure(struct bench *bench, const char *name, u16 opcode, const void *fixed,
                    const struct span *spans)
{
    static u8 body[64u << 10];
    const struct message_info *info = message_find(opcode);
    if (bench->only != NULL && strstr(name, bench->only) == NULL)
        return;
    const u32 bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, body, sizeof body, fixed, spans);
    MUST(bytes != 0);
    u32 count = 0, pieces = 0, worst, worst_piece;
    for (u32 i = 0, same = 0; same < bench->repeats;
         i++) { /* the first ones warm up, and fill caches */
        MUST(i < WARM_MOST + bench->repeats);
        bench->is_first = same == 0;
        ask_once(bench, info, body, bytes);
        const bool is_same = count == bench->slice_count && pieces == bench->piece_count;
        same = is_same ? same + 1 : 0;
        count = bench->slice_count;
        pieces = bench->piece_count;
    }
    const u64 most = sort_times(bench->slices, count, &worst);
    const u64 round = sort_times(bench->pieces, pieces, &worst_piece);
    const bool is_missed = most > GATE_NS || round > GATE_NS;
    bench->missed += is_missed;
    (void)printf("%-26s %6u %8.1f %8.1f %8.1f %6u %6u %8.1f %6u %9llu  %s%s\n", name, count,
                 (double)bench->slices[count / 2] / 1000,
                 (double)bench->slices[(u32)((u64)count * 99 / 100)] / 1000, (double)most / 1000,
                 worst, pieces, (double)round / 1000, worst_piece, (unsigned long long)bench->total,
                 is_missed ? "MISSED" : "good", bench->status == STATUS_OK ? "" : " (refused)");
}

/* ---- the worst there is ---------------------------------------------------------------------- */

struct question {
    const char *query, *filter, *facets;
    u32 offset;
    u16 sort, flags;
};

static void search(struct bench *bench, const char *name, struct question question)
{
    const struct msg_search_req ask = {.limit = SEARCH_LIMIT_MAX,
                                       .offset = question.offset,
                                       .sort = question.sort,
                                       .flags = question.flags,
                                       .bars = 20};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(search_req, query)] = text(question.query != NULL ? question.query : ""),
        [SPAN_OF(search_req, filter)] = text(question.filter != NULL ? question.filter : ""),
        [SPAN_OF(search_req, facets)] = text(question.facets != NULL ? question.facets : "")};
    measure(bench, name, OPCODE_SEARCH, &ask, spans);
}

/* The `count` words of most products, with a space behind each. */
static void frequent_words(struct bench *bench, u32 count, char *to)
{
    u32 surfaces[DICT_PREFIX_MAX], used = 0;
    const struct dict *dict = &search_current(&bench->shard->search)->dict;
    const u32 found = dict_prefix(dict, (struct span){0}, surfaces, MIN(count, DICT_PREFIX_MAX));
    to[0] = 0;
    for (u32 i = 0; i < found; i++) {
        const struct span word = dict_text(dict, surfaces[i]);
        used += (u32)snprintf(to + used, TEXT_BYTES - used, "%.*s ", (int)word.bytes,
                              (const char *)word.data);
    }
}

static u32 count_prefix(const struct dict *dict, const char *prefix)
{
    u32 surfaces[DICT_PREFIX_MAX], total = 0, count;
    u8 after[TEXT_WORD_BYTES];
    struct span last = {.data = after};
    do {
        count = dict_prefix_in_order(dict, text(prefix), last, surfaces, DICT_PREFIX_MAX);
        if (count != 0) {
            const struct span word = dict_text(dict, surfaces[count - 1]);
            memcpy(after, word.data, word.bytes);
            last.bytes = word.bytes;
        }
        total += count;
    } while (count == DICT_PREFIX_MAX);
    return total;
}

/* The beginning of one or two letters with most words up to `most`. */
static u32 find_prefix(struct bench *bench, u32 most, char *to)
{
    const struct dict *dict = &search_current(&bench->shard->search)->dict;
    u32 best = 0;
    for (char a = 'a'; a <= 'z'; a++)
        for (char b = 'a' - 1; b <= 'z'; b++) {
            const char prefix[3] = {a, b < 'a' ? '\0' : b, '\0'};
            const u32 count = count_prefix(dict, prefix);
            if (count <= best || count > most)
                continue;
            best = count;
            memcpy(to, prefix, sizeof prefix);
        }
    return best;
}

/* 64 terms that each ask something else. */
static void many_terms(char *to)
{
    u32 used = 0;
    for (u32 i = 0; i < 64; i++)
        used += (u32)snprintf(to + used, TEXT_BYTES - used, "%s%sprice:%u..%u",
                              i == 0       ? ""
                              : i % 2 != 0 ? " OR "
                                           : " AND ",
                              i % 3 == 0 ? "NOT " : "", i * 100, 5000 + i * 37);
}

static void search_all(struct bench *bench)
{
    static char words[TEXT_BYTES], filter[TEXT_BYTES];
    char name[64], prefix[3] = "a";
    static const char facets[] = "brand,category,color,material,price,rating,popularity,discount";
    const u16 all = SEARCH_FLAG_NO_DROP;
    frequent_words(bench, 1, words);
    search(bench, "the most frequent word", (struct question){.query = words});
    search(bench, "and its facets", (struct question){.query = words, .facets = facets});
    frequent_words(bench, 10, words);
    search(bench, "ten most frequent words", (struct question){.query = words, .flags = all});
    search(bench, "and words are dropped", (struct question){.query = words});
    search(bench, "and explained", (struct question){.query = words, .flags = SEARCH_FLAG_EXPLAIN});
    frequent_words(bench, 24, words);
    search(bench, "24 words, dropped", (struct question){.query = words});
    search(bench, "24 words, with facets", (struct question){.query = words, .facets = facets});
    const u32 stems = find_prefix(bench, 2000, prefix);
    (void)snprintf(name, sizeof name, "beginning of %u words", stems);
    search(bench, name, (struct question){.query = prefix});
    (void)find_prefix(bench, UINT32_MAX, prefix);
    search(bench, "beginning of most words", (struct question){.query = prefix});
    search(bench, "typos", (struct question){.query = "whitehaert kitchn tabel samsug lapto "});
    many_terms(filter);
    search(bench, "64 terms over all", (struct question){.filter = filter});
    search(bench, "64 terms, facets", (struct question){.filter = filter, .facets = facets});
    search(bench, "facets of all", (struct question){.facets = facets});
    search(bench, "all values of facets",
           (struct question){.facets = "brand:1000,category:1000,color:1000,material:1000"});
    search(bench, "sort by price", (struct question){.sort = SEARCH_SORT_PRICE_UP});
    search(bench, "sort by popularity", (struct question){.sort = SEARCH_SORT_POPULARITY});
    search(bench, "offset 10,000", (struct question){.offset = SEARCH_OFFSET_MAX});
    frequent_words(bench, 1, words);
    search(bench, "offset 10,000 of a word",
           (struct question){.query = words, .offset = SEARCH_OFFSET_MAX});
}

static void ask_others(struct bench *bench)
{
    char prefix[3] = "a";
    (void)find_prefix(bench, UINT32_MAX, prefix);
    prefix[1] = 0;
    const struct msg_suggest_req suggest = {.words = SUGGEST_LIMIT_MAX,
                                            .products = SUGGEST_LIMIT_MAX};
    const struct span typed[MESSAGE_SPANS_MAX] = {text(prefix)};
    measure(bench, "suggest a letter", OPCODE_SUGGEST, &suggest, typed);
    const struct span none[MESSAGE_SPANS_MAX] = {{0}};
    struct msg_related_req related = {
        .product_id = product_at(&bench->shard->catalog, 1)->product_id, .limit = 100};
    related.kind = RELATED_SIMILAR;
    measure(bench, "similar products", OPCODE_RELATED, &related, none);
    related.kind = RELATED_BOUGHT;
    measure(bench, "bought with it", OPCODE_RELATED, &related, none);
    const struct msg_trending_req trending = {.limit = 100};
    measure(bench, "trending", OPCODE_TRENDING, &trending, none);
}

/* Another language: the index is made anew by an idle reactor. */
static void renew(struct bench *bench)
{
    const struct msg_search_policy_put_req put = {.home_id = POLICY_HOME_ID,
                                                  .weight_title = 10,
                                                  .weight_brand = 10,
                                                  .language = {.bytes = "german"}};
    if (bench->only != NULL && strstr("renewal", bench->only) == NULL)
        return;
    MUST(feeder_call(bench->feeder, OPCODE_SEARCH_POLICY_PUT, &put, NULL, NULL) == STATUS_OK);
    static u64 times[RENEWAL_MAX];
    u32 count = 0, worst;
    for (bool has_more = true; has_more && count < RENEWAL_MAX; count++) {
        const u64 begin_ns = micro_cpu_ns();
        has_more = shard_work(bench->shard);
        times[count] = micro_cpu_ns() - begin_ns;
    }
    const u64 most_ns = sort_times(times, count, &worst);
    const u64 usual_ns = times[(u32)((u64)count * 99 / 100)];
    bench->missed += usual_ns > GATE_NS;
    (void)printf(
        "%-26s %6u slices of %.1f us, 99 %% at most %.1f, all %.1f (a chunk of the system)  %s\n",
        "renewal", count, (double)times[count / 2] / 1000, (double)usual_ns / 1000,
        (double)most_ns / 1000, usual_ns > GATE_NS ? "MISSED" : "good");
}

int main(int argc, char **argv)
{
    static struct bench bench = {.repeats = 5, .shard_count = 1};
    u32 products = 200000;
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "0";
        if (strcmp(argv[i], "--products") == 0)
            products = (u32)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--shards") == 0)
            bench.shard_count = (u16)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--repeats") == 0)
            bench.repeats = (u32)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            bench.only = value;
        else
            products = 0;
    }
    if (products == 0 || bench.repeats == 0 || bench.shard_count == 0 || bench.shard_count > 16) {
        (void)fprintf(stderr, "usage: micro_slice [--products N] [--shards 1..16] [--repeats N] "
                              "[--only NAME]\n");
        return 2;
    }
    fill(&bench, products);
    (void)printf(
        "%u products on %u shards; us of slices and pieces, the shortest of %u each\n%-26s "
        "%6s %8s %8s %8s %6s %6s %8s %6s %9s\n",
        products, bench.shard_count, bench.repeats, "question", "slices", "p50", "p99", "max", "at",
        "pieces", "round", "at", "total");
    search_all(&bench);
    ask_others(&bench);
    renew(&bench);
    empty(&bench);
    return bench.missed == 0 ? 0 : 1;
}
