/* filter_run: see filter_run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/filter_run.h"

#include <string.h>

#include "proto/id.h"

/* Two levels for each bracket, the outermost two, and the term. */
#define EVAL_DEPTH_MAX (2 * (FILTER_DEPTH_MAX + 1) + 1)
#define FEW            4u    /* ordinals that are compared one after the other */
#define VALUES_MARKED  8192u /* up to so many values of a field are judged when it is compiled */
#define SPARSE         8u    /* up to so many candidates of a word are looked at one by one */
#define NO_FACET       0xffu

enum term_kind {
    TERM_NOTHING, /* no document */
    TERM_BIT,
    TERM_BUYABLE,
    TERM_COLUMN,
    TERM_ORDINALS, /* of a field: few, or marked */
    TERM_VALUES    /* of a field with very many values: looked up by document */
};

struct run_range {
    i64 from;
    i64 until;
};

struct run_term {
    u8 kind;
    u8 column;    /* of TERM_COLUMN */
    u8 bit;       /* of TERM_BIT; of TERM_COLUMN what a document needs, or COLUMN_BIT_COUNT */
    u8 truth_yes; /* true is asked for */
    u8 truth_no;
    u8 is_truth; /* of TERM_VALUES */
    u16 range_count;
    u32 field;
    u32 few_count;
    u32 few[FEW];
    u32 marked_end;
    u64 *marked; /* ordinals; NULL: few */
    struct run_range *ranges;
};

/* What stands at the top level under AND. */
struct run_part {
    u16 node;
    u8 facet; /* whose own part it is, or NO_FACET */
};

struct eval_frame {
    u32 next; /* child to evaluate */
    u32 end;
    u8 kind;
    struct window_bits all;
    struct window_bits open; /* AND: still true; OR: still false */
};

struct filter_run {
    const struct filter *filter;
    const struct facets *facets; /* or NULL */
    const struct columns *columns;
    struct bump *bump;
    u64 now_ns;
    u32 part_count;
    u32 grouped; /* bits: facets with parts of their own */
    struct run_term *terms;
    struct run_part *parts;
    struct window_bits *groups; /* one per facet */
    struct eval_frame frames[EVAL_DEPTH_MAX];
};
STATIC_CHECK(FACETS_MAX < 32);

/* ---- compile ----------------------------------------------------------------------------------- */

struct compiler {
    struct filter_run *run;
    const struct filter_term *source;
    struct run_term *term;
};

static const struct filter_value *value_of(const struct compiler *compiler, u32 i)
{
    return &filter_values(compiler->run->filter)[compiler->source->first_value + i];
}

static struct span text_of(const struct compiler *compiler, u32 i)
{
    const struct filter_value *value = value_of(compiler, i);
    return filter_text(compiler->run->filter, value->text_offset, value->text_bytes);
}

static i64 divide_up(i64 number, i64 by)
{
    return number / by + (number % by > 0 ? 1 : 0);
}

static i64 divide_down(i64 number, i64 by)
{
    return number / by - (number % by < 0 ? 1 : 0);
}

static bool compile_ranges(struct compiler *compiler, i64 unit, i64 least, i64 greatest)
{
    struct run_term *term = compiler->term;
    const u32 count = compiler->source->value_count;
    term->ranges = bump_acquire(compiler->run->bump, count * sizeof *term->ranges);
    if (term->ranges == NULL)
        return false;
    for (u32 i = 0; i < count; i++) {
        const struct filter_value *value = value_of(compiler, i);
        const i64 from = MAX(divide_up(value->from, unit), least);
        const i64 until = MIN(divide_down(value->until, unit), greatest);
        if (from <= until)
            term->ranges[term->range_count++] = (struct run_range){from, until};
    }
    return true;
}

/* Numbers of columns: their unit in thousandths of what is written, their greatest, and the bit without
 * which a document has none. */
