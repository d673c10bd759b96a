/* find_ask: random questions, out of words and values that the shop has.
 *
 * A question is a function of the shop and a seed. Filters are made as trees and written down, so that
 * nothing has to be read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/find/find_slots.h"
#include "tests/find/find_world.h"

#define TEXT_MAX 1500u

struct asking {
    const struct find_shop *shop;
    struct find_question *question;
    const struct find_doc *first;         /* whose title was looked at first */
    const struct find_curation *curation; /* whose words were said */
    const struct find_ad *ad;
    u64 random;
    char texts[FIND_NODES_MAX][TEXT_MAX]; /* of nodes */
};

static const struct find_doc *pick_doc(struct asking *asking)
{
    const struct find_shop *shop = asking->shop;
    const struct find_doc *doc = &shop->docs[0];
    for (u32 i = 0; i < 20; i++) {
        doc = &shop->docs[find_pick(&asking->random, shop->doc_count)];
        if (doc->is_live && doc->put.marks == 0 && doc->texts[FIND_TITLE][0] != 0)
            break;
    }
    return doc;
}

/* ---- words ---- */

struct title {
    char text[512];
    char *words[64];
    u32 count;
};

static void read_title(struct asking *asking, struct title *title)
{
    char *rest = NULL;
    title->count = 0;
    const struct find_doc *doc = pick_doc(asking);
    if (asking->first == NULL)
        asking->first = doc;
    (void)snprintf(title->text, sizeof title->text, "%s", doc->texts[FIND_TITLE]);
    for (char *word = strtok_r(title->text, " \"\t", &rest); word != NULL && title->count < 64;
         word = strtok_r(NULL, " \"\t", &rest))
        if (word[0] != '-' && strlen(word) < 30)
            title->words[title->count++] = word;
    if (title->count == 0)
        title->words[title->count++] = strcpy(title->text, "kata");
}

static const char *pick_word(struct asking *asking, struct title *title)
{
    return title->words[find_pick(&asking->random, title->count)];
}

static void say(struct asking *asking, const char *format, const char *word)
{
    char *query = asking->question->query;
    const size_t used = strlen(query);
    if (used + strlen(word) + 8 > sizeof asking->question->query)
        return;
    if (used != 0)
        strcat(query, " ");
    (void)snprintf(query + strlen(query), sizeof asking->question->query - strlen(query), format,
                   word);
}

static void mark(struct asking *asking, enum find_form form)
{
    asking->question->forms |= 1u << form;
}

/* One letter more, less, another, or two swapped. */
static void say_typo(struct asking *asking, struct title *title)
{
    char word[64], changed[80];
    u32 at, n = 0;
    (void)snprintf(word, sizeof word, "%s", pick_word(asking, title));
    for (u32 i = 0; i < 8 && strlen(word) < 4; i++)
        (void)snprintf(word, sizeof word, "%s", pick_word(asking, title));
    const u32 bytes = (u32)strlen(word);
    for (u32 i = 0; i < bytes; i++)
        if ((u8)word[i] >= 0x80) {
            say(asking, "%s", word);
            return;
        }
    const u32 times = bytes >= 8 && find_chance(&asking->random, 40) ? 2 : 1;
    for (u32 time = 0; time < times; time++) {
        n = (u32)strlen(word);
        at = find_pick(&asking->random, n);
        const char letter = (char)('a' + find_pick(&asking->random, 26));
        switch (find_pick(&asking->random, 4)) {
        case 0:
            (void)snprintf(changed, sizeof changed, "%.*s%c%s", (int)at, word, letter, word + at);
            break;
        case 1:
            (void)snprintf(changed, sizeof changed, "%.*s%s", (int)at, word, word + at + 1);
            break;
        case 2:
            (void)snprintf(changed, sizeof changed, "%s", word);
            changed[at] = letter;
            break;
        default:
            (void)snprintf(changed, sizeof changed, "%s", word);
            if (at + 1 < n) {
                changed[at] = word[at + 1];
                changed[at + 1] = word[at];
            }
            break;
        }
        (void)snprintf(word, sizeof word, "%.63s", changed);
    }
    if (word[0] != '-' && word[0] != 0)
        say(asking, "%s", word);
    mark(asking, FIND_FORM_TYPO);
}

