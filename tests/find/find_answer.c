/* find_answer: every document judged, one after the other; docs/search.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "proto/id.h"
#include "proto/status.h"
#include "shards/search/rank.h" /* the built-in profile */
#include "tests/find/find_oracle.h"

#define VALUES_MAX 6000u /* of a facet */

/* ---- filters ---- */

static struct span span_of(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = text == NULL ? 0 : (u32)strlen(text)};
}
static bool is_text(struct span span, const char *text)
{
    return span.bytes == strlen(text) && memcmp(span.data, text, span.bytes) == 0;
}
static u64 id_of(struct span text)
{
    return id_from_code(text.data, text.bytes);
}

/* Thousandths, decimals from the fourth on cut off; false: no number. */
static bool number_of(struct span text, i64 *number)
{
    u32 at = text.bytes != 0 && text.data[0] == '-' ? 1 : 0, digits = 0, decimals = 0;
    const bool is_negative = at == 1;
    bool has_point = false;
    i64 value = 0;
    for (; at < text.bytes; at++) {
        const u8 c = text.data[at];
        if (c == '.' && !has_point && digits != 0) {
            has_point = true;
        } else if (c >= '0' && c <= '9' && digits < 15) {
            digits++;
            if (!has_point || decimals < 3)
                value = value * 10 + (c - '0');
            decimals += has_point ? 1 : 0;
        } else {
            return false;
        }
    }
    if (digits == 0 || (has_point && decimals == 0))
        return false;
    for (u32 i = MIN(decimals, 3u); i < 3; i++)
        value *= 10;
    *number = is_negative ? -value : value;
    return true;
}

/* 1 true, 0 false, -1 neither. */
static int truth_of(struct span text)
{
    static const char *const words[] = {"false", "no", "0", "true", "yes", "1"};
    char small[8] = {0};
    if (text.bytes >= sizeof small)
        return -1;
    for (u32 i = 0; i < text.bytes; i++)
        small[i] =
            (char)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] + 32 : text.data[i]);
    for (int i = 0; i < 6; i++)
        if (strcmp(small, words[i]) == 0)
            return i / 3;
    return -1;
}

static bool in_time(u64 from_ns, u64 until_ns, u64 now_ns)
{
    return now_ns >= from_ns && (until_ns == 0 || now_ns < until_ns);
}

static bool is_visible(const struct find_doc *doc, u64 now_ns)
{
    return doc->is_live && (doc->put.marks & PRODUCT_MARK_DRAFT) == 0 &&
           in_time(doc->put.visible_from_ns, doc->put.visible_until_ns, now_ns);
}

static bool is_buyable(const struct find_doc *doc, u64 now_ns)
{
    return is_visible(doc, now_ns) &&
           in_time(doc->put.buyable_from_ns, doc->put.buyable_until_ns, now_ns) &&
           find_doc_state(doc) != STOCK_STATE_NONE;
}

static i64 rating_of(const struct find_doc *doc)
{
    return doc->rating_count == 0 ? 0 : (i64)MIN(doc->rating_sum * 100 / doc->rating_count, 500);
}

static i64 discount_of(const struct find_doc *doc)
{
    const i64 price = find_doc_price(doc), before = doc->put.price_before;
    return before <= 0 || price >= before ? 0 : (before - price) * 10000 / before;
}

static bool number_fits(const struct find_node *node, i64 thousandths)
{
    for (u32 i = 0; i < node->value_count; i++)
        if ((node->values[i].is_range || node->values[i].is_number) &&
            thousandths >= node->values[i].from && thousandths <= node->values[i].until)
            return true;
    return false;
}

static bool text_fits(const struct find_node *node, struct span text)
{
    for (u32 i = 0; i < node->value_count; i++)
        if (is_text(text, node->values[i].text))
            return true;
    return false;
}

static bool truth_fits(const struct find_node *node, int truth)
{
    for (u32 i = 0; i < node->value_count; i++)
        if (truth_of(span_of(node->values[i].text)) == truth)
            return true;
    return node->value_count == 0 && truth == 1;
}

