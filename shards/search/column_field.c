/* column_field: see column_field.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/column_field.h"

#include <string.h>

#include "proto/id.h"

#define NAME_SLOTS       4096u
#define BLOCK_DENSE_FROM (WINDOW_DOCS / 2) /* more are dense */

STATIC_CHECK(NAME_SLOTS >= 2 * COLUMN_FIELDS_MAX);

/* ---- arrays ---------------------------------------------------------------------------------- */

void column_array_release(struct column_fields *fields, void *array, size_t bytes)
{
    if (array == NULL)
        return;
    if (bytes <= ARENA_BYTES_MAX)
        arena_release(fields->arena, array, bytes);
    else
        store_memory_release(fields->memory, array, bytes);
}

void *column_array_grow(struct column_fields *fields, void *array, size_t old_bytes,
                        size_t new_bytes)
{
    MUST(new_bytes > old_bytes);
    u8 *grown = new_bytes <= ARENA_BYTES_MAX ? arena_acquire(fields->arena, new_bytes)
                                             : store_memory_acquire(fields->memory, new_bytes);
    if (old_bytes != 0)
        memcpy(grown, array, old_bytes);
    memset(grown + old_bytes, 0, new_bytes - old_bytes);
    column_array_release(fields, array, old_bytes);
    return grown;
}

/* Makes room for `index` in an array of u32. */
static u32 *grow_numbers(struct column_fields *fields, u32 *array, u32 *capacity, u32 index)
{
    if (index < *capacity)
        return array;
    const u32 old = *capacity;
    u32 wanted = MAX(old, 8u);
    while (wanted <= index) /* ends: indexes are below 2^31 */
        wanted *= 2;
    *capacity = wanted;
    return column_array_grow(fields, array, old * sizeof *array, wanted * sizeof *array);
}

/* ---- fields ---------------------------------------------------------------------------------- */

static u64 value_hash(u32 field, u64 value_id)
{
    return value_id + field * 0x9E3779B97F4A7C15ull;
}

static u64 hash_of_value(const void *context, u32 index)
{
    const struct column_fields *fields = context;
    const struct column_value *value = pool_at(&fields->values, index);
    return value_hash(value->field, value->value_id);
}

static u32 add_field(struct column_fields *fields, struct span name, u64 name_id)
{
    const u32 field = pool_acquire(&fields->pool);
    struct column_field *record = column_field_at(fields, field);
    MUST(field == fields->field_count + 1);
    MUST(name.bytes <= UINT16_MAX);
    fields->field_count = field;
    fields->empty_count++;
    record->name_id = name_id;
    record->name_bytes = (u16)name.bytes;
    record->name = arena_acquire(fields->arena, name.bytes);
    if (name.bytes != 0)
        memcpy(record->name, name.data, name.bytes);
    record->value_end = 1;
    return field;
}

void column_fields_init(struct column_fields *fields, struct store_memory *memory,
                        struct arena *arena)
{
    memset(fields, 0, sizeof *fields);
    fields->memory = memory;
    fields->arena = arena;
    pool_init(&fields->pool, memory, sizeof(struct column_field));
    pool_init(&fields->values, memory, sizeof(struct column_value));
    map_init(&fields->value_map, memory,
             (struct map_records){.context = fields, .hash_of = hash_of_value});
    const struct span none = {.data = NULL, .bytes = 0};
    const u32 brand = add_field(fields, none, 0);
    const u32 category = add_field(fields, none, 0);
    MUST(brand == COLUMN_FIELD_BRAND);
    MUST(category == COLUMN_FIELD_CATEGORY);
}

static void release_arrays(struct column_fields *fields, const struct column_field *record)
{
    column_array_release(fields, record->values, record->value_capacity * sizeof(u32));
    column_array_release(fields, record->blocks,
                         record->block_capacity * sizeof(struct column_block *));
}

static void release_field(struct column_fields *fields, u32 field)
{
    struct column_field *record = column_field_at(fields, field);
    for (u32 window = 0; window < record->block_capacity; window++)
        column_field_drop(fields, field, window);
    for (u32 ordinal = 1; ordinal < record->value_end; ordinal++) {
        struct column_value *value = column_value_at(fields, field, ordinal);
        arena_release(fields->arena, value->text, value->text_bytes);
    }
    release_arrays(fields, record);
    arena_release(fields->arena, record->name, record->name_bytes);
}

