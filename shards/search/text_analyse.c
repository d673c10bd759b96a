/* text_analyse: runs of letters and digits, joined to places; see the header.
 *
 *      run    letters and digits that stand together: "64gb", "1,000", "5.5"
 *      place  runs with connectors between them, and a unit behind a number
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/text_analyse.h"

#include <string.h>

#include "shards/search/text_fold.h"
#include "shards/search/text_unit.h"

#define LETTERS_MIN 3u /* of a run like iphone11, to be taken apart; 4k and s8 are not */

/* A run while it is read. Its folded bytes lie in the reader. */
struct run {
    u8 *text;
    u32 bytes;
    u32 begin;
    u32 end;
    u32 changes;      /* from digits to letters or back */
    u32 change_bytes; /* folded bytes before the first of these */
    u32 change_at;    /* its place in the source */
    u32 digits;       /* since the last change, point or comma */
    bool is_digit;    /* the last byte */
    bool is_digit_first;
    bool is_pointed; /* the digits that are being read have a point already */
    bool is_alone;   /* an ideograph, a fraction: connects with nothing */
    bool is_cut;
};

/* A place while it is read. */
struct place {
    u32 run_count;
    u32 first_position;
    bool is_joinable; /* what all runs are together is worth a variant */
    bool is_short;    /* one of the runs has a digit or is short */
    bool is_loose;    /* connected by something that does not always connect */
    u32 joined_bytes; /* all runs; more than TEXT_WORD_BYTES: too long */
    u8 joined[TEXT_WORD_BYTES];
    u32 chain_part; /* first part of the number that the place ends with */
    u32 chain_runs; /* 0: it does not end with a number */
    u32 chain_bytes;
    u8 chain[TEXT_WORD_BYTES]; /* "3/4" */
};

void text_begin(struct text_reader *reader, struct span data)
{
    MUST(data.bytes <= 1u << 31);
    reader->source = data;
    reader->at = 0;
    reader->position = 0;
    reader->part_count = 0;
    reader->variant_count = 0;
    reader->next = 0;
    reader->text_bytes = 0;
}

static struct span rest_of(const struct text_reader *reader, u32 at)
{
    return (struct span){reader->source.data + at, reader->source.bytes - at};
}

/* ---- runs -------------------------------------------------------------------------------------- */

static bool is_digit_at(const struct text_reader *reader, u32 at)
{
    return at < reader->source.bytes && text_kinds[reader->source.data[at]] == TEXT_KIND_DIGIT;
}

/* A comma at `at` between thousands: one to three digits before, three behind. */
static bool is_thousands(const struct text_reader *reader, const struct run *run, u32 at)
{
    return run->is_digit && !run->is_pointed && run->digits >= 1 && run->digits <= 3 &&
           is_digit_at(reader, at + 1) && is_digit_at(reader, at + 2) &&
           is_digit_at(reader, at + 3) && !is_digit_at(reader, at + 4);
}

static inline void run_append(struct run *run, u8 byte, bool is_digit, u32 at)
{
    if (UNLIKELY(run->bytes == TEXT_WORD_BYTES || run->is_cut)) {
        run->is_cut = true;
        return;
    }
    if (run->bytes == 0) {
        run->is_digit_first = is_digit;
    } else if (is_digit != run->is_digit) {
        if (run->changes++ == 0) {
            run->change_bytes = run->bytes;
            run->change_at = at;
        }
        run->digits = 0;
        run->is_pointed = false;
    }
    run->is_digit = is_digit;
    run->digits++;
    run->text[run->bytes++] = byte;
}

/* A point or comma inside of a number. */
static bool run_takes_mark(const struct text_reader *reader, struct run *run, u32 at)
{
    const u8 mark = reader->source.data[at];
    if (mark == ',' && is_thousands(reader, run, at)) {
        run->digits = 0;
        return true;
    }
    if (mark != '.' || !run->is_digit || run->bytes == 0 || !is_digit_at(reader, at + 1))
        return false;
    run_append(run, '.', true, at);
    run->is_pointed = true;
    return true;
}

/* All of what a character has become, or nothing. */
static void run_append_folded(struct run *run, const struct text_folded *folded, u32 at)
{
    bool is_mixed = false;
    bool was_digit = false;
    if (run->bytes + folded->bytes > TEXT_WORD_BYTES)
        run->is_cut = true;
    for (u32 i = 0; i < folded->bytes; i++) {
        const u8 byte = folded->data[i];
        const bool is_digit = (byte >= '0' && byte <= '9') || byte == '/';
        is_mixed |= i > 0 && is_digit != was_digit;
        was_digit = is_digit;
        run_append(run, byte, is_digit, at);
    }
    if (is_mixed)
        run->changes += 2; /* so it is not taken apart inside of a character */
}

