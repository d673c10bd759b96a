/* find_filter: what a filter says of one document, and what of it stands at the top; docs/search.md,
 * "Filters" and "Facets".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/find/find_judge.h"

/* ---- filters ---- */

/* Thousandths, decimals from the fourth on cut off; false: no number. */
bool find_number(struct span text, i64 *number)
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
int find_truth(struct span text)
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

bool find_in_time(u64 from_ns, u64 until_ns, u64 now_ns)
{
    return now_ns >= from_ns && (until_ns == 0 || now_ns < until_ns);
}

bool find_is_visible(const struct find_doc *doc, u64 now_ns)
{
    return doc->is_live && (doc->put.marks & PRODUCT_MARK_DRAFT) == 0 &&
           find_in_time(doc->put.visible_from_ns, doc->put.visible_until_ns, now_ns);
}

bool find_is_buyable(const struct find_doc *doc, u64 now_ns)
{
    return find_is_visible(doc, now_ns) &&
           find_in_time(doc->put.buyable_from_ns, doc->put.buyable_until_ns, now_ns) &&
           find_doc_state(doc) != STOCK_STATE_NONE;
}

i64 find_rating(const struct find_doc *doc)
{
    return doc->rating_count == 0 ? 0 : (i64)MIN(doc->rating_sum * 100 / doc->rating_count, 500);
}

i64 find_discount(const struct find_doc *doc)
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
        if (find_is_text(text, node->values[i].text))
            return true;
    return false;
}

static bool truth_fits(const struct find_node *node, int truth)
{
    for (u32 i = 0; i < node->value_count; i++)
        if (find_truth(find_span(node->values[i].text)) == truth)
            return true;
    return node->value_count == 0 && truth == 1;
}

static bool category_fits(const struct find_shop *shop, const struct find_doc *doc,
                          const struct find_node *node)
{
    struct span code = find_span(doc->texts[FIND_CATEGORY]);
    for (u32 steps = 0; code.bytes != 0 && steps < 64; steps++) {
        if (text_fits(node, code))
            return true;
        struct span above;
        (void)find_category_parent(shop, code, &above);
        code = above;
    }
    return false;
}

u16 find_attribute_type(const struct find_shop *shop, struct span name)
{
    const struct find_attribute *attribute = find_attribute_of(shop, name);
    return attribute != NULL ? attribute->type : ATTRIBUTE_TYPE_ENUM;
}

static bool attribute_fits(const struct find_shop *shop, const struct find_doc *doc,
                           const struct find_node *node)
{
    const char *lines = doc->texts[FIND_ATTRIBUTES];
    const u16 type = find_attribute_type(shop, find_span(node->name));
    struct span name, value;
    while (find_attribute_next(&lines, &name, &value)) {
        i64 number;
        if (!find_is_text(name, node->name) || value.bytes == 0)
            continue;
        if (type == ATTRIBUTE_TYPE_NUMBER ? find_number(value, &number) && number_fits(node, number)
            : type == ATTRIBUTE_TYPE_BOOL
                ? find_truth(value) >= 0 && truth_fits(node, find_truth(value))
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
    case 'b': return text_fits(node, find_span(doc->texts[FIND_BRAND]));
    case 'p': return doc->put.currency != 0 && number_fits(node, find_doc_price(doc) * 1000);
    case 'r': return doc->rating_count != 0 && number_fits(node, find_rating(doc) * 10);
    case 'o': return number_fits(node, (i64)doc->put.popularity * 1000);
    case 'd': return number_fits(node, find_discount(doc) * 10);
    case 's': return truth_fits(node, find_doc_state(doc) != STOCK_STATE_NONE);
    case 'y': return truth_fits(node, find_is_buyable(doc, now_ns));
    case 'i': return text_fits(node, find_span(doc->texts[FIND_CODE]));
    default: return attribute_fits(shop, doc, node);
    }
}

/* No recursion: nodes come after their children. */
void find_filter_judge(const struct find_shop *shop, const struct find_filter *filter,
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

void find_filter_divide(const struct find_question *question, struct find_parts *parts)
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
u64 find_filter_category(const struct find_question *question, const struct find_parts *parts)
{
    for (u32 i = parts->count; i-- > 0;) { /* found from the last to the first */
        const struct find_node *node = &question->filter.nodes[parts->nodes[i]];
        if (node->kind == FIND_TERM && !parts->is_not[i] && node->field == 'c' &&
            node->value_count == 1)
            return find_id(find_span(node->values[0].text));
    }
    return 0;
}

/* ---- is it refused? ---- */

static bool is_known(const struct find_shop *shop, const char *wanted)
{
    struct span name, value;
    if (find_attribute_of(shop, find_span(wanted)) != NULL)
        return true;
    for (u32 i = 0; i < shop->doc_count; i++) {
        const char *lines = shop->docs[i].is_live ? shop->docs[i].texts[FIND_ATTRIBUTES] : NULL;
        while (find_attribute_next(&lines, &name, &value))
            if (find_is_text(name, wanted) && value.bytes != 0)
                return true;
    }
    return false;
}

bool find_filter_refused(const struct find_shop *shop, const struct find_filter *filter)
{
    for (u32 i = 0; i < filter->count; i++) {
        const struct find_node *node = &filter->nodes[i];
        if (node->kind != FIND_TERM || node->field != 'a')
            continue;
        const u16 type = find_attribute_type(shop, find_span(node->name));
        if (!is_known(shop, node->name) || (node->value_count == 0 && type != ATTRIBUTE_TYPE_BOOL))
            return true;
        for (u32 v = 0; v < node->value_count; v++) {
            const struct find_value *value = &node->values[v];
            if ((type == ATTRIBUTE_TYPE_NUMBER && !value->is_range && !value->is_number) ||
                (type != ATTRIBUTE_TYPE_NUMBER && value->is_range) ||
                (type == ATTRIBUTE_TYPE_BOOL && find_truth(find_span(value->text)) < 0))
                return true;
        }
    }
    return false;
}

bool find_facets_refused(const struct find_shop *shop, const struct find_question *question)
{
    for (u32 i = 0; i < question->facet_count; i++)
        if (question->facets[i].field == 'a' &&
            (!is_known(shop, question->facets[i].name) ||
             find_attribute_type(shop, find_span(question->facets[i].name)) == ATTRIBUTE_TYPE_TEXT))
            return true;
    return false;
}
