/* column: see column.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/column.h"

#include <string.h>

#include "shards/search/facet_cell.h"
#include "shards/search/rank.h"

#define ATTRIBUTE_LINES_MAX (ATTRIBUTES_BYTES_MAX / 4 + 1) /* "a=b" and the end of the line */
#define DEAD_PER_STEP       8u

static u32 column_width(enum column column)
{
    return column < COLUMN_U32_FIRST ? 8 : column < COLUMN_U16_FIRST ? 4 : 2;
}

/* ---- windows ----------------------------------------------------------------------------------- */

void columns_init(struct columns *columns, struct store_memory *memory, struct arena *arena)
{
    memset(columns, 0, sizeof *columns);
    columns->arena = arena;
    columns->is_fast = column_bits_is_fast();
    column_fields_init(&columns->fields, memory, arena);
    column_tree_init(&columns->tree, memory, arena);
}

static void drop_window(struct columns *columns, u32 window)
{
    struct column_window *record = columns->windows[window];
    for (u32 column = 0; column < COLUMN_COUNT; column++) {
        if (record->arrays[column] != NULL)
            arena_release(columns->arena, record->arrays[column],
                          (size_t)WINDOW_DOCS * column_width((enum column)column));
    }
    for (u32 field = 1; field <= columns->fields.field_count; field++)
        column_field_drop(&columns->fields, field, window);
    arena_release(columns->arena, record, sizeof *record);
    columns->windows[window] = NULL;
}

void columns_deinit(struct columns *columns)
{
    for (u32 window = 0; window < columns->window_capacity; window++) {
        if (columns->windows[window] != NULL)
            drop_window(columns, window);
    }
    column_array_release(&columns->fields, columns->windows,
                         columns->window_capacity * sizeof(struct column_window *));
    column_array_release(&columns->fields, columns->dead, columns->dead_capacity * sizeof(u32));
    column_tree_deinit(&columns->tree);
    column_fields_deinit(&columns->fields);
}

void columns_drop(struct columns *columns)
{
    column_array_release(&columns->fields, columns->windows,
                         columns->window_capacity * sizeof(struct column_window *));
    column_array_release(&columns->fields, columns->dead, columns->dead_capacity * sizeof(u32));
    column_tree_drop(&columns->tree);
    column_fields_drop(&columns->fields);
}

static struct column_window *window_at(const struct columns *columns, u32 window)
{
    return window < columns->window_capacity ? columns->windows[window] : NULL;
}