void column_fields_deinit(struct column_fields *fields)
{
    for (u32 field = 1; field <= fields->field_count; field++)
        release_field(fields, field);
    map_deinit(&fields->value_map);
    pool_deinit(&fields->values);
    pool_deinit(&fields->pool);
}

void column_fields_drop(struct column_fields *fields)
{
    for (u32 field = 1; field <= fields->field_count; field++)
        release_arrays(fields, column_field_at(fields, field)); /* long ones lie by themselves */
    map_deinit(&fields->value_map);
    pool_deinit(&fields->values);
    pool_deinit(&fields->pool);
}

/* The slot of a name, or the free one where it would be. */
static u32 find_name(const struct column_fields *fields, struct span name, u64 name_id)
{
    for (u32 slot = (u32)name_id % NAME_SLOTS;; slot = (slot + 1) % NAME_SLOTS) {
        if (fields->names[slot] == 0) /* ends: at most half are taken */
            return slot;
        const struct column_field *field = column_field_at(fields, fields->names[slot]);
        if (field->name_id == name_id && field->name_bytes == name.bytes &&
            memcmp(field->name, name.data, name.bytes) == 0)
            return slot;
    }
}

u32 column_field_find(const struct column_fields *fields, struct span name)
{
    if (name.bytes == 0)
        return 0;
    return fields->names[find_name(fields, name, id_from_code(name.data, name.bytes))];
}

u32 column_field_add(struct column_fields *fields, struct span name)
{
    MUST(name.bytes > 0);
    const u64 name_id = id_from_code(name.data, name.bytes);
    const u32 slot = find_name(fields, name, name_id);
    const u32 bit = (u32)(name_id >> 32) % COLUMN_LEFT_OUT_BITS;
    if (fields->names[slot] == 0 && fields->field_count < COLUMN_FIELDS_MAX)
        fields->names[slot] = add_field(fields, name, name_id);
    else if (fields->names[slot] == 0)
        fields->left_out[bit / 64] |= 1ull << bit % 64;
    return fields->names[slot];
}