static bool compile_column(struct compiler *compiler)
{
    struct run_term *term = compiler->term;
    term->kind = TERM_COLUMN;
    term->bit = COLUMN_BIT_COUNT;
    switch ((enum filter_field)compiler->source->field) {
    case FILTER_FIELD_PRICE:
        term->column = COLUMN_PRICE;
        term->bit = COLUMN_BIT_PRICED;
        return compile_ranges(compiler, COLUMN_NUMBER_SCALE, 0, INT64_MAX);
    case FILTER_FIELD_RATING:
        term->column = COLUMN_RATING;
        term->bit = COLUMN_BIT_RATED;
        return compile_ranges(compiler, COLUMN_NUMBER_SCALE / 100, 0, UINT16_MAX);
    case FILTER_FIELD_POPULARITY:
        term->column = COLUMN_POPULARITY;
        return compile_ranges(compiler, COLUMN_NUMBER_SCALE, 0, UINT32_MAX);
    case FILTER_FIELD_DISCOUNT:
        term->column = COLUMN_DISCOUNT;
        return compile_ranges(compiler, COLUMN_NUMBER_SCALE / 100, 0, UINT16_MAX);
    case FILTER_FIELD_ATTRIBUTE:
    case FILTER_FIELD_CATEGORY:
    case FILTER_FIELD_BRAND:
    case FILTER_FIELD_IN_STOCK:
    case FILTER_FIELD_BUYABLE:
    case FILTER_FIELD_CODE:
    case FILTER_FIELD_COUNT: break;
    }
    PANIC("no column has this field");
}

static bool compile_code(struct compiler *compiler)
{
    struct run_term *term = compiler->term;
    const u32 count = compiler->source->value_count;
    term->kind = TERM_COLUMN;
    term->column = COLUMN_PRODUCT;
    term->bit = COLUMN_BIT_COUNT;
    term->ranges = bump_acquire(compiler->run->bump, count * sizeof *term->ranges);
    if (term->ranges == NULL)
        return false;
    for (u32 i = 0; i < count; i++) {
        const struct span text = text_of(compiler, i);
        const i64 id = (i64)id_from_code(text.data, text.bytes);
        term->ranges[term->range_count++] = (struct run_range){id, id};
    }
    return true;
}

static void compile_truth(struct compiler *compiler)
{
    struct run_term *term = compiler->term;
    term->is_truth = 1;
    term->truth_yes = compiler->source->value_count == 0;
    for (u32 i = 0; i < compiler->source->value_count; i++) {
        const enum column_truth truth = column_truth(text_of(compiler, i));
        term->truth_yes |= truth == COLUMN_TRUTH_YES;
        term->truth_no |= truth == COLUMN_TRUTH_NO;
    }
}

static bool make_marks(struct compiler *compiler, u32 end)
{
    const size_t bytes = (size_t)(end / 64 + 1) * sizeof(u64);
    if (bytes > STORE_CHUNK_BYTES)
        return false;
    compiler->term->marked = bump_acquire_zeroed(compiler->run->bump, bytes);
    compiler->term->marked_end = end;
    return compiler->term->marked != NULL;
}

static void mark(struct run_term *term, u32 ordinal)
{
    MUST(ordinal < term->marked_end);
    term->marked[ordinal / 64] |= 1ull << ordinal % 64;
}

static bool compile_texts(struct compiler *compiler)
{
    struct run_term *term = compiler->term;
    const struct column_fields *fields = &compiler->run->columns->fields;
    term->kind = TERM_ORDINALS;
    const u32 count = compiler->source->value_count;
    if (count > FEW && !make_marks(compiler, column_field_at(fields, term->field)->value_end))
        return false;
    for (u32 i = 0; i < count; i++) {
        const u32 ordinal = column_value_find(fields, term->field, text_of(compiler, i));
        if (ordinal != 0 && term->marked != NULL)
            mark(term, ordinal);
        else if (ordinal != 0)
            term->few[term->few_count++] = ordinal;
    }
    return true;
}

static bool compile_category(struct compiler *compiler)
{
    struct run_term *term = compiler->term;
    const struct column_tree *tree = &compiler->run->columns->tree;
    term->kind = TERM_ORDINALS;
    term->field = COLUMN_FIELD_CATEGORY;
    if (!make_marks(compiler, tree->node_end))
        return false;
    for (u32 i = 0; i < compiler->source->value_count; i++) {
        const struct span code = text_of(compiler, i);
        const u32 node = column_category_find(tree, id_from_code(code.data, code.bytes));
        if (node != 0)
            column_category_below(tree, node, term->marked);
    }
    return true;
}

static bool value_fits(const struct run_term *term, const struct column_value *value)
{
    if (term->is_truth)
        return (value->truth == COLUMN_TRUTH_YES && term->truth_yes) ||
               (value->truth == COLUMN_TRUTH_NO && term->truth_no);
    for (u32 i = 0; i < term->range_count && value->is_number; i++) {
        if (value->number >= term->ranges[i].from && value->number <= term->ranges[i].until)
            return true;
    }
    return false;
}