static bool category_fits(const struct find_shop *shop, const struct find_doc *doc,
                          const struct find_node *node)
{
    struct span code = span_of(doc->texts[FIND_CATEGORY]);
    for (u32 steps = 0; code.bytes != 0 && steps < 64; steps++) {
        if (text_fits(node, code))
            return true;
        struct span above;
        (void)find_category_parent(shop, code, &above);
        code = above;
    }
    return false;
}

static u16 type_of(const struct find_shop *shop, struct span name)
{
    const struct find_attribute *attribute = find_attribute_of(shop, name);
    return attribute != NULL ? attribute->type : ATTRIBUTE_TYPE_ENUM;
}

static bool attribute_fits(const struct find_shop *shop, const struct find_doc *doc,
                           const struct find_node *node)
{
    const char *lines = doc->texts[FIND_ATTRIBUTES];
    const u16 type = type_of(shop, span_of(node->name));
    struct span name, value;
    while (find_attribute_next(&lines, &name, &value)) {
        i64 number;
        if (!is_text(name, node->name) || value.bytes == 0)
            continue;
        if (type == ATTRIBUTE_TYPE_NUMBER ? number_of(value, &number) && number_fits(node, number)
            : type == ATTRIBUTE_TYPE_BOOL
                ? truth_of(value) >= 0 && truth_fits(node, truth_of(value))
                : text_fits(node, value))
            return true;
    }
    return false;
}

static bool term_fits(const struct find_shop *shop, const struct find_doc *doc,
                      const struct find_node *node, u64 now_ns)
{
    switch (node->field) {
    case 'c': return category_fits(shop, doc, node);
    case 'b': return text_fits(node, span_of(doc->texts[FIND_BRAND]));
    case 'p': return doc->put.currency != 0 && number_fits(node, find_doc_price(doc) * 1000);
    case 'r': return doc->rating_count != 0 && number_fits(node, rating_of(doc) * 10);
    case 'o': return number_fits(node, (i64)doc->put.popularity * 1000);
    case 'd': return number_fits(node, discount_of(doc) * 10);
    case 's': return truth_fits(node, find_doc_state(doc) != STOCK_STATE_NONE);
    case 'y': return truth_fits(node, is_buyable(doc, now_ns));
    case 'i': return text_fits(node, span_of(doc->texts[FIND_CODE]));
    default: return attribute_fits(shop, doc, node);
    }
}

/* No recursion: nodes come after their children. */
static void judge_nodes(const struct find_shop *shop, const struct find_filter *filter,
                        const struct find_doc *doc, u64 now_ns, bool *is_true)
{
    for (u32 i = 0; i < filter->count; i++) {
        const struct find_node *node = &filter->nodes[i];
        is_true[i] = node->kind == FIND_TERM  ? term_fits(shop, doc, node, now_ns)
                     : node->kind == FIND_NOT ? !is_true[node->left]
                     : node->kind == FIND_AND ? is_true[node->left] && is_true[node->right]
                                              : is_true[node->left] || is_true[node->right];
    }
}

/* What stands at the top level under AND: nodes, and whether they are turned round. */
struct parts {
    u16 nodes[FIND_NODES_MAX];
    bool is_not[FIND_NODES_MAX];
    int facets[FIND_NODES_MAX]; /* whose own part it is, -1: nobody's */
    u32 count;
};

static bool is_own(const struct find_filter *filter, u32 root, const struct find_facet *facet)
{
    u16 stack[FIND_NODES_MAX];
    u32 height = 0;
    stack[height++] = (u16)root;
    while (height != 0) {
        const struct find_node *node = &filter->nodes[stack[--height]];
        if (node->kind != FIND_TERM) {
            stack[height++] = node->left;
            if (node->kind != FIND_NOT)
                stack[height++] = node->right;
        } else if (node->field != facet->field || strcmp(node->name, facet->name) != 0) {
            return false;
        }
    }
    return true;
}

