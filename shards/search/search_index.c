/* search_index: see search_index.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/search_index.h"

#include <string.h>

#include "shards/catalog/catalog_live.h"
#include "shards/search/query_pack.h"
#include "shards/search/text_analyse.h"

#define TOKENS_BYTES (INDEX_TOKENS_MAX * sizeof(struct index_token))
#define PACKED_BYTES (INDEX_TOKENS_MAX * 5u) /* no difference takes more */

void search_index_init(struct search_index *index, struct store_memory *memory,
                       const struct score_policy *policy, struct span language,
                       search_attribute_fn *is_searched, const void *context)
{
    memset(index, 0, sizeof *index);
    index->memory = memory;
    index->policy = *policy;
    index->is_searched = is_searched;
    index->is_searched_context = context;
    arena_init(&index->arena, memory);
    text_language_init(&index->language, language);
    dict_init(&index->dict, memory, &index->arena, &index->language);
    index_init(&index->index, memory, &index->arena);
    columns_init(&index->columns, memory, &index->arena);
}

static void release_buffers(struct search_index *index)
{
    if (index->tokens == NULL)
        return;
    store_memory_release(index->memory, index->tokens, TOKENS_BYTES);
    store_memory_release(index->memory, index->surfaces, INDEX_TOKENS_MAX * sizeof(u32));
    store_memory_release(index->memory, index->packed, PACKED_BYTES);
}

void search_index_drop(struct search_index *index)
{
    store_memory_put_off(index->memory, true);
    for (u32 i = 0; i < index->page_capacity; i++)
        if (index->pages[i] != NULL)
            store_memory_release(index->memory, index->pages[i],
                                 SEARCH_PAGE_PRODUCTS * sizeof(struct search_entry));
    if (index->pages != NULL)
        store_memory_release(index->memory, (void *)index->pages,
                             index->page_capacity * sizeof index->pages[0]);
    release_buffers(index);
    columns_drop(&index->columns);
    index_drop(&index->index);
    dict_drop(&index->dict);
    text_language_deinit(&index->language);
    arena_deinit(&index->arena);
    store_memory_put_off(index->memory, false);
}

static void grow_pages(struct search_index *index, u32 page)
{
    u32 capacity = MAX(64u, index->page_capacity);
    while (capacity <= page)
        capacity *= 2;
    struct search_entry **pages = store_memory_acquire(index->memory, capacity * sizeof pages[0]);
    if (index->page_capacity != 0) {
        memcpy((void *)pages, (const void *)index->pages, index->page_capacity * sizeof pages[0]);
        store_memory_release(index->memory, (void *)index->pages,
                             index->page_capacity * sizeof pages[0]);
    }
    index->pages = pages;
    index->page_capacity = capacity;
}

static struct search_entry *entry_of(struct search_index *index, u32 product)
{
    const u32 page = product / SEARCH_PAGE_PRODUCTS;
    if (page >= index->page_capacity)
        grow_pages(index, page);
    if (index->pages[page] == NULL)
        index->pages[page] =
            store_memory_acquire(index->memory, SEARCH_PAGE_PRODUCTS * sizeof(struct search_entry));
    return &index->pages[page][product % SEARCH_PAGE_PRODUCTS];
}

static void prepare_buffers(struct search_index *index)
{
    if (index->tokens == NULL) {
        index->tokens = store_memory_acquire(index->memory, TOKENS_BYTES);
        index->surfaces =
            store_memory_acquire(index->memory, INDEX_TOKENS_MAX * sizeof index->surfaces[0]);
        index->packed = store_memory_acquire(index->memory, PACKED_BYTES);
    }
    index->token_count = 0;
}

/* Adds the words of a text to the document that is being made; the position after the last one. */
static u32 take_text(struct search_index *index, enum index_field field, u32 position,
                     struct span text)
{
    struct text_reader reader;
    struct text_word word;
    u32 after = position;
    if (index->policy.weights[field] == 0)
        return after;
    text_begin(&reader, text);
    while (text_next(&reader, &word)) {
        after = MAX(after, position + word.position + 1);
        const struct span surface = {.data = word.data, .bytes = word.bytes};
        const u32 id = index->token_count < INDEX_TOKENS_MAX ? dict_add(&index->dict, surface) : 0;
        if (id == 0)
            continue;
        index->surfaces[index->token_count] = id;
        index->tokens[index->token_count++] =
            (struct index_token){.term = dict_term(&index->dict, id),
                                 .position = position + word.position,
                                 .field = (u16)field};
    }
    return after;
}

