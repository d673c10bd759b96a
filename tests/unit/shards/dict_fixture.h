/* dict_fixture: a dictionary beside a list of the same words, and words to try.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_DICT_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_DICT_FIXTURE_H

#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/search/dict.h"

struct lexicon {
    struct store_memory memory;
    struct arena arena;
    struct text_language language;
    struct dict dict;
};

static inline struct span span_of(const char *text)
{
    return (struct span){(const u8 *)text, (u32)strlen(text)};
}

static inline void lexicon_open(struct lexicon *lexicon, const char *language)
{
    store_memory_init(&lexicon->memory);
    arena_init(&lexicon->arena, &lexicon->memory);
    text_language_init(&lexicon->language, span_of(language));
    dict_init(&lexicon->dict, &lexicon->memory, &lexicon->arena, &lexicon->language);
}

static inline void lexicon_close(struct lexicon *lexicon)
{
    dict_deinit(&lexicon->dict);
    assert_int_equal(arena_live_bytes(&lexicon->arena), 0);
    arena_deinit(&lexicon->arena);
    text_language_deinit(&lexicon->language);
    assert_int_equal(lexicon->memory.used_bytes, 0);
}

/* A word that is in `documents` live documents. */
static inline u32 lexicon_add(struct lexicon *lexicon, struct span word, u32 documents)
{
    const u32 surface = dict_add(&lexicon->dict, word);
    assert_int_not_equal(surface, 0);
    for (u32 i = 0; i < documents; i++)
        dict_count(&lexicon->dict, surface, 1);
    return surface;
}

/* The plainest way to a distance: the whole table. */
static inline u32 plain_distance(struct span a_text, struct span b_text)
{
    static u32 table[66][66];
    struct dict_letters a, b;
    dict_letters_of(a_text, &a);
    dict_letters_of(b_text, &b);
    for (u32 i = 0; i <= a.count; i++)
        for (u32 j = 0; j <= b.count; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            u32 best = table[i - 1][j - 1] + (a.letters[i - 1] == b.letters[j - 1] ? 0 : 1);
            best = MIN(best, table[i - 1][j] + 1);
            best = MIN(best, table[i][j - 1] + 1);
            if (i > 1 && j > 1 && a.letters[i - 1] == b.letters[j - 2] &&
                a.letters[i - 2] == b.letters[j - 1])
                best = MIN(best, table[i - 2][j - 2] + 1);
            table[i][j] = best;
        }
    return table[a.count][b.count];
}

/* ---- words ------------------------------------------------------------------------------------- */

struct letters_of {
    u32 count;
    const char *letters[12]; /* of one to four bytes */
};

static const struct letters_of few_letters = {2, {"a", "b"}};
static const struct letters_of some_letters = {5, {"a", "b", "c", "d", "e"}};
static const struct letters_of digits_too = {6, {"a", "b", "1", "2", "c", "a"}};
static const struct letters_of all_planes = {
    8, {"a", "b", "\xce\xb1", "\xd0\xb6", "\xe0\xb8\x81", "\xe3\x81\x82", "\xf0\x90\x90\xa8", "b"}};

/* One to `letters_max` letters, cut at 64 bytes. Returns its bytes. */
static inline u32 random_word(struct fuzz *fuzz, const struct letters_of *letters, u32 letters_max,
                              u8 word[TEXT_WORD_BYTES])
{
    u32 bytes = 0;
    for (u32 left = 1 + fuzz_below(fuzz, letters_max); left > 0; left--) {
        const char *letter = letters->letters[fuzz_below(fuzz, letters->count)];
        if (bytes + strlen(letter) > TEXT_WORD_BYTES)
            break;
        memcpy(word + bytes, letter, strlen(letter));
        bytes += (u32)strlen(letter);
    }
    return bytes;
}

/* Up to `edits` letters of a word put in, left out, replaced or swapped. */
static inline u32 change_word(struct fuzz *fuzz, const struct letters_of *letters, u32 edits,
                              u8 word[TEXT_WORD_BYTES], u32 bytes)
{
    struct dict_letters from;
    dict_letters_of((struct span){word, bytes}, &from);
    const char *parts[DICT_LETTERS_MAX + 4];
    char own[DICT_LETTERS_MAX][5] = {{0}};
    u32 count = 0;
    for (u32 at = 0; at < bytes; count++) {
        u32 size = 1;
        while (at + size < bytes && (word[at + size] & 0xc0) == 0x80)
            size++;
        memcpy(own[count], word + at, size);
        parts[count] = own[count];
        at += size;
    }
    for (; edits > 0; edits--) {
        const u32 at = fuzz_below(fuzz, count + 1);
        const char *letter = letters->letters[fuzz_below(fuzz, letters->count)];
        const u32 kind = fuzz_below(fuzz, 4);
        if (kind == 0 && count < DICT_LETTERS_MAX) {
            memmove(parts + at + 1, parts + at, (count - at) * sizeof parts[0]);
            parts[at] = letter;
            count++;
        } else if (kind == 1 && at < count && count > 1) {
            memmove(parts + at, parts + at + 1, (count - at - 1) * sizeof parts[0]);
            count--;
        } else if (kind == 2 && at < count) {
            parts[at] = letter;
        } else if (kind == 3 && at + 1 < count) {
            const char *first = parts[at];
            parts[at] = parts[at + 1];
            parts[at + 1] = first;
        }
    }
    u8 changed[TEXT_WORD_BYTES];
    bytes = 0;
    for (u32 i = 0; i < count && bytes + strlen(parts[i]) <= TEXT_WORD_BYTES; i++) {
        memcpy(changed + bytes, parts[i], strlen(parts[i]));
        bytes += (u32)strlen(parts[i]);
    }
    memcpy(word, changed, bytes);
    return bytes;
}

#endif