static void say_phrase(struct asking *asking, struct title *title, bool is_excluded)
{
    char phrase[128];
    const u32 at = find_pick(&asking->random, title->count);
    (void)snprintf(phrase, sizeof phrase, "%s%s%s", title->words[at],
                   at + 1 < title->count ? " " : "",
                   at + 1 < title->count ? title->words[at + 1] : "");
    say(asking, is_excluded ? "-\"%s\"" : "\"%s\"", phrase);
    mark(asking, FIND_FORM_PHRASE);
}

static void say_synonym(struct asking *asking)
{
    const struct find_shop *shop = asking->shop;
    char words[128];
    char *rest = NULL;
    (void)snprintf(words, sizeof words, "%s",
                   shop->synonyms[find_pick(&asking->random, shop->synonym_count)].words);
    char *entry = strtok_r(words, ",", &rest);
    for (u32 skip = find_pick(&asking->random, 3); skip != 0; skip--) {
        char *next = strtok_r(NULL, ",", &rest);
        entry = next != NULL ? next : entry;
    }
    say(asking, "%s", entry);
    mark(asking, FIND_FORM_SYNONYM);
}

/* Two words written together, or a word taken apart. */
static void say_joined(struct asking *asking, struct title *title)
{
    char joined[128];
    const u32 at = find_pick(&asking->random, title->count);
    const char *word = title->words[at];
    const u32 bytes = (u32)strlen(word);
    if (find_chance(&asking->random, 50) && bytes > 3) {
        const u32 cut = 1 + find_pick(&asking->random, bytes - 1);
        if (((u8)word[cut] & 0xc0) == 0x80 || word[cut] == '-')
            return;
        (void)snprintf(joined, sizeof joined, "%.*s %s", (int)cut, word, word + cut);
    } else {
        (void)snprintf(joined, sizeof joined, "%s%s", word,
                       at + 1 < title->count ? title->words[at + 1] : "");
    }
    say(asking, "%s", joined);
    mark(asking, FIND_FORM_JOINED);
}

static void say_plain(struct asking *asking, struct title *title, u32 most)
{
    const u32 at = find_pick(&asking->random, title->count);
    const u32 count = 1 + find_pick(&asking->random, most);
    for (u32 i = 0; i < count; i++)
        say(asking, "%s", title->words[(at + i) % title->count]);
}

/* Cut somewhere, and nothing behind it. */
static void say_prefix(struct asking *asking, struct title *title)
{
    char word[64];
    (void)snprintf(word, sizeof word, "%s", pick_word(asking, title));
    const u32 bytes = (u32)strlen(word);
    u32 keep = 1 + find_pick(&asking->random, bytes);
    while (keep < bytes && ((u8)word[keep] & 0xc0) == 0x80)
        keep++;
    word[keep] = 0;
    say(asking, "%s", word);
    mark(asking, FIND_FORM_PREFIX);
}

static void make_words(struct asking *asking)
{
    struct title title, other;
    u64 *random = &asking->random;
    read_title(asking, &title);
    read_title(asking, &other);
    if (find_chance(random, 8)) {
        mark(asking, FIND_FORM_EMPTY);
        return;
    }
    if (find_chance(random, 10) && asking->shop->curation_count != 0) {
        asking->curation =
            &asking->shop->curations[find_pick(random, asking->shop->curation_count)];
        say(asking, "%s", asking->curation->words);
        mark(asking, FIND_FORM_CURATED);
    }
    if (find_chance(random, 55))
        say_plain(asking, &title, 3);
    if (find_chance(random, 16))
        say_phrase(asking, &title, false);
    if (find_chance(random, 18))
        say_typo(asking, &title);
    if (find_chance(random, 10))
        say_synonym(asking);
    if (find_chance(random, 10))
        say_joined(asking, &title);
    if (find_chance(random, 8)) {
        say(asking, "%s", asking->shop->stop_words[find_pick(random, asking->shop->stop_count)]);
        mark(asking, FIND_FORM_STOP);
    }
    if (find_chance(random, 10)) {
        say_plain(asking, &other, 2);
        mark(asking, FIND_FORM_DROPPED);
    }
    if (find_chance(random, 11)) {
        if (find_chance(random, 25))
            say_phrase(asking, &other, true);
        else
            say(asking, "-%s", pick_word(asking, &other));
        mark(asking, FIND_FORM_MINUS);
    }
    if (find_chance(random, 25) || asking->question->query[0] == 0)
        say_prefix(asking, &title);
    else if (find_chance(random, 60))
        strcat(asking->question->query, " ");
}

