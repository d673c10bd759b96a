/* micro_text: what the words of a text cost, and who is like a word, alone on one core.
 *
 * Prints nanoseconds per title analysed, without and with a dictionary that knows its words; then for
 * dictionaries of ten thousand to a million surfaces: an insert, the best ten of a prefix, typos at one
 * and two, cuts, bytes per surface. Words are made of syllables, so that many are like each other; one
 * in four is a model number. Run it pinned: `taskset -c 1 micro_text [SURFACES]`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/checksum.h"
#include "shards/search/dict.h"
#include "shards/search/text_analyse.h"

#define QUESTIONS 20000u
#define ROUNDS    3u /* all questions again; the least of a question's times counts */
#define LIKES_MAX 64u

static const char *const titles[] = {
    "White Hanging Heart T-Light Holder Set of 6 with Glass",
    "Apple iPhone 8 Plus 64GB Space Grey Sim Free Mobile Phone",
    "Samsung UE55NU7100 55 inch 4K Ultra HD Smart LED Television Black",
    "Bosch Serie 4 WAN28201GB 8kg 1400 Spin Washing Machine White",
    "Puma Men Ballistic Spikes White Green Running Shoes Size 9 Leather",
    "Regency Cakestand 3 Tier Vintage Ceramic Afternoon Tea Party Display",
    "Intel Core i7-8700K 3.7 GHz Six Core LGA1151 Processor Boxed",
    "Canon EOS 5D Mark IV Digital SLR Camera Body Only Black"};

struct random {
    u64 state;
};

static u32 below(struct random *random, u32 end)
{
    random->state = random->state * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)((random->state >> 32) * end >> 32);
}

/* Of the processor's time, so that other programs do not show; costs a system call. */
static u64 now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

struct lexicon {
    struct store_memory memory;
    struct arena arena;
    struct text_language language;
    struct dict dict;
};

static void lexicon_open(struct lexicon *lexicon)
{
    store_memory_init(&lexicon->memory);
    arena_init(&lexicon->arena, &lexicon->memory);
    text_language_init(&lexicon->language, (struct span){(const u8 *)"english", 7});
    dict_init(&lexicon->dict, &lexicon->memory, &lexicon->arena, &lexicon->language);
}

static void lexicon_close(struct lexicon *lexicon)
{
    dict_deinit(&lexicon->dict);
    arena_deinit(&lexicon->arena);
    text_language_deinit(&lexicon->language);
}

/* ---- titles ------------------------------------------------------------------------------------ */

static u64 analyse_titles(struct dict *dict)
{
    u64 sum = 0;
    for (u32 i = 0; i < ARRAY_COUNT(titles); i++) {
        struct text_reader reader;
        struct text_word word;
        text_begin(&reader, (struct span){(const u8 *)titles[i], (u32)strlen(titles[i])});
        while (text_next(&reader, &word))
            sum += dict == NULL ? word.bytes : dict_add(dict, (struct span){word.data, word.bytes});
    }
    return sum;
}

static double title_ns(struct dict *dict, u64 *sum)
{
    u64 best = UINT64_MAX;
    for (u32 round = 0; round < 50; round++) {
        const u64 begin_ns = now_ns();
        for (u32 i = 0; i < 100; i++)
            *sum += analyse_titles(dict);
        best = MIN(best, now_ns() - begin_ns);
    }
    return (double)best / (100.0 * ARRAY_COUNT(titles));
}

static void measure_titles(void)
{
    struct lexicon lexicon;
    u64 sum = 0;
    lexicon_open(&lexicon);
    const double alone = title_ns(NULL, &sum);
    const double known = title_ns(&lexicon.dict, &sum);
    printf("a title of some 11 words: %.0f ns analysed, %.0f ns with its words looked up (%llu)\n",
           alone, known, (unsigned long long)(sum & 1));
    lexicon_close(&lexicon);
}

/* ---- dictionaries ------------------------------------------------------------------------------ */

static u32 make_code(struct random *random, char *word)
{
    u32 bytes = 0;
    for (u32 i = 2 + below(random, 2); i > 0; i--)
        word[bytes++] = (char)('a' + below(random, 26));
    for (u32 i = 3 + below(random, 4); i > 0; i--)
        word[bytes++] = (char)('0' + below(random, 10));
    if (below(random, 2) == 0)
        word[bytes++] = (char)('a' + below(random, 26));
    return bytes;
}

