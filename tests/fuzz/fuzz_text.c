/* fuzz_text: arbitrary bytes as a text, and as what is done to a dictionary.
 *
 *   first byte   even: the rest is a text; odd: the rest are steps
 *   a step       one byte: its kind and a number; for most a word: one byte of length, then letters
 *
 * Words of a text must stand in order inside of it, variants cover parts that are there, and what is
 * folded folds no further. A dictionary must know, count and offer exactly what a plain list does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "shards/search/dict.h"
#include "shards/search/text_analyse.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 200u

/* ---- texts ------------------------------------------------------------------------------------- */

static void read_text(struct span text)
{
    struct text_reader reader;
    struct text_word word;
    u32 position = 0, end_before = 0, place_position = 0;
    text_begin(&reader, text);
    while (text_next(&reader, &word)) {
        u8 folded[TEXT_WORD_BYTES], again[TEXT_WORD_BYTES];
        MUST(word.bytes > 0 && word.bytes <= TEXT_WORD_BYTES);
        MUST(word.begin < word.end && word.end <= text.bytes);
        if ((word.flags & TEXT_VARIANT) == 0) {
            MUST(word.position == position && word.width == 1 && word.begin >= end_before);
            position++;
            end_before = word.end;
        } else {
            MUST(word.position >= place_position && word.position + word.width <= position);
            MUST(word.end <= end_before);
        }
        if ((word.flags & TEXT_LAST) != 0)
            place_position = position;
        const u32 bytes = text_fold((struct span){word.data, word.bytes}, folded);
        MUST(text_fold((struct span){folded, bytes}, again) == bytes);
        MUST(memcmp(folded, again, bytes) == 0);
    }
    MUST(position == place_position);
}

/* ---- dictionaries ------------------------------------------------------------------------------ */

struct listed {
    u8 text[TEXT_WORD_BYTES];
    u32 bytes;
    u32 documents;
};

struct bench {
    struct store_memory memory;
    struct arena arena;
    struct text_language language;
    struct dict dict;
    struct listed words[WORDS_MAX];
    u32 count;
};

static struct span text_at(const struct bench *bench, u32 i)
{
    return (struct span){bench->words[i].text, bench->words[i].bytes};
}

/* Letters of one to four bytes, a digit among them. */
static struct span take_word(struct fuzz_input *input, u8 word[TEXT_WORD_BYTES])
{
    static const char *const letters[8] = {
        "a", "b", "c", "s", "7", "\xc3\xa6", "\xe3\x81\x82", "\xf0\x90\x90\xa8"};
    u32 bytes = 0;
    const u32 length = 1 + (u32)fuzz_take(input, 1) % 16;
    for (u32 i = 0; i < length; i++) {
        const char *letter = letters[fuzz_take(input, 1) % 8];
        if (bytes + strlen(letter) > TEXT_WORD_BYTES)
            break;
        memcpy(word + bytes, letter, strlen(letter));
        bytes += (u32)strlen(letter);
    }
    return (struct span){word, bytes};
}

static struct listed *find(struct bench *bench, struct span text)
{
    for (u32 i = 0; i < bench->count; i++)
        if (dict_text_compare(text_at(bench, i), text) == 0)
            return &bench->words[i];
    return NULL;
}

static void add(struct bench *bench, struct span text, u32 documents)
{
    struct listed *listed = find(bench, text);
    if (listed == NULL) {
        if (bench->count == WORDS_MAX)
            return;
        listed = &bench->words[bench->count++];
        memcpy(listed->text, text.data, text.bytes);
        listed->bytes = text.bytes;
        listed->documents = 0;
    }
    const u32 surface = dict_add(&bench->dict, text);
    for (u32 i = 0; i < documents; i++)
        dict_count(&bench->dict, surface, 1);
    listed->documents += documents;
}

static void take_away(struct bench *bench, struct span text, u32 documents)
{
    struct listed *listed = find(bench, text);
    if (listed == NULL)
        return;
    for (; documents > 0 && listed->documents > 0; documents--, listed->documents--)
        dict_count(&bench->dict, dict_find(&bench->dict, text), -1);
}

static bool begins_with(struct span text, struct span prefix)
{
    return text.bytes >= prefix.bytes && memcmp(text.data, prefix.data, prefix.bytes) == 0;
}

/* Every word that is told must be in the list, in order; the list must have as many. */
static void ask_prefix(struct bench *bench, struct span prefix)
{
    u32 best[DICT_PREFIX_MAX], ordered[DICT_PREFIX_MAX];
    u32 expected = 0;
    for (u32 i = 0; i < bench->count; i++)
        expected += bench->words[i].documents != 0 && begins_with(text_at(bench, i), prefix);
    const struct dict *dict = &bench->dict;
    const u32 count = dict_prefix(dict, prefix, best, DICT_PREFIX_MAX);
    MUST(count == MIN(expected, DICT_PREFIX_MAX));
    MUST(dict_prefix_in_order(dict, prefix, (struct span){0}, ordered, DICT_PREFIX_MAX) == count);
    for (u32 i = 0; i < count; i++) {
        MUST(begins_with(dict_text(dict, best[i]), prefix));
        MUST(begins_with(dict_text(dict, ordered[i]), prefix));
        if (i == 0)
            continue;
        const u8 before = dict_rank(dict_live(dict, best[i - 1]));
        const u8 rank = dict_rank(dict_live(dict, best[i]));
        MUST(before > rank || (before == rank && dict_text_compare(dict_text(dict, best[i - 1]),
                                                                   dict_text(dict, best[i])) < 0));
        MUST(dict_text_compare(dict_text(dict, ordered[i - 1]), dict_text(dict, ordered[i])) < 0);
    }
}