static void divide(const struct find_question *question, struct parts *parts)
{
    const struct find_filter *filter = &question->filter;
    u16 stack[FIND_NODES_MAX];
    bool turned[FIND_NODES_MAX];
    u32 height = 0;
    parts->count = 0;
    if (filter->count == 0)
        return;
    stack[0] = (u16)(filter->count - 1);
    turned[0] = false;
    height = 1;
    while (height != 0) {
        const u16 at = stack[--height];
        const bool is_not = turned[height];
        const struct find_node *node = &filter->nodes[at];
        if (node->kind == FIND_NOT) {
            stack[height] = node->left;
            turned[height++] = !is_not;
        } else if (node->kind == (is_not ? FIND_OR : FIND_AND)) {
            stack[height] = node->left;
            turned[height++] = is_not;
            stack[height] = node->right;
            turned[height++] = is_not;
        } else {
            parts->facets[parts->count] = -1;
            for (u32 f = question->facet_count; f-- > 0;)
                if (is_own(filter, at, &question->facets[f]))
                    parts->facets[parts->count] = (int)f;
            parts->nodes[parts->count] = at;
            parts->is_not[parts->count++] = is_not;
        }
    }
}

/* The category that the filter asks for at the top. The first of several, as they are written. */
static u64 category_of(const struct find_question *question, const struct parts *parts)
{
    for (u32 i = parts->count; i-- > 0;) { /* found from the last to the first */
        const struct find_node *node = &question->filter.nodes[parts->nodes[i]];
        if (node->kind == FIND_TERM && !parts->is_not[i] && node->field == 'c' &&
            node->value_count == 1)
            return id_of(span_of(node->values[0].text));
    }
    return 0;
}

/* ---- is it refused? ---- */

static bool is_known(const struct find_shop *shop, const char *wanted)
{
    struct span name, value;
    if (find_attribute_of(shop, span_of(wanted)) != NULL)
        return true;
    for (u32 i = 0; i < shop->doc_count; i++) {
        const char *lines = shop->docs[i].is_live ? shop->docs[i].texts[FIND_ATTRIBUTES] : NULL;
        while (find_attribute_next(&lines, &name, &value))
            if (is_text(name, wanted) && value.bytes != 0)
                return true;
    }
    return false;
}

static bool is_refused(const struct find_shop *shop, const struct find_question *question)
{
    for (u32 i = 0; i < question->filter.count; i++) {
        const struct find_node *node = &question->filter.nodes[i];
        if (node->kind != FIND_TERM || node->field != 'a')
            continue;
        const u16 type = type_of(shop, span_of(node->name));
        if (!is_known(shop, node->name) || (node->value_count == 0 && type != ATTRIBUTE_TYPE_BOOL))
            return true;
        for (u32 v = 0; v < node->value_count; v++) {
            const struct find_value *value = &node->values[v];
            if ((type == ATTRIBUTE_TYPE_NUMBER && !value->is_range && !value->is_number) ||
                (type != ATTRIBUTE_TYPE_NUMBER && value->is_range) ||
                (type == ATTRIBUTE_TYPE_BOOL && truth_of(span_of(value->text)) < 0))
                return true;
        }
    }
    for (u32 i = 0; i < question->facet_count; i++)
        if (question->facets[i].field == 'a' &&
            (!is_known(shop, question->facets[i].name) ||
             type_of(shop, span_of(question->facets[i].name)) == ATTRIBUTE_TYPE_TEXT))
            return true;
    return false;
}

/* ---- words ---- */

static u32 impact_of(const struct find_doc *doc, u32 stem)
{
    for (u32 i = 0; i < doc->has_count; i++)
        if (doc->has[i].stem == stem)
            return doc->has[i].impact;
    return 0;
}

static bool stands_at(const struct find_doc *doc, u32 field, u32 position, u32 stem)
{
    for (u32 i = 0; i < doc->token_count; i++)
        if (doc->tokens[i].field == field && doc->tokens[i].position == position &&
            doc->tokens[i].stem == stem)
            return true;
    return false;
}

static bool has_row(const struct find_doc *doc, const struct find_row *row)
{
    for (u32 i = 0; i < doc->token_count; i++) {
        u32 same = 0;
        while (same < row->count && stands_at(doc, doc->tokens[i].field,
                                              doc->tokens[i].position + same, row->stems[same]))
            same++;
        if (same == row->count)
            return true;
    }
    return false;
}