/* A character beyond ASCII. False: the run ends before it. */
static bool run_takes_high(const struct text_reader *reader, struct run *run, u32 *at)
{
    struct text_folded folded;
    text_fold_high(rest_of(reader, *at), &folded);
    const bool is_alone = folded.kind == TEXT_KIND_IDEOGRAPH || folded.kind == TEXT_KIND_FRACTION;
    if (folded.kind == TEXT_KIND_OTHER || folded.kind == TEXT_KIND_CONNECTOR ||
        (is_alone && run->bytes != 0))
        return false;
    run_append_folded(run, &folded, *at);
    run->is_alone = is_alone;
    *at += folded.source_bytes;
    return true;
}

/* Reads the run that begins at the reader's place, which may come to nothing (a mark alone). */
static void read_run(struct text_reader *reader, struct run *run)
{
    const struct span source = reader->source;
    u32 at = reader->at;
    *run = (struct run){.text = reader->text + reader->text_bytes, .begin = at};
    while (at < source.bytes && !run->is_alone) {
        const u8 byte = source.data[at];
        const u8 kind = text_kinds[byte];
        if (LIKELY(kind == TEXT_KIND_LETTER || kind == TEXT_KIND_DIGIT)) {
            run_append(run, text_fold_ascii(byte), kind == TEXT_KIND_DIGIT, at);
            at++;
        } else if (kind == TEXT_KIND_HIGH) {
            if (!run_takes_high(reader, run, &at))
                break;
        } else if ((byte == '.' || byte == ',') && run_takes_mark(reader, run, at)) {
            at++;
        } else {
            break;
        }
    }
    run->end = at;
    reader->at = at;
    reader->text_bytes += run->bytes;
}

/* ---- what stands ahead ------------------------------------------------------------------------- */

static bool is_word_at(const struct text_reader *reader, u32 at)
{
    if (at >= reader->source.bytes)
        return false;
    const u8 kind = text_kinds[reader->source.data[at]];
    if (kind != TEXT_KIND_HIGH)
        return kind == TEXT_KIND_LETTER || kind == TEXT_KIND_DIGIT;
    struct text_folded folded;
    text_fold_high(rest_of(reader, at), &folded);
    return folded.kind == TEXT_KIND_LETTER || folded.kind == TEXT_KIND_DIGIT;
}

/* The connector at `at` if a word follows it, else 0; its bytes to `bytes`. */
static u8 connector_at(const struct text_reader *reader, u32 at, u32 *bytes)
{
    if (at >= reader->source.bytes)
        return 0;
    u8 connector = reader->source.data[at];
    const u8 kind = text_kinds[connector];
    *bytes = 1;
    if (kind == TEXT_KIND_HIGH) {
        struct text_folded folded;
        text_fold_high(rest_of(reader, at), &folded);
        if (folded.kind != TEXT_KIND_CONNECTOR)
            return 0;
        connector = folded.data[0];
        *bytes = folded.source_bytes;
    } else if (kind != TEXT_KIND_CONNECTOR) {
        return 0;
    }
    return is_word_at(reader, at + *bytes) ? connector : 0;
}

/* Does a word end at `at`, with nothing connected? */
static bool is_end_at(const struct text_reader *reader, u32 at)
{
    u32 bytes = 0;
    return !is_word_at(reader, at) && connector_at(reader, at, &bytes) == 0;
}

/* A unit written as word at `at`: its end, or 0. The folded spelling goes to `spelling`. */
static u32 unit_word_at(const struct text_reader *reader, u32 at, u8 spelling[TEXT_UNIT_BYTES],
                        u32 *bytes)
{
    *bytes = 0;
    for (; at < reader->source.bytes; at++) {
        if (text_kinds[reader->source.data[at]] != TEXT_KIND_LETTER)
            break;
        if (*bytes == TEXT_UNIT_BYTES)
            return 0;
        spelling[(*bytes)++] = text_fold_ascii(reader->source.data[at]);
    }
    if (*bytes == 0 || !is_end_at(reader, at) ||
        text_unit((struct span){spelling, *bytes}).bytes == 0)
        return 0;
    return at;
}

