/* filter: see filter.h.
 *
 * The parser reads from left to right and keeps, per open bracket, what stands left of the last OR and
 * what stands left of the last AND. Nodes of two children come out; they are then written in prefix
 * order, with children of the same kind joined to their parent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/filter.h"

#include <string.h>

#include "proto/id.h"
#include "proto/text.h"
#include "shards/search/column_field.h"

#define NODES_MAX (2 * FILTER_TERMS_MAX)
#define NONE      0xffffu

struct parse_node {
    u16 left;
    u16 right; /* of FILTER_KIND_TERM: the term */
    u8 kind;
    u8 is_not;
};

/* What is open at a depth of brackets. */
struct parse_level {
    u16 or_left;
    u16 and_left;
    u32 at;      /* of the bracket */
    bool is_not; /* everything in here is turned round */
    bool is_next_not;
};

/* Of the stack of write_nodes. */
struct write_step {
    u16 node;
    u16 close;  /* a node that is written, and so are its children; or NONE */
    u8 kind_of; /* the parent */
};

struct parser {
    struct span text;
    u32 at;
    struct filter_problem *problem;
    struct filter counts; /* how many there are of everything */
    struct filter_term *terms;
    struct filter_value *values;
    struct filter_name *names;
    u8 *texts;
    struct parse_node *nodes;
    u32 node_count;
    u32 depth;
    u32 operator_at; /* of the last AND, OR, NOT or bracket */
    u16 root;
    bool wants_operand;
    bool has_begun;
    struct parse_level levels[FILTER_DEPTH_MAX + 1];
};

