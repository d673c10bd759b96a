/* find_slots: a query on its way to slots: places, and what each of them may stand for.
 *
 *      text -> places (find_query.c) -> alternatives (find_offer.c) -> slots (find_slots.c)
 *
 * Ownership  words, keys and stems by find_bump: good until the next question.
 * Failure    more than there is room for is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FIND_FIND_SLOTS_H
#define SOUK_TESTS_FIND_FIND_SLOTS_H

#include "tests/find/find_oracle.h"

/* ---- find_query.c ---- */

struct find_part {
    u8 bytes;
    u8 text[TEXT_WORD_BYTES];
};
struct find_place {
    u32 first;
    u32 count;
    bool is_phrase;
    bool is_excluded;
    bool is_apart;
    bool is_open;
    bool has_joined;
    bool is_variant; /* the joined form is none of its parts */
    u32 begin;       /* in the query */
    u32 end;
    struct find_part joined;
};
struct find_query {
    struct find_place places[FIND_SLOTS_MAX];
    u32 place_count;
    u32 word_count;
    struct find_part parts[FIND_PARTS_MAX * 8];
    u32 part_count;
    bool is_bad;
};

void find_query_read(struct find_query *query, const char *text);

struct span find_part_span(const struct find_part *part);
u32 find_letters(struct span word);
bool find_has_digit(struct span word);
bool find_is_number(struct span word);

/* ---- find_offer.c ---- */

/* What a place may stand for. */
struct find_alternative {
    const char *words; /* with spaces */
    const char *key;   /* stem, words of a row, or of a typo the word itself with a mark */
    u64 key_hash;
    u32 *stems; /* UINT32_MAX: nobody has it */
    u32 word_count;
    u32 df;
    u32 factor;
    enum score_kind kind;
    u32 cost;
    bool is_joined;
    bool is_out;
};
struct find_choice {
    struct find_alternative *items;
    u32 count;
    u32 capacity;
    bool is_stop;
    bool is_out;
};
struct find_work {
    struct find_shop *shop;
    struct find_query query;
    struct find_choice slots[FIND_SLOTS_MAX]; /* by place */
};

/* Of one key: one alternative, by its best factor, in the end. */
bool find_is_same(const struct find_alternative *a, const struct find_alternative *b);
bool find_is_plain(const struct find_work *work, u32 at);
/* Places from first to last written together. */
bool find_join(const struct find_work *work, u32 first, u32 last, struct find_part *word);
/* Are the places from `first` on, in a row, called as those of `entry`? */
bool find_is_called(const struct find_work *work, u32 first, u32 last, const char *entry);

/* The next of words with commas; false: there is none. */
bool find_next_entry(const char **at, char *entry);

void find_offer_place(struct find_work *work, u32 at, enum score_kind kind,
                      const struct find_query *query, const struct find_place *place);
void find_offer_synonyms(struct find_work *work, u32 at);
void find_offer_joined(struct find_work *work, u32 at);
void find_offer_longer(struct find_work *work, u32 at);
/* Words like the row of places from first to last. */
void find_offer_likes(struct find_work *work, u32 at, u32 first, u32 last);
void find_offer_halves(struct find_work *work, u32 at, struct span word);

#endif