/* ---- filters ---- */

static bool is_plain_text(const char *text)
{
    for (const char *at = text; *at != 0; at++) {
        const u8 c = (u8)*at;
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.' || c == '/' || c >= 0x80))
            return false;
    }
    return text[0] != 0 && strstr(text, "..") == NULL;
}

static void write_value(char *to, const char *text, bool is_quoted)
{
    if (!is_quoted && is_plain_text(text)) {
        strcat(to, text);
        return;
    }
    size_t used = strlen(to);
    to[used++] = '"';
    for (; *text != 0; text++) {
        to[used++] = *text;
        if (*text == '"')
            to[used++] = '"';
    }
    to[used++] = '"';
    to[used] = 0;
}

/* A text as a value, and the number that it may be. */
static void set_text(struct find_value *value, const char *text)
{
    char *end = NULL;
    (void)snprintf(value->text, sizeof value->text, "%s", text);
    const long long whole = strtoll(text, &end, 10);
    if (text[0] == 0 || text[0] == '+' || text[0] == ' ' || strlen(text) > 12)
        return;
    if (*end == 0) {
        value->from = value->until = whole * 1000;
        value->is_number = true;
    } else if (*end == '.' && end != text && strlen(end) > 1 && strlen(end) <= 4 &&
               strspn(end + 1, "0123456789") == strlen(end + 1)) {
        i64 part = strtoll(end + 1, NULL, 10);
        for (size_t i = strlen(end); i < 4; i++)
            part *= 10;
        value->from = value->until = text[0] == '-' ? whole * 1000 - part : whole * 1000 + part;
        value->is_number = true;
    }
}

static void write_number(char *to, i64 thousandths)
{
    const i64 size = thousandths < 0 ? -thousandths : thousandths;
    (void)snprintf(to + strlen(to), 32, "%s%lld", thousandths < 0 ? "-" : "",
                   (long long)(size / 1000));
    if (size % 1000 != 0)
        (void)snprintf(to + strlen(to), 32, ".%03lld", (long long)(size % 1000));
}

static void make_range(struct asking *asking, struct find_value *value, i64 most, char *text)
{
    u64 *random = &asking->random;
    const i64 unit = most > 100000 ? 1000 : 10;
    const i64 a = (i64)(find_random(random) % (u64)most) / unit * unit;
    const i64 b = (i64)(find_random(random) % (u64)most) / unit * unit;
    const u32 shape = find_pick(random, 4);
    *value = (struct find_value){.from = INT64_MIN, .until = INT64_MAX, .is_range = true};
    if (shape != 1)
        value->from = MIN(a, b);
    if (shape != 0)
        value->until = MAX(a, b);
    if (shape != 1)
        write_number(text, value->from);
    strcat(text, "..");
    if (shape != 0)
        write_number(text, value->until);
}

static void pick_attribute(struct asking *asking, char *name, size_t name_bytes, char *value,
                           size_t value_bytes)
{
    struct span own_name, own_value;
    (void)snprintf(name, name_bytes, "color");
    (void)snprintf(value, value_bytes, "red");
    for (u32 i = 0; i < 4; i++) {
        const char *lines = pick_doc(asking)->texts[FIND_ATTRIBUTES];
        u32 skip = find_pick(&asking->random, 4);
        while (find_attribute_next(&lines, &own_name, &own_value)) {
            if (own_value.bytes == 0 || own_name.bytes >= name_bytes ||
                own_value.bytes >= value_bytes)
                continue;
            (void)snprintf(name, name_bytes, "%.*s", (int)own_name.bytes,
                           (const char *)own_name.data);
            (void)snprintf(value, value_bytes, "%.*s", (int)own_value.bytes,
                           (const char *)own_value.data);
            if (skip-- == 0)
                return;
        }
    }
}