static struct column_window *make_window(struct columns *columns, u32 window)
{
    if (window >= columns->window_capacity) {
        const u32 old = columns->window_capacity;
        const u32 wanted = MAX(2 * old, MAX(window + 1, 16u));
        columns->windows = column_array_grow(&columns->fields, columns->windows,
                                             old * sizeof(struct column_window *),
                                             wanted * sizeof(struct column_window *));
        columns->window_capacity = wanted;
    }
    if (columns->windows[window] == NULL) {
        columns->windows[window] = arena_acquire(columns->arena, sizeof(struct column_window));
        memset(columns->windows[window], 0, sizeof(struct column_window));
    }
    return columns->windows[window];
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static void set_number(struct columns *columns, struct column_window *window, enum column column,
                       u32 at, u64 number)
{
    const u32 width = column_width(column);
    if (window->arrays[column] == NULL) {
        if (number == 0)
            return;
        window->arrays[column] = arena_acquire(columns->arena, (size_t)WINDOW_DOCS * width);
        memset(window->arrays[column], 0, (size_t)WINDOW_DOCS * width);
    }
    memcpy((u8 *)window->arrays[column] + (size_t)at * width, &number, width);
}

static void set_bit(struct column_window *window, enum column_bit bit, u32 at, bool is_set)
{
    if (is_set)
        window_set(&window->bits[bit], at);
    else
        window_clear(&window->bits[bit], at);
}

static void set_bits(struct column_window *window, u32 at, const struct column_facts *facts)
{
    set_bit(window, COLUMN_BIT_IN_STOCK, at, facts->state != STOCK_STATE_NONE);
    set_bit(window, COLUMN_BIT_LOW, at, facts->state == STOCK_STATE_LOW);
    set_bit(window, COLUMN_BIT_DRAFT, at, (facts->marks & PRODUCT_MARK_DRAFT) != 0);
    set_bit(window, COLUMN_BIT_UNLISTED, at, (facts->marks & PRODUCT_MARK_UNLISTED) != 0);
    set_bit(window, COLUMN_BIT_SHOWN_TIMED, at,
            (facts->visible_from_ns | facts->visible_until_ns) != 0);
    set_bit(window, COLUMN_BIT_SOLD_TIMED, at,
            (facts->buyable_from_ns | facts->buyable_until_ns) != 0);
    set_bit(window, COLUMN_BIT_PRICED, at, facts->currency != 0);
    set_bit(window, COLUMN_BIT_RATED, at, facts->rating_count != 0);
}

void columns_put(struct columns *columns, u32 doc, const struct column_facts *facts)
{
    MUST(doc != 0);
    MUST(facts->price >= 0);
    const u64 numbers[COLUMN_COUNT] = {
        [COLUMN_PRODUCT] = facts->product_id,
        [COLUMN_PRICE] = (u64)facts->price,
        [COLUMN_PRICE_BEFORE] = (u64)facts->price_before,
        [COLUMN_CREATED_AT] = facts->created_at_ns,
        [COLUMN_VISIBLE_FROM] = facts->visible_from_ns,
        [COLUMN_VISIBLE_UNTIL] = facts->visible_until_ns,
        [COLUMN_BUYABLE_FROM] = facts->buyable_from_ns,
        [COLUMN_BUYABLE_UNTIL] = facts->buyable_until_ns,
        [COLUMN_RATING_SUM] = facts->rating_sum,
        [COLUMN_POPULARITY] = facts->popularity,
        [COLUMN_RATING_COUNT] = facts->rating_count,
        [COLUMN_RATING] = rank_rating(facts->rating_sum, facts->rating_count),
        [COLUMN_DISCOUNT] = rank_discount(facts->price, facts->price_before),
        [COLUMN_MARGIN] = facts->margin,
        [COLUMN_CURRENCY] = facts->currency,
        [COLUMN_PRICE_CELL] = (u64)facet_cell(facts->price),
        [COLUMN_POPULARITY_CELL] = (u64)facet_cell(facts->popularity),
    };
    struct column_window *window = make_window(columns, doc / WINDOW_DOCS);
    const u32 at = doc % WINDOW_DOCS;
    for (u32 column = 0; column < COLUMN_COUNT; column++)
        set_number(columns, window, (enum column)column, at, numbers[column]);
    set_bits(window, at, facts);
    if (doc >= columns->doc_end)
        columns->doc_end = doc + 1;
}

const void *columns_array(const struct columns *columns, enum column column, u32 window)
{
    const struct column_window *record = window_at(columns, window);
    return record == NULL ? NULL : record->arrays[column];
}

u64 columns_number(const struct columns *columns, enum column column, u32 doc)
{
    const u8 *array = columns_array(columns, column, doc / WINDOW_DOCS);
    const u32 width = column_width(column);
    u64 number = 0;
    if (array != NULL)
        memcpy(&number, array + (size_t)(doc % WINDOW_DOCS) * width, width);
    return number;
}

bool columns_bit(const struct columns *columns, enum column_bit bit, u32 doc)
{
    const struct column_window *window = window_at(columns, doc / WINDOW_DOCS);
    return window != NULL && window_has(&window->bits[bit], doc % WINDOW_DOCS);
}

u16 columns_state(const struct columns *columns, u32 doc)
{
    if (!columns_bit(columns, COLUMN_BIT_IN_STOCK, doc))
        return STOCK_STATE_NONE;
    return columns_bit(columns, COLUMN_BIT_LOW, doc) ? STOCK_STATE_LOW : STOCK_STATE_SOME;
}

void columns_facts(const struct columns *columns, u32 doc, struct column_facts *facts)
{
    const u32 draft = columns_bit(columns, COLUMN_BIT_DRAFT, doc) ? PRODUCT_MARK_DRAFT : 0;
    const u32 unlisted = columns_bit(columns, COLUMN_BIT_UNLISTED, doc) ? PRODUCT_MARK_UNLISTED : 0;
    *facts = (struct column_facts){
        .product_id = columns_number(columns, COLUMN_PRODUCT, doc),
        .price = (i64)columns_number(columns, COLUMN_PRICE, doc),
        .price_before = (i64)columns_number(columns, COLUMN_PRICE_BEFORE, doc),
        .created_at_ns = columns_number(columns, COLUMN_CREATED_AT, doc),
        .visible_from_ns = columns_number(columns, COLUMN_VISIBLE_FROM, doc),
        .visible_until_ns = columns_number(columns, COLUMN_VISIBLE_UNTIL, doc),
        .buyable_from_ns = columns_number(columns, COLUMN_BUYABLE_FROM, doc),
        .buyable_until_ns = columns_number(columns, COLUMN_BUYABLE_UNTIL, doc),
        .rating_sum = columns_number(columns, COLUMN_RATING_SUM, doc),
        .rating_count = (u32)columns_number(columns, COLUMN_RATING_COUNT, doc),
        .popularity = (u32)columns_number(columns, COLUMN_POPULARITY, doc),
        .currency = (u16)columns_number(columns, COLUMN_CURRENCY, doc),
        .margin = (u16)columns_number(columns, COLUMN_MARGIN, doc),
        .marks = (u16)(draft | unlisted),
        .state = columns_state(columns, doc),
    };
}

/* ---- brand, category, attributes --------------------------------------------------------------- */

static const u8 *find_byte(struct span text, u8 byte)
{
    for (u32 i = 0; i < text.bytes; i++) {
        if (text.data[i] == byte)
            return text.data + i;
    }
    return NULL;
}

/* One line of the attributes: its field and ordinal as one number, so that they can be sorted. */
static bool take_line(struct columns *columns, struct span line, u64 *pair)
{
    const u8 *equals = find_byte(line, '=');
    if (equals == NULL)
        return false;
    const u32 name_bytes = (u32)(equals - line.data);
    const struct span name = {.data = line.data, .bytes = name_bytes};
    const struct span value = {.data = equals + 1, .bytes = line.bytes - name_bytes - 1};
    if (name.bytes == 0 || value.bytes == 0)
        return false;
    const u32 field = column_field_add(&columns->fields, name);
    if (field == 0) /* I4 */
        return false;
    const u32 ordinal =
        column_value_take(&columns->fields, field, value, columns->question_count == 0);
    *pair = (u64)field << 32 | ordinal;
    return true;
}

static void sort_pairs(u64 *pairs, u32 count)
{
    for (u32 gap = 364; gap != 0; gap /= 3) { /* 364, 121, 40, 13, 4, 1 */
        for (u32 i = gap; i < count; i++) {
            const u64 pair = pairs[i];
            u32 at = i;
            for (; at >= gap && pairs[at - gap] > pair; at -= gap)
                pairs[at] = pairs[at - gap];
            pairs[at] = pair;
        }
    }
}

/* Those of one field, sorted; what comes twice is given back. Returns how many pairs they were. */
static u32 set_field(struct columns *columns, u32 doc, const u64 *pairs, u32 count)
{
    const u32 field = (u32)(pairs[0] >> 32);
    u32 ordinals[ATTRIBUTE_LINES_MAX];
    u32 used = 0, i = 0;
    for (; i < count && (u32)(pairs[i] >> 32) == field; i++) {
        const u32 ordinal = (u32)pairs[i];
        if (used != 0 && ordinals[used - 1] == ordinal)
            column_value_give(&columns->fields, field, ordinal);
        else
            ordinals[used++] = ordinal;
    }
    column_field_set(&columns->fields, field, doc, ordinals, used);
    return i;
}

static void set_attributes(struct columns *columns, u32 doc, struct span lines)
{
    u64 pairs[ATTRIBUTE_LINES_MAX];
    u32 count = 0;
    while (lines.bytes != 0 && count < ATTRIBUTE_LINES_MAX) { /* ends: it gets shorter */
        const u8 *end = find_byte(lines, '\n');
        const u32 bytes = end == NULL ? lines.bytes : (u32)(end - lines.data);
        const struct span line = {.data = lines.data, .bytes = bytes};
        count += take_line(columns, line, &pairs[count]) ? 1 : 0;
        const u32 taken = end == NULL ? bytes : bytes + 1;
        lines.data += taken;
        lines.bytes -= taken;
    }
    sort_pairs(pairs, count);
    for (u32 at = 0; at < count;)
        at += set_field(columns, doc, pairs + at, count - at);
}

static void release_some_dead(struct columns *columns);

void columns_set_texts(struct columns *columns, u32 doc, const struct column_texts *texts)
{
    MUST(doc != 0 && doc < columns->doc_end);
    struct column_window *window = window_at(columns, doc / WINDOW_DOCS);
    MUST(window != NULL);
    release_some_dead(columns);
    window->live_count++;
    if (texts->brand.bytes != 0) {
        const u32 brand = column_value_take(&columns->fields, COLUMN_FIELD_BRAND, texts->brand,
                                            columns->question_count == 0);
        column_field_set(&columns->fields, COLUMN_FIELD_BRAND, doc, &brand, 1);
    }
    if (texts->category.bytes != 0) {
        const u32 node = column_category_add(&columns->tree, texts->category);
        column_field_set(&columns->fields, COLUMN_FIELD_CATEGORY, doc, &node, 1);
        column_node_at(&columns->tree, node)->live_count++;
    }
    set_attributes(columns, doc, texts->attributes);
}

/* ---- the dead ------------------------------------------------------------------------------------- */

static void release_dead(struct columns *columns, u32 doc)
{
    u32 single;
    const u32 *nodes;
    struct column_window *window = window_at(columns, doc / WINDOW_DOCS);
    MUST(window != NULL && window->live_count > 0);
    if (column_field_get(&columns->fields, COLUMN_FIELD_CATEGORY, doc, &single, &nodes) != 0) {
        struct column_node *node = column_node_at(&columns->tree, nodes[0]);
        MUST(node->live_count > 0);
        node->live_count--;
    }
    for (u32 field = 1; field <= columns->fields.field_count; field++)
        column_field_kill(&columns->fields, field, doc);
    window->live_count--;
    /* The window that is being filled stays: the next document comes there. */
    if (window->live_count == 0 && (doc / WINDOW_DOCS + 1) * WINDOW_DOCS <= columns->doc_end)
        drop_window(columns, doc / WINDOW_DOCS);
}

void columns_give_back(struct columns *columns, u32 count)
{
    if (columns->question_count != 0)
        return;
    for (; count != 0 && columns->dead_count != 0; count--)
        release_dead(columns, columns->dead[--columns->dead_count]);
}

static void release_some_dead(struct columns *columns)
{
    columns_give_back(columns, DEAD_PER_STEP);
}

void columns_kill(struct columns *columns, u32 doc)
{
    MUST(doc != 0 && doc < columns->doc_end);
    if (columns->dead_count == columns->dead_capacity) {
        const u32 old = columns->dead_capacity;
        columns->dead_capacity = MAX(2 * old, 64u);
        columns->dead =
            column_array_grow(&columns->fields, columns->dead, old * sizeof *columns->dead,
                              columns->dead_capacity * sizeof *columns->dead);
    }
    columns->dead[columns->dead_count++] = doc;
    release_some_dead(columns);
}

void columns_question_begin(struct columns *columns)
{
    columns->question_count++;
}

void columns_question_end(struct columns *columns)
{
    MUST(columns->question_count > 0);
    columns->question_count--;
    release_some_dead(columns);
}

/* ---- time ------------------------------------------------------------------------------------------ */

/* 0 as a limit: none. */
static bool is_in_time(u64 from_ns, u64 until_ns, u64 now_ns)
{
    return from_ns <= now_ns && (until_ns == 0 || now_ns < until_ns);
}

static u64 number_in(const struct column_window *window, enum column column, u32 at)
{
    const u64 *numbers = window->arrays[column];
    return numbers == NULL ? 0 : numbers[at];
}

/* Those of a word that have times, and are not in them. */
static u64 out_of_time(const struct column_window *window, enum column from, u32 word, u64 timed,
                       u64 now_ns)
{
    u64 out = 0;
    for (u64 left = timed; left != 0; left &= left - 1) {
        const u32 at = word * 64 + (u32)__builtin_ctzll(left);
        const u64 from_ns = number_in(window, from, at);
        const u64 until_ns = number_in(window, (enum column)(from + 1), at);
        if (!is_in_time(from_ns, until_ns, now_ns))
            out |= left & (~left + 1);
    }
    return out;
}

void columns_keep_visible(const struct columns *columns, u32 window, u64 now_ns, bool has_unlisted,
                          struct window_bits *bits)
{
    const struct column_window *record = window_at(columns, window);
    if (record == NULL) {
        memset(bits, 0, sizeof *bits);
        return;
    }
    const u64 unlisted = has_unlisted ? 0 : ~0ull;
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        u64 kept = bits->words[word];
        kept &= ~record->bits[COLUMN_BIT_DRAFT].words[word];
        kept &= ~(record->bits[COLUMN_BIT_UNLISTED].words[word] & unlisted);
        const u64 timed = kept & record->bits[COLUMN_BIT_SHOWN_TIMED].words[word];
        bits->words[word] = kept & ~out_of_time(record, COLUMN_VISIBLE_FROM, word, timed, now_ns);
    }
}

