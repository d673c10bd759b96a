/* find_offer: everything that a place of a query may stand for. Every word of the shop is looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/checksum.h"
#include "tests/find/find_slots.h"

#define ROW_PLACES 8u /* of a synonym */

/* ---- alternatives ---- */

static const char *keep(struct span text, char mark)
{
    char *copy = find_bump(text.bytes + 2);
    memcpy(copy, text.data, text.bytes);
    if (mark != 0)
        copy[text.bytes] = mark;
    return copy;
}

static u32 stem_of(const struct find_work *work, struct span word, struct find_part *stem)
{
    stem->bytes = (u8)text_language_stem(&work->shop->language, word, stem->text);
    return find_name_of(&work->shop->stems, find_part_span(stem));
}

static u32 live_of(const struct find_names *names, u32 at)
{
    return at == UINT32_MAX ? 0 : names->items[at].live;
}

bool find_is_plain(const struct find_work *work, u32 at)
{
    return !work->query.places[at].is_phrase && !work->query.places[at].is_excluded;
}

static struct span typed(const struct find_query *query, const struct find_place *place)
{
    return place->has_joined ? find_part_span(&place->joined)
                             : find_part_span(&query->parts[place->first]);
}

bool find_is_same(const struct find_alternative *a, const struct find_alternative *b)
{
    return a->key_hash == b->key_hash && a->word_count == b->word_count &&
           strcmp(a->key, b->key) == 0;
}

/* One of the same kind that is there already gets the better factor. */
static void offer(struct find_work *work, u32 at, struct find_alternative item)
{
    struct find_choice *slot = &work->slots[at];
    item.key_hash = checksum64(item.key, strlen(item.key));
    for (u32 i = 0; i < slot->count; i++) {
        struct find_alternative *other = &slot->items[i];
        if (other->kind != item.kind || !find_is_same(other, &item))
            continue;
        if (item.factor > other->factor) {
            other->factor = item.factor;
            other->cost = item.cost;
            other->is_joined = item.is_joined;
            other->words = item.words;
        } else if (item.factor == other->factor && strcmp(item.words, other->words) < 0) {
            other->words = item.words;
        }
        return;
    }
    if (slot->count == slot->capacity)
        slot->items =
            find_bump_more(slot->items, slot->count, &slot->capacity, sizeof slot->items[0]);
    slot->items[slot->count++] = item;
}

static void offer_word(struct find_work *work, u32 at, enum score_kind kind, u32 apart,
                       bool is_joined, u32 cost, struct span word)
{
    struct find_part stem;
    struct find_alternative item = {
        .word_count = 1, .kind = kind, .cost = cost, .is_joined = is_joined};
    item.stems = find_bump(sizeof(u32));
    item.stems[0] = stem_of(work, word, &stem);
    item.df = live_of(&work->shop->stems, item.stems[0]);
    item.words = keep(word, 0);
    item.key = kind == SCORE_TYPO ? keep(word, '!') : keep(find_part_span(&stem), 0);
    item.factor =
        score_factor(kind, apart, find_letters(typed(&work->query, &work->query.places[at])));
    if (is_joined && kind != SCORE_JOINED)
        item.factor = score_both(item.factor, score_factor(SCORE_JOINED, 0, 0));
    offer(work, at, item);
}

static void offer_row(struct find_work *work, u32 at, enum score_kind kind,
                      const struct find_part *parts, u32 count)
{
    struct find_part stem;
    char words[64 * (TEXT_WORD_BYTES + 1)];
    u32 bytes = 0;
    if (count == 1) {
        offer_word(work, at, kind, 0, false, 0, find_part_span(&parts[0]));
        return;
    }
    struct find_alternative item = {.word_count = count, .kind = kind, .df = UINT32_MAX};
    item.stems = find_bump(count * sizeof(u32));
    for (u32 i = 0; i < count; i++) {
        if (i != 0)
            words[bytes++] = ' ';
        memcpy(words + bytes, parts[i].text, parts[i].bytes);
        bytes += parts[i].bytes;
        item.stems[i] = stem_of(work, find_part_span(&parts[i]), &stem);
        const u32 word = find_name_of(&work->shop->words, find_part_span(&parts[i]));
        item.df = MIN(item.df, kind == SCORE_SPLIT ? live_of(&work->shop->words, word)
                                                   : live_of(&work->shop->stems, item.stems[i]));
    }
    item.words = item.key = keep((struct span){.data = (const u8 *)words, .bytes = bytes}, 0);
    item.factor = score_factor(kind, 0, 0);
    offer(work, at, item);
}

void find_offer_place(struct find_work *work, u32 at, enum score_kind kind,
                      const struct find_query *query, const struct find_place *place)
{
    if (place->has_joined)
        offer_word(work, at, kind, 0, false, 0, find_part_span(&place->joined));
    const struct find_part *first = &query->parts[place->first];
    if (!place->has_joined || place->is_variant)
        offer_row(work, at, kind, first, place->count);
}

/* ---- synonyms and stop words ---- */

