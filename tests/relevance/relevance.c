/* relevance: do searches find what was meant, and before the rest? Real searches over shards of this
 * process, against plain BM25 on the same titles in the same run.
 *
 *      relevance [--queries N] [--shards N] [--set NAME] [--worst N]
 *
 *      MRR@20     1 / place of the first wanted offer, 0 when it is not among 20; the mean of all queries
 *      recall@20  share of the wanted offers among the first 20 hits
 *      typos      recall with one random typo (a letter put in, left out, replaced, or two swapped, in one
 *                 word of four letters or more) / recall without
 *
 * Exit 1 when a set is below its gates. --queries takes evenly spread ones; --worst prints where plain
 * BM25 does best in comparison. Sets whose data is not in $SOUK_DATA are skipped loudly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/id.h"
#include "proto/status.h"
#include "tests/relevance/relevance_plain.h"
#include "tests/relevance/relevance_sets.h"
#include "tests/support/feeder.h"
#include "tests/support/gather_loop.h"

#define HITS_MAX    20u
#define QUERY_BYTES 1024u

struct gates {
    double mrr;
    double recall;
    double typos;
};

struct trial {
    const char *name;
    bool (*load)(struct relevance_set *set, const char *data);
    struct gates gates;
};

struct options {
    u32 queries; /* 0 = all */
    u32 shards;
    u32 worst;
    const char *set;
};

struct sums {
    double mrr;
    double recall;
};

struct outcome {
    u32 queries;
    struct sums plain;
    struct sums souk;
    struct sums typos;
    double souk_us; /* of all, typos not counted */
    double plain_us;
};

struct catalog {
    const struct relevance_set *set;
    struct feeder *feeder;
    struct gather_loop *loop;
    struct relevance_plain *plain;
    u64 *ids;   /* of the offers */
    u32 *by_id; /* offer + 1, open addressing */
    u32 id_mask;
};

static double now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct span text(const char *string)
{
    return (struct span){.data = (const u8 *)string, .bytes = (u32)strlen(string)};
}

/* ---- the catalog in shards -------------------------------------------------------------------- */

static u32 *find_id(const struct catalog *catalog, u64 id)
{
    u32 at = (u32)id & catalog->id_mask;
    while (catalog->by_id[at] != 0 && catalog->ids[catalog->by_id[at] - 1] != id)
        at = (at + 1) & catalog->id_mask; /* ends: half of the table is free */
    return &catalog->by_id[at];
}

static void put_offer(struct catalog *catalog, u32 i)
{
    const struct relevance_offer *offer = &catalog->set->offers[i];
    char code[16];
    (void)snprintf(code, sizeof code, "%u", i);
    catalog->ids[i] = id_from_code(code, strlen(code));
    const struct msg_product_put_req put = {.product_id = catalog->ids[i]};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(product_put_req, code)] = text(code),
        [SPAN_OF(product_put_req, title)] = text(offer->title),
        [SPAN_OF(product_put_req, category)] = text(offer->category),
        [SPAN_OF(product_put_req, attributes)] = text(offer->attributes)};
    feeder_put(catalog->feeder, OPCODE_PRODUCT_PUT, &put, spans);
    *find_id(catalog, put.product_id) = i + 1;
}

static void open_catalog(struct catalog *catalog, const struct relevance_set *set, u32 shards)
{
    *catalog = (struct catalog){.set = set, .id_mask = 1};
    while (catalog->id_mask < 2 * set->offer_count)
        catalog->id_mask = 2 * catalog->id_mask + 1;
    catalog->by_id = calloc(catalog->id_mask + 1, sizeof(u32));
    catalog->ids = calloc(set->offer_count + 1, sizeof(u64));
    MUST(catalog->by_id != NULL && catalog->ids != NULL);
    catalog->feeder = feeder_open((u16)shards, false);
    for (u32 i = 0; i < set->offer_count; i++)
        put_offer(catalog, i);
    feeder_flush(catalog->feeder);
    MUST(feeder_refused(catalog->feeder) == 0);
    catalog->loop = gather_loop_open(feeder_shards(catalog->feeder), (u16)shards);
    catalog->plain = relevance_plain_open(set);
}

static void close_catalog(struct catalog *catalog)
{
    gather_loop_close(catalog->loop);
    feeder_close(catalog->feeder);
    relevance_plain_close(catalog->plain);
    free(catalog->by_id);
    free(catalog->ids);
}