/* The bytes of a sign for inches at `at`, or 0. */
static u32 inch_sign_at(const struct text_reader *reader, u32 at)
{
    const struct span rest = rest_of(reader, at);
    if (rest.bytes >= 1 && rest.data[0] == '"')
        return 1;
    if (rest.bytes >= 3 && rest.data[0] == 0xe2 && rest.data[1] == 0x80 &&
        (rest.data[2] == 0x9d || rest.data[2] == 0xb3)) /* U+201D, U+2033 */
        return 3;
    return 0;
}

/* ---- parts and variants ------------------------------------------------------------------------ */

static struct text_word *add_part(struct text_reader *reader, const u8 *text, u32 bytes, u32 begin,
                                  u32 end)
{
    MUST(reader->part_count < TEXT_PLACE_PARTS);
    MUST(bytes > 0 && bytes <= TEXT_WORD_BYTES);
    struct text_word *part = &reader->parts[reader->part_count++];
    *part = (struct text_word){.data = text,
                               .bytes = bytes,
                               .begin = begin,
                               .end = end,
                               .position = reader->position++,
                               .width = 1};
    return part;
}

/* What the parts from `first` on are together: `text`, and `more` behind it, which may be empty. */
static void add_variant(struct text_reader *reader, u32 first, struct span text, struct span more,
                        u16 flags)
{
    const u32 bytes = text.bytes + more.bytes;
    MUST(first < reader->part_count);
    if (bytes > TEXT_WORD_BYTES || bytes == 0)
        return;
    MUST(reader->variant_count < TEXT_PLACE_VARIANTS);
    MUST(reader->text_bytes + bytes <= TEXT_PLACE_BYTES);
    u8 *joined = reader->text + reader->text_bytes;
    memcpy(joined, text.data, text.bytes);
    if (more.bytes != 0)
        memcpy(joined + text.bytes, more.data, more.bytes);
    reader->text_bytes += bytes;
    const struct text_word *begin = &reader->parts[first];
    const struct text_word *last = &reader->parts[reader->part_count - 1];
    reader->variants[reader->variant_count++] =
        (struct text_word){.data = joined,
                           .bytes = bytes,
                           .begin = begin->begin,
                           .end = last->end,
                           .position = begin->position,
                           .width = (u16)(last->position - begin->position + 1),
                           .flags = (u16)(TEXT_VARIANT | flags)};
    for (u32 i = first; i < reader->part_count; i++)
        reader->parts[i].flags |= TEXT_PART;
}

static void place_append(u8 to[TEXT_WORD_BYTES], u32 *bytes, struct span text)
{
    if (*bytes + text.bytes <= TEXT_WORD_BYTES)
        memcpy(to + *bytes, text.data, text.bytes);
    *bytes += text.bytes; /* beyond the limit: too long, and stays so */
}

/* The number that the place ends with, when it is written in several parts: 3/4. */
static void close_chain(struct text_reader *reader, struct place *place)
{
    if (place->chain_runs > 1 && place->chain_bytes <= TEXT_WORD_BYTES)
        add_variant(reader, place->chain_part, (struct span){place->chain, place->chain_bytes},
                    (struct span){0}, TEXT_NUMBER);
}

/* A number joins the chain, or begins one. */
static void extend_chain(struct place *place, u32 part, struct span number)
{
    if (place->chain_runs == 0) {
        place->chain_part = part;
        place->chain_bytes = 0;
    } else {
        place_append(place->chain, &place->chain_bytes, (struct span){(const u8 *)"/", 1});
    }
    place->chain_runs++;
    place_append(place->chain, &place->chain_bytes, number);
}

/* The number that the place ends with has this unit, which is a part already unless it is a sign. */
static void add_unit(struct text_reader *reader, struct place *place, struct span unit)
{
    if (place->chain_bytes <= TEXT_WORD_BYTES)
        add_variant(reader, place->chain_part, (struct span){place->chain, place->chain_bytes},
                    unit, TEXT_UNIT);
    place->chain_runs = 0;
}

/* Is a run of letters and digits to be taken apart? Its unit, if it has one, goes to `unit`. */
static bool divide_run(const struct run *run, struct span *unit)
{
    *unit = (struct span){0};
    if (run->changes != 1 || run->is_cut)
        return false;
    const u32 letters = run->is_digit_first ? run->bytes - run->change_bytes : run->change_bytes;
    if (run->is_digit_first)
        *unit = text_unit((struct span){run->text + run->change_bytes, letters});
    return unit->bytes != 0 || letters >= LETTERS_MIN;
}

