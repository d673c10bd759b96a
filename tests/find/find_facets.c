/* find_facets: values counted, ranges and bars of numbers; docs/search.md, "Facets".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "tests/find/find_judge.h"

static void count_value(struct find_facet_answer *answer, u64 id, struct span text, u64 parent_id)
{
    for (u32 i = 0; i < answer->value_count; i++)
        if (answer->values[i].id == id) {
            answer->values[i].count++;
            return;
        }
    MUST(text.bytes < sizeof answer->values[0].text);
    if (answer->value_count == answer->value_capacity)
        answer->values = find_bump_more(answer->values, answer->value_count,
                                        &answer->value_capacity, sizeof answer->values[0]);
    struct find_facet_value *value = &answer->values[answer->value_count++];
    *value = (struct find_facet_value){.id = id, .parent_id = parent_id, .count = 1};
    if (text.bytes != 0)
        memcpy(value->text, text.data, text.bytes);
}

static void count_truth(struct find_facet_answer *answer, bool is_true)
{
    const struct span text = find_span(is_true ? "true" : "false");
    count_value(answer, find_id(text), text, 0);
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
    const u16 type = find_attribute_type(shop, find_span(facet->name));
    struct span name, value;
    while (find_attribute_next(&lines, &name, &value)) {
        i64 number;
        if (!find_is_text(name, facet->name) || value.bytes == 0 ||
            is_repeated(doc->texts[FIND_ATTRIBUTES], name, value))
            continue;
        if (type == ATTRIBUTE_TYPE_NUMBER && find_number(value, &number))
            add_number(number);
        else if (type == ATTRIBUTE_TYPE_BOOL && find_truth(value) >= 0)
            count_truth(answer, find_truth(value) == 1);
        else if (type == ATTRIBUTE_TYPE_ENUM)
            count_value(answer, find_id(value), value, 0);
    }
}

void find_facet_count(const struct find_shop *shop, const struct find_doc *doc,
                      const struct find_facet *facet, u64 now_ns, struct find_facet_answer *answer)
{
    struct span code = find_span(doc->texts[FIND_CATEGORY]), above;
    const struct span brand = find_span(doc->texts[FIND_BRAND]);
    switch (facet->field) {
    case 'c':
        for (u32 steps = 0; code.bytes != 0 && steps < 64; steps++, code = above)
            count_value(answer, find_id(code), code, find_category_parent(shop, code, &above));
        break;
    case 'b':
        if (brand.bytes != 0)
            count_value(answer, find_id(brand), brand, 0);
        break;
    case 'p':
        if (doc->put.currency != 0)
            add_number(find_doc_price(doc));
        break;
    case 'r':
        if (doc->rating_count != 0)
            add_number(find_rating(doc));
        break;
    case 'o': add_number(doc->put.popularity); break;
    case 'd': add_number(find_discount(doc)); break;
    case 's': count_truth(answer, find_doc_state(doc) != STOCK_STATE_NONE); break;
    case 'y': count_truth(answer, find_is_buyable(doc, now_ns)); break;
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

void find_facet_begin(struct find_facet_answer *answer)
{
    *answer = (struct find_facet_answer){0};
    numbers.count = 0;
}

void find_facet_end(u32 wanted, u32 bars, struct find_facet_answer *answer)
{
    if (answer->value_count != 0)
        qsort(answer->values, answer->value_count, sizeof answer->values[0], compare_values);
    answer->value_count = MIN(answer->value_count, wanted);
    make_ranges(bars, answer);
}
