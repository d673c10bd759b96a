/* query_text: see query_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_text.h"

#include <string.h>

#include "proto/text.h"
#include "shards/search/forward_words.h"

static bool is_space(u8 byte)
{
    return byte <= ' ' || byte == 0x7f;
}

struct parse {
    struct query_text *query;
    struct span source;
    u16 flags; /* of the slots that are being made */
    bool is_apart;
};

/* The words of one place: its parts, then its variants. */
struct place {
    struct query_part parts[TEXT_PLACE_PARTS];
    struct query_part joined;
    u32 begins[TEXT_PLACE_PARTS]; /* of the parts, in the source */
    u32 ends[TEXT_PLACE_PARTS];
    u32 count;
    u32 width; /* of the joined form, 0 = none */
    u32 begin;
    u32 end;
};

static void set_part(struct query_part *part, const struct text_word *word)
{
    MUST(word->bytes >= 1 && word->bytes <= TEXT_WORD_BYTES);
    part->bytes = (u8)word->bytes;
    part->flags = (u8)word->flags;
    memcpy(part->text, word->data, word->bytes);
}

static bool read_place(struct text_reader *reader, struct place *place)
{
    struct text_word word = {0};
    place->count = 0;
    place->width = 0;
    do {
        if (!text_next(reader, &word))
            return place->count != 0;
        if (place->count == 0 && place->width == 0) {
            place->begin = word.begin;
            place->end = word.end;
        }
        place->begin = MIN(place->begin, word.begin);
        place->end = MAX(place->end, word.end);
        if ((word.flags & TEXT_VARIANT) == 0) {
            MUST(place->count < TEXT_PLACE_PARTS);
            place->begins[place->count] = word.begin;
            place->ends[place->count] = word.end;
            set_part(&place->parts[place->count++], &word);
        } else if (word.width > place->width) {
            place->width = word.width;
            set_part(&place->joined, &word);
        }
    } while ((word.flags & TEXT_LAST) == 0);
    return true;
}

static struct query_slot *add_slot(struct parse *parse)
{
    struct query_text *query = parse->query;
    struct query_slot *slot = &query->slots[query->slot_count++];
    *slot = (struct query_slot){
        .first = (u16)query->part_count, .joined = QUERY_NO_PART, .flags = parse->flags};
    if (parse->is_apart)
        slot->flags |= QUERY_SLOT_APART;
    return slot;
}

static void add_parts(struct query_text *query, struct query_slot *slot, const struct place *place)
{
    for (u32 i = 0; i < place->count; i++)
        query->parts[query->part_count++] = place->parts[i];
    slot->count = (u16)(slot->count + place->count);
}

/* What the place is when it is written as one word: a variant over all of it, or its only part. */
static void add_joined(struct query_text *query, struct query_slot *slot, const struct place *place)
{
    if (place->width >= place->count && place->width != 0) {
        slot->joined = (u16)query->part_count;
        query->parts[query->part_count++] = place->joined;
    } else if (place->count == 1) {
        slot->joined = slot->first;
    }
}

/* A place with digits that is no number, with a unit or without: shops write only some of its parts. */
static bool is_model(const struct place *place)
{
    bool has_digits = false;
    if (place->count < 2 ||
        (place->width >= place->count && (place->joined.flags & (TEXT_UNIT | TEXT_NUMBER)) != 0))
        return false;
    for (u32 i = 0; i < place->count; i++)
        has_digits = has_digits || query_has_digit(query_part_span(&place->parts[i]));
    return has_digits;
}

/* One more word counts; false: there are too many. */
static bool count_word(struct query_text *query, u32 at)
{
    query->error_at = at;
    return ++query->place_count <= QUERY_WORDS_MAX;
}

/* A slot per place, or per part of a model number. */
static const char *take_place(struct parse *parse, const struct place *place, u32 begin)
{
    struct query_text *query = parse->query;
    const bool is_divided = (parse->flags & QUERY_SLOT_EXCLUDED) == 0 && is_model(place);
    for (u32 i = 0; i < (is_divided ? place->count : 1); i++) {
        if (!count_word(query, begin + place->begin))
            return "more than 32 words";
        struct query_slot *slot = add_slot(parse);
        slot->begin = begin + (is_divided ? place->begins[i] : place->begin);
        slot->end = begin + (is_divided ? place->ends[i] : place->end);
        parse->is_apart = false;
        if (!is_divided) {
            add_parts(query, slot, place);
            add_joined(query, slot, place);
        } else {
            slot->joined = slot->first;
            slot->count = 1;
            query->parts[query->part_count++] = place->parts[i];
        }
    }
    return NULL;
}