/* What a place is called: stems. */
static bool name_of(const struct find_work *work, const struct find_query *query, u32 at, char *to)
{
    const struct find_place *place = &query->places[at];
    struct find_part stem;
    u32 bytes = 0;
    to[0] = 0;
    if (place->is_phrase || place->is_excluded)
        return false;
    for (u32 i = 0; i < (place->has_joined ? 1 : place->count); i++) {
        (void)stem_of(work,
                      place->has_joined ? find_part_span(&place->joined)
                                        : find_part_span(&query->parts[place->first + i]),
                      &stem);
        if (i != 0)
            to[bytes++] = ' ';
        memcpy(to + bytes, stem.text, stem.bytes);
        bytes += stem.bytes;
    }
    to[bytes] = 0;
    return true;
}

/* Are the places from `first` on, in a row, called as those of `entry`? */
bool find_is_called(const struct find_work *work, u32 first, u32 last, const char *entry)
{
    static struct find_query other;
    char a[1024], b[1024];
    find_query_read(&other, entry);
    if (other.is_bad || other.place_count != last - first + 1 || other.place_count > ROW_PLACES)
        return false;
    for (u32 i = 0; i < other.place_count; i++) {
        if ((i != 0 && work->query.places[first + i].is_apart) ||
            !name_of(work, &work->query, first + i, a) || !name_of(work, &other, i, b) ||
            strcmp(a, b) != 0)
            return false;
    }
    return true;
}

bool find_next_entry(const char **at, char *entry)
{
    while (**at != 0) {
        const char *comma = strchr(*at, ',');
        const size_t bytes = comma != NULL ? (size_t)(comma - *at) : strlen(*at);
        memcpy(entry, *at, bytes);
        entry[bytes] = 0;
        *at += bytes + (comma != NULL ? 1 : 0);
        if (bytes != 0)
            return true;
    }
    return false;
}

static void offer_entries(struct find_work *work, u32 at, const struct find_synonym *synonym,
                          u32 match)
{
    static struct find_query other;
    char entry[128];
    u32 number = 0;
    if (synonym->is_one_way && match != 0)
        return;
    for (const char *from = synonym->words; find_next_entry(&from, entry); number++) {
        if (number == match)
            continue;
        find_query_read(&other, entry);
        if (other.place_count == 1)
            find_offer_place(work, at, SCORE_SYNONYM, &other, &other.places[0]);
        else if (other.place_count != 0)
            offer_row(work, at, SCORE_SYNONYM, other.parts, other.part_count);
    }
}

void find_offer_synonyms(struct find_work *work, u32 at)
{
    char entry[128];
    for (u32 first = 0; first <= at; first++)
        for (u32 last = at; last < work->query.place_count; last++)
            for (u32 i = 0; i < work->shop->synonym_count; i++) {
                const struct find_synonym *synonym = &work->shop->synonyms[i];
                u32 number = 0;
                for (const char *from = synonym->words; find_next_entry(&from, entry); number++)
                    if (find_is_called(work, first, last, entry))
                        offer_entries(work, at, synonym, number);
            }
    for (u32 i = 0; i < work->shop->stop_count; i++)
        work->slots[at].is_stop |= find_is_called(work, at, at, work->shop->stop_words[i]);
}

/* ---- joined, longer, similar ---- */

/* Places from first to last written together. */
bool find_join(const struct find_work *work, u32 first, u32 last, struct find_part *word)
{
    word->bytes = 0;
    for (u32 i = first; i <= last; i++) {
        const struct find_place *place = &work->query.places[i];
        if (!find_is_plain(work, i) || !place->has_joined || (i != first && place->is_apart) ||
            word->bytes + place->joined.bytes > TEXT_WORD_BYTES)
            return false;
        memcpy(word->text + word->bytes, place->joined.text, place->joined.bytes);
        word->bytes = (u8)(word->bytes + place->joined.bytes);
    }
    return true;
}

void find_offer_joined(struct find_work *work, u32 at)
{
    const struct find_names *words = &work->shop->words;
    struct find_part word;
    for (u32 first = at >= SCORE_JOIN_SLOTS ? at - SCORE_JOIN_SLOTS + 1 : 0; first <= at; first++)
        for (u32 last = at; last < work->query.place_count && last - first < SCORE_JOIN_SLOTS;
             last++) {
            if (!find_join(work, first, last, &word))
                continue;
            const struct span span = find_part_span(&word);
            for (u32 i = 0; i < words->count && !find_is_number(span); i++)
                if (words->items[i].live != 0 &&
                    score_goes_on(word.text, word.bytes, words->items[i].text,
                                  words->items[i].bytes))
                    offer_word(work, at, SCORE_MODEL, 0, last != first, 0,
                               find_name_span(words, i));
            if (last != first && live_of(words, find_name_of(words, span)) != 0)
                offer_word(work, at, SCORE_JOINED, 0, true, 0, span);
        }
}

