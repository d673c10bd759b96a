/* text_analyse: the words of a text, folded, with what people type instead of them.
 *
 *      "1-gal. Wi-Fi Kettle, O'Neill"
 *       0 1            position 0, bytes 0..1
 *       1 gal          1, 2..5
 *       0 1gal         0, width 2: a variant, joined
 *       2 wi   3 fi    2 wifi, width 2
 *       4 kettle
 *       5 o    6 neill 5 oneill, width 2
 *
 * A *place* is what is written together, or a number with its unit. Its parts are words at positions
 * of their own; what they are when joined is a *variant* that begins at the first of them and covers
 * `width` positions. All spellings of one thing give the same words, so an index that takes them all
 * and a query that asks for a place's longest variant or for all of its parts in a row meet:
 *
 *      64gb, 64 GB, 64-gb                   64 gb + 64gb
 *      wi-fi / wifi                         wi fi + wifi / wifi
 *      mq8n2b/a                             mq8n2b a + mq8n2ba
 *      5.5 in, 5.5in, 5.5-in                5.5 in + 5.5in
 *      5.5 inches, 5.5"                     5.5 inches + 5.5in, 5.5 + 5.5in
 *      3/4, 3/4 oz                          3 4 + 3/4, 3 4 oz + 3/4 + 3/4oz
 *      o'neill / women's                    o neill + oneill / women + womens
 *      iphone11                             iphone 11 + iphone11
 *      1,000                                1000
 *
 * Words are letters, digits and marks of Unicode. They are folded: NFKD, case, without marks, at most
 * TEXT_WORD_BYTES bytes (longer ones are cut, at a code point; a variant that would be longer is
 * left out). Each ideograph is a word of its own. Invalid UTF-8 separates words.
 *
 * Invariants
 *   I1  offsets grow with positions and lie on the bytes of the source that made the word.
 *   I2  positions of words that are no variants are 0, 1, 2, ...; a variant's positions exist.
 *   I3  a word that is folded already stays as it is: folding twice is folding once.
 * Ownership  the reader points to the source and holds one place at a time. No state but that.
 * Happy path text_begin(&reader, bytes); while (text_next(&reader, &word)) use(word);
 * Failure    none: every sequence of bytes has words, perhaps no words. Bounded: one call reads one
 *            place, which ends at the latest after TEXT_PLACE_PARTS parts.
 * Not here   stemming (text_language.h), stop words, synonyms, quotes and minus signs of queries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_TEXT_ANALYSE_H
#define SOUK_SHARDS_SEARCH_TEXT_ANALYSE_H

#include "shards/search/text_language.h"

#define TEXT_PLACE_RUNS \
    6u /* of letters and digits that a place has; what follows is the next one */
#define TEXT_PLACE_PARTS    (2 * TEXT_PLACE_RUNS + 1)
#define TEXT_PLACE_VARIANTS (2 * TEXT_PLACE_RUNS + 2)
#define TEXT_PLACE_BYTES    ((TEXT_PLACE_RUNS + TEXT_PLACE_VARIANTS) * TEXT_WORD_BYTES + 16)

enum text_flag {
    TEXT_VARIANT = 1, /* covers parts that are there too */
    TEXT_PART = 2,    /* is covered by a variant */
    TEXT_NUMBER = 4,  /* digits only, perhaps with points */
    TEXT_UNIT = 8,    /* a part: a unit behind a number; a variant: a number with its unit */
    TEXT_LAST = 16    /* the last word of its place */
};

struct text_word {
    const u8 *data; /* folded, valid until the next place is read */
    u32 bytes;
    u32 begin; /* in the source */
    u32 end;
    u32 position;
    u16 width;
    u16 flags; /* bits of enum text_flag */
};

struct text_reader {
    struct span source;
    u32 at;
    u32 position; /* of the next part */
    u32 part_count;
    u32 variant_count;
    u32 next; /* of parts and then variants: what text_next gives */
    u32 text_bytes;
    struct text_word parts[TEXT_PLACE_PARTS];
    struct text_word variants[TEXT_PLACE_VARIANTS];
    u8 text[TEXT_PLACE_BYTES];
};

/* `data` must outlive the reader. Up to 2^31 bytes. */
void text_begin(struct text_reader *reader, struct span data);

/* False: no more words. Words of a place come together, the parts first, then the variants. */
bool text_next(struct text_reader *reader, struct text_word *word);

/* Folds up to TEXT_WORD_BYTES bytes of anything into one word, leaving out what is in no word: for
 * prefixes and for values. Returns the length, which may be 0. */
u32 text_fold(struct span data, u8 folded[TEXT_WORD_BYTES]);

#endif