/* The values of lines of name=value that are searched. */
static void take_attributes(struct search_index *index, struct span lines)
{
    u32 position = 0;
    for (u32 at = 0, end; at < lines.bytes; at = end + 1) {
        end = pack_find(lines, at, '\n');
        const struct span line = {.data = lines.data + at, .bytes = end - at};
        const u32 equals = pack_find(line, 0, '=');
        if (equals == line.bytes)
            continue;
        const struct span name = {.data = line.data, .bytes = equals};
        const struct span value = {.data = line.data + equals + 1,
                                   .bytes = line.bytes - equals - 1};
        if (index->is_searched(index->is_searched_context, name))
            position = take_text(index, INDEX_ATTRIBUTES, position, value) + SEARCH_VALUE_GAP;
    }
}

static void take_product(struct search_index *index, const struct product *product)
{
    struct span texts[PRODUCT_TEXT_COUNT];
    product_texts(product, texts);
    (void)take_text(index, INDEX_TITLE, 0, texts[PRODUCT_TEXT_TITLE]);
    (void)take_text(index, INDEX_BRAND, 0, texts[PRODUCT_TEXT_BRAND]);
    (void)take_text(index, INDEX_CATEGORY, 0, texts[PRODUCT_TEXT_CATEGORY]);
    take_attributes(index, texts[PRODUCT_TEXT_ATTRIBUTES]);
    (void)take_text(index, INDEX_DESCRIPTION, 0, texts[PRODUCT_TEXT_DESCRIPTION]);
    u32 position = take_text(index, INDEX_CODE, 0, texts[PRODUCT_TEXT_CODE]) + SEARCH_VALUE_GAP;
    for (u32 i = 0; i < product->sku_count; i++)
        if (product->skus[i].kind == RESOURCE_KIND_SKU)
            position = take_text(index, INDEX_CODE, position, product_sku_code(product, i)) +
                       SEARCH_VALUE_GAP;
}

