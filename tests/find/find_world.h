/* find_world: one shop of plain arrays, and the same shop in worlds of several shards each.
 *
 *      find_worlds_open, find_worlds_fill     catalog, settings
 *      find_worlds_change                     some product changes: text, numbers, stock, reviews, life
 *      find_worlds_pass, _track               time goes on, users look at products
 *      find_worlds_settle                     everything has arrived everywhere
 *
 * Ownership  one thread. Failure: no memory, and commands that are refused, are panics.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FIND_FIND_WORLD_H
#define SOUK_TESTS_FIND_FIND_WORLD_H

#include "tests/find/find_judge.h"
#include "tests/support/feeder.h"
#include "tests/support/gather_loop.h"

enum find_catalog { FIND_RANDOM, FIND_GIFTS, FIND_CLOTHES, FIND_OFFERS, FIND_CATALOGS };

struct find_world {
    struct feeder *feeder;
    struct gather_loop *loop;
};
struct find_worlds {
    struct find_shop shop;
    struct find_world worlds[FIND_WORLDS_MAX];
    u32 count;
    u32 next_id;
    u64 random;
};

/* False: the data is not there. */
bool find_worlds_open(struct find_worlds *worlds, enum find_catalog catalog, u32 docs, u64 seed,
                      const u16 *shards, u32 count);
void find_worlds_close(struct find_worlds *worlds);
/* The index of the document. */
u32 find_worlds_change(struct find_worlds *worlds);
void find_worlds_settle(struct find_worlds *worlds);
void find_worlds_restart(struct find_worlds *worlds);

/* The latest of their clocks: every world is asked about that moment. */
u64 find_worlds_now(const struct find_worlds *worlds);
/* What only the shards know of a document: when it was put. */
void find_worlds_read(struct find_worlds *worlds, u32 at);
void find_worlds_pass(struct find_worlds *worlds, u64 ns);
void find_worlds_track(struct find_worlds *worlds);
/* The same command for every world. */
void find_put(struct find_worlds *worlds, u16 opcode, const void *fixed, const struct span *spans);
char *find_category_make(u64 *random);

/* ---- find_settings.c ---- */

void find_settings_put(struct find_worlds *worlds, bool is_random);
/* Curations, ads, collections: when the products are there. */
void find_settings_name_products(struct find_worlds *worlds);
void find_settings_change_ads(struct find_worlds *worlds);
void find_settings_policy(struct find_worlds *worlds);

u64 find_random(u64 *state);
/* Below `end`. */
u32 find_pick(u64 *state, u32 end);
/* In one of a hundred, times `percent`. */
bool find_chance(u64 *state, u32 percent);

/* ---- questions: find_ask.c ---- */

enum find_form {
    FIND_FORM_TYPO,
    FIND_FORM_PREFIX,
    FIND_FORM_PHRASE,
    FIND_FORM_MINUS,
    FIND_FORM_SYNONYM,
    FIND_FORM_FILTER,
    FIND_FORM_FACET,
    FIND_FORM_SORT,
    FIND_FORM_JOINED,
    FIND_FORM_STOP,
    FIND_FORM_DROPPED,
    FIND_FORM_CURATED,
    FIND_FORM_EMPTY,
    FIND_FORM_AD,
    FIND_FORM_COLLECTION,
    FIND_FORM_ONLY,
    FIND_FORM_RECENT,
    FIND_FORM_PROFILE,
    FIND_FORM_POLICY,
    FIND_FORM_CATEGORY,
    FIND_FORM_MOMENT,
    FIND_FORM_EDGE,
    FIND_FORM_EXPLAIN,
    FIND_FORM_AT_LEAST,
    FIND_FORMS
};
/* A filter alone. */
void find_filter_make(const struct find_shop *shop, u64 seed, struct find_question *question);
void find_question_make(const struct find_shop *shop, u64 seed, struct find_question *question);

#endif
