/* text_fold: what a character is in a word, and what it becomes.
 *
 *      letter, digit   a byte of ASCII, in lower case
 *      mark, joiner    nothing, but the word goes on
 *      hyphen ' / . &  may connect words
 *      anything else   ends the word
 *
 * Beyond ASCII utf8proc says so: compatibility decomposition, case folding, marks and what is ignorable
 * by default left out. Characters that decompose into several are words if one of these is; the others
 * are left out (a vulgar fraction keeps its slash).
 *
 * Not here   words: text_analyse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_TEXT_FOLD_H
#define SOUK_SHARDS_SEARCH_TEXT_FOLD_H

#include "proto/frame.h"

enum text_kind {
    TEXT_KIND_OTHER,
    TEXT_KIND_LETTER,
    TEXT_KIND_DIGIT,
    TEXT_KIND_CONNECTOR, /* folded is one of - ' / . & _ */
    TEXT_KIND_NOTHING,   /* a mark, a joiner */
    TEXT_KIND_IDEOGRAPH, /* a word of its own */
    TEXT_KIND_FRACTION,  /* a word of its own, as 1/2 */
    TEXT_KIND_HIGH       /* not ASCII: ask text_fold_high */
};

#define TEXT_FOLD_BYTES 80u /* the longest decomposition, U+FDFA, has 18 characters */

struct text_folded {
    u32 kind;         /* enum text_kind, never HIGH */
    u32 source_bytes; /* 1 for a byte that is no UTF-8 */
    u32 bytes;
    u8 data[TEXT_FOLD_BYTES];
};

/* Of each byte; HIGH from 0x80 on. */
extern const u8 text_kinds[256];

/* Of the character at the beginning of `data`, which is at least one byte. */
void text_fold_high(struct span data, struct text_folded *folded);

static inline u8 text_fold_ascii(u8 byte)
{
    return (u8)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
}

#endif
