/* relevance_plain: plain BM25 on titles, what searches are measured against: k1 1.2, b 0.3, words of
 * letters and digits of ASCII in small letters, any word may match, equal scores in order of the offers.
 *
 * Ownership  copies nothing; the set outlives it. No memory is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_RELEVANCE_PLAIN_H
#define SOUK_TESTS_RELEVANCE_PLAIN_H

#include "tests/relevance/relevance_sets.h"

struct relevance_plain;

struct relevance_plain *relevance_plain_open(const struct relevance_set *set);
void relevance_plain_close(struct relevance_plain *plain);
/* The best offers, at most `max`; how many. */
u32 relevance_plain_search(struct relevance_plain *plain, const char *query, u32 *offers, u32 max);

#endif
