/* find_query: a query read into places and their parts; docs/search.md, "Queries".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/find/find_slots.h"

struct span find_part_span(const struct find_part *part)
{
    return (struct span){.data = part->text, .bytes = part->bytes};
}
u32 find_letters(struct span word)
{
    u32 letters = 0;
    for (u32 i = 0; i < word.bytes; i++)
        letters += (word.data[i] & 0xc0) != 0x80;
    return letters;
}
bool find_has_digit(struct span word)
{
    for (u32 i = 0; i < word.bytes; i++)
        if (word.data[i] >= '0' && word.data[i] <= '9')
            return true;
    return false;
}
bool find_is_number(struct span word)
{
    for (u32 i = 0; i < word.bytes; i++)
        if ((word.data[i] < '0' || word.data[i] > '9') && word.data[i] != '.' &&
            word.data[i] != '/')
            return false;
    return true;
}

/* ---- reading ---- */

static bool is_space(u8 byte)
{
    return byte <= ' ' || byte == 0x7f;
}

struct raw {
    struct find_part parts[TEXT_PLACE_PARTS];
    u32 begins[TEXT_PLACE_PARTS];
    u32 ends[TEXT_PLACE_PARTS];
    u32 count;
    struct find_part joined;
    u32 width;
    u32 joined_flags;
    u32 end;
};

static struct find_part part_of(const struct text_word *word)
{
    struct find_part part = {.bytes = (u8)word->bytes};
    memcpy(part.text, word->data, word->bytes);
    return part;
}

static bool read_raw(struct text_reader *reader, struct raw *raw)
{
    struct text_word word;
    *raw = (struct raw){0};
    while (text_next(reader, &word)) {
        raw->end = MAX(raw->end, word.end);
        if ((word.flags & TEXT_VARIANT) == 0) {
            raw->begins[raw->count] = word.begin;
            raw->ends[raw->count] = word.end;
            raw->parts[raw->count++] = part_of(&word);
        } else if (word.width > raw->width) {
            raw->width = word.width;
            raw->joined = part_of(&word);
            raw->joined_flags = word.flags;
        }
        if ((word.flags & TEXT_LAST) != 0)
            return true;
    }
    return raw->count != 0;
}

static bool is_model(const struct raw *raw)
{
    const bool is_whole = raw->width != 0 && raw->width >= raw->count;
    bool has = false;
    for (u32 i = 0; i < raw->count; i++)
        has = has || find_has_digit(find_part_span(&raw->parts[i]));
    return raw->count >= 2 && has &&
           !(is_whole && (raw->joined_flags & (TEXT_UNIT | TEXT_NUMBER)) != 0);
}

static void add_place(struct find_query *query, const struct find_part *parts, u32 count,
                      struct find_place place)
{
    if (++query->word_count > QUERY_WORDS_MAX) {
        query->is_bad = true;
        return;
    }
    place.first = query->part_count;
    place.count = count;
    MUST(query->part_count + count <= ARRAY_COUNT(query->parts));
    memcpy(query->parts + query->part_count, parts, count * sizeof parts[0]);
    query->part_count += count;
    query->places[query->place_count++] = place;
}

/* A piece without quotes and minus signs. */
static void read_words(struct find_query *query, const char *text, u32 begin, u32 end,
                       bool is_excluded, bool *is_apart)
{
    struct text_reader reader;
    struct raw raw;
    text_begin(&reader, (struct span){.data = (const u8 *)text + begin, .bytes = end - begin});
    while (read_raw(&reader, &raw) && !query->is_bad) {
        if (!is_excluded && is_model(&raw)) {
            for (u32 i = 0; i < raw.count && !query->is_bad; i++) {
                add_place(query, &raw.parts[i], 1,
                          (struct find_place){.has_joined = true,
                                              .joined = raw.parts[i],
                                              .begin = begin + raw.begins[i],
                                              .end = begin + raw.ends[i],
                                              .is_apart = *is_apart});
                *is_apart = false;
            }
            continue;
        }
        struct find_place place = {.is_excluded = is_excluded,
                                   .is_apart = *is_apart,
                                   .begin = begin + raw.begins[0],
                                   .end = begin + raw.end};
        if (raw.width != 0 && raw.width >= raw.count) {
            place.joined = raw.joined;
            place.has_joined = place.is_variant = true;
        } else if (raw.count == 1) {
            place.joined = raw.parts[0];
            place.has_joined = true;
        }
        add_place(query, raw.parts, raw.count, place);
        *is_apart = false;
    }
}

static void read_phrase(struct find_query *query, const char *text, u32 begin, u32 end,
                        bool is_excluded)
{
    struct text_reader reader;
    struct raw raw;
    struct find_part parts[64];
    u32 count = 0, places = 0;
    text_begin(&reader, (struct span){.data = (const u8 *)text + begin, .bytes = end - begin});
    for (; read_raw(&reader, &raw); places++)
        for (u32 i = 0; i < raw.count; i++) {
            MUST(count < 64);
            parts[count++] = raw.parts[i];
        }
    if (count == 0)
        return;
    query->word_count += places - 1;
    add_place(query, parts, count,
              (struct find_place){
                  .is_phrase = true, .is_excluded = is_excluded, .is_apart = true, .end = end});
}

/* Where the quote at `at` is closed; 0: it is not. */
static u32 close_of(const char *text, u32 bytes, u32 at)
{
    for (u32 i = at + 1; i < bytes; i++)
        if (text[i] == '"' && (i + 1 == bytes || is_space((u8)text[i + 1])))
            return i;
    return 0;
}

static bool is_special(const char *text, u32 bytes, u32 at)
{
    return (text[at] == '-' && at + 1 < bytes && !is_space((u8)text[at + 1])) ||
           (text[at] == '"' && close_of(text, bytes, at) != 0);
}

void find_query_read(struct find_query *query, const char *text)
{
    const u32 bytes = (u32)strlen(text);
    bool is_apart = true;
    query->place_count = query->word_count = query->part_count = 0;
    query->is_bad = false;
    for (u32 at = 0; at < bytes && !query->is_bad;) {
        if (is_space((u8)text[at])) {
            at++;
            continue;
        }
        u32 end = at;
        if (is_special(text, bytes, at)) {
            const bool is_excluded = text[at] == '-';
            const u32 begin = at + (is_excluded ? 1 : 0);
            const u32 close = text[begin] == '"' ? close_of(text, bytes, begin) : 0;
            for (end = begin; end < bytes && !is_space((u8)text[end]);)
                end++;
            is_apart = true;
            if (close != 0)
                read_phrase(query, text, begin + 1, close, is_excluded);
            else
                read_words(query, text, begin, end, is_excluded, &is_apart);
            at = close != 0 ? close + 1 : end;
            is_apart = true;
            continue;
        }
        u32 next = at;
        do {
            for (end = next; end < bytes && !is_space((u8)text[end]);)
                end++;
            for (next = end; next < bytes && is_space((u8)text[next]);)
                next++;
        } while (next < bytes && !is_special(text, bytes, next));
        read_words(query, text, at, end, false, &is_apart);
        at = next;
    }
    if (query->place_count != 0) {
        struct find_place *last = &query->places[query->place_count - 1];
        last->is_open =
            !last->is_phrase && !last->is_excluded && last->end == bytes && last->has_joined;
    }
}
