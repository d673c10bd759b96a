/* fuzz_filter: arbitrary bytes as a filter, and as a list of facets.
 *
 *   first byte    bit 0: facets instead of a filter; bits 1-2: what attributes are declared as
 *   rest          the text
 *
 * What is refused must have a place in the text and a reason. What is read must be well formed, and say the
 * same of a document whether it is asked about a whole window, about this document alone, and on a
 * processor without special instructions. Facets of everything must count each document as often as it has
 * values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/search/filter_run.h"
#include "tests/fuzz/fuzz.h"

#define DOCS 200u

struct room {
    struct store_memory memory;
    struct arena arena;
    struct columns columns;
    struct bump bump;
};

static struct span text_of(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)strlen(text)};
}

static struct room *open_room(void)
{
    static struct room room;
    static const char *const brands[] = {"acme", "zeta", "a b", ""};
    static const char *const categories[] = {"a/b", "a", "c", ""};
    static const char *const lines[] = {"a=1\nb=true\n", "a=2.5\na=3\nb=no\nc=x\n", "c=y\nc=x\n",
                                        ""};
    if (room.columns.arena != NULL)
        return &room;
    store_memory_init(&room.memory);
    arena_init(&room.arena, &room.memory);
    columns_init(&room.columns, &room.memory, &room.arena);
    bump_init(&room.bump, &room.memory);
    for (u32 doc = 1; doc <= DOCS; doc++) {
        const struct column_facts facts = {.product_id = doc,
                                           .price = doc * 7 % 50,
                                           .price_before = doc % 3 * 40,
                                           .currency = (u16)(doc % 5),
                                           .popularity = doc % 11,
                                           .rating_count = doc % 4,
                                           .rating_sum = doc % 4 * (doc % 6),
                                           .visible_from_ns = doc % 13,
                                           .buyable_until_ns = doc % 17,
                                           .state = (u16)(doc % 3)};
        const struct column_texts texts = {.brand = text_of(brands[doc % 4]),
                                           .category = text_of(categories[doc / 4 % 4]),
                                           .attributes = text_of(lines[doc / 16 % 4])};
        columns_put(&room.columns, doc, &facts);
        columns_set_texts(&room.columns, doc, &texts);
    }
    return &room;
}

static void all_docs(struct window_bits *bits)
{
    memset(bits, 0, sizeof *bits);
    for (u32 doc = 1; doc <= DOCS; doc++)
        window_set(bits, doc);
}

/* Children lie one after the other inside their parent, and are of another kind. */
static void check_nodes(const struct filter *filter)
{
    const struct filter_node *nodes = filter_nodes(filter);
    MUST(filter->node_count == 0 || nodes[0].size == filter->node_count);
    for (u32 i = 0; i < filter->node_count; i++) {
        MUST(i + nodes[i].size <= filter->node_count);
        if (nodes[i].kind == FILTER_KIND_TERM) {
            MUST(nodes[i].size == 1 && nodes[i].term < filter->term_count);
            continue;
        }
        u32 children = 0, child = i + 1;
        for (; child < i + nodes[i].size; child += nodes[child].size, children++)
            MUST(nodes[child].kind != nodes[i].kind);
        MUST(child == i + nodes[i].size && children >= 2);
    }
    for (u32 i = 0; i < filter->term_count; i++) {
        const struct filter_term *term = &filter_terms(filter)[i];
        MUST(term->first_value + term->value_count <= filter->value_count);
        MUST((term->field == FILTER_FIELD_ATTRIBUTE) == (term->name != FILTER_NO_NAME));
    }
    for (u32 i = 0; i < filter->value_count; i++) {
        const struct filter_value *value = &filter_values(filter)[i];
        MUST(value->text_offset + value->text_bytes <= filter->text_bytes);
        MUST(value->from <= value->until || value->shape == 0);
    }
}

