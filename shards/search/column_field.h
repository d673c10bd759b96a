/* column_field: fields whose values are texts, and which document has which.
 *
 *      fields     name -> struct column_field; 1 is the brand, 2 the category, attributes follow
 *      values     (field, text) -> struct column_value; its ordinal counts the values of its field
 *      per window of 4,096 documents, where any has a value:
 *          packed   present bits, rank of each word, one u32 per document that is present
 *          dense    one u32 per document, once half of them have one
 *          narrow   as dense, with one u16, as long as everything in it has 15 bits
 *          an u32 is an ordinal, 0 = none, or LIST | where in `lists`: count, ordinals ...
 *
 * Who counts values of many documents waits for memory: narrow blocks are half of it. A packed block costs 0.7 KiB and 4 bytes per document, so that an attribute of few products in
 * every window is not paid for by all others (1,000 attributes over a million products would be 4 GiB).
 *
 * Invariants
 *   I1  documents get their values in order, each once; a value stands once in a document's list.
 *   I2  ordinals of the category are nodes of the tree, without a struct column_value.
 *   I3  value->live_count is how many live documents have it; field->live_count those that have any.
 *   I4  an ordinal whose value nobody has is in the field's list of the unused, once.
 *   I5  a field is never given back. When there are as many as there may be, and column_fields_worn, the
 *       columns are made anew (search_room.c): names that come and go keep no other out for ever.
 *   I6  of a name that found no room it is known: column_field_left_out says so, of others it may by chance.
 * Ownership  texts and arrays are in the arena of the columns, longer ones in chunks of the memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_COLUMN_FIELD_H
#define SOUK_SHARDS_SEARCH_COLUMN_FIELD_H

#include "proto/frame.h"
#include "proto/limits.h"
#include "shards/search/column_bits.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

#define COLUMN_FIELD_BRAND    1u
#define COLUMN_FIELD_CATEGORY 2u
#define COLUMN_FIELDS_MAX     (ATTRIBUTE_NAMES_MAX + 2u)
#define COLUMN_LEFT_OUT_BITS  65536u
#define COLUMN_LIST           (1u << 31) /* not an ordinal, but where a list is */
#define COLUMN_NARROW_LIST    (1u << 15) /* the same in a narrow block */

/* Numbers of attributes have three decimals: 5.25 is 5250. */
#define COLUMN_NUMBER_SCALE 1000
#define COLUMN_NUMBER_MAX   ((i64)PRICE_MAX * COLUMN_NUMBER_SCALE)

enum column_truth { COLUMN_TRUTH_NONE = 0, COLUMN_TRUTH_YES = 1, COLUMN_TRUTH_NO = 2 };

struct column_value {
    u64 value_id; /* id_from_code of the text */
    u8 *text;
    i64 number; /* in thousandths, if it is one */
    u32 field;
    u32 ordinal;
    u32 live_count;
    u32 next_unused; /* ordinal, 0 = the last */
    u16 text_bytes;
    u8 is_number;
    u8 truth; /* enum column_truth */
    u8 is_unused;
    u8 zero[3];
};
STATIC_CHECK(sizeof(struct column_value) == 48);

struct column_block {
    struct window_bits present;
    u16 ranks[WINDOW_WORDS]; /* documents present before the word */
    u32 *ordinals;           /* `count` of them, or WINDOW_DOCS when dense; NULL when narrow */
    u16 *narrow;             /* WINDOW_DOCS; NULL when not narrow */
    u32 *lists;
    u32 count;
    u32 capacity;
    u32 list_used;
    u32 list_capacity;
    bool is_dense;
};

struct column_field {
    u64 name_id;
    u8 *name;
    struct column_block **blocks; /* per window, NULL: nobody has one */
    u32 *values;                  /* ordinal -> record of struct column_value */
    u32 block_capacity;
    u32 value_capacity;
    u32 value_end; /* ordinals are below */
    u32 first_unused;
    u32 live_count;
    u32 last_doc;
    u16 name_bytes;
    u16 zero0;
    u32 zero1;
};

struct column_fields {
    struct store_memory *memory;
    struct arena *arena;
    struct pool pool; /* of struct column_field: record i is field i */
    struct pool values;
    struct map value_map;
    u32 field_count;
    u32 empty_count;                         /* fields that no document has any more */
    u32 names[4096];                         /* hash table of the fields, by name id; 0 = free */
    u64 left_out[COLUMN_LEFT_OUT_BITS / 64]; /* by name id: such a name found no room (I6) */
};

void column_fields_init(struct column_fields *fields, struct store_memory *memory,
                        struct arena *arena);
void column_fields_deinit(struct column_fields *fields);
/* Leaves what is in the arena to who owns that. */
void column_fields_drop(struct column_fields *fields);