void find_offer_longer(struct find_work *work, u32 at)
{
    const struct find_names *words = &work->shop->words;
    const struct find_part *prefix = &work->query.places[at].joined;
    const struct span span = find_part_span(prefix);
    struct find_part stem;
    for (u32 i = 0; i < words->count; i++) {
        const struct find_name *word = &words->items[i];
        if (word->live == 0 || word->bytes <= prefix->bytes ||
            memcmp(word->text, prefix->text, prefix->bytes) != 0)
            continue;
        /* The nearest word of each stem. */
        const u32 own = stem_of(work, find_name_span(words, i), &stem);
        const u32 apart = find_letters(find_name_span(words, i)) - find_letters(span);
        bool is_nearest = true;
        for (u32 j = 0; j < words->count && is_nearest; j++) {
            const struct find_name *other = &words->items[j];
            if (j == i || other->live == 0 || other->stem != own || other->bytes <= prefix->bytes ||
                memcmp(other->text, prefix->text, prefix->bytes) != 0)
                continue;
            const u32 far = find_letters(find_name_span(words, j)) - find_letters(span);
            is_nearest = far > apart || (far == apart && j > i);
        }
        if (is_nearest)
            offer_word(work, at, SCORE_PREFIX, apart, false, 0, find_name_span(words, i));
    }
}

static u32 letters_read(struct span word, u32 *letters)
{
    u32 count = 0;
    for (u32 i = 0; i < word.bytes; i++) {
        if ((word.data[i] & 0xc0) != 0x80)
            letters[count++] = word.data[i];
        else
            letters[count - 1] = letters[count - 1] << 8 | word.data[i];
    }
    return count;
}

/* Optimal string alignment, by the table. */
static u32 distance_of(struct span a, struct span b)
{
    u32 x[TEXT_WORD_BYTES], y[TEXT_WORD_BYTES];
    u32 table[TEXT_WORD_BYTES + 1][TEXT_WORD_BYTES + 1];
    const u32 m = letters_read(a, x), n = letters_read(b, y);
    for (u32 i = 0; i <= m; i++)
        for (u32 j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            u32 best = MIN(table[i - 1][j], table[i][j - 1]) + 1;
            best = MIN(best, table[i - 1][j - 1] + (x[i - 1] != y[j - 1]));
            if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
                best = MIN(best, table[i - 2][j - 2] + 1);
            table[i][j] = best;
        }
    return table[m][n];
}

static bool is_same_first(struct span a, struct span b)
{
    u32 x[TEXT_WORD_BYTES], y[TEXT_WORD_BYTES];
    (void)letters_read(a, x);
    (void)letters_read(b, y);
    return x[0] == y[0];
}

/* Does a part of the row say it, alone or joined? */
static bool is_said_by_part(const struct find_work *work, u32 first, u32 last, struct span like)
{
    struct find_part part, own, stem;
    (void)stem_of(work, like, &stem);
    for (u32 i = first; i <= last; i++)
        for (u32 j = i; j <= last; j++) {
            if ((i == first && j == last) || !find_join(work, i, j, &part))
                continue;
            (void)stem_of(work, find_part_span(&part), &own);
            if (own.bytes == stem.bytes && memcmp(own.text, stem.text, own.bytes) == 0)
                return true;
        }
    return false;
}

void find_offer_likes(struct find_work *work, u32 at, u32 first, u32 last)
{
    const struct find_shop *shop = work->shop;
    const bool is_joined = first != last;
    struct find_part row;
    if (!find_join(work, first, last, &row))
        return;
    const struct span word = find_part_span(&row);
    const u32 letters = find_letters(word);
    const bool number = find_is_number(word);
    const bool two = !is_joined && !find_has_digit(word) && shop->typo2 != 0 &&
                     letters >= shop->typo2 && letters >= 8;
    if (shop->typo1 == 0 || (is_joined && number))
        return;
    for (u32 i = 0; i < shop->words.count; i++) {
        const struct span like = find_name_span(&shop->words, i);
        const u32 own = find_letters(like);
        if (shop->words.items[i].live == 0 || own > letters + 2 || letters > own + 2 ||
            MAX(letters, own) < shop->typo1 || (find_is_number(like) && !number) ||
            (own == 1 && letters == 1))
            continue;
        const u32 distance = distance_of(word, like);
        if (distance != 0 && distance <= (two && !find_has_digit(like) ? 2u : 1u) &&
            !is_said_by_part(work, first, last, like))
            offer_word(work, at, SCORE_TYPO, distance, is_joined,
                       2 * distance + (is_same_first(word, like) ? 0 : 1), like);
    }
}

void find_offer_halves(struct find_work *work, u32 at, struct span word)
{
    struct find_part halves[2];
    for (u32 cut = 1; cut < word.bytes; cut++) {
        if ((word.data[cut] & 0xc0) == 0x80)
            continue;
        halves[0].bytes = (u8)cut;
        halves[1].bytes = (u8)(word.bytes - cut);
        memcpy(halves[0].text, word.data, cut);
        memcpy(halves[1].text, word.data + cut, word.bytes - cut);
        if (find_letters(find_part_span(&halves[0])) >= 2 &&
            find_letters(find_part_span(&halves[1])) >= 2)
            offer_row(work, at, SCORE_SPLIT, halves, 2);
    }
}
