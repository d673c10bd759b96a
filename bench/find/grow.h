/* grow: a catalog of any size that is like real ones: words of real titles recombined within their
 * category, one word in ten a new one by Zipf's law.
 *
 *      real catalogs (titles with their category) -> words and lengths per category
 *      grow_product(i) -> always the same product for the same seed and i, nothing is kept
 *
 * Where the real catalogs are not there, a small built-in vocabulary stands in, and `is_real` says no.
 *
 * Ownership  the texts of a product are in it.
 * Failure    grow_open says why on stderr and falls back; no memory is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_FIND_GROW_H
#define SOUK_BENCH_FIND_GROW_H

#include "proto/base.h"

#define GROW_WORDS_MAX 24u

struct grown {
    u64 product_id;
    char code[32];
    char title[384];
    char brand[32];
    char category[64];
    char attributes[192]; /* lines of name=value */
    u32 price;            /* pence */
    u32 popularity;
};

struct grow;

/* `data`: the folder with the real catalogs, or NULL. */
struct grow *grow_open(const char *data, u64 seed);
void grow_close(struct grow *grow);
bool grow_is_real(const struct grow *grow);
/* Titles that the vocabulary was taken from. */
u32 grow_title_count(const struct grow *grow);
void grow_product(const struct grow *grow, u32 i, struct grown *product);

/* Queries of a class out of the products 0 .. count - 1. */
enum grow_query {
    GROW_QUERY_ONE,    /* one word */
    GROW_QUERY_TWO,    /* two words of one title */
    GROW_QUERY_FOUR,   /* three or four words of one title */
    GROW_QUERY_COMMON, /* the two most frequent words of a category */
    GROW_QUERY_RARE,   /* one word of few products */
    GROW_QUERY_PREFIX, /* a word and the beginning of another */
    GROW_QUERY_TYPO,   /* two words, one with a typo */
    GROW_QUERY_PHRASE, /* two words side by side, in quotes */
    GROW_QUERY_COUNT
};
const char *grow_query_name(enum grow_query kind);
/* The n-th query of a class; `to` has `bytes`. */
void grow_query(const struct grow *grow, enum grow_query kind, u32 n, u32 count, char *to,
                size_t bytes);

#endif
