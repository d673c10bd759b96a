/* find_words: documents and their words, in plain arrays; see find_oracle.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "proto/checksum.h"
#include "proto/id.h"
#include "tests/find/find_oracle.h"

#define VALUE_GAP 8u /* positions between two values, as documents have them */

/* ---- memory of a question ---- */

static u8 *bump_blocks[4096];
static u32 bump_block_count;
static size_t bump_used;
#define BUMP_BYTES ((size_t)4 << 20)

void *find_bump(size_t bytes)
{
    const size_t rounded = (bytes + 15) / 16 * 16;
    MUST(rounded <= BUMP_BYTES);
    if (bump_block_count == 0 || bump_used + rounded > BUMP_BYTES) {
        MUST(bump_block_count < ARRAY_COUNT(bump_blocks));
        bump_blocks[bump_block_count] = malloc(BUMP_BYTES);
        MUST(bump_blocks[bump_block_count] != NULL);
        bump_block_count++;
        bump_used = 0;
    }
    u8 *at = bump_blocks[bump_block_count - 1] + bump_used;
    bump_used += rounded;
    memset(at, 0, rounded);
    return at;
}

void *find_bump_more(const void *items, u32 count, u32 *capacity, size_t bytes)
{
    *capacity = MAX(64u, 2 * *capacity);
    void *more = find_bump(*capacity * bytes);
    if (count != 0)
        memcpy(more, items, count * bytes);
    return more;
}

void find_bump_reset(void)
{
    while (bump_block_count > 1)
        free(bump_blocks[--bump_block_count]);
    bump_used = 0;
}

/* ---- names ---- */

static u32 *slot_of(const struct find_names *names, struct span text)
{
    const u32 mask = 2 * names->capacity - 1;
    u32 at = (u32)checksum64(text.data, text.bytes) & mask;
    for (; names->table[at] != 0; at = (at + 1) & mask) { /* ends: half of it is free */
        const struct find_name *name = &names->items[names->table[at] - 1];
        if (name->bytes == text.bytes && memcmp(name->text, text.data, text.bytes) == 0)
            break;
    }
    return &names->table[at];
}

static void grow_names(struct find_names *names)
{
    names->capacity = MAX(1024u, 2 * names->capacity);
    names->items = realloc(names->items, names->capacity * sizeof names->items[0]);
    free(names->table);
    names->table = calloc(2 * (size_t)names->capacity, sizeof(u32));
    MUST(names->items != NULL && names->table != NULL);
    for (u32 i = 0; i < names->count; i++)
        *slot_of(names, find_name_span(names, i)) = i + 1;
}

u32 find_name_of(const struct find_names *names, struct span text)
{
    return names->count == 0 ? UINT32_MAX : *slot_of(names, text) - 1;
}

u32 find_name_add(struct find_names *names, struct span text)
{
    if (names->count == names->capacity)
        grow_names(names);
    u32 *slot = slot_of(names, text);
    if (*slot == 0) {
        struct find_name *name = &names->items[names->count];
        *name = (struct find_name){.bytes = (u8)text.bytes};
        memcpy(name->text, text.data, text.bytes);
        *slot = ++names->count;
    }
    return *slot - 1;
}

/* ---- documents ---- */

i64 find_doc_price(const struct find_doc *doc)
{
    i64 price = doc->put.price;
    bool has_price = false;
    for (u32 i = 0; i < doc->sku_count; i++)
        if (doc->skus[i].currency == doc->put.currency) {
            price = has_price ? MIN(price, doc->skus[i].price) : doc->skus[i].price;
            has_price = true;
        }
    return price;
}

u16 find_doc_state(const struct find_doc *doc)
{
    u16 state = STOCK_STATE_NONE;
    for (u32 i = 0; i < doc->sku_count; i++) {
        const struct find_sku *sku = &doc->skus[i];
        const u16 own = sku->quantity < 1              ? STOCK_STATE_NONE
                        : sku->quantity <= sku->low_at ? STOCK_STATE_LOW
                                                       : STOCK_STATE_SOME;
        state = MAX(state, own);
    }
    return state;
}

