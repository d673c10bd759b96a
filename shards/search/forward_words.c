/* forward_words: see forward_words.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/forward_words.h"

/* The bits of the places in a phrase where this term is wanted. */
static inline u64 places_of(const u32 *terms, u32 count, u32 term)
{
    u64 places = 0;
    for (u32 i = 0; i < count; i++)
        places |= (u64)(terms[i] == term) << i;
    return places;
}

/* Bit i of `reached`: terms[0..i] stand at consecutive positions that end here. So one pass suffices
 * whatever repeats, in time tokens x terms, and tokens that share a position are no special case. */
bool forward_phrase(const u32 *words, const u32 *terms, u32 count)
{
    MUST(count > 0 && count <= FORWARD_PHRASE_MAX);
    const u64 wanted = 1ull << (count - 1);
    u64 before = 0; /* reached at the position before this one */
    u64 reached = 0;
    for (const u32 *at = words + 1, *end = at + words[0]; at < end; at++) {
        if ((*at & FORWARD_JUMP) != 0) {
            before = 0;
            reached = 0;
            continue;
        }
        if ((*at & FORWARD_NEXT) != 0) {
            before = reached;
            reached = 0;
        }
        reached |= places_of(terms, count, *at & FORWARD_TERM) & (before << 1 | 1);
        if ((reached & wanted) != 0)
            return true;
    }
    return false;
}

bool forward_has(const u32 *words, u32 term)
{
    for (u32 i = 1; i <= words[0]; i++)
        if ((words[i] & (FORWARD_JUMP | FORWARD_TERM)) == term)
            return true;
    return false;
}

enum step { STEP_SAME, STEP_NEXT, STEP_JUMP };

/* From the token before, or from the begin of the document. */
static inline enum step step_to(const struct index_token *tokens, u32 i)
{
    if (i == 0 || tokens[i - 1].field != tokens[i].field)
        return STEP_JUMP;
    const u32 distance = tokens[i].position - tokens[i - 1].position;
    if (distance == 0)
        return STEP_SAME;
    return distance == 1 ? STEP_NEXT : STEP_JUMP;
}

u32 forward_word_count(const struct index_token *tokens, u32 count)
{
    u32 word_count = 1 + count;
    for (u32 i = 0; i < count; i++)
        word_count += step_to(tokens, i) == STEP_JUMP;
    return word_count;
}

void forward_write(u32 *words, u32 word_count, const struct index_token *tokens, u32 count,
                   const u64 *firsts)
{
    u32 *at = words;
    *at++ = word_count - 1;
    for (u32 i = 0; i < count; i++) {
        const struct index_token *token = &tokens[i];
        MUST(token->term != 0 && token->term <= FORWARD_TERM);
        const enum step step = step_to(tokens, i);
        if (step == STEP_JUMP) {
            MUST(token->position <= FORWARD_POSITION_MAX && token->field < 8);
            *at++ = FORWARD_JUMP | (u32)token->field << 28 | token->position;
        }
        const bool is_first = (firsts[i / 64] >> (i % 64) & 1) != 0;
        *at++ =
            token->term | (step == STEP_NEXT ? FORWARD_NEXT : 0) | (is_first ? FORWARD_FIRST : 0);
    }
    MUST(at == words + word_count);
}

bool forward_valid(const u32 *words)
{
    bool is_jump_before = false;
    if (words[0] != 0 && (words[1] & FORWARD_JUMP) == 0)
        return false;
    for (u32 i = 1; i <= words[0]; i++) {
        const bool is_jump = (words[i] & FORWARD_JUMP) != 0;
        if (is_jump_before && (words[i] & (FORWARD_JUMP | FORWARD_NEXT)) != 0)
            return false;
        if (!is_jump && (words[i] & FORWARD_TERM) == 0)
            return false;
        is_jump_before = is_jump;
    }
    return !is_jump_before;
}
