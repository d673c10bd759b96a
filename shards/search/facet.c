/* facet: reading of facets, and what their values are called; see facet.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/facet.h"

#include <string.h>

#include "proto/id.h"

struct facet_reader {
    struct span text;
    u32 at;
    struct filter_problem *problem;
    u8 *names;
    u32 name_bytes;
    u32 wanted; /* of all */
};

static bool refuse(struct facet_reader *reader, u32 at, const char *reason)
{
    reader->problem->at = at;
    reader->problem->text_bytes = 0;
    filter_problem_add(reader->problem, "facets: ");
    filter_problem_add(reader->problem, reason);
    return false;
}

static bool refuse_name(struct filter_problem *problem, u32 at, struct span name,
                        const char *reason)
{
    problem->at = at;
    problem->text_bytes = 0;
    filter_problem_add(problem, "facets: ");
    filter_problem_add_span(problem, (struct span){name.data, MIN(name.bytes, 63u)});
    filter_problem_add(problem, reason);
    return false;
}

static bool is_text(struct facet_reader *reader)
{
    u32 at;
    const char *reason = filter_text_invalid(reader->text, &at);
    return reason == NULL || refuse(reader, at, reason);
}

static u8 peek(const struct facet_reader *reader)
{
    return reader->at < reader->text.bytes ? reader->text.data[reader->at] : 0;
}

static void skip_spaces(struct facet_reader *reader)
{
    while (peek(reader) == ' ')
        reader->at++;
}

/* Up to a colon, a comma or the end; or what stands in quotes. */
static bool read_name(struct facet_reader *reader, struct span *name)
{
    const u32 begin = reader->at;
    u8 *to = reader->names + reader->name_bytes;
    *name = (struct span){.data = to, .bytes = 0};
    if (peek(reader) != '"') {
        while (reader->at < reader->text.bytes && peek(reader) != ':' && peek(reader) != ',' &&
               peek(reader) != '"')
            to[name->bytes++] = reader->text.data[reader->at++];
        while (name->bytes != 0 && to[name->bytes - 1] == ' ')
            name->bytes--;
        return name->bytes != 0 || refuse(reader, begin, "a name has to stand here");
    }
    for (reader->at++; reader->at < reader->text.bytes; reader->at++) {
        if (peek(reader) == '"') {
            reader->at++;
            if (peek(reader) != '"')
                return name->bytes != 0 || refuse(reader, begin, "nothing stands in the quotes");
        }
        to[name->bytes++] = peek(reader);
    }
    return refuse(reader, begin, "this quote is not closed");
}

static bool read_wanted(struct facet_reader *reader, struct facet *facet)
{
    u32 wanted = 0;
    facet->wanted = FACET_WANTED_DEFAULT;
    if (peek(reader) == ':') {
        const u32 begin = ++reader->at;
        for (; peek(reader) >= '0' && peek(reader) <= '9' && wanted <= FACET_WANTED_MAX;
             reader->at++)
            wanted = wanted * 10 + (u32)(peek(reader) - '0');
        if (wanted == 0 || wanted > FACET_WANTED_MAX)
            return refuse(reader, begin, "1 to 1,000 values can be asked for");
        facet->wanted = (u16)wanted;
    }
    reader->wanted += facet->wanted;
    if (reader->wanted > FACET_VALUES_MAX)
        return refuse(reader, facet->at, "more than 8,192 values in all");
    return true;
}

static bool is_same(const struct facet_reader *reader, const struct facet *a, const struct facet *b)
{
    return a->field == b->field && a->text_bytes == b->text_bytes &&
           (a->text_bytes == 0 || memcmp(reader->names + a->text_offset,
                                         reader->names + b->text_offset, a->text_bytes) == 0);
}

static u8 kind_of(enum filter_field field)
{
    if (field == FILTER_FIELD_CATEGORY)
        return FACET_KIND_CATEGORY;
    return field >= FILTER_FIELD_PRICE && field <= FILTER_FIELD_DISCOUNT ? FACET_KIND_NUMBERS
                                                                         : FACET_KIND_VALUES;
}

static bool read_facet(struct facet_reader *reader, struct facet *facets, u32 count)
{
    struct span name;
    struct facet *facet = &facets[count];
    *facet = (struct facet){.at = reader->at};
    if (!read_name(reader, &name))
        return false;
    struct span attribute = name;
    facet->field = (u8)filter_field_of(&attribute);
    facet->kind = kind_of((enum filter_field)facet->field);
    if (facet->field == FILTER_FIELD_CODE)
        return refuse(reader, facet->at, "code has no facet");
    if (facet->field == FILTER_FIELD_ATTRIBUTE) {
        facet->text_offset = (u32)(attribute.data - reader->names);
        facet->text_bytes = (u16)attribute.bytes;
        reader->name_bytes += name.bytes;
    }
    if (!read_wanted(reader, facet))
        return false;
    for (u32 i = 0; i < count; i++) {
        if (is_same(reader, &facets[i], facet))
            return refuse_name(reader->problem, facet->at, name, " comes twice");
    }
    skip_spaces(reader);
    if (reader->at < reader->text.bytes && peek(reader) != ',')
        return refuse(reader, reader->at, "a comma has to stand here");
    return true;
}