static void make_value(struct asking *asking, struct find_node *node, char *text)
{
    u64 *random = &asking->random;
    struct find_value *value = &node->values[node->value_count++];
    char name[32], own[64];
    const bool is_quoted = find_chance(random, 10);
    *value = (struct find_value){0};
    switch (node->field) {
    case 'c':
        set_text(value, find_chance(random, 90) ? pick_doc(asking)->texts[FIND_CATEGORY] : "home");
        break;
    case 'b': set_text(value, pick_doc(asking)->texts[FIND_BRAND]); break;
    case 'i': set_text(value, pick_doc(asking)->texts[FIND_CODE]); break;
    case 'p': make_range(asking, value, 100000000, text); return;
    case 'r': make_range(asking, value, 5000, text); return;
    case 'o': make_range(asking, value, 1000000000, text); return;
    case 'd': make_range(asking, value, 100000, text); return;
    case 's':
    case 'y': set_text(value, find_chance(random, 50) ? "true" : "No"); break;
    default:
        if (strcmp(node->name, "size") == 0 && find_chance(random, 95)) {
            make_range(asking, value, 300000, text);
            return;
        }
        for (u32 i = 0; i < 12; i++) {
            pick_attribute(asking, name, sizeof name, own, sizeof own);
            if (strcmp(name, node->name) == 0)
                break;
        }
        set_text(value, strcmp(node->name, "organic") == 0 ? "yes" : own);
        break;
    }
    if (value->text[0] == 0)
        set_text(value, "nothing");
    write_value(text, value->text, is_quoted);
}

static u16 make_term(struct asking *asking)
{
    static const struct {
        char field;
        const char *name;
    } fields[] = {{'c', "category"}, {'b', "brand"},    {'p', "price"},      {'r', "rating"},
                  {'d', "discount"}, {'s', "in_stock"}, {'o', "popularity"}, {'y', "buyable"},
                  {'i', "code"},     {'c', "category"}, {'b', "brand"},      {'p', "price"}};
    u64 *random = &asking->random;
    const u16 at = (u16)asking->question->filter.count++;
    struct find_node *node = &asking->question->filter.nodes[at];
    char *text = asking->texts[at];
    char value[64];
    text[0] = 0;
    *node = (struct find_node){.kind = FIND_TERM};
    const u32 pick = find_pick(random, 18);
    if (pick < ARRAY_COUNT(fields)) {
        node->field = (u8)fields[pick].field;
        strcat(text, fields[pick].name);
        if ((node->field == 's' || node->field == 'y') && find_chance(random, 60))
            return at;
    } else {
        node->field = 'a';
        pick_attribute(asking, node->name, sizeof node->name, value, sizeof value);
        if (find_chance(random, 1))
            (void)snprintf(node->name, sizeof node->name, "unheard");
        (void)snprintf(text, TEXT_MAX, "%s%s", find_chance(random, 20) ? "attr." : "", node->name);
    }
    const u32 count = find_chance(random, 70) ? 1 : 1 + find_pick(random, 3);
    for (u32 i = 0; i < count; i++) {
        strcat(text, i == 0 ? ":" : "|");
        make_value(asking, node, text);
    }
    return at;
}

static u16 join_nodes(struct asking *asking, u8 kind, u16 left, u16 right)
{
    struct find_filter *filter = &asking->question->filter;
    const u16 at = (u16)filter->count++;
    char text[TEXT_MAX] = "";
    const u8 l = filter->nodes[left].kind, r = filter->nodes[right].kind;
    const bool more = find_chance(&asking->random, 20);
    filter->nodes[at] = (struct find_node){.kind = kind, .left = left, .right = right};
    const bool left_in = (kind == FIND_AND && l == FIND_OR) || (more && l != FIND_TERM);
    const bool right_in = (kind == FIND_AND && r == FIND_OR) || (more && r != FIND_TERM);
    const char *word = kind == FIND_OR ? " OR " : find_chance(&asking->random, 50) ? " AND " : " ";
    (void)snprintf(text, sizeof text, "%s%.600s%s%s%s%.600s%s", left_in ? "(" : "",
                   asking->texts[left], left_in ? ")" : "", word, right_in ? "(" : "",
                   asking->texts[right], right_in ? ")" : "");
    memcpy(asking->texts[at], text, sizeof text);
    return at;
}

static u16 turn_node(struct asking *asking, u16 node)
{
    struct find_filter *filter = &asking->question->filter;
    const u16 at = (u16)filter->count++;
    char text[TEXT_MAX] = "";
    const bool is_in = filter->nodes[node].kind == FIND_AND || filter->nodes[node].kind == FIND_OR;
    filter->nodes[at] = (struct find_node){.kind = FIND_NOT, .left = node};
    (void)snprintf(text, sizeof text, "NOT %s%.1300s%s", is_in ? "(" : "", asking->texts[node],
                   is_in ? ")" : "");
    memcpy(asking->texts[at], text, sizeof text);
    return at;
}