/* Two to five syllables, frequent ones more often, and sometimes a letter of its own. */
static u32 make_word(struct random *random, char *word)
{
    static const char consonants[] = "tnsrhldcmfpgwbvkxzjq";
    static const char vowels[] = "eaoiu";
    u32 bytes = 0;
    if (below(random, 4) == 0)
        return make_code(random, word);
    for (u32 i = 2 + below(random, 4); i > 0; i--) {
        word[bytes++] = consonants[below(random, 1 + below(random, 20))];
        word[bytes++] = vowels[below(random, 1 + below(random, 5))];
        if (below(random, 2) == 0)
            word[bytes++] = consonants[below(random, 1 + below(random, 12))];
    }
    if (below(random, 8) == 0)
        word[bytes++] = (char)('a' + below(random, 26));
    return bytes;
}

static int compare_u64(const void *left, const void *right)
{
    const u64 a = *(const u64 *)left, b = *(const u64 *)right;
    return a < b ? -1 : a > b;
}

/* What it costs to ask for the time. */
static u64 clock_cost_ns(void)
{
    u64 least = UINT64_MAX;
    for (u32 i = 0; i < 1000; i++) {
        const u64 begin_ns = now_ns();
        least = MIN(least, now_ns() - begin_ns);
    }
    return least;
}

static void print_times(const char *what, u64 *times, u32 count, double each)
{
    const u64 cost_ns = clock_cost_ns();
    for (u32 i = 0; i < count; i++)
        times[i] -= MIN(times[i], cost_ns);
    qsort(times, count, sizeof times[0], compare_u64);
    u64 sum = 0;
    for (u32 i = 0; i < count; i++)
        sum += times[i];
    printf("  %-26s mean %7.2f us  p50 %7.2f  p99 %7.2f  p99.9 %7.2f  max %8.2f", what,
           (double)sum / count / 1e3, (double)times[count / 2] / 1e3,
           (double)times[count / 100 * 99] / 1e3, (double)times[count / 1000 * 999] / 1e3,
           (double)times[count - 1] / 1e3);
    if (each >= 0)
        printf("  found %.1f", each);
    printf("\n");
}

static void fill(struct lexicon *lexicon, u32 surfaces)
{
    struct random random = {1};
    u64 *times = malloc(surfaces * sizeof *times);
    u64 letters = 0;
    u32 count = 0;
    char word[64];
    while (times != NULL && count < surfaces) {
        const u32 bytes = make_word(&random, word);
        const struct span text = {(const u8 *)word, bytes};
        if (dict_find(&lexicon->dict, text) != 0)
            continue;
        const u64 begin_ns = now_ns();
        const u32 surface = dict_add(&lexicon->dict, text);
        dict_count(&lexicon->dict, surface, 1);
        times[count++] = now_ns() - begin_ns;
        letters += bytes;
        for (u32 more = below(&random, 1u << below(&random, 8)); more > 0; more--)
            dict_count(&lexicon->dict, surface, 1);
    }
    const struct dict *dict = &lexicon->dict;
    printf(
        "%u surfaces of %.1f letters, %u terms: %.0f bytes each,\n  of them words, map and terms "
        "%.0f, "
        "tree %.1f, typos %.0f (%.1f entries)\n",
        surfaces, (double)letters / surfaces, pool_count(&dict->terms),
        (double)dict_bytes(dict) / surfaces,
        32.0 * pool_count(&dict->words) / surfaces +
            64.0 * (pool_count(&dict->map.buckets) + pool_count(&dict->map.overflow)) / surfaces +
            40.0 * pool_count(&dict->terms) / surfaces,
        (328.0 * pool_count(&dict->tree.leaves) + 1096.0 * pool_count(&dict->tree.inners)) /
            surfaces,
        64.0 * (pool_count(&dict->typo.buckets) + pool_count(&dict->typo.overflow)) / surfaces,
        (double)dict->typo.entry_count / surfaces);
    print_times("insert", times, surfaces, -1);
    free(times);
}

/* The i-th time, of the (i modulo QUESTIONS)-th question. */
static void note(u64 *times, u32 i, u64 time_ns)
{
    u64 *least = &times[i % QUESTIONS];
    *least = i < QUESTIONS ? time_ns : MIN(*least, time_ns);
}