static bool is_space(u8 c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- problems ---------------------------------------------------------------------------------- */

/* As much as there is room for, and whole letters. */
void filter_problem_add_span(struct filter_problem *problem, struct span text)
{
    const u32 room = MIN(text.bytes, FILTER_PROBLEM_MAX - problem->text_bytes);
    const u32 bytes = text_utf8_bytes(text.data, room);
    if (bytes != 0)
        memcpy(problem->text + problem->text_bytes, text.data, bytes);
    problem->text_bytes += bytes;
}

void filter_problem_add(struct filter_problem *problem, const char *text)
{
    u32 bytes = 0;
    while (text[bytes] != '\0') /* ends: texts of ours */
        bytes++;
    filter_problem_add_span(problem, (struct span){.data = (const u8 *)text, .bytes = bytes});
}

static bool refuse(struct parser *parser, u32 at, const char *reason)
{
    parser->problem->at = at;
    parser->problem->text_bytes = 0;
    filter_problem_add(parser->problem, reason);
    return false;
}

const char *filter_text_invalid(struct span text, u32 *at)
{
    const u32 utf8_bytes = text_utf8_bytes(text.data, text.bytes);
    for (*at = 0; *at < utf8_bytes; ++*at) {
        const u8 c = text.data[*at];
        if (c == 0x7f || (c < ' ' && !is_space(c)))
            return "a control character";
    }
    return utf8_bytes == text.bytes ? NULL : "not UTF-8";
}

static bool is_text(struct parser *parser)
{
    u32 at;
    const char *reason = filter_text_invalid(parser->text, &at);
    return reason == NULL || refuse(parser, at, reason);
}

/* "price wants a value" */
static bool refuse_name(struct filter_problem *problem, u32 at, struct span name,
                        const char *reason)
{
    problem->at = at;
    problem->text_bytes = 0;
    filter_problem_add_span(problem, (struct span){name.data, MIN(name.bytes, 63u)});
    filter_problem_add(problem, reason);
    return false;
}

/* ---- words ------------------------------------------------------------------------------------- */

static const struct {
    char text[12];
    u8 bytes;
    u8 field;
} field_names[] = {
    {"category", 8, FILTER_FIELD_CATEGORY},
    {"brand", 5, FILTER_FIELD_BRAND},
    {"price", 5, FILTER_FIELD_PRICE},
    {"rating", 6, FILTER_FIELD_RATING},
    {"popularity", 10, FILTER_FIELD_POPULARITY},
    {"discount", 8, FILTER_FIELD_DISCOUNT},
    {"in_stock", 8, FILTER_FIELD_IN_STOCK},
    {"buyable", 7, FILTER_FIELD_BUYABLE},
    {"code", 4, FILTER_FIELD_CODE},
};

enum filter_field filter_field_of(struct span *name)
{
    static const char prefix[] = "attr.";
    for (u32 i = 0; i < ARRAY_COUNT(field_names); i++) {
        if (name->bytes == field_names[i].bytes &&
            memcmp(name->data, field_names[i].text, name->bytes) == 0)
            return (enum filter_field)field_names[i].field;
    }
    if (name->bytes >= sizeof prefix && memcmp(name->data, prefix, sizeof prefix - 1) == 0) {
        name->data += sizeof prefix - 1;
        name->bytes -= (u32)sizeof prefix - 1;
    }
    return FILTER_FIELD_ATTRIBUTE;
}

/* What may stand without quotes. */
static bool is_plain(u8 c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/' || c >= 0x80;
}

/* 0 at the end, and for a zero byte, which is not plain either. */
static u8 peek(const struct parser *parser)
{
    return parser->at < parser->text.bytes ? parser->text.data[parser->at] : 0;
}

static bool text_is(struct span text, const char *word, u32 bytes, bool is_any_case)
{
    if (text.bytes != bytes)
        return false;
    for (u32 i = 0; i < bytes; i++) {
        const u8 c = text.data[i];
        const u8 upper = c >= 'a' && c <= 'z' ? (u8)(c - 32) : c;
        if ((is_any_case ? upper : c) != (u8)word[i])
            return false;
    }
    return true;
}

/* A name or a value, with its quotes taken off, added to the texts. */
static bool read_text(struct parser *parser, struct span *text, bool *is_quoted)
{
    const u32 begin = parser->at;
    u8 *to = parser->texts + parser->counts.text_bytes;
    *text = (struct span){.data = to, .bytes = 0};
    *is_quoted = peek(parser) == '"';
    if (!*is_quoted) {
        while (is_plain(peek(parser)))
            to[text->bytes++] = parser->text.data[parser->at++];
        return true;
    }
    for (parser->at++; parser->at < parser->text.bytes; parser->at++) {
        const u8 c = parser->text.data[parser->at];
        if (c == '"') {
            parser->at++;
            if (peek(parser) != '"')
                return text->bytes != 0 || refuse(parser, begin, "nothing stands in the quotes");
        }
        to[text->bytes++] = c;
    }
    return refuse(parser, begin, "this quote is not closed");
}

/* ---- values ---------------------------------------------------------------------------------------- */

static bool read_range(struct parser *parser, struct span text, struct filter_value *value)
{
    u32 dots = 0;
    while (dots + 1 < text.bytes && (text.data[dots] != '.' || text.data[dots + 1] != '.'))
        dots++;
    if (dots + 1 >= text.bytes)
        return true;
    const struct span from = {text.data, dots};
    const struct span until = {text.data + dots + 2, text.bytes - dots - 2};
    value->shape = FILTER_SHAPE_RANGE;
    value->from = INT64_MIN;
    value->until = INT64_MAX;
    if (from.bytes + until.bytes == 0)
        return refuse(parser, value->at, "a range needs an end: 5.., ..5 or 1..5");
    if (from.bytes != 0 && !column_number_parse(from, false, &value->from))
        return refuse(parser, value->at,
                      "no number that a range can begin with (up to three decimals)");
    if (until.bytes != 0 && !column_number_parse(until, false, &value->until))
        return refuse(parser, value->at + dots + 2,
                      "no number that a range can end with (up to three decimals)");
    if (value->from > value->until)
        return refuse(parser, value->at, "this range ends before it begins");
    return true;
}

static bool read_value(struct parser *parser)
{
    struct filter_value *value = &parser->values[parser->counts.value_count];
    struct span text;
    bool is_quoted;
    memset(value, 0, sizeof *value);
    value->at = parser->at;
    if (!read_text(parser, &text, &is_quoted))
        return false;
    if (text.bytes == 0)
        return refuse(parser, value->at,
                      "a value has to stand here (in quotes, unless it is of letters, digits and "
                      "-_./)");
    if (!is_quoted && !read_range(parser, text, value))
        return false;
    if (value->shape == 0 && column_number_parse(text, false, &value->from)) {
        value->shape = FILTER_SHAPE_NUMBER;
        value->until = value->from;
    }
    value->text_offset = parser->counts.text_bytes;
    value->text_bytes = (u16)text.bytes;
    parser->counts.text_bytes += text.bytes;
    parser->counts.value_count++;
    return true;
}

static bool read_values(struct parser *parser, struct filter_term *term)
{
    do { /* ends: a character is read each time */
        parser->at++;
        if (!read_value(parser))
            return false;
        term->value_count++;
    } while (peek(parser) == '|');
    return true;
}

/* What can be said before it is known which attributes there are. */
static bool judge_values(struct parser *parser, const struct filter_term *term, struct span name)
{
    if (term->field == FILTER_FIELD_ATTRIBUTE)
        return true;
    const bool is_truth_field =
        term->field == FILTER_FIELD_IN_STOCK || term->field == FILTER_FIELD_BUYABLE;
    const bool is_number =
        term->field >= FILTER_FIELD_PRICE && term->field <= FILTER_FIELD_DISCOUNT;
    if (term->value_count == 0 && !is_truth_field)
        return refuse_name(parser->problem, term->at, name, " needs a value: name:value");
    for (u32 i = 0; i < term->value_count; i++) {
        const struct filter_value *value = &parser->values[term->first_value + i];
        if (is_number && value->shape == 0)
            return refuse_name(parser->problem, value->at, name,
                               " is compared with numbers (up to three decimals) or ranges");
        if (!is_number && value->shape == FILTER_SHAPE_RANGE)
            return refuse_name(parser->problem, value->at, name, " has no ranges");
        const struct span text = {parser->texts + value->text_offset, value->text_bytes};
        if (is_truth_field && column_truth(text) == COLUMN_TRUTH_NONE)
            return refuse_name(parser->problem, value->at, name, " is true or false");
    }
    return true;
}

/* The number of an attribute's name, the last one that was read. */
static u16 add_name(struct parser *parser, struct span name, u32 at)
{
    for (u16 i = 0; i < parser->counts.name_count; i++) {
        const struct filter_name *other = &parser->names[i];
        if (other->text_bytes == name.bytes &&
            memcmp(parser->texts + other->text_offset, name.data, name.bytes) == 0)
            return i;
    }
    parser->names[parser->counts.name_count] = (struct filter_name){
        .at = at, .text_offset = (u32)(name.data - parser->texts), .text_bytes = name.bytes};
    return parser->counts.name_count++;
}

/* ---- expressions ------------------------------------------------------------------------------------- */

static u16 make_node(struct parser *parser, enum filter_kind kind, u16 left, u16 right)
{
    struct parse_level *level = &parser->levels[parser->depth];
    const enum filter_kind turned = kind == FILTER_KIND_AND ? FILTER_KIND_OR : FILTER_KIND_AND;
    MUST(parser->node_count < NODES_MAX);
    parser->nodes[parser->node_count] = (struct parse_node){
        .left = left, .right = right, .kind = (u8)(level->is_not ? turned : kind)};
    return (u16)parser->node_count++;
}

static void add_operand(struct parser *parser, u16 node)
{
    struct parse_level *level = &parser->levels[parser->depth];
    level->and_left =
        level->and_left == NONE ? node : make_node(parser, FILTER_KIND_AND, level->and_left, node);
    level->is_next_not = false;
    parser->wants_operand = false;
}

/* Everything since the bracket, or since the OR before, is one operand of OR. */
static u16 close_or(struct parser *parser)
{
    struct parse_level *level = &parser->levels[parser->depth];
    MUST(level->and_left != NONE);
    if (level->or_left == NONE)
        return level->and_left;
    return make_node(parser, FILTER_KIND_OR, level->or_left, level->and_left);
}

static bool open_bracket(struct parser *parser)
{
    const struct parse_level *level = &parser->levels[parser->depth];
    if (parser->depth == FILTER_DEPTH_MAX)
        return refuse(parser, parser->at, "more than 16 brackets within each other");
    parser->levels[parser->depth + 1] =
        (struct parse_level){.or_left = NONE,
                             .and_left = NONE,
                             .at = parser->at,
                             .is_not = level->is_not != level->is_next_not};
    parser->depth++;
    parser->operator_at = parser->at++;
    parser->wants_operand = true;
    return true;
}

static bool close_bracket(struct parser *parser)
{
    if (parser->depth == 0)
        return refuse(parser, parser->at, "this bracket was not opened");
    if (parser->wants_operand)
        return refuse(parser, parser->at, "a term is missing before this bracket");
    const u16 node = close_or(parser);
    parser->depth--;
    parser->at++;
    add_operand(parser, node);
    return true;
}

static bool read_operator(struct parser *parser, u32 at, char first)
{
    struct parse_level *level = &parser->levels[parser->depth];
    if (first != 'N' && parser->wants_operand)
        return refuse(parser, at, "a term is missing before this word");
    if (first == 'N')
        level->is_next_not = !level->is_next_not;
    if (first == 'O') {
        level->or_left = close_or(parser);
        level->and_left = NONE;
    }
    parser->operator_at = at;
    parser->wants_operand = true;
    return true;
}

static bool read_term(struct parser *parser, struct span name, u32 at)
{
    if (parser->counts.term_count == FILTER_TERMS_MAX)
        return refuse(parser, at, "more than 256 terms");
    struct filter_term *term = &parser->terms[parser->counts.term_count];
    *term = (struct filter_term){
        .at = at, .first_value = parser->counts.value_count, .name = FILTER_NO_NAME};
    parser->counts.text_bytes += name.bytes; /* keeps it */
    struct span attribute = name;
    term->field = (u8)filter_field_of(&attribute);
    if (term->field == FILTER_FIELD_ATTRIBUTE)
        term->name = add_name(parser, attribute, at);
    if (peek(parser) == ':' && !read_values(parser, term))
        return false;
    if (!judge_values(parser, term, name))
        return false;
    const struct parse_level *level = &parser->levels[parser->depth];
    MUST(parser->node_count < NODES_MAX);
    parser->nodes[parser->node_count] =
        (struct parse_node){.right = parser->counts.term_count++,
                            .kind = FILTER_KIND_TERM,
                            .is_not = level->is_not != level->is_next_not};
    add_operand(parser, (u16)parser->node_count++);
    const u8 next = peek(parser);
    if (parser->at < parser->text.bytes && !is_space(next) && next != '(' && next != ')')
        return refuse(parser, parser->at,
                      "this character has to stand in quotes, with the value or name it is in");
    return true;
}

static bool read_word(struct parser *parser)
{
    const u32 at = parser->at;
    struct span word;
    bool is_quoted;
    if (!read_text(parser, &word, &is_quoted))
        return false;
    if (word.bytes == 0)
        return refuse(parser, at,
                      "a name has to stand here (in quotes, unless it is of letters, digits and "
                      "-_./)");
    const bool is_alone = !is_quoted && peek(parser) != ':';
    static const char words[3][4] = {"AND", "OR", "NOT"};
    for (u32 i = 0; i < 3 && is_alone; i++) {
        const u32 bytes = i == 1 ? 2 : 3;
        if (text_is(word, words[i], bytes, false))
            return read_operator(parser, at, words[i][0]);
        if (text_is(word, words[i], bytes, true))
            return refuse(parser, at, "AND, OR and NOT are written in capitals");
    }
    return read_term(parser, word, at);
}

static bool read_expression(struct parser *parser)
{
    for (;;) { /* ends: a character is read each time, or it is refused */
        while (parser->at < parser->text.bytes && is_space(peek(parser)))
            parser->at++;
        if (parser->at >= parser->text.bytes)
            break;
        const u8 c = peek(parser);
        parser->has_begun = true;
        const bool is_read = c == '('   ? open_bracket(parser)
                             : c == ')' ? close_bracket(parser)
                                        : read_word(parser);
        if (!is_read)
            return false;
    }
    if (parser->depth != 0)
        return refuse(parser, parser->levels[parser->depth].at, "this bracket is not closed");
    if (parser->wants_operand && parser->has_begun)
        return refuse(parser, parser->operator_at, "a term is missing after this");
    return true;
}

/* ---- flat ------------------------------------------------------------------------------------------ */

/* Writes the nodes in prefix order; returns how many. */
static u16 write_nodes(const struct parser *parser, struct filter_node *nodes)
{
    struct write_step stack[2 * NODES_MAX];
    u32 height = 0;
    u16 count = 0;
    stack[height++] = (struct write_step){parser->root, NONE, FILTER_KIND_TERM};
    while (height != 0) { /* ends: each node is taken once, and closed once */
        const struct write_step step = stack[--height];
        if (step.close != NONE) {
            nodes[step.close].size = (u16)(count - step.close);
            continue;
        }
        const struct parse_node *node = &parser->nodes[step.node];
        if (node->kind == FILTER_KIND_TERM) {
            nodes[count++] =
                (struct filter_node){.size = 1, .term = node->right, .is_not = node->is_not};
            continue;
        }
        if (node->kind != step.kind_of) {
            stack[height++] = (struct write_step){step.node, count, 0};
            nodes[count++] = (struct filter_node){.kind = node->kind};
        }
        MUST(height + 2 <= ARRAY_COUNT(stack));
        stack[height++] = (struct write_step){node->right, NONE, node->kind};
        stack[height++] = (struct write_step){node->left, NONE, node->kind};
    }
    return count;
}

static void copy_part(u8 **to, const void *part, size_t bytes)
{
    if (bytes != 0)
        memcpy(*to, part, bytes);
    *to += bytes;
}

static struct filter *flatten(const struct parser *parser, struct bump *bump)
{
    struct filter_node nodes[NODES_MAX];
    struct filter counts = parser->counts;
    if (counts.term_count != 0)
        counts.node_count = write_nodes(parser, nodes);
    const size_t bytes = sizeof counts + counts.node_count * sizeof *nodes +
                         counts.value_count * sizeof *parser->values +
                         counts.term_count * sizeof *parser->terms +
                         counts.name_count * sizeof *parser->names + counts.text_bytes;
    counts.bytes = (u32)ROUND_UP(bytes, (size_t)8);
    struct filter *filter = bump_acquire_zeroed(bump, counts.bytes);
    if (filter == NULL)
        return NULL;
    u8 *to = (u8 *)filter;
    copy_part(&to, &counts, sizeof counts);
    copy_part(&to, nodes, counts.node_count * sizeof *nodes);
    copy_part(&to, parser->values, counts.value_count * sizeof *parser->values);
    copy_part(&to, parser->terms, counts.term_count * sizeof *parser->terms);
    copy_part(&to, parser->names, counts.name_count * sizeof *parser->names);
    copy_part(&to, parser->texts, counts.text_bytes);
    return filter;
}

struct filter *filter_parse(struct span text, struct bump *bump, struct filter_problem *problem)
{
    u32 values_max = 1;
    *problem = (struct filter_problem){0};
    for (u32 i = 0; i < text.bytes; i++)
        values_max += text.data[i] == ':' || text.data[i] == '|' ? 1 : 0;
    struct parser *parser = bump_acquire_zeroed(bump, sizeof *parser);
    if (parser == NULL)
        return NULL;
    parser->text = text;
    parser->problem = problem;
    parser->wants_operand = true;
    parser->levels[0] = (struct parse_level){.or_left = NONE, .and_left = NONE};
    if (text.bytes > FILTER_BYTES_MAX) {
        (void)refuse(parser, FILTER_BYTES_MAX, "longer than 4,096 bytes");
        return NULL;
    }
    parser->terms = bump_acquire(bump, FILTER_TERMS_MAX * sizeof *parser->terms);
    parser->values = bump_acquire(bump, values_max * sizeof *parser->values);
    parser->names = bump_acquire(bump, FILTER_TERMS_MAX * sizeof *parser->names);
    parser->nodes = bump_acquire(bump, NODES_MAX * sizeof *parser->nodes);
    parser->texts = bump_acquire(bump, text.bytes + 1);
    if (parser->terms == NULL || parser->values == NULL || parser->names == NULL ||
        parser->nodes == NULL || parser->texts == NULL || !is_text(parser) ||
        !read_expression(parser))
        return NULL;
    if (parser->counts.term_count != 0)
        parser->root = close_or(parser);
    return flatten(parser, bump);
}

/* ---- what the shards know -------------------------------------------------------------------------- */

struct span filter_name(const struct filter *filter, u32 name)
{
    MUST(name < filter->name_count);
    const struct filter_name *record = &filter_names(filter)[name];
    return filter_text(filter, record->text_offset, record->text_bytes);
}

const char *filter_known_invalid(struct filter_known known)
{
    if ((known.knowledge & FILTER_LEFT_OUT) != 0)
        return ": more than 1,024 names of attributes are in use, and not all products are found "
               "by this one";
    return (known.knowledge & FILTER_KNOWN) != 0 || known.type != 0
               ? NULL
               : ": no product has this attribute, and it is not declared";
}
STATIC_CHECK(ATTRIBUTE_NAMES_MAX == 1024);

static bool judge_value(const struct filter *filter, const struct filter_value *value, u8 type,
                        struct span name, struct filter_problem *problem)
{
    const struct span text = filter_text(filter, value->text_offset, value->text_bytes);
    if (type == ATTRIBUTE_TYPE_NUMBER && value->shape == 0)
        return refuse_name(problem, value->at, name,
                           " is compared with numbers (up to three decimals) or ranges");
    if (type != ATTRIBUTE_TYPE_NUMBER && value->shape == FILTER_SHAPE_RANGE)
        return refuse_name(problem, value->at, name,
                           " is not declared as a number and has no ranges");
    if (type == ATTRIBUTE_TYPE_BOOL && column_truth(text) == COLUMN_TRUTH_NONE)
        return refuse_name(problem, value->at, name, " is true or false");
    return true;
}

bool filter_judge(struct filter *filter, const struct filter_known *known,
                  struct filter_problem *problem)
{
    *problem = (struct filter_problem){0};
    const struct filter_term *terms = filter_terms(filter);
    for (u32 i = 0; i < filter->term_count; i++) {
        struct filter_term term = terms[i];
        if (term.field != FILTER_FIELD_ATTRIBUTE)
            continue;
        const struct span name = filter_name(filter, term.name);
        const char *reason = filter_known_invalid(known[term.name]);
        if (reason != NULL)
            return refuse_name(problem, term.at, name, reason);
        term.type = known[term.name].type == 0 ? ATTRIBUTE_TYPE_ENUM : known[term.name].type;
        if (term.value_count == 0 && term.type != ATTRIBUTE_TYPE_BOOL)
            return refuse_name(problem, term.at, name, " needs a value: name:value");
        for (u32 v = 0; v < term.value_count; v++) {
            const struct filter_value *value = &filter_values(filter)[term.first_value + v];
            if (!judge_value(filter, value, term.type, name, problem))
                return false;
        }
        memcpy((u8 *)filter + ((const u8 *)&terms[i] - (const u8 *)filter), &term, sizeof term);
    }
    return true;
}

static bool term_chooses(const struct filter *filter, const struct filter_term *term, u64 value_id)
{
    const bool is_truth = term->field == FILTER_FIELD_IN_STOCK ||
                          term->field == FILTER_FIELD_BUYABLE || term->type == ATTRIBUTE_TYPE_BOOL;
    if (term->value_count == 0)
        return value_id == id_from_code("true", 4);
    for (u32 v = 0; v < term->value_count; v++) {
        const struct filter_value *value = &filter_values(filter)[term->first_value + v];
        const struct span text = filter_text(filter, value->text_offset, value->text_bytes);
        const u64 id = !is_truth ? id_from_code(text.data, text.bytes)
                       : column_truth(text) == COLUMN_TRUTH_YES ? id_from_code("true", 4)
                                                                : id_from_code("false", 5);
        if (id == value_id)
            return true;
    }
    return false;
}

bool filter_chooses(const struct filter *filter, enum filter_field field, struct span name,
                    u64 value_id)
{
    for (u32 i = 0; i < filter->node_count; i++) {
        const struct filter_node *node = &filter_nodes(filter)[i];
        if (node->kind != FILTER_KIND_TERM || node->is_not)
            continue;
        const struct filter_term *term = &filter_terms(filter)[node->term];
        if (term->field != (u8)field)
            continue;
        if (field == FILTER_FIELD_ATTRIBUTE) {
            const struct span other = filter_name(filter, term->name);
            if (other.bytes != name.bytes || memcmp(other.data, name.data, name.bytes) != 0)
                continue;
        }
        if (term_chooses(filter, term, value_id))
            return true;
    }
    return false;
}
