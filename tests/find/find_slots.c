/* find_slots: what each word of a query may stand for; docs/search.md, "Queries". Every word of the shop is
 * looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/id.h"
#include "tests/find/find_oracle.h"

#define ALTERNATIVES_MAX 8192u
#define TYPOS_MAX        64u
#define MODELS_MAX       16u
#define MODELS_SEEN_MAX  256u
#define PREFIX_MAX       2048u
#define ROW_PLACES       8u /* of a synonym */

struct part {
    u8 bytes;
    u8 text[TEXT_WORD_BYTES];
};
struct place {
    u32 first;
    u32 count;
    bool is_phrase;
    bool is_excluded;
    bool is_apart;
    bool is_open;
    bool has_joined;
    bool is_variant; /* the joined form is none of its parts */
    u32 end;
    struct part joined;
};
struct query {
    struct place places[FIND_SLOTS_MAX];
    u32 place_count;
    u32 word_count;
    struct part parts[FIND_PARTS_MAX * 8];
    u32 part_count;
    bool is_bad;
};

/* What a place may stand for. */
struct alternative {
    const char *words; /* with spaces */
    const char *key;   /* stem, words of a row, or of a typo the word itself with a mark */
    u32 *stems;        /* UINT32_MAX: nobody has it */
    u32 word_count;
    u32 df;
    u32 factor;
    enum score_kind kind;
    u32 cost;
    bool is_joined;
    bool is_out;
};
struct slot {
    struct alternative *items;
    u32 count;
    bool is_stop;
    bool is_out;
};
struct work {
    struct find_shop *shop;
    struct query query;
    struct slot slots[FIND_SLOTS_MAX];
};

static struct span part_span(const struct part *part)
{
    return (struct span){.data = part->text, .bytes = part->bytes};
}
static u32 letters_of(struct span word)
{
    u32 letters = 0;
    for (u32 i = 0; i < word.bytes; i++)
        letters += (word.data[i] & 0xc0) != 0x80;
    return letters;
}
static bool has_digit(struct span word)
{
    for (u32 i = 0; i < word.bytes; i++)
        if (word.data[i] >= '0' && word.data[i] <= '9')
            return true;
    return false;
}
static bool is_number(struct span word)
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
    struct part parts[TEXT_PLACE_PARTS];
    u32 ends[TEXT_PLACE_PARTS];
    u32 count;
    struct part joined;
    u32 width;
    u32 joined_flags;
    u32 end;
};

static struct part part_of(const struct text_word *word)
{
    struct part part = {.bytes = (u8)word->bytes};
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
        has = has || has_digit(part_span(&raw->parts[i]));
    return raw->count >= 2 && has &&
           !(is_whole && (raw->joined_flags & (TEXT_UNIT | TEXT_NUMBER)) != 0);
}