static u32 distance_of(struct span a_text, struct span b_text)
{
    static u32 table[DICT_LETTERS_MAX + 1][DICT_LETTERS_MAX + 1];
    struct dict_letters a, b;
    dict_letters_of(a_text, &a);
    dict_letters_of(b_text, &b);
    for (u32 i = 0; i <= a.count; i++)
        for (u32 j = 0; j <= b.count; j++) {
            u32 best = i + j;
            if (i > 0 && j > 0) {
                best = table[i - 1][j - 1] + (a.letters[i - 1] == b.letters[j - 1] ? 0 : 1);
                best = MIN(best, 1 + MIN(table[i - 1][j], table[i][j - 1]));
            }
            if (i > 1 && j > 1 && a.letters[i - 1] == b.letters[j - 2] &&
                a.letters[i - 2] == b.letters[j - 1])
                best = MIN(best, table[i - 2][j - 2] + 1);
            table[i][j] = best;
        }
    return table[a.count][b.count];
}

static u32 letters_in(struct span text)
{
    struct dict_letters letters;
    dict_letters_of(text, &letters);
    return letters.count;
}

static void ask_typo(struct bench *bench, struct span word, u32 distance)
{
    struct dict_like likes[WORDS_MAX];
    const u32 count = dict_typo(&bench->dict, word, distance, likes, WORDS_MAX);
    const bool has_digit = memchr(word.data, '7', word.bytes) != NULL;
    u32 expected = 0;
    for (u32 i = 0; i < bench->count; i++) {
        const struct span text = text_at(bench, i);
        const bool is_code = has_digit || memchr(text.data, '7', text.bytes) != NULL;
        const u32 allowed = is_code || letters_in(word) < DICT_TYPO2_LETTERS ? 1 : distance;
        const u32 apart = distance_of(word, text);
        expected += bench->words[i].documents != 0 && apart >= 1 && apart <= allowed &&
                    (letters_in(word) > 1 || letters_in(text) > 1);
    }
    MUST(count == expected);
    for (u32 i = 0; i < count; i++) {
        MUST(distance_of(word, dict_text(&bench->dict, likes[i].surface)) == likes[i].distance);
        MUST(likes[i].cost / 2 == likes[i].distance);
        MUST(i == 0 || likes[i - 1].cost <= likes[i].cost);
    }
}

static void check_list(struct bench *bench)
{
    for (u32 i = 0; i < bench->count; i++) {
        const u32 surface = dict_find(&bench->dict, text_at(bench, i));
        MUST(surface != 0 || bench->words[i].documents == 0);
        MUST(surface == 0 || dict_live(&bench->dict, surface) == bench->words[i].documents);
        MUST(surface == 0 ||
             dict_find_stem(&bench->dict, text_at(bench, i)) == dict_term(&bench->dict, surface));
    }
    MUST(dict_valid(&bench->dict));
}

static void step(struct bench *bench, struct fuzz_input *input)
{
    u8 text[TEXT_WORD_BYTES];
    const u32 first = (u32)fuzz_take(input, 1);
    const u32 number = first / 8;
    const struct span word = take_word(input, text);
    switch (first % 8) {
    case 0:
    case 1:
    case 2: add(bench, word, number); break;
    case 3: take_away(bench, word, number); break;
    case 4: ask_prefix(bench, (struct span){word.data, MIN(word.bytes, number)}); break;
    case 5: ask_typo(bench, word, 1 + number % 2); break;
    case 6: (void)dict_sweep(&bench->dict, number, NULL, NULL); break;
    default: /* near to one that is there */
        if (bench->count != 0)
            ask_typo(bench, text_at(bench, number % bench->count), 2);
    }
}

static void take_steps(struct fuzz_input *input)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL)
        PANIC("out of memory");
    store_memory_init(&bench->memory);
    arena_init(&bench->arena, &bench->memory);
    text_language_init(&bench->language, (struct span){(const u8 *)"english", 7});
    dict_init(&bench->dict, &bench->memory, &bench->arena, &bench->language);
    for (u32 i = 0; input->left != 0 && i < 600; i++)
        step(bench, input);
    check_list(bench);
    dict_deinit(&bench->dict);
    MUST(arena_live_bytes(&bench->arena) == 0);
    arena_deinit(&bench->arena);
    text_language_deinit(&bench->language);
    MUST(bench->memory.used_bytes == 0);
    free(bench);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    struct fuzz_input input = {data, bytes};
    if (bytes == 0)
        return 0;
    if (fuzz_take(&input, 1) % 2 == 0)
        read_text((struct span){input.data, (u32)input.left});
    else
        take_steps(&input);
    return 0;
}
