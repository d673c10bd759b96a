/* forward_words: the words of one document in their order, packed: for phrases, nearness, similar items, and
 * to know whose df a dead document takes down.
 *
 *      words[0]   how many words follow
 *      words[1..] bit 31 clear: a token   bit 30 it stands one position after the token before it,
 *                                                 else at the same position
 *                                         bit 29 first of its term in this document
 *                                         bits 0-28 its term
 *                 bit 31 set: a jump      bits 28-30 field, bits 0-27 position: the next token
 *                                         stands there (its own bit 30 is clear)
 *
 * A title of 10 words takes 12 x 4 bytes. Plain words instead of varints: a phrase is looked for with
 * the speed of a scan, and a third of the bytes would be saved at most.
 *
 * Invariants
 *   I1  tokens are in order of field, then position; a token of a new field comes after a jump.
 *   I2  each term has bit 29 in exactly one of its tokens.
 * Ownership  an arena object of 4 x (1 + words[0]) bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_FORWARD_WORDS_H
#define SOUK_SHARDS_SEARCH_FORWARD_WORDS_H

#include "proto/base.h"

#define FORWARD_JUMP         (1u << 31)
#define FORWARD_NEXT         (1u << 30)
#define FORWARD_FIRST        (1u << 29)
#define FORWARD_TERM         (FORWARD_FIRST - 1)
#define FORWARD_POSITION_MAX ((1u << 28) - 1)
#define FORWARD_PHRASE_MAX   64u

/* A word of a document. Tokens may share a position: forms of one word. */
struct index_token {
    u32 term;
    u32 position; /* in its field, from 0 */
    u16 field;    /* enum index_field */
    u16 zero;
};

/* Walks the tokens of a document; `words` as index_forward gives it, NULL for none. */
struct forward_reader {
    const u32 *at;
    const u32 *end;
    u32 position;
    u16 field;
    bool is_first; /* the token that was read last is the first of its term in this document */
};

static inline struct forward_reader forward_begin(const u32 *words)
{
    if (words == NULL)
        return (struct forward_reader){0};
    return (struct forward_reader){.at = words + 1, .end = words + 1 + words[0]};
}

/* False after the last one. */
static inline bool forward_next(struct forward_reader *reader, struct index_token *token)
{
    if (reader->at == reader->end)
        return false;
    u32 word = *reader->at++;
    if ((word & FORWARD_JUMP) != 0) {
        reader->field = (u16)(word >> 28 & 7);
        reader->position = word & FORWARD_POSITION_MAX;
        word = *reader->at++;
    } else if ((word & FORWARD_NEXT) != 0) {
        reader->position++;
    }
    reader->is_first = (word & FORWARD_FIRST) != 0;
    *token = (struct index_token){
        .term = word & FORWARD_TERM, .position = reader->position, .field = reader->field};
    return true;
}

/* Do terms[0], terms[1], ... stand at consecutive positions of one field? `count` from 1 to
 * FORWARD_PHRASE_MAX. */
bool forward_phrase(const u32 *words, const u32 *terms, u32 count);

/* Does any token of the document have this term? */
bool forward_has(const u32 *words, u32 term);

/* How many words `tokens` need, words[0] included. At most 2 x count + 1. */
NODISCARD u32 forward_word_count(const struct index_token *tokens, u32 count);

/* Writes them; tokens in order (I1). Bit i of `firsts` is set where token i is the first of its term. */
void forward_write(u32 *words, u32 word_count, const struct index_token *tokens, u32 count,
                   const u64 *firsts);

/* Walks the words. */
bool forward_valid(const u32 *words);

#endif
