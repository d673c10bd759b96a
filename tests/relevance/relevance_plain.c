/* relevance_plain: see relevance_plain.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/relevance/relevance_plain.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 256u
#define K1        1.2
#define B         0.3

struct posting {
    u32 offer;
    u32 frequency;
};

struct term {
    struct posting *postings;
    u32 count;
    u32 capacity;
};

struct relevance_plain {
    struct relevance_set words; /* its groups are the words */
    struct term *terms;
    u32 term_capacity;
    u32 *lengths;
    double *scores;
    u32 *touched;
    u32 offer_count;
    double average;
};

/* The next word of *at in small letters; false: none. */
static bool next_word(const char **at, char word[WORDS_MAX])
{
    u32 bytes = 0;
    while (**at != '\0' && (**at < 0 || !isalnum((u8) * *at)))
        ++*at;
    for (; **at > 0 && isalnum((u8) * *at); ++*at)
        if (bytes + 1 < WORDS_MAX)
            word[bytes++] = (char)tolower((u8) * *at);
    word[bytes] = '\0';
    return bytes != 0;
}

static u32 term_of(struct relevance_plain *plain, const char *word)
{
    const u32 term = relevance_group(&plain->words, word);
    if (term >= plain->term_capacity) {
        const u32 capacity = MAX(1024u, 2 * plain->term_capacity);
        plain->terms = realloc(plain->terms, capacity * sizeof plain->terms[0]);
        MUST(plain->terms != NULL);
        memset(plain->terms + plain->term_capacity, 0,
               (capacity - plain->term_capacity) * sizeof plain->terms[0]);
        plain->term_capacity = capacity;
    }
    return term;
}

static void add_word(struct relevance_plain *plain, const char *word, u32 offer)
{
    const u32 at = term_of(plain, word); /* may move the terms */
    struct term *term = &plain->terms[at];
    if (term->count != 0 && term->postings[term->count - 1].offer == offer) {
        term->postings[term->count - 1].frequency++;
        return;
    }
    if (term->count == term->capacity) {
        term->capacity = MAX(4u, 2 * term->capacity);
        term->postings = realloc(term->postings, term->capacity * sizeof term->postings[0]);
        MUST(term->postings != NULL);
    }
    term->postings[term->count++] = (struct posting){.offer = offer, .frequency = 1};
}

struct relevance_plain *relevance_plain_open(const struct relevance_set *set)
{
    struct relevance_plain *plain = calloc(1, sizeof *plain);
    MUST(plain != NULL);
    plain->offer_count = set->offer_count;
    plain->lengths = calloc(set->offer_count + 1, sizeof(u32));
    plain->scores = calloc(set->offer_count + 1, sizeof(double));
    plain->touched = calloc(set->offer_count + 1, sizeof(u32));
    MUST(plain->lengths != NULL && plain->scores != NULL && plain->touched != NULL);
    for (u32 i = 0; i < set->offer_count; i++) {
        const char *at = set->offers[i].title;
        char word[WORDS_MAX];
        for (; next_word(&at, word); plain->lengths[i]++)
            add_word(plain, word, i);
        plain->average += plain->lengths[i];
    }
    plain->average /= MAX(1u, set->offer_count);
    return plain;
}

void relevance_plain_close(struct relevance_plain *plain)
{
    for (u32 i = 0; i < plain->words.group_count; i++)
        free(plain->terms[i].postings);
    free(plain->terms);
    relevance_free(&plain->words);
    free(plain->lengths);
    free(plain->scores);
    free(plain->touched);
    free(plain);
}

/* Adds the scores of a word; how many offers are touched now. */
static u32 score_word(struct relevance_plain *plain, const struct term *term, u32 touched)
{
    const double idf = log(1 + (plain->offer_count - term->count + 0.5) / (term->count + 0.5));
    for (u32 i = 0; i < term->count; i++) {
        const u32 offer = term->postings[i].offer;
        const double frequency = term->postings[i].frequency;
        const double norm = 1 - B + B * plain->lengths[offer] / plain->average;
        if (plain->scores[offer] == 0)
            plain->touched[touched++] = offer;
        plain->scores[offer] += idf * frequency * (K1 + 1) / (frequency + K1 * norm);
    }
    return touched;
}

static bool precedes(const struct relevance_plain *plain, u32 a, u32 b)
{
    return plain->scores[a] > plain->scores[b] || (plain->scores[a] >= plain->scores[b] && a < b);
}

u32 relevance_plain_search(struct relevance_plain *plain, const char *query, u32 *offers, u32 max)
{
    u32 terms[WORDS_MAX];
    u32 term_count = 0, touched = 0, count = 0;
    char word[WORDS_MAX];
    for (const char *at = query; next_word(&at, word);) {
        const u32 term = term_of(plain, word);
        bool is_new = term_count < WORDS_MAX;
        for (u32 i = 0; i < term_count; i++)
            is_new = is_new && terms[i] != term;
        if (!is_new)
            continue;
        terms[term_count++] = term;
        touched = score_word(plain, &plain->terms[term], touched);
    }
    for (u32 i = 0; i < touched; i++) {
        const u32 offer = plain->touched[i];
        if (count == max && !precedes(plain, offer, offers[count - 1]))
            continue;
        u32 at = count < max ? count++ : count - 1;
        for (; at != 0 && precedes(plain, offer, offers[at - 1]); at--)
            offers[at] = offers[at - 1];
        offers[at] = offer;
    }
    for (u32 i = 0; i < touched; i++)
        plain->scores[plain->touched[i]] = 0;
    return count;
}