/* ---- asking ----------------------------------------------------------------------------------- */

static u32 search(struct catalog *catalog, const char *query, u32 offers[HITS_MAX])
{
    const struct msg_search_req ask = {.limit = HITS_MAX};
    const struct span spans[MESSAGE_SPANS_MAX] = {[SPAN_OF(search_req, query)] = text(query)};
    struct record_view view;
    const u16 status = gather_loop_ask(catalog->loop, OPCODE_SEARCH, feeder_now_ns(catalog->feeder),
                                       &ask, spans, NULL, &view);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "search \"%s\": status %u\n", query, status);
    MUST(status == STATUS_OK);
    const struct span hits = view.spans[SPAN_OF(search_rsp, hits)];
    const u32 count = hits.bytes / (u32)sizeof(struct row_hit);
    MUST(count <= HITS_MAX);
    for (u32 i = 0; i < count; i++) {
        struct row_hit hit;
        memcpy(&hit, hits.data + i * sizeof hit, sizeof hit);
        const u32 found = *find_id(catalog, hit.product_id);
        MUST(found != 0);
        offers[i] = found - 1;
    }
    return count;
}

/* Recall; adds to the sums. */
static double judge(const struct relevance_set *set, u32 group, const u32 *offers, u32 count,
                    struct sums *sums)
{
    u32 found = 0;
    for (u32 i = 0; i < count; i++)
        if (set->offers[offers[i]].group == group && found++ == 0)
            sums->mrr += 1.0 / (i + 1);
    const double recall = (double)found / set->group_sizes[group];
    sums->recall += recall;
    return recall;
}

/* One typo in one of the words of four letters or more. */
static void make_typo(const char *query, u64 *random, char to[QUERY_BYTES])
{
    u32 begins[64], ends[64], count = 0;
    const u32 bytes = (u32)strlen(query);
    (void)snprintf(to, QUERY_BYTES, "%s", query);
    for (u32 i = 0; i < bytes && count < 64;) {
        u32 end = i;
        while (end < bytes && query[end] > 0 && isalnum((u8)query[end]))
            end++;
        if (end - i >= 4) {
            begins[count] = i;
            ends[count++] = end;
        }
        i = end + 1;
    }
    if (count == 0 || bytes + 2 > QUERY_BYTES)
        return;
    const u32 word = (u32)(relevance_next(random) % count);
    const u32 kind = (u32)(relevance_next(random) % 4), letters = ends[word] - begins[word];
    const char letter = (char)('a' + relevance_next(random) % 26);
    const u32 places = kind == 0 ? letters + 1 : kind == 3 ? letters - 1 : letters;
    const u32 at = begins[word] + (u32)(relevance_next(random) % places);
    if (kind == 0) {
        memmove(to + at + 1, to + at, bytes - at + 1);
        to[at] = letter;
    } else if (kind == 1) {
        memmove(to + at, to + at + 1, bytes - at);
    } else if (kind == 2) {
        to[at] = letter;
    } else {
        to[at] = query[at + 1];
        to[at + 1] = query[at];
    }
}

static void print_worse(const struct relevance_set *set, const struct relevance_query *query,
                        const u32 *offers, u32 count)
{
    (void)printf("-- %s\n", query->text);
    for (u32 i = 0; i < count; i++)
        (void)printf("   %c %s\n", set->offers[offers[i]].group == query->group ? '+' : ' ',
                     set->offers[offers[i]].title);
    for (u32 i = 0; i < set->offer_count; i++)
        if (set->offers[i].group == query->group)
            (void)printf("   = %s\n", set->offers[i].title);
}

static void ask_all(struct catalog *catalog, const struct options *options, struct outcome *outcome)
{
    const struct relevance_set *set = catalog->set;
    const u32 count = options->queries == 0 ? set->query_count : options->queries;
    u64 random = 1;
    u32 worse = 0;
    *outcome = (struct outcome){.queries = MIN(count, set->query_count)};
    for (u32 i = 0; i < outcome->queries; i++) {
        const struct relevance_query *query =
            &set->queries[(u64)i * set->query_count / outcome->queries];
        u32 offers[HITS_MAX];
        char typo[QUERY_BYTES];
        double begin = now_us();
        u32 hits = relevance_plain_search(catalog->plain, query->text, offers, HITS_MAX);
        outcome->plain_us += now_us() - begin;
        const double plain = judge(set, query->group, offers, hits, &outcome->plain);
        begin = now_us();
        hits = search(catalog, query->text, offers);
        outcome->souk_us += now_us() - begin;
        const double souk = judge(set, query->group, offers, hits, &outcome->souk);
        if (souk < plain && worse++ < options->worst)
            print_worse(set, query, offers, hits);
        make_typo(query->text, &random, typo);
        hits = search(catalog, typo, offers);
        (void)judge(set, query->group, offers, hits, &outcome->typos);
    }
}

