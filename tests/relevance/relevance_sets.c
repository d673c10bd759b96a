/* relevance_sets: see relevance_sets.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/relevance/relevance_sets.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/csv.h"
#include "proto/checksum.h"

#define TEXT_MAX 1024u

/* ---- sets ------------------------------------------------------------------------------------- */

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    MUST(copy != NULL);
    return copy;
}

/* Room for one more item. */
static void *grow(void *items, u32 count, u32 *capacity, size_t bytes)
{
    if (count < *capacity)
        return items;
    *capacity = MAX(64u, 2 * *capacity);
    void *more = realloc(items, *capacity * bytes);
    MUST(more != NULL);
    return more;
}

static u32 *find_slot(const struct relevance_set *set, const char *name)
{
    u32 at = (u32)checksum64(name, strlen(name)) & set->table_mask;
    while (set->table[at] != 0 && strcmp(set->names[set->table[at] - 1], name) != 0)
        at = (at + 1) & set->table_mask; /* ends: half of the table is free */
    return &set->table[at];
}

static void grow_groups(struct relevance_set *set)
{
    set->group_capacity = MAX(64u, 2 * set->group_capacity);
    set->names = realloc((void *)set->names, set->group_capacity * sizeof set->names[0]);
    set->group_sizes = realloc(set->group_sizes, set->group_capacity * sizeof(u32));
    free(set->table);
    set->table_mask = 2 * set->group_capacity - 1;
    set->table = calloc(set->table_mask + 1, sizeof(u32));
    MUST(set->names != NULL && set->group_sizes != NULL && set->table != NULL);
    for (u32 i = 0; i < set->group_count; i++)
        *find_slot(set, set->names[i]) = i + 1;
}

u32 relevance_group(struct relevance_set *set, const char *name)
{
    if (set->group_count == set->group_capacity)
        grow_groups(set);
    u32 *slot = find_slot(set, name);
    if (*slot == 0) {
        set->names[set->group_count] = copy_text(name);
        set->group_sizes[set->group_count] = 0;
        *slot = ++set->group_count;
    }
    return *slot - 1;
}

void relevance_add_offer(struct relevance_set *set, u32 group, const char *title,
                         const char *category, const char *attributes)
{
    set->offers = grow(set->offers, set->offer_count, &set->offer_capacity, sizeof set->offers[0]);
    set->offers[set->offer_count++] = (struct relevance_offer){.title = copy_text(title),
                                                               .category = copy_text(category),
                                                               .attributes = copy_text(attributes),
                                                               .group = group};
    set->group_sizes[group]++;
}

void relevance_add_query(struct relevance_set *set, u32 group, const char *text)
{
    set->queries =
        grow(set->queries, set->query_count, &set->query_capacity, sizeof set->queries[0]);
    set->queries[set->query_count++] =
        (struct relevance_query){.text = copy_text(text), .group = group};
}

