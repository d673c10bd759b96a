/* relevance_made: a catalog that nobody has seen: brands, kinds and series of invented syllables, model
 * numbers and sizes; each product is offered by several shops, which leave words out, put others in,
 * and write numbers as they like.
 *
 *      label   Vornak Tulise KD-485XB 64 GB beral
 *      offers  vornak kd485xb 64gb mosent        tulise KD 485 XB, 64 gb, beral, poltan quick
 *              VORNAK KD-485XBGB beral
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/relevance/relevance_sets.h"

#define PRODUCTS   3000u
#define CATEGORIES 12u
#define WORD_BYTES 32u
#define LINE_BYTES 512u

struct made_words {
    char brands[16][WORD_BYTES];
    char series[24][WORD_BYTES];
    char kinds[40][WORD_BYTES];
    char unit[WORD_BYTES];
};

struct made_product {
    const char *brand;
    const char *series;
    char letters[8]; /* before the number */
    u32 number;
    char version[8]; /* behind it, "" = none */
    u32 size;
    const char *colour;
};

static u32 below(u64 *random, u32 end)
{
    return (u32)(relevance_next(random) % end);
}
static bool in_hundred(u64 *random, u32 chance)
{
    return below(random, 100) < chance;
}

static void make_word(u64 *random, char word[WORD_BYTES])
{
    static const char *const begins[] = {"b", "br", "d", "dr", "f", "g",  "k", "kl", "l",  "m",
                                         "n", "p",  "r", "s",  "t", "tr", "v", "z",  "qu", "j"};
    static const char *const middles[] = {"a", "e", "i", "o", "u", "ai", "ou", "ee"};
    static const char *const ends[] = {"", "", "n", "r", "l", "m", "nt", "rd"};
    const u32 syllables = 2 + below(random, 2);
    word[0] = '\0';
    for (u32 i = 0; i < syllables; i++) {
        const size_t used = strlen(word);
        const char *begin = begins[below(random, ARRAY_COUNT(begins))];
        const char *middle = middles[below(random, ARRAY_COUNT(middles))];
        const char *end = ends[below(random, ARRAY_COUNT(ends))];
        (void)snprintf(word + used, WORD_BYTES - used, "%s%s%s", begin, middle, end);
    }
}

static void make_letters(u64 *random, char *to, u32 count)
{
    for (u32 i = 0; i < count; i++)
        to[i] = (char)('A' + below(random, 26));
    to[count] = '\0';
}

static void make_words(u64 *random, struct made_words *words)
{
    static const char *const units[] = {"gb", "l", "w", "cm", "kg", "mah", "ml", "in"};
    for (u32 i = 0; i < ARRAY_COUNT(words->brands); i++)
        make_word(random, words->brands[i]);
    for (u32 i = 0; i < ARRAY_COUNT(words->series); i++)
        make_word(random, words->series[i]);
    for (u32 i = 0; i < ARRAY_COUNT(words->kinds); i++)
        make_word(random, words->kinds[i]);
    (void)snprintf(words->unit, sizeof words->unit, "%s", units[below(random, 8)]);
}

static void append(char line[LINE_BYTES], const char *text)
{
    const size_t used = strlen(line);
    (void)snprintf(line + used, LINE_BYTES - used, "%s%s", used == 0 ? "" : " ", text);
}

/* The model number as a shop writes it. */
static void append_model(u64 *random, const struct made_product *product, char line[LINE_BYTES],
                         bool is_label)
{
    static const char *const joints[] = {"", "", "-", " "};
    char text[64];
    const char *joint = joints[is_label ? 2 * below(random, 2) : below(random, 4)];
    const char *second = !is_label && in_hundred(random, 10) ? " " : "";
    const char *more = !is_label && in_hundred(random, 15) ? "GB" : "";
    (void)snprintf(text, sizeof text, "%s%s%u%s%s%s", product->letters, joint, product->number,
                   second, product->version, more);
    append(line, text);
}

static void append_size(u64 *random, const struct made_words *words,
                        const struct made_product *product, char line[LINE_BYTES])
{
    char text[64];
    (void)snprintf(text, sizeof text, "%u%s%s", product->size, in_hundred(random, 50) ? " " : "",
                   words->unit);
    append(line, text);
}

static void make_label(u64 *random, const struct made_words *words,
                       const struct made_product *product, char line[LINE_BYTES])
{
    line[0] = '\0';
    append(line, product->brand);
    if (in_hundred(random, 60))
        append(line, product->series);
    append_model(random, product, line, true);
    if (in_hundred(random, 60))
        append_size(random, words, product, line);
    if (in_hundred(random, 50))
        append(line, product->colour);
}

static void make_title(u64 *random, const struct made_words *words,
                       const struct made_product *product, char line[LINE_BYTES])
{
    const u32 kinds = ARRAY_COUNT(words->kinds);
    line[0] = '\0';
    if (in_hundred(random, 20))
        append(line, words->kinds[below(random, kinds)]);
    if (in_hundred(random, 90))
        append(line, product->brand);
    if (in_hundred(random, 50))
        append(line, product->series);
    if (in_hundred(random, 85))
        append_model(random, product, line, false);
    for (u32 extra = below(random, 7); extra != 0; extra--)
        append(line, words->kinds[below(random, 1 + below(random, kinds))]);
    if (in_hundred(random, 60))
        append_size(random, words, product, line);
    if (in_hundred(random, 60))
        append(line, product->colour);
    if (in_hundred(random, 70))
        for (char *at = line; *at != '\0'; at++)
            *at = (char)tolower((u8)*at);
    if (line[0] == '\0')
        append(line, product->brand);
}

static void make_product(u64 *random, const struct made_words *words, char colours[12][WORD_BYTES],
                         struct made_product *product)
{
    static const u32 sizes[] = {8, 12, 16, 24, 32, 40, 48, 64, 128, 256};
    product->brand = words->brands[below(random, 1 + below(random, ARRAY_COUNT(words->brands)))];
    product->series = words->series[below(random, ARRAY_COUNT(words->series))];
    product->number = 100 + below(random, in_hundred(random, 50) ? 900 : 9900);
    product->size = sizes[below(random, ARRAY_COUNT(sizes))];
    product->colour = colours[below(random, 12)];
    make_letters(random, product->letters, 1 + below(random, 3));
    make_letters(random, product->version, below(random, 3));
}

bool relevance_make(struct relevance_set *set, u64 seed)
{
    static struct made_words words[CATEGORIES];
    static char colours[12][WORD_BYTES];
    char line[LINE_BYTES];
    u64 random = seed;
    *set = (struct relevance_set){0};
    for (u32 i = 0; i < CATEGORIES; i++)
        make_words(&random, &words[i]);
    for (u32 i = 0; i < ARRAY_COUNT(colours); i++)
        make_word(&random, colours[i]);
    for (u32 i = 0; i < PRODUCTS; i++) {
        const struct made_words *of = &words[below(&random, CATEGORIES)];
        struct made_product product;
        make_product(&random, of, colours, &product);
        (void)snprintf(line, sizeof line, "%u", i);
        const u32 group = relevance_group(set, line);
        make_label(&random, of, &product, line);
        relevance_add_query(set, group, line);
        for (u32 offers = 2 + below(&random, 8); offers != 0; offers--) {
            make_title(&random, of, &product, line);
            relevance_add_offer(set, group, line, "", "");
        }
    }
    return true;
}