/* ---- the table -------------------------------------------------------------------------------- */

static void print_row(const char *set, const char *system, u32 queries, const struct sums *sums,
                      double us)
{
    (void)printf("%-8s %-12s %8u %8.4f %10.4f %9.1f\n", set, system, queries, sums->mrr / queries,
                 sums->recall / queries, us / queries);
}

static bool is_good(const struct trial *trial, const struct outcome *outcome)
{
    const double mrr = outcome->souk.mrr / outcome->plain.mrr;
    const double recall = outcome->souk.recall / outcome->plain.recall;
    const double typos = outcome->typos.recall / outcome->souk.recall;
    const struct gates *gates = &trial->gates;
    print_row(trial->name, "plain BM25", outcome->queries, &outcome->plain, outcome->plain_us);
    print_row(trial->name, "souk", outcome->queries, &outcome->souk, outcome->souk_us);
    (void)printf("%-8s %-12s %8s %8.4f %10.4f %9s  typos %.4f\n", trial->name, "ratio", "", mrr,
                 recall, "", typos);
    (void)printf("%-8s %-12s %8s %8.4f %10.4f %9s  typos %.4f\n", trial->name, "gate", "",
                 gates->mrr, gates->recall, "", gates->typos);
    const bool is_there = mrr >= gates->mrr && recall >= gates->recall && typos >= gates->typos;
    if (!is_there)
        (void)printf("%-8s BELOW ITS GATES\n", trial->name);
    return is_there;
}

static bool run(const struct trial *trial, const struct options *options)
{
    const char *data = getenv("SOUK_DATA");
    struct relevance_set set;
    struct catalog catalog;
    struct outcome outcome;
    if (!trial->load(&set, data)) {
        (void)printf("%-8s SKIPPED: its data is not in %s (set SOUK_DATA)\n", trial->name,
                     data != NULL ? data : "$SOUK_DATA");
        relevance_free(&set);
        return true;
    }
    open_catalog(&catalog, &set, options->shards);
    ask_all(&catalog, options, &outcome);
    const bool is_there = is_good(trial, &outcome);
    close_catalog(&catalog);
    relevance_free(&set);
    return is_there;
}

static bool make(struct relevance_set *set, const char *data)
{
    (void)data;
    return relevance_make(set, 20261122);
}

static bool read_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){.shards = 2};
    for (int i = 1; i + 1 < argc; i += 2) {
        const u32 value = (u32)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--queries") == 0)
            options->queries = value;
        else if (strcmp(argv[i], "--shards") == 0)
            options->shards = value;
        else if (strcmp(argv[i], "--worst") == 0)
            options->worst = value;
        else if (strcmp(argv[i], "--set") == 0)
            options->set = argv[i + 1];
        else
            return false;
    }
    return argc % 2 == 1 && options->shards >= 1 && options->shards <= 16;
}

int main(int argc, char **argv)
{
    static const struct trial trials[] = {
        {"offers", relevance_load_offers, {.mrr = 1.05, .recall = 1.08, .typos = 0.95}},
        {"gifts", relevance_load_gifts, {.mrr = 1.0, .recall = 0.98, .typos = 0.95}},
        {"clothes", relevance_load_clothes, {.mrr = 1.05, .recall = 1.05, .typos = 0.95}},
        {"made", make, {.mrr = 1.05, .recall = 1.08, .typos = 0.95}}};
    struct options options;
    bool is_good_all = true;
    if (!read_options(argc, argv, &options)) {
        (void)fprintf(stderr, "relevance [--queries N] [--shards N] [--set NAME] [--worst N]\n");
        return 2;
    }
    (void)printf("%-8s %-12s %8s %8s %10s %9s\n", "set", "system", "queries", "MRR@20", "recall@20",
                 "us");
    for (u32 i = 0; i < ARRAY_COUNT(trials); i++)
        if (options.set == NULL || strcmp(options.set, trials[i].name) == 0)
            is_good_all = run(&trials[i], &options) && is_good_all;
    return is_good_all ? 0 : 1;
}