static void make_filter(struct asking *asking)
{
    u64 *random = &asking->random;
    const u32 terms = find_chance(random, 65) ? 1 : 1 + find_pick(random, 4);
    u16 root = make_term(asking);
    for (u32 i = 1; i < terms; i++) {
        u16 next = make_term(asking);
        if (find_chance(random, 15))
            next = turn_node(asking, next);
        if (find_chance(random, 10))
            root = turn_node(asking, root);
        root = join_nodes(asking, find_chance(random, 50) ? FIND_AND : FIND_OR, root, next);
    }
    if (find_chance(random, 10))
        root = turn_node(asking, root);
    (void)snprintf(asking->question->filter_text, sizeof asking->question->filter_text, "%s",
                   asking->texts[root]);
    mark(asking, FIND_FORM_FILTER);
}

/* ---- facets ---- */

static void make_facets(struct asking *asking)
{
    static const struct {
        char field;
        const char *name;
    } fields[] = {{'c', "category"}, {'b', "brand"},    {'p', "price"},      {'r', "rating"},
                  {'d', "discount"}, {'s', "in_stock"}, {'o', "popularity"}, {'y', "buyable"},
                  {'a', "color"},    {'a', "size"},     {'a', "organic"},    {'a', "kind"}};
    struct find_question *question = asking->question;
    u64 *random = &asking->random;
    const u32 count = 1 + find_pick(random, 3);
    u32 used = 0;
    for (u32 i = 0; i < count; i++) {
        const u32 pick = find_pick(random, ARRAY_COUNT(fields));
        struct find_facet *facet = &question->facets[question->facet_count];
        if ((used >> pick & 1) != 0)
            continue;
        used |= 1u << pick;
        *facet = (struct find_facet){.field = (u8)fields[pick].field, .wanted = 10};
        if (facet->field == 'a')
            (void)snprintf(facet->name, sizeof facet->name, "%s", fields[pick].name);
        char *to = question->facet_text;
        (void)snprintf(to + strlen(to), sizeof question->facet_text - strlen(to), "%s%s",
                       question->facet_count != 0 ? "," : "", fields[pick].name);
        if (find_chance(random, 60)) {
            facet->wanted = 1 + find_pick(random, 1000);
            (void)snprintf(to + strlen(to), sizeof question->facet_text - strlen(to), ":%u",
                           facet->wanted);
        }
        question->facet_count++;
    }
    question->ask.bars = find_chance(random, 60) ? (u16)(1 + find_pick(random, 50)) : 0;
    mark(asking, FIND_FORM_FACET);
}

void find_filter_make(const struct find_shop *shop, u64 seed, struct find_question *question)
{
    static struct asking asking;
    memset(question, 0, sizeof *question);
    asking.shop = shop;
    asking.question = question;
    asking.random = seed;
    make_filter(&asking);
}

/* ---- the rest ---- */

/* The words of an ad, or a category that has one. */
static void say_ad(struct asking *asking)
{
    const struct find_shop *shop = asking->shop;
    const struct find_ad *ad = &shop->ads[find_pick(&asking->random, shop->ad_count)];
    char word[64];
    asking->ad = ad;
    if (find_chance(&asking->random, 40)) {
        asking->question->query[0] = 0;
        asking->question->forms &= 1u << FIND_FORM_FILTER;
    }
    for (const char *from = ad->words; find_next_entry(&from, word);) {
        say(asking, "%s", word);
        if (find_chance(&asking->random, 50))
            return;
    }
}

/* Just a category, with nothing or something beside it, and mostly no words. */
static void make_category(struct asking *asking)
{
    const bool has_words = find_chance(&asking->random, 25);
    static const char *const names[] = {"home", "garden", "toys", "home/ka"};
    struct find_question *question = asking->question;
    struct find_filter *filter = &question->filter;
    struct find_node *node = &filter->nodes[0];
    filter->count = 1;
    *node = (struct find_node){.kind = FIND_TERM, .field = 'c', .value_count = 1};
    set_text(&node->values[0], names[find_pick(&asking->random, ARRAY_COUNT(names))]);
    (void)snprintf(asking->texts[0], TEXT_MAX, "category:%s", node->values[0].text);
    if (find_chance(&asking->random, 40)) {
        const u16 other = make_term(asking);
        (void)join_nodes(asking, FIND_AND, 0, other);
    }
    (void)snprintf(question->filter_text, sizeof question->filter_text, "%s",
                   asking->texts[filter->count - 1]);
    mark(asking, FIND_FORM_FILTER);
    if (has_words)
        return;
    question->query[0] = 0;
    question->forms = 1u << FIND_FORM_FILTER | 1u << FIND_FORM_EMPTY | 1u << FIND_FORM_CATEGORY;
}