static u32 slot_impact(const struct find_doc *doc, const struct find_slot *slot)
{
    u32 best = 0;
    for (u32 i = 0; i < doc->has_count; i++)
        if (slot->factors[doc->has[i].stem] != 0)
            best = MAX(best, MAX(1u, (u32)slot->factors[doc->has[i].stem] * doc->has[i].impact /
                                         SCORE_FACTOR_ONE));
    for (u32 i = 0; i < slot->row_count; i++) {
        const struct find_row *row = &slot->rows[i];
        u32 least = UINT32_MAX;
        for (u32 j = 0; j < row->count; j++)
            least = MIN(least, impact_of(doc, row->stems[j]));
        if (least != 0 && has_row(doc, row))
            best = MAX(best, MAX(1u, row->factor * least / SCORE_FACTOR_ONE));
    }
    return best;
}

/* What a document has of the words. */
struct worth {
    u32 score;
    u32 words;
    u32 weight;
    bool has_all;
    bool has_phrases;
    bool has_excluded;
};

static struct worth worth_of(const struct find_plan *plan, const struct find_doc *doc)
{
    struct worth worth = {.has_all = true, .has_phrases = true};
    u32 bit = 0;
    for (u32 i = 0; i < plan->slot_count; i++) {
        const struct find_slot *slot = &plan->slots[i];
        const u32 impact = slot_impact(doc, slot);
        if (slot->is_excluded) {
            worth.has_excluded = worth.has_excluded || impact != 0;
            continue;
        }
        if (impact != 0) {
            worth.score += slot->weight * impact;
            worth.words |= 1u << bit;
            worth.weight += slot->weight;
        } else {
            worth.has_all = false;
            worth.has_phrases = worth.has_phrases && !slot->is_phrase;
        }
        bit++;
    }
    return worth;
}

/* ---- order ---- */

static u32 rank_of(const struct msg_rank_profile_put_req *profile, const struct find_doc *doc)
{
    const u16 state = find_doc_state(doc);
    const u64 popularity = score_log2((u64)doc->put.popularity + 1) * 1000 / (32 * 256);
    const u64 availability = state == STOCK_STATE_SOME ? 1000 : state == STOCK_STATE_LOW ? 500 : 0;
    const u64 rating = (doc->rating_sum * 2 + 35) * 100 / (doc->rating_count + 5);
    const u64 margin = MIN(doc->put.margin, 10000) / 10u;
    return (u32)(profile->popularity * popularity + profile->availability * availability +
                 profile->rating * rating + profile->margin * margin);
}

static u64 key_of(const struct find_question *question, const struct find_doc *doc, u32 bucket,
                  u32 world, const struct find_hit *hit)
{
    switch ((enum search_sort)question->ask.sort) {
    case SEARCH_SORT_RELEVANCE:
        return (u64)(hit->text_score / MAX(bucket, 1u)) << 32 | hit->rank_score;
    case SEARCH_SORT_PRICE_UP: return UINT64_MAX - (u64)find_doc_price(doc);
    case SEARCH_SORT_PRICE_DOWN: return (u64)find_doc_price(doc);
    case SEARCH_SORT_NEWEST: return doc->created_at_ns[world];
    case SEARCH_SORT_POPULARITY: return doc->put.popularity;
    case SEARCH_SORT_RATING: return (u64)rating_of(doc);
    case SEARCH_SORT_DISCOUNT: return (u64)discount_of(doc);
    case SEARCH_SORT_COUNT: break;
    }
    return 0;
}

static const struct find_doc *sorted_docs;

static int compare_hits(const void *a, const void *b)
{
    const struct find_hit *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    const u64 i = sorted_docs[x->doc].id, j = sorted_docs[y->doc].id;
    return i < j ? -1 : i > j;
}

static int compare_pins(const void *a, const void *b)
{
    const struct find_hit *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    const u64 i = sorted_docs[x->doc].id, j = sorted_docs[y->doc].id;
    return i < j ? -1 : i > j;
}

/* ---- facets ---- */

static void count_value(struct find_facet_answer *answer, u64 id, struct span text, u64 parent_id)
{
    for (u32 i = 0; i < answer->value_count; i++)
        if (answer->values[i].id == id) {
            answer->values[i].count++;
            return;
        }
    MUST(answer->value_count < VALUES_MAX && text.bytes < sizeof answer->values[0].text);
    struct find_facet_value *value = &answer->values[answer->value_count++];
    *value = (struct find_facet_value){.id = id, .parent_id = parent_id, .count = 1};
    if (text.bytes != 0)
        memcpy(value->text, text.data, text.bytes);
}