/* Numbers and truths, which several texts can stand for. */
static bool compile_values(struct compiler *compiler)
{
    struct run_term *term = compiler->term;
    const struct column_fields *fields = &compiler->run->columns->fields;
    const u32 end = column_field_at(fields, term->field)->value_end;
    term->kind = TERM_VALUES;
    if (compiler->source->type == ATTRIBUTE_TYPE_BOOL)
        compile_truth(compiler);
    else if (!compile_ranges(compiler, 1, INT64_MIN, INT64_MAX))
        return false;
    if (end > VALUES_MARKED)
        return true;
    term->kind = TERM_ORDINALS;
    if (!make_marks(compiler, end))
        return false;
    for (u32 ordinal = 1; ordinal < end; ordinal++) {
        if (value_fits(term, column_value_at(fields, term->field, ordinal)))
            mark(term, ordinal);
    }
    return true;
}

static bool compile_attribute(struct compiler *compiler)
{
    const struct span name = filter_name(compiler->run->filter, compiler->source->name);
    compiler->term->field = column_field_find(&compiler->run->columns->fields, name);
    compiler->term->kind = TERM_NOTHING;
    if (compiler->term->field == 0)
        return true;
    const u8 type = compiler->source->type;
    MUST(type != 0); /* filter_judge has seen it */
    return type == ATTRIBUTE_TYPE_NUMBER || type == ATTRIBUTE_TYPE_BOOL ? compile_values(compiler)
                                                                        : compile_texts(compiler);
}

static bool compile_term(struct compiler *compiler)
{
    struct run_term *term = compiler->term;
    switch ((enum filter_field)compiler->source->field) {
    case FILTER_FIELD_ATTRIBUTE: return compile_attribute(compiler);
    case FILTER_FIELD_CATEGORY: return compile_category(compiler);
    case FILTER_FIELD_BRAND: term->field = COLUMN_FIELD_BRAND; return compile_texts(compiler);
    case FILTER_FIELD_PRICE:
    case FILTER_FIELD_RATING:
    case FILTER_FIELD_POPULARITY:
    case FILTER_FIELD_DISCOUNT: return compile_column(compiler);
    case FILTER_FIELD_IN_STOCK:
        term->kind = TERM_BIT;
        term->bit = COLUMN_BIT_IN_STOCK;
        compile_truth(compiler);
        return true;
    case FILTER_FIELD_BUYABLE:
        term->kind = TERM_BUYABLE;
        compile_truth(compiler);
        return true;
    case FILTER_FIELD_CODE: return compile_code(compiler);
    case FILTER_FIELD_COUNT: break;
    }
    PANIC("a filter has a field that does not exist");
}

/* ---- parts of facets ------------------------------------------------------------------------------ */

static bool is_facet_of(const struct filter_run *run, u32 facet, const struct filter_term *term)
{
    if (run->facets->items[facet].field != term->field)
        return false;
    if (term->field != FILTER_FIELD_ATTRIBUTE)
        return true;
    const struct span a = facet_name(run->facets, facet);
    const struct span b = filter_name(run->filter, term->name);
    return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}

/* The facet whose field all terms below a node name. */
static u8 facet_of(const struct filter_run *run, u32 node)
{
    const struct filter_node *nodes = filter_nodes(run->filter);
    const struct filter_term *terms = filter_terms(run->filter);
    for (u32 facet = 0; run->facets != NULL && facet < run->facets->count; facet++) {
        bool is_own = true;
        for (u32 i = node; i < node + nodes[node].size && is_own; i++)
            is_own =
                nodes[i].kind != FILTER_KIND_TERM || is_facet_of(run, facet, &terms[nodes[i].term]);
        if (is_own)
            return (u8)facet;
    }
    return NO_FACET;
}

static void divide_parts(struct filter_run *run)
{
    const struct filter_node *nodes = filter_nodes(run->filter);
    const u32 count = run->filter->node_count;
    u32 node = count != 0 && nodes[0].kind == FILTER_KIND_AND ? 1 : 0;
    for (; node < count; node += nodes[node].size) {
        const u8 facet = facet_of(run, node);
        run->parts[run->part_count++] = (struct run_part){(u16)node, facet};
        run->grouped |= facet == NO_FACET ? 0 : 1u << facet;
    }
}

