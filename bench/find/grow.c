/* grow: see grow.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/find/grow.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/checksum.h"
#include "proto/route.h"

#define CATEGORIES_OF_REAL_MAX 512u
#define FIELDS_MAX             16u
#define ZIPF_WORDS             200000u

struct grow_category {
    char name[64];
    u32 *words; /* offsets into the text, one per occurrence */
    u32 word_count, word_capacity;
    u8 *lengths; /* words of each real title */
    u32 title_count, title_capacity;
    u32 frequent[2]; /* offsets of its two most frequent words */
};

struct grow {
    u64 seed;
    bool is_real;
    char *text;
    size_t used, capacity;
    struct grow_category categories[CATEGORIES_OF_REAL_MAX];
    u32 category_count;
    u32 title_count;
    u32 *picks; /* category of each real title: big categories stay big */
    u64 *seen;  /* hashes of titles: a title that is sold often counts once */
};

#define SEEN_SLOTS (1u << 18)

/* splitmix64 (Steele, Lea, Flood 2014). */
static u64 next(u64 *random)
{
    u64 z = *random += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static u32 below(u64 *random, u32 bound)
{
    return (u32)((next(random) >> 32) * bound >> 32);
}

static void *grown_array(void *array, u32 *capacity, u32 count, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = MAX(64u, 2 * *capacity);
    array = realloc(array, *capacity * size);
    MUST(array != NULL);
    return array;
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct grow_category *category_of(struct grow *grow, const char *name)
{
    for (u32 i = 0; i < grow->category_count; i++)
        if (strncmp(grow->categories[i].name, name, sizeof grow->categories[i].name - 1) == 0)
            return &grow->categories[i];
    if (grow->category_count == CATEGORIES_OF_REAL_MAX)
        return &grow->categories[0];
    struct grow_category *category = &grow->categories[grow->category_count++];
    (void)snprintf(category->name, sizeof category->name, "%s", name);
    return category;
}

static u32 keep_word(struct grow *grow, const char *word, size_t bytes)
{
    if (grow->used + bytes + 1 > grow->capacity) {
        grow->capacity = MAX((size_t)1 << 20, 2 * grow->capacity);
        grow->text = realloc(grow->text, grow->capacity);
        MUST(grow->text != NULL);
    }
    const u32 at = (u32)grow->used;
    for (size_t i = 0; i < bytes; i++)
        grow->text[at + i] = (char)tolower((unsigned char)word[i]);
    grow->text[at + bytes] = '\0';
    grow->used += bytes + 1;
    return at;
}

static void add_title(struct grow *grow, const char *category_name, const char *title)
{
    struct grow_category *category = category_of(grow, category_name);
    u32 words = 0;
    for (const char *at = title; *at != '\0' && words < GROW_WORDS_MAX;) {
        at += strspn(at, " ,;()\"");
        const size_t bytes = strcspn(at, " ,;()\"");
        if (bytes == 0)
            break;
        if (bytes < 32) {
            category->words = grown_array(category->words, &category->word_capacity,
                                          category->word_count, sizeof *category->words);
            category->words[category->word_count++] = keep_word(grow, at, bytes);
            words++;
        }
        at += bytes;
    }
    if (words == 0)
        return;
    category->lengths = grown_array(category->lengths, &category->title_capacity,
                                    category->title_count, sizeof *category->lengths);
    category->lengths[category->title_count++] = (u8)words;
    grow->title_count++;
}

/* Fields of a CSV line, in place. Good enough for these files: no line feeds inside quotes. */
static u32 split(char *line, char **fields)
{
    u32 count = 0;
    char *at = line;
    while (count < FIELDS_MAX) {
        char *to = at, *from = at;
        bool is_quoted = false;
        fields[count++] = at;
        for (; *from != '\0' && *from != '\n' && (is_quoted || *from != ','); from++) {
            if (*from == '"')
                is_quoted = !is_quoted;
            else
                *to++ = *from;
        }
        const bool is_last = *from != ',';
        at = from + 1;
        *to = '\0';
        if (is_last)
            break;
    }
    return count;
}

/* Is it new? A table that is never full: there are some 80,000 titles. */
static bool note_title(struct grow *grow, const char *title)
{
    const u64 hash = XXH3_64bits(title, strlen(title)) | 1;
    for (u64 at = hash % SEEN_SLOTS;; at = (at + 1) % SEEN_SLOTS) {
        if (grow->seen[at] == hash)
            return false;
        if (grow->seen[at] == 0) {
            grow->seen[at] = hash;
            return true;
        }
    }
}

/* Titles are the field `title`, categories the field `category`, or the word `fixed`. */
static bool read_catalog(struct grow *grow, const char *data, const char *name, u32 title,
                         u32 category, const char *fixed)
{
    char command[600], line[4096];
    (void)snprintf(command, sizeof command, "xz -dc '%s/%s' 2>/dev/null", data, name);
    FILE *from = popen(command, "re");
    u32 lines = 0;
    while (from != NULL && fgets(line, sizeof line, from) != NULL) {
        char *fields[FIELDS_MAX];
        if (lines++ == 0)
            continue;
        const u32 count = split(line, fields);
        if (count <= title || (fixed == NULL && count <= category))
            continue;
        if (note_title(grow, fields[title]))
            add_title(grow, fixed != NULL ? fixed : fields[category], fields[title]);
    }
    return from != NULL && pclose(from) == 0 && lines > 1;
}

static void read_built_in(struct grow *grow)
{
    static const char *const titles[] = {
        "white hanging heart t-light holder", "red retrospot cake stand",
        "vintage union jack cushion cover",   "set of 6 glass jars 0.5 l",
        "blue polka dot tea towel",           "apple iphone 8 plus 64gb silver",
        "men navy blue cotton shirt",         "wooden picture frame 13x18 cm",
        "women black leather shoulder bag",   "digital camera 16 megapixel zoom"};
    for (u32 i = 0; i < ARRAY_COUNT(titles); i++)
        add_title(grow, i % 2 == 0 ? "home" : "other", titles[i]);
}

/* ---- frequent words -------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b, void *context)
{
    const char *text = context;
    return strcmp(text + *(const u32 *)a, text + *(const u32 *)b);
}

static void find_frequent(struct grow *grow, struct grow_category *category)
{
    u32 counts[2] = {0, 0};
    u32 *sorted = malloc(category->word_count * sizeof *sorted);
    MUST(sorted != NULL);
    memcpy(sorted, category->words, category->word_count * sizeof *sorted);
    qsort_r(sorted, category->word_count, sizeof *sorted, by_text, grow->text);
    for (u32 i = 0; i < category->word_count;) {
        u32 end = i;
        while (end < category->word_count &&
               strcmp(grow->text + sorted[end], grow->text + sorted[i]) == 0)
            end++;
        const u32 count = end - i;
        const bool is_word = strlen(grow->text + sorted[i]) > 2;
        if (is_word && count > counts[0]) {
            counts[1] = counts[0];
            category->frequent[1] = category->frequent[0];
            counts[0] = count;
            category->frequent[0] = sorted[i];
        } else if (is_word && count > counts[1]) {
            counts[1] = count;
            category->frequent[1] = sorted[i];
        }
        i = end;
    }
    free(sorted);
}

struct grow *grow_open(const char *data, u64 seed)
{
    struct grow *grow = calloc(1, sizeof *grow);
    MUST(grow != NULL);
    grow->seed = seed;
    grow->seen = calloc(SEEN_SLOTS, sizeof *grow->seen);
    MUST(grow->seen != NULL);
    if (data != NULL) {
        const bool has_retail = read_catalog(grow, data, "online-retail-2010-12-to-2011-08.csv.xz",
                                             2, 0, "home and gifts");
        const bool has_fashion = read_catalog(grow, data, "fashion-catalog.csv.xz", 9, 4, NULL);
        const bool has_offers = read_catalog(grow, data, "pricerunner-offers.csv.xz", 1, 6, NULL);
        grow->is_real = has_retail && has_fashion && has_offers;
    }
    if (grow->title_count == 0)
        read_built_in(grow);
    if (!grow->is_real)
        (void)fprintf(stderr, "SKIPPED: the real catalogs are not all in %s; words are built in\n",
                      data != NULL ? data : "$SOUK_DATA");
    grow->picks = malloc(grow->title_count * sizeof *grow->picks);
    MUST(grow->picks != NULL);
    u32 at = 0;
    for (u32 c = 0; c < grow->category_count; c++) {
        for (u32 i = 0; i < grow->categories[c].title_count; i++)
            grow->picks[at++] = c;
        find_frequent(grow, &grow->categories[c]);
    }
    MUST(at == grow->title_count);
    return grow;
}

void grow_close(struct grow *grow)
{
    for (u32 i = 0; i < grow->category_count; i++) {
        free(grow->categories[i].words);
        free(grow->categories[i].lengths);
    }
    free(grow->text);
    free(grow->picks);
    free(grow->seen);
    free(grow);
}

bool grow_is_real(const struct grow *grow)
{
    return grow->is_real;
}

u32 grow_title_count(const struct grow *grow)
{
    return grow->title_count;
}

/* ---- products -------------------------------------------------------------------------------- */

/* A word that no real title has; low numbers are frequent: rank ~ N^u is near enough to 1 / rank. */
static void new_word(u64 *random, char *to)
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    u32 rank = ZIPF_WORDS;
    const u32 halvings = below(random, 18);
    for (u32 i = 0; i < halvings; i++)
        rank /= 2;
    u32 number = below(random, MAX(rank, 1u));
    for (u32 i = 0; i < 4; i++) {
        *to++ = consonants[number % (sizeof consonants - 1)];
        number /= (u32)sizeof consonants - 1;
        *to++ = vowels[(number + i) % (sizeof vowels - 1)];
    }
    *to++ = 'q';
    *to = '\0';
}

/* The words of product i. */
static u32 words_of(const struct grow *grow, u32 i, char words[GROW_WORDS_MAX][40],
                    u32 *category_at, u64 *random)
{
    *random = grow->seed * 0x9E3779B97F4A7C15ull + i;
    *category_at = grow->picks[below(random, grow->title_count)];
    const struct grow_category *category = &grow->categories[*category_at];
    const u32 count = category->lengths[below(random, category->title_count)];
    for (u32 w = 0; w < count; w++) {
        if (below(random, 10) == 0)
            new_word(random, words[w]);
        else
            (void)snprintf(words[w], 40, "%s",
                           grow->text + category->words[below(random, category->word_count)]);
    }
    return count;
}

void grow_product(const struct grow *grow, u32 i, struct grown *product)
{
    static const char *const colours[] = {"white", "black", "red",   "blue", "green",
                                          "grey",  "pink",  "brown", "navy", "beige"};
    static const char *const materials[] = {"cotton", "metal", "wood", "glass", "plastic"};
    char words[GROW_WORDS_MAX][40];
    u64 random;
    u32 category_at;
    const u32 count = words_of(grow, i, words, &category_at, &random);
    memset(product, 0, sizeof *product);
    (void)snprintf(product->code, sizeof product->code, "G%u", i);
    product->product_id = XXH3_64bits(product->code, strlen(product->code));
    size_t used = 0;
    for (u32 w = 0; w < count && used + 42 < sizeof product->title; w++)
        used += (size_t)snprintf(product->title + used, sizeof product->title - used, "%s%s",
                                 w == 0 ? "" : " ", words[w]);
    (void)snprintf(product->brand, sizeof product->brand, "Brand %u", below(&random, 500));
    (void)snprintf(product->category, sizeof product->category, "shop/%.50s",
                   grow->categories[category_at].name);
    (void)snprintf(product->attributes, sizeof product->attributes,
                   "color=%s\nmaterial=%s\nweight=%u", colours[below(&random, 10)],
                   materials[below(&random, 5)], 10 + below(&random, 5000));
    product->price = 50 + below(&random, 1000) * below(&random, 100);
    product->popularity = below(&random, 1000000) / (1 + below(&random, 1000));
}

/* ---- queries --------------------------------------------------------------------------------- */

const char *grow_query_name(enum grow_query kind)
{
    static const char *const names[] = {"one word",    "two words",     "3 or 4 words",
                                        "two common",  "one rare word", "word and prefix",
                                        "two, a typo", "phrase of two"};
    STATIC_CHECK(ARRAY_COUNT(names) == GROW_QUERY_COUNT);
    return names[kind];
}

static bool is_plain(const char *word)
{
    const size_t bytes = strlen(word);
    for (size_t i = 0; i < bytes; i++)
        if (!isalpha((unsigned char)word[i]))
            return false;
    return bytes > 2;
}

static void misspell(char *word, u64 *random)
{
    const u32 bytes = (u32)strlen(word);
    if (bytes < 5)
        return;
    const u32 at = 1 + below(random, bytes - 2);
    switch (below(random, 3)) {
    case 0: memmove(word + at, word + at + 1, bytes - at); break;
    case 1: word[at] = word[at] == 'e' ? 'a' : 'e'; break;
    default: {
        const char kept = word[at];
        word[at] = word[at + 1];
        word[at + 1] = kept;
    }
    }
}

/* Words of a title for one query: `wanted` plain ones. Returns how many there are. */
static u32 pick_words(char words[GROW_WORDS_MAX][40], u32 count, u32 wanted, bool side_by_side,
                      u64 *random, char picked[4][40])
{
    u32 found = 0;
    const u32 first = below(random, count);
    for (u32 w = 0; w < count && found < wanted; w++) {
        const u32 at = side_by_side ? w : (first + w) % count;
        if (is_plain(words[at]))
            (void)snprintf(picked[found++], 40, "%s", words[at]);
        else if (side_by_side)
            found = 0;
    }
    return found;
}

void grow_query(const struct grow *grow, enum grow_query kind, u32 n, u32 count, char *to,
                size_t bytes)
{
    char words[GROW_WORDS_MAX][40], picked[4][40];
    u64 random = (grow->seed ^ 0xABCDEF) + (u64)kind * 1000003 + n;
    static const u32 wanted[] = {1, 2, 4, 2, 1, 2, 2, 2};
    u32 category_at = 0, found = 0;
    u64 ignored;
    for (u32 tries = 0; tries < 100 && found < wanted[kind]; tries++) {
        const u32 length = words_of(grow, below(&random, count), words, &category_at, &ignored);
        if (kind == GROW_QUERY_RARE) {
            new_word(&random, picked[0]);
            found = 1;
            break;
        }
        found = pick_words(words, length,
                           kind == GROW_QUERY_FOUR ? 3 + below(&random, 2) : wanted[kind],
                           kind == GROW_QUERY_PHRASE, &random, picked);
        if (kind == GROW_QUERY_FOUR && found >= 3)
            break;
    }
    const struct grow_category *category = &grow->categories[category_at];
    if (kind == GROW_QUERY_COMMON) {
        (void)snprintf(to, bytes, "%s %s", grow->text + category->frequent[0],
                       grow->text + category->frequent[1]);
        return;
    }
    if (kind == GROW_QUERY_TYPO)
        misspell(picked[found - 1], &random);
    if (kind == GROW_QUERY_PREFIX)
        picked[found - 1][MIN(strlen(picked[found - 1]), 3 + below(&random, 2))] = '\0';
    size_t used = 0;
    *to = '\0';
    for (u32 w = 0; w < found; w++)
        used += (size_t)snprintf(to + used, bytes - used, "%s%s",
                                 w > 0                       ? " "
                                 : kind == GROW_QUERY_PHRASE ? "\""
                                                             : "",
                                 picked[w]);
    if (kind == GROW_QUERY_PHRASE)
        (void)snprintf(to + used, bytes - used, "\"");
}
