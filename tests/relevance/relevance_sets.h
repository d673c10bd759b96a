/* relevance_sets: catalogs with queries of which it is known what they should find.
 *
 *      offers   price comparison: what 306 shops call a product; query = its label, wanted = its offers
 *      gifts    a wholesaler: query = another spelling that the shop once used, wanted = the product
 *      clothes  query = brand, kind, colour and for whom, shuffled; wanted = the products of these
 *      made     invented words and model numbers, written as shops write them; needs no data
 *
 * Formulas were chosen with the first; the others show that they are not made for it.
 *
 * Ownership  a set owns its texts. Failure: false where the data is not there; no memory is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_RELEVANCE_SETS_H
#define SOUK_TESTS_RELEVANCE_SETS_H

#include "proto/base.h"

struct relevance_offer {
    char *title;
    char *category;   /* "" = none */
    char *attributes; /* lines of name=value */
    u32 group;
};

struct relevance_query {
    char *text;
    u32 group; /* the offers that it should find */
};

struct relevance_set {
    struct relevance_offer *offers;
    struct relevance_query *queries;
    char **names;     /* of groups */
    u32 *group_sizes; /* offers in each */
    u32 *table;       /* of groups by name */
    u32 offer_count;
    u32 query_count;
    u32 group_count;
    u32 offer_capacity;
    u32 query_capacity;
    u32 group_capacity;
    u32 table_mask;
};

bool relevance_load_offers(struct relevance_set *set, const char *data);
bool relevance_load_gifts(struct relevance_set *set, const char *data);
bool relevance_load_clothes(struct relevance_set *set, const char *data);
bool relevance_make(struct relevance_set *set, u64 seed);
void relevance_free(struct relevance_set *set);

/* ---- for the files that fill sets ---- */

/* The group of this name, made if there is none. */
u32 relevance_group(struct relevance_set *set, const char *name);
void relevance_add_offer(struct relevance_set *set, u32 group, const char *title,
                         const char *category, const char *attributes);
void relevance_add_query(struct relevance_set *set, u32 group, const char *text);
/* A generator: the same numbers for the same seed. */
u64 relevance_next(u64 *state);

#endif