u64 relevance_next(u64 *state)
{
    u64 x = *state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

void relevance_free(struct relevance_set *set)
{
    for (u32 i = 0; i < set->offer_count; i++) {
        free(set->offers[i].title);
        free(set->offers[i].category);
        free(set->offers[i].attributes);
    }
    for (u32 i = 0; i < set->query_count; i++)
        free(set->queries[i].text);
    for (u32 i = 0; i < set->group_count; i++)
        free(set->names[i]);
    free(set->offers);
    free(set->queries);
    free((void *)set->names);
    free(set->group_sizes);
    free(set->table);
    *set = (struct relevance_set){0};
}

/* ---- real data -------------------------------------------------------------------------------- */

typedef void take_row(struct relevance_set *set, const struct csv_row *row, void *context);

static char *unpack(const char *data, const char *name, size_t *bytes)
{
    char command[600];
    (void)snprintf(command, sizeof command, "xz -dc '%s/%s' 2>/dev/null", data, name);
    FILE *from = popen(command, "re");
    MUST(from != NULL);
    size_t used = 0, capacity = 64u << 20;
    char *text = malloc(capacity);
    MUST(text != NULL);
    for (size_t got; (got = fread(text + used, 1, capacity - used - 1, from)) != 0;) {
        used += got;
        MUST(used + 1 < capacity);
    }
    *bytes = used;
    if (pclose(from) == 0 && used != 0)
        return text;
    free(text);
    return NULL;
}

/* Rows with at least `fields` fields, without the first. */
static bool read_rows(struct relevance_set *set, const char *data, const char *name, u32 fields,
                      take_row *take, void *context)
{
    size_t bytes;
    char *text = data != NULL ? unpack(data, name, &bytes) : NULL;
    struct csv_reader reader;
    struct csv_row row;
    u32 rows = 0;
    if (text == NULL)
        return false;
    csv_init(&reader, text, bytes);
    for (int is_row; (is_row = csv_next(&reader, &row)) != 0;)
        if (is_row > 0 && row.field_count >= fields && rows++ != 0)
            take(set, &row, context);
    free(text);
    return rows > 1;
}

/* pricerunner: product_id, product_title, vendor_id, cluster_id, cluster_label, ... */
static void take_offer(struct relevance_set *set, const struct csv_row *row, void *context)
{
    const u32 count = set->group_count;
    (void)context;
    const u32 group = relevance_group(set, row->fields[3].text);
    relevance_add_offer(set, group, row->fields[1].text, "", "");
    if (group == count)
        relevance_add_query(set, group, row->fields[4].text);
}

/* Queries of groups with fewer or more offers are left out. */
static void keep_groups(struct relevance_set *set, u32 least, u32 most)
{
    u32 kept = 0;
    for (u32 i = 0; i < set->query_count; i++) {
        const u32 size = set->group_sizes[set->queries[i].group];
        if (size >= least && size <= most)
            set->queries[kept++] = set->queries[i];
        else
            free(set->queries[i].text);
    }
    set->query_count = kept;
}

bool relevance_load_offers(struct relevance_set *set, const char *data)
{
    *set = (struct relevance_set){0};
    if (!read_rows(set, data, "pricerunner-offers.csv.xz", 6, take_offer, NULL))
        return false;
    keep_groups(set, 2, UINT32_MAX);
    return true;
}

/* online-retail: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, ...
 * The first spelling of a code is the product, every other one a query. Notes of the warehouse
 * ("damaged?") are in small letters or have no price. */
static void take_gift(struct relevance_set *set, const struct csv_row *row, void *context)
{
    struct relevance_set *spellings = context;
    char code[TEXT_MAX], key[2 * TEXT_MAX];
    const char *title = row->fields[2].text;
    bool is_note = strlen(title) < 6 || strtod(row->fields[5].text, NULL) <= 0;
    for (const char *at = title; *at != '\0'; at++)
        is_note = is_note || islower((u8)*at);
    if (is_note)
        return;
    (void)snprintf(code, sizeof code, "%s", row->fields[1].text);
    for (char *at = code; *at != '\0'; at++)
        *at = (char)toupper((u8)*at);
    const u32 codes = set->group_count, known = spellings->group_count;
    const u32 group = relevance_group(set, code);
    (void)snprintf(key, sizeof key, "%s %s", code, title);
    const bool is_new = relevance_group(spellings, key) == known;
    if (group == codes)
        relevance_add_offer(set, group, title, "", "");
    else if (is_new)
        relevance_add_query(set, group, title);
}

bool relevance_load_gifts(struct relevance_set *set, const char *data)
{
    struct relevance_set spellings = {0};
    *set = (struct relevance_set){0};
    const bool is_there =
        read_rows(set, data, "online-retail-2010-12-to-2011-08.csv.xz", 8, take_gift, &spellings);
    relevance_free(&spellings);
    return is_there;
}

static void shuffle(const char *words[4], u64 *random)
{
    for (u32 i = 3; i != 0; i--) {
        const u32 j = (u32)(relevance_next(random) % (i + 1));
        const char *word = words[i];
        words[i] = words[j];
        words[j] = word;
    }
}

/* fashion: id, gender, masterCategory, subCategory, articleType, baseColour, ..., displayName */
static void take_cloth(struct relevance_set *set, const struct csv_row *row, void *context)
{
    char brand[64], key[TEXT_MAX], category[TEXT_MAX], attributes[TEXT_MAX], query[TEXT_MAX];
    const char *gender = row->fields[1].text, *kind = row->fields[4].text;
    const char *colour = row->fields[5].text, *title = row->fields[9].text;
    if (sscanf(title, "%63s", brand) != 1)
        return;
    const u32 count = set->group_count;
    (void)snprintf(key, sizeof key, "%s|%s|%s|%s", brand, kind, colour, gender);
    (void)snprintf(category, sizeof category, "%s/%s/%s", row->fields[2].text, row->fields[3].text,
                   kind);
    for (char *at = category; *at != '\0'; at++)
        *at = isalnum((u8)*at) || *at == '/' ? (char)tolower((u8)*at) : '-';
    (void)snprintf(attributes, sizeof attributes, "colour=%s\ngender=%s", colour, gender);
    const u32 group = relevance_group(set, key);
    relevance_add_offer(set, group, title, category, attributes);
    if (group != count)
        return;
    const char *words[4] = {brand, kind, colour, gender};
    shuffle(words, context);
    (void)snprintf(query, sizeof query, "%s %s %s %s", words[0], words[1], words[2], words[3]);
    relevance_add_query(set, group, query);
}

bool relevance_load_clothes(struct relevance_set *set, const char *data)
{
    u64 random = 7;
    *set = (struct relevance_set){0};
    if (!read_rows(set, data, "fashion-catalog.csv.xz", 10, take_cloth, &random))
        return false;
    keep_groups(set, 2, 20);
    return true;
}