/* One of the moments at which something begins or ends, or the one before or after it. */
static u64 pick_moment(struct asking *asking)
{
    const struct find_shop *shop = asking->shop;
    u64 *random = &asking->random;
    for (u32 i = 0; i < 30; i++) {
        const struct find_doc *doc = &shop->docs[find_pick(random, shop->doc_count)];
        const struct find_ad *ad =
            asking->ad != NULL ? asking->ad : &shop->ads[find_pick(random, shop->ad_count)];
        const struct find_curation *curation =
            asking->curation != NULL ? asking->curation
                                     : &shop->curations[find_pick(random, shop->curation_count)];
        const u64 moments[] = {doc->put.visible_from_ns,
                               doc->put.visible_until_ns,
                               doc->put.buyable_from_ns,
                               doc->put.buyable_until_ns,
                               ad->from_ns,
                               ad->until_ns,
                               curation->from_ns,
                               curation->until_ns};
        const u32 first = asking->ad != NULL || asking->curation != NULL ? 4 : 0;
        const u64 moment = moments[first + find_pick(random, ARRAY_COUNT(moments) - first)];
        if (moment != 0)
            return moment + find_pick(random, 3) - 1;
    }
    return 0;
}

/* A curation that begins or ends, asked for just as it is, and nothing that hides what it does. */
static void make_curated_moment(struct asking *asking)
{
    static const char *const names[] = {"home", "garden", "toys", "home/ka"};
    const struct find_shop *shop = asking->shop;
    struct find_question *question = asking->question;
    u64 *random = &asking->random;
    const struct find_curation *curation;
    u32 tries = 20;
    do
        curation = &shop->curations[find_pick(random, shop->curation_count)];
    while (curation->from_ns + curation->until_ns == 0 && --tries != 0);
    const bool is_end =
        curation->until_ns != 0 && (curation->from_ns == 0 || find_chance(random, 50));
    if (curation->from_ns + curation->until_ns == 0)
        return;
    memset(question, 0, sizeof *question);
    question->at_ns = (is_end ? curation->until_ns : curation->from_ns) + find_pick(random, 3) - 1;
    question->ask.limit = 100;
    mark(asking, FIND_FORM_MOMENT);
    mark(asking, curation->category_id != 0 ? FIND_FORM_CATEGORY : FIND_FORM_CURATED);
    if (curation->category_id == 0) {
        (void)snprintf(question->query, sizeof question->query, "%s ", curation->words);
        return;
    }
    struct find_node *node = &question->filter.nodes[question->filter.count++];
    *node = (struct find_node){.kind = FIND_TERM, .field = 'c', .value_count = 1};
    for (u32 i = 0; i < ARRAY_COUNT(names); i++)
        if (find_id(find_span(names[i])) == curation->category_id)
            set_text(&node->values[0], names[i]);
    (void)snprintf(question->filter_text, sizeof question->filter_text, "category:%s",
                   node->values[0].text);
    mark(asking, FIND_FORM_FILTER);
}

static void make_page(struct asking *asking)
{
    static const u32 offsets[] = {0, 1, 2, 99, 100, 199, 10000};
    static const u16 limits[] = {0, 1, 99, 100};
    struct msg_search_req *ask = &asking->question->ask;
    u64 *random = &asking->random;
    ask->limit = find_chance(random, 5) ? 0 : 1 + find_pick(random, SEARCH_LIMIT_MAX);
    if ((asking->question->forms >> FIND_FORM_CURATED & 1) != 0 && find_chance(random, 50))
        ask->limit = 1 + find_pick(random, 3); /* pins on many pages, beyond the end */
    ask->offset = find_chance(random, 15) ? find_pick(random, 60) : 0;
    if (!find_chance(random, 6))
        return;
    ask->limit = limits[find_pick(random, ARRAY_COUNT(limits))];
    ask->offset = offsets[find_pick(random, ARRAY_COUNT(offsets))];
    if (find_chance(random, 50))
        asking->question->edge = 1 + find_pick(random, 3);
    if (find_chance(random, 5)) {
        ask->limit = 101;
        asking->question->edge = 0;
    } else if (find_chance(random, 5)) {
        ask->offset = 10001;
        asking->question->edge = 0;
    }
    mark(asking, FIND_FORM_EDGE);
}

