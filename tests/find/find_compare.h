/* find_compare: one question in one world, beside what it must answer.
 *
 * Ownership  one thread; an answer's spans are good until the next question.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FIND_FIND_COMPARE_H
#define SOUK_TESTS_FIND_FIND_COMPARE_H

#include "tests/find/find_ways.h"
#include "tests/find/find_world.h"

struct find_tally {
    u32 asked;
    u32 with_hits;
    u32 refused;
    u32 pages;
    u32 ads;
    u32 explained;
    u32 highlights;
    u32 inexact; /* hits that have a word by a guess */
    u32 corrected;
    u32 edges;        /* as many match as keep words from being dropped, or a few more */
    u32 lower_bounds; /* totals that were less than the exact one */
    u32 forms[FIND_FORMS];
    struct find_ways ways;
};

struct find_asked {
    u16 status;
    struct msg_search_rsp rsp;
    struct record_view view;
};

struct find_check {
    struct find_worlds *worlds;
    const struct find_question *question;
    struct find_answer answer;
    struct find_tally *tally;
    u64 now_ns;
    u32 world;
    bool is_wrong;
};

void find_ask(const struct find_check *check, struct span cursor, u32 offset,
              struct find_asked *asked);
/* Prints the first difference. */
void find_differ(struct find_check *check, const char *what, u64 at, u64 expected, u64 got);
#define FIND_EXPECT(check, what, at, expected, got)                   \
    do {                                                              \
        const u64 expected_ = (u64)(expected), got_ = (u64)(got);     \
        if (expected_ != got_)                                        \
            find_differ((check), (what), (u64)(at), expected_, got_); \
    } while (0)

/* The first page, and so many more by their cursors. */
void find_check_pages(struct find_check *check, u32 pages);
void find_question_print(const struct find_check *check, u64 seed);

/* ---- find_explain.c ---- */

/* The lines of the explanation, beside the hits of a page that begins at `from`. */
void find_check_explanation(struct find_check *check, u32 from, const struct find_asked *asked);

/* ---- find_during.c ---- */

struct find_changes {
    u32 questions;
    u32 changes;
    u32 facets;
    u32 sorted;
};
/* A question while products of the only world change between its slices; false: its answer cannot be. */
bool find_check_during(struct find_worlds *worlds, u64 seed, struct find_changes *changes);
/* The same question with and without leave to answer with a lower bound: the same hits. */
bool find_check_at_least(struct find_worlds *worlds, u64 seed, struct find_tally *tally);

#endif
