/* query_text: what somebody typed, as slots.
 *
 *      white 64 gb "hanging heart" -wood -"pine cone"
 *      slot  slot  slot (a phrase)  excluded  excluded phrase
 *
 * A place of text_analyse.h (what is written together, or a number with its unit) is a slot: it means
 * what its parts are when joined, or its parts in a row. Of a place that has digits and is no number each
 * part is a slot of its own: it is a model number, and shops write only some of its parts. A phrase in quotes is one slot: all parts of
 * its places in a row. A quote begins a phrase, and a minus sign excludes, only at the beginning or after
 * a space; a quote that is not closed (before a space or the end) is a sign like others: 5.5".
 *
 * Invariants
 *   I1  slots are in the order of the text, each with at least one part.
 *   I2  at most QUERY_WORDS_MAX words: slots, and the places of phrases.
 *   I3  at most the last slot is open, and then nothing follows it.
 * Ownership  the caller's struct; no pointer into the source is kept.
 * Failure    too many words, or bytes that are not UTF-8: the byte at which it is wrong.
 * Not here   what the catalog knows of these words: query_offer.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_QUERY_TEXT_H
#define SOUK_SHARDS_SEARCH_QUERY_TEXT_H

#include "proto/frame.h"
#include "proto/limits.h"
#include "shards/search/text_analyse.h"

/* Parts, and one joined form per place. */
#define QUERY_PARTS_MAX (QUERY_WORDS_MAX * (TEXT_PLACE_PARTS + 1))

struct query_part {
    u8 bytes;
    u8 flags; /* enum text_flag */
    u8 text[TEXT_WORD_BYTES];
};

enum query_slot_flag {
    QUERY_SLOT_PHRASE = 1,
    QUERY_SLOT_EXCLUDED = 2,
    QUERY_SLOT_OPEN = 4, /* the last word, nothing after it: it may go on */
    QUERY_SLOT_APART =
        8 /* does not follow the slot before directly: a phrase or an exclusion between */
};

struct query_slot {
    u32 begin; /* in the source */
    u32 end;
    u16 first;  /* of its parts */
    u16 count;  /* of its parts */
    u16 joined; /* index of the joined form among the parts, or of the only part; QUERY_NO_PART */
    u16 flags;
};
#define QUERY_NO_PART UINT16_MAX

struct query_text {
    u32 slot_count;
    u32 part_count;
    u32 place_count;
    u32 error_at;
    struct query_slot slots[QUERY_WORDS_MAX];
    struct query_part parts[QUERY_PARTS_MAX];
};

/* Slots from `first` to `last` written together: plain ones, one after the other. Returns the length of
 * the word, which `to` (TEXT_WORD_BYTES) gets; 0: they cannot be. */
u32 query_text_join(const struct query_text *query, u32 first, u32 last, u8 *to);

/* NULL, or what is wrong with the query; error_at says where. */
const char *query_text_parse(struct query_text *query, struct span source);

static inline struct span query_part_span(const struct query_part *part)
{
    return (struct span){.data = part->text, .bytes = part->bytes};
}
/* Letters of a folded word: code points. */
static inline u32 query_letters(struct span word)
{
    u32 count = 0;
    for (u32 i = 0; i < word.bytes; i++)
        count += (word.data[i] & 0xc0) != 0x80 ? 1 : 0;
    return count;
}
/* A plain number: digits, perhaps with points or strokes. */
static inline bool query_is_number(struct span word)
{
    for (u32 i = 0; i < word.bytes; i++)
        if (word.data[i] < '.' || word.data[i] > '9')
            return false;
    return true;
}
static inline bool query_has_digit(struct span word)
{
    for (u32 i = 0; i < word.bytes; i++)
        if (word.data[i] >= '0' && word.data[i] <= '9')
            return true;
    return false;
}

static inline struct span query_text_part(const struct query_text *query, u32 part)
{
    return query_part_span(&query->parts[part]);
}

#endif