static void count_truth(struct find_facet_answer *answer, bool is_true)
{
    const struct span text = span_of(is_true ? "true" : "false");
    count_value(answer, id_of(text), text, 0);
}

/* Numbers of the matches, of a facet in hand. */
struct numbers {
    i64 *items;
    u32 count;
    u32 capacity;
};
static struct numbers numbers;

static void add_number(i64 number)
{
    if (numbers.count == numbers.capacity) {
        numbers.capacity = MAX(1024u, 2 * numbers.capacity);
        numbers.items = realloc(numbers.items, numbers.capacity * sizeof numbers.items[0]);
        MUST(numbers.items != NULL);
    }
    numbers.items[numbers.count++] = number;
}

/* A value once per document: texts, numbers and truths alike. */
static bool is_repeated(const char *lines, struct span name, struct span value)
{
    struct span own_name, own_value;
    while (find_attribute_next(&lines, &own_name, &own_value)) {
        if (own_value.data == value.data)
            return false;
        if (own_name.bytes == name.bytes && memcmp(own_name.data, name.data, name.bytes) == 0 &&
            own_value.bytes == value.bytes && memcmp(own_value.data, value.data, value.bytes) == 0)
            return true;
    }
    return false;
}

static void count_attribute(const struct find_shop *shop, const struct find_doc *doc,
                            const struct find_facet *facet, struct find_facet_answer *answer)
{
    const char *lines = doc->texts[FIND_ATTRIBUTES];
    const u16 type = type_of(shop, span_of(facet->name));
    struct span name, value;
    while (find_attribute_next(&lines, &name, &value)) {
        i64 number;
        if (!is_text(name, facet->name) || value.bytes == 0 ||
            is_repeated(doc->texts[FIND_ATTRIBUTES], name, value))
            continue;
        if (type == ATTRIBUTE_TYPE_NUMBER && number_of(value, &number))
            add_number(number);
        else if (type == ATTRIBUTE_TYPE_BOOL && truth_of(value) >= 0)
            count_truth(answer, truth_of(value) == 1);
        else if (type == ATTRIBUTE_TYPE_ENUM)
            count_value(answer, id_of(value), value, 0);
    }
}

static void count_facet(const struct find_shop *shop, const struct find_doc *doc,
                        const struct find_facet *facet, u64 now_ns,
                        struct find_facet_answer *answer)
{
    struct span code = span_of(doc->texts[FIND_CATEGORY]), above;
    const struct span brand = span_of(doc->texts[FIND_BRAND]);
    switch (facet->field) {
    case 'c':
        for (u32 steps = 0; code.bytes != 0 && steps < 64; steps++, code = above)
            count_value(answer, id_of(code), code, find_category_parent(shop, code, &above));
        break;
    case 'b':
        if (brand.bytes != 0)
            count_value(answer, id_of(brand), brand, 0);
        break;
    case 'p':
        if (doc->put.currency != 0)
            add_number(find_doc_price(doc));
        break;
    case 'r':
        if (doc->rating_count != 0)
            add_number(rating_of(doc));
        break;
    case 'o': add_number(doc->put.popularity); break;
    case 'd': add_number(discount_of(doc)); break;
    case 's': count_truth(answer, find_doc_state(doc) != STOCK_STATE_NONE); break;
    case 'y': count_truth(answer, is_buyable(doc, now_ns)); break;
    default: count_attribute(shop, doc, facet, answer); break;
    }
}