bool columns_shows(const struct columns *columns, u32 doc, u64 now_ns)
{
    const struct column_window *record = window_at(columns, doc / WINDOW_DOCS);
    const u32 word = doc % WINDOW_DOCS / 64;
    const u64 bit = 1ull << doc % 64;
    if (record == NULL || ((record->bits[COLUMN_BIT_DRAFT].words[word] |
                            record->bits[COLUMN_BIT_UNLISTED].words[word]) &
                           bit) != 0)
        return false;
    const u64 timed = record->bits[COLUMN_BIT_SHOWN_TIMED].words[word] & bit;
    return timed == 0 || out_of_time(record, COLUMN_VISIBLE_FROM, word, timed, now_ns) == 0;
}

void columns_buyable(const struct columns *columns, u32 window, u64 now_ns,
                     const struct window_bits *candidates, struct window_bits *bits)
{
    const struct column_window *record = window_at(columns, window);
    *bits = *candidates;
    columns_keep_visible(columns, window, now_ns, true, bits);
    for (u32 word = 0; word < WINDOW_WORDS && record != NULL; word++) {
        const u64 kept = bits->words[word] & record->bits[COLUMN_BIT_IN_STOCK].words[word];
        const u64 timed = kept & record->bits[COLUMN_BIT_SOLD_TIMED].words[word];
        bits->words[word] = kept & ~out_of_time(record, COLUMN_BUYABLE_FROM, word, timed, now_ns);
    }
}

/* ---- checks ---------------------------------------------------------------------------------------- */

bool columns_valid(const struct columns *columns)
{
    u64 live = 0, with_brand = 0;
    for (u32 window = 0; window < columns->window_capacity; window++)
        live += columns->windows[window] == NULL ? 0 : columns->windows[window]->live_count;
    with_brand = column_field_at(&columns->fields, COLUMN_FIELD_BRAND)->live_count;
    return with_brand <= live && columns->dead_count <= live &&
           column_fields_valid(&columns->fields) && column_tree_valid(&columns->tree);
}