static void make_flags(struct asking *asking)
{
    static const struct {
        u16 flag;
        u16 percent;
    } flags[] = {{SEARCH_FLAG_NO_TYPOS, 10}, {SEARCH_FLAG_NO_PREFIX, 10},
                 {SEARCH_FLAG_NO_DROP, 12},  {SEARCH_FLAG_NO_CURATION, 8},
                 {SEARCH_FLAG_STAFF, 5},     {SEARCH_FLAG_EXPLAIN, 6},
                 {SEARCH_FLAG_AT_LEAST, 6}};
    struct msg_search_req *ask = &asking->question->ask;
    for (u32 i = 0; i < ARRAY_COUNT(flags); i++)
        if (find_chance(&asking->random, flags[i].percent))
            ask->flags |= flags[i].flag;
    if ((ask->flags & SEARCH_FLAG_EXPLAIN) != 0)
        mark(asking, FIND_FORM_EXPLAIN);
    if ((ask->flags & SEARCH_FLAG_AT_LEAST) != 0)
        mark(asking, FIND_FORM_AT_LEAST);
}

/* What is asked for by a name. */
static void make_names(struct asking *asking)
{
    const struct find_shop *shop = asking->shop;
    struct find_question *question = asking->question;
    u64 *random = &asking->random;
    if (find_chance(random, 20)) {
        question->profile = 1 + find_pick(random, shop->profile_count);
        question->ask.profile_id = shop->profiles[question->profile - 1].home_id;
        mark(asking, FIND_FORM_PROFILE);
    }
    if (find_chance(random, 5)) {
        question->collection = 1 + find_pick(random, shop->collection_count);
        question->ask.collection_id = shop->collections[question->collection - 1].id;
        mark(asking, FIND_FORM_COLLECTION);
    }
    if (find_chance(random, 15)) {
        question->user = 1 + find_pick(random, ARRAY_COUNT(shop->users));
        question->ask.user_id = 76 + question->user;
        mark(asking, FIND_FORM_RECENT);
    }
    if (find_chance(random, 4)) {
        question->ask.only_product_id =
            find_chance(random, 95) ? asking->first->id : pick_doc(asking)->id;
        mark(asking, FIND_FORM_ONLY);
    }
    const u32 unknown = find_pick(random, 300);
    if (unknown == 0) {
        question->profile = 999;
        question->ask.profile_id = 999;
    } else if (unknown == 1) {
        question->collection = 999;
        question->ask.collection_id = 999;
    }
}

void find_question_make(const struct find_shop *shop, u64 seed, struct find_question *question)
{
    static struct asking asking;
    memset(question, 0, sizeof *question);
    asking.shop = shop;
    asking.question = question;
    asking.random = seed;
    asking.first = NULL;
    asking.curation = NULL;
    asking.ad = NULL;
    u64 *random = &asking.random;
    make_words(&asking);
    const bool is_category = find_chance(random, 5);
    if (is_category)
        make_category(&asking);
    else if (find_chance(random, 26))
        make_filter(&asking);
    if (find_chance(random, is_category ? 40 : 11)) {
        question->ask.ads = (u16)(1 + find_pick(random, 10));
        if (!is_category && find_chance(random, 70))
            say_ad(&asking);
        mark(&asking, FIND_FORM_AD);
    }
    if (find_chance(random, 40))
        make_facets(&asking);
    if (find_chance(random, 35)) {
        question->ask.sort = (u16)(1 + find_pick(random, SEARCH_SORT_COUNT - 1));
        mark(&asking, FIND_FORM_SORT);
    }
    make_page(&asking);
    make_flags(&asking);
    make_names(&asking);
    if (find_chance(random, asking.ad != NULL || asking.curation != NULL ? 20 : 3)) {
        question->at_ns = pick_moment(&asking);
        mark(&asking, FIND_FORM_MOMENT);
    }
    if (find_chance(random, 3))
        make_curated_moment(&asking);
    if (shop->is_policy_put)
        mark(&asking, FIND_FORM_POLICY);
}