struct filter_run *filter_compile(const struct filter *filter, const struct facets *facets,
                                  const struct columns *columns, u64 now_ns, struct bump *bump)
{
    struct filter_run *run = bump_acquire(bump, sizeof *run);
    if (run == NULL)
        return NULL;
    memset(run, 0, offsetof(struct filter_run, frames));
    run->filter = filter;
    run->facets = facets;
    run->columns = columns;
    run->bump = bump;
    run->now_ns = now_ns;
    run->terms = bump_acquire_zeroed(bump, filter->term_count * sizeof *run->terms + 1);
    run->parts = bump_acquire(bump, filter->node_count * sizeof *run->parts + 1);
    run->groups = bump_acquire(bump, FACETS_MAX * sizeof *run->groups);
    if (run->terms == NULL || run->parts == NULL || run->groups == NULL)
        return NULL;
    for (u32 i = 0; i < filter->term_count; i++) {
        struct compiler compiler = {run, &filter_terms(filter)[i], &run->terms[i]};
        if (!compile_term(&compiler))
            return NULL;
    }
    divide_parts(run);
    return run;
}

/* ---- terms ------------------------------------------------------------------------------------------ */

static i64 number_at(const void *values, enum column column, u32 at)
{
    if (column < COLUMN_U32_FIRST)
        return ((const i64 *)values)[at];
    if (column < COLUMN_U16_FIRST)
        return ((const u32 *)values)[at];
    return ((const u16 *)values)[at];
}

static u64 compare_word(const struct filter_run *run, const void *values, enum column column,
                        u32 word, const struct run_range *range)
{
    const u32 at = word * 64;
    if (column < COLUMN_U32_FIRST)
        return column_bits_i64(run->columns->is_fast, (const i64 *)values + at, range->from,
                               range->until);
    if (column < COLUMN_U16_FIRST)
        return column_bits_u32((const u32 *)values + at, (u32)range->from, (u32)range->until);
    return column_bits_u16((const u16 *)values + at, (u16)range->from, (u16)range->until);
}

static bool number_fits(const struct run_term *term, i64 number)
{
    for (u32 i = 0; i < term->range_count; i++) {
        if (number >= term->ranges[i].from && number <= term->ranges[i].until)
            return true;
    }
    return false;
}

static u64 column_word(const struct filter_run *run, const struct run_term *term,
                       const void *values, u32 word, u64 mask)
{
    const enum column column = (enum column)term->column;
    u64 bits = 0;
    if (values == NULL)
        return number_fits(term, 0) ? mask : 0;
    if (bits_count(mask) > SPARSE) {
        for (u32 i = 0; i < term->range_count; i++)
            bits |= compare_word(run, values, column, word, &term->ranges[i]);
        return bits & mask;
    }
    for (u64 left = mask; left != 0; left &= left - 1) {
        const u32 at = (u32)__builtin_ctzll(left);
        if (number_fits(term, number_at(values, column, word * 64 + at)))
            bits |= 1ull << at;
    }
    return bits;
}

static void eval_column(const struct filter_run *run, const struct run_term *term, u32 window,
                        const struct window_bits *mask, struct window_bits *bits)
{
    const struct column_window *record = run->columns->windows[window];
    const void *values = record->arrays[term->column];
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        u64 candidates = mask->words[word];
        if (term->bit != COLUMN_BIT_COUNT)
            candidates &= record->bits[term->bit].words[word];
        bits->words[word] = candidates == 0 ? 0 : column_word(run, term, values, word, candidates);
    }
}

static bool ordinal_fits(const struct filter_run *run, const struct run_term *term, u32 ordinal)
{
    if (term->kind == TERM_VALUES)
        return value_fits(term, column_value_at(&run->columns->fields, term->field, ordinal));
    if (term->marked != NULL)
        return ordinal < term->marked_end && (term->marked[ordinal / 64] >> ordinal % 64 & 1) != 0;
    for (u32 i = 0; i < term->few_count; i++) {
        if (term->few[i] == ordinal)
            return true;
    }
    return false;
}

static bool entry_fits(const struct filter_run *run, const struct run_term *term,
                       const struct column_block *block, u32 entry)
{
    if (LIKELY((entry & COLUMN_LIST) == 0))
        return ordinal_fits(run, term, entry);
    const u32 *list = block->lists + (entry & ~COLUMN_LIST);
    for (u32 i = 1; i <= list[0]; i++) {
        if (ordinal_fits(run, term, list[i]))
            return true;
    }
    return false;
}

/* Bit of an ordinal that is alone, in a set of marks. */
COLUMN_BODY u64 marked_bit(const struct run_term *term, u32 ordinal)
{
    return ordinal < term->marked_end ? term->marked[ordinal / 64] >> ordinal % 64 & 1 : 0;
}