static void sort_numbers(u32 *numbers, u32 count)
{
    for (u32 gap = count / 2; gap != 0; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (u32 i = gap; i < count; i++) {
            const u32 number = numbers[i];
            u32 at = i;
            for (; at >= gap && numbers[at - gap] > number; at -= gap)
                numbers[at] = numbers[at - gap];
            numbers[at] = number;
        }
}

static u32 drop_twins(u32 *numbers, u32 count)
{
    u32 kept = 0;
    for (u32 i = 0; i < count; i++)
        if (kept == 0 || numbers[kept - 1] != numbers[i])
            numbers[kept++] = numbers[i];
    return kept;
}

/* Counts the surfaces of the document and remembers them. */
static void keep_surfaces(struct search_index *index, struct search_entry *entry)
{
    sort_numbers(index->surfaces, index->token_count);
    const u32 count = drop_twins(index->surfaces, index->token_count);
    u32 bytes = 0;
    for (u32 i = 0, before = 0; i < count; before = index->surfaces[i++]) {
        dict_count(&index->dict, index->surfaces[i], 1);
        u32 rest = index->surfaces[i] - before;
        for (; rest >= 0x80; rest >>= 7)
            index->packed[bytes++] = (u8)(rest | 0x80);
        index->packed[bytes++] = (u8)rest;
    }
    entry->bytes = bytes;
    entry->surfaces = bytes == 0 ? NULL : arena_acquire(&index->arena, bytes);
    if (bytes != 0)
        memcpy(entry->surfaces, index->packed, bytes);
}

/* The surface after `before` in the packed ones; *at grows. */
static u32 next_surface(const struct search_entry *entry, u32 *at, u32 before)
{
    u32 shift = 0, difference = 0;
    do {
        difference |= (u32)(entry->surfaces[*at] & 0x7f) << shift;
        shift += 7;
    } while ((entry->surfaces[(*at)++] & 0x80) != 0);
    return before + difference;
}

bool search_index_has_surface(const struct search_index *index, u32 product, u32 surface)
{
    MUST(search_index_doc(index, product) != 0);
    const struct search_entry *entry =
        &index->pages[product / SEARCH_PAGE_PRODUCTS][product % SEARCH_PAGE_PRODUCTS];
    u32 own = 0;
    for (u32 at = 0; at < entry->bytes && own < surface;)
        own = next_surface(entry, &at, own);
    return own == surface;
}

static void drop_surfaces(struct search_index *index, struct search_entry *entry)
{
    for (u32 at = 0, surface = 0; at < entry->bytes;) {
        surface = next_surface(entry, &at, surface);
        dict_count(&index->dict, surface, -1);
    }
    if (entry->bytes != 0)
        ARENA_RELEASE(&index->arena, entry->surfaces, entry->bytes);
    entry->bytes = 0;
}

static struct column_facts facts_of(const struct product *product)
{
    const struct product_facts *facts = &product->facts;
    return (struct column_facts){.product_id = product->product_id,
                                 .price = product->price_from,
                                 .price_before = facts->price_before,
                                 .created_at_ns = product->created_at_ns,
                                 .visible_from_ns = facts->visible_from_ns,
                                 .visible_until_ns = facts->visible_until_ns,
                                 .buyable_from_ns = facts->buyable_from_ns,
                                 .buyable_until_ns = facts->buyable_until_ns,
                                 .rating_sum = product->rating_sum,
                                 .rating_count = product->rating_count,
                                 .popularity = facts->popularity,
                                 .currency = facts->currency,
                                 .margin = facts->margin,
                                 .marks = facts->marks,
                                 .state = product->state};
}

void search_index_numbers(struct search_index *index, const struct product *product, u32 at)
{
    const u32 doc = search_index_doc(index, at);
    if (doc == 0)
        return;
    const struct column_facts facts = facts_of(product);
    columns_put(&index->columns, doc, &facts);
}

void search_index_put(struct search_index *index, const struct product *product, u32 at)
{
    struct search_entry *entry = entry_of(index, at);
    if (entry->doc != 0) {
        drop_surfaces(index, entry);
        index_kill(&index->index, entry->doc);
        columns_kill(&index->columns, entry->doc);
        entry->doc = 0;
    }
    if (product->is_deleted != 0)
        return;
    prepare_buffers(index);
    take_product(index, product);
    entry->doc = index_add(&index->index, at, index->tokens, index->token_count, &index->policy);
    keep_surfaces(index, entry);
    const struct column_facts facts = facts_of(product);
    columns_put(&index->columns, entry->doc, &facts);
    struct span texts[PRODUCT_TEXT_COUNT];
    product_texts(product, texts);
    columns_set_texts(&index->columns, entry->doc,
                      &(struct column_texts){.brand = texts[PRODUCT_TEXT_BRAND],
                                             .category = texts[PRODUCT_TEXT_CATEGORY],
                                             .attributes = texts[PRODUCT_TEXT_ATTRIBUTES]});
}

/* ---- upkeep ---- */

#define SWEEP_WORK     256u                  /* of each change, some hundred nanoseconds */
#define SWEEP_PER_WORD (2 * DICT_SWEEP_WORK) /* and for each word that nobody has since then */
#define WORN_WINDOWS   4u                    /* looked at with each change */

static bool has_postings(const void *context, u32 term)
{
    const struct index *index = context;
    const struct postings_list *list = postings_list_of(&index->postings, term);
    return list != NULL && list->count != 0;
}

void search_index_sweep(struct search_index *index, u32 unused_before)
{
    struct dict *dict = &index->dict;
    const u32 unused = dict_unused_count(dict);
    if (!index->is_sweeping && unused <= SEARCH_UNUSED_WORDS + dict->live_count / 4)
        return;
    const u32 fresh = unused > unused_before ? unused - unused_before : 0;
    index->is_sweeping =
        !dict_sweep(dict, SWEEP_WORK + fresh * SWEEP_PER_WORD, has_postings, &index->index);
}

/* Is little of the window alive? Not of the one that is being filled. */
static bool is_worn(const struct search_index *index, u32 window)
{
    const u32 live = index_window_live(&index->index, window);
    return live != 0 && live < INDEX_WINDOW_DOCS / 4 &&
           (window + 1) * INDEX_WINDOW_DOCS <= index_end(&index->index);
}

u32 search_index_worn(struct search_index *index)
{
    const u32 windows = index_end(&index->index) / INDEX_WINDOW_DOCS;
    for (u32 i = 0; i < WORN_WINDOWS && index->worn_doc == 0; i++) {
        index->worn_window = index->worn_window < windows ? index->worn_window + 1 : 0;
        if (is_worn(index, index->worn_window))
            index->worn_doc = MAX(index->worn_window * INDEX_WINDOW_DOCS, 1u);
    }
    if (index->worn_doc == 0)
        return 0;
    const u32 end = (index->worn_window + 1) * INDEX_WINDOW_DOCS;
    while (index->worn_doc < end) { /* at most a window, once for all that lives there */
        const u32 doc = index->worn_doc++;
        if (index_is_live(&index->index, doc))
            return index_product(&index->index, doc);
    }
    index->worn_doc = 0;
    return 0;
}

u32 search_index_stem(const struct search_index *index, struct span word, u8 *stem)
{
    const u32 surface = dict_find(&index->dict, word);
    if (surface == 0)
        return text_language_stem(&index->language, word, stem);
    const struct span known = dict_stem(&index->dict, dict_term(&index->dict, surface));
    memcpy(stem, known.data, known.bytes);
    return known.bytes;
}

bool search_index_valid(const struct search_index *index)
{
    return dict_valid(&index->dict) && index_valid(&index->index) && columns_valid(&index->columns);
}