static bool read_facets(struct facet_reader *reader, struct facet *facets, u32 *count)
{
    skip_spaces(reader);
    while (reader->at < reader->text.bytes) { /* ends: a name is read each time */
        if (*count == FACETS_MAX)
            return refuse(reader, reader->at, "more than 16 facets");
        if (!read_facet(reader, facets, *count))
            return false;
        ++*count;
        if (peek(reader) != ',')
            break;
        reader->at++;
        skip_spaces(reader);
        if (reader->at >= reader->text.bytes)
            return refuse(reader, reader->at, "a name has to stand here");
    }
    return true;
}

struct facets *facet_parse(struct span text, u16 bars, struct bump *bump,
                           struct filter_problem *problem)
{
    struct facet items[FACETS_MAX];
    struct facet_reader reader = {.text = text, .problem = problem};
    u32 count = 0;
    *problem = (struct filter_problem){0};
    MUST(bars <= FACET_BARS_MAX);
    if (text.bytes > FACETS_BYTES_MAX) {
        (void)refuse(&reader, FACETS_BYTES_MAX, "longer than 1,024 bytes");
        return NULL;
    }
    reader.names = bump_acquire(bump, text.bytes + 1);
    if (reader.names == NULL || !is_text(&reader) || !read_facets(&reader, items, &count))
        return NULL;
    const u32 head = (u32)(sizeof(struct facets) + count * sizeof *items);
    const u32 bytes = ROUND_UP(head + reader.name_bytes, 8u);
    struct facets *facets = bump_acquire_zeroed(bump, bytes);
    if (facets == NULL)
        return NULL;
    *facets = (struct facets){.bytes = bytes, .count = (u16)count, .bars = bars};
    if (count != 0)
        memcpy(facets->items, items, count * sizeof *items);
    if (reader.name_bytes != 0)
        memcpy((u8 *)facets + head, reader.names, reader.name_bytes);
    return facets;
}

struct span facet_name(const struct facets *facets, u32 facet)
{
    MUST(facet < facets->count);
    const u8 *names = (const u8 *)(facets->items + facets->count);
    return (struct span){.data = names + facets->items[facet].text_offset,
                         .bytes = facets->items[facet].text_bytes};
}

bool facet_judge(struct facets *facets, const struct filter_known *known,
                 struct filter_problem *problem)
{
    *problem = (struct filter_problem){0};
    for (u32 i = 0; i < facets->count; i++) {
        struct facet *facet = &facets->items[i];
        if (facet->field != FILTER_FIELD_ATTRIBUTE)
            continue;
        const char *reason = filter_known_invalid(known[i]);
        if (reason != NULL)
            return refuse_name(problem, facet->at, facet_name(facets, i), reason);
        facet->type = known[i].type == 0 ? ATTRIBUTE_TYPE_ENUM : known[i].type;
        if (facet->type == ATTRIBUTE_TYPE_TEXT)
            return refuse_name(problem, facet->at, facet_name(facets, i),
                               " is text, which has no facet");
        facet->kind = facet->type == ATTRIBUTE_TYPE_NUMBER ? FACET_KIND_NUMBERS : FACET_KIND_VALUES;
    }
    return true;
}

static bool label_truth(u64 value_id, struct span *text)
{
    static const struct span words[2] = {{(const u8 *)"true", 4}, {(const u8 *)"false", 5}};
    for (u32 i = 0; i < 2; i++) {
        if (value_id == id_from_code(words[i].data, words[i].bytes)) {
            *text = words[i];
            return true;
        }
    }
    return false;
}

static bool label_category(const struct column_tree *tree, u64 value_id, struct span *text,
                           u64 *parent_id)
{
    const u32 node = column_category_find(tree, value_id);
    if (node == 0 || column_node_at(tree, node)->code == NULL)
        return false;
    const struct column_node *record = column_node_at(tree, node);
    *text = (struct span){.data = record->code, .bytes = record->code_bytes};
    if (record->parent != 0)
        *parent_id = column_node_at(tree, record->parent)->category_id;
    return true;
}

bool facet_label(const struct columns *columns, const struct facets *facets, u32 facet,
                 u64 value_id, struct span *text, u64 *parent_id)
{
    MUST(facet < facets->count);
    const struct facet *record = &facets->items[facet];
    *parent_id = 0;
    if (record->field == FILTER_FIELD_CATEGORY)
        return label_category(&columns->tree, value_id, text, parent_id);
    if (record->field != FILTER_FIELD_BRAND && record->type != ATTRIBUTE_TYPE_ENUM)
        return label_truth(value_id, text);
    const u32 field = record->field == FILTER_FIELD_BRAND
                          ? COLUMN_FIELD_BRAND
                          : column_field_find(&columns->fields, facet_name(facets, facet));
    const u32 ordinal = field == 0 ? 0 : column_value_by_id(&columns->fields, field, value_id);
    if (ordinal == 0)
        return false;
    const struct column_value *value = column_value_at(&columns->fields, field, ordinal);
    *text = (struct span){.data = value->text, .bytes = value->text_bytes};
    return true;
}