/* A run of digits and letters, as two parts. */
static void add_divided(struct text_reader *reader, struct place *place, const struct run *run,
                        struct span unit)
{
    const struct span left = {run->text, run->change_bytes};
    const struct span right = {run->text + left.bytes, run->bytes - left.bytes};
    add_part(reader, left.data, left.bytes, run->begin, run->change_at)->flags |=
        run->is_digit_first ? TEXT_NUMBER : 0;
    if (unit.bytes != 0) {
        extend_chain(place, reader->part_count - 1, left);
        close_chain(reader, place);
    }
    add_part(reader, right.data, right.bytes, run->change_at, run->end)->flags |=
        unit.bytes != 0       ? TEXT_UNIT
        : run->is_digit_first ? 0
                              : TEXT_NUMBER;
    if (unit.bytes != 0)
        add_unit(reader, place, unit);
    else
        add_variant(reader, reader->part_count - 2, (struct span){run->text, run->bytes},
                    (struct span){0}, 0);
}

/* The parts of one run. */
static void add_run(struct text_reader *reader, struct place *place, const struct run *run,
                    u8 connector)
{
    struct span unit;
    const bool is_divided = divide_run(run, &unit);
    const bool is_number = run->is_digit_first && run->changes == 0;
    const struct span text = {run->text, run->bytes};
    if (connector == '/' && place->chain_runs > 0 && (is_number || unit.bytes != 0)) {
        place_append(place->joined, &place->joined_bytes, (struct span){(const u8 *)"/", 1});
    } else {
        close_chain(reader, place);
        place->chain_runs = 0;
    }
    place_append(place->joined, &place->joined_bytes, text);
    if (run->is_cut)
        place->joined_bytes = TEXT_WORD_BYTES + 1; /* would be joined to something else */
    place->is_short |= run->bytes < LETTERS_MIN || run->is_digit_first || run->changes != 0;
    place->run_count++;
    if (is_divided) {
        add_divided(reader, place, run, unit);
        return;
    }
    add_part(reader, run->text, run->bytes, run->begin, run->end)->flags |=
        is_number ? TEXT_NUMBER : 0;
    if (is_number)
        extend_chain(place, reader->part_count - 1, text);
}

/* ---- places ------------------------------------------------------------------------------------ */

/* A unit behind a number: the sign for inches, or a word after a space or a hyphen. */
static bool read_unit(struct text_reader *reader, struct place *place)
{
    u8 spelling[TEXT_UNIT_BYTES];
    u32 bytes = 0;
    const u32 sign = inch_sign_at(reader, reader->at);
    if (place->chain_runs == 0)
        return false;
    if (sign != 0) {
        close_chain(reader, place);
        reader->parts[reader->part_count - 1].end += sign;
        reader->at += sign;
        add_unit(reader, place, (struct span){(const u8 *)"in", 2});
        return true;
    }
    const u32 at = reader->at;
    if (at >= reader->source.bytes ||
        (reader->source.data[at] != ' ' && reader->source.data[at] != '-'))
        return false;
    const u32 end = unit_word_at(reader, at + 1, spelling, &bytes);
    if (end == 0)
        return false;
    close_chain(reader, place);
    u8 *text = reader->text + reader->text_bytes;
    MUST(reader->text_bytes + bytes <= TEXT_PLACE_BYTES);
    memcpy(text, spelling, bytes);
    reader->text_bytes += bytes;
    add_part(reader, text, bytes, at + 1, end)->flags |= TEXT_UNIT;
    reader->at = end;
    add_unit(reader, place, text_unit((struct span){text, bytes}));
    return true;
}

/* "'s" at the end of a word belongs to it and is no part. */
static bool read_possessive(struct text_reader *reader, struct place *place, u8 connector,
                            u32 connector_bytes)
{
    const u32 at = reader->at + connector_bytes;
    if (connector != '\'' || (reader->source.data[at] | 32) != 's' || !is_end_at(reader, at + 1))
        return false;
    close_chain(reader, place);
    place->chain_runs = 0;
    reader->parts[reader->part_count - 1].end = at + 1;
    place_append(place->joined, &place->joined_bytes, (struct span){(const u8 *)"s", 1});
    place->is_joinable = true;
    place->is_loose = false;
    reader->at = at + 1;
    return true;
}

/* What all runs are together, unless a variant says it already. */
static void join_place(struct text_reader *reader, const struct place *place)
{
    if (!place->is_joinable || (place->is_loose && !place->is_short) ||
        place->joined_bytes > TEXT_WORD_BYTES || place->chain_runs == place->run_count)
        return;
    const u32 width = reader->position - place->first_position;
    for (u32 i = 0; i < reader->variant_count; i++) {
        const struct text_word *known = &reader->variants[i];
        if (known->width == width && known->bytes == place->joined_bytes &&
            memcmp(known->data, place->joined, known->bytes) == 0)
            return;
    }
    add_variant(reader, 0, (struct span){place->joined, place->joined_bytes}, (struct span){0}, 0);
}