/* The field of an attribute, or 0. */
u32 column_field_find(const struct column_fields *fields, struct span name);
/* The same, made if there is room; 0: there are too many. */
u32 column_field_add(struct column_fields *fields, struct span name);
/* Is the name no field, and may have found no room when it wanted to be? */
bool column_field_left_out(const struct column_fields *fields, struct span name);

/* The ordinal of a text in a field, or 0. */
u32 column_value_find(const struct column_fields *fields, u32 field, struct span text);
/* The same, made if it is new (of the unused ones if `may_reuse`), and counted once more. */
u32 column_value_take(struct column_fields *fields, u32 field, struct span text, bool may_reuse);
/* Counted once less. */
void column_value_give(struct column_fields *fields, u32 field, u32 ordinal);
/* The ordinal of the value with this id, or 0: for labels. */
u32 column_value_by_id(const struct column_fields *fields, u32 field, u64 value_id);

/* Sets the ordinals (none twice) of a document, and that the field has one more; documents in order. */
void column_field_set(struct column_fields *fields, u32 field, u32 doc, const u32 *ordinals,
                      u32 count);
/* The document does not count any more, and neither do its values, which stay where they are. */
void column_field_kill(struct column_fields *fields, u32 field, u32 doc);
/* Frees what a window holds of the field. */
void column_field_drop(struct column_fields *fields, u32 field, u32 window);

bool column_fields_valid(const struct column_fields *fields);

/* Decimal number with up to three decimals (more: cut if `may_cut`, else none) in thousandths. */
bool column_number_parse(struct span text, bool may_cut, i64 *number);

/* true yes 1, false no 0, in any case. */
enum column_truth column_truth(struct span text);

/* No field can be added, but an eighth of them is empty. */
static inline bool column_fields_worn(const struct column_fields *fields)
{
    return fields->field_count == COLUMN_FIELDS_MAX && fields->empty_count >= COLUMN_FIELDS_MAX / 8;
}

static inline struct column_field *column_field_at(const struct column_fields *fields, u32 field)
{
    return pool_at(&fields->pool, field);
}

static inline struct column_value *column_value_at(const struct column_fields *fields, u32 field,
                                                   u32 ordinal)
{
    return pool_at(&fields->values, column_field_at(fields, field)->values[ordinal]);
}

static inline const struct column_block *column_block_at(const struct column_field *field,
                                                         u32 window)
{
    return window < field->block_capacity ? field->blocks[window] : NULL;
}

static inline u32 column_narrow_entry(u16 narrow)
{
    const u32 is_list = narrow >> 15;
    return is_list << 31 | (narrow & (COLUMN_NARROW_LIST - 1));
}

/* Where the entry of a document that is present is; `at` is its number in the window. */
static inline u32 column_block_entry(const struct column_block *block, u32 at)
{
    if (block->narrow != NULL)
        return column_narrow_entry(block->narrow[at]);
    if (block->is_dense)
        return block->ordinals[at];
    const u64 below = block->present.words[at / 64] & ((1ull << at % 64) - 1);
    return block->ordinals[block->ranks[at / 64] + bits_count(below)];
}

/* The entries of those documents of a word that `mask` has, all of them present: as many as it has bits,
 * in their order. In the block if they stand together there, else in `scratch`, of 64. */
COLUMN_BODY const u32 *column_block_entries(const struct column_block *block, u32 word, u64 mask,
                                            bool is_fast, u32 *scratch)
{
    const u64 present = block->present.words[word];
    u32 count = 0;
    for (u64 left = mask; left != 0 && block->narrow != NULL; left &= left - 1)
        scratch[count++] =
            column_narrow_entry(block->narrow[word * 64 + (u32)__builtin_ctzll(left)]);
    if (block->narrow != NULL)
        return scratch;
    const u32 *ordinals = block->ordinals + (block->is_dense ? word * 64 : block->ranks[word]);
    if (mask == (block->is_dense ? ~0ull : present))
        return ordinals;
    for (u64 left = mask; left != 0; left &= left - 1) {
        const u64 below = present & ((left & (~left + 1)) - 1);
        scratch[count++] =
            ordinals[block->is_dense ? (u32)__builtin_ctzll(left) : bits_count_by(is_fast, below)];
    }
    return scratch;
}

/* The ordinals of a document: how many, and where they stand; `single` takes one that is alone. */
u32 column_field_get(const struct column_fields *fields, u32 field, u32 doc, u32 *single,
                     const u32 **ordinals);

/* Arrays that grow: in the arena, beyond its longest object in chunks. New bytes are zeroed. */
void *column_array_grow(struct column_fields *fields, void *array, size_t old_bytes,
                        size_t new_bytes);
void column_array_release(struct column_fields *fields, void *array, size_t bytes);

#endif