static void add_place(struct query *query, const struct part *parts, u32 count, struct place place)
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
static void read_words(struct query *query, const char *text, u32 begin, u32 end, bool is_excluded,
                       bool *is_apart)
{
    struct text_reader reader;
    struct raw raw;
    text_begin(&reader, (struct span){.data = (const u8 *)text + begin, .bytes = end - begin});
    while (read_raw(&reader, &raw) && !query->is_bad) {
        if (!is_excluded && is_model(&raw)) {
            for (u32 i = 0; i < raw.count && !query->is_bad; i++) {
                add_place(query, &raw.parts[i], 1,
                          (struct place){.has_joined = true,
                                         .joined = raw.parts[i],
                                         .end = begin + raw.ends[i],
                                         .is_apart = *is_apart});
                *is_apart = false;
            }
            continue;
        }
        struct place place = {
            .is_excluded = is_excluded, .is_apart = *is_apart, .end = begin + raw.end};
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

static void read_phrase(struct query *query, const char *text, u32 begin, u32 end, bool is_excluded)
{
    struct text_reader reader;
    struct raw raw;
    struct part parts[64];
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
              (struct place){
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

static void read_query(struct query *query, const char *text)
{
    const u32 bytes = (u32)strlen(text);
    bool is_apart = true;
    memset(query, 0, sizeof *query);
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
        struct place *last = &query->places[query->place_count - 1];
        last->is_open =
            !last->is_phrase && !last->is_excluded && last->end == bytes && last->has_joined;
    }
}

/* ---- alternatives ---- */

static const char *keep(struct span text, char mark)
{
    char *copy = find_bump(text.bytes + 2);
    memcpy(copy, text.data, text.bytes);
    if (mark != 0)
        copy[text.bytes] = mark;
    return copy;
}

static struct span span_of(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)strlen(text)};
}

static u32 stem_of(const struct work *work, struct span word, struct part *stem)
{
    stem->bytes = (u8)text_language_stem(&work->shop->language, word, stem->text);
    return find_name_of(&work->shop->stems, part_span(stem));
}

static u32 live_of(const struct find_names *names, u32 at)
{
    return at == UINT32_MAX ? 0 : names->items[at].live;
}

static bool is_plain(const struct work *work, u32 at)
{
    return !work->query.places[at].is_phrase && !work->query.places[at].is_excluded;
}

static struct span typed(const struct query *query, const struct place *place)
{
    return place->has_joined ? part_span(&place->joined) : part_span(&query->parts[place->first]);
}

/* One that is there already gets the better factor. */
static void offer(struct work *work, u32 at, struct alternative item)
{
    struct slot *slot = &work->slots[at];
    for (u32 i = 0; i < slot->count; i++) {
        struct alternative *other = &slot->items[i];
        if (other->word_count != item.word_count || strcmp(other->key, item.key) != 0)
            continue;
        if (item.factor > other->factor ||
            (item.factor == other->factor && item.kind < other->kind)) {
            other->factor = item.factor;
            other->kind = item.kind;
            other->cost = item.cost;
            other->is_joined = item.is_joined;
            other->words = item.words;
        } else if (item.factor == other->factor && item.kind == other->kind &&
                   strcmp(item.words, other->words) < 0) {
            other->words = item.words;
        }
        return;
    }
    if (slot->items == NULL)
        slot->items = find_bump(ALTERNATIVES_MAX * sizeof slot->items[0]);
    MUST(slot->count < ALTERNATIVES_MAX);
    slot->items[slot->count++] = item;
}

static void offer_word(struct work *work, u32 at, enum score_kind kind, u32 apart, bool is_joined,
                       u32 cost, struct span word)
{
    struct part stem;
    struct alternative item = {.word_count = 1, .kind = kind, .cost = cost, .is_joined = is_joined};
    item.stems = find_bump(sizeof(u32));
    item.stems[0] = stem_of(work, word, &stem);
    item.df = live_of(&work->shop->stems, item.stems[0]);
    item.words = keep(word, 0);
    item.key = kind == SCORE_TYPO ? keep(word, '!') : keep(part_span(&stem), 0);
    item.factor =
        score_factor(kind, apart, letters_of(typed(&work->query, &work->query.places[at])));
    if (is_joined && kind != SCORE_JOINED)
        item.factor = score_both(item.factor, score_factor(SCORE_JOINED, 0, 0));
    offer(work, at, item);
}

static void offer_row(struct work *work, u32 at, enum score_kind kind, const struct part *parts,
                      u32 count)
{
    struct part stem;
    char words[64 * (TEXT_WORD_BYTES + 1)];
    u32 bytes = 0;
    if (count == 1) {
        offer_word(work, at, kind, 0, false, 0, part_span(&parts[0]));
        return;
    }
    struct alternative item = {.word_count = count, .kind = kind, .df = UINT32_MAX};
    item.stems = find_bump(count * sizeof(u32));
    for (u32 i = 0; i < count; i++) {
        if (i != 0)
            words[bytes++] = ' ';
        memcpy(words + bytes, parts[i].text, parts[i].bytes);
        bytes += parts[i].bytes;
        item.stems[i] = stem_of(work, part_span(&parts[i]), &stem);
        const u32 word = find_name_of(&work->shop->words, part_span(&parts[i]));
        item.df = MIN(item.df, kind == SCORE_SPLIT ? live_of(&work->shop->words, word)
                                                   : live_of(&work->shop->stems, item.stems[i]));
    }
    item.words = item.key = keep((struct span){.data = (const u8 *)words, .bytes = bytes}, 0);
    item.factor = score_factor(kind, 0, 0);
    offer(work, at, item);
}

static void offer_place(struct work *work, u32 at, enum score_kind kind, const struct query *query,
                        const struct place *place)
{
    if (place->has_joined)
        offer_word(work, at, kind, 0, false, 0, part_span(&place->joined));
    const struct part *first = &query->parts[place->first];
    if (!place->has_joined || place->is_variant)
        offer_row(work, at, kind, first, place->count);
}

/* ---- synonyms and stop words ---- */

/* What a place is called: stems. */
static bool name_of(const struct work *work, const struct query *query, u32 at, char *to)
{
    const struct place *place = &query->places[at];
    struct part stem;
    u32 bytes = 0;
    to[0] = 0;
    if (place->is_phrase || place->is_excluded)
        return false;
    for (u32 i = 0; i < (place->has_joined ? 1 : place->count); i++) {
        (void)stem_of(work,
                      place->has_joined ? part_span(&place->joined)
                                        : part_span(&query->parts[place->first + i]),
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
static bool is_called(const struct work *work, u32 first, u32 last, const char *entry)
{
    static struct query other;
    char a[1024], b[1024];
    read_query(&other, entry);
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

static bool next_entry(const char **at, char *entry)
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

static void offer_entries(struct work *work, u32 at, const struct find_synonym *synonym, u32 match)
{
    static struct query other;
    char entry[128];
    u32 number = 0;
    if (synonym->is_one_way && match != 0)
        return;
    for (const char *from = synonym->words; next_entry(&from, entry); number++) {
        if (number == match)
            continue;
        read_query(&other, entry);
        if (other.place_count == 1)
            offer_place(work, at, SCORE_SYNONYM, &other, &other.places[0]);
        else if (other.place_count != 0)
            offer_row(work, at, SCORE_SYNONYM, other.parts, other.part_count);
    }
}

static void offer_synonyms(struct work *work, u32 at)
{
    char entry[128];
    for (u32 first = 0; first <= at; first++)
        for (u32 last = at; last < work->query.place_count; last++)
            for (u32 i = 0; i < work->shop->synonym_count; i++) {
                const struct find_synonym *synonym = &work->shop->synonyms[i];
                u32 number = 0;
                for (const char *from = synonym->words; next_entry(&from, entry); number++)
                    if (is_called(work, first, last, entry))
                        offer_entries(work, at, synonym, number);
            }
    for (u32 i = 0; i < work->shop->stop_count; i++)
        work->slots[at].is_stop |= is_called(work, at, at, work->shop->stop_words[i]);
}

/* ---- joined, longer, similar ---- */

/* Places from first to last written together. */
static bool join(const struct work *work, u32 first, u32 last, struct part *word)
{
    word->bytes = 0;
    for (u32 i = first; i <= last; i++) {
        const struct place *place = &work->query.places[i];
        if (!is_plain(work, i) || !place->has_joined || (i != first && place->is_apart) ||
            word->bytes + place->joined.bytes > TEXT_WORD_BYTES)
            return false;
        memcpy(word->text + word->bytes, place->joined.text, place->joined.bytes);
        word->bytes = (u8)(word->bytes + place->joined.bytes);
    }
    return true;
}

static void offer_joined(struct work *work, u32 at)
{
    const struct find_names *words = &work->shop->words;
    struct part word;
    for (u32 first = at >= SCORE_JOIN_SLOTS ? at - SCORE_JOIN_SLOTS + 1 : 0; first <= at; first++)
        for (u32 last = at; last < work->query.place_count && last - first < SCORE_JOIN_SLOTS;
             last++) {
            if (!join(work, first, last, &word))
                continue;
            const struct span span = part_span(&word);
            for (u32 i = 0; i < words->count && !is_number(span); i++)
                if (words->items[i].live != 0 &&
                    score_goes_on(word.text, word.bytes, words->items[i].text,
                                  words->items[i].bytes))
                    offer_word(work, at, SCORE_MODEL, 0, last != first, 0,
                               find_name_span(words, i));
            if (last != first && live_of(words, find_name_of(words, span)) != 0)
                offer_word(work, at, SCORE_JOINED, 0, true, 0, span);
        }
}

static void offer_longer(struct work *work, u32 at)
{
    const struct find_names *words = &work->shop->words;
    const struct part *prefix = &work->query.places[at].joined;
    const struct span span = part_span(prefix);
    struct part stem;
    for (u32 i = 0; i < words->count; i++) {
        const struct find_name *word = &words->items[i];
        if (word->live == 0 || word->bytes <= prefix->bytes ||
            memcmp(word->text, prefix->text, prefix->bytes) != 0)
            continue;
        /* The nearest word of each stem. */
        const u32 own = stem_of(work, find_name_span(words, i), &stem);
        const u32 apart = letters_of(find_name_span(words, i)) - letters_of(span);
        bool is_nearest = true;
        for (u32 j = 0; j < words->count && is_nearest; j++) {
            const struct find_name *other = &words->items[j];
            if (j == i || other->live == 0 || other->stem != own || other->bytes <= prefix->bytes ||
                memcmp(other->text, prefix->text, prefix->bytes) != 0)
                continue;
            const u32 far = letters_of(find_name_span(words, j)) - letters_of(span);
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

static void offer_likes(struct work *work, u32 at, struct span word, bool is_joined)
{
    const struct find_shop *shop = work->shop;
    const u32 letters = letters_of(word);
    const bool number = is_number(word);
    const bool two = !is_joined && !has_digit(word) && shop->typo2 != 0 && letters >= shop->typo2 &&
                     letters >= 8;
    if (shop->typo1 == 0 || (is_joined && number))
        return;
    for (u32 i = 0; i < shop->words.count; i++) {
        const struct span like = find_name_span(&shop->words, i);
        const u32 own = letters_of(like);
        if (shop->words.items[i].live == 0 || own > letters + 2 || letters > own + 2 ||
            MAX(letters, own) < shop->typo1 || (is_number(like) && !number) ||
            (own == 1 && letters == 1))
            continue;
        const u32 distance = distance_of(word, like);
        if (distance != 0 && distance <= (two && !has_digit(like) ? 2u : 1u))
            offer_word(work, at, SCORE_TYPO, distance, is_joined,
                       2 * distance + (is_same_first(word, like) ? 0 : 1), like);
    }
}

static void offer_halves(struct work *work, u32 at, struct span word)
{
    struct part halves[2];
    for (u32 cut = 1; cut < word.bytes; cut++) {
        if ((word.data[cut] & 0xc0) == 0x80)
            continue;
        halves[0].bytes = (u8)cut;
        halves[1].bytes = (u8)(word.bytes - cut);
        memcpy(halves[0].text, word.data, cut);
        memcpy(halves[1].text, word.data + cut, word.bytes - cut);
        if (letters_of(part_span(&halves[0])) >= 2 && letters_of(part_span(&halves[1])) >= 2)
            offer_row(work, at, SCORE_SPLIT, halves, 2);
    }
}

/* ---- decisions ---- */

static u64 df_of(const struct slot *slot, bool is_self)
{
    u64 sum = 0;
    for (u32 i = 0; i < slot->count; i++) {
        const struct alternative *item = &slot->items[i];
        if (!item->is_out && (is_self ? item->kind == SCORE_SELF
                                      : item->kind != SCORE_TYPO && item->kind != SCORE_SPLIT))
            sum += item->df;
    }
    return sum;
}

static bool may_have_typos(const struct work *work, u32 at)
{
    return is_plain(work, at) && !work->slots[at].is_out && work->query.places[at].has_joined;
}

static bool row_wants_typos(const struct work *work, u32 first, u32 last, struct part *word)
{
    bool has_unknown = false;
    if (last >= work->query.place_count)
        return false;
    for (u32 i = first; i <= last; i++) {
        if (!may_have_typos(work, i))
            return false;
        has_unknown = has_unknown || df_of(&work->slots[i], true) == 0;
    }
    if (!has_unknown || !join(work, first, last, word))
        return false;
    for (u32 i = 0; i < work->slots[first].count; i++) {
        const struct alternative *item = &work->slots[first].items[i];
        const struct span words = span_of(item->words);
        if (item->word_count == 1 && item->kind <= SCORE_JOINED && item->df != 0 &&
            words.bytes == word->bytes && memcmp(words.data, word->text, word->bytes) == 0)
            return false;
    }
    return true;
}

static void offer_typos(struct work *work)
{
    const u32 count = work->query.place_count;
    bool wants[FIND_SLOTS_MAX] = {0};
    bool rows[FIND_SLOTS_MAX][2] = {{0}};
    struct part words[FIND_SLOTS_MAX][2];
    for (u32 i = 0; i < count; i++) {
        if (!may_have_typos(work, i))
            continue;
        const u64 df = df_of(&work->slots[i], false);
        wants[i] = is_number(part_span(&work->query.places[i].joined))
                       ? df == 0
                       : score_wants_typos(work->shop->live, df);
        for (u32 more = 0; more < 2; more++)
            rows[i][more] = row_wants_typos(work, i, i + more + 1, &words[i][more]);
    }
    for (u32 i = 0; i < count; i++) {
        const struct span word = part_span(&work->query.places[i].joined);
        if (wants[i]) {
            offer_likes(work, i, word, false);
            offer_halves(work, i, word);
        }
        for (u32 first = i >= 2 ? i - 2 : 0; first <= i; first++)
            for (u32 more = 0; more < 2; more++)
                if (rows[first][more] && first + more + 1 >= i)
                    offer_likes(work, i, part_span(&words[first][more]), true);
    }
}

static bool typo_precedes(const struct alternative *a, const struct alternative *b)
{
    return a->cost != b->cost ? a->cost < b->cost : strcmp(a->words, b->words) < 0;
}
static bool model_precedes(const struct alternative *a, const struct alternative *b)
{
    return a->df != b->df ? a->df > b->df : strcmp(a->words, b->words) < 0;
}

/* Of a kind the first `most` stay: each has fewer before it. */
static void keep_first(struct slot *slot, enum score_kind kind, bool is_joined, u32 most,
                       bool (*precedes)(const struct alternative *, const struct alternative *))
{
    bool *stays = find_bump(slot->count + 1);
    for (u32 i = 0; i < slot->count; i++) {
        u32 before = 0;
        for (u32 j = 0; j < slot->count; j++)
            before += slot->items[j].kind == kind && slot->items[j].is_joined == is_joined &&
                      !slot->items[j].is_out && precedes(&slot->items[j], &slot->items[i]);
        stays[i] = before < most;
    }
    for (u32 i = 0; i < slot->count; i++)
        if (slot->items[i].kind == kind && slot->items[i].is_joined == is_joined && !stays[i])
            slot->items[i].is_out = true;
}

static void drop_many(struct slot *slot, enum score_kind kind, u32 most)
{
    u32 count = 0;
    for (u32 i = 0; i < slot->count; i++)
        count += slot->items[i].kind == kind;
    for (u32 i = 0; i < slot->count && count > most; i++)
        slot->items[i].is_out |= slot->items[i].kind == kind;
}

static void choose(struct slot *slot)
{
    const u64 df = df_of(slot, false);
    for (u32 joined = 0; joined < 2; joined++) {
        keep_first(slot, SCORE_TYPO, joined == 1, TYPOS_MAX, typo_precedes);
        keep_first(slot, SCORE_MODEL, joined == 1, MODELS_MAX, model_precedes);
    }
    for (u32 i = 0; i < slot->count; i++) {
        struct alternative *item = &slot->items[i];
        if (item->kind == SCORE_TYPO && !item->is_joined && !score_is_likelier(df, item->df))
            item->is_out = true;
        if (item->df == 0 && item->kind != SCORE_SELF)
            item->is_out = true;
    }
    for (u32 i = 0; i < slot->count; i++) {
        struct alternative *typo = &slot->items[i];
        for (u32 j = 0; j < slot->count && typo->kind == SCORE_TYPO && !typo->is_out; j++) {
            const struct alternative *other = &slot->items[j];
            if (j != i && !other->is_out && other->word_count == 1 &&
                other->stems[0] == typo->stems[0])
                typo->is_out = other->factor > typo->factor ||
                               (other->factor == typo->factor && typo_precedes(other, typo));
        }
    }
}

/* Is everything that stands in a document a guess? */
static bool is_guess(const struct slot *slot)
{
    bool is_any = false;
    for (u32 i = 0; i < slot->count; i++) {
        const struct alternative *item = &slot->items[i];
        if (item->is_out || item->df == 0)
            continue;
        if (item->kind != SCORE_TYPO && item->kind != SCORE_SPLIT)
            return false;
        is_any = true;
    }
    return is_any;
}

static void give(const struct work *work, u32 at, struct find_slot *to)
{
    const struct slot *slot = &work->slots[at];
    const struct place *place = &work->query.places[at];
    bool digit = false;
    u64 df = 0;
    to->is_excluded = place->is_excluded;
    to->is_phrase = place->is_phrase;
    to->factors = find_bump((work->shop->stems.count + 1) * sizeof(u16));
    to->rows = find_bump((slot->count + 1) * sizeof to->rows[0]);
    for (u32 i = 0; i < place->count; i++)
        digit = digit || has_digit(part_span(&work->query.parts[place->first + i]));
    for (u32 i = 0; i < slot->count; i++) {
        const struct alternative *item = &slot->items[i];
        bool is_known = true;
        if (item->is_out)
            continue;
        df += score_df(item->df, item->factor);
        for (u32 j = 0; j < item->word_count; j++)
            is_known = is_known && item->stems[j] != UINT32_MAX;
        if (is_known && item->word_count == 1)
            to->factors[item->stems[0]] = (u16)MAX(to->factors[item->stems[0]], item->factor);
        else if (is_known)
            to->rows[to->row_count++] = (struct find_row){
                .factor = item->factor, .count = item->word_count, .stems = item->stems};
    }
    to->weight = score_weight(work->shop->live, MIN(df, work->shop->live), digit);
}

/* ---- curations ---- */

static void take_actions(struct find_plan *plan, const struct find_curation *curation)
{
    for (u32 i = 0; i < curation->action_count; i++) {
        MUST(plan->action_count < ARRAY_COUNT(plan->actions));
        plan->actions[plan->action_count++] = curation->actions[i];
    }
}

static bool curation_fits(const struct work *work, const struct find_curation *curation,
                          u64 category_id)
{
    const struct query *query = &work->query;
    if (curation->category_id != 0)
        return query->place_count == 0 && curation->category_id == category_id;
    for (u32 first = 0; first < query->place_count; first++)
        for (u32 last = first; last < query->place_count; last++) {
            bool is_all = true;
            if (!is_called(work, first, last, curation->words))
                continue;
            for (u32 i = 0; i < query->place_count; i++)
                is_all = is_all && ((i >= first && i <= last) || query->places[i].is_excluded);
            if (is_all || curation->is_part)
                return true;
        }
    return false;
}

static void find_actions(const struct work *work, u64 category_id, u64 now_ns,
                         struct find_plan *plan)
{
    for (u32 i = 0; i < work->shop->curation_count; i++) {
        const struct find_curation *curation = &work->shop->curations[i];
        if (now_ns >= curation->from_ns &&
            (curation->until_ns == 0 || now_ns < curation->until_ns) &&
            curation_fits(work, curation, category_id))
            take_actions(plan, curation);
    }
}

/* ---- all of it ---- */

static void drop_stop_words(struct work *work)
{
    u32 others = 0;
    for (u32 i = 0; i < work->query.place_count; i++)
        others += !work->query.places[i].is_excluded && !work->slots[i].is_stop;
    for (u32 i = 0; i < work->query.place_count; i++)
        work->slots[i].is_out =
            others != 0 && work->slots[i].is_stop && !work->query.places[i].is_excluded;
}

bool find_plan_make(struct find_shop *shop, const struct find_question *question, u64 category_id,
                    u64 now_ns, struct find_plan *plan)
{
    static struct work work;
    memset(&work, 0, sizeof work);
    memset(plan, 0, sizeof *plan);
    work.shop = shop;
    read_query(&work.query, question->query);
    if (work.query.is_bad)
        return false;
    for (u32 i = 0; i < work.query.place_count; i++) {
        offer_place(&work, i, SCORE_SELF, &work.query, &work.query.places[i]);
        if (is_plain(&work, i)) {
            offer_synonyms(&work, i);
            offer_joined(&work, i);
        }
        if (work.query.places[i].is_open && (question->ask.flags & SEARCH_FLAG_NO_PREFIX) == 0)
            offer_longer(&work, i);
        drop_many(&work.slots[i], SCORE_PREFIX, PREFIX_MAX);
        drop_many(&work.slots[i], SCORE_MODEL, MODELS_SEEN_MAX);
    }
    drop_stop_words(&work);
    if ((question->ask.flags & SEARCH_FLAG_NO_TYPOS) == 0)
        offer_typos(&work);
    for (u32 i = 0; i < work.query.place_count; i++) {
        choose(&work.slots[i]);
        if (work.slots[i].is_out)
            continue;
        plan->is_corrected |= !work.query.places[i].is_excluded && is_guess(&work.slots[i]);
        plan->positive_count += !work.query.places[i].is_excluded;
        give(&work, i, &plan->slots[plan->slot_count++]);
    }
    if ((question->ask.flags & SEARCH_FLAG_NO_CURATION) == 0)
        find_actions(&work, category_id, now_ns, plan);
    return true;
}