bool find_attribute_next(const char **at, struct span *name, struct span *value)
{
    while (*at != NULL && **at != '\0') {
        const char *line = *at;
        const char *end = strchr(line, '\n');
        const size_t bytes = end != NULL ? (size_t)(end - line) : strlen(line);
        *at = end != NULL ? end + 1 : line + bytes;
        const char *equals = memchr(line, '=', bytes);
        if (equals == NULL)
            continue;
        *name = (struct span){.data = (const u8 *)line, .bytes = (u32)(equals - line)};
        *value =
            (struct span){.data = (const u8 *)equals + 1, .bytes = (u32)bytes - name->bytes - 1};
        return true;
    }
    return false;
}

const struct find_attribute *find_attribute_of(const struct find_shop *shop, struct span name)
{
    for (u32 i = 0; i < shop->attribute_count; i++)
        if (strlen(shop->attributes[i].name) == name.bytes &&
            memcmp(shop->attributes[i].name, name.data, name.bytes) == 0)
            return &shop->attributes[i];
    return NULL;
}

u64 find_category_parent(const struct find_shop *shop, struct span code, struct span *above)
{
    *above = (struct span){0};
    for (u32 i = 0; i < shop->category_count; i++) {
        const struct find_category *category = &shop->categories[i];
        if (strlen(category->code) == code.bytes &&
            memcmp(category->code, code.data, code.bytes) == 0) {
            *above = (struct span){.data = (const u8 *)category->parent,
                                   .bytes = (u32)strlen(category->parent)};
            return above->bytes != 0 ? id_from_code(above->data, above->bytes) : 0;
        }
    }
    u32 bytes = code.bytes;
    while (bytes != 0 && code.data[bytes - 1] != '/')
        bytes--;
    if (bytes <= 1)
        return 0;
    *above = (struct span){.data = code.data, .bytes = bytes - 1};
    return id_from_code(above->data, above->bytes);
}

#define TOKENS_MAX 4096u

static u32 read_text(struct find_shop *shop, struct find_doc *doc, u32 field, u32 position,
                     struct span text)
{
    struct text_reader reader;
    struct text_word word;
    u8 stem[TEXT_WORD_BYTES];
    u32 after = position;
    if (shop->policy.weights[field] == 0)
        return after;
    text_begin(&reader, text);
    while (text_next(&reader, &word)) {
        const struct span surface = {.data = word.data, .bytes = word.bytes};
        const u32 at = find_name_add(&shop->words, surface);
        const u32 bytes = text_language_stem(&shop->language, surface, stem);
        const u32 stem_at =
            find_name_add(&shop->stems, (struct span){.data = stem, .bytes = bytes});
        shop->words.items[at].stem = stem_at;
        MUST(doc->token_count < TOKENS_MAX);
        doc->tokens[doc->token_count++] = (struct find_token){
            .word = at, .stem = stem_at, .position = position + word.position, .field = field};
        after = MAX(after, position + word.position + 1);
    }
    return after;
}

static struct span span_of(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = text == NULL ? 0 : (u32)strlen(text)};
}

static int compare_skus(const void *a, const void *b)
{
    const struct find_sku *x = a, *y = b;
    const int order = strcmp(x->code, y->code);
    return order != 0 ? order : x->id < y->id ? -1 : x->id > y->id;
}

static void read_texts(struct find_shop *shop, struct find_doc *doc)
{
    const char *lines = doc->texts[FIND_ATTRIBUTES];
    struct span name, value;
    u32 position = 0;
    doc->token_count = 0;
    (void)read_text(shop, doc, SCORE_TITLE, 0, span_of(doc->texts[FIND_TITLE]));
    (void)read_text(shop, doc, SCORE_BRAND, 0, span_of(doc->texts[FIND_BRAND]));
    (void)read_text(shop, doc, SCORE_CATEGORY, 0, span_of(doc->texts[FIND_CATEGORY]));
    while (find_attribute_next(&lines, &name, &value)) {
        const struct find_attribute *attribute = find_attribute_of(shop, name);
        if (attribute == NULL || attribute->is_searched != 0)
            position = read_text(shop, doc, SCORE_ATTRIBUTES, position, value) + VALUE_GAP;
    }
    (void)read_text(shop, doc, SCORE_DESCRIPTION, 0, span_of(doc->texts[FIND_DESCRIPTION]));
    position = read_text(shop, doc, SCORE_CODE, 0, span_of(doc->texts[FIND_CODE])) + VALUE_GAP;
    qsort(doc->skus, doc->sku_count, sizeof doc->skus[0], compare_skus);
    for (u32 i = 0; i < doc->sku_count; i++)
        position =
            read_text(shop, doc, SCORE_CODE, position, span_of(doc->skus[i].code)) + VALUE_GAP;
}