COLUMN_BODY u64 ordinals_word(const struct filter_run *run, const struct run_term *term,
                              const struct column_block *block, u32 word, u64 mask, bool is_fast)
{
    u32 scratch[64];
    u64 bits = 0;
    const bool is_single = block->list_used == 0 && term->kind == TERM_ORDINALS;
    if (is_single && block->is_dense && term->marked == NULL &&
        bits_count_by(is_fast, mask) > SPARSE) {
        for (u32 i = 0; i < term->few_count; i++) {
            const u32 ordinal = term->few[i];
            if (block->narrow == NULL)
                bits |= column_bits_u32(block->ordinals + word * 64, ordinal, ordinal);
            else if (ordinal < COLUMN_NARROW_LIST)
                bits |= column_bits_u16(block->narrow + word * 64, (u16)ordinal, (u16)ordinal);
        }
        return bits & mask;
    }
    const u32 *entry = column_block_entries(block, word, mask, is_fast, scratch);
    if (is_single && term->marked != NULL) {
        for (u64 left = mask; left != 0; left &= left - 1)
            bits |= marked_bit(term, *entry++) << __builtin_ctzll(left);
        return bits;
    }
    for (u64 left = mask; left != 0; left &= left - 1)
        bits |= (u64)entry_fits(run, term, block, *entry++) << __builtin_ctzll(left);
    return bits;
}

COLUMN_BODY void ordinals_block(const struct filter_run *run, const struct run_term *term,
                                const struct column_block *block, const struct window_bits *mask,
                                struct window_bits *bits, bool is_fast)
{
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        const u64 candidates = mask->words[word] & block->present.words[word];
        bits->words[word] =
            candidates == 0 ? 0 : ordinals_word(run, term, block, word, candidates, is_fast);
    }
}

COLUMN_FAST static void ordinals_block_fast(const struct filter_run *run,
                                            const struct run_term *term,
                                            const struct column_block *block,
                                            const struct window_bits *mask,
                                            struct window_bits *bits)
{
    ordinals_block(run, term, block, mask, bits, true);
}

static void ordinals_block_plain(const struct filter_run *run, const struct run_term *term,
                                 const struct column_block *block, const struct window_bits *mask,
                                 struct window_bits *bits)
{
    ordinals_block(run, term, block, mask, bits, false);
}

static void eval_ordinals(const struct filter_run *run, const struct run_term *term, u32 window,
                          const struct window_bits *mask, struct window_bits *bits)
{
    const struct column_field *field = column_field_at(&run->columns->fields, term->field);
    const struct column_block *block = column_block_at(field, window);
    if (block == NULL)
        memset(bits, 0, sizeof *bits);
    else if (run->columns->is_fast)
        ordinals_block_fast(run, term, block, mask, bits);
    else
        ordinals_block_plain(run, term, block, mask, bits);
}

static void eval_truth(const struct run_term *term, const struct window_bits *yes,
                       const struct window_bits *mask, struct window_bits *bits)
{
    for (u32 word = 0; word < WINDOW_WORDS; word++) {
        const u64 is_yes = term->truth_yes ? yes->words[word] : 0;
        const u64 is_no = term->truth_no ? ~yes->words[word] : 0;
        bits->words[word] = mask->words[word] & (is_yes | is_no);
    }
}

static void eval_term(const struct filter_run *run, const struct filter_node *node, u32 window,
                      const struct window_bits *mask, struct window_bits *bits)
{
    const struct run_term *term = &run->terms[node->term];
    struct window_bits buyable;
    switch ((enum term_kind)term->kind) {
    case TERM_NOTHING: memset(bits, 0, sizeof *bits); break;
    case TERM_BIT:
        eval_truth(term, &run->columns->windows[window]->bits[term->bit], mask, bits);
        break;
    case TERM_BUYABLE:
        columns_buyable(run->columns, window, run->now_ns, mask, &buyable);
        eval_truth(term, &buyable, mask, bits);
        break;
    case TERM_COLUMN: eval_column(run, term, window, mask, bits); break;
    case TERM_ORDINALS:
    case TERM_VALUES: eval_ordinals(run, term, window, mask, bits); break;
    }
    for (u32 word = 0; word < WINDOW_WORDS && node->is_not; word++)
        bits->words[word] = mask->words[word] & ~bits->words[word];
}

/* ---- nodes ------------------------------------------------------------------------------------------ */

