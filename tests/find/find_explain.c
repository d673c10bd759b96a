/* find_explain: what a search says of its scores, read, and added up.
 *
 *      CODE: text 5120 (boosted), rank 300, pinned
 *        stem: 20 x 256 = 5120                          a line per word of the query
 *        a word is missing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/find/find_compare.h"

#define EXPLANATION_BYTES_MAX 16384u

struct lines {
    const char *at; /* ends with a zero */
    bool is_cut;    /* there was no room for all */
};

/* The next whole line, without its end; false: there is none. */
static bool next_line(struct lines *lines, char *line, size_t bytes)
{
    const char *end = strchr(lines->at, '\n');
    if (end == NULL || (size_t)(end - lines->at) >= bytes)
        return false;
    memcpy(line, lines->at, (size_t)(end - lines->at));
    line[end - lines->at] = 0;
    lines->at = end + 1;
    return true;
}

/* "stem kind: impact x weight = product": the product; UINT64_MAX: that is none. */
static u64 product_of(const char *line)
{
    unsigned long long impact, weight, product;
    const char *colon = strrchr(line, ':');
    if (colon == NULL || sscanf(colon, ": %llu x %llu = %llu", &impact, &weight, &product) != 3 ||
        impact * weight != product)
        return UINT64_MAX;
    return product;
}

/* What a hit's lines of words come to; false: the rest was cut off. */
static bool check_words(struct find_check *check, u32 at, const struct find_hit *hit,
                        struct lines *lines, u64 *sum)
{
    char line[512];
    *sum = 0;
    for (u32 word = 0; word < check->answer.words; word++) {
        if (!next_line(lines, line, sizeof line))
            return false;
        const bool is_missing = strcmp(line, "  a word is missing") == 0;
        const u64 product = is_missing ? 0 : product_of(line);
        FIND_EXPECT(check, "a product of the explanation of hit", at, true, product != UINT64_MAX);
        if (hit->words != 0)
            FIND_EXPECT(check, "a word that is missing, of hit", at, (hit->words >> word & 1) == 0,
                        is_missing);
        *sum += product;
    }
    return true;
}

static bool check_one(struct find_check *check, u32 at, const struct find_hit *hit,
                      struct lines *lines)
{
    char line[512], wanted[512];
    const struct find_doc *doc = &check->worlds->shop.docs[hit->doc];
    u64 sum, text_score;
    if (!next_line(lines, line, sizeof line))
        return false;
    (void)snprintf(wanted, sizeof wanted, "%s: text %u%s, rank %u%s", doc->texts[FIND_CODE],
                   hit->text_score, hit->is_boosted ? " (boosted)" : "", hit->rank_score,
                   hit->place != 0 ? ", pinned" : "");
    FIND_EXPECT(check, "first line of the explanation of hit", at, 0, strcmp(line, wanted));
    if (!check_words(check, at, hit, lines, &sum))
        return false;
    if (hit->words == 0 && check->answer.words != 0)
        return true; /* pinned, whatever its words are */
    text_score = sum;
    if (hit->is_boosted)
        text_score = MIN(sum * hit->boost / 100, UINT32_MAX);
    FIND_EXPECT(check, "sum of the explanation of hit", at, hit->text_score, text_score);
    check->tally->explained++;
    return true;
}

/* Ads are explained, too: their lines are left out. */
static bool skip_ads(struct find_check *check, struct lines *lines)
{
    char line[512];
    for (u32 i = 0; i < check->answer.ad_count * (1 + check->answer.words); i++)
        if (!next_line(lines, line, sizeof line))
            return false;
    return true;
}

void find_check_explanation(struct find_check *check, u32 from, const struct find_asked *asked)
{
    static char text[EXPLANATION_BYTES_MAX + 1];
    const struct find_answer *answer = &check->answer;
    const struct span span = asked->view.spans[SPAN_OF(search_rsp, explanation)];
    struct lines lines = {.at = text};
    MUST(span.bytes <= EXPLANATION_BYTES_MAX);
    memcpy(text, span.data != NULL ? span.data : (const u8 *)"", span.bytes);
    text[span.bytes] = 0;
    const u32 until = MIN(answer->total, from + check->question->ask.limit);
    bool is_there = skip_ads(check, &lines);
    u32 at = from;
    while (is_there && at < until && !check->is_wrong)
        is_there = check_one(check, at, &answer->hits[at], &lines) && ++at != 0;
    FIND_EXPECT(check, "explanation ends before hit", at, at < until,
                at < until && span.bytes == EXPLANATION_BYTES_MAX);
}