/* The runs after the first one, and how the place ends. */
static void finish_place(struct text_reader *reader, struct place *place)
{
    struct run run;
    while (place->run_count < TEXT_PLACE_RUNS) {
        u32 bytes = 0;
        u8 spelling[TEXT_UNIT_BYTES];
        u32 spelling_bytes = 0;
        const u8 connector = connector_at(reader, reader->at, &bytes);
        if (connector == 0 || read_possessive(reader, place, connector, bytes))
            break;
        if (place->chain_runs != 0 && connector == '-' && bytes == 1 &&
            unit_word_at(reader, reader->at + 1, spelling, &spelling_bytes) != 0)
            break; /* 1-gal: as 1 gal */
        reader->at += bytes;
        read_run(reader, &run);
        MUST(run.bytes > 0);
        place->is_joinable = true;
        place->is_loose |= connector == '/' || connector == '.' || connector == '&';
        add_run(reader, place, &run, connector);
    }
    join_place(reader, place);
    if (!read_unit(reader, place))
        close_chain(reader, place);
}

/* Without the bytes of what is joined: as many are good as have been appended. */
static void begin_place(struct place *place, u32 position)
{
    place->run_count = 0;
    place->first_position = position;
    place->is_joinable = false;
    place->is_short = false;
    place->is_loose = false;
    place->joined_bytes = 0;
    place->chain_part = 0;
    place->chain_runs = 0;
    place->chain_bytes = 0;
}

/* The next place, if there is one. */
static bool read_place(struct text_reader *reader)
{
    struct run run;
    reader->part_count = 0;
    reader->variant_count = 0;
    reader->next = 0;
    for (;;) { /* ends: each turn passes a byte */
        reader->text_bytes = 0;
        while (reader->at < reader->source.bytes &&
               text_kinds[reader->source.data[reader->at]] != TEXT_KIND_LETTER &&
               text_kinds[reader->source.data[reader->at]] != TEXT_KIND_DIGIT &&
               text_kinds[reader->source.data[reader->at]] != TEXT_KIND_HIGH)
            reader->at++;
        if (reader->at == reader->source.bytes)
            return false;
        const u32 before = reader->at;
        read_run(reader, &run);
        if (run.bytes != 0)
            break;
        if (reader->at == before) {
            struct text_folded folded;
            text_fold_high(rest_of(reader, before), &folded);
            reader->at += folded.source_bytes;
        }
    }
    /* Most words: letters, and nothing connected. */
    if (LIKELY(run.changes == 0 && !run.is_digit_first) &&
        (reader->at == reader->source.bytes ||
         text_kinds[reader->source.data[reader->at]] == TEXT_KIND_OTHER)) {
        add_part(reader, run.text, run.bytes, run.begin, run.end);
        return true;
    }
    struct place place;
    begin_place(&place, reader->position);
    add_run(reader, &place, &run, 0);
    if (!run.is_alone)
        finish_place(reader, &place);
    return true;
}

bool text_next(struct text_reader *reader, struct text_word *word)
{
    if (reader->next == reader->part_count + reader->variant_count && !read_place(reader))
        return false;
    const u32 next = reader->next++;
    *word = next < reader->part_count ? reader->parts[next]
                                      : reader->variants[next - reader->part_count];
    if (reader->next == reader->part_count + reader->variant_count)
        word->flags |= TEXT_LAST;
    return true;
}

u32 text_fold(struct span data, u8 folded[TEXT_WORD_BYTES])
{
    u32 bytes = 0;
    u32 at = 0;
    while (at < data.bytes) {
        const u8 kind = text_kinds[data.data[at]];
        if (kind == TEXT_KIND_HIGH) {
            struct text_folded one;
            text_fold_high((struct span){data.data + at, data.bytes - at}, &one);
            at += one.source_bytes;
            if (one.kind == TEXT_KIND_OTHER || one.kind == TEXT_KIND_CONNECTOR)
                continue;
            if (bytes + one.bytes > TEXT_WORD_BYTES)
                break;
            memcpy(folded + bytes, one.data, one.bytes);
            bytes += one.bytes;
            continue;
        }
        if (kind == TEXT_KIND_LETTER || kind == TEXT_KIND_DIGIT) {
            if (bytes == TEXT_WORD_BYTES)
                break;
            folded[bytes++] = text_fold_ascii(data.data[at]);
        }
        at++;
    }
    return bytes;
}
