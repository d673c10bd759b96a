/* text_language: names and stems; see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/text_language.h"

#include <libstemmer.h>
#include <string.h>

static bool is_name(const char *known, struct span name)
{
    u32 same = 0;
    while (same < name.bytes && known[same] != '\0' && (u8)known[same] == name.data[same])
        same++;
    return same == name.bytes && known[same] == '\0';
}

/* libstemmer's own spelling of the name, or NULL. */
static const char *find_name(struct span name)
{
    for (const char **known = sb_stemmer_list(); *known != NULL; known++)
        if (is_name(*known, name))
            return *known;
    return NULL;
}

static bool is_none(struct span name)
{
    return name.bytes == 0 || (name.bytes == 4 && memcmp(name.data, "none", 4) == 0);
}

const char *text_language_invalid(struct span name)
{
    if (is_none(name) || find_name(name) != NULL)
        return NULL;
    return "no language of the Snowball stemmers, nor none";
}

void text_language_init(struct text_language *language, struct span name)
{
    *language = (struct text_language){0};
    if (is_none(name))
        return;
    const char *known = find_name(name);
    if (known != NULL)
        language->stemmer = sb_stemmer_new(known, NULL);
}

void text_language_deinit(struct text_language *language)
{
    sb_stemmer_delete(language->stemmer);
    language->stemmer = NULL;
}

/* Codes and numbers are no words of a language. */
static bool has_stem(struct span word)
{
    for (u32 i = 0; i < word.bytes; i++)
        if (word.data[i] < 'a' && word.data[i] != '\'')
            return false;
    return word.bytes > 2;
}

u32 text_language_stem(const struct text_language *language, struct span word,
                       u8 stem[TEXT_WORD_BYTES])
{
    MUST(word.bytes > 0 && word.bytes <= TEXT_WORD_BYTES);
    if (language->stemmer != NULL && has_stem(word)) {
        const u8 *found = sb_stemmer_stem(language->stemmer, word.data, (int)word.bytes);
        const int bytes = found == NULL ? 0 : sb_stemmer_length(language->stemmer);
        if (bytes > 0 && bytes <= (int)TEXT_WORD_BYTES) {
            memcpy(stem, found, (size_t)bytes);
            return (u32)bytes;
        }
    }
    memcpy(stem, word.data, word.bytes);
    return word.bytes;
}