static int compare_values(const void *a, const void *b)
{
    const struct find_facet_value *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The greatest border at most at `number`, which is not negative, and the next one after it. */
static void bar_of(u64 number, u32 level, u64 *from, u64 *until)
{
    static const u32 digits[][24] = {
        {0}, /* all */
        {10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 0},
        {10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 0},
        {10, 20, 50, 100, 0},
        {10, 100, 0}};
    u64 unit = 1;
    if (number < 10) {
        const u64 step = level == 0 ? 1 : level == 1 ? 5 : 10;
        *from = number / step * step;
        *until = *from + step;
        return;
    }
    while (number / unit >= 100)
        unit *= 10;
    const u32 two = (u32)(number / unit);
    u32 low = two, high = two + 1;
    for (u32 i = 0; level != 0 && digits[level][i] != 0; i++)
        if (digits[level][i] <= two) {
            low = digits[level][i];
            high = digits[level][i + 1];
        }
    *from = low * unit;
    *until = high * unit;
}

/* The bar of any number; borders below zero are mirrored. */
static void border(i64 number, u32 level, i64 *from, i64 *until)
{
    u64 low, high;
    *from = level == 6 ? INT64_MIN : level == 5 && number >= 0 ? 0 : INT64_MIN;
    *until = level == 6 ? INT64_MAX : level == 5 && number < 0 ? 0 : INT64_MAX;
    if (level >= 5)
        return;
    bar_of(number >= 0 ? (u64)number : (u64)(-1 - number), level, &low, &high);
    *from = number >= 0 ? (i64)low : -(i64)high;
    *until = number >= 0 ? (i64)high : -(i64)low;
}

static u32 bars_between(i64 least, i64 greatest, u32 level, u32 most)
{
    u32 count = 0;
    for (i64 at = least; at <= greatest && count <= most; count++) { /* ends: at grows */
        i64 from, until;
        border(at, level, &from, &until);
        if (until == INT64_MAX)
            return count + 1;
        at = until;
    }
    return count;
}

static void add_range(struct find_facet_answer *answer, i64 from, i64 until, bool is_bar)
{
    struct find_range *range = &answer->ranges[answer->range_count++];
    *range = (struct find_range){.from = from, .until = until, .is_bar = is_bar};
}

static void make_ranges(u32 bars, struct find_facet_answer *answer)
{
    i64 least = INT64_MAX, greatest = INT64_MIN;
    u32 level = 0;
    if (numbers.count == 0)
        return;
    for (u32 i = 0; i < numbers.count; i++) {
        least = MIN(least, numbers.items[i]);
        greatest = MAX(greatest, numbers.items[i]);
    }
    add_range(answer, least, greatest, false);
    answer->ranges[0].count = numbers.count;
    if (bars == 0)
        return;
    while (level < 6 && bars_between(least, greatest, level, bars) > bars)
        level++;
    for (i64 at = least; at <= greatest;) {
        i64 from, until;
        border(at, level, &from, &until);
        const bool is_last = until > greatest;
        add_range(answer, at, is_last ? greatest : until, true);
        if (is_last)
            break;
        at = until;
    }
    for (u32 i = 0; i < numbers.count; i++) {
        u32 bar = 1;
        while (bar + 1 < answer->range_count && numbers.items[i] >= answer->ranges[bar].until)
            bar++;
        answer->ranges[bar].count++;
    }
}

/* ---- all of it ---- */

struct judging {
    struct find_shop *shop;
    const struct find_question *question;
    struct find_plan plan;
    struct parts parts;
    u64 now_ns;
    u32 world;
    u8 *matches;  /* by document: the words and the filter */
    u8 *of_facet; /* by document: bits of facets that count it */
    u8 *is_pin;
    struct worth *worths;
};

static const struct find_action *action_of(const struct judging *judging, u32 at,
                                           enum curation_kind kind)
{
    for (u32 i = 0; i < judging->plan.action_count; i++)
        if (judging->plan.actions[i].product_id == judging->shop->docs[at].id &&
            judging->plan.actions[i].kind == kind &&
            (kind == CURATION_HIDE || judging->question->ask.sort == SEARCH_SORT_RELEVANCE))
            return &judging->plan.actions[i];
    return NULL;
}

/* Visible, not hidden; the filter, and the filter as each facet sees it. */
static bool is_allowed(const struct judging *judging, u32 at, bool *is_match, u8 *of_facet)
{
    const struct find_doc *doc = &judging->shop->docs[at];
    const struct parts *parts = &judging->parts;
    bool is_true[FIND_NODES_MAX];
    *is_match = true;
    *of_facet = UINT8_MAX;
    if (!doc->is_live || action_of(judging, at, CURATION_HIDE) != NULL)
        return false;
    if ((judging->question->ask.flags & SEARCH_FLAG_STAFF) == 0 &&
        (!is_visible(doc, judging->now_ns) || (doc->put.marks & PRODUCT_MARK_UNLISTED) != 0))
        return false;
    judge_nodes(judging->shop, &judging->question->filter, doc, judging->now_ns, is_true);
    for (u32 i = 0; i < parts->count; i++)
        if (is_true[parts->nodes[i]] == parts->is_not[i]) {
            *is_match = false;
            *of_facet &= parts->facets[i] < 0 ? 0 : (u8)(1u << parts->facets[i]);
        }
    return true;
}

static bool has_words(const struct judging *judging, u32 at, u32 share, u32 total)
{
    const struct worth *worth = &judging->worths[at];
    if (worth->has_excluded)
        return false;
    if (share == UINT32_MAX)
        return worth->has_all;
    return worth->words != 0 && worth->has_phrases && score_share(worth->weight, total) >= share;
}

/* The share that suffices; UINT32_MAX: all slots. */
static u32 share_of(const struct judging *judging, u32 total)
{
    const struct find_shop *shop = judging->shop;
    u32 counts[SCORE_SHARES + 1] = {0}, all = 0, enough = 0;
    for (u32 i = 0; i < shop->doc_count; i++) {
        if (!judging->matches[i])
            continue;
        all += has_words(judging, i, UINT32_MAX, total);
        if (has_words(judging, i, 0, total))
            counts[score_share(judging->worths[i].weight, total)]++;
    }
    if (judging->plan.positive_count < 2 || all >= shop->drop_below ||
        (judging->question->ask.flags & SEARCH_FLAG_NO_DROP) != 0)
        return UINT32_MAX;
    for (u32 share = SCORE_SHARES; share > 0; share--) {
        enough += counts[share];
        if (enough >= shop->drop_below)
            return share;
    }
    return 0;
}

static u32 required_of(const struct find_plan *plan, u32 share)
{
    u32 weights[FIND_SLOTS_MAX], count = 0;
    for (u32 i = 0; i < plan->slot_count; i++)
        if (!plan->slots[i].is_excluded)
            weights[count++] = plan->slots[i].weight;
    return share == UINT32_MAX ? count : score_words_required(weights, count, share);
}

static const struct msg_rank_profile_put_req *profile_of(const struct judging *judging)
{
    static struct msg_rank_profile_put_req builtin;
    builtin = (struct msg_rank_profile_put_req){.bucket = rank_profile_builtin.bucket,
                                                .popularity = rank_profile_builtin.popularity,
                                                .availability = rank_profile_builtin.availability,
                                                .rating = rank_profile_builtin.rating,
                                                .margin = rank_profile_builtin.margin};
    const u32 at = judging->question->profile;
    return at == 0 ? &builtin : &judging->shop->profiles[at - 1];
}

static struct find_hit hit_of(const struct judging *judging, u32 at, bool has_text)
{
    const struct find_doc *doc = &judging->shop->docs[at];
    const struct msg_rank_profile_put_req *profile = profile_of(judging);
    const struct find_action *boost = action_of(judging, at, CURATION_BOOST);
    struct find_hit hit = {.doc = at};
    if (has_text) {
        hit.words = judging->worths[at].words;
        hit.text_score = judging->worths[at].score;
    }
    if (boost != NULL)
        hit.text_score = (u32)MIN((u64)hit.text_score * boost->value / 100, UINT32_MAX);
    hit.rank_score = rank_of(profile, doc);
    hit.key = key_of(judging->question, doc, profile->bucket, judging->world, &hit);
    return hit;
}

/* Hits in order, each pin at its place or right after the pin before it, the others around them. */
static void make_hits(const struct judging *judging, u32 share, u32 total,
                      struct find_answer *answer)
{
    const struct find_shop *shop = judging->shop;
    struct find_hit *hits = find_bump((shop->doc_count + 1) * sizeof *hits);
    struct find_hit *pins = find_bump(65 * sizeof *pins);
    u32 count = 0, pin_count = 0, pin = 0, hit = 0;
    for (u32 i = 0; i < shop->doc_count; i++) {
        const bool has_text = judging->matches[i] && has_words(judging, i, share, total);
        if (judging->is_pin[i] && judging->matches[i]) {
            pins[pin_count] = hit_of(judging, i, has_text);
            pins[pin_count++].place = action_of(judging, i, CURATION_PIN)->value;
        } else if (has_text) {
            hits[count++] = hit_of(judging, i, true);
        }
    }
    sorted_docs = shop->docs;
    qsort(hits, count, sizeof *hits, compare_hits);
    qsort(pins, pin_count, sizeof *pins, compare_pins);
    answer->total = count + pin_count;
    answer->hits = find_bump((answer->total + 1) * sizeof *hits);
    for (u32 at = 0, least = 0; at < answer->total; at++) {
        const bool is_pin =
            pin < pin_count && (hit == count || MAX(pins[pin].place, least) <= at + 1);
        if (is_pin)
            least = MAX(pins[pin].place, least) + 1;
        answer->hits[at] = is_pin ? pins[pin++] : hits[hit++];
    }
}

static void make_facets(const struct judging *judging, u32 share, u32 total,
                        struct find_answer *answer)
{
    const struct find_question *question = judging->question;
    for (u32 f = 0; f < question->facet_count; f++) {
        struct find_facet_answer *own = &answer->facets[f];
        *own = (struct find_facet_answer){
            .values = find_bump(VALUES_MAX * sizeof(struct find_facet_value))};
        numbers.count = 0;
        for (u32 i = 0; i < judging->shop->doc_count; i++)
            if ((judging->of_facet[i] >> f & 1) != 0 &&
                (judging->is_pin[i] || has_words(judging, i, share, total)))
                count_facet(judging->shop, &judging->shop->docs[i], &question->facets[f],
                            judging->now_ns, own);
        qsort(own->values, own->value_count, sizeof own->values[0], compare_values);
        own->value_count = MIN(own->value_count, question->facets[f].wanted);
        make_ranges(question->ask.bars, own);
    }
}

void find_answer_make(struct find_shop *shop, const struct find_question *question, u32 world,
                      u64 now_ns, struct find_answer *answer)
{
    static struct judging judging;
    memset(answer, 0, sizeof *answer);
    find_bump_reset();
    judging =
        (struct judging){.shop = shop, .question = question, .now_ns = now_ns, .world = world};
    divide(question, &judging.parts);
    answer->status = is_refused(shop, question) ? STATUS_BAD_FILTER : STATUS_OK;
    if (answer->status != STATUS_OK)
        return;
    if (!find_plan_make(shop, question, category_of(question, &judging.parts), now_ns,
                        &judging.plan)) {
        answer->status = STATUS_BAD_QUERY;
        return;
    }
    judging.matches = find_bump(shop->doc_count + 1);
    judging.of_facet = find_bump(shop->doc_count + 1);
    judging.is_pin = find_bump(shop->doc_count + 1);
    judging.worths = find_bump((shop->doc_count + 1) * sizeof judging.worths[0]);
    for (u32 i = 0; i < shop->doc_count; i++) {
        bool is_match;
        u8 of_facet;
        if (!is_allowed(&judging, i, &is_match, &of_facet))
            continue;
        judging.matches[i] = is_match;
        judging.of_facet[i] = of_facet;
        judging.is_pin[i] = action_of(&judging, i, CURATION_PIN) != NULL;
        judging.worths[i] = worth_of(&judging.plan, &shop->docs[i]);
    }
    u32 total = 0;
    for (u32 i = 0; i < judging.plan.slot_count; i++)
        total += judging.plan.slots[i].is_excluded ? 0 : judging.plan.slots[i].weight;
    total = MAX(total, 1u);
    const u32 share = share_of(&judging, total);
    answer->words = judging.plan.positive_count;
    answer->required = required_of(&judging.plan, share);
    answer->notes = (answer->required < answer->words ? SEARCH_NOTE_DROPPED : 0u) |
                    (judging.plan.is_corrected ? SEARCH_NOTE_CORRECTED : 0u);
    make_hits(&judging, share, total, answer);
    make_facets(&judging, share, total, answer);
}