bool column_field_left_out(const struct column_fields *fields, struct span name)
{
    const u32 bit = (u32)(id_from_code(name.data, name.bytes) >> 32) % COLUMN_LEFT_OUT_BITS;
    return column_field_find(fields, name) == 0 &&
           (fields->left_out[bit / 64] >> bit % 64 & 1) != 0;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool column_number_parse(struct span text, bool may_cut, i64 *number)
{
    u32 at = text.bytes != 0 && text.data[0] == '-' ? 1 : 0;
    const u32 first = at;
    u64 value = 0;
    u32 decimals = 0, digits = 0;
    bool has_point = false;
    for (; at < text.bytes; at++) {
        const u8 c = text.data[at];
        if (c == '.' && !has_point && digits != 0) {
            has_point = true;
            continue;
        }
        if (c < '0' || c > '9' || value > (u64)COLUMN_NUMBER_MAX / 10)
            return false;
        digits++;
        if (has_point && decimals == 3) {
            if (!may_cut)
                return false;
            continue;
        }
        decimals += has_point ? 1 : 0;
        value = value * 10 + (u64)(c - '0');
    }
    if (digits == 0 || (has_point && decimals == 0))
        return false;
    for (; decimals < 3; decimals++) {
        if (value > (u64)COLUMN_NUMBER_MAX / 10)
            return false;
        value *= 10;
    }
    if (value > (u64)COLUMN_NUMBER_MAX)
        return false;
    *number = first == 1 ? -(i64)value : (i64)value;
    return true;
}

static u8 lower(u8 c)
{
    return c >= 'A' && c <= 'Z' ? (u8)(c + 32) : c;
}

enum column_truth column_truth(struct span text)
{
    static const struct {
        char text[6];
        u8 bytes;
        u8 truth;
    } words[] = {{"true", 4, COLUMN_TRUTH_YES}, {"yes", 3, COLUMN_TRUTH_YES},
                 {"1", 1, COLUMN_TRUTH_YES},    {"false", 5, COLUMN_TRUTH_NO},
                 {"no", 2, COLUMN_TRUTH_NO},    {"0", 1, COLUMN_TRUTH_NO}};
    for (u32 i = 0; i < ARRAY_COUNT(words); i++) {
        u32 same = 0;
        while (same < text.bytes && same < words[i].bytes &&
               lower(text.data[same]) == (u8)words[i].text[same])
            same++;
        if (same == words[i].bytes && same == text.bytes)
            return (enum column_truth)words[i].truth;
    }
    return COLUMN_TRUTH_NONE;
}

struct value_key {
    struct span text;
    u64 value_id;
    u32 field;
    bool is_id; /* the text is not known */
};

static bool value_equal(const void *context, u32 index, const void *key)
{
    const struct column_fields *fields = context;
    const struct column_value *value = pool_at(&fields->values, index);
    const struct value_key *wanted = key;
    if (value->field != wanted->field || value->value_id != wanted->value_id)
        return false;
    return wanted->is_id || (value->text_bytes == wanted->text.bytes &&
                             memcmp(value->text, wanted->text.data, wanted->text.bytes) == 0);
}

static u32 find_record(const struct column_fields *fields, const struct value_key *key)
{
    return map_find(&fields->value_map, value_hash(key->field, key->value_id), value_equal, fields,
                    key);
}

static u32 ordinal_of(const struct column_fields *fields, u32 record)
{
    return record == 0 ? 0 : ((struct column_value *)pool_at(&fields->values, record))->ordinal;
}

u32 column_value_find(const struct column_fields *fields, u32 field, struct span text)
{
    if (text.bytes == 0)
        return 0;
    const struct value_key key = {
        .text = text, .value_id = id_from_code(text.data, text.bytes), .field = field};
    return ordinal_of(fields, find_record(fields, &key));
}

u32 column_value_by_id(const struct column_fields *fields, u32 field, u64 value_id)
{
    const struct value_key key = {.value_id = value_id, .field = field, .is_id = true};
    return ordinal_of(fields, find_record(fields, &key));
}

/* An ordinal that nobody has any more, without its value; 0: there is none. */
static u32 reuse_ordinal(struct column_fields *fields, struct column_field *field)
{
    while (field->first_unused != 0) { /* ends: one is taken out each time */
        const u32 ordinal = field->first_unused;
        struct column_value *value = pool_at(&fields->values, field->values[ordinal]);
        MUST(value->is_unused);
        field->first_unused = value->next_unused;
        value->next_unused = 0;
        value->is_unused = 0;
        if (value->live_count != 0)
            continue; /* somebody has it again */
        map_remove(&fields->value_map, value_hash(value->field, value->value_id),
                   field->values[ordinal]);
        arena_release(fields->arena, value->text, value->text_bytes);
        pool_release(&fields->values, &field->values[ordinal]);
        return ordinal;
    }
    return 0;
}

static u32 add_value(struct column_fields *fields, const struct value_key *key, bool may_reuse)
{
    struct column_field *field = column_field_at(fields, key->field);
    u32 ordinal = may_reuse ? reuse_ordinal(fields, field) : 0;
    if (ordinal == 0) {
        ordinal = field->value_end++;
        MUST(ordinal < COLUMN_LIST);
        field->values = grow_numbers(fields, field->values, &field->value_capacity, ordinal);
    }
    const u32 record = pool_acquire(&fields->values);
    struct column_value *value = pool_at(&fields->values, record);
    field->values[ordinal] = record;
    value->value_id = key->value_id;
    value->text = arena_acquire(fields->arena, key->text.bytes);
    memcpy(value->text, key->text.data, key->text.bytes);
    value->text_bytes = (u16)key->text.bytes;
    value->field = key->field;
    value->ordinal = ordinal;
    value->is_number = column_number_parse(key->text, true, &value->number);
    value->truth = (u8)column_truth(key->text);
    map_insert(&fields->value_map, value_hash(key->field, key->value_id), record);
    return record;
}

u32 column_value_take(struct column_fields *fields, u32 field, struct span text, bool may_reuse)
{
    MUST(text.bytes > 0 && text.bytes <= UINT16_MAX);
    MUST(field != COLUMN_FIELD_CATEGORY);
    const struct value_key key = {
        .text = text, .value_id = id_from_code(text.data, text.bytes), .field = field};
    u32 record = find_record(fields, &key);
    if (record == 0)
        record = add_value(fields, &key, may_reuse);
    struct column_value *value = pool_at(&fields->values, record);
    value->live_count++;
    return value->ordinal;
}

void column_value_give(struct column_fields *fields, u32 field, u32 ordinal)
{
    struct column_field *record = column_field_at(fields, field);
    struct column_value *value = column_value_at(fields, field, ordinal);
    MUST(value->live_count > 0);
    value->live_count--;
    if (value->live_count != 0 || value->is_unused)
        return;
    value->is_unused = 1;
    value->next_unused = record->first_unused;
    record->first_unused = ordinal;
}

/* ---- who has which ----------------------------------------------------------------------------- */

static struct column_block *make_block(struct column_fields *fields, struct column_field *field,
                                       u32 window)
{
    if (window >= field->block_capacity) {
        const u32 old = field->block_capacity;
        u32 wanted = MAX(old, 4u);
        while (wanted <= window) /* ends: windows are below 2^20 */
            wanted *= 2;
        field->blocks =
            column_array_grow(fields, field->blocks, old * sizeof(struct column_block *),
                              wanted * sizeof(struct column_block *));
        field->block_capacity = wanted;
    }
    if (field->blocks[window] == NULL) {
        field->blocks[window] = arena_acquire(fields->arena, sizeof(struct column_block));
        memset(field->blocks[window], 0, sizeof(struct column_block));
    }
    return field->blocks[window];
}

static void release_entries(struct column_fields *fields, struct column_block *block)
{
    column_array_release(fields, block->ordinals, block->capacity * sizeof block->ordinals[0]);
    if (block->narrow != NULL)
        column_array_release(fields, block->narrow, WINDOW_DOCS * sizeof block->narrow[0]);
}

static bool fits_narrow(u32 entry)
{
    return (entry & ~COLUMN_LIST) < COLUMN_NARROW_LIST;
}

/* Gives the block an array for all documents of the window instead of what it has. */
static void make_dense(struct column_fields *fields, struct column_block *block, bool is_narrow)
{
    u32 *dense = NULL;
    u16 *narrow = NULL;
    if (is_narrow)
        narrow = column_array_grow(fields, NULL, 0, WINDOW_DOCS * sizeof *narrow);
    else
        dense = column_array_grow(fields, NULL, 0, WINDOW_DOCS * sizeof *dense);
    for (u32 at = 0; at < WINDOW_DOCS; at++) {
        const u32 entry = window_has(&block->present, at) ? column_block_entry(block, at) : 0;
        if (is_narrow)
            narrow[at] = (u16)(entry | entry >> 16);
        else
            dense[at] = entry;
    }
    release_entries(fields, block);
    block->ordinals = dense;
    block->narrow = narrow;
    block->capacity = is_narrow ? 0 : WINDOW_DOCS;
    block->is_dense = true;
}

static bool may_be_narrow(const struct column_block *block)
{
    for (u32 i = 0; i < block->count; i++)
        if (!fits_narrow(block->ordinals[i]))
            return false;
    return true;
}

static void append_entry(struct column_fields *fields, struct column_block *block, u32 at,
                         u32 entry)
{
    if (!block->is_dense && block->count == BLOCK_DENSE_FROM)
        make_dense(fields, block, may_be_narrow(block));
    if (block->narrow != NULL && !fits_narrow(entry))
        make_dense(fields, block, false);
    if (!block->is_dense) {
        if (block->present.words[at / 64] == 0)
            block->ranks[at / 64] = (u16)block->count;
        block->ordinals = grow_numbers(fields, block->ordinals, &block->capacity, block->count);
    }
    if (block->narrow != NULL)
        block->narrow[at] = (u16)(entry | entry >> 16);
    else
        block->ordinals[block->is_dense ? at : block->count] = entry;
    window_set(&block->present, at);
    block->count++;
}

static u32 append_list(struct column_fields *fields, struct column_block *block,
                       const u32 *ordinals, u32 count)
{
    const u32 at = block->list_used;
    block->lists = grow_numbers(fields, block->lists, &block->list_capacity, at + count);
    block->lists[at] = count;
    memcpy(block->lists + at + 1, ordinals, count * sizeof *ordinals);
    block->list_used += count + 1;
    return COLUMN_LIST | at;
}

void column_field_set(struct column_fields *fields, u32 field, u32 doc, const u32 *ordinals,
                      u32 count)
{
    struct column_field *record = column_field_at(fields, field);
    MUST(count > 0);
    MUST(doc > record->last_doc); /* I1 */
    struct column_block *block = make_block(fields, record, doc / WINDOW_DOCS);
    const u32 entry = count == 1 ? ordinals[0] : append_list(fields, block, ordinals, count);
    append_entry(fields, block, doc % WINDOW_DOCS, entry);
    record->last_doc = doc;
    if (record->live_count++ == 0)
        fields->empty_count--;
}

u32 column_field_get(const struct column_fields *fields, u32 field, u32 doc, u32 *single,
                     const u32 **ordinals)
{
    const struct column_field *record = column_field_at(fields, field);
    const struct column_block *block = column_block_at(record, doc / WINDOW_DOCS);
    if (block == NULL || !window_has(&block->present, doc % WINDOW_DOCS))
        return 0;
    const u32 entry = column_block_entry(block, doc % WINDOW_DOCS);
    if ((entry & COLUMN_LIST) != 0) {
        const u32 *list = block->lists + (entry & ~COLUMN_LIST);
        *ordinals = list + 1;
        return list[0];
    }
    *single = entry;
    *ordinals = single;
    return 1;
}

void column_field_kill(struct column_fields *fields, u32 field, u32 doc)
{
    u32 single;
    const u32 *ordinals;
    const u32 count = column_field_get(fields, field, doc, &single, &ordinals);
    if (count == 0)
        return;
    struct column_field *record = column_field_at(fields, field);
    MUST(record->live_count > 0);
    if (--record->live_count == 0)
        fields->empty_count++;
    for (u32 i = 0; i < count; i++) {
        if (field != COLUMN_FIELD_CATEGORY)
            column_value_give(fields, field, ordinals[i]);
    }
}

void column_field_drop(struct column_fields *fields, u32 field, u32 window)
{
    struct column_field *record = column_field_at(fields, field);
    if (window >= record->block_capacity || record->blocks[window] == NULL)
        return;
    struct column_block *block = record->blocks[window];
    release_entries(fields, block);
    column_array_release(fields, block->lists, block->list_capacity * sizeof(u32));
    arena_release(fields->arena, block, sizeof *block);
    record->blocks[window] = NULL;
}

/* ---- checks ------------------------------------------------------------------------------------ */

static bool field_valid(const struct column_fields *fields, u32 field)
{
    const struct column_field *record = column_field_at(fields, field);
    u32 unused = 0;
    for (u32 ordinal = 1; ordinal < record->value_end; ordinal++) {
        const struct column_value *value = column_value_at(fields, field, ordinal);
        if (value->field != field || value->ordinal != ordinal)
            return false;
        if (value->live_count == 0 && !value->is_unused) /* I4 */
            return false;
        unused += value->is_unused;
    }
    for (u32 at = record->first_unused; at != 0;
         at = column_value_at(fields, field, at)->next_unused)
        unused -= unused == 0 ? UINT32_MAX : 1;
    return unused == 0;
}

bool column_fields_valid(const struct column_fields *fields)
{
    u32 empty = 0;
    for (u32 field = 1; field <= fields->field_count; field++) {
        if (!field_valid(fields, field))
            return false;
        empty += column_field_at(fields, field)->live_count == 0 ? 1 : 0;
    }
    return empty == fields->empty_count && map_valid(&fields->value_map);
}