static const char *take_phrase_place(struct parse *parse, struct query_slot **phrase,
                                     const struct place *place, u32 begin)
{
    struct query_text *query = parse->query;
    if (!count_word(query, begin + place->begin))
        return "more than 32 words";
    if (*phrase == NULL) {
        *phrase = add_slot(parse);
        (*phrase)->begin = begin + place->begin;
        parse->is_apart = false;
    }
    if ((*phrase)->count + place->count > FORWARD_PHRASE_MAX)
        return "a phrase of more than 64 words";
    (*phrase)->end = begin + place->end;
    add_parts(query, *phrase, place);
    return NULL;
}

/* The places of a piece of the source; or all of them one phrase. */
static const char *take_piece(struct parse *parse, u32 begin, u32 end)
{
    struct text_reader reader;
    struct place place;
    struct query_slot *phrase = NULL;
    const char *problem = NULL;
    text_begin(&reader, (struct span){.data = parse->source.data + begin, .bytes = end - begin});
    while (problem == NULL && read_place(&reader, &place))
        problem = (parse->flags & QUERY_SLOT_PHRASE) != 0
                      ? take_phrase_place(parse, &phrase, &place, begin)
                      : take_place(parse, &place, begin);
    return problem;
}

/* The quote that closes the phrase which begins at `at`; 0: it is no phrase. */
static u32 closing_quote(struct span source, u32 at)
{
    for (u32 i = at + 1; i < source.bytes; i++)
        if (source.data[i] == '"' && (i + 1 == source.bytes || is_space(source.data[i + 1])))
            return i;
    return 0;
}

/* Is there something else than words at `at`, which is after a space? */
static bool is_special(struct span source, u32 at)
{
    const u8 byte = source.data[at];
    if (byte == '-')
        return at + 1 < source.bytes && !is_space(source.data[at + 1]);
    return byte == '"' && closing_quote(source, at) != 0;
}

static u32 skip_spaces(struct span source, u32 at)
{
    while (at < source.bytes && is_space(source.data[at]))
        at++;
    return at;
}
static u32 skip_word(struct span source, u32 at)
{
    while (at < source.bytes && !is_space(source.data[at]))
        at++;
    return at;
}

/* A phrase or an exclusion; *at moves behind it. */
static const char *take_special(struct parse *parse, u32 *at)
{
    const struct span source = parse->source;
    parse->flags = 0;
    if (source.data[*at] == '-') {
        parse->flags |= QUERY_SLOT_EXCLUDED;
        ++*at;
    }
    u32 begin = *at, end = skip_word(source, *at);
    const u32 close = source.data[begin] == '"' ? closing_quote(source, begin) : 0;
    if (close != 0) {
        parse->flags |= QUERY_SLOT_PHRASE;
        begin++;
        end = close;
    }
    parse->is_apart = true;
    const char *problem = take_piece(parse, begin, end);
    *at = close != 0 ? close + 1 : end;
    parse->is_apart = true;
    parse->flags = 0;
    return problem;
}

/* Words up to the next special thing; *at moves there. */
static const char *take_words(struct parse *parse, u32 *at)
{
    const struct span source = parse->source;
    const u32 begin = *at;
    u32 end = begin;
    do {
        end = skip_word(source, *at);
        *at = skip_spaces(source, end);
    } while (*at < source.bytes && !is_special(source, *at));
    return take_piece(parse, begin, end);
}

u32 query_text_join(const struct query_text *query, u32 first, u32 last, u8 *to)
{
    u32 bytes = 0;
    for (u32 i = first; i <= last; i++) {
        const struct query_slot *slot = &query->slots[i];
        if ((slot->flags & (QUERY_SLOT_PHRASE | QUERY_SLOT_EXCLUDED)) != 0 ||
            slot->joined == QUERY_NO_PART || (i != first && (slot->flags & QUERY_SLOT_APART) != 0))
            return 0;
        const struct span word = query_text_part(query, slot->joined);
        if (word.bytes > TEXT_WORD_BYTES - bytes)
            return 0;
        memcpy(to + bytes, word.data, word.bytes);
        bytes += word.bytes;
    }
    return bytes;
}

const char *query_text_parse(struct query_text *query, struct span source)
{
    struct parse parse = {.query = query, .source = source, .is_apart = true};
    query->slot_count = 0;
    query->part_count = 0;
    query->place_count = 0;
    query->error_at = text_utf8_bytes(source.data, source.bytes);
    if (query->error_at < source.bytes)
        return "not UTF-8";
    query->error_at = 0;
    u32 at = skip_spaces(source, 0);
    while (at < source.bytes) {
        const char *problem =
            is_special(source, at) ? take_special(&parse, &at) : take_words(&parse, &at);
        if (problem != NULL)
            return problem;
        at = skip_spaces(source, at);
    }
    if (query->slot_count != 0) {
        struct query_slot *last = &query->slots[query->slot_count - 1];
        if ((last->flags & (QUERY_SLOT_PHRASE | QUERY_SLOT_EXCLUDED)) == 0 &&
            last->end == source.bytes && last->joined != QUERY_NO_PART)
            last->flags |= QUERY_SLOT_OPEN;
    }
    return NULL;
}