/* A random surface; `letters_min` letters or more, without digits if there is a minimum. */
static struct span pick(const struct dict *dict, struct random *random, u32 letters_min)
{
    for (;;) {
        const u32 word = 1 + below(random, dict->word_end - 1);
        const struct dict_word *at = dict_word_at(&dict->words, word);
        if (at->count != 0 && at->letters >= letters_min &&
            (letters_min == 0 || (at->flags & DICT_WORD_DIGIT) == 0))
            return dict_text(dict, word);
    }
}

static u32 misspell(struct random *random, struct span word, u32 typos, u8 *to)
{
    u32 bytes = word.bytes;
    memcpy(to, word.data, bytes);
    for (; typos > 0; typos--) {
        const u32 at = below(random, bytes - 1);
        const u8 swapped = to[at];
        switch (below(random, 4)) {
        case 0:
            memmove(to + at + 1, to + at, bytes++ - at);
            to[at] = (u8)('a' + below(random, 26));
            break;
        case 1: memmove(to + at, to + at + 1, --bytes - at); break;
        case 2: to[at] = (u8)('a' + below(random, 26)); break;
        default: to[at] = to[at + 1]; to[at + 1] = swapped;
        }
    }
    return bytes;
}

static void ask_typos(const struct dict *dict, const char *what, u32 distance, u32 letters_min)
{
    static u64 times[QUESTIONS];
    struct random random = {7};
    struct dict_like likes[LIKES_MAX];
    u64 found = 0;
    for (u32 i = 0; i < ROUNDS * QUESTIONS; i++) {
        if (i % QUESTIONS == 0)
            random.state = 7;
        u8 word[80];
        const struct span text = {
            word, misspell(&random, pick(dict, &random, letters_min), distance, word)};
        const u64 begin_ns = now_ns();
        found += dict_typo(dict, text, distance, likes, LIKES_MAX);
        note(times, i, now_ns() - begin_ns);
    }
    print_times(what, times, QUESTIONS, (double)found / ROUNDS / QUESTIONS);
}

static void ask_prefixes(const struct dict *dict, u32 letters)
{
    static u64 times[QUESTIONS];
    char what[40];
    struct random random = {9};
    u64 found = 0;
    for (u32 i = 0; i < ROUNDS * QUESTIONS; i++) {
        if (i % QUESTIONS == 0)
            random.state = 9;
        u32 best[10];
        struct span text = pick(dict, &random, 0);
        text.bytes = MIN(text.bytes, letters);
        const u64 begin_ns = now_ns();
        found += dict_prefix(dict, text, best, 10);
        note(times, i, now_ns() - begin_ns);
    }
    (void)snprintf(what, sizeof what, "best 10 of %u letters", letters);
    print_times(what, times, QUESTIONS, (double)found / ROUNDS / QUESTIONS);
}

static void ask_cuts(const struct dict *dict)
{
    static u64 times[QUESTIONS];
    struct random random = {11};
    u64 found = 0;
    for (u32 i = 0; i < ROUNDS * QUESTIONS; i++) {
        if (i % QUESTIONS == 0)
            random.state = 11;
        struct dict_split splits[DICT_SPLITS_MAX];
        const struct span text = pick(dict, &random, 4);
        const u64 begin_ns = now_ns();
        found += dict_split(dict, text, splits, DICT_SPLITS_MAX);
        note(times, i, now_ns() - begin_ns);
    }
    print_times("cuts", times, QUESTIONS, (double)found / ROUNDS / QUESTIONS);
}

static void measure_dictionary(u32 surfaces)
{
    struct lexicon lexicon;
    lexicon_open(&lexicon);
    fill(&lexicon, surfaces);
    for (u32 letters = 1; letters <= 5; letters += 2)
        ask_prefixes(&lexicon.dict, letters);
    ask_typos(&lexicon.dict, "one typo, 4 letters on", 1, 4);
    ask_typos(&lexicon.dict, "two typos, 9 letters on", 2, 9);
    ask_typos(&lexicon.dict, "two typos, 11 letters on", 2, 11);
    ask_cuts(&lexicon.dict);
    lexicon_close(&lexicon);
}

int main(int argc, char **argv)
{
    measure_titles();
    if (argc > 1) {
        measure_dictionary((u32)strtoul(argv[1], NULL, 10));
        return 0;
    }
    for (u32 surfaces = 10000; surfaces <= 1000000; surfaces *= 10)
        measure_dictionary(surfaces);
    return 0;
}