static bool is_before(const struct find_doc *doc, u32 at, bool is_word)
{
    for (u32 i = 0; i < at; i++)
        if (is_word ? doc->tokens[i].word == doc->tokens[at].word
                    : doc->tokens[i].stem == doc->tokens[at].stem)
            return true;
    return false;
}

static void count_words(struct find_shop *shop, const struct find_doc *doc, u32 change)
{
    for (u32 i = 0; i < doc->token_count; i++) {
        if (!is_before(doc, i, true))
            shop->words.items[doc->tokens[i].word].live += change;
        if (!is_before(doc, i, false))
            shop->stems.items[doc->tokens[i].stem].live += change;
    }
    shop->live += change;
}

/* Does another token before stand at the same place (and is of the same stem)? */
static bool is_there(const struct find_doc *doc, u32 at, bool is_stem)
{
    for (u32 i = 0; i < at; i++)
        if (doc->tokens[i].field == doc->tokens[at].field &&
            doc->tokens[i].position == doc->tokens[at].position &&
            (!is_stem || doc->tokens[i].stem == doc->tokens[at].stem))
            return true;
    return false;
}

static void score(struct find_shop *shop, struct find_doc *doc)
{
    u16 lengths[SCORE_FIELDS] = {0};
    for (u32 i = 0; i < doc->token_count; i++)
        if (!is_there(doc, i, false))
            lengths[doc->tokens[i].field]++;
    doc->has_count = 0;
    for (u32 i = 0; i < doc->token_count; i++) {
        u16 counts[SCORE_FIELDS] = {0};
        if (is_before(doc, i, false))
            continue;
        for (u32 j = i; j < doc->token_count; j++)
            if (doc->tokens[j].stem == doc->tokens[i].stem && !is_there(doc, j, true))
                counts[doc->tokens[j].field]++;
        doc->has[doc->has_count++] = (struct find_has){
            .stem = doc->tokens[i].stem, .impact = score_impact(&shop->policy, counts, lengths)};
    }
}

void find_doc_read(struct find_shop *shop, struct find_doc *doc)
{
    if (doc->is_counted)
        count_words(shop, doc, UINT32_MAX); /* one less */
    doc->is_counted = doc->is_live;
    if (!doc->is_live)
        return;
    static struct find_token tokens[TOKENS_MAX];
    struct find_token *old = doc->tokens;
    doc->tokens = tokens;
    read_texts(shop, doc);
    doc->tokens = realloc(old, (doc->token_count + 1) * sizeof doc->tokens[0]);
    doc->has = realloc(doc->has, (doc->token_count + 1) * sizeof doc->has[0]);
    MUST(doc->tokens != NULL && doc->has != NULL);
    memcpy(doc->tokens, tokens, doc->token_count * sizeof tokens[0]);
    count_words(shop, doc, 1);
    score(shop, doc);
}

void find_shop_init(struct find_shop *shop)
{
    *shop = (struct find_shop){.policy = score_policy_builtin,
                               .drop_below = SCORE_DROP_BELOW,
                               .typo1 = SCORE_TYPO1_LETTERS,
                               .typo2 = SCORE_TYPO2_LETTERS};
    text_language_init(&shop->language, span_of("english"));
}

void find_shop_free(struct find_shop *shop)
{
    for (u32 i = 0; i < shop->doc_count; i++) {
        for (u32 j = 0; j < FIND_TEXTS; j++)
            free(shop->docs[i].texts[j]);
        free(shop->docs[i].tokens);
        free(shop->docs[i].has);
    }
    free(shop->docs);
    free(shop->words.items);
    free(shop->words.table);
    free(shop->stems.items);
    free(shop->stems.table);
    text_language_deinit(&shop->language);
    find_bump_reset();
}
