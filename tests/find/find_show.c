/* find_show: what a page says of the words of a hit: where they stand in its title, and whether it has one
 * of them by a guess.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/find/find_judge.h"

/* ---- highlights ---- */

#define WORDS_MAX 1024u

struct title {
    u32 count;
    struct {
        u32 stem;
        u32 position;
        u32 begin;
        u32 end;
    } words[WORDS_MAX];
};

static void read_title(const struct find_shop *shop, const char *text, struct title *title)
{
    struct text_reader reader;
    struct text_word word;
    u8 stem[TEXT_WORD_BYTES];
    title->count = 0;
    text_begin(&reader, find_span(text));
    while (text_next(&reader, &word)) {
        const struct span surface = {.data = word.data, .bytes = word.bytes};
        const u32 bytes = text_language_stem(&shop->language, surface, stem);
        const u32 at = title->count++;
        MUST(at < WORDS_MAX);
        title->words[at].stem =
            find_name_of(&shop->stems, (struct span){.data = stem, .bytes = bytes});
        title->words[at].position = word.position;
        title->words[at].begin = word.begin;
        title->words[at].end = word.end;
    }
}

static bool stands_at(const struct title *title, u32 position, u32 stem)
{
    for (u32 i = 0; i < title->count; i++)
        if (title->words[i].position == position && title->words[i].stem == stem)
            return true;
    return false;
}

/* Does a row that begins at `position` stand there, with the word at `at` one of it? */
static bool is_in_row(const struct title *title, u32 at, const struct find_row *row, u32 position)
{
    const u32 own = title->words[at].position;
    if (own < position || own >= position + row->count ||
        row->stems[own - position] != title->words[at].stem)
        return false;
    for (u32 i = 0; i < row->count; i++)
        if (!stands_at(title, position + i, row->stems[i]))
            return false;
    return true;
}

static bool is_of_slot(const struct title *title, u32 at, const struct find_slot *slot)
{
    const u32 stem = title->words[at].stem;
    if (stem != UINT32_MAX && slot->factors[stem] != 0)
        return true;
    for (u32 i = 0; i < slot->row_count; i++)
        for (u32 position = 0; position <= title->words[at].position; position++)
            if (is_in_row(title, at, &slot->rows[i], position))
                return true;
    return false;
}

/* The first word of the query that it is; UINT32_MAX: none. */
static u32 word_of(const struct find_plan *plan, const struct title *title, u32 at)
{
    u32 word = 0;
    for (u32 i = 0; i < plan->slot_count; i++) {
        if (plan->slots[i].is_excluded)
            continue;
        if (is_of_slot(title, at, &plan->slots[i]))
            return word;
        word++;
    }
    return UINT32_MAX;
}

u32 find_marks_make(const struct find_shop *shop, const struct find_plan *plan, const char *text,
                    struct find_mark *marks)
{
    static struct title title;
    u32 count = 0, end = 0;
    read_title(shop, text, &title);
    for (u32 i = 0; i < title.count && count < FIND_MARKS_MAX; i++) {
        const u32 word = title.words[i].end > end ? word_of(plan, &title, i) : UINT32_MAX;
        if (word == UINT32_MAX)
            continue;
        end = title.words[i].end;
        marks[count++] =
            (struct find_mark){.begin = title.words[i].begin, .end = end, .word = word};
    }
    return count;
}

/* ---- guesses ---- */

static bool has_exactly(const struct find_slot *slot, const struct find_doc *doc)
{
    for (u32 i = 0; i < doc->has_count; i++)
        if (slot->exact[doc->has[i].stem])
            return true;
    for (u32 i = 0; i < slot->row_count; i++)
        if (slot->rows[i].is_exact && find_has_row(doc, &slot->rows[i]))
            return true;
    return false;
}

bool find_is_inexact(const struct find_plan *plan, const struct find_doc *doc, u32 words)
{
    u32 bit = 0;
    for (u32 i = 0; i < plan->slot_count; i++) {
        if (plan->slots[i].is_excluded)
            continue;
        if ((words >> bit & 1) != 0 && !has_exactly(&plan->slots[i], doc))
            return true;
        bit++;
    }
    return false;
}
