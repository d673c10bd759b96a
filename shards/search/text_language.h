/* text_language: the stem of a word, by the rules of a language.
 *
 * Snowball's stemmers (libstemmer) by their names: "english", "german", ...; "none" leaves words as
 * they are, and so is every word with a digit, a point or a slash in it. A stemmer allocates when it
 * is made and for words longer than any before, so a shard makes one and keeps it.
 *
 * Ownership  the stemmer belongs to the language; one core.
 * Happy path text_language_init when the policy says another language, text_language_stem once per new
 *            word: the dictionary remembers.
 * Failure    a name that libstemmer does not know is refused by text_language_invalid, before anything
 *            is logged. No memory for a stemmer: words stay as they are, which is soft.
 * Not here   stop words; finding out which language a text is in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_TEXT_LANGUAGE_H
#define SOUK_SHARDS_SEARCH_TEXT_LANGUAGE_H

#include "proto/frame.h"

#define TEXT_WORD_BYTES 64u /* of a folded word; longer ones are cut */

struct sb_stemmer;

struct text_language {
    struct sb_stemmer *stemmer; /* NULL: none */
};

/* NULL when there are stemmers of that name, or it is "none"; else the reason. */
const char *text_language_invalid(struct span name);

/* `name` may be anything; what is invalid counts as "none". */
void text_language_init(struct text_language *language, struct span name);
void text_language_deinit(struct text_language *language);

/* Writes the stem of a folded word to `stem` and returns its length, 1 to TEXT_WORD_BYTES. */
u32 text_language_stem(const struct text_language *language, struct span word,
                       u8 stem[TEXT_WORD_BYTES]);

#endif