static void check_meaning(struct room *room, const struct filter *filter,
                          const struct facets *facets)
{
    static struct window_bits of_facets[FACETS_MAX];
    struct window_bits all, matches, again;
    all_docs(&all);
    struct filter_run *run = filter_compile(filter, facets, &room->columns, 10, &room->bump);
    MUST(run != NULL);
    filter_window(run, 0, &all, &matches, facets == NULL ? NULL : of_facets);
    for (u32 doc = 1; doc <= DOCS; doc++)
        MUST(filter_holds(run, doc) == window_has(&matches, doc));
    for (u32 i = 0; facets != NULL && i < facets->count; i++) {
        for (u32 word = 0; word < WINDOW_WORDS; word++)
            MUST((matches.words[word] & ~of_facets[i].words[word]) == 0);
    }
    room->columns.is_fast = false;
    filter_window(run, 0, &all, &again, NULL);
    room->columns.is_fast = column_bits_is_fast();
    MUST(memcmp(&matches, &again, sizeof matches) == 0);
}

static void read_filter(struct room *room, struct span text, u8 type)
{
    struct filter_problem problem;
    struct filter_known known[FILTER_TERMS_MAX];
    struct filter *filter = filter_parse(text, &room->bump, &problem);
    if (filter == NULL) {
        MUST(problem.text_bytes > 0 && problem.text_bytes <= FILTER_PROBLEM_MAX);
        MUST(problem.at <= text.bytes && problem.at <= FILTER_BYTES_MAX);
        return;
    }
    MUST(problem.text_bytes == 0);
    check_nodes(filter);
    for (u32 i = 0; i < filter->name_count; i++)
        known[i] = (struct filter_known){1, type};
    if (!filter_judge(filter, known, &problem)) {
        MUST(problem.text_bytes > 0 && problem.at < text.bytes);
        return;
    }
    struct filter_problem no_problem;
    struct facets *facets =
        facet_parse(text_of("brand,price,category,in_stock,a"), 3, &room->bump, &no_problem);
    MUST(facets != NULL);
    for (u32 i = 0; i < facets->count; i++)
        known[i] = (struct filter_known){1, 0};
    MUST(facet_judge(facets, known, &no_problem));
    check_meaning(room, filter, NULL);
    check_meaning(room, filter, facets);
}

static void read_facets(struct room *room, struct span text, u8 type)
{
    struct filter_problem problem;
    struct filter_known known[FACETS_MAX];
    struct window_bits of_facets[FACETS_MAX];
    struct facets *facets = facet_parse(text, 7, &room->bump, &problem);
    for (u32 i = 0; i < FACETS_MAX; i++) {
        known[i] = (struct filter_known){1, type};
        all_docs(&of_facets[i]);
    }
    if (facets == NULL || !facet_judge(facets, known, &problem)) {
        MUST(problem.text_bytes > 0 && problem.at <= text.bytes);
        return;
    }
    struct facet_run *run = facet_begin(facets, &room->columns, 10, &room->bump);
    MUST(run != NULL);
    MUST(facet_window(run, 0, of_facets));
    while (!facet_finish(run, 1000)) {}
    u8 *findings = bump_acquire(&room->bump, facet_bytes(run));
    while (!facet_write(run, findings, 3)) {}
    const u8 *shards[] = {findings, findings};
    struct facet_merged merged;
    struct facet_merge *merge = facet_merge_begin(facets, shards, 2, &room->bump);
    MUST(merge != NULL);
    u32 work = 0;
    while (!facet_merge_step(merge, &work, 1000, &merged))
        work = 0;
    for (u32 i = 0; i < merged.value_count; i++) {
        struct span label;
        u64 parent_id;
        MUST(merged.values[i].count % 2 == 0 && merged.values[i].count != 0);
        MUST(facet_label(&room->columns, facets, merged.values[i].facet, merged.values[i].value_id,
                         &label, &parent_id));
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    static const u8 types[] = {0, ATTRIBUTE_TYPE_NUMBER, ATTRIBUTE_TYPE_BOOL, ATTRIBUTE_TYPE_TEXT};
    struct room *room = open_room();
    if (bytes == 0)
        return 0;
    const struct span text = {.data = data + 1, .bytes = (u32)(bytes - 1)};
    const u8 type = types[data[0] >> 1 & 3];
    if ((data[0] & 1) != 0)
        read_facets(room, text, type);
    else
        read_filter(room, text, type);
    bump_reset(&room->bump);
    return 0;
}