static void open_frame(struct filter_run *run, u32 depth, u32 node, const struct window_bits *mask)
{
    const struct filter_node *record = &filter_nodes(run->filter)[node];
    MUST(depth < EVAL_DEPTH_MAX);
    struct eval_frame *frame = &run->frames[depth];
    frame->next = node + 1;
    frame->end = node + record->size;
    frame->kind = record->kind;
    frame->all = frame->open = *mask;
}

/* What a child has said. */
static void close_child(struct eval_frame *frame, const struct window_bits *bits)
{
    if (frame->kind == FILTER_KIND_AND) {
        frame->open = *bits;
        return;
    }
    for (u32 word = 0; word < WINDOW_WORDS; word++)
        frame->open.words[word] &= ~bits->words[word];
}

static void close_frame(const struct eval_frame *frame, struct window_bits *bits)
{
    *bits = frame->open;
    for (u32 word = 0; word < WINDOW_WORDS && frame->kind == FILTER_KIND_OR; word++)
        bits->words[word] = frame->all.words[word] & ~frame->open.words[word];
}

/* Those of `bits` for which a node is true. */
static void eval_node(struct filter_run *run, u32 node, u32 window, struct window_bits *bits)
{
    const struct filter_node *nodes = filter_nodes(run->filter);
    struct window_bits mask = *bits;
    if (nodes[node].kind == FILTER_KIND_TERM) {
        eval_term(run, &nodes[node], window, &mask, bits);
        return;
    }
    u32 depth = 0;
    open_frame(run, depth, node, &mask);
    for (;;) { /* ends: each node is opened and closed once */
        struct eval_frame *frame = &run->frames[depth];
        if (frame->next >= frame->end || window_is_empty(&frame->open)) {
            close_frame(frame, bits);
            if (depth == 0)
                return;
            close_child(&run->frames[--depth], bits);
            continue;
        }
        const u32 child = frame->next;
        frame->next += nodes[child].size;
        if (nodes[child].kind == FILTER_KIND_TERM) {
            eval_term(run, &nodes[child], window, &frame->open, bits);
            close_child(frame, bits);
        } else {
            open_frame(run, ++depth, child, &frame->open);
        }
    }
}

static void intersect(struct window_bits *bits, const struct window_bits *other)
{
    for (u32 word = 0; word < WINDOW_WORDS; word++)
        bits->words[word] &= other->words[word];
}

/* `base` is what is true but for the parts that facets have of their own. */
static void eval_groups(struct filter_run *run, u32 window, struct window_bits *base,
                        struct window_bits *of_facets)
{
    const u32 count = run->facets->count;
    for (u32 facet = 0; facet < count; facet++) {
        of_facets[facet] = *base;
        run->groups[facet] = *base;
    }
    for (u32 i = 0; i < run->part_count; i++) {
        if (run->parts[i].facet != NO_FACET)
            eval_node(run, run->parts[i].node, window, &run->groups[run->parts[i].facet]);
    }
    for (u32 group = 0; group < count; group++) {
        if ((run->grouped >> group & 1) == 0)
            continue;
        intersect(base, &run->groups[group]);
        for (u32 facet = 0; facet < count; facet++) {
            if (facet != group)
                intersect(&of_facets[facet], &run->groups[group]);
        }
    }
}

void filter_window(struct filter_run *run, u32 window, const struct window_bits *candidates,
                   struct window_bits *matches, struct window_bits *of_facets)
{
    const struct columns *columns = run->columns;
    *matches = *candidates;
    const bool is_grouped = of_facets != NULL && run->grouped != 0;
    if (window >= columns->window_capacity || columns->windows[window] == NULL)
        memset(matches, 0, sizeof *matches);
    for (u32 i = 0; i < run->part_count; i++) {
        if ((!is_grouped || run->parts[i].facet == NO_FACET) && !window_is_empty(matches))
            eval_node(run, run->parts[i].node, window, matches);
    }
    if (is_grouped && !window_is_empty(matches)) {
        eval_groups(run, window, matches, of_facets);
        return;
    }
    for (u32 facet = 0; of_facets != NULL && facet < run->facets->count; facet++)
        of_facets[facet] = *matches;
}

bool filter_holds(struct filter_run *run, u32 doc)
{
    struct window_bits bits = {0}, matches;
    window_set(&bits, doc % WINDOW_DOCS);
    filter_window(run, doc / WINDOW_DOCS, &bits, &matches, NULL);
    return window_has(&matches, doc % WINDOW_DOCS);
}
